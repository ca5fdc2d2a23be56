#pragma once
/*
 * kafka_coordinator.h - consumer groups of the Kafka protocol.
 *
 *   EMPTY --join--> PREPARING --all joined, or rebalance timeout--> COMPLETING
 *     ^               |   ^  ^                                       |      |
 *     '--nobody left--'   |  '--join, leave, session ended-----------'      | leader's sync
 *                         '--join, leave, session ended-- STABLE <---------'
 *
 * An empty group waits its initial rebalance delay, again for each who joined meanwhile. Who
 * waits for a join or a sync cannot expire; a member that was never told of a generation has
 * five minutes. A closed connection does not remove a member, a dead one stays until its
 * session ends. Member ids are the client's id and a text drawn from the seed and a counter.
 *
 * Durable: committed offsets, and each group as it was when it last became stable or empty (as
 * the broker's offsets topic has it); after a restart sessions start anew from that.
 * Files: kafka_coordinator.c (requests, timers), kafka_member.c (members and protocols),
 * kafka_offsets.c (offsets, what is durable).
 * Source: Kafka 2.7.0 kafka.coordinator.group.GroupCoordinator, GroupMetadata, MemberMetadata,
 * DelayedJoin; deviations: docs/fidelity.md#kafka.
 */
#include "common/slab.h"
#include "core/machine.h"
#include "core/names.h"
#include "kafka/kafka_api.h"

#define KAFKA_GROUP_MEMBERS_MAX 256u /* group.max.size; bounds the answers of one step */
#define KAFKA_GROUPS_MAX 4096u       /* bounds memory */

#define KAFKA_GROUP_STATE_LIST(X)                                                              \
    X(EMPTY, "Empty")                                                                          \
    X(PREPARING, "PreparingRebalance")                                                         \
    X(COMPLETING, "CompletingRebalance")                                                       \
    X(STABLE, "Stable")
#define KAFKA_GROUP_STATE_MEMBER(id, text) KAFKA_GROUP_##id,
enum kafka_group_state { KAFKA_GROUP_STATE_LIST(KAFKA_GROUP_STATE_MEMBER) };

struct kafka_offset { /* durable: one committed offset */
    uint32_t topic, partition;
    int64_t offset;
    int32_t leader_epoch;
    uint32_t metadata_length;
    char *metadata; /* durable block */
};

struct kafka_saved_group { /* durable */
    char *name;            /* durable block; NULL: dead, its number is free */
    uint32_t name_length;
    uint32_t generation; /* of `members` */
    uint64_t hash;
    struct kafka_offset *offsets;
    uint32_t offset_count, offset_max;
    uint8_t *members; /* durable block: the group when it was last stable or empty, or NULL */
    size_t members_size;
};

struct kafka_group_member { /* gone with the process */
    struct slab_item item;
    uint32_t group;
    uint32_t protocol_count;
    struct kafka_text id;         /* arena block of its own, as the next three */
    struct kafka_text client;     /* its client id */
    struct kafka_text protocols;  /* (name, metadata) as they came */
    struct kafka_text assignment; /* null: none */
    uint32_t address;             /* IPv4 it joined from */
    duration session_timeout, rebalance_timeout;
    struct timer session;
    struct kafka_asker join, sync;
    bool awaits_join, awaits_sync;
    bool is_pending; /* has an id, and has not joined with it yet */
    bool is_new;     /* was never told of a generation */
};

struct kafka_consumer_group { /* gone with the process */
    uint32_t number;          /* of its kafka_saved_group */
    uint32_t generation;
    enum kafka_group_state state;
    bool is_initial_delay, has_new_member;
    duration delay_left;                 /* of the initial delay */
    struct kafka_text type;              /* protocol type; arena block, as the next */
    struct kafka_text protocol;          /* chosen for this generation; null: none */
    struct kafka_group_member **members; /* pending ones too, in the order of their ids */
    uint32_t member_count, member_max;
    struct kafka_group_member *leader;
    struct timer rebalance;
};

struct kafka_broker { /* gone with the process */
    struct slab fetches, members;
    struct kafka_consumer_group **groups; /* by number of the saved group; NULL: not used yet */
    uint32_t group_max;
};

struct kafka_join {
    struct kafka_asker asker;
    struct kafka_text group, member, client, type, protocols;
    uint32_t protocol_count;
    int32_t session_ms, rebalance_ms;
    bool needs_known_id; /* JoinGroup v4 */
};
struct kafka_commit {
    uint32_t topic, partition;
    int64_t offset;
    int32_t leader_epoch;
    struct kafka_text metadata;
};

/* kafka_coordinator.c: errors are enum kafka_error. */
void kafka_coordinator_start(struct kafka *self, struct effects *fx);
void kafka_coordinator_join(struct kafka *self, struct effects *fx,
                            const struct kafka_join *join);
/* `assignments`: pairs of member id and bytes, as they came. */
void kafka_coordinator_sync(struct kafka *self, struct effects *fx,
                            const struct kafka_asker *asker, struct kafka_text group,
                            struct kafka_text member, int32_t generation,
                            struct kafka_text assignments, uint32_t assignment_count);
int16_t kafka_coordinator_heartbeat(struct kafka *self, struct effects *fx,
                                    struct kafka_text group, struct kafka_text member,
                                    int32_t generation);
int16_t kafka_coordinator_leave(struct kafka *self, struct effects *fx, struct kafka_text group,
                                struct kafka_text member);
/* May these offsets be committed? The group, made if need be, is *ret_group. */
int16_t kafka_coordinator_may_commit(struct kafka *self, struct effects *fx,
                                     struct kafka_text group, struct kafka_text member,
                                     int32_t generation, uint32_t *ret_group);
/* By name or number; NULL: there is none (any more). */
struct kafka_consumer_group *kafka_coordinator_find(struct kafka *self, struct kafka_text name);
struct kafka_consumer_group *kafka_coordinator_group(struct kafka *self, uint32_t number);
/* A topic was deleted: its offsets go, and with them groups that have nothing else. */
void kafka_coordinator_on_deleted(struct kafka *self, uint32_t topic);
void kafka_coordinator_on_session(struct kafka *self, struct effects *fx, uint32_t member);
void kafka_coordinator_on_rebalance(struct kafka *self, struct effects *fx, uint32_t group);
void kafka_coordinator_forget(struct kafka *self, uint32_t corr);
void kafka_coordinator_digest(const struct kafka *self, struct digest *d);

/* kafka_member.c */
struct kafka_group_member *kafka_member_find(const struct kafka_consumer_group *group,
                                             struct kafka_text id);
struct kafka_group_member *
kafka_member_add(struct kafka *self, struct kafka_consumer_group *group, struct kafka_text id);
void kafka_member_remove(struct kafka *self, struct kafka_consumer_group *group,
                         struct kafka_group_member *member);
/* "client-xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx"; an arena block of the node. */
struct kafka_text kafka_member_new_id(struct kafka *self, struct kafka_text client);
/* Replace an arena block of the node by a copy of this text. */
void kafka_member_keep(struct kafka *self, struct kafka_text *kept, struct kafka_text text);
/* The member's metadata for a protocol; false: it does not speak it. */
bool kafka_member_metadata(const struct kafka_group_member *member, struct kafka_text protocol,
                           struct kafka_text *ret_metadata);
/* All members would still share a protocol with one of that type and these protocols. */
bool kafka_member_fits(const struct kafka_consumer_group *group, struct kafka_text type,
                       struct kafka_text protocols, uint32_t protocol_count);
/* Of those that all speak, the one that most like best. */
struct kafka_text kafka_member_choose(const struct kafka_consumer_group *group);

/* kafka_offsets.c */
/* KAFKA_GROUPS_MAX: there is none (and no room for another). */
uint32_t kafka_groups_find(const struct kafka *self, struct kafka_text name);
uint32_t kafka_groups_make(struct kafka *self, struct kafka_text name);
const struct kafka_offset *kafka_offsets_find(const struct kafka_saved_group *group,
                                              uint32_t topic, uint32_t partition);
void kafka_offsets_commit(struct kafka *self, uint32_t group,
                          const struct kafka_commit *commit);
/* All that a group has of a topic; the group itself. */
void kafka_offsets_forget(struct kafka *self, uint32_t group, uint32_t topic);
void kafka_groups_forget(struct kafka *self, uint32_t group);
/* Of all groups with an offset there: the smallest, the largest; 0: none has. */
uint64_t kafka_offsets_smallest(const struct kafka *self, uint32_t topic, uint32_t partition);
uint64_t kafka_offsets_largest(const struct kafka *self, uint32_t topic, uint32_t partition);
void kafka_groups_save(struct kafka *self, const struct kafka_consumer_group *group);
void kafka_groups_load(struct kafka *self, struct kafka_consumer_group *group);
void kafka_groups_digest(const struct kafka *self, struct digest *d);
