/* keyquay principal: applications and people that may sign in, their secrets and certificates. */
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/size.h"
#include "base/text.h"
#include "tools/cloud/account.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/region/data.h"
#include "tools/service/operator.h"
#include "tools/service/service_command.h"

#define WORDS_MAX 5
#define CERTIFICATE_FILE_MAX 65536u

struct command {
    struct kq_tool *tool;
    struct kq_account account;
    char default_data[KQ_PATH_MAX];
    const char *words[WORDS_MAX];
    size_t num_words;
    const char *data, *certificate, *days;
    bool is_operator;
    bool is_person;
};

/* What tells one from the others, in the path and in lists. */
static const char *id_name(const struct command *command)
{
    return command->is_person ? "objectId" : "clientId";
}

static const char *name_name(const struct command *command)
{
    return command->is_person ? "userName" : "displayName";
}

static kq_status open_account(struct command *command)
{
    bool is_local = false;
    return kq_operator_open(command->tool, command->data, &command->account, &is_local);
}

static kq_status call(struct command *command, const char *method, const char *path, const json_t *body,
                      const char *what, json_t **out)
{
    char url[KQ_URL_SIZE + 256];
    snprintf(url, sizeof url, "%s/keyquay/%s%s", command->account.management,
             command->is_person ? "people" : "principals", path);
    return kq_cloud_call(command->tool, &command->account, method, url, body, what, out);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "-";
}

/* ---- reading the command line -------------------------------------------------------------- */

/* The first CERTIFICATE block of a file, and nothing else of it: in such files a
 * private key often stands beside it, which must not leave this machine. */
static kq_status read_certificate(struct command *command, const char *path, json_t *body)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_status status = kq_file_read(path, CERTIFICATE_FILE_MAX, &text);
    if (status != KQ_OK)
        return kq_tool_fail_read(command->tool, status, path, "Name a file with the certificate as PEM.");
    KQ_TRY(kq_buffer_append(&text, "", 1));
    const char *first = strstr((const char *)text.data, begin);
    const char *last = first == NULL ? NULL : strstr(first, end);
    if (last == NULL)
        return kq_tool_fail(command->tool, KQ_ERR_FORMAT, "Give the certificate as PEM.",
                            "%s: there is no certificate in it", path);
    size_t len = (size_t)(last - first) + sizeof end - 1;
    return json_object_set_new(body, "certificate", json_stringn(first, len)) == 0 ? KQ_OK : KQ_ERR_MEMORY;
}

static kq_status read_days(struct command *command, json_t *body)
{
    uint64_t days = 0;
    if (command->days == NULL)
        return KQ_OK;
    if (!kq_uint_parse(kq_slice_text(command->days), 7300, &days) || days == 0)
        return kq_tool_usage(command->tool, "--days: a number from 1 to 7300 is wanted");
    return json_object_set_new(body, "validDays", json_integer((json_int_t)days)) == 0 ? KQ_OK : KQ_ERR_MEMORY;
}

/* The client id that a name or an id stands for. */
static kq_status find(struct command *command, const char *name, char out[37])
{
    json_t *answer = NULL, *item;
    size_t index, num = 0;
    if (kq_guid_is_valid(kq_slice_text(name)))
        return kq_text_copy(kq_slice_text(name), out, 37) ? KQ_OK : KQ_ERR_INTERNAL;
    KQ_TRY(call(command, "GET", "", NULL, "asking for the principals", &answer));
    json_array_foreach(json_object_get(answer, "value"), index, item)
    {
        if (strcmp(text_of(item, name_name(command)), name) == 0 && ++num == 1)
            kq_text_copy(kq_slice_text(text_of(item, id_name(command))), out, 37);
    }
    bool goes_on = json_is_string(json_object_get(answer, "nextLink"));
    json_decref(answer);
    if (num == 1 && !goes_on && kq_guid_is_valid(kq_slice_text(out)))
        return KQ_OK;
    return kq_tool_fail(
        command->tool, num > 1 || goes_on ? KQ_ERR_ARGUMENT : KQ_ERR_NOT_FOUND,
        command->is_person ? "`keyquay principal list --person` shows them; give the object id."
                           : "`keyquay principal list` shows them; give the client id.",
        num > 1 || goes_on ? "more than one principal may be called '%.60s'" : "there is no principal '%.60s'", name);
}

/* ---- what it prints ------------------------------------------------------------------------- */

static void print_made(const struct command *command, const json_t *answer)
{
    const json_t *secret = json_object_get(answer, "secret");
    if (command->tool->is_json) {
        kq_tool_print_json(json_incref((json_t *)(uintptr_t)answer));
        return;
    }
    if (command->is_person) {
        printf("Person %s\n  object id:  %s\n", text_of(answer, "userName"), text_of(answer, "objectId"));
        return;
    }
    printf("Principal %s\n  client id:  %s\n  object id:  %s\n  tenant:     %s\n", text_of(answer, "displayName"),
           text_of(answer, "clientId"), text_of(answer, "objectId"), text_of(answer, "tenantId"));
    if (json_is_object(secret))
        printf("  secret:     %s\n  until:      %s\nThe secret is shown this once.\n", text_of(secret, "clientSecret"),
               text_of(secret, "expires"));
}

static void print_proofs(const char *kind, const json_t *list)
{
    const json_t *item;
    size_t index;
    json_array_foreach(list, index, item)
        printf("  %-11s %s  until %s  %s\n", kind, text_of(item, "id"), text_of(item, "expires"),
               json_object_get(item, "sha256") != NULL ? text_of(item, "sha256") : "");
}

static void print_principal(const struct command *command, json_t *item)
{
    if (command->tool->is_json) {
        kq_tool_print_json(json_incref(item));
        return;
    }
    printf("%s  %s%s\n", text_of(item, id_name(command)), text_of(item, name_name(command)),
           json_is_true(json_object_get(item, "isOperator")) ? " (operator)" : "");
}

/* ---- the acts --------------------------------------------------------------------------------- */

/* --person: the passphrase is asked for, never on the command line. */
static kq_status make_person(struct command *command, json_t **out)
{
    const struct kq_question question = {.kind = KQ_ASK_NEW_PASSPHRASE, .prompt = "Passphrase of the new person"};
    KQ_AUTO_VALUE(kq_secret) passphrase = {.bytes = {0}};
    if (command->certificate != NULL || command->days != NULL)
        return kq_tool_usage(command->tool, "--certificate and --days are for applications, not for people");
    KQ_TRY(open_account(command));
    KQ_TRY(kq_ask_new_passphrase(command->tool, &question, &passphrase));
    struct kq_slice text = kq_secret_borrow(&passphrase);
    json_t *body = json_pack("{s:s, s:s%, s:b}", "userName", command->words[1], "passphrase", (const char *)text.data,
                             text.len, "isOperator", (int)command->is_operator);
    if (body == NULL)
        return kq_tool_fail(command->tool, KQ_ERR_ARGUMENT, NULL, "the name and the passphrase must be UTF-8");
    kq_status status = call(command, "POST", "", body, "making the person", out);
    json_decref(body);
    return status;
}

static kq_status create_person(struct command *command)
{
    json_t *answer = NULL;
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "principal create NAME --person [--operator]");
    KQ_TRY(make_person(command, &answer));
    print_made(command, answer);
    json_decref(answer);
    return KQ_OK;
}

static kq_status create(struct command *command)
{
    json_t *answer = NULL;
    if (command->is_person)
        return create_person(command);
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "principal create NAME [--certificate FILE] [--days N] [--operator]");
    json_t *body = json_pack("{s:s, s:b}", "displayName", command->words[1], "isOperator", (int)command->is_operator);
    kq_status status = body == NULL ? KQ_ERR_ARGUMENT : read_days(command, body);
    if (status == KQ_OK && command->certificate != NULL)
        status = read_certificate(command, command->certificate, body);
    if (status == KQ_OK)
        status = open_account(command);
    if (status == KQ_OK)
        status = call(command, "POST", "", body, "making the principal", &answer);
    json_decref(body);
    KQ_TRY(status);
    print_made(command, answer);
    json_decref(answer);
    return KQ_OK;
}

static kq_status list(struct command *command)
{
    char path[1600] = "";
    json_t *all = json_array();
    kq_status status = open_account(command);
    while (status == KQ_OK) {
        json_t *answer = NULL;
        status = call(command, "GET", path, NULL, "asking for the principals", &answer);
        (void)json_array_extend(all, json_object_get(answer, "value"));
        const char *next = strchr(text_of(answer, "nextLink"), '?');
        snprintf(path, sizeof path, "%s", next == NULL ? "" : next);
        json_decref(answer);
        if (path[0] == '\0')
            break;
    }
    if (status == KQ_OK && command->tool->is_json) {
        kq_tool_print_json(all);
        return KQ_OK;
    }
    for (size_t i = 0; status == KQ_OK && i < json_array_size(all); i++)
        print_principal(command, json_array_get(all, i));
    json_decref(all);
    return status;
}

static kq_status show(struct command *command)
{
    char id[37], path[64];
    json_t *answer = NULL;
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "principal show NAME");
    KQ_TRY(open_account(command));
    KQ_TRY(find(command, command->words[1], id));
    snprintf(path, sizeof path, "/%s", id);
    KQ_TRY(call(command, "GET", path, NULL, command->words[1], &answer));
    print_principal(command, answer);
    if (!command->tool->is_json && !command->is_person) {
        print_proofs("secret", json_object_get(answer, "secrets"));
        print_proofs("certificate", json_object_get(answer, "certificates"));
    }
    json_decref(answer);
    return KQ_OK;
}

static kq_status delete_principal(struct command *command)
{
    char id[37], path[64];
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "principal delete NAME");
    KQ_TRY(open_account(command));
    KQ_TRY(find(command, command->words[1], id));
    snprintf(path, sizeof path, "/%s", id);
    return call(command, "DELETE", path, NULL, command->words[1], NULL);
}

/* secret add NAME, certificate add NAME --certificate FILE */
static kq_status add_proof(struct command *command, const char *id, bool is_certificate)
{
    char path[128];
    json_t *answer = NULL;
    json_t *body = json_object();
    kq_status status =
        is_certificate ? read_certificate(command, command->certificate, body) : read_days(command, body);
    snprintf(path, sizeof path, "/%s/%s", id, is_certificate ? "certificates" : "secrets");
    if (status == KQ_OK)
        status = call(command, "POST", path, body, command->words[2], &answer);
    json_decref(body);
    KQ_TRY(status);
    if (command->tool->is_json)
        kq_tool_print_json(json_incref(answer));
    else if (is_certificate)
        printf("certificate %s  until %s\n", text_of(answer, "id"), text_of(answer, "expires"));
    else
        printf("secret %s  until %s\n%s\nThe secret is shown this once.\n", text_of(answer, "id"),
               text_of(answer, "expires"), text_of(answer, "clientSecret"));
    json_decref(answer);
    return KQ_OK;
}

/* secret|certificate add NAME, secret|certificate remove NAME ID */
static kq_status change_proof(struct command *command, bool is_certificate)
{
    const char *kind = is_certificate ? "certificate" : "secret";
    if (command->is_person)
        return kq_tool_usage(command->tool, "people have a passphrase, no secrets or certificates");
    char id[37], path[192];
    bool adds = command->num_words == 3 && strcmp(command->words[1], "add") == 0;
    bool removes = command->num_words == 4 && strcmp(command->words[1], "remove") == 0;
    if ((!adds && !removes) || (adds && is_certificate && command->certificate == NULL))
        return kq_tool_usage(command->tool, "principal %s add NAME%s | principal %s remove NAME ID", kind,
                             is_certificate ? " --certificate FILE" : " [--days N]", kind);
    if (removes && !kq_guid_is_valid(kq_slice_text(command->words[3])))
        return kq_tool_usage(command->tool, "the id of a %s is a GUID; `keyquay principal show` tells it", kind);
    KQ_TRY(open_account(command));
    KQ_TRY(find(command, command->words[2], id));
    if (adds)
        return add_proof(command, id, is_certificate);
    snprintf(path, sizeof path, "/%s/%ss/%s", id, kind, command->words[3]);
    return call(command, "DELETE", path, NULL, kind, NULL);
}

static kq_status change_secret(struct command *command)
{
    return change_proof(command, false);
}

static kq_status change_certificate(struct command *command)
{
    return change_proof(command, true);
}

static kq_status act(struct command *command)
{
    static const struct {
        const char *name;
        kq_status (*run)(struct command *command);
    } acts[] = {{"create", create},
                {"list", list},
                {"show", show},
                {"secret", change_secret},
                {"certificate", change_certificate},
                {"delete", delete_principal}};
    for (size_t i = 0; command->num_words > 0 && i < KQ_COUNT_OF(acts); i++)
        if (strcmp(acts[i].name, command->words[0]) == 0)
            return acts[i].run(command);
    return kq_tool_usage(command->tool, "say what to do: create, list, show, secret, certificate or delete");
}

int kq_cmd_principal(int argc, char **argv)
{
    struct kq_tool tool;
    struct command command = {.tool = &tool};
    kq_tool_init(&tool, "keyquay principal", argc, argv);
    const struct kq_arg args[] = {
        {"data", 'd', &command.data, NULL, "DIR", "the operator's folder"},
        {"certificate", 'c', &command.certificate, NULL, "FILE",
         "create, certificate add: PEM; only the certificate in it is read"},
        {"days", 0, &command.days, NULL, "N", "create, secret add: how long the secret is good (365)"},
        {"operator", 0, NULL, &command.is_operator, NULL, "create: may do everything in the control plane"},
        {"person", 0, NULL, &command.is_person, NULL,
         "create, list, show, delete: people, who sign in with a name and a passphrase"},
        {"weak-passphrase", 0, NULL, &tool.weak_passphrase, NULL, "create --person: a short passphrase will do"},
        {"json", 0, NULL, &tool.is_json, NULL, "print facts as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "create NAME | list | show NAME | delete NAME | secret add NAME | secret remove NAME ID |\n"
                    "    certificate add NAME | certificate remove NAME ID",
        .about =
            "Applications, and people, that may sign in, over REST: with DIR/credentials.json, else the session of\n"
            "Add-AzureAccount. NAME is a display name or a client id. An application without a certificate\n"
            "gets a secret, which is shown once. With --person NAME is a user name or an object id; the\n"
            "passphrase is asked for. For operators only.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = WORDS_MAX,
    };
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, command.words, &command.num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return kq_tool_finish(&tool, parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT);
    if (command.data == NULL) {
        kq_data_default(command.default_data);
        command.data = command.default_data;
    }
    kq_status status = act(&command);
    kq_account_clear(&command.account);
    return kq_tool_finish(&tool, status);
}
