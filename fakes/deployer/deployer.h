#pragma once
/*
 * deployer.h - works through the deploy entries of a scenario, as Ansible works through a
 * play: each step on up to `forks` hosts at a time, all hosts of a batch through one step
 * before the next (lock-step), `serial` hosts per batch, hosts that fail drop out, a batch that
 * fails whole ends the play.
 *
 *   host: WAITING --> STEP --ok--> next STEP ... --> DONE
 *                       \--failed (not ignored)--> FAILED
 *
 * Procedures are data (scenarios/procedures); the reader compiles them into these structs.
 * Source: ansible/roles/{controller,schedulers,invoker} at 1fae641a2; ansible-core 2.14.
 */
#include "core/machine.h"

enum step_kind {
    STEP_REQUEST,
    STEP_SLEEP,
    STEP_EDGE_REMOVE,
    STEP_EDGE_ADD,
    STEP_STOP,
    STEP_START,
    STEP_RESTART,
    STEP_REMOVE_CONTAINERS,
    STEP_PULL,
    STEP_INVOKE,
};
enum until_kind {
    UNTIL_STATUS,
    UNTIL_BODY_IS,
    UNTIL_BODY_HAS,
    UNTIL_BODY_LACKS,
    UNTIL_JSON_NOT_EMPTY
};

#define UNTIL_MAX 4
struct until {    /* a condition on an answer; all of a step's must hold */
    uint8_t kind; /* enum until_kind */
    uint16_t status;
    const char *text;
};

struct step {
    const char *name;
    uint16_t id;    /* index into deployer_config.step_names */
    uint8_t kind;   /* enum step_kind */
    uint8_t method; /* enum http_method */
    uint8_t auth; /* 1: with the component's credentials, 2: with wrong ones (a test of ours) */
    uint8_t ignore_errors;     /* 0 no, 1 always, 2: by switch */
    const char *ignore_switch; /* name of the switch that decides */
    const char *path;          /* `<i>` here and in until texts: the host's index */
    uint16_t status;           /* what counts as an answer; 0: any */
    struct until until[UNTIL_MAX];
    uint8_t until_count;
    uint32_t retries;        /* N retries are N + 1 requests with N pauses */
    duration delay;          /* between requests; length of a sleep */
    duration timeout;        /* of one request; Ansible's uri: 30 s */
    const char *when_switch; /* NULL, or the switch that must be on */
    const char *when_not_switch;
    const char *when_step; /* NULL, or the earlier step whose answer must contain when_text */
    const char *when_text;
    action_id invoke_action; /* STEP_INVOKE */
    uint8_t ask; /* 0: the host itself; else enum node_kind: another instance of that tier */
    const char *when_also_switch; /* NULL, or a second switch that must be on */
};

enum give_up { GIVE_UP_HOST, GIVE_UP_PLAY };
struct procedure {
    const char *name;
    const struct step *steps;
    uint32_t step_count;
    uint32_t serial; /* 0: all hosts in one batch */
    uint32_t forks;
    uint8_t give_up; /* what a failed step ends: its host, or the play */
};

struct deploy_switch {
    const char *name;
    uint8_t on;
};

struct deploy_entry {
    uint8_t has_at;
    tstamp at;            /* else: when the former entry has ended */
    duration pause;       /* before it starts, after `at` or the former's end */
    uint8_t tier;         /* enum node_kind */
    const node_id *nodes; /* in order */
    uint32_t node_count;
    const struct procedure *procedure;
    uint32_t serial;                      /* overrides the procedure's; UINT32_MAX: not given */
    const struct deploy_switch *switches; /* resolved: entry over procedure */
    uint32_t switch_count;
    uint8_t parallel; /* 1: starts at `at` even if the former still runs */
};

struct deployer_config {
    const struct deploy_entry *entries;
    uint32_t entry_count;
    const char *const *step_names; /* unique; records name steps by index */
    uint32_t step_name_count;
    /* credentials of the three tiers, as in their configs */
    const char *users[NODE_KIND_COUNT], *passwords[NODE_KIND_COUNT];
};

extern const struct machine_ops deployer_ops;
