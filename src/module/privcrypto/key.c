#include "module/privcrypto/key_body.h"

#include "base/memory.h"
#include "module/privcrypto/spki.h"

struct hsm_key *hsm_key_hold(struct hsm_key *key)
{
    __atomic_add_fetch(&key->num_references, 1, __ATOMIC_RELAXED);
    return key;
}

void hsm_key_free(struct hsm_key *key)
{
    if (key == NULL || __atomic_sub_fetch(&key->num_references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < HSM_SIGN_SCHEMES; i++) {
        EVP_PKEY_CTX_free(key->signer[i]);
        EVP_PKEY_CTX_free(key->verifier[i]);
    }
    EVP_PKEY_free(key->pkey);
    kq_buffer_clear(&key->public_key);
    kq_memory_free(key, sizeof *key);
}

static kq_status key_new(enum kq_key_type type, uint64_t bits, struct hsm_key **out)
{
    struct hsm_key *key = kq_memory_new(sizeof *key);
    if (key == NULL)
        return KQ_ERR_MEMORY;
    *key = (struct hsm_key){.type = type, .bits = bits, .num_references = 1};
    kq_buffer_init(&key->public_key, KQ_PUBLIC_MAX);
    *out = key;
    return KQ_OK;
}

kq_status hsm_key_of_pkey(enum kq_key_type type, uint64_t bits, EVP_PKEY **pkey, struct hsm_key **out)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(key_new(type, bits, &key));
    KQ_TRY(hsm_spki_put(type, *pkey, &key->public_key));
    if (EVP_Digest(key->public_key.data, key->public_key.len, key->public_hash, NULL, EVP_sha256(), NULL) != 1)
        return hsm_failed(KQ_ERR_INTERNAL);
    if (type == KQ_KEY_RSA)
        KQ_TRY(hsm_pkcs1_secret(*pkey, key->pkcs1_secret));
    key->pkey = KQ_TAKE(*pkey);
    *out = KQ_TAKE(key);
    return KQ_OK;
}

kq_status hsm_key_of_secret(struct kq_slice secret, struct hsm_key **out)
{
    if (secret.len != 16 && secret.len != 24 && secret.len != 32)
        return KQ_ERR_ARGUMENT;
    struct hsm_key *key = NULL;
    KQ_TRY(key_new(KQ_KEY_AES, 8 * secret.len, &key));
    memcpy(key->secret, secret.data, secret.len);
    *out = key;
    return KQ_OK;
}

enum kq_key_type hsm_key_type(const struct hsm_key *key)
{
    return key->type;
}

uint64_t hsm_key_bits(const struct hsm_key *key)
{
    return key->bits;
}

struct kq_slice hsm_key_public(const struct hsm_key *key)
{
    return kq_buffer_slice(&key->public_key);
}

void hsm_key_public_hash(const struct hsm_key *key, uint8_t out[32])
{
    memcpy(out, key->public_hash, sizeof key->public_hash);
}
