/* The session file, and credentials on the disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/wipe.h"
#include "tools/cloud/account.h"
#include "tools/cloud/connection.h"
#include "tools/common/paths.h"

#define SESSION_VERSION 1
#define SESSION_MAX (64u * 1024)
#define SPARE_SECONDS 30u

static kq_status session_path(struct kq_tool *tool, char folder[KQ_PATH_MAX], char path[KQ_PATH_MAX])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = kq_path_home();
    int len = state != NULL && *state != '\0'
                  ? snprintf(folder, KQ_PATH_MAX, "%s/keyquay", state)
                  : snprintf(folder, KQ_PATH_MAX, "%s/.local/state/keyquay", home == NULL ? "." : home);
    if (len < 0 || len >= KQ_PATH_MAX || kq_path_join(folder, "session.json", path) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, "Set XDG_STATE_HOME.", "the path of the session file is too long");
    return KQ_OK;
}

/* ---- writing ---- */

static json_t *token_json(const struct kq_token *token)
{
    struct kq_slice text = kq_secret_borrow(&token->text);
    return json_pack("{s:s#, s:I}", "token", (const char *)text.data, (int)text.len, "expires",
                     (json_int_t)token->expires);
}

static json_t *session_json(const struct kq_account *account)
{
    json_t *addresses = json_array();
    for (size_t i = 0; i < account->num_addresses; i++)
        json_array_append_new(addresses, json_string(account->addresses[i]));
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "version", SESSION_VERSION, "login",
                     account->login, "management", account->management, "vaultSuffix", account->vault_suffix,
                     "tenantId", account->tenant_id, "clientId", account->client_id, "subscriptionId",
                     account->subscription_id, "ca", account->ca, "addresses", addresses, "managementToken",
                     token_json(&account->management_token), "vaultToken", token_json(&account->vault_token));
}

kq_status kq_account_save(struct kq_tool *tool, const struct kq_account *account)
{
    char folder[KQ_PATH_MAX], path[KQ_PATH_MAX];
    KQ_TRY(session_path(tool, folder, path));
    json_t *session = session_json(account);
    char *text = session == NULL ? NULL : json_dumps(session, JSON_COMPACT);
    json_decref(session);
    if (text == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = kq_folder_make(folder);
    if (status == KQ_OK)
        status = kq_file_write(path, kq_slice_text(text), 0600, KQ_FILE_REPLACE);
    int why = errno;
    kq_wipe(text, strlen(text));
    free(text);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Make room or give access, then sign in again.",
                            "%s: could not be written (%s)", path, strerror(why));
    return KQ_OK;
}

/* ---- reading ---- */

static bool take_text(const json_t *session, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(session, name));
    return text != NULL && kq_text_copy(kq_slice_text(text), out, size);
}

static bool take_token(const json_t *session, const char *name, struct kq_token *out)
{
    const json_t *token = json_object_get(session, name);
    const char *text = json_string_value(json_object_get(token, "token"));
    kq_secret_init(&out->text);
    out->expires = (uint64_t)json_integer_value(json_object_get(token, "expires"));
    return text != NULL && kq_secret_set(&out->text, text, strlen(text)) == KQ_OK;
}

static bool take_session(const json_t *session, struct kq_account *out)
{
    size_t index;
    json_t *address;
    json_array_foreach(json_object_get(session, "addresses"), index, address)
    {
        if (index >= KQ_ACCOUNT_ADDRESSES_MAX || !json_is_string(address) ||
            !kq_text_copy(kq_slice_text(json_string_value(address)), out->addresses[index], KQ_ADDRESS_SIZE))
            return false;
        out->num_addresses = index + 1;
    }
    return take_text(session, "login", out->login, sizeof out->login) &&
           take_text(session, "management", out->management, sizeof out->management) &&
           take_text(session, "vaultSuffix", out->vault_suffix, sizeof out->vault_suffix) &&
           take_text(session, "tenantId", out->tenant_id, sizeof out->tenant_id) &&
           take_text(session, "clientId", out->client_id, sizeof out->client_id) &&
           take_text(session, "subscriptionId", out->subscription_id, sizeof out->subscription_id) &&
           take_text(session, "ca", out->ca, sizeof out->ca) &&
           take_token(session, "managementToken", &out->management_token) &&
           take_token(session, "vaultToken", &out->vault_token);
}

static kq_status read_session(struct kq_tool *tool, const char *path, struct kq_account *out)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_status status = kq_file_read(path, SESSION_MAX, &bytes);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(tool, status, "Run Add-AzureAccount first.", "nobody is signed in");
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Run Add-AzureAccount again.");
    json_t *session = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    json_int_t version = json_integer_value(json_object_get(session, "version"));
    if (version > SESSION_VERSION)
        status = kq_tool_fail(tool, KQ_ERR_VERSION, "Run this release's Add-AzureAccount again.",
                              "%s: written by a newer version of this program", path);
    else if (version != SESSION_VERSION || !take_session(session, out))
        status = kq_tool_fail(tool, KQ_ERR_FORMAT, "Run Add-AzureAccount again.", "%s: damaged", path);
    json_decref(session);
    return status;
}

kq_status kq_account_load(struct kq_tool *tool, struct kq_account *out)
{
    char folder[KQ_PATH_MAX], path[KQ_PATH_MAX];
    KQ_TRY(session_path(tool, folder, path));
    KQ_TRY(read_session(tool, path, out));
    uint64_t soon = kq_account_now() + SPARE_SECONDS;
    if (out->management_token.expires < soon || out->vault_token.expires < soon)
        return kq_tool_fail(tool, KQ_ERR_EXPIRED, "Run Add-AzureAccount again.", "the session has expired");
    return kq_account_connect(tool, out);
}

/* ---- credentials ---- */

static void warn_of_readers(struct kq_tool *tool, const char *path)
{
    struct stat facts;
    if (stat(path, &facts) == 0 && (facts.st_mode & 077) != 0)
        fprintf(stderr, "%s: warning: %s can be read by other users; `chmod 600` it.\n", tool->program, path);
}

kq_status kq_credential_read(struct kq_tool *tool, const char *path, char out_client_id[64],
                             struct kq_secret *out_secret)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_status status = kq_file_read(path, SESSION_MAX, &bytes);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Name a file with clientId and clientSecret.");
    warn_of_readers(tool, path);
    json_t *object = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    const char *secret = json_string_value(json_object_get(object, "clientSecret"));
    if (!take_text(object, "clientId", out_client_id, 64) || secret == NULL || *secret == '\0')
        status = kq_tool_fail(tool, KQ_ERR_FORMAT, "It looks like {\"clientId\": \"GUID\", \"clientSecret\": \"...\"}.",
                              "%s: not a file of credentials", path);
    else
        status = kq_secret_set(out_secret, secret, strlen(secret));
    if (secret != NULL)
        kq_wipe((void *)(uintptr_t)secret, strlen(secret)); /* jansson's copy */
    json_decref(object);
    return status;
}
