#ifndef HSM_CARDS_ATTEMPTS_H
#define HSM_CARDS_ATTEMPTS_H

#include "module/cards/card.h"
#include "module/service/call.h"

/* Guessing a card's passphrase costs time: every attempt is on the disk
 * before it is checked, and after HSM_FREE_FAILURES of them the delay doubles
 * from one second up to HSM_DELAY_MAX_S. A success takes the count away. */
#define HSM_FREE_FAILURES 3u
#define HSM_DELAY_MAX_S 64u

/* Seconds to wait after so many failures in a row. */
uint64_t hsm_attempts_delay_s(uint32_t failures);

/* Records an attempt on a card, durably.
 *
 * Errors  KQ_ERR_WAIT (call->wait_ms says how long; nothing was recorded), or that of the durable write */
KQ_MUST_CHECK kq_status hsm_attempts_record(struct hsm_call *call, const uint8_t set_id[HSM_CARD_SET_ID_LEN],
                                            uint32_t index);

/* Takes the count of a card away, durably. */
KQ_MUST_CHECK kq_status hsm_attempts_clear(struct hsm_call *call, const uint8_t set_id[HSM_CARD_SET_ID_LEN],
                                           uint32_t index);

#endif
