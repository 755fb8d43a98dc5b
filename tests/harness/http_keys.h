#ifndef KQ_TESTS_HARNESS_HTTP_KEYS_H
#define KQ_TESTS_HARNESS_HTTP_KEYS_H

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "vault/http/certificate.h"

/* A P-256 key in this process that plays the key in a module. */
struct http_key {
    gnutls_x509_privkey_t file;
    gnutls_privkey_t key;
    kq_status fails_with; /* what http_key_sign returns instead of signing */
    size_t num_signatures;
};

/* Ends the program on failure. */
void http_key_make(struct http_key *key);
void http_key_clear(struct http_key *key);
void http_key_public(const struct http_key *key, struct kq_buffer *out_spki);
void http_key_pem(const struct http_key *key, struct kq_buffer *out_pem);

/* A vault_http_sign; the context is a struct http_key. */
kq_status http_key_sign(void *context, struct kq_slice digest, struct kq_buffer *out);

/* A CA's certificate, and one for names signed by it; valid from an hour ago until ten days ahead. */
kq_status http_key_authority(struct http_key *ca, struct kq_buffer *out_pem);
kq_status http_key_server(struct http_key *ca, struct kq_slice ca_pem, const struct http_key *server,
                          const char *const *names, struct kq_buffer *out_pem);

#endif
