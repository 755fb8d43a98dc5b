#include "tools/common/world_file.h"

#include <errno.h>
#include <fcntl.h>

#include "pubcrypto/hash.h"
#include "trust/chain.h"

static kq_status get_binding(struct kq_slice encoded, struct kq_world_facts *out, const char **out_field)
{
    struct kq_signed statement;
    *out_field = "binding";
    KQ_TRY(kq_signed_get(encoded, &statement, NULL));
    KQ_TRY(kq_world_binding_get(statement.body, &out->binding, out_field));
    struct kq_slice body;
    *out_field = "binding";
    KQ_TRY(kq_signed_verify(encoded, out->binding.knso_public, &body));
    kq_sha256(out->binding.knso_public, out->hknso);
    if (out->binding.recovery_public.len > 0)
        kq_sha256(out->binding.recovery_public, out->hkre);
    return KQ_OK;
}

kq_status kq_world_facts_get(struct kq_slice world_file, struct kq_world_facts *out, const char **out_field)
{
    struct kq_world_facts facts = {.hknso = {0}};
    const char *field;
    kq_status status = kq_world_file_get(world_file, &facts.file, &field);
    if (status == KQ_OK)
        status = get_binding(facts.file.binding, &facts, &field);
    if (status == KQ_OK)
        *out = facts;
    else if (out_field != NULL)
        *out_field = field;
    return status;
}

static kq_status world_path(const struct kq_tool *tool, char out[KQ_PATH_MAX])
{
    return kq_path_join(tool->local, "world", out);
}

kq_status kq_world_read(struct kq_tool *tool, struct kq_buffer *out_bytes, struct kq_world_facts *out)
{
    char path[KQ_PATH_MAX];
    const char *field;
    KQ_TRY(world_path(tool, path));
    kq_status status = kq_file_read(path, KQ_WORLD_FILE_MAX, out_bytes);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(tool, status, "Copy local/world from a backup, or make a world with --initialize.",
                            "no existing world to load: %s is not there", path);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Restore local/world from a backup.");
    status = kq_world_facts_get(kq_buffer_slice(out_bytes), out, &field);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Restore the file from a backup.", "%s: field %s: %s", path, field,
                            kq_status_text(status));
    return KQ_OK;
}

/* ---- putting it in place ------------------------------------------------------------- */

static kq_status set_aside(struct kq_tool *tool)
{
    for (unsigned number = 1; number < 100; number++) {
        char aside[KQ_PATH_MAX + 8];
        snprintf(aside, sizeof aside, "%s%02u", tool->local, number);
        if (renameat2(AT_FDCWD, tool->local, AT_FDCWD, aside, RENAME_NOREPLACE) == 0) {
            printf("The former world's folder is now %s\n", aside);
            return KQ_OK;
        }
        if (errno != EEXIST)
            break;
    }
    return kq_tool_fail(tool, KQ_ERR_IO, "The module has the new world. Move the folder away and run nfkminfo.",
                        "%s: could not be set aside: %s", tool->local, strerror(errno));
}

static kq_status write_world(struct kq_tool *tool, struct kq_slice world_file)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(world_path(tool, path));
    kq_status status = kq_folder_make(tool->local);
    if (status == KQ_OK)
        status = kq_file_write(path, world_file, 0600, KQ_FILE_REPLACE);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "The module has the world; nfkminfo writes the file once that works.",
                            "%s: could not be written: %s", path, strerror(errno));
    return KQ_OK;
}

/* True if local/world is there and belongs to another world, or is unreadable. */
static bool is_occupied(struct kq_tool *tool, const uint8_t hknso[32])
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_world_facts facts;
    if (world_path(tool, path) != KQ_OK || !kq_file_exists(path))
        return false;
    return kq_file_read(path, KQ_WORLD_FILE_MAX, &bytes) != KQ_OK ||
           kq_world_facts_get(kq_buffer_slice(&bytes), &facts, NULL) != KQ_OK ||
           !kq_slice_is_equal(kq_slice_of(facts.hknso, 32), kq_slice_of(hknso, 32));
}

kq_status kq_world_store(struct kq_tool *tool, struct kq_slice world_file, const uint8_t hknso[32])
{
    if (is_occupied(tool, hknso))
        KQ_TRY(set_aside(tool));
    return write_world(tool, world_file);
}

/* ---- the module's side ------------------------------------------------------------------ */

kq_status kq_tool_status(struct kq_tool *tool, struct kq_status_reply *out, struct kqc_reply *reply)
{
    char path[KQ_PATH_MAX];
    kq_status status = kqc_call(tool->session, KQ_OP_STATUS, NULL, 0, out, reply);
    if (status != KQ_OK)
        return kq_tool_fail_reply(tool, status, reply, "the module's state");
    if (out->world_kind == KQ_WORLD_OWNER && world_path(tool, path) == KQ_OK && !kq_file_exists(path))
        return write_world(tool, out->world_file);
    return KQ_OK;
}

kq_status kq_tool_world(struct kq_tool *tool, struct kq_status_reply *out_status, struct kq_world_facts *out,
                        struct kqc_reply *reply)
{
    const char *field;
    KQ_TRY(kq_tool_status(tool, out_status, reply));
    if (out_status->world_kind == 0)
        return kq_tool_fail(tool, KQ_ERR_STATE, "\"new-world --initialize\" makes one, --program loads a saved one.",
                            "the module has no Security World");
    kq_status status = kq_world_facts_get(out_status->world_file, out, &field);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "the module's world: field %s: %s", field, kq_status_text(status));
    return KQ_OK;
}
