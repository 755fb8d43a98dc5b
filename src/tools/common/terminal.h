#ifndef KQ_TOOLS_COMMON_TERMINAL_H
#define KQ_TOOLS_COMMON_TERMINAL_H

#include "base/secret.h"

/* The controlling terminal, whatever standard input and output are. */
enum kq_echo { KQ_ECHO_ON, KQ_ECHO_OFF };

/* The descriptor of /dev/tty, or -1. */
int kq_terminal_open(void);

/* Prints the prompt and reads one line. With KQ_ECHO_OFF nothing typed shows,
 * and Ctrl-C ends the line instead of the program, so that echo always comes back.
 * Errors: KQ_ERR_CANCELLED (Ctrl-C, Ctrl-D), KQ_ERR_IO, KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status kq_terminal_ask(int fd, const char *prompt, enum kq_echo echo, struct kq_secret *out);

#endif
