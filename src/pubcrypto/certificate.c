#include <stdio.h>
#include <time.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/x509_parts.h"

/* The profile is written once, in put_body(). Reading collects the facts,
 * writes them again and compares: what differs is not of the profile. */

static const uint8_t oid_subject_key_id[] = {0x55, 0x1d, 0x0e};
static const uint8_t oid_key_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_basic_constraints[] = {0x55, 0x1d, 0x13};
static const uint8_t oid_issuer_key_id[] = {0x55, 0x1d, 0x23};
static const uint8_t der_true[] = {0xff};
static const uint8_t usage_cert_sign[] = {0x02, 0x04};         /* two unused bits, bit 5 */
static const uint8_t usage_digital_signature[] = {0x07, 0x80}; /* seven unused bits, bit 0 */

#define TIME_2050 2524608000u /* UTCTime ends here, RFC 5280 4.1.2.5 */
#define TIME_MAX 253402300799u
#define SERIAL_LEN 16u
#define TIME_TEXT_SIZE 16u /* "20261121214403Z" with NUL */

struct body {
    uint8_t serial[SERIAL_LEN];
    struct kq_x509_name issuer;
    struct kq_x509_name subject;
    uint64_t not_before;
    uint64_t not_after;
    struct kq_slice subject_public;
    bool is_authority;
    uint8_t subject_key_id[KQ_KEY_ID_LEN];
    uint8_t issuer_key_id[KQ_KEY_ID_LEN];
};

static void put_time(struct kq_der_writer *writer, uint64_t unix_s)
{
    char text[TIME_TEXT_SIZE];
    time_t when = (time_t)unix_s;
    struct tm parts;
    if (unix_s > TIME_MAX || gmtime_r(&when, &parts) == NULL) {
        writer->failure = KQ_ERR_ARGUMENT;
        return;
    }
    strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts);
    bool is_utc_time = unix_s < TIME_2050;
    kq_der_put(writer, is_utc_time ? KQ_DER_UTC_TIME : KQ_DER_GENERALIZED_TIME,
               kq_slice_text(is_utc_time ? text + 2 : text));
}

static size_t begin_extension(struct kq_der_writer *writer, const uint8_t oid[3])
{
    size_t mark = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put(writer, KQ_DER_OID, kq_slice_of(oid, 3));
    return mark;
}

static void put_basic_constraints(struct kq_der_writer *writer, bool is_authority)
{
    size_t extension = begin_extension(writer, oid_basic_constraints);
    kq_der_put(writer, KQ_DER_BOOLEAN, kq_slice_of(der_true, 1)); /* critical */
    size_t value = kq_der_begin(writer, KQ_DER_OCTET_STRING);
    size_t fields = kq_der_begin(writer, KQ_DER_SEQUENCE);
    if (is_authority) {
        kq_der_put(writer, KQ_DER_BOOLEAN, kq_slice_of(der_true, 1));
        kq_der_put(writer, KQ_DER_INTEGER, kq_slice_of("", 1)); /* signs warrants, no further authorities */
    }
    kq_der_end(writer, fields);
    kq_der_end(writer, value);
    kq_der_end(writer, extension);
}

static void put_key_usage(struct kq_der_writer *writer, bool is_authority)
{
    size_t extension = begin_extension(writer, oid_key_usage);
    kq_der_put(writer, KQ_DER_BOOLEAN, kq_slice_of(der_true, 1)); /* critical */
    size_t value = kq_der_begin(writer, KQ_DER_OCTET_STRING);
    kq_der_put(writer, KQ_DER_BIT_STRING, kq_slice_of(is_authority ? usage_cert_sign : usage_digital_signature, 2));
    kq_der_end(writer, value);
    kq_der_end(writer, extension);
}

static void put_key_ids(struct kq_der_writer *writer, const struct body *body)
{
    size_t extension = begin_extension(writer, oid_subject_key_id);
    size_t value = kq_der_begin(writer, KQ_DER_OCTET_STRING);
    kq_der_put(writer, KQ_DER_OCTET_STRING, kq_slice_of(body->subject_key_id, KQ_KEY_ID_LEN));
    kq_der_end(writer, value);
    kq_der_end(writer, extension);

    extension = begin_extension(writer, oid_issuer_key_id);
    value = kq_der_begin(writer, KQ_DER_OCTET_STRING);
    size_t fields = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put(writer, KQ_DER_CONTEXT(0), kq_slice_of(body->issuer_key_id, KQ_KEY_ID_LEN));
    kq_der_end(writer, fields);
    kq_der_end(writer, value);
    kq_der_end(writer, extension);
}

static void put_extensions(struct kq_der_writer *writer, const struct body *body)
{
    size_t tagged = kq_der_begin(writer, KQ_DER_CONTEXT_OF(3));
    size_t list = kq_der_begin(writer, KQ_DER_SEQUENCE);
    put_basic_constraints(writer, body->is_authority);
    put_key_usage(writer, body->is_authority);
    put_key_ids(writer, body);
    kq_der_end(writer, list);
    kq_der_end(writer, tagged);
}

static void put_body(struct kq_der_writer *writer, const struct body *body)
{
    static const uint8_t version_3[] = {2};
    size_t whole = kq_der_begin(writer, KQ_DER_SEQUENCE);
    size_t version = kq_der_begin(writer, KQ_DER_CONTEXT_OF(0));
    kq_der_put(writer, KQ_DER_INTEGER, kq_slice_of(version_3, 1));
    kq_der_end(writer, version);
    kq_der_put(writer, KQ_DER_INTEGER, kq_slice_of(body->serial, SERIAL_LEN));
    kq_x509_put_algorithm(writer);
    kq_x509_put_name(writer, &body->issuer);
    size_t validity = kq_der_begin(writer, KQ_DER_SEQUENCE);
    put_time(writer, body->not_before);
    put_time(writer, body->not_after);
    kq_der_end(writer, validity);
    kq_x509_put_name(writer, &body->subject);
    kq_der_put_raw(writer, body->subject_public);
    put_extensions(writer, body);
    kq_der_end(writer, whole);
}

static kq_status set_name(struct kq_x509_name *name, const char *common_name, const char *serial_number,
                          bool is_rehearsal)
{
    *name = (struct kq_x509_name){.is_rehearsal = is_rehearsal};
    if (!kq_text_copy(kq_slice_text(common_name), name->common_name, sizeof name->common_name) ||
        !kq_text_copy(kq_slice_text(serial_number), name->serial_number, sizeof name->serial_number))
        return KQ_ERR_ARGUMENT;
    return kq_x509_name_is_valid(name) ? KQ_OK : KQ_ERR_ARGUMENT;
}

/* An authority has no ESN, a warrant has one; it ends after it began. */
static bool facts_fit(const struct body *body)
{
    bool has_esn = body->subject.serial_number[0] != '\0';
    return has_esn != body->is_authority && body->issuer.serial_number[0] == '\0' && body->not_before < body->not_after;
}

kq_status kq_certificate_body(const struct kq_certificate_request *request, struct kq_buffer *out)
{
    struct body body = {.not_before = request->not_before,
                        .not_after = request->not_after,
                        .subject_public = request->subject_public,
                        .is_authority = request->is_authority};
    memcpy(body.serial, request->serial, SERIAL_LEN);
    body.serial[0] = (uint8_t)((body.serial[0] & 0x3f) | 0x40);
    KQ_TRY(set_name(&body.subject, request->common_name, request->serial_number, request->is_rehearsal));
    KQ_TRY(set_name(&body.issuer, request->issuer_common_name, NULL, request->issuer_is_rehearsal));
    if (!facts_fit(&body))
        return KQ_ERR_ARGUMENT;
    KQ_TRY(kq_x509_check_public(request->subject_public));
    KQ_TRY(kq_x509_check_public(request->issuer_public));
    KQ_TRY(kq_key_id(request->subject_public, body.subject_key_id));
    KQ_TRY(kq_key_id(request->issuer_public, body.issuer_key_id));
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    kq_der_writer_init(&writer, KQ_X509_MAX);
    put_body(&writer, &body);
    return kq_der_writer_finish(&writer, out);
}

static unsigned two_digits(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static bool is_time_text(struct kq_slice text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.len > 0 && text.data[text.len - 1] == 'Z';
}

static uint64_t get_time(struct kq_der_reader *reader)
{
    bool is_utc_time = kq_der_next_is(reader, KQ_DER_UTC_TIME);
    struct kq_slice text = kq_der_get(reader, is_utc_time ? KQ_DER_UTC_TIME : KQ_DER_GENERALIZED_TIME);
    if (!is_time_text(text) || text.len != (is_utc_time ? 13u : 15u)) {
        reader->failed = true;
        return 0;
    }
    /* a two-digit year from 50 on lies before 1970: it does not come out the same again */
    unsigned century = is_utc_time ? 20 : two_digits(text.data);
    const uint8_t *at = is_utc_time ? text.data : text.data + 2;
    struct tm parts = {.tm_year = (int)(century * 100 + two_digits(at)) - 1900,
                       .tm_mon = (int)two_digits(at + 2) - 1,
                       .tm_mday = (int)two_digits(at + 4),
                       .tm_hour = (int)two_digits(at + 6),
                       .tm_min = (int)two_digits(at + 8),
                       .tm_sec = (int)two_digits(at + 10)};
    time_t when = timegm(&parts);
    if (when < 0)
        reader->failed = true;
    return (uint64_t)when;
}

/* What cannot be worked out from the facts before: the two values that tell
 * an authority from a warrant, and the issuer's key id. */
static void get_extensions(struct kq_der_reader *reader, struct body *body)
{
    struct kq_der_reader tagged = kq_der_enter(reader, KQ_DER_CONTEXT_OF(3));
    struct kq_slice list = kq_der_get(&tagged, KQ_DER_SEQUENCE);
    if (kq_der_finish(&tagged) != KQ_OK || list.len < KQ_KEY_ID_LEN) {
        reader->failed = true;
        return;
    }
    body->is_authority = body->subject.serial_number[0] == '\0';
    memcpy(body->issuer_key_id, list.data + list.len - KQ_KEY_ID_LEN, KQ_KEY_ID_LEN); /* stands last */
}

static struct kq_der_reader begin_body(struct kq_slice der, uint8_t serial[SERIAL_LEN])
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, der);
    struct kq_der_reader body = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    kq_der_enter(&body, KQ_DER_CONTEXT_OF(0));
    struct kq_slice number = kq_der_get(&body, KQ_DER_INTEGER);
    if (number.len == SERIAL_LEN && number.data[0] >= 0x40 && number.data[0] < 0x80)
        memcpy(serial, number.data, SERIAL_LEN);
    else
        body.failed = true;
    if (!kq_x509_get_algorithm(&body))
        body.failed = true;
    return body;
}

static kq_status read_body(struct kq_slice der, struct body *out, struct kq_certificate *certificate)
{
    struct kq_der_reader reader = begin_body(der, out->serial);
    struct kq_der_reader peek = reader;
    certificate->issuer = kq_der_get_whole(&peek, KQ_DER_SEQUENCE);
    kq_x509_get_name(&reader, &out->issuer);
    struct kq_der_reader validity = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    out->not_before = get_time(&validity);
    out->not_after = get_time(&validity);
    KQ_TRY(kq_der_finish(&validity));
    peek = reader;
    certificate->subject = kq_der_get_whole(&peek, KQ_DER_SEQUENCE);
    kq_x509_get_name(&reader, &out->subject);
    out->subject_public = kq_der_get_whole(&reader, KQ_DER_SEQUENCE);
    get_extensions(&reader, out);
    KQ_TRY(kq_der_finish(&reader));
    if (!facts_fit(out))
        return KQ_ERR_FORMAT;
    KQ_TRY(kq_x509_check_public(out->subject_public));
    certificate->issuer_key_id = kq_slice_of(der.data + der.len - KQ_KEY_ID_LEN, KQ_KEY_ID_LEN);
    return kq_key_id(out->subject_public, out->subject_key_id);
}

static kq_status compare_body(struct kq_slice der, const struct body *body)
{
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    kq_der_writer_init(&writer, KQ_X509_MAX);
    put_body(&writer, body);
    if (writer.failure == KQ_ERR_MEMORY)
        return KQ_ERR_MEMORY;
    bool same = writer.failure == KQ_OK && kq_slice_is_equal(der, kq_buffer_slice(&writer.buffer));
    return same ? KQ_OK : KQ_ERR_FORMAT;
}

kq_status kq_certificate_get(struct kq_slice der, struct kq_certificate *out)
{
    struct kq_certificate certificate = {.is_authority = false};
    struct body body = {.is_authority = false};
    KQ_TRY(kq_x509_split(der, &certificate.body, &certificate.signature));
    KQ_TRY(read_body(certificate.body, &body, &certificate));
    KQ_TRY(compare_body(certificate.body, &body));
    certificate.public_key = body.subject_public;
    snprintf(certificate.common_name, sizeof certificate.common_name, "%s", body.subject.common_name);
    snprintf(certificate.serial_number, sizeof certificate.serial_number, "%s", body.subject.serial_number);
    certificate.is_authority = body.is_authority;
    certificate.is_rehearsal = body.subject.is_rehearsal;
    certificate.not_before = body.not_before;
    certificate.not_after = body.not_after;
    *out = certificate;
    return KQ_OK;
}
