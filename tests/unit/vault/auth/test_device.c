/* Sign-ins on devices that wait for a person. */
#include "unit.h"

#include <stdio.h>

#include "vault/auth/device.h"

#define NOW UINT64_C(1800000000)
#define CLIENT "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define PERSON "00000000-0000-4000-8000-00000000A11C"

static int start(void **state)
{
    struct vault_device_table *table = NULL;
    assert_ok(vault_device_table_new(&table));
    *state = table;
    return 0;
}

static int stop(void **state)
{
    vault_device_table_free(*state);
    return 0;
}

struct begun {
    char device_code[VAULT_DEVICE_CODE_SIZE];
    char user_code[VAULT_USER_CODE_SIZE];
};

static kq_status begin(struct vault_device_table *table, const char *address, struct begun *out)
{
    struct vault_device_wish wish = {.client_id = CLIENT, .resource = "https://vault"};
    snprintf(wish.address, sizeof wish.address, "%s", address);
    return vault_device_begin(table, &wish, NOW, out->device_code, out->user_code);
}

static kq_status poll(struct vault_device_table *table, const struct begun *begun, uint64_t now)
{
    struct vault_device_wish wish;
    char object_id[37];
    return vault_device_poll(table, begun->device_code, CLIENT, now, &wish, object_id);
}

static void poll__interval__slows_down_who_asks_too_soon(void **state)
{
    struct begun begun;
    assert_ok(begin(*state, "::1", &begun));
    assert_int_equal(poll(*state, &begun, NOW), KQ_ERR_STATE);
    assert_int_equal(poll(*state, &begun, NOW + 3), KQ_ERR_WAIT);
    assert_int_equal(poll(*state, &begun, NOW + 11), KQ_ERR_WAIT);
    assert_int_equal(poll(*state, &begun, NOW + 26), KQ_ERR_STATE);
}

static void poll__end_of_life__expired_then_forgotten(void **state)
{
    struct begun begun, other;
    struct vault_device_wish wish;
    assert_ok(begin(*state, "::1", &begun));
    assert_ok(vault_device_look(*state, begun.user_code, NOW + VAULT_DEVICE_LIFE_S - 1, &wish));
    assert_int_equal(vault_device_look(*state, begun.user_code, NOW + VAULT_DEVICE_LIFE_S, &wish), KQ_ERR_NOT_FOUND);
    assert_int_equal(vault_device_decide(*state, begun.user_code, PERSON, NOW + VAULT_DEVICE_LIFE_S), KQ_ERR_NOT_FOUND);
    assert_int_equal(poll(*state, &begun, NOW + VAULT_DEVICE_LIFE_S), KQ_ERR_EXPIRED);
    assert_ok(vault_device_begin(*state, &wish, NOW + 2 * VAULT_DEVICE_LIFE_S, other.device_code, other.user_code));
    assert_int_equal(poll(*state, &begun, NOW + 2 * VAULT_DEVICE_LIFE_S), KQ_ERR_NOT_FOUND);
}

static void poll__approved__once_and_only_for_its_client(void **state)
{
    struct begun begun;
    struct vault_device_wish wish;
    char object_id[37] = "";
    assert_ok(begin(*state, "::1", &begun));
    assert_ok(vault_device_decide(*state, begun.user_code, PERSON, NOW));
    assert_int_equal(vault_device_decide(*state, begun.user_code, NULL, NOW), KQ_ERR_NOT_FOUND);
    assert_int_equal(vault_device_poll(*state, begun.device_code, PERSON, NOW, &wish, object_id), KQ_ERR_NOT_FOUND);
    assert_ok(vault_device_poll(*state, begun.device_code, CLIENT, NOW, &wish, object_id));
    assert_string_equal(object_id, PERSON);
    assert_string_equal(wish.resource, "https://vault");
    assert_int_equal(poll(*state, &begun, NOW + 60), KQ_ERR_NOT_FOUND);
}

static void count_try__five__ends_the_code(void **state)
{
    struct begun begun;
    struct vault_device_wish wish;
    assert_ok(begin(*state, "::1", &begun));
    for (unsigned i = 0; i < VAULT_DEVICE_TRIES_MAX; i++) {
        assert_ok(vault_device_look(*state, begun.user_code, NOW, &wish));
        vault_device_count_try(*state, begun.user_code, NOW);
    }
    assert_int_equal(vault_device_look(*state, begun.user_code, NOW, &wish), KQ_ERR_NOT_FOUND);
    assert_int_equal(poll(*state, &begun, NOW), KQ_ERR_CANCELLED);
}

static void begin__too_many__waits_for_this_address_then_for_all(void **state)
{
    struct begun begun;
    char address[32];
    for (unsigned i = 0; i < VAULT_DEVICES_OF_ADDRESS_MAX; i++)
        assert_ok(begin(*state, "::1", &begun));
    assert_int_equal(begin(*state, "::1", &begun), KQ_ERR_WAIT);
    for (unsigned i = VAULT_DEVICES_OF_ADDRESS_MAX; i < VAULT_DEVICES_MAX; i++) {
        snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        assert_ok(begin(*state, address, &begun));
    }
    assert_int_equal(begin(*state, "10.1.0.0", &begun), KQ_ERR_WAIT);
}

static void look__as_people_type__found(void **state)
{
    struct begun begun;
    struct vault_device_wish wish;
    char typed[32];
    assert_ok(begin(*state, "::1", &begun));
    snprintf(typed, sizeof typed, " %.4s %c%.3s", begun.user_code, begun.user_code[5] - 'A' + 'a', begun.user_code + 6);
    assert_ok(vault_device_look(*state, typed, NOW, &wish));
    static const char *const others[] = {"", "-", "BCDF", "BCDFGHJKL", "BCDFGHJ1", "AAAA-AAAA"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(vault_device_look(*state, others[i], NOW, &wish), KQ_ERR_NOT_FOUND);
}

static void blame__ten__this_address_alone_must_wait(void **state)
{
    for (unsigned i = 0; i < VAULT_DEVICE_FAULTS_MAX; i++) {
        assert_true(vault_device_may_try(*state, "::1", NOW + i));
        vault_device_blame(*state, "::1", NOW + i);
    }
    assert_false(vault_device_may_try(*state, "::1", NOW + VAULT_DEVICE_BLAME_S - 1));
    assert_true(vault_device_may_try(*state, "::2", NOW + 20));
    assert_true(vault_device_may_try(*state, "::1", NOW + VAULT_DEVICE_BLAME_S));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(poll__interval__slows_down_who_asks_too_soon),
        TEST(poll__end_of_life__expired_then_forgotten),
        TEST(poll__approved__once_and_only_for_its_client),
        TEST(count_try__five__ends_the_code),
        TEST(begin__too_many__waits_for_this_address_then_for_all),
        TEST(look__as_people_type__found),
        TEST(blame__ten__this_address_alone_must_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
