#ifndef KQW_ISSUER_H
#define KQW_ISSUER_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/cleanup.h"

/* An OpenID Connect issuer whose tokens are taken: what `keyquay issuer` writes
 * and keyvaultd reads (docs/formats/issuer.md). Public keys only. */
#define KQW_ISSUER_FILE_MAX 65536u
#define KQW_ISSUERS_MAX 16u
#define KQW_ISSUER_AUDIENCES_MAX 8u
#define KQW_ISSUER_KEYS_MAX 32u
#define KQW_ISSUER_NAME_SIZE 33
#define KQW_ISSUER_URL_SIZE 256
#define KQW_ISSUER_CLAIM_SIZE 16
#define KQW_ISSUER_CA_SIZE 1024
#define KQW_ISSUER_WHY_SIZE 200

struct kqw_issuer {
    char name[KQW_ISSUER_NAME_SIZE];
    char url[KQW_ISSUER_URL_SIZE]; /* iss of its tokens, byte for byte */
    size_t num_audiences;          /* 0: the service's own names */
    char audiences[KQW_ISSUER_AUDIENCES_MAX][KQW_ISSUER_URL_SIZE];
    char tenant[37]; /* the tid its tokens must have; "": tid is not looked at */
    char object_claim[KQW_ISSUER_CLAIM_SIZE];
    char client_claim[KQW_ISSUER_CLAIM_SIZE];
    char ca[KQW_ISSUER_CA_SIZE]; /* PEM file of the authority that its host is checked against; "": the system's */
    uint64_t fetched;            /* when its keys were, unix seconds */
    json_t *keys;                /* owned; array of JWKs in the one form of kqw_issuer_take_keys() */
};
void kqw_issuer_clear(struct kqw_issuer *issuer);
KQ_AUTO_DEFINE_VALUE(kqw_issuer);

/* Lower-case letters, digits and hyphens, a letter or digit first and last; at most 32. */
bool kqw_issuer_name_is_valid(const char *name);
/* https://HOST[:PORT][/PATH], at most 255 printable bytes, neither user nor query nor fragment. */
bool kqw_issuer_url_is_valid(const char *url);
bool kqw_issuer_object_claim_is_valid(const char *claim);
bool kqw_issuer_client_claim_is_valid(const char *claim);

/* Reads a file's content; everything in it is checked.
 * out_why  what is wrong, size KQW_ISSUER_WHY_SIZE
 * Errors   KQ_ERR_TOO_LARGE, KQ_ERR_FORMAT, KQ_ERR_UNSUPPORTED (a version that is not known), KQ_ERR_DENIED (a private
 *          or symmetric key) */
KQ_MUST_CHECK kq_status kqw_issuer_read(struct kq_slice text, struct kqw_issuer *out, char *out_why);
/* Errors: KQ_ERR_TOO_LARGE, KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status kqw_issuer_write(const struct kqw_issuer *issuer, struct kq_buffer *out);

/* The keys of a JWK set that signatures may be made with, reduced to kty, alg,
 * kid and the numbers: RS256, PS256 (2048 to 8192 bits), ES256, ES384. A key
 * for something else, or without kid, is left out.
 * out_why  as above
 * Errors   KQ_ERR_DENIED     one of them is private or symmetric: nothing of the set is taken
 *          KQ_ERR_FORMAT     not a JWK set; two keys of one kid
 *          KQ_ERR_NOT_FOUND  no key is left
 *          KQ_ERR_TOO_LARGE  more than KQW_ISSUER_KEYS_MAX */
KQ_MUST_CHECK kq_status kqw_issuer_take_keys(const json_t *set, json_t **out_keys, char *out_why);

/* The key of this id, borrowed; NULL if the issuer has none. */
const json_t *kqw_issuer_key(const struct kqw_issuer *issuer, const char *kid);

/* What an issuer's subject or application is called here: the GUID it already
 * is, else a GUID of version 8 made from the issuer's URL and the text. */
void kqw_issuer_guid(const char *url, const char *text, char out[37]);

#endif
