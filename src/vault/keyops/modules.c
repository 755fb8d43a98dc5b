#include "vault/keyops/modules.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MS 60000u /* an RSA-4096 key behind seven others on one slow core */
#define MAKING_MAX 8u    /* of the 16 threads or more that answer requests (vault/serve.c), for all modules together */
#define TRIES_MAX 3u     /* of one use, when the module is lost under it */

kq_status vault_module_open(struct vault_module *module, const struct kq_region *region, const char *folder,
                            const struct vault_keyops_options *options)
{
    char socket[KQ_PATH_MAX];
    const struct kqc_mux_options mux = {
        .path = socket, .program = "keyvaultd", .retry_ms = options->retry_ms, .answer_ms = ANSWER_MS};
    module->region = region;
    module->ping = KQ_ERR_WAIT; /* nobody has asked */
    if (pthread_mutex_init(&module->lock, NULL) != 0)
        return KQ_ERR_MEMORY;
    KQ_TRY(kq_path_join(folder, "hardserver.sock", socket));
    memcpy(module->folder, folder, strlen(folder) + 1);
    KQ_TRY(kqc_mux_open(&mux, &module->mux));
    return vault_handles_new(options->max_loaded, &module->handles);
}

void vault_module_close(struct vault_module *module)
{
    kqc_mux_free(module->mux);
    vault_handles_free(module->handles);
    pthread_mutex_destroy(&module->lock);
}

struct vault_key_ref vault_ref_normal(const struct vault_key_ref *ref, char lower[VAULT_SUBSCRIPTION_SIZE])
{
    struct vault_key_ref normal = *ref;
    size_t len = ref->subscription == NULL ? VAULT_SUBSCRIPTION_SIZE : strlen(ref->subscription);
    if (len >= VAULT_SUBSCRIPTION_SIZE)
        return normal; /* refused where it is used */
    for (size_t i = 0; i <= len; i++) {
        char c = ref->subscription[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    normal.subscription = lower;
    return normal;
}

kq_status vault_why(kq_status status, const struct kqc_reply *reply, char why[VAULT_WHY_SIZE])
{
    snprintf(why, VAULT_WHY_SIZE, "%s", status == KQ_OK ? "" : reply->detail);
    return status;
}

/* Refused rather than kept waiting: who waits keeps a thread from everybody else. */
kq_status vault_module_make(struct vault_keyops *keyops, struct vault_module *module, enum kq_op op, const void *params,
                            void *results, struct kqc_reply *reply)
{
    kq_status status = KQ_ERR_WAIT;
    if (atomic_fetch_add(&keyops->num_making, 1) < MAKING_MAX) {
        status = kqc_mux_call(module->mux, op, params, 0, results, reply);
    } else {
        kqc_reply_clear(reply);
        snprintf(reply->detail, sizeof reply->detail, "%u keys are being made or brought in already; try again",
                 MAKING_MAX);
    }
    atomic_fetch_sub(&keyops->num_making, 1);
    return status;
}

/* ---- using a key ---- */

static void fill_place(struct vault_module *module, const struct vault_module_use *use, uint8_t hknso[32],
                       struct kq_place *out)
{
    const struct vault_key_ref *key = use->key;
    if (use->hknso != NULL)
        memcpy(hknso, use->hknso, 32);
    else
        vault_module_facts(module, hknso);
    if (module->region == NULL) {
        *out = (struct kq_place){.kind = KQ_PLACE_OWNER,
                                 .application = kq_slice_text(VAULT_PLATFORM_APPLICATION),
                                 .ident = kq_slice_text(key->name)};
    } else {
        *out = (struct kq_place){.kind = KQ_PLACE_VAULT,
                                 .subscription = kq_slice_text(key->subscription),
                                 .vault = kq_slice_text(key->vault),
                                 .key_name = kq_slice_text(key->name),
                                 .key_version = kq_slice_text(key->version)};
    }
    out->hknso = kq_slice_of(hknso, 32);
}

/* A handle that cannot be given back died with its connection. */
static void unload(struct vault_module *module, const struct vault_held *held)
{
    const struct kq_handle_request params = {.handle = held->stale_handle};
    if (held->stale_handle != 0)
        kqc_mux_post(module->mux, KQ_OP_KEY_UNLOAD, &params, held->stale_generation);
}

static kq_status load(struct vault_module *module, const struct vault_module_use *use, struct vault_held *held,
                      struct kqc_reply *reply)
{
    uint8_t hknso[32];
    struct kq_place place;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct kq_key_load_request params = {.blob = use->key->blob};
    struct kq_key_load_reply loaded;
    unload(module, held);
    fill_place(module, use, hknso, &place);
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    KQ_TRY(kq_writer_finish(&writer, &params.place));
    KQ_TRY(kqc_mux_call(module->mux, KQ_OP_KEY_LOAD, &params, 0, &loaded, reply));
    vault_handles_set(module->handles, held, loaded.handle, reply->generation);
    return KQ_OK;
}

static kq_status call_use(struct vault_module *module, const struct vault_module_use *use,
                          const struct vault_held *held, struct kq_buffer *out, struct kqc_reply *reply)
{
    const struct kq_sign_request sign = {.handle = held->handle, .mechanism = use->mechanism, .digest = use->value};
    const struct kq_crypt_request crypt = {.handle = held->handle, .mechanism = use->mechanism, .data = use->value};
    const void *params = use->op == KQ_OP_SIGN ? (const void *)&sign : (const void *)&crypt;
    struct kq_bytes_reply results;
    KQ_TRY(kqc_mux_call(module->mux, use->op, params, held->generation, &results, reply));
    return kq_buffer_append(out, results.bytes.data, results.bytes.len);
}

/* A vault's keys have no use limit, so one more use does no harm. */
static bool is_lost(kq_status status)
{
    return status == KQ_ERR_NOT_FOUND || status == KQ_ERR_CONNECT || status == KQ_ERR_OUTCOME_UNKNOWN;
}

/* *out_again: the handle was lost with the connection. */
static kq_status use_once(struct vault_module *module, const struct vault_module_use *use, struct kq_buffer *out,
                          struct kqc_reply *reply, bool *out_again)
{
    const struct vault_handle_name name = {use->key->subscription, use->key->vault, use->key->name, use->key->version};
    struct vault_held held;
    *out_again = false;
    KQ_TRY(vault_handles_hold(module->handles, &name, &held));
    kq_status status = held.is_loaded ? KQ_OK : load(module, use, &held, reply);
    if (status == KQ_OK) {
        status = call_use(module, use, &held, out, reply);
        *out_again = is_lost(status);
    }
    if (*out_again)
        vault_handles_drop(module->handles, &held);
    vault_handles_release(module->handles, &held);
    unload(module, &held);
    return status;
}

kq_status vault_module_use(struct vault_module *module, const struct vault_module_use *use, struct kq_buffer *out,
                           struct kqc_reply *reply)
{
    kq_status status;
    bool again;
    unsigned num_tries = 0;
    do
        status = use_once(module, use, out, reply, &again);
    while (again && ++num_tries < TRIES_MAX);
    return status;
}

void vault_module_unload(struct vault_module *module, const struct vault_key_ref *key)
{
    const struct vault_handle_name name = {key->subscription, key->vault, key->name, key->version};
    struct vault_held held;
    vault_handles_remove(module->handles, &name, &held);
    unload(module, &held);
}
