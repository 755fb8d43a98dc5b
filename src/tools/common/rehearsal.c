#include <errno.h>

#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "tools/common/ask.h"
#include "tools/common/ceremony.h"

#define REHEARSAL_SCRYPT_LOG2_N 10u /* the passphrases are random already */
#define PASSPHRASE_LETTERS 25u      /* hex digits: 100 bits */

static const char readme[] = "Cards and passphrases of a rehearsal, all in one place: they protect nothing.\n"
                             "A world made with them proves nothing about its operator.\n";

static kq_status card_path(const struct kq_rehearsal *rehearsal, uint64_t card, const char *suffix,
                           char out[KQ_PATH_MAX])
{
    char name[48];
    snprintf(name, sizeof name, "card-%llu%s", (unsigned long long)card, suffix);
    return kq_path_join(rehearsal->folder, name, out);
}

static kq_status answer_path(struct kq_rehearsal *rehearsal, uint64_t card, struct kq_secret *out)
{
    char path[KQ_PATH_MAX];
    rehearsal->current = card;
    KQ_TRY(card_path(rehearsal, card, "", path));
    return kq_secret_set(out, path, strlen(path));
}

static kq_status make_passphrase(const struct kq_rehearsal *rehearsal, uint64_t card, struct kq_secret *out)
{
    char path[KQ_PATH_MAX];
    uint8_t bytes[(PASSPHRASE_LETTERS + 1) / 2];
    char text[2 * sizeof bytes + 1];
    KQ_TRY(card_path(rehearsal, card, ".passphrase", path));
    KQ_TRY(kq_random(bytes, sizeof bytes));
    kq_hex_encode(kq_slice_of(bytes, sizeof bytes), text);
    kq_status status = kq_secret_set(out, text, PASSPHRASE_LETTERS);
    if (status == KQ_OK)
        status = kq_file_write(path, kq_secret_borrow(out), 0600, KQ_FILE_REPLACE);
    kq_wipe(bytes, sizeof bytes);
    kq_wipe(text, sizeof text);
    return status;
}

static kq_status read_passphrase(const struct kq_rehearsal *rehearsal, struct kq_secret *out)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(card_path(rehearsal, rehearsal->current, ".passphrase", path));
    KQ_TRY(kq_file_read(path, 1024, &bytes));
    return kq_secret_set(out, bytes.data, bytes.len);
}

static kq_status answer(void *context, const struct kq_question *question, struct kq_secret *out)
{
    struct kq_rehearsal *rehearsal = context;
    switch (question->kind) {
    case KQ_ASK_BLANK_CARD:
    case KQ_ASK_CARD:
        return answer_path(rehearsal, question->card, out);
    case KQ_ASK_NEW_PASSPHRASE:
        return make_passphrase(rehearsal, question->card, out);
    case KQ_ASK_PASSPHRASE:
        return read_passphrase(rehearsal, out);
    default:
        return KQ_ERR_CANCELLED;
    }
}

kq_status kq_rehearsal_begin(struct kq_tool *tool, const char *folder, struct kq_rehearsal *rehearsal)
{
    char path[KQ_PATH_MAX];
    *rehearsal = (struct kq_rehearsal){.current = 0};
    if (!kq_text_copy(kq_slice_text(folder), rehearsal->folder, sizeof rehearsal->folder) ||
        kq_path_join(folder, "README", path) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "%s: the path is too long", folder);
    kq_status status = kq_folder_make(folder);
    if (status == KQ_OK && !kq_file_exists(path))
        status = kq_file_write(path, kq_slice_text(readme), 0600, KQ_FILE_REPLACE);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: cannot hold rehearsal cards: %s", folder, strerror(errno));
    tool->scrypt_log2_n = REHEARSAL_SCRYPT_LOG2_N;
    tool->answerer = answer;
    tool->answerer_context = rehearsal;
    return KQ_OK;
}
