#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "hardserver/relay.h"
#include "sandbox/sandbox.h"

/* hardserver: owns the files, holds no secret and no client's socket. A
 * supervisor starts it with its descriptors of enum kq_inherited_fd. */

static const char usage[] = "usage: hardserver --folder DIR [--idle-exit SECONDS] [--help]\n"
                            "Started by keyquay-hsm (or a service manager), which hands it descriptors 3, 5 and 6.\n";

struct options {
    const char *folder;
    uint64_t idle_exit_s;
};

static bool parse_options(int argc, char **argv, struct options *out)
{
    static const struct option known[] = {
        {"folder", required_argument, NULL, 'f'}, {"idle-exit", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0}};
    *out = (struct options){0};
    for (int option = getopt_long(argc, argv, "", known, NULL); option != -1;
         option = getopt_long(argc, argv, "", known, NULL)) {
        bool is_known = true;
        if (option == 'f')
            out->folder = optarg;
        else if (option == 'i')
            is_known = kq_uint_parse(kq_slice_text(optarg), 86400 * 365, &out->idle_exit_s);
        else
            is_known = false;
        if (!is_known)
            return false;
    }
    return out->folder != NULL && optind == argc;
}

static kq_status enter_folder(const char *folder)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(folder, "hsm", path));
    return chdir(path) == 0 ? KQ_OK : KQ_ERR_IO;
}

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int fail(const char *what)
{
    fprintf(stderr, "hardserver: %s\n", what);
    return EXIT_FAILURE;
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
        return 2;
    }
    umask(027); /* the module may be of another user; the folder's group is its group */
    KQ_AUTO_VALUE(kq_relay)
    relay = {
        .control_fd = KQ_CONTROL_FD, .ready_fd = KQ_READY_FD, .idle_exit_s = options.idle_exit_s, .store = {-1, -1}};
    kq_relay_init(&relay);
    relay.signal_fd = open_signals();
    if (relay.signal_fd < 0 || fcntl(relay.control_fd, F_SETFL, O_NONBLOCK) != 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return fail("the process cannot be set up");
    if (enter_folder(options.folder) != KQ_OK || kq_store_open(&relay.store) != KQ_OK) {
        fprintf(stderr, "hardserver: %s/hsm: cannot be used: %s\n", options.folder, strerror(errno));
        return EXIT_FAILURE;
    }
    if (kq_sandbox_enter_hardserver(relay.store.folder_fd) != KQ_OK)
        return fail("its sandbox cannot be entered");
    const char *why = NULL;
    return kq_relay_run(&relay, &why) == KQ_OK ? EXIT_SUCCESS : fail(why);
}
