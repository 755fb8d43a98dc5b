#include "base/text.h"
#include "module/acl/acl.h"
#include "module/privcrypto/seal.h"
#include "module/seal/blob.h"
#include "module/transfer/destination.h"
#include "module/transfer/payload.h"
#include "module/transfer/rows.h"
#include "module/world/statement.h"
#include "pubcrypto/hash.h"
#include "trust/acl.h"
#include "trust/template.h"

#define GUID_LEN 36u

/* One package on its way: what the caller asked for, where it goes, what the copy permits. */
struct packing {
    const struct kq_transfer_package_request *request;
    struct kq_destination destination;
    struct kq_acl_transfer permitted; /* borrows from the copy's ACL */
    uint64_t not_after;
    char subscription[GUID_LEN + 1];
    uint8_t package_id[16];
};

/* ---- the copy's permission ---------------------------------------------------- */

static kq_status refuse_other_destination(struct hsm_call *call, const struct packing *packing)
{
    const struct hsm_trusted *made_for = hsm_state_find_world(call->draft, packing->permitted.target_hknso.data);
    char copy_world[KQ_HASH_TEXT_SIZE];
    char package_world[KQ_HASH_TEXT_SIZE];
    kq_hash_text(packing->permitted.target_hknso, copy_world);
    kq_hash_text(kq_slice_of(packing->destination.hknso, sizeof packing->destination.hknso), package_world);
    struct kq_slice region = packing->destination.region.region;
    return hsm_call_fail(
        call, KQ_ERR_DENIED,
        "ACL: this copy was made for region %s (world %s, exchange key %02x%02x%02x%02x), the packages "
        "are those of region %.*s (world %s, exchange key %02x%02x%02x%02x); make a copy for that "
        "region first",
        made_for == NULL || made_for->label[0] == '\0' ? "(unknown)" : made_for->label, copy_world,
        packing->permitted.kek_hash.data[0], packing->permitted.kek_hash.data[1], packing->permitted.kek_hash.data[2],
        packing->permitted.kek_hash.data[3], (int)region.len, (const char *)region.data, package_world,
        packing->destination.kek_hash[0], packing->destination.kek_hash[1], packing->destination.kek_hash[2],
        packing->destination.kek_hash[3]);
}

static bool is_same_destination(const struct packing *packing)
{
    const struct kq_destination *destination = &packing->destination;
    return kq_slice_is_equal(packing->permitted.kek_hash,
                             kq_slice_of(destination->kek_hash, sizeof destination->kek_hash)) &&
           kq_slice_is_equal(packing->permitted.target_hknso,
                             kq_slice_of(destination->hknso, sizeof destination->hknso));
}

/* The date asked for, or the latest one that the copy and the region allow. */
static kq_status choose_date(struct hsm_call *call, struct packing *packing)
{
    uint64_t latest = packing->permitted.not_after;
    if (packing->destination.region.not_after < latest)
        latest = packing->destination.region.not_after;
    if (latest <= call->now)
        return hsm_call_fail(call, KQ_ERR_EXPIRED, "date: the copy's permission has ended; make a new copy");
    uint64_t requested = packing->request->not_after == 0 ? latest : packing->request->not_after;
    if (requested <= call->now)
        return hsm_call_fail(call, KQ_ERR_EXPIRED, "date: the end asked for lies in the past");
    if (requested > latest)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "date: the end asked for is later than the copy allows");
    packing->not_after = requested;
    return KQ_OK;
}

static kq_status check_permission(struct hsm_call *call, const struct hsm_loaded *copy, struct packing *packing)
{
    if (!kq_acl_find_transfer(kq_buffer_slice(&copy->acl), &packing->permitted))
        return hsm_call_fail(
            call, KQ_ERR_DENIED,
            "ACL: this key may not make transfer packages; make a reduced copy (xferacld) of it first");
    if (!is_same_destination(packing))
        return refuse_other_destination(call, packing);
    KQ_TRY(choose_date(call, packing));
    const struct kq_acl_transfer asked = {
        .profile = packing->destination.profile,
        .payload_template = KQ_TEMPLATE_IMPORTED,
        .kek_hash = kq_slice_of(packing->destination.kek_hash, sizeof packing->destination.kek_hash),
        .target_hknso = kq_slice_of(packing->destination.hknso, sizeof packing->destination.hknso),
        .not_after = packing->not_after,
    };
    const struct hsm_acl_question question = {.kind = KQ_ACTION_MAKE_TRANSFER_PACKAGE, .transfer = &asked};
    return hsm_acl_ask(call, copy, &question);
}

/* ---- H, ciphertext, package, receipt --------------------------------------------- */

static kq_status encode_header(const struct hsm_state *state, const struct hsm_loaded *copy,
                               const struct packing *packing, struct kq_buffer *out)
{
    uint8_t public_hash[32];
    uint8_t signing_hash[32];
    hsm_key_public_hash(copy->key, public_hash);
    hsm_key_public_hash(state->module_key, signing_hash);
    const struct kq_destination *destination = &packing->destination;
    const struct kq_transfer_header header = {
        .profile = destination->profile,
        .package_id = kq_slice_of(packing->package_id, sizeof packing->package_id),
        .not_after = packing->not_after,
        .kek_hash = kq_slice_of(destination->kek_hash, sizeof destination->kek_hash),
        .kek_keygen_hash = kq_slice_of(destination->kek_keygen_hash, sizeof destination->kek_keygen_hash),
        .target_hknso = kq_slice_of(destination->hknso, sizeof destination->hknso),
        .subscription = kq_slice_text(packing->subscription),
        .friendly_name = packing->request->friendly_name,
        .payload_template = KQ_TEMPLATE_IMPORTED,
        .key_type = hsm_key_type(copy->key),
        .bits = hsm_key_bits(copy->key),
        .source_origin = copy->origin,
        .source_hknso = kq_slice_of(state->world.hknso, sizeof state->world.hknso),
        .source_suite = kq_slice_text(state->world.suite),
        .source_esn = kq_slice_text(state->esn),
        .source_signing_hash = kq_slice_of(signing_hash, sizeof signing_hash),
        .public_hash = kq_slice_of(public_hash, sizeof public_hash),
        .public_key = hsm_key_public(copy->key),
    };
    return hsm_encode(&kq_transfer_header_type, &header, out);
}

static kq_status make_package(const struct hsm_state *state, const struct hsm_loaded *copy,
                              const struct packing *packing, struct kq_slice header, struct kq_buffer *out)
{
    kq_buffer_init(out, KQ_TRANSFER_PACKAGE_FILE_MAX);
    KQ_AUTO_VALUE(kq_buffer) ciphertext = {0};
    KQ_AUTO_VALUE(kq_buffer) statement = {0};
    KQ_TRY(hsm_payload_seal(packing->destination.kek_public, header, copy->key, &ciphertext));
    const struct kq_transfer_body body = {.header = header, .ciphertext = kq_buffer_slice(&ciphertext)};
    KQ_TRY(hsm_sign_record(state->module_key, &kq_transfer_body_type, &body, &statement));
    const struct kq_transfer_package package = {
        .statement = kq_buffer_slice(&statement),
        .source_public = hsm_key_public(state->module_key),
        .warrant = kq_buffer_slice(&state->warrant),
        .root = kq_buffer_slice(&state->root),
    };
    return hsm_encode(&kq_transfer_package_type, &package, out);
}

static kq_status make_receipt(const struct hsm_call *call, const struct packing *packing, struct kq_slice header,
                              struct kq_slice package_hash, struct kq_buffer *out)
{
    const struct kq_export_receipt receipt = {
        .package_id = kq_slice_of(packing->package_id, sizeof packing->package_id),
        .package_hash = package_hash,
        .header = header,
        .region = packing->destination.region.region,
        .key_protection = kq_slice_text(hsm_call_key_protection(call)),
        .rollback_protection = kq_slice_text(hsm_call_rollback_protection(call)),
        .memory = kq_slice_text(hsm_call_memory(call)),
        .audit_index = call->audit_index,
        .time = call->now,
    };
    return hsm_sign_receipt(call->state, &kq_export_receipt_type, &receipt, out);
}

static kq_status pack(struct hsm_call *call, const struct hsm_loaded *copy, struct packing *packing,
                      struct kq_writer *results)
{
    KQ_AUTO_VALUE(kq_buffer) header = {0};
    KQ_AUTO_VALUE(kq_buffer) package = {0};
    KQ_AUTO_VALUE(kq_buffer) receipt = {0};
    hsm_random(packing->package_id, sizeof packing->package_id);
    KQ_TRY(encode_header(call->state, copy, packing, &header));
    KQ_TRY(make_package(call->state, copy, packing, kq_buffer_slice(&header), &package));
    kq_sha256(kq_buffer_slice(&package), call->audit_subject);
    call->has_audit_subject = true;
    KQ_TRY(make_receipt(call, packing, kq_buffer_slice(&header),
                        kq_slice_of(call->audit_subject, sizeof call->audit_subject), &receipt));
    const struct kq_transfer_package_reply reply = {
        .package = kq_buffer_slice(&package),
        .receipt = kq_buffer_slice(&receipt),
    };
    kq_transfer_package_reply_put(&reply, results);
    return KQ_OK;
}

/* ---- the handler -------------------------------------------------------------------- */

static kq_status lower_subscription(struct hsm_call *call, struct kq_slice text, char out[GUID_LEN + 1])
{
    if (!kq_guid_is_valid(text) || !kq_text_copy(text, out, GUID_LEN + 1))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "subscription: not a GUID (8-4-4-4-12 hexadecimal digits)");
    for (char *digit = out; *digit != '\0'; digit++) {
        if (*digit >= 'A' && *digit <= 'F')
            *digit = (char)(*digit - 'A' + 'a');
    }
    return KQ_OK;
}

kq_status hsm_transfer_package_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    struct packing packing = {.request = params};
    KQ_TRY(lower_subscription(call, packing.request->subscription, packing.subscription));
    KQ_TRY(hsm_destination_verify(call, packing.request->kek_package, packing.request->world_package,
                                  &packing.destination));
    KQ_AUTO(hsm_loaded) copy = NULL;
    const char *why = "";
    kq_status status = hsm_blob_open(call->state, packing.request->blob, packing.request->place, &copy, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "key: %s", why);
    kq_buffer_clear(&call->audit_place);
    kq_buffer_init(&call->audit_place, KQ_PLACE_MAX);
    KQ_TRY(kq_buffer_append(&call->audit_place, packing.request->place.data, packing.request->place.len));
    KQ_TRY(check_permission(call, copy, &packing));
    KQ_TRY(hsm_destination_is_trusted(call, &packing.destination));
    return pack(call, copy, &packing, results);
}
