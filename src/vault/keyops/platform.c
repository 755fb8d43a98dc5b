#include "base/clock.h"
#include "vault/keyops/modules.h"

/* The service's own keys, in a world of their own. */

#define STORED_MAX (32u * 1024)

static kq_status read_made(const struct kq_key_reply *made, struct kq_keygen *out)
{
    struct kq_signed statement;
    KQ_TRY(kq_signed_get(made->certificate, &statement, NULL));
    return kq_keygen_get(statement.body, out, NULL);
}

static kq_status store_made(const struct kq_key_reply *made, struct kq_buffer *out)
{
    struct kq_keygen facts;
    struct kq_slice bytes;
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, STORED_MAX);
    KQ_TRY(read_made(made, &facts));
    const struct kq_vault_key_file file = {
        .created = kq_clock_unix_s(),
        .key_type = facts.key_type,
        .bits = facts.bits,
        .origin = facts.origin,
        .blob = made->blob,
        .place = facts.place,
        .public_key = made->public_key,
    };
    kq_vault_key_file_put(&file, &writer);
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    kq_buffer_clear(out);
    kq_buffer_init(out, STORED_MAX);
    return kq_buffer_append(out, bytes.data, bytes.len);
}

kq_status vault_keyops_platform_make(struct vault_keyops *keyops, const char *name, enum kq_key_type type,
                                     uint64_t bits, struct kq_buffer *out_stored, char why[VAULT_WHY_SIZE])
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_key_reply made;
    const struct kq_key_generate_request params = {
        .application = kq_slice_text(VAULT_PLATFORM_APPLICATION),
        .ident = kq_slice_text(name),
        .key_type = type,
        .bits = bits,
    };
    why[0] = '\0';
    kq_status status = vault_module_make(keyops, &keyops->platform, KQ_OP_KEY_GENERATE, &params, &made, &reply);
    return status == KQ_OK ? store_made(&made, out_stored) : vault_why(status, &reply, why);
}

kq_status vault_keyops_platform_public(const struct vault_platform_key *key, struct kq_slice *out_spki)
{
    struct kq_vault_key_file file;
    KQ_TRY(kq_vault_key_file_get(key->stored, &file, NULL));
    *out_spki = file.public_key;
    return KQ_OK;
}

kq_status vault_keyops_platform_sign(struct vault_keyops *keyops, const struct vault_platform_key *key,
                                     uint64_t mechanism, struct kq_slice digest, struct kq_buffer *out)
{
    struct kq_vault_key_file file;
    struct kq_place place;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_TRY(kq_vault_key_file_get(key->stored, &file, NULL));
    KQ_TRY(kq_place_get(file.place, &place, NULL));
    const struct vault_key_ref ref = {
        .subscription = "", .vault = "", .name = key->name, .version = "", .blob = file.blob};
    const struct vault_module_use use = {
        .key = &ref, .hknso = place.hknso.data, .op = KQ_OP_SIGN, .mechanism = mechanism, .value = digest};
    return vault_module_use(&keyops->platform, &use, out, &reply);
}
