#ifndef KQ_TESTS_RECORD_MAKER_H
#define KQ_TESTS_RECORD_MAKER_H

#include "unit.h"
#include "wire/record.h"

/* Builds records of any type from its field table. Content is borrowed from
 * one constant filler and from the list buffers of the made record. */
#define MADE_STRUCT_MAX 1024
#define MADE_LISTS_MAX 4

struct made_record {
    uint64_t members[MADE_STRUCT_MAX / sizeof(uint64_t)];
    struct kq_writer lists[MADE_LISTS_MAX];
    size_t num_lists;
};

/* Release with made_record_clear(); start with {0}. */
static inline void made_record_clear(struct made_record *made)
{
    for (size_t i = 0; i < made->num_lists; i++)
        kq_writer_clear(&made->lists[i]);
    *made = (struct made_record){.num_lists = 0};
}
KQ_AUTO_DEFINE_VALUE(made_record);

/* Printable bytes, more than any field may hold. */
static inline struct kq_slice filler(size_t len)
{
    static uint8_t bytes[2 * 1024 * 1024];
    if (bytes[0] == 0) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)('a' + i % 23);
    }
    assert_true(len <= sizeof bytes);
    return kq_slice_of(bytes, len);
}

static inline void *member_at(struct made_record *made, const struct kq_record_type *type, size_t index)
{
    uint8_t *at = (uint8_t *)made->members;
    for (size_t i = 0; i < index; i++)
        at += type->fields[i].kind == KQ_FIELD_UINT   ? sizeof(uint64_t)
              : type->fields[i].kind == KQ_FIELD_LIST ? sizeof(struct kq_list)
                                                      : sizeof(struct kq_slice);
    return at;
}

static inline struct kq_list make_list(struct made_record *made, uint64_t num)
{
    struct kq_writer *items = &made->lists[made->num_lists++];
    assert_true(made->num_lists <= MADE_LISTS_MAX);
    kq_writer_init(items, 1024 * 1024);
    for (uint64_t i = 0; i < num; i++)
        kq_list_put(items, filler(i % 7));
    struct kq_slice bytes;
    assert_ok(kq_writer_finish(items, &bytes));
    return (struct kq_list){.items = bytes, .num = num};
}

/* Sets one field to a value, or to that many bytes or items. */
static inline void make_field(struct made_record *made, const struct kq_record_type *type, size_t index,
                              uint64_t measure)
{
    void *member = member_at(made, type, index);
    if (type->fields[index].kind == KQ_FIELD_UINT)
        *(uint64_t *)member = measure;
    else if (type->fields[index].kind == KQ_FIELD_LIST)
        *(struct kq_list *)member = make_list(made, measure);
    else
        *(struct kq_slice *)member = filler(measure);
}

/* A record with every field at its minimum. */
static inline void make_smallest(struct made_record *made, const struct kq_record_type *type)
{
    assert_true(type->struct_size <= sizeof made->members);
    for (size_t i = 0; i < type->num_fields; i++)
        make_field(made, type, i, type->fields[i].min);
}

/* A record of random values within the limits, strings mostly short. */
static inline void make_random(struct made_record *made, const struct kq_record_type *type, struct unit_random *random)
{
    assert_true(type->struct_size <= sizeof made->members);
    for (size_t i = 0; i < type->num_fields; i++) {
        const struct kq_field *field = &type->fields[i];
        uint64_t span = field->max - field->min;
        uint64_t most = field->kind == KQ_FIELD_UINT || span < 300 ? span : 300;
        uint64_t step = unit_random_next(random) >> (unit_random_next(random) % 64);
        make_field(made, type, i, field->min + (most == UINT64_MAX ? step : step % (most + 1)));
    }
}

/* Encodes what was made; the caller's writer was initialised here. */
static inline kq_status encode_made(const struct made_record *made, const struct kq_record_type *type,
                                    struct kq_writer *writer, struct kq_slice *out)
{
    kq_writer_init(writer, 8 * 1024 * 1024);
    kq_record_put(type, made->members, writer);
    return kq_writer_finish(writer, out);
}

#endif
