/*
 * test_container_manager_tests.c - upstream's ContainerManagerTests: creations to invokers,
 * warmed containers, warm-ups, deletions. The choice among invokers:
 * test_container_manager_place_tests.c.
 *
 * A batch is of one action here, as queues make them. That a job is registered is seen by its
 * key in etcd.
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
    place_free(p);
    return 0;
}

static struct queue *quiet_queue(void)
{
    struct queue *q = sched_make_queue(p->s, BED_GUEST, BED_HELLO);
    assert_non_null(q);
    place_forget(p);
    return q;
}

/* ---- creations ---- */

static void a_creation_registers_a_job_each(void **state)
{
    (void)state;
    p = place_started(10, 512);
    place_create(p, BED_HELLO, 1, 3);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker3 creation 000003 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker7 creation 000002 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000001 guest/hello\n"
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
        "sends the order of container creation 000003 for guest/hello to invoker3, retry 0\n"
        "sends the order of container creation 000002 for guest/hello to invoker7, retry 0\n"
        "sends the order of container creation 000001 for guest/hello to invoker2, retry 0\n");
    assert_int_equal(p->s->machine->jobs.count, 3);
}

static void warmed_containers_are_tried_first(void **state)
{
    (void)state;
    p = place_started(3, 256);
    p->s->bed->actions[BED_SLOW].memory_mb = 256;
    p->invokers[2].free_mb = 512;
    place_watch_warmed(p, BED_HELLO, 1, 0, 7, false);
    place_watch_warmed(p, BED_SLOW, 1, 1, 8, false);
    place_create(p, BED_SLOW, 2, 1);
    p->invokers[1].free_mb = 0; /* what the batch of upstream's test deducts */
    place_create(p, BED_HELLO, 1, 1);
    p->invokers[0].free_mb = 0;
    place_create(p, BED_HELLO, 3, 1);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000002 guest/slow\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/slow/1-e293b536/scheduler/0/creationId/"
                 "ac6d7c8e2bf00082e80dbb47d0cc4b6c lease 7\n"
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n"
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000003 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "abbb7e56597ef2d9f7f2414c47449312 lease 7\n");
    expect_records(
        p->s->bed,
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/0/container/00000007 is there\n"
        "believes that key "
        "whisk/warmed/guest/guest/slow/1-e293b536/invoker/1/container/00000008 is there\n"
        "sends the order of container creation 000002 for guest/slow to invoker1, retry 0\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n"
        "sends the order of container creation 000003 for guest/hello to invoker2, retry 0\n");
    place_forget(p);
    place_watch_warmed(p, BED_HELLO, 1, 0, 7, true);
    place_watch_warmed(p, BED_SLOW, 1, 1, 8, true);
    place_watch_warmed(p, BED_HELLO, 1, 1, 7, false);
    place_watch_warmed(p, BED_SLOW, 1, 2, 8, false);
    p->invokers[0].free_mb = 512;
    p->invokers[1].free_mb = p->invokers[2].free_mb = 256;
    place_create(p, BED_SLOW, 2, 1);
    p->invokers[2].free_mb = 0;
    place_create(p, BED_HELLO, 1, 1);
    p->invokers[1].free_mb = 0;
    place_create(p, BED_HELLO, 3, 1);
    expect_trace(
        p->s->bed,
        "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
        "scheduler0/producer#0 > kafka produce invoker2 creation 000002 guest/slow\n"
        "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
        "scheduler0/producer#0 > kafka produce invoker1 creation 000001 guest/hello\n"
        "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
        "scheduler0/producer#0 > kafka produce invoker0 creation 000003 guest/hello\n");
    expect_records(
        p->s->bed,
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/0/container/00000007 is gone\n"
        "believes that key "
        "whisk/warmed/guest/guest/slow/1-e293b536/invoker/1/container/00000008 is gone\n"
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/1/container/00000007 is there\n"
        "believes that key "
        "whisk/warmed/guest/guest/slow/1-e293b536/invoker/2/container/00000008 is there\n"
        "sends the order of container creation 000002 for guest/slow to invoker2, retry 0\n"
        "sends the order of container creation 000001 for guest/hello to invoker1, retry 0\n"
        "sends the order of container creation 000003 for guest/hello to invoker0, retry 0\n");
}

static void another_revision_is_not_warmed(void **state)
{
    (void)state;
    p = place_started(3, 512);
    p->invokers[0].status = INVOKER_UNHEALTHY;
    p->invokers[1].status = INVOKER_UNHEALTHY;
    place_watch_warmed(p, BED_HELLO, 2, 0, 7, false);
    place_create(p, BED_HELLO, 1, 1);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "believes that key "
        "whisk/warmed/guest/guest/hello/2-5307c37c/invoker/0/container/00000007 is there\n"
        "sends the order of container creation 000001 for guest/hello to invoker2, retry 0\n");
    assert_int_equal(p->s->machine->containers.reservation_count, 0);
}

static void a_rescheduled_creation_counts_its_attempts(void **state)
{
    (void)state;
    p = place_started(1, 512);
    struct post_create create = {.first = 1,
                                 .count = 1,
                                 .revision = 1,
                                 .action = BED_HELLO,
                                 .ns = BED_GUEST,
                                 .retry = 1};
    sched_post(p->s, ACTOR_JOBS_ID, ACTOR_CONTAINERS_ID, POST_RESCHEDULE, &create,
               sizeof create);
    place_pump(p);
    expect_trace(
        p->s->bed,
        "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
        "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello retry 1\n"
        "scheduler0/etcd-worker#0 > etcd put "
        "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
        "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 1\n");
    const struct creation *sent =
        &bed_sent(p->s->bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.u.creation;
    assert_int_equal(sent->retry, 1);
    assert_int_equal(sent->id, 1);
    assert_int_equal(sent->scheduler, BED_SCHEDULER0);
    assert_int_equal(job_find(p->s->machine, 1)->create.retry, 1);
}

static void a_shutdown_goes_on_to_the_job_manager(void **state)
{
    (void)state;
    p = place_started(3, 512);
    p->s->bed->posts_by_hand = true;
    sched_post(p->s, ACTOR_MAIN_ID, ACTOR_CONTAINERS_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    assert_int_equal(bed_posts(p->s->bed), 3);
    static const uint16_t families[] = {KEY_WARMED, KEY_INVOKERS};
    for (uint32_t i = 0; i < 2; i++) {
        const struct message *m = bed_post(p->s->bed, i);
        assert_int_equal(m->what, POST_UNWATCH);
        assert_int_equal(m->to_actor, ACTOR_WATCHER_ID);
        assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_watch)->key.family, families[i]);
    }
    assert_int_equal(bed_post(p->s->bed, 2)->what, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(bed_post(p->s->bed, 2)->to_actor, ACTOR_JOBS_ID);
    bed_settle(p->s->bed);
    expect_trace(p->s->bed, "");
    expect_records(p->s->bed, "");
    place_watch_warmed(p, BED_HELLO, 1, 0, 7, false); /* what it knows stays as it is */
    assert_int_equal(p->s->machine->containers.warmed_count, 0);
}

static void without_invokers_the_queue_hears_of_it(void **state)
{
    (void)state;
    p = place_started(0, 512);
    struct queue *q = quiet_queue();
    place_create(p, BED_HELLO, 1, 1);
    expect_trace(p->s->bed, "scheduler0/callback#1 > etcd range prefix invokers depth 1\n");
    expect_records(p->s->bed, "closes the order of container creation 000001 for guest/hello: "
                              "NoAvailableInvokersError, failed\n"
                              "queue goes from Running to Flushing, guest/hello\n");
    sched_expect_state(p->s, q, QUEUE_FLUSHING);
    assert_int_equal(q->flush_error, CREATION_NO_AVAILABLE_INVOKERS);
}

static void a_listing_that_fails_is_one_without_invokers(void **state)
{
    (void)state;
    p = place_started(3, 512);
    struct queue *q = quiet_queue();
    p->fails = true;
    place_create(p, BED_HELLO, 1, 1);
    expect_trace(p->s->bed, "scheduler0/callback#1 > etcd range prefix invokers depth 1\n");
    expect_records(p->s->bed, "closes the order of container creation 000001 for guest/hello: "
                              "NoAvailableInvokersError, failed\n"
                              "queue goes from Running to Flushing, guest/hello\n");
    sched_expect_state(p->s, q, QUEUE_FLUSHING);
    assert_int_equal(q->flush_error, CREATION_NO_AVAILABLE_INVOKERS);
}

/* ---- deletion ---- */

static void delete_old(uint32_t revision)
{
    struct post_create old = {.revision = revision, .action = BED_HELLO, .ns = BED_GUEST};
    sched_post(p->s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR_CONTAINERS_ID, POST_DELETE, &old,
               sizeof old);
    place_pump(p);
}

static void containers_are_deleted_once_on_each_invoker(void **state)
{
    (void)state;
    p = place_started(3, 512);
    for (uint32_t i = 0; i < 3; i++) {
        place_add_container(p, KEY_EXISTING, 1, i, 10 + i);
        place_add_container(p, KEY_WARMED, 1, i, 20 + i);
    }
    delete_old(1);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix namespace depth 3\n"
                 "scheduler0/callback#0 > etcd range prefix warmed depth 3\n"
                 "scheduler0/producer#0 > kafka produce invoker0 deletion guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker1 deletion guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker2 deletion guest/hello\n");
    expect_records(p->s->bed, "");
    for (uint32_t i = 0; i < 3; i++) {
        const struct creation *c =
            &bed_sent(p->s->bed, MSG_KAFKA_PRODUCE, i)->u.produce.entry.u.creation;
        assert_int_equal(c->deletion, 1);
        assert_int_equal(c->revision, 1);
        assert_int_equal(c->action, BED_HELLO);
        assert_int_equal(c->ns, BED_GUEST);
        assert_int_equal(c->invoker, PLACE_INVOKER(i));
        assert_int_equal(c->id, 0);
    }
}

/* ---- warm-ups ---- */

static void all_invokers_are_warmed_up_at_the_start(void **state)
{
    (void)state;
    p = place_new(3, 128);
    place_start(p);
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->s->bed->sent_count; i++) {
        const struct message *m = &p->s->bed->sent[i];
        if (m->kind != MSG_KAFKA_PRODUCE)
            continue;
        const struct entry *entry = &m->u.produce.entry;
        assert_int_equal(entry->kind, ENTRY_WARM_UP);
        assert_int_equal(entry->u.creation.action, ACTION_WARM_UP);
        assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_INVOKER, count++));
    }
    assert_int_equal(count, 3);
    expect_trace(p->s->bed,
                 "scheduler0/watcher#0 > etcd watch-create 1 all keys\n"
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/lease#0 > etcd lease-grant 0 ttl 10\n"
                 "scheduler0/feed#1 > kafka join creationAck0\n"
                 "scheduler0/feed#0 > kafka join scheduler0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd put whisk/instance/scheduler0/lease 7 lease 7\n"
                 "scheduler0/producer#0 > kafka produce invoker0 warm-up\n"
                 "scheduler0/producer#0 > kafka produce invoker1 warm-up\n"
                 "scheduler0/producer#0 > kafka produce invoker2 warm-up\n");
    expect_records(p->s->bed, "lease goes from Ready to Active\n");
}

static void a_new_invoker_is_warmed_up_once(void **state)
{
    (void)state;
    p = place_new(1, 127); /* too little for the start */
    place_start(p);
    place_forget(p);
    place_watch_invoker(p, 0, INVOKER_UNHEALTHY, false);
    expect_trace(p->s->bed, "scheduler0/producer#0 > kafka produce invoker0 warm-up\n");
    place_watch_invoker(p, 0, INVOKER_UP, false);
    assert_int_equal(p->s->bed->sent_count, 1);
    place_watch_invoker(p, 0, INVOKER_UP, true);
    assert_int_equal(p->s->bed->sent_count, 1);
    place_watch_invoker(p, 0, INVOKER_UP, false);
    expect_trace(p->s->bed, "scheduler0/producer#0 > kafka produce invoker0 warm-up\n"
                            "scheduler0/producer#0 > kafka produce invoker0 warm-up\n");
    expect_records(p->s->bed, "");
}

/* ---- filterWarmedCreations ---- */

static void without_warmed_containers_all_are_cold(void **state)
{
    (void)state;
    p = place_started(1, 1024);
    place_create(p, BED_HELLO, 1, 3);
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
    assert_int_equal(p->s->machine->containers.reservation_count, 0);
}

static void the_first_creations_get_the_warmed_containers(void **state)
{
    (void)state;
    p = place_started(3, 1024);
    place_watch_warmed(p, BED_HELLO, 1, 0, 7, false);
    place_watch_warmed(p, BED_HELLO, 1, 1, 8, false);
    place_create(p, BED_HELLO, 1, 3);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000002 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker1 creation 000003 guest/hello\n"
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
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/0/container/00000007 is there\n"
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/1/container/00000008 is there\n"
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n"
        "sends the order of container creation 000002 for guest/hello to invoker1, retry 0\n"
        "sends the order of container creation 000003 for guest/hello to invoker1, retry 0\n");
    const struct containers *c = &p->s->machine->containers;
    assert_int_equal(c->reservation_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(c->reservations[i].creation, i + 1);
        assert_int_equal(c->reservations[i].key.node, PLACE_INVOKER(i));
    }
}

static void warmed_containers_of_disabled_invokers_are_passed_over(void **state)
{
    (void)state;
    p = place_started(3, 1024);
    p->invokers[0].status = p->invokers[1].status = INVOKER_UNHEALTHY;
    place_watch_warmed(p, BED_HELLO, 1, 0, 7, false);
    place_watch_warmed(p, BED_HELLO, 1, 1, 8, false);
    place_create(p, BED_HELLO, 1, 3);
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000003 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000002 guest/hello\n"
                 "scheduler0/producer#0 > kafka produce invoker2 creation 000001 guest/hello\n"
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
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/0/container/00000007 is there\n"
        "believes that key "
        "whisk/warmed/guest/guest/hello/1-e293b536/invoker/1/container/00000008 is there\n"
        "sends the order of container creation 000003 for guest/hello to invoker2, retry 0\n"
        "sends the order of container creation 000002 for guest/hello to invoker2, retry 0\n"
        "sends the order of container creation 000001 for guest/hello to invoker2, retry 0\n");
    assert_int_equal(p->s->machine->containers.reservation_count, 2); /* all the same */
}

/* ---- getAvailableInvokers ---- */

static void the_listing_is_of_the_own_cluster(void **state)
{
    (void)state;
    p = place_started(3, 1024);
    place_create(p, BED_HELLO, 1, 1);
    const struct message *range = bed_sent(p->s->bed, MSG_ETCD_RANGE, 0);
    char text[64];
    struct key key = {.family = KEY_INVOKERS, .node = PLACE_INVOKER(2)};
    assert_int_equal(range->u.etcd.key.family, KEY_INVOKERS);
    assert_int_equal(range->u.etcd.depth, 1);
    key_print(&p->s->bed->cluster, &key, text, sizeof text);
    assert_string_equal(text, "whisk/invokers/2/2"); /* the cluster's name comes first */
    expect_trace(p->s->bed,
                 "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                 "scheduler0/producer#0 > kafka produce invoker0 creation 000001 guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd put "
                 "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"
                 "2fd5733faad3abc382bf29ce930f6eb1 lease 7\n");
    expect_records(
        p->s->bed,
        "sends the order of container creation 000001 for guest/hello to invoker0, retry 0\n");
}

/* Which invokers a namespace's creations may get: all that are chosen of so many. */
static uint32_t chosen_by(action_id action, uint32_t first)
{
    uint32_t chosen = 0;
    place_create(p, action, first, 64);
    for (uint32_t id = first; id < first + 64; id++)
        chosen |= UINT32_C(1) << place_sent_to(p, id);
    return chosen;
}

static void dedicated_invokers_serve_their_namespaces_alone(void **state)
{
    (void)state;
    p = place_started(6, 1024);
    for (uint32_t i = 3; i < 6; i++)
        p->invokers[i].labels = PLACE_FOR_GUEST;
    assert_int_equal(chosen_by(BED_HELLO, 1), 0x3f);
    assert_int_equal(chosen_by(BED_WIDE, 100), 0x07);
    for (uint32_t i = 0; i < 3; i++)
        p->invokers[i].labels = PLACE_FOR_OTHER;
    assert_int_equal(chosen_by(BED_HELLO, 200), 0x38);
    assert_int_equal(bed_record_count(p->s->bed, RECORD_CREATION_SENT), 192);
    assert_int_equal(bed_record_count(p->s->bed, RECORD_CREATION_DONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("ContainerManagerTests", 215, a_creation_registers_a_job_each),
        CONFORMS("ContainerManagerTests", 275, warmed_containers_are_tried_first),
        CONFORMS("ContainerManagerTests", 438, another_revision_is_not_warmed),
        CONFORMS("ContainerManagerTests", 496, a_rescheduled_creation_counts_its_attempts),
        CONFORMS("ContainerManagerTests", 532, a_shutdown_goes_on_to_the_job_manager),
        CONFORMS("ContainerManagerTests", 869, without_invokers_the_queue_hears_of_it),
        CONFORMS("ContainerManagerTests", 915, a_listing_that_fails_is_one_without_invokers),
        CONFORMS("ContainerManagerTests", 1018, containers_are_deleted_once_on_each_invoker),
        CONFORMS("ContainerManagerTests", 1145, all_invokers_are_warmed_up_at_the_start),
        CONFORMS("ContainerManagerTests", 1171, a_new_invoker_is_warmed_up_once),
        CONFORMS("ContainerManagerTests", 1330, without_warmed_containers_all_are_cold),
        CONFORMS("ContainerManagerTests", 1375, the_first_creations_get_the_warmed_containers),
        CONFORMS("ContainerManagerTests", 1435,
                 warmed_containers_of_disabled_invokers_are_passed_over),
        CONFORMS("ContainerManagerTests", 1519, the_listing_is_of_the_own_cluster),
        CONFORMS("ContainerManagerTests", 1548,
                 dedicated_invokers_serve_their_namespaces_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
