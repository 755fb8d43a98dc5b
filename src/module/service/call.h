#ifndef HSM_SERVICE_CALL_H
#define HSM_SERVICE_CALL_H

#include "module/keys/handle.h"
#include "module/world/state.h"
#include "wire/messages.h"

/* One request on its way through the module. The dispatcher has checked role,
 * state of the module, quorum and form before a handler sees it. */

struct hsm_module;   /* service/module.h */
struct hsm_session;  /* service/session.h */
struct hsm_snapshot; /* service/snapshot.h */

struct hsm_call {
    struct hsm_module *module;
    struct hsm_session *session;
    enum kq_op op;
    struct kq_slice params_bytes;
    uint64_t now; /* unix seconds, read once per call */

    /* The state the call sees: published and immutable. Valid for the call. */
    const struct hsm_state *state;
    /* Rows with HSM_ROW_DRAFT: a clone to change, equal to state at the start;
     * made durable by the dispatcher after the handler returned KQ_OK, before
     * the caller is answered. NULL otherwise. */
    struct hsm_state *draft;
    /* Rows with HSM_ROW_QUORUM, and optional authority elsewhere: true if a
     * quorum of cards was presented for exactly these params. */
    bool has_quorum;
    /* WORLD_PROGRAM: the card set's secret that the quorum rebuilt (arena), else empty. */
    struct kq_slice quorum_secret;

    /* What the audit will say beside op, status, uid; handlers fill what they know. */
    uint8_t audit_subject[32];
    bool has_audit_subject;
    struct kq_buffer audit_place;
    /* AUDIT_APPEND only: what a trusted peer says; borrowed from the params. */
    struct kq_slice audit_event;
    struct kq_slice audit_peer;
    struct kq_slice audit_detail;
    /* The index the audit record of this call will have (RECORDED rows with a draft). */
    uint64_t audit_index;

    char detail[513]; /* for the reply; never a secret */
    uint64_t wait_ms;

    struct hsm_snapshot *snapshot; /* keeps state alive; service/ only */
};

/* Sets the reply's detail (printf) and returns status, so that a handler can
 * `return hsm_call_fail(call, KQ_ERR_MISMATCH, "region statement: ...")`. */
kq_status hsm_call_fail(struct hsm_call *call, kq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts its results record into results on KQ_OK, nothing otherwise. */
typedef kq_status hsm_handler(struct hsm_call *call, const void *params, struct kq_writer *results);

enum hsm_world_mask {
    HSM_IN_NO_WORLD = 0x1,
    HSM_IN_OWNER = 0x2,
    HSM_IN_REGION = 0x4,
    HSM_IN_FACTORY = 0x8,
    HSM_IN_ANY_WORLD = 0xe,
    HSM_IN_ANY = 0xf,
};
enum hsm_row_flag {
    HSM_ROW_DRAFT = 0x1,    /* handler changes call->draft */
    HSM_ROW_RECORDED = 0x2, /* administrative act or export: request id required, outcome remembered, audit
                               record durable before the answer */
    HSM_ROW_USE = 0x4,      /* use of a key: audited within 100 ms */
    HSM_ROW_QUORUM = 0x8,   /* refused without a quorum for these params */
    HSM_ROW_SLOW = 0x10,    /* never shares a worker batch */
};

struct hsm_row {
    enum kq_op op;
    hsm_handler *handler;
    uint32_t roles; /* any of these */
    uint32_t worlds;
    uint32_t flags;
};

/* Rows of each part, NULL-handler terminated; service/dispatch.c gathers them
 * and a test demands that every operation has exactly one. */
extern const struct hsm_row hsm_service_rows[];  /* HELLO STATUS AUDIT_* PEER_SET (service/) */
extern const struct hsm_row hsm_quorum_rows[];   /* AUTH_* CARD_* (cards/) */
extern const struct hsm_row hsm_world_rows[];    /* WORLD_* TRUST_* (world/) */
extern const struct hsm_row hsm_key_rows[];      /* KEY_* HANDLE_LIST SIGN ENCRYPT DECRYPT (keys/) */
extern const struct hsm_row hsm_transfer_rows[]; /* TRANSFER_* EXCHANGE_CREATE (transfer/) */
extern const struct hsm_row hsm_enrol_rows[];    /* ENROL_* FACTORY_* (world/) */

/* Durable state change from inside a handler, before it goes on: card
 * attempts (recorded before they are checked) and use counters. change()
 * edits a clone; KQ_OK means the edit is on the disk and published, and
 * call->state now is the new state. Not for rows with HSM_ROW_DRAFT. */
typedef kq_status hsm_state_edit(struct hsm_state *draft, void *context);
KQ_MUST_CHECK kq_status hsm_call_change_state(struct hsm_call *call, hsm_state_edit *edit, void *context);

/* How this module protects its key and memory, for status and receipts. */
const char *hsm_call_key_protection(const struct hsm_call *call);
const char *hsm_call_rollback_protection(const struct hsm_call *call);
const char *hsm_call_memory(const struct hsm_call *call);

/* Pending quorum collections and world creations live in the session
 * (service/session.h gives each part its slot and frees it with the session). */
struct hsm_quorum;   /* cards/quorum.h */
struct hsm_creation; /* world/create.h */
struct hsm_quorum **hsm_call_quorum_slot(struct hsm_call *call);
struct hsm_creation **hsm_call_creation_slot(struct hsm_call *call);
struct hsm_handles *hsm_call_handles(struct hsm_call *call); /* keys/handle.h */

#endif
