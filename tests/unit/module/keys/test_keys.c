#include "unit.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/size.h"
#include "harness/ceremony.h"
#include "harness/fake_call.h"
#include "module/acl/acl.h"
#include "module/seal/blob.h"
#include "module/world/file.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "trust/acl.h"
#include "trust/chain.h"

static const struct hsm_row *const tables[] = {hsm_quorum_rows, hsm_world_rows, hsm_key_rows, NULL};

struct fixture {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file;
};

static int make_world(void **state, const char *suite, bool has_recovery)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct fake_world world = {KQ_WORLD_OWNER, suite, 1, 1, has_recovery};
    fake_module_init(&f->module, tables);
    ceremony_make_world(&f->module, &world, &f->cards, &f->world_file);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return make_world(state, "ECp521mAES", true);
}

static int set_up_approved_only(void **state)
{
    return make_world(state, "DLf3072s256mAEScSP800131Ar1", false);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fake_module_clear(&f->module);
    fake_cards_clear(&f->cards);
    kq_buffer_clear(&f->world_file);
    free(f);
    return 0;
}

/* ---- what most tests do -------------------------------------------------------------- */

static struct kq_key_generate_request request_for(enum kq_key_type type, uint64_t bits)
{
    return (struct kq_key_generate_request){.application = kq_slice_text("simple"),
                                            .ident = kq_slice_text("my-key1"),
                                            .key_type = type,
                                            .bits = bits,
                                            .options = KQ_KEYOPT_RECOVERY};
}

static struct kq_slice keep(struct kq_slice bytes, struct kq_buffer *out)
{
    kq_buffer_init(out, 65536);
    assert_ok(kq_buffer_append(out, bytes.data, bytes.len));
    return kq_buffer_slice(out);
}

static void write_place(const struct fixture *f, const char *ident, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    const struct kq_place place = {.kind = KQ_PLACE_OWNER,
                                   .hknso = kq_slice_of(f->module.state->world.hknso, 32),
                                   .application = kq_slice_text("simple"),
                                   .ident = kq_slice_text(ident)};
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    kq_buffer_init(out, KQ_PLACE_MAX);
    assert_ok(kq_buffer_append(out, writer.buffer.data, writer.buffer.len));
}

static uint64_t load(struct fixture *f, struct kq_slice blob)
{
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    struct kq_key_load_reply reply;
    write_place(f, "my-key1", &place);
    const struct kq_key_load_request request = {blob, kq_buffer_slice(&place)};
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_LOAD, &request, &reply));
    return reply.handle;
}

static uint64_t generate_and_load(struct fixture *f, const struct kq_key_generate_request *request)
{
    struct kq_key_reply reply;
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, request, &reply));
    return load(f, keep(reply.blob, &blob));
}

static void expect_detail(const struct fixture *f, const char *part)
{
    if (strstr(f->module.detail, part) == NULL)
        fail_msg("detail \"%s\" without \"%s\"", f->module.detail, part);
}

/* ---- generating ------------------------------------------------------------------------ */

static const struct {
    enum kq_key_type type;
    uint64_t bits;
} kinds[] = {{KQ_KEY_RSA, 2048},         {KQ_KEY_EC_P256, 256}, {KQ_KEY_EC_P384, 384}, {KQ_KEY_EC_P521, 521},
             {KQ_KEY_EC_SECP256K1, 256}, {KQ_KEY_AES, 128},     {KQ_KEY_AES, 192},     {KQ_KEY_AES, 256}};
#define NUM_KINDS (sizeof kinds / sizeof kinds[0])

/* The reply of every kind: a blob, a recovery blob, the public key, and a certificate that says what is true. */
static void key_generate__every_kind__complete_reply(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < NUM_KINDS; i++) {
        struct kq_key_generate_request request = request_for(kinds[i].type, kinds[i].bits);
        struct kq_key_reply reply;
        struct kq_slice body;
        struct kq_keygen keygen;
        struct kq_key_blob blob;
        KQ_AUTO_VALUE(kq_buffer) place = {0};
        write_place(f, "my-key1", &place);
        assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &reply));
        assert_ok(kq_signed_verify(reply.certificate, hsm_key_public(f->module.state->module_key), &body));
        assert_ok(kq_keygen_get(body, &keygen, NULL));
        assert_ok(kq_key_blob_get(reply.blob, &blob, NULL));
        assert_int_equal(keygen.key_type, kinds[i].type);
        assert_int_equal(keygen.bits, kinds[i].bits);
        assert_int_equal(keygen.origin, KQ_ORIGIN_GENERATED);
        assert_int_equal(keygen.time, FAKE_NOW);
        assert_slice_equal(keygen.public_key, reply.public_key);
        assert_slice_equal(keygen.place, kq_buffer_slice(&place));
        assert_slice_equal(keygen.acl, blob.acl);
        assert_slice_equal(keygen.hknso, kq_slice_of(f->module.state->world.hknso, 32));
        assert_slice_equal(keygen.esn, kq_slice_text(f->module.state->esn));
        assert_ok(kq_acl_check(keygen.acl));
        assert_int_equal(reply.public_key.len == 0, kinds[i].type == KQ_KEY_AES);
        assert_int_not_equal(reply.recovery_blob.len, 0);
    }
}

static void key_generate__without_recovery_option__no_recovery_blob(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    struct kq_key_reply reply;
    struct kq_key_blob blob;
    request.options = 0;
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &reply));
    assert_int_equal(reply.recovery_blob.len, 0);
    assert_ok(kq_key_blob_get(reply.blob, &blob, NULL));
    /* and the ACL does not allow one to be made */
    assert_null(memmem(blob.acl.data, blob.acl.len, f->module.state->world.hkre, 32));
}

static void key_generate__name_not_allowed__argument(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *application, *ident, *why;
    } cases[] = {
        {"simple", "My-Key", "ident: only digits"},
        {"simple", "a_b", "ident: only digits"},
        {"simple", "a.b", "ident: only digits"},
        {"simple", "a/b", "ident: only digits"},
        {"simple", "a b", "ident: only digits"},
        {"Simple", "a", "application: only digits"},
        {"sim_ple", "a", "application: only digits"},
        {"xferacld", "a", "reserved"},
        {"xferacid", "a", "reserved"},
        {"simple", "\xc3\xa9", "ident: only digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kq_key_generate_request request = request_for(KQ_KEY_AES, 128);
        request.application = kq_slice_text(cases[i].application);
        request.ident = kq_slice_text(cases[i].ident);
        assert_status(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, NULL), KQ_ERR_ARGUMENT);
        expect_detail(f, cases[i].why);
    }
}

static void key_generate__names_of_80_and_81_characters__limit_holds(void **state)
{
    struct fixture *f = *state;
    char ident[76];
    memset(ident, 'a', sizeof ident);
    struct kq_key_generate_request request = request_for(KQ_KEY_AES, 128);
    request.ident = kq_slice_of(ident, 74); /* "simple" has 6 */
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, NULL));
    request.ident = kq_slice_of(ident, 75);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, NULL), KQ_ERR_ARGUMENT);
    expect_detail(f, "cannot exceed 80 characters");
}

static void key_generate__size_or_exponent_not_offered__argument(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t type, bits, e;
    } cases[] = {{KQ_KEY_RSA, 1024, 0},        {KQ_KEY_RSA, 2049, 0},     {KQ_KEY_RSA, 8192, 0},
                 {KQ_KEY_EC_P256, 384, 0},     {KQ_KEY_EC_P521, 512, 0},  {KQ_KEY_AES, 512, 0},
                 {KQ_KEY_RSA, 2048, 3},        {KQ_KEY_RSA, 2048, 65538}, {KQ_KEY_RSA, 2048, 1},
                 {KQ_KEY_EC_P256, 256, 65537}, {KQ_KEY_AES, 256, 65537}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kq_key_generate_request request = request_for((enum kq_key_type)cases[i].type, cases[i].bits);
        request.public_exponent = cases[i].e;
        assert_status(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, NULL), KQ_ERR_ARGUMENT);
    }
}

static void key_generate__type_outside_the_suite__unsupported(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_SECP256K1, 256);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, NULL), KQ_ERR_UNSUPPORTED);
    expect_detail(f, "DLf3072s256mAEScSP800131Ar1");
    struct kq_key_reply reply;
    request = request_for(KQ_KEY_EC_P256, 256);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &reply));
    assert_int_equal(reply.recovery_blob.len, 0); /* asked for, but the world has none */
}

static void key_generate__no_world__state(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_module) module = {0};
    fake_module_init(&module, tables);
    struct kq_key_generate_request request = request_for(KQ_KEY_AES, 128);
    assert_status(fake_module_call(&module, KQ_OP_KEY_GENERATE, &request, NULL), KQ_ERR_STATE);
}

/* ---- importing ---------------------------------------------------------------------------- */

static kq_status import_key(struct fixture *f, struct kq_slice file, struct kq_key_reply *reply)
{
    const struct kq_key_import_request request = {.application = kq_slice_text("simple"),
                                                  .ident = kq_slice_text("my-key1"),
                                                  .clear_key = file,
                                                  .options = KQ_KEYOPT_RECOVERY};
    return fake_module_call(&f->module, KQ_OP_KEY_IMPORT, &request, reply);
}

static void key_import__pem_of_openssl__marked_as_imported_in_the_clear(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    struct kq_key_reply reply;
    struct kq_slice body;
    struct kq_keygen keygen;
    PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &pem);
    assert_ok(import_key(f, kq_slice_of(pem, (size_t)len), &reply));
    assert_ok(kq_signed_verify(reply.certificate, hsm_key_public(f->module.state->module_key), &body));
    assert_ok(kq_keygen_get(body, &keygen, NULL));
    assert_int_equal(keygen.origin, KQ_ORIGIN_IMPORTED_CLEAR);
    assert_int_equal(keygen.key_type, KQ_KEY_EC_P256);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void key_import__bad_file__says_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    assert_status(import_key(f, kq_slice_text("hello"), NULL), KQ_ERR_FORMAT);
    expect_detail(f, "key file: not PEM or DER");
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &pem);
    assert_status(import_key(f, kq_slice_of(pem, (size_t)len), NULL), KQ_ERR_UNSUPPORTED);
    expect_detail(f, "2048, 3072 or 4096");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

/* ---- loading -------------------------------------------------------------------------------- */

static void key_load__stated_place_differs__mismatch(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    struct kq_key_reply reply;
    KQ_AUTO_VALUE(kq_buffer) blob = {0}, place = {0};
    write_place(f, "my-key2", &place);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &reply));
    const struct kq_key_load_request wrong = {keep(reply.blob, &blob), kq_buffer_slice(&place)};
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_LOAD, &wrong, NULL), KQ_ERR_MISMATCH);
    expect_detail(f, "another place");
}

static void key_unload__then_use__not_found(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    const struct kq_handle_request handle = {generate_and_load(f, &request)};
    static const uint8_t digest[32];
    const struct kq_sign_request sign = {handle.handle, KQ_MECH_ECDSA, kq_slice_of(digest, 32)};
    struct kq_handle_list_reply list;
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
    assert_ok(fake_module_call(&f->module, KQ_OP_HANDLE_LIST, NULL, &list));
    assert_int_equal(list.handles.num, 1);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_UNLOAD, &handle, NULL));
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_UNLOAD, &handle, NULL), KQ_ERR_NOT_FOUND);
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_NOT_FOUND);
    assert_ok(fake_module_call(&f->module, KQ_OP_HANDLE_LIST, NULL, &list));
    assert_int_equal(list.handles.num, 0);
}

static void handle__in_another_session__not_found(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    const struct kq_handle_request handle = {generate_and_load(f, &request)};
    fake_module_reconnect(&f->module);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_ACL, &handle, NULL), KQ_ERR_NOT_FOUND);
}

/* ---- using ------------------------------------------------------------------------------------- */

static void sign__rsa_and_curve__verify(void **state)
{
    struct fixture *f = *state;
    static const uint64_t mechanisms[] = {KQ_MECH_RSA_PSS_SHA256, KQ_MECH_ECDSA};
    for (size_t i = 0; i < 2; i++) {
        struct kq_key_generate_request request = request_for(kinds[i].type, kinds[i].bits);
        struct kq_key_reply made;
        struct kq_bytes_reply signature;
        KQ_AUTO(kq_public_key) public_key = NULL;
        KQ_AUTO_VALUE(kq_buffer) blob = {0};
        uint8_t digest[32];
        kq_sha256(kq_slice_text("message"), digest);
        assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &made));
        assert_ok(kq_public_key_new(made.public_key, &public_key));
        const struct kq_sign_request sign = {load(f, keep(made.blob, &blob)), mechanisms[i], kq_slice_of(digest, 32)};
        assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, &signature));
        assert_ok(kq_public_key_verify(public_key, mechanisms[i], sign.digest, signature.bytes));
    }
}

static void crypt__aes_gcm__round_trip_and_change_noticed(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_AES, 256);
    struct kq_bytes_reply reply;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    struct kq_crypt_request crypt = {generate_and_load(f, &request), KQ_MECH_AES_GCM, kq_slice_text("text"),
                                     kq_slice_text("aad")};
    assert_ok(fake_module_call(&f->module, KQ_OP_ENCRYPT, &crypt, &reply));
    crypt.data = keep(reply.bytes, &sealed);
    assert_ok(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, &reply));
    assert_slice_equal(reply.bytes, kq_slice_text("text"));
    sealed.data[15] ^= 1;
    assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_AUTH);
    assert_string_equal(f->module.detail, "");
}

static void decrypt__rsa__oaep_or_pkcs1(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_RSA, 2048);
    struct kq_key_reply made;
    struct kq_bytes_reply reply;
    KQ_AUTO(kq_public_key) public_key = NULL;
    KQ_AUTO_VALUE(kq_buffer) blob = {0}, sealed = {0};
    kq_buffer_init(&sealed, 512);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &made));
    assert_ok(kq_public_key_new(made.public_key, &public_key));
    assert_ok(kq_public_key_oaep(public_key, KQ_MECH_RSA_OAEP_SHA256, KQ_SLICE_EMPTY, kq_slice_text("text"), &sealed));
    struct kq_crypt_request crypt = {load(f, keep(made.blob, &blob)), KQ_MECH_RSA_OAEP_SHA256, kq_buffer_slice(&sealed),
                                     KQ_SLICE_EMPTY};
    assert_ok(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, &reply));
    assert_slice_equal(reply.bytes, kq_slice_text("text"));
    for (uint64_t mechanism = 1; mechanism < 40; mechanism++) {
        if (mechanism >= KQ_MECH_RSA_OAEP_SHA1 && mechanism <= KQ_MECH_RSA_PKCS1)
            continue;
        crypt.mechanism = mechanism;
        assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_UNSUPPORTED);
        expect_detail(f, "decrypts with OAEP (SHA-1, SHA-256) or PKCS #1 v1.5");
    }
    crypt.mechanism = KQ_MECH_RSA_PKCS1; /* no padding of its kind: noise, and no word of it */
    assert_ok(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, &reply));
    crypt.aad = kq_slice_text("label");
    assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_ARGUMENT);
    expect_detail(f, "aad: PKCS #1 v1.5 has no label");
    crypt.aad = KQ_SLICE_EMPTY;
    sealed.len = 0;
    assert_ok(kq_public_key_pkcs1_encrypt(public_key, kq_slice_text("text"), &sealed));
    crypt.data = kq_buffer_slice(&sealed);
    assert_ok(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, &reply));
    assert_slice_equal(reply.bytes, kq_slice_text("text"));
    crypt.data.len--;
    assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_ARGUMENT);
    expect_detail(f, "data: must be as long");
    crypt.data.len++;
    crypt.mechanism =
        KQ_MECH_RSA_OAEP_SHA1; /* wrong hash: what follows the private key has one error, without a word */
    assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_AUTH);
    assert_string_equal(f->module.detail, "");
    assert_status(fake_module_call(&f->module, KQ_OP_ENCRYPT, &crypt, NULL), KQ_ERR_UNSUPPORTED);
}

/* Loads a key and gives it the ACL of an exchange key, which has no right to
 * use it. Nobody but the module writes ACLs, so it is done inside. */
static uint64_t load_without_rights(struct fixture *f, enum kq_key_type type, uint64_t bits)
{
    struct kq_key_generate_request request = request_for(type, bits);
    struct hsm_loaded *loaded = NULL;
    uint64_t handle = generate_and_load(f, &request);
    assert_ok(hsm_handles_find(f->module.handles, handle, &loaded));
    kq_buffer_clear(&loaded->acl);
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, kq_slice_of(f->module.state->world.hkm, 32), &loaded->acl));
    hsm_loaded_free(loaded);
    return handle;
}

static void use__right_not_in_the_acl__denied(void **state)
{
    struct fixture *f = *state;
    static const uint8_t bytes[256];
    const struct kq_sign_request sign = {load_without_rights(f, KQ_KEY_EC_P256, 256), KQ_MECH_ECDSA,
                                         kq_slice_of(bytes, 32)};
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_DENIED);
    expect_detail(f, "Sign: the key's ACL does not allow it");
    struct kq_crypt_request crypt = {load_without_rights(f, KQ_KEY_AES, 256), KQ_MECH_AES_GCM, kq_slice_of(bytes, 64),
                                     KQ_SLICE_EMPTY};
    assert_status(fake_module_call(&f->module, KQ_OP_ENCRYPT, &crypt, NULL), KQ_ERR_DENIED);
    expect_detail(f, "Encrypt: the key's ACL does not allow it");
    assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_DENIED);
    expect_detail(f, "Decrypt: the key's ACL does not allow it");
    crypt = (struct kq_crypt_request){load_without_rights(f, KQ_KEY_RSA, 2048), KQ_MECH_RSA_OAEP_SHA256,
                                      kq_slice_of(bytes, 256), KQ_SLICE_EMPTY};
    assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_DENIED);
}

static void key_acl__no_get_acl__denied(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    const struct kq_handle_request handle = {generate_and_load(f, &request)};
    struct kq_key_acl_reply reply;
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_ACL, &handle, &reply));
    assert_ok(kq_acl_check(reply.acl));
    assert_int_equal(reply.uses_left.num, 0);
    struct hsm_loaded *loaded = NULL;
    assert_ok(hsm_handles_find(f->module.handles, handle.handle, &loaded));
    static const uint8_t empty_acl[] = {0x83, 0x6c, 'k', 'e', 'y', 'q', 'u', 'a', 'y', '/', 'a', 'c', 'l', 0x01, 0x80};
    kq_buffer_clear(&loaded->acl);
    assert_ok(kq_buffer_append(&loaded->acl, empty_acl, sizeof empty_acl));
    hsm_loaded_free(loaded);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_ACL, &handle, NULL), KQ_ERR_DENIED);
}

static void use_limit__spent__denied_and_misfits_cost_nothing(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    request.use_limit = 2;
    const struct kq_handle_request handle = {generate_and_load(f, &request)};
    static const uint8_t digest[32];
    const struct kq_sign_request sign = {handle.handle, KQ_MECH_ECDSA, kq_slice_of(digest, 32)};
    const struct kq_sign_request misfit = {handle.handle, KQ_MECH_RSA_PKCS1_SHA256, kq_slice_of(digest, 32)};
    struct kq_key_acl_reply acl;
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &misfit, NULL), KQ_ERR_ARGUMENT);
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_ACL, &handle, &acl));
    struct kq_slice left;
    assert_true(kq_list_next(&acl.uses_left, &left));
    assert_int_equal(left.data[7], 1);
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_DENIED);
    expect_detail(f, "spent");
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_ACL, &handle, NULL)); /* looking is no use */
}

static void time_limit__over__denied_until_loaded_again(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    struct kq_key_reply made;
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    static const uint8_t digest[32];
    request.time_limit_s = 60;
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &made));
    struct kq_sign_request sign = {load(f, keep(made.blob, &blob)), KQ_MECH_ECDSA, kq_slice_of(digest, 32)};
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
    fake_clock_advance(60);
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_DENIED);
    sign.handle = load(f, kq_buffer_slice(&blob));
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
}

/* The session goes on; the world that its key belongs to does not. */
static void sign__world_replaced_since_the_key_was_loaded__refused(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    struct kq_key_reply made;
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    static const uint8_t digest[32];
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &made));
    const struct kq_sign_request sign = {load(f, keep(made.blob, &blob)), KQ_MECH_ECDSA, kq_slice_of(digest, 32)};
    const struct kq_handle_request handle = {sign.handle};
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
    f->module.state->world.hknso[0] ^= 1; /* as another world has it */
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_STATE);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_ACL, &handle, NULL), KQ_ERR_STATE);
    f->module.state->world.hknso[0] ^= 1;
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_UNLOAD, &handle, NULL));
}

/* ---- recovery ------------------------------------------------------------------------------------ */

static void key_recover__under_quorum__works_as_before(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    struct kq_key_reply made, again;
    KQ_AUTO_VALUE(kq_buffer) recovery_blob = {0}, public_key = {0}, blob = {0}, place = {0};
    static const uint8_t digest[32];
    write_place(f, "my-key1", &place);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &made));
    keep(made.public_key, &public_key);
    const struct kq_key_recover_request recover = {keep(made.recovery_blob, &recovery_blob), kq_buffer_slice(&place)};
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_RECOVER, &recover, NULL), KQ_ERR_QUORUM);
    ceremony_authorise(&f->module, KQ_OP_KEY_RECOVER, &recover, KQ_SLICE_EMPTY, &f->cards);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_RECOVER, &recover, &again));
    assert_slice_equal(again.public_key, kq_buffer_slice(&public_key));
    assert_slice_equal(again.recovery_blob, kq_buffer_slice(&recovery_blob));
    const struct kq_sign_request sign = {load(f, keep(again.blob, &blob)), KQ_MECH_ECDSA, kq_slice_of(digest, 32)};
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL));
}

static void key_recover__changed_blob_or_place__refused(void **state)
{
    struct fixture *f = *state;
    struct kq_key_generate_request request = request_for(KQ_KEY_EC_P256, 256);
    struct kq_key_reply made;
    KQ_AUTO_VALUE(kq_buffer) recovery_blob = {0}, place = {0}, other_place = {0};
    write_place(f, "my-key1", &place);
    write_place(f, "my-key2", &other_place);
    assert_ok(fake_module_call(&f->module, KQ_OP_KEY_GENERATE, &request, &made));
    struct kq_key_recover_request recover = {keep(made.recovery_blob, &recovery_blob), kq_buffer_slice(&other_place)};
    ceremony_authorise(&f->module, KQ_OP_KEY_RECOVER, &recover, KQ_SLICE_EMPTY, &f->cards);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_RECOVER, &recover, NULL), KQ_ERR_MISMATCH);
    recover.place = kq_buffer_slice(&place);
    recovery_blob.data[recovery_blob.len - 1] ^= 1;
    ceremony_authorise(&f->module, KQ_OP_KEY_RECOVER, &recover, KQ_SLICE_EMPTY, &f->cards);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_RECOVER, &recover, NULL), KQ_ERR_AUTH);
    assert_string_equal(f->module.detail, "");
}

/* A recovery blob of a key that may not be sealed again (the ACL of a reduced copy). */
static void key_recover__acl_without_make_blob__denied(void **state)
{
    struct fixture *f = *state;
    struct hsm_world_facts facts;
    const char *why;
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0}, place = {0}, blob = {0};
    const struct hsm_world *world = &f->module.state->world;
    const struct kq_acl_transfer transfer = {KQ_PROFILE_KEYQUAY, 1, kq_slice_of(world->hkm, 32),
                                             kq_slice_of(world->hknso, 32), FAKE_NOW + 1};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&blob, 12288);
    write_place(f, "my-key1", &place);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &key));
    assert_ok(kq_acl_transfer_copy(&transfer, &acl));
    assert_ok(hsm_world_file_read(kq_buffer_slice(&world->world_file), &facts, &why));
    const struct hsm_blob_request request = {
        .key = key, .origin = KQ_ORIGIN_GENERATED, .acl = kq_buffer_slice(&acl), .place = kq_buffer_slice(&place)};
    assert_ok(hsm_recovery_blob_seal(facts.binding.recovery_public, kq_slice_of(world->km, 32), &request, &blob));
    const struct kq_key_recover_request recover = {kq_buffer_slice(&blob), kq_buffer_slice(&place)};
    ceremony_authorise(&f->module, KQ_OP_KEY_RECOVER, &recover, KQ_SLICE_EMPTY, &f->cards);
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_RECOVER, &recover, NULL), KQ_ERR_DENIED);
    expect_detail(f, "MakeBlob");
}

/* Whoever has the world file knows the recovery key's public half. A key of
 * his own, sealed to it, must not pass for one that this world made. */
static void key_recover__blob_made_from_public_facts__refused(void **state)
{
    struct fixture *f = *state;
    struct hsm_world_facts facts;
    const char *why;
    static const uint8_t no_km[32];
    KQ_AUTO(hsm_key) his = NULL;
    KQ_AUTO_VALUE(kq_buffer) acl = {0}, place = {0}, blob = {0}, world_file = {0};
    uint8_t hkm[32];
    const struct hsm_world *world = &f->module.state->world; /* only until a card is presented */
    const struct kq_acl_owner_request rights = {.type = KQ_KEY_EC_P256,
                                                .hkm = kq_slice_of(world->hkm, 32),
                                                .hknso = kq_slice_of(world->hknso, 32),
                                                .hkre = kq_slice_of(world->hkre, 32)};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&blob, 12288);
    write_place(f, "my-key1", &place);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &his));
    assert_ok(kq_acl_owner_key(&rights, &acl));
    memcpy(hkm, world->hkm, sizeof hkm);
    kq_buffer_init(&world_file, KQ_WORLD_FILE_MAX);
    assert_ok(kq_buffer_append(&world_file, world->world_file.data, world->world_file.len));
    assert_ok(hsm_world_file_read(kq_buffer_slice(&world_file), &facts, &why));
    const struct hsm_blob_request request = {
        .key = his, .origin = KQ_ORIGIN_GENERATED, .acl = kq_buffer_slice(&acl), .place = kq_buffer_slice(&place)};
    const struct kq_slice guesses[] = {KQ_SLICE_EMPTY, kq_slice_of(no_km, sizeof no_km), kq_slice_of(hkm, 32)};
    for (size_t i = 0; i < KQ_COUNT_OF(guesses); i++) {
        blob.len = 0;
        assert_ok(hsm_recovery_blob_seal(facts.binding.recovery_public, guesses[i], &request, &blob));
        const struct kq_key_recover_request recover = {kq_buffer_slice(&blob), kq_buffer_slice(&place)};
        ceremony_authorise(&f->module, KQ_OP_KEY_RECOVER, &recover, KQ_SLICE_EMPTY, &f->cards);
        assert_status(fake_module_call(&f->module, KQ_OP_KEY_RECOVER, &recover, NULL), KQ_ERR_AUTH);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(
    TEST(key_generate__every_kind__complete_reply), TEST(key_generate__without_recovery_option__no_recovery_blob),
    TEST(key_generate__name_not_allowed__argument), TEST(key_generate__names_of_80_and_81_characters__limit_holds),
    TEST(key_generate__size_or_exponent_not_offered__argument),
    cmocka_unit_test_setup_teardown(key_generate__type_outside_the_suite__unsupported, set_up_approved_only, tear_down),
    cmocka_unit_test(key_generate__no_world__state), TEST(key_import__pem_of_openssl__marked_as_imported_in_the_clear),
    TEST(key_import__bad_file__says_what_is_wrong), TEST(key_load__stated_place_differs__mismatch),
    TEST(key_unload__then_use__not_found), TEST(handle__in_another_session__not_found),
    TEST(sign__rsa_and_curve__verify), TEST(crypt__aes_gcm__round_trip_and_change_noticed),
    TEST(decrypt__rsa__oaep_or_pkcs1), TEST(use__right_not_in_the_acl__denied), TEST(key_acl__no_get_acl__denied),
    TEST(use_limit__spent__denied_and_misfits_cost_nothing), TEST(time_limit__over__denied_until_loaded_again),
    TEST(sign__world_replaced_since_the_key_was_loaded__refused), TEST(key_recover__under_quorum__works_as_before),
    TEST(key_recover__changed_blob_or_place__refused), TEST(key_recover__blob_made_from_public_facts__refused),
    TEST(key_recover__acl_without_make_blob__denied))
