/*
 * test_container_manager_place_tests.c - upstream's ContainerManagerTests: the choice among
 * invokers by memory, tags and pool, and the deduction of what was chosen.
 *
 * Upstream calls the functions of the choice; here a batch goes to the manager, whose list is
 * brought to the same state: memory goes to warmed containers of the batch, which come first.
 */
#include "support/conform.h"
#include "support/place_bed.h"

static struct place *p;

static int setup(void **state)
{
    (void)state;
    p = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (p != NULL)
        place_free(p);
    return 0;
}

static struct action_info *hello(void)
{
    return &p->s->bed->actions[BED_HELLO];
}

/* Each of the batch went to one of these (bits), and nothing else was sent. */
static void expect_sent(uint32_t first, uint32_t count, uint32_t invokers)
{
    for (uint32_t id = first; id < first + count; id++) {
        uint32_t invoker = place_sent_to(p, id);
        if (invoker >= 32 || (invokers >> invoker & 1) == 0)
            fail_msg("creation %u went to %u", id, invoker);
        assert_int_equal(place_failed(p, id), CREATION_NONE);
    }
    assert_int_equal(bed_record_count(p->s->bed, RECORD_CREATION_SENT), count);
    assert_int_equal(bed_record_count(p->s->bed, RECORD_CREATION_DONE), 0);
}

/* One creation of guest/hello with these wishes, and what became of it. */
static uint32_t place_one(uint32_t resources, bool is_lax, uint32_t id)
{
    hello()->resources = resources;
    hello()->lax_resources = is_lax;
    place_forget(p);
    place_create(p, BED_HELLO, id, 1);
    return place_sent_to(p, id);
}

static void expect_error(uint32_t id, enum creation_error error)
{
    assert_int_equal(place_sent_to(p, id), UINT32_MAX);
    assert_string_equal(creation_error_to_string(place_failed(p, id)),
                        creation_error_to_string(error));
    assert_int_equal(bed_sent_count(p->s->bed, MSG_KAFKA_PRODUCE), 0);
    assert_int_equal(bed_sent_count(p->s->bed, MSG_ETCD_PUT), 0);
}

/* ---- rng ---- */

static void draws_are_less_than_the_bound(void **state)
{
    (void)state;
    p = place_started(10, 1024);
    const struct draws *draws = &p->s->bed->draws;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 100; i++) {
        uint64_t drawn = draw_below(draws, PURPOSE_PICK_INVOKER, i, 0, 10);
        assert_true(drawn < 10);
        seen |= UINT32_C(1) << drawn;
    }
    assert_int_equal(seen, 0x3ff);
    expect_trace(p->s->bed, "");
    expect_records(p->s->bed, "");
}

/* ---- schedule ---- */

static void every_creation_of_a_batch_is_chosen_for(void **state)
{
    (void)state;
    p = place_started(3, 512);
    hello()->memory_mb = 512;
    place_create(p, BED_HELLO, 1, 3);
    expect_sent(1, 3, 7);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000003 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000002 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "abbb7e56597ef2d9f7f2414c47449312 lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "ac6d7c8e2bf00082e80dbb47d0cc4b6c lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    /* Only the choice before is deducted: two in a row never meet, others may. */
    assert_int_not_equal(place_sent_to(p, 1), place_sent_to(p, 2));
    assert_int_not_equal(place_sent_to(p, 2), place_sent_to(p, 3));
}

static void one_invoker_is_enough(void **state)
{
    (void)state;
    p = place_started(1, 1024);
    hello()->memory_mb = 128;
    place_create(p, BED_HELLO, 1, 3);
    expect_sent(1, 3, 1);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000003 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000002 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "abbb7e56597ef2d9f7f2414c47449312 lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "ac6d7c8e2bf00082e80dbb47d0cc4b6c lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "sends the order of container creation 000003 for guest/hello to invoker0, retry 0\n"
        "sends the order of container creation 000002 for guest/hello to invoker0, retry 0\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n");
}

static void fill_tagged(uint32_t free_mb)
{
    p = place_started(4, free_mb);
    p->invokers[0].labels = PLACE_CPU_MEMORY;
    p->invokers[1].labels = PLACE_MEMORY_DISK;
    p->invokers[2].labels = PLACE_DISK_CPU;
}

static void tags_are_matched_exactly(void **state)
{
    (void)state;
    fill_tagged(512);
    assert_int_equal(place_one(TAG_CPU | TAG_MEMORY, false, 1), 0);
    assert_int_equal(place_one(TAG_MEMORY | TAG_DISK, false, 2), 1);
    assert_int_equal(place_one(TAG_DISK | TAG_CPU, false, 3), 2);
    assert_int_equal(place_one(0, false, 4), 3);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker3 creation 000004 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "eab4714fcef24eeaa7c5e8d9c70e5b12 lease 7\n");
    expect_records(
        p->s->bed,
        "sends the order of container creation 000004 for guest/hello to invoker3, retry 0\n");
    place_one(TAG_NONE, false, 5);
    expect_error(5, CREATION_NO_AVAILABLE_RESOURCE_INVOKERS);
    expect_records(p->s->bed, "closes the order of container creation 000005 for guest/hello: "
                              "NoAvailableResourceInvokersError, failed\n");
    place_one(TAG_CPU | TAG_MEMORY | TAG_DISK, false, 6); /* each has two of them */
    expect_error(6, CREATION_NO_AVAILABLE_RESOURCE_INVOKERS);
    for (uint32_t id = 10; id < 30; id++) /* one tag: both who have it, and nobody else */
        assert_true((UINT32_C(1) << place_one(TAG_CPU, false, id) & 0x5u) != 0);
}

static void tagged_invokers_serve_when_no_other_can(void **state)
{
    (void)state;
    p = place_started(1, 256);
    p->invokers[0].labels = PLACE_CPU_MEMORY;
    place_create(p, BED_HELLO, 1, 2);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "closes the order of container creation 000002 for guest/hello: "
        "NoAvailableInvokersError, failed\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n");
    assert_int_equal(place_sent_to(p, 1), 0);
    assert_int_equal(place_failed(p, 2), CREATION_NO_AVAILABLE_INVOKERS);
}

static void the_policy_says_whether_others_may(void **state)
{
    (void)state;
    p = place_started(2, 256);
    p->invokers[1].labels = PLACE_CPU_MEMORY;
    place_one(TAG_NONE, false, 1);
    expect_error(1, CREATION_NO_AVAILABLE_RESOURCE_INVOKERS);
    for (uint32_t id = 2; id < 12; id++)
        assert_int_equal(place_one(TAG_NONE, true, id), 0); /* those without tags first */
    p->invokers[0].is_gone = true;
    hello()->resources = TAG_NONE;
    place_forget(p);
    place_create(p, BED_HELLO, 20, 2);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000014 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2a2bc5449a58da345b977a51ce122d1f lease 7\n");
    expect_records(
        p->s->bed,
        "closes the order of container creation 000015 for guest/hello: "
        "NoAvailableInvokersError, failed\n"
        "sends the order of container creation 000014 for guest/hello to invoker1, retry 0\n");
    assert_int_equal(place_sent_to(p, 20), 1);
    assert_int_equal(place_failed(p, 21), CREATION_NO_AVAILABLE_INVOKERS);
}

/* ---- pools ---- */

static void blackbox_actions_go_to_the_last_invoker(void **state)
{
    (void)state;
    p = place_started(10, 512);
    hello()->blackbox = true;
    place_create(p, BED_HELLO, 1, 1);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker9 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "sends the order of container creation 000001 for guest/hello to invoker9, retry 0\n");
    assert_int_equal(place_sent_to(p, 1), 9);
    place_forget(p);
    hello()->blackbox = false;
    place_create(p, BED_HELLO, 100, 200);
    expect_sent(100, 200, 0x1ff); /* and no other goes there */
}

static void the_pools_overlap_in_small_clusters(void **state)
{
    (void)state;
    static const uint64_t blackbox[] = {100000, 200000, 300000, 400000, 500000};
    static const uint32_t small[] = {10, 5, 4, 3, 2};
    for (unsigned i = 0; i < 5; i++) {
        struct scheduler_config config = {.managed_fraction = 1000000 - blackbox[i],
                                          .blackbox_fraction = blackbox[i]};
        for (uint32_t n = 1; n <= 100; n++) {
            uint32_t m = placement_managed(&config, n), b = placement_blackbox(&config, n);
            uint32_t least = (uint32_t)(n * blackbox[i] / 1000000);
            assert_true(m <= n);
            assert_int_equal(b, least < 1 ? 1 : least);
            assert_int_equal(m + b, n < small[i] ? n + 1 : n);
        }
    }
}

static uint32_t chosen_by(uint32_t first)
{
    uint32_t chosen = 0;
    place_create(p, BED_HELLO, first, 300);
    for (uint32_t id = first; id < first + 300; id++)
        chosen |= UINT32_C(1) << place_sent_to(p, id);
    return chosen;
}

static void the_pools_may_be_the_same(void **state)
{
    (void)state;
    p = place_started(10, 512);
    bed_config(p->s->bed, "whisk.fraction.managed-fraction", 1000000);
    bed_config(p->s->bed, "whisk.fraction.blackbox-fraction", 1000000);
    assert_int_equal(chosen_by(1), 0x3ff);
    hello()->blackbox = true;
    assert_int_equal(chosen_by(1000), 0x3ff);
    for (uint32_t n = 1; n <= 100; n++) {
        const struct scheduler_config *config = p->s->bed->config;
        assert_int_equal(placement_managed(config, n), n);
        assert_int_equal(placement_blackbox(config, n), n);
    }
}

/* ---- chooseInvokerFromCandidates, updateInvokerMemory ---- */

/* `count` warmed containers of guest/hello on an invoker: as many of the next batch go there.
 */
static void warm(uint32_t invoker, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        place_watch_warmed(p, BED_HELLO, 1, invoker, 100 * invoker + i, false);
}

static void the_one_with_the_memory_is_chosen(void **state)
{
    (void)state;
    p = place_started(3, 384);
    p->invokers[2].free_mb = 256;
    for (uint32_t round = 0; round < 10; round++) {
        place_watch_warmed(p, BED_HELLO, 1, 0, 10 * round, false);
        place_watch_warmed(p, BED_HELLO, 1, 1, 10 * round + 1, false);
        place_forget(p);
        uint32_t first = 1 + 10 * round;
        bed_config(p->s->bed, "whisk.fraction.managed-fraction", 1000000);
        place_create(p, BED_HELLO, first, 3); /* 128 are left on two, 256 on the third */
        assert_int_equal(place_sent_to(p, first), 0);
        assert_int_equal(place_sent_to(p, first + 1), 1);
        assert_int_equal(place_sent_to(p, first + 2), 2);
        expect_sent(first, 3, 7);
    }
}

static void nobody_is_chosen_without_the_memory(void **state)
{
    (void)state;
    p = place_started(3, 384);
    for (uint32_t i = 0; i < 3; i++) {
        p->invokers[i].labels = PLACE_CPU_MEMORY;
        warm(i, 1);
    }
    hello()->resources = TAG_CPU;
    place_create(p, BED_HELLO, 1, 4); /* 128 are left on each */
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000002 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000003 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "ac6d7c8e2bf00082e80dbb47d0cc4b6c lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "abbb7e56597ef2d9f7f2414c47449312 lease 7\n");
    expect_records(
        p->s->bed,
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/0/container/00000000 is there\n"
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/1/container/00000064 is there\n"
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/2/container/000000c8 is there\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n"
        "sends the order of container creation 000002 for guest/hello to invoker1, retry 0\n"
        "sends the order of container creation 000003 for guest/hello to invoker2, retry 0\n"
        "closes the order of container creation 000004 for guest/hello: "
        "NoAvailableResourceInvokersError, failed\n");
    assert_int_equal(place_failed(p, 4), CREATION_NO_AVAILABLE_RESOURCE_INVOKERS);
}

static void nobody_is_chosen_among_none(void **state)
{
    (void)state;
    p = place_started(1, 256);
    warm(0, 1);
    place_create(p, BED_HELLO, 1, 2); /* the only one leaves the list */
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/0/container/00000000 is there\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n"
        "closes the order of container creation 000002 for guest/hello: "
        "NoAvailableInvokersError, failed\n");
    assert_int_equal(place_failed(p, 2), CREATION_NO_AVAILABLE_INVOKERS);
}

static void memory_is_deducted_from_the_chosen_one(void **state)
{
    (void)state;
    p = place_started(3, 1024);
    p->invokers[0].is_gone = p->invokers[2].is_gone = true;
    warm(1, 2);
    hello()->memory_mb = 256;
    place_create(p, BED_HELLO, 1, 3); /* 768, then 512: enough for a third */
    expect_sent(1, 3, 2);
    place_forget(p);
    p->invokers[1].free_mb = 767; /* 511, then 255: not enough for a third */
    warm(1, 4);
    place_create(p, BED_HELLO, 11, 3);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 00000b guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 00000c guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2be11d77192a1a053a505105862489eb lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "77396b38367d30b1073d2e97a4b62936 lease 7\n");
    assert_int_equal(place_sent_to(p, 11), 1);
    assert_int_equal(place_sent_to(p, 12), 1);
    assert_int_equal(place_failed(p, 13), CREATION_NO_AVAILABLE_INVOKERS);
}

static void nothing_is_deducted_for_who_finds_nobody(void **state)
{
    (void)state;
    p = place_started(1, 256);
    place_create(p, BED_HELLO, 1, 3);
    assert_int_equal(place_sent_to(p, 1), 0);
    assert_int_equal(place_failed(p, 2), CREATION_NO_AVAILABLE_INVOKERS);
    assert_int_equal(place_sent_to(p, 3), 0); /* the whole list again */
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000003 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "abbb7e56597ef2d9f7f2414c47449312 lease 7\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "sends the order of container creation 000003 for guest/hello to invoker0, retry 0\n"
        "closes the order of container creation 000002 for guest/hello: "
        "NoAvailableInvokersError, failed\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n");
}

static void an_invoker_with_too_little_left_is_dropped(void **state)
{
    (void)state;
    p = place_started(2, 256);
    hello()->resources = TAG_CPU;
    p->invokers[0].is_gone = true;
    p->invokers[1].labels = PLACE_CPU_MEMORY;
    p->invokers[1].free_mb = 320;
    place_create(p, BED_HELLO, 1, 2); /* 64 are left, less than the least: no candidate */
    assert_int_equal(place_sent_to(p, 1), 1);
    hello()->lax_resources = true;
    place_create(p, BED_HELLO, 11, 2);
    assert_int_equal(place_failed(p, 12), CREATION_NO_AVAILABLE_INVOKERS);
    p->invokers[1].free_mb = 384;
    place_create(p, BED_HELLO, 21, 2); /* 128 are left: a candidate without the memory */
    assert_int_equal(place_failed(p, 22), CREATION_NO_AVAILABLE_RESOURCE_INVOKERS);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n"
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 00000b guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2be11d77192a1a053a505105862489eb lease 7\n"
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000015 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "6b35e460a43d77002ba24ce85b41b8d0 lease 7\n");
    expect_records(
        p->s->bed,
        "closes the order of container creation 000002 for guest/hello: "
        "NoAvailableResourceInvokersError, failed\n"
        "sends the order of container creation 000001 for guest/hello to invoker1, retry 0\n"
        "closes the order of container creation 00000c for guest/hello: "
        "NoAvailableInvokersError, failed\n"
        "sends the order of container creation 00000b for guest/hello to invoker1, retry 0\n"
        "closes the order of container creation 000016 for guest/hello: "
        "NoAvailableResourceInvokersError, failed\n"
        "sends the order of container creation 000015 for guest/hello to invoker1, retry 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("ContainerManagerTests", 553, draws_are_less_than_the_bound),
        CONFORMS("ContainerManagerTests", 561, every_creation_of_a_batch_is_chosen_for),
        CONFORMS("ContainerManagerTests", 608, one_invoker_is_enough),
        CONFORMS("ContainerManagerTests", 652, tags_are_matched_exactly),
        CONFORMS("ContainerManagerTests", 739, tagged_invokers_serve_when_no_other_can),
        CONFORMS("ContainerManagerTests", 778, the_policy_says_whether_others_may),
        CONFORMS("ContainerManagerTests", 959, blackbox_actions_go_to_the_last_invoker),
        CONFORMS("ContainerManagerTests", 1101, the_pools_overlap_in_small_clusters),
        CONFORMS("ContainerManagerTests", 1125, the_pools_may_be_the_same),
        CONFORMS("ContainerManagerTests", 1218, the_one_with_the_memory_is_chosen),
        CONFORMS("ContainerManagerTests", 1241, nobody_is_chosen_without_the_memory),
        CONFORMS("ContainerManagerTests", 1264, nobody_is_chosen_among_none),
        CONFORMS("ContainerManagerTests", 1280, memory_is_deducted_from_the_chosen_one),
        CONFORMS("ContainerManagerTests", 1299, nothing_is_deducted_for_who_finds_nobody),
        CONFORMS("ContainerManagerTests", 1312, an_invoker_with_too_little_left_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
