#include "vault/api/keys.h"

#include "vault/api/bundle.h"

/* The end of a key: deleted, kept for the vault's retention, recovered or purged. */

#define DAY_S 86400u

enum vault_problem vault_delete_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_take_turn(call, call->vault.name, call->names[0], &turn));
    VAULT_TRY(vault_find_key(call, call->names[0], NULL, &view));
    VAULT_TRY(vault_audit_act(call, "vault.key.delete", &view, "recoverable"));
    view.key.deleted = call->now;
    view.key.scheduled_purge = call->now + (uint64_t)call->vault.retention_days * DAY_S;
    kq_status status = vault_store_update_key(call->service->store, &view.key);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "deleting the key (it was not deleted)", NULL);
    vault_unload_versions(call, &view.key);
    return vault_reply(call, 200, vault_bundle(call, &view.key, &view.version));
}

enum vault_problem vault_get_deleted(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_find_deleted_key(call, call->names[0], &view));
    return vault_reply(call, 200, vault_bundle(call, &view.key, &view.version));
}

enum vault_problem vault_recover_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_take_turn(call, call->vault.name, call->names[0], &turn));
    VAULT_TRY(vault_find_deleted_key(call, call->names[0], &view));
    VAULT_TRY(vault_audit_act(call, "vault.key.recover", &view, ""));
    view.key.deleted = 0;
    view.key.scheduled_purge = 0;
    kq_status status = vault_store_update_key(call->service->store, &view.key);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "recovering the key (it is still deleted)", NULL);
    return vault_reply(call, 200, vault_bundle(call, &view.key, &view.version));
}

enum vault_problem vault_purge_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_take_turn(call, call->vault.name, call->names[0], &turn));
    VAULT_TRY(vault_find_deleted_key(call, call->names[0], &view));
    if (call->vault.has_purge_protection)
        return vault_fail(call, VAULT_FORBIDDEN,
                          "Operation \"purge\" is not allowed because purge protection is enabled for this vault. The "
                          "key is purged when its scheduled purge date comes.");
    VAULT_TRY(vault_audit_act(call, "vault.key.purge", &view, ""));
    vault_unload_versions(call, &view.key);
    kq_status status = vault_store_purge_key(call->service->store, view.key.id);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "purging the key", NULL);
    return vault_reply_empty(call, 204);
}
