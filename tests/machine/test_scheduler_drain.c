/* Disable, idle and superseded queues; what becomes of late messages (7.4 P8 to P20, 7.11). */
#include "support/scheduler_bed.h"

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

static void disable(struct sched *s)
{
    bed_http(s->bed, HTTP_POST, "/disable",
             bed_authorization(SCHEDULER_USER, SCHEDULER_PASSWORD), NULL);
    sched_pump(s);
}

static void shut(struct sched *s, const struct queue *q)
{
    sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_GRACEFUL_SHUTDOWN, NULL, 0);
}

static void leader_result(struct sched *s, const struct queue *q, bool won)
{
    struct post_data data = {.key = queue_key(q, KEY_QUEUE), .flags = won ? DATA_WON : 0};
    sched_post(s, ACTOR_DATA_ID, q->actor, POST_INITIAL_STORED, &data, sizeof data);
}

static void expect_keys_deleted(const struct sched *s)
{
    assert_int_equal(sched_deleted_count(s, KEY_QUEUE), 1);
    assert_int_equal(sched_deleted_count(s, KEY_THROTTLING), 2);
}

/* ---- silence ---- */

static void a_quiet_queue_goes_idle_and_then_away(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    actor_id actor = q->actor;
    sched_pass(s, SEC(20) - 1);
    sched_expect_state(s, q, QUEUE_RUNNING);
    sched_pass(s, 1);
    sched_expect_state(s, q, QUEUE_IDLE);
    assert_false(timer_is_armed(&q->monitor_timer));
    sched_forget(s);
    sched_pass(s, SEC(20));
    expect_keys_deleted(s);
    assert_null(queue_get(s->machine, actor)); /* QueueRemoved, QueueRemovedCompleted */
    assert_int_equal(s->machine->pool.count, 0);
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 0)->value2, QUEUE_REMOVED);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_GONE), 1);
    assert_null(s->machine->counters[BED_GUEST].first);
}

static void a_message_or_a_container_keeps_it_running(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_watch_container(s, 4, false);
    sched_silence(s, q);
    sched_expect_state(s, q, QUEUE_RUNNING);
    sched_watch_container(s, 4, true);
    sched_arrive_many(s, 1, 1);
    sched_silence(s, q);
    sched_expect_state(s, q, QUEUE_RUNNING);
}

static void an_idle_queue_answers_nothing_and_wakes_for_a_message(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_silence(s, q);
    sched_forget(s);
    sched_fetch(s, 4);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
    assert_int_equal(shared_set_count(&q->containers), 0);
    sched_arrive_many(s, 1, 1);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_true(q->is_monitoring);
    sched_fetch(s, 4);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 1)->u.fetched.result, FETCHED_ACTIVATION);
}

/* ---- disable ---- */

static void disable_unregisters_and_shuts_every_queue(void **state)
{
    struct sched *s = *state;
    struct queue *hello = sched_quiet(s);
    struct queue *slow = sched_make_queue(s, BED_GUEST, BED_SLOW);
    sched_pass(s, SEC(1));
    sched_silence(s, slow);
    sched_arrive_many(s, 1, 1);
    sched_forget(s);
    disable(s);
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "scheduler disabled");
    assert_int_equal(bed_record_count(s->bed, RECORD_NODE_DISABLED), 1);
    assert_int_equal(sched_deleted_count(s, KEY_SCHEDULER), 1);
    assert_int_equal(sched_deleted_count(s, KEY_QUEUE), 2);
    sched_expect_state(s, hello, QUEUE_REMOVING);
    assert_int_equal(s->machine->pool.count, 1); /* the idle one is gone at once */
    sched_forget(s);
    sched_pass(s, SEC(6)); /* no reports, and the feeds ignore their message */
    for (uint32_t i = 0; i < s->bed->sent_count; i++)
        assert_false(s->bed->sent[i].kind == MSG_ETCD_PUT);
}

static void a_disabled_scheduler_freezes_its_view(void **state)
{
    struct sched *s = *state;
    struct key key = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_SLOW};
    struct value value = {.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER1};
    disable(s);
    sched_watch(s, &key, &value, false);
    assert_int_equal(pool_route(s->machine, BED_GUEST, BED_SLOW)->selection, NODE_NONE);
}

static void a_disabled_scheduler_still_makes_queues_and_shuts_them(void **state)
{
    struct sched *s = *state;
    disable(s);
    struct queue *q = sched_quiet(s);
    assert_non_null(q);
    sched_expect_state(s, q, QUEUE_REMOVING);
    s->leader = BED_SCHEDULER0;
    sched_forget(s);
    struct activation a = sched_activation(s, 1);
    a.action = BED_SLOW;
    s->holds_read = false;
    sched_arrive(s, &a); /* recovered: Start, the message, GracefulShutdown */
    struct pool_entry *entry = pool_find(s->machine, BED_GUEST, BED_SLOW, 1);
    q = queue_get(s->machine, entry->queue);
    sched_expect_state(s, q, QUEUE_REMOVING);
    assert_int_equal(q->count, 1);
}

static void a_removing_queue_drains_to_containers(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 2);
    disable(s);
    sched_forget(s);
    sched_arrive_many(s, 3, 1); /* still taken */
    sched_fetch(s, 8);
    sched_fetch(s, 8);
    assert_int_equal(q->count, 1);
    sched_silence(s, q);
    sched_expect_state(s, q, QUEUE_REMOVING);
    sched_fetch(s, 8);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 2)->u.fetched.activation.id,
                     ACTIVATION_ID(3, 0));
    sched_silence(s, q);
    sched_expect_state(s, q, QUEUE_REMOVED);
    assert_int_equal(s->machine->pool.count, 1); /* nobody was told */
    sched_forget(s);
    actor_id actor = q->actor;
    sched_silence(s, q);
    assert_null(queue_get(s->machine, actor));
    assert_int_equal(s->machine->pool.count, 0);
}

static void an_open_poll_keeps_a_removing_queue(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    disable(s);
    sched_fetch(s, 8);
    shut(s, q);
    sched_expect_state(s, q, QUEUE_REMOVING);
    sched_pass(s, SEC(1));
    shut(s, q);
    sched_expect_state(s, q, QUEUE_REMOVED);
}

static void throttled_queues_go_removing_too(void **state)
{
    struct sched *s = *state;
    bed_config(s->bed, "whisk.scheduler.queue.max-retention-size", 1);
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 1);
    sched_expect_state(s, q, QUEUE_ACTION_THROTTLED);
    shut(s, q);
    sched_expect_state(s, q, QUEUE_REMOVING);
    struct queue *slow = sched_make_queue(s, BED_GUEST, BED_SLOW);
    sched_decide(s, slow, DECISION_ENABLE_THROTTLING, 0);
    shut(s, slow);
    sched_expect_state(s, slow, QUEUE_REMOVING);
}

static void a_flushing_queue_fails_all_and_is_removed(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_job_failed(s, q, 1, CREATION_NO_AVAILABLE_INVOKERS);
    sched_forget(s);
    shut(s, q);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_NO_INVOKERS, ACK_BY_PLACEHOLDER);
    expect_keys_deleted(s);
    assert_int_equal(s->machine->pool.count, 0);
}

/* ---- removed ---- */

static struct queue *removed_queue(struct sched *s)
{
    struct queue *q = sched_quiet(s);
    shut(s, q);
    shut(s, q);
    sched_expect_state(s, q, QUEUE_REMOVED);
    return q;
}

static void a_removed_queue_turns_containers_away(void **state)
{
    struct sched *s = *state;
    struct queue *q = removed_queue(s);
    sched_forget(s);
    sched_fetch(s, 4);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NO_QUEUE);
    assert_int_equal(shared_set_count(&q->containers), 0);
}

static void a_late_message_bounces_until_the_hard_timer(void **state)
{
    struct sched *s = *state;
    struct queue *q = removed_queue(s);
    actor_id actor = q->actor;
    tstamp at = s->bed->now;
    sched_forget(s);
    sched_pass(s, SEC(1));
    sched_arrive_many(s, 1, 1);
    sched_pass(s, SEC(18)); /* every message begins the 5 s anew */
    assert_non_null(queue_get(s->machine, actor));
    assert_int_equal(bed_record_count(s->bed, RECORD_DROPPED), 0);
    char text[96];
    assert_true(scheduler_ops.pending(s->machine, text, sizeof text));
    assert_string_equal(text, "activation 4 bounces off a removed queue");
    sched_pass(s, SEC(1)); /* stop-grace */
    assert_int_equal(s->bed->now - at, SEC(20));
    assert_null(queue_get(s->machine, actor));
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_LOST) +
                         bed_record_count(s->bed, RECORD_LOOKED_UP),
                     1);
}

static void a_bounced_message_that_is_too_old_is_failed(void **state)
{
    struct sched *s = *state;
    removed_queue(s);
    struct activation a = sched_activation(s, 1);
    a.started_at -= SEC(19);
    sched_forget(s);
    sched_arrive(s, &a);
    sched_pass(s, SEC(2));
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD, ACK_BY_SCHEDULER);
}

static void a_message_to_a_stopped_queue_is_lost(void **state)
{
    struct sched *s = *state;
    struct queue *q = removed_queue(s);
    actor_id actor = q->actor;
    sched_silence(s, q);
    assert_null(queue_get(s->machine, actor));
    sched_forget(s);
    struct post_activation post = {.activation = sched_activation(s, 3)};
    sched_post(s, ACTOR_FEED_HANDLER_ID(0), actor, POST_ACTIVATION, &post, sizeof post);
    const struct record *r = bed_record(s->bed, RECORD_MESSAGE_LOST, 0);
    assert_int_equal(r->activation, ACTIVATION_ID(3, 0));
    assert_int_equal(r->detail, MSG_POST);
    sched_post(s, ACTOR_MANAGER_ID, actor, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    assert_int_equal(s->bed->record_count, 1);
}

static void a_successor_in_the_slot_is_another_actor(void **state)
{
    struct sched *s = *state;
    struct queue *q = removed_queue(s);
    actor_id former = q->actor;
    sched_silence(s, q);
    q = sched_quiet(s);
    assert_int_equal(ACTOR_INDEX(q->actor), ACTOR_INDEX(former));
    assert_int_not_equal(q->actor, former);
    assert_null(queue_get(s->machine, former));
}

/* ---- the leader key ---- */

static void a_vanished_leader_key_is_put_back(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct key key = queue_key(q, KEY_QUEUE);
    struct value value = {.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER0};
    sched_forget(s);
    sched_watch(s, &key, &value, true);
    assert_int_equal(sched_put(s, KEY_QUEUE, 0)->kind, MSG_ETCD_TXN);
    sched_expect_state(s, q, QUEUE_RUNNING);
    shut(s, q);
    sched_forget(s);
    sched_watch(s, &key, &value, true); /* our own delete: ignored in Removing */
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_TXN), 0);
}

static void a_superseded_queue_forwards_all_and_deletes_nothing(void **state)
{
    for (unsigned i = QUEUE_RUNNING; i < QUEUE_REMOVED; i++) {
        struct sched *s = sched_started();
        struct queue *q = sched_quiet(s);
        actor_id actor = q->actor;
        sched_arrive_many(s, 1, 2);
        q->state = (uint8_t)i;
        s->leader = BED_SCHEDULER1;
        leader_result(s, q, true);
        assert_int_equal(q->state, i);
        sched_forget(s);
        leader_result(s, q, false);
        assert_int_equal(bed_sent_count(s->bed, MSG_FORWARD), 2);
        assert_int_equal(sched_deleted_count(s, KEY_QUEUE), 0);
        assert_int_equal(sched_deleted_count(s, KEY_THROTTLING), 0);
        assert_null(queue_get(s->machine, actor));
        assert_int_equal(s->machine->pool.count, 0);
        sched_free(s);
    }
    (void)state;
}

/* ---- outdated ---- */

static void an_outdated_queue_hands_on_what_nobody_would_fetch(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 1);
    s->leader = BED_SCHEDULER1;
    sched_forget(s);
    sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_STOP_OUTDATED, NULL, 0);
    assert_int_equal(bed_sent_count(s->bed, MSG_FORWARD), 1);
    assert_int_equal(sched_deleted_count(s, KEY_QUEUE), 0);
    assert_int_equal(s->machine->pool.count, 0);
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 0)->value2, QUEUE_REMOVING);
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 1)->value2, QUEUE_REMOVED);
    assert_int_equal(bed_sent(s->bed, MSG_ETCD_RANGE, 1)->u.etcd.key.family, KEY_EXISTING);
    assert_int_equal(bed_sent(s->bed, MSG_ETCD_RANGE, 2)->u.etcd.key.family, KEY_WARMED);
}

static void an_outdated_queue_with_containers_keeps_its_messages(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_watch_container(s, 4, false);
    sched_arrive_many(s, 1, 1);
    sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_STOP_OUTDATED, NULL, 0);
    sched_expect_state(s, q, QUEUE_REMOVING);
    assert_true(q->outdated);
    assert_int_equal(q->count, 1);
}

static void outdated(struct sched *s, const struct queue *q)
{
    sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_STOP_OUTDATED, NULL, 0);
}

static void an_outdated_idle_queue_leaves_its_keys(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    actor_id actor = q->actor;
    sched_silence(s, q);
    sched_forget(s);
    outdated(s, q);
    assert_null(queue_get(s->machine, actor));
    assert_int_equal(sched_deleted_count(s, KEY_QUEUE), 0);
    assert_int_equal(pool_route(s->machine, BED_GUEST, BED_HELLO)->init_revision, 1);
}

static void an_outdated_flushing_queue_takes_the_leader_key_along(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_job_failed(s, q, 1, CREATION_WHISK);
    sched_forget(s);
    outdated(s, q);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_CREATION_WHISK,
                       ACK_BY_PLACEHOLDER);
    expect_keys_deleted(s);
}

static void an_outdated_removing_queue_forwards_or_ends(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_watch_container(s, 4, false);
    sched_arrive_many(s, 1, 1);
    shut(s, q);
    outdated(s, q); /* its container may still fetch it */
    assert_int_equal(q->count, 1);
    sched_expect_state(s, q, QUEUE_REMOVING);
    sched_watch_container(s, 4, true);
    outdated(s, q);
    sched_expect_state(s, q, QUEUE_REMOVED);
    assert_int_equal(q->count, 0);
    sched_forget(s);
    outdated(s, q);
    shut(s, q);
    assert_int_equal(s->bed->record_count, 0); /* ignored */
}

static void a_namespace_that_is_gone_outdates_its_queues(void **state)
{
    struct sched *s = *state;
    s->identity = DOCUMENT_MISSING;
    assert_null(sched_make_queue(s, BED_GUEST, BED_HELLO)); /* made, and removed at once */
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 1);
    assert_int_equal(s->machine->pool.count, 0);
    assert_null(sched_make_queue(s, BED_GUEST, BED_SLOW));
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 1); /* remembered, too */
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_quiet_queue_goes_idle_and_then_away),
        T(a_message_or_a_container_keeps_it_running),
        T(an_idle_queue_answers_nothing_and_wakes_for_a_message),
        T(disable_unregisters_and_shuts_every_queue),
        T(a_disabled_scheduler_freezes_its_view),
        T(a_disabled_scheduler_still_makes_queues_and_shuts_them),
        T(a_removing_queue_drains_to_containers),
        T(an_open_poll_keeps_a_removing_queue),
        T(throttled_queues_go_removing_too),
        T(a_flushing_queue_fails_all_and_is_removed),
        T(a_removed_queue_turns_containers_away),
        T(a_late_message_bounces_until_the_hard_timer),
        T(a_bounced_message_that_is_too_old_is_failed),
        T(a_message_to_a_stopped_queue_is_lost),
        T(a_successor_in_the_slot_is_another_actor),
        T(a_vanished_leader_key_is_put_back),
        T(a_superseded_queue_forwards_all_and_deletes_nothing),
        T(an_outdated_queue_hands_on_what_nobody_would_fetch),
        T(an_outdated_queue_with_containers_keeps_its_messages),
        T(an_outdated_idle_queue_leaves_its_keys),
        T(an_outdated_flushing_queue_takes_the_leader_key_along),
        T(an_outdated_removing_queue_forwards_or_ends),
        T(a_namespace_that_is_gone_outdates_its_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
