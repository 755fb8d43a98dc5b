#include "vault/housekeeping.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "vault/api/rotation.h"
#include "vault/log.h"
#include "vault/ops/metrics.h"
#include "vault/store/turn.h"

#define DUE_MAX 4096u /* looked at in one pass; the rest in the next */
#define FAILURES_MAX 512u
#define AWAY_MAX 64u /* regions */
#define RETRY_S 60u
#define LOG_AGAIN_S 3600u
#define PAGE 500u
#define STACK_SIZE ((size_t)512 * 1024)

/* Who is named in audit records. */
static const char caller[] = "keyvaultd (scheduler)";

struct due {
    uint64_t vault_id;
    uint64_t key_id;
};

/* Times are those of the host's monotonic clock: tests move the other one. */
struct failure {
    enum vault_due what; /* 0: free */
    struct due which;
    uint64_t retry_s;
    uint64_t logged_s; /* 0: not yet */
};

struct vault_housekeeping {
    struct vault_service *service;
    uint64_t every_s;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wakes;
    atomic_bool stops;
    size_t num_due;
    struct due due[DUE_MAX];
    struct failure failures[FAILURES_MAX];
    size_t next_failure; /* overwritten when all are in use */
    size_t num_away;     /* regions that did not answer in this pass */
    char away[AWAY_MAX][32];
};

kq_status vault_housekeeping_new(struct vault_service *service, struct vault_housekeeping **out)
{
    struct vault_housekeeping *housekeeping = calloc(1, sizeof *housekeeping);
    pthread_condattr_t monotonic;
    if (housekeeping == NULL)
        return KQ_ERR_MEMORY;
    housekeeping->service = service;
    pthread_mutex_init(&housekeeping->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&housekeeping->wakes, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = housekeeping;
    return KQ_OK;
}

void vault_housekeeping_free(struct vault_housekeeping *housekeeping)
{
    if (housekeeping == NULL)
        return;
    pthread_cond_destroy(&housekeeping->wakes);
    pthread_mutex_destroy(&housekeeping->lock);
    free(housekeeping);
}

/* ---- what failed ----------------------------------------------------------------------- */

static uint64_t monotonic_s(void)
{
    return kq_clock_monotonic_ms() / 1000 + 1; /* never 0 */
}

static struct failure *find_failure(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which)
{
    for (size_t i = 0; i < FAILURES_MAX; i++) {
        struct failure *failure = &housekeeping->failures[i];
        if (failure->what == what && failure->which.vault_id == which.vault_id && failure->which.key_id == which.key_id)
            return failure;
    }
    return NULL;
}

static struct failure *new_failure(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which)
{
    struct failure *failure = &housekeeping->failures[housekeeping->next_failure];
    housekeeping->next_failure = (housekeeping->next_failure + 1) % FAILURES_MAX;
    *failure = (struct failure){.what = what, .which = which};
    return failure;
}

static const char *name_of(enum vault_due what)
{
    return what == VAULT_DUE_KEY_ROTATION ? "rotate key" : what == VAULT_DUE_KEY_PURGE ? "purge key" : "purge vault";
}

static void log_failure(enum vault_due what, const struct vault_record *vault, const struct vault_key *key,
                        kq_status status, const char *why)
{
    vault_log("error", "housekeeping",
              (const struct vault_log_member[]){{"act", name_of(what), 0},
                                                {"vault", vault->name == NULL ? "" : vault->name, 0},
                                                {"key", key->name, 0},
                                                {"status", kq_status_text(status), 0},
                                                {"detail", why, 0},
                                                {0}});
}

/* Once an hour for each; the next try is a minute away, or in the next pass if only the module was away. */
static void note_failure(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which,
                         const struct vault_record *vault, const struct vault_key *key, kq_status status,
                         const char *why)
{
    uint64_t now_s = monotonic_s();
    struct failure *failure = find_failure(housekeeping, what, which);
    if (failure == NULL)
        failure = new_failure(housekeeping, what, which);
    failure->retry_s = status == KQ_ERR_CONNECT ? now_s : now_s + RETRY_S;
    if (failure->logged_s != 0 && now_s < failure->logged_s + LOG_AGAIN_S)
        return;
    failure->logged_s = now_s;
    log_failure(what, vault, key, status, why);
}

static void forget_failure(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which)
{
    struct failure *failure = find_failure(housekeeping, what, which);
    if (failure != NULL)
        *failure = (struct failure){0};
}

static bool failed_just_now(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which)
{
    const struct failure *failure = find_failure(housekeeping, what, which);
    return failure != NULL && monotonic_s() < failure->retry_s;
}

static bool is_away(const struct vault_housekeeping *housekeeping, const char *region)
{
    for (size_t i = 0; i < housekeeping->num_away; i++) {
        if (strcmp(housekeeping->away[i], region) == 0)
            return true;
    }
    return false;
}

/* So that each further key of it does not wait for the module again in this pass. */
static void note_away(struct vault_housekeeping *housekeeping, const char *region)
{
    size_t len = strlen(region);
    if (housekeeping->num_away < AWAY_MAX && len < sizeof housekeeping->away[0])
        memcpy(housekeeping->away[housekeeping->num_away++], region, len + 1);
}

/* ---- purging ------------------------------------------------------------------------------ */

struct unloading {
    struct vault_housekeeping *housekeeping;
    const struct vault_record *vault;
    const struct vault_key *key;
};

static struct vault_key_ref place_of(const struct vault_record *vault, const struct vault_key *key)
{
    return (struct vault_key_ref){
        .region = vault->region,
        .subscription = vault->subscription,
        .vault = vault->name,
        .name = key->name[0] == '\0' ? NULL : key->name,
    };
}

static bool unload_version(void *context, const struct vault_key_version *version)
{
    const struct unloading *unloading = context;
    struct vault_key_ref place = place_of(unloading->vault, unloading->key);
    place.version = version->version;
    vault_keyops_unload(unloading->housekeeping->service->keyops, &place);
    return !atomic_load(&unloading->housekeeping->stops);
}

static void unload_key(struct vault_housekeeping *housekeeping, const struct vault_record *vault,
                       const struct vault_key *key)
{
    struct unloading unloading = {housekeeping, vault, key};
    char marker[VAULT_MARKER_SIZE] = "";
    kq_status status;
    do {
        struct vault_page page = {.marker = marker, .max = PAGE};
        status = vault_store_list_versions(housekeeping->service->store, key->id, &page, unload_version, &unloading);
        memcpy(marker, page.next, sizeof marker);
    } while (status == KQ_OK && marker[0] != '\0' && !atomic_load(&housekeeping->stops));
}

static bool unload_row(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    const struct unloading *unloading = context;
    (void)newest;
    unload_key(unloading->housekeeping, unloading->vault, key);
    return !atomic_load(&unloading->housekeeping->stops);
}

static void unload_vault(struct vault_housekeeping *housekeeping, const struct vault_record *vault)
{
    struct unloading unloading = {housekeeping, vault, NULL};
    char marker[VAULT_MARKER_SIZE] = "";
    kq_status status;
    do {
        struct vault_page page = {.marker = marker, .max = PAGE};
        status = vault_store_list_keys(housekeeping->service->store, vault->id, VAULT_LIST_BOTH, &page, unload_row,
                                       &unloading);
        memcpy(marker, page.next, sizeof marker);
    } while (status == KQ_OK && marker[0] != '\0' && !atomic_load(&housekeeping->stops));
}

/* The record joins the log first: there is no purge without it. */
static kq_status purge_key(struct vault_housekeeping *housekeeping, const struct vault_record *vault,
                           const struct vault_key *key)
{
    struct vault_service *service = housekeeping->service;
    struct vault_key_ref place = place_of(vault, key);
    KQ_TRY(vault_keyops_audit(service->keyops, "vault.key.purge", caller, &place, "its scheduled purge date has come"));
    unload_key(housekeeping, vault, key);
    return vault_store_purge_key(service->store, key->id);
}

/* A vault without a name is one whose purge has begun: more of its keys go. */
static kq_status purge_vault(struct vault_housekeeping *housekeeping, uint64_t id, const struct vault_record *vault)
{
    struct vault_service *service = housekeeping->service;
    if (vault->name != NULL) {
        struct vault_key_ref place = place_of(vault, &(struct vault_key){.name = ""});
        KQ_TRY(vault_keyops_audit(service->keyops, "vault.purge", caller, &place, "its scheduled purge date has come"));
        unload_vault(housekeeping, vault);
    }
    return vault_store_purge_vault(service->store, id);
}

/* ---- a pass ---------------------------------------------------------------------------------- */

static bool add_due(void *context, uint64_t vault_id, uint64_t key_id)
{
    struct vault_housekeeping *housekeeping = context;
    housekeeping->due[housekeeping->num_due++] = (struct due){vault_id, key_id};
    return housekeeping->num_due < DUE_MAX;
}

static kq_status read_rows(struct vault_store *store, enum vault_due what, struct due which, struct vault_record *vault,
                           struct vault_key *key)
{
    kq_status status = vault_store_get_vault_by_id(store, which.vault_id, vault);
    if (status == KQ_ERR_NOT_FOUND && what == VAULT_DUE_VAULT_PURGE)
        return KQ_OK;
    KQ_TRY(status);
    return which.key_id == 0 ? KQ_OK : vault_store_get_key_by_id(store, which.key_id, key);
}

/* It may have been recovered since the list was made. */
static bool is_still_due(enum vault_due what, const struct vault_record *vault, const struct vault_key *key,
                         uint64_t now)
{
    if (what == VAULT_DUE_VAULT_PURGE)
        return vault->name == NULL || (vault->deleted != 0 && vault->scheduled_purge <= now);
    if (what == VAULT_DUE_KEY_PURGE)
        return key->deleted != 0 && key->scheduled_purge <= now;
    return key->deleted == 0 && vault->deleted == 0 && key->next_rotation != 0 && key->next_rotation <= now;
}

static kq_status do_act(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which,
                        const struct vault_record *vault, const struct vault_key *key, char why[VAULT_WHY_SIZE])
{
    switch (what) {
    case VAULT_DUE_VAULT_PURGE:
        return purge_vault(housekeeping, which.vault_id, vault);
    case VAULT_DUE_KEY_PURGE:
        return purge_key(housekeeping, vault, key);
    case VAULT_DUE_KEY_ROTATION:
        return vault_rotate_due(housekeeping->service, which.vault_id, which.key_id,
                                vault_service_now(housekeeping->service), why);
    }
    return KQ_ERR_INTERNAL;
}

/* Somebody may be recovering what is to be purged: it is looked at again once nobody else changes it.
 * Errors: KQ_ERR_NOT_FOUND (no longer due, or gone). */
static kq_status act_in_turn(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which,
                             const struct vault_record *seen_vault, const struct vault_key *seen_key,
                             char why[VAULT_WHY_SIZE])
{
    struct vault_service *service = housekeeping->service;
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_record) vault = {.id = 0};
    KQ_AUTO_VALUE(vault_key) key = {.id = 0};
    if (what == VAULT_DUE_KEY_ROTATION || seen_vault->name == NULL)
        return do_act(housekeeping, what, which, seen_vault, seen_key, why);
    KQ_TRY(vault_store_take_turn(service->store, seen_vault->name, seen_key->name, &turn));
    KQ_TRY(read_rows(service->store, what, which, &vault, &key));
    if (!is_still_due(what, &vault, &key, vault_service_now(service)))
        return KQ_ERR_NOT_FOUND;
    return do_act(housekeeping, what, which, &vault, &key, why);
}

static void count(enum vault_due what, struct vault_housekeeping_result *out)
{
    out->num_vaults_purged += what == VAULT_DUE_VAULT_PURGE;
    out->num_keys_purged += what == VAULT_DUE_KEY_PURGE;
    out->num_keys_rotated += what == VAULT_DUE_KEY_ROTATION;
}

static void do_one(struct vault_housekeeping *housekeeping, enum vault_due what, struct due which,
                   struct vault_housekeeping_result *out)
{
    KQ_AUTO_VALUE(vault_record) vault = {.id = 0};
    KQ_AUTO_VALUE(vault_key) key = {.id = 0};
    char why[VAULT_WHY_SIZE] = "";
    kq_status status = read_rows(housekeeping->service->store, what, which, &vault, &key);
    if (status == KQ_ERR_NOT_FOUND)
        return; /* gone since the list was made */
    if (status == KQ_OK && !is_still_due(what, &vault, &key, vault_service_now(housekeeping->service)))
        return;
    if ((vault.region != NULL && is_away(housekeeping, vault.region)) || failed_just_now(housekeeping, what, which)) {
        out->num_put_off++;
        return;
    }
    if (status == KQ_OK)
        status = act_in_turn(housekeeping, what, which, &vault, &key, why);
    if (status == KQ_ERR_NOT_FOUND && what != VAULT_DUE_KEY_ROTATION)
        return; /* recovered or purged in the meantime */
    if (status == KQ_OK) {
        count(what, out);
        forget_failure(housekeeping, what, which);
        return;
    }
    if (status == KQ_ERR_CONNECT && vault.region != NULL)
        note_away(housekeeping, vault.region);
    out->num_failures++;
    note_failure(housekeeping, what, which, &vault, &key, status, why);
}

static void do_all(struct vault_housekeeping *housekeeping, enum vault_due what, struct vault_housekeeping_result *out)
{
    struct vault_service *service = housekeeping->service;
    housekeeping->num_due = 0;
    kq_status status =
        vault_store_list_due(service->store, what, vault_service_now(service), DUE_MAX, add_due, housekeeping);
    if (status != KQ_OK) {
        out->num_failures++;
        note_failure(housekeeping, what, (struct due){0, 0}, &(struct vault_record){.name = NULL},
                     &(struct vault_key){.name = ""}, status, "the list of what is due");
        return;
    }
    for (size_t i = 0; i < housekeeping->num_due && !atomic_load(&housekeeping->stops); i++)
        do_one(housekeeping, what, housekeeping->due[i], out);
}

static void add(atomic_uint_fast64_t *counter, uint64_t number)
{
    atomic_fetch_add_explicit(counter, number, memory_order_relaxed);
}

void vault_housekeeping_pass(struct vault_housekeeping *housekeeping, struct vault_housekeeping_result *out)
{
    struct vault_metrics *metrics = housekeeping->service->metrics;
    *out = (struct vault_housekeeping_result){0};
    housekeeping->num_away = 0;
    do_all(housekeeping, VAULT_DUE_VAULT_PURGE, out);
    do_all(housekeeping, VAULT_DUE_KEY_PURGE, out);
    do_all(housekeeping, VAULT_DUE_KEY_ROTATION, out);
    if (metrics == NULL)
        return;
    add(&metrics->num_passes, 1);
    atomic_store(&metrics->last_pass, kq_clock_unix_s());
    add(&metrics->num_vaults_purged, out->num_vaults_purged);
    add(&metrics->num_keys_purged, out->num_keys_purged);
    add(&metrics->num_keys_rotated, out->num_keys_rotated);
    add(&metrics->num_failures, out->num_failures);
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void log_result(const struct vault_housekeeping_result *result)
{
    if (result->num_vaults_purged + result->num_keys_purged + result->num_keys_rotated == 0)
        return;
    vault_log("info", "housekeeping",
              (const struct vault_log_member[]){{"vaultsPurged", NULL, (long long)result->num_vaults_purged},
                                                {"keysPurged", NULL, (long long)result->num_keys_purged},
                                                {"keysRotated", NULL, (long long)result->num_keys_rotated},
                                                {0}});
}

/* False once it is time to stop. */
static bool rest(struct vault_housekeeping *housekeeping)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)housekeeping->every_s;
    pthread_mutex_lock(&housekeeping->lock);
    int result = 0;
    while (!atomic_load(&housekeeping->stops) && result == 0)
        result = pthread_cond_timedwait(&housekeeping->wakes, &housekeeping->lock, &until);
    pthread_mutex_unlock(&housekeeping->lock);
    return !atomic_load(&housekeeping->stops);
}

static void *housekeeping_main(void *argument)
{
    struct vault_housekeeping *housekeeping = argument;
    do {
        struct vault_housekeeping_result result;
        vault_housekeeping_pass(housekeeping, &result);
        log_result(&result);
    } while (rest(housekeeping));
    return NULL;
}

/* Signals belong to the program's main thread. */
static bool start_thread(struct vault_housekeeping *housekeeping)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool runs = pthread_create(&housekeeping->thread, &attributes, housekeeping_main, housekeeping) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return runs;
}

kq_status vault_housekeeping_start(struct vault_service *service, uint64_t every_s, struct vault_housekeeping **out)
{
    KQ_AUTO(vault_housekeeping) housekeeping = NULL;
    KQ_TRY(vault_housekeeping_new(service, &housekeeping));
    housekeeping->every_s = every_s;
    housekeeping->has_thread = start_thread(housekeeping);
    if (!housekeeping->has_thread)
        return KQ_ERR_MEMORY;
    *out = KQ_TAKE(housekeeping);
    return KQ_OK;
}

void vault_housekeeping_stop(struct vault_housekeeping *housekeeping)
{
    if (housekeeping == NULL)
        return;
    pthread_mutex_lock(&housekeeping->lock);
    atomic_store(&housekeeping->stops, true);
    pthread_cond_signal(&housekeeping->wakes);
    pthread_mutex_unlock(&housekeeping->lock);
    if (housekeeping->has_thread)
        pthread_join(housekeeping->thread, NULL);
    vault_housekeeping_free(housekeeping);
}
