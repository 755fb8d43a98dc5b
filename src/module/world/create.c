#include "module/world/create.h"

#include "base/memory.h"
#include "module/cards/card.h"
#include "module/privcrypto/seal.h"
#include "module/world/file.h"
#include "module/world/rows.h"
#include "module/world/secrets.h"
#include "module/world/statement.h"
#include "module/world/suites.h"
#include "pubcrypto/hash.h"

struct hsm_creation {
    uint64_t id;
    const struct hsm_suite *suite;
    struct hsm_card_set set;
    struct hsm_world_secrets secrets;
    uint8_t card_secret[HSM_SECRET_LEN];
    uint8_t coefficients[(KQ_ACS_MAX - 1) * HSM_SECRET_LEN];
    uint8_t commitments[KQ_ACS_MAX * 32]; /* of the cards written so far */
    uint32_t num_written;
    uint8_t replaces[KQ_HASH_LEN];
    size_t replaces_len;
};

void hsm_creation_free(struct hsm_creation *creation)
{
    if (creation == NULL)
        return;
    hsm_world_secrets_clear(&creation->secrets);
    kq_memory_free(creation, sizeof *creation);
}

static void drop_pending(struct hsm_call *call)
{
    struct hsm_creation **slot = hsm_call_creation_slot(call);
    hsm_creation_free(*slot);
    *slot = NULL;
}

/* ---- BEGIN ---------------------------------------------------------------- */

static kq_status check_request(struct hsm_call *call, const struct kq_world_create_begin_request *request,
                               const struct hsm_suite **out_suite)
{
    const struct hsm_suite *suite = hsm_suite_find(request->suite);
    if (suite == NULL)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT,
                             "suite: unknown; choose DLf1024s160mRijndael, DLf3072s256mRijndael, "
                             "DLf3072s256mAEScSP800131Ar1 or ECp521mAES");
    if (request->quorum > request->num_cards)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "quorum: %llu cards of %llu can never come together",
                             (unsigned long long)request->quorum, (unsigned long long)request->num_cards);
    if (request->kind != KQ_WORLD_OWNER && (suite->flags & HSM_SUITE_WEAK) != 0)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "suite: %s has 80 bits and is for owners' worlds only",
                             suite->name);
    if (request->kind != KQ_WORLD_OWNER && request->recovery != 0)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "recovery: only an owner's world has a recovery key");
    *out_suite = suite;
    return hsm_world_check_replaces(call, request->replaces_hknso);
}

static kq_status make_secrets(struct hsm_creation *creation, bool has_recovery)
{
    hsm_random(creation->secrets.km, sizeof creation->secrets.km);
    hsm_random(creation->card_secret, sizeof creation->card_secret);
    hsm_random(creation->coefficients, (size_t)(creation->set.quorum - 1) * HSM_SECRET_LEN);
    hsm_random(creation->set.id, sizeof creation->set.id);
    hsm_quorum_check(creation->card_secret, creation->set.quorum_check);
    KQ_TRY(hsm_suite_make_knso(creation->suite, &creation->secrets.knso));
    return has_recovery ? hsm_suite_make_recovery(creation->suite, &creation->secrets.recovery) : KQ_OK;
}

static kq_status creation_new(const struct kq_world_create_begin_request *request, const struct hsm_suite *suite,
                              struct hsm_creation **out)
{
    KQ_AUTO(hsm_creation) creation = kq_memory_new(sizeof *creation);
    if (creation == NULL)
        return KQ_ERR_MEMORY;
    *creation = (struct hsm_creation){
        .suite = suite,
        .set = {.world_kind = (enum kq_world_kind)request->kind,
                .quorum = (uint32_t)request->quorum,
                .num_cards = (uint32_t)request->num_cards},
        .replaces_len = request->replaces_hknso.len,
    };
    if (request->replaces_hknso.len > 0)
        memcpy(creation->replaces, request->replaces_hknso.data, request->replaces_hknso.len);
    while (creation->id == 0)
        hsm_random(&creation->id, sizeof creation->id);
    KQ_TRY(make_secrets(creation, request->recovery == 1));
    *out = KQ_TAKE(creation);
    return KQ_OK;
}

kq_status hsm_world_create_begin_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_world_create_begin_request *request = params;
    const struct hsm_suite *suite = NULL;
    KQ_TRY(check_request(call, request, &suite));
    struct hsm_creation *creation = NULL;
    KQ_TRY(creation_new(request, suite, &creation));
    drop_pending(call);
    *hsm_call_creation_slot(call) = creation;

    uint8_t hknso[32];
    hsm_key_public_hash(creation->secrets.knso, hknso);
    const struct kq_world_create_begin_reply reply = {
        .creation = creation->id,
        .card_set = kq_slice_of(creation->set.id, sizeof creation->set.id),
        .hknso = kq_slice_of(hknso, sizeof hknso),
    };
    kq_world_create_begin_reply_put(&reply, results);
    return KQ_OK;
}

/* ---- CARD ----------------------------------------------------------------- */

/* NULL, and the reply says so, unless this is the one being made. */
static struct hsm_creation *find_pending(struct hsm_call *call, uint64_t id)
{
    struct hsm_creation *creation = *hsm_call_creation_slot(call);
    if (creation != NULL && creation->id == id)
        return creation;
    kq_ignore(hsm_call_fail(call, KQ_ERR_NOT_FOUND, "creation: no such world is being made in this session"),
              "the caller returns the status");
    return NULL;
}

kq_status hsm_world_create_card_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_world_create_card_request *request = params;
    struct hsm_creation *creation = find_pending(call, request->creation);
    if (creation == NULL)
        return KQ_ERR_NOT_FOUND;
    if (creation->num_written == creation->set.num_cards)
        return hsm_call_fail(call, KQ_ERR_STATE, "all %u cards are written; commit now", creation->num_written);
    KQ_AUTO_VALUE(hsm_share) share = {.index = creation->num_written + 1};
    hsm_shamir_share(creation->card_secret, creation->coefficients, creation->set.quorum, (uint8_t)share.index,
                     share.bytes);
    const struct hsm_card_lock lock = {
        .scrypt_log2_n = request->scrypt_log2_n,
        .scrypt_r = request->scrypt_r,
        .scrypt_p = request->scrypt_p,
        .scrypt_salt = request->scrypt_salt,
        .key = request->card_key,
    };
    KQ_AUTO_VALUE(kq_buffer) card = {0};
    KQ_TRY(hsm_card_seal(&creation->set, &share, 1, &lock, &card));
    hsm_share_commitment(creation->set.id, &share, creation->commitments + (size_t)creation->num_written * 32);
    creation->num_written++;
    const struct kq_card_reply reply = {.index = share.index, .card = kq_buffer_slice(&card)};
    kq_card_reply_put(&reply, results);
    return KQ_OK;
}

/* ---- COMMIT --------------------------------------------------------------- */

static kq_status sign_binding(const struct hsm_creation *creation, uint64_t now, struct kq_buffer *out)
{
    uint8_t hkm[32];
    hsm_km_hash(creation->secrets.km, hkm);
    const struct hsm_key *recovery = creation->secrets.recovery;
    const struct kq_world_binding binding = {
        .kind = creation->set.world_kind,
        .suite = kq_slice_text(creation->suite->name),
        .knso_public = hsm_key_public(creation->secrets.knso),
        .hkm = kq_slice_of(hkm, sizeof hkm),
        .recovery_public = recovery == NULL ? KQ_SLICE_EMPTY : hsm_key_public(recovery),
        .card_set = kq_slice_of(creation->set.id, sizeof creation->set.id),
        .quorum = creation->set.quorum,
        .num_cards = creation->set.num_cards,
        .time = now,
    };
    return hsm_sign_record(creation->secrets.knso, &kq_world_binding_type, &binding, out);
}

static kq_status write_world_file(const struct hsm_creation *creation, uint64_t now, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) binding = {0};
    KQ_TRY(sign_binding(creation, now, &binding));
    uint8_t salt[32];
    hsm_random(salt, sizeof salt);
    struct kq_world_file file = {
        .binding = kq_buffer_slice(&binding),
        .commitments = kq_slice_of(creation->commitments, 32 * (size_t)creation->set.num_cards),
        .quorum_check = kq_slice_of(creation->set.quorum_check, sizeof creation->set.quorum_check),
        .salt = kq_slice_of(salt, sizeof salt),
    };
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    if (creation->set.world_kind == KQ_WORLD_OWNER) {
        KQ_TRY(hsm_world_seal(&file, kq_slice_of(creation->card_secret, sizeof creation->card_secret),
                              &creation->secrets, &sealed));
        file.sealed = kq_buffer_slice(&sealed);
    }
    return hsm_encode(&kq_world_file_type, &file, out);
}

kq_status hsm_world_create_commit_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_world_create_commit_request *request = params;
    struct hsm_creation *creation = find_pending(call, request->creation);
    if (creation == NULL)
        return KQ_ERR_NOT_FOUND;
    if (creation->num_written < creation->set.num_cards)
        return hsm_call_fail(call, KQ_ERR_STATE, "only %u of %u cards are written", creation->num_written,
                             creation->set.num_cards);
    KQ_TRY(hsm_world_check_replaces(call, kq_slice_of(creation->replaces, creation->replaces_len)));

    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(write_world_file(creation, call->now, &bytes));
    struct hsm_world_facts facts;
    const char *why = "";
    kq_status status = hsm_world_file_read(kq_buffer_slice(&bytes), &facts, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_INTERNAL, "the world file just made does not read: %s", why);
    KQ_TRY(hsm_world_adopt(call->draft, &facts, &creation->secrets, call->now));
    memcpy(call->audit_subject, facts.hknso, sizeof facts.hknso);
    call->has_audit_subject = true;
    drop_pending(call);
    const struct kq_world_reply reply = {
        .hknso = kq_slice_of(facts.hknso, sizeof facts.hknso),
        .world_file = kq_buffer_slice(&bytes),
    };
    kq_world_reply_put(&reply, results);
    return KQ_OK;
}
