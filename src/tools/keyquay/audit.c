/* keyquay audit: checks and shows the log of a module, without trusting the
 * machine that keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/common/names.h"
#include "tools/common/quorum.h"
#include "tools/keyquay/owner_commands.h"
#include "tools/owner/audit_log.h"

struct options {
    const char *folder, *log, *head, *out;
    bool offline;
};

struct job {
    struct kq_tool tool;
    struct options options;
    char log[KQ_PATH_MAX];
    struct kq_audit_witness witness;
    const char *witness_name; /* NULL: there is no head to compare with */
};

static kq_status find_log(struct job *job)
{
    const char *given = job->options.log;
    if (given != NULL && kq_text_copy(kq_slice_text(given), job->log, sizeof job->log))
        return KQ_OK;
    if (given == NULL && kq_path_join(job->tool.folder, "hsm/audit.log", job->log) == KQ_OK)
        return KQ_OK;
    return kq_tool_fail(&job->tool, KQ_ERR_TOO_LARGE, NULL, "the log's path is too long");
}

static kq_status open_log(struct job *job, int *out_fd)
{
    *out_fd = open(job->log, O_RDONLY | O_CLOEXEC);
    if (*out_fd >= 0)
        return KQ_OK;
    return kq_tool_fail(&job->tool, errno == ENOENT ? KQ_ERR_NOT_FOUND : KQ_ERR_IO, "--log=FILE names another.",
                        "%s: %s", job->log, strerror(errno));
}

/* ---- the head to compare with ----------------------------------------------------------------- */

static kq_status read_head_file(struct job *job)
{
    KQ_AUTO_VALUE(kq_buffer) head = {0};
    KQ_AUTO_VALUE(kq_buffer) signer = {.max = KQ_PUBLIC_MAX};
    KQ_AUTO_FD fd = -1;
    kq_status status = kq_file_read(job->options.head, KQ_SIGNED_MAX, &head);
    if (status != KQ_OK)
        return kq_tool_fail_read(&job->tool, status, job->options.head, "\"keyquay audit head\" writes a head.");
    KQ_TRY(open_log(job, &fd));
    if (kq_audit_log_signer(fd, &signer) != KQ_OK)
        return kq_tool_fail(&job->tool, KQ_ERR_FORMAT, NULL, "%s: does not begin with the module's signing key",
                            job->log);
    status = kq_audit_witness_get(kq_buffer_slice(&head), kq_buffer_slice(&signer), &job->witness);
    if (status != KQ_OK)
        return kq_tool_fail(&job->tool, status, "Is it a head of this module, as \"keyquay audit head\" wrote it?",
                            "%s: %s", job->options.head, kq_status_text(status));
    job->witness_name = "the head file";
    return KQ_OK;
}

/* The running module is asked if it answers; it is not started for this. */
static kq_status ask_module(struct job *job)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(kq_buffer) signer = {.max = KQ_PUBLIC_MAX};
    KQ_AUTO_FD fd = -1;
    struct kq_audit_head_reply results;
    if (kq_path_join(job->tool.folder, "hardserver.sock", path) != KQ_OK ||
        kqc_session_open(path, job->tool.program, &job->tool.session) != KQ_OK)
        return KQ_OK;
    KQ_TRY(kq_tool_call(&job->tool, KQ_OP_AUDIT_HEAD, NULL, "asking the module for its head", &results, &reply));
    KQ_TRY(open_log(job, &fd));
    if (kq_audit_log_signer(fd, &signer) != KQ_OK ||
        !kq_slice_is_equal(kq_buffer_slice(&signer), results.signer_public))
        return kq_tool_fail(&job->tool, KQ_ERR_MISMATCH, NULL, "%s: is not signed by the module that runs here",
                            job->log);
    kq_status status = kq_audit_witness_get(results.head, results.signer_public, &job->witness);
    if (status != KQ_OK)
        return kq_tool_fail(&job->tool, status, NULL, "the module's head: %s", kq_status_text(status));
    job->witness_name = "the running module";
    return KQ_OK;
}

static kq_status find_witness(struct job *job)
{
    if (job->options.head != NULL)
        return read_head_file(job);
    return job->options.log != NULL || job->options.offline ? KQ_OK : ask_module(job);
}

/* ---- verify --------------------------------------------------------------------------------------- */

static void print_facts(const struct job *job, const struct kq_audit_facts *facts)
{
    char hash[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(facts->signer_hash, 32), hash);
    printf("%-20s%s\n", "log", job->log);
    printf("%-20s%s\n", "module", facts->esn[0] == '\0' ? "(no head)" : facts->esn);
    printf("%-20s%s\n", "signing key", facts->signer.len == 0 ? "(none)" : hash);
    printf("%-20s%" PRIu64 ", %" PRIu64 " under the last of %" PRIu64 " signed heads\n", "records", facts->num_records,
           facts->num_covered, facts->num_heads);
    if (facts->num_records > facts->num_covered)
        printf("%-20s%" PRIu64 " records follow the last head: nothing vouches for them yet\n", "",
               facts->num_records - facts->num_covered);
    if (facts->num_unclean > 0)
        printf("%-20s%" PRIu64 ", each of which may have lost 100 ms of uses\n", "unclean restarts",
               facts->num_unclean);
    if (facts->num_cuts > 0)
        printf("%-20sthe module found its log cut %" PRIu64 " times\n", "warning", facts->num_cuts);
    if (facts->torn_bytes > 0)
        printf("%-20s%" PRIu64 " bytes of an unfinished entry at the end: a crash\n", "torn", facts->torn_bytes);
    printf("%-20s%s\n", "truncation",
           job->witness_name == NULL ? "not visible: no head to compare with (--head=FILE)"
           : facts->witness_seen     ? "none"
                                     : "see below");
    if (job->witness_name != NULL)
        printf("%-20s%s, over %" PRIu64 " records\n", "compared with", job->witness_name, job->witness.num_records);
    printf("Result: %s\n", facts->failure[0] == '\0' ? "SUCCESS" : "FAILURE");
}

static void print_json(const struct job *job, const struct kq_audit_facts *facts)
{
    char hash[65];
    kq_hex_encode(kq_slice_of(facts->signer_hash, 32), hash);
    json_t *object = json_object();
    json_object_set_new(object, "log", json_string(job->log));
    json_object_set_new(object, "esn", json_string(facts->esn));
    json_object_set_new(object, "signer", json_string(hash));
    json_object_set_new(object, "records", json_integer((json_int_t)facts->num_records));
    json_object_set_new(object, "covered", json_integer((json_int_t)facts->num_covered));
    json_object_set_new(object, "heads", json_integer((json_int_t)facts->num_heads));
    json_object_set_new(object, "uncleanRestarts", json_integer((json_int_t)facts->num_unclean));
    json_object_set_new(object, "tornBytes", json_integer((json_int_t)facts->torn_bytes));
    json_object_set_new(object, "comparedWith",
                        job->witness_name == NULL ? json_null() : json_string(job->witness_name));
    json_object_set_new(object, "result", json_string(facts->failure[0] == '\0' ? "SUCCESS" : "FAILURE"));
    json_object_set_new(object, "failure", facts->failure[0] == '\0' ? json_null() : json_string(facts->failure));
    kq_tool_print_json(object);
}

static kq_status check_once(struct job *job, struct kq_audit_facts *out)
{
    KQ_AUTO_FD fd = -1;
    KQ_TRY(open_log(job, &fd));
    return kq_audit_log_check(fd, job->witness_name == NULL ? NULL : &job->witness, NULL, NULL, out);
}

static kq_status verify(struct job *job)
{
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    const struct timespec settling = {.tv_nsec = 300000000}; /* uses reach the log within 100 ms */
    KQ_TRY(find_log(job));
    KQ_TRY(find_witness(job));
    kq_status status = check_once(job, &facts);
    if (status == KQ_ERR_ROLLBACK && job->tool.session != NULL) {
        nanosleep(&settling, NULL);
        kq_audit_facts_clear(&facts);
        status = check_once(job, &facts);
    }
    if (job->tool.has_spoken)
        return status;
    if (job->tool.is_json)
        print_json(job, &facts);
    else
        print_facts(job, &facts);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(&job->tool, status, NULL, "%s: %s", job->log, facts.failure);
}

/* ---- head, show -------------------------------------------------------------------------------------- */

static kq_status write_head(struct job *job)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_audit_head_reply results;
    if (job->options.out == NULL)
        return kq_tool_usage(&job->tool, "--out=FILE is needed");
    KQ_TRY(job->options.folder != NULL ? kq_tool_connect_folder(&job->tool) : kq_tool_connect(&job->tool));
    KQ_TRY(kq_tool_call(&job->tool, KQ_OP_AUDIT_HEAD, NULL, "asking for the head", &results, &reply));
    kq_status status = kq_file_write(job->options.out, results.head, 0644, KQ_FILE_REPLACE);
    if (status != KQ_OK)
        return kq_tool_fail(&job->tool, status, NULL, "%s: not written: %s", job->options.out, strerror(errno));
    printf("Keep %s where the keeper of the log cannot change it.\n", job->options.out);
    return KQ_OK;
}

static json_t *json_record(const struct kq_audit_record *record)
{
    char subject[129];
    kq_hex_encode(record->subject, subject);
    json_t *object = json_object();
    json_object_set_new(object, "index", json_integer((json_int_t)record->index));
    json_object_set_new(object, "time", json_integer((json_int_t)record->time));
    json_object_set_new(object, "class", json_string(kq_name_audit_class(record->class_)));
    json_object_set_new(object, "event", json_stringn((const char *)record->event.data, record->event.len));
    json_object_set_new(object, "status", json_integer((json_int_t)record->status));
    json_object_set_new(object, "uid", json_integer((json_int_t)record->peer_uid));
    json_object_set_new(object, "peer", json_stringn((const char *)record->peer.data, record->peer.len));
    json_object_set_new(object, "subject", json_string(subject));
    json_object_set_new(object, "detail", json_stringn((const char *)record->detail.data, record->detail.len));
    json_object_set_new(object, "count", json_integer((json_int_t)record->count));
    return object;
}

static void print_place(struct kq_slice encoded)
{
    struct kq_place place;
    if (encoded.len == 0 || kq_place_get(encoded, &place, NULL) != KQ_OK)
        return;
    bool vault = place.kind == KQ_PLACE_VAULT;
    struct kq_slice first = vault ? place.vault : place.application;
    struct kq_slice second = vault ? place.key_name : place.ident;
    printf(" %.*s/%.*s", (int)first.len, (const char *)first.data, (int)second.len, (const char *)second.data);
}

static void show_record(void *context, const struct kq_audit_record *record)
{
    const struct kq_tool *tool = context;
    char when[KQ_TIME_TEXT_SIZE], subject[129];
    if (tool->is_json) {
        kq_tool_print_json(json_record(record));
        return;
    }
    kq_time_text(record->time, when);
    kq_hex_encode(record->subject, subject);
    printf("%6" PRIu64 " %s %-6s %-20.*s uid %-6" PRIu64 " %s", record->index, when,
           kq_name_audit_class(record->class_), (int)record->event.len, (const char *)record->event.data,
           record->peer_uid,
           record->status == KQ_OK            ? "done"
           : record->status < KQ_STATUS_COUNT ? kq_status_text((kq_status)record->status)
                                              : "unknown status");
    print_place(record->place);
    if (record->count > 1)
        printf(" x%" PRIu64, record->count);
    printf("%s%.8s%s%.*s\n", subject[0] == '\0' ? "" : " ", subject, record->detail.len == 0 ? "" : " ",
           (int)record->detail.len, (const char *)record->detail.data);
}

static kq_status show(struct job *job)
{
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    KQ_AUTO_FD fd = -1;
    KQ_TRY(find_log(job));
    KQ_TRY(open_log(job, &fd));
    kq_status status = kq_audit_log_check(fd, NULL, show_record, &job->tool, &facts);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(&job->tool, status, NULL, "%s: %s", job->log, facts.failure);
}

static kq_status run(struct job *job, const char *act)
{
    if (job->options.folder != NULL)
        KQ_TRY(kq_tool_set_folder(&job->tool, job->options.folder));
    if (strcmp(act, "verify") == 0)
        return verify(job);
    if (strcmp(act, "show") == 0)
        return show(job);
    if (strcmp(act, "head") == 0)
        return write_head(job);
    return kq_tool_usage(&job->tool, "one of verify, show and head is needed");
}

int kq_cmd_audit(int argc, char **argv)
{
    struct job job = {.witness_name = NULL};
    struct options *options = &job.options;
    kq_tool_init(&job.tool, "keyquay audit", argc, argv);
    const struct kq_arg args[] = {
        {"folder", 0, &options->folder, NULL, "DIR", "the module's folder (default: the owner's)"},
        {"log", 0, &options->log, NULL, "FILE", "the log, if not DIR/hsm/audit.log; no module is asked then"},
        {"head", 0, &options->head, NULL, "FILE", "verify: a head kept elsewhere; shows truncation"},
        {"offline", 0, NULL, &options->offline, NULL, "verify: do not ask a running module for its head"},
        {"out", 0, &options->out, NULL, "FILE", "head: where to write it"},
        {"json", 0, NULL, &job.tool.is_json, NULL, "print JSON"},
    };
    const struct kq_args table = {
        .synopsis = "verify | show | head --out=FILE [OPTION...]",
        .about = "verify recomputes the hash tree of the log and checks every signed head; a head from the running\n"
                 "module or from --head shows whether the log was cut. show prints the records.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 1,
    };
    const char *act = "";
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&job.tool, &table, argc, argv, &act, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&job.tool, KQ_ERR_ARGUMENT);
    return kq_tool_finish(&job.tool, run(&job, act));
}
