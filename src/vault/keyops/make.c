#include <stdarg.h>
#include <stdio.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/public_key.h"
#include "trust/chain.h"
#include "vault/keyops/modules.h"

/* Keys that come to be: made, brought in, brought back. */

#define BLOB_MAX 12288u

void vault_made_key_clear(struct vault_made_key *made)
{
    kq_buffer_clear(&made->blob);
    kq_buffer_clear(&made->public_key);
    kq_buffer_clear(&made->receipt);
}

__attribute__((format(printf, 3, 4))) static kq_status refuse(kq_status status, char why[VAULT_WHY_SIZE],
                                                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, VAULT_WHY_SIZE, format, arguments);
    va_end(arguments);
    return status;
}

static kq_status find_region(struct vault_keyops *keyops, const char *region, struct vault_module **out,
                             char why[VAULT_WHY_SIZE])
{
    kq_status status = vault_module_find(keyops, region, out);
    why[0] = '\0';
    if (status != KQ_OK)
        return refuse(status, why, "region %s has no exchange key on this host", region);
    return KQ_OK;
}

/* What both replies say of a new key. */
struct made_facts {
    struct kq_slice blob;
    struct kq_slice public_key;
    struct kq_slice receipt;
    uint64_t origin;
};

static kq_status copy(struct kq_slice bytes, size_t max, struct kq_buffer *out)
{
    kq_buffer_init(out, max);
    return kq_buffer_append(out, bytes.data, bytes.len);
}

static kq_status keep(const struct made_facts *facts, struct vault_made_key *out)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_AUTO_VALUE(vault_made_key) made = {.origin = facts->origin};
    KQ_TRY(kq_public_key_new(facts->public_key, &key));
    made.type = kq_public_key_type(key);
    made.bits = kq_public_key_bits(key);
    KQ_TRY(copy(facts->blob, BLOB_MAX, &made.blob));
    KQ_TRY(copy(facts->public_key, KQ_PUBLIC_MAX, &made.public_key));
    KQ_TRY(copy(facts->receipt, KQ_PACKAGE_MAX, &made.receipt));
    *out = made;
    made = (struct vault_made_key){.origin = 0};
    return KQ_OK;
}

static kq_status make(struct vault_keyops *keyops, struct vault_module *module, enum kq_op op, const void *params,
                      struct vault_made_key *out, char why[VAULT_WHY_SIZE])
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_vault_key_reply made;
    kq_status status = vault_module_make(keyops, module, op, params, &made, &reply);
    if (status != KQ_OK)
        return vault_why(status, &reply, why);
    const struct made_facts facts = {
        .blob = made.blob, .public_key = made.public_key, .receipt = made.certificate, .origin = made.origin};
    return keep(&facts, out);
}

kq_status vault_keyops_generate(struct vault_keyops *keyops, const struct vault_key_ref *where, enum kq_key_type type,
                                uint64_t bits, uint64_t public_exponent, uint64_t purpose, struct vault_made_key *out,
                                char why[VAULT_WHY_SIZE])
{
    struct vault_module *module;
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(where, lower);
    KQ_TRY(find_region(keyops, where->region, &module, why));
    const struct kq_vault_key_generate_request params = {
        .subscription = kq_slice_text(at.subscription),
        .vault = kq_slice_text(at.vault),
        .key_name = kq_slice_text(at.name),
        .key_version = kq_slice_text(at.version),
        .key_type = type,
        .bits = bits,
        .public_exponent = public_exponent,
        .purpose = purpose,
    };
    return make(keyops, module, KQ_OP_VAULT_KEY_GENERATE, &params, out, why);
}

/* ---- a private JWK ---- */

static kq_status check_members(const struct kq_vault_key_import_request *params, char why[VAULT_WHY_SIZE])
{
    const struct {
        const char *name;
        struct kq_slice value;
    } members[] = {{"n", params->n},   {"e", params->e},   {"d", params->d},   {"p", params->p}, {"q", params->q},
                   {"dp", params->dp}, {"dq", params->dq}, {"qi", params->qi}, {"x", params->x}, {"y", params->y}};
    for (size_t i = 0; i < KQ_COUNT_OF(members); i++) {
        if (members[i].value.len > KQ_JWK_MEMBER_MAX)
            return refuse(KQ_ERR_ARGUMENT, why, "key.%s: longer than %u characters", members[i].name,
                          KQ_JWK_MEMBER_MAX);
        if (!kq_text_is_printable(members[i].value))
            return refuse(KQ_ERR_ARGUMENT, why, "key.%s: not base64url", members[i].name);
    }
    return KQ_OK;
}

kq_status vault_keyops_import_clear(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                    const struct vault_clear_jwk *jwk, struct vault_made_key *out,
                                    char why[VAULT_WHY_SIZE])
{
    struct vault_module *module;
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(where, lower);
    KQ_TRY(find_region(keyops, where->region, &module, why));
    const struct kq_vault_key_import_request params = {
        .subscription = kq_slice_text(at.subscription),
        .vault = kq_slice_text(at.vault),
        .key_name = kq_slice_text(at.name),
        .key_version = kq_slice_text(at.version),
        .key_type = jwk->type,
        .n = kq_slice_text(jwk->n),
        .e = kq_slice_text(jwk->e),
        .d = kq_slice_text(jwk->d),
        .p = kq_slice_text(jwk->p),
        .q = kq_slice_text(jwk->q),
        .dp = kq_slice_text(jwk->dp),
        .dq = kq_slice_text(jwk->dq),
        .qi = kq_slice_text(jwk->qi),
        .x = kq_slice_text(jwk->x),
        .y = kq_slice_text(jwk->y),
    };
    KQ_TRY(check_members(&params, why));
    return make(keyops, module, KQ_OP_VAULT_KEY_IMPORT, &params, out, why);
}

/* ---- a backup ---- */

kq_status vault_keyops_restore(struct vault_keyops *keyops, const struct vault_key_ref *where, const char *from_vault,
                               struct vault_made_key *out, char why[VAULT_WHY_SIZE])
{
    struct vault_module *module;
    uint8_t hknso[32];
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_vault_key_restore_request params = {.blob = where->blob, .vault = kq_slice_text(where->vault)};
    kq_writer_init(&writer, KQ_PLACE_MAX);
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(where, lower);
    KQ_TRY(find_region(keyops, where->region, &module, why));
    vault_module_facts(module, hknso);
    const struct kq_place place = {
        .kind = KQ_PLACE_VAULT,
        .hknso = kq_slice_of(hknso, sizeof hknso),
        .subscription = kq_slice_text(at.subscription),
        .vault = kq_slice_text(from_vault),
        .key_name = kq_slice_text(at.name),
        .key_version = kq_slice_text(at.version),
    };
    kq_place_put(&place, &writer);
    KQ_TRY(kq_writer_finish(&writer, &params.place));
    return make(keyops, module, KQ_OP_VAULT_KEY_RESTORE, &params, out, why);
}

/* ---- a transfer package ---- */

static void name_region(struct vault_module *module, uint64_t generation, char out[160])
{
    char label[KQ_REGION_LABEL_SIZE], world[KQ_HASH_TEXT_SIZE];
    uint8_t hknso[32];
    vault_module_facts(module, hknso);
    kq_hash_text(kq_slice_of(hknso, sizeof hknso), world);
    kq_region_label(module->region, generation, label);
    snprintf(out, 160, "%s (world %s)", label, world);
}

/* Words that name both regions, where the other one is known here. */
static kq_status refuse_elsewhere(struct vault_keyops *keyops, struct vault_module *here, struct kq_slice kek_hash,
                                  char why[VAULT_WHY_SIZE])
{
    uint8_t hknso[32];
    char there_name[160], here_name[160];
    for (size_t i = 0; i < keyops->num_regions; i++) {
        struct vault_module *there = &keyops->regions[i];
        uint64_t generation = vault_module_find_exchange(there, kek_hash);
        if (generation == 0)
            continue;
        name_region(there, generation, there_name);
        name_region(here, vault_module_facts(here, hknso), here_name);
        return refuse(KQ_ERR_MISMATCH, why,
                      "the package was made for region %s; this vault is in %s. Package the key again with the "
                      "toolset of this region, or import it in a vault of that one",
                      there_name, here_name);
    }
    return KQ_OK;
}

/* With none that fits, the newest: the module then says what is wrong in its own words. */
static kq_status choose_exchange(struct vault_keyops *keyops, struct vault_module *module, struct kq_slice package,
                                 uint64_t *out_generation, char why[VAULT_WHY_SIZE])
{
    struct kq_transfer_facts facts;
    uint8_t hknso[32];
    const char *field = NULL;
    kq_status status = kq_transfer_parse(package, &facts, &field);
    if (status == KQ_ERR_VERSION)
        return refuse(status, why, "the package was made by a newer version of the tools; update this server");
    if (status != KQ_OK)
        return refuse(status, why, "not a whole transfer package, or damaged (%s): send the .byok file as it was made",
                      field != NULL ? field : "form");
    *out_generation = vault_module_find_exchange(module, facts.header.kek_hash);
    if (*out_generation == 0) {
        KQ_TRY(refuse_elsewhere(keyops, module, facts.header.kek_hash, why));
        *out_generation = vault_module_facts(module, hknso);
    }
    return KQ_OK;
}

kq_status vault_keyops_import_package(struct vault_keyops *keyops, const struct vault_key_ref *where,
                                      struct kq_slice package, uint64_t origin_policy, struct vault_made_key *out,
                                      char why[VAULT_WHY_SIZE])
{
    struct vault_module *module;
    uint64_t generation = 0;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_exchange_file exchange;
    struct kq_transfer_import_reply made;
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(where, lower);
    KQ_TRY(find_region(keyops, where->region, &module, why));
    KQ_TRY(choose_exchange(keyops, module, package, &generation, why));
    KQ_TRY(vault_module_read_exchange(module, generation, &bytes, &exchange));
    const struct kq_transfer_import_request params = {
        .kek_blob = exchange.blob,
        .kek_place = exchange.place,
        .kek_certificate = exchange.certificate,
        .package = package,
        .subscription = kq_slice_text(at.subscription),
        .vault = kq_slice_text(at.vault),
        .key_name = kq_slice_text(at.name),
        .key_version = kq_slice_text(at.version),
        .origin_policy = origin_policy,
    };
    kq_status status = vault_module_make(keyops, module, KQ_OP_TRANSFER_IMPORT, &params, &made, &reply);
    if (status != KQ_OK)
        return vault_why(status, &reply, why);
    const struct made_facts facts = {
        .blob = made.blob, .public_key = made.public_key, .receipt = made.receipt, .origin = made.origin};
    return keep(&facts, out);
}
