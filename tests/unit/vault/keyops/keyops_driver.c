/* Lets a test of whole programs call vault/keyops: one command a line on
 * standard input, one answer a line: "ok ..." or "error STATUS WORDS".
 *   keyops_driver DIR MAX_LOADED */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "vault/keyops/keyops.h"

#define WORDS_MAX 24
#define LINE_SIZE 65536
#define KEYS_MAX 2000
#define WORD_SIZE 130

struct key {
    char label[WORD_SIZE], region[WORD_SIZE], subscription[WORD_SIZE], vault[WORD_SIZE], name[WORD_SIZE],
        version[WORD_SIZE];
    struct vault_made_key made;
};

struct driver {
    struct vault_keyops *keyops;
    size_t num_keys;
    struct key keys[KEYS_MAX];
    struct kq_buffer platform; /* the one platform key of a test */
    char why[VAULT_WHY_SIZE];
};

static struct kq_buffer from_hex(const char *text)
{
    uint8_t bytes[LINE_SIZE / 2];
    struct kq_buffer out;
    size_t len = strlen(text) / 2;
    kq_buffer_init(&out, sizeof bytes);
    if (strcmp(text, "-") != 0 &&
        (!kq_hex_decode(kq_slice_text(text), bytes, len) || kq_buffer_append(&out, bytes, len) != KQ_OK))
        abort();
    return out;
}

static void print_hex(struct kq_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", bytes.data[i]);
}

static uint64_t number(const char *text)
{
    uint64_t value;
    if (!kq_uint_parse(kq_slice_text(text), UINT32_MAX, &value))
        abort();
    return value;
}

static struct key *find(struct driver *driver, const char *label)
{
    for (size_t i = 0; i < driver->num_keys; i++)
        if (strcmp(driver->keys[i].label, label) == 0)
            return &driver->keys[i];
    fprintf(stderr, "no key %s\n", label);
    abort();
}

static struct vault_key_ref ref_of(const struct key *key)
{
    return (struct vault_key_ref){.region = key->region,
                                  .subscription = key->subscription,
                                  .vault = key->vault,
                                  .name = key->name,
                                  .version = key->version,
                                  .blob = kq_buffer_slice(&key->made.blob),
                                  .public_key = kq_buffer_slice(&key->made.public_key)};
}

/* LABEL REGION SUBSCRIPTION VAULT NAME VERSION */
static struct key *new_key(struct driver *driver, char **words)
{
    struct key *key = &driver->keys[driver->num_keys];
    char *const fields[] = {key->label, key->region, key->subscription, key->vault, key->name, key->version};
    if (driver->num_keys == KEYS_MAX)
        abort();
    *key = (struct key){.made = {.bits = 0}};
    for (size_t i = 0; i < 6; i++)
        snprintf(fields[i], WORD_SIZE, "%s", words[i]);
    return key;
}

static kq_status tell_made(struct driver *driver, struct key *key, kq_status status)
{
    if (status != KQ_OK)
        return status;
    driver->num_keys++;
    printf("ok %d %u %u %zu ", (int)key->made.type, (unsigned)key->made.bits, (unsigned)key->made.origin,
           key->made.receipt.len);
    print_hex(kq_buffer_slice(&key->made.public_key));
    printf("\n");
    return KQ_OK;
}

static kq_status do_generate(struct driver *driver, char **words)
{
    struct key *key = new_key(driver, words);
    const struct vault_key_ref ref = ref_of(key);
    return tell_made(driver, key,
                     vault_keyops_generate(driver->keyops, &ref, (enum kq_key_type)number(words[6]), number(words[7]),
                                           0, number(words[8]), &key->made, driver->why));
}

static kq_status do_package(struct driver *driver, char **words)
{
    struct key *key = new_key(driver, words);
    const struct vault_key_ref ref = ref_of(key);
    KQ_AUTO_VALUE(kq_buffer) file = {0};
    KQ_TRY(kq_file_read(words[6], 65536, &file));
    return tell_made(driver, key,
                     vault_keyops_import_package(driver->keyops, &ref, kq_buffer_slice(&file), number(words[7]),
                                                 &key->made, driver->why));
}

static const char *member(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : word;
}

static kq_status do_clear(struct driver *driver, char **words)
{
    struct key *key = new_key(driver, words);
    const struct vault_key_ref ref = ref_of(key);
    char **jwk = words + 7;
    const struct vault_clear_jwk clear = {.type = (enum kq_key_type)number(words[6]),
                                          .n = member(jwk[0]),
                                          .e = member(jwk[1]),
                                          .d = member(jwk[2]),
                                          .p = member(jwk[3]),
                                          .q = member(jwk[4]),
                                          .dp = member(jwk[5]),
                                          .dq = member(jwk[6]),
                                          .qi = member(jwk[7]),
                                          .x = member(jwk[8]),
                                          .y = member(jwk[9])};
    return tell_made(driver, key, vault_keyops_import_clear(driver->keyops, &ref, &clear, &key->made, driver->why));
}

/* restore LABEL FROM VAULT */
static kq_status do_restore(struct driver *driver, char **words)
{
    struct key *from = find(driver, words[1]);
    char *names[] = {words[0], from->region, from->subscription, words[2], from->name, from->version};
    struct key *key = new_key(driver, names);
    struct vault_key_ref ref = ref_of(key);
    ref.blob = kq_buffer_slice(&from->made.blob);
    return tell_made(driver, key, vault_keyops_restore(driver->keyops, &ref, from->vault, &key->made, driver->why));
}

/* move LABEL VAULT: as if somebody had changed the row */
static kq_status do_move(struct driver *driver, char **words)
{
    snprintf(find(driver, words[0])->vault, WORD_SIZE, "%s", words[1]);
    printf("ok\n");
    return KQ_OK;
}

/* use LABEL OP ALGORITHM HEX */
static kq_status do_use(struct driver *driver, char **words)
{
    const struct vault_key_ref ref = ref_of(find(driver, words[0]));
    KQ_AUTO_VALUE(kq_buffer) value = from_hex(words[3]);
    KQ_AUTO_VALUE(kq_buffer) out = {.max = 8192};
    KQ_TRY(vault_keyops_use(driver->keyops, &ref, (enum vault_key_op)vault_key_op_find(words[1]),
                            vault_algorithm_find(words[2]), kq_buffer_slice(&value), &out, driver->why));
    printf("ok ");
    print_hex(kq_buffer_slice(&out));
    printf("\n");
    return KQ_OK;
}

/* verify LABEL ALGORITHM DIGEST SIGNATURE */
static kq_status do_verify(struct driver *driver, char **words)
{
    bool is_valid = false;
    KQ_AUTO_VALUE(kq_buffer) digest = from_hex(words[2]);
    KQ_AUTO_VALUE(kq_buffer) signature = from_hex(words[3]);
    KQ_TRY(vault_keyops_verify(kq_buffer_slice(&find(driver, words[0])->made.public_key),
                               vault_algorithm_find(words[1]), kq_buffer_slice(&digest), kq_buffer_slice(&signature),
                               &is_valid));
    printf("ok %s\n", is_valid ? "true" : "false");
    return KQ_OK;
}

static kq_status do_unload(struct driver *driver, char **words)
{
    const struct vault_key_ref ref = ref_of(find(driver, words[0]));
    vault_keyops_unload(driver->keyops, &ref);
    printf("ok\n");
    return KQ_OK;
}

/* ---- many threads ---- */

struct hammer {
    struct driver *driver;
    pthread_t thread;
    size_t first, num_keys;
    uint64_t until_ms;
    uint64_t num_good, num_failed, random;
    char why[VAULT_WHY_SIZE];
};

static void sign_once(struct hammer *hammer, const struct key *key)
{
    const struct vault_key_ref ref = ref_of(key);
    const struct vault_algorithm *algorithm = vault_algorithm_find("ES256");
    uint8_t digest[32] = {(uint8_t)hammer->random};
    char why[VAULT_WHY_SIZE];
    KQ_AUTO_VALUE(kq_buffer) out = {.max = 8192};
    kq_status status = vault_keyops_use(hammer->driver->keyops, &ref, VAULT_OP_SIGN, algorithm,
                                        kq_slice_of(digest, sizeof digest), &out, why);
    if (status == KQ_OK && out.len == 64) {
        hammer->num_good++;
        return;
    }
    hammer->num_failed++;
    snprintf(hammer->why, sizeof hammer->why, "%s", why);
}

static void *run_hammer(void *argument)
{
    struct hammer *hammer = argument;
    while (kq_clock_monotonic_ms() < hammer->until_ms) {
        hammer->random = hammer->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        sign_once(hammer, &hammer->driver->keys[hammer->first + (hammer->random >> 33) % hammer->num_keys]);
    }
    return NULL;
}

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* hammer FIRST_LABEL NUM_KEYS THREADS MS */
static kq_status do_hammer(struct driver *driver, char **words)
{
    struct hammer hammers[64];
    uint64_t num_threads = number(words[2]), good = 0, failed = 0;
    double start = cpu_us();
    if (num_threads > 64)
        abort();
    for (uint64_t i = 0; i < num_threads; i++) {
        hammers[i] = (struct hammer){.driver = driver,
                                     .first = (size_t)(find(driver, words[0]) - driver->keys),
                                     .num_keys = number(words[1]),
                                     .until_ms = kq_clock_monotonic_ms() + number(words[3]),
                                     .random = i};
        if (pthread_create(&hammers[i].thread, NULL, run_hammer, &hammers[i]) != 0)
            abort();
    }
    for (uint64_t i = 0; i < num_threads; i++) {
        pthread_join(hammers[i].thread, NULL);
        good += hammers[i].num_good;
        failed += hammers[i].num_failed;
        if (hammers[i].num_failed > 0)
            snprintf(driver->why, sizeof driver->why, "%s", hammers[i].why);
    }
    printf("ok %llu %llu %.1f %s\n", (unsigned long long)good, (unsigned long long)failed,
           (cpu_us() - start) / (double)(good + failed + 1), driver->why);
    return KQ_OK;
}

/* ---- the rest ---- */

/* audit REGION SUBSCRIPTION EVENT CALLER DETAIL */
static kq_status do_audit(struct driver *driver, char **words)
{
    const struct vault_key_ref where = {.region = words[0], .subscription = words[1], .vault = "v"};
    KQ_TRY(vault_keyops_audit(driver->keyops, words[2], words[3], &where, words[4]));
    printf("ok\n");
    return KQ_OK;
}

static kq_status do_ping(struct driver *driver, char **words)
{
    KQ_TRY(vault_keyops_ping(driver->keyops, strcmp(words[0], "platform") == 0 ? NULL : words[0]));
    printf("ok\n");
    return KQ_OK;
}

static kq_status do_region(struct driver *driver, char **words)
{
    struct vault_region_facts facts;
    KQ_TRY(vault_keyops_refresh(driver->keyops));
    KQ_TRY(vault_keyops_find_region(driver->keyops, words[0], &facts));
    printf("ok %s %u ", facts.label, (unsigned)facts.generation);
    print_hex(kq_slice_of(facts.hknso, 32));
    printf(" %s\n", facts.toolset_path);
    return KQ_OK;
}

static kq_status do_platform_make(struct driver *driver, char **words)
{
    struct kq_slice public_key;
    KQ_TRY(vault_keyops_platform_make(driver->keyops, words[0], (enum kq_key_type)number(words[1]), number(words[2]),
                                      &driver->platform, driver->why));
    const struct vault_platform_key key = {words[0], kq_buffer_slice(&driver->platform)};
    KQ_TRY(vault_keyops_platform_public(&key, &public_key));
    printf("ok ");
    print_hex(public_key);
    printf("\n");
    return KQ_OK;
}

static kq_status do_platform_sign(struct driver *driver, char **words)
{
    const struct vault_platform_key key = {words[0], kq_buffer_slice(&driver->platform)};
    KQ_AUTO_VALUE(kq_buffer) digest = from_hex(words[2]);
    KQ_AUTO_VALUE(kq_buffer) out = {.max = 8192};
    KQ_TRY(vault_keyops_platform_sign(driver->keyops, &key, number(words[1]), kq_buffer_slice(&digest), &out));
    printf("ok ");
    print_hex(kq_buffer_slice(&out));
    printf("\n");
    return KQ_OK;
}

static const struct {
    const char *name;
    size_t num_words;
    kq_status (*run)(struct driver *driver, char **words);
} commands[] = {
    {"generate", 9, do_generate},
    {"package", 8, do_package},
    {"clear", 17, do_clear},
    {"restore", 3, do_restore},
    {"move", 2, do_move},
    {"use", 4, do_use},
    {"verify", 4, do_verify},
    {"unload", 1, do_unload},
    {"hammer", 4, do_hammer},
    {"audit", 5, do_audit},
    {"ping", 1, do_ping},
    {"region", 1, do_region},
    {"platform-make", 3, do_platform_make},
    {"platform-sign", 3, do_platform_sign},
};

static size_t split(char *line, char *words[WORDS_MAX])
{
    size_t num = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; num < WORDS_MAX; at++) {
        words[num++] = at;
        at = strchr(at, ' ');
        if (at == NULL)
            break;
        *at = '\0';
    }
    return num;
}

static void run_line(struct driver *driver, char *line)
{
    char *words[WORDS_MAX];
    size_t num = split(line, words);
    driver->why[0] = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, words[0]) != 0 || commands[i].num_words != num - 1)
            continue;
        kq_status status = commands[i].run(driver, words + 1);
        if (status != KQ_OK)
            printf("error %d %s\n", (int)status, driver->why);
        fflush(stdout);
        return;
    }
    fprintf(stderr, "no command %s of %zu words\n", words[0], num - 1);
    exit(2);
}

int main(int argc, char **argv)
{
    struct driver *driver = calloc(1, sizeof *driver);
    char *line = malloc(LINE_SIZE);
    if (argc != 3 || driver == NULL || line == NULL)
        return 2;
    const struct vault_keyops_options options = {.data = argv[1], .max_loaded = number(argv[2]), .retry_ms = 10000};
    if (vault_keyops_open(&options, &driver->keyops) != KQ_OK)
        return 2;
    while (fgets(line, LINE_SIZE, stdin) != NULL)
        run_line(driver, line);
    for (size_t i = 0; i < driver->num_keys; i++)
        vault_made_key_clear(&driver->keys[i].made);
    vault_keyops_free(driver->keyops);
    kq_buffer_clear(&driver->platform);
    free(driver);
    free(line);
    return 0;
}
