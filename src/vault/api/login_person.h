#ifndef VAULT_API_LOGIN_PERSON_H
#define VAULT_API_LOGIN_PERSON_H

#include "vault/api/call.h"
#include "vault/api/form.h"

/* People sign in on another device than the one that wants a token (RFC 8628),
 * and stay signed in with refresh tokens (RFC 6749 6). */

#define VAULT_GRANT_DEVICE_CODE "urn:ietf:params:oauth:grant-type:device_code"

/* Of the token endpoint: grant_type is VAULT_GRANT_DEVICE_CODE, refresh_token. */
enum vault_problem vault_login_by_device(struct vault_call *call, const struct vault_form *form);
enum vault_problem vault_login_by_refresh(struct vault_call *call, const struct vault_form *form);

/* device.c: POST .../devicecode. */
vault_handler vault_device_post;
/* device_page.c: GET and POST /device. */
vault_handler vault_device_page_get;
vault_handler vault_device_page_post;

struct vault_device_wish; /* auth/device.h */
/* Reads client_id and scope (or resource) of a person's client. An answer was
 * made where call->response->status is not 0 afterwards. */
enum vault_problem vault_login_read_wish(struct vault_call *call, const struct vault_form *form,
                                         struct vault_device_wish *out);

#endif
