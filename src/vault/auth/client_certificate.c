#include "vault/auth/client_certificate.h"

#include <time.h>

#include "pubcrypto/der.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "vault/auth/jwk.h"

static unsigned two_digits(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ (RFC 5280 4.1.2.5). A date before 1970
 * counts as 1970; one that is in no calendar fails the reader. */
static uint64_t get_time(struct kq_der_reader *reader)
{
    bool is_short = kq_der_next_is(reader, KQ_DER_UTC_TIME);
    struct kq_slice text = kq_der_get(reader, is_short ? KQ_DER_UTC_TIME : KQ_DER_GENERALIZED_TIME);
    bool is_good = text.len == (is_short ? 13u : 15u) && text.data[text.len - 1] == 'Z';
    for (size_t i = 0; is_good && i + 1 < text.len; i++)
        is_good = text.data[i] >= '0' && text.data[i] <= '9';
    if (!is_good) {
        reader->failed = true;
        return 0;
    }
    const uint8_t *at = is_short ? text.data : text.data + 2;
    unsigned short_century = two_digits(at) < 50 ? 20 : 19;
    unsigned century = is_short ? short_century : two_digits(text.data);
    struct tm parts = {.tm_year = (int)(century * 100 + two_digits(at)) - 1900,
                       .tm_mon = (int)two_digits(at + 2) - 1,
                       .tm_mday = (int)two_digits(at + 4),
                       .tm_hour = (int)two_digits(at + 6),
                       .tm_min = (int)two_digits(at + 8),
                       .tm_sec = (int)two_digits(at + 10)};
    const struct tm said = parts;
    time_t when = timegm(&parts);
    if (parts.tm_mday != said.tm_mday || parts.tm_hour != said.tm_hour || parts.tm_min != said.tm_min ||
        parts.tm_sec != said.tm_sec)
        reader->failed = true;
    return when < 0 ? 0 : (uint64_t)when;
}

/* TBSCertificate up to the key; what follows it (extensions) says nothing that we act on. */
static kq_status read_body(struct kq_der_reader *body, struct vault_certificate_facts *out)
{
    if (kq_der_next_is(body, KQ_DER_CONTEXT_OF(0)))
        kq_der_get(body, KQ_DER_CONTEXT_OF(0)); /* version */
    kq_der_get(body, KQ_DER_INTEGER);           /* serial number */
    kq_der_get(body, KQ_DER_SEQUENCE);          /* signature algorithm */
    kq_der_get(body, KQ_DER_SEQUENCE);          /* issuer */
    struct kq_der_reader validity = kq_der_enter(body, KQ_DER_SEQUENCE);
    out->not_before = get_time(&validity);
    out->not_after = get_time(&validity);
    KQ_TRY(kq_der_finish(&validity));
    kq_der_get(body, KQ_DER_SEQUENCE); /* subject */
    out->public_key = kq_der_get_whole(body, KQ_DER_SEQUENCE);
    return body->failed ? KQ_ERR_FORMAT : KQ_OK;
}

static kq_status read_parts(struct kq_slice der, struct vault_certificate_facts *out)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, der);
    struct kq_der_reader parts = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    KQ_TRY(kq_der_finish(&reader));
    struct kq_der_reader body = kq_der_enter(&parts, KQ_DER_SEQUENCE);
    kq_der_get(&parts, KQ_DER_SEQUENCE);
    kq_der_get_bit_string(&parts);
    KQ_TRY(kq_der_finish(&parts));
    return read_body(&body, out);
}

static kq_status check_key(struct kq_slice spki)
{
    KQ_AUTO(kq_public_key) key = NULL;
    kq_status status = kq_public_key_new(spki, &key);
    if (status != KQ_OK)
        return status == KQ_ERR_MEMORY ? status : KQ_ERR_UNSUPPORTED;
    return kq_public_key_type(key) == KQ_KEY_RSA && kq_public_key_bits(key) >= VAULT_TOKEN_RSA_MIN_BITS
               ? KQ_OK
               : KQ_ERR_UNSUPPORTED;
}

kq_status vault_client_certificate_read(struct kq_slice der, struct vault_certificate_facts *out, const char **out_why)
{
    struct vault_certificate_facts facts = {.not_before = 0};
    *out_why = "it is longer than 8192 bytes";
    if (der.len > VAULT_CLIENT_CERTIFICATE_MAX)
        return KQ_ERR_TOO_LARGE;
    *out_why = "it is no X.509 certificate in DER";
    KQ_TRY(read_parts(der, &facts));
    *out_why = "it ends before it begins";
    if (facts.not_after < facts.not_before)
        return KQ_ERR_FORMAT;
    *out_why = "its key is not RSA of 2048 bits or more";
    KQ_TRY(check_key(facts.public_key));
    uint8_t digest[KQ_HASH_MAX_LEN];
    kq_sha256(der, facts.sha256);
    kq_hash_parts(KQ_HASH_SHA1, &der, 1, digest);
    memcpy(facts.sha1, digest, sizeof facts.sha1);
    *out_why = "";
    *out = facts;
    return KQ_OK;
}
