/*
 * test_scheduler_limits.c - what bounces off removed queues, polls whose time is not up, and a
 * scheduler with as many calls open as it can have.
 */
#include "support/manager_bed.h"

#define CALLS 65536u

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

/* ---- bounces ---- */

static struct queue *removed(struct sched *s, action_id action)
{
    s->holds_read = true;
    struct queue *q = sched_make_queue(s, BED_GUEST, action);
    for (unsigned i = 0; i < 2; i++)
        sched_post(s, ACTOR_MANAGER_ID, q->actor, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    sched_expect_state(s, q, QUEUE_REMOVED);
    return q;
}

static void arrive(struct sched *s, action_id action, uint32_t request)
{
    struct activation a = sched_activation(s, request);
    a.action = action;
    sched_arrive(s, &a);
}

static void a_bounce_is_with_the_queue_and_then_with_the_manager(void **state)
{
    struct sched *s = *state;
    const struct queue *q = removed(s, BED_HELLO);
    sched_forget(s);
    arrive(s, BED_HELLO, 1);
    sched_pass(s, MSEC(5) - 1);
    assert_int_equal(s->machine->bounces->queue, q->actor);
    sched_pass(s, 1); /* the manager's mailbox: the queue's end does not touch it */
    assert_int_equal(s->machine->bounces->queue, 0);
    manager_removed(s, q, true);
    assert_null(manager_queue(s, BED_HELLO, 1));
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_LOST), 0);
    s->holds_range = true;
    sched_pass(s, MSEC(5) - 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_LOOKED_UP), 0);
    sched_pass(s, 1);
    assert_int_equal(bed_record(s->bed, RECORD_LOOKED_UP, 0)->activation, ACTIVATION_ID(1, 0));
    assert_null(s->machine->bounces);
}

static void the_end_of_one_queue_loses_its_own_bounces_alone(void **state)
{
    struct sched *s = *state;
    const struct queue *first = removed(s, BED_HELLO), *second = removed(s, BED_SLOW);
    sched_forget(s);
    arrive(s, BED_HELLO, 1);
    arrive(s, BED_SLOW, 2);
    arrive(s, BED_HELLO, 3);
    arrive(s, BED_SLOW, 4);
    manager_removed(s, first, true);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_LOST), 2);
    assert_int_equal(bed_record(s->bed, RECORD_MESSAGE_LOST, 0)->activation,
                     ACTIVATION_ID(3, 0));
    assert_int_equal(bed_record(s->bed, RECORD_MESSAGE_LOST, 1)->activation,
                     ACTIVATION_ID(1, 0));
    sched_pass(s, MSEC(5));
    manager_removed(s, second, true);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_LOST), 2);
    s->holds_range = true;
    sched_pass(s, MSEC(5)); /* the older one first */
    assert_int_equal(bed_record(s->bed, RECORD_LOOKED_UP, 0)->activation, ACTIVATION_ID(2, 0));
    assert_int_equal(bed_record(s->bed, RECORD_LOOKED_UP, 1)->activation, ACTIVATION_ID(4, 0));
    assert_null(s->machine->bounces);
}

/* ---- polls ---- */

static void a_poll_that_is_served_takes_its_timer_along(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_forget(s);
    sched_fetch(s, 4);
    assert_int_equal(s->machine->polls.count - s->machine->polls.free_count, 1);
    sched_pass(s, MSEC(300));
    sched_arrive_many(s, 1, 1);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_ACTIVATION);
    assert_int_equal(q->poll_count, 0);
    assert_int_equal(s->machine->polls.count, s->machine->polls.free_count);
}

/* Upstream's timer is only cancelled by an activation. */
static void a_poll_that_is_closed_leaves_its_timer(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_forget(s);
    sched_fetch(s, 4);
    sched_pass(s, MSEC(300));
    sched_farewell(s, 4);
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 2);
    assert_int_equal(q->poll_count, 0);
    assert_int_equal(s->machine->polls.count - s->machine->polls.free_count, 1);
    sched_pass(s, MSEC(700) - 1);
    assert_int_equal(s->machine->polls.count - s->machine->polls.free_count, 1);
    sched_pass(s, 1);
    assert_int_equal(s->machine->polls.count, s->machine->polls.free_count);
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 2);
}

/* ---- what the manager remembers of a leader key ---- */

static void update(struct sched *s, uint32_t request)
{
    struct activation a = sched_activation(s, request);
    a.revision = 2;
    sched_forget(s);
    sched_arrive(s, &a);
    assert_int_equal(bed_record(s->bed, RECORD_LOOKED_UP, 0)->activation, a.id);
}

static void a_queue_that_gave_up_its_key_leaves_no_revision_behind(void **state)
{
    struct sched *s = *state;
    const struct queue *q = sched_quiet(s);
    s->holds_range = true;
    manager_removed(s, q, true);
    update(s, 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 0);
    assert_int_equal(bed_sent(s->bed, MSG_ETCD_RANGE, 0)->u.etcd.key.family, KEY_QUEUE);
}

static void a_queue_that_kept_its_key_leaves_its_revision_behind(void **state)
{
    struct sched *s = *state;
    const struct queue *q = sched_quiet(s);
    s->holds_range = true;
    manager_removed(s, q, false);
    update(s, 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 0);
    assert_int_equal(bed_sent(s->bed, MSG_DATABASE_READ, 0)->u.database.revision, 2);
    manager_removed(s, q, true); /* of one that is not in the pool: nothing */
    update(s, 2);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 0);
}

/* ---- no room ---- */

static struct activation own(struct sched *s, uint32_t request, unsigned what)
{
    struct post_update post = {.activation = sched_activation(s, request)};
    if (what == POST_ACTIVATION) /* a cycle */
        *(struct post_activation *)(void *)&post =
            (struct post_activation){.activation = post.activation, .is_own = 1};
    sched_forget(s);
    sched_post(s, ACTOR_MANAGER_ID, ACTOR_MANAGER_ID, what, &post, sizeof post);
    return post.activation;
}

static void expect_rejected(struct sched *s, actor_id actor, enum message_kind kind)
{
    assert_int_equal(s->bed->sent_count, 0);
    assert_int_equal(s->bed->record_count, 1);
    assert_int_equal(bed_record(s->bed, RECORD_MESSAGE_REJECTED, 0)->actor, actor);
    assert_int_equal(bed_record(s->bed, RECORD_MESSAGE_REJECTED, 0)->detail, kind);
}

static void without_room_for_a_call_each_says_so_at_once(void **state)
{
    struct sched *s = *state;
    s->holds_range = true;
    for (uint32_t i = 0; i < CALLS; i++) {
        sched_arrive_many(s, 1 + i % 100, 1);
        sched_forget(s);
    }
    assert_int_equal(s->machine->calls.count, CALLS);
    assert_int_equal(s->machine->calls.free_count, 0);
    sched_arrive_many(s, 1, 1);
    struct activation a = sched_activation(s, 1);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_NO_ENDPOINT, ACK_BY_SCHEDULER);
    a = own(s, 2, POST_ACTIVATION);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
    a = own(s, 3, POST_UPDATE_QUEUE);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
    struct post_create create = {.first = 1, .count = 1, .revision = 1};
    static const unsigned jobs[] = {POST_CREATE, POST_RESCHEDULE, POST_DELETE};
    for (unsigned i = 0; i < 3; i++) {
        sched_forget(s);
        sched_post(s, ACTOR_MAIN_ID, ACTOR_CONTAINERS_ID, jobs[i], &create, sizeof create);
        expect_rejected(s, ACTOR_CONTAINERS_ID, MSG_POST);
    }
    sched_forget(s);
    manager_ask(s, "/state");
    bed_expect_http(s->bed, 500, CONTENT_TEXT, NULL);
    assert_int_equal(s->machine->gathers.count, s->machine->gathers.free_count);
}

static void without_room_for_an_ask_a_fetch_is_rejected(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    s->bed->posts_by_hand = true; /* no queue answers */
    for (uint32_t i = 0; i < CALLS; i++) {
        struct message m = sched_fetch_message(s, 4);
        bed_deliver(s->bed, &m);
        bed_post_drop(s->bed);
    }
    sched_forget(s);
    struct message m = sched_fetch_message(s, 4);
    bed_deliver(s->bed, &m);
    assert_int_equal(bed_posts(s->bed), 0);
    expect_rejected(s, ACTOR_MAIN_ID, MSG_FETCH);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_bounce_is_with_the_queue_and_then_with_the_manager),
        T(the_end_of_one_queue_loses_its_own_bounces_alone),
        T(a_poll_that_is_served_takes_its_timer_along),
        T(a_poll_that_is_closed_leaves_its_timer),
        T(a_queue_that_gave_up_its_key_leaves_no_revision_behind),
        T(a_queue_that_kept_its_key_leaves_its_revision_behind),
        T(without_room_for_a_call_each_says_so_at_once),
        T(without_room_for_an_ask_a_fetch_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
