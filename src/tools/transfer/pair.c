#include "tools/transfer/pair.h"

#include "base/clock.h"
#include "base/text.h"
#include "tools/transfer/suggest.h"
#include "wire/cbor.h"
#include "wire/formats.h"

#define KIND_SIZE 64

static kq_status fail_missing(struct kq_tool *tool, const char *path)
{
    char likest[KQ_PATH_MAX];
    char next[KQ_PATH_MAX + 32];
    kq_suggest_file(path, likest);
    snprintf(next, sizeof next, "Did you mean %s?", likest);
    return kq_tool_fail(tool, KQ_ERR_NOT_FOUND,
                        likest[0] != '\0' ? next
                                          : "Unpack the region's toolset here, or name the file with its folder.",
                        "%s: there is no such package", path);
}

static kq_status read_package(struct kq_tool *tool, const char *path, struct kq_buffer *out)
{
    kq_status status = kq_file_read(path, KQ_PACKAGE_MAX, out);
    if (status == KQ_ERR_NOT_FOUND)
        return fail_missing(tool, path);
    if (status == KQ_ERR_TOO_LARGE)
        return kq_tool_fail(tool, status, "Name a package of the region's toolset.",
                            "%s: too large for a package (%u bytes at most)", path, KQ_PACKAGE_MAX);
    if (status == KQ_OK && out->len == 0)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, "Unpack the region's toolset again.", "%s: the file is empty", path);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Name a package of the region's toolset.");
    return KQ_OK;
}

/* What the named record in the file is called in its first field; "" if it is none. */
static void find_kind(struct kq_slice bytes, char out[KIND_SIZE])
{
    struct kq_reader reader;
    kq_reader_init(&reader, bytes);
    kq_cbor_get_array(&reader);
    struct kq_slice name = kq_cbor_get_text(&reader);
    if (reader.failed || !kq_text_copy(name, out, KIND_SIZE))
        out[0] = '\0';
}

/* A file that is no package at all is told by its name before any signature is looked at. */
static kq_status check_kind(struct kq_tool *tool, const char *path, struct kq_slice bytes, const char *want,
                            const char *what)
{
    char kind[KIND_SIZE];
    find_kind(bytes, kind);
    if (strcmp(kind, want) == 0)
        return KQ_OK;
    return kq_tool_fail(tool, KQ_ERR_FORMAT, "Name a package of the region's toolset.", "%s: not %s but %s", path, what,
                        kind[0] == '\0' ? "something else" : kind);
}

/* Each package says what it is; a mix-up is told as one. */
static kq_status check_kinds(struct kq_tool *tool, const char *kek_path, const char *world_path,
                             const struct kq_pair *pair)
{
    struct kq_kek_package kek;
    struct kq_world_package world;
    bool first_is_world = kq_world_package_get(kq_buffer_slice(&pair->kek_package), &world, NULL) == KQ_OK;
    bool second_is_kek = kq_kek_package_get(kq_buffer_slice(&pair->world_package), &kek, NULL) == KQ_OK;
    if (first_is_world && second_is_kek)
        return kq_tool_fail(tool, KQ_ERR_MISMATCH, "Name them the other way round.",
                            "%s is the security world package and %s the exchange key package", kek_path, world_path);
    if (first_is_world)
        return kq_tool_fail(tool, KQ_ERR_MISMATCH, "Name the BYOK-KEK-pkg file here.",
                            "%s: a security world package, where the exchange key package is wanted", kek_path);
    if (second_is_kek)
        return kq_tool_fail(tool, KQ_ERR_MISMATCH, "Name the BYOK-SecurityWorld-pkg file here.",
                            "%s: an exchange key package, where the security world package is wanted", world_path);
    return KQ_OK;
}

static void print_steps(const struct kq_chain_report *report)
{
    static const char *const outcomes[] = {
        [KQ_STEP_NOT_RUN] = "not run", [KQ_STEP_PASSED] = "passed", [KQ_STEP_FAILED] = "FAILED"};
    for (size_t i = 0; i < report->num_steps; i++) {
        const struct kq_chain_step *step = &report->steps[i];
        printf("  %-38s %s%s%s\n", step->name, outcomes[step->outcome], step->reason[0] != '\0' ? ": " : "",
               step->reason);
    }
}

static kq_status fail_step(struct kq_tool *tool, kq_status status, const struct kq_chain_report *report)
{
    for (size_t i = 0; i < report->num_steps; i++) {
        if (report->steps[i].outcome == KQ_STEP_FAILED)
            return kq_tool_fail(tool, status, "Obtain the toolset again, by a road you trust.",
                                "the packages do not verify: %s: %s", report->steps[i].name, report->steps[i].reason);
    }
    return kq_tool_fail(tool, status, NULL, "the packages do not verify: %s", kq_status_text(status));
}

kq_status kq_pair_open(struct kq_tool *tool, const char *kek_path, const char *world_path, struct kq_pair *out)
{
    KQ_TRY(read_package(tool, kek_path, &out->kek_package));
    KQ_TRY(read_package(tool, world_path, &out->world_package));
    KQ_TRY(check_kinds(tool, kek_path, world_path, out));
    KQ_TRY(check_kind(tool, kek_path, kq_buffer_slice(&out->kek_package), kq_kek_package_type.name,
                      "an exchange key package"));
    KQ_TRY(check_kind(tool, world_path, kq_buffer_slice(&out->world_package), kq_world_package_type.name,
                      "a security world package"));
    kq_status status =
        kq_chain_verify_packages(kq_buffer_slice(&out->kek_package), kq_buffer_slice(&out->world_package),
                                 kq_clock_unix_s(), &out->destination, &out->report);
    if (!tool->is_json)
        print_steps(&out->report);
    if (status != KQ_OK)
        return fail_step(tool, status, &out->report);
    kq_tool_note_hash(tool, "root", kq_slice_of(out->destination.root_hash, 32));
    kq_tool_note_hash(tool, "world", kq_slice_of(out->destination.hknso, 32));
    kq_tool_note_hash(tool, "kek", kq_slice_of(out->destination.kek_hash, 32));
    return KQ_OK;
}

void kq_pair_clear(struct kq_pair *pair)
{
    kq_buffer_clear(&pair->kek_package);
    kq_buffer_clear(&pair->world_package);
}

void kq_pair_print(const struct kq_pair *pair, FILE *out)
{
    const struct kq_destination *to = &pair->destination;
    char root[KQ_HASH_TEXT_SIZE], world[KQ_HASH_TEXT_SIZE], kek[KQ_HASH_TEXT_SIZE], until[KQ_TIME_TEXT_SIZE];
    kq_hash_text(kq_slice_of(to->root_hash, 32), root);
    kq_hash_text(kq_slice_of(to->hknso, 32), world);
    kq_hash_text(kq_slice_of(to->kek_hash, 32), kek);
    kq_time_text(to->region.not_after, until);
    fprintf(out, "region:       %.*s, operator %.*s, until %s\n", (int)to->region.region.len,
            (const char *)to->region.region.data, (int)to->region.operator_name.len,
            (const char *)to->region.operator_name.data, until);
    fprintf(out, "root:         %s%s\n", root,
            to->root_is_rehearsal ? " (rehearsal: proves nothing about the operator)" : "");
    fprintf(out, "world:        %s\nexchange key: %s\n", world, kek);
}

json_t *kq_pair_json(const struct kq_pair *pair)
{
    const struct kq_destination *to = &pair->destination;
    char root[65], world[65], kek[65], until[KQ_TIME_TEXT_SIZE];
    kq_hex_encode(kq_slice_of(to->root_hash, 32), root);
    kq_hex_encode(kq_slice_of(to->hknso, 32), world);
    kq_hex_encode(kq_slice_of(to->kek_hash, 32), kek);
    kq_time_text(to->region.not_after, until);
    json_t *object = json_pack("{s:s, s:b, s:s, s:s, s:s}", "root", root, "rehearsal", (int)to->root_is_rehearsal,
                               "world", world, "exchangeKey", kek, "notAfter", until);
    json_object_set_new(object, "region", json_stringn((const char *)to->region.region.data, to->region.region.len));
    return object;
}
