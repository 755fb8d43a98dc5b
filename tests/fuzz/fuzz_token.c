/* Access tokens: nothing that is not signed is taken, whatever it looks like;
 * claims that are taken name a caller in full. */
#include "fuzz.h"
#include "vault/auth/assertion.h"
#include "vault/auth/claims.h"
#include "vault/auth/client_certificate.h"
#include "vault/auth/jws.h"
#include "vault/json/json.h"

#define TENANT "11111111-2222-4333-8444-555555555555"
#define ISSUER "https://login.keyquay.localhost/" TENANT "/"

/* A public key whose private half was thrown away. */
static const uint8_t public_key[] = {
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00, 0xe0, 0x5e, 0x86, 0x71, 0xd4,
    0xe7, 0x48, 0x24, 0x4e, 0x76, 0xe7, 0x93, 0xc6, 0x2d, 0x3d, 0x13, 0xf5, 0x84, 0x18, 0x74, 0xbb, 0x0e, 0xab, 0xb0,
    0x9a, 0x39, 0x1d, 0xce, 0x14, 0xbc, 0x30, 0x5d, 0xca, 0x78, 0x8b, 0x71, 0x88, 0x36, 0xf1, 0x74, 0xc1, 0xf3, 0x3e,
    0x91, 0xfc, 0x7d, 0x67, 0x41, 0x20, 0xbf, 0xbe, 0x31, 0x4f, 0x6b, 0x00, 0x61, 0x35, 0x59, 0x7a, 0xb0, 0x2b, 0x6c,
    0xb9, 0x4e, 0xb8, 0x4a, 0xcf, 0x07, 0x9d, 0x22, 0x1c, 0x5d, 0x4a, 0x3b, 0xcc, 0xd3, 0x73, 0xf4, 0x8b, 0xa9, 0xdf,
    0x8e, 0x97, 0x65, 0xee, 0x97, 0x5f, 0x91, 0x2c, 0xe4, 0x23, 0x52, 0x39, 0x6d, 0x05, 0xde, 0xe2, 0xb7, 0x98, 0x60,
    0xf6, 0x99, 0xee, 0x76, 0xa1, 0xdd, 0xa8, 0xf8, 0x7e, 0x2e, 0x0d, 0xed, 0x4e, 0x57, 0x4b, 0xc2, 0xb4, 0xbd, 0x22,
    0x16, 0x62, 0xae, 0xdc, 0x84, 0xfa, 0x7e, 0x0b, 0x3a, 0x8f, 0x74, 0x73, 0x60, 0x2e, 0xc6, 0x2f, 0x74, 0x28, 0x46,
    0x05, 0xe3, 0x1a, 0x5a, 0xa5, 0xce, 0xe7, 0xae, 0xc9, 0x58, 0xe5, 0xe9, 0x40, 0xfa, 0x7d, 0x85, 0x20, 0x4c, 0x72,
    0x52, 0x1d, 0x87, 0xfb, 0x6f, 0x42, 0x3c, 0x99, 0xfb, 0xc3, 0xf5, 0x09, 0xa5, 0x8e, 0x3e, 0x3a, 0xa7, 0x21, 0x4a,
    0x33, 0x79, 0xe1, 0xd6, 0xd6, 0xe8, 0x1a, 0x15, 0xc4, 0xad, 0xed, 0x96, 0xd9, 0xa2, 0x20, 0xe4, 0x8e, 0x6c, 0x57,
    0x4e, 0x4e, 0xdd, 0x77, 0x27, 0x71, 0x13, 0xde, 0xcf, 0xf4, 0x43, 0xfc, 0x7c, 0x74, 0xf3, 0xcf, 0xfa, 0xdc, 0xc3,
    0x4e, 0x9d, 0x2c, 0x1c, 0xb4, 0x23, 0x30, 0x37, 0x4d, 0x46, 0x47, 0xcb, 0xa2, 0xf9, 0xff, 0x6c, 0x51, 0xb8, 0x0c,
    0x6a, 0xac, 0x49, 0xfe, 0x18, 0x21, 0x5e, 0x92, 0xa1, 0xe0, 0xa2, 0x67, 0x4e, 0xe0, 0x81, 0x97, 0xe3, 0x8f, 0x65,
    0x4c, 0xa1, 0x62, 0xd5, 0x02, 0x03, 0x01, 0x00, 0x01};

static const struct vault_audience_name audiences[] = {{VAULT_AUDIENCE_VAULT, "https://vault.keyquay.localhost"}};

static kq_status sign(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    (void)context, (void)digest, (void)out;
    return KQ_ERR_CONNECT;
}

static void try_token(struct kq_slice in)
{
    const struct vault_authority_options options = {
        .tenant_id = TENANT,
        .issuer = ISSUER,
        .public_key = kq_slice_of(public_key, sizeof public_key),
        .sign = sign,
        .audiences = audiences,
        .num_audiences = 1,
        .token_life_s = 3600,
    };
    KQ_AUTO(vault_authority) authority = NULL;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    struct vault_caller caller;
    char message[512] = "";
    kq_buffer_init(&text, in.len + 8);
    FUZZ_CHECK(vault_authority_new(&options, &authority) == KQ_OK);
    FUZZ_CHECK(kq_buffer_append(&text, "Bearer ", 7) == KQ_OK);
    FUZZ_CHECK(kq_buffer_append(&text, in.data, in.len) == KQ_OK);
    FUZZ_CHECK(kq_buffer_append(&text, "", 1) == KQ_OK);
    FUZZ_CHECK(vault_token_check(authority, (const char *)text.data, VAULT_AUDIENCE_VAULT, FUZZ_NOW, &caller, message,
                                 sizeof message) == VAULT_UNAUTHORIZED);
    FUZZ_CHECK(message[0] != '\0');
}

static void try_parts(struct kq_slice in)
{
    KQ_AUTO_VALUE(vault_jws) jws = {.header = NULL};
    if (vault_jws_parse(in, &jws) != KQ_OK)
        return;
    FUZZ_CHECK(jws.alg != NULL && jws.kid != NULL);
    FUZZ_CHECK(jws.header_text.len + jws.claims_text.len + jws.signature_text.len + 2 == in.len);
}

static bool is_endpoint(void *context, const char *audience)
{
    (void)context;
    return strcmp(audience, "https://login.keyquay.localhost/adfs/oauth2/token") == 0;
}

/* An assertion under a certificate; the input is one, or the certificate, or both. */
static void try_assertion(struct kq_slice text, struct kq_slice certificate)
{
    const struct vault_assertion_rules rules = {.client_id = TENANT, .is_audience = is_endpoint, .now = FUZZ_NOW};
    KQ_AUTO_VALUE(vault_assertion) assertion = {.has_sha1 = false};
    KQ_AUTO_VALUE(kq_buffer) copy = {0};
    uint8_t id[32];
    uint64_t expires = 0;
    const char *why = "";
    kq_buffer_init(&copy, text.len + 1);
    FUZZ_CHECK(kq_buffer_append(&copy, text.data, text.len) == KQ_OK && kq_buffer_append(&copy, "", 1) == KQ_OK);
    if (vault_assertion_parse((const char *)copy.data, &assertion, &why) != KQ_OK) {
        FUZZ_CHECK(why[0] != '\0');
        return;
    }
    FUZZ_CHECK(assertion.has_sha1 || assertion.has_sha256);
    FUZZ_CHECK(vault_assertion_verify(&assertion, certificate, &rules, id, &expires, &why) != KQ_OK && why[0] != '\0');
}

static void try_certificate(struct kq_slice in)
{
    struct vault_certificate_facts facts;
    const char *why = NULL;
    kq_status status = vault_client_certificate_read(in, &facts, &why);
    FUZZ_CHECK((status == KQ_OK) == (why[0] == '\0'));
    if (status == KQ_OK)
        FUZZ_CHECK(facts.not_before <= facts.not_after && facts.public_key.len > 256);
}

static void try_claims(struct kq_slice in)
{
    static const struct vault_claim_rules rules = {
        .issuer = ISSUER, .tenant_id = TENANT, .audiences = audiences, .num_audiences = 1, .leeway_s = 60};
    char text[512] = "";
    json_t *claims = NULL;
    struct vault_caller caller = {.expires = 0};
    if (vault_json_parse(in, &claims, text, sizeof text) != KQ_OK)
        return;
    text[0] = '\0';
    if (vault_claims_check(&rules, claims, VAULT_AUDIENCE_VAULT, FUZZ_NOW, &caller, text, sizeof text) == VAULT_OK) {
        FUZZ_CHECK(strlen(caller.object_id) == 36 && strlen(caller.client_id) == 36);
        FUZZ_CHECK(caller.expires + rules.leeway_s > FUZZ_NOW && strcmp(caller.issuer, ISSUER) == 0);
    } else {
        FUZZ_CHECK(text[0] != '\0' && caller.object_id[0] == '\0');
    }
    vault_json_free(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    try_token(in);
    try_parts(in);
    try_claims(in);
    try_certificate(in);
    const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
    size_t len = zero == NULL ? size : (size_t)(zero - data);
    try_assertion(kq_slice_of(data, len), zero == NULL ? in : kq_slice_of(zero + 1, size - len - 1));
    return 0;
}
