#ifndef HSM_PRIVCRYPTO_SEAL_H
#define HSM_PRIVCRYPTO_SEAL_H

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* HKDF-SHA-256 (RFC 5869). label names the purpose. */
KQ_MUST_CHECK kq_status hsm_derive(struct kq_slice secret, struct kq_slice salt, const char *label, uint8_t *out,
                                   size_t out_len);

/* AES-256-SIV (RFC 5297) under a key of 64 bytes derived from (secret, salt,
 * label). sealed = SIV (16) then ciphertext. Neither aad nor plain may be
 * empty or longer than HSM_SEAL_MAX.
 * Open: Errors KQ_ERR_AUTH for whatever is wrong. */
#define HSM_SEAL_OVERHEAD 16u
#define HSM_SEAL_MAX (16u * 1024 * 1024)
KQ_MUST_CHECK kq_status hsm_seal(struct kq_slice secret, struct kq_slice salt, const char *label, struct kq_slice aad,
                                 struct kq_slice plain, struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_unseal(struct kq_slice secret, struct kq_slice salt, const char *label, struct kq_slice aad,
                                   struct kq_slice sealed, struct kq_buffer *out);

/* The same under a key given as it is. */
#define HSM_SIV_KEY_LEN 64u
KQ_MUST_CHECK kq_status hsm_siv_seal(const uint8_t key[HSM_SIV_KEY_LEN], struct kq_slice aad, struct kq_slice plain,
                                     struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_siv_unseal(const uint8_t key[HSM_SIV_KEY_LEN], struct kq_slice aad, struct kq_slice sealed,
                                       struct kq_buffer *out);

/* AES key wrap with padding (RFC 5649), key of 32 bytes, 1..HSM_KWP_MAX bytes. Unwrap: KQ_ERR_AUTH. */
#define HSM_KWP_MAX 16384u
KQ_MUST_CHECK kq_status hsm_kwp_wrap(struct kq_slice key, struct kq_slice plain, struct kq_buffer *out);
KQ_MUST_CHECK kq_status hsm_kwp_unwrap(struct kq_slice key, struct kq_slice wrapped, struct kq_buffer *out);

/* The module's one source of randomness: OpenSSL's private generator mixed
 * with fresh getrandom, under a continuous test. Failure stops the module. */
void hsm_random(void *out, size_t len);

#endif
