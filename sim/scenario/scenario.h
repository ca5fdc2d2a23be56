#pragma once
/*
 * scenario.h - a scenario file, read, checked and compiled: everything a run needs.
 *
 * Reading: file -> tree (tree.h) -> overrides and variant put on the tree -> schema
 * (scenario_schema.c: one table per mapping) -> this struct. All memory is in one region,
 * given back by scenario_release. Instants carry TSTAMP_ORIGIN. docs/scenario.md describes
 * every key and is printed from the same tables.
 */
#include "check/check.h"
#include "client/client.h"
#include "core/machine.h"
#include "deployer/deployer.h"
#include "faults/plan.h"
#include "scenario/err.h"
#include "scenario/region.h"
#include "scenario/trace.h"
#include <stdio.h>

#define HOSTS_SIM 1u
#define HOSTS_LIVE 2u

enum profile { PROFILE_ANSIBLE, PROFILE_SHIPPED, PROFILE_COUNT };

enum expect_kind {
    EXPECT_PASS,
    EXPECT_VIOLATES,    /* exactly these checks */
    EXPECT_PER_VARIANT, /* the file has variants and none was chosen */
};
struct expectation {
    enum expect_kind kind;
    uint64_t violates;   /* bit per check, by index of check_name */
    const char *because; /* the hazard's id; NULL with EXPECT_PASS */
};

#define BUDGET_UNLIMITED UINT32_MAX

struct trace_source { /* trace NULL: a load of one action */
    struct trace *trace;
    action_id *actions; /* by rank of the function */
    bool has_end;
};

struct scenario {
    struct region *region;
    const char *path; /* as given */
    const char *name; /* file name without folder and `.yaml` */
    const char *why;
    const char *const *variants; /* names, in the order of the file */
    uint32_t variant_count;
    const char *variant;     /* the chosen one, or NULL */
    uint64_t hash;           /* of the scenario as overridden, its procedures and traces */
    uint64_t seed, own_seed; /* as it is run; the file's own, for which `expect` is required */
    uint8_t hosts;           /* HOSTS_SIM | HOSTS_LIVE */
    uint8_t profile;         /* enum profile */

    struct cluster cluster;
    void *configs[NODE_KIND_COUNT]; /* complete; NULL for a kind without configuration */

    struct load_entry *loads;   /* also in configs[NODE_CLIENT] */
    struct trace_stats *traces; /* per load entry; call_count 0 for other loads */
    uint32_t load_count;
    struct trace_source *trace_sources; /* per load entry */

    struct deploy_entry *deploys; /* also in configs[NODE_DEPLOYER], as are step names */
    uint32_t deploy_count;
    const char *const *step_names;
    uint32_t step_name_count;

    struct fault_rule *faults;
    uint32_t fault_count;
    uint32_t budget[NODE_KIND_COUNT]; /* how many may be hurt at once; BUDGET_UNLIMITED */

    struct check_settings checks;
    uint64_t checks_off; /* bit per check that the file switches off */
    struct expectation expect;
};

struct scenario_options {
    const char *procedures_dir; /* where shipped procedures lie, when no folder above the file
                                   has them; may be NULL */
    const char *const *sets; /* PATH=VALUE, later ones over earlier ones and over the variant */
    uint32_t set_count;
    const char *variant; /* NULL: none */
    bool has_seed;       /* over the file's `seed` */
    uint64_t seed;
};

/*
 * Read a scenario. A file with variants is checked with each of them; without a choice the
 * result has EXPECT_PER_VARIANT and is as the file without any variant.
 * Errors: ERR_FILE, ERR_INPUT, ERR_LATER, with `file:line:column: what, expected what`.
 * On an error nothing has to be released.
 */
int scenario_read(const char *path, const struct scenario_options *options,
                  struct scenario *ret_scenario, struct errmsg *err);
/* The same from bytes; `path` names them in errors and is where relative paths start. */
int scenario_read_bytes(const char *path, const char *bytes, size_t length,
                        const struct scenario_options *options, struct scenario *ret_scenario,
                        struct errmsg *err);
/* Another seed for the same scenario: draws the instants of per-minute traces anew. Pointers
 * into cluster.calls stay valid, their contents change. */
void scenario_reseed(struct scenario *self, uint64_t seed);
void scenario_release(struct scenario *self);

/* docs/scenario.md, from the tables. */
void scenario_print_reference(FILE *out);
