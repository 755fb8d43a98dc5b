#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"
#include "vault/store/sqlite/database.h"

/* ---- many threads ---- */

#define WRITERS 6
#define READERS 3
#define KEYS_EACH 40

struct thread_job {
    struct fixture *fixture;
    uint64_t vault_id;
    unsigned number;
    atomic_bool *is_over;
    bool is_good;
};

static kq_status put(struct fixture *fixture, uint64_t vault_id, const char *name, unsigned number)
{
    struct vault_key key = {.vault_id = vault_id};
    snprintf(key.name, sizeof key.name, "%s", name);
    KQ_AUTO_VALUE(vault_key_version) version = fixture_version(number);
    return vault_store_put_key_version(fixture->store, &key, &version);
}

/* What a thread was told is stored, it finds at once; a refusal in between does no harm to the others. */
static void *write_keys(void *context)
{
    struct thread_job *job = context;
    job->is_good = true;
    for (unsigned i = 0; i < KEYS_EACH && job->is_good; i++) {
        char name[32];
        snprintf(name, sizeof name, "key-%u-%u", job->number, i);
        KQ_AUTO_VALUE(vault_key) found = {0};
        job->is_good = put(job->fixture, job->vault_id, name, 1) == KQ_OK &&
                       put(job->fixture, job->vault_id, name, 1) == KQ_ERR_EXISTS &&
                       put(job->fixture, job->vault_id, "common", job->number * 1000 + i) == KQ_OK &&
                       vault_store_get_key(job->fixture->store, job->vault_id, name, &found) == KQ_OK;
    }
    return NULL;
}

static bool check_order(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    char *last = context;
    bool is_rising = strcasecmp(last, key->name) < 0 && newest->key_id == key->id;
    memcpy(last, key->name, 128);
    return is_rising;
}

static void *read_keys(void *context)
{
    struct thread_job *job = context;
    job->is_good = true;
    while (job->is_good && !atomic_load(job->is_over)) {
        char last[128] = "";
        struct vault_page page = {.max = VAULT_PAGE_MAX};
        job->is_good = vault_store_list_keys(job->fixture->store, job->vault_id, VAULT_LIST_ACTIVE, &page, check_order,
                                             last) == KQ_OK &&
                       page.next[0] == '\0';
    }
    return NULL;
}

static bool count_key(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    (void)key;
    (void)newest;
    (*(size_t *)context)++;
    return true;
}

static bool count_version(void *context, const struct vault_key_version *version)
{
    (void)version;
    (*(size_t *)context)++;
    return true;
}

static void check_numbers(struct fixture *fixture, uint64_t vault_id)
{
    size_t num_keys = 0, num_versions = 0;
    struct vault_page page = {.max = VAULT_PAGE_MAX};
    assert_ok(vault_store_list_keys(fixture->store, vault_id, VAULT_LIST_BOTH, &page, count_key, &num_keys));
    assert_int_equal(num_keys, WRITERS * KEYS_EACH + 1);
    KQ_AUTO_VALUE(vault_key) common = {0};
    assert_ok(vault_store_get_key(fixture->store, vault_id, "common", &common));
    page = (struct vault_page){.max = VAULT_PAGE_MAX};
    assert_ok(vault_store_list_versions(fixture->store, common.id, &page, count_version, &num_versions));
    assert_int_equal(num_versions, WRITERS * KEYS_EACH);
}

static void vault_store__many_threads__everything_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    uint64_t before = vault_store_changes(fixture.store);
    atomic_bool is_over = false;
    struct thread_job jobs[WRITERS + READERS];
    pthread_t threads[WRITERS + READERS];
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        jobs[i] = (struct thread_job){&fixture, vault_id, i, &is_over, false};
        assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_keys : read_keys, &jobs[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        if (i == WRITERS)
            atomic_store(&is_over, true);
        pthread_join(threads[i], NULL);
        assert_true(jobs[i].is_good);
    }
    assert_int_equal(vault_store_changes(fixture.store), before + 2 * WRITERS * KEYS_EACH);
    check_numbers(&fixture, vault_id);
    fixture_close(&fixture);
    assert_ok(fixture_open(&fixture, VAULT_STORE_USE));
    check_numbers(&fixture, vault_id);
    fixture_end(&fixture);
}

/* ---- killed at any moment ---- */

/* Puts keys and says the number of each that was acknowledged, until it is killed. */
static void put_until_killed(struct fixture *fixture, uint64_t vault_id, unsigned first, int out)
{
    fixture->store = NULL; /* the parent's */
    if (fixture_open(fixture, VAULT_STORE_USE) != KQ_OK)
        _exit(1);
    for (unsigned i = first;; i++) {
        char name[32];
        snprintf(name, sizeof name, "key-%u", i);
        if (put(fixture, vault_id, name, i) != KQ_OK || write(out, &i, sizeof i) != sizeof i)
            _exit(2);
    }
}

/* Reads numbers for some milliseconds, kills the child, reads what it still said. */
static unsigned kill_after(pid_t child, int in, unsigned ms, unsigned last)
{
    unsigned number;
    bool is_killed = false;
    assert_int_equal(read(in, &number, sizeof number), sizeof number); /* it has begun */
    do {
        last = number;
        if (!is_killed) {
            usleep(ms * 1000);
            assert_int_equal(kill(child, SIGKILL), 0);
            is_killed = true;
        }
    } while (read(in, &number, sizeof number) == sizeof number);
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    return last;
}

static void check_keys(struct fixture *fixture, uint64_t vault_id, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        char name[32];
        snprintf(name, sizeof name, "key-%u", i);
        KQ_AUTO_VALUE(vault_key) key = {0};
        KQ_AUTO_VALUE(vault_key_version) version = {0};
        assert_ok(vault_store_get_key(fixture->store, vault_id, name, &key));
        assert_ok(vault_store_get_key_version(fixture->store, key.id, NULL, &version));
        assert_int_equal(version.created, 1000 + i);
    }
}

static void vault_store__killed_while_writing__what_was_acknowledged_is_there(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    unsigned first = 0;
    for (unsigned round = 0; round < 12; round++) {
        fixture_close(&fixture);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            put_until_killed(&fixture, vault_id, first, ends[1]);
        close(ends[1]);
        unsigned last = kill_after(child, ends[0], 1 + 7 * round % 20, first);
        close(ends[0]);
        assert_ok(fixture_open(&fixture, VAULT_STORE_USE));
        check_keys(&fixture, vault_id, first, last);
        first = last + 2; /* the one behind may have been stored and not acknowledged */
    }
    fixture_end(&fixture);
}

/* ---- no room ---- */

/* Puts large keys until one is refused; returns how many were accepted. */
static unsigned fill(struct fixture *fixture, uint64_t vault_id, unsigned series, kq_status *out_status)
{
    for (unsigned i = 0; i < 10000; i++) {
        struct vault_key key = {.vault_id = vault_id};
        snprintf(key.name, sizeof key.name, "key-%u-%u", series, i);
        KQ_AUTO_VALUE(vault_key_version) version = fixture_version(i);
        kq_buffer_clear(&version.blob);
        kq_buffer_init(&version.blob, 50000);
        uint8_t *room;
        assert_ok(kq_buffer_reserve(&version.blob, 50000, &room));
        memset(room, 'b', 50000);
        version.blob.len = 50000;
        *out_status = vault_store_put_key_version(fixture->store, &key, &version);
        if (*out_status != KQ_OK)
            return i;
    }
    return 10000;
}

static bool is_whole(struct fixture *fixture, uint64_t vault_id, unsigned num)
{
    size_t found = 0;
    struct vault_page page = {.max = VAULT_PAGE_MAX};
    return vault_store_list_keys(fixture->store, vault_id, VAULT_LIST_BOTH, &page, count_key, &found) == KQ_OK &&
           found == num;
}

/* Fills what room there is; the exit code says which promise was broken. */
static int fill_child(struct fixture *fixture, uint64_t vault_id)
{
    fixture->store = NULL;
    if (fixture_open(fixture, VAULT_STORE_USE) != KQ_OK)
        return 2;
    kq_status status;
    uint64_t before = vault_store_changes(fixture->store);
    unsigned num = fill(fixture, vault_id, 0, &status);
    if (status != KQ_ERR_FULL)
        return 3;
    if (num == 0 || num == 10000 || vault_store_changes(fixture->store) != before + num)
        return 4;
    if (!is_whole(fixture, vault_id, num)) /* those that were accepted are there, reading works on a full disk */
        return 5;
    fixture_close(fixture);
    if (fixture_open(fixture, VAULT_STORE_USE) != KQ_OK || !is_whole(fixture, vault_id, num))
        return 6;
    fixture_close(fixture);
    return 0;
}

static void expect_exit_0(pid_t child)
{
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

static void vault_store__file_may_not_grow__full_and_nothing_changed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    fixture_close(&fixture);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {.rlim_cur = 2000000, .rlim_max = 2000000};
        signal(SIGXFSZ, SIG_IGN);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 1 : fill_child(&fixture, vault_id));
    }
    expect_exit_0(child);
    assert_ok(fixture_open(&fixture, VAULT_STORE_USE)); /* with room again it goes on */
    assert_ok(put(&fixture, vault_id, "after", 1));
    fixture_end(&fixture);
}

struct fill_job {
    struct fixture *fixture;
    uint64_t vault_id;
    unsigned series;
    unsigned num;
    kq_status status;
};

static void *fill_thread(void *context)
{
    struct fill_job *job = context;
    job->num = fill(job->fixture, job->vault_id, job->series, &job->status);
    return NULL;
}

/* Several threads run out of room in transactions that they share: each is told the truth about its own. */
static int fill_together_child(struct fixture *fixture, uint64_t vault_id)
{
    struct fill_job jobs[4];
    pthread_t threads[4];
    unsigned total = 0;
    fixture->store = NULL;
    if (fixture_open(fixture, VAULT_STORE_USE) != KQ_OK)
        return 2;
    for (unsigned i = 0; i < 4; i++) {
        jobs[i] = (struct fill_job){.fixture = fixture, .vault_id = vault_id, .series = i};
        if (pthread_create(&threads[i], NULL, fill_thread, &jobs[i]) != 0)
            return 3;
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        total += jobs[i].num;
        if (jobs[i].status != KQ_ERR_FULL)
            return 4;
    }
    if (total == 0 || !is_whole(fixture, vault_id, total))
        return 5;
    fixture_close(fixture);
    return fixture_open(fixture, VAULT_STORE_USE) == KQ_OK && is_whole(fixture, vault_id, total) ? 0 : 6;
}

static void vault_store__no_room_for_several_threads__each_is_told_the_truth(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        struct fixture fixture;
        fixture_start(&fixture);
        uint64_t vault_id = fixture_put_vault(&fixture, "vault");
        fixture_close(&fixture);
        pid_t child = fork();
        if (child == 0) {
            struct rlimit limit = {.rlim_cur = 2000000 + round * 10000, .rlim_max = 2000000 + round * 10000};
            signal(SIGXFSZ, SIG_IGN);
            _exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 1 : fill_together_child(&fixture, vault_id));
        }
        expect_exit_0(child);
        fixture_end(&fixture);
    }
}

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool is_written = fputs(text, file) >= 0;
    return fclose(file) == 0 && is_written;
}

/* A small disk of our own, where the system lets an ordinary user have one. */
static bool mount_small_disk(const char *folder)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    bool is_ours = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/setgroups", "deny") &&
                   write_text("/proc/self/uid_map", users) && write_text("/proc/self/gid_map", groups);
    return is_ours && mount("none", folder, "tmpfs", 0, "size=3m") == 0;
}

#define NO_SMALL_DISK 77

static int small_disk_child(struct fixture *fixture)
{
    if (!mount_small_disk(fixture->folder))
        return NO_SMALL_DISK;
    if (fixture_open(fixture, VAULT_STORE_CREATE) != KQ_OK)
        return 1;
    uint64_t vault_id = fixture_put_vault(fixture, "vault");
    fixture_close(fixture);
    return fill_child(fixture, vault_id);
}

static void vault_store__disk_full__full_and_nothing_changed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_folder(&fixture);
    pid_t child = fork();
    if (child == 0)
        _exit(small_disk_child(&fixture));
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    fixture_end(&fixture);
    if (WEXITSTATUS(how) == NO_SMALL_DISK)
        skip(); /* no namespaces here; the limit on the file's size above covers the same paths */
    assert_int_equal(WEXITSTATUS(how), 0);
}

/* SQLite waits for ten seconds before it says so. */
static void vault_sqlite_status__held_by_another_program__is_to_be_tried_again(void **state)
{
    (void)state;
    assert_status(vault_sqlite_status(NULL, SQLITE_BUSY), KQ_ERR_WAIT);
    assert_status(vault_sqlite_status(NULL, SQLITE_BUSY_SNAPSHOT), KQ_ERR_WAIT);
    assert_status(vault_sqlite_status(NULL, SQLITE_LOCKED), KQ_ERR_WAIT);
}

UNIT_MAIN(cmocka_unit_test(vault_sqlite_status__held_by_another_program__is_to_be_tried_again),
          cmocka_unit_test(vault_store__many_threads__everything_once),
          cmocka_unit_test(vault_store__killed_while_writing__what_was_acknowledged_is_there),
          cmocka_unit_test(vault_store__file_may_not_grow__full_and_nothing_changed),
          cmocka_unit_test(vault_store__no_room_for_several_threads__each_is_told_the_truth),
          cmocka_unit_test(vault_store__disk_full__full_and_nothing_changed))
