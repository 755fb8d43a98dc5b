#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/hsm/start.h"
#include "tools/service/jobs.h"
#include "tools/service/service.h"

#define STOP_TIMEOUT_S 30u

void kq_service_say(const struct kq_service *service, const char *format, ...)
{
    va_list values;
    if (service->is_quiet)
        return;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
}

kq_status kq_service_open(struct kq_service *service, struct kq_tool *tool, const char *data)
{
    service->tool = tool;
    char *path = realpath(data, NULL);
    bool fits = path != NULL && kq_text_copy(kq_slice_text(path), service->data, sizeof service->data);
    free(path);
    if (fits && access(service->data, R_OK | X_OK) == 0)
        return KQ_OK;
    if (fits)
        return kq_tool_fail(tool, KQ_ERR_DENIED, "Run it as the user who owns the folder, or as root.",
                            "%s: you may not read it", service->data);
    return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "`keyquay up` makes it; --data names another.",
                        "%s: there is no such folder", data);
}

size_t kq_service_folders(const struct kq_service *service, char out[][KQ_PATH_MAX], size_t max)
{
    size_t num = 0;
    if (max > 0 && kq_path_join(service->data, "platform", out[0]) == KQ_OK && kq_file_exists(out[0]))
        num = 1;
    for (size_t i = 0; i < kq_num_regions && num < max; i++) {
        struct kq_region_folder folder;
        if (kq_region_folder_init(&folder, service->data, &kq_regions[i]) == KQ_OK &&
            kq_region_folder_exists(&folder) && kq_text_copy(kq_slice_text(folder.path), out[num], KQ_PATH_MAX))
            num++;
    }
    return num;
}

struct module_job {
    const struct kq_service *service;
    const char *folder;
};

static kq_status start_one(const void *context)
{
    const struct module_job *job = context;
    const struct kq_service *service = job->service;
    const struct kq_hsm_options options = {
        .allow_unlocked = service->allow_unlocked,
        .module_user = service->module_user,
        .hardserver_user = service->hardserver_user,
        .is_shared = service->vault_user != NULL,
    };
    kq_status status = kq_hsm_start(job->folder, &options);
    if (status == KQ_OK)
        return KQ_OK;
    const char *next = status == KQ_ERR_NOT_FOUND ? "Install keyquay-hsm beside this program."
                                                  : "The lines above say why; --allow-unlocked starts without locked "
                                                    "memory. Running the command again goes on from here.";
    return kq_tool_fail(service->tool, status, next, "%s: the module could not be started", job->folder);
}

static kq_status stop_one(const void *context)
{
    const struct module_job *job = context;
    kq_status status = kq_hsm_stop(job->folder, STOP_TIMEOUT_S);
    if (status == KQ_OK || status == KQ_ERR_NOT_FOUND)
        return KQ_OK;
    return kq_tool_fail(job->service->tool, status, "Its log is in hsm/log.", "%s: the module did not end",
                        job->folder);
}

static kq_status run_all(struct kq_service *service, kq_status (*act)(const void *), char folders[][KQ_PATH_MAX],
                         size_t num)
{
    struct module_job contexts[KQ_SERVICE_FOLDERS_MAX];
    struct kq_job jobs[KQ_SERVICE_FOLDERS_MAX];
    if (num > KQ_SERVICE_FOLDERS_MAX)
        return KQ_ERR_TOO_LARGE;
    for (size_t i = 0; i < num; i++) {
        contexts[i] = (struct module_job){service, folders[i]};
        jobs[i] = (struct kq_job){act, &contexts[i]};
    }
    kq_status status = kq_jobs_run(jobs, num);
    service->tool->has_spoken = service->tool->has_spoken || status != KQ_OK;
    return status;
}

kq_status kq_service_start_modules(struct kq_service *service, char folders[][KQ_PATH_MAX], size_t num)
{
    return run_all(service, start_one, folders, num);
}

kq_status kq_service_stop_modules(struct kq_service *service, char folders[][KQ_PATH_MAX], size_t num)
{
    return run_all(service, stop_one, folders, num);
}
