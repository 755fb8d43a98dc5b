#ifndef KQ_TESTS_VAULT_STORE_FIXTURE_H
#define KQ_TESTS_VAULT_STORE_FIXTURE_H

#include <stdio.h>
#include <unistd.h>

#include "unit.h"
#include "vault/store/store.h"

/* A folder of its own with a database in it, and records to put there. */
#define SUBSCRIPTION "00000000-0000-4000-8000-00000000000A"

struct fixture {
    char folder[64];
    char path[128];
    struct vault_store *store;
    char error[256];
};

static inline void fixture_folder(struct fixture *fixture)
{
    *fixture = (struct fixture){.folder = "/tmp/keyquay-store-XXXXXX"};
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/keyvault.db", fixture->folder);
}

static inline kq_status fixture_open(struct fixture *fixture, enum vault_store_access access)
{
    return vault_store_open_sqlite(fixture->path, access, &fixture->store, fixture->error, sizeof fixture->error);
}

static inline void fixture_start(struct fixture *fixture)
{
    fixture_folder(fixture);
    assert_ok(fixture_open(fixture, VAULT_STORE_CREATE));
}

static inline void fixture_close(struct fixture *fixture)
{
    vault_store_free(fixture->store);
    fixture->store = NULL;
}

static inline void fixture_end(struct fixture *fixture)
{
    fixture_close(fixture);
    static const char *const names[] = {"keyvault.db", "keyvault.db-wal", "keyvault.db-shm", "keyvault.db.new",
                                        "other"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", fixture->folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->folder), 0); /* nothing else was left behind */
}

static inline void fixture_put_subscription(struct fixture *fixture)
{
    struct vault_subscription record = {.id = SUBSCRIPTION, .display_name = (char *)"One", .created = 5};
    assert_ok(vault_store_put_subscription(fixture->store, &record));
}

static inline struct vault_record fixture_vault(const char *name)
{
    return (struct vault_record){
        .subscription = SUBSCRIPTION,
        .group = (char *)"group",
        .name = (char *)name,
        .location = (char *)"eastus2",
        .region = (char *)"UnitedStates",
        .retention_days = 90,
        .created = 100,
        .updated = 100,
    };
}

/* The subscription and a vault in it; the vault's row id. */
static inline uint64_t fixture_put_vault(struct fixture *fixture, const char *name)
{
    struct vault_subscription known = {0};
    if (vault_store_get_subscription(fixture->store, SUBSCRIPTION, &known) != KQ_OK)
        fixture_put_subscription(fixture);
    vault_subscription_clear(&known);
    struct vault_record record = fixture_vault(name);
    assert_ok(vault_store_put_vault(fixture->store, &record, NULL, 0));
    return record.id;
}

static inline void fixture_fill(struct kq_buffer *buffer, const char *text)
{
    kq_buffer_init(buffer, strlen(text));
    assert_ok(kq_buffer_append(buffer, text, strlen(text)));
}

/* A version with all its members set; clear it. */
static inline struct vault_key_version fixture_version(unsigned number)
{
    struct vault_key_version version = {
        .kty = 2,
        .type = 1,
        .bits = 2048,
        .key_ops = 0x3f,
        .origin = 3,
        .purpose = 1,
        .enabled = true,
        .nbf = 10,
        .exp = 20,
        .created = 1000 + number,
        .updated = 2000 + number,
        .tags = strdup("{\"a\":\"b\"}"),
    };
    snprintf(version.version, sizeof version.version, "%032x", number);
    fixture_fill(&version.public_key, "public");
    fixture_fill(&version.blob, "blob");
    fixture_fill(&version.receipt, "receipt");
    return version;
}

/* Puts a version of a key and returns the key's row id. */
static inline uint64_t fixture_put_key(struct fixture *fixture, uint64_t vault_id, const char *name, unsigned number)
{
    struct vault_key key = {.vault_id = vault_id};
    snprintf(key.name, sizeof key.name, "%s", name);
    KQ_AUTO_VALUE(vault_key_version) version = fixture_version(number);
    assert_ok(vault_store_put_key_version(fixture->store, &key, &version));
    assert_int_equal(version.key_id, key.id);
    return key.id;
}

#endif
