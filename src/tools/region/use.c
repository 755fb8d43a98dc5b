#include "tools/region/use.h"

#include <string.h>

#include "tools/common/connect.h"
#include "tools/common/key_use.h"

struct using
{
    struct kq_tool *tool;
    const struct kq_region_use *use;
    const struct kq_mechanism_name *mechanism;
    struct kq_region_folder folder;
    struct kq_buffer bytes;
    struct kq_vault_key_file file; /* borrows from bytes */
    char version[KQ_KEY_VERSION_LEN + 1];
};

/* ---- finding the key ---- */

static bool is_here(struct using *using, const struct kq_region *region)
{
    return kq_region_folder_init(&using->folder, using->use->data, region) == KQ_OK &&
           kq_region_get_key(&using->folder, &using->use->name, using->use->version, &using->bytes, &using->file,
                             using->version) == KQ_OK;
}

static kq_status find_key(struct using *using)
{
    const struct kq_region_use *use = using->use;
    for (size_t i = 0; i < kq_num_regions; i++) {
        if ((use->region == NULL || use->region == &kq_regions[i]) && is_here(using, &kq_regions[i]))
            return KQ_OK;
    }
    return kq_tool_fail(using->tool, KQ_ERR_NOT_FOUND, "`keyquay region import` brings one in.",
                        "there is no key %s in vault %s of subscription %s%s%s%s", use->name.name, use->name.vault,
                        use->name.subscription, use->region != NULL ? " in region " : "",
                        use->region != NULL ? use->region->name : "", use->version != NULL ? " in that version" : "");
}

/* ---- acts ---- */

/* The place is where the key was found, whatever its file says: a blob that was
 * moved is refused by the module. */
static kq_status state_place(const struct using *using, struct kq_buffer *out)
{
    struct kq_place place;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_slice bytes;
    kq_writer_init(&writer, KQ_PLACE_MAX);
    KQ_TRY(kq_place_get(using->file.place, &place, NULL));
    place.subscription = kq_slice_text(using->use->name.subscription);
    place.vault = kq_slice_text(using->use->name.vault);
    place.key_name = kq_slice_text(using->use->name.name);
    place.key_version = kq_slice_text(using->version);
    kq_place_put(&place, &writer);
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    kq_buffer_init(out, KQ_PLACE_MAX);
    return kq_buffer_append(out, bytes.data, bytes.len);
}

static kq_status open_key(struct using *using, struct kqc_key **out)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    if (state_place(using, &place) != KQ_OK)
        return kq_tool_fail(using->tool, KQ_ERR_FORMAT, "Import the package again.",
                            "%s: the key's file is damaged (place)", using->use->name.name);
    KQ_TRY(kq_tool_set_folder(using->tool, using->folder.path));
    KQ_TRY(kq_tool_connect_folder(using->tool));
    kq_status status = kqc_key_open(using->tool->session, using->file.blob, kq_buffer_slice(&place), out, &reply);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_reply(using->tool, status, &reply, using->use->name.name);
}

static kq_status sign(struct using *using)
{
    KQ_AUTO(kqc_key) key = NULL;
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t len = 0;
    enum kq_signature_form form;
    KQ_TRY(kq_use_form(using->tool, using->use->format, &form));
    KQ_TRY(kq_use_digest(using->tool, using->mechanism, using->use->in, digest, &len));
    KQ_TRY(open_key(using, &key));
    return kq_use_sign(using->tool, key, using->mechanism, kq_slice_of(digest, len), form, using->use->out);
}

static kq_status decrypt(struct using *using)
{
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {.max = KQ_DATA_MAX + 64};
    KQ_AUTO(kqc_key) key = NULL;
    KQ_TRY(kq_use_read(using->tool, using->use->in, KQ_DATA_MAX, &sealed));
    KQ_TRY(open_key(using, &key));
    KQ_TRY(kq_use_crypt(using->tool, key, KQ_OP_DECRYPT, using->mechanism, kq_buffer_slice(&sealed), NULL, &plain));
    return kq_use_write(using->tool, using->use->out, kq_buffer_slice(&plain), 0600);
}

static kq_status choose_mechanism(struct using *using, bool signs)
{
    const char *name = using->use->mechanism;
    using->mechanism = name == NULL ? NULL : kq_name_mechanism(name);
    if (using->mechanism == NULL || (using->mechanism->hash_bits != 0) != signs)
        return kq_tool_usage(using->tool, "--mechanism names one of %s that does this", kq_mechanism_names);
    return KQ_OK;
}

static kq_status run(struct using *using)
{
    const char *act = using->use->act;
    const bool signs = strcmp(act, "sign") == 0, decrypts = strcmp(act, "decrypt") == 0;
    char why[256];
    if (!signs && !decrypts && strcmp(act, "public") != 0)
        return kq_tool_usage(using->tool, "say what to do with the key: sign, decrypt or public");
    if (using->use->out == NULL)
        return kq_tool_usage(using->tool, "--out FILE is needed");
    if ((signs || decrypts) && using->use->in == NULL)
        return kq_tool_usage(using->tool, "--in FILE is needed");
    if (signs || decrypts)
        KQ_TRY(choose_mechanism(using, signs));
    if (kq_vault_key_name_check(&using->use->name, why, sizeof why) != KQ_OK)
        return kq_tool_fail(using->tool, KQ_ERR_ARGUMENT, NULL, "%s", why);
    KQ_TRY(find_key(using));
    if (signs)
        return sign(using);
    return decrypts ? decrypt(using) : kq_use_write_public(using->tool, using->file.public_key, using->use->out);
}

kq_status kq_region_use(struct kq_tool *tool, const struct kq_region_use *use)
{
    struct using using = {.tool = tool, .use = use};
    kq_status status = run(&using);
    kq_buffer_clear(&using.bytes);
    return status;
}
