/* test_deployer_requests.c - one request step: what is an answer, how often, how it ends. */
#include "support/bed.h"
#include "deployer/deployer.h"
#include <string.h>

static struct step step; /* each test fills its own */
static struct procedure procedure;
static struct deploy_entry entry;
static struct deploy_switch ignore;
static const node_id nodes[] = {BED_SCHEDULER1};
static const char *const names[] = {"drain"};
static struct deployer_config config;

static struct bed *start(struct step wanted)
{
    step = wanted;
    step.name = "drain";
    step.timeout = SEC(30);
    ignore = (struct deploy_switch){.name = "go-on", .on = 1};
    procedure = (struct procedure){.name = "p", .steps = &step, .step_count = 1, .forks = 5};
    entry = (struct deploy_entry){.tier = NODE_SCHEDULER,
                                  .nodes = nodes,
                                  .node_count = 1,
                                  .procedure = &procedure,
                                  .serial = UINT32_MAX,
                                  .switches = &ignore,
                                  .switch_count = 1};
    config = (struct deployer_config){
        .entries = &entry, .entry_count = 1, .step_names = names, .step_name_count = 1};
    config.users[NODE_SCHEDULER] = "scheduler.user";
    config.passwords[NODE_SCHEDULER] = "scheduler.pass";
    struct bed *bed = bed_new(&deployer_ops, BED_DEPLOYER, &config);
    bed_start(bed);
    bed_pass(bed, 0);
    return bed;
}

static struct step drain(uint32_t retries)
{
    return (struct step){.kind = STEP_REQUEST,
                         .path = "/activation/count",
                         .auth = 1,
                         .status = 200,
                         .until = {{.kind = UNTIL_BODY_IS, .text = "0"}},
                         .until_count = 1,
                         .retries = retries,
                         .delay = SEC(5)};
}

static void answer(struct bed *bed, uint16_t status, enum content_type content,
                   const char *body)
{
    uint32_t n = bed_sent_count(bed, MSG_HTTP_REQUEST);
    struct message m = bed_reply(bed_sent(bed, MSG_HTTP_REQUEST, n - 1), MSG_HTTP_REPLY);
    m.u.http_reply.status = status;
    m.u.http_reply.content = (uint8_t)content;
    m.u.http_reply.body = bed_blob(bed, body);
    bed_deliver(bed, &m);
}

static void expect_end(struct bed *bed, enum step_outcome outcome, uint32_t polls)
{
    assert_int_equal(bed_record_count(bed, RECORD_STEP_ENDED), 1);
    const struct record *r = bed_record(bed, RECORD_STEP_ENDED, 0);
    assert_int_equal(r->detail, outcome);
    assert_int_equal(r->value2 & 0xffffffffu, polls);
    assert_int_equal(r->peer, BED_SCHEDULER1);
    assert_int_equal(bed_record_count(bed, RECORD_DEPLOY_ENDED), 1);
    bool ok = outcome == STEP_OK || outcome == STEP_IGNORED;
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->outcome,
                     ok ? OUTCOME_OK : OUTCOME_FAILED);
    bed_free(bed);
}

static void a_request_carries_path_and_credentials(void **state)
{
    (void)state;
    struct bed *bed = start(drain(180));
    const struct message *m = bed_sent(bed, MSG_HTTP_REQUEST, 0);
    assert_int_equal(m->to, BED_SCHEDULER1);
    assert_int_equal(m->to_actor, ACTOR_MAIN_ID);
    assert_int_equal(m->u.http_request.method, HTTP_GET);
    assert_string_equal(bed_text(bed, m->u.http_request.path), "/activation/count");
    assert_string_equal(bed_text(bed, m->u.http_request.headers),
                        bed_authorization("scheduler.user", "scheduler.pass"));
    const struct record *r = bed_record(bed, RECORD_STEP_STARTED, 0);
    assert_int_equal(r->peer, BED_SCHEDULER1);
    assert_int_equal(r->value, 0);
    answer(bed, 200, CONTENT_JSON, "0");
    expect_end(bed, STEP_OK, 1);
}

static void zero_as_text_is_as_good_as_zero_as_json(void **state)
{
    (void)state;
    struct bed *bed = start(drain(180));
    answer(bed, 200, CONTENT_TEXT, "0");
    expect_end(bed, STEP_OK, 1);
}

static void n_retries_are_n_plus_one_requests(void **state)
{
    (void)state;
    struct bed *bed = start(drain(3));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bed_sent_count(bed, MSG_HTTP_REQUEST), i + 1);
        answer(bed, 200, CONTENT_JSON, "7");
        if (i < 3) {
            assert_int_equal(bed_next_in(bed), SEC(5));
            bed_pass(bed, SEC(5));
        }
    }
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    expect_end(bed, STEP_GAVE_UP, 4);
}

static void whatever_is_not_exactly_zero_is_asked_again(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *body;
    } answers[] = {{200, "00"},
                   {200, ""},
                   {200, "0 "},
                   {401, "x"},
                   {404, ""},
                   {200, "not supported"},
                   {500, "There was an internal server error."}};
    struct bed *bed = start(drain(180));
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        answer(bed, answers[i].status, CONTENT_TEXT, answers[i].body);
        bed_pass(bed, SEC(5));
        assert_int_equal(bed_sent_count(bed, MSG_HTTP_REQUEST), i + 2);
    }
    answer(bed, 200, CONTENT_JSON, "0");
    expect_end(bed, STEP_OK, 8);
}

static void refused_broken_and_silent_are_empty_answers(void **state)
{
    (void)state;
    struct bed *bed = start(drain(180));
    struct message m = bed_reply(bed_sent(bed, MSG_HTTP_REQUEST, 0), MSG_REFUSED);
    bed_deliver(bed, &m);
    bed_pass(bed, SEC(5));
    bed_link(bed, BED_SCHEDULER1, true);
    bed_link(bed, BED_SCHEDULER1, false);
    bed_pass(bed, SEC(5));
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REQUEST), 3);
    assert_int_equal(bed_next_in(bed), SEC(30));
    bed_pass(bed, SEC(35));
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REQUEST), 4);
    answer(bed, 200, CONTENT_JSON, "0");
    expect_end(bed, STEP_OK, 4);
}

static void an_answer_after_the_time_out_reaches_nobody(void **state)
{
    (void)state;
    struct bed *bed = start(drain(180));
    struct message late = bed_reply(bed_sent(bed, MSG_HTTP_REQUEST, 0), MSG_HTTP_REPLY);
    late.u.http_reply.status = 200;
    late.u.http_reply.body = bed_blob(bed, "0");
    bed_pass(bed, SEC(35));
    bed_deliver(bed, &late);
    assert_int_equal(bed_record_count(bed, RECORD_STEP_ENDED), 0);
    answer(bed, 200, CONTENT_JSON, "0");
    expect_end(bed, STEP_OK, 2);
}

static void zero_with_a_bad_status_ends_the_repetition_and_fails(void **state)
{
    (void)state;
    struct bed *bed = start(drain(180));
    answer(bed, 500, CONTENT_TEXT, "0");
    expect_end(bed, STEP_FAILED, 1);
}

static void without_a_condition_one_request_decides(void **state)
{
    (void)state;
    struct step disable = {.kind = STEP_REQUEST,
                           .path = "/disable",
                           .method = HTTP_POST,
                           .status = 200,
                           .retries = 9};
    struct bed *bed = start(disable);
    answer(bed, 401, CONTENT_JSON, "{}");
    expect_end(bed, STEP_FAILED, 1);
    disable.ignore_errors = 1;
    bed = start(disable);
    answer(bed, 404, CONTENT_JSON, "{}");
    expect_end(bed, STEP_IGNORED, 1);
    disable.ignore_errors = 0;
    disable.status = 0;
    bed = start(disable);
    answer(bed, 404, CONTENT_JSON, "{}");
    expect_end(bed, STEP_OK, 1);
}

static void giving_up_is_ignored_by_a_switch(void **state)
{
    (void)state;
    struct step wanted = drain(1);
    wanted.ignore_errors = 2;
    wanted.ignore_switch = "go-on";
    struct bed *bed = start(wanted);
    answer(bed, 200, CONTENT_JSON, "1");
    bed_pass(bed, SEC(5));
    answer(bed, 200, CONTENT_JSON, "1");
    expect_end(bed, STEP_IGNORED, 2);
    bed = start(wanted);
    ignore.on = 0;
    answer(bed, 200, CONTENT_JSON, "1");
    bed_pass(bed, SEC(5));
    answer(bed, 200, CONTENT_JSON, "1");
    expect_end(bed, STEP_GAVE_UP, 2);
}

static struct step wait_for_invokers(void)
{
    return (struct step){.kind = STEP_REQUEST,
                         .path = "/invokers",
                         .status = 200,
                         .until = {{.kind = UNTIL_JSON_NOT_EMPTY},
                                   {.kind = UNTIL_BODY_LACKS, .text = "unhealthy"}},
                         .until_count = 2,
                         .retries = 14,
                         .delay = SEC(5)};
}

static void what_is_not_json_where_json_is_read_fails_at_once(void **state)
{
    (void)state;
    struct bed *bed = start(wait_for_invokers());
    answer(bed, 500, CONTENT_TEXT, "There was an internal server error.");
    expect_end(bed, STEP_FAILED, 1);
    bed = start(wait_for_invokers());
    struct message m = bed_reply(bed_sent(bed, MSG_HTTP_REQUEST, 0), MSG_REFUSED);
    bed_deliver(bed, &m);
    expect_end(bed, STEP_FAILED, 1);
    bed = start(wait_for_invokers());
    answer(bed, 200, CONTENT_TEXT, "{\"invoker0/0\":\"up\"}");
    expect_end(bed, STEP_FAILED, 1);
}

static void an_empty_object_and_unhealthy_are_waited_out_down_is_not(void **state)
{
    (void)state;
    struct bed *bed = start(wait_for_invokers());
    answer(bed, 200, CONTENT_JSON, "{}");
    bed_pass(bed, SEC(5));
    answer(bed, 200, CONTENT_JSON, "{\"invoker0/0\":\"unhealthy\"}");
    bed_pass(bed, SEC(5));
    answer(bed, 200, CONTENT_JSON, "{\"invoker0/0\":\"down\",\"invoker1/1\":\"unresponsive\"}");
    expect_end(bed, STEP_OK, 3);
}

static void another_instance_is_asked_in_turn_with_the_hosts_index(void **state)
{
    (void)state;
    struct bed *bed =
        start((struct step){.kind = STEP_REQUEST,
                            .path = "/x/<i>",
                            .ask = NODE_CONTROLLER,
                            .status = 200,
                            .until = {{.kind = UNTIL_BODY_HAS, .text = "s<i>:up"}},
                            .until_count = 1,
                            .retries = 9,
                            .delay = SEC(1)});
    assert_int_equal(bed_sent(bed, MSG_HTTP_REQUEST, 0)->to, BED_CONTROLLER0);
    assert_string_equal(bed_text(bed, bed_sent(bed, MSG_HTTP_REQUEST, 0)->u.http_request.path),
                        "/x/1");
    answer(bed, 200, CONTENT_JSON, "s0:up");
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent(bed, MSG_HTTP_REQUEST, 1)->to, BED_CONTROLLER1);
    answer(bed, 200, CONTENT_JSON, "s0:up s1:up");
    expect_end(bed, STEP_OK, 2);
}

static void pending_names_the_step(void **state)
{
    (void)state;
    char text[200];
    struct bed *bed = start(drain(180));
    assert_true(deployer_ops.pending(bed->machine, text, sizeof text));
    assert_string_equal(
        text, "step drain of scheduler1 under way (deploy entry 0, 1 requests so far)");
    answer(bed, 200, CONTENT_JSON, "0");
    assert_false(deployer_ops.pending(bed->machine, text, sizeof text));
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_carries_path_and_credentials),
        cmocka_unit_test(zero_as_text_is_as_good_as_zero_as_json),
        cmocka_unit_test(n_retries_are_n_plus_one_requests),
        cmocka_unit_test(whatever_is_not_exactly_zero_is_asked_again),
        cmocka_unit_test(refused_broken_and_silent_are_empty_answers),
        cmocka_unit_test(an_answer_after_the_time_out_reaches_nobody),
        cmocka_unit_test(zero_with_a_bad_status_ends_the_repetition_and_fails),
        cmocka_unit_test(without_a_condition_one_request_decides),
        cmocka_unit_test(giving_up_is_ignored_by_a_switch),
        cmocka_unit_test(what_is_not_json_where_json_is_read_fails_at_once),
        cmocka_unit_test(an_empty_object_and_unhealthy_are_waited_out_down_is_not),
        cmocka_unit_test(another_instance_is_asked_in_turn_with_the_hosts_index),
        cmocka_unit_test(pending_names_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
