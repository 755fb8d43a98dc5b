#include "tools/owner/dump.h"

#include <inttypes.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"
#include "tools/common/names.h"
#include "trust/acl.h"

/* Records lie in records; the deepest is key file > signed > key generation > place. */
#define DEPTH_MAX 8u
#define MEMBERS_MAX (1024 / sizeof(uint64_t)) /* as wire/record.c allows */
#define HEX_SHOWN_MAX 40u

struct level {
    const struct kq_record_type *type;
    uint64_t members[MEMBERS_MAX];
    size_t next_field;
    size_t next_word; /* offset of that field in members */
};

struct dump {
    FILE *out;
    struct level levels[DEPTH_MAX];
    size_t depth;
};

/* The type whose name begins these bytes; NULL if they are no named record. */
static const struct kq_record_type *find_type(struct kq_slice bytes)
{
    struct kq_reader reader;
    kq_reader_init(&reader, bytes);
    kq_cbor_get_array(&reader);
    struct kq_slice name = kq_cbor_get_text(&reader);
    if (reader.failed)
        return NULL;
    for (size_t i = 0; i < kq_num_format_types; i++) {
        const struct kq_record_type *type = kq_format_types[i];
        if (type->name != NULL && kq_slice_is_text(name, type->name))
            return type;
    }
    return NULL;
}

/* True if a record was entered: its fields come next. */
static bool enter(struct dump *dump, struct kq_slice bytes)
{
    const struct kq_record_type *type = find_type(bytes);
    if (type == NULL || type == &kq_acl_type || dump->depth == DEPTH_MAX)
        return false;
    struct level *level = &dump->levels[dump->depth];
    *level = (struct level){.type = type};
    if (kq_record_get(type, bytes, level->members, NULL) != KQ_OK)
        return false;
    dump->depth++;
    return true;
}

/* ---- values ------------------------------------------------------------------------------- */

static void indent(const struct dump *dump)
{
    fprintf(dump->out, "%*s", (int)(2 * dump->depth), "");
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

static const char *number_word(const struct kq_record_type *type, const char *name, uint64_t value)
{
    static const char *const origins[] = {"origin", "source_origin", NULL};
    if (strcmp(name, "world_kind") == 0 || (strcmp(name, "kind") == 0 && type == &kq_world_binding_type))
        return kq_name_world_kind(value);
    if (is_one_of(name, origins))
        return kq_name_origin(value);
    if (strcmp(name, "profile") == 0)
        return kq_name_profile(value);
    if (strcmp(name, "class_") == 0)
        return kq_name_audit_class(value);
    if (strcmp(name, "kind") == 0 && type == &kq_place_type)
        return value == KQ_PLACE_OWNER ? "owner" : value == KQ_PLACE_VAULT ? "vault" : "exchange key";
    return NULL;
}

static void print_number(struct dump *dump, const struct kq_record_type *type, const char *name, uint64_t value)
{
    static const char *const times[] = {"time", "created", "not_after", NULL};
    const char *word = number_word(type, name, value);
    char text[KQ_KEY_TYPE_TEXT_SIZE > KQ_TIME_TEXT_SIZE ? KQ_KEY_TYPE_TEXT_SIZE : KQ_TIME_TEXT_SIZE];
    if (is_one_of(name, times)) {
        kq_time_text(value, text);
        word = text;
    } else if (strcmp(name, "key_type") == 0) {
        kq_name_key(value, 0, text);
        char *no_size = strstr(text, " 0"); /* the size is the next field */
        if (no_size != NULL)
            *no_size = '\0';
        word = text;
    }
    fprintf(dump->out, "%" PRIu64 "%s%s%s\n", value, word == NULL ? "" : " (", word == NULL ? "" : word,
            word == NULL ? "" : ")");
}

static void print_hash_of(struct dump *dump, const char *what, struct kq_slice bytes)
{
    uint8_t hash[32];
    char text[KQ_HASH_TEXT_SIZE];
    kq_sha256(bytes, hash);
    kq_hash_text(kq_slice_of(hash, sizeof hash), text);
    fprintf(dump->out, "%zu bytes, %s %s\n", bytes.len, what, text);
}

static void print_bytes(struct dump *dump, struct kq_slice bytes)
{
    char text[2 * HEX_SHOWN_MAX + 1];
    if (bytes.len == 0) {
        fprintf(dump->out, "(empty)\n");
    } else if (bytes.len == 32) {
        kq_hash_text(bytes, text);
        fprintf(dump->out, "%s\n", text);
    } else if (bytes.len <= HEX_SHOWN_MAX) {
        kq_hex_encode(bytes, text);
        fprintf(dump->out, "%s\n", text);
    } else {
        print_hash_of(dump, "SHA-256", bytes);
    }
}

static void print_certificate(struct dump *dump, struct kq_slice der)
{
    struct kq_certificate certificate;
    char from[KQ_TIME_TEXT_SIZE], until[KQ_TIME_TEXT_SIZE];
    if (kq_certificate_get(der, &certificate) != KQ_OK) {
        print_bytes(dump, der);
        return;
    }
    kq_time_text(certificate.not_before, from);
    kq_time_text(certificate.not_after, until);
    print_hash_of(dump, "public key", certificate.public_key);
    indent(dump);
    fprintf(dump->out, "  subject \"%s\"%s%s, %s to %s%s\n", certificate.common_name,
            certificate.serial_number[0] == '\0' ? "" : " ESN ", certificate.serial_number, from, until,
            certificate.is_rehearsal ? ", REHEARSAL: proves nothing about the operator" : "");
}

static void print_acl(struct dump *dump, struct kq_slice acl)
{
    char margin[2 * DEPTH_MAX + 3];
    snprintf(margin, sizeof margin, "%*s", (int)(2 * dump->depth + 2), "");
    fputc('\n', dump->out);
    kq_acl_print(acl, margin, dump->out);
}

static void print_commitments(struct dump *dump, struct kq_slice commitments)
{
    char text[KQ_HASH_TEXT_SIZE];
    fputc('\n', dump->out);
    for (size_t at = 0; at + 32 <= commitments.len; at += 32) {
        kq_hash_text(kq_slice_of(commitments.data + at, 32), text);
        indent(dump);
        fprintf(dump->out, "  card %zu: %s\n", at / 32 + 1, text);
    }
}

/* A string of bytes by what its field is called, or what it begins with. */
static void print_string(struct dump *dump, const struct kq_record_type *type, const struct kq_field *field,
                         struct kq_slice bytes)
{
    static const char *const certificates[] = {"warrant", "root", NULL};
    static const char *const keys[] = {"public_key",  "source_public",   "signer_public",
                                       "knso_public", "recovery_public", NULL};
    if (type == &kq_device_key_type && strcmp(field->name, "key") == 0)
        fprintf(dump->out, "%zu bytes, secret: not shown\n", bytes.len);
    else if (field->kind == KQ_FIELD_TEXT)
        fprintf(dump->out, "\"%.*s\"\n", (int)bytes.len, (const char *)bytes.data);
    else if (bytes.len > 0 && strcmp(field->name, "acl") == 0)
        print_acl(dump, bytes);
    else if (strcmp(field->name, "commitments") == 0)
        print_commitments(dump, bytes);
    else if (bytes.len > HEX_SHOWN_MAX && is_one_of(field->name, certificates))
        print_certificate(dump, bytes);
    else if (bytes.len > HEX_SHOWN_MAX && is_one_of(field->name, keys))
        print_hash_of(dump, "public key", bytes);
    else
        print_bytes(dump, bytes);
}

/* ---- the walk ------------------------------------------------------------------------------- */

/* Prints the next field of the innermost record, or leaves it. */
static void step(struct dump *dump)
{
    struct level *level = &dump->levels[dump->depth - 1];
    if (level->next_field == level->type->num_fields) {
        dump->depth--;
        return;
    }
    const struct kq_field *field = &level->type->fields[level->next_field++];
    const uint64_t *member = &level->members[level->next_word];
    indent(dump);
    fprintf(dump->out, "%s: ", field->name);
    if (field->kind == KQ_FIELD_UINT) {
        level->next_word++;
        print_number(dump, level->type, field->name, *member);
        return;
    }
    if (field->kind == KQ_FIELD_LIST) {
        struct kq_list list;
        memcpy(&list, member, sizeof list);
        level->next_word += sizeof list / sizeof *member;
        fprintf(dump->out, "%zu items\n", list.num);
        return;
    }
    struct kq_slice bytes;
    memcpy(&bytes, member, sizeof bytes);
    level->next_word += sizeof bytes / sizeof *member;
    if (field->kind == KQ_FIELD_BYTES && enter(dump, bytes))
        fprintf(dump->out, "%s, version %" PRIu64 "\n", dump->levels[dump->depth - 1].type->name,
                dump->levels[dump->depth - 1].type->version);
    else
        print_string(dump, level->type, field, bytes);
}

kq_status kq_dump_print(struct kq_slice bytes, FILE *out, const char **out_field)
{
    const struct kq_record_type *type = find_type(bytes);
    *out_field = "type";
    if (type == NULL)
        return KQ_ERR_FORMAT;
    uint64_t members[MEMBERS_MAX];
    KQ_TRY(kq_record_get(type, bytes, members, out_field));
    struct dump dump = {.out = out};
    fprintf(out, "%s, version %" PRIu64 ", %zu bytes\n", type->name, type->version, bytes.len);
    if (!enter(&dump, bytes))
        kq_acl_print(bytes, "  ", out); /* the one named record that is shown in words only */
    while (dump.depth > 0)
        step(&dump);
    return KQ_OK;
}
