/*
 * test_controller_dispatch.c - what a controller takes for whom, what it begins with, its
 * configuration, and its list of invocations.
 */
#include "support/controller_bed.h"
#include "controller/controller_internal.h"
#include <stdio.h>
#include <string.h>

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

/* Nothing is sent in any case; what is for nobody leaves a record. */
static void expect_taken(actor_id to_actor, enum message_kind kind, unsigned what,
                         bool is_taken)
{
    bed_forget(bed);
    struct message m = bed_message(bed, kind, BED_DATABASE, to_actor);
    if (kind == MSG_POST) {
        m.from = bed->env.node;
        m.what = (uint16_t)what;
    }
    if (ACTOR_KIND(to_actor) == ACTOR_BALANCER) /* as if it were of what is watched */
        MESSAGE_LOCAL(&m, struct post_watched)->key =
            bed_key(KEY_THROTTLING, BED_GUEST, BED_HELLO, 0);
    else if (what == POST_FEED_ITEM || ACTOR_KIND(to_actor) == ACTOR_FEED_HANDLER)
        MESSAGE_LOCAL(&m, struct post_item)->entry.kind = ENTRY_ACK;
    bed_deliver(bed, &m);
    assert_int_equal(bed->sent_count, 0);
    assert_int_equal(bed->record_count, !is_taken);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), !is_taken);
}

/* Answers that come too late are taken and forgotten; those of another kind are not taken. */
static void each_call_takes_only_its_own_answers(void **state)
{
    (void)state;
    static const enum message_kind kinds[] = {MSG_DATABASE_DOCUMENT, MSG_ETCD_RANGED,
                                              MSG_DOCUMENT_DONE,     MSG_INVOKE_REPLY,
                                              MSG_DATABASE_STORED,   MSG_REFUSED};
    static const char *const taken[] = {
        [CALL_SLOW] = "x    x",   [CALL_FAST] = "x    x",     [CALL_ACTION] = "x    x",
        [CALL_PREFIX] = " x   x", [CALL_DOCUMENT] = "  x  x", [CALL_INVOKE_DOCUMENT] = "  x  x",
        [CALL_RULE] = "      ",   [CALL_STORE] = "    xx",
    };
    for (unsigned call = 0; call < sizeof taken / sizeof taken[0]; call++)
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            expect_taken(CALL_ACTOR(call, 0), kinds[i], 0, taken[call][i] == 'x');
    expect_taken(LOOK_UP_ACTOR(0), MSG_ETCD_RANGED, 0, true);
    expect_taken(LOOK_UP_ACTOR(0), MSG_REFUSED, 0, true);
    expect_taken(LOOK_UP_ACTOR(0), MSG_DATABASE_DOCUMENT, 0, false);
}

static void what_is_for_nobody_is_rejected(void **state)
{
    (void)state;
    expect_taken(ACTOR_MAIN_ID, MSG_HTTP_CLOSED, 0, true);
    expect_taken(ACTOR_MAIN_ID, MSG_QUEUE_CREATED, 0, false);
    expect_taken(ACTOR_MAIN_ID, MSG_INVOKE_REPLY, 0, false);
    expect_taken(BALANCER_ID, MSG_QUEUE_CREATED, 0, false);
    expect_taken(ASK_ACTOR(ASK_PUBLISH, 1), MSG_QUEUE_CREATED, 0, true);
    expect_taken(ASK_ACTOR(ASK_PUBLISH, 1), MSG_REFUSED, 0, false);
    expect_taken(BALANCER_ID, MSG_POST, POST_WATCH, false);
    expect_taken(ASK_ACTOR(ASK_PUBLISH, 0), MSG_POST, POST_INSERTED, false);
    expect_taken(ASK_ACTOR(ASK_PUBLISH, 0), MSG_POST, POST_REMOVED, false);
    expect_taken(ACTOR_FEED_ID(1), MSG_POST, POST_FEED_PROCESSED, false);
    expect_taken(ACTOR_FEED_HANDLER_ID(0), MSG_POST, POST_WATCH, false);
    expect_taken(ACTOR_FEED_HANDLER_ID(0), MSG_REFUSED, 0, false);
    expect_taken(LOOK_UP_ACTOR(0), MSG_POST, POST_FEED_ITEM, false);
    expect_taken(ACTOR(ACTOR_CALLBACK, 0, 0), MSG_REFUSED, 0, false);
    expect_taken(ACTOR(ACTOR_CALLBACK, 0, 0), MSG_POST, POST_WATCH, false);
    expect_taken(ACTOR(ACTOR_CALLBACK, 0, 0), MSG_POST, POST_COMPONENT, false);
    expect_taken(ACTOR(ACTOR_QUEUE_MANAGER, 0, 0), MSG_QUEUE_CREATED, 0, false);
}

static void an_entry_that_is_no_ack_is_rejected_and_the_next_asked_for(void **state)
{
    (void)state;
    bed->posts_by_hand = true;
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_FEED_HANDLER_ID(0));
    m.what = POST_FEED_ITEM;
    MESSAGE_LOCAL(&m, struct post_item)->entry.kind = ENTRY_ACTIVATION;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(bed_record_count(bed, RECORD_ACK_RECEIVED), 0);
    assert_int_equal(bed_posts(bed), 1);
    assert_int_equal(bed_post(bed, 0)->what, POST_FEED_PROCESSED);
}

static void it_watches_queues_schedulers_and_flags(void **state)
{
    (void)state;
    static const enum key_family families[] = {KEY_QUEUE, KEY_SCHEDULER, KEY_THROTTLING};
    struct bed *cold = bed_new(&controller_ops, BED_CONTROLLER1, NULL);
    cold->posts_by_hand = true;
    bed_start(cold);
    uint32_t watched = 0;
    for (uint32_t i = 0; i < bed_posts(cold); i++) {
        const struct message *m = bed_post(cold, i);
        const struct post_watch *watch = MESSAGE_LOCAL_CONST(m, struct post_watch);
        if (m->what != POST_WATCH)
            continue;
        assert_in_range(watched, 0, 2);
        assert_int_equal(m->from_actor, BALANCER_ID);
        assert_int_equal(watch->key.family, families[watched++]);
        assert_int_equal(watch->depth, 1);
        assert_int_equal(watch->puts, 1);
        assert_int_equal(watch->deletes, 1);
        assert_int_equal(watch->name, 1);
    }
    assert_int_equal(watched, 3);
    bed_settle(cold);
    expect_trace(cold, "controller1/watcher#0 > etcd watch-create 1 all keys\n"
                       "controller1/call#0 > etcd range prefix scheduler depth 1\n"
                       "controller1/feed#0 > kafka join completed1\n");
    bed_free(cold);
}

static void a_signal_changes_nothing_in_it(void **state)
{
    (void)state;
    struct digest before = {0}, after = {0};
    assert_true(controller_ops.ends_at_signal);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    invoke_published(bed, ACTIVATION_ID(1, 0), BED_HELLO, true);
    bed_forget(bed);
    bed->ops->digest(bed->machine, &before);
    bed_signal(bed);
    bed->ops->digest(bed->machine, &after);
    assert_true(before.state == after.state);
    assert_int_equal(bed->sent_count + bed->record_count, 0);
}

static void its_keys_have_upstreams_values(void **state)
{
    (void)state;
    static const struct config_field expected[] = {
        {"whisk.loadbalancer.fpc.use-per-min-throttles", UNIT_BOOL, 0, 1, 1, 1, 0, NULL},
        {"whisk.loadbalancer.timeout-factor", UNIT_COUNT, 1, 100, 2, 2, 0, NULL},
        {"whisk.controller.activation.polling-from-db", UNIT_BOOL, 0, 1, 1, 1, 0, NULL},
        {"whisk.controller.activation.max-wait-for-blocking-activation", UNIT_DURATION, MSEC(1),
         MINUTES(60), SEC(60), SEC(60), 0, NULL},
        {"whisk.controller.readiness-fraction", UNIT_FRACTION, 0, 1000000, 1000000, 1000000, 0,
         NULL},
        {"pekko.http.server.request-timeout", UNIT_DURATION, MSEC(1), MINUTES(60), SEC(65),
         SEC(65), 0, NULL},
        {"whisk.time-limit.std", UNIT_DURATION, MSEC(100), MINUTES(60), MINUTES(1), MINUTES(1),
         0, NULL},
    };
    assert_int_equal(controller_ops.config_field_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct config_field *field = &controller_ops.config_fields[i];
        assert_string_equal(field->key, expected[i].key);
        assert_int_equal(field->unit, expected[i].unit);
        assert_int_equal(field->min, expected[i].min);
        assert_int_equal(field->max, expected[i].max);
        assert_int_equal(field->shipped, expected[i].shipped);
        assert_int_equal(field->ansible, expected[i].ansible);
    }
}

/* GET /activation names these, in this order: a digit for each. */
static void expect_listed(const char *requests)
{
    char expected[512] = "[", id[33];
    for (const char *at = requests; *at != '\0'; at++) {
        size_t length = strlen(expected);
        cluster_activation_text(&bed->draws, ACTIVATION_ID(*at - '0', 0), id);
        snprintf(expected + length, sizeof expected - length,
                 "%s[\"%s\",\"guest/hello@0.0.1\"]", at > requests ? "," : "", id);
    }
    strcat(expected, "]");
    bed_http(bed, HTTP_GET, "/activation", NULL, NULL);
    bed_expect_http(bed, 200, CONTENT_JSON, expected);
}

static void invocations_leave_the_list_from_anywhere(void **state)
{
    (void)state;
    static const struct {
        uint32_t request;
        const char *left;
    } steps[] = {{3, "1245"}, {1, "245"}, {5, "24"}, {2, "4"}, {4, ""}};
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= 5; i++)
            invoke_published(bed, ACTIVATION_ID(i, 0), BED_HELLO, false);
        expect_listed("12345");
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            send_ack(bed, an_ack(ACTIVATION_ID(steps[i].request, 0), ACK_COMPLETION,
                                 RESPONSE_SUCCESS));
            expect_listed(steps[i].left);
        }
    }
}

/* What has a slot is listed; what only waits for a result is not. */
static void an_invocation_without_a_slot_is_not_listed(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    for (uint32_t i = 1; i <= 2; i++)
        invoke_published(bed, ACTIVATION_ID(i, 0), BED_HELLO, true);
    send_ack(bed, an_ack(ACTIVATION_ID(1, 0), ACK_COMPLETION, RESPONSE_SUCCESS));
    expect_listed("2");
}

static void what_it_owes_is_told_in_this_order(void **state)
{
    (void)state;
    char text[64];
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
    for (uint32_t i = 1; i <= 2; i++)
        invoke_published(bed, ACTIVATION_ID(i, 0), BED_HELLO, true);
    assert_true(bed->ops->pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "2 slots open");
    for (uint32_t i = 1; i <= 2; i++)
        send_ack(bed, an_ack(ACTIVATION_ID(i, 0), ACK_COMPLETION, RESPONSE_SUCCESS));
    assert_true(bed->ops->pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "2 calls not answered");
    for (uint32_t i = 1; i <= 2; i++)
        send_ack(bed, an_ack(ACTIVATION_ID(i, 0), ACK_RESULT, RESPONSE_SUCCESS));
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(each_call_takes_only_its_own_answers),
        TEST(what_is_for_nobody_is_rejected),
        TEST(an_entry_that_is_no_ack_is_rejected_and_the_next_asked_for),
        TEST(it_watches_queues_schedulers_and_flags),
        TEST(a_signal_changes_nothing_in_it),
        TEST(its_keys_have_upstreams_values),
        TEST(invocations_leave_the_list_from_anywhere),
        TEST(an_invocation_without_a_slot_is_not_listed),
        TEST(what_it_owes_is_told_in_this_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
