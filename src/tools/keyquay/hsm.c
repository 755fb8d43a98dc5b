/* keyquay hsm: the module of a folder as a running thing. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/quorum.h"
#include "tools/hsm/start.h"
#include "tools/keyquay/commands.h"

#define STOP_TIMEOUT_S 20u
#define WORKERS_MAX 1024u
#define IDLE_MAX 31536000u

struct options {
    const char *folder, *idle, *workers, *roles;
    bool allow_unlocked;
};

/* ---- start, stop ---- */

static kq_status read_number(struct kq_tool *tool, const char *name, const char *text, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (text != NULL && !kq_uint_parse(kq_slice_text(text), max, out))
        return kq_tool_usage(tool, "--%s takes a number up to %llu", name, (unsigned long long)max);
    return KQ_OK;
}

static kq_status run_start(struct kq_tool *tool, const struct options *options)
{
    struct kq_hsm_options start = {.allow_unlocked = options->allow_unlocked};
    KQ_TRY(read_number(tool, "idle-exit", options->idle, IDLE_MAX, &start.idle_exit_s));
    KQ_TRY(read_number(tool, "workers", options->workers, WORKERS_MAX, &start.num_workers));
    kq_status status = kq_hsm_start(tool->folder, &start);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "The lines above say why; --allow-unlocked starts without locked memory.",
                            "%s: the module could not be started", tool->folder);
    printf("The module of %s is running.\n", tool->folder);
    return KQ_OK;
}

static kq_status run_stop(struct kq_tool *tool)
{
    kq_status status = kq_hsm_stop(tool->folder, STOP_TIMEOUT_S);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(tool, status, NULL, "%s: no module runs here", tool->folder);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Try again, or look at its processes.", "%s: the module did not end",
                            tool->folder);
    printf("The module of %s has ended.\n", tool->folder);
    return KQ_OK;
}

/* ---- status ---- */

static void print_status(const struct kq_tool *tool, const struct kq_status_reply *status)
{
    printf("folder:              %s\n", tool->folder);
    printf("serial number:       %.*s\n", (int)status->esn.len, (const char *)status->esn.data);
    printf("world:               %s\n", status->world_kind == 0 ? "none" : kq_name_world_kind(status->world_kind));
    printf("warrant:             %s\n", status->warrant.len == 0 ? "none" : "installed");
    printf("key protection:      %.*s\n", (int)status->key_protection.len, (const char *)status->key_protection.data);
    printf("rollback protection: %.*s\n", (int)status->rollback_protection.len,
           (const char *)status->rollback_protection.data);
    printf("memory:              %.*s, %llu of %llu KiB in use\n", (int)status->memory.len,
           (const char *)status->memory.data, (unsigned long long)status->arena_used / 1024,
           (unsigned long long)status->arena_size / 1024);
    printf("workers:             %llu\n", (unsigned long long)status->workers);
    printf("sessions, handles:   %llu, %llu\n", (unsigned long long)status->num_sessions,
           (unsigned long long)status->num_handles);
    printf("audit records:       %llu\n", (unsigned long long)status->audit_records);
    printf("running for:         %llu s\n", (unsigned long long)status->uptime_s);
}

static json_t *text_json(struct kq_slice text)
{
    return json_stringn((const char *)text.data, text.len);
}

static void print_json(const struct kq_tool *tool, const struct kq_status_reply *status)
{
    json_t *object =
        json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "folder", tool->folder, "world",
                  status->world_kind == 0 ? "none" : kq_name_world_kind(status->world_kind), "warranted",
                  (int)(status->warrant.len > 0), "workers", (json_int_t)status->workers, "sessions",
                  (json_int_t)status->num_sessions, "handles", (json_int_t)status->num_handles, "arenaUsed",
                  (json_int_t)status->arena_used, "arenaSize", (json_int_t)status->arena_size, "auditRecords",
                  (json_int_t)status->audit_records, "uptimeSeconds", (json_int_t)status->uptime_s);
    json_object_set_new(object, "esn", text_json(status->esn));
    json_object_set_new(object, "keyProtection", text_json(status->key_protection));
    json_object_set_new(object, "rollbackProtection", text_json(status->rollback_protection));
    json_object_set_new(object, "memory", text_json(status->memory));
    kq_tool_print_json(object);
}

/* Asking must not start a module. */
static kq_status run_status(struct kq_tool *tool)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    pid_t supervisor;
    if (kq_hsm_find(tool->folder, &supervisor) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_CONNECT, "`keyquay hsm start` starts it.", "%s: no module runs here",
                            tool->folder);
    KQ_TRY(kq_tool_connect_folder(tool));
    KQ_TRY(kq_tool_call(tool, KQ_OP_STATUS, NULL, "asking the module", &status, &reply));
    (tool->is_json ? print_json : print_status)(tool, &status);
    return KQ_OK;
}

/* ---- who may connect ---- */

static kq_status read_user(struct kq_tool *tool, const char *text, uint64_t *out_uid)
{
    if (kq_uint_parse(kq_slice_text(text), 0xffffffff, out_uid))
        return KQ_OK;
    const struct passwd *user = getpwnam(text);
    if (user == NULL)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, NULL, "there is no user '%.60s'", text);
    *out_uid = user->pw_uid;
    return KQ_OK;
}

static kq_status read_roles(struct kq_tool *tool, const char *text, uint64_t *out_roles)
{
    static const struct {
        const char *name;
        enum kq_role role;
    } roles[] = {{"use", KQ_ROLE_USE}, {"admin", KQ_ROLE_ADMIN}, {"vault", KQ_ROLE_VAULT}};
    *out_roles = 0;
    while (*text != '\0') {
        const size_t len = strcspn(text, ",");
        uint64_t found = 0;
        for (size_t i = 0; i < KQ_COUNT_OF(roles); i++) {
            if (kq_slice_is_text(kq_slice_of(text, len), roles[i].name))
                found = roles[i].role;
        }
        if (found == 0)
            return kq_tool_usage(tool, "--roles takes use, admin and vault, with commas between");
        *out_roles |= found;
        text += len + (text[len] == ',');
    }
    return KQ_OK;
}

static kq_status set_peer(struct kq_tool *tool, const char *user, const char *roles_text)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_peer_set_request request;
    KQ_TRY(read_user(tool, user, &request.uid));
    KQ_TRY(read_roles(tool, roles_text, &request.roles));
    KQ_TRY(kq_tool_connect_folder(tool));
    KQ_TRY(kq_tool_call(tool, KQ_OP_PEER_SET, &request, "setting who may connect", NULL, &reply));
    printf("User %llu: %s.\n", (unsigned long long)request.uid, request.roles == 0 ? "no longer let in" : roles_text);
    return KQ_OK;
}

/* ---- which act ---- */

static kq_status dispatch(struct kq_tool *tool, const struct options *options, const char *const *words,
                          size_t num_words)
{
    const char *act = num_words > 0 ? words[0] : "";
    if (options->folder != NULL)
        KQ_TRY(kq_tool_set_folder(tool, options->folder));
    if (num_words == 1 && strcmp(act, "start") == 0)
        return run_start(tool, options);
    if (num_words == 1 && strcmp(act, "stop") == 0)
        return run_stop(tool);
    if (num_words == 1 && strcmp(act, "status") == 0)
        return run_status(tool);
    if (num_words == 2 && strcmp(act, "allow") == 0)
        return set_peer(tool, words[1], options->roles);
    if (num_words == 2 && strcmp(act, "forbid") == 0)
        return set_peer(tool, words[1], "");
    return kq_tool_usage(tool, "say start, stop, status, allow USER or forbid USER");
}

int kq_cmd_hsm(int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.roles = "use"};
    const char *words[2];
    size_t num_words;
    kq_tool_init(&tool, "keyquay hsm", argc, argv);
    const struct kq_arg args[] = {
        {"folder", 'f', &options.folder, NULL, "DIR", "the module's folder; else the owner's"},
        {"idle-exit", 0, &options.idle, NULL, "SECONDS", "start: leave after so long without a caller"},
        {"workers", 0, &options.workers, NULL, "N", "start: threads (default: one per core)"},
        {"allow-unlocked", 0, NULL, &options.allow_unlocked, NULL, "start: run where memory cannot be locked"},
        {"roles", 0, &options.roles, NULL, "LIST", "allow: use (default), admin, vault"},
        {"json", 0, NULL, &tool.is_json, NULL, "status: print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "start|stop|status|allow USER|forbid USER [OPTION...]",
        .about = "Starts, stops and shows a module, and says who may connect to it.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 2,
    };
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(&tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, dispatch(&tool, &options, words, num_words));
}
