#ifndef KQ_TOOLS_SERVICE_ACCESS_H
#define KQ_TOOLS_SERVICE_ACCESS_H

#include "tools/service/service.h"

/* Three users: module, hardserver and keyvaultd each have their own. */

/* Fills the users: those of the options; else, for root, the three installed
 * ones where all of them exist; else nobody, and all run as the caller.
 * Errors: said (an option names a user who does not exist, or we are not root). */
KQ_MUST_CHECK kq_status kq_service_users(struct kq_service *service, const char *module_user,
                                         const char *hardserver_user, const char *vault_user);

/* Lets the users find their folders below DIR, before anything runs there:
 * the folders on the way show names, no content.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_open_road(struct kq_service *service);

/* Lets keyvaultd's user reach the modules and read what it needs of DIR.
 * Nothing to do with one user.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_grant(struct kq_service *service);

/* Gives DIR/vault to keyvaultd's user.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_hand_over(struct kq_service *service);

/* Is DIR/vault its user's already? Then what lies there may be his traps, and root opens nothing in it. */
bool kq_service_is_handed_over(const struct kq_service *service);

/* Becomes keyvaultd's user; for a child that is about to run it.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_service_become(const struct kq_service *service);

#endif
