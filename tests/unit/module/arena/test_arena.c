#include "unit.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/size.h"
#include "module/arena/arena.h"
#include "module/arena/thread.h"

#define MIB (1024u * 1024)

static int start(void **state)
{
    (void)state;
    const char *why;
    const struct hsm_arena_options options = {.first = MIB, .max = 16 * MIB, .allow_unlocked = true};
    return hsm_arena_start(&options, &why) == KQ_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    hsm_arena_stop();
    return 0;
}

static size_t used(void)
{
    struct hsm_arena_facts facts;
    hsm_arena_facts_get(&facts);
    return facts.used;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* The VmFlags line of the mapping that holds an address; false if there is none. */
static bool mapping_flags(const void *address, char *out, size_t out_len)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool is_inside = false, is_found = false;
    while (maps != NULL && !is_found && fgets(line, sizeof line, maps) != NULL) {
        unsigned long first, end;
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            is_inside = (unsigned long)(uintptr_t)address >= first && (unsigned long)(uintptr_t)address < end;
        is_found = is_inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    if (maps != NULL)
        fclose(maps);
    if (is_found)
        snprintf(out, out_len, "%s", line);
    return is_found;
}

static void new__any_size__zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t len = 1; len < 40000; len += len / 3 + 1) {
        uint8_t *data = hsm_arena_new(len);
        assert_non_null(data);
        assert_int_equal((uintptr_t)data % HSM_ARENA_ALIGNMENT, 0);
        assert_true(is_zero(data, len));
        memset(data, 0xa5, len);
        hsm_arena_free(data);
    }
    assert_int_equal(used(), 0);
}

static void new__nothing_asked__null(void **state)
{
    (void)state;
    assert_null(hsm_arena_new(0));
    hsm_arena_free(NULL);
}

static void free__filled_block__wiped(void **state)
{
    (void)state;
    uint8_t *data = hsm_arena_new(1000);
    memset(data, 0x5a, 1000);
    hsm_arena_free(data);
    assert_true(is_zero(data + sizeof(void *), 1000 - sizeof(void *))); /* the free list's link stands in front */
}

static void resize__larger__content_moves_and_old_is_wiped(void **state)
{
    (void)state;
    uint8_t *old = hsm_arena_new(100);
    memset(old, 7, 100);
    uint8_t *data = hsm_arena_resize(old, 5000);
    assert_ptr_not_equal(data, old);
    assert_true(is_zero(old + sizeof(void *), 100 - sizeof(void *)));
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(data[i], 7);
    assert_true(is_zero(data + 100, 4900));
    assert_null(hsm_arena_resize(data, 0));
    assert_int_equal(used(), 0);
}

static void new__beyond_the_maximum__null_and_counted(void **state)
{
    (void)state;
    void *blocks[64];
    size_t num = 0;
    while (num < 64 && (blocks[num] = hsm_arena_new(MIB)) != NULL)
        num++;
    assert_in_range(num, 8, 16);
    struct hsm_arena_facts facts;
    hsm_arena_facts_get(&facts);
    assert_int_equal(facts.refused, 1);
    assert_int_equal(hsm_arena_refusals(), 1);
    assert_true(facts.size <= 16 * MIB);
    assert_null(hsm_arena_resize(blocks[0], 8 * MIB));
    for (size_t i = 0; i < num; i++)
        hsm_arena_free(blocks[i]);
    assert_int_equal(used(), 0);
    assert_non_null(blocks[0] = hsm_arena_new(MIB)); /* freed room serves again */
    hsm_arena_free(blocks[0]);
}

/* Somebody takes everything in large blocks and gives it back: then there is
 * room again for blocks of any other size. */
static void new__after_all_was_taken_in_large_blocks__other_sizes_fit(void **state)
{
    (void)state;
    enum { NUM = 16 * MIB / (100 * 1024) };
    static uint8_t *large[NUM + 1];
    static uint8_t *small[2 * NUM];
    static const size_t lens[] = {1, 24, 100, 3000, 20000, 50000};
    size_t num_large = 0;
    while (num_large <= NUM && (large[num_large] = hsm_arena_new(100 * 1024)) != NULL) {
        memset(large[num_large], 0xa5, 100 * 1024);
        num_large++;
    }
    assert_in_range(num_large, 100, NUM);
    for (size_t i = 0; i < num_large; i++)
        hsm_arena_free(large[i]);
    for (size_t i = 0; i < num_large; i++) {
        size_t len = lens[i % KQ_COUNT_OF(lens)];
        small[i] = hsm_arena_new(len);
        assert_non_null(small[i]);
        assert_true(is_zero(small[i], len));
        memset(small[i], 0x5a, len);
    }
    for (size_t i = 0; i < num_large; i++)
        hsm_arena_free(small[i]);
    assert_int_equal(used(), 0);
}

static void memory__of_buffers__comes_from_the_arena(void **state)
{
    (void)state;
    void *data = kq_memory_new(300);
    assert_int_equal(used(), 300);
    kq_memory_free(data, 300);
    assert_int_equal(used(), 0);
}

static void region__any_block__locked_not_dumped_wiped_on_fork(void **state)
{
    (void)state;
    char flags[512];
    void *data = hsm_arena_new(100);
    assert_true(mapping_flags(data, flags, sizeof flags));
    struct hsm_arena_facts facts;
    hsm_arena_facts_get(&facts);
    assert_non_null(strstr(flags, " dd"));
    assert_non_null(strstr(flags, " wf"));
    if (facts.is_locked)
        assert_non_null(strstr(flags, " lo"));
    hsm_arena_free(data);
}

static int outcome_of(pid_t child)
{
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    return result;
}

static void fork__block_with_a_secret__child_sees_zeros(void **state)
{
    (void)state;
    uint8_t *data = hsm_arena_new(4096);
    memset(data, 0x77, 4096);
    pid_t child = fork();
    if (child == 0)
        _exit(is_zero(data, 4096) ? 0 : 1);
    int result = outcome_of(child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    hsm_arena_free(data);
}

/* These start an arena of their own in a child, which must not survive. */
static void free_twice(void)
{
    void *data = hsm_arena_new(64);
    hsm_arena_free(data);
    hsm_arena_free(data);
}

static void write_over_a_head(void)
{
    uint8_t *data = hsm_arena_new(64);
    uint8_t *other = hsm_arena_new(64);
    uint8_t *damaged = data < other ? other : data;
    memset(damaged - 16, 1, 16);
    hsm_arena_free(damaged);
}

static void run_off_the_end(void)
{
    volatile uint8_t *data = hsm_arena_new(64);
    for (size_t i = 0; i < 64 * (size_t)MIB; i += 4096)
        data[i] = 1;
}

static int end_of(void (*act)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(0);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        start(NULL);
        act();
        _exit(0);
    }
    int result = outcome_of(child);
    return WIFSIGNALED(result) ? WTERMSIG(result) : 0;
}

static void free__twice__aborts(void **state)
{
    (void)state;
    assert_int_equal(end_of(free_twice), SIGABRT);
}

static void free__damaged_head__aborts(void **state)
{
    (void)state;
    assert_int_equal(end_of(write_over_a_head), SIGABRT);
}

static void region__written_past_its_end__faults(void **state)
{
    (void)state;
    assert_int_equal(end_of(run_off_the_end), SIGSEGV);
}

/* ---- threads ---- */

#define NUM_THREADS 4
#define NUM_SLOTS 64
#define NUM_ROUNDS 40000

struct stress {
    pthread_mutex_t lock;
    uint8_t *slots[NUM_SLOTS]; /* blocks anybody may free: first byte says what the rest is */
    size_t lens[NUM_SLOTS];
    int num_failures;
};

static void check_and_free(struct stress *stress, uint8_t *data, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (data[i] != data[0])
            __atomic_add_fetch(&stress->num_failures, 1, __ATOMIC_SEQ_CST);
    }
    hsm_arena_free(data);
}

static void *stress_main(void *context)
{
    struct stress *stress = context;
    struct unit_random random = {(uint64_t)(uintptr_t)&random | 1};
    for (size_t round = 0; round < NUM_ROUNDS; round++) {
        size_t slot = unit_random_next(&random) % NUM_SLOTS;
        size_t len = 1 + unit_random_next(&random) % (round % 50 == 0 ? 30000 : 600);
        uint8_t *data = hsm_arena_new(len);
        if (data == NULL)
            continue;
        memset(data, (int)round & 255, len);
        if (round % 7 == 0) {
            uint8_t *moved = hsm_arena_resize(data, len / 2 + 1);
            data = moved != NULL ? moved : data;
            len = moved != NULL ? len / 2 + 1 : len;
        }
        pthread_mutex_lock(&stress->lock);
        uint8_t *former = stress->slots[slot];
        size_t former_len = stress->lens[slot];
        stress->slots[slot] = data;
        stress->lens[slot] = len;
        pthread_mutex_unlock(&stress->lock);
        if (former != NULL)
            check_and_free(stress, former, former_len);
    }
    hsm_arena_leave();
    return NULL;
}

static void blocks__passed_between_threads__stay_whole(void **state)
{
    (void)state;
    struct stress stress = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct hsm_thread threads[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_ok(hsm_thread_start(&threads[i], stress_main, &stress));
    for (size_t i = 0; i < NUM_THREADS; i++)
        hsm_thread_join(&threads[i]);
    for (size_t i = 0; i < NUM_SLOTS; i++) {
        if (stress.slots[i] != NULL)
            check_and_free(&stress, stress.slots[i], stress.lens[i]);
    }
    assert_int_equal(stress.num_failures, 0);
    assert_int_equal(used(), 0);
}

static void *stack_main(void *context)
{
    char flags[512] = "";
    volatile uint8_t deep[200 * 1024]; /* fits into the stack that was promised */
    deep[0] = deep[sizeof deep - 1] = 1;
    *(bool *)context = mapping_flags((const void *)&deep[0], flags, sizeof flags) && strstr(flags, " dd") != NULL;
    return NULL;
}

static void thread__own_stack__large_enough_and_not_dumped(void **state)
{
    (void)state;
    bool is_protected = false;
    struct hsm_thread thread;
    assert_ok(hsm_thread_start(&thread, stack_main, &is_protected));
    hsm_thread_join(&thread);
    assert_true(is_protected);
}

static int hook(void **state)
{
    return start(state) == 0 && hsm_arena_hook_openssl() == KQ_OK ? 0 : -1;
}

/* Last: from here on OpenSSL lives in this arena, which is not stopped. */
static void openssl__after_the_hook__allocates_here(void **state)
{
    (void)state;
    size_t before = used();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_non_null(key);
    assert_true(used() > before + 1000);
    EVP_PKEY_free(key);
}

/* A configuration that leaves no algorithm but those of a provider it names. */
static void openssl__configuration_in_the_environment__not_read(void **state)
{
    (void)state;
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert_non_null(md);
    EVP_MD_free(md);
    assert_false(OSSL_PROVIDER_available(NULL, "null"));
}

static bool write_configuration(char path[32])
{
    static const char text[] = "openssl_conf = all\n[all]\nproviders = list\n[list]\nnull = one\n[one]\nactivate = 1\n";
    memcpy(path, "/tmp/keyquay-test-XXXXXX", 25);
    int fd = mkstemp(path);
    bool is_written = fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1;
    if (fd >= 0)
        close(fd);
    return is_written && setenv("OPENSSL_CONF", path, 1) == 0;
}

int main(void)
{
    char configuration[32];
    if (!write_configuration(configuration))
        return EXIT_FAILURE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free__twice__aborts),
        cmocka_unit_test(free__damaged_head__aborts),
        cmocka_unit_test(region__written_past_its_end__faults),
        cmocka_unit_test_setup_teardown(new__any_size__zeroed_and_aligned, start, stop),
        cmocka_unit_test_setup_teardown(new__nothing_asked__null, start, stop),
        cmocka_unit_test_setup_teardown(free__filled_block__wiped, start, stop),
        cmocka_unit_test_setup_teardown(resize__larger__content_moves_and_old_is_wiped, start, stop),
        cmocka_unit_test_setup_teardown(new__beyond_the_maximum__null_and_counted, start, stop),
        cmocka_unit_test_setup_teardown(new__after_all_was_taken_in_large_blocks__other_sizes_fit, start, stop),
        cmocka_unit_test_setup_teardown(memory__of_buffers__comes_from_the_arena, start, stop),
        cmocka_unit_test_setup_teardown(region__any_block__locked_not_dumped_wiped_on_fork, start, stop),
        cmocka_unit_test_setup_teardown(fork__block_with_a_secret__child_sees_zeros, start, stop),
        cmocka_unit_test_setup_teardown(blocks__passed_between_threads__stay_whole, start, stop),
        cmocka_unit_test_setup_teardown(thread__own_stack__large_enough_and_not_dumped, start, stop),
        cmocka_unit_test_setup(openssl__after_the_hook__allocates_here, hook),
        cmocka_unit_test(openssl__configuration_in_the_environment__not_read),
    };
    int num_failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(configuration);
    return num_failed;
}
