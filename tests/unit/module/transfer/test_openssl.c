#include <stdio.h>

#include "unit.h"

#include "base/text.h"
#include "harness/ceremony.h"
#include "harness/chain_factory.h"
#include "harness/command.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"

/* Packages that the module makes for an exchange key whose private half the
 * test holds are opened by the commands of docs/protocols/transfer.md 9 alone. */

#define KEK_BYTES 256u
#define LABEL_HEX_SIZE (2 * (20 + 32) + 1)

struct fixture {
    struct chain_keys keys;
    struct chain_facts facts;
    struct chain_packages packages;
    struct fake_owner owner;
    char folder[COMMAND_PATH_SIZE];
};
static struct fixture fixture;

static void make_owner(enum kq_key_type type, uint64_t bits)
{
    fake_owner_clear(&fixture.owner);
    fixture.owner = (struct fake_owner){0};
    ceremony_owner(NULL, type, bits, &fixture.owner);
    const struct kq_transfer_copy_request request = {
        .blob = kq_buffer_slice(&fixture.owner.blob),
        .place = kq_buffer_slice(&fixture.owner.place),
        .kek_package = kq_buffer_slice(&fixture.packages.kek_package),
        .world_package = kq_buffer_slice(&fixture.packages.world_package),
        .trust_root = kq_slice_of(fixture.facts.root_hash, 32),
        .trust_world = kq_slice_of(fixture.facts.hknso, 32),
        .not_after = CHAIN_NOW + 86400,
    };
    assert_ok(ceremony_try_copy(&fixture.owner, &request));
}

static int set_up_all(void **state)
{
    (void)state;
    fake_clock_set(CHAIN_NOW);
    chain_keys_init(&fixture.keys);
    chain_facts_init(&fixture.facts, &fixture.keys);
    chain_build_packages(&fixture.facts, &fixture.packages);
    command_folder_make(fixture.folder);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    fake_owner_clear(&fixture.owner);
    chain_packages_clear(&fixture.packages);
    chain_keys_clear(&fixture.keys);
    command_folder_remove(fixture.folder);
    return 0;
}

static void must_run(const char *const argv[])
{
    KQ_AUTO_VALUE(kq_buffer) output = {0};
    if (command_run_in(fixture.folder, argv, &output) != 0)
        fail_msg("%s %s: %.*s", argv[0], argv[1], (int)output.len, (const char *)output.data);
}

static void read_hex(const char *name, char *out, size_t size)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    command_read(fixture.folder, name, &bytes);
    assert_true(2 * bytes.len < size);
    kq_hex_encode(kq_buffer_slice(&bytes), out);
}

static void label_option(struct kq_slice header, char *out, size_t size)
{
    uint8_t label[20 + 32] = "keyquay-transfer-v1";
    char hex[LABEL_HEX_SIZE];
    kq_sha256(header, label + 20);
    kq_hex_encode(kq_slice_of(label, sizeof label), hex);
    assert_true(snprintf(out, size, "rsa_oaep_label:%s", hex) < (int)size);
}

/* Writes what the package holds and the exchange key, as somebody with openssl alone would have it. */
static void lay_out(const struct kq_transfer_facts *facts)
{
    KQ_AUTO_VALUE(kq_buffer) kek = {.max = KQ_PRIVATE_MAX};
    test_key_pkcs8(fixture.keys.exchange, &kek);
    command_write(fixture.folder, "kek.der", kq_buffer_slice(&kek));
    command_write(fixture.folder, "part1", kq_slice_of(facts->ciphertext.data, KEK_BYTES));
    command_write(fixture.folder, "part2",
                  kq_slice_of(facts->ciphertext.data + KEK_BYTES, facts->ciphertext.len - KEK_BYTES));
}

static int open_part_1(const char *label)
{
    const char *const argv[] = {"openssl",
                                "pkeyutl",
                                "-decrypt",
                                "-inkey",
                                "kek.der",
                                "-keyform",
                                "DER",
                                "-pkeyopt",
                                "rsa_padding_mode:oaep",
                                "-pkeyopt",
                                "rsa_oaep_md:sha256",
                                "-pkeyopt",
                                "rsa_mgf1_md:sha256",
                                "-pkeyopt",
                                label,
                                "-in",
                                "part1",
                                "-out",
                                "aes.key",
                                NULL};
    return command_run_in(fixture.folder, argv, NULL);
}

static void open_part_2(void)
{
    char key[65];
    read_hex("aes.key", key, sizeof key);
    const char *const unwrap[] = {
        "openssl", "enc",    "-d", "-id-aes256-wrap-pad", "-iv", "a65959a6", "-K", key, "-in", "part2",
        "-out",    "key.p8", NULL};
    const char *const public[] = {"openssl", "pkey",     "-inform", "DER",  "-in",     "key.p8",
                                  "-pubout", "-outform", "DER",     "-out", "key.pub", NULL};
    must_run(unwrap);
    must_run(public);
}

static void make_package(struct kq_transfer_package_reply *out, struct kq_transfer_facts *out_facts)
{
    const struct kq_transfer_package_request request = {
        .blob = kq_buffer_slice(&fixture.owner.copy_blob),
        .place = kq_buffer_slice(&fixture.owner.copy_place),
        .kek_package = kq_buffer_slice(&fixture.packages.kek_package),
        .world_package = kq_buffer_slice(&fixture.packages.world_package),
        .subscription = kq_slice_text(CEREMONY_SUBSCRIPTION),
        .friendly_name = kq_slice_text("ContosoFirstHSMkey"),
    };
    assert_ok(fake_module_call(&fixture.owner.module, KQ_OP_TRANSFER_PACKAGE, &request, out));
    assert_ok(kq_transfer_parse(out->package, out_facts, NULL));
}

static void assert_openssl_opens_it(void)
{
    struct kq_transfer_package_reply reply;
    struct kq_transfer_facts facts;
    char label[LABEL_HEX_SIZE + 16];
    make_package(&reply, &facts);
    lay_out(&facts);
    label_option(facts.header_bytes, label, sizeof label);
    assert_int_equal(open_part_1(label), 0);
    open_part_2();
    KQ_AUTO_VALUE(kq_buffer) public = {0};
    command_read(fixture.folder, "key.pub", &public);
    assert_slice_equal(kq_buffer_slice(&public), facts.header.public_key);
    assert_slice_equal(kq_buffer_slice(&public), kq_buffer_slice(&fixture.owner.public_key));
}

static void package_of_rsa_key__openssl_with_the_exchange_key__gives_the_key(void **state)
{
    (void)state;
    make_owner(KQ_KEY_RSA, 2048);
    assert_openssl_opens_it();
}

static void package_of_ec_key__openssl_with_the_exchange_key__gives_the_key(void **state)
{
    (void)state;
    make_owner(KQ_KEY_EC_P384, 384);
    assert_openssl_opens_it();
}

static void package__label_of_another_header__does_not_open(void **state)
{
    (void)state;
    struct kq_transfer_package_reply reply;
    struct kq_transfer_facts facts;
    char label[LABEL_HEX_SIZE + 16];
    uint8_t header[4096];
    make_owner(KQ_KEY_EC_P256, 256);
    make_package(&reply, &facts);
    lay_out(&facts);
    memcpy(header, facts.header_bytes.data, facts.header_bytes.len);
    header[facts.header_bytes.len / 2] ^= 1;
    label_option(kq_slice_of(header, facts.header_bytes.len), label, sizeof label);
    assert_int_not_equal(open_part_1(label), 0);
}

static void package__signature__openssl_verifies_it_over_the_body(void **state)
{
    (void)state;
    struct kq_transfer_package_reply reply;
    struct kq_transfer_facts facts;
    struct kq_transfer_package package;
    struct kq_signed statement;
    make_owner(KQ_KEY_EC_P256, 256);
    make_package(&reply, &facts);
    assert_ok(kq_transfer_package_get(reply.package, &package, NULL));
    assert_ok(kq_signed_get(package.statement, &statement, NULL));
    command_write(fixture.folder, "body", statement.body);
    command_write(fixture.folder, "signature", statement.signature);
    command_write(fixture.folder, "module.der", package.source_public);
    const char *const verify[] = {"openssl",    "dgst",       "-sha384",   "-keyform", "DER", "-verify",
                                  "module.der", "-signature", "signature", "body",     NULL};
    must_run(verify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(package_of_rsa_key__openssl_with_the_exchange_key__gives_the_key),
        cmocka_unit_test(package_of_ec_key__openssl_with_the_exchange_key__gives_the_key),
        cmocka_unit_test(package__label_of_another_header__does_not_open),
        cmocka_unit_test(package__signature__openssl_verifies_it_over_the_body),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
