#include "tools/region/region_command.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/factory/rehearsal_cards.h"
#include "tools/region/create.h"
#include "tools/region/data.h"
#include "tools/region/import.h"
#include "tools/region/join.h"
#include "tools/region/publish.h"
#include "tools/region/several.h"
#include "tools/region/use.h"

#define DAYS_DEFAULT 730u
#define DAYS_MAX 3650u
#define KEK_BITS_DEFAULT 3072u
#define WORDS_MAX 24u
#define DEFAULT_VAULT "default"

static const char about[] =
    "  create CODE...     makes regions: warrant, world, exchange key, both packages. Without --factory,\n"
    "                     --enrol-out and --warrant a rehearsal manufacturer in DIR/factory signs;\n"
    "                     without --acs-quorum the cards are rehearsal cards that lie beside the data.\n"
    "  list               every region of the published toolsets, and what DIR has of it\n"
    "  toolset CODE       writes the toolset for owners to --out FILE\n"
    "  rollover CODE      makes the next exchange key; the former imports until its date\n"
    "  import FILE        takes a transfer package: --subscription GUID --name NAME\n"
    "  use ACT            sign, decrypt or public with an imported key: --subscription --name --out\n"
    "  join ...           a second module joins: request CODE --out FILE (at the new, enrolled module),\n"
    "                     admit CODE FILE --out FILE (under the region's cards),\n"
    "                     accept CODE FILE --packages FROM (which copies the region's files too)\n"
    "CODE is NA, NA-1 or UnitedStates; GERMANY-1 is Germany-Public unless --variant sovereign.\n"
    "DIR is /var/lib/keyquay for root, else $XDG_STATE_HOME/keyquay, unless --data says otherwise.";

struct command {
    struct kq_tool *tool;
    int argc;
    char **argv;
    const char *words[WORDS_MAX];
    size_t num_words;
    char default_data[KQ_PATH_MAX];
    char subscription[64];
    /* options */
    const char *data, *variant, *quorum, *suite, *operator_name, *suffix, *bits, *days;
    const char *factory, *enrol_out, *warrant, *out, *packages, *subscription_text, *vault, *name, *region, *version;
    struct kq_region_use use;
    bool replace, require_attested;
};

/* ---- reading options ---- */

static void choose_data(struct command *command)
{
    if (command->data != NULL)
        return;
    kq_data_default(command->default_data);
    command->data = command->default_data;
}

static kq_status find_region(struct command *command, const char *code, const struct kq_region **out,
                             uint64_t *out_generation)
{
    char why[256];
    kq_status status = kq_region_find(code, command->variant, out, out_generation, why, sizeof why);
    return status == KQ_OK ? KQ_OK : kq_tool_fail(command->tool, status, NULL, "%s", why);
}

static kq_status read_plan(struct command *command, struct kq_region_plan *out)
{
    struct kq_tool *tool = command->tool;
    *out = (struct kq_region_plan){
        .data = command->data,
        .suite = command->suite,
        .operator_name = command->operator_name,
        .vault_suffix = command->suffix,
        .kek_bits = KEK_BITS_DEFAULT,
        .valid_days = DAYS_DEFAULT,
        .factory = command->factory,
        .enrol_out = command->enrol_out,
        .warrant = command->warrant,
    };
    if (strncasecmp(command->suite, "DLf1024", 7) == 0)
        return kq_tool_fail(tool, KQ_ERR_UNSUPPORTED, "Leave --cipher-suite out for ECp521mAES.",
                            "%s: a region's world does not take the 80-bit suites", command->suite);
    if (command->quorum != NULL && !kq_args_quorum(command->quorum, KQ_ACS_MAX, &out->quorum, &out->num_cards))
        return kq_tool_usage(tool, "--acs-quorum takes K/N with 1 <= K <= N <= %u", KQ_ACS_MAX);
    if (command->bits != NULL && (!kq_uint_parse(kq_slice_text(command->bits), 4096, &out->kek_bits) ||
                                  (out->kek_bits != 2048 && out->kek_bits != 3072 && out->kek_bits != 4096)))
        return kq_tool_usage(tool, "--kek-bits is 2048, 3072 or 4096");
    if (command->days != NULL &&
        (!kq_uint_parse(kq_slice_text(command->days), DAYS_MAX, &out->valid_days) || out->valid_days == 0))
        return kq_tool_usage(tool, "--days takes 1 to %u", DAYS_MAX);
    if ((out->factory != NULL) + (out->enrol_out != NULL) + (out->warrant != NULL) > 1)
        return kq_tool_usage(tool, "choose one of --factory, --enrol-out and --warrant");
    return KQ_OK;
}

/* ---- region create ---- */

static kq_status find_regions(struct command *command, const struct kq_region **out)
{
    for (size_t i = 1; i < command->num_words; i++) {
        uint64_t generation;
        KQ_TRY(find_region(command, command->words[i], &out[i - 1], &generation));
        if (generation > 1)
            return kq_tool_fail(command->tool, KQ_ERR_ARGUMENT, "`keyquay region rollover` makes later generations.",
                                "%s: a region begins with generation 1", command->words[i]);
        for (size_t j = 0; j + 1 < i; j++) {
            if (out[j] == out[i - 1])
                return kq_tool_fail(command->tool, KQ_ERR_ARGUMENT, NULL, "%s is named twice", out[j]->name);
        }
    }
    return KQ_OK;
}

static bool needs_person(const struct kq_region_plan *plan)
{
    return plan->quorum > 0 || (plan->factory != NULL && !kq_rehearsal_cards_exist(plan->factory));
}

static kq_status have_rehearsal_factory(const struct command *command)
{
    struct kq_tool tool;
    kq_tool_init(&tool, command->tool->program, command->argc, command->argv);
    tool.is_json = command->tool->is_json;
    kq_status status = kq_region_rehearsal_factory(&tool, command->data);
    command->tool->has_spoken = tool.has_spoken;
    (void)kq_tool_finish(&tool, status);
    return status;
}

static int create_in_turn(struct command *command, const struct kq_region_plan *plan,
                          const struct kq_region *const *regions, size_t num_regions)
{
    int code = KQ_EXIT_DONE;
    for (size_t i = 0; i < num_regions && code == KQ_EXIT_DONE; i++) {
        struct kq_tool tool;
        kq_tool_init(&tool, command->tool->program, command->argc, command->argv);
        tool.is_json = command->tool->is_json;
        tool.weak_passphrase = command->tool->weak_passphrase;
        tool.is_ceremony = true;
        code = kq_tool_finish(&tool, kq_region_create(&tool, plan, regions[i]));
    }
    return code;
}

/* The regions' own tools have spoken and written the transcript; only their exit status is handed on. */
static kq_status run_create(struct command *command, int *out_code)
{
    const struct kq_region *regions[WORDS_MAX];
    struct kq_region_plan plan;
    size_t num_regions = command->num_words - 1;
    if (num_regions == 0)
        return kq_tool_usage(command->tool, "name at least one region, for example NA");
    KQ_TRY(read_plan(command, &plan));
    KQ_TRY(find_regions(command, regions));
    if (num_regions > 1 && (plan.enrol_out != NULL || plan.warrant != NULL))
        return kq_tool_usage(command->tool, "--enrol-out and --warrant go with one region at a time");
    if (needs_person(&plan))
        KQ_TRY(kq_ask_check(command->tool));
    KQ_AUTO_FD lock = -1;
    KQ_TRY(kq_data_hold(command->tool, command->data, &lock));
    if (plan.factory == NULL && plan.enrol_out == NULL && plan.warrant == NULL)
        KQ_TRY(have_rehearsal_factory(command));
    if (num_regions == 1 || needs_person(&plan))
        *out_code = create_in_turn(command, &plan, regions, num_regions);
    else
        *out_code = kq_regions_create_beside(command->tool->program, command->argc, command->argv,
                                             command->tool->is_json, &plan, regions, num_regions);
    return KQ_OK;
}

/* ---- the other acts ---- */

static kq_status run_rollover(struct command *command)
{
    const struct kq_region *region;
    struct kq_region_plan plan;
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "name one region");
    command->tool->is_ceremony = true;
    KQ_TRY(read_plan(command, &plan));
    KQ_TRY(find_region(command, command->words[1], &region, NULL));
    KQ_AUTO_FD lock = -1;
    KQ_TRY(kq_data_hold(command->tool, command->data, &lock));
    return kq_region_rollover(command->tool, &plan, region);
}

static kq_status run_toolset(struct command *command)
{
    const struct kq_region *region;
    struct kq_region_folder folder;
    struct kq_toolset_facts facts;
    KQ_AUTO_VALUE(kq_buffer) toolset = {0};
    uint64_t generation;
    if (command->num_words != 2 || command->out == NULL)
        return kq_tool_usage(command->tool, "name one region and the file to write with --out FILE");
    KQ_TRY(find_region(command, command->words[1], &region, &generation));
    KQ_TRY(kq_region_folder_init(&folder, command->data, region));
    if (generation == 0)
        generation = kq_region_newest_generation(&folder);
    if (generation == 0)
        return kq_tool_fail(command->tool, KQ_ERR_NOT_FOUND, "`keyquay region create` makes it.",
                            "%s: there is no region %s", command->data, region->name);
    KQ_TRY(kq_region_toolset(command->tool, &folder, generation, &toolset, &facts));
    kq_status status = kq_file_write(command->out, kq_buffer_slice(&toolset), 0644,
                                     command->replace ? KQ_FILE_REPLACE : KQ_FILE_NEW_ONLY);
    if (status == KQ_ERR_EXISTS)
        return kq_tool_fail(command->tool, status, "Choose another name, or add --replace.", "%s: exists already",
                            command->out);
    if (status != KQ_OK)
        return kq_tool_fail(command->tool, status, NULL, "%s: could not be written (%s)", command->out,
                            strerror(errno));
    return kq_region_show(command->tool, &folder, generation);
}

static kq_status read_key_name(struct command *command, struct kq_vault_key_name *out)
{
    if (command->subscription_text == NULL || command->name == NULL)
        return kq_tool_usage(command->tool, "name the key with --subscription GUID and --name NAME");
    if (!kq_text_copy(kq_slice_text(command->subscription_text), command->subscription, sizeof command->subscription))
        return kq_tool_usage(command->tool, "--subscription takes a GUID");
    for (char *c = command->subscription; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    *out = (struct kq_vault_key_name){command->subscription, command->vault, command->name};
    return KQ_OK;
}

static kq_status run_import(struct command *command)
{
    struct kq_import_plan plan = {
        .data = command->data, .file = command->words[1], .require_attested = command->require_attested};
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "name one transfer package");
    command->tool->is_ceremony = true;
    KQ_TRY(read_key_name(command, &plan.name));
    if (command->region != NULL)
        KQ_TRY(find_region(command, command->region, &plan.region, NULL));
    return kq_region_import(command->tool, &plan);
}

static kq_status run_use(struct command *command)
{
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "say what to do with the key: sign, decrypt or public");
    command->use.data = command->data;
    command->use.act = command->words[1];
    command->use.version = command->version;
    command->use.out = command->out;
    KQ_TRY(read_key_name(command, &command->use.name));
    if (command->region != NULL)
        KQ_TRY(find_region(command, command->region, &command->use.region, NULL));
    return kq_region_use(command->tool, &command->use);
}

static kq_status run_join(struct command *command)
{
    static const char *const acts[] = {
        [KQ_JOIN_REQUEST] = "request", [KQ_JOIN_ADMIT] = "admit", [KQ_JOIN_ACCEPT] = "accept"};
    struct kq_join_plan plan = {.data = command->data, .out = command->out, .packages = command->packages};
    size_t act = 0;
    if (command->num_words < 3)
        return kq_tool_usage(command->tool, "region join request|admit|accept CODE [FILE]");
    while (act < KQ_COUNT_OF(acts) && strcmp(acts[act], command->words[1]) != 0)
        act++;
    plan.act = (enum kq_join_act)act;
    plan.in = command->num_words > 3 ? command->words[3] : NULL;
    if (act == KQ_COUNT_OF(acts) || (plan.act != KQ_JOIN_REQUEST) != (plan.in != NULL) ||
        (plan.act != KQ_JOIN_ACCEPT) != (plan.out != NULL) || (plan.act != KQ_JOIN_ACCEPT && plan.packages != NULL))
        return kq_tool_usage(command->tool, "region join request CODE --out FILE | admit CODE FILE --out FILE | "
                                            "accept CODE FILE [--packages FROM]");
    command->tool->is_ceremony = true;
    KQ_TRY(find_region(command, command->words[2], &plan.region, NULL));
    KQ_AUTO_FD lock = -1;
    KQ_TRY(kq_data_hold(command->tool, command->data, &lock));
    return kq_region_join(command->tool, &plan);
}

/* ---- which act ---- */

static kq_status dispatch(struct command *command, int *out_code)
{
    const char *act = command->num_words > 0 ? command->words[0] : "";
    if (strcmp(act, "create") == 0)
        return run_create(command, out_code);
    if (strcmp(act, "list") == 0)
        return kq_region_list(command->tool, command->data);
    if (strcmp(act, "toolset") == 0)
        return run_toolset(command);
    if (strcmp(act, "rollover") == 0)
        return run_rollover(command);
    if (strcmp(act, "import") == 0)
        return run_import(command);
    if (strcmp(act, "use") == 0)
        return run_use(command);
    if (strcmp(act, "join") == 0)
        return run_join(command);
    return kq_tool_usage(command->tool, "say what to do: create, list, toolset, rollover, import, use or join");
}

static enum kq_args_result parse(struct command *command)
{
    const struct kq_arg args[] = {
        {"data", 'd', &command->data, NULL, "DIR", "the operator's folder"},
        {"variant", 0, &command->variant, NULL, "V", "public or sovereign, for GERMANY"},
        {"acs-quorum", 'Q', &command->quorum, NULL, "K/N", "create: cards needed, cards made; else rehearsal cards"},
        {"cipher-suite", 's', &command->suite, NULL, "SUITE", "create: of the region's world (ECp521mAES)"},
        {"suite", 0, &command->suite, NULL, "SUITE", "the same"},
        {"operator", 0, &command->operator_name, NULL, "NAME", "create, rollover: named in the region statement"},
        {"vault-suffix", 0, &command->suffix, NULL, "S", "create, rollover: named in the region statement"},
        {"kek-bits", 0, &command->bits, NULL, "N", "create, rollover: 2048, 3072 (default) or 4096"},
        {"days", 0, &command->days, NULL, "N", "create, rollover: validity of the exchange key (730)"},
        {"factory", 0, &command->factory, NULL, "DIR", "create: a manufacturer on this machine signs"},
        {"enrol-out", 0, &command->enrol_out, NULL, "FILE", "create: write the request for a warrant and stop"},
        {"warrant", 0, &command->warrant, NULL, "FILE", "create: go on with the warrant that came back"},
        {"out", 'o', &command->out, NULL, "FILE", "toolset, use, join: the file to write"},
        {"packages", 0, &command->packages, NULL, "FROM", "join accept: the region's folder of another module"},
        {"replace", 0, NULL, &command->replace, NULL, "toolset: replace an existing file"},
        {"subscription", 0, &command->subscription_text, NULL, "GUID", "import, use: of the key"},
        {"vault", 0, &command->vault, NULL, "NAME", "import, use: of the key (default)"},
        {"name", 'n', &command->name, NULL, "NAME", "import, use: of the key"},
        {"key-version", 0, &command->version, NULL, "V", "use: of the key; else the newest"},
        {"region", 'r', &command->region, NULL, "CODE", "import, use: else found from the package or key"},
        {"require-attested", 0, NULL, &command->require_attested, NULL, "import: refuse self-asserted origins"},
        {"mechanism", 'm', &command->use.mechanism, NULL, "M", "use: rs256, ps256, es256, rsa-oaep-256, ..."},
        {"format", 0, &command->use.format, NULL, "raw|der", "use: of an ECDSA signature (default raw: r and s)"},
        {"in", 'i', &command->use.in, NULL, "FILE", "use: what to sign or decrypt"},
        {"weak-passphrase", 0, NULL, &command->tool->weak_passphrase, NULL, "create: accept short passphrases"},
        {"json", 0, NULL, &command->tool->is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "create|list|toolset|rollover|import|use|join ... [OPTION...]",
        .about = about,
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = WORDS_MAX,
    };
    return kq_args_parse(command->tool, &table, command->argc, command->argv, command->words, &command->num_words);
}

int kq_cmd_region(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "keyquay region", argc, argv);
    struct command command = {
        .tool = &tool,
        .argc = argc,
        .argv = argv,
        .suite = "ECp521mAES",
        .operator_name = "unnamed operator",
        .suffix = ".vault.keyquay.localhost:8443",
        .vault = DEFAULT_VAULT,
    };
    int code = KQ_EXIT_DONE;
    enum kq_args_result parsed = parse(&command);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(&tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    choose_data(&command);
    kq_status status = dispatch(&command, &code);
    int own_code = kq_tool_finish(&tool, status);
    return own_code != KQ_EXIT_DONE ? own_code : code;
}
