/* aclprint: prints the ACLs of the keys that preload has loaded. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/quorum.h"
#include "trust/acl.h"
#include "wire/reader.h"

static uint64_t get_u64(struct kq_slice bytes)
{
    struct kq_reader reader;
    kq_reader_init(&reader, bytes);
    return kq_reader_u64(&reader);
}

static void print_uses_left(struct kq_list list)
{
    struct kq_slice item;
    for (unsigned limit = 1; kq_list_next(&list, &item); limit++)
        printf("  Uses left of limit %u: %" PRIu64 "\n", limit, get_u64(item));
}

static void print_key(const struct kq_key_acl_reply *key, const struct kq_place *place)
{
    char type[KQ_KEY_TYPE_TEXT_SIZE];
    kq_name_key(key->key_type, key->bits, type);
    printf("Key AppName %.*s Ident %.*s\n", (int)place->application.len, (const char *)place->application.data,
           (int)place->ident.len, (const char *)place->ident.data);
    printf("  Type: %s\n  Origin: %s\n", type, kq_name_origin(key->origin));
    kq_acl_print(key->acl, "  ", stdout);
    print_uses_left(key->uses_left);
}

static json_t *acl_text(struct kq_slice acl)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream == NULL)
        return json_null();
    kq_acl_print(acl, "", stream);
    fclose(stream);
    json_t *value = json_stringn(text, len);
    free(text);
    return value;
}

static json_t *json_of(const struct kq_key_acl_reply *key, const struct kq_place *place)
{
    char type[KQ_KEY_TYPE_TEXT_SIZE];
    kq_name_key(key->key_type, key->bits, type);
    json_t *uses = json_array();
    struct kq_list list = key->uses_left;
    struct kq_slice item;
    while (kq_list_next(&list, &item))
        json_array_append_new(uses, json_integer((json_int_t)get_u64(item)));
    json_t *object = json_object();
    json_object_set_new(object, "application",
                        json_stringn((const char *)place->application.data, place->application.len));
    json_object_set_new(object, "ident", json_stringn((const char *)place->ident.data, place->ident.len));
    json_object_set_new(object, "type", json_string(type));
    json_object_set_new(object, "origin", json_string(kq_name_origin(key->origin)));
    json_object_set_new(object, "acl", acl_text(key->acl));
    json_object_set_new(object, "usesLeft", uses);
    return object;
}

static kq_status show_key(struct kq_tool *tool, uint64_t handle, json_t *keys)
{
    const struct kq_handle_request params = {.handle = handle};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_key_acl_reply key;
    struct kq_place place;
    KQ_TRY(kq_tool_call(tool, KQ_OP_KEY_ACL, &params, "reading the ACL", &key, &reply));
    if (kq_place_get(key.place, &place, NULL) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "a key names a place that cannot be read");
    if (tool->is_json)
        json_array_append_new(keys, json_of(&key, &place));
    else
        print_key(&key, &place);
    return KQ_OK;
}

static kq_status show_all(struct kq_tool *tool, json_t *keys)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_handle_list_reply list;
    struct kq_slice item;
    KQ_TRY(kq_tool_call(tool, KQ_OP_HANDLE_LIST, NULL, "listing the keys", &list, &reply));
    if (list.handles.num == 0)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, NULL, "the session that was handed over holds no keys");
    while (kq_list_next(&list.handles, &item))
        KQ_TRY(show_key(tool, get_u64(item), keys));
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool)
{
    int fd;
    if (!kqc_session_find_inherited(&fd))
        return kq_tool_fail(tool, KQ_ERR_STATE, "preload -m 1 -A simple -K IDENT aclprint",
                            "no keys were handed over: run it under preload");
    KQ_TRY(kq_tool_connect(tool));
    json_t *keys = json_array();
    kq_status status = show_all(tool, keys);
    if (status == KQ_OK && tool->is_json)
        kq_tool_print_json(keys);
    else
        json_decref(keys);
    return status;
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "aclprint", argc, argv);
    const struct kq_arg args[] = {{"json", 0, NULL, &tool.is_json, NULL, "print JSON"}};
    const struct kq_args table = {
        .synopsis = "[--json]", .about = "Run it under preload, which loads the keys.", .args = args, .num_args = 1};
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, NULL, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&tool));
}
