#pragma once
/*
 * kafka_internal.h - the machine's struct, shared by its files.
 */
#include "common/common.h"
#include "core/assert.h"
#include "kafka/kafka.h"

struct kafka_member { /* who holds the partition; generation 0: nobody */
    uint32_t generation;
    node_id node;
    actor_id actor;
    uint32_t corr; /* of its join: tells a doubled request from a new one */
};

/* Durable. Records [start, end) are kept, end is the next offset; start is the committed one.
 */
struct kafka_topic {
    struct entry *entries; /* durable block: entries[0] has offset `base` */
    uint32_t entry_max;
    uint64_t base, start, end;
    uint64_t committed;
    uint32_t generation; /* of the last membership */
    struct kafka_member member;
};

enum kafka_timer {
    KAFKA_SESSION,
    KAFKA_DELAY,
    KAFKA_LONG_POLL,
    KAFKA_FETCH_WAIT,     /* of the protocol; arg: number of the fetch */
    KAFKA_MEMBER_SESSION, /* number of the member */
    KAFKA_REBALANCE,      /* number of the group */
};

struct kafka_group { /* gone with the process */
    struct timer session, delay, long_poll;
    struct message poll; /* the one that waits */
    bool has_poll;
    struct message *joiners; /* in the order in which they came */
    uint32_t joiner_count, joiner_max;
};

struct kafka {
    /* durable */
    struct kafka_topic *topics; /* by slot */
    uint32_t topic_count;
    struct kafka_store *store; /* of the protocol; NULL before the first frame */
    /* gone with the process */
    const struct machine_env *env;
    struct timers timers;
    struct kafka_group *groups;  /* by slot */
    struct kafka_broker *broker; /* of the protocol; there when `store` is */
};

static inline const struct kafka_config *kafka_config(const struct kafka *self)
{
    return self->env->config;
}

/* Number of topics of a kind, and the slot of a topic; topic_count when there is none. */
uint32_t kafka_kind_count(const struct kafka *self, enum topic_kind kind);
uint32_t kafka_slot(const struct kafka *self, uint32_t topic);
const char *kafka_kind_name(enum topic_kind kind);

/* kafka_log.c */
uint64_t kafka_log_append(struct kafka *self, struct kafka_topic *topic,
                          const struct entry *entry); /* returns its offset */
/* Where a fetch at this offset reads: the offset itself, or the start when out of range. */
uint64_t kafka_log_position(const struct kafka_topic *topic, uint64_t offset);
const struct entry *kafka_log_entry(const struct kafka_topic *topic, uint64_t offset);
void kafka_log_commit(struct kafka_topic *topic, uint64_t offset);
void kafka_log_digest(const struct kafka_topic *topic, struct digest *d);

/* kafka_group.c */
void kafka_group_init(struct kafka *self, uint32_t slot);
/* Sessions of the listed members start anew. */
void kafka_group_start(struct kafka *self, struct effects *fx, uint32_t slot);
bool kafka_group_is_member(const struct kafka *self, uint32_t slot, uint32_t generation);
void kafka_group_on_join(struct kafka *self, const struct message *m, struct effects *fx,
                         uint32_t slot);
/* A sign of life of the member. */
void kafka_group_touch(struct kafka *self, struct effects *fx, uint32_t slot);
void kafka_group_on_timer(struct kafka *self, struct effects *fx, uint32_t slot,
                          enum kafka_timer kind);
void kafka_group_digest(const struct kafka *self, uint32_t slot, struct digest *d);

/* kafka.c: the poll that waits is answered with nothing, as by a member or as by none. */
void kafka_end_poll(struct kafka *self, struct effects *fx, uint32_t slot, bool is_member);
