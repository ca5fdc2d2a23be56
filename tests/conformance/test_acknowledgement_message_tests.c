/* Upstream's AcknowledgementMessageTests: acks as text, and read back. */
#include "core/record.h"
#include "support/conform.h"
#include "wire/wire_entry.h"
#include <stdio.h>
#include <string.h>

#define INVOKER                                                                                \
    "{\"dedicatedNamespaces\":[],\"instance\":0,\"instanceType\":\"invoker\",\"tags\":[],"     \
    "\"uniqueName\":\"0\",\"userMemory\":\"1073741824 B\"}"

static struct wire wire;
static struct wire_buffer buffer;
static char id[33];

static int setup(void **state)
{
    struct bed *bed = *state = bed_new(NULL, BED_KAFKA, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    buffer = (struct wire_buffer){0};
    cluster_activation_text(&bed->draws, ACTIVATION_ID(9, 0), id);
    return 0;
}

static int teardown(void **state)
{
    wire_buffer_free(&buffer);
    bed_free(*state);
    return 0;
}

static struct ack ack_of(enum ack_kind kind, enum response_status status, bool shrunk)
{
    return (struct ack){.id = ACTIVATION_ID(9, 0),
                        .kind = (uint8_t)kind,
                        .status = (uint8_t)status,
                        .error = status == RESPONSE_WHISK_ERROR ? ERROR_TIMED_OUT : ERROR_NONE,
                        .instance = ACK_BY_INVOKER,
                        .signer = kind == ACK_RESULT ? NODE_NONE : BED_INVOKER0,
                        .controller = BED_CONTROLLER1,
                        .action = BED_HELLO,
                        .ns = BED_GUEST,
                        .shrunk = shrunk,
                        .run_ms = 123};
}

/* `response`, as one of a record has it; the text of a system error is within. */
static void write_record(char *text, size_t size, enum response_status status)
{
    char result[128];
    snprintf(result, sizeof result,
             status == RESPONSE_WHISK_ERROR ? "{\"error\":\"%s\"}" : "{}",
             error_text_to_string(ERROR_TIMED_OUT));
    snprintf(text, size,
             "{\"activationId\":\"%s\",\"annotations\":[{\"key\":\"path\",\"value\":"
             "\"guest/hello\"},{\"key\":\"kind\",\"value\":\"nodejs:20\"},{\"key\":\"timeout\","
             "\"value\":%s},{\"key\":\"limits\",\"value\":{\"concurrency\":1,\"logs\":10,"
             "\"memory\":256,\"timeout\":60000}}],\"duration\":123,\"end\":1700000000123,"
             "\"logs\":[],\"name\":\"hello\",\"namespace\":\"guest\",\"publish\":false,"
             "\"response\":{\"result\":%s,\"statusCode\":%d},\"start\":1700000000000,"
             "\"subject\":\"guest\",\"version\":\"0.0.1\"}",
             id, status == RESPONSE_WHISK_ERROR ? "true" : "false", result, (int)status);
}

/* Written it is this text, and the text read is `read`. */
static void expect(const struct ack *ack, const char *text, const struct ack *read)
{
    struct entry entry = {.kind = ENTRY_ACK};
    entry.u.ack = *ack;
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    assert_string_equal(buffer.bytes, text);
    struct entry again = wire_entry_read(&wire, TOPIC(TOPIC_COMPLETED, 1),
                                         (struct wire_text){buffer.bytes, buffer.length});
    assert_int_equal(again.kind, ENTRY_ACK);
    assert_memory_equal(&again.u.ack, read, sizeof *read);
}

/* What a text without a record does not say. */
static struct ack without_record(struct ack ack)
{
    ack.action = ACTION_NONE;
    ack.ns = NAMESPACE_NONE;
    ack.run_ms = 0;
    ack.error = ERROR_NONE;
    return ack;
}

static void a_shrunk_result_is_read_back(void **state)
{
    (void)state;
    char text[256];
    struct ack ack = ack_of(ACK_RESULT, RESPONSE_SUCCESS, true), read = without_record(ack);
    snprintf(text, sizeof text, "{\"response\":\"%s\",\"transid\":[\"%s\",1700000000000]}", id,
             id);
    expect(&ack, text, &read);
    assert_null(strstr(text, "instance")); /* no slot is free */
}

static void a_result_is_read_back(void **state)
{
    (void)state;
    char text[1024], record[768];
    struct ack ack = ack_of(ACK_RESULT, RESPONSE_SUCCESS, false);
    write_record(record, sizeof record, RESPONSE_SUCCESS);
    snprintf(text, sizeof text, "{\"response\":%s,\"transid\":[\"%s\",1700000000000]}", record,
             id);
    expect(&ack, text, &ack);
}

static void a_completion_is_read_back(void **state)
{
    (void)state;
    char text[512];
    struct ack ack = ack_of(ACK_COMPLETION, RESPONSE_SUCCESS, false),
               read = without_record(ack);
    snprintf(text, sizeof text,
             "{\"activationId\":\"%s\",\"instance\":" INVOKER ",\"isSystemError\":false,"
             "\"transid\":[\"%s\",1700000000000]}",
             id, id);
    expect(&ack, text, &read);
}

static void expect_combined(enum response_status status, bool shrunk)
{
    char text[1280], record[768], shrunk_id[40];
    struct ack ack = ack_of(ACK_COMBINED, status, shrunk);
    struct ack read = shrunk ? without_record(ack) : ack;
    write_record(record, sizeof record, status);
    snprintf(shrunk_id, sizeof shrunk_id, "\"%s\"", id);
    snprintf(text, sizeof text,
             "{\"instance\":" INVOKER ",\"isSystemError\":%s,\"response\":%s,"
             "\"transid\":[\"%s\",1700000000000]}",
             status == RESPONSE_WHISK_ERROR ? "true" : "false", shrunk ? shrunk_id : record,
             id);
    expect(&ack, text, &read);
}

static void a_combined_one_is_read_back(void **state)
{
    (void)state;
    expect_combined(RESPONSE_SUCCESS, false);
    expect_combined(RESPONSE_WHISK_ERROR, false);
    expect_combined(RESPONSE_SUCCESS, true);
    expect_combined(RESPONSE_WHISK_ERROR, true);
}

int main(void)
{
#define SUITE "AcknowledgementMessageTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 58, a_shrunk_result_is_read_back),
        CONFORMS(SUITE, 67, a_result_is_read_back),
        CONFORMS(SUITE, 75, a_completion_is_read_back),
        CONFORMS(SUITE, 86, a_combined_one_is_read_back),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
