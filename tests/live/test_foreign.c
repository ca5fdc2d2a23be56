/*
 * test_foreign.c - who is not ours beside a live cluster: an edge that closes one connection,
 * and a caller that writes the same request in several ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/admin.h"
#include "core/ids.h"
#include "live/host_live.h"
#include "live/http_client.h"
#include "live/http_server.h"
#include "scenario/runner.h"
#include <arpa/inet.h>
#include <unistd.h>

#define BURST 3u
#define PATHS "/api/v1/namespaces/"

static const char yaml[] = "why: x\n"
                           "hosts: [sim, live]\n"
                           "cluster: { controllers: 1, schedulers: 1, invokers: 1 }\n"
                           "namespaces: { guest: { invocations-per-minute: 1000, "
                           "concurrent-invocations: 100 } }\n"
                           "actions: { guest/hello: { run: 1ms } }\n"
                           "load: [{ action: guest/hello, arrivals: bursts 3 every 10s, "
                           "from: 1s, for: 2s, blocking: true }]\n"
                           "expect: pass\n";

struct foreign {
    struct scenario scenario;
    struct host *host;
    /* An edge of its own: holds what it gets. */
    uint16_t edge_port; /* 0: the cluster's */
    struct http_server *edge;
    char edge_url[64];
    struct http_exchange *held[BURST];
    uint32_t held_count;
    /* A caller: one request after the other. */
    struct http_client *caller;
    const char *const *paths; /* up to NULL */
    unsigned statuses[8];
    uint32_t called;
    /* What was recorded. */
    uint32_t answered, broken;                /* of the load */
    uint32_t noted, noted_blocking, noted_ok; /* of the caller */
};

/* ---- the edge ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* Of three that are under way, the connection of the first is closed. */
static void on_request(void *context, struct http_exchange *x)
{
    struct foreign *self = context;
    assert_true(self->held_count < BURST);
    self->held[self->held_count++] = x;
    if (self->held_count == BURST)
        http_exchange_reset(self->held[0]);
}

static void answer_the_others(struct foreign *self)
{
    static const char body[] = "{\"response\":{\"status\":\"success\",\"result\":{}}}";
    for (uint32_t i = 1; i < BURST; i++)
        http_exchange_answer(self->held[i], 200, "Content-Type: application/json\n", body,
                             sizeof body - 1);
}

static void on_gone(void *context, struct http_exchange *x)
{
    (void)context;
    (void)x;
}

static void open_edge(struct foreign *self)
{
    char error[LIVE_ERROR_SIZE] = "";
    struct http_server_config server = {.loop = host_live_loop(self->host),
                                        .address = "127.0.0.1",
                                        .port = self->edge_port,
                                        .connections_max = 64,
                                        .timeout_s = 60,
                                        .body_max = 65536,
                                        .context = self,
                                        .on_request = on_request,
                                        .on_gone = on_gone};
    self->edge = http_server_new(&server, error, sizeof error);
    assert_non_null(self->edge);
}

/* ---- the caller ---- */

static void call_next(struct foreign *self);

static void on_called(void *context, uint64_t tag, const struct http_result *result)
{
    struct foreign *self = context;
    assert_int_equal(result->failure, HTTP_ANSWERED);
    self->statuses[tag] = result->status;
    call_next(self);
}

static void call_next(struct foreign *self)
{
    char url[256], user[37], password[65], headers[256];
    const char *path = self->paths[self->called];
    if (path == NULL)
        return;
    cluster_credentials(&self->scenario.cluster, 0, user, password);
    size_t length = admin_authorization(user, password, headers, sizeof headers);
    snprintf(headers + length, sizeof headers - length, "Content-Type: application/json\n");
    snprintf(url, sizeof url, "%s" PATHS "%s", host_live_edge_url(self->host), path);
    struct http_call call = {.method = "POST",
                             .url = url,
                             .headers = headers,
                             .body = "{}",
                             .body_length = 2,
                             .timeout_ms = 20000,
                             .context = self,
                             .tag = self->called++,
                             .on_done = on_called};
    http_client_send(self->caller, &call);
}

/* ---- the run ---- */

static void on_load_done(struct foreign *self, const struct record *r)
{
    bool is_broken = r->value == 0;
    self->broken += is_broken;
    self->answered += !is_broken;
    if (self->edge != NULL && self->broken + self->answered == 1)
        answer_the_others(self);
    if (self->paths != NULL && self->broken + self->answered == BURST)
        call_next(self);
}

static void on_record(void *context, const struct record *r)
{
    struct foreign *self = context;
    bool is_foreign = ACTIVATION_ENTRY(r->activation) == REQUEST_ENTRY_FOREIGN;
    if (r->kind == RECORD_REQUEST_DONE && !is_foreign)
        on_load_done(self, r);
    if (r->kind == RECORD_REQUEST_DONE && is_foreign)
        self->noted_ok += r->outcome == OUTCOME_OK;
    if (r->kind == RECORD_REQUEST_SENT && is_foreign) {
        self->noted++;
        self->noted_blocking += r->value == 1;
    }
}

static struct host *open_host(void *context, const struct host_world *world, struct errmsg *err)
{
    struct foreign *self = context;
    char error[LIVE_ERROR_SIZE] = "";
    (void)err;
    struct host_live_config config = {.world = *world, .speed = 10};
    if (self->edge_port != 0)
        config.edge_url = self->edge_url;
    self->host = host_live_open(&config, error);
    assert_non_null(self->host);
    if (self->edge_port != 0)
        open_edge(self);
    self->caller = http_client_new(host_live_loop(self->host));
    return self->host;
}

static void close_host(void *context)
{
    struct foreign *self = context;
    http_client_free(self->caller);
    if (self->edge != NULL)
        http_server_free(self->edge);
}

static bool is_calling(void *context)
{
    const struct foreign *self = context;
    return self->paths != NULL &&
           (self->paths[self->called] != NULL || http_client_open_count(self->caller) > 0);
}

static void run(struct foreign *self)
{
    struct errmsg err = {{0}};
    struct scenario_options none = {0};
    struct result result;
    assert_int_equal(
        scenario_read_bytes("test.yaml", yaml, sizeof yaml - 1, &none, &self->scenario, &err),
        0);
    const struct run_host host = {.ops = &host_live_ops,
                                  .name = "live",
                                  .boot = SEC(10),
                                  .context = self,
                                  .open = open_host,
                                  .error = host_live_error,
                                  .is_held = is_calling,
                                  .close = close_host};
    struct run_options options = {.host = &host, .sink_context = self, .sink = on_record};
    result_init(&result);
    assert_int_equal(runner_run(&self->scenario, &options, &result, &err), 0);
    result_release(&result);
    scenario_release(&self->scenario);
}

/* ---- */

static void a_connection_that_a_foreign_edge_closes_breaks_one_call(void **state)
{
    (void)state;
    static struct foreign self;
    self = (struct foreign){.edge_port = free_port()};
    snprintf(self.edge_url, sizeof self.edge_url, "http://127.0.0.1:%u", self.edge_port);
    run(&self);
    assert_int_equal(self.held_count, BURST);
    assert_int_equal(self.broken, 1);
    assert_int_equal(self.answered, BURST - 1);
}

static void a_foreign_call_is_noted_however_its_name_is_written(void **state)
{
    (void)state;
    static const char *const paths[] = {"guest/actions/hello?blocking=true",
                                        "_/actions/he%6Clo?blocking=true",
                                        "gu%65st/actions/%68ello?x=1&%62locking=%74rue",
                                        "%5F/actions/hello?blocking=YES",
                                        "_/actions/hello?nonblocking=true",
                                        "_/actions/he%6?blocking=true",
                                        "_/actions/he%2Flo?blocking=true",
                                        NULL};
    static const unsigned statuses[] = {200, 200, 200, 200, 202, 400, 400};
    static struct foreign self;
    self = (struct foreign){.paths = paths};
    run(&self);
    assert_int_equal(self.answered, BURST);
    assert_int_equal(self.called, sizeof statuses / sizeof statuses[0]);
    for (uint32_t i = 0; i < self.called; i++)
        assert_int_equal(self.statuses[i], statuses[i]);
    assert_int_equal(self.noted, 5);
    assert_int_equal(self.noted_blocking, 4);
    assert_int_equal(self.noted_ok, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_a_foreign_edge_closes_breaks_one_call),
        cmocka_unit_test(a_foreign_call_is_noted_however_its_name_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
