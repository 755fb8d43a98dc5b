/* nfkminfo: tells about the world, the module in it, and the keys there are. */
#include <inttypes.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/public_key.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/keyfile.h"
#include "tools/common/names.h"
#include "tools/common/world_file.h"
#include "tools/owner/module_facts.h"

struct options {
    bool world_info, key_list, name_list;
};

/* ---- the world ------------------------------------------------------------------------------ */

static void print_hash(const char *name, struct kq_slice hash, const char *remark)
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(hash, text);
    printf(" %-14s%s%s\n", name, text, remark);
}

static bool has_suite(const struct kq_world_facts *facts, const char *part)
{
    struct kq_slice suite = facts->binding.suite;
    return memmem(suite.data, suite.len, part, strlen(part)) != NULL;
}

/* Worlds of the documents' old suite have names that old programs printed. */
static void print_ncore_hash(const char *name, struct kq_slice public_key)
{
    KQ_AUTO(kq_public_key) key = NULL;
    uint8_t hash[20];
    char text[41];
    if (public_key.len == 0 || kq_public_key_new(public_key, &key) != KQ_OK ||
        kq_public_key_ncore_hash(key, hash) != KQ_OK)
        return;
    kq_hex_encode(kq_slice_of(hash, sizeof hash), text);
    printf(" %-14s%s (nCore SHA-1, decides nothing)\n", name, text);
}

static void print_world(const struct kq_world_facts *facts)
{
    char when[KQ_TIME_TEXT_SIZE], set[33];
    const struct kq_world_binding *binding = &facts->binding;
    bool recovery = binding->recovery_public.len > 0;
    kq_time_text(binding->time, when);
    kq_hex_encode(binding->card_set, set);
    printf("World\n");
    printf(" %-14sInitialised Usable %sRecovery\n", "state", recovery ? "" : "!");
    printf(" %-14s%s\n", "kind", kq_name_world_kind(binding->kind));
    printf(" %-14s1\n", "n_modules");
    print_hash("hknso", kq_slice_of(facts->hknso, 32), "");
    print_hash("hkm", binding->hkm, has_suite(facts, "mRijndael") ? " (type Rijndael)" : " (type AES)");
    if (recovery)
        print_hash("hkre", kq_slice_of(facts->hkre, 32), "");
    if (has_suite(facts, "DLf1024")) {
        print_ncore_hash("hknso", binding->knso_public);
        print_ncore_hash("hkre", binding->recovery_public);
    }
    printf(" %-14s%" PRIu64 "/%" PRIu64 "\n", "k-out-of-n", binding->quorum, binding->num_cards);
    printf(" %-14s%s\n", "card set", set);
    printf(" %-14s%s\n", "createtime", when);
    printf(" %-14s%.*s\n", "ciphersuite", (int)binding->suite.len, (const char *)binding->suite.data);
}

static void print_module(const struct kq_status_reply *module)
{
    char root[KQ_ROOT_TEXT_SIZE];
    uint8_t hash[32];
    kq_root_text(module, root);
    kq_module_key_hash(module, hash);
    printf("\nModule #1\n");
    printf(" %-14s%s\n", "state", module->world_kind == 0 ? "Uninitialised" : "Usable");
    printf(" %-14s%.*s\n", "esn", (int)module->esn.len, (const char *)module->esn.data);
    print_hash("hkml", kq_slice_of(hash, sizeof hash), "");
    printf(" key protection: %.*s\n", (int)module->key_protection.len, (const char *)module->key_protection.data);
    printf(" rollback protection: %.*s\n", (int)module->rollback_protection.len,
           (const char *)module->rollback_protection.data);
    printf(" root: %s\n", root);
    printf("\n%s\n", module->num_handles == 0 ? "No Pre-Loaded Objects" : "Pre-Loaded Objects");
}

static json_t *json_hash(struct kq_slice hash)
{
    char text[129];
    if (hash.len == 0 || hash.len > 64)
        return json_null();
    kq_hex_encode(hash, text);
    return json_string(text);
}

static json_t *json_text(struct kq_slice text)
{
    return json_stringn((const char *)text.data, text.len);
}

static void print_world_json(const struct kq_status_reply *module, const struct kq_world_facts *facts)
{
    char root[KQ_ROOT_TEXT_SIZE];
    kq_root_text(module, root);
    json_t *object = json_object();
    json_object_set_new(object, "esn", json_text(module->esn));
    json_object_set_new(object, "initialised", json_boolean(module->world_kind != 0));
    if (module->world_kind != 0) {
        bool recovery = facts->binding.recovery_public.len > 0;
        json_object_set_new(object, "kind", json_string(kq_name_world_kind(facts->binding.kind)));
        json_object_set_new(object, "hknso", json_hash(kq_slice_of(facts->hknso, 32)));
        json_object_set_new(object, "hkm", json_hash(facts->binding.hkm));
        json_object_set_new(object, "hkre", recovery ? json_hash(kq_slice_of(facts->hkre, 32)) : json_null());
        json_object_set_new(object, "quorum", json_integer((json_int_t)facts->binding.quorum));
        json_object_set_new(object, "cards", json_integer((json_int_t)facts->binding.num_cards));
        json_object_set_new(object, "cardSet", json_hash(facts->binding.card_set));
        json_object_set_new(object, "suite", json_text(facts->binding.suite));
        json_object_set_new(object, "created", json_integer((json_int_t)facts->binding.time));
    }
    json_object_set_new(object, "keyProtection", json_text(module->key_protection));
    json_object_set_new(object, "rollbackProtection", json_text(module->rollback_protection));
    json_object_set_new(object, "root", json_string(root));
    kq_tool_print_json(object);
}

static kq_status show_world(struct kq_tool *tool)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply module;
    struct kq_world_facts facts = {.hknso = {0}};
    KQ_TRY(kq_tool_connect(tool));
    KQ_TRY(kq_tool_status(tool, &module, &reply));
    if (module.world_kind != 0 && kq_world_facts_get(module.world_file, &facts, NULL) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "the module's world cannot be read");
    if (tool->is_json) {
        print_world_json(&module, &facts);
        return KQ_OK;
    }
    if (module.world_kind != 0)
        print_world(&facts);
    else
        printf("World\n %-14s!Initialised !Usable\n", "state");
    print_module(&module);
    return KQ_OK;
}

/* ---- the keys --------------------------------------------------------------------------------- */

static void print_list(const struct kq_key_names *names)
{
    printf("Key list - %zu keys\n", names->num);
    for (size_t i = 0; i < names->num; i++)
        printf(" AppName %-20s Ident %s\n", names->names[i].application, names->names[i].ident);
}

static json_t *json_list(const struct kq_key_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->num; i++) {
        json_t *key = json_object();
        json_object_set_new(key, "application", json_string(names->names[i].application));
        json_object_set_new(key, "ident", json_string(names->names[i].ident));
        json_array_append_new(list, key);
    }
    return list;
}

static kq_status show_list(struct kq_tool *tool, const char *application)
{
    KQ_AUTO_VALUE(kq_key_names) names = {.num = 0};
    KQ_TRY(kq_key_list(tool, application, NULL, &names));
    if (tool->is_json)
        kq_tool_print_json(json_list(&names));
    else
        print_list(&names);
    return KQ_OK;
}

static void print_key(const struct kq_key_file *file, const struct kq_key_blob *blob)
{
    char type[KQ_KEY_TYPE_TEXT_SIZE], when[KQ_TIME_TEXT_SIZE];
    kq_name_key(blob->key_type, blob->bits, type);
    kq_time_text(file->created, when);
    printf("Key AppName %.*s Ident %.*s\n", (int)file->application.len, (const char *)file->application.data,
           (int)file->ident.len, (const char *)file->ident.data);
    printf(" %-14s%zu bytes\n", "blob", file->blob.len);
    printf(" %-14s%s\n", "recovery", file->recovery_blob.len > 0 ? "Enabled" : "Disabled");
    printf(" %-14s%s\n", "protection", "Module");
    print_hash("hash", blob->public_hash, "");
    printf(" %-14s%.*s\n", "name", (int)file->plainname.len, (const char *)file->plainname.data);
    printf(" %-14s%s\n", "type", type);
    printf(" %-14s%s\n", "origin", kq_name_origin(blob->origin));
    printf(" %-14s%s\n", "gentime", when);
    print_hash("hknso", file->hknso, "");
    if (blob->counter_esn.len > 0)
        printf(" %-14s%.*s\n", "uses counted", (int)blob->counter_esn.len, (const char *)blob->counter_esn.data);
}

static void print_key_json(const struct kq_key_file *file, const struct kq_key_blob *blob)
{
    char type[KQ_KEY_TYPE_TEXT_SIZE];
    kq_name_key(blob->key_type, blob->bits, type);
    json_t *object = json_object();
    json_object_set_new(object, "application", json_text(file->application));
    json_object_set_new(object, "ident", json_text(file->ident));
    json_object_set_new(object, "name", json_text(file->plainname));
    json_object_set_new(object, "type", json_string(type));
    json_object_set_new(object, "origin", json_string(kq_name_origin(blob->origin)));
    json_object_set_new(object, "hash", json_hash(blob->public_hash));
    json_object_set_new(object, "hknso", json_hash(file->hknso));
    json_object_set_new(object, "recovery", json_boolean(file->recovery_blob.len > 0));
    json_object_set_new(object, "created", json_integer((json_int_t)file->created));
    kq_tool_print_json(object);
}

static kq_status show_key(struct kq_tool *tool, const char *application, const char *ident)
{
    KQ_AUTO_VALUE(kq_stored_key) stored = {.path = ""};
    struct kq_key_blob blob;
    const char *field;
    KQ_TRY(kq_key_read(tool, application, ident, &stored));
    kq_status status = kq_key_blob_get(stored.file.blob, &blob, &field);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Restore the file from a backup.", "%s: blob: field %s: %s", stored.path,
                            field, kq_status_text(status));
    if (tool->is_json)
        print_key_json(&stored.file, &blob);
    else
        print_key(&stored.file, &blob);
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool, const struct options *options, const char *const *words, size_t num_words)
{
    if (options->key_list && num_words == 2)
        return show_key(tool, words[0], words[1]);
    if (options->key_list || options->name_list)
        return show_list(tool, num_words > 0 ? words[0] : NULL);
    if (num_words > 0)
        return kq_tool_usage(tool, "\"%s\": names of keys go with -k or -l", words[0]);
    return show_world(tool);
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.world_info = false};
    kq_tool_init(&tool, "nfkminfo", argc, argv);
    const struct kq_arg args[] = {
        {"world-info", 'w', NULL, &options.world_info, NULL, "the world and the module (the default)"},
        {"key-list", 'k', NULL, &options.key_list, NULL, "keys; with APP and IDENT one key in full"},
        {"name-list", 'l', NULL, &options.name_list, NULL, "names of keys"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON"},
    };
    const struct kq_args table = {
        .synopsis = "[-w | -k [APP [IDENT]] | -l [APP]] [--json]",
        .about = "Tells about the world, its module and its keys.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 2,
    };
    const char *words[2];
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&tool, &options, words, num_words));
}
