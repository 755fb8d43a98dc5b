#ifndef KQ_TOOLS_CLOUD_ACCOUNT_H
#define KQ_TOOLS_CLOUD_ACCOUNT_H

#include "tools/common/tool.h"

/* Somebody's account at a vault: where it is, who he is there, and the tokens
 * that say so. Add-AzureAccount keeps it in the session file (0600); the
 * client secret is never kept. */
struct kqw_client;

#define KQ_URL_SIZE 512
#define KQ_ACCOUNT_ADDRESSES_MAX 8u
#define KQ_ADDRESS_SIZE 48

struct kq_token {
    struct kq_secret text;
    uint64_t expires; /* unix seconds */
};

struct kq_account {
    char login[KQ_URL_SIZE]; /* https://login.DOMAIN[:port] */
    char management[KQ_URL_SIZE];
    char vault_suffix[KQ_URL_SIZE]; /* .vault.DOMAIN[:port] */
    char tenant_id[64];
    char client_id[64];
    char subscription_id[64]; /* the default one, "" if not known */
    char ca[KQ_PATH_MAX];     /* "": the system's authorities */
    char addresses[KQ_ACCOUNT_ADDRESSES_MAX][KQ_ADDRESS_SIZE];
    size_t num_addresses; /* 0: by name */
    struct kq_token management_token;
    struct kq_token vault_token;
    struct kqw_client *client; /* owned */
};
void kq_account_clear(struct kq_account *account);
KQ_AUTO_DEFINE_VALUE(kq_account);

/* Where the vault is, from endpoints.json. KEYQUAY_CA wins over its "ca".  Errors: said. */
KQ_MUST_CHECK kq_status kq_account_from_endpoints(struct kq_tool *tool, const char *path, struct kq_account *out);

/* The same from a vault's URL: asks the vault without a token and reads its
 * challenge. The login host must be of the vault's own domain, or the secret
 * would go to whom the answer names.  Errors: said. */
KQ_MUST_CHECK kq_status kq_account_discover(struct kq_tool *tool, const char *vault_url, struct kq_account *out);

/* Fetches both tokens.  Errors: said. */
KQ_MUST_CHECK kq_status kq_account_sign_in(struct kq_tool *tool, struct kq_account *account, const char *client_id,
                                           const struct kq_secret *client_secret);

/* Reads {"clientId","clientSecret"} (and "tenantId", not used), the form of
 * DIR/credentials.json; warns when others may read it.  Errors: said. */
KQ_MUST_CHECK kq_status kq_credential_read(struct kq_tool *tool, const char *path, char out_client_id[64],
                                           struct kq_secret *out_secret);

/* Writes and reads $XDG_STATE_HOME/keyquay/session.json. load fails when
 * nobody signed in, and when the tokens have expired.  Errors: said. */
KQ_MUST_CHECK kq_status kq_account_save(struct kq_tool *tool, const struct kq_account *account);
KQ_MUST_CHECK kq_status kq_account_load(struct kq_tool *tool, struct kq_account *out);

/* The object id in the management token, "" if it names none. */
void kq_account_object_id(const struct kq_account *account, char out[64]);

/* ---- calls ---- */

/* Sends a JSON request with the right token and reads the answer.
 *
 * url   below management, or of a vault
 * body  NULL for none
 * out   the answer, NULL if it has no body; release with json_decref(); out may be NULL
 * what  begins the message when it is refused: "vault ContosoKeyVaultHSM"; NULL: nothing is said
 * Errors said: those of kqw_send() and kqw_response_status() */
KQ_MUST_CHECK kq_status kq_cloud_call(struct kq_tool *tool, struct kq_account *account, const char *method,
                                      const char *url, const json_t *body, const char *what, json_t **out);

/* "https://NAME.vault.DOMAIN:8443" of a vault's name.  Errors: said, KQ_ERR_ARGUMENT for a name that is none. */
KQ_MUST_CHECK kq_status kq_cloud_vault_url(struct kq_tool *tool, const struct kq_account *account, const char *vault,
                                           char out[KQ_URL_SIZE]);

#endif
