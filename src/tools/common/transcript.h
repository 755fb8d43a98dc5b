#ifndef KQ_TOOLS_COMMON_TRANSCRIPT_H
#define KQ_TOOLS_COMMON_TRANSCRIPT_H

#include "tools/common/tool.h"

/* Appends one line of JSON to the file named in KEYQUAY_TRANSCRIPT: time,
 * command line, hashes noted, outcome ("done" or what went wrong). Nothing
 * happens without the variable; a file that cannot be written is said and
 * changes no outcome. No secret gets there: command lines hold none. */
void kq_transcript_append(struct kq_tool *tool, kq_status status);

#endif
