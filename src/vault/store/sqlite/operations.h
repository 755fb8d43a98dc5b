#ifndef VAULT_STORE_SQLITE_OPERATIONS_H
#define VAULT_STORE_SQLITE_OPERATIONS_H

#include "vault/store/store.h"

/* The functions of store.h over SQLite, by topic in the files of this folder. */
KQ_MUST_CHECK kq_status vault_sqlite_get_setting(struct vault_store *store, const char *name, struct kq_buffer *out);
KQ_MUST_CHECK kq_status vault_sqlite_put_setting(struct vault_store *store, const char *name, struct kq_slice value);
KQ_MUST_CHECK kq_status vault_sqlite_put_subscription(struct vault_store *store,
                                                      const struct vault_subscription *record);
KQ_MUST_CHECK kq_status vault_sqlite_get_subscription(struct vault_store *store, const char *id,
                                                      struct vault_subscription *out);
KQ_MUST_CHECK kq_status vault_sqlite_set_group(struct vault_store *store, const struct vault_group *record,
                                               bool *out_created);
KQ_MUST_CHECK kq_status vault_sqlite_get_group(struct vault_store *store, const char *subscription, const char *name,
                                               struct vault_group *out);
KQ_MUST_CHECK kq_status vault_sqlite_delete_group(struct vault_store *store, const char *subscription,
                                                  const char *name);
KQ_MUST_CHECK kq_status vault_sqlite_put_principal(struct vault_store *store, const struct vault_principal *record);
KQ_MUST_CHECK kq_status vault_sqlite_get_principal(struct vault_store *store, const char *client_id,
                                                   struct vault_principal *out);
KQ_MUST_CHECK kq_status vault_sqlite_put_client_secret(struct vault_store *store,
                                                       const struct vault_client_secret *record);
KQ_MUST_CHECK kq_status vault_sqlite_get_client_secret(struct vault_store *store, const char *client_id, size_t i,
                                                       struct vault_client_secret *out);
KQ_MUST_CHECK kq_status vault_sqlite_put_vault(struct vault_store *store, struct vault_record *record,
                                               const struct vault_access *access, size_t num_access);
KQ_MUST_CHECK kq_status vault_sqlite_get_vault(struct vault_store *store, const char *name, struct vault_record *out);
KQ_MUST_CHECK kq_status vault_sqlite_update_vault(struct vault_store *store, const struct vault_record *record,
                                                  const struct vault_access *access, size_t num_access);
KQ_MUST_CHECK kq_status vault_sqlite_purge_vault(struct vault_store *store, uint64_t id);
KQ_MUST_CHECK kq_status vault_sqlite_get_access(struct vault_store *store, uint64_t vault_id, struct vault_access **out,
                                                size_t *out_num);
KQ_MUST_CHECK kq_status vault_sqlite_get_access_keys(struct vault_store *store, uint64_t vault_id,
                                                     const char *object_id, uint32_t *out_keys);
KQ_MUST_CHECK kq_status vault_sqlite_put_assignment(struct vault_store *store, const struct vault_assignment *record);
KQ_MUST_CHECK kq_status vault_sqlite_get_assignment(struct vault_store *store, const char *name,
                                                    struct vault_assignment *out);
KQ_MUST_CHECK kq_status vault_sqlite_delete_assignment(struct vault_store *store, const char *name);
KQ_MUST_CHECK kq_status vault_sqlite_put_key_version(struct vault_store *store, struct vault_key *key,
                                                     struct vault_key_version *version);
KQ_MUST_CHECK kq_status vault_sqlite_put_restored_key(struct vault_store *store, struct vault_key *key,
                                                      struct vault_key_version *versions, size_t num_versions);
KQ_MUST_CHECK kq_status vault_sqlite_get_key(struct vault_store *store, uint64_t vault_id, const char *name,
                                             struct vault_key *out);
KQ_MUST_CHECK kq_status vault_sqlite_get_key_version(struct vault_store *store, uint64_t key_id, const char *version,
                                                     struct vault_key_version *out);
KQ_MUST_CHECK kq_status vault_sqlite_update_key_version(struct vault_store *store,
                                                        const struct vault_key_version *version);
KQ_MUST_CHECK kq_status vault_sqlite_update_key(struct vault_store *store, const struct vault_key *key);
KQ_MUST_CHECK kq_status vault_sqlite_purge_key(struct vault_store *store, uint64_t key_id);
KQ_MUST_CHECK kq_status vault_sqlite_list_keys(struct vault_store *store, uint64_t vault_id,
                                               enum vault_list_state state, struct vault_page *page, vault_key_row *row,
                                               void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_versions(struct vault_store *store, uint64_t key_id, struct vault_page *page,
                                                   vault_version_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_vaults(struct vault_store *store, const char *subscription, const char *group,
                                                 enum vault_list_state state, struct vault_page *page,
                                                 vault_vault_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_subscriptions(struct vault_store *store, struct vault_page *page,
                                                        vault_subscription_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_groups(struct vault_store *store, const char *subscription,
                                                 struct vault_page *page, vault_group_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_assignments(struct vault_store *store, const char *principal_id,
                                                      const char *prefix, struct vault_page *page,
                                                      vault_assignment_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_due(struct vault_store *store, enum vault_due due, uint64_t now, size_t max,
                                              vault_due_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_get_vault_by_id(struct vault_store *store, uint64_t id, struct vault_record *out);
KQ_MUST_CHECK kq_status vault_sqlite_get_key_by_id(struct vault_store *store, uint64_t id, struct vault_key *out);
KQ_MUST_CHECK kq_status vault_sqlite_delete_principal(struct vault_store *store, const char *client_id);
KQ_MUST_CHECK kq_status vault_sqlite_delete_client_secret(struct vault_store *store, const char *client_id,
                                                          const char *id);
KQ_MUST_CHECK kq_status vault_sqlite_put_client_certificate(struct vault_store *store,
                                                            const struct vault_client_certificate *record);
KQ_MUST_CHECK kq_status vault_sqlite_get_client_certificate(struct vault_store *store, const char *client_id, size_t i,
                                                            struct vault_client_certificate *out);
KQ_MUST_CHECK kq_status vault_sqlite_delete_client_certificate(struct vault_store *store, const char *client_id,
                                                               const char *id);
KQ_MUST_CHECK kq_status vault_sqlite_put_person(struct vault_store *store, const struct vault_person *record);
KQ_MUST_CHECK kq_status vault_sqlite_get_person(struct vault_store *store, const char *object_id,
                                                struct vault_person *out);
KQ_MUST_CHECK kq_status vault_sqlite_find_person(struct vault_store *store, const char *user_name,
                                                 struct vault_person *out);
KQ_MUST_CHECK kq_status vault_sqlite_delete_person(struct vault_store *store, const char *object_id);
KQ_MUST_CHECK kq_status vault_sqlite_put_session(struct vault_store *store, const struct vault_session *record);
KQ_MUST_CHECK kq_status vault_sqlite_find_session(struct vault_store *store, const uint8_t hash[32],
                                                  struct vault_session *out);
KQ_MUST_CHECK kq_status vault_sqlite_rotate_session(struct vault_store *store, const struct vault_session *record);
KQ_MUST_CHECK kq_status vault_sqlite_delete_session(struct vault_store *store, const char *id);
KQ_MUST_CHECK kq_status vault_sqlite_list_principals(struct vault_store *store, struct vault_page *page,
                                                     vault_principal_row *row, void *context);
KQ_MUST_CHECK kq_status vault_sqlite_list_people(struct vault_store *store, struct vault_page *page,
                                                 vault_person_row *row, void *context);

#endif
