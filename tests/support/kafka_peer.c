/*
 * kafka_peer.c - see kafka_peer.h.
 */
#include "support/kafka_peer.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "kafka/kafka.h"
#include "kafka/kafka_wire.h"

#define TEXT_SIZE ((size_t)1 << 20)
#define CALL_WAIT_MS 15000u

struct connection {
    int fd; /* 0: the machine's */
    bool is_open, is_closed_by_peer;
    enum kafka_text_api api;
    int16_t version;
    int32_t correlation;
    struct kafka_bytes answer; /* what came; of the machine: one whole answer */
    bool has_answer;
};

struct kafka_peer {
    struct bed *bed; /* NULL: a broker at an address */
    struct sockaddr_in address;
    struct kafka_names names;
    struct connection connections[KAFKA_PEER_CONNECTIONS];
    uint32_t count;
    uint32_t waited_ms;
    char prefix[64];
    char text[TEXT_SIZE];
};

static uint64_t real_ms(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct kafka_peer *peer_new(const char *prefix)
{
    struct kafka_peer *self = calloc(1, sizeof *self);
    assert_non_null(self);
    snprintf(self->prefix, sizeof self->prefix, "%s", prefix);
    self->names = (struct kafka_names){.prefix = self->prefix, .clock = 1000};
    return self;
}

struct kafka_peer *kafka_peer_machine(const char *prefix)
{
    struct kafka_peer *self = peer_new(prefix);
    self->bed = bed_new(&kafka_ops, BED_KAFKA, NULL);
    bed_start(self->bed);
    return self;
}

struct bed *kafka_peer_bed(const struct kafka_peer *self)
{
    assert_non_null(self->bed);
    return self->bed;
}

struct kafka_names *kafka_peer_names(struct kafka_peer *self)
{
    return &self->names;
}

static int dial(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    assert_true(fd > 0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

struct kafka_peer *kafka_peer_address(const char *address, const char *prefix)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    struct kafka_peer *self = peer_new(prefix);
    snprintf(host, sizeof host, "%.*s", colon == NULL ? 0 : (int)(colon - address), address);
    self->address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)(colon == NULL ? 0 : atoi(colon + 1)))};
    inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
              &self->address.sin_addr);
    int fd = dial(&self->address);
    if (fd >= 0)
        close(fd);
    if (fd < 0) {
        free(self);
        return NULL;
    }
    return self;
}

void kafka_peer_free(struct kafka_peer *self)
{
    for (uint32_t i = 1; i <= self->count; i++) {
        struct connection *c = &self->connections[i - 1];
        if (c->is_open && self->bed == NULL)
            close(c->fd);
        kafka_bytes_free(&c->answer);
    }
    if (self->bed != NULL)
        bed_free(self->bed);
    free(self);
}

static struct connection *connection_of(struct kafka_peer *self, uint32_t number)
{
    assert_true(number > 0 && number <= self->count);
    return &self->connections[number - 1];
}

uint32_t kafka_peer_open(struct kafka_peer *self)
{
    assert_true(self->count < KAFKA_PEER_CONNECTIONS);
    struct connection *c = &self->connections[self->count++];
    c->is_open = true;
    if (self->bed == NULL) {
        c->fd = dial(&self->address);
        c->is_closed_by_peer = c->fd < 0;
        c->is_open = c->fd >= 0;
    }
    return self->count;
}

static void machine_collect(struct kafka_peer *self)
{
    struct bed *bed = self->bed;
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        const struct message *m = &bed->sent[i];
        if (m->kind != MSG_KAFKA_ANSWER)
            continue;
        assert_int_equal(m->to, NODE_HOST);
        struct connection *c = connection_of(self, m->corr);
        assert_false(c->has_answer); /* one answer for one frame */
        c->has_answer = true;
        c->answer.length = 0;
        c->is_closed_by_peer |= m->u.kafka_frame.close != 0;
        kafka_bytes_add(&c->answer, blob_bytes(bed->arena, m->u.kafka_frame.bytes),
                        blob_size(bed->arena, m->u.kafka_frame.bytes));
    }
    bed_forget(bed);
}

void kafka_peer_close(struct kafka_peer *self, uint32_t number)
{
    struct connection *c = connection_of(self, number);
    c->is_open = false;
    if (self->bed == NULL) {
        close(c->fd);
        return;
    }
    struct message m = bed_message(self->bed, MSG_KAFKA_CLOSED, NODE_HOST, ACTOR_MAIN_ID);
    m.corr = number;
    bed_deliver(self->bed, &m);
    machine_collect(self);
}

static void write_all(struct connection *c, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0 && !c->is_closed_by_peer) {
        ssize_t written = send(c->fd, at, length, MSG_NOSIGNAL);
        c->is_closed_by_peer |= written <= 0;
        at += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

void kafka_peer_send_raw(struct kafka_peer *self, uint32_t number, const void *bytes,
                         size_t length)
{
    struct connection *c = connection_of(self, number);
    c->has_answer = false;
    c->answer.length = 0;
    if (self->bed == NULL) {
        uint8_t size[4];
        kafka_put_u32(size, (uint32_t)length);
        write_all(c, size, sizeof size);
        write_all(c, bytes, length);
        return;
    }
    struct message m = bed_message(self->bed, MSG_KAFKA_FRAME, NODE_HOST, ACTOR_MAIN_ID);
    m.corr = number;
    m.u.kafka_frame.bytes = blob_new(self->bed->arena, ARENA_MESSAGE, bytes, length);
    m.u.kafka_frame.address = 0x7f000001;
    bed_deliver(self->bed, &m);
    blob_free(self->bed->arena, m.u.kafka_frame.bytes); /* as the host does after the step */
    machine_collect(self);
}

void kafka_peer_send(struct kafka_peer *self, uint32_t number, enum kafka_text_api api,
                     int16_t version, const char *text)
{
    struct connection *c = connection_of(self, number);
    c->api = api;
    c->version = version;
    c->correlation++;
    struct kafka_bytes frame =
        kafka_text_request(&self->names, api, version, c->correlation, text);
    kafka_peer_send_raw(self, number, frame.bytes, frame.length);
    kafka_bytes_free(&frame);
}

/* Until there is a whole answer, the end, or no time. */
static void machine_wait(struct kafka_peer *self, const struct connection *c, uint32_t wait_ms)
{
    struct bed *bed = self->bed;
    tstamp start = bed->now, end = start + MSEC(wait_ms);
    while (!c->has_answer && bed->ops->next_wakeup(bed->machine).at <= end) {
        bed_wake(bed);
        machine_collect(self);
    }
    if (!c->has_answer)
        bed->now = end;
    self->waited_ms = (uint32_t)((bed->now - start) / MSEC(1));
}

static void socket_wait(struct kafka_peer *self, struct connection *c, uint32_t wait_ms)
{
    uint64_t start = real_ms(), now = start;
    char piece[16384];
    while (!c->has_answer && !c->is_closed_by_peer && now - start < wait_ms) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (poll(&p, 1, (int)(wait_ms - (now - start))) > 0) {
            ssize_t got = recv(c->fd, piece, sizeof piece, 0);
            c->is_closed_by_peer = got <= 0;
            kafka_bytes_add(&c->answer, piece, got > 0 ? (size_t)got : 0);
        }
        c->has_answer = c->answer.length >= 4 &&
                        c->answer.length - 4 >= (size_t)kafka_get_u32(c->answer.bytes);
        now = real_ms();
    }
    self->waited_ms = (uint32_t)(now - start);
}

const char *kafka_peer_receive(struct kafka_peer *self, uint32_t number, uint32_t wait_ms)
{
    struct connection *c = connection_of(self, number);
    size_t skip = self->bed == NULL ? 4 : 0;
    if (self->bed != NULL)
        machine_wait(self, c, wait_ms);
    else
        socket_wait(self, c, wait_ms);
    if (c->has_answer && c->answer.length == 0 && !c->is_closed_by_peer)
        return "nothing"; /* it wanted no answer */
    if (!c->has_answer || c->answer.length == 0)
        return c->is_closed_by_peer ? "closed" : "nothing";
    const uint8_t *bytes = c->answer.bytes + skip;
    size_t length = c->answer.length - skip;
    if (length < 4 || kafka_get_u32(bytes) != (uint32_t)c->correlation ||
        !kafka_text_answer(&self->names, c->api, c->version, bytes + 4, length - 4, self->text,
                           TEXT_SIZE))
        return "malformed";
    return self->text;
}

const char *kafka_peer_call(struct kafka_peer *self, uint32_t number, enum kafka_text_api api,
                            int16_t version, const char *text)
{
    kafka_peer_send(self, number, api, version, text);
    return kafka_peer_receive(self, number, CALL_WAIT_MS);
}

void kafka_peer_wait(struct kafka_peer *self, uint32_t ms)
{
    if (self->bed == NULL) {
        struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        nanosleep(&t, NULL);
        return;
    }
    bed_pass(self->bed, MSEC(ms));
    machine_collect(self);
}

uint32_t kafka_peer_waited(const struct kafka_peer *self)
{
    return self->waited_ms;
}
