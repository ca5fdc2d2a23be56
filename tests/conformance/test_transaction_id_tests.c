/*
 * Upstream's TransactionIdTests, by the messages that carry such an id: of it the start counts,
 * by which a scheduler tells how old an activation is.
 */
#include "support/conform.h"
#include "wire/wire_entry.h"
#include <stdio.h>
#include <string.h>

#define CHILD_MS UINT64_C(1600000000000)

static struct wire wire;
static struct wire_buffer buffer;

static int setup(void **state)
{
    struct bed *bed = *state = bed_new(NULL, BED_KAFKA, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    buffer = (struct wire_buffer){0};
    return 0;
}

static int teardown(void **state)
{
    wire_buffer_free(&buffer);
    bed_free(*state);
    return 0;
}

static struct entry activation(void)
{
    struct entry entry = {.kind = ENTRY_ACTIVATION};
    entry.u.activation = (struct activation){.id = ACTIVATION_ID(7, 0),
                                             .revision = 1,
                                             .started_at = TSTAMP_ORIGIN + MSEC(1234),
                                             .action = BED_HELLO,
                                             .ns = BED_GUEST,
                                             .controller = BED_CONTROLLER1};
    return entry;
}

/* The message's own transaction id, as text. */
static struct wire_text own_transaction(void)
{
    struct entry entry = activation();
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    const char *from = strstr(buffer.bytes, "\"transid\":");
    assert_non_null(from);
    from += strlen("\"transid\":");
    return (struct wire_text){from, (size_t)(strchr(from, ']') + 1 - from)};
}

/* The same activation, but for its transaction id. */
static void expect_start(const char *transaction, tstamp started_at)
{
    char text[2048];
    struct wire_text own = own_transaction();
    int length = snprintf(text, sizeof text, "%.*s%s%s", (int)(own.bytes - buffer.bytes),
                          buffer.bytes, transaction, own.bytes + own.length);
    struct wire_text all = {text, (size_t)length};
    struct entry entry = wire_entry_read(&wire, TOPIC(TOPIC_SCHEDULER, 0), all);
    struct entry expected = activation();
    expected.u.activation.started_at = started_at;
    assert_memory_equal(&entry, &expected, sizeof entry);
}

/* The start of 2020 lies before this host's first instant, that of 2022 does not. */
static void expect_child(const char *rest)
{
    char text[128];
    snprintf(text, sizeof text, "[\"ctid1\",%llu%s]", (unsigned long long)CHILD_MS, rest);
    expect_start(text, CHILD_MS < TSTAMP_EPOCH_MS - TSTAMP_ORIGIN / MSEC(1)
                           ? 0
                           : (CHILD_MS - TSTAMP_EPOCH_MS) * MSEC(1) + TSTAMP_ORIGIN);
    snprintf(text, sizeof text, "[\"ctid1\",%llu%s]",
             (unsigned long long)(TSTAMP_EPOCH_MS + 77), rest);
    expect_start(text, TSTAMP_ORIGIN + MSEC(77));
}

static void one_with_a_parent_is_read(void **state)
{
    (void)state;
    expect_child(",[\"ptid1\",1500000000000]");
}

static void one_with_a_parent_and_extra_logging_is_read(void **state)
{
    (void)state;
    expect_child(",true,[\"ptid1\",1500000000000,true]");
}

static void one_without_a_parent_is_read(void **state)
{
    (void)state;
    expect_child("");
}

static void one_without_a_parent_is_written(void **state)
{
    struct bed *bed = *state;
    char id[33], expected[96];
    cluster_activation_text(&bed->draws, ACTIVATION_ID(7, 0), id);
    snprintf(expected, sizeof expected, "[\"%s\",%llu]", id,
             (unsigned long long)(TSTAMP_EPOCH_MS + 1234));
    struct wire_text own = own_transaction();
    assert_int_equal(own.length, strlen(expected));
    assert_memory_equal(own.bytes, expected, own.length);
}

int main(void)
{
#define SUITE "TransactionIdTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 33, one_with_a_parent_is_read),
        CONFORMS(SUITE, 47, one_with_a_parent_and_extra_logging_is_read),
        CONFORMS(SUITE, 61, one_without_a_parent_is_read),
        CONFORMS(SUITE, 102, one_without_a_parent_is_written),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
