/*
 * client_load.c - when the requests of a load entry are sent.
 *
 * Every draw is keyed by (entry, ordinal): a request that is taken out moves no other.
 */
#include "client/client_internal.h"
#include "core/assert.h"

static tstamp load_end(const struct load_entry *load)
{
    return tstamp_add(load->from, load->length);
}

static bool has_more(const struct client *self, uint32_t entry)
{
    const struct load_entry *load = client_load(self, entry);
    uint32_t sent = self->entries[entry].sent_count;
    if (load->arrivals == ARRIVALS_TRACE && sent >= load->call_count)
        return false;
    return (load->request_max == 0 || sent < load->request_max) && sent < REQUEST_ORDINAL_MAX;
}

static void arm(struct client *self, uint32_t entry, struct effects *fx)
{
    struct client_entry *e = &self->entries[entry];
    ASSERT(!timer_is_armed(&e->timer));
    duration wait = e->next_at > fx->at ? e->next_at - fx->at : 0;
    timers_arm(&self->timers, fx, &e->timer, wait, false);
}

/* The next arrival after the last: its instant, or the end of the entry. */
static void arm_next(struct client *self, uint32_t entry, struct effects *fx)
{
    const struct load_entry *load = client_load(self, entry);
    struct client_entry *e = &self->entries[entry];
    if (!has_more(self, entry))
        return;
    switch ((enum arrivals)load->arrivals) {
    case ARRIVALS_POISSON:
        e->next_at =
            tstamp_add(e->next_at, draw_exponential(self->env->draws, PURPOSE_ARRIVAL, entry,
                                                    e->sent_count + 1, load->interval));
        break;
    case ARRIVALS_EVERY:
    case ARRIVALS_BURSTS:
        ASSERT_OP(load->interval, >, 0);
        if (e->sent_count > 0)
            e->next_at = tstamp_add(e->next_at, load->interval);
        break;
    case ARRIVALS_TRACE:
        e->next_at = self->env->cluster->calls[load->first_call + e->sent_count].at;
        break;
    case ARRIVALS_CLOSED:
        break;
    }
    if (load->arrivals == ARRIVALS_TRACE || e->next_at < load_end(load))
        arm(self, entry, fx);
}

void client_load_start(struct client *self, uint32_t entry, struct effects *fx)
{
    const struct load_entry *load = client_load(self, entry);
    struct client_entry *e = &self->entries[entry];
    ASSERT_OP(e->sent_count, ==, 0);
    e->timer.kind = CLIENT_TIMER_ARRIVAL;
    e->timer.actor = ACTOR(ACTOR_LOAD, 0, entry);
    e->timer.arg = entry;
    e->next_at = load->from;
    arm_next(self, entry, fx);
}

static void send_next(struct client *self, uint32_t entry, struct effects *fx)
{
    struct client_entry *e = &self->entries[entry];
    ASSERT(has_more(self, entry));
    e->sent_count++;
    client_send(self, entry, e->sent_count, client_load(self, entry)->action, fx);
}

/* Each of a burst, or of the clients of a closed loop, is a chain of records of its own. */
static void send_several(struct client *self, uint32_t entry, struct effects *fx)
{
    uint32_t cause = fx->cause;
    for (uint32_t i = client_load(self, entry)->burst_count; i > 0 && has_more(self, entry);
         i--) {
        fx->cause = cause;
        send_next(self, entry, fx);
    }
}

static void send_call(struct client *self, uint32_t entry, struct effects *fx)
{
    struct client_entry *e = &self->entries[entry];
    uint32_t index = client_load(self, entry)->first_call + e->sent_count;
    ASSERT_OP(index, <, self->env->cluster->call_count);
    const struct trace_call *call = &self->env->cluster->calls[index];
    e->sent_count++;
    if (call->skipped == 0) {
        client_send(self, entry, call->ordinal, call->action, fx);
        return;
    }
    struct record *r = effects_record(fx, RECORD_REQUEST_SKIPPED, ACTOR(ACTOR_LOAD, 0, entry));
    r->activation = ACTIVATION_ID(REQUEST_ID(entry, call->ordinal), 0);
    r->action = call->action;
    r->detail = call->skipped;
}

void client_load_on_arrival(struct client *self, uint32_t entry, struct effects *fx)
{
    switch ((enum arrivals)client_load(self, entry)->arrivals) {
    case ARRIVALS_POISSON:
    case ARRIVALS_EVERY:
        send_next(self, entry, fx);
        break;
    case ARRIVALS_BURSTS:
        send_several(self, entry, fx);
        break;
    case ARRIVALS_TRACE:
        send_call(self, entry, fx);
        break;
    case ARRIVALS_CLOSED:
        send_several(self, entry, fx);
        return; /* from here on each answer brings the next request */
    }
    fx->cause = 0;
    arm_next(self, entry, fx);
}

void client_load_on_done(struct client *self, uint32_t entry, struct effects *fx)
{
    const struct load_entry *load = client_load(self, entry);
    if (load->arrivals != ARRIVALS_CLOSED || fx->at >= load_end(load) || !has_more(self, entry))
        return;
    fx->cause = 0;
    send_next(self, entry, fx);
}
