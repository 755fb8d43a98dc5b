#ifndef KQ_BASE_TEXT_H
#define KQ_BASE_TEXT_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* Room for a hash of 32 bytes as eight groups of eight hex digits, with NUL. */
#define KQ_HASH_TEXT_SIZE 72
/* Room for "2026-11-21T21:44:03Z" with NUL. */
#define KQ_TIME_TEXT_SIZE 21

/* Writes 2 * len lower-case hex digits and a NUL. out holds at least 2 * len + 1 bytes. */
void kq_hex_encode(struct kq_slice in, char *out);

/* Reads exactly 2 * out_len hex digits of either case; false otherwise. Public data only. */
bool kq_hex_decode(struct kq_slice text, uint8_t *out, size_t out_len);

/* Writes a 32-byte hash as eight groups of eight hex digits; hash.len must be 32, else "(none)". */
void kq_hash_text(struct kq_slice hash, char out[KQ_HASH_TEXT_SIZE]);

/* Reads a 32-byte hash as people type it: hex of either case, white space,
 * colons and hyphens between digits ignored. False unless exactly 32 bytes. */
bool kq_hash_parse(struct kq_slice text, uint8_t out[32]);

/* Appends base64url without padding (RFC 4648 5).  Errors: as kq_buffer_append().
 * Timing depends on in.len only. */
KQ_MUST_CHECK kq_status kq_base64url_encode(struct kq_slice in, struct kq_buffer *out);
/* Errors: KQ_ERR_FORMAT for a character outside the alphabet, padding, a
 * length of 1 mod 4 or bits set after the last byte.
 * Timing depends on the length, and on where an error is found. */
KQ_MUST_CHECK kq_status kq_base64url_decode(struct kq_slice text, struct kq_buffer *out);

/* UTC, ISO 8601. */
void kq_time_text(uint64_t unix_s, char out[KQ_TIME_TEXT_SIZE]);

/* True for well-formed UTF-8 without C0 control characters or DEL. */
bool kq_text_is_printable(struct kq_slice text);

/* True for 8-4-4-4-12 hex digits with hyphens. */
bool kq_guid_is_valid(struct kq_slice text);

/* Reads decimal digits only, up to max; false otherwise. */
bool kq_uint_parse(struct kq_slice text, uint64_t max, uint64_t *out);

/* Copies a slice to a C string of size bytes; false (out is "") if it does not fit or holds a NUL. */
bool kq_text_copy(struct kq_slice text, char *out, size_t size);

/* The bytes of a slice as a C string of its own; free() it. NULL without
 * memory, or where the slice holds a NUL. */
char *kq_text_new(struct kq_slice text);

#endif
