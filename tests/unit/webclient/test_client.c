#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "unit.h"
#include "webclient/client.h"
#include "webclient/token.h"

/* A server of another program's making: tests/harness/https_server.py. */
struct server {
    pid_t pid;
    int input; /* closed: it ends */
    char folder[64];
    char ca[96];
    unsigned port;
};

static void run_server(const char *folder, const char *mode, const int to[2], const int from[2])
{
    char script[1024];
    snprintf(script, sizeof script, "%s/harness/https_server.py", getenv("KEYQUAY_TESTS"));
    if (dup2(to[0], STDIN_FILENO) < 0 || dup2(from[1], STDOUT_FILENO) < 0)
        _exit(126);
    close(to[1]);
    close(from[0]);
    execlp("python3", "python3", script, folder, mode, (char *)NULL);
    _exit(127);
}

static void start(struct server *server, const char *mode)
{
    int to[2], from[2];
    char text[16] = "";
    *server = (struct server){.folder = "/tmp/keyquay-webclient-XXXXXX"};
    assert_non_null(mkdtemp(server->folder));
    snprintf(server->ca, sizeof server->ca, "%s/ca.pem", server->folder);
    assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run_server(server->folder, mode, to, from);
    close(to[0]);
    close(from[1]);
    assert_true(read(from[0], text, sizeof text - 1) > 0);
    close(from[0]);
    server->input = to[1];
    uint64_t port;
    text[strcspn(text, "\n")] = '\0';
    assert_true(kq_uint_parse(kq_slice_text(text), 65535, &port));
    server->port = (unsigned)port;
}

static void stop(struct server *server)
{
    static const char *const files[] = {"ca.key",     "ca.pem",     "ca.srl", "server.key",
                                        "server.csr", "server.pem", "names"};
    close(server->input);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", server->folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(server->folder);
}

static int start_group(void **state)
{
    struct server *server = calloc(1, sizeof *server);
    start(server, "NEW");
    *state = server;
    return 0;
}

static int stop_group(void **state)
{
    stop(*state);
    free(*state);
    return 0;
}

static struct kqw_client *client_of(const struct server *server, struct kqw_options options)
{
    static const char *const addresses[] = {"::1", "127.0.0.1"}; /* the first is not served */
    const struct kqw_pin pin = {"test.example", addresses, 2};
    struct kqw_client *client = NULL;
    options.pin = &pin;
    if (options.ca_path == NULL)
        options.ca_path = server->ca;
    assert_int_equal(kqw_client_new(&options, &client), KQ_OK);
    return client;
}

static kq_status get(struct kqw_client *client, const struct server *server, const char *host, const char *path,
                     struct kqw_response *out, char *out_error)
{
    char url[256];
    snprintf(url, sizeof url, "https://%s:%u%s", host, server->port, path);
    const struct kqw_request request = {.method = "GET", .url = url};
    return kqw_send(client, &request, out, out_error);
}

static void send__name_under_the_pin__reaches_the_address(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE], host[64];
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO_VALUE(kq_secret) bearer = {0};
    json_t *seen = NULL;
    char url[128];
    snprintf(url, sizeof url, "https://mine.vault.test.example:%u/echo?a=b", server->port);
    kq_secret_init(&bearer);
    assert_int_equal(kq_secret_set(&bearer, "abc.def", 7), KQ_OK);
    const struct kqw_request request = {"PUT", url, &bearer, "application/json", kq_slice_text("{\"k\":1}")};
    assert_int_equal(kqw_send(client, &request, &response, error), KQ_OK);
    assert_int_equal(response.status, 200);
    assert_int_equal(kqw_response_json(&response, &seen), KQ_OK);
    snprintf(host, sizeof host, "mine.vault.test.example:%u", server->port);
    assert_string_equal(json_string_value(json_object_get(seen, "host")), host);
    assert_string_equal(json_string_value(json_object_get(seen, "method")), "PUT");
    assert_string_equal(json_string_value(json_object_get(seen, "path")), "/echo?a=b");
    assert_string_equal(json_string_value(json_object_get(seen, "authorization")), "Bearer abc.def");
    assert_string_equal(json_string_value(json_object_get(seen, "body")), "{\"k\":1}");
    json_decref(seen);
}

static void send__bearer_with_a_line_end__is_refused(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE], url[128];
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO_VALUE(kq_secret) bearer = {0};
    snprintf(url, sizeof url, "https://test.example:%u/echo", server->port);
    kq_secret_init(&bearer);
    assert_int_equal(kq_secret_set(&bearer, "abc\r\nX: y", 9), KQ_OK);
    const struct kqw_request request = {.method = "GET", .url = url, .bearer = &bearer};
    assert_int_equal(kqw_send(client, &request, &response, error), KQ_ERR_ARGUMENT);
}

static void send__foreign_ca__is_untrusted(void **state)
{
    struct server *server = *state, other;
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kqw_response) response = {0};
    start(&other, "NEW");
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){.ca_path = other.ca});
    assert_int_equal(get(client, server, "test.example", "/echo", &response, error), KQ_ERR_UNTRUSTED);
    assert_non_null(strstr(error, "KEYQUAY_CA"));
    stop(&other);
}

static void send__name_not_in_the_certificate__is_untrusted(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE];
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    KQ_AUTO_VALUE(kqw_response) response = {0};
    assert_int_equal(get(client, server, "login.test.example", "/echo", &response, error), KQ_ERR_UNTRUSTED);
}

static void send__server_of_old_tls__is_not_spoken_to(void **state)
{
    (void)state;
    struct server old;
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kqw_response) response = {0};
    start(&old, "OLD");
    KQ_AUTO(kqw_client) client = client_of(&old, (struct kqw_options){0});
    assert_int_equal(get(client, &old, "test.example", "/echo", &response, error), KQ_ERR_CONNECT);
    stop(&old);
}

static void send__answer_past_the_limit__is_cut_off(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    assert_int_equal(get(client, server, "test.example", "/large", &response, error), KQ_ERR_TOO_LARGE);
    assert_int_equal(response.body.len, 0);
    KQ_AUTO(kqw_client) roomy = client_of(server, (struct kqw_options){.max_response = 3u << 20});
    assert_int_equal(get(roomy, server, "test.example", "/large", &response, error), KQ_OK);
    assert_int_equal(response.body.len, 3u << 20);
}

static void send__no_answer_in_time__gives_up(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){.total_ms = 300});
    assert_int_equal(get(client, server, "test.example", "/slow", &response, error), KQ_ERR_CONNECT);
    assert_non_null(strstr(error, "no answer in time"));
}

static void send__redirect__is_not_followed(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE], words[200];
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    assert_int_equal(get(client, server, "test.example", "/away", &response, error), KQ_OK);
    assert_int_equal(response.status, 302);
    assert_int_equal(kqw_response_status(&response, words, sizeof words), KQ_ERR_IO);
}

static void send__plain_http__is_refused(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    static const char *const wrong[] = {"http://test.example/", "file:///etc/passwd", "test.example", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct kqw_request request = {.method = "GET", .url = wrong[i]};
        assert_int_equal(kqw_send(client, &request, &response, error), KQ_ERR_ARGUMENT);
    }
}

static void response_status__error_envelope__gives_its_words(void **state)
{
    struct server *server = *state;
    char error[KQW_ERROR_SIZE], words[200];
    struct kqw_challenge challenge;
    KQ_AUTO_VALUE(kqw_response) response = {0};
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    assert_int_equal(get(client, server, "test.example", "/deny", &response, error), KQ_OK);
    assert_int_equal(kqw_response_status(&response, words, sizeof words), KQ_ERR_DENIED);
    assert_string_equal(words, "Unauthorized: who are you?");
    assert_int_equal(kqw_challenge_parse(response.challenge, &challenge), KQ_OK);
    assert_string_equal(challenge.authority, "https://a/t");
}

static kq_status token(const struct server *server, const char *path, const char *password, struct kq_secret *out,
                       char *out_error)
{
    char url[128];
    uint64_t lifetime = 0;
    KQ_AUTO(kqw_client) client = client_of(server, (struct kqw_options){0});
    KQ_AUTO_VALUE(kq_secret) secret = {0};
    kq_secret_init(&secret);
    snprintf(url, sizeof url, "https://test.example:%u%s", server->port, path);
    assert_int_equal(kq_secret_set(&secret, password, strlen(password)), KQ_OK);
    const struct kqw_token_request request = {url, "app", &secret, "https://vault.test/.default"};
    kq_status status = kqw_token_get(client, &request, out, &lifetime, out_error);
    assert_true(status != KQ_OK || lifetime == 3599);
    return status;
}

static void token_get__right_secret__gives_the_token(void **state)
{
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kq_secret) found = {0};
    kq_secret_init(&found);
    assert_int_equal(token(*state, "/token", "s&cret=1", &found, error), KQ_OK);
    assert_true(kq_slice_is_text(kq_secret_borrow(&found), "token for https://vault.test/.default"));
}

static void token_get__wrong_secret_or_place__says_so(void **state)
{
    char error[KQW_ERROR_SIZE];
    KQ_AUTO_VALUE(kq_secret) found = {0};
    kq_secret_init(&found);
    assert_int_equal(token(*state, "/token", "wrong", &found, error), KQ_ERR_DENIED);
    assert_non_null(strstr(error, "AADSTS7000215"));
    assert_int_equal(token(*state, "/wrong", "wrong", &found, error), KQ_ERR_FORMAT);
    assert_int_equal(token(*state, "/echo", "wrong", &found, error), KQ_ERR_FORMAT);
}

static void client_new__ca_that_is_not_there__is_refused(void **state)
{
    (void)state;
    struct kqw_client *client = NULL;
    const struct kqw_options options = {.ca_path = "/nowhere/ca.pem"};
    assert_int_equal(kqw_client_new(&options, &client), KQ_ERR_NOT_FOUND);
    assert_null(client);
}

static void client_new__pin_that_is_no_address__is_refused(void **state)
{
    (void)state;
    struct kqw_client *client = NULL;
    static const char *const wrong[] = {"127.0.0.1,evil.example:1:"};
    const struct kqw_pin pin = {"test.example", wrong, 1};
    const struct kqw_options options = {.pin = &pin};
    assert_int_equal(kqw_client_new(&options, &client), KQ_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send__name_under_the_pin__reaches_the_address),
        cmocka_unit_test(send__bearer_with_a_line_end__is_refused),
        cmocka_unit_test(send__foreign_ca__is_untrusted),
        cmocka_unit_test(send__name_not_in_the_certificate__is_untrusted),
        cmocka_unit_test(send__server_of_old_tls__is_not_spoken_to),
        cmocka_unit_test(send__answer_past_the_limit__is_cut_off),
        cmocka_unit_test(send__no_answer_in_time__gives_up),
        cmocka_unit_test(send__redirect__is_not_followed),
        cmocka_unit_test(send__plain_http__is_refused),
        cmocka_unit_test(response_status__error_envelope__gives_its_words),
        cmocka_unit_test(token_get__right_secret__gives_the_token),
        cmocka_unit_test(token_get__wrong_secret_or_place__says_so),
        cmocka_unit_test(client_new__ca_that_is_not_there__is_refused),
        cmocka_unit_test(client_new__pin_that_is_no_address__is_refused),
    };
    return cmocka_run_group_tests(tests, start_group, stop_group);
}
