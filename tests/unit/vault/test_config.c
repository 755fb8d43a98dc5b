#include "vault/config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

#define ERROR_SIZE 400

static void make(struct vault_config *config)
{
    vault_config_defaults(config);
}

static kq_status set(struct vault_config *config, const char *section, const char *name, const char *value,
                     char error[ERROR_SIZE])
{
    error[0] = '\0';
    return vault_config_set(config, section, name, value, error, ERROR_SIZE);
}

static kq_status read_text(const char *text, struct vault_config *config, char error[ERROR_SIZE])
{
    char path[] = "/tmp/keyquay-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    error[0] = '\0';
    kq_status status = vault_config_read(path, config, error, ERROR_SIZE);
    unlink(path);
    return status;
}

static void defaults__nothing_said__is_safe(void **state)
{
    (void)state;
    struct vault_config config;
    make(&config);
    assert_string_equal(config.domain, "keyquay.localhost");
    assert_int_equal(config.num_listen, 0);
    assert_int_equal(config.max_body, 4194304);
    assert_int_equal(config.housekeeping_seconds, 5);
    assert_true(config.log_requests && config.clear_import && config.metrics);
    assert_false(config.throttle || config.metrics_remote || config.test_clock || config.test_faults);
}

static void set__number__keeps_its_bounds(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE];
    make(&config);
    assert_ok(set(&config, "server", "max-body", "4096", error));
    assert_ok(set(&config, "server", "max-body", "16777216", error));
    static const char *const bad[] = {"4095", "16777217", "", "-1", "4096 ", "0x2000", "99999999999999999999", "+5000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(set(&config, "server", "max-body", bad[i], error), KQ_ERR_ARGUMENT);
    assert_int_equal(config.max_body, 16777216);
    assert_string_equal(error, "[server] max-body = '+5000': allowed is a number from 4096 to 16777216");
}

static void set__yes_no__takes_just_these(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE];
    make(&config);
    assert_ok(set(&config, "throttle", "enabled", "yes", error));
    assert_true(config.throttle);
    assert_status(set(&config, "throttle", "enabled", "true", error), KQ_ERR_ARGUMENT);
    assert_status(set(&config, "throttle", "enabled", "", error), KQ_ERR_ARGUMENT);
    assert_ok(set(&config, "throttle", "enabled", "no", error));
    assert_false(config.throttle);
}

static void set__domain__is_a_name_in_lower_case(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE], longest[200];
    static const char *const bad[] = {"", ".", "a.", ".a", "A.b", "a_b", "-a", "a-", "a..b", "a b", "a/b", "a-.b"};
    make(&config);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(set(&config, "server", "domain", bad[i], error), KQ_ERR_ARGUMENT);
    memset(longest, 'a', sizeof longest);
    longest[63] = longest[127] = '.';
    longest[190] = '\0';
    assert_ok(set(&config, "server", "domain", longest, error));
    longest[190] = 'a';
    longest[191] = '\0';
    assert_status(set(&config, "server", "domain", longest, error), KQ_ERR_ARGUMENT);
    assert_ok(set(&config, "server", "domain", "keys.example-1.org", error));
    assert_string_equal(config.domain, "keys.example-1.org");
}

static void set__path__is_absolute_or_nothing(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE], longest[1100];
    make(&config);
    assert_ok(set(&config, "tls", "key", "/etc/key.pem", error));
    assert_status(set(&config, "tls", "key", "key.pem", error), KQ_ERR_ARGUMENT);
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_status(set(&config, "tls", "key", longest, error), KQ_ERR_ARGUMENT);
    assert_string_equal(config.key, "/etc/key.pem");
    assert_ok(set(&config, "tls", "key", "", error));
    assert_string_equal(config.key, "");
}

static void set__listen__is_taken_sixteen_times(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE];
    make(&config);
    assert_status(set(&config, "server", "listen", "localhost:1", error), KQ_ERR_ARGUMENT);
    assert_status(set(&config, "server", "listen", "127.0.0.1:0", error), KQ_ERR_ARGUMENT);
    for (unsigned i = 0; i < VAULT_LISTEN_MAX; i++) {
        char address[32];
        snprintf(address, sizeof address, "127.0.0.1:%u", i + 1);
        assert_ok(set(&config, "server", "listen", address, error));
        assert_status(set(&config, "server", "listen", address, error), KQ_ERR_ARGUMENT);
    }
    assert_status(set(&config, "server", "listen", "127.0.0.1:99", error), KQ_ERR_ARGUMENT);
    assert_int_equal(config.num_listen, VAULT_LISTEN_MAX);
}

static void set__unknown__is_refused_by_name(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE];
    make(&config);
    assert_status(set(&config, "server", "max-bodies", "1", error), KQ_ERR_NOT_FOUND);
    assert_string_equal(error, "[server] max-bodies: there is no such option; see keyvaultd(1)");
    assert_status(set(&config, "", "max-body", "5000", error), KQ_ERR_NOT_FOUND);
    assert_status(set(&config, "Server", "max-body", "5000", error), KQ_ERR_NOT_FOUND);
}

static void read__first_mistake__is_told_with_its_line(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE];
    make(&config);
    assert_status(read_text("[server]\n; words\nworkers = 3\nworkers = x\nnothing = 1\n", &config, error),
                  KQ_ERR_ARGUMENT);
    assert_non_null(strstr(error, "line 4"));
    assert_non_null(strstr(error, "workers = 'x'"));
    assert_null(strstr(error, "nothing"));
}

static void read__no_section_or_no_value__is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"workers = 3\n", "[server]\nworkers\n", "[server\nworkers = 3\n",
                                        "[nowhere]\nworkers = 3\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct vault_config config;
        char error[ERROR_SIZE];
        make(&config);
        assert_int_not_equal(read_text(texts[i], &config, error), KQ_OK);
        assert_string_not_equal(error, "");
    }
}

static void read__no_file__is_not_found(void **state)
{
    (void)state;
    struct vault_config config;
    char error[ERROR_SIZE];
    make(&config);
    assert_status(vault_config_read("/nonexistent/keyvaultd.conf", &config, error, sizeof error), KQ_ERR_NOT_FOUND);
}

static void write__config__reads_back_the_same(void **state)
{
    (void)state;
    struct vault_config config, again;
    char error[ERROR_SIZE];
    KQ_AUTO_VALUE(kq_buffer) first = {0}, second = {0};
    kq_buffer_init(&first, 65536);
    kq_buffer_init(&second, 65536);
    make(&config);
    assert_ok(set(&config, "server", "listen", "127.0.0.1:8443", error));
    assert_ok(set(&config, "server", "listen", "[::1]:443", error));
    assert_ok(set(&config, "server", "domain", "example.org", error));
    assert_ok(set(&config, "tls", "certificate", "/a b/c.pem", error));
    assert_ok(set(&config, "keys", "loaded", "77", error));
    assert_ok(set(&config, "throttle", "enabled", "yes", error));
    assert_ok(set(&config, "log", "requests", "no", error));
    assert_ok(vault_config_write(&config, &first));
    assert_ok(kq_buffer_append(&first, "", 1));
    make(&again);
    assert_ok(read_text((const char *)first.data, &again, error));
    assert_ok(vault_config_write(&again, &second));
    first.len--;
    assert_slice_equal(kq_buffer_slice(&first), kq_buffer_slice(&second));
    assert_int_equal(again.num_listen, 2);
    assert_string_equal(again.listen[1].host, "::1");
    assert_string_equal(again.certificate, "/a b/c.pem");
    assert_true(again.throttle);
    assert_false(again.log_requests);
}

UNIT_MAIN(cmocka_unit_test(defaults__nothing_said__is_safe), cmocka_unit_test(set__number__keeps_its_bounds),
          cmocka_unit_test(set__yes_no__takes_just_these), cmocka_unit_test(set__domain__is_a_name_in_lower_case),
          cmocka_unit_test(set__path__is_absolute_or_nothing), cmocka_unit_test(set__listen__is_taken_sixteen_times),
          cmocka_unit_test(set__unknown__is_refused_by_name),
          cmocka_unit_test(read__first_mistake__is_told_with_its_line),
          cmocka_unit_test(read__no_section_or_no_value__is_refused), cmocka_unit_test(read__no_file__is_not_found),
          cmocka_unit_test(write__config__reads_back_the_same))
