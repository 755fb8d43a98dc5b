#include "module/privcrypto/warm.h"

#include "base/size.h"
#include "module/privcrypto/key.h"
#include "module/privcrypto/openssl.h"
#include "module/privcrypto/seal.h"

static const uint8_t message[64] = {1};

static kq_status warm_signatures(const struct hsm_key *key, uint64_t first, uint64_t last)
{
    static const size_t digest_lens[] = {[KQ_MECH_RSA_PKCS1_SHA256] = 32,
                                         [KQ_MECH_RSA_PKCS1_SHA384] = 48,
                                         [KQ_MECH_RSA_PKCS1_SHA512] = 64,
                                         [KQ_MECH_RSA_PSS_SHA256] = 32,
                                         [KQ_MECH_RSA_PSS_SHA384] = 48,
                                         [KQ_MECH_RSA_PSS_SHA512] = 64,
                                         [KQ_MECH_ECDSA] = 32,
                                         [KQ_MECH_RSA_PKCS1_RAW] = 32};
    for (uint64_t mechanism = first; mechanism <= last; mechanism++) {
        KQ_AUTO_VALUE(kq_buffer) signature = {0};
        kq_buffer_init(&signature, 512);
        KQ_TRY(hsm_key_sign(key, mechanism, kq_slice_of(message, digest_lens[mechanism]), &signature));
    }
    return KQ_OK;
}

/* Writes the key out and reads it back, as blobs and transfers do. */
static kq_status warm_encoding(const struct hsm_key *key)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO(hsm_key) again = NULL;
    kq_buffer_init(&bytes, KQ_PRIVATE_MAX);
    KQ_TRY(hsm_key_bytes(key, &bytes));
    return hsm_key_open(hsm_key_type(key), kq_buffer_slice(&bytes), &again);
}

static kq_status warm_rsa(void)
{
    static const uint64_t oaep[] = {KQ_MECH_RSA_OAEP_SHA1, KQ_MECH_RSA_OAEP_SHA256};
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(hsm_key_generate(KQ_KEY_RSA, 1024, 0, &key)); /* the smallest: this one protects nothing */
    KQ_TRY(warm_encoding(key));
    for (size_t i = 0; i < KQ_COUNT_OF(oaep); i++) {
        uint8_t garbage[128] = {0};
        KQ_AUTO_VALUE(kq_buffer) plain = {0};
        kq_buffer_init(&plain, 512);
        struct kq_slice ciphertext = kq_slice_of(garbage, sizeof garbage);
        struct kq_slice label = kq_slice_text("warm");
        if (hsm_key_oaep_open(key, oaep[i], label, ciphertext, &plain) != KQ_ERR_AUTH)
            return KQ_ERR_INTERNAL;
    }
    uint8_t garbage[128] = {0};
    KQ_AUTO_VALUE(kq_buffer) noise = {0};
    kq_buffer_init(&noise, 512);
    KQ_TRY(hsm_key_pkcs1_open(key, kq_slice_of(garbage, sizeof garbage), &noise));
    KQ_TRY(warm_signatures(key, KQ_MECH_RSA_PKCS1_RAW, KQ_MECH_RSA_PKCS1_RAW));
    /* PSS with SHA-512 needs more room than 1024 bits have */
    return warm_signatures(key, KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA384);
}

static kq_status warm_curves(void)
{
    for (enum kq_key_type type = KQ_KEY_EC_P256; type <= KQ_KEY_EC_SECP256K1; type++) {
        KQ_AUTO(hsm_key) key = NULL;
        KQ_TRY(hsm_key_generate(type, 0, 0, &key));
        KQ_TRY(warm_encoding(key));
        KQ_TRY(warm_signatures(key, KQ_MECH_ECDSA, KQ_MECH_ECDSA));
        if (type != KQ_KEY_EC_P384 && type != KQ_KEY_EC_P521)
            continue;
        KQ_AUTO_VALUE(kq_buffer) signature = {0}, agreed = {0};
        kq_buffer_init(&signature, KQ_SIGNATURE_MAX);
        kq_buffer_init(&agreed, 128);
        KQ_TRY(hsm_key_agree(key, hsm_key_public(key), &agreed));
        KQ_TRY(hsm_key_sign_bytes(key, kq_slice_of(message, sizeof message), &signature));
    }
    return KQ_OK;
}

static kq_status warm_aes(void)
{
    for (uint64_t bits = 128; bits <= 256; bits += 64) {
        KQ_AUTO(hsm_key) key = NULL;
        KQ_AUTO_VALUE(kq_buffer) sealed = {0}, plain = {0};
        kq_buffer_init(&sealed, 256);
        kq_buffer_init(&plain, 256);
        struct kq_slice text = kq_slice_of(message, sizeof message);
        KQ_TRY(hsm_key_generate(KQ_KEY_AES, bits, 0, &key));
        KQ_TRY(hsm_key_gcm_seal(key, text, text, &sealed));
        KQ_TRY(hsm_key_gcm_open(key, text, kq_buffer_slice(&sealed), &plain));
    }
    return KQ_OK;
}

static kq_status warm_seals(void)
{
    KQ_AUTO_VALUE(kq_buffer) sealed = {0}, plain = {0}, wrapped = {0}, unwrapped = {0};
    kq_buffer_init(&sealed, 256);
    kq_buffer_init(&plain, 256);
    kq_buffer_init(&wrapped, 256);
    kq_buffer_init(&unwrapped, 256);
    struct kq_slice text = kq_slice_of(message, sizeof message), key = kq_slice_of(message, 32);
    KQ_TRY(hsm_seal(key, key, "warm", text, text, &sealed));
    KQ_TRY(hsm_unseal(key, key, "warm", text, kq_buffer_slice(&sealed), &plain));
    KQ_TRY(hsm_kwp_wrap(key, text, &wrapped));
    return hsm_kwp_unwrap(key, kq_buffer_slice(&wrapped), &unwrapped);
}

/* DSA: everything but the group, whose making takes more than a second and
 * fetches nothing of its own. */
static kq_status warm_dsa(void)
{
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(NULL, "DSA", NULL);
    bool is_there = ctx != NULL && signature != NULL && EVP_PKEY_paramgen_init(ctx) == 1;
    EVP_SIGNATURE_free(signature);
    return is_there ? KQ_OK : hsm_failed(KQ_ERR_INTERNAL);
}

kq_status hsm_privcrypto_warm(void)
{
    KQ_TRY(warm_seals());
    KQ_TRY(warm_aes());
    KQ_TRY(warm_rsa());
    KQ_TRY(warm_curves());
    return warm_dsa();
}

kq_status hsm_privcrypto_warm_thread(void)
{
    uint8_t drawn[1];
    hsm_random(drawn, sizeof drawn);
    return KQ_OK;
}
