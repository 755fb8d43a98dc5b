#include "module/acl/acl.h"
#include "module/keys/create.h"
#include "module/seal/blob.h"

kq_status hsm_key_load_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_key_load_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    const char *why = "";
    kq_status status = hsm_blob_open(call->state, request->blob, request->place, &loaded, &why);
    if (status != KQ_OK)
        return why[0] == '\0' ? status : hsm_call_fail(call, status, "key blob: %s", why);
    KQ_AUTO(hsm_key) key = hsm_key_hold(loaded->key);
    struct kq_key_load_reply reply = {
        .key_type = (uint64_t)hsm_key_type(key),
        .bits = hsm_key_bits(key),
        .origin = loaded->origin,
        .public_key = hsm_key_public(key),
    };
    status = hsm_handles_add(hsm_call_handles(call), &loaded, &reply.handle);
    if (status == KQ_ERR_TOO_LARGE)
        return hsm_call_fail(call, status, "a session holds at most %u keys; unload some", HSM_HANDLES_MAX);
    KQ_TRY(status);
    kq_key_load_reply_put(&reply, results);
    return results->failure;
}

/* A key goes with its world: sessions may outlive both. */
static bool is_of_loaded_world(const struct hsm_call *call, const struct hsm_loaded *loaded)
{
    struct kq_place place;
    return kq_place_get(kq_buffer_slice(&loaded->place), &place, NULL) == KQ_OK &&
           kq_slice_is_equal(place.hknso, kq_slice_of(call->state->world.hknso, KQ_HASH_LEN));
}

kq_status hsm_find_loaded(struct hsm_call *call, uint64_t handle, struct hsm_loaded **out)
{
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_TRY(hsm_handles_find(hsm_call_handles(call), handle, &loaded));
    if (!is_of_loaded_world(call, loaded))
        return hsm_call_fail(call, KQ_ERR_STATE, "the key's world is no longer loaded");
    *out = KQ_TAKE(loaded);
    return KQ_OK;
}

kq_status hsm_key_unload_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_handle_request *request = params;
    KQ_TRY(hsm_handles_remove(hsm_call_handles(call), request->handle));
    kq_record_put(&kq_nothing_type, &(struct kq_nothing){0}, results);
    return results->failure;
}

kq_status hsm_key_acl_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_handle_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_AUTO_VALUE(kq_writer) items = {0};
    KQ_TRY(hsm_find_loaded(call, request->handle, &loaded));
    KQ_TRY(hsm_acl_use(call, loaded, KQ_PERM_GET_ACL));
    struct kq_key_acl_reply reply = {
        .key_type = (uint64_t)hsm_key_type(loaded->key),
        .bits = hsm_key_bits(loaded->key),
        .origin = loaded->origin,
        .acl = kq_buffer_slice(&loaded->acl),
        .place = kq_buffer_slice(&loaded->place),
    };
    kq_writer_init(&items, 1024);
    hsm_acl_uses_left(call->state, reply.acl, &items, &reply.uses_left.num);
    KQ_TRY(kq_writer_finish(&items, &reply.uses_left.items));
    kq_key_acl_reply_put(&reply, results);
    return results->failure;
}

kq_status hsm_handle_list_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    (void)params;
    KQ_AUTO_VALUE(kq_writer) items = {0};
    struct kq_handle_list_reply reply = {.handles = {.num = 0}};
    kq_writer_init(&items, 16 * HSM_HANDLES_MAX);
    hsm_handles_list(hsm_call_handles(call), &items, &reply.handles.num);
    KQ_TRY(kq_writer_finish(&items, &reply.handles.items));
    kq_handle_list_reply_put(&reply, results);
    return results->failure;
}
