#ifndef HSM_AUDIT_WINDOW_H
#define HSM_AUDIT_WINDOW_H

#include "base/cleanup.h"
#include "base/slice.h"
#include "wire/messages.h"

/* Uses that wait to be written: equal ones are folded into one record with a
 * count. Workers note, the log's writer takes all at once. Thread safe. */
struct hsm_audit_window;

/* A use must be durable this long after it was answered. */
#define HSM_AUDIT_WINDOW_MS 100u

struct hsm_audit_use {
    enum kq_audit_class class_;
    const char *event; /* static storage */
    uint64_t status;
    uint64_t peer_uid;
    struct kq_slice place;
    struct kq_slice subject;
};

/* What was taken: in the order in which the first of each came. */
struct hsm_audit_folded {
    struct hsm_audit_use use; /* slices point into bytes */
    uint64_t time;
    uint64_t count;
    uint8_t bytes[KQ_PLACE_MAX + 32];
};

#define HSM_AUDIT_WINDOW_MAX 96u

KQ_MUST_CHECK kq_status hsm_audit_window_new(struct hsm_audit_window **out);
void hsm_audit_window_free(struct hsm_audit_window *window);
KQ_AUTO_DEFINE(hsm_audit_window);

enum hsm_audit_noted {
    HSM_AUDIT_NOTED,       /* the writer knows already */
    HSM_AUDIT_NOTED_FIRST, /* first of a window: tell the writer to come in time */
    HSM_AUDIT_NOTED_LAST,  /* the window is full now: tell the writer to come at once */
    HSM_AUDIT_IS_FULL,     /* not noted: wait for the writer and try again */
};
enum hsm_audit_noted hsm_audit_window_note(struct hsm_audit_window *window, const struct hsm_audit_use *use,
                                           uint64_t now, uint64_t now_monotonic_ms);

/* When the oldest waiting use was noted (monotonic ms), 0 if none waits. */
uint64_t hsm_audit_window_since(struct hsm_audit_window *window);

/* Takes everything out; out has room for HSM_AUDIT_WINDOW_MAX. Returns how many. */
size_t hsm_audit_window_take(struct hsm_audit_window *window, struct hsm_audit_folded *out);

#endif
