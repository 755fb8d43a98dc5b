#ifndef HSM_KEYS_HANDLE_H
#define HSM_KEYS_HANDLE_H

#include "base/cleanup.h"
#include "module/privcrypto/key.h"
#include "wire/writer.h"

/* The keys a session has loaded: random 64-bit handles, valid in that session
 * only. The table has its own lock; entries are reference counted, so a use
 * under way survives an unload. */
struct hsm_handles;

struct hsm_loaded {
    uint64_t handle;
    struct hsm_key *key;
    uint64_t origin;
    struct kq_buffer acl;   /* encoded kq_acl, checked */
    struct kq_buffer place; /* encoded kq_place */
    uint64_t loaded_monotonic_ms;
    int num_references; /* atomic */
};

#define HSM_HANDLES_MAX 1024u /* per session */

KQ_MUST_CHECK kq_status hsm_handles_new(struct hsm_handles **out);
void hsm_handles_free(struct hsm_handles *handles);
KQ_AUTO_DEFINE(hsm_handles);

/* Takes *loaded on KQ_OK and gives it a handle. Errors: KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status hsm_handles_add(struct hsm_handles *handles, struct hsm_loaded **loaded, uint64_t *out_handle);
/* A reference of the caller's; release with hsm_loaded_free().  Errors: KQ_ERR_NOT_FOUND. */
KQ_MUST_CHECK kq_status hsm_handles_find(struct hsm_handles *handles, uint64_t handle, struct hsm_loaded **out);
KQ_MUST_CHECK kq_status hsm_handles_remove(struct hsm_handles *handles, uint64_t handle);
size_t hsm_handles_count(struct hsm_handles *handles);
/* Appends each handle, 8 bytes big-endian, as kq_list items. */
void hsm_handles_list(struct hsm_handles *handles, struct kq_writer *items, size_t *out_num);

/* A loaded key as of now, in no table yet. Takes *key on KQ_OK, copies the rest. */
KQ_MUST_CHECK kq_status hsm_loaded_new(struct hsm_key **key, uint64_t origin, struct kq_slice acl,
                                       struct kq_slice place, struct hsm_loaded **out);
void hsm_loaded_free(struct hsm_loaded *loaded); /* one reference less */
KQ_AUTO_DEFINE(hsm_loaded);

#endif
