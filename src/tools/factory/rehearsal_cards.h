#ifndef KQ_TOOLS_FACTORY_REHEARSAL_CARDS_H
#define KQ_TOOLS_FACTORY_REHEARSAL_CARDS_H

#include "tools/common/ceremony.h"

/* Where a region or a factory keeps the cards that nobody holds:
 * HSM-FOLDER/rehearsal-cards. */

/* True if the world of this hsm folder was made with rehearsal cards. */
bool kq_rehearsal_cards_exist(const char *hsm_folder);

/* Lets the tool take cards and passphrases from there.  Errors: said. */
KQ_MUST_CHECK kq_status kq_rehearsal_cards_attach(struct kq_tool *tool, const char *hsm_folder,
                                                  struct kq_rehearsal *rehearsal);

/* Removes card-1, left over from an attempt that ended before its world was
 * made; it opens nothing, and a card is never written over. */
void kq_rehearsal_cards_drop(const char *hsm_folder);

#endif
