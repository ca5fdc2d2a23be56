/*
 * controller_chain.c - sequences and firings of triggers: what a controller holds in memory
 * while their parts run, and the record that it writes itself at the end.
 *
 *   sequence: its components' metadata are asked for at once; then one after the other
 *     PART --published, waited for (limit + 1 min)--> (own turn) --next part-->
 *     last, failed or too long: record, answer
 *   firing: 202; a request to the own port for each active rule; all answered: record
 *
 * Between two parts nothing of it has a slot: `/activation/count` does not see it. Parts meet
 * no throttle but those of rules, which are requests like any other.
 * Source: SequenceActions.scala:94-480, Triggers.scala:140-203, 296-385 at 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "core/assert.h"

#define SEQUENCE_ATOMS_MAX 50u     /* limits_actions_sequence_maxLength, group_vars/all:83 */
#define PART_WAIT_ADDON MINUTES(1) /* SequenceActions.scala:337 */
#define PART_INCARNATION_BITS 4u

enum controller_post { POST_PART_DONE = POST_COMPONENT };

struct chain {
    struct call_link link; /* key: the activation's id */
    struct chain *next, *prev;
    activation_id id, parent; /* parent: the sequence that it is a component of, or 0 */
    tstamp started_at;
    uint32_t cause;
    action_id action;
    namespace_id ns;
    uint32_t part;  /* the component that runs; rules that have not answered */
    uint32_t atoms; /* actions run so far, counted from the topmost sequence's start */
    bool is_blocking;
};

struct part_end { /* of POST_PART_DONE */
    activation_id chain;
    uint32_t atoms;
    uint32_t how; /* enum part_result */
    uint32_t response, error, spare;
};
enum part_result { PART_ANSWERED, PART_UNREADABLE };

void controller_chains_init(struct controller *self)
{
    call_table_init(&self->chains, self->env);
    call_slab_init(&self->chain_slab, self->env, sizeof(struct chain));
}

static struct chain *find_chain(const struct controller *self, activation_id id)
{
    return (struct chain *)(void *)call_table_find(&self->chains, id);
}

/* Built as the public API's own ids are (controller_api.h), of another load entry. */
static activation_id part_id(struct controller *self)
{
    const struct machine_env *env = self->env;
    uint32_t bits = 24 - PART_INCARNATION_BITS;
    for (uint32_t n = 1; n < env->cluster->counts[NODE_CONTROLLER]; n *= 2)
        bits--;
    uint32_t index = env->cluster->nodes[env->node].index;
    uint32_t boot = env->incarnation & ((1u << PART_INCARNATION_BITS) - 1);
    activation_id id = 0;
    do {
        self->part_ids++;
        uint32_t ordinal = (index << PART_INCARNATION_BITS | boot) << bits |
                           (self->part_ids & ((1u << bits) - 1));
        id = ACTIVATION_ID(REQUEST_ENTRY_PART << 24 | ordinal, 0);
    } while (controller_has_id(self, id));
    return id;
}

static const struct action_info *info_of(const struct controller *self, const struct chain *c)
{
    return &self->env->cluster->actions[c->action];
}

static void record_chain(struct effects *fx, enum record_kind kind, struct chain *c,
                         uint64_t value, uint64_t value2)
{
    struct record *r = effects_record(fx, kind, ACTOR_MAIN_ID);
    r->activation = c->id;
    r->action = c->action;
    r->ns = c->ns;
    r->value = value;
    r->value2 = value2;
    c->cause = fx->cause;
}

static void record_part(struct effects *fx, struct chain *c, uint32_t part, action_id action,
                        activation_id id)
{
    record_chain(fx, RECORD_CHAIN_PART, c, id, part);
    fx->records[fx->record_count - 1].action = action;
}

static struct chain *chain_open(struct controller *self, const struct invocation *i,
                                struct effects *fx)
{
    const struct chain *parent = find_chain(self, i->chain);
    struct chain *c = call_slab_take(&self->chain_slab);
    c->id = i->id;
    c->parent = i->chain;
    c->started_at = fx->at;
    c->action = i->action;
    c->ns = i->ns;
    c->atoms = parent == NULL ? 0 : parent->atoms;
    c->is_blocking = i->is_blocking;
    call_table_add(&self->chains, &c->link, c->id);
    c->prev = self->chain_last;
    if (self->chain_last != NULL)
        self->chain_last->next = c;
    else
        self->chain_first = c;
    self->chain_last = c;
    self->chain_count++;
    record_chain(fx, RECORD_CHAIN_STARTED, c, c->is_blocking, c->parent != 0);
    return c;
}

static void chain_close(struct controller *self, struct chain *c)
{
    ASSERT_OP(self->chain_count, >, 0);
    self->chain_count--;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        self->chain_first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        self->chain_last = c->prev;
    call_table_remove(&self->chains, &c->link);
    call_slab_give(&self->chain_slab, c);
}

static void store(struct controller *self, struct chain *c, enum response_status response,
                  enum error_text error, struct effects *fx)
{
    record_chain(fx, RECORD_CHAIN_ENDED, c, 0, 0);
    fx->records[fx->record_count - 1].detail = (uint8_t)response;
    struct message *m = effects_send(fx, MSG_DATABASE_STORE, CALL_ACTOR(CALL_STORE, 0),
                                     self->database, ACTOR_MAIN_ID);
    m->corr = c->id;
    m->u.store.id = c->id;
    m->u.store.action = c->action;
    m->u.store.ns = c->ns;
    m->u.store.start_at = c->started_at;
    m->u.store.end_at = fx->at;
    m->u.store.response = (uint8_t)response;
    m->u.store.error = (uint8_t)error;
}

/* ---- sequences ---- */

static void post_end(const struct chain *c, enum part_result how, enum response_status response,
                     enum error_text error, struct effects *fx)
{
    struct message *m =
        effects_post(fx, BALANCER_ID, ACTOR(ACTOR_CALLBACK, 0, 0), POST_PART_DONE);
    *MESSAGE_LOCAL(m, struct part_end) = (struct part_end){.chain = c->parent,
                                                           .atoms = c->atoms,
                                                           .how = how,
                                                           .response = response,
                                                           .error = error};
}

/* Whoever waits for the sequence gets what its record says. */
static void sequence_end(struct controller *self, struct chain *c,
                         enum response_status response, enum error_text error,
                         struct effects *fx)
{
    static const uint16_t statuses[RESPONSE_COUNT] = {200, 502, 502, 500};
    struct invocation *i = controller_find(self, c->id);
    store(self, c, response, error, fx);
    if (c->parent != 0)
        post_end(c, PART_ANSWERED, response, error, fx);
    chain_close(self, c);
    if (i != NULL && i->is_called)
        controller_answer(self, i, fx, statuses[response], response, error);
}

/* A component that could not even be read: no record; the caller, if there is one, gets 500. */
static void sequence_break(struct controller *self, struct chain *c, struct effects *fx)
{
    struct invocation *i = controller_find(self, c->id);
    if (c->parent != 0)
        post_end(c, PART_ANSWERED, RESPONSE_WHISK_ERROR, ERROR_SEQUENCE_FAILED, fx);
    chain_close(self, c);
    if (i != NULL && i->is_called)
        controller_answer(self, i, fx, 500, RESPONSE_WHISK_ERROR, ERROR_SEND_FAILED);
}

static void start_part(struct controller *self, struct chain *c, struct effects *fx)
{
    action_id action = info_of(self, c)->parts[c->part];
    struct message m = {.kind = MSG_INVOKE, .from = self->env->node};
    m.u.invoke.id = part_id(self);
    m.u.invoke.action = action;
    m.u.invoke.ns = c->ns;
    m.u.invoke.blocking = 1;
    record_part(fx, c, c->part, action, m.u.invoke.id);
    struct invocation *i = controller_add(self, &m, fx);
    timers_cancel(&self->timers, &i->request); /* no connection waits for it */
    i->chain = c->id;
    i->wait = cluster_action_timeout(self->env->cluster, action) + PART_WAIT_ADDON;
    if (controller_has_action(self, action, fx))
        controller_publish(self, i, fx);
}

static void sequence_next(struct controller *self, struct chain *c, struct effects *fx)
{
    if (c->part == info_of(self, c)->part_count)
        sequence_end(self, c, RESPONSE_SUCCESS, ERROR_NONE, fx);
    else if (c->atoms >= SEQUENCE_ATOMS_MAX)
        sequence_end(self, c, RESPONSE_APPLICATION_ERROR, ERROR_SEQUENCE_TOO_LONG, fx);
    else
        start_part(self, c, fx);
}

/* Topmost: the caller is answered at once, or waits from here on. Else nobody has called. */
static void leave_to_chain(struct controller *self, struct invocation *i, struct effects *fx)
{
    i->is_accepted = true;
    i->stage = i->chain == 0 && i->is_called && i->is_blocking ? STAGE_WAIT : STAGE_OVER;
    if (i->stage == STAGE_WAIT) {
        controller_arm(self, fx, &i->stage_timer, i->wait);
    } else if (i->chain == 0) {
        controller_answer(self, i, fx, 202, RESPONSE_SUCCESS, ERROR_NONE);
    } else {
        ASSERT_OP(self->call_count, >, 0);
        i->is_called = false;
        self->call_count--;
        controller_settle(self, i);
    }
}

static void begin_sequence(struct controller *self, struct invocation *i, struct effects *fx)
{
    struct chain *c = chain_open(self, i, fx);
    const struct action_info *info = info_of(self, c);
    leave_to_chain(self, i, fx);
    fx->cause = c->cause;
    for (uint32_t p = 0; p < info->part_count; p++)
        (void)controller_has_action(self, info->parts[p], fx);
    sequence_next(self, c, fx);
}

/* What a component's future came to (invokeNextAction), from how its caller was answered. */
static void judge_part(const struct invocation *i, uint16_t status,
                       enum response_status response, enum error_text error,
                       struct part_end *ret_end)
{
    bool is_failed = status == 503 || error == ERROR_SEND_FAILED;
    ret_end->response = response;
    ret_end->error = error;
    if (status == 404) {
        ret_end->response = RESPONSE_APPLICATION_ERROR;
        ret_end->error = ERROR_NO_COMPONENT;
    } else if (status == 202) {
        ret_end->response = RESPONSE_WHISK_ERROR;
        ret_end->error = ERROR_COMPONENT_TIMEOUT;
    } else if (is_failed && !i->is_accepted && status == 500) {
        ret_end->how = PART_UNREADABLE;
    } else if (is_failed) {
        ret_end->response = RESPONSE_WHISK_ERROR;
        ret_end->error = ERROR_SEQUENCE_FAILED;
    }
}

void controller_part_done(struct controller *self, const struct invocation *i, uint16_t status,
                          enum response_status response, enum error_text error,
                          struct effects *fx)
{
    const struct chain *c = find_chain(self, i->chain);
    ASSERT(c != NULL);
    struct part_end end = {.chain = i->chain, .atoms = c->atoms + 1, .how = PART_ANSWERED};
    judge_part(i, status, response, error, &end);
    struct message *m =
        effects_post(fx, BALANCER_ID, ACTOR(ACTOR_CALLBACK, 0, 0), POST_PART_DONE);
    *MESSAGE_LOCAL(m, struct part_end) = end;
}

void controller_on_part(struct controller *self, const struct message *m, struct effects *fx)
{
    const struct part_end *end = MESSAGE_LOCAL_CONST(m, struct part_end);
    struct chain *c = m->what == POST_PART_DONE ? find_chain(self, end->chain) : NULL;
    if (c == NULL) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    fx->cause = c->cause;
    c->atoms = end->atoms;
    c->part++;
    if (end->how == PART_UNREADABLE)
        sequence_break(self, c, fx);
    else if (end->response != RESPONSE_SUCCESS)
        sequence_end(self, c, (enum response_status)end->response, (enum error_text)end->error,
                     fx);
    else
        sequence_next(self, c, fx);
}

/* ---- triggers ---- */

/* 204 without an active rule, and no record; else 202 at once, whatever the rules come to. */
static void begin_firing(struct controller *self, struct invocation *i, struct effects *fx)
{
    const struct action_info *info = &self->env->cluster->actions[i->action];
    i->stage = STAGE_OVER;
    i->is_accepted = true;
    if (info->part_count == 0) {
        controller_answer(self, i, fx, 204, RESPONSE_SUCCESS, ERROR_NONE);
        return;
    }
    struct chain *c = chain_open(self, i, fx);
    c->is_blocking = false;
    for (uint32_t p = 0; p < info->part_count; p++) {
        activation_id id = part_id(self);
        fx->cause = c->cause;
        record_part(fx, c, p, info->parts[p], id);
        struct message *m = effects_send(fx, MSG_INVOKE, CALL_ACTOR(CALL_RULE, 0),
                                         self->env->node, ACTOR_MAIN_ID);
        m->corr = c->id;
        m->u.invoke.id = id;
        m->u.invoke.action = info->parts[p];
        m->u.invoke.ns = c->ns;
        m->u.invoke.sent_at = fx->at;
    }
    c->part = info->part_count;
    fx->cause = c->cause;
    controller_answer(self, i, fx, 202, RESPONSE_SUCCESS, ERROR_NONE);
}

/* What became of a rule stands in the logs of the firing's record, which is a success. */
void controller_on_rule(struct controller *self, const struct message *m, struct effects *fx)
{
    struct chain *c = find_chain(self, m->corr);
    if (c == NULL || info_of(self, c)->kind != ACTION_TRIGGER) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    fx->cause = c->cause;
    c->part--;
    if (c->part > 0)
        return;
    store(self, c, RESPONSE_SUCCESS, ERROR_NONE, fx);
    chain_close(self, c);
}

void controller_chain_begin(struct controller *self, struct invocation *i, struct effects *fx)
{
    if (cluster_action_kind(self->env->cluster, i->action) == ACTION_TRIGGER)
        begin_firing(self, i, fx);
    else
        begin_sequence(self, i, fx);
}

/* ---- */

void controller_chains_digest(const struct controller *self, struct digest *d)
{
    if (self->part_ids != 0)
        digest_two(d, self->part_ids, self->chain_count);
    for (const struct chain *c = self->chain_first; c != NULL; c = c->next) {
        digest_two(d, (uint64_t)c->id << 32 | c->parent, c->started_at);
        digest_two(d, (uint64_t)c->part << 32 | c->atoms,
                   (uint64_t)c->action << 32 | (uint64_t)c->ns << 8 | c->is_blocking);
    }
    for (uint32_t i = 0; i <= self->env->cluster->namespace_count; i++)
        if (self->fires[i].count != 0)
            digest_two(d, self->fires[i].minute, self->fires[i].count);
}

const char *controller_post_name(unsigned what)
{
    return what == POST_PART_DONE ? "part-done" : common_post_to_string(what);
}
