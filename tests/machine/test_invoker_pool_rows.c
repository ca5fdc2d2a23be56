/*
 * test_invoker_pool_rows.c - rows of the pool that upstream has no test for: deletions, the
 * kinds of failed creations, memory of who is in two maps, edges of prewarming.
 */
#include "support/pool_bed.h"
#include <stdio.h>

static const struct prewarm_config one = {KIND_NODEJS_20, STD_MB, .initial_count = 1};

static void delete_up_to(struct actor_bed *t, action_id action, namespace_id ns,
                         uint32_t revision)
{
    struct creation deletion = invoker_bed_creation(action, 0);
    deletion.ns = ns;
    deletion.revision = revision;
    deletion.deletion = 1;
    actor_bed_send(t, ACTOR_CONSUMER_ID, POST_DELETION_CONTAINER, &deletion, sizeof deletion);
}

/* c0 warmed, c1 busy and warm, c2 busy and only initialized, c3 in progress. */
static struct actor_bed *deletion_bed(void)
{
    struct actor_bed *t = pool_bed_new(4);
    pool_bed_start(t, "");
    for (uint32_t i = 0; i < 4; i++)
        pool_bed_create(t, BED_HELLO, i + 1, 1);
    pool_bed_report(t, 0, POST_INITIALIZED);
    pool_bed_paused(t, 0, t->bed->now);
    pool_bed_report(t, 1, POST_RESUMED);
    pool_bed_report(t, 2, POST_INITIALIZED);
    pool_bed_expect_pools(t, 1, 2, 1, 0, 0);
    t->length = 0;
    t->text[0] = '\0';
    return t;
}

static void a_deletion_tells_the_containers_of_its_revision_and_older(void **state)
{
    (void)state;
    struct actor_bed *t = deletion_bed();
    delete_up_to(t, BED_HELLO, BED_GUEST, 1);
    actor_bed_expect(t, "c0: graceful-shutdown\nc1: graceful-shutdown\n"
                        "c2: graceful-shutdown\n");
    pool_bed_expect_pools(t, 1, 2, 1, 0, 0);
    assert_int_equal(t->invoker->pool.disabling_count, 0);
    actor_bed_send(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    actor_bed_expect(t, "c1: graceful-shutdown\nc2: graceful-shutdown\n"
                        "c0: graceful-shutdown\n");
    delete_up_to(t, BED_HELLO, BED_GUEST, 2); /* also while it shuts down */
    actor_bed_expect(t, "c0: graceful-shutdown\nc1: graceful-shutdown\n"
                        "c2: graceful-shutdown\n");
    actor_bed_free(t);
}

static void an_initialized_container_goes_whatever_the_revision(void **state)
{
    (void)state;
    struct actor_bed *t = deletion_bed();
    delete_up_to(t, BED_HELLO, BED_GUEST, 0);
    actor_bed_expect(t, "c2: graceful-shutdown\n");
    delete_up_to(t, BED_FAILS, BED_GUEST, 1);
    delete_up_to(t, BED_HELLO, BED_OTHER, 1);
    actor_bed_expect(t, "");
    actor_bed_free(t);
}

static void fail_creation(struct actor_bed *t, uint32_t container, bool is_blackbox)
{
    struct post_failure failure = {.failure = FAILURE_CREATE, .is_blackbox = is_blackbox};
    actor_bed_send(t, slot_actor(t->invoker->slots[container], ACTOR_PROXY),
                   POST_CREATION_FAILED, &failure, sizeof failure);
}

static void the_users_image_or_the_platform_is_to_blame(void **state)
{
    (void)state;
    struct actor_bed *t = pool_bed_new(4);
    pool_bed_start(t, "");
    pool_bed_create(t, BED_HELLO, 1, 1);
    pool_bed_create(t, BED_HELLO, 2, 1);
    actor_bed_expect(t, "c0: Initialize 1 guest/hello of guest rev 1\n"
                        "c1: Initialize 2 guest/hello of guest rev 1\n");
    fail_creation(t, 0, true);
    fail_creation(t, 1, false);
    actor_bed_expect(t, "answered 1 FAILED\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 BlackBoxError\n"
                        "answered 2 FAILED\n"
                        "creationAck0: 2 guest/hello of guest rev 1 retry 0 WhiskError\n");
    pool_bed_expect_pools(t, 2, 0, 0, 0, 0);
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "");
    actor_bed_free(t);
}

static void who_is_in_two_maps_counts_once(void **state)
{
    (void)state;
    struct actor_bed *t = pool_bed_new(4);
    pool_bed_start(t, "");
    pool_bed_create(t, BED_HELLO, 1, 1);
    pool_bed_paused(t, 0, t->bed->now); /* stays in progress */
    pool_bed_expect_pools(t, 1, 0, 1, 0, 0);
    assert_int_equal(t->invoker->pool.used_mb, STD_MB);
    pool_bed_create(t, BED_SLOW, 2, 1);
    pool_bed_removed(t, 0, false);
    assert_int_equal(t->invoker->pool.used_mb, 2 * STD_MB);
    pool_bed_removed(t, 1, false);
    assert_int_equal(t->invoker->pool.used_mb, 0);
    actor_bed_free(t);
}

static void a_promoted_container_counts_as_its_action_once_it_is_busy(void **state)
{
    (void)state;
    static const struct prewarm_config big = {KIND_NODEJS_20, 512, .initial_count = 1};
    struct actor_bed *t = pool_bed_new(3);
    bed_config(t->bed, "whisk.container-pool.prewarm-promotion", 1);
    pool_bed_prewarm(t, &big, 1);
    pool_bed_start(t, "c0: Start nodejs:20 512 MB\n");
    pool_bed_warmed(t, 5);
    pool_bed_warmed(t, 4);
    t->length = 0;
    pool_bed_ready(t, 0, KIND_NODEJS_20, 512, TSTAMP_NEVER);
    pool_bed_create(t, BED_FAILS, 1, 1); /* 512 of the one free 256 and an evicted one's */
    actor_bed_expect(t, "c3: Start nodejs:20 512 MB\nc2: Remove\n"
                        "c0: Initialize 1 guest/pack/fails of guest rev 1\n");
    assert_int_equal(t->invoker->pool.used_mb, 512 + STD_MB);
    pool_bed_report(t, 0, POST_INITIALIZED);
    assert_int_equal(t->invoker->pool.used_mb, 128 + STD_MB);
    assert_int_equal(t->invoker->pool.lists[POOL_BUSY].memory_mb, 128);
    actor_bed_free(t);
}

static void promotion_stops_at_what_can_be_freed(void **state)
{
    (void)state;
    static const struct prewarm_config big = {KIND_NODEJS_20, 513, .initial_count = 1};
    struct actor_bed *t = pool_bed_new(2);
    bed_config(t->bed, "whisk.container-pool.prewarm-promotion", 1);
    pool_bed_prewarm(t, &big, 1);
    pool_bed_start(t, "c0: Start nodejs:20 513 MB\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, 513, TSTAMP_NEVER);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 1\n");
    actor_bed_free(t);
}

static void nothing_is_topped_up_while_it_shuts_down_but_what_is_taken_is(void **state)
{
    (void)state;
    struct actor_bed *t = pool_bed_new(4);
    pool_bed_prewarm(t, &one, 1);
    pool_bed_start(t, "c0: Start nodejs:20 256 MB\n");
    pool_bed_warmed(t, 1);
    pool_bed_create(t, BED_HELLO, 1, 1);
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, TSTAMP_NEVER);
    actor_bed_send(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_report(t, 1, POST_RESUME_FAILED);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\n"
                        "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_removed(t, 2, true);
    actor_bed_expect(t, "");
    actor_bed_send(t, ACTOR_MAIN_ID, POST_ENABLE, NULL, 0);
    actor_bed_expect(t, ""); /* only the next removal tops up */
    pool_bed_removed(t, 1, false);
    actor_bed_expect(t, "");
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "answered 1 FAILED\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 UnknownError\n"
                        "c3: Start nodejs:20 256 MB\n");
    actor_bed_free(t);
}

static void a_ready_container_ends_the_count_of_failures(void **state)
{
    (void)state;
    struct actor_bed *t = pool_bed_new(4);
    pool_bed_prewarm(t, &one, 1);
    pool_bed_start(t, "c0: Start nodejs:20 256 MB\n");
    for (uint32_t i = 0; i < 3; i++)
        pool_bed_removed(t, i, true);
    pool_bed_ready(t, 3, KIND_NODEJS_20, STD_MB, TSTAMP_NEVER);
    t->length = 0;
    pool_bed_removed(t, 3, true); /* ready: no failed start */
    actor_bed_expect(t, "c4: Start nodejs:20 256 MB\n");
    assert_int_equal(t->invoker->pool.prewarm_failed_count, 0);
    actor_bed_free(t);
}

static void expiry_is_strict_limited_and_of_the_oldest(void **state)
{
    (void)state;
    static const struct prewarm_config reactive = {
        KIND_NODEJS_20, STD_MB,       3, 1, .min_count = 1, .max_count = 2, .threshold = 2,
        .increment = 3, .ttl = SEC(1)};
    struct actor_bed *t = pool_bed_new(4);
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-limit", 1);
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-init-delay", SEC(2));
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-interval", SEC(2));
    pool_bed_prewarm(t, &reactive, 1);
    pool_bed_start(t, "c0: Start nodejs:20 256 MB for 1000 ms\n"
                      "c1: Start nodejs:20 256 MB for 1000 ms\n"
                      "c2: Start nodejs:20 256 MB for 1000 ms\n");
    tstamp first = t->bed->now + SEC(2);
    duration interval = t->invoker->pool.prewarm_check_interval;
    assert_true(interval >= SEC(2) && interval < SEC(12) && interval % SEC(1) == 0);
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, first);
    pool_bed_ready(t, 1, KIND_NODEJS_20, STD_MB, first - 1);
    pool_bed_ready(t, 2, KIND_NODEJS_20, STD_MB, first - 2);
    actor_bed_pass(t, SEC(2));
    actor_bed_expect(t, "c2: Remove\n");
    actor_bed_pass(t, interval);
    actor_bed_expect(t, "c1: Remove\n");
    actor_bed_pass(t, interval); /* at last one fewer than the least: made again */
    actor_bed_expect(t, "c0: Remove\nc3: Start nodejs:20 256 MB for 1000 ms\n");
    t->invoker->pool.prewarm_configs[0].cold_starts = 1; /* below the threshold */
    actor_bed_pass(t, interval);
    actor_bed_expect(t, "");
    t->invoker->pool.prewarm_configs[0].cold_starts = 3;
    actor_bed_pass(t, interval); /* 3 / 2 * 3 = 3, at most 2 */
    actor_bed_expect(t, "c4: Start nodejs:20 256 MB for 1000 ms\n");
    assert_int_equal(t->invoker->pool.prewarm_configs[0].cold_starts, 0);
    actor_bed_free(t);
}

static void a_container_expires_behind_its_last_instant(void **state)
{
    (void)state;
    static const struct prewarm_config reactive = {
        KIND_NODEJS_20, STD_MB,       1, 1, .min_count = 0, .max_count = 2, .threshold = 2,
        .increment = 3, .ttl = SEC(1)};
    struct actor_bed *t = pool_bed_new(4);
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-init-delay", SEC(2));
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-interval", SEC(2));
    pool_bed_prewarm(t, &reactive, 1);
    pool_bed_start(t, "c0: Start nodejs:20 256 MB for 1000 ms\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, t->bed->now + SEC(2));
    actor_bed_pass(t, SEC(2));
    actor_bed_expect(t, "");
    actor_bed_pass(t, t->invoker->pool.prewarm_check_interval);
    actor_bed_expect(t, "c0: Remove\n");
    actor_bed_free(t);
}

static void cold_starts_count_at_the_check_alone(void **state)
{
    (void)state;
    static const struct prewarm_config reactive = {
        KIND_NODEJS_20, STD_MB,       1, 1, .min_count = 1, .max_count = 2, .threshold = 2,
        .increment = 3, .ttl = SEC(1)};
    struct actor_bed *t = pool_bed_new(4);
    pool_bed_prewarm(t, &reactive, 1);
    pool_bed_start(t, "c0: Start nodejs:20 256 MB for 1000 ms\n");
    t->invoker->pool.prewarm_configs[0].cold_starts = 4;
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "c1: Start nodejs:20 256 MB for 1000 ms\n"); /* the least */
    actor_bed_free(t);
}

static void the_replacement_lives_as_long_as_its_own_memory_says(void **state)
{
    (void)state;
    static const struct prewarm_config two[] = {{KIND_NODEJS_20, 512, .initial_count = 1},
                                                {KIND_NODEJS_20, STD_MB, 1, 1, .min_count = 1,
                                                 .max_count = 1, .threshold = 2, .increment = 3,
                                                 .ttl = SEC(1)}};
    struct actor_bed *t = pool_bed_new(8);
    pool_bed_prewarm(t, two, 2);
    pool_bed_start(t, "c0: Start nodejs:20 512 MB\nc1: Start nodejs:20 256 MB for 1000 ms\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, 512, TSTAMP_NEVER);
    pool_bed_ready(t, 1, KIND_NODEJS_20, STD_MB, t->bed->now + SEC(1));
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB for 1000 ms\n"
                        "c1: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_create(t, BED_SLOW, 2, 1);
    actor_bed_expect(t, "c3: Start nodejs:20 512 MB\n"
                        "c0: Initialize 2 guest/slow of guest rev 1\n");
    actor_bed_free(t);
}

static void a_pace_starts_several_and_begins_anew(void **state)
{
    (void)state;
    static const struct prewarm_config three = {KIND_NODEJS_20, STD_MB, .initial_count = 3};
    struct actor_bed *t = pool_bed_new(4);
    bed_config(t->bed, "whisk.container-pool.prewarm-container-creation-config.max-concurrent",
               2);
    pool_bed_prewarm(t, &three, 1);
    pool_bed_start(t, "");
    actor_bed_expect(t, "c0: Start nodejs:20 256 MB\nc1: Start nodejs:20 256 MB\n"
                        "health: MemoryInfo 1024 0 0\n");
    pool_bed_removed(t, 0, true); /* one queued still: together three */
    actor_bed_pass(t, SEC(1) - 1);
    actor_bed_expect(t, ""); /* and no sooner */
    actor_bed_pass(t, 1);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\nc3: Start nodejs:20 256 MB\n");
    actor_bed_pass(t, SEC(1));
    assert_false(timer_is_armed(&t->invoker->pool.prewarm_pace));
    pool_bed_removed(t, 1, true);
    actor_bed_pass(t, 0);
    actor_bed_expect(t, "c4: Start nodejs:20 256 MB\n");
    actor_bed_free(t);
}

static void the_invoker_makes_the_manifests_stem_cells(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    bed_config(t->bed, "runtimes.manifest.stemCells.initialCount", 2);
    invoker_bed_boot(t);
    assert_int_equal(t->invoker->pool.lists[POOL_PREWARMED].count, 2);
    assert_false(timer_is_armed(&t->invoker->pool.prewarm_check)); /* none of them expires */
    bed_http(t->bed, HTTP_GET, "/pool", bed_authorization("invoker.user", "invoker.pass"),
             NULL);
    bed_expect_http(t->bed, 200, CONTENT_TEXT,
                    "{\"busyPool\":{\"containers\":[],\"total\":0},\"inProgressCount\":0,"
                    "\"pausedPool\":{\"containers\":[],\"total\":0},"
                    "\"prewarmedPool\":{\"countsByKind\":{\"nodejs:20\":2},\"total\":2},"
                    "\"totalContainers\":2}");
    bed_http(t->bed, HTTP_GET, "/pool/count", bed_authorization("invoker.user", "invoker.pass"),
             NULL);
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "0");
    invoker_bed_create(t, BED_HELLO, 1);
    assert_int_equal(t->invoker->pool.lists[POOL_PREWARMED].count, 1);
    assert_int_equal(t->invoker->pool.lists[POOL_PREWARM_STARTING].count, 1);
    invoker_bed_pass(t, SEC(2));
    assert_int_equal(t->invoker->pool.lists[POOL_PREWARMED].count, 2);
    assert_int_equal(t->invoker->pool.lists[POOL_BUSY].count, 1);
    invoker_bed_free(t);
}

static void the_feeds_deletion_reaches_the_pool(void **state)
{
    (void)state;
    struct actor_bed *t = actor_bed_new(ACTOR_CONSUMER_ID, CALLBACK_CONSUMER_ID);
    actor_bed_start(t);
    struct post_item item = {.entry = {.kind = ENTRY_CREATION}};
    item.entry.u.creation = invoker_bed_creation(BED_HELLO, 0);
    item.entry.u.creation.deletion = 1;
    actor_bed_send(t, ACTOR_FEED_ID(0), POST_FEED_ITEM, &item, sizeof item);
    actor_bed_expect(t, "pool: DeletionContainer 0 guest/hello of guest rev 1\n"
                        "feed: processed\n");
    actor_bed_free(t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deletion_tells_the_containers_of_its_revision_and_older),
        cmocka_unit_test(an_initialized_container_goes_whatever_the_revision),
        cmocka_unit_test(the_users_image_or_the_platform_is_to_blame),
        cmocka_unit_test(who_is_in_two_maps_counts_once),
        cmocka_unit_test(a_promoted_container_counts_as_its_action_once_it_is_busy),
        cmocka_unit_test(promotion_stops_at_what_can_be_freed),
        cmocka_unit_test(nothing_is_topped_up_while_it_shuts_down_but_what_is_taken_is),
        cmocka_unit_test(a_ready_container_ends_the_count_of_failures),
        cmocka_unit_test(expiry_is_strict_limited_and_of_the_oldest),
        cmocka_unit_test(a_container_expires_behind_its_last_instant),
        cmocka_unit_test(cold_starts_count_at_the_check_alone),
        cmocka_unit_test(the_replacement_lives_as_long_as_its_own_memory_says),
        cmocka_unit_test(a_pace_starts_several_and_begins_anew),
        cmocka_unit_test(the_invoker_makes_the_manifests_stem_cells),
        cmocka_unit_test(the_feeds_deletion_reaches_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
