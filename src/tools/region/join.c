#include "tools/region/join.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "tools/common/connect.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"
#include "tools/factory/rehearsal_cards.h"
#include "tools/region/copy.h"
#include "wire/join.h"

static kq_status read_in(struct kq_tool *tool, const struct kq_join_plan *plan, struct kq_buffer *out)
{
    kq_status status = kq_file_read(plan->in, KQ_PACKAGE_MAX, out);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_read(tool, status, plan->in, NULL);
}

static kq_status write_out(struct kq_tool *tool, const struct kq_join_plan *plan, struct kq_slice bytes)
{
    if (kq_file_write(plan->out, bytes, 0600, KQ_FILE_REPLACE) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "%s: could not be written (%s)", plan->out, strerror(errno));
    return KQ_OK;
}

/* ---- reading the files; the module verifies them ---- */

struct applicant {
    char esn[KQ_ESN_LEN + 1];
    uint8_t request_hash[32];
};

static kq_status read_request(struct kq_tool *tool, const char *path, struct kq_slice bytes, struct applicant *out)
{
    struct kq_join_request_file file;
    struct kq_signed statement;
    struct kq_join_request request;
    const char *field = "form";
    kq_status status = kq_join_request_file_get(bytes, &file, &field);
    if (status == KQ_OK)
        status = kq_signed_get(file.statement, &statement, &field);
    if (status == KQ_OK)
        status = kq_join_request_get(statement.body, &request, &field);
    if (status != KQ_OK || !kq_text_copy(request.esn, out->esn, sizeof out->esn))
        return kq_tool_fail(tool, status, "Name the file that `keyquay region join request` wrote.",
                            "%s: not a request to join, or damaged (%s)", path, field);
    kq_sha256(file.statement, out->request_hash);
    return KQ_OK;
}

static kq_status read_admission(struct kq_tool *tool, const char *path, struct kq_slice bytes, uint8_t out_hknso[32])
{
    struct kq_join_admission_file file;
    struct kq_signed statement;
    struct kq_join_admission admission;
    const char *field = "form";
    kq_status status = kq_join_admission_file_get(bytes, &file, &field);
    if (status == KQ_OK)
        status = kq_signed_get(file.statement, &statement, &field);
    if (status == KQ_OK)
        status = kq_join_admission_get(statement.body, &admission, &field);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Name the file that `keyquay region join admit` wrote.",
                            "%s: not an admission, or damaged (%s)", path, field);
    memcpy(out_hknso, admission.hknso.data, 32);
    return KQ_OK;
}

/* ---- asking and admitting ---- */

/* What the officers of both sides compare: who asks, and with which request. */
static void print_applicant(struct kq_tool *tool, const struct kq_join_plan *plan, const struct applicant *applicant)
{
    char hash[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(applicant->request_hash, 32), hash);
    kq_tool_note_hash(tool, "request", kq_slice_of(applicant->request_hash, 32));
    if (!tool->is_json)
        printf("Module %s asks to join region %s\n  request hash:  %s\n", applicant->esn, plan->region->name, hash);
}

static kq_status finish_file(struct kq_tool *tool, const struct kq_join_plan *plan, const struct applicant *applicant,
                             const char *what, const char *next)
{
    char hash[65];
    kq_hex_encode(kq_slice_of(applicant->request_hash, 32), hash);
    if (tool->is_json)
        kq_tool_print_json(json_pack("{s:s, s:s, s:s, s:s}", "region", plan->region->name, "esn", applicant->esn,
                                     "requestHash", hash, what, plan->out));
    else
        printf("%s written. Next: %s\n", plan->out, next);
    return KQ_OK;
}

static kq_status request(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_file made;
    struct applicant applicant;
    KQ_TRY(kq_tool_call(tool, KQ_OP_WORLD_JOIN_REQUEST, NULL, "asking to join", &made, &reply));
    KQ_TRY(read_request(tool, "the module's answer", made.file, &applicant));
    KQ_TRY(write_out(tool, plan, made.file));
    print_applicant(tool, plan, &applicant);
    return finish_file(tool, plan, &applicant, "request", "`keyquay region join admit` where the region is.");
}

static kq_status admit(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_file made;
    struct applicant applicant;
    KQ_TRY(read_in(tool, plan, &bytes));
    KQ_TRY(read_request(tool, plan->in, kq_buffer_slice(&bytes), &applicant));
    print_applicant(tool, plan, &applicant); /* before anybody types a passphrase for it */
    const struct kq_file params = {kq_buffer_slice(&bytes)};
    KQ_TRY(kq_tool_call_with_quorum(tool, KQ_OP_WORLD_ADMIT, &params, KQ_SLICE_EMPTY, plan->in, &made, &reply));
    KQ_TRY(write_out(tool, plan, made.file));
    return finish_file(tool, plan, &applicant, "admission", "`keyquay region join accept` at the new module.");
}

/* ---- accepting ---- */

struct accepting {
    struct kq_tool *tool;
    const struct kq_join_plan *plan;
    const struct kq_region_folder *folder;
    struct kq_buffer admission;
    uint8_t hknso[32]; /* of the world to join */
    struct kq_region_source source;
    struct kq_region_copied copied;
};

/* An admission names a world by its hash only; which region that is the packages tell. */
static kq_status check_packages(struct accepting *accepting)
{
    const struct kq_join_plan *plan = accepting->plan;
    KQ_TRY(kq_region_source_open(accepting->tool, plan->packages, plan->region, &accepting->source));
    if (kq_slice_is_equal(kq_slice_of(accepting->source.hknso, 32), kq_slice_of(accepting->hknso, 32)))
        return KQ_OK;
    return kq_tool_fail(accepting->tool, KQ_ERR_MISMATCH, "Have the module admitted where these packages were made.",
                        "%s: hknso: admits to another world than that of region %s in %s", plan->in, plan->region->name,
                        plan->packages);
}

static kq_status join_world(struct accepting *accepting)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_world_reply world;
    const struct kq_file params = {kq_buffer_slice(&accepting->admission)};
    KQ_TRY(kq_tool_call(accepting->tool, KQ_OP_WORLD_JOIN, &params, accepting->plan->in, &world, &reply));
    return kq_world_store(accepting->tool, world.world_file, accepting->hknso);
}

/* Joins, unless the module is in that world already. */
static kq_status have_joined(struct accepting *accepting)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    struct kq_world_facts facts;
    KQ_TRY(kq_tool_call(accepting->tool, KQ_OP_STATUS, NULL, accepting->plan->region->name, &status, &reply));
    if (status.world_kind == 0)
        return join_world(accepting);
    if (kq_world_facts_get(status.world_file, &facts, NULL) != KQ_OK ||
        !kq_slice_is_equal(kq_slice_of(facts.hknso, 32), kq_slice_of(accepting->hknso, 32)))
        return kq_tool_fail(accepting->tool, KQ_ERR_STATE, "Choose another folder with --data.",
                            "%s: hknso: the module in %s is in another world already", accepting->plan->in,
                            accepting->tool->folder);
    return kq_world_store(accepting->tool, status.world_file, facts.hknso);
}

static void print_joined(const struct accepting *accepting)
{
    const struct kq_region_copied *copied = &accepting->copied;
    const char *region = accepting->plan->region->name, *folder = accepting->folder->path;
    char world[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(accepting->hknso, 32), world);
    printf("The module has joined region %s.\n  world hash:    %s\n", region, world);
    if (accepting->plan->packages != NULL)
        printf("  copied:        %llu exchange keys with their packages, %llu imported keys\n  data:          %s\n",
               (unsigned long long)copied->num_exchange_keys, (unsigned long long)copied->num_keys, folder);
    else
        printf("The same command with --packages FROM copies exchange keys, packages and imported keys to\n%s.\n",
               folder);
}

static void print_joined_json(const struct accepting *accepting)
{
    char world[65];
    kq_hex_encode(kq_slice_of(accepting->hknso, 32), world);
    kq_tool_print_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "region", accepting->plan->region->name, "world",
                                 world, "generation", (json_int_t)kq_region_newest_generation(accepting->folder),
                                 "exchangeKeysCopied", (json_int_t)accepting->copied.num_exchange_keys, "keysCopied",
                                 (json_int_t)accepting->copied.num_keys, "data", accepting->folder->path));
}

static kq_status accept_admission(struct accepting *accepting)
{
    struct kq_tool *tool = accepting->tool;
    const struct kq_join_plan *plan = accepting->plan;
    KQ_TRY(read_in(tool, plan, &accepting->admission));
    KQ_TRY(read_admission(tool, plan->in, kq_buffer_slice(&accepting->admission), accepting->hknso));
    if (plan->packages != NULL)
        KQ_TRY(check_packages(accepting));
    KQ_TRY(kq_tool_connect_folder(tool));
    KQ_TRY(have_joined(accepting));
    kq_tool_note_hash(tool, "world", kq_slice_of(accepting->hknso, 32));
    if (plan->packages != NULL)
        KQ_TRY(kq_region_copy(tool, &accepting->source, accepting->folder, &accepting->copied));
    (tool->is_json ? print_joined_json : print_joined)(accepting);
    return KQ_OK;
}

kq_status kq_region_join(struct kq_tool *tool, const struct kq_join_plan *plan)
{
    struct kq_region_folder folder;
    struct kq_rehearsal rehearsal;
    if (kq_region_folder_init(&folder, plan->data, plan->region) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, "Choose a shorter folder.", "%s: the path is too long", plan->data);
    KQ_TRY(kq_tool_set_folder(tool, folder.path));
    if (plan->act == KQ_JOIN_ACCEPT) {
        struct accepting accepting = {.tool = tool, .plan = plan, .folder = &folder};
        kq_status status = accept_admission(&accepting);
        kq_buffer_clear(&accepting.admission);
        return status;
    }
    if (plan->act == KQ_JOIN_ADMIT && !kq_region_folder_exists(&folder))
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "`keyquay region list` shows what there is.",
                            "%s: there is no region %s", plan->data, plan->region->name);
    if (plan->act == KQ_JOIN_ADMIT && kq_rehearsal_cards_exist(folder.path))
        KQ_TRY(kq_rehearsal_cards_attach(tool, folder.path, &rehearsal));
    KQ_TRY(kq_tool_connect_folder(tool));
    return plan->act == KQ_JOIN_ADMIT ? admit(tool, plan) : request(tool, plan);
}
