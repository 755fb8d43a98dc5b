#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "harness/chain_factory.h"
#include "harness/command.h"
#include "unit.h"

/* The program itself, on packages whose every part was signed by test keys. */

#define FAR_AWAY UINT64_C(4000000000)
#define KEK "BYOK-KEK-pkg-NA-1"
#define WORLD "BYOK-SecurityWorld-pkg-NA-1"

struct scene {
    struct chain_keys keys;
    struct chain_facts facts;
    char folder[COMMAND_PATH_SIZE];
};

static void write_packages(struct scene *scene)
{
    KQ_AUTO_VALUE(chain_packages) packages = {.root = {0}};
    chain_build_packages(&scene->facts, &packages);
    command_write(scene->folder, KEK, kq_buffer_slice(&packages.kek_package));
    command_write(scene->folder, WORLD, kq_buffer_slice(&packages.world_package));
}

/* Made once; a scene may put others in the place of some. */
static struct chain_keys keys;

static int make_keys(void **state)
{
    (void)state;
    chain_keys_init(&keys);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    chain_keys_clear(&keys);
    return 0;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    scene->keys = keys;
    chain_facts_init(&scene->facts, &scene->keys);
    scene->facts.statement.not_after = FAR_AWAY; /* the program looks at the real clock */
    scene->facts.root.not_after = FAR_AWAY;
    scene->facts.warrant.not_after = FAR_AWAY;
    command_folder_make(scene->folder);
    write_packages(scene);
    setenv("NFAST_KMDATA", scene->folder, 1);
    unsetenv("KEYQUAY_SOCKET");
    unsetenv("KEYQUAY_TRANSCRIPT");
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    command_folder_remove(scene->folder);
    free(scene);
    return 0;
}

/* Output as a string. */
static int run(const struct scene *scene, const char *const argv[], struct kq_buffer *out)
{
    int status = command_run_in(scene->folder, argv, out);
    assert_ok(kq_buffer_append(out, "", 1));
    return status;
}

static void assert_says(const struct kq_buffer *out, const char *text)
{
    if (strstr((const char *)out->data, text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, (const char *)out->data);
}

static void run_and_expect(const struct scene *scene, const char *const argv[], int expected, const char *text)
{
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    int status = run(scene, argv, &out);
    if (status != expected)
        fail_msg("exit %d:\n%s", status, (const char *)out.data);
    assert_says(&out, text);
}

static void program__sound_packages__succeeds_and_prints_both_hashes(void **state)
{
    const struct scene *scene = *state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    char hash[KQ_HASH_TEXT_SIZE];
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, NULL};
    assert_int_equal(run(scene, argv, &out), 0);
    assert_says(&out, "Result: SUCCESS\n");
    kq_hash_text(kq_slice_of(scene->facts.root_hash, 32), hash);
    assert_says(&out, hash);
    kq_hash_text(kq_slice_of(scene->facts.hknso, 32), hash);
    assert_says(&out, hash);
    assert_says(&out, "key protection:      device key file\n");
    assert_says(&out, "rollback protection: none\n");
    assert_says(&out, "root:                Test manufacturer\n");
    static const char *const steps[] = {"warrant to root",
                                        "module state",
                                        "world binding",
                                        "region statement",
                                        "key-generation certificate",
                                        "exchange key belongs to the world",
                                        "exchange key ACL"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        assert_says(&out, steps[i]);
}

static void program__rehearsal_root__says_so(void **state)
{
    struct scene *scene = *state;
    scene->facts.root.is_rehearsal = true;
    scene->facts.root.issuer_is_rehearsal = true;
    scene->facts.warrant.issuer_is_rehearsal = true;
    write_packages(scene);
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, NULL};
    run_and_expect(scene, argv, 0, "REHEARSAL: proves nothing about the operator");
}

static void program__one_thing_wrong__fails_and_names_the_step(void **state)
{
    struct scene *scene = *state;
    scene->facts.binding.recovery_public = test_key_public(scene->keys.exchange);
    write_packages(scene);
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, NULL};
    run_and_expect(scene, argv, 1, "world binding                          FAILED: the world has a recovery key");
    run_and_expect(scene, argv, 1, "Result: FAILURE\n");
}

static void program__json__holds_steps_and_hashes(void **state)
{
    const struct scene *scene = *state;
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--json", NULL};
    assert_int_equal(run(scene, argv, &out), 0);
    json_t *object = json_loads((const char *)out.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "result")), "SUCCESS");
    assert_int_equal(json_array_size(json_object_get(object, "steps")), 7);
    char root[65];
    kq_hex_encode(kq_slice_of(scene->facts.root_hash, 32), root);
    assert_string_equal(json_string_value(json_object_get(object, "root")), root);
    assert_string_equal(json_string_value(json_object_get(object, "region")), CHAIN_REGION);
    assert_null(json_object_get(object, "module"));
    json_decref(object);
}

static void program__json_of_a_failure__is_json_all_the_same(void **state)
{
    struct scene *scene = *state;
    scene->facts.signers[CHAIN_KEYGEN] = scene->keys.stranger;
    write_packages(scene);
    const char *const argv[] = {"sh", "-c", PROGRAM " --json -k " KEK " -w " WORLD " 2>/dev/null", NULL};
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    assert_int_equal(run(scene, argv, &out), 1);
    json_t *object = json_loads((const char *)out.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "result")), "FAILURE");
    assert_non_null(strstr(json_string_value(json_object_get(object, "error")), "key-generation certificate"));
    assert_null(json_object_get(object, "root"));
    json_decref(object);
}

static void program__hash_of_the_root__decides(void **state)
{
    const struct scene *scene = *state;
    char root[KQ_HASH_TEXT_SIZE];
    char world[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(scene->facts.root_hash, 32), root);
    kq_hash_text(kq_slice_of(scene->facts.hknso, 32), world);
    const char *const right[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--root-hash", root, "--world-hash", world, NULL};
    run_and_expect(scene, right, 0, "Result: SUCCESS\n");
    const char *const wrong_root[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--root-hash", world, NULL};
    run_and_expect(scene, wrong_root, 1, "--root-hash: the packages lead to another one");
    const char *const wrong_world[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--world-hash", root, NULL};
    run_and_expect(scene, wrong_world, 1, "Result: FAILURE\n");
}

static void program__historical_root_hash__is_recognised(void **state)
{
    const struct scene *scene = *state;
    const char *const argv[] = {
        PROGRAM, "-k", KEK, "-w", WORLD, "--root-hash", "59178A47 de508c3f 291277ee 184f46c4 f1d9c639", NULL};
    run_and_expect(scene, argv, 1, "the SHA-1 hash of the old system's root");
    run_and_expect(scene, argv, 1, "Result: FAILURE\n");
}

static void program__wrong_use__exits_2(void **state)
{
    const struct scene *scene = *state;
    const char *const one[] = {PROGRAM, "-k", KEK, NULL};
    run_and_expect(scene, one, 2, "both packages are needed");
    const char *const hash[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--root-hash", "1234", NULL};
    run_and_expect(scene, hash, 2, "64 hexadecimal digits");
    const char *const unknown[] = {PROGRAM, "--frobnicate", NULL};
    run_and_expect(scene, unknown, 2, "frobnicate");
    const char *const help[] = {PROGRAM, "--help", NULL};
    run_and_expect(scene, help, 0, "--unpack");
}

static void program__missing_file__suggests_the_likest(void **state)
{
    const struct scene *scene = *state;
    const char *const typo[] = {PROGRAM, "-k", "BYOK-KEK-pkg-NA-", "-w", WORLD, NULL};
    run_and_expect(scene, typo, 1, "Did you mean " KEK "?");
    const char *const lower[] = {PROGRAM, "-k", KEK, "-w", "./byok-securityworld-pkg-na-1", NULL};
    run_and_expect(scene, lower, 1, "Did you mean ./" WORLD "?");
    const char *const other[] = {PROGRAM, "-k", "elsewhere", "-w", WORLD, NULL};
    run_and_expect(scene, other, 1, "elsewhere: there is no such package");
    run_and_expect(scene, other, 1, "Result: FAILURE\n");
}

static void program__packages_mixed_up__are_named(void **state)
{
    const struct scene *scene = *state;
    const char *const swapped[] = {PROGRAM, "-k", WORLD, "-w", KEK, NULL};
    run_and_expect(scene, swapped, 1, "Name them the other way round.");
    const char *const twice[] = {PROGRAM, "-k", KEK, "-w", KEK, NULL};
    run_and_expect(scene, twice, 1, "where the security world package is wanted");
}

static void program__empty_or_oversized_file__is_named(void **state)
{
    const struct scene *scene = *state;
    static uint8_t zeros[100000];
    command_write(scene->folder, "empty", KQ_SLICE_EMPTY);
    command_write(scene->folder, "large", kq_slice_of(zeros, sizeof zeros));
    const char *const empty[] = {PROGRAM, "-k", "empty", "-w", WORLD, NULL};
    run_and_expect(scene, empty, 1, "empty: the file is empty");
    const char *const large[] = {PROGRAM, "-k", KEK, "-w", "large", NULL};
    run_and_expect(scene, large, 1, "large: too large for a package");
}

/* ---- --unpack ------------------------------------------------------------------------ */

static bool take_line(const char **at, char *out, size_t size)
{
    const char *end = strchr(*at, '\n');
    if (end == NULL)
        return false;
    snprintf(out, size, "%.*s", (int)(end - *at), *at);
    *at = end + 1;
    return true;
}

/* Runs each command of the README as it stands there. */
static void assert_openssl_confirms(const struct scene *scene, const char *folder, size_t num_expected)
{
    char path[2 * COMMAND_PATH_SIZE];
    KQ_AUTO_VALUE(kq_buffer) readme = {0};
    snprintf(path, sizeof path, "%s/%s", scene->folder, folder);
    command_read(path, "README", &readme);
    assert_ok(kq_buffer_append(&readme, "", 1));
    size_t num_commands = 0;
    char line[256];
    for (const char *at = (const char *)readme.data; take_line(&at, line, sizeof line);) {
        if (strncmp(line, "    openssl ", 12) != 0)
            continue;
        KQ_AUTO_VALUE(kq_buffer) said = {0};
        const char *const argv[] = {"sh", "-c", line, NULL};
        if (command_run_in(path, argv, &said) != 0)
            fail_msg("%s\n%.*s", line, (int)said.len, (const char *)said.data);
        num_commands++;
    }
    assert_int_equal(num_commands, num_expected);
}

static void unpack__sound_packages__openssl_confirms_each_statement(void **state)
{
    const struct scene *scene = *state;
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--unpack", "out/", NULL};
    run_and_expect(scene, argv, 0, "Result: SUCCESS\n");
    assert_openssl_confirms(scene, "out", 10);
}

static void unpack__world_with_a_dsa_key__openssl_confirms_each_statement(void **state)
{
    struct scene *scene = *state;
    scene->keys.knso = test_key_new(KQ_KEY_DSA, 3072);
    chain_facts_init(&scene->facts, &scene->keys);
    scene->facts.statement.not_after = FAR_AWAY;
    scene->facts.binding.suite = kq_slice_text("DLf3072s256mRijndael");
    write_packages(scene);
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--unpack", "out", NULL};
    run_and_expect(scene, argv, 0, "Result: SUCCESS\n");
    assert_openssl_confirms(scene, "out", 10);
    test_key_free(scene->keys.knso);
}

static void unpack__forged_statement__openssl_refuses_it_too(void **state)
{
    struct scene *scene = *state;
    char path[2 * COMMAND_PATH_SIZE];
    scene->facts.signers[CHAIN_STATEMENT] = scene->keys.stranger;
    write_packages(scene);
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--unpack", "out", NULL};
    run_and_expect(scene, argv, 1, "Result: FAILURE\n");
    snprintf(path, sizeof path, "%s/out", scene->folder);
    const char *const check[] = {"openssl",
                                 "dgst",
                                 "-sha512",
                                 "-verify",
                                 "knso.pem",
                                 "-signature",
                                 "region-statement.sig",
                                 "region-statement.body",
                                 NULL};
    assert_int_not_equal(command_run_in(path, check, NULL), 0);
}

static void unpack__folder_with_files__is_left_alone(void **state)
{
    const struct scene *scene = *state;
    char path[2 * COMMAND_PATH_SIZE];
    KQ_AUTO_VALUE(kq_buffer) listing = {0};
    const char *const make[] = {"sh", "-c", "mkdir out && echo mine > out/README", NULL};
    assert_int_equal(command_run_in(scene->folder, make, NULL), 0);
    const char *const argv[] = {PROGRAM, "-k", KEK, "-w", WORLD, "--unpack", "out", NULL};
    run_and_expect(scene, argv, 1, "not an empty folder");
    snprintf(path, sizeof path, "%s/out", scene->folder);
    command_read(path, "README", &listing);
    assert_slice_equal(kq_buffer_slice(&listing), kq_slice_text("mine\n"));
    const char *const list[] = {"sh", "-c", "ls -d out.partial* 2>/dev/null", NULL};
    assert_int_not_equal(command_run_in(scene->folder, list, NULL), 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    SCENE(program__sound_packages__succeeds_and_prints_both_hashes),
    SCENE(program__rehearsal_root__says_so),
    SCENE(program__one_thing_wrong__fails_and_names_the_step),
    SCENE(program__json__holds_steps_and_hashes),
    SCENE(program__json_of_a_failure__is_json_all_the_same),
    SCENE(program__hash_of_the_root__decides),
    SCENE(program__historical_root_hash__is_recognised),
    SCENE(program__wrong_use__exits_2),
    SCENE(program__missing_file__suggests_the_likest),
    SCENE(program__packages_mixed_up__are_named),
    SCENE(program__empty_or_oversized_file__is_named),
    SCENE(unpack__sound_packages__openssl_confirms_each_statement),
    SCENE(unpack__world_with_a_dsa_key__openssl_confirms_each_statement),
    SCENE(unpack__forged_statement__openssl_refuses_it_too),
    SCENE(unpack__folder_with_files__is_left_alone),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
