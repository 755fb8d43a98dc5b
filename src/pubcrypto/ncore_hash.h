#ifndef KQ_PUBCRYPTO_NCORE_HASH_H
#define KQ_PUBCRYPTO_NCORE_HASH_H

#include "base/slice.h"

/* The envelope of every nCore key hash: SHA-1 over "nFast KeyHash" NUL,
 * key_type NUL, the key's data, "invented by nCipher 1997" NUL. Of a DES3 key
 * of 24 bytes 0x01 it is the `hkmwk` that every nShield prints.
 * kq_public_key_ncore_hash() fills in the data of a public key. */
void kq_ncore_hash(const char *key_type, struct kq_slice data, uint8_t out[20]);

#endif
