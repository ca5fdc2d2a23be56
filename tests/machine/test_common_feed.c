/*
 * test_common_feed.c - MessageFeed: upstream's MessageFeedTests (maxPeek 4, handler capacity
 * 4), then what its consumer does when Kafka does not answer as it should.
 */
#include "support/bed.h"
#include "common/feed.h"

#define PEEK 4u
#define CAPACITY 4u
#define TOPIC_OF_TEST TOPIC(TOPIC_SCHEDULER, 0)

struct feed_host {
    struct timers timers;
    struct feed feed;
    uint32_t handled;
    uint32_t activations[64];
};

static bool autostart = true;

static void host_init(void *self, const struct machine_env *env)
{
    struct feed_host *host = self;
    timers_init(&host->timers, env->arena, env->node);
    feed_init(&host->feed, env, &host->timers, 0, TOPIC_OF_TEST, CAPACITY, PEEK,
              ACTOR_FEED_HANDLER_ID(0));
}

static void host_deliver(struct feed_host *host, const struct message *m, struct effects *fx)
{
    if (ACTOR_KIND(m->to_actor) == ACTOR_FEED) {
        feed_on_message(&host->feed, m, fx);
        return;
    }
    const struct post_item *item = MESSAGE_LOCAL_CONST(m, struct post_item);
    assert_int_equal(m->what, POST_FEED_ITEM);
    host->activations[host->handled++] = item->entry.u.activation.id;
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct feed_host *host = self;
    switch (ev->kind) {
    case EVENT_START:
        if (autostart)
            feed_start(&host->feed, fx);
        break;
    case EVENT_DELIVER:
        host_deliver(host, ev->message, fx);
        break;
    case EVENT_WAKE:
        feed_on_timer(&host->feed, timers_pop(&host->timers, ev->at), fx);
        break;
    case EVENT_LINK:
        feed_on_link(&host->feed, ev, fx);
        break;
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup host_next_wakeup(const void *self)
{
    return timers_first(&((const struct feed_host *)self)->timers);
}

static const struct machine_ops host_ops = {.name = "feed-host",
                                            .size = sizeof(struct feed_host),
                                            .effects_max = 64,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

static struct feed_host *host_of(struct bed *bed)
{
    return bed->machine;
}

static struct feed *feed_of(struct bed *bed)
{
    return &host_of(bed)->feed;
}

static struct bed *bed_of_feed(bool starts)
{
    autostart = starts;
    struct bed *bed = bed_new(&host_ops, BED_SCHEDULER0, NULL);
    bed_start(bed);
    return bed;
}

static void post(struct bed *bed, unsigned what)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_FEED_ID(0));
    m.from_actor = ACTOR_FEED_HANDLER_ID(0);
    m.what = (uint16_t)what;
    bed_deliver(bed, &m);
}

static const struct message *last_sent(struct bed *bed, enum message_kind kind)
{
    return bed_sent(bed, kind, bed_sent_count(bed, kind) - 1);
}

static void answer_join(struct bed *bed, uint32_t member, uint64_t committed)
{
    struct message m = bed_reply(last_sent(bed, MSG_KAFKA_JOIN), MSG_KAFKA_JOINED);
    m.u.kafka.topic = TOPIC_OF_TEST;
    m.u.kafka.member = member;
    m.u.kafka.offset = committed;
    m.u.kafka.ok = 1;
    bed_deliver(bed, &m);
}

/* Activations are numbered like their offsets, from 1. */
static void answer_poll(struct bed *bed, uint32_t count)
{
    struct entry entries[PEEK] = {{.kind = ENTRY_ACTIVATION}};
    const struct message *poll = last_sent(bed, MSG_KAFKA_POLL);
    struct message m = bed_reply(poll, MSG_KAFKA_RECORDS);
    for (uint32_t i = 0; i < count; i++) {
        entries[i].cause = 1000 + (uint32_t)poll->u.kafka.offset + i;
        entries[i].u.activation.id = (uint32_t)poll->u.kafka.offset + i + 1;
    }
    m.u.kafka.member = poll->u.kafka.member;
    m.u.kafka.offset = poll->u.kafka.offset;
    m.u.kafka.count = count;
    m.u.kafka.ok = 1;
    m.u.kafka.batch = blob_new(bed->arena, ARENA_MESSAGE, entries, count * sizeof entries[0]);
    bed_deliver(bed, &m);
}

static void answer_commit(struct bed *bed, bool ok, uint32_t member)
{
    struct message m = bed_reply(last_sent(bed, MSG_KAFKA_COMMIT), MSG_KAFKA_COMMITTED);
    m.u.kafka.ok = ok;
    m.u.kafka.member = member;
    bed_deliver(bed, &m);
}

static void refuse(struct bed *bed, enum message_kind kind)
{
    struct message m = bed_reply(last_sent(bed, kind), MSG_REFUSED);
    m.u.refused.kind = (uint16_t)kind;
    bed_deliver(bed, &m);
}

/* One poll of `count` records and its commit. */
static void fill(struct bed *bed, uint32_t count)
{
    answer_poll(bed, count);
    answer_commit(bed, true, 1);
}

static struct bed *bed_joined(void)
{
    struct bed *bed = bed_of_feed(true);
    answer_join(bed, 1, 0);
    return bed;
}

/* MessageFeedTests:113 */
static void nothing_is_peeked_before_ready(void **state)
{
    (void)state;
    struct bed *bed = bed_of_feed(false);
    post(bed, POST_FEED_PROCESSED);
    bed_pass(bed, MSEC(500));
    assert_int_equal(feed_of(bed)->state, FEED_IDLE);
    assert_int_equal(bed->sent_count, 0);
    post(bed, POST_FEED_READY);
    assert_int_equal(feed_of(bed)->state, FEED_FILLING);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_JOIN, 0)->u.kafka.topic, TOPIC_OF_TEST);
    bed_free(bed);
}

/* MessageFeedTests:132 */
static void a_feed_that_starts_by_itself_joins_and_polls(void **state)
{
    (void)state;
    struct bed *bed = bed_of_feed(true);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 0);
    answer_join(bed, 7, 21);
    const struct message *poll = bed_sent(bed, MSG_KAFKA_POLL, 0);
    assert_int_equal(poll->u.kafka.member, 7);
    assert_int_equal(poll->u.kafka.offset, 21);
    assert_int_equal(poll->u.kafka.count, PEEK);
    assert_int_equal(poll->u.kafka.wait_ms, 1000);
    bed_free(bed);
}

/* MessageFeedTests:138 */
static void nine_messages_make_it_drain_with_four_handled(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    fill(bed, 4);
    fill(bed, 4);
    assert_int_equal(feed_of(bed)->state, FEED_FILLING);
    fill(bed, 1);
    assert_int_equal(host_of(bed)->handled, 4);
    assert_int_equal(feed_of(bed)->state, FEED_DRAINING);
    bed_forget(bed);
    bed_pass(bed, MSEC(500));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 0);
    bed_free(bed);
}

/* MessageFeedTests:152 */
static void it_fills_again_when_the_pipeline_has_room(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    fill(bed, 4);
    fill(bed, 4);
    fill(bed, 2);
    assert_int_equal(host_of(bed)->handled, 4);
    assert_int_equal(feed_of(bed)->state, FEED_DRAINING);
    bed_forget(bed);
    post(bed, POST_FEED_PROCESSED);
    assert_int_equal(feed_of(bed)->state, FEED_DRAINING);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 0);
    post(bed, POST_FEED_PROCESSED);
    assert_int_equal(feed_of(bed)->state, FEED_FILLING);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 1);
    fill(bed, 1);
    assert_int_equal(host_of(bed)->handled, 6);
    assert_int_equal(feed_of(bed)->state, FEED_DRAINING);
    bed_free(bed);
}

static void the_commit_comes_before_the_delivery(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    answer_poll(bed, 2);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_COMMIT, 0)->u.kafka.offset, 2);
    assert_int_equal(host_of(bed)->handled, 0);
    assert_int_equal(bed_record_count(bed, RECORD_DELIVERED), 0);
    answer_commit(bed, true, 1);
    assert_int_equal(host_of(bed)->handled, 2);
    const struct record *r = bed_record(bed, RECORD_DELIVERED, 1);
    assert_int_equal(r->activation, 2);
    assert_int_equal(r->cause, 1001);
    assert_int_equal(r->value, TOPIC_OF_TEST);
    assert_int_equal(r->value2, 1);
    bed_free(bed);
}

static void an_idle_topic_is_committed_after_each_poll(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    fill(bed, 0);
    fill(bed, 0);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 2);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 3);
    bed_free(bed);
}

static void graceful_shutdown_changes_nothing(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    post(bed, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(feed_of(bed)->state, FEED_FILLING);
    fill(bed, 3);
    assert_int_equal(host_of(bed)->handled, 3);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
    bed_free(bed);
}

static void capacity_never_grows_above_its_maximum(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    for (int i = 0; i < 3; i++)
        post(bed, POST_FEED_PROCESSED);
    assert_int_equal(feed_of(bed)->capacity, CAPACITY);
    fill(bed, 4);
    fill(bed, 1);
    assert_int_equal(host_of(bed)->handled, 4);
    bed_free(bed);
}

static void a_failed_commit_brings_the_batch_again(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    fill(bed, 1);
    answer_poll(bed, 3);
    answer_commit(bed, false, 0);
    assert_int_equal(host_of(bed)->handled, 1);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 2);
    answer_join(bed, 2, 1);
    fill(bed, 3);
    assert_int_equal(host_of(bed)->handled, 4);
    assert_int_equal(host_of(bed)->activations[1], 2);
    bed_free(bed);
}

/* The client's position has moved past the batch, whatever upstream's comment says. */
static void four_commits_that_time_out_lose_the_batch(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    answer_poll(bed, 2);
    bed_pass(bed, SEC(30)); /* the request's own time: sent again in the same commit */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 2);
    bed_pass(bed, SEC(30) + MSEC(100)); /* commitSync gives up and is repeated */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 3);
    bed_pass(bed, 2 * (SEC(60) + MSEC(100)));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 7);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 1);
    bed_pass(bed, SEC(60));
    assert_int_equal(host_of(bed)->handled, 0);
    assert_int_equal(last_sent(bed, MSG_KAFKA_POLL)->u.kafka.offset, 2);
    fill(bed, 1);
    assert_int_equal(host_of(bed)->activations[0], 3);
    bed_free(bed);
}

static void a_refused_poll_yields_nothing_after_its_second(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    refuse(bed, MSG_KAFKA_POLL);
    bed_pass(bed, MSEC(999));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 0);
    bed_pass(bed, MSEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 1);
    refuse(bed, MSG_KAFKA_COMMIT);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 2);
    answer_commit(bed, true, 1);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 2);
    bed_free(bed);
}

static void a_broken_connection_ends_the_poll(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(feed_of(bed)->timer.at - bed->now, SEC(30));
    bed_link(bed, BED_KAFKA, true);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 1);
    answer_poll(bed, 2); /* of the poll that is over */
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(feed_of(bed)->position, 0);
    bed_free(bed);
}

static void a_poll_that_is_never_answered_ends(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    bed_pass(bed, SEC(30));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 1);
    answer_commit(bed, true, 1);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), 2);
    bed_free(bed);
}

static void a_retriable_error_is_polled_three_times_more_then_a_new_consumer_joins(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(bed_sent_count(bed, MSG_KAFKA_POLL), i + 1);
        struct message m = bed_reply(last_sent(bed, MSG_KAFKA_POLL), MSG_KAFKA_RECORDS);
        m.u.kafka.member = 1;
        bed_deliver(bed, &m);
        if (i < 3)
            bed_pass(bed, MSEC(100));
    }
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 2);
    assert_int_equal(last_sent(bed, MSG_KAFKA_JOIN)->u.kafka.member, 1); /* leaves */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_COMMIT), 0);
    bed_free(bed);
}

/* Each answer that is not the one of its phase, with the number of the open call. */
static void an_answer_of_another_kind_than_the_open_call_wants_is_rejected(void **state)
{
    static const enum message_kind kinds[] = {MSG_KAFKA_JOINED, MSG_KAFKA_RECORDS,
                                              MSG_KAFKA_COMMITTED, MSG_KAFKA_PRODUCED};
    (void)state;
    struct bed *bed = bed_of_feed(true);
    uint32_t rejected = 0;
    for (unsigned phase = 0; phase < 3; phase++) { /* join, poll, commit */
        uint8_t open = feed_of(bed)->phase;
        for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            struct message m = bed_reply(&bed->sent[bed->sent_count - 1], kinds[i]);
            m.u.kafka.ok = 1;
            m.u.kafka.member = 1;
            if (i == phase)
                continue;
            bed_deliver(bed, &m);
            assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), ++rejected);
            assert_int_equal(feed_of(bed)->phase, open);
        }
        if (phase == 0)
            answer_join(bed, 1, 0);
        else if (phase == 1)
            answer_poll(bed, 1);
    }
    assert_int_equal(host_of(bed)->handled, 0);
    answer_commit(bed, true, 1);
    assert_int_equal(host_of(bed)->handled, 1);
    bed_free(bed);
}

static void a_new_consumer_leaves_its_group_once(void **state)
{
    (void)state;
    struct bed *bed = bed_of_feed(true);
    answer_join(bed, 7, 0);
    for (uint32_t i = 0; i < 4; i++) {
        struct message m = bed_reply(last_sent(bed, MSG_KAFKA_POLL), MSG_KAFKA_RECORDS);
        m.u.kafka.member = 7;
        bed_deliver(bed, &m);
        if (i < 3)
            bed_pass(bed, MSEC(100));
    }
    assert_int_equal(last_sent(bed, MSG_KAFKA_JOIN)->u.kafka.member, 7);
    refuse(bed, MSG_KAFKA_JOIN);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 3);
    assert_int_equal(last_sent(bed, MSG_KAFKA_JOIN)->u.kafka.member, 0);
    struct message m = bed_reply(last_sent(bed, MSG_KAFKA_JOIN), MSG_KAFKA_JOINED);
    m.u.kafka.ok = 1; /* and no member: not joined */
    bed_deliver(bed, &m);
    assert_int_equal(bed_next_in(bed), SEC(1));
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 4);
    bed_pass(bed, SEC(60) - 1); /* never answered */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 4);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 5);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_HEARTBEAT), 0);
    bed_free(bed);
}

static void a_poll_of_no_member_joins_again(void **state)
{
    (void)state;
    struct bed *bed = bed_joined();
    struct message m = bed_reply(last_sent(bed, MSG_KAFKA_POLL), MSG_KAFKA_RECORDS);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 2);
    assert_int_equal(feed_of(bed)->member, 0);
    bed_free(bed);
}

static void a_member_beats_every_ten_seconds(void **state)
{
    (void)state;
    struct bed *bed = bed_of_feed(true);
    refuse(bed, MSG_KAFKA_JOIN);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOIN), 2);
    answer_join(bed, 9, 0);
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_HEARTBEAT), 2);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_HEARTBEAT, 1)->u.kafka.member, 9);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_peeked_before_ready),
        cmocka_unit_test(a_feed_that_starts_by_itself_joins_and_polls),
        cmocka_unit_test(nine_messages_make_it_drain_with_four_handled),
        cmocka_unit_test(it_fills_again_when_the_pipeline_has_room),
        cmocka_unit_test(the_commit_comes_before_the_delivery),
        cmocka_unit_test(an_idle_topic_is_committed_after_each_poll),
        cmocka_unit_test(graceful_shutdown_changes_nothing),
        cmocka_unit_test(capacity_never_grows_above_its_maximum),
        cmocka_unit_test(a_failed_commit_brings_the_batch_again),
        cmocka_unit_test(four_commits_that_time_out_lose_the_batch),
        cmocka_unit_test(a_refused_poll_yields_nothing_after_its_second),
        cmocka_unit_test(a_broken_connection_ends_the_poll),
        cmocka_unit_test(a_poll_that_is_never_answered_ends),
        cmocka_unit_test(
            a_retriable_error_is_polled_three_times_more_then_a_new_consumer_joins),
        cmocka_unit_test(an_answer_of_another_kind_than_the_open_call_wants_is_rejected),
        cmocka_unit_test(a_new_consumer_leaves_its_group_once),
        cmocka_unit_test(a_poll_of_no_member_joins_again),
        cmocka_unit_test(a_member_beats_every_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
