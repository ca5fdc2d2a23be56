#pragma once
/*
 * procedure.h - a procedure file: how a component is rolled, a section per tier.
 *
 * Steps become the structs of deployer.h; ids of steps and actions to invoke are filled by
 * whoever compiles a scenario, which knows all names.
 */
#include "deployer/deployer.h"
#include "scenario/schema.h"

#define PROCEDURE_STEPS_MAX 64u
#define PROCEDURE_TEXT_MAX 200 /* of a path, or a text to look for */

struct procedure_switch {
    const char *name;
    bool on;
};

struct procedure_section {
    bool is_present;
    uint32_t serial, forks;
    uint8_t give_up; /* enum give_up */
    uint8_t reverse;
    struct procedure_switch *switches;
    uint32_t switch_count;
    struct step *steps;
    const char **invoke_actions; /* per step; NULL: none */
    uint32_t step_count;
};

struct procedure_file {
    const char *path, *name, *why;
    uint64_t hash;
    struct procedure_section sections[NODE_KIND_COUNT];
};

#define PROCEDURE_HEALTH_TEST "whisk.system/invokerHealthTestAction"

/* ERR_FILE, ERR_INPUT with file:line:column. */
int procedure_read(struct region *region, const char *path, struct procedure_file **ret_file,
                   struct errmsg *err);
int procedure_read_bytes(struct region *region, const char *path, const char *bytes,
                         size_t length, struct procedure_file **ret_file, struct errmsg *err);

/*
 * Where the procedure that a scenario names lies. A name without slash is NAME.yaml in
 * `procedures` or `scenarios/procedures` of a folder above the scenario, else in
 * shipped_dir (may be NULL); anything else is a path from the scenario's folder.
 */
const char *procedure_find(struct region *region, const char *name, const char *scenario_path,
                           const char *shipped_dir);
const char *path_from(struct region *region, const char *file, const char *relative);

/* `controllers`, `schedulers`, `invokers`; NODE_KIND_COUNT when it is none. */
enum node_kind tier_from_string(const char *text);
const char *tier_to_string(enum node_kind kind);

void procedure_print_reference(FILE *out);
