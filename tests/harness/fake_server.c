#include "harness/fake_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/frame.h"

#define ESN "FAKE-0000-0001"

static bool read_exactly(int fd, void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = recv(fd, at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static void write_bytes(int fd, struct kq_slice bytes)
{
    if (bytes.len > 0 && send(fd, bytes.data, bytes.len, MSG_NOSIGNAL) < 0)
        return; /* the client went away; it will notice itself */
}

static void write_frame(int fd, struct kq_slice body)
{
    uint8_t head[KQ_FRAME_HEAD_LEN];
    kq_frame_head(body.len, head);
    write_bytes(fd, kq_slice_of(head, sizeof head));
    write_bytes(fd, body);
}

static bool keep_frame(struct kq_slice body, struct kq_buffer *late)
{
    uint8_t head[KQ_FRAME_HEAD_LEN];
    kq_frame_head(body.len, head);
    return kq_buffer_append(late, head, sizeof head) == KQ_OK && kq_buffer_append(late, body.data, body.len) == KQ_OK;
}

static void encode_reply(const struct kq_request *request, const struct fake_reply *reply, struct kq_writer *out)
{
    struct kq_slice results = KQ_SLICE_EMPTY;
    if (kq_writer_finish(&reply->results, &results) != KQ_OK)
        abort();
    const struct kq_reply answer = {.seq = request->seq,
                                    .status = reply->status,
                                    .detail = kq_slice_text(reply->detail),
                                    .wait_ms = reply->wait_ms,
                                    .results = results};
    kq_reply_put(&answer, out);
}

static void answer_hello(const struct fake_server *server, struct fake_reply *reply)
{
    const struct kq_hello_reply hello = {
        .protocol = KQ_PROTOCOL_VERSION, .esn = kq_slice_text(server->esn), .uid = 7, .roles = 3};
    reply->status = server->hello_status;
    if (reply->status == KQ_OK)
        kq_hello_reply_put(&hello, &reply->results);
}

static void note(struct fake_server *server, const struct kq_request *request)
{
    unsigned at = server->num_requests++;
    if (at >= FAKE_REQUESTS_MAX)
        return;
    server->ops[at] = (enum kq_op)request->op;
    server->request_id_lens[at] = request->request_id.len;
    if (request->request_id.len > 0)
        memcpy(server->request_ids[at], request->request_id.data, request->request_id.len);
}

static bool send_answer(int fd, enum fake_act act, struct kq_slice body, struct kq_buffer *late)
{
    static const uint8_t garbage[] = {0x82, 0x01, 0x02};
    static const uint8_t huge[] = {0x7f, 0xff, 0xff, 0xff};
    switch (act) {
    case FAKE_CLOSE:
        return false;
    case FAKE_GARBAGE:
        write_frame(fd, kq_slice_of(garbage, sizeof garbage));
        return true;
    case FAKE_HUGE_FRAME:
        return send(fd, huge, sizeof huge, MSG_NOSIGNAL) > 0;
    case FAKE_ANSWER_LATE:
        return keep_frame(body, late);
    case FAKE_ANSWER:
        break;
    }
    write_frame(fd, body);
    write_bytes(fd, kq_buffer_slice(late));
    kq_buffer_clear(late);
    return true;
}

/* One request and its answer; false ends the connection. */
static bool serve_one(struct fake_server *server, int fd, struct kq_buffer *late)
{
    uint8_t head[KQ_FRAME_HEAD_LEN];
    if (!read_exactly(fd, head, sizeof head))
        return false;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    uint8_t *body = malloc(len);
    struct kq_request request;
    KQ_AUTO_VALUE(kq_writer) writer;
    struct fake_reply reply = {.status = KQ_OK, .detail = ""};
    kq_writer_init(&writer, KQ_FRAME_MAX);
    kq_writer_init(&reply.results, KQ_FRAME_MAX);
    bool go_on = body != NULL && read_exactly(fd, body, len);
    if (go_on && kq_request_get(kq_slice_of(body, len), &request, NULL) != KQ_OK)
        abort();
    enum fake_act act = FAKE_ANSWER;
    if (go_on && request.op == KQ_OP_HELLO) {
        answer_hello(server, &reply);
    } else if (go_on) {
        note(server, &request);
        act = server->handler(server->context, &request, &reply);
    }
    if (go_on) {
        struct kq_slice bytes = KQ_SLICE_EMPTY;
        encode_reply(&request, &reply, &writer);
        if (kq_writer_finish(&writer, &bytes) != KQ_OK)
            abort();
        go_on = send_answer(fd, act, bytes, late);
    }
    kq_writer_clear(&reply.results);
    free(body);
    return go_on;
}

void fake_server_serve(struct fake_server *server, int fd)
{
    KQ_AUTO_VALUE(kq_buffer) late = {.max = KQ_FRAME_MAX};
    server->num_connections++;
    while (serve_one(server, fd, &late)) {
    }
    close(fd);
}

static void *accept_and_serve(void *argument)
{
    struct fake_server *server = argument;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        fake_server_serve(server, fd);
    }
}

void fake_server_start(struct fake_server *server, fake_handler *handler, void *context)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *server = (struct fake_server){.handler = handler, .context = context, .esn = ESN};
    snprintf(server->folder, sizeof server->folder, "/tmp/keyquay-fake.XXXXXX");
    if (mkdtemp(server->folder) == NULL)
        abort();
    snprintf(server->path, sizeof server->path, "%s/socket", server->folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 8) != 0 || pthread_create(&server->thread, NULL, accept_and_serve, server) != 0)
        abort();
}

void fake_server_stop(struct fake_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    unlink(server->path);
    rmdir(server->folder);
}
