#include "harness/http_keys.h"

#include "base/clock.h"

#define COORDINATE_LEN 32u

static void must(int result, const char *what)
{
    if (result < 0)
        KQ_BUG(what);
}

void http_key_make(struct http_key *key)
{
    *key = (struct http_key){0};
    must(gnutls_x509_privkey_init(&key->file), "no key");
    must(gnutls_x509_privkey_generate(key->file, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
         "no key made");
    must(gnutls_privkey_init(&key->key), "no abstract key");
    must(gnutls_privkey_import_x509(key->key, key->file, 0), "no key imported");
}

void http_key_clear(struct http_key *key)
{
    if (key->key != NULL)
        gnutls_privkey_deinit(key->key);
    if (key->file != NULL)
        gnutls_x509_privkey_deinit(key->file);
    *key = (struct http_key){0};
}

static void append(struct kq_buffer *out, gnutls_datum_t *bytes)
{
    if (kq_buffer_append(out, bytes->data, bytes->size) != KQ_OK)
        KQ_BUG("no room");
    gnutls_free(bytes->data);
}

void http_key_public(const struct http_key *key, struct kq_buffer *out_spki)
{
    gnutls_pubkey_t public_key;
    gnutls_datum_t der;
    must(gnutls_pubkey_init(&public_key), "no public key");
    must(gnutls_pubkey_import_privkey(public_key, key->key, 0, 0), "no public key imported");
    must(gnutls_pubkey_export2(public_key, GNUTLS_X509_FMT_DER, &der), "no public key exported");
    append(out_spki, &der);
    gnutls_pubkey_deinit(public_key);
}

void http_key_pem(const struct http_key *key, struct kq_buffer *out_pem)
{
    gnutls_datum_t pem;
    must(gnutls_x509_privkey_export2(key->file, GNUTLS_X509_FMT_PEM, &pem), "no key exported");
    append(out_pem, &pem);
}

/* A number of DER, as 32 bytes. */
static kq_status append_number(struct kq_buffer *out, const gnutls_datum_t *number)
{
    uint8_t padded[COORDINATE_LEN] = {0};
    const uint8_t *from = number->data;
    size_t len = number->size;
    for (; len > COORDINATE_LEN && *from == 0; len--)
        from++;
    if (len > COORDINATE_LEN)
        return KQ_ERR_INTERNAL;
    memcpy(padded + COORDINATE_LEN - len, from, len);
    return kq_buffer_append(out, padded, sizeof padded);
}

kq_status http_key_sign(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    struct http_key *key = context;
    gnutls_datum_t hash = {(unsigned char *)(uintptr_t)digest.data, (unsigned)digest.len};
    gnutls_datum_t signature;
    gnutls_datum_t r;
    gnutls_datum_t s;
    if (key->fails_with != KQ_OK)
        return key->fails_with;
    __atomic_add_fetch(&key->num_signatures, 1, __ATOMIC_RELAXED);
    must(gnutls_privkey_sign_hash(key->key, GNUTLS_DIG_SHA256, 0, &hash, &signature), "no signature");
    must(gnutls_decode_rs_value(&signature, &r, &s), "no signature in DER");
    kq_status status = append_number(out, &r);
    if (status == KQ_OK)
        status = append_number(out, &s);
    gnutls_free(signature.data);
    gnutls_free(r.data);
    gnutls_free(s.data);
    return status;
}

static kq_status make(struct http_key *ca, struct kq_slice ca_pem, const struct http_key *subject,
                      const char *common_name, const char *const *names, struct kq_buffer *out_pem)
{
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    kq_buffer_init(&spki, 1024);
    http_key_public(subject, &spki);
    uint64_t now = kq_clock_unix_s();
    const struct vault_http_certificate_request request = {
        .common_name = common_name,
        .subject_public = kq_buffer_slice(&spki),
        .names = names,
        .not_before = now - 3600,
        .not_after = now + 864000,
        .issuer_pem = ca_pem,
        .sign = http_key_sign,
        .sign_context = ca,
    };
    return vault_http_certificate_make(&request, out_pem);
}

kq_status http_key_authority(struct http_key *ca, struct kq_buffer *out_pem)
{
    return make(ca, KQ_SLICE_EMPTY, ca, "Test CA", NULL, out_pem);
}

kq_status http_key_server(struct http_key *ca, struct kq_slice ca_pem, const struct http_key *server,
                          const char *const *names, struct kq_buffer *out_pem)
{
    return make(ca, ca_pem, server, "Test server", names, out_pem);
}
