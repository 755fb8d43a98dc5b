#include "sandbox/filter.h"

#include <errno.h>
#include <seccomp.h>

static kq_status add_row(scmp_filter_ctx filter, const struct kq_filter_row *row, int listen_fd)
{
    struct scmp_arg_cmp compare[2];
    unsigned num = 0;
    for (size_t i = 0; i < sizeof row->conditions / sizeof row->conditions[0]; i++) {
        const struct kq_filter_condition *condition = &row->conditions[i];
        if (condition->mask == 0)
            continue;
        uint64_t value = condition->value == KQ_FILTER_LISTEN_FD ? (uint64_t)listen_fd : condition->value;
        compare[num++] = SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, value);
    }
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, row->call, num, compare) == 0 ? KQ_OK : KQ_ERR_IO;
}

static kq_status fill_and_load(scmp_filter_ctx filter, const struct kq_filter_row *rows, size_t num_rows, int listen_fd)
{
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0)
        return KQ_ERR_IO;
    for (size_t i = 0; i < num_rows; i++)
        KQ_TRY(add_row(filter, &rows[i], listen_fd));
    return seccomp_load(filter) == 0 ? KQ_OK : KQ_ERR_IO;
}

kq_status kq_filter_enter(const struct kq_filter_row *rows, size_t num_rows, int listen_fd, enum kq_filter_rest rest)
{
    scmp_filter_ctx filter = seccomp_init(rest == KQ_FILTER_REFUSE ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = fill_and_load(filter, rows, num_rows, listen_fd);
    seccomp_release(filter);
    return status;
}
