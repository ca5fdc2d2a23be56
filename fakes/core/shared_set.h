#pragma once
/*
 * shared_set.h - a set of ids that upstream reaches from several threads.
 *
 * Three forms, chosen by a bug switch:
 *   SET_SAFE         every add and remove is one step, seen by all at once;
 *   SET_STALE        the same, but a reader on another thread may get an older version:
 *                    what the set was `timing set.staleness` (drawn per read) ago;
 *   SET_LOST_UPDATE  a change is load, window (`timing set.window`, drawn per change), store
 *                    of the whole set: of two changes that overlap, the later store wins.
 * In SET_LOST_UPDATE the store is a timer of the owner: when shared_set_change returns a
 * window, the owner arms a timer for it and calls shared_set_store when it fires.
 * Source: MemoryQueue.scala:172-173 at 1fae641a2 (concurrent sets); plain vars before
 * 651a2e957.
 */
#include "core/machine.h"

enum set_form { SET_SAFE, SET_STALE, SET_LOST_UPDATE };

struct shared_set;

/* One change on its way between load and store. */
struct set_change {
    struct timer timer; /* kind, actor, arg set by the owner; arg identifies nothing here */
    struct shared_set *set;
    uint32_t *loaded; /* arena block: the copy */
    uint32_t loaded_count;
    uint32_t id;
    uint8_t add;
    struct set_change *next; /* open changes of the set */
};

struct shared_set {
    const struct machine_env *env;
    struct timers *timers;
    actor_id actor;      /* for records and timers */
    uint16_t timer_kind; /* kind of the store timer; arg: nothing, timer is inside set_change */
    uint8_t form;        /* enum set_form */
    uint8_t is_containers; /* names the set in records: containers or creations */
    action_id action;
    uint32_t *ids; /* sorted */
    uint32_t count, max;
    uint64_t entity;  /* for draws */
    uint32_t changes; /* ordinal of changes and reads */
    /* SET_STALE: sizes over the last staleness, newest last. */
    struct set_version {
        tstamp at;
        uint32_t count;
    } * versions;
    uint32_t version_count, version_max;
    uint32_t open; /* set_changes between load and store */
    struct set_change *first_open;
};

void shared_set_init(struct shared_set *self, const struct machine_env *env,
                     struct timers *timers, actor_id actor, uint16_t timer_kind,
                     enum set_form form, bool is_containers, action_id action, uint64_t entity);
void shared_set_release(struct shared_set *self);
void shared_set_add(struct shared_set *self, struct effects *fx, uint32_t id);
void shared_set_remove(struct shared_set *self, struct effects *fx, uint32_t id);
bool shared_set_has(const struct shared_set *self, uint32_t id);
/* Size as the owner's own turn sees it. */
uint32_t shared_set_count(const struct shared_set *self);
/* Size as a reader on another thread sees it (SET_STALE: maybe an older one). */
uint32_t shared_set_count_elsewhere(struct shared_set *self, struct effects *fx);
/* The store of a change whose timer fired (the timer is the first member of set_change). */
void shared_set_store(struct effects *fx, struct timer *timer);
