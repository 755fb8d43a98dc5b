#include <stdio.h>

#include "pubcrypto/public_key.h"
#include "vault/keyops/modules.h"

static kq_status use_private(struct vault_keyops *keyops, const struct vault_key_ref *key, enum kq_op op,
                             uint64_t mechanism, struct kq_slice value, struct kq_buffer *out, char why[VAULT_WHY_SIZE])
{
    struct vault_module *module;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(key, lower);
    const struct vault_module_use use = {.key = &at, .op = op, .mechanism = mechanism, .value = value};
    kq_status status = vault_module_find(keyops, key->region, &module);
    if (status != KQ_OK) {
        snprintf(why, VAULT_WHY_SIZE, "region %s has no exchange key on this host", key->region);
        return status;
    }
    status = vault_module_use(module, &use, out, &reply);
    return status == KQ_OK ? KQ_OK : vault_why(status, &reply, why);
}

static kq_status use_public(struct kq_slice public_key, uint64_t mechanism, struct kq_slice value,
                            struct kq_buffer *out)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(kq_public_key_new(public_key, &key));
    if (mechanism == KQ_MECH_RSA_PKCS1)
        return kq_public_key_pkcs1_encrypt(key, value, out);
    return kq_public_key_oaep(key, mechanism, KQ_SLICE_EMPTY, value, out);
}

kq_status vault_keyops_use(struct vault_keyops *keyops, const struct vault_key_ref *key, enum vault_key_op op,
                           const struct vault_algorithm *algorithm, struct kq_slice value, struct kq_buffer *out,
                           char why[VAULT_WHY_SIZE])
{
    why[0] = '\0';
    if ((algorithm->ops & op) == 0)
        return KQ_ERR_ARGUMENT;
    switch (op) {
    case VAULT_OP_SIGN:
        return use_private(keyops, key, KQ_OP_SIGN, algorithm->mechanism, value, out, why);
    case VAULT_OP_DECRYPT:
    case VAULT_OP_UNWRAP:
        return use_private(keyops, key, KQ_OP_DECRYPT, algorithm->mechanism, value, out, why);
    case VAULT_OP_ENCRYPT:
    case VAULT_OP_WRAP: {
        kq_status status = use_public(key->public_key, algorithm->mechanism, value, out);
        if (status == KQ_ERR_ARGUMENT)
            snprintf(why, VAULT_WHY_SIZE, "value: empty, or too long for %s with this key", algorithm->name);
        return status;
    }
    default:
        return KQ_ERR_ARGUMENT;
    }
}

kq_status vault_keyops_verify(struct kq_slice public_key, const struct vault_algorithm *algorithm,
                              struct kq_slice digest, struct kq_slice signature, bool *out_is_valid)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(kq_public_key_new(public_key, &key));
    kq_status status = kq_public_key_verify(key, algorithm->mechanism, digest, signature);
    if (status != KQ_OK && status != KQ_ERR_SIGNATURE)
        return status;
    *out_is_valid = status == KQ_OK;
    return KQ_OK;
}

void vault_keyops_unload(struct vault_keyops *keyops, const struct vault_key_ref *key)
{
    struct vault_module *module;
    char lower[VAULT_SUBSCRIPTION_SIZE];
    const struct vault_key_ref at = vault_ref_normal(key, lower);
    if (vault_module_find(keyops, key->region, &module) == KQ_OK)
        vault_module_unload(module, &at);
}
