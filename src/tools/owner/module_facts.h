#ifndef KQ_TOOLS_OWNER_MODULE_FACTS_H
#define KQ_TOOLS_OWNER_MODULE_FACTS_H

#include "wire/messages.h"

/* "root:" of a module, for enquiry and nfkminfo: the root's hash and name, a
 * plain word that it is a rehearsal, or that there is no warrant. */
#define KQ_ROOT_TEXT_SIZE 256
void kq_root_text(const struct kq_status_reply *module, char out[KQ_ROOT_TEXT_SIZE]);

/* operational, or uninitialized without a world */
const char *kq_mode_text(const struct kq_status_reply *module);

/* SHA-256 of the module's signing key. */
void kq_module_key_hash(const struct kq_status_reply *module, uint8_t out[32]);

#endif
