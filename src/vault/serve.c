#include "vault/serve.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "base/text.h"
#include "sandbox/sandbox.h"
#include "vault/api/call.h"
#include "vault/housekeeping.h"
#include "vault/http/certificate.h"
#include "vault/issuer_files.h"
#include "vault/log.h"
#include "vault/request_log.h"

#define STOP_WAIT_MS 10000u
#define TURN_MS (VAULT_ISSUER_FILES_EVERY_S * 1000)
#define CERTIFICATE_CHECK_S 86400u
#define SPARE_FILES 256u

struct serving {
    const struct vault_serve_options *options;
    struct vault_wiring wiring;
    struct vault_http_server *server;
    struct vault_housekeeping *housekeeping;
    struct vault_issuer_files *issuers;
    struct kq_buffer chain, key;
    int signal_fd;
    uint64_t certificate_checked; /* unix seconds */
};
static void serving_clear(struct serving *serving)
{
    if (serving->server != NULL)
        vault_http_stop(serving->server, STOP_WAIT_MS);
    vault_housekeeping_stop(serving->housekeeping);
    vault_issuer_files_free(serving->issuers);
    vault_wiring_clear(&serving->wiring);
    kq_buffer_clear(&serving->chain);
    kq_buffer_clear(&serving->key);
    if (serving->signal_fd >= 0)
        close(serving->signal_fd);
}
KQ_AUTO_DEFINE_VALUE(serving);

/* ---- starting ---------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* One descriptor for each connection, and some. */
static void raise_file_limit(uint64_t max_connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = (rlim_t)max_connections + SPARE_FILES;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            vault_log("warning", "few-files",
                      (const struct vault_log_member[]){{"most", NULL, (long long)limit.rlim_max}, {0}});
    }
}

static size_t choose(uint64_t configured, long per_processor, size_t least)
{
    if (configured > 0)
        return (size_t)configured;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t number = (size_t)(processors > 0 ? processors : 1) * (size_t)per_processor;
    return number < least ? least : number;
}

/* Nobody renews an operator's certificate for him, so its end is shown. */
static void note_certificate(struct serving *serving, const struct vault_http_tls *tls)
{
    uint64_t end;
    if (vault_http_certificate_end(tls->chain_pem, &end) == KQ_OK)
        atomic_store(&serving->wiring.metrics.certificate_end, end);
}

static kq_status start_server(struct serving *serving, char *out_error)
{
    const struct vault_config *config = &serving->wiring.config;
    struct vault_http_options http = {
        .addresses = config->listen,
        .num_addresses = config->num_listen,
        .handler = vault_api_handle,
        .on_refused = vault_api_refused,
        .identify = vault_api_identify,
        .handler_context = &serving->wiring.service,
        .num_workers = choose(config->workers, 8, 16),
        .num_io_threads = choose(config->io_threads, 1, 1),
        .max_connections = (size_t)config->max_connections,
        .max_connections_per_address = (size_t)config->max_connections_per_address,
        .max_body = (size_t)config->max_body,
        .idle_ms = config->idle_seconds * 1000,
        .request_ms = config->request_seconds * 1000,
    };
    KQ_TRY(vault_wiring_tls(&serving->wiring, &serving->chain, &serving->key, &http.tls, out_error));
    serving->certificate_checked = kq_clock_unix_s();
    char error[256] = "";
    kq_status status = vault_http_start(&http, &serving->server, error, sizeof error);
    snprintf(out_error, VAULT_ERROR_SIZE, "%s%s", error,
             status == KQ_ERR_CONNECT ? "; end what listens there, or name another address in [server] listen" : "");
    KQ_TRY(status);
    note_certificate(serving, &http.tls);
    atomic_store(&serving->wiring.service.http, serving->server);
    return KQ_OK;
}

#define TLS_FOLDERS_MAX 4u

struct folders {
    int fds[TLS_FOLDERS_MAX];
    size_t num;
};
static void folders_clear(struct folders *folders)
{
    for (size_t i = 0; i < folders->num; i++)
        close(folders->fds[i]);
    folders->num = 0;
}
KQ_AUTO_DEFINE_VALUE(folders);

static void add_folder_of(struct folders *folders, const char *path)
{
    char folder[KQ_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len == 0 || !kq_text_copy(kq_slice_of(path, len), folder, sizeof folder))
        return; /* never all of / */
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        folders->fds[folders->num++] = fd;
}

/* Files below the data folder, and the operator's certificate: the folders that
 * hold it and what it links to, because a renewed one is another file. */
static kq_status confine_files(const struct vault_wiring *wiring)
{
    const char *paths[] = {wiring->config.certificate, wiring->config.key};
    KQ_AUTO_VALUE(folders) readable = {.num = 0};
    for (size_t i = 0; i < KQ_COUNT_OF(paths); i++) {
        char *file = paths[i][0] == '\0' ? NULL : realpath(paths[i], NULL);
        if (file == NULL)
            continue; /* reading it will say why */
        add_folder_of(&readable, paths[i]);
        add_folder_of(&readable, file);
        free(file);
    }
    KQ_AUTO_FD folder_fd = open(wiring->data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0 ? KQ_ERR_IO : kq_sandbox_enter_keyvaultd_files(folder_fd, readable.fds, readable.num);
}

static kq_status open_all(struct serving *serving, char *out_error)
{
    struct vault_wiring *wiring = &serving->wiring;
    wiring->config = *serving->options->config;
    snprintf(wiring->data, sizeof wiring->data, "%s", serving->options->data);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return KQ_ERR_IO;
    raise_file_limit(wiring->config.max_connections);
    snprintf(out_error, VAULT_ERROR_SIZE, "its sandbox cannot be entered");
    KQ_TRY(confine_files(wiring));
    KQ_TRY(vault_wiring_open_parts(wiring, VAULT_PLATFORM_USE, out_error));
    KQ_TRY(vault_wiring_complete(wiring, serving->options->mode, out_error));
    wiring->service.log = wiring->config.log_requests ? vault_request_log_write : NULL;
    KQ_TRY(vault_issuer_files_new(wiring->data, wiring->authority, &serving->issuers));
    vault_issuer_files_look(serving->issuers);
    KQ_TRY(start_server(serving, out_error));
    snprintf(out_error, VAULT_ERROR_SIZE, "its housekeeping cannot be started");
    KQ_TRY(vault_housekeeping_start(&wiring->service, wiring->config.housekeeping_seconds, &serving->housekeeping));
    snprintf(out_error, VAULT_ERROR_SIZE, "its sandbox cannot be entered");
    return kq_sandbox_enter_keyvaultd();
}

/* ---- running ------------------------------------------------------------------------- */

/* New certificate files, or a new one of the private CA's near the old one's end. */
static void reload_tls(struct serving *serving)
{
    KQ_AUTO_VALUE(kq_buffer) chain = {0}, key = {0};
    struct vault_http_tls tls;
    char error[VAULT_ERROR_SIZE] = "";
    kq_status status = vault_wiring_tls(&serving->wiring, &chain, &key, &tls, error);
    if (status == KQ_OK)
        status = vault_http_set_tls(serving->server, &tls, error, sizeof error);
    if (status == KQ_OK)
        note_certificate(serving, &tls);
    serving->certificate_checked = kq_clock_unix_s();
    vault_log(status == KQ_OK ? "info" : "error", "certificate",
              (const struct vault_log_member[]){{"status", status == KQ_OK ? "in use" : kq_status_text(status), 0},
                                                {status == KQ_OK ? NULL : "detail", error, 0},
                                                {0}});
}

static void reload(struct serving *serving)
{
    reload_tls(serving);
    vault_issuer_files_look(serving->issuers);
    kq_status status = vault_keyops_refresh(serving->wiring.keyops);
    vault_log(status == KQ_OK ? "info" : "error", "regions",
              (const struct vault_log_member[]){{"status", kq_status_text(status), 0}, {0}});
}

/* True until a signal says stop. */
static bool take_signal(struct serving *serving)
{
    struct signalfd_siginfo info;
    if (read(serving->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return true;
    if (info.ssi_signo == SIGHUP) {
        reload(serving);
        return true;
    }
    return false;
}

static void run(struct serving *serving)
{
    for (;;) {
        struct pollfd waiting = {.fd = serving->signal_fd, .events = POLLIN};
        int num = poll(&waiting, 1, TURN_MS);
        if (num > 0 && !take_signal(serving))
            return;
        if (num == 0)
            vault_issuer_files_look(serving->issuers);
        if (kq_clock_unix_s() > serving->certificate_checked + CERTIFICATE_CHECK_S)
            reload_tls(serving);
    }
}

static void say_ready(struct serving *serving)
{
    if (serving->options->ready_fd >= 0) {
        ssize_t written = write(serving->options->ready_fd, "R", 1);
        (void)written; /* whoever waited may have left */
        close(serving->options->ready_fd);
    }
    if (serving->wiring.test_mode != NULL)
        vault_log(
            "warning", "TEST MODE: clock and faults can be commanded; not for production",
            (const struct vault_log_member[]){{"clock-control", serving->wiring.config.test_clock ? "yes" : "no", 0},
                                              {"fault-injection", serving->wiring.config.test_faults ? "yes" : "no", 0},
                                              {0}});
    vault_log("info", "ready",
              (const struct vault_log_member[]){{"domain", serving->wiring.config.domain, 0},
                                                {"port", NULL, serving->wiring.service.port},
                                                {"tenant", serving->wiring.service.tenant_id, 0},
                                                {0}});
}

kq_status vault_serve(const struct vault_serve_options *options, char out_error[VAULT_ERROR_SIZE])
{
    KQ_AUTO_VALUE(serving) serving = {.options = options, .signal_fd = open_signals()};
    snprintf(out_error, VAULT_ERROR_SIZE, "the process cannot be set up");
    if (serving.signal_fd < 0)
        return KQ_ERR_IO;
    KQ_TRY(open_all(&serving, out_error));
    say_ready(&serving);
    run(&serving);
    vault_log("info", "stopping", NULL);
    return KQ_OK;
}
