#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pubcrypto/hash.h"
#include "tools/common/cards.h"

static const uint8_t fill[48] = {7};

static void encode_card(const struct kq_card *card, struct kq_writer *writer)
{
    kq_writer_init(writer, KQ_CARD_MAX);
    kq_card_put(card, writer);
}

/* A card whose check value fits. */
static void make_card(struct kq_buffer *out)
{
    static const uint8_t zeros[32];
    uint8_t check[32];
    struct kq_card card = {.card_set = kq_slice_of(fill, 16),
                           .index = 2,
                           .quorum = 2,
                           .num_cards = 3,
                           .world_kind = KQ_WORLD_OWNER,
                           .revision = 1,
                           .scrypt_log2_n = 10,
                           .scrypt_r = 8,
                           .scrypt_p = 1,
                           .scrypt_salt = kq_slice_of(fill, 32),
                           .sealed_share = kq_slice_of(fill, 48),
                           .check = kq_slice_of(zeros, 32)};
    KQ_AUTO_VALUE(kq_writer) first;
    KQ_AUTO_VALUE(kq_writer) second;
    struct kq_slice bytes;
    encode_card(&card, &first);
    assert_ok(kq_writer_finish(&first, &bytes));
    kq_sha256(bytes, check);
    card.check = kq_slice_of(check, sizeof check);
    encode_card(&card, &second);
    assert_ok(kq_writer_finish(&second, &bytes));
    kq_buffer_init(out, KQ_CARD_MAX + 1);
    assert_ok(kq_buffer_append(out, bytes.data, bytes.len));
}

static void card_path__forms(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *path;
    } cases[] = {{"/media/a/card", "/media/a/card"},
                 {"file:/media/a/card", "/media/a/card"},
                 {"file:///media/a/card", "/media/a/card"},
                 {"card-1", "card-1"},
                 {"file:card-1", "card-1"}};
    char path[KQ_PATH_MAX], why[KQ_CARD_WHY_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(kq_card_path(kq_slice_text(cases[i].answer), path, why));
        assert_string_equal(path, cases[i].path);
    }
    assert_status(kq_card_path(kq_slice_text("pkcs11:token=a"), path, why), KQ_ERR_UNSUPPORTED);
    assert_status(kq_card_path(KQ_SLICE_EMPTY, path, why), KQ_ERR_ARGUMENT);
    assert_status(kq_card_path(kq_slice_text("file:"), path, why), KQ_ERR_ARGUMENT);
}

static void card_parse__good__facts(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_card card;
    char why[KQ_CARD_WHY_SIZE];
    make_card(&bytes);
    assert_ok(kq_card_parse(kq_buffer_slice(&bytes), &card, why));
    assert_int_equal(card.index, 2);
}

static void card_parse__any_bit_flipped__refused(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_card card;
    make_card(&bytes);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        char why[KQ_CARD_WHY_SIZE] = "";
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(kq_card_parse(kq_buffer_slice(&bytes), &card, why), KQ_OK);
        assert_string_not_equal(why, "");
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void card_parse__truncated_anywhere_or_longer__refused(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_card card;
    char why[KQ_CARD_WHY_SIZE];
    make_card(&bytes);
    for (size_t len = 0; len < bytes.len; len++)
        assert_status(kq_card_parse(kq_slice_of(bytes.data, len), &card, why), KQ_ERR_FORMAT);
    assert_ok(kq_buffer_append(&bytes, "", 1));
    assert_status(kq_card_parse(kq_buffer_slice(&bytes), &card, why), KQ_ERR_FORMAT);
}

struct fixture {
    char folder[64];
    char path[96];
    char why[KQ_CARD_WHY_SIZE];
    dev_t device;
    struct kq_buffer card;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/keyquay-cards.XXXXXX");
    if (mkdtemp(fixture->folder) == NULL)
        return -1;
    snprintf(fixture->path, sizeof fixture->path, "%s/card", fixture->folder);
    make_card(&fixture->card);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kq_buffer_clear(&fixture->card);
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static void check_blank__nothing_or_empty_file__ok(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(kq_card_check_blank(fixture->path, &fixture->device, fixture->why));
    assert_ok(kq_file_write(fixture->path, KQ_SLICE_EMPTY, 0600, KQ_FILE_NEW_ONLY));
    assert_ok(kq_card_check_blank(fixture->path, &fixture->device, fixture->why));
}

static void check_blank__a_card__named_and_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(kq_card_write(fixture->path, kq_buffer_slice(&fixture->card)));
    assert_status(kq_card_check_blank(fixture->path, &fixture->device, fixture->why), KQ_ERR_EXISTS);
    assert_non_null(strstr(fixture->why, "card 2 of set 07000000"));
}

static void check_blank__something_else__left_alone(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(kq_file_write(fixture->path, kq_slice_text("a letter"), 0600, KQ_FILE_NEW_ONLY));
    assert_status(kq_card_check_blank(fixture->path, &fixture->device, fixture->why), KQ_ERR_EXISTS);
    assert_status(kq_card_write(fixture->path, kq_buffer_slice(&fixture->card)), KQ_ERR_EXISTS);
    KQ_AUTO_VALUE(kq_buffer) kept = {0};
    assert_ok(kq_file_read(fixture->path, 64, &kept));
    assert_true(kq_slice_is_text(kq_buffer_slice(&kept), "a letter"));
}

static void check_blank__folder_missing__named(void **state)
{
    struct fixture *fixture = *state;
    assert_status(kq_card_check_blank("/nonexistent/card", &fixture->device, fixture->why), KQ_ERR_NOT_FOUND);
    assert_string_not_equal(fixture->why, "");
}

static void card_write__over_an_empty_file__private_mode(void **state)
{
    struct fixture *fixture = *state;
    struct stat facts;
    assert_ok(kq_file_write(fixture->path, KQ_SLICE_EMPTY, 0644, KQ_FILE_NEW_ONLY));
    assert_ok(kq_card_write(fixture->path, kq_buffer_slice(&fixture->card)));
    assert_int_equal(stat(fixture->path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(facts.st_size, fixture->card.len);
}

static void card_read__too_large_empty_or_missing__each_named(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_card_file) file = {.path = ""};
    static uint8_t large[KQ_CARD_MAX + 1];
    assert_status(kq_card_read(fixture->path, &file, fixture->why), KQ_ERR_NOT_FOUND);
    assert_ok(kq_file_write(fixture->path, KQ_SLICE_EMPTY, 0600, KQ_FILE_NEW_ONLY));
    assert_status(kq_card_read(fixture->path, &file, fixture->why), KQ_ERR_FORMAT);
    assert_non_null(strstr(fixture->why, "blank"));
    assert_ok(kq_file_write(fixture->path, kq_slice_of(large, sizeof large), 0600, KQ_FILE_REPLACE));
    assert_status(kq_card_read(fixture->path, &file, fixture->why), KQ_ERR_TOO_LARGE);
}

/* RFC 7914 12, third vector, has N = 2^14: the same function with r = 8, p = 1. */
static void card_key__rfc7914_vector(void **state)
{
    (void)state;
    static const uint8_t expected[32] = {0x70, 0x23, 0xbd, 0xcb, 0x3a, 0xfd, 0x73, 0x48, 0x46, 0x1c, 0x06,
                                         0xcd, 0x81, 0xfd, 0x38, 0xeb, 0xfd, 0xa8, 0xfb, 0xba, 0x90, 0x4f,
                                         0x8e, 0x3e, 0xa9, 0xb5, 0x43, 0xf6, 0x54, 0x5d, 0xa1, 0xf2};
    const struct kq_card card = {
        .scrypt_log2_n = 14, .scrypt_r = 8, .scrypt_p = 1, .scrypt_salt = kq_slice_text("SodiumChloride")};
    KQ_AUTO_VALUE(kq_secret) passphrase = {0};
    uint8_t key[32];
    kq_secret_init(&passphrase);
    assert_ok(kq_secret_set(&passphrase, "pleaseletmein", 13));
    assert_ok(kq_card_key(&card, &passphrase, key));
    assert_memory_equal(key, expected, sizeof key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(cmocka_unit_test(card_path__forms), cmocka_unit_test(card_parse__good__facts),
          cmocka_unit_test(card_parse__any_bit_flipped__refused),
          cmocka_unit_test(card_parse__truncated_anywhere_or_longer__refused),
          TEST(check_blank__nothing_or_empty_file__ok), TEST(check_blank__a_card__named_and_refused),
          TEST(check_blank__something_else__left_alone), TEST(check_blank__folder_missing__named),
          TEST(card_write__over_an_empty_file__private_mode), TEST(card_read__too_large_empty_or_missing__each_named),
          cmocka_unit_test(card_key__rfc7914_vector))
