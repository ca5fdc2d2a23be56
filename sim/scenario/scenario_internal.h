#pragma once
/*
 * scenario_internal.h - a scenario while it is read. Sections are read in the order of the
 * top table, so each finds what it names: cluster, then namespaces, actions, load, deploy,
 * faults, checks.
 */
#include "scenario/procedure.h"
#include "scenario/scenario.h"

#define NAMESPACES_MAX 1000u
#define ACTIONS_MAX 20000u
#define DEPLOYS_MAX 64u
#define FAULTS_MAX 256u
#define PROCEDURES_MAX 64u
#define STEP_NAMES_MAX 4096u
#define VARIANTS_MAX 16u
#define TRACE_NAMESPACE "trace"

struct compiled_procedure {
    const struct procedure_file *file;
    uint8_t tier;
    struct procedure procedure;
};

struct draft {
    struct scenario *scenario;
    const struct scenario_options *options;
    /* cluster */
    uint32_t controllers, schedulers, invokers;
    uint8_t edge, from, to;
    struct node_info *nodes;
    struct labels *labels; /* by node */
    char (*tags)[TAG_MAX];
    const struct tree_node *tags_at, *dedicated_at; /* as in the file */
    /* growing lists; their owners say how large they may become */
    struct namespace_info *namespaces;
    struct action_info *actions;
    uint32_t namespace_max, action_max;
    uint64_t scale_above, scale_below; /* timing.scale */
    struct compiled_procedure procedures[PROCEDURES_MAX];
    const struct procedure_file *files[PROCEDURES_MAX];
    uint32_t procedure_count, file_count;
    const char **step_names;
    bool has_expect;
};

static inline struct draft *draft_of(struct reader *r)
{
    return r->context;
}

/* Readers of one section each; target: struct draft. */
schema_read_fn scenario_read_cluster, scenario_read_config, scenario_read_timing,
    scenario_read_namespaces, scenario_read_actions, scenario_read_triggers, read_sequence,
    scenario_read_load, scenario_read_deploy, scenario_read_faults, scenario_read_budget,
    scenario_read_checks, scenario_read_expect, scenario_read_hosts, scenario_read_variants;
/* scenario_labels.c; targets: struct draft, or struct action_info */
schema_read_fn scenario_read_invoker_tags, scenario_read_dedicated, scenario_read_action_tags,
    scenario_read_strict;
int draft_read_tags(struct reader *r); /* once there are nodes */
/* Once there are namespaces. */
int draft_finish_labels(struct reader *r, const struct tree_node *root);

extern const struct schema scenario_schema, cluster_schema, bugs_schema, namespace_schema,
    action_schema, run_schema, trigger_schema, load_schema, deploy_schema, fault_schema,
    delay_schema, answer_schema, expect_schema, budget_schema;

/* What target.c shares: the beginning and the end of a reading. */
void scenario_init(struct scenario *self, struct region *region, const char *path,
                   const struct scenario_options *options);
struct tree_node *scenario_empty_map(struct region *region, const struct tree_node *root);
void scenario_compile(struct draft *draft);
/* The cluster's nodes, so many of each kind. */
void draft_make_nodes(struct reader *r, const uint32_t counts[NODE_KIND_COUNT]);
/* A namespace by its key, which is checked; NULL after an error was set. */
struct namespace_info *draft_open_namespace(struct reader *r, const struct tree_node *key);

/* Adds one; its namespace must be there. NULL after an error was set. */
struct action_info *draft_add_action(struct reader *r, const struct tree_node *at);
struct namespace_info *draft_add_namespace(struct reader *r, const struct tree_node *at,
                                           const char *name);
namespace_id draft_find_namespace(const struct draft *draft, const char *name, size_t length);
/* Code or a sequence; a trigger may have the name of one. */
action_id draft_find_action(const struct draft *draft, const char *name);
action_id draft_find_trigger(const struct draft *draft, const char *name);
/* Sets the name and the namespace of which it is one. */
int read_action_name(struct reader *r, const struct tree_node *key, struct action_info *action);
/* Index into step_names, or UINT16_MAX. */
uint16_t draft_find_step(const struct draft *draft, const char *name);
/* A node by name, or NODE_NONE. */
node_id draft_find_node(const struct draft *draft, const char *name);
int draft_read_node(struct reader *r, const struct tree_node *node, node_id *ret);
void scenario_finish_loads(struct draft *draft);
void scenario_place_calls(struct scenario *self);
int scenario_apply(struct region *region, struct tree_node *root,
                   const struct scenario_options *options, struct errmsg *err);
