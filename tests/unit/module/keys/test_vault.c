#include "unit.h"

#include "base/size.h"
#include "base/text.h"
#include "harness/ceremony.h"
#include "module/acl/acl.h"
#include "module/privcrypto/ec.h"
#include "module/seal/blob.h"
#include "pubcrypto/public_key.h"
#include "trust/acl.h"
#include "trust/chain.h"

static const struct hsm_row *const tables[] = {hsm_quorum_rows, hsm_world_rows, hsm_key_rows, NULL};

#define SUBSCRIPTION "0f8fad5b-d9cb-469f-a165-70867728950e"
#define VERSION "00112233445566778899aabbccddeeff"

/* A region's world, and one of another region. */
struct fixture {
    struct fake_module module, other;
    struct fake_cards cards, other_cards;
    struct kq_buffer world_file, other_world_file;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct fake_world world = {KQ_WORLD_REGION, "ECp521mAES", 1, 1, false};
    fake_module_init(&f->module, tables);
    fake_module_init(&f->other, tables);
    ceremony_make_world(&f->module, &world, &f->cards, &f->world_file);
    ceremony_make_world(&f->other, &world, &f->other_cards, &f->other_world_file);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fake_module_clear(&f->module);
    fake_module_clear(&f->other);
    fake_cards_clear(&f->cards);
    fake_cards_clear(&f->other_cards);
    kq_buffer_clear(&f->world_file);
    kq_buffer_clear(&f->other_world_file);
    free(f);
    return 0;
}

/* ---- what most tests do ------------------------------------------------------------- */

static void expect_detail(const struct fake_module *module, const char *part)
{
    if (strstr(module->detail, part) == NULL)
        fail_msg("detail \"%s\" without \"%s\"", module->detail, part);
}

static struct kq_slice hkm_of(const struct fake_module *module)
{
    return kq_slice_of(module->state->world.hkm, KQ_HASH_LEN);
}

static struct kq_vault_key_generate_request generation(enum kq_key_type type, uint64_t bits)
{
    return (struct kq_vault_key_generate_request){.subscription = kq_slice_text(SUBSCRIPTION),
                                                  .vault = kq_slice_text("ContosoVault"),
                                                  .key_name = kq_slice_text("My-Key1"),
                                                  .key_version = kq_slice_text(VERSION),
                                                  .key_type = type,
                                                  .bits = bits,
                                                  .purpose = KQ_VAULT_PURPOSE_USE};
}

/* A key of a vault as a caller keeps it. */
struct kept {
    struct kq_buffer blob, place, public_key;
    uint64_t origin;
};
static void kept_clear(struct kept *kept)
{
    kq_buffer_clear(&kept->blob);
    kq_buffer_clear(&kept->place);
    kq_buffer_clear(&kept->public_key);
}
KQ_AUTO_DEFINE_VALUE(kept);

static void keep_bytes(struct kq_slice bytes, struct kq_buffer *out)
{
    kq_buffer_init(out, 65536);
    assert_ok(kq_buffer_append(out, bytes.data, bytes.len));
}

static void keep(const struct kq_vault_key_reply *reply, struct kept *out)
{
    keep_bytes(reply->blob, &out->blob);
    keep_bytes(reply->place, &out->place);
    keep_bytes(reply->public_key, &out->public_key);
    out->origin = reply->origin;
}

static void generate(struct fixture *f, enum kq_key_type type, uint64_t bits, struct kept *out)
{
    const struct kq_vault_key_generate_request request = generation(type, bits);
    struct kq_vault_key_reply reply;
    assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &request, &reply));
    keep(&reply, out);
}

static kq_status load(struct fake_module *module, const struct kept *kept, struct kq_key_load_reply *out)
{
    const struct kq_key_load_request request = {kq_buffer_slice(&kept->blob), kq_buffer_slice(&kept->place)};
    return fake_module_call(module, KQ_OP_KEY_LOAD, &request, out);
}

/* The certificate says what the reply and the blob say. */
static void expect_sound(const struct fake_module *module, const struct kq_vault_key_reply *reply,
                         enum kq_key_type type, struct kq_slice acl)
{
    struct kq_slice body;
    struct kq_keygen keygen;
    struct kq_key_blob blob;
    assert_ok(kq_signed_verify(reply->certificate, hsm_key_public(module->state->module_key), &body));
    assert_ok(kq_keygen_get(body, &keygen, NULL));
    assert_ok(kq_key_blob_get(reply->blob, &blob, NULL));
    assert_int_equal(keygen.key_type, type);
    assert_int_equal(keygen.bits, reply->bits);
    assert_int_equal(keygen.origin, reply->origin);
    assert_int_equal(blob.origin, reply->origin);
    assert_slice_equal(keygen.public_key, reply->public_key);
    assert_slice_equal(keygen.place, reply->place);
    assert_slice_equal(blob.place, reply->place);
    assert_slice_equal(keygen.acl, blob.acl);
    assert_slice_equal(keygen.acl, acl);
    assert_slice_equal(keygen.hknso, kq_slice_of(module->state->world.hknso, 32));
    assert_slice_equal(keygen.esn, kq_slice_text(module->state->esn));
}

static void expect_place(const struct fake_module *module, struct kq_slice encoded, const char *vault)
{
    struct kq_place place;
    assert_ok(kq_place_get(encoded, &place, NULL));
    assert_int_equal(place.kind, KQ_PLACE_VAULT);
    assert_slice_equal(place.hknso, kq_slice_of(module->state->world.hknso, 32));
    assert_int_equal(place.application.len + place.ident.len, 0);
    assert_slice_equal(place.subscription, kq_slice_text(SUBSCRIPTION));
    assert_slice_equal(place.vault, kq_slice_text(vault));
    assert_slice_equal(place.key_name, kq_slice_text("My-Key1"));
    assert_slice_equal(place.key_version, kq_slice_text(VERSION));
}

/* ---- the table ------------------------------------------------------------------------ */

static void rows__keys_of_a_vault__for_the_vault_and_administrators_in_a_region(void **state)
{
    (void)state;
    size_t num = 0;
    for (const struct hsm_row *row = hsm_key_rows; row->handler != NULL; row++) {
        if (row->op != KQ_OP_VAULT_KEY_GENERATE && row->op != KQ_OP_VAULT_KEY_IMPORT &&
            row->op != KQ_OP_VAULT_KEY_RESTORE)
            continue;
        assert_int_equal(row->roles, KQ_ROLE_VAULT | KQ_ROLE_ADMIN);
        assert_int_equal(row->worlds, HSM_IN_REGION);
        assert_int_equal(row->flags, HSM_ROW_RECORDED | HSM_ROW_SLOW);
        num++;
    }
    assert_int_equal(num, 3);
}

static void vault_key_generate__owners_world__state(void **state)
{
    (void)state;
    struct fake_module owner;
    struct fake_cards cards = {0};
    struct kq_buffer file = {0};
    const struct fake_world world = {KQ_WORLD_OWNER, "ECp521mAES", 1, 1, false};
    fake_module_init(&owner, tables);
    ceremony_make_world(&owner, &world, &cards, &file);
    const struct kq_vault_key_generate_request request = generation(KQ_KEY_EC_P256, 256);
    assert_status(fake_module_call(&owner, KQ_OP_VAULT_KEY_GENERATE, &request, NULL), KQ_ERR_STATE);
    fake_module_clear(&owner);
    fake_cards_clear(&cards);
    kq_buffer_clear(&file);
}

/* ---- generating -------------------------------------------------------------------------- */

static const struct {
    enum kq_key_type type;
    uint64_t bits;
} kinds[] = {{KQ_KEY_RSA, 2048},    {KQ_KEY_RSA, 3072},    {KQ_KEY_EC_P256, 256},
             {KQ_KEY_EC_P384, 384}, {KQ_KEY_EC_P521, 521}, {KQ_KEY_EC_SECP256K1, 256}};

static void vault_key_generate__every_kind__complete_reply(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++) {
        const struct kq_vault_key_generate_request request = generation(kinds[i].type, kinds[i].bits);
        struct kq_vault_key_reply reply;
        KQ_AUTO_VALUE(kq_buffer) acl = {0};
        kq_buffer_init(&acl, KQ_ACL_MAX);
        assert_ok(kq_acl_imported_key(kinds[i].type, hkm_of(&f->module), &acl));
        assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &request, &reply));
        assert_int_equal(reply.bits, kinds[i].bits);
        assert_int_equal(reply.origin, KQ_ORIGIN_GENERATED);
        expect_sound(&f->module, &reply, kinds[i].type, kq_buffer_slice(&acl));
        expect_place(&f->module, reply.place, "ContosoVault");
    }
}

static void vault_key_generate__loaded__is_used_as_its_template_says(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(kept) kept = {0};
    KQ_AUTO(kq_public_key) public_key = NULL;
    struct kq_key_load_reply loaded;
    struct kq_bytes_reply reply;
    static const uint8_t input[40] = {1, 2, 3};
    generate(f, KQ_KEY_RSA, 2048, &kept);
    assert_ok(load(&f->module, &kept, &loaded));
    assert_ok(kq_public_key_new(kq_buffer_slice(&kept.public_key), &public_key));
    const struct kq_sign_request sign = {loaded.handle, KQ_MECH_RSA_PKCS1_RAW, kq_slice_of(input, sizeof input)};
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, &reply));
    assert_ok(kq_public_key_verify(public_key, KQ_MECH_RSA_PKCS1_RAW, sign.digest, reply.bytes));
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    kq_buffer_init(&sealed, 512);
    assert_ok(kq_public_key_pkcs1_encrypt(public_key, kq_slice_of(input, sizeof input), &sealed));
    const struct kq_crypt_request crypt = {loaded.handle, KQ_MECH_RSA_PKCS1, kq_buffer_slice(&sealed), KQ_SLICE_EMPTY};
    assert_ok(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, &reply));
    assert_slice_equal(reply.bytes, kq_slice_of(input, sizeof input));
}

static void vault_key_generate__for_import__the_exchange_template_and_no_use(void **state)
{
    struct fixture *f = *state;
    struct kq_vault_key_generate_request request = generation(KQ_KEY_RSA, 2048);
    struct kq_vault_key_reply reply;
    struct kq_key_load_reply loaded;
    KQ_AUTO_VALUE(kept) kept = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    static const uint8_t bytes[256];
    request.purpose = KQ_VAULT_PURPOSE_IMPORT;
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_AZURE_BYOK, hkm_of(&f->module), &acl));
    assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &request, &reply));
    expect_sound(&f->module, &reply, KQ_KEY_RSA, kq_buffer_slice(&acl));
    keep(&reply, &kept);
    assert_ok(load(&f->module, &kept, &loaded));
    const struct kq_sign_request sign = {loaded.handle, KQ_MECH_RSA_PKCS1_SHA256, kq_slice_of(bytes, 32)};
    assert_status(fake_module_call(&f->module, KQ_OP_SIGN, &sign, NULL), KQ_ERR_DENIED);
    const uint64_t mechanisms[] = {KQ_MECH_RSA_OAEP_SHA1, KQ_MECH_RSA_OAEP_SHA256, KQ_MECH_RSA_PKCS1};
    for (size_t i = 0; i < KQ_COUNT_OF(mechanisms); i++) {
        const struct kq_crypt_request crypt = {loaded.handle, mechanisms[i], kq_slice_of(bytes, 256), KQ_SLICE_EMPTY};
        assert_status(fake_module_call(&f->module, KQ_OP_DECRYPT, &crypt, NULL), KQ_ERR_DENIED);
    }
}

static void vault_key_generate__curve_for_import__argument(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < KQ_COUNT_OF(kinds); i++) {
        struct kq_vault_key_generate_request request = generation(kinds[i].type, kinds[i].bits);
        if (kinds[i].type == KQ_KEY_RSA)
            continue;
        request.purpose = KQ_VAULT_PURPOSE_IMPORT;
        assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &request, NULL), KQ_ERR_ARGUMENT);
        expect_detail(&f->module, "purpose:");
    }
}

static void vault_key_generate__size_or_exponent_not_offered__argument(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t type, bits, e;
    } cases[] = {{KQ_KEY_RSA, 1024, 0},       {KQ_KEY_RSA, 2049, 0}, {KQ_KEY_RSA, 8192, 0},
                 {KQ_KEY_EC_P256, 384, 0},    {KQ_KEY_RSA, 2048, 3}, {KQ_KEY_RSA, 2048, 65538},
                 {KQ_KEY_EC_P256, 256, 65537}};
    for (size_t i = 0; i < KQ_COUNT_OF(cases); i++) {
        struct kq_vault_key_generate_request request = generation((enum kq_key_type)cases[i].type, cases[i].bits);
        request.public_exponent = cases[i].e;
        assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &request, NULL), KQ_ERR_ARGUMENT);
    }
}

static void vault_key_generate__subscription_in_capitals__kept_in_lower_case(void **state)
{
    struct fixture *f = *state;
    struct kq_vault_key_generate_request request = generation(KQ_KEY_EC_P256, 256);
    struct kq_vault_key_reply reply;
    request.subscription = kq_slice_text("0F8FAD5B-D9CB-469F-A165-70867728950E");
    assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &request, &reply));
    expect_place(&f->module, reply.place, "ContosoVault");
}

/* What may stand in a place; the same for an import. */
static const struct {
    const char *subscription, *vault, *key_name, *key_version, *why;
} bad_places[] = {
    {"0f8fad5b-d9cb-469f-a165-70867728950g", "v", "k", VERSION, "subscription:"},
    {"0f8fad5bd9cb469fa16570867728950e0000", "v", "k", VERSION, "subscription:"},
    {SUBSCRIPTION, "v/w", "k", VERSION, "vault:"},
    {SUBSCRIPTION, "v.w", "k", VERSION, "vault:"},
    {SUBSCRIPTION, "v_w", "k", VERSION, "vault:"},
    {SUBSCRIPTION, "\xc3\xa9", "k", VERSION, "vault:"},
    {SUBSCRIPTION, "v", "k k", VERSION, "key_name:"},
    {SUBSCRIPTION, "v", "../k", VERSION, "key_name:"},
    {SUBSCRIPTION, "v", "k", "00112233445566778899aabbccddeefg", "key_version:"},
    {SUBSCRIPTION, "v", "k", "00112233445566778899AABBCCDDEEFF", "key_version:"},
};

static void vault_key__place_not_allowed__argument(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < KQ_COUNT_OF(bad_places); i++) {
        struct kq_vault_key_generate_request made = generation(KQ_KEY_EC_P256, 256);
        made.subscription = kq_slice_text(bad_places[i].subscription);
        made.vault = kq_slice_text(bad_places[i].vault);
        made.key_name = kq_slice_text(bad_places[i].key_name);
        made.key_version = kq_slice_text(bad_places[i].key_version);
        assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &made, NULL), KQ_ERR_ARGUMENT);
        expect_detail(&f->module, bad_places[i].why);
        const struct kq_vault_key_import_request brought = {.subscription = made.subscription,
                                                            .vault = made.vault,
                                                            .key_name = made.key_name,
                                                            .key_version = made.key_version,
                                                            .key_type = KQ_KEY_EC_P256};
        assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &brought, NULL), KQ_ERR_ARGUMENT);
        expect_detail(&f->module, bad_places[i].why);
    }
}

/* ---- importing ------------------------------------------------------------------------------ */

/* RFC 7517 A.2: the example's P-256 key. */
#define EXAMPLE_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define EXAMPLE_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define EXAMPLE_D "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"

static struct kq_vault_key_import_request importation(void)
{
    return (struct kq_vault_key_import_request){.subscription = kq_slice_text(SUBSCRIPTION),
                                                .vault = kq_slice_text("ContosoVault"),
                                                .key_name = kq_slice_text("My-Key1"),
                                                .key_version = kq_slice_text(VERSION),
                                                .key_type = KQ_KEY_EC_P256,
                                                .x = kq_slice_text(EXAMPLE_X),
                                                .y = kq_slice_text(EXAMPLE_Y),
                                                .d = kq_slice_text(EXAMPLE_D)};
}

static void vault_key_import__published_key__is_that_key(void **state)
{
    struct fixture *f = *state;
    const struct kq_vault_key_import_request request = importation();
    struct kq_vault_key_reply reply;
    KQ_AUTO_VALUE(kq_buffer) acl = {0}, point = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&point, 128);
    assert_ok(kq_acl_imported_key(KQ_KEY_EC_P256, hkm_of(&f->module), &acl));
    assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, &reply));
    assert_int_equal(reply.bits, 256);
    assert_int_equal(reply.origin, KQ_ORIGIN_IMPORTED_CLEAR);
    expect_sound(&f->module, &reply, KQ_KEY_EC_P256, kq_buffer_slice(&acl));
    expect_place(&f->module, reply.place, "ContosoVault");
    assert_ok(kq_base64url_decode(kq_slice_text(EXAMPLE_X), &point));
    assert_ok(kq_base64url_decode(kq_slice_text(EXAMPLE_Y), &point));
    assert_slice_equal(kq_slice_of(reply.public_key.data + reply.public_key.len - 64, 64), kq_buffer_slice(&point));
    KQ_AUTO_VALUE(kept) kept = {0};
    KQ_AUTO(kq_public_key) public_key = NULL;
    struct kq_key_load_reply loaded;
    struct kq_bytes_reply signature;
    static const uint8_t digest[32] = {5};
    keep(&reply, &kept);
    assert_ok(load(&f->module, &kept, &loaded));
    assert_ok(kq_public_key_new(kq_buffer_slice(&kept.public_key), &public_key));
    const struct kq_sign_request sign = {loaded.handle, KQ_MECH_ECDSA, kq_slice_of(digest, 32)};
    assert_ok(fake_module_call(&f->module, KQ_OP_SIGN, &sign, &signature));
    assert_ok(kq_public_key_verify(public_key, KQ_MECH_ECDSA, sign.digest, signature.bytes));
}

static void vault_key_import__bad_key__one_clear_error(void **state)
{
    struct fixture *f = *state;
    struct kq_vault_key_import_request request = importation();
    request.d = kq_slice_text("AQ"); /* a scalar of another point */
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_ARGUMENT);
    expect_detail(&f->module, "key: its numbers do not make a valid key");
    request = importation();
    request.y = kq_slice_text(EXAMPLE_X);
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_ARGUMENT);
    expect_detail(&f->module, "key: its numbers do not make a valid key");
    request = importation();
    request.key_type = KQ_KEY_EC_SECP256K1;
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_ARGUMENT);
    expect_detail(&f->module, "key: its numbers do not make a valid key");
}

static void vault_key_import__form_wrong__the_member_is_named(void **state)
{
    struct fixture *f = *state;
    struct kq_vault_key_import_request request = importation();
    request.d = KQ_SLICE_EMPTY;
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_ARGUMENT);
    expect_detail(&f->module, "d: is missing");
    request = importation();
    request.x = kq_slice_text("AQ==");
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_FORMAT);
    expect_detail(&f->module, "x: not base64url");
    request = importation();
    request.qi = kq_slice_text("AQ");
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_FORMAT);
    expect_detail(&f->module, "qi:");
    request.key_type = KQ_KEY_RSA;
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_ARGUMENT);
    expect_detail(&f->module, "n: is missing");
    request.x = request.y = KQ_SLICE_EMPTY;
    request.n = request.e = request.d = request.p = request.q = kq_slice_text("AQAB");
    assert_status(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &request, NULL), KQ_ERR_UNSUPPORTED);
    expect_detail(&f->module, "n: RSA keys of 2048, 3072 or 4096 bits");
}

/* ---- restoring -------------------------------------------------------------------------------- */

static kq_status restore(struct fake_module *module, const struct kept *kept, const char *vault,
                         struct kq_vault_key_reply *out)
{
    const struct kq_vault_key_restore_request request = {kq_buffer_slice(&kept->blob), kq_buffer_slice(&kept->place),
                                                         kq_slice_text(vault)};
    return fake_module_call(module, KQ_OP_VAULT_KEY_RESTORE, &request, out);
}

static void vault_key_restore__another_vault__the_same_key_there_only(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(kept) kept = {0};
    KQ_AUTO_VALUE(kept) moved = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    struct kq_vault_key_reply reply;
    struct kq_key_load_reply loaded;
    generate(f, KQ_KEY_EC_P256, 256, &kept);
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(kq_acl_imported_key(KQ_KEY_EC_P256, hkm_of(&f->module), &acl));
    assert_ok(restore(&f->module, &kept, "Other-Vault2", &reply));
    assert_slice_equal(reply.public_key, kq_buffer_slice(&kept.public_key));
    assert_int_equal(reply.origin, KQ_ORIGIN_GENERATED);
    expect_sound(&f->module, &reply, KQ_KEY_EC_P256, kq_buffer_slice(&acl));
    expect_place(&f->module, reply.place, "Other-Vault2");
    keep(&reply, &moved);
    assert_ok(load(&f->module, &moved, &loaded));
    /* neither blob opens at the other's place */
    const struct kq_key_load_request swapped = {kq_buffer_slice(&moved.blob), kq_buffer_slice(&kept.place)};
    assert_status(fake_module_call(&f->module, KQ_OP_KEY_LOAD, &swapped, NULL), KQ_ERR_MISMATCH);
}

static void vault_key_restore__imported_key_for_import__origin_and_acl_stay(void **state)
{
    struct fixture *f = *state;
    struct kq_vault_key_import_request import = importation();
    struct kq_vault_key_generate_request kek = generation(KQ_KEY_RSA, 2048);
    struct kq_vault_key_reply reply;
    KQ_AUTO_VALUE(kept) imported = {0};
    KQ_AUTO_VALUE(kept) exchange = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kek.purpose = KQ_VAULT_PURPOSE_IMPORT;
    assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_IMPORT, &import, &reply));
    keep(&reply, &imported);
    assert_ok(restore(&f->module, &imported, "back", &reply));
    assert_int_equal(reply.origin, KQ_ORIGIN_IMPORTED_CLEAR);
    assert_ok(fake_module_call(&f->module, KQ_OP_VAULT_KEY_GENERATE, &kek, &reply));
    keep(&reply, &exchange);
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_AZURE_BYOK, hkm_of(&f->module), &acl));
    assert_ok(restore(&f->module, &exchange, "back", &reply));
    expect_sound(&f->module, &reply, KQ_KEY_RSA, kq_buffer_slice(&acl));
}

/* Rewrites the place a caller states; the blob stays. */
static void restate(struct kept *kept, struct kq_place place)
{
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    kept->place.len = 0;
    assert_ok(kq_buffer_append(&kept->place, writer.buffer.data, writer.buffer.len));
}

static void vault_key_restore__stated_at_another_place__mismatch(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 5; i++) {
        KQ_AUTO_VALUE(kept) kept = {0};
        KQ_AUTO_VALUE(kq_buffer) original = {0};
        struct kq_place place;
        generate(f, KQ_KEY_EC_P256, 256, &kept);
        keep_bytes(kq_buffer_slice(&kept.place), &original);
        assert_ok(kq_place_get(kq_buffer_slice(&original), &place, NULL));
        if (i == 0) /* somebody else's subscription */
            place.subscription = kq_slice_text("11111111-d9cb-469f-a165-70867728950e");
        if (i == 1)
            place.key_name = kq_slice_text("another");
        if (i == 2)
            place.key_version = kq_slice_text("ffffffffffffffffffffffffffffffff");
        if (i == 3)
            place.vault = kq_slice_text("another");
        if (i == 4)
            place.hknso = kq_slice_of(f->other.state->world.hknso, 32);
        restate(&kept, place);
        assert_status(restore(&f->module, &kept, "v", NULL), KQ_ERR_MISMATCH);
        expect_detail(&f->module, i == 4 ? "place: of another world" : "sealed for another place");
    }
}

static void vault_key_restore__blob_of_another_world__mismatch(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(kept) kept = {0};
    struct kq_place place;
    KQ_AUTO_VALUE(kq_buffer) original = {0};
    generate(f, KQ_KEY_EC_P256, 256, &kept);
    assert_status(restore(&f->other, &kept, "v", NULL), KQ_ERR_MISMATCH);
    keep_bytes(kq_buffer_slice(&kept.place), &original);
    assert_ok(kq_place_get(kq_buffer_slice(&original), &place, NULL));
    place.hknso = kq_slice_of(f->other.state->world.hknso, 32);
    restate(&kept, place);
    assert_status(restore(&f->other, &kept, "v", NULL), KQ_ERR_MISMATCH);
    expect_detail(&f->other, "another world");
}

static void vault_key_restore__vault_name_or_place_wrong__argument(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(kept) kept = {0};
    generate(f, KQ_KEY_EC_P256, 256, &kept);
    static const char *const names[] = {"a/b", "a.b", "a b", "a_b"};
    for (size_t i = 0; i < KQ_COUNT_OF(names); i++) {
        assert_status(restore(&f->module, &kept, names[i], NULL), KQ_ERR_ARGUMENT);
        expect_detail(&f->module, "vault:");
    }
    kept.place.len--;
    assert_status(restore(&f->module, &kept, "v", NULL), KQ_ERR_ARGUMENT);
    expect_detail(&f->module, "place: not a place in a vault");
}

/* Seals a key for a place with an ACL, as only code inside the module can. */
static void seal(const struct fake_module *module, enum kq_place_kind kind, struct kq_slice acl, struct kept *out)
{
    KQ_AUTO(hsm_key) key = NULL;
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    const struct kq_place place = {.kind = kind,
                                   .hknso = kq_slice_of(module->state->world.hknso, 32),
                                   .subscription = kq_slice_text(SUBSCRIPTION),
                                   .vault = kq_slice_text("ContosoVault"),
                                   .key_name = kq_slice_text("My-Key1"),
                                   .key_version = kq_slice_text(VERSION)};
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    keep_bytes(kq_buffer_slice(&writer.buffer), &out->place);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 256, 0, &key));
    const struct hsm_blob_request request = {
        .key = key, .origin = KQ_ORIGIN_GENERATED, .acl = acl, .place = kq_buffer_slice(&out->place)};
    kq_buffer_init(&out->blob, 65536);
    assert_ok(hsm_blob_seal(module->state, &request, &out->blob));
}

static void vault_key_restore__place_of_another_kind__argument(void **state)
{
    struct fixture *f = *state;
    static const enum kq_place_kind others[] = {KQ_PLACE_OWNER, KQ_PLACE_EXCHANGE};
    for (size_t i = 0; i < KQ_COUNT_OF(others); i++) {
        KQ_AUTO_VALUE(kept) kept = {0};
        KQ_AUTO_VALUE(kq_buffer) acl = {0};
        kq_buffer_init(&acl, KQ_ACL_MAX);
        assert_ok(kq_acl_imported_key(KQ_KEY_EC_P256, hkm_of(&f->module), &acl));
        seal(&f->module, others[i], kq_buffer_slice(&acl), &kept);
        assert_status(restore(&f->module, &kept, "v", NULL), KQ_ERR_ARGUMENT);
        expect_detail(&f->module, "place: not a place in a vault");
    }
}

/* A key whose ACL lets no blob be made of it, or one of another world's alone. */
static void vault_key_restore__acl_without_make_blob__denied(void **state)
{
    struct fixture *f = *state;
    uint8_t other_hkm[32] = {1};
    KQ_AUTO_VALUE(kept) kept = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(kq_acl_imported_key(KQ_KEY_EC_P256, kq_slice_of(other_hkm, 32), &acl));
    seal(&f->module, KQ_PLACE_VAULT, kq_buffer_slice(&acl), &kept);
    assert_status(restore(&f->module, &kept, "v", NULL), KQ_ERR_DENIED);
    expect_detail(&f->module, "MakeBlob");
}

static void vault_key_restore__byte_changed__refused(void **state)
{
    struct fixture *f = *state;
    KQ_AUTO_VALUE(kept) kept = {0};
    generate(f, KQ_KEY_EC_P256, 256, &kept);
    for (size_t at = 0; at < kept.blob.len; at += 7) {
        kept.blob.data[at] ^= 1;
        assert_int_not_equal(restore(&f->module, &kept, "v", NULL), KQ_OK);
        kept.blob.data[at] ^= 1;
    }
    assert_ok(restore(&f->module, &kept, "v", NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
UNIT_MAIN(cmocka_unit_test(rows__keys_of_a_vault__for_the_vault_and_administrators_in_a_region),
          cmocka_unit_test(vault_key_generate__owners_world__state),
          TEST(vault_key_generate__every_kind__complete_reply),
          TEST(vault_key_generate__loaded__is_used_as_its_template_says),
          TEST(vault_key_generate__for_import__the_exchange_template_and_no_use),
          TEST(vault_key_generate__curve_for_import__argument),
          TEST(vault_key_generate__size_or_exponent_not_offered__argument),
          TEST(vault_key_generate__subscription_in_capitals__kept_in_lower_case),
          TEST(vault_key__place_not_allowed__argument), TEST(vault_key_import__published_key__is_that_key),
          TEST(vault_key_import__bad_key__one_clear_error), TEST(vault_key_import__form_wrong__the_member_is_named),
          TEST(vault_key_restore__another_vault__the_same_key_there_only),
          TEST(vault_key_restore__imported_key_for_import__origin_and_acl_stay),
          TEST(vault_key_restore__stated_at_another_place__mismatch),
          TEST(vault_key_restore__blob_of_another_world__mismatch),
          TEST(vault_key_restore__vault_name_or_place_wrong__argument),
          TEST(vault_key_restore__place_of_another_kind__argument),
          TEST(vault_key_restore__acl_without_make_blob__denied), TEST(vault_key_restore__byte_changed__refused))
