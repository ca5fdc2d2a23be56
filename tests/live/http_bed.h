#pragma once
/*
 * http_bed.h - a loop with one HTTP server that notes what it is asked, and raw sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live/http_client.h"
#include "live/http_server.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_bed {
    struct loop *loop;
    struct http_server *server;
    char error[200];
    struct http_exchange *open[16]; /* kept, not answered at once */
    uint32_t open_count, request_count, gone_count;
    bool is_keeping, is_freeing, is_resetting;
    char last[1024]; /* method path body */
    int descriptor_count;
};

static int bed_descriptor_count(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void bed_on_request(void *context, struct http_exchange *exchange)
{
    struct http_bed *bed = context;
    bed->request_count++;
    snprintf(bed->last, sizeof bed->last, "%s %s %zu %.*s", exchange->method, exchange->path,
             exchange->body_length,
             exchange->body_length > 99 ? 99 : (int)exchange->body_length, exchange->body);
    if (bed->is_freeing) {
        http_server_free(bed->server);
        bed->server = NULL;
    } else if (bed->is_resetting) {
        http_exchange_reset(exchange);
    } else if (bed->is_keeping) {
        assert_true(bed->open_count < 16);
        bed->open[bed->open_count++] = exchange;
    } else {
        http_exchange_answer(exchange, 200, "Content-Type: text/plain\nX-A: b\n", bed->last,
                             strlen(bed->last));
    }
}

static void bed_on_gone(void *context, struct http_exchange *exchange)
{
    struct http_bed *bed = context;
    bed->gone_count++;
    for (uint32_t i = 0; i < bed->open_count; i++)
        if (bed->open[i] == exchange)
            bed->open[i] = bed->open[--bed->open_count];
}

static struct http_server_config bed_config(struct http_bed *bed, uint16_t port)
{
    return (struct http_server_config){
        .loop = bed->loop,
        .address = "127.0.0.1",
        .port = port,
        .connections_max = 20000,
        .timeout_s = 1,
        .body_max = 100000,
        .body_too_large = "too large",
        .context = bed,
        .on_request = bed_on_request,
        .on_gone = bed_on_gone,
    };
}

static inline void bed_open(struct http_bed *bed)
{
    *bed = (struct http_bed){.descriptor_count = bed_descriptor_count()};
    bed->loop = loop_new();
    struct http_server_config config = bed_config(bed, 0);
    bed->server = http_server_new(&config, bed->error, sizeof bed->error);
    if (bed->server == NULL)
        fail_msg("%s", bed->error);
}

static inline void bed_close(struct http_bed *bed)
{
    http_server_free(bed->server);
    loop_free(bed->loop);
    assert_int_equal(bed_descriptor_count(), bed->descriptor_count);
}

/* Turns until `at` is `value`, for at most five seconds. */
#define bed_until(bed, condition)                                                              \
    do {                                                                                       \
        uint64_t end_ns = loop_now_ns() + UINT64_C(5000000000);                                \
        while (!(condition) && loop_now_ns() < end_ns)                                         \
            loop_turn((bed)->loop, 10000000);                                                  \
        assert_true(condition);                                                                \
    } while (0)

static inline void bed_turns(struct http_bed *bed, uint64_t ms)
{
    uint64_t end_ns = loop_now_ns() + ms * UINT64_C(1000000);
    while (loop_now_ns() < end_ns)
        loop_turn(bed->loop, 1000000);
}

static inline int bed_connect_to(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline int bed_connect(struct http_bed *bed)
{
    return bed_connect_to(http_server_port(bed->server));
}

static inline void bed_write(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

/* Turns until the server closes, or `until` is in what came; the errno or 0. */
static inline int bed_read(struct http_bed *bed, int fd, const char *until, char *ret,
                           size_t size)
{
    size_t length = 0;
    uint64_t end_ns = loop_now_ns() + UINT64_C(5000000000);
    ret[0] = '\0';
    while (loop_now_ns() < end_ns && length + 1 < size) {
        ssize_t got = recv(fd, ret + length, size - length - 1, MSG_DONTWAIT);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EAGAIN)
            return errno;
        length += got < 0 ? 0 : (size_t)got;
        ret[length] = '\0';
        if (until != NULL && strstr(ret, until) != NULL)
            return 0;
        loop_turn(bed->loop, 1000000);
    }
    fail_msg("nothing more after: %.300s", ret);
    return -1;
}
