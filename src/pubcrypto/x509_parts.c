#include "pubcrypto/x509_parts.h"

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"

static const uint8_t oid_ecdsa_with_sha384[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t oid_serial_number[] = {0x55, 0x04, 0x05};
static const uint8_t oid_organizational_unit[] = {0x55, 0x04, 0x0b};
static const char rehearsal_unit[] = "rehearsal: proves nothing about the operator";

static void put_attribute(struct kq_der_writer *writer, const uint8_t oid[3], uint8_t tag, const char *text)
{
    size_t set = kq_der_begin(writer, KQ_DER_SET);
    size_t pair = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put(writer, KQ_DER_OID, kq_slice_of(oid, 3));
    kq_der_put(writer, tag, kq_slice_text(text));
    kq_der_end(writer, pair);
    kq_der_end(writer, set);
}

void kq_x509_put_name(struct kq_der_writer *writer, const struct kq_x509_name *name)
{
    size_t mark = kq_der_begin(writer, KQ_DER_SEQUENCE);
    put_attribute(writer, oid_common_name, KQ_DER_UTF8_STRING, name->common_name);
    if (name->serial_number[0] != '\0')
        put_attribute(writer, oid_serial_number, KQ_DER_PRINTABLE_STRING, name->serial_number);
    if (name->is_rehearsal)
        put_attribute(writer, oid_organizational_unit, KQ_DER_UTF8_STRING, rehearsal_unit);
    kq_der_end(writer, mark);
}

static struct kq_slice get_attribute(struct kq_der_reader *name, struct kq_slice *out_oid)
{
    struct kq_der_reader set = kq_der_enter(name, KQ_DER_SET);
    struct kq_der_reader pair = kq_der_enter(&set, KQ_DER_SEQUENCE);
    *out_oid = kq_der_get(&pair, KQ_DER_OID);
    uint8_t tag = kq_der_next_is(&pair, KQ_DER_PRINTABLE_STRING) ? KQ_DER_PRINTABLE_STRING : KQ_DER_UTF8_STRING;
    struct kq_slice text = kq_der_get(&pair, tag);
    if (kq_der_finish(&pair) != KQ_OK || kq_der_finish(&set) != KQ_OK)
        name->failed = true;
    return text;
}

static bool take_attribute(struct kq_x509_name *name, struct kq_slice oid, struct kq_slice text)
{
    if (kq_slice_is_equal(oid, kq_slice_of(oid_common_name, sizeof oid_common_name)))
        return kq_text_copy(text, name->common_name, sizeof name->common_name);
    if (kq_slice_is_equal(oid, kq_slice_of(oid_serial_number, sizeof oid_serial_number)))
        return kq_text_copy(text, name->serial_number, sizeof name->serial_number);
    name->is_rehearsal = kq_slice_is_text(text, rehearsal_unit);
    return name->is_rehearsal && kq_slice_is_equal(oid, kq_slice_of(oid_organizational_unit, 3));
}

void kq_x509_get_name(struct kq_der_reader *reader, struct kq_x509_name *out)
{
    *out = (struct kq_x509_name){.is_rehearsal = false};
    struct kq_der_reader name = kq_der_enter(reader, KQ_DER_SEQUENCE);
    while (!name.failed && name.left > 0) {
        struct kq_slice oid;
        struct kq_slice text = get_attribute(&name, &oid);
        if (!name.failed && !take_attribute(out, oid, text))
            name.failed = true;
    }
    if (name.failed || !kq_x509_name_is_valid(out))
        reader->failed = true;
}

static bool is_esn(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        bool allowed = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '-';
        if (!allowed)
            return false;
    }
    return len == KQ_ESN_LEN;
}

bool kq_x509_name_is_valid(const struct kq_x509_name *name)
{
    return name->common_name[0] != '\0' && kq_text_is_printable(kq_slice_text(name->common_name)) &&
           (name->serial_number[0] == '\0' || is_esn(name->serial_number));
}

void kq_x509_put_algorithm(struct kq_der_writer *writer)
{
    size_t mark = kq_der_begin(writer, KQ_DER_SEQUENCE);
    kq_der_put(writer, KQ_DER_OID, kq_slice_of(oid_ecdsa_with_sha384, sizeof oid_ecdsa_with_sha384));
    kq_der_end(writer, mark);
}

bool kq_x509_get_algorithm(struct kq_der_reader *reader)
{
    struct kq_der_reader algorithm = kq_der_enter(reader, KQ_DER_SEQUENCE);
    struct kq_slice oid = kq_der_get(&algorithm, KQ_DER_OID);
    return kq_der_finish(&algorithm) == KQ_OK &&
           kq_slice_is_equal(oid, kq_slice_of(oid_ecdsa_with_sha384, sizeof oid_ecdsa_with_sha384));
}

kq_status kq_x509_split(struct kq_slice der, struct kq_slice *out_body, struct kq_slice *out_signature)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, der);
    struct kq_der_reader whole = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    struct kq_slice body = kq_der_get_whole(&whole, KQ_DER_SEQUENCE);
    if (!kq_x509_get_algorithm(&whole))
        return KQ_ERR_FORMAT;
    struct kq_slice signature = kq_der_get_bit_string(&whole);
    KQ_TRY(kq_der_finish(&whole));
    KQ_TRY(kq_der_finish(&reader));
    *out_body = body;
    *out_signature = signature;
    return KQ_OK;
}

kq_status kq_x509_assemble(struct kq_slice body, struct kq_slice signature, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) writer = {.failure = KQ_OK};
    kq_der_writer_init(&writer, KQ_X509_MAX);
    size_t mark = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    kq_der_put_raw(&writer, body);
    kq_x509_put_algorithm(&writer);
    kq_der_put_bit_string(&writer, signature);
    kq_der_end(&writer, mark);
    return kq_der_writer_finish(&writer, out);
}

kq_status kq_x509_check_public(struct kq_slice public_key)
{
    KQ_AUTO(kq_public_key) key = NULL;
    kq_status status = kq_public_key_new(public_key, &key);
    if (status == KQ_ERR_MEMORY)
        return status;
    return status == KQ_OK && kq_public_key_type(key) == KQ_KEY_EC_P384 ? KQ_OK : KQ_ERR_FORMAT;
}

kq_status kq_key_id(struct kq_slice public_key, uint8_t out[KQ_KEY_ID_LEN])
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, public_key);
    struct kq_der_reader info = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    kq_der_get(&info, KQ_DER_SEQUENCE);
    struct kq_slice bits = kq_der_get_bit_string(&info);
    KQ_TRY(kq_der_finish(&info));
    KQ_TRY(kq_der_finish(&reader));
    uint8_t digest[32];
    kq_sha256(bits, digest);
    memcpy(out, digest, KQ_KEY_ID_LEN);
    return KQ_OK;
}
