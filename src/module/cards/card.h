#ifndef HSM_CARDS_CARD_H
#define HSM_CARDS_CARD_H

#include "module/cards/shamir.h"
#include "wire/formats.h"

/* Administrator cards: one share of a card set's secret each, sealed under
 * what scrypt made of the card's passphrase (docs/formats/card.md). A card
 * whose passphrase was changed leaves its former file valid under the former
 * passphrase; who changes it because it leaked destroys the former file. */

#define HSM_CARD_SET_ID_LEN 16u

/* What the world says about its cards. */
struct hsm_card_set {
    uint8_t id[HSM_CARD_SET_ID_LEN];
    enum kq_world_kind world_kind;
    uint32_t quorum;
    uint32_t num_cards;
    uint8_t quorum_check[32];
    struct kq_slice commitments; /* 32 bytes per card, borrowed */
};

/* How a card is locked: scrypt's parameters as they stand on it, and its result. */
struct hsm_card_lock {
    uint64_t scrypt_log2_n;
    uint64_t scrypt_r;
    uint64_t scrypt_p;
    struct kq_slice scrypt_salt;
    struct kq_slice key; /* 32 bytes */
};

struct hsm_share {
    uint32_t index;
    uint8_t bytes[HSM_SECRET_LEN];
};
void hsm_share_clear(struct hsm_share *share);
KQ_AUTO_DEFINE_VALUE(hsm_share);

/* Writes a card file (out is initialised here).  Errors: KQ_ERR_MEMORY. */
KQ_MUST_CHECK kq_status hsm_card_seal(const struct hsm_card_set *set, const struct hsm_share *share, uint64_t revision,
                                      const struct hsm_card_lock *lock, struct kq_buffer *out);

/* Looks at a card as far as no passphrase is needed.
 *
 * out_why  static text; for every failure
 * Errors   KQ_ERR_FORMAT (no card, or damaged), KQ_ERR_VERSION, KQ_ERR_MISMATCH (another set's card) */
KQ_MUST_CHECK kq_status hsm_card_examine(const struct hsm_card_set *set, struct kq_slice file, struct kq_card *out,
                                         const char **out_why);

/* Opens an examined card.
 *
 * Errors  KQ_ERR_AUTH (wrong passphrase), KQ_ERR_MISMATCH (forged: it opens, but holds a share that the world
 *         was not made with) */
KQ_MUST_CHECK kq_status hsm_card_open(const struct hsm_card_set *set, const struct kq_card *card, struct kq_slice key,
                                      struct hsm_share *out, const char **out_why);

/* What the world file keeps of a share, and of the whole secret. */
void hsm_share_commitment(const uint8_t set_id[HSM_CARD_SET_ID_LEN], const struct hsm_share *share, uint8_t out[32]);
void hsm_quorum_check(const uint8_t secret[HSM_SECRET_LEN], uint8_t out[32]);

#endif
