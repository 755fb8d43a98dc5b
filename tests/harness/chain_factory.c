#include "harness/chain_factory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pubcrypto/hash.h"
#include "trust/acl.h"

#define BODY_MAX (64u * 1024)
#define YEAR_S UINT64_C(31536000)

/* Tests change facts, never the factory: whatever it cannot encode is a mistake in the test. */
static void must(kq_status status, const char *what)
{
    if (status == KQ_OK)
        return;
    fprintf(stderr, "chain factory: %s: %s\n", what, kq_status_text(status));
    abort();
}

static void put_record(const struct kq_record_type *type, const void *record, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
    kq_writer_init(&writer, BODY_MAX);
    kq_record_put(type, record, &writer);
    struct kq_slice bytes;
    must(kq_writer_finish(&writer, &bytes), type->name == NULL ? "record" : type->name);
    kq_buffer_init(out, BODY_MAX);
    must(kq_buffer_append(out, bytes.data, bytes.len), "memory");
}

void chain_keys_init(struct chain_keys *keys)
{
    *keys = (struct chain_keys){
        .root = test_key_new(KQ_KEY_EC_P384, 384),
        .module = test_key_new(KQ_KEY_EC_P384, 384),
        .knso = test_key_new(KQ_KEY_EC_P521, 521),
        .exchange = test_key_new(KQ_KEY_RSA, 2048),
        .source = test_key_new(KQ_KEY_EC_P384, 384),
        .payload = test_key_new(KQ_KEY_EC_P256, 256),
        .stranger = test_key_new(KQ_KEY_EC_P384, 384),
    };
}

void chain_keys_clear(struct chain_keys *keys)
{
    test_key_free(keys->root);
    test_key_free(keys->module);
    test_key_free(keys->knso);
    test_key_free(keys->exchange);
    test_key_free(keys->source);
    test_key_free(keys->payload);
    test_key_free(keys->stranger);
}

static struct kq_slice hash_slice(const uint8_t hash[32])
{
    return kq_slice_of(hash, 32);
}

static void init_certificates(struct chain_facts *facts)
{
    facts->root = (struct kq_certificate_request){.subject_public = test_key_public(facts->keys->root),
                                                  .common_name = "Test manufacturer",
                                                  .is_authority = true,
                                                  .issuer_common_name = "Test manufacturer",
                                                  .issuer_public = test_key_public(facts->keys->root),
                                                  .serial = {1, 2, 3},
                                                  .not_before = CHAIN_NOW - 10 * YEAR_S,
                                                  .not_after = CHAIN_NOW + 20 * YEAR_S};
    facts->warrant = facts->root;
    facts->warrant.subject_public = test_key_public(facts->keys->module);
    facts->warrant.common_name = CHAIN_ESN;
    facts->warrant.serial_number = CHAIN_ESN;
    facts->warrant.is_authority = false;
    facts->warrant.serial[15] = 1;
    facts->source_warrant = facts->warrant;
    facts->source_warrant.subject_public = test_key_public(facts->keys->source);
    facts->source_warrant.common_name = CHAIN_SOURCE_ESN;
    facts->source_warrant.serial_number = CHAIN_SOURCE_ESN;
    facts->source_warrant.serial[15] = 2;
}

static void init_hashes(struct chain_facts *facts)
{
    test_key_hash(facts->keys->root, facts->root_hash);
    test_key_hash(facts->keys->module, facts->module_hash);
    test_key_hash(facts->keys->knso, facts->hknso);
    test_key_hash(facts->keys->exchange, facts->kek_hash);
    test_key_hash(facts->keys->source, facts->source_hash);
    test_key_hash(facts->keys->payload, facts->payload_hash);
    memset(facts->hkm, 0x4b, sizeof facts->hkm);
    memset(facts->source_hknso, 0x50, sizeof facts->source_hknso);
}

static void init_world(struct chain_facts *facts)
{
    facts->state = (struct kq_module_state){.esn = kq_slice_text(CHAIN_ESN),
                                            .module_key_hash = hash_slice(facts->module_hash),
                                            .hknso = hash_slice(facts->hknso),
                                            .world_kind = KQ_WORLD_REGION,
                                            .hkm = hash_slice(facts->hkm),
                                            .key_protection = kq_slice_text("device key file"),
                                            .rollback_protection = kq_slice_text("none"),
                                            .time = CHAIN_NOW - 10};
    facts->binding = (struct kq_world_binding){.kind = KQ_WORLD_REGION,
                                               .suite = kq_slice_text("ECp521mAES"),
                                               .knso_public = test_key_public(facts->keys->knso),
                                               .hkm = hash_slice(facts->hkm),
                                               .card_set = kq_slice_of("card set number1", 16),
                                               .quorum = 2,
                                               .num_cards = 3,
                                               .time = CHAIN_NOW - 20};
    facts->statement = (struct kq_region_statement){.region = kq_slice_text(CHAIN_REGION),
                                                    .operator_name = kq_slice_text("Test operator"),
                                                    .vault_suffix = kq_slice_text(".vault.example"),
                                                    .hknso = hash_slice(facts->hknso),
                                                    .kek_hash = hash_slice(facts->kek_hash),
                                                    .generation = 1,
                                                    .not_after = CHAIN_NOW + YEAR_S,
                                                    .time = CHAIN_NOW - 5};
}

static void init_keygen(struct chain_facts *facts)
{
    facts->exchange_place = (struct kq_place){.kind = KQ_PLACE_EXCHANGE,
                                              .hknso = hash_slice(facts->hknso),
                                              .application = kq_slice_text(CHAIN_REGION),
                                              .ident = kq_slice_text("1")};
    facts->keygen = (struct kq_keygen){.esn = kq_slice_text(CHAIN_ESN),
                                       .hknso = hash_slice(facts->hknso),
                                       .key_type = KQ_KEY_RSA,
                                       .bits = 2048,
                                       .origin = KQ_ORIGIN_GENERATED,
                                       .public_key = test_key_public(facts->keys->exchange),
                                       .time = CHAIN_NOW - 7};
    facts->kek_region = CHAIN_REGION;
    facts->world_region = CHAIN_REGION;
}

static void init_transfer(struct chain_facts *facts)
{
    facts->source_public = facts->keys->source;
    facts->header = (struct kq_transfer_header){.profile = KQ_PROFILE_KEYQUAY,
                                                .package_id = kq_slice_of("package number 1", 16),
                                                .not_after = CHAIN_NOW + YEAR_S / 4,
                                                .kek_hash = hash_slice(facts->kek_hash),
                                                .target_hknso = hash_slice(facts->hknso),
                                                .subscription = kq_slice_text(CHAIN_SUBSCRIPTION),
                                                .friendly_name = kq_slice_text("payroll"),
                                                .payload_template = 1,
                                                .key_type = KQ_KEY_EC_P256,
                                                .bits = 256,
                                                .source_origin = KQ_ORIGIN_GENERATED,
                                                .source_hknso = hash_slice(facts->source_hknso),
                                                .source_suite = kq_slice_text("ECp521mAES"),
                                                .source_esn = kq_slice_text(CHAIN_SOURCE_ESN),
                                                .source_signing_hash = hash_slice(facts->source_hash),
                                                .public_hash = hash_slice(facts->payload_hash),
                                                .public_key = test_key_public(facts->keys->payload)};
}

static void init_receipts(struct chain_facts *facts)
{
    facts->exported = (struct kq_export_receipt){.package_id = facts->header.package_id,
                                                 .region = kq_slice_text(CHAIN_REGION),
                                                 .key_protection = kq_slice_text("device key file"),
                                                 .rollback_protection = kq_slice_text("none"),
                                                 .memory = kq_slice_text("locked"),
                                                 .audit_index = 7,
                                                 .time = CHAIN_NOW};
    facts->imported_place = (struct kq_place){.kind = KQ_PLACE_VAULT,
                                              .hknso = hash_slice(facts->hknso),
                                              .subscription = kq_slice_text(CHAIN_SUBSCRIPTION),
                                              .vault = kq_slice_text("contoso"),
                                              .key_name = kq_slice_text("payroll"),
                                              .key_version = kq_slice_text("0123456789abcdef")};
    facts->imported = (struct kq_import_receipt){.package_id = facts->header.package_id,
                                                 .esn = kq_slice_text(CHAIN_ESN),
                                                 .origin = KQ_ORIGIN_TRANSFERRED_ATTESTED,
                                                 .source_root_hash = hash_slice(facts->root_hash),
                                                 .root = kq_slice_text("Test manufacturer"),
                                                 .key_protection = kq_slice_text("device key file"),
                                                 .rollback_protection = kq_slice_text("none"),
                                                 .memory = kq_slice_text("locked"),
                                                 .audit_index = 9,
                                                 .time = CHAIN_NOW + 60};
}

static void init_signers(struct chain_facts *facts)
{
    struct chain_keys *keys = facts->keys;
    facts->signers[CHAIN_ROOT] = keys->root;
    facts->signers[CHAIN_WARRANT] = keys->root;
    facts->signers[CHAIN_STATE] = keys->module;
    facts->signers[CHAIN_BINDING] = keys->knso;
    facts->signers[CHAIN_STATEMENT] = keys->knso;
    facts->signers[CHAIN_KEYGEN] = keys->module;
    facts->signers[CHAIN_SOURCE_WARRANT] = keys->root;
    facts->signers[CHAIN_TRANSFER] = keys->source;
    facts->signers[CHAIN_EXPORT_RECEIPT] = keys->source;
    facts->signers[CHAIN_IMPORT_RECEIPT] = keys->module;
}

void chain_facts_init(struct chain_facts *facts, struct chain_keys *keys)
{
    *facts = (struct chain_facts){.keys = keys};
    init_signers(facts);
    init_hashes(facts);
    init_certificates(facts);
    init_world(facts);
    init_keygen(facts);
    init_transfer(facts);
    init_receipts(facts);
}

static void sign(const struct chain_facts *facts, enum chain_part part, struct kq_buffer *body,
                 struct kq_buffer *out_signature)
{
    if (facts->on_body != NULL)
        facts->on_body(part, body);
    kq_buffer_init(out_signature, BODY_MAX);
    test_key_sign(facts->signers[part], kq_buffer_slice(body), out_signature);
    if (facts->on_signature != NULL)
        facts->on_signature(part, out_signature);
}

void chain_build_certificate(const struct chain_facts *facts, enum chain_part part,
                             const struct kq_certificate_request *request, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&body, BODY_MAX);
    must(kq_certificate_body(request, &body), "certificate");
    sign(facts, part, &body, &signature);
    kq_buffer_init(out, BODY_MAX);
    must(kq_x509_assemble(kq_buffer_slice(&body), kq_buffer_slice(&signature), out), "certificate");
}

/* Signs an encoded body and wraps both into a kq_signed. */
static void put_statement(const struct chain_facts *facts, enum chain_part part, struct kq_buffer *body,
                          struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    sign(facts, part, body, &signature);
    struct kq_signed statement = {.body = kq_buffer_slice(body), .signature = kq_buffer_slice(&signature)};
    put_record(&kq_signed_type, &statement, out);
}

static void sign_record(const struct chain_facts *facts, enum chain_part part, const struct kq_record_type *type,
                        const void *record, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    put_record(type, record, &body);
    put_statement(facts, part, &body, out);
}

static void put_keygen_body(const struct chain_facts *facts, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    must(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, facts->binding.hkm, &acl), "exchange key ACL");
    put_record(&kq_place_type, &facts->exchange_place, &place);
    struct kq_keygen keygen = facts->keygen;
    if (keygen.acl.len == 0)
        keygen.acl = kq_buffer_slice(&acl);
    if (keygen.place.len == 0)
        keygen.place = kq_buffer_slice(&place);
    put_record(&kq_keygen_type, &keygen, out);
}

static void put_kek_package(const struct chain_facts *facts, struct chain_packages *out)
{
    KQ_AUTO_VALUE(kq_buffer) keygen = {0};
    put_keygen_body(facts, &out->keygen_body);
    put_statement(facts, CHAIN_KEYGEN, &out->keygen_body, &keygen);
    struct kq_kek_package package = {.region = kq_slice_text(facts->kek_region),
                                     .keygen = kq_buffer_slice(&keygen),
                                     .warrant = kq_buffer_slice(&out->warrant),
                                     .root = kq_buffer_slice(&out->root)};
    put_record(&kq_kek_package_type, &package, &out->kek_package);
}

static void put_world_package(const struct chain_facts *facts, struct chain_packages *out)
{
    KQ_AUTO_VALUE(kq_buffer) state = {0};
    KQ_AUTO_VALUE(kq_buffer) binding = {0};
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    sign_record(facts, CHAIN_STATE, &kq_module_state_type, &facts->state, &state);
    sign_record(facts, CHAIN_BINDING, &kq_world_binding_type, &facts->binding, &binding);
    sign_record(facts, CHAIN_STATEMENT, &kq_region_statement_type, &facts->statement, &statement);
    struct kq_world_package package = {.region = kq_slice_text(facts->world_region),
                                       .module_state = kq_buffer_slice(&state),
                                       .binding = kq_buffer_slice(&binding),
                                       .region_statement = kq_buffer_slice(&statement),
                                       .warrant = kq_buffer_slice(&out->warrant),
                                       .root = kq_buffer_slice(&out->root)};
    if (facts->other_warrant.len > 0)
        package.warrant = facts->other_warrant;
    if (facts->other_root.len > 0)
        package.root = facts->other_root;
    put_record(&kq_world_package_type, &package, &out->world_package);
}

void chain_build_packages(const struct chain_facts *facts, struct chain_packages *out)
{
    chain_build_certificate(facts, CHAIN_ROOT, &facts->root, &out->root);
    chain_build_certificate(facts, CHAIN_WARRANT, &facts->warrant, &out->warrant);
    put_kek_package(facts, out);
    put_world_package(facts, out);
}

void chain_packages_clear(struct chain_packages *packages)
{
    kq_buffer_clear(&packages->root);
    kq_buffer_clear(&packages->warrant);
    kq_buffer_clear(&packages->kek_package);
    kq_buffer_clear(&packages->world_package);
    kq_buffer_clear(&packages->keygen_body);
}

static void put_header(const struct chain_facts *facts, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) keygen = {0};
    uint8_t keygen_hash[32];
    put_keygen_body(facts, &keygen);
    kq_sha256(kq_buffer_slice(&keygen), keygen_hash);
    struct kq_transfer_header header = facts->header;
    if (header.kek_keygen_hash.len == 0)
        header.kek_keygen_hash = hash_slice(keygen_hash);
    put_record(&kq_transfer_header_type, &header, out);
}

static void put_package(const struct chain_facts *facts, struct kq_slice root, struct chain_transfer *out)
{
    KQ_AUTO_VALUE(kq_buffer) payload = {0};
    KQ_AUTO_VALUE(kq_buffer) ciphertext = {0};
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    kq_buffer_init(&payload, BODY_MAX);
    kq_buffer_init(&ciphertext, BODY_MAX);
    struct kq_transfer_body body = {.header = kq_buffer_slice(&out->header), .ciphertext = facts->ciphertext};
    if (body.ciphertext.len == 0) {
        test_key_pkcs8(facts->keys->payload, &payload);
        test_key_wrap(facts->keys->exchange, body.header, kq_buffer_slice(&payload), &ciphertext);
        body.ciphertext = kq_buffer_slice(&ciphertext);
    }
    sign_record(facts, CHAIN_TRANSFER, &kq_transfer_body_type, &body, &statement);
    struct kq_transfer_package package = {.statement = kq_buffer_slice(&statement),
                                          .source_public = test_key_public(facts->source_public)};
    if (!facts->without_warrant) {
        package.warrant = kq_buffer_slice(&out->source_warrant);
        package.root = root;
    }
    put_record(&kq_transfer_package_type, &package, &out->package);
}

static void put_receipt(const struct chain_facts *facts, enum chain_part part, const struct kq_record_type *type,
                        const void *receipt, struct kq_receipt_file file, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    sign_record(facts, part, type, receipt, &statement);
    file.statement = kq_buffer_slice(&statement);
    put_record(&kq_receipt_file_type, &file, out);
}

static void put_receipts(const struct chain_facts *facts, struct kq_slice root, struct kq_slice warrant,
                         struct chain_transfer *out)
{
    KQ_AUTO_VALUE(kq_buffer) place = {0};
    uint8_t package_hash[32];
    kq_sha256(kq_buffer_slice(&out->package), package_hash);
    struct kq_export_receipt exported = facts->exported;
    struct kq_import_receipt imported = facts->imported;
    put_record(&kq_place_type, &facts->imported_place, &place);
    if (exported.package_hash.len == 0)
        exported.package_hash = hash_slice(package_hash);
    if (exported.header.len == 0)
        exported.header = kq_buffer_slice(&out->header);
    if (imported.package_hash.len == 0)
        imported.package_hash = hash_slice(package_hash);
    if (imported.header.len == 0)
        imported.header = kq_buffer_slice(&out->header);
    if (imported.place.len == 0)
        imported.place = kq_buffer_slice(&place);
    struct kq_receipt_file source = {.signer_public = test_key_public(facts->source_public)};
    if (!facts->without_warrant) {
        source.warrant = kq_buffer_slice(&out->source_warrant);
        source.root = root;
    }
    struct kq_receipt_file destination = {
        .signer_public = test_key_public(facts->keys->module), .warrant = warrant, .root = root};
    put_receipt(facts, CHAIN_EXPORT_RECEIPT, &kq_export_receipt_type, &exported, source, &out->export_receipt);
    put_receipt(facts, CHAIN_IMPORT_RECEIPT, &kq_import_receipt_type, &imported, destination, &out->import_receipt);
}

void chain_build_transfer(const struct chain_facts *facts, struct chain_transfer *out)
{
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    chain_build_certificate(facts, CHAIN_ROOT, &facts->root, &root);
    chain_build_certificate(facts, CHAIN_WARRANT, &facts->warrant, &warrant);
    chain_build_certificate(facts, CHAIN_SOURCE_WARRANT, &facts->source_warrant, &out->source_warrant);
    put_header(facts, &out->header);
    put_package(facts, kq_buffer_slice(&root), out);
    put_receipts(facts, kq_buffer_slice(&root), kq_buffer_slice(&warrant), out);
}

void chain_transfer_clear(struct chain_transfer *transfer)
{
    kq_buffer_clear(&transfer->package);
    kq_buffer_clear(&transfer->header);
    kq_buffer_clear(&transfer->source_warrant);
    kq_buffer_clear(&transfer->export_receipt);
    kq_buffer_clear(&transfer->import_receipt);
}
