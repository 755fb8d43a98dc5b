#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/fake_server.h"
#include "vault/keyops/keyops.h"

/* A module of words behind a region's folder: knows the handles of its
 * connection, and hangs up on the first `lose` uses. */
struct module {
    unsigned lose;
    unsigned num_loads, num_uses, num_unloads, num_makes;
    uint64_t first_handle; /* of this connection */
    uint64_t next_handle;
    uint8_t last_place[KQ_PLACE_MAX];
    size_t last_place_len;
    kq_status make_status;
    const char *make_detail;
};

static void load(struct module *module, const struct kq_request *request, struct fake_reply *reply)
{
    struct kq_key_load_request params;
    if (kq_key_load_request_get(request->params, &params, NULL) != KQ_OK)
        abort();
    memcpy(module->last_place, params.place.data, params.place.len);
    module->last_place_len = params.place.len;
    module->num_loads++;
    const struct kq_key_load_reply loaded = {.handle = module->next_handle++,
                                             .key_type = KQ_KEY_EC_P256,
                                             .bits = 256,
                                             .origin = KQ_ORIGIN_GENERATED,
                                             .public_key = kq_slice_text("spki")};
    kq_key_load_reply_put(&loaded, &reply->results);
}

static enum fake_act sign(struct module *module, const struct kq_request *request, struct fake_reply *reply)
{
    struct kq_sign_request params;
    const struct kq_bytes_reply bytes = {.bytes = kq_slice_text("signature")};
    module->num_uses++;
    if (module->lose > 0) {
        module->lose--;
        module->first_handle = module->next_handle;
        return FAKE_CLOSE;
    }
    if (kq_sign_request_get(request->params, &params, NULL) != KQ_OK)
        abort();
    if (params.handle < module->first_handle || params.handle >= module->next_handle)
        reply->status = KQ_ERR_NOT_FOUND;
    else
        kq_bytes_reply_put(&bytes, &reply->results);
    return FAKE_ANSWER;
}

static enum fake_act serve(void *context, const struct kq_request *request, struct fake_reply *reply)
{
    struct module *module = context;
    switch (request->op) {
    case KQ_OP_KEY_LOAD:
        load(module, request, reply);
        break;
    case KQ_OP_SIGN:
        return sign(module, request, reply);
    case KQ_OP_KEY_UNLOAD:
        module->num_unloads++;
        break;
    case KQ_OP_VAULT_KEY_GENERATE:
    case KQ_OP_TRANSFER_IMPORT:
        module->num_makes++;
        reply->status = module->make_status;
        reply->detail = module->make_detail;
        break;
    default:
        break;
    }
    return FAKE_ANSWER;
}

struct fixture {
    char folder[64];
    struct module module;
    struct fake_server server;
    struct vault_keyops *keyops;
    struct kq_buffer out;
    char why[VAULT_WHY_SIZE];
};

static const uint8_t hknso[32] = {9, 8, 7};

/* A region of which only what keyops reads is there. */
static void make_region(const struct fixture *fixture, const char *name, uint64_t generation, const char *public_key)
{
    char path[KQ_PATH_MAX], file[KQ_PATH_MAX + 32];
    struct kq_slice bytes;
    KQ_AUTO_VALUE(kq_writer) place_writer;
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&place_writer, KQ_PLACE_MAX);
    kq_writer_init(&writer, KQ_EXCHANGE_FILE_MAX);
    const struct kq_place place = {.kind = KQ_PLACE_EXCHANGE, .hknso = kq_slice_of(hknso, sizeof hknso)};
    struct kq_exchange_file exchange = {.region = kq_slice_text("NA-1"),
                                        .generation = generation,
                                        .not_after = 1,
                                        .blob = kq_slice_text("blob"),
                                        .public_key = kq_slice_text(public_key),
                                        .certificate = kq_slice_text("certificate")};
    kq_place_put(&place, &place_writer);
    assert_ok(kq_writer_finish(&place_writer, &exchange.place));
    kq_exchange_file_put(&exchange, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    snprintf(path, sizeof path, "%s/regions/%s/exchange", fixture->folder, name);
    assert_ok(kq_folder_make(path));
    snprintf(file, sizeof file, "%s/%u", path, (unsigned)generation);
    assert_ok(kq_file_write(file, bytes, 0600, KQ_FILE_NEW_ONLY));
}

static void begin(struct fixture *fixture, size_t max_loaded)
{
    char socket[KQ_PATH_MAX];
    memset(fixture, 0, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/keyquay-keyops.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->module.first_handle = fixture->module.next_handle = 100;
    fixture->module.make_detail = "";
    fake_server_start(&fixture->server, serve, &fixture->module);
    make_region(fixture, "UnitedStates", 1, "one");
    make_region(fixture, "UnitedStates", 3, "three");
    snprintf(socket, sizeof socket, "%s/regions/UnitedStates/hardserver.sock", fixture->folder);
    assert_int_equal(symlink(fixture->server.path, socket), 0);
    const struct vault_keyops_options options = {.data = fixture->folder, .max_loaded = max_loaded, .retry_ms = 1000};
    assert_ok(vault_keyops_open(&options, &fixture->keyops));
    kq_buffer_init(&fixture->out, 1024);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts;
    (void)kind;
    (void)at;
    return remove(path);
}

static void end(struct fixture *fixture)
{
    vault_keyops_free(fixture->keyops);
    kq_buffer_clear(&fixture->out);
    fake_server_stop(&fixture->server);
    assert_int_equal(nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct vault_key_ref ref_of(const char *version)
{
    return (struct vault_key_ref){.region = "UnitedStates",
                                  .subscription = "00112233-4455-6677-8899-AABBCCDDEEFF",
                                  .vault = "MyVault",
                                  .name = "MyKey",
                                  .version = version,
                                  .blob = kq_slice_text("sealed")};
}

static kq_status sign_with(struct fixture *fixture, const char *version)
{
    static const uint8_t digest[32];
    const struct vault_key_ref ref = ref_of(version);
    kq_buffer_clear(&fixture->out);
    return vault_keyops_use(fixture->keyops, &ref, VAULT_OP_SIGN, vault_algorithm_find("ES256"),
                            kq_slice_of(digest, sizeof digest), &fixture->out, fixture->why);
}

static void sign__twice__loaded_once_at_its_place(void **state)
{
    (void)state;
    struct fixture fixture;
    struct kq_place place;
    begin(&fixture, 10);
    assert_ok(sign_with(&fixture, "a"));
    assert_ok(sign_with(&fixture, "a"));
    assert_true(kq_slice_is_text(kq_buffer_slice(&fixture.out), "signature"));
    assert_int_equal(fixture.module.num_loads, 1);
    assert_int_equal(fixture.module.num_uses, 2);
    assert_ok(kq_place_get(kq_slice_of(fixture.module.last_place, fixture.module.last_place_len), &place, NULL));
    assert_int_equal(place.kind, KQ_PLACE_VAULT);
    assert_slice_equal(place.hknso, kq_slice_of(hknso, sizeof hknso));
    assert_true(kq_slice_is_text(place.subscription, "00112233-4455-6677-8899-aabbccddeeff"));
    assert_true(kq_slice_is_text(place.vault, "MyVault"));
    assert_true(kq_slice_is_text(place.key_name, "MyKey"));
    assert_true(kq_slice_is_text(place.key_version, "a"));
    end(&fixture);
    assert_int_equal(fixture.server.num_requests, 3); /* nothing is asked besides */
}

static void sign__connection_lost__loaded_and_signed_again_unseen(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10);
    assert_ok(sign_with(&fixture, "a"));
    assert_ok(sign_with(&fixture, "b"));
    fixture.module.lose = 2;
    assert_ok(sign_with(&fixture, "a"));
    assert_ok(sign_with(&fixture, "b")); /* its handle is of a connection before */
    end(&fixture);
    assert_int_equal(fixture.module.num_unloads, 0);
}

static void sign__module_lost_each_time__outcome_unknown_after_three(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10);
    fixture.module.lose = 100;
    assert_status(sign_with(&fixture, "a"), KQ_ERR_OUTCOME_UNKNOWN);
    assert_string_not_equal(fixture.why, "");
    end(&fixture);
    assert_int_equal(fixture.module.num_uses, 3);
}

static void sign__module_forgot_the_handle__loaded_again(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10);
    assert_ok(sign_with(&fixture, "a"));
    fixture.module.first_handle = fixture.module.next_handle;
    assert_ok(sign_with(&fixture, "a"));
    end(&fixture);
    assert_int_equal(fixture.module.num_loads, 2);
}

static void sign__more_keys_than_may_be_loaded__oldest_unloaded(void **state)
{
    (void)state;
    struct fixture fixture;
    char version[16];
    begin(&fixture, 5);
    for (int i = 0; i < 50; i++) {
        snprintf(version, sizeof version, "%d", i);
        assert_ok(sign_with(&fixture, version));
    }
    end(&fixture);
    assert_int_equal(fixture.module.num_loads, 50);
    assert_int_equal(fixture.module.num_unloads, 45);
}

static void unload__loaded__handle_given_back(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct vault_key_ref ref = ref_of("a");
    begin(&fixture, 5);
    assert_ok(sign_with(&fixture, "a"));
    vault_keyops_unload(fixture.keyops, &ref);
    vault_keyops_unload(fixture.keyops, &ref);
    end(&fixture);
    assert_int_equal(fixture.module.num_unloads, 1);
}

static void region__found__newest_generation_and_world(void **state)
{
    (void)state;
    struct fixture fixture;
    struct vault_region_facts facts;
    begin(&fixture, 5);
    assert_ok(vault_keyops_region(fixture.keyops, 0, &facts));
    assert_string_equal(facts.region->name, "UnitedStates");
    assert_string_equal(facts.label, "NA-3");
    assert_int_equal(facts.generation, 3);
    assert_memory_equal(facts.hknso, hknso, 32);
    assert_string_equal(facts.toolset_path, "");
    assert_status(vault_keyops_region(fixture.keyops, 1, &facts), KQ_ERR_NOT_FOUND);
    assert_status(vault_keyops_find_region(fixture.keyops, "Europe", &facts), KQ_ERR_NOT_FOUND);
    make_region(&fixture, "Europe", 1, "europe");
    assert_ok(vault_keyops_refresh(fixture.keyops));
    assert_ok(vault_keyops_find_region(fixture.keyops, "Europe", &facts));
    assert_string_equal(facts.label, "EU-1");
    end(&fixture);
}

static void use__region_not_here__state_and_words(void **state)
{
    (void)state;
    struct fixture fixture;
    struct vault_key_ref ref = ref_of("a");
    begin(&fixture, 5);
    ref.region = "Europe";
    assert_status(vault_keyops_use(fixture.keyops, &ref, VAULT_OP_SIGN, vault_algorithm_find("ES256"), KQ_SLICE_EMPTY,
                                   &fixture.out, fixture.why),
                  KQ_ERR_STATE);
    assert_non_null(strstr(fixture.why, "Europe"));
    end(&fixture);
}

static void generate__refused__the_modules_words(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct vault_key_ref ref = ref_of("0123456789abcdef0123456789abcdef");
    KQ_AUTO_VALUE(vault_made_key) made = {.bits = 0};
    begin(&fixture, 5);
    fixture.module.make_status = KQ_ERR_ARGUMENT;
    fixture.module.make_detail = "size: no";
    assert_status(
        vault_keyops_generate(fixture.keyops, &ref, KQ_KEY_RSA, 2048, 0, KQ_VAULT_PURPOSE_USE, &made, fixture.why),
        KQ_ERR_ARGUMENT);
    assert_string_equal(fixture.why, "size: no");
    end(&fixture);
    assert_int_equal(fixture.server.request_id_lens[0], KQ_REQUEST_ID_LEN);
}

static void import_package__damaged__never_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct vault_key_ref ref = ref_of("0123456789abcdef0123456789abcdef");
    KQ_AUTO_VALUE(vault_made_key) made = {.bits = 0};
    begin(&fixture, 5);
    assert_status(vault_keyops_import_package(fixture.keyops, &ref, kq_slice_text("no package"), KQ_ORIGIN_POLICY_ANY,
                                              &made, fixture.why),
                  KQ_ERR_FORMAT);
    assert_string_not_equal(fixture.why, "");
    end(&fixture);
    assert_int_equal(fixture.module.num_makes, 0);
}

static void import_clear__member_too_long__named(void **state)
{
    (void)state;
    struct fixture fixture;
    char text[KQ_JWK_MEMBER_MAX + 2];
    const struct vault_key_ref ref = ref_of("0123456789abcdef0123456789abcdef");
    const struct vault_clear_jwk jwk = {.type = KQ_KEY_RSA, .n = "AQ", .dq = text};
    KQ_AUTO_VALUE(vault_made_key) made = {.bits = 0};
    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    begin(&fixture, 5);
    assert_status(vault_keyops_import_clear(fixture.keyops, &ref, &jwk, &made, fixture.why), KQ_ERR_ARGUMENT);
    assert_non_null(strstr(fixture.why, "key.dq"));
    end(&fixture);
}

static void ping__answers_or_not__said_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 5);
    assert_status(vault_keyops_ping(fixture.keyops, NULL), KQ_ERR_CONNECT);
    assert_status(vault_keyops_ping(fixture.keyops, "Europe"), KQ_ERR_STATE);
    end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(sign__twice__loaded_once_at_its_place),
          cmocka_unit_test(sign__connection_lost__loaded_and_signed_again_unseen),
          cmocka_unit_test(sign__module_lost_each_time__outcome_unknown_after_three),
          cmocka_unit_test(sign__module_forgot_the_handle__loaded_again),
          cmocka_unit_test(sign__more_keys_than_may_be_loaded__oldest_unloaded),
          cmocka_unit_test(unload__loaded__handle_given_back),
          cmocka_unit_test(region__found__newest_generation_and_world),
          cmocka_unit_test(use__region_not_here__state_and_words),
          cmocka_unit_test(generate__refused__the_modules_words), cmocka_unit_test(import_package__damaged__never_sent),
          cmocka_unit_test(import_clear__member_too_long__named), cmocka_unit_test(ping__answers_or_not__said_at_once))
