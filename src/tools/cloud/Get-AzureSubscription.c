/* Get-AzureSubscription: the subscriptions of the signed-in account. */
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "tools/cloud/account.h"
#include "tools/cloud/subscriptions.h"
#include "tools/transfer/cmdlet_tool.h"

static const char usage[] = "Get-AzureSubscription [-SubscriptionId GUID] [-SubscriptionName NAME] [-Default] [-Json]\n"
                            "Lists the subscriptions of the account that Add-AzureAccount signed in.\n"
                            "-Help and -Version print this and the version.\n";

struct command {
    const char *id, *name;
    bool is_default;
};

static bool is_wanted(const struct command *command, const struct kq_subscription *subscription)
{
    return (command->id == NULL || strcasecmp(command->id, subscription->id) == 0) &&
           (command->name == NULL || strcasecmp(command->name, subscription->name) == 0) &&
           (!command->is_default || subscription->is_default);
}

static void print_block(const struct kq_subscription *subscription)
{
    printf("SubscriptionName : %s\nSubscriptionId   : %s\nTenantId         : %s\nState            : %s\n"
           "IsDefault        : %s\n\n",
           subscription->name, subscription->id, subscription->tenant_id, subscription->state,
           subscription->is_default ? "True" : "False");
}

static json_t *block_json(const struct kq_subscription *subscription)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "SubscriptionName", subscription->name, "SubscriptionId",
                     subscription->id, "TenantId", subscription->tenant_id, "State", subscription->state, "IsDefault",
                     (int)subscription->is_default);
}

static kq_status show(struct kq_tool *tool, const struct command *command, const json_t *list,
                      const struct kq_account *account)
{
    json_t *blocks = json_array();
    size_t num_shown = 0, index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        struct kq_subscription subscription;
        if (!kq_subscription_of(item, account, &subscription))
            continue;
        subscription.is_default = subscription.is_default || (account->subscription_id[0] == '\0' && index == 0);
        if (!is_wanted(command, &subscription))
            continue;
        num_shown++;
        if (tool->is_json)
            json_array_append_new(blocks, block_json(&subscription));
        else
            print_block(&subscription);
    }
    if (tool->is_json)
        kq_tool_print_json(blocks);
    else
        json_decref(blocks);
    if (num_shown > 0)
        return KQ_OK;
    return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "Its operator makes one with `keyquay subscription create NAME`.",
                        "there is no such subscription for this account");
}

static kq_status run(struct kq_tool *tool, const struct command *command)
{
    KQ_AUTO_VALUE(kq_account) account = {.num_addresses = 0};
    json_t *list = NULL;
    KQ_TRY(kq_account_load(tool, &account));
    KQ_TRY(kq_subscriptions_get(tool, &account, &list));
    kq_status status = show(tool, command, list, &account);
    json_decref(list);
    return status;
}

static kq_status parse_and_run(struct kq_tool *tool, int argc, char **argv)
{
    struct command command = {0};
    const struct kq_cmdlet_parameter parameters[] = {
        {"SubscriptionId", &command.id, NULL},
        {"SubscriptionName", &command.name, NULL},
        {"Default", NULL, &command.is_default},
    };
    enum kq_args_result parsed = kq_cmdlet_read(tool, parameters, KQ_COUNT_OF(parameters), usage, argc, argv);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    return run(tool, &command);
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "Get-AzureSubscription", argc, argv);
    return kq_tool_finish(&tool, parse_and_run(&tool, argc, argv));
}
