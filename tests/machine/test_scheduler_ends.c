/*
 * test_scheduler_ends.c - what each creation error comes to, and who tells whom that a
 * scheduler is being shut down: message by message.
 */
#include "support/queue_bed.h"
#include "support/scheduler_bed.h"

/* ---- creation errors ---- */

static const struct {
    enum creation_error error;
    enum error_text text;
    bool is_whisk;
} errors[] = {
    {CREATION_NO_AVAILABLE_INVOKERS, ERROR_NO_INVOKERS, true},
    {CREATION_NO_AVAILABLE_RESOURCE_INVOKERS, ERROR_NO_RESOURCE_INVOKERS, true},
    {CREATION_RESOURCE_NOT_ENOUGH, ERROR_RESOURCE_NOT_ENOUGH, true},
    {CREATION_WHISK, ERROR_CREATION_WHISK, true},
    {CREATION_UNKNOWN, ERROR_CREATION_UNKNOWN, true},
    {CREATION_TIMEOUT, ERROR_CREATION_TIMEOUT, true},
    {CREATION_SHUTTING_DOWN, ERROR_SHUTTING_DOWN, true},
    {CREATION_ZERO_NAMESPACE_LIMIT, ERROR_NAMESPACE_LIMIT, true},
    {CREATION_NON_EXECUTABLE, ERROR_NO_EXECUTABLE, false},
    {CREATION_DB_FETCH, ERROR_DB_FETCH, false},
    {CREATION_BLACK_BOX, ERROR_BLACK_BOX, false},
    {CREATION_TOO_MANY_CONCURRENT, ERROR_CREATION_TOO_MANY, false},
    {CREATION_INVALID_ACTION_LIMIT, ERROR_INVALID_ACTION_LIMIT, false},
};
#define ERRORS (sizeof errors / sizeof errors[0])

static void expect_dropped(const struct qbed *b, uint32_t count, unsigned i)
{
    enum response_status response =
        errors[i].is_whisk ? RESPONSE_WHISK_ERROR : RESPONSE_DEVELOPER_ERROR;
    assert_int_equal(bed_record_count(b->bed, RECORD_DROPPED), count);
    for (uint32_t n = 0; n < count; n++) {
        const struct record *r = bed_record(b->bed, RECORD_DROPPED, n);
        assert_int_equal(r->activation, ACTIVATION_ID(n + 1, 0));
        assert_int_equal(r->detail, errors[i].text);
        assert_int_equal(r->value, response);
    }
}

/* Of whisk they wait for better times or the end; of the action they end what waits at once. */
static void each_creation_error_has_its_text_and_response(void **state)
{
    (void)state;
    assert_int_equal(ERRORS, CREATION_ERROR_COUNT - 1);
    for (unsigned i = 0; i < ERRORS; i++) {
        struct qbed *b = qbed_running();
        bool waits = errors[i].is_whisk;
        qbed_messages(b, 1, 2);
        qbed_failed(b, 1, errors[i].error);
        qbed_expect_state(b, QUEUE_FLUSHING, waits ? 2 : 0);
        expect_dropped(b, waits ? 0 : 2, i);
        qbed_message(b, 3);
        qbed_expect_state(b, QUEUE_FLUSHING, waits ? 3 : 0);
        expect_dropped(b, waits ? 0 : 3, i);
        qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
        expect_dropped(b, 3, i);
        qbed_expect_state(b, QUEUE_REMOVED, 0);
        qbed_free(b);
    }
}

static void a_later_error_in_flushing_says_what_is_said(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERRORS; i++) {
        struct qbed *b = qbed_running();
        qbed_message(b, 1);
        qbed_failed(b, 1, CREATION_WHISK);
        qbed_failed(b, 2, errors[i].error);
        bool is_end = errors[i].error == CREATION_INVALID_ACTION_LIMIT;
        qbed_expect_state(b, is_end ? QUEUE_REMOVED : QUEUE_FLUSHING, is_end ? 0 : 1);
        if (!is_end) {
            qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
            expect_dropped(b, 1, i);
        }
        qbed_free(b);
    }
}

/* ---- shutdown ---- */

static void by_hand(struct sched *s, actor_id to)
{
    struct message m = bed_message(s->bed, MSG_POST, BED_SCHEDULER0, to);
    m.what = POST_GRACEFUL_SHUTDOWN;
    sched_forget(s);
    s->bed->posts_by_hand = true;
    bed_deliver(s->bed, &m);
    assert_int_equal(s->bed->sent_count + s->bed->record_count, 0);
}

static void expect_post(const struct sched *s, uint32_t n, actor_id from, actor_id to,
                        unsigned what)
{
    const struct message *m = bed_post(s->bed, n);
    assert_int_equal(m->from_actor, from);
    assert_int_equal(m->to_actor, to);
    assert_int_equal(m->what, what);
}

static void expect_unwatch(const struct sched *s, uint32_t n, actor_id from,
                           enum key_family family, uint32_t name)
{
    expect_post(s, n, from, ACTOR_WATCHER_ID, POST_UNWATCH);
    const struct post_watch *w = MESSAGE_LOCAL_CONST(bed_post(s->bed, n), struct post_watch);
    assert_int_equal(w->key.family, family);
    assert_int_equal(w->depth, 1);
    assert_int_equal(w->name, name);
    assert_int_equal(w->feedback, 0);
}

static void the_container_manager_unwatches_and_tells_the_job_manager(void **state)
{
    (void)state;
    struct sched *s = sched_started();
    by_hand(s, ACTOR_CONTAINERS_ID);
    assert_int_equal(bed_posts(s->bed), 3);
    expect_unwatch(s, 0, ACTOR_CONTAINERS_ID, KEY_WARMED, 0x303);
    expect_unwatch(s, 1, ACTOR_CONTAINERS_ID, KEY_INVOKERS, 0x303);
    expect_post(s, 2, ACTOR_CONTAINERS_ID, ACTOR_JOBS_ID, POST_GRACEFUL_SHUTDOWN);
    sched_free(s);
}

static void the_job_manager_tells_its_feed(void **state)
{
    (void)state;
    struct sched *s = sched_started();
    by_hand(s, ACTOR_JOBS_ID);
    assert_int_equal(bed_posts(s->bed), 1);
    expect_post(s, 0, ACTOR_JOBS_ID, ACTOR_FEED_ID(1), POST_GRACEFUL_SHUTDOWN);
    sched_free(s);
}

static void the_queue_manager_tells_all_and_five_seconds_later_its_feed(void **state)
{
    (void)state;
    struct sched *s = sched_started();
    const struct queue *first = sched_quiet(s);
    const struct queue *second = sched_make_queue(s, BED_GUEST, BED_SLOW);
    by_hand(s, ACTOR_MANAGER_ID);
    assert_int_equal(bed_posts(s->bed), 5);
    expect_unwatch(s, 0, ACTOR_MANAGER_ID, KEY_QUEUE, 0x302);
    expect_post(s, 1, ACTOR_MANAGER_ID, ACTOR_REPORTER_ID, POST_GRACEFUL_SHUTDOWN);
    expect_post(s, 2, ACTOR_MANAGER_ID, ACTOR_DATA_ID, POST_UNREGISTER);
    const struct key *health = &MESSAGE_LOCAL_CONST(bed_post(s->bed, 2), struct post_data)->key;
    assert_int_equal(health->family, KEY_SCHEDULER);
    assert_int_equal(health->node, BED_SCHEDULER0);
    expect_post(s, 3, ACTOR_MANAGER_ID, first->actor, POST_GRACEFUL_SHUTDOWN);
    expect_post(s, 4, ACTOR_MANAGER_ID, second->actor, POST_GRACEFUL_SHUTDOWN);
    bed_settle(s->bed);
    assert_int_equal(s->machine->shutdown_timer.at, s->bed->now + SEC(5));
    manager_on_shutdown_timer(s->machine, &s->bed->fx);
    const struct message *last = &s->bed->fx.messages[s->bed->fx.message_count - 1];
    assert_int_equal(last->to_actor, ACTOR_FEED_ID(0));
    assert_int_equal(last->what, POST_GRACEFUL_SHUTDOWN);
    sched_free(s);
}

/* ---- the listing at the start ---- */

static void what_is_no_invoker_is_not_warmed_up(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    bed_start(s->bed);
    struct etcd_kv kvs[3] = {
        {.key = {.family = KEY_INVOKERS, .node = BED_SCHEDULER1}},
        {.key = {.family = KEY_INVOKERS, .node = BED_NODE_COUNT}},
        {.key = {.family = KEY_INVOKERS, .node = BED_INVOKER2}},
    };
    for (unsigned i = 0; i < 3; i++)
        kvs[i].value = (struct value){.kind = VALUE_INVOKER, .status = INVOKER_UP, .a = 1024};
    struct message reply = bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    reply.u.etcd_done.count = 3;
    reply.u.etcd_done.kvs = blob_new(s->bed->arena, ARENA_MESSAGE, kvs, sizeof kvs);
    sched_forget(s);
    bed_deliver(s->bed, &reply);
    blob_free(s->bed->arena, reply.u.etcd_done.kvs);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(s->machine->containers.warmed_up[i], i == 2);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_creation_error_has_its_text_and_response),
        cmocka_unit_test(a_later_error_in_flushing_says_what_is_said),
        cmocka_unit_test(the_container_manager_unwatches_and_tells_the_job_manager),
        cmocka_unit_test(the_job_manager_tells_its_feed),
        cmocka_unit_test(the_queue_manager_tells_all_and_five_seconds_later_its_feed),
        cmocka_unit_test(what_is_no_invoker_is_not_warmed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
