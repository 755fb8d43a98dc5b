#include "vault/keyops/keyops.h"

#include <stdio.h>
#include <stdlib.h>

#include "vault/keyops/modules.h"

#define PING_MS 5000u

static kq_status open_modules(struct vault_keyops *keyops, const struct vault_keyops_options *options)
{
    char regions[KQ_PATH_MAX], folder[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(keyops->data, "regions", regions));
    for (size_t i = 0; i < kq_num_regions; i++) {
        KQ_TRY(kq_path_join(regions, kq_regions[i].name, folder));
        keyops->num_regions = i + 1; /* even a half-opened one is closed */
        KQ_TRY(vault_module_open(&keyops->regions[i], &kq_regions[i], folder, options));
    }
    KQ_TRY(kq_path_join(keyops->data, "platform", folder));
    return vault_module_open(&keyops->platform, NULL, folder, options);
}

kq_status vault_keyops_open(const struct vault_keyops_options *options, struct vault_keyops **out)
{
    if (options->max_loaded < 1 || options->max_loaded > 1000)
        return KQ_ERR_ARGUMENT;
    if (strlen(options->data) >= KQ_PATH_MAX)
        return KQ_ERR_TOO_LARGE;
    KQ_AUTO(vault_keyops) keyops = calloc(1, sizeof *keyops);
    if (keyops == NULL || (keyops->regions = calloc(kq_num_regions, sizeof *keyops->regions)) == NULL)
        return KQ_ERR_MEMORY;
    memcpy(keyops->data, options->data, strlen(options->data) + 1);
    KQ_TRY(open_modules(keyops, options));
    KQ_TRY(vault_keyops_refresh(keyops));
    *out = KQ_TAKE(keyops);
    return KQ_OK;
}

void vault_keyops_free(struct vault_keyops *keyops)
{
    if (keyops == NULL)
        return;
    for (size_t i = 0; i < keyops->num_regions; i++)
        vault_module_close(&keyops->regions[i]);
    vault_module_close(&keyops->platform);
    free(keyops->regions);
    free(keyops);
}

static kq_status ask_status(const struct vault_module *module)
{
    char socket[KQ_PATH_MAX];
    const struct kqc_mux_options options = {
        .path = socket, .program = "keyvaultd", .retry_ms = 0, .answer_ms = PING_MS};
    KQ_AUTO(kqc_mux) mux = NULL;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    KQ_TRY(kq_path_join(module->folder, "hardserver.sock", socket));
    KQ_TRY(kqc_mux_open(&options, &mux)); /* not the shared one, which waits for a module that restarts */
    KQ_TRY(kqc_mux_call(mux, KQ_OP_STATUS, NULL, 0, &status, &reply));
    return status.world_kind == 0 ? KQ_ERR_STATE : KQ_OK;
}

/* Anybody may ask whether we are ready: one thread at a time waits for a module, the others hear what was last said. */
static kq_status ping_alone(struct vault_module *module)
{
    pthread_mutex_lock(&module->lock);
    bool is_asked = module->is_pinging;
    kq_status status = module->ping;
    module->is_pinging = true;
    pthread_mutex_unlock(&module->lock);
    if (is_asked)
        return status;
    status = ask_status(module);
    pthread_mutex_lock(&module->lock);
    module->is_pinging = false;
    module->ping = status;
    pthread_mutex_unlock(&module->lock);
    return status;
}

kq_status vault_keyops_ping(struct vault_keyops *keyops, const char *region_or_null_for_platform)
{
    struct vault_module *module = &keyops->platform;
    if (region_or_null_for_platform != NULL)
        KQ_TRY(vault_module_find(keyops, region_or_null_for_platform, &module));
    return ping_alone(module);
}

size_t vault_keyops_num_loaded(struct vault_keyops *keyops, const char *region)
{
    struct vault_module *module;
    return vault_module_find(keyops, region, &module) == KQ_OK ? vault_handles_count(module->handles) : 0;
}
