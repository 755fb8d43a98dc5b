#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/names.h"
#include "tools/keyquay/commands.h"
#include "trust/receipts.h"

struct receipt {
    const char *path;
    struct kq_buffer bytes;
    struct kq_receipt_facts facts; /* borrows from bytes */
};

static kq_status read_receipt(struct kq_tool *tool, const char *path, struct receipt *out)
{
    const char *reason = NULL;
    out->path = path;
    kq_status status = kq_file_read(path, KQ_PACKAGE_MAX, &out->bytes);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Name an export or import receipt.");
    status = kq_receipt_verify(kq_buffer_slice(&out->bytes), &out->facts, &reason);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Fetch the receipt again from where it was made.", "%s: %s", path,
                            reason != NULL ? reason : kq_status_text(status));
    return KQ_OK;
}

static void text_of(struct kq_slice hash, char out[KQ_HASH_TEXT_SIZE])
{
    kq_hash_text(hash, out);
}

static void print_receipt(const struct receipt *receipt)
{
    const struct kq_receipt_facts *facts = &receipt->facts;
    const struct kq_transfer_header *header = &facts->header;
    char package[KQ_HASH_TEXT_SIZE], key[KQ_HASH_TEXT_SIZE], kek[KQ_HASH_TEXT_SIZE], world[KQ_HASH_TEXT_SIZE];
    char root[KQ_HASH_TEXT_SIZE], time[KQ_TIME_TEXT_SIZE], id[33], type[KQ_KEY_TYPE_TEXT_SIZE];
    text_of(facts->package_hash, package);
    text_of(header->public_hash, key);
    text_of(header->kek_hash, kek);
    text_of(header->target_hknso, world);
    text_of(kq_slice_of(facts->root_hash, 32), root);
    kq_time_text(facts->time, time);
    kq_hex_encode(facts->package_id, id);
    kq_name_key(header->key_type, header->bits, type);
    printf("%s: %s receipt\n", receipt->path, facts->is_import ? "import" : "export");
    printf("  module        %s, %s%s\n", facts->esn, facts->is_attested ? "root " : "self-asserted (no warrant)",
           facts->is_attested ? root : "");
    if (facts->is_attested && facts->root_is_rehearsal)
        printf("                (rehearsal root: proves nothing about the operator)\n");
    printf("  time          %s\n  package id    %s\n  package       %s\n", time, id, package);
    printf("  key           %s, %s\n  exchange key  %s\n  world         %s\n", type, key, kek, world);
    printf("  subscription  %.*s\n  name          %.*s\n", (int)header->subscription.len,
           (const char *)header->subscription.data, (int)header->friendly_name.len,
           (const char *)header->friendly_name.data);
    if (facts->is_import)
        printf("  origin        %s\n", kq_name_origin(facts->imported.origin));
}

static json_t *hash_json(struct kq_slice bytes)
{
    char text[129];
    if (bytes.len > 64)
        return json_null();
    kq_hex_encode(bytes, text);
    return json_string(text);
}

static json_t *receipt_json(const struct receipt *receipt)
{
    const struct kq_receipt_facts *facts = &receipt->facts;
    char time[KQ_TIME_TEXT_SIZE];
    kq_time_text(facts->time, time);
    json_t *object = json_pack("{s:s, s:s, s:b, s:b, s:s}", "kind", facts->is_import ? "import" : "export", "esn",
                               facts->esn, "attested", (int)facts->is_attested, "rehearsal",
                               (int)(facts->is_attested && facts->root_is_rehearsal), "time", time);
    json_object_set_new(object, "packageId", hash_json(facts->package_id));
    json_object_set_new(object, "packageHash", hash_json(facts->package_hash));
    json_object_set_new(object, "publicKeyHash", hash_json(facts->header.public_hash));
    json_object_set_new(object, "exchangeKey", hash_json(facts->header.kek_hash));
    json_object_set_new(object, "world", hash_json(facts->header.target_hknso));
    json_object_set_new(object, "subscription",
                        json_stringn((const char *)facts->header.subscription.data, facts->header.subscription.len));
    if (facts->is_attested)
        json_object_set_new(object, "root", hash_json(kq_slice_of(facts->root_hash, 32)));
    if (facts->is_import)
        json_object_set_new(object, "origin", json_string(kq_name_origin(facts->imported.origin)));
    return object;
}

static kq_status match_package(struct kq_tool *tool, const struct receipt *receipt, const char *path)
{
    KQ_AUTO_VALUE(kq_buffer) package = {0};
    kq_status status = kq_file_read(path, KQ_TRANSFER_PACKAGE_FILE_MAX, &package);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Name the .byok file of the transfer.");
    status = kq_receipt_match_package(&receipt->facts, kq_buffer_slice(&package));
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: is about another package than %s", receipt->path, path);
    return KQ_OK;
}

static kq_status show(struct kq_tool *tool, const struct receipt *receipt)
{
    if (tool->is_json)
        kq_tool_print_json(receipt_json(receipt));
    else
        print_receipt(receipt);
    return KQ_OK;
}

static kq_status run_verify(struct kq_tool *tool, struct receipt *receipt, const char *path, const char *package)
{
    KQ_TRY(read_receipt(tool, path, receipt));
    if (package != NULL)
        KQ_TRY(match_package(tool, receipt, package));
    KQ_TRY(show(tool, receipt));
    if (!tool->is_json)
        printf("Result: SUCCESS\n");
    return KQ_OK;
}

static kq_status run_match(struct kq_tool *tool, struct receipt receipts[2], const char *const paths[2],
                           const char *package)
{
    const char *reason = NULL;
    for (size_t i = 0; i < 2; i++)
        KQ_TRY(read_receipt(tool, paths[i], &receipts[i]));
    kq_status status = kq_receipt_match(&receipts[0].facts, &receipts[1].facts, &reason);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Give the export receipt first, then the import receipt.", "%s and %s: %s",
                            paths[0], paths[1], reason != NULL ? reason : kq_status_text(status));
    if (package != NULL)
        KQ_TRY(match_package(tool, &receipts[0], package));
    if (tool->is_json) {
        kq_tool_print_json(json_pack("{s:o, s:o, s:s}", "export", receipt_json(&receipts[0]), "import",
                                     receipt_json(&receipts[1]), "result", "SUCCESS"));
        return KQ_OK;
    }
    print_receipt(&receipts[0]);
    print_receipt(&receipts[1]);
    printf("What was exported is what was imported: package, key and destination agree.\nResult: SUCCESS\n");
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool, int argc, char **argv, struct receipt receipts[2])
{
    const char *package = NULL, *words[3];
    const struct kq_arg options[] = {
        {"package", 'p', &package, NULL, "FILE", "also check that the receipt is about this file"},
        {"json", 0, NULL, &tool->is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "verify FILE | match EXPORT-RECEIPT IMPORT-RECEIPT",
        .about = "Checks receipts of transfers; needs no module.",
        .args = options,
        .num_args = KQ_COUNT_OF(options),
        .max_words = 3,
    };
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    if (num_words == 2 && strcmp(words[0], "verify") == 0)
        return run_verify(tool, &receipts[0], words[1], package);
    if (num_words == 3 && strcmp(words[0], "match") == 0)
        return run_match(tool, receipts, &words[1], package);
    return kq_tool_usage(tool, "say verify FILE, or match EXPORT-RECEIPT IMPORT-RECEIPT");
}

int kq_cmd_receipt(int argc, char **argv)
{
    struct kq_tool tool;
    struct receipt receipts[2] = {0};
    kq_tool_init(&tool, "keyquay receipt", argc, argv);
    kq_status status = run(&tool, argc, argv, receipts);
    kq_buffer_clear(&receipts[0].bytes);
    kq_buffer_clear(&receipts[1].bytes);
    return kq_tool_finish(&tool, status);
}
