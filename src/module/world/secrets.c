#include "module/world/secrets.h"

#include "base/wipe.h"
#include "module/cards/quorum.h"
#include "module/privcrypto/seal.h"
#include "module/world/file.h"
#include "module/world/statement.h"
#include "module/world/suites.h"

#define WORLD_LABEL "keyquay/world"
#define SECRETS_MAX 8192u

KQ_RECORD_DEFINE(kq_world_secrets, "keyquay/world-secrets", 1, KQ_WORLD_SECRETS_FIELDS, SECRETS_MAX);

void hsm_world_secrets_clear(struct hsm_world_secrets *secrets)
{
    hsm_key_free(secrets->knso);
    hsm_key_free(secrets->recovery);
    kq_wipe(secrets, sizeof *secrets);
}

kq_status hsm_world_secrets_encode(const struct hsm_world_secrets *secrets, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) knso = {0};
    KQ_AUTO_VALUE(kq_buffer) recovery = {0};
    kq_buffer_init(out, SECRETS_MAX);
    kq_buffer_init(&knso, KQ_PRIVATE_MAX);
    kq_buffer_init(&recovery, KQ_PRIVATE_MAX);
    KQ_TRY(hsm_key_bytes(secrets->knso, &knso));
    if (secrets->recovery != NULL)
        KQ_TRY(hsm_key_bytes(secrets->recovery, &recovery));
    const struct kq_world_secrets record = {
        .km = kq_slice_of(secrets->km, sizeof secrets->km),
        .knso = kq_buffer_slice(&knso),
        .recovery = kq_buffer_slice(&recovery),
    };
    return hsm_encode(&kq_world_secrets_type, &record, out);
}

static bool public_is(const struct hsm_key *key, struct kq_slice expected)
{
    return key == NULL ? expected.len == 0 : kq_slice_is_equal(hsm_key_public(key), expected);
}

kq_status hsm_world_secrets_decode(struct kq_slice plain, const struct hsm_world_facts *facts,
                                   struct hsm_world_secrets *out)
{
    struct kq_world_secrets record;
    KQ_TRY(kq_world_secrets_get(plain, &record, NULL));
    const struct hsm_suite *suite = hsm_suite_find(facts->binding.suite);
    if (suite == NULL)
        return KQ_ERR_FORMAT;
    KQ_AUTO_VALUE(hsm_world_secrets) secrets = {0};
    memcpy(secrets.km, record.km.data, sizeof secrets.km);
    KQ_TRY(hsm_key_open(suite->knso_type, record.knso, &secrets.knso));
    if (record.recovery.len > 0)
        KQ_TRY(hsm_key_open(suite->recovery_type, record.recovery, &secrets.recovery));
    uint8_t hkm[32];
    hsm_km_hash(secrets.km, hkm);
    if (!kq_slice_is_equal(facts->binding.hkm, kq_slice_of(hkm, sizeof hkm)) ||
        !public_is(secrets.knso, facts->binding.knso_public) ||
        !public_is(secrets.recovery, facts->binding.recovery_public))
        return KQ_ERR_FORMAT;
    *out = secrets;
    secrets = (struct hsm_world_secrets){0};
    return KQ_OK;
}

/* What the seal vouches for: the file with an empty sealed part. */
static kq_status encode_open_part(const struct kq_world_file *file, struct kq_buffer *out)
{
    struct kq_world_file open = *file;
    open.sealed = KQ_SLICE_EMPTY;
    return hsm_encode(&kq_world_file_type, &open, out);
}

kq_status hsm_world_seal(const struct kq_world_file *file, struct kq_slice card_secret,
                         const struct hsm_world_secrets *secrets, struct kq_buffer *out)
{
    kq_buffer_init(out, SECRETS_MAX);
    KQ_AUTO_VALUE(kq_buffer) open_part = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    KQ_TRY(encode_open_part(file, &open_part));
    KQ_TRY(hsm_world_secrets_encode(secrets, &plain));
    return hsm_seal(card_secret, file->salt, WORLD_LABEL, kq_buffer_slice(&open_part), kq_buffer_slice(&plain), out);
}

kq_status hsm_world_unseal(const struct hsm_world_facts *facts, struct kq_slice card_secret,
                           struct hsm_world_secrets *out)
{
    KQ_AUTO_VALUE(kq_buffer) open_part = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0};
    kq_buffer_init(&plain, SECRETS_MAX);
    KQ_TRY(encode_open_part(&facts->file, &open_part));
    KQ_TRY(hsm_unseal(card_secret, facts->file.salt, WORLD_LABEL, kq_buffer_slice(&open_part), facts->file.sealed,
                      &plain));
    return hsm_world_secrets_decode(kq_buffer_slice(&plain), facts, out);
}

kq_status hsm_world_open_secrets(struct hsm_call *call, struct hsm_world_secrets *out)
{
    const struct hsm_world *world = &call->state->world;
    if (!call->has_quorum)
        return hsm_call_fail(call, KQ_ERR_QUORUM, "the world's keys come out under a quorum of its cards only");
    KQ_TRY(hsm_quorum_recheck(call));
    if (world->kind != KQ_WORLD_OWNER) {
        struct hsm_world_secrets secrets = {.knso = hsm_key_hold(world->knso)};
        memcpy(secrets.km, world->km, sizeof secrets.km);
        *out = secrets;
        kq_wipe(&secrets, sizeof secrets);
        return KQ_OK;
    }
    struct hsm_world_facts facts;
    const char *why = "";
    kq_status status = hsm_world_file_read(kq_buffer_slice(&world->world_file), &facts, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "world file in the module: %s", why);
    return hsm_world_unseal(&facts, call->quorum_secret, out);
}
