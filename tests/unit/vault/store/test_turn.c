#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "fixture.h"
#include "vault/store/turn.h"

struct other {
    struct vault_store *store;
    const char *vault;
    const char *key;
    atomic_bool has_turn;
};

static void *other_main(void *argument)
{
    struct other *other = argument;
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    if (vault_store_take_turn(other->store, other->vault, other->key, &turn) == KQ_OK)
        atomic_store(&other->has_turn, true);
    return NULL;
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static void vault_store_take_turn__same_record_in_another_case__waits_for_the_first(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_turn turn = {.lock = NULL};
    struct other other = {.store = fixture.store, .vault = "CONTOSO", .key = "Key"};
    pthread_t thread;
    assert_ok(vault_store_take_turn(fixture.store, "contoso", "key", &turn));
    assert_int_equal(pthread_create(&thread, NULL, other_main, &other), 0);
    rest();
    assert_false(atomic_load(&other.has_turn));
    vault_turn_clear(&turn);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&other.has_turn));
    fixture_end(&fixture);
}

static void vault_store_take_turn__another_key__does_not_wait(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_turn turn = {.lock = NULL};
    struct other other = {.store = fixture.store, .vault = "contoso", .key = "another"};
    pthread_t thread;
    assert_ok(vault_store_take_turn(fixture.store, "contoso", "key", &turn));
    assert_int_equal(pthread_create(&thread, NULL, other_main, &other), 0);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&other.has_turn));
    vault_turn_clear(&turn);
    fixture_end(&fixture);
}

static void vault_turn_clear__twice__harmless(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_turn turn = {.lock = NULL};
    vault_turn_clear(&turn);
    assert_ok(vault_store_take_turn(fixture.store, "contoso", "", &turn));
    vault_turn_clear(&turn);
    vault_turn_clear(&turn);
    assert_ok(vault_store_take_turn(fixture.store, "contoso", "", &turn));
    vault_turn_clear(&turn);
    fixture_end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(vault_store_take_turn__same_record_in_another_case__waits_for_the_first),
          cmocka_unit_test(vault_store_take_turn__another_key__does_not_wait),
          cmocka_unit_test(vault_turn_clear__twice__harmless))
