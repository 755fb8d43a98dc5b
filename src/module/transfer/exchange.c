#include "base/text.h"
#include "module/seal/blob.h"
#include "module/transfer/rows.h"
#include "module/world/statement.h"
#include "module/world/trust.h"
#include "trust/acl.h"

/* An exchange key while its packages are made. Buffers are owned. */
struct exchange {
    const struct kq_exchange_create_request *request;
    struct hsm_key *key;
    struct kq_buffer acl;
    struct kq_buffer place;
    struct kq_buffer blob;
    struct kq_buffer certificate;
    struct kq_buffer kek_package;
    struct kq_buffer world_package;
};
static void exchange_clear(struct exchange *exchange)
{
    hsm_key_free(exchange->key);
    kq_buffer_clear(&exchange->acl);
    kq_buffer_clear(&exchange->place);
    kq_buffer_clear(&exchange->blob);
    kq_buffer_clear(&exchange->certificate);
    kq_buffer_clear(&exchange->kek_package);
    kq_buffer_clear(&exchange->world_package);
}
KQ_AUTO_DEFINE_VALUE(exchange);

static struct kq_slice world_hash(const uint8_t hash[32])
{
    return kq_slice_of(hash, 32);
}

static kq_status check_request(struct hsm_call *call, const struct kq_exchange_create_request *request)
{
    if (call->state->warrant.len == 0)
        return hsm_call_fail(call, KQ_ERR_STATE,
                             "warrant: this module has none, so nobody could verify its packages; enrol it with the "
                             "manufacturer first");
    if (request->bits != 2048 && request->bits != 3072 && request->bits != 4096)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "bits: an exchange key has 2048, 3072 or 4096");
    if (request->not_after <= call->now)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "not_after: lies in the past");
    uint64_t newest = hsm_state_generation_seen(call->draft, call->state->world.hknso);
    if (request->generation < newest)
        return hsm_call_fail(call, KQ_ERR_ROLLBACK, "generation: this world has issued generation %llu already",
                             (unsigned long long)newest);
    return KQ_OK;
}

/* The world remembers its own newest generation like any other world's. */
static kq_status remember_generation(struct hsm_call *call, const struct kq_exchange_create_request *request)
{
    struct hsm_trusted entry = {.since = call->now};
    memcpy(entry.hash, call->state->world.hknso, sizeof entry.hash);
    hsm_trust_label(&entry, request->region);
    KQ_TRY(hsm_trust_add(call->draft, KQ_TRUST_WORLDS, &entry));
    hsm_state_find_world(call->draft, call->state->world.hknso)->generation = request->generation;
    return KQ_OK;
}

static kq_status encode_place(const struct hsm_state *state, const struct kq_exchange_create_request *request,
                              struct kq_buffer *out)
{
    char generation[16];
    snprintf(generation, sizeof generation, "%llu", (unsigned long long)request->generation);
    const struct kq_place place = {
        .kind = KQ_PLACE_EXCHANGE,
        .hknso = world_hash(state->world.hknso),
        .application = request->region,
        .ident = kq_slice_text(generation),
    };
    return hsm_encode(&kq_place_type, &place, out);
}

static kq_status make_key(struct hsm_call *call, struct exchange *exchange)
{
    const struct hsm_state *state = call->state;
    kq_buffer_init(&exchange->acl, KQ_ACL_MAX);
    kq_buffer_init(&exchange->blob, kq_key_blob_type.max_len);
    KQ_TRY(hsm_key_generate(KQ_KEY_RSA, exchange->request->bits, 0, &exchange->key));
    KQ_TRY(kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, world_hash(state->world.hkm), &exchange->acl));
    KQ_TRY(encode_place(state, exchange->request, &exchange->place));
    const struct hsm_blob_request blob = {
        .key = exchange->key,
        .origin = KQ_ORIGIN_GENERATED,
        .acl = kq_buffer_slice(&exchange->acl),
        .place = kq_buffer_slice(&exchange->place),
    };
    return hsm_blob_seal(state, &blob, &exchange->blob);
}

static kq_status certify(struct hsm_call *call, struct exchange *exchange)
{
    const struct kq_keygen keygen = {
        .esn = kq_slice_text(call->state->esn),
        .hknso = world_hash(call->state->world.hknso),
        .key_type = KQ_KEY_RSA,
        .bits = exchange->request->bits,
        .origin = KQ_ORIGIN_GENERATED,
        .public_key = hsm_key_public(exchange->key),
        .acl = kq_buffer_slice(&exchange->acl),
        .place = kq_buffer_slice(&exchange->place),
        .time = call->now,
    };
    return hsm_sign_record(call->state->module_key, &kq_keygen_type, &keygen, &exchange->certificate);
}

static kq_status make_kek_package(const struct hsm_state *state, struct exchange *exchange)
{
    const struct kq_kek_package package = {
        .region = exchange->request->region,
        .keygen = kq_buffer_slice(&exchange->certificate),
        .warrant = kq_buffer_slice(&state->warrant),
        .root = kq_buffer_slice(&state->root),
    };
    return hsm_encode(&kq_kek_package_type, &package, &exchange->kek_package);
}

static kq_status sign_module_state(const struct hsm_call *call, struct kq_buffer *out)
{
    const struct hsm_state *state = call->state;
    uint8_t module_key_hash[32];
    hsm_key_public_hash(state->module_key, module_key_hash);
    const struct kq_module_state statement = {
        .esn = kq_slice_text(state->esn),
        .module_key_hash = world_hash(module_key_hash),
        .hknso = world_hash(state->world.hknso),
        .world_kind = state->world.kind,
        .hkm = world_hash(state->world.hkm),
        .key_protection = kq_slice_text(hsm_call_key_protection(call)),
        .rollback_protection = kq_slice_text(hsm_call_rollback_protection(call)),
        .time = call->now,
    };
    return hsm_sign_record(state->module_key, &kq_module_state_type, &statement, out);
}

static kq_status sign_region_statement(const struct hsm_call *call, const struct exchange *exchange,
                                       struct kq_buffer *out)
{
    const struct hsm_world *world = &call->state->world;
    uint8_t kek_hash[32];
    hsm_key_public_hash(exchange->key, kek_hash);
    const struct kq_region_statement statement = {
        .region = exchange->request->region,
        .operator_name = exchange->request->operator_name,
        .vault_suffix = exchange->request->vault_suffix,
        .hknso = world_hash(world->hknso),
        .kek_hash = world_hash(kek_hash),
        .generation = exchange->request->generation,
        .not_after = exchange->request->not_after,
        .time = call->now,
    };
    return hsm_sign_record(world->knso, &kq_region_statement_type, &statement, out);
}

static kq_status make_world_package(struct hsm_call *call, struct exchange *exchange)
{
    const struct hsm_state *state = call->state;
    KQ_AUTO_VALUE(kq_buffer) module_state = {0};
    KQ_AUTO_VALUE(kq_buffer) region_statement = {0};
    KQ_TRY(sign_module_state(call, &module_state));
    KQ_TRY(sign_region_statement(call, exchange, &region_statement));
    struct kq_world_file file;
    KQ_TRY(kq_world_file_get(kq_buffer_slice(&state->world.world_file), &file, NULL));
    const struct kq_world_package package = {
        .region = exchange->request->region,
        .module_state = kq_buffer_slice(&module_state),
        .binding = file.binding,
        .region_statement = kq_buffer_slice(&region_statement),
        .warrant = kq_buffer_slice(&state->warrant),
        .root = kq_buffer_slice(&state->root),
    };
    return hsm_encode(&kq_world_package_type, &package, &exchange->world_package);
}

kq_status hsm_exchange_create_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    KQ_AUTO_VALUE(exchange) exchange = {.request = params};
    KQ_TRY(check_request(call, exchange.request));
    KQ_TRY(make_key(call, &exchange));
    KQ_TRY(certify(call, &exchange));
    KQ_TRY(make_kek_package(call->state, &exchange));
    KQ_TRY(make_world_package(call, &exchange));
    KQ_TRY(remember_generation(call, exchange.request));
    hsm_key_public_hash(exchange.key, call->audit_subject);
    call->has_audit_subject = true;
    const struct kq_exchange_create_reply reply = {
        .blob = kq_buffer_slice(&exchange.blob),
        .place = kq_buffer_slice(&exchange.place),
        .public_key = hsm_key_public(exchange.key),
        .certificate = kq_buffer_slice(&exchange.certificate),
        .kek_package = kq_buffer_slice(&exchange.kek_package),
        .world_package = kq_buffer_slice(&exchange.world_package),
    };
    kq_exchange_create_reply_put(&reply, results);
    return KQ_OK;
}
