/* Every free of keyvaultd wipes, whoever calls it: a key that somebody sends in
 * the clear passes through the memory of TLS, HTTP and JSON libraries, which
 * leave copies behind in what they free.
 *
 * These definitions stand in the program, so the dynamic linker gives them to
 * the libraries too. Allocation stays glibc's; growing always copies, so that
 * the former place is wiped. Not linked into builds with sanitizers, which
 * bring a heap of their own. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

void *__libc_malloc(size_t len);
void __libc_free(void *data);

#define EXPORTED __attribute__((visibility("default")))

/* Blocks that shrink by less than this much stay where they are. */
#define SHRINK_MIN 64u

EXPORTED void free(void *data)
{
    int before = errno; /* free() leaves errno alone */
    if (data == NULL)
        return;
    kq_wipe(data, malloc_usable_size(data));
    __libc_free(data);
    errno = before;
}

EXPORTED void *realloc(void *data, size_t len)
{
    if (data == NULL)
        return __libc_malloc(len);
    if (len == 0) {
        free(data);
        return NULL;
    }
    size_t former = malloc_usable_size(data);
    if (len <= former && former - len < former / 2 + SHRINK_MIN)
        return data;
    void *copy = __libc_malloc(len);
    if (copy == NULL)
        return NULL;
    memcpy(copy, data, len < former ? len : former);
    free(data);
    return copy;
}
