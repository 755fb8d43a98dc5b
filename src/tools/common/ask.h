#ifndef KQ_TOOLS_COMMON_ASK_H
#define KQ_TOOLS_COMMON_ASK_H

#include "tools/common/tool.h"

/* Questions to a person. In this order: the tool's own answerer (rehearsals);
 * the program in KEYQUAY_ASKPASS, called as PROGRAM KIND PROMPT with
 * KEYQUAY_ASK_CARD, _OF, _SET, _ATTEMPTS_LEFT in its environment, answering
 * with one line; the terminal /dev/tty, with echo off for secrets. Without
 * any of these a question fails at once. */
enum kq_ask_kind {
    KQ_ASK_BLANK_CARD,
    KQ_ASK_CARD,
    KQ_ASK_NEW_PASSPHRASE,
    KQ_ASK_PASSPHRASE,
    KQ_ASK_CONFIRM,
    KQ_ASK_TRUST_ROOT,
    KQ_ASK_TRUST_WORLD,
    KQ_ASK_USERNAME,
    KQ_ASK_SECRET,
};

struct kq_question {
    enum kq_ask_kind kind;
    const char *prompt;
    uint64_t card;          /* which card, counted from 1; 0: does not apply */
    uint64_t of;            /* of how many */
    const char *set;        /* card set id in hex; NULL: does not apply */
    uint64_t attempts_left; /* this one included; 0: does not apply */
};

/* Asks once; the answer has no line end and may be empty.
 * Errors (said): KQ_ERR_CANCELLED; KQ_ERR_STATE when there is nobody to ask. */
KQ_MUST_CHECK kq_status kq_ask(struct kq_tool *tool, const struct kq_question *question, struct kq_secret *out);

/* Fails at once, with the remedy, when there is nobody to ask; call it before work begins. */
KQ_MUST_CHECK kq_status kq_ask_check(struct kq_tool *tool);

/* Asks for a new passphrase until it is good: twice on a terminal, at least
 * 12 characters unless --weak-passphrase. An empty answer on a terminal makes
 * one of 100 random bits and shows it there once; elsewhere it is refused,
 * for there is no place to show it. Three attempts. */
KQ_MUST_CHECK kq_status kq_ask_new_passphrase(struct kq_tool *tool, const struct kq_question *question,
                                              struct kq_secret *out);

/* Asks an officer to type a hash that he has by a second road, and compares.
 * It is shown nowhere before.  Errors (said): KQ_ERR_UNTRUSTED when it differs. */
KQ_MUST_CHECK kq_status kq_ask_hash(struct kq_tool *tool, enum kq_ask_kind kind, const char *prompt,
                                    struct kq_slice hash);

/* A line on the terminal that is no secret, for programs that ask for missing
 * values; never goes to askpass. An empty line yields fallback (may be NULL). */
KQ_MUST_CHECK kq_status kq_ask_line(struct kq_tool *tool, const char *prompt, const char *fallback, char *out,
                                    size_t size);

/* True if a terminal can be opened. */
bool kq_ask_has_terminal(void);

#define KQ_ASK_ATTEMPTS 3u
#define KQ_PASSPHRASE_MIN 12u

#endif
