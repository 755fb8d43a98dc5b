#ifndef KQ_TESTS_EVERY_RECORD_H
#define KQ_TESTS_EVERY_RECORD_H

#include "base/size.h"
#include "wire/control.h"
#include "wire/join.h"
#include "wire/messages.h"

/* Every record there is, one after another: the formats, the join files, the
 * control channel, the envelopes and all params and results of operations.
 * NULL behind the last. Some messages come more than once. */
static inline const struct kq_record_type *every_record(size_t index)
{
    static const struct kq_record_type *const others[] = {
        &kq_join_request_type, &kq_join_request_file_type, &kq_join_admission_type, &kq_join_admission_file_type,
        &kq_control_type,      &kq_request_type,           &kq_reply_type,          &kq_trust_entry_type,
    };
    if (index < kq_num_format_types)
        return kq_format_types[index];
    index -= kq_num_format_types;
    if (index < KQ_COUNT_OF(others))
        return others[index];
    index -= KQ_COUNT_OF(others);
    if (index < 2 * kq_num_operations)
        return index % 2 == 0 ? kq_operations[index / 2].params : kq_operations[index / 2].results;
    return NULL;
}

/* A name for messages of tests: that of the format, else the first field's. */
static inline const char *record_title(const struct kq_record_type *type)
{
    return type->name != NULL ? type->name : type->num_fields > 0 ? type->fields[0].name : "(nothing)";
}

#endif
