#include "module/acl/acl.h"
#include "module/seal/blob.h"
#include "module/transfer/destination.h"
#include "module/transfer/rows.h"
#include "module/world/statement.h"
#include "trust/acl.h"
#include "trust/template.h"

#define COPY_APPLICATION "xferacld"

static kq_status open_original(struct hsm_call *call, const struct kq_transfer_copy_request *request,
                               struct kq_place *out_place, struct hsm_loaded **out)
{
    if (kq_place_get(request->place, out_place, NULL) != KQ_OK || out_place->kind != KQ_PLACE_OWNER)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "place: not that of a key of an owner's world");
    if (kq_slice_is_text(out_place->application, COPY_APPLICATION))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "key: is itself a reduced copy (xferacld); name the original");
    const char *why = "";
    kq_status status = hsm_blob_open(call->state, request->blob, request->place, out, &why);
    return status == KQ_OK ? KQ_OK : hsm_call_fail(call, status, "key: %s", why);
}

static kq_status check_key(struct hsm_call *call, const struct hsm_loaded *original)
{
    if (hsm_key_type(original->key) == KQ_KEY_AES)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED,
                             "key: symmetric keys are not supported by this transfer profile");
    if (hsm_key_type(original->key) == KQ_KEY_DSA)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "key: DSA keys are not supported by this transfer profile");
    const struct hsm_acl_question make_blob = {
        .kind = KQ_ACTION_MAKE_BLOB,
        .hash = kq_slice_of(call->state->world.hkm, sizeof call->state->world.hkm),
    };
    if (hsm_acl_use(call, original, KQ_PERM_EXPAND_ACL) != KQ_OK || hsm_acl_ask(call, original, &make_blob) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_DENIED,
                             "ACL: the key does not let this world's cards make a copy with another ACL");
    return KQ_OK;
}

static kq_status choose_date(struct hsm_call *call, const struct kq_destination *destination, uint64_t requested,
                             uint64_t *out)
{
    if (requested <= call->now)
        return hsm_call_fail(call, KQ_ERR_EXPIRED, "date: the end of the permission lies in the past");
    *out = requested < destination->region.not_after ? requested : destination->region.not_after;
    return KQ_OK;
}

static kq_status encode_copy_place(const struct kq_place *original, struct kq_buffer *out)
{
    struct kq_place place = *original;
    place.application = kq_slice_text(COPY_APPLICATION);
    return hsm_encode(&kq_place_type, &place, out);
}

static kq_status certify(const struct hsm_call *call, const struct hsm_blob_request *copy, struct kq_buffer *out)
{
    const struct hsm_state *state = call->state;
    const struct kq_keygen keygen = {
        .esn = kq_slice_text(state->esn),
        .hknso = kq_slice_of(state->world.hknso, sizeof state->world.hknso),
        .key_type = hsm_key_type(copy->key),
        .bits = hsm_key_bits(copy->key),
        .origin = copy->origin,
        .public_key = hsm_key_public(copy->key),
        .acl = copy->acl,
        .place = copy->place,
        .time = call->now,
    };
    return hsm_sign_record(state->module_key, &kq_keygen_type, &keygen, out);
}

static kq_status reply_with_copy(struct hsm_call *call, const struct hsm_loaded *original, const struct kq_place *place,
                                 const struct kq_acl_transfer *transfer, struct kq_writer *results)
{
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    KQ_AUTO_VALUE(kq_buffer) copy_place = {0};
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    KQ_AUTO_VALUE(kq_buffer) certificate = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    kq_buffer_init(&blob, kq_key_blob_type.max_len);
    KQ_TRY(kq_acl_transfer_copy(transfer, &acl));
    KQ_TRY(encode_copy_place(place, &copy_place));
    const struct hsm_blob_request copy = {
        .key = original->key,
        .origin = (enum kq_origin)original->origin,
        .acl = kq_buffer_slice(&acl),
        .place = kq_buffer_slice(&copy_place),
    };
    KQ_TRY(hsm_blob_seal(call->state, &copy, &blob));
    KQ_TRY(certify(call, &copy, &certificate));
    kq_buffer_clear(&call->audit_place);
    kq_buffer_init(&call->audit_place, KQ_PLACE_MAX);
    KQ_TRY(kq_buffer_append(&call->audit_place, copy_place.data, copy_place.len));
    const struct kq_key_reply reply = {
        .blob = kq_buffer_slice(&blob),
        .public_key = hsm_key_public(original->key),
        .certificate = kq_buffer_slice(&certificate),
    };
    kq_key_reply_put(&reply, results);
    return KQ_OK;
}

kq_status hsm_transfer_copy_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_transfer_copy_request *request = params;
    struct kq_destination destination;
    KQ_TRY(hsm_destination_verify(call, request->kek_package, request->world_package, &destination));
    const struct hsm_typed_trust typed = {
        .root = request->trust_root,
        .world = request->trust_world,
        .is_rehearsal_named = request->trust_rehearsal == 1,
    };
    KQ_TRY(hsm_destination_accept(call, &destination, &typed));
    struct kq_place place;
    KQ_AUTO(hsm_loaded) original = NULL;
    KQ_TRY(open_original(call, request, &place, &original));
    struct kq_acl_transfer transfer = {
        .profile = destination.profile,
        .payload_template = KQ_TEMPLATE_IMPORTED,
        .kek_hash = kq_slice_of(destination.kek_hash, sizeof destination.kek_hash),
        .target_hknso = kq_slice_of(destination.hknso, sizeof destination.hknso),
    };
    KQ_TRY(choose_date(call, &destination, request->not_after, &transfer.not_after));
    KQ_TRY(check_key(call, original));
    hsm_key_public_hash(original->key, call->audit_subject);
    call->has_audit_subject = true;
    return reply_with_copy(call, original, &place, &transfer, results);
}
