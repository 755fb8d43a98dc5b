#include "tools/cloud/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "tools/cloud/account.h"
#include "tools/cloud/receipt.h"
#include "tools/common/package_file.h"
#include "tools/common/paths.h"
#include "trust/chain.h"

#define API "api-version=7.4"
#define KEY_NAME_MAX 127u
#define URL_SIZE (KQ_URL_SIZE + 256)

struct uploading {
    struct kq_tool *tool;
    const struct kq_upload *upload;
    struct kq_account account;
    struct kq_buffer package;
    struct kq_transfer_facts facts; /* borrows from package */
    char vault_url[KQ_URL_SIZE];
    json_t *key; /* the bundle that came back */
    char version[64];
};

/* ---- the package ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *backslash = strrchr(path, '\\');
    const char *last = slash != NULL && (backslash == NULL || slash > backslash) ? slash : backslash;
    return last == NULL ? path : last + 1;
}

bool kq_upload_other_spelling(const char *path, char out[KQ_PATH_MAX])
{
    static const char one[] = "TransferPackage-", other[] = "KeyTransferPackage-";
    const char *base = base_of(path);
    const bool is_other = strncasecmp(base, other, sizeof other - 1) == 0;
    if (!is_other && strncasecmp(base, one, sizeof one - 1) != 0)
        return false;
    const char *rest = base + (is_other ? sizeof other : sizeof one) - 1;
    int len = snprintf(out, KQ_PATH_MAX, "%.*s%s%s", (int)(base - path), path, is_other ? one : other, rest);
    return len > 0 && len < KQ_PATH_MAX;
}

static kq_status fail_missing(struct kq_tool *tool, const char *path)
{
    char other[KQ_PATH_MAX], next[KQ_PATH_MAX + 64];
    snprintf(next, sizeof next, "Name the .byok file that KeyTransferRemote wrote.");
    if (strchr(path, '\\') != NULL)
        snprintf(next, sizeof next, "Paths are Linux paths here: '%.200s' if it lies in this folder.", base_of(path));
    if (kq_upload_other_spelling(path, other) && kq_file_exists(other))
        snprintf(next, sizeof next, "There is %s; did you mean that?", other);
    else if (strchr(path, '\\') != NULL && kq_upload_other_spelling(base_of(path), other) && kq_file_exists(other))
        snprintf(next, sizeof next, "Paths are Linux paths here, and there is %s; did you mean that?", other);
    return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, next, "%s: no such file", path);
}

static kq_status read_package(struct uploading *uploading)
{
    const char *path = uploading->upload->path;
    struct stat facts;
    if (stat(path, &facts) != 0 && errno == ENOENT)
        return fail_missing(uploading->tool, path);
    return kq_package_read(uploading->tool, path, &uploading->package, &uploading->facts);
}

bool kq_upload_kind(uint64_t key_type, const char **out_kty, const char **out_curve)
{
    *out_kty = key_type == KQ_KEY_RSA ? "RSA-HSM" : "EC-HSM";
    *out_curve = NULL;
    switch (key_type) {
    case KQ_KEY_RSA:
        return true;
    case KQ_KEY_EC_P256:
        *out_curve = "P-256";
        return true;
    case KQ_KEY_EC_P384:
        *out_curve = "P-384";
        return true;
    case KQ_KEY_EC_P521:
        *out_curve = "P-521";
        return true;
    case KQ_KEY_EC_SECP256K1:
        *out_curve = "P-256K";
        return true;
    default:
        return false;
    }
}

/* ---- sending ---- */

static kq_status check_name(struct uploading *uploading)
{
    const char *name = uploading->upload->name;
    size_t len = strlen(name);
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    if (len > 0 && len <= KEY_NAME_MAX && strspn(name, allowed) == len)
        return KQ_OK;
    return kq_tool_fail(uploading->tool, KQ_ERR_ARGUMENT, NULL,
                        "-Name: '%.60s' is not a key's name: 1 to %u letters, digits and hyphens", name, KEY_NAME_MAX);
}

static kq_status make_body(struct uploading *uploading, json_t **out)
{
    const char *kty, *curve;
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    if (!kq_upload_kind(uploading->facts.header.key_type, &kty, &curve))
        return kq_tool_fail(uploading->tool, KQ_ERR_UNSUPPORTED, "RSA and EC keys can be sent.",
                            "%s: holds a kind of key that a key vault does not take", uploading->upload->path);
    kq_buffer_init(&text, 2 * KQ_TRANSFER_PACKAGE_FILE_MAX);
    KQ_TRY(kq_base64url_encode(kq_buffer_slice(&uploading->package), &text));
    json_t *key = json_pack("{s:s, s:s%}", "kty", kty, "key_hsm", (const char *)text.data, text.len);
    if (curve != NULL)
        json_object_set_new(key, "crv", json_string(curve));
    *out = json_pack("{s:o, s:b, s:{s:b}}", "key", key, "Hsm", 1, "attributes", "enabled",
                     (int)!uploading->upload->is_disabled);
    return *out != NULL ? KQ_OK : KQ_ERR_MEMORY;
}

static kq_status read_version(struct uploading *uploading)
{
    const char *kid = json_string_value(json_object_get(json_object_get(uploading->key, "key"), "kid"));
    const char *slash = kid == NULL ? NULL : strrchr(kid, '/');
    static const char hex[] = "0123456789abcdefABCDEF";
    if (slash != NULL && strspn(slash + 1, hex) == strlen(slash + 1) && strlen(slash + 1) == 32 &&
        kq_text_copy(kq_slice_text(slash + 1), uploading->version, sizeof uploading->version))
        return KQ_OK;
    return kq_tool_fail(uploading->tool, KQ_ERR_FORMAT, "Look in the vault before repeating.",
                        "%s: the answer names no key version", uploading->vault_url);
}

static kq_status send(struct uploading *uploading)
{
    char url[URL_SIZE], what[256];
    json_t *body = NULL;
    KQ_TRY(make_body(uploading, &body));
    snprintf(url, sizeof url, "%s/keys/%s?" API, uploading->vault_url, uploading->upload->name);
    snprintf(what, sizeof what, "vault %s refused %.120s", uploading->upload->vault, base_of(uploading->upload->path));
    kq_status status = kq_cloud_call(uploading->tool, &uploading->account, "PUT", url, body, what, &uploading->key);
    json_decref(body);
    KQ_TRY(status);
    return read_version(uploading);
}

/* ---- what came of it ---- */

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && kq_text_is_printable(kq_slice_text(text)) ? text : "";
}

static void print_time(const char *name, const json_t *attributes, const char *member_name)
{
    char text[KQ_TIME_TEXT_SIZE];
    const json_t *value = json_object_get(attributes, member_name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return;
    kq_time_text((uint64_t)json_integer_value(value), text);
    printf("%-14s : %s\n", name, text);
}

static void print_operations(const json_t *key)
{
    size_t index;
    json_t *operation;
    printf("%-14s :", "Key operations");
    json_array_foreach(json_object_get(key, "key_ops"), index, operation)
        printf("%s %s", index > 0 ? "," : "", json_is_string(operation) ? json_string_value(operation) : "?");
    printf("\n");
}

static void print_key(const struct uploading *uploading)
{
    const json_t *key = json_object_get(uploading->key, "key");
    const json_t *attributes = json_object_get(uploading->key, "attributes");
    printf("%-14s : %s\n%-14s : %s\n%-14s : %s\n", "Vault name", uploading->upload->vault, "Name",
           uploading->upload->name, "Version", uploading->version);
    printf("%-14s : %s\n%-14s : %s%s%s\n", "Id", member(key, "kid"), "Key type", member(key, "kty"),
           *member(key, "crv") != '\0' ? " " : "", member(key, "crv"));
    print_operations(key);
    printf("%-14s : %s\n", "Enabled", json_is_false(json_object_get(attributes, "enabled")) ? "False" : "True");
    print_time("Not before", attributes, "nbf");
    print_time("Expires", attributes, "exp");
    print_time("Created", attributes, "created");
    print_time("Updated", attributes, "updated");
    printf("%-14s : %s\n", "Recovery level", member(attributes, "recoveryLevel"));
}

static kq_status fetch_receipt(struct uploading *uploading, struct kq_buffer *out)
{
    char url[URL_SIZE];
    json_t *answer = NULL;
    snprintf(url, sizeof url, "%s/keys/%s/%s/receipt?" API, uploading->vault_url, uploading->upload->name,
             uploading->version);
    KQ_TRY(kq_cloud_call(uploading->tool, &uploading->account, "GET", url, NULL, "asking for the import receipt",
                         &answer));
    const char *text = json_string_value(json_object_get(answer, "value"));
    kq_buffer_init(out, KQ_PACKAGE_MAX);
    kq_status status = text == NULL ? KQ_ERR_FORMAT : kq_base64url_decode(kq_slice_text(text), out);
    json_decref(answer);
    if (status != KQ_OK)
        return kq_tool_fail(uploading->tool, status, NULL, "%s: its receipt cannot be read", uploading->vault_url);
    return KQ_OK;
}

static kq_status conclude(struct uploading *uploading)
{
    KQ_AUTO_VALUE(kq_buffer) receipt = {0};
    uint8_t hash[32];
    json_t *object = NULL;
    if (!uploading->tool->is_json)
        print_key(uploading);
    kq_sha256(kq_buffer_slice(&uploading->package), hash);
    kq_tool_note_hash(uploading->tool, "package", kq_slice_of(hash, sizeof hash));
    kq_tool_note_hash(uploading->tool, "key", uploading->facts.header.public_hash);
    const struct kq_received_receipt received = {
        .package = kq_buffer_slice(&uploading->package),
        .package_path = uploading->upload->path,
        .name = uploading->upload->name,
        .version = uploading->version,
    };
    kq_status status = fetch_receipt(uploading, &receipt);
    if (status == KQ_OK)
        status = kq_receipt_receive(uploading->tool, &received, kq_buffer_slice(&receipt), &object);
    if (status != KQ_OK)
        fprintf(stderr, "  The key itself is in the vault, version %s.\n", uploading->version);
    else if (uploading->tool->is_json)
        kq_tool_print_json(json_pack("{s:O, s:o}", "key", uploading->key, "receipt", object));
    return status;
}

static kq_status run(struct uploading *uploading)
{
    KQ_TRY(check_name(uploading));
    KQ_TRY(read_package(uploading));
    KQ_TRY(kq_account_load(uploading->tool, &uploading->account));
    KQ_TRY(kq_cloud_vault_url(uploading->tool, &uploading->account, uploading->upload->vault, uploading->vault_url));
    KQ_TRY(send(uploading));
    return conclude(uploading);
}

kq_status kq_upload_run(struct kq_tool *tool, const struct kq_upload *upload)
{
    struct uploading uploading = {.tool = tool, .upload = upload};
    kq_status status = run(&uploading);
    kq_account_clear(&uploading.account);
    kq_buffer_clear(&uploading.package);
    json_decref(uploading.key);
    return status;
}
