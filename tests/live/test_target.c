/*
 * test_target.c - what is recorded of a cluster elsewhere: a toy behind one port, that answers
 * each request in its own way, is run against and judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/host_live.h"
#include "live/http_server.h"
#include "scenario/runner.h"
#include "scenario/target.h"

#define ID_FORMAT "%032x"

enum toy_answer { TOY_OK, TOY_CONTRADICTS, TOY_LATE, TOY_RESETS, TOY_BUSY, TOY_FORGETS };

struct toy {
    struct target target;
    struct host_live_target live;
    const char *urls[8];
    char url[64];
    struct host *host;
    struct http_server *server;
    uint32_t invoked, looks[16], pings;
    uint32_t dead_from, dead_until; /* pings that are not answered with 200 */
    uint32_t foreign_headers;
    uint32_t kinds[RECORD_KIND_COUNT];
};

static const char yaml[] =
    "why: x\n"
    "edge: { url: \"http://x\" }\n"
    "schedulers: [\"http://x\"]\n"
    "observe: { record-within: 2s, ping-every: 100ms }\n"
    "namespaces: { guest: { auth: \"some:body\", invocations-per-minute: 1000 } }\n"
    "actions: { guest/hello: { run: 1ms } }\n"
    "load:\n"
    "  - { action: guest/hello, arrivals: every 50ms, from: 50ms, for: 1s, blocking: true, "
    "requests: 6 }\n";

/* ---- the toy ---- */

static void answer(struct http_exchange *x, unsigned status, const char *body)
{
    http_exchange_answer(x, status, "Content-Type: application/json\n", body, strlen(body));
}

static void answer_record(struct http_exchange *x, uint32_t number, const char *status)
{
    char body[200];
    snprintf(body, sizeof body,
             "{\"activationId\":\"" ID_FORMAT "\",\"response\":{\"status\":\"%s\","
             "\"result\":{}}}",
             number, status);
    answer(x, 200, body);
}

static void on_invoke(struct toy *toy, struct http_exchange *x)
{
    char body[100];
    uint32_t number = toy->invoked++;
    snprintf(body, sizeof body, "{\"activationId\":\"" ID_FORMAT "\"}", number);
    switch ((enum toy_answer)number) {
    case TOY_OK:
    case TOY_CONTRADICTS:
        answer_record(x, number, "success");
        return;
    case TOY_LATE:
    case TOY_FORGETS:
        answer(x, 202, body);
        return;
    case TOY_RESETS:
        http_exchange_reset(x);
        return;
    case TOY_BUSY:
        answer(x, 503, "{\"error\":\"busy\"}");
        return;
    }
    fail_msg("a seventh request");
}

static void on_look(struct toy *toy, struct http_exchange *x, const char *id)
{
    uint32_t number = (uint32_t)strtoul(id, NULL, 16);
    assert_true(number < 16);
    uint32_t look = ++toy->looks[number];
    bool is_there =
        number == TOY_OK || number == TOY_CONTRADICTS || (number == TOY_LATE && look == 3);
    if (is_there)
        answer_record(x, number, number == TOY_CONTRADICTS ? "application error" : "success");
    else
        answer(x, 404, "{\"error\":\"The requested resource does not exist.\"}");
}

static void on_request(void *context, struct http_exchange *x)
{
    static const char looks[] = "/api/v1/namespaces/guest/activations/";
    struct toy *toy = context;
    toy->foreign_headers += strstr(x->headers, "X-Rollcage") != NULL;
    if (strcmp(x->path, "/ping") == 0) {
        toy->pings++;
        bool is_dead = toy->pings >= toy->dead_from && toy->pings < toy->dead_until;
        answer(x, is_dead ? 500 : 200, "pong");
    } else if (strncmp(x->path, looks, sizeof looks - 1) == 0) {
        on_look(toy, x, x->path + sizeof looks - 1);
    } else {
        assert_string_equal(x->path, "/api/v1/namespaces/guest/actions/hello?blocking=true");
        on_invoke(toy, x);
    }
}

static void on_gone(void *context, struct http_exchange *x)
{
    (void)context;
    (void)x;
}

/* ---- the run ---- */

static bool no_order(void *context, node_id node, enum live_order what, void *done_context,
                     void (*done)(void *done_context, bool ok))
{
    (void)context;
    (void)node;
    (void)what;
    (void)done_context;
    (void)done;
    return false;
}

static struct host *open_host(void *context, const struct host_world *world, struct errmsg *err)
{
    struct toy *toy = context;
    char error[LIVE_ERROR_SIZE] = "";
    (void)err;
    struct host_live_config config = {.world = *world, .speed = 1, .target = &toy->live};
    toy->host = host_live_open(&config, error);
    assert_non_null(toy->host);
    struct http_server_config server = {.loop = host_live_loop(toy->host),
                                        .address = "127.0.0.1",
                                        .connections_max = 64,
                                        .timeout_s = 60,
                                        .body_max = 65536,
                                        .context = toy,
                                        .on_request = on_request,
                                        .on_gone = on_gone};
    toy->server = http_server_new(&server, error, sizeof error);
    assert_non_null(toy->server);
    snprintf(toy->url, sizeof toy->url, "http://127.0.0.1:%u", http_server_port(toy->server));
    return toy->host;
}

static void close_host(void *context)
{
    struct toy *toy = context;
    http_server_free(toy->server);
}

static void count_record(void *context, const struct record *r)
{
    ((struct toy *)context)->kinds[r->kind]++;
}

static bool name_of(void *context, activation_id id, char ret_text[33])
{
    return live_names_text(((struct toy *)context)->live.names, id, ret_text);
}

static void read_target(struct toy *toy)
{
    char path[] = "/tmp/rollcage_toy_XXXXXX";
    struct target_options options = {0};
    struct errmsg err;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, yaml, sizeof yaml - 1), sizeof yaml - 1);
    close(file);
    int status = target_read(path, &options, &toy->target, &err);
    unlink(path);
    assert_int_equal(status, 0);
    for (uint32_t i = 0; i < toy->target.scenario.cluster.node_count; i++)
        toy->urls[i] = toy->target.urls[i] != NULL ? toy->url : NULL;
    toy->live = (struct host_live_target){.urls = toy->urls,
                                          .auths = toy->target.auths,
                                          .patience = SEC(60),
                                          .record_within = toy->target.record_within,
                                          .ping_every = toy->target.ping_every,
                                          .names = live_names_new(),
                                          .context = toy,
                                          .order = no_order};
}

static void run_toy(struct toy *toy, struct result *result)
{
    struct errmsg err = {{0}};
    read_target(toy);
    const struct run_host host = {.ops = &host_live_ops,
                                  .name = "target",
                                  .boot = MSEC(10),
                                  .is_outside = true,
                                  .context = toy,
                                  .open = open_host,
                                  .error = host_live_error,
                                  .activation_text = name_of,
                                  .close = close_host};
    struct run_options options = {.host = &host, .sink_context = toy, .sink = count_record};
    result_init(result);
    assert_int_equal(runner_run(&toy->target.scenario, &options, result, &err), 0);
}

static void end_toy(struct toy *toy, struct result *result)
{
    result_release(result);
    live_names_free(toy->live.names);
    scenario_release(&toy->target.scenario);
}

static const struct result_check *check_of(const struct result *result, const char *name)
{
    for (uint32_t i = 0; i < result->check_count; i++) {
        if (strcmp(result->checks[i].name, name) == 0)
            return &result->checks[i];
    }
    fail_msg("no check %s", name);
    return NULL;
}

/* ---- */

static void each_answer_is_judged_by_what_it_shows(void **state)
{
    (void)state;
    static struct toy toy;
    struct result result;
    toy = (struct toy){0};
    run_toy(&toy, &result);
    assert_int_equal(toy.invoked, 6);
    assert_int_equal(toy.foreign_headers, 0);
    assert_int_equal(result.offered, 6);
    assert_int_equal(result.accepted, 4);
    assert_int_equal(result.rejected, 2); /* the broken one takes no other with it */
    assert_int_equal(result.succeeded, 3);
    assert_int_equal(result.lost, 1);
    assert_int_equal(result.duplicated, 1);
    assert_int_equal(toy.looks[TOY_LATE], 3);
    assert_true(toy.looks[TOY_FORGETS] >= 2);
    assert_int_equal(toy.kinds[RECORD_ACCEPTED], 4);
    assert_int_equal(toy.kinds[RECORD_STORED], 3);
    assert_int_equal(check_of(&result, "no-failed-activation")->violation_count, 2);
    assert_int_equal(check_of(&result, "no-double-execution")->verdict, CHECK_NOT_OBSERVABLE);
    assert_int_equal(check_of(&result, "capacity-floor")->verdict, CHECK_PASS);
    assert_int_equal(check_of(&result, "settles")->verdict, CHECK_PASS);
    const struct result_check *lost = check_of(&result, "no-lost-activation");
    char id[40];
    snprintf(id, sizeof id, ID_FORMAT, TOY_FORGETS);
    assert_int_equal(lost->violation_count, 1);
    assert_string_equal(lost->violations[0].activation, id); /* as the cluster calls it */
    assert_int_equal(result.exit_code, 1);
    end_toy(&toy, &result);
}

static void an_instance_that_dies_by_itself_is_seen(void **state)
{
    (void)state;
    static struct toy toy;
    struct result result;
    toy = (struct toy){.dead_from = 3, .dead_until = 6};
    run_toy(&toy, &result);
    const struct result_check *floor = check_of(&result, "capacity-floor");
    assert_int_equal(floor->violation_count, 1);
    assert_string_equal(floor->violations[0].text,
                        "0 schedulers listening and not disabled, at least 1 wanted: "
                        "scheduler0 was the last to go");
    assert_int_equal(toy.kinds[RECORD_NODE_STOPPED], 1);
    /* Client, deployer and edge, and the scheduler twice. */
    assert_int_equal(toy.kinds[RECORD_NODE_LISTENING], 5);
    end_toy(&toy, &result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_is_judged_by_what_it_shows),
        cmocka_unit_test(an_instance_that_dies_by_itself_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
