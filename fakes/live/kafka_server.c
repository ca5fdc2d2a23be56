/*
 * kafka_server.c - see kafka_server.h.
 *
 *   READING --frame--> ASKED --answer--> WRITING --all sent--> READING
 *
 * No further frame of a connection is looked at while it is asked or writing, as the broker
 * mutes it: what it may cost is one frame in and one answer out. Its buffer follows the bytes
 * that have arrived, never the length that was promised. Frames that came together wait in
 * the buffer for the server's turn, so that an answer never calls the handler back.
 * Source: core/src/main/scala/kafka/network/SocketServer.scala (Processor: mute, one request
 * at a time), clients/.../common/network/NetworkReceive.java (lengths) in Kafka 2.7.0.
 */
#define _GNU_SOURCE /* accept4 */
#include "live/kafka_server.h"
#include "core/assert.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PREFIX ((size_t)4)
#define INPUT_MIN ((size_t)4096)
#define INPUT_KEPT ((size_t)64 << 10) /* an empty buffer over this is given back */
#define READ_MAX ((size_t)256 << 10)  /* of one connection in one turn */
#define ACCEPTS_MAX 64                /* in one turn */
#define SLOTS_MAX 65535u /* a connection's number: 16 bits of slot, 16 of its use */
#define NONE UINT32_MAX

struct connection {
    struct kafka_server *server;
    int fd;             /* -1: free */
    uint32_t slot, use; /* use: never 0, tells it from a former one of this slot */
    uint32_t events;    /* as watched */
    uint32_t address;   /* IPv4 of the client */
    uint32_t next_free, next_ready;
    bool is_asked;     /* the handler has a frame of it */
    bool is_ended;     /* the client sends no more */
    bool is_broken;    /* no more can be sent */
    bool is_ready;     /* in the list of those to be looked at in the next turn */
    bool is_delivered; /* its frame is being handed over: the handler still reads it */
    uint8_t *input;    /* what no handler has got yet begins at input_first */
    size_t input_first, input_length, input_max;
    uint8_t *output;
    size_t output_first, output_length;
};

struct kafka_server {
    struct kafka_server_config config;
    struct loop_part part;
    int listener, spare; /* spare: given up to turn a client away when no descriptor is left */
    uint16_t port;
    struct connection *connections;
    uint32_t free_slots, ready_slots; /* first of a list, or NONE */
    uint8_t *held;                    /* input of a connection closed under its own frame */
    uint32_t depth;                   /* functions of ours that may call the handler */
    bool is_doomed;                   /* freed by its own handler: done when that returns */
};

static int64_t part_wait(void *context);
static void part_turn(void *context);
static void on_listener(void *context, int fd, uint32_t events);
static void on_connection(void *context, int fd, uint32_t events);

/* ---- opening and ending ---- */

static int listen_on(struct kafka_server *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->config.port)};
    if (inet_pton(AF_INET, self->config.address, &address.sin_addr) != 1)
        return EINVAL;
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (self->listener < 0)
        return errno;
    int one = 1;
    socklen_t size = sizeof address;
    if (setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(self->listener, (struct sockaddr *)&address, size) < 0 ||
        listen(self->listener, SOMAXCONN) < 0 ||
        getsockname(self->listener, (struct sockaddr *)&address, &size) < 0)
        return errno;
    self->port = ntohs(address.sin_port);
    self->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return self->spare < 0
               ? errno
               : -loop_watch(self->config.loop, self->listener, EPOLLIN, on_listener, self);
}

static void close_connection(struct connection *c, bool is_reset)
{
    struct kafka_server *self = c->server;
    if (is_reset) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    loop_unwatch(self->config.loop, c->fd);
    close(c->fd);
    if (c->is_delivered)
        self->held = c->input;
    else
        free(c->input);
    free(c->output);
    /* It may still stand in the list of ready ones: that is harmless, also for its successor.
     */
    *c = (struct connection){.server = self,
                             .fd = -1,
                             .slot = c->slot,
                             .use = c->use,
                             .is_ready = c->is_ready,
                             .next_ready = c->next_ready,
                             .next_free = self->free_slots};
    self->free_slots = c->slot;
}

static void destroy(struct kafka_server *self)
{
    for (uint32_t i = 0; self->connections != NULL && i < self->config.connections_max; i++) {
        if (self->connections[i].fd >= 0)
            close_connection(&self->connections[i], true);
    }
    loop_remove_part(self->config.loop, &self->part);
    if (self->listener >= 0) {
        loop_unwatch(self->config.loop, self->listener);
        close(self->listener);
    }
    if (self->spare >= 0)
        close(self->spare);
    free(self->held);
    free(self->connections);
    free(self);
}

struct kafka_server *kafka_server_new(const struct kafka_server_config *config, char *ret_error,
                                      size_t error_size)
{
    ASSERT(config->connections_max > 0 && config->connections_max <= SLOTS_MAX);
    struct kafka_server *self = calloc(1, sizeof *self);
    struct connection *connections = calloc(config->connections_max, sizeof *connections);
    if (self == NULL || connections == NULL) {
        free(self);
        free(connections);
        (void)snprintf(ret_error, error_size, "out of memory");
        return NULL;
    }
    self->config = *config;
    self->part = (struct loop_part){self, part_wait, part_turn};
    self->listener = self->spare = -1;
    self->connections = connections;
    self->free_slots = self->ready_slots = NONE;
    for (uint32_t i = config->connections_max; i-- > 0;) {
        connections[i] = (struct connection){
            .server = self, .fd = -1, .slot = i, .next_free = self->free_slots};
        self->free_slots = i;
    }
    int error = listen_on(self);
    if (error != 0) {
        (void)snprintf(ret_error, error_size, "%s:%u: %s", config->address, config->port,
                       strerror(error));
        destroy(self);
        return NULL;
    }
    loop_add_part(config->loop, &self->part);
    return self;
}

void kafka_server_free(struct kafka_server *self)
{
    self->is_doomed = true;
    if (self->depth == 0)
        destroy(self);
}

uint16_t kafka_server_port(const struct kafka_server *self)
{
    return self->port;
}

static bool leave(struct kafka_server *self) /* false: the server is gone */
{
    ASSERT_OP(self->depth, >, 0);
    if (--self->depth > 0 || !self->is_doomed)
        return true;
    destroy(self);
    return false;
}

/* ---- connections ---- */

static uint32_t number_of(const struct connection *c)
{
    return c->use << 16 | c->slot;
}

static struct connection *find(const struct kafka_server *self, uint32_t number)
{
    uint32_t slot = number & 0xffff;
    if (slot >= self->config.connections_max)
        return NULL;
    struct connection *c = &self->connections[slot];
    return c->fd >= 0 && c->use == number >> 16 ? c : NULL;
}

uint32_t kafka_server_client(const struct kafka_server *self, uint32_t connection)
{
    const struct connection *c = find(self, connection);
    return c == NULL ? 0 : c->address;
}

static void tell_closed(struct connection *c)
{
    struct kafka_server *self = c->server;
    uint32_t number = number_of(c);
    close_connection(c, false);
    if (!self->is_doomed && self->config.on_closed != NULL)
        self->config.on_closed(self->config.context, number);
}

static void make_ready(struct connection *c)
{
    if (c->is_ready)
        return;
    c->is_ready = true;
    c->next_ready = c->server->ready_slots;
    c->server->ready_slots = c->slot;
}

static void watch(struct connection *c, uint32_t events)
{
    if (c->events == events)
        return;
    c->events = events;
    if (loop_watch(c->server->config.loop, c->fd, events, on_connection, c) == 0)
        return;
    c->is_broken = true;
    make_ready(c);
}

/*
 * An asked connection may stay watched for input: most clients send nothing before their
 * answer, and two system calls per request are saved. Input that comes all the same ends it.
 */
static void watch_for_state(struct connection *c)
{
    if (c->output != NULL)
        watch(c, EPOLLOUT);
    else if (!c->is_asked)
        watch(c, EPOLLIN | EPOLLRDHUP);
    else if (c->events == EPOLLOUT || c->events == 0)
        watch(c, c->is_ended ? 0 : EPOLLRDHUP);
}

/* ---- output ---- */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void keep_rest(struct connection *c, const struct iovec *parts, size_t sent)
{
    size_t length = PREFIX + parts[1].iov_len;
    if (sent == length)
        return;
    c->output = malloc(length);
    if (c->output == NULL) {
        c->is_broken = true;
        return;
    }
    memcpy(c->output, parts[0].iov_base, PREFIX);
    memcpy(c->output + PREFIX, parts[1].iov_base, parts[1].iov_len);
    c->output_first = sent;
    c->output_length = length;
}

static void send_answer(struct connection *c, const void *bytes, size_t length)
{
    uint8_t prefix[PREFIX] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16),
                              (uint8_t)(length >> 8), (uint8_t)length};
    struct iovec parts[2] = {{prefix, PREFIX}, {(void *)(uintptr_t)bytes, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && !would_block())
        c->is_broken = true;
    else
        keep_rest(c, parts, sent < 0 ? 0 : (size_t)sent);
}

static void write_more(struct connection *c)
{
    ssize_t sent = send(c->fd, c->output + c->output_first, c->output_length - c->output_first,
                        MSG_NOSIGNAL);
    if (sent < 0) {
        c->is_broken = c->is_broken || !would_block();
        return;
    }
    c->output_first += (size_t)sent;
    if (c->output_first < c->output_length)
        return;
    free(c->output);
    c->output = NULL;
}

void kafka_server_answer(struct kafka_server *self, uint32_t connection, const void *bytes,
                         size_t length)
{
    struct connection *c = find(self, connection);
    if (c == NULL)
        return;
    ASSERT(c->is_asked);
    ASSERT_OP(length, <=, INT32_MAX);
    c->is_asked = false;
    if (length > 0)
        send_answer(c, bytes, length);
    if (c->is_delivered)
        return; /* the delivering function goes on with it */
    if (c->is_broken || c->input_length > 0 || c->is_ended)
        make_ready(c);
    watch_for_state(c);
}

void kafka_server_close(struct kafka_server *self, uint32_t connection)
{
    struct connection *c = find(self, connection);
    if (c != NULL)
        close_connection(c, false);
}

/* ---- input ---- */

enum frame { FRAME_PART, FRAME_WHOLE, FRAME_BAD };

static enum frame look(const struct connection *c, size_t *ret_length)
{
    if (c->input_length < PREFIX)
        return FRAME_PART;
    const uint8_t *p = c->input + c->input_first;
    uint32_t length = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    if (length > KAFKA_FRAME_MAX) /* negative ones are */
        return FRAME_BAD;
    *ret_length = length;
    return c->input_length - PREFIX < length ? FRAME_PART : FRAME_WHOLE;
}

static void consume(struct connection *c, size_t length)
{
    ASSERT_OP(length, <=, c->input_length);
    c->input_first += length;
    c->input_length -= length;
    if (c->input_length > 0)
        return;
    c->input_first = 0;
    if (c->input_max <= INPUT_KEPT)
        return;
    free(c->input);
    c->input = NULL;
    c->input_max = 0;
}

/* Hands over frames as long as they are answered at once; then the connection's end, or what
 * to wait for. May be its end: look it up again. */
static void deliver(struct connection *c)
{
    struct kafka_server *self = c->server;
    uint32_t number = number_of(c);
    size_t length = 0;
    enum frame frame = FRAME_PART;
    while (!c->is_asked && !c->is_broken && c->output == NULL &&
           (frame = look(c, &length)) == FRAME_WHOLE) {
        c->is_asked = c->is_delivered = true;
        self->config.on_frame(self->config.context, number, c->input + c->input_first + PREFIX,
                              length);
        free(self->held);
        self->held = NULL;
        if (find(self, number) == NULL)
            return; /* closed by the handler */
        c->is_delivered = false;
        if (self->is_doomed)
            return;
        consume(c, PREFIX + length);
    }
    bool is_idle = !c->is_asked && c->output == NULL;
    if (c->is_broken || (is_idle && (frame == FRAME_BAD || c->is_ended)))
        tell_closed(c);
    else
        watch_for_state(c);
}

static bool make_room(struct connection *c)
{
    if (c->input_first > 0) {
        memmove(c->input, c->input + c->input_first, c->input_length);
        c->input_first = 0;
    }
    if (c->input_max - c->input_length >= INPUT_MIN / 2)
        return true;
    size_t max = c->input_max == 0 ? INPUT_MIN : c->input_max * 2;
    uint8_t *input = realloc(c->input, max);
    if (input == NULL)
        return false;
    c->input = input;
    c->input_max = max;
    return true;
}

static void read_input(struct connection *c)
{
    size_t length, total = 0;
    while (total < READ_MAX && look(c, &length) == FRAME_PART) {
        if (!make_room(c)) {
            c->is_broken = true;
            return;
        }
        size_t room = c->input_max - c->input_length;
        ssize_t size = recv(c->fd, c->input + c->input_length, room, 0);
        if (size < 0) {
            c->is_broken = !would_block();
            return;
        }
        c->is_ended = size == 0;
        c->input_length += (size_t)size;
        total += (size_t)size;
        if ((size_t)size < room)
            return;
    }
}

/* ---- turns ---- */

/* The client is gone, or at least its half. Requests that it sent before still count. */
static void on_end_while_asked(struct connection *c)
{
    int unread = 0;
    c->is_ended = true;
    if (c->input_length == 0 && (ioctl(c->fd, FIONREAD, &unread) < 0 || unread == 0))
        tell_closed(c);
    else
        watch(c, 0);
}

static void on_connection(void *context, int fd, uint32_t events)
{
    (void)fd;
    struct connection *c = context;
    struct kafka_server *self = c->server;
    self->depth++;
    if (c->output != NULL || c->is_asked) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0)
            tell_closed(c);
        else if (c->output != NULL) {
            write_more(c);
            deliver(c);
        } else if ((events & EPOLLRDHUP) != 0)
            on_end_while_asked(c);
        else
            watch(c, EPOLLRDHUP); /* input before the answer: it waits in the socket */
    } else {
        read_input(c);
        deliver(c);
    }
    (void)leave(self);
}

static int64_t part_wait(void *context)
{
    const struct kafka_server *self = context;
    return self->ready_slots == NONE ? LOOP_FOREVER : 0;
}

static void part_turn(void *context)
{
    struct kafka_server *self = context;
    self->depth++;
    uint32_t slot = self->ready_slots;
    self->ready_slots = NONE;
    while (slot != NONE) {
        struct connection *c = &self->connections[slot];
        slot = c->next_ready;
        c->is_ready = false;
        if (c->fd < 0 || self->is_doomed)
            continue;
        if (c->is_ended && !c->is_asked && c->output == NULL && !c->is_broken) {
            c->is_ended = false; /* seen by its hang-up alone: read what came before it */
            read_input(c);
        }
        deliver(c);
    }
    (void)leave(self);
}

static void welcome(struct kafka_server *self, int fd, const struct sockaddr_in *from)
{
    if (self->free_slots == NONE) {
        close(fd);
        return;
    }
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *c = &self->connections[self->free_slots];
    self->free_slots = c->next_free;
    c->fd = fd;
    c->address = ntohl(from->sin_addr.s_addr);
    c->use = c->use == 0xffff ? 1 : c->use + 1;
    watch(c, EPOLLIN | EPOLLRDHUP);
}

static bool turn_away(struct kafka_server *self)
{
    close(self->spare);
    int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    self->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && self->spare >= 0;
}

static void on_listener(void *context, int fd, uint32_t events)
{
    (void)events;
    struct kafka_server *self = context;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_in from = {0};
        socklen_t size = sizeof from;
        int client = accept4(fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0)
            welcome(self, client, &from);
        else if (errno == EMFILE || errno == ENFILE) {
            if (!turn_away(self))
                return;
        } else if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}
