#ifndef HSM_PRIVCRYPTO_WARM_H
#define HSM_PRIVCRYPTO_WARM_H

#include "base/status.h"

/* Uses every algorithm of this folder once, with throw-away keys, so that
 * OpenSSL has loaded its providers, seeded its generators and fetched what it
 * ever fetches before the filter shuts the file system.
 * Errors: KQ_ERR_INTERNAL (this OpenSSL lacks something). */
KQ_MUST_CHECK kq_status hsm_privcrypto_warm(void);

/* The same for the calling thread: its own random generators come to be. */
KQ_MUST_CHECK kq_status hsm_privcrypto_warm_thread(void);

#endif
