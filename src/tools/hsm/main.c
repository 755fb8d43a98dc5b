#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "tools/hsm/run.h"
#include "tools/hsm/start.h"

static const char usage[] =
    "usage: keyquay-hsm run --folder DIR [options]   keep hardserver and module running\n"
    "       keyquay-hsm stop --folder DIR            end them\n"
    "       keyquay-hsm status --folder DIR          say whether they run (exit status 0 or 1)\n"
    "options of run:\n"
    "  --daemon               go to the background and return when the module answers\n"
    "  --foreground           stay (the default)\n"
    "  --idle-exit SECONDS    leave after so long without a connection\n"
    "  --workers N            threads that compute (default: one per core)\n"
    "  --memory MIB           how far the module's locked memory may grow (default 64)\n"
    "  --allow-unlocked       go on where memory cannot be locked; status and receipts show it\n"
    "  --socket-mode MODE     of hardserver.sock, octal (default 0600)\n"
    "  --module-user USER     run the module as this user (needs root)\n"
    "  --hardserver-user USER run the hardserver as this user (needs root)\n"
    "  --help                 print this\n";

enum { EXIT_USAGE = 2, STOP_TIMEOUT_S = 30 };

static bool parse_octal(const char *text, uint64_t *out)
{
    *out = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '7' || *out > 0777)
            return false;
        *out = *out * 8 + (uint64_t)(*at - '0');
    }
    return *text != '\0' && *out <= 0777;
}

/* A name or a number. */
static bool parse_user(const char *text, uid_t *out_uid, gid_t *out_gid)
{
    uint64_t number;
    bool is_number = kq_uint_parse(kq_slice_text(text), UINT32_MAX - 1, &number);
    const struct passwd *entry = is_number ? getpwuid((uid_t)number) : getpwnam(text);
    if (entry == NULL)
        return false;
    *out_uid = entry->pw_uid;
    *out_gid = entry->pw_gid;
    return true;
}

static bool parse_option(int option, struct kq_run_options *out)
{
    switch (option) {
    case 'f':
        out->folder = optarg;
        return true;
    case 'i':
        return kq_uint_parse(kq_slice_text(optarg), 86400 * 365, &out->idle_exit_s);
    case 'w':
        return kq_uint_parse(kq_slice_text(optarg), 255, &out->num_workers) && out->num_workers > 0;
    case 'm':
        return kq_uint_parse(kq_slice_text(optarg), 4096, &out->memory_mib) && out->memory_mib > 1;
    case 'u':
        out->allow_unlocked = true;
        return true;
    case 's':
        return parse_octal(optarg, &out->socket_mode);
    case 'd':
        out->is_daemon = true;
        return true;
    case 'g':
        out->is_daemon = false;
        return true;
    case 'M':
        return parse_user(optarg, &out->module_uid, &out->module_gid);
    case 'H':
        return parse_user(optarg, &out->hardserver_uid, &out->hardserver_gid);
    default:
        return false;
    }
}

static const struct option known[] = {{"folder", required_argument, NULL, 'f'},
                                      {"idle-exit", required_argument, NULL, 'i'},
                                      {"workers", required_argument, NULL, 'w'},
                                      {"memory", required_argument, NULL, 'm'},
                                      {"allow-unlocked", no_argument, NULL, 'u'},
                                      {"socket-mode", required_argument, NULL, 's'},
                                      {"daemon", no_argument, NULL, 'd'},
                                      {"foreground", no_argument, NULL, 'g'},
                                      {"module-user", required_argument, NULL, 'M'},
                                      {"hardserver-user", required_argument, NULL, 'H'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

/* The folder without links, so that it means the same after chdir(). */
static kq_status resolve_folder(const char *folder, char out[KQ_PATH_MAX])
{
    char *path = realpath(folder, NULL);
    if (path == NULL)
        return KQ_ERR_NOT_FOUND;
    bool fits = kq_text_copy(kq_slice_text(path), out, KQ_PATH_MAX);
    free(path);
    return fits ? KQ_OK : KQ_ERR_TOO_LARGE;
}

static int run(struct kq_run_options *options)
{
    char folder[KQ_PATH_MAX];
    umask(077);
    if (kq_folder_make(options->folder) != KQ_OK || resolve_folder(options->folder, folder) != KQ_OK) {
        fprintf(stderr, "keyquay-hsm: %s: cannot be made or found\n", options->folder);
        return EXIT_FAILURE;
    }
    options->folder = folder;
    return kq_run(options);
}

static int stop(const char *folder)
{
    kq_status status = kq_hsm_stop(folder, STOP_TIMEOUT_S);
    if (status == KQ_OK || status == KQ_ERR_NOT_FOUND)
        return EXIT_SUCCESS;
    fprintf(stderr, "keyquay-hsm: %s: %s\n", folder,
            status == KQ_ERR_WAIT ? "still running; see hsm/log" : kq_status_text(status));
    return EXIT_FAILURE;
}

static int say_status(const char *folder)
{
    pid_t pid;
    kq_status status = kq_hsm_find(folder, &pid);
    if (status == KQ_OK)
        printf("running, supervisor %ld\n", (long)pid);
    else
        printf("not running\n");
    return status == KQ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct kq_run_options options = {.socket_mode = 0600,
                                     .module_uid = geteuid(),
                                     .module_gid = getegid(),
                                     .hardserver_uid = geteuid(),
                                     .hardserver_gid = getegid()};
    for (int option = getopt_long(argc, argv, "", known, NULL); option != -1;
         option = getopt_long(argc, argv, "", known, NULL)) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (!parse_option(option, &options)) {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    const char *command = optind + 1 == argc ? argv[optind] : "";
    if (options.folder != NULL && strcmp(command, "run") == 0)
        return run(&options);
    if (options.folder != NULL && strcmp(command, "stop") == 0)
        return stop(options.folder);
    if (options.folder != NULL && strcmp(command, "status") == 0)
        return say_status(options.folder);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
