/*
 * actor_bed.c - see actor_bed.h.
 */
#include "support/actor_bed.h"
#include "wire/wire_internal.h"
#include <stdio.h>
#include <stdlib.h>

struct actor_bed *actor_bed_new(actor_id actor, actor_id callback)
{
    struct actor_bed *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->inv = invoker_bed_cold();
    t->bed = t->inv->bed;
    t->invoker = t->inv->invoker;
    t->bed->posts_by_hand = true;
    t->actor = actor;
    t->callback = callback;
    return t;
}

void actor_bed_free(struct actor_bed *t)
{
    invoker_bed_free(t->inv);
    free(t);
}

__attribute__((format(printf, 2, 3))) static void say(struct actor_bed *t, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(t->text + t->length, sizeof t->text - t->length, format, args);
    va_end(args);
    assert_true(length >= 0 && t->length + (size_t)length < sizeof t->text);
    t->length += (size_t)length;
}

static bool is_own(const struct actor_bed *t, actor_id actor)
{
    return actor == t->actor || (t->callback != 0 && actor == t->callback);
}

static void say_receiver(struct actor_bed *t, const struct message *m)
{
    static const char *const names[ACTOR_KIND_COUNT] = {
        [ACTOR_MAIN] = "main",         [ACTOR_HEALTH] = "health", [ACTOR_POOL] = "pool",
        [ACTOR_CONSUMER] = "consumer", [ACTOR_FEED] = "feed",     [ACTOR_DATA] = "data",
    };
    enum actor_kind kind = ACTOR_KIND(m->to_actor);
    if (kind == ACTOR_PROXY)
        say(t, "c%u: ", (unsigned)ACTOR_INDEX(m->to_actor));
    else
        say(t, "%s: ", names[kind] == NULL ? "?" : names[kind]);
}

static void say_post(struct actor_bed *t, const struct message *m)
{
    const struct cluster *c = &t->bed->cluster;
    char text[320];
    say_receiver(t, m);
    say(t, "%s", t->bed->ops->post_name(m->what));
    if (m->what == POST_START) {
        const struct post_start *start = MESSAGE_LOCAL_CONST(m, struct post_start);
        say(t, " %s %u MB", exec_kind_to_string(start->kind), start->memory_mb);
        if (start->ttl != 0)
            say(t, " for %u ms", (unsigned)(start->ttl / MSEC(1)));
    } else if (m->what == POST_INITIALIZE || m->what == POST_CREATION_CONTAINER ||
               m->what == POST_DELETION_CONTAINER) {
        const struct creation *job = MESSAGE_LOCAL_CONST(m, struct creation);
        say(t, " %u %s of %s rev %u", job->id, cluster_action_name(c, job->action),
            cluster_namespace_name(c, job->ns), job->revision);
    } else if (m->what == POST_MEMORY_INFO) {
        const struct post_memory *memory = MESSAGE_LOCAL_CONST(m, struct post_memory);
        say(t, " %u %u %u", memory->free_mb, memory->busy_mb, memory->in_progress_mb);
    } else if (m->what == POST_UPDATE_ON_CHANGE) {
        const struct post_data *data = MESSAGE_LOCAL_CONST(m, struct post_data);
        value_print(c, &data->value, text, sizeof text);
        say(t, " %s", text);
    } else if (m->what == POST_GRACEFUL_SHUTDOWN && ACTOR_KIND(m->to_actor) == ACTOR_PROXY) {
        t->told[ACTOR_INDEX(m->to_actor) % INVOKER_BED_SLOTS]++;
    }
    say(t, "\n");
}

/* Acks leave by the producer, whoever sends them. */
static void say_sent(struct actor_bed *t, const struct message *m)
{
    char text[512];
    const struct creation *ack = &m->u.produce.entry.u.creation;
    if (m->kind == MSG_KAFKA_PRODUCE && m->u.produce.entry.kind == ENTRY_CREATION_ACK) {
        assert_int_equal(TOPIC_KIND(m->u.produce.topic), TOPIC_CREATION_ACK);
        assert_int_equal(ack->invoker, BED_INVOKER0);
        say(t, "creationAck%u: %u %s of %s rev %u retry %u %s",
            (unsigned)TOPIC_INDEX(m->u.produce.topic), ack->id,
            cluster_action_name(&t->bed->cluster, ack->action),
            cluster_namespace_name(&t->bed->cluster, ack->ns), ack->revision, ack->retry,
            creation_error_to_string(ack->error));
        if (ack->document != DOCUMENT_FOUND)
            say(t, ": %s", wire_creation_reason(ack));
        say(t, "\n");
    } else if (is_own(t, m->from_actor)) {
        message_print(&t->bed->cluster, m, text, sizeof text);
        say(t, "%s\n", text);
    }
}

static void say_record(struct actor_bed *t, const struct record *r)
{
    char text[512];
    if (!is_own(t, r->actor))
        return;
    if (r->kind == RECORD_CREATION_ANSWERED) {
        say(t, "answered %u %s\n", r->creation, r->outcome == OUTCOME_OK ? "OK" : "FAILED");
        return;
    }
    record_print(&t->bed->cluster, r, text, sizeof text);
    say(t, "%s\n", text);
}

/* Look at what was made of the last event, and go on with what the actor told itself. */
static void settle(struct actor_bed *t)
{
    for (;;) {
        for (; t->records_seen < t->bed->record_count; t->records_seen++)
            say_record(t, &t->bed->records[t->records_seen]);
        for (; t->sent_seen < t->bed->sent_count; t->sent_seen++)
            say_sent(t, &t->bed->sent[t->sent_seen]);
        if (bed_posts(t->bed) == 0)
            return;
        struct message m = *bed_post(t->bed, 0);
        if (is_own(t, m.to_actor) && is_own(t, m.from_actor)) {
            bed_post_next(t->bed);
            continue;
        }
        if (is_own(t, m.from_actor))
            say_post(t, &m);
        bed_post_drop(t->bed);
    }
}

void actor_bed_start(struct actor_bed *t)
{
    bed_start(t->bed);
    settle(t);
}

void actor_bed_deliver(struct actor_bed *t, const struct message *m)
{
    bed_deliver(t->bed, m);
    settle(t);
}

void actor_bed_send(struct actor_bed *t, actor_id from, unsigned what, const void *payload,
                    size_t size)
{
    struct message m = invoker_bed_post(t->inv, from, t->actor, what);
    if (size > 0)
        memcpy(m.u.local, payload, size);
    actor_bed_deliver(t, &m);
}

void actor_bed_pass(struct actor_bed *t, duration length)
{
    tstamp end = tstamp_add(t->bed->now, length);
    while (t->bed->ops->next_wakeup(t->bed->machine).at <= end) {
        bed_wake(t->bed);
        settle(t);
    }
    t->bed->now = end;
}

void actor_bed_expect(struct actor_bed *t, const char *lines)
{
    if (strcmp(t->text, lines) != 0)
        print_error("---- expected\n%s---- got\n%s----\n", lines, t->text);
    assert_true(strcmp(t->text, lines) == 0);
    t->length = 0;
    t->text[0] = '\0';
}
