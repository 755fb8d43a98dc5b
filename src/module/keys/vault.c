#include "base/text.h"
#include "module/acl/acl.h"
#include "module/keys/create.h"
#include "module/privcrypto/jwk.h"
#include "module/seal/blob.h"
#include "module/world/statement.h"
#include "trust/acl.h"

#define GUID_LEN 36u

/* ---- where a vault's key lives ------------------------------------------------------ */

/* What the caller says of the place; the world is the module's own to say. */
struct position {
    struct kq_slice subscription;
    struct kq_slice vault;
    struct kq_slice key_name;
    struct kq_slice key_version;
};

static bool is_rest_name(struct kq_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (!is_allowed)
            return false;
    }
    return text.len > 0;
}

/* One spelling each, so that one version has one place. */
static bool is_version(struct kq_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true; /* its length is the record's */
}

static kq_status check_position(struct hsm_call *call, const struct position *position)
{
    if (!kq_guid_is_valid(position->subscription))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "subscription: not a GUID");
    if (!is_rest_name(position->vault))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "vault: only letters, digits and hyphens");
    if (!is_rest_name(position->key_name))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "key_name: only letters, digits and hyphens");
    if (!is_version(position->key_version))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "key_version: 32 hex digits, lower case");
    return KQ_OK;
}

/* Appends the encoded place; the GUID is kept in lower case. */
static kq_status write_place(const struct hsm_call *call, const struct position *position, struct kq_buffer *out)
{
    uint8_t subscription[GUID_LEN];
    for (size_t i = 0; i < GUID_LEN; i++) {
        uint8_t c = position->subscription.data[i];
        subscription[i] = c >= 'A' && c <= 'F' ? (uint8_t)(c - 'A' + 'a') : c;
    }
    const struct kq_place place = {
        .kind = KQ_PLACE_VAULT,
        .hknso = kq_slice_of(call->state->world.hknso, KQ_HASH_LEN),
        .subscription = kq_slice_of(subscription, sizeof subscription),
        .vault = position->vault,
        .key_name = position->key_name,
        .key_version = position->key_version,
    };
    return hsm_encode(&kq_place_type, &place, out);
}

/* ---- the reply ------------------------------------------------------------------------ */

static kq_status reply(struct hsm_call *call, const struct hsm_sealed_key *sealed, struct kq_writer *results)
{
    KQ_AUTO_VALUE(kq_buffer) blob = {0}, certificate = {0};
    KQ_TRY(hsm_seal_key(call, sealed, &blob, &certificate));
    const struct kq_vault_key_reply record = {
        .blob = kq_buffer_slice(&blob),
        .place = sealed->place,
        .public_key = hsm_key_public(sealed->key),
        .bits = hsm_key_bits(sealed->key),
        .origin = (uint64_t)sealed->origin,
        .certificate = kq_buffer_slice(&certificate),
    };
    kq_vault_key_reply_put(&record, results);
    return results->failure;
}

/* The ACL a purpose stands for: the two templates of a region's keys. */
static kq_status write_acl(const struct hsm_call *call, enum kq_key_type type, enum kq_vault_purpose purpose,
                           struct kq_buffer *out)
{
    struct kq_slice hkm = kq_slice_of(call->state->world.hkm, KQ_HASH_LEN);
    kq_buffer_init(out, KQ_ACL_MAX);
    if (purpose == KQ_VAULT_PURPOSE_IMPORT)
        return kq_acl_exchange_key(KQ_PROFILE_AZURE_BYOK, hkm, out);
    return kq_acl_imported_key(type, hkm, out);
}

static kq_status finish(struct hsm_call *call, const struct position *position, const struct hsm_key *key,
                        enum kq_origin origin, enum kq_vault_purpose purpose, struct kq_writer *results)
{
    KQ_AUTO_VALUE(kq_buffer) place = {0}, acl = {0};
    KQ_TRY(write_place(call, position, &place));
    KQ_TRY(write_acl(call, hsm_key_type(key), purpose, &acl));
    const struct hsm_sealed_key sealed = {
        .key = key,
        .origin = origin,
        .acl = kq_buffer_slice(&acl),
        .place = kq_buffer_slice(&place),
    };
    return reply(call, &sealed, results);
}

/* ---- generate --------------------------------------------------------------------------- */

kq_status hsm_vault_key_generate_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_vault_key_generate_request *request = params;
    const struct position position = {request->subscription, request->vault, request->key_name, request->key_version};
    KQ_TRY(check_position(call, &position));
    KQ_TRY(hsm_check_key_type(call, request->key_type, request->bits));
    KQ_TRY(hsm_check_exponent(call, request->key_type, request->public_exponent));
    if (request->purpose == KQ_VAULT_PURPOSE_IMPORT && request->key_type != KQ_KEY_RSA)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "purpose: a key that others are imported under is an RSA key");
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(hsm_key_generate((enum kq_key_type)request->key_type, request->bits, request->public_exponent, &key));
    return finish(call, &position, key, KQ_ORIGIN_GENERATED, (enum kq_vault_purpose)request->purpose, results);
}

/* ---- import ------------------------------------------------------------------------------ */

static kq_status open_jwk(struct hsm_call *call, const struct kq_vault_key_import_request *request,
                          struct hsm_key **out)
{
    const struct hsm_jwk jwk = {
        .member = {request->n, request->e, request->d, request->p, request->q, request->dp, request->dq, request->qi,
                   request->x, request->y},
    };
    const char *member = "";
    kq_status status = hsm_key_open_jwk((enum kq_key_type)request->key_type, &jwk, out, &member);
    switch (status) {
    case KQ_ERR_NOT_FOUND:
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "%s: is missing; RSA needs n, e, d, p, q and a curve x, y, d",
                             member);
    case KQ_ERR_FORMAT:
        return hsm_call_fail(call, status, "%s: not base64url without padding, or no member of this kind of key",
                             member);
    case KQ_ERR_UNSUPPORTED:
        return hsm_call_fail(call, status, "n: RSA keys of 2048, 3072 or 4096 bits can be imported");
    case KQ_ERR_ARGUMENT:
        return hsm_call_fail(call, status, "key: its numbers do not make a valid key");
    default:
        return status;
    }
}

kq_status hsm_vault_key_import_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_vault_key_import_request *request = params;
    const struct position position = {request->subscription, request->vault, request->key_name, request->key_version};
    KQ_TRY(check_position(call, &position));
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(open_jwk(call, request, &key));
    KQ_TRY(hsm_check_key_type(call, (uint64_t)hsm_key_type(key), hsm_key_bits(key)));
    return finish(call, &position, key, KQ_ORIGIN_IMPORTED_CLEAR, KQ_VAULT_PURPOSE_USE, results);
}

/* ---- restore ------------------------------------------------------------------------------ */

/* Opens the blob where it was backed up; what can be put elsewhere its ACL says. */
static kq_status open_backup(struct hsm_call *call, const struct kq_vault_key_restore_request *request,
                             struct kq_place *out_place, struct hsm_loaded **out)
{
    const struct hsm_world *world = &call->state->world;
    const char *why = "";
    if (kq_place_get(request->place, out_place, NULL) != KQ_OK || out_place->kind != KQ_PLACE_VAULT)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "place: not a place in a vault");
    if (!kq_slice_is_equal(out_place->hknso, kq_slice_of(world->hknso, KQ_HASH_LEN)))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "place: of another world than the one loaded");
    KQ_AUTO(hsm_loaded) loaded = NULL;
    kq_status status = hsm_blob_open(call->state, request->blob, request->place, &loaded, &why);
    if (status != KQ_OK)
        return why[0] == '\0' ? status : hsm_call_fail(call, status, "key blob: %s", why);
    const struct hsm_acl_question question = {
        .kind = KQ_ACTION_MAKE_BLOB,
        .hash = kq_slice_of(world->hkm, KQ_HASH_LEN),
    };
    KQ_TRY(hsm_acl_ask(call, loaded, &question));
    *out = KQ_TAKE(loaded);
    return KQ_OK;
}

kq_status hsm_vault_key_restore_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_vault_key_restore_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_AUTO_VALUE(kq_buffer) moved = {0};
    struct kq_place place;
    if (!is_rest_name(request->vault))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "vault: only letters, digits and hyphens");
    KQ_TRY(open_backup(call, request, &place, &loaded));
    place.vault = request->vault;
    KQ_TRY(hsm_encode(&kq_place_type, &place, &moved));
    const struct hsm_sealed_key sealed = {
        .key = loaded->key,
        .origin = (enum kq_origin)loaded->origin,
        .acl = kq_buffer_slice(&loaded->acl),
        .place = kq_buffer_slice(&moved),
    };
    return reply(call, &sealed, results);
}
