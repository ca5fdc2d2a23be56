#pragma once
/*
 * target.h - a target file: a real cluster, its endpoints, credentials and the commands that
 * a deploy tool would run, and what is to happen to it.
 *
 * It becomes a scenario whose cluster has a client, an edge, the three tiers and a deploy
 * tool, and no stores; expected is that every check holds. Read like a scenario, by tables
 * (docs/scenario.md, "Target files"). Secrets may stand in files or in the environment.
 */
#include "scenario/scenario.h"

enum target_command {
    TARGET_STOP,
    TARGET_START,
    TARGET_PULL,
    TARGET_REMOVE_CONTAINERS,
    TARGET_EDGE_REMOVE,
    TARGET_EDGE_ADD,
    TARGET_COMMAND_COUNT
};

struct target {
    struct scenario scenario; /* owns all memory: scenario_release */
    const char **urls;        /* by node; NULL: it runs here */
    const char **auths;       /* by namespace: "user:password" */
    const char *system_auth;  /* of whisk.system; NULL: not given */
    const char *ca_file, *cert_file, *key_file;
    uint8_t has_tls, is_unverified;
    const char *users[NODE_KIND_COUNT], *passwords[NODE_KIND_COUNT]; /* NULL: not given */
    const char *commands[TARGET_COMMAND_COUNT];                      /* NULL: none */
    duration command_within, record_within, ping_every;
};

struct target_options {
    struct scenario_options scenario; /* no variant */
    const char *procedure;            /* NULL, or the one that every deploy entry gets */
    const char *(*environment)(const char *name); /* NULL result: not set */
};

/* As scenario_read. */
int target_read(const char *path, const struct target_options *options,
                struct target *ret_target, struct errmsg *err);
/*
 * A command for the shell: `{name}`, `{kind}`, `{index}` and `{url}` are the node's. False: it
 * does not fit.
 */
bool target_expand(const struct target *self, const char *command, node_id node, char *text,
                   size_t size);
