#ifndef KQ_WIRE_RECORD_H
#define KQ_WIRE_RECORD_H

#include "wire/cbor.h"

/* Records: every file, signed statement and message is one CBOR array whose
 * items stand in a table. The table is written once, as a macro that reads
 * like the row list of the specification:
 *
 *     #define KQ_EXAMPLE_FIELDS(UINT, BYTES, TEXT, LIST)  \
 *         UINT(kind, 1, 3)          an integer, smallest and largest value
 *         BYTES(hash, 32, 32)       a byte string, shortest and longest
 *         TEXT(name, 1, 80)         printable UTF-8, in bytes
 *         LIST(warrants, 0, 4)      an array of byte strings, fewest and most
 *     KQ_RECORD_DECLARE(kq_example, KQ_EXAMPLE_FIELDS)      in the header
 *     KQ_RECORD_DEFINE(kq_example, "keyquay/example", 1, KQ_EXAMPLE_FIELDS, 4096)   in the .c
 *
 * A named record is encoded as [name, version, fields...]: whatever is signed
 * therefore begins with its type and version. Messages have no name (NULL)
 * and are encoded as [fields...]. docs/formats/encoding.md. */

/* An array of byte strings, still encoded. Walk it with kq_list_next(). */
struct kq_list {
    struct kq_slice items; /* the encoded items, one after another */
    size_t num;
};

/* Takes the next item off the list; false at its end. */
bool kq_list_next(struct kq_list *list, struct kq_slice *out_item);
/* Appends one item to the encoded form that a kq_list refers to. */
void kq_list_put(struct kq_writer *items, struct kq_slice item);

enum kq_field_kind { KQ_FIELD_UINT, KQ_FIELD_BYTES, KQ_FIELD_TEXT, KQ_FIELD_LIST };

struct kq_field {
    const char *name;
    enum kq_field_kind kind;
    uint64_t min;
    uint64_t max;
};

/* Members lie in the struct in table order, side by side (checked when a
 * record is defined), so the table needs no offsets. */
struct kq_record_type {
    const char *name; /* NULL for messages */
    uint64_t version;
    const struct kq_field *fields;
    size_t num_fields;
    size_t struct_size;
    size_t max_len; /* of the encoding */
};

/* Encodes *record (of the type's struct) at the end of writer, so that
 * kq_record_get() will take it: a value outside its limits makes the writer
 * fail with KQ_ERR_ARGUMENT (so do text that is not printable, and a list
 * whose items are not what it says), a record over max_len with
 * KQ_ERR_TOO_LARGE. */
void kq_record_put(const struct kq_record_type *type, const void *record, struct kq_writer *writer);

/* Decodes exactly one record. Slices in *out_record borrow from in.
 *
 * out_record  untouched unless KQ_OK
 * out_field   may be NULL; on failure the name of the offending field, or
 *             "type" / "length" (static storage)
 * Errors      KQ_ERR_FORMAT, KQ_ERR_VERSION (newer than we know), KQ_ERR_TOO_LARGE (in.len > max_len) */
KQ_MUST_CHECK kq_status kq_record_get(const struct kq_record_type *type, struct kq_slice in, void *out_record,
                                      const char **out_field);

#define KQ_MEMBER_UINT_(name, min, max) uint64_t name;
#define KQ_MEMBER_BYTES_(name, min, max) struct kq_slice name;
#define KQ_MEMBER_LIST_(name, min, max) struct kq_list name;

#define KQ_RECORD_DECLARE(type, FIELDS)                                                                                \
    struct type {                                                                                                      \
        FIELDS(KQ_MEMBER_UINT_, KQ_MEMBER_BYTES_, KQ_MEMBER_BYTES_, KQ_MEMBER_LIST_)                                   \
    };                                                                                                                 \
    extern const struct kq_record_type type##_type;                                                                    \
    static inline void type##_put(const struct type *record, struct kq_writer *writer)                                 \
    {                                                                                                                  \
        kq_record_put(&type##_type, record, writer);                                                                   \
    }                                                                                                                  \
    KQ_MUST_CHECK static inline kq_status type##_get(struct kq_slice in, struct type *out, const char **out_field)     \
    {                                                                                                                  \
        return kq_record_get(&type##_type, in, out, out_field);                                                        \
    }                                                                                                                  \
    struct type /* swallow the semicolon */

#define KQ_ROW_UINT_(member, min, max) {#member, KQ_FIELD_UINT, (min), (max)},
#define KQ_ROW_BYTES_(member, min, max) {#member, KQ_FIELD_BYTES, (min), (max)},
#define KQ_ROW_TEXT_(member, min, max) {#member, KQ_FIELD_TEXT, (min), (max)},
#define KQ_ROW_LIST_(member, min, max) {#member, KQ_FIELD_LIST, (min), (max)},
#define KQ_SIZE_UINT_(member, min, max) +sizeof(uint64_t)
#define KQ_SIZE_BYTES_(member, min, max) +sizeof(struct kq_slice)
#define KQ_SIZE_LIST_(member, min, max) +sizeof(struct kq_list)

#define KQ_RECORD_DEFINE(type, text_name, version_number, FIELDS, max_encoded_len)                                     \
    _Static_assert(sizeof(struct type) == FIELDS(KQ_SIZE_UINT_, KQ_SIZE_BYTES_, KQ_SIZE_BYTES_, KQ_SIZE_LIST_),        \
                   "the members of a record lie side by side");                                                        \
    static const struct kq_field type##_fields_[] = {FIELDS(KQ_ROW_UINT_, KQ_ROW_BYTES_, KQ_ROW_TEXT_, KQ_ROW_LIST_)}; \
    const struct kq_record_type type##_type = {.name = (text_name),                                                    \
                                               .version = (version_number),                                            \
                                               .fields = type##_fields_,                                               \
                                               .num_fields = sizeof type##_fields_ / sizeof type##_fields_[0],         \
                                               .struct_size = sizeof(struct type),                                     \
                                               .max_len = (max_encoded_len)}

/* The message without fields. */
struct kq_nothing {
    uint64_t unused;
};
extern const struct kq_record_type kq_nothing_type;

#endif
