/* An HTTPS server over vault/http for tests: says back what it understood.
 *
 *   http_echo FOLDER NAME=NUMBER...
 *
 * Makes a CA (FOLDER/ca.pem) and a server's key and certificate, listens on
 * 127.0.0.1 at a free port, prints the port, serves until SIGTERM, and prints
 * "stopped". SIGHUP brings a new certificate under the same CA. NAMEs are those
 * of vault_http_options, and external=1: sign through the callback.
 *
 *   /echo...       what it saw, as JSON        /body    the request's body
 *   /sleep/MS      answers after so long       /big/N   N bytes
 *   /counters      the server's counters       /override  headers of its own
 *
 * X-Known: N is a client that is known at a glance, X-Proof: N one that is found on a closer look. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "harness/http_keys.h"
#include "vault/http/server.h"

struct echo {
    const char *folder;
    struct vault_http_server *_Atomic server; /* handlers may run before start has returned */
    struct http_key ca;
    struct http_key key;
    struct kq_buffer ca_pem;
    struct kq_buffer server_pem;
    struct kq_buffer key_pem;
    uint64_t is_external;
};

static void say(struct vault_http_response *response, const char *text)
{
    if (kq_buffer_append(&response->body, text, strlen(text)) != KQ_OK)
        KQ_BUG("the answer is too long");
}

static void say_string(struct vault_http_response *response, const char *text)
{
    char escaped[8];
    say(response, "\"");
    for (; *text != '\0'; text++) {
        snprintf(escaped, sizeof escaped, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
        say(response, escaped);
    }
    say(response, "\"");
}

static void say_number(struct vault_http_response *response, const char *name, uint64_t number)
{
    char text[96];
    snprintf(text, sizeof text, ",\"%s\":%llu", name, (unsigned long long)number);
    say(response, text);
}

static void echo(const struct vault_http_request *request, struct vault_http_response *response)
{
    say(response, "{\"method\":");
    say_string(response, vault_method_text(request->method));
    say(response, ",\"host\":");
    say_string(response, request->host);
    say(response, ",\"target\":");
    say_string(response, request->target);
    say(response, ",\"peer\":");
    say_string(response, request->peer_address);
    say(response, ",\"segments\":[");
    for (size_t i = 0; i < request->num_segments; i++) {
        say(response, i == 0 ? "" : ",");
        say_string(response, request->segments[i]);
    }
    say(response, "],\"parameters\":[");
    for (size_t i = 0; i < request->num_parameters; i++) {
        say(response, i == 0 ? "[" : ",[");
        say_string(response, request->parameters[i].name);
        say(response, ",");
        say_string(response, request->parameters[i].value);
        say(response, "]");
    }
    say(response, "]");
    const char *test = vault_http_header(request, "x-test");
    say(response, ",\"test\":");
    say_string(response, test == NULL ? "" : test);
    say_number(response, "port", request->port);
    say_number(response, "body", request->body.len);
    say(response, "}");
}

static void count(const struct echo *state, struct vault_http_response *response)
{
    struct vault_http_counters counters;
    vault_http_count(state->server, &counters);
    say(response, "{\"pid\":1");
    say_number(response, "requests", counters.num_requests);
    say_number(response, "refused", counters.num_refused);
    say_number(response, "connections", counters.num_connections);
    say_number(response, "waiting", counters.num_waiting);
    say(response, "}");
}

static uint64_t second_segment(const struct vault_http_request *request)
{
    uint64_t number = 0;
    if (request->num_segments > 1)
        (void)kq_uint_parse(kq_slice_text(request->segments[1]), UINT32_MAX, &number);
    return number;
}

static void fill(struct vault_http_response *response, uint64_t len)
{
    uint8_t *room;
    if (kq_buffer_reserve(&response->body, len, &room) != KQ_OK)
        KQ_BUG("the answer is too long");
    memset(room, 'x', len);
    response->body.len += len;
}

static void wait_ms(uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static void handle(void *context, const struct vault_http_request *request, struct vault_http_response *response)
{
    const struct echo *state = context;
    const char *what = request->num_segments == 0 ? "" : request->segments[0];
    response->status = 200;
    if (strcmp(what, "counters") == 0)
        count(state, response);
    else if (strcmp(what, "body") == 0)
        kq_ignore(kq_buffer_append(&response->body, request->body.data, request->body.len), "it is no larger");
    else if (strcmp(what, "big") == 0)
        fill(response, second_segment(request));
    else
        echo(request, response);
    if (strcmp(what, "sleep") == 0)
        wait_ms(second_segment(request));
    if (strcmp(what, "override") == 0)
        kq_ignore(vault_http_response_header(response, "Cache-Control", "max-age=60"), "the test sees it");
}

static uint64_t identify(void *context, const struct vault_http_request *request, enum vault_http_look look)
{
    const char *text = vault_http_header(request, look == HTTP_AT_A_GLANCE ? "x-known" : "x-proof");
    uint64_t number = 0;
    (void)context;
    if (text != NULL && !kq_uint_parse(kq_slice_text(text), UINT32_MAX, &number))
        KQ_BUG("a number is expected");
    return number;
}

static struct vault_http_tls tls_of(struct echo *state)
{
    struct vault_http_tls tls = {.chain_pem = kq_buffer_slice(&state->server_pem)};
    if (state->is_external != 0) {
        tls.sign = http_key_sign;
        tls.sign_context = &state->key;
    } else {
        tls.key_pem = kq_buffer_slice(&state->key_pem);
    }
    return tls;
}

static void make_certificate(struct echo *state)
{
    static const char *const names[] = {"localhost", "*.vault.test", "127.0.0.1", NULL};
    kq_buffer_clear(&state->server_pem);
    if (http_key_server(&state->ca, kq_buffer_slice(&state->ca_pem), &state->key, names, &state->server_pem) != KQ_OK)
        KQ_BUG("no certificate");
}

static void make_keys(struct echo *state)
{
    char path[512];
    kq_buffer_init(&state->ca_pem, 65536);
    kq_buffer_init(&state->server_pem, 65536);
    kq_buffer_init(&state->key_pem, 65536);
    http_key_make(&state->ca);
    http_key_make(&state->key);
    http_key_pem(&state->key, &state->key_pem);
    if (http_key_authority(&state->ca, &state->ca_pem) != KQ_OK)
        KQ_BUG("no authority");
    make_certificate(state);
    snprintf(path, sizeof path, "%s/ca.pem", state->folder);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(state->ca_pem.data, 1, state->ca_pem.len, file) != state->ca_pem.len ||
        fclose(file) != 0)
        KQ_BUG("ca.pem cannot be written");
}

static void set_option(const char *argument, struct vault_http_options *options, struct echo *state)
{
    const char *equals = strchr(argument, '=');
    uint64_t number;
    if (equals == NULL || !kq_uint_parse(kq_slice_text(equals + 1), UINT32_MAX, &number))
        KQ_BUG("NAME=NUMBER is expected");
    size_t len = (size_t)(equals - argument);
    struct {
        const char *name;
        uint64_t *to64;
        size_t *to;
    } table[] = {
        {"num_workers", NULL, &options->num_workers},
        {"num_io_threads", NULL, &options->num_io_threads},
        {"max_connections", NULL, &options->max_connections},
        {"max_connections_per_address", NULL, &options->max_connections_per_address},
        {"max_body", NULL, &options->max_body},
        {"max_waiting", NULL, &options->max_waiting},
        {"idle_ms", &options->idle_ms, NULL},
        {"request_ms", &options->request_ms, NULL},
        {"external", &state->is_external, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strlen(table[i].name) != len || memcmp(table[i].name, argument, len) != 0)
            continue;
        if (table[i].to != NULL)
            *table[i].to = number;
        else
            *table[i].to64 = number;
        return;
    }
    KQ_BUG("unknown option");
}

static void serve(struct echo *state, const sigset_t *signals)
{
    int signal_number = 0;
    printf("%u\n", (unsigned)vault_http_port(state->server, 0));
    fflush(stdout);
    while (sigwait(signals, &signal_number) == 0 && signal_number == SIGHUP) {
        make_certificate(state);
        struct vault_http_tls tls = tls_of(state);
        char error[256];
        if (vault_http_set_tls(state->server, &tls, error, sizeof error) != KQ_OK)
            KQ_BUG("the new certificate is refused");
    }
    vault_http_stop(state->server, 5000);
    printf("stopped\n");
}

int main(int argc, char **argv)
{
    static const struct vault_http_address address = {"127.0.0.1", 0};
    struct echo state = {.folder = argc > 1 ? argv[1] : "."};
    struct vault_http_options options = {
        .addresses = &address,
        .num_addresses = 1,
        .handler = handle,
        .identify = identify,
        .handler_context = &state,
        .num_workers = 4,
        .num_io_threads = 2,
        .max_connections = 1000,
        .max_body = 65536,
        .idle_ms = 60000,
        .request_ms = 30000,
    };
    char error[256];
    sigset_t signals;
    for (int i = 2; i < argc; i++)
        set_option(argv[i], &options, &state);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    make_keys(&state);
    options.tls = tls_of(&state);
    struct vault_http_server *server = NULL;
    if (vault_http_start(&options, &server, error, sizeof error) != KQ_OK) {
        fprintf(stderr, "http_echo: %s\n", error);
        return 1;
    }
    state.server = server;
    serve(&state, &signals);
    http_key_clear(&state.ca);
    http_key_clear(&state.key);
    kq_buffer_clear(&state.ca_pem);
    kq_buffer_clear(&state.server_pem);
    kq_buffer_clear(&state.key_pem);
    return 0;
}
