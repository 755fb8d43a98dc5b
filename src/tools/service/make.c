/* Making the receiving side, as much of it side by side as can be. */
#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/common/ceremony.h"
#include "tools/common/connect.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"
#include "tools/factory/rehearsal_cards.h"
#include "tools/hsm/start.h"
#include "tools/region/create.h"
#include "tools/region/publish.h"
#include "tools/region/several.h"
#include "tools/service/access.h"
#include "tools/service/jobs.h"
#include "tools/service/service.h"

#define SUITE "ECp521mAES"
#define KEK_BITS 3072u
#define KEK_DAYS 730u
#define FACTORY_STOP_S 30u

/* ---- the platform's world ---- */

static kq_status make_world(struct kq_tool *tool, const char *folder)
{
    KQ_AUTO_VALUE(kq_ceremony_result) made = {0};
    const struct kq_ceremony ceremony = {
        .kind = KQ_WORLD_OWNER, .suite = SUITE, .quorum = 1, .num_cards = 1, .is_quiet = true};
    kq_rehearsal_cards_drop(folder);
    KQ_TRY(kq_ceremony_run(tool, &ceremony, &made));
    return kq_world_store(tool, kq_buffer_slice(&made.world_file), made.hknso);
}

/* The world that holds the service's own keys: no recovery, one rehearsal card. */
static kq_status have_platform(struct kq_tool *tool, const char *folder)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    struct kq_rehearsal rehearsal;
    KQ_TRY(kq_tool_set_folder(tool, folder));
    KQ_TRY(kq_rehearsal_cards_attach(tool, folder, &rehearsal));
    KQ_TRY(kq_tool_connect_folder(tool));
    KQ_TRY(kq_tool_status(tool, &status, &reply));
    if (status.world_kind == 0)
        return make_world(tool, folder);
    if (status.world_kind != KQ_WORLD_OWNER)
        return kq_tool_fail(tool, KQ_ERR_STATE, "Choose another folder with --data.",
                            "%s: this module has a world of another kind", folder);
    return KQ_OK;
}

struct making {
    struct kq_service *service;
    const char *folder; /* of a module */
};

static kq_status finish_tool(struct kq_tool *tool, kq_status status)
{
    return kq_tool_finish(tool, status) == KQ_EXIT_DONE ? KQ_OK : status != KQ_OK ? status : KQ_ERR_IO;
}

/* A module that some tool started leaves when it is idle, or has other users;
 * while nobody is served it can be ended and started as a service's. */
static kq_status start_module(struct kq_service *service, const char *path)
{
    char folder[1][KQ_PATH_MAX];
    if (!kq_text_copy(kq_slice_text(path), folder[0], KQ_PATH_MAX))
        return KQ_ERR_TOO_LARGE;
    if (service->is_fresh)
        KQ_TRY(kq_service_stop_modules(service, folder, 1));
    return kq_service_start_modules(service, folder, 1);
}

static kq_status platform_job(const void *context)
{
    const struct making *making = context;
    struct kq_tool tool;
    KQ_TRY(start_module(making->service, making->folder));
    kq_tool_init(&tool, making->service->tool->program, making->service->tool->argc, making->service->tool->argv);
    return finish_tool(&tool, have_platform(&tool, making->folder));
}

static kq_status factory_job(const void *context)
{
    const struct making *making = context;
    struct kq_tool tool;
    kq_tool_init(&tool, making->service->tool->program, making->service->tool->argc, making->service->tool->argv);
    tool.is_json = true; /* no words on standard output */
    return finish_tool(&tool, kq_region_rehearsal_factory(&tool, making->service->data));
}

static kq_status module_job(const void *context)
{
    const struct making *making = context;
    return start_module(making->service, making->folder);
}

/* ---- which regions ---- */

static bool is_made(const struct kq_service *service, const struct kq_region *region)
{
    struct kq_region_folder folder;
    return kq_region_folder_init(&folder, service->data, region) == KQ_OK && kq_region_newest_generation(&folder) > 0;
}

static void choose_missing(const struct kq_service *service, const struct kq_service_regions *wanted,
                           struct kq_service_regions *out)
{
    *out = *wanted;
    out->num = 0;
    for (size_t i = 0; i < wanted->num; i++) {
        bool is_listed = false;
        for (size_t j = 0; j < out->num; j++)
            is_listed = is_listed || out->regions[j] == wanted->regions[i];
        if (!is_listed && !is_made(service, wanted->regions[i]))
            out->regions[out->num++] = wanted->regions[i];
    }
}

/* ---- all of it ---- */

struct plan {
    struct making makings[KQ_SERVICE_FOLDERS_MAX + 2];
    struct kq_job jobs[KQ_SERVICE_FOLDERS_MAX + 2];
    char folders[KQ_SERVICE_FOLDERS_MAX][KQ_PATH_MAX];
    size_t num_jobs, num_folders;
};

static void add_job(struct plan *plan, struct kq_service *service, kq_status (*run)(const void *), const char *folder)
{
    plan->makings[plan->num_jobs] = (struct making){service, folder};
    plan->jobs[plan->num_jobs] = (struct kq_job){run, &plan->makings[plan->num_jobs]};
    plan->num_jobs++;
}

static kq_status add_module(struct plan *plan, struct kq_service *service, const struct kq_region *region)
{
    struct kq_region_folder folder;
    char *path = plan->folders[plan->num_folders];
    KQ_TRY(kq_region_folder_init(&folder, service->data, region));
    if (!kq_text_copy(kq_slice_text(folder.path), path, KQ_PATH_MAX))
        return KQ_ERR_TOO_LARGE;
    plan->num_folders++;
    add_job(plan, service, module_job, path);
    return KQ_OK;
}

static kq_status start_and_prepare(struct kq_service *service, const struct kq_service_regions *missing)
{
    struct plan plan = {.num_jobs = 0};
    KQ_TRY(kq_path_join(service->data, "platform", plan.folders[plan.num_folders++]));
    add_job(&plan, service, platform_job, plan.folders[0]);
    if (missing->num > 0)
        add_job(&plan, service, factory_job, NULL);
    for (size_t i = 0; i < missing->num; i++)
        KQ_TRY(add_module(&plan, service, missing->regions[i]));
    for (size_t i = 0; i < kq_num_regions; i++) {
        if (is_made(service, &kq_regions[i]))
            KQ_TRY(add_module(&plan, service, &kq_regions[i]));
    }
    kq_status status = kq_jobs_run(plan.jobs, plan.num_jobs);
    service->tool->has_spoken = service->tool->has_spoken || status != KQ_OK;
    return status;
}

/* What the regions' tools print is progress here: it goes to standard error. */
static int create_aside(struct kq_tool *tool, const struct kq_region_plan *plan,
                        const struct kq_service_regions *missing)
{
    fflush(stdout);
    KQ_AUTO_FD saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (saved < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return KQ_EXIT_FAILED;
    int code =
        kq_regions_create_beside(tool->program, tool->argc, tool->argv, false, plan, missing->regions, missing->num);
    fflush(stdout);
    return dup2(saved, STDOUT_FILENO) < 0 ? KQ_EXIT_FAILED : code;
}

static kq_status make_regions(struct kq_service *service, const struct kq_service_regions *missing)
{
    const struct kq_region_plan plan = {
        .data = service->data,
        .suite = SUITE,
        .operator_name = missing->operator_name,
        .vault_suffix = missing->vault_suffix,
        .kek_bits = KEK_BITS,
        .valid_days = KEK_DAYS,
    };
    struct kq_tool *tool = service->tool;
    int code = create_aside(tool, &plan, missing);
    if (code != KQ_EXIT_DONE) {
        tool->has_spoken = true;
        return kq_tool_fail(tool, code == KQ_EXIT_UNREACHABLE ? KQ_ERR_CONNECT : KQ_ERR_STATE,
                            "Running the command again goes on from here.", "the regions could not all be made");
    }
    return KQ_OK;
}

/* The manufacturer has nothing to do until the next region is made. */
static void rest_factory(const struct kq_service *service)
{
    char folder[KQ_PATH_MAX];
    if (kq_path_join(service->data, "factory", folder) == KQ_OK)
        kq_ignore(kq_hsm_stop(folder, FACTORY_STOP_S), "it leaves by itself when idle");
}

/* A region that an earlier release made has no toolset to serve. */
static kq_status publish_missing(struct kq_service *service)
{
    for (size_t i = 0; i < kq_num_regions; i++) {
        struct kq_region_folder folder;
        char path[KQ_PATH_MAX];
        KQ_TRY(kq_region_folder_init(&folder, service->data, &kq_regions[i]));
        uint64_t generation = kq_region_newest_generation(&folder);
        KQ_TRY(kq_path_join(folder.path, "toolset/facts.json", path));
        if (generation > 0 && !kq_file_exists(path))
            KQ_TRY(kq_region_publish(service->tool, &folder, generation));
    }
    return KQ_OK;
}

kq_status kq_service_make(struct kq_service *service, const struct kq_service_regions *wanted, bool *out_made)
{
    struct kq_service_regions missing;
    pid_t pid;
    service->is_fresh = kq_service_find(service, &pid) == KQ_ERR_NOT_FOUND;
    choose_missing(service, wanted, &missing);
    for (size_t i = 0; i < missing.num; i++)
        kq_service_say(service, "Making region %s ...", missing.regions[i]->name);
    KQ_TRY(kq_service_open_road(service));
    KQ_TRY(start_and_prepare(service, &missing));
    if (missing.num > 0) {
        kq_status status = make_regions(service, &missing);
        rest_factory(service);
        KQ_TRY(status);
    }
    KQ_TRY(publish_missing(service));
    KQ_TRY(kq_service_grant(service));
    *out_made = missing.num > 0;
    return KQ_OK;
}
