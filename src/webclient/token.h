#ifndef KQW_TOKEN_H
#define KQW_TOKEN_H

#include "webclient/client.h"

/* OAuth 2 client credentials (RFC 6749 4.4), the secret in the form body. */
struct kqw_token_request {
    const char *url; /* the token endpoint */
    const char *client_id;
    const struct kq_secret *client_secret;
    const char *scope; /* "https://management.DOMAIN/.default" */
};

/* out_token      the access token
 * out_expires_s  seconds from now
 * out_error      what failed and what to do next; at least KQW_ERROR_SIZE bytes
 * Errors         those of kqw_send() and kqw_response_status(); KQ_ERR_DENIED for a wrong name or secret;
 *                KQ_ERR_FORMAT (the answer is no token) */
KQ_MUST_CHECK kq_status kqw_token_get(struct kqw_client *client, const struct kqw_token_request *request,
                                      struct kq_secret *out_token, uint64_t *out_expires_s, char *out_error);

/* What a 401 names: Bearer authorization="https://login.D/TENANT", resource="https://vault.D". */
struct kqw_challenge {
    char authority[512]; /* the URL in authorization or authorization_uri */
    char resource[512];  /* resource, or scope without /.default */
};
/* Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kqw_challenge_parse(const char *header, struct kqw_challenge *out);

#endif
