#include "module/seal/blob.h"

#include "module/acl/acl.h"
#include "module/privcrypto/seal.h"
#include "module/seal/recovery.h"
#include "trust/acl.h"

#define BLOB_LABEL "keyquay/key-blob"

static kq_status encode(const struct kq_record_type *type, const void *record, struct kq_writer *writer,
                        struct kq_slice *out)
{
    kq_writer_init(writer, type->max_len);
    kq_record_put(type, record, writer);
    return kq_writer_finish(writer, out);
}

kq_status hsm_blob_append(const struct kq_record_type *type, const void *record, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    struct kq_slice encoded;
    KQ_TRY(encode(type, record, &writer, &encoded));
    return kq_buffer_append(out, encoded.data, encoded.len);
}

struct kq_slice hsm_blob_public_hash(const struct hsm_key *key, uint8_t hash[32])
{
    hsm_key_public_hash(key, hash);
    return kq_slice_of(hash, hsm_key_type(key) == KQ_KEY_AES ? 0 : KQ_HASH_LEN);
}

kq_status hsm_blob_open_key(const struct hsm_blob_inside *inside, struct kq_slice plain, struct hsm_loaded **out)
{
    KQ_AUTO(hsm_key) key = NULL;
    uint8_t hash[32];
    KQ_TRY(hsm_key_open((enum kq_key_type)inside->key_type, plain, &key));
    if (hsm_key_bits(key) != inside->bits || kq_acl_check(inside->acl) != KQ_OK ||
        !kq_slice_is_equal(hsm_blob_public_hash(key, hash), inside->public_hash))
        return KQ_ERR_AUTH;
    return hsm_loaded_new(&key, inside->origin, inside->acl, inside->place, out);
}

kq_status hsm_blob_seal(const struct hsm_state *state, const struct hsm_blob_request *request, struct kq_buffer *out)
{
    if (state->world.kind == 0)
        return KQ_ERR_STATE;
    if (request->is_counted != hsm_acl_is_counted(request->acl))
        return KQ_ERR_ARGUMENT;
    uint8_t salt[32], hash[32];
    hsm_random(salt, sizeof salt);
    struct kq_key_blob blob = {
        .hkm = kq_slice_of(state->world.hkm, KQ_HASH_LEN),
        .key_type = (uint64_t)hsm_key_type(request->key),
        .bits = hsm_key_bits(request->key),
        .origin = (uint64_t)request->origin,
        .acl = request->acl,
        .place = request->place,
        .public_hash = hsm_blob_public_hash(request->key, hash),
        .counter_esn = request->is_counted ? kq_slice_text(state->esn) : KQ_SLICE_EMPTY,
        .salt = kq_slice_of(salt, sizeof salt),
    };
    KQ_AUTO_VALUE(kq_writer) aad_writer = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0}, sealed = {0};
    struct kq_slice aad;
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    kq_buffer_init(&sealed, KQ_PRIVATE_MAX + HSM_SEAL_OVERHEAD);
    KQ_TRY(encode(&kq_key_blob_type, &blob, &aad_writer, &aad));
    KQ_TRY(hsm_key_bytes(request->key, &plain));
    KQ_TRY(hsm_seal(kq_slice_of(state->world.km, sizeof state->world.km), blob.salt, BLOB_LABEL, aad,
                    kq_buffer_slice(&plain), &sealed));
    blob.sealed = kq_buffer_slice(&sealed);
    return hsm_blob_append(&kq_key_blob_type, &blob, out);
}

/* What stands in the open and is told apart for the caller. */
static kq_status check_open_part(const struct hsm_state *state, const struct kq_key_blob *blob, struct kq_slice place,
                                 const char **out_why)
{
    if (!kq_slice_is_equal(blob->hkm, kq_slice_of(state->world.hkm, KQ_HASH_LEN))) {
        *out_why = "the key belongs to another world than the one loaded";
        return KQ_ERR_MISMATCH;
    }
    if (!kq_slice_is_equal(blob->place, place)) {
        *out_why = "the key was sealed for another place: a key file cannot be renamed or moved";
        return KQ_ERR_MISMATCH;
    }
    if (blob->counter_esn.len != 0 && !kq_slice_is_text(blob->counter_esn, state->esn)) {
        *out_why = "the key has a use limit that another module counts";
        return KQ_ERR_MISMATCH;
    }
    return KQ_OK;
}

static kq_status unseal(const struct hsm_state *state, struct kq_key_blob blob, struct kq_buffer *plain)
{
    struct kq_slice sealed = blob.sealed, aad;
    KQ_AUTO_VALUE(kq_writer) aad_writer = {0};
    blob.sealed = KQ_SLICE_EMPTY;
    KQ_TRY(encode(&kq_key_blob_type, &blob, &aad_writer, &aad));
    return hsm_unseal(kq_slice_of(state->world.km, sizeof state->world.km), blob.salt, BLOB_LABEL, aad, sealed, plain);
}

kq_status hsm_blob_open(const struct hsm_state *state, struct kq_slice encoded, struct kq_slice place,
                        struct hsm_loaded **out, const char **out_why)
{
    struct kq_key_blob blob;
    *out_why = "";
    if (state->world.kind == 0)
        return KQ_ERR_STATE;
    KQ_TRY(kq_key_blob_get(encoded, &blob, out_why));
    *out_why = "";
    KQ_TRY(check_open_part(state, &blob, place, out_why));
    const struct hsm_blob_inside inside = {blob.key_type, blob.bits,  blob.origin,
                                           blob.acl,      blob.place, blob.public_hash};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    bool is_counted_by_nobody = hsm_acl_is_counted(blob.acl) && blob.counter_esn.len == 0;
    kq_status status = unseal(state, blob, &plain);
    if (status == KQ_OK)
        status = is_counted_by_nobody ? KQ_ERR_AUTH : hsm_blob_open_key(&inside, kq_buffer_slice(&plain), out);
    return status == KQ_OK || status == KQ_ERR_MEMORY ? status : KQ_ERR_AUTH;
}
