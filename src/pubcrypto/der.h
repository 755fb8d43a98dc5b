#ifndef KQ_PUBCRYPTO_DER_H
#define KQ_PUBCRYPTO_DER_H

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* DER (ITU-T X.690) as far as keys and warrants need it: one-byte tags,
 * definite lengths in their shortest form. Anything else fails the reader. */

#define KQ_DER_BOOLEAN 0x01u
#define KQ_DER_INTEGER 0x02u
#define KQ_DER_BIT_STRING 0x03u
#define KQ_DER_OCTET_STRING 0x04u
#define KQ_DER_NULL 0x05u
#define KQ_DER_OID 0x06u
#define KQ_DER_UTF8_STRING 0x0cu
#define KQ_DER_PRINTABLE_STRING 0x13u
#define KQ_DER_UTC_TIME 0x17u
#define KQ_DER_GENERALIZED_TIME 0x18u
#define KQ_DER_SEQUENCE 0x30u
#define KQ_DER_SET 0x31u
#define KQ_DER_CONTEXT(number) (0x80u | (number))    /* primitive, [number] */
#define KQ_DER_CONTEXT_OF(number) (0xa0u | (number)) /* constructed, [number] */

/* A cursor with a sticky failure flag, like kq_reader. */
struct kq_der_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

void kq_der_reader_init(struct kq_der_reader *reader, struct kq_slice in);
/* The content of the next element, which must have this tag. */
struct kq_slice kq_der_get(struct kq_der_reader *reader, uint8_t tag);
/* The whole of it, tag and length included. */
struct kq_slice kq_der_get_whole(struct kq_der_reader *reader, uint8_t tag);
/* A cursor over the content of the next element. */
struct kq_der_reader kq_der_enter(struct kq_der_reader *reader, uint8_t tag);
/* The magnitude of a positive INTEGER, without a leading zero byte. */
struct kq_slice kq_der_get_positive(struct kq_der_reader *reader);
/* The bytes of a BIT STRING that holds whole bytes. */
struct kq_slice kq_der_get_bit_string(struct kq_der_reader *reader);
bool kq_der_next_is(const struct kq_der_reader *reader, uint8_t tag);
/* KQ_OK if nothing failed and nothing is left over, else KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_der_finish(const struct kq_der_reader *reader);

/* Appends to a growable buffer with a hard maximum; failure is sticky. */
struct kq_der_writer {
    struct kq_buffer buffer;
    kq_status failure;
};

void kq_der_writer_init(struct kq_der_writer *writer, size_t max);
void kq_der_put(struct kq_der_writer *writer, uint8_t tag, struct kq_slice content);
/* Bytes that are DER already. */
void kq_der_put_raw(struct kq_der_writer *writer, struct kq_slice bytes);
/* A positive INTEGER from its big-endian magnitude. */
void kq_der_put_positive(struct kq_der_writer *writer, struct kq_slice magnitude);
void kq_der_put_bit_string(struct kq_der_writer *writer, struct kq_slice bytes);
/* What is written between begin and end becomes the content of the element. */
size_t kq_der_begin(struct kq_der_writer *writer, uint8_t tag);
void kq_der_end(struct kq_der_writer *writer, size_t mark);
/* Appends what was written to out.  Errors: the first failure. */
KQ_MUST_CHECK kq_status kq_der_writer_finish(const struct kq_der_writer *writer, struct kq_buffer *out);
void kq_der_writer_clear(struct kq_der_writer *writer);

KQ_AUTO_DEFINE_VALUE(kq_der_writer);

#endif
