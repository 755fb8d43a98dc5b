#ifndef VAULT_CONFIG_H
#define VAULT_CONFIG_H

#include "vault/http/message.h"

/* keyvaultd.conf: an INI file, every option with a default. The table of
 * options is in config.c; docs/man/keyvaultd.1 describes each, and a test
 * compares the two. */
#define VAULT_LISTEN_MAX 16u

struct vault_config {
    /* [server] */
    char domain[200];
    struct vault_http_address listen[VAULT_LISTEN_MAX];
    size_t num_listen;
    uint64_t workers; /* 0: chosen by the number of processors */
    uint64_t io_threads;
    uint64_t max_connections;
    uint64_t max_connections_per_address;
    uint64_t max_body;
    uint64_t idle_seconds;
    uint64_t request_seconds;
    /* [tls] */
    char certificate[1024]; /* an operator's own chain and key; "": the private CA's */
    char key[1024];
    /* [tokens] */
    uint64_t token_seconds;
    uint64_t leeway_seconds;
    /* [keys] */
    uint64_t loaded_keys; /* for each region */
    uint64_t module_seconds;
    bool attested_only;
    bool clear_import;
    /* [housekeeping] */
    uint64_t housekeeping_seconds;
    /* [throttle] */
    bool throttle;
    /* [metrics] */
    bool metrics;
    bool metrics_remote;
    /* [test]: refused without --test-mode */
    bool test_clock;
    bool test_faults;
    /* [log] */
    bool log_requests;
};

void vault_config_defaults(struct vault_config *config);

/* Reads a file over the defaults; unknown sections and options are refused.
 * out_error  one sentence: file, line, option, remedy; size at least 400
 * Errors     KQ_ERR_NOT_FOUND, KQ_ERR_FORMAT, KQ_ERR_ARGUMENT, KQ_ERR_IO */
KQ_MUST_CHECK kq_status vault_config_read(const char *path, struct vault_config *config, char *out_error,
                                          size_t out_error_size);
/* Sets one option as a line of the file would.  Errors: KQ_ERR_NOT_FOUND (no such option), KQ_ERR_ARGUMENT;
 * out_error says what is allowed. */
KQ_MUST_CHECK kq_status vault_config_set(struct vault_config *config, const char *section, const char *name,
                                         const char *value, char *out_error, size_t out_error_size);
/* The file that says what config says, with a line of words for each option. */
KQ_MUST_CHECK kq_status vault_config_write(const struct vault_config *config, struct kq_buffer *out);

#endif
