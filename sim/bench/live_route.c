/*
 * live_route.c - requests a second of what the live host serves over HTTP, by wrk.
 */
#include <microhttpd.h>
#include <signal.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/live_bench.h"

#define ROUTE_CONNECTIONS 64u
#define ROUTE_SECONDS 4u
#define MANY 10000u
#define MANY_SECONDS 8u
#define PUT_CONNECTIONS 32u
#define ETCD_WAIT_S 30.0 /* it syncs its first files to a busy disk */

static const char idle_text[] =
    "why: a benchmark\n"
    "hosts: [sim, live]\n"
    "cluster: { controllers: 2, schedulers: 2, invokers: 3 }\n"
    "namespaces: { guest: { invocations-per-minute: 1000000 } }\n"
    "actions: { guest/a: { memory: 128MB, init: 100ms, run: 20ms } }\n"
    "load:\n"
    "  - { action: guest/a, arrivals: every 1h, from: 1h, for: 1h, blocking: true }\n"
    "expect: pass\n";
static const char delayed_text[] =
    "why: a benchmark\n"
    "hosts: [sim, live]\n"
    "cluster: { controllers: 2, schedulers: 2, invokers: 3 }\n"
    "namespaces: { guest: { invocations-per-minute: 1000000 } }\n"
    "actions: { guest/a: { memory: 128MB, init: 100ms, run: 20ms } }\n"
    "load:\n"
    "  - { action: guest/a, arrivals: every 1h, from: 1h, for: 1h, blocking: true }\n"
    "faults:\n"
    "  - { answer: { node: controller1, route: \"GET /ping\", body: pong, delay: 50ms } }\n"
    "expect: pass\n";

static unsigned divided(unsigned seconds, unsigned shrink)
{
    return seconds / shrink == 0 ? 1 : seconds / shrink;
}

/* Ours first in one pair, the reference in the next. */
static int pairs(struct bench_result *result, unsigned runs, const struct live_wrk *ours,
                 const struct live_wrk *reference)
{
    double mine[BENCH_RUNS_MAX], other[BENCH_RUNS_MAX];
    runs = bench_runs(runs);
    for (unsigned i = 0; i < 2 * runs; i++) {
        bool is_ours = (i % 2 == 0) == (i / 2 % 2 == 0);
        int status =
            live_wrk(is_ours ? ours : reference, is_ours ? &mine[i / 2] : &other[i / 2]);
        if (status != 0)
            return status;
    }
    bench_finish(result, mine, other, runs);
    return 0;
}

/* ---- the route, and a bare server ---- */

static enum MHD_Result hello(void *context, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *length, void **request)
{
    (void)url, (void)method, (void)version, (void)data, (void)length;
    if (*request == NULL) { /* the headers are in; an answer now would cost the connection */
        *request = connection;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

/* As many bytes as ours, so that client and kernel have the same to do for both. */
static struct MHD_Response *make_hello(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(4, (void *)"pong", MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        MHD_add_response_header(response, "Content-Type", "text/plain; charset=UTF-8");
        MHD_add_response_header(response, "X-Rollcage", "controller0 0 0");
        MHD_add_response_header(response, "X-Request-ID", "abcdefghijklmnopqrstuvwxyz012345");
    }
    return response;
}

static void serve_hello(int fd)
{
    struct MHD_Response *response = make_hello();
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, hello, response,
                         MHD_OPTION_CONNECTION_LIMIT, 12000u, MHD_OPTION_END);
    if (daemon == NULL)
        return;
    char url[64];
    int length =
        snprintf(url, sizeof url, "http://127.0.0.1:%u/ping",
                 (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    if (write(fd, url, (size_t)length) != length)
        return;
    close(fd);
    for (;;)
        (void)pause();
}

int bench_live_route(struct bench_result *result, unsigned runs, unsigned shrink)
{
    char bare[64], url[128];
    struct live_served served;
    *result = (struct bench_result){.name = "live-route", .unit = "requests/s"};
    pid_t child = live_child(serve_hello, bare, sizeof bare);
    if (child == 0)
        return -1;
    int status = -1;
    if (live_served_begin(&served, idle_text)) {
        snprintf(url, sizeof url, "%s/ping", live_served_url(&served, "controller0"));
        unsigned seconds = divided(ROUTE_SECONDS, shrink);
        status = pairs(result, runs, &(struct live_wrk){url, NULL, ROUTE_CONNECTIONS, seconds},
                       &(struct live_wrk){bare, NULL, ROUTE_CONNECTIONS, seconds});
        live_served_end(&served);
    }
    live_kill(child);
    snprintf(result->note, sizeof result->note, "%u connections", ROUTE_CONNECTIONS);
    return status;
}

/* ---- many connections ---- */

int bench_live_10k(struct bench_result *result, unsigned runs, unsigned shrink)
{
    char delayed[128], plain[128];
    struct live_served served;
    *result = (struct bench_result){.name = "live-10k", .unit = "requests/s"};
    unsigned count = MANY / (shrink == 0 ? 1 : shrink);
    if (!live_raise_descriptors(count + 1000) || !live_served_begin(&served, delayed_text))
        return -1;
    snprintf(delayed, sizeof delayed, "%s/ping", live_served_url(&served, "controller1"));
    snprintf(plain, sizeof plain, "%s/ping", live_served_url(&served, "controller0"));
    unsigned seconds = divided(MANY_SECONDS, shrink);
    int status = pairs(result, runs, &(struct live_wrk){delayed, NULL, count, seconds},
                       &(struct live_wrk){plain, NULL, count, seconds});
    live_served_end(&served);
    snprintf(result->note, sizeof result->note, "%u connections", count);
    return status;
}

/* ---- etcd ---- */

static bool write_script(const char *directory, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "%s/put.lua", directory);
    FILE *file = fopen(ret_path, "w");
    if (file == NULL)
        return false;
    /* ten keys, `bench/0` to `bench/9`, with a value of 48 bytes */
    fputs("wrk.method = 'POST'\n"
          "wrk.headers['Content-Type'] = 'application/json'\n"
          "local ends, n = {'MA','MQ','Mg','Mw','NA','NQ','Ng','Nw','OA','OQ'}, 0\n"
          "local value = string.rep('YWFh', 16)\n"
          "request = function()\n"
          "  n = n % 10 + 1\n"
          "  return wrk.format(nil, nil, nil, '{\"key\":\"YmVuY2gv' .. ends[n] ..\n"
          "    '==\",\"value\":\"' .. value .. '\"}')\n"
          "end\n",
          file);
    return fclose(file) == 0;
}

/* etcd must be told its ports: it cannot say which it took. Both are held until both are known.
 */
static bool free_ports(unsigned ret_ports[2])
{
    int fds[2] = {-1, -1};
    bool ok = true;
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ok = ok && fds[i] >= 0 && bind(fds[i], (struct sockaddr *)&address, size) == 0 &&
             getsockname(fds[i], (struct sockaddr *)&address, &size) == 0;
        ret_ports[i] = ntohs(address.sin_port);
    }
    for (unsigned i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return ok;
}

static pid_t begin_etcd(const struct live_served *served, char *ret_url, size_t size)
{
    char data[128], peer[64], cluster[80], log[128], body[64], url[64];
    unsigned ports[2];
    if (!free_ports(ports))
        return 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ports[0]);
    snprintf(peer, sizeof peer, "http://127.0.0.1:%u", ports[1]);
    snprintf(cluster, sizeof cluster, "default=%s", peer);
    snprintf(data, sizeof data, "%s/etcd", served->directory);
    snprintf(log, sizeof log, "%s/etcd.log", served->directory);
    char *argv[] = {"etcd",
                    "--data-dir",
                    data,
                    "--unsafe-no-fsync",
                    "--listen-client-urls",
                    url,
                    "--advertise-client-urls",
                    url,
                    "--listen-peer-urls",
                    peer,
                    "--initial-advertise-peer-urls",
                    peer,
                    "--initial-cluster",
                    cluster,
                    NULL};
    pid_t pid = live_spawn(argv, log);
    double until = live_wall() + ETCD_WAIT_S;
    while (live_request(url, "GET", "/health", "", body, sizeof body) != 200) {
        if (live_wall() > until || pid <= 0 || kill(pid, 0) != 0) {
            live_kill(pid);
            return 0;
        }
        (void)usleep(50000);
    }
    snprintf(ret_url, size, "%s/v3/kv/put", url);
    return pid;
}

int bench_live_puts(struct bench_result *result, unsigned runs, unsigned shrink)
{
    char real[96], ours[128], script[128];
    struct live_served served;
    *result = (struct bench_result){.name = "live-puts", .unit = "puts/s"};
    if (access("/usr/bin/etcd", X_OK) != 0) {
        fprintf(stderr, "etcd is not installed: scripts/setup brings it\n");
        return BENCH_ABSENT;
    }
    if (!live_served_begin(&served, idle_text))
        return -1;
    int status = -1;
    pid_t etcd = begin_etcd(&served, real, sizeof real);
    if (etcd == 0)
        fprintf(stderr, "etcd did not start\n");
    if (etcd != 0 && write_script(served.directory, script, sizeof script)) {
        const char *url = json_string_value(json_object_get(served.cluster, "etcd"));
        snprintf(ours, sizeof ours, "%s/v3/kv/put", url == NULL ? "" : url);
        unsigned seconds = divided(ROUTE_SECONDS, shrink);
        status = pairs(result, runs, &(struct live_wrk){ours, script, PUT_CONNECTIONS, seconds},
                       &(struct live_wrk){real, script, PUT_CONNECTIONS, seconds});
    }
    live_kill(etcd);
    live_served_end(&served);
    snprintf(result->note, sizeof result->note, "%u connections, JSON interface of both",
             PUT_CONNECTIONS);
    return status;
}
