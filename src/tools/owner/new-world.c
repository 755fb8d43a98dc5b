/* new-world: makes an owner's Security World with its administrator cards,
 * loads one on a further module, or makes the module forget it. */
#include <strings.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/public_key.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/common/ceremony.h"
#include "tools/common/connect.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"

struct options {
    bool initialize, program, factory, no_recovery, weak_passphrase, json;
    const char *module, *quorum, *suite, *mode;
};

struct job {
    struct kq_tool tool;
    struct options options;
    uint64_t quorum, num_cards;
    struct kq_status_reply module;
    struct kqc_reply module_reply; /* what module borrows from */
    struct kq_world_facts loaded;  /* with module.world_kind != 0 */
};

static const struct {
    const char *name;
    const char *refusal; /* NULL: offered */
} suites[] = {
    {"ECp521mAES", NULL},
    {"DLf3072s256mAEScSP800131Ar1", NULL},
    {"DLf3072s256mRijndael", NULL},
    {"DLf1024s160mRijndael", NULL},
    {"DLf1024s160mDES3", "its module key is Triple DES, which is not offered"},
};
#define SUITE_DEFAULT "ECp521mAES"
#define SUITE_NAMES                                                                                                    \
    "ECp521mAES, DLf3072s256mAEScSP800131Ar1, DLf3072s256mRijndael or (old worlds only) DLf1024s160mRijndael"

/* ---- the command line ------------------------------------------------------------------ */

static kq_status check_suite(struct job *job)
{
    for (size_t i = 0; i < KQ_COUNT_OF(suites); i++) {
        if (strcmp(suites[i].name, job->options.suite) != 0)
            continue;
        if (suites[i].refusal != NULL)
            return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, "Choose " SUITE_NAMES ".", "cipher suite %s: %s",
                                suites[i].name, suites[i].refusal);
        if (strncmp(suites[i].name, "DLf1024", 7) == 0)
            fprintf(stderr,
                    "new-world: warning: %s signs with DSA of 1024 bits (80-bit strength). Take it only to match an "
                    "old world.\n",
                    suites[i].name);
        return KQ_OK;
    }
    return kq_tool_usage(&job->tool, "cipher suite \"%s\" is not known; choose " SUITE_NAMES, job->options.suite);
}

static kq_status check_mode(struct job *job)
{
    static const char *const refused[] = {"fips-140-level-3", "fips-140-2-level-3", "common-criteria-cmts"};
    const char *mode = job->options.mode;
    if (mode == NULL || strcasecmp(mode, "unrestricted") == 0)
        return KQ_OK;
    for (size_t i = 0; i < KQ_COUNT_OF(refused); i++) {
        if (strcasecmp(mode, refused[i]) == 0)
            return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, "Only --mode=unrestricted is offered.",
                                "--mode=%s: a software module cannot claim it", mode);
    }
    return kq_tool_usage(&job->tool, "--mode=%s is not known; only unrestricted is offered", mode);
}

static kq_status check_quorum(struct job *job)
{
    struct options *options = &job->options;
    if (options->quorum == NULL)
        return kq_tool_usage(&job->tool, "--acs-quorum=K/N says how many cards to make and how many are needed");
    if (!kq_args_quorum(options->quorum, KQ_ACS_MAX, &job->quorum, &job->num_cards))
        return kq_tool_usage(&job->tool, "--acs-quorum=%s: needs K/N with 1 <= K <= N <= %u", options->quorum,
                             KQ_ACS_MAX);
    if (job->quorum == job->num_cards && job->num_cards > 1)
        fprintf(stderr, "new-world: warning: with K = N one lost card loses the world\n");
    return KQ_OK;
}

/* With no action named: load the world that lies there, else make one. */
static void choose_action(struct job *job)
{
    struct options *options = &job->options;
    char path[KQ_PATH_MAX];
    if (options->initialize || options->program || options->factory)
        return;
    options->program = kq_path_join(job->tool.local, "world", path) == KQ_OK && kq_file_exists(path);
    options->initialize = !options->program;
}

static kq_status check_options(struct job *job)
{
    struct options *options = &job->options;
    if (options->initialize && options->program)
        return kq_tool_usage(&job->tool, "--initialize makes a world, --program loads one: choose");
    if (options->module != NULL && strcmp(options->module, "1") != 0)
        return kq_tool_usage(&job->tool, "--module=%s: there is one module, number 1", options->module);
    choose_action(job);
    if (options->suite == NULL)
        options->suite = SUITE_DEFAULT;
    KQ_TRY(check_mode(job));
    if (!options->initialize)
        return KQ_OK;
    KQ_TRY(check_suite(job));
    return check_quorum(job);
}

/* ---- the module's present world ------------------------------------------------------------ */

static kq_status read_module(struct job *job)
{
    KQ_TRY(kq_tool_status(&job->tool, &job->module, &job->module_reply));
    if (job->module.world_kind == 0)
        return KQ_OK;
    if (kq_world_facts_get(job->module.world_file, &job->loaded, NULL) != KQ_OK)
        return kq_tool_fail(&job->tool, KQ_ERR_FORMAT, NULL, "the module's own world cannot be read");
    return KQ_OK;
}

static struct kq_slice loaded_hknso(const struct job *job)
{
    return job->module.world_kind == 0 ? KQ_SLICE_EMPTY : kq_slice_of(job->loaded.hknso, 32);
}

/* The first group of a hash, in either case. */
static bool is_first_group(struct kq_slice typed, struct kq_slice hash)
{
    uint8_t group[4];
    return kq_hex_decode(typed, group, sizeof group) && memcmp(group, hash.data, sizeof group) == 0;
}

static kq_status confirm_replacing(struct job *job)
{
    if (job->module.world_kind == 0)
        return KQ_OK;
    char hash[KQ_HASH_TEXT_SIZE], prompt[256];
    kq_hash_text(loaded_hknso(job), hash);
    snprintf(prompt, sizeof prompt,
             "This module has a world, hknso = %s. Its keys need its own cards to come back. To replace it type the "
             "first group of the hash",
             hash);
    const struct kq_question question = {.kind = KQ_ASK_CONFIRM, .prompt = prompt};
    KQ_AUTO_VALUE(kq_secret) answer = {0};
    kq_secret_init(&answer);
    KQ_TRY(kq_ask(&job->tool, &question, &answer));
    if (is_first_group(kq_secret_borrow(&answer), loaded_hknso(job)))
        return KQ_OK;
    return kq_tool_fail(&job->tool, KQ_ERR_STATE, "Nothing was changed. \"new-world --factory\" erases a module first.",
                        "the module keeps its world: the group typed is not that of its hknso");
}

/* ---- the three acts ------------------------------------------------------------------------- */

static kq_status forget(struct job *job)
{
    KQ_TRY(read_module(job));
    if (job->module.world_kind == 0) {
        printf("module #1 has no security world\n");
        return KQ_OK;
    }
    const struct kq_world_forget_request params = {.hknso = loaded_hknso(job)};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    kq_tool_note_hash(&job->tool, "forgotten", params.hknso);
    KQ_TRY(kq_tool_call(&job->tool, KQ_OP_WORLD_FORGET, &params, "forgetting the world", NULL, &reply));
    printf("security world erased from module #1\n%s is untouched: with it and a quorum of cards the world can be "
           "loaded again.\n",
           job->tool.local);
    return KQ_OK;
}

static void print_json(const char *act, const struct kq_world_facts *facts)
{
    char hknso[65];
    kq_hex_encode(kq_slice_of(facts->hknso, 32), hknso);
    json_t *object = json_object();
    json_object_set_new(object, "act", json_string(act));
    json_object_set_new(object, "hknso", json_string(hknso));
    json_object_set_new(object, "suite",
                        json_stringn((const char *)facts->binding.suite.data, facts->binding.suite.len));
    json_object_set_new(object, "quorum", json_integer((json_int_t)facts->binding.quorum));
    json_object_set_new(object, "cards", json_integer((json_int_t)facts->binding.num_cards));
    json_object_set_new(object, "recovery", json_boolean(facts->binding.recovery_public.len > 0));
    kq_tool_print_json(object);
}

/* Worlds of the documents' old suite have a name that old programs printed. */
static void print_ncore_hash(const struct kq_world_facts *facts)
{
    KQ_AUTO(kq_public_key) knso = NULL;
    uint8_t hash[20];
    char text[41];
    if (facts->binding.suite.len < 7 || memcmp(facts->binding.suite.data, "DLf1024", 7) != 0 ||
        kq_public_key_new(facts->binding.knso_public, &knso) != KQ_OK || kq_public_key_ncore_hash(knso, hash) != KQ_OK)
        return;
    kq_hex_encode(kq_slice_of(hash, sizeof hash), text);
    printf("nCore hknso (SHA-1, decides nothing) = %s\n", text);
}

static kq_status conclude(struct job *job, struct kq_slice world_file, const char *act)
{
    struct kq_world_facts facts;
    if (kq_world_facts_get(world_file, &facts, NULL) != KQ_OK)
        return kq_tool_fail(&job->tool, KQ_ERR_FORMAT, NULL, "the module returned a world that cannot be read");
    KQ_TRY(kq_world_store(&job->tool, world_file, facts.hknso));
    char hash[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(facts.hknso, 32), hash);
    if (job->options.json) {
        print_json(act, &facts);
    } else {
        printf("security world %s on module #1; hknso = %s\n", act, hash);
        print_ncore_hash(&facts);
    }
    return KQ_OK;
}

static kq_status initialize(struct job *job)
{
    KQ_AUTO_VALUE(kq_ceremony_result) made = {.hknso = {0}};
    KQ_TRY(read_module(job));
    KQ_TRY(confirm_replacing(job));
    if (!job->options.json)
        printf("Note: whoever holds %llu of the cards with their passphrases and a copy of the local folder holds this "
               "world's keys, outside any module too.\n",
               (unsigned long long)job->quorum);
    const struct kq_ceremony ceremony = {.kind = KQ_WORLD_OWNER,
                                         .suite = job->options.suite,
                                         .quorum = job->quorum,
                                         .num_cards = job->num_cards,
                                         .has_recovery = !job->options.no_recovery,
                                         .replaces_hknso = loaded_hknso(job),
                                         .is_quiet = job->options.json};
    KQ_TRY(kq_ceremony_run(&job->tool, &ceremony, &made));
    return conclude(job, kq_buffer_slice(&made.world_file), "generated");
}

static kq_status program(struct job *job)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_world_facts facts;
    struct kq_world_reply loaded;
    KQ_TRY(kq_world_read(&job->tool, &bytes, &facts));
    kq_tool_note_hash(&job->tool, "hknso", kq_slice_of(facts.hknso, 32));
    KQ_TRY(read_module(job));
    if (kq_slice_is_equal(loaded_hknso(job), kq_slice_of(facts.hknso, 32))) {
        printf("module #1 is in this security world already\n");
        return KQ_OK;
    }
    KQ_TRY(kq_ask_check(&job->tool));
    KQ_TRY(confirm_replacing(job));
    const struct kq_world_program_request params = {.world_file = kq_buffer_slice(&bytes),
                                                    .replaces_hknso = loaded_hknso(job)};
    KQ_TRY(kq_tool_call_with_quorum(&job->tool, KQ_OP_WORLD_PROGRAM, &params, params.world_file, "loading the world",
                                    &loaded, &reply));
    return conclude(job, params.world_file, "loaded");
}

static kq_status run(struct job *job)
{
    KQ_TRY(check_options(job));
    if (job->options.initialize)
        KQ_TRY(kq_ask_check(&job->tool));
    KQ_TRY(kq_tool_connect(&job->tool));
    if (job->options.factory)
        KQ_TRY(forget(job));
    if (job->options.initialize)
        return initialize(job);
    return job->options.program ? program(job) : KQ_OK;
}

int main(int argc, char **argv)
{
    struct job job = {.options = {.initialize = false}};
    struct options *options = &job.options;
    const struct kq_arg args[] = {
        {"initialize", 'i', NULL, &options->initialize, NULL, "make a new world and its cards"},
        {"program", 'l', NULL, &options->program, NULL, "load the world in local/ on this module, with K cards"},
        {"factory", 'e', NULL, &options->factory, NULL, "make the module forget its world"},
        {"module", 'm', &options->module, NULL, "M", "the module: 1"},
        {"acs-quorum", 'Q', &options->quorum, NULL, "K/N", "K of N administrator cards are needed"},
        {"cipher-suite", 'c', &options->suite, NULL, "S", "default " SUITE_DEFAULT},
        {"mode", 0, &options->mode, NULL, "MODE", "unrestricted"},
        {"no-recovery", 0, NULL, &options->no_recovery, NULL, "keys cannot be rebuilt from recovery blobs"},
        {"weak-passphrase", 0, NULL, &options->weak_passphrase, NULL, "allow passphrases under 12 characters"},
        {"json", 0, NULL, &options->json, NULL, "print the result as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "[--initialize | --program | --factory] [OPTION...]",
        .about = "Without an action: loads the world that lies in local/, else makes one.\n"
                 "Cards are files, asked for one after another (KEYQUAY_ASKPASS or the terminal).",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
    };
    size_t num_words;
    kq_tool_init(&job.tool, "new-world", argc, argv);
    job.tool.is_ceremony = true;
    enum kq_args_result parsed = kq_args_parse(&job.tool, &table, argc, argv, NULL, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&job.tool, KQ_ERR_ARGUMENT);
    job.tool.weak_passphrase = options->weak_passphrase;
    kq_status status = run(&job);
    kqc_reply_clear(&job.module_reply);
    return kq_tool_finish(&job.tool, status);
}
