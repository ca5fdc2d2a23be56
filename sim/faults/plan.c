/*
 * plan.c - see plan.h. Of several rules that match a message the first decides.
 */
#include "faults/plan.h"

#include <string.h>

#include "core/assert.h"
#include "core/cluster.h"

#define STATUS_OK 200

struct rule_state {
    tstamp started_at; /* DURING: the step's latest start; TSTAMP_NEVER: none yet */
    tstamp ended_at;   /* and its end; TSTAMP_NEVER: it runs */
    tstamp kill_at;    /* TSTAMP_NEVER: none due */
    uint32_t starts;   /* of the step */
    uint32_t matches;
    uint64_t applied;
    tstamp last_at;  /* see plan_last */
    uint32_t *turns; /* per node: answers given */
};

struct plan {
    struct arena *arena;
    const struct cluster *cluster;
    const struct draws *draws;
    const struct fault_rule *rules;
    struct rule_state *states;
    uint32_t rule_count;
    tstamp kill_at; /* the first of all */
};

static bool plan_may_match(void *plan, node_id from, enum message_kind kind);
static struct fault_verdict plan_ask(void *plan, const struct message *m, tstamp now,
                                     uint64_t ordinal);
static tstamp plan_ask_next(void *plan);
static node_id plan_take(struct plan *self, tstamp now, uint16_t *ret_rule);
static node_id plan_ask_kill(void *plan, tstamp now, uint16_t *ret_rule);

static bool rule_happens(const struct plan *self, uint32_t rule, uint64_t entity,
                         uint64_t ordinal)
{
    struct ratio ratio = self->rules[rule].ratio;
    return ratio.denominator == 0 || draw_chance(self->draws, PURPOSE_FAULT_RATIO,
                                                 draw_mix(rule, entity), ordinal, ratio);
}

static void find_first_kill(struct plan *self)
{
    self->kill_at = TSTAMP_NEVER;
    for (uint32_t i = 0; i < self->rule_count; i++) {
        if (self->states[i].kill_at < self->kill_at)
            self->kill_at = self->states[i].kill_at;
    }
}

static void rule_init(struct plan *self, uint32_t i)
{
    const struct fault_rule *rule = &self->rules[i];
    struct rule_state *state = &self->states[i];
    tstamp begin = rule->when == FAULT_AT ? rule->at : TSTAMP_ORIGIN;
    ASSERT_OP(rule->kind, <, FAULT_KIND_COUNT);
    ASSERT_OP(rule->body_count, <=, FAULT_ANSWERS_MAX);
    *state = (struct rule_state){
        .started_at = TSTAMP_NEVER, .ended_at = TSTAMP_NEVER, .kill_at = TSTAMP_NEVER};
    if (rule->kind == FAULT_KIND_ANSWER)
        state->turns = arena_alloc(self->arena, ARENA_HOST,
                                   self->cluster->node_count * sizeof state->turns[0]);
    if (rule->when == FAULT_DURING)
        return;
    if (rule->kind == FAULT_KIND_KILL && rule_happens(self, i, 0, 0))
        state->kill_at = begin;
    if (rule->when == FAULT_AT)
        state->last_at = begin;
    if (rule->length != 0 && rule->kind != FAULT_KIND_KILL)
        state->last_at = tstamp_add(begin, rule->length);
}

struct plan *plan_new(struct arena *arena, const struct cluster *cluster,
                      const struct draws *draws, const struct fault_rule *rules,
                      uint32_t rule_count)
{
    ASSERT_OP(rule_count, <=, UINT16_MAX);
    struct plan *self = arena_alloc(arena, ARENA_HOST, sizeof *self);
    *self = (struct plan){.arena = arena,
                          .cluster = cluster,
                          .draws = draws,
                          .rules = rules,
                          .rule_count = rule_count};
    self->states = arena_alloc(arena, ARENA_HOST, rule_count * sizeof self->states[0]);
    for (uint32_t i = 0; i < rule_count; i++)
        rule_init(self, i);
    find_first_kill(self);
    return self;
}

struct fault_ops plan_ops(struct plan *self)
{
    return (struct fault_ops){.plan = self,
                              .may_match = plan_may_match,
                              .ask = plan_ask,
                              .next = plan_ask_next,
                              .take_kill = plan_ask_kill};
}

static void step_started(struct plan *self, uint32_t i, tstamp at)
{
    const struct fault_rule *rule = &self->rules[i];
    struct rule_state *state = &self->states[i];
    uint32_t start = ++state->starts;
    state->started_at = at;
    state->ended_at = TSTAMP_NEVER;
    if (rule->kind != FAULT_KIND_KILL) {
        tstamp end = tstamp_add(at, rule->length);
        state->last_at = end > state->last_at ? end : state->last_at;
        return;
    }
    bool is_wanted = rule->nth == 0 ? state->applied == 0 : start == rule->nth;
    if (!is_wanted || state->kill_at != TSTAMP_NEVER || !rule_happens(self, i, 0, start))
        return;
    state->kill_at = at;
    find_first_kill(self);
}

void plan_on_record(struct plan *self, const struct record *r)
{
    if (r->kind != RECORD_STEP_STARTED && r->kind != RECORD_STEP_ENDED)
        return;
    for (uint32_t i = 0; i < self->rule_count; i++) {
        const struct fault_rule *rule = &self->rules[i];
        struct rule_state *state = &self->states[i];
        if (rule->when != FAULT_DURING || rule->during_step != r->value ||
            (rule->during_instance != NODE_NONE && rule->during_instance != r->peer))
            continue;
        if (r->kind == RECORD_STEP_STARTED) {
            step_started(self, i, r->at);
        } else if (rule->kind != FAULT_KIND_KILL) {
            state->ended_at = r->at;
            if (rule->length == 0)
                state->last_at = r->at > state->last_at ? r->at : state->last_at;
        }
    }
}

static bool rule_is_active(const struct plan *self, uint32_t i, tstamp now)
{
    const struct fault_rule *rule = &self->rules[i];
    const struct rule_state *state = &self->states[i];
    tstamp begin = 0;
    switch ((enum fault_when)rule->when) {
    case FAULT_ALWAYS:
        begin = rule->length == 0 ? 0 : TSTAMP_ORIGIN;
        break;
    case FAULT_AT:
        begin = rule->at;
        break;
    case FAULT_DURING:
        if (state->started_at == TSTAMP_NEVER ||
            (rule->length == 0 && state->ended_at != TSTAMP_NEVER))
            return false;
        begin = state->started_at;
        break;
    }
    return now >= begin && (rule->length == 0 || now < tstamp_add(begin, rule->length));
}

/* A delay of "any" link means links between nodes. */
static bool rule_takes_link(const struct fault_rule *rule, enum message_kind kind)
{
    unsigned link = message_infos[kind].link;
    if (rule->links == 0)
        return link != LINK_POST && link != LINK_CONTROL;
    return (rule->links >> link & 1) != 0;
}

static bool plan_may_match(void *plan, node_id from, enum message_kind kind)
{
    const struct plan *self = plan;
    for (uint32_t i = 0; i < self->rule_count; i++) {
        const struct fault_rule *rule = &self->rules[i];
        if (rule->kind == FAULT_KIND_ANSWER && kind == MSG_HTTP_REQUEST)
            return true;
        if (rule->kind == FAULT_KIND_DELAY && rule_takes_link(rule, kind) &&
            (rule->from == NODE_NONE || rule->from == from))
            return true;
    }
    return false;
}

/* The route alone: a query does not count. */
static bool is_path(const struct plan *self, blob path, const char *wanted)
{
    const char *text = blob_bytes(self->arena, path);
    size_t length = strcspn(text, "?");
    return wanted != NULL && strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

static bool rule_takes(const struct plan *self, const struct fault_rule *rule,
                       const struct message *m)
{
    switch ((enum fault_kind)rule->kind) {
    case FAULT_KIND_DELAY:
        return rule_takes_link(rule, (enum message_kind)m->kind) &&
               (rule->from == NODE_NONE || rule->from == m->from) &&
               (rule->to == NODE_NONE || rule->to == m->to);
    case FAULT_KIND_ANSWER:
        if (m->kind != MSG_HTTP_REQUEST || m->to >= self->cluster->node_count)
            return false;
        if (rule->node == NODE_NONE ? cluster_kind(self->cluster, m->to) != rule->tier
                                    : rule->node != m->to)
            return false;
        return m->u.http_request.method == rule->method &&
               is_path(self, m->u.http_request.path, rule->path);
    case FAULT_KIND_KILL:
    case FAULT_KIND_COUNT:
        break;
    }
    return false;
}

/* The routes whose 0 lets a procedure restart an instance. */
static bool is_gate(const char *path)
{
    return path != NULL &&
           (strcmp(path, "/activation/count") == 0 || strcmp(path, "/pool/count") == 0);
}

static bool count_parse(const char *body, uint64_t *ret_count)
{
    uint64_t count = 0;
    size_t i = 0;
    for (; i < 18 && body[i] >= '0' && body[i] <= '9'; i++)
        count = count * 10 + (uint64_t)(body[i] - '0');
    *ret_count = count;
    return i > 0 && body[i] == '\0';
}

static struct fault_verdict answer(struct plan *self, uint32_t i, const struct message *m)
{
    const struct fault_rule *rule = &self->rules[i];
    uint32_t turn = self->states[i].turns[m->to]++;
    struct fault_verdict verdict = {.action = FAULT_ANSWER,
                                    .rule = (uint16_t)i,
                                    .status = rule->status == 0 ? STATUS_OK : rule->status,
                                    .delay = rule->by};
    if (rule->body_count > 0) {
        const char *body = rule->bodies[turn < rule->body_count ? turn : rule->body_count - 1];
        verdict.body = blob_new(self->arena, ARENA_MESSAGE, body, strlen(body));
        verdict.is_count = is_gate(rule->path) && verdict.status == STATUS_OK &&
                           count_parse(body, &verdict.count);
    }
    return verdict;
}

static struct fault_verdict plan_ask(void *plan, const struct message *m, tstamp now,
                                     uint64_t ordinal)
{
    struct plan *self = plan;
    for (uint32_t i = 0; i < self->rule_count; i++) {
        const struct fault_rule *rule = &self->rules[i];
        struct rule_state *state = &self->states[i];
        if (!rule_takes(self, rule, m) || !rule_is_active(self, i, now))
            continue;
        state->matches++;
        if (rule->nth != 0 && state->matches != rule->nth)
            continue;
        uint64_t pair = draw_mix((uint64_t)m->from << 32 | m->from_actor, m->to);
        if (!rule_happens(self, i, pair, ordinal))
            continue;
        state->applied++;
        if (rule->kind == FAULT_KIND_ANSWER)
            return answer(self, i, m);
        return (struct fault_verdict){
            .action = FAULT_DELAY, .rule = (uint16_t)i, .delay = rule->by};
    }
    return (struct fault_verdict){.action = FAULT_PASS};
}

static tstamp plan_ask_next(void *plan)
{
    return plan_next(plan);
}

tstamp plan_next(const struct plan *self)
{
    return self->kill_at;
}

static node_id plan_ask_kill(void *plan, tstamp now, uint16_t *ret_rule)
{
    return plan_take(plan, now, ret_rule);
}

node_id plan_take_kill(struct plan *self, tstamp now)
{
    uint16_t rule;
    return plan_take(self, now, &rule);
}

static node_id plan_take(struct plan *self, tstamp now, uint16_t *ret_rule)
{
    if (self->kill_at > now)
        return NODE_NONE;
    for (uint32_t i = 0; i < self->rule_count; i++) {
        const struct fault_rule *rule = &self->rules[i];
        struct rule_state *state = &self->states[i];
        if (state->kill_at != self->kill_at)
            continue;
        state->kill_at = TSTAMP_NEVER;
        state->applied++;
        state->last_at = now > state->last_at ? now : state->last_at;
        *ret_rule = (uint16_t)i;
        find_first_kill(self);
        return rule->node != NODE_NONE ? rule->node : rule->during_instance;
    }
    ASSERT(self->kill_at == TSTAMP_NEVER);
    return NODE_NONE;
}

uint64_t plan_applied(const struct plan *self, uint32_t rule)
{
    ASSERT_OP(rule, <, self->rule_count);
    return self->states[rule].applied;
}

tstamp plan_last(const struct plan *self)
{
    tstamp last = 0;
    for (uint32_t i = 0; i < self->rule_count; i++) {
        if (self->states[i].last_at > last)
            last = self->states[i].last_at;
    }
    return last;
}
