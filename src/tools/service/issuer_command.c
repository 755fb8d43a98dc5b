/* keyquay issuer: OpenID Connect issuers whose tokens the vault takes. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/region/data.h"
#include "tools/service/issuer.h"
#include "tools/service/service.h"
#include "tools/service/service_command.h"
#include "webclient/issuer.h"

#define WORDS_MAX 2
#define TOKEN_MAX 65536u

struct command {
    struct kq_tool *tool;
    struct kq_service service;
    char default_data[KQ_PATH_MAX];
    char folder[KQ_PATH_MAX]; /* DIR/issuers */
    const char *words[WORDS_MAX];
    size_t num_words;
    const char *data, *url, *tenant, *object_claim, *client_claim, *ca, *token;
    const char *audiences; /* separated by commas */
};

/* ---- the folder -------------------------------------------------------------------------------- */

/* keyvaultd takes whoever an issuer's file vouches for: nobody else may be able to write there. */
static kq_status check_folder(struct command *command, const char *path)
{
    struct stat facts;
    if (lstat(path, &facts) != 0)
        return kq_tool_fail(command->tool, KQ_ERR_IO, NULL, "%s: %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode) && (facts.st_uid == geteuid() || facts.st_uid == 0) && (facts.st_mode & 022) == 0)
        return KQ_OK;
    return kq_tool_fail(command->tool, KQ_ERR_DENIED, "Run it as the folder's owner; take others' right to write.",
                        "%s: it must be a folder of yours that nobody else can write to", path);
}

static kq_status open_folder(struct command *command)
{
    KQ_TRY(kq_service_open(&command->service, command->tool, command->data));
    return kq_path_join(command->service.data, "issuers", command->folder);
}

static kq_status open_for_change(struct command *command, int *out_lock)
{
    KQ_TRY(open_folder(command));
    KQ_TRY(check_folder(command, command->service.data));
    KQ_TRY(kq_data_hold(command->tool, command->service.data, out_lock));
    if (mkdir(command->folder, 0755) != 0 && errno != EEXIST)
        return kq_tool_fail(command->tool, KQ_ERR_IO, NULL, "%s: %s", command->folder, strerror(errno));
    KQ_TRY(check_folder(command, command->folder));
    if (chmod(command->folder, 0755) != 0) /* keyvaultd's user reads it, whatever the umask was */
        return kq_tool_fail(command->tool, KQ_ERR_IO, NULL, "%s: %s", command->folder, strerror(errno));
    return KQ_OK;
}

static kq_status path_of(const struct command *command, const char *name, char out[KQ_PATH_MAX])
{
    char file[KQW_ISSUER_NAME_SIZE + 8];
    snprintf(file, sizeof file, "%.32s.json", name);
    return kq_path_join(command->folder, file, out);
}

static kq_status check_name(struct command *command, const char *name)
{
    if (kqw_issuer_name_is_valid(name))
        return KQ_OK;
    return kq_tool_usage(command->tool, "NAME: at most 32 small letters, digits and hyphens are wanted");
}

static kq_status read_issuer(struct command *command, const char *name, struct kqw_issuer *out)
{
    char path[KQ_PATH_MAX], why[KQW_ISSUER_WHY_SIZE];
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_TRY(check_name(command, name));
    KQ_TRY(path_of(command, name, path));
    kq_status status = kq_file_read(path, KQW_ISSUER_FILE_MAX, &text);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(command->tool, status, "`keyquay issuer list` shows them.", "there is no issuer '%s'",
                            name);
    if (status != KQ_OK)
        return kq_tool_fail_read(command->tool, status, path, NULL);
    status = kqw_issuer_read(kq_buffer_slice(&text), out, why);
    if (status != KQ_OK)
        return kq_tool_fail(command->tool, status, "Remove it and add it again.", "%s: %s", path, why);
    return KQ_OK;
}

static kq_status write_issuer(struct command *command, const struct kqw_issuer *issuer)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, KQW_ISSUER_FILE_MAX);
    KQ_TRY(path_of(command, issuer->name, path));
    kq_status status = kqw_issuer_write(issuer, &text);
    if (status == KQ_OK)
        status = kq_file_write(path, kq_buffer_slice(&text), 0644, KQ_FILE_REPLACE);
    if (status != KQ_OK)
        return kq_tool_fail(command->tool, status, NULL, "%s: it cannot be written (%s)", path, kq_status_text(status));
    return KQ_OK;
}

/* It would see the change by itself within seconds; with the signal it does at once. */
static void tell_service(struct command *command)
{
    pid_t pid;
    if (kq_service_find(&command->service, &pid) == KQ_OK && pid != 0)
        kq_ignore(kq_service_reload(&command->service), "said; keyvaultd looks at the folder every few seconds");
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The names of the folder's files, sorted; at most max. */
static size_t list_names(const struct command *command, char out[][KQW_ISSUER_NAME_SIZE], size_t max)
{
    DIR *folder = opendir(command->folder);
    const struct dirent *entry;
    size_t num = 0;
    while (folder != NULL && num < max && (entry = readdir(folder)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0 &&
            kq_text_copy(kq_slice_of(entry->d_name, len - 5), out[num], KQW_ISSUER_NAME_SIZE) &&
            kqw_issuer_name_is_valid(out[num]))
            num++;
    }
    if (folder != NULL)
        closedir(folder);
    qsort(out, num, KQW_ISSUER_NAME_SIZE, compare_texts);
    return num;
}

/* ---- what it prints ---------------------------------------------------------------------------- */

static void print_issuer(const struct command *command, const struct kqw_issuer *issuer)
{
    char time[KQ_TIME_TEXT_SIZE];
    json_t *audiences = json_array();
    kq_time_text(issuer->fetched, time);
    for (size_t i = 0; i < issuer->num_audiences; i++)
        (void)json_array_append_new(audiences, json_string(issuer->audiences[i]));
    if (command->tool->is_json) {
        kq_tool_print_json(json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:i}", "name", issuer->name, "issuer", issuer->url,
                                     "audiences", audiences, "objectClaim", issuer->object_claim, "clientClaim",
                                     issuer->client_claim, "fetched", time, "numKeys",
                                     (int)json_array_size(issuer->keys)));
        return;
    }
    printf("%s  %s\n  keys:      %zu, fetched %s\n  object:    %s\n  client:    %s\n", issuer->name, issuer->url,
           json_array_size(issuer->keys), time, issuer->object_claim, issuer->client_claim);
    if (issuer->tenant[0] != '\0')
        printf("  tenant:    %s\n", issuer->tenant);
    for (size_t i = 0; i < issuer->num_audiences; i++)
        printf("  audience:  %s\n", issuer->audiences[i]);
    if (issuer->num_audiences == 0)
        printf("  audience:  the vault's own names\n");
    json_decref(audiences);
}

/* ---- the acts ---------------------------------------------------------------------------------- */

/* A text of the command line into a place of the issuer; usage says what is wanted. */
static kq_status copy_option(struct command *command, const char *text, const char *wanted, bool is_valid, char *out,
                             size_t size)
{
    if (is_valid && kq_text_copy(kq_slice_text(text), out, size))
        return KQ_OK;
    return kq_tool_usage(command->tool, "%s", wanted);
}

static kq_status take_audiences(struct command *command, struct kqw_issuer *issuer)
{
    const char *rest = command->audiences;
    while (rest != NULL && rest[0] != '\0') {
        size_t len = strcspn(rest, ",");
        if (len == 0 || issuer->num_audiences == KQW_ISSUER_AUDIENCES_MAX ||
            !kq_text_copy(kq_slice_of(rest, len), issuer->audiences[issuer->num_audiences], KQW_ISSUER_URL_SIZE) ||
            !kq_text_is_printable(kq_slice_of(rest, len)))
            return kq_tool_usage(command->tool, "--audience: 1 to 8 texts separated by commas, each of 1 to 255 bytes");
        issuer->num_audiences++;
        rest += rest[len] == ',' ? len + 1 : len;
    }
    return KQ_OK;
}

static kq_status take_ca(struct command *command, struct kqw_issuer *issuer)
{
    if (command->ca == NULL)
        return KQ_OK;
    char *path = realpath(command->ca, NULL);
    bool fits = path != NULL && kq_text_copy(kq_slice_text(path), issuer->ca, sizeof issuer->ca);
    free(path);
    return fits ? KQ_OK : kq_tool_fail(command->tool, KQ_ERR_NOT_FOUND, NULL, "%s: it cannot be read", command->ca);
}

static kq_status take_options(struct command *command, struct kqw_issuer *issuer)
{
    const char *object = command->object_claim == NULL ? "sub" : command->object_claim;
    const char *client = command->client_claim == NULL ? "sub" : command->client_claim;
    const char *tenant = command->tenant == NULL ? "" : command->tenant;
    KQ_TRY(copy_option(command, command->words[1], "NAME is too long", true, issuer->name, sizeof issuer->name));
    KQ_TRY(copy_option(command, command->url,
                       "--url: an https URL of at most 255 bytes without user, query and fragment is wanted",
                       kqw_issuer_url_is_valid(command->url), issuer->url, sizeof issuer->url));
    KQ_TRY(copy_option(command, object, "--object-claim: oid or sub is wanted",
                       kqw_issuer_object_claim_is_valid(object), issuer->object_claim, sizeof issuer->object_claim));
    KQ_TRY(copy_option(command, client, "--client-claim: appid, azp, client_id or sub is wanted",
                       kqw_issuer_client_claim_is_valid(client), issuer->client_claim, sizeof issuer->client_claim));
    KQ_TRY(copy_option(command, tenant, "--tenant: a GUID is wanted",
                       tenant[0] == '\0' || kq_guid_is_valid(kq_slice_text(tenant)), issuer->tenant,
                       sizeof issuer->tenant));
    KQ_TRY(take_audiences(command, issuer));
    return take_ca(command, issuer);
}

/* keyvaultd takes the first of two with one URL, and 16 at most. */
static kq_status check_room(struct command *command, const struct kqw_issuer *issuer)
{
    char names[KQW_ISSUERS_MAX + 1][KQW_ISSUER_NAME_SIZE];
    size_t num = list_names(command, names, KQW_ISSUERS_MAX + 1);
    for (size_t i = 0; i < num; i++) {
        KQ_AUTO_VALUE(kqw_issuer) other = {.keys = NULL};
        KQ_TRY(read_issuer(command, names[i], &other));
        if (strcmp(other.name, issuer->name) == 0)
            return kq_tool_fail(command->tool, KQ_ERR_EXISTS, "Remove it first, or choose another name.",
                                "there is an issuer '%s' already", issuer->name);
        if (strcmp(other.url, issuer->url) == 0)
            return kq_tool_fail(command->tool, KQ_ERR_EXISTS, "Remove that one first.",
                                "issuer '%s' has this URL already", other.name);
    }
    if (num >= KQW_ISSUERS_MAX)
        return kq_tool_fail(command->tool, KQ_ERR_TOO_LARGE, "Remove one first.", "there are 16 issuers already");
    return KQ_OK;
}

static kq_status add(struct command *command)
{
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    KQ_AUTO_FD lock = -1;
    if (command->num_words != 2 || command->url == NULL)
        return kq_tool_usage(command->tool, "issuer add NAME --url https://ISSUER");
    KQ_TRY(check_name(command, command->words[1]));
    KQ_TRY(take_options(command, &issuer));
    KQ_TRY(open_for_change(command, &lock));
    KQ_TRY(check_room(command, &issuer));
    KQ_TRY(kq_issuer_fetch(command->tool, &issuer));
    KQ_TRY(write_issuer(command, &issuer));
    tell_service(command);
    print_issuer(command, &issuer);
    return KQ_OK;
}

static kq_status refresh_one(struct command *command, const char *name)
{
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    KQ_TRY(read_issuer(command, name, &issuer));
    KQ_TRY(kq_issuer_fetch(command->tool, &issuer));
    KQ_TRY(write_issuer(command, &issuer));
    print_issuer(command, &issuer);
    return KQ_OK;
}

/* One that does not answer keeps its keys, and does not keep the others from theirs. */
static kq_status refresh(struct command *command)
{
    char names[KQW_ISSUERS_MAX][KQW_ISSUER_NAME_SIZE];
    KQ_AUTO_FD lock = -1;
    kq_status status = KQ_OK;
    KQ_TRY(open_for_change(command, &lock));
    if (command->num_words == 2)
        status = refresh_one(command, command->words[1]);
    size_t num = command->num_words == 2 ? 0 : list_names(command, names, KQW_ISSUERS_MAX);
    for (size_t i = 0; i < num; i++) {
        kq_status one = refresh_one(command, names[i]);
        status = status == KQ_OK ? one : status;
    }
    tell_service(command);
    return status;
}

static kq_status list(struct command *command)
{
    char names[KQW_ISSUERS_MAX][KQW_ISSUER_NAME_SIZE];
    kq_status status = KQ_OK;
    KQ_TRY(open_folder(command));
    size_t num = list_names(command, names, KQW_ISSUERS_MAX);
    for (size_t i = 0; i < num; i++) {
        KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
        kq_status one = read_issuer(command, names[i], &issuer);
        if (one == KQ_OK)
            print_issuer(command, &issuer);
        status = status == KQ_OK ? one : status;
    }
    return status;
}

static kq_status remove_issuer(struct command *command)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_FD lock = -1;
    if (command->num_words != 2)
        return kq_tool_usage(command->tool, "issuer remove NAME");
    KQ_TRY(check_name(command, command->words[1]));
    KQ_TRY(open_for_change(command, &lock));
    KQ_TRY(path_of(command, command->words[1], path));
    if (unlink(path) != 0)
        return kq_tool_fail(command->tool, errno == ENOENT ? KQ_ERR_NOT_FOUND : KQ_ERR_IO,
                            "`keyquay issuer list` shows them.", "%s: %s", path, strerror(errno));
    tell_service(command);
    return KQ_OK;
}

/* ---- whoami ------------------------------------------------------------------------------------ */

/* The claims of a token, unverified: the person who asks has it, and is told what it says. */
static kq_status read_claims(struct command *command, json_t **out)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_status status = kq_file_read(command->token, TOKEN_MAX, &text);
    if (status != KQ_OK)
        return kq_tool_fail_read(command->tool, status, command->token, NULL);
    while (text.len > 0 && text.data[text.len - 1] <= ' ')
        text.len--;
    const uint8_t *first = text.len == 0 ? NULL : memchr(text.data, '.', text.len);
    size_t at = first == NULL ? text.len : (size_t)(first - text.data) + 1;
    const uint8_t *second = first == NULL ? NULL : memchr(text.data + at, '.', text.len - at);
    size_t end = second == NULL ? at : (size_t)(second - text.data);
    kq_buffer_init(&bytes, TOKEN_MAX);
    status = kq_base64url_decode(kq_slice_of(text.data + at, end - at), &bytes);
    *out = status == KQ_OK ? json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (*out != NULL)
        return KQ_OK;
    return kq_tool_fail(command->tool, KQ_ERR_FORMAT, NULL, "%s: it is not a JSON Web Token", command->token);
}

static const char *claim(const json_t *claims, const char *name)
{
    const char *text = json_string_value(json_object_get(claims, name));
    return text == NULL ? "" : text;
}

static kq_status print_caller(struct command *command, const struct kqw_issuer *issuer, const json_t *claims)
{
    char object[37], client[37];
    if (claim(claims, issuer->object_claim)[0] == '\0' || claim(claims, issuer->client_claim)[0] == '\0')
        return kq_tool_fail(command->tool, KQ_ERR_FORMAT, "Add the issuer again with other claims.",
                            "the token has no claim '%s' or no claim '%s'", issuer->object_claim, issuer->client_claim);
    kqw_issuer_guid(issuer->url, claim(claims, issuer->object_claim), object);
    kqw_issuer_guid(issuer->url, claim(claims, issuer->client_claim), client);
    if (command->tool->is_json)
        kq_tool_print_json(
            json_pack("{s:s, s:s, s:s}", "issuer", issuer->name, "objectId", object, "clientId", client));
    else
        printf("issuer:     %s\nobject id:  %s\nclient id:  %s\n", issuer->name, object, client);
    return KQ_OK;
}

static kq_status whoami(struct command *command)
{
    char names[KQW_ISSUERS_MAX][KQW_ISSUER_NAME_SIZE];
    json_t *claims = NULL;
    if (command->token == NULL)
        return kq_tool_usage(command->tool, "issuer whoami --token FILE");
    KQ_TRY(open_folder(command));
    KQ_TRY(read_claims(command, &claims));
    size_t num = list_names(command, names, KQW_ISSUERS_MAX);
    kq_status status = KQ_ERR_NOT_FOUND;
    for (size_t i = 0; i < num && status == KQ_ERR_NOT_FOUND; i++) {
        KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
        kq_status one = read_issuer(command, names[i], &issuer);
        if (one == KQ_OK && strcmp(claim(claims, "iss"), issuer.url) == 0)
            status = print_caller(command, &issuer, claims);
    }
    json_decref(claims);
    return status != KQ_ERR_NOT_FOUND ? status
                                      : kq_tool_fail(command->tool, status, "`keyquay issuer list` shows the issuers.",
                                                     "the token is of none of the issuers");
}

/* ---- the command line -------------------------------------------------------------------------- */

static kq_status act(struct command *command)
{
    static const struct {
        const char *name;
        kq_status (*run)(struct command *command);
    } acts[] = {{"add", add}, {"list", list}, {"refresh", refresh}, {"remove", remove_issuer}, {"whoami", whoami}};
    for (size_t i = 0; command->num_words > 0 && i < KQ_COUNT_OF(acts); i++)
        if (strcmp(acts[i].name, command->words[0]) == 0)
            return acts[i].run(command);
    return kq_tool_usage(command->tool, "say what to do: add, list, refresh, remove or whoami");
}

int kq_cmd_issuer(int argc, char **argv)
{
    struct kq_tool tool;
    struct command command = {.tool = &tool};
    kq_tool_init(&tool, "keyquay issuer", argc, argv);
    const struct kq_arg args[] = {
        {"data", 'd', &command.data, NULL, "DIR", "the operator's folder"},
        {"url", 'u', &command.url, NULL, "URL", "add: the issuer, as its tokens name it"},
        {"audience", 'a', &command.audiences, NULL, "AUD,...", "add: who its tokens are for (the names of the vault)"},
        {"tenant", 0, &command.tenant, NULL, "GUID", "add: the tid that its tokens must have"},
        {"object-claim", 0, &command.object_claim, NULL, "CLAIM", "add: oid or sub (sub)"},
        {"client-claim", 0, &command.client_claim, NULL, "CLAIM", "add: appid, azp, client_id or sub (sub)"},
        {"ca", 0, &command.ca, NULL, "FILE", "add: PEM of the authority of its host (the system's)"},
        {"token", 't', &command.token, NULL, "FILE", "whoami: a token"},
        {"json", 0, NULL, &tool.is_json, NULL, "print facts as JSON, a line for each issuer"},
    };
    const struct kq_args table = {
        .synopsis = "add NAME --url URL | list | refresh [NAME] | remove NAME | whoami --token FILE",
        .about = "OpenID Connect issuers whose tokens the vault takes. Their keys are fetched by this program,\n"
                 "for keyvaultd calls nobody: run `keyquay issuer refresh` from a timer. whoami shows the object\n"
                 "id that a token stands for, for access policies and role assignments.",
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
    return kq_tool_finish(&tool, act(&command));
}
