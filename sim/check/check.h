#pragma once
/*
 * check.h - what judges a run: a set of checks fed with every record, in order.
 *
 * A check is one file named like it; it sees records and the ledger (ledger.h), which follows
 * each activation, container, key and node from the same records, and never a machine. All its
 * state lies in the arena (owner ARENA_HOST), so a snapshot holds it. Work per record is
 * constant, memory is bounded by what is in flight; each violation is counted, the first
 * CHECK_EXAMPLES of a check are kept.
 *
 *   check_set_new --record--> check_set_on_record ... check_set_settle --> check_set_end
 *
 * Order of one record: bounds that passed before it (on_tick), the ledger, the checks that
 * asked for its kind, then the ledger lets go of what is finished. Before a NODE_STOPPED the
 * checks may look at what the process still held.
 */
#include <stdbool.h>
#include "core/arena.h"
#include "core/cluster.h"
#include "core/digest.h"
#include "core/record.h"

struct check_set;
struct ledger;
struct summary;

#define CHECK_EXAMPLES 100u /* violations kept per check */
#define CHECK_TEXT_SIZE 240u
#define CHECK_FIELDS_MAX 32u
#define CHECKS_MAX 24u

/* One bound that a scenario may set: `checks: { <check>: { <field>: value } }`. */
enum check_unit {
    CHECK_DURATION, /* ns */
    CHECK_COUNT,
    CHECK_STEP, /* the name of a procedure step; value: its index in step_names */
};
struct check_field {
    const char *check, *field; /* "latency.p99" and "below" */
    enum check_unit unit;
    uint64_t min, max, standard; /* standard: when not given */
    const char *about;
};
/* All bounds of all checks, in a fixed order. */
const struct check_field *check_fields(unsigned *ret_count);
int check_field_find(const char *check, const char *field); /* index, or -1 */

struct check_settings { /* by index into check_fields() */
    uint64_t values[CHECK_FIELDS_MAX];
    bool given[CHECK_FIELDS_MAX];
};
void check_settings_default(struct check_settings *self);

/* The names that `expect:` and `why` may use. */
unsigned check_count(void);
const char *check_name(unsigned index);
int check_from_name(const char *name);  /* index, or -1 */
bool check_is_liveness(unsigned index); /* settles: exit 3 */
/* Can it be judged by what a client and a deploy tool see of a cluster that is not ours? */
bool check_is_seen_outside(unsigned index);

/* What the checks may know of the run; all borrowed for its life. */
struct check_world {
    const struct cluster *cluster;
    const struct draws *draws;
    const struct check_settings *settings;
    const char *const *step_names; /* deployer_config.step_names */
    uint32_t step_name_count;
    uint64_t checks_off; /* bit per check: not judged, verdict not-applicable */
    /* The records tell what is seen of a cluster elsewhere: checks that need more are not
     * observable; a scheduler or invoker serves when it listens and was not disabled. */
    bool is_outside;
    /* The cluster's own ids, where they are not cluster_activation_text's. May be NULL; false:
     * it has none that is known. */
    void *id_context;
    bool (*activation_text)(void *context, activation_id id, char ret_text[33]);
};

struct violation {
    tstamp at;                /* when it came about; may lie before the record that showed it */
    uint64_t seq;             /* the record to look at first; 0: none */
    struct key key;           /* family KEY_NONE: none */
    activation_id activation; /* 0: none */
    uint32_t container;       /* 0: none */
    node_id node;             /* NODE_NONE: none */
    action_id action;
    char text[CHECK_TEXT_SIZE]; /* a sentence; names, no ids but the activation's hex */
};

enum check_verdict { CHECK_PASS, CHECK_FAIL, CHECK_NOT_APPLICABLE, CHECK_NOT_OBSERVABLE };

struct check_result {
    const char *name;
    enum check_verdict verdict;
    bool liveness;
    uint64_t violation_count;
    uint32_t example_count;
    const struct violation *examples; /* in the order found; valid as long as the set */
};

struct check_set *check_set_new(struct arena *arena, const struct check_world *world);
void check_set_on_record(struct check_set *self, const struct record *r);
/* Time passed without a record: bounds that ended by `now` are judged. */
void check_set_advance(struct check_set *self, tstamp now);
/* For `settles`. pending: what is still owed, in words (host_ops.pending), or NULL: nothing.
 * Call once, before check_set_end; not called: `settles` does not apply. */
void check_set_settle(struct check_set *self, tstamp now, const char *pending);
/* Judge what only the end can tell. Call once; no record after it. */
void check_set_end(struct check_set *self, tstamp now);

struct check_result check_set_result(const struct check_set *self, unsigned index);
/* The violation that came about first (smallest at, then seq), or NULL; its check by index. */
const struct violation *check_set_first(const struct check_set *self, unsigned *ret_check);
uint64_t check_set_violations(const struct check_set *self); /* of all checks */
/* Counts, latency, deploy steps (summary.h); final after check_set_end. */
const struct summary *check_set_summary(const struct check_set *self);
const struct ledger *check_set_ledger(const struct check_set *self);
/* Each verdict, number of violations, and every violation so far, field by field. */
void check_set_digest(const struct check_set *self, struct digest *d);
const char *check_verdict_to_string(unsigned verdict); /* pass, fail, not-... */
