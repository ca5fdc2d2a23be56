/*
 * test_kafka_server.c - frames over real sockets: split, joined, too long, unanswered, unread.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/kafka_server.h"

#define SECOND UINT64_C(1000000000)
#define PATIENCE (5 * SECOND)

enum habit { ECHO, HOLD, SILENT, CLOSE, FREE }; /* what the handler does with a frame */

struct bed {
    struct loop *loop;
    struct kafka_server *server;
    enum habit habit;
    uint32_t frame_count, closed_count, connection; /* connection: of the last frame */
    uint8_t *last;                                  /* a copy of the last frame */
    size_t last_length;
    int fds_before;
};

static int open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    int count = 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void on_frame(void *context, uint32_t connection, const void *bytes, size_t length)
{
    struct bed *bed = context;
    bed->frame_count++;
    bed->connection = connection;
    free(bed->last);
    bed->last = malloc(length + 1);
    memcpy(bed->last, bytes, length);
    bed->last_length = length;
    if (bed->habit == ECHO)
        kafka_server_answer(bed->server, connection, bytes, length);
    else if (bed->habit == SILENT)
        kafka_server_answer(bed->server, connection, NULL, 0);
    else if (bed->habit == CLOSE)
        kafka_server_close(bed->server, connection);
    else if (bed->habit == FREE) {
        kafka_server_free(bed->server);
        bed->server = NULL;
    }
    assert_memory_equal(bed->last, bytes, length); /* still ours to read */
}

static void on_closed(void *context, uint32_t connection)
{
    struct bed *bed = context;
    bed->closed_count++;
    bed->connection = connection;
}

static struct kafka_server *server_of(struct bed *bed, uint16_t port, uint32_t max, char *error)
{
    struct kafka_server_config config = {.loop = bed->loop,
                                         .address = "127.0.0.1",
                                         .port = port,
                                         .connections_max = max,
                                         .context = bed,
                                         .on_frame = on_frame,
                                         .on_closed = on_closed};
    return kafka_server_new(&config, error, 200);
}

static void bed_open(struct bed *bed, enum habit habit, uint32_t max)
{
    char error[200];
    *bed = (struct bed){.habit = habit, .fds_before = open_fds()};
    bed->loop = loop_new();
    bed->server = server_of(bed, 0, max, error);
    assert_non_null(bed->server);
}

static void bed_close(struct bed *bed)
{
    if (bed->server != NULL)
        kafka_server_free(bed->server);
    loop_free(bed->loop);
    free(bed->last);
    assert_int_equal(open_fds(), bed->fds_before);
}

static void turn_until(struct bed *bed, const uint32_t *counter, uint32_t value)
{
    uint64_t until = loop_now_ns() + PATIENCE;
    while (*counter < value && loop_now_ns() < until)
        loop_turn(bed->loop, 10000000);
    assert_int_equal(*counter, value);
}

static void turn_for_ms(struct bed *bed, uint64_t ms)
{
    uint64_t until = loop_now_ns() + ms * 1000000;
    while (loop_now_ns() < until)
        loop_turn(bed->loop, 1000000);
}

static int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void put(int fd, const void *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

static size_t frame_of(uint8_t *out, const char *text)
{
    size_t length = strlen(text);
    out[0] = out[1] = out[2] = 0;
    out[3] = (uint8_t)length;
    memcpy(out + 4, text, length);
    return 4 + length;
}

/* Turns until `length` bytes, an end (0) or a reset (-1) came. */
static ssize_t get(struct bed *bed, int fd, void *bytes, size_t length)
{
    size_t count = 0;
    uint64_t until = loop_now_ns() + PATIENCE;
    while (count < length && loop_now_ns() < until) {
        ssize_t size = recv(fd, (uint8_t *)bytes + count, length - count, MSG_DONTWAIT);
        if (size == 0)
            return 0;
        if (size < 0 && errno != EAGAIN)
            return -1;
        if (size > 0)
            count += (size_t)size;
        else
            loop_turn(bed->loop, 1000000);
    }
    return (ssize_t)count;
}

static void expect(struct bed *bed, int fd, const char *text)
{
    uint8_t wanted[260], got[260] = {0};
    size_t length = frame_of(wanted, text);
    assert_int_equal(get(bed, fd, got, length), length);
    assert_memory_equal(got, wanted, length);
}

static void a_frame_may_be_split_anywhere(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, ECHO, 4);
    uint8_t bytes[100];
    size_t length = frame_of(bytes, "split");
    int fd = dial(kafka_server_port(bed.server));
    for (size_t cut = 1; cut < length; cut++) {
        put(fd, bytes, cut);
        turn_for_ms(&bed, 2);
        assert_int_equal(bed.frame_count, cut - 1);
        put(fd, bytes + cut, length - cut);
        expect(&bed, fd, "split");
    }
    close(fd);
    turn_until(&bed, &bed.closed_count, 1);
    bed_close(&bed);
}

static void frames_that_come_together_are_given_one_after_the_other(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, HOLD, 4);
    uint8_t bytes[100];
    size_t length = frame_of(bytes, "one");
    length += frame_of(bytes + length, "two");
    length += frame_of(bytes + length, "");
    int fd = dial(kafka_server_port(bed.server));
    put(fd, bytes, length);
    turn_until(&bed, &bed.frame_count, 1);
    turn_for_ms(&bed, 10);
    assert_int_equal(bed.frame_count, 1);
    assert_memory_equal(bed.last, "one", 3);
    put(fd, bytes, 7); /* a fourth, still in the socket */
    kafka_server_answer(bed.server, bed.connection, "1", 1);
    assert_int_equal(bed.frame_count, 1); /* never from inside of an answer */
    turn_until(&bed, &bed.frame_count, 2);
    assert_memory_equal(bed.last, "two", 3);
    kafka_server_answer(bed.server, bed.connection, NULL, 0);
    turn_until(&bed, &bed.frame_count, 3);
    assert_int_equal(bed.last_length, 0);
    kafka_server_answer(bed.server, bed.connection, "3", 1);
    turn_until(&bed, &bed.frame_count, 4);
    assert_memory_equal(bed.last, "one", 3);
    kafka_server_answer(bed.server, bed.connection, "4", 1);
    expect(&bed, fd, "1");
    expect(&bed, fd, "3");
    expect(&bed, fd, "4");
    close(fd);
    bed_close(&bed);
}

static void a_frame_without_an_answer_lets_the_next_one_in(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, SILENT, 4);
    uint8_t bytes[100];
    size_t length = frame_of(bytes, "quiet");
    int fd = dial(kafka_server_port(bed.server));
    for (uint32_t i = 1; i <= 5; i++)
        put(fd, bytes, length);
    turn_until(&bed, &bed.frame_count, 5);
    assert_int_equal(recv(fd, bytes, 1, MSG_DONTWAIT), -1);
    close(fd);
    bed_close(&bed);
}

static void a_bad_length_ends_the_connection(void **state)
{
    (void)state;
    static const uint8_t BAD[][4] = {
        {0xff, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0x06, 0x40, 0, 1}, {'G', 'E', 'T', ' '}};
    struct bed bed;
    bed_open(&bed, ECHO, 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t byte;
        int fd = dial(kafka_server_port(bed.server));
        put(fd, BAD[i], 4);
        assert_int_equal(get(&bed, fd, &byte, 1), 0);
        assert_int_equal(bed.closed_count, i + 1);
        close(fd);
    }
    assert_int_equal(bed.frame_count, 0);
    bed_close(&bed);
}

static long resident_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void a_promised_length_costs_nothing_until_it_comes(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, ECHO, 64);
    static const uint8_t HUGE_LENGTH[5] = {0x06, 0x40, 0, 0, 'x'}; /* the largest allowed */
    int fds[64];
    long before = resident_kb();
    for (int i = 0; i < 64; i++) {
        fds[i] = dial(kafka_server_port(bed.server));
        put(fds[i], HUGE_LENGTH, 5);
    }
    turn_for_ms(&bed, 50);
    assert_true(resident_kb() - before < 32 << 10);
    for (int i = 0; i < 64; i++)
        close(fds[i]);
    turn_until(&bed, &bed.closed_count, 64);
    assert_int_equal(bed.frame_count, 0);
    bed_close(&bed);
}

static void a_large_frame_arrives_whole_and_its_answer_reaches_a_slow_reader(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, HOLD, 4);
    size_t length = (size_t)9 << 20, sent = 0;
    uint8_t *bytes = malloc(4 + length), *got = malloc(4 + length);
    for (size_t i = 0; i < length; i++)
        bytes[4 + i] = (uint8_t)(i * 7 + (i >> 13));
    memcpy(bytes, (const uint8_t[]){0, 0x90, 0, 0}, 4);
    int fd = dial(kafka_server_port(bed.server));
    while (sent < 4 + length) {
        ssize_t size = send(fd, bytes + sent, 4 + length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += size > 0 ? (size_t)size : 0;
        loop_turn(bed.loop, 1000000);
    }
    turn_until(&bed, &bed.frame_count, 1);
    assert_int_equal(bed.last_length, length);
    assert_memory_equal(bed.last, bytes + 4, length);
    put(fd, "\0\0\0\1z", 5); /* not given before all of the answer is out */
    kafka_server_answer(bed.server, bed.connection, bed.last, length);
    turn_for_ms(&bed, 20);
    assert_int_equal(bed.frame_count, 1);
    for (size_t at = 0; at < 4 + length; at += 65536) { /* slowly */
        size_t part = 4 + length - at < 65536 ? 4 + length - at : 65536;
        assert_int_equal(get(&bed, fd, got + at, part), part);
    }
    assert_memory_equal(got, bytes, 4 + length);
    turn_until(&bed, &bed.frame_count, 2);
    close(fd);
    free(bytes);
    free(got);
    bed_close(&bed);
}

static void two_thousand_clients_are_served_and_the_next_is_closed(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct bed bed;
    static int fds[COUNT];
    uint8_t bytes[100];
    size_t length = frame_of(bytes, "many");
    bed_open(&bed, ECHO, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        fds[i] = dial(kafka_server_port(bed.server));
        put(fds[i], bytes, length);
        if (i % 100 == 99)
            turn_until(&bed, &bed.frame_count, i + 1);
    }
    int extra = dial(kafka_server_port(bed.server));
    assert_true(get(&bed, extra, bytes, 1) <= 0);
    close(extra);
    for (uint32_t i = 0; i < COUNT; i++) {
        expect(&bed, fds[i], "many");
        close(fds[i]);
    }
    turn_until(&bed, &bed.closed_count, COUNT);
    int again = dial(kafka_server_port(bed.server)); /* their places are free */
    put(again, bytes, frame_of(bytes, "again"));
    expect(&bed, again, "again");
    close(again);
    bed_close(&bed);
}

static void a_client_that_goes_while_asked_is_told_of_and_late_answers_are_nothing(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, HOLD, 1);
    uint8_t bytes[100];
    size_t length = frame_of(bytes, "fetch");
    int fd = dial(kafka_server_port(bed.server));
    put(fd, bytes, length);
    turn_until(&bed, &bed.frame_count, 1);
    uint32_t gone = bed.connection;
    close(fd);
    turn_until(&bed, &bed.closed_count, 1);
    assert_int_equal(bed.connection, gone);
    int next = dial(kafka_server_port(bed.server)); /* takes the same place */
    put(next, bytes, length);
    turn_until(&bed, &bed.frame_count, 2);
    assert_int_not_equal(bed.connection, gone);
    kafka_server_answer(bed.server, gone, "late", 4);
    kafka_server_close(bed.server, gone);
    kafka_server_answer(bed.server, bed.connection, "fresh", 5);
    expect(&bed, next, "fresh");
    close(next);
    bed_close(&bed);
}

static void frames_sent_right_before_the_end_still_count(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, HOLD, 4);
    uint8_t bytes[100];
    size_t length = frame_of(bytes, "first");
    length += frame_of(bytes + length, "last");
    int fd = dial(kafka_server_port(bed.server));
    put(fd, bytes, length);
    shutdown(fd, SHUT_WR);
    turn_until(&bed, &bed.frame_count, 1);
    turn_for_ms(&bed, 10);
    assert_int_equal(bed.closed_count, 0);
    kafka_server_answer(bed.server, bed.connection, "a", 1);
    turn_until(&bed, &bed.frame_count, 2);
    assert_memory_equal(bed.last, "last", 4);
    turn_until(&bed, &bed.closed_count, 1);
    close(fd);
    bed_close(&bed);
}

static void the_handler_may_close_a_connection_or_free_the_server(void **state)
{
    (void)state;
    uint8_t bytes[100], byte;
    size_t length = frame_of(bytes, "end");
    for (int round = 0; round < 2; round++) {
        struct bed bed;
        bed_open(&bed, round == 0 ? CLOSE : FREE, 4);
        int other = dial(kafka_server_port(bed.server));
        turn_for_ms(&bed, 5);
        int fd = dial(kafka_server_port(bed.server));
        put(fd, bytes, length);
        turn_until(&bed, &bed.frame_count, 1);
        assert_int_equal(get(&bed, fd, &byte, 1), round == 0 ? 0 : -1);
        assert_int_equal(bed.closed_count, 0);
        close(other);
        close(fd);
        bed_close(&bed);
    }
}

static void freeing_resets_clients_and_gives_the_port_back_at_once(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, HOLD, 4);
    char error[200], wanted[200];
    uint8_t bytes[100], byte;
    uint16_t port = kafka_server_port(bed.server);
    assert_null(server_of(&bed, port, 4, error));
    snprintf(wanted, sizeof wanted, "127.0.0.1:%u: %s", port, strerror(EADDRINUSE));
    assert_string_equal(error, wanted);
    int idle = dial(port), asked = dial(port);
    put(asked, bytes, frame_of(bytes, "asked"));
    turn_until(&bed, &bed.frame_count, 1);
    turn_for_ms(&bed, 5);
    kafka_server_free(bed.server);
    assert_int_equal(recv(idle, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(recv(asked, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(idle);
    close(asked);
    assert_int_equal(bed.closed_count, 0);
    bed.server = server_of(&bed, port, 4, error);
    assert_non_null(bed.server);
    bed_close(&bed);
}

static void without_descriptors_clients_are_turned_away_and_served_later(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, ECHO, 16);
    uint8_t bytes[100], byte;
    struct rlimit former, tight;
    int fd = dial(kafka_server_port(bed.server));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &former), 0);
    tight = former;
    tight.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    ssize_t size = get(&bed, fd, &byte, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &former), 0);
    assert_int_equal(size, 0);
    close(fd);
    fd = dial(kafka_server_port(bed.server));
    put(fd, bytes, frame_of(bytes, "room"));
    expect(&bed, fd, "room");
    close(fd);
    bed_close(&bed);
}

int main(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files); /* both ends of 2,000 connections are ours */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_may_be_split_anywhere),
        cmocka_unit_test(frames_that_come_together_are_given_one_after_the_other),
        cmocka_unit_test(a_frame_without_an_answer_lets_the_next_one_in),
        cmocka_unit_test(a_bad_length_ends_the_connection),
        cmocka_unit_test(a_promised_length_costs_nothing_until_it_comes),
        cmocka_unit_test(a_large_frame_arrives_whole_and_its_answer_reaches_a_slow_reader),
        cmocka_unit_test(two_thousand_clients_are_served_and_the_next_is_closed),
        cmocka_unit_test(
            a_client_that_goes_while_asked_is_told_of_and_late_answers_are_nothing),
        cmocka_unit_test(frames_sent_right_before_the_end_still_count),
        cmocka_unit_test(the_handler_may_close_a_connection_or_free_the_server),
        cmocka_unit_test(freeing_resets_clients_and_gives_the_port_back_at_once),
        cmocka_unit_test(without_descriptors_clients_are_turned_away_and_served_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
