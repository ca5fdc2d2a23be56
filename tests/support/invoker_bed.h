#pragma once
/*
 * invoker_bed.h - an invoker with peers that answer: etcd, Kafka and the database do what they
 * are asked; the schedulers' answers are each test's own.
 */
#include "support/bed.h"
#include "invoker/invoker_internal.h"

#define INVOKER_BED_SLOTS 64
struct invoker_bed {
    struct bed *bed;
    struct invoker *invoker;
    uint32_t answered;   /* messages of bed->sent that have been looked at */
    node_id leader;      /* what a look-up of a leader key finds; NODE_NONE: nothing */
    uint32_t live_count; /* keys of each kind that a count finds */
    uint8_t document;    /* enum document_result of every read */
    bool is_blocked;     /* what identities say of their namespace */
    bool is_etcd_silent, is_kafka_silent, is_database_silent;
    struct message fetches[INVOKER_BED_SLOTS]; /* the last one of each slot */
};

/* Booted, with the health test done: `up`, no container left. What was sent is forgotten. */
struct invoker_bed *invoker_bed_new(void);
/* The same, not started; `config` is the bed's own and may be changed before. */
struct invoker_bed *invoker_bed_cold(void);
void invoker_bed_boot(struct invoker_bed *t);
void invoker_bed_free(struct invoker_bed *t);

/* What the peer does with one message that was sent. */
void invoker_bed_peer(struct invoker_bed *t, const struct message *m);
/* Let the peers answer what was sent, and what follows from that. */
void invoker_bed_pump(struct invoker_bed *t);
void invoker_bed_pass(struct invoker_bed *t, duration length);
void invoker_bed_forget(struct invoker_bed *t);

/* A post to one of the invoker's actors. */
struct message invoker_bed_post(const struct invoker_bed *t, actor_id from, actor_id to,
                                unsigned what);
/* A creation as the feed hands it over. Scheduler 0; creation ids are the test's. */
struct creation invoker_bed_creation(action_id action, uint32_t id);
void invoker_bed_create(struct invoker_bed *t, action_id action, uint32_t id);
/* A container that has fetched nothing yet: its slot. */
struct slot *invoker_bed_container(struct invoker_bed *t, action_id action, uint32_t id);
/* One that has run activation `request`, and waits in its next fetch. */
struct slot *invoker_bed_running(struct invoker_bed *t, action_id action, uint32_t id,
                                 uint32_t request);
struct slot *invoker_bed_paused(struct invoker_bed *t, action_id action, uint32_t id,
                                uint32_t request);

/* The last fetch of the slot, forgotten or not; fails the test if there is none. */
const struct message *invoker_bed_fetch(const struct invoker_bed *t, const struct slot *slot);
/* How many fetches of the slot since invoker_bed_forget; alive false: farewells. */
uint32_t invoker_bed_fetches(const struct invoker_bed *t, const struct slot *slot, bool alive);
struct activation invoker_bed_activation(action_id action, uint32_t request, bool blocking);
/* Answer the slot's last fetch. */
void invoker_bed_give(struct invoker_bed *t, const struct slot *slot,
                      const struct activation *activation);
void invoker_bed_answer(struct invoker_bed *t, const struct slot *slot,
                        enum fetch_result result);
/* The value of the newest put of a key of this family, NULL if none was sent. */
const struct message *invoker_bed_put(const struct invoker_bed *t, enum key_family family);
uint32_t invoker_bed_deleted(const struct invoker_bed *t, enum key_family family);
