/*
 * http_server.c - see http_server.h: the daemon in our loop, connections, the end.
 *
 * libmicrohttpd runs without a thread of its own. Its epoll descriptor is in our loop; resuming
 * a connection wakes nobody, so the part remembers that there is work. A suspended connection
 * is out of libmicrohttpd's sight, and an end that comes together with bytes is lost to it (it
 * takes a short read for the last one of an edge), so closing is watched here: once per
 * connection, edge-triggered, so that an awaited answer costs no system call more.
 */
#include "live/http_internal.h"
#include "core/assert.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Request headers and ours, of libmicrohttpd. Over 32 KiB it maps the memory of a connection
 * and unmaps it at the end; up to 32 KiB it lies in the heap, where small blocks that live
 * longer keep the pages of thousands of former connections resident.
 */
#define MEMORY_PER_CONNECTION ((size_t)36 << 10)
#define BACKLOG 4096
#define SPARES_MAX 256u               /* what a burst of connections may leave behind ... */
#define SPARE_KEPT_MAX ((size_t)4096) /* ... and of each of their two buffers */
#define FAREWELLS_MAX 256u
#define FAREWELL_NS UINT64_C(1000000000)
#define LOOK_NS UINT64_C(1000000000)
#define RUNS_MAX                                                                               \
    3 /* a late answer needs three: headers made, written, next request looked for */
#define STOP_RUNS_MAX 16

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code);
static void on_ready(void *context, int fd, uint32_t events);
static int64_t wait_ns(void *context);
static void turn(void *context);
static void tear_down(struct http_server *self);

/* ---- making ---- */

static socklen_t parse_address(const struct http_server_config *config,
                               struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    *ret = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, config->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(config->port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, config->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(config->port);
        return sizeof *v6;
    }
    errno = EINVAL;
    return 0;
}

/* Ours, not libmicrohttpd's: SO_REUSEADDR as every Java server sets it, and a reason. */
static int open_port(const struct http_server_config *config, uint16_t *ret_port)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(config, &address);
    int fd = length == 0
                 ? -1
                 : socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted ones inherit */
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    *ret_port = ntohs(((struct sockaddr_in *)&address)->sin_port); /* same place in both */
    return fd;
}

static bool start_daemon(struct http_server *self)
{
    struct http_server_config *config = &self->config;
    self->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, self->port, NULL, NULL, http_exchange_on_data,
        self, MHD_OPTION_LISTEN_SOCKET, self->listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)config->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)config->timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_PER_CONNECTION,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, http_exchange_on_line,
        self, MHD_OPTION_NOTIFY_COMPLETED, http_exchange_on_completed, self,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_END);
    if (self->daemon == NULL)
        return false;
    self->epoll_fd = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return loop_watch(config->loop, self->epoll_fd, EPOLLIN, on_ready, self) == 0;
}

struct http_server *http_server_new(const struct http_server_config *config, char *ret_error,
                                    size_t error_size)
{
    struct http_server *self = calloc(1, sizeof *self);
    if (self == NULL) {
        snprintf(ret_error, error_size, "no memory");
        return NULL;
    }
    self->config = *config;
    self->epoll_fd = -1;
    self->listen_fd = open_port(config, &self->port);
    if (self->listen_fd < 0 || !start_daemon(self)) {
        snprintf(ret_error, error_size, "%s:%u: %s", config->address, (unsigned)config->port,
                 strerror(errno));
        http_server_close_port(self);
        if (self->daemon != NULL)
            MHD_stop_daemon(self->daemon);
        free(self);
        return NULL;
    }
    self->part = (struct loop_part){self, wait_ns, turn};
    loop_add_part(config->loop, &self->part);
    self->has_work = true; /* the first run puts the port into libmicrohttpd's set */
    return self;
}

uint16_t http_server_port(const struct http_server *self)
{
    return self->port;
}

uint32_t http_server_connection_count(const struct http_server *self)
{
    return self->connection_count;
}

void http_server_close_port(struct http_server *self)
{
    if (self->listen_fd < 0)
        return;
    if (self->daemon != NULL)
        (void)MHD_quiesce_daemon(self->daemon);
    close(self->listen_fd);
    self->listen_fd = -1;
}

/* ---- the loop ---- */

static void on_ready(void *context, int fd, uint32_t events)
{
    (void)fd, (void)events;
    ((struct http_server *)context)->is_ready = true;
}

static int64_t wait_ns(void *context)
{
    struct http_server *self = context;
    if (self->has_work)
        return 0;
    if (self->due_ns == UINT64_MAX)
        return LOOP_FOREVER;
    uint64_t now = loop_now_ns();
    return self->due_ns <= now ? 0 : (int64_t)(self->due_ns - now);
}

static void earlier(uint64_t *at, uint64_t other)
{
    if (other < *at)
        *at = other;
}

/* A client that sends a byte now and then is never idle for libmicrohttpd. */
static uint64_t request_max_ns(const struct http_server *self)
{
    return UINT64_C(2000000000) * self->config.timeout_s;
}

static bool is_waiting(const struct http_connection *c)
{
    return c->state == CONNECTION_IDLE || c->state == CONNECTION_READING;
}

/* Nothing of it is left to be read, and for so long it has not become a request. */
static bool has_left(const struct http_connection *c)
{
    char byte;
    return c->is_peer_closed && c->server->now_ns - c->since_ns > LOOK_NS &&
           recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void cut_slow_clients(struct http_server *self)
{
    if (self->config.timeout_s == 0 || self->now_ns < self->look_ns)
        return;
    self->look_ns = self->now_ns + LOOK_NS;
    for (struct http_connection *c = self->connections; c != NULL; c = c->next)
        if (is_waiting(c) && (self->now_ns - c->since_ns > request_max_ns(self) || has_left(c)))
            (void)shutdown(c->fd, SHUT_RDWR);
}

static void end_farewell(struct farewell *farewell)
{
    struct http_server *self = farewell->server;
    struct farewell **link = &self->farewells;
    while (*link != farewell)
        link = &(*link)->next;
    *link = farewell->next;
    self->farewell_count--;
    loop_unwatch(self->config.loop, farewell->fd);
    close(farewell->fd);
    free(farewell);
}

static void end_farewells(struct http_server *self, uint64_t until_ns)
{
    for (struct farewell *farewell = self->farewells, *next; farewell != NULL;
         farewell = next) {
        next = farewell->next;
        if (farewell->until_ns <= until_ns)
            end_farewell(farewell);
    }
}

static void find_due(struct http_server *self)
{
    unsigned long long ms;
    self->due_ns = UINT64_MAX;
    if (MHD_get_timeout(self->daemon, &ms) == MHD_YES)
        self->due_ns = self->now_ns + ms * UINT64_C(1000000);
    if (self->connections != NULL && self->config.timeout_s != 0)
        earlier(&self->due_ns, self->look_ns);
    for (struct farewell *farewell = self->farewells; farewell != NULL;
         farewell = farewell->next)
        earlier(&self->due_ns, farewell->until_ns);
}

static void turn(void *context)
{
    struct http_server *self = context;
    if (!self->is_ready && !self->has_work && self->due_ns == UINT64_MAX)
        return;
    self->now_ns = loop_now_ns();
    if (!self->is_ready && !self->has_work && self->due_ns > self->now_ns)
        return;
    self->is_ready = self->has_work = false;
    cut_slow_clients(self);
    end_farewells(self, self->now_ns);
    self->is_running = true;
    unsigned long long ms = 0;
    for (int i = 0; i < RUNS_MAX && ms == 0 && !self->is_freed; i++) {
        (void)MHD_run(self->daemon);
        if (MHD_get_timeout(self->daemon, &ms) != MHD_YES)
            break;
    }
    self->is_running = false;
    if (self->is_freed)
        tear_down(self);
    else
        find_due(self);
}

/* ---- connections ---- */

static void on_peer_event(void *context, int fd, uint32_t events)
{
    (void)fd, (void)events; /* only closing is asked for */
    http_exchange_on_peer_closed(context);
}

void http_connection_suspend(struct http_connection *self)
{
    self->is_suspended = true;
    MHD_suspend_connection(self->mhd);
}

void http_connection_resume(struct http_connection *self)
{
    if (!self->is_suspended)
        return;
    self->is_suspended = false;
    MHD_resume_connection(self->mhd);
    self->server->has_work = true;
}

void http_connection_disconnect(struct http_connection *self)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    (void)connect(self->fd, &none, sizeof none);
}

static struct http_connection *open_connection(struct http_server *self)
{
    struct http_connection *c = self->spares;
    if (c == NULL)
        return calloc(1, sizeof *c);
    self->spares = c->next;
    self->spare_count--;
    struct bytes in = c->in, out = c->out;
    *c = (struct http_connection){.in = in, .out = out};
    return c;
}

static void free_connection(struct http_connection *c)
{
    free(c->in.at);
    free(c->out.at);
    free(c);
}

static void on_leaving(void *context, int fd, uint32_t events)
{
    (void)events;
    char ignored[16384];
    ssize_t length = recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
        end_farewell(context);
}

/*
 * Closing a socket with bytes unread resets it, and the refused client, still sending, would
 * never see its 413: the socket lives on for a moment under another number.
 */
static void bid_farewell(struct http_server *self, int fd)
{
    struct farewell *farewell =
        self->farewell_count < FAREWELLS_MAX ? malloc(sizeof *farewell) : NULL;
    int copy = farewell == NULL ? -1 : dup(fd);
    if (copy < 0 || loop_watch(self->config.loop, copy, EPOLLIN, on_leaving, farewell) < 0) {
        if (copy >= 0)
            close(copy);
        free(farewell);
        return;
    }
    *farewell = (struct farewell){self->farewells, self, loop_now_ns() + FAREWELL_NS, copy};
    self->farewells = farewell;
    self->farewell_count++;
}

static void close_connection(struct http_connection *c)
{
    struct http_server *self = c->server;
    *(c->previous == NULL ? &self->connections : &c->previous->next) = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    /* At its limit libmicrohttpd does not look at the port until it runs again. */
    self->has_work |= self->connection_count-- >= self->config.connections_max;
    if (c->is_watched)
        loop_unwatch(self->config.loop, c->fd);
    if (c->is_refused && !self->is_freed)
        bid_farewell(self, c->fd);
    if (self->is_freed || self->spare_count == SPARES_MAX) {
        free_connection(c);
        return;
    }
    bytes_trim(&c->in, SPARE_KEPT_MAX);
    bytes_trim(&c->out, SPARE_KEPT_MAX);
    c->next = self->spares;
    self->spares = c;
    self->spare_count++;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *self = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        close_connection(*socket_context);
        return;
    }
    struct http_connection *c = open_connection(self);
    ASSERT(c != NULL); /* libmicrohttpd knows no way to refuse here */
    c->server = self;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->since_ns = self->now_ns;
    c->is_watched =
        loop_watch(self->config.loop, c->fd, EPOLLRDHUP | EPOLLET, on_peer_event, c) == 0;
    *socket_context = c;
    c->next = self->connections;
    if (c->next != NULL)
        c->next->previous = c;
    self->connections = c;
    self->connection_count++;
}

/* ---- the end ---- */

static void end_connection(struct http_connection *c)
{
    if (c->is_watched)
        loop_unwatch(c->server->config.loop, c->fd);
    c->is_watched = false;
    c->state = CONNECTION_DROPPED;
    http_connection_disconnect(c);
    http_connection_resume(c);
}

/* MHD_stop_daemon aborts the process while a connection is suspended: first all are resumed. */
void http_server_free(struct http_server *self)
{
    if (self == NULL)
        return;
    self->is_freed = true;
    http_server_close_port(self);
    for (struct http_connection *c = self->connections; c != NULL; c = c->next)
        end_connection(c);
    end_farewells(self, UINT64_MAX);
    loop_unwatch(self->config.loop, self->epoll_fd);
    loop_remove_part(self->config.loop, &self->part);
    if (!self->is_running)
        tear_down(self);
}

static void tear_down(struct http_server *self)
{
    self->is_running = true;
    for (int i = 0; i < STOP_RUNS_MAX && self->connection_count > 0; i++)
        (void)MHD_run(self->daemon);
    MHD_stop_daemon(self->daemon);
    for (struct http_connection *c = self->spares, *next; c != NULL; c = next) {
        next = c->next;
        free_connection(c);
    }
    free(self->scratch.at);
    free(self);
}

/* ---- bytes ---- */

bool bytes_append(struct bytes *self, const void *at, size_t length)
{
    if (length > self->max - self->length) {
        size_t max = self->max == 0 ? 1024 : self->max;
        while (max - self->length < length)
            max *= 2;
        char *grown = realloc(self->at, max);
        if (grown == NULL)
            return false;
        self->at = grown;
        self->max = max;
    }
    if (length != 0)
        memcpy(self->at + self->length, at, length);
    self->length += length;
    return true;
}

void bytes_trim(struct bytes *self, size_t keep_max)
{
    self->length = 0;
    if (self->max <= keep_max)
        return;
    free(self->at);
    *self = (struct bytes){0};
}
