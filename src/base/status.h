#ifndef KQ_BASE_STATUS_H
#define KQ_BASE_STATUS_H

/* Status codes: one enum for the whole project. A code says what the caller
 * can do about it; what exactly went wrong travels beside it as text.
 *
 * The numbers travel on the module protocol (docs/protocols/module.md 4) and
 * never change their meaning; new ones are added at the end. */
enum kq_status {
    KQ_OK = 0,
    KQ_ERR_ARGUMENT = 1,         /* a value the caller chose is not allowed */
    KQ_ERR_FORMAT = 2,           /* bytes are not in a form we know (truncated, damaged, foreign) */
    KQ_ERR_VERSION = 3,          /* right kind of bytes, newer than this program */
    KQ_ERR_TOO_LARGE = 4,        /* a named maximum would be exceeded */
    KQ_ERR_MEMORY = 5,           /* no memory within the configured bound */
    KQ_ERR_IO = 6,               /* the operating system failed a read or write */
    KQ_ERR_NOT_FOUND = 7,        /* no such file, handle, key */
    KQ_ERR_EXISTS = 8,           /* already there, will not overwrite */
    KQ_ERR_AUTH = 9,             /* opening or unwrapping failed; causes are not told apart */
    KQ_ERR_SIGNATURE = 10,       /* a signature does not verify */
    KQ_ERR_DENIED = 11,          /* the ACL or the caller's role does not allow it */
    KQ_ERR_QUORUM = 12,          /* needs a card quorum that was not presented for this very act */
    KQ_ERR_STATE = 13,           /* not in this state of the module (no world, already a world, ...) */
    KQ_ERR_UNTRUSTED = 14,       /* a root or world that is not on the trusted list */
    KQ_ERR_EXPIRED = 15,         /* past its date */
    KQ_ERR_MISMATCH = 16,        /* sound, but made for something else */
    KQ_ERR_ROLLBACK = 17,        /* older than what was already seen */
    KQ_ERR_UNSUPPORTED = 18,     /* known and deliberately not offered */
    KQ_ERR_WAIT = 19,            /* refused for now, try again after the stated delay */
    KQ_ERR_CONNECT = 20,         /* the module (or vault) cannot be reached */
    KQ_ERR_OUTCOME_UNKNOWN = 21, /* an act may or may not have happened: see the audit log */
    KQ_ERR_CANCELLED = 22,       /* a person said no */
    KQ_ERR_INTERNAL = 23,        /* a broken promise of our own; the module stops */
    KQ_ERR_FULL = 24,            /* no room left where it would be kept; nothing was changed */
    KQ_STATUS_COUNT
};
typedef enum kq_status kq_status;

#define KQ_MUST_CHECK __attribute__((warn_unused_result))

/* Returns at once if the expression is not KQ_OK. */
#define KQ_TRY(expression)                                                                                             \
    do {                                                                                                               \
        kq_status kq_try_status_ = (expression);                                                                       \
        if (kq_try_status_ != KQ_OK)                                                                                   \
            return kq_try_status_;                                                                                     \
    } while (0)

/* Drops a result on purpose; the reason is for the reader. */
static inline void kq_ignore(kq_status status, const char *why)
{
    (void)status;
    (void)why;
}

/* Returns the English sentence for a code, "unknown status" outside the enum. Static storage. */
const char *kq_status_text(kq_status status);

/* Prints where a promise of our own code was broken and aborts. */
_Noreturn void kq_bug(const char *what, const char *file, int line);
#define KQ_BUG(what) kq_bug((what), __FILE__, __LINE__)

#endif
