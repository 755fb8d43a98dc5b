#include "vault/wiring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "base/text.h"
#include "wire/messages.h"

#define PEM_MAX 262144u
#define NAMES_MAX 4096u

void vault_wiring_clear(struct vault_wiring *wiring)
{
    vault_authority_free(wiring->authority);
    vault_platform_clear(&wiring->platform);
    vault_keyops_free(wiring->keyops);
    vault_store_free(wiring->store);
    kq_buffer_clear(&wiring->ca_pem);
    vault_throttle_free(wiring->throttle);
    vault_test_mode_free(wiring->test_mode);
    wiring->throttle = NULL;
    wiring->test_mode = NULL;
    wiring->authority = NULL;
    wiring->keyops = NULL;
    wiring->store = NULL;
}

/* ---- parts ------------------------------------------------------------------------------- */

static kq_status open_store(struct vault_wiring *wiring, enum vault_platform_act act, char *out_error)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(wiring->data, "vault/keyvault.db", path));
    bool is_new = act == VAULT_PLATFORM_MAKE && !kq_file_exists(path);
    return vault_store_open_sqlite(path, is_new ? VAULT_STORE_CREATE : VAULT_STORE_USE, &wiring->store, out_error,
                                   VAULT_ERROR_SIZE);
}

static kq_status open_keyops(struct vault_wiring *wiring, char *out_error)
{
    const struct vault_keyops_options options = {
        .data = wiring->data,
        .max_loaded = wiring->config.loaded_keys,
        .retry_ms = wiring->config.module_seconds * 1000,
    };
    kq_status status = vault_keyops_open(&options, &wiring->keyops);
    if (status != KQ_OK)
        snprintf(out_error, VAULT_ERROR_SIZE, "%s/regions: %s", wiring->data, kq_status_text(status));
    return status;
}

kq_status vault_wiring_open_parts(struct vault_wiring *wiring, enum vault_platform_act act,
                                  char out_error[VAULT_ERROR_SIZE])
{
    snprintf(out_error, VAULT_ERROR_SIZE, "%s: its parts cannot be opened", wiring->data);
    KQ_TRY(open_store(wiring, act, out_error));
    KQ_TRY(open_keyops(wiring, out_error));
    KQ_TRY(vault_platform_open(&wiring->platform, wiring->store, wiring->keyops, act, out_error, VAULT_ERROR_SIZE));
    kq_status status = vault_platform_ca(&wiring->platform, wiring->data, kq_clock_unix_s(), &wiring->ca_pem);
    if (status != KQ_OK)
        snprintf(out_error, VAULT_ERROR_SIZE, "%s/ca.pem: %s", wiring->data, kq_status_text(status));
    return status;
}

/* ---- names and authority ------------------------------------------------------------------- */

static void name_urls(struct vault_wiring *wiring)
{
    struct vault_service *service = &wiring->service;
    char port[8] = "";
    service->port = wiring->config.listen[0].port;
    if (service->port != 443)
        snprintf(port, sizeof port, ":%u", service->port);
    const char *domain = wiring->config.domain;
    snprintf(service->domain, sizeof service->domain, "%s", domain);
    snprintf(service->vault_suffix, sizeof service->vault_suffix, ".vault.%s%s", domain, port);
    snprintf(service->vault_resource, sizeof service->vault_resource, "https://vault.%s%s", domain, port);
    snprintf(service->login_url, sizeof service->login_url, "https://login.%s%s", domain, port);
    snprintf(service->management_url, sizeof service->management_url, "https://management.%s%s", domain, port);
}

static kq_status read_tenant(struct vault_wiring *wiring)
{
    KQ_AUTO_VALUE(kq_buffer) tenant = {.max = 64};
    KQ_TRY(vault_store_get_setting(wiring->store, VAULT_SETTING_TENANT, &tenant));
    bool fits = kq_guid_is_valid(kq_buffer_slice(&tenant)) &&
                kq_text_copy(kq_buffer_slice(&tenant), wiring->service.tenant_id, sizeof wiring->service.tenant_id);
    return fits ? KQ_OK : KQ_ERR_FORMAT;
}

static kq_status open_authority(struct vault_wiring *wiring)
{
    const struct vault_service *service = &wiring->service;
    char issuer[320], plain_vault[256], plain_management[256], graph[256];
    snprintf(issuer, sizeof issuer, "%s/%s/", service->login_url, service->tenant_id);
    /* Some clients leave the port out of the resource they ask for. */
    snprintf(plain_vault, sizeof plain_vault, "https://vault.%s", service->domain);
    snprintf(plain_management, sizeof plain_management, "https://management.%s", service->domain);
    snprintf(graph, sizeof graph, "https://graph.%s", service->domain);
    const struct vault_audience_name audiences[] = {
        {VAULT_AUDIENCE_VAULT, service->vault_resource},
        {VAULT_AUDIENCE_VAULT, plain_vault},
        {VAULT_AUDIENCE_MANAGEMENT, service->management_url},
        {VAULT_AUDIENCE_MANAGEMENT, plain_management},
        {VAULT_AUDIENCE_GRAPH, graph},
    };
    struct vault_authority_options options = {
        .tenant_id = service->tenant_id,
        .issuer = issuer,
        .sign = vault_platform_sign_token,
        .sign_context = &wiring->platform,
        .audiences = audiences,
        .num_audiences = KQ_COUNT_OF(audiences),
        .token_life_s = wiring->config.token_seconds,
        .leeway_s = wiring->config.leeway_seconds,
    };
    KQ_TRY(vault_platform_token_public(&wiring->platform, &options.public_key));
    return vault_authority_new(&options, &wiring->authority);
}

/* What the configuration leaves off stays NULL. */
static kq_status open_operation(struct vault_wiring *wiring, enum vault_mode mode)
{
    const struct vault_config *config = &wiring->config;
    struct vault_service *service = &wiring->service;
    if (config->throttle)
        KQ_TRY(vault_throttle_new(&wiring->throttle));
    if (mode == VAULT_MODE_TEST)
        KQ_TRY(vault_test_mode_new(config->test_clock, config->test_faults, &wiring->test_mode));
    service->metrics = config->metrics ? &wiring->metrics : NULL;
    service->shows_metrics_to_all = config->metrics_remote;
    service->throttle = wiring->throttle;
    service->test_mode = wiring->test_mode;
    return KQ_OK;
}

kq_status vault_wiring_complete(struct vault_wiring *wiring, enum vault_mode mode, char out_error[VAULT_ERROR_SIZE])
{
    struct vault_service *service = &wiring->service;
    name_urls(wiring);
    kq_status status = read_tenant(wiring);
    if (status == KQ_OK)
        status = open_authority(wiring);
    if (status != KQ_OK) {
        snprintf(out_error, VAULT_ERROR_SIZE, "%s: tenant or token key: %s; run keyvaultd --init", wiring->data,
                 kq_status_text(status));
        return status;
    }
    service->store = wiring->store;
    service->keyops = wiring->keyops;
    service->authority = wiring->authority;
    service->origin_policy = wiring->config.attested_only ? KQ_ORIGIN_POLICY_ATTESTED : KQ_ORIGIN_POLICY_ANY;
    service->refuses_clear_import = !wiring->config.clear_import;
    service->clock = kq_clock_unix_s;
    snprintf(service->data, sizeof service->data, "%s", wiring->data);
    return open_operation(wiring, mode);
}

/* ---- the certificate ------------------------------------------------------------------------- */

static bool has_operators_files(const struct vault_config *config)
{
    return config->certificate[0] != '\0' || config->key[0] != '\0';
}

/* keyvaultd may read the folders these files are in, and must not have all of /. */
static bool is_in_root(const char *path)
{
    return strrchr(path, '/') == path;
}

static kq_status read_operators_files(const struct vault_config *config, struct kq_buffer *chain, struct kq_buffer *key,
                                      char *out_error)
{
    static const char *const names[] = {"certificate", "key"};
    const char *paths[] = {config->certificate, config->key};
    struct kq_buffer *files[] = {chain, key};
    for (size_t i = 0; i < KQ_COUNT_OF(paths); i++) {
        if (is_in_root(paths[i])) {
            snprintf(out_error, VAULT_ERROR_SIZE, "[tls] %s = %s: lies in /; put it into a folder of its own", names[i],
                     paths[i]);
            return KQ_ERR_ARGUMENT;
        }
        kq_status status = paths[i][0] == '\0' ? KQ_ERR_ARGUMENT : kq_file_read(paths[i], PEM_MAX, files[i]);
        if (status == KQ_ERR_ARGUMENT)
            snprintf(out_error, VAULT_ERROR_SIZE, "[tls]: %s is not named; name certificate and key, or neither",
                     names[i]);
        else if (status != KQ_OK)
            snprintf(out_error, VAULT_ERROR_SIZE, "[tls] %s = %s: %s; keyvaultd must be able to read it", names[i],
                     paths[i], strerror(errno));
        KQ_TRY(status);
    }
    return KQ_OK;
}

kq_status vault_wiring_check_tls(const struct vault_config *config, char out_error[VAULT_ERROR_SIZE])
{
    KQ_AUTO_VALUE(kq_buffer) chain = {0}, key = {0};
    if (!has_operators_files(config))
        return KQ_OK;
    KQ_TRY(read_operators_files(config, &chain, &key, out_error));
    const struct vault_http_tls tls = {.chain_pem = kq_buffer_slice(&chain), .key_pem = kq_buffer_slice(&key)};
    char why[256] = "no memory";
    kq_status status = vault_http_check_tls(&tls, why, sizeof why);
    if (status != KQ_OK)
        snprintf(out_error, VAULT_ERROR_SIZE, "[tls] certificate = %s: %s", config->certificate, why);
    return status;
}

/* The names a certificate was made for stand beside it, so that a changed
 * configuration is noticed. */
static void names_of(const struct vault_config *config, char out[NAMES_MAX])
{
    int len = snprintf(out, NAMES_MAX, "%s", config->domain);
    for (size_t i = 0; i < config->num_listen; i++)
        len += snprintf(out + len, NAMES_MAX - (size_t)len, " %s", config->listen[i].host);
}

static bool is_still_good(const struct vault_wiring *wiring, struct kq_slice chain, const char *names_path)
{
    KQ_AUTO_VALUE(kq_buffer) names = {0};
    char wanted[NAMES_MAX];
    uint64_t end = 0;
    names_of(&wiring->config, wanted);
    return kq_file_read(names_path, NAMES_MAX, &names) == KQ_OK &&
           kq_slice_is_equal(kq_buffer_slice(&names), kq_slice_text(wanted)) &&
           vault_http_certificate_end(chain, &end) == KQ_OK && end > kq_clock_unix_s() + VAULT_CERTIFICATE_RENEW_S;
}

static kq_status make_chain(struct vault_wiring *wiring, const char *path, const char *names_path,
                            struct kq_buffer *chain)
{
    char names[NAMES_MAX];
    names_of(&wiring->config, names);
    kq_buffer_clear(chain);
    kq_buffer_init(chain, PEM_MAX);
    KQ_TRY(vault_platform_server_chain(&wiring->platform, &wiring->config, kq_buffer_slice(&wiring->ca_pem),
                                       kq_clock_unix_s(), chain));
    KQ_TRY(kq_file_write(path, kq_buffer_slice(chain), 0644, KQ_FILE_REPLACE));
    return kq_file_write(names_path, kq_slice_text(names), 0644, KQ_FILE_REPLACE);
}

static kq_status open_own_chain(struct vault_wiring *wiring, struct kq_buffer *chain, char *out_error)
{
    char path[KQ_PATH_MAX], names_path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(wiring->data, "vault/server.pem", path));
    KQ_TRY(kq_path_join(wiring->data, "vault/server.names", names_path));
    if (kq_file_read(path, PEM_MAX, chain) == KQ_OK && is_still_good(wiring, kq_buffer_slice(chain), names_path))
        return KQ_OK;
    kq_status status = make_chain(wiring, path, names_path, chain);
    if (status != KQ_OK)
        snprintf(out_error, VAULT_ERROR_SIZE, "%s: a new certificate cannot be made: %s", path, kq_status_text(status));
    return status;
}

kq_status vault_wiring_tls(struct vault_wiring *wiring, struct kq_buffer *chain, struct kq_buffer *key,
                           struct vault_http_tls *out, char out_error[VAULT_ERROR_SIZE])
{
    snprintf(out_error, VAULT_ERROR_SIZE, "%s: its certificate cannot be read", wiring->data);
    if (has_operators_files(&wiring->config))
        KQ_TRY(read_operators_files(&wiring->config, chain, key, out_error));
    else
        KQ_TRY(open_own_chain(wiring, chain, out_error));
    *out = (struct vault_http_tls){
        .chain_pem = kq_buffer_slice(chain),
        .key_pem = kq_buffer_slice(key),
        .sign = vault_platform_sign_tls,
        .sign_context = &wiring->platform,
    };
    return KQ_OK;
}
