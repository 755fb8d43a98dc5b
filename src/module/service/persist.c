#include "module/service/persist.h"

void hsm_gate_enter(struct hsm_module *module)
{
    pthread_mutex_lock(&module->gate_lock);
    while (module->is_gate_taken || module->is_flush_due)
        pthread_cond_wait(&module->gate_changed, &module->gate_lock);
    module->is_gate_taken = true;
    pthread_mutex_unlock(&module->gate_lock);
}

bool hsm_gate_try(struct hsm_module *module)
{
    pthread_mutex_lock(&module->gate_lock);
    bool is_ours = !module->is_gate_taken;
    module->is_gate_taken = true;
    module->is_flush_due = !is_ours;
    pthread_mutex_unlock(&module->gate_lock);
    return is_ours;
}

void hsm_gate_leave(struct hsm_module *module)
{
    pthread_mutex_lock(&module->gate_lock);
    module->is_gate_taken = false;
    bool is_loop_next = module->is_flush_due;
    pthread_cond_broadcast(&module->gate_changed);
    pthread_mutex_unlock(&module->gate_lock);
    if (is_loop_next)
        hsm_module_wake(module);
}

kq_status hsm_persist_begin(struct hsm_module *module, struct kq_slice state, struct kq_slice log, uint64_t *out_seq)
{
    pthread_mutex_lock(&module->gate_lock);
    uint64_t seq = ++module->persist_seq;
    pthread_mutex_unlock(&module->gate_lock);
    *out_seq = seq;
    kq_status status = hsm_control_send(
        &module->control,
        &(struct kq_control){
            .kind = KQ_CONTROL_PERSIST, .seq = seq, .log_offset = module->log_len, .state = state, .log = log});
    if (status == KQ_ERR_IO)
        hsm_module_die("the hardserver is gone");
    return status;
}

kq_status hsm_persist_wait(struct hsm_module *module, uint64_t seq)
{
    pthread_mutex_lock(&module->gate_lock);
    while (module->done_seq < seq)
        pthread_cond_wait(&module->gate_changed, &module->gate_lock);
    kq_status status = module->done_status;
    pthread_mutex_unlock(&module->gate_lock);
    return status;
}

void hsm_persist_done(struct hsm_module *module, uint64_t seq, kq_status status)
{
    pthread_mutex_lock(&module->gate_lock);
    module->done_seq = seq;
    module->done_status = status;
    pthread_cond_broadcast(&module->gate_changed);
    pthread_mutex_unlock(&module->gate_lock);
}
