#include "unit.h"

#include "module/cards/card.h"
#include "pubcrypto/hash.h"

static const uint8_t salt[32] = {1, 2, 3};
static const uint8_t card_key[32] = {4, 5, 6};
static const uint8_t other_key[32] = {4, 5, 7};

struct fixture {
    struct hsm_card_set set;
    uint8_t commitments[3 * 32];
    struct hsm_share share; /* of card 2 */
    struct kq_buffer file;
};

static const struct hsm_card_lock lock = {17, 8, 1, {salt, sizeof salt}, {card_key, sizeof card_key}};

static int make_card(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->set = (struct hsm_card_set){.id = {9}, .world_kind = KQ_WORLD_OWNER, .quorum = 2, .num_cards = 3};
    fixture->share = (struct hsm_share){.index = 2, .bytes = {0xaa, 0xbb}};
    hsm_share_commitment(fixture->set.id, &fixture->share, fixture->commitments + 32);
    fixture->set.commitments = kq_slice_of(fixture->commitments, sizeof fixture->commitments);
    assert_ok(hsm_card_seal(&fixture->set, &fixture->share, 1, &lock, &fixture->file));
    *state = fixture;
    return 0;
}

static int drop_card(void **state)
{
    struct fixture *fixture = *state;
    kq_buffer_clear(&fixture->file);
    free(fixture);
    return 0;
}

/* Examines and opens as the module does; the step that fails says why. */
static kq_status try_card(const struct fixture *fixture, struct kq_slice file, const uint8_t key[32],
                          struct hsm_share *out, const char **out_why)
{
    struct kq_card card;
    KQ_TRY(hsm_card_examine(&fixture->set, file, &card, out_why));
    return hsm_card_open(&fixture->set, &card, kq_slice_of(key, 32), out, out_why);
}

/* The card with fields changed by a test and a check that fits again, as somebody who forges it would write it. */
static void rewrite(const struct fixture *fixture, struct kq_buffer *out, void (*change)(struct kq_card *card))
{
    static const uint8_t zeros[32];
    struct kq_card card;
    assert_ok(kq_card_get(kq_buffer_slice(&fixture->file), &card, NULL));
    change(&card);
    card.check = kq_slice_of(zeros, sizeof zeros);
    KQ_AUTO_VALUE(kq_writer) unchecked = {0};
    kq_writer_init(&unchecked, KQ_CARD_MAX);
    kq_card_put(&card, &unchecked);
    uint8_t check[32];
    kq_sha256(kq_buffer_slice(&unchecked.buffer), check);
    card.check = kq_slice_of(check, sizeof check);
    struct kq_writer writer;
    kq_writer_init(&writer, KQ_CARD_MAX);
    kq_card_put(&card, &writer);
    assert_ok(writer.failure);
    *out = writer.buffer;
}

static void card_open__right_key__gives_the_share(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_share share = {0};
    const char *why = "";
    assert_ok(try_card(fixture, kq_buffer_slice(&fixture->file), card_key, &share, &why));
    assert_int_equal(share.index, 2);
    assert_memory_equal(share.bytes, fixture->share.bytes, sizeof share.bytes);
}

static void card_open__wrong_key__says_wrong_passphrase_and_gives_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_share share = {0};
    const struct hsm_share untouched = {0};
    const char *why = "";
    assert_status(try_card(fixture, kq_buffer_slice(&fixture->file), other_key, &share, &why), KQ_ERR_AUTH);
    assert_non_null(strstr(why, "passphrase"));
    assert_memory_equal(&share, &untouched, sizeof share);
}

static void card_examine__any_bit_flipped__is_damaged_or_no_card(void **state)
{
    struct fixture *fixture = *state;
    for (size_t bit = 0; bit < fixture->file.len * 8; bit++) {
        struct kq_card card;
        const char *why = "";
        fixture->file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        kq_status status = hsm_card_examine(&fixture->set, kq_buffer_slice(&fixture->file), &card, &why);
        assert_true(status == KQ_ERR_FORMAT || status == KQ_ERR_VERSION);
        assert_string_not_equal(why, "");
        fixture->file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void card_examine__truncated_or_longer__is_no_card(void **state)
{
    struct fixture *fixture = *state;
    struct kq_card card;
    const char *why = "";
    for (size_t len = 0; len < fixture->file.len; len++)
        assert_status(hsm_card_examine(&fixture->set, kq_slice_of(fixture->file.data, len), &card, &why),
                      KQ_ERR_FORMAT);
    uint8_t longer[KQ_CARD_MAX] = {0};
    memcpy(longer, fixture->file.data, fixture->file.len);
    assert_status(hsm_card_examine(&fixture->set, kq_slice_of(longer, fixture->file.len + 1), &card, &why),
                  KQ_ERR_FORMAT);
}

static void card_examine__newer_version__is_told_as_such(void **state)
{
    struct fixture *fixture = *state;
    struct kq_card card;
    const char *why = "";
    size_t version = 1 + 1 + strlen("keyquay/card"); /* array head, text head, name */
    assert_int_equal(fixture->file.data[version], 1);
    fixture->file.data[version] = 2;
    assert_status(hsm_card_examine(&fixture->set, kq_buffer_slice(&fixture->file), &card, &why), KQ_ERR_VERSION);
    assert_non_null(strstr(why, "newer"));
}

static void card_examine__card_of_another_set__is_foreign(void **state)
{
    struct fixture *fixture = *state;
    struct kq_card card;
    const char *why = "";
    fixture->set.id[0] ^= 1;
    assert_status(hsm_card_examine(&fixture->set, kq_buffer_slice(&fixture->file), &card, &why), KQ_ERR_MISMATCH);
    assert_non_null(strstr(why, "another card set"));
}

static void claim_smaller_quorum(struct kq_card *card)
{
    card->quorum = 1;
}
static void claim_other_index(struct kq_card *card)
{
    card->index = 3;
}
static void claim_index_outside(struct kq_card *card)
{
    card->index = 4;
}

static void card_examine__other_quorum_or_index_outside__is_forged(void **state)
{
    struct fixture *fixture = *state;
    struct kq_card card;
    const char *why = "";
    KQ_AUTO_VALUE(kq_buffer) quorum = {0};
    KQ_AUTO_VALUE(kq_buffer) outside = {0};
    rewrite(fixture, &quorum, claim_smaller_quorum);
    assert_status(hsm_card_examine(&fixture->set, kq_buffer_slice(&quorum), &card, &why), KQ_ERR_MISMATCH);
    rewrite(fixture, &outside, claim_index_outside);
    assert_status(hsm_card_examine(&fixture->set, kq_buffer_slice(&outside), &card, &why), KQ_ERR_MISMATCH);
    assert_non_null(strstr(why, "forged"));
}

static void card_open__index_rewritten__does_not_open(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_share share = {0};
    const char *why = "";
    KQ_AUTO_VALUE(kq_buffer) forged = {0};
    rewrite(fixture, &forged, claim_other_index);
    assert_status(try_card(fixture, kq_buffer_slice(&forged), card_key, &share, &why), KQ_ERR_AUTH);
}

static void card_open__well_sealed_share_of_somebody_else__is_forged(void **state)
{
    struct fixture *fixture = *state;
    struct hsm_share share = {0};
    const char *why = "";
    KQ_AUTO_VALUE(kq_buffer) forged = {0};
    fixture->share.bytes[31] ^= 1;
    assert_ok(hsm_card_seal(&fixture->set, &fixture->share, 1, &lock, &forged));
    assert_status(try_card(fixture, kq_buffer_slice(&forged), card_key, &share, &why), KQ_ERR_MISMATCH);
    assert_non_null(strstr(why, "forged"));
    assert_int_equal(share.index, 0);
}

#define CARD_TEST(test) cmocka_unit_test_setup_teardown(test, make_card, drop_card)
UNIT_MAIN(CARD_TEST(card_open__right_key__gives_the_share),
          CARD_TEST(card_open__wrong_key__says_wrong_passphrase_and_gives_nothing),
          CARD_TEST(card_examine__any_bit_flipped__is_damaged_or_no_card),
          CARD_TEST(card_examine__truncated_or_longer__is_no_card),
          CARD_TEST(card_examine__newer_version__is_told_as_such),
          CARD_TEST(card_examine__card_of_another_set__is_foreign),
          CARD_TEST(card_examine__other_quorum_or_index_outside__is_forged),
          CARD_TEST(card_open__index_rewritten__does_not_open),
          CARD_TEST(card_open__well_sealed_share_of_somebody_else__is_forged))
