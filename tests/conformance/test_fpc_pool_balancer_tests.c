/*
 * test_fpc_pool_balancer_tests.c - upstream's FPCPoolBalancerTests, ControllerRoutesTests and
 * ControllerApiTests: flags, invokers and schedulers, as a controller has them from etcd.
 */
#include "support/conform.h"
#include "support/controller_wide_bed.h"
#include <string.h>

#define NO_KEY INVOKER_STATUS_COUNT

static struct bed *bed;

static int setup(void **state)
{
    (void)state;
    bed = controller_wide_bed_new();
    bed_start(bed);
    bed_forget(bed);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

/* What an invocation of guest/hello meets: checkThrottle is its only question here. */
static void expect_throttled(bool is_throttled)
{
    static uint32_t request;
    bed_forget(bed);
    request++;
    send_invoke(bed, ACTIVATION_ID(request, 0), BED_HELLO, false);
    if (is_throttled) {
        expect_answer(bed, ACTIVATION_ID(request, 0), 429, ERROR_TOO_MANY_REQUESTS);
        assert_int_equal(bed->sent_count, 1);
        assert_int_equal(bed->record_count, 2);
        assert_int_equal(bed_record(bed, RECORD_THROTTLED, 0)->value, ERROR_TOO_MANY_REQUESTS);
        assert_int_equal(bed_record(bed, RECORD_REJECTED, 0)->value, 429);
    } else {
        assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
        assert_int_equal(bed->record_count, 0);
    }
}

static void set_flag(action_id action, bool on, bool deleted)
{
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_THROTTLING, BED_GUEST, action, 0), flag(on), deleted);
    assert_int_equal(bed->sent_count, 0);
    assert_int_equal(bed->record_count, 1);
    assert_int_equal(bed_record(bed, RECORD_VIEW_CHANGED, 0)->detail, on && !deleted);
}

static void the_actions_flag_decides_and_without_one_the_namespaces(void **state)
{
    (void)state;
    expect_throttled(false);
    set_flag(BED_HELLO, true, false);
    expect_throttled(true);
    set_flag(BED_HELLO, false, false);
    expect_throttled(false);
    set_flag(ACTION_NONE, true, false);
    expect_throttled(false);
    set_flag(BED_HELLO, false, true);
    expect_throttled(true);
    set_flag(ACTION_NONE, false, false);
    expect_throttled(false);
    set_flag(ACTION_NONE, false, true);
    expect_throttled(false);
}

/* The whole exchange: one read of the prefix, one answer. */
static void expect_invokers(const char *path, const uint8_t *statuses, uint32_t count,
                            unsigned status, const char *body)
{
    bed_forget(bed);
    wide_get_invokers(bed, path, statuses, count);
    bed_expect_http(bed, status, CONTENT_JSON, body);
    assert_int_equal(bed->sent_count, 2);
    const struct message *read = bed_sent(bed, MSG_ETCD_RANGE, 0);
    assert_int_equal(read->to, BED_ETCD);
    assert_int_equal(read->u.etcd.key.family, KEY_INVOKERS);
    assert_int_equal(read->u.etcd.mode, RANGE_PREFIX);
    assert_int_equal(read->u.etcd.depth, 1);
    assert_int_equal(bed->record_count, 0);
}

static void the_status_of_each_invoker_is_what_its_key_says(void **state)
{
    (void)state;
    static const uint8_t statuses[] = {INVOKER_UP, INVOKER_UNHEALTHY, INVOKER_DOWN};
    expect_invokers(
        "/invokers", statuses, 3, 200,
        "{\"invoker0/0\":\"up\",\"invoker1/1\":\"unhealthy\",\"invoker2/2\":\"down\"}");
}

static void those_between_the_first_and_the_last_that_have_no_key_are_down(void **state)
{
    (void)state;
    static const uint8_t statuses[] = {INVOKER_UP, NO_KEY, NO_KEY,
                                       NO_KEY,     NO_KEY, INVOKER_UNHEALTHY};
    static const uint8_t late[] = {NO_KEY, INVOKER_UP, NO_KEY, INVOKER_UNHEALTHY};
    expect_invokers("/invokers", statuses, 6, 200,
                    "{\"invoker0/0\":\"up\",\"invoker1/1\":\"down\",\"invoker2/2\":\"down\","
                    "\"invoker3/3\":\"down\",\"invoker4/4\":\"down\","
                    "\"invoker5/5\":\"unhealthy\"}");
    expect_invokers(
        "/invokers", late, 4, 200,
        "{\"invoker1/1\":\"up\",\"invoker2/2\":\"down\",\"invoker3/3\":\"unhealthy\"}");
}

/* Another cluster's keys lie under another first segment: they are neither read nor watched. */
static void only_the_own_clusters_schedulers_are_read(void **state)
{
    (void)state;
    struct etcd_kv kvs[WIDE_SCHEDULERS];
    char text[64];
    memset(kvs, 0, sizeof kvs);
    bed_free(bed);
    bed = controller_wide_bed_new();
    bed_start(bed);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    const struct message *read = bed_sent(bed, MSG_ETCD_RANGE, 0);
    key_print(&bed->cluster, &read->u.etcd.key, text, sizeof text);
    assert_int_equal(strncmp(text, "whisk/scheduler", 15), 0);
    assert_int_equal(read->u.etcd.mode, RANGE_PREFIX);
    assert_int_equal(read->u.etcd.depth, 1);
    for (uint32_t i = 0; i < WIDE_SCHEDULERS; i++) {
        kvs[i].key = bed_key(KEY_SCHEDULER, 0, 0, wide_scheduler(bed, i));
        kvs[i].value = scheduler_state(wide_scheduler(bed, i), 0);
    }
    struct message m = bed_reply(read, MSG_ETCD_RANGED);
    m.u.etcd_done.count = WIDE_SCHEDULERS;
    m.u.etcd_done.kvs = blob_new(bed->arena, ARENA_MESSAGE, kvs, sizeof kvs);
    bed_forget(bed);
    bed_deliver(bed, &m);
    assert_int_equal(bed->sent_count, 2 * WIDE_SCHEDULERS); /* each is warmed up */
    for (uint32_t i = 0; i < WIDE_SCHEDULERS; i++) {
        assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, i)->u.produce.topic,
                         TOPIC(TOPIC_SCHEDULER, i));
        assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, i)->u.produce.entry.kind,
                         ENTRY_WARM_UP);
        assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, i)->to, wide_scheduler(bed, i));
        assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, i)->u.create_queue.action,
                         ACTION_WARM_UP);
    }
    bed_forget(bed);
    send_watch_event(bed, (struct key){.family = KEY_RAW},
                     scheduler_state(wide_scheduler(bed, 0), 0), true);
    assert_int_equal(bed->sent_count + bed->record_count, 0);
}

/* ---- ControllerRoutesTests ---- */

static void without_invokers_it_is_not_ready(void **state)
{
    (void)state;
    expect_invokers("/invokers/ready", NULL, 0, 500, "{\"unhealthy\":\"0/0\"}");
}

static const uint8_t up[] = {INVOKER_UP, INVOKER_UP, INVOKER_UP, INVOKER_UP, INVOKER_UP};
static const uint8_t three[] = {INVOKER_UP,   INVOKER_UP,   INVOKER_UP,       INVOKER_UNHEALTHY,
                                INVOKER_DOWN, INVOKER_DOWN, INVOKER_UNHEALTHY};

static void with_all_of_five_it_is_ready(void **state)
{
    (void)state;
    expect_invokers("/invokers/ready", up, 5, 200, "{\"healthy\":\"5/5\"}");
}

static void of_no_invokers_no_share_is_enough(void **state)
{
    (void)state;
    bed_config(bed, "whisk.controller.readiness-fraction", 500000);
    expect_invokers("/invokers/ready", NULL, 0, 500, "{\"unhealthy\":\"0/0\"}");
    bed_config(bed, "whisk.controller.readiness-fraction", 0);
    expect_invokers("/invokers/ready", NULL, 0, 500, "{\"unhealthy\":\"0/0\"}");
}

static void three_of_seven_are_not_half(void **state)
{
    (void)state;
    bed_config(bed, "whisk.controller.readiness-fraction", 500000);
    expect_invokers("/invokers/ready", three, 7, 500, "{\"unhealthy\":\"4/7\"}");
}

/* ---- ControllerApiTests ---- */

static void the_root_says_what_there_is(void **state)
{
    (void)state;
    bed_http(bed, HTTP_GET, "/", NULL, NULL);
    bed_expect_http(
        bed, 200, CONTENT_JSON,
        "{\"api_paths\":[\"/api/v1\"],\"description\":\"OpenWhisk\",\"limits\":"
        "{\"actions_per_minute\":60,\"concurrent_actions\":30,"
        "\"default_max_action_duration\":300000,\"default_max_action_logs\":10485760,"
        "\"default_max_action_memory\":536870912,\"default_min_action_duration\":100,"
        "\"default_min_action_logs\":0,\"default_min_action_memory\":134217728,"
        "\"max_action_duration\":300000,\"max_action_logs\":10485760,"
        "\"max_action_memory\":536870912,\"min_action_duration\":100,\"min_action_logs\":0,"
        "\"min_action_memory\":134217728,\"sequence_length\":50,\"triggers_per_minute\":60},"
        "\"runtimes\":{\"nodejs\":[{\"attached\":true,\"default\":true,\"deprecated\":false,"
        "\"image\":\"openwhisk/action-nodejs-v20:nightly\",\"kind\":\"nodejs:20\","
        "\"requireMain\":false}]},\"support\":{\"github\":"
        "\"https://github.com/apache/openwhisk/issues\",\"slack\":"
        "\"http://slack.openwhisk.org\"}}");
    assert_int_equal(bed->sent_count, 1);
    assert_int_equal(bed->record_count, 0);
}

static void invokers_are_listed(void **state)
{
    (void)state;
    expect_invokers("/invokers", up, 2, 200, "{\"invoker0/0\":\"up\",\"invoker1/1\":\"up\"}");
}

static void healthy_invokers_are_counted(void **state)
{
    (void)state;
    expect_invokers("/invokers/healthy/count", up, 2, 200, "2");
    expect_invokers("/invokers/healthy/count", three, 7, 200, "3");
}

static void two_of_two_are_ready(void **state)
{
    (void)state;
    expect_invokers("/invokers/ready", up, 2, 200, "{\"healthy\":\"2/2\"}");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("FPCPoolBalancerTests", 133,
                 the_actions_flag_decides_and_without_one_the_namespaces),
        CONFORMS("FPCPoolBalancerTests", 182, the_status_of_each_invoker_is_what_its_key_says),
        CONFORMS("FPCPoolBalancerTests", 212,
                 those_between_the_first_and_the_last_that_have_no_key_are_down),
        CONFORMS("FPCPoolBalancerTests", 246, only_the_own_clusters_schedulers_are_read),
        CONFORMS("ControllerRoutesTests", 46, without_invokers_it_is_not_ready),
        CONFORMS("ControllerRoutesTests", 58, with_all_of_five_it_is_ready),
        CONFORMS("ControllerRoutesTests", 64, of_no_invokers_no_share_is_enough),
        CONFORMS("ControllerRoutesTests", 70, three_of_seven_are_not_half),
        CONFORMS("ControllerApiTests", 38, the_root_says_what_there_is),
        CONFORMS("ControllerApiTests", 79, invokers_are_listed),
        CONFORMS("ControllerApiTests", 86, healthy_invokers_are_counted),
        CONFORMS("ControllerApiTests", 93, two_of_two_are_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
