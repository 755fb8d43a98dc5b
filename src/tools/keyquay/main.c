/* keyquay: one name for what the old system had no program for. */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "tools/keyquay/commands.h"
#include "tools/keyquay/owner_commands.h"
#include "tools/region/region_command.h"
#include "tools/service/service_command.h"

typedef int command_main(int argc, char **argv);

struct command {
    const char *name;
    command_main *run; /* answers --help itself */
    const char *summary;
};

static int run_help(int argc, char **argv);

static const struct command commands[] = {
    {"up", kq_cmd_up, "start the receiving side: regions and key vaults"},
    {"down", kq_cmd_down, "stop it"},
    {"status", kq_cmd_status, "what of it runs"},
    {"vault", kq_cmd_vault, "make, show and list key vaults"},
    {"subscription", kq_cmd_subscription, "make and list subscriptions"},
    {"issuer", kq_cmd_issuer, "OpenID Connect issuers whose tokens are taken: add, list, refresh, remove"},
    {"principal", kq_cmd_principal, "applications that may sign in: make, list, secrets, certificates"},
    {"hsm", kq_cmd_hsm, "start, stop or look at a module"},
    {"enrol", kq_cmd_enrol, "have a module warranted by a manufacturer, by files"},
    {"region", kq_cmd_region, "run the receiving side: worlds, exchange keys, toolsets, imports"},
    {"root", kq_cmd_root, "the roots a module trusts: list, trust, distrust"},
    {"world", kq_cmd_world, "the destination worlds a module trusts: list, trust, distrust"},
    {"key", kq_cmd_key, "list and use the keys of the owner's world"},
    {"card", kq_cmd_card, "look at administrator cards"},
    {"audit", kq_cmd_audit, "check and show an audit log"},
    {"receipt", kq_cmd_receipt, "check a receipt, or two against each other"},
    {"bench", kq_cmd_bench, "measure this machine"},
    {"help", run_help, "this text, or the help of one command"},
};

/* Named in the documents of the whole product. */
static const char *const later_commands[] = {"byok", "backup", "restore"};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < KQ_COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static bool is_later(const char *name)
{
    for (size_t i = 0; i < KQ_COUNT_OF(later_commands); i++) {
        if (strcmp(later_commands[i], name) == 0)
            return true;
    }
    return false;
}

static void print_overview(FILE *out)
{
    fprintf(out, "keyquay COMMAND ...\n\n");
    for (size_t i = 0; i < KQ_COUNT_OF(commands); i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(
        out,
        "\nkeyquay help COMMAND says more.\n"
        "Exit status: 0 done, 1 refused or failed, 2 usage, 3 cancelled, 4 module or vault could not be reached.\n");
}

static int refuse_unknown(const char *name)
{
    if (is_later(name))
        fprintf(stderr, "keyquay: '%s' is not part of this version.\n", name);
    else
        fprintf(stderr, "keyquay: there is no command '%.60s'; `keyquay help` lists them.\n", name);
    return is_later(name) ? 1 : 2;
}

static int run_help(int argc, char **argv)
{
    char name[32], option[] = "--help";
    const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
    if (argc > 1 && command == NULL)
        return refuse_unknown(argv[1]);
    if (command == NULL || command->run == run_help) {
        print_overview(stdout);
        return 0;
    }
    snprintf(name, sizeof name, "%s", command->name);
    char *words[] = {name, option, NULL};
    return command->run(2, words);
}

static bool wants_help(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return 2;
    }
    if (wants_help(argc, argv))
        return run_help(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0) {
        printf("keyquay %s\n", KQ_VERSION);
        return 0;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return refuse_unknown(argv[1]);
    if (argc == 3 && wants_help(argc - 1, argv + 1)) {
        char *words[] = {argv[0], argv[1], NULL};
        return run_help(2, words);
    }
    return command->run(argc - 1, argv + 1);
}
