/*
 * test_check_failed.c - no-failed-activation: every answer, drop and result, with its sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "support/check_bed.h"

#define CHECK "no-failed-activation"
#define A ACTIVATION_ID(1, 0)
#define A_AGAIN ACTIVATION_ID(1, 1)
#define FOREIGN(n) ACTIVATION_ID(REQUEST_ENTRY_FOREIGN << 24 | (n), 0)

struct answer {
    uint64_t status;
    uint8_t response;
    enum error_text error;
    const char *text; /* NULL: no violation */
};

static uint64_t done(struct check_bed *bed, activation_id id, action_id action,
                     const struct answer *answer)
{
    return check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                               .node = BED_CLIENT,
                                               .activation = id,
                                               .action = action,
                                               .ns = BED_GUEST,
                                               .detail = answer->response,
                                               .value = answer->status,
                                               .value2 = answer->error});
}

/* Each answer to a request of its own, from `first` on. */
static void expect_answers(struct check_bed *bed, uint32_t first, const struct answer *answers,
                           uint32_t count)
{
    uint64_t told = check_bed_result(bed, CHECK).violation_count;
    for (uint32_t i = 0; i < count; i++) {
        activation_id id = ACTIVATION_ID(first + i, 0);
        check_bed_send(bed, id);
        struct violation want = {.at = bed->at,
                                 .seq = done(bed, id, BED_HELLO, &answers[i]),
                                 .activation = id,
                                 .node = BED_CLIENT,
                                 .action = BED_HELLO};
        bool is_told = answers[i].text != NULL;
        told += is_told;
        if (is_told)
            strncpy(want.text, answers[i].text, sizeof want.text - 1);
        check_bed_told(bed, CHECK, told, is_told ? &want : NULL);
        assert_int_equal(check_set_summary(bed->set)->failed_outside, told);
    }
}

static void an_answer_is_a_success_the_actions_own_or_a_failure(void **state)
{
    static const struct answer answers[] = {
        {0, 0, ERROR_NONE, "the caller of guest/hello saw its connection break"},
        {0, 0, ERROR_CONNECTION_BROKEN,
         "the caller of guest/hello saw its connection break: The connection broke before an "
         "answer came."},
        {1, 0, ERROR_NONE, "the caller of guest/hello was refused a connection"},
        {1, 0, ERROR_CONNECTION_REFUSED,
         "the caller of guest/hello was refused a connection: The connection was refused."},
        {2, 0, ERROR_NONE, "the caller of guest/hello saw HTTP 2"},
        {199, 0, ERROR_NONE, "the caller of guest/hello saw HTTP 199"},
        {200, 0, ERROR_NONE, NULL},
        {202, 0, ERROR_NONE, NULL},
        {299, 0, ERROR_NONE, NULL},
        {300, 0, ERROR_NONE, "the caller of guest/hello saw HTTP 300"},
        {404, 0, ERROR_NOT_FOUND,
         "the caller of guest/hello saw HTTP 404: The requested resource does not exist."},
        {428, 0, ERROR_NONE, "the caller of guest/hello saw HTTP 428"},
        {429, 0, ERROR_TOO_MANY_REQUESTS,
         "the caller of guest/hello saw HTTP 429: Too many requests"},
        {500, 0, ERROR_TOO_MANY_CONCURRENT,
         "the caller of guest/hello saw HTTP 500: Too many concurrent requests in flight."},
        {501, RESPONSE_APPLICATION_ERROR, ERROR_NONE, "the caller of guest/hello saw HTTP 501"},
        {502, RESPONSE_SUCCESS, ERROR_NONE, "the caller of guest/hello saw HTTP 502"},
        {502, RESPONSE_APPLICATION_ERROR, ERROR_NONE, NULL},
        {502, RESPONSE_DEVELOPER_ERROR, ERROR_NONE, NULL},
        {502, RESPONSE_WHISK_ERROR, ERROR_NONE, "the caller of guest/hello saw HTTP 502"},
        {503, RESPONSE_DEVELOPER_ERROR, ERROR_NONE, "the caller of guest/hello saw HTTP 503"},
    };
    expect_answers(*state, 1, answers, sizeof answers / sizeof *answers);
}

/* The namespace is full: only what says so is excused by it. */
static void a_limit_that_was_reached_excuses_what_speaks_of_it(void **state)
{
    static const struct answer answers[] = {
        {429, 0, ERROR_TOO_MANY_REQUESTS, NULL},
        {428, 0, ERROR_NONE, "the caller of guest/hello saw HTTP 428"},
        {430, 0, ERROR_NONE, "the caller of guest/hello saw HTTP 430"},
        {502, RESPONSE_WHISK_ERROR, ERROR_TOO_MANY_CONCURRENT, NULL},
        {502, RESPONSE_WHISK_ERROR, ERROR_NAMESPACE_LIMIT, NULL},
        {502, RESPONSE_WHISK_ERROR, ERROR_NOT_INITIATED,
         "the caller of guest/hello saw HTTP 502: Activation processing is not initiated for "
         "60000 ms"},
    };
    struct check_bed *bed = *state;
    bed->namespaces[0].concurrent_invocations = 1;
    check_bed_until_queued(bed, A);
    expect_answers(bed, 2, answers, sizeof answers / sizeof *answers);
}

static void reach_the_minute(struct check_bed *bed, node_id controller)
{
    bed->namespaces[0].invocations_per_minute = 2;
    for (uint32_t i = 0; i < 2; i++)
        check_bed_feed(bed, (struct record){.kind = RECORD_REJECTED,
                                            .node = controller,
                                            .activation = ACTIVATION_ID(90 + i, 0),
                                            .value = 400});
}

static void a_429_is_excused_by_the_limit_of_the_controller_that_gave_it(void **state)
{
    static const struct answer none = {429, 0, ERROR_TOO_MANY_REQUESTS, NULL};
    static const struct answer told = {429, 0, ERROR_TOO_MANY_REQUESTS,
                                       "the caller of guest/hello saw HTTP 429: Too many "
                                       "requests"};
    struct check_bed *bed = *state;
    reach_the_minute(bed, BED_CONTROLLER1);
    expect_answers(bed, 1, &told, 1); /* the bed's requests go to controller0 */
    reach_the_minute(bed, BED_CONTROLLER0);
    expect_answers(bed, 2, &none, 1);
}

static uint64_t drop(struct check_bed *bed, activation_id id, enum error_text error)
{
    return check_bed_feed(bed, (struct record){.kind = RECORD_DROPPED,
                                               .node = BED_SCHEDULER0,
                                               .activation = id,
                                               .detail = (uint8_t)error,
                                               .value = RESPONSE_WHISK_ERROR});
}

static void a_drop_names_its_scheduler_and_why(void **state)
{
    struct check_bed *bed = *state;
    static const enum error_text errors[] = {ERROR_TOO_MANY_CONCURRENT, ERROR_NAMESPACE_LIMIT};
    static const char *const texts[] = {
        "scheduler0 gave the activation of guest/hello up: Too many concurrent requests in "
        "flight.",
        "scheduler0 gave the activation of guest/hello up: The namespace limit is less than or "
        "equal to 0."};
    for (uint32_t i = 0; i < 2; i++) {
        activation_id id = ACTIVATION_ID(1 + i, 0);
        check_bed_until_queued(bed, id);
        struct violation want = {.at = bed->at,
                                 .seq = drop(bed, id, errors[i]),
                                 .activation = id,
                                 .node = BED_SCHEDULER0};
        strncpy(want.text, texts[i], sizeof want.text - 1);
        check_bed_told(bed, CHECK, 1 + i, &want);
    }
}

/* By whichever controller's requests: a queue does not know them apart. */
static void a_drop_for_too_many_is_excused_by_any_limit_that_was_reached(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, ACTIVATION_ID(1, 0));
    check_bed_until_queued(bed, ACTIVATION_ID(2, 0));
    check_bed_until_queued(bed, ACTIVATION_ID(3, 0));
    bed->namespaces[0].invocations_per_minute = 4;
    for (uint32_t i = 0; i < 4; i++)
        check_bed_feed(bed, (struct record){.kind = RECORD_REJECTED,
                                            .node = BED_CONTROLLER1,
                                            .activation = ACTIVATION_ID(90 + i, 0),
                                            .value = 400});
    drop(bed, ACTIVATION_ID(1, 0), ERROR_TOO_MANY_CONCURRENT);
    drop(bed, ACTIVATION_ID(2, 0), ERROR_NAMESPACE_LIMIT);
    check_bed_told(bed, CHECK, 0, NULL);
    drop(bed, ACTIVATION_ID(3, 0), ERROR_TOO_OLD);
    check_bed_told(bed, CHECK, 1, NULL);
}

struct result {
    enum record_kind kind;
    node_id node;
    bool is_cut;
    enum response_status response;
    const char *text;
};

static uint64_t end_with(struct check_bed *bed, activation_id id, const struct result *result)
{
    struct record r = {.kind = (uint16_t)result->kind, .node = result->node, .activation = id};
    if (result->kind == RECORD_ACKED) {
        r.value = result->response;
        r.detail = ACK_COMPLETION;
    } else {
        r.detail = (uint8_t)result->response;
        r.value = RESPONSE_WHISK_ERROR; /* of a run: its length */
    }
    return check_bed_feed(bed, r);
}

static void a_result_is_the_platforms_or_of_a_run_that_was_cut(void **state)
{
#define ENDED "the activation of guest/hello ended with a "
#define CUT ": its container died under it"
    static const struct result results[] = {
        {RECORD_RUN_ENDED, BED_INVOKER0, false, RESPONSE_SUCCESS, NULL},
        {RECORD_RUN_ENDED, BED_INVOKER0, false, RESPONSE_APPLICATION_ERROR, NULL},
        {RECORD_RUN_ENDED, BED_INVOKER0, false, RESPONSE_DEVELOPER_ERROR, NULL},
        {RECORD_RUN_ENDED, BED_INVOKER0, false, RESPONSE_WHISK_ERROR,
         ENDED "whisk internal error at invoker0"},
        {RECORD_RUN_ENDED, BED_INVOKER0, true, RESPONSE_SUCCESS, NULL},
        {RECORD_RUN_ENDED, BED_INVOKER0, true, RESPONSE_APPLICATION_ERROR, NULL},
        {RECORD_RUN_ENDED, BED_INVOKER0, true, RESPONSE_DEVELOPER_ERROR,
         ENDED "action developer error at invoker0" CUT},
        {RECORD_RUN_ENDED, BED_INVOKER0, true, RESPONSE_WHISK_ERROR,
         ENDED "whisk internal error at invoker0" CUT},
        {RECORD_ACKED, BED_INVOKER0, false, RESPONSE_SUCCESS, NULL},
        {RECORD_ACKED, BED_INVOKER0, false, RESPONSE_DEVELOPER_ERROR, NULL},
        {RECORD_ACKED, BED_INVOKER1, false, RESPONSE_WHISK_ERROR,
         ENDED "whisk internal error at invoker1"},
        {RECORD_STORED, BED_DATABASE, false, RESPONSE_SUCCESS, NULL},
        {RECORD_STORED, BED_DATABASE, false, RESPONSE_WHISK_ERROR,
         ENDED "whisk internal error at database"},
    };
    struct check_bed *bed = *state;
    uint64_t told = 0;
    for (uint32_t i = 0; i < sizeof results / sizeof *results; i++) {
        activation_id id = ACTIVATION_ID(1 + i, 0);
        check_bed_until_queued(bed, id);
        check_bed_start(bed, id);
        if (results[i].is_cut)
            check_bed_feed(bed, (struct record){.kind = RECORD_RUN_CUT,
                                                .node = BED_INVOKER0,
                                                .activation = id});
        struct violation want = {.at = bed->at,
                                 .seq = end_with(bed, id, &results[i]),
                                 .activation = id,
                                 .node = results[i].node};
        told += results[i].text != NULL;
        if (results[i].text != NULL)
            strncpy(want.text, results[i].text, sizeof want.text - 1);
        check_bed_told(bed, CHECK, told, results[i].text != NULL ? &want : NULL);
    }
}

static void what_was_dropped_is_not_told_again_by_its_result(void **state)
{
    static const struct result result = {RECORD_ACKED, BED_SCHEDULER0, false,
                                         RESPONSE_WHISK_ERROR, NULL};
    struct check_bed *bed = *state;
    bed->namespaces[0].concurrent_invocations = 1;
    check_bed_until_queued(bed, A);
    drop(bed, A, ERROR_TOO_MANY_CONCURRENT); /* excused, and so unmarked */
    end_with(bed, A, &result);
    check_bed_told(bed, CHECK, 0, NULL);
    assert_int_equal(check_bed_result(bed, CHECK).verdict, CHECK_PASS);
}

static void a_failure_is_told_once_whatever_follows(void **state)
{
    static const struct result result = {RECORD_RUN_ENDED, BED_INVOKER0, false,
                                         RESPONSE_WHISK_ERROR, NULL};
    static const struct answer answer = {500, 0, ERROR_NONE, NULL};
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    end_with(bed, A, &result);
    drop(bed, A, ERROR_TOO_OLD);
    done(bed, A, BED_HELLO, &answer);
    check_bed_told(bed, CHECK, 1, NULL);
    assert_int_equal(check_set_summary(bed->set)->failed_outside, 1);
}

/* A client knows its own attempt; schedulers and invokers know the one that came through. */
static void an_answer_may_name_another_attempt_and_a_drop_may_not(void **state)
{
    static const struct answer answer = {500, 0, ERROR_NONE, NULL};
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A_AGAIN);
    drop(bed, A, ERROR_TOO_OLD);
    check_bed_told(bed, CHECK, 0, NULL);
    struct violation want = {.at = bed->at,
                             .seq = done(bed, A, BED_HELLO, &answer),
                             .activation = A,
                             .node = BED_CLIENT,
                             .text = "the caller of guest/hello saw HTTP 500"};
    check_bed_told(bed, CHECK, 1, &want);
}

static struct action_info spare[3]; /* one more than the cluster has */

static void with_spare_actions(struct check_bed *bed)
{
    spare[0] = bed->cluster.actions[0];
    spare[1] = spare[2] = bed->cluster.actions[1];
    spare[1].is_spare = spare[2].is_spare = true;
    spare[2].kind = ACTION_TRIGGER;
    bed->cluster.actions = spare;
}

static uint64_t refusals(struct check_bed *bed, activation_id id, action_id action,
                         uint64_t status)
{
    struct answer answer = {status, 0, ERROR_NONE, NULL};
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_SENT,
                                        .node = BED_CLIENT,
                                        .activation = id,
                                        .action = action});
    done(bed, id, action, &answer);
    return check_bed_result(bed, CHECK).violation_count;
}

static void a_caller_from_outside_may_ask_for_what_he_deleted(void **state)
{
    struct check_bed *bed = *state;
    with_spare_actions(bed);
    assert_int_equal(refusals(bed, FOREIGN(1), BED_OTHER, 404), 0);
    assert_int_equal(refusals(bed, FOREIGN(2), BED_HELLO, 404), 1);
    assert_int_equal(refusals(bed, A, BED_OTHER, 404), 2);
    assert_int_equal(refusals(bed, FOREIGN(3), BED_OTHER, 405), 3);
    assert_int_equal(refusals(bed, FOREIGN(4), BED_OTHER, 403), 4);
    assert_int_equal(refusals(bed, FOREIGN(5), 2, 404), 5); /* no action of the cluster */
}

static void a_caller_from_outside_is_at_fault_for_three_statuses(void **state)
{
    static const uint64_t own[] = {400, 413, 415}, others[] = {399, 401, 412, 414, 416};
    struct check_bed *bed = *state;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(refusals(bed, FOREIGN(1 + i), BED_HELLO, own[i]), 0);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(refusals(bed, FOREIGN(10 + i), BED_HELLO, others[i]), i + 1);
}

static void a_firing_has_a_limit_of_its_own_and_no_other_excuse(void **state)
{
    struct check_bed *bed = *state;
    with_spare_actions(bed);
    spare[BED_OTHER].kind = ACTION_TRIGGER;
    assert_int_equal(refusals(bed, A, BED_OTHER, 429), 0);
    assert_int_equal(refusals(bed, ACTIVATION_ID(2, 0), BED_OTHER, 428), 1);
    assert_int_equal(refusals(bed, ACTIVATION_ID(3, 0), BED_OTHER, 500), 2);
    assert_int_equal(refusals(bed, ACTIVATION_ID(4, 0), BED_HELLO, 429), 3);
    assert_int_equal(refusals(bed, ACTIVATION_ID(5, 0), 2, 429), 4);
}

static void a_request_that_names_no_namespace_is_of_its_answers(void **state)
{
    struct check_bed *bed = *state;
    struct answer answer = {429, 0, ERROR_TOO_MANY_REQUESTS, NULL};
    bed->namespaces[0].concurrent_invocations = 1;
    check_bed_until_queued(bed, ACTIVATION_ID(9, 0));
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_SENT,
                                        .node = BED_CLIENT,
                                        .activation = A,
                                        .ns = NAMESPACE_NONE});
    done(bed, A, BED_HELLO, &answer);
    check_bed_told(bed, CHECK, 0, NULL);
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_SENT,
                                        .node = BED_CLIENT,
                                        .activation = ACTIVATION_ID(2, 0),
                                        .ns = BED_ALIEN});
    done(bed, ACTIVATION_ID(2, 0), BED_HELLO, &answer); /* its own counts first */
    check_bed_told(bed, CHECK, 1, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_a_success_the_actions_own_or_a_failure),
        TEST(a_limit_that_was_reached_excuses_what_speaks_of_it),
        TEST(a_429_is_excused_by_the_limit_of_the_controller_that_gave_it),
        TEST(a_drop_names_its_scheduler_and_why),
        TEST(a_drop_for_too_many_is_excused_by_any_limit_that_was_reached),
        TEST(a_result_is_the_platforms_or_of_a_run_that_was_cut),
        TEST(what_was_dropped_is_not_told_again_by_its_result),
        TEST(a_failure_is_told_once_whatever_follows),
        TEST(an_answer_may_name_another_attempt_and_a_drop_may_not),
        TEST(a_caller_from_outside_may_ask_for_what_he_deleted),
        TEST(a_caller_from_outside_is_at_fault_for_three_statuses),
        TEST(a_firing_has_a_limit_of_its_own_and_no_other_excuse),
        TEST(a_request_that_names_no_namespace_is_of_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
