#include "module/acl/acl.h"
#include "module/keys/create.h"
#include "module/seal/blob.h"
#include "module/world/secrets.h"

kq_status hsm_key_generate_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_key_generate_request *request = params;
    KQ_TRY(hsm_check_key_name(call, request->application, request->ident));
    KQ_TRY(hsm_check_key_type(call, request->key_type, request->bits));
    KQ_TRY(hsm_check_exponent(call, request->key_type, request->public_exponent));
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(hsm_key_generate((enum kq_key_type)request->key_type, request->bits, request->public_exponent, &key));
    const struct hsm_new_key made = {
        .key = key,
        .origin = KQ_ORIGIN_GENERATED,
        .application = request->application,
        .ident = request->ident,
        .options = request->options,
        .use_limit = request->use_limit,
        .time_limit_s = request->time_limit_s,
    };
    return hsm_finish_new_key(call, &made, results);
}

static kq_status open_clear(struct hsm_call *call, struct kq_slice clear, struct hsm_key **out)
{
    kq_status status = hsm_key_open_clear(clear, out);
    switch (status) {
    case KQ_ERR_FORMAT:
        return hsm_call_fail(call, status, "key file: not PEM or DER of PKCS#8, PKCS#1 or SEC 1 (two RSA primes)");
    case KQ_ERR_UNSUPPORTED:
        return hsm_call_fail(call, status,
                             "key file: only unencrypted RSA keys of 2048, 3072 or 4096 bits and keys on the named "
                             "curves P-256, P-384, P-521 and secp256k1 can be imported");
    case KQ_ERR_ARGUMENT:
        return hsm_call_fail(call, status, "key file: its numbers do not make a valid key");
    default:
        return status;
    }
}

kq_status hsm_key_import_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_key_import_request *request = params;
    KQ_TRY(hsm_check_key_name(call, request->application, request->ident));
    KQ_AUTO(hsm_key) key = NULL;
    KQ_TRY(open_clear(call, request->clear_key, &key));
    KQ_TRY(hsm_check_key_type(call, (uint64_t)hsm_key_type(key), hsm_key_bits(key)));
    const struct hsm_new_key made = {
        .key = key,
        .origin = KQ_ORIGIN_IMPORTED_CLEAR,
        .application = request->application,
        .ident = request->ident,
        .options = request->options,
        .use_limit = request->use_limit,
        .time_limit_s = request->time_limit_s,
    };
    return hsm_finish_new_key(call, &made, results);
}

/* ---- recovery ------------------------------------------------------------------------ */

static kq_status open_recovery_blob(struct hsm_call *call, const struct kq_key_recover_request *request,
                                    struct hsm_loaded **out)
{
    KQ_AUTO_VALUE(hsm_world_secrets) secrets = {0};
    const char *why = "";
    KQ_TRY(hsm_world_open_secrets(call, &secrets));
    if (secrets.recovery == NULL)
        return hsm_call_fail(call, KQ_ERR_STATE, "the world was made without recovery");
    kq_status status = hsm_recovery_blob_open(secrets.recovery, kq_slice_of(secrets.km, sizeof secrets.km),
                                              request->recovery_blob, request->place, out, &why);
    if (status != KQ_OK && status != KQ_ERR_AUTH)
        return hsm_call_fail(call, status, "recovery blob: %s", why);
    return status;
}

kq_status hsm_key_recover_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_key_recover_request *request = params;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    KQ_TRY(open_recovery_blob(call, request, &loaded));
    const struct hsm_acl_question question = {
        .kind = KQ_ACTION_MAKE_BLOB,
        .hash = kq_slice_of(call->state->world.hkm, KQ_HASH_LEN),
    };
    KQ_TRY(hsm_acl_ask(call, loaded, &question));
    const struct hsm_sealed_key sealed = {
        .key = loaded->key,
        .origin = (enum kq_origin)loaded->origin,
        .acl = kq_buffer_slice(&loaded->acl),
        .place = kq_buffer_slice(&loaded->place),
        .recovery_blob = request->recovery_blob,
    };
    KQ_TRY(hsm_reply_sealed_key(call, &sealed, results));
    return hsm_acl_register(call, sealed.acl);
}
