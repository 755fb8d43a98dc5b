#include "webclient/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wipe.h"

#define CONNECT_MS 10000
#define TOTAL_MS 60000
#define RESPONSE_MAX (1024u * 1024)
#define REQUEST_MAX (16u * 1024 * 1024)
#define DOMAIN_SIZE 254
#define ADDRESS_SIZE 48
#define BEARER_PREFIX "Authorization: Bearer "

struct kqw_client {
    CURL *curl;
    char *ca_path;
    char domain[DOMAIN_SIZE]; /* "" without a pin */
    char addresses[KQW_ADDRESSES_MAX][ADDRESS_SIZE];
    size_t num_addresses;
    uint64_t connect_ms, total_ms;
    size_t max_response;
};

/* One request on its way. */
struct exchange {
    struct kqw_client *client;
    const struct kqw_request *request;
    struct curl_slist *headers;
    struct curl_slist *resolve;
    struct kqw_response response;
    kq_status failure; /* of a callback */
    char words[CURL_ERROR_SIZE];
};

/* ---- the client ---- */

static kq_status copy_pin(struct kqw_client *client, const struct kqw_pin *pin)
{
    if (pin->num_addresses == 0 || pin->num_addresses > KQW_ADDRESSES_MAX ||
        !kq_text_copy(kq_slice_text(pin->domain), client->domain, sizeof client->domain))
        return KQ_ERR_ARGUMENT;
    for (size_t i = 0; i < pin->num_addresses; i++) {
        const char *address = pin->addresses[i];
        if (strspn(address, "0123456789abcdefABCDEF.:") != strlen(address) ||
            !kq_text_copy(kq_slice_text(address), client->addresses[i], ADDRESS_SIZE))
            return KQ_ERR_ARGUMENT;
    }
    client->num_addresses = pin->num_addresses;
    return KQ_OK;
}

kq_status kqw_client_new(const struct kqw_options *options, struct kqw_client **out)
{
    KQ_AUTO(kqw_client) client = calloc(1, sizeof *client);
    if (client == NULL)
        return KQ_ERR_MEMORY;
    client->connect_ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_MS;
    client->total_ms = options->total_ms > 0 ? options->total_ms : TOTAL_MS;
    client->max_response = options->max_response > 0 ? options->max_response : RESPONSE_MAX;
    if (options->ca_path != NULL) {
        if (access(options->ca_path, R_OK) != 0)
            return KQ_ERR_NOT_FOUND;
        client->ca_path = strdup(options->ca_path);
        if (client->ca_path == NULL)
            return KQ_ERR_MEMORY;
    }
    if (options->pin != NULL)
        KQ_TRY(copy_pin(client, options->pin));
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        return KQ_ERR_MEMORY;
    *out = KQ_TAKE(client);
    return KQ_OK;
}

void kqw_client_free(struct kqw_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    free(client->ca_path);
    free(client);
}

void kqw_response_clear(struct kqw_response *response)
{
    kq_buffer_clear(&response->body);
}

/* ---- where to ---- */

struct target {
    char host[DOMAIN_SIZE];
    char port[8];
};

static kq_status split_url(const char *url, struct target *out)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    kq_status status = KQ_ERR_ARGUMENT;
    if (parts == NULL)
        return KQ_ERR_MEMORY;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK && strcmp(scheme, "https") == 0 &&
        kq_text_copy(kq_slice_text(host), out->host, sizeof out->host) &&
        kq_text_copy(kq_slice_text(port), out->port, sizeof out->port))
        status = KQ_OK;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return status;
}

static bool is_pinned(const struct kqw_client *client, const char *host)
{
    size_t len = strlen(host), domain_len = strlen(client->domain);
    if (domain_len == 0 || len < domain_len || strcasecmp(host + len - domain_len, client->domain) != 0)
        return false;
    return len == domain_len || host[len - domain_len - 1] == '.';
}

/* "host:port:address,address" for libcurl, which then tries them side by side. */
static kq_status pin_host(struct exchange *exchange, const struct target *target)
{
    const struct kqw_client *client = exchange->client;
    char entry[DOMAIN_SIZE + 16 + KQW_ADDRESSES_MAX * (ADDRESS_SIZE + 3)];
    int len = snprintf(entry, sizeof entry, "%s:%s:", target->host, target->port);
    for (size_t i = 0; i < client->num_addresses; i++) {
        const char *address = client->addresses[i];
        const bool is_v6 = strchr(address, ':') != NULL;
        len += snprintf(entry + len, sizeof entry - (size_t)len, "%s%s%s%s", i > 0 ? "," : "", is_v6 ? "[" : "",
                        address, is_v6 ? "]" : "");
    }
    exchange->resolve = curl_slist_append(NULL, entry);
    return exchange->resolve == NULL ? KQ_ERR_MEMORY : KQ_OK;
}

/* ---- callbacks ---- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    exchange->failure = kq_buffer_append(&exchange->response.body, data, size * count);
    return exchange->failure == KQ_OK ? size * count : 0;
}

static void keep_header(struct kq_slice line, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    if (line.len < len || strncasecmp((const char *)line.data, name, len) != 0)
        return;
    while (line.len > len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    while (line.len > len && line.data[len] == ' ')
        len++;
    (void)kq_text_copy(kq_slice_of(line.data + len, line.len - len), out, size);
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct kq_slice line = kq_slice_of((const uint8_t *)data, size * count);
    keep_header(line, "content-type:", exchange->response.content_type, sizeof exchange->response.content_type);
    keep_header(line, "www-authenticate:", exchange->response.challenge, sizeof exchange->response.challenge);
    return size * count;
}

/* ---- the request ---- */

static kq_status add_header(struct exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer == NULL)
        return KQ_ERR_MEMORY;
    exchange->headers = longer;
    return KQ_OK;
}

/* A secret that holds a line end would add headers of its own. */
static kq_status add_bearer(struct exchange *exchange)
{
    struct kq_slice token = kq_secret_borrow(exchange->request->bearer);
    KQ_AUTO_VALUE(kq_buffer) line = {0};
    for (size_t i = 0; i < token.len; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~')
            return KQ_ERR_ARGUMENT;
    }
    kq_buffer_init(&line, KQ_SECRET_MAX + sizeof BEARER_PREFIX);
    KQ_TRY(kq_buffer_append(&line, BEARER_PREFIX, sizeof BEARER_PREFIX - 1));
    KQ_TRY(kq_buffer_append(&line, token.data, token.len));
    KQ_TRY(kq_buffer_append(&line, "", 1));
    return add_header(exchange, (const char *)line.data);
}

static kq_status set_headers(struct exchange *exchange)
{
    const struct kqw_request *request = exchange->request;
    char line[128];
    KQ_TRY(add_header(exchange, "Expect:")); /* one round trip less */
    if (request->content_type != NULL) {
        snprintf(line, sizeof line, "Content-Type: %.100s", request->content_type);
        KQ_TRY(add_header(exchange, line));
    }
    return request->bearer != NULL ? add_bearer(exchange) : KQ_OK;
}

static bool set_transport(struct exchange *exchange)
{
    CURL *curl = exchange->client->curl;
    const struct kqw_client *client = exchange->client;
    bool is_set = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_ms) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)client->total_ms) == CURLE_OK;
    if (client->ca_path != NULL)
        is_set = is_set && curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_path) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (exchange->resolve != NULL) /* a proxy would not know our own names */
        is_set = is_set && curl_easy_setopt(curl, CURLOPT_RESOLVE, exchange->resolve) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK;
    return is_set;
}

static bool set_request(struct exchange *exchange)
{
    CURL *curl = exchange->client->curl;
    const struct kqw_request *request = exchange->request;
    bool is_set = curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_USERAGENT, "keyquay") == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->words) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange) == CURLE_OK;
    if (request->content_type != NULL)
        is_set =
            is_set && curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.data : "") ==
                CURLE_OK;
    if (strcmp(request->method, "HEAD") == 0)
        is_set = is_set && curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
    return is_set;
}

/* ---- what came of it ---- */

static kq_status explain(const struct exchange *exchange, CURLcode code, const struct target *target, char *out)
{
    const char *words = exchange->words[0] != '\0' ? exchange->words : curl_easy_strerror(code);
    switch (code) {
    case CURLE_WRITE_ERROR:
        snprintf(out, KQW_ERROR_SIZE, "%s: the answer is longer than %zu bytes", target->host,
                 exchange->client->max_response);
        return exchange->failure != KQ_OK ? exchange->failure : KQ_ERR_IO;
    case CURLE_PEER_FAILED_VERIFICATION:
        snprintf(out, KQW_ERROR_SIZE,
                 "%s: its certificate does not verify (%.150s); name the private CA that signed it in KEYQUAY_CA",
                 target->host, words);
        return KQ_ERR_UNTRUSTED;
    case CURLE_SSL_CACERT_BADFILE:
        snprintf(out, KQW_ERROR_SIZE, "%.200s: cannot be used as a CA; it must be a PEM file",
                 exchange->client->ca_path != NULL ? exchange->client->ca_path : "the system's authorities");
        return KQ_ERR_UNTRUSTED;
    case CURLE_COULDNT_RESOLVE_HOST:
        snprintf(out, KQW_ERROR_SIZE,
                 "%s: the name does not resolve; set KEYQUAY_ENDPOINTS to the vault's endpoints.json, which has the "
                 "address, or add the name to /etc/hosts",
                 target->host);
        return KQ_ERR_CONNECT;
    case CURLE_COULDNT_CONNECT:
        snprintf(out, KQW_ERROR_SIZE, "%s, port %s: nothing answers there; `keyquay status` tells whether it runs",
                 target->host, target->port);
        return KQ_ERR_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        snprintf(out, KQW_ERROR_SIZE, "%s, port %s: no answer in time (%.150s); try again, or look at its log",
                 target->host, target->port, words);
        return KQ_ERR_CONNECT;
    case CURLE_OUT_OF_MEMORY:
        snprintf(out, KQW_ERROR_SIZE, "no memory");
        return KQ_ERR_MEMORY;
    default:
        snprintf(out, KQW_ERROR_SIZE, "%s, port %s: %.200s", target->host, target->port, words);
        return KQ_ERR_CONNECT;
    }
}

static kq_status perform(struct exchange *exchange, const struct target *target, char *out_error)
{
    struct kqw_client *client = exchange->client;
    long status = 0;
    curl_easy_reset(client->curl); /* keeps connections */
    if (!set_transport(exchange) || !set_request(exchange)) {
        snprintf(out_error, KQW_ERROR_SIZE, "%s: this libcurl cannot do what is needed", target->host);
        return KQ_ERR_UNSUPPORTED;
    }
    CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK)
        return explain(exchange, code, target, out_error);
    if (curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 100 || status > 999)
        return KQ_ERR_FORMAT;
    exchange->response.status = (unsigned)status;
    return KQ_OK;
}

static kq_status prepare(struct exchange *exchange, const struct target *target)
{
    if (exchange->request->body.len > REQUEST_MAX)
        return KQ_ERR_TOO_LARGE;
    KQ_TRY(set_headers(exchange));
    return is_pinned(exchange->client, target->host) ? pin_host(exchange, target) : KQ_OK;
}

kq_status kqw_send(struct kqw_client *client, const struct kqw_request *request, struct kqw_response *out,
                   char *out_error)
{
    struct exchange exchange = {.client = client, .request = request};
    struct target target;
    kq_status status = split_url(request->url, &target);
    if (status != KQ_OK) {
        snprintf(out_error, KQW_ERROR_SIZE, "'%.200s' is not an https:// address", request->url);
        return status;
    }
    kq_buffer_init(&exchange.response.body, client->max_response);
    status = prepare(&exchange, &target);
    if (status != KQ_OK)
        snprintf(out_error, KQW_ERROR_SIZE, "%s: the request could not be made: %s", target.host,
                 kq_status_text(status));
    else
        status = perform(&exchange, &target, out_error);
    curl_slist_free_all(exchange.headers);
    curl_slist_free_all(exchange.resolve);
    if (status != KQ_OK) {
        kqw_response_clear(&exchange.response);
        return status;
    }
    *out = exchange.response;
    return KQ_OK;
}

/* ---- reading answers ---- */

kq_status kqw_response_json(const struct kqw_response *response, json_t **out)
{
    json_t *value = json_loadb((const char *)response->body.data, response->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (value == NULL)
        return KQ_ERR_FORMAT;
    *out = value;
    return KQ_OK;
}

static kq_status status_of(unsigned http_status)
{
    switch (http_status) {
    case 401:
    case 403:
        return KQ_ERR_DENIED;
    case 404:
        return KQ_ERR_NOT_FOUND;
    case 409:
        return KQ_ERR_EXISTS;
    case 413:
        return KQ_ERR_TOO_LARGE;
    case 429:
    case 503:
        return KQ_ERR_WAIT;
    default:
        return http_status >= 400 && http_status < 500 ? KQ_ERR_ARGUMENT : KQ_ERR_IO;
    }
}

kq_status kqw_response_status(const struct kqw_response *response, char *out_text, size_t size)
{
    json_t *value = NULL;
    if (response->status >= 200 && response->status < 300)
        return KQ_OK;
    snprintf(out_text, size, "HTTP status %u", response->status);
    if (kqw_response_json(response, &value) != KQ_OK)
        return status_of(response->status);
    /* {"error":{"code","message"}}, or OAuth's {"error","error_description"} */
    json_t *error = json_object_get(value, "error");
    const char *code =
        json_is_object(error) ? json_string_value(json_object_get(error, "code")) : json_string_value(error);
    const char *message = json_string_value(json_is_object(error) ? json_object_get(error, "message")
                                                                  : json_object_get(value, "error_description"));
    if (code != NULL && message != NULL && kq_text_is_printable(kq_slice_text(code)) &&
        kq_text_is_printable(kq_slice_text(message)))
        snprintf(out_text, size, "%s: %s", code, message);
    json_decref(value);
    return status_of(response->status);
}
