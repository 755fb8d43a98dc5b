#include "vault/api/keys.h"

#include "vault/api/bundle.h"
#include "vault/api/key_input.h"
#include "vault/api/paging.h"
#include "vault/api/rotation.h"
#include "vault/core/names.h"
#include "wire/formats.h"

#define VERSIONS_PAGE 100u

void vault_key_view_clear(struct vault_key_view *view)
{
    vault_key_clear(&view->key);
    vault_key_version_clear(&view->version);
}

/* ---- finding --------------------------------------------------------------------------- */

static enum vault_problem not_found(struct vault_call *call, const char *name, const char *version)
{
    bool has_version = version != NULL && version[0] != '\0';
    return vault_fail(
        call, VAULT_KEY_NOT_FOUND,
        "A key with (name/id) %.127s%s%.64s was not found in this key vault. If you recently deleted this "
        "key you may be able to recover it using the correct recovery command. For help resolving this "
        "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
        name, has_version ? "/" : "", has_version ? version : "");
}

static kq_status look_up(struct vault_call *call, const char *name, const char *version, bool is_deleted,
                         struct vault_key_view *out)
{
    bool wants_newest = version == NULL || version[0] == '\0';
    if (!vault_key_name_is_valid(name) || (!wants_newest && !vault_key_version_is_valid(version)))
        return KQ_ERR_NOT_FOUND;
    KQ_TRY(vault_store_get_key(call->service->store, call->vault.id, name, &out->key));
    if ((out->key.deleted != 0) != is_deleted)
        return KQ_ERR_NOT_FOUND;
    return vault_store_get_key_version(call->service->store, out->key.id, version, &out->version);
}

enum vault_problem vault_find_key(struct vault_call *call, const char *name, const char *version,
                                  struct vault_key_view *out)
{
    kq_status status = look_up(call, name, version, false, out);
    if (status == KQ_ERR_NOT_FOUND)
        return not_found(call, name, version);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "look-up of the key", NULL);
}

enum vault_problem vault_find_deleted_key(struct vault_call *call, const char *name, struct vault_key_view *out)
{
    kq_status status = look_up(call, name, NULL, true, out);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_KEY_NOT_FOUND, "Deleted Key not found: %.127s", name);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "look-up of the deleted key", NULL);
}

struct vault_key_ref vault_key_place(const struct vault_record *vault, const struct vault_key_view *view)
{
    return (struct vault_key_ref){
        .region = vault->region,
        .subscription = vault->subscription,
        .vault = vault->name,
        .name = view->key.name,
        .version = view->version.version,
        .blob = kq_buffer_slice(&view->version.blob),
        .public_key = kq_buffer_slice(&view->version.public_key),
    };
}

/* ---- new versions ------------------------------------------------------------------------- */

static enum vault_problem refuse_deleted(struct vault_call *call, const char *name)
{
    return vault_fail(call, VAULT_OBJECT_IS_DELETED,
                      "Key %.127s is currently in a deleted but recoverable state, and its name cannot be reused; in "
                      "this state, the key can only be recovered or purged.",
                      name);
}

enum vault_problem vault_begin_version(struct vault_call *call, const char *name, struct vault_key_view *out)
{
    VAULT_TRY(vault_check_key_name(call, name));
    kq_status status = vault_store_get_key(call->service->store, call->vault.id, name, &out->key);
    if (status == KQ_OK && out->key.deleted != 0)
        return refuse_deleted(call, name);
    if (status == KQ_ERR_NOT_FOUND) {
        out->key = (struct vault_key){.vault_id = call->vault.id};
        snprintf(out->key.name, sizeof out->key.name, "%s", name);
        status = KQ_OK;
    }
    if (status == KQ_OK)
        status = vault_new_version(out->version.version);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "new key version", NULL);
    out->version.enabled = true;
    out->version.created = call->now;
    out->version.updated = call->now;
    return VAULT_OK;
}

static void move_buffer(struct kq_buffer *to, struct kq_buffer *from)
{
    kq_buffer_clear(to);
    *to = *from;
    *from = (struct kq_buffer){0};
}

void vault_take_made(struct vault_key_version *version, struct vault_made_key *made)
{
    version->type = made->type;
    version->bits = (uint32_t)made->bits;
    version->origin = (uint32_t)made->origin;
    move_buffer(&version->blob, &made->blob);
    move_buffer(&version->public_key, &made->public_key);
    move_buffer(&version->receipt, &made->receipt);
}

enum vault_problem vault_finish_version(struct vault_call *call, struct vault_key_view *view,
                                        struct vault_made_key *made)
{
    vault_take_made(&view->version, made);
    view->version.key_id = view->key.id;
    vault_rotation_apply(&view->key, &view->version);
    kq_status status = vault_store_put_key_version(call->service->store, &view->key, &view->version);
    if (status == KQ_ERR_STATE)
        return refuse_deleted(call, view->key.name);
    if (status == KQ_ERR_MISMATCH)
        return vault_fail(call, VAULT_CONFLICT,
                          "A key of this name in another spelling was made at the same time; nothing of this one is "
                          "kept. Try again.");
    if (status != KQ_OK)
        return vault_fail_status(call, status, "storing the key (nothing of it is kept)", NULL);
    return vault_reply(call, 200, vault_bundle(call, &view->key, &view->version));
}

/* ---- acts that change ------------------------------------------------------------------------ */

enum vault_problem vault_audit_act(struct vault_call *call, const char *event, const struct vault_key_view *view,
                                   const char *detail)
{
    struct vault_key_ref place = vault_key_place(&call->vault, view);
    char who[128];
    snprintf(who, sizeof who, "oid=%s;appid=%s", call->caller.object_id, call->caller.client_id);
    kq_status status = vault_keyops_audit(call->service->keyops, event, who, &place, detail);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "audit record (nothing was changed)", NULL);
}

struct unloading {
    struct vault_call *call;
    const struct vault_key *key;
};

static bool unload_row(void *context, const struct vault_key_version *version)
{
    const struct unloading *unloading = context;
    struct vault_key_ref place = {
        .region = unloading->call->vault.region,
        .subscription = unloading->call->vault.subscription,
        .vault = unloading->call->vault.name,
        .name = unloading->key->name,
        .version = version->version,
        .blob = kq_buffer_slice(&version->blob),
        .public_key = kq_buffer_slice(&version->public_key),
    };
    vault_keyops_unload(unloading->call->service->keyops, &place);
    return true;
}

void vault_unload_versions(struct vault_call *call, const struct vault_key *key)
{
    struct unloading unloading = {call, key};
    char marker[VAULT_MARKER_SIZE] = "";
    kq_status status;
    do {
        struct vault_page page = {.marker = marker, .max = VERSIONS_PAGE};
        status = vault_store_list_versions(call->service->store, key->id, &page, unload_row, &unloading);
        memcpy(marker, page.next, sizeof marker);
    } while (status == KQ_OK && marker[0] != '\0');
}

/* ---- reading ------------------------------------------------------------------------------------ */

static enum vault_problem get_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_find_key(call, call->names[0], call->names[1], &view));
    return vault_reply(call, 200, vault_bundle(call, &view.key, &view.version));
}

static bool key_row(void *context, const struct vault_key *key, const struct vault_key_version *newest)
{
    struct vault_list *list = context;
    return vault_list_add(list, vault_item(list->call, key, newest));
}

static enum vault_problem list_state(struct vault_call *call, enum vault_list_state state)
{
    KQ_AUTO_VALUE(vault_list) list = {0};
    VAULT_TRY(vault_list_begin(call, &list));
    kq_status status = vault_store_list_keys(call->service->store, call->vault.id, state, &list.page, key_row, &list);
    return status == KQ_OK ? vault_list_reply(&list) : vault_fail_status(call, status, "list of keys", NULL);
}

static enum vault_problem list_keys(struct vault_call *call)
{
    return list_state(call, VAULT_LIST_ACTIVE);
}

enum vault_problem vault_list_deleted(struct vault_call *call)
{
    return list_state(call, VAULT_LIST_DELETED);
}

static bool version_row(void *context, const struct vault_key_version *version)
{
    struct vault_list *list = context;
    return vault_list_add(list, vault_version_item(list->call, list->extra, version));
}

/* A key that is not there has no versions: an empty list, as the clients' own tests want it. */
static enum vault_problem list_versions(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_list) list = {0};
    KQ_AUTO_VALUE(vault_key) key = {0};
    VAULT_TRY(vault_list_begin(call, &list));
    kq_status status = vault_key_name_is_valid(call->names[0])
                           ? vault_store_get_key(call->service->store, call->vault.id, call->names[0], &key)
                           : KQ_ERR_NOT_FOUND;
    if (status == KQ_ERR_NOT_FOUND || (status == KQ_OK && key.deleted != 0))
        return vault_list_reply(&list);
    list.extra = key.name;
    if (status == KQ_OK)
        status = vault_store_list_versions(call->service->store, key.id, &list.page, version_row, &list);
    return status == KQ_OK ? vault_list_reply(&list) : vault_fail_status(call, status, "list of versions", NULL);
}

static const char *origin_text(uint32_t origin)
{
    static const char *const texts[] = {
        [KQ_ORIGIN_GENERATED] = "generated",
        [KQ_ORIGIN_IMPORTED_CLEAR] = "imported in the clear",
        [KQ_ORIGIN_TRANSFERRED_ATTESTED] = "transferred, attested",
        [KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED] = "transferred, self-asserted",
    };
    bool is_known = origin >= KQ_ORIGIN_GENERATED && origin <= KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED;
    return is_known ? texts[origin] : "unknown";
}

/* Ours: what proves where a key version comes from. */
static enum vault_problem get_receipt(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_find_key(call, call->names[0], call->names[1], &view));
    bool is_transferred = view.version.origin == KQ_ORIGIN_TRANSFERRED_ATTESTED ||
                          view.version.origin == KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED;
    json_t *value = json_pack(
        "{s:o, s:s, s:s, s:o}", "kid", vault_kid(call, "keys", view.key.name, view.version.version), "origin",
        origin_text(view.version.origin), "kind", is_transferred ? "import-receipt" : "key-generation-certificate",
        "value", vault_base64url(kq_buffer_slice(&view.version.receipt)));
    return vault_reply(call, 200, value);
}

/* ---- update --------------------------------------------------------------------------------------- */

static enum vault_problem read_update(struct vault_call *call, struct vault_key_version *version)
{
    uint32_t ops = version->key_ops;
    VAULT_TRY(vault_refuse_release(call, call->body));
    VAULT_TRY(vault_read_attributes(call, call->body, version));
    VAULT_TRY(vault_read_tags(call, call->body, version));
    VAULT_TRY(vault_read_key_ops(call, call->body, &ops));
    if (ops != version->key_ops)
        VAULT_TRY(vault_check_key_ops(call, ops, (enum vault_kty)version->kty, version->purpose));
    version->key_ops = ops;
    version->updated = call->now;
    return VAULT_OK;
}

/* What rotates before it expires is planned by the newest version's exp, which may have changed. */
static kq_status plan_rotation_again(struct vault_call *call, struct vault_key *key)
{
    KQ_AUTO_VALUE(vault_key_version) newest = {0};
    uint64_t planned = key->next_rotation;
    if (key->rotation_policy == NULL)
        return KQ_OK;
    KQ_TRY(vault_store_get_key_version(call->service->store, key->id, NULL, &newest));
    vault_rotation_plan(key, &newest);
    return key->next_rotation == planned ? KQ_OK : vault_store_update_key(call->service->store, key);
}

static enum vault_problem update_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_turn) turn = {.lock = NULL};
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    VAULT_TRY(vault_take_turn(call, call->vault.name, call->names[0], &turn));
    VAULT_TRY(vault_find_key(call, call->names[0], call->names[1], &view));
    VAULT_TRY(read_update(call, &view.version));
    VAULT_TRY(vault_audit_act(call, "vault.key.update", &view, "attributes, key_ops, tags"));
    kq_status status = vault_store_update_key_version(call->service->store, &view.version);
    if (status == KQ_OK)
        status = plan_rotation_again(call, &view.key);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "storing the change", NULL);
    return vault_reply(call, 200, vault_bundle(call, &view.key, &view.version));
}

/* ---- what is not offered ---------------------------------------------------------------------------- */

static enum vault_problem refuse_release(struct vault_call *call)
{
    return vault_fail(call, VAULT_NOT_SUPPORTED,
                      "Secure key release and secure wrapping are not supported: keys never leave this service.");
}

static enum vault_problem refuse_attestation(struct vault_call *call)
{
    return vault_fail(call, VAULT_NOT_SUPPORTED,
                      "Attestation in the form of a managed HSM is not supported. GET /keys/{name}/{version}/receipt "
                      "answers with the module's signed receipt of the key.");
}

/* Terraform asks for them whenever it reads a vault, and takes this for none; another refusal ends its run. */
static enum vault_problem find_no_contacts(struct vault_call *call)
{
    return vault_fail(call, VAULT_NOT_FOUND,
                      "This vault has no certificate contacts: this service keeps keys and no certificates.");
}

static enum vault_problem refuse_random(struct vault_call *call)
{
    return vault_fail(call, VAULT_NOT_SUPPORTED, "Random bytes are offered by managed HSMs only, not by vaults.");
}

#define V VAULT_HOST_VAULT
#define P(NAME) VAULT_PERMISSION_##NAME
#define BODY VAULT_ROUTE_BODY

const struct vault_route vault_key_routes[] = {
    {V, VAULT_GET, "/keys", list_keys, P(LIST), 0},
    {V, VAULT_GET, "/keys/{}", get_key, P(GET), 0},
    {V, VAULT_GET, "/keys/{}/{}", get_key, P(GET), 0},
    {V, VAULT_GET, "/keys/{}/versions", list_versions, P(LIST), 0},
    {V, VAULT_GET, "/keys/{}/receipt", get_receipt, P(GET), 0},
    {V, VAULT_GET, "/keys/{}/{}/receipt", get_receipt, P(GET), 0},
    {V, VAULT_POST, "/keys/{}/create", vault_create_key, P(CREATE), BODY},
    {V, VAULT_PUT, "/keys/{}", vault_import_key, P(IMPORT), BODY},
    {V, VAULT_PATCH, "/keys/{}", update_key, P(UPDATE), BODY},
    {V, VAULT_PATCH, "/keys/{}/{}", update_key, P(UPDATE), BODY},
    {V, VAULT_DELETE, "/keys/{}", vault_delete_key, P(DELETE), 0},
    {V, VAULT_GET, "/deletedkeys", vault_list_deleted, P(LIST), 0},
    {V, VAULT_GET, "/deletedkeys/{}", vault_get_deleted, P(GET), 0},
    {V, VAULT_POST, "/deletedkeys/{}/recover", vault_recover_key, P(RECOVER), 0},
    {V, VAULT_DELETE, "/deletedkeys/{}", vault_purge_key, P(PURGE), 0},
    {V, VAULT_POST, "/keys/{}/backup", vault_backup_key, P(BACKUP), 0},
    {V, VAULT_POST, "/keys/restore", vault_restore_key, P(RESTORE), BODY},
    {V, VAULT_POST, "/keys/{}/rotate", vault_rotate_key, P(ROTATE), 0},
    {V, VAULT_GET, "/keys/{}/rotationpolicy", vault_get_rotation_policy, P(GET_ROTATION_POLICY), 0},
    {V, VAULT_PUT, "/keys/{}/rotationpolicy", vault_put_rotation_policy, P(SET_ROTATION_POLICY), BODY},
    {V, VAULT_POST, "/keys/{}/release", refuse_release, P(RELEASE), 0},
    {V, VAULT_POST, "/keys/{}/{}/release", refuse_release, P(RELEASE), 0},
    {V, VAULT_POST, "/keys/{}/securewrapkey", refuse_release, P(WRAP), 0},
    {V, VAULT_POST, "/keys/{}/{}/securewrapkey", refuse_release, P(WRAP), 0},
    {V, VAULT_POST, "/keys/{}/secureunwrapkey", refuse_release, P(UNWRAP), 0},
    {V, VAULT_POST, "/keys/{}/{}/secureunwrapkey", refuse_release, P(UNWRAP), 0},
    {V, VAULT_GET, "/keys/{}/attestation", refuse_attestation, P(GET), 0},
    {V, VAULT_GET, "/keys/{}/{}/attestation", refuse_attestation, P(GET), 0},
    {V, VAULT_POST, "/rng", refuse_random, 0, 0},
    {V, VAULT_GET, "/certificates/contacts", find_no_contacts, 0, 0},
    {0},
};
