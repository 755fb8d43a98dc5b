/* enquiry: says how the module is. */
#include <inttypes.h>

#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/world_file.h"
#include "tools/owner/module_facts.h"

static void print_text(const char *name, struct kq_slice value)
{
    printf(" %-22s%.*s\n", name, (int)value.len, (const char *)value.data);
}

static void print_roles(uint64_t uid, uint64_t roles)
{
    printf(" %-22suid %" PRIu64 ":%s%s%s\n", "this connection", uid, roles & KQ_ROLE_USE ? " use" : "",
           roles & KQ_ROLE_ADMIN ? " admin" : "", roles & KQ_ROLE_VAULT ? " vault" : "");
}

static void print_server(const struct kq_tool *tool, const struct kq_status_reply *module)
{
    const struct kq_hello_reply *hello = kqc_session_hello(tool->session);
    printf("Server:\n");
    printf(" %-22s%s\n", "enquiry reply flags", "none");
    print_text("serial number", module->esn);
    printf(" %-22s%s\n", "mode", kq_mode_text(module));
    print_text("version", module->version);
    printf(" %-22s%" PRIu64 "\n", "protocol", hello->protocol);
    print_roles(hello->uid, hello->roles);
    printf(" %-22s%" PRIu64 "\n", "sessions", module->num_sessions);
    printf(" %-22s%" PRIu64 " s\n", "uptime", module->uptime_s);
}

static void print_module(const struct kq_status_reply *module)
{
    char root[KQ_ROOT_TEXT_SIZE], hash[KQ_HASH_TEXT_SIZE];
    uint8_t key_hash[32];
    kq_root_text(module, root);
    kq_module_key_hash(module, key_hash);
    kq_hash_text(kq_slice_of(key_hash, sizeof key_hash), hash);
    printf("Module #1:\n");
    printf(" %-22s%s\n", "enquiry reply flags", "none");
    print_text("serial number", module->esn);
    printf(" %-22s%s\n", "mode", kq_mode_text(module));
    print_text("version", module->version);
    printf(" %-22s%s\n", "product name", "Keyquay software module");
    printf(" %-22s%s\n", "world", kq_name_world_kind(module->world_kind));
    printf(" %-22s%s\n", "module key hash", hash);
    print_text("key protection:", module->key_protection);
    print_text("rollback protection:", module->rollback_protection);
    print_text("memory:", module->memory);
    printf(" %-22s%s\n", "root:", root);
    printf(" %-22s%" PRIu64 "\n", "workers", module->workers);
    printf(" %-22s%" PRIu64 "\n", "queue", module->queue_len);
    printf(" %-22s%" PRIu64 "\n", "loaded keys", module->num_handles);
    printf(" %-22s%" PRIu64 " of %" PRIu64 " bytes\n", "secure memory", module->arena_used, module->arena_size);
    printf(" %-22s%" PRIu64 "\n", "audit records", module->audit_records);
}

static void set_text(json_t *object, const char *name, struct kq_slice value)
{
    json_object_set_new(object, name, json_stringn((const char *)value.data, value.len));
}

static void set_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void print_json(const struct kq_tool *tool, const struct kq_status_reply *module)
{
    const struct kq_hello_reply *hello = kqc_session_hello(tool->session);
    char root[KQ_ROOT_TEXT_SIZE], hash[65];
    uint8_t key_hash[32];
    kq_root_text(module, root);
    kq_module_key_hash(module, key_hash);
    kq_hex_encode(kq_slice_of(key_hash, sizeof key_hash), hash);
    json_t *object = json_object();
    set_text(object, "esn", module->esn);
    json_object_set_new(object, "mode", json_string(kq_mode_text(module)));
    set_text(object, "version", module->version);
    json_object_set_new(object, "world", json_string(kq_name_world_kind(module->world_kind)));
    json_object_set_new(object, "moduleKeyHash", json_string(hash));
    set_text(object, "keyProtection", module->key_protection);
    set_text(object, "rollbackProtection", module->rollback_protection);
    set_text(object, "memory", module->memory);
    json_object_set_new(object, "root", json_string(root));
    set_number(object, "uid", hello->uid);
    set_number(object, "roles", hello->roles);
    set_number(object, "workers", module->workers);
    set_number(object, "queue", module->queue_len);
    set_number(object, "uptimeSeconds", module->uptime_s);
    set_number(object, "sessions", module->num_sessions);
    set_number(object, "handles", module->num_handles);
    set_number(object, "arenaUsed", module->arena_used);
    set_number(object, "arenaSize", module->arena_size);
    set_number(object, "auditRecords", module->audit_records);
    kq_tool_print_json(object);
}

static kq_status run(struct kq_tool *tool)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply module;
    KQ_TRY(kq_tool_connect(tool));
    KQ_TRY(kq_tool_status(tool, &module, &reply));
    if (tool->is_json) {
        print_json(tool, &module);
    } else {
        print_server(tool, &module);
        print_module(&module);
    }
    return KQ_OK;
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    const char *module = NULL;
    kq_tool_init(&tool, "enquiry", argc, argv);
    const struct kq_arg args[] = {
        {"module", 'm', &module, NULL, "M", "the module: 1"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON"},
    };
    const struct kq_args table = {
        .synopsis = "[-m M] [--json]", .about = "Says how the module is.", .args = args, .num_args = 2};
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, NULL, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    if (module != NULL && strcmp(module, "1") != 0)
        return kq_tool_finish(&tool, kq_tool_usage(&tool, "--module=%s: there is one module, number 1", module));
    return kq_tool_finish(&tool, run(&tool));
}
