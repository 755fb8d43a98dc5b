#ifndef KQ_TOOLS_TRANSFER_CMDLET_TOOL_H
#define KQ_TOOLS_TRANSFER_CMDLET_TOOL_H

#include "tools/common/args.h"
#include "tools/transfer/cmdlet.h"

#define KQ_CMDLET_PARAMETERS_MAX 16u

/* Reads the command line of a cmdlet without positional arguments: its own
 * parameters, and those every cmdlet takes without listing them: -Json (sets
 * tool->is_json), -Help, -? and -Version.
 *
 * num_parameters  at most KQ_CMDLET_PARAMETERS_MAX
 * usage           what -Help prints
 * Returns         KQ_ARGS_DONE after -Help or -Version was answered;
 *                 KQ_ARGS_WRONG after the mistake was said (kq_tool_usage) */
enum kq_args_result kq_cmdlet_read(struct kq_tool *tool, const struct kq_cmdlet_parameter *parameters,
                                   size_t num_parameters, const char *usage, int argc, char **argv);

#endif
