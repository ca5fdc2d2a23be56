#pragma once
/*
 * fsm.h - the only writer of an actor's state; every move is a record (and so digested).
 */
#include "core/effects.h"

#define FSM_LIST(X)                                                                            \
    X(QUEUE, "queue")                                                                          \
    X(FEED, "feed")                                                                            \
    X(LEASE, "lease")                                                                          \
    X(PROXY, "proxy")                                                                          \
    X(ACTIVATION_CLIENT, "client-proxy")                                                       \
    X(HEALTH, "health")                                                                        \
    X(HOST_DEPLOY, "host")
#define FSM_MEMBER(id, text) FSM_##id,
enum fsm_kind { FSM_LIST(FSM_MEMBER) FSM_KIND_COUNT };
NAMES_DECLARE(fsm)

/* States of each kind by name (registered in fsm.c by kind); never NULL. */
const char *fsm_state_name(enum fsm_kind kind, unsigned state);

/*
 * Move to `to`, recording it, also when it is the same state (upstream's goto runs hooks
 * then). Feeds move with every poll and are not recorded.
 * Returns the record to add ids to (action, container); of FSM_FEED NULL.
 */
struct record *fsm_move(uint8_t *state, uint8_t to, enum fsm_kind kind, struct effects *fx,
                        actor_id actor);
