#ifndef KQ_TOOLS_TRANSFER_CMDLET_H
#define KQ_TOOLS_TRANSFER_CMDLET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Command lines of the cmdlet kind: -Name VALUE or -Name:VALUE, names in any
 * case and shortened to a unique prefix; what is not a parameter is a
 * positional argument. "--name" is read as "-name". */
struct kq_cmdlet_parameter {
    const char *name;
    const char **text; /* takes a value */
    bool *flag;        /* or is a switch; exactly one of the two is set */
};

struct kq_cmdlet {
    const struct kq_cmdlet_parameter *parameters;
    size_t num_parameters;
    size_t max_arguments; /* positional ones */
};

/* Reads argv[1..]. Values and positional arguments are borrowed from argv.
 *
 * arguments      room for max_arguments
 * out_error      one sentence, at least 256 bytes
 * Errors         KQ_ERR_ARGUMENT */
KQ_MUST_CHECK kq_status kq_cmdlet_parse(const struct kq_cmdlet *cmdlet, int argc, char **argv, const char **arguments,
                                        size_t *out_num_arguments, char *out_error, size_t out_error_size);

#endif
