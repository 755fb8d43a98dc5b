#include <stdio.h>

#include "base/text.h"
#include "pubcrypto/public_key.h"
#include "pubcrypto/x509_parts.h"

/* PKCS #10 (RFC 2986) with no attributes; read like a certificate, by writing
 * the facts again and comparing. */
static void put_info(struct kq_der_writer *writer, const struct kq_x509_name *name, struct kq_slice subject_public)
{
    static const uint8_t version_1[] = {0};
    size_t whole = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put(writer, KQ_DER_INTEGER, kq_slice_of(version_1, 1));
    kq_x509_put_name(writer, name);
    kq_der_put_raw(writer, subject_public);
    kq_der_put(writer, KQ_DER_CONTEXT_OF(0), KQ_SLICE_EMPTY);
    kq_der_end(writer, whole);
}

kq_status kq_enrolment_body(struct kq_slice subject_public, const char *esn, struct kq_buffer *out)
{
    struct kq_x509_name name = {.common_name = KQ_ENROLMENT_NAME};
    if (!kq_text_copy(kq_slice_text(esn), name.serial_number, sizeof name.serial_number) ||
        name.serial_number[0] == '\0' || !kq_x509_name_is_valid(&name))
        return KQ_ERR_ARGUMENT;
    KQ_TRY(kq_x509_check_public(subject_public));
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    kq_der_writer_init(&writer, KQ_X509_MAX);
    put_info(&writer, &name, subject_public);
    return kq_der_writer_finish(&writer, out);
}

static kq_status read_info(struct kq_slice info, struct kq_x509_name *out_name, struct kq_slice *out_public)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, info);
    struct kq_der_reader fields = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    kq_der_get(&fields, KQ_DER_INTEGER);
    kq_x509_get_name(&fields, out_name);
    *out_public = kq_der_get_whole(&fields, KQ_DER_SEQUENCE);
    if (fields.failed)
        return KQ_ERR_FORMAT;
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    kq_der_writer_init(&writer, KQ_X509_MAX);
    put_info(&writer, out_name, *out_public);
    KQ_TRY(writer.failure);
    bool same = kq_slice_is_equal(info, kq_buffer_slice(&writer.buffer));
    bool is_ours = strcmp(out_name->common_name, KQ_ENROLMENT_NAME) == 0 && !out_name->is_rehearsal;
    return same && is_ours && out_name->serial_number[0] != '\0' ? KQ_OK : KQ_ERR_FORMAT;
}

kq_status kq_enrolment_get(struct kq_slice der, char out_esn[KQ_ESN_LEN + 1], struct kq_slice *out_public_key)
{
    struct kq_slice info;
    struct kq_slice signature;
    struct kq_slice public_bytes;
    struct kq_x509_name name;
    KQ_TRY(kq_x509_split(der, &info, &signature));
    KQ_TRY(read_info(info, &name, &public_bytes));
    KQ_TRY(kq_x509_check_public(public_bytes));
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(kq_public_key_new(public_bytes, &key));
    KQ_TRY(kq_public_key_verify_statement(key, info, signature));
    memcpy(out_esn, name.serial_number, sizeof name.serial_number);
    *out_public_key = public_bytes;
    return KQ_OK;
}
