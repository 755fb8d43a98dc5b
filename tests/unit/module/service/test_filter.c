#include "unit.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module/arena/arena.h"
#include "module/arena/thread.h"
#include "module/audit/entries.h"
#include "module/privcrypto/seal.h"
#include "module/privcrypto/warm.h"
#include "module/selftest/selftest.h"
#include "sandbox/sandbox.h"

/* What the module computes, behind its filter: each act runs in a child whose
 * threads were warmed before, as in hsm-module. A system call that the filter
 * does not know kills the child. */

static void need(bool condition)
{
    if (!condition)
        _exit(1);
}

typedef void caged_act(void);

struct cage {
    caged_act *act;
    pthread_barrier_t is_warm;
    pthread_barrier_t is_caged;
};

static void *run_caged(void *context)
{
    struct cage *cage = context;
    need(hsm_privcrypto_warm_thread() == KQ_OK);
    pthread_barrier_wait(&cage->is_warm);
    pthread_barrier_wait(&cage->is_caged);
    cage->act();
    hsm_arena_leave();
    return NULL; /* the end of a thread is a rare call too */
}

static void live_in_a_cage(caged_act *act)
{
    const char *why;
    const struct hsm_arena_options options = {.first = 1 << 20, .max = 32 << 20, .allow_unlocked = true};
    struct cage cage = {.act = act};
    struct hsm_thread thread;
    need(hsm_arena_start(&options, &why) == KQ_OK && hsm_arena_hook_openssl() == KQ_OK);
    need(hsm_privcrypto_warm() == KQ_OK);
    pthread_barrier_init(&cage.is_warm, NULL, 2);
    pthread_barrier_init(&cage.is_caged, NULL, 2);
    need(hsm_thread_start(&thread, run_caged, &cage) == KQ_OK);
    pthread_barrier_wait(&cage.is_warm);
    need(kq_sandbox_enter_module(0) == KQ_OK);
    pthread_barrier_wait(&cage.is_caged);
    pthread_join(thread.id, NULL);
    _exit(0);
}

static void assert_survives(caged_act *act)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        live_in_a_cage(act);
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    if (WIFSIGNALED(result))
        print_error("ended by signal %d%s\n", WTERMSIG(result), WTERMSIG(result) == SIGSYS ? " (the filter)" : "");
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

/* getrandom() comes only now and then, at a reseed. */
static void reseed_all(void)
{
    uint8_t bytes[64];
    EVP_RAND_CTX *const generators[] = {RAND_get0_primary(NULL), RAND_get0_public(NULL), RAND_get0_private(NULL)};
    for (size_t i = 0; i < sizeof generators / sizeof generators[0]; i++)
        need(EVP_RAND_reseed(generators[i], 1, NULL, 0, NULL, 0) == 1);
    need(RAND_bytes(bytes, sizeof bytes) == 1 && RAND_priv_bytes(bytes, sizeof bytes) == 1);
    hsm_random(bytes, sizeof bytes);
}

static void generators__reseeded__survive(void **state)
{
    (void)state;
    assert_survives(reseed_all);
}

static void make_keys(void)
{
    static const enum kq_key_type types[] = {KQ_KEY_EC_P256, KQ_KEY_EC_P384, KQ_KEY_EC_P521, KQ_KEY_EC_SECP256K1};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        KQ_AUTO(hsm_key) key = NULL;
        need(hsm_key_generate(types[i], 0, 0, &key) == KQ_OK);
    }
    KQ_AUTO(hsm_key) rsa = NULL;
    KQ_AUTO(hsm_key) aes = NULL;
    need(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &rsa) == KQ_OK);
    need(hsm_key_generate(KQ_KEY_AES, 256, 0, &aes) == KQ_OK);
}

static void keys__made__survive(void **state)
{
    (void)state;
    assert_survives(make_keys);
}

static void test_self(void)
{
    need(hsm_selftest() == KQ_OK);
}

static void self_test__again__survives(void **state)
{
    (void)state;
    assert_survives(test_self);
}

static void grow_and_fill(void)
{
    void *blocks[64];
    size_t num = 0;
    while (num < 64 && (blocks[num] = hsm_arena_new(1 << 20)) != NULL)
        num++;
    need(num > 16 && num < 64 && hsm_arena_refusals() == 1);
    KQ_AUTO(hsm_key) key = NULL; /* for want of memory an error, nothing worse */
    kq_status status = hsm_key_generate(KQ_KEY_RSA, 2048, 0, &key);
    need(status == KQ_OK || hsm_arena_refusals() > 1);
    while (num > 0)
        hsm_arena_free(blocks[--num]);
    char *large = malloc(8 << 20); /* the C library's own memory: mmap, munmap, brk */
    need(large != NULL);
    memset(large, 1, 8 << 20);
    free(large);
    make_keys();
}

static void arena__grown_to_its_end__survives(void **state)
{
    (void)state;
    assert_survives(grow_and_fill);
}

static void seal_and_sign(void)
{
    static const uint8_t device_key[32];
    KQ_AUTO(hsm_state) made = NULL;
    KQ_AUTO(hsm_state) back = NULL;
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    KQ_AUTO_VALUE(kq_buffer) frames;
    kq_buffer_init(&frames, 4096);
    need(hsm_state_new(1, &made) == KQ_OK);
    need(hsm_state_seal(made, kq_slice_of(device_key, 32), &sealed) == KQ_OK);
    need(hsm_state_unseal(kq_buffer_slice(&sealed), kq_slice_of(device_key, 32), &back) == KQ_OK);
    need(hsm_audit_put_head(&back->audit, back->esn, back->module_key, 1, &frames) == KQ_OK);
}

static void state__sealed_and_heads_signed__survive(void **state)
{
    (void)state;
    assert_survives(seal_and_sign);
}

UNIT_MAIN(cmocka_unit_test(generators__reseeded__survive), cmocka_unit_test(keys__made__survive),
          cmocka_unit_test(self_test__again__survives), cmocka_unit_test(arena__grown_to_its_end__survives),
          cmocka_unit_test(state__sealed_and_heads_signed__survive))
