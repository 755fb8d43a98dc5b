#include "tools/region/join.h"

#include <errno.h>
#include <string.h>

#include "tools/common/connect.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"
#include "tools/factory/rehearsal_cards.h"

static kq_status read_in(struct kq_tool *tool, const struct kq_join_plan *plan, struct kq_buffer *out)
{
    kq_status status = kq_file_read(plan->in, KQ_PACKAGE_MAX, out);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_read(tool, status, plan->in, NULL);
}

static kq_status write_out(struct kq_tool *tool, const struct kq_join_plan *plan, struct kq_slice bytes,
                           const char *next)
{
    if (kq_file_write(plan->out, bytes, 0600, KQ_FILE_REPLACE) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "%s: could not be written (%s)", plan->out, strerror(errno));
    printf("%s written. Next: %s\n", plan->out, next);
    return KQ_OK;
}

static kq_status request(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_file made;
    KQ_TRY(kq_tool_call(tool, KQ_OP_WORLD_JOIN_REQUEST, NULL, "asking to join", &made, &reply));
    return write_out(tool, plan, made.file, "`keyquay region join admit` where the region is.");
}

static kq_status admit(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_file made;
    KQ_TRY(read_in(tool, plan, &bytes));
    const struct kq_file params = {kq_buffer_slice(&bytes)};
    KQ_TRY(kq_tool_call_with_quorum(tool, KQ_OP_WORLD_ADMIT, &params, KQ_SLICE_EMPTY, plan->in, &made, &reply));
    return write_out(tool, plan, made.file, "`keyquay region join accept` at the new module.");
}

static kq_status accept_admission(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_world_reply world;
    struct kq_world_facts facts;
    KQ_TRY(read_in(tool, plan, &bytes));
    const struct kq_file params = {kq_buffer_slice(&bytes)};
    KQ_TRY(kq_tool_call(tool, KQ_OP_WORLD_JOIN, &params, plan->in, &world, &reply));
    KQ_TRY(kq_world_facts_get(world.world_file, &facts, NULL));
    KQ_TRY(kq_world_store(tool, world.world_file, facts.hknso));
    printf("The module has joined region %s. Copy the folders exchange, packages and vault of the region to %s.\n",
           plan->region->name, tool->folder);
    return KQ_OK;
}

kq_status kq_region_join(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    struct kq_region_folder folder;
    struct kq_rehearsal rehearsal;
    KQ_TRY(kq_region_folder_init(&folder, plan->data, plan->region));
    KQ_TRY(kq_tool_set_folder(tool, folder.path));
    if (plan->act == KQ_JOIN_ADMIT && !kq_region_folder_exists(&folder))
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "`keyquay region list` shows what there is.",
                            "%s: there is no region %s", plan->data, plan->region->name);
    if (plan->act == KQ_JOIN_ADMIT && kq_rehearsal_cards_exist(folder.path))
        KQ_TRY(kq_rehearsal_cards_attach(tool, folder.path, &rehearsal));
    KQ_TRY(kq_tool_connect_folder(tool));
    switch (plan->act) {
    case KQ_JOIN_REQUEST:
        return request(tool, plan);
    case KQ_JOIN_ADMIT:
        return admit(tool, plan);
    case KQ_JOIN_ACCEPT:
        return accept_admission(tool, plan);
    }
    return KQ_ERR_ARGUMENT;
}
