#include "vault/init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "vault/auth/secret.h"
#include "vault/core/names.h"
#include "vault/json/json.h"

#define CREDENTIALS_MAX 4096u
#define OPERATOR_SETTING "operator"

struct first_run {
    const struct vault_init_options *options;
    struct vault_wiring wiring;
    char client_id[37];
    char *error;
};
static void first_run_clear(struct first_run *run)
{
    vault_wiring_clear(&run->wiring);
}
KQ_AUTO_DEFINE_VALUE(first_run);

static kq_status fail(struct first_run *run, kq_status status, const char *what)
{
    snprintf(run->error, VAULT_ERROR_SIZE, "%s: %s: %s", run->options->data, what, kq_status_text(status));
    return status;
}

/* ---- files --------------------------------------------------------------------------- */

static kq_status write_config(struct first_run *run)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_buffer) text = {.max = 65536};
    KQ_TRY(kq_path_join(run->options->data, "keyvaultd.conf", path));
    if (kq_file_exists(path))
        return KQ_OK;
    KQ_TRY(vault_config_write(run->options->config, &text));
    return kq_file_write(path, kq_buffer_slice(&text), 0644, KQ_FILE_NEW_ONLY);
}

static kq_status write_json(const char *path, json_t *value, mode_t mode)
{
    KQ_AUTO_VALUE(kq_buffer) text = {.max = CREDENTIALS_MAX};
    kq_status status = value == NULL ? KQ_ERR_MEMORY : vault_json_write(value, &text);
    json_decref(value);
    if (status == KQ_OK)
        status = kq_buffer_append(&text, "\n", 1);
    return status == KQ_OK ? kq_file_write(path, kq_buffer_slice(&text), mode, KQ_FILE_REPLACE) : status;
}

/* ---- tenant and subscriptions ------------------------------------------------------------ */

static kq_status make_tenant(struct first_run *run)
{
    char tenant[VAULT_GUID_LEN + 1];
    KQ_AUTO_VALUE(kq_buffer) known = {.max = 64};
    kq_status status = vault_store_get_setting(run->wiring.store, VAULT_SETTING_TENANT, &known);
    if (status != KQ_ERR_NOT_FOUND)
        return status;
    KQ_TRY(vault_new_guid(tenant));
    const char *chosen = run->options->tenant != NULL ? run->options->tenant : tenant;
    return vault_store_put_setting(run->wiring.store, VAULT_SETTING_TENANT, kq_slice_text(chosen));
}

static bool stop_at_first(void *context, const struct vault_subscription *subscription)
{
    (void)subscription;
    *(bool *)context = true;
    return false;
}

static kq_status put_subscription(struct first_run *run, const char *id, const char *name)
{
    struct vault_subscription record = {.display_name = (char *)name, .created = kq_clock_unix_s()};
    memcpy(record.id, id, sizeof record.id);
    return vault_store_put_subscription(run->wiring.store, &record);
}

/* Lists go by id, and clients work in the first of their list until told
 * otherwise: that is the one for production. */
static kq_status make_subscriptions(struct first_run *run)
{
    char ids[2][VAULT_GUID_LEN + 1];
    bool has_one = false;
    struct vault_page page = {.max = 1};
    KQ_TRY(vault_store_list_subscriptions(run->wiring.store, &page, stop_at_first, &has_one));
    if (has_one)
        return KQ_OK;
    KQ_TRY(vault_new_guid(ids[0]));
    KQ_TRY(vault_new_guid(ids[1]));
    const size_t first = strcmp(ids[0], ids[1]) < 0 ? 0 : 1;
    KQ_TRY(put_subscription(run, ids[first], "Production"));
    return put_subscription(run, ids[1 - first], "Test");
}

/* ---- the operator's principal ----------------------------------------------------------------- */

static kq_status store_principal(struct first_run *run, const struct vault_principal *principal, const char *secret)
{
    struct vault_client_secret record = {.scrypt_log2_n = VAULT_SECRET_LOG2_N, .created = kq_clock_unix_s()};
    KQ_TRY(vault_new_guid(record.id));
    snprintf(record.client_id, sizeof record.client_id, "%s", principal->client_id);
    KQ_TRY(kq_random(record.salt, sizeof record.salt));
    KQ_TRY(vault_secret_hash(kq_slice_text(secret), record.salt, record.scrypt_log2_n, record.hash));
    KQ_TRY(vault_store_put_principal(run->wiring.store, principal));
    KQ_TRY(vault_store_put_client_secret(run->wiring.store, &record));
    return vault_store_put_setting(run->wiring.store, OPERATOR_SETTING, kq_slice_text(principal->client_id));
}

/* The file first: a secret whose hash is stored and that nobody has is of no
 * use, while a file without a stored hash is written again. */
static kq_status make_principal(struct first_run *run)
{
    KQ_AUTO_VALUE(kq_buffer) known = {.max = 64};
    if (vault_store_get_setting(run->wiring.store, OPERATOR_SETTING, &known) == KQ_OK)
        return kq_text_copy(kq_buffer_slice(&known), run->client_id, sizeof run->client_id) ? KQ_OK : KQ_ERR_FORMAT;
    struct vault_principal principal = {.display_name = "operator", .is_operator = true, .created = kq_clock_unix_s()};
    char secret[41], path[KQ_PATH_MAX];
    KQ_TRY(vault_new_guid(principal.client_id));
    KQ_TRY(vault_new_guid(principal.object_id));
    KQ_TRY(vault_secret_generate(secret));
    KQ_TRY(kq_path_join(run->options->data, "credentials.json", path));
    kq_status status =
        write_json(path,
                   json_pack("{s:s, s:s, s:s, s:s}", "clientId", principal.client_id, "clientSecret", secret,
                             "objectId", principal.object_id, "tenantId", run->wiring.service.tenant_id),
                   0600);
    if (status == KQ_OK)
        status = store_principal(run, &principal, secret);
    kq_wipe(secret, sizeof secret);
    snprintf(run->client_id, sizeof run->client_id, "%s", principal.client_id);
    return status;
}

/* ---- what it says ------------------------------------------------------------------------------ */

static bool add_subscription(void *context, const struct vault_subscription *subscription)
{
    json_t *one = json_pack("{s:s, s:s}", "id", subscription->id, "name", subscription->display_name);
    return json_array_append_new(context, one) == 0;
}

static json_t *list_addresses(const struct vault_config *config)
{
    json_t *list = json_array();
    for (size_t i = 0; i < config->num_listen; i++) {
        const struct vault_http_address *at = &config->listen[i];
        json_array_append_new(list, json_pack("{s:s, s:i}", "address", at->host, "port", (int)at->port));
    }
    return list;
}

static kq_status print_facts(struct first_run *run)
{
    char ca[KQ_PATH_MAX];
    struct vault_page page = {.max = 1000};
    json_t *subscriptions = json_array();
    KQ_TRY(kq_path_join(run->options->data, "ca.pem", ca));
    kq_status status = vault_store_list_subscriptions(run->wiring.store, &page, add_subscription, subscriptions);
    json_t *facts = json_pack("{s:s, s:o, s:s, s:s, s:o, s:s}", "tenantId", run->wiring.service.tenant_id,
                              "subscriptions", subscriptions, "clientId", run->client_id, "domain",
                              run->wiring.config.domain, "listen", list_addresses(&run->wiring.config), "ca", ca);
    if (status == KQ_OK && (facts == NULL || json_dumpf(facts, stdout, JSON_COMPACT) != 0 || puts("") < 0))
        status = KQ_ERR_IO;
    json_decref(facts);
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static kq_status open_folder(struct first_run *run)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(run->options->data, "vault", path));
    KQ_TRY(kq_folder_make(path));
    run->wiring.config = *run->options->config;
    return kq_text_copy(kq_slice_text(run->options->data), run->wiring.data, sizeof run->wiring.data)
               ? KQ_OK
               : KQ_ERR_TOO_LARGE;
}

static kq_status make_certificate(struct first_run *run)
{
    KQ_AUTO_VALUE(kq_buffer) chain = {0}, key = {0};
    struct vault_http_tls tls;
    return vault_wiring_tls(&run->wiring, &chain, &key, &tls, run->error);
}

kq_status vault_init(const struct vault_init_options *options, char out_error[VAULT_ERROR_SIZE])
{
    KQ_AUTO_VALUE(first_run) run = {.options = options, .error = out_error};
    kq_status status = open_folder(&run);
    if (status != KQ_OK)
        return fail(&run, status, "the folder vault cannot be made");
    KQ_TRY(vault_wiring_open_parts(&run.wiring, VAULT_PLATFORM_MAKE, out_error));
    if ((status = make_tenant(&run)) != KQ_OK || (status = make_subscriptions(&run)) != KQ_OK)
        return fail(&run, status, "tenant and subscriptions cannot be stored");
    KQ_TRY(vault_wiring_complete(&run.wiring, VAULT_MODE_PRODUCTION, out_error));
    if ((status = make_principal(&run)) != KQ_OK)
        return fail(&run, status, "credentials.json and its principal cannot be made");
    KQ_TRY(make_certificate(&run));
    if ((status = write_config(&run)) != KQ_OK)
        return fail(&run, status, "keyvaultd.conf cannot be written");
    return (status = print_facts(&run)) == KQ_OK ? KQ_OK : fail(&run, status, "standard output");
}
