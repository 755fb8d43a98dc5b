#include "vault/api/toolsets.h"

#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "base/text.h"
#include "pubcrypto/hash.h"

#define ZIP_MAX (16u * 1024 * 1024)
#define FACTS_MAX (64u * 1024)
#define HEX_LEN 64u

static const char file_prefix[] = "KeyVault-BYOK-Tools-";
static const char sum_suffix[] = ".sha256";

void vault_toolset_clear(struct vault_toolset *toolset)
{
    kq_buffer_clear(&toolset->zip);
}

static kq_status toolset_path(const struct vault_service *service, const struct kq_region *region, const char *name,
                              char out[KQ_PATH_MAX])
{
    int len = snprintf(out, KQ_PATH_MAX, "%s/regions/%s/toolset/%s", service->data, region->name, name);
    return len > 0 && len < KQ_PATH_MAX ? KQ_OK : KQ_ERR_TOO_LARGE;
}

static void copy_hash(const json_t *facts, const char *name, char out[HEX_LEN + 1])
{
    uint8_t hash[32];
    const char *text = NULL;
    if (vault_json_string(facts, name, &text) && text != NULL && kq_hash_parse(kq_slice_text(text), hash))
        kq_hex_encode(kq_slice_of(hash, sizeof hash), out);
}

/* What was noted when the toolset was made; a folder without it shows less. */
static kq_status read_facts(const struct vault_service *service, const struct kq_region *region,
                            struct vault_toolset *toolset)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    char path[KQ_PATH_MAX], error[160];
    json_t *facts = NULL;
    KQ_TRY(toolset_path(service, region, "facts.json", path));
    kq_status status = kq_file_read(path, FACTS_MAX, &text);
    if (status == KQ_OK)
        status = vault_json_parse(kq_buffer_slice(&text), &facts, error, sizeof error);
    if (status != KQ_OK)
        return status == KQ_ERR_NOT_FOUND || status == KQ_ERR_FORMAT ? KQ_OK : status;
    bool is_rehearsal = false;
    copy_hash(facts, "rootHash", toolset->root_hash);
    if (vault_json_bool(facts, "rehearsal", &is_rehearsal))
        toolset->is_rehearsal = is_rehearsal;
    vault_json_free(facts);
    return KQ_OK;
}

kq_status vault_toolset_read(const struct vault_service *service, const struct kq_region *region,
                             struct vault_toolset *out)
{
    KQ_AUTO_VALUE(vault_toolset) toolset = {.size = 0};
    struct vault_region_facts facts;
    char path[KQ_PATH_MAX];
    uint8_t hash[32];
    KQ_TRY(vault_keyops_find_region(service->keyops, region->name, &facts));
    snprintf(toolset.file_name, sizeof toolset.file_name, "%s%s.zip", file_prefix, region->name);
    KQ_TRY(toolset_path(service, region, toolset.file_name, path));
    KQ_TRY(kq_file_read(path, ZIP_MAX, &toolset.zip));
    KQ_TRY(read_facts(service, region, &toolset));
    kq_sha256(kq_buffer_slice(&toolset.zip), hash);
    kq_hex_encode(kq_slice_of(hash, sizeof hash), toolset.sha256);
    kq_hex_encode(kq_slice_of(facts.hknso, sizeof facts.hknso), toolset.world_hash);
    memcpy(toolset.label, facts.label, sizeof toolset.label);
    toolset.size = toolset.zip.len;
    *out = toolset;
    toolset.zip = (struct kq_buffer){0};
    return KQ_OK;
}

const struct kq_region *vault_toolset_region(const char *file_name)
{
    char expected[80];
    for (size_t i = 0; i < kq_num_regions; i++) {
        snprintf(expected, sizeof expected, "%s%s.zip", file_prefix, kq_regions[i].name);
        if (strcasecmp(expected, file_name) == 0)
            return &kq_regions[i];
    }
    return NULL;
}

/* ---- handlers --------------------------------------------------------------------------- */

static json_t *toolset_json(const struct vault_call *call, const struct kq_region *region,
                            const struct vault_toolset *toolset)
{
    char url[sizeof call->base_url + 100];
    snprintf(url, sizeof url, "%s/toolsets/%s", call->base_url, toolset->file_name);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s?, s:b}", "name", region->name, "code", toolset->label,
                     "toolset", toolset->file_name, "sha256", toolset->sha256, "size", (json_int_t)toolset->size, "url",
                     url, "world", toolset->world_hash, "rootHash",
                     toolset->root_hash[0] == '\0' ? NULL : toolset->root_hash, "rehearsal",
                     (int)toolset->is_rehearsal);
}

static enum vault_problem add_toolset(struct vault_call *call, const struct kq_region *region, json_t *items)
{
    KQ_AUTO_VALUE(vault_toolset) toolset = {.size = 0};
    kq_status status = vault_toolset_read(call->service, region, &toolset);
    if (status == KQ_ERR_NOT_FOUND)
        return VAULT_OK;
    if (status != KQ_OK)
        return vault_fail_status(call, status, region->name, NULL);
    return json_array_append_new(items, toolset_json(call, region, &toolset)) == 0
               ? VAULT_OK
               : vault_fail_status(call, KQ_ERR_MEMORY, "toolsets", NULL);
}

enum vault_problem vault_toolsets_list(struct vault_call *call)
{
    struct vault_region_facts facts;
    enum vault_problem problem = VAULT_OK;
    kq_status status = KQ_OK;
    json_t *items = json_array();
    for (size_t i = 0; status == KQ_OK && problem == VAULT_OK; i++) {
        status = vault_keyops_region(call->service->keyops, i, &facts);
        if (status == KQ_OK)
            problem = add_toolset(call, facts.region, items);
    }
    if (problem == VAULT_OK && status != KQ_ERR_NOT_FOUND)
        problem = vault_fail_status(call, status, "regions", NULL);
    if (problem == VAULT_OK)
        return vault_reply(call, 200, json_pack("{s:o}", "value", items));
    json_decref(items);
    return problem;
}

static enum vault_problem reply_sum(struct vault_call *call, const struct vault_toolset *toolset)
{
    struct vault_http_response *response = call->response;
    char text[HEX_LEN + sizeof toolset->file_name + 4];
    int len = snprintf(text, sizeof text, "%s  %s\n", toolset->sha256, toolset->file_name);
    kq_buffer_init(&response->body, sizeof text);
    kq_status status = kq_buffer_append(&response->body, text, (size_t)len);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "toolset", NULL);
    response->status = 200;
    response->content_type = "text/plain; charset=utf-8";
    return VAULT_OK;
}

static enum vault_problem reply_zip(struct vault_call *call, struct vault_toolset *toolset)
{
    struct vault_http_response *response = call->response;
    char disposition[120];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", toolset->file_name);
    kq_status status = vault_http_response_header(response, "x-keyquay-sha256", toolset->sha256);
    if (status == KQ_OK)
        status = vault_http_response_header(response, "Content-Disposition", disposition);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "toolset", NULL);
    response->body = toolset->zip;
    toolset->zip = (struct kq_buffer){0};
    response->status = 200;
    response->content_type = "application/zip";
    return VAULT_OK;
}

enum vault_problem vault_toolsets_get(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_toolset) toolset = {.size = 0};
    char name[100];
    size_t len = strlen(call->names[0]), suffix_len = sizeof sum_suffix - 1;
    bool wants_sum = len > suffix_len && strcasecmp(call->names[0] + len - suffix_len, sum_suffix) == 0;
    bool fits = kq_text_copy(kq_slice_of(call->names[0], wants_sum ? len - suffix_len : len), name, sizeof name);
    const struct kq_region *region = fits ? vault_toolset_region(name) : NULL;
    kq_status status = region == NULL ? KQ_ERR_NOT_FOUND : vault_toolset_read(call->service, region, &toolset);
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_NOT_FOUND,
                          "There is no such toolset here. %s/toolsets lists those that are here; an operator makes "
                          "another region with `keyquay region create`.",
                          call->base_url);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "toolset", NULL);
    return wants_sum ? reply_sum(call, &toolset) : reply_zip(call, &toolset);
}
