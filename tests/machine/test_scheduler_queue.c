/* MemoryQueue, table 7.4 of its states: activations, polls, throttling, flushing, dropping. */
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

/* ---- start ---- */

static void a_started_queue_puts_its_keys_and_runs(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    struct queue *q = sched_quiet(s);
    sched_expect_state(s, q, QUEUE_RUNNING);
    const struct record *made = bed_record(s->bed, RECORD_QUEUE_MADE, 0);
    assert_int_equal(made->action, BED_HELLO);
    assert_int_equal(made->ns, BED_GUEST);
    assert_int_equal(made->value, 1);
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 0)->value2, QUEUE_RUNNING);
    assert_int_equal(sched_put(s, KEY_QUEUE, 0)->kind, MSG_ETCD_TXN);
    const struct message *first = sched_put(s, KEY_THROTTLING, 0);
    const struct message *second = sched_put(s, KEY_THROTTLING, 1);
    assert_int_equal(first->kind, MSG_ETCD_TXN);
    assert_int_equal(first->u.etcd.key.action, ACTION_NONE);
    assert_int_equal(second->kind, MSG_ETCD_PUT);
    assert_int_equal(second->u.etcd.key.action, BED_HELLO);
    assert_int_equal(second->u.etcd.value.a, 0);
}

static void messages_before_start_are_stashed_in_order(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    uint32_t ref;
    s->bed->posts_by_hand = true;
    struct effects fx = s->bed->fx;
    fx.message_count = fx.record_count = 0;
    actor_id actor = queue_new(s->machine, &fx, BED_GUEST, BED_SLOW, 1);
    struct queue *q = queue_get(s->machine, actor);
    (void)ref;
    s->bed->fx = fx;
    for (uint32_t i = 1; i <= 2; i++) {
        struct post_activation post = {.activation = sched_activation(s, i)};
        sched_post(s, ACTOR_MANAGER_ID, actor, POST_ACTIVATION, &post, sizeof post);
    }
    sched_expect_state(s, q, QUEUE_UNINITIALIZED);
    assert_int_equal(q->count, 0);
    sched_post(s, ACTOR_MANAGER_ID, actor, POST_VERSION_UPDATED, NULL, 0);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(q->count, 2);
    assert_int_equal(queue_head(q)->activation.id, ACTIVATION_ID(1, 0));
    bed_settle(s->bed);
}

static void a_second_start_is_rejected(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_forget(s);
    sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_START, NULL, 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_STATE), 0);
}

/* ---- in and out ---- */

static void a_fetch_takes_the_oldest_message(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 2);
    assert_int_equal(bed_record(s->bed, RECORD_QUEUED, 1)->value, 2);
    sched_forget(s);
    sched_fetch(s, 40);
    const struct message *m = bed_sent(s->bed, MSG_FETCHED, 0);
    assert_int_equal(m->u.fetched.result, FETCHED_ACTIVATION);
    assert_int_equal(m->u.fetched.activation.id, ACTIVATION_ID(1, 0));
    assert_int_equal(m->corr, 77);
    assert_int_equal(m->to, BED_INVOKER0);
    const struct record *r = bed_record(s->bed, RECORD_HANDED_OVER, 0);
    assert_int_equal(r->activation, ACTIVATION_ID(1, 0));
    assert_int_equal(r->container, 40);
    assert_int_equal(r->peer, BED_INVOKER0);
    assert_int_equal(m->cause, r->seq);
    assert_int_equal(q->count, 1);
    assert_true(shared_set_has(&q->containers, 40));
}

static void the_trail_of_a_message_leads_back_to_its_arrival(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    sched_arrive_many(s, 1, 1);
    uint64_t queued = bed_record(s->bed, RECORD_QUEUED, 0)->seq;
    sched_fetch(s, 40);
    assert_int_equal(bed_record(s->bed, RECORD_HANDED_OVER, 0)->cause, queued);
}

static void a_poll_waits_a_second_for_nothing(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_forget(s);
    sched_fetch(s, 40);
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 0);
    sched_pass(s, MSEC(999));
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 0);
    sched_pass(s, MSEC(1));
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
    assert_int_equal(q->poll_count, 0);
    assert_int_equal(s->machine->polls.free_count, s->machine->polls.count);
}

static void a_waiting_poll_gets_the_next_message(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_fetch(s, 40);
    sched_forget(s);
    sched_arrive_many(s, 5, 1);
    const struct message *m = bed_sent(s->bed, MSG_FETCHED, 0);
    assert_int_equal(m->u.fetched.activation.id, ACTIVATION_ID(5, 0));
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUED), 0);
    assert_int_equal(bed_record(s->bed, RECORD_HANDED_OVER, 0)->container, 40);
    assert_int_equal(q->count, 0);
    sched_forget(s);
    sched_pass(s, SEC(2)); /* its timer is gone */
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 0);
}

static uint32_t served(struct sched *s, uint32_t n)
{
    return bed_record(s->bed, RECORD_HANDED_OVER, n)->container;
}

static void polls_are_served_warmed_first_then_by_descending_id(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    sched_fetch(s, 2);
    sched_fetch(s, 4);
    sched_fetch(s, 3);
    struct message warmed = sched_fetch_message(s, 1);
    warmed.u.fetch.warmed = 1;
    bed_deliver(s->bed, &warmed);
    sched_forget(s);
    sched_arrive_many(s, 1, 3);
    assert_int_equal(served(s, 0), 1);
    assert_int_equal(served(s, 1), 4);
    assert_int_equal(served(s, 2), 3);
    sched_pass(s, SEC(1));
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 3)->u.fetched.result, FETCHED_NOTHING);
}

static void polls_of_one_container_are_served_in_order(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    struct message m = sched_fetch_message(s, 2);
    m.corr = 100;
    bed_deliver(s->bed, &m);
    m.corr = 101;
    bed_deliver(s->bed, &m);
    sched_forget(s);
    sched_arrive_many(s, 1, 2);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->corr, 100);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 1)->corr, 101);
}

static void a_farewell_ends_the_containers_polls(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_fetch(s, 1);
    sched_fetch(s, 2);
    sched_forget(s);
    sched_farewell(s, 2);
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 2); /* the farewell and the poll */
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 1)->u.fetched.result, FETCHED_NOTHING);
    assert_false(shared_set_has(&q->containers, 2));
    sched_arrive_many(s, 1, 1);
    assert_int_equal(served(s, 0), 1);
}

static void a_vanished_container_is_not_served(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_fetch(s, 1);
    sched_fetch(s, 2);
    sched_forget(s);
    sched_watch_container(s, 2, true);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
    assert_int_equal(shared_set_count(&q->containers), 1);
    sched_arrive_many(s, 1, 1);
    assert_int_equal(served(s, 0), 1);
}

static void another_revision_is_a_mismatch_in_every_state(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    for (unsigned i = QUEUE_RUNNING; i < QUEUE_STATE_COUNT; i++) {
        struct post_get get = {.container = 1, .revision = 2, .action = BED_HELLO, .alive = 1};
        q->state = (uint8_t)i;
        s->bed->posts_by_hand = true;
        sched_post(s, ACTOR(ACTOR_CALL, 0, 0), q->actor, POST_GET_ACTIVATION, &get, sizeof get);
        const struct message *answer = bed_post(s->bed, bed_posts(s->bed) - 1);
        assert_int_equal(answer->what, POST_ASK_ANSWER);
        assert_int_equal(MESSAGE_LOCAL_CONST(answer, struct post_answer)->result,
                         FETCHED_MISMATCH);
    }
    assert_int_equal(shared_set_count(&q->containers), 0);
    q->state = QUEUE_RUNNING;
    bed_settle(s->bed);
}

static void a_late_answer_to_a_fetch_is_lost(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 1);
    sched_forget(s);
    s->bed->posts_by_hand = true;
    sched_fetch(s, 3);
    struct message get = *bed_post(s->bed, 0);
    s->bed->post_first = s->bed->post_count; /* the queue is silent */
    sched_pass(s, SEC(5));
    bed_settle(s->bed);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
    bed_deliver(s->bed, &get);
    bed_settle(s->bed);
    assert_int_equal(q->count, 0);
    assert_int_equal(bed_record(s->bed, RECORD_MESSAGE_LOST, 0)->activation,
                     ACTIVATION_ID(1, 0));
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 1);
}

/* ---- throttling ---- */

static void a_full_queue_throttles_the_action_and_rejects(void **state)
{
    struct sched *s = *state;
    bed_config(s->bed, "whisk.scheduler.queue.max-retention-size", 10);
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 9);
    sched_expect_state(s, q, QUEUE_RUNNING);
    sched_forget(s);
    sched_arrive_many(s, 10, 1);
    sched_expect_state(s, q, QUEUE_ACTION_THROTTLED);
    assert_int_equal(sched_put(s, KEY_THROTTLING, 0)->u.etcd.value.a, 1);
    assert_int_equal(sched_put(s, KEY_THROTTLING, 0)->u.etcd.key.action, BED_HELLO);
    struct activation late = sched_activation(s, 11);
    late.blocking = 0;
    sched_arrive(s, &late);
    sched_expect_error(s, 0, &late, RESPONSE_DEVELOPER_ERROR, ERROR_TOO_MANY_CONCURRENT,
                       ACK_BY_PLACEHOLDER);
    sched_forget(s);
    sched_fetch(s, 1); /* 9 <= 10 x 0.9 */
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(sched_put(s, KEY_THROTTLING, 0)->u.etcd.value.a, 0);
}

static void a_throttled_message_may_be_a_whisk_error(void **state)
{
    struct sched *s = *state;
    bed_config(s->bed, "whisk.scheduler.queue.fail-throttle-as-whisk-error", 1);
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_forget(s);
    sched_decide(s, q, DECISION_ENABLE_THROTTLING_DROP, 0);
    sched_expect_state(s, q, QUEUE_NAMESPACE_THROTTLED);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_TOO_MANY_CONCURRENT,
                       ACK_BY_PLACEHOLDER);
    const struct message *put = sched_put(s, KEY_THROTTLING, 0);
    assert_int_equal(put->u.etcd.key.action, ACTION_NONE);
    assert_int_equal(put->u.etcd.value.a, 1);
}

static void a_throttled_namespace_takes_messages_only_with_containers(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_decide(s, q, DECISION_ENABLE_THROTTLING, 0);
    sched_forget(s);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_expect_error(s, 0, &a, RESPONSE_DEVELOPER_ERROR, ERROR_TOO_MANY_CONCURRENT,
                       ACK_BY_PLACEHOLDER);
    sched_watch_container(s, 9, false);
    sched_arrive_many(s, 2, 1);
    assert_int_equal(q->count, 1);
    sched_expect_state(s, q, QUEUE_NAMESPACE_THROTTLED);
}

static void lifting_loses_the_dropping_worker(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_decide(s, q, DECISION_ENABLE_THROTTLING, 0);
    sched_forget(s);
    sched_decide(s, q, DECISION_DISABLE_THROTTLING, 0);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(sched_put(s, KEY_THROTTLING, 0)->u.etcd.value.a, 0);
    assert_null(q->worker);
    assert_non_null(q->workers);
    sched_silence(s, q);
    sched_expect_state(s, q, QUEUE_IDLE);
    assert_non_null(q->workers); /* still runs */
    sched_arrive_many(s, 1, 1);
    assert_non_null(q->workers->next); /* and there are two */
}

static void throttling_commands_mean_nothing_elsewhere(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_silence(s, q);
    sched_forget(s);
    sched_decide(s, q, DECISION_ENABLE_THROTTLING, 0);
    sched_decide(s, q, DECISION_DISABLE_THROTTLING, 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 2);
    sched_expect_state(s, q, QUEUE_IDLE);
    sched_decide(s, q, DECISION_ADD, 0); /* no case: nothing is ordered */
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_ORDERED), 0);
}

/* ---- creation results ---- */

static void a_whisk_failure_without_containers_keeps_the_messages(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_arrive_many(s, 1, 3);
    sched_forget(s);
    sched_job_failed(s, q, 5, CREATION_NO_AVAILABLE_INVOKERS);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    assert_int_equal(q->count, 3);
    assert_int_equal(bed_record_count(s->bed, RECORD_DROPPED), 0);
    sched_fetch(s, 7); /* P4 works in Flushing */
    assert_int_equal(served(s, 0), 7);
    sched_arrive_many(s, 4, 1); /* and F1 appends */
    assert_int_equal(q->count, 3);
    sched_job_failed(s, q, 6, CREATION_NONE);
    sched_expect_state(s, q, QUEUE_RUNNING);
}

static void a_developer_failure_completes_all_at_once(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1), b = sched_activation(s, 2);
    b.blocking = 0;
    sched_arrive(s, &a);
    sched_arrive(s, &b);
    sched_forget(s);
    sched_job_failed(s, q, 5, CREATION_BLACK_BOX);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    struct activation c = sched_activation(s, 3);
    sched_arrive(s, &c);
    const struct activation *all[] = {&a, &b, &c};
    for (uint32_t i = 0; i < 3; i++)
        sched_expect_error(s, i, all[i], RESPONSE_DEVELOPER_ERROR, ERROR_BLACK_BOX,
                           ACK_BY_PLACEHOLDER);
}

static void what_follows_a_completed_message_is_not_its_doing(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_forget(s);
    sched_job_failed(s, q, 1, CREATION_BLACK_BOX);
    const struct record *dropped = bed_record(s->bed, RECORD_DROPPED, 0);
    assert_int_not_equal(dropped->cause, 0); /* its arrival */
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 0)->value2, QUEUE_FLUSHING);
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 0)->cause, 0); /* the failure's */
}

static void a_failure_with_containers_changes_nothing(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_watch_container(s, 9, false);
    sched_decide(s, q, DECISION_ADD, 1);
    uint32_t creation = bed_record(s->bed, RECORD_CREATION_ORDERED, 0)->creation;
    sched_job_failed(s, q, creation, CREATION_BLACK_BOX);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(shared_set_count(&q->creations), 0);
}

static void flushing_ends_after_two_quiet_ticks(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    actor_id actor = q->actor;
    sched_job_failed(s, q, 5, CREATION_WHISK);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a); /* activeDuringFlush */
    sched_forget(s);
    sched_pass(s, SEC(60)); /* old enough for the tick; but it was active */
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_CREATION_WHISK,
                       ACK_BY_PLACEHOLDER);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    sched_pass(s, SEC(60));                    /* the second tick, or the dropping worker's */
    assert_null(queue_get(s->machine, actor)); /* removed, and the manager agreed */
    assert_int_equal(sched_deleted_count(s, KEY_QUEUE), 1);
    assert_int_equal(sched_deleted_count(s, KEY_THROTTLING), 2);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_GONE), 1);
}

static void an_invalid_action_limit_ends_flushing(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_job_failed(s, q, 5, CREATION_WHISK);
    sched_forget(s);
    sched_job_failed(s, q, 6, CREATION_INVALID_ACTION_LIMIT);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_CREATION_WHISK,
                       ACK_BY_PLACEHOLDER);
    assert_int_equal(bed_record(s->bed, RECORD_STATE, 0)->value2, QUEUE_REMOVED);
}

static void a_zero_limit_pauses_and_names_it(void **state)
{
    struct sched *s = *state;
    s->limit = 0;
    struct activation a = sched_activation(s, 1);
    struct queue *q = sched_hello(s);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    sched_arrive(s, &a);
    sched_forget(s);
    sched_pass(s, SEC(61));
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_NAMESPACE_LIMIT,
                       ACK_BY_PLACEHOLDER);
}

static void old_messages_are_dropped_by_the_worker(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_pass(s, SEC(1));
    struct activation a = sched_activation(s, 1);
    sched_arrive(s, &a);
    sched_forget(s);
    sched_pass(s, SEC(60)); /* workers look at 0, 10, .. 60 s: 59 s old */
    assert_int_equal(bed_record_count(s->bed, RECORD_DROPPED), 0);
    sched_pass(s, SEC(9));
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_NOT_INITIATED, ACK_BY_PLACEHOLDER);
    assert_int_equal(q->count, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_started_queue_puts_its_keys_and_runs),
        T(messages_before_start_are_stashed_in_order),
        T(a_second_start_is_rejected),
        T(a_fetch_takes_the_oldest_message),
        T(the_trail_of_a_message_leads_back_to_its_arrival),
        T(a_poll_waits_a_second_for_nothing),
        T(a_waiting_poll_gets_the_next_message),
        T(polls_are_served_warmed_first_then_by_descending_id),
        T(polls_of_one_container_are_served_in_order),
        T(a_farewell_ends_the_containers_polls),
        T(a_vanished_container_is_not_served),
        T(another_revision_is_a_mismatch_in_every_state),
        T(a_late_answer_to_a_fetch_is_lost),
        T(a_full_queue_throttles_the_action_and_rejects),
        T(a_throttled_message_may_be_a_whisk_error),
        T(a_throttled_namespace_takes_messages_only_with_containers),
        T(lifting_loses_the_dropping_worker),
        T(throttling_commands_mean_nothing_elsewhere),
        T(a_whisk_failure_without_containers_keeps_the_messages),
        T(a_developer_failure_completes_all_at_once),
        T(what_follows_a_completed_message_is_not_its_doing),
        T(a_failure_with_containers_changes_nothing),
        T(flushing_ends_after_two_quiet_ticks),
        T(an_invalid_action_limit_ends_flushing),
        T(a_zero_limit_pauses_and_names_it),
        T(old_messages_are_dropped_by_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
