#ifndef VAULT_SERVE_H
#define VAULT_SERVE_H

#include "vault/wiring.h"

/* Serving until a signal says stop: listeners, the log, housekeeping. */
struct vault_serve_options {
    const char *data;
    const struct vault_config *config;
    enum vault_mode mode;
    int ready_fd; /* gets one byte and is closed when requests are answered; -1 */
};
/* SIGTERM and SIGINT: accepts nothing more, finishes what it accepted. SIGHUP:
 * certificate and regions are read again.
 * Errors: in out_error. */
KQ_MUST_CHECK kq_status vault_serve(const struct vault_serve_options *options, char out_error[VAULT_ERROR_SIZE]);

#endif
