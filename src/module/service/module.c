#include "module/service/module.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/wipe.h"
#include "module/service/session.h"

static void gather_rows(struct hsm_module *module)
{
    static const struct hsm_row *const parts[] = {hsm_service_rows, hsm_quorum_rows,   hsm_world_rows,
                                                  hsm_key_rows,     hsm_transfer_rows, hsm_enrol_rows};
    for (size_t i = 0; i < KQ_COUNT_OF(parts); i++) {
        for (const struct hsm_row *row = parts[i]; row->handler != NULL; row++) {
            module->rows[row->op & 255] = row;
            module->is_ceremony[row->op & 255] = parts[i] == hsm_quorum_rows || parts[i] == hsm_world_rows;
        }
    }
}

static void init_locks(struct hsm_module *module)
{
    pthread_mutex_t *const locks[] = {&module->running_lock, &module->gate_lock, &module->snapshot_lock,
                                      &module->sessions_lock};
    for (size_t i = 0; i < KQ_COUNT_OF(locks); i++)
        pthread_mutex_init(locks[i], NULL);
    pthread_cond_init(&module->gate_changed, NULL);
}

static kq_status open_descriptors(struct hsm_module *module)
{
    module->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    module->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return module->epoll_fd >= 0 && module->wake_fd >= 0 ? KQ_OK : KQ_ERR_IO;
}

static void set_defaults(struct hsm_config *config)
{
    if (config->max_sessions_len == 0)
        config->max_sessions_len = HSM_SESSIONS_LEN_MAX;
    if (config->hello_patience_ms == 0)
        config->hello_patience_ms = HSM_HELLO_PATIENCE_MS;
    if (config->reading_patience_ms == 0)
        config->reading_patience_ms = HSM_READING_PATIENCE_MS;
}

kq_status hsm_module_new(const struct hsm_config *config, struct hsm_state **state, int control_fd, int listen_fd,
                         struct hsm_module **out)
{
    KQ_AUTO(hsm_module) module = kq_memory_new(sizeof *module);
    if (module == NULL)
        return KQ_ERR_MEMORY;
    memset(module, 0, sizeof *module);
    module->config = *config;
    set_defaults(&module->config);
    module->started_ms = kq_clock_monotonic_ms();
    module->uid = (uint32_t)geteuid();
    module->epoll_fd = module->wake_fd = -1;
    init_locks(module);
    gather_rows(module);
    hsm_control_init(&module->control, control_fd);
    module->listener.fd = listen_fd;
    kq_buffer_init(&module->flush.frames, HSM_AUDIT_PENDING_MAX);
    KQ_TRY(open_descriptors(module));
    KQ_TRY(hsm_audit_window_new(&module->window));
    KQ_TRY(hsm_queue_new(config->num_workers, &module->queue));
    KQ_TRY(hsm_module_publish(module, state));
    *out = KQ_TAKE(module);
    return KQ_OK;
}

void hsm_module_free(struct hsm_module *module)
{
    if (module == NULL)
        return;
    while (module->sessions != NULL)
        hsm_session_close(module, module->sessions);
    hsm_queue_free(module->queue);
    hsm_audit_window_free(module->window);
    hsm_snapshot_free(module->current);
    hsm_state_free(module->flush.state);
    kq_buffer_clear(&module->flush.frames);
    kq_buffer_clear(&module->flush.sealed);
    kq_buffer_clear(&module->control.in);
    if (module->epoll_fd >= 0)
        close(module->epoll_fd);
    if (module->wake_fd >= 0)
        close(module->wake_fd);
    kq_memory_free(module, sizeof *module);
}

struct hsm_snapshot *hsm_module_snapshot(struct hsm_module *module)
{
    pthread_mutex_lock(&module->snapshot_lock);
    struct hsm_snapshot *snapshot = hsm_snapshot_hold(module->current);
    pthread_mutex_unlock(&module->snapshot_lock);
    return snapshot;
}

kq_status hsm_module_publish(struct hsm_module *module, struct hsm_state **state)
{
    struct hsm_snapshot *next;
    KQ_TRY(hsm_snapshot_new(state, &next));
    pthread_mutex_lock(&module->snapshot_lock);
    struct hsm_snapshot *former = module->current;
    module->current = next;
    pthread_mutex_unlock(&module->snapshot_lock);
    hsm_snapshot_free(former);
    return KQ_OK;
}

void hsm_module_wake(struct hsm_module *module)
{
    static const uint64_t one = 1;
    ssize_t put = write(module->wake_fd, &one, sizeof one);
    (void)put; /* a full counter wakes as well */
}

_Noreturn void hsm_module_die(const char *why)
{
    char line[256];
    int len = snprintf(line, sizeof line, "hsm-module: %s; stopping\n", why);
    ssize_t put = write(STDERR_FILENO, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
    (void)put;
    _exit(70); /* EX_SOFTWARE: the supervisor starts us again */
}
