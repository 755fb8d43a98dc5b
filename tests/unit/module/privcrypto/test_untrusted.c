#include "unit.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "module/privcrypto/ec.h"
#include "module/privcrypto/key.h"
#include "module/privcrypto/oid.h"
#include "module/privcrypto/pkcs8.h"
#include "module/privcrypto/rsa.h"

/* One valid key of each family, made once, taken apart, spoilt and put together again. */
struct fixture {
    struct hsm_key *rsa;
    struct kq_buffer rsa_der;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &fixture.rsa));
    kq_buffer_init(&fixture.rsa_der, KQ_PRIVATE_MAX);
    assert_ok(hsm_key_bytes(fixture.rsa, &fixture.rsa_der));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    hsm_key_free(fixture->rsa);
    kq_buffer_clear(&fixture->rsa_der);
    return 0;
}

static struct hsm_rsa numbers_of(const struct fixture *fixture)
{
    struct hsm_pkcs8 parts;
    struct hsm_rsa rsa;
    assert_ok(hsm_pkcs8_get(kq_buffer_slice(&fixture->rsa_der), &parts));
    assert_ok(hsm_rsa_get(parts.key, &rsa));
    return rsa;
}

/* PKCS#8 around algorithm parameters and key octets. */
static void wrap(struct kq_slice oid, uint8_t parameters_tag, struct kq_slice parameters, struct kq_slice key,
                 struct kq_der_writer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) algorithm = {0}, inner = {0};
    kq_der_writer_init(&algorithm, 8192);
    kq_der_writer_init(&inner, 8192);
    kq_der_put(&algorithm, KQ_DER_OID, oid);
    kq_der_put(&algorithm, parameters_tag, parameters);
    kq_der_put_positive(&inner, KQ_SLICE_EMPTY);
    kq_der_put(&inner, KQ_DER_SEQUENCE, kq_buffer_slice(&algorithm.buffer));
    kq_der_put(&inner, KQ_DER_OCTET_STRING, key);
    kq_der_put(out, KQ_DER_SEQUENCE, kq_buffer_slice(&inner.buffer));
}

static void wrap_rsa(const struct hsm_rsa *rsa, struct kq_der_writer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) key = {0};
    kq_der_writer_init(&key, 8192);
    hsm_rsa_put(rsa, &key);
    wrap(HSM_OID_RSA, KQ_DER_NULL, KQ_SLICE_EMPTY, kq_buffer_slice(&key.buffer), out);
}

static void expect_rsa(const struct hsm_rsa *rsa, kq_status untrusted, kq_status clear)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(hsm_key) clear_key = NULL;
    KQ_AUTO_VALUE(kq_der_writer) der = {0};
    kq_der_writer_init(&der, 8192);
    wrap_rsa(rsa, &der);
    assert_ok(der.failure);
    assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 2048, kq_buffer_slice(&der.buffer), &key), untrusted);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&der.buffer), &clear_key), clear);
    assert_int_equal(key == NULL, untrusted != KQ_OK);
}

static void expect_refused(const struct hsm_rsa *rsa)
{
    expect_rsa(rsa, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
}

static void open_untrusted__valid_rsa__opens(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    expect_rsa(&rsa, KQ_OK, KQ_OK);
}

/* p and q change places with their CRT values: still the same key. */
static void open_untrusted__primes_in_other_order__opens(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    BN_CTX *ctx = BN_CTX_new();
    BN_swap(rsa.number[HSM_RSA_P], rsa.number[HSM_RSA_Q]);
    BN_swap(rsa.number[HSM_RSA_DP], rsa.number[HSM_RSA_DQ]);
    BN_mod_inverse(rsa.number[HSM_RSA_QINV], rsa.number[HSM_RSA_Q], rsa.number[HSM_RSA_P], ctx);
    expect_rsa(&rsa, KQ_OK, KQ_OK);
    BN_CTX_free(ctx);
}

static void open_untrusted__each_number_off_by_one_or_two__refused(void **state)
{
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        for (BN_ULONG step = 1; step <= 2; step++) {
            KQ_AUTO_VALUE(hsm_rsa) more = numbers_of(*state);
            KQ_AUTO_VALUE(hsm_rsa) less = numbers_of(*state);
            BN_add_word(more.number[i], step);
            BN_sub_word(less.number[i], step);
            expect_refused(&more);
            expect_refused(&less);
        }
    }
}

static void open_untrusted__each_number_zero_or_one__refused(void **state)
{
    for (size_t i = 0; i < HSM_RSA_NUM_NUMBERS; i++) {
        for (BN_ULONG value = 0; value <= 1; value++) {
            KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
            BN_set_word(rsa.number[i], value);
            kq_status clear = value == 0       ? KQ_ERR_FORMAT /* numbers of a key are positive */
                              : i == HSM_RSA_N ? KQ_ERR_UNSUPPORTED
                                               : KQ_ERR_ARGUMENT;
            expect_rsa(&rsa, KQ_ERR_AUTH, clear);
        }
    }
}

/* Makes a consistent key of p, q and e, whatever they are; false if e has no inverse. */
static bool complete(struct hsm_rsa *rsa)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p1 = BN_dup(rsa->number[HSM_RSA_P]), *q1 = BN_dup(rsa->number[HSM_RSA_Q]), *phi = BN_new();
    BN_sub_word(p1, 1);
    BN_sub_word(q1, 1);
    BN_mul(phi, p1, q1, ctx);
    BN_mul(rsa->number[HSM_RSA_N], rsa->number[HSM_RSA_P], rsa->number[HSM_RSA_Q], ctx);
    bool done = BN_mod_inverse(rsa->number[HSM_RSA_D], rsa->number[HSM_RSA_E], phi, ctx) != NULL &&
                BN_mod(rsa->number[HSM_RSA_DP], rsa->number[HSM_RSA_D], p1, ctx) &&
                BN_mod(rsa->number[HSM_RSA_DQ], rsa->number[HSM_RSA_D], q1, ctx) &&
                BN_mod_inverse(rsa->number[HSM_RSA_QINV], rsa->number[HSM_RSA_Q], rsa->number[HSM_RSA_P], ctx);
    BN_free(p1);
    BN_free(q1);
    BN_free(phi);
    BN_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

/* q is the product of two primes of half its length; every other number is
 * consistent, so that only the primality test can tell. */
static void open_untrusted__three_primes_as_two__refused(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *a = BN_new(), *b = BN_new();
    do {
        BN_generate_prime_ex(a, 512, 0, NULL, NULL, NULL);
        BN_generate_prime_ex(b, 512, 0, NULL, NULL, NULL);
        BN_mul(rsa.number[HSM_RSA_Q], a, b, ctx);
    } while (!complete(&rsa) || BN_num_bits(rsa.number[HSM_RSA_N]) != 2048);
    assert_ok(hsm_rsa_check(&rsa, 2048, HSM_RSA_ARITHMETIC)); /* the spoilt key is otherwise sound */
    expect_refused(&rsa);
    BN_free(a);
    BN_free(b);
    BN_CTX_free(ctx);
}

static void open_untrusted__more_than_two_primes_declared__format(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    KQ_AUTO_VALUE(kq_der_writer) key = {0}, der = {0};
    struct hsm_key *none = NULL;
    kq_der_writer_init(&key, 8192);
    kq_der_writer_init(&der, 8192);
    hsm_rsa_put(&rsa, &key);
    assert_int_equal(key.buffer.data[6], 0); /* version, after the heads of sequence and integer */
    key.buffer.data[6] = 1;
    wrap(HSM_OID_RSA, KQ_DER_NULL, KQ_SLICE_EMPTY, kq_buffer_slice(&key.buffer), &der);
    assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 2048, kq_buffer_slice(&der.buffer), &none), KQ_ERR_AUTH);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&der.buffer), &none), KQ_ERR_FORMAT);
}

static void open_untrusted__equal_or_close_primes__refused(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    BN_copy(rsa.number[HSM_RSA_Q], rsa.number[HSM_RSA_P]);
    kq_ignore(complete(&rsa) ? KQ_OK : KQ_ERR_ARGUMENT, "p has no inverse modulo itself");
    if (BN_num_bits(rsa.number[HSM_RSA_N]) == 2048)
        expect_refused(&rsa);
    do { /* the next prime after p: a distance of a few hundred */
        BN_add_word(rsa.number[HSM_RSA_Q], 2);
    } while (BN_check_prime(rsa.number[HSM_RSA_Q], NULL, NULL) != 1 || !complete(&rsa));
    if (BN_num_bits(rsa.number[HSM_RSA_N]) == 2048)
        expect_refused(&rsa);
}

static void open_untrusted__exponent_not_allowed__refused(void **state)
{
    static const BN_ULONG exponents[] = {3, 17, 65535};
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
        BN_set_word(rsa.number[HSM_RSA_E], exponents[i]);
        if (complete(&rsa))
            expect_refused(&rsa);
    }
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    do { /* 65 bits */
        BN_rand(rsa.number[HSM_RSA_E], 65, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    } while (!complete(&rsa));
    expect_refused(&rsa);
}

/* A private exponent below 2^(nlen/2): Wiener and his successors read it off the public key. */
static void open_untrusted__small_private_exponent__refused(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    BIGNUM *small = BN_new();
    do {
        BN_rand(rsa.number[HSM_RSA_E], 512, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    } while (!complete(&rsa));
    BN_copy(small, rsa.number[HSM_RSA_E]); /* d and e change roles */
    BN_copy(rsa.number[HSM_RSA_E], rsa.number[HSM_RSA_D]);
    BN_copy(rsa.number[HSM_RSA_D], small);
    BN_copy(rsa.number[HSM_RSA_DP], small);
    BN_copy(rsa.number[HSM_RSA_DQ], small);
    expect_refused(&rsa);
    BN_free(small);
}

/* d + lcm is the same exponent in another dress. */
static void open_untrusted__private_exponent_above_modulus__refused(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p1 = BN_dup(rsa.number[HSM_RSA_P]), *q1 = BN_dup(rsa.number[HSM_RSA_Q]), *phi = BN_new();
    BN_sub_word(p1, 1);
    BN_sub_word(q1, 1);
    BN_mul(phi, p1, q1, ctx);
    while (BN_ucmp(rsa.number[HSM_RSA_D], rsa.number[HSM_RSA_N]) < 0)
        BN_add(rsa.number[HSM_RSA_D], rsa.number[HSM_RSA_D], phi);
    expect_refused(&rsa);
    BN_free(p1);
    BN_free(q1);
    BN_free(phi);
    BN_CTX_free(ctx);
}

/* The coefficient plus p does the same in a calculation, but is not the number of the encoding. */
static void open_untrusted__coefficient_not_reduced__refused(void **state)
{
    KQ_AUTO_VALUE(hsm_rsa) rsa = numbers_of(*state);
    BN_add(rsa.number[HSM_RSA_QINV], rsa.number[HSM_RSA_QINV], rsa.number[HSM_RSA_P]);
    expect_refused(&rsa);
}

static void open_untrusted__another_size_or_type_than_stated__auth(void **state)
{
    const struct fixture *fixture = *state;
    struct kq_slice der = kq_buffer_slice(&fixture->rsa_der);
    struct hsm_key *none = NULL;
    assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 3072, der, &none), KQ_ERR_AUTH);
    assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 2047, der, &none), KQ_ERR_AUTH);
    assert_status(hsm_key_open_untrusted(KQ_KEY_EC_P256, 256, der, &none), KQ_ERR_AUTH);
    KQ_AUTO(hsm_key) weak = NULL;
    KQ_AUTO_VALUE(kq_buffer) weak_der = {0};
    kq_buffer_init(&weak_der, 4096);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 1024, 0, &weak));
    assert_ok(hsm_key_bytes(weak, &weak_der));
    assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 1024, kq_buffer_slice(&weak_der), &none), KQ_ERR_AUTH);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&weak_der), &none), KQ_ERR_UNSUPPORTED);
    KQ_AUTO(hsm_key) curve = NULL; /* two curves of 256 bits */
    KQ_AUTO_VALUE(kq_buffer) curve_der = {0};
    kq_buffer_init(&curve_der, 4096);
    assert_ok(hsm_key_generate(KQ_KEY_EC_SECP256K1, 0, 0, &curve));
    assert_ok(hsm_key_bytes(curve, &curve_der));
    assert_status(hsm_key_open_untrusted(KQ_KEY_EC_P256, 256, kq_buffer_slice(&curve_der), &none), KQ_ERR_AUTH);
}

static void open_untrusted__truncated_or_longer__auth(void **state)
{
    const struct fixture *fixture = *state;
    struct kq_slice der = kq_buffer_slice(&fixture->rsa_der);
    struct hsm_key *none = NULL;
    for (size_t len = 0; len < der.len; len++)
        assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 2048, kq_slice_of(der.data, len), &none), KQ_ERR_AUTH);
    KQ_AUTO_VALUE(kq_buffer) longer = {0};
    kq_buffer_init(&longer, 4096);
    assert_ok(kq_buffer_append(&longer, der.data, der.len));
    assert_ok(kq_buffer_append(&longer, "", 1));
    assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 2048, kq_buffer_slice(&longer), &none), KQ_ERR_AUTH);
}

/* Any bit: of a number, of the envelope. (One bit in 97: every part is met, and the test stays short.) */
static void open_untrusted__flipped_bits__auth(void **state)
{
    const struct fixture *fixture = *state;
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    struct hsm_key *none = NULL;
    kq_buffer_init(&der, 4096);
    assert_ok(kq_buffer_append(&der, fixture->rsa_der.data, fixture->rsa_der.len));
    for (size_t bit = 0; bit < 8 * der.len; bit += 97) {
        der.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_status(hsm_key_open_untrusted(KQ_KEY_RSA, 2048, kq_buffer_slice(&der), &none), KQ_ERR_AUTH);
        der.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* ---- curves ------------------------------------------------------------------------ */

static struct hsm_ec ec_of(enum kq_key_type type)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    struct hsm_pkcs8 parts;
    struct hsm_ec ec;
    kq_buffer_init(&der, 4096);
    assert_ok(hsm_key_generate(type, 0, 0, &key));
    assert_ok(hsm_key_bytes(key, &der));
    assert_ok(hsm_pkcs8_get(kq_buffer_slice(&der), &parts));
    assert_ok(hsm_ec_get(parts.key, hsm_curve_of_type(type), &ec));
    return ec;
}

static void expect_ec(const struct hsm_ec *ec, kq_status untrusted, kq_status clear)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(hsm_key) clear_key = NULL;
    KQ_AUTO_VALUE(kq_der_writer) inner = {0}, der = {0};
    kq_der_writer_init(&inner, 8192);
    kq_der_writer_init(&der, 8192);
    hsm_ec_put(ec, &inner);
    wrap(HSM_OID_EC, KQ_DER_OID, ec->curve->oid, kq_buffer_slice(&inner.buffer), &der);
    assert_ok(der.failure);
    struct kq_slice bytes = kq_buffer_slice(&der.buffer);
    assert_status(hsm_key_open_untrusted(ec->curve->type, ec->curve->bits, bytes, &key), untrusted);
    assert_status(hsm_key_open_clear(bytes, &clear_key), clear);
}

static const enum kq_key_type curve_types[] = {KQ_KEY_EC_P256, KQ_KEY_EC_P384, KQ_KEY_EC_P521, KQ_KEY_EC_SECP256K1};
#define NUM_CURVES (sizeof curve_types / sizeof curve_types[0])

static void open_untrusted__valid_curve_key__opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_CURVES; i++) {
        KQ_AUTO_VALUE(hsm_ec) ec = ec_of(curve_types[i]);
        expect_ec(&ec, KQ_OK, KQ_OK);
    }
}

static void open_untrusted__scalar_zero_order_or_above__refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_CURVES; i++) {
        KQ_AUTO_VALUE(hsm_ec) ec = ec_of(curve_types[i]);
        EC_GROUP *group = EC_GROUP_new_by_curve_name(ec.curve->nid);
        BN_zero(ec.scalar);
        expect_ec(&ec, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
        BN_copy(ec.scalar, EC_GROUP_get0_order(group));
        expect_ec(&ec, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
        BN_add_word(ec.scalar, 1);
        expect_ec(&ec, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
        EC_GROUP_free(group);
    }
}

static void open_untrusted__point_of_another_key_or_off_curve__refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_CURVES; i++) {
        KQ_AUTO_VALUE(hsm_ec) ec = ec_of(curve_types[i]);
        KQ_AUTO_VALUE(hsm_ec) other = ec_of(curve_types[i]);
        KQ_AUTO_VALUE(hsm_ec) off = ec_of(curve_types[i]);
        memcpy(ec.point, other.point, ec.point_len);
        expect_ec(&ec, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
        off.point[off.point_len - 1] ^= 1;
        expect_ec(&off, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
        off.point[off.point_len - 1] ^= 1;
        off.point[0] = 6; /* hybrid form */
        expect_ec(&off, KQ_ERR_AUTH, KQ_ERR_ARGUMENT);
    }
}

/* The encoding without the point. */
static void wrap_ec_without_point(const struct hsm_ec *ec, struct kq_der_writer *out)
{
    static const uint8_t version[] = {1};
    KQ_AUTO_VALUE(kq_der_writer) body = {0}, inner = {0};
    uint8_t scalar[HSM_EC_LEN_MAX];
    kq_der_writer_init(&body, 4096);
    kq_der_writer_init(&inner, 4096);
    BN_bn2binpad(ec->scalar, scalar, (int)ec->curve->len);
    kq_der_put_positive(&body, kq_slice_of(version, 1));
    kq_der_put(&body, KQ_DER_OCTET_STRING, kq_slice_of(scalar, ec->curve->len));
    kq_der_put(&inner, KQ_DER_SEQUENCE, kq_buffer_slice(&body.buffer));
    wrap(HSM_OID_EC, KQ_DER_OID, ec->curve->oid, kq_buffer_slice(&inner.buffer), out);
}

static void open_untrusted__no_point__computed(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_CURVES; i++) {
        KQ_AUTO_VALUE(hsm_ec) ec = ec_of(curve_types[i]);
        KQ_AUTO(hsm_key) key = NULL;
        KQ_AUTO_VALUE(kq_der_writer) der = {0};
        kq_der_writer_init(&der, 4096);
        wrap_ec_without_point(&ec, &der);
        struct kq_slice bytes = kq_buffer_slice(&der.buffer);
        assert_ok(hsm_key_open_untrusted(ec.curve->type, ec.curve->bits, bytes, &key));
        struct kq_slice spki = hsm_key_public(key);
        assert_memory_equal(spki.data + spki.len - ec.point_len, ec.point, ec.point_len);
    }
}

/* scalar + order has the same point; nothing but the range tells. */
static void open_untrusted__no_point_and_scalar_out_of_range__refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_CURVES; i++) {
        EC_GROUP *group = EC_GROUP_new_by_curve_name(hsm_curve_of_type(curve_types[i])->nid);
        for (BN_ULONG above = 0; above <= 2; above++) {
            KQ_AUTO_VALUE(hsm_ec) ec = ec_of(curve_types[i]);
            KQ_AUTO_VALUE(kq_der_writer) der = {0};
            struct hsm_key *none = NULL;
            kq_der_writer_init(&der, 4096);
            BN_copy(ec.scalar, EC_GROUP_get0_order(group));
            BN_add_word(ec.scalar, above);
            wrap_ec_without_point(&ec, &der);
            struct kq_slice bytes = kq_buffer_slice(&der.buffer);
            assert_status(hsm_key_open_untrusted(ec.curve->type, ec.curve->bits, bytes, &none), KQ_ERR_AUTH);
        }
        EC_GROUP_free(group);
    }
}

static void open_untrusted__curve_unknown_or_other_than_inside__refused(void **state)
{
    (void)state;
    static const uint8_t p224[] = {0x2b, 0x81, 0x04, 0x00, 0x21};
    KQ_AUTO_VALUE(hsm_ec) ec = ec_of(KQ_KEY_EC_P256);
    KQ_AUTO_VALUE(kq_der_writer) inner = {0}, unknown = {0}, explicit = {0}, other = {0};
    struct hsm_key *none = NULL;
    kq_der_writer_init(&inner, 8192);
    kq_der_writer_init(&unknown, 8192);
    kq_der_writer_init(&explicit, 8192);
    kq_der_writer_init(&other, 8192);
    hsm_ec_put(&ec, &inner);
    struct kq_slice key = kq_buffer_slice(&inner.buffer);
    wrap(HSM_OID_EC, KQ_DER_OID, kq_slice_of(p224, sizeof p224), key, &unknown);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&unknown.buffer), &none), KQ_ERR_UNSUPPORTED);
    wrap(HSM_OID_EC, KQ_DER_SEQUENCE, kq_slice_of(p224, sizeof p224), key, &explicit);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&explicit.buffer), &none), KQ_ERR_UNSUPPORTED);
    /* secp256k1 has scalars of the same length: the point tells */
    wrap(HSM_OID_EC, KQ_DER_OID, hsm_curve_of_type(KQ_KEY_EC_SECP256K1)->oid, key, &other);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&other.buffer), &none), KQ_ERR_ARGUMENT);
    assert_status(hsm_key_open_untrusted(KQ_KEY_EC_SECP256K1, 256, kq_buffer_slice(&other.buffer), &none), KQ_ERR_AUTH);
}

/* ---- clear files --------------------------------------------------------------------- */

enum form { FORM_PKCS8_PEM, FORM_PKCS8_DER, FORM_OLD_PEM, FORM_OLD_DER, NUM_FORMS };

static struct kq_buffer write_form(EVP_PKEY *pkey, enum form form)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (form == FORM_PKCS8_PEM)
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    else if (form == FORM_PKCS8_DER)
        assert_int_equal(i2d_PKCS8PrivateKey_bio(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    else if (form == FORM_OLD_PEM)
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    else
        assert_int_equal(i2d_PrivateKey_bio(bio, pkey), 1);
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    struct kq_buffer out = {0};
    kq_buffer_init(&out, 16384);
    assert_ok(kq_buffer_append(&out, data, (size_t)len));
    BIO_free(bio);
    return out;
}

static void open_clear__every_form_openssl_writes__opens(void **state)
{
    (void)state;
    static const char *const names[] = {"RSA", "P-256", "P-384", "P-521", "secp256k1"};
    for (size_t i = 0; i < 5; i++) {
        EVP_PKEY *pkey =
            i == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) : EVP_PKEY_Q_keygen(NULL, NULL, "EC", names[i]);
        for (enum form form = 0; form < NUM_FORMS; form++) {
            KQ_AUTO(hsm_key) key = NULL;
            KQ_AUTO_VALUE(kq_buffer) file = write_form(pkey, form);
            assert_ok(hsm_key_open_clear(kq_buffer_slice(&file), &key));
            assert_int_equal(hsm_key_type(key), i + 1);
        }
        EVP_PKEY_free(pkey);
    }
}

static void open_clear__what_is_no_clear_key__says_why(void **state)
{
    (void)state;
    struct hsm_key *none = NULL;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *encrypted = BIO_new(BIO_s_mem()), *old_encrypted = BIO_new(BIO_s_mem()), *public_key = BIO_new(BIO_s_mem());
    char passphrase[] = "secret";
    PEM_write_bio_PKCS8PrivateKey(encrypted, pkey, EVP_aes_128_cbc(), passphrase, 6, NULL, NULL);
    PEM_write_bio_PrivateKey_traditional(old_encrypted, pkey, EVP_aes_128_cbc(), (unsigned char *)passphrase, 6, NULL,
                                         NULL);
    PEM_write_bio_PUBKEY(public_key, pkey);
    BIO *const unsupported[] = {encrypted, old_encrypted, public_key};
    for (size_t i = 0; i < 3; i++) {
        char *data;
        long len = BIO_get_mem_data(unsupported[i], &data);
        assert_status(hsm_key_open_clear(kq_slice_of(data, (size_t)len), &none), KQ_ERR_UNSUPPORTED);
        BIO_free(unsupported[i]);
    }
    KQ_AUTO_VALUE(kq_buffer) ed25519 = write_form(edwards, FORM_PKCS8_PEM);
    assert_status(hsm_key_open_clear(kq_buffer_slice(&ed25519), &none), KQ_ERR_UNSUPPORTED);
    assert_status(hsm_key_open_clear(kq_slice_text("no key at all"), &none), KQ_ERR_FORMAT);
    assert_status(hsm_key_open_clear(kq_slice_text("0\x03\x02\x01"), &none), KQ_ERR_FORMAT);
    assert_status(hsm_key_open_clear(KQ_SLICE_EMPTY, &none), KQ_ERR_FORMAT);
    EVP_PKEY_free(pkey);
    EVP_PKEY_free(edwards);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_untrusted__valid_rsa__opens),
        cmocka_unit_test(open_untrusted__primes_in_other_order__opens),
        cmocka_unit_test(open_untrusted__each_number_off_by_one_or_two__refused),
        cmocka_unit_test(open_untrusted__each_number_zero_or_one__refused),
        cmocka_unit_test(open_untrusted__three_primes_as_two__refused),
        cmocka_unit_test(open_untrusted__more_than_two_primes_declared__format),
        cmocka_unit_test(open_untrusted__equal_or_close_primes__refused),
        cmocka_unit_test(open_untrusted__exponent_not_allowed__refused),
        cmocka_unit_test(open_untrusted__small_private_exponent__refused),
        cmocka_unit_test(open_untrusted__private_exponent_above_modulus__refused),
        cmocka_unit_test(open_untrusted__coefficient_not_reduced__refused),
        cmocka_unit_test(open_untrusted__another_size_or_type_than_stated__auth),
        cmocka_unit_test(open_untrusted__truncated_or_longer__auth),
        cmocka_unit_test(open_untrusted__flipped_bits__auth),
        cmocka_unit_test(open_untrusted__valid_curve_key__opens),
        cmocka_unit_test(open_untrusted__scalar_zero_order_or_above__refused),
        cmocka_unit_test(open_untrusted__point_of_another_key_or_off_curve__refused),
        cmocka_unit_test(open_untrusted__no_point__computed),
        cmocka_unit_test(open_untrusted__no_point_and_scalar_out_of_range__refused),
        cmocka_unit_test(open_untrusted__curve_unknown_or_other_than_inside__refused),
        cmocka_unit_test(open_clear__every_form_openssl_writes__opens),
        cmocka_unit_test(open_clear__what_is_no_clear_key__says_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
