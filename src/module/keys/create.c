#include "module/keys/create.h"

#include "module/acl/acl.h"
#include "module/privcrypto/seal.h"
#include "module/seal/blob.h"
#include "module/world/file.h"
#include "trust/acl.h"

#define BLOB_MAX 12288u /* of kq_key_reply */

kq_status hsm_note_key(struct hsm_call *call, const struct hsm_key *key, struct kq_slice place)
{
    call->has_audit_subject = hsm_key_type(key) != KQ_KEY_AES;
    hsm_key_public_hash(key, call->audit_subject);
    kq_buffer_clear(&call->audit_place);
    kq_buffer_init(&call->audit_place, KQ_PLACE_MAX);
    return kq_buffer_append(&call->audit_place, place.data, place.len);
}

/* ---- the pieces of a reply --------------------------------------------------------- */

static kq_status certify(const struct hsm_call *call, const struct hsm_sealed_key *sealed, struct kq_buffer *out)
{
    const struct kq_keygen keygen = {
        .esn = kq_slice_text(call->state->esn),
        .hknso = kq_slice_of(call->state->world.hknso, KQ_HASH_LEN),
        .key_type = (uint64_t)hsm_key_type(sealed->key),
        .bits = hsm_key_bits(sealed->key),
        .origin = (uint64_t)sealed->origin,
        .public_key = hsm_key_public(sealed->key),
        .acl = sealed->acl,
        .place = sealed->place,
        .time = call->now,
    };
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    kq_writer_init(&writer, KQ_SIGNED_MAX);
    kq_keygen_put(&keygen, &writer);
    struct kq_slice body;
    KQ_TRY(kq_writer_finish(&writer, &body));
    return hsm_key_sign_statement(call->state->module_key, body, out);
}

kq_status hsm_seal_key(struct hsm_call *call, const struct hsm_sealed_key *sealed, struct kq_buffer *blob,
                       struct kq_buffer *certificate)
{
    const struct hsm_blob_request request = {
        .key = sealed->key,
        .origin = sealed->origin,
        .acl = sealed->acl,
        .place = sealed->place,
        .is_counted = hsm_acl_is_counted(sealed->acl),
    };
    kq_buffer_init(blob, BLOB_MAX);
    kq_buffer_init(certificate, KQ_SIGNED_MAX);
    KQ_TRY(hsm_blob_seal(call->state, &request, blob));
    KQ_TRY(certify(call, sealed, certificate));
    return hsm_note_key(call, sealed->key, sealed->place);
}

kq_status hsm_reply_sealed_key(struct hsm_call *call, const struct hsm_sealed_key *sealed, struct kq_writer *results)
{
    KQ_AUTO_VALUE(kq_buffer) blob = {0}, certificate = {0};
    KQ_TRY(hsm_seal_key(call, sealed, &blob, &certificate));
    const struct kq_key_reply reply = {
        .blob = kq_buffer_slice(&blob),
        .recovery_blob = sealed->recovery_blob,
        .public_key = hsm_key_public(sealed->key),
        .certificate = kq_buffer_slice(&certificate),
    };
    kq_key_reply_put(&reply, results);
    return results->failure;
}

/* ---- what a new key gets ------------------------------------------------------------- */

static kq_status write_place(const struct hsm_call *call, const struct hsm_new_key *made, struct kq_writer *writer,
                             struct kq_slice *out)
{
    const struct kq_place place = {
        .kind = KQ_PLACE_OWNER,
        .hknso = kq_slice_of(call->state->world.hknso, KQ_HASH_LEN),
        .application = made->application,
        .ident = made->ident,
    };
    kq_writer_init(writer, KQ_PLACE_MAX);
    kq_place_put(&place, writer);
    return kq_writer_finish(writer, out);
}

static bool wants_recovery(const struct hsm_call *call, const struct hsm_new_key *made)
{
    return (made->options & KQ_KEYOPT_RECOVERY) != 0 && call->state->world.has_recovery;
}

static kq_status write_acl(const struct hsm_call *call, const struct hsm_new_key *made, struct kq_buffer *out)
{
    const struct hsm_world *world = &call->state->world;
    uint8_t counter[20];
    hsm_random(counter, sizeof counter);
    const struct kq_acl_owner_request request = {
        .type = hsm_key_type(made->key),
        .hkm = kq_slice_of(world->hkm, KQ_HASH_LEN),
        .hknso = kq_slice_of(world->hknso, KQ_HASH_LEN),
        .hkre = kq_slice_of(world->hkre, wants_recovery(call, made) ? KQ_HASH_LEN : 0),
        .use_limit = made->use_limit,
        .counter_id = kq_slice_of(counter, made->use_limit > 0 ? sizeof counter : 0),
        .time_limit_s = made->time_limit_s,
    };
    kq_buffer_init(out, KQ_ACL_MAX);
    return kq_acl_owner_key(&request, out);
}

static kq_status seal_for_recovery(struct hsm_call *call, const struct hsm_new_key *made, struct kq_slice acl,
                                   struct kq_slice place, struct kq_buffer *out)
{
    kq_buffer_init(out, BLOB_MAX);
    if (!wants_recovery(call, made))
        return KQ_OK;
    struct hsm_world_facts facts;
    const char *why = "";
    kq_status status = hsm_world_file_read(kq_buffer_slice(&call->state->world.world_file), &facts, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "the loaded world's file: %s", why);
    const struct hsm_blob_request request = {
        .key = made->key,
        .origin = made->origin,
        .acl = acl,
        .place = place,
        .is_counted = hsm_acl_is_counted(acl),
    };
    return hsm_recovery_blob_seal(facts.binding.recovery_public, kq_slice_of(call->state->world.km, 32), &request, out);
}

kq_status hsm_finish_new_key(struct hsm_call *call, const struct hsm_new_key *made, struct kq_writer *results)
{
    KQ_AUTO_VALUE(kq_writer) place_writer = {0};
    KQ_AUTO_VALUE(kq_buffer) acl = {0}, recovery_blob = {0};
    struct kq_slice place;
    KQ_TRY(write_place(call, made, &place_writer, &place));
    KQ_TRY(write_acl(call, made, &acl));
    KQ_TRY(seal_for_recovery(call, made, kq_buffer_slice(&acl), place, &recovery_blob));
    const struct hsm_sealed_key sealed = {
        .key = made->key,
        .origin = made->origin,
        .acl = kq_buffer_slice(&acl),
        .place = place,
        .recovery_blob = kq_buffer_slice(&recovery_blob),
    };
    KQ_TRY(hsm_reply_sealed_key(call, &sealed, results));
    kq_status status = hsm_acl_register(call, sealed.acl);
    if (status == KQ_ERR_TOO_LARGE)
        return hsm_call_fail(call, status, "use limit: this module counts for %u keys already", HSM_COUNTERS_MAX);
    return status;
}
