/*
 * edge.c - see edge.h: events, digest, configuration.
 */
#include "core/assert.h"
#include "edge/edge_internal.h"
#include <stdio.h>

static void edge_init(void *self_, const struct machine_env *env)
{
    struct edge *self = self_;
    self->env = env;
    self->controller_count = env->cluster->counts[NODE_CONTROLLER];
    ASSERT_OP(self->controller_count, <=, EDGE_CONTROLLERS_MAX);
    timers_init(&self->timers, env->arena, env->node);
    slab_init(&self->calls, env->arena, env->node, sizeof(struct edge_call));
    self->servers = arena_alloc(env->arena, env->node,
                                (self->controller_count + 1) * sizeof self->servers[0]);
    self->changes = arena_alloc(env->arena, env->node,
                                (self->controller_count + 1) * sizeof self->changes[0]);
}

static void edge_on_message(struct edge *self, const struct message *m, struct effects *fx)
{
    switch ((enum message_kind)m->kind) {
    case MSG_INVOKE:
    case MSG_HTTP_REQUEST:
        edge_call_on_request(self, m, fx);
        return;
    case MSG_INVOKE_REPLY:
    case MSG_HTTP_REPLY:
        edge_call_on_reply(self, m, fx);
        return;
    case MSG_REFUSED:
        edge_call_on_refused(self, m, fx);
        return;
    case MSG_EDGE_CHANGE:
        edge_edit_on_request(self, m, fx);
        return;
    default: /* no other kind is for an edge */
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
}

static void edge_on_wake(struct edge *self, tstamp now, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, now);
    if (timer->kind == EDGE_TIMER_EDIT)
        edge_edit_on_timer(self, timer, fx);
    else
        edge_call_on_timer(self, timer, fx);
}

static void edge_step(void *self_, const struct event *ev, struct effects *fx)
{
    struct edge *self = self_;
    switch (ev->kind) {
    case EVENT_START:
        edge_file_boot(self, fx);
        break;
    case EVENT_DELIVER:
        edge_on_message(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        edge_on_wake(self, ev->at, fx);
        break;
    case EVENT_LINK:
        if (ev->down && edge_index(self, ev->peer) != EDGE_NONE)
            edge_call_on_link_down(self, edge_index(self, ev->peer), fx);
        break;
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup edge_next_wakeup(const void *self)
{
    return timers_first(&((const struct edge *)self)->timers);
}

static void edge_digest(const void *self_, struct digest *d)
{
    const struct edge *self = self_;
    for (uint32_t i = 0; i < EDGE_CONTROLLERS_MAX / 64; i++)
        digest_two(d, self->file.words[i], self->running.words[i]);
    for (uint32_t i = 0; i < self->controller_count; i++) {
        const struct edge_server *s = &self->servers[i];
        digest_two(d,
                   (uint64_t)(uint32_t)s->current_weight << 32 | (uint32_t)s->effective_weight,
                   s->fails);
        digest_two(d, s->accessed_at, s->checked_at);
        digest_word(d, self->changes[i]);
    }
    for (uint32_t slot = 0; slot < slab_slots(&self->calls); slot++) {
        const struct edge_call *c = slab_at(&self->calls, slot);
        if (c == NULL)
            continue;
        digest_two(d, (uint64_t)slab_number(c) << 32 | c->controller,
                   (uint64_t)c->request.from << 32 | c->request.corr);
        digest_word(d, c->timer.at);
    }
    for (uint32_t i = 0; i < self->edit_count; i++) {
        const struct edge_edit *e = self->edits[i];
        digest_two(d, (uint64_t)e->request.u.edge_change.controller << 8 | e->has_read,
                   e->timer.at);
        for (uint32_t j = 0; j < EDGE_CONTROLLERS_MAX / 64; j++)
            digest_word(d, e->read.words[j]);
    }
}

static bool edge_pending(const void *self_, char *text, size_t size)
{
    const struct edge *self = self_;
    if (self->calls.open_count == 0 && self->edit_count == 0)
        return false;
    if (self->calls.open_count > 0)
        snprintf(text, size, "%" PRIu32 " requests open", self->calls.open_count);
    else
        snprintf(text, size, "%" PRIu32 " edits of the upstream list open", self->edit_count);
    return true;
}

static const char *edge_post_name(unsigned what)
{
    return common_post_to_string(what);
}

#define FIELD(name) (uint32_t) offsetof(struct edge_config, name)
static const struct config_field edge_fields[] = {
    {"edge.fail-timeout", UNIT_DURATION, 0, SEC(86400), SEC(60), SEC(60), FIELD(fail_timeout),
     "how long a failed attempt keeps a controller out of the upstream list"},
    {"edge.max-fails", UNIT_COUNT, 0, 1000, 1, 1, FIELD(max_fails),
     "failed attempts that make a controller unavailable; 0: none do"},
    {"edge.read-timeout", UNIT_DURATION, SEC(1), SEC(86400), SEC(75), SEC(75),
     FIELD(read_timeout), "how long an answer of a controller is waited for"},
    {"edge.edit-start", UNIT_DURATION, 0, SEC(60), MSEC(200), MSEC(200), FIELD(edit_start_max),
     "most that an edit of the upstream list takes until it reads the file"},
    {"edge.edit-window", UNIT_DURATION, 0, SEC(60), MSEC(50), MSEC(50), FIELD(edit_window_max),
     "most that an edit takes from reading the file to writing it"},
};

const struct machine_ops edge_ops = {
    .name = "edge",
    .size = sizeof(struct edge),
    .durable_size = offsetof(struct edge, env),
    .effects_max = EDGE_EFFECTS_MAX,
    .init = edge_init,
    .step = edge_step,
    .next_wakeup = edge_next_wakeup,
    .digest = edge_digest,
    .pending = edge_pending,
    .post_name = edge_post_name,
    .config_fields = edge_fields,
    .config_field_count = sizeof edge_fields / sizeof edge_fields[0],
    .config_size = sizeof(struct edge_config),
};
