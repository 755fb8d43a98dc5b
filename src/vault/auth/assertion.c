#include "vault/auth/assertion.h"

#include <strings.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "vault/auth/client_certificate.h"
#include "vault/auth/jwk.h"
#include "vault/json/json.h"

#define JTI_MAX 256u
#define DATE_MAX 253402300799.0 /* the year 9999 */

void vault_assertion_clear(struct vault_assertion *assertion)
{
    vault_jws_clear(&assertion->jws);
}

/* ---- the header ------------------------------------------------------------------------- */

/* base64url of a hash; some clients pad it. */
static bool read_hash(const json_t *header, const char *name, uint8_t *out, size_t out_len, bool *out_has)
{
    const char *text = NULL;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_buffer_init(&bytes, 64);
    if (!vault_json_string(header, name, &text))
        return false;
    *out_has = text != NULL;
    if (text == NULL)
        return true;
    size_t len = strlen(text);
    bool is_padded = len % 4 == 0;
    for (size_t i = 0; is_padded && i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    if (kq_base64url_decode(kq_slice_of(text, len), &bytes) != KQ_OK || bytes.len != out_len)
        return false;
    memcpy(out, bytes.data, out_len);
    return true;
}

kq_status vault_assertion_parse(const char *text, struct vault_assertion *out, const char **out_why)
{
    KQ_AUTO_VALUE(vault_assertion) assertion = {.has_sha1 = false};
    *out_why = "it is not a JSON Web Token in its compact form, or too long";
    KQ_TRY(vault_jws_parse(kq_slice_text(text), &assertion.jws));
    *out_why = "its algorithm is neither RS256 nor PS256";
    if (strcmp(assertion.jws.alg, "RS256") != 0 && strcmp(assertion.jws.alg, "PS256") != 0)
        return KQ_ERR_UNSUPPORTED;
    *out_why = "its header names no certificate (x5t#S256 or x5t, base64url of a hash)";
    if (!read_hash(assertion.jws.header, "x5t", assertion.sha1, sizeof assertion.sha1, &assertion.has_sha1) ||
        !read_hash(assertion.jws.header, "x5t#S256", assertion.sha256, sizeof assertion.sha256,
                   &assertion.has_sha256) ||
        (!assertion.has_sha1 && !assertion.has_sha256))
        return KQ_ERR_FORMAT;
    *out_why = "";
    *out = assertion;
    assertion.jws.header = NULL;
    return KQ_OK;
}

bool vault_assertion_names(const struct vault_assertion *assertion, const uint8_t sha256[32], const uint8_t sha1[20])
{
    if (assertion->has_sha256 && memcmp(assertion->sha256, sha256, 32) != 0)
        return false;
    if (assertion->has_sha1 && memcmp(assertion->sha1, sha1, 20) != 0)
        return false;
    return assertion->has_sha256 || assertion->has_sha1;
}

/* Is text base64 of bytes? Encoding them and comparing accepts one text only. */
static bool is_base64_of(const char *text, struct kq_slice bytes)
{
    KQ_AUTO_VALUE(kq_buffer) other = {0};
    kq_buffer_init(&other, (size_t)2 * VAULT_CLIENT_CERTIFICATE_MAX);
    if (kq_base64url_encode(bytes, &other) != KQ_OK)
        return false;
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '=' && len > other.len)
        len--;
    if (len != other.len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char letter = text[i];
        if (letter == '+')
            letter = '-';
        else if (letter == '/')
            letter = '_';
        if ((uint8_t)letter != other.data[i])
            return false;
    }
    return true;
}

static bool chain_fits(const json_t *header, struct kq_slice certificate)
{
    const json_t *chain = json_object_get(header, "x5c");
    if (chain == NULL)
        return true;
    const char *first = json_string_value(json_is_array(chain) ? json_array_get(chain, 0) : chain);
    return first != NULL && is_base64_of(first, certificate);
}

/* ---- the claims ------------------------------------------------------------------------- */

static const char *text_claim(const json_t *claims, const char *name)
{
    const char *text = json_string_value(json_object_get(claims, name));
    return text == NULL ? "" : text;
}

/* Seconds, perhaps with a fraction. An absent date is 0. */
static bool date_claim(const json_t *claims, const char *name, double *out)
{
    const json_t *value = json_object_get(claims, name);
    if (value == NULL)
        return true;
    *out = json_number_value(value);
    return json_is_number(value) && *out > 0 && *out <= DATE_MAX;
}

static kq_status check_dates(const json_t *claims, const struct vault_assertion_rules *rules, uint64_t *out_expires,
                             const char **out_why)
{
    double exp = 0;
    double nbf = 0;
    double iat = 0;
    const double now = (double)rules->now;
    const double leeway = (double)rules->leeway_s;
    *out_why = "a date in it (exp, nbf, iat) is no number of seconds";
    if (!date_claim(claims, "exp", &exp) || !date_claim(claims, "nbf", &nbf) || !date_claim(claims, "iat", &iat))
        return KQ_ERR_FORMAT;
    *out_why = "it does not say when it ends (exp)";
    if (exp <= 0)
        return KQ_ERR_FORMAT;
    *out_why = "it has expired. Compare the clocks of both hosts";
    if (exp + leeway <= now)
        return KQ_ERR_EXPIRED;
    *out_why = "it ends more than an hour from now (exp)";
    if (exp > now + VAULT_ASSERTION_LIFE_MAX_S + leeway)
        return KQ_ERR_EXPIRED;
    *out_why = "it is not valid yet (nbf, iat). Compare the clocks of both hosts";
    if (nbf > now + leeway || iat > now + leeway)
        return KQ_ERR_EXPIRED;
    *out_expires = (uint64_t)exp + 1; /* not before its fraction is over */
    return KQ_OK;
}

/* One text, or a list of one. */
static const char *audience_of(const json_t *claims)
{
    const json_t *aud = json_object_get(claims, "aud");
    const char *text = json_string_value(json_array_size(aud) == 1 ? json_array_get(aud, 0) : aud);
    return text == NULL ? "" : text;
}

static kq_status check_claims(const json_t *claims, const struct vault_assertion_rules *rules, uint64_t *out_expires,
                              const char **out_why)
{
    const char *jti = text_claim(claims, "jti");
    *out_why = "its issuer (iss) and subject (sub) are not the client's id";
    if (strcasecmp(text_claim(claims, "iss"), rules->client_id) != 0 ||
        strcasecmp(text_claim(claims, "sub"), rules->client_id) != 0)
        return KQ_ERR_MISMATCH;
    *out_why = "its audience (aud) is not this token endpoint";
    if (!rules->is_audience(rules->context, audience_of(claims)))
        return KQ_ERR_MISMATCH;
    *out_why = "it has no id (jti) of 1 to 256 bytes";
    if (jti[0] == '\0' || strlen(jti) > JTI_MAX)
        return KQ_ERR_FORMAT;
    return check_dates(claims, rules, out_expires, out_why);
}

static void hash_id(const struct vault_assertion_rules *rules, const json_t *claims, uint8_t out[32])
{
    /* Both GUIDs of a client are of one length: no other pair gives these bytes. */
    char client[37] = "";
    for (size_t i = 0; i < 36 && rules->client_id[i] != '\0'; i++)
        client[i] = (char)(rules->client_id[i] >= 'A' && rules->client_id[i] <= 'F' ? rules->client_id[i] + 32
                                                                                    : rules->client_id[i]);
    const struct kq_slice parts[] = {kq_slice_text(client), kq_slice_text(text_claim(claims, "jti"))};
    kq_sha256_parts(parts, 2, out);
}

static kq_status check_signature(const struct vault_assertion *assertion, const struct vault_certificate_facts *facts,
                                 const char **out_why)
{
    json_t *jwk = NULL;
    *out_why = "its signature does not verify under the registered certificate";
    kq_status status = vault_jwk_from_spki(facts->public_key, assertion->jws.alg, &jwk);
    if (status == KQ_OK)
        status = vault_jws_verify(&assertion->jws, jwk);
    vault_json_free(jwk);
    return status == KQ_ERR_ARGUMENT ? KQ_ERR_FORMAT : status;
}

static kq_status check_certificate(const struct vault_assertion *assertion, struct kq_slice certificate,
                                   const struct vault_certificate_facts *facts,
                                   const struct vault_assertion_rules *rules, const char **out_why)
{
    *out_why = "its certificate has another hash than its header names";
    if (!vault_assertion_names(assertion, facts->sha256, facts->sha1))
        return KQ_ERR_MISMATCH;
    *out_why = "the certificate that it brings (x5c) is not the registered one";
    if (!chain_fits(assertion->jws.header, certificate))
        return KQ_ERR_MISMATCH;
    *out_why = "the registered certificate has expired, or is not valid yet. Register a new one";
    if (rules->now > facts->not_after || rules->now + rules->leeway_s < facts->not_before)
        return KQ_ERR_EXPIRED;
    return KQ_OK;
}

kq_status vault_assertion_verify(const struct vault_assertion *assertion, struct kq_slice certificate,
                                 const struct vault_assertion_rules *rules, uint8_t out_id[32], uint64_t *out_expires,
                                 const char **out_why)
{
    struct vault_certificate_facts facts;
    json_t *claims = NULL;
    KQ_TRY(vault_client_certificate_read(certificate, &facts, out_why));
    KQ_TRY(check_certificate(assertion, certificate, &facts, rules, out_why));
    KQ_TRY(check_signature(assertion, &facts, out_why));
    *out_why = "its claims are no JSON object, or a member stands twice";
    KQ_TRY(vault_jws_claims(&assertion->jws, &claims));
    kq_status status = check_claims(claims, rules, out_expires, out_why);
    if (status == KQ_OK) {
        hash_id(rules, claims, out_id);
        *out_why = "";
    }
    vault_json_free(claims);
    return status;
}
