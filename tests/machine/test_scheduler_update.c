/* QueueManager: new revisions of an action, cycles with several queues; ContainerManager:
 * containers of old revisions. */
#include "core/digest.h"
#include "support/manager_bed.h"
#include "support/place_bed.h"

static int setup(void **state)
{
    struct sched *s = sched_started();
    s->holds_read = true;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    sched_forget(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static void arrive(struct sched *s, uint32_t request, uint32_t revision)
{
    struct activation a = sched_activation(s, request);
    a.revision = revision;
    sched_arrive(s, &a);
}

static uint32_t read_count(const struct sched *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->bed->sent_count; i++)
        count += s->bed->sent[i].kind == MSG_DATABASE_READ &&
                 s->bed->sent[i].u.database.document == DOCUMENT_ACTION;
    return count;
}

/* The n-th read of an action. */
static struct message action_read(const struct sched *s, uint32_t n)
{
    for (uint32_t i = 0; i < s->bed->sent_count; i++) {
        const struct message *m = &s->bed->sent[i];
        if (m->kind == MSG_DATABASE_READ && m->u.database.document == DOCUMENT_ACTION &&
            n-- == 0)
            return *m;
    }
    fail_msg("not so many actions were read");
    return (struct message){0};
}

static void answer(struct sched *s, uint32_t n, enum document_result result, uint32_t revision)
{
    struct message read = action_read(s, n);
    struct message reply = bed_reply(&read, MSG_DATABASE_DOCUMENT);
    reply.u.database = read.u.database;
    reply.u.database.result = (uint8_t)result;
    reply.u.database.revision = revision;
    bed_deliver(s->bed, &reply);
    sched_pump(s);
}

static void expect_queue(struct sched *s, uint32_t revision, uint32_t count)
{
    const struct queue *q = manager_queue(s, BED_HELLO, revision);
    assert_non_null(q);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(q->count, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct waiting *w = &q->messages[(q->head + i) & (q->max - 1)];
        assert_int_equal(w->activation.id, ACTIVATION_ID(i + 1, 0));
        assert_int_equal(w->activation.revision, revision);
    }
}

/* ---- reads ---- */

static void who_wants_the_same_revision_shares_a_read(void **state)
{
    struct sched *s = *state;
    for (uint32_t request = 1; request <= 3; request++)
        arrive(s, request, 2);
    assert_int_equal(read_count(s), 1);
    assert_int_equal(action_read(s, 0).u.database.revision, 2);
    assert_int_equal(bed_record_count(s->bed, RECORD_LOOKED_UP), 3);
    char text[96];
    assert_true(scheduler_ops.pending(s->machine, text, sizeof text));
    assert_string_equal(text, "activation 4 waits for its queue to be found");
    answer(s, 0, DOCUMENT_FOUND, 2);
    assert_int_equal(read_count(s), 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 1);
    expect_queue(s, 2, 3);
}

static void another_revision_is_read_for_itself(void **state)
{
    struct sched *s = *state;
    arrive(s, 1, 2);
    arrive(s, 2, 3);
    assert_int_equal(read_count(s), 2);
    answer(s, 0, DOCUMENT_FOUND, 2);
    expect_queue(s, 2, 1);
    answer(s, 1, DOCUMENT_FOUND, 3);
    assert_non_null(manager_queue(s, BED_HELLO, 3)); /* both lead, each its revision */
    assert_int_equal(s->machine->pool.leader_count, 2);
    assert_int_equal(pool_route(s->machine, BED_GUEST, BED_HELLO)->init_revision, 3);
}

static void a_revision_that_is_gone_is_asked_for_anew_by_each(void **state)
{
    struct sched *s = *state;
    arrive(s, 1, 2);
    arrive(s, 2, 2);
    answer(s, 0, DOCUMENT_MISMATCH, 5);
    assert_int_equal(read_count(s), 3);
    assert_int_equal(action_read(s, 1).u.database.revision, 0);
    assert_int_equal(action_read(s, 2).u.database.revision, 0);
    answer(s, 1, DOCUMENT_FOUND, 5);
    answer(s, 2, DOCUMENT_FOUND, 5);
    expect_queue(s, 5, 2);
    assert_int_equal(s->machine->metadata[BED_HELLO].revision, 0); /* the latest is not kept */
}

static void the_latest_that_mismatches_is_given_up(void **state)
{
    struct sched *s = *state;
    struct activation a = sched_activation(s, 1);
    arrive(s, 1, 2);
    answer(s, 0, DOCUMENT_MISMATCH, 5);
    answer(s, 1, DOCUMENT_MISMATCH, 5);
    assert_int_equal(read_count(s), 2);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 0);
}

static void a_read_that_fails_gives_up_all_who_wait(void **state)
{
    struct sched *s = *state;
    struct activation first = sched_activation(s, 1), second = sched_activation(s, 2);
    arrive(s, 1, 2);
    arrive(s, 2, 2);
    struct message read = action_read(s, 0);
    struct message refused = bed_reply(&read, MSG_REFUSED);
    bed_deliver(s->bed, &refused);
    sched_expect_error(s, 0, &first, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
    sched_expect_error(s, 1, &second, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
    char text[96];
    assert_false(scheduler_ops.pending(s->machine, text, sizeof text));
    arrive(s, 3, 2); /* a failure is not kept */
    assert_int_equal(read_count(s), 2);
    answer(s, 1, DOCUMENT_MISSING, 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_DROPPED), 3);
}

static void update_of(struct sched *s, uint32_t request)
{
    struct post_update update = {.activation = sched_activation(s, request), .old_revision = 1};
    update.activation.revision = 2;
    sched_post(s, ACTOR_FEED_HANDLER_ID(0), ACTOR_MANAGER_ID, POST_UPDATE_QUEUE, &update,
               sizeof update);
}

static void a_revision_that_was_read_is_known_for_five_minutes(void **state)
{
    struct sched *s = *state;
    arrive(s, 1, 2);
    answer(s, 0, DOCUMENT_FOUND, 2);
    struct digest before = {0}, after = {0};
    update_digest(s->machine, &before);
    assert_true(before.state != after.state);
    struct metadata *known = &s->machine->metadata[BED_HELLO];
    assert_int_equal(known->revision, 2);
    assert_int_equal(known->read_at, s->bed->now);
    known->read_at -= MINUTES(5) - 1;
    update_of(s, 2); /* its old queue is gone: nobody to tell */
    assert_int_equal(read_count(s), 1);
    expect_queue(s, 2, 2);
    known->read_at -= 1;
    update_of(s, 3);
    assert_int_equal(read_count(s), 2);
}

/* ---- the old queue ---- */

static void the_old_queue_is_told_each_time_and_leads_no_more(void **state)
{
    struct sched *s = *state;
    struct queue *old = manager_queue(s, BED_HELLO, 1);
    s->bed->posts_by_hand = true;
    update_of(s, 1);
    update_of(s, 2);
    assert_int_equal(bed_posts(s->bed), 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bed_post(s->bed, i)->what, POST_STOP_OUTDATED);
        assert_int_equal(bed_post(s->bed, i)->to_actor, old->actor);
    }
    assert_int_equal(s->machine->pool.count, 1);
    assert_int_equal(s->machine->pool.leader_count, 0);
    assert_int_equal(pool_leader(s->machine, BED_GUEST, BED_HELLO, 1), 0);
    assert_int_equal(read_count(s), 1);
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
}

static void a_new_queue_that_leads_gets_the_activation(void **state)
{
    struct sched *s = *state;
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    struct post_activation post = {.activation = sched_activation(s, 1)};
    sched_post(s, ACTOR_CALLBACK_ID, ACTOR_MANAGER_ID, POST_CREATE_NEW_QUEUE, &post,
               sizeof post);
    assert_ptr_equal(manager_queue(s, BED_HELLO, 1), q);
    assert_int_equal(q->count, 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 0);
    s->machine->pool.leader_count--;
    pool_find(s->machine, BED_GUEST, BED_HELLO, 1)->leader =
        0; /* one that does not: replaced */
    post.activation.id = ACTIVATION_ID(2, 0);
    sched_post(s, ACTOR_CALLBACK_ID, ACTOR_MANAGER_ID, POST_CREATE_NEW_QUEUE, &post,
               sizeof post);
    assert_ptr_not_equal(manager_queue(s, BED_HELLO, 1), q);
    assert_int_equal(manager_queue(s, BED_HELLO, 1)->count, 1);
    assert_int_equal(q->count, 1);
    assert_int_equal(s->machine->pool.count, 1);
}

static void a_queue_comes_back_only_with_known_names(void **state)
{
    struct sched *s = *state;
    struct post_removed back = {.revision = 1, .action = BED_HELLO, .ns = 99};
    sched_post(s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR_MANAGER_ID, POST_QUEUE_REACTIVATED, &back,
               sizeof back);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(s->machine->pool.count, 1);
}

/* ---- cycles ---- */

static void cycle(struct sched *s, namespace_id ns, uint32_t request)
{
    struct post_activation post = {.activation = sched_activation(s, request), .is_own = 1};
    post.activation.ns = ns;
    sched_post(s, ACTOR_MANAGER_ID, ACTOR_MANAGER_ID, POST_ACTIVATION, &post, sizeof post);
}

static void a_cycle_stays_in_its_namespace(void **state)
{
    struct sched *s = *state;
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    cycle(s, BED_OTHER, 1);
    assert_int_equal(read_count(s), 1);
    assert_int_equal(q->count, 0);
    answer(s, 0, DOCUMENT_FOUND, 1);
    assert_int_equal(q->count, 0);
    assert_non_null(pool_find(s->machine, BED_OTHER, BED_HELLO, 1));
    cycle(s, BED_GUEST, 2);
    assert_int_equal(q->count, 1);
}

static void a_cycle_once_took_any_namespace(void **state)
{
    struct sched *s = *state;
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    static const uint8_t sets[] = {BEHAVIOUR_PRE_5338, BEHAVIOUR_5338};
    for (uint32_t i = 0; i < 2; i++) {
        s->bed->env.behaviour = sets[i];
        cycle(s, BED_OTHER, i + 1);
        assert_int_equal(read_count(s), 0);
        assert_int_equal(q->count, i + 1);
        assert_int_equal(queue_head(q)->activation.ns, BED_OTHER);
    }
    struct post_activation post = {.activation = sched_activation(s, 3)};
    post.activation.ns = BED_OTHER;
    sched_post(s, ACTOR_CALLBACK_ID, ACTOR_MANAGER_ID, POST_RECOVER_QUEUE, &post, sizeof post);
    assert_int_equal(q->count, 3);
    s->bed->env.behaviour = BEHAVIOUR_HEAD;
}

/* Of two revisions the first in the order of hashes counts, and the other is not looked at. */
static void a_cycle_looks_at_one_of_two_revisions(void **state)
{
    struct sched *s = *state;
    struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    uint32_t other = 2;
    const struct pool_entry *one = pool_find(s->machine, BED_GUEST, BED_HELLO, 1);
    for (;; other++) { /* a revision that comes first, so that both orders are seen */
        pool_put(s->machine, route, other, one->queue);
        if (pool_first(s->machine, BED_GUEST, BED_HELLO, false) != one)
            break;
        struct post_activation post = {.activation = sched_activation(s, 1), .is_own = 1};
        post.activation.revision = 2; /* newer than the one that is looked at */
        uint32_t reads = read_count(s);
        sched_post(s, ACTOR_MANAGER_ID, ACTOR_MANAGER_ID, POST_ACTIVATION, &post, sizeof post);
        assert_int_equal(read_count(s), reads + 1);
        pool_remove(s->machine, route, other);
        assert_true(other < 50);
    }
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    uint32_t count = q->count;
    cycle(s, BED_GUEST, 2);
    assert_int_equal(q->count, count + 1);
    const struct waiting *w = &q->messages[(q->head + count) & (q->max - 1)];
    assert_int_equal(w->activation.revision, other);
    assert_null(pool_first(s->machine, BED_OTHER, BED_HELLO, false));
    pool_remove(s->machine, route, other);
}

/* ---- the manager's own patience with questions ---- */

static void expect_patience(struct sched *s, enum behaviour behaviour, const char *path,
                            duration patience)
{
    s->bed->env.behaviour = (uint8_t)behaviour;
    s->bed->posts_by_hand = true;
    sched_forget(s);
    manager_ask(s, path);
    assert_int_equal(bed_posts(s->bed), 1);
    tstamp end = s->bed->now + patience;
    while (s->bed->now + bed_next_in(s->bed) < end) {
        bed_wake(s->bed);
        s->answered = 0;
    }
    assert_int_equal(bed_sent_count(s->bed, MSG_HTTP_REPLY), 0);
    while (bed_sent_count(s->bed, MSG_HTTP_REPLY) == 0)
        bed_wake(s->bed);
    assert_int_equal(s->bed->now, end);
    bed_expect_http(s->bed, 500, CONTENT_TEXT, "There was an internal server error.");
}

static void the_manager_has_a_minute_to_ask(void **state)
{
    expect_patience(*state, BEHAVIOUR_HEAD, "/queues", MINUTES(1));
}

static void at_5338_the_manager_has_a_minute_to_count(void **state)
{
    expect_patience(*state, BEHAVIOUR_5338, "/queues/count", MINUTES(1));
}

static void before_5338_the_manager_had_five_seconds(void **state)
{
    expect_patience(*state, BEHAVIOUR_PRE_5338, "/queue/status", SEC(5));
}

static void a_report_may_overtake_the_end_of_the_reports(void **state)
{
    struct sched *s = *state;
    sched_pass(s, SEC(2)); /* there is a first report, of one queue */
    manager_create(s, BED_GUEST, BED_SLOW, 1);
    s->bed->posts_by_hand = true;
    sched_forget(s);
    sched_post(s, ACTOR_MAIN_ID, ACTOR_MANAGER_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    bool is_told = false;
    for (uint32_t i = 0; i < bed_posts(s->bed); i++)
        is_told |= bed_post(s->bed, i)->to_actor == ACTOR_REPORTER_ID &&
                   bed_post(s->bed, i)->what == POST_GRACEFUL_SHUTDOWN;
    assert_true(is_told);
    uint32_t before = bed_posts(s->bed);
    sched_pass(s, SEC(1));
    bool is_reported = false;
    for (uint32_t i = before; i < bed_posts(s->bed); i++)
        is_reported |= bed_post(s->bed, i)->what == POST_UPDATE_ON_CHANGE;
    assert_true(is_reported);
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
    assert_false(timer_is_armed(&s->machine->report_timer));
    sched_post(s, ACTOR_MANAGER_ID, ACTOR_REPORTER_ID, POST_DROP_OLD, NULL, 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 1);
}

/* ---- containers of old revisions ---- */

static void delete_old(struct place *p, uint32_t revision)
{
    struct post_create old = {.revision = revision, .action = BED_HELLO, .ns = BED_GUEST};
    place_forget(p);
    sched_post(p->s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR_CONTAINERS_ID, POST_DELETE, &old,
               sizeof old);
    place_pump(p);
}

static void newer_containers_are_left_out_only_in_front(void **state)
{
    struct place *p = place_started(5, 512);
    (void)state;
    place_add_container(p, KEY_EXISTING, 3, 0, 1);
    delete_old(p, 2);
    assert_int_equal(bed_sent_count(p->s->bed, MSG_KAFKA_PRODUCE), 0);
    place_add_container(p, KEY_WARMED, 3, 1, 2); /* behind revision 2 in the listing */
    place_add_container(p, KEY_WARMED, 2, 2, 3);
    delete_old(p, 2);
    expect_trace(p->s->bed, "scheduler0/callback#0 > etcd range prefix namespace depth 3\n"
                            "scheduler0/callback#0 > etcd range prefix warmed depth 3\n"
                            "scheduler0/producer#0 > kafka produce invoker1 deletion "
                            "guest/hello\n"
                            "scheduler0/producer#0 > kafka produce invoker2 deletion "
                            "guest/hello\n");
    place_add_container(p, KEY_EXISTING, 1, 3, 4); /* before the newer one of invoker 0 */
    delete_old(p, 2);
    assert_int_equal(bed_sent_count(p->s->bed, MSG_KAFKA_PRODUCE), 4);
    assert_int_equal(bed_sent(p->s->bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_INVOKER, 0));
    delete_old(p, 3); /* of the same revision: all */
    assert_int_equal(bed_sent_count(p->s->bed, MSG_KAFKA_PRODUCE), 4);
    place_free(p);
}

static void a_listing_that_fails_deletes_nothing(void **state)
{
    struct place *p = place_started(2, 512);
    (void)state;
    place_add_container(p, KEY_EXISTING, 1, 0, 1);
    p->fails = true;
    delete_old(p, 1);
    assert_int_equal(p->s->bed->sent_count, 1);
    p->fails = false;
    place_forget(p);
    struct post_create old = {.revision = 1, .action = BED_HELLO, .ns = BED_GUEST};
    sched_post(p->s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR_CONTAINERS_ID, POST_DELETE, &old,
               sizeof old);
    struct message first = *bed_sent(p->s->bed, MSG_ETCD_RANGE, 0);
    struct message reply = bed_reply(&first, MSG_ETCD_RANGED);
    bed_deliver(p->s->bed, &reply);
    struct message second = *bed_sent(p->s->bed, MSG_ETCD_RANGE, 1);
    reply = bed_reply(&second, MSG_ETCD_RANGED);
    reply.u.etcd_done.status = ETCD_LEASE_NOT_FOUND;
    bed_deliver(p->s->bed, &reply);
    assert_int_equal(p->s->bed->sent_count, 2);
    expect_records(p->s->bed, "");
    place_free(p);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_wants_the_same_revision_shares_a_read),
        T(another_revision_is_read_for_itself),
        T(a_revision_that_is_gone_is_asked_for_anew_by_each),
        T(the_latest_that_mismatches_is_given_up),
        T(a_read_that_fails_gives_up_all_who_wait),
        T(a_revision_that_was_read_is_known_for_five_minutes),
        T(the_old_queue_is_told_each_time_and_leads_no_more),
        T(a_new_queue_that_leads_gets_the_activation),
        T(a_queue_comes_back_only_with_known_names),
        T(a_cycle_stays_in_its_namespace),
        T(a_cycle_once_took_any_namespace),
        T(a_cycle_looks_at_one_of_two_revisions),
        T(the_manager_has_a_minute_to_ask),
        T(at_5338_the_manager_has_a_minute_to_count),
        T(before_5338_the_manager_had_five_seconds),
        T(a_report_may_overtake_the_end_of_the_reports),
        cmocka_unit_test(newer_containers_are_left_out_only_in_front),
        cmocka_unit_test(a_listing_that_fails_deletes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
