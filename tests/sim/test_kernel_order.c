/*
 * test_kernel_order.c - what happens when: time, class, insertion number; order on links.
 */
#include "support/toys.h"

#include "kernel/heap.h"

/* --- the heap itself, against a plain search --- */

static void a_heap_gives_the_least_of_a_thousand(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static _Alignas(64) struct event_key nodes[HEAP_NODES(COUNT + 1)];
    struct event_heap heap;
    event_heap_init(&heap, nodes, HEAP_NODES(COUNT + 1));
    uint64_t random = 88172645463325252u;
    for (uint32_t i = 0; i < COUNT; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        event_heap_push(&heap, event_key_make(random % 200, CLASS_MESSAGE, i + 1, i));
    }
    struct event_key before = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        struct event_key key = event_heap_first(&heap);
        assert_true(i == 0 || event_key_before(before, key));
        assert_int_equal(event_key_number(key), event_key_slot(key) + 1);
        before = key;
        event_heap_pop(&heap);
    }
    assert_int_equal(event_heap_first(&heap).at, TSTAMP_NEVER);
}

/* --- classes at one instant --- */

static void on_one_instant(struct toy *self, const struct event *ev, struct effects *fx)
{
    uint32_t timer = toy_log(self, ev);
    if (self->env->node != TOY_CLIENT)
        return;
    if (ev->kind == EVENT_START) {
        toy_arm(self, fx, 0, USEC(10)); /* at the instant at which the message arrives */
        toy_arm(self, fx, 1, 5);
        toy_send(fx, MSG_FORWARD, TOY_CLIENT, 1);
    } else if (ev->kind == EVENT_WAKE && timer == 1) {
        toy_post(fx, 0, 1, 7);
        toy_arm(self, fx, 2, 0);
        toy_post(fx, 0, 1, 8);
    }
}

static void messages_come_before_wake_ups_of_the_same_instant(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_one_instant);
    toys_start(t);
    toys_forget(t);
    host_sim_run_until(t->host, TSTAMP_NEVER);
    assert_int_equal(t->line_count, 6);
    assert_int_equal(t->lines[0].word, 1); /* timer 1 */
    assert_int_equal(t->lines[1].what, 7); /* both posts before the wake-up armed between */
    assert_int_equal(t->lines[2].what, 8);
    assert_int_equal(t->lines[3].word, 2);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(t->lines[i].at, TSTAMP_ORIGIN + 5);
    assert_int_equal(t->lines[4].message_kind, MSG_FORWARD);
    assert_int_equal(t->lines[5].kind, EVENT_WAKE);
    assert_int_equal(t->lines[4].at, t->lines[5].at);
    toys_free(t);
}

static void on_same_arrival(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    if (ev->kind == EVENT_START && self->env->node != TOY_SCHEDULER) {
        for (uint32_t i = 0; i < 20; i++)
            toy_send(fx, MSG_FORWARD, TOY_SCHEDULER, self->env->node * 100u + i);
    }
}

static void equal_instants_keep_the_order_of_insertion(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_same_arrival);
    toys_start(t);
    toys_forget(t);
    host_sim_run_until(t->host, TSTAMP_NEVER);
    assert_int_equal(t->line_count, 60);
    static const uint32_t nodes[] = {TOY_CLIENT, TOY_CONTROLLER, TOY_KAFKA};
    for (uint32_t i = 0; i < 60; i++)
        assert_int_equal(t->lines[i].corr, nodes[i / 20] * 100 + i % 20);
    toys_free(t);
}

/* --- links --- */

static void on_links(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    if (ev->kind != EVENT_START || self->env->node != TOY_CLIENT)
        return;
    for (uint32_t i = 0; i < 100; i++) {
        struct message *m = toy_send(fx, MSG_KAFKA_PRODUCE, TOY_KAFKA, i);
        m->u.produce.entry.u.activation.id = i + 1;
        toy_send(fx, MSG_INVOKE, TOY_CONTROLLER, i)->u.invoke.id = i + 1;
    }
}

static uint32_t count_overtakes(const struct toys *t, node_id node)
{
    uint32_t count = 0, last = 0;
    for (uint32_t i = 0; i < t->line_count; i++) {
        if (t->lines[i].node != node || t->lines[i].kind != EVENT_DELIVER)
            continue;
        count += t->lines[i].corr < last;
        last = t->lines[i].corr;
    }
    return count;
}

static void kafka_keeps_the_order_of_a_sender_and_http_does_not(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_links);
    toys_start(t);
    host_sim_run_until(t->host, TSTAMP_NEVER);
    assert_int_equal(toys_count(t, TOY_KAFKA, EVENT_DELIVER), 100);
    assert_int_equal(toys_count(t, TOY_CONTROLLER, EVENT_DELIVER), 100);
    assert_int_equal(count_overtakes(t, TOY_KAFKA), 0);
    assert_true(count_overtakes(t, TOY_CONTROLLER) > 10);
    for (uint32_t i = 0; i < 100; i++) {
        duration time = toys_line(t, TOY_CONTROLLER, EVENT_DELIVER, i)->at - TSTAMP_ORIGIN;
        assert_in_range(time, 100, 1000);
    }
    toys_free(t);
}

static void one_message_less_leaves_the_latency_of_the_others(void **state)
{
    (void)state;
    tstamp arrivals[2][100];
    for (unsigned run = 0; run < 2; run++) {
        struct toys *t = toys_new(on_links);
        t->config.loss[LINK_KAFKA] = (struct ratio){.numerator = run, .denominator = 1};
        toys_start(t);
        host_sim_run_until(t->host, TSTAMP_NEVER);
        assert_int_equal(toys_count(t, TOY_KAFKA, EVENT_DELIVER), run == 0 ? 100 : 0);
        for (uint32_t i = 0; i < 100; i++)
            arrivals[run][i] = toys_line(t, TOY_CONTROLLER, EVENT_DELIVER, i)->at;
        assert_int_equal(toys_record_count(t, RECORD_MESSAGE_LOST), run * 100);
        toys_free(t);
    }
    assert_memory_equal(arrivals[0], arrivals[1], sizeof arrivals[0]);
}

/* --- choices --- */

static void on_posts(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    if (ev->kind != EVENT_START || self->env->node != TOY_CLIENT)
        return;
    for (unsigned i = 0; i < 3; i++) {
        toy_post(fx, 1, 2, 10 + i);
        toy_post(fx, 3, 2, 20 + i);
    }
}

static void a_delayed_post_holds_up_its_own_pair_of_actors_only(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_posts);
    uint64_t from = (uint64_t)TOY_CLIENT << 32 | ACTOR(1, 0, 1);
    uint64_t to = UINT64_C(11) << 32 | ACTOR(1, 0, 2);
    struct override late = {.purpose = PURPOSE_POST_DELAY,
                            .entity = draw_mix(from, to),
                            .ordinal = 0,
                            .value = MSEC(1)};
    t->draws.overrides = &late;
    t->draws.override_count = 1;
    t->draws.override_purposes = UINT64_C(1) << PURPOSE_POST_DELAY;
    toys_start(t);
    toys_forget(t);
    host_sim_run_until(t->host, TSTAMP_NEVER);
    static const uint16_t expected[] = {10, 20, 21, 22, 11, 12};
    assert_int_equal(t->line_count, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(t->lines[i].what, expected[i]);
    assert_int_equal(t->lines[3].at, TSTAMP_ORIGIN);
    assert_int_equal(t->lines[4].at, TSTAMP_ORIGIN + MSEC(1));
    toys_free(t);
}

static void on_wakes(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    if (ev->kind == EVENT_START)
        toy_arm(self, fx, 0, 100);
}

static void machines_due_at_one_instant_wake_in_the_order_of_arming_or_as_chosen(void **state)
{
    (void)state;
    struct override chosen[] = {{.purpose = PURPOSE_WAKE_ORDER,
                                 .entity = TSTAMP_ORIGIN + 100,
                                 .ordinal = 0,
                                 .value = 2},
                                {.purpose = PURPOSE_WAKE_ORDER,
                                 .entity = TSTAMP_ORIGIN + 100,
                                 .ordinal = 1,
                                 .value = 1}};
    static const node_id expected[2][TOY_NODE_COUNT] = {
        {TOY_CLIENT, TOY_CONTROLLER, TOY_SCHEDULER, TOY_KAFKA},
        {TOY_SCHEDULER, TOY_CONTROLLER, TOY_CLIENT, TOY_KAFKA}};
    for (unsigned run = 0; run < 2; run++) {
        struct toys *t = toys_new(on_wakes);
        t->draws.overrides = chosen;
        t->draws.override_count = run * 2;
        t->draws.override_purposes = (uint64_t)run << PURPOSE_WAKE_ORDER;
        toys_start(t);
        host_sim_run_until(t->host, TSTAMP_NEVER);
        for (uint32_t i = 0; i < TOY_NODE_COUNT; i++)
            assert_int_equal(toys_line(t, NODE_NONE, EVENT_WAKE, i)->node, expected[run][i]);
        toys_free(t);
    }
}

static void a_run_stops_where_it_is_told_and_goes_on(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_wakes);
    t->config.begin = TSTAMP_ORIGIN - SEC(60);
    toys_start(t);
    tstamp begin = TSTAMP_ORIGIN - SEC(60);
    assert_int_equal(host_sim_next(t->host), begin + 100);
    assert_int_equal(host_sim_ops.run_until(t->host, begin + 99), begin + 99);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_WAKE), 0);
    assert_true(host_sim_run_one(t->host, begin + 100));
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_WAKE), 1);
    assert_int_equal(host_sim_run_until(t->host, SEC(99999)), begin + 100);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_WAKE), TOY_NODE_COUNT);
    assert_false(host_sim_run_one(t->host, TSTAMP_NEVER));
    assert_int_equal(host_sim_next(t->host), TSTAMP_NEVER);
    toys_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_gives_the_least_of_a_thousand),
        cmocka_unit_test(messages_come_before_wake_ups_of_the_same_instant),
        cmocka_unit_test(equal_instants_keep_the_order_of_insertion),
        cmocka_unit_test(kafka_keeps_the_order_of_a_sender_and_http_does_not),
        cmocka_unit_test(one_message_less_leaves_the_latency_of_the_others),
        cmocka_unit_test(a_delayed_post_holds_up_its_own_pair_of_actors_only),
        cmocka_unit_test(machines_due_at_one_instant_wake_in_the_order_of_arming_or_as_chosen),
        cmocka_unit_test(a_run_stops_where_it_is_told_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
