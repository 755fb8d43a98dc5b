#include "tools/service/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static kq_status end_job(pid_t pid)
{
    int how = 0;
    while (waitpid(pid, &how, 0) < 0) {
        if (errno != EINTR)
            return KQ_ERR_IO;
    }
    return WIFEXITED(how) && WEXITSTATUS(how) < KQ_STATUS_COUNT ? (kq_status)WEXITSTATUS(how) : KQ_ERR_INTERNAL;
}

kq_status kq_jobs_run(const struct kq_job *jobs, size_t num_jobs)
{
    pid_t children[KQ_JOBS_MAX];
    kq_status first = KQ_OK;
    size_t num_started = 0;
    if (num_jobs > KQ_JOBS_MAX)
        return KQ_ERR_TOO_LARGE;
    if (num_jobs == 1)
        return jobs[0].run(jobs[0].context);
    fflush(stdout);
    while (num_started < num_jobs) {
        pid_t child = fork();
        if (child == 0) {
            kq_status status = jobs[num_started].run(jobs[num_started].context);
            fflush(stdout);
            _exit((int)status);
        }
        if (child < 0) {
            first = KQ_ERR_IO;
            break;
        }
        children[num_started++] = child;
    }
    for (size_t i = 0; i < num_started; i++) {
        kq_status status = end_job(children[i]);
        first = first == KQ_OK ? status : first;
    }
    return first;
}
