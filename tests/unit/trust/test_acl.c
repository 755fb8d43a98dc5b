#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/size.h"
#include "base/text.h"
#include "trust/acl.h"
#include "unit.h"

/* Templates are compared byte for byte across modules of any age, so their
 * bytes stand in tests/golden/acl-templates.txt: "name hex" on each line. */

static uint8_t hkm[32];
static uint8_t hknso[32];
static uint8_t hkre[32];
static uint8_t kek_hash[32];
static uint8_t counter[20];

static int make_hashes(void **state)
{
    (void)state;
    memset(hkm, 0x11, sizeof hkm);
    memset(hknso, 0x22, sizeof hknso);
    memset(hkre, 0x33, sizeof hkre);
    memset(kek_hash, 0x44, sizeof kek_hash);
    memset(counter, 0x55, sizeof counter);
    return 0;
}

static struct kq_slice hash(const uint8_t *bytes)
{
    return kq_slice_of(bytes, 32);
}

static struct kq_acl_transfer transfer(void)
{
    return (struct kq_acl_transfer){.profile = KQ_PROFILE_KEYQUAY,
                                    .payload_template = 1,
                                    .kek_hash = hash(kek_hash),
                                    .target_hknso = hash(hknso),
                                    .not_after = UINT64_C(1800000000)};
}

static kq_status make_exchange(struct kq_buffer *out)
{
    return kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, hash(hkm), out);
}
static kq_status make_exchange_azure(struct kq_buffer *out)
{
    return kq_acl_exchange_key(KQ_PROFILE_AZURE_BYOK, hash(hkm), out);
}
static kq_status make_transfer_copy(struct kq_buffer *out)
{
    struct kq_acl_transfer facts = transfer();
    return kq_acl_transfer_copy(&facts, out);
}
static kq_status make_imported_rsa(struct kq_buffer *out)
{
    return kq_acl_imported_key(KQ_KEY_RSA, hash(hkm), out);
}
static kq_status make_imported_ec(struct kq_buffer *out)
{
    return kq_acl_imported_key(KQ_KEY_EC_P521, hash(hkm), out);
}
static kq_status make_owner_rsa(struct kq_buffer *out)
{
    struct kq_acl_owner_request request = {
        .type = KQ_KEY_RSA, .hkm = hash(hkm), .hknso = hash(hknso), .hkre = hash(hkre)};
    return kq_acl_owner_key(&request, out);
}
static kq_status make_owner_aes(struct kq_buffer *out)
{
    struct kq_acl_owner_request request = {.type = KQ_KEY_AES, .hkm = hash(hkm), .hknso = hash(hknso)};
    return kq_acl_owner_key(&request, out);
}
static kq_status make_owner_limited(struct kq_buffer *out)
{
    struct kq_acl_owner_request request = {.type = KQ_KEY_EC_P256,
                                           .hkm = hash(hkm),
                                           .hknso = hash(hknso),
                                           .use_limit = 1000,
                                           .counter_id = kq_slice_of(counter, sizeof counter),
                                           .time_limit_s = 3600};
    return kq_acl_owner_key(&request, out);
}

static const struct {
    const char *name;
    kq_status (*make)(struct kq_buffer *out);
} templates[] = {
    {"exchange-key", make_exchange},       {"exchange-key-azure-byok", make_exchange_azure},
    {"transfer-copy", make_transfer_copy}, {"imported-rsa", make_imported_rsa},
    {"imported-ec", make_imported_ec},     {"owner-rsa-recovery", make_owner_rsa},
    {"owner-aes", make_owner_aes},         {"owner-ec-limited", make_owner_limited},
};

static void make(size_t i, struct kq_buffer *out)
{
    kq_buffer_init(out, KQ_ACL_MAX);
    assert_ok(templates[i].make(out));
}

static void acl_templates__each__has_its_golden_bytes(void **state)
{
    (void)state;
    char path[KQ_PATH_MAX];
    const char *tests = getenv("KEYQUAY_TESTS");
    KQ_AUTO_VALUE(kq_buffer) golden = {0};
    assert_ok(kq_path_join(tests == NULL ? "tests" : tests, "golden/acl-templates.txt", path));
    assert_ok(kq_file_read(path, 65536, &golden));
    assert_ok(kq_buffer_append(&golden, "", 1));
    for (size_t i = 0; i < KQ_COUNT_OF(templates); i++) {
        char hex[2 * KQ_ACL_MAX + 1];
        char line[2 * KQ_ACL_MAX + 100];
        KQ_AUTO_VALUE(kq_buffer) acl = {0};
        make(i, &acl);
        kq_hex_encode(kq_buffer_slice(&acl), hex);
        snprintf(line, sizeof line, "%s %s\n", templates[i].name, hex);
        if (strstr((const char *)golden.data, line) == NULL)
            fail_msg("not in %s: %s", path, line);
    }
}

static void acl_check__each_template__is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(templates); i++) {
        KQ_AUTO_VALUE(kq_buffer) acl = {0};
        make(i, &acl);
        assert_ok(kq_acl_check(kq_buffer_slice(&acl)));
    }
}

static void acl_check__each_truncation_or_one_byte_more__is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KQ_COUNT_OF(templates); i++) {
        KQ_AUTO_VALUE(kq_buffer) acl = {0};
        make(i, &acl);
        for (size_t len = 0; len < acl.len; len++)
            assert_status(kq_acl_check(kq_slice_of(acl.data, len)), KQ_ERR_FORMAT);
        assert_ok(kq_buffer_append(&acl, "", 1));
        assert_status(kq_acl_check(kq_buffer_slice(&acl)), KQ_ERR_FORMAT);
    }
}

static void acl_templates__wrong_arguments__write_nothing(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, KQ_ACL_MAX);
    struct kq_slice short_hash = kq_slice_of(hkm, 31);
    struct kq_acl_owner_request request = {.type = KQ_KEY_DSA, .hkm = hash(hkm), .hknso = hash(hknso)};
    assert_status(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, short_hash, &out), KQ_ERR_ARGUMENT);
    assert_status(kq_acl_exchange_key((enum kq_profile)3, hash(hkm), &out), KQ_ERR_ARGUMENT);
    assert_status(kq_acl_imported_key(KQ_KEY_AES, hash(hkm), &out), KQ_ERR_ARGUMENT);
    assert_status(kq_acl_imported_key(KQ_KEY_DSA, hash(hkm), &out), KQ_ERR_ARGUMENT);
    assert_status(kq_acl_imported_key(KQ_KEY_RSA, short_hash, &out), KQ_ERR_ARGUMENT);
    assert_status(kq_acl_owner_key(&request, &out), KQ_ERR_ARGUMENT);
    request.type = KQ_KEY_RSA;
    request.use_limit = 1;
    assert_status(kq_acl_owner_key(&request, &out), KQ_ERR_ARGUMENT);
    struct kq_acl_transfer facts = transfer();
    facts.payload_template = 2;
    assert_status(kq_acl_transfer_copy(&facts, &out), KQ_ERR_ARGUMENT);
    assert_int_equal(out.len, 0);
}

/* ---- ACLs that are written well and say what nothing means -------------------- */

static void put(const struct kq_record_type *type, const void *record, struct kq_writer *out)
{
    kq_writer_init(out, 4096);
    kq_record_put(type, record, out);
    assert_ok(out->failure);
}

/* One group with one limit (or none) and one action. */
static kq_status check(const struct kq_acl_limit *limit, const struct kq_acl_action *action, struct kq_slice certifier)
{
    KQ_AUTO_VALUE(kq_writer) item = {.failure = KQ_OK};
    KQ_AUTO_VALUE(kq_writer) limits = {.failure = KQ_OK};
    KQ_AUTO_VALUE(kq_writer) actions = {.failure = KQ_OK};
    KQ_AUTO_VALUE(kq_writer) groups = {.failure = KQ_OK};
    KQ_AUTO_VALUE(kq_writer) whole = {.failure = KQ_OK};
    kq_writer_init(&limits, 4096);
    kq_writer_init(&actions, 4096);
    kq_writer_init(&groups, 4096);
    put(&kq_acl_action_type, action, &item);
    kq_list_put(&actions, kq_buffer_slice(&item.buffer));
    kq_writer_clear(&item);
    if (limit != NULL) {
        put(&kq_acl_limit_type, limit, &item);
        kq_list_put(&limits, kq_buffer_slice(&item.buffer));
        kq_writer_clear(&item);
    }
    struct kq_acl_group group = {.certifier = certifier,
                                 .limits = {kq_buffer_slice(&limits.buffer), limit == NULL ? 0 : 1},
                                 .actions = {kq_buffer_slice(&actions.buffer), 1}};
    put(&kq_acl_group_type, &group, &item);
    kq_list_put(&groups, kq_buffer_slice(&item.buffer));
    struct kq_acl acl = {.groups = {kq_buffer_slice(&groups.buffer), 1}};
    put(&kq_acl_type, &acl, &whole);
    return kq_acl_check(kq_buffer_slice(&whole.buffer));
}

static kq_status check_action(struct kq_acl_action action)
{
    return check(NULL, &action, KQ_SLICE_EMPTY);
}

static void acl_check__actions_outside_their_meaning__are_refused(void **state)
{
    (void)state;
    static const uint64_t km_only = KQ_BLOB_ALLOW_KM_ONLY | KQ_BLOB_KMHASH_PRESENT;
    const struct kq_acl_transfer facts = transfer();
    KQ_AUTO_VALUE(kq_writer) writer = {.failure = KQ_OK};
    put(&kq_acl_transfer_type, &facts, &writer);
    struct kq_slice detail = kq_buffer_slice(&writer.buffer);
    const struct kq_acl_action bad[] = {
        {.kind = KQ_ACTION_MAKE_TRANSFER_PACKAGE, .detail = detail, .bits = 1},
        {.kind = KQ_ACTION_MAKE_TRANSFER_PACKAGE, .detail = detail, .hash = hash(hkm)},
        {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_ALL_KNOWN + 1},
        {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_SIGN, .hash = hash(hkm)},
        {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_SIGN, .detail = hash(hkm)},
        {.kind = KQ_ACTION_MAKE_BLOB, .bits = km_only},
        {.kind = KQ_ACTION_MAKE_BLOB, .bits = KQ_BLOB_KMHASH_PRESENT, .hash = hash(hkm)},
        {.kind = KQ_ACTION_MAKE_BLOB, .bits = km_only | 0x20, .hash = hash(hkm)},
        {.kind = KQ_ACTION_MAKE_BLOB, .bits = km_only, .hash = kq_slice_of(hkm, 31)},
        {.kind = KQ_ACTION_MAKE_ARCHIVE_BLOB, .bits = 1, .hash = hash(hkre)},
        {.kind = KQ_ACTION_MAKE_ARCHIVE_BLOB},
        {.kind = KQ_ACTION_UNWRAP_FOR_IMPORT, .bits = 3},
        {.kind = KQ_ACTION_UNWRAP_FOR_IMPORT, .bits = 1, .hash = hash(hkm)},
        {.kind = KQ_ACTION_MAKE_TRANSFER_PACKAGE},
        {.kind = 4},
        {.kind = 63},
    };
    assert_ok(check_action((struct kq_acl_action){.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_SIGN}));
    assert_ok(check_action((struct kq_acl_action){.kind = KQ_ACTION_MAKE_TRANSFER_PACKAGE, .detail = detail}));
    for (size_t i = 0; i < KQ_COUNT_OF(bad); i++)
        if (check_action(bad[i]) != KQ_ERR_FORMAT)
            fail_msg("action %zu passed", i);
}

static void acl_check__limits_and_certifiers_outside_their_meaning__are_refused(void **state)
{
    (void)state;
    const struct kq_acl_action sign = {.kind = KQ_ACTION_OP_PERMISSIONS, .bits = KQ_PERM_SIGN};
    const struct kq_acl_limit good = {.kind = KQ_LIMIT_GLOBAL, .max = 5, .id = kq_slice_of(counter, sizeof counter)};
    const struct kq_acl_limit bad[] = {
        {.kind = KQ_LIMIT_GLOBAL, .max = 5},
        {.kind = KQ_LIMIT_GLOBAL, .max = 5, .id = kq_slice_of(counter, 19)},
        {.kind = KQ_LIMIT_TIME, .max = 5, .id = kq_slice_of(counter, sizeof counter)},
        {.kind = 2, .max = 5},
    };
    assert_ok(check(&good, &sign, hash(hknso)));
    for (size_t i = 0; i < KQ_COUNT_OF(bad); i++)
        if (check(&bad[i], &sign, KQ_SLICE_EMPTY) != KQ_ERR_FORMAT)
            fail_msg("limit %zu passed", i);
    assert_status(check(&good, &sign, kq_slice_of(hknso, 20)), KQ_ERR_FORMAT);
}

/* ---- printing -------------------------------------------------------------------- */

static void assert_printed(struct kq_slice acl, const char *const *expected, size_t num_expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    kq_acl_print(acl, "  ", out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < num_expected; i++)
        if (strstr(text, expected[i]) == NULL)
            fail_msg("\"%s\" is not in:\n%s", expected[i], text);
    free(text);
}

static void acl_print__owner_key_with_everything__shows_each_fact(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "  Group 1\n    Action: OpPermissions: DuplicateHandle GetACL\n",
        "  Group 2\n    Limit: Global: 1000 uses, counter 5555555555555555555555555555555555555555\n",
        "    Limit: Time: 3600 s after loading\n    Action: OpPermissions: Sign\n",
        "    Action: MakeBlob: AllowKmOnly kmhash_present\n      hkm: 11111111 ",
        "    Requires Cert: hash: 22222222 ",
        "    Action: OpPermissions: ReduceACL ExpandACL\n",
    };
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(make_owner_limited(&acl));
    assert_printed(kq_buffer_slice(&acl), expected, KQ_COUNT_OF(expected));
}

static void acl_print__transfer_copy__shows_where_it_may_go(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "    Action: MakeTransferPackage\n      profile: keyquay-transfer\n      payload template: 1\n",
        "      exchange key: 44444444 ",
        "      target world (hknso): 22222222 ",
        "      not after: 2027-01-15T08:00:00Z\n",
    };
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    assert_ok(make_transfer_copy(&acl));
    assert_printed(kq_buffer_slice(&acl), expected, KQ_COUNT_OF(expected));
}

static void acl_print__damaged__says_so(void **state)
{
    (void)state;
    static const char *const expected[] = {"  ACL: damaged\n"};
    assert_printed(kq_slice_text("none"), expected, 1);
}

static void acl_find_transfer__copy_or_another_key__found_or_not(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(kq_buffer) copy = {0};
    KQ_AUTO_VALUE(kq_buffer) exchange = {0};
    kq_buffer_init(&copy, KQ_ACL_MAX);
    kq_buffer_init(&exchange, KQ_ACL_MAX);
    const struct kq_acl_transfer facts = transfer();
    assert_ok(kq_acl_transfer_copy(&facts, &copy));
    assert_ok(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, hash(hkm), &exchange));
    struct kq_acl_transfer found = {.not_after = 0};
    assert_false(kq_acl_find_transfer(kq_buffer_slice(&exchange), &found));
    assert_false(kq_acl_find_transfer(kq_slice_text("none"), &found));
    assert_int_equal(found.not_after, 0);
    assert_true(kq_acl_find_transfer(kq_buffer_slice(&copy), &found));
    assert_int_equal(found.not_after, facts.not_after);
    assert_slice_equal(found.kek_hash, facts.kek_hash);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(acl_templates__each__has_its_golden_bytes),
    cmocka_unit_test(acl_check__each_template__is_well_formed),
    cmocka_unit_test(acl_check__each_truncation_or_one_byte_more__is_refused),
    cmocka_unit_test(acl_templates__wrong_arguments__write_nothing),
    cmocka_unit_test(acl_check__actions_outside_their_meaning__are_refused),
    cmocka_unit_test(acl_check__limits_and_certifiers_outside_their_meaning__are_refused),
    cmocka_unit_test(acl_print__owner_key_with_everything__shows_each_fact),
    cmocka_unit_test(acl_print__transfer_copy__shows_where_it_may_go),
    cmocka_unit_test(acl_print__damaged__says_so),
    cmocka_unit_test(acl_find_transfer__copy_or_another_key__found_or_not),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_hashes, NULL);
}
