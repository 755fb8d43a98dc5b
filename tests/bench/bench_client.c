/* Keeps a module busy and says what it did, as one line of numbers.
 *
 *     bench_client sign SOCKET KEY-FILE MECHANISM DIGEST-LEN IN-FLIGHT MILLISECONDS
 *     bench_client hold SOCKET KEY-FILE MECHANISM DIGEST-LEN IN-FLIGHT MILLISECONDS
 *     bench_client generate SOCKET KEY-TYPE BITS MILLISECONDS
 *
 * Prints `OPERATIONS SECONDS MEDIAN-US P99-US`. hold is sign in a loop that
 * ends with the process; it says "ready" after the first signature. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "client/session.h"

#define IN_FLIGHT_MAX 1024
#define SAMPLES_MAX 1000000

struct bench {
    struct kqc_session *session;
    struct kqc_reply reply;
    uint64_t handle;
    uint64_t mechanism;
    uint64_t digest_len;
    uint64_t in_flight;
    uint64_t duration_us;
    bool is_endless;
    uint64_t *samples_us;
    size_t num_samples;
};

static _Noreturn void give_up(const char *what, kq_status status, const char *detail)
{
    fprintf(stderr, "bench_client: %s: %s (%s)\n", what, kq_status_text(status), detail);
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t number(const char *text)
{
    uint64_t value;
    if (!kq_uint_parse(kq_slice_text(text), UINT64_MAX, &value))
        give_up(text, KQ_ERR_ARGUMENT, "not a number");
    return value;
}

static void load_key(struct bench *bench, const char *path)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    KQ_AUTO_VALUE(kq_writer) place_writer = {0};
    struct kq_key_file file;
    kq_status status = kq_file_read(path, KQ_KEY_FILE_MAX, &bytes);
    if (status == KQ_OK)
        status = kq_key_file_get(kq_buffer_slice(&bytes), &file, NULL);
    if (status != KQ_OK)
        give_up(path, status, "not a key file");
    struct kq_place place = {
        .kind = KQ_PLACE_OWNER, .hknso = file.hknso, .application = file.application, .ident = file.ident};
    kq_writer_init(&place_writer, KQ_PLACE_MAX);
    kq_place_put(&place, &place_writer);
    struct kq_key_load_request request = {.blob = file.blob};
    struct kq_key_load_reply loaded;
    status = kq_writer_finish(&place_writer, &request.place);
    if (status == KQ_OK)
        status = kqc_call(bench->session, KQ_OP_KEY_LOAD, &request, 0, &loaded, &bench->reply);
    if (status != KQ_OK)
        give_up(path, status, bench->reply.detail);
    bench->handle = loaded.handle;
}

static void submit(struct bench *bench, uint64_t *started_us)
{
    static const uint8_t digest[64] = {0x42};
    struct kq_sign_request request = {.handle = bench->handle,
                                      .mechanism = bench->mechanism,
                                      .digest = kq_slice_of(digest, (size_t)bench->digest_len)};
    uint64_t seq;
    kq_status status = kqc_submit(bench->session, KQ_OP_SIGN, &request, &seq);
    if (status != KQ_OK)
        give_up("submit", status, "");
    started_us[seq % IN_FLIGHT_MAX] = now_us();
}

static void receive(struct bench *bench, const uint64_t *started_us)
{
    uint64_t seq;
    struct kq_slice results;
    kq_status status = kqc_receive(bench->session, &seq, &bench->reply, &results);
    if (status == KQ_OK)
        status = bench->reply.status;
    if (status != KQ_OK)
        give_up("sign", status, bench->reply.detail);
    if (bench->num_samples < SAMPLES_MAX)
        bench->samples_us[bench->num_samples++] = now_us() - started_us[seq % IN_FLIGHT_MAX];
}

/* Keeps in_flight requests under way until the time is over, then takes in the rest; returns how many there were. */
static uint64_t sign_for_a_while(struct bench *bench)
{
    static uint64_t started_us[IN_FLIGHT_MAX];
    uint64_t end_us = now_us() + bench->duration_us;
    uint64_t num_done = 0;
    for (uint64_t i = 0; i < bench->in_flight; i++)
        submit(bench, started_us);
    while (bench->is_endless || now_us() < end_us) {
        receive(bench, started_us);
        if (num_done++ == 0 && bench->is_endless) {
            puts("ready");
            fflush(stdout);
        }
        submit(bench, started_us);
    }
    for (uint64_t i = 0; i < bench->in_flight; i++)
        receive(bench, started_us);
    return num_done + bench->in_flight;
}

static uint64_t generate_for_a_while(struct bench *bench, uint64_t type, uint64_t bits)
{
    uint64_t end_us = now_us() + bench->duration_us;
    uint64_t num_done = 0;
    while (now_us() < end_us) {
        struct kq_key_generate_request request = {
            .application = kq_slice_text("bench"), .ident = kq_slice_text("bench"), .key_type = type, .bits = bits};
        struct kq_key_reply made;
        uint64_t started = now_us();
        kq_status status = kqc_call(bench->session, KQ_OP_KEY_GENERATE, &request, 0, &made, &bench->reply);
        if (status != KQ_OK)
            give_up("generate", status, bench->reply.detail);
        bench->samples_us[bench->num_samples++] = now_us() - started;
        num_done++;
    }
    return num_done;
}

static int compare_samples(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void print_result(struct bench *bench, uint64_t num_done, uint64_t taken_us)
{
    qsort(bench->samples_us, bench->num_samples, sizeof *bench->samples_us, compare_samples);
    size_t last = bench->num_samples == 0 ? 0 : bench->num_samples - 1;
    printf("%" PRIu64 " %.6f %" PRIu64 " %" PRIu64 "\n", num_done, (double)taken_us / 1e6, bench->samples_us[last / 2],
           bench->samples_us[last * 99 / 100]);
}

static int run_sign(struct bench *bench, char **argv)
{
    bench->mechanism = number(argv[4]);
    bench->digest_len = number(argv[5]);
    bench->in_flight = number(argv[6]);
    bench->duration_us = number(argv[7]) * 1000;
    if (bench->digest_len > 64 || bench->in_flight == 0 || bench->in_flight > IN_FLIGHT_MAX)
        give_up("arguments", KQ_ERR_ARGUMENT, "digest length or number in flight");
    load_key(bench, argv[3]);
    uint64_t started = now_us();
    uint64_t num_done = sign_for_a_while(bench);
    print_result(bench, num_done, now_us() - started);
    return 0;
}

static int run_generate(struct bench *bench, char **argv)
{
    bench->duration_us = number(argv[5]) * 1000;
    uint64_t started = now_us();
    uint64_t num_done = generate_for_a_while(bench, number(argv[3]), number(argv[4]));
    print_result(bench, num_done, now_us() - started);
    return 0;
}

int main(int argc, char **argv)
{
    bool is_sign = argc == 8 && (strcmp(argv[1], "sign") == 0 || strcmp(argv[1], "hold") == 0);
    bool is_generate = argc == 6 && strcmp(argv[1], "generate") == 0;
    if (!is_sign && !is_generate) {
        fprintf(stderr, "usage: see the head of tests/bench/bench_client.c\n");
        return 2;
    }
    KQ_AUTO(kqc_session) session = NULL;
    kq_status status = kqc_session_open(argv[2], "bench", &session);
    if (status != KQ_OK)
        give_up(argv[2], status, "");
    struct bench bench = {.session = session, .is_endless = strcmp(argv[1], "hold") == 0};
    bench.samples_us = calloc(SAMPLES_MAX, sizeof *bench.samples_us);
    if (bench.samples_us == NULL)
        give_up("memory", KQ_ERR_MEMORY, "");
    int outcome = is_sign ? run_sign(&bench, argv) : run_generate(&bench, argv);
    free(bench.samples_us);
    kqc_reply_clear(&bench.reply);
    return outcome;
}
