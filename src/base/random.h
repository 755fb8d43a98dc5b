#ifndef KQ_BASE_RANDOM_H
#define KQ_BASE_RANDOM_H

#include <stddef.h>

#include "base/status.h"

/* Fills with bytes of the kernel's generator; for ids, salts and generated
 * passphrases of programs outside the module.  Errors: KQ_ERR_IO; out is then
 * zeroed and the caller must give up. */
KQ_MUST_CHECK kq_status kq_random(void *out, size_t len);

#endif
