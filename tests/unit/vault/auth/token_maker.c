#include "vault/auth/token_maker.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "unit.h"

static void sign_digest(EVP_PKEY *key, int padding, struct kq_slice digest, struct kq_buffer *out)
{
    uint8_t signature[512];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    if (padding == RSA_PKCS1_PSS_PADDING) /* as long as the hash: RFC 7518 3.5 */
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, signature, &len, digest.data, digest.len), 1);
    EVP_PKEY_CTX_free(ctx);
    assert_ok(kq_buffer_append(out, signature, len));
}

static kq_status sign(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    struct token_maker *maker = context;
    maker->num_signed++;
    if (maker->sign_status != KQ_OK)
        return maker->sign_status;
    sign_digest(maker->key, RSA_PKCS1_PADDING, digest, out);
    return KQ_OK;
}

static void read_kid(struct token_maker *maker)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 8192);
    assert_ok(vault_authority_jwks(maker->authority, &text));
    json_t *set = json_loadb((const char *)text.data, text.len, 0, NULL);
    const char *kid = json_string_value(json_object_get(json_array_get(json_object_get(set, "keys"), 0), "kid"));
    assert_non_null(kid);
    snprintf(maker->kid, sizeof maker->kid, "%s", kid);
    json_decref(set);
}

void token_maker_init(struct token_maker *maker)
{
    static const struct vault_audience_name audiences[] = {
        {VAULT_AUDIENCE_VAULT, MAKER_VAULT},
        {VAULT_AUDIENCE_VAULT, "https://vault.keyquay.localhost"},
        {VAULT_AUDIENCE_MANAGEMENT, MAKER_MANAGEMENT},
        {VAULT_AUDIENCE_GRAPH, "https://graph.keyquay.localhost/"},
    };
    *maker = (struct token_maker){.key = EVP_RSA_gen(2048), .other = EVP_RSA_gen(2048)};
    assert_non_null(maker->key);
    assert_non_null(maker->other);
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(maker->key, &der);
    assert_true(len > 0);
    kq_buffer_init(&maker->spki, 4096);
    assert_ok(kq_buffer_append(&maker->spki, der, (size_t)len));
    OPENSSL_free(der);
    const struct vault_authority_options options = {
        .tenant_id = MAKER_TENANT,
        .issuer = MAKER_ISSUER,
        .public_key = kq_buffer_slice(&maker->spki),
        .sign = sign,
        .sign_context = maker,
        .audiences = audiences,
        .num_audiences = 4,
        .token_life_s = MAKER_LIFE,
        .leeway_s = MAKER_LEEWAY,
    };
    assert_ok(vault_authority_new(&options, &maker->authority));
    read_kid(maker);
}

void token_maker_clear(struct token_maker *maker)
{
    vault_authority_free(maker->authority);
    kq_buffer_clear(&maker->spki);
    EVP_PKEY_free(maker->key);
    EVP_PKEY_free(maker->other);
}

static void hmac(struct kq_slice key, struct kq_slice text, struct kq_buffer *out)
{
    uint8_t tag[32];
    unsigned len = 0;
    assert_non_null(HMAC(EVP_sha256(), key.data, (int)key.len, text.data, text.len, tag, &len));
    assert_ok(kq_buffer_append(out, tag, len));
}

static void hmac_with_pem(struct token_maker *maker, struct kq_slice text, struct kq_buffer *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *pem = NULL;
    assert_int_equal(PEM_write_bio_PUBKEY(memory, maker->key), 1);
    long len = BIO_get_mem_data(memory, &pem);
    hmac(kq_slice_of(pem, (size_t)len), text, out);
    BIO_free(memory);
}

static void put_signature(struct token_maker *maker, enum maker_signature kind, struct kq_slice text,
                          struct kq_buffer *out)
{
    uint8_t digest[32];
    kq_sha256(text, digest);
    const struct kq_slice hash = kq_slice_of(digest, sizeof digest);
    if (kind == MAKER_RS256)
        sign_digest(maker->key, RSA_PKCS1_PADDING, hash, out);
    else if (kind == MAKER_OTHER_KEY)
        sign_digest(maker->other, RSA_PKCS1_PADDING, hash, out);
    else if (kind == MAKER_PS256)
        sign_digest(maker->key, RSA_PKCS1_PSS_PADDING, hash, out);
    else if (kind == MAKER_HS256_DER)
        hmac(kq_buffer_slice(&maker->spki), text, out);
    else if (kind == MAKER_HS256_PEM)
        hmac_with_pem(maker, text, out);
}

void token_maker_make(struct token_maker *maker, const char *header, const char *claims, enum maker_signature kind,
                      struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&text, 65536);
    kq_buffer_init(&signature, 1024);
    assert_ok(kq_base64url_encode(kq_slice_text(header), &text));
    assert_ok(kq_buffer_append(&text, ".", 1));
    assert_ok(kq_base64url_encode(kq_slice_text(claims), &text));
    put_signature(maker, kind, kq_buffer_slice(&text), &signature);
    kq_buffer_clear(out);
    kq_buffer_init(out, 65536);
    assert_ok(kq_buffer_append(out, "Bearer ", 7));
    assert_ok(kq_buffer_append(out, text.data, text.len));
    assert_ok(kq_buffer_append(out, ".", 1));
    assert_ok(kq_base64url_encode(kq_buffer_slice(&signature), out));
    assert_ok(kq_buffer_append(out, "", 1)); /* a C string */
}

/* A member with the value "-" is taken out. */
static void change_object(json_t *object, const char *change, char *out, size_t out_size)
{
    char text[9000];
    snprintf(text, sizeof text, "{%s}", change);
    json_t *changes = json_loads(text, 0, NULL);
    assert_non_null(changes);
    const char *name;
    json_t *value;
    json_object_foreach(changes, name, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), "-") == 0)
            json_object_del(object, name);
        else
            json_object_set(object, name, value);
    }
    char *result = json_dumps(object, JSON_COMPACT);
    assert_true(strlen(result) < out_size);
    snprintf(out, out_size, "%s", result);
    free(result);
    json_decref(changes);
    json_decref(object);
}

void token_maker_claims(const char *change, char *out, size_t out_size)
{
    change_object(json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "iss", MAKER_ISSUER, "aud", MAKER_VAULT, "iat",
                            (json_int_t)MAKER_NOW, "nbf", (json_int_t)MAKER_NOW, "exp",
                            (json_int_t)(MAKER_NOW + MAKER_LIFE), "appid", MAKER_CLIENT, "oid", MAKER_OBJECT, "tid",
                            MAKER_TENANT),
                  change, out, out_size);
}

void token_maker_header(const struct token_maker *maker, const char *change, char *out, size_t out_size)
{
    change_object(json_pack("{s:s, s:s, s:s}", "typ", "JWT", "alg", "RS256", "kid", maker->kid), change, out, out_size);
}

void token_maker_certificate(struct token_maker *maker, void *key, uint64_t not_before, uint64_t not_after,
                             struct kq_buffer *out)
{
    X509 *certificate = X509_new();
    uint8_t *der = NULL;
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                                (const uint8_t *)"robot", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, maker->key, EVP_sha256()) > 0);
    int len = i2d_X509(certificate, &der);
    assert_true(len > 0);
    kq_buffer_init(out, 16384);
    assert_ok(kq_buffer_append(out, der, (size_t)len));
    OPENSSL_free(der);
    X509_free(certificate);
}
