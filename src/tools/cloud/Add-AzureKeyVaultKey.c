/* Add-AzureKeyVaultKey: sends a transfer package to a key vault. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "tools/cloud/upload.h"
#include "tools/transfer/cmdlet_tool.h"

static const char usage[] =
    "Add-AzureKeyVaultKey -VaultName V -Name N -KeyFilePath F -Destination HSM [-Disable] [-Json]\n"
    "Sends the transfer package F (.byok) to the vault, whose HSM takes the key in under the name N,\n"
    "and prints the key's properties and the import receipt that the destination's module signed.\n"
    "The receipt is kept beside F as ImportReceipt-<Name>-<version>.receipt.\n"
    "-KeyName is the same as -Name. Needs a session: Add-AzureAccount.\n"
    "-Help and -Version print this and the version.\n";

struct command {
    struct kq_upload upload;
    const char *destination;
};

static kq_status check_destination(struct kq_tool *tool, const char *destination)
{
    if (destination == NULL || strcasecmp(destination, "HSM") == 0)
        return KQ_OK;
    if (strcasecmp(destination, "Software") == 0)
        return kq_tool_fail(tool, KQ_ERR_UNSUPPORTED, "Use -Destination HSM.",
                            "-Destination Software: a transfer package can only be opened by an HSM");
    return kq_tool_usage(tool, "-Destination is HSM");
}

static kq_status need(struct kq_tool *tool, const char *value, const char *name)
{
    return value != NULL && *value != '\0' ? KQ_OK : kq_tool_usage(tool, "-%s is missing", name);
}

static kq_status run(struct kq_tool *tool, const struct command *command)
{
    KQ_TRY(need(tool, command->upload.vault, "VaultName"));
    KQ_TRY(need(tool, command->upload.name, "Name"));
    KQ_TRY(need(tool, command->upload.path, "KeyFilePath"));
    KQ_TRY(check_destination(tool, command->destination));
    tool->is_ceremony = true;
    return kq_upload_run(tool, &command->upload);
}

static kq_status parse_and_run(struct kq_tool *tool, int argc, char **argv)
{
    struct command command = {0};
    const struct kq_cmdlet_parameter parameters[] = {
        {"VaultName", &command.upload.vault, NULL},  {"Name", &command.upload.name, NULL},
        {"KeyName", &command.upload.name, NULL},     {"KeyFilePath", &command.upload.path, NULL},
        {"Destination", &command.destination, NULL}, {"Disable", NULL, &command.upload.is_disabled},
    };
    enum kq_args_result parsed = kq_cmdlet_read(tool, parameters, KQ_COUNT_OF(parameters), usage, argc, argv);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    return run(tool, &command);
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "Add-AzureKeyVaultKey", argc, argv);
    return kq_tool_finish(&tool, parse_and_run(&tool, argc, argv));
}
