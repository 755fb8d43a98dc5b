#ifndef KQ_BASE_MEMORY_H
#define KQ_BASE_MEMORY_H

#include <stddef.h>

/* Where growable buffers live. A seam filled by the build, not at run time:
 * ordinary programs link base/heap.c (malloc), hsm-module links
 * module/arena/memory.c (locked, never dumped), so that nothing that passes
 * through a buffer of the module lies outside its arena. */

/* Returns len bytes (len > 0), or NULL. Release with kq_memory_free(). */
void *kq_memory_new(size_t len);
/* Wipes len bytes and releases them; NULL is fine. len is what was asked for. */
void kq_memory_free(void *data, size_t len);

#endif
