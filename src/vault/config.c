#include "vault/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"

enum option_kind { KIND_NUMBER, KIND_YES_NO, KIND_PATH, KIND_DOMAIN, KIND_LISTEN };

struct option {
    const char *section;
    const char *name;
    enum option_kind kind;
    size_t offset;
    uint64_t min, max, standard; /* KIND_NUMBER */
    const char *words;           /* for the file that --init writes */
};

#define AT(member) offsetof(struct vault_config, member)
static const struct option options[] = {
    {"server", "domain", KIND_DOMAIN, AT(domain), 0, 0, 0, "names end with it: NAME.vault.<domain>, login.<domain>"},
    {"server", "listen", KIND_LISTEN, AT(listen), 0, 0, 0,
     "ADDRESS:PORT, one line for each; names have the port of the first"},
    {"server", "workers", KIND_NUMBER, AT(workers), 0, 256, 0, "threads that answer requests; 0: by processors"},
    {"server", "io-threads", KIND_NUMBER, AT(io_threads), 0, 64, 0, "threads that read and write; 0: by processors"},
    {"server", "max-connections", KIND_NUMBER, AT(max_connections), 8, 100000, 12000, "all together"},
    {"server", "max-connections-per-address", KIND_NUMBER, AT(max_connections_per_address), 1, 100000, 12000,
     "of one client address"},
    {"server", "max-body", KIND_NUMBER, AT(max_body), 4096, 16777216, 4194304,
     "bytes of a request's body; a backup of 500 versions needs the standard 4 MiB"},
    {"server", "idle-seconds", KIND_NUMBER, AT(idle_seconds), 1, 86400, 120, "a connection that says nothing"},
    {"server", "request-seconds", KIND_NUMBER, AT(request_seconds), 1, 3600, 30,
     "from the first byte of a request to its last"},
    {"tls", "certificate", KIND_PATH, AT(certificate), 0, 0, 0, "PEM chain of your own; empty: the private CA's"},
    {"tls", "key", KIND_PATH, AT(key), 0, 0, 0, "its PEM key: the one private key that does not lie in a module"},
    {"tokens", "life-seconds", KIND_NUMBER, AT(token_seconds), 60, 86400, 3900, "of access tokens made here"},
    {"tokens", "leeway-seconds", KIND_NUMBER, AT(leeway_seconds), 0, 900, 60, "how far clocks may differ"},
    {"keys", "loaded", KIND_NUMBER, AT(loaded_keys), 1, 1000, 500, "keys kept loaded in each region's module"},
    {"keys", "module-seconds", KIND_NUMBER, AT(module_seconds), 1, 600, 10, "how long a request waits for a module"},
    {"keys", "attested-only", KIND_YES_NO, AT(attested_only), 0, 0, 0, "refuse packages of modules without a warrant"},
    {"keys", "clear-import", KIND_YES_NO, AT(clear_import), 0, 0, 1,
     "take JSON Web Keys with private members; they have been in the clear"},
    {"housekeeping", "seconds", KIND_NUMBER, AT(housekeeping_seconds), 1, 3600, 5,
     "between looks for keys to rotate, and keys and vaults to purge"},
    {"throttle", "enabled", KIND_YES_NO, AT(throttle), 0, 0, 0,
     "apply the published limits, to rehearse being refused with 429"},
    {"metrics", "enabled", KIND_YES_NO, AT(metrics), 0, 0, 1, "GET /metrics on the management host and on addresses"},
    {"metrics", "remote", KIND_YES_NO, AT(metrics_remote), 0, 0, 0, "show them to other hosts too, without a token"},
    {"test", "clock-control", KIND_YES_NO, AT(test_clock), 0, 0, 0, "POST /test/clock; only with --test-mode"},
    {"test", "fault-injection", KIND_YES_NO, AT(test_faults), 0, 0, 0, "POST /test/faults; only with --test-mode"},
    {"log", "requests", KIND_YES_NO, AT(log_requests), 0, 0, 1, "a line for each request"},
};

void vault_config_defaults(struct vault_config *config)
{
    *config = (struct vault_config){.domain = "keyquay.localhost"};
    for (size_t i = 0; i < KQ_COUNT_OF(options); i++) {
        void *at = (char *)config + options[i].offset;
        if (options[i].kind == KIND_NUMBER)
            *(uint64_t *)at = options[i].standard;
        else if (options[i].kind == KIND_YES_NO)
            *(bool *)at = options[i].standard != 0;
    }
}

/* ---- one option --------------------------------------------------------------------- */

static bool set_number(const struct option *option, void *at, const char *value)
{
    uint64_t number;
    if (!kq_uint_parse(kq_slice_text(value), option->max, &number) || number < option->min)
        return false;
    *(uint64_t *)at = number;
    return true;
}

static bool set_yes_no(void *at, const char *value)
{
    bool is_yes = strcmp(value, "yes") == 0;
    if (!is_yes && strcmp(value, "no") != 0)
        return false;
    *(bool *)at = is_yes;
    return true;
}

static bool set_path(void *at, const char *value)
{
    bool is_good = (value[0] == '\0' || value[0] == '/') && strlen(value) < 1024;
    return is_good && kq_text_copy(kq_slice_text(value), at, 1024);
}

/* Labels of letters, digits and inner hyphens; lower case, because hosts are compared so. */
static bool set_domain(void *at, const char *value)
{
    size_t len = strlen(value), label = 0;
    if (len == 0 || len > 190)
        return false;
    for (size_t i = 0; i <= len; i++) {
        bool is_end = value[i] == '.' || value[i] == '\0';
        bool is_inner_hyphen = value[i] == '-' && label > 0 && isalnum((unsigned char)value[i + 1]);
        if (is_end ? label == 0 || label > 63
                   : !islower((unsigned char)value[i]) && !isdigit((unsigned char)value[i]) && !is_inner_hyphen)
            return false;
        label = is_end ? 0 : label + 1;
    }
    return kq_text_copy(kq_slice_text(value), at, 200);
}

static bool has_listen(const struct vault_config *config, const struct vault_http_address *address)
{
    for (size_t i = 0; i < config->num_listen; i++) {
        if (config->listen[i].port == address->port && strcmp(config->listen[i].host, address->host) == 0)
            return true;
    }
    return false;
}

/* Names hold the port, so it cannot be left to the system. */
static bool set_listen(struct vault_config *config, const char *value)
{
    struct vault_http_address address;
    if (config->num_listen == VAULT_LISTEN_MAX || vault_http_address_parse(value, &address) != KQ_OK ||
        address.port == 0 || has_listen(config, &address))
        return false;
    config->listen[config->num_listen++] = address;
    return true;
}

static void say_allowed(const struct option *option, const char *value, char *out, size_t size)
{
    static const char *const allowed[] = {
        [KIND_NUMBER] = "a number",
        [KIND_YES_NO] = "yes or no",
        [KIND_PATH] = "an absolute path, or nothing",
        [KIND_DOMAIN] = "a DNS name in lower case",
        [KIND_LISTEN] = "ADDRESS:PORT, such as 127.0.0.1:8443 or [::1]:8443, at most sixteen, each once",
    };
    int len = snprintf(out, size, "[%s] %s = '%.60s': allowed is %s", option->section, option->name, value,
                       allowed[option->kind]);
    if (option->kind == KIND_NUMBER && len > 0 && (size_t)len < size)
        snprintf(out + len, size - (size_t)len, " from %llu to %llu", (unsigned long long)option->min,
                 (unsigned long long)option->max);
}

static const struct option *find_option(const char *section, const char *name)
{
    for (size_t i = 0; i < KQ_COUNT_OF(options); i++) {
        if (strcmp(options[i].section, section) == 0 && strcmp(options[i].name, name) == 0)
            return &options[i];
    }
    return NULL;
}

static bool set_value(struct vault_config *config, const struct option *option, const char *value)
{
    void *at = (char *)config + option->offset;
    switch (option->kind) {
    case KIND_NUMBER:
        return set_number(option, at, value);
    case KIND_YES_NO:
        return set_yes_no(at, value);
    case KIND_PATH:
        return set_path(at, value);
    case KIND_DOMAIN:
        return set_domain(at, value);
    case KIND_LISTEN:
        return set_listen(config, value);
    }
    return false;
}

kq_status vault_config_set(struct vault_config *config, const char *section, const char *name, const char *value,
                           char *out_error, size_t out_error_size)
{
    const struct option *option = find_option(section, name);
    if (option == NULL) {
        snprintf(out_error, out_error_size, "[%.40s] %.40s: there is no such option; see keyvaultd(1)", section, name);
        return KQ_ERR_NOT_FOUND;
    }
    if (set_value(config, option, value))
        return KQ_OK;
    say_allowed(option, value, out_error, out_error_size);
    return KQ_ERR_ARGUMENT;
}

/* ---- a file --------------------------------------------------------------------------- */

struct reading {
    struct vault_config *config;
    kq_status status;
    char error[300];
};

static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    if (reading->status != KQ_OK)
        return 0; /* the first mistake is the one that is told */
    reading->status = vault_config_set(reading->config, section, name, value, reading->error, sizeof reading->error);
    return reading->status == KQ_OK;
}

kq_status vault_config_read(const char *path, struct vault_config *config, char *out_error, size_t out_error_size)
{
    struct reading reading = {.config = config, .error = "not of the form NAME = VALUE"};
    config->num_listen = 0;
    int line = ini_parse(path, take_line, &reading);
    if (line == 0)
        return KQ_OK;
    if (line < 0) {
        snprintf(out_error, out_error_size, "%s: %s", path, errno != 0 ? strerror(errno) : "cannot be read");
        return errno == ENOENT ? KQ_ERR_NOT_FOUND : KQ_ERR_IO;
    }
    snprintf(out_error, out_error_size, "%s, line %d: %s", path, line, reading.error);
    return reading.status == KQ_OK ? KQ_ERR_FORMAT : reading.status;
}

static kq_status put_line(struct kq_buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static kq_status put_line(struct kq_buffer *out, const char *format, ...)
{
    char line[1200];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return len < 0 || (size_t)len >= sizeof line ? KQ_ERR_TOO_LARGE : kq_buffer_append(out, line, (size_t)len);
}

static kq_status put_option(const struct vault_config *config, const struct option *option, struct kq_buffer *out)
{
    const void *at = (const char *)config + option->offset;
    KQ_TRY(put_line(out, "; %s\n", option->words));
    switch (option->kind) {
    case KIND_NUMBER:
        return put_line(out, "%s = %llu\n", option->name, (unsigned long long)*(const uint64_t *)at);
    case KIND_YES_NO:
        return put_line(out, "%s = %s\n", option->name, *(const bool *)at ? "yes" : "no");
    case KIND_PATH:
    case KIND_DOMAIN:
        return put_line(out, "%s = %s\n", option->name, (const char *)at);
    case KIND_LISTEN:
        for (size_t i = 0; i < config->num_listen; i++) {
            bool is_six = strchr(config->listen[i].host, ':') != NULL;
            KQ_TRY(put_line(out, "%s = %s%s%s:%u\n", option->name, is_six ? "[" : "", config->listen[i].host,
                            is_six ? "]" : "", config->listen[i].port));
        }
        return KQ_OK;
    }
    return KQ_ERR_INTERNAL;
}

kq_status vault_config_write(const struct vault_config *config, struct kq_buffer *out)
{
    const char *section = "";
    KQ_TRY(put_line(out, "; keyvaultd, see keyvaultd(1). `keyvaultd --check` reads it without serving.\n"));
    for (size_t i = 0; i < KQ_COUNT_OF(options); i++) {
        if (strcmp(section, options[i].section) != 0)
            KQ_TRY(put_line(out, "\n[%s]\n", options[i].section));
        section = options[i].section;
        KQ_TRY(put_option(config, &options[i], out));
    }
    return KQ_OK;
}
