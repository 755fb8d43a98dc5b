#include "client/key.h"

#include <stdlib.h>

struct kqc_key {
    struct kqc_session *session; /* borrowed */
    struct kq_buffer blob;
    struct kq_buffer place;
    struct kq_buffer public_key;
    uint64_t handle;
    uint64_t generation; /* of the connection that the handle belongs to */
    uint64_t type;
    uint64_t bits;
    bool is_counted; /* a lost use may have been counted, so it is never repeated unseen */
};

static kq_status set_bytes(struct kq_buffer *buffer, struct kq_slice bytes)
{
    kq_buffer_clear(buffer);
    kq_buffer_init(buffer, bytes.len);
    return kq_buffer_append(buffer, bytes.data, bytes.len);
}

static bool is_counted_blob(struct kq_slice blob)
{
    struct kq_key_blob facts;
    return kq_key_blob_get(blob, &facts, NULL) == KQ_OK && facts.counter_esn.len > 0;
}

static kq_status load(struct kqc_key *key, struct kqc_reply *reply)
{
    const struct kq_key_load_request params = {.blob = kq_buffer_slice(&key->blob),
                                               .place = kq_buffer_slice(&key->place)};
    struct kq_key_load_reply loaded;
    KQ_TRY(kqc_call(key->session, KQ_OP_KEY_LOAD, &params, 0, &loaded, reply));
    KQ_TRY(set_bytes(&key->public_key, loaded.public_key));
    key->handle = loaded.handle;
    key->type = loaded.key_type;
    key->bits = loaded.bits;
    key->generation = kqc_session_generation(key->session);
    return KQ_OK;
}

kq_status kqc_key_open(struct kqc_session *session, struct kq_slice blob, struct kq_slice place, struct kqc_key **out,
                       struct kqc_reply *reply)
{
    KQ_AUTO(kqc_key) key = calloc(1, sizeof *key);
    if (key == NULL)
        return KQ_ERR_MEMORY;
    key->session = session;
    key->is_counted = is_counted_blob(blob);
    KQ_TRY(set_bytes(&key->blob, blob));
    KQ_TRY(set_bytes(&key->place, place));
    KQ_TRY(load(key, reply));
    *out = KQ_TAKE(key);
    return KQ_OK;
}

static bool is_loaded(const struct kqc_key *key)
{
    return key->handle != 0 && kqc_session_fd(key->session) >= 0 &&
           key->generation == kqc_session_generation(key->session);
}

void kqc_key_free(struct kqc_key *key)
{
    if (key == NULL)
        return;
    if (is_loaded(key)) {
        const struct kq_handle_request params = {.handle = key->handle};
        KQ_AUTO_VALUE(kqc_reply) reply = {0};
        kq_ignore(kqc_call(key->session, KQ_OP_KEY_UNLOAD, &params, 0, NULL, &reply),
                  "the handle dies with the session anyway");
    }
    kq_buffer_clear(&key->blob);
    kq_buffer_clear(&key->place);
    kq_buffer_clear(&key->public_key);
    free(key);
}

enum kq_key_type kqc_key_type(const struct kqc_key *key)
{
    return (enum kq_key_type)key->type;
}

uint64_t kqc_key_bits(const struct kqc_key *key)
{
    return key->bits;
}

struct kq_slice kqc_key_public(const struct kqc_key *key)
{
    return kq_buffer_slice(&key->public_key);
}

uint64_t kqc_key_handle(const struct kqc_key *key)
{
    return key->handle;
}

/* The params of a use, and where the current handle goes in them. */
struct use {
    enum kq_op op;
    const void *params;
    uint64_t *handle;
};

static kq_status use_once(struct kqc_key *key, const struct use *use, struct kq_buffer *out, struct kqc_reply *reply)
{
    if (!is_loaded(key))
        KQ_TRY(load(key, reply));
    *use->handle = key->handle;
    struct kq_bytes_reply results;
    KQ_TRY(kqc_call(key->session, use->op, use->params, 0, &results, reply));
    return kq_buffer_append(out, results.bytes.data, results.bytes.len);
}

static kq_status use_key(struct kqc_key *key, const struct use *use, struct kq_buffer *out, struct kqc_reply *reply)
{
    kq_status status = use_once(key, use, out, reply);
    bool not_done = status == KQ_ERR_CONNECT;
    bool harmless = status == KQ_ERR_OUTCOME_UNKNOWN && !key->is_counted;
    return not_done || harmless ? use_once(key, use, out, reply) : status;
}

kq_status kqc_key_sign(struct kqc_key *key, uint64_t mechanism, struct kq_slice digest, struct kq_buffer *out,
                       struct kqc_reply *reply)
{
    struct kq_sign_request params = {.mechanism = mechanism, .digest = digest};
    const struct use use = {.op = KQ_OP_SIGN, .params = &params, .handle = &params.handle};
    return use_key(key, &use, out, reply);
}

kq_status kqc_key_crypt(struct kqc_key *key, enum kq_op op, uint64_t mechanism, struct kq_slice data,
                        struct kq_slice aad, struct kq_buffer *out, struct kqc_reply *reply)
{
    struct kq_crypt_request params = {.mechanism = mechanism, .data = data, .aad = aad};
    const struct use use = {.op = op, .params = &params, .handle = &params.handle};
    return use_key(key, &use, out, reply);
}
