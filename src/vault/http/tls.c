#include "vault/http/tls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <gnutls/x509.h>

#include "vault/http/signer.h"

#define CHAIN_MAX 8u

struct vault_http_credentials {
    atomic_uint holders;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned num_chain;
    gnutls_privkey_t key;
};

/* Clients of TLS 1.3 alone speak no word of renegotiation, so none is demanded
 * of them; who asks for one is disconnected. */
const char *vault_http_tls_priorities(void)
{
    return "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:"
           "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
           "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA384:"
           "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:"
           "+CTYPE-X509:+COMP-NULL:%SERVER_PRECEDENCE";
}

static gnutls_datum_t datum(struct kq_slice slice)
{
    /* GnuTLS takes inputs without const. */
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)slice.data, (unsigned)slice.len};
}

static const char *load_chain(struct vault_http_credentials *credentials, struct kq_slice pem)
{
    gnutls_datum_t text = datum(pem);
    unsigned num = CHAIN_MAX;
    if (pem.len == 0 || gnutls_pcert_list_import_x509_raw(credentials->chain, &num, &text, GNUTLS_X509_FMT_PEM,
                                                          GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED) != GNUTLS_E_SUCCESS)
        return "the certificate chain is not PEM, leaf first, of at most 8 certificates";
    credentials->num_chain = num;
    return num == 0 ? "the certificate chain is empty" : NULL;
}

static const char *load_key(struct vault_http_credentials *credentials, const struct vault_http_tls *tls)
{
    gnutls_datum_t text = datum(tls->key_pem);
    if (tls->key_pem.len == 0)
        return vault_http_signer_new(tls->sign, tls->sign_context, &credentials->key) == KQ_OK ? NULL : "no memory";
    if (gnutls_privkey_init(&credentials->key) != GNUTLS_E_SUCCESS)
        return "no memory";
    if (gnutls_privkey_import_x509_raw(credentials->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0) != GNUTLS_E_SUCCESS)
        return "the private key is not an unencrypted key in PEM";
    int type = gnutls_privkey_get_pk_algorithm(credentials->key, NULL);
    return type == GNUTLS_PK_ECDSA || type == GNUTLS_PK_RSA ? NULL : "the private key is neither RSA nor ECDSA";
}

/* Signs something and verifies it under the leaf. */
static const char *prove(struct vault_http_credentials *credentials)
{
    static const unsigned char probe[] = "keyquay: does this key belong to this certificate?";
    gnutls_datum_t data = {(unsigned char *)(uintptr_t)probe, sizeof probe};
    gnutls_datum_t signature = {NULL, 0};
    gnutls_pk_algorithm_t type = (gnutls_pk_algorithm_t)gnutls_privkey_get_pk_algorithm(credentials->key, NULL);
    gnutls_sign_algorithm_t algorithm = gnutls_pk_to_sign(type, GNUTLS_DIG_SHA256);
    if (gnutls_privkey_sign_data2(credentials->key, algorithm, 0, &data, &signature) != GNUTLS_E_SUCCESS)
        return "the key of the certificate cannot sign now";
    int verified = gnutls_pubkey_verify_data2(credentials->chain[0].pubkey, algorithm, 0, &data, &signature);
    gnutls_free(signature.data);
    return verified >= 0 ? NULL : "the private key does not belong to the certificate";
}

kq_status vault_http_credentials_new(const struct vault_http_tls *tls, struct vault_http_credentials **out,
                                     char *out_error, size_t out_error_size)
{
    KQ_AUTO(vault_http_credentials) credentials = calloc(1, sizeof *credentials);
    if (credentials == NULL)
        return KQ_ERR_MEMORY;
    atomic_init(&credentials->holders, 1);
    const char *why = load_chain(credentials, tls->chain_pem);
    if (why == NULL)
        why = load_key(credentials, tls);
    if (why == NULL)
        why = prove(credentials);
    if (why != NULL) {
        snprintf(out_error, out_error_size, "TLS: %s", why);
        return KQ_ERR_ARGUMENT;
    }
    *out = KQ_TAKE(credentials);
    return KQ_OK;
}

struct vault_http_credentials *vault_http_credentials_hold(struct vault_http_credentials *credentials)
{
    atomic_fetch_add(&credentials->holders, 1);
    return credentials;
}

void vault_http_credentials_free(struct vault_http_credentials *credentials)
{
    if (credentials == NULL || atomic_fetch_sub(&credentials->holders, 1) > 1)
        return;
    for (unsigned i = 0; i < credentials->num_chain; i++)
        gnutls_pcert_deinit(&credentials->chain[i]);
    if (credentials->key != NULL)
        gnutls_privkey_deinit(credentials->key);
    free(credentials);
}

void vault_http_credentials_give(struct vault_http_credentials *credentials, gnutls_pcert_st **out_chain,
                                 unsigned *out_num, gnutls_privkey_t *out_key)
{
    *out_chain = credentials->chain;
    *out_num = credentials->num_chain;
    *out_key = credentials->key;
}
