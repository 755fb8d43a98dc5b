#ifndef HSM_WORLD_CREATE_H
#define HSM_WORLD_CREATE_H

#include "module/service/call.h"

/* A world being made: BEGIN makes its keys and the card set's secret, each
 * CARD hands out one sealed share, COMMIT writes the world file and takes the
 * world into the state. It lives in the session; nothing is kept before
 * COMMIT, and a session that ends early leaves cards that open nothing. */
struct hsm_creation;

void hsm_creation_free(struct hsm_creation *creation);
KQ_AUTO_DEFINE(hsm_creation);

#endif
