#include "tools/owner/card_acts.h"

#include <errno.h>
#include <inttypes.h>

#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/passphrase.h"
#include "tools/common/ask.h"
#include "tools/common/cards.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/quorum.h"

static kq_status find_path(struct kq_tool *tool, const char *given, char out[KQ_PATH_MAX])
{
    const struct kq_question question = {.kind = KQ_ASK_CARD, .prompt = "The card (its path)", .card = 1, .of = 1};
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    char why[KQ_CARD_WHY_SIZE] = "";
    kq_secret_init(&answer);
    if (given == NULL)
        KQ_TRY(kq_ask(tool, &question, &answer));
    kq_status status = kq_card_path(given == NULL ? kq_secret_borrow(&answer) : kq_slice_text(given), out, why);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(tool, status, NULL, "card: %s", why);
}

static kq_status open_card(struct kq_tool *tool, const char *given, struct kq_card_file *out)
{
    char path[KQ_PATH_MAX], why[KQ_CARD_WHY_SIZE] = "";
    KQ_TRY(find_path(tool, given, path));
    kq_status status = kq_card_read(path, out, why);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(tool, status, NULL, "%s: %s", path, why);
}

/* ---- examine ----------------------------------------------------------------------------- */

static void print_json(const struct kq_card_file *file, bool is_checked)
{
    const struct kq_card *card = &file->card;
    json_t *object = json_object();
    json_object_set_new(object, "path", json_string(file->path));
    json_object_set_new(object, "cardSet", json_string(file->set));
    json_object_set_new(object, "card", json_integer((json_int_t)card->index));
    json_object_set_new(object, "cards", json_integer((json_int_t)card->num_cards));
    json_object_set_new(object, "quorum", json_integer((json_int_t)card->quorum));
    json_object_set_new(object, "worldKind", json_string(kq_name_world_kind(card->world_kind)));
    json_object_set_new(object, "revision", json_integer((json_int_t)card->revision));
    json_object_set_new(object, "scryptLog2N", json_integer((json_int_t)card->scrypt_log2_n));
    if (is_checked)
        json_object_set_new(object, "passphraseIsRight", json_true());
    kq_tool_print_json(object);
}

kq_status kq_card_examine(struct kq_tool *tool, const char *path)
{
    KQ_AUTO_VALUE(kq_card_file) file = {.path = ""};
    KQ_TRY(open_card(tool, path, &file));
    if (tool->is_json) {
        print_json(&file, false);
        return KQ_OK;
    }
    printf("Administrator card %s\n", file.path);
    kq_card_print(&file.card, " ", stdout);
    return KQ_OK;
}

/* ---- check ---------------------------------------------------------------------------------- */

static kq_status send_check(void *context, const struct kq_card_file *file, const uint8_t card_key[32],
                            struct kqc_reply *reply)
{
    struct kq_tool *tool = context;
    const struct kq_card_check_request params = {.card = kq_buffer_slice(&file->bytes),
                                                 .card_key = kq_slice_of(card_key, 32)};
    struct kq_card_reply results;
    return kqc_call(tool->session, KQ_OP_CARD_CHECK, &params, 0, &results, reply);
}

static kq_status present(struct kq_tool *tool, const struct kq_card_file *file, kq_card_present *send, void *context,
                         struct kqc_reply *reply)
{
    kq_status status = kq_tool_present_card(tool, file, send, context, reply);
    return status == KQ_OK || tool->has_spoken ? status : kq_tool_fail_reply(tool, status, reply, file->path);
}

kq_status kq_card_check_passphrase(struct kq_tool *tool, const char *path)
{
    KQ_AUTO_VALUE(kq_card_file) file = {.path = ""};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_TRY(kq_ask_check(tool));
    KQ_TRY(open_card(tool, path, &file));
    KQ_TRY(kq_tool_connect(tool));
    KQ_TRY(present(tool, &file, send_check, tool, &reply));
    if (tool->is_json)
        print_json(&file, true);
    else
        printf("%s: card %" PRIu64 " of set %.8s: the passphrase is right\n", file.path, file.card.index, file.set);
    return KQ_OK;
}

/* ---- change ----------------------------------------------------------------------------------- */

struct change {
    struct kq_tool *tool;
    struct kq_secret passphrase; /* the new one */
    uint8_t salt[32];
    uint8_t new_card_key[32];
    struct kq_buffer new_card;
};

static void change_clear(struct change *change)
{
    kq_secret_clear(&change->passphrase);
    kq_wipe(change->new_card_key, sizeof change->new_card_key);
    kq_buffer_clear(&change->new_card);
}
KQ_AUTO_DEFINE_VALUE(change);

static kq_status prepare(struct change *change, const struct kq_card_file *file)
{
    const struct kq_question question = {.kind = KQ_ASK_NEW_PASSPHRASE,
                                         .prompt = "New passphrase (empty: one is made)",
                                         .card = file->card.index,
                                         .of = file->card.num_cards,
                                         .set = file->set};
    KQ_TRY(kq_ask_new_passphrase(change->tool, &question, &change->passphrase));
    kq_status status = kq_random(change->salt, sizeof change->salt);
    if (status == KQ_OK)
        status = kq_passphrase_key(kq_secret_borrow(&change->passphrase), kq_slice_of(change->salt, 32),
                                   change->tool->scrypt_log2_n, 8, 1, change->new_card_key);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(change->tool, status, NULL, "no key could be made");
}

static kq_status send_change(void *context, const struct kq_card_file *file, const uint8_t card_key[32],
                             struct kqc_reply *reply)
{
    struct change *change = context;
    const struct kq_card_change_request params = {.card = kq_buffer_slice(&file->bytes),
                                                  .card_key = kq_slice_of(card_key, 32),
                                                  .new_scrypt_log2_n = change->tool->scrypt_log2_n,
                                                  .new_scrypt_r = 8,
                                                  .new_scrypt_p = 1,
                                                  .new_scrypt_salt = kq_slice_of(change->salt, 32),
                                                  .new_card_key = kq_slice_of(change->new_card_key, 32)};
    struct kq_card_reply results;
    KQ_TRY(kqc_call(change->tool->session, KQ_OP_CARD_CHANGE, &params, 0, &results, reply));
    return kq_buffer_append(&change->new_card, results.card.data, results.card.len);
}

kq_status kq_card_change_passphrase(struct kq_tool *tool, const char *path)
{
    KQ_AUTO_VALUE(kq_card_file) file = {.path = ""};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(change) change = {.tool = tool, .new_card = {.max = KQ_CARD_MAX}};
    kq_secret_init(&change.passphrase);
    KQ_TRY(kq_ask_check(tool));
    KQ_TRY(open_card(tool, path, &file));
    KQ_TRY(kq_tool_connect(tool));
    KQ_TRY(prepare(&change, &file));
    KQ_TRY(present(tool, &file, send_change, &change, &reply));
    kq_status status = kq_file_write(file.path, kq_buffer_slice(&change.new_card), 0600, KQ_FILE_REPLACE);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "The card keeps its old passphrase.", "%s: not written: %s", file.path,
                            strerror(errno));
    printf("%s: card %" PRIu64 " of set %.8s has a new passphrase. Destroy copies of the old file: the old passphrase "
           "still opens them.\n",
           file.path, file.card.index, file.set);
    return KQ_OK;
}
