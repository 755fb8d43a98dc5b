#ifndef KQ_TOOLS_COMMON_CEREMONY_H
#define KQ_TOOLS_COMMON_CEREMONY_H

#include "tools/common/tool.h"

/* Making a world of any kind with its administrator cards: asks for each
 * blank card and its passphrase, writes the cards, commits. If anything fails
 * before the module has committed, the cards written are removed again. */
struct kq_ceremony {
    enum kq_world_kind kind;
    const char *suite;
    uint64_t quorum;
    uint64_t num_cards;
    bool has_recovery;              /* owner's worlds only */
    struct kq_slice replaces_hknso; /* over a loaded world: its hknso, else empty */
    bool is_quiet;                  /* no progress lines */
};

struct kq_ceremony_result {
    uint8_t hknso[32];
    struct kq_buffer world_file;
};
void kq_ceremony_result_clear(struct kq_ceremony_result *result);
KQ_AUTO_DEFINE_VALUE(kq_ceremony_result);

/* The tool is connected. Errors: said. The world file is not on the disk yet:
 * kq_world_store() (world_file.h) puts it there. */
KQ_MUST_CHECK kq_status kq_ceremony_run(struct kq_tool *tool, const struct kq_ceremony *ceremony,
                                        struct kq_ceremony_result *out);

/* Rehearsals have no officers: cards and generated passphrases (100 random
 * bits each) lie in one folder, card-1, card-1.passphrase, ... (0600), and
 * every question for a blank card, card, new passphrase or passphrase is
 * answered from there; other questions are refused. Protects nothing, and the
 * folder's README says so. The tool keeps a reference to *rehearsal. */
struct kq_rehearsal {
    char folder[KQ_PATH_MAX];
    uint64_t current; /* the card named last */
};
KQ_MUST_CHECK kq_status kq_rehearsal_begin(struct kq_tool *tool, const char *folder, struct kq_rehearsal *rehearsal);

#endif
