#ifndef KQ_TOOLS_OWNER_DUMP_H
#define KQ_TOOLS_OWNER_DUMP_H

#include <stdio.h>

#include "base/slice.h"
#include "base/status.h"

/* Prints every field of a named record (wire/formats.h), and of the records
 * inside it: signed statements, blobs, places, ACLs in words, certificates.
 * Nothing is verified.
 *
 * out_field  on failure the field that is not as it must be; static storage
 * Errors     KQ_ERR_FORMAT (no record that we know), KQ_ERR_VERSION, KQ_ERR_TOO_LARGE */
KQ_MUST_CHECK kq_status kq_dump_print(struct kq_slice bytes, FILE *out, const char **out_field);

#endif
