#include "vault/http/certificate.h"

#include <arpa/inet.h>

#include <gnutls/x509.h>

#include "base/random.h"
#include "vault/http/signer.h"

#define SERIAL_LEN 16u
#define KEY_ID_LEN 20u
#define CERTIFICATE_NAMES_MAX 32u

/* GnuTLS objects of one making, freed together. */
struct making {
    gnutls_x509_crt_t certificate;
    gnutls_x509_crt_t issuer; /* certificate itself where self-signed */
    gnutls_pubkey_t subject_key;
    gnutls_privkey_t key;
    const struct vault_http_certificate_request *request;
    kq_status signing; /* what sign returned: GnuTLS has no room for it */
};

static kq_status sign_and_note(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    struct making *making = context;
    making->signing = making->request->sign(making->request->sign_context, digest, out);
    return making->signing;
}

static void making_clear(struct making *making)
{
    if (making->issuer != NULL && making->issuer != making->certificate)
        gnutls_x509_crt_deinit(making->issuer);
    if (making->certificate != NULL)
        gnutls_x509_crt_deinit(making->certificate);
    if (making->subject_key != NULL)
        gnutls_pubkey_deinit(making->subject_key);
    if (making->key != NULL)
        gnutls_privkey_deinit(making->key);
}
KQ_AUTO_DEFINE_VALUE(making);

static kq_status or_else(int result, kq_status failure)
{
    return result >= 0 ? KQ_OK : failure;
}

static gnutls_datum_t datum(struct kq_slice slice)
{
    /* GnuTLS takes inputs without const. */
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)slice.data, (unsigned)slice.len};
}

static kq_status prepare(struct making *making, const struct vault_http_certificate_request *request)
{
    gnutls_datum_t spki = datum(request->subject_public);
    gnutls_datum_t pem = datum(request->issuer_pem);
    gnutls_ecc_curve_t curve;
    KQ_TRY(or_else(gnutls_x509_crt_init(&making->certificate), KQ_ERR_MEMORY));
    KQ_TRY(or_else(gnutls_pubkey_init(&making->subject_key), KQ_ERR_MEMORY));
    KQ_TRY(or_else(gnutls_pubkey_import(making->subject_key, &spki, GNUTLS_X509_FMT_DER), KQ_ERR_ARGUMENT));
    KQ_TRY(or_else(gnutls_pubkey_export_ecc_raw(making->subject_key, &curve, NULL, NULL), KQ_ERR_ARGUMENT));
    if (curve != GNUTLS_ECC_CURVE_SECP256R1)
        return KQ_ERR_ARGUMENT;
    KQ_TRY(or_else(gnutls_x509_crt_set_pubkey(making->certificate, making->subject_key), KQ_ERR_INTERNAL));
    KQ_TRY(vault_http_signer_new(sign_and_note, making, &making->key));
    if (pem.size == 0) {
        making->issuer = making->certificate;
        return KQ_OK;
    }
    KQ_TRY(or_else(gnutls_x509_crt_init(&making->issuer), KQ_ERR_MEMORY));
    return or_else(gnutls_x509_crt_import(making->issuer, &pem, GNUTLS_X509_FMT_PEM), KQ_ERR_ARGUMENT);
}

static kq_status set_identity(gnutls_x509_crt_t crt, const struct vault_http_certificate_request *request)
{
    uint8_t serial[SERIAL_LEN];
    KQ_TRY(kq_random(serial, sizeof serial));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always as long */
    KQ_TRY(or_else(gnutls_x509_crt_set_version(crt, 3), KQ_ERR_INTERNAL));
    KQ_TRY(or_else(gnutls_x509_crt_set_serial(crt, serial, sizeof serial), KQ_ERR_INTERNAL));
    KQ_TRY(or_else(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, request->common_name,
                                                 (unsigned)strlen(request->common_name)),
                   KQ_ERR_ARGUMENT));
    KQ_TRY(or_else(gnutls_x509_crt_set_activation_time(crt, (time_t)request->not_before), KQ_ERR_ARGUMENT));
    return or_else(gnutls_x509_crt_set_expiration_time(crt, (time_t)request->not_after), KQ_ERR_ARGUMENT);
}

/* Subject and authority key identifiers: what ties a chain together. */
static kq_status set_key_ids(struct making *making)
{
    uint8_t id[KEY_ID_LEN];
    size_t len = sizeof id;
    KQ_TRY(or_else(gnutls_x509_crt_get_key_id(making->certificate, GNUTLS_KEYID_USE_SHA1, id, &len), KQ_ERR_INTERNAL));
    KQ_TRY(or_else(gnutls_x509_crt_set_subject_key_id(making->certificate, id, len), KQ_ERR_INTERNAL));
    if (making->issuer == making->certificate)
        return KQ_OK;
    len = sizeof id;
    KQ_TRY(or_else(gnutls_x509_crt_get_subject_key_id(making->issuer, id, &len, NULL), KQ_ERR_ARGUMENT));
    return or_else(gnutls_x509_crt_set_authority_key_id(making->certificate, id, len), KQ_ERR_INTERNAL);
}

static kq_status add_name(gnutls_x509_crt_t crt, const char *name)
{
    uint8_t address[16];
    const void *data = name;
    unsigned len = (unsigned)strlen(name);
    gnutls_x509_subject_alt_name_t type = GNUTLS_SAN_IPADDRESS;
    if (inet_pton(AF_INET, name, address) == 1) {
        data = address;
        len = 4;
    } else if (inet_pton(AF_INET6, name, address) == 1) {
        data = address;
        len = 16;
    } else {
        type = GNUTLS_SAN_DNSNAME;
    }
    return or_else(gnutls_x509_crt_set_subject_alt_name(crt, type, data, len, GNUTLS_FSAN_APPEND), KQ_ERR_ARGUMENT);
}

static kq_status make_authority(gnutls_x509_crt_t crt)
{
    KQ_TRY(or_else(gnutls_x509_crt_set_basic_constraints(crt, 1, 0), KQ_ERR_INTERNAL));
    return or_else(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN), KQ_ERR_INTERNAL);
}

static kq_status make_server(gnutls_x509_crt_t crt, const char *const *names)
{
    KQ_TRY(or_else(gnutls_x509_crt_set_basic_constraints(crt, 0, -1), KQ_ERR_INTERNAL));
    KQ_TRY(or_else(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE), KQ_ERR_INTERNAL));
    KQ_TRY(or_else(gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0), KQ_ERR_INTERNAL));
    for (size_t i = 0; names[i] != NULL; i++) {
        if (i == CERTIFICATE_NAMES_MAX)
            return KQ_ERR_ARGUMENT;
        KQ_TRY(add_name(crt, names[i]));
    }
    return KQ_OK;
}

static kq_status export_pem(gnutls_x509_crt_t crt, struct kq_buffer *out)
{
    gnutls_datum_t pem = {NULL, 0};
    KQ_TRY(or_else(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), KQ_ERR_INTERNAL));
    kq_status status = kq_buffer_append(out, pem.data, pem.size);
    gnutls_free(pem.data);
    return status;
}

kq_status vault_http_certificate_make(const struct vault_http_certificate_request *request, struct kq_buffer *out_pem)
{
    KQ_AUTO_VALUE(making) making = {.request = request};
    if (request->not_after <= request->not_before)
        return KQ_ERR_ARGUMENT;
    KQ_TRY(prepare(&making, request));
    KQ_TRY(set_identity(making.certificate, request));
    KQ_TRY(request->names == NULL ? make_authority(making.certificate)
                                  : make_server(making.certificate, request->names));
    KQ_TRY(set_key_ids(&making));
    int result = gnutls_x509_crt_privkey_sign(making.certificate, making.issuer, making.key, GNUTLS_DIG_SHA256, 0);
    KQ_TRY(making.signing);
    KQ_TRY(or_else(result, KQ_ERR_INTERNAL));
    return export_pem(making.certificate, out_pem);
}

kq_status vault_http_certificate_end(struct kq_slice pem, uint64_t *out_not_after)
{
    gnutls_datum_t text = datum(pem);
    gnutls_x509_crt_t crt = NULL;
    KQ_TRY(or_else(gnutls_x509_crt_init(&crt), KQ_ERR_MEMORY));
    int result = pem.len == 0 ? -1 : gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM);
    time_t end = result < 0 ? -1 : gnutls_x509_crt_get_expiration_time(crt);
    gnutls_x509_crt_deinit(crt);
    if (end < 0)
        return KQ_ERR_FORMAT;
    *out_not_after = (uint64_t)end;
    return KQ_OK;
}
