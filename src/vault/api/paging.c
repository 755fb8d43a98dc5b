#include "vault/api/paging.h"

#include "base/text.h"
#include "vault/api/bundle.h"

#define RESULTS_MAX 25u
#define TOKEN_MAX (VAULT_MARKER_SIZE * 2)

kq_status vault_skip_token_encode(const char *marker, struct kq_buffer *out)
{
    return kq_base64url_encode(kq_slice_text(marker), out);
}

kq_status vault_skip_token_decode(const char *token, char out_marker[VAULT_MARKER_SIZE])
{
    KQ_AUTO_VALUE(kq_buffer) marker = {0};
    kq_buffer_init(&marker, VAULT_MARKER_SIZE - 1);
    kq_status status = kq_base64url_decode(kq_slice_text(token), &marker);
    if (status == KQ_ERR_MEMORY)
        return status;
    bool is_good = status == KQ_OK && marker.len > 0 && kq_text_is_printable(kq_buffer_slice(&marker)) &&
                   kq_text_copy(kq_buffer_slice(&marker), out_marker, VAULT_MARKER_SIZE);
    return is_good ? KQ_OK : KQ_ERR_FORMAT;
}

enum vault_problem vault_list_begin(struct vault_call *call, struct vault_list *list)
{
    const char *wanted = vault_http_parameter(call->request, "maxresults");
    const char *token = vault_http_parameter(call->request, "$skiptoken");
    uint64_t max = RESULTS_MAX;
    if (wanted != NULL && (!kq_uint_parse(kq_slice_text(wanted), RESULTS_MAX, &max) || max == 0))
        return vault_fail(call, VAULT_BAD_PARAMETER, "maxresults must be a number from 1 to 25.");
    if (token != NULL && token[0] != '\0' && vault_skip_token_decode(token, list->marker) != KQ_OK)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "$skiptoken is not one of this service: follow nextLink as it was given.");
    list->call = call;
    list->page = (struct vault_page){.marker = list->marker, .max = (size_t)max};
    list->items = json_array();
    return list->items == NULL ? vault_fail(call, VAULT_INTERNAL, "out of memory") : VAULT_OK;
}

bool vault_list_add(struct vault_list *list, json_t *item)
{
    if (item == NULL || json_array_append_new(list->items, item) != 0)
        list->has_failed = true;
    return !list->has_failed;
}

static const char *path_of(const struct vault_call *call, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < call->request->num_segments && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "/%s", call->request->segments[i]);
    return out;
}

/* With the port even where it is the usual one, as the real service has it. */
static json_t *next_link(const struct vault_list *list)
{
    const struct vault_call *call = list->call;
    const char *version = vault_http_parameter(call->request, "api-version");
    char path[512];
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    kq_buffer_init(&token, TOKEN_MAX);
    /* The version is echoed only where it is made of what versions are made of. */
    if (version == NULL || strspn(version, "0123456789.-abcdefghijklmnopqrstuvwxyz") != strlen(version))
        version = "7.4";
    if (vault_skip_token_encode(list->page.next, &token) != KQ_OK)
        return NULL;
    return json_sprintf("https://%s:%u%s?api-version=%s&$skiptoken=%.*s&maxresults=%zu", call->request->host,
                        (unsigned)call->request->port, path_of(call, path, sizeof path), version, (int)token.len,
                        (const char *)token.data, list->page.max);
}

enum vault_problem vault_list_reply(struct vault_list *list)
{
    if (list->has_failed)
        return vault_fail(list->call, VAULT_INTERNAL, "out of memory, or a damaged row, while listing");
    json_t *value = json_object();
    json_t *link = list->page.next[0] == '\0' ? json_null() : next_link(list);
    bool ok = value != NULL && json_object_set(value, "value", list->items) == 0;
    ok = link != NULL && json_object_set_new(value, "nextLink", link) == 0 && ok;
    if (!ok) {
        json_decref(value);
        value = NULL;
    }
    return vault_reply(list->call, 200, value);
}

void vault_list_clear(struct vault_list *list)
{
    json_decref(list->items);
    list->items = NULL;
}
