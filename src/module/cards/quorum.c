#include "module/cards/quorum.h"

#include "base/clock.h"
#include "base/ct.h"
#include "base/memory.h"
#include "base/wipe.h"
#include "module/cards/attempts.h"
#include "module/cards/card.h"
#include "module/privcrypto/seal.h"
#include "module/world/file.h"
#include "pubcrypto/hash.h"

struct hsm_quorum {
    uint64_t authority;
    enum kq_op op;
    uint8_t params_hash[32];
    uint64_t expires_monotonic_ms;
    struct hsm_card_set set; /* its commitments borrow from the buffer below */
    struct kq_buffer commitments;
    size_t num_shares;
    uint8_t indices[KQ_ACS_MAX];
    uint8_t shares[KQ_ACS_MAX * HSM_SECRET_LEN];
    bool is_complete;
    uint8_t secret[HSM_SECRET_LEN];
};

void hsm_quorum_free(struct hsm_quorum *quorum)
{
    if (quorum == NULL)
        return;
    kq_buffer_clear(&quorum->commitments);
    kq_memory_free(quorum, sizeof *quorum);
}

static bool is_expired(const struct hsm_quorum *quorum)
{
    return kq_clock_monotonic_ms() >= quorum->expires_monotonic_ms;
}

static void drop_pending(struct hsm_call *call)
{
    struct hsm_quorum **slot = hsm_call_quorum_slot(call);
    hsm_quorum_free(*slot);
    *slot = NULL;
}

/* ---- AUTH_BEGIN, AUTH_CANCEL ------------------------------------------- */

/* Whose cards: those of the world file to be loaded, else those of the loaded world. */
static kq_status choose_card_set(struct hsm_call *call, const struct kq_auth_begin_request *request,
                                 struct hsm_card_set *out)
{
    if (request->op == KQ_OP_WORLD_PROGRAM) {
        struct hsm_world_facts facts;
        const char *why = "";
        kq_status status = hsm_world_file_read(request->world_file, &facts, &why);
        if (status != KQ_OK)
            return hsm_call_fail(call, status, "world file: %s", why);
        hsm_world_file_card_set(&facts, out);
        return KQ_OK;
    }
    if (request->world_file.len != 0)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "world_file: only for loading a world");
    if (call->state->world.kind == 0)
        return hsm_call_fail(call, KQ_ERR_STATE, "no world is loaded, so no cards can authorise anything");
    hsm_world_card_set(&call->state->world, out);
    return KQ_OK;
}

static kq_status quorum_new(const struct kq_auth_begin_request *request, const struct hsm_card_set *set,
                            struct hsm_quorum **out)
{
    KQ_AUTO(hsm_quorum) quorum = kq_memory_new(sizeof *quorum);
    if (quorum == NULL)
        return KQ_ERR_MEMORY;
    *quorum = (struct hsm_quorum){
        .op = (enum kq_op)request->op,
        .expires_monotonic_ms = kq_clock_monotonic_ms() + 1000 * (uint64_t)HSM_QUORUM_LIFETIME_S,
        .set = *set,
    };
    memcpy(quorum->params_hash, request->params_hash.data, sizeof quorum->params_hash);
    kq_buffer_init(&quorum->commitments, 32 * KQ_ACS_MAX);
    KQ_TRY(kq_buffer_append(&quorum->commitments, set->commitments.data, set->commitments.len));
    quorum->set.commitments = kq_buffer_slice(&quorum->commitments);
    while (quorum->authority == 0)
        hsm_random(&quorum->authority, sizeof quorum->authority);
    *out = KQ_TAKE(quorum);
    return KQ_OK;
}

static kq_status auth_begin(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_auth_begin_request *request = params;
    if (kq_operation_find(request->op) == NULL)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "op: no operation has number %llu",
                             (unsigned long long)request->op);
    struct hsm_card_set set;
    KQ_TRY(choose_card_set(call, request, &set));
    struct hsm_quorum *quorum = NULL;
    KQ_TRY(quorum_new(request, &set, &quorum));
    drop_pending(call);
    *hsm_call_quorum_slot(call) = quorum;

    const struct kq_auth_begin_reply reply = {
        .authority = quorum->authority,
        .card_set = kq_slice_of(set.id, sizeof set.id),
        .quorum = set.quorum,
        .num_cards = set.num_cards,
        .expires_s = HSM_QUORUM_LIFETIME_S,
    };
    kq_auth_begin_reply_put(&reply, results);
    return KQ_OK;
}

static kq_status find_pending(struct hsm_call *call, uint64_t authority, struct hsm_quorum **out)
{
    struct hsm_quorum *quorum = *hsm_call_quorum_slot(call);
    if (quorum == NULL || quorum->authority != authority)
        return hsm_call_fail(call, KQ_ERR_NOT_FOUND, "authority: none pending by that number; begin again");
    if (is_expired(quorum)) {
        drop_pending(call);
        return hsm_call_fail(call, KQ_ERR_EXPIRED, "authority: the cards took longer than ten minutes; begin again");
    }
    *out = quorum;
    return KQ_OK;
}

static kq_status auth_cancel(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_auth_cancel_request *request = params;
    struct hsm_quorum *quorum = NULL;
    KQ_TRY(find_pending(call, request->authority, &quorum));
    drop_pending(call);
    kq_record_put(&kq_nothing_type, &(struct kq_nothing){0}, results);
    return KQ_OK;
}

/* ---- AUTH_CARD ------------------------------------------------------------ */

/* Examines, counts and opens one card; a success takes its count away. */
static kq_status open_card(struct hsm_call *call, const struct hsm_card_set *set, const struct kq_card *card,
                           struct kq_slice key, struct hsm_share *out)
{
    uint32_t index = (uint32_t)card->index;
    KQ_TRY(hsm_attempts_record(call, set->id, index));
    const char *why = "";
    KQ_AUTO_VALUE(hsm_share) share = {0};
    kq_status status = hsm_card_open(set, card, key, &share, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "card %u: %s", index, why);
    KQ_TRY(hsm_attempts_clear(call, set->id, index));
    *out = share;
    return KQ_OK;
}

static kq_status examine_card(struct hsm_call *call, const struct hsm_card_set *set, struct kq_slice file,
                              struct kq_card *out)
{
    const char *why = "";
    kq_status status = hsm_card_examine(set, file, out, &why);
    return status == KQ_OK ? KQ_OK : hsm_call_fail(call, status, "card: %s", why);
}

static kq_status refuse_repeated(struct hsm_call *call, const struct hsm_quorum *quorum, uint32_t index)
{
    for (size_t i = 0; i < quorum->num_shares; i++) {
        if (quorum->indices[i] == index)
            return hsm_call_fail(call, KQ_ERR_EXISTS, "card %u was presented already; insert another one", index);
    }
    return KQ_OK;
}

/* Rebuilds the secret once enough shares are there; the shares are gone then. */
static kq_status complete(struct hsm_call *call, struct hsm_quorum *quorum)
{
    hsm_shamir_combine(quorum->indices, quorum->shares, quorum->num_shares, quorum->secret);
    kq_wipe(quorum->shares, sizeof quorum->shares);
    uint8_t check[32];
    hsm_quorum_check(quorum->secret, check);
    if (!kq_ct_bytes_are_equal(check, quorum->set.quorum_check, sizeof check)) {
        drop_pending(call);
        return hsm_call_fail(call, KQ_ERR_MISMATCH,
                             "the cards do not rebuild this world's secret: world file damaged?");
    }
    quorum->is_complete = true;
    return KQ_OK;
}

static kq_status auth_card(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_auth_card_request *request = params;
    struct hsm_quorum *quorum = NULL;
    KQ_TRY(find_pending(call, request->authority, &quorum));
    if (quorum->is_complete)
        return hsm_call_fail(call, KQ_ERR_STATE, "the quorum is complete; no further card is needed");
    struct kq_card card;
    KQ_TRY(examine_card(call, &quorum->set, request->card, &card));
    KQ_TRY(refuse_repeated(call, quorum, (uint32_t)card.index));
    KQ_AUTO_VALUE(hsm_share) share = {0};
    KQ_TRY(open_card(call, &quorum->set, &card, request->card_key, &share));

    quorum->indices[quorum->num_shares] = (uint8_t)share.index;
    memcpy(quorum->shares + quorum->num_shares * HSM_SECRET_LEN, share.bytes, HSM_SECRET_LEN);
    quorum->num_shares++;
    size_t num_missing = quorum->set.quorum - quorum->num_shares;
    if (num_missing == 0)
        KQ_TRY(complete(call, quorum));
    const struct kq_auth_card_reply reply = {.index = share.index, .num_missing = num_missing};
    kq_auth_card_reply_put(&reply, results);
    return KQ_OK;
}

/* ---- using the authority ---------------------------------------------------- */

static kq_status refuse(struct hsm_call *call, const char *why)
{
    return hsm_call_fail(call, KQ_ERR_QUORUM, "quorum: %s", why);
}

static kq_status check_fits(struct hsm_call *call, const struct hsm_quorum *quorum, const uint8_t params_hash[32])
{
    if (is_expired(quorum))
        return refuse(call, "the cards were presented more than ten minutes ago; present them again");
    if (!quorum->is_complete)
        return refuse(call, "too few cards were presented; begin again");
    if (quorum->op != call->op)
        return refuse(call, "the cards were presented for another operation");
    if (memcmp(quorum->params_hash, params_hash, sizeof quorum->params_hash) != 0) /* public */
        return refuse(call, "the cards were presented for the same operation with other parameters");
    bool is_loaded_world = memcmp(quorum->set.id, call->state->world.card_set, sizeof quorum->set.id) == 0; /* public */
    if (call->op != KQ_OP_WORLD_PROGRAM && !is_loaded_world)
        return refuse(call, "the cards belong to a world that is no longer loaded");
    return KQ_OK;
}

kq_status hsm_quorum_take(struct hsm_call *call, uint64_t authority, const uint8_t params_hash[32])
{
    if (authority == 0)
        return refuse(call, "this act needs administrator cards, presented for exactly this act");
    struct hsm_quorum **slot = hsm_call_quorum_slot(call);
    if (*slot == NULL || (*slot)->authority != authority)
        return refuse(call, "no such authority in this session, or it was used already; present the cards again");
    KQ_AUTO(hsm_quorum) quorum = KQ_TAKE(*slot);
    KQ_TRY(check_fits(call, quorum, params_hash));
    uint8_t *secret = kq_memory_new(HSM_SECRET_LEN);
    if (secret == NULL)
        return KQ_ERR_MEMORY;
    memcpy(secret, quorum->secret, HSM_SECRET_LEN);
    call->quorum_secret = kq_slice_of(secret, HSM_SECRET_LEN);
    call->has_quorum = true;
    return KQ_OK;
}

kq_status hsm_quorum_recheck(struct hsm_call *call)
{
    if (!call->has_quorum || call->op == KQ_OP_WORLD_PROGRAM)
        return KQ_OK;
    uint8_t check[32];
    hsm_quorum_check(call->quorum_secret.data, check);
    if (!kq_ct_bytes_are_equal(check, call->state->world.quorum_check, sizeof check))
        return refuse(call, "the cards belong to a world that is no longer loaded");
    return KQ_OK;
}

void hsm_quorum_drop(struct hsm_call *call)
{
    /* The call's slice is read-only for handlers; its storage came from hsm_quorum_take(). */
    kq_memory_free((uint8_t *)(uintptr_t)call->quorum_secret.data, call->quorum_secret.len);
    call->quorum_secret = KQ_SLICE_EMPTY;
    call->has_quorum = false;
}

/* ---- CARD_CHECK, CARD_CHANGE ------------------------------------------------- */

static void put_card_reply(uint32_t index, struct kq_slice card, struct kq_writer *results)
{
    const struct kq_card_reply reply = {.index = index, .card = card};
    kq_card_reply_put(&reply, results);
}

/* The loaded world's card set with commitments of its own: recording an
 * attempt replaces the state that they stand in. */
static kq_status copy_loaded_set(const struct hsm_call *call, struct hsm_card_set *out, struct kq_buffer *commitments)
{
    kq_buffer_init(commitments, 32 * KQ_ACS_MAX);
    hsm_world_card_set(&call->state->world, out);
    KQ_TRY(kq_buffer_append(commitments, out->commitments.data, out->commitments.len));
    out->commitments = kq_buffer_slice(commitments);
    return KQ_OK;
}

static kq_status card_check(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_card_check_request *request = params;
    struct hsm_card_set set;
    KQ_AUTO_VALUE(kq_buffer) commitments = {0};
    KQ_TRY(copy_loaded_set(call, &set, &commitments));
    struct kq_card card;
    KQ_TRY(examine_card(call, &set, request->card, &card));
    KQ_AUTO_VALUE(hsm_share) share = {0};
    KQ_TRY(open_card(call, &set, &card, request->card_key, &share));
    put_card_reply(share.index, KQ_SLICE_EMPTY, results);
    return KQ_OK;
}

static kq_status card_change(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    const struct kq_card_change_request *request = params;
    struct hsm_card_set set;
    KQ_AUTO_VALUE(kq_buffer) commitments = {0};
    KQ_TRY(copy_loaded_set(call, &set, &commitments));
    struct kq_card card;
    KQ_TRY(examine_card(call, &set, request->card, &card));
    KQ_AUTO_VALUE(hsm_share) share = {0};
    KQ_TRY(open_card(call, &set, &card, request->card_key, &share));
    const struct hsm_card_lock lock = {
        .scrypt_log2_n = request->new_scrypt_log2_n,
        .scrypt_r = request->new_scrypt_r,
        .scrypt_p = request->new_scrypt_p,
        .scrypt_salt = request->new_scrypt_salt,
        .key = request->new_card_key,
    };
    KQ_AUTO_VALUE(kq_buffer) changed = {0};
    KQ_TRY(hsm_card_seal(&set, &share, card.revision + 1, &lock, &changed));
    put_card_reply(share.index, kq_buffer_slice(&changed), results);
    return KQ_OK;
}

const struct hsm_row hsm_quorum_rows[] = {
    {KQ_OP_AUTH_BEGIN, auth_begin, KQ_ROLE_ADMIN, HSM_IN_ANY, 0},
    {KQ_OP_AUTH_CARD, auth_card, KQ_ROLE_ADMIN, HSM_IN_ANY, 0},
    {KQ_OP_AUTH_CANCEL, auth_cancel, KQ_ROLE_ADMIN, HSM_IN_ANY, 0},
    {KQ_OP_CARD_CHECK, card_check, KQ_ROLE_ADMIN, HSM_IN_ANY_WORLD, 0},
    {KQ_OP_CARD_CHANGE, card_change, KQ_ROLE_ADMIN, HSM_IN_ANY_WORLD, HSM_ROW_RECORDED},
    {0, NULL, 0, 0, 0},
};
