#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "vault/keyops/handles.h"

static struct vault_handle_name name_of(const char *version)
{
    return (struct vault_handle_name){"00112233-4455-6677-8899-aabbccddeeff", "vault", "key", version};
}

static struct vault_held hold(struct vault_handles *handles, const char *version)
{
    struct vault_held held;
    const struct vault_handle_name name = name_of(version);
    assert_ok(vault_handles_hold(handles, &name, &held));
    return held;
}

/* Holds, loads if need be, and lets go. */
static struct vault_held use(struct vault_handles *handles, const char *version, uint64_t handle)
{
    struct vault_held held = hold(handles, version);
    struct vault_held seen = held;
    if (!held.is_loaded)
        vault_handles_set(handles, &held, handle, 1);
    vault_handles_release(handles, &held);
    return seen;
}

static void hold__twice__loaded_once(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    assert_ok(vault_handles_new(2, &handles));
    assert_false(use(handles, "a", 7).is_loaded);
    struct vault_held again = use(handles, "a", 8);
    assert_true(again.is_loaded);
    assert_int_equal(again.handle, 7);
    assert_int_equal(again.generation, 1);
}

static void hold__same_version_elsewhere__another_entry(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    assert_ok(vault_handles_new(8, &handles));
    use(handles, "a", 7);
    const struct vault_handle_name others[] = {{"00112233-4455-6677-8899-aabbccddeefe", "vault", "key", "a"},
                                               {"00112233-4455-6677-8899-aabbccddeeff", "vault2", "key", "a"},
                                               {"00112233-4455-6677-8899-aabbccddeeff", "vault", "key2", "a"}};
    for (size_t i = 0; i < 3; i++) {
        struct vault_held held;
        assert_ok(vault_handles_hold(handles, &others[i], &held));
        assert_false(held.is_loaded);
        vault_handles_release(handles, &held);
    }
    assert_int_equal(vault_handles_count(handles), 1);
}

static void hold__full__longest_unused_gives_way(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    assert_ok(vault_handles_new(2, &handles));
    use(handles, "a", 1);
    use(handles, "b", 2);
    use(handles, "a", 0);
    struct vault_held seen = use(handles, "c", 3);
    assert_false(seen.is_loaded);
    assert_int_equal(seen.stale_handle, 2);
    assert_true(use(handles, "a", 0).is_loaded);
    assert_false(use(handles, "b", 4).is_loaded);
    assert_int_equal(vault_handles_count(handles), 2);
}

static void hold__in_use__never_gives_way(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    assert_ok(vault_handles_new(2, &handles));
    use(handles, "a", 1);
    struct vault_held a = hold(handles, "a");
    use(handles, "b", 2);
    assert_int_equal(use(handles, "c", 3).stale_handle, 2);
    assert_int_equal(use(handles, "d", 4).stale_handle, 3);
    vault_handles_release(handles, &a);
    assert_int_equal(a.stale_handle, 0);
}

static void release__load_failed__nothing_stays(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    assert_ok(vault_handles_new(1, &handles));
    struct vault_held held = hold(handles, "a");
    vault_handles_release(handles, &held);
    assert_int_equal(held.stale_handle, 0);
    assert_false(use(handles, "b", 1).is_loaded);
}

static void drop__handle_lost__loaded_again_without_unloading(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    assert_ok(vault_handles_new(1, &handles));
    use(handles, "a", 1);
    struct vault_held first = hold(handles, "a");
    struct vault_held second = hold(handles, "a");
    vault_handles_drop(handles, &first);
    vault_handles_release(handles, &first);
    struct vault_held third = hold(handles, "a");
    assert_false(third.is_loaded);
    vault_handles_set(handles, &third, 2, 2);
    vault_handles_drop(handles, &second); /* speaks of the old handle: the new one stays */
    vault_handles_release(handles, &second);
    vault_handles_release(handles, &third);
    assert_int_equal(use(handles, "a", 0).handle, 2);
}

static void remove__idle_or_in_use__given_back_once(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    struct vault_held out;
    const struct vault_handle_name a = name_of("a"), b = name_of("b");
    assert_ok(vault_handles_new(2, &handles));
    use(handles, "a", 1);
    vault_handles_remove(handles, &a, &out);
    assert_int_equal(out.stale_handle, 1);
    vault_handles_remove(handles, &a, &out);
    assert_int_equal(out.stale_handle, 0);
    use(handles, "b", 2);
    struct vault_held held = hold(handles, "b");
    vault_handles_remove(handles, &b, &out);
    assert_int_equal(out.stale_handle, 0);
    vault_handles_release(handles, &held);
    assert_int_equal(held.stale_handle, 2);
    assert_int_equal(vault_handles_count(handles), 0);
}

static void hold__name_over_its_maximum__argument(void **state)
{
    (void)state;
    KQ_AUTO(vault_handles) handles = NULL;
    struct vault_held held;
    const struct vault_handle_name name = name_of("123456789012345678901234567890123");
    assert_ok(vault_handles_new(1, &handles));
    assert_status(vault_handles_hold(handles, &name, &held), KQ_ERR_ARGUMENT);
}

/* ---- threads: a handle is a number that says whose key it is ---- */

#define THREADS 8
#define KEYS 12
struct crowd {
    struct vault_handles *handles;
    pthread_mutex_t lock;
    unsigned loaded[KEYS]; /* as the module would count */
    unsigned num_loaded, most_loaded;
    bool wrong;
};

static void change(struct crowd *crowd, uint64_t handle, int by)
{
    pthread_mutex_lock(&crowd->lock);
    crowd->loaded[handle - 1] += (unsigned)by;
    crowd->num_loaded += (unsigned)by;
    if (crowd->num_loaded > crowd->most_loaded)
        crowd->most_loaded = crowd->num_loaded;
    if (crowd->loaded[handle - 1] > 3)
        crowd->wrong = true; /* unloaded more often than loaded */
    pthread_mutex_unlock(&crowd->lock);
}

static void *hurry(void *argument)
{
    struct crowd *crowd = argument;
    struct unit_random random = {.state = (uint64_t)(uintptr_t)&random | 1};
    for (int i = 0; i < 3000; i++) {
        char version[8];
        uint64_t key = 1 + unit_random_next(&random) % KEYS;
        struct vault_held held;
        snprintf(version, sizeof version, "%u", (unsigned)key);
        const struct vault_handle_name name = name_of(version);
        if (vault_handles_hold(crowd->handles, &name, &held) != KQ_OK)
            abort();
        if (held.stale_handle != 0)
            change(crowd, held.stale_handle, -1);
        if (!held.is_loaded) {
            change(crowd, key, 1);
            vault_handles_set(crowd->handles, &held, key, 1);
        }
        if (held.handle != key)
            crowd->wrong = true;
        vault_handles_release(crowd->handles, &held);
        if (held.stale_handle != 0)
            change(crowd, held.stale_handle, -1);
    }
    return NULL;
}

static void hold__many_threads_few_entries__never_more_than_max(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct crowd crowd = {.wrong = false};
    assert_ok(vault_handles_new(3, &crowd.handles));
    pthread_mutex_init(&crowd.lock, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hurry, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_false(crowd.wrong);
    assert_int_equal(crowd.most_loaded, 3);
    assert_int_equal(vault_handles_count(crowd.handles), crowd.num_loaded);
    pthread_mutex_destroy(&crowd.lock);
    vault_handles_free(crowd.handles);
}

UNIT_MAIN(cmocka_unit_test(hold__twice__loaded_once), cmocka_unit_test(hold__same_version_elsewhere__another_entry),
          cmocka_unit_test(hold__full__longest_unused_gives_way), cmocka_unit_test(hold__in_use__never_gives_way),
          cmocka_unit_test(release__load_failed__nothing_stays),
          cmocka_unit_test(drop__handle_lost__loaded_again_without_unloading),
          cmocka_unit_test(remove__idle_or_in_use__given_back_once),
          cmocka_unit_test(hold__name_over_its_maximum__argument),
          cmocka_unit_test(hold__many_threads_few_entries__never_more_than_max))
