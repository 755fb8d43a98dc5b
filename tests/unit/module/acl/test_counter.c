#include "acl_writer.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "module/acl/acl.h"

/* The part of service/ that counters need, under a lock: one published state,
 * changed by one call at a time, as the service does it. Replaced states live
 * on, for a call holds its own until it ends. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct hsm_state *published;
static struct hsm_state *made[4096];
static size_t num_made;

kq_status hsm_call_fail(struct hsm_call *call, kq_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->detail, sizeof call->detail, format, arguments);
    va_end(arguments);
    return status;
}

kq_status hsm_call_change_state(struct hsm_call *call, hsm_state_edit *edit, void *context)
{
    struct hsm_state *draft = NULL;
    pthread_mutex_lock(&lock);
    kq_status status = hsm_state_clone(published, &draft);
    if (status == KQ_OK)
        status = edit(draft, context);
    if (status == KQ_OK) {
        made[num_made++] = draft;
        published = call->state = draft;
    } else {
        hsm_state_free(draft);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

#define NUM_THREADS 8
#define NUM_USES 20
#define NUM_ROUNDS 5 /* 40 tries */

/* In every round all threads see the same state before any of them goes on,
 * so that each believes in a use that another may take. */
static pthread_barrier_t all_have_looked;

struct thread {
    pthread_t id;
    struct hsm_loaded *key;
    unsigned num_allowed;
    unsigned num_other; /* neither allowed nor denied */
};

static void *use_often(void *context)
{
    struct thread *thread = context;
    for (unsigned i = 0; i < NUM_ROUNDS; i++) {
        struct hsm_call call = {0};
        pthread_barrier_wait(&all_have_looked);
        pthread_mutex_lock(&lock);
        call.state = published;
        pthread_mutex_unlock(&lock);
        pthread_barrier_wait(&all_have_looked);
        kq_status status = hsm_acl_use(&call, thread->key, KQ_PERM_SIGN);
        thread->num_allowed += status == KQ_OK;
        thread->num_other += status != KQ_OK && status != KQ_ERR_DENIED;
    }
    return NULL;
}

static void acl_use__eight_threads_race__exactly_the_limit(void **state)
{
    (void)state;
    struct hsm_state *first = NULL;
    struct hsm_loaded key = {.num_references = 1};
    struct acl_writer acl;
    struct hsm_call call = {0};
    struct thread threads[NUM_THREADS] = {{.num_allowed = 0}};
    acl_writer_init(&acl);
    acl_limit(&acl, KQ_LIMIT_GLOBAL, NUM_USES, 7);
    acl_permissions(&acl, KQ_PERM_SIGN);
    acl_end_group(&acl, KQ_SLICE_EMPTY);
    acl_finish(&acl, &key.acl);
    assert_ok(hsm_state_new(1000, &first));
    published = call.state = first;
    assert_ok(hsm_acl_register(&call, kq_buffer_slice(&key.acl)));
    assert_int_equal(pthread_barrier_init(&all_have_looked, NULL, NUM_THREADS), 0);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        threads[i].key = &key;
        assert_int_equal(pthread_create(&threads[i].id, NULL, use_often, &threads[i]), 0);
    }
    unsigned num_allowed = 0, num_other = 0;
    for (size_t i = 0; i < NUM_THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        num_allowed += threads[i].num_allowed;
        num_other += threads[i].num_other;
    }
    assert_int_equal(num_allowed, NUM_USES);
    assert_int_equal(num_other, 0);
    assert_int_equal(published->counters[0].used, NUM_USES);
    for (size_t i = 0; i < num_made; i++)
        hsm_state_free(made[i]);
    hsm_state_free(first);
    pthread_barrier_destroy(&all_have_looked);
    kq_buffer_clear(&key.acl);
}

UNIT_MAIN(cmocka_unit_test(acl_use__eight_threads_race__exactly_the_limit))
