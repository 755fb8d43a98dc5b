/* Running keyvaultd. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/hsm/start.h"
#include "tools/service/access.h"
#include "tools/service/service.h"

#define ARGUMENTS_MAX 48
#define FACTS_MAX (64u * 1024)
#define STOP_TIMEOUT_MS 60000u
#define POLL_MS 10

static kq_status find_program(struct kq_service *service, char out[KQ_PROGRAM_PATH_MAX])
{
    kq_status status = kq_hsm_program("keyvaultd", out);
    if (status != KQ_OK)
        return kq_tool_fail(service->tool, status, "Install it beside this program.", "keyvaultd was not found");
    return KQ_OK;
}

enum child_user { AS_CALLER, AS_VAULT };

/* Runs a program; what it writes to standard output goes into out, or where
 * standard error goes if that is NULL. */
static kq_status run(struct kq_service *service, const char *const *arguments, enum child_user user,
                     struct kq_buffer *out, int *out_code)
{
    int ends[2] = {-1, -1};
    if (out != NULL && pipe2(ends, O_CLOEXEC) != 0)
        return KQ_ERR_IO;
    pid_t child = fork();
    if (child == 0) {
        if (dup2(out != NULL ? ends[1] : STDERR_FILENO, STDOUT_FILENO) < 0 ||
            (user == AS_VAULT && kq_service_become(service) != KQ_OK))
            _exit(126);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    if (out != NULL)
        close(ends[1]);
    char bytes[4096];
    ssize_t len;
    kq_status status = child < 0 ? KQ_ERR_IO : KQ_OK;
    while (status == KQ_OK && out != NULL && (len = read(ends[0], bytes, sizeof bytes)) > 0)
        status = kq_buffer_append(out, bytes, (size_t)len);
    if (out != NULL)
        close(ends[0]);
    int how = 0;
    while (child > 0 && waitpid(child, &how, 0) < 0 && errno == EINTR)
        continue;
    *out_code = WIFEXITED(how) ? WEXITSTATUS(how) : 128;
    return status;
}

/* ---- init ---- */

static kq_status read_facts(struct kq_service *service, struct kq_slice text, json_t **out)
{
    json_t *facts = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_string(json_object_get(facts, "tenantId")) && json_is_string(json_object_get(facts, "domain")) &&
        json_array_size(json_object_get(facts, "listen")) > 0) {
        *out = facts;
        return KQ_OK;
    }
    json_decref(facts);
    return kq_tool_fail(service->tool, KQ_ERR_FORMAT, "Use programs of one release.",
                        "keyvaultd --init: what it said cannot be read");
}

kq_status kq_service_init(struct kq_service *service, const struct kq_service_listen *listen, json_t **out_facts)
{
    char program[KQ_PROGRAM_PATH_MAX];
    const char *arguments[ARGUMENTS_MAX] = {program, "--init", "--data", service->data};
    size_t num = 4;
    KQ_AUTO_VALUE(kq_buffer) said = {0};
    int code;
    KQ_TRY(find_program(service, program));
    if (listen->domain != NULL) {
        arguments[num++] = "--domain";
        arguments[num++] = listen->domain;
    }
    for (size_t i = 0; i < listen->num; i++) {
        arguments[num++] = "--listen";
        arguments[num++] = listen->addresses[i];
    }
    kq_buffer_init(&said, FACTS_MAX);
    KQ_TRY(run(service, arguments, kq_service_is_handed_over(service) ? AS_VAULT : AS_CALLER, &said, &code));
    if (code != 0)
        return kq_tool_fail(service->tool, code == KQ_EXIT_UNREACHABLE ? KQ_ERR_CONNECT : KQ_ERR_STATE,
                            "The lines above say why; running the command again goes on from here.",
                            "keyvaultd could not be set up");
    KQ_TRY(read_facts(service, kq_buffer_slice(&said), out_facts));
    return kq_service_hand_over(service);
}

/* ---- start, find ---- */

static kq_status pid_path(const struct kq_service *service, char out[KQ_PATH_MAX])
{
    return kq_path_join(service->data, "vault/keyvaultd.pid", out);
}

static kq_status read_pid(int fd, pid_t *out)
{
    char text[32];
    ssize_t len = pread(fd, text, sizeof text, 0);
    uint64_t pid;
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len <= 0 || !kq_uint_parse(kq_slice_of((const uint8_t *)text, (size_t)len), INT32_MAX, &pid) || pid < 2)
        return KQ_ERR_FORMAT;
    *out = (pid_t)pid;
    return KQ_OK;
}

/* Whoever may write the file could name anybody's process for root to end. */
static bool is_of_writer(int fd, pid_t pid)
{
    char path[32];
    struct stat file, process;
    snprintf(path, sizeof path, "/proc/%ld", (long)pid);
    return fstat(fd, &file) == 0 && stat(path, &process) == 0 && process.st_uid == file.st_uid;
}

/* It holds a lock on its pid file as long as it lives. */
kq_status kq_service_find(const struct kq_service *service, pid_t *out_pid)
{
    char path[KQ_PATH_MAX];
    *out_pid = 0;
    KQ_TRY(pid_path(service, path));
    KQ_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? KQ_ERR_NOT_FOUND : KQ_ERR_IO;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return KQ_ERR_NOT_FOUND;
    if (errno != EWOULDBLOCK)
        return KQ_ERR_IO;
    kq_ignore(read_pid(fd, out_pid), "written a moment after the lock is taken");
    if (*out_pid != 0 && !is_of_writer(fd, *out_pid))
        *out_pid = 0;
    return KQ_OK;
}

kq_status kq_service_start(struct kq_service *service)
{
    char program[KQ_PROGRAM_PATH_MAX];
    const char *const arguments[] = {program, "--data", service->data, "--daemon", NULL};
    pid_t pid;
    int code;
    if (kq_service_find(service, &pid) == KQ_OK)
        return KQ_OK;
    KQ_TRY(find_program(service, program));
    KQ_TRY(run(service, arguments, AS_VAULT, NULL, &code));
    if (code != 0)
        return kq_tool_fail(service->tool, code == KQ_EXIT_UNREACHABLE ? KQ_ERR_CONNECT : KQ_ERR_STATE,
                            "The lines above and vault/keyvaultd.log say why; running the command again goes on from "
                            "here.",
                            "keyvaultd could not be started");
    return KQ_OK;
}

/* ---- stop, reload ---- */

static kq_status send_signal(struct kq_service *service, int number)
{
    pid_t pid;
    KQ_TRY(kq_service_find(service, &pid));
    if (pid == 0 || kill(pid, number) != 0)
        return kq_tool_fail(service->tool, KQ_ERR_DENIED, "Run it as the user who started it, or as root.",
                            "keyvaultd of %s belongs to somebody else", service->data);
    return KQ_OK;
}

kq_status kq_service_reload(struct kq_service *service)
{
    return send_signal(service, SIGHUP);
}

kq_status kq_service_stop(struct kq_service *service)
{
    pid_t pid;
    KQ_TRY(send_signal(service, SIGTERM));
    for (unsigned waited_ms = 0; waited_ms < STOP_TIMEOUT_MS; waited_ms += POLL_MS) {
        if (kq_service_find(service, &pid) == KQ_ERR_NOT_FOUND)
            return KQ_OK;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
    return kq_tool_fail(service->tool, KQ_ERR_WAIT, "vault/keyvaultd.log says what it is doing.",
                        "keyvaultd has not ended after %u s", STOP_TIMEOUT_MS / 1000);
}
