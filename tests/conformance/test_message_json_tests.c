/*
 * test_message_json_tests.c - upstream's AcknowledgementMessageTests, TransactionIdTests,
 * InvokerInstanceIdTests and ControllerInstanceIdTests: what messages look like as JSON.
 *
 * Messages are fixed structs here, so "serialize and deserialize" is: written, compared byte by
 * byte, read back, and equal field by field.
 */
#include "core/record.h"
#include "support/conform.h"
#include "wire/wire_entry.h"
#include <stdio.h>
#include <string.h>

#define ACKS TOPIC(TOPIC_COMPLETED, 1)
#define ACTIVATIONS TOPIC(TOPIC_SCHEDULER, 0)

static struct bed *bed;
static struct wire wire;
static struct wire_buffer buffer;

static int setup(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_KAFKA, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    wire_buffer_clear(&buffer);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wire_buffer_free(&buffer);
    bed_free(bed);
    return 0;
}

/* ---- AcknowledgementMessageTests ---- */

static struct entry ack(enum ack_kind kind, enum response_status status, bool shrunk)
{
    struct entry entry = {.kind = ENTRY_ACK};
    bool has_record = kind != ACK_COMPLETION && !shrunk;
    entry.u.ack = (struct ack){.id = ACTIVATION_ID(9, 0),
                               .kind = (uint8_t)kind,
                               .status = (uint8_t)status,
                               .signer = kind == ACK_RESULT ? NODE_NONE : BED_INVOKER2,
                               .controller = BED_CONTROLLER1,
                               .action = has_record ? BED_HELLO : ACTION_NONE,
                               .ns = has_record ? BED_GUEST : NAMESPACE_NONE,
                               .shrunk = kind != ACK_COMPLETION && shrunk,
                               .run_ms = has_record ? 123 : 0};
    return entry;
}

static struct entry read_text(uint32_t topic, const char *text)
{
    return wire_entry_read(&wire, topic, (struct wire_text){text, strlen(text)});
}

/* Written, it has exactly these members; read, it is the same again. */
static void expect_ack(const struct entry *entry, const char *members)
{
    char id[33], first[128];
    struct entry back, same;
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, entry, &buffer);
    cluster_activation_text(&bed->draws, entry->u.ack.id, id);
    char names[256] = "";
    unsigned depth = 0;
    for (const char *at = buffer.bytes; *at != '\0'; at++) {
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        const char *end = *at == '"' && depth == 1 ? strchr(at + 1, '"') : NULL;
        if (end != NULL && end[1] == ':')
            (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%.*s ",
                           (int)(end - at - 1), at + 1);
        at = end != NULL ? end : at;
    }
    assert_string_equal(names, members);
    assert_non_null(strstr(buffer.bytes, id));
    back = read_text(ACKS, buffer.bytes);
    same = *entry;
    assert_int_equal(back.kind, ENTRY_ACK);
    if (entry->u.ack.shrunk && entry->u.ack.status != RESPONSE_SUCCESS)
        same.u.ack.status = RESPONSE_WHISK_ERROR; /* all that isSystemError says */
    assert_memory_equal(&back.u.ack, &same.u.ack, sizeof back.u.ack);
    (void)snprintf(first, sizeof first, "%s", buffer.bytes);
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &back, &buffer);
    assert_memory_equal(buffer.bytes, first, strlen(first));
}

static void a_shrunk_result_has_the_id_alone(void **state)
{
    (void)state;
    struct entry entry = ack(ACK_RESULT, RESPONSE_SUCCESS, true);
    char id[33], text[200];
    cluster_activation_text(&bed->draws, entry.u.ack.id, id);
    (void)snprintf(text, sizeof text,
                   "{\"response\":\"%s\",\"transid\":[\"%s\",1700000000000]}", id, id);
    expect_ack(&entry, "response transid ");
    assert_string_equal(buffer.bytes, text);
}

static void a_result_has_the_record_and_frees_no_slot(void **state)
{
    (void)state;
    struct entry entry = ack(ACK_RESULT, RESPONSE_SUCCESS, false);
    expect_ack(&entry, "response transid ");
    assert_non_null(strstr(buffer.bytes, "\"duration\":123"));
    assert_int_equal(read_text(ACKS, buffer.bytes).u.ack.signer, NODE_NONE);
}

static void a_completion_names_its_invoker(void **state)
{
    (void)state;
    struct entry entry = ack(ACK_COMPLETION, RESPONSE_SUCCESS, false);
    expect_ack(&entry, "activationId instance isSystemError transid ");
    assert_int_equal(read_text(ACKS, buffer.bytes).u.ack.signer, BED_INVOKER2);
    assert_non_null(strstr(buffer.bytes, "\"isSystemError\":false"));
}

static void a_combined_ack_keeps_its_flag_also_when_it_is_shrunk(void **state)
{
    (void)state;
    for (unsigned shrunk = 0; shrunk < 2; shrunk++) {
        for (unsigned is_error = 0; is_error < 2; is_error++) {
            enum response_status status = is_error ? RESPONSE_WHISK_ERROR : RESPONSE_SUCCESS;
            struct entry entry = ack(ACK_COMBINED, status, shrunk);
            expect_ack(&entry, "instance isSystemError response transid ");
            assert_non_null(strstr(buffer.bytes, is_error ? "\"isSystemError\":true"
                                                          : "\"isSystemError\":false"));
            assert_int_equal(read_text(ACKS, buffer.bytes).u.ack.signer, BED_INVOKER2);
        }
    }
}

/* ---- TransactionIdTests: of an activation's transaction its start is kept ---- */

static struct entry activation(uint64_t started_at)
{
    struct entry entry = {.kind = ENTRY_ACTIVATION};
    entry.u.activation = (struct activation){.id = ACTIVATION_ID(7, 0),
                                             .revision = 1,
                                             .started_at = started_at,
                                             .action = BED_HELLO,
                                             .ns = BED_GUEST,
                                             .controller = BED_CONTROLLER1,
                                             .blocking = 1};
    return entry;
}

/* The activation's text with another transaction id. */
static struct entry read_transaction(const char *transaction)
{
    struct entry entry = activation(TSTAMP_ORIGIN);
    char text[2048];
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    const char *at = strstr(buffer.bytes, "\"transid\":[");
    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s\"transid\":%s%s", (int)(at - buffer.bytes),
                   buffer.bytes, transaction, strchr(at, ']') + 1);
    return read_text(ACTIVATIONS, text);
}

static void expect_start(const char *transaction)
{
    struct entry same = activation(TSTAMP_ORIGIN + MSEC(1234));
    struct entry entry = read_transaction(transaction);
    assert_int_equal(entry.kind, ENTRY_ACTIVATION);
    assert_memory_equal(&entry.u.activation, &same.u.activation, sizeof same.u.activation);
}

static void a_transaction_with_a_parent_is_read(void **state)
{
    (void)state;
    expect_start("[\"ctid1\",1700000001234,[\"ptid1\",1500000000000]]");
}

static void extra_logging_is_read_over(void **state)
{
    (void)state;
    expect_start("[\"ctid1\",1700000001234,true,[\"ptid1\",1500000000000,true]]");
}

static void a_transaction_without_a_parent_is_read(void **state)
{
    (void)state;
    expect_start("[\"ctid1\",1700000001234]");
}

static void a_transaction_without_a_parent_is_written(void **state)
{
    (void)state;
    struct entry entry = activation(TSTAMP_ORIGIN + MSEC(1234));
    char id[33], text[128];
    cluster_activation_text(&bed->draws, entry.u.activation.id, id);
    (void)snprintf(text, sizeof text, "\"transid\":[\"%s\",1700000001234],", id);
    wire_entry_write(&wire, &entry, &buffer);
    assert_non_null(strstr(buffer.bytes, text));
}

/* ---- InvokerInstanceIdTests, ControllerInstanceIdTests ---- */

static struct entry read_changed(uint32_t topic, const struct entry *entry, const char *from,
                                 const char *to)
{
    char text[2048];
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, entry, &buffer);
    const char *at = strstr(buffer.bytes, from);
    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - buffer.bytes), buffer.bytes, to,
                   at + strlen(from));
    return read_text(topic, text);
}

/* The deployment gives each invoker a unique name; the tests' minimal id has none. */
static void an_invoker_without_a_name_is_read(void **state)
{
    (void)state;
    struct entry entry = ack(ACK_COMPLETION, RESPONSE_SUCCESS, false);
    struct entry back = read_changed(ACKS, &entry, ",\"uniqueName\":\"2\"", "");
    assert_memory_equal(&back.u.ack, &entry.u.ack, sizeof back.u.ack);
}

static void an_invoker_with_names_is_written_and_read(void **state)
{
    (void)state;
    struct entry entry = ack(ACK_COMPLETION, RESPONSE_SUCCESS, false);
    wire_entry_write(&wire, &entry, &buffer);
    assert_non_null(strstr(buffer.bytes,
                           "{\"dedicatedNamespaces\":[],\"instance\":2,\"instanceType\":"
                           "\"invoker\",\"tags\":[],\"uniqueName\":\"2\",\"userMemory\":"
                           "\"1073741824 B\"}"));
    struct entry back =
        read_changed(ACKS, &entry, "\"uniqueName\":\"2\"",
                     "\"uniqueName\":\"uniqueInvoker\",\"displayedName\":\"displayedInvoker\"");
    assert_memory_equal(&back.u.ack, &entry.u.ack, sizeof back.u.ack);
}

static node_id controller_of(const char *text)
{
    struct entry entry = activation(TSTAMP_ORIGIN);
    entry = read_changed(ACTIVATIONS, &entry,
                         "{\"asString\":\"1\",\"instanceType\":\"controller\"}", text);
    return entry.kind == ENTRY_ACTIVATION ? entry.u.activation.controller : NODE_HOST;
}

/* Readable, and none of this cluster's controllers. */
static void usable_characters_are_read(void **state)
{
    (void)state;
    static const char *const ids[] = {"a", "a.1", "a_1"};
    for (unsigned i = 0; i < 3; i++) {
        char text[64];
        (void)snprintf(text, sizeof text,
                       "{\"asString\":\"%s\",\"instanceType\":\"controller\"}", ids[i]);
        assert_int_equal(controller_of(text), NODE_NONE);
    }
    assert_int_equal(controller_of("{\"asString\":\"1\",\"instanceType\":\"controller\"}"),
                     BED_CONTROLLER1);
}

static void unusable_characters_are_refused(void **state)
{
    (void)state;
    char text[256], many[130];
    memset(many, 'a', 129);
    many[129] = '\0';
    const char *const ids[] = {" ", "!", "$", many};
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"asString\":\"%s\",\"instanceType\":\"controller\"}", ids[i]);
        assert_int_equal(controller_of(text), NODE_HOST); /* nothing of the message */
    }
    many[128] = '\0';
    (void)snprintf(text, sizeof text, "{\"asString\":\"%s\"}", many);
    assert_int_equal(controller_of(text), NODE_NONE);
}

static void the_old_form_without_a_type_is_read(void **state)
{
    (void)state;
    assert_int_equal(controller_of("{\"asString\":\"0\"}"), BED_CONTROLLER0);
}

static void a_controller_is_written_with_its_type(void **state)
{
    (void)state;
    struct entry entry = activation(TSTAMP_ORIGIN);
    wire_entry_write(&wire, &entry, &buffer);
    assert_non_null(strstr(buffer.bytes, "\"rootControllerIndex\":{\"asString\":\"1\","
                                         "\"instanceType\":\"controller\"}"));
    assert_int_equal(read_text(ACTIVATIONS, buffer.bytes).u.activation.controller,
                     BED_CONTROLLER1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("AcknowledgementMessageTests", 58, a_shrunk_result_has_the_id_alone),
        CONFORMS("AcknowledgementMessageTests", 67, a_result_has_the_record_and_frees_no_slot),
        CONFORMS("AcknowledgementMessageTests", 75, a_completion_names_its_invoker),
        CONFORMS("AcknowledgementMessageTests", 86,
                 a_combined_ack_keeps_its_flag_also_when_it_is_shrunk),
        CONFORMS("TransactionIdTests", 33, a_transaction_with_a_parent_is_read),
        CONFORMS("TransactionIdTests", 47, extra_logging_is_read_over),
        CONFORMS("TransactionIdTests", 61, a_transaction_without_a_parent_is_read),
        CONFORMS("TransactionIdTests", 102, a_transaction_without_a_parent_is_written),
        CONFORMS("InvokerInstanceIdTests", 36, an_invoker_without_a_name_is_read),
        CONFORMS("InvokerInstanceIdTests", 48, an_invoker_with_names_is_written_and_read),
        CONFORMS("ControllerInstanceIdTests", 34, usable_characters_are_read),
        CONFORMS("ControllerInstanceIdTests", 41, unusable_characters_are_refused),
        CONFORMS("ControllerInstanceIdTests", 49, the_old_form_without_a_type_is_read),
        CONFORMS("ControllerInstanceIdTests", 54, a_controller_is_written_with_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
