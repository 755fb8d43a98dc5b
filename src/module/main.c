#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "module/arena/arena.h"
#include "module/arena/thread.h"
#include "module/privcrypto/warm.h"
#include "module/selftest/selftest.h"
#include "module/service/start.h"

/* hsm-module: the cryptographic boundary as a process. A supervisor starts it
 * with the control channel on descriptor 3 and the listening socket on 4. */

enum exit_code { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_AGAIN = 70 };
enum mode { MODE_SERVE, MODE_PREPARE };

struct options {
    enum mode mode;
    const char *folder;
    uint64_t num_workers;
    uint64_t memory_mib;
    uint64_t max_connections;
    uint64_t module_uid;
    uint64_t module_gid;
    uint64_t hardserver_uid;
    uint64_t administrator_uid;
    bool allow_unlocked;
};

static const char usage[] =
    "usage: hsm-module --folder DIR [--workers N] [--memory MIB] [--max-connections N]\n"
    "                  [--allow-unlocked] [--help]\n"
    "       hsm-module --folder DIR --prepare [--module-uid U] [--module-gid G] [--hardserver-uid U]\n"
    "                  [--administrator-uid U]\n"
    "Started by keyquay-hsm (or a service manager) with the hardserver's control channel on descriptor 3\n"
    "and the listening socket on descriptor 4.\n";

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    return kq_uint_parse(kq_slice_text(text), max, out) && *out >= min;
}

static bool parse_option(int option, struct options *out)
{
    switch (option) {
    case 'f':
        out->folder = optarg;
        return true;
    case 'w':
        return parse_number(optarg, 1, HSM_WORKERS_MAX - 1, &out->num_workers);
    case 'm':
        return parse_number(optarg, 2, 4096, &out->memory_mib);
    case 'c':
        return parse_number(optarg, 1, HSM_SESSIONS_MAX, &out->max_connections);
    case 'u':
        out->allow_unlocked = true;
        return true;
    case 'p':
        out->mode = MODE_PREPARE;
        return true;
    case 'M':
        return parse_number(optarg, 0, UINT32_MAX, &out->module_uid);
    case 'G':
        return parse_number(optarg, 0, UINT32_MAX, &out->module_gid);
    case 'H':
        return parse_number(optarg, 0, UINT32_MAX, &out->hardserver_uid);
    case 'A':
        return parse_number(optarg, 0, UINT32_MAX, &out->administrator_uid);
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct options *out)
{
    static const struct option known[] = {{"folder", required_argument, NULL, 'f'},
                                          {"workers", required_argument, NULL, 'w'},
                                          {"memory", required_argument, NULL, 'm'},
                                          {"max-connections", required_argument, NULL, 'c'},
                                          {"allow-unlocked", no_argument, NULL, 'u'},
                                          {"prepare", no_argument, NULL, 'p'},
                                          {"module-uid", required_argument, NULL, 'M'},
                                          {"module-gid", required_argument, NULL, 'G'},
                                          {"hardserver-uid", required_argument, NULL, 'H'},
                                          {"administrator-uid", required_argument, NULL, 'A'},
                                          {NULL, 0, NULL, 0}};
    long num_cores = sysconf(_SC_NPROCESSORS_ONLN);
    *out = (struct options){.num_workers = num_cores < 1    ? 1
                                           : num_cores > 64 ? 64
                                                            : (uint64_t)num_cores,
                            .memory_mib = HSM_ARENA_MAX_DEFAULT / (1024 * 1024),
                            .max_connections = HSM_SESSIONS_MAX,
                            .module_uid = geteuid(),
                            .module_gid = getegid(),
                            .hardserver_uid = geteuid(),
                            .administrator_uid = getuid()};
    for (int option = getopt_long(argc, argv, "", known, NULL); option != -1;
         option = getopt_long(argc, argv, "", known, NULL)) {
        if (!parse_option(option, out))
            return false;
    }
    return out->folder != NULL && optind == argc;
}

static int refuse(const char *why)
{
    fprintf(stderr, "hsm-module: %s\n", why);
    return EXIT_REFUSED;
}

/* No core files, no debugger, no signals but those that kill: told to stop
 * by the control channel alone. */
static bool harden(void)
{
    sigset_t signals;
    umask(077);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return false;
    sigfillset(&signals);
    return pthread_sigmask(SIG_SETMASK, &signals, NULL) == 0;
}

static int prepare(const struct options *options)
{
    char why[HSM_WHY_LEN];
    const struct hsm_folder_owners owners = {.module = (uid_t)options->module_uid,
                                             .module_group = (gid_t)options->module_gid,
                                             .hardserver = (uid_t)options->hardserver_uid,
                                             .administrator = (uid_t)options->administrator_uid};
    kq_status status = hsm_folder_prepare(options->folder, &owners, why);
    if (status != KQ_OK)
        return refuse(why[0] != '\0' ? why : kq_status_text(status));
    return EXIT_SUCCESS;
}

static int serve(const struct options *options)
{
    char why[HSM_WHY_LEN];
    KQ_AUTO_VALUE(hsm_opened) opened = {0};
    kq_status status = hsm_folder_open(options->folder, &opened, why);
    if (status != KQ_OK)
        return refuse(why[0] != '\0' ? why : kq_status_text(status));
    const struct hsm_config config = {.folder = options->folder,
                                      .num_workers = (size_t)options->num_workers,
                                      .max_sessions = (size_t)options->max_connections,
                                      .key_protection = opened.is_one_user ? "none (one user)" : "device key file",
                                      .rollback_protection = "none",
                                      .version = KQ_VERSION};
    KQ_AUTO(hsm_state) state = NULL;
    struct hsm_module *module = NULL;
    status = hsm_state_clone(opened.state, &state);
    if (status == KQ_OK)
        status = hsm_module_new(&config, &state, KQ_CONTROL_FD, KQ_LISTEN_FD, &module);
    if (status == KQ_OK) {
        hsm_start_take_log(module, &opened);
        status = hsm_start_serve(module, &opened);
    }
    if (status == KQ_ERR_MEMORY)
        return refuse(HSM_ARENA_LOCK_REMEDY);
    _exit(status == KQ_OK ? EXIT_SUCCESS : EXIT_AGAIN);
}

struct life {
    const struct options *options;
    int exit_code;
};

/* On a thread of ours, whose stack is locked, because from here on secrets may lie on it. */
static void *live(void *context)
{
    struct life *life = context;
    life->exit_code = EXIT_REFUSED;
    tzset(); /* the C library reads the time zone once, even for UTC; after the filter it may not open a file */
    if (hsm_privcrypto_warm() != KQ_OK)
        fprintf(stderr, "hsm-module: this OpenSSL lacks an algorithm we need (libssl 3.0 or newer)\n");
    else if (hsm_selftest() != KQ_OK)
        fprintf(stderr, "hsm-module: a self-test failed; nothing is served\n");
    else
        life->exit_code = life->options->mode == MODE_PREPARE ? prepare(life->options) : serve(life->options);
    return NULL;
}

int main(int argc, char **argv)
{
    struct options options;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    const char *why = "the process cannot be protected";
    const struct hsm_arena_options arena = {.first = HSM_ARENA_FIRST_DEFAULT,
                                            .max = (size_t)options.memory_mib * 1024 * 1024,
                                            .allow_unlocked = options.allow_unlocked};
    struct life life = {.options = &options};
    struct hsm_thread thread;
    if (!harden() || hsm_arena_start(&arena, &why) != KQ_OK || hsm_arena_hook_openssl() != KQ_OK ||
        hsm_thread_start(&thread, live, &life) != KQ_OK)
        return refuse(why);
    hsm_thread_join(&thread);
    return life.exit_code;
}
