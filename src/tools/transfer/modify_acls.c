#include "tools/transfer/remote.h"

#include "base/clock.h"
#include "base/text.h"
#include "tools/common/ask.h"
#include "tools/common/connect.h"
#include "tools/common/keyfile.h"
#include "tools/common/quorum.h"
#include "trust/acl.h"

#define SECONDS_PER_DAY 86400u

struct copy {
    struct kq_tool *tool;
    const struct kq_remote *remote;
    struct kq_pair pair;
    struct kq_stored_key key;
    struct kq_buffer place;
    bool asks_root;
    bool asks_world;
};

/* ---- trust ---- */

/* A rehearsal root counts only when it is listed as one: the module would refuse it otherwise. */
static kq_status is_trusted(struct copy *copy, enum kq_trust_list list, const uint8_t hash[32], bool is_rehearsal,
                            bool *out)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    const struct kq_trust_list_request request = {list};
    struct kq_trust_list_reply entries;
    struct kq_trust_entry entry;
    struct kq_slice item;
    KQ_TRY(kq_tool_call(copy->tool, KQ_OP_TRUST_LIST, &request, "asking what the module trusts", &entries, &reply));
    *out = false;
    while (kq_list_next(&entries.entries, &item)) {
        if (kq_trust_entry_get(item, &entry, NULL) == KQ_OK && kq_slice_is_equal(entry.hash, kq_slice_of(hash, 32)) &&
            (!is_rehearsal || entry.rehearsal != 0))
            *out = true;
    }
    return KQ_OK;
}

/* The officer types what he knows by a second road; a yes would prove nothing. */
static kq_status ask_trust(struct copy *copy)
{
    const struct kq_destination *to = &copy->pair.destination;
    char prompt[256];
    bool trusts_root, trusts_world;
    KQ_TRY(is_trusted(copy, KQ_TRUST_ROOTS, to->root_hash, to->root_is_rehearsal, &trusts_root));
    KQ_TRY(is_trusted(copy, KQ_TRUST_WORLDS, to->hknso, false, &trusts_world));
    copy->asks_root = !trusts_root;
    copy->asks_world = !trusts_world;
    if (copy->asks_root) {
        snprintf(prompt, sizeof prompt,
                 "This module does not trust %s'%s' yet. Hash of its root, from a second source:",
                 to->root_is_rehearsal ? "the REHEARSAL root (it proves nothing about the operator) " : "the root ",
                 to->root_name);
        KQ_TRY(kq_ask_hash(copy->tool, KQ_ASK_TRUST_ROOT, prompt, kq_slice_of(to->root_hash, 32)));
    }
    if (copy->asks_world) {
        snprintf(prompt, sizeof prompt,
                 "This module does not trust the world of region %.*s yet. Hash of its world, from a second source:",
                 (int)to->region.region.len, (const char *)to->region.region.data);
        KQ_TRY(kq_ask_hash(copy->tool, KQ_ASK_TRUST_WORLD, prompt, kq_slice_of(to->hknso, 32)));
    }
    return KQ_OK;
}

/* ---- the copy ---- */

static uint64_t end_of_copy(const struct copy *copy)
{
    uint64_t days = copy->remote->valid_days == 0 ? KQ_COPY_DAYS : copy->remote->valid_days;
    uint64_t end = kq_clock_unix_s() + days * SECONDS_PER_DAY;
    uint64_t latest = copy->pair.destination.region.not_after;
    return end > latest ? latest : end; /* the module would not go beyond it either */
}

static kq_status save(struct copy *copy, const struct kq_key_reply *made, char out_path[KQ_PATH_MAX],
                      bool *out_replaced)
{
    const struct kq_key_file file = {
        .application = kq_slice_text(KQ_COPY_APPLICATION),
        .ident = copy->key.file.ident,
        .plainname = copy->key.file.plainname,
        .created = kq_clock_unix_s(),
        .hknso = copy->key.file.hknso,
        .blob = made->blob,
        .public_key = made->public_key,
        .certificate = made->certificate,
    };
    KQ_TRY(kq_key_path(copy->tool, KQ_COPY_APPLICATION, copy->remote->ident, out_path));
    *out_replaced = kq_file_exists(out_path);
    return kq_key_save(copy->tool, &file, KQ_FILE_REPLACE, out_path);
}

static void report(const struct copy *copy, const char *path, bool replaced, uint64_t until)
{
    char until_text[KQ_TIME_TEXT_SIZE];
    kq_time_text(until, until_text);
    if (copy->tool->is_json) {
        json_t *object = kq_pair_json(&copy->pair);
        json_object_set_new(object, "path", json_string(path));
        json_object_set_new(object, "replaced", json_boolean(replaced));
        json_object_set_new(object, "copyNotAfter", json_string(until_text));
        json_object_set_new(object, "result", json_string("SUCCESS"));
        kq_tool_print_json(object);
        return;
    }
    if (replaced)
        printf("An earlier copy was replaced.\n");
    printf("Copy of the key: %s\n  its only rights: show this ACL; make packages for this exchange key and world until "
           "%s\nResult: SUCCESS\n",
           path, until_text);
}

static kq_status make_copy(struct copy *copy)
{
    const struct kq_destination *to = &copy->pair.destination;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_key_reply made;
    char path[KQ_PATH_MAX];
    bool replaced;
    const struct kq_transfer_copy_request request = {
        .blob = copy->key.file.blob,
        .place = kq_buffer_slice(&copy->place),
        .kek_package = kq_buffer_slice(&copy->pair.kek_package),
        .world_package = kq_buffer_slice(&copy->pair.world_package),
        .trust_root = copy->asks_root ? kq_slice_of(to->root_hash, 32) : KQ_SLICE_EMPTY,
        .trust_world = copy->asks_world ? kq_slice_of(to->hknso, 32) : KQ_SLICE_EMPTY,
        .trust_rehearsal = copy->asks_root && to->root_is_rehearsal,
        .not_after = end_of_copy(copy),
    };
    KQ_TRY(kq_tool_call_with_quorum(copy->tool, KQ_OP_TRANSFER_COPY, &request, KQ_SLICE_EMPTY,
                                    "making the reduced copy", &made, &reply));
    KQ_TRY(save(copy, &made, path, &replaced));
    report(copy, path, replaced, request.not_after);
    return KQ_OK;
}

static kq_status run(struct copy *copy)
{
    struct kq_tool *tool = copy->tool;
    const struct kq_remote *remote = copy->remote;
    KQ_TRY(kq_key_read(tool, remote->application, remote->ident, &copy->key));
    KQ_TRY(kq_pair_open(tool, remote->kek_path, remote->world_path, &copy->pair));
    if (!tool->is_json)
        kq_pair_print(&copy->pair, stdout);
    kq_buffer_init(&copy->place, KQ_PLACE_MAX);
    KQ_TRY(kq_key_place(copy->key.file.hknso, copy->key.file.application, copy->key.file.ident, &copy->place));
    KQ_TRY(kq_ask_check(tool));
    KQ_TRY(kq_tool_connect(tool));
    KQ_TRY(ask_trust(copy));
    return make_copy(copy);
}

kq_status kq_remote_modify_acls(struct kq_tool *tool, const struct kq_remote *remote)
{
    struct copy copy = {.tool = tool, .remote = remote};
    kq_status status = run(&copy);
    kq_pair_clear(&copy.pair);
    kq_stored_key_clear(&copy.key);
    kq_buffer_clear(&copy.place);
    return status;
}
