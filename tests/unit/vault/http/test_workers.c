#include "vault/http/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "unit.h"

#define JOBS_MAX 64

struct job {
    struct vault_http_job job; /* first */
    char name;
    bool is_stuck;  /* runs until the gate opens */
    uint64_t moves; /* whose it turns out to be; 0: it stays where it is */
};

struct world {
    struct vault_http_workers *workers;
    struct job jobs[JOBS_MAX];
    size_t num_jobs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    size_t num_running, num_done, num_dropped;
    char order[JOBS_MAX + 1]; /* as they began */
    size_t num_begun;
};

static void drop(void *context, struct vault_http_job *job)
{
    struct world *world = context;
    (void)job;
    world->num_dropped++;
}

static void work(void *context, struct vault_http_job *job)
{
    struct world *world = context;
    struct job *mine = (struct job *)job;
    if (mine->moves != 0) {
        job->client = (struct vault_http_client){HTTP_CLIENT_PROVED, mine->moves};
        mine->moves = 0;
        if (vault_http_workers_add(world->workers, job) != KQ_OK)
            drop(world, job);
        return;
    }
    pthread_mutex_lock(&world->lock);
    world->order[world->num_begun++] = mine->name;
    world->num_running++;
    pthread_cond_broadcast(&world->changed);
    while (mine->is_stuck && !world->is_open)
        pthread_cond_wait(&world->changed, &world->lock);
    world->num_running--;
    world->num_done++;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static struct world *world_new(size_t num_threads, size_t max_waiting)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->changed, NULL);
    assert_ok(vault_http_workers_new(num_threads, max_waiting, work, drop, world, &world->workers));
    return world;
}

static void open_gate(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    world->is_open = true;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void world_free(struct world *world)
{
    open_gate(world);
    vault_http_workers_free(world->workers);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->lock);
    free(world);
}

static kq_status add_job(struct world *world, const struct job *job)
{
    world->jobs[world->num_jobs] = *job;
    return vault_http_workers_add(world->workers, &world->jobs[world->num_jobs++].job);
}

static kq_status add(struct world *world, uint64_t client, char name, bool is_stuck)
{
    return add_job(world,
                   &(struct job){.job = {.client = {HTTP_CLIENT_ADDRESS, client}}, .name = name, .is_stuck = is_stuck});
}

static size_t read_locked(struct world *world, const size_t *number)
{
    pthread_mutex_lock(&world->lock);
    size_t value = *number;
    pthread_mutex_unlock(&world->lock);
    return value;
}

/* False if the number does not come in ten seconds. */
static bool wait_for(struct world *world, const size_t *number, size_t wanted)
{
    for (unsigned i = 0; i < 2000; i++) {
        if (read_locked(world, number) == wanted)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

static void add__one_client_stuck__leaves_threads_for_others(void **state)
{
    (void)state;
    struct world *world = world_new(4, 100);
    for (unsigned i = 0; i < 10; i++)
        assert_ok(add(world, 1, 'a', true));
    assert_true(wait_for(world, &world->num_running, 3));
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(add(world, 2, 'b', false));
        assert_true(wait_for(world, &world->num_done, i + 1));
    }
    assert_int_equal(read_locked(world, &world->num_running), 3);
    assert_int_equal(vault_http_workers_waiting(world->workers), 7);
    open_gate(world);
    assert_true(wait_for(world, &world->num_done, 15));
    world_free(world);
}

static void take__many_of_one_and_few_of_another__go_in_turn(void **state)
{
    (void)state;
    struct world *world = world_new(1, 100);
    assert_ok(add(world, 3, 'x', true));
    assert_true(wait_for(world, &world->num_running, 1));
    for (unsigned i = 0; i < 5; i++)
        assert_ok(add(world, 1, 'a', false));
    assert_ok(add(world, 2, 'b', false));
    assert_ok(add(world, 2, 'b', false));
    open_gate(world);
    assert_true(wait_for(world, &world->num_done, 8));
    assert_string_equal(world->order, "xababaaa");
    world_free(world);
}

static void add__one_client_fills_its_room__others_may_still_wait(void **state)
{
    (void)state;
    struct world *world = world_new(1, 8);
    assert_ok(add(world, 3, 'x', true));
    assert_true(wait_for(world, &world->num_running, 1));
    for (unsigned i = 0; i < 6; i++)
        assert_ok(add(world, 1, 'a', false));
    assert_status(add(world, 1, 'a', false), KQ_ERR_FULL);
    assert_ok(add(world, 2, 'b', false));
    assert_ok(add(world, 2, 'b', false));
    assert_status(add(world, 2, 'b', false), KQ_ERR_FULL);
    world_free(world);
}

/* The kinds have lanes of their own: what nobody has proved never meets what somebody has. */
static void add__same_number_of_two_kinds__are_two_clients(void **state)
{
    (void)state;
    struct world *world = world_new(4, 8);
    const struct job proved = {.job = {.client = {HTTP_CLIENT_PROVED, 1}}, .name = 'p'};
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(add(world, 1, 'a', true));
        assert_true(wait_for(world, &world->num_running, i + 1));
    }
    for (unsigned i = 0; i < 6; i++)
        assert_ok(add(world, 1, 'a', true));
    assert_status(add(world, 1, 'a', true), KQ_ERR_FULL);
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(add_job(world, &proved));
        assert_true(wait_for(world, &world->num_done, i + 1));
    }
    assert_int_equal(read_locked(world, &world->num_running), 3);
    world_free(world);
}

static void work__jobs_turn_out_to_be_anothers__count_for_that_one_only(void **state)
{
    (void)state;
    struct world *world = world_new(4, 100);
    for (uint64_t address = 1; address <= 10; address++) {
        const struct job job = {
            .job = {.client = {HTTP_CLIENT_ADDRESS, address}}, .name = 'p', .is_stuck = true, .moves = 7};
        assert_ok(add_job(world, &job));
    }
    assert_true(wait_for(world, &world->num_running, 3));
    for (uint64_t address = 1; address <= 10; address++) {
        assert_ok(add(world, address, 'a', false));
        assert_true(wait_for(world, &world->num_done, address));
    }
    assert_int_equal(read_locked(world, &world->num_running), 3);
    assert_int_equal(vault_http_workers_waiting(world->workers), 7);
    open_gate(world);
    assert_true(wait_for(world, &world->num_done, 20));
    world_free(world);
}

static void stop__jobs_wait__are_dropped_and_what_runs_ends(void **state)
{
    (void)state;
    struct world *world = world_new(2, 100);
    assert_ok(add(world, 1, 'a', false));
    assert_true(wait_for(world, &world->num_done, 1));
    assert_ok(add(world, 1, 'a', true));
    assert_ok(add(world, 2, 'b', true));
    assert_true(wait_for(world, &world->num_running, 2));
    for (uint64_t client = 1; client <= 3; client++) {
        assert_ok(add(world, client, 'w', false));
        assert_ok(add(world, client, 'w', false));
    }
    open_gate(world); /* those that wait may run before the stop, or be dropped by it */
    vault_http_workers_stop(world->workers);
    assert_int_equal(world->num_done + world->num_dropped, 9);
    assert_status(add(world, 1, 'a', false), KQ_ERR_FULL);
    world_free(world);
}

static uint64_t number_at(const char *peer_address)
{
    struct vault_http_client client = vault_http_client_at(peer_address);
    assert_int_equal(client.kind, HTTP_CLIENT_ADDRESS);
    return client.number;
}

static void client_at__addresses__are_told_apart_by_subscriber(void **state)
{
    (void)state;
    assert_true(number_at("192.0.2.1") != number_at("192.0.2.2"));
    assert_true(number_at("192.0.2.1") == number_at("::ffff:192.0.2.1"));
    assert_true(number_at("2001:db8::1") == number_at("2001:db8::2:3:4:5"));
    assert_true(number_at("2001:db8:0:1::1") != number_at("2001:db8::1"));
    assert_true(number_at("::") != number_at("0.0.0.0"));
    assert_int_equal(number_at(""), 0);
}

UNIT_MAIN(cmocka_unit_test(add__one_client_stuck__leaves_threads_for_others),
          cmocka_unit_test(take__many_of_one_and_few_of_another__go_in_turn),
          cmocka_unit_test(add__one_client_fills_its_room__others_may_still_wait),
          cmocka_unit_test(add__same_number_of_two_kinds__are_two_clients),
          cmocka_unit_test(work__jobs_turn_out_to_be_anothers__count_for_that_one_only),
          cmocka_unit_test(stop__jobs_wait__are_dropped_and_what_runs_ends),
          cmocka_unit_test(client_at__addresses__are_told_apart_by_subscriber))
