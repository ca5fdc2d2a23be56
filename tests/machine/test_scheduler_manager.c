/* QueueManager: elections, routing of activations (6.3), look-ups, cycles, errors E1 to E5. */
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

static void watch_leader(struct sched *s, node_id node, bool deleted)
{
    struct key key = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};
    struct value value = {.kind = VALUE_ENDPOINTS, .node = node};
    sched_watch(s, &key, &value, deleted);
}

static const struct route *hello_route(struct sched *s)
{
    return pool_route(s->machine, BED_GUEST, BED_HELLO);
}

/* ---- CreateQueue ---- */

static void the_winner_makes_a_queue_and_says_so(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    struct queue *q = sched_quiet(s);
    assert_non_null(q);
    const struct message *reply = bed_sent(s->bed, MSG_QUEUE_CREATED, 0);
    assert_int_equal(reply->to, BED_CONTROLLER0);
    assert_int_equal(reply->corr, 77);
    assert_int_equal(reply->u.queue_created.success, 1);
    assert_int_equal(reply->u.queue_created.action, BED_HELLO);
    const struct message *put = sched_put(s, KEY_QUEUE, 0);
    assert_int_equal(put->u.etcd.value.kind, VALUE_ENDPOINTS);
    assert_int_equal(put->u.etcd.value.node, BED_SCHEDULER0);
    assert_int_equal(hello_route(s)->init_revision, 1);
}

static void the_loser_answers_success_without_a_queue(void **state)
{
    struct sched *s = *state;
    s->election_is_lost = true;
    sched_forget(s);
    assert_null(sched_make_queue(s, BED_GUEST, BED_HELLO));
    assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, 0)->u.queue_created.success, 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 0);
}

static void one_election_serves_all_who_ask(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_CONTROLLER0, ACTOR_MANAGER_ID);
    m.u.create_queue.revision = 1;
    bed_deliver(s->bed, &m);
    assert_int_equal(bed_sent_count(s->bed, MSG_QUEUE_CREATED), 0);
    m.corr = 78;
    bed_deliver(s->bed, &m); /* answered before the election ends */
    assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, 0)->corr, 78);
    sched_pump(s);
    assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, 1)->corr, 77);
    bed_deliver(s->bed, &m); /* and one that finds the queue in the pool */
    assert_int_equal(bed_sent_count(s->bed, MSG_QUEUE_CREATED), 3);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 1);
}

static void a_warm_up_makes_no_queue(void **state)
{
    struct sched *s = *state;
    assert_null(sched_make_queue(s, NAMESPACE_SYSTEM, ACTION_WARM_UP));
    assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, 0)->u.queue_created.success, 1);
    sched_forget(s);
    struct post_item item = {.entry = {.kind = ENTRY_WARM_UP}};
    sched_post(s, ACTOR_FEED_ID(0), ACTOR_FEED_HANDLER_ID(0), POST_FEED_ITEM, &item,
               sizeof item);
    assert_int_equal(s->bed->sent_count + s->bed->record_count, 0);
    struct message fetch = sched_fetch_message(s, 1);
    fetch.u.fetch.action = ACTION_WARM_UP;
    bed_deliver(s->bed, &fetch);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
}

static void bytes_that_are_no_json_take_a_place_of_the_feed_for_ever(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    struct post_item item = {.entry = {.kind = ENTRY_UNPARSABLE}};
    actor_id handler = ACTOR_FEED_HANDLER_ID(0);
    sched_post(s, ACTOR_FEED_ID(0), handler, POST_FEED_ITEM, &item, sizeof item);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 1);
    uint32_t processed = s->bed->sent_count;
    item.entry.not_json = 1;
    sched_post(s, ACTOR_FEED_ID(0), handler, POST_FEED_ITEM, &item, sizeof item);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 2);
    assert_int_equal(s->bed->sent_count, processed);
}

/* ---- routing ---- */

static void an_activation_of_a_local_queue_goes_there(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    sched_forget(s);
    sched_arrive(s, &a);
    assert_int_equal(q->count, 1);
    struct message forwarded =
        bed_message(s->bed, MSG_FORWARD, BED_SCHEDULER1, ACTOR_MANAGER_ID);
    forwarded.u.activation = sched_activation(s, 2);
    bed_deliver(s->bed, &forwarded);
    assert_int_equal(q->count, 2);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 0);
}

static void a_known_leader_elsewhere_is_sent_to_at_once(void **state)
{
    struct sched *s = *state;
    watch_leader(s, BED_SCHEDULER1, false);
    sched_forget(s);
    sched_arrive_many(s, 1, 1);
    const struct message *m = bed_sent(s->bed, MSG_FORWARD, 0);
    assert_int_equal(m->to, BED_SCHEDULER1);
    assert_int_equal(m->to_actor, ACTOR_MANAGER_ID);
    assert_int_equal(m->u.activation.id, ACTIVATION_ID(1, 0));
    const struct record *r = bed_record(s->bed, RECORD_FORWARDED, 0);
    assert_int_equal(r->peer, BED_SCHEDULER1);
    assert_int_equal(m->cause, r->seq);
    watch_leader(s, BED_SCHEDULER1, true);
    assert_int_equal(hello_route(s)->selection, NODE_NONE);
}

static void an_unknown_leader_is_looked_up_and_remembered(void **state)
{
    struct sched *s = *state;
    s->leader = BED_SCHEDULER1;
    sched_forget(s);
    sched_arrive_many(s, 1, 2);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 1); /* the second knows */
    assert_int_equal(bed_record(s->bed, RECORD_LOOKED_UP, 0)->activation, ACTIVATION_ID(1, 0));
    assert_int_equal(bed_sent_count(s->bed, MSG_FORWARD), 2);
}

static void an_absent_leader_is_asked_for_fourteen_times(void **state)
{
    struct sched *s = *state;
    struct activation a = sched_activation(s, 1);
    sched_forget(s);
    sched_arrive(s, &a);
    uint32_t asked = 1;
    duration wait = MSEC(1);
    for (; asked < 14; asked++, wait *= 2) {
        assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), asked);
        sched_pass(s, wait - 1);
        assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), asked);
        sched_pass(s, 1);
    }
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 14);
    assert_int_equal(s->bed->now - a.started_at, MSEC(8191));
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_NO_ENDPOINT, ACK_BY_SCHEDULER);
    assert_int_equal(s->machine->calls.free_count, s->machine->calls.count);
}

static void a_failed_look_up_is_retried(void **state)
{
    struct sched *s = *state;
    s->range_fails = true;
    sched_forget(s);
    sched_arrive_many(s, 1, 1);
    s->range_fails = false;
    s->leader = BED_SCHEDULER1;
    sched_pass(s, MSEC(1));
    assert_int_equal(bed_sent_count(s->bed, MSG_FORWARD), 1);
}

static void a_look_up_survives_a_refusal_a_reset_and_silence(void **state)
{
    struct sched *s = *state;
    s->holds_range = true;
    sched_forget(s);
    sched_arrive_many(s, 1, 1);
    struct message refused = bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, 0), MSG_REFUSED);
    bed_deliver(s->bed, &refused);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 2); /* the client's own retry */
    struct message again = bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, 1), MSG_REFUSED);
    bed_deliver(s->bed, &again);
    sched_pass(s, MSEC(1));
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 3);
    bed_link(s->bed, BED_ETCD, true);
    bed_link(s->bed, BED_ETCD, false);
    sched_pass(s, MSEC(499));
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 3);
    sched_pass(s, MSEC(501));
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 4);
    s->holds_range = false;
    s->leader = BED_SCHEDULER1;
    sched_pass(s, SEC(10)); /* the client's time-out */
    assert_int_equal(bed_sent_count(s->bed, MSG_FORWARD), 1);
    bed_deliver(s->bed, &refused); /* too late */
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 1);
}

/* ---- errors ---- */

static void an_old_activation_is_failed(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    struct activation fits = sched_activation(s, 1), old = sched_activation(s, 2);
    fits.started_at -= SEC(20);
    old.started_at -= SEC(20) + MSEC(1);
    old.blocking = 0;
    sched_forget(s);
    sched_arrive(s, &fits);
    assert_int_equal(bed_record_count(s->bed, RECORD_DROPPED), 0);
    sched_arrive(s, &old);
    sched_expect_error(s, 0, &old, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD, ACK_BY_SCHEDULER);
}

static void an_unreadable_endpoint_is_an_error(void **state)
{
    struct sched *s = *state;
    struct activation a = sched_activation(s, 1);
    s->leader = BED_SCHEDULER1;
    s->leader_value = VALUE_RAW;
    sched_forget(s);
    sched_arrive(s, &a);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_ENDPOINT_UNPARSABLE,
                       ACK_BY_SCHEDULER);
}

static void an_unreadable_action_is_an_error(void **state)
{
    struct sched *s = *state;
    struct activation a = sched_activation(s, 1);
    s->leader = BED_SCHEDULER0;
    s->read_fails = true;
    sched_forget(s);
    sched_arrive(s, &a);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 0);
}

/* ---- the leader key says us ---- */

static void a_missing_queue_is_rebuilt_without_an_election(void **state)
{
    struct sched *s = *state;
    s->leader = BED_SCHEDULER0;
    sched_forget(s);
    struct activation a = sched_activation(s, 1);
    s->bed->posts_by_hand = false;
    sched_arrive(s, &a);
    struct pool_entry *entry = pool_find(s->machine, BED_GUEST, BED_HELLO, 1);
    assert_non_null(entry);
    struct queue *q = queue_get(s->machine, entry->queue);
    assert_int_equal(q->count, 1);
    sched_expect_state(s, q, QUEUE_RUNNING);
    for (uint32_t i = 0; i < s->bed->sent_count; i++)
        assert_false(s->bed->sent[i].kind == MSG_ETCD_TXN &&
                     s->bed->sent[i].u.etcd.key.family == KEY_QUEUE);
    sched_arrive_many(s, 2, 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 1);
}

static void a_cycle_ends_at_a_queue_that_came_meanwhile(void **state)
{
    struct sched *s = *state;
    s->leader = BED_SCHEDULER0;
    s->holds_read = true;
    sched_arrive_many(s, 1, 1); /* waits for the action */
    struct message read = *bed_sent(s->bed, MSG_DATABASE_READ, 0);
    struct queue *q = sched_quiet(s);
    struct message reply = bed_reply(&read, MSG_DATABASE_DOCUMENT);
    reply.u.database = read.u.database;
    bed_deliver(s->bed, &reply);
    assert_int_equal(q->count, 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 1);
}

static void an_older_revision_is_raised_to_the_queues(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    struct activation a = sched_activation(s, 1);
    struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    pool_remove(s->machine, route, 1);
    pool_put(s->machine, route, 3, q->actor);
    route->init_revision = 3;
    route->selection = BED_SCHEDULER1;
    sched_forget(s);
    sched_arrive(s, &a);
    assert_int_equal(bed_sent(s->bed, MSG_FORWARD, 0)->u.activation.revision, 3);
    route->selection = BED_SCHEDULER0; /* and by a cycle, to any that is not older */
    sched_arrive(s, &a);
    assert_int_equal(queue_head(q)->activation.revision, 3);
}

/* ---- health ---- */

static void the_number_of_leading_queues_is_published_on_change(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    sched_pass(s, SEC(1));
    const struct message *first = sched_put(s, KEY_SCHEDULER, 0);
    assert_int_equal(first->u.etcd.value.a, 0);
    assert_int_equal(first->u.etcd.value.node, BED_SCHEDULER0);
    sched_forget(s);
    sched_quiet(s);
    sched_pass(s, SEC(1));
    assert_int_equal(sched_put(s, KEY_SCHEDULER, 0)->u.etcd.value.a, 1);
    sched_forget(s);
    sched_pass(s, SEC(3));
    for (uint32_t i = 0; i < s->bed->sent_count; i++)
        assert_false(s->bed->sent[i].kind == MSG_ETCD_PUT);
}

static void fetches_find_their_queue_or_say_why_not(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    sched_fetch(s, 1);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NO_QUEUE);
    sched_quiet(s);
    struct message other = sched_fetch_message(s, 1);
    other.u.fetch.revision = 2;
    bed_deliver(s->bed, &other);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 1)->u.fetched.result, FETCHED_MISMATCH);
}

static void a_fetch_from_an_ended_queue_gets_nothing_at_once(void **state)
{
    struct sched *s = *state;
    struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    pool_put(s->machine, route, 1, ACTOR(ACTOR_QUEUE, 9, 99));
    sched_forget(s);
    sched_fetch(s, 4);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
}

static void a_reschedule_is_true_at_once_or_false(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_RESCHEDULE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.activation = sched_activation(s, 1);
    sched_forget(s);
    bed_deliver(s->bed, &m);
    assert_int_equal(bed_sent(s->bed, MSG_RESCHEDULED, 0)->u.rescheduled.ok, 0);
    struct queue *q = sched_quiet(s);
    bed_deliver(s->bed, &m);
    assert_int_equal(bed_sent(s->bed, MSG_RESCHEDULED, 1)->u.rescheduled.ok, 1);
    assert_int_equal(q->count, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_winner_makes_a_queue_and_says_so),
        T(the_loser_answers_success_without_a_queue),
        T(one_election_serves_all_who_ask),
        T(a_warm_up_makes_no_queue),
        T(bytes_that_are_no_json_take_a_place_of_the_feed_for_ever),
        T(an_activation_of_a_local_queue_goes_there),
        T(a_known_leader_elsewhere_is_sent_to_at_once),
        T(an_unknown_leader_is_looked_up_and_remembered),
        T(an_absent_leader_is_asked_for_fourteen_times),
        T(a_failed_look_up_is_retried),
        T(a_look_up_survives_a_refusal_a_reset_and_silence),
        T(an_old_activation_is_failed),
        T(an_unreadable_endpoint_is_an_error),
        T(an_unreadable_action_is_an_error),
        T(a_missing_queue_is_rebuilt_without_an_election),
        T(a_cycle_ends_at_a_queue_that_came_meanwhile),
        T(an_older_revision_is_raised_to_the_queues),
        T(the_number_of_leading_queues_is_published_on_change),
        T(fetches_find_their_queue_or_say_why_not),
        T(a_fetch_from_an_ended_queue_gets_nothing_at_once),
        T(a_reschedule_is_true_at_once_or_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
