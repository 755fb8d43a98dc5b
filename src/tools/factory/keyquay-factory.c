/* keyquay-factory: the manufacturer's root and the warrants it signs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/common/connect.h"
#include "tools/factory/certificates.h"
#include "tools/factory/factory.h"
#include "tools/factory/rehearsal_cards.h"

#define VALID_DAYS_MAX 36500u
#define ROOT_DAYS 7300u
#define WARRANT_DAYS 3650u

struct options {
    const char *data;
    const char *name;
    const char *quorum;
    const char *suite;
    const char *days;
    const char *out;
    bool replace;
};

static kq_status read_days(struct kq_tool *tool, const char *text, uint64_t otherwise, uint64_t *out)
{
    *out = otherwise;
    if (text != NULL && (!kq_uint_parse(kq_slice_text(text), VALID_DAYS_MAX, out) || *out == 0))
        return kq_tool_usage(tool, "--days takes 1 to %u days, not '%.40s'", VALID_DAYS_MAX, text);
    return KQ_OK;
}

static kq_status choose_folder(struct kq_tool *tool, const struct options *options)
{
    if (options->data == NULL)
        return kq_tool_usage(tool, "name the manufacturer's folder with --data DIR");
    return kq_tool_set_folder(tool, options->data);
}

static kq_status open_factory(struct kq_tool *tool, const struct options *options, struct kq_rehearsal *rehearsal)
{
    if (kq_rehearsal_cards_exist(options->data))
        KQ_TRY(kq_rehearsal_cards_attach(tool, options->data, rehearsal));
    return kq_tool_connect_folder(tool);
}

static kq_status write_out(struct kq_tool *tool, const struct options *options, struct kq_slice bytes)
{
    kq_status status = kq_file_write(options->out, bytes, 0644, options->replace ? KQ_FILE_REPLACE : KQ_FILE_NEW_ONLY);
    if (status == KQ_ERR_EXISTS)
        return kq_tool_fail(tool, status, "Choose another name, or add --replace.", "%s: exists already", options->out);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: could not be written (%s)", options->out, strerror(errno));
    return KQ_OK;
}

static kq_status show_root(struct kq_tool *tool)
{
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    struct kq_certificate_facts facts;
    KQ_TRY(kq_factory_root(tool, &pem));
    if (kq_certificate_facts(kq_buffer_slice(&pem), &facts) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%s/root.pem: not a root certificate", tool->folder);
    kq_tool_note_hash(tool, "root", kq_slice_of(facts.public_hash, sizeof facts.public_hash));
    if (tool->is_json)
        kq_tool_print_json(kq_certificate_json(&facts));
    else
        kq_certificate_print(&facts, stdout);
    return KQ_OK;
}

static kq_status run_init(struct kq_tool *tool, const struct options *options)
{
    struct kq_rehearsal rehearsal;
    struct kq_factory_plan plan = {.name = options->name, .suite = options->suite};
    if (options->name == NULL)
        return kq_tool_usage(tool, "name the manufacturer with --name NAME");
    if (options->quorum == NULL || !kq_args_quorum(options->quorum, KQ_ACS_MAX, &plan.quorum, &plan.num_cards))
        return kq_tool_usage(tool, "--acs-quorum takes K/N with 1 <= K <= N <= %u", KQ_ACS_MAX);
    KQ_TRY(read_days(tool, options->days, ROOT_DAYS, &plan.valid_days));
    KQ_TRY(choose_folder(tool, options));
    KQ_TRY(kq_ask_check(tool));
    KQ_TRY(open_factory(tool, options, &rehearsal));
    KQ_TRY(kq_factory_init(tool, &plan));
    return show_root(tool);
}

static kq_status run_sign(struct kq_tool *tool, const struct options *options, const char *request)
{
    struct kq_rehearsal rehearsal;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    uint64_t days;
    if (options->out == NULL)
        return kq_tool_usage(tool, "name the file to write with --out WARRANT");
    KQ_TRY(read_days(tool, options->days, WARRANT_DAYS, &days));
    kq_status status = kq_file_read(request, KQ_PEM_MAX, &bytes);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, request, "Have the module make one: `keyquay enrol request`.");
    KQ_TRY(choose_folder(tool, options));
    KQ_TRY(kq_factory_root(tool, &root)); /* before a module is started where there is no manufacturer */
    KQ_TRY(open_factory(tool, options, &rehearsal));
    KQ_TRY(kq_factory_sign(tool, request, kq_buffer_slice(&bytes), days, &warrant));
    KQ_TRY(write_out(tool, options, kq_buffer_slice(&warrant)));
    struct kq_certificate_facts facts;
    KQ_TRY(kq_certificate_facts(kq_buffer_slice(&warrant), &facts));
    kq_tool_note_hash(tool, "module", kq_slice_of(facts.public_hash, sizeof facts.public_hash));
    if (tool->is_json)
        kq_tool_print_json(kq_certificate_json(&facts));
    else
        printf("warrant for module %s written to %s\n", facts.serial_number, options->out);
    return KQ_OK;
}

static kq_status run_root(struct kq_tool *tool, const struct options *options)
{
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    KQ_TRY(choose_folder(tool, options));
    KQ_TRY(kq_factory_root(tool, &pem));
    if (options->out != NULL)
        KQ_TRY(write_out(tool, options, kq_buffer_slice(&pem)));
    return show_root(tool);
}

static kq_status run_status(struct kq_tool *tool, const struct options *options)
{
    KQ_TRY(choose_folder(tool, options));
    return show_root(tool);
}

static kq_status run(struct kq_tool *tool, int argc, char **argv)
{
    struct options options = {.suite = "ECp521mAES"};
    const struct kq_arg args[] = {
        {"data", 'd', &options.data, NULL, "DIR", "the manufacturer's folder"},
        {"name", 'n', &options.name, NULL, "NAME", "init: subject of the root"},
        {"acs-quorum", 'Q', &options.quorum, NULL, "K/N", "init: cards needed, cards made"},
        {"cipher-suite", 's', &options.suite, NULL, "SUITE", "init: of the manufacturer's own world"},
        {"days", 0, &options.days, NULL, "N", "init, sign: validity (root 7300, warrant 3650)"},
        {"out", 'o', &options.out, NULL, "FILE", "sign, root: the file to write"},
        {"replace", 0, NULL, &options.replace, NULL, "sign, root: replace an existing file"},
        {"weak-passphrase", 0, NULL, &tool->weak_passphrase, NULL, "init: accept short passphrases"},
        {"json", 0, NULL, &tool->is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "init|sign REQUEST|root|status --data DIR [OPTION...]",
        .about = "The manufacturer: a module with its own card set that holds the root and signs warrants.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 2,
    };
    const char *words[2];
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    const char *act = num_words > 0 ? words[0] : "";
    tool->is_ceremony = strcmp(act, "init") == 0 || strcmp(act, "sign") == 0;
    if (strcmp(act, "init") == 0 && num_words == 1)
        return run_init(tool, &options);
    if (strcmp(act, "sign") == 0 && num_words == 2)
        return run_sign(tool, &options, words[1]);
    if (strcmp(act, "root") == 0 && num_words == 1)
        return run_root(tool, &options);
    if (strcmp(act, "status") == 0 && num_words == 1)
        return run_status(tool, &options);
    return kq_tool_usage(tool, "say what to do: init, sign REQUEST, root or status");
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "keyquay-factory", argc, argv);
    return kq_tool_finish(&tool, run(&tool, argc, argv));
}
