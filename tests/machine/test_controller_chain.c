/*
 * test_controller_chain.c - sequences and triggers in a controller's memory: parts one after
 * the other, what ends them, the record of the whole, and what the count does not see.
 */
#include "support/controller_bed.h"

#define ID ACTIVATION_ID(1, 0)
#define SECOND ACTIVATION_ID(2, 0)
#define PART(n) ACTIVATION_ID(REQUEST_ENTRY_PART << 24 | (n), 0)
#define BED_BOTH BED_FAILS /* guest/pack/fails is made the sequence, or the trigger */

static const action_id twice[] = {BED_HELLO, BED_HELLO};
static const action_id nested[] = {BED_BOTH, BED_HELLO};
static struct bed *bed;

static void make(action_id action, enum action_kind kind, const action_id *parts,
                 uint32_t count)
{
    bed->actions[action].kind = (uint8_t)kind;
    bed->actions[action].parts = parts;
    bed->actions[action].part_count = count;
}

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    make(BED_BOTH, ACTION_SEQUENCE, twice, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

/* The sequence's document is at hand afterwards; one call of it stands at its first part. */
static void start(activation_id id, bool blocking)
{
    send_invoke(bed, id, BED_BOTH, blocking);
    answer_action(bed, DOCUMENT_FOUND);
}

static void finish_part(activation_id id, enum response_status response)
{
    send_ack(bed, an_ack(id, ACK_COMBINED, response));
}

static void expect_stored(uint32_t n, activation_id id, enum response_status response,
                          enum error_text error)
{
    const struct message *m = bed_sent(bed, MSG_DATABASE_STORE, n);
    assert_int_equal(m->to, BED_DATABASE);
    assert_int_equal(m->u.store.id, id);
    assert_int_equal(m->u.store.action, BED_BOTH);
    assert_int_equal(m->u.store.ns, BED_GUEST);
    assert_int_equal(m->u.store.response, response);
    assert_int_equal(m->u.store.error, error);
    assert_int_equal(m->u.store.end_at, bed->now);
}

static void components_run_one_after_the_other_and_the_whole_is_stored(void **state)
{
    (void)state;
    start(ID, false);
    expect_answer(bed, ID, 202, ERROR_NONE);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    const struct message *m = bed_sent(bed, MSG_KAFKA_PRODUCE, 0);
    assert_int_equal(m->u.produce.entry.u.activation.id, PART(1));
    assert_int_equal(m->u.produce.entry.u.activation.action, BED_HELLO);
    assert_int_equal(m->u.produce.entry.u.activation.blocking, 1);
    answer_produced(bed, 0, true);
    tstamp since = bed->now;
    bed_pass(bed, SEC(1));
    finish_part(PART(1), RESPONSE_SUCCESS);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 1)->u.produce.entry.u.activation.id,
                     PART(2));
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    answer_produced(bed, 1, true);
    bed_pass(bed, SEC(1));
    finish_part(PART(2), RESPONSE_SUCCESS);
    expect_stored(0, ID, RESPONSE_SUCCESS, ERROR_NONE);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_STORE, 0)->u.store.start_at, since);
    expect_answer(bed, ID, 202, ERROR_NONE);
    char text[64];
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
    expect_records(bed, "starts guest/pack/fails as activation 1\n"
                        "answers activation 1: HTTP 202, success\n"
                        "goes on with guest/hello in activation 1\n"
                        "accepts activation 486539265 of guest/hello, blocking\n"
                        "gets a combined ack for activation 486539265\n"
                        "goes on with guest/hello in activation 1\n"
                        "accepts activation 486539266 of guest/hello, blocking\n"
                        "gets a combined ack for activation 486539266\n"
                        "ends guest/pack/fails as activation 1: success\n");
}

static void between_two_components_the_count_is_0(void **state)
{
    (void)state;
    start(ID, false);
    answer_produced(bed, 0, true);
    expect_count(bed, "1");
    bed->posts_by_hand = true;
    finish_part(PART(1), RESPONSE_SUCCESS);
    expect_count(bed, "0");
    for (uint32_t i = 0; i < bed_posts(bed); i++) {
        const struct message *m = bed_post(bed, i);
        bool is_end = ACTOR_KIND(m->to_actor) == ACTOR_CALLBACK;
        assert_int_equal(m->to_actor, is_end ? ACTOR(ACTOR_CALLBACK, 0, 0) : ACTOR_FEED_ID(0));
        assert_int_equal(m->from_actor,
                         is_end ? ACTOR(ACTOR_BALANCER, 0, 0) : ACTOR_FEED_HANDLER_ID(0));
        if (is_end)
            assert_string_equal(bed->ops->post_name(m->what), "part-done");
    }
    char text[64];
    assert_true(bed->ops->pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "1 sequences or firings open");
    bed->posts_by_hand = false;
    bed_settle(bed);
    expect_count(bed, "1");
}

static void an_error_of_a_component_is_that_of_the_whole_and_ends_it(void **state)
{
    (void)state;
    static const struct {
        enum response_status response;
        unsigned status;
    } rows[] = {{RESPONSE_APPLICATION_ERROR, 502},
                {RESPONSE_DEVELOPER_ERROR, 502},
                {RESPONSE_WHISK_ERROR, 500}};
    for (uint32_t n = 0; n < 3; n++) {
        end(NULL);
        begin(NULL);
        start(ID, true);
        answer_produced(bed, 0, true);
        assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
        struct ack ack = an_ack(PART(1), ACK_COMBINED, rows[n].response);
        ack.error = ERROR_TIMED_OUT;
        send_ack(bed, ack);
        assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
        expect_stored(0, ID, rows[n].response, ERROR_TIMED_OUT);
        expect_answer(bed, ID, rows[n].status, ERROR_TIMED_OUT);
    }
}

static void a_blocking_caller_has_the_result_of_the_last(void **state)
{
    (void)state;
    start(ID, true);
    answer_produced(bed, 0, true);
    finish_part(PART(1), RESPONSE_SUCCESS);
    answer_produced(bed, 1, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    finish_part(PART(2), RESPONSE_SUCCESS);
    expect_answer(bed, ID, 200, ERROR_NONE);
    expect_stored(0, ID, RESPONSE_SUCCESS, ERROR_NONE);
    bed_pass(bed, SEC(200));
    expect_answer(bed, ID, 200, ERROR_NONE);
}

static void a_blocking_caller_is_answered_202_a_minute_after_the_start(void **state)
{
    (void)state;
    start(ID, true);
    answer_produced(bed, 0, true);
    bed_pass(bed, SEC(60) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, 1);
    expect_answer(bed, ID, 202, ERROR_NONE);
    finish_part(PART(1), RESPONSE_SUCCESS);
    answer_produced(bed, 1, true);
    finish_part(PART(2), RESPONSE_SUCCESS);
    expect_stored(0, ID, RESPONSE_SUCCESS, ERROR_NONE);
    expect_answer(bed, ID, 202, ERROR_NONE);
}

/* Its own wait, a minute longer than its limit; the server's 65 s are not for it. */
static void
a_component_without_a_result_ends_the_sequence_after_its_limit_and_a_minute(void **state)
{
    (void)state;
    bed_config(bed, "whisk.controller.activation.polling-from-db", 0);
    start(ID, false);
    answer_produced(bed, 0, true);
    bed_pass(bed, SEC(120) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    bed_pass(bed, 1);
    expect_stored(0, ID, RESPONSE_WHISK_ERROR, ERROR_COMPONENT_TIMEOUT);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    expect_count(bed, "1"); /* the component's slot, until its own time is up */
}

static void a_component_that_cannot_be_sent_makes_it_a_whisk_error(void **state)
{
    (void)state;
    for (node_id n = BED_SCHEDULER0; n <= BED_SCHEDULER1; n++)
        send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, n), scheduler_state(n, 1), true);
    bed_forget(bed);
    start(ID, true);
    expect_stored(0, ID, RESPONSE_WHISK_ERROR, ERROR_SEQUENCE_FAILED);
    expect_answer(bed, ID, 500, ERROR_SEQUENCE_FAILED);
    assert_int_equal(bed_record_count(bed, RECORD_REJECTED), 0);
    expect_forgotten(bed, ID);
    expect_forgotten(bed, PART(1));
}

static void a_send_that_fails_makes_it_a_whisk_error(void **state)
{
    (void)state;
    start(ID, false);
    bed_pass(bed, SEC(120)); /* delivery.timeout.ms */
    expect_stored(0, ID, RESPONSE_WHISK_ERROR, ERROR_SEQUENCE_FAILED);
    expect_count(bed, "1"); /* the slot leaks */
}

static void a_poll_that_fails_makes_it_a_whisk_error(void **state)
{
    (void)state;
    start(ID, false);
    answer_produced(bed, 0, true);
    bed_forget(bed);
    bed_pass(bed, SEC(15));
    answer_record(bed, 0, DOCUMENT_ERROR, RESPONSE_SUCCESS);
    expect_stored(0, ID, RESPONSE_WHISK_ERROR, ERROR_SEQUENCE_FAILED);
}

/* All are asked for at the start, though the second waits for the first. */
static void a_component_that_does_not_exist_is_an_application_error(void **state)
{
    (void)state;
    static const action_id parts[] = {BED_HELLO, BED_SLOW};
    make(BED_BOTH, ACTION_SEQUENCE, parts, 2);
    start(ID, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 2);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, 1)->u.database.action, BED_SLOW);
    answer_produced(bed, 0, true);
    finish_part(PART(1), RESPONSE_SUCCESS);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, 1), MSG_DATABASE_DOCUMENT);
    m.u.database.result = DOCUMENT_MISSING;
    bed_deliver(bed, &m);
    expect_stored(0, ID, RESPONSE_APPLICATION_ERROR, ERROR_NO_COMPONENT);
}

static void a_component_that_cannot_be_read_leaves_no_record(void **state)
{
    (void)state;
    static const action_id parts[] = {BED_SLOW, BED_HELLO};
    make(BED_BOTH, ACTION_SEQUENCE, parts, 2);
    start(ID, true);
    start(SECOND, false);
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, 1), MSG_DATABASE_DOCUMENT);
    m.u.database.result = DOCUMENT_ERROR;
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 0)->u.invoke_reply.status, 202);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 1)->u.invoke_reply.id, ID);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 1)->u.invoke_reply.status, 500);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 1)->u.invoke_reply.response,
                     RESPONSE_WHISK_ERROR);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 1)->u.invoke_reply.error,
                     ERROR_SEND_FAILED);
    assert_int_equal(bed_record_count(bed, RECORD_CHAIN_ENDED), 0);
    char text[64];
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
}

static void start_outer(activation_id id, const action_id *parts, uint32_t count)
{
    make(BED_SLOW, ACTION_SEQUENCE, parts, count);
    send_invoke(bed, id, BED_SLOW, false);
    answer_action(bed, DOCUMENT_FOUND);
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, 1), MSG_DATABASE_DOCUMENT);
    m.u.database.result = DOCUMENT_FOUND;
    m.u.database.revision = 1;
    bed_deliver(bed, &m);
}

static void a_sequence_in_a_sequence_has_a_record_and_a_result_of_its_own(void **state)
{
    (void)state;
    start_outer(ID, nested, 2);
    for (uint32_t n = 0; n < 3; n++) {
        assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), n + 1);
        answer_produced(bed, n, true);
        finish_part(PART(n + 2), n == 2 ? RESPONSE_APPLICATION_ERROR : RESPONSE_SUCCESS);
        if (n == 1)
            expect_stored(0, PART(1), RESPONSE_SUCCESS, ERROR_NONE);
    }
    const struct message *m = bed_sent(bed, MSG_DATABASE_STORE, 1);
    assert_int_equal(m->u.store.id, ID);
    assert_int_equal(m->u.store.action, BED_SLOW);
    assert_int_equal(m->u.store.response, RESPONSE_APPLICATION_ERROR);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 2);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    assert_int_equal(bed_record(bed, RECORD_CHAIN_STARTED, 0)->value2, 0);
    assert_int_equal(bed_record(bed, RECORD_CHAIN_STARTED, 1)->value2, 1);
}

static void the_fifty_first_action_is_too_many(void **state)
{
    (void)state;
    action_id parts[26];
    for (uint32_t i = 0; i < 26; i++)
        parts[i] = BED_BOTH;
    start_outer(ID, parts, 26);
    for (uint32_t n = 0; n < 50; n++) {
        assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), n + 1);
        answer_produced(bed, n, true);
        finish_part(bed_sent(bed, MSG_KAFKA_PRODUCE, n)->u.produce.entry.u.activation.id,
                    RESPONSE_SUCCESS);
    }
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 50);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 26);
    const struct message *m = bed_sent(bed, MSG_DATABASE_STORE, 25);
    assert_int_equal(m->u.store.id, ID);
    assert_int_equal(m->u.store.response, RESPONSE_APPLICATION_ERROR);
    assert_int_equal(m->u.store.error, ERROR_SEQUENCE_TOO_LONG);
}

static void components_meet_no_throttle(void **state)
{
    (void)state;
    start(ID, false);
    answer_produced(bed, 0, true);
    bed->namespaces[BED_GUEST].invocations_per_minute = 0;
    send_watch_event(bed, bed_key(KEY_THROTTLING, BED_GUEST, BED_HELLO, 0), flag(true), false);
    finish_part(PART(1), RESPONSE_SUCCESS);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
}

static void a_lost_sequence_id_is_not_given_again_while_it_runs(void **state)
{
    (void)state;
    start(ID, false);
    bed_forget(bed);
    send_invoke(bed, ID, BED_BOTH, false);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
}

/* ---- triggers ---- */

static void answer_rule(uint32_t n, uint16_t status)
{
    struct message m = bed_reply(bed_sent(bed, MSG_INVOKE, n), MSG_INVOKE_REPLY);
    m.u.invoke_reply.id = bed_sent(bed, MSG_INVOKE, n)->u.invoke.id;
    m.u.invoke_reply.status = status;
    bed_deliver(bed, &m);
}

static void a_firing_is_answered_at_once_and_asks_its_own_port_for_each_rule(void **state)
{
    (void)state;
    make(BED_BOTH, ACTION_TRIGGER, twice, 2);
    start(ID, false);
    expect_answer(bed, ID, 202, ERROR_NONE);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 2);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    for (uint32_t n = 0; n < 2; n++) {
        const struct message *m = bed_sent(bed, MSG_INVOKE, n);
        assert_int_equal(m->to, BED_CONTROLLER0);
        assert_int_equal(m->to_actor, ACTOR_MAIN_ID);
        assert_int_equal(m->u.invoke.id, PART(n + 1));
        assert_int_equal(m->u.invoke.action, BED_HELLO);
        assert_int_equal(m->u.invoke.ns, BED_GUEST);
        assert_int_equal(m->u.invoke.blocking, 0);
    }
    expect_count(bed, "0");
    answer_rule(0, 429);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    answer_rule(1, 202);
    expect_stored(0, ID, RESPONSE_SUCCESS, ERROR_NONE);
    answer_rule(1, 202);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    expect_forgotten(bed, ID);
}

static void a_trigger_without_rules_is_answered_204_and_leaves_no_record(void **state)
{
    (void)state;
    make(BED_BOTH, ACTION_TRIGGER, twice, 0);
    start(ID, false);
    expect_answer(bed, ID, 204, ERROR_NONE);
    expect_forgotten(bed, ID);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    assert_int_equal(bed_record_count(bed, RECORD_CHAIN_STARTED), 0);
}

static void firings_have_a_limit_of_their_own_and_no_other_throttle(void **state)
{
    (void)state;
    make(BED_BOTH, ACTION_TRIGGER, twice, 1);
    bed->namespaces[BED_GUEST].fires_per_minute = 2;
    bed->namespaces[BED_GUEST].invocations_per_minute = 0;
    send_watch_event(bed, bed_key(KEY_THROTTLING, BED_GUEST, ACTION_NONE, 0), flag(true),
                     false);
    start(ID, false);
    send_invoke(bed, SECOND, BED_BOTH, false);
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_BOTH, false);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 3);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 1)->u.invoke_reply.status, 202);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 2)->u.invoke_reply.status, 429);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 2)->u.invoke_reply.error,
                     ERROR_TOO_MANY_PER_MINUTE);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 2);
}

static void its_records_name_the_parts(void **state)
{
    (void)state;
    start(ID, true);
    answer_produced(bed, 0, true);
    finish_part(PART(1), RESPONSE_SUCCESS);
    answer_produced(bed, 1, true);
    finish_part(PART(2), RESPONSE_APPLICATION_ERROR);
    assert_int_equal(bed_record(bed, RECORD_CHAIN_STARTED, 0)->value, 1);
    assert_int_equal(bed_record(bed, RECORD_CHAIN_STARTED, 0)->value2, 0);
    for (uint32_t i = 0; i < 2; i++) {
        const struct record *r = bed_record(bed, RECORD_CHAIN_PART, i);
        assert_int_equal(r->activation, ID);
        assert_int_equal(r->action, BED_HELLO);
        assert_int_equal(r->ns, BED_GUEST);
        assert_int_equal(r->value, PART(i + 1));
        assert_int_equal(r->value2, i);
    }
    const struct record *r = bed_record(bed, RECORD_CHAIN_ENDED, 0);
    assert_int_equal(r->activation, ID);
    assert_int_equal(r->action, BED_BOTH);
    assert_int_equal(r->ns, BED_GUEST);
    assert_int_equal(r->value + r->value2, 0);
    assert_int_equal(r->detail, RESPONSE_APPLICATION_ERROR);
    expect_answer(bed, ID, 502, ERROR_NONE);
}

/* The first part's id, of a controller in its so-manieth life: see the public API's own ids. */
static void expect_first_part(enum bed_node node, uint32_t controllers, uint32_t incarnation,
                              uint32_t ordinal)
{
    struct bed *other = bed_new(&controller_ops, node, NULL);
    bed_free(bed);
    bed = other;
    bed->cluster.counts[NODE_CONTROLLER] = controllers;
    make(BED_BOTH, ACTION_TRIGGER, twice, 1);
    bed_start(bed);
    for (uint32_t i = 0; i < incarnation; i++) {
        bed_crash(bed);
        bed_start(bed);
    }
    start(ID, false);
    assert_int_equal(bed_sent(bed, MSG_INVOKE, 0)->u.invoke.id,
                     ACTIVATION_ID(REQUEST_ENTRY_PART << 24 | ordinal, 0));
}

static void part_ids_tell_the_controller_and_its_incarnation(void **state)
{
    (void)state;
    expect_first_part(BED_CONTROLLER0, 1, 0, 1);
    expect_first_part(BED_CONTROLLER0, 1, 15, 15u << 20 | 1);
    expect_first_part(BED_CONTROLLER0, 1, 17, 1u << 20 | 1);
    expect_first_part(BED_CONTROLLER1, 2, 3, 1u << 23 | 3u << 19 | 1);
    expect_first_part(BED_CONTROLLER1, 3, 2, 1u << 22 | 2u << 18 | 1);
    expect_first_part(BED_CONTROLLER1, 4, 2, 1u << 22 | 2u << 18 | 1);
    expect_first_part(BED_CONTROLLER1, 5, 2, 1u << 21 | 2u << 17 | 1);
}

/* An id that somebody has brought is left out. */
static void a_part_id_in_use_is_left_out(void **state)
{
    (void)state;
    send_invoke(bed, PART(1), BED_HELLO, false);
    start(ID, false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 1)->u.produce.entry.u.activation.id,
                     PART(2));
}

/* Three at once; each is found by its id, whichever ends first. */
static void sequences_end_in_any_order(void **state)
{
    (void)state;
    static const uint32_t order[] = {1, 2, 0};
    start(ACTIVATION_ID(1, 0), false);
    for (uint32_t i = 2; i <= 3; i++)
        send_invoke(bed, ACTIVATION_ID(i, 0), BED_BOTH, false);
    for (uint32_t i = 0; i < 3; i++)
        answer_produced(bed, i, true);
    for (uint32_t i = 0; i < 3; i++) {
        finish_part(PART(order[i] + 1), RESPONSE_DEVELOPER_ERROR);
        expect_stored(i, ACTIVATION_ID(order[i] + 1, 0), RESPONSE_DEVELOPER_ERROR, ERROR_NONE);
        struct digest d = {0};
        bed->ops->digest(bed->machine, &d); /* it walks through those that are left */
    }
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 3);
}

/* The server's own answer does not end it. */
static void a_sequence_outlives_its_caller(void **state)
{
    (void)state;
    bed_config(bed, "whisk.controller.activation.max-wait-for-blocking-activation", SEC(90));
    start(ID, true);
    answer_produced(bed, 0, true);
    bed_pass(bed, SEC(65));
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    finish_part(PART(1), RESPONSE_SUCCESS);
    answer_produced(bed, 1, true);
    finish_part(PART(2), RESPONSE_SUCCESS);
    expect_stored(0, ID, RESPONSE_SUCCESS, ERROR_NONE);
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    char text[64];
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
    expect_forgotten(bed, ID);
    expect_forgotten(bed, PART(1));
}

static void a_nested_sequence_that_breaks_makes_the_outer_a_whisk_error(void **state)
{
    (void)state;
    static const action_id parts[] = {BED_WIDE, BED_HELLO};
    make(BED_BOTH, ACTION_SEQUENCE, parts, 2);
    start_outer(ID, nested, 2);
    uint32_t n = bed_sent_count(bed, MSG_DATABASE_READ) - 1;
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, n)->u.database.action, BED_WIDE);
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, n), MSG_DATABASE_DOCUMENT);
    m.u.database.result = DOCUMENT_ERROR;
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 1); /* the outer one's */
    const struct message *stored = bed_sent(bed, MSG_DATABASE_STORE, 0);
    assert_int_equal(stored->u.store.id, ID);
    assert_int_equal(stored->u.store.response, RESPONSE_WHISK_ERROR);
    assert_int_equal(stored->u.store.error, ERROR_SEQUENCE_FAILED);
    char text[64];
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
}

static void a_rule_is_asked_as_any_client_asks(void **state)
{
    (void)state;
    make(BED_BOTH, ACTION_TRIGGER, twice, 2);
    bed_pass(bed, SEC(2));
    start(ID, true); /* a firing is never waited for */
    expect_answer(bed, ID, 202, ERROR_NONE);
    assert_int_equal(bed_record(bed, RECORD_CHAIN_STARTED, 0)->value2, 0);
    for (uint32_t n = 0; n < 2; n++) {
        const struct message *m = bed_sent(bed, MSG_INVOKE, n);
        assert_int_equal(m->corr, ID);
        assert_int_equal(m->from_actor, ACTOR(ACTOR_CALL, 6, 0));
        assert_int_equal(m->u.invoke.sent_at, bed->now);
        assert_int_equal(bed_record(bed, RECORD_CHAIN_PART, n)->value, PART(n + 1));
        assert_int_equal(bed_record(bed, RECORD_CHAIN_PART, n)->value2, n);
    }
    struct message m = bed_reply(bed_sent(bed, MSG_INVOKE, 0), MSG_REFUSED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), 0);
    bed_pass(bed, SEC(1));
    answer_rule(1, 202);
    expect_stored(0, ID, RESPONSE_SUCCESS, ERROR_NONE);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_STORE, 0)->u.store.start_at, bed->now - SEC(1));
    assert_int_equal(bed_sent(bed, MSG_DATABASE_STORE, 0)->corr, ID);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
}

/* An answer to a firing that is none: a sequence has the number. */
static void an_answer_of_a_rule_is_none_for_a_sequence(void **state)
{
    (void)state;
    start(ID, false);
    bed_forget(bed);
    struct message m =
        bed_message(bed, MSG_INVOKE_REPLY, bed->env.node, ACTOR(ACTOR_CALL, 6, 0));
    m.corr = ID;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(bed->sent_count, 0);
}

/* The part's end and the inner sequence's are turns of the outer ones. */
static void the_end_of_an_inner_sequence_is_a_turn_of_its_own(void **state)
{
    (void)state;
    uint32_t turns = 0;
    start_outer(ID, nested, 2);
    answer_produced(bed, 0, true);
    finish_part(PART(2), RESPONSE_SUCCESS);
    answer_produced(bed, 1, true);
    bed->posts_by_hand = true;
    finish_part(PART(3), RESPONSE_SUCCESS);
    for (; bed_posts(bed) > 0; bed_post_next(bed)) {
        const struct message *m = bed_post(bed, 0);
        if (ACTOR_KIND(m->to_actor) != ACTOR_CALLBACK)
            continue;
        assert_int_equal(m->to_actor, ACTOR(ACTOR_CALLBACK, 0, 0));
        assert_int_equal(m->from_actor, ACTOR(ACTOR_BALANCER, 0, 0));
        assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORE), turns++);
        assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
    }
    assert_int_equal(turns, 2);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(components_run_one_after_the_other_and_the_whole_is_stored),
        TEST(between_two_components_the_count_is_0),
        TEST(an_error_of_a_component_is_that_of_the_whole_and_ends_it),
        TEST(a_blocking_caller_has_the_result_of_the_last),
        TEST(a_blocking_caller_is_answered_202_a_minute_after_the_start),
        TEST(a_component_without_a_result_ends_the_sequence_after_its_limit_and_a_minute),
        TEST(a_component_that_cannot_be_sent_makes_it_a_whisk_error),
        TEST(a_send_that_fails_makes_it_a_whisk_error),
        TEST(a_poll_that_fails_makes_it_a_whisk_error),
        TEST(a_component_that_does_not_exist_is_an_application_error),
        TEST(a_component_that_cannot_be_read_leaves_no_record),
        TEST(a_sequence_in_a_sequence_has_a_record_and_a_result_of_its_own),
        TEST(the_fifty_first_action_is_too_many),
        TEST(components_meet_no_throttle),
        TEST(a_lost_sequence_id_is_not_given_again_while_it_runs),
        TEST(a_firing_is_answered_at_once_and_asks_its_own_port_for_each_rule),
        TEST(a_trigger_without_rules_is_answered_204_and_leaves_no_record),
        TEST(firings_have_a_limit_of_their_own_and_no_other_throttle),
        TEST(its_records_name_the_parts),
        TEST(part_ids_tell_the_controller_and_its_incarnation),
        TEST(a_part_id_in_use_is_left_out),
        TEST(sequences_end_in_any_order),
        TEST(a_sequence_outlives_its_caller),
        TEST(a_nested_sequence_that_breaks_makes_the_outer_a_whisk_error),
        TEST(a_rule_is_asked_as_any_client_asks),
        TEST(an_answer_of_a_rule_is_none_for_a_sequence),
        TEST(the_end_of_an_inner_sequence_is_a_turn_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
