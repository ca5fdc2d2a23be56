/* Upstream's ControllerInstanceIdTests, by the messages that carry such an id. */
#include "support/conform.h"
#include "wire/wire_entry.h"
#include <stdio.h>
#include <string.h>

#define TOPIC_OF_TEST TOPIC(TOPIC_SCHEDULER, 0)

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

/* An ActivationMessage whose controller id is this JSON. */
static struct entry read_with(const char *id)
{
    static const char own[] = "{\"asString\":\"1\",\"instanceType\":\"controller\"}";
    struct entry entry = {.kind = ENTRY_ACTIVATION};
    char text[2048];
    entry.u.activation = (struct activation){.id = ACTIVATION_ID(7, 0),
                                             .revision = 1,
                                             .started_at = TSTAMP_ORIGIN,
                                             .action = BED_HELLO,
                                             .ns = BED_GUEST,
                                             .controller = BED_CONTROLLER1};
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    const char *at = strstr(buffer.bytes, own);
    assert_non_null(at); /* :54, the text of our own */
    int length = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - buffer.bytes), buffer.bytes,
                          id, at + strlen(own));
    return wire_entry_read(&wire, TOPIC_OF_TEST, (struct wire_text){text, (size_t)length});
}

static struct entry read_name(const char *name)
{
    char id[256];
    snprintf(id, sizeof id, "{\"asString\":\"%s\",\"instanceType\":\"controller\"}", name);
    return read_with(id);
}

static void usable_characters_are_accepted(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "1", "a.1", "a_1", "A-Z"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct entry entry = read_name(names[i]);
        assert_int_equal(entry.kind, ENTRY_ACTIVATION);
        /* of the cluster's controllers, if it is one */
        assert_int_equal(entry.u.activation.controller, i == 1 ? BED_CONTROLLER1 : NODE_NONE);
    }
    char longest[129];
    memset(longest, 'a', 128);
    longest[128] = '\0';
    assert_int_equal(read_name(longest).kind, ENTRY_ACTIVATION);
}

static void others_are_rejected(void **state)
{
    (void)state;
    static const char *const names[] = {" ", "!", "$", "", "a/b", "a b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(read_name(names[i]).kind, ENTRY_UNPARSABLE);
    char long_name[130];
    memset(long_name, 'a', 129);
    long_name[129] = '\0';
    assert_int_equal(read_name(long_name).kind, ENTRY_UNPARSABLE);
}

static void the_old_form_is_read(void **state)
{
    (void)state;
    struct entry entry = read_with("{\"asString\":\"1\"}");
    assert_int_equal(entry.kind, ENTRY_ACTIVATION);
    assert_int_equal(entry.u.activation.controller, BED_CONTROLLER1);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct entry entry = read_name("1");
    assert_int_equal(entry.kind, ENTRY_ACTIVATION);
    assert_int_equal(entry.u.activation.controller, BED_CONTROLLER1);
    entry = read_with("{\"asString\":\"1\",\"instanceType\":\"invoker\"}");
    assert_int_equal(entry.kind, ENTRY_UNPARSABLE);
}

int main(void)
{
#define SUITE "ControllerInstanceIdTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 34, usable_characters_are_accepted),
        CONFORMS(SUITE, 41, others_are_rejected),
        CONFORMS(SUITE, 49, the_old_form_is_read),
        CONFORMS(SUITE, 54, what_is_written_is_read),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
