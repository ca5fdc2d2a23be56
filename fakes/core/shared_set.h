#pragma once
/*
 * shared_set.h - a set of ids that upstream reaches from several threads.
 *
 * Three forms, chosen by a bug switch:
 *   SET_SAFE         every add and remove is one step, seen by all at once;
 *   SET_STALE        the owner sees its changes at once, a reader on another thread sees each
 *                    only after a while (`timing set.staleness`, drawn per change, by octaves:
 *                    mostly far less than its most) or when it sees a later one;
 *   SET_LOST_UPDATE  a change is load, window (`timing set.window`, drawn per change), store
 *                    of the whole set: of two changes that overlap, the later store wins.
 * The store is a timer of the owner, who calls shared_set_store when it fires. Of changes that
 * overlap, each record's cause is the one before, so that a trail shows them crossing.
 * Source: MemoryQueue.scala:172-173 at 1fae641a2 (concurrent sets); before 651a2e957 plain
 * vars, not volatile: nothing bounds how old a set another thread may read.
 */
#include "core/digest.h"
#include "core/machine.h"

enum set_form { SET_SAFE, SET_STALE, SET_LOST_UPDATE };

struct shared_set;

struct set_item {
    uint32_t id;
    uint32_t since; /* seq of the record that brought it in */
};

/* One change on its way between load and store. */
struct set_change {
    struct timer timer; /* kind, actor, arg set by the owner; arg identifies nothing here */
    struct shared_set *set;
    struct set_item *loaded; /* arena block: the copy */
    uint32_t loaded_count;
    uint32_t id;
    uint32_t stores; /* the set's, at the load */
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
    struct set_item *items; /* sorted by id */
    uint32_t count, max;
    uint64_t entity;      /* for draws */
    uint32_t changes;     /* ordinal of the drawn ones */
    uint32_t last_record; /* seq of the last change's */
    /* SET_STALE: what a reader elsewhere may get: both fields ascend, newest last. */
    struct set_version {
        tstamp seen_at; /* from then on, or earlier if by then a later one is seen */
        uint32_t count;
    } * versions;
    uint32_t version_count, version_max;
    uint32_t last_id;      /* what the last change changed */
    uint32_t stale_record; /* seq of the record that the last read was stale; 0: it was not */
    uint32_t stale_of;     /* seq of the change that it missed */
    uint8_t last_add;
    /* SET_LOST_UPDATE */
    uint32_t open, stores; /* set_changes between load and store; stores so far */
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
/* Seq of the record that explains what that reader got: that it was stale, else what brought
 * in the id that is in the set longest; 0: nothing, the set is empty. */
uint32_t shared_set_why(const struct shared_set *self);
/* The store of a change whose timer fired (the timer is the first member of set_change). */
void shared_set_store(struct effects *fx, struct timer *timer);
void shared_set_digest(const struct shared_set *self, struct digest *d);
