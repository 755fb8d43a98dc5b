#include <sqlite3.h>

#include "fixture.h"

/* ---- one key ---- */

static void vault_store_put_key_version__new_key__all_members_come_back(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    struct vault_key key = {
        .vault_id = vault_id, .name = "MyKey", .rotation_policy = (char *)"{}", .next_rotation = 77};
    KQ_AUTO_VALUE(vault_key_version) version = fixture_version(1);
    uint64_t changes = vault_store_changes(fixture.store);
    assert_ok(vault_store_put_key_version(fixture.store, &key, &version));
    assert_true(vault_store_changes(fixture.store) > changes);

    KQ_AUTO_VALUE(vault_key) found = {0};
    assert_ok(vault_store_get_key(fixture.store, vault_id, "mykey", &found));
    assert_int_equal(found.id, key.id);
    assert_int_equal(found.vault_id, vault_id);
    assert_string_equal(found.name, "MyKey");
    assert_string_equal(found.rotation_policy, "{}");
    assert_int_equal(found.next_rotation, 77);
    assert_int_equal(found.deleted, 0);
    assert_int_equal(found.scheduled_purge, 0);

    KQ_AUTO_VALUE(vault_key_version) got = {0};
    assert_ok(vault_store_get_key_version(fixture.store, key.id, version.version, &got));
    assert_int_equal(got.key_id, key.id);
    assert_string_equal(got.version, version.version);
    assert_int_equal(got.kty, 2);
    assert_int_equal(got.type, 1);
    assert_int_equal(got.bits, 2048);
    assert_int_equal(got.key_ops, 0x3f);
    assert_int_equal(got.origin, 3);
    assert_int_equal(got.purpose, 1);
    assert_true(got.enabled);
    assert_int_equal(got.nbf, 10);
    assert_int_equal(got.exp, 20);
    assert_int_equal(got.created, 1001);
    assert_int_equal(got.updated, 2001);
    assert_string_equal(got.tags, "{\"a\":\"b\"}");
    assert_slice_equal(kq_buffer_slice(&got.public_key), kq_slice_text("public"));
    assert_slice_equal(kq_buffer_slice(&got.blob), kq_slice_text("blob"));
    assert_slice_equal(kq_buffer_slice(&got.receipt), kq_slice_text("receipt"));
    fixture_end(&fixture);
}

static void vault_store_get_key_version__several__newest_is_the_last_put(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    static const unsigned order[] = {0xff, 3, 0x80, 1}; /* neither rising nor falling */
    uint64_t key_id = 0;
    for (size_t i = 0; i < 4; i++) {
        key_id = fixture_put_key(&fixture, vault_id, "key", order[i]);
        KQ_AUTO_VALUE(vault_key_version) newest = {0};
        assert_ok(vault_store_get_key_version(fixture.store, key_id, i % 2 == 0 ? NULL : "", &newest));
        assert_int_equal(newest.created, 1000 + order[i]);
    }
    KQ_AUTO_VALUE(vault_key_version) upper = {0};
    assert_ok(vault_store_get_key_version(fixture.store, key_id, "000000000000000000000000000000FF", &upper));
    KQ_AUTO_VALUE(vault_key_version) none = {0};
    assert_status(vault_store_get_key_version(fixture.store, key_id, "00", &none), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_key_version(fixture.store, key_id + 1, NULL, &none), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static kq_status put(struct fixture *fixture, uint64_t vault_id, const char *name, unsigned number)
{
    struct vault_key key = {.vault_id = vault_id};
    snprintf(key.name, sizeof key.name, "%s", name);
    KQ_AUTO_VALUE(vault_key_version) version = fixture_version(number);
    return vault_store_put_key_version(fixture->store, &key, &version);
}

static void vault_store_put_key_version__wrong_moment__refused_and_nothing_changed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    uint64_t changes = vault_store_changes(fixture.store);
    assert_status(put(&fixture, vault_id + 1, "key", 1), KQ_ERR_NOT_FOUND);
    assert_int_equal(vault_store_changes(fixture.store), changes);

    uint64_t key_id = fixture_put_key(&fixture, vault_id, "Key", 1);
    assert_status(put(&fixture, vault_id, "Key", 1), KQ_ERR_EXISTS);
    assert_status(put(&fixture, vault_id, "key", 2), KQ_ERR_MISMATCH);
    struct vault_key key = {.id = key_id, .deleted = 5, .scheduled_purge = 6};
    assert_ok(vault_store_update_key(fixture.store, &key));
    assert_status(put(&fixture, vault_id, "Key", 2), KQ_ERR_STATE);
    assert_status(put(&fixture, vault_id, "key", 2), KQ_ERR_STATE);
    KQ_AUTO_VALUE(vault_key_version) newest = {0};
    assert_ok(vault_store_get_key_version(fixture.store, key_id, NULL, &newest));
    assert_int_equal(newest.created, 1001);

    struct vault_record vault = fixture_vault("vault");
    vault.id = vault_id;
    vault.deleted = 5;
    assert_ok(vault_store_update_vault(fixture.store, &vault, NULL, 0));
    assert_status(put(&fixture, vault_id, "other", 1), KQ_ERR_STATE);
    KQ_AUTO_VALUE(vault_key) none = {0};
    assert_status(vault_store_get_key(fixture.store, vault_id, "other", &none), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void vault_store_put_key_version__key_was_read__next_rotation_goes_along(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    KQ_AUTO_VALUE(vault_key) key = {.vault_id = vault_id, .name = "key", .next_rotation = 50};
    KQ_AUTO_VALUE(vault_key_version) first = fixture_version(1);
    KQ_AUTO_VALUE(vault_key_version) second = fixture_version(2);
    assert_ok(vault_store_put_key_version(fixture.store, &key, &first));
    key.next_rotation = 60;
    assert_ok(vault_store_put_key_version(fixture.store, &key, &second));
    assert_ok(put(&fixture, vault_id, "key", 3)); /* this caller has not read the key: 60 stays */
    KQ_AUTO_VALUE(vault_key) found = {0};
    assert_ok(vault_store_get_key_by_id(fixture.store, key.id, &found));
    assert_int_equal(found.next_rotation, 60);
    found.rotation_policy = strdup("{}"); /* another caller put one meanwhile: its plan stays */
    found.next_rotation = 70;
    assert_ok(vault_store_update_key(fixture.store, &found));
    KQ_AUTO_VALUE(vault_key_version) fourth = fixture_version(4);
    assert_ok(vault_store_put_key_version(fixture.store, &key, &fourth));
    vault_key_clear(&found);
    assert_ok(vault_store_get_key_by_id(fixture.store, key.id, &found));
    assert_int_equal(found.next_rotation, 70);
    fixture_end(&fixture);
}

static void vault_store_update_key_version__what_may_change__changed_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t key_id = fixture_put_key(&fixture, fixture_put_vault(&fixture, "vault"), "key", 1);
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_ok(vault_store_get_key_version(fixture.store, key_id, NULL, &version));
    version.enabled = false;
    version.nbf = version.exp = 0;
    version.key_ops = 4;
    version.updated = 9;
    free(version.tags);
    version.tags = NULL;
    version.kty = 4; /* not to be stored */
    assert_ok(vault_store_update_key_version(fixture.store, &version));
    KQ_AUTO_VALUE(vault_key_version) found = {0};
    assert_ok(vault_store_get_key_version(fixture.store, key_id, NULL, &found));
    assert_false(found.enabled);
    assert_int_equal(found.nbf + found.exp, 0);
    assert_int_equal(found.key_ops, 4);
    assert_int_equal(found.updated, 9);
    assert_null(found.tags);
    assert_int_equal(found.kty, 2);
    assert_slice_equal(kq_buffer_slice(&found.blob), kq_slice_text("blob"));
    version.version[0] = 'f';
    assert_status(vault_store_update_key_version(fixture.store, &version), KQ_ERR_NOT_FOUND);
    version.version[0] = '0';
    version.exp = UINT64_MAX;
    assert_status(vault_store_update_key_version(fixture.store, &version), KQ_ERR_ARGUMENT);
    fixture_end(&fixture);
}

static void vault_store_purge_key__with_versions__all_gone_and_id_not_given_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    uint64_t key_id = fixture_put_key(&fixture, vault_id, "key", 1);
    assert_int_equal(fixture_put_key(&fixture, vault_id, "key", 2), key_id);
    assert_ok(vault_store_purge_key(fixture.store, key_id));
    assert_status(vault_store_purge_key(fixture.store, key_id), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_key) key = {0};
    KQ_AUTO_VALUE(vault_key_version) version = {0};
    assert_status(vault_store_get_key(fixture.store, vault_id, "key", &key), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_key_version(fixture.store, key_id, NULL, &version), KQ_ERR_NOT_FOUND);
    assert_true(fixture_put_key(&fixture, vault_id, "key", 1) > key_id);
    struct vault_key gone = {.id = key_id};
    assert_status(vault_store_update_key(fixture.store, &gone), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_key_version) late = fixture_version(3);
    struct vault_key purged = {.id = key_id, .vault_id = vault_id, .name = "purged"};
    assert_status(vault_store_put_key_version(fixture.store, &purged, &late), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static bool collect_version(void *context, const struct vault_key_version *version)
{
    struct kq_buffer *out = context;
    char text[16];
    assert_true(version->blob.len > 0);
    snprintf(text, sizeof text, "%u ", (unsigned)(version->created - 1000));
    assert_ok(kq_buffer_append(out, text, strlen(text)));
    return true;
}

static void vault_store_put_restored_key__several_versions__all_or_nothing_in_order(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    struct vault_key_version versions[] = {fixture_version(5), fixture_version(2), fixture_version(9)};
    struct vault_key key = {.vault_id = vault_id, .name = "key"};
    memcpy(versions[2].version, versions[0].version, sizeof versions[0].version);
    assert_status(vault_store_put_restored_key(fixture.store, &key, versions, 3), KQ_ERR_EXISTS);
    KQ_AUTO_VALUE(vault_key) none = {0};
    assert_status(vault_store_get_key(fixture.store, vault_id, "key", &none), KQ_ERR_NOT_FOUND);

    versions[2].version[0] = '9';
    assert_status(vault_store_put_restored_key(fixture.store, &key, versions, 0), KQ_ERR_ARGUMENT);
    assert_ok(vault_store_put_restored_key(fixture.store, &key, versions, 3));
    assert_int_equal(versions[2].key_id, key.id);
    struct vault_key again = {.vault_id = vault_id, .name = "KEY"};
    assert_status(vault_store_put_restored_key(fixture.store, &again, versions, 3), KQ_ERR_EXISTS);
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 100);
    struct vault_page page = {.max = 25};
    assert_ok(vault_store_list_versions(fixture.store, key.id, &page, collect_version, &seen));
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text("9 2 5 "));
    for (size_t i = 0; i < 3; i++)
        vault_key_version_clear(&versions[i]);
    fixture_end(&fixture);
}

/* ---- lists ---- */

static bool collect_key(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    struct kq_buffer *out = context;
    char text[160];
    assert_int_equal(newest->key_id, key->id);
    assert_int_equal(newest->blob.len, 0);
    snprintf(text, sizeof text, "%s:%u ", key->name, (unsigned)(newest->created - 1000));
    assert_ok(kq_buffer_append(out, text, strlen(text)));
    return out->len < 150;
}

struct key_page_case {
    enum vault_list_state state;
    const char *marker;
    size_t max;
    const char *expected;
    const char *next;
};

static void vault_store_list_keys__pages_and_states__in_order_of_names(void **state)
{
    (void)state;
    static const struct key_page_case cases[] = {
        {VAULT_LIST_BOTH, NULL, 10, "A:1 b:8 C:3 d:4 e:5 ", ""},
        {VAULT_LIST_BOTH, "", 5, "A:1 b:8 C:3 d:4 e:5 ", ""},
        {VAULT_LIST_BOTH, "", 2, "A:1 b:8 ", "b"},
        {VAULT_LIST_BOTH, "B", 2, "C:3 d:4 ", "d"},
        {VAULT_LIST_BOTH, "d", 2, "e:5 ", ""},
        {VAULT_LIST_BOTH, "e", 2, "", ""},
        {VAULT_LIST_BOTH, "bb", 1, "C:3 ", "C"}, /* a marker need not be there any more */
        {VAULT_LIST_ACTIVE, "", 10, "A:1 C:3 e:5 ", ""},
        {VAULT_LIST_ACTIVE, "a", 1, "C:3 ", "C"},
        {VAULT_LIST_DELETED, "", 10, "b:8 d:4 ", ""},
        {VAULT_LIST_DELETED, "b", 1, "d:4 ", ""},
    };
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    uint64_t other = fixture_put_vault(&fixture, "other");
    static const char *const names[] = {"e", "C", "A", "b", "d"};
    static const unsigned numbers[] = {5, 3, 1, 2, 4};
    for (size_t i = 0; i < 5; i++) {
        struct vault_key key = {.id = fixture_put_key(&fixture, vault_id, names[i], numbers[i])};
        fixture_put_key(&fixture, other, names[i], 9);
        if (i == 3)
            fixture_put_key(&fixture, vault_id, "b", 8);
        key.deleted = key.scheduled_purge = i >= 3 ? 5 : 0;
        assert_ok(vault_store_update_key(fixture.store, &key));
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) seen = {0};
        kq_buffer_init(&seen, 200);
        struct vault_page page = {.marker = cases[i].marker, .max = cases[i].max};
        assert_ok(vault_store_list_keys(fixture.store, vault_id, cases[i].state, &page, collect_key, &seen));
        assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text(cases[i].expected));
        assert_string_equal(page.next, cases[i].next);
    }
    fixture_end(&fixture);
}

static bool stop_at_once(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    (void)key;
    (void)newest;
    (*(size_t *)context)++;
    return false;
}

static void vault_store_list_keys__row_says_stop__next_page_begins_behind_it(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    fixture_put_key(&fixture, vault_id, "a", 1);
    fixture_put_key(&fixture, vault_id, "b", 1);
    size_t num = 0;
    struct vault_page page = {.max = 10};
    assert_ok(vault_store_list_keys(fixture.store, vault_id, VAULT_LIST_BOTH, &page, stop_at_once, &num));
    assert_int_equal(num, 1);
    assert_string_equal(page.next, "a");
    fixture_end(&fixture);
}

static void vault_store_list_keys__page_of_no_size_or_too_large__refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    size_t num = 0;
    struct vault_page none = {.max = 0};
    struct vault_page large = {.max = VAULT_PAGE_MAX + 1};
    struct vault_page odd = {.max = 1, .marker = "x"};
    assert_status(vault_store_list_keys(fixture.store, 1, VAULT_LIST_BOTH, &none, stop_at_once, &num), KQ_ERR_ARGUMENT);
    assert_status(vault_store_list_keys(fixture.store, 1, VAULT_LIST_BOTH, &large, stop_at_once, &num),
                  KQ_ERR_ARGUMENT);
    assert_status(vault_store_list_versions(fixture.store, 1, &odd, collect_version, NULL), KQ_ERR_ARGUMENT);
    fixture_end(&fixture);
}

static void vault_store_list_versions__in_pages__each_once_newest_first(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    uint64_t key_id = 0;
    for (unsigned i = 1; i <= 5; i++) {
        key_id = fixture_put_key(&fixture, vault_id, "key", i);
        fixture_put_key(&fixture, vault_id, "other", i);
    }
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 100);
    struct vault_page page = {.max = 2};
    size_t num_pages = 0;
    do {
        page.marker = page.next;
        assert_ok(vault_store_list_versions(fixture.store, key_id, &page, collect_version, &seen));
        num_pages++;
    } while (page.next[0] != '\0');
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text("5 4 3 2 1 "));
    assert_int_equal(num_pages, 3);
    fixture_end(&fixture);
}

struct nested {
    struct fixture *fixture;
    size_t num;
};

/* Whoever is shown a row may use the store, for reading and for writing. */
static bool use_store(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    (void)newest;
    struct nested *nested = context;
    KQ_AUTO_VALUE(vault_key) found = {0};
    assert_ok(vault_store_get_key_by_id(nested->fixture->store, key->id, &found));
    found.next_rotation = 1;
    assert_ok(vault_store_update_key(nested->fixture->store, &found));
    nested->num++;
    return true;
}

static void vault_store_list_keys__row_uses_the_store__no_deadlock(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    fixture_put_key(&fixture, vault_id, "a", 1);
    fixture_put_key(&fixture, vault_id, "b", 1);
    struct nested nested = {.fixture = &fixture};
    struct vault_page page = {.max = 10};
    assert_ok(vault_store_list_keys(fixture.store, vault_id, VAULT_LIST_BOTH, &page, use_store, &nested));
    assert_int_equal(nested.num, 2);
    fixture_end(&fixture);
}

/* ---- what is due ---- */

static bool collect_due(void *context, uint64_t vault_id, uint64_t key_id)
{
    struct kq_buffer *out = context;
    char text[64];
    snprintf(text, sizeof text, "%u/%u ", (unsigned)vault_id, (unsigned)key_id);
    assert_ok(kq_buffer_append(out, text, strlen(text)));
    return true;
}

static void check_due(struct fixture *fixture, enum vault_due due, uint64_t now, size_t max, const char *expected)
{
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 200);
    assert_ok(vault_store_list_due(fixture->store, due, now, max, collect_due, &seen));
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text(expected));
}

static void vault_store_list_due__dates_and_states__earliest_first(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "vault");
    uint64_t gone_vault = fixture_put_vault(&fixture, "gone");
    /* keys 1 to 5: rotation 30, rotation 20, purge 40, deleted with rotation 10 and purge 15, nothing */
    static const struct vault_key keys[] = {{.next_rotation = 30},
                                            {.next_rotation = 20},
                                            {.deleted = 1, .scheduled_purge = 40},
                                            {.next_rotation = 10, .deleted = 1, .scheduled_purge = 15},
                                            {0}};
    for (size_t i = 0; i < 5; i++) {
        struct vault_key key = keys[i];
        char name[2] = {(char)('a' + i), 0};
        key.id = fixture_put_key(&fixture, vault_id, name, 1);
        assert_int_equal(key.id, i + 1);
        assert_ok(vault_store_update_key(fixture.store, &key));
    }
    struct vault_key in_gone = {.id = fixture_put_key(&fixture, gone_vault, "z", 1), .next_rotation = 5};
    assert_ok(vault_store_update_key(fixture.store, &in_gone));
    struct vault_record gone = fixture_vault("gone");
    gone.id = gone_vault;
    gone.deleted = 1;
    gone.scheduled_purge = 50;
    assert_ok(vault_store_update_vault(fixture.store, &gone, NULL, 0));

    check_due(&fixture, VAULT_DUE_KEY_ROTATION, 100, 10, "1/2 1/1 ");
    check_due(&fixture, VAULT_DUE_KEY_ROTATION, 100, 1, "1/2 ");
    check_due(&fixture, VAULT_DUE_KEY_ROTATION, 20, 10, "1/2 ");
    check_due(&fixture, VAULT_DUE_KEY_ROTATION, 19, 10, "");
    check_due(&fixture, VAULT_DUE_KEY_PURGE, 100, 10, "1/4 1/3 ");
    check_due(&fixture, VAULT_DUE_KEY_PURGE, 39, 10, "1/4 ");
    check_due(&fixture, VAULT_DUE_VAULT_PURGE, 49, 10, "");
    check_due(&fixture, VAULT_DUE_VAULT_PURGE, 50, 10, "2/0 ");
    fixture_end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(vault_store_put_key_version__new_key__all_members_come_back),
          cmocka_unit_test(vault_store_get_key_version__several__newest_is_the_last_put),
          cmocka_unit_test(vault_store_put_key_version__wrong_moment__refused_and_nothing_changed),
          cmocka_unit_test(vault_store_put_key_version__key_was_read__next_rotation_goes_along),
          cmocka_unit_test(vault_store_update_key_version__what_may_change__changed_alone),
          cmocka_unit_test(vault_store_purge_key__with_versions__all_gone_and_id_not_given_again),
          cmocka_unit_test(vault_store_put_restored_key__several_versions__all_or_nothing_in_order),
          cmocka_unit_test(vault_store_list_keys__pages_and_states__in_order_of_names),
          cmocka_unit_test(vault_store_list_keys__row_says_stop__next_page_begins_behind_it),
          cmocka_unit_test(vault_store_list_keys__page_of_no_size_or_too_large__refused),
          cmocka_unit_test(vault_store_list_versions__in_pages__each_once_newest_first),
          cmocka_unit_test(vault_store_list_keys__row_uses_the_store__no_deadlock),
          cmocka_unit_test(vault_store_list_due__dates_and_states__earliest_first))
