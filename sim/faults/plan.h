#pragma once
/*
 * plan.h - the fault rules of a scenario, and what they did. Answers fault.h for the host.
 */
#include "core/fault.h"
#include "core/record.h"
#include "core/draw.h"

enum fault_kind { FAULT_KIND_KILL, FAULT_KIND_DELAY, FAULT_KIND_ANSWER, FAULT_KIND_COUNT };
enum fault_when { FAULT_ALWAYS, FAULT_AT, FAULT_DURING };

#define FAULT_ANSWERS_MAX 8
struct fault_rule {
    uint8_t kind;            /* enum fault_kind */
    uint8_t when;            /* enum fault_when */
    tstamp at;               /* FAULT_AT */
    node_id during_instance; /* FAULT_DURING: deploy step `during_step` of this node */
    uint16_t during_step;    /* index into deployer_config.step_names */
    duration length;         /* how long; 0: as long as the step, or for ever (kill: once) */
    uint16_t links;          /* DELAY: bit per enum link; 0: any */
    node_id from, to;        /* DELAY; NODE_NONE: any */
    node_id node;            /* KILL, ANSWER; NODE_NONE with ANSWER: any of `tier` */
    uint8_t tier;            /* ANSWER: enum node_kind */
    uint8_t method;          /* ANSWER: enum http_method */
    duration by;             /* DELAY; ANSWER: before the answer */
    struct ratio ratio;      /* denominator 0: always */
    uint32_t nth;            /* 0: every match, else only the nth */
    const char *path;        /* ANSWER: of the route */
    uint16_t status;         /* ANSWER */
    const char *bodies[FAULT_ANSWERS_MAX]; /* in turn; the last stays */
    uint32_t body_count;
    uint32_t line; /* of the scenario, for reports */
};

struct plan;
struct cluster;
struct draws;

/* In the arena, owner ARENA_HOST. Rules are borrowed for the plan's life. */
struct plan *plan_new(struct arena *arena, const struct cluster *cluster,
                      const struct draws *draws, const struct fault_rule *rules,
                      uint32_t rule_count);
struct fault_ops plan_ops(struct plan *self);
/* Follows deploy steps; call for every record. */
void plan_on_record(struct plan *self, const struct record *r);
/* The first instant at which the plan wants to act by itself (a kill), and what it kills. */
tstamp plan_next(const struct plan *self);
node_id plan_take_kill(struct plan *self, tstamp now); /* NODE_NONE: nothing due */
/* (plan_ops gives a host both of these.) */
/* How often a rule applied; 0 is reported to the user. */
uint64_t plan_applied(const struct plan *self, uint32_t rule);
/* The last instant at which any rule is or was active, windows that are yet to come included;
 * a rule without an end counts with its beginning. 0: none. */
tstamp plan_last(const struct plan *self);
