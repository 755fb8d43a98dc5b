#ifndef HSM_CARDS_QUORUM_H
#define HSM_CARDS_QUORUM_H

#include "module/service/call.h"

/* A quorum of cards authorises one act: AUTH_BEGIN names the operation and
 * the hash of its params, AUTH_CARD presents one card after another, and the
 * act itself, sent with the authority's number, uses it up. One collection is
 * pending in a session; a new one takes the place of the former; after ten
 * minutes nothing remains (docs/protocols/module.md). */
struct hsm_quorum;

#define HSM_QUORUM_LIFETIME_S 600u

void hsm_quorum_free(struct hsm_quorum *quorum);
KQ_AUTO_DEFINE(hsm_quorum);

/* Uses up the session's authority for this call. On KQ_OK call->has_quorum is
 * true and call->quorum_secret holds the card set's secret until
 * hsm_quorum_drop(). Whatever the outcome, an authority that was named is gone.
 *
 * authority    as the request states it; 0 is refused
 * params_hash  SHA-256 of the request's params
 * Errors       KQ_ERR_QUORUM with the reason in call->detail; KQ_ERR_MEMORY */
KQ_MUST_CHECK kq_status hsm_quorum_take(struct hsm_call *call, uint64_t authority, const uint8_t params_hash[32]);

/* Asks again whether the call's quorum is that of the world it sees now: the
 * dispatcher does so when call->state was replaced after hsm_quorum_take().
 * Without a quorum there is nothing to ask.  Errors: KQ_ERR_QUORUM. */
KQ_MUST_CHECK kq_status hsm_quorum_recheck(struct hsm_call *call);

/* Wipes what hsm_quorum_take() gave the call, at the end of every call. */
void hsm_quorum_drop(struct hsm_call *call);

#endif
