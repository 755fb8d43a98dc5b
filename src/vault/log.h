#ifndef VAULT_LOG_H
#define VAULT_LOG_H

#include <stdbool.h>

/* The service's log: one line of JSON for each event, on standard error, where
 * a service manager or --daemon's file takes it. Never bytes of a request but
 * its method, host and path; never a secret. Thread-safe: a line is one write. */

/* A member of a line: text, or a number where text is NULL. */
struct vault_log_member {
    const char *name;
    const char *text;
    long long number;
};
/* level: "info", "warning", "error". Members end with a NULL name. */
void vault_log(const char *level, const char *event, const struct vault_log_member *members);

#endif
