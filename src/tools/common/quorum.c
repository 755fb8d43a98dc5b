#include "tools/common/quorum.h"

#include <time.h>

#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/hash.h"
#include "tools/common/ask.h"
#include "tools/common/cards.h"

#define WAIT_PATIENCE_MS 65000u /* the longest delay a card is given is 64 s */

kq_status kq_tool_call(struct kq_tool *tool, enum kq_op op, const void *params, const char *what, void *results,
                       struct kqc_reply *reply)
{
    kq_status status = kqc_call(tool->session, op, params, 0, results, reply);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_reply(tool, status, reply, what);
}

/* ---- one card ------------------------------------------------------------------ */

/* KQ_OK after sleeping out the delay. */
static kq_status wait_out(struct kq_tool *tool, uint64_t wait_ms)
{
    uint64_t seconds = (wait_ms + 999) / 1000;
    if (wait_ms > WAIT_PATIENCE_MS)
        return kq_tool_fail(tool, KQ_ERR_WAIT, "Try again then; the delay doubles with each wrong passphrase.",
                            "this card must wait %llu s after wrong passphrases", (unsigned long long)seconds);
    fprintf(stderr, "%s: this card must wait %llu s after wrong passphrases\n", tool->program,
            (unsigned long long)seconds);
    struct timespec left = {.tv_sec = (time_t)seconds};
    while (nanosleep(&left, &left) != 0) {
    }
    return KQ_OK;
}

static bool is_about_the_card(kq_status status)
{
    return status == KQ_ERR_FORMAT || status == KQ_ERR_VERSION || status == KQ_ERR_MISMATCH ||
           status == KQ_ERR_EXISTS || status == KQ_ERR_SIGNATURE || status == KQ_ERR_ROLLBACK ||
           status == KQ_ERR_ARGUMENT;
}

static kq_status present_with_key(struct kq_tool *tool, const struct kq_card_file *card, const uint8_t card_key[32],
                                  kq_card_present *present, void *context, struct kqc_reply *reply)
{
    for (;;) {
        kq_status status = present(context, card, card_key, reply);
        if (status != KQ_ERR_WAIT)
            return status;
        KQ_TRY(wait_out(tool, reply->wait_ms));
    }
}

static kq_status try_passphrase(struct kq_tool *tool, const struct kq_card_file *card, uint64_t attempts_left,
                                kq_card_present *present, void *context, struct kqc_reply *reply)
{
    char prompt[128];
    snprintf(prompt, sizeof prompt, "Passphrase of card %llu of set %.8s", (unsigned long long)card->card.index,
             card->set);
    const struct kq_question question = {.kind = KQ_ASK_PASSPHRASE,
                                         .prompt = prompt,
                                         .card = card->card.index,
                                         .of = card->card.num_cards,
                                         .set = card->set,
                                         .attempts_left = attempts_left};
    KQ_AUTO_VALUE(kq_secret) passphrase = {0};
    kq_secret_init(&passphrase);
    KQ_TRY(kq_ask(tool, &question, &passphrase));
    uint8_t card_key[32];
    kq_status status = kq_card_key(&card->card, &passphrase, card_key);
    if (status == KQ_OK)
        status = present_with_key(tool, card, card_key, present, context, reply);
    kq_wipe(card_key, sizeof card_key);
    return status;
}

kq_status kq_tool_present_card(struct kq_tool *tool, const struct kq_card_file *card, kq_card_present *present,
                               void *context, struct kqc_reply *reply)
{
    for (uint64_t left = KQ_ASK_ATTEMPTS; left > 0; left--) {
        kq_status status = try_passphrase(tool, card, left, present, context, reply);
        if (status == KQ_OK || tool->has_spoken)
            return status;
        if (is_about_the_card(status))
            return KQ_ERR_MISMATCH;
        if (status != KQ_ERR_AUTH)
            return kq_tool_fail_reply(tool, status, reply, card->path);
        fprintf(stderr, "%s: %s: wrong passphrase\n", tool->program, card->path);
    }
    return kq_tool_fail(tool, KQ_ERR_AUTH, "Each further attempt waits longer; nothing is locked for good.",
                        "%s: %u wrong passphrases", card->path, KQ_ASK_ATTEMPTS);
}

/* ---- a quorum --------------------------------------------------------------------- */

struct collection {
    struct kq_tool *tool;
    uint64_t authority;
    uint64_t quorum;
    uint64_t num_cards;
    uint64_t num_missing;
    char set[KQ_CARD_SET_TEXT_SIZE];
    uint64_t seen; /* bit index - 1 of each card presented */
};

static kq_status send_card(void *context, const struct kq_card_file *card, const uint8_t card_key[32],
                           struct kqc_reply *reply)
{
    struct collection *collection = context;
    const struct kq_auth_card_request params = {.authority = collection->authority,
                                                .card = kq_buffer_slice(&card->bytes),
                                                .card_key = kq_slice_of(card_key, 32)};
    struct kq_auth_card_reply results;
    KQ_TRY(kqc_call(collection->tool->session, KQ_OP_AUTH_CARD, &params, 0, &results, reply));
    collection->num_missing = results.num_missing;
    collection->seen |= (uint64_t)1 << (results.index - 1);
    return KQ_OK;
}

static kq_status check_card(const struct collection *collection, const struct kq_card_file *file,
                            char why[KQ_CARD_WHY_SIZE])
{
    if (strcmp(file->set, collection->set) != 0) {
        snprintf(why, KQ_CARD_WHY_SIZE, "a card of another set (%.8s); cards of set %.8s are needed", file->set,
                 collection->set);
        return KQ_ERR_MISMATCH;
    }
    if ((collection->seen >> (file->card.index - 1) & 1) != 0) {
        snprintf(why, KQ_CARD_WHY_SIZE, "card %llu was presented already; a different card of the set is needed",
                 (unsigned long long)file->card.index);
        return KQ_ERR_EXISTS;
    }
    return KQ_OK;
}

static kq_status ask_for_card(const struct collection *collection, uint64_t attempts_left, struct kq_card_file *out,
                              char why[KQ_CARD_WHY_SIZE])
{
    char prompt[160];
    uint64_t number = collection->quorum - collection->num_missing + 1;
    snprintf(prompt, sizeof prompt, "Administrator card %llu of %llu (any of the %llu cards of set %.8s; its path)",
             (unsigned long long)number, (unsigned long long)collection->quorum,
             (unsigned long long)collection->num_cards, collection->set);
    const struct kq_question question = {.kind = KQ_ASK_CARD,
                                         .prompt = prompt,
                                         .card = number,
                                         .of = collection->quorum,
                                         .set = collection->set,
                                         .attempts_left = attempts_left};
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    kq_secret_init(&answer);
    KQ_TRY(kq_ask(collection->tool, &question, &answer));
    KQ_TRY(kq_card_path(kq_secret_borrow(&answer), out->path, why));
    char path[KQ_PATH_MAX];
    snprintf(path, sizeof path, "%s", out->path);
    KQ_TRY(kq_card_read(path, out, why));
    return check_card(collection, out, why);
}

static kq_status collect_card(struct collection *collection)
{
    struct kq_tool *tool = collection->tool;
    for (uint64_t left = KQ_ASK_ATTEMPTS; left > 0; left--) {
        KQ_AUTO_VALUE(kq_card_file) file = {0};
        KQ_AUTO_VALUE(kqc_reply) reply = {0};
        char why[KQ_CARD_WHY_SIZE] = "";
        kq_status status = ask_for_card(collection, left, &file, why);
        if (status == KQ_OK) {
            status = kq_tool_present_card(tool, &file, send_card, collection, &reply);
            snprintf(why, sizeof why, "%.250s", reply.detail[0] != '\0' ? reply.detail : kq_status_text(reply.status));
        }
        if (status == KQ_OK || tool->has_spoken)
            return status;
        fprintf(stderr, "%s: %s: %s\n", tool->program, file.path[0] == '\0' ? "card" : file.path, why);
    }
    return kq_tool_fail(tool, KQ_ERR_QUORUM, "Nothing was changed. Have the cards at hand and run the command again.",
                        "no usable card after %u attempts", KQ_ASK_ATTEMPTS);
}

static kq_status hash_params(enum kq_op op, const void *params, uint8_t out[32])
{
    const struct kq_nothing nothing = {0};
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, 120000);
    kq_record_put(kq_operation_find(op)->params, params == NULL ? &nothing : params, &writer);
    struct kq_slice bytes;
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    kq_sha256(bytes, out);
    return KQ_OK;
}

static kq_status begin(struct kq_tool *tool, enum kq_op op, const void *params, struct kq_slice world_file,
                       struct collection *out)
{
    uint8_t hash[32];
    kq_status status = hash_params(op, params, hash);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: a value is outside its limits", kq_operation_find(op)->name);
    const struct kq_auth_begin_request request = {
        .op = op, .params_hash = kq_slice_of(hash, sizeof hash), .world_file = world_file};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_auth_begin_reply begun;
    KQ_TRY(kq_tool_call(tool, KQ_OP_AUTH_BEGIN, &request, "asking for a quorum", &begun, &reply));
    *out = (struct collection){.tool = tool,
                               .authority = begun.authority,
                               .quorum = begun.quorum,
                               .num_cards = begun.num_cards,
                               .num_missing = begun.quorum};
    kq_hex_encode(begun.card_set, out->set);
    return KQ_OK;
}

static void cancel(struct collection *collection)
{
    const struct kq_auth_cancel_request params = {.authority = collection->authority};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    kq_ignore(kqc_call(collection->tool->session, KQ_OP_AUTH_CANCEL, &params, 0, NULL, &reply),
              "what is not cancelled ends by itself after ten minutes");
}

kq_status kq_tool_quorum(struct kq_tool *tool, enum kq_op op, const void *params, struct kq_slice world_file,
                         uint64_t *out_authority)
{
    struct collection collection;
    KQ_TRY(kq_ask_check(tool));
    KQ_TRY(begin(tool, op, params, world_file, &collection));
    while (collection.num_missing > 0) {
        kq_status status = collect_card(&collection);
        if (status != KQ_OK) {
            cancel(&collection);
            return status;
        }
    }
    *out_authority = collection.authority;
    return KQ_OK;
}

kq_status kq_tool_call_with_quorum(struct kq_tool *tool, enum kq_op op, const void *params, struct kq_slice world_file,
                                   const char *what, void *results, struct kqc_reply *reply)
{
    uint64_t authority;
    KQ_TRY(kq_tool_quorum(tool, op, params, world_file, &authority));
    kq_status status = kqc_call(tool->session, op, params, authority, results, reply);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_reply(tool, status, reply, what);
}
