/*
 * test_http_client.c - calls against our server and against ones that break, in one loop.
 */
#include "http_bed.h"

struct told {
    uint32_t done_count, piece_count;
    enum http_failure failure;
    unsigned status;
    uint64_t tag;
    char headers[1024], body[4096], reason[300], pieces[1024];
    struct http_client *client;
    uint64_t to_cancel, from_piece;
};

static struct http_call call_of(struct told *told, const char *method, const char *url);

static void on_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct told *told = context;
    told->done_count++;
    told->tag = tag;
    told->failure = result->failure;
    told->status = result->status;
    snprintf(told->headers, sizeof told->headers, "%s", result->headers);
    snprintf(told->body, sizeof told->body, "%s", result->body);
    snprintf(told->reason, sizeof told->reason, "%s", result->reason);
}

static void on_piece(void *context, uint64_t tag, const char *bytes, size_t length)
{
    struct told *told = context;
    told->tag = tag;
    told->piece_count++;
    size_t have = strlen(told->pieces);
    snprintf(told->pieces + have, sizeof told->pieces - have, "%.*s", (int)length, bytes);
    if (told->to_cancel != 0)
        http_client_cancel(told->client, told->to_cancel);
}

static struct http_call call_of(struct told *told, const char *method, const char *url)
{
    return (struct http_call){
        .method = method, .url = url, .context = told, .tag = 7, .on_done = on_done};
}

static const char *url_of(uint16_t port, const char *path)
{
    static char url[200];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)port, path);
    return url;
}

static const char *bed_url(struct http_bed *bed, const char *path)
{
    return url_of(http_server_port(bed->server), path);
}

static void a_call_is_answered(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    struct http_client *client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "POST", bed_url(&bed, "/a?b=c%20d"));
    call.headers = "X-One: 1\nContent-Type: application/json\nEmpty: \n";
    call.body = "{\"a\": 1}";
    call.body_length = 8;
    assert_true(http_client_send(client, &call) > 0);
    assert_int_equal(told.done_count, 0);
    assert_int_equal(http_client_open_count(client), 1);
    bed_until(&bed, told.done_count == 1);
    assert_int_equal(told.failure, HTTP_ANSWERED);
    assert_int_equal(told.status, 200);
    assert_int_equal(told.tag, 7);
    assert_string_equal(told.body, "POST /a?b=c%20d 8 {\"a\": 1}");
    assert_non_null(strstr(told.headers, "X-A: b\nContent-Length: 26\n"));
    assert_int_equal(http_client_open_count(client), 0);
    http_client_free(client);
    bed_close(&bed);
}

static void ask(struct http_bed *bed, struct http_client *client, const char *method,
                const char *headers, const char *body, const char *expected)
{
    struct told told = {0};
    struct http_call call = call_of(&told, method, bed_url(bed, "/m"));
    call.headers = headers;
    call.body = body;
    call.body_length = strlen(body);
    http_client_send(client, &call);
    bed->is_keeping = true;
    bed_until(bed, bed->open_count == 1);
    char seen[1024];
    snprintf(seen, sizeof seen, "%s|%s|%s", bed->open[0]->method,
             strchr(bed->open[0]->headers, '\n') + 1, bed->open[0]->body);
    assert_string_equal(seen, expected);
    bed->open_count = 0;
    http_exchange_answer(bed->open[0], 200, NULL, "yes", 3);
    bed_until(bed, told.done_count == 1);
    assert_int_equal(told.failure, HTTP_ANSWERED);
    assert_string_equal(told.body, strcmp(method, "HEAD") == 0 ? "" : "yes");
}

static void nothing_is_added_to_a_request(void **state)
{
    (void)state;
    struct http_bed bed;
    bed_open(&bed);
    struct http_client *client = http_client_new(bed.loop);
    ask(&bed, client, "GET", NULL, "", "GET||");
    ask(&bed, client, "POST", "A: b\nAccept: x/y\n", "body",
        "POST|A: b\nAccept: x/y\nContent-Length: 4\n|body");
    ask(&bed, client, "HEAD", NULL, "", "HEAD||");
    ask(&bed, client, "DELETE", NULL, "", "DELETE||");
    ask(&bed, client, "PUT", "Content-Type: t\n", "",
        "PUT|Content-Type: t\nContent-Length: 0\n|");
    ask(&bed, client, "GET", "E: \n", "why", "GET|E: \nContent-Length: 3\n|why");
    ask(&bed, client, "FROB", NULL, "", "FROB||");
    ask(&bed, client, "GET", NULL, "", "GET||");
    assert_int_equal(http_server_connection_count(bed.server), 1); /* used again each time */
    http_client_free(client);
    bed_until(&bed, http_server_connection_count(bed.server) == 0);
    bed_close(&bed);
}

static void many_calls_run_side_by_side(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    struct http_client *client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "GET", bed_url(&bed, "/"));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 300; i++)
            http_client_send(client, &call);
    bed_until(&bed, told.done_count == 600);
    assert_int_equal(told.failure, HTTP_ANSWERED);
    assert_int_equal(bed.request_count, 600);
    http_client_free(client);
    bed_close(&bed);
}

/* ---- failures ---- */

static int listen_raw(uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t length = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)&at, &length);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static int accept_request(struct http_bed *bed, int listener)
{
    int fd = -1;
    char text[1024];
    bed_until(bed, fd >= 0 || (fd = accept(listener, NULL, NULL)) >= 0);
    bed_read(bed, fd, "\r\n\r\n", text, sizeof text);
    return fd;
}

static void reset_raw(int fd)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
}

static void nobody_there_is_refused(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    uint16_t port;
    bed_open(&bed);
    struct http_client *client = http_client_new(bed.loop);
    close(listen_raw(&port));
    struct http_call call = call_of(&told, "GET", url_of(port, "/"));
    http_client_send(client, &call);
    bed_until(&bed, told.done_count == 1);
    assert_int_equal(told.failure, HTTP_REFUSED);
    assert_non_null(strstr(told.reason, "connect"));
    call.url = "no url at all";
    http_client_send(client, &call);
    bed_until(&bed, told.done_count == 2);
    assert_int_equal(told.failure, HTTP_REFUSED);
    http_client_free(client);
    bed_close(&bed);
}

static void a_connection_that_breaks_is_broken(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
        "HTTP/1.1 200",
        "nonsense\r\n\r\n",
        "\xff\xfe\r\r\n\n"};
    struct http_bed bed;
    uint16_t port;
    bed_open(&bed);
    struct http_client *client = http_client_new(bed.loop);
    int listener = listen_raw(&port);
    for (size_t i = 0; i < 2 * sizeof parts / sizeof parts[0]; i++) {
        struct told told = {0};
        struct http_call call = call_of(&told, "GET", url_of(port, "/"));
        http_client_send(client, &call);
        int fd = accept_request(&bed, listener);
        bed_write(fd, parts[i / 2]);
        if (i % 2 == 0)
            close(fd);
        else
            reset_raw(fd);
        bed_until(&bed, told.done_count == 1);
        assert_int_equal(told.failure, HTTP_BROKEN);
    }
    close(listener);
    http_client_free(client);
    bed_close(&bed);
}

static void time_that_passes_is_timed_out(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    bed.is_keeping = true;
    struct http_client *client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "GET", bed_url(&bed, "/"));
    call.timeout_ms = 60;
    uint64_t begun_ns = loop_now_ns();
    http_client_send(client, &call);
    bed_until(&bed, told.done_count == 1);
    uint64_t took_ms = (loop_now_ns() - begun_ns) / 1000000;
    assert_int_equal(told.failure, HTTP_TIMED_OUT);
    assert_true(took_ms >= 60 && took_ms < 500);
    bed_until(&bed, bed.gone_count == 1); /* and the server sees the client go */
    http_client_free(client);
    bed_close(&bed);
}

/* A kept connection that the server closed meanwhile is no reason to fail. */
static void a_stale_connection_is_replaced(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    uint16_t port;
    bed_open(&bed);
    struct http_client *client = http_client_new(bed.loop);
    int listener = listen_raw(&port);
    struct http_call call = call_of(&told, "POST", url_of(port, "/"));
    for (uint32_t i = 1; i <= 6; i++) {
        http_client_send(client, &call);
        int fd = accept_request(&bed, listener);
        bed_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        bed_until(&bed, told.done_count == i);
        assert_int_equal(told.failure, HTTP_ANSWERED);
        if (i % 2 == 0)
            close(fd);
        else
            reset_raw(fd);
    }
    close(listener);
    http_client_free(client);
    bed_close(&bed);
}

/* libcurl would send it again, up to five times: that it was handled once cannot be ruled out.
 */
static void a_request_is_never_sent_twice(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST", "GET"};
    for (int i = 0; i < 8; i++) {
        struct http_bed bed;
        struct told told = {0};
        uint16_t port;
        bed_open(&bed);
        struct http_client *client = http_client_new(bed.loop);
        int listener = listen_raw(&port);
        struct http_call call = call_of(&told, methods[i % 2], url_of(port, "/"));
        http_client_send(client, &call);
        int fd = accept_request(&bed, listener);
        bed_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        bed_until(&bed, told.done_count == 1);
        http_client_send(client, &call);
        char text[1024];
        bed_read(&bed, fd, "\r\n\r\n", text, sizeof text); /* the same connection */
        if (i >= 4)
            close(listener); /* sent once, refused after that: still broken */
        if (i % 4 < 2)
            close(fd);
        else
            reset_raw(fd);
        bed_until(&bed, told.done_count == 2);
        assert_int_equal(told.failure, HTTP_BROKEN);
        assert_string_not_equal(told.reason, "");
        int again =
            i >= 4 ? -1
                   : accept(listener, NULL, NULL); /* connected again, but nothing is said */
        if (again >= 0) {
            assert_true(recv(again, text, sizeof text, MSG_DONTWAIT) <= 0);
            close(again);
        }
        if (i < 4)
            close(listener);
        http_client_free(client);
        bed_close(&bed);
    }
}

/* ---- pieces, cancelling, the end ---- */

static void pieces_come_as_they_are_sent(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    bed.is_keeping = true;
    struct http_client *client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "POST", bed_url(&bed, "/watch"));
    call.on_piece = on_piece;
    http_client_send(client, &call);
    bed_until(&bed, bed.open_count == 1);
    http_exchange_begin(bed.open[0], 200, NULL);
    http_exchange_piece(bed.open[0], "one\n", 4);
    bed_until(&bed, told.piece_count == 1);
    assert_string_equal(told.pieces, "one\n");
    assert_int_equal(told.done_count, 0);
    http_exchange_piece(bed.open[0], "two\n", 4);
    http_exchange_end(bed.open[0]);
    bed_until(&bed, told.done_count == 1);
    assert_string_equal(told.pieces, "one\ntwo\n");
    assert_string_equal(told.body, "");
    bed.open_count = 0;
    http_client_send(client, &call); /* an error comes whole */
    bed_until(&bed, bed.open_count == 1);
    http_exchange_answer(bed.open[0], 503, NULL, "no", 2);
    bed_until(&bed, told.done_count == 2);
    assert_string_equal(told.body, "no");
    assert_int_equal(told.status, 503);
    http_client_free(client);
    bed_close(&bed);
}

static void a_cancelled_call_says_no_word(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    bed.is_keeping = true;
    struct http_client *client = told.client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "GET", bed_url(&bed, "/"));
    call.on_piece = on_piece;
    http_client_cancel(client, http_client_send(client, &call)); /* before it begins */
    bed_turns(&bed, 5);
    assert_int_equal(http_client_open_count(client), 0);
    assert_int_equal(bed.request_count, 0);
    uint64_t number = http_client_send(client, &call); /* while it waits */
    bed_until(&bed, bed.open_count == 1);
    http_client_cancel(client, number);
    bed_until(&bed, bed.gone_count == 1);
    http_client_cancel(client, number);
    http_client_cancel(client, 123456789);
    told.to_cancel = http_client_send(client, &call); /* inside of its own piece */
    bed_until(&bed, bed.open_count == 1);
    http_exchange_begin(bed.open[0], 200, NULL);
    http_exchange_piece(bed.open[0], "x", 1);
    bed_until(&bed, bed.gone_count == 2);
    assert_int_equal(told.piece_count, 1);
    assert_int_equal(told.done_count, 0);
    assert_int_equal(http_client_open_count(client), 0);
    http_client_free(client);
    bed_close(&bed);
}

static void a_freed_client_is_gone_at_once(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    bed.is_keeping = true;
    struct http_client *client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "GET", bed_url(&bed, "/"));
    for (int i = 0; i < 4; i++)
        http_client_send(client, &call);
    bed_until(&bed, bed.open_count == 4);
    http_exchange_begin(bed.open[0], 200, NULL);
    bed_turns(&bed, 5);
    http_client_send(client, &call); /* not begun */
    http_client_free(client);
    bed_until(&bed, bed.gone_count == 4);
    assert_int_equal(told.done_count, 0);
    bed_close(&bed);
}

static void a_server_that_is_freed_breaks_its_callers(void **state)
{
    (void)state;
    struct http_bed bed;
    struct told told = {0};
    bed_open(&bed);
    bed.is_keeping = true;
    struct http_client *client = http_client_new(bed.loop);
    struct http_call call = call_of(&told, "GET", bed_url(&bed, "/"));
    http_client_send(client, &call);
    bed_until(&bed, bed.open_count == 1);
    http_server_free(bed.server);
    bed.server = NULL;
    bed_until(&bed, told.done_count == 1);
    assert_int_equal(told.failure, HTTP_BROKEN);
    http_client_send(client, &call);
    bed_until(&bed, told.done_count == 2);
    assert_int_equal(told.failure, HTTP_REFUSED);
    http_client_free(client);
    bed_close(&bed);
}

/* The library keeps descriptors of its own from its first use on. */
static int first_use(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    http_client_free(http_client_new(loop));
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered),
        cmocka_unit_test(nothing_is_added_to_a_request),
        cmocka_unit_test(many_calls_run_side_by_side),
        cmocka_unit_test(nobody_there_is_refused),
        cmocka_unit_test(a_connection_that_breaks_is_broken),
        cmocka_unit_test(time_that_passes_is_timed_out),
        cmocka_unit_test(a_stale_connection_is_replaced),
        cmocka_unit_test(a_request_is_never_sent_twice),
        cmocka_unit_test(pieces_come_as_they_are_sent),
        cmocka_unit_test(a_cancelled_call_says_no_word),
        cmocka_unit_test(a_freed_client_is_gone_at_once),
        cmocka_unit_test(a_server_that_is_freed_breaks_its_callers),
    };
    return cmocka_run_group_tests(tests, first_use, NULL);
}
