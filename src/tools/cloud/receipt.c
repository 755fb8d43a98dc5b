#include "tools/cloud/receipt.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "tools/common/names.h"
#include "trust/receipts.h"

struct receiving {
    struct kq_tool *tool;
    const struct kq_received_receipt *received;
    struct kq_receipt_facts facts;
    char export_path[KQ_PATH_MAX]; /* "" if there is none beside */
    char kept_path[KQ_PATH_MAX];
};

/* ---- verifying ---- */

static kq_status refuse(struct receiving *receiving, kq_status status, const char *reason)
{
    return kq_tool_fail(receiving->tool, status, "Do not rely on this import; ask the vault's operator.",
                        "the import receipt: %s", reason != NULL ? reason : kq_status_text(status));
}

/* TransferPackage-F.byok has its export receipt in TransferPackage-F.receipt. */
static void find_export(struct receiving *receiving)
{
    const char *path = receiving->received->package_path;
    size_t len = strlen(path);
    receiving->export_path[0] = '\0';
    if (len > 5 && len < KQ_PATH_MAX - 8 && strcasecmp(path + len - 5, ".byok") == 0)
        snprintf(receiving->export_path, KQ_PATH_MAX, "%.*s.receipt", (int)(len - 5), path);
    if (!kq_file_exists(receiving->export_path))
        receiving->export_path[0] = '\0';
}

static kq_status match_export(struct receiving *receiving)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_receipt_facts exported;
    const char *reason = NULL;
    if (receiving->export_path[0] == '\0')
        return KQ_OK;
    kq_status status = kq_file_read(receiving->export_path, KQ_PACKAGE_MAX, &bytes);
    if (status != KQ_OK)
        return kq_tool_fail_read(receiving->tool, status, receiving->export_path, NULL);
    status = kq_receipt_verify(kq_buffer_slice(&bytes), &exported, &reason);
    if (status == KQ_OK)
        status = kq_receipt_match(&exported, &receiving->facts, &reason);
    if (status == KQ_OK)
        return KQ_OK;
    return kq_tool_fail(receiving->tool, status, "Compare with `keyquay receipt match`.", "%s: %s",
                        receiving->export_path, reason != NULL ? reason : kq_status_text(status));
}

static kq_status verify(struct receiving *receiving, struct kq_slice receipt)
{
    const char *reason = NULL;
    kq_status status = kq_receipt_verify(receipt, &receiving->facts, &reason);
    if (status != KQ_OK)
        return refuse(receiving, status, reason);
    if (!receiving->facts.is_import)
        return refuse(receiving, KQ_ERR_MISMATCH, "is not about an import");
    if (kq_receipt_match_package(&receiving->facts, receiving->received->package) != KQ_OK)
        return refuse(receiving, KQ_ERR_MISMATCH, "is about another package than the one that was sent");
    find_export(receiving);
    return match_export(receiving);
}

/* ---- keeping ---- */

static kq_status keep(struct receiving *receiving, struct kq_slice receipt)
{
    const struct kq_received_receipt *received = receiving->received;
    const char *slash = strrchr(received->package_path, '/');
    int folder_len = slash == NULL ? 0 : (int)(slash - received->package_path) + 1;
    int len = snprintf(receiving->kept_path, KQ_PATH_MAX, "%.*sImportReceipt-%s-%s.receipt", folder_len,
                       received->package_path, received->name, received->version);
    if (len < 0 || len >= KQ_PATH_MAX)
        return kq_tool_fail(receiving->tool, KQ_ERR_TOO_LARGE, NULL, "%s: the path is too long",
                            received->package_path);
    kq_status status = kq_file_write(receiving->kept_path, receipt, 0644, KQ_FILE_NEW_ONLY);
    if (status == KQ_OK || status == KQ_ERR_EXISTS)
        return KQ_OK;
    return kq_tool_fail(receiving->tool, status, "Make room or give access; the vault keeps the receipt too.",
                        "%s: could not be written (%s)", receiving->kept_path, strerror(errno));
}

/* ---- showing ---- */

static void print_hash(const char *name, struct kq_slice hash)
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(hash, text);
    printf("  %-19s : %s\n", name, text);
}

static void print_text(const char *name, struct kq_slice text)
{
    printf("  %-19s : %.*s\n", name, (int)text.len, (const char *)text.data);
}

static void print_summary(const struct receiving *receiving)
{
    const struct kq_receipt_facts *facts = &receiving->facts;
    const struct kq_import_receipt *imported = &facts->imported;
    char time[KQ_TIME_TEXT_SIZE], id[33];
    kq_time_text(facts->time, time);
    kq_hex_encode(facts->package_id, id);
    printf("\nImport receipt\n  %-19s : %s\n", "Package id", id);
    print_hash("Package", facts->package_hash);
    print_hash("Public key", facts->header.public_hash);
    printf("  %-19s : %s\n", "Origin", kq_name_origin(imported->origin));
    print_hash("Source world", facts->header.source_hknso);
    print_text("Source suite", facts->header.source_suite);
    print_hash("World", facts->header.target_hknso);
    print_text("Module", imported->esn);
    print_text("Root", imported->root);
    print_text("Key protection", imported->key_protection);
    print_text("Rollback protection", imported->rollback_protection);
    printf("  %-19s : %s\n", "Time", time);
    printf("  %-19s : the package that was sent%s%s\n", "Answers", receiving->export_path[0] != '\0' ? " and " : "",
           receiving->export_path);
    printf("  %-19s : %s\n", "Kept in", receiving->kept_path);
}

static json_t *hash_json(struct kq_slice bytes)
{
    char text[129];
    if (bytes.len == 0 || bytes.len > 64)
        return json_null();
    kq_hex_encode(bytes, text);
    return json_string(text);
}

static json_t *text_json(struct kq_slice text)
{
    return json_stringn((const char *)text.data, text.len);
}

static json_t *summary_json(const struct receiving *receiving)
{
    const struct kq_receipt_facts *facts = &receiving->facts;
    const struct kq_import_receipt *imported = &facts->imported;
    char time[KQ_TIME_TEXT_SIZE];
    kq_time_text(facts->time, time);
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:s}", "packageId",
                     hash_json(facts->package_id), "packageHash", hash_json(facts->package_hash), "publicKeyHash",
                     hash_json(facts->header.public_hash), "origin", kq_name_origin(imported->origin), "sourceWorld",
                     hash_json(facts->header.source_hknso), "world", hash_json(facts->header.target_hknso), "esn",
                     text_json(imported->esn), "root", text_json(imported->root), "keyProtection",
                     text_json(imported->key_protection), "rollbackProtection",
                     text_json(imported->rollback_protection), "time", time, "exportReceiptMatched",
                     (int)(receiving->export_path[0] != '\0'), "path", receiving->kept_path);
}

kq_status kq_receipt_receive(struct kq_tool *tool, const struct kq_received_receipt *received, struct kq_slice receipt,
                             json_t **out_object)
{
    struct receiving receiving = {.tool = tool, .received = received};
    KQ_TRY(verify(&receiving, receipt));
    KQ_TRY(keep(&receiving, receipt));
    if (tool->is_json)
        *out_object = summary_json(&receiving);
    else
        print_summary(&receiving);
    return KQ_OK;
}
