/* Long random days of one scheduler: no activation is ever in two places or in none, and the
 * same day twice gives the same digest. */
#include "support/scheduler_bed.h"

#define STEPS 4000u
#define ACTIONS 3u
#define CONTAINERS 12u

struct day {
    struct sched *s;
    uint64_t seed, draws;
    uint32_t arrived;
    uint64_t ended; /* handed over, dropped, forwarded or lost */
};

static uint64_t pick(struct day *day, uint64_t bound)
{
    uint64_t x = draw_mix(day->seed, day->draws++);
    return x % bound;
}

/* The bed's log is emptied after each step, so count before. */
static void take_log(struct day *day)
{
    const struct bed *bed = day->s->bed;
    day->ended += bed_record_count(bed, RECORD_HANDED_OVER);
    day->ended += bed_record_count(bed, RECORD_DROPPED);
    day->ended += bed_record_count(bed, RECORD_FORWARDED);
    for (uint32_t i = 0; i < bed->record_count; i++) {
        const struct record *r = &bed->records[i];
        if (r->kind == RECORD_MESSAGE_LOST && r->activation != 0)
            day->ended++;
    }
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        const struct message *m = &bed->sent[i];
        assert_true(m->to < BED_NODE_COUNT);
        assert_true(!message_infos[m->kind].call || m->corr != 0);
    }
}

static uint64_t held(const struct scheduler *machine)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < machine->queues.count; i++) {
        const struct queue *q = slots_at(&machine->queues, i);
        if (q != NULL)
            count += q->count;
    }
    for (uint32_t i = 0; i < machine->calls.count; i++) {
        const struct call *call = slots_at(&machine->calls, i);
        count += call != NULL && (call->kind == CALL_LOOKUP || call->kind == CALL_RECOVER);
    }
    for (const struct bounce *b = machine->bounces; b != NULL; b = b->next)
        count++;
    return count;
}

static void arrive(struct day *day)
{
    struct activation a = sched_activation(day->s, ++day->arrived);
    a.action = (action_id)pick(day, ACTIONS);
    a.blocking = (uint8_t)pick(day, 2);
    a.started_at -= pick(day, 4) == 0 ? SEC(15) : 0;
    sched_arrive(day->s, &a);
}

static void fetch(struct day *day, bool alive)
{
    struct message m = sched_fetch_message(day->s, (uint32_t)pick(day, CONTAINERS));
    m.u.fetch.action = (action_id)pick(day, ACTIONS);
    m.u.fetch.warmed = (uint8_t)pick(day, 2);
    m.u.fetch.alive = alive;
    m.u.fetch.has_duration = (uint8_t)pick(day, 2);
    m.u.fetch.duration_ms = (uint32_t)pick(day, 300);
    bed_deliver(day->s->bed, &m);
    sched_pump(day->s);
}

static void finish_job(struct day *day)
{
    const struct jobs *jobs = &day->s->machine->jobs;
    if (jobs->count == 0)
        return;
    const struct post_create create = jobs->open[pick(day, jobs->count)]->create;
    struct post_item item = {.entry = {.kind = ENTRY_CREATION_ACK}, .feed = 1};
    uint64_t error = pick(day, 2) == 0 ? CREATION_NONE : pick(day, CREATION_ERROR_COUNT);
    item.entry.u.creation = (struct creation){.id = create.first,
                                              .revision = 1,
                                              .action = create.action,
                                              .ns = create.ns,
                                              .retry = (uint8_t)pick(day, 6),
                                              .error = (uint8_t)error};
    sched_post(day->s, ACTOR_FEED_ID(1), ACTOR_FEED_HANDLER_ID(1), POST_FEED_ITEM, &item,
               sizeof item);
}

static void watch(struct day *day)
{
    static const enum key_family families[] = {KEY_EXISTING, KEY_IN_PROGRESS, KEY_WARMED,
                                               KEY_QUEUE};
    enum key_family family = families[pick(day, 4)];
    struct key key = {
        .family = (uint16_t)family, .ns = BED_GUEST, .action = (action_id)pick(day, ACTIONS)};
    struct value value = {.kind = VALUE_EMPTY};
    if (family == KEY_QUEUE) {
        value = (struct value){.kind = VALUE_ENDPOINTS,
                               .node = (node_id)(BED_SCHEDULER0 + pick(day, 2))};
    } else {
        key.node = family == KEY_IN_PROGRESS ? BED_SCHEDULER0 : BED_INVOKER0;
        key.revision = 1;
        key.id = (uint32_t)pick(day, CONTAINERS);
    }
    sched_watch(day->s, &key, &value, pick(day, 2) == 0);
}

static void change_world(struct day *day)
{
    struct sched *s = day->s;
    static const node_id leaders[] = {NODE_NONE, BED_SCHEDULER0, BED_SCHEDULER1};
    s->leader = leaders[pick(day, 3)];
    s->election_is_lost = pick(day, 3) == 0;
    s->existing = (uint32_t)pick(day, 40);
    s->in_progress = (uint32_t)pick(day, 10);
    s->range_fails = pick(day, 8) == 0;
    s->read_fails = pick(day, 8) == 0;
    for (unsigned i = 0; i < 3; i++) {
        s->invokers[i].free_mb = (uint32_t)pick(day, 1500);
        s->invokers[i].status = (uint8_t)pick(day, INVOKER_STATUS_COUNT);
    }
}

static void step(struct day *day)
{
    struct sched *s = day->s;
    uint64_t kind = pick(day, 100);
    if (kind < 35)
        arrive(day);
    else if (kind < 60)
        fetch(day, kind < 56);
    else if (kind < 66)
        finish_job(day);
    else if (kind < 72)
        watch(day);
    else if (kind < 76)
        sched_make_queue(s, BED_GUEST, (action_id)pick(day, ACTIONS));
    else if (kind < 78)
        change_world(day);
    else if (kind < 79)
        bed_link(s->bed, pick(day, 2) == 0 ? BED_ETCD : BED_KAFKA, pick(day, 2) == 0);
    else
        sched_pass(s, kind == 99 ? pick(day, SEC(40)) : pick(day, MSEC(400)));
    sched_pump(s);
}

static void end_step(struct day *day)
{
    take_log(day);
    assert_int_equal(day->arrived, day->ended + held(day->s->machine));
    sched_forget(day->s);
}

static uint64_t live_a_day(uint64_t seed, enum bug_value bug)
{
    struct day day = {.s = sched_new(), .seed = seed};
    day.s->bed->cluster.bugs[BUG_LOST_CREATION_ID] = (uint8_t)bug;
    bed_config(day.s->bed, "whisk.scheduler.queue.max-retention-size", 30);
    sched_start(day.s);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == STEPS * 3 / 4)
            bed_http(day.s->bed, HTTP_POST, "/disable",
                     bed_authorization(SCHEDULER_USER, SCHEDULER_PASSWORD), NULL);
        step(&day);
        end_step(&day);
    }
    struct digest digest = {0};
    scheduler_ops.digest(day.s->machine, &digest);
    sched_pass(day.s, MINUTES(5));
    end_step(&day);
    assert_int_equal(day.arrived, day.ended); /* all is done or lost, nothing waits */
    assert_int_equal(day.s->machine->pool.count, 0);
    assert_int_equal(day.s->machine->queues.free_count, day.s->machine->queues.count);
    assert_int_equal(day.s->machine->polls.free_count, day.s->machine->polls.count);
    assert_int_equal(day.s->machine->asks.free_count, day.s->machine->asks.count);
    char text[96];
    assert_false(scheduler_ops.pending(day.s->machine, text, sizeof text));
    sched_free(day.s);
    return digest.state;
}

static void no_activation_is_in_two_places_or_in_none(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        enum bug_value bug = (enum bug_value)(seed % BUG_VALUE_COUNT);
        uint64_t first = live_a_day(seed, bug);
        assert_true(first == live_a_day(seed, bug));
    }
}

/* ---- the producer ---- */

static void what_the_broker_did_not_answer_is_sent_again(void **state)
{
    struct sched *s = sched_started();
    sched_forget(s);
    sched_hello(s);
    struct message first = *bed_sent(s->bed, MSG_KAFKA_PRODUCE, 0);
    struct message refused = bed_reply(&first, MSG_REFUSED);
    uint32_t unanswered = producer_count(&s->machine->producer); /* warm-ups and a creation */
    sched_forget(s);
    bed_deliver(s->bed, &refused);
    sched_pass(s, MSEC(99));
    assert_int_equal(bed_sent_count(s->bed, MSG_KAFKA_PRODUCE), 0);
    sched_pass(s, MSEC(1));
    assert_int_equal(bed_sent_count(s->bed, MSG_KAFKA_PRODUCE), unanswered);
    for (uint32_t i = 0; i < unanswered; i++) {
        struct message done =
            bed_reply(bed_sent(s->bed, MSG_KAFKA_PRODUCE, i), MSG_KAFKA_PRODUCED);
        done.u.produced.ok = 1;
        bed_deliver(s->bed, &done);
    }
    assert_int_equal(producer_count(&s->machine->producer), 0);
    bed_deliver(s->bed, &refused); /* of an attempt long gone */
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 0);
    sched_free(s);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_activation_is_in_two_places_or_in_none),
        cmocka_unit_test(what_the_broker_did_not_answer_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
