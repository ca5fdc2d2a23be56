/* Upstream's EtcdKvTests: an invoker's health key by the names it has. */
#include "support/conform.h"
#include "wire/wire_key.h"
#include <string.h>

static int setup(void **state)
{
    *state = bed_new(NULL, BED_ETCD, NULL);
    return 0;
}

static int teardown(void **state)
{
    bed_free(*state);
    return 0;
}

static struct key health_key(enum invoker_naming naming)
{
    struct key key = bed_key(KEY_INVOKERS, 0, 0, BED_INVOKER0);
    key.id = naming;
    return key;
}

static void expect_written(const struct bed *bed, enum invoker_naming naming, const char *text)
{
    char printed[64];
    struct key key = health_key(naming);
    assert_int_equal(key_print(&bed->cluster, &key, printed, sizeof printed), strlen(text));
    assert_string_equal(printed, text);
}

static void expect_read(const struct bed *bed, enum invoker_naming naming, const char *text)
{
    struct key expected = health_key(naming), key;
    assert_true(wire_key_read(&bed->cluster, (struct wire_text){text, strlen(text)}, &key));
    assert_memory_equal(&key, &expected, sizeof key);
}

/* They stand in etcd in the order of their texts, also among others. */
static void expect_ordered(const struct bed *bed)
{
    static const enum invoker_naming order[] = {INVOKER_UNNAMED, INVOKER_UNIQUE,
                                                INVOKER_DISPLAYED};
    struct key before = {0};
    for (unsigned i = 0; i < 6; i++) {
        struct key key = health_key(order[i % 3]);
        key.node = i < 3 ? BED_INVOKER0 : BED_INVOKER1;
        if (i > 0) {
            assert_true(key_compare(&bed->cluster, &before, &key) < 0);
            assert_true(key_compare(&bed->cluster, &key, &before) > 0);
        }
        assert_int_equal(key_compare(&bed->cluster, &key, &key), 0);
        before = key;
    }
}

static void an_id_alone_is_written(void **state)
{
    expect_written(*state, INVOKER_UNNAMED, "whisk/invokers/0");
}

static void a_unique_name_is_written(void **state)
{
    expect_written(*state, INVOKER_UNIQUE, "whisk/invokers/0/0");
}

static void a_displayed_name_is_written(void **state)
{
    expect_written(*state, INVOKER_DISPLAYED, "whisk/invokers/0/0/invoker0");
    expect_ordered(*state);
}

static void an_id_alone_is_read(void **state)
{
    expect_read(*state, INVOKER_UNNAMED, "whisk/invokers/0");
}

static void a_unique_name_is_read(void **state)
{
    expect_read(*state, INVOKER_UNIQUE, "whisk/invokers/0/0");
}

static void a_displayed_name_is_read(void **state)
{
    expect_read(*state, INVOKER_DISPLAYED, "whisk/invokers/0/0/invoker0");
}

int main(void)
{
#define SUITE "EtcdKvTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 40, an_id_alone_is_written),
        CONFORMS(SUITE, 45, a_unique_name_is_written),
        CONFORMS(SUITE, 50, a_displayed_name_is_written),
        CONFORMS(SUITE, 55, an_id_alone_is_read),
        CONFORMS(SUITE, 62, a_unique_name_is_read),
        CONFORMS(SUITE, 69, a_displayed_name_is_read),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
