/* Add-AzureAccount: signs in to a vault and keeps the session. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "tools/cloud/account.h"
#include "tools/common/ask.h"
#include "tools/transfer/cmdlet_tool.h"

static const char usage[] =
    "Add-AzureAccount [-Credential FILE] [-VaultUrl URL] [-Json]\n"
    "Signs in with an application's id and secret, and keeps the session for the other commands.\n"
    "Where to: the endpoints.json named in KEYQUAY_ENDPOINTS, else -VaultUrl, else it asks.\n"
    "  -Credential FILE   clientId and clientSecret as JSON (DIR/credentials.json); else it asks\n"
    "The secret itself is not kept. -Help and -Version print this and the version.\n";

struct command {
    const char *credential, *vault_url;
};

static kq_status find_vault(struct kq_tool *tool, const struct command *command, struct kq_account *account)
{
    const char *endpoints = getenv("KEYQUAY_ENDPOINTS");
    char url[KQ_URL_SIZE];
    if (command->vault_url != NULL)
        return kq_account_discover(tool, command->vault_url, account);
    if (endpoints != NULL && *endpoints != '\0')
        return kq_account_from_endpoints(tool, endpoints, account);
    if (!kq_ask_has_terminal())
        return kq_tool_fail(tool, KQ_ERR_STATE, "Set KEYQUAY_ENDPOINTS to its endpoints.json, or add -VaultUrl URL.",
                            "there is nobody to ask which vault to sign in to");
    KQ_TRY(kq_ask_line(tool, "URL of your vault (https://NAME.vault.DOMAIN): ", NULL, url, sizeof url));
    return kq_account_discover(tool, url, account);
}

static kq_status ask_credential(struct kq_tool *tool, char out_client_id[64], struct kq_secret *out_secret)
{
    KQ_AUTO_VALUE(kq_secret) name = {0};
    const struct kq_question who = {.kind = KQ_ASK_USERNAME, .prompt = "User name (application id)"};
    const struct kq_question proof = {.kind = KQ_ASK_SECRET, .prompt = "Secret"};
    kq_secret_init(&name);
    KQ_TRY(kq_ask(tool, &who, &name));
    if (!kq_text_copy(kq_secret_borrow(&name), out_client_id, 64))
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL, "the user name is too long; it is an application's id");
    return kq_ask(tool, &proof, out_secret);
}

static void report(const struct kq_tool *tool, const struct kq_account *account)
{
    char until[KQ_TIME_TEXT_SIZE];
    kq_time_text(account->management_token.expires, until);
    if (tool->is_json) {
        kq_tool_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "Id", account->client_id, "Type", "ServicePrincipal",
                                     "TenantId", account->tenant_id, "Environment", account->management, "ExpiresOn",
                                     until));
        return;
    }
    printf("Id          : %s\nType        : ServicePrincipal\nTenantId    : %s\nEnvironment : %s\nExpiresOn   : %s\n",
           account->client_id, account->tenant_id, account->management, until);
}

static kq_status sign_in(struct kq_tool *tool, const struct command *command)
{
    KQ_AUTO_VALUE(kq_account) account = {.num_addresses = 0};
    KQ_AUTO_VALUE(kq_secret) secret = {0};
    char client_id[64];
    kq_secret_init(&secret);
    KQ_TRY(find_vault(tool, command, &account));
    if (command->credential != NULL)
        KQ_TRY(kq_credential_read(tool, command->credential, client_id, &secret));
    else
        KQ_TRY(ask_credential(tool, client_id, &secret));
    KQ_TRY(kq_account_sign_in(tool, &account, client_id, &secret));
    KQ_TRY(kq_account_save(tool, &account));
    report(tool, &account);
    return KQ_OK;
}

static kq_status parse_and_run(struct kq_tool *tool, int argc, char **argv)
{
    struct command command = {0};
    const struct kq_cmdlet_parameter parameters[] = {
        {"Credential", &command.credential, NULL},
        {"VaultUrl", &command.vault_url, NULL},
    };
    enum kq_args_result parsed = kq_cmdlet_read(tool, parameters, KQ_COUNT_OF(parameters), usage, argc, argv);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    return sign_in(tool, &command);
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "Add-AzureAccount", argc, argv);
    return kq_tool_finish(&tool, parse_and_run(&tool, argc, argv));
}
