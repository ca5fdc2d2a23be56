#pragma once
/*
 * effects.h - what a step wants done: messages to send and records to keep.
 *
 * The host owns the buffer, empties it before each step and performs it afterwards, in order.
 * It grows in the arena; machine_ops.effects_max is the largest size a step may reach.
 * `cause` chains by itself: it starts as the delivered message's cause, each record becomes
 * the cause of what follows. A machine that resumes work it had put aside sets it first.
 */
#include "core/event.h"
#include "core/record.h"

struct effects {
    struct message *messages;
    uint32_t message_count, message_max;
    struct record *records;
    uint32_t record_count, record_max;
    struct arena *arena;
    uint64_t *next_number; /* the world's insertion numbers */
    uint64_t *next_seq;    /* the world's record numbers */
    tstamp at;
    node_id node;
    uint32_t cause;
};

/* Room for one more; called by the inline functions below. */
void effects_grow_messages(struct effects *fx);
void effects_grow_records(struct effects *fx);

/* A zeroed message with its envelope; fill the payload in place. Valid until the next call. */
static inline struct message *effects_send(struct effects *fx, enum message_kind kind,
                                           actor_id from_actor, node_id to, actor_id to_actor)
{
    if (__builtin_expect(fx->message_count == fx->message_max, 0))
        effects_grow_messages(fx);
    struct message *m = &fx->messages[fx->message_count++];
    *m = (struct message){.kind = (uint16_t)kind,
                          .from = fx->node,
                          .to = to,
                          .from_actor = from_actor,
                          .to_actor = to_actor,
                          .cause = fx->cause};
    return m;
}

/* To another actor of the own node: takes no time unless a rule says so. */
static inline struct message *effects_post(struct effects *fx, actor_id from_actor,
                                           actor_id to_actor, unsigned what)
{
    struct message *m = effects_send(fx, MSG_POST, from_actor, fx->node, to_actor);
    m->what = (uint16_t)what;
    return m;
}

/* The answer to a request: addresses swapped, corr kept. */
static inline struct message *effects_reply(struct effects *fx, const struct message *request,
                                            enum message_kind kind)
{
    struct message *m =
        effects_send(fx, kind, request->to_actor, request->from, request->from_actor);
    m->corr = request->corr;
    return m;
}

/* A zeroed record, numbered and chained. Its seq is the cause of what follows. */
static inline struct record *effects_record(struct effects *fx, enum record_kind kind,
                                            actor_id actor)
{
    if (__builtin_expect(fx->record_count == fx->record_max, 0))
        effects_grow_records(fx);
    struct record *r = &fx->records[fx->record_count++];
    *r = (struct record){.seq = (*fx->next_seq)++,
                         .at = fx->at,
                         .kind = (uint16_t)kind,
                         .node = fx->node,
                         .actor = actor,
                         .cause = fx->cause,
                         .action = ACTION_NONE,
                         .ns = NAMESPACE_NONE,
                         .peer = NODE_NONE};
    fx->cause = (uint32_t)r->seq;
    return r;
}

/* The world's next insertion number: taken when a deadline is armed. */
static inline uint64_t effects_number(struct effects *fx)
{
    return (*fx->next_number)++;
}

/* Record that a message makes no sense in this state; it changes nothing. */
void effects_reject(struct effects *fx, actor_id actor, const struct message *m);
