#include "tools/common/key_use.h"

#include <errno.h>
#include <strings.h>

#include "pubcrypto/der.h"
#include "pubcrypto/x509.h"

#define SIGNED_FILE_MAX (256u * 1024 * 1024)
#define SIGNATURE_MAX 1024u

kq_status kq_use_read(struct kq_tool *tool, const char *path, size_t max, struct kq_buffer *out)
{
    kq_status status = kq_file_read(path, max, out);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_read(tool, status, path, NULL);
}

kq_status kq_use_write(struct kq_tool *tool, const char *path, struct kq_slice bytes, mode_t mode)
{
    kq_status status = kq_file_write(path, bytes, mode, KQ_FILE_REPLACE);
    if (status == KQ_OK)
        return KQ_OK;
    return kq_tool_fail(tool, status, NULL, "%s: not written: %s", path, strerror(errno));
}

static enum kq_hash hash_of_bits(uint64_t bits)
{
    return bits == 256 ? KQ_HASH_SHA256 : bits == 384 ? KQ_HASH_SHA384 : KQ_HASH_SHA512;
}

kq_status kq_use_digest(struct kq_tool *tool, const struct kq_mechanism_name *mechanism, const char *path,
                        uint8_t out_digest[KQ_HASH_MAX_LEN], size_t *out_len)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(kq_use_read(tool, path, SIGNED_FILE_MAX, &bytes));
    struct kq_slice part = kq_buffer_slice(&bytes);
    *out_len = kq_hash_parts(hash_of_bits(mechanism->hash_bits), &part, 1, out_digest);
    return KQ_OK;
}

kq_status kq_use_form(struct kq_tool *tool, const char *name, enum kq_signature_form *out)
{
    if (name != NULL && strcasecmp(name, "raw") != 0 && strcasecmp(name, "der") != 0)
        return kq_tool_usage(tool, "--format=%s: raw or der", name);
    *out = name != NULL && strcasecmp(name, "der") == 0 ? KQ_SIGNATURE_DER : KQ_SIGNATURE_RAW;
    return KQ_OK;
}

static kq_status ecdsa_to_der(struct kq_slice raw, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) der;
    kq_der_writer_init(&der, SIGNATURE_MAX);
    size_t mark = kq_der_begin(&der, KQ_DER_SEQUENCE);
    kq_der_put_positive(&der, kq_slice_of(raw.data, raw.len / 2));
    kq_der_put_positive(&der, kq_slice_of(raw.data + raw.len / 2, raw.len / 2));
    kq_der_end(&der, mark);
    return kq_der_writer_finish(&der, out);
}

kq_status kq_use_sign(struct kq_tool *tool, struct kqc_key *key, const struct kq_mechanism_name *mechanism,
                      struct kq_slice digest, enum kq_signature_form form, const char *path)
{
    KQ_AUTO_VALUE(kq_buffer) raw = {.max = SIGNATURE_MAX};
    KQ_AUTO_VALUE(kq_buffer) der = {.max = SIGNATURE_MAX};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    kq_status status = kqc_key_sign(key, mechanism->mechanism, digest, &raw, &reply);
    if (status != KQ_OK)
        return kq_tool_fail_reply(tool, status, &reply, "signing");
    if (mechanism->mechanism != KQ_MECH_ECDSA || form == KQ_SIGNATURE_RAW)
        return kq_use_write(tool, path, kq_buffer_slice(&raw), 0644);
    if (ecdsa_to_der(kq_buffer_slice(&raw), &der) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "the signature cannot be written as DER");
    return kq_use_write(tool, path, kq_buffer_slice(&der), 0644);
}

kq_status kq_use_crypt(struct kq_tool *tool, struct kqc_key *key, enum kq_op op,
                       const struct kq_mechanism_name *mechanism, struct kq_slice data, const char *aad,
                       struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    kq_status status = kqc_key_crypt(key, op, mechanism->mechanism, data,
                                     aad == NULL ? KQ_SLICE_EMPTY : kq_slice_text(aad), out, &reply);
    if (status == KQ_OK)
        return KQ_OK;
    return kq_tool_fail_reply(tool, status, &reply, op == KQ_OP_ENCRYPT ? "encrypting" : "decrypting");
}

kq_status kq_use_write_public(struct kq_tool *tool, struct kq_slice public_key, const char *path)
{
    KQ_AUTO_VALUE(kq_buffer) pem = {.max = 2 * KQ_PUBLIC_MAX};
    if (kq_pem_encode("PUBLIC KEY", public_key, &pem) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_MEMORY, NULL, "the public key cannot be written as PEM");
    return kq_use_write(tool, path, kq_buffer_slice(&pem), 0644);
}
