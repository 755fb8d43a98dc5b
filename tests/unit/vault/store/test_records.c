#include "fixture.h"

#define OTHER_SUBSCRIPTION "00000000-0000-4000-8000-00000000000b"
#define CLIENT "10000000-0000-4000-8000-00000000000c"
#define OBJECT "20000000-0000-4000-8000-00000000000D"

/* ---- settings ---- */

static void vault_store_put_setting__twice__replaced(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    KQ_AUTO_VALUE(kq_buffer) value = {0};
    assert_status(vault_store_get_setting(fixture.store, "a", &value), KQ_ERR_NOT_FOUND);
    assert_int_equal(vault_store_changes(fixture.store), 0);
    assert_ok(vault_store_put_setting(fixture.store, "a", kq_slice_text("one")));
    assert_ok(vault_store_put_setting(fixture.store, "a", kq_slice_of("t\0wo", 4)));
    assert_ok(vault_store_get_setting(fixture.store, "a", &value));
    assert_slice_equal(kq_buffer_slice(&value), kq_slice_of("t\0wo", 4));
    assert_ok(vault_store_put_setting(fixture.store, "empty", KQ_SLICE_EMPTY));
    assert_ok(vault_store_get_setting(fixture.store, "empty", &value));
    assert_int_equal(value.len, 0);
    assert_status(vault_store_get_setting(fixture.store, "A", &value), KQ_ERR_NOT_FOUND);
    assert_int_equal(vault_store_changes(fixture.store), 3);
    fixture_end(&fixture);
}

/* ---- subscriptions and groups ---- */

static void append(void *context, const char *text)
{
    struct kq_buffer *out = context;
    assert_ok(kq_buffer_append(out, text, strlen(text)));
    assert_ok(kq_buffer_append(out, " ", 1));
}

static bool collect_subscription(void *context, const struct vault_subscription *record)
{
    append(context, record->display_name);
    return true;
}

static void vault_store_put_subscription__two__found_in_any_case_and_listed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_subscription second = {.id = OTHER_SUBSCRIPTION, .display_name = (char *)"Two", .created = 6};
    assert_ok(vault_store_put_subscription(fixture.store, &second));
    fixture_put_subscription(&fixture);
    assert_status(vault_store_put_subscription(fixture.store, &second), KQ_ERR_EXISTS);
    KQ_AUTO_VALUE(vault_subscription) found = {0};
    assert_ok(vault_store_get_subscription(fixture.store, "00000000-0000-4000-8000-00000000000a", &found));
    assert_string_equal(found.id, SUBSCRIPTION);
    assert_string_equal(found.display_name, "One");
    assert_int_equal(found.created, 5);
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 100);
    struct vault_page page = {.max = 1};
    assert_ok(vault_store_list_subscriptions(fixture.store, &page, collect_subscription, &seen));
    assert_string_equal(page.next, SUBSCRIPTION);
    page.marker = page.next;
    assert_ok(vault_store_list_subscriptions(fixture.store, &page, collect_subscription, &seen));
    assert_string_equal(page.next, "");
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text("One Two "));
    fixture_end(&fixture);
}

static bool collect_group(void *context, const struct vault_group *record)
{
    append(context, record->name);
    return true;
}

static kq_status set_group(struct fixture *fixture, const char *subscription, const char *name, const char *location,
                           bool *out_created)
{
    struct vault_group record = {.name = (char *)name, .location = (char *)location, .tags = (char *)"{}"};
    snprintf(record.subscription, sizeof record.subscription, "%s", subscription);
    return vault_store_set_group(fixture->store, &record, out_created);
}

static void vault_store_set_group__new_then_known__created_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_subscription(&fixture);
    bool is_new = false;
    assert_status(set_group(&fixture, OTHER_SUBSCRIPTION, "g", "eastus", &is_new), KQ_ERR_NOT_FOUND);
    assert_ok(set_group(&fixture, SUBSCRIPTION, "Group", "eastus", &is_new));
    assert_true(is_new);
    assert_ok(set_group(&fixture, SUBSCRIPTION, "gROUP", "westus", &is_new));
    assert_false(is_new);
    assert_ok(set_group(&fixture, SUBSCRIPTION, "alpha", "westus", &is_new));
    KQ_AUTO_VALUE(vault_group) found = {0};
    assert_ok(vault_store_get_group(fixture.store, SUBSCRIPTION, "group", &found));
    assert_string_equal(found.name, "Group");
    assert_string_equal(found.location, "westus");
    assert_string_equal(found.tags, "{}");
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 100);
    struct vault_page page = {.max = 10};
    assert_ok(vault_store_list_groups(fixture.store, SUBSCRIPTION, &page, collect_group, &seen));
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text("alpha Group "));
    fixture_end(&fixture);
}

static void vault_store_delete_group__with_and_without_vaults__only_an_empty_one(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_subscription(&fixture);
    bool is_new;
    assert_ok(set_group(&fixture, SUBSCRIPTION, "Group", "eastus", &is_new));
    struct vault_record vault = fixture_vault("vault");
    vault.id = fixture_put_vault(&fixture, "vault");
    assert_status(vault_store_delete_group(fixture.store, SUBSCRIPTION, "GROUP"), KQ_ERR_STATE);
    vault.deleted = 5;
    assert_ok(vault_store_update_vault(fixture.store, &vault, NULL, 0));
    assert_ok(vault_store_delete_group(fixture.store, SUBSCRIPTION, "GROUP"));
    assert_status(vault_store_delete_group(fixture.store, SUBSCRIPTION, "group"), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_group) none = {0};
    assert_status(vault_store_get_group(fixture.store, SUBSCRIPTION, "group", &none), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

/* ---- principals ---- */

static void vault_store_put_principal__and_secrets__found_oldest_first(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_client_secret secret = {.id = "30000000-0000-4000-8000-000000000001",
                                         .client_id = CLIENT,
                                         .salt = {1, 2},
                                         .hash = {3, 4},
                                         .scrypt_log2_n = 15,
                                         .created = 9,
                                         .expires = 99};
    assert_status(vault_store_put_client_secret(fixture.store, &secret), KQ_ERR_NOT_FOUND);
    struct vault_principal principal = {
        .client_id = CLIENT, .object_id = OBJECT, .display_name = (char *)"p", .is_operator = true, .created = 8};
    assert_ok(vault_store_put_principal(fixture.store, &principal));
    assert_status(vault_store_put_principal(fixture.store, &principal), KQ_ERR_EXISTS);
    KQ_AUTO_VALUE(vault_principal) found = {0};
    assert_ok(vault_store_get_principal(fixture.store, CLIENT, &found));
    assert_string_equal(found.object_id, OBJECT);
    assert_string_equal(found.display_name, "p");
    assert_true(found.is_operator);
    assert_int_equal(found.created, 8);

    assert_ok(vault_store_put_client_secret(fixture.store, &secret));
    assert_status(vault_store_put_client_secret(fixture.store, &secret), KQ_ERR_EXISTS);
    secret.id[35] = '2';
    secret.created = 7;
    assert_ok(vault_store_put_client_secret(fixture.store, &secret));
    struct vault_client_secret got;
    assert_ok(vault_store_get_client_secret(fixture.store, CLIENT, 0, &got));
    assert_int_equal(got.created, 7);
    assert_ok(vault_store_get_client_secret(fixture.store, CLIENT, 1, &got));
    assert_int_equal(got.created, 9);
    assert_int_equal(got.expires, 99);
    assert_int_equal(got.scrypt_log2_n, 15);
    assert_memory_equal(got.salt, secret.salt, 32);
    assert_memory_equal(got.hash, secret.hash, 32);
    assert_status(vault_store_get_client_secret(fixture.store, CLIENT, 2, &got), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

/* ---- vaults ---- */

static void vault_store_put_vault__all_members__come_back(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_record record = fixture_vault("Contoso");
    record.is_premium = record.uses_rbac = record.has_purge_protection = true;
    record.properties = (char *)"{\"p\":1}";
    record.tags = (char *)"{}";
    assert_status(vault_store_put_vault(fixture.store, &record, NULL, 0), KQ_ERR_NOT_FOUND); /* no subscription */
    assert_int_equal(record.id, 0);
    fixture_put_subscription(&fixture);
    assert_ok(vault_store_put_vault(fixture.store, &record, NULL, 0));
    KQ_AUTO_VALUE(vault_record) found = {0};
    assert_ok(vault_store_get_vault(fixture.store, "cONTOSO", &found));
    assert_int_equal(found.id, record.id);
    assert_string_equal(found.subscription, SUBSCRIPTION);
    assert_string_equal(found.group, "group");
    assert_string_equal(found.name, "Contoso");
    assert_string_equal(found.location, "eastus2");
    assert_string_equal(found.region, "UnitedStates");
    assert_true(found.is_premium && found.uses_rbac && found.has_purge_protection);
    assert_int_equal(found.retention_days, 90);
    assert_string_equal(found.properties, "{\"p\":1}");
    assert_string_equal(found.tags, "{}");
    assert_int_equal(found.created, 100);
    KQ_AUTO_VALUE(vault_record) by_id = {0};
    assert_ok(vault_store_get_vault_by_id(fixture.store, record.id, &by_id));
    assert_string_equal(by_id.name, "Contoso");
    KQ_AUTO_VALUE(vault_record) none = {0};
    assert_status(vault_store_get_vault_by_id(fixture.store, record.id + 1, &none), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_vault(fixture.store, "other", &none), KQ_ERR_NOT_FOUND);
    struct vault_record again = fixture_vault("CONTOSO");
    assert_status(vault_store_put_vault(fixture.store, &again, NULL, 0), KQ_ERR_EXISTS);
    fixture_end(&fixture);
}

static void vault_store_update_vault__what_may_change__changed_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_record record = fixture_vault("contoso");
    record.id = fixture_put_vault(&fixture, "contoso");
    record.group = (char *)"moved";
    record.is_premium = record.uses_rbac = record.has_purge_protection = true;
    record.retention_days = 7;
    record.properties = (char *)"{}";
    record.tags = (char *)"{\"t\":\"u\"}";
    record.updated = 200;
    record.deleted = 300;
    record.scheduled_purge = 400;
    record.region = (char *)"Europe"; /* these two never change */
    record.name = (char *)"other";
    assert_ok(vault_store_update_vault(fixture.store, &record, NULL, 0));
    KQ_AUTO_VALUE(vault_record) found = {0};
    assert_ok(vault_store_get_vault(fixture.store, "contoso", &found));
    assert_string_equal(found.group, "moved");
    assert_true(found.is_premium && found.uses_rbac && found.has_purge_protection);
    assert_int_equal(found.retention_days, 7);
    assert_string_equal(found.properties, "{}");
    assert_string_equal(found.tags, "{\"t\":\"u\"}");
    assert_int_equal(found.updated, 200);
    assert_int_equal(found.deleted, 300);
    assert_int_equal(found.scheduled_purge, 400);
    assert_string_equal(found.region, "UnitedStates");
    record.id++;
    assert_status(vault_store_update_vault(fixture.store, &record, NULL, 0), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void vault_store_purge_vault__with_keys_and_policy__all_gone_name_free(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t id = fixture_put_vault(&fixture, "contoso");
    uint64_t key_id = fixture_put_key(&fixture, id, "key", 1);
    assert_ok(vault_store_purge_vault(fixture.store, id));
    assert_status(vault_store_purge_vault(fixture.store, id), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_key) key = {0};
    assert_status(vault_store_get_key_by_id(fixture.store, key_id, &key), KQ_ERR_NOT_FOUND);
    assert_true(fixture_put_vault(&fixture, "contoso") > id);
    fixture_end(&fixture);
}

static bool note_due(void *context, uint64_t vault_id, uint64_t key_id)
{
    *(uint64_t *)context = vault_id;
    return key_id != 0;
}

static kq_status put_many(struct fixture *fixture, uint64_t vault_id, size_t num)
{
    struct vault_key_version version = fixture_version(1);
    kq_status status = KQ_OK;
    for (unsigned i = 0; i < num && status == KQ_OK; i++) {
        struct vault_key key = {.vault_id = vault_id};
        snprintf(key.name, sizeof key.name, "key-%u", i);
        status = vault_store_put_key_version(fixture->store, &key, &version);
    }
    vault_key_version_clear(&version);
    return status;
}

static bool collect_vault(void *context, const struct vault_record *record);

/* More keys than one slice. A vault of which a purge was interrupted is what it is between two slices. */
static void vault_store_purge_vault__many_keys__gone_in_slices(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t id = fixture_put_vault(&fixture, "contoso");
    assert_ok(put_many(&fixture, id, 501));
    assert_ok(vault_store_purge_vault(fixture.store, id));
    KQ_AUTO_VALUE(vault_record) none = {0};
    assert_status(vault_store_get_vault_by_id(fixture.store, id, &none), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_key) key = {0};
    assert_status(vault_store_get_key_by_id(fixture.store, 501, &key), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void vault_store_purge_vault__interrupted__name_free_and_rest_is_due(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_record half = fixture_vault("#1");
    fixture_put_subscription(&fixture);
    half.deleted = half.scheduled_purge = 1;
    assert_ok(vault_store_put_vault(fixture.store, &half, NULL, 0));
    fixture_put_vault(&fixture, "contoso");
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 100);
    struct vault_page page = {.max = 10};
    assert_ok(vault_store_list_vaults(fixture.store, NULL, NULL, VAULT_LIST_BOTH, &page, collect_vault, &seen));
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text("contoso "));
    uint64_t due = 0;
    assert_ok(vault_store_list_due(fixture.store, VAULT_DUE_VAULT_PURGE, 1000, 10, note_due, &due));
    assert_int_equal(due, half.id);
    assert_ok(vault_store_purge_vault(fixture.store, due));
    due = 0;
    assert_ok(vault_store_list_due(fixture.store, VAULT_DUE_VAULT_PURGE, 1000, 10, note_due, &due));
    assert_int_equal(due, 0);
    fixture_end(&fixture);
}

static bool collect_vault(void *context, const struct vault_record *record)
{
    append(context, record->name);
    return true;
}

static void vault_store_list_vaults__filters_and_pages__in_order_of_names(void **state)
{
    (void)state;
    static const struct {
        const char *subscription, *group;
        enum vault_list_state state;
        const char *marker;
        size_t max;
        const char *expected, *next;
    } cases[] = {
        {NULL, NULL, VAULT_LIST_BOTH, NULL, 10, "aaa Bbb ccc ddd ", ""},
        {NULL, NULL, VAULT_LIST_ACTIVE, NULL, 10, "aaa Bbb ddd ", ""},
        {NULL, NULL, VAULT_LIST_DELETED, NULL, 10, "ccc ", ""},
        {NULL, NULL, VAULT_LIST_ACTIVE, "aaa", 1, "Bbb ", "Bbb"},
        {SUBSCRIPTION, NULL, VAULT_LIST_BOTH, NULL, 10, "aaa Bbb ccc ", ""},
        {OTHER_SUBSCRIPTION, NULL, VAULT_LIST_BOTH, NULL, 10, "ddd ", ""},
        {SUBSCRIPTION, "GROUP", VAULT_LIST_ACTIVE, NULL, 10, "aaa Bbb ", ""},
        {SUBSCRIPTION, "GROUP", VAULT_LIST_ACTIVE, "aaa", 10, "Bbb ", ""},
        {SUBSCRIPTION, "none", VAULT_LIST_BOTH, NULL, 10, "", ""},
    };
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_vault(&fixture, "Bbb");
    fixture_put_vault(&fixture, "aaa");
    struct vault_record deleted = fixture_vault("ccc");
    deleted.id = fixture_put_vault(&fixture, "ccc");
    deleted.deleted = 1;
    assert_ok(vault_store_update_vault(fixture.store, &deleted, NULL, 0));
    struct vault_subscription second = {.id = OTHER_SUBSCRIPTION, .display_name = (char *)"Two"};
    assert_ok(vault_store_put_subscription(fixture.store, &second));
    struct vault_record other = fixture_vault("ddd");
    memcpy(other.subscription, OTHER_SUBSCRIPTION, sizeof other.subscription);
    assert_ok(vault_store_put_vault(fixture.store, &other, NULL, 0));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) seen = {0};
        kq_buffer_init(&seen, 100);
        struct vault_page page = {.marker = cases[i].marker, .max = cases[i].max};
        assert_ok(vault_store_list_vaults(fixture.store, cases[i].subscription, cases[i].group, cases[i].state, &page,
                                          collect_vault, &seen));
        assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text(cases[i].expected));
        assert_string_equal(page.next, cases[i].next);
    }
    fixture_end(&fixture);
}

/* ---- access policies ---- */

static void vault_store_get_access__policy__in_its_order_and_replaced_whole(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    fixture_put_subscription(&fixture);
    struct vault_access policy[5] = {{.object_id = OBJECT, .keys = 1, .others = (char *)"{\"secrets\":[]}"},
                                     {.object_id = CLIENT, .keys = 2},
                                     {.object_id = OBJECT, .application_id = CLIENT, .keys = 4},
                                     {.object_id = OBJECT, .keys = 8},
                                     {.object_id = SUBSCRIPTION, .keys = 16}};
    struct vault_record vault = fixture_vault("contoso");
    assert_status(vault_store_put_vault(fixture.store, &vault, policy, VAULT_ACCESS_MAX + 1), KQ_ERR_TOO_LARGE);
    assert_ok(vault_store_put_vault(fixture.store, &vault, policy, 5));
    struct vault_access *got = NULL;
    size_t num = 0;
    assert_ok(vault_store_get_access(fixture.store, vault.id, &got, &num));
    assert_int_equal(num, 5);
    for (size_t i = 0; i < num; i++) {
        assert_string_equal(got[i].object_id, policy[i].object_id);
        assert_string_equal(got[i].application_id, policy[i].application_id);
        assert_int_equal(got[i].keys, policy[i].keys);
    }
    assert_string_equal(got[0].others, "{\"secrets\":[]}");
    assert_null(got[1].others);
    vault_access_free(got, num);

    uint32_t keys = 99;
    assert_ok(vault_store_get_access_keys(fixture.store, vault.id, "20000000-0000-4000-8000-00000000000d", &keys));
    assert_int_equal(keys, 9); /* the compound entry does not count */
    assert_ok(vault_store_get_access_keys(fixture.store, vault.id + 1, OBJECT, &keys));
    assert_int_equal(keys, 0);

    assert_ok(vault_store_update_vault(fixture.store, &vault, NULL, 0)); /* the policy stays */
    assert_ok(vault_store_get_access_keys(fixture.store, vault.id, OBJECT, &keys));
    assert_int_equal(keys, 9);
    assert_ok(vault_store_update_vault(fixture.store, &vault, &policy[1], 1));
    assert_ok(vault_store_get_access_keys(fixture.store, vault.id, OBJECT, &keys));
    assert_int_equal(keys, 0);
    assert_ok(vault_store_update_vault(fixture.store, &vault, policy, 0));
    assert_ok(vault_store_get_access(fixture.store, vault.id, &got, &num));
    assert_int_equal(num, 0);
    vault_access_free(got, num);
    fixture_end(&fixture);
}

/* ---- role assignments ---- */

static bool collect_assignment(void *context, const struct vault_assignment *record)
{
    char last[2] = {record->name[35], 0};
    append(context, last);
    return true;
}

static kq_status put_assignment(struct fixture *fixture, char number, const char *scope, const char *principal)
{
    struct vault_assignment record = {.name = "40000000-0000-4000-8000-000000000000",
                                      .scope = (char *)scope,
                                      .role = "00482a5a-887f-4fb3-b363-3b7fe8e74483",
                                      .created = 3};
    record.name[35] = number;
    snprintf(record.principal_id, sizeof record.principal_id, "%s", principal);
    return vault_store_put_assignment(fixture->store, &record);
}

static void vault_store_list_assignments__principal_and_prefix__only_those(void **state)
{
    (void)state;
    static const struct {
        const char *principal, *prefix, *marker;
        size_t max;
        const char *expected;
    } cases[] = {
        {NULL, NULL, NULL, 10, "1 2 3 4 "},
        {OBJECT, NULL, NULL, 10, "1 2 4 "},
        {OBJECT, "/subscriptions/S/", NULL, 10, "2 4 "},
        {NULL, "/subscriptions/s/resourcegroups/g", NULL, 10, "2 3 "},
        {OBJECT, NULL, "40000000-0000-4000-8000-000000000001", 1, "2 "},
        {CLIENT, "/other", NULL, 10, ""},
        {NULL, "/subscriptions/%", NULL, 10, ""},
    };
    struct fixture fixture;
    fixture_start(&fixture);
    assert_ok(put_assignment(&fixture, '1', "/subscriptions/s", OBJECT));
    assert_ok(put_assignment(&fixture, '2', "/subscriptions/s/resourcegroups/g", OBJECT));
    assert_ok(put_assignment(&fixture, '3', "/subscriptions/s/resourcegroups/g/x", CLIENT));
    assert_ok(put_assignment(&fixture, '4', "/subscriptions/s/resourcegroups/h", OBJECT));
    assert_status(put_assignment(&fixture, '4', "/else", OBJECT), KQ_ERR_EXISTS);
    assert_status(put_assignment(&fixture, '5', "/subscriptions/S", OBJECT), KQ_ERR_EXISTS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KQ_AUTO_VALUE(kq_buffer) seen = {0};
        kq_buffer_init(&seen, 100);
        struct vault_page page = {.marker = cases[i].marker, .max = cases[i].max};
        assert_ok(vault_store_list_assignments(fixture.store, cases[i].principal, cases[i].prefix, &page,
                                               collect_assignment, &seen));
        assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text(cases[i].expected));
    }
    KQ_AUTO_VALUE(vault_assignment) found = {0};
    assert_ok(vault_store_get_assignment(fixture.store, "40000000-0000-4000-8000-000000000001", &found));
    assert_string_equal(found.scope, "/subscriptions/s");
    assert_string_equal(found.role, "00482a5a-887f-4fb3-b363-3b7fe8e74483");
    assert_int_equal(found.created, 3);
    assert_ok(vault_store_delete_assignment(fixture.store, found.name));
    assert_status(vault_store_delete_assignment(fixture.store, found.name), KQ_ERR_NOT_FOUND);
    KQ_AUTO_VALUE(vault_assignment) none = {0};
    assert_status(vault_store_get_assignment(fixture.store, found.name, &none), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void assert_assignments(struct fixture *fixture, const char *expected)
{
    KQ_AUTO_VALUE(kq_buffer) seen = {0};
    kq_buffer_init(&seen, 100);
    struct vault_page page = {.max = 20};
    assert_ok(vault_store_list_assignments(fixture->store, NULL, NULL, &page, collect_assignment, &seen));
    assert_slice_equal(kq_buffer_slice(&seen), kq_slice_text(expected));
}

#define IN_GROUP "/subscriptions/" SUBSCRIPTION "/resourcegroups/group"
#define AT_VAULT IN_GROUP "/providers/microsoft.keyvault/vaults/"

static void vault_store__resource_gone__assignments_over_it_gone_and_no_others(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    uint64_t vault_id = fixture_put_vault(&fixture, "Contoso");
    uint64_t key_id = fixture_put_key(&fixture, vault_id, "Key", 1);
    bool is_new;
    assert_ok(set_group(&fixture, SUBSCRIPTION, "Group", "eastus", &is_new));
    assert_ok(put_assignment(&fixture, '1', "/subscriptions/" SUBSCRIPTION, OBJECT));
    assert_ok(put_assignment(&fixture, '2', IN_GROUP, OBJECT));
    assert_ok(put_assignment(&fixture, '3', IN_GROUP "2", OBJECT));
    assert_ok(put_assignment(&fixture, '4', AT_VAULT "contoso", OBJECT));
    assert_ok(put_assignment(&fixture, '5', AT_VAULT "contoso-2", OBJECT));
    assert_ok(put_assignment(&fixture, '6', AT_VAULT "contoso/keys/key", OBJECT));
    assert_ok(put_assignment(&fixture, '7', AT_VAULT "contoso/keys/key-2", OBJECT));
    assert_ok(vault_store_purge_key(fixture.store, key_id));
    assert_assignments(&fixture, "1 2 3 4 5 7 ");
    assert_ok(vault_store_purge_vault(fixture.store, vault_id));
    assert_assignments(&fixture, "1 2 3 5 ");
    assert_ok(vault_store_delete_group(fixture.store, SUBSCRIPTION, "GROUP"));
    assert_assignments(&fixture, "1 3 ");
    fixture_end(&fixture);
}

static bool count_principal(void *context, const struct vault_principal *principal)
{
    assert_true(principal->display_name != NULL);
    (*(size_t *)context)++;
    return true;
}

static void vault_store_delete_principal__its_secrets_and_certificates_go(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    const struct vault_principal principal = {
        .client_id = CLIENT, .object_id = OBJECT, .display_name = (char *)"robot", .created = 5};
    struct vault_client_secret secret = {.id = "30000000-0000-4000-8000-000000000001", .client_id = CLIENT};
    struct vault_client_certificate certificate = {
        .id = "30000000-0000-4000-8000-000000000002", .client_id = CLIENT, .sha256 = {1}, .not_after = 9};
    struct vault_client_certificate found = {.created = 0};
    struct vault_page page = {.max = 10};
    size_t num = 0;
    kq_buffer_init(&certificate.certificate, 8);
    assert_ok(kq_buffer_append(&certificate.certificate, "der", 3));
    assert_status(vault_store_put_client_certificate(fixture.store, &certificate), KQ_ERR_NOT_FOUND);
    assert_ok(vault_store_put_principal(fixture.store, &principal));
    assert_ok(vault_store_put_client_secret(fixture.store, &secret));
    assert_ok(vault_store_put_client_certificate(fixture.store, &certificate));
    certificate.id[35] = '3';
    assert_status(vault_store_put_client_certificate(fixture.store, &certificate), KQ_ERR_EXISTS); /* its sha256 */
    assert_ok(vault_store_get_client_certificate(fixture.store, CLIENT, 0, &found));
    assert_true(kq_slice_is_text(kq_buffer_slice(&found.certificate), "der"));
    assert_int_equal(found.not_after, 9);
    assert_status(vault_store_delete_client_certificate(fixture.store, OBJECT, found.id), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_delete_client_secret(fixture.store, OBJECT, secret.id), KQ_ERR_NOT_FOUND);
    vault_client_certificate_clear(&found);
    assert_ok(vault_store_list_principals(fixture.store, &page, count_principal, &num));
    assert_int_equal(num, 1);
    assert_ok(vault_store_delete_principal(fixture.store, CLIENT));
    assert_status(vault_store_delete_principal(fixture.store, CLIENT), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_client_secret(fixture.store, CLIENT, 0, &secret), KQ_ERR_NOT_FOUND);
    assert_status(vault_store_get_client_certificate(fixture.store, CLIENT, 0, &found), KQ_ERR_NOT_FOUND);
    vault_client_certificate_clear(&certificate);
    fixture_end(&fixture);
}

#define PERSON_ID "40000000-0000-4000-8000-000000000001"

static void put_alice(struct fixture *fixture)
{
    const struct vault_person person = {.object_id = PERSON_ID,
                                        .user_name = (char *)"alice",
                                        .display_name = (char *)"Alice",
                                        .salt = {1},
                                        .hash = {2},
                                        .scrypt_log2_n = 15};
    assert_ok(vault_store_put_person(fixture->store, &person));
    assert_status(vault_store_put_person(fixture->store, &person), KQ_ERR_EXISTS);
}

static bool count_person(void *context, const struct vault_person *person)
{
    assert_string_equal(person->user_name, "alice");
    assert_int_equal(person->salt[0] + person->hash[0], 0); /* lists need neither */
    (*(size_t *)context)++;
    return true;
}

static void vault_store_put_person__found_by_name_in_any_case(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    KQ_AUTO_VALUE(vault_person) found = {.created = 0};
    KQ_AUTO_VALUE(vault_person) same = {.created = 0};
    struct vault_page page = {.max = 10};
    size_t num = 0;
    put_alice(&fixture);
    assert_ok(vault_store_find_person(fixture.store, "Alice", &found));
    assert_int_equal(found.hash[0], 2);
    assert_ok(vault_store_get_person(fixture.store, PERSON_ID, &same));
    assert_string_equal(same.user_name, found.user_name);
    assert_ok(vault_store_list_people(fixture.store, &page, count_person, &num));
    assert_int_equal(num, 1);
    assert_ok(vault_store_delete_person(fixture.store, PERSON_ID));
    assert_status(vault_store_delete_person(fixture.store, PERSON_ID), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void vault_store_rotate_session__newest_and_the_one_before_are_found(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture);
    struct vault_session session = {.id = "50000000-0000-4000-8000-000000000001",
                                    .object_id = PERSON_ID,
                                    .client_id = CLIENT,
                                    .hash = {1},
                                    .created = 100,
                                    .expires = 200};
    struct vault_session next = session;
    struct vault_session found;
    const uint8_t third[32] = {3};
    assert_status(vault_store_put_session(fixture.store, &session), KQ_ERR_NOT_FOUND); /* nobody's */
    put_alice(&fixture);
    assert_ok(vault_store_put_session(fixture.store, &session));
    next.previous[0] = 1;
    next.hash[0] = 2;
    next.rotated = 150;
    assert_ok(vault_store_rotate_session(fixture.store, &next));
    assert_status(vault_store_rotate_session(fixture.store, &next), KQ_ERR_NOT_FOUND); /* once */
    assert_ok(vault_store_find_session(fixture.store, session.hash, &found));
    assert_int_equal(found.hash[0], 2);
    assert_ok(vault_store_find_session(fixture.store, next.hash, &found));
    assert_int_equal(found.rotated, 150);
    assert_status(vault_store_find_session(fixture.store, third, &found), KQ_ERR_NOT_FOUND);
    session.id[35] = '2';
    memcpy(session.hash, third, 32);
    session.created = 200; /* when the first one ends */
    session.expires = 300;
    assert_ok(vault_store_put_session(fixture.store, &session));
    assert_status(vault_store_find_session(fixture.store, next.hash, &found), KQ_ERR_NOT_FOUND);
    assert_ok(vault_store_delete_person(fixture.store, PERSON_ID));
    assert_status(vault_store_find_session(fixture.store, third, &found), KQ_ERR_NOT_FOUND);
    fixture_end(&fixture);
}

UNIT_MAIN(cmocka_unit_test(vault_store_put_setting__twice__replaced),
          cmocka_unit_test(vault_store_put_subscription__two__found_in_any_case_and_listed),
          cmocka_unit_test(vault_store_set_group__new_then_known__created_once),
          cmocka_unit_test(vault_store_delete_group__with_and_without_vaults__only_an_empty_one),
          cmocka_unit_test(vault_store_put_principal__and_secrets__found_oldest_first),
          cmocka_unit_test(vault_store_delete_principal__its_secrets_and_certificates_go),
          cmocka_unit_test(vault_store_put_person__found_by_name_in_any_case),
          cmocka_unit_test(vault_store_rotate_session__newest_and_the_one_before_are_found),
          cmocka_unit_test(vault_store_put_vault__all_members__come_back),
          cmocka_unit_test(vault_store_update_vault__what_may_change__changed_alone),
          cmocka_unit_test(vault_store_purge_vault__with_keys_and_policy__all_gone_name_free),
          cmocka_unit_test(vault_store_purge_vault__many_keys__gone_in_slices),
          cmocka_unit_test(vault_store_purge_vault__interrupted__name_free_and_rest_is_due),
          cmocka_unit_test(vault_store_list_vaults__filters_and_pages__in_order_of_names),
          cmocka_unit_test(vault_store_get_access__policy__in_its_order_and_replaced_whole),
          cmocka_unit_test(vault_store_list_assignments__principal_and_prefix__only_those),
          cmocka_unit_test(vault_store__resource_gone__assignments_over_it_gone_and_no_others))
