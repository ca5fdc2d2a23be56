/*
 * deployer_step.c - what one step sends.
 *
 * Source: the tasks of ansible/roles/{controller,schedulers,invoker}/tasks/{deploy,clean}.yml;
 * uri module (30 s), docker_container (stop, start), shell in the nginx container (edge).
 */
#include "deployer/deployer_internal.h"
#include <stdio.h>
#include "core/assert.h"

#define HEADER_SIZE 400 /* "Authorization: Basic " and base64 of user and password */

static uint32_t host_index(const struct deployer *self, const struct deploy_host *host)
{
    return self->env->cluster->nodes[host->node].index;
}

void step_expand(const struct deployer *self, const struct deploy_host *host, const char *text,
                 char *ret_text, size_t size)
{
    size_t length = 0;
    while (*text != '\0' && length + 1 < size) {
        if (strncmp(text, "<i>", 3) != 0) {
            ret_text[length++] = *text++;
            continue;
        }
        int printed = snprintf(ret_text + length, size - length, "%u", host_index(self, host));
        length += (size_t)printed < size - length ? (size_t)printed : size - length - 1;
        text += 3;
    }
    ret_text[length] = '\0';
}

static bool step_is_wanted(const struct deployer *self, const struct deploy_host *host)
{
    const struct step *step = host_step(self, host);
    const struct deploy_entry *entry = host_entry(self, host);
    if (step->when_switch != NULL && !deploy_switch_is_on(entry, step->when_switch))
        return false;
    if (step->when_also_switch != NULL && !deploy_switch_is_on(entry, step->when_also_switch))
        return false;
    if (step->when_not_switch != NULL && deploy_switch_is_on(entry, step->when_not_switch))
        return false;
    return step->when_step == NULL || (host->found >> self->plays[host->entry].step & 1) != 0;
}

/* The envelope of a call; its answer finds the host by actor and corr. */
static struct message *step_call(struct deployer *self, struct deploy_host *host,
                                 enum message_kind kind, node_id target, struct effects *fx)
{
    ASSERT_OP(host->corr, ==, 0);
    struct message *m = effects_send(fx, kind, host_actor(self, host), target, ACTOR_MAIN_ID);
    m->corr = ++self->corr;
    host->corr = m->corr;
    host->target = target;
    return m;
}

static void step_arm(struct deployer *self, struct deploy_host *host, enum deployer_timer kind,
                     duration length, struct effects *fx)
{
    host->timer.kind = (uint16_t)kind;
    host->timer.actor = host_actor(self, host);
    host->timer.arg = (uint32_t)(host - self->hosts);
    timers_arm(&self->timers, fx, &host->timer, length, true);
}

/* Whom a request asks: the host itself, or another instance of a tier, in turn. */
static node_id step_target(const struct deployer *self, const struct deploy_host *host)
{
    const struct cluster *cluster = self->env->cluster;
    const struct step *step = host_step(self, host);
    if (step->ask == 0)
        return host->node;
    enum node_kind tier = (enum node_kind)step->ask;
    bool is_own = cluster_kind(cluster, host->node) == tier;
    uint32_t others = cluster->counts[tier] - is_own;
    if (others == 0)
        return NODE_NONE;
    uint32_t index = host->polls % others;
    if (is_own && index >= host_index(self, host))
        index++;
    return cluster_node(cluster, tier, index);
}

static blob step_headers(const struct deployer *self, node_id target, const struct step *step,
                         struct effects *fx)
{
    char text[HEADER_SIZE];
    if (step->auth == 0)
        return 0;
    enum node_kind tier = cluster_kind(self->env->cluster, target);
    const char *user = step->auth == 1 ? self->config->users[tier] : "wrong";
    const char *password = step->auth == 1 ? self->config->passwords[tier] : "wrong";
    ASSERT(user != NULL && password != NULL);
    size_t length = admin_authorization(user, password, text, sizeof text);
    ASSERT_OP(length, <, sizeof text);
    return blob_new(fx->arena, ARENA_MESSAGE, text, length);
}

static void step_send_request(struct deployer *self, struct deploy_host *host,
                              struct effects *fx)
{
    char path[256];
    const struct step *step = host_step(self, host);
    node_id target = step_target(self, host);
    host->polls++;
    if (target == NODE_NONE) {
        step_arm(self, host, TIMER_TIMEOUT, 0, fx); /* nobody to ask: refused at once */
        return;
    }
    step_expand(self, host, step->path, path, sizeof path);
    struct message *m = step_call(self, host, MSG_HTTP_REQUEST, target, fx);
    m->u.http_request.method = step->method;
    m->u.http_request.path = blob_new(fx->arena, ARENA_MESSAGE, path, strlen(path));
    m->u.http_request.headers = step_headers(self, target, step, fx);
    step_arm(self, host, TIMER_TIMEOUT, step->timeout, fx);
}

static void step_send_edge(struct deployer *self, struct deploy_host *host, bool add,
                           struct effects *fx)
{
    node_id edge = cluster_node(self->env->cluster, NODE_EDGE, 0);
    host->polls++;
    if (edge == NODE_NONE) {
        step_arm(self, host, TIMER_TIMEOUT, 0, fx); /* nobody to ask: refused at once */
        return;
    }
    struct message *m = step_call(self, host, MSG_EDGE_CHANGE, edge, fx);
    m->u.edge_change.controller = host->node;
    m->u.edge_change.add = add;
}

void step_send_control(struct deployer *self, struct deploy_host *host, enum control_op op,
                       struct effects *fx)
{
    struct message *m = step_call(self, host, MSG_CONTROL, NODE_HOST, fx);
    m->u.control.op = (uint8_t)op;
    m->u.control.node = host->node;
}

/* As the catalog user, non-blocking, at this controller; an id of the system's, not the load's.
 */
static void step_send_invoke(struct deployer *self, struct deploy_host *host,
                             struct effects *fx)
{
    const struct step *step = host_step(self, host);
    const struct cluster *cluster = self->env->cluster;
    namespace_id ns = step->invoke_action == ACTION_HEALTH_TEST
                          ? NAMESPACE_SYSTEM
                          : cluster->actions[step->invoke_action].ns;
    host->polls++;
    struct message *m = step_call(self, host, MSG_INVOKE, host->node, fx);
    m->u.invoke.id =
        ACTIVATION_SYSTEM | (uint32_t)self->env->node << 16 | (++self->invoke_count & 0xffffu);
    m->u.invoke.action = step->invoke_action;
    m->u.invoke.ns = ns;
    m->u.invoke.sent_at = fx->at;
    step_arm(self, host, TIMER_TIMEOUT, step->timeout, fx);
}

void step_again(struct deployer *self, struct deploy_host *host, struct effects *fx)
{
    const struct step *step = host_step(self, host);
    ASSERT(host->is_busy && host->corr == 0);
    switch ((enum step_kind)step->kind) {
    case STEP_REQUEST:
        step_send_request(self, host, fx);
        return;
    case STEP_SLEEP:
        step_arm(self, host, TIMER_SLEEP, step->delay, fx);
        return;
    case STEP_EDGE_REMOVE:
        step_send_edge(self, host, false, fx);
        return;
    case STEP_EDGE_ADD:
        step_send_edge(self, host, true, fx);
        return;
    case STEP_STOP:
    case STEP_RESTART:
        host->is_started = 0; /* a repeated restart begins with its stop again */
        host->polls++;
        step_send_control(self, host, CONTROL_STOP, fx);
        return;
    case STEP_START:
        host->polls++;
        step_send_control(self, host, CONTROL_START, fx);
        return;
    case STEP_REMOVE_CONTAINERS:
        host->polls++;
        step_send_control(self, host, CONTROL_REMOVE_CONTAINERS, fx);
        return;
    case STEP_PULL:
        host->polls++;
        step_send_control(self, host, CONTROL_PULL, fx);
        return;
    case STEP_INVOKE:
        step_send_invoke(self, host, fx);
        return;
    }
    ASSERT(false); /* kind of a deploy step */
}

bool step_begin(struct deployer *self, struct deploy_host *host, struct effects *fx,
                enum step_outcome *ret_outcome)
{
    struct record *r = effects_record(fx, RECORD_STEP_STARTED, host_actor(self, host));
    r->peer = host->node;
    r->value = host_step(self, host)->id;
    r->value2 = host->entry;
    host->cause = (uint32_t)r->seq;
    host->polls = 0;
    host->is_started = 0;
    if (!step_is_wanted(self, host)) {
        *ret_outcome = STEP_SKIPPED;
        return false;
    }
    host->is_busy = 1;
    step_again(self, host, fx);
    return true;
}

void step_record_end(struct deployer *self, struct deploy_host *host, enum step_outcome outcome,
                     struct effects *fx)
{
    struct record *r = effects_record(fx, RECORD_STEP_ENDED, host_actor(self, host));
    r->peer = host->node;
    r->value = host_step(self, host)->id;
    r->value2 = (uint64_t)host->entry << 32 | host->polls;
    r->detail = (uint8_t)outcome;
    r->outcome = outcome == STEP_OK || outcome == STEP_SKIPPED ? OUTCOME_OK : OUTCOME_FAILED;
}
