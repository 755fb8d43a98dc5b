/* keyquay up, keyquay down. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/region/data.h"
#include "tools/service/access.h"
#include "tools/service/service_command.h"
#include "tools/service/up.h"

#define DEFAULT_DOMAIN "keyquay.localhost"
#define DEFAULT_REGIONS "NA,EU"
#define REPEATS_MAX 64
#define WATCH_MS 500
#define DOMAIN_MAX 180u

struct command {
    struct kq_tool *tool;
    struct kq_service service;
    struct kq_up_plan plan;
    char default_data[KQ_PATH_MAX];
    char suffix[512];
    const char *listens[REPEATS_MAX], *vaults[REPEATS_MAX];
    size_t num_listens, num_vaults;
    const char *data, *domain, *regions, *variant, *operator_name;
    const char *module_user, *hardserver_user, *vault_user;
    bool ephemeral, foreground, allow_unlocked, quiet;
};

/* ---- options that may be repeated ---- */

/* Takes --NAME VALUE and --NAME=VALUE out of the arguments, for the common
 * reader takes each option once. */
static bool take_repeated(int *argc, char **argv, const char *name, const char **out, size_t *out_num)
{
    size_t len = strlen(name);
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        bool is_it = strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, len) == 0;
        const char *rest = is_it ? argv[i] + 2 + len : "";
        if (!is_it || (*rest != '\0' && *rest != '=')) {
            argv[kept++] = argv[i];
            continue;
        }
        if (*out_num == REPEATS_MAX || (*rest == '\0' && i + 1 == *argc))
            return false;
        out[(*out_num)++] = *rest == '=' ? rest + 1 : argv[++i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

/* ---- the plan ---- */

static kq_status add_region(struct command *command, const char *code, const char *variant)
{
    struct kq_service_regions *regions = &command->plan.regions;
    const struct kq_region *region;
    char why[256];
    if (regions->num == KQ_SERVICE_FOLDERS_MAX)
        return kq_tool_usage(command->tool, "--region names too many regions");
    kq_status status = kq_region_find(code, variant, &region, NULL, why, sizeof why);
    if (status != KQ_OK)
        return kq_tool_fail(command->tool, status, NULL, "%s", why);
    regions->regions[regions->num++] = region;
    return KQ_OK;
}

static kq_status read_regions(struct command *command, const char *codes)
{
    const char *at = codes;
    while (*at != '\0') {
        char code[64];
        size_t len = strcspn(at, ",");
        if (len == 0 || !kq_text_copy(kq_slice_of((const uint8_t *)at, len), code, sizeof code))
            return kq_tool_usage(command->tool, "--region takes codes with commas between: NA,EU");
        KQ_TRY(add_region(command, code, command->variant));
        at += len + (at[len] == ',');
    }
    return KQ_OK;
}

/* A vault brings its location's region along. */
static kq_status read_vaults(struct command *command)
{
    struct kq_up_plan *plan = &command->plan;
    if (command->num_vaults > KQ_UP_VAULTS_MAX)
        return kq_tool_usage(command->tool, "--vault may be given %u times", KQ_UP_VAULTS_MAX);
    for (size_t i = 0; i < command->num_vaults; i++) {
        struct kq_vault_wish *wish = &plan->vaults[i];
        if (!kq_vault_wish_parse(command->vaults[i], wish))
            return kq_tool_usage(command->tool, "--vault takes NAME:LOCATION, for example contoso:eastus, not '%.60s'",
                                 command->vaults[i]);
        if (plan->regions.num < KQ_SERVICE_FOLDERS_MAX)
            plan->regions.regions[plan->regions.num++] = wish->region;
    }
    plan->num_vaults = command->num_vaults;
    return KQ_OK;
}

/* What owners find in the region statement: where the vaults of this operator
 * are. A folder that was set up before has its names already. */
static kq_status choose_suffix(struct command *command)
{
    json_t *announced = NULL;
    const char *known = NULL;
    if (kq_service_announced(&command->service, &announced) == KQ_OK)
        known = json_string_value(json_object_get(announced, "vaultSuffix"));
    bool has_suffix = known != NULL && kq_text_copy(kq_slice_text(known), command->suffix, sizeof command->suffix);
    json_decref(announced);
    command->plan.regions.vault_suffix = command->suffix;
    if (has_suffix)
        return KQ_OK;
    const char *domain = command->domain != NULL ? command->domain : DEFAULT_DOMAIN;
    const char *listen = command->num_listens > 0 ? command->listens[0] : KQ_SERVICE_LISTEN;
    if (kq_service_suffix(domain, listen, command->suffix, sizeof command->suffix) == KQ_OK)
        return KQ_OK;
    return kq_tool_usage(command->tool, "--listen takes ADDRESS:PORT, for example 127.0.0.1:8443 or [::1]:8443");
}

/* Labels of letters, digits and hyphens with dots between. */
static bool is_domain(const char *text)
{
    const size_t len = strlen(text);
    char before = '.';
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        const bool is_inner = c == '-' || c == '.';
        if ((!isalnum((unsigned char)c) && !is_inner) || (before == '.' && is_inner) || (before == '-' && c == '.'))
            return false;
        before = c;
    }
    return len > 0 && len <= DOMAIN_MAX && before != '.' && before != '-';
}

static kq_status read_plan(struct command *command)
{
    struct kq_service_listen *listen = &command->plan.listen;
    if (command->domain != NULL && !is_domain(command->domain))
        return kq_tool_usage(command->tool, "--domain takes a name, for example vaults.example.org, not '%.60s'",
                             command->domain);
    if (command->data != NULL && *command->data == '\0')
        return kq_tool_usage(command->tool, "--data takes a folder");
    if (command->num_listens > KQ_COUNT_OF(listen->addresses))
        return kq_tool_usage(command->tool, "--listen may be given %zu times", KQ_COUNT_OF(listen->addresses));
    for (size_t i = 0; i < command->num_listens; i++)
        listen->addresses[listen->num++] = command->listens[i];
    listen->domain = command->domain;
    command->plan.regions.operator_name = command->operator_name;
    if (command->regions != NULL)
        KQ_TRY(read_regions(command, command->regions));
    return read_vaults(command);
}

/* Some come with the first run; a folder that was set up keeps those it has. */
static kq_status add_default_regions(struct command *command)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(command->service.data, "keyvaultd.conf", path));
    return command->regions != NULL || kq_file_exists(path) ? KQ_OK : read_regions(command, DEFAULT_REGIONS);
}

/* ---- the folder ---- */

static kq_status make_ephemeral(struct command *command)
{
    char mark[KQ_PATH_MAX];
    const char *temporary = getenv("TMPDIR");
    if (command->data != NULL)
        return kq_tool_usage(command->tool, "--ephemeral chooses a folder of its own; leave --data out");
    snprintf(command->default_data, KQ_PATH_MAX, "%s/keyquay-XXXXXX",
             temporary != NULL && *temporary != '\0' ? temporary : "/tmp");
    if (mkdtemp(command->default_data) == NULL || kq_path_join(command->default_data, "ephemeral", mark) != KQ_OK ||
        kq_file_write(mark, KQ_SLICE_EMPTY, 0600, KQ_FILE_NEW_ONLY) != KQ_OK)
        return kq_tool_fail(command->tool, KQ_ERR_IO, "TMPDIR names a folder for temporary files.",
                            "%s: cannot be made (%s)", command->default_data, strerror(errno));
    command->data = command->default_data;
    return KQ_OK;
}

static kq_status choose_folder(struct command *command)
{
    if (command->ephemeral)
        return make_ephemeral(command);
    if (command->data == NULL) {
        kq_data_default(command->default_data);
        command->data = command->default_data;
    }
    return KQ_OK;
}

/* ---- staying ---- */

/* Waits for Ctrl-C or SIGTERM, or until keyvaultd has ended by itself. */
static kq_status stay(struct command *command)
{
    sigset_t signals;
    pid_t pid;
    bool was_running;
    const struct timespec moment = {.tv_nsec = WATCH_MS * 1000000};
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    int caught = -1;
    while (caught < 0 && kq_service_find(&command->service, &pid) == KQ_OK)
        caught = sigtimedwait(&signals, NULL, &moment);
    kq_service_say(&command->service, "Stopping ...");
    KQ_TRY(kq_down(&command->service, &was_running));
    if (caught < 0)
        return kq_tool_fail(command->tool, KQ_ERR_STATE, "vault/keyvaultd.log says why.", "keyvaultd ended by itself");
    return KQ_OK;
}

/* Before anything is started, so that Ctrl-C in the middle still leads to stay(). */
static void hold_signals(const struct command *command)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (command->foreground)
        (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* ---- up ---- */

static kq_status print_line(struct command *command, FILE *out, json_t *endpoints)
{
    bool is_written = json_dumpf(endpoints, out, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0 && fputc('\n', out) != EOF &&
                      fflush(out) == 0;
    json_decref(endpoints);
    return is_written ? KQ_OK : kq_tool_fail(command->tool, KQ_ERR_IO, NULL, "standard output: could not be written");
}

static kq_status bring_up(struct command *command, FILE *out)
{
    json_t *endpoints = NULL;
    KQ_AUTO_FD lock = -1;
    KQ_TRY(kq_data_hold(command->tool, command->data, &lock));
    KQ_TRY(kq_service_open(&command->service, command->tool, command->data));
    KQ_TRY(kq_service_users(&command->service, command->module_user, command->hardserver_user, command->vault_user));
    KQ_TRY(choose_suffix(command));
    KQ_TRY(add_default_regions(command));
    KQ_TRY(kq_up(&command->service, &command->plan, &endpoints));
    return print_line(command, out, endpoints);
}

/* Standard output is for the one line; everything else goes where errors go. */
static kq_status run(struct command *command)
{
    KQ_TRY(read_plan(command));
    KQ_TRY(choose_folder(command));
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return kq_tool_fail(command->tool, KQ_ERR_IO, NULL, "standard output: %s", strerror(errno));
    command->service.allow_unlocked = command->allow_unlocked;
    command->service.is_quiet = command->quiet;
    hold_signals(command);
    kq_status status = bring_up(command, out);
    (void)fclose(out);
    if (status == KQ_OK && command->foreground)
        status = stay(command);
    return status;
}

static enum kq_args_result parse_up(struct command *command, int argc, char **argv)
{
    size_t num_words;
    const struct kq_arg args[] = {
        {"data", 'd', &command->data, NULL, "DIR", "the operator's folder"},
        {"domain", 0, &command->domain, NULL, "NAME", "names end with it (" DEFAULT_DOMAIN ")"},
        {"region", 'r', &command->regions, NULL, "CODE,...", "regions to make (" DEFAULT_REGIONS ")"},
        {"variant", 0, &command->variant, NULL, "V", "public or sovereign, for GERMANY"},
        {"operator", 0, &command->operator_name, NULL, "NAME", "named in the regions' statements"},
        {"ephemeral", 0, NULL, &command->ephemeral, NULL, "a temporary folder: `keyquay down` erases the keys"},
        {"foreground", 0, NULL, &command->foreground, NULL, "stay until Ctrl-C, then stop everything"},
        {"allow-unlocked", 0, NULL, &command->allow_unlocked, NULL, "modules may run without locked memory"},
        {"module-user", 0, &command->module_user, NULL, "USER", "as root: the modules' user (keyquay-hsm)"},
        {"hardserver-user", 0, &command->hardserver_user, NULL, "USER", "as root (keyquay-hardserver)"},
        {"vault-user", 0, &command->vault_user, NULL, "USER", "as root: keyvaultd's user (keyquay-vault)"},
        {"quiet", 'q', NULL, &command->quiet, NULL, "no progress on standard error"},
    };
    const struct kq_args table = {
        .synopsis = "[--data DIR] [--listen ADDR:PORT]... [--vault NAME:LOCATION]... [OPTION...]",
        .about = "Starts the receiving side: a rehearsal manufacturer, regions, keyvaultd. What exists is kept.\n"
                 "--listen ADDR:PORT (127.0.0.1:8443 and [::1]:8443) and --vault NAME:LOCATION may be repeated.\n"
                 "Returns when ready and prints DIR/endpoints.json as one line.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
    };
    return kq_args_parse(command->tool, &table, argc, argv, NULL, &num_words);
}

int kq_cmd_up(int argc, char **argv)
{
    struct kq_tool tool;
    struct command command = {.tool = &tool, .operator_name = "unnamed operator"};
    kq_tool_init(&tool, "keyquay up", argc, argv);
    command.service.tool = &tool;
    if (!take_repeated(&argc, argv, "listen", command.listens, &command.num_listens) ||
        !take_repeated(&argc, argv, "vault", command.vaults, &command.num_vaults))
        return kq_tool_finish(&tool, kq_tool_usage(&tool, "--listen and --vault take a value, and not too many"));
    enum kq_args_result parsed = parse_up(&command, argc, argv);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(&tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&command));
}

/* ---- down ---- */

static kq_status bring_down(struct kq_tool *tool, const char *data)
{
    struct kq_service service = {.tool = tool};
    bool was_running;
    KQ_AUTO_FD lock = -1;
    KQ_TRY(kq_service_open(&service, tool, data));
    KQ_TRY(kq_data_hold(tool, data, &lock));
    KQ_TRY(kq_down(&service, &was_running));
    if (was_running)
        printf("Stopped: keyvaultd and the modules of %s.\n", service.data);
    else
        printf("Nothing was running in %s.\n", service.data);
    return KQ_OK;
}

int kq_cmd_down(int argc, char **argv)
{
    struct kq_tool tool;
    char default_data[KQ_PATH_MAX];
    const char *data = default_data;
    size_t num_words;
    kq_tool_init(&tool, "keyquay down", argc, argv);
    kq_data_default(default_data);
    const struct kq_arg args[] = {{"data", 'd', &data, NULL, "DIR", "the operator's folder"}};
    const struct kq_args table = {
        .synopsis = "[--data DIR]",
        .about = "Ends keyvaultd, then the modules. What --ephemeral made is erased.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
    };
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, NULL, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(&tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, bring_down(&tool, data));
}
