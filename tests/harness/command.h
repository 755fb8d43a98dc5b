#ifndef KQ_TESTS_HARNESS_COMMAND_H
#define KQ_TESTS_HARNESS_COMMAND_H

#include "base/buffer.h"

/* Runs programs and keeps their files, for tests that ask an outsider
 * (openssl) or a program of our own. Whatever does not work fails the test. */

#define COMMAND_PATH_SIZE 512

/* Runs argv[0] (looked for on PATH) with no input and returns its exit status,
 * or 128 and the signal's number.
 *
 * out  what it wrote to standard output and standard error (initialised here); may be NULL */
int command_run(const char *const argv[], struct kq_buffer *out);

/* The same from another folder; a relative program name is looked for there. */
int command_run_in(const char *folder, const char *const argv[], struct kq_buffer *out);

/* A new empty folder under $TMPDIR or /tmp; command_folder_remove() removes it
 * with everything in it. */
void command_folder_make(char out[COMMAND_PATH_SIZE]);
void command_folder_remove(const char *folder);

/* Writes and reads folder/name. */
void command_write(const char *folder, const char *name, struct kq_slice bytes);
void command_read(const char *folder, const char *name, struct kq_buffer *out);

#endif
