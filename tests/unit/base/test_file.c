#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

/* A fresh folder per test, removed afterwards. */
struct place {
    char folder[64];
    char file[KQ_PATH_MAX];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    memcpy(place->folder, "/tmp/keyquay-test-XXXXXX", 25);
    if (place == NULL || mkdtemp(place->folder) == NULL)
        return -1;
    *state = place;
    return kq_path_join(place->folder, "file", place->file) == KQ_OK ? 0 : -1;
}

static size_t count_entries(const char *folder)
{
    DIR *open_folder = opendir(folder);
    size_t num = 0;
    for (struct dirent *entry; open_folder != NULL && (entry = readdir(open_folder)) != NULL;)
        num += entry->d_name[0] != '.';
    closedir(open_folder);
    return num;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
    int outcome = system(command); /* lint: allow system */
    free(place);
    return outcome;
}

static void file_read__what_was_written__same_bytes(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, kq_slice_text("hello"), 0640, KQ_FILE_NEW_ONLY));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(place->file, 5, &bytes));
    assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_text("hello"));
    struct stat facts;
    assert_int_equal(stat(place->file, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0640);
    assert_int_equal(count_entries(place->folder), 1);
}

static void file_read__one_byte_over_maximum__too_large(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, kq_slice_text("hello"), 0600, KQ_FILE_NEW_ONLY));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_status(kq_file_read(place->file, 4, &bytes), KQ_ERR_TOO_LARGE);
    assert_int_equal(bytes.len, 0);
}

static void file_read__empty_file__empty(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, KQ_SLICE_EMPTY, 0600, KQ_FILE_NEW_ONLY));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(place->file, 100, &bytes));
    assert_int_equal(bytes.len, 0);
}

static void file_read__larger_than_one_read__whole(void **state)
{
    struct place *place = *state;
    static uint8_t large[200001];
    memset(large, 'k', sizeof large);
    assert_ok(kq_file_write(place->file, kq_slice_of(large, sizeof large), 0600, KQ_FILE_NEW_ONLY));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(place->file, sizeof large, &bytes));
    assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_of(large, sizeof large));
}

static void file_read__missing_or_below_a_file__not_found(void **state)
{
    struct place *place = *state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_status(kq_file_read(place->file, 100, &bytes), KQ_ERR_NOT_FOUND);
    assert_ok(kq_file_write(place->file, kq_slice_text("x"), 0600, KQ_FILE_NEW_ONLY));
    char below[KQ_PATH_MAX];
    assert_ok(kq_path_join(place->file, "below", below));
    assert_status(kq_file_read(below, 100, &bytes), KQ_ERR_NOT_FOUND);
}

static void file_read__folder_device_or_pipe__format(void **state)
{
    struct place *place = *state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_status(kq_file_read(place->folder, 100, &bytes), KQ_ERR_FORMAT);
    assert_status(kq_file_read("/dev/zero", 100, &bytes), KQ_ERR_FORMAT);
    assert_int_equal(mkfifo(place->file, 0600), 0);
    assert_status(kq_file_read(place->file, 100, &bytes), KQ_ERR_FORMAT); /* and does not wait */
}

static void file_read__grows_while_read__too_large(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    /* A file of /proc says it has no bytes and then has some. */
    assert_status(kq_file_read("/proc/self/maps", 10, &bytes), KQ_ERR_TOO_LARGE);
    assert_int_equal(bytes.len, 0);
}

static void file_write__new_only_over_existing__refused_and_kept(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, kq_slice_text("first"), 0600, KQ_FILE_NEW_ONLY));
    assert_status(kq_file_write(place->file, kq_slice_text("second"), 0600, KQ_FILE_NEW_ONLY), KQ_ERR_EXISTS);
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(place->file, 100, &bytes));
    assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_text("first"));
    assert_int_equal(count_entries(place->folder), 1);
}

static void file_write__replace__new_bytes_and_mode(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, kq_slice_text("first"), 0644, KQ_FILE_NEW_ONLY));
    assert_ok(kq_file_write(place->file, kq_slice_text("second"), 0400, KQ_FILE_REPLACE));
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(place->file, 100, &bytes));
    assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_text("second"));
    struct stat facts;
    assert_int_equal(stat(place->file, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0400);
    assert_int_equal(count_entries(place->folder), 1);
}

static void file_write__folder_missing__io_and_nothing_left(void **state)
{
    struct place *place = *state;
    char path[KQ_PATH_MAX];
    assert_ok(kq_path_join(place->folder, "no/such/file", path));
    assert_status(kq_file_write(path, kq_slice_text("x"), 0600, KQ_FILE_NEW_ONLY), KQ_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(count_entries(place->folder), 0);
}

static void file_write__disk_full__io_nothing_left_and_old_kept(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, kq_slice_text("old"), 0600, KQ_FILE_NEW_ONLY));
    static uint8_t large[100000];
    struct rlimit before, small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, former;
    sigaction(SIGXFSZ, &ignore, &former);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    kq_status status = kq_file_write(place->file, kq_slice_of(large, sizeof large), 0600, KQ_FILE_REPLACE);
    int why = errno;
    setrlimit(RLIMIT_FSIZE, &before);
    sigaction(SIGXFSZ, &former, NULL);
    assert_status(status, KQ_ERR_IO);
    assert_int_equal(why, EFBIG);
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(place->file, 100, &bytes));
    assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_text("old"));
    assert_int_equal(count_entries(place->folder), 1);
}

static void file_write__over_a_folder__io_and_nothing_left(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdir(place->file, 0700), 0);
    assert_status(kq_file_write(place->file, kq_slice_text("x"), 0600, KQ_FILE_REPLACE), KQ_ERR_IO);
    assert_int_equal(count_entries(place->folder), 1);
}

static void folder_make__missing_parents__made_private(void **state)
{
    struct place *place = *state;
    char path[KQ_PATH_MAX];
    assert_ok(kq_path_join(place->folder, "a/b/c", path));
    assert_ok(kq_folder_make(path));
    assert_ok(kq_folder_make(path));
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_true(S_ISDIR(facts.st_mode));
    assert_int_equal(facts.st_mode & 077, 0);
}

static void folder_make__file_in_the_way__io(void **state)
{
    struct place *place = *state;
    assert_ok(kq_file_write(place->file, kq_slice_text("x"), 0600, KQ_FILE_NEW_ONLY));
    char path[KQ_PATH_MAX];
    assert_ok(kq_path_join(place->file, "below", path));
    assert_status(kq_folder_make(path), KQ_ERR_IO);
    assert_status(kq_folder_make(place->file), KQ_ERR_IO);
    assert_status(kq_folder_make(""), KQ_ERR_TOO_LARGE);
}

static void file_exists__file_link_and_nothing__told_apart(void **state)
{
    struct place *place = *state;
    assert_false(kq_file_exists(place->file));
    assert_int_equal(symlink("/nowhere/at/all", place->file), 0);
    assert_true(kq_file_exists(place->file));
}

static void file_lock__held__second_waits_until_closed(void **state)
{
    struct place *place = *state;
    int first = -1;
    int second = -1;
    assert_ok(kq_file_lock(place->file, &first));
    assert_status(kq_file_lock(place->file, &second), KQ_ERR_WAIT);
    assert_int_equal(second, -1);
    close(first);
    assert_ok(kq_file_lock(place->file, &second));
    close(second);
}

static void file_lock__link_to_another_file__refused(void **state)
{
    struct place *place = *state;
    char other[KQ_PATH_MAX];
    int lock = -1;
    assert_ok(kq_path_join(place->folder, "other", other));
    assert_ok(kq_file_write(other, kq_slice_text("theirs"), 0600, KQ_FILE_NEW_ONLY));
    assert_int_equal(symlink(other, place->file), 0);
    assert_status(kq_file_lock(place->file, &lock), KQ_ERR_IO);
    assert_int_equal(unlink(place->file), 0);
    assert_int_equal(link(other, place->file), 0);
    assert_status(kq_file_lock(place->file, &lock), KQ_ERR_IO);
    assert_int_equal(lock, -1);
    unlink(other);
}

static void path_join__exact_maximum_and_one_more__bounded(void **state)
{
    (void)state;
    char name[KQ_PATH_MAX + 1];
    char out[KQ_PATH_MAX];
    memset(name, 'n', sizeof name);
    name[KQ_PATH_MAX - 3] = '\0'; /* "f" and "/" and NUL make up the rest */
    assert_ok(kq_path_join("f", name, out));
    assert_int_equal(strlen(out), KQ_PATH_MAX - 1);
    name[KQ_PATH_MAX - 3] = 'n';
    name[KQ_PATH_MAX - 2] = '\0';
    assert_status(kq_path_join("f", name, out), KQ_ERR_TOO_LARGE);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

UNIT_MAIN(
    WITH_FOLDER(file_read__what_was_written__same_bytes), WITH_FOLDER(file_read__one_byte_over_maximum__too_large),
    WITH_FOLDER(file_read__empty_file__empty), WITH_FOLDER(file_read__larger_than_one_read__whole),
    WITH_FOLDER(file_read__missing_or_below_a_file__not_found), WITH_FOLDER(file_read__folder_device_or_pipe__format),
    cmocka_unit_test(file_read__grows_while_read__too_large),
    WITH_FOLDER(file_write__new_only_over_existing__refused_and_kept),
    WITH_FOLDER(file_write__replace__new_bytes_and_mode), WITH_FOLDER(file_write__folder_missing__io_and_nothing_left),
    WITH_FOLDER(file_write__disk_full__io_nothing_left_and_old_kept),
    WITH_FOLDER(file_write__over_a_folder__io_and_nothing_left),
    WITH_FOLDER(folder_make__missing_parents__made_private), WITH_FOLDER(folder_make__file_in_the_way__io),
    WITH_FOLDER(file_exists__file_link_and_nothing__told_apart),
    WITH_FOLDER(file_lock__held__second_waits_until_closed), WITH_FOLDER(file_lock__link_to_another_file__refused),
    cmocka_unit_test(path_join__exact_maximum_and_one_more__bounded))
