#ifndef KQ_BASE_CLOCK_H
#define KQ_BASE_CLOCK_H

#include <stdint.h>

/* Seconds since 1970, UTC, as the host says. */
uint64_t kq_clock_unix_s(void);
/* Milliseconds of a clock that never goes back; only differences mean something. */
uint64_t kq_clock_monotonic_ms(void);

#endif
