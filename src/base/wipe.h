#ifndef KQ_BASE_WIPE_H
#define KQ_BASE_WIPE_H

#include <stddef.h>

/* Overwrites len bytes with zeros, in a way the compiler cannot drop.
 * data may be NULL when len is 0. Under valgrind builds (KQ_VALGRIND) the
 * bytes become undefined, so that a read after the wipe is reported. */
void kq_wipe(void *data, size_t len);

#endif
