/* Lines of the log: whatever a client sends, one line of JSON that says who did what and how it ended. */
#include "unit.h"

#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "vault/request_log.h"

/* The one line that the entry gives. */
static json_t *logged(const struct vault_request_log *entry)
{
    static char text[8192];
    int ends[2];
    json_error_t error;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int standard = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    assert_true(standard >= 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    vault_request_log_write(NULL, entry);
    dup2(standard, STDERR_FILENO);
    close(standard);
    close(ends[1]);
    ssize_t len = read(ends[0], text, sizeof text);
    close(ends[0]);
    assert_true(len > 0 && memchr(text, '\n', (size_t)len) == text + len - 1);
    json_t *line = json_loadb(text, (size_t)len, 0, &error);
    assert_non_null(line);
    return line;
}

static struct vault_request_log entry_with(const char *path, const char *message)
{
    return (struct vault_request_log){.request_id = "9f6b0f0c-0000-4000-8000-000000000001",
                                      .peer_address = "127.0.0.1",
                                      .method = "GET",
                                      .host = "a.vault.keyquay.test",
                                      .path = path,
                                      .status = 403,
                                      .code = "Forbidden",
                                      .message = message,
                                      .object_id = "9f6b0f0c-0000-4000-8000-000000000002",
                                      .client_id = "9f6b0f0c-0000-4000-8000-000000000003",
                                      .microseconds = 5};
}

static void assert_member(const json_t *line, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(line, name));
    assert_non_null(text);
    assert_string_equal(text, value);
}

static void request_log__controls_and_quotes__stay_within_their_member(void **state)
{
    static const char path[] = "/keys/\"},{\"status\":200,\\\n\r\t\x7f";
    (void)state;
    const struct vault_request_log entry = entry_with(path, "no");
    json_t *line = logged(&entry);
    assert_member(line, "path", path);
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 403);
    json_decref(line);
}

static void request_log__texts_longer_than_a_line__still_say_who_and_how_it_ended(void **state)
{
    char path[1024], message[1400];
    (void)state;
    memset(path, '"', sizeof path - 1);
    memset(message, 1, sizeof message - 1);
    path[sizeof path - 1] = message[sizeof message - 1] = '\0';
    const struct vault_request_log entry = entry_with(path, message);
    json_t *line = logged(&entry);
    assert_member(line, "object", entry.object_id);
    assert_member(line, "client", entry.client_id);
    assert_member(line, "code", "Forbidden");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 403);
    json_decref(line);
}

UNIT_MAIN(cmocka_unit_test(request_log__controls_and_quotes__stay_within_their_member),
          cmocka_unit_test(request_log__texts_longer_than_a_line__still_say_who_and_how_it_ended))
