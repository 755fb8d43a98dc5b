/* The folder of other issuers: what counts, what does not, what stays. */
#include "unit.h"

#include <ftw.h>
#include <jansson.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "vault/auth/jwk.h"
#include "vault/auth/token_maker.h"
#include "vault/issuer_files.h"
#include "webclient/issuer.h"

#define TEXT_SIZE 16384
#define URL "https://a.example"

struct fixture {
    struct token_maker maker;
    struct vault_issuer_files *files;
    char data[64];
    char folder[80];
    json_t *jwk;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    KQ_AUTO_VALUE(kq_buffer) spki = {0};
    uint8_t *der = NULL;
    token_maker_init(&fixture->maker);
    snprintf(fixture->data, sizeof fixture->data, "/tmp/keyquay-issuers-XXXXXX");
    assert_non_null(mkdtemp(fixture->data));
    snprintf(fixture->folder, sizeof fixture->folder, "%s/issuers", fixture->data);
    int len = i2d_PUBKEY(fixture->maker.other, &der);
    kq_buffer_init(&spki, 4096);
    assert_ok(kq_buffer_append(&spki, der, (size_t)len));
    OPENSSL_free(der);
    assert_ok(vault_jwk_from_spki(kq_buffer_slice(&spki), "RS256", &fixture->jwk));
    assert_ok(vault_issuer_files_new(fixture->data, fixture->maker.authority, &fixture->files));
    *state = fixture;
    return 0;
}

static void path_of(const struct fixture *fixture, const char *name, char out[KQ_PATH_MAX])
{
    snprintf(out, KQ_PATH_MAX, "%s/%s", fixture->folder, name);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(nftw(fixture->data, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    vault_issuer_files_free(fixture->files);
    token_maker_clear(&fixture->maker);
    json_decref(fixture->jwk);
    free(fixture);
    return 0;
}

static void put_text(struct fixture *fixture, const char *file, const char *text)
{
    char path[KQ_PATH_MAX];
    mkdir(fixture->folder, 0755);
    path_of(fixture, file, path);
    assert_ok(kq_file_write(path, kq_slice_text(text), 0644, KQ_FILE_REPLACE));
}

static void put(struct fixture *fixture, const char *file, const char *name, const char *url, const char *audience)
{
    json_t *object =
        json_pack("{s:i,s:s,s:s,s:[s],s:s,s:s,s:i,s:[O]}", "version", 1, "name", name, "issuer", url, "audiences",
                  audience, "objectClaim", "sub", "clientClaim", "sub", "fetched", 7, "keys", fixture->jwk);
    /* kty, alg, kid, n, e and no "use": the form of the file */
    json_object_del(json_array_get(json_object_get(object, "keys"), 0), "use");
    char *text = json_dumps(object, 0);
    put_text(fixture, file, text);
    free(text);
    json_decref(object);
}

static bool takes(struct fixture *fixture, const char *url, const char *audience)
{
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    char header[TEXT_SIZE], claims[TEXT_SIZE], change[512], message[512];
    struct vault_caller caller;
    snprintf(change, sizeof change, "\"kid\":\"%s\"", json_string_value(json_object_get(fixture->jwk, "kid")));
    token_maker_header(&fixture->maker, change, header, sizeof header);
    snprintf(change, sizeof change, "\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"robot\"", url, audience);
    token_maker_claims(change, claims, sizeof claims);
    token_maker_make(&fixture->maker, header, claims, MAKER_OTHER_KEY, &token);
    return vault_token_check(fixture->maker.authority, (const char *)token.data, VAULT_AUDIENCE_VAULT, MAKER_NOW,
                             &caller, message, sizeof message) == VAULT_OK;
}

static void look__no_folder__nobody(void **state)
{
    struct fixture *fixture = *state;
    vault_issuer_files_look(fixture->files);
    assert_false(takes(fixture, URL, "x"));
}

static void look__file_comes_changes_goes__is_followed(void **state)
{
    struct fixture *fixture = *state;
    char path[KQ_PATH_MAX];
    put(fixture, "one.json", "one", URL, "x");
    assert_false(takes(fixture, URL, "x"));
    vault_issuer_files_look(fixture->files);
    assert_true(takes(fixture, URL, "x"));
    put(fixture, "one.json", "one", URL, "y");
    vault_issuer_files_look(fixture->files);
    assert_false(takes(fixture, URL, "x"));
    assert_true(takes(fixture, URL, "y"));
    path_of(fixture, "one.json", path);
    assert_int_equal(unlink(path), 0);
    vault_issuer_files_look(fixture->files);
    assert_false(takes(fixture, URL, "y"));
}

static void look__damaged__former_content_stays(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "one.json", "one", URL, "x");
    put(fixture, "two.json", "two", "https://b.example", "x");
    vault_issuer_files_look(fixture->files);
    for (size_t i = 0; i < 3; i++) {
        put_text(fixture, "one.json", i == 0 ? "" : i == 1 ? "{}" : "{\"version\":2}");
        vault_issuer_files_look(fixture->files);
        assert_true(takes(fixture, URL, "x"));
        assert_true(takes(fixture, "https://b.example", "x"));
    }
    put(fixture, "two.json", "two", "https://c.example", "x"); /* another file's change keeps it too */
    vault_issuer_files_look(fixture->files);
    assert_true(takes(fixture, URL, "x"));
    assert_false(takes(fixture, "https://b.example", "x"));
    put(fixture, "one.json", "one", URL, "y");
    vault_issuer_files_look(fixture->files);
    assert_false(takes(fixture, URL, "x"));
    assert_true(takes(fixture, URL, "y"));
}

static void look__files_that_do_not_count__are_not_used(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "one.json", "two", URL, "x");                    /* another's name */
    put(fixture, "three.json.new", "three", URL, "x");            /* no such suffix */
    put(fixture, "Four.json", "four", URL, "x");                  /* no name */
    put(fixture, "ours.json", "ours", MAKER_ISSUER, MAKER_VAULT); /* our own */
    char path[KQ_PATH_MAX], target[KQ_PATH_MAX];
    put(fixture, "real", "link", URL, "x");
    path_of(fixture, "link.json", path);
    path_of(fixture, "real", target);
    assert_int_equal(symlink(target, path), 0);
    vault_issuer_files_look(fixture->files);
    assert_false(takes(fixture, URL, "x"));
    assert_false(takes(fixture, MAKER_ISSUER, MAKER_VAULT));
}

static void look__two_of_one_url__first_by_name(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "b.json", "b", URL, "second");
    put(fixture, "a.json", "a", URL, "first");
    vault_issuer_files_look(fixture->files);
    assert_true(takes(fixture, URL, "first"));
    assert_false(takes(fixture, URL, "second"));
}

static void look__more_than_there_may_be__sixteen_are_used(void **state)
{
    struct fixture *fixture = *state;
    char file[32], name[24], url[64];
    size_t num = 0;
    for (size_t i = 0; i <= KQW_ISSUERS_MAX; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        snprintf(file, sizeof file, "%s.json", name);
        snprintf(url, sizeof url, "https://%s.example", name);
        put(fixture, file, name, url, "x");
    }
    vault_issuer_files_look(fixture->files);
    for (size_t i = 0; i <= KQW_ISSUERS_MAX; i++) {
        snprintf(url, sizeof url, "https://n%zu.example", i);
        num += takes(fixture, url, "x");
    }
    assert_int_equal(num, KQW_ISSUERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(look__no_folder__nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(look__file_comes_changes_goes__is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(look__damaged__former_content_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(look__files_that_do_not_count__are_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(look__two_of_one_url__first_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(look__more_than_there_may_be__sixteen_are_used, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
