#include "module/service/start.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "module/audit/entries.h"
#include "module/privcrypto/warm.h"
#include "module/service/change.h"
#include "module/service/loop.h"
#include "sandbox/sandbox.h"

void hsm_start_take_log(struct hsm_module *module, const struct hsm_opened *opened)
{
    memcpy(module->device_key, opened->device_key, sizeof module->device_key);
    module->tree = opened->recovery.tree;
    module->log_len = module->checkpoint_len = opened->recovery.log_len;
}

/* Shared by the threads of one start. */
struct start {
    struct hsm_module *module;
    struct hsm_opened *opened;
    pthread_barrier_t is_warm;  /* every thread has its generators */
    pthread_barrier_t is_caged; /* the filter is there */
};

struct start_thread {
    struct hsm_worker worker;
    struct start *start;
};

static kq_status add_system_record(struct hsm_change *change, const char *event, const char *detail)
{
    return hsm_change_record(change, &(struct kq_audit_record){.time = kq_clock_unix_s(),
                                                               .class_ = KQ_AUDIT_SYSTEM,
                                                               .event = kq_slice_text(event),
                                                               .peer_uid = change->module->uid,
                                                               .detail = kq_slice_text(detail),
                                                               .count = 1});
}

/* How the last life ended, and that a new one begins. */
static kq_status add_start_records(struct hsm_change *change, const struct hsm_opened *opened)
{
    const struct hsm_audit_recovery *recovery = &opened->recovery;
    char detail[192];
    KQ_TRY(kq_buffer_append(&change->frames, recovery->again.data, recovery->again.len));
    if (opened->log_len == 0)
        KQ_TRY(hsm_audit_put_signer(change->draft->module_key, &change->frames));
    if (recovery->is_cut) {
        snprintf(detail, sizeof detail, "the log has %llu bytes, %llu are missing", (unsigned long long)opened->log_len,
                 (unsigned long long)(opened->state->audit_log_len - opened->log_len));
        KQ_TRY(add_system_record(change, HSM_AUDIT_EVENT_LOG_CUT, detail));
    }
    if (!recovery->is_clean && change->tree.num_records > 0) {
        snprintf(detail, sizeof detail,
                 "uses of the last %u ms may be missing, from record %llu on if the log was cut; %llu bytes dropped",
                 HSM_AUDIT_WINDOW_MS, (unsigned long long)opened->state->audit.num_records,
                 (unsigned long long)recovery->num_dropped);
        KQ_TRY(add_system_record(change, HSM_AUDIT_EVENT_UNCLEAN_STOP, detail));
    }
    return add_system_record(change, HSM_AUDIT_EVENT_START, "");
}

/* Done by the first worker, because the loop has to hear the hardserver's answer. */
static kq_status begin_life(struct start *start)
{
    KQ_AUTO_VALUE(hsm_change) change = {0};
    KQ_TRY(hsm_change_begin(start->module, &change));
    KQ_TRY(add_start_records(&change, start->opened));
    KQ_TRY(hsm_change_commit(&change));
    KQ_TRY(hsm_control_send(&start->module->control, &(struct kq_control){.kind = KQ_CONTROL_READY}));
    hsm_listener_open(start->module);
    return KQ_OK;
}

static void *thread_main(void *context)
{
    struct start_thread *thread = context;
    struct start *start = thread->start;
    if (hsm_privcrypto_warm_thread() != KQ_OK)
        hsm_module_die("a thread has no random generator");
    pthread_barrier_wait(&start->is_warm);
    pthread_barrier_wait(&start->is_caged);
    if (thread->worker.number == 1 && begin_life(start) != KQ_OK)
        hsm_module_die("state and audit log cannot be written: is the disk full?");
    return hsm_worker_main(&thread->worker);
}

static kq_status start_threads(struct start *start, struct start_thread *threads)
{
    for (size_t i = 0; i < start->module->config.num_workers; i++) {
        threads[i].start = start;
        hsm_worker_init(&threads[i].worker, start->module, i + 1);
        KQ_TRY(hsm_thread_start(&threads[i].worker.thread, thread_main, &threads[i]));
    }
    return KQ_OK;
}

static kq_status serve(struct start *start)
{
    struct hsm_worker own;
    hsm_worker_init(&own, start->module, 0);
    pthread_barrier_wait(&start->is_warm);
    if (kq_sandbox_enter_module(start->module->listener.fd) != KQ_OK) {
        /* the others wait behind the barrier; the process ends with them */
        hsm_module_die("the system call filter cannot be entered");
    }
    pthread_barrier_wait(&start->is_caged);
    kq_status status = hsm_loop_run(&own);
    hsm_worker_clear(&own);
    return status;
}

kq_status hsm_start_serve(struct hsm_module *module, struct hsm_opened *opened)
{
    size_t num_workers = module->config.num_workers;
    struct start start = {.module = module, .opened = opened};
    struct start_thread *threads = kq_memory_new(num_workers * sizeof *threads);
    if (threads == NULL)
        return KQ_ERR_MEMORY;
    pthread_barrier_init(&start.is_warm, NULL, (unsigned)num_workers + 1);
    pthread_barrier_init(&start.is_caged, NULL, (unsigned)num_workers + 1);
    KQ_TRY(start_threads(&start, threads));
    return serve(&start);
}
