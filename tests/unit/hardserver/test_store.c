#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "hardserver/store.h"

static char folder[64];
static struct kq_store store;

static int make(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/kq-store-XXXXXX", sizeof "/tmp/kq-store-XXXXXX");
    return mkdtemp(folder) != NULL && chdir(folder) == 0 && kq_store_open(&store) == KQ_OK ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    kq_store_clear(&store);
    unlink("state");
    unlink("audit.log");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void assert_file(const char *name, const char *content)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    assert_ok(kq_file_read(name, 1 << 20, &bytes));
    assert_slice_equal(kq_buffer_slice(&bytes), kq_slice_text(content));
}

static void persist__state_and_log__both_written(void **state)
{
    (void)state;
    assert_ok(kq_store_persist(&store, kq_slice_text("one"), 0, kq_slice_text("aaa")));
    assert_ok(kq_store_persist(&store, kq_slice_text("two"), 3, kq_slice_text("bb")));
    assert_file("state", "two");
    assert_file("audit.log", "aaabb");
    assert_false(kq_file_exists("state.tmp"));
    struct stat facts;
    assert_int_equal(stat("state", &facts), 0);
    assert_int_equal(facts.st_mode & 0027, 0); /* the module's group reads, nobody else */
}

static void persist__log_only__state_untouched(void **state)
{
    (void)state;
    assert_ok(kq_store_persist(&store, kq_slice_text("one"), 0, kq_slice_text("aaa")));
    assert_ok(kq_store_persist(&store, KQ_SLICE_EMPTY, 3, kq_slice_text("c")));
    assert_file("state", "one");
    assert_file("audit.log", "aaac");
}

static void persist__same_offset_again__written_once(void **state)
{
    (void)state;
    assert_ok(kq_store_persist(&store, KQ_SLICE_EMPTY, 0, kq_slice_text("aaa")));
    assert_ok(kq_store_persist(&store, KQ_SLICE_EMPTY, 3, kq_slice_text("torn tail")));
    assert_ok(kq_store_persist(&store, KQ_SLICE_EMPTY, 3, kq_slice_text("b")));
    assert_file("audit.log", "aaab");
}

static int limit_size(rlim_t len)
{
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &(struct rlimit){len, RLIM_INFINITY});
}

static void persist__no_room_for_the_state__nothing_changed(void **state)
{
    (void)state;
    static char large[256 * 1024];
    assert_ok(kq_store_persist(&store, kq_slice_text("one"), 0, kq_slice_text("aaa")));
    assert_int_equal(limit_size(128 * 1024), 0);
    kq_status status = kq_store_persist(&store, kq_slice_of(large, sizeof large), 3, kq_slice_text("b"));
    assert_int_equal(limit_size(RLIM_INFINITY), 0);
    assert_status(status, KQ_ERR_IO);
    assert_file("state", "one");
    assert_file("audit.log", "aaa");
    assert_false(kq_file_exists("state.tmp"));
    assert_ok(kq_store_persist(&store, kq_slice_text("two"), 3, kq_slice_text("b"))); /* and goes on */
    assert_file("state", "two");
}

/* From now on the log cannot be written, which is noticed only when its turn comes, on every file system. */
static void make_log_fail(void)
{
    int fd = open("audit.log", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    close(store.log_fd);
    store.log_fd = fd;
}

static void persist__log_fails_alone__nothing_changed(void **state)
{
    (void)state;
    assert_ok(kq_store_persist(&store, kq_slice_text("one"), 0, kq_slice_text("aaa")));
    make_log_fail();
    assert_status(kq_store_persist(&store, KQ_SLICE_EMPTY, 3, kq_slice_text("b")), KQ_ERR_IO);
    assert_file("audit.log", "aaa");
}

static void persist__log_fails_behind_the_state__must_stop(void **state)
{
    (void)state;
    assert_ok(kq_store_persist(&store, kq_slice_text("one"), 0, kq_slice_text("aaa")));
    make_log_fail();
    /* half of it is there: only a new start can tell */
    assert_status(kq_store_persist(&store, kq_slice_text("two"), 3, kq_slice_text("b")), KQ_ERR_INTERNAL);
    assert_file("state", "two");
    assert_file("audit.log", "aaa");
}

static void open__existing_log__kept(void **state)
{
    (void)state;
    assert_ok(kq_store_persist(&store, KQ_SLICE_EMPTY, 0, kq_slice_text("aaa")));
    kq_store_clear(&store);
    assert_ok(kq_store_open(&store));
    assert_ok(kq_store_persist(&store, KQ_SLICE_EMPTY, 3, kq_slice_text("b")));
    assert_file("audit.log", "aaab");
}

static void open__log_is_a_link__refused(void **state)
{
    (void)state;
    kq_store_clear(&store);
    unlink("audit.log");
    assert_int_equal(symlink("/dev/null", "audit.log"), 0);
    assert_status(kq_store_open(&store), KQ_ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
UNIT_MAIN(TEST(persist__state_and_log__both_written), TEST(persist__log_only__state_untouched),
          TEST(persist__same_offset_again__written_once), TEST(persist__no_room_for_the_state__nothing_changed),
          TEST(persist__log_fails_alone__nothing_changed), TEST(persist__log_fails_behind_the_state__must_stop),
          TEST(open__existing_log__kept), TEST(open__log_is_a_link__refused))
