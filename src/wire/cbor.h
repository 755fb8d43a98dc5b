#ifndef KQ_WIRE_CBOR_H
#define KQ_WIRE_CBOR_H

#include "wire/reader.h"
#include "wire/writer.h"

/* The deterministic CBOR subset of docs/formats/encoding.md: unsigned
 * integers, byte strings, text strings and arrays, definite lengths, shortest
 * heads only (RFC 8949 4.2.1). Anything else fails the reader. */
uint64_t kq_cbor_get_uint(struct kq_reader *reader);
struct kq_slice kq_cbor_get_bytes(struct kq_reader *reader);
struct kq_slice kq_cbor_get_text(struct kq_reader *reader); /* printable UTF-8 only */
/* Returns the number of items that follow; each takes at least one byte, so
 * a count beyond what is left fails at once. */
size_t kq_cbor_get_array(struct kq_reader *reader);

void kq_cbor_put_uint(struct kq_writer *writer, uint64_t value);
void kq_cbor_put_bytes(struct kq_writer *writer, struct kq_slice bytes);
void kq_cbor_put_text(struct kq_writer *writer, struct kq_slice text);
void kq_cbor_put_array(struct kq_writer *writer, size_t num_items);

#endif
