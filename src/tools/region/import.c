#include "tools/region/import.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/package_file.h"
#include "tools/common/quorum.h"
#include "trust/chain.h"

struct import {
    struct kq_tool *tool;
    const struct kq_import_plan *plan;
    struct kq_buffer package;
    struct kq_transfer_facts facts; /* borrows from package */
    struct kq_region_folder folder;
    uint64_t generation;
    struct kq_buffer exchange_bytes;
    struct kq_exchange_file exchange;
    char version[KQ_KEY_VERSION_LEN + 1];
    char stored_at[KQ_PATH_MAX];
};

/* ---- which region ---- */

static bool has_exchange(const struct kq_region_folder *folder, struct kq_slice kek_hash, uint64_t *out_generation)
{
    for (uint64_t n = kq_region_newest_generation(folder); n > 0; n--) {
        KQ_AUTO_VALUE(kq_buffer) bytes = {0};
        struct kq_exchange_file exchange;
        uint8_t hash[32];
        if (kq_region_get_exchange(folder, n, &bytes, &exchange) != KQ_OK)
            continue;
        kq_sha256(exchange.public_key, hash);
        if (kq_slice_is_equal(kek_hash, kq_slice_of(hash, sizeof hash))) {
            *out_generation = n;
            return true;
        }
    }
    return false;
}

kq_status kq_region_find_exchange(const char *data, struct kq_slice kek_hash, struct kq_region_folder *out_folder,
                                  uint64_t *out_generation)
{
    for (size_t i = 0; i < kq_num_regions; i++) {
        struct kq_region_folder folder;
        KQ_TRY(kq_region_folder_init(&folder, data, &kq_regions[i]));
        if (has_exchange(&folder, kek_hash, out_generation)) {
            *out_folder = folder;
            return KQ_OK;
        }
    }
    return KQ_ERR_NOT_FOUND;
}

static kq_status fail_region(struct import *import, const char *wanted)
{
    struct kq_region_folder other;
    uint64_t generation;
    char label[KQ_REGION_LABEL_SIZE], kek[KQ_HASH_TEXT_SIZE];
    kq_hash_text(import->facts.header.kek_hash, kek);
    if (kq_region_find_exchange(import->plan->data, import->facts.header.kek_hash, &other, &generation) == KQ_OK) {
        kq_region_label(other.region, generation, label);
        return kq_tool_fail(import->tool, KQ_ERR_MISMATCH, "Import it there, or have it packaged again for this one.",
                            "%s: made for region %s (%s), not for %s", import->plan->file, label, other.region->name,
                            wanted);
    }
    return kq_tool_fail(import->tool, KQ_ERR_MISMATCH, "Have it packaged with a toolset of this operator.",
                        "%s: made for exchange key %s, which %s does not have", import->plan->file, kek, wanted);
}

static kq_status choose_region(struct import *import)
{
    const struct kq_import_plan *plan = import->plan;
    struct kq_slice kek_hash = import->facts.header.kek_hash;
    if (plan->region == NULL) {
        if (kq_region_find_exchange(plan->data, kek_hash, &import->folder, &import->generation) != KQ_OK)
            return fail_region(import, plan->data);
    } else {
        KQ_TRY(kq_region_folder_init(&import->folder, plan->data, plan->region));
        if (kq_region_newest_generation(&import->folder) == 0)
            return kq_tool_fail(import->tool, KQ_ERR_NOT_FOUND, "`keyquay region list` shows what there is.",
                                "%s: there is no region %s", plan->data, plan->region->name);
        if (!has_exchange(&import->folder, kek_hash, &import->generation))
            return fail_region(import, plan->region->name);
    }
    return kq_region_get_exchange(&import->folder, import->generation, &import->exchange_bytes, &import->exchange);
}

static kq_status make_version(struct import *import)
{
    uint8_t random[KQ_KEY_VERSION_LEN / 2];
    KQ_TRY(kq_random(random, sizeof random));
    kq_hex_encode(kq_slice_of(random, sizeof random), import->version);
    return KQ_OK;
}

/* ---- what came out ---- */

static kq_status keep(struct import *import, const struct kq_transfer_import_reply *made)
{
    const struct kq_vault_key_file key = {
        .created = kq_clock_unix_s(),
        .key_type = import->facts.header.key_type,
        .bits = import->facts.header.bits,
        .origin = made->origin,
        .blob = made->blob,
        .place = made->place,
        .public_key = made->public_key,
    };
    kq_status status = kq_region_put_key(&import->folder, &import->plan->name, import->version, &key, made->receipt,
                                         import->stored_at);
    if (status != KQ_OK)
        return kq_tool_fail(import->tool, status, "Make room or give access, then import the package again.",
                            "%s: the imported key could not be kept (%s)", import->folder.path, strerror(errno));
    return KQ_OK;
}

static kq_status read_receipt(struct kq_slice file, struct kq_import_receipt *out)
{
    struct kq_receipt_file receipt;
    struct kq_slice body;
    KQ_TRY(kq_receipt_file_get(file, &receipt, NULL));
    KQ_TRY(kq_signed_verify(receipt.statement, receipt.signer_public, &body));
    return kq_import_receipt_get(body, out, NULL);
}

static json_t *text_json(struct kq_slice text)
{
    return json_stringn((const char *)text.data, text.len);
}

static json_t *hex_json(struct kq_slice bytes)
{
    char text[129];
    if (bytes.len > 64)
        return json_null();
    kq_hex_encode(bytes, text);
    return json_string(text);
}

static void print_json(const struct import *import, const struct kq_import_receipt *receipt)
{
    const struct kq_transfer_header *header = &import->facts.header;
    char type[KQ_KEY_TYPE_TEXT_SIZE], time[KQ_TIME_TEXT_SIZE];
    kq_name_key(header->key_type, header->bits, type);
    kq_time_text(receipt->time, time);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", import->plan->name.name, "version", import->version,
                  "vault", import->plan->name.vault, "subscription", import->plan->name.subscription, "region",
                  import->folder.region->name, "keyType", type, "origin", kq_name_origin(receipt->origin));
    json_object_set_new(object, "publicKeyHash", hex_json(header->public_hash));
    json_object_set_new(object, "packageId", hex_json(receipt->package_id));
    json_object_set_new(object, "packageHash", hex_json(receipt->package_hash));
    json_object_set_new(object, "sourceWorld", hex_json(header->source_hknso));
    json_object_set_new(object, "sourceSuite", text_json(header->source_suite));
    json_object_set_new(object, "sourceEsn", text_json(header->source_esn));
    json_object_set_new(object, "sourceRoot", hex_json(receipt->source_root_hash));
    json_object_set_new(object, "esn", text_json(receipt->esn));
    json_object_set_new(object, "root", text_json(receipt->root));
    json_object_set_new(object, "keyProtection", text_json(receipt->key_protection));
    json_object_set_new(object, "rollbackProtection", text_json(receipt->rollback_protection));
    json_object_set_new(object, "memory", text_json(receipt->memory));
    json_object_set_new(object, "auditIndex", json_integer((json_int_t)receipt->audit_index));
    json_object_set_new(object, "time", json_string(time));
    json_object_set_new(object, "path", json_string(import->stored_at));
    kq_tool_print_json(object);
}

static void print_line(const char *name, struct kq_slice value)
{
    printf("  %-22s %.*s\n", name, (int)value.len, (const char *)value.data);
}

static void print_hash(const char *name, struct kq_slice hash)
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(hash, text);
    printf("  %-22s %s\n", name, text);
}

static void print_text(const struct import *import, const struct kq_import_receipt *receipt)
{
    const struct kq_transfer_header *header = &import->facts.header;
    char type[KQ_KEY_TYPE_TEXT_SIZE], time[KQ_TIME_TEXT_SIZE], id[33];
    kq_name_key(header->key_type, header->bits, type);
    kq_time_text(receipt->time, time);
    kq_hex_encode(receipt->package_id, id);
    printf("Key %s, version %s\n", import->plan->name.name, import->version);
    printf("  %-22s %s\n  %-22s %s\n", "vault", import->plan->name.vault, "subscription",
           import->plan->name.subscription);
    printf("  %-22s %s\n  %-22s %s\n", "region", import->folder.region->name, "key type", type);
    printf("  %-22s %s\n", "origin", kq_name_origin(receipt->origin));
    print_hash("public key", header->public_hash);
    printf("Import receipt\n  %-22s %s\n", "package id", id);
    print_hash("package", receipt->package_hash);
    print_line("friendly name", header->friendly_name);
    print_hash("source world", header->source_hknso);
    print_line("source suite", header->source_suite);
    print_line("source module", header->source_esn);
    if (receipt->source_root_hash.len > 0)
        print_hash("source root", receipt->source_root_hash);
    print_line("destination module", receipt->esn);
    print_line("root", receipt->root);
    print_line("key protection", receipt->key_protection);
    print_line("rollback protection", receipt->rollback_protection);
    print_line("memory", receipt->memory);
    printf("  %-22s %llu\n  %-22s %s\n", "audit position", (unsigned long long)receipt->audit_index, "time", time);
    printf("Kept in %s\n", import->stored_at);
}

/* ---- the act ---- */

static kq_status import_into_module(struct import *import)
{
    const struct kq_import_plan *plan = import->plan;
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_transfer_import_reply made;
    struct kq_import_receipt receipt;
    const struct kq_transfer_import_request request = {
        .kek_blob = import->exchange.blob,
        .kek_place = import->exchange.place,
        .kek_certificate = import->exchange.certificate,
        .package = kq_buffer_slice(&import->package),
        .subscription = kq_slice_text(plan->name.subscription),
        .vault = kq_slice_text(plan->name.vault),
        .key_name = kq_slice_text(plan->name.name),
        .key_version = kq_slice_text(import->version),
        .origin_policy = plan->require_attested ? KQ_ORIGIN_POLICY_ATTESTED : KQ_ORIGIN_POLICY_ANY,
    };
    KQ_TRY(kq_tool_call(import->tool, KQ_OP_TRANSFER_IMPORT, &request, plan->file, &made, &reply));
    if (read_receipt(made.receipt, &receipt) != KQ_OK)
        return kq_tool_fail(import->tool, KQ_ERR_FORMAT, NULL, "%s: the module's receipt cannot be read", plan->file);
    KQ_TRY(keep(import, &made));
    kq_tool_note_hash(import->tool, "package", receipt.package_hash);
    kq_tool_note_hash(import->tool, "key", import->facts.header.public_hash);
    (import->tool->is_json ? print_json : print_text)(import, &receipt);
    return KQ_OK;
}

static kq_status run(struct import *import)
{
    KQ_TRY(kq_package_read(import->tool, import->plan->file, &import->package, &import->facts));
    KQ_TRY(choose_region(import));
    KQ_TRY(make_version(import));
    KQ_TRY(kq_tool_set_folder(import->tool, import->folder.path));
    KQ_TRY(kq_tool_connect_folder(import->tool));
    return import_into_module(import);
}

kq_status kq_region_import(struct kq_tool *tool, const struct kq_import_plan *plan)
{
    char why[256];
    if (kq_vault_key_name_check(&plan->name, why, sizeof why) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL, "%s", why);
    struct import import = {.tool = tool, .plan = plan};
    kq_status status = run(&import);
    kq_buffer_clear(&import.package);
    kq_buffer_clear(&import.exchange_bytes);
    return status;
}
