#ifndef KQ_TOOLS_COMMON_QUORUM_H
#define KQ_TOOLS_COMMON_QUORUM_H

#include "tools/common/tool.h"

/* Collects a quorum of cards for one act: asks for cards and their
 * passphrases one after another (askpass kinds card and passphrase), names a
 * wrong, foreign, repeated or damaged card and goes on asking, three attempts
 * for each; waits out short delays that the module imposes and says so.
 *
 * params      what will be sent with the act, as for kqc_call()
 * world_file  WORLD_PROGRAM: whose cards; else KQ_SLICE_EMPTY
 * Errors      said: KQ_ERR_QUORUM, KQ_ERR_CANCELLED, KQ_ERR_WAIT, those of the module */
KQ_MUST_CHECK kq_status kq_tool_quorum(struct kq_tool *tool, enum kq_op op, const void *params,
                                       struct kq_slice world_file, uint64_t *out_authority);

/* A quorum, then the act itself. what begins the message when the module
 * refuses ("making the key"). */
KQ_MUST_CHECK kq_status kq_tool_call_with_quorum(struct kq_tool *tool, enum kq_op op, const void *params,
                                                 struct kq_slice world_file, const char *what, void *results,
                                                 struct kqc_reply *reply);

/* One act without a quorum; a refusal is said. */
KQ_MUST_CHECK kq_status kq_tool_call(struct kq_tool *tool, enum kq_op op, const void *params, const char *what,
                                     void *results, struct kqc_reply *reply);

struct kq_card_file; /* cards.h */

/* Asks for the passphrase of one card and hands it with the card's key to
 * present(), which does the module call; repeats as above. For cardpp too.
 *
 * present  returns the module's status and leaves its words in reply
 * Errors   KQ_ERR_MISMATCH (not said): the module says the card itself is not usable; reply tells why */
typedef kq_status kq_card_present(void *context, const struct kq_card_file *card, const uint8_t card_key[32],
                                  struct kqc_reply *reply);
KQ_MUST_CHECK kq_status kq_tool_present_card(struct kq_tool *tool, const struct kq_card_file *card,
                                             kq_card_present *present, void *context, struct kqc_reply *reply);

#endif
