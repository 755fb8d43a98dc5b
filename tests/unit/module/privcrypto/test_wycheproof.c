#include "unit.h"

#include <stdio.h>

#include "harness/vectors.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/jwk.h"
#include "module/privcrypto/key.h"
#include "module/privcrypto/oid.h"
#include "module/privcrypto/seal.h"
#include "pubcrypto/hash.h"

/* Calls check with every test of every group of a published file; so many must have counted. */
typedef bool check_vector(const json_t *group, const json_t *test, bool is_valid);

static void run_file(const char *name, check_vector *check, size_t least)
{
    json_t *file = vectors_load(name);
    if (file == NULL)
        skip();
    size_t group_index, test_index, num_counted = 0;
    json_t *group, *test;
    json_array_foreach(json_object_get(file, "testGroups"), group_index, group)
    {
        json_array_foreach(json_object_get(group, "tests"), test_index, test)
        {
            bool is_valid = strcmp(vectors_text(test, "result"), "valid") == 0;
            if (check(group, test, is_valid))
                num_counted++;
        }
    }
    print_message("# %s: %zu\n", name, num_counted);
    assert_true(num_counted >= least);
    json_decref(file);
}

static void expect(const json_t *test, kq_status status, bool is_valid)
{
    if ((status == KQ_OK) == is_valid)
        return;
    fail_msg("tcId %lld (%s): %s", json_integer_value(json_object_get(test, "tcId")), vectors_text(test, "comment"),
             kq_status_text(status));
}

static long long number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* ---- key wrap ------------------------------------------------------------------------ */

static bool check_kwp(const json_t *group, const json_t *test, bool is_valid)
{
    if (number(group, "keySize") != 256)
        return false;
    KQ_AUTO_VALUE(kq_buffer) key = {0}, msg = {0}, ct = {0}, plain = {0}, wrapped = {0};
    vectors_hex(test, "key", &key);
    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "ct", &ct);
    kq_buffer_init(&plain, HSM_KWP_MAX);
    kq_buffer_init(&wrapped, HSM_KWP_MAX);
    kq_status status = hsm_kwp_unwrap(kq_buffer_slice(&key), kq_buffer_slice(&ct), &plain);
    /* "acceptable" are wraps of nothing, which we do not unwrap */
    expect(test, status, is_valid);
    if (!is_valid)
        return true;
    assert_slice_equal(kq_buffer_slice(&plain), kq_buffer_slice(&msg));
    assert_ok(hsm_kwp_wrap(kq_buffer_slice(&key), kq_buffer_slice(&msg), &wrapped));
    assert_slice_equal(kq_buffer_slice(&wrapped), kq_buffer_slice(&ct));
    return true;
}

static void kwp__wycheproof__agrees(void **state)
{
    (void)state;
    run_file("wycheproof/aes_kwp_test.json", check_kwp, 94);
}

/* ---- OAEP ------------------------------------------------------------------------------ */

static bool check_oaep(const json_t *group, const json_t *test, bool is_valid)
{
    bool is_sha1 = strcmp(vectors_text(group, "sha"), "SHA-1") == 0;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0}, msg = {0}, ct = {0}, label = {0}, plain = {0};
    vectors_hex(group, "privateKeyPkcs8", &pkcs8);
    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "ct", &ct);
    vectors_hex(test, "label", &label);
    kq_buffer_init(&plain, 1024);
    /* trusted here: the file's keys are validated once below */
    assert_ok(hsm_key_open(KQ_KEY_RSA, kq_buffer_slice(&pkcs8), &key));
    kq_status status = hsm_key_oaep_open(key, is_sha1 ? KQ_MECH_RSA_OAEP_SHA1 : KQ_MECH_RSA_OAEP_SHA256,
                                         kq_buffer_slice(&label), kq_buffer_slice(&ct), &plain);
    expect(test, status, is_valid);
    if (is_valid)
        assert_slice_equal(kq_buffer_slice(&plain), kq_buffer_slice(&msg));
    return true;
}

static void oaep__wycheproof__agrees(void **state)
{
    (void)state;
    run_file("wycheproof/rsa_oaep_2048_sha1_mgf1sha1_test.json", check_oaep, 36);
    run_file("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json", check_oaep, 37);
    run_file("wycheproof/rsa_oaep_3072_sha256_mgf1sha256_test.json", check_oaep, 37);
    run_file("wycheproof/rsa_oaep_4096_sha256_mgf1sha256_test.json", check_oaep, 37);
}

/* Each mechanism opens what has its hash and its mask, and nothing of others; a
 * size that a vault has no keys of is refused as it comes in. */
static bool check_oaep_parameters(const json_t *group, const json_t *test, bool is_valid)
{
    static const struct {
        uint64_t mechanism;
        const char *sha;
    } rows[] = {{KQ_MECH_RSA_OAEP_SHA1, "SHA-1"}, {KQ_MECH_RSA_OAEP_SHA256, "SHA-256"}};
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0}, msg = {0}, ct = {0}, label = {0};
    long long bits = number(group, "keySize");
    vectors_hex(group, "privateKeyPkcs8", &pkcs8);
    if (bits != 2048 && bits != 3072 && bits != 4096) {
        assert_status(hsm_key_open_clear(kq_buffer_slice(&pkcs8), &key), KQ_ERR_UNSUPPORTED);
        return true;
    }
    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "ct", &ct);
    vectors_hex(test, "label", &label);
    assert_ok(hsm_key_open(KQ_KEY_RSA, kq_buffer_slice(&pkcs8), &key));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) plain = {0};
        kq_buffer_init(&plain, 1024);
        bool is_ours = is_valid && strcmp(vectors_text(group, "sha"), rows[i].sha) == 0 &&
                       strcmp(vectors_text(group, "mgfSha"), rows[i].sha) == 0;
        expect(test, hsm_key_oaep_open(key, rows[i].mechanism, kq_buffer_slice(&label), kq_buffer_slice(&ct), &plain),
               is_ours);
        if (is_ours)
            assert_slice_equal(kq_buffer_slice(&plain), kq_buffer_slice(&msg));
    }
    return true;
}

static void oaep__wycheproof_of_other_hashes_and_masks__is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {
        "2048_sha224_mgf1sha1",           "2048_sha224_mgf1sha224",   "2048_sha256_mgf1sha1",
        "2048_sha384_mgf1sha1",           "2048_sha384_mgf1sha384",   "2048_sha512_224_mgf1sha1",
        "2048_sha512_224_mgf1sha512_224", "2048_sha512_mgf1sha1",     "2048_sha512_mgf1sha512",
        "3072_sha256_mgf1sha1",           "3072_sha512_256_mgf1sha1", "3072_sha512_256_mgf1sha512_256",
        "3072_sha512_mgf1sha1",           "3072_sha512_mgf1sha512",   "4096_sha256_mgf1sha1",
        "4096_sha512_mgf1sha1",           "4096_sha512_mgf1sha512",   "misc",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "wycheproof/rsa_oaep_%s_test.json", files[i]);
        run_file(path, check_oaep_parameters, 31);
    }
}

/* ---- PKCS #1 v1.5 encryption ------------------------------------------------------------ */

static bool is_no_ciphertext(const json_t *test)
{
    size_t i;
    json_t *flag;
    json_array_foreach(json_object_get(test, "flags"), i, flag)
    {
        if (strcmp(json_string_value(flag), "InvalidCiphertextFormat") == 0)
            return true;
    }
    return false;
}

/* Right ones open; the rest are noise without an error, gathered as length (two bytes) and noise. */
static void check_pkcs1(const json_t *group, const json_t *test, struct kq_buffer *noise)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0}, msg = {0}, ct = {0}, plain = {0}, again = {0};
    bool is_valid = strcmp(vectors_text(test, "result"), "valid") == 0;
    vectors_hex(group, "privateKeyPkcs8", &pkcs8);
    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "ct", &ct);
    kq_buffer_init(&plain, 1024);
    kq_buffer_init(&again, 1024);
    assert_ok(hsm_key_open(KQ_KEY_RSA, kq_buffer_slice(&pkcs8), &key));
    kq_status status = hsm_key_pkcs1_open(key, kq_buffer_slice(&ct), &plain);
    if (is_no_ciphertext(test)) { /* another length, or above the modulus: everybody can see it */
        assert_status(status, KQ_ERR_AUTH);
        return;
    }
    assert_ok(status);
    assert_ok(hsm_key_pkcs1_open(key, kq_buffer_slice(&ct), &again));
    assert_slice_equal(kq_buffer_slice(&plain), kq_buffer_slice(&again));
    if (is_valid) {
        assert_slice_equal(kq_buffer_slice(&plain), kq_buffer_slice(&msg));
        return;
    }
    const uint8_t len[2] = {(uint8_t)(plain.len >> 8), (uint8_t)plain.len};
    assert_ok(kq_buffer_append(noise, len, sizeof len));
    assert_ok(kq_buffer_append(noise, plain.data, plain.len));
}

/* The noise is that of another implementation of the same description: OpenSSL 4.0 gave these hashes of it. */
static void pkcs1__wycheproof__agrees(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        uint8_t noise_hash[8];
    } files[] = {
        {"wycheproof/rsa_pkcs1_2048_test.json", {0xfa, 0xd5, 0xa1, 0xc2, 0xb2, 0xc4, 0xa9, 0x53}},
        {"wycheproof/rsa_pkcs1_3072_test.json", {0x7f, 0x05, 0x5d, 0x7b, 0x52, 0x4a, 0xf3, 0x50}},
        {"wycheproof/rsa_pkcs1_4096_test.json", {0x68, 0x4d, 0xc9, 0xbc, 0x77, 0xe9, 0x31, 0x4b}},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        json_t *file = vectors_load(files[i].file);
        if (file == NULL)
            skip();
        uint8_t hash[32];
        size_t group_index, test_index;
        json_t *group, *test;
        KQ_AUTO_VALUE(kq_buffer) noise = {0};
        kq_buffer_init(&noise, 65536);
        json_array_foreach(json_object_get(file, "testGroups"), group_index, group)
        {
            json_array_foreach(json_object_get(group, "tests"), test_index, test) check_pkcs1(group, test, &noise);
        }
        kq_sha256(kq_buffer_slice(&noise), hash);
        assert_memory_equal(hash, files[i].noise_hash, 8);
        json_decref(file);
    }
}

/* ---- PKCS #1 v1.5 signatures -------------------------------------------------------------- */

static bool mechanism_of(const json_t *group, uint64_t *out_mechanism, enum kq_hash *out_hash)
{
    static const struct {
        const char *name;
        uint64_t mechanism;
        enum kq_hash hash;
    } rows[] = {
        {"SHA-256", KQ_MECH_RSA_PKCS1_SHA256, KQ_HASH_SHA256},
        {"SHA-384", KQ_MECH_RSA_PKCS1_SHA384, KQ_HASH_SHA384},
        {"SHA-512", KQ_MECH_RSA_PKCS1_SHA512, KQ_HASH_SHA512},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(vectors_text(group, "sha"), rows[i].name) == 0) {
            *out_mechanism = rows[i].mechanism;
            *out_hash = rows[i].hash;
            return true;
        }
    }
    return false;
}

/* There is one signature of a message, and it is the published one. */
static bool check_signature(const json_t *group, const json_t *test, bool is_valid)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0}, msg = {0}, sig = {0}, got = {0};
    uint64_t mechanism = 0;
    enum kq_hash hash = KQ_HASH_SHA256;
    uint8_t digest[KQ_HASH_MAX_LEN];
    if (!is_valid || !mechanism_of(group, &mechanism, &hash))
        return false;
    vectors_hex(group, "privateKeyPkcs8", &pkcs8);
    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "sig", &sig);
    kq_buffer_init(&got, 1024);
    assert_ok(hsm_key_open(KQ_KEY_RSA, kq_buffer_slice(&pkcs8), &key));
    struct kq_slice part = kq_buffer_slice(&msg);
    size_t len = kq_hash_parts(hash, &part, 1, digest);
    assert_ok(hsm_key_sign(key, mechanism, kq_slice_of(digest, len), &got));
    assert_slice_equal(kq_buffer_slice(&got), kq_buffer_slice(&sig));
    return true;
}

static void sign__wycheproof_rsa_pkcs1__same_bytes(void **state)
{
    (void)state;
    run_file("wycheproof/rsa_pkcs1_2048_sig_gen_test.json", check_signature, 24);
    run_file("wycheproof/rsa_pkcs1_3072_sig_gen_test.json", check_signature, 24);
    run_file("wycheproof/rsa_pkcs1_4096_sig_gen_test.json", check_signature, 24);
}

/* Keys of a foreign implementation pass our validation, keys of three primes do not. */
static kq_status open_first_key(const char *name, struct hsm_key **out)
{
    json_t *file = vectors_load(name);
    if (file == NULL)
        skip();
    KQ_AUTO_VALUE(kq_buffer) pkcs8 = {0};
    vectors_hex(json_array_get(json_object_get(file, "testGroups"), 0), "privateKeyPkcs8", &pkcs8);
    kq_status status = hsm_key_open_clear(kq_buffer_slice(&pkcs8), out);
    json_decref(file);
    return status;
}

static void open_clear__foreign_keys__two_primes_only(void **state)
{
    (void)state;
    KQ_AUTO(hsm_key) two = NULL;
    struct hsm_key *three = NULL;
    assert_ok(open_first_key("wycheproof/rsa_oaep_4096_sha256_mgf1sha256_test.json", &two));
    assert_int_equal(hsm_key_bits(two), 4096);
    assert_status(open_first_key("wycheproof/rsa_three_primes_oaep_2048_sha1_mgf1sha1_test.json", &three),
                  KQ_ERR_FORMAT);
    assert_status(open_first_key("wycheproof/rsa_three_primes_oaep_3072_sha224_mgf1sha224_test.json", &three),
                  KQ_ERR_FORMAT);
    assert_status(open_first_key("wycheproof/rsa_three_primes_oaep_4096_sha256_mgf1sha256_test.json", &three),
                  KQ_ERR_FORMAT);
}

/* ---- AES-GCM ----------------------------------------------------------------------------- */

static bool check_gcm(const json_t *group, const json_t *test, bool is_valid)
{
    if (number(group, "ivSize") != 96 || number(group, "tagSize") != 128)
        return false;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) key_bytes = {0}, iv = {0}, aad = {0}, msg = {0}, ct = {0}, tag = {0}, plain = {0};
    vectors_hex(test, "key", &key_bytes);
    vectors_hex(test, "iv", &iv);
    vectors_hex(test, "aad", &aad);
    vectors_hex(test, "msg", &msg);
    vectors_hex(test, "ct", &ct);
    vectors_hex(test, "tag", &tag);
    kq_buffer_init(&plain, 4096);
    assert_ok(kq_buffer_append(&iv, ct.data, ct.len));
    assert_ok(kq_buffer_append(&iv, tag.data, tag.len));
    assert_ok(hsm_key_open(KQ_KEY_AES, kq_buffer_slice(&key_bytes), &key));
    expect(test, hsm_key_gcm_open(key, kq_buffer_slice(&aad), kq_buffer_slice(&iv), &plain), is_valid);
    if (is_valid)
        assert_slice_equal(kq_buffer_slice(&plain), kq_buffer_slice(&msg));
    return true;
}

static void gcm__wycheproof__agrees(void **state)
{
    (void)state;
    run_file("wycheproof/aes_gcm_test.json", check_gcm, 197);
}

/* ---- ECDH ----------------------------------------------------------------------------------- */

/* A private scalar in the vectors' form (leading zeros may be missing or too many) as a key. */
static kq_status open_scalar(const struct hsm_curve *curve, const struct kq_buffer *scalar, struct hsm_key **out)
{
    KQ_AUTO_VALUE(hsm_ec) ec = {.curve = curve};
    KQ_AUTO_VALUE(kq_der_writer) inner = {0}, algorithm = {0}, body = {0}, der = {0};
    struct kq_der_writer *const writers[] = {&inner, &algorithm, &body, &der};
    for (size_t i = 0; i < 4; i++)
        kq_der_writer_init(writers[i], 4096);
    ec.scalar = BN_bin2bn(scalar->data, (int)scalar->len, NULL);
    KQ_TRY(hsm_ec_check(&ec));
    hsm_ec_put(&ec, &inner);
    kq_der_put(&algorithm, KQ_DER_OID, HSM_OID_EC);
    kq_der_put(&algorithm, KQ_DER_OID, curve->oid);
    kq_der_put_positive(&body, KQ_SLICE_EMPTY);
    kq_der_put(&body, KQ_DER_SEQUENCE, kq_buffer_slice(&algorithm.buffer));
    kq_der_put(&body, KQ_DER_OCTET_STRING, kq_buffer_slice(&inner.buffer));
    kq_der_put(&der, KQ_DER_SEQUENCE, kq_buffer_slice(&body.buffer));
    return hsm_key_open(curve->type, kq_buffer_slice(&der.buffer), out);
}

static bool check_ecdh(const json_t *group, const json_t *test, bool is_valid)
{
    bool is_p384 = strcmp(vectors_text(group, "curve"), "secp384r1") == 0;
    const struct hsm_curve *curve = hsm_curve_of_type(is_p384 ? KQ_KEY_EC_P384 : KQ_KEY_EC_P521);
    bool is_acceptable = strcmp(vectors_text(test, "result"), "acceptable") == 0;
    KQ_AUTO(hsm_key) own = NULL;
    KQ_AUTO_VALUE(kq_buffer) scalar = {0}, peer = {0}, shared = {0}, got = {0};
    vectors_hex(test, "private", &scalar);
    vectors_hex(test, "public", &peer);
    vectors_hex(test, "shared", &shared);
    kq_buffer_init(&got, 128);
    assert_ok(open_scalar(curve, &scalar, &own));
    kq_status status = hsm_key_agree(own, kq_buffer_slice(&peer), &got);
    if (is_acceptable) { /* compressed points, odd encodings: either refused or right */
        if (status == KQ_OK)
            assert_slice_equal(kq_buffer_slice(&got), kq_buffer_slice(&shared));
        return true;
    }
    expect(test, status, is_valid);
    if (is_valid)
        assert_slice_equal(kq_buffer_slice(&got), kq_buffer_slice(&shared));
    return true;
}

static void agree__wycheproof__agrees(void **state)
{
    (void)state;
    run_file("wycheproof/ecdh_secp384r1_test.json", check_ecdh, 1047);
    run_file("wycheproof/ecdh_secp521r1_test.json", check_ecdh, 916);
}

/* ---- keys of browsers --------------------------------------------------------------------- */

static kq_status open_jwk(const json_t *jwk, enum kq_key_type type, struct hsm_key **out)
{
    const char *member;
    struct hsm_jwk members = {.member = {KQ_SLICE_EMPTY}};
    members.member[HSM_JWK_D] = kq_slice_text(vectors_text(jwk, "d"));
    members.member[HSM_JWK_X] = kq_slice_text(vectors_text(jwk, "x"));
    members.member[HSM_JWK_Y] = kq_slice_text(vectors_text(jwk, "y"));
    return hsm_key_open_jwk(type, &members, out, &member);
}

/* The private keys are all sound, also where the peer's is not. */
static bool check_webcrypto(const json_t *group, const json_t *test, bool is_valid)
{
    static const struct {
        const char *name;
        enum kq_key_type type;
    } rows[] = {{"P-256", KQ_KEY_EC_P256},
                {"P-384", KQ_KEY_EC_P384},
                {"P-521", KQ_KEY_EC_P521},
                {"P-256K", KQ_KEY_EC_SECP256K1}};
    (void)is_valid;
    size_t i = 0;
    while (i < sizeof rows / sizeof rows[0] && strcmp(vectors_text(group, "curve"), rows[i].name) != 0)
        i++;
    assert_true(i < sizeof rows / sizeof rows[0]);
    const json_t *own = json_object_get(test, "private");
    KQ_AUTO(hsm_key) key = NULL;
    expect(test, open_jwk(own, rows[i].type, &key), true);
    return true;
}

static void open_jwk__wycheproof__sound_keys_of_each_curve(void **state)
{
    (void)state;
    run_file("wycheproof/ecdh_secp256r1_webcrypto_test.json", check_webcrypto, 353);
    run_file("wycheproof/ecdh_secp384r1_webcrypto_test.json", check_webcrypto, 794);
    run_file("wycheproof/ecdh_secp521r1_webcrypto_test.json", check_webcrypto, 655);
    run_file("wycheproof/ecdh_secp256k1_webcrypto_test.json", check_webcrypto, 496);
}

/* ---- HKDF -------------------------------------------------------------------------------------- */

static bool check_hkdf(const json_t *group, const json_t *test, bool is_valid)
{
    (void)group;
    KQ_AUTO_VALUE(kq_buffer) ikm = {0}, salt = {0}, info = {0}, okm = {0};
    vectors_hex(test, "ikm", &ikm);
    vectors_hex(test, "salt", &salt);
    vectors_hex(test, "info", &info);
    vectors_hex(test, "okm", &okm);
    if (!is_valid || memchr(info.data == NULL ? (void *)"" : info.data, 0, info.len) != NULL)
        return false; /* our labels are C strings */
    uint8_t got[8192];
    assert_true(okm.len <= sizeof got);
    assert_ok(kq_buffer_append(&info, "", 1));
    assert_ok(hsm_derive(kq_buffer_slice(&ikm), kq_buffer_slice(&salt), (const char *)info.data, got, okm.len));
    assert_slice_equal(kq_slice_of(got, okm.len), kq_buffer_slice(&okm));
    return true;
}

static void derive__wycheproof__agrees(void **state)
{
    (void)state;
    run_file("wycheproof/hkdf_sha256_test.json", check_hkdf, 83);
}

UNIT_MAIN(cmocka_unit_test(kwp__wycheproof__agrees), cmocka_unit_test(oaep__wycheproof__agrees),
          cmocka_unit_test(oaep__wycheproof_of_other_hashes_and_masks__is_refused),
          cmocka_unit_test(pkcs1__wycheproof__agrees), cmocka_unit_test(open_jwk__wycheproof__sound_keys_of_each_curve),
          cmocka_unit_test(sign__wycheproof_rsa_pkcs1__same_bytes),
          cmocka_unit_test(open_clear__foreign_keys__two_primes_only), cmocka_unit_test(gcm__wycheproof__agrees),
          cmocka_unit_test(agree__wycheproof__agrees), cmocka_unit_test(derive__wycheproof__agrees))
