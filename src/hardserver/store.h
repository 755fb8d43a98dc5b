#ifndef KQ_HARDSERVER_STORE_H
#define KQ_HARDSERVER_STORE_H

#include "base/cleanup.h"
#include "base/slice.h"
#include "base/status.h"

/* The two files that the module has written for it: hsm/state, replaced as a
 * whole, and hsm/audit.log, which grows. Paths are relative to the current
 * folder, which is hsm/ (the sandbox has been entered). */
struct kq_store {
    int folder_fd;
    int log_fd;
};

/* Opens the current folder and the log, making the log if there is none.
 * Errors: KQ_ERR_IO (errno tells). */
KQ_MUST_CHECK kq_status kq_store_open(struct kq_store *store);
void kq_store_clear(struct kq_store *store);
KQ_AUTO_DEFINE_VALUE(kq_store);

/* Makes both durable: room for the log first, then the state (unless empty),
 * then the log's bytes at log_offset, where the log ends afterwards.
 *
 * Errors  KQ_ERR_IO        nothing has changed (no room, no permission); errno tells
 *         KQ_ERR_INTERNAL  what is on the disk is not known (a failed fsync, or half of it done): stop and
 *                          let the module find out at its next start */
KQ_MUST_CHECK kq_status kq_store_persist(struct kq_store *store, struct kq_slice state, uint64_t log_offset,
                                         struct kq_slice log);

#endif
