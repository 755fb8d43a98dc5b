/* Client secrets: hashes, the gate before them, and the table of what was found right. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "vault/auth/cache.h"
#include "vault/auth/secret.h"

#define NOW UINT64_C(1796000000)
#define FAST 10u /* log2 n of scrypt where time is no matter */

static struct vault_stored_secret stored_of(const char *secret, uint8_t salt_byte, uint64_t log2_n)
{
    struct vault_stored_secret stored = {.log2_n = log2_n};
    memset(stored.salt, salt_byte, sizeof stored.salt);
    assert_ok(vault_secret_hash(kq_slice_text(secret), stored.salt, log2_n, stored.hash));
    return stored;
}

/* ---- secrets ------------------------------------------------------------------------------ */

static void secret_generate__many__printable_and_different(void **state)
{
    (void)state;
    char last[41] = "";
    for (size_t i = 0; i < 500; i++) {
        char secret[41];
        assert_ok(vault_secret_generate(secret));
        assert_int_equal(strlen(secret), 40);
        assert_int_equal(strspn(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 40);
        assert_true(secret[0] != '-' && secret[0] != '_');
        assert_string_not_equal(secret, last);
        memcpy(last, secret, sizeof last);
    }
}

/* Made by Python: hashlib.scrypt(b"password", salt=bytes(32), n=32768, r=8, p=1, dklen=32). */
static void secret_hash__known_secret__known_hash(void **state)
{
    (void)state;
    static const uint8_t expected[32] = {0xcb, 0x7d, 0xba, 0xd4, 0xbd, 0x63, 0x4e, 0x12, 0xc5, 0xd1, 0x2a,
                                         0xfd, 0x04, 0xf2, 0x4e, 0x0d, 0xd6, 0xca, 0xa0, 0xd7, 0x86, 0xea,
                                         0x7c, 0xe8, 0xa1, 0x44, 0x6b, 0xeb, 0x5b, 0xf9, 0x40, 0x3e};
    const uint8_t salt[32] = {0};
    uint8_t hash[32];
    assert_ok(vault_secret_hash(kq_slice_text("password"), salt, 15, hash));
    assert_memory_equal(hash, expected, 32);
}

static void secret_check__right_and_wrong__told_apart(void **state)
{
    (void)state;
    struct vault_stored_secret stored = stored_of("right", 7, FAST);
    assert_ok(vault_secret_check(kq_slice_text("right"), stored.salt, FAST, stored.hash));
    assert_status(vault_secret_check(kq_slice_text("righT"), stored.salt, FAST, stored.hash), KQ_ERR_AUTH);
    assert_status(vault_secret_check(KQ_SLICE_EMPTY, stored.salt, FAST, stored.hash), KQ_ERR_AUTH);
    stored.salt[31] ^= 1;
    assert_status(vault_secret_check(kq_slice_text("right"), stored.salt, FAST, stored.hash), KQ_ERR_AUTH);
    stored.salt[31] ^= 1;
    stored.hash[31] ^= 1;
    assert_status(vault_secret_check(kq_slice_text("right"), stored.salt, FAST, stored.hash), KQ_ERR_AUTH);
}

/* ---- the gate ------------------------------------------------------------------------------ */

static void gate_check__either_of_two_secrets__taken(void **state)
{
    (void)state;
    KQ_AUTO(vault_secret_gate) gate = NULL;
    const struct vault_stored_secret stored[2] = {stored_of("old", 1, FAST), stored_of("new", 2, FAST)};
    assert_ok(vault_secret_gate_new(&gate));
    assert_ok(vault_secret_gate_check(gate, kq_slice_text("old"), stored, 2, NOW));
    assert_ok(vault_secret_gate_check(gate, kq_slice_text("new"), stored, 2, NOW));
    assert_status(vault_secret_gate_check(gate, kq_slice_text("other"), stored, 2, NOW), KQ_ERR_AUTH);
    assert_status(vault_secret_gate_check(gate, kq_slice_text("old"), stored, 3, NOW), KQ_ERR_ARGUMENT);
}

static void gate_check__remembered_secret_taken_out__refused(void **state)
{
    (void)state;
    KQ_AUTO(vault_secret_gate) gate = NULL;
    const struct vault_stored_secret stored[2] = {stored_of("old", 1, FAST), stored_of("new", 2, FAST)};
    assert_ok(vault_secret_gate_new(&gate));
    assert_ok(vault_secret_gate_check(gate, kq_slice_text("old"), stored, 2, NOW));
    assert_status(vault_secret_gate_check(gate, kq_slice_text("old"), &stored[1], 1, NOW), KQ_ERR_AUTH);
    assert_status(vault_secret_gate_check(gate, kq_slice_text("old"), NULL, 0, NOW), KQ_ERR_AUTH);
    /* and one that somebody else has with the same text is another one */
    const struct vault_stored_secret elsewhere = stored_of("another", 1, FAST);
    assert_status(vault_secret_gate_check(gate, kq_slice_text("old"), &elsewhere, 1, NOW), KQ_ERR_AUTH);
}

static uint64_t cost_of(struct vault_secret_gate *gate, const char *secret, const struct vault_stored_secret *stored,
                        size_t num_stored, uint64_t now, kq_status expected)
{
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    assert_status(vault_secret_gate_check(gate, kq_slice_text(secret), stored, num_stored, now), expected);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000u + (uint64_t)to.tv_nsec - (uint64_t)from.tv_nsec;
}

static void gate_check__unknown_client__costs_what_a_wrong_secret_costs(void **state)
{
    (void)state;
    KQ_AUTO(vault_secret_gate) gate = NULL;
    const struct vault_stored_secret stored[2] = {stored_of("old", 1, VAULT_SECRET_LOG2_N),
                                                  stored_of("new", 2, VAULT_SECRET_LOG2_N)};
    uint64_t best[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    assert_ok(vault_secret_gate_new(&gate));
    for (size_t i = 0; i < 3; i++)
        for (size_t num = 0; num < 3; num++) {
            uint64_t cost = cost_of(gate, "wrong", stored, num, NOW, KQ_ERR_AUTH);
            best[num] = cost < best[num] ? cost : best[num];
        }
    for (size_t num = 1; num < 3; num++)
        assert_true(best[num] < best[0] * 3 / 2 && best[0] < best[num] * 3 / 2);
}

static void gate_check__right_secret_again__is_remembered_for_a_while(void **state)
{
    (void)state;
    KQ_AUTO(vault_secret_gate) gate = NULL;
    const struct vault_stored_secret stored = stored_of("right", 1, VAULT_SECRET_LOG2_N);
    assert_ok(vault_secret_gate_new(&gate));
    uint64_t first = cost_of(gate, "right", &stored, 1, NOW, KQ_OK);
    uint64_t again = cost_of(gate, "right", &stored, 1, NOW + VAULT_GATE_REMEMBERS_S - 1, KQ_OK);
    uint64_t later = cost_of(gate, "right", &stored, 1, NOW + VAULT_GATE_REMEMBERS_S, KQ_OK);
    assert_true(again * 10 < first);
    assert_true(again * 10 < later);
}

struct crowd {
    struct vault_secret_gate *gate;
    const struct vault_stored_secret *stored;
    pthread_barrier_t start;
    bool is_one_secret; /* everybody comes with the right one */
    pthread_mutex_t lock;
    size_t num[KQ_STATUS_COUNT];
    size_t next;
};

static void *come(void *context)
{
    struct crowd *crowd = context;
    char secret[32];
    pthread_mutex_lock(&crowd->lock);
    snprintf(secret, sizeof secret, "wrong %zu", crowd->next++);
    pthread_mutex_unlock(&crowd->lock);
    pthread_barrier_wait(&crowd->start);
    struct kq_slice said = kq_slice_text(crowd->is_one_secret ? "right" : secret);
    kq_status status = vault_secret_gate_check(crowd->gate, said, crowd->stored, 1, NOW);
    pthread_mutex_lock(&crowd->lock);
    crowd->num[status]++;
    pthread_mutex_unlock(&crowd->lock);
    return NULL;
}

#define CROWD 16u

static void gather(struct crowd *crowd)
{
    pthread_t threads[CROWD];
    pthread_mutex_init(&crowd->lock, NULL);
    pthread_barrier_init(&crowd->start, NULL, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come, crowd), 0);
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd->start);
    pthread_mutex_destroy(&crowd->lock);
}

static void gate_check__crowd_of_wrong_secrets__some_are_sent_away_and_the_gate_opens_again(void **state)
{
    (void)state;
    KQ_AUTO(vault_secret_gate) gate = NULL;
    const struct vault_stored_secret stored = stored_of("right", 1, 17);
    assert_ok(vault_secret_gate_new(&gate));
    struct crowd crowd = {.gate = gate, .stored = &stored};
    gather(&crowd);
    assert_int_equal(crowd.num[KQ_ERR_AUTH] + crowd.num[KQ_ERR_WAIT], CROWD);
    assert_true(crowd.num[KQ_ERR_WAIT] >= 1);
    assert_true(crowd.num[KQ_ERR_AUTH] >= VAULT_GATE_RUNNING);
    assert_ok(vault_secret_gate_check(gate, kq_slice_text("right"), &stored, 1, NOW));
}

static void gate_check__remembered_secret__passes_a_crowd(void **state)
{
    (void)state;
    KQ_AUTO(vault_secret_gate) gate = NULL;
    const struct vault_stored_secret stored = stored_of("right", 1, VAULT_SECRET_LOG2_N);
    assert_ok(vault_secret_gate_new(&gate));
    assert_ok(vault_secret_gate_check(gate, kq_slice_text("right"), &stored, 1, NOW));
    struct crowd crowd = {.gate = gate, .stored = &stored, .is_one_secret = true};
    gather(&crowd);
    assert_int_equal(crowd.num[KQ_OK], CROWD);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void hash_of(uint32_t number, uint8_t out[32])
{
    memset(out, 0, 32); /* one set for all: the worst case */
    memcpy(out + 4, &number, sizeof number);
}

static void cache_get__after_put__until_its_end(void **state)
{
    (void)state;
    KQ_AUTO(vault_cache) cache = NULL;
    uint8_t hash[32];
    uint64_t value = 42;
    uint64_t got = 0;
    hash_of(1, hash);
    assert_ok(vault_cache_new(4, sizeof value, &cache));
    assert_false(vault_cache_get(cache, hash, 0, &got));
    vault_cache_put(cache, hash, 100, &value);
    assert_true(vault_cache_get(cache, hash, 99, &got));
    assert_int_equal(got, 42);
    got = 0;
    assert_false(vault_cache_get(cache, hash, 100, &got));
    assert_int_equal(got, 0);
    hash[31] = 1;
    assert_false(vault_cache_get(cache, hash, 0, &got));
}

static void cache_put__full_set__gives_up_what_ends_first(void **state)
{
    (void)state;
    KQ_AUTO(vault_cache) cache = NULL;
    uint8_t hash[32];
    assert_ok(vault_cache_new(1, sizeof(uint32_t), &cache));
    for (uint32_t i = 0; i < VAULT_CACHE_WAYS + 1; i++) {
        hash_of(i, hash);
        vault_cache_put(cache, hash, 1000 - i, &i);
    }
    for (uint32_t i = 0; i < VAULT_CACHE_WAYS + 1; i++) {
        uint32_t got = UINT32_MAX;
        hash_of(i, hash);
        bool is_gone = i == VAULT_CACHE_WAYS - 1; /* it ended first when the ninth came */
        assert_int_equal(vault_cache_get(cache, hash, 0, &got), !is_gone);
        assert_int_equal(got, is_gone ? UINT32_MAX : i);
    }
}

static void cache_put__same_hash__replaces(void **state)
{
    (void)state;
    KQ_AUTO(vault_cache) cache = NULL;
    uint8_t hash[32];
    hash_of(3, hash);
    assert_ok(vault_cache_new(1, sizeof(uint32_t), &cache));
    for (uint32_t i = 0; i < 100; i++)
        vault_cache_put(cache, hash, 10 + i, &i);
    uint32_t got = 0;
    assert_true(vault_cache_get(cache, hash, 108, &got));
    assert_int_equal(got, 99);
}

static void cache_new__sizes_that_are_no_power_of_two__refused(void **state)
{
    (void)state;
    struct vault_cache *cache = NULL;
    assert_status(vault_cache_new(0, 8, &cache), KQ_ERR_ARGUMENT);
    assert_status(vault_cache_new(3, 8, &cache), KQ_ERR_ARGUMENT);
    assert_null(cache);
}

UNIT_MAIN(cmocka_unit_test(secret_generate__many__printable_and_different),
          cmocka_unit_test(secret_hash__known_secret__known_hash),
          cmocka_unit_test(secret_check__right_and_wrong__told_apart),
          cmocka_unit_test(gate_check__either_of_two_secrets__taken),
          cmocka_unit_test(gate_check__remembered_secret_taken_out__refused),
          cmocka_unit_test(gate_check__unknown_client__costs_what_a_wrong_secret_costs),
          cmocka_unit_test(gate_check__right_secret_again__is_remembered_for_a_while),
          cmocka_unit_test(gate_check__crowd_of_wrong_secrets__some_are_sent_away_and_the_gate_opens_again),
          cmocka_unit_test(gate_check__remembered_secret__passes_a_crowd),
          cmocka_unit_test(cache_get__after_put__until_its_end),
          cmocka_unit_test(cache_put__full_set__gives_up_what_ends_first),
          cmocka_unit_test(cache_put__same_hash__replaces),
          cmocka_unit_test(cache_new__sizes_that_are_no_power_of_two__refused))
