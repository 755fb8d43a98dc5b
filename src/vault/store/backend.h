#ifndef VAULT_STORE_BACKEND_H
#define VAULT_STORE_BACKEND_H

#include <stdatomic.h>

#include "vault/store/store.h"
#include "vault/store/turn.h"

/* What a kind of database offers: the functions of store.h, one const table
 * for each kind. A store begins with a struct vault_store. */
struct vault_store_backend {
    void (*free)(struct vault_store *store);
    kq_status (*get_setting)(struct vault_store *store, const char *name, struct kq_buffer *out);
    kq_status (*put_setting)(struct vault_store *store, const char *name, struct kq_slice value);
    kq_status (*put_subscription)(struct vault_store *store, const struct vault_subscription *record);
    kq_status (*get_subscription)(struct vault_store *store, const char *id, struct vault_subscription *out);
    kq_status (*set_group)(struct vault_store *store, const struct vault_group *record, bool *out_created);
    kq_status (*get_group)(struct vault_store *store, const char *subscription, const char *name,
                           struct vault_group *out);
    kq_status (*delete_group)(struct vault_store *store, const char *subscription, const char *name);
    kq_status (*put_principal)(struct vault_store *store, const struct vault_principal *record);
    kq_status (*get_principal)(struct vault_store *store, const char *client_id, struct vault_principal *out);
    kq_status (*put_client_secret)(struct vault_store *store, const struct vault_client_secret *record);
    kq_status (*get_client_secret)(struct vault_store *store, const char *client_id, size_t i,
                                   struct vault_client_secret *out);
    kq_status (*put_vault)(struct vault_store *store, struct vault_record *record, const struct vault_access *access,
                           size_t num_access);
    kq_status (*get_vault)(struct vault_store *store, const char *name, struct vault_record *out);
    kq_status (*update_vault)(struct vault_store *store, const struct vault_record *record,
                              const struct vault_access *access, size_t num_access);
    kq_status (*purge_vault)(struct vault_store *store, uint64_t id);
    kq_status (*get_access)(struct vault_store *store, uint64_t vault_id, struct vault_access **out, size_t *out_num);
    kq_status (*get_access_keys)(struct vault_store *store, uint64_t vault_id, const char *object_id,
                                 uint32_t *out_keys);
    kq_status (*put_assignment)(struct vault_store *store, const struct vault_assignment *record);
    kq_status (*get_assignment)(struct vault_store *store, const char *name, struct vault_assignment *out);
    kq_status (*delete_assignment)(struct vault_store *store, const char *name);
    kq_status (*put_key_version)(struct vault_store *store, struct vault_key *key, struct vault_key_version *version);
    kq_status (*put_restored_key)(struct vault_store *store, struct vault_key *key, struct vault_key_version *versions,
                                  size_t num_versions);
    kq_status (*get_key)(struct vault_store *store, uint64_t vault_id, const char *name, struct vault_key *out);
    kq_status (*get_key_version)(struct vault_store *store, uint64_t key_id, const char *version,
                                 struct vault_key_version *out);
    kq_status (*update_key_version)(struct vault_store *store, const struct vault_key_version *version);
    kq_status (*update_key)(struct vault_store *store, const struct vault_key *key);
    kq_status (*purge_key)(struct vault_store *store, uint64_t key_id);
    kq_status (*list_keys)(struct vault_store *store, uint64_t vault_id, enum vault_list_state state,
                           struct vault_page *page, vault_key_row *row, void *context);
    kq_status (*list_versions)(struct vault_store *store, uint64_t key_id, struct vault_page *page,
                               vault_version_row *row, void *context);
    kq_status (*list_vaults)(struct vault_store *store, const char *subscription, const char *group,
                             enum vault_list_state state, struct vault_page *page, vault_vault_row *row, void *context);
    kq_status (*list_subscriptions)(struct vault_store *store, struct vault_page *page, vault_subscription_row *row,
                                    void *context);
    kq_status (*list_groups)(struct vault_store *store, const char *subscription, struct vault_page *page,
                             vault_group_row *row, void *context);
    kq_status (*list_assignments)(struct vault_store *store, const char *principal_id, const char *prefix,
                                  struct vault_page *page, vault_assignment_row *row, void *context);
    kq_status (*list_due)(struct vault_store *store, enum vault_due due, uint64_t now, size_t max, vault_due_row *row,
                          void *context);
    kq_status (*get_vault_by_id)(struct vault_store *store, uint64_t id, struct vault_record *out);
    kq_status (*get_key_by_id)(struct vault_store *store, uint64_t id, struct vault_key *out);
    kq_status (*delete_principal)(struct vault_store *store, const char *client_id);
    kq_status (*delete_client_secret)(struct vault_store *store, const char *client_id, const char *id);
    kq_status (*put_client_certificate)(struct vault_store *store, const struct vault_client_certificate *record);
    kq_status (*get_client_certificate)(struct vault_store *store, const char *client_id, size_t i,
                                        struct vault_client_certificate *out);
    kq_status (*delete_client_certificate)(struct vault_store *store, const char *client_id, const char *id);
    kq_status (*put_person)(struct vault_store *store, const struct vault_person *record);
    kq_status (*get_person)(struct vault_store *store, const char *object_id, struct vault_person *out);
    kq_status (*find_person)(struct vault_store *store, const char *user_name, struct vault_person *out);
    kq_status (*delete_person)(struct vault_store *store, const char *object_id);
    kq_status (*put_session)(struct vault_store *store, const struct vault_session *record);
    kq_status (*find_session)(struct vault_store *store, const uint8_t hash[32], struct vault_session *out);
    kq_status (*rotate_session)(struct vault_store *store, const struct vault_session *record);
    kq_status (*delete_session)(struct vault_store *store, const char *id);
    kq_status (*list_principals)(struct vault_store *store, struct vault_page *page, vault_principal_row *row,
                                 void *context);
    kq_status (*list_people)(struct vault_store *store, struct vault_page *page, vault_person_row *row, void *context);
};

struct vault_store {
    const struct vault_store_backend *backend;
    atomic_uint_fast64_t changes;
    struct vault_recent *recent; /* owned */
    struct vault_turns turns;
};

#endif
