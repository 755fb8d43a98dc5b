/* Makes real keys of a vault in a module, as many at once as it works on, and
 * says what loading them costs.
 *
 *     vault_filler make SOCKET SUBSCRIPTION VAULT PREFIX NUMBER
 *     vault_filler load SOCKET MILLISECONDS < KEYS
 *
 * make prints a line for each key: NAME VERSION PLACE PUBLIC BLOB RECEIPT, all
 * but the name in hexadecimal. load takes such lines, loads and unloads each in
 * turn until the time is over, and prints `LOADS SECONDS`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "base/text.h"
#include "client/request.h"
#include "client/session.h"

#define IN_FLIGHT 32u
#define NAMINGS 4096u /* by sequence number; far more than the late ones among those in flight */
#define LINE_LEN 65536u
#define KEYS_MAX 100000u

static _Noreturn void give_up(const char *what, kq_status status, const char *detail)
{
    fprintf(stderr, "vault_filler: %s: %s (%s)\n", what, kq_status_text(status), detail);
    exit(1);
}

static void must(kq_status status, const char *what, const struct kqc_reply *reply)
{
    if (status != KQ_OK)
        give_up(what, status, reply->detail);
}

static uint64_t number(const char *text)
{
    uint64_t value;
    if (!kq_uint_parse(kq_slice_text(text), UINT32_MAX, &value))
        give_up(text, KQ_ERR_ARGUMENT, "not a number");
    return value;
}

/* ---- make ---- */

struct naming {
    char name[64];
    char version[33];
};

static void submit(struct kqc_session *session, char **argv, uint64_t i, struct naming *under_way)
{
    uint8_t random[16];
    struct naming naming;
    struct kq_vault_key_generate_request request = {.key_type = KQ_KEY_EC_P256, .bits = 256, .purpose = 1};
    uint64_t seq;
    if (kq_random(random, sizeof random) != KQ_OK)
        give_up("random", KQ_ERR_IO, "");
    kq_hex_encode(kq_slice_of(random, sizeof random), naming.version);
    naming.version[32] = '\0';
    snprintf(naming.name, sizeof naming.name, "%.40s-%07" PRIu64, argv[5], i);
    request.subscription = kq_slice_text(argv[3]);
    request.vault = kq_slice_text(argv[4]);
    request.key_name = kq_slice_text(naming.name);
    request.key_version = kq_slice_text(naming.version);
    kq_status status = kqc_submit(session, KQ_OP_VAULT_KEY_GENERATE, &request, &seq);
    if (status != KQ_OK)
        give_up("submit", status, "");
    under_way[seq % NAMINGS] = naming;
}

static void put_hex(struct kq_slice bytes)
{
    char text[2 * 4096 + 1];
    putchar(' ');
    while (bytes.len > 0) {
        size_t len = bytes.len < 4096 ? bytes.len : 4096;
        kq_hex_encode(kq_slice_of(bytes.data, len), text);
        fwrite(text, 1, 2 * len, stdout);
        bytes = kq_slice_of(bytes.data + len, bytes.len - len);
    }
}

static void receive(struct kqc_session *session, const struct naming *under_way)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_slice results;
    struct kq_vault_key_reply made;
    uint64_t seq;
    must(kqc_receive(session, &seq, &reply, &results), "receive", &reply);
    must(reply.status, "make", &reply);
    must(kqc_reply_get_results(KQ_OP_VAULT_KEY_GENERATE, results, &made, &reply), "made key", &reply);
    const struct naming *naming = &under_way[seq % NAMINGS];
    printf("%s %s", naming->name, naming->version);
    put_hex(made.place);
    put_hex(made.public_key);
    put_hex(made.blob);
    put_hex(made.certificate);
    putchar('\n');
}

static void make(struct kqc_session *session, char **argv)
{
    static struct naming under_way[NAMINGS];
    uint64_t num = number(argv[6]), num_sent = 0;
    for (; num_sent < num && num_sent < IN_FLIGHT; num_sent++)
        submit(session, argv, num_sent, under_way);
    for (uint64_t i = 0; i < num; i++) {
        receive(session, under_way);
        if (num_sent < num)
            submit(session, argv, num_sent++, under_way);
    }
}

/* ---- load ---- */

struct loadable {
    struct kq_buffer place;
    struct kq_buffer blob;
};

static void take_hex(const char *text, struct kq_buffer *out)
{
    uint8_t *room = NULL;
    size_t len = text == NULL ? 0 : strlen(text) / 2;
    kq_buffer_init(out, len);
    kq_status status = kq_buffer_reserve(out, len, &room);
    if (status != KQ_OK || len == 0 || !kq_hex_decode(kq_slice_text(text), room, len))
        give_up("line", KQ_ERR_FORMAT, "not what make prints");
    out->len = len;
}

static size_t read_keys(struct loadable *keys)
{
    static char line[LINE_LEN];
    size_t num = 0;
    while (num < KEYS_MAX && fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line, *fields[6] = {NULL};
        for (size_t i = 0; i < 6; i++)
            fields[i] = strsep(&rest, " \n");
        take_hex(fields[2], &keys[num].place);
        take_hex(fields[4], &keys[num].blob);
        num++;
    }
    if (num == 0)
        give_up("standard input", KQ_ERR_ARGUMENT, "no keys");
    return num;
}

static void load_one(struct kqc_session *session, const struct loadable *key)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_key_load_request request = {.blob = kq_buffer_slice(&key->blob), .place = kq_buffer_slice(&key->place)};
    struct kq_key_load_reply loaded;
    must(kqc_call(session, KQ_OP_KEY_LOAD, &request, 0, &loaded, &reply), "load", &reply);
    struct kq_handle_request handle = {.handle = loaded.handle};
    must(kqc_call(session, KQ_OP_KEY_UNLOAD, &handle, 0, NULL, &reply), "unload", &reply);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void load(struct kqc_session *session, char **argv)
{
    struct loadable *keys = calloc(KEYS_MAX, sizeof *keys);
    if (keys == NULL)
        give_up("memory", KQ_ERR_MEMORY, "");
    size_t num = read_keys(keys), num_done = 0;
    double started = seconds(), end = started + (double)number(argv[3]) / 1e3;
    for (; seconds() < end; num_done++)
        load_one(session, &keys[num_done % num]);
    printf("%zu %.6f\n", num_done, seconds() - started);
    for (size_t i = 0; i < num; i++) {
        kq_buffer_clear(&keys[i].place);
        kq_buffer_clear(&keys[i].blob);
    }
    free(keys);
}

int main(int argc, char **argv)
{
    bool makes = argc == 7 && strcmp(argv[1], "make") == 0;
    bool loads = argc == 4 && strcmp(argv[1], "load") == 0;
    if (!makes && !loads) {
        fprintf(stderr, "usage: see the head of tests/bench/vault_filler.c\n");
        return 2;
    }
    KQ_AUTO(kqc_session) session = NULL;
    kq_status status = kqc_session_open(argv[2], "vault_filler", &session);
    if (status != KQ_OK)
        give_up(argv[2], status, "");
    if (makes)
        make(session, argv);
    else
        load(session, argv);
    return 0;
}
