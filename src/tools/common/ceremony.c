#include "tools/common/ceremony.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/passphrase.h"
#include "tools/common/ask.h"
#include "tools/common/cards.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"

struct written {
    char path[KQ_PATH_MAX];
    dev_t device;
};

struct run {
    struct kq_tool *tool;
    const struct kq_ceremony *ceremony;
    uint64_t creation;
    char set[KQ_CARD_SET_TEXT_SIZE];
    struct written cards[KQ_ACS_MAX];
    size_t num_written;
};

void kq_ceremony_result_clear(struct kq_ceremony_result *result)
{
    kq_buffer_clear(&result->world_file);
}

__attribute__((format(printf, 2, 3))) static void progress(const struct run *run, const char *format, ...)
{
    if (run->ceremony->is_quiet)
        return;
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
}

/* ---- one card --------------------------------------------------------------------- */

static bool is_taken(const struct run *run, const char *path)
{
    for (size_t i = 0; i < run->num_written; i++) {
        if (strcmp(run->cards[i].path, path) == 0)
            return true;
    }
    return false;
}

static kq_status ask_blank_once(struct run *run, uint64_t attempts_left, struct written *out,
                                char why[KQ_CARD_WHY_SIZE])
{
    char prompt[128];
    uint64_t number = run->num_written + 1;
    snprintf(prompt, sizeof prompt, "Blank card %llu of %llu (the path of a new file on its medium)",
             (unsigned long long)number, (unsigned long long)run->ceremony->num_cards);
    const struct kq_question question = {.kind = KQ_ASK_BLANK_CARD,
                                         .prompt = prompt,
                                         .card = number,
                                         .of = run->ceremony->num_cards,
                                         .set = run->set,
                                         .attempts_left = attempts_left};
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    kq_secret_init(&answer);
    KQ_TRY(kq_ask(run->tool, &question, &answer));
    KQ_TRY(kq_card_path(kq_secret_borrow(&answer), out->path, why));
    if (is_taken(run, out->path)) {
        snprintf(why, KQ_CARD_WHY_SIZE, "the same card again; each card of the set needs its own");
        return KQ_ERR_EXISTS;
    }
    return kq_card_check_blank(out->path, &out->device, why);
}

static kq_status ask_blank(struct run *run, struct written *out)
{
    for (uint64_t left = KQ_ASK_ATTEMPTS; left > 0; left--) {
        char why[KQ_CARD_WHY_SIZE] = "";
        *out = (struct written){.path = ""};
        kq_status status = ask_blank_once(run, left, out, why);
        if (status == KQ_OK || run->tool->has_spoken)
            return status;
        fprintf(stderr, "%s: %s: %s\n", run->tool->program, out->path[0] == '\0' ? "card" : out->path, why);
    }
    return kq_tool_fail(run->tool, KQ_ERR_EXISTS, "No world was made, and no card was kept.",
                        "no blank card after %u attempts", KQ_ASK_ATTEMPTS);
}

static void warn_shared_device(const struct run *run, const struct written *card)
{
    for (size_t i = 0; i < run->num_written && run->tool->answerer == NULL; i++) {
        if (run->cards[i].device == card->device) {
            fprintf(stderr,
                    "%s: warning: cards %zu and %zu lie on one device: who takes it takes both. Move one before the "
                    "world matters.\n",
                    run->tool->program, i + 1, run->num_written + 1);
            return;
        }
    }
}

static kq_status ask_passphrase(struct run *run, struct kq_secret *out)
{
    char prompt[160];
    uint64_t number = run->num_written + 1;
    snprintf(prompt, sizeof prompt, "New passphrase for card %llu of %llu (%s characters or more; empty: one is made)",
             (unsigned long long)number, (unsigned long long)run->ceremony->num_cards,
             run->tool->weak_passphrase ? "1" : "12");
    const struct kq_question question = {.kind = KQ_ASK_NEW_PASSPHRASE,
                                         .prompt = prompt,
                                         .card = number,
                                         .of = run->ceremony->num_cards,
                                         .set = run->set};
    return kq_ask_new_passphrase(run->tool, &question, out);
}

static kq_status make_card(struct run *run, const struct kq_secret *passphrase, struct kqc_reply *reply,
                           struct kq_card_reply *out)
{
    uint8_t salt[32], card_key[32];
    KQ_TRY(kq_random(salt, sizeof salt));
    KQ_TRY(kq_passphrase_key(kq_secret_borrow(passphrase), kq_slice_of(salt, sizeof salt), run->tool->scrypt_log2_n, 8,
                             1, card_key));
    const struct kq_world_create_card_request params = {.creation = run->creation,
                                                        .scrypt_log2_n = run->tool->scrypt_log2_n,
                                                        .scrypt_r = 8,
                                                        .scrypt_p = 1,
                                                        .scrypt_salt = kq_slice_of(salt, sizeof salt),
                                                        .card_key = kq_slice_of(card_key, sizeof card_key)};
    kq_status status = kq_tool_call(run->tool, KQ_OP_WORLD_CREATE_CARD, &params, "making a card", out, reply);
    kq_wipe(card_key, sizeof card_key);
    return status;
}

static kq_status add_card(struct run *run)
{
    struct written card;
    KQ_AUTO_VALUE(kq_secret) passphrase = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_card_reply made;
    kq_secret_init(&passphrase);
    KQ_TRY(ask_blank(run, &card));
    warn_shared_device(run, &card);
    progress(run, " Module 1 slot 0: blank card\n");
    KQ_TRY(ask_passphrase(run, &passphrase));
    progress(run, " Module 1 slot 0:- passphrase specified - writing card\n");
    KQ_TRY(make_card(run, &passphrase, &reply, &made));
    kq_status status = kq_card_write(card.path, made.card);
    if (status != KQ_OK)
        return kq_tool_fail(run->tool, status, "No world was made, and the cards written were removed.",
                            "%s: the card could not be written: %s", card.path, strerror(errno));
    run->cards[run->num_written++] = card;
    progress(run, " Module 1: %zu cards of %llu written\n", run->num_written,
             (unsigned long long)run->ceremony->num_cards);
    return KQ_OK;
}

/* ---- the whole --------------------------------------------------------------------------- */

static kq_status begin(struct run *run, struct kq_ceremony_result *out)
{
    const struct kq_ceremony *ceremony = run->ceremony;
    const struct kq_world_create_begin_request params = {.kind = ceremony->kind,
                                                         .suite = kq_slice_text(ceremony->suite),
                                                         .quorum = ceremony->quorum,
                                                         .num_cards = ceremony->num_cards,
                                                         .recovery = ceremony->has_recovery,
                                                         .replaces_hknso = ceremony->replaces_hknso};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_world_create_begin_reply begun;
    KQ_TRY(kq_tool_call(run->tool, KQ_OP_WORLD_CREATE_BEGIN, &params, "making the world", &begun, &reply));
    run->creation = begun.creation;
    kq_hex_encode(begun.card_set, run->set);
    memcpy(out->hknso, begun.hknso.data, sizeof out->hknso);
    return KQ_OK;
}

/* The answer to COMMIT was lost: the module itself knows whether it has the world. */
static kq_status find_out(struct run *run, struct kq_ceremony_result *result)
{
    struct kq_slice hknso = kq_slice_of(result->hknso, sizeof result->hknso);
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply module;
    struct kq_world_facts facts;
    KQ_TRY(kqc_call(run->tool->session, KQ_OP_STATUS, NULL, 0, &module, &reply));
    if (module.world_kind == 0 || kq_world_facts_get(module.world_file, &facts, NULL) != KQ_OK ||
        !kq_slice_is_equal(kq_slice_of(facts.hknso, sizeof facts.hknso), hknso))
        return KQ_ERR_NOT_FOUND;
    return kq_buffer_append(&result->world_file, module.world_file.data, module.world_file.len);
}

static kq_status commit(struct run *run, struct kq_ceremony_result *result)
{
    const struct kq_world_create_commit_request params = {.creation = run->creation};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_world_reply made;
    kq_buffer_init(&result->world_file, KQ_WORLD_FILE_MAX);
    kq_status status = kqc_call(run->tool->session, KQ_OP_WORLD_CREATE_COMMIT, &params, 0, &made, &reply);
    if (status == KQ_OK)
        return kq_buffer_append(&result->world_file, made.world_file.data, made.world_file.len);
    if (find_out(run, result) == KQ_OK)
        return KQ_OK;
    return kq_tool_fail_reply(run->tool, status, &reply, "making the world");
}

static void remove_cards(struct run *run)
{
    for (size_t i = 0; i < run->num_written; i++)
        unlink(run->cards[i].path);
}

static kq_status make_cards(struct run *run, struct kq_ceremony_result *out)
{
    progress(run, "Create Security World:\n Module 1: 0 cards of %llu written\n",
             (unsigned long long)run->ceremony->num_cards);
    while (run->num_written < run->ceremony->num_cards)
        KQ_TRY(add_card(run));
    KQ_TRY(commit(run, out));
    progress(run, "Card writing complete.\n\n");
    return KQ_OK;
}

kq_status kq_ceremony_run(struct kq_tool *tool, const struct kq_ceremony *ceremony, struct kq_ceremony_result *out)
{
    struct run run = {.tool = tool, .ceremony = ceremony};
    KQ_AUTO_VALUE(kq_ceremony_result) result = {.hknso = {0}};
    KQ_TRY(kq_ask_check(tool));
    KQ_TRY(begin(&run, &result));
    kq_status status = make_cards(&run, &result);
    if (status != KQ_OK) {
        /* With an unknown outcome the cards may be those of a living world. */
        if (status != KQ_ERR_OUTCOME_UNKNOWN)
            remove_cards(&run);
        return status;
    }
    kq_tool_note_hash(tool, "hknso", kq_slice_of(result.hknso, sizeof result.hknso));
    *out = result;
    result = (struct kq_ceremony_result){.hknso = {0}};
    return KQ_OK;
}
