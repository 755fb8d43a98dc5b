/* keyquay vault, keyquay subscription: the control plane from the command line. */
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "tools/cloud/subscriptions.h"
#include "tools/cloud/vaults.h"
#include "tools/common/args.h"
#include "tools/region/data.h"
#include "tools/service/access.h"
#include "tools/service/operator.h"
#include "tools/service/service.h"
#include "tools/service/service_command.h"
#include "trust/regions.h"

#define WORDS_MAX 3

struct command {
    struct kq_tool *tool;
    struct kq_account account;
    char default_data[KQ_PATH_MAX];
    const char *words[WORDS_MAX];
    size_t num_words;
    const char *data, *location, *sku, *subscription, *group;
    bool is_local; /* the operator's own credentials, on his machine */
};

static kq_status open_account(struct command *command)
{
    return kq_operator_open(command->tool, command->data, &command->account, &command->is_local);
}

/* ---- vault create ---- */

/* The world that will hold the vault's keys, where this machine is the operator's. */
static kq_status have_region(struct command *command, const char *location)
{
    struct kq_service service = {.tool = command->tool};
    struct kq_service_regions wanted = {
        .num = 1, .vault_suffix = command->account.vault_suffix, .operator_name = "unnamed operator"};
    json_t *facts = NULL, *endpoints = NULL;
    bool has_made = false;
    wanted.regions[0] = kq_region_of_location(location);
    if (!command->is_local || wanted.regions[0] == NULL)
        return KQ_OK;
    KQ_TRY(kq_service_open(&service, command->tool, command->data));
    struct kq_region_folder folder;
    KQ_TRY(kq_region_folder_init(&folder, service.data, wanted.regions[0]));
    if (kq_region_newest_generation(&folder) > 0)
        return KQ_OK;
    KQ_AUTO_FD lock = -1;
    KQ_TRY(kq_data_hold(command->tool, service.data, &lock));
    KQ_TRY(kq_service_users(&service, NULL, NULL, NULL));
    KQ_TRY(kq_service_make(&service, &wanted, &has_made));
    KQ_TRY(kq_service_reload(&service));
    const struct kq_service_listen as_before = {.num = 0};
    KQ_TRY(kq_service_init(&service, &as_before, &facts));
    kq_status status = kq_service_announce(&service, facts, &endpoints);
    json_decref(facts);
    json_decref(endpoints);
    return status;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "-";
}

static void print_vault(const struct command *command, const json_t *vault)
{
    const json_t *properties = json_object_get(vault, "properties");
    const struct kq_region *region = kq_region_of_location(text_of(vault, "location"));
    if (command->tool->is_json) {
        kq_tool_print_json(json_incref((json_t *)(uintptr_t)vault));
        return;
    }
    printf("Vault %s\n  location:  %s (region %s)\n  sku:       %s\n  URL:       %s\n  resource:  %s\n",
           text_of(vault, "name"), text_of(vault, "location"), region != NULL ? region->name : "?",
           text_of(json_object_get(properties, "sku"), "name"), text_of(properties, "vaultUri"), text_of(vault, "id"));
}

static kq_status create_vault(struct command *command)
{
    json_t *vault = NULL;
    if (command->num_words != 2 || command->location == NULL)
        return kq_tool_usage(command->tool, "vault create NAME --location L [--sku premium|standard]");
    KQ_TRY(open_account(command));
    const struct kq_vault_plan plan = {
        .name = command->words[1],
        .location = command->location,
        .sku = command->sku,
        .subscription = command->subscription != NULL ? command->subscription : command->account.subscription_id,
        .group = command->group,
    };
    KQ_TRY(kq_vault_find(command->tool, &command->account, plan.name, &vault));
    if (vault != NULL) {
        json_decref(vault);
        return kq_tool_fail(command->tool, KQ_ERR_EXISTS, "`keyquay vault show` shows it.",
                            "there is a vault %s already", plan.name);
    }
    KQ_TRY(have_region(command, plan.location));
    KQ_TRY(kq_vault_make(command->tool, &command->account, &plan, &vault));
    print_vault(command, vault);
    json_decref(vault);
    return KQ_OK;
}

/* ---- vault show, list ---- */

static kq_status show_vault(struct command *command)
{
    json_t *vault = NULL;
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "vault show NAME");
    KQ_TRY(open_account(command));
    KQ_TRY(kq_vault_find(command->tool, &command->account, command->words[1], &vault));
    if (vault == NULL)
        return kq_tool_fail(command->tool, KQ_ERR_NOT_FOUND, "`keyquay vault list` shows them all.",
                            "there is no vault %.60s", command->words[1]);
    print_vault(command, vault);
    json_decref(vault);
    return KQ_OK;
}

static kq_status collect_vaults(struct command *command, json_t *all)
{
    json_t *subscriptions = NULL, *item;
    size_t index;
    kq_status status = kq_subscriptions_get(command->tool, &command->account, &subscriptions);
    json_array_foreach(subscriptions, index, item)
    {
        struct kq_subscription subscription;
        json_t *vaults = NULL;
        if (status != KQ_OK || !kq_subscription_of(item, &command->account, &subscription) ||
            (command->subscription != NULL && strcasecmp(command->subscription, subscription.id) != 0))
            continue;
        status = kq_vaults_get(command->tool, &command->account, subscription.id, &vaults);
        (void)json_array_extend(all, vaults);
        json_decref(vaults);
    }
    json_decref(subscriptions);
    return status;
}

static kq_status list_vaults(struct command *command)
{
    json_t *all = json_array(), *vault;
    size_t index;
    kq_status status = open_account(command);
    if (status == KQ_OK)
        status = collect_vaults(command, all);
    if (status == KQ_OK && command->tool->is_json) {
        kq_tool_print_json(all);
        return KQ_OK;
    }
    json_array_foreach(all, index, vault)
    {
        const json_t *properties = json_object_get(vault, "properties");
        printf("%-25s %-20s %-9s %s\n", text_of(vault, "name"), text_of(vault, "location"),
               text_of(json_object_get(properties, "sku"), "name"), text_of(properties, "vaultUri"));
    }
    json_decref(all);
    return status;
}

/* ---- subscriptions ---- */

static kq_status create_subscription(struct command *command)
{
    char id[64];
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "subscription create NAME");
    KQ_TRY(open_account(command));
    KQ_TRY(kq_subscription_make(command->tool, &command->account, command->words[1], id));
    if (command->tool->is_json)
        kq_tool_print_json(json_pack("{s:s, s:s}", "id", id, "name", command->words[1]));
    else
        printf("%s  %s\n", id, command->words[1]);
    return KQ_OK;
}

static kq_status list_subscriptions(struct command *command)
{
    json_t *list = NULL, *item;
    size_t index;
    KQ_TRY(open_account(command));
    KQ_TRY(kq_subscriptions_get(command->tool, &command->account, &list));
    if (command->tool->is_json) {
        kq_tool_print_json(list);
        return KQ_OK;
    }
    json_array_foreach(list, index, item)
    {
        struct kq_subscription subscription;
        if (kq_subscription_of(item, &command->account, &subscription))
            printf("%s  %s%s\n", subscription.id, subscription.name, subscription.is_default ? " (default)" : "");
    }
    json_decref(list);
    return KQ_OK;
}

/* ---- which act ---- */

struct act {
    const char *name;
    kq_status (*run)(struct command *command);
};

static int run(struct command *command, int argc, char **argv, const struct kq_args *table, const struct act *acts)
{
    struct kq_tool *tool = command->tool;
    enum kq_args_result parsed = kq_args_parse(tool, table, argc, argv, command->words, &command->num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    if (command->data == NULL) {
        kq_data_default(command->default_data);
        command->data = command->default_data;
    }
    while (acts->name != NULL && (command->num_words == 0 || strcmp(acts->name, command->words[0]) != 0))
        acts++;
    kq_status status =
        acts->name != NULL ? acts->run(command) : kq_tool_usage(tool, "say what to do: %s", table->synopsis);
    kq_account_clear(&command->account);
    return kq_tool_finish(tool, status);
}

int kq_cmd_vault(int argc, char **argv)
{
    static const struct act acts[] = {
        {"create", create_vault}, {"show", show_vault}, {"list", list_vaults}, {NULL, NULL}};
    struct kq_tool tool;
    struct command command = {.tool = &tool, .sku = "premium", .group = "keyquay"};
    kq_tool_init(&tool, "keyquay vault", argc, argv);
    const struct kq_arg args[] = {
        {"data", 'd', &command.data, NULL, "DIR", "the operator's folder"},
        {"location", 'l', &command.location, NULL, "L", "create: where, for example eastus"},
        {"sku", 0, &command.sku, NULL, "SKU", "create: premium (default) or standard, which has no HSM keys"},
        {"subscription", 's', &command.subscription, NULL, "GUID", "else the default one (list: all)"},
        {"group", 'g', &command.group, NULL, "G", "create: its resource group (keyquay)"},
        {"json", 0, NULL, &tool.is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "create NAME --location L | show NAME | list",
        .about = "Key vaults, over REST: with DIR/credentials.json, else the session of Add-AzureAccount.\n"
                 "On the operator's machine a location's region is made if it is missing.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = WORDS_MAX,
    };
    return run(&command, argc, argv, &table, acts);
}

int kq_cmd_subscription(int argc, char **argv)
{
    static const struct act acts[] = {{"create", create_subscription}, {"list", list_subscriptions}, {NULL, NULL}};
    struct kq_tool tool;
    struct command command = {.tool = &tool};
    kq_tool_init(&tool, "keyquay subscription", argc, argv);
    const struct kq_arg args[] = {
        {"data", 'd', &command.data, NULL, "DIR", "the operator's folder"},
        {"json", 0, NULL, &tool.is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "create NAME | list",
        .about = "Subscriptions, over REST: with DIR/credentials.json, else the session of Add-AzureAccount.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = WORDS_MAX,
    };
    return run(&command, argc, argv, &table, acts);
}
