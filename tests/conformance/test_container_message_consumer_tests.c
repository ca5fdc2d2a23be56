/*
 * test_container_message_consumer_tests.c - the consumer of creations, as upstream tests it.
 * Source: ContainerMessageConsumerTests.scala at 1fae641a2.
 */
#include "support/actor_bed.h"
#include "support/conform.h"
#include <stdio.h>

static int setup(void **state)
{
    struct actor_bed *t = actor_bed_new(ACTOR_CONSUMER_ID, CALLBACK_CONSUMER_ID);
    *state = t;
    actor_bed_start(t);
    actor_bed_expect(t, "");
    return 0;
}

static int teardown(void **state)
{
    actor_bed_free(*state);
    return 0;
}

static void hand_over(struct actor_bed *t, enum entry_kind kind, const struct creation *what)
{
    struct post_item item = {.entry = {.kind = (uint8_t)kind, .cause = 5}};
    item.entry.u.creation = *what;
    actor_bed_send(t, ACTOR_FEED_ID(0), POST_FEED_ITEM, &item, sizeof item);
}

/* The database answers the last read. */
static void answer(struct actor_bed *t, enum document_result result)
{
    uint32_t count = bed_sent_count(t->bed, MSG_DATABASE_READ);
    const struct message *read = bed_sent(t->bed, MSG_DATABASE_READ, count - 1);
    struct message reply = bed_reply(read, MSG_DATABASE_DOCUMENT);
    reply.u.database = read->u.database;
    reply.u.database.revision = REVISION_FIRST;
    reply.u.database.result = (uint8_t)result;
    actor_bed_deliver(t, &reply);
}

static void expect_read(struct actor_bed *t, const char *document)
{
    char text[160];
    snprintf(text, sizeof text, "invoker0/callback#65534 > database read %s guest/hello\n",
             document);
    actor_bed_expect(t, text);
}

static void a_creation_is_passed_on(void **state)
{
    struct actor_bed *t = *state;
    struct creation creation = invoker_bed_creation(BED_HELLO, 1);
    hand_over(t, ENTRY_CREATION, &creation);
    expect_read(t, "identity");
    answer(t, DOCUMENT_FOUND);
    expect_read(t, "action");
    answer(t, DOCUMENT_FOUND);
    actor_bed_expect(t, "pool: CreationContainer 1 guest/hello of guest rev 1\n"
                        "feed: processed\n");
}

static void a_failed_read_is_answered(void **state)
{
    struct actor_bed *t = *state;
    struct creation creation = invoker_bed_creation(BED_HELLO, 1);
    hand_over(t, ENTRY_CREATION, &creation);
    expect_read(t, "identity");
    answer(t, DOCUMENT_FOUND);
    expect_read(t, "action");
    answer(t, DOCUMENT_MISSING);
    actor_bed_expect(t, "answered 1 FAILED\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 DBFetchError: "
                        "Action could not be found or may have been deleted.\n"
                        "feed: processed\n");
    creation.id = 2;
    creation.revision = 2;
    hand_over(t, ENTRY_CREATION, &creation);
    expect_read(t, "action");
    answer(t, DOCUMENT_MISMATCH);
    actor_bed_expect(t, "answered 2 FAILED\n"
                        "creationAck0: 2 guest/hello of guest rev 2 retry 0 DBFetchError: "
                        "Action version is not compatible and cannot be invoked.\n"
                        "feed: processed\n");
}

static void a_warm_up_is_dropped(void **state)
{
    struct actor_bed *t = *state;
    struct creation creation = invoker_bed_creation(ACTION_WARM_UP, 1);
    hand_over(t, ENTRY_WARM_UP, &creation);
    actor_bed_expect(t, "feed: processed\n");
    hand_over(t, ENTRY_CREATION, &creation);
    actor_bed_expect(t, "feed: processed\n");
}

#define SUITE(line, function) CONFORMS("ContainerMessageConsumerTests", line, function)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        SUITE(152, a_creation_is_passed_on),
        SUITE(204, a_failed_read_is_answered),
        SUITE(283, a_warm_up_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
