#include "vault/store/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "vault/store/backend.h"
#include "vault/store/recent.h"

void vault_store_free(struct vault_store *store)
{
    if (store != NULL)
        store->backend->free(store);
}

uint64_t vault_store_changes(const struct vault_store *store)
{
    return atomic_load(&store->changes);
}

/* Counts after the change is on the disk: who reads the new number finds the
 * new record. */
static kq_status changed(struct vault_store *store, kq_status status)
{
    vault_recent_outdate(store->recent); /* whatever the status: a failure may have left a part behind */
    if (status == KQ_OK)
        atomic_fetch_add(&store->changes, 1);
    return status;
}

/* What a record is called among those read lately. A name that does not fit is never found, nor kept. */
static void name_of(uint64_t id, const char *name, char out[VAULT_RECENT_NAME_SIZE])
{
    int len = snprintf(out, VAULT_RECENT_NAME_SIZE, "%" PRIu64 "/%s", id, name);
    if (len < 0 || (size_t)len >= VAULT_RECENT_NAME_SIZE)
        out[0] = '\0';
}

kq_status vault_store_get_setting(struct vault_store *store, const char *name, struct kq_buffer *out)
{
    return store->backend->get_setting(store, name, out);
}

kq_status vault_store_put_setting(struct vault_store *store, const char *name, struct kq_slice value)
{
    return changed(store, store->backend->put_setting(store, name, value));
}

kq_status vault_store_put_subscription(struct vault_store *store, const struct vault_subscription *record)
{
    return changed(store, store->backend->put_subscription(store, record));
}

kq_status vault_store_get_subscription(struct vault_store *store, const char *id, struct vault_subscription *out)
{
    return store->backend->get_subscription(store, id, out);
}

kq_status vault_store_set_group(struct vault_store *store, const struct vault_group *record, bool *out_created)
{
    return changed(store, store->backend->set_group(store, record, out_created));
}

kq_status vault_store_get_group(struct vault_store *store, const char *subscription, const char *name,
                                struct vault_group *out)
{
    return store->backend->get_group(store, subscription, name, out);
}

kq_status vault_store_delete_group(struct vault_store *store, const char *subscription, const char *name)
{
    return changed(store, store->backend->delete_group(store, subscription, name));
}

kq_status vault_store_put_principal(struct vault_store *store, const struct vault_principal *record)
{
    return changed(store, store->backend->put_principal(store, record));
}

kq_status vault_store_get_principal(struct vault_store *store, const char *client_id, struct vault_principal *out)
{
    return store->backend->get_principal(store, client_id, out);
}

kq_status vault_store_put_client_secret(struct vault_store *store, const struct vault_client_secret *record)
{
    return changed(store, store->backend->put_client_secret(store, record));
}

kq_status vault_store_get_client_secret(struct vault_store *store, const char *client_id, size_t i,
                                        struct vault_client_secret *out)
{
    return store->backend->get_client_secret(store, client_id, i, out);
}

kq_status vault_store_put_vault(struct vault_store *store, struct vault_record *record,
                                const struct vault_access *access, size_t num_access)
{
    return changed(store, store->backend->put_vault(store, record, access, num_access));
}

kq_status vault_store_get_vault(struct vault_store *store, const char *name, struct vault_record *out)
{
    uint64_t moment = vault_recent_moment(store->recent);
    if (vault_recent_get(store->recent, VAULT_RECENT_VAULT, name, moment, out))
        return KQ_OK;
    KQ_TRY(store->backend->get_vault(store, name, out));
    vault_recent_put(store->recent, VAULT_RECENT_VAULT, name, moment, out);
    return KQ_OK;
}

kq_status vault_store_update_vault(struct vault_store *store, const struct vault_record *record,
                                   const struct vault_access *access, size_t num_access)
{
    return changed(store, store->backend->update_vault(store, record, access, num_access));
}

kq_status vault_store_purge_vault(struct vault_store *store, uint64_t id)
{
    return changed(store, store->backend->purge_vault(store, id));
}

kq_status vault_store_get_access(struct vault_store *store, uint64_t vault_id, struct vault_access **out,
                                 size_t *out_num)
{
    return store->backend->get_access(store, vault_id, out, out_num);
}

kq_status vault_store_get_access_keys(struct vault_store *store, uint64_t vault_id, const char *object_id,
                                      uint32_t *out_keys)
{
    char name[VAULT_RECENT_NAME_SIZE];
    uint64_t moment = vault_recent_moment(store->recent);
    name_of(vault_id, object_id, name);
    if (vault_recent_get(store->recent, VAULT_RECENT_ACCESS, name, moment, out_keys))
        return KQ_OK;
    KQ_TRY(store->backend->get_access_keys(store, vault_id, object_id, out_keys));
    vault_recent_put(store->recent, VAULT_RECENT_ACCESS, name, moment, out_keys);
    return KQ_OK;
}

kq_status vault_store_put_assignment(struct vault_store *store, const struct vault_assignment *record)
{
    return changed(store, store->backend->put_assignment(store, record));
}

kq_status vault_store_get_assignment(struct vault_store *store, const char *name, struct vault_assignment *out)
{
    return store->backend->get_assignment(store, name, out);
}

kq_status vault_store_delete_assignment(struct vault_store *store, const char *name)
{
    return changed(store, store->backend->delete_assignment(store, name));
}

kq_status vault_store_put_key_version(struct vault_store *store, struct vault_key *key,
                                      struct vault_key_version *version)
{
    return changed(store, store->backend->put_key_version(store, key, version));
}

kq_status vault_store_put_restored_key(struct vault_store *store, struct vault_key *key,
                                       struct vault_key_version *versions, size_t num_versions)
{
    return changed(store, store->backend->put_restored_key(store, key, versions, num_versions));
}

kq_status vault_store_get_key(struct vault_store *store, uint64_t vault_id, const char *name, struct vault_key *out)
{
    char full[VAULT_RECENT_NAME_SIZE];
    uint64_t moment = vault_recent_moment(store->recent);
    name_of(vault_id, name, full);
    if (vault_recent_get(store->recent, VAULT_RECENT_KEY, full, moment, out))
        return KQ_OK;
    KQ_TRY(store->backend->get_key(store, vault_id, name, out));
    vault_recent_put(store->recent, VAULT_RECENT_KEY, full, moment, out);
    return KQ_OK;
}

kq_status vault_store_get_key_version(struct vault_store *store, uint64_t key_id, const char *version,
                                      struct vault_key_version *out)
{
    char name[VAULT_RECENT_NAME_SIZE];
    uint64_t moment = vault_recent_moment(store->recent);
    name_of(key_id, version == NULL ? "" : version, name);
    if (vault_recent_get(store->recent, VAULT_RECENT_VERSION, name, moment, out))
        return KQ_OK;
    KQ_TRY(store->backend->get_key_version(store, key_id, version, out));
    vault_recent_put(store->recent, VAULT_RECENT_VERSION, name, moment, out);
    return KQ_OK;
}

kq_status vault_store_update_key_version(struct vault_store *store, const struct vault_key_version *version)
{
    return changed(store, store->backend->update_key_version(store, version));
}

kq_status vault_store_update_key(struct vault_store *store, const struct vault_key *key)
{
    return changed(store, store->backend->update_key(store, key));
}

kq_status vault_store_purge_key(struct vault_store *store, uint64_t key_id)
{
    return changed(store, store->backend->purge_key(store, key_id));
}

kq_status vault_store_list_keys(struct vault_store *store, uint64_t vault_id, enum vault_list_state state,
                                struct vault_page *page, vault_key_row *row, void *context)
{
    return store->backend->list_keys(store, vault_id, state, page, row, context);
}

kq_status vault_store_list_versions(struct vault_store *store, uint64_t key_id, struct vault_page *page,
                                    vault_version_row *row, void *context)
{
    return store->backend->list_versions(store, key_id, page, row, context);
}

kq_status vault_store_list_vaults(struct vault_store *store, const char *subscription, const char *group,
                                  enum vault_list_state state, struct vault_page *page, vault_vault_row *row,
                                  void *context)
{
    return store->backend->list_vaults(store, subscription, group, state, page, row, context);
}

kq_status vault_store_list_subscriptions(struct vault_store *store, struct vault_page *page,
                                         vault_subscription_row *row, void *context)
{
    return store->backend->list_subscriptions(store, page, row, context);
}

kq_status vault_store_list_groups(struct vault_store *store, const char *subscription, struct vault_page *page,
                                  vault_group_row *row, void *context)
{
    return store->backend->list_groups(store, subscription, page, row, context);
}

kq_status vault_store_list_assignments(struct vault_store *store, const char *principal_id, const char *prefix,
                                       struct vault_page *page, vault_assignment_row *row, void *context)
{
    return store->backend->list_assignments(store, principal_id, prefix, page, row, context);
}

kq_status vault_store_list_due(struct vault_store *store, enum vault_due due, uint64_t now, size_t max,
                               vault_due_row *row, void *context)
{
    return store->backend->list_due(store, due, now, max, row, context);
}

kq_status vault_store_get_vault_by_id(struct vault_store *store, uint64_t id, struct vault_record *out)
{
    return store->backend->get_vault_by_id(store, id, out);
}

kq_status vault_store_get_key_by_id(struct vault_store *store, uint64_t id, struct vault_key *out)
{
    return store->backend->get_key_by_id(store, id, out);
}

kq_status vault_store_delete_principal(struct vault_store *store, const char *client_id)
{
    return changed(store, store->backend->delete_principal(store, client_id));
}

kq_status vault_store_delete_client_secret(struct vault_store *store, const char *client_id, const char *id)
{
    return changed(store, store->backend->delete_client_secret(store, client_id, id));
}

kq_status vault_store_put_client_certificate(struct vault_store *store, const struct vault_client_certificate *record)
{
    return changed(store, store->backend->put_client_certificate(store, record));
}

kq_status vault_store_get_client_certificate(struct vault_store *store, const char *client_id, size_t i,
                                             struct vault_client_certificate *out)
{
    return store->backend->get_client_certificate(store, client_id, i, out);
}

kq_status vault_store_delete_client_certificate(struct vault_store *store, const char *client_id, const char *id)
{
    return changed(store, store->backend->delete_client_certificate(store, client_id, id));
}

kq_status vault_store_put_person(struct vault_store *store, const struct vault_person *record)
{
    return changed(store, store->backend->put_person(store, record));
}

kq_status vault_store_get_person(struct vault_store *store, const char *object_id, struct vault_person *out)
{
    return store->backend->get_person(store, object_id, out);
}

kq_status vault_store_find_person(struct vault_store *store, const char *user_name, struct vault_person *out)
{
    return store->backend->find_person(store, user_name, out);
}

kq_status vault_store_delete_person(struct vault_store *store, const char *object_id)
{
    return changed(store, store->backend->delete_person(store, object_id));
}

kq_status vault_store_put_session(struct vault_store *store, const struct vault_session *record)
{
    return changed(store, store->backend->put_session(store, record));
}

kq_status vault_store_find_session(struct vault_store *store, const uint8_t hash[32], struct vault_session *out)
{
    return store->backend->find_session(store, hash, out);
}

kq_status vault_store_rotate_session(struct vault_store *store, const struct vault_session *record)
{
    return changed(store, store->backend->rotate_session(store, record));
}

kq_status vault_store_delete_session(struct vault_store *store, const char *id)
{
    return changed(store, store->backend->delete_session(store, id));
}

kq_status vault_store_list_principals(struct vault_store *store, struct vault_page *page, vault_principal_row *row,
                                      void *context)
{
    return store->backend->list_principals(store, page, row, context);
}

kq_status vault_store_list_people(struct vault_store *store, struct vault_page *page, vault_person_row *row,
                                  void *context)
{
    return store->backend->list_people(store, page, row, context);
}
