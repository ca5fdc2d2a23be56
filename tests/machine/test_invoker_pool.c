/*
 * test_invoker_pool.c - the container pool, row by row; proxies are played by the test: what
 * the pool posts to them is looked at and not delivered.
 */
#include "support/invoker_bed.h"

/* Booted; from here on posts are kept. Memory for 4 containers of guest/hello. */
static struct invoker_bed *pool_new(void)
{
    struct invoker_bed *t = invoker_bed_new();
    t->bed->posts_by_hand = true;
    return t;
}

static void drop_posts(struct invoker_bed *t)
{
    t->bed->post_first = t->bed->post_count = 0;
}

/* One message to the pool; what the pool posts is what is left. */
static void tell(struct invoker_bed *t, actor_id from, unsigned what, const void *payload,
                 size_t size)
{
    struct message m = invoker_bed_post(t, from, ACTOR_POOL_ID, what);
    drop_posts(t);
    if (size > 0)
        memcpy(m.u.local, payload, size);
    bed_deliver(t->bed, &m);
}

static void create(struct invoker_bed *t, action_id action, uint32_t id)
{
    struct creation creation = invoker_bed_creation(action, id);
    tell(t, ACTOR_CONSUMER_ID, POST_CREATION_CONTAINER, &creation, sizeof creation);
}

static void report(struct invoker_bed *t, const struct slot *slot, unsigned what, bool is_warm,
                   tstamp last_used)
{
    struct post_datum datum = {
        .last_used = last_used, .revision = REVISION_FIRST, .is_warm = is_warm};
    tell(t, slot_actor(slot, ACTOR_PROXY), what, &datum, sizeof datum);
}

/* The proxy that the pool has just sent Initialize to. */
static struct slot *chosen(struct invoker_bed *t, uint32_t id)
{
    for (uint32_t i = 0; i < bed_posts(t->bed); i++) {
        const struct message *m = bed_post(t->bed, i);
        if (m->what != POST_INITIALIZE)
            continue;
        assert_int_equal(MESSAGE_LOCAL_CONST(m, struct creation)->id, id);
        struct slot *slot = invoker_slot_find(t->invoker, m->to_actor);
        assert_non_null(slot);
        return slot;
    }
    fail_msg("no proxy was chosen for creation %u", id);
    return NULL;
}

static uint32_t posted(const struct invoker_bed *t, unsigned what)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bed_posts(t->bed); i++)
        count += bed_post(t->bed, i)->what == what;
    return count;
}

static void expect_pools(const struct invoker_bed *t, uint32_t in_progress, uint32_t busy,
                         uint32_t warmed)
{
    assert_int_equal(t->invoker->pool.lists[POOL_IN_PROGRESS].count, in_progress);
    assert_int_equal(t->invoker->pool.lists[POOL_BUSY].count, busy);
    assert_int_equal(t->invoker->pool.lists[POOL_WARMED].count, warmed);
}

/* The n-th creation ack. */
static void expect_answer(const struct invoker_bed *t, uint32_t n, uint32_t id,
                          enum creation_error error)
{
    const struct message *m = bed_sent(t->bed, MSG_KAFKA_PRODUCE, n);
    assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_CREATION_ACK, 0));
    assert_int_equal(m->u.produce.entry.u.creation.id, id);
    assert_int_equal(m->u.produce.entry.u.creation.error, error);
    const struct record *r = bed_record(t->bed, RECORD_CREATION_ANSWERED, n);
    assert_int_equal(r->creation, id);
    assert_int_equal(r->detail, error);
    assert_int_equal(r->outcome, error == CREATION_NONE ? OUTCOME_OK : OUTCOME_FAILED);
}

static struct slot *make_busy(struct invoker_bed *t, action_id action, uint32_t id)
{
    create(t, action, id);
    struct slot *slot = chosen(t, id);
    report(t, slot, POST_INITIALIZED, false, t->bed->now);
    return slot;
}

static struct slot *make_warmed(struct invoker_bed *t, action_id action, uint32_t id,
                                tstamp last_used)
{
    struct slot *slot = make_busy(t, action, id);
    report(t, slot, POST_CONTAINER_IS_PAUSED, true, last_used);
    return slot;
}

static void each_creation_gets_a_proxy_of_its_own(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    create(t, BED_HELLO, 1);
    struct slot *first = chosen(t, 1);
    create(t, BED_HELLO, 2);
    struct slot *second = chosen(t, 2);
    assert_ptr_not_equal(first, second);
    expect_pools(t, 2, 0, 0);
    assert_int_equal(t->invoker->pool.lists[POOL_IN_PROGRESS].memory_mb, 512);
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 0);
    invoker_bed_free(t);
}

static void an_initialized_proxy_is_busy_and_acked_once(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    struct slot *slot = make_busy(t, BED_HELLO, 1);
    expect_pools(t, 0, 1, 0);
    expect_answer(t, 0, 1, CREATION_NONE);
    report(t, slot, POST_INITIALIZED, false, t->bed->now);
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 1);
    expect_pools(t, 0, 1, 0);
    invoker_bed_free(t);
}

static void lack_of_memory_is_answered_and_reported(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    struct slot *first = make_busy(t, BED_SLOW, 1);
    create(t, BED_SLOW, 2);
    create(t, BED_HELLO, 3);
    expect_answer(t, 1, 3, CREATION_RESOURCE_NOT_ENOUGH);
    assert_int_equal(posted(t, POST_INITIALIZE), 0);
    assert_int_equal(posted(t, POST_MEMORY_INFO), 1);
    const struct post_memory *memory =
        MESSAGE_LOCAL_CONST(bed_post(t->bed, 0), struct post_memory);
    assert_int_equal(memory->free_mb, 0);
    assert_int_equal(memory->busy_mb, 512);
    assert_int_equal(memory->in_progress_mb, 512);
    report(t, first, POST_CONTAINER_REMOVED, false, 0);
    create(t, BED_HELLO, 4);
    chosen(t, 4);
    invoker_bed_free(t);
}

static void a_shutting_down_pool_refuses_until_it_is_enabled(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    tell(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    create(t, BED_HELLO, 1);
    expect_answer(t, 0, 1, CREATION_SHUTTING_DOWN);
    assert_int_equal(bed_posts(t->bed), 0);
    expect_pools(t, 0, 0, 0);
    tell(t, ACTOR_MAIN_ID, POST_ENABLE, NULL, 0);
    create(t, BED_HELLO, 2);
    chosen(t, 2);
    invoker_bed_free(t);
}

static void an_action_without_executable_is_refused(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    create(t, BED_ACTION_COUNT, 1);
    expect_answer(t, 0, 1, CREATION_NON_EXECUTABLE);
    expect_pools(t, 0, 0, 0);
    invoker_bed_free(t);
}

static void a_paused_container_of_the_same_revision_is_taken(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    struct slot *slot = make_warmed(t, BED_HELLO, 1, t->bed->now);
    expect_pools(t, 0, 0, 1);
    struct creation other = invoker_bed_creation(BED_HELLO, 2);
    other.revision = 2;
    tell(t, ACTOR_CONSUMER_ID, POST_CREATION_CONTAINER, &other, sizeof other);
    assert_ptr_not_equal(chosen(t, 2), slot);
    other = invoker_bed_creation(BED_HELLO, 3);
    other.ns = BED_OTHER;
    tell(t, ACTOR_CONSUMER_ID, POST_CREATION_CONTAINER, &other, sizeof other);
    assert_ptr_not_equal(chosen(t, 3), slot);
    create(t, BED_HELLO, 4);
    assert_ptr_equal(chosen(t, 4), slot);
    expect_pools(t, 3, 0, 0);
    report(t, slot, POST_RESUMED, true, t->bed->now);
    expect_answer(t, 1, 4, CREATION_NONE);
    expect_pools(t, 2, 1, 0);
    create(t, BED_HELLO, 5);
    assert_ptr_not_equal(chosen(t, 5), slot);
    invoker_bed_free(t);
}

static void a_failed_resume_chooses_again_even_while_shutting_down(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    struct slot *slot = make_warmed(t, BED_HELLO, 1, t->bed->now);
    create(t, BED_HELLO, 2);
    assert_ptr_equal(chosen(t, 2), slot);
    tell(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    report(t, slot, POST_RESUME_FAILED, true, 0);
    struct slot *next = chosen(t, 2);
    assert_ptr_not_equal(next, slot);
    expect_pools(t, 1, 0, 0);
    report(t, slot, POST_CONTAINER_REMOVED, true, 0);
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 1);
    report(t, next, POST_INITIALIZED, false, 0);
    expect_answer(t, 1, 2, CREATION_NONE);
    invoker_bed_free(t);
}

static void a_failed_creation_is_a_whisk_error_and_acked_once(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    create(t, BED_HELLO, 1);
    struct slot *slot = chosen(t, 1);
    report(t, slot, POST_CREATION_FAILED, false, 0);
    expect_answer(t, 0, 1, CREATION_WHISK);
    expect_pools(t, 1, 0, 0);
    report(t, slot, POST_CONTAINER_REMOVED, false, 0);
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 1);
    expect_pools(t, 0, 0, 0);
    invoker_bed_free(t);
}

static void a_proxy_that_vanishes_early_is_an_unknown_error(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    create(t, BED_HELLO, 1);
    report(t, chosen(t, 1), POST_CONTAINER_REMOVED, false, 0);
    expect_answer(t, 0, 1, CREATION_UNKNOWN);
    expect_pools(t, 0, 0, 0);
    assert_int_equal(t->invoker->pool.lists[POOL_IN_PROGRESS].memory_mb, 0);
    invoker_bed_free(t);
}

static void a_pause_leaves_in_progress_untouched(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    create(t, BED_HELLO, 1);
    struct slot *slot = chosen(t, 1);
    report(t, slot, POST_CONTAINER_IS_PAUSED, true, 0);
    expect_pools(t, 1, 0, 1);
    report(t, slot, POST_CONTAINER_REMOVED, true, 0);
    expect_pools(t, 0, 0, 0);
    invoker_bed_free(t);
}

static void the_oldest_paused_containers_make_room(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    struct slot *newest = make_busy(t, BED_HELLO, 1);
    struct slot *oldest = make_busy(t, BED_HELLO, 2);
    struct slot *middle = make_busy(t, BED_HELLO, 3);
    make_busy(t, BED_HELLO, 4);
    report(t, newest, POST_CONTAINER_IS_PAUSED, true, t->bed->now + 30);
    report(t, oldest, POST_CONTAINER_IS_PAUSED, true, t->bed->now + 10);
    report(t, middle, POST_CONTAINER_IS_PAUSED, true, t->bed->now + 20);
    create(t, BED_SLOW, 5);
    assert_int_equal(posted(t, POST_REMOVE), 2);
    assert_int_equal(bed_post(t->bed, 0)->to_actor, slot_actor(oldest, ACTOR_PROXY));
    assert_int_equal(bed_post(t->bed, 1)->to_actor, slot_actor(middle, ACTOR_PROXY));
    chosen(t, 5);
    expect_pools(t, 1, 1, 1);
    assert_ptr_equal(t->invoker->pool.lists[POOL_WARMED].head, newest);
    invoker_bed_free(t);
}

static void nothing_is_evicted_when_it_would_not_suffice(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    make_busy(t, BED_SLOW, 1);
    make_busy(t, BED_HELLO, 2);
    make_warmed(t, BED_HELLO, 3, t->bed->now);
    create(t, BED_SLOW, 4);
    expect_answer(t, 3, 4, CREATION_RESOURCE_NOT_ENOUGH);
    assert_int_equal(posted(t, POST_REMOVE), 0);
    expect_pools(t, 0, 2, 1);
    invoker_bed_free(t);
}

static void memory_is_reported_each_second_and_paused_counts_as_free(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    make_warmed(t, BED_HELLO, 1, t->bed->now);
    make_busy(t, BED_SLOW, 2);
    drop_posts(t);
    bed_pass(t->bed, SEC(1));
    assert_int_equal(posted(t, POST_MEMORY_INFO), 1);
    for (uint32_t i = 0; i < bed_posts(t->bed); i++) {
        if (bed_post(t->bed, i)->what != POST_MEMORY_INFO)
            continue;
        const struct post_memory *memory =
            MESSAGE_LOCAL_CONST(bed_post(t->bed, i), struct post_memory);
        assert_int_equal(memory->free_mb, 512);
        assert_int_equal(memory->busy_mb, 512);
    }
    invoker_bed_free(t);
}

static void what_is_not_listed_is_refused(void **state)
{
    (void)state;
    struct invoker_bed *t = pool_new();
    struct slot *slot = make_busy(t, BED_HELLO, 1);
    report(t, slot, POST_KEEP, false, 0);
    assert_int_equal(bed_record(t->bed, RECORD_MESSAGE_REJECTED, 0)->value, POST_KEEP);
    tell(t, ACTOR(ACTOR_PROXY, 9, 40), POST_INITIALIZED, NULL, 0); /* a proxy long gone */
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 2);
    expect_pools(t, 0, 1, 0);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_creation_gets_a_proxy_of_its_own),
        cmocka_unit_test(an_initialized_proxy_is_busy_and_acked_once),
        cmocka_unit_test(lack_of_memory_is_answered_and_reported),
        cmocka_unit_test(a_shutting_down_pool_refuses_until_it_is_enabled),
        cmocka_unit_test(an_action_without_executable_is_refused),
        cmocka_unit_test(a_paused_container_of_the_same_revision_is_taken),
        cmocka_unit_test(a_failed_resume_chooses_again_even_while_shutting_down),
        cmocka_unit_test(a_failed_creation_is_a_whisk_error_and_acked_once),
        cmocka_unit_test(a_proxy_that_vanishes_early_is_an_unknown_error),
        cmocka_unit_test(a_pause_leaves_in_progress_untouched),
        cmocka_unit_test(the_oldest_paused_containers_make_room),
        cmocka_unit_test(nothing_is_evicted_when_it_would_not_suffice),
        cmocka_unit_test(memory_is_reported_each_second_and_paused_counts_as_free),
        cmocka_unit_test(what_is_not_listed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
