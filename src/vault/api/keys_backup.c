#include "vault/api/keys.h"

#include "base/text.h"
#include "vault/api/backup.h"
#include "vault/api/bundle.h"
#include "vault/api/key_input.h"
#include "vault/api/rotation.h"

/* Backup and restore of a key with all its versions, within one subscription
 * and one world. What travels is sealed by the module; the module says at
 * restore whether it comes from the place it names. */

#define VERSIONS_PAGE 100u

static kq_status name_world(struct vault_call *call, struct vault_backup *backup)
{
    struct vault_region_facts facts = {0};
    KQ_TRY(vault_keyops_find_region(call->service->keyops, call->vault.region, &facts));
    kq_hex_encode(kq_slice_of(facts.hknso, sizeof facts.hknso), backup->world);
    snprintf(backup->region, sizeof backup->region, "%s", call->vault.region);
    return KQ_OK;
}

/* ---- backup ------------------------------------------------------------------------------ */

struct collection {
    struct vault_backup *backup;
    bool has_failed;
};

static kq_status copy_buffer(const struct kq_buffer *from, struct kq_buffer *to)
{
    kq_buffer_init(to, from->len);
    return kq_buffer_append(to, from->data, from->len);
}

static kq_status copy_version(const struct vault_key_version *from, struct vault_key_version *to)
{
    *to = *from;
    to->tags = NULL;
    to->public_key = to->blob = to->receipt = (struct kq_buffer){0};
    KQ_TRY(copy_buffer(&from->blob, &to->blob));
    KQ_TRY(copy_buffer(&from->receipt, &to->receipt));
    if (from->tags == NULL)
        return KQ_OK;
    to->tags = strdup(from->tags);
    return to->tags == NULL ? KQ_ERR_MEMORY : KQ_OK;
}

static bool collect(void *context, const struct vault_key_version *version)
{
    struct collection *collection = context;
    struct vault_backup *backup = collection->backup;
    if (backup->num_versions == VAULT_BACKUP_VERSIONS_MAX) {
        collection->has_failed = true;
        return false;
    }
    collection->has_failed = copy_version(version, &backup->versions[backup->num_versions++]) != KQ_OK;
    return !collection->has_failed;
}

static void reverse(struct vault_backup *backup)
{
    for (size_t i = 0; i < backup->num_versions / 2; i++) {
        size_t j = backup->num_versions - 1 - i;
        struct vault_key_version version = backup->versions[i];
        backup->versions[i] = backup->versions[j];
        backup->versions[j] = version;
    }
}

static enum vault_problem collect_versions(struct vault_call *call, const struct vault_key *key,
                                           struct vault_backup *backup)
{
    struct collection collection = {.backup = backup};
    char marker[VAULT_MARKER_SIZE] = "";
    kq_status status;
    backup->versions = calloc(VAULT_BACKUP_VERSIONS_MAX, sizeof *backup->versions);
    if (backup->versions == NULL)
        return vault_fail_status(call, KQ_ERR_MEMORY, "backup", NULL);
    do {
        struct vault_page page = {.marker = marker, .max = VERSIONS_PAGE};
        status = vault_store_list_versions(call->service->store, key->id, &page, collect, &collection);
        memcpy(marker, page.next, sizeof marker);
    } while (status == KQ_OK && !collection.has_failed && marker[0] != '\0');
    if (status != KQ_OK)
        return vault_fail_status(call, status, "reading the key's versions", NULL);
    if (collection.has_failed)
        return vault_fail(call, VAULT_BAD_PARAMETER, "A backup holds at most %u versions of a key.",
                          VAULT_BACKUP_VERSIONS_MAX);
    reverse(backup);
    return VAULT_OK;
}

enum vault_problem vault_backup_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    KQ_AUTO_VALUE(vault_backup) backup = {0};
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    VAULT_TRY(vault_find_key(call, call->names[0], NULL, &view));
    snprintf(backup.subscription, sizeof backup.subscription, "%s", call->vault.subscription);
    snprintf(backup.vault, sizeof backup.vault, "%s", call->vault.name);
    snprintf(backup.name, sizeof backup.name, "%s", view.key.name);
    kq_status status = name_world(call, &backup);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "world of the vault", NULL);
    VAULT_TRY(collect_versions(call, &view.key, &backup));
    kq_buffer_init(&text, VAULT_BACKUP_MAX);
    status = vault_backup_encode(&backup, &text);
    if (status == KQ_ERR_TOO_LARGE)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "A backup of this key's %zu versions would be longer than restore takes (%u bytes).",
                          backup.num_versions, VAULT_BACKUP_MAX);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "backup", NULL);
    VAULT_TRY(vault_audit_act(call, "vault.key.backup", &view, ""));
    return vault_reply(call, 200, json_pack("{s:o}", "value", vault_base64url(kq_buffer_slice(&text))));
}

/* How the real service's backups begin. */
static const char azure_backup[] = "&AzureKeyVaultKeyBackup";

/* ---- restore: may it come back here? --------------------------------------------------------- */

static enum vault_problem read_backup(struct vault_call *call, struct vault_backup *out)
{
    const char *value = NULL;
    char why[200] = "";
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, VAULT_BACKUP_MAX);
    if (!vault_json_string(call->body, "value", &value) || value == NULL)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'value' is required: a backup in base64url.");
    if (vault_base64_decode(kq_slice_text(value), &text) != KQ_OK)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'value' must be a backup in base64url.");
    if (text.len > sizeof azure_backup && memcmp(text.data, azure_backup, sizeof azure_backup - 1) == 0)
        return vault_fail(
            call, VAULT_NOT_SUPPORTED,
            "The value is a backup that Azure Key Vault made, and only Azure can open it. A key whose owner "
            "has it elsewhere comes here by import.");
    kq_status status = vault_backup_decode(kq_buffer_slice(&text), out, why, sizeof why);
    if (status == KQ_ERR_MEMORY)
        return vault_fail_status(call, status, "backup", NULL);
    return status == KQ_OK
               ? VAULT_OK
               : vault_fail(call, VAULT_BAD_PARAMETER, "The value is no key backup of this service: %s.", why);
}

static enum vault_problem check_home(struct vault_call *call, const struct vault_backup *backup)
{
    struct vault_backup here = {0};
    kq_status status = name_world(call, &here);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "world of the vault", NULL);
    if (strcasecmp(backup->subscription, call->vault.subscription) != 0)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The backup is of a key of the subscription %s; keys are restored within their subscription.",
                          backup->subscription);
    if (strcmp(backup->world, here.world) != 0)
        return vault_fail(
            call, VAULT_BAD_PARAMETER,
            "The backup is of a key of the world %s (%s). This vault is served by %s (%s): restore it to a "
            "vault in the geography it comes from.",
            backup->region, backup->world, here.region, here.world);
    return VAULT_OK;
}

static enum vault_problem check_name(struct vault_call *call, const struct vault_backup *backup)
{
    KQ_AUTO_VALUE(vault_key) key = {0};
    kq_status status = vault_store_get_key(call->service->store, call->vault.id, backup->name, &key);
    if (status == KQ_ERR_NOT_FOUND)
        return VAULT_OK;
    if (status != KQ_OK)
        return vault_fail_status(call, status, "look-up of the key", NULL);
    if (key.deleted != 0)
        return vault_fail(call, VAULT_OBJECT_IS_DELETED,
                          "Key %s is currently in a deleted but recoverable state, and its name cannot be reused; in "
                          "this state, the key can only be recovered or purged.",
                          key.name);
    return vault_fail(call, VAULT_CONFLICT,
                      "There was a conflict restoring the key '%s/keys/%s'. A key of this name is in the vault.",
                      call->base_url, key.name);
}

/* ---- restore: every version through the module -------------------------------------------------- */

static enum vault_problem restore_version(struct vault_call *call, const struct vault_backup *backup,
                                          struct vault_key_version *version)
{
    KQ_AUTO_VALUE(vault_made_key) made = {0};
    char why[VAULT_WHY_SIZE] = "";
    enum vault_kty kty = (enum vault_kty)version->kty;
    VAULT_TRY(vault_check_sku(call, kty));
    VAULT_TRY(vault_check_key_ops(call, version->key_ops, kty, version->purpose));
    struct vault_key_ref place = {
        .region = call->vault.region,
        .subscription = call->vault.subscription,
        .vault = call->vault.name,
        .name = backup->name,
        .version = version->version,
        .blob = kq_buffer_slice(&version->blob),
    };
    kq_status status = vault_keyops_restore(call->service->keyops, &place, backup->vault, &made, why);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "restore of the key", why);
    if (vault_kty_is_rsa(kty) != (made.type == KQ_KEY_RSA))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The backup says %s of a key of another type.",
                          vault_kty_text(kty));
    struct kq_buffer receipt = version->receipt;
    bool keeps_receipt = made.receipt.len == 0;
    if (keeps_receipt)
        version->receipt = (struct kq_buffer){0};
    vault_take_made(version, &made);
    if (keeps_receipt)
        version->receipt = receipt;
    return VAULT_OK;
}

enum vault_problem vault_restore_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_backup) backup = {0};
    KQ_AUTO_VALUE(vault_key) key = {.vault_id = call->vault.id};
    VAULT_TRY(read_backup(call, &backup));
    VAULT_TRY(check_home(call, &backup));
    VAULT_TRY(check_name(call, &backup));
    for (size_t i = 0; i < backup.num_versions; i++)
        VAULT_TRY(restore_version(call, &backup, &backup.versions[i]));
    snprintf(key.name, sizeof key.name, "%s", backup.name);
    kq_status status = vault_store_put_restored_key(call->service->store, &key, backup.versions, backup.num_versions);
    if (status == KQ_ERR_EXISTS)
        return vault_fail(
            call, VAULT_CONFLICT,
            "There was a conflict restoring the key '%s/keys/%s'. This can happen when a second key of the "
            "same name was made meanwhile.",
            call->base_url, key.name);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "storing the key (nothing of it is kept)", NULL);
    return vault_reply(call, 200, vault_bundle(call, &key, &backup.versions[backup.num_versions - 1]));
}
