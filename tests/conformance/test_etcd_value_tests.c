/*
 * test_etcd_value_tests.c - upstream's EtcdKvTests and MessageTests: keys of invokers, and when
 * two states of an invoker or a scheduler are the same (then nothing is written).
 */
#include "support/conform.h"
#include "wire/wire_key.h"
#include <string.h>

static struct bed *bed;

static int setup(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_ETCD, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

/* Deployed with --id and --uniqueName, both its number (ansible, invoker role). */
static void an_invoker_has_its_key(void **state)
{
    (void)state;
    char text[64];
    struct key key = bed_key(KEY_INVOKERS, 0, 0, BED_INVOKER0);
    size_t length = key_print(&bed->cluster, &key, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "whisk/invokers/0/0");
}

static void a_key_leads_back_to_its_invoker(void **state)
{
    (void)state;
    struct key key, same = bed_key(KEY_INVOKERS, 0, 0, BED_INVOKER2);
    static const char text[] = "whisk/invokers/2/2";
    assert_true(wire_key_read(&bed->cluster, (struct wire_text){text, sizeof text - 1}, &key));
    assert_true(key_equal(&key, &same));
}

static struct value invoker(void)
{
    return (struct value){.kind = VALUE_INVOKER, .status = INVOKER_UNHEALTHY, .a = 1024};
}

static void equal_states_are_equal(void **state)
{
    (void)state;
    struct value a = invoker(), b = invoker();
    assert_true(value_equal(&a, &b));
}

static void differ(struct value b)
{
    struct value a = invoker();
    assert_false(value_equal(&a, &b));
    assert_false(value_equal(&b, &a));
}

static void another_status_is_another_state(void **state)
{
    (void)state;
    struct value b = invoker();
    b.status = INVOKER_UP;
    differ(b);
}

static void other_free_memory_is_another_state(void **state)
{
    (void)state;
    struct value b = invoker();
    b.a = 2048;
    differ(b);
}

static void other_busy_memory_is_another_state(void **state)
{
    (void)state;
    struct value b = invoker();
    b.b = 1024;
    differ(b);
}

static void other_memory_in_progress_is_another_state(void **state)
{
    (void)state;
    struct value b = invoker();
    b.c = 1024;
    differ(b);
}

/* Tags and dedicated namespaces are one of the cluster's sets of labels, by its index. */
static void other_labels_are_another_state(void **state)
{
    (void)state;
    struct value b = invoker();
    b.node = 1;
    differ(b);
}

static void schedulers_with_as_many_queues_are_equal(void **state)
{
    (void)state;
    struct value a = {.kind = VALUE_SCHEDULER, .node = BED_SCHEDULER0, .a = 3}, b = a;
    assert_true(value_equal(&a, &b));
}

static void another_number_of_queues_is_another_state(void **state)
{
    (void)state;
    struct value a = {.kind = VALUE_SCHEDULER, .node = BED_SCHEDULER0, .a = 3}, b = a;
    b.a = 4;
    assert_false(value_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("EtcdKvTests", 45, an_invoker_has_its_key),
        CONFORMS("EtcdKvTests", 62, a_key_leads_back_to_its_invoker),
        CONFORMS("MessageTests", 35, equal_states_are_equal),
        CONFORMS("MessageTests", 42, another_status_is_another_state),
        CONFORMS("MessageTests", 49, other_free_memory_is_another_state),
        CONFORMS("MessageTests", 56, other_busy_memory_is_another_state),
        CONFORMS("MessageTests", 63, other_memory_in_progress_is_another_state),
        CONFORMS("MessageTests", 70, other_labels_are_another_state),
        CONFORMS("MessageTests", 77, other_labels_are_another_state),
        CONFORMS("MessageTests", 84, schedulers_with_as_many_queues_are_equal),
        CONFORMS("MessageTests", 91, another_number_of_queues_is_another_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
