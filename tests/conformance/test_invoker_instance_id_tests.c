/* Upstream's InvokerInstanceIdTests, by the acks that carry such an id. */
#include "support/conform.h"
#include "wire/wire_entry.h"
#include <stdio.h>
#include <string.h>

#define FRONT "{\"dedicatedNamespaces\":[],"
#define MIDDLE "\"instance\":0,\"instanceType\":\"invoker\",\"tags\":[],"

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

static struct ack completion(enum ack_instance instance)
{
    return (struct ack){.id = ACTIVATION_ID(9, 0),
                        .kind = ACK_COMPLETION,
                        .instance = (uint8_t)instance,
                        .signer = instance == ACK_BY_INVOKER ? BED_INVOKER0 : NODE_NONE,
                        .controller = BED_CONTROLLER0,
                        .action = ACTION_NONE,
                        .ns = NAMESPACE_NONE};
}

/* The text of the id within the ack. */
static struct wire_text written(enum ack_instance instance)
{
    struct entry entry = {.kind = ENTRY_ACK};
    entry.u.ack = completion(instance);
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    const char *from = strstr(buffer.bytes, "\"instance\":{");
    assert_non_null(from);
    from += strlen("\"instance\":");
    return (struct wire_text){from, (size_t)(strchr(from, '}') + 1 - from)};
}

static void expect_written(enum ack_instance instance, const char *text)
{
    struct wire_text own = written(instance);
    assert_int_equal(own.length, strlen(text));
    assert_memory_equal(own.bytes, text, own.length);
}

/* The same ack with this id in it is signed so. */
static void expect_read(const char *id, enum ack_instance instance)
{
    char text[1024];
    struct ack expected = completion(instance);
    struct wire_text own = written(instance);
    int length = snprintf(text, sizeof text, "%.*s%s%s", (int)(own.bytes - buffer.bytes),
                          buffer.bytes, id, own.bytes + own.length);
    struct entry entry = wire_entry_read(&wire, TOPIC(TOPIC_COMPLETED, 0),
                                         (struct wire_text){text, (size_t)length});
    assert_int_equal(entry.kind, ENTRY_ACK);
    assert_memory_equal(&entry.u.ack, &expected, sizeof expected);
}

/* Without names: the one that a memory queue signs with. */
static void one_without_names_is_written_and_read(void **state)
{
    (void)state;
    static const char empty[] = FRONT MIDDLE "\"userMemory\":\"0 MB\"}";
    expect_written(ACK_BY_PLACEHOLDER, empty);
    expect_read(empty, ACK_BY_PLACEHOLDER);
    expect_read(FRONT MIDDLE "\"userMemory\":\"1024 MB\"}", ACK_BY_INVOKER);
}

static void one_with_names_is_written_and_read(void **state)
{
    (void)state;
    static const char named[] =
        FRONT MIDDLE "\"uniqueName\":\"0\",\"userMemory\":\"1073741824 B\"}";
    expect_written(ACK_BY_INVOKER, named);
    expect_read(named, ACK_BY_INVOKER);
    expect_read(FRONT "\"displayedName\":\"displayedInvoker\"," MIDDLE
                      "\"uniqueName\":\"uniqueInvoker\",\"userMemory\":\"1024 MB\"}",
                ACK_BY_INVOKER);
}

int main(void)
{
#define SUITE "InvokerInstanceIdTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 36, one_without_names_is_written_and_read),
        CONFORMS(SUITE, 48, one_with_names_is_written_and_read),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
