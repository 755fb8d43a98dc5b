#include "module/privcrypto/pkcs1.h"

#include <openssl/x509.h>

#include "base/buffer.h"
#include "base/size.h"
#include "module/privcrypto/key.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

/* ---- taking the padding off ---------------------------------------------------------- */

/* A padding that is right: 00 02, nonzero bytes, 00, message. */
static void encode(uint8_t *out, size_t len, size_t message_len)
{
    memset(out, 0xd7, len);
    out[0] = 0;
    out[1] = 2;
    out[len - message_len - 1] = 0;
    for (size_t i = 0; i < message_len; i++)
        out[len - message_len + i] = (uint8_t)(i % 3); /* zeros in the message, too */
}

static const uint8_t secret[HSM_PKCS1_SECRET_LEN] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static void fill_ciphertext(uint8_t *out, size_t len, unsigned variant)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(7 * i + variant);
}

static void unpad__right_padding_of_each_length__the_message(void **state)
{
    (void)state;
    uint8_t ciphertext[256], encoded[256], expected[256];
    fill_ciphertext(ciphertext, sizeof ciphertext, 0);
    for (size_t message_len = 0; message_len <= 256 - HSM_PKCS1_OVERHEAD; message_len++) {
        size_t len;
        encode(encoded, sizeof encoded, message_len);
        memcpy(expected, encoded, sizeof expected);
        assert_ok(hsm_pkcs1_unpad(secret, kq_slice_of(ciphertext, 256), encoded, &len));
        assert_int_equal(len, message_len);
        assert_memory_equal(encoded + 256 - len, expected + 256 - len, len);
    }
}

/* Computed by another implementation from the same description. */
static const struct {
    size_t modulus_len;
    unsigned variant;
    size_t len;
    uint8_t first[8];
    uint8_t hash[4]; /* of all of it */
} noises[] = {
    {64, 0, 40, {0xf5, 0xa4, 0x21, 0xbc, 0x77, 0xe0, 0x60, 0x2f}, {0xbe, 0xb2, 0x99, 0x6c}},
    {64, 1, 16, {0x6c, 0x68, 0x98, 0x70, 0x3b, 0x53, 0x0a, 0x56}, {0x9e, 0x2a, 0xcb, 0x26}},
    {256, 0, 75, {0x01, 0x49, 0x84, 0x78, 0x21, 0x83, 0x68, 0x20}, {0x21, 0x4a, 0xb7, 0x2f}},
    {256, 1, 221, {0x3c, 0x20, 0xf2, 0x5d, 0xc6, 0x93, 0x65, 0x97}, {0xd1, 0xd5, 0x5c, 0x06}},
    {512, 0, 400, {0xaa, 0x86, 0xa0, 0xb3, 0x4c, 0x07, 0x0a, 0xcd}, {0xe0, 0x84, 0x73, 0xd3}},
    {512, 1, 405, {0xa9, 0x74, 0xde, 0xf5, 0x69, 0x60, 0x4e, 0x1e}, {0xd3, 0x10, 0xd6, 0x01}},
};

static void expect_noise(size_t at, uint8_t *encoded)
{
    uint8_t ciphertext[512], hash[32];
    size_t modulus_len = noises[at].modulus_len, len;
    fill_ciphertext(ciphertext, modulus_len, noises[at].variant);
    assert_ok(hsm_pkcs1_unpad(secret, kq_slice_of(ciphertext, modulus_len), encoded, &len));
    assert_int_equal(len, noises[at].len);
    assert_memory_equal(encoded + modulus_len - len, noises[at].first, 8);
    kq_sha256(kq_slice_of(encoded + modulus_len - len, len), hash);
    assert_memory_equal(hash, noises[at].hash, 4);
}

/* Whatever is wrong with the padding, what comes out does not say so. */
static void unpad__each_wrong_padding__the_same_noise(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(noises); i++) {
        size_t k = noises[i].modulus_len;
        uint8_t encoded[512];
        encode(encoded, k, 20);
        encoded[0] = 1;
        expect_noise(i, encoded);
        encode(encoded, k, 20);
        encoded[1] = 1;
        expect_noise(i, encoded);
        encode(encoded, k, 20);
        encoded[1] = 0;
        expect_noise(i, encoded);
        for (size_t at = 2; at < 10; at++) { /* a zero among the first eight */
            encode(encoded, k, 20);
            encoded[at] = 0;
            expect_noise(i, encoded);
        }
        memset(encoded, 0xd7, k); /* no zero at all */
        encoded[0] = 0;
        encoded[1] = 2;
        expect_noise(i, encoded);
        memset(encoded, 0, k);
        expect_noise(i, encoded);
    }
}

/* The noise is another one for another ciphertext and another key, and its lengths cover the range. */
static void unpad__many_ciphertexts__lengths_spread(void **state)
{
    (void)state;
    enum { RUNS = 2000, K = 128, LIMIT = K - 10 };
    unsigned num_short = 0, num_long = 0;
    uint8_t ciphertext[K], encoded[K], other_secret[32] = {9}, former[K] = {0};
    for (unsigned i = 0; i < RUNS; i++) {
        size_t len, other_len;
        fill_ciphertext(ciphertext, K, i);
        ciphertext[0] = (uint8_t)(i >> 8);
        memset(encoded, 0, K);
        assert_ok(hsm_pkcs1_unpad(secret, kq_slice_of(ciphertext, K), encoded, &len));
        assert_true(len < LIMIT);
        assert_memory_not_equal(encoded, former, K);
        memcpy(former, encoded, K);
        num_short += len < LIMIT / 4;
        num_long += len >= LIMIT - LIMIT / 4;
        memset(encoded, 0, K);
        assert_ok(hsm_pkcs1_unpad(other_secret, kq_slice_of(ciphertext, K), encoded, &other_len));
        assert_memory_not_equal(encoded, former, K);
    }
    assert_in_range(num_short, RUNS / 5, RUNS / 3);
    assert_in_range(num_long, RUNS / 5, RUNS / 3);
}

/* ---- with a key --------------------------------------------------------------------------- */

static struct hsm_key *new_rsa(uint64_t bits)
{
    struct hsm_key *key = NULL;
    assert_ok(hsm_key_generate(KQ_KEY_RSA, bits, 0, &key));
    return key;
}

static void pkcs1_open__each_length__round_trip(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 16, 48, 245};
    uint8_t text[245];
    memset(text, 0x3c, sizeof text);
    KQ_AUTO(hsm_key) key = new_rsa(2048);
    KQ_AUTO(kq_public_key) public_key = NULL;
    assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
    for (size_t i = 0; i < KQ_COUNT_OF(lens); i++) {
        KQ_AUTO_VALUE(kq_buffer) sealed = {0}, plain = {0};
        kq_buffer_init(&sealed, 512);
        kq_buffer_init(&plain, 512);
        assert_ok(kq_public_key_pkcs1_encrypt(public_key, kq_slice_of(text, lens[i]), &sealed));
        assert_ok(hsm_key_pkcs1_open(key, kq_buffer_slice(&sealed), &plain));
        assert_slice_equal(kq_buffer_slice(&plain), kq_slice_of(text, lens[i]));
    }
}

static void pkcs1_open__what_everybody_can_see_is_wrong__an_error(void **state)
{
    (void)state;
    uint8_t bytes[257];
    memset(bytes, 0xff, sizeof bytes);
    KQ_AUTO(hsm_key) key = new_rsa(2048);
    KQ_AUTO(hsm_key) curve = NULL;
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, 512);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &curve));
    assert_status(hsm_key_pkcs1_open(key, kq_slice_of(bytes, 256), &plain), KQ_ERR_AUTH); /* above the modulus */
    memset(bytes, 0x11, sizeof bytes);
    assert_status(hsm_key_pkcs1_open(key, kq_slice_of(bytes, 255), &plain), KQ_ERR_AUTH);
    assert_status(hsm_key_pkcs1_open(key, kq_slice_of(bytes, 257), &plain), KQ_ERR_AUTH);
    assert_status(hsm_key_pkcs1_open(key, KQ_SLICE_EMPTY, &plain), KQ_ERR_AUTH);
    assert_status(hsm_key_pkcs1_open(curve, kq_slice_of(bytes, 256), &plain), KQ_ERR_ARGUMENT);
    assert_int_equal(plain.len, 0);
}

/* The noise survives sealing, closing and opening the key: it hangs on the key alone. */
static void pkcs1_open__noise__same_again_and_after_reopening(void **state)
{
    (void)state;
    static const uint8_t ciphertext[256] = {1, 2, 3};
    KQ_AUTO(hsm_key) key = new_rsa(2048);
    KQ_AUTO(hsm_key) again = NULL;
    KQ_AUTO(hsm_key) other = new_rsa(2048);
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0}, first = {0}, second = {0}, third = {0}, foreign = {0};
    struct kq_buffer *const buffers[] = {&pkcs8, &first, &second, &third, &foreign};
    for (size_t i = 0; i < KQ_COUNT_OF(buffers); i++)
        kq_buffer_init(buffers[i], KQ_PRIVATE_MAX);
    assert_ok(hsm_key_bytes(key, &pkcs8));
    assert_ok(hsm_key_open(KQ_KEY_RSA, kq_buffer_slice(&pkcs8), &again));
    assert_ok(hsm_key_pkcs1_open(key, kq_slice_of(ciphertext, 256), &first));
    assert_ok(hsm_key_pkcs1_open(key, kq_slice_of(ciphertext, 256), &second));
    assert_ok(hsm_key_pkcs1_open(again, kq_slice_of(ciphertext, 256), &third));
    assert_ok(hsm_key_pkcs1_open(other, kq_slice_of(ciphertext, 256), &foreign));
    assert_slice_equal(kq_buffer_slice(&first), kq_buffer_slice(&second));
    assert_slice_equal(kq_buffer_slice(&first), kq_buffer_slice(&third));
    assert_false(kq_slice_is_equal(kq_buffer_slice(&first), kq_buffer_slice(&foreign)));
}

/* ---- the attack ------------------------------------------------------------------------------ */

/* Bleichenbacher's adaptive attack of 1998, steps 2 and 3, against an oracle
 * that says of c * s^e whether its padding "is right". */
#define INTERVALS_MAX 256u
struct interval {
    BIGNUM *low, *high;
};
struct attack {
    BN_CTX *ctx;
    const BIGNUM *n, *e, *c;                  /* c is the ciphertext to be read */
    const BIGNUM *m;                          /* what it holds, padding and all: the referee's */
    BIGNUM *b2, *b3;                          /* 2B and 3B */
    struct interval intervals[INTERVALS_MAX]; /* where the attacker believes m lies */
    size_t num_intervals;
    BIGNUM *s, *r, *t, *u, *x;
    const struct hsm_key *key;
    size_t expected_len; /* 0: any */
    size_t num_queries, max_queries;
    size_t num_yes, num_true; /* answers, and how many of them were so */
};
typedef bool attack_oracle(struct attack *attack);

static void check(int done)
{
    assert_int_equal(done, 1);
}

/* The padding of m * s modulo n, as it is. */
static bool is_conforming(struct attack *a)
{
    uint8_t em[128];
    bool has_zero = false;
    check(BN_mod_mul(a->t, a->m, a->s, a->n, a->ctx));
    check(BN_bn2binpad(a->t, em, sizeof em) == (int)sizeof em);
    for (size_t i = 2; i < 10; i++) {
        if (em[i] == 0)
            return false;
    }
    for (size_t i = 10; i < sizeof em; i++)
        has_zero = has_zero || em[i] == 0;
    return em[0] == 0 && em[1] == 2 && has_zero;
}

/* What a module without implicit rejection would answer. */
static bool ask_leaky_module(struct attack *a)
{
    return is_conforming(a);
}

/* All that our module's answer shows: that it came, and how long it is. */
static bool ask_module(struct attack *a)
{
    uint8_t ciphertext[128];
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, 256);
    check(BN_mod_exp(a->t, a->s, a->e, a->n, a->ctx));
    check(BN_mod_mul(a->t, a->t, a->c, a->n, a->ctx));
    check(BN_bn2binpad(a->t, ciphertext, sizeof ciphertext) == (int)sizeof ciphertext);
    kq_status status = hsm_key_pkcs1_open(a->key, kq_slice_of(ciphertext, sizeof ciphertext), &plain);
    return status == KQ_OK && (a->expected_len == 0 || plain.len == a->expected_len);
}

static bool ask(struct attack *a, attack_oracle *oracle)
{
    a->num_queries++;
    if (!oracle(a))
        return false;
    a->num_yes++;
    a->num_true += is_conforming(a);
    return true;
}

/* out = ceil(a / b) */
static void divide_up(struct attack *attack, BIGNUM *out, const BIGNUM *a, const BIGNUM *b)
{
    check(BN_div(out, attack->x, a, b, attack->ctx));
    if (!BN_is_zero(attack->x))
        check(BN_add_word(out, 1));
}

/* Steps 2a and 2b: the next s the oracle likes. */
static bool find_above(struct attack *a, attack_oracle *oracle)
{
    for (; a->num_queries < a->max_queries; check(BN_add_word(a->s, 1))) {
        if (ask(a, oracle))
            return true;
    }
    return false;
}

/* Step 2c: (2B + rn) / high <= s < (3B + rn) / low, r from 2 (high * s - 2B) / n. */
static bool find_next(struct attack *a, attack_oracle *oracle)
{
    const struct interval *only = &a->intervals[0];
    bool found = false;
    BIGNUM *end = BN_new();
    check(BN_mul(a->t, only->high, a->s, a->ctx));
    check(BN_sub(a->t, a->t, a->b2));
    check(BN_lshift1(a->t, a->t));
    divide_up(a, a->r, a->t, a->n);
    for (; !found && a->num_queries < a->max_queries; check(BN_add_word(a->r, 1))) {
        check(BN_mul(a->t, a->r, a->n, a->ctx));
        check(BN_add(a->u, a->t, a->b2));
        divide_up(a, a->s, a->u, only->high);
        check(BN_add(a->u, a->t, a->b3));
        divide_up(a, end, a->u, only->low);
        while (!found && BN_cmp(a->s, end) < 0 && a->num_queries < a->max_queries) {
            found = ask(a, oracle);
            if (!found)
                check(BN_add_word(a->s, 1));
        }
    }
    BN_free(end);
    return found;
}

/* Adds what one interval becomes for one r: [ (2B + rn) / s, (3B - 1 + rn) / s ] cut to it. */
static void add_interval(struct attack *a, const struct interval *from, struct interval *out, size_t *num)
{
    BIGNUM *low = BN_new(), *high = BN_new();
    check(BN_mul(a->t, a->r, a->n, a->ctx));
    check(BN_add(a->u, a->t, a->b2));
    divide_up(a, low, a->u, a->s);
    check(BN_add(a->u, a->t, a->b3));
    check(BN_sub_word(a->u, 1));
    check(BN_div(high, NULL, a->u, a->s, a->ctx));
    if (BN_cmp(low, from->low) < 0)
        check(BN_copy(low, from->low) != NULL);
    if (BN_cmp(high, from->high) > 0)
        check(BN_copy(high, from->high) != NULL);
    if (BN_cmp(low, high) <= 0 && *num < INTERVALS_MAX) {
        out[(*num)++] = (struct interval){low, high};
        return;
    }
    BN_free(low);
    BN_free(high);
}

static void clear_intervals(struct interval *intervals, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        BN_free(intervals[i].low);
        BN_free(intervals[i].high);
    }
}

/* Step 3: (low * s - 3B + 1) / n <= r <= (high * s - 2B) / n for each interval. False: no number is left. */
static bool narrow(struct attack *a)
{
    struct interval next[INTERVALS_MAX];
    size_t num = 0;
    BIGNUM *last = BN_new();
    for (size_t i = 0; i < a->num_intervals; i++) {
        check(BN_mul(a->t, a->intervals[i].high, a->s, a->ctx));
        check(BN_sub(a->t, a->t, a->b2));
        check(BN_div(last, NULL, a->t, a->n, a->ctx));
        check(BN_mul(a->t, a->intervals[i].low, a->s, a->ctx));
        check(BN_sub(a->t, a->t, a->b3));
        check(BN_add_word(a->t, 1));
        divide_up(a, a->r, a->t, a->n);
        for (; BN_cmp(a->r, last) <= 0 && num < INTERVALS_MAX; check(BN_add_word(a->r, 1)))
            add_interval(a, &a->intervals[i], next, &num);
    }
    BN_free(last);
    clear_intervals(a->intervals, a->num_intervals);
    memcpy(a->intervals, next, num * sizeof next[0]);
    a->num_intervals = num;
    return num > 0;
}

/* True if the attacker ends with m. */
static bool run_attack(struct attack *a, attack_oracle *oracle)
{
    divide_up(a, a->s, a->n, a->b3);
    if (!find_above(a, oracle) || !narrow(a))
        return false;
    while (a->num_intervals > 1 || BN_cmp(a->intervals[0].low, a->intervals[0].high) != 0) {
        check(BN_add_word(a->s, 1));
        if (!(a->num_intervals > 1 ? find_above(a, oracle) : find_next(a, oracle)) || !narrow(a))
            return false;
    }
    return BN_cmp(a->intervals[0].low, a->m) == 0;
}

struct target {
    struct hsm_key *key;
    EVP_PKEY *public_key;
    BIGNUM *n, *e, *c, *m;
};

static void target_init(struct target *target)
{
    *target = (struct target){.key = new_rsa(1024)};
    const uint8_t *at = hsm_key_public(target->key).data;
    target->public_key = d2i_PUBKEY(NULL, &at, (long)hsm_key_public(target->key).len);
    check(EVP_PKEY_get_bn_param(target->public_key, OSSL_PKEY_PARAM_RSA_N, &target->n));
    check(EVP_PKEY_get_bn_param(target->public_key, OSSL_PKEY_PARAM_RSA_E, &target->e));
    uint8_t em[128];
    encode(em, sizeof em, 48); /* a premaster secret, say */
    target->m = BN_bin2bn(em, sizeof em, NULL);
    target->c = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    check(BN_mod_exp(target->c, target->m, target->e, target->n, ctx));
    BN_CTX_free(ctx);
}

static void target_clear(struct target *target)
{
    hsm_key_free(target->key);
    EVP_PKEY_free(target->public_key);
    BIGNUM *const numbers[] = {target->n, target->e, target->c, target->m};
    for (size_t i = 0; i < KQ_COUNT_OF(numbers); i++)
        BN_free(numbers[i]);
}

static void attack_init(struct attack *a, const struct target *target, size_t expected_len, size_t max_queries)
{
    *a = (struct attack){.ctx = BN_CTX_new(),
                         .n = target->n,
                         .e = target->e,
                         .c = target->c,
                         .m = target->m,
                         .key = target->key,
                         .expected_len = expected_len,
                         .max_queries = max_queries};
    BN_CTX_start(a->ctx);
    BIGNUM **const numbers[] = {&a->b2, &a->b3, &a->s, &a->r, &a->t, &a->u, &a->x};
    for (size_t i = 0; i < KQ_COUNT_OF(numbers); i++)
        *numbers[i] = BN_CTX_get(a->ctx);
    BIGNUM *b = BN_CTX_get(a->ctx);
    check(BN_set_bit(b, 8 * (128 - 2)));
    check(BN_copy(a->b2, b) != NULL && BN_mul_word(a->b2, 2) == 1);
    check(BN_copy(a->b3, b) != NULL && BN_mul_word(a->b3, 3) == 1);
    a->intervals[0] = (struct interval){BN_dup(a->b2), BN_dup(a->b3)};
    a->num_intervals = 1;
    check(BN_sub_word(a->intervals[0].high, 1));
}

static void attack_clear(struct attack *a)
{
    clear_intervals(a->intervals, a->num_intervals);
    BN_CTX_end(a->ctx);
    BN_CTX_free(a->ctx);
}

/* The attack is a real one: against an oracle that leaks it ends with the message. */
static void attack__leaky_module__reads_the_message(void **state)
{
    (void)state;
    struct target target;
    struct attack attack;
    target_init(&target);
    attack_init(&attack, &target, 0, 20000000);
    assert_true(run_attack(&attack, ask_leaky_module));
    assert_int_equal(attack.num_true, attack.num_yes);
    attack_clear(&attack);
    target_clear(&target);
}

/* Against ours, what the attacker takes for a hit is none. */
static void attack__module__reads_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t expected_len;
        size_t max_queries;
    } oracles[] = {{0, 500}, {48, 4000}, {16, 4000}};
    struct target target;
    target_init(&target);
    for (size_t i = 0; i < KQ_COUNT_OF(oracles); i++) {
        struct attack attack;
        attack_init(&attack, &target, oracles[i].expected_len, oracles[i].max_queries);
        assert_false(run_attack(&attack, ask_module));
        assert_int_not_equal(attack.num_yes, 0); /* the oracle said yes, */
        assert_int_equal(attack.num_true, 0);    /* and never because of a padding */
        attack_clear(&attack);
    }
    target_clear(&target);
}

/* Statuses and lengths of answers to right paddings and to wrong ones, made
 * with the public key: all are OK, and every length that a wrong one gives is
 * one that a right one may have. */
static void pkcs1_open__wrong_paddings__lengths_like_those_of_messages(void **state)
{
    (void)state;
    enum { RUNS = 600, K = 128 };
    struct target target;
    target_init(&target);
    BN_CTX *ctx = BN_CTX_new();
    size_t num_lens[3] = {0}, seen[K] = {0}, num_seen = 0;
    struct unit_random random = {.state = 7};
    for (size_t i = 0; i < RUNS; i++) {
        uint8_t em[K], ciphertext[K];
        KQ_AUTO_VALUE(kq_buffer) plain = {0};
        kq_buffer_init(&plain, 256);
        unit_random_fill(&random, em, sizeof em);
        em[0] = 0;
        em[1] = (uint8_t)(i % 2 == 0 ? 2 : 3);
        if (i % 2 == 0)
            em[2 + i % 8] = 0; /* nearly right */
        BN_bin2bn(em, sizeof em, target.m);
        check(BN_mod_exp(target.c, target.m, target.e, target.n, ctx));
        check(BN_bn2binpad(target.c, ciphertext, K) == K);
        assert_ok(hsm_key_pkcs1_open(target.key, kq_slice_of(ciphertext, K), &plain));
        assert_true(plain.len <= K - HSM_PKCS1_OVERHEAD);
        num_lens[plain.len * 3 / (K - 10)]++;
        num_seen += seen[plain.len]++ == 0;
    }
    for (size_t i = 0; i < 3; i++)
        assert_in_range(num_lens[i], RUNS / 4, RUNS / 2 - RUNS / 12);
    assert_true(num_seen > 100); /* of 118 */
    BN_CTX_free(ctx);
    target_clear(&target);
}

UNIT_MAIN(cmocka_unit_test(unpad__right_padding_of_each_length__the_message),
          cmocka_unit_test(unpad__each_wrong_padding__the_same_noise),
          cmocka_unit_test(unpad__many_ciphertexts__lengths_spread),
          cmocka_unit_test(pkcs1_open__each_length__round_trip),
          cmocka_unit_test(pkcs1_open__what_everybody_can_see_is_wrong__an_error),
          cmocka_unit_test(pkcs1_open__noise__same_again_and_after_reopening),
          cmocka_unit_test(attack__leaky_module__reads_the_message), cmocka_unit_test(attack__module__reads_nothing),
          cmocka_unit_test(pkcs1_open__wrong_paddings__lengths_like_those_of_messages))
