#ifndef HSM_WORLD_STATE_H
#define HSM_WORLD_STATE_H

#include "base/cleanup.h"
#include "module/privcrypto/key.h"
#include "wire/messages.h"

/* What a module remembers across restarts, sealed under its device key
 * (docs/formats/module-files.md 3). A published state is immutable and
 * reference counted; changes are made on a clone and become visible when they
 * are durable (service/change.h). */

struct hsm_trusted {
    uint8_t hash[32];
    char label[129];
    bool is_rehearsal;
    uint64_t generation;
    uint64_t since;
};

struct hsm_peer {
    uint32_t uid;
    uint32_t roles; /* kq_role */
};

struct hsm_card_attempts {
    uint8_t card_set[16];
    uint32_t index;
    uint32_t failures; /* since the last success */
    uint64_t last_s;
};

struct hsm_use_counter {
    uint8_t id[20];
    uint64_t used;
};

/* The first outcome of an act, given again when its request id comes again. */
struct hsm_outcome {
    uint8_t request_id[KQ_REQUEST_ID_LEN];
    uint8_t params_hash[32];
    uint32_t op;
    uint32_t uid; /* who acted; nobody else is given the results */
    uint64_t audit_index;
    struct kq_buffer results;
};

#define HSM_TRUSTED_MAX 64u
#define HSM_PEERS_MAX 16u
#define HSM_ATTEMPTS_MAX 128u /* the oldest success-free one makes room last */
#define HSM_COUNTERS_MAX 1024u
#define HSM_OUTCOMES_MAX 16u
#define HSM_AUDIT_LEVELS 64u
#define HSM_AUDIT_PENDING_MAX (128u * 1024)

/* The compact hash tree of RFC 9162 2.1: one hash per set bit of num_records. */
struct hsm_audit_tree {
    uint64_t num_records;
    uint8_t level[HSM_AUDIT_LEVELS][32];
};

struct hsm_world {
    enum kq_world_kind kind; /* 0: none */
    char suite[41];
    uint8_t hknso[32];
    uint8_t hkm[32];
    uint8_t km[32];
    uint8_t hkre[32];
    bool has_recovery;
    uint8_t card_set[16];
    uint32_t quorum;
    uint32_t num_cards;
    uint8_t quorum_check[32];
    struct kq_buffer commitments; /* 32 bytes per card */
    struct kq_buffer world_file;  /* as written to local/world */
    struct hsm_key *knso;         /* region and factory worlds; NULL in an owner's */
};

struct hsm_state {
    /* identity */
    char esn[KQ_ESN_LEN + 1];
    struct hsm_key *module_key; /* P-384 */
    struct kq_buffer warrant;   /* DER, empty before enrolment */
    struct kq_buffer root;
    /* the world */
    struct hsm_world world;
    struct hsm_key *factory_root; /* P-384; factory worlds after FACTORY_ROOT */
    struct kq_buffer factory_root_certificate;
    /* lists and counters */
    struct hsm_trusted roots[HSM_TRUSTED_MAX];
    size_t num_roots;
    struct hsm_trusted worlds[HSM_TRUSTED_MAX];
    size_t num_worlds;
    struct hsm_trusted former_worlds[HSM_TRUSTED_MAX]; /* trusted no longer; kept for their generation, oldest first */
    size_t num_former_worlds;
    struct hsm_peer peers[HSM_PEERS_MAX];
    size_t num_peers;
    struct hsm_card_attempts attempts[HSM_ATTEMPTS_MAX];
    size_t num_attempts;
    struct hsm_use_counter counters[HSM_COUNTERS_MAX];
    size_t num_counters;
    struct hsm_outcome outcomes[HSM_OUTCOMES_MAX]; /* ring, oldest first */
    size_t num_outcomes;
    /* audit, as of this state; records not known to be in the log yet */
    struct hsm_audit_tree audit;
    struct kq_buffer audit_pending; /* frames as in the log */
    uint64_t audit_log_len;         /* length of the log before audit_pending */
};

/* A fresh module: ESN and signing key made, one peer with all roles. */
KQ_MUST_CHECK kq_status hsm_state_new(uint32_t owner_uid, struct hsm_state **out);
void hsm_state_free(struct hsm_state *state);
KQ_AUTO_DEFINE(hsm_state);

/* A deep copy (keys are shared, they are immutable). */
KQ_MUST_CHECK kq_status hsm_state_clone(const struct hsm_state *state, struct hsm_state **out);

/* Plain encoding, inside the module only; hsm_state_seal/unseal wrap it as a
 * kq_sealed_state under the device key.  Errors of unseal: KQ_ERR_AUTH,
 * KQ_ERR_FORMAT, KQ_ERR_VERSION. */
KQ_MUST_CHECK kq_status hsm_state_seal(const struct hsm_state *state, struct kq_slice device_key,
                                       struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_state_unseal(struct kq_slice sealed_state, struct kq_slice device_key,
                                         struct hsm_state **out);

/* Drops the world and everything that belongs to it (lists, counters, attempts). */
void hsm_state_forget_world(struct hsm_state *state);

/* Look-ups in lists; NULL if absent. */
struct hsm_trusted *hsm_state_find_root(struct hsm_state *state, const uint8_t hash[32]);
struct hsm_trusted *hsm_state_find_world(struct hsm_state *state, const uint8_t hash[32]);

/* The newest generation seen of a world, also of one that is trusted no
 * longer; 0 if none was seen. */
uint64_t hsm_state_generation_seen(struct hsm_state *state, const uint8_t hknso[32]);

#endif
