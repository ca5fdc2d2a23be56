#pragma once
/*
 * fault.h - the question both hosts ask before every send, and the answer.
 *
 * The plan itself (sim/faults) is unknown here. A mask per (sender, kind) answers nearly all
 * questions: the host asks only when fault_mask says that some rule may match.
 */
#include "core/message.h"

enum fault_action {
    FAULT_PASS,
    FAULT_DROP,
    FAULT_DELAY,
    FAULT_DUPLICATE,
    FAULT_REFUSE,
    FAULT_RESET,
    FAULT_ANSWER
};

struct fault_verdict {
    enum fault_action action;
    bool is_count;   /* FAULT_ANSWER: the body is a gate's count, kept as COUNT_ANSWERED */
    uint16_t rule;   /* index of the rule, for the record */
    uint16_t status; /* FAULT_ANSWER: HTTP status in the node's name */
    blob body;       /* FAULT_ANSWER: body; owned by the message that carries it */
    uint64_t count;  /* is_count: that number */
    duration delay;  /* FAULT_DELAY; FAULT_ANSWER: before the answer */
};

struct fault_ops {
    void *plan;
    /* May any rule ever match a message of this kind from this node? */
    bool (*may_match)(void *plan, node_id from, enum message_kind kind);
    /* Asked in delivery order of sends; `now` is the instant of the send. */
    struct fault_verdict (*ask)(void *plan, const struct message *m, tstamp now,
                                uint64_t ordinal);
    /* What the plan does by itself: the first instant (TSTAMP_NEVER: none), and, called at
     * it until it gives NODE_NONE, the nodes to kill. Both NULL: nothing. */
    tstamp (*next)(void *plan);
    node_id (*take_kill)(void *plan, tstamp now, uint16_t *ret_rule);
};
