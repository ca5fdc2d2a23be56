/*
 * test_key.c - texts, order and prefixes of etcd keys.
 */
#include "support/bed.h"
#include <stdio.h>
#include <string.h>

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_ETCD, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void expect_key(struct key key, const char *expected)
{
    char text[320];
    size_t length = key_print(&bed->cluster, &key, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static struct key container_key(enum key_family family, action_id action, uint32_t revision,
                                node_id node, uint32_t id)
{
    struct key key = bed_key(family, BED_GUEST, action, node);
    key.revision = revision;
    key.id = id;
    return key;
}

static void keys_have_the_texts_that_upstream_writes(void **state)
{
    (void)state;
    expect_key(bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
               "whisk/queue/guest/guest/hello/leader");
    expect_key(bed_key(KEY_QUEUE, BED_GUEST, BED_FAILS, 0),
               "whisk/queue/guest/guest/pack/fails/leader");
    expect_key(bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1), "whisk/scheduler/1");
    expect_key(bed_key(KEY_INSTANCE, 0, 0, BED_SCHEDULER0), "whisk/instance/scheduler0/lease");
    expect_key(bed_key(KEY_INSTANCE, 0, 0, BED_INVOKER2), "whisk/instance/invoker2/2/lease");
    expect_key(bed_key(KEY_INVOKERS, 0, 0, BED_INVOKER0), "whisk/invokers/0/0");
    expect_key(bed_key(KEY_THROTTLING, BED_OTHER, ACTION_NONE, 0), "whisk/throttling/other");
    expect_key(bed_key(KEY_THROTTLING, BED_OTHER, BED_WIDE, 0),
               "whisk/throttling/other/other/wide");
    expect_key(container_key(KEY_EXISTING, BED_HELLO, 0, BED_INVOKER1, 0xc1),
               "whisk/namespace/guest/guest/hello/null/invoker1/container/000000c1");
    expect_key(bed_key(KEY_QUEUE, NAMESPACE_SYSTEM, ACTION_WARM_UP, 0),
               "whisk/queue/whisk.system/whisk.system/warmUp/leader");
}

static void a_creation_key_ends_with_the_text_of_its_id(void **state)
{
    (void)state;
    char text[320], id[33];
    struct key key = container_key(KEY_IN_PROGRESS, BED_HELLO, 1, BED_SCHEDULER1, 0x01000002);
    key_print(&bed->cluster, &key, text, sizeof text);
    cluster_creation_text(&bed->draws, 0x01000002, id);
    assert_int_equal(strlen(id), 32);
    assert_non_null(strstr(text, "whisk/in-progress/guest/guest/hello/1-"));
    assert_non_null(strstr(text, "/scheduler/1/creationId/"));
    assert_string_equal(text + strlen(text) - 32, id);
}

static void the_two_spellings_of_container_keys_differ(void **state)
{
    (void)state;
    char existing[320], warmed[320];
    struct key key = container_key(KEY_EXISTING, BED_HELLO, 2, BED_INVOKER1, 7);
    key_print(&bed->cluster, &key, existing, sizeof existing);
    key.family = KEY_WARMED;
    key_print(&bed->cluster, &key, warmed, sizeof warmed);
    assert_non_null(strstr(existing, "/hello/2-"));
    assert_non_null(strstr(existing, "/invoker1/container/00000007"));
    assert_non_null(strstr(warmed, "/invoker/1/container/00000007"));
}

static void values_are_the_json_that_upstream_writes(void **state)
{
    (void)state;
    char text[320];
    struct value value = {.kind = VALUE_SCHEDULER, .node = BED_SCHEDULER1, .a = 3};
    value_print(&bed->cluster, &value, text, sizeof text);
    assert_string_equal(text,
                        "{\"sid\":{\"asString\":\"1\"},\"queueSize\":3,\"endpoints\":{"
                        "\"host\":\"scheduler1\",\"rpcPort\":13002,\"pekkoPort\":25521}}");
    value = (struct value){.kind = VALUE_INVOKER, .status = INVOKER_UP, .a = 1024, .b = 256};
    value_print(&bed->cluster, &value, text, sizeof text);
    assert_string_equal(text, "{\"status\":\"up\",\"freeMemory\":1024,\"busyMemory\":256,"
                              "\"inProgressMemory\":0,\"tags\":[],\"dedicatedNamespaces\":[]}");
    value = (struct value){.kind = VALUE_BOOL, .a = 1};
    value_print(&bed->cluster, &value, text, sizeof text);
    assert_string_equal(text, "true");
    value = (struct value){.kind = VALUE_LEASE, .a = 4711};
    value_print(&bed->cluster, &value, text, sizeof text);
    assert_string_equal(text, "4711");
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* Every pair of a list that has a key of each family and each awkward neighbour. */
static void the_order_of_keys_is_the_bytewise_order_of_their_texts(void **state)
{
    (void)state;
    struct key keys[128];
    uint32_t count = 0;
    snprintf(bed->namespaces[BED_OTHER].name, sizeof bed->namespaces[BED_OTHER].name,
             "guest-a"); /* '-' sorts before '/' */
    snprintf(bed->actions[BED_WIDE].name, sizeof bed->actions[BED_WIDE].name, "guest/hello2");
    snprintf(bed->actions[BED_SLOW].name, sizeof bed->actions[BED_SLOW].name, "guest/hello-1");
    static const uint32_t revisions[] = {0, 1, 2, 10, 12};
    for (unsigned family = KEY_NONE; family < KEY_RAW; family++) {
        bool is_container =
            family == KEY_IN_PROGRESS || family == KEY_EXISTING || family == KEY_WARMED;
        bool is_named = family == KEY_QUEUE || family == KEY_THROTTLING;
        bed->nodes[BED_INVOKER2].index = 12;
        for (unsigned i = 0; i < 5 && is_container; i++) {
            keys[count++] = container_key(family, BED_HELLO, revisions[i], BED_INVOKER1, 9 + i);
            keys[count++] = container_key(family, BED_HELLO, 1, BED_INVOKER2, 0x01000000 + i);
            keys[count++] = container_key(family, BED_SLOW, 1, BED_INVOKER2, 0x01000000 + i);
        }
        for (unsigned action = 0; action < BED_ACTION_COUNT && is_named; action++) {
            keys[count++] = bed_key(family, BED_GUEST, (action_id)action, 0);
            keys[count++] = bed_key(family, BED_OTHER, (action_id)action, 0);
        }
        if (family == KEY_THROTTLING) {
            keys[count++] = bed_key(family, BED_GUEST, ACTION_NONE, 0);
            keys[count++] = bed_key(family, BED_OTHER, ACTION_NONE, 0);
        }
        bool has_scheduler = family == KEY_INSTANCE || family == KEY_SCHEDULER;
        bool has_invoker = family == KEY_INSTANCE || family == KEY_INVOKERS;
        for (node_id node = BED_SCHEDULER0; node <= BED_SCHEDULER1 && has_scheduler; node++)
            keys[count++] = bed_key(family, 0, 0, node);
        for (node_id node = BED_INVOKER0; node <= BED_INVOKER2 && has_invoker; node++)
            keys[count++] = bed_key(family, 0, 0, node);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            char left[320], right[320];
            key_print(&bed->cluster, &keys[i], left, sizeof left);
            key_print(&bed->cluster, &keys[j], right, sizeof right);
            int order = key_compare(&bed->cluster, &keys[i], &keys[j]);
            if (sign(order) != sign(strcmp(left, right)))
                fail_msg("%s and %s: %d", left, right, order);
        }
    }
    assert_true(count > 60);
}

static void a_prefix_ends_at_its_slash(void **state)
{
    (void)state;
    struct key key = container_key(KEY_EXISTING, BED_HELLO, 1, BED_INVOKER1, 9);
    struct key prefix = container_key(KEY_EXISTING, BED_HELLO, 1, 0, 0);
    struct key none = {0};
    assert_true(key_has_prefix(&key, &none, 0));
    for (unsigned depth = 1; depth <= 4; depth++)
        assert_true(key_has_prefix(&key, &prefix, depth));
    prefix.revision = 2;
    assert_true(key_has_prefix(&key, &prefix, 3));
    assert_false(key_has_prefix(&key, &prefix, 4));
    prefix.action = BED_SLOW;
    assert_true(key_has_prefix(&key, &prefix, 2));
    assert_false(key_has_prefix(&key, &prefix, 3));
    prefix.ns = BED_OTHER;
    assert_true(key_has_prefix(&key, &prefix, 1));
    assert_false(key_has_prefix(&key, &prefix, 2));
    prefix.family = KEY_WARMED;
    assert_false(key_has_prefix(&key, &prefix, 1));
    key = bed_key(KEY_THROTTLING, BED_GUEST, ACTION_NONE, 0);
    assert_true(key_has_prefix(&key, &key, 1));
    assert_false(key_has_prefix(&key, &key, 2));
}

static void a_text_that_does_not_fit_is_cut_and_its_length_told(void **state)
{
    (void)state;
    char text[8];
    struct key key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1);
    assert_int_equal(key_print(&bed->cluster, &key, text, sizeof text), 17);
    assert_string_equal(text, "whisk/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_have_the_texts_that_upstream_writes, begin, end),
        cmocka_unit_test_setup_teardown(a_creation_key_ends_with_the_text_of_its_id, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_two_spellings_of_container_keys_differ, begin, end),
        cmocka_unit_test_setup_teardown(values_are_the_json_that_upstream_writes, begin, end),
        cmocka_unit_test_setup_teardown(the_order_of_keys_is_the_bytewise_order_of_their_texts,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_prefix_ends_at_its_slash, begin, end),
        cmocka_unit_test_setup_teardown(a_text_that_does_not_fit_is_cut_and_its_length_told,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
