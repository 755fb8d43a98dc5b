#include "module/cards/card.h"

#include "base/ct.h"
#include "base/size.h"
#include "base/wipe.h"
#include "module/privcrypto/seal.h"
#include "module/world/statement.h"
#include "pubcrypto/hash.h"

#define CARD_LABEL "keyquay/card"
#define SEALED_SHARE_LEN (HSM_SECRET_LEN + HSM_SEAL_OVERHEAD)

static const uint8_t zeros[SEALED_SHARE_LEN];

void hsm_share_clear(struct hsm_share *share)
{
    kq_wipe(share, sizeof *share);
}

void hsm_share_commitment(const uint8_t set_id[HSM_CARD_SET_ID_LEN], const struct hsm_share *share, uint8_t out[32])
{
    static const char label[] = "keyquay/share"; /* its NUL is part of it */
    uint8_t index = (uint8_t)share->index;
    const struct kq_slice parts[] = {{(const uint8_t *)label, sizeof label},
                                     {set_id, HSM_CARD_SET_ID_LEN},
                                     {&index, 1},
                                     {share->bytes, sizeof share->bytes}};
    kq_sha256_parts(parts, KQ_COUNT_OF(parts), out);
}

void hsm_quorum_check(const uint8_t secret[HSM_SECRET_LEN], uint8_t out[32])
{
    static const char label[] = "keyquay/quorum";
    const struct kq_slice parts[] = {{(const uint8_t *)label, sizeof label}, {secret, HSM_SECRET_LEN}};
    kq_sha256_parts(parts, KQ_COUNT_OF(parts), out);
}

/* The card's own words without what is sealed and without the check: what the seal vouches for. */
static kq_status encode_open_part(const struct kq_card *card, struct kq_buffer *out)
{
    struct kq_card open = *card;
    open.sealed_share = kq_slice_of(zeros, SEALED_SHARE_LEN);
    open.check = kq_slice_of(zeros, 32);
    return hsm_encode(&kq_card_type, &open, out);
}

static kq_status compute_check(const struct kq_card *card, uint8_t out[32])
{
    struct kq_card unchecked = *card;
    unchecked.check = kq_slice_of(zeros, 32);
    KQ_AUTO_VALUE(kq_buffer) encoded = {0};
    KQ_TRY(hsm_encode(&kq_card_type, &unchecked, &encoded));
    kq_sha256(kq_buffer_slice(&encoded), out);
    return KQ_OK;
}

kq_status hsm_card_seal(const struct hsm_card_set *set, const struct hsm_share *share, uint64_t revision,
                        const struct hsm_card_lock *lock, struct kq_buffer *out)
{
    struct kq_card card = {
        .card_set = kq_slice_of(set->id, sizeof set->id),
        .index = share->index,
        .quorum = set->quorum,
        .num_cards = set->num_cards,
        .world_kind = set->world_kind,
        .revision = revision,
        .scrypt_log2_n = lock->scrypt_log2_n,
        .scrypt_r = lock->scrypt_r,
        .scrypt_p = lock->scrypt_p,
        .scrypt_salt = lock->scrypt_salt,
    };
    KQ_AUTO_VALUE(kq_buffer) open_part = {0};
    KQ_TRY(encode_open_part(&card, &open_part));
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    kq_buffer_init(&sealed, SEALED_SHARE_LEN);
    KQ_TRY(hsm_seal(lock->key, lock->scrypt_salt, CARD_LABEL, kq_buffer_slice(&open_part),
                    kq_slice_of(share->bytes, sizeof share->bytes), &sealed));
    card.sealed_share = kq_buffer_slice(&sealed);
    uint8_t check[32];
    KQ_TRY(compute_check(&card, check));
    card.check = kq_slice_of(check, sizeof check);
    return hsm_encode(&kq_card_type, &card, out);
}

static kq_status why(kq_status status, const char *text, const char **out_why)
{
    *out_why = text;
    return status;
}

kq_status hsm_card_examine(const struct hsm_card_set *set, struct kq_slice file, struct kq_card *out,
                           const char **out_why)
{
    struct kq_card card;
    kq_status status = kq_card_get(file, &card, NULL);
    if (status == KQ_ERR_VERSION)
        return why(status, "this card was written by a newer version; update this program", out_why);
    if (status != KQ_OK)
        return why(KQ_ERR_FORMAT, "not a whole administrator card (foreign or truncated file); use another copy of it",
                   out_why);
    uint8_t check[32];
    KQ_TRY(compute_check(&card, check));
    if (!kq_slice_is_equal(card.check, kq_slice_of(check, sizeof check)))
        return why(KQ_ERR_FORMAT, "the card is damaged (its check does not match); use another copy of it", out_why);
    if (!kq_slice_is_equal(card.card_set, kq_slice_of(set->id, sizeof set->id)))
        return why(KQ_ERR_MISMATCH, "this card belongs to another card set; insert a card of this world", out_why);
    if (card.quorum != set->quorum || card.num_cards != set->num_cards || card.world_kind != set->world_kind ||
        card.index > set->num_cards)
        return why(KQ_ERR_MISMATCH, "forged card: its numbers are not those of the world's card set", out_why);
    *out = card;
    return KQ_OK;
}

kq_status hsm_card_open(const struct hsm_card_set *set, const struct kq_card *card, struct kq_slice key,
                        struct hsm_share *out, const char **out_why)
{
    KQ_AUTO_VALUE(kq_buffer) open_part = {0};
    KQ_TRY(encode_open_part(card, &open_part));
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, HSM_SECRET_LEN);
    kq_status status =
        hsm_unseal(key, card->scrypt_salt, CARD_LABEL, kq_buffer_slice(&open_part), card->sealed_share, &plain);
    if (status != KQ_OK || plain.len != HSM_SECRET_LEN)
        return why(status == KQ_ERR_MEMORY ? status : KQ_ERR_AUTH, "wrong passphrase for this card", out_why);

    KQ_AUTO_VALUE(hsm_share) share = {.index = (uint32_t)card->index};
    memcpy(share.bytes, plain.data, HSM_SECRET_LEN);
    uint8_t commitment[32];
    hsm_share_commitment(set->id, &share, commitment);
    const uint8_t *expected = set->commitments.data + 32 * (size_t)(share.index - 1);
    if (!kq_ct_bytes_are_equal(commitment, expected, sizeof commitment))
        return why(KQ_ERR_MISMATCH, "forged card: it opens, but holds a share this world was not made with", out_why);
    *out = share;
    return KQ_OK;
}
