/*
 * kafka_log.c - the records of a topic: one block, used from its front and moved down when its
 * tail is full, so that a batch is one stretch of memory.
 *
 * What lies below the committed offset is dropped: a new member starts there, so nobody can
 * ask for it. (Upstream keeps whole segments by time and size; no consumer goes back.)
 */
#include "kafka/kafka_internal.h"
#include <string.h>

#define LOG_FIRST 64u

/* Room for one more behind the end; constant cost per record over time. */
static void log_make_room(struct kafka *self, struct kafka_topic *topic)
{
    uint32_t kept = (uint32_t)(topic->end - topic->start);
    uint32_t dropped = (uint32_t)(topic->start - topic->base);
    if (kept == 0 || dropped > topic->entry_max / 2) {
        if (kept > 0)
            memmove(topic->entries, topic->entries + dropped, kept * sizeof(struct entry));
    } else {
        uint32_t max = topic->entry_max * 2;
        struct entry *grown =
            arena_alloc_durable(self->env->arena, self->env->node, max * sizeof *grown);
        memcpy(grown, topic->entries + dropped, kept * sizeof *grown);
        arena_release(self->env->arena, topic->entries);
        topic->entries = grown;
        topic->entry_max = max;
    }
    topic->base = topic->start;
}

uint64_t kafka_log_append(struct kafka *self, struct kafka_topic *topic,
                          const struct entry *entry)
{
    if (topic->entries == NULL) {
        topic->entries = arena_alloc_durable(self->env->arena, self->env->node,
                                             LOG_FIRST * sizeof(struct entry));
        topic->entry_max = LOG_FIRST;
    }
    if (topic->end - topic->base == topic->entry_max)
        log_make_room(self, topic);
    ASSERT_OP(topic->end - topic->base, <, topic->entry_max);
    topic->entries[topic->end - topic->base] = *entry;
    return topic->end++;
}

uint64_t kafka_log_position(const struct kafka_topic *topic, uint64_t offset)
{
    /* auto.offset.reset = earliest (common.conf:156-173) */
    return offset < topic->start || offset > topic->end ? topic->start : offset;
}

const struct entry *kafka_log_entry(const struct kafka_topic *topic, uint64_t offset)
{
    ASSERT_OP(offset, >=, topic->start);
    ASSERT_OP(offset, <, topic->end);
    return &topic->entries[offset - topic->base];
}

void kafka_log_commit(struct kafka_topic *topic, uint64_t offset)
{
    ASSERT_OP(offset, <=, topic->end);
    topic->committed = offset;
    if (offset > topic->start)
        topic->start = offset;
}

static void entry_digest(const struct entry *entry, struct digest *d)
{
    uint64_t words[sizeof *entry / sizeof(uint64_t)]; /* no padding in it: core/message.h */
    memcpy(words, entry, sizeof words);
    digest_two(d, words[0], words[1]);
    digest_two(d, words[2], words[3]);
}

void kafka_log_digest(const struct kafka_topic *topic, struct digest *d)
{
    digest_two(d, topic->start, topic->end);
    digest_two(d, topic->committed, topic->generation);
    for (uint64_t offset = topic->start; offset < topic->end; offset++)
        entry_digest(kafka_log_entry(topic, offset), d);
}
