/*
 * test_scheduler_sets.c - lost-creation-id: a message waits for a creation that is over, and
 * its record leads to what went wrong in the queue's set.
 */
#include "support/scheduler_bed.h"

static struct sched *sched_with_bug(enum bug_value value)
{
    struct sched *s = sched_new();
    s->bed->cluster.bugs[BUG_LOST_CREATION_ID] = (uint8_t)value;
    s->bed->cluster.timing[TIMING_SET_STALENESS] = (struct range){0, 0};
    s->bed->cluster.timing[TIMING_SET_WINDOW] = (struct range){MSEC(5), MSEC(5)};
    sched_start(s);
    return s;
}

/* The invoker answers the queue's first order. */
static void creation_is_done(struct sched *s)
{
    struct post_item item = {.entry = {.kind = ENTRY_CREATION_ACK}, .feed = 1};
    item.entry.u.creation = (struct creation){
        .id = 1, .revision = 1, .action = BED_HELLO, .ns = BED_GUEST, .invoker = BED_INVOKER0};
    sched_post(s, ACTOR_FEED_ID(1), ACTOR_FEED_HANDLER_ID(1), POST_FEED_ITEM, &item,
               sizeof item);
}

static void watch_creation(struct sched *s, bool deleted)
{
    struct key key = {.family = KEY_IN_PROGRESS,
                      .ns = BED_GUEST,
                      .action = BED_HELLO,
                      .node = BED_SCHEDULER0,
                      .revision = 1,
                      .id = 1};
    struct value empty = {.kind = VALUE_EMPTY};
    sched_watch(s, &key, &empty, deleted);
}

/* One message waits, is ordered nothing, and is dropped. */
static const struct record *expect_drop(struct sched *s)
{
    uint32_t ordered = bed_record_count(s->bed, RECORD_CREATION_ORDERED);
    sched_arrive_many(s, 1, 1);
    sched_pass(s, SEC(75));
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_ORDERED), ordered);
    const struct record *dropped = bed_record(s->bed, RECORD_DROPPED, 0);
    assert_int_equal(dropped->detail, ERROR_NOT_INITIATED);
    return dropped;
}

static const struct record *cause_of(const struct sched *s, const struct record *r,
                                     enum record_kind kind)
{
    for (uint32_t i = 0; i < s->bed->record_count; i++) {
        const struct record *cause = &s->bed->records[i];
        if (cause->seq != r->cause)
            continue;
        assert_string_equal(record_to_string(cause->kind), record_to_string(kind));
        return cause;
    }
    fail_msg("record %u is not there", r->cause);
    return NULL;
}

/* A step of the set of creations, always about creation 1. */
static const struct record *set_cause_of(const struct sched *s, const struct record *r,
                                         enum set_step step)
{
    const struct record *cause = cause_of(s, r, RECORD_SET_CHANGED);
    assert_int_equal(cause->detail, step);
    assert_int_equal(cause->creation, 1);
    return cause;
}

static void a_removal_that_is_not_seen_lets_a_message_die(void **state)
{
    (void)state;
    struct sched *s = sched_with_bug(BUG_OLD);
    struct queue *q = sched_hello(s);
    sched_pass(s, MSEC(50));
    s->bed->cluster.timing[TIMING_SET_STALENESS] = (struct range){SEC(80), SEC(80)};
    creation_is_done(s);
    assert_int_equal(shared_set_count(&q->creations), 0);
    const struct record *r = cause_of(s, expect_drop(s), RECORD_SNAPSHOT);
    assert_int_equal(r->value, 1); /* no container, one creation */
    assert_int_equal(r->value2, UINT64_C(1) << 32 | 1);
    r = set_cause_of(s, r, SET_READ_STALE);
    r = set_cause_of(s, r, SET_REMOVE);
    cause_of(s, r, RECORD_CREATION_DONE);
    /* Once the removal is seen, the next message gets its container. */
    sched_pass(s, SEC(10));
    sched_forget(s);
    sched_arrive_many(s, 2, 1);
    sched_pass(s, MSEC(100));
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_ORDERED), 1);
    sched_free(s);
}

static void an_id_that_comes_back_lets_a_message_die(void **state)
{
    (void)state;
    struct sched *s = sched_with_bug(BUG_LOST_UPDATE);
    struct queue *q = sched_hello(s);
    sched_pass(s, MSEC(50));
    creation_is_done(s);
    sched_pass(s, MSEC(2));
    watch_creation(s, false); /* the key's late PUT crosses the removal */
    sched_pass(s, MSEC(20));
    assert_true(shared_set_has(&q->creations, 1));
    const struct record *r = cause_of(s, expect_drop(s), RECORD_SNAPSHOT);
    assert_int_equal(r->value, 1);
    r = set_cause_of(s, r, SET_STORE); /* with 1 */
    r = set_cause_of(s, r, SET_STORE); /* without it */
    r = set_cause_of(s, r, SET_LOAD);
    r = set_cause_of(s, r, SET_LOAD);
    cause_of(s, r, RECORD_CREATION_DONE);
    sched_free(s);
}

static void with_concurrent_sets_a_container_is_ordered(void **state)
{
    (void)state;
    struct sched *s = sched_with_bug(BUG_FIXED);
    struct queue *q = sched_hello(s);
    sched_pass(s, MSEC(50));
    creation_is_done(s);
    watch_creation(s, false);
    watch_creation(s, true);
    assert_int_equal(shared_set_count(&q->creations), 0);
    sched_forget(s);
    sched_arrive_many(s, 1, 1);
    sched_pass(s, MSEC(100));
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_ORDERED), 1);
    sched_free(s);
}

static void a_drop_without_a_snapshot_leads_to_the_arrival(void **state)
{
    (void)state;
    struct sched *s = sched_with_bug(BUG_FIXED);
    sched_quiet(s);
    sched_arrive_many(s, 1, 1);
    sched_pass(s, SEC(75));
    assert_int_equal(bed_record_count(s->bed, RECORD_SNAPSHOT), 0);
    cause_of(s, bed_record(s->bed, RECORD_DROPPED, 0), RECORD_QUEUED);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_removal_that_is_not_seen_lets_a_message_die),
        cmocka_unit_test(an_id_that_comes_back_lets_a_message_die),
        cmocka_unit_test(with_concurrent_sets_a_container_is_ordered),
        cmocka_unit_test(a_drop_without_a_snapshot_leads_to_the_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
