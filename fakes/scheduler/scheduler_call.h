#pragma once
/*
 * scheduler_call.h - open requests to etcd and the database, and what their answers mean.
 */
#include "core/machine.h"
#include "scheduler/scheduler_post.h"

struct scheduler;

enum call_kind {
    CALL_LOOKUP,   /* leader key of an activation's queue, up to 14 attempts */
    CALL_RECOVER,  /* action of an activation whose queue must be rebuilt */
    CALL_PLACE,    /* invokers, for creations */
    CALL_WARM_UP,  /* invokers, at start */
    CALL_COUNT,    /* containers or creations of a namespace */
    CALL_STATE,    /* own health key, for GET /state */
    CALL_IDENTITY, /* limits of a namespace */
    CALL_DELETE,   /* containers of an updated action, running and warmed */
    CALL_UPDATE,   /* action of an activation with a newer revision */
};
struct call {
    struct timer timer; /* etcd's 10 s, or the pause before the next attempt */
    actor_id actor;
    uint32_t corr; /* 0: no request open */
    uint32_t cause;
    uint32_t attempts;
    struct key key; /* of a read of etcd, to send it again */
    node_id peer;
    uint8_t kind, family;
    uint8_t mode, depth, tries;
    bool is_pausing;
    bool is_past; /* DELETE: a container that is not too new was found */
    namespace_id ns;
    actor_id asker;       /* counter or gather */
    uint8_t *marks;       /* DELETE: by invoker; an arena block */
    struct call *waiting; /* UPDATE: the next one that waits for this read */
    union {
        struct activation activation;
        struct post_create create;
    } u;
};
struct call *call_new(struct scheduler *self, enum call_kind kind); /* NULL: no room */
void call_release(struct scheduler *self, struct call *call);
/* Ask etcd for a key (RANGE_GET), a listing or a count under it. */
void call_range(struct scheduler *self, struct effects *fx, struct call *call,
                enum range_mode mode, const struct key *key, unsigned depth);
void call_read(struct scheduler *self, struct effects *fx, struct call *call,
               enum document_kind document, action_id action, uint32_t revision);
/* To ACTOR_CALLBACK: answers, refusals, and posts of queues. */
void call_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void call_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);
void call_on_link(struct scheduler *self, node_id peer, struct effects *fx);

/* What an answer means; m is NULL when there was none. */
void lookup_on_answer(struct scheduler *, struct call *, const struct message *,
                      struct effects *);
void lookup_retry(struct scheduler *self, struct call *call, struct effects *fx);
void recover_on_answer(struct scheduler *, struct call *, const struct message *,
                       struct effects *);
void container_on_listing(struct scheduler *, struct call *, const struct message *,
                          struct effects *);
void counter_on_answer(struct scheduler *, struct call *, const struct message *,
                       struct effects *);
void route_on_state(struct scheduler *, struct call *, const struct message *,
                    struct effects *);
void container_on_old(struct scheduler *, struct call *, const struct message *,
                      struct effects *);
void update_on_answer(struct scheduler *, struct call *, const struct message *,
                      struct effects *);
void limit_on_answer(struct scheduler *, struct call *, const struct message *,
                     struct effects *);
