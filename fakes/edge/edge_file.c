/*
 * edge_file.c - the list of servers on the edge host, and the commands that change it.
 *
 * Source: ansible/roles/controller/tasks/deploy.yml:377-383, 508-515 at 1fae641a2: on the edge
 * host, in the running container, the controller's line is commented out (or in again) and
 * nginx told to reload, in one command. Several hosts of a play run it at the same moment. How
 * long it takes is not upstream's: of 60 concurrent pairs tried, 14 lost an edit, which two
 * starts in [0, 200 ms] and windows in [0, 50 ms] come close to.
 */
#include "core/assert.h"
#include "edge/edge_internal.h"

#define EDITS_FIRST 4u

static bool is_empty(const struct edge_set *set)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < EDGE_CONTROLLERS_MAX / 64; i++)
        all |= set->words[i];
    return all == 0;
}

static void record_change(const struct edge *self, struct effects *fx, uint32_t index, bool in,
                          enum outcome outcome)
{
    struct record *r = effects_record(fx, RECORD_EDGE_CHANGED, ACTOR_MAIN_ID);
    r->peer = edge_controller(self, index);
    r->value = in;
    r->outcome = (uint8_t)outcome;
}

/*
 * nginx starts (or reloads) with the file. Each controller that comes or goes is recorded, the
 * one that was asked for in any case: after an edit that was lost it may still be there.
 */
static void load_file(struct edge *self, struct effects *fx, uint32_t asked)
{
    ASSERT(self->is_installed);
    struct edge_set former = self->was_running;
    uint32_t cause = fx->cause;
    edge_upstream_load(self, &self->file);
    self->was_running = self->file;
    for (uint32_t i = 0; i < self->controller_count; i++) {
        bool in = edge_set_has(&self->running, i);
        fx->cause = cause;
        if (i == asked || in != edge_set_has(&former, i))
            record_change(self, fx, i, in, OUTCOME_OK);
    }
}

void edge_file_boot(struct edge *self, struct effects *fx)
{
    if (!self->is_installed) { /* the template lists every controller */
        for (uint32_t i = 0; i < self->controller_count; i++)
            edge_set_put(&self->file, i, true);
        self->was_running = self->file;
        self->is_installed = 1;
    }
    load_file(self, fx, EDGE_NONE);
}

static void edit_remove(struct edge *self, struct edge_edit *edit)
{
    uint32_t i = 0;
    while (i < self->edit_count && self->edits[i] != edit)
        i++;
    ASSERT_OP(i, <, self->edit_count);
    self->edit_count--;
    memmove(&self->edits[i], &self->edits[i + 1],
            (self->edit_count - i) * sizeof self->edits[0]);
    arena_release(self->env->arena, edit);
}

static void edit_wait(struct edge *self, struct edge_edit *edit, struct effects *fx,
                      enum purpose purpose, duration max)
{
    uint32_t index = edge_index(self, edit->request.u.edge_change.controller);
    struct range range = {0, max};
    duration length =
        draw_range(self->env->draws, purpose, edit->request.u.edge_change.controller,
                   self->changes[index], range);
    timers_arm(&self->timers, fx, &edit->timer, length, false);
}

void edge_edit_on_request(struct edge *self, const struct message *m, struct effects *fx)
{
    uint32_t index = edge_index(self, m->u.edge_change.controller);
    if (index == EDGE_NONE) {
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
    if (self->edit_count == self->edit_max) {
        self->edit_max = self->edit_max == 0 ? EDITS_FIRST : self->edit_max * 2;
        self->edits = arena_grow(self->env->arena, self->env->node, self->edits,
                                 self->edit_max * sizeof self->edits[0]);
    }
    struct edge_edit *edit = arena_alloc(self->env->arena, self->env->node, sizeof *edit);
    self->edits[self->edit_count++] = edit;
    edit->request = *m;
    edit->request.cause = fx->cause;
    edit->timer.kind = EDGE_TIMER_EDIT;
    edit->timer.actor = ACTOR_MAIN_ID;
    self->changes[index]++;
    edit_wait(self, edit, fx, PURPOSE_EDGE_START, edge_config(self)->edit_start_max);
}

static void edit_finish(struct edge *self, struct edge_edit *edit, struct effects *fx)
{
    const struct message *request = &edit->request;
    uint32_t index = edge_index(self, request->u.edge_change.controller);
    ASSERT_OP(index, <, self->controller_count);
    ASSERT(edit->has_read);
    self->file = edit->read;
    edge_set_put(&self->file, index, request->u.edge_change.add != 0);
    bool is_refused = is_empty(&self->file); /* "no servers are inside upstream" */
    if (is_refused)
        record_change(self, fx, index, request->u.edge_change.add != 0, OUTCOME_FAILED);
    else
        load_file(self, fx, index);
    struct message *reply = effects_reply(fx, request, MSG_EDGE_CHANGED);
    reply->u.edge_changed.controller = request->u.edge_change.controller;
    reply->u.edge_changed.add = request->u.edge_change.add;
    reply->u.edge_changed.ok = !is_refused;
    edit_remove(self, edit);
}

void edge_edit_on_timer(struct edge *self, struct timer *timer, struct effects *fx)
{
    struct edge_edit *edit = (struct edge_edit *)(void *)timer; /* its first member */
    ASSERT_OP(timer->kind, ==, EDGE_TIMER_EDIT);
    fx->cause = edit->request.cause;
    if (edit->has_read) {
        edit_finish(self, edit, fx);
        return;
    }
    edit->read = self->file;
    edit->has_read = 1;
    edit_wait(self, edit, fx, PURPOSE_EDGE_WINDOW, edge_config(self)->edit_window_max);
}
