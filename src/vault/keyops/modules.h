#ifndef VAULT_KEYOPS_MODULES_H
#define VAULT_KEYOPS_MODULES_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "client/mux.h"
#include "vault/keyops/handles.h"
#include "vault/keyops/keyops.h"
#include "wire/formats.h"

/* Inside of struct vault_keyops: the modules, and what is known of each. */

#define VAULT_SUBSCRIPTION_SIZE 37u
#define VAULT_EXCHANGES_MAX 64u /* generations of a region's exchange key that are looked at, newest first */

struct vault_exchange {
    uint64_t generation;
    uint8_t kek_hash[32];
};

struct vault_module {
    const struct kq_region *region; /* NULL: the platform */
    char folder[KQ_PATH_MAX];
    struct kqc_mux *mux;
    struct vault_handles *handles;
    pthread_mutex_t lock;                                 /* what is below */
    size_t num_exchanges;                                 /* 0: no such region here */
    struct vault_exchange exchanges[VAULT_EXCHANGES_MAX]; /* newest first */
    uint8_t hknso[32];
    bool is_pinging;
    kq_status ping; /* what the last one said */
};

struct vault_keyops {
    char data[KQ_PATH_MAX];
    struct vault_module platform;
    size_t num_regions;
    struct vault_module *regions; /* in the order of kq_regions */
    atomic_size_t num_making;     /* slow acts under way, in all modules */
};

KQ_MUST_CHECK kq_status vault_module_open(struct vault_module *module, const struct kq_region *region,
                                          const char *folder, const struct vault_keyops_options *options);
void vault_module_close(struct vault_module *module);

/* The module of a region by toolset name.  Errors: KQ_ERR_STATE (no such region on this host). */
KQ_MUST_CHECK kq_status vault_module_find(struct vault_keyops *keyops, const char *region, struct vault_module **out);
/* Reads the region's exchange files again.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_module_scan(struct vault_module *module);
/* The generation whose exchange key has this hash; 0 if there is none. */
uint64_t vault_module_find_exchange(struct vault_module *module, struct kq_slice kek_hash);
/* The newest generation, 0 if there is none, and the world's hash. */
uint64_t vault_module_facts(struct vault_module *module, uint8_t out_hknso[32]);
/* bytes holds what *out borrows.  Errors: those of kq_file_read(), KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status vault_module_read_exchange(const struct vault_module *module, uint64_t generation,
                                                   struct kq_buffer *bytes, struct kq_exchange_file *out);

/* A slow act, of which a bounded number is under way at once.  Errors: KQ_ERR_WAIT with words (as many are), those of
 * kqc_mux_call(). */
KQ_MUST_CHECK kq_status vault_module_make(struct vault_keyops *keyops, struct vault_module *module, enum kq_op op,
                                          const void *params, void *results, struct kqc_reply *reply);

/* What a key is used for.
 * hknso  NULL for a region's module: the world of the region */
struct vault_module_use {
    const struct vault_key_ref *key;
    const uint8_t *hknso;
    enum kq_op op; /* SIGN or DECRYPT */
    uint64_t mechanism;
    struct kq_slice value;
};
/* Uses a key, which is loaded before if need be, and again when the module has
 * lost it. Appends to out. */
KQ_MUST_CHECK kq_status vault_module_use(struct vault_module *module, const struct vault_module_use *use,
                                         struct kq_buffer *out, struct kqc_reply *reply);
void vault_module_unload(struct vault_module *module, const struct vault_key_ref *key);

/* The same reference, its subscription in lower case, as places have it (lower: room for it). */
struct vault_key_ref vault_ref_normal(const struct vault_key_ref *ref, char lower[VAULT_SUBSCRIPTION_SIZE]);

/* Copies the module's words. Returns status. */
kq_status vault_why(kq_status status, const struct kqc_reply *reply, char why[VAULT_WHY_SIZE]);

/* The application that the platform's world keeps the service's keys under. */
#define VAULT_PLATFORM_APPLICATION "keyvaultd"

#endif
