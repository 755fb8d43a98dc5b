#ifndef KQ_TESTS_VAULT_TOKEN_MAKER_H
#define KQ_TESTS_VAULT_TOKEN_MAKER_H

#include "vault/auth/token.h"

/* An authority over keys that lie in the test, and tokens as a forger makes
 * them: any header, any claims, any signature. */

#define MAKER_TENANT "11111111-2222-4333-8444-555555555555"
#define MAKER_CLIENT "aaaaaaaa-0000-4000-8000-000000000001"
#define MAKER_OBJECT "bbbbbbbb-0000-4000-8000-000000000002"
#define MAKER_ISSUER "https://login.keyquay.localhost:8443/" MAKER_TENANT "/"
#define MAKER_VAULT "https://vault.keyquay.localhost:8443"
#define MAKER_MANAGEMENT "https://management.keyquay.localhost:8443"
#define MAKER_NOW UINT64_C(1796000000)
#define MAKER_LIFE 3600u
#define MAKER_LEEWAY 60u

enum maker_signature {
    MAKER_RS256,     /* the authority's key */
    MAKER_OTHER_KEY, /* RS256 of a key of somebody else */
    MAKER_PS256,     /* the authority's key, another algorithm */
    MAKER_HS256_DER, /* HMAC keyed with the public key's DER */
    MAKER_HS256_PEM, /* the same with its PEM */
    MAKER_EMPTY,     /* no signature at all */
};

struct token_maker {
    void *key;   /* EVP_PKEY, the authority's */
    void *other; /* EVP_PKEY */
    struct kq_buffer spki;
    struct vault_authority *authority;
    char kid[64];
    unsigned num_signed;   /* calls of the authority's callback */
    kq_status sign_status; /* what the callback returns instead of signing */
};

void token_maker_init(struct token_maker *maker);
void token_maker_clear(struct token_maker *maker);

/* A certificate of the authority's key (or of the other one), signed by itself; DER. */
void token_maker_certificate(struct token_maker *maker, void *key, uint64_t not_before, uint64_t not_after,
                             struct kq_buffer *out);

/* "Bearer HEADER.CLAIMS.SIGNATURE" from JSON texts. */
void token_maker_make(struct token_maker *maker, const char *header, const char *claims, enum maker_signature signature,
                      struct kq_buffer *out);
/* The claims of a good token with one member replaced: change is "\"exp\":1" or "" (json_object_update). */
void token_maker_claims(const char *change, char *out, size_t out_size);
/* The header of a good token with changes. */
void token_maker_header(const struct token_maker *maker, const char *change, char *out, size_t out_size);

#endif
