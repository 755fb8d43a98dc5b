#include "vault/http/guard.h"

#include "base/size.h"
#include "unit.h"

/* A head as it came in, cut in place the way libmicrohttpd cuts it: line ends
 * become zeros, CR LF two of them and a bare LF one, and names and values are
 * pointers into the same bytes. */
struct cut_head {
    char bytes[2048];
    struct vault_http_guard guard;
    struct vault_http_head head;
};

/* Ends the line at at; returns where the next begins. */
static char *end_line(char *at)
{
    char *lf = strchr(at, '\n');
    if (lf == NULL)
        fail_msg("a head of the test has no end");
    if (lf > at && lf[-1] == '\r')
        lf[-1] = '\0';
    *lf = '\0';
    return lf + 1;
}

static char *cut_request_line(struct cut_head *cut)
{
    char *next = end_line(cut->bytes);
    char *target = strchr(cut->bytes, ' ');
    *target++ = '\0';
    while (*target == ' ')
        target++;
    char *version = strrchr(target, ' ');
    *version++ = '\0';
    vault_http_guard_begin(&cut->guard, cut->bytes, kq_slice_text(target), version);
    return next;
}

static bool judge(struct cut_head *cut, const char *text)
{
    memset(cut, 0, sizeof *cut);
    memcpy(cut->bytes, text, strlen(text) + 1);
    char *line = cut_request_line(cut);
    while (*line != '\r' && *line != '\n') {
        char *next = end_line(line);
        char *colon = strchr(line, ':');
        *colon++ = '\0';
        while (*colon == ' ' || *colon == '\t')
            colon++;
        vault_http_guard_header(&cut->guard, kq_slice_text(line), kq_slice_text(colon));
        line = next;
    }
    line = end_line(line);
    return vault_http_guard_finish(&cut->guard, (size_t)(line - cut->bytes), &cut->head);
}

static void refused(const char *text, unsigned status, const char *word)
{
    struct cut_head cut;
    if (judge(&cut, text))
        fail_msg("%s is not refused", text);
    if (cut.guard.refusal.status != status || strstr(cut.guard.refusal.message, word) == NULL)
        fail_msg("%s: %u %s", text, cut.guard.refusal.status, cut.guard.refusal.message);
}

static void guard__sound_heads__pass(void **state)
{
    struct cut_head cut;
    (void)state;
    assert_true(judge(&cut, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(cut.head.method, VAULT_GET);
    assert_string_equal(cut.head.host, "a");
    assert_int_equal(cut.head.port, 443);
    assert_true(judge(
        &cut, "POST /x?a=b HTTP/1.1\r\nhost:A:8443\r\nX:\r\ncontent-length: 12 \r\nExpect: 100-continue\r\n\r\n"));
    assert_int_equal(cut.head.length, 12);
    assert_false(cut.head.is_chunked);
    assert_int_equal(cut.head.port, 8443);
    assert_true(judge(&cut, "PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: a\r\n\r\n"));
    assert_true(cut.head.is_chunked);
    assert_true(judge(&cut, "DELETE / HTTP/1.0\r\nHost: a\r\nX: tab\there\r\n\r\n"));
    assert_true(judge(&cut, "PATCH / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n"));
}

static void guard__host__must_stand_once(void **state)
{
    (void)state;
    refused("GET / HTTP/1.1\r\n\r\n", 400, "no Host");
    refused("GET / HTTP/1.0\r\nX: y\r\n\r\n", 400, "no Host");
    refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "more than one Host");
    refused("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", 400, "more than one Host");
    refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "not a host");
    refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "not a host");
    refused("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, "not a host");
}

static void guard__framing__comes_from_one_source(void **state)
{
    (void)state;
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400,
            "more than one Content");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "both");
    refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400, "both");
    refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "more than one Transfer");
    refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, "only Transfer-Encoding");
    refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400, "only Transfer-Encoding");
    refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "only Transfer-Encoding");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n", 400, "decimal");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "decimal");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400, "decimal");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, "decimal");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400, "decimal");
    refused("POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417, "expectation");
    refused("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nAuthorization: c\r\n\r\n", 400, "Authorization");
}

static void guard__header_names__are_tokens(void **state)
{
    (void)state;
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n", 400, "header name");
    refused("GET / HTTP/1.1\r\nHost: a\r\nX\tY: 5\r\n\r\n", 400, "header name");
    refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "header name");
    refused("GET / HTTP/1.1\r\nHost: a\r\n: 5\r\n\r\n", 400, "header name");
    refused("GET / HTTP/1.1\r\nHost: a\r\nX(Y): 5\r\n\r\n", 400, "header name");
    refused("GET / HTTP/1.1\r\nHost: a\r\nX\x80: 5\r\n\r\n", 400, "header name");
}

static void guard__control_characters__are_refused(void **state)
{
    (void)state;
    refused("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, "control character");
    refused("GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", 400, "control character");
    refused("GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400, "control character");
}

static void guard__bare_line_feeds__are_refused_wherever_they_stand(void **state)
{
    (void)state;
    refused("GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "CR LF");
    refused("GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "CR LF");
    refused("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "CR LF");
    refused("GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "CR LF");
    refused("GET / HTTP/1.1\n\n", 400, "CR LF");
}

static void guard__zero_byte_or_continued_line__moves_what_follows(void **state)
{
    static char bytes[] = "GET\0/\0HTTP/1.1\0\0Host\0a\0Content-Length: 5\0\0X\0b\0\0\0";
    struct vault_http_guard guard;
    struct vault_http_head head;
    (void)state;
    vault_http_guard_begin(&guard, bytes, kq_slice_of(bytes + 4, 1), bytes + 6);
    vault_http_guard_header(&guard, kq_slice_text(bytes + 16), kq_slice_text(bytes + 21));
    vault_http_guard_header(&guard, kq_slice_text(bytes + 42), kq_slice_text(bytes + 44));
    assert_false(vault_http_guard_finish(&guard, 49, &head));
    assert_non_null(strstr(guard.refusal.message, "zero byte"));
}

static void guard__request_line__has_one_space_between_its_parts(void **state)
{
    (void)state;
    refused("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request line");
    refused("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "HTTP/1.1");
    refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HTTP/1.1");
}

static void guard__methods__known_and_unknown_are_told_apart(void **state)
{
    (void)state;
    refused("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "not offered");
    refused("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "not offered");
    refused("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not known");
    refused("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not known");
}

static void guard__number_of_headers__is_limited(void **state)
{
    char text[2048] = "GET / HTTP/1.1\r\nHost: a\r\n";
    struct cut_head cut;
    (void)state;
    for (size_t i = 1; i < VAULT_HEADERS_MAX; i++)
        memcpy(text + strlen(text), "X: y\r\n", 7);
    size_t end = strlen(text);
    memcpy(text + end, "\r\n", 3);
    assert_true(judge(&cut, text));
    memcpy(text + end, "X: y\r\n\r\n", 9);
    refused(text, 431, "too many");
}

UNIT_MAIN(cmocka_unit_test(guard__sound_heads__pass), cmocka_unit_test(guard__host__must_stand_once),
          cmocka_unit_test(guard__framing__comes_from_one_source), cmocka_unit_test(guard__header_names__are_tokens),
          cmocka_unit_test(guard__control_characters__are_refused),
          cmocka_unit_test(guard__bare_line_feeds__are_refused_wherever_they_stand),
          cmocka_unit_test(guard__zero_byte_or_continued_line__moves_what_follows),
          cmocka_unit_test(guard__request_line__has_one_space_between_its_parts),
          cmocka_unit_test(guard__methods__known_and_unknown_are_told_apart),
          cmocka_unit_test(guard__number_of_headers__is_limited))
