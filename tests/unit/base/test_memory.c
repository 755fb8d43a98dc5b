/* What growing and clearing do to the bytes left behind, seen from an
 * allocator of the test's own. */
#include "base/memory.h"

#include "base/buffer.h"
#include "base/secret.h"
#include "base/wipe.h"
#include "unit.h"

#define POOL_SIZE 65536
static uint8_t pool[POOL_SIZE];
static size_t pool_used;
static size_t num_live;
static size_t fail_after = SIZE_MAX;

void *kq_memory_new(size_t len)
{
    if (fail_after == 0 || len > POOL_SIZE - pool_used)
        return NULL;
    fail_after--;
    void *data = pool + pool_used;
    pool_used += len;
    num_live++;
    return data;
}

void kq_memory_free(void *data, size_t len)
{
    if (data == NULL)
        return;
    kq_wipe(data, len);
    num_live--;
}

static int set_up(void **state)
{
    (void)state;
    memset(pool, 0, sizeof pool);
    pool_used = num_live = 0;
    fail_after = SIZE_MAX;
    return 0;
}

static bool pool_holds(const char *text)
{
    return memmem(pool, sizeof pool, text, strlen(text)) != NULL;
}

static void buffer_append__grows__wipes_the_old_storage(void **state)
{
    (void)state;
    struct kq_buffer buffer;
    kq_buffer_init(&buffer, 4096);
    assert_ok(kq_buffer_append(&buffer, "the secret words", 16));
    const uint8_t *before = buffer.data;
    for (int i = 0; i < 30; i++)
        assert_ok(kq_buffer_append(&buffer, "0123456789abcdef", 16));
    assert_ptr_not_equal(before, buffer.data);
    assert_int_equal(before[0], 0);
    assert_true(pool_holds("the secret words"));
    kq_buffer_clear(&buffer);
    assert_false(pool_holds("the secret words"));
    assert_int_equal(num_live, 0);
}

static void buffer_append__out_of_memory__refused_and_unchanged(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) buffer = {0};
    kq_buffer_init(&buffer, 4096);
    assert_ok(kq_buffer_append(&buffer, "first", 5));
    fail_after = 0;
    uint8_t big[1024] = {0};
    assert_status(kq_buffer_append(&buffer, big, sizeof big), KQ_ERR_MEMORY);
    assert_slice_equal(kq_buffer_slice(&buffer), kq_slice_text("first"));
}

static void secret_set__second_value__wipes_the_first(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_secret) secret = {0};
    kq_secret_init(&secret);
    assert_ok(kq_secret_set(&secret, "former passphrase", 17));
    assert_ok(kq_secret_set(&secret, "next", 4));
    assert_false(pool_holds("former passphrase"));
    assert_slice_equal(kq_secret_borrow(&secret), kq_slice_text("next"));
}

static void secret__scope_ends__wiped(void **state)
{
    (void)state;
    {
        KQ_AUTO_VALUE(kq_secret) secret = {0};
        assert_ok(kq_secret_set(&secret, "gone with its scope", 19));
        assert_true(pool_holds("gone with its scope"));
    }
    assert_false(pool_holds("gone with its scope"));
    assert_int_equal(num_live, 0);
}

static void secret_set__over_maximum__refused_and_empty(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_secret) secret = {0};
    kq_secret_init(&secret);
    static const uint8_t large[KQ_SECRET_MAX + 1];
    assert_ok(kq_secret_set(&secret, large, KQ_SECRET_MAX));
    assert_status(kq_secret_set(&secret, large, KQ_SECRET_MAX + 1), KQ_ERR_TOO_LARGE);
    assert_int_equal(kq_secret_borrow(&secret).len, 0);
}

UNIT_MAIN(cmocka_unit_test_setup(buffer_append__grows__wipes_the_old_storage, set_up),
          cmocka_unit_test_setup(buffer_append__out_of_memory__refused_and_unchanged, set_up),
          cmocka_unit_test_setup(secret_set__second_value__wipes_the_first, set_up),
          cmocka_unit_test_setup(secret__scope_ends__wiped, set_up),
          cmocka_unit_test_setup(secret_set__over_maximum__refused_and_empty, set_up))
