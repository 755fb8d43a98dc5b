#ifndef HSM_PRIVCRYPTO_DER_H
#define HSM_PRIVCRYPTO_DER_H

#include "wire/reader.h"
#include "wire/writer.h"

/* Strict DER for the few structures that hold private keys: one-byte tags,
 * definite shortest lengths up to 65535, unsigned shortest integers. Anything
 * else fails the reader. (OpenSSL's decoders forgive too much; ITU-T X.690 10.) */
enum {
    HSM_DER_INTEGER = 0x02,
    HSM_DER_BIT_STRING = 0x03,
    HSM_DER_OCTET_STRING = 0x04,
    HSM_DER_NULL = 0x05,
    HSM_DER_OID = 0x06,
    HSM_DER_SEQUENCE = 0x30,
    HSM_DER_CONTEXT_0 = 0xa0,
    HSM_DER_CONTEXT_1 = 0xa1,
};

/* Takes one element and returns its content. */
struct kq_slice hsm_der_get(struct kq_reader *reader, uint8_t tag);
/* Starts a cursor over the content of an element. */
void hsm_der_enter(struct kq_reader *outer, uint8_t tag, struct kq_reader *out_inner);
/* True if an element with this tag comes next. */
bool hsm_der_is_next(const struct kq_reader *reader, uint8_t tag);
/* Takes a non-negative integer; big-endian without leading zeros, one zero byte for 0. */
struct kq_slice hsm_der_get_unsigned(struct kq_reader *reader);
/* Takes a bit string of whole bytes. */
struct kq_slice hsm_der_get_bits(struct kq_reader *reader);

void hsm_der_put(struct kq_writer *writer, uint8_t tag, struct kq_slice content);
/* bytes: big-endian, leading zeros are dropped. */
void hsm_der_put_unsigned(struct kq_writer *writer, struct kq_slice bytes);
void hsm_der_put_bits(struct kq_writer *writer, struct kq_slice bytes);
/* Wraps what inner holds into one element of writer; a failure of inner becomes writer's. */
void hsm_der_put_inner(struct kq_writer *writer, uint8_t tag, const struct kq_writer *inner);

#endif
