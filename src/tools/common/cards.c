#include "tools/common/cards.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/passphrase.h"
#include "tools/common/names.h"

void kq_card_file_clear(struct kq_card_file *file)
{
    kq_buffer_clear(&file->bytes);
    file->card = (struct kq_card){0};
}

static bool starts_with(struct kq_slice text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static struct kq_slice without(struct kq_slice text, size_t len)
{
    return kq_slice_of(text.data + len, text.len - len);
}

kq_status kq_card_path(struct kq_slice answer, char out[KQ_PATH_MAX], char why[KQ_CARD_WHY_SIZE])
{
    if (starts_with(answer, "pkcs11:")) {
        snprintf(why, KQ_CARD_WHY_SIZE, "PKCS#11 tokens cannot be cards in this version; name a file");
        return KQ_ERR_UNSUPPORTED;
    }
    if (starts_with(answer, "file:"))
        answer = without(answer, strlen("file:"));
    if (starts_with(answer, "///"))
        answer = without(answer, 2);
    if (answer.len == 0) {
        snprintf(why, KQ_CARD_WHY_SIZE, "no card was named; give the path of its file");
        return KQ_ERR_ARGUMENT;
    }
    if (!kq_text_copy(answer, out, KQ_PATH_MAX)) {
        snprintf(why, KQ_CARD_WHY_SIZE, "the card's path is too long");
        return KQ_ERR_TOO_LARGE;
    }
    return KQ_OK;
}

/* The check value covers the record with check zeroed (docs/formats/card.md). */
static bool is_undamaged(const struct kq_card *card)
{
    static const uint8_t zeros[32];
    struct kq_card copy = *card;
    copy.check = kq_slice_of(zeros, sizeof zeros);
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, KQ_CARD_MAX);
    kq_card_put(&copy, &writer);
    struct kq_slice bytes;
    uint8_t hash[32];
    if (kq_writer_finish(&writer, &bytes) != KQ_OK)
        return false;
    kq_sha256(bytes, hash);
    return kq_slice_is_equal(kq_slice_of(hash, sizeof hash), card->check);
}

kq_status kq_card_parse(struct kq_slice bytes, struct kq_card *out, char why[KQ_CARD_WHY_SIZE])
{
    const char *field;
    kq_status status = kq_card_get(bytes, out, &field);
    if (status == KQ_ERR_VERSION)
        snprintf(why, KQ_CARD_WHY_SIZE, "a card of a newer version; use a newer Keyquay");
    else if (status != KQ_OK)
        snprintf(why, KQ_CARD_WHY_SIZE, "not a card, or damaged (%s)", field);
    KQ_TRY(status);
    if (is_undamaged(out))
        return KQ_OK;
    snprintf(why, KQ_CARD_WHY_SIZE, "damaged: its check value does not fit; use another card of the set");
    return KQ_ERR_FORMAT;
}

kq_status kq_card_read(const char *path, struct kq_card_file *out, char why[KQ_CARD_WHY_SIZE])
{
    kq_card_file_clear(out);
    kq_status status = kq_file_read(path, KQ_CARD_MAX, &out->bytes);
    if (status != KQ_OK) {
        snprintf(why, KQ_CARD_WHY_SIZE, "%s",
                 status == KQ_ERR_TOO_LARGE ? "not a card: too large" : kq_tool_read_reason(status, path));
        return status;
    }
    if (out->bytes.len == 0) {
        snprintf(why, KQ_CARD_WHY_SIZE, "a blank card: the file is empty");
        return KQ_ERR_FORMAT;
    }
    KQ_TRY(kq_card_parse(kq_buffer_slice(&out->bytes), &out->card, why));
    snprintf(out->path, sizeof out->path, "%s", path);
    kq_hex_encode(out->card.card_set, out->set);
    return KQ_OK;
}

static kq_status check_folder(const char *path, dev_t *out_device, char why[KQ_CARD_WHY_SIZE])
{
    char folder[KQ_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    struct kq_slice name = slash == NULL ? kq_slice_text(".") : kq_slice_of(path, len);
    struct stat facts;
    if (!kq_text_copy(name, folder, sizeof folder) || stat(folder, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        snprintf(why, KQ_CARD_WHY_SIZE, "the folder does not exist; is the medium there?");
        return KQ_ERR_NOT_FOUND;
    }
    if (access(folder, W_OK) != 0) {
        snprintf(why, KQ_CARD_WHY_SIZE, "the folder cannot be written: %s", strerror(errno));
        return KQ_ERR_IO;
    }
    *out_device = facts.st_dev;
    return KQ_OK;
}

kq_status kq_card_check_blank(const char *path, dev_t *out_device, char why[KQ_CARD_WHY_SIZE])
{
    KQ_TRY(check_folder(path, out_device, why));
    struct stat facts;
    if (lstat(path, &facts) != 0 || (S_ISREG(facts.st_mode) && facts.st_size == 0))
        return KQ_OK;
    KQ_AUTO_VALUE(kq_card_file) old = {0};
    if (kq_card_read(path, &old, why) == KQ_OK)
        snprintf(why, KQ_CARD_WHY_SIZE,
                 "not blank: it is card %llu of set %.8s; take another medium, or delete the file if that set is no "
                 "longer needed",
                 (unsigned long long)old.card.index, old.set);
    else
        snprintf(why, KQ_CARD_WHY_SIZE, "not blank: something else is there, and it is left alone");
    return KQ_ERR_EXISTS;
}

kq_status kq_card_write(const char *path, struct kq_slice card)
{
    struct stat facts;
    bool is_empty_file = lstat(path, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == 0;
    return kq_file_write(path, card, 0600, is_empty_file ? KQ_FILE_REPLACE : KQ_FILE_NEW_ONLY);
}

kq_status kq_card_key(const struct kq_card *card, const struct kq_secret *passphrase, uint8_t out[32])
{
    return kq_passphrase_key(kq_secret_borrow(passphrase), card->scrypt_salt, card->scrypt_log2_n, card->scrypt_r,
                             card->scrypt_p, out);
}

void kq_card_print(const struct kq_card *card, const char *indent, FILE *out)
{
    char set[KQ_CARD_SET_TEXT_SIZE];
    kq_hex_encode(card->card_set, set);
    fprintf(out, "%scard set          %s\n", indent, set);
    fprintf(out, "%scard              %llu of %llu, any %llu are a quorum\n", indent, (unsigned long long)card->index,
            (unsigned long long)card->num_cards, (unsigned long long)card->quorum);
    fprintf(out, "%sworld kind        %s\n", indent, kq_name_world_kind(card->world_kind));
    fprintf(out, "%srevision          %llu\n", indent, (unsigned long long)card->revision);
    fprintf(out, "%spassphrase hash   scrypt N=2^%llu r=%llu p=%llu\n", indent, (unsigned long long)card->scrypt_log2_n,
            (unsigned long long)card->scrypt_r, (unsigned long long)card->scrypt_p);
}
