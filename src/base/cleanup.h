#ifndef KQ_BASE_CLEANUP_H
#define KQ_BASE_CLEANUP_H

/* Ownership by scope. A type `struct foo` with `void foo_free(struct foo *)`
 * joins with KQ_AUTO_DEFINE(foo) and is then declared
 *     KQ_AUTO(foo) thing = NULL;
 * A type living on the stack with `void foo_clear(struct foo *)` joins with
 * KQ_AUTO_DEFINE_VALUE(foo) and is declared
 *     KQ_AUTO_VALUE(foo) thing = {0};
 * Ownership leaves the scope with KQ_TAKE(thing), as the last act before
 * `return KQ_OK`. */
#define KQ_AUTO_DEFINE(name)                                                                                           \
    static inline void name##_auto_free_(struct name **p)                                                              \
    {                                                                                                                  \
        name##_free(*p);                                                                                               \
    }                                                                                                                  \
    struct name /* swallow the semicolon */

#define KQ_AUTO(name) __attribute__((cleanup(name##_auto_free_))) struct name *

#define KQ_AUTO_DEFINE_VALUE(name)                                                                                     \
    static inline void name##_auto_clear_(struct name *p)                                                              \
    {                                                                                                                  \
        name##_clear(p);                                                                                               \
    }                                                                                                                  \
    struct name /* swallow the semicolon */

#define KQ_AUTO_VALUE(name) __attribute__((cleanup(name##_auto_clear_))) struct name

#define KQ_TAKE(pointer)                                                                                               \
    __extension__({                                                                                                    \
        __typeof__(pointer) kq_taken_ = (pointer);                                                                     \
        (pointer) = NULL;                                                                                              \
        kq_taken_;                                                                                                     \
    })

/* Closes a descriptor at the end of the scope: KQ_AUTO_FD fd = -1; */
void kq_fd_auto_close_(int *fd);
#define KQ_AUTO_FD __attribute__((cleanup(kq_fd_auto_close_))) int

#endif
