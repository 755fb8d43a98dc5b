/* NIST's published cases of hashes, public keys and signatures, all that the files have for what we serve. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/size.h"
#include "harness/cavp.h"
#include "pubcrypto/der.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "unit.h"

/* ---- hashes --------------------------------------------------------------- */

/* A hash by the heading of its files, L = its length. */
static enum kq_hash hash_of(const struct cavp *file)
{
    static const struct {
        const char *heading;
        enum kq_hash hash;
    } rows[] = {
        {"L = 20", KQ_HASH_SHA1}, {"L = 32", KQ_HASH_SHA256}, {"L = 48", KQ_HASH_SHA384}, {"L = 64", KQ_HASH_SHA512}};
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        if (cavp_is_under(file, rows[i].heading))
            return rows[i].hash;
    }
    fail_msg("line %zu: no hash of ours", cavp_line(file));
    return KQ_HASH_SHA1;
}

/* The message in three parts of which one is empty, in one, and through the function of its own. */
static void check_message(const struct cavp *file, struct cavp_counts *counts)
{
    enum kq_hash hash = hash_of(file);
    uint8_t digest[KQ_HASH_MAX_LEN];
    KQ_AUTO_VALUE(kq_buffer) message = {0}, expected = {0};
    cavp_hex(file, "Msg", &message);
    cavp_hex(file, "MD", &expected);
    struct kq_slice whole = kq_buffer_slice(&message);
    if (strcmp(cavp_text(file, "Len"), "0") == 0) /* has a byte that does not count */
        whole = KQ_SLICE_EMPTY;
    const struct kq_slice parts[] = {kq_slice_of(whole.data, whole.len / 3), KQ_SLICE_EMPTY,
                                     kq_slice_after(whole, whole.len / 3)};
    assert_int_equal(kq_hash_parts(hash, parts, KQ_COUNT_OF(parts), digest), expected.len);
    assert_memory_equal(digest, expected.data, expected.len);
    assert_int_equal(kq_hash_parts(hash, &whole, 1, digest), kq_hash_len(hash));
    assert_memory_equal(digest, expected.data, expected.len);
    if (hash == KQ_HASH_SHA256) {
        kq_sha256(whole, digest);
        assert_memory_equal(digest, expected.data, expected.len);
        assert_true(kq_sha256_is(kq_buffer_slice(&expected), whole));
    }
    counts->good++;
}

static void hash__cavp_messages__same_digests(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"hashes/SHA1/SHA1ShortMsg.rsp", "MD", check_message, {65, 0}},
        {"hashes/SHA1/SHA1LongMsg.rsp", "MD", check_message, {64, 0}},
        {"hashes/SHA2/SHA256ShortMsg.rsp", "MD", check_message, {65, 0}},
        {"hashes/SHA2/SHA256LongMsg.rsp", "MD", check_message, {64, 0}},
        {"hashes/SHA2/SHA384ShortMsg.rsp", "MD", check_message, {129, 0}},
        {"hashes/SHA2/SHA384LongMsg.rsp", "MD", check_message, {128, 0}},
        {"hashes/SHA2/SHA512ShortMsg.rsp", "MD", check_message, {129, 0}},
        {"hashes/SHA2/SHA512LongMsg.rsp", "MD", check_message, {128, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* A thousand digests, each over the three before it; the seed becomes the last.  Source: SHAVS 6.4 */
static void monte_round(enum kq_hash hash, uint8_t seed[KQ_HASH_MAX_LEN])
{
    size_t len = kq_hash_len(hash);
    uint8_t kept[3][KQ_HASH_MAX_LEN];
    for (size_t i = 0; i < 3; i++)
        memcpy(kept[i], seed, len);
    for (size_t i = 0; i < 1000; i++) {
        const struct kq_slice parts[] = {kq_slice_of(kept[i % 3], len), kq_slice_of(kept[(i + 1) % 3], len),
                                         kq_slice_of(kept[(i + 2) % 3], len)};
        kq_hash_parts(hash, parts, KQ_COUNT_OF(parts), kept[i % 3]);
    }
    memcpy(seed, kept[999 % 3], len);
}

static void check_monte(const char *name)
{
    struct cavp *file = cavp_open(name);
    uint8_t seed[KQ_HASH_MAX_LEN];
    size_t num_rounds = 0;
    while (cavp_next(file, "MD")) {
        KQ_AUTO_VALUE(kq_buffer) first = {0}, expected = {0};
        cavp_hex(file, "Seed", &first);
        cavp_hex(file, "MD", &expected);
        if (num_rounds++ == 0)
            memcpy(seed, first.data, first.len);
        monte_round(hash_of(file), seed);
        assert_memory_equal(seed, expected.data, expected.len);
    }
    cavp_close(file);
    print_message("# %s: %zu rounds\n", name, num_rounds);
    assert_true(num_rounds >= 100);
}

static void hash__cavp_monte__same_digests(void **state)
{
    (void)state;
    check_monte("hashes/SHA1/SHA1Monte.rsp");
    check_monte("hashes/SHA2/SHA256Monte.rsp");
    check_monte("hashes/SHA2/SHA384Monte.rsp");
    check_monte("hashes/SHA2/SHA512Monte.rsp");
}

/* ---- keys ----------------------------------------------------------------- */

struct curve {
    const char *heading;
    enum kq_key_type type;
};
static const struct curve curves[] = {{"P-256", KQ_KEY_EC_P256}, {"P-384", KQ_KEY_EC_P384}, {"P-521", KQ_KEY_EC_P521}};

static kq_status open_curve_key(const struct cavp *file, enum kq_key_type type, struct kq_public_key **out)
{
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    cavp_curve_key(file, type, "Qx", "Qy", &spki);
    return kq_public_key_new(kq_buffer_slice(&spki), out);
}

static void check_point(const struct cavp *file, struct cavp_counts *counts)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        if (!cavp_is_under(file, curves[i].heading))
            continue;
        KQ_AUTO(kq_public_key) key = NULL;
        bool is_good = open_curve_key(file, curves[i].type, &key) == KQ_OK;
        cavp_judge(file, is_good, counts);
    }
}

static void public_key__cavp_points__those_on_the_curve_are_keys(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/ECDSA/FIPS_186-3/PKV.rsp", "Result", check_point, {12, 24}},
        {"asymmetric/ECDSA/FIPS_186-2/PKV.rsp", "Result", check_point, {12, 24}},
        {"asymmetric/ECDSA/FIPS_186-3/KeyPair.rsp", "Qy", check_point, {30, 0}},
        {"asymmetric/ECDSA/FIPS_186-2/KeyPair.rsp", "Qy", check_point, {30, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* Writes a key's SubjectPublicKeyInfo: an algorithm with its parameters, and the public value's encoding. */
static void put_spki(struct kq_slice oid, const struct kq_der_writer *parameters, const struct kq_der_writer *value,
                     struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) writer = {0};
    kq_der_writer_init(&writer, 4096);
    size_t info = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    size_t algorithm = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    kq_der_put(&writer, KQ_DER_OID, oid);
    kq_der_put_raw(&writer, kq_buffer_slice(&parameters->buffer));
    kq_der_end(&writer, algorithm);
    kq_der_put_bit_string(&writer, kq_buffer_slice(&value->buffer));
    kq_der_end(&writer, info);
    kq_buffer_init(out, 4096);
    assert_ok(kq_der_writer_finish(&writer, out));
}

static void put_number(const struct cavp *file, const char *field, struct kq_der_writer *writer)
{
    KQ_AUTO_VALUE(kq_buffer) number = {0};
    cavp_number(file, field, &number);
    kq_der_put_positive(writer, kq_buffer_slice(&number));
}

static void rsa_spki(const struct cavp *file, struct kq_buffer *out)
{
    static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    KQ_AUTO_VALUE(kq_der_writer) parameters = {0}, value = {0};
    kq_der_writer_init(&parameters, 16);
    kq_der_writer_init(&value, 4096);
    kq_der_put(&parameters, KQ_DER_NULL, KQ_SLICE_EMPTY);
    size_t pair = kq_der_begin(&value, KQ_DER_SEQUENCE);
    put_number(file, "n", &value);
    put_number(file, "e", &value);
    kq_der_end(&value, pair);
    put_spki(kq_slice_of(oid, sizeof oid), &parameters, &value, out);
}

static void dsa_spki(const struct cavp *file, struct kq_buffer *out)
{
    static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01};
    KQ_AUTO_VALUE(kq_der_writer) parameters = {0}, value = {0};
    kq_der_writer_init(&parameters, 4096);
    kq_der_writer_init(&value, 4096);
    size_t group = kq_der_begin(&parameters, KQ_DER_SEQUENCE);
    put_number(file, "P", &parameters);
    put_number(file, "Q", &parameters);
    put_number(file, "G", &parameters);
    kq_der_end(&parameters, group);
    put_number(file, "Y", &value);
    put_spki(kq_slice_of(oid, sizeof oid), &parameters, &value, out);
}

/* ---- RSA signatures ------------------------------------------------------- */

static bool verify_rsa(const struct cavp *file, struct kq_slice spki, uint64_t mechanism, enum kq_hash hash)
{
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_AUTO(kq_public_key) key = NULL;
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t digest_len = cavp_digest(file, hash, digest);
    assert_ok(kq_public_key_new(spki, &key));
    kq_buffer_init(&signature, 1024);
    assert_true(cavp_append_number(file, "S", (size_t)(kq_public_key_bits(key) + 7) / 8, &signature));
    kq_status status =
        kq_public_key_verify(key, mechanism, kq_slice_of(digest, digest_len), kq_buffer_slice(&signature));
    assert_true(status == KQ_OK || status == KQ_ERR_SIGNATURE);
    return status == KQ_OK;
}

static void check_pkcs1(const struct cavp *file, struct cavp_counts *counts)
{
    const struct cavp_rsa_scheme *row = cavp_rsa_scheme(file);
    if (row == NULL)
        return;
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    rsa_spki(file, &spki);
    bool is_good = verify_rsa(file, kq_buffer_slice(&spki), row->pkcs1, row->hash);
    cavp_judge(file, is_good, counts);
    assert_false(verify_rsa(file, kq_buffer_slice(&spki), row->pss, row->hash));
}

static void verify__cavp_rsa_pkcs1__same_judgements(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp", "Result", check_pkcs1, {45, 225}},
        {"asymmetric/RSA/SigVer15EMTest.txt", "Result", check_pkcs1, {0, 90}},
        {"asymmetric/RSA/FIPS_186-2/SigGen15_186-2.rsp", "S", check_pkcs1, {150, 0}},
        {"asymmetric/RSA/FIPS_186-2/SigGen15_186-3.rsp", "S", check_pkcs1, {150, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* What OpenSSL says where the salt may be of any length. */
static bool verify_any_salt(const struct cavp *file, struct kq_slice spki, enum kq_hash hash)
{
    const EVP_MD *md = hash == KQ_HASH_SHA256 ? EVP_sha256() : hash == KQ_HASH_SHA384 ? EVP_sha384() : EVP_sha512();
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t digest_len = cavp_digest(file, hash, digest);
    const uint8_t *at = spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    kq_buffer_init(&signature, 1024);
    assert_true(cavp_append_number(file, "S", (size_t)EVP_PKEY_get_size(key), &signature));
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO), 1);
    bool is_good = EVP_PKEY_verify(ctx, signature.data, signature.len, digest, digest_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return is_good;
}

/* Ours is the salt that is as long as the hash, and these files have none such; good
 * counts those that are refused for their salt alone. */
static void check_pss(const struct cavp *file, struct cavp_counts *counts)
{
    const struct cavp_rsa_scheme *row = cavp_rsa_scheme(file);
    if (row == NULL)
        return;
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    rsa_spki(file, &spki);
    bool is_good = verify_any_salt(file, kq_buffer_slice(&spki), row->hash);
    cavp_judge(file, is_good, counts);
    assert_false(verify_rsa(file, kq_buffer_slice(&spki), row->pss, row->hash));
    assert_false(verify_rsa(file, kq_buffer_slice(&spki), row->pkcs1, row->hash));
}

static void verify__cavp_rsa_pss__salts_of_other_lengths_are_refused(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/RSA/FIPS_186-2/SigVerPSS_186-3.rsp", "Result", check_pss, {45, 225}},
        {"asymmetric/RSA/FIPS_186-2/SigGenPSS_186-2.rsp", "S", check_pss, {150, 0}},
        {"asymmetric/RSA/FIPS_186-2/SigGenPSS_186-3.rsp", "S", check_pss, {150, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* ---- curves ---------------------------------------------------------------- */

/* r and s as DER. */
static void der_signature(const struct cavp *file, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_der_writer) writer = {0};
    kq_der_writer_init(&writer, 256);
    size_t pair = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    put_number(file, "R", &writer);
    put_number(file, "S", &writer);
    kq_der_end(&writer, pair);
    kq_buffer_init(out, 256);
    assert_ok(kq_der_writer_finish(&writer, out));
}

/* P-384 with SHA-384 and P-521 with SHA-512 sign statements too: the same judgement. */
static void check_statement(const struct cavp *file, const struct kq_public_key *key, bool is_good)
{
    KQ_AUTO_VALUE(kq_buffer) message = {0}, der = {0};
    cavp_hex(file, "Msg", &message);
    der_signature(file, &der);
    kq_status status = kq_public_key_verify_statement(key, kq_buffer_slice(&message), kq_buffer_slice(&der));
    assert_status(status, is_good ? KQ_OK : KQ_ERR_SIGNATURE);
}

static bool verify_ecdsa(const struct cavp *file, const struct cavp_curve_scheme *row)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    uint8_t digest[KQ_HASH_MAX_LEN];
    if (open_curve_key(file, row->curve, &key) != KQ_OK)
        return false;
    size_t digest_len = cavp_digest(file, row->hash, digest);
    size_t len = (size_t)(kq_public_key_bits(key) + 7) / 8;
    kq_buffer_init(&signature, 1024);
    assert_true(cavp_append_number(file, "R", len, &signature) && cavp_append_number(file, "S", len, &signature));
    kq_status status =
        kq_public_key_verify(key, KQ_MECH_ECDSA, kq_slice_of(digest, digest_len), kq_buffer_slice(&signature));
    assert_true(status == KQ_OK || status == KQ_ERR_SIGNATURE);
    bool signs_statements = (row->curve == KQ_KEY_EC_P384 && row->hash == KQ_HASH_SHA384) ||
                            (row->curve == KQ_KEY_EC_P521 && row->hash == KQ_HASH_SHA512);
    if (signs_statements)
        check_statement(file, key, status == KQ_OK);
    return status == KQ_OK;
}

static void check_ecdsa(const struct cavp *file, struct cavp_counts *counts)
{
    const struct cavp_curve_scheme *row = cavp_curve_scheme(file);
    if (row == NULL)
        return;
    bool is_good = verify_ecdsa(file, row);
    cavp_judge(file, is_good, counts);
}

static void verify__cavp_ecdsa__same_judgements(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/ECDSA/FIPS_186-3/SigVer.rsp", "Result", check_ecdsa, {27, 108}},
        {"asymmetric/ECDSA/FIPS_186-3/SigGen.rsp", "S", check_ecdsa, {135, 0}},
        {"asymmetric/ECDSA/SECP256K1/SigGen.txt", "S", check_ecdsa, {675, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

/* ---- DSA, which signs statements ------------------------------------------- */

static void check_dsa(const struct cavp *file, struct cavp_counts *counts)
{
    static const char *const groups[] = {"mod = L=1024, N=160, SHA-256", "mod = L=2048, N=256, SHA-256",
                                         "mod = L=3072, N=256, SHA-256"};
    size_t i = 0;
    while (i < KQ_COUNT_OF(groups) && !cavp_is_under(file, groups[i]))
        i++;
    if (i == KQ_COUNT_OF(groups))
        return;
    KQ_AUTO_VALUE(kq_buffer) spki = {0}, message = {0}, der = {0};
    KQ_AUTO(kq_public_key) key = NULL;
    dsa_spki(file, &spki);
    cavp_hex(file, "Msg", &message);
    der_signature(file, &der);
    bool is_good = kq_public_key_new(kq_buffer_slice(&spki), &key) == KQ_OK &&
                   kq_public_key_verify_statement(key, kq_buffer_slice(&message), kq_buffer_slice(&der)) == KQ_OK;
    cavp_judge(file, is_good, counts);
}

static void verify_statement__cavp_dsa__same_judgements(void **state)
{
    (void)state;
    static const struct cavp_file files[] = {
        {"asymmetric/DSA/FIPS_186-3/SigVer.rsp", "Result", check_dsa, {21, 24}},
        {"asymmetric/DSA/FIPS_186-3/SigGen.txt", "S", check_dsa, {45, 0}},
    };
    cavp_run(files, KQ_COUNT_OF(files));
}

UNIT_MAIN(cmocka_unit_test(hash__cavp_messages__same_digests), cmocka_unit_test(hash__cavp_monte__same_digests),
          cmocka_unit_test(public_key__cavp_points__those_on_the_curve_are_keys),
          cmocka_unit_test(verify__cavp_rsa_pkcs1__same_judgements),
          cmocka_unit_test(verify__cavp_rsa_pss__salts_of_other_lengths_are_refused),
          cmocka_unit_test(verify__cavp_ecdsa__same_judgements),
          cmocka_unit_test(verify_statement__cavp_dsa__same_judgements))
