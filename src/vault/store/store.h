#ifndef VAULT_STORE_STORE_H
#define VAULT_STORE_STORE_H

#include "base/buffer.h"
#include "base/cleanup.h"

/* What the vault remembers: no secrets but sealed blobs and hashes of client
 * secrets. One table of functions per backend (sqlite/); thread-safe. What was
 * acknowledged is on the disk. Times are unix seconds, 0: none. Text members
 * are owned by the record, NULL where absent; each record has a clear function.
 * GUIDs and names of vaults and keys compare without regard to case. */
struct vault_store;

enum vault_store_access { VAULT_STORE_CREATE = 1, VAULT_STORE_USE = 2 };
/* Opens and migrates a database.
 * Creating appears complete or not at all. Cost of opening is bounded: it does
 * not read the whole of a large database.
 * out_error  one sentence naming the file and the remedy; size at least 256
 * Errors     KQ_ERR_NOT_FOUND, KQ_ERR_EXISTS, KQ_ERR_VERSION (written by a newer program), KQ_ERR_FORMAT (damaged),
 *            KQ_ERR_FULL, KQ_ERR_MEMORY, KQ_ERR_IO (also: a link, others can read it)
 * Source     docs/formats/vault-database.md */
KQ_MUST_CHECK kq_status vault_store_open_sqlite(const char *path, enum vault_store_access access,
                                                struct vault_store **out, char *out_error, size_t out_error_size);
void vault_store_free(struct vault_store *store);
KQ_AUTO_DEFINE(vault_store);

/* All functions below: KQ_ERR_IO (the disk), KQ_ERR_FULL (no room left; nothing
 * was changed), KQ_ERR_WAIT (another program holds the database; nothing was
 * changed), KQ_ERR_FORMAT (the database is damaged), KQ_ERR_MEMORY beside what
 * they name. get and update functions: KQ_ERR_NOT_FOUND. put functions
 * insert: KQ_ERR_EXISTS, and KQ_ERR_NOT_FOUND when what they belong to is not
 * there. out records must be empty ({0}) or cleared; they are untouched on
 * failure. Numbers above 2^63 - 1 are KQ_ERR_ARGUMENT. */

/* ---- settings: name to bytes -------------------------------------------------------- */

/* out is started here. */
KQ_MUST_CHECK kq_status vault_store_get_setting(struct vault_store *store, const char *name, struct kq_buffer *out);
/* Inserts or replaces. */
KQ_MUST_CHECK kq_status vault_store_put_setting(struct vault_store *store, const char *name, struct kq_slice value);

/* Counts every change that was made through this store; caches compare it. */
uint64_t vault_store_changes(const struct vault_store *store);

/* ---- subscriptions, resource groups ---------------------------------------------------- */

struct vault_subscription {
    char id[37];
    char *display_name;
    uint64_t created;
};
void vault_subscription_clear(struct vault_subscription *record);
KQ_AUTO_DEFINE_VALUE(vault_subscription);
KQ_MUST_CHECK kq_status vault_store_put_subscription(struct vault_store *store,
                                                     const struct vault_subscription *record);
KQ_MUST_CHECK kq_status vault_store_get_subscription(struct vault_store *store, const char *id,
                                                     struct vault_subscription *out);

struct vault_group {
    char subscription[37];
    char *name;
    char *location;
    char *tags; /* JSON object or NULL */
};
void vault_group_clear(struct vault_group *record);
KQ_AUTO_DEFINE_VALUE(vault_group);
/* Inserts or replaces; *out_created tells which. */
KQ_MUST_CHECK kq_status vault_store_set_group(struct vault_store *store, const struct vault_group *record,
                                              bool *out_created);
KQ_MUST_CHECK kq_status vault_store_get_group(struct vault_store *store, const char *subscription, const char *name,
                                              struct vault_group *out);
/* With the role assignments at it and below.
 * Errors: KQ_ERR_NOT_FOUND, KQ_ERR_STATE (it holds vaults that are not deleted). */
KQ_MUST_CHECK kq_status vault_store_delete_group(struct vault_store *store, const char *subscription, const char *name);

/* ---- principals ------------------------------------------------------------------------ */

struct vault_principal {
    char client_id[37];
    char object_id[37];
    char *display_name;
    bool is_operator; /* may do everything in the control plane */
    uint64_t created;
};
void vault_principal_clear(struct vault_principal *record);
KQ_AUTO_DEFINE_VALUE(vault_principal);
KQ_MUST_CHECK kq_status vault_store_put_principal(struct vault_store *store, const struct vault_principal *record);
KQ_MUST_CHECK kq_status vault_store_get_principal(struct vault_store *store, const char *client_id,
                                                  struct vault_principal *out);

/* A client secret: scrypt, never the secret. */
struct vault_client_secret {
    char id[37];
    char client_id[37];
    uint8_t salt[32];
    uint8_t hash[32];
    uint64_t scrypt_log2_n;
    uint64_t created;
    uint64_t expires; /* 0: never */
};
KQ_MUST_CHECK kq_status vault_store_put_client_secret(struct vault_store *store,
                                                      const struct vault_client_secret *record);
/* The i-th secret of a client, oldest first. */
KQ_MUST_CHECK kq_status vault_store_get_client_secret(struct vault_store *store, const char *client_id, size_t i,
                                                      struct vault_client_secret *out);

/* Removes the principal with its secrets and certificates; what it was allowed stays behind and means nobody. */
KQ_MUST_CHECK kq_status vault_store_delete_principal(struct vault_store *store, const char *client_id);
KQ_MUST_CHECK kq_status vault_store_delete_client_secret(struct vault_store *store, const char *client_id,
                                                         const char *id);

/* A certificate with which a client signs its assertions. */
struct vault_client_certificate {
    char id[37];
    char client_id[37];
    struct kq_buffer certificate; /* DER */
    uint8_t sha256[32];           /* of it; once for each client */
    uint8_t sha1[20];
    uint64_t not_before;
    uint64_t not_after;
    uint64_t created;
};
void vault_client_certificate_clear(struct vault_client_certificate *record);
KQ_AUTO_DEFINE_VALUE(vault_client_certificate);
KQ_MUST_CHECK kq_status vault_store_put_client_certificate(struct vault_store *store,
                                                           const struct vault_client_certificate *record);
/* The i-th certificate of a client, oldest first. */
KQ_MUST_CHECK kq_status vault_store_get_client_certificate(struct vault_store *store, const char *client_id, size_t i,
                                                           struct vault_client_certificate *out);
KQ_MUST_CHECK kq_status vault_store_delete_client_certificate(struct vault_store *store, const char *client_id,
                                                              const char *id);

/* ---- people ---------------------------------------------------------------------------- */

/* Somebody who signs in with a name and a passphrase: scrypt, never the passphrase. */
struct vault_person {
    char object_id[37];
    char *user_name; /* unique, without regard to case */
    char *display_name;
    bool is_operator;
    uint8_t salt[32];
    uint8_t hash[32];
    uint64_t scrypt_log2_n;
    uint64_t created;
};
void vault_person_clear(struct vault_person *record);
KQ_AUTO_DEFINE_VALUE(vault_person);
KQ_MUST_CHECK kq_status vault_store_put_person(struct vault_store *store, const struct vault_person *record);
KQ_MUST_CHECK kq_status vault_store_get_person(struct vault_store *store, const char *object_id,
                                               struct vault_person *out);
KQ_MUST_CHECK kq_status vault_store_find_person(struct vault_store *store, const char *user_name,
                                                struct vault_person *out);
/* Removes the person with all sessions. */
KQ_MUST_CHECK kq_status vault_store_delete_person(struct vault_store *store, const char *object_id);

/* What a refresh token stands for; its SHA-256, never the token. */
struct vault_session {
    char id[37];
    char object_id[37];
    char client_id[37];
    uint8_t hash[32];
    uint8_t previous[32]; /* of the token that this one replaced; zeros: none */
    uint64_t rotated;     /* when that was */
    uint64_t created;
    uint64_t expires;
};
/* Also removes sessions that ended before record->created. */
KQ_MUST_CHECK kq_status vault_store_put_session(struct vault_store *store, const struct vault_session *record);
/* By the hash of the newest token or of the one before it. */
KQ_MUST_CHECK kq_status vault_store_find_session(struct vault_store *store, const uint8_t hash[32],
                                                 struct vault_session *out);
/* Stores hash, previous, rotated and expires if the stored hash still is record->previous.
 * Errors: KQ_ERR_NOT_FOUND (somebody was faster, or it is gone). */
KQ_MUST_CHECK kq_status vault_store_rotate_session(struct vault_store *store, const struct vault_session *record);
KQ_MUST_CHECK kq_status vault_store_delete_session(struct vault_store *store, const char *id);

/* ---- vaults ------------------------------------------------------------------------------ */

struct vault_record {
    uint64_t id; /* of the row; 0 before it is put */
    char subscription[37];
    char *group;
    char *name;     /* unique among all vaults, deleted ones too */
    char *location; /* programmatic: eastus2 */
    char *region;   /* toolset name of the region whose world serves it: UnitedStates; never changes */
    bool is_premium;
    bool uses_rbac;
    bool has_purge_protection;
    uint32_t retention_days; /* 7..90 */
    char
        *properties; /* JSON object: members of the resource that we keep and do not act on (networkAcls is acted on) */
    char *tags;      /* JSON object or NULL */
    uint64_t created;
    uint64_t updated;
    uint64_t deleted;         /* 0: active */
    uint64_t scheduled_purge; /* with deleted */
};
void vault_record_clear(struct vault_record *record);
KQ_AUTO_DEFINE_VALUE(vault_record);
KQ_MUST_CHECK kq_status vault_record_copy(const struct vault_record *record, struct vault_record *out);

/* One entry of a vault's access policy. */
struct vault_access {
    char object_id[37];
    char application_id[37]; /* "" if none */
    uint32_t keys;           /* vault_permission bits */
    char *others;            /* JSON object: names of permissions by kind as given, never acted on; NULL */
};
#define VAULT_ACCESS_MAX 1024u

/* Puts the vault with its policy; sets record->id. */
KQ_MUST_CHECK kq_status vault_store_put_vault(struct vault_store *store, struct vault_record *record,
                                              const struct vault_access *access, size_t num_access);
/* By name, active or deleted. */
KQ_MUST_CHECK kq_status vault_store_get_vault(struct vault_store *store, const char *name, struct vault_record *out);
/* Replaces what may change (policy included where access is not NULL), by id. */
KQ_MUST_CHECK kq_status vault_store_update_vault(struct vault_store *store, const struct vault_record *record,
                                                 const struct vault_access *access, size_t num_access);
/* Removes the vault, all its keys and the role assignments over them. Its id is never given again. Of a vault
 * with more than 10,000 keys this removes the name and the first keys at once;
 * VAULT_DUE_VAULT_PURGE gives it until repeated calls have removed the rest.
 * Errors: KQ_ERR_NOT_FOUND. */
KQ_MUST_CHECK kq_status vault_store_purge_vault(struct vault_store *store, uint64_t id);
/* The policy in the order it was given; free with vault_access_free(). */
KQ_MUST_CHECK kq_status vault_store_get_access(struct vault_store *store, uint64_t vault_id, struct vault_access **out,
                                               size_t *out_num);
void vault_access_free(struct vault_access *access, size_t num);
/* The bits of one principal (application "" entries only): 0 if none. One indexed look-up. */
KQ_MUST_CHECK kq_status vault_store_get_access_keys(struct vault_store *store, uint64_t vault_id, const char *object_id,
                                                    uint32_t *out_keys);

/* ---- role assignments ---------------------------------------------------------------------- */

struct vault_assignment {
    char name[37]; /* a GUID */
    char *scope;   /* /subscriptions/... or deeper, lower case */
    char role[37]; /* the role definition's GUID */
    char principal_id[37];
    uint64_t created;
};
void vault_assignment_clear(struct vault_assignment *record);
KQ_AUTO_DEFINE_VALUE(vault_assignment);
/* Errors: KQ_ERR_EXISTS (the name, or the same role of the same principal at the same scope). */
KQ_MUST_CHECK kq_status vault_store_put_assignment(struct vault_store *store, const struct vault_assignment *record);
KQ_MUST_CHECK kq_status vault_store_get_assignment(struct vault_store *store, const char *name,
                                                   struct vault_assignment *out);
KQ_MUST_CHECK kq_status vault_store_delete_assignment(struct vault_store *store, const char *name);

/* ---- keys ---------------------------------------------------------------------------------- */

/* A key of a vault, whatever its versions. */
struct vault_key {
    uint64_t id; /* of the row */
    uint64_t vault_id;
    char name[128];
    char *rotation_policy;  /* JSON object or NULL */
    uint64_t next_rotation; /* unix seconds; 0: none */
    uint64_t deleted;
    uint64_t scheduled_purge;
};
void vault_key_clear(struct vault_key *record);
KQ_AUTO_DEFINE_VALUE(vault_key);
KQ_MUST_CHECK kq_status vault_key_copy(const struct vault_key *record, struct vault_key *out);

struct vault_key_version {
    uint64_t key_id;
    char version[33];
    uint32_t kty;  /* vault_kty */
    uint32_t type; /* kq_key_type */
    uint32_t bits;
    uint32_t key_ops;
    uint32_t origin;  /* kq_origin */
    uint32_t purpose; /* kq_vault_purpose */
    bool enabled;
    uint64_t nbf; /* 0: none */
    uint64_t exp; /* 0: none */
    uint64_t created;
    uint64_t updated;
    char *tags;                  /* JSON object or NULL */
    struct kq_buffer public_key; /* DER SubjectPublicKeyInfo */
    struct kq_buffer blob;       /* sealed by the module */
    struct kq_buffer receipt;    /* import receipt or key-generation certificate */
};
void vault_key_version_clear(struct vault_key_version *record);
KQ_AUTO_DEFINE_VALUE(vault_key_version);
KQ_MUST_CHECK kq_status vault_key_version_copy(const struct vault_key_version *record, struct vault_key_version *out);

/* Puts a version, and the key if it is new (key->id and version->key_id are
 * set). In one transaction. Of a key that is there already, only next_rotation
 * is stored, and only if key->id says that the caller read the key before and
 * its rotation policy is still the one that was read.
 * Errors: KQ_ERR_STATE (the key or its vault is deleted), KQ_ERR_EXISTS (the version), KQ_ERR_NOT_FOUND (the vault),
 *         KQ_ERR_MISMATCH (the key is there and written in another case than key->name, which a blob is bound to:
 *         read it and make the version again) */
KQ_MUST_CHECK kq_status vault_store_put_key_version(struct vault_store *store, struct vault_key *key,
                                                    struct vault_key_version *version);
/* All versions of a restored key at once, oldest first.
 * Errors: KQ_ERR_EXISTS (the name is in use, deleted or not), KQ_ERR_STATE (the vault is deleted),
 *         KQ_ERR_ARGUMENT (no version) */
KQ_MUST_CHECK kq_status vault_store_put_restored_key(struct vault_store *store, struct vault_key *key,
                                                     struct vault_key_version *versions, size_t num_versions);
/* Active or deleted. */
KQ_MUST_CHECK kq_status vault_store_get_key(struct vault_store *store, uint64_t vault_id, const char *name,
                                            struct vault_key *out);
/* version NULL or "": the newest. */
KQ_MUST_CHECK kq_status vault_store_get_key_version(struct vault_store *store, uint64_t key_id, const char *version,
                                                    struct vault_key_version *out);
/* enabled, nbf, exp, key_ops, tags, updated of one version. */
KQ_MUST_CHECK kq_status vault_store_update_key_version(struct vault_store *store,
                                                       const struct vault_key_version *version);
/* rotation_policy, next_rotation, deleted, scheduled_purge. */
KQ_MUST_CHECK kq_status vault_store_update_key(struct vault_store *store, const struct vault_key *key);
/* Errors: KQ_ERR_NOT_FOUND. */
KQ_MUST_CHECK kq_status vault_store_purge_key(struct vault_store *store, uint64_t key_id);

/* ---- lists: pages in a stable order ----------------------------------------------------------- */

/* Each list calls row() for up to max records after a marker (NULL or "": from
 * the start); row returns false to stop early. The record is valid for the
 * call, which may use the store. page->next: where the next page begins; ""
 * after the last. Cost does not depend on how many records there are.
 * Errors: KQ_ERR_ARGUMENT (not a marker of this list, max of 0 or above VAULT_PAGE_MAX). */
#define VAULT_PAGE_MAX 1000u
#define VAULT_MARKER_SIZE 160
enum vault_list_state { VAULT_LIST_ACTIVE = 1, VAULT_LIST_DELETED = 2, VAULT_LIST_BOTH = 3 };
struct vault_page {
    const char *marker;
    size_t max;
    char next[VAULT_MARKER_SIZE]; /* out */
};
/* A key with its newest version, without public_key, blob and receipt. */
typedef bool vault_key_row(void *context, const struct vault_key *key, const struct vault_key_version *newest);
KQ_MUST_CHECK kq_status vault_store_list_keys(struct vault_store *store, uint64_t vault_id, enum vault_list_state state,
                                              struct vault_page *page, vault_key_row *row, void *context);
typedef bool vault_version_row(void *context, const struct vault_key_version *version);
/* Newest first, whole. */
KQ_MUST_CHECK kq_status vault_store_list_versions(struct vault_store *store, uint64_t key_id, struct vault_page *page,
                                                  vault_version_row *row, void *context);
typedef bool vault_vault_row(void *context, const struct vault_record *vault);
/* subscription NULL: all; group NULL: all of the subscription. */
KQ_MUST_CHECK kq_status vault_store_list_vaults(struct vault_store *store, const char *subscription, const char *group,
                                                enum vault_list_state state, struct vault_page *page,
                                                vault_vault_row *row, void *context);
typedef bool vault_subscription_row(void *context, const struct vault_subscription *subscription);
KQ_MUST_CHECK kq_status vault_store_list_subscriptions(struct vault_store *store, struct vault_page *page,
                                                       vault_subscription_row *row, void *context);
typedef bool vault_principal_row(void *context, const struct vault_principal *principal);
KQ_MUST_CHECK kq_status vault_store_list_principals(struct vault_store *store, struct vault_page *page,
                                                    vault_principal_row *row, void *context);
typedef bool vault_person_row(void *context, const struct vault_person *person);
/* By user name; without salt and hash. */
KQ_MUST_CHECK kq_status vault_store_list_people(struct vault_store *store, struct vault_page *page,
                                                vault_person_row *row, void *context);
typedef bool vault_group_row(void *context, const struct vault_group *group);
KQ_MUST_CHECK kq_status vault_store_list_groups(struct vault_store *store, const char *subscription,
                                                struct vault_page *page, vault_group_row *row, void *context);
typedef bool vault_assignment_row(void *context, const struct vault_assignment *assignment);
/* Of one principal (NULL: all), at scopes that begin with prefix (NULL: all). Cost grows with the principal's
 * assignments; with all of them if principal_id is NULL. */
KQ_MUST_CHECK kq_status vault_store_list_assignments(struct vault_store *store, const char *principal_id,
                                                     const char *prefix, struct vault_page *page,
                                                     vault_assignment_row *row, void *context);

/* What is due: keys whose scheduled purge or next rotation has come, vaults to purge. Earliest first. Deleted keys
 * and keys of deleted vaults are not rotated; key_id is 0 for a vault. */
enum vault_due { VAULT_DUE_KEY_PURGE = 1, VAULT_DUE_KEY_ROTATION = 2, VAULT_DUE_VAULT_PURGE = 3 };
typedef bool vault_due_row(void *context, uint64_t vault_id, uint64_t key_id);
KQ_MUST_CHECK kq_status vault_store_list_due(struct vault_store *store, enum vault_due due, uint64_t now, size_t max,
                                             vault_due_row *row, void *context);
/* By row id, for the scheduler. */
KQ_MUST_CHECK kq_status vault_store_get_vault_by_id(struct vault_store *store, uint64_t id, struct vault_record *out);
KQ_MUST_CHECK kq_status vault_store_get_key_by_id(struct vault_store *store, uint64_t id, struct vault_key *out);

#endif
