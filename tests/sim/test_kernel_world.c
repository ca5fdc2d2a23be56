/*
 * test_kernel_world.c - digests, snapshots, two worlds, fault verdicts, blobs, conservation.
 */
#include <string.h>

#include "support/toys.h"

#define RUN MSEC(3)

struct digests {
    uint64_t all, nodes[TOY_NODE_COUNT], events, records, checkpoint;
};

static struct digests digests_of(const struct toys *t)
{
    struct digests d = {.all = host_sim_digest(t->host),
                        .events = host_sim_event_count(t->host),
                        .records = host_sim_record_count(t->host),
                        .checkpoint = t->checkpoint_digest};
    for (unsigned i = 0; i < TOY_NODE_COUNT; i++)
        d.nodes[i] = host_sim_node_digest(t->host, (node_id)i);
    return d;
}

static void assert_same(struct digests a, struct digests b)
{
    assert_int_equal(a.events, b.events);
    assert_int_equal(a.records, b.records);
    assert_int_equal(a.checkpoint, b.checkpoint);
    assert_int_equal(a.all, b.all);
    for (unsigned i = 0; i < TOY_NODE_COUNT; i++)
        assert_int_equal(a.nodes[i], b.nodes[i]);
}

/* Random traffic with a kill and a restart in the middle. */
static void run_to(struct toys *t, tstamp until)
{
    tstamp now = host_sim_now(t->host), kill_at = TSTAMP_ORIGIN + RUN / 3;
    if (now < kill_at && until >= kill_at) {
        host_sim_run_until(t->host, kill_at);
        host_sim_kill(t->host, TOY_SCHEDULER);
        host_sim_run_until(t->host, kill_at + USEC(200));
        host_sim_start(t->host, TOY_SCHEDULER);
    }
    host_sim_run_until(t->host, until);
}

static struct digests run_world(uint64_t seed, bool trace)
{
    struct toys *t = toys_new(toy_random);
    t->draws.seed = seed;
    t->config.trace = trace;
    toys_start(t);
    run_to(t, TSTAMP_ORIGIN + RUN);
    assert_true(trace ? t->traced == host_sim_event_count(t->host) : t->traced == 0);
    struct digests d = digests_of(t);
    toys_free(t);
    return d;
}

static void the_same_seed_gives_the_same_digest_and_another_another(void **state)
{
    (void)state;
    struct digests d = run_world(1, false);
    assert_true(d.events > 30000);
    assert_same(d, run_world(1, false));
    struct digests other = run_world(2, false);
    assert_int_not_equal(d.all, other.all);
    assert_int_not_equal(d.nodes[0], other.nodes[0]);
}

static void tracing_leaves_the_digest(void **state)
{
    (void)state;
    assert_same(run_world(3, false), run_world(3, true));
}

static void two_worlds_side_by_side_do_not_touch_each_other(void **state)
{
    (void)state;
    struct toys *worlds[2];
    for (unsigned i = 0; i < 2; i++) {
        worlds[i] = toys_new(toy_random);
        worlds[i]->draws.seed = i + 1;
        toys_start(worlds[i]);
    }
    for (tstamp at = TSTAMP_ORIGIN; at <= TSTAMP_ORIGIN + RUN; at += RUN / 60) {
        run_to(worlds[0], at);
        run_to(worlds[1], at);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_same(digests_of(worlds[i]), run_world(i + 1, false));
        toys_free(worlds[i]);
    }
}

static void a_restored_world_ends_like_one_that_was_never_interrupted(void **state)
{
    (void)state;
    struct digests whole = run_world(4, false);
    struct toys *t = toys_new(toy_random);
    t->draws.seed = 4;
    toys_start(t);
    run_to(t, TSTAMP_ORIGIN + RUN / 2);
    struct arena_snapshot *snapshot = host_sim_save(t->host);
    uint64_t middle = host_sim_digest(t->host), checkpoint = t->checkpoint_digest;
    for (unsigned again = 0; again < 3; again++) {
        run_to(t, TSTAMP_ORIGIN + RUN);
        assert_same(digests_of(t), whole);
        host_sim_kill(t->host, TOY_KAFKA); /* another future, then back */
        run_to(t, TSTAMP_ORIGIN + RUN * 2);
        host_sim_restore(t->host, snapshot);
        t->checkpoint_digest = checkpoint;
        assert_int_equal(host_sim_digest(t->host), middle);
        assert_int_equal(host_sim_now(t->host), TSTAMP_ORIGIN + RUN / 2);
    }
    arena_snapshot_free(snapshot);
    toys_free(t);
}

static void checkpoints_come_every_65536_events(void **state)
{
    (void)state;
    struct toys *t = toys_new(toy_random);
    toys_start(t);
    while (host_sim_event_count(t->host) < 2 * HOST_CHECKPOINT_EVENTS) {
        assert_int_equal(t->checkpoints,
                         host_sim_event_count(t->host) / HOST_CHECKPOINT_EVENTS);
        assert_true(host_sim_run_one(t->host, TSTAMP_NEVER));
    }
    assert_int_equal(t->checkpoints, 2);
    toys_free(t);
}

static void every_message_is_delivered_dropped_or_in_flight(void **state)
{
    (void)state;
    struct toys *t = toys_new(toy_random);
    t->config.loss[LINK_ETCD] = (struct ratio){.numerator = 1, .denominator = 3};
    toys_start(t);
    for (tstamp at = TSTAMP_ORIGIN; at <= TSTAMP_ORIGIN + RUN; at += RUN / 100) {
        run_to(t, at);
        uint64_t in_flight = 0;
        for (unsigned i = 0; i < LINK_COUNT; i++) {
            struct link_count c = host_sim_link(t->host, (enum link)i);
            in_flight += c.sent + c.duplicated - c.delivered - c.dropped;
        }
        assert_int_equal(in_flight, host_sim_in_flight(t->host));
    }
    struct link_count etcd = host_sim_link(t->host, LINK_ETCD);
    assert_in_range(etcd.dropped * 100 / etcd.sent, 25, 42);
    assert_true(host_sim_link(t->host, LINK_HTTP).delivered > 1000);
    toys_free(t);
}

/* --- verdicts, from a plan that gives the same one to each request of the client --- */

struct one_verdict {
    struct toys *toys;
    struct fault_verdict verdict;
    const char *body;
    unsigned asked;
};

static bool may_match(void *plan, node_id from, enum message_kind kind)
{
    (void)plan;
    return from == TOY_CLIENT && kind == MSG_HTTP_REQUEST;
}

static struct fault_verdict ask(void *plan, const struct message *m, tstamp now,
                                uint64_t ordinal)
{
    struct one_verdict *one = plan;
    assert_int_equal(m->kind, MSG_HTTP_REQUEST);
    assert_int_equal(now, host_sim_now(one->toys->host));
    assert_int_equal(ordinal, message_key(m));
    one->asked++;
    struct fault_verdict verdict = one->verdict;
    if (one->body != NULL)
        verdict.body = blob_new(one->toys->arena, ARENA_MESSAGE, one->body, strlen(one->body));
    return verdict;
}

static void on_request(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    if (ev->kind == EVENT_START && self->env->node == TOY_CLIENT) {
        struct message *m = toy_send(fx, MSG_HTTP_REQUEST, TOY_CONTROLLER, 9);
        m->u.http_request.path = blob_new(self->env->arena, self->env->node, "/ping", 5);
    }
    if (ev->kind != EVENT_DELIVER || ev->message->kind != MSG_HTTP_REQUEST)
        return;
    assert_string_equal(blob_bytes(self->env->arena, ev->message->u.http_request.path),
                        "/ping");
    struct message *m = effects_reply(fx, ev->message, MSG_HTTP_REPLY);
    m->u.http_reply.status = 200;
    m->u.http_reply.body = blob_new(self->env->arena, ARENA_MESSAGE, "pong", 4);
}

static struct toys *run_verdict(struct fault_verdict verdict, const char *body)
{
    struct toys *t = toys_new(on_request);
    static struct one_verdict one;
    one = (struct one_verdict){.toys = t, .verdict = verdict, .body = body};
    t->config.faults = (struct fault_ops){.plan = &one, .may_match = may_match, .ask = ask};
    t->context = &one;
    toys_start(t);
    host_sim_run_until(t->host, TSTAMP_NEVER);
    assert_int_equal(one.asked, 1);
    assert_int_equal(toys_record_count(t, RECORD_FAULT_APPLIED), verdict.action != FAULT_PASS);
    assert_int_equal(arena_blocks(t->arena, ARENA_MESSAGE), 0); /* every blob was freed */
    return t;
}

static void a_verdict_of_pass_or_delay_lets_the_request_through(void **state)
{
    (void)state;
    struct toys *t = run_verdict((struct fault_verdict){.action = FAULT_PASS}, NULL);
    tstamp plain = toys_line(t, TOY_CONTROLLER, EVENT_DELIVER, 0)->at;
    assert_int_equal(toys_line(t, TOY_CLIENT, EVENT_DELIVER, 0)->corr, 9);
    toys_free(t);
    t = run_verdict((struct fault_verdict){.action = FAULT_DELAY, .delay = MSEC(3), .rule = 4},
                    NULL);
    assert_int_equal(toys_line(t, TOY_CONTROLLER, EVENT_DELIVER, 0)->at, plain + MSEC(3));
    const struct record *r = toys_record(t, RECORD_FAULT_APPLIED, 0);
    assert_int_equal(r->value, 4);
    assert_int_equal(r->node, TOY_CLIENT);
    assert_int_equal(r->peer, TOY_CONTROLLER);
    assert_int_equal(r->detail, MSG_HTTP_REQUEST);
    toys_free(t);
}

static void a_dropped_request_is_recorded_and_a_refused_one_comes_back(void **state)
{
    (void)state;
    struct toys *t = run_verdict((struct fault_verdict){.action = FAULT_DROP}, NULL);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_DELIVER), 0);
    assert_int_equal(toys_record_count(t, RECORD_MESSAGE_LOST), 1);
    assert_int_equal(host_sim_link(t->host, LINK_HTTP).dropped, 1);
    toys_free(t);
    t = run_verdict((struct fault_verdict){.action = FAULT_REFUSE}, NULL);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_DELIVER), 1);
    const struct toy_line *line = toys_line(t, TOY_CLIENT, EVENT_DELIVER, 0);
    assert_int_equal(line->message_kind, MSG_REFUSED);
    assert_int_equal(line->corr, 9);
    toys_free(t);
    t = run_verdict((struct fault_verdict){.action = FAULT_RESET}, NULL);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_DELIVER), 0);
    assert_int_equal(toys_line(t, TOY_CLIENT, EVENT_LINK, 0)->peer, TOY_CONTROLLER);
    assert_int_equal(toys_line(t, TOY_CLIENT, EVENT_LINK, 0)->down, 1);
    assert_int_equal(toys_line(t, TOY_CLIENT, EVENT_LINK, 1)->down, 0);
    toys_free(t);
}

static void a_doubled_request_has_its_own_blobs_and_its_own_latency(void **state)
{
    (void)state;
    struct toys *t = run_verdict((struct fault_verdict){.action = FAULT_DUPLICATE}, NULL);
    assert_int_equal(toys_count(t, TOY_CONTROLLER, EVENT_DELIVER), 2);
    assert_int_equal(toys_count(t, TOY_CLIENT, EVENT_DELIVER), 2);
    assert_int_not_equal(toys_line(t, TOY_CONTROLLER, EVENT_DELIVER, 0)->at,
                         toys_line(t, TOY_CONTROLLER, EVENT_DELIVER, 1)->at);
    struct link_count http = host_sim_link(t->host, LINK_HTTP);
    assert_int_equal(http.duplicated, 1);
    assert_int_equal(http.sent, 3); /* the request, and the answers to it and its copy */
    toys_free(t);
}

static void an_answer_by_the_plan_comes_from_the_node_that_never_saw_the_request(void **state)
{
    (void)state;
    struct toys *t = run_verdict(
        (struct fault_verdict){.action = FAULT_ANSWER, .status = 503, .delay = SEC(1)}, "3");
    assert_int_equal(toys_count(t, TOY_CONTROLLER, EVENT_DELIVER), 0);
    const struct toy_line *line = toys_line(t, TOY_CLIENT, EVENT_DELIVER, 0);
    assert_int_equal(line->message_kind, MSG_HTTP_REPLY);
    assert_int_equal(line->peer, TOY_CONTROLLER);
    assert_int_equal(line->corr, 9);
    assert_in_range(line->at - TSTAMP_ORIGIN, SEC(1) + 200, SEC(1) + 2000);
    toys_free(t);
}

/* --- blobs --- */

static void on_body(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    struct arena *arena = self->env->arena;
    if (ev->kind == EVENT_START && self->env->node == TOY_CLIENT) {
        for (uint32_t i = 0; i < 2; i++) {
            struct message *m = toy_send(fx, MSG_HTTP_REQUEST, TOY_CONTROLLER, i);
            m->u.http_request.body = blob_new(arena, self->env->node, "body", 4);
        }
    }
    if (ev->kind == EVENT_DELIVER) {
        self->words[2] = ev->message->u.http_request.body;
        if (ev->message->corr == 0)
            blob_own(arena, self->env->node, (blob)self->words[2]);
    }
}

static void a_receiver_keeps_a_blob_by_taking_it_and_loses_the_others(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_body);
    toys_start(t);
    assert_int_equal(arena_blocks(t->arena, ARENA_MESSAGE), 2);
    size_t client = arena_blocks(t->arena, TOY_CLIENT);
    host_sim_run_until(t->host, TSTAMP_NEVER);
    assert_int_equal(arena_blocks(t->arena, ARENA_MESSAGE), 0);
    assert_int_equal(arena_blocks(t->arena, TOY_CLIENT), client);
    assert_int_equal(arena_blocks(t->arena, TOY_CONTROLLER), 1);
    toys_free(t);
}

static void the_digest_sees_what_is_in_a_blob_and_not_where_it_lies(void **state)
{
    (void)state;
    struct digests d[2];
    for (unsigned run = 0; run < 2; run++) {
        struct toys *t = toys_new(on_body);
        if (run == 1) /* the arena has other room */
            (void)arena_alloc(t->arena, 77, 5);
        toys_start(t);
        host_sim_run_until(t->host, TSTAMP_NEVER);
        d[run] = digests_of(t);
        toys_free(t);
    }
    assert_same(d[0], d[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_digest_and_another_another),
        cmocka_unit_test(tracing_leaves_the_digest),
        cmocka_unit_test(two_worlds_side_by_side_do_not_touch_each_other),
        cmocka_unit_test(a_restored_world_ends_like_one_that_was_never_interrupted),
        cmocka_unit_test(checkpoints_come_every_65536_events),
        cmocka_unit_test(every_message_is_delivered_dropped_or_in_flight),
        cmocka_unit_test(a_verdict_of_pass_or_delay_lets_the_request_through),
        cmocka_unit_test(a_dropped_request_is_recorded_and_a_refused_one_comes_back),
        cmocka_unit_test(a_doubled_request_has_its_own_blobs_and_its_own_latency),
        cmocka_unit_test(an_answer_by_the_plan_comes_from_the_node_that_never_saw_the_request),
        cmocka_unit_test(a_receiver_keeps_a_blob_by_taking_it_and_loses_the_others),
        cmocka_unit_test(the_digest_sees_what_is_in_a_blob_and_not_where_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
