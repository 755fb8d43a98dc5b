#include "tools/service/up.h"

#include <errno.h>
#include <ftw.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/cloud/subscriptions.h"
#include "tools/cloud/vaults.h"
#include "tools/hsm/start.h"

#define GROUP "keyquay"

/* ---- vaults ---- */

static kq_status have_vault(struct kq_service *service, struct kq_account *account, const struct kq_vault_wish *wish)
{
    json_t *vault = NULL;
    char wanted[KQ_LOCATION_SIZE];
    KQ_TRY(kq_vault_find(service->tool, account, wish->name, &vault));
    if (vault == NULL) {
        const struct kq_vault_plan plan = {wish->name, wish->location, "premium", account->subscription_id, GROUP};
        kq_service_say(service, "Making vault %s in %s ...", wish->name, wish->location);
        return kq_vault_make(service->tool, account, &plan, NULL);
    }
    const char *found = json_string_value(json_object_get(vault, "location"));
    kq_location_programmatic(wish->location, wanted);
    kq_status status = KQ_OK;
    if (found == NULL || strcasecmp(found, wanted) != 0)
        status = kq_tool_fail(service->tool, KQ_ERR_EXISTS, "A vault stays where it was made; choose another name.",
                              "vault %s is in %.40s, not in %s", wish->name, found != NULL ? found : "?", wanted);
    json_decref(vault);
    return status;
}

static kq_status have_vaults(struct kq_service *service, const struct kq_up_plan *plan)
{
    KQ_AUTO_VALUE(kq_account) account = {.num_addresses = 0};
    bool is_found;
    if (plan->num_vaults == 0)
        return KQ_OK;
    KQ_TRY(kq_operator_account(service->tool, service->data, &account, &is_found));
    if (!is_found)
        return kq_tool_fail(service->tool, KQ_ERR_NOT_FOUND, "Run it as the user who owns the folder.",
                            "%s/credentials.json cannot be read", service->data);
    for (size_t i = 0; i < plan->num_vaults; i++)
        KQ_TRY(have_vault(service, &account, &plan->vaults[i]));
    return KQ_OK;
}

/* ---- names ---- */

static bool resolves(const char *name)
{
    struct addrinfo *found = NULL;
    bool is_known = getaddrinfo(name, NULL, NULL, &found) == 0;
    if (is_known)
        freeaddrinfo(found);
    return is_known;
}

/* Our own programs know the addresses; other people's ask the resolver. */
static void explain_names(const struct kq_service *service, const struct kq_up_plan *plan, const json_t *endpoints)
{
    const char *domain = json_string_value(json_object_get(endpoints, "domain"));
    const char *address = json_string_value(json_array_get(json_object_get(endpoints, "addresses"), 0));
    char name[300];
    if (domain == NULL || address == NULL || service->is_quiet)
        return;
    snprintf(name, sizeof name, "login.%.200s", domain);
    if (resolves(name))
        return;
    size_t len = strlen(domain);
    const bool is_localhost = len >= 10 && strcasecmp(domain + len - 10, ".localhost") == 0;
    fprintf(stderr,
            "Names below %s do not resolve on this machine. Keyquay's own programs do not need that;\n"
            "for others %sadd this line to /etc/hosts, with each vault's name:\n%s login.%s management.%s",
            domain, is_localhost ? "install libnss-myhostname, or " : "", address, domain, domain);
    for (size_t i = 0; i < plan->num_vaults; i++)
        fprintf(stderr, " %s.vault.%s", plan->vaults[i].name, domain);
    fprintf(stderr, "\n");
}

/* A folder that was set up before keeps its configuration. */
static void explain_listen(const struct kq_service *service, const struct kq_up_plan *plan, const json_t *facts)
{
    const char *domain = json_string_value(json_object_get(facts, "domain"));
    const json_t *listen = json_object_get(facts, "listen");
    bool differs = plan->listen.domain != NULL && domain != NULL && strcasecmp(plan->listen.domain, domain) != 0;
    for (size_t i = 0; i < plan->listen.num; i++) {
        const char *port = strrchr(plan->listen.addresses[i], ':');
        char found[32];
        snprintf(found, sizeof found, ":%lld",
                 (long long)json_integer_value(json_object_get(json_array_get(listen, i), "port")));
        differs = differs || port == NULL || strcmp(port, found) != 0;
    }
    if (differs)
        fprintf(stderr, "keyquay up: --domain and --listen count for the first run; change %s/keyvaultd.conf.\n",
                service->data);
}

/* ---- up ---- */

kq_status kq_up(struct kq_service *service, struct kq_up_plan *plan, json_t **out_endpoints)
{
    json_t *facts = NULL, *endpoints = NULL;
    bool has_made, was_running;
    pid_t pid;
    KQ_TRY(kq_service_try_listen(service, &plan->listen));
    KQ_TRY(kq_service_make(service, &plan->regions, &has_made));
    was_running = kq_service_find(service, &pid) == KQ_OK;
    KQ_TRY(kq_service_init(service, &plan->listen, &facts));
    explain_listen(service, plan, facts);
    kq_status status = kq_service_start(service);
    if (status == KQ_OK && was_running && has_made)
        status = kq_service_reload(service);
    if (status == KQ_OK)
        status = kq_service_announce(service, facts, &endpoints);
    json_decref(facts);
    if (status == KQ_OK)
        status = have_vaults(service, plan);
    if (status != KQ_OK) {
        json_decref(endpoints);
        return status;
    }
    if (service->vault_user == NULL)
        kq_service_say(service, "key protection: none (one user)");
    explain_names(service, plan, endpoints);
    *out_endpoints = endpoints;
    return KQ_OK;
}

/* ---- down ---- */

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    return remove(path);
}

/* The keys vanish with the folder. Only a folder that `up --ephemeral` made
 * carries the mark. */
static kq_status remove_ephemeral(struct kq_service *service)
{
    char mark[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(service->data, "ephemeral", mark));
    if (!kq_file_exists(mark))
        return KQ_OK;
    if (nftw(service->data, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return kq_tool_fail(service->tool, KQ_ERR_IO, "Remove it by hand: the keys lie there.",
                            "%s: could not be removed (%s)", service->data, strerror(errno));
    return KQ_OK;
}

static bool is_any_running(char folders[][KQ_PATH_MAX], size_t num)
{
    pid_t pid;
    bool is_running = false;
    for (size_t i = 0; i < num; i++)
        is_running = is_running || kq_hsm_find(folders[i], &pid) == KQ_OK;
    return is_running;
}

kq_status kq_down(struct kq_service *service, bool *out_was_running)
{
    char folders[KQ_SERVICE_FOLDERS_MAX][KQ_PATH_MAX];
    kq_status status = kq_service_stop(service);
    bool was_running = status == KQ_OK;
    if (status != KQ_ERR_NOT_FOUND)
        KQ_TRY(status);
    size_t num = kq_service_folders(service, folders, KQ_SERVICE_FOLDERS_MAX - 1);
    KQ_TRY(kq_path_join(service->data, "factory", folders[num++]));
    was_running = is_any_running(folders, num) || was_running;
    KQ_TRY(kq_service_stop_modules(service, folders, num));
    *out_was_running = was_running;
    return remove_ephemeral(service);
}
