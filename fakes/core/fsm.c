/*
 * fsm.c - state names of every kind of actor, and the one writer of a state.
 *
 * The components' headers number their states in this order (their tests compare).
 */
#include "core/fsm.h"
#include "core/assert.h"

NAMES_DEFINE(fsm, FSM_LIST)

#define FSM_STATES_MAX 10
static const char *const fsm_states[FSM_KIND_COUNT][FSM_STATES_MAX] = {
    [FSM_QUEUE] = {"Uninitialized", "Running", "Idle", "Flushing", "NamespaceThrottled",
                   "ActionThrottled", "Removing", "Removed"},
    [FSM_FEED] = {"Idle", "FillingPipeline", "DrainingPipeline"},
    [FSM_LEASE] = {"Ready", "Active"},
    [FSM_PROXY] = {"Uninitialized", "CreatingContainer", "ContainerCreated", "CreatingClient",
                   "ClientCreated", "Rescheduling", "Running", "Pausing", "Paused", "Removing"},
    [FSM_ACTIVATION_CLIENT] = {"Uninitialized", "Ready", "Removing"},
    [FSM_HEALTH] = {"Offline", "Unhealthy", "Healthy"},
    [FSM_HOST_DEPLOY] = {"waiting", "working", "done", "failed"},
};

const char *fsm_state_name(enum fsm_kind kind, unsigned state)
{
    if ((unsigned)kind >= FSM_KIND_COUNT || state >= FSM_STATES_MAX)
        return "unknown";
    const char *name = fsm_states[kind][state];
    return name == NULL ? "unknown" : name;
}

struct record *fsm_move(uint8_t *state, uint8_t to, enum fsm_kind kind, struct effects *fx,
                        actor_id actor)
{
    uint8_t from = *state;
    ASSERT(to < FSM_STATES_MAX && fsm_states[kind][to] != NULL);
    *state = to;
    if (kind == FSM_FEED)
        return NULL;
    struct record *r = effects_record(fx, RECORD_STATE, actor);
    r->detail = (uint8_t)kind;
    r->value = from;
    r->value2 = to;
    return r;
}
