#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const status_texts[KQ_STATUS_COUNT] = {
    [KQ_OK] = "done",
    [KQ_ERR_ARGUMENT] = "a value is not allowed",
    [KQ_ERR_FORMAT] = "damaged, truncated or not the expected format",
    [KQ_ERR_VERSION] = "made by a newer version of this program",
    [KQ_ERR_TOO_LARGE] = "larger than allowed",
    [KQ_ERR_MEMORY] = "out of memory",
    [KQ_ERR_IO] = "the system could not read or write",
    [KQ_ERR_NOT_FOUND] = "not found",
    [KQ_ERR_EXISTS] = "already exists",
    [KQ_ERR_AUTH] = "could not be opened (wrong key or passphrase, or changed bytes)",
    [KQ_ERR_SIGNATURE] = "the signature is not valid",
    [KQ_ERR_DENIED] = "not permitted",
    [KQ_ERR_QUORUM] = "needs a quorum of administrator cards",
    [KQ_ERR_STATE] = "not possible in the module's present state",
    [KQ_ERR_UNTRUSTED] = "not on the list of trusted hashes",
    [KQ_ERR_EXPIRED] = "past its end date",
    [KQ_ERR_MISMATCH] = "made for something else",
    [KQ_ERR_ROLLBACK] = "older than one already seen",
    [KQ_ERR_UNSUPPORTED] = "not supported",
    [KQ_ERR_WAIT] = "refused for now, try again later",
    [KQ_ERR_CONNECT] = "cannot be reached",
    [KQ_ERR_OUTCOME_UNKNOWN] = "the outcome is unknown",
    [KQ_ERR_CANCELLED] = "cancelled",
    [KQ_ERR_INTERNAL] = "internal error",
    [KQ_ERR_FULL] = "no room left on the disk",
};

const char *kq_status_text(kq_status status)
{
    if ((unsigned)status >= KQ_STATUS_COUNT)
        return "unknown status";
    return status_texts[status];
}

_Noreturn void kq_bug(const char *what, const char *file, int line)
{
    fprintf(stderr, "keyquay: bug: %s (%s:%d)\n", what, file, line);
    abort();
}
