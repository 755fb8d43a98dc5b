#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/common/keyfile.h"

struct fixture {
    struct kq_tool tool;
    char path[KQ_PATH_MAX];
    struct kq_stored_key stored;
};

static const uint8_t fill[32] = {9};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    kq_tool_init(&fixture->tool, "program", 0, NULL);
    snprintf(fixture->tool.local, sizeof fixture->tool.local, "/tmp/keyquay-keys.XXXXXX");
    if (mkdtemp(fixture->tool.local) == NULL)
        return -1;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_key_names) names = {.num = 0};
    kq_stored_key_clear(&fixture->stored);
    assert_ok(kq_key_list(&fixture->tool, NULL, NULL, &names));
    for (size_t i = 0; i < names.num; i++) {
        assert_ok(kq_key_path(&fixture->tool, names.names[i].application, names.names[i].ident, fixture->path));
        unlink(fixture->path);
    }
    rmdir(fixture->tool.local);
    free(fixture);
    return 0;
}

static kq_status save(struct fixture *fixture, const char *application, const char *ident)
{
    const struct kq_key_file file = {.application = kq_slice_text(application),
                                     .ident = kq_slice_text(ident),
                                     .plainname = kq_slice_text("A key"),
                                     .created = 1,
                                     .hknso = kq_slice_of(fill, 32),
                                     .blob = kq_slice_of(fill, 20),
                                     .public_key = kq_slice_of(fill, 10)};
    return kq_key_save(&fixture->tool, &file, KQ_FILE_NEW_ONLY, fixture->path);
}

static kq_status read_key(struct fixture *fixture, const char *application, const char *ident)
{
    kq_stored_key_clear(&fixture->stored);
    return kq_key_read(&fixture->tool, application, ident, &fixture->stored);
}

static void name_check__capitals__lowered(void **state)
{
    struct fixture *fixture = *state;
    char application[] = "Simple", ident[] = "Contoso-Key-1";
    assert_ok(kq_key_name_check(&fixture->tool, application, ident));
    assert_string_equal(application, "simple");
    assert_string_equal(ident, "contoso-key-1");
}

static void name_check__other_characters__usage(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {"", "a_b", "a/b", "../x", "a.b", "a b", "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char application[] = "simple", ident[16];
        snprintf(ident, sizeof ident, "%s", bad[i]);
        assert_status(kq_key_name_check(&fixture->tool, application, ident), KQ_ERR_ARGUMENT);
        assert_true(fixture->tool.is_usage);
    }
}

static void name_check__eighty_characters_together__limit(void **state)
{
    struct fixture *fixture = *state;
    char application[] = "simple", ident[81];
    memset(ident, 'a', 74);
    ident[74] = '\0';
    assert_ok(kq_key_name_check(&fixture->tool, application, ident));
    ident[74] = 'a';
    ident[75] = '\0';
    assert_status(kq_key_name_check(&fixture->tool, application, ident), KQ_ERR_ARGUMENT);
}

static void save_and_read__round_trip(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(save(fixture, "simple", "contosokey"));
    assert_ok(read_key(fixture, "simple", "contosokey"));
    assert_true(kq_slice_is_text(fixture->stored.file.plainname, "A key"));
    assert_string_equal(fixture->stored.path, fixture->path);
}

static void save__exists__refused_and_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(save(fixture, "simple", "a"));
    assert_status(save(fixture, "simple", "a"), KQ_ERR_EXISTS);
    assert_ok(read_key(fixture, "simple", "a"));
}

static void read__renamed_file__mismatch(void **state)
{
    struct fixture *fixture = *state;
    char other[KQ_PATH_MAX];
    assert_ok(save(fixture, "simple", "a"));
    assert_ok(kq_key_path(&fixture->tool, "simple", "b", other));
    assert_int_equal(rename(fixture->path, other), 0);
    assert_status(read_key(fixture, "simple", "b"), KQ_ERR_MISMATCH);
}

static void read__missing_empty_or_oversized__each_refused(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[KQ_KEY_FILE_MAX + 1];
    assert_status(read_key(fixture, "simple", "a"), KQ_ERR_NOT_FOUND);
    assert_ok(kq_key_path(&fixture->tool, "simple", "a", fixture->path));
    assert_ok(kq_file_write(fixture->path, KQ_SLICE_EMPTY, 0600, KQ_FILE_NEW_ONLY));
    assert_status(read_key(fixture, "simple", "a"), KQ_ERR_FORMAT);
    assert_ok(kq_file_write(fixture->path, kq_slice_of(large, sizeof large), 0600, KQ_FILE_REPLACE));
    assert_status(read_key(fixture, "simple", "a"), KQ_ERR_TOO_LARGE);
}

static void read__truncated_anywhere__format(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_buffer) whole = {0};
    assert_ok(save(fixture, "simple", "a"));
    assert_ok(kq_file_read(fixture->path, KQ_KEY_FILE_MAX, &whole));
    for (size_t len = 0; len < whole.len; len += 7) {
        assert_ok(kq_file_write(fixture->path, kq_slice_of(whole.data, len), 0600, KQ_FILE_REPLACE));
        assert_status(read_key(fixture, "simple", "a"), KQ_ERR_FORMAT);
    }
}

static void list__patterns_and_foreign_files__sorted(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_key_names) names = {.num = 0};
    char world[KQ_PATH_MAX];
    assert_ok(save(fixture, "simple", "b"));
    assert_ok(save(fixture, "simple", "a-1"));
    assert_ok(save(fixture, "xferacld", "a-1"));
    assert_ok(kq_path_join(fixture->tool.local, "world", world));
    assert_ok(kq_file_write(world, kq_slice_text("x"), 0600, KQ_FILE_NEW_ONLY));
    assert_ok(kq_key_list(&fixture->tool, NULL, NULL, &names));
    unlink(world);
    assert_int_equal(names.num, 3);
    assert_string_equal(names.names[0].ident, "a-1");
    assert_string_equal(names.names[2].application, "xferacld");
    kq_key_names_clear(&names);
    assert_ok(kq_key_list(&fixture->tool, "simple", "a*", &names));
    assert_int_equal(names.num, 1);
}

static void place__encoded__names_world_application_and_ident(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {.max = KQ_PLACE_MAX};
    struct kq_place place;
    assert_ok(kq_key_place(kq_slice_of(fill, 32), kq_slice_text("simple"), kq_slice_text("a"), &bytes));
    assert_ok(kq_place_get(kq_buffer_slice(&bytes), &place, NULL));
    assert_int_equal(place.kind, KQ_PLACE_OWNER);
    assert_true(kq_slice_is_text(place.ident, "a"));
    assert_int_equal(place.vault.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(name_check__capitals__lowered), TEST(name_check__other_characters__usage),
          TEST(name_check__eighty_characters_together__limit), TEST(save_and_read__round_trip),
          TEST(save__exists__refused_and_kept), TEST(read__renamed_file__mismatch),
          TEST(read__missing_empty_or_oversized__each_refused), TEST(read__truncated_anywhere__format),
          TEST(list__patterns_and_foreign_files__sorted),
          cmocka_unit_test(place__encoded__names_world_application_and_ident))
