/*
 * check.c - the set of checks of one world.
 */
#include "check/check_internal.h"
#include "core/assert.h"
#include <stdarg.h>
#include <stdio.h>

struct check_state {
    const struct check_ops *ops;
    void *self; /* arena block */
    struct check_context context;
    struct violation *examples; /* arena block; grows up to CHECK_EXAMPLES */
    uint64_t violation_count;
    uint32_t example_count;
    bool applies, is_off;
    bool is_blind; /* it would need to see more than the records tell */
    tstamp due;    /* TSTAMP_NEVER: none */
};

struct check_set {
    struct arena *arena;
    struct check_world world;
    struct summary summary;
    struct ledger *ledger;
    struct check_state checks[CHECKS_MAX];
    uint32_t by_kind[RECORD_KIND_COUNT]; /* bit per check that wants it */
    tstamp due;                          /* the first of all */
    struct digest violations;            /* rolling, field by field */
    bool is_settled, is_ended;
};

static void check_set_begin(struct check_set *self, unsigned index)
{
    struct check_state *check = &self->checks[index];
    check->ops = check_ops_at(index);
    check->due = TSTAMP_NEVER;
    check->is_off = (self->world.checks_off >> index & 1) != 0;
    check->context = (struct check_context){
        .set = self,
        .index = index,
        .arena = self->arena,
        .world = &self->world,
        .ledger = self->ledger,
        .summary = &self->summary,
    };
    check->is_blind = self->world.is_outside && !check->ops->is_seen_outside;
    if (check->is_blind)
        return;
    check->self = arena_alloc(self->arena, ARENA_HOST, check->ops->size + 1);
    for (const uint16_t *kind = check->ops->kinds; *kind != RECORD_NONE; kind++)
        self->by_kind[*kind] |= 1u << index;
    if (check->ops->begin != NULL)
        check->ops->begin(check->self, &check->context);
}

struct check_set *check_set_new(struct arena *arena, const struct check_world *world)
{
    struct check_set *self = arena_alloc(arena, ARENA_HOST, sizeof *self);
    ASSERT_OP(check_count(), <=, CHECKS_MAX);
    self->arena = arena;
    self->world = *world;
    self->due = TSTAMP_NEVER;
    summary_init(&self->summary, arena);
    self->ledger = ledger_new(arena, world, &self->summary);
    for (unsigned i = 0; i < check_count(); i++)
        check_set_begin(self, i);
    return self;
}

void check_set_advance(struct check_set *self, tstamp now)
{
    while (now > self->due) {
        tstamp due = self->due;
        self->due = TSTAMP_NEVER;
        for (unsigned i = 0; i < check_count(); i++) {
            struct check_state *check = &self->checks[i];
            if (check->due <= due) {
                check->due = TSTAMP_NEVER;
                check->ops->on_tick(check->self, &check->context, now);
                ASSERT_OP(check->due, >, due);
            }
            if (check->due < self->due)
                self->due = check->due;
        }
    }
}

static void check_set_show(struct check_set *self, const struct record *r)
{
    for (uint32_t bits = self->by_kind[r->kind]; bits != 0; bits &= bits - 1) {
        struct check_state *check = &self->checks[__builtin_ctz(bits)];
        check->ops->on_record(check->self, &check->context, r);
    }
}

/* Before the ledger takes from a process what it held. */
static void check_set_show_stop(struct check_set *self, const struct record *r)
{
    for (unsigned i = 0; i < check_count(); i++) {
        struct check_state *check = &self->checks[i];
        if (!check->is_blind && check->ops->on_stop != NULL)
            check->ops->on_stop(check->self, &check->context, r);
    }
}

void check_set_on_record(struct check_set *self, const struct record *r)
{
    ASSERT(!self->is_ended);
    ASSERT_OP(r->kind, <, RECORD_KIND_COUNT);
    check_set_advance(self, r->at);
    if (r->kind == RECORD_NODE_STOPPED)
        check_set_show_stop(self, r);
    summary_on_record(&self->summary, r);
    ledger_on_record(self->ledger, r);
    check_set_show(self, r);
    ledger_retire(self->ledger, r);
}

void check_set_settle(struct check_set *self, tstamp now, const char *pending)
{
    ASSERT(!self->is_settled && !self->is_ended);
    check_set_advance(self, now);
    self->is_settled = true;
    for (unsigned i = 0; i < check_count(); i++) {
        struct check_state *check = &self->checks[i];
        if (!check->is_blind && check->ops->on_settle != NULL)
            check->ops->on_settle(check->self, &check->context, now, pending);
    }
}

void check_set_end(struct check_set *self, tstamp now)
{
    ASSERT(!self->is_ended);
    check_set_advance(self, now);
    for (unsigned i = 0; i < check_count(); i++) {
        struct check_state *check = &self->checks[i];
        if (!check->is_blind && check->ops->end != NULL)
            check->ops->end(check->self, &check->context, now);
    }
    ledger_end(self->ledger, now);
    summary_end(&self->summary);
    self->is_ended = true;
}

struct check_result check_set_result(const struct check_set *self, unsigned index)
{
    ASSERT_OP(index, <, check_count());
    const struct check_state *check = &self->checks[index];
    enum check_verdict verdict = check->is_blind              ? CHECK_NOT_OBSERVABLE
                                 : check->violation_count > 0 ? CHECK_FAIL
                                 : check->applies             ? CHECK_PASS
                                                              : CHECK_NOT_APPLICABLE;
    return (struct check_result){
        .name = check->ops->name,
        .verdict = check->is_off ? CHECK_NOT_APPLICABLE : verdict,
        .liveness = check->ops->is_liveness,
        .violation_count = check->violation_count,
        .example_count = check->example_count,
        .examples = check->examples,
    };
}

static bool violation_before(const struct violation *a, const struct violation *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

const struct violation *check_set_first(const struct check_set *self, unsigned *ret_check)
{
    const struct violation *first = NULL;
    for (unsigned i = 0; i < check_count(); i++) {
        const struct check_state *check = &self->checks[i];
        for (uint32_t j = 0; j < check->example_count; j++) {
            if (first != NULL && !violation_before(&check->examples[j], first))
                continue;
            first = &check->examples[j];
            if (ret_check != NULL)
                *ret_check = i;
        }
    }
    return first;
}

uint64_t check_set_violations(const struct check_set *self)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < check_count(); i++)
        count += self->checks[i].violation_count;
    return count;
}

const struct summary *check_set_summary(const struct check_set *self)
{
    return &self->summary;
}

const struct ledger *check_set_ledger(const struct check_set *self)
{
    return self->ledger;
}

void check_set_digest(const struct check_set *self, struct digest *d)
{
    for (unsigned i = 0; i < check_count(); i++) {
        const struct check_state *check = &self->checks[i];
        digest_two(d, check->violation_count, check_set_result(self, i).verdict);
    }
    digest_word(d, self->violations.state);
    digest_two(d, self->summary.offered, self->summary.accepted);
    digest_two(d, self->summary.completed, self->summary.lost);
    ledger_digest(self->ledger, d);
}

/* What a check may call. */

void check_applies(const struct check_context *ctx)
{
    ctx->set->checks[ctx->index].applies = true;
}

static void check_set_fold(struct check_set *self, unsigned index, const struct violation *v)
{
    digest_two(&self->violations, (uint64_t)index << 32 | v->container, v->seq);
    digest_two(&self->violations, v->at,
               (uint64_t)v->activation << 32 | (uint32_t)v->action << 16 | v->node);
    digest_two(&self->violations,
               (uint64_t)v->key.family << 48 | (uint64_t)v->key.ns << 32 |
                   (uint32_t)v->key.action << 16 | v->key.node,
               (uint64_t)v->key.revision << 32 | v->key.id);
}

static struct violation *check_example(struct check_set *self, struct check_state *check)
{
    size_t max = check->examples == NULL
                     ? 0
                     : arena_block_size(check->examples) / sizeof *check->examples;
    if (check->example_count == CHECK_EXAMPLES)
        return NULL;
    if (check->example_count == max) {
        size_t more = max == 0 ? 2 : max * 2;
        check->examples = arena_grow(self->arena, ARENA_HOST, check->examples,
                                     more * sizeof *check->examples);
    }
    return &check->examples[check->example_count++];
}

void check_report(const struct check_context *ctx, const struct violation *v,
                  const char *format, ...)
{
    struct check_set *set = ctx->set;
    struct check_state *check = &set->checks[ctx->index];
    if (check->is_off)
        return;
    check->violation_count++;
    check_set_fold(set, ctx->index, v);
    struct violation *kept = check_example(set, check);
    if (kept == NULL)
        return;
    va_list list;
    *kept = *v;
    va_start(list, format);
    (void)vsnprintf(kept->text, sizeof kept->text, format, list);
    va_end(list);
}

void check_due(const struct check_context *ctx, tstamp at)
{
    ctx->set->checks[ctx->index].due = at;
    if (at < ctx->set->due)
        ctx->set->due = at;
}

uint64_t check_bound(const struct check_context *ctx, enum bound bound)
{
    return ctx->world->settings->values[bound];
}

bool check_bound_given(const struct check_context *ctx, enum bound bound)
{
    return ctx->world->settings->given[bound];
}

struct violation violation_of(const struct record *r)
{
    return (struct violation){
        .at = r->at,
        .seq = r->seq,
        .activation = ledger_follows(r->activation) ? r->activation : 0,
        .container = r->container,
        .node = r->node,
        .action = r->action,
    };
}

struct violation violation_of_thing(const struct ledger_thing *thing, tstamp at, uint64_t seq)
{
    return (struct violation){
        .at = at,
        .seq = seq,
        .key = thing->key,
        .container = thing->container,
        .node = thing->node,
        .action = thing->action,
    };
}

void check_report_risk(const struct check_context *ctx, const struct record *r,
                       const struct ledger_risk *risk, const char *does, const char *goes)
{
    ASSERT_OP(risk->total, >, 0);
    struct violation v = violation_of(r);
    char parts[120];
    ledger_risk_print(risk, parts, sizeof parts);
    v.activation = risk->first;
    v.action = risk->action;
    check_report(ctx, &v, "%s %s %" PRIu32 "%s: %s (first: %s)", check_node(ctx, r->node), does,
                 risk->total, goes, parts, check_action(ctx, risk->action));
}

const char *check_action(const struct check_context *ctx, action_id action)
{
    return cluster_action_name(ctx->world->cluster, action);
}

const char *check_node(const struct check_context *ctx, node_id node)
{
    return cluster_node_name(ctx->world->cluster, node);
}
