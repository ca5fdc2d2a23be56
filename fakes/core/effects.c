/*
 * effects.c - growth of the buffer, and the one way to refuse a message.
 */
#include "core/effects.h"
#include "core/assert.h"

#define EFFECTS_FIRST 64u

static uint32_t effects_next_size(uint32_t max)
{
    ASSERT_OP(max, <=, UINT32_MAX / 2);
    return max == 0 ? EFFECTS_FIRST : max * 2;
}

void effects_grow_messages(struct effects *fx)
{
    uint32_t max = effects_next_size(fx->message_max);
    fx->messages = arena_grow(fx->arena, ARENA_HOST, fx->messages, max * sizeof *fx->messages);
    fx->message_max = max;
}

void effects_grow_records(struct effects *fx)
{
    uint32_t max = effects_next_size(fx->record_max);
    fx->records = arena_grow(fx->arena, ARENA_HOST, fx->records, max * sizeof *fx->records);
    fx->record_max = max;
}

void effects_reject(struct effects *fx, actor_id actor, const struct message *m)
{
    struct record *r = effects_record(fx, RECORD_MESSAGE_REJECTED, actor);
    r->peer = m->from;
    r->detail = (uint8_t)m->kind;
    r->activation = message_activation(m);
    r->value = m->what;
}
