#ifndef KQ_WIRE_CONTROL_H
#define KQ_WIRE_CONTROL_H

#include "wire/formats.h"
#include "wire/frame.h"

/* The control channel between hardserver and hsm-module, a stream socket pair
 * that the supervisor makes (docs/protocols/control.md). Frames as on the
 * module protocol, but with a limit of their own, because a sealed state is
 * larger than any request. At most one PERSIST is under way at a time. */

#define KQ_CONTROL_MAX (KQ_SEALED_STATE_MAX + 256u * 1024)

/* Descriptors that the supervisor's children inherit. */
enum kq_inherited_fd {
    KQ_CONTROL_FD = 3, /* both */
    KQ_LISTEN_FD = 4,  /* module: the listening socket, non-blocking */
    KQ_LOCK_FD = 5,    /* hardserver: holds hsm/lock as long as somebody can write */
    KQ_READY_FD = 6,   /* hardserver: one byte goes here when the module answers */
};

enum kq_control_kind {
    /* hardserver to module */
    KQ_CONTROL_STOP_IF_IDLE = 1, /* STOP, unless more CLIENTS were sent than the seq heard of */
    KQ_CONTROL_PERSIST_DONE = 2, /* seq and status of the last PERSIST */
    KQ_CONTROL_STOP = 3,         /* finish what runs, write the last records, end */
    /* module to hardserver */
    KQ_CONTROL_READY = 16,
    KQ_CONTROL_PERSIST = 17,
    KQ_CONTROL_CLIENTS = 18, /* number: connections there are; sent when the first comes and the last goes */
};

/* Every frame is one of these; what its kind does not use is zero or empty. */
#define KQ_CONTROL_FIELDS(UINT, BYTES, TEXT, LIST)                                                                     \
    UINT(kind, 1, 18)                                                                                                  \
    UINT(seq, 0, UINT64_MAX)                                                                                           \
    UINT(number, 0, UINT64_MAX)          /* PERSIST_DONE: kq_status; CLIENTS: connections */                           \
    UINT(log_offset, 0, INT64_MAX)       /* PERSIST: where in the log the bytes go; what lies behind is cut off */     \
    BYTES(state, 0, KQ_SEALED_STATE_MAX) /* PERSIST: written first; empty: only the log */                             \
    BYTES(log, 0, 192u * 1024)           /* PERSIST: frames of the audit log */
KQ_RECORD_DECLARE(kq_control, KQ_CONTROL_FIELDS);

/* As kq_frame_split() and kq_frame_head(), with this channel's limit. */
KQ_MUST_CHECK kq_status kq_control_split(struct kq_slice in, struct kq_slice *out_frame, size_t *out_taken);

/* Appends a whole frame.  Errors: as kq_record_put(). */
KQ_MUST_CHECK kq_status kq_control_append(const struct kq_control *control, struct kq_writer *writer);

#endif
