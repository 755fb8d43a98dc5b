#include "tools/cloud/endpoints.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"

#define ENDPOINTS_MAX (256u * 1024)

struct kq_endpoints {
    json_t *root;
    struct kq_endpoint_region found;
};

kq_status kq_endpoints_read(const char *path, struct kq_endpoints **out, char *out_error, size_t size)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_status status = kq_file_read(path, ENDPOINTS_MAX, &bytes);
    if (status != KQ_OK) {
        snprintf(out_error, size, "%.150s: %s", path, kq_status_text(status));
        return status;
    }
    json_error_t where;
    json_t *root = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(root)) {
        json_decref(root);
        snprintf(out_error, size, "%.150s: line %d is not the JSON of an endpoints file", path,
                 where.line > 0 ? where.line : 1);
        return KQ_ERR_FORMAT;
    }
    struct kq_endpoints *endpoints = calloc(1, sizeof *endpoints);
    if (endpoints == NULL) {
        json_decref(root);
        snprintf(out_error, size, "no memory");
        return KQ_ERR_MEMORY;
    }
    endpoints->root = root;
    *out = endpoints;
    return KQ_OK;
}

void kq_endpoints_free(struct kq_endpoints *endpoints)
{
    if (endpoints == NULL)
        return;
    json_decref(endpoints->root);
    free(endpoints);
}

const char *kq_endpoints_text(const struct kq_endpoints *endpoints, const char *name)
{
    return json_string_value(json_object_get(endpoints->root, name));
}

size_t kq_endpoints_addresses(const struct kq_endpoints *endpoints, const char **out, size_t max)
{
    size_t index, num = 0;
    json_t *address;
    json_array_foreach(json_object_get(endpoints->root, "addresses"), index, address)
    {
        if (num < max && json_is_string(address))
            out[num++] = json_string_value(address);
    }
    return num;
}

const struct kq_endpoint_region *kq_endpoints_find_toolset(struct kq_endpoints *endpoints, const char *sha256)
{
    if (endpoints == NULL)
        return NULL;
    size_t index;
    json_t *region;
    json_array_foreach(json_object_get(endpoints->root, "regions"), index, region)
    {
        struct kq_endpoint_region found = {json_string_value(json_object_get(region, "name")),
                                           json_string_value(json_object_get(region, "code")),
                                           json_string_value(json_object_get(region, "toolsetSha256"))};
        if (found.name != NULL && found.code != NULL && found.toolset_sha256 != NULL &&
            strcasecmp(found.toolset_sha256, sha256) == 0) {
            endpoints->found = found;
            return &endpoints->found;
        }
    }
    return NULL;
}
