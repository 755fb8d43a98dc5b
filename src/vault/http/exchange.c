#include "vault/http/exchange.h"

#include <stdlib.h>

#include "vault/http/answer.h"
#include "vault/http/connection.h"

/* Room made for an announced body at once; what is beyond grows as it comes. */
#define BODY_AT_ONCE ((size_t)16 * 1024)

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_WAITING, STAGE_ANSWERED };

struct exchange {
    struct vault_http_job job; /* first: the workers know the exchange by it */
    struct vault_http_server *server;
    struct vault_http_connection *connection;
    struct vault_http_client sender; /* by address: whose room the body has */
    struct MHD_Connection *mhd;
    enum stage stage;
    bool is_in_flight;
    const char *target_place; /* where the library has the target; only to compare with */
    size_t target_len;
    struct vault_http_head head;
    struct vault_http_request request;
    struct vault_http_response response;
    struct kq_buffer body;
    char text[]; /* the target as sent, then what it decodes to */
};

static const struct vault_http_refusal too_large = {413, "RequestEntityTooLarge", "The request body is too large."};
static const struct vault_http_refusal too_busy = {503, "ServiceUnavailable",
                                                   "Too many requests are waiting. Try again in a second."};

void *vault_http_exchange_begin(void *context, const char *target, struct MHD_Connection *mhd)
{
    struct vault_http_server *server = context;
    struct vault_http_connection *connection = vault_http_connection_of(mhd);
    size_t len = target == NULL ? 0 : strlen(target);
    struct exchange *exchange =
        connection == NULL ? NULL : calloc(1, sizeof *exchange + len + 1 + VAULT_TARGET_STORAGE(len));
    atomic_fetch_add_explicit(&server->num_requests, 1, memory_order_relaxed);
    if (exchange == NULL)
        return NULL;
    exchange->server = server;
    exchange->connection = connection;
    exchange->mhd = mhd;
    exchange->target_place = target;
    exchange->target_len = len;
    if (len > 0)
        memcpy(exchange->text, target, len);
    exchange->request.target = exchange->text;
    exchange->request.headers = mhd;
    exchange->request.peer_address = connection->peer_address;
    exchange->sender = vault_http_client_at(connection->peer_address);
    exchange->job.client = exchange->sender;
    exchange->request.host = exchange->head.host;
    vault_http_response_init(&exchange->response);
    kq_buffer_init(&exchange->body, server->options.max_body);
    vault_http_request_id(exchange->request.request_id);
    /* A pipelined request was read with the one before. */
    if (vault_http_watched_phase(&connection->watched) != HTTP_RECEIVING)
        vault_http_watched_enter(&connection->watched, HTTP_RECEIVING);
    return exchange;
}

/* Hands the response to the library; the exchange keeps the body until its end. */
static enum MHD_Result send_response(struct exchange *exchange, const char *client_request_id,
                                     enum vault_http_after after)
{
    unsigned status = exchange->response.status == 0 ? 500 : exchange->response.status;
    struct MHD_Response *answer =
        vault_http_answer_new(&exchange->response, exchange->request.request_id, client_request_id, after);
    if (answer == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(exchange->mhd, status, answer);
    MHD_destroy_response(answer);
    return result;
}

static enum MHD_Result refuse(struct exchange *exchange, const struct vault_http_refusal *refusal)
{
    vault_http_connection_refused(exchange->connection, exchange->request.request_id, refusal);
    exchange->stage = STAGE_ANSWERED;
    exchange->connection->lingers = true;
    vault_http_watched_enter(&exchange->connection->watched, HTTP_BUSY);
    if (vault_http_answer_refuse(refusal, &exchange->response) != KQ_OK)
        return MHD_NO;
    return send_response(exchange, NULL, HTTP_CLOSE);
}

static enum MHD_Result guard_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                    const char *value, size_t value_len)
{
    (void)kind;
    vault_http_guard_header(context, kq_slice_of(name, name_len), kq_slice_of(value, value_len));
    return MHD_YES;
}

static bool pass_guard(struct exchange *exchange, const char *method, const char *version,
                       struct vault_http_guard *guard)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    vault_http_guard_begin(guard, method, kq_slice_of(exchange->target_place, exchange->target_len), version);
    MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, guard_header, guard);
    return vault_http_guard_finish(guard, info == NULL ? 0 : info->header_size, &exchange->head);
}

static enum MHD_Result judge_head(struct exchange *exchange, const char *method, const char *version)
{
    struct vault_http_guard guard;
    const char *why = NULL;
    uint8_t *room;
    if (!pass_guard(exchange, method, version, &guard))
        return refuse(exchange, &guard.refusal);
    if (vault_http_target_parse(kq_slice_of(exchange->text, exchange->target_len),
                                exchange->text + exchange->target_len + 1, &exchange->request, &why) != KQ_OK)
        return refuse(exchange, &(struct vault_http_refusal){400, "BadRequest", why});
    if (exchange->head.length > exchange->server->options.max_body)
        return refuse(exchange, &too_large);
    if (exchange->head.length > 0 && exchange->head.length <= BODY_AT_ONCE &&
        kq_buffer_reserve(&exchange->body, (size_t)exchange->head.length, &room) != KQ_OK)
        return refuse(exchange, &too_busy);
    exchange->request.method = exchange->head.method;
    exchange->request.port = exchange->head.port;
    exchange->stage = STAGE_BODY;
    return MHD_YES;
}

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t *len)
{
    struct vault_http_server *server = exchange->server;
    kq_status status = KQ_ERR_MEMORY;
    bool has_room = vault_http_bodies_take(&server->bodies, exchange->sender, *len);
    if (has_room)
        status = kq_buffer_append(&exchange->body, data, *len);
    if (status == KQ_OK) {
        *len = 0;
        return MHD_YES;
    }
    if (has_room)
        vault_http_bodies_give(&server->bodies, exchange->sender, *len);
    vault_http_connection_say(exchange->connection, status == KQ_ERR_TOO_LARGE ? &too_large : &too_busy);
    return MHD_NO;
}

/* Lets the request count for the client that is proved to send it. False: it stays its address's. */
static bool identify(struct exchange *exchange, enum vault_http_look look)
{
    const struct vault_http_options *options = &exchange->server->options;
    if (options->identify == NULL)
        return false;
    uint64_t number = options->identify(options->handler_context, &exchange->request, look);
    if (number != 0)
        exchange->job.client = (struct vault_http_client){HTTP_CLIENT_PROVED, number};
    return number != 0;
}

/* From here the connection belongs to whoever resumes it. */
static enum MHD_Result submit(struct exchange *exchange)
{
    struct vault_http_server *server = exchange->server;
    exchange->request.body = kq_buffer_slice(&exchange->body);
    exchange->stage = STAGE_WAITING;
    exchange->is_in_flight = true;
    atomic_fetch_add(&server->num_in_flight, 1);
    vault_http_watched_enter(&exchange->connection->watched, HTTP_BUSY);
    identify(exchange, HTTP_AT_A_GLANCE);
    MHD_suspend_connection(exchange->mhd);
    if (atomic_load(&server->stops) || vault_http_workers_add(server->workers, &exchange->job) != KQ_OK)
        vault_http_exchange_drop(server, &exchange->job);
    return MHD_YES;
}

static enum MHD_Result answer(struct exchange *exchange)
{
    const char *id = vault_http_header(&exchange->request, "x-ms-client-request-id");
    return send_response(exchange, id, atomic_load(&exchange->server->stops) ? HTTP_CLOSE : HTTP_KEEP);
}

enum MHD_Result vault_http_exchange_handle(void *context, struct MHD_Connection *mhd, const char *url,
                                           const char *method, const char *version, const char *data, size_t *len,
                                           void **request_context)
{
    struct exchange *exchange = *request_context;
    (void)context;
    (void)mhd;
    (void)url;
    if (exchange == NULL)
        return MHD_NO; /* no memory */
    switch (exchange->stage) {
    case STAGE_HEAD:
        return judge_head(exchange, method, version);
    case STAGE_BODY:
        return *len > 0 ? take_body(exchange, data, len) : submit(exchange);
    case STAGE_ANSWERED:
        return answer(exchange);
    case STAGE_WAITING:
    default:
        return MHD_NO;
    }
}

static void resume(struct exchange *exchange)
{
    exchange->stage = STAGE_ANSWERED;
    MHD_resume_connection(exchange->mhd);
}

void vault_http_exchange_work(void *context, struct vault_http_job *job)
{
    struct vault_http_server *server = context;
    struct exchange *exchange = (struct exchange *)job;
    if (job->client.kind == HTTP_CLIENT_ADDRESS && identify(exchange, HTTP_CLOSELY)) {
        /* It waits again, in its client's turn: fresh proofs are no way around that client's share. */
        if (vault_http_workers_add(server->workers, job) != KQ_OK)
            vault_http_exchange_drop(server, job);
        return;
    }
    server->options.handler(server->options.handler_context, &exchange->request, &exchange->response);
    resume(exchange);
}

void vault_http_exchange_drop(void *context, struct vault_http_job *job)
{
    struct exchange *exchange = (struct exchange *)job;
    (void)context;
    vault_http_connection_refused(exchange->connection, exchange->request.request_id, &too_busy);
    if (vault_http_answer_refuse(&too_busy, &exchange->response) != KQ_OK)
        exchange->response.status = too_busy.status;
    resume(exchange);
}

static void leave_flight(struct vault_http_server *server)
{
    if (atomic_fetch_sub(&server->num_in_flight, 1) > 1 || !atomic_load(&server->stops))
        return;
    pthread_mutex_lock(&server->end_lock);
    pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->end_lock);
}

void vault_http_exchange_end(void *context, struct MHD_Connection *mhd, void **request_context,
                             enum MHD_RequestTerminationCode code)
{
    struct vault_http_server *server = context;
    struct exchange *exchange = *request_context;
    (void)mhd;
    (void)code;
    *request_context = NULL;
    if (exchange == NULL)
        return;
    vault_http_bodies_give(&server->bodies, exchange->sender, exchange->body.len);
    vault_http_watched_enter(&exchange->connection->watched, HTTP_IDLE);
    if (exchange->is_in_flight)
        leave_flight(server);
    kq_buffer_clear(&exchange->body);
    vault_http_response_clear(&exchange->response);
    free(exchange);
}
