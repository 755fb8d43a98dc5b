#include <stdio.h>
#include <unistd.h>

#include "harness/command.h"
#include "tools/region/store.h"
#include "unit.h"

struct place {
    char data[COMMAND_PATH_SIZE];
    struct kq_region_folder folder;
};

static int set_up(void **state)
{
    static struct place place;
    command_folder_make(place.data);
    assert_ok(kq_region_folder_init(&place.folder, place.data, &kq_regions[0]));
    assert_ok(kq_folder_make(place.folder.path));
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    command_folder_remove(place->data);
    return 0;
}

static struct kq_exchange_file exchange_of(uint64_t generation)
{
    return (struct kq_exchange_file){
        .region = kq_slice_text("NA-1"),
        .generation = generation,
        .not_after = 2000000000,
        .blob = kq_slice_text("blob"),
        .place = kq_slice_text("place"),
        .public_key = kq_slice_text("public"),
        .certificate = kq_slice_text("certificate"),
    };
}

static kq_status put_exchange(const struct place *place, uint64_t generation)
{
    const struct kq_exchange_file file = exchange_of(generation);
    return kq_region_put_exchange(&place->folder, &file, kq_slice_text("kek package"), kq_slice_text("world package"));
}

static const struct kq_vault_key_name name = {"00112233-4455-6677-8899-aabbccddeeff", "vault", "key"};

static kq_status put_key(const struct place *place, const char *version, uint64_t created)
{
    const struct kq_vault_key_file key = {
        .created = created,
        .key_type = KQ_KEY_RSA,
        .bits = 2048,
        .origin = KQ_ORIGIN_TRANSFERRED_ATTESTED,
        .blob = kq_slice_text("blob"),
        .place = kq_slice_text("place"),
        .public_key = kq_slice_text("public"),
    };
    char path[KQ_PATH_MAX];
    return kq_region_put_key(&place->folder, &name, version, &key, kq_slice_text("receipt"), path);
}

/* Where version ff..ff of the key lies, with a suffix. */
static void version_path(const struct place *place, const char *suffix, char out[KQ_PATH_MAX])
{
    int len = snprintf(out, KQ_PATH_MAX, "%s/vault/%s/vault/key/ffffffffffffffffffffffffffffffff%s", place->folder.path,
                       name.subscription, suffix);
    assert_in_range(len, 1, KQ_PATH_MAX - 1);
}

static void region_put_exchange__new_generation__is_the_newest(void **state)
{
    const struct place *place = *state;
    assert_int_equal(kq_region_newest_generation(&place->folder), 0);
    assert_ok(put_exchange(place, 1));
    assert_ok(put_exchange(place, 10));
    assert_ok(put_exchange(place, 2));
    assert_int_equal(kq_region_newest_generation(&place->folder), 10);
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_exchange_file file;
    assert_ok(kq_region_get_exchange(&place->folder, 2, &bytes, &file));
    assert_slice_equal(file.blob, kq_slice_text("blob"));
    assert_int_equal(file.generation, 2);
}

static void region_put_exchange__existing_generation__is_refused(void **state)
{
    const struct place *place = *state;
    assert_ok(put_exchange(place, 1));
    assert_status(put_exchange(place, 1), KQ_ERR_EXISTS);
}

static void region_newest_generation__package_without_key__does_not_count(void **state)
{
    const struct place *place = *state;
    assert_ok(put_exchange(place, 1));
    char path[KQ_PATH_MAX];
    assert_ok(kq_region_file_path(&place->folder, KQ_REGION_KEK_PACKAGE, 2, path));
    assert_non_null(strstr(path, "/packages/BYOK-KEK-pkg-NA-2"));
    assert_ok(kq_file_write(path, kq_slice_text("x"), 0644, KQ_FILE_NEW_ONLY));
    assert_int_equal(kq_region_newest_generation(&place->folder), 1);
}

static void region_get_exchange__damaged__is_a_format_error(void **state)
{
    const struct place *place = *state;
    assert_ok(put_exchange(place, 1));
    char path[KQ_PATH_MAX];
    assert_ok(kq_region_file_path(&place->folder, KQ_REGION_EXCHANGE, 1, path));
    assert_int_equal(truncate(path, 20), 0);
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_exchange_file file;
    assert_status(kq_region_get_exchange(&place->folder, 1, &bytes, &file), KQ_ERR_FORMAT);
}

static void region_get_key__several_versions__newest_by_time(void **state)
{
    const struct place *place = *state;
    assert_ok(put_key(place, "ffffffffffffffffffffffffffffffff", 100));
    assert_ok(put_key(place, "00000000000000000000000000000000", 300));
    assert_ok(put_key(place, "55555555555555555555555555555555", 200));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_vault_key_file key;
    char version[KQ_KEY_VERSION_LEN + 1];
    assert_ok(kq_region_get_key(&place->folder, &name, NULL, &bytes, &key, version));
    assert_string_equal(version, "00000000000000000000000000000000");
    kq_buffer_clear(&bytes);
    assert_ok(kq_region_get_key(&place->folder, &name, "ffffffffffffffffffffffffffffffff", &bytes, &key, version));
    assert_int_equal(key.created, 100);
}

static void region_get_key__no_such_version__is_not_found(void **state)
{
    const struct place *place = *state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_vault_key_file key;
    char version[KQ_KEY_VERSION_LEN + 1];
    assert_status(kq_region_get_key(&place->folder, &name, NULL, &bytes, &key, version), KQ_ERR_NOT_FOUND);
    assert_ok(put_key(place, "ffffffffffffffffffffffffffffffff", 100));
    assert_status(kq_region_get_key(&place->folder, &name, "../../../../exchange", &bytes, &key, version),
                  KQ_ERR_NOT_FOUND);
    assert_status(kq_region_get_key(&place->folder, &name, "00000000000000000000000000000000", &bytes, &key, version),
                  KQ_ERR_NOT_FOUND);
}

static void region_put_key__existing_version__is_refused_and_leaves_nothing(void **state)
{
    const struct place *place = *state;
    assert_ok(put_key(place, "ffffffffffffffffffffffffffffffff", 100));
    assert_status(put_key(place, "ffffffffffffffffffffffffffffffff", 200), KQ_ERR_EXISTS);
    char path[KQ_PATH_MAX];
    version_path(place, ".unfinished", path);
    assert_false(kq_file_exists(path));
}

static void region_get_key__unfinished_version__is_not_seen(void **state)
{
    const struct place *place = *state;
    assert_ok(put_key(place, "ffffffffffffffffffffffffffffffff", 100));
    char from[KQ_PATH_MAX], to[KQ_PATH_MAX];
    version_path(place, "", from);
    version_path(place, ".unfinished", to);
    assert_int_equal(rename(from, to), 0);
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_vault_key_file key;
    char version[KQ_KEY_VERSION_LEN + 1];
    assert_status(kq_region_get_key(&place->folder, &name, NULL, &bytes, &key, version), KQ_ERR_NOT_FOUND);
}

static void vault_key_name_check__names_that_are_paths__are_refused(void **state)
{
    (void)state;
    static const struct kq_vault_key_name bad[] = {
        {"../../../../etc/passwd/xxxxxxxxxxxxxx", "vault", "key"},
        {"00112233-4455-6677-8899-aabbccddeef", "vault", "key"},
        {"00112233-4455-6677-8899-aabbccddeeff", "..", "key"},
        {"00112233-4455-6677-8899-aabbccddeeff", "a/b", "key"},
        {"00112233-4455-6677-8899-aabbccddeeff", "ab", "key"},
        {"00112233-4455-6677-8899-aabbccddeeff", "vault", ""},
        {"00112233-4455-6677-8899-aabbccddeeff", "vault", "../key"},
        {"00112233-4455-6677-8899-aabbccddeeff", "abcdefghijklmnopqrstuvwxy", "key"},
    };
    char why[256];
    for (size_t i = 0; i < 8; i++)
        assert_status(kq_vault_key_name_check(&bad[i], why, sizeof why), KQ_ERR_ARGUMENT);
    assert_ok(kq_vault_key_name_check(&name, why, sizeof why));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
UNIT_MAIN(TEST(region_put_exchange__new_generation__is_the_newest),
          TEST(region_put_exchange__existing_generation__is_refused),
          TEST(region_newest_generation__package_without_key__does_not_count),
          TEST(region_get_exchange__damaged__is_a_format_error), TEST(region_get_key__several_versions__newest_by_time),
          TEST(region_get_key__no_such_version__is_not_found),
          TEST(region_put_key__existing_version__is_refused_and_leaves_nothing),
          TEST(region_get_key__unfinished_version__is_not_seen),
          TEST(vault_key_name_check__names_that_are_paths__are_refused))
