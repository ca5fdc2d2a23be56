/*
 * test_http_server.c - the HTTP port: answers at once, late and in pieces, and hostile clients.
 */
#include "http_bed.h"

#include <sys/resource.h>

#define GET "GET /a?b=c%20d HTTP/1.1\r\nHost: x\r\n\r\n"

static uint32_t count_of(const char *text, const char *word)
{
    uint32_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    struct http_bed bed;
    char text[4096];
    bed_open(&bed);
    int fd = bed_connect(&bed);
    for (int i = 0; i < 3; i++) {
        bed_write(fd, GET);
        bed_read(&bed, fd, "c%20d 0 ", text, sizeof text);
        assert_non_null(strstr(text, "HTTP/1.1 200"));
        assert_non_null(strstr(text, "X-A: b\r\n"));
        assert_string_equal(bed.last, "GET /a?b=c%20d 0 ");
    }
    assert_int_equal(http_server_connection_count(bed.server), 1);
    close(fd);
    bed_until(&bed, http_server_connection_count(bed.server) == 0);
    assert_int_equal(bed.gone_count, 0);
    bed_close(&bed);
}

static void requests_in_one_packet_are_answered_in_order(void **state)
{
    (void)state;
    struct http_bed bed;
    char text[8192];
    bed_open(&bed);
    bed.is_keeping = true;
    int fd = bed_connect(&bed);
    bed_write(fd, "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none" GET
                  "FROB /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (uint32_t i = 1; i <= 3; i++) {
        bed_until(&bed, bed.request_count == i);
        bed_turns(&bed, 5);
        assert_int_equal(bed.request_count, i); /* one at a time; more bytes are no closing */
        assert_int_equal(bed.gone_count, 0);
        bed.open_count = 0;
        http_exchange_answer(bed.open[0], 200, NULL, bed.last, strlen(bed.last));
    }
    bed_read(&bed, fd, "FROB /3 0 ", text, sizeof text);
    assert_int_equal(count_of(text, "HTTP/1.1 200"), 3);
    assert_true(strstr(text, "POST /1 3 one") < strstr(text, "GET /a?b=c%20d 0 "));
    close(fd);
    bed_close(&bed);
}

static void headers_and_body_come_whole(void **state)
{
    (void)state;
    struct http_bed bed;
    bed_open(&bed);
    bed.is_keeping = true;
    int fd = bed_connect(&bed);
    bed_write(fd,
              "PUT /x HTTP/1.1\r\nHost: x\r\nA: 1\r\nB:\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    bed_until(&bed, bed.open_count == 1);
    assert_string_equal(bed.open[0]->headers,
                        "Host: x\nA: 1\nB: \nTransfer-Encoding: chunked\n");
    assert_int_equal(bed.open[0]->headers_length, strlen(bed.open[0]->headers));
    assert_string_equal(bed.open[0]->body, "abcde");
    http_exchange_answer(bed.open[0], 204, NULL, NULL, 0);
    char text[1024];
    bed_read(&bed, fd, "\r\n\r\n", text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 204"));
    close(fd);
    bed_close(&bed);
}

static void each_piece_is_one_chunk(void **state)
{
    (void)state;
    struct http_bed bed;
    char text[1024];
    bed_open(&bed);
    bed.is_keeping = true;
    int fd = bed_connect(&bed);
    bed_write(fd, GET);
    bed_until(&bed, bed.open_count == 1);
    http_exchange_begin(bed.open[0], 200, "Content-Type: text/plain\n");
    http_exchange_piece(bed.open[0], "one", 3);
    http_exchange_piece(bed.open[0], "three", 5);
    bed_read(&bed, fd, "\r\n3\r\none\r\n5\r\nthree\r\n", text, sizeof text);
    assert_non_null(strstr(text, "Transfer-Encoding: chunked"));
    http_exchange_piece(bed.open[0], "x", 1);
    bed_read(&bed, fd, "1\r\nx\r\n", text, sizeof text);
    http_exchange_end(bed.open[0]);
    bed_read(&bed, fd, "0\r\n\r\n", text, sizeof text);
    bed.is_keeping = false;
    bed_write(fd, GET);
    bed_read(&bed, fd, "HTTP/1.1 200", text, sizeof text);
    close(fd);
    bed_close(&bed);
}

static void a_client_that_closes_is_gone(void **state)
{
    (void)state;
    for (int streaming = 0; streaming < 2; streaming++) {
        struct http_bed bed;
        bed_open(&bed);
        bed.is_keeping = true;
        int fd = bed_connect(&bed);
        bed_write(fd, GET);
        bed_until(&bed, bed.open_count == 1);
        if (streaming) {
            http_exchange_begin(bed.open[0], 200, NULL);
            http_exchange_piece(bed.open[0], "x", 1);
            bed_turns(&bed, 5);
        }
        close(fd);
        bed_until(&bed, bed.gone_count == 1);
        bed_until(&bed, http_server_connection_count(bed.server) == 0);
        fd = bed_connect(&bed); /* closed before the request is read */
        bed_write(fd, GET);
        close(fd);
        bed_until(&bed, bed.gone_count == 2);
        assert_int_equal(bed.request_count, 2);
        bed_close(&bed);
    }
}

static void a_reader_that_stops_is_cut_off(void **state)
{
    (void)state;
    struct http_bed bed;
    bed_open(&bed);
    bed.is_keeping = true;
    int fd = bed_connect(&bed);
    bed_write(fd, GET);
    bed_until(&bed, bed.open_count == 1);
    http_exchange_begin(bed.open[0], 200, NULL);
    char *block = calloc(1, 1 << 20);
    for (int i = 0; i < 100 && bed.gone_count == 0; i++) {
        http_exchange_piece(bed.open[0], block, 1 << 20);
        if (i % 8 == 0)
            loop_turn(bed.loop, 0);
    }
    free(block);
    bed_until(&bed, bed.gone_count == 1);
    close(fd);
    bed_close(&bed);
}

static void a_reset_is_seen_as_one(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct http_bed bed;
        char text[1024];
        bed_open(&bed);
        bed.is_keeping = late == 1;
        bed.is_resetting = late == 0;
        int fd = bed_connect(&bed);
        bed_write(fd, GET);
        bed_until(&bed, bed.request_count == 1);
        if (late)
            http_exchange_reset(bed.open[0]);
        assert_int_equal(bed_read(&bed, fd, NULL, text, sizeof text), ECONNRESET);
        bed_until(&bed, http_server_connection_count(bed.server) == 0);
        assert_int_equal(bed.gone_count, 0);
        close(fd);
        bed_close(&bed);
    }
}

static void a_server_is_freed_with_everything_open(void **state)
{
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        struct http_bed bed;
        int fds[6];
        char text[1024];
        bed_open(&bed);
        bed.is_keeping = true;
        uint16_t port = http_server_port(bed.server);
        for (int i = 0; i < 6; i++)
            fds[i] = bed_connect(&bed);
        for (int i = 0; i < 4; i++)
            bed_write(fds[i], GET);
        bed_write(fds[4], "GET /half"); /* and fds[5] says nothing */
        bed_until(&bed, bed.open_count == 4);
        http_exchange_begin(bed.open[0], 200, NULL);
        http_exchange_piece(bed.open[0], "x", 1);
        http_exchange_begin(bed.open[1], 200, NULL);
        bed_turns(&bed, 5);
        http_exchange_piece(bed.open[1], "x", 1); /* resumed, not sent yet */
        bed.is_freeing = inside == 1;
        if (inside) {
            int fd = bed_connect(&bed);
            bed_write(fd, GET);
            bed_until(&bed, bed.server == NULL);
            close(fd);
        } else {
            http_server_free(bed.server);
        }
        struct http_server_config config = bed_config(&bed, port); /* at once */
        bed.server = http_server_new(&config, bed.error, sizeof bed.error);
        assert_string_equal(bed.error, "");
        for (int i = 0; i < 6; i++) {
            while (bed_read(&bed, fds[i], "HTTP/1.1 200", text, sizeof text) == 0)
                ;
            close(fds[i]);
        }
        assert_int_equal(bed.gone_count, 0);
        bed_close(&bed);
    }
}

static void a_port_in_use_is_named(void **state)
{
    (void)state;
    struct http_bed bed;
    char error[200], expected[200];
    bed_open(&bed);
    struct http_server_config config = bed_config(&bed, http_server_port(bed.server));
    assert_null(http_server_new(&config, error, sizeof error));
    snprintf(expected, sizeof expected, "127.0.0.1:%u: Address already in use",
             (unsigned)config.port);
    assert_string_equal(error, expected);
    config.address = "not.numeric";
    assert_null(http_server_new(&config, error, sizeof error));
    bed_close(&bed);
}

static void a_closed_port_lets_open_exchanges_end(void **state)
{
    (void)state;
    struct http_bed bed;
    char text[1024];
    bed_open(&bed);
    bed.is_keeping = true;
    int fd = bed_connect(&bed);
    bed_write(fd, GET);
    bed_until(&bed, bed.open_count == 1);
    http_server_close_port(bed.server);
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_port = htons(http_server_port(bed.server));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(other, (struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(other);
    bed_turns(&bed, 5);
    http_exchange_answer(bed.open[0], 200, NULL, "late", 4);
    bed_read(&bed, fd, "late", text, sizeof text);
    close(fd);
    bed_close(&bed);
}

/* ---- hostility ---- */

static void ask_raw(struct http_bed *bed, const char *request, const char *expected)
{
    char text[4096];
    int fd = bed_connect(bed);
    bed_write(fd, request);
    (void)bed_read(bed, fd, NULL, text, sizeof text);
    if (strstr(text, expected) == NULL)
        fail_msg("to %.60s: %.300s", request, text);
    close(fd);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct http_bed bed;
    bed_open(&bed);
    ask_raw(&bed, "GET / HTTP/1.1\r\n\r\n", " 400 "); /* no Host */
    ask_raw(&bed, "GET / HTTP/7.0\r\nHost: x\r\n\r\n", " 505 ");
    ask_raw(&bed, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", " 400 ");
    ask_raw(&bed, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", " 413 ");
    ask_raw(&bed, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            " 400 ");
    assert_int_equal(bed.request_count, 0);
    assert_int_equal(bed.gone_count, 0);
    bed_close(&bed);
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    struct http_bed bed;
    uint64_t random = 88172645463325252u;
    bed_open(&bed);
    for (int i = 0; i < 300; i++) {
        char bytes[600];
        int fd = bed_connect(&bed);
        size_t at = i % 3 == 0 ? 0 : strlen(strcpy(bytes, "POST / HTTP/1.1\r\nHost: x\r\n"));
        for (; at < sizeof bytes; at++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[at] = random % 7 == 0 ? '\n' : random % 5 == 0 ? ':' : (char)(random >> 32);
        }
        (void)send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        loop_turn(bed.loop, 0);
        loop_turn(bed.loop, 0);
        close(fd);
    }
    bed_until(&bed, http_server_connection_count(bed.server) == 0);
    ask_raw(&bed, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", " 200 ");
    bed_close(&bed);
}

static void a_body_without_end_is_cut_off(void **state)
{
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        struct http_bed bed;
        char text[1024] = "";
        size_t sent = 0, size = (size_t)1 << 30;
        bed_open(&bed);
        int fd = bed_connect(&bed);
        bed_write(fd, "POST /big HTTP/1.1\r\nHost: x\r\n");
        bed_write(fd, chunked ? "Transfer-Encoding: chunked\r\n\r\n40000000\r\n"
                              : "Content-Length: 1073741824\r\n\r\n");
        char *block = calloc(1, 65536);
        while (sent < size && strstr(text, "too large") == NULL) {
            ssize_t length = send(fd, block, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (length < 0 && errno != EAGAIN)
                break;
            sent += length < 0 ? 0 : (size_t)length;
            loop_turn(bed.loop, 0);
            length = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
            text[length < 0 ? 0 : length] = '\0';
        }
        free(block);
        assert_non_null(strstr(text, "413 Content Too Large"));
        assert_true(sent < size / 16);
        assert_int_equal(bed.request_count, 0);
        close(fd);
        bed_until(&bed, http_server_connection_count(bed.server) == 0);
        bed_turns(&bed, 10);
        bed_close(&bed);
    }
}

static void a_request_that_never_ends_is_timed_out(void **state)
{
    (void)state;
    struct http_bed bed;
    bed_open(&bed);
    int silent = bed_connect(&bed), half = bed_connect(&bed), slow = bed_connect(&bed);
    bed_write(half, "GET / HTTP/1.1\r\nHost:");
    bed_write(slow, "GET / HTTP/1.1\r\nX: ");
    bed_until(&bed, http_server_connection_count(bed.server) == 3);
    uint64_t begun_ns = loop_now_ns(), end_ns = begun_ns + UINT64_C(4500000000);
    uint64_t cut_ns = 0;
    while (loop_now_ns() < end_ns && http_server_connection_count(bed.server) > 0) {
        (void)send(slow, "x", 1, MSG_NOSIGNAL); /* never idle */
        bed_turns(&bed, 100);
        if (cut_ns == 0 && http_server_connection_count(bed.server) == 1)
            cut_ns = loop_now_ns() - begun_ns;
    }
    assert_int_equal(http_server_connection_count(bed.server), 0);
    assert_true(cut_ns > UINT64_C(900000000)); /* the idle two; the slow one later */
    close(silent), close(half), close(slow);
    bed_close(&bed);
}

static void open_patient(struct http_bed *bed)
{
    bed_open(bed);
    http_server_free(bed->server);
    struct http_server_config config = bed_config(bed, 0);
    config.timeout_s = 60;
    bed->server = http_server_new(&config, bed->error, sizeof bed->error);
}

static void who_leaves_within_a_request_is_let_go(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "G", "GET /ha", "GET / HTTP/1.1\r\nHost: x\r\nX: ",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhal"};
    struct http_bed bed;
    int halves[4];
    open_patient(&bed);
    for (int i = 0; i < 4; i++) {
        int whole = bed_connect(&bed);
        bed_write(whole, parts[i]);
        close(whole); /* its end comes with its bytes */
        bed_write(halves[i] = bed_connect(&bed), parts[i]);
        assert_int_equal(shutdown(halves[i], SHUT_WR), 0);
    }
    bed_turns(&bed, 20); /* all are accepted */
    bed_until(&bed, http_server_connection_count(bed.server) == 0);
    for (int i = 0; i < 4; i++)
        close(halves[i]);
    assert_int_equal(bed.request_count + bed.gone_count, 0);
    bed_close(&bed);
}

static void whole_requests_before_an_end_are_answered(void **state)
{
    (void)state;
    struct http_bed bed;
    char text[8192];
    open_patient(&bed);
    int fd = bed_connect(&bed);
    for (int i = 0; i < 20; i++)
        bed_write(fd, GET);
    bed_write(fd, "GET /ha");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(bed_read(&bed, fd, NULL, text, sizeof text), 0);
    assert_int_equal(count_of(text, "HTTP/1.1 200"), 20);
    close(fd);
    bed_close(&bed);
}

static void connections_over_the_limit_wait(void **state)
{
    (void)state;
    struct http_bed bed;
    char text[1024];
    bed_open(&bed);
    http_server_free(bed.server);
    struct http_server_config config = bed_config(&bed, 0);
    config.connections_max = 2;
    bed.server = http_server_new(&config, bed.error, sizeof bed.error);
    int fds[3] = {bed_connect(&bed), bed_connect(&bed), bed_connect(&bed)};
    bed_write(fds[2], GET);
    bed_turns(&bed, 20);
    assert_int_equal(http_server_connection_count(bed.server), 2);
    assert_int_equal(bed.request_count, 0);
    close(fds[0]), close(fds[1]);
    bed_read(&bed, fds[2], "HTTP/1.1 200", text, sizeof text);
    close(fds[2]);
    bed_close(&bed);
}

/* ---- many ---- */

struct many {
    struct http_exchange **open;
    uint32_t count;
};

static void keep_many(void *context, struct http_exchange *exchange)
{
    struct many *many = context;
    many->open[many->count++] = exchange;
}

static void many_gone(void *context, struct http_exchange *exchange)
{
    (void)context, (void)exchange;
    fail();
}

static uint32_t raise_descriptors(uint32_t wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    uint64_t room = (limit.rlim_cur - 200) / 2; /* both ends are ours */
    return room < wanted ? (uint32_t)room : wanted;
}

static void ten_thousand_connections_wait_for_answers(void **state)
{
    (void)state;
    struct http_bed bed;
    uint32_t count = raise_descriptors(10000);
    struct many many = {.open = calloc(count, sizeof *many.open)};
    int *fds = calloc(count, sizeof *fds);
    bed_open(&bed);
    http_server_free(bed.server);
    struct http_server_config config = bed_config(&bed, 0);
    config.context = &many;
    config.on_request = keep_many;
    config.on_gone = many_gone;
    bed.server = http_server_new(&config, bed.error, sizeof bed.error);
    for (uint32_t i = 0; i < count; i++) {
        fds[i] = bed_connect(&bed);
        bed_write(fds[i], GET);
        if (i % 8 == 0)
            loop_turn(bed.loop, 0);
    }
    bed_until(&bed, many.count == count);
    for (uint32_t i = 0; i < count; i++)
        if (i % 2 == 0) /* the others are open when the server is freed */
            http_exchange_answer(many.open[i], 200, NULL, "late", 4);
    for (uint32_t i = 0; i < count; i += 2) {
        char text[512];
        bed_read(&bed, fds[i], "late", text, sizeof text);
    }
    char byte;
    assert_int_equal(recv(fds[1], &byte, 1, MSG_DONTWAIT), -1);
    http_server_free(bed.server);
    bed.server = NULL;
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    free(many.open);
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(requests_in_one_packet_are_answered_in_order),
        cmocka_unit_test(headers_and_body_come_whole),
        cmocka_unit_test(each_piece_is_one_chunk),
        cmocka_unit_test(a_client_that_closes_is_gone),
        cmocka_unit_test(a_reader_that_stops_is_cut_off),
        cmocka_unit_test(a_reset_is_seen_as_one),
        cmocka_unit_test(a_server_is_freed_with_everything_open),
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(a_closed_port_lets_open_exchanges_end),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(a_body_without_end_is_cut_off),
        cmocka_unit_test(a_request_that_never_ends_is_timed_out),
        cmocka_unit_test(who_leaves_within_a_request_is_let_go),
        cmocka_unit_test(whole_requests_before_an_end_are_answered),
        cmocka_unit_test(connections_over_the_limit_wait),
        cmocka_unit_test(ten_thousand_connections_wait_for_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
