#ifndef VAULT_API_KEYS_H
#define VAULT_API_KEYS_H

#include "vault/api/call.h"
#include "vault/keyops/keyops.h"

/* What the handlers of keys share. The route's permission has been checked
 * before any of them runs, so what they say of a key's existence is said to
 * somebody who may know it. */

struct vault_key_view {
    struct vault_key key;
    struct vault_key_version version;
};
void vault_key_view_clear(struct vault_key_view *view);
KQ_AUTO_DEFINE_VALUE(vault_key_view);

/* An active key and one of its versions (NULL or "": the newest).
 * Returns  VAULT_OK, VAULT_KEY_NOT_FOUND, problems of the store */
enum vault_problem vault_find_key(struct vault_call *call, const char *name, const char *version,
                                  struct vault_key_view *out);
/* A deleted key and its newest version. */
enum vault_problem vault_find_deleted_key(struct vault_call *call, const char *name, struct vault_key_view *out);

/* Where a version lives, from the rows' own position. Borrows from all. */
struct vault_key_ref vault_key_place(const struct vault_record *vault, const struct vault_key_view *view);

/* ---- new versions ---------------------------------------------------------------------- */

/* The name of a version to come: refuses bad names and names of deleted keys,
 * finds the key it joins, and starts the version (id, times, enabled). */
enum vault_problem vault_begin_version(struct vault_call *call, const char *name, struct vault_key_view *out);
/* Moves what the module made into the version, lets a rotation policy set its
 * expiry, stores both and answers with the bundle. */
enum vault_problem vault_finish_version(struct vault_call *call, struct vault_key_view *view,
                                        struct vault_made_key *made);
/* Only moves. */
void vault_take_made(struct vault_key_version *version, struct vault_made_key *made);

/* ---- acts that change ------------------------------------------------------------------- */

/* The act joins the audit log of the vault's region. Called before the change,
 * so that no change is without its record; a record whose change then failed
 * is followed by no second word.  Returns VAULT_OK, VAULT_MODULE_AWAY ... */
enum vault_problem vault_audit_act(struct vault_call *call, const char *event, const struct vault_key_view *view,
                                   const char *detail);
/* All versions' handles are given back to the module. */
void vault_unload_versions(struct vault_call *call, const struct vault_key *key);

/* ---- handlers ------------------------------------------------------------------------------ */

vault_handler vault_create_key; /* keys_make.c */
vault_handler vault_import_key;
vault_handler vault_list_deleted; /* keys_deleted.c */
vault_handler vault_get_deleted;
vault_handler vault_delete_key;
vault_handler vault_recover_key;
vault_handler vault_purge_key;
vault_handler vault_backup_key; /* keys_backup.c */
vault_handler vault_restore_key;
vault_handler vault_rotate_key; /* keys_rotate.c */
vault_handler vault_get_rotation_policy;
vault_handler vault_put_rotation_policy;

#endif
