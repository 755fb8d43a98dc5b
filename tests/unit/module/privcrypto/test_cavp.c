/* NIST's published cases of what the module does with secret keys, which come in as a vault's imports do. */
#include <stdio.h>

#include "base/size.h"
#include "base/text.h"
#include "harness/cavp.h"
#include "module/privcrypto/jwk.h"
#include "module/privcrypto/openssl.h"
#include "module/privcrypto/seal.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

/* ---- keys ------------------------------------------------------------------ */

#define TEXT_MAX 2048u

/* The members of a JSON Web Key, of which each is a field of the file or a number made from others. */
struct members {
    struct kq_buffer text[HSM_JWK_NUM_MEMBERS];
};
static void members_clear(struct members *members)
{
    for (size_t i = 0; i < HSM_JWK_NUM_MEMBERS; i++)
        kq_buffer_clear(&members->text[i]);
}
KQ_AUTO_DEFINE_VALUE(members);

static void set_member(struct members *members, enum hsm_jwk_member member, struct kq_slice bytes)
{
    kq_buffer_init(&members->text[member], TEXT_MAX);
    assert_ok(kq_base64url_encode(bytes, &members->text[member]));
}

static void set_field(struct members *members, enum hsm_jwk_member member, const struct cavp *file, const char *field)
{
    KQ_AUTO_VALUE(kq_buffer) number = {0};
    cavp_number(file, field, &number);
    set_member(members, member, kq_buffer_slice(&number));
}

static kq_status open_members(enum kq_key_type type, const struct members *members, struct hsm_key **out)
{
    struct hsm_jwk jwk;
    const char *member;
    for (size_t i = 0; i < HSM_JWK_NUM_MEMBERS; i++)
        jwk.member[i] = kq_buffer_slice(&members->text[i]);
    return hsm_key_open_jwk(type, &jwk, out, &member);
}

/* d, x and y are names of fields. */
static kq_status open_curve_key(const struct cavp *file, enum kq_key_type type, const char *d, const char *x,
                                const char *y, struct hsm_key **out)
{
    KQ_AUTO_VALUE(members) members = {0};
    set_field(&members, HSM_JWK_D, file, d);
    set_field(&members, HSM_JWK_X, file, x);
    set_field(&members, HSM_JWK_Y, file, y);
    return open_members(type, &members, out);
}

static kq_status open_rsa_key(const struct cavp *file, struct hsm_key **out)
{
    static const struct {
        enum hsm_jwk_member member;
        const char *field;
    } rows[] = {{HSM_JWK_N, "n"}, {HSM_JWK_E, "e"}, {HSM_JWK_D, "d"}, {HSM_JWK_P, "p"}, {HSM_JWK_Q, "q"}};
    KQ_AUTO_VALUE(members) members = {0};
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++)
        set_field(&members, rows[i].member, file, rows[i].field);
    return open_members(KQ_KEY_RSA, &members, out);
}

static bool is_small_modulus(const struct cavp *file)
{
    return cavp_is_under(file, "mod = 1024") || cavp_is_under(file, "mod = 1536");
}

static bool is_65537(const struct cavp *file)
{
    const char *e = cavp_text(file, "e");
    return strcmp(e + strspn(e, "0"), "10001") == 0;
}

/* FIPS 186 has allowed public exponents above 2^16 only since its third edition, and so do we. */
static void check_generated_key(const struct cavp *file, struct cavp_counts *counts)
{
    KQ_AUTO(hsm_key) key = NULL;
    kq_status expected = is_small_modulus(file) ? KQ_ERR_UNSUPPORTED : is_65537(file) ? KQ_OK : KQ_ERR_ARGUMENT;
    assert_status(open_rsa_key(file, &key), expected);
    counts->good += expected == KQ_OK ? 1 : 0;
    counts->bad += expected == KQ_OK ? 0 : 1;
}

static void open_jwk__cavp_rsa_keys__those_of_our_sizes_and_exponents(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/RSA/FIPS_186-2/KeyGenRSA.rsp", "d", check_generated_key, {6, 24}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

static enum kq_key_type curve_of(const struct cavp *file)
{
    return cavp_is_under(file, "P-256")   ? KQ_KEY_EC_P256
           : cavp_is_under(file, "P-384") ? KQ_KEY_EC_P384
                                          : KQ_KEY_EC_P521;
}

static void check_key_pair(const struct cavp *file, struct cavp_counts *counts)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    if (!cavp_is_under(file, "P-256") && !cavp_is_under(file, "P-384") && !cavp_is_under(file, "P-521"))
        return;
    assert_ok(open_curve_key(file, curve_of(file), "d", "Qx", "Qy", &key));
    cavp_curve_key(file, curve_of(file), "Qx", "Qy", &spki);
    assert_slice_equal(hsm_key_public(key), kq_buffer_slice(&spki));
    assert_status(open_curve_key(file, curve_of(file), "Qx", "Qx", "Qy", &other), KQ_ERR_ARGUMENT);
    counts->good++;
}

static void open_jwk__cavp_key_pairs__belong_together(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/ECDSA/FIPS_186-3/KeyPair.rsp", "Qy", check_key_pair, {30, 0}},
        {"asymmetric/ECDSA/FIPS_186-2/KeyPair.rsp", "Qy", check_key_pair, {30, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* ---- signatures ------------------------------------------------------------ */

static void sign(const struct hsm_key *key, uint64_t mechanism, const struct cavp *file, enum kq_hash hash,
                 struct kq_buffer *out_digest, struct kq_buffer *out_signature)
{
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t len = cavp_digest(file, hash, digest);
    kq_buffer_init(out_digest, sizeof digest);
    kq_buffer_init(out_signature, 1024);
    assert_ok(kq_buffer_append(out_digest, digest, len));
    assert_ok(hsm_key_sign(key, mechanism, kq_slice_of(digest, len), out_signature));
}

/* Another file of the project verifies what we sign. */
static kq_status verify(const struct hsm_key *key, uint64_t mechanism, const struct kq_buffer *digest,
                        const struct kq_buffer *signature)
{
    KQ_AUTO(kq_public_key) public_key = NULL;
    assert_ok(kq_public_key_new(hsm_key_public(key), &public_key));
    return kq_public_key_verify(public_key, mechanism, kq_buffer_slice(digest), kq_buffer_slice(signature));
}

/* There is one signature of a message, so ours is the published one where that is good. */
static bool signs_the_same(const struct hsm_key *key, const struct cavp *file, const struct cavp_rsa_scheme *row)
{
    KQ_AUTO_VALUE(kq_buffer) digest = {0}, ours = {0}, published = {0}, salted = {0}, again = {0};
    sign(key, row->pkcs1, file, row->hash, &digest, &ours);
    kq_buffer_init(&published, 1024);
    assert_true(cavp_append_number(file, "S", (size_t)hsm_key_bits(key) / 8, &published));
    sign(key, row->pss, file, row->hash, &again, &salted);
    assert_ok(verify(key, row->pss, &digest, &salted));
    return kq_slice_is_equal(kq_buffer_slice(&ours), kq_buffer_slice(&published));
}

/* Keys come with the cases, most of them as in the case before; each is
 * validated at length, so the last one is kept. */
static struct {
    struct hsm_key *key; /* owned */
    char n[2048];
    char d[2048];
} last;

static void forget_key(void)
{
    hsm_key_free(last.key);
    last.key = NULL;
}

static bool is_last_key(const struct cavp *file)
{
    return last.key != NULL && strcmp(last.n, cavp_text(file, "n")) == 0 && strcmp(last.d, cavp_text(file, "d")) == 0;
}

static void keep_key(const struct cavp *file, struct hsm_key *key)
{
    forget_key();
    last.key = hsm_key_hold(key);
    assert_true((size_t)snprintf(last.n, sizeof last.n, "%s", cavp_text(file, "n")) < sizeof last.n);
    assert_true((size_t)snprintf(last.d, sizeof last.d, "%s", cavp_text(file, "d")) < sizeof last.d);
}

static bool is_ours(const struct cavp *file)
{
    return cavp_rsa_scheme(file) != NULL && !is_small_modulus(file) && is_65537(file);
}

/* NULL where the case gives an exponent that is not that of the key. */
static struct hsm_key *key_of_case(const struct cavp *file)
{
    struct hsm_key *key = NULL;
    if (is_last_key(file))
        return hsm_key_hold(last.key);
    bool is_key = open_rsa_key(file, &key) == KQ_OK;
    assert_int_equal(is_key, strncmp(cavp_text(file, "Result"), "F (2 ", 5) != 0);
    if (is_key)
        keep_key(file, key);
    return key;
}

static void check_pkcs1(const struct cavp *file, struct cavp_counts *counts)
{
    if (!is_ours(file))
        return;
    KQ_AUTO(hsm_key) key = key_of_case(file);
    cavp_judge(file, key != NULL && signs_the_same(key, file, cavp_rsa_scheme(file)), counts);
}

/* The factors of a modulus whose exponents are known.  Source: NIST SP 800-56B appendix C */
static void factor(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d, BIGNUM *p, BIGNUM *q)
{
    HSM_AUTO(BN_CTX) ctx = BN_CTX_new();
    HSM_AUTO(BIGNUM) odd = BN_new();
    HSM_AUTO(BIGNUM) root = BN_new();
    HSM_AUTO(BIGNUM) square = BN_new();
    int twos = 0;
    assert_true(BN_mul(odd, e, d, ctx) && BN_sub_word(odd, 1));
    while (!BN_is_odd(odd)) {
        assert_true(BN_rshift1(odd, odd));
        twos++;
    }
    for (BN_ULONG base = 2; base < 100; base++) {
        assert_true(BN_set_word(root, base) && BN_mod_exp(root, root, odd, n, ctx));
        for (int i = 0; i < twos; i++, BN_swap(root, square)) {
            assert_true(BN_mod_sqr(square, root, n, ctx) && BN_sub_word(root, 1) && BN_gcd(p, root, n, ctx));
            if (BN_is_one(square) && !BN_is_one(p) && BN_cmp(p, n) != 0) {
                assert_true(BN_div(q, NULL, n, p, ctx));
                return;
            }
        }
    }
    fail_msg("no factors");
}

static BIGNUM *number_of(const struct cavp *file, const char *field)
{
    BIGNUM *number = NULL;
    assert_int_not_equal(BN_hex2bn(&number, cavp_text(file, field)), 0);
    return number;
}

static void set_number(struct members *members, enum hsm_jwk_member member, const BIGNUM *number)
{
    uint8_t bytes[512];
    set_member(members, member, kq_slice_of(bytes, (size_t)BN_bn2bin(number, bytes)));
}

/* A key whose primes the file does not tell. */
static struct hsm_key *key_without_primes(const struct cavp *file)
{
    if (is_last_key(file))
        return hsm_key_hold(last.key);
    KQ_AUTO_VALUE(members) members = {0};
    HSM_AUTO(BIGNUM) n = number_of(file, "n");
    HSM_AUTO(BIGNUM) e = number_of(file, "e");
    HSM_AUTO(BIGNUM) d = number_of(file, "d");
    HSM_AUTO(BIGNUM) p = BN_new();
    HSM_AUTO(BIGNUM) q = BN_new();
    struct hsm_key *key = NULL;
    factor(n, e, d, p, q);
    set_number(&members, HSM_JWK_N, n);
    set_number(&members, HSM_JWK_E, e);
    set_number(&members, HSM_JWK_D, d);
    set_number(&members, HSM_JWK_P, p);
    set_number(&members, HSM_JWK_Q, q);
    assert_ok(open_members(KQ_KEY_RSA, &members, &key));
    keep_key(file, key);
    return key;
}

static void check_generated_pkcs1(const struct cavp *file, struct cavp_counts *counts)
{
    if (!is_ours(file))
        return;
    KQ_AUTO(hsm_key) key = key_without_primes(file);
    cavp_judge(file, signs_the_same(key, file, cavp_rsa_scheme(file)), counts);
}

static void sign__cavp_rsa__same_bytes_where_they_are_good(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp", "Result", check_pkcs1, {9, 42}},
        {"asymmetric/RSA/SigVer15EMTest.txt", "Result", check_pkcs1, {0, 18}},
        {"asymmetric/RSA/FIPS_186-2/SigGen15_186-2.txt", "S", check_generated_pkcs1, {90, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
    forget_key();
}

/* Our nonce is another one, so the bytes differ: the same key verifies both. */
static void check_ecdsa(const struct cavp *file, struct cavp_counts *counts)
{
    const struct cavp_curve_scheme *row = cavp_curve_scheme(file);
    if (row == NULL)
        return;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) digest = {0}, ours = {0}, published = {0};
    assert_ok(open_curve_key(file, row->curve, "d", "Qx", "Qy", &key));
    sign(key, KQ_MECH_ECDSA, file, row->hash, &digest, &ours);
    kq_buffer_init(&published, 1024);
    assert_true(cavp_append_number(file, "R", ours.len / 2, &published) &&
                cavp_append_number(file, "S", ours.len / 2, &published));
    assert_ok(verify(key, KQ_MECH_ECDSA, &digest, &ours));
    cavp_judge(file, verify(key, KQ_MECH_ECDSA, &digest, &published) == KQ_OK, counts);
    digest.data[0] ^= 1;
    assert_status(verify(key, KQ_MECH_ECDSA, &digest, &ours), KQ_ERR_SIGNATURE);
}

static void sign__cavp_ecdsa__ours_and_theirs_verify(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/ECDSA/FIPS_186-3/SigGen.txt", "S", check_ecdsa, {135, 0}},
        {"asymmetric/ECDSA/SECP256K1/SigGen.txt", "S", check_ecdsa, {675, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* ---- agreement -------------------------------------------------------------- */

static bool agrees(const struct cavp *file, enum kq_key_type type, size_t len)
{
    KQ_AUTO(hsm_key) own = NULL;
    KQ_AUTO_VALUE(kq_buffer) peer = {0}, expected = {0}, agreed = {0};
    cavp_curve_key(file, type, "QsCAVSx", "QsCAVSy", &peer);
    kq_buffer_init(&expected, 128);
    kq_buffer_init(&agreed, 128);
    assert_true(cavp_append_number(file, "Z", len, &expected));
    return open_curve_key(file, type, "dsIUT", "QsIUTx", "QsIUTy", &own) == KQ_OK &&
           hsm_key_agree(own, kq_buffer_slice(&peer), &agreed) == KQ_OK &&
           kq_slice_is_equal(kq_buffer_slice(&agreed), kq_buffer_slice(&expected));
}

static void check_ecdh(const struct cavp *file, struct cavp_counts *counts)
{
    if (cavp_is_under(file, "ED - SHA384"))
        cavp_judge(file, agrees(file, KQ_KEY_EC_P384, 48), counts);
    if (cavp_is_under(file, "EE - SHA512"))
        cavp_judge(file, agrees(file, KQ_KEY_EC_P521, 66), counts);
}

static void agree__cavp__same_secrets_from_sound_keys_alone(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_init.fax", "Result", check_ecdh, {36, 24}},
        {"asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_resp.fax", "Result", check_ecdh, {36, 24}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* ---- AES ---------------------------------------------------------------------- */

/* What was opened is the field plain, or the case is FAIL. */
static void judge_opened(const struct cavp *file, kq_status status, const struct kq_buffer *opened, const char *plain,
                         struct cavp_counts *counts)
{
    KQ_AUTO_VALUE(kq_buffer) expected = {0};
    bool is_right = status == KQ_ERR_AUTH;
    if (!cavp_failed(file)) {
        cavp_hex(file, plain, &expected);
        is_right = status == KQ_OK && kq_slice_is_equal(kq_buffer_slice(opened), kq_buffer_slice(&expected));
    }
    if (!is_right)
        fail_msg("line %zu: %s", cavp_line(file), kq_status_text(status));
    counts->good += cavp_failed(file) ? 0 : 1;
    counts->bad += cavp_failed(file) ? 1 : 0;
}

static void check_kwp(const struct cavp *file, struct cavp_counts *counts)
{
    KQ_AUTO_VALUE(kq_buffer) key = {0}, sealed = {0}, opened = {0}, again = {0};
    cavp_hex(file, "K", &key);
    cavp_hex(file, "C", &sealed);
    kq_buffer_init(&opened, HSM_KWP_MAX);
    kq_buffer_init(&again, HSM_KWP_MAX);
    judge_opened(file, hsm_kwp_unwrap(kq_buffer_slice(&key), kq_buffer_slice(&sealed), &opened), &opened, "P", counts);
    if (cavp_failed(file))
        return;
    assert_ok(hsm_kwp_wrap(kq_buffer_slice(&key), kq_buffer_slice(&opened), &again));
    assert_slice_equal(kq_buffer_slice(&again), kq_buffer_slice(&sealed));
}

static void kwp__cavp__same_bytes(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"keywrap/kwtestvectors/KWP_AD_256.txt", "P", check_kwp, {400, 100}},
        {"keywrap/kwtestvectors/KWP_AE_256.txt", "C", check_kwp, {500, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* What the module seals has a nonce of 12 bytes in front and a tag of 16 behind; other lengths are none of ours. */
static void check_gcm(const struct cavp *file, struct cavp_counts *counts)
{
    if (!cavp_is_under(file, "IVlen = 96") || !cavp_is_under(file, "Taglen = 128"))
        return;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) key_bytes = {0}, sealed = {0}, ct = {0}, tag = {0}, aad = {0}, opened = {0};
    cavp_hex(file, "Key", &key_bytes);
    cavp_hex(file, "IV", &sealed);
    cavp_hex(file, "CT", &ct);
    cavp_hex(file, "Tag", &tag);
    cavp_hex(file, "AAD", &aad);
    kq_buffer_init(&opened, 4096);
    assert_ok(kq_buffer_append(&sealed, ct.data, ct.len));
    assert_ok(kq_buffer_append(&sealed, tag.data, tag.len));
    assert_ok(hsm_key_open(KQ_KEY_AES, kq_buffer_slice(&key_bytes), &key));
    kq_status status = hsm_key_gcm_open(key, kq_buffer_slice(&aad), kq_buffer_slice(&sealed), &opened);
    judge_opened(file, status, &opened, "PT", counts);
}

static void gcm_open__cavp_of_our_lengths__same_bytes(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"ciphers/AES/GCM/gcmDecrypt128.rsp", "PT", check_gcm, {179, 196}},
        {"ciphers/AES/GCM/gcmDecrypt192.rsp", "PT", check_gcm, {185, 190}},
        {"ciphers/AES/GCM/gcmDecrypt256.rsp", "PT", check_gcm, {184, 191}},
        {"ciphers/AES/GCM/gcmEncryptExtIV128.rsp", "Tag", check_gcm, {375, 0}},
        {"ciphers/AES/GCM/gcmEncryptExtIV192.rsp", "Tag", check_gcm, {375, 0}},
        {"ciphers/AES/GCM/gcmEncryptExtIV256.rsp", "Tag", check_gcm, {375, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

UNIT_MAIN(cmocka_unit_test(open_jwk__cavp_rsa_keys__those_of_our_sizes_and_exponents),
          cmocka_unit_test(open_jwk__cavp_key_pairs__belong_together),
          cmocka_unit_test(sign__cavp_rsa__same_bytes_where_they_are_good),
          cmocka_unit_test(sign__cavp_ecdsa__ours_and_theirs_verify),
          cmocka_unit_test(agree__cavp__same_secrets_from_sound_keys_alone), cmocka_unit_test(kwp__cavp__same_bytes),
          cmocka_unit_test(gcm_open__cavp_of_our_lengths__same_bytes))
