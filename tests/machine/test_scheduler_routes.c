/* The admin routes of http-apis 1.2, 1.5 and 3, body for body, at all three behaviours. */
#include "support/scheduler_bed.h"
#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    *state = sched_started();
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static void ask(struct sched *s, enum http_method method, const char *path)
{
    sched_forget(s);
    bed_http(s->bed, method, path, bed_authorization(SCHEDULER_USER, SCHEDULER_PASSWORD), NULL);
    sched_pump(s);
}

static unsigned status_of(const struct sched *s)
{
    return bed_sent(s->bed, MSG_HTTP_REPLY, 0)->u.http_reply.status;
}

static void ping_needs_no_credentials_and_the_rest_does(void **state)
{
    struct sched *s = *state;
    static const char *const paths[] = {
        "/state", "/queues", "/queues/count", "/activation/count", "/disable", "/nope"};
    bed_http(s->bed, HTTP_GET, "/ping", NULL, NULL);
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "pong");
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        sched_forget(s);
        bed_http(s->bed, HTTP_GET, paths[i], NULL, NULL);
        assert_int_equal(status_of(s), 401);
        sched_forget(s);
        bed_http(s->bed, HTTP_GET, paths[i], bed_authorization("scheduler.user", "wrong"),
                 NULL);
        assert_int_equal(status_of(s), 401);
    }
    sched_forget(s);
    bed_http(s->bed, HTTP_POST, "/disable", NULL, NULL);
    assert_int_equal(status_of(s), 401);
    assert_int_equal(bed_record_count(s->bed, RECORD_NODE_DISABLED), 0);
    assert_false(s->machine->is_shutting_down);
}

static void wrong_paths_and_methods_answer_as_the_table_says(void **state)
{
    struct sched *s = *state;
    static const struct {
        enum http_method method;
        const char *path;
        unsigned head, at_5338;
    } rows[] = {
        {HTTP_GET, "/queues", 200, 200},
        {HTTP_GET, "/queues/", 200, 200},
        {HTTP_GET, "/queues/count", 200, 200},
        {HTTP_GET, "/queues/count/", 404, 404},
        {HTTP_GET, "/queues/x", 404, 404},
        {HTTP_GET, "/activation/count", 200, 200},
        {HTTP_GET, "/activation/count/", 405, 404},
        {HTTP_GET, "/activation", 405, 404},
        {HTTP_GET, "/state", 200, 200},
        {HTTP_GET, "/state/", 405, 404},
        {HTTP_POST, "/disable/", 405, 404},
        {HTTP_GET, "/disable", 405, 405},
        {HTTP_PUT, "/disable", 405, 405},
        {HTTP_POST, "/activation/count", 405, 405},
        {HTTP_POST, "/queues", 405, 405},
        {HTTP_POST, "/enable", 405, 404},
        {HTTP_GET, "/queue/total", 405, 404},
        {HTTP_GET, "/queue/status", 405, 404},
        {HTTP_GET, "/nope", 405, 404},
        {HTTP_GET, "/ping/", 405, 404},
        {HTTP_POST, "/ping", 405, 405},
        {HTTP_POST, "/disable", 200, 200},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        s->bed->env.behaviour = BEHAVIOUR_HEAD;
        ask(s, rows[i].method, rows[i].path);
        assert_int_equal(status_of(s), rows[i].head);
        s->bed->env.behaviour = BEHAVIOUR_5338;
        ask(s, rows[i].method, rows[i].path);
        assert_int_equal(status_of(s), rows[i].at_5338);
    }
}

static void the_count_is_the_sum_over_all_queues(void **state)
{
    struct sched *s = *state;
    ask(s, HTTP_GET, "/activation/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "0");
    assert_int_equal(bed_record(s->bed, RECORD_COUNT_ANSWERED, 0)->value, 0);
    assert_int_equal(bed_record(s->bed, RECORD_COUNT_ANSWERED, 0)->detail, 2);
    sched_quiet(s);
    sched_make_queue(s, BED_GUEST, BED_SLOW);
    sched_arrive_many(s, 1, 2);
    struct activation a = sched_activation(s, 3);
    a.action = BED_SLOW;
    sched_arrive(s, &a);
    ask(s, HTTP_GET, "/activation/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "3");
    assert_int_equal(bed_record(s->bed, RECORD_COUNT_ANSWERED, 0)->value, 3);
    ask(s, HTTP_GET, "/queues/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "2");
}

static void a_silent_queue_fails_the_whole_count_after_five_seconds(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    q->state = QUEUE_UNINITIALIZED; /* stashes the question */
    ask(s, HTTP_GET, "/activation/count");
    sched_pass(s, SEC(5) - 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_HTTP_REPLY), 0);
    sched_pass(s, 1);
    bed_expect_http(s->bed, 500, CONTENT_TEXT, "There was an internal server error.");
    assert_int_equal(bed_record(s->bed, RECORD_COUNT_ANSWERED, 0)->detail, 5);
    assert_int_equal(bed_record(s->bed, RECORD_COUNT_ANSWERED, 0)->value, 0);
    queue_stop_monitoring(q);
    sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_VERSION_UPDATED, NULL, 0);
    assert_int_equal(bed_sent_count(s->bed, MSG_HTTP_REPLY), 1); /* the late answer falls */
}

static void a_stopped_queue_in_the_pool_fails_it_too(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct route *route = pool_route(s->machine, BED_GUEST, BED_SLOW);
    pool_put(s->machine, route, 1, ACTOR(ACTOR_QUEUE, 9, 99));
    ask(s, HTTP_GET, "/queues"); /* an ask of an actor that has ended fails at once */
    assert_int_equal(status_of(s), 500);
    assert_int_equal(bed_record_count(s->bed, RECORD_COUNT_ANSWERED), 0);
    (void)q;
}

static void what_is_looked_up_or_stashed_is_not_counted(void **state)
{
    struct sched *s = *state;
    sched_arrive_many(s, 1, 3); /* no leader yet: three look-ups */
    ask(s, HTTP_GET, "/activation/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "0");
    char text[96];
    assert_true(scheduler_ops.pending(s->machine, text, sizeof text));
    assert_string_equal(text, "activation 4 waits for its queue to be found");
}

static void queues_are_listed_with_state_data_and_ids(void **state)
{
    struct sched *s = *state;
    ask(s, HTTP_GET, "/queues");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "[]");
    sched_quiet(s);
    struct queue *slow = sched_make_queue(s, BED_GUEST, BED_SLOW);
    sched_arrive_many(s, 1, 1);
    char id[33], expected[512];
    cluster_activation_text(&s->bed->draws, ACTIVATION_ID(1, 0), id);
    snprintf(expected, sizeof expected,
             "[{\"data\":\"RunningData\",\"fqn\":\"guest/hello@0.0.1\","
             "\"invocationNamespace\":\"guest\",\"status\":\"Running\","
             "\"waitingActivation\":[\"%s\"]},"
             "{\"data\":\"RunningData\",\"fqn\":\"guest/slow@0.0.1\","
             "\"invocationNamespace\":\"guest\",\"status\":\"Running\","
             "\"waitingActivation\":[]}]",
             id);
    ask(s, HTTP_GET, "/queues/");
    bed_expect_http(s->bed, 200, CONTENT_JSON, expected);
    (void)slow;
}

static void every_state_prints_its_data(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    static const char *const texts[QUEUE_STATE_COUNT] = {
        "NoData",
        "RunningData",
        "NoActors",
        ("ThrottledData(error: WhiskError, reason: whisk error(recoverable) "
         "happens, activeDuringFlush: false)"),
        "ThrottledData",
        "ThrottledData",
        "RemovingData(outdated: false)",
        "NoData",
    };
    q->flush_error = CREATION_WHISK;
    q->flush_text = ERROR_CREATION_WHISK;
    for (unsigned i = 0; i < QUEUE_STATE_COUNT; i++) {
        char text[256];
        q->state = (uint8_t)i;
        assert_string_equal(queue_data_text(q, text, sizeof text), texts[i]);
    }
    char text[256];
    q->state = QUEUE_REMOVING;
    q->outdated = 1;
    assert_string_equal(queue_data_text(q, text, sizeof text), "RemovingData(outdated: true)");
    q->state = QUEUE_FLUSHING;
    q->outdated = 0;
    q->active_during_flush = 1;
    assert_string_equal(queue_data_text(q, text, sizeof text),
                        "ThrottledData(error: WhiskError, reason: whisk error(recoverable) "
                        "happens, activeDuringFlush: true)");
    q->state = QUEUE_RUNNING;
}

static void before_5338_a_queues_data_is_told_as_its_class_prints_it(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    char texts[QUEUE_STATE_COUNT][256], worker[2][64];
    s->bed->env.behaviour = BEHAVIOUR_PRE_5338;
    unsigned uid = SLOT_REF(q->actor) + 1;
    snprintf(worker[0], sizeof worker[0], "Actor[akka://scheduler-actor-system/user/$m1#%u]",
             uid);
    snprintf(worker[1], sizeof worker[1], "Actor[akka://scheduler-actor-system/user/$d1#%u]",
             uid);
    q->flush_error = CREATION_WHISK;
    q->flush_text = ERROR_CREATION_WHISK;
    for (unsigned i = 0; i < QUEUE_STATE_COUNT; i++) {
        char text[256];
        q->state = (uint8_t)i;
        snprintf(texts[i], sizeof texts[i], "%s", queue_data_text(q, text, sizeof text));
    }
    assert_string_equal(texts[QUEUE_UNINITIALIZED], "NoData()");
    assert_string_equal(texts[QUEUE_REMOVED], "NoData()");
    assert_string_equal(texts[QUEUE_IDLE], "NoActors()");
    assert_string_equal(texts[QUEUE_ACTION_THROTTLED], texts[QUEUE_NAMESPACE_THROTTLED]);
    char wanted[256];
    snprintf(wanted, sizeof wanted, "ThrottledData(%s,%s)", worker[0], worker[1]);
    assert_string_equal(texts[QUEUE_NAMESPACE_THROTTLED], wanted);
    snprintf(wanted, sizeof wanted, "RunningData(%s,%s)", worker[0], worker[1]);
    assert_string_equal(texts[QUEUE_RUNNING], wanted);
    snprintf(wanted, sizeof wanted, "RemovingData(%s,%s,false)", worker[0], worker[1]);
    assert_string_equal(texts[QUEUE_REMOVING], wanted);
    snprintf(wanted, sizeof wanted,
             "FlushingData(%s,%s,WhiskError,whisk error(recoverable) happens,false)", worker[0],
             worker[1]);
    assert_string_equal(texts[QUEUE_FLUSHING], wanted);
    q->state = QUEUE_NAMESPACE_THROTTLED; /* lifted, the monitor stands for both */
    sched_post(s, q->actor, q->actor, POST_DISABLE_THROTTLING, NULL, 0);
    snprintf(wanted, sizeof wanted, "RunningData(%s,%s)", worker[0], worker[0]);
    assert_string_equal(queue_data_text(q, texts[0], sizeof texts[0]), wanted);
    s->bed->env.behaviour = BEHAVIOUR_HEAD;
}

static void state_is_what_the_health_key_says(void **state)
{
    struct sched *s = *state;
    ask(s, HTTP_GET, "/state");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "{\"queue\":\"0\",\"creationCount\":\"0\"}");
    s->is_registered = true;
    s->queue_size = 3;
    ask(s, HTTP_GET, "/state");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "{\"queue\":\"3\",\"creationCount\":\"0\"}");
    s->range_fails = true;
    ask(s, HTTP_GET, "/state");
    bed_expect_http(s->bed, 500, CONTENT_TEXT, "There was an internal server error.");
}

static void disable_answers_at_once_and_again(void **state)
{
    struct sched *s = *state;
    s->bed->posts_by_hand = true;
    ask(s, HTTP_POST, "/disable");
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "scheduler disabled");
    assert_false(s->machine->is_shutting_down); /* not yet */
    assert_int_equal(bed_record_count(s->bed, RECORD_NODE_DISABLED), 1);
    bed_settle(s->bed);
    assert_true(s->machine->is_shutting_down);
    ask(s, HTTP_POST, "/disable");
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "scheduler disabled");
    bed_settle(s->bed);
    bed_http(s->bed, HTTP_GET, "/ping", NULL, NULL);
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "pong");
}

static void before_5338_there_are_other_routes(void **state)
{
    struct sched *s = sched_new();
    s->bed->env.behaviour = BEHAVIOUR_PRE_5338;
    sched_start(s);
    sched_quiet(s);
    sched_arrive_many(s, 1, 2);
    ask(s, HTTP_GET, "/activation/count");
    assert_int_equal(status_of(s), 404);
    ask(s, HTTP_GET, "/queue/total");
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "1");
    ask(s, HTTP_GET, "/queue/status");
    bed_expect_http(
        s->bed, 200, CONTENT_JSON,
        "[{\"data\":\"RunningData(Actor[akka://scheduler-actor-system/user/$m1#1],Actor[akka://"
        "scheduler-actor-system/user/$d1#1])\",\"fqn\":\"guest/hello@0.0.1\","
        "\"invocationNamespace\":\"guest\",\"status\":\"Running\","
        "\"waitingActivation\":2}]");
    ask(s, HTTP_POST, "/disable");
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "scheduler disabled");
    sched_free(s);
    (void)state;
}

static void before_5338_the_state_is_told_by_scheduler(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    s->bed->env.behaviour = BEHAVIOUR_PRE_5338;
    sched_start(s);
    s->holds_range = true;
    ask(s, HTTP_GET, "/state");
    const struct message *asked = bed_sent(s->bed, MSG_ETCD_RANGE, 0);
    assert_int_equal(asked->u.etcd.key.family, KEY_SCHEDULER);
    assert_int_equal(asked->u.etcd.mode, RANGE_PREFIX);
    assert_int_equal(asked->u.etcd.depth, 1);
    struct etcd_kv kvs[3] = {
        {.key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER0}},
        {.key = {.family = KEY_SCHEDULER, .node = BED_NODE_COUNT}}, /* of nobody */
        {.key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER1}},
    };
    kvs[0].value = endpoints_value(&s->bed->env, VALUE_SCHEDULER, 4);
    kvs[1].value = endpoints_value(&s->bed->env, VALUE_SCHEDULER, 5);
    kvs[2].value = (struct value){.kind = VALUE_RAW};
    struct message reply = bed_reply(asked, MSG_ETCD_RANGED);
    reply.u.etcd_done.count = 3;
    reply.u.etcd_done.kvs = blob_new(s->bed->arena, ARENA_MESSAGE, kvs, sizeof kvs);
    bed_deliver(s->bed, &reply);
    blob_free(s->bed->arena, reply.u.etcd_done.kvs);
    bed_expect_http(s->bed, 200, CONTENT_JSON,
                    "{\"0\":\"4\",\"1\":\"-1\",\"creationCount\":\"0\"}");
    sched_free(s);
}

static void the_config_has_upstreams_defaults(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < scheduler_ops.config_field_count; i++) {
        const struct config_field *f = &scheduler_ops.config_fields[i];
        assert_true(f->shipped >= f->min && f->shipped <= f->max);
        assert_true(f->ansible >= f->min && f->ansible <= f->max);
        if (f->unit == UNIT_BOOL)
            assert_true(f->min == 0 && f->max == 1);
        bool differs = strcmp(f->key, "whisk.scheduler.queue.idle-grace") == 0 ||
                       strcmp(f->key, "whisk.scheduler.queue.stop-grace") == 0;
        assert_true(differs ? f->shipped == SEC(20) && f->ansible == MINUTES(10)
                            : f->shipped == f->ansible);
    }
    assert_int_equal(scheduler_ops.config_field_count * sizeof(uint64_t),
                     scheduler_ops.config_size);
    assert_string_equal(scheduler_ops.post_name(POST_COUNT_READY), "ready-to-get-count");
    assert_string_equal(scheduler_ops.post_name(POST_SCHEDULER_END), "unknown");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(ping_needs_no_credentials_and_the_rest_does),
        T(wrong_paths_and_methods_answer_as_the_table_says),
        T(the_count_is_the_sum_over_all_queues),
        T(a_silent_queue_fails_the_whole_count_after_five_seconds),
        T(a_stopped_queue_in_the_pool_fails_it_too),
        T(what_is_looked_up_or_stashed_is_not_counted),
        T(queues_are_listed_with_state_data_and_ids),
        T(every_state_prints_its_data),
        T(before_5338_a_queues_data_is_told_as_its_class_prints_it),
        T(state_is_what_the_health_key_says),
        T(disable_answers_at_once_and_again),
        cmocka_unit_test(before_5338_there_are_other_routes),
        cmocka_unit_test(before_5338_the_state_is_told_by_scheduler),
        cmocka_unit_test(the_config_has_upstreams_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
