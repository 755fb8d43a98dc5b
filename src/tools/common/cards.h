#ifndef KQ_TOOLS_COMMON_CARDS_H
#define KQ_TOOLS_COMMON_CARDS_H

#include <sys/types.h>

#include "tools/common/tool.h"

/* Administrator cards as files. What is wrong with a card that an officer
 * named is told in a sentence (why), for a program goes on asking. */

#define KQ_CARD_WHY_SIZE 256
#define KQ_CARD_SET_TEXT_SIZE 33

struct kq_card_file {
    char path[KQ_PATH_MAX];
    struct kq_buffer bytes;
    struct kq_card card; /* borrows from bytes */
    char set[KQ_CARD_SET_TEXT_SIZE];
};
void kq_card_file_clear(struct kq_card_file *file);
KQ_AUTO_DEFINE_VALUE(kq_card_file);

/* The path in an answer: "file:/media/officer1/card", "file:///...", or bare.
 * Errors: KQ_ERR_UNSUPPORTED ("pkcs11:"), KQ_ERR_ARGUMENT (empty), KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status kq_card_path(struct kq_slice answer, char out[KQ_PATH_MAX], char why[KQ_CARD_WHY_SIZE]);

/* Reads a card and checks its form and its check value.
 * Errors: KQ_ERR_NOT_FOUND, KQ_ERR_FORMAT (no card, damaged), KQ_ERR_VERSION, KQ_ERR_TOO_LARGE, KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_card_read(const char *path, struct kq_card_file *out, char why[KQ_CARD_WHY_SIZE]);

/* The same for bytes already read. */
KQ_MUST_CHECK kq_status kq_card_parse(struct kq_slice bytes, struct kq_card *out, char why[KQ_CARD_WHY_SIZE]);

/* KQ_OK if the path is free for a new card: nothing there, or an empty file,
 * in a folder that exists.  out_device: the device it lies on. */
KQ_MUST_CHECK kq_status kq_card_check_blank(const char *path, dev_t *out_device, char why[KQ_CARD_WHY_SIZE]);

/* Writes a card where kq_card_check_blank() was content. Never over anything
 * but an empty file.  Errors: KQ_ERR_EXISTS, KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_card_write(const char *path, struct kq_slice card);

/* The key of a passphrase under the card's own scrypt parameters. */
KQ_MUST_CHECK kq_status kq_card_key(const struct kq_card *card, const struct kq_secret *passphrase, uint8_t out[32]);

/* "key protection" of a card in one line, as slotinfo and kmfile-dump print it. */
void kq_card_print(const struct kq_card *card, const char *indent, FILE *out);

#endif
