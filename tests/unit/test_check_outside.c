/* test_check_outside.c - checks of a cluster of which only ports and answers are seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/payload.h"
#include "support/check_bed.h"

/* Every node is there; nothing is known of keys. */
static struct check_bed *outside(void)
{
    static struct check_bed bed;
    check_bed_open(&bed);
    bed.world.is_outside = true;
    bed.set = check_set_new(bed.arena, &bed.world);
    for (node_id node = BED_EDGE; node <= BED_INVOKER1; node++) {
        check_bed_node(&bed, RECORD_NODE_STARTED, node);
        check_bed_node(&bed, RECORD_NODE_LISTENING, node);
    }
    return &bed;
}

static void feed(struct check_bed *bed, enum record_kind kind, activation_id a, uint64_t value,
                 uint8_t detail)
{
    struct record r = {.kind = (uint16_t)kind,
                       .node = kind == RECORD_REQUEST_SENT || kind == RECORD_REQUEST_DONE
                                   ? BED_CLIENT
                                   : BED_EDGE,
                       .peer = BED_EDGE,
                       .action = BED_HELLO,
                       .ns = BED_GUEST,
                       .activation = a,
                       .detail = detail,
                       .value = value};
    check_bed_feed(bed, r);
}

static void complete(struct check_bed *bed, activation_id a, uint8_t response)
{
    feed(bed, RECORD_ACKED, a, response, ACK_COMBINED);
    feed(bed, RECORD_ACK_RECEIVED, a, 1, ACK_COMBINED);
}

static void send_blocking(struct check_bed *bed, activation_id a)
{
    feed(bed, RECORD_REQUEST_SENT, a, 1, 0);
    feed(bed, RECORD_ACCEPTED, a, 1, 0);
    complete(bed, a, RESPONSE_SUCCESS);
    feed(bed, RECORD_REQUEST_DONE, a, 200, RESPONSE_SUCCESS);
}

static void finish(struct check_bed *bed)
{
    check_set_settle(bed->set, bed->at, NULL);
    check_set_end(bed->set, bed->at);
}

static void expect_only(struct check_bed *bed, const char *failed)
{
    for (unsigned i = 0; i < check_count(); i++) {
        struct check_result result = check_set_result(bed->set, i);
        bool is_it = failed != NULL && strcmp(result.name, failed) == 0;
        assert_int_equal(result.verdict == CHECK_FAIL, is_it);
        assert_int_equal(result.verdict == CHECK_NOT_OBSERVABLE, !check_is_seen_outside(i));
    }
}

static void what_needs_an_inside_is_not_observable(void **state)
{
    (void)state;
    struct check_bed *bed = outside();
    send_blocking(bed, ACTIVATION_ID(1, 0));
    feed(bed, RECORD_STORED, ACTIVATION_ID(1, 0), 0, RESPONSE_SUCCESS);
    finish(bed);
    expect_only(bed, NULL);
    assert_int_equal(check_set_summary(bed->set)->succeeded, 1);
    assert_int_equal(check_bed_result(bed, "no-orphan-key").verdict, CHECK_NOT_OBSERVABLE);
    assert_int_equal(check_bed_result(bed, "no-lost-activation").verdict, CHECK_PASS);
    assert_string_equal(check_verdict_to_string(CHECK_NOT_OBSERVABLE), "not-observable");
    check_bed_close(bed);
}

static void an_accepted_one_without_a_record_is_lost(void **state)
{
    (void)state;
    struct check_bed *bed = outside();
    feed(bed, RECORD_REQUEST_SENT, ACTIVATION_ID(1, 0), 0, 0);
    feed(bed, RECORD_ACCEPTED, ACTIVATION_ID(1, 0), 0, 0);
    feed(bed, RECORD_REQUEST_DONE, ACTIVATION_ID(1, 0), 202, RESPONSE_SUCCESS);
    send_blocking(bed, ACTIVATION_ID(2, 0));
    finish(bed);
    expect_only(bed, "no-lost-activation");
    struct check_result lost = check_bed_result(bed, "no-lost-activation");
    assert_int_equal(lost.violation_count, 2);
    assert_string_equal(lost.examples[0].text,
                        "the activation of guest/hello, accepted by edge, has no record");
    check_bed_close(bed);
}

static void a_record_that_contradicts_the_answer_is_a_second_completion(void **state)
{
    (void)state;
    struct check_bed *bed = outside();
    send_blocking(bed, ACTIVATION_ID(1, 0));
    complete(bed, ACTIVATION_ID(1, 0), RESPONSE_APPLICATION_ERROR);
    feed(bed, RECORD_STORED, ACTIVATION_ID(1, 0), 0, RESPONSE_APPLICATION_ERROR);
    finish(bed);
    expect_only(bed, "no-duplicate-completion");
    check_bed_close(bed);
}

static void what_was_turned_away_is_not_lost(void **state)
{
    (void)state;
    struct check_bed *bed = outside();
    feed(bed, RECORD_REQUEST_SENT, ACTIVATION_ID(1, 0), 1, 0);
    feed(bed, RECORD_REJECTED, ACTIVATION_ID(1, 0), 503, 0);
    feed(bed, RECORD_REQUEST_DONE, ACTIVATION_ID(1, 0), 503, RESPONSE_WHISK_ERROR);
    finish(bed);
    expect_only(bed, "no-failed-activation");
    assert_int_equal(check_set_summary(bed->set)->rejected, 1);
    assert_int_equal(check_set_summary(bed->set)->lost, 0);
    check_bed_close(bed);
}

static void a_tier_serves_while_its_ports_answer_and_nobody_disabled_it(void **state)
{
    (void)state;
    struct check_bed *bed = outside();
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_INVOKER0);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER1); /* the other still boots */
    finish(bed);
    struct check_result floor = check_bed_result(bed, "capacity-floor");
    assert_int_equal(floor.violation_count, 1);
    assert_string_equal(floor.examples[0].text,
                        "0 invokers listening and not disabled, at least 1 wanted: invoker1 "
                        "was the last to go");
    check_bed_close(bed);
}

static void a_drain_is_judged_by_what_its_gate_answers(void **state)
{
    (void)state;
    struct check_bed *bed = outside();
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    struct record r = {.kind = RECORD_COUNT_ANSWERED,
                       .node = BED_SCHEDULER0,
                       .peer = NODE_NONE,
                       .action = ACTION_NONE,
                       .ns = NAMESPACE_NONE,
                       .detail = 2};
    check_bed_feed(bed, r);
    r.value = 4;
    check_bed_feed(bed, r);
    finish(bed);
    expect_only(bed, "drain-reaches-zero");
    check_bed_close(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_an_inside_is_not_observable),
        cmocka_unit_test(an_accepted_one_without_a_record_is_lost),
        cmocka_unit_test(a_record_that_contradicts_the_answer_is_a_second_completion),
        cmocka_unit_test(what_was_turned_away_is_not_lost),
        cmocka_unit_test(a_tier_serves_while_its_ports_answer_and_nobody_disabled_it),
        cmocka_unit_test(a_drain_is_judged_by_what_its_gate_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
