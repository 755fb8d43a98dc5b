#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "module/service/folder.h"

static char folder[64];
static char why[HSM_WHY_LEN];

static struct hsm_folder_owners owners(void)
{
    return (struct hsm_folder_owners){
        .module = geteuid(), .module_group = getegid(), .hardserver = geteuid(), .administrator = 1000};
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/kq-folder-XXXXXX");
    struct hsm_folder_owners all = owners();
    return mkdtemp(folder) != NULL && mkdir(path_of("hsm"), 0700) == 0 && hsm_folder_prepare(folder, &all, why) == KQ_OK
               ? 0
               : -1;
}

static int clear(void **state)
{
    (void)state;
    static const char *const names[] = {"hsm/device-key", "hsm/state", "hsm/state.new", "hsm/audit.log", "hsm/kept"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    rmdir(path_of("hsm"));
    return rmdir(folder);
}

static void assert_refused(kq_status expected, const char *names)
{
    KQ_AUTO_VALUE(hsm_opened) opened = {0};
    assert_status(hsm_folder_open(folder, &opened, why), expected);
    assert_non_null(strstr(why, names));
}

static void prepare__new_folder__opens_with_its_administrator(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(hsm_opened) opened = {0};
    struct stat facts;
    assert_ok(hsm_folder_open(folder, &opened, why));
    assert_int_equal(opened.state->peers[0].uid, 1000);
    assert_true(opened.is_one_user);
    assert_int_equal(stat(path_of("hsm/device-key"), &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0400);
    assert_false(kq_file_exists(path_of("hsm/state.new")));
}

static void prepare__again__changes_nothing(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) before = {0};
    KQ_AUTO_VALUE(kq_buffer) after = {0};
    assert_ok(kq_file_read(path_of("hsm/state"), 1 << 20, &before));
    struct hsm_folder_owners all = owners();
    assert_ok(hsm_folder_prepare(folder, &all, why));
    assert_ok(kq_file_read(path_of("hsm/state"), 1 << 20, &after));
    assert_slice_equal(kq_buffer_slice(&before), kq_buffer_slice(&after));
}

static void prepare__one_of_the_two_missing__refused_and_nothing_made(void **state)
{
    (void)state;
    struct hsm_folder_owners all = owners();
    char kept[128];
    snprintf(kept, sizeof kept, "%s", path_of("hsm/kept"));
    assert_int_equal(rename(path_of("hsm/state"), kept), 0);
    assert_status(hsm_folder_prepare(folder, &all, why), KQ_ERR_STATE);
    assert_non_null(strstr(why, "hsm/state"));
    assert_false(kq_file_exists(path_of("hsm/state")));
    assert_int_equal(rename(kept, path_of("hsm/state")), 0);
    assert_int_equal(rename(path_of("hsm/device-key"), kept), 0);
    assert_status(hsm_folder_prepare(folder, &all, why), KQ_ERR_STATE);
    assert_non_null(strstr(why, "hsm/device-key"));
    assert_false(kq_file_exists(path_of("hsm/device-key")));
}

static void prepare__interrupted_before_the_state_was_in_place__finished(void **state)
{
    (void)state;
    struct hsm_folder_owners all = owners();
    char new_state[128];
    snprintf(new_state, sizeof new_state, "%s", path_of("hsm/state.new"));
    assert_int_equal(rename(path_of("hsm/state"), new_state), 0);
    assert_ok(hsm_folder_prepare(folder, &all, why));
    KQ_AUTO_VALUE(hsm_opened) opened = {0};
    assert_ok(hsm_folder_open(folder, &opened, why));
}

static void prepare__interrupted_before_the_key_was_made__begun_anew(void **state)
{
    (void)state;
    struct hsm_folder_owners all = owners();
    char new_state[128];
    snprintf(new_state, sizeof new_state, "%s", path_of("hsm/state.new"));
    assert_int_equal(rename(path_of("hsm/state"), new_state), 0);
    assert_int_equal(unlink(path_of("hsm/device-key")), 0);
    assert_ok(hsm_folder_prepare(folder, &all, why));
    KQ_AUTO_VALUE(hsm_opened) opened = {0};
    assert_ok(hsm_folder_open(folder, &opened, why));
}

static void open__device_key_readable_by_others__refused_with_the_remedy(void **state)
{
    (void)state;
    static const mode_t modes[] = {0440, 0404, 0600, 0640, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path_of("hsm/device-key"), modes[i]), 0);
        assert_refused(KQ_ERR_DENIED, "chmod 0400");
    }
}

static void open__device_key_of_another_user__refused_with_the_remedy(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give it away */
    assert_int_equal(chown(path_of("hsm/device-key"), 12345, (gid_t)-1), 0);
    assert_refused(KQ_ERR_DENIED, "chown");
}

static void open__device_key_is_a_link__refused(void **state)
{
    (void)state;
    char kept[128];
    snprintf(kept, sizeof kept, "%s", path_of("hsm/kept"));
    assert_int_equal(rename(path_of("hsm/device-key"), kept), 0);
    assert_int_equal(symlink(kept, path_of("hsm/device-key")), 0);
    assert_refused(KQ_ERR_DENIED, "hsm/device-key");
}

static void damage(const char *name, size_t at, int keep_len)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(path_of(name), 1 << 20, &bytes));
    mode_t mode = strstr(name, "key") != NULL ? 0400 : 0600;
    if (keep_len >= 0)
        bytes.len = (size_t)keep_len;
    else
        bytes.data[at] ^= 1;
    assert_ok(kq_file_write(path_of(name), kq_buffer_slice(&bytes), mode, KQ_FILE_REPLACE));
}

static void open__damaged_files__refused_by_name(void **state)
{
    (void)state;
    damage("hsm/device-key", 30, -1); /* within the key itself */
    assert_refused(KQ_ERR_AUTH, "hsm/state");
    damage("hsm/device-key", 30, -1);
    damage("hsm/device-key", 3, -1);
    assert_refused(KQ_ERR_FORMAT, "hsm/device-key");
    damage("hsm/device-key", 3, -1);
    damage("hsm/device-key", 0, 10);
    assert_refused(KQ_ERR_FORMAT, "hsm/device-key");
    damage("hsm/device-key", 0, 0);
    assert_refused(KQ_ERR_FORMAT, "hsm/device-key");
}

static void open__damaged_state__refused_by_name(void **state)
{
    (void)state;
    damage("hsm/state", 200, -1);
    assert_refused(KQ_ERR_AUTH, "hsm/state");
    damage("hsm/state", 0, 50);
    assert_refused(KQ_ERR_FORMAT, "hsm/state");
    damage("hsm/state", 0, 0);
    assert_refused(KQ_ERR_FORMAT, "hsm/state");
    unlink(path_of("hsm/state"));
    assert_refused(KQ_ERR_NOT_FOUND, "hsm/state");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
UNIT_MAIN(TEST(prepare__new_folder__opens_with_its_administrator), TEST(prepare__again__changes_nothing),
          TEST(prepare__one_of_the_two_missing__refused_and_nothing_made),
          TEST(prepare__interrupted_before_the_state_was_in_place__finished),
          TEST(prepare__interrupted_before_the_key_was_made__begun_anew),
          TEST(open__device_key_readable_by_others__refused_with_the_remedy),
          TEST(open__device_key_of_another_user__refused_with_the_remedy), TEST(open__device_key_is_a_link__refused),
          TEST(open__damaged_files__refused_by_name), TEST(open__damaged_state__refused_by_name))
