#ifndef VAULT_OPS_TEST_MODE_H
#define VAULT_OPS_TEST_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/status.h"

/* A clock that tests move and faults that they order. There is none of this
 * unless the program was started with --test-mode. Thread-safe. */
struct vault_test_mode;

#define VAULT_FAULTS_MAX 16u
#define VAULT_FAULT_MATCH_SIZE 256u
#define VAULT_FAULT_DELAY_MAX_MS 60000u

struct vault_fault {
    char match[VAULT_FAULT_MATCH_SIZE]; /* how the path of a request begins, in any case */
    unsigned status;                    /* 429, 500, 503; 0: only the delay */
    uint64_t count;                     /* so many requests are hit */
    uint64_t delay_ms;
};

KQ_MUST_CHECK kq_status vault_test_mode_new(bool has_clock, bool has_faults, struct vault_test_mode **out);
void vault_test_mode_free(struct vault_test_mode *mode);
KQ_AUTO_DEFINE(vault_test_mode);

bool vault_test_mode_has_clock(const struct vault_test_mode *mode);
bool vault_test_mode_has_faults(const struct vault_test_mode *mode);

/* Seconds that the service's clock is ahead of the host's. */
void vault_test_clock_set(struct vault_test_mode *mode, int64_t offset_s);
int64_t vault_test_clock_offset(const struct vault_test_mode *mode);

/* Errors: KQ_ERR_FULL (VAULT_FAULTS_MAX are ordered and not used up). */
KQ_MUST_CHECK kq_status vault_faults_add(struct vault_test_mode *mode, const struct vault_fault *fault);
void vault_faults_clear(struct vault_test_mode *mode);
/* Takes one use of the first fault that hits this path. */
bool vault_faults_take(struct vault_test_mode *mode, const char *path, struct vault_fault *out);

#endif
