#ifndef KQ_PUBCRYPTO_PASSPHRASE_H
#define KQ_PUBCRYPTO_PASSPHRASE_H

#include "base/slice.h"
#include "base/status.h"

/* Makes a card's key from its passphrase: scrypt (RFC 7914) with N = 2^log2_n.
 * Runs in the tools; the module sees only the result.
 *
 * out     untouched unless KQ_OK; the caller wipes it
 * Errors  KQ_ERR_ARGUMENT  log2_n outside 10..20, r not 8, p outside 1..4
 *         KQ_ERR_MEMORY    needs 2^(log2_n + 10) bytes and a little
 * Source  docs/formats/card.md */
KQ_MUST_CHECK kq_status kq_passphrase_key(struct kq_slice passphrase, struct kq_slice salt, uint64_t log2_n, uint64_t r,
                                          uint64_t p, uint8_t out[32]);

#endif
