/* KeyTransferRemote: makes a key ready to travel, and the package it travels in. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/common/keyfile.h"
#include "tools/transfer/cmdlet_tool.h"
#include "tools/transfer/remote.h"

#define VALID_DAYS_MAX 3650u
#define NAME_SIZE 128

static const char usage[] =
    "KeyTransferRemote -ModifyAcls -KeyAppName APP -KeyIdentifier I -ExchangeKeyPackage FILE\n"
    "                  -NewSecurityWorldPackage FILE [-ValidDays N] [-Json]\n"
    "  Makes key_xferacld_<I>: a copy of the key that can only be packaged for this region,\n"
    "  for 90 days unless stated. Asks for a quorum of administrator cards, and for the hash\n"
    "  of a root or world that the module does not trust yet.\n"
    "KeyTransferRemote -Package -KeyIdentifier I -ExchangeKeyPackage FILE -NewSecurityWorldPackage FILE\n"
    "                  -SubscriptionId GUID -KeyFriendlyName F \n"
    "                  [-ValidDays N | -ValidUntil 2026-12-31T23:59:59Z] [-Force] [-Json]\n"
    "  Writes TransferPackage-F.byok and its receipt in the current folder; -Force replaces them.\n"
    "Names are case-insensitive and may be shortened. Only keys protected by the module can be\n"
    "transferred; token and softcard keys are not supported.\n";

struct command {
    struct kq_remote remote;
    bool modify, package;
    const char *application, *ident, *days, *until, *subscription;
    char application_name[NAME_SIZE], ident_name[NAME_SIZE], subscription_name[NAME_SIZE];
};

static kq_status need(struct kq_tool *tool, const char *value, const char *name)
{
    return value != NULL ? KQ_OK : kq_tool_usage(tool, "-%s is missing", name);
}

/* Application and identifier share the limit of a key file's name. */
static kq_status read_names(struct kq_tool *tool, struct command *command)
{
    const char *application = command->modify ? command->application : KQ_COPY_APPLICATION;
    if (strlen(application) + strlen(command->ident) > KQ_IDENT_MAX)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "Application and identifiers cannot exceed 80 characters.");
    if (!kq_text_copy(kq_slice_text(application), command->application_name, NAME_SIZE) ||
        !kq_text_copy(kq_slice_text(command->ident), command->ident_name, NAME_SIZE))
        return kq_tool_usage(tool, "-KeyIdentifier is too long");
    KQ_TRY(kq_key_name_check(tool, command->application_name, command->ident_name));
    if (command->modify && strcmp(command->application_name, KQ_COPY_APPLICATION) == 0)
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, "Name the application of the original, for example simple.",
                            "-KeyAppName: %s is itself a copy made for transfer", KQ_COPY_APPLICATION);
    command->remote.application = command->application_name;
    command->remote.ident = command->ident_name;
    return KQ_OK;
}

static kq_status read_subscription(struct kq_tool *tool, struct command *command)
{
    char *name = command->subscription_name;
    if (!kq_guid_is_valid(kq_slice_text(command->subscription)) ||
        !kq_text_copy(kq_slice_text(command->subscription), name, NAME_SIZE))
        return kq_tool_fail(
            tool, KQ_ERR_ARGUMENT,
            "Get-AzureSubscription shows the id of the subscription that will own the key at the destination.",
            "-SubscriptionId: '%.60s' is not a GUID", command->subscription);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    command->remote.subscription = name;
    return KQ_OK;
}

static kq_status read_until(struct kq_tool *tool, struct command *command)
{
    struct tm parts = {0};
    if (command->until == NULL)
        return KQ_OK;
    const char *rest = strptime(command->until, "%Y-%m-%dT%H:%M:%SZ", &parts);
    const time_t until = rest != NULL && *rest == '\0' ? timegm(&parts) : 0;
    if (until <= 0)
        return kq_tool_usage(tool, "-ValidUntil takes a time in UTC, such as 2026-12-31T23:59:59Z");
    if (command->days != NULL || command->modify)
        return kq_tool_usage(tool, "-ValidUntil goes with -Package, and without -ValidDays");
    command->remote.valid_until = (uint64_t)until;
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool, struct command *command)
{
    struct kq_remote *remote = &command->remote;
    if (command->modify == command->package)
        return kq_tool_usage(tool, "choose one of -ModifyAcls and -Package");
    if (command->modify)
        KQ_TRY(need(tool, command->application, "KeyAppName"));
    KQ_TRY(need(tool, command->ident, "KeyIdentifier"));
    KQ_TRY(need(tool, remote->kek_path, "ExchangeKeyPackage"));
    KQ_TRY(need(tool, remote->world_path, "NewSecurityWorldPackage"));
    if (command->days != NULL &&
        (!kq_uint_parse(kq_slice_text(command->days), VALID_DAYS_MAX, &remote->valid_days) || remote->valid_days == 0))
        return kq_tool_usage(tool, "-ValidDays takes 1 to %u", VALID_DAYS_MAX);
    KQ_TRY(read_until(tool, command));
    KQ_TRY(read_names(tool, command));
    tool->is_ceremony = true;
    if (command->modify)
        return kq_remote_modify_acls(tool, remote);
    KQ_TRY(need(tool, command->subscription, "SubscriptionId"));
    KQ_TRY(need(tool, remote->friendly_name, "KeyFriendlyName"));
    KQ_TRY(read_subscription(tool, command));
    return kq_remote_package(tool, remote);
}

static kq_status parse_and_run(struct kq_tool *tool, int argc, char **argv)
{
    struct command command = {0};
    const struct kq_cmdlet_parameter parameters[] = {
        {"ModifyAcls", NULL, &command.modify},
        {"Package", NULL, &command.package},
        {"KeyAppName", &command.application, NULL},
        {"KeyIdentifier", &command.ident, NULL},
        {"ExchangeKeyPackage", &command.remote.kek_path, NULL},
        {"NewSecurityWorldPackage", &command.remote.world_path, NULL},
        {"SubscriptionId", &command.subscription, NULL},
        {"KeyFriendlyName", &command.remote.friendly_name, NULL},
        {"ValidDays", &command.days, NULL},
        {"ValidUntil", &command.until, NULL},
        {"Force", NULL, &command.remote.replace},
    };
    enum kq_args_result parsed = kq_cmdlet_read(tool, parameters, KQ_COUNT_OF(parameters), usage, argc, argv);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    kq_status status = run(tool, &command);
    if (status != KQ_OK && !tool->is_usage && !tool->is_json)
        printf("Result: FAILURE\n");
    return status;
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "KeyTransferRemote", argc, argv);
    return kq_tool_finish(&tool, parse_and_run(&tool, argc, argv));
}
