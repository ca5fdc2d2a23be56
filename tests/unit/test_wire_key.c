/*
 * test_wire_key.c - keys and values of etcd read back from their texts.
 */
#include "support/bed.h"
#include "wire/wire_key.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    static const char tags[2][TAG_MAX] = {"gpu", "disk"};
    static const struct labels labels[3] = {
        {0},
        {.tags = 3, .dedicated_count = 2, .dedicated = {BED_GUEST, BED_OTHER}},
        {.tags = 2}};
    bed = bed_new(NULL, BED_ETCD, NULL);
    bed->cluster.tags = tags;
    bed->cluster.tag_count = 2;
    bed->cluster.labels = labels;
    bed->cluster.label_count = 3;
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static struct key container_key(enum key_family family, action_id action, uint32_t revision,
                                node_id node, uint32_t id)
{
    struct key key = bed_key(family, BED_GUEST, action, node);
    key.revision = revision;
    key.id = id;
    return key;
}

/* One of each form, with the names that are awkward. */
static uint32_t all_keys(struct key keys[64])
{
    static const uint32_t revisions[] = {0, 1, 4000000000u};
    uint32_t count = 0;
    for (node_id node = BED_SCHEDULER0; node <= BED_INVOKER2; node++)
        keys[count++] = bed_key(KEY_INSTANCE, 0, 0, node);
    for (node_id node = BED_INVOKER0; node <= BED_INVOKER2; node++)
        keys[count++] = bed_key(KEY_INVOKERS, 0, 0, node);
    for (node_id node = BED_SCHEDULER0; node <= BED_SCHEDULER1; node++)
        keys[count++] = bed_key(KEY_SCHEDULER, 0, 0, node);
    for (unsigned action = 0; action < BED_ACTION_COUNT; action++) {
        keys[count++] = bed_key(KEY_QUEUE, BED_GUEST, (action_id)action, 0);
        keys[count++] = bed_key(KEY_THROTTLING, BED_OTHER, (action_id)action, 0);
    }
    keys[count++] = bed_key(KEY_THROTTLING, BED_OTHER, ACTION_NONE, 0);
    keys[count++] = bed_key(KEY_QUEUE, NAMESPACE_SYSTEM, ACTION_WARM_UP, 0);
    keys[count++] = bed_key(KEY_QUEUE, NAMESPACE_SYSTEM, ACTION_HEALTH_TEST, 0);
    for (unsigned i = 0; i < 3; i++) {
        keys[count++] =
            container_key(KEY_IN_PROGRESS, BED_FAILS, revisions[i], BED_SCHEDULER1, 1 + i);
        keys[count++] =
            container_key(KEY_EXISTING, BED_FAILS, revisions[i], BED_INVOKER2, 0xc1 + i);
        keys[count++] =
            container_key(KEY_WARMED, BED_HELLO, revisions[i], BED_INVOKER1, UINT32_MAX - i);
    }
    return count;
}

static bool read_key(const char *text, size_t length, struct key *ret_key)
{
    return wire_key_read(&bed->cluster, (struct wire_text){text, length}, ret_key);
}

static void every_key_is_read_back(void **state)
{
    (void)state;
    struct key keys[64], again;
    uint32_t count = all_keys(keys);
    for (uint32_t i = 0; i < count; i++) {
        char text[320];
        size_t length = key_print(&bed->cluster, &keys[i], text, sizeof text);
        if (!read_key(text, length, &again) || !key_equal(&again, &keys[i]))
            fail_msg("%s", text);
    }
    assert_true(count > 25);
}

/* A key that is cut, or lengthened, is another key or none; what is read prints as it was. */
static void a_changed_key_never_reads_as_the_same(void **state)
{
    (void)state;
    struct key keys[64], again;
    uint32_t count = all_keys(keys);
    for (uint32_t i = 0; i < count; i++) {
        char text[320], printed[320];
        size_t length = key_print(&bed->cluster, &keys[i], text, sizeof text - 1);
        for (size_t at = 0; at < length; at++) {
            if (read_key(text, at, &again))
                assert_false(key_equal(&again, &keys[i]));
            text[at] ^= 1;
            if (read_key(text, length, &again)) {
                assert_int_equal(key_print(&bed->cluster, &again, printed, sizeof printed),
                                 length);
                assert_memory_equal(printed, text, length);
            }
            text[at] ^= 1;
        }
        memcpy(text + length, "/", 2);
        assert_false(read_key(text, length + 1, &again));
    }
}

static void foreign_keys_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "whisk",
        "whisk/",
        "whisk/queue",
        "whisk/queue/guest/leader",
        "whisk/queue/guest/guest/hello",
        "whisk/queue/guest/guest/hello/follower/0",
        "other/queue/guest/guest/hello/leader",
        "whisk/queues/guest/guest/hello/leader",
        "whisk/queue/nobody/guest/hello/leader",
        "whisk/queue/guest/guest/nobody/leader",
        "whisk/in-progress/queue/guest/guest/hello",
        "whisk/scheduler/2",
        "whisk/scheduler/01",
        "whisk/invokers/9",
        "whisk/invokers/0/1/invoker0",
        "whisk/invokers/0/1",
        "whisk/invokers/0/0/172.17.0.1",
        "whisk/instance/invoker0/lease",
        "whisk/instance/controller0/lease",
        "whisk/throttling/",
        "whisk/none/a",
        "whisk/raw/1",
        "whisk//guest",
        "whisk/namespace/guest/guest/hello/1-00000000/invoker0/container/000000c1",
        "whisk/namespace/guest/guest/hello/null/invoker0/container/c1",
        "whisk/namespace/guest/guest/hello/null/invoker/0/container/000000c1",
        "whisk/warmed/guest/guest/hello/null/invoker0/container/000000c1",
        "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
    };
    struct key key;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_key(bad[i], strlen(bad[i]), &key))
            fail_msg("%s", bad[i]);
    }
}

static struct key key_of(enum key_family family)
{
    return bed_key(family, BED_GUEST, BED_HELLO, 0);
}

static bool read_value(enum key_family family, const char *text, size_t length,
                       struct value *ret_value)
{
    struct key key = key_of(family);
    return wire_value_read(&bed->cluster, &key, (struct wire_text){text, length}, ret_value);
}

static const struct {
    enum key_family family;
    struct value value;
} values[] = {
    {KEY_QUEUE, {.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER1}},
    {KEY_SCHEDULER, {.kind = VALUE_SCHEDULER, .node = BED_SCHEDULER0, .a = 17}},
    {KEY_QUEUE, {.kind = VALUE_ENDPOINTS, .status = ENDPOINTS_AKKA, .node = BED_SCHEDULER1}},
    {KEY_SCHEDULER,
     {.kind = VALUE_SCHEDULER, .status = ENDPOINTS_AKKA, .node = BED_SCHEDULER0, .a = 17}},
    {KEY_INVOKERS,
     {.kind = VALUE_INVOKER, .status = INVOKER_UP, .a = 768, .b = 256, .c = UINT32_MAX}},
    {KEY_INVOKERS, {.kind = VALUE_INVOKER, .status = INVOKER_UNHEALTHY}},
    {KEY_INVOKERS, {.kind = VALUE_INVOKER, .status = INVOKER_UP, .node = 1}},
    {KEY_INVOKERS, {.kind = VALUE_INVOKER, .status = INVOKER_UP, .node = 2, .a = 1}},
    {KEY_THROTTLING, {.kind = VALUE_BOOL, .a = 1}},
    {KEY_THROTTLING, {.kind = VALUE_BOOL}},
    {KEY_INSTANCE, {.kind = VALUE_LEASE, .a = UINT32_MAX}},
    {KEY_WARMED, {.kind = VALUE_EMPTY}},
    {KEY_IN_PROGRESS, {.kind = VALUE_EMPTY}},
};

static void every_value_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[320];
        struct value again;
        size_t length = value_print(&bed->cluster, &values[i].value, text, sizeof text);
        if (!read_value(values[i].family, text, length, &again) ||
            !value_equal(&again, &values[i].value))
            fail_msg("%s", text);
    }
}

static void a_cut_value_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) { /* those that are JSON */
        char text[320];
        struct value again;
        size_t length = value_print(&bed->cluster, &values[i].value, text, sizeof text);
        for (size_t at = 1; at < length; at++) {
            char *cut = malloc(at);
            assert_non_null(cut);
            memcpy(cut, text, at);
            assert_false(read_value(values[i].family, cut, at, &again));
            free(cut);
        }
        assert_true(read_value(values[i].family, text, 0, &again));
        assert_int_equal(again.kind, VALUE_EMPTY);
    }
}

static void values_of_another_family_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum key_family family;
        const char *text;
    } bad[] = {
        {KEY_QUEUE, "x"},
        {KEY_QUEUE, "{\"host\":\"scheduler9\",\"rpcPort\":1,\"pekkoPort\":1}"},
        {KEY_QUEUE, "{\"host\":\"invoker0\",\"rpcPort\":1,\"pekkoPort\":1}"},
        {KEY_QUEUE, "{\"host\":\"scheduler0\",\"rpcPort\":0,\"pekkoPort\":0}"},
        {KEY_QUEUE, "{\"host\":\"scheduler0\",\"rpcPort\":65536,\"pekkoPort\":0}"},
        {KEY_INVOKERS, "{\"status\":\"up\",\"freeMemory\":1,\"busyMemory\":0,\"tags\":[],"
                       "\"dedicatedNamespaces\":[]}"},
        {KEY_INVOKERS, "{\"status\":\"up\",\"freeMemory\":1,\"busyMemory\":0,"
                       "\"inProgressMemory\":3,\"tags\":[\"gpu\"],\"dedicatedNamespaces\":[]}"},
        {KEY_INVOKERS, "{\"status\":\"up\",\"freeMemory\":1,\"busyMemory\":0,"
                       "\"inProgressMemory\":3,\"tags\":[\"tpu\"],\"dedicatedNamespaces\":[]}"},
        {KEY_INVOKERS,
         "{\"status\":\"up\",\"freeMemory\":1,\"busyMemory\":0,"
         "\"inProgressMemory\":3,\"tags\":[],\"dedicatedNamespaces\":[\"guest\"]}"},
        {KEY_THROTTLING, "TRUE"},
        {KEY_THROTTLING, "1"},
        {KEY_INSTANCE, "4294967296"},
        {KEY_INSTANCE, "-1"},
        {KEY_WARMED, "x"},
    };
    struct value value;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_value(bad[i].family, bad[i].text, strlen(bad[i].text), &value))
            fail_msg("%s", bad[i].text);
    }
    static const char odd[] = "{\"status\":\"odd\",\"freeMemory\":1,\"busyMemory\":2,"
                              "\"inProgressMemory\":3,\"tags\":[],\"dedicatedNamespaces\":[]}";
    assert_true(read_value(KEY_INVOKERS, odd, sizeof odd - 1, &value));
    assert_int_equal(value.status, INVOKER_DOWN);
    static const char turned[] =
        "{\"status\":\"up\",\"freeMemory\":1,\"busyMemory\":2,\"inProgressMemory\":3,"
        "\"tags\":[\"disk\",\"gpu\"],\"dedicatedNamespaces\":[\"other\",\"guest\"]}";
    assert_true(read_value(KEY_INVOKERS, turned, sizeof turned - 1, &value));
    assert_int_equal(value.node, 1);
}

static void base64_is_standard_with_padding(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"whisk/a", "d2hpc2svYQ=="},
        {"\xff\xfe\xfd", "//79"},
        {"\xfb\xf0", "+/A="},
    };
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9-", "Zm 9", "=Zg="};
    struct wire_buffer buffer = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        wire_buffer_clear(&buffer);
        wire_buffer_base64(&buffer, (struct wire_text){pairs[i][0], strlen(pairs[i][0])});
        assert_string_equal(buffer.bytes, pairs[i][1]);
        wire_buffer_clear(&buffer);
        assert_true(
            wire_base64_read((struct wire_text){pairs[i][1], strlen(pairs[i][1])}, &buffer));
        assert_string_equal(buffer.bytes, pairs[i][0]);
    }
    wire_buffer_clear(&buffer);
    wire_buffer_print(&buffer, "%s", "kept");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_text text = {bad[i], strlen(bad[i])};
        if (wire_base64_read(text, &buffer))
            fail_msg("%s", bad[i]);
        assert_string_equal(buffer.bytes, "kept");
    }
    wire_buffer_free(&buffer);
}

static void quoting_is_spray_jsons(void **state)
{
    (void)state;
    struct wire_buffer buffer = {0};
    wire_buffer_quote(&buffer, WIRE_TEXT("a\"b\\c\n\x01\x7f\0z/\xc3\xa9"));
    assert_string_equal(buffer.bytes, "\"a\\\"b\\\\c\\n\\u0001\x7f\\u0000z/\xc3\xa9\"");
    wire_buffer_free(&buffer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(every_key_is_read_back),          TEST(a_changed_key_never_reads_as_the_same),
        TEST(foreign_keys_are_refused),        TEST(every_value_is_read_back),
        TEST(a_cut_value_is_refused),          TEST(values_of_another_family_are_refused),
        TEST(base64_is_standard_with_padding), TEST(quoting_is_spray_jsons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
