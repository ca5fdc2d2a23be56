/* Orders to containers: ContainerManager (ContainerManager.scala), CreationJobManager
 * (CreationJobManager.scala), and the sets that both change. */
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

static const struct creation *sent_creation(const struct sched *s, uint32_t n,
                                            uint32_t *ret_topic)
{
    uint32_t left = n;
    for (uint32_t i = 0; i < s->bed->sent_count; i++) {
        const struct message *m = &s->bed->sent[i];
        if (m->kind == MSG_KAFKA_PRODUCE && m->u.produce.entry.kind == ENTRY_CREATION &&
            left-- == 0) {
            *ret_topic = m->u.produce.topic;
            return &m->u.produce.entry.u.creation;
        }
    }
    fail_msg("creation %u was not sent", n);
    return NULL;
}

static void ack(struct sched *s, uint32_t creation, enum creation_error error, uint8_t retry)
{
    struct post_item item = {.entry = {.kind = ENTRY_CREATION_ACK}, .feed = 1};
    item.entry.u.creation = (struct creation){.id = creation,
                                              .revision = 1,
                                              .action = BED_HELLO,
                                              .ns = BED_GUEST,
                                              .invoker = BED_INVOKER0,
                                              .retry = retry,
                                              .error = (uint8_t)error};
    sched_post(s, ACTOR_FEED_ID(1), ACTOR_FEED_HANDLER_ID(1), POST_FEED_ITEM, &item,
               sizeof item);
}

static void watch_warmed(struct sched *s, node_id invoker, uint32_t container)
{
    struct key key = {.family = KEY_WARMED,
                      .ns = BED_GUEST,
                      .action = BED_HELLO,
                      .node = invoker,
                      .revision = 1,
                      .id = container};
    struct value value = {.kind = VALUE_EMPTY};
    sched_watch(s, &key, &value, false);
}

/* ---- placement ---- */

static void no_usable_invoker_fails_the_creation_at_once(void **state)
{
    struct sched *s = *state;
    s->invokers[0].status = INVOKER_DOWN;
    s->invokers[1].status = INVOKER_UNHEALTHY;
    s->invokers[2].free_mb = 255;
    sched_forget(s);
    struct queue *q = sched_hello(s);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    assert_int_equal(shared_set_count(&q->creations), 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_SENT), 0);
    const struct record *done = bed_record(s->bed, RECORD_CREATION_DONE, 0);
    assert_int_equal(done->detail, CREATION_NO_AVAILABLE_INVOKERS);
    assert_int_equal(done->outcome, OUTCOME_FAILED);
}

static void a_failed_listing_counts_as_no_invoker(void **state)
{
    struct sched *s = *state;
    s->range_fails = true;
    sched_expect_state(s, sched_hello(s), QUEUE_FLUSHING);
}

static void a_batch_deducts_only_its_latest_choice(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->invokers[0].is_listed = s->invokers[1].is_listed = false;
    s->invokers[2].free_mb = 512; /* room for two; each message sees one deducted */
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 4);
    uint32_t topic;
    for (uint32_t i = 0; i < 4; i++) {
        const struct creation *creation = sent_creation(s, i, &topic);
        assert_int_equal(creation->id, 4 - i); /* the list was built from its end */
        assert_int_equal(topic, TOPIC(TOPIC_INVOKER, 2));
    }
}

static void a_small_invoker_leaves_the_list_after_its_choice(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->invokers[0].is_listed = s->invokers[1].is_listed = false;
    s->invokers[2].free_mb = 300; /* 44 MB left: below the minimum */
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 2);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_SENT), 1);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->creation, 2);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->detail,
                     CREATION_NO_AVAILABLE_INVOKERS);
}

static void who_finds_no_invoker_gives_the_next_the_whole_list(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->invokers[0].is_listed = s->invokers[1].is_listed = false;
    s->invokers[2].free_mb = 300;
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 3);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_SENT), 2);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_SENT, 0)->creation, 3);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_SENT, 1)->creation, 1);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->creation, 2);
}

static void an_unavailable_etcd_is_asked_for_invokers_twice(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->holds_range = true;
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 1);
    struct message reply = bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    reply.u.etcd_done.status = ETCD_UNAVAILABLE;
    bed_deliver(s->bed, &reply);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 2);
    sched_expect_state(s, q, QUEUE_RUNNING);
    struct message last = bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, 1), MSG_ETCD_RANGED);
    last.u.etcd_done.status = ETCD_UNAVAILABLE;
    bed_deliver(s->bed, &last);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 2);
    sched_expect_state(s, q, QUEUE_FLUSHING);
}

static void warmed_containers_come_first_and_are_reserved(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    watch_warmed(s, BED_INVOKER2, 70);
    watch_warmed(s, BED_INVOKER1, 71);
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 3);
    uint32_t topic;
    assert_int_equal(sent_creation(s, 0, &topic)->id, 1);
    assert_int_equal(topic, TOPIC(TOPIC_INVOKER, 1)); /* the first key */
    assert_int_equal(sent_creation(s, 1, &topic)->id, 2);
    assert_int_equal(topic, TOPIC(TOPIC_INVOKER, 2));
    assert_int_equal(sent_creation(s, 2, &topic)->id, 3); /* a cold one */
    assert_int_equal(s->machine->containers.reservation_count, 2);
    ack(s, 1, CREATION_NONE, 0);
    assert_int_equal(s->machine->containers.reservation_count, 1);
}

static void a_warmed_container_on_a_disabled_invoker_is_not_used(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->invokers[1].status = INVOKER_DOWN;
    watch_warmed(s, BED_INVOKER1, 71);
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 1);
    uint32_t topic;
    sent_creation(s, 0, &topic);
    assert_int_not_equal(topic, TOPIC(TOPIC_INVOKER, 1));
    assert_int_equal(s->machine->containers.reservation_count, 1); /* it stays */
}

static void a_second_warmed_container_on_a_full_invoker_drops_the_cold_ones(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->invokers[1].free_mb = 300;
    watch_warmed(s, BED_INVOKER1, 71);
    watch_warmed(s, BED_INVOKER1, 72);
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 3);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_SENT), 2);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_DONE), 0);
    assert_int_equal(shared_set_count(&q->creations), 3); /* for ever */
}

static void every_invoker_is_warmed_up_once(void **state)
{
    struct sched *s = *state;
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->bed->sent_count; i++)
        count += s->bed->sent[i].kind == MSG_KAFKA_PRODUCE &&
                 s->bed->sent[i].u.produce.entry.kind == ENTRY_WARM_UP;
    assert_int_equal(count, 3);
    struct key key = {.family = KEY_INVOKERS, .node = BED_INVOKER1};
    struct value value = {.kind = VALUE_INVOKER, .status = INVOKER_DOWN};
    sched_forget(s);
    sched_watch(s, &key, &value, false);
    assert_int_equal(bed_sent_count(s->bed, MSG_KAFKA_PRODUCE), 0);
    sched_watch(s, &key, &value, true);
    sched_watch(s, &key, &value, false);
    assert_int_equal(bed_sent(s->bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_INVOKER, 1));
}

static void an_invoker_seen_before_the_listing_is_warmed_up_once(void **state)
{
    struct sched *s = sched_new();
    struct key key = {.family = KEY_INVOKERS, .node = BED_INVOKER1};
    struct value value = {.kind = VALUE_INVOKER, .status = INVOKER_UP};
    (void)state;
    s->holds_range = true;
    sched_start(s);
    sched_watch(s, &key, &value, false);
    assert_int_equal(bed_sent_count(s->bed, MSG_KAFKA_PRODUCE), 1);
    s->holds_range = false;
    s->answered = 0;
    while (s->bed->sent[s->answered].kind != MSG_ETCD_RANGE)
        s->answered++;
    sched_pump(s);
    assert_int_equal(bed_sent_count(s->bed, MSG_KAFKA_PRODUCE), 3); /* the other two */
    sched_free(s);
}

/* ---- jobs ---- */

static void a_success_closes_the_job_and_tells_the_queue(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_forget(s);
    ack(s, 1, CREATION_NONE, 0);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->outcome, OUTCOME_OK);
    assert_int_equal(sched_deleted_count(s, KEY_IN_PROGRESS), 1);
    assert_int_equal(shared_set_count(&q->creations), 0);
    assert_int_equal(s->machine->jobs.count, 0);
}

static void a_whisk_error_is_tried_again_five_times(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_forget(s);
    for (uint8_t retry = 0; retry < 5; retry++) {
        ack(s, 1, CREATION_RESOURCE_NOT_ENOUGH, retry);
        uint32_t sent = bed_record_count(s->bed, RECORD_CREATION_SENT);
        sched_pass(s, (MSEC(100) << retry) - 1);
        assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_SENT), sent);
        sched_pass(s, 1);
        assert_int_equal(bed_record(s->bed, RECORD_CREATION_SENT, sent)->value, retry + 1);
    }
    assert_int_equal(s->machine->jobs.count, 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_DONE), 0);
    ack(s, 1, CREATION_RESOURCE_NOT_ENOUGH, 5);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->detail,
                     CREATION_RESOURCE_NOT_ENOUGH);
    sched_expect_state(s, q, QUEUE_FLUSHING);
}

static void a_retry_after_the_end_of_the_job_begins_a_new_one(void **state)
{
    struct sched *s = *state;
    sched_decide(s, sched_quiet(s), DECISION_ADD, 1);
    sched_pass(s, SEC(20) - MSEC(50)); /* with the job's last 50 ms */
    ack(s, 1, CREATION_RESOURCE_NOT_ENOUGH, 0);
    sched_forget(s);
    sched_pass(s, MSEC(50));
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->detail, CREATION_TIMEOUT);
    assert_int_equal(s->machine->jobs.count, 0);
    assert_int_equal(sched_deleted_count(s, KEY_IN_PROGRESS), 1);
    sched_forget(s);
    sched_pass(s, MSEC(50));
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_SENT, 0)->creation, 1);
    assert_int_equal(sched_put(s, KEY_IN_PROGRESS, 0)->u.etcd.key.id, 1);
    assert_int_equal(job_find(s->machine, 1)->timer.at, s->bed->now + SEC(20));
}

static void a_retry_without_invokers_fails_twice(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_decide(s, q, DECISION_ADD, 1);
    for (unsigned i = 0; i < 3; i++)
        s->invokers[i].is_listed = false;
    sched_forget(s);
    ack(s, 1, CREATION_WHISK, 0);
    sched_pass(s, MSEC(100));
    sched_expect_state(s, q, QUEUE_FLUSHING);
    assert_int_equal(q->flush_error, CREATION_NO_AVAILABLE_INVOKERS);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_DONE), 0); /* the job is open */
    assert_int_equal(s->machine->jobs.count, 1);
    assert_int_equal(sched_deleted_count(s, KEY_IN_PROGRESS), 0);
    sched_pass(s, SEC(20) - MSEC(100));
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->detail, CREATION_TIMEOUT);
    assert_int_equal(q->flush_error, CREATION_TIMEOUT);
}

/* Those of whisk are tried again, those of the action are not. */
static void every_error_has_its_class(void **state)
{
    (void)state;
    static const bool is_whisk[CREATION_ERROR_COUNT] = {
        [CREATION_NO_AVAILABLE_INVOKERS] = true,
        [CREATION_NO_AVAILABLE_RESOURCE_INVOKERS] = true,
        [CREATION_RESOURCE_NOT_ENOUGH] = true,
        [CREATION_WHISK] = true,
        [CREATION_UNKNOWN] = true,
        [CREATION_TIMEOUT] = true,
        [CREATION_SHUTTING_DOWN] = true,
        [CREATION_ZERO_NAMESPACE_LIMIT] = true};
    for (uint8_t error = CREATION_NONE + 1; error < CREATION_ERROR_COUNT; error++) {
        assert_int_equal(creation_is_whisk_error(error), is_whisk[error]);
        struct sched *s = sched_started();
        sched_hello(s);
        ack(s, 1, (enum creation_error)error, 4);
        bool is_parsable = error != CREATION_SHUTTING_DOWN && error != CREATION_NON_EXECUTABLE;
        bool is_open = is_whisk[error] || !is_parsable;
        assert_int_equal(s->machine->jobs.count, is_open);
        assert_int_equal(s->machine->jobs.retries != NULL, is_whisk[error] && is_parsable);
        sched_free(s);
    }
}

/* A reservation is given up with the result of its creation, in the job manager's words. */
static void a_reservation_outlives_a_creation_that_ends_up_nowhere(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->invokers[0].is_listed = s->invokers[2].is_listed = false;
    s->invokers[1].free_mb = 300;
    watch_warmed(s, BED_INVOKER0, 71); /* its invoker is not there */
    sched_forget(s);
    sched_decide(s, q, DECISION_ADD, 2);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_SENT, 0)->creation, 1);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->creation, 2);
    assert_int_equal(s->machine->containers.reservation_count, 1);
    ack(s, 2, CREATION_BLACK_BOX, 0); /* of another creation */
    assert_int_equal(s->machine->containers.reservation_count, 1);
    ack(s, 1, CREATION_BLACK_BOX, 0);
    assert_int_equal(s->machine->containers.reservation_count, 0);
}

/* What a former attempt reserved counts as taken, and then gives way. */
static void a_second_attempt_reserves_another_container(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    watch_warmed(s, BED_INVOKER0, 71);
    watch_warmed(s, BED_INVOKER1, 72);
    sched_decide(s, q, DECISION_ADD, 1);
    const struct containers *c = &s->machine->containers;
    assert_int_equal(c->reservations[0].key.node, BED_INVOKER0);
    ack(s, 1, CREATION_WHISK, 0);
    sched_forget(s);
    sched_pass(s, MSEC(100));
    uint32_t topic;
    sent_creation(s, 0, &topic);
    assert_int_equal(topic, TOPIC(TOPIC_INVOKER, 1));
    assert_int_equal(c->reservation_count, 1);
    assert_int_equal(c->reservations[0].key.node, BED_INVOKER1);
}

static void a_developer_error_is_final(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    ack(s, 1, CREATION_BLACK_BOX, 0);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    assert_int_equal(s->machine->jobs.count, 0);
}

static void an_ack_with_an_unknown_name_waits_for_the_timer(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_forget(s);
    ack(s, 1, CREATION_SHUTTING_DOWN, 0);
    ack(s, 1, CREATION_NON_EXECUTABLE, 0);
    sched_pass(s, SEC(20) - 1);
    assert_int_equal(s->machine->jobs.count, 1);
    sched_expect_state(s, q, QUEUE_RUNNING);
    sched_pass(s, 1);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_DONE, 0)->detail, CREATION_TIMEOUT);
    assert_int_equal(sched_deleted_count(s, KEY_IN_PROGRESS), 1);
    sched_expect_state(s, q, QUEUE_FLUSHING);
    sched_forget(s);
    ack(s, 1, CREATION_NONE, 0); /* late, and still forwarded */
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(bed_record_count(s->bed, RECORD_CREATION_DONE), 0);
}

static void results_go_only_to_a_leader_in_the_pool(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    pool_find(s->machine, BED_GUEST, BED_HELLO, 1)->leader = 0;
    s->machine->pool.leader_count--;
    ack(s, 1, CREATION_NONE, 0);
    assert_int_equal(shared_set_count(&q->creations), 1);
}

/* ---- the shared sets ---- */

static void a_stale_reader_sees_an_older_size(void **state)
{
    struct sched *s = sched_new();
    s->bed->cluster.bugs[BUG_LOST_CREATION_ID] = BUG_OLD;
    s->bed->cluster.timing[TIMING_SET_STALENESS] = (struct range){MSEC(50), MSEC(50)};
    sched_start(s);
    struct queue *q = sched_hello(s);
    sched_pass(s, MSEC(70));
    sched_forget(s);
    sched_watch_container(s, 3, false);
    sched_arrive_many(s, 1, 1);
    sched_pass(s, MSEC(30)); /* 30 ms after the change */
    assert_int_equal(bed_record(s->bed, RECORD_SNAPSHOT, 0)->value, 1); /* not 1 << 32 | 1 */
    sched_pass(s, MSEC(100));
    assert_int_equal(bed_record(s->bed, RECORD_SNAPSHOT, 1)->value, UINT64_C(1) << 32 | 1);
    assert_int_equal(shared_set_count(&q->containers), 1);
    sched_free(s);
    (void)state;
}

static void two_open_changes_lose_one(void **state)
{
    struct sched *s = sched_new();
    s->bed->cluster.bugs[BUG_LOST_CREATION_ID] = BUG_LOST_UPDATE;
    s->bed->cluster.timing[TIMING_SET_WINDOW] = (struct range){MSEC(5), MSEC(5)};
    sched_start(s);
    struct queue *q = sched_quiet(s);
    sched_watch_container(s, 3, false);
    sched_pass(s, MSEC(1));
    sched_watch_container(s, 4, false);
    assert_int_equal(shared_set_count(&q->containers), 0);
    sched_pass(s, MSEC(10));
    assert_int_equal(shared_set_count(&q->containers), 1);
    assert_true(shared_set_has(&q->containers, 4));
    sched_free(s);
    (void)state;
}

static void the_fixed_set_keeps_both(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_watch_container(s, 3, false);
    sched_watch_container(s, 4, false);
    assert_int_equal(shared_set_count(&q->containers), 2);
}

static void creation_ids_go_on_after_a_crash(void **state)
{
    struct sched *s = *state;
    sched_hello(s);
    bed_crash(s->bed);
    sched_forget(s);
    sched_start(s);
    sched_hello(s);
    assert_int_equal(bed_record(s->bed, RECORD_CREATION_ORDERED, 0)->creation, 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(no_usable_invoker_fails_the_creation_at_once),
        T(a_failed_listing_counts_as_no_invoker),
        T(a_batch_deducts_only_its_latest_choice),
        T(a_small_invoker_leaves_the_list_after_its_choice),
        T(who_finds_no_invoker_gives_the_next_the_whole_list),
        T(an_unavailable_etcd_is_asked_for_invokers_twice),
        T(warmed_containers_come_first_and_are_reserved),
        T(a_warmed_container_on_a_disabled_invoker_is_not_used),
        T(a_second_warmed_container_on_a_full_invoker_drops_the_cold_ones),
        T(every_invoker_is_warmed_up_once),
        cmocka_unit_test(an_invoker_seen_before_the_listing_is_warmed_up_once),
        T(a_success_closes_the_job_and_tells_the_queue),
        T(a_whisk_error_is_tried_again_five_times),
        T(a_retry_after_the_end_of_the_job_begins_a_new_one),
        T(a_retry_without_invokers_fails_twice),
        cmocka_unit_test(every_error_has_its_class),
        T(a_reservation_outlives_a_creation_that_ends_up_nowhere),
        T(a_second_attempt_reserves_another_container),
        T(a_developer_error_is_final),
        T(an_ack_with_an_unknown_name_waits_for_the_timer),
        T(results_go_only_to_a_leader_in_the_pool),
        cmocka_unit_test(a_stale_reader_sees_an_older_size),
        cmocka_unit_test(two_open_changes_lose_one),
        T(the_fixed_set_keeps_both),
        T(creation_ids_go_on_after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
