#include <inttypes.h>

#include "base/size.h"
#include "base/text.h"
#include "trust/acl.h"

struct bit_name {
    uint64_t bit;
    const char *name;
};
static const struct bit_name permission_names[] = {
    {KQ_PERM_DUPLICATE_HANDLE, "DuplicateHandle"},
    {KQ_PERM_USE_AS_CERTIFICATE, "UseAsCertificate"},
    {KQ_PERM_EXPORT_AS_PLAIN, "ExportAsPlain"},
    {KQ_PERM_GET_APP_DATA, "GetAppData"},
    {KQ_PERM_SET_APP_DATA, "SetAppData"},
    {KQ_PERM_REDUCE_ACL, "ReduceACL"},
    {KQ_PERM_EXPAND_ACL, "ExpandACL"},
    {KQ_PERM_ENCRYPT, "Encrypt"},
    {KQ_PERM_DECRYPT, "Decrypt"},
    {KQ_PERM_VERIFY, "Verify"},
    {KQ_PERM_USE_AS_BLOB_KEY, "UseAsBlobKey"},
    {KQ_PERM_USE_AS_KM, "UseAsKM"},
    {KQ_PERM_SIGN, "Sign"},
    {KQ_PERM_GET_ACL, "GetACL"},
    {KQ_PERM_USE_AS_LOADER_KEY, "UseAsLoaderKey"},
};
static const struct bit_name blob_flag_names[] = {
    {KQ_BLOB_ALLOW_KM_ONLY, "AllowKmOnly"},
    {KQ_BLOB_KMHASH_PRESENT, "kmhash_present"},
};

static void print_bits(uint64_t bits, const struct bit_name *names, size_t num_names, FILE *out)
{
    for (size_t i = 0; i < num_names; i++) {
        if ((bits & names[i].bit) != 0)
            fprintf(out, " %s", names[i].name);
        bits &= ~names[i].bit;
    }
    if (bits != 0)
        fprintf(out, " 0x%" PRIx64, bits);
    fputc('\n', out);
}

static void print_hash(const char *indent, const char *name, struct kq_slice hash, FILE *out)
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(hash, text);
    fprintf(out, "%s    %s: %s\n", indent, name, text);
}

static const char *profile_name(uint64_t profile)
{
    return profile == KQ_PROFILE_KEYQUAY      ? "keyquay-transfer"
           : profile == KQ_PROFILE_AZURE_BYOK ? "azure-byok"
                                              : "unknown";
}

static void print_transfer(const char *indent, struct kq_slice detail, FILE *out)
{
    struct kq_acl_transfer transfer;
    if (kq_acl_transfer_get(detail, &transfer, NULL) != KQ_OK) {
        fprintf(out, "%s    detail: damaged\n", indent);
        return;
    }
    char date[KQ_TIME_TEXT_SIZE];
    kq_time_text(transfer.not_after, date);
    fprintf(out, "%s    profile: %s\n", indent, profile_name(transfer.profile));
    fprintf(out, "%s    payload template: %" PRIu64 "\n", indent, transfer.payload_template);
    print_hash(indent, "exchange key", transfer.kek_hash, out);
    print_hash(indent, "target world (hknso)", transfer.target_hknso, out);
    fprintf(out, "%s    not after: %s\n", indent, date);
}

static void print_action(const char *indent, struct kq_slice bytes, FILE *out)
{
    struct kq_acl_action action;
    if (kq_acl_action_get(bytes, &action, NULL) != KQ_OK) {
        fprintf(out, "%s  Action: damaged\n", indent);
        return;
    }
    switch (action.kind) {
    case KQ_ACTION_OP_PERMISSIONS:
        fprintf(out, "%s  Action: OpPermissions:", indent);
        print_bits(action.bits, permission_names, KQ_COUNT_OF(permission_names), out);
        break;
    case KQ_ACTION_MAKE_BLOB:
        fprintf(out, "%s  Action: MakeBlob:", indent);
        print_bits(action.bits, blob_flag_names, KQ_COUNT_OF(blob_flag_names), out);
        print_hash(indent, "hkm", action.hash, out);
        break;
    case KQ_ACTION_MAKE_ARCHIVE_BLOB:
        fprintf(out, "%s  Action: MakeArchiveBlob\n", indent);
        print_hash(indent, "hkre", action.hash, out);
        break;
    case KQ_ACTION_UNWRAP_FOR_IMPORT:
        fprintf(out, "%s  Action: UnwrapForImport: %s\n", indent, profile_name(action.bits));
        break;
    case KQ_ACTION_MAKE_TRANSFER_PACKAGE:
        fprintf(out, "%s  Action: MakeTransferPackage\n", indent);
        print_transfer(indent, action.detail, out);
        break;
    default:
        fprintf(out, "%s  Action: unknown (%" PRIu64 ")\n", indent, action.kind);
    }
}

static void print_limit(const char *indent, struct kq_slice bytes, FILE *out)
{
    struct kq_acl_limit limit;
    if (kq_acl_limit_get(bytes, &limit, NULL) != KQ_OK) {
        fprintf(out, "%s  Limit: damaged\n", indent);
    } else if (limit.kind == KQ_LIMIT_TIME) {
        fprintf(out, "%s  Limit: Time: %" PRIu64 " s after loading\n", indent, limit.max);
    } else {
        char id[2 * 20 + 1];
        kq_hex_encode(limit.id, id);
        fprintf(out, "%s  Limit: Global: %" PRIu64 " uses, counter %s\n", indent, limit.max, id);
    }
}

static void print_group(const char *indent, size_t number, struct kq_slice bytes, FILE *out)
{
    struct kq_acl_group group;
    struct kq_slice item;
    fprintf(out, "%sGroup %zu\n", indent, number);
    if (kq_acl_group_get(bytes, &group, NULL) != KQ_OK) {
        fprintf(out, "%s  damaged\n", indent);
        return;
    }
    char certifier[KQ_HASH_TEXT_SIZE];
    kq_hash_text(group.certifier, certifier);
    if (group.certifier.len > 0)
        fprintf(out, "%s  Requires Cert: hash: %s (a card quorum of that world)\n", indent, certifier);
    while (kq_list_next(&group.limits, &item))
        print_limit(indent, item, out);
    while (kq_list_next(&group.actions, &item))
        print_action(indent, item, out);
}

void kq_acl_print(struct kq_slice bytes, const char *indent, FILE *out)
{
    struct kq_acl acl;
    struct kq_slice group;
    if (kq_acl_get(bytes, &acl, NULL) != KQ_OK) {
        fprintf(out, "%sACL: damaged\n", indent);
        return;
    }
    if (acl.groups.num == 0)
        fprintf(out, "%sACL: no groups, nothing is allowed\n", indent);
    for (size_t number = 1; kq_list_next(&acl.groups, &group); number++)
        print_group(indent, number, group, out);
}
