/* keyquay status: what of the receiving side runs. */
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/paths.h"
#include "tools/common/quorum.h"
#include "tools/hsm/start.h"
#include "tools/region/data.h"
#include "tools/service/service.h"
#include "tools/service/service_command.h"

/* ---- one module ---- */

static json_t *slice_json(struct kq_slice text)
{
    return json_stringn((const char *)text.data, text.len);
}

/* Asking must not start a module, and what cannot be asked is left out. */
static void ask_module(const struct kq_service *service, const char *folder, json_t *entry)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO(kqc_session) session = NULL;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    if (kq_path_join(folder, "hardserver.sock", path) != KQ_OK ||
        kqc_session_open(path, service->tool->program, &session) != KQ_OK ||
        kqc_call(session, KQ_OP_STATUS, NULL, 0, &status, &reply) != KQ_OK)
        return;
    json_object_set_new(entry, "esn", slice_json(status.esn));
    json_object_set_new(entry, "world",
                        json_string(status.world_kind == 0 ? "none" : kq_name_world_kind(status.world_kind)));
    json_object_set_new(entry, "keyProtection", slice_json(status.key_protection));
    json_object_set_new(entry, "rollbackProtection", slice_json(status.rollback_protection));
    json_object_set_new(entry, "memory", slice_json(status.memory));
    json_object_set_new(entry, "uptimeSeconds", json_integer((json_int_t)status.uptime_s));
}

static json_t *module_json(const struct kq_service *service, const char *folder)
{
    pid_t pid = 0;
    kq_status found = kq_hsm_find(folder, &pid);
    json_t *entry =
        json_pack("{s:s, s:s, s:b}", "name", kq_path_base(folder), "folder", folder, "running", (int)(found == KQ_OK));
    if (pid > 0)
        json_object_set_new(entry, "pid", json_integer(pid));
    if (found == KQ_OK)
        ask_module(service, folder, entry);
    return entry;
}

/* ---- all ---- */

static json_t *status_json(const struct kq_service *service, bool *out_is_running)
{
    char folders[KQ_SERVICE_FOLDERS_MAX][KQ_PATH_MAX];
    pid_t pid = 0;
    json_t *announced = NULL, *modules = json_array();
    bool all_run = kq_service_find(service, &pid) == KQ_OK;
    json_t *vault = json_pack("{s:b}", "running", (int)all_run);
    if (pid > 0)
        json_object_set_new(vault, "pid", json_integer(pid));
    size_t num = kq_service_folders(service, folders, KQ_SERVICE_FOLDERS_MAX);
    for (size_t i = 0; i < num; i++) {
        json_t *module = module_json(service, folders[i]);
        all_run = all_run && json_is_true(json_object_get(module, "running"));
        json_array_append_new(modules, module);
    }
    kq_ignore(kq_service_announced(service, &announced), "not set up yet");
    json_t *object = json_pack("{s:s, s:b, s:o, s:o}", "data", service->data, "running", (int)all_run, "keyvaultd",
                               vault, "modules", modules);
    static const char *const members[] = {"domain",     "addresses",   "port",   "login",
                                          "management", "vaultSuffix", "regions"};
    for (size_t i = 0; i < KQ_COUNT_OF(members) && announced != NULL; i++)
        json_object_set(object, members[i], json_object_get(announced, members[i]));
    json_decref(announced);
    *out_is_running = all_run;
    return object;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "-";
}

static void print_process(const char *name, const json_t *entry)
{
    char pid[32] = "";
    if (json_is_integer(json_object_get(entry, "pid")))
        snprintf(pid, sizeof pid, ", pid %lld", (long long)json_integer_value(json_object_get(entry, "pid")));
    printf("%-22s %s%s", name, json_is_true(json_object_get(entry, "running")) ? "running" : "not running", pid);
    if (json_object_get(entry, "keyProtection") != NULL)
        printf("; key protection: %s", text_of(entry, "keyProtection"));
    printf("\n");
}

static void print_text(const json_t *status)
{
    size_t index;
    json_t *item;
    printf("%-22s %s\n", "folder", text_of(status, "data"));
    print_process("keyvaultd", json_object_get(status, "keyvaultd"));
    json_array_foreach(json_object_get(status, "modules"), index, item) print_process(text_of(item, "name"), item);
    if (json_object_get(status, "vaultSuffix") == NULL)
        return; /* not set up to the end: there are no addresses yet */
    printf("%-22s https://NAME%s\n%-22s %s\n%-22s %s\n", "vaults", text_of(status, "vaultSuffix"), "login",
           text_of(status, "login"), "management", text_of(status, "management"));
    printf("%-22s", "addresses");
    json_array_foreach(json_object_get(status, "addresses"), index, item)
        printf(" %s", json_is_string(item) ? json_string_value(item) : "?");
    printf(", port %lld\n", (long long)json_integer_value(json_object_get(status, "port")));
    json_array_foreach(json_object_get(status, "regions"), index, item)
        printf("%-22s %s, world %s\n", text_of(item, "code"), text_of(item, "name"), text_of(item, "world"));
}

static kq_status run(struct kq_tool *tool, const char *data)
{
    struct kq_service service = {.tool = tool};
    bool is_running;
    KQ_TRY(kq_service_open(&service, tool, data));
    json_t *status = status_json(&service, &is_running);
    if (tool->is_json) {
        kq_tool_print_json(status);
    } else {
        print_text(status);
        json_decref(status);
    }
    if (is_running)
        return KQ_OK;
    return kq_tool_fail(tool, KQ_ERR_CONNECT, "`keyquay up` starts what is missing.", "%s: not everything is running",
                        service.data);
}

int kq_cmd_status(int argc, char **argv)
{
    struct kq_tool tool;
    char default_data[KQ_PATH_MAX];
    const char *data = default_data;
    size_t num_words;
    kq_tool_init(&tool, "keyquay status", argc, argv);
    kq_data_default(default_data);
    const struct kq_arg args[] = {
        {"data", 'd', &data, NULL, "DIR", "the operator's folder"},
        {"json", 0, NULL, &tool.is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "[--data DIR]",
        .about = "Shows keyvaultd, the modules, addresses and regions. Exit status 4: not everything runs.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
    };
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, NULL, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(&tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&tool, data));
}
