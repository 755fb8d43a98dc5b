#include "wire/record.h"

#include "base/text.h"

const struct kq_record_type kq_nothing_type = {.struct_size = sizeof(struct kq_nothing), .max_len = 1};

bool kq_list_next(struct kq_list *list, struct kq_slice *out_item)
{
    if (list->num == 0)
        return false;
    struct kq_reader reader;
    kq_reader_init(&reader, list->items);
    *out_item = kq_cbor_get_bytes(&reader);
    list->items = kq_slice_of(reader.at, reader.left);
    list->num--;
    return !reader.failed;
}

void kq_list_put(struct kq_writer *items, struct kq_slice item)
{
    kq_cbor_put_bytes(items, item);
}

static size_t member_size(enum kq_field_kind kind)
{
    switch (kind) {
    case KQ_FIELD_UINT:
        return sizeof(uint64_t);
    case KQ_FIELD_BYTES:
    case KQ_FIELD_TEXT:
        return sizeof(struct kq_slice);
    case KQ_FIELD_LIST:
        return sizeof(struct kq_list);
    }
    KQ_BUG("unknown field kind");
}

static bool is_within(const struct kq_field *field, uint64_t value)
{
    return value >= field->min && value <= field->max;
}

/* True if the items are as many byte strings as the list says, and nothing else. */
static bool is_whole_list(const struct kq_list *list)
{
    struct kq_reader reader;
    kq_reader_init(&reader, list->items);
    for (size_t i = 0; i < list->num && !reader.failed; i++)
        kq_cbor_get_bytes(&reader);
    return kq_reader_finish(&reader) == KQ_OK;
}

/* True if the decoder will take what the member holds. */
static bool is_allowed(const struct kq_field *field, const void *member)
{
    const uint64_t *number = member;
    const struct kq_slice *string = member;
    const struct kq_list *list = member;
    switch (field->kind) {
    case KQ_FIELD_UINT:
        return is_within(field, *number);
    case KQ_FIELD_BYTES:
        return is_within(field, string->len);
    case KQ_FIELD_TEXT:
        return is_within(field, string->len) && kq_text_is_printable(*string);
    case KQ_FIELD_LIST:
        return is_within(field, list->num) && is_whole_list(list);
    }
    KQ_BUG("unknown field kind");
}

static void put_field(const struct kq_field *field, const void *member, struct kq_writer *writer)
{
    const uint64_t *number = member;
    const struct kq_slice *string = member;
    const struct kq_list *list = member;
    switch (field->kind) {
    case KQ_FIELD_UINT:
        kq_cbor_put_uint(writer, *number);
        break;
    case KQ_FIELD_BYTES:
        kq_cbor_put_bytes(writer, *string);
        break;
    case KQ_FIELD_TEXT:
        kq_cbor_put_text(writer, *string);
        break;
    case KQ_FIELD_LIST:
        kq_cbor_put_array(writer, list->num);
        kq_writer_bytes(writer, list->items);
        break;
    }
}

static void fail_writer(struct kq_writer *writer, kq_status failure)
{
    if (writer->failure == KQ_OK)
        writer->failure = failure;
}

void kq_record_put(const struct kq_record_type *type, const void *record, struct kq_writer *writer)
{
    size_t start = writer->buffer.len;
    if (type->name == NULL) {
        kq_cbor_put_array(writer, type->num_fields);
    } else {
        kq_cbor_put_array(writer, type->num_fields + 2);
        kq_cbor_put_text(writer, kq_slice_text(type->name));
        kq_cbor_put_uint(writer, type->version);
    }
    const uint8_t *member = record;
    for (size_t i = 0; i < type->num_fields; i++) {
        if (!is_allowed(&type->fields[i], member))
            fail_writer(writer, KQ_ERR_ARGUMENT);
        put_field(&type->fields[i], member, writer);
        member += member_size(type->fields[i].kind);
    }
    if (writer->buffer.len - start > type->max_len)
        fail_writer(writer, KQ_ERR_TOO_LARGE);
}

static struct kq_list get_list(struct kq_reader *reader)
{
    struct kq_list list = {.num = kq_cbor_get_array(reader)};
    const uint8_t *start = reader->at;
    for (size_t i = 0; i < list.num; i++)
        kq_cbor_get_bytes(reader);
    if (reader->failed)
        return (struct kq_list){.num = 0};
    list.items = kq_slice_of(start, (size_t)(reader->at - start));
    return list;
}

/* Reads one field into the member; false if it is not what the table says. */
static bool get_field(const struct kq_field *field, struct kq_reader *reader, void *member)
{
    uint64_t measure = 0;
    if (field->kind == KQ_FIELD_UINT) {
        uint64_t *number = member;
        measure = *number = kq_cbor_get_uint(reader);
    } else if (field->kind == KQ_FIELD_LIST) {
        struct kq_list *list = member;
        *list = get_list(reader);
        measure = list->num;
    } else {
        struct kq_slice *string = member;
        *string = field->kind == KQ_FIELD_TEXT ? kq_cbor_get_text(reader) : kq_cbor_get_bytes(reader);
        measure = string->len;
    }
    return !reader->failed && is_within(field, measure);
}

static kq_status get_type_and_version(const struct kq_record_type *type, struct kq_reader *reader)
{
    struct kq_slice name = kq_cbor_get_text(reader);
    if (reader->failed || !kq_slice_is_text(name, type->name))
        return KQ_ERR_FORMAT;
    uint64_t version = kq_cbor_get_uint(reader);
    if (reader->failed || version == 0)
        return KQ_ERR_FORMAT;
    if (version > type->version)
        return KQ_ERR_VERSION;
    return version == type->version ? KQ_OK : KQ_ERR_FORMAT;
}

#define RECORD_STRUCT_MAX 1024

static kq_status get_fields(const struct kq_record_type *type, struct kq_reader *reader, uint8_t *member,
                            const char **out_field)
{
    size_t num_items = kq_cbor_get_array(reader);
    size_t num_fields = type->num_fields;
    *out_field = "type";
    if (type->name != NULL) {
        KQ_TRY(get_type_and_version(type, reader));
        num_fields += 2;
    }
    if (reader->failed || num_items != num_fields)
        return KQ_ERR_FORMAT;
    for (size_t i = 0; i < type->num_fields; i++) {
        *out_field = type->fields[i].name;
        if (!get_field(&type->fields[i], reader, member))
            return KQ_ERR_FORMAT;
        member += member_size(type->fields[i].kind);
    }
    *out_field = "length";
    return kq_reader_finish(reader);
}

kq_status kq_record_get(const struct kq_record_type *type, struct kq_slice in, void *out_record, const char **out_field)
{
    uint64_t members[RECORD_STRUCT_MAX / sizeof(uint64_t)];
    if (type->struct_size > sizeof members)
        KQ_BUG("record struct larger than RECORD_STRUCT_MAX");
    const char *field = "length";
    kq_status status = KQ_ERR_TOO_LARGE;
    if (in.len <= type->max_len) {
        struct kq_reader reader;
        kq_reader_init(&reader, in);
        status = get_fields(type, &reader, (uint8_t *)members, &field);
    }
    if (status == KQ_OK)
        memcpy(out_record, members, type->struct_size);
    else if (out_field != NULL)
        *out_field = field;
    return status;
}
