#include "module/acl/acl.h"
#include "module/keys/create.h"

/* Whether the request fits the key is settled before the ACL is asked, so that
 * a request that cannot work never takes one of a limited number of uses. */

static kq_status reply_bytes(const struct kq_buffer *bytes, struct kq_writer *results)
{
    const struct kq_bytes_reply reply = {.bytes = kq_buffer_slice(bytes)};
    kq_bytes_reply_put(&reply, results);
    return results->failure;
}

static kq_status find_key(struct hsm_call *call, uint64_t handle, struct hsm_loaded **out)
{
    KQ_TRY(hsm_find_loaded(call, handle, out));
    return hsm_note_key(call, (*out)->key, kq_buffer_slice(&(*out)->place));
}

kq_status hsm_sign_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_sign_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_TRY(find_key(call, request->handle, &loaded));
    if (!hsm_key_can_sign(loaded->key, request->mechanism, request->digest.len))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "mechanism: does not fit the key, or the length of the digest");
    KQ_TRY(hsm_acl_use(call, loaded, KQ_PERM_SIGN));
    kq_buffer_init(&signature, KQ_PUBLIC_MAX);
    KQ_TRY(hsm_key_sign(loaded->key, request->mechanism, request->digest, &signature));
    return reply_bytes(&signature, results);
}

kq_status hsm_encrypt_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_crypt_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_TRY(find_key(call, request->handle, &loaded));
    if (hsm_key_type(loaded->key) != KQ_KEY_AES || request->mechanism != KQ_MECH_AES_GCM)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED,
                             "mechanism: the module encrypts with AES-GCM only; with RSA anybody who has the public "
                             "key encrypts outside");
    KQ_TRY(hsm_acl_use(call, loaded, KQ_PERM_ENCRYPT));
    kq_buffer_init(&sealed, KQ_DATA_MAX + 64);
    KQ_TRY(hsm_key_gcm_seal(loaded->key, request->aad, request->data, &sealed));
    return reply_bytes(&sealed, results);
}

static kq_status check_decryption(struct hsm_call *call, const struct hsm_key *key,
                                  const struct kq_crypt_request *request)
{
    bool is_pkcs1 = request->mechanism == KQ_MECH_RSA_PKCS1;
    bool is_oaep = request->mechanism == KQ_MECH_RSA_OAEP_SHA1 || request->mechanism == KQ_MECH_RSA_OAEP_SHA256;
    switch (hsm_key_type(key)) {
    case KQ_KEY_RSA:
        if (!is_oaep && !is_pkcs1)
            return hsm_call_fail(call, KQ_ERR_UNSUPPORTED,
                                 "mechanism: an RSA key decrypts with OAEP (SHA-1, SHA-256) or PKCS #1 v1.5");
        if (is_pkcs1 && request->aad.len != 0)
            return hsm_call_fail(call, KQ_ERR_ARGUMENT, "aad: PKCS #1 v1.5 has no label");
        if (request->data.len != hsm_key_bits(key) / 8)
            return hsm_call_fail(call, KQ_ERR_ARGUMENT, "data: must be as long as the key's modulus");
        return KQ_OK;
    case KQ_KEY_AES:
        if (request->mechanism != KQ_MECH_AES_GCM)
            return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "mechanism: an AES key decrypts with AES-GCM only");
        return KQ_OK;
    default:
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "mechanism: keys of this type do not decrypt");
    }
}

kq_status hsm_decrypt_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_crypt_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    KQ_TRY(find_key(call, request->handle, &loaded));
    KQ_TRY(check_decryption(call, loaded->key, request));
    KQ_TRY(hsm_acl_use(call, loaded, KQ_PERM_DECRYPT));
    kq_buffer_init(&plain, KQ_DATA_MAX + 64);
    if (request->mechanism == KQ_MECH_RSA_PKCS1)
        KQ_TRY(hsm_key_pkcs1_open(loaded->key, request->data, &plain));
    else if (hsm_key_type(loaded->key) == KQ_KEY_RSA)
        KQ_TRY(hsm_key_oaep_open(loaded->key, request->mechanism, request->aad, request->data, &plain));
    else
        KQ_TRY(hsm_key_gcm_open(loaded->key, request->aad, request->data, &plain));
    return reply_bytes(&plain, results);
}
