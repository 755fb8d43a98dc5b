/* What the outside needs to know, as files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tools/region/publish.h"
#include "tools/service/service.h"

#define ENDPOINTS_MAX (256u * 1024)
#define HOST_SIZE 512

struct names {
    const char *domain;
    char port[8]; /* ":8443", "" for 443 */
    char suffix[HOST_SIZE];
    char login[HOST_SIZE];
    char management[HOST_SIZE];
    char vault_resource[HOST_SIZE];
};

static void fill_names(const char *domain, json_int_t port, struct names *out)
{
    out->domain = domain;
    out->port[0] = '\0';
    if (port != 443)
        snprintf(out->port, sizeof out->port, ":%u", (unsigned)port & 0xffff);
    snprintf(out->suffix, HOST_SIZE, ".vault.%s%s", domain, out->port);
    snprintf(out->login, HOST_SIZE, "https://login.%s%s", domain, out->port);
    snprintf(out->management, HOST_SIZE, "https://management.%s%s", domain, out->port);
    snprintf(out->vault_resource, HOST_SIZE, "https://vault.%s%s", domain, out->port);
}

kq_status kq_service_suffix(const char *domain, const char *address, char *out, size_t size)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    struct names names;
    if (colon == NULL || !kq_uint_parse(kq_slice_text(colon + 1), 65535, &port) || port == 0 || strlen(domain) > 200)
        return KQ_ERR_ARGUMENT;
    fill_names(domain, (json_int_t)port, &names);
    return kq_text_copy(kq_slice_text(names.suffix), out, size) ? KQ_OK : KQ_ERR_TOO_LARGE;
}

/* ---- pieces ---- */

/* Where clients of this machine connect: a wildcard is reached by loopback;
 * addresses with another port than the first, which URLs carry, are left out. */
static json_t *addresses_json(const json_t *listen, json_int_t port)
{
    json_t *list = json_array(), *at;
    size_t index;
    json_array_foreach(listen, index, at)
    {
        const char *address = json_string_value(json_object_get(at, "address"));
        if (address == NULL || json_integer_value(json_object_get(at, "port")) != port)
            continue;
        address = strcmp(address, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(address, "::") == 0 ? "::1" : address;
        json_array_append_new(list, json_string(address));
    }
    return list;
}

static json_t *regions_json(struct kq_service *service, const struct names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kq_num_regions; i++) {
        struct kq_region_folder folder;
        char path[KQ_PATH_MAX], url[HOST_SIZE + 128];
        if (kq_region_folder_init(&folder, service->data, &kq_regions[i]) != KQ_OK ||
            kq_region_newest_generation(&folder) == 0 || kq_path_join(folder.path, "toolset/facts.json", path) != KQ_OK)
            continue;
        json_t *region = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
        const char *zip = json_string_value(json_object_get(region, "toolset"));
        if (zip == NULL || kq_path_join(folder.path, "hardserver.sock", path) != KQ_OK) {
            json_decref(region);
            continue;
        }
        snprintf(url, sizeof url, "%s/toolsets/%.100s", names->login, zip);
        json_object_set_new(region, "socket", json_string(path));
        json_object_set_new(region, "toolsetUrl", json_string(url));
        json_array_append_new(list, region);
    }
    return list;
}

static json_t *cloud_json(const struct names *names)
{
    char active_directory[HOST_SIZE + 8];
    snprintf(active_directory, sizeof active_directory, "%s/adfs", names->login);
    return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:{s:s}}", "endpoints", "resource_manager", names->management,
                     "management", names->management, "active_directory", active_directory,
                     "active_directory_resource_id", names->management, "active_directory_graph_resource_id",
                     names->management, "microsoft_graph_resource_id", names->management, "suffixes", "keyvault_dns",
                     names->suffix);
}

/* The default subscription: the one announced before, else the one that first
 * runs make for production, else the first. */
static const char *default_subscription(struct kq_service *service, const json_t *subscriptions)
{
    json_t *before = NULL, *item;
    const char *found = json_string_value(json_object_get(json_array_get(subscriptions, 0), "id"));
    size_t index;
    kq_ignore(kq_service_announced(service, &before), "the first run");
    const char *known = json_string_value(json_object_get(before, "subscriptionId"));
    json_array_foreach(subscriptions, index, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        const char *name = json_string_value(json_object_get(item, "name"));
        const bool is_known = known != NULL && id != NULL && strcmp(id, known) == 0;
        if (is_known || (known == NULL && name != NULL && strcmp(name, "Production") == 0))
            found = id;
    }
    json_decref(before);
    return found != NULL ? found : "";
}

static json_t *endpoints_json(struct kq_service *service, const json_t *facts, const struct names *names,
                              const char *cloud_path)
{
    const json_t *listen = json_object_get(facts, "listen");
    json_t *subscriptions = json_object_get(facts, "subscriptions");
    const char *chosen = default_subscription(service, subscriptions);
    json_int_t port = json_integer_value(json_object_get(json_array_get(listen, 0), "port"));
    json_t *object =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "version", 1, "vaultSuffix", names->suffix, "login",
                  names->login, "management", names->management, "graph", names->management, "tenantId",
                  json_string_value(json_object_get(facts, "tenantId")), "subscriptionId", chosen);
    json_object_set(object, "ca", json_object_get(facts, "ca"));
    json_object_set_new(object, "azCloudConfig", json_string(cloud_path));
    json_object_set_new(object, "regions", regions_json(service, names));
    json_object_set(object, "subscriptions", subscriptions);
    json_object_set(object, "clientId", json_object_get(facts, "clientId"));
    json_object_set_new(object, "domain", json_string(names->domain));
    json_object_set_new(object, "port", json_integer(port));
    json_object_set_new(object, "addresses", addresses_json(listen, port));
    json_object_set_new(object, "vaultResource", json_string(names->vault_resource));
    json_object_set_new(object, "data", json_string(service->data));
    return object;
}

/* ---- writing ---- */

static kq_status write_json(struct kq_service *service, const char *path, const json_t *object)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    kq_status status = text == NULL ? KQ_ERR_MEMORY : kq_file_write(path, kq_slice_text(text), 0644, KQ_FILE_REPLACE);
    free(text);
    if (status != KQ_OK)
        return kq_tool_fail(service->tool, status, "Make room or give access, then run the command again.",
                            "%s: could not be written (%s)", path, strerror(errno));
    return KQ_OK;
}

kq_status kq_service_announce(struct kq_service *service, const json_t *facts, json_t **out)
{
    char path[KQ_PATH_MAX], cloud_path[KQ_PATH_MAX];
    struct names names;
    const json_t *first = json_array_get(json_object_get(facts, "listen"), 0);
    fill_names(json_string_value(json_object_get(facts, "domain")), json_integer_value(json_object_get(first, "port")),
               &names);
    KQ_TRY(kq_path_join(service->data, "endpoints.json", path));
    KQ_TRY(kq_path_join(service->data, "az-cloud.json", cloud_path));
    json_t *cloud = cloud_json(&names);
    kq_status status = write_json(service, cloud_path, cloud);
    json_decref(cloud);
    KQ_TRY(status);
    json_t *endpoints = endpoints_json(service, facts, &names, cloud_path);
    status = write_json(service, path, endpoints);
    if (status != KQ_OK)
        json_decref(endpoints);
    else
        *out = endpoints;
    return status;
}

kq_status kq_service_announced(const struct kq_service *service, json_t **out)
{
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_TRY(kq_path_join(service->data, "endpoints.json", path));
    KQ_TRY(kq_file_read(path, ENDPOINTS_MAX, &bytes));
    json_t *object = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return KQ_ERR_FORMAT;
    }
    *out = object;
    return KQ_OK;
}
