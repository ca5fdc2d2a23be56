/*
 * Upstream's MessageTests: when two messages about an invoker's memory are the same, and what
 * of a scheduler's state counts for a balancer that compares two.
 */
#include "support/common_bed.h"
#include "support/conform.h"
#include "support/controller_bed.h"

#define KEY "whisk/invokers/1/1"

static int setup(void **state)
{
    (void)state;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

static struct value resource(enum invoker_status status)
{
    return (struct value){.kind = VALUE_INVOKER, .status = (uint8_t)status, .a = 1024};
}

/* Put the first; is the second put, too? Two are the same if it is not. */
static void expect_put_again(struct value first, struct value second, bool is_put)
{
    static const char names[2][TAG_MAX] = {"tag1", "tag2"};
    const struct labels labels[] = {{0},
                                    {.tags = 1},
                                    {.tags = 3},
                                    {.dedicated_count = 1, .dedicated = {BED_GUEST}},
                                    {.dedicated_count = 1, .dedicated = {BED_OTHER}}};
    struct key key = {.family = KEY_INVOKERS, .node = BED_INVOKER1};
    struct bed *bed = common_bed_new(COMMON_WORKER);
    bed->cluster.tags = names;
    bed->cluster.tag_count = 2;
    bed->cluster.labels = labels;
    bed->cluster.label_count = sizeof labels / sizeof labels[0];
    assert_int_equal(value_equal(&first, &second), !is_put);
    common_ask(bed, POST_UPDATE_ON_CHANGE, key, first, 0);
    expect_said(bed, "watcher: watch " KEY " exact name 0 deletes\n");
    assert_true(value_equal(&bed_sent(bed, MSG_ETCD_PUT, 0)->u.etcd.value, &first));
    common_answer_etcd(bed, MSG_ETCD_PUT, false, ETCD_OK);
    common_ask(bed, POST_UPDATE_ON_CHANGE, key, second, 0);
    assert_int_equal(bed->sent_count, is_put ? 2 : 1);
    if (is_put)
        assert_true(value_equal(&bed_sent(bed, MSG_ETCD_PUT, 1)->u.etcd.value, &second));
    expect_records(bed, "");
    expect_said(bed, "");
    common_bed_free(bed);
}

static void equal_resources_are_the_same(void **state)
{
    (void)state;
    expect_put_again(resource(INVOKER_UNHEALTHY), resource(INVOKER_UNHEALTHY), false);
}

static void another_state_is_another_message(void **state)
{
    (void)state;
    expect_put_again(resource(INVOKER_UNHEALTHY), resource(INVOKER_UP), true);
}

static void other_free_memory_is_another_message(void **state)
{
    (void)state;
    struct value other = resource(INVOKER_UP);
    other.a = 2048;
    expect_put_again(resource(INVOKER_UP), other, true);
}

static void other_busy_memory_is_another_message(void **state)
{
    (void)state;
    struct value other = resource(INVOKER_UP);
    other.b = 1024;
    expect_put_again(resource(INVOKER_UP), other, true);
}

static void other_memory_in_progress_is_another_message(void **state)
{
    (void)state;
    struct value other = resource(INVOKER_UP);
    other.c = 1024;
    expect_put_again(resource(INVOKER_UP), other, true);
}

static void other_tags_are_another_message(void **state)
{
    (void)state;
    struct value first = resource(INVOKER_UP), second = first;
    first.node = 1;
    second.node = 2;
    expect_put_again(first, second, true);
}

static void other_dedicated_namespaces_are_another_message(void **state)
{
    (void)state;
    struct value first = resource(INVOKER_UP), second = first;
    first.node = 3;
    second.node = 4;
    expect_put_again(first, second, true);
}

/* Two schedulers of these sizes: who is asked for a queue? Of equals, the first. */
static void expect_asked(uint32_t first, uint32_t second, node_id scheduler)
{
    struct bed *bed = controller_bed_cold();
    uint32_t sizes[] = {first, second};
    controller_bed_schedulers(bed, 2, sizes);
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(1, 0), BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, (struct value){.kind = VALUE_EMPTY});
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, scheduler);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, bed->nodes[scheduler].index));
    bed_free(bed);
}

static void equal_states_are_the_same(void **state)
{
    (void)state;
    struct value value = scheduler_state(BED_SCHEDULER0, 0), same = value;
    assert_true(value_equal(&value, &same));
    expect_asked(0, 0, BED_SCHEDULER0);
}

static void another_queue_size_is_another_state(void **state)
{
    (void)state;
    struct value value = scheduler_state(BED_SCHEDULER0, 20), other = value;
    other.a = 10;
    assert_false(value_equal(&value, &other));
    expect_asked(20, 10, BED_SCHEDULER1);
    expect_asked(10, 20, BED_SCHEDULER0);
}

/* Neither id nor endpoints tell two of one size apart. */
static void nothing_else_counts(void **state)
{
    (void)state;
    expect_asked(20, 20, BED_SCHEDULER0);
    expect_asked(21, 20, BED_SCHEDULER1);
}

int main(void)
{
#define SUITE "MessageTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 35, equal_resources_are_the_same),
        CONFORMS(SUITE, 42, another_state_is_another_message),
        CONFORMS(SUITE, 49, other_free_memory_is_another_message),
        CONFORMS(SUITE, 56, other_busy_memory_is_another_message),
        CONFORMS(SUITE, 63, other_memory_in_progress_is_another_message),
        CONFORMS(SUITE, 70, other_tags_are_another_message),
        CONFORMS(SUITE, 77, other_dedicated_namespaces_are_another_message),
        CONFORMS(SUITE, 84, equal_states_are_the_same),
        CONFORMS(SUITE, 91, another_queue_size_is_another_state),
        CONFORMS(SUITE, 98, nothing_else_counts),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
