#ifndef VAULT_AUTH_TOKEN_H
#define VAULT_AUTH_TOKEN_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "vault/core/problem.h"

/* Access tokens: made by the embedded authority with a key that lies in a
 * module, and checked, whoever made them. The algorithm is the issuer's key's
 * (RS256 for ours), never the token's word. Thread-safe. */
struct vault_authority;
struct vault_secret_gate;  /* auth/secret.h */
struct vault_device_table; /* auth/device.h */
struct kqw_issuer;         /* webclient/issuer.h */

/* Signs a SHA-256 digest with the token key (RSA, PKCS #1 v1.5). */
typedef kq_status vault_token_sign(void *context, struct kq_slice digest, struct kq_buffer *out);

enum vault_audience { VAULT_AUDIENCE_VAULT = 1, VAULT_AUDIENCE_MANAGEMENT = 2, VAULT_AUDIENCE_GRAPH = 3 };
struct vault_audience_name {
    enum vault_audience audience;
    const char *name; /* "https://vault.keyquay.localhost:8443"; with and without a slash at the end */
};

struct vault_authority_options {
    const char *tenant_id;
    const char *issuer;         /* iss of our tokens: "https://login.keyquay.localhost:8443/<tenant>/" */
    struct kq_slice public_key; /* of the token key, DER SubjectPublicKeyInfo, RSA */
    vault_token_sign *sign;
    void *sign_context;
    const struct vault_audience_name *audiences;
    size_t num_audiences;
    uint64_t token_life_s;
    uint64_t leeway_s; /* of other hosts' clocks; added to exp */
};
/* All options are copied.
 * Errors  KQ_ERR_ARGUMENT (a tenant that is no GUID, an issuer that is empty or longer than 255, a key that is not RSA
 * of 2048 bits or more, no audience or more than VAULT_AUDIENCES_MAX, a life of 0), KQ_ERR_IO (no random bytes) */
#define VAULT_AUDIENCES_MAX 32u
KQ_MUST_CHECK kq_status vault_authority_new(const struct vault_authority_options *options,
                                            struct vault_authority **out);
void vault_authority_free(struct vault_authority *authority);
KQ_AUTO_DEFINE(vault_authority);

/* What the options said: iss of our tokens, and how long they are good. */
const char *vault_authority_issuer(const struct vault_authority *authority);
uint64_t vault_authority_token_life_s(const struct vault_authority *authority);
uint64_t vault_authority_leeway_s(const struct vault_authority *authority);

/* Remembers an assertion by its id until it ends (4096 of them; those that end
 * first go first). false: another assertion had this id. The same one counts
 * again: clients keep an assertion and send it for each of their tokens. */
bool vault_authority_take_assertion(struct vault_authority *authority, const uint8_t id[32], struct kq_slice assertion,
                                    uint64_t expires, uint64_t now);
/* Where people's sign-ins on devices wait; borrowed. */
struct vault_device_table *vault_authority_devices(struct vault_authority *authority);
/* Where this authority's clients have their secrets checked; borrowed. */
struct vault_secret_gate *vault_authority_secrets(struct vault_authority *authority);

/* From now on tokens of these issuers are taken too, and of no others but us.
 * Tokens that were remembered are checked anew. What an issuer calls a subject
 * becomes an object id by kqw_issuer_guid(). An issuer that has our own name is never asked.
 * issuers  taken over (left cleared) on success; at most KQW_ISSUERS_MAX
 * Errors   KQ_ERR_ARGUMENT (too many), KQ_ERR_MEMORY; the former ones stay */
KQ_MUST_CHECK kq_status vault_authority_set_issuers(struct vault_authority *authority, struct kqw_issuer *issuers,
                                                    size_t num_issuers);
/* How many tokens have named a key that their issuer does not have, since this
 * was last asked: of one issuer, whose name is written; 0 if of none. */
uint64_t vault_authority_take_unknown_keys(struct vault_authority *authority, char *out_name, size_t size);

/* The document behind jwks_uri (JSON).  Errors: KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status vault_authority_jwks(struct vault_authority *authority, struct kq_buffer *out);

/* Who a token speaks of. */
struct vault_caller {
    char tenant_id[37];
    char object_id[37];
    char client_id[37];
    char issuer[256];
    bool is_of_this_vault; /* the token is the embedded authority's, not another issuer's */
    uint64_t expires;
    uint64_t number; /* of tenant and object id in any case; not 0, and the same in all tokens of one principal */
};

/* How a client has shown who it is: appidacr of its tokens. */
enum vault_token_proof { VAULT_TOKEN_BY_NOTHING = 0, VAULT_TOKEN_BY_SECRET = 1, VAULT_TOKEN_BY_CERTIFICATE = 2 };

/* For whom a token is made. */
struct vault_token_subject {
    const char *client_id;
    const char *object_id;
    const char *audience; /* as the client asked for it */
    enum vault_token_proof proof;
    const char *user_name; /* of a person; NULL for an application */
    const char *display_name;
};
/* Makes a token (docs/protocols/tokens.md); out and errors as below. */
KQ_MUST_CHECK kq_status vault_token_issue_to(struct vault_authority *authority,
                                             const struct vault_token_subject *subject, uint64_t now,
                                             struct kq_buffer *out);

/* Is this a name of one of our hosts, for which tokens are made? */
bool vault_token_is_for_us(const struct vault_authority *authority, const char *audience);

/* Tells the client who has signed in: aud is the client, so that it is no token
 * for any of our hosts.  Errors: as vault_token_issue_to(). */
KQ_MUST_CHECK kq_status vault_id_token_issue(struct vault_authority *authority,
                                             const struct vault_token_subject *subject, uint64_t now,
                                             struct kq_buffer *out);

/* Makes a token for an application that has shown its secret.
 * audience  as the client asked for it, copied into aud; must be one of ours
 * out       appended to; a secret: the caller wipes it (kq_buffer_clear)
 * Errors    KQ_ERR_NOT_FOUND (audience), KQ_ERR_IO (no random bytes), those of sign */
KQ_MUST_CHECK kq_status vault_token_issue(struct vault_authority *authority, const char *client_id,
                                          const char *object_id, const char *audience, uint64_t now,
                                          struct kq_buffer *out);

/* Checks the value of an Authorization header: scheme, signature, issuer,
 * audience, dates, tenant. Tokens found good are remembered (bounded) by their
 * hash until they end.
 * out_message  what to tell the client (AKV... texts), size at least 512
 * Returns      VAULT_OK or VAULT_UNAUTHORIZED */
enum vault_problem vault_token_check(struct vault_authority *authority, const char *authorization,
                                     enum vault_audience audience, uint64_t now, struct vault_caller *out,
                                     char *out_message, size_t out_message_size);
/* Has the token of this header been found good, for whichever audience, and
 * would be today? Looks nowhere but into the table of those; true: *out is whom it
 * speaks of. It is no check: what a caller may do needs vault_token_check(). */
bool vault_token_is_remembered(struct vault_authority *authority, const char *authorization, uint64_t now,
                               struct vault_caller *out);

#endif
