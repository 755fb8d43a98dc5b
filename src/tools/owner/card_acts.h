#ifndef KQ_TOOLS_OWNER_CARD_ACTS_H
#define KQ_TOOLS_OWNER_CARD_ACTS_H

#include "tools/common/tool.h"

/* What cardpp and "keyquay card" do with one card. path NULL: asks for it.
 * Errors: said. */

/* Tells what the card is; needs no module. */
KQ_MUST_CHECK kq_status kq_card_examine(struct kq_tool *tool, const char *path);
/* Checks the passphrase with the module whose world the card belongs to. */
KQ_MUST_CHECK kq_status kq_card_check_passphrase(struct kq_tool *tool, const char *path);
/* Gives the card a new passphrase; the file is replaced whole or not at all. */
KQ_MUST_CHECK kq_status kq_card_change_passphrase(struct kq_tool *tool, const char *path);

#endif
