/* keyvaultd: the key vault's service. Speaks HTTPS, keeps sealed blobs, has no
 * key: every private-key operation happens in a module. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "vault/daemon.h"
#include "vault/init.h"
#include "vault/serve.h"

static const char usage[] =
    "usage: keyvaultd --data DIR [--config FILE] [--foreground | --daemon] [--test-mode]   serve\n"
    "       keyvaultd --init --data DIR [--domain NAME] [--listen ADDR:PORT]... [--tenant GUID]\n"
    "                                    first run: database, keys, certificates, credentials\n"
    "       keyvaultd --check --data DIR [--config FILE]   read the configuration and its certificate, and stop\n"
    "options:\n"
    "  --data DIR        where regions/, platform/ and vault/ lie\n"
    "  --config FILE     default DIR/keyvaultd.conf\n"
    "  --domain NAME     names end with it (default keyquay.localhost)\n"
    "  --listen ADDR:PORT  may be repeated (default 127.0.0.1:8443 and [::1]:8443)\n"
    "  --tenant GUID     the tenant's id (default: a random one)\n"
    "  --daemon          go to the background and return when requests are answered\n"
    "  --foreground      stay (the default)\n"
    "  --test-mode       NOT FOR PRODUCTION: allow what [test] of the configuration asks for\n"
    "  --help, --version\n"
    "The modules must run already; `keyquay up` starts everything.\n"
    "Exit status: 0 done, 1 refused or failed, 2 usage, 4 a module cannot be reached,\n"
    "or an address is not free.\n";

enum { EXIT_USAGE = 2, EXIT_UNREACHABLE = 4 };
enum act { ACT_SERVE, ACT_INIT, ACT_CHECK, ACT_HELP, ACT_VERSION };

struct options {
    enum act act;
    const char *data;
    const char *config_path;
    const char *tenant;
    bool is_daemon;
    bool is_test;
    struct vault_config config; /* for --init: what was said */
};

static int fail(const char *what)
{
    fprintf(stderr, "keyvaultd: %s\n", what);
    return EXIT_FAILURE;
}

/* A file of the folder that the system refused, by errno. */
static int fail_at(const char *data, const char *name)
{
    fprintf(stderr, "keyvaultd: %s/%s: %s\n", data, name, strerror(errno));
    return EXIT_FAILURE;
}

static int exit_status_of(kq_status status)
{
    return status == KQ_ERR_CONNECT ? EXIT_UNREACHABLE : EXIT_FAILURE;
}

/* ---- the command line ------------------------------------------------------------------ */

static const struct option known[] = {{"init", no_argument, NULL, 'i'},
                                      {"check", no_argument, NULL, 'c'},
                                      {"data", required_argument, NULL, 'd'},
                                      {"config", required_argument, NULL, 'f'},
                                      {"domain", required_argument, NULL, 'o'},
                                      {"listen", required_argument, NULL, 'l'},
                                      {"tenant", required_argument, NULL, 't'},
                                      {"daemon", no_argument, NULL, 'b'},
                                      {"foreground", no_argument, NULL, 'g'},
                                      {"test-mode", no_argument, NULL, 'x'},
                                      {"help", no_argument, NULL, 'h'},
                                      {"version", no_argument, NULL, 'v'},
                                      {NULL, 0, NULL, 0}};

static bool refuse(const char *what, const char *word)
{
    fprintf(stderr, "keyvaultd: %s%.200s\n", what, word);
    return false;
}

static bool set_option(struct vault_config *config, const char *name, const char *value)
{
    char error[400];
    if (vault_config_set(config, "server", name, value, error, sizeof error) == KQ_OK)
        return true;
    return refuse(error, "");
}

static bool take_option(int option, struct options *out)
{
    switch (option) {
    case 'i':
        out->act = ACT_INIT;
        return true;
    case 'c':
        out->act = ACT_CHECK;
        return true;
    case 'd':
        out->data = optarg;
        return true;
    case 'f':
        out->config_path = optarg;
        return true;
    case 'o':
        return set_option(&out->config, "domain", optarg);
    case 'l':
        return set_option(&out->config, "listen", optarg);
    case 't':
        out->tenant = optarg;
        return kq_guid_is_valid(kq_slice_text(optarg)) || refuse("--tenant takes a GUID, not ", optarg);
    case 'b':
        out->is_daemon = true;
        return true;
    case 'g':
        out->is_daemon = false;
        return true;
    case 'x':
        out->is_test = true;
        return true;
    case 'h':
        out->act = ACT_HELP;
        return true;
    case 'v':
        out->act = ACT_VERSION;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct options *out)
{
    *out = (struct options){.act = ACT_SERVE};
    vault_config_defaults(&out->config);
    for (int option = getopt_long(argc, argv, "", known, NULL); option != -1;
         option = getopt_long(argc, argv, "", known, NULL)) {
        if (!take_option(option, out))
            return false;
        if (out->act == ACT_HELP || out->act == ACT_VERSION)
            return true; /* whatever else was said */
    }
    if (optind < argc)
        return refuse("a word that belongs to no option: ", argv[optind]);
    if (out->data == NULL)
        return refuse("--data DIR is missing", "");
    return out->config.num_listen > 0 ||
           (set_option(&out->config, "listen", "127.0.0.1:8443") && set_option(&out->config, "listen", "[::1]:8443"));
}

/* ---- acts ---------------------------------------------------------------------------------- */

static kq_status read_config(const struct options *options, const char *data, struct vault_config *config)
{
    char path[KQ_PATH_MAX], error[VAULT_ERROR_SIZE];
    KQ_TRY(kq_path_join(data, "keyvaultd.conf", path));
    vault_config_defaults(config);
    const char *file = options->config_path != NULL ? options->config_path : path;
    kq_status status = vault_config_read(file, config, error, sizeof error);
    if (status == KQ_OK && config->num_listen == 0) {
        snprintf(error, sizeof error, "%.700s: [server] listen: at least one line is needed", file);
        status = KQ_ERR_ARGUMENT;
    }
    if (status == KQ_OK && (config->test_clock || config->test_faults) && !options->is_test) {
        snprintf(error, sizeof error,
                 "%.700s: [test]: clock-control and fault-injection need --test-mode, which is not for production; "
                 "set both to no",
                 file);
        status = KQ_ERR_ARGUMENT;
    }
    if (status != KQ_OK)
        fprintf(stderr, "keyvaultd: %s%s\n", error,
                !kq_file_exists(file) && options->config_path == NULL ? "; `keyvaultd --init` writes it" : "");
    return status;
}

static int check(const struct options *options, const char *data)
{
    struct vault_config config;
    char error[VAULT_ERROR_SIZE] = "";
    if (read_config(options, data, &config) != KQ_OK)
        return EXIT_FAILURE;
    if (vault_wiring_check_tls(&config, error) != KQ_OK)
        return fail(error);
    puts("keyvaultd: the configuration can be used");
    return EXIT_SUCCESS;
}

static int init(const struct options *options, const char *data)
{
    char error[VAULT_ERROR_SIZE] = "";
    struct vault_config config = options->config;
    char path[KQ_PATH_MAX];
    /* A second run keeps what the first one wrote. */
    if (kq_path_join(data, "keyvaultd.conf", path) == KQ_OK && kq_file_exists(path) &&
        read_config(options, data, &config) != KQ_OK)
        return EXIT_FAILURE;
    const struct vault_init_options what = {.data = data, .tenant = options->tenant, .config = &config};
    kq_status status = vault_init(&what, error);
    if (status == KQ_OK)
        return EXIT_SUCCESS;
    fail(error);
    return exit_status_of(status);
}

static int serve(const struct options *options, const char *data)
{
    char error[VAULT_ERROR_SIZE] = "";
    struct vault_config config;
    int ready_fd = -1, lock_fd = -1;
    if (read_config(options, data, &config) != KQ_OK)
        return EXIT_FAILURE;
    if (options->is_daemon && vault_daemon_start(data, &ready_fd) != KQ_OK)
        return fail_at(data, "vault/keyvaultd.log");
    kq_status status = vault_daemon_lock(data, &lock_fd);
    if (status == KQ_ERR_WAIT)
        return fail("this folder is served already (vault/keyvaultd.pid); stop that one first");
    if (status != KQ_OK)
        return fail_at(data, "vault/keyvaultd.pid");
    const struct vault_serve_options what = {.data = data,
                                             .config = &config,
                                             .mode = options->is_test ? VAULT_MODE_TEST : VAULT_MODE_PRODUCTION,
                                             .ready_fd = ready_fd};
    status = vault_serve(&what, error);
    if (status == KQ_OK)
        return EXIT_SUCCESS;
    fail(error);
    return exit_status_of(status);
}

int main(int argc, char **argv)
{
    struct options options;
    if (!parse_options(argc, argv, &options)) {
        fputs("  \"keyvaultd --help\" shows what it takes.\n", stderr);
        return EXIT_USAGE;
    }
    if (options.act == ACT_HELP)
        return fputs(usage, stdout) < 0;
    if (options.act == ACT_VERSION)
        return puts("keyvaultd " KQ_VERSION) < 0;
    umask(077);
    char *data = realpath(options.data, NULL);
    if (data == NULL || strlen(data) >= KQ_PATH_MAX - 128) {
        fprintf(stderr, "keyvaultd: %s: %s\n  `keyquay up` makes such a folder and starts all of it.\n", options.data,
                data == NULL ? strerror(errno) : "the path is too long");
        free(data);
        return EXIT_FAILURE;
    }
    int status = options.act == ACT_INIT    ? init(&options, data)
                 : options.act == ACT_CHECK ? check(&options, data)
                                            : serve(&options, data);
    free(data);
    return status;
}
