#include "module/privcrypto/jwk.h"

#include "base/size.h"
#include "base/text.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/rsa.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

/* ---- members of a key made here ------------------------------------------------------- */

#define TEXT_MAX 2048u

/* The members of a private key as text, with zeros in front where wanted. */
struct members {
    struct kq_buffer text[HSM_JWK_NUM_MEMBERS];
};
static void members_clear(struct members *members)
{
    for (size_t i = 0; i < HSM_JWK_NUM_MEMBERS; i++)
        kq_buffer_clear(&members->text[i]);
}
KQ_AUTO_DEFINE_VALUE(members);

static void set_bytes(struct members *members, enum hsm_jwk_member member, const uint8_t *bytes, size_t len)
{
    kq_buffer_clear(&members->text[member]);
    kq_buffer_init(&members->text[member], TEXT_MAX);
    assert_ok(kq_base64url_encode(kq_slice_of(bytes, len), &members->text[member]));
}

/* zeros < 0: that many fewer bytes than the curve has, which must be zero. */
static void set_number(struct members *members, enum hsm_jwk_member member, const BIGNUM *number, size_t len)
{
    uint8_t bytes[1024];
    if (len == 0)
        len = (size_t)BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, (int)len), len);
    set_bytes(members, member, bytes, len);
}

static struct hsm_jwk jwk_of(const struct members *members)
{
    struct hsm_jwk jwk;
    for (size_t i = 0; i < HSM_JWK_NUM_MEMBERS; i++)
        jwk.member[i] = kq_buffer_slice(&members->text[i]);
    return jwk;
}

static kq_status open(enum kq_key_type type, const struct members *members, struct hsm_key **out)
{
    const char *member;
    struct hsm_jwk jwk = jwk_of(members);
    return hsm_key_open_jwk(type, &jwk, out, &member);
}

static const enum hsm_jwk_member rsa_members[HSM_RSA_NUM_NUMBERS] = {
    [HSM_RSA_N] = HSM_JWK_N, [HSM_RSA_E] = HSM_JWK_E,   [HSM_RSA_D] = HSM_JWK_D,   [HSM_RSA_P] = HSM_JWK_P,
    [HSM_RSA_Q] = HSM_JWK_Q, [HSM_RSA_DP] = HSM_JWK_DP, [HSM_RSA_DQ] = HSM_JWK_DQ, [HSM_RSA_QINV] = HSM_JWK_QI,
};

static void numbers_of(const struct hsm_key *key, struct hsm_rsa *out)
{
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0};
    HSM_AUTO(EVP_PKEY) pkey = NULL;
    kq_buffer_init(&pkcs8, KQ_PRIVATE_MAX);
    assert_ok(hsm_key_bytes(key, &pkcs8));
    const uint8_t *at = pkcs8.data;
    pkey = d2i_AutoPrivateKey(NULL, &at, (long)pkcs8.len);
    assert_non_null(pkey);
    assert_ok(hsm_rsa_of_pkey(pkey, out));
}

static void write_rsa(const struct hsm_rsa *rsa, struct members *out)
{
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++)
        set_number(out, rsa_members[i], rsa->number[i], 0);
}

struct fixture {
    struct hsm_key *key; /* RSA 2048 */
    struct hsm_rsa rsa;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &f->key));
    numbers_of(f->key, &f->rsa);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hsm_key_free(f->key);
    hsm_rsa_clear(&f->rsa);
    free(f);
    return 0;
}

static void expect_same_key(const struct hsm_key *got, const struct hsm_key *expected)
{
    KQ_AUTO_VALUE(kq_buffer) a = {0}, b = {0};
    kq_buffer_init(&a, KQ_PRIVATE_MAX);
    kq_buffer_init(&b, KQ_PRIVATE_MAX);
    assert_ok(hsm_key_bytes(got, &a));
    assert_ok(hsm_key_bytes(expected, &b));
    assert_slice_equal(kq_buffer_slice(&a), kq_buffer_slice(&b));
    assert_slice_equal(hsm_key_public(got), hsm_key_public(expected));
}

/* ---- RSA --------------------------------------------------------------------------------- */

static void open_jwk__rsa_with_and_without_crt_values__the_same_key(void **state)
{
    struct fixture *f = *state;
    for (unsigned given = 0; given < 8; given++) {
        static const enum hsm_jwk_member optional[] = {HSM_JWK_DP, HSM_JWK_DQ, HSM_JWK_QI};
        KQ_AUTO_VALUE(members) members = {0};
        KQ_AUTO(hsm_key) key = NULL;
        write_rsa(&f->rsa, &members);
        for (size_t i = 0; i < 3; i++) {
            if ((given >> i & 1) == 0)
                kq_buffer_clear(&members.text[optional[i]]);
        }
        assert_ok(open(KQ_KEY_RSA, &members, &key));
        expect_same_key(key, f->key);
    }
}

static void open_jwk__rsa_numbers_with_zeros_in_front__the_same_key(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(members) members = {0};
    KQ_AUTO(hsm_key) key = NULL;
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++)
        set_number(&members, rsa_members[i], f->rsa.number[i], 257 + i);
    assert_ok(open(KQ_KEY_RSA, &members, &key));
    expect_same_key(key, f->key);
}

/* The order of the primes is the caller's: q then is p, and its coefficient another one. */
static void open_jwk__primes_the_other_way_round__a_valid_key(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(members) members = {0};
    KQ_AUTO(hsm_key) key = NULL;
    write_rsa(&f->rsa, &members);
    set_number(&members, HSM_JWK_P, f->rsa.number[HSM_RSA_Q], 0);
    set_number(&members, HSM_JWK_Q, f->rsa.number[HSM_RSA_P], 0);
    assert_status(open(KQ_KEY_RSA, &members, &key), KQ_ERR_ARGUMENT); /* dp, dq, qi are of the others */
    kq_buffer_clear(&members.text[HSM_JWK_DP]);
    kq_buffer_clear(&members.text[HSM_JWK_DQ]);
    kq_buffer_clear(&members.text[HSM_JWK_QI]);
    assert_ok(open(KQ_KEY_RSA, &members, &key));
    assert_slice_equal(hsm_key_public(key), hsm_key_public(f->key));
}

/* Each number changed a little: one error for all. */
static void open_jwk__rsa_number_changed__argument(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        for (unsigned delta = 1; delta <= 2; delta++) {
            KQ_AUTO_VALUE(members) members = {0};
            KQ_AUTO(hsm_key) key = NULL;
            BIGNUM *changed = BN_dup(f->rsa.number[i]);
            write_rsa(&f->rsa, &members);
            assert_int_equal(BN_add_word(changed, delta), 1);
            set_number(&members, rsa_members[i], changed, 0);
            BN_free(changed);
            assert_status(open(KQ_KEY_RSA, &members, &key), KQ_ERR_ARGUMENT);
            assert_null(key);
        }
    }
}

static void open_jwk__rsa_degenerate_numbers__argument(void **state)
{
    struct fixture *f = *state;
    static const uint8_t zero[1] = {0}, one[1] = {1}, three[1] = {3};
    static const struct kq_slice values[] = {{zero, 1}, {one, 1}, {three, 1}};
    for (size_t i = HSM_RSA_E; i < HSM_RSA_NUM_NUMBERS; i++) {
        for (size_t v = 0; v < KQ_COUNT_OF(values); v++) {
            for (unsigned is_crt_given = 0; is_crt_given < 2; is_crt_given++) {
                KQ_AUTO_VALUE(members) members = {0};
                KQ_AUTO(hsm_key) key = NULL;
                write_rsa(&f->rsa, &members);
                if (!is_crt_given) {
                    kq_buffer_clear(&members.text[HSM_JWK_DP]);
                    kq_buffer_clear(&members.text[HSM_JWK_DQ]);
                    kq_buffer_clear(&members.text[HSM_JWK_QI]);
                }
                set_bytes(&members, rsa_members[i], values[v].data, values[v].len);
                assert_status(open(KQ_KEY_RSA, &members, &key), KQ_ERR_ARGUMENT);
            }
        }
    }
}

/* n = pq with p composite and everything consistent with it as far as arithmetic goes. */
static void open_jwk__composite_prime__argument(void **state)
{
    (void)state;
    BN_CTX *ctx = BN_CTX_new();
    struct hsm_rsa rsa = {0};
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++)
        rsa.number[i] = BN_new();
    BIGNUM *a = BN_new(), *b = BN_new(), *phi = BN_new(), *p1 = BN_new(), *q1 = BN_new();
    BN_set_word(rsa.number[HSM_RSA_E], 65537);
    do { /* p = ab, and d made for p - 1 all the same */
        BN_generate_prime_ex(a, 512, 0, NULL, NULL, NULL);
        BN_generate_prime_ex(b, 512, 0, NULL, NULL, NULL);
        BN_mul(rsa.number[HSM_RSA_P], a, b, ctx);
        BN_generate_prime_ex(rsa.number[HSM_RSA_Q], 1024, 0, NULL, NULL, NULL);
        BN_mul(rsa.number[HSM_RSA_N], rsa.number[HSM_RSA_P], rsa.number[HSM_RSA_Q], ctx);
        BN_sub(p1, rsa.number[HSM_RSA_P], BN_value_one());
        BN_sub(q1, rsa.number[HSM_RSA_Q], BN_value_one());
        BN_mul(phi, p1, q1, ctx);
    } while (BN_num_bits(rsa.number[HSM_RSA_N]) != 2048 || BN_num_bits(rsa.number[HSM_RSA_P]) != 1024 ||
             BN_mod_inverse(rsa.number[HSM_RSA_D], rsa.number[HSM_RSA_E], phi, ctx) == NULL);
    BN_mod(rsa.number[HSM_RSA_DP], rsa.number[HSM_RSA_D], p1, ctx);
    BN_mod(rsa.number[HSM_RSA_DQ], rsa.number[HSM_RSA_D], q1, ctx);
    assert_non_null(BN_mod_inverse(rsa.number[HSM_RSA_QINV], rsa.number[HSM_RSA_Q], rsa.number[HSM_RSA_P], ctx));
    assert_ok(hsm_rsa_check(&rsa, 2048, HSM_RSA_ARITHMETIC)); /* so primality alone is what fails */
    KQ_AUTO_VALUE(members) members = {0};
    KQ_AUTO(hsm_key) key = NULL;
    write_rsa(&rsa, &members);
    assert_status(open(KQ_KEY_RSA, &members, &key), KQ_ERR_ARGUMENT);
    BIGNUM *const numbers[] = {a, b, phi, p1, q1};
    for (size_t i = 0; i < KQ_COUNT_OF(numbers); i++)
        BN_free(numbers[i]);
    hsm_rsa_clear(&rsa);
    BN_CTX_free(ctx);
}

static void open_jwk__rsa_of_1024_bits__unsupported(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) small = NULL;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(hsm_rsa) rsa = {0};
    KQ_AUTO_VALUE(members) members = {0};
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 1024, 0, &small));
    numbers_of(small, &rsa);
    write_rsa(&rsa, &members);
    assert_status(open(KQ_KEY_RSA, &members, &key), KQ_ERR_UNSUPPORTED);
}

/* ---- EC ------------------------------------------------------------------------------------ */

/* A key of a curve from its scalar. */
static void write_ec(const struct hsm_curve *curve, const BIGNUM *scalar, size_t scalar_len, struct members *out)
{
    KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve, .scalar = BN_dup(scalar)};
    assert_ok(hsm_ec_check(&ec)); /* fills in the point */
    set_bytes(out, HSM_JWK_X, ec.point + 1, curve->len);
    set_bytes(out, HSM_JWK_Y, ec.point + 1 + curve->len, curve->len);
    set_number(out, HSM_JWK_D, scalar, scalar_len);
}

static const enum kq_key_type curve_types[] = {KQ_KEY_EC_P256, KQ_KEY_EC_P384, KQ_KEY_EC_P521, KQ_KEY_EC_SECP256K1};

static void open_jwk__each_curve_and_length_of_scalar__a_key(void **state)
{
    (void)state;
    BIGNUM *scalar = BN_new();
    BN_set_word(scalar, 0x1234567);
    for (size_t i = 0; i < KQ_COUNT_OF(curve_types); i++) {
        const struct hsm_curve *curve = hsm_curve_of_type(curve_types[i]);
        const size_t lens[] = {0, curve->len - 1, curve->len, curve->len + 1, 500};
        for (size_t l = 0; l < KQ_COUNT_OF(lens); l++) {
            KQ_AUTO_VALUE(members) members = {0};
            KQ_AUTO(hsm_key) key = NULL;
            write_ec(curve, scalar, lens[l], &members);
            assert_ok(open(curve->type, &members, &key));
            assert_int_equal(hsm_key_type(key), curve->type);
            assert_int_equal(hsm_key_bits(key), curve->bits);
        }
    }
    BN_free(scalar);
}

/* A coordinate with a zero in front may come without it: scalars are tried until one has such a point. */
static void open_jwk__short_coordinates__padded(void **state)
{
    (void)state;
    const struct hsm_curve *curve = hsm_curve_of_type(KQ_KEY_EC_P256);
    BIGNUM *scalar = BN_new();
    for (unsigned d = 1, num_found = 0; num_found < 2; d++) {
        KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve, .scalar = BN_new()};
        BN_set_word(ec.scalar, d);
        assert_ok(hsm_ec_check(&ec));
        size_t at = num_found == 0 ? 1 : 33;
        if (ec.point[at] != 0)
            continue;
        num_found++;
        KQ_AUTO_VALUE(members) members = {0};
        KQ_AUTO(hsm_key) key = NULL;
        BN_set_word(scalar, d);
        write_ec(curve, scalar, 0, &members);
        set_bytes(&members, at == 1 ? HSM_JWK_X : HSM_JWK_Y, ec.point + at + 1, 31);
        assert_ok(open(KQ_KEY_EC_P256, &members, &key));
        KQ_AUTO(kq_public_key) public_key = NULL;
        assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
    }
    BN_free(scalar);
}

static void open_jwk__wrong_curve_key__argument(void **state)
{
    (void)state;
    const struct hsm_curve *curve = hsm_curve_of_type(KQ_KEY_EC_P256);
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                      0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t point[32] = {0}, huge[33] = {1}, one_too_long[33] = {1}, larger[32];
    one_too_long[32] = 1; /* right but for the byte in front */
    memcpy(larger, order, sizeof larger);
    larger[31]++; /* order + 1: the same point as scalar 1 */
    BIGNUM *one = BN_new();
    BN_set_word(one, 1);
    const struct {
        enum hsm_jwk_member member;
        const uint8_t *bytes;
        size_t len;
    } cases[] = {
        {HSM_JWK_X, point, 32},        {HSM_JWK_Y, point, 32}, {HSM_JWK_D, point, 32}, {HSM_JWK_D, order, 32},
        {HSM_JWK_D, larger, 32},       {HSM_JWK_D, huge, 33},  {HSM_JWK_X, huge, 33},  {HSM_JWK_Y, huge, 33},
        {HSM_JWK_D, one_too_long, 33}, {HSM_JWK_D, order, 31},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        KQ_AUTO_VALUE(members) members = {0};
        KQ_AUTO(hsm_key) key = NULL;
        write_ec(curve, one, 0, &members);
        set_bytes(&members, cases[i].member, cases[i].bytes, cases[i].len);
        assert_status(open(KQ_KEY_EC_P256, &members, &key), KQ_ERR_ARGUMENT);
    }
    /* a sound key of another curve of the same length */
    KQ_AUTO_VALUE(members) members = {0};
    KQ_AUTO(hsm_key) key = NULL;
    write_ec(curve, one, 0, &members);
    assert_status(open(KQ_KEY_EC_SECP256K1, &members, &key), KQ_ERR_ARGUMENT);
    BN_free(one);
}

/* ---- form ------------------------------------------------------------------------------------- */

static void open_jwk__member_missing_or_foreign__named(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum kq_key_type type;
        enum hsm_jwk_member cleared;
        const char *name;
    } cases[] = {
        {KQ_KEY_RSA, HSM_JWK_N, "n"},     {KQ_KEY_RSA, HSM_JWK_E, "e"},     {KQ_KEY_RSA, HSM_JWK_D, "d"},
        {KQ_KEY_RSA, HSM_JWK_P, "p"},     {KQ_KEY_RSA, HSM_JWK_Q, "q"},     {KQ_KEY_EC_P256, HSM_JWK_D, "d"},
        {KQ_KEY_EC_P256, HSM_JWK_X, "x"}, {KQ_KEY_EC_P256, HSM_JWK_Y, "y"},
    };
    BIGNUM *one = BN_new();
    BN_set_word(one, 1);
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        KQ_AUTO_VALUE(members) members = {0};
        struct hsm_key *key = NULL;
        const char *member;
        if (cases[i].type == KQ_KEY_RSA)
            write_rsa(&f->rsa, &members);
        else
            write_ec(hsm_curve_of_type(cases[i].type), one, 0, &members);
        struct hsm_jwk jwk = jwk_of(&members);
        jwk.member[cases[i].cleared] = KQ_SLICE_EMPTY;
        assert_status(hsm_key_open_jwk(cases[i].type, &jwk, &key, &member), KQ_ERR_NOT_FOUND);
        assert_string_equal(member, cases[i].name);
        jwk = jwk_of(&members);
        jwk.member[cases[i].cleared] = kq_slice_text("AQ=="); /* padding */
        assert_status(hsm_key_open_jwk(cases[i].type, &jwk, &key, &member), KQ_ERR_FORMAT);
        assert_string_equal(member, cases[i].name);
        jwk.member[cases[i].cleared] = kq_slice_text("A+/B");
        assert_status(hsm_key_open_jwk(cases[i].type, &jwk, &key, &member), KQ_ERR_FORMAT);
        jwk = jwk_of(&members);
        enum hsm_jwk_member foreign = cases[i].type == KQ_KEY_RSA ? HSM_JWK_X : HSM_JWK_P;
        jwk.member[foreign] = kq_slice_text("AQ");
        assert_status(hsm_key_open_jwk(cases[i].type, &jwk, &key, &member), KQ_ERR_FORMAT);
        assert_string_equal(member, foreign == HSM_JWK_X ? "x" : "p");
    }
    BN_free(one);
}

static void open_jwk__symmetric_or_dsa__unsupported(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(members) members = {0};
    KQ_AUTO(hsm_key) key = NULL;
    write_rsa(&f->rsa, &members);
    assert_status(open(KQ_KEY_AES, &members, &key), KQ_ERR_UNSUPPORTED);
    assert_status(open(KQ_KEY_DSA, &members, &key), KQ_ERR_UNSUPPORTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
UNIT_MAIN(TEST(open_jwk__rsa_with_and_without_crt_values__the_same_key),
          TEST(open_jwk__rsa_numbers_with_zeros_in_front__the_same_key),
          TEST(open_jwk__primes_the_other_way_round__a_valid_key), TEST(open_jwk__rsa_number_changed__argument),
          TEST(open_jwk__rsa_degenerate_numbers__argument), cmocka_unit_test(open_jwk__composite_prime__argument),
          cmocka_unit_test(open_jwk__rsa_of_1024_bits__unsupported),
          cmocka_unit_test(open_jwk__each_curve_and_length_of_scalar__a_key),
          cmocka_unit_test(open_jwk__short_coordinates__padded), cmocka_unit_test(open_jwk__wrong_curve_key__argument),
          TEST(open_jwk__member_missing_or_foreign__named), TEST(open_jwk__symmetric_or_dsa__unsupported))
