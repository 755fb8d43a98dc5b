/* verifykeypackage: checks the two packages of a region and says whose they
 * are. Needs no module; one that answers is asked what it trusts. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/transfer/pair.h"
#include "tools/transfer/unpack.h"

struct options {
    const char *kek_path;
    const char *world_path;
    const char *root_hash;
    const char *world_hash;
    const char *unpack;
};

/* What a module nearby says of the destination. */
struct opinion {
    bool answered;
    char esn[KQ_ESN_LEN + 1];
    bool trusts_root;
    bool trusts_world;
};

/* ---- hashes that the user brings along --------------------------------------------- */

/* The root of the system whose documents Keyquay follows; its key was never published. */
static const char historical_root[] = "59178a47de508c3f291277ee184f46c4f1d9c639";

static bool is_historical(const char *text)
{
    size_t at = 0;
    for (; *text != '\0'; text++) {
        if (strchr(" \t:-", *text) != NULL)
            continue;
        char digit = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
        if (at == sizeof historical_root - 1 || digit != historical_root[at])
            return false;
        at++;
    }
    return at == sizeof historical_root - 1;
}

static kq_status check_hash_option(struct kq_tool *tool, const char *option, const char *text)
{
    uint8_t hash[32];
    if (text == NULL || kq_hash_parse(kq_slice_text(text), hash))
        return KQ_OK;
    if (is_historical(text))
        return kq_tool_fail(tool, KQ_ERR_MISMATCH,
                            "Obtain the SHA-256 hash of the manufacturer's root, eight groups of eight digits.",
                            "%s: this is the SHA-1 hash of the old system's root (nShield). Its key was never "
                            "published, so no package made today leads to it; Keyquay has roots of its own",
                            option);
    return kq_tool_usage(tool, "%s: a hash is 64 hexadecimal digits, in groups or not", option);
}

static kq_status compare_hash(struct kq_tool *tool, const char *option, const char *text, const uint8_t found[32])
{
    uint8_t hash[32];
    if (text == NULL)
        return KQ_OK;
    if (!kq_hash_parse(kq_slice_text(text), hash) || !kq_slice_is_equal(kq_slice_of(hash, 32), kq_slice_of(found, 32)))
        return kq_tool_fail(tool, KQ_ERR_UNTRUSTED,
                            "Do not use these packages until you know why; the hash you were given may be of another "
                            "region.",
                            "%s: the packages lead to another one than the hash you gave", option);
    return KQ_OK;
}

/* ---- a module nearby ------------------------------------------------------------------ */

static bool lists_hash(struct kqc_session *session, enum kq_trust_list list, const uint8_t hash[32], bool *out_listed)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    const struct kq_trust_list_request request = {.list = list};
    struct kq_trust_list_reply entries;
    struct kq_trust_entry entry;
    struct kq_slice item;
    if (kqc_call(session, KQ_OP_TRUST_LIST, &request, 0, &entries, &reply) != KQ_OK)
        return false;
    *out_listed = false;
    while (kq_list_next(&entries.entries, &item))
        if (kq_trust_entry_get(item, &entry, NULL) == KQ_OK && kq_slice_is_equal(entry.hash, kq_slice_of(hash, 32)))
            *out_listed = true;
    return true;
}

/* Asks only a module that runs already, and says nothing when none does. */
static void ask_module(struct kq_tool *tool, const struct kq_destination *destination, struct opinion *out)
{
    char path[KQ_PATH_MAX];
    const char *given = getenv("KEYQUAY_SOCKET");
    bool named = given != NULL && given[0] != '\0' ? kq_text_copy(kq_slice_text(given), path, sizeof path)
                                                   : kq_path_join(tool->folder, "hardserver.sock", path) == KQ_OK;
    if (!named || kqc_session_open(path, tool->program, &tool->session) != KQ_OK)
        return;
    out->answered = lists_hash(tool->session, KQ_TRUST_ROOTS, destination->root_hash, &out->trusts_root) &&
                    lists_hash(tool->session, KQ_TRUST_WORLDS, destination->hknso, &out->trusts_world);
    kq_text_copy(kqc_session_hello(tool->session)->esn, out->esn, sizeof out->esn);
}

/* ---- printing -------------------------------------------------------------------------- */

static void print_text(const char *name, struct kq_slice text)
{
    printf("%-21s%.*s\n", name, (int)text.len, (const char *)text.data);
}

static void print_hash(const char *name, const uint8_t hash[32])
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(hash, 32), text);
    printf("%-21s%s\n", name, text);
}

static void print_facts(const struct kq_destination *to, const struct opinion *opinion)
{
    char until[KQ_TIME_TEXT_SIZE];
    kq_time_text(to->region.not_after, until);
    printf("\n");
    print_text("region:", to->region.region);
    print_text("operator:", to->region.operator_name);
    print_text("vaults:", to->region.vault_suffix);
    printf("%-21s%" PRIu64 ", until %s\n", "generation:", to->region.generation, until);
    printf("%-21s%s\n", "module:", to->esn);
    print_text("cipher suite:", to->binding.suite);
    print_text("key protection:", to->module_state.key_protection);
    print_text("rollback protection:", to->module_state.rollback_protection);
    printf("%-21s%s%s\n", "root:", to->root_name,
           to->root_is_rehearsal ? " (REHEARSAL: proves nothing about the operator)" : "");
    print_hash("root hash:", to->root_hash);
    print_hash("world hash:", to->hknso);
    print_hash("exchange key hash:", to->kek_hash);
    if (opinion->answered)
        printf("%-21s%s the root, %s the world\n", opinion->esn, opinion->trusts_root ? "trusts" : "does not trust",
               opinion->trusts_world ? "trusts" : "does not trust");
    printf("\nThe packages are sound in themselves. Compare root hash and world hash with\n"
           "those you have by a second road: they decide who receives your keys.\n");
}

static json_t *json_steps(const struct kq_chain_report *report)
{
    static const char *const outcomes[] = {
        [KQ_STEP_NOT_RUN] = "not run", [KQ_STEP_PASSED] = "passed", [KQ_STEP_FAILED] = "failed"};
    json_t *array = json_array();
    for (size_t i = 0; i < report->num_steps; i++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "name", report->steps[i].name, "outcome",
                                               outcomes[report->steps[i].outcome], "reason", report->steps[i].reason));
    return array;
}

static void set_text(json_t *object, const char *name, struct kq_slice text)
{
    json_object_set_new(object, name, json_stringn((const char *)text.data, text.len));
}

static void set_facts(json_t *object, const struct kq_pair *pair, const struct opinion *opinion)
{
    const struct kq_destination *to = &pair->destination;
    json_t *facts = kq_pair_json(pair);
    json_object_update(object, facts);
    json_decref(facts);
    set_text(object, "operator", to->region.operator_name);
    set_text(object, "vaultSuffix", to->region.vault_suffix);
    json_object_set_new(object, "generation", json_integer((json_int_t)to->region.generation));
    json_object_set_new(object, "esn", json_string(to->esn));
    set_text(object, "cipherSuite", to->binding.suite);
    set_text(object, "keyProtection", to->module_state.key_protection);
    set_text(object, "rollbackProtection", to->module_state.rollback_protection);
    json_object_set_new(object, "rootName", json_string(to->root_name));
    if (opinion->answered)
        json_object_set_new(object, "module",
                            json_pack("{s:s, s:b, s:b}", "esn", opinion->esn, "trustsRoot", (int)opinion->trusts_root,
                                      "trustsWorld", (int)opinion->trusts_world));
}

/* ---- the run ---------------------------------------------------------------------------- */

static void unpack(struct kq_tool *tool, const struct options *options, const struct kq_pair *pair, kq_status *status)
{
    bool has_both = pair->kek_package.len > 0 && pair->world_package.len > 0;
    if (options->unpack == NULL || !has_both)
        return;
    kq_status unpacked = kq_unpack_packages(tool, kq_buffer_slice(&pair->kek_package),
                                            kq_buffer_slice(&pair->world_package), options->unpack);
    if (*status == KQ_OK)
        *status = unpacked;
}

static kq_status verify(struct kq_tool *tool, const struct options *options, struct kq_pair *pair,
                        struct opinion *opinion)
{
    KQ_TRY(check_hash_option(tool, "--root-hash", options->root_hash));
    KQ_TRY(check_hash_option(tool, "--world-hash", options->world_hash));
    kq_status status = kq_pair_open(tool, options->kek_path, options->world_path, pair);
    bool sound = status == KQ_OK;
    if (sound)
        ask_module(tool, &pair->destination, opinion);
    if (sound && !tool->is_json)
        print_facts(&pair->destination, opinion);
    fflush(stdout);
    if (sound)
        status = compare_hash(tool, "--root-hash", options->root_hash, pair->destination.root_hash);
    if (status == KQ_OK)
        status = compare_hash(tool, "--world-hash", options->world_hash, pair->destination.hknso);
    unpack(tool, options, pair, &status);
    return status;
}

static void print_result(const struct kq_tool *tool, const struct kq_pair *pair, const struct opinion *opinion,
                         kq_status status)
{
    const char *result = status == KQ_OK ? "SUCCESS" : "FAILURE";
    if (!tool->is_json) {
        printf("Result: %s\n", result);
        return;
    }
    json_t *object = json_pack("{s:s, s:o}", "result", result, "steps", json_steps(&pair->report));
    bool sound = pair->report.num_steps > 0 && pair->report.steps[pair->report.num_steps - 1].outcome == KQ_STEP_PASSED;
    if (sound)
        set_facts(object, pair, opinion);
    if (tool->error[0] != '\0')
        json_object_set_new(object, "error", json_string(tool->error));
    kq_tool_print_json(object);
}

static kq_status run(struct kq_tool *tool, const struct options *options)
{
    if (options->kek_path == NULL || options->world_path == NULL)
        return kq_tool_usage(tool, "both packages are needed: -k BYOK-KEK-pkg-... -w BYOK-SecurityWorld-pkg-...");
    KQ_AUTO_VALUE(kq_pair) pair = {.kek_package = {0}};
    struct opinion opinion = {.answered = false};
    kq_status status = verify(tool, options, &pair, &opinion);
    if (!tool->is_usage)
        print_result(tool, &pair, &opinion, status);
    return status;
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    struct options options = {.kek_path = NULL};
    kq_tool_init(&tool, "verifykeypackage", argc, argv);
    tool.is_ceremony = true;
    const struct kq_arg args[] = {
        {"exchange-key-package", 'k', &options.kek_path, NULL, "FILE", "the region's BYOK-KEK-pkg-... file"},
        {"security-world-package", 'w', &options.world_path, NULL, "FILE", "its BYOK-SecurityWorld-pkg-... file"},
        {"root-hash", 0, &options.root_hash, NULL, "HASH", "fail unless the root has this hash"},
        {"world-hash", 0, &options.world_hash, NULL, "HASH", "fail unless the world has this hash"},
        {"unpack", 0, &options.unpack, NULL, "DIR", "write what is signed, for checking with openssl"},
        {"json", 0, NULL, &tool.is_json, NULL, "print JSON"},
    };
    const struct kq_args table = {
        .synopsis = "-k BYOK-KEK-pkg-REGION-N -w BYOK-SecurityWorld-pkg-REGION-N [OPTION...]",
        .about = "Checks that the exchange key was made in a real module, cannot leave it, and whose it is.\n"
                 "Needs no module; one that runs is asked whether it trusts the root and the world.\n"
                 "Exit status: 0 SUCCESS, 1 FAILURE, 2 wrong use.",
        .args = args,
        .num_args = KQ_COUNT_OF(args)};
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, NULL, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    return kq_tool_finish(&tool, run(&tool, &options));
}
