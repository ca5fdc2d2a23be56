/*
 * test_plan.c - fault rules: which messages, when, how often; what the host makes of them.
 */
#include <string.h>

#include "faults/plan.h"
#include "support/toys.h"

#define STEP_DRAIN 3u

/* The client asks the controller and the scheduler every 10 ms; both answer. */
static void on_polls(struct toy *self, const struct event *ev, struct effects *fx)
{
    static const char *const path = "/activation/count?x=1";
    uint32_t timer = toy_log(self, ev);
    if (self->env->node == TOY_CLIENT && (ev->kind == EVENT_START || timer == 0)) {
        for (node_id to = TOY_CONTROLLER; to <= TOY_SCHEDULER; to++) {
            struct message *m = toy_send(fx, MSG_HTTP_REQUEST, to, (uint32_t)++self->words[2]);
            m->u.http_request.path =
                blob_new(self->env->arena, ARENA_MESSAGE, path, strlen(path));
        }
        toy_arm(self, fx, 0, MSEC(10));
    }
    if (ev->kind == EVENT_DELIVER && ev->message->kind == MSG_HTTP_REQUEST)
        effects_reply(fx, ev->message, MSG_HTTP_REPLY)->u.http_reply.status = 299;
}

static void follow(struct toys *t, const struct record *r)
{
    plan_on_record(t->context, r);
}

static struct toys *world_with(const struct fault_rule *rules, uint32_t count)
{
    struct toys *t = toys_new(on_polls);
    struct plan *plan = plan_new(t->arena, &t->cluster, &t->draws, rules, count);
    t->config.faults = plan_ops(plan);
    t->context = plan;
    t->on_record = follow;
    toys_start(t);
    return t;
}

/* A deploy step of the instance begins or ends. */
static void step(struct toys *t, enum record_kind kind, node_id instance)
{
    struct record r = {.kind = (uint16_t)kind, .at = host_sim_now(t->host), .peer = instance};
    r.value = STEP_DRAIN;
    plan_on_record(t->context, &r);
}

static struct fault_rule delay_rule(void)
{
    return (struct fault_rule){.kind = FAULT_KIND_DELAY,
                               .when = FAULT_ALWAYS,
                               .links = 1u << LINK_HTTP,
                               .from = TOY_CLIENT,
                               .to = TOY_SCHEDULER,
                               .node = NODE_NONE,
                               .during_instance = NODE_NONE,
                               .by = MSEC(5)};
}

/* How many requests of the client to the node took at least 5 ms. */
static uint32_t count_late(const struct toys *t, node_id node)
{
    uint32_t late = 0;
    for (uint32_t i = 0; i < toys_count(t, node, EVENT_DELIVER); i++)
        late +=
            (toys_line(t, node, EVENT_DELIVER, i)->at - TSTAMP_ORIGIN) % MSEC(10) >= MSEC(5);
    return late;
}

static void a_delay_takes_its_link_and_its_ends_only(void **state)
{
    (void)state;
    struct fault_rule rule = delay_rule();
    struct toys *t = world_with(&rule, 1);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(99));
    assert_int_equal(count_late(t, TOY_SCHEDULER), 10);
    assert_int_equal(count_late(t, TOY_CONTROLLER), 0);
    assert_int_equal(plan_applied(t->context, 0), 10);
    assert_int_equal(toys_record_count(t, RECORD_FAULT_APPLIED), 10);
    toys_free(t);
    rule.links = 1u << LINK_KAFKA;
    t = world_with(&rule, 1);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(99));
    assert_int_equal(count_late(t, TOY_SCHEDULER), 0);
    assert_int_equal(plan_applied(t->context, 0), 0); /* never fired: to be reported */
    toys_free(t);
}

static void a_rule_with_a_time_and_a_length_is_a_window(void **state)
{
    (void)state;
    struct fault_rule rule = delay_rule();
    rule.when = FAULT_AT;
    rule.at = TSTAMP_ORIGIN + MSEC(30);
    rule.length = MSEC(20);
    struct toys *t = world_with(&rule, 1);
    assert_int_equal(plan_last(t->context), TSTAMP_ORIGIN + MSEC(50));
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(99));
    assert_int_equal(plan_applied(t->context, 0), 2); /* at 30 and 40 ms */
    assert_int_equal(toys_record(t, RECORD_FAULT_APPLIED, 0)->at, TSTAMP_ORIGIN + MSEC(30));
    toys_free(t);
}

static void a_rule_during_a_step_lasts_as_long_as_the_step_or_its_length(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        struct fault_rule rule = delay_rule();
        rule.when = FAULT_DURING;
        rule.during_instance = TOY_SCHEDULER;
        rule.during_step = STEP_DRAIN;
        rule.length = run == 0 ? 0 : MSEC(50);
        struct toys *t = world_with(&rule, 1);
        host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(25));
        step(t, RECORD_STEP_STARTED, TOY_CONTROLLER); /* another instance's */
        host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(35));
        assert_int_equal(plan_applied(t->context, 0), 0);
        step(t, RECORD_STEP_STARTED, TOY_SCHEDULER);
        host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(65));
        assert_int_equal(plan_applied(t->context, 0), 3);
        step(t, RECORD_STEP_ENDED, TOY_SCHEDULER);
        host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(200));
        assert_int_equal(plan_applied(t->context, 0), run == 0 ? 3 : 5);
        assert_int_equal(plan_last(t->context), TSTAMP_ORIGIN + MSEC(run == 0 ? 65 : 85));
        toys_free(t);
    }
}

static void a_ratio_applies_to_a_part_and_nth_to_one(void **state)
{
    (void)state;
    struct fault_rule rules[2] = {delay_rule(), delay_rule()};
    rules[0].ratio = (struct ratio){.numerator = 1, .denominator = 4};
    rules[1].to = TOY_CONTROLLER;
    rules[1].nth = 7;
    struct toys *t = world_with(rules, 2);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + SEC(4) - 1);
    assert_in_range(plan_applied(t->context, 0), 70, 130); /* of 400 */
    assert_int_equal(plan_applied(t->context, 1), 1);
    for (uint32_t i = 0;; i++) {
        const struct record *r = toys_record(t, RECORD_FAULT_APPLIED, i);
        if (r->value != 1)
            continue;
        assert_int_equal(r->at, TSTAMP_ORIGIN + MSEC(60));
        break;
    }
    toys_free(t);
}

static struct fault_rule answer_rule(void)
{
    return (struct fault_rule){.kind = FAULT_KIND_ANSWER,
                               .when = FAULT_ALWAYS,
                               .from = NODE_NONE,
                               .to = NODE_NONE,
                               .node = NODE_NONE,
                               .during_instance = NODE_NONE,
                               .tier = NODE_SCHEDULER,
                               .method = HTTP_GET,
                               .path = "/activation/count",
                               .bodies = {"3", "1", "0"},
                               .body_count = 3};
}

static void answers_are_given_in_turn_in_the_name_of_each_node(void **state)
{
    (void)state;
    struct fault_rule rule = answer_rule();
    struct toys *t = world_with(&rule, 1);
    struct fault_ops ops = plan_ops(t->context);
    struct message m = {.kind = MSG_HTTP_REQUEST, .from = TOY_CLIENT, .to = TOY_SCHEDULER};
    m.u.http_request.path = blob_new(t->arena, ARENA_MESSAGE, "/activation/count", 17);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(5)); /* the first poll took "3" */
    static const char *const expected[] = {"1", "0", "0"};
    for (unsigned i = 0; i < 3; i++) {
        struct fault_verdict v = ops.ask(ops.plan, &m, TSTAMP_ORIGIN, 0);
        assert_int_equal(v.action, FAULT_ANSWER);
        assert_int_equal(v.status, 200);
        assert_string_equal(blob_bytes(t->arena, v.body), expected[i]);
        blob_free(t->arena, v.body);
    }
    m.to = TOY_CONTROLLER; /* of another tier */
    assert_int_equal(ops.ask(ops.plan, &m, TSTAMP_ORIGIN, 0).action, FAULT_PASS);
    m.to = TOY_SCHEDULER;
    m.u.http_request.method = HTTP_POST;
    assert_int_equal(ops.ask(ops.plan, &m, TSTAMP_ORIGIN, 0).action, FAULT_PASS);
    blob_free(t->arena, m.u.http_request.path);
    toys_free(t);
}

static void an_answered_request_does_not_reach_the_node(void **state)
{
    (void)state;
    struct fault_rule rule = answer_rule();
    struct toys *t = world_with(&rule, 1);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(99));
    assert_int_equal(toys_count(t, TOY_SCHEDULER, EVENT_DELIVER), 0);
    assert_int_equal(toys_count(t, TOY_CONTROLLER, EVENT_DELIVER), 10);
    assert_int_equal(toys_count(t, TOY_CLIENT, EVENT_DELIVER), 20);
    assert_int_equal(plan_applied(t->context, 0), 10);
    toys_free(t);
}

static struct fault_rule kill_rule(node_id node)
{
    return (struct fault_rule){.kind = FAULT_KIND_KILL,
                               .when = FAULT_AT,
                               .at = TSTAMP_ORIGIN + MSEC(42),
                               .from = NODE_NONE,
                               .to = NODE_NONE,
                               .during_instance = NODE_NONE,
                               .node = node};
}

static void a_kill_happens_at_its_instant_and_once(void **state)
{
    (void)state;
    struct fault_rule rules[2] = {kill_rule(TOY_KAFKA), kill_rule(TOY_SCHEDULER)};
    struct toys *t = world_with(rules, 2);
    assert_int_equal(plan_next(t->context), TSTAMP_ORIGIN + MSEC(42));
    assert_int_equal(plan_last(t->context), TSTAMP_ORIGIN + MSEC(42));
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(100));
    assert_int_equal(toys_record_count(t, RECORD_NODE_STOPPED), 2);
    static const node_id nodes[] = {TOY_KAFKA, TOY_SCHEDULER};
    for (uint32_t i = 0; i < 2; i++) {
        const struct record *stopped = toys_record(t, RECORD_NODE_STOPPED, i);
        assert_int_equal(stopped->node, nodes[i]);
        assert_int_equal(stopped->at, TSTAMP_ORIGIN + MSEC(42));
        assert_int_equal(stopped->detail, 1);
        assert_int_equal(toys_record(t, RECORD_FAULT_APPLIED, i)->value, i);
        assert_int_equal(plan_applied(t->context, i), 1);
    }
    assert_int_equal(plan_next(t->context), TSTAMP_NEVER);
    toys_free(t);
}

static void a_kill_during_a_step_comes_at_its_start_or_at_its_nth(void **state)
{
    (void)state;
    struct fault_rule rules[2] = {kill_rule(TOY_KAFKA), kill_rule(NODE_NONE)};
    for (unsigned i = 0; i < 2; i++) {
        rules[i].when = FAULT_DURING;
        rules[i].during_instance = TOY_SCHEDULER;
        rules[i].during_step = STEP_DRAIN;
    }
    rules[1].nth = 2; /* and the instance itself */
    struct toys *t = world_with(rules, 2);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(7));
    assert_int_equal(plan_next(t->context), TSTAMP_NEVER);
    step(t, RECORD_STEP_STARTED, TOY_SCHEDULER);
    assert_int_equal(plan_next(t->context), TSTAMP_ORIGIN + MSEC(7));
    assert_int_equal(plan_take_kill(t->context, TSTAMP_ORIGIN + MSEC(7)), TOY_KAFKA);
    assert_int_equal(plan_take_kill(t->context, TSTAMP_ORIGIN + MSEC(7)), NODE_NONE);
    step(t, RECORD_STEP_ENDED, TOY_SCHEDULER);
    step(t, RECORD_STEP_STARTED, TOY_SCHEDULER);
    assert_int_equal(plan_take_kill(t->context, TSTAMP_ORIGIN + MSEC(7)), TOY_SCHEDULER);
    step(t, RECORD_STEP_STARTED, TOY_SCHEDULER);
    assert_int_equal(plan_next(t->context), TSTAMP_NEVER);
    toys_free(t);
}

static void a_rule_at_rate_zero_leaves_the_digest(void **state)
{
    (void)state;
    uint64_t digests[2];
    for (unsigned run = 0; run < 2; run++) {
        struct fault_rule rules[2] = {delay_rule(), answer_rule()};
        for (unsigned i = 0; i < 2; i++)
            rules[i].ratio = (struct ratio){.numerator = 0, .denominator = 1};
        rules[0].links = 0xffff; /* posts too */
        rules[0].from = rules[0].to = NODE_NONE;
        struct toys *t = toys_new(toy_random);
        if (run == 1)
            t->config.faults = plan_ops(plan_new(t->arena, &t->cluster, &t->draws, rules, 2));
        toys_start(t);
        host_sim_run_until(t->host, TSTAMP_ORIGIN + MSEC(1));
        digests[run] = host_sim_digest(t->host);
        assert_true(host_sim_event_count(t->host) > 10000);
        toys_free(t);
    }
    assert_int_equal(digests[0], digests[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delay_takes_its_link_and_its_ends_only),
        cmocka_unit_test(a_rule_with_a_time_and_a_length_is_a_window),
        cmocka_unit_test(a_rule_during_a_step_lasts_as_long_as_the_step_or_its_length),
        cmocka_unit_test(a_ratio_applies_to_a_part_and_nth_to_one),
        cmocka_unit_test(answers_are_given_in_turn_in_the_name_of_each_node),
        cmocka_unit_test(an_answered_request_does_not_reach_the_node),
        cmocka_unit_test(a_kill_happens_at_its_instant_and_once),
        cmocka_unit_test(a_kill_during_a_step_comes_at_its_start_or_at_its_nth),
        cmocka_unit_test(a_rule_at_rate_zero_leaves_the_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
