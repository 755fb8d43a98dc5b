#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/size.h"
#include "harness/test_keys.h"
#include "harness/vectors.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

static struct kq_slice message(void)
{
    return kq_slice_text("a statement of some kind");
}

static kq_status verify_statement(const struct test_key *key, struct kq_slice text, struct kq_slice signature)
{
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_TRY(kq_public_key_new(test_key_public(key), &public_key));
    return kq_public_key_verify_statement(public_key, text, signature);
}

static void assert_statements_verify(enum kq_key_type type, uint64_t bits)
{
    struct test_key *key = test_key_new(type, bits);
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&signature, 1024);
    test_key_sign(key, message(), &signature);
    assert_ok(verify_statement(key, message(), kq_buffer_slice(&signature)));
    assert_status(verify_statement(key, kq_slice_text("another"), kq_buffer_slice(&signature)), KQ_ERR_SIGNATURE);
    assert_status(verify_statement(key, message(), KQ_SLICE_EMPTY), KQ_ERR_SIGNATURE);
    signature.data[signature.len / 2] ^= 1;
    assert_status(verify_statement(key, message(), kq_buffer_slice(&signature)), KQ_ERR_SIGNATURE);
    test_key_free(key);
}

static void verify_statement__p384_p521_dsa__accepts_only_the_signed_bytes(void **state)
{
    (void)state;
    assert_statements_verify(KQ_KEY_EC_P384, 384);
    assert_statements_verify(KQ_KEY_EC_P521, 521);
    assert_statements_verify(KQ_KEY_DSA, 3072);
}

static void verify_statement__keys_that_sign_none__are_unsupported(void **state)
{
    (void)state;
    static const enum kq_key_type types[] = {KQ_KEY_RSA, KQ_KEY_EC_P256, KQ_KEY_EC_SECP256K1};
    for (size_t i = 0; i < KQ_COUNT_OF(types); i++) {
        struct test_key *key = test_key_new(types[i], 2048);
        KQ_AUTO_VALUE(kq_buffer) signature = {0};
        kq_buffer_init(&signature, 1024);
        test_key_sign(key, message(), &signature);
        assert_status(verify_statement(key, message(), kq_buffer_slice(&signature)), KQ_ERR_UNSUPPORTED);
        test_key_free(key);
    }
}

static void verify__mechanism_digest_and_key_that_do_not_fit__is_an_argument_error(void **state)
{
    (void)state;
    static const uint8_t bytes[256];
    struct test_key *rsa = test_key_new(KQ_KEY_RSA, 2048);
    struct test_key *ec = test_key_new(KQ_KEY_EC_P256, 256);
    KQ_AUTO(kq_public_key) rsa_key = NULL;
    KQ_AUTO(kq_public_key) ec_key = NULL;
    assert_ok(kq_public_key_new(test_key_public(rsa), &rsa_key));
    assert_ok(kq_public_key_new(test_key_public(ec), &ec_key));
    struct kq_slice digest = kq_slice_of(bytes, 32);
    struct kq_slice signature = kq_slice_of(bytes, 256);
    assert_status(kq_public_key_verify(ec_key, KQ_MECH_RSA_PKCS1_SHA256, digest, signature), KQ_ERR_ARGUMENT);
    assert_status(kq_public_key_verify(rsa_key, KQ_MECH_ECDSA, digest, signature), KQ_ERR_ARGUMENT);
    assert_status(kq_public_key_verify(rsa_key, KQ_MECH_RSA_PKCS1_SHA384, digest, signature), KQ_ERR_ARGUMENT);
    assert_status(kq_public_key_verify(rsa_key, KQ_MECH_RSA_OAEP_SHA256, digest, signature), KQ_ERR_ARGUMENT);
    assert_status(kq_public_key_verify(ec_key, KQ_MECH_ECDSA, kq_slice_of(bytes, 31), signature), KQ_ERR_ARGUMENT);
    test_key_free(rsa);
    test_key_free(ec);
}

/* ---- published vectors ---------------------------------------------------- */

struct counts {
    size_t valid;
    size_t invalid;
};

static void check_vector(const struct kq_public_key *key, uint64_t mechanism, enum kq_hash hash, const json_t *vector,
                         struct counts *counts)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    vectors_hex(vector, "msg", &text);
    vectors_hex(vector, "sig", &signature);
    const char *expected = vectors_text(vector, "result");
    uint8_t digest[KQ_HASH_MAX_LEN];
    struct kq_slice part = kq_buffer_slice(&text);
    size_t digest_len = kq_hash_parts(hash, &part, 1, digest);
    kq_status status =
        kq_public_key_verify(key, mechanism, kq_slice_of(digest, digest_len), kq_buffer_slice(&signature));
    bool is_valid = strcmp(expected, "valid") == 0;
    if (strcmp(expected, "acceptable") != 0 && (status == KQ_OK) != is_valid)
        fail_msg("vector %lld (%s): %s", (long long)json_integer_value(json_object_get(vector, "tcId")), expected,
                 kq_status_text(status));
    counts->valid += is_valid ? 1 : 0;
    counts->invalid += is_valid ? 0 : 1;
}

static void check_group(const json_t *group, uint64_t mechanism, enum kq_hash hash, struct counts *counts)
{
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    KQ_AUTO(kq_public_key) key = NULL;
    vectors_hex(group, "publicKeyDer", &spki);
    assert_ok(kq_public_key_new(kq_buffer_slice(&spki), &key));
    size_t i;
    const json_t *vector;
    json_array_foreach(json_object_get(group, "tests"), i, vector) check_vector(key, mechanism, hash, vector, counts);
}

struct vector_file {
    const char *name;
    uint64_t mechanism;
    enum kq_hash hash;
};

static void check_file(const struct vector_file *row)
{
    char path[256];
    snprintf(path, sizeof path, "wycheproof/%s_test.json", row->name);
    json_t *file = vectors_load(path);
    if (file == NULL)
        skip();
    struct counts counts = {.valid = 0};
    size_t i;
    const json_t *group;
    json_array_foreach(json_object_get(file, "testGroups"), i, group)
        check_group(group, row->mechanism, row->hash, &counts);
    assert_true(counts.valid > 0 && counts.invalid > 0);
    assert_int_equal(counts.valid + counts.invalid, json_integer_value(json_object_get(file, "numberOfTests")));
    json_decref(file);
}

static void verify__wycheproof_ecdsa__agrees_with_every_vector(void **state)
{
    (void)state;
    static const struct vector_file files[] = {
        {"ecdsa_secp256k1_sha256_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA256},
        {"ecdsa_secp256k1_sha512_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA512},
        {"ecdsa_secp256r1_sha256_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA256},
        {"ecdsa_secp256r1_sha512_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA512},
        {"ecdsa_secp384r1_sha384_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA384},
        {"ecdsa_secp384r1_sha512_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA512},
        {"ecdsa_secp521r1_sha512_p1363", KQ_MECH_ECDSA, KQ_HASH_SHA512},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(files); i++)
        check_file(&files[i]);
}

static void verify__wycheproof_rsa_pkcs1__agrees_with_every_vector(void **state)
{
    (void)state;
    static const struct vector_file files[] = {
        {"rsa_signature_2048_sha256", KQ_MECH_RSA_PKCS1_SHA256, KQ_HASH_SHA256},
        {"rsa_signature_2048_sha384", KQ_MECH_RSA_PKCS1_SHA384, KQ_HASH_SHA384},
        {"rsa_signature_2048_sha512", KQ_MECH_RSA_PKCS1_SHA512, KQ_HASH_SHA512},
        {"rsa_signature_3072_sha256", KQ_MECH_RSA_PKCS1_SHA256, KQ_HASH_SHA256},
        {"rsa_signature_3072_sha384", KQ_MECH_RSA_PKCS1_SHA384, KQ_HASH_SHA384},
        {"rsa_signature_3072_sha512", KQ_MECH_RSA_PKCS1_SHA512, KQ_HASH_SHA512},
        {"rsa_signature_4096_sha256", KQ_MECH_RSA_PKCS1_SHA256, KQ_HASH_SHA256},
        {"rsa_signature_4096_sha384", KQ_MECH_RSA_PKCS1_SHA384, KQ_HASH_SHA384},
        {"rsa_signature_4096_sha512", KQ_MECH_RSA_PKCS1_SHA512, KQ_HASH_SHA512},
        {"rsa_signature_8192_sha256", KQ_MECH_RSA_PKCS1_SHA256, KQ_HASH_SHA256},
        {"rsa_signature_8192_sha384", KQ_MECH_RSA_PKCS1_SHA384, KQ_HASH_SHA384},
        {"rsa_signature_8192_sha512", KQ_MECH_RSA_PKCS1_SHA512, KQ_HASH_SHA512},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(files); i++)
        check_file(&files[i]);
}

static void verify__wycheproof_rsa_pss__agrees_with_every_vector(void **state)
{
    (void)state;
    static const struct vector_file files[] = {
        {"rsa_pss_2048_sha256_mgf1_32", KQ_MECH_RSA_PSS_SHA256, KQ_HASH_SHA256},
        {"rsa_pss_2048_sha384_mgf1_48", KQ_MECH_RSA_PSS_SHA384, KQ_HASH_SHA384},
        {"rsa_pss_3072_sha256_mgf1_32", KQ_MECH_RSA_PSS_SHA256, KQ_HASH_SHA256},
        {"rsa_pss_4096_sha256_mgf1_32", KQ_MECH_RSA_PSS_SHA256, KQ_HASH_SHA256},
        {"rsa_pss_4096_sha384_mgf1_48", KQ_MECH_RSA_PSS_SHA384, KQ_HASH_SHA384},
        {"rsa_pss_4096_sha512_mgf1_64", KQ_MECH_RSA_PSS_SHA512, KQ_HASH_SHA512},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(files); i++)
        check_file(&files[i]);
}

/* Files whose salt is not as long as the hash: what is valid there is none of ours. */
static void verify__pss_with_another_salt_length__is_refused(void **state)
{
    (void)state;
    json_t *file = vectors_load("wycheproof/rsa_pss_2048_sha256_mgf1_0_test.json");
    if (file == NULL)
        skip();
    const json_t *group = json_array_get(json_object_get(file, "testGroups"), 0);
    const json_t *vector = json_array_get(json_object_get(group, "tests"), 0);
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_AUTO(kq_public_key) key = NULL;
    vectors_hex(group, "publicKeyDer", &spki);
    vectors_hex(vector, "msg", &text);
    vectors_hex(vector, "sig", &signature);
    assert_string_equal(vectors_text(vector, "result"), "valid");
    assert_ok(kq_public_key_new(kq_buffer_slice(&spki), &key));
    uint8_t digest[32];
    kq_sha256(kq_buffer_slice(&text), digest);
    assert_status(
        kq_public_key_verify(key, KQ_MECH_RSA_PSS_SHA256, kq_slice_of(digest, 32), kq_buffer_slice(&signature)),
        KQ_ERR_SIGNATURE);
    json_decref(file);
}

/* Our mechanism for the hash of a group; false: none of ours. */
static bool pss_of_group(const json_t *group, uint64_t *out_mechanism, enum kq_hash *out_hash)
{
    static const struct vector_file rows[] = {
        {"SHA-256", KQ_MECH_RSA_PSS_SHA256, KQ_HASH_SHA256},
        {"SHA-384", KQ_MECH_RSA_PSS_SHA384, KQ_HASH_SHA384},
        {"SHA-512", KQ_MECH_RSA_PSS_SHA512, KQ_HASH_SHA512},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        if (strcmp(vectors_text(group, "sha"), rows[i].name) == 0) {
            *out_mechanism = rows[i].mechanism;
            *out_hash = rows[i].hash;
            return true;
        }
    }
    return false;
}

static kq_status verify_vector(const struct kq_public_key *key, uint64_t mechanism, enum kq_hash hash,
                               const json_t *vector)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    uint8_t digest[KQ_HASH_MAX_LEN];
    vectors_hex(vector, "msg", &text);
    vectors_hex(vector, "sig", &signature);
    struct kq_slice part = kq_buffer_slice(&text);
    size_t digest_len = kq_hash_parts(hash, &part, 1, digest);
    return kq_public_key_verify(key, mechanism, kq_slice_of(digest, digest_len), kq_buffer_slice(&signature));
}

/* Valid for us is what is valid under the one mask and salt length that the mechanism has. */
static void check_pss_group(const json_t *group, struct counts *counts)
{
    uint64_t mechanism = 0;
    enum kq_hash hash = KQ_HASH_SHA256;
    if (!pss_of_group(group, &mechanism, &hash))
        return;
    bool is_ours = strcmp(vectors_text(group, "sha"), vectors_text(group, "mgfSha")) == 0 &&
                   (size_t)json_integer_value(json_object_get(group, "sLen")) == kq_hash_len(hash);
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    KQ_AUTO(kq_public_key) key = NULL;
    vectors_hex(group, "publicKeyDer", &spki);
    assert_ok(kq_public_key_new(kq_buffer_slice(&spki), &key));
    size_t i;
    const json_t *vector;
    json_array_foreach(json_object_get(group, "tests"), i, vector)
    {
        bool is_good = strcmp(vectors_text(vector, "result"), "valid") == 0;
        if (!is_ours && !is_good) /* what is wrong for others may be right for us */
            continue;
        bool is_valid = is_ours && is_good;
        assert_int_equal(verify_vector(key, mechanism, hash, vector) == KQ_OK, is_valid);
        counts->valid += is_valid ? 1 : 0;
        counts->invalid += is_valid ? 0 : 1;
    }
}

static struct counts check_pss_file(const char *path)
{
    struct counts counts = {.valid = 0};
    json_t *file = vectors_load(path);
    if (file == NULL)
        skip();
    size_t i;
    const json_t *group;
    json_array_foreach(json_object_get(file, "testGroups"), i, group) check_pss_group(group, &counts);
    json_decref(file);
    return counts;
}

static void verify__wycheproof_pss_of_other_masks_and_salts__is_refused(void **state)
{
    (void)state;
    static const char *const others[] = {
        "wycheproof/rsa_pss_2048_sha256_mgf1_0_test.json",
        "wycheproof/rsa_pss_2048_sha256_mgf1sha1_20_test.json",
        "wycheproof/rsa_pss_4096_sha512_mgf1_32_test.json",
    };
    for (size_t i = 0; i < KQ_COUNT_OF(others); i++) {
        struct counts counts = check_pss_file(others[i]);
        assert_int_equal(counts.valid, 0);
        assert_true(counts.invalid > 20);
    }
    struct counts mixed = check_pss_file("wycheproof/rsa_pss_misc_test.json");
    assert_int_equal(mixed.valid, 3); /* one for each hash */
    assert_true(mixed.invalid > 50);
}

static json_t *load_or_skip(const char *name)
{
    json_t *file = vectors_load(name);
    if (file == NULL)
        skip();
    return file;
}

static kq_status open_key(const json_t *object, const char *member, struct kq_public_key **out)
{
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    vectors_hex(object, member, &spki);
    return kq_public_key_new(kq_buffer_slice(&spki), out);
}

/* Valid signatures of hashes that we do not know, but for whose digests ours have room. */
static size_t check_other_hash(const json_t *group, const EVP_MD *md, const uint64_t mechanisms[2])
{
    KQ_AUTO(kq_public_key) key = NULL;
    assert_ok(open_key(group, "publicKeyDer", &key));
    size_t i, num_refused = 0;
    const json_t *vector;
    json_array_foreach(json_object_get(group, "tests"), i, vector)
    {
        if (strcmp(vectors_text(vector, "result"), "valid") != 0)
            continue;
        KQ_AUTO_VALUE(kq_buffer) text = {0}, signature = {0};
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        vectors_hex(vector, "msg", &text);
        vectors_hex(vector, "sig", &signature);
        assert_int_equal(EVP_Digest(text.data, text.len, digest, &len, md, NULL), 1);
        for (size_t m = 0; m < 2; m++)
            assert_status(
                kq_public_key_verify(key, mechanisms[m], kq_slice_of(digest, len), kq_buffer_slice(&signature)),
                KQ_ERR_SIGNATURE);
        num_refused++;
    }
    return num_refused;
}

static void verify__wycheproof_rsa_of_other_hashes_of_our_lengths__is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *md;
        uint64_t mechanisms[2];
    } files[] = {
        {"rsa_signature_2048_sha512_256", "SHA512-256", {KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256}},
        {"rsa_signature_3072_sha512_256", "SHA512-256", {KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256}},
        {"rsa_signature_4096_sha512_256", "SHA512-256", {KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256}},
        {"rsa_signature_2048_sha3_256", "SHA3-256", {KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256}},
        {"rsa_signature_3072_sha3_256", "SHA3-256", {KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256}},
        {"rsa_signature_2048_sha3_384", "SHA3-384", {KQ_MECH_RSA_PKCS1_SHA384, KQ_MECH_RSA_PSS_SHA384}},
        {"rsa_signature_3072_sha3_384", "SHA3-384", {KQ_MECH_RSA_PKCS1_SHA384, KQ_MECH_RSA_PSS_SHA384}},
        {"rsa_signature_2048_sha3_512", "SHA3-512", {KQ_MECH_RSA_PKCS1_SHA512, KQ_MECH_RSA_PSS_SHA512}},
        {"rsa_signature_3072_sha3_512", "SHA3-512", {KQ_MECH_RSA_PKCS1_SHA512, KQ_MECH_RSA_PSS_SHA512}},
        {"rsa_pss_2048_sha512_256_mgf1_32", "SHA512-256", {KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256}},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(files); i++) {
        char path[256];
        snprintf(path, sizeof path, "wycheproof/%s_test.json", files[i].name);
        json_t *file = load_or_skip(path);
        size_t g, num_refused = 0;
        const json_t *group;
        json_array_foreach(json_object_get(file, "testGroups"), g, group) num_refused +=
            check_other_hash(group, EVP_get_digestbyname(files[i].md), files[i].mechanisms);
        assert_true(num_refused >= 7);
        json_decref(file);
    }
}

/* Keys that fix the parameters of PSS (RFC 4055 1.2) have another algorithm than ours. */
static void public_key__wycheproof_pss_with_parameters__is_unsupported(void **state)
{
    (void)state;
    static const char *const files[] = {
        "wycheproof/rsa_pss_2048_sha1_mgf1_20_params_test.json",
        "wycheproof/rsa_pss_2048_sha256_mgf1_0_params_test.json",
        "wycheproof/rsa_pss_2048_sha256_mgf1_32_params_test.json",
        "wycheproof/rsa_pss_2048_sha512_mgf1sha256_32_params_test.json",
        "wycheproof/rsa_pss_3072_sha256_mgf1_32_params_test.json",
        "wycheproof/rsa_pss_4096_sha512_mgf1_32_params_test.json",
        "wycheproof/rsa_pss_4096_sha512_mgf1_64_params_test.json",
        "wycheproof/rsa_pss_misc_params_test.json",
    };
    size_t num_keys = 0;
    for (size_t i = 0; i < KQ_COUNT_OF(files); i++) {
        json_t *file = load_or_skip(files[i]);
        size_t g;
        const json_t *group;
        json_array_foreach(json_object_get(file, "testGroups"), g, group)
        {
            struct kq_public_key *key = NULL;
            assert_status(open_key(group, "publicKeyDer", &key), KQ_ERR_UNSUPPORTED);
            num_keys++;
        }
        json_decref(file);
    }
    assert_true(num_keys >= 157);
}

/* Small moduli and the public exponent 3 verify too; the module signs with neither. */
static size_t check_published_group(const json_t *group)
{
    static const struct vector_file rows[] = {
        {"SHA-256", KQ_MECH_RSA_PKCS1_SHA256, KQ_HASH_SHA256},
        {"SHA-384", KQ_MECH_RSA_PKCS1_SHA384, KQ_HASH_SHA384},
        {"SHA-512", KQ_MECH_RSA_PKCS1_SHA512, KQ_HASH_SHA512},
    };
    size_t row = 0, i, num_good = 0;
    while (row < KQ_COUNT_OF(rows) && strcmp(vectors_text(group, "sha"), rows[row].name) != 0)
        row++;
    if (row == KQ_COUNT_OF(rows))
        return 0;
    KQ_AUTO(kq_public_key) key = NULL;
    assert_ok(open_key(group, "keyDer", &key));
    const json_t *vector;
    json_array_foreach(json_object_get(group, "tests"), i, vector)
    {
        assert_ok(verify_vector(key, rows[row].mechanism, rows[row].hash, vector));
        num_good++;
    }
    return num_good;
}

static void verify__wycheproof_generated_rsa_pkcs1__is_good(void **state)
{
    (void)state;
    static const char *const sizes[] = {"1024", "1536", "2048", "3072", "4096"};
    size_t num_good = 0;
    for (size_t i = 0; i < KQ_COUNT_OF(sizes); i++) {
        char path[256];
        snprintf(path, sizeof path, "wycheproof/rsa_pkcs1_%s_sig_gen_test.json", sizes[i]);
        json_t *file = load_or_skip(path);
        size_t g;
        const json_t *group;
        json_array_foreach(json_object_get(file, "testGroups"), g, group) num_good += check_published_group(group);
        json_decref(file);
    }
    assert_true(num_good >= 118);
}

static void check_statements(const char *path, struct counts *counts)
{
    json_t *file = load_or_skip(path);
    size_t g, i;
    const json_t *group, *vector;
    json_array_foreach(json_object_get(file, "testGroups"), g, group)
    {
        KQ_AUTO(kq_public_key) key = NULL;
        assert_ok(open_key(group, "publicKeyDer", &key));
        json_array_foreach(json_object_get(group, "tests"), i, vector)
        {
            KQ_AUTO_VALUE(kq_buffer) text = {0}, signature = {0};
            vectors_hex(vector, "msg", &text);
            vectors_hex(vector, "sig", &signature);
            bool is_valid = strcmp(vectors_text(vector, "result"), "valid") == 0;
            kq_status status = kq_public_key_verify_statement(key, kq_buffer_slice(&text), kq_buffer_slice(&signature));
            if (status != (is_valid ? KQ_OK : KQ_ERR_SIGNATURE))
                fail_msg("vector %lld: %s", (long long)json_integer_value(json_object_get(vector, "tcId")),
                         kq_status_text(status));
            counts->valid += is_valid ? 1 : 0;
            counts->invalid += is_valid ? 0 : 1;
        }
    }
    json_decref(file);
}

static void verify_statement__wycheproof_der__agrees_with_every_vector(void **state)
{
    (void)state;
    struct counts counts = {.valid = 0};
    check_statements("wycheproof/ecdsa_secp384r1_sha384_test.json", &counts);
    check_statements("wycheproof/ecdsa_secp521r1_sha512_test.json", &counts);
    assert_true(counts.valid >= 426 && counts.invalid >= 620);
}

/* The peers' keys of the published agreements. Some are sound keys of another
 * curve; what is not sound, or has an encoding of its own, is no key. */
static void check_peers(const char *path, enum kq_key_type curve, struct counts *counts)
{
    json_t *file = load_or_skip(path);
    size_t i;
    const json_t *vector;
    const json_t *group = json_array_get(json_object_get(file, "testGroups"), 0);
    json_array_foreach(json_object_get(group, "tests"), i, vector)
    {
        KQ_AUTO(kq_public_key) key = NULL;
        bool is_valid = strcmp(vectors_text(vector, "result"), "valid") == 0;
        kq_status status = open_key(vector, "public", &key);
        if ((status == KQ_OK && kq_public_key_type(key) == curve) != is_valid)
            fail_msg("vector %lld (%s): %s", (long long)json_integer_value(json_object_get(vector, "tcId")),
                     vectors_text(vector, "comment"), kq_status_text(status));
        counts->valid += is_valid ? 1 : 0;
        counts->invalid += is_valid ? 0 : 1;
    }
    json_decref(file);
}

static void public_key__wycheproof_peers__sound_ones_in_their_one_encoding(void **state)
{
    (void)state;
    struct counts counts = {.valid = 0};
    check_peers("wycheproof/ecdh_secp256r1_test.json", KQ_KEY_EC_P256, &counts);
    check_peers("wycheproof/ecdh_secp384r1_test.json", KQ_KEY_EC_P384, &counts);
    check_peers("wycheproof/ecdh_secp521r1_test.json", KQ_KEY_EC_P521, &counts);
    check_peers("wycheproof/ecdh_secp256k1_test.json", KQ_KEY_EC_SECP256K1, &counts);
    assert_true(counts.valid >= 2206 && counts.invalid >= 1121);
}

/* ---- OAEP ------------------------------------------------------------------ */

static size_t open_oaep(const struct test_key *key, const EVP_MD *hash, struct kq_slice label, struct kq_slice sealed,
                        uint8_t *out, size_t size)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, hash), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash), 1);
    if (label.len > 0)
        EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup(label.data, label.len), (int)label.len);
    size_t len = size;
    bool opened = EVP_PKEY_decrypt(ctx, out, &len, sealed.data, sealed.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return opened ? len : 0;
}

static void oaep__with_a_label__opens_under_that_label_only(void **state)
{
    (void)state;
    struct test_key *rsa = test_key_new(KQ_KEY_RSA, 2048);
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    uint8_t opened[256];
    kq_buffer_init(&sealed, 512);
    assert_ok(kq_public_key_new(test_key_public(rsa), &key));
    assert_ok(kq_public_key_oaep(key, KQ_MECH_RSA_OAEP_SHA256, kq_slice_text("label"), kq_slice_text("key"), &sealed));
    struct kq_slice bytes = kq_buffer_slice(&sealed);
    assert_int_equal(open_oaep(rsa, EVP_sha256(), kq_slice_text("label"), bytes, opened, sizeof opened), 3);
    assert_memory_equal(opened, "key", 3);
    assert_int_equal(open_oaep(rsa, EVP_sha256(), kq_slice_text("lab"), bytes, opened, sizeof opened), 0);
    assert_int_equal(open_oaep(rsa, EVP_sha256(), KQ_SLICE_EMPTY, bytes, opened, sizeof opened), 0);
    test_key_free(rsa);
}

static void oaep__longest_data__fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    static const uint8_t data[256];
    struct test_key *rsa = test_key_new(KQ_KEY_RSA, 2048);
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    kq_buffer_init(&sealed, 512);
    assert_ok(kq_public_key_new(test_key_public(rsa), &key));
    size_t longest = 256 - 2 * 20 - 2;
    assert_ok(kq_public_key_oaep(key, KQ_MECH_RSA_OAEP_SHA1, KQ_SLICE_EMPTY, kq_slice_of(data, longest), &sealed));
    assert_status(
        kq_public_key_oaep(key, KQ_MECH_RSA_OAEP_SHA1, KQ_SLICE_EMPTY, kq_slice_of(data, longest + 1), &sealed),
        KQ_ERR_ARGUMENT);
    assert_int_equal(sealed.len, 256);
    test_key_free(rsa);
}

static void oaep__curve_key_or_signature_mechanism__is_an_argument_error(void **state)
{
    (void)state;
    struct test_key *rsa = test_key_new(KQ_KEY_RSA, 2048);
    struct test_key *ec = test_key_new(KQ_KEY_EC_P256, 256);
    KQ_AUTO(kq_public_key) rsa_key = NULL;
    KQ_AUTO(kq_public_key) ec_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    kq_buffer_init(&sealed, 512);
    assert_ok(kq_public_key_new(test_key_public(rsa), &rsa_key));
    assert_ok(kq_public_key_new(test_key_public(ec), &ec_key));
    struct kq_slice data = kq_slice_text("key");
    assert_status(kq_public_key_oaep(ec_key, KQ_MECH_RSA_OAEP_SHA256, KQ_SLICE_EMPTY, data, &sealed), KQ_ERR_ARGUMENT);
    assert_status(kq_public_key_oaep(rsa_key, KQ_MECH_RSA_PSS_SHA256, KQ_SLICE_EMPTY, data, &sealed), KQ_ERR_ARGUMENT);
    test_key_free(rsa);
    test_key_free(ec);
}

/* ---- PKCS #1 v1.5 without a hash ----------------------------------------------------- */

/* A raw signature as OpenSSL makes it. */
static void sign_raw(const struct test_key *key, struct kq_slice input, uint8_t out[256])
{
    size_t len = 256;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, out, &len, input.data, input.len), 1);
    assert_int_equal(len, 256);
    EVP_PKEY_CTX_free(ctx);
}

static void verify__raw_of_each_length__accepts_only_the_signed_bytes(void **state)
{
    (void)state;
    static const uint8_t input[246] = {1, 2, 3};
    static const size_t lens[] = {0, 1, 32, 245};
    struct test_key *rsa = test_key_new(KQ_KEY_RSA, 2048);
    KQ_AUTO(kq_public_key) key = NULL;
    assert_ok(kq_public_key_new(test_key_public(rsa), &key));
    for (size_t i = 0; i < KQ_COUNT_OF(lens); i++) {
        uint8_t bytes[256];
        struct kq_slice data = kq_slice_of(input, lens[i]), signature = kq_slice_of(bytes, sizeof bytes);
        sign_raw(rsa, data, bytes);
        assert_ok(kq_public_key_verify(key, KQ_MECH_RSA_PKCS1_RAW, data, signature));
        data.len ^= 1;
        assert_status(kq_public_key_verify(key, KQ_MECH_RSA_PKCS1_RAW, data, signature), KQ_ERR_SIGNATURE);
        data.len = lens[i];
        signature.len--;
        assert_status(kq_public_key_verify(key, KQ_MECH_RSA_PKCS1_RAW, data, signature), KQ_ERR_SIGNATURE);
        signature.len++;
        bytes[255] ^= 1;
        assert_status(kq_public_key_verify(key, KQ_MECH_RSA_PKCS1_RAW, data, signature), KQ_ERR_SIGNATURE);
    }
    assert_status(kq_public_key_verify(key, KQ_MECH_RSA_PKCS1_RAW, kq_slice_of(input, 246), kq_slice_of(input, 0)),
                  KQ_ERR_ARGUMENT);
    test_key_free(rsa);
}

static void pkcs1_encrypt__each_length__opens_and_one_byte_more_does_not(void **state)
{
    (void)state;
    static const uint8_t data[246] = {9};
    static const size_t lens[] = {0, 1, 32, 245};
    struct test_key *rsa = test_key_new(KQ_KEY_RSA, 2048);
    struct test_key *ec = test_key_new(KQ_KEY_EC_P256, 256);
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_AUTO(kq_public_key) ec_key = NULL;
    assert_ok(kq_public_key_new(test_key_public(rsa), &key));
    assert_ok(kq_public_key_new(test_key_public(ec), &ec_key));
    for (size_t i = 0; i < KQ_COUNT_OF(lens); i++) {
        KQ_AUTO_VALUE(kq_buffer) sealed = {0};
        uint8_t plain[256];
        size_t len = sizeof plain;
        kq_buffer_init(&sealed, 512);
        assert_ok(
            kq_public_key_pkcs1_encrypt(key, lens[i] == 0 ? KQ_SLICE_EMPTY : kq_slice_of(data, lens[i]), &sealed));
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa->pkey, NULL);
        assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &len, sealed.data, sealed.len), 1);
        EVP_PKEY_CTX_free(ctx);
        assert_slice_equal(kq_slice_of(plain, len), kq_slice_of(data, lens[i]));
    }
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    kq_buffer_init(&sealed, 512);
    assert_status(kq_public_key_pkcs1_encrypt(key, kq_slice_of(data, 246), &sealed), KQ_ERR_ARGUMENT);
    assert_status(kq_public_key_pkcs1_encrypt(ec_key, kq_slice_of(data, 16), &sealed), KQ_ERR_ARGUMENT);
    assert_int_equal(sealed.len, 0);
    test_key_free(rsa);
    test_key_free(ec);
}

UNIT_MAIN(cmocka_unit_test(verify_statement__p384_p521_dsa__accepts_only_the_signed_bytes),
          cmocka_unit_test(verify_statement__keys_that_sign_none__are_unsupported),
          cmocka_unit_test(verify__mechanism_digest_and_key_that_do_not_fit__is_an_argument_error),
          cmocka_unit_test(verify__wycheproof_ecdsa__agrees_with_every_vector),
          cmocka_unit_test(verify__wycheproof_rsa_pkcs1__agrees_with_every_vector),
          cmocka_unit_test(verify__wycheproof_rsa_pss__agrees_with_every_vector),
          cmocka_unit_test(verify__pss_with_another_salt_length__is_refused),
          cmocka_unit_test(verify__wycheproof_pss_of_other_masks_and_salts__is_refused),
          cmocka_unit_test(verify__wycheproof_rsa_of_other_hashes_of_our_lengths__is_refused),
          cmocka_unit_test(public_key__wycheproof_pss_with_parameters__is_unsupported),
          cmocka_unit_test(verify__wycheproof_generated_rsa_pkcs1__is_good),
          cmocka_unit_test(verify_statement__wycheproof_der__agrees_with_every_vector),
          cmocka_unit_test(public_key__wycheproof_peers__sound_ones_in_their_one_encoding),
          cmocka_unit_test(verify__raw_of_each_length__accepts_only_the_signed_bytes),
          cmocka_unit_test(pkcs1_encrypt__each_length__opens_and_one_byte_more_does_not),
          cmocka_unit_test(oaep__with_a_label__opens_under_that_label_only),
          cmocka_unit_test(oaep__longest_data__fits_and_one_byte_more_does_not),
          cmocka_unit_test(oaep__curve_key_or_signature_mechanism__is_an_argument_error))
