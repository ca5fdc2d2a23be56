/*
 * service_bed.c - see service_bed.h.
 */
#include "support/service_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_INTERVAL SEC(1) /* whisk.scheduler.data-management-service.retry-interval */

struct service_host {
    struct timers timers;
    struct data *data;
    struct watcher watcher;
    struct lease lease;
    uint32_t real;
};

static uint32_t next_real, next_ttl_s; /* for the host that is made next */

static bool is_real(const struct service_host *host, actor_id actor)
{
    return (host->real >> ACTOR_KIND(actor) & 1) != 0;
}

static void host_init(void *self, const struct machine_env *env)
{
    struct service_host *host = self;
    timers_init(&host->timers, env->arena, env->node);
    host->real = next_real;
    host->data = data_new(env, &host->timers, RETRY_INTERVAL);
    watcher_init(&host->watcher, env);
    lease_init(&host->lease, env, &host->timers, next_ttl_s);
}

static void host_start(struct service_host *host, struct effects *fx)
{
    if (is_real(host, ACTOR_WATCHER_ID))
        watcher_start(&host->watcher, fx);
    if (is_real(host, ACTOR_LEASE_ID))
        lease_start(&host->lease, fx);
    if (is_real(host, ACTOR_WORKER_ID))
        data_start(host->data, fx);
}

static void host_deliver(struct service_host *host, const struct message *m, struct effects *fx)
{
    assert_true(is_real(host, m->to_actor));
    if (ACTOR_KIND(m->to_actor) == ACTOR_WATCHER)
        watcher_on_message(&host->watcher, m, fx);
    else if (ACTOR_KIND(m->to_actor) == ACTOR_LEASE)
        lease_on_message(&host->lease, m, fx);
    else
        data_on_message(host->data, m, fx);
}

static void host_wake(struct service_host *host, tstamp at, struct effects *fx)
{
    struct timer *timer = timers_pop(&host->timers, at);
    if (timer->kind == TIMER_KEEPALIVE)
        lease_on_timer(&host->lease, fx);
    else
        data_on_timer(host->data, timer, fx);
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct service_host *host = self;
    switch (ev->kind) {
    case EVENT_START:
        host_start(host, fx);
        break;
    case EVENT_DELIVER:
        host_deliver(host, ev->message, fx);
        break;
    case EVENT_WAKE:
        host_wake(host, ev->at, fx);
        break;
    case EVENT_LINK:
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup host_next_wakeup(const void *self)
{
    return timers_first(&((const struct service_host *)self)->timers);
}

static const struct machine_ops host_ops = {.name = "service-host",
                                            .size = sizeof(struct service_host),
                                            .effects_max = 64,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

/* ---- what happened, as text ---- */

__attribute__((format(printf, 2, 3))) static void say(struct service_bed *t, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(t->text + t->length, sizeof t->text - t->length, format, args);
    va_end(args);
    assert_true(length >= 0 && t->length + (size_t)length < sizeof t->text);
    t->length += (size_t)length;
}

static void say_actor(struct service_bed *t, actor_id actor)
{
    say(t, "%s", actor_to_string(ACTOR_KIND(actor)));
    if (ACTOR_INDEX(actor) != 0)
        say(t, "%u", (unsigned)ACTOR_INDEX(actor));
}

static void say_key(struct service_bed *t, const struct key *key)
{
    char text[256];
    key_print(&t->bed->cluster, key, text, sizeof text);
    say(t, " %s", text);
}

static void say_value(struct service_bed *t, const struct value *value)
{
    char text[256];
    value_print(&t->bed->cluster, value, text, sizeof text);
    if (text[0] != '\0')
        say(t, " = %s", text);
}

static void say_watch(struct service_bed *t, const struct post_watch *what)
{
    say_key(t, &what->key);
    if (what->depth == WATCH_EXACT)
        say(t, " exact");
    else
        say(t, " depth %u", what->depth);
    say(t, "%s%s%s name %u", what->puts ? " puts" : "", what->deletes ? " deletes" : "",
        what->feedback ? " feedback" : "", (unsigned)what->name);
}

static void say_watched(struct service_bed *t, const struct post_watched *what)
{
    say_key(t, &what->key);
    say_value(t, &what->value);
    say(t, " %s name %u", what->is_prefix ? "prefix" : "exact", (unsigned)what->name);
}

static void say_data(struct service_bed *t, const struct post_data *data)
{
    say_key(t, &data->key);
    say_value(t, &data->value);
    say(t, "%s%s%s", (data->flags & DATA_FAILOVER) != 0 ? " failover" : "",
        (data->flags & DATA_RECIPIENT) != 0 ? " answer" : "",
        (data->flags & DATA_WON) != 0 ? " won" : "");
    if (data->recipient == 0)
        return;
    say(t, " to ");
    say_actor(t, data->recipient);
}

/* WatcherClosed is the watcher's struct to the data service, and data's to the worker. */
static void say_payload(struct service_bed *t, const struct message *m)
{
    bool is_watch = m->what == POST_WATCH || m->what == POST_UNWATCH ||
                    (m->what == POST_WATCHER_CLOSED && m->to_actor != ACTOR_WORKER_ID);
    if (is_watch)
        say_watch(t, MESSAGE_LOCAL_CONST(m, struct post_watch));
    else if (m->what == POST_INSERTED || m->what == POST_REMOVED)
        say_watched(t, MESSAGE_LOCAL_CONST(m, struct post_watched));
    else if (m->what == POST_LEASE)
        say(t, " %u", (unsigned)MESSAGE_LOCAL_CONST(m, struct post_lease)->lease);
    else if (m->what == POST_WATCHER_CLOSED || m->what >= POST_ELECT_LEADER)
        say_data(t, MESSAGE_LOCAL_CONST(m, struct post_data));
}

static void say_post(struct service_bed *t, const struct message *m)
{
    say_actor(t, m->from_actor);
    say(t, " > ");
    say_actor(t, m->to_actor);
    say(t, ": %s", common_post_to_string((enum common_post)m->what));
    say_payload(t, m);
    say(t, "\n");
}

static void say_sent(struct service_bed *t, const struct message *m)
{
    char text[512];
    assert_int_equal(m->to, BED_ETCD);
    message_print(&t->bed->cluster, m, text, sizeof text);
    say(t, "%s\n", text);
}

/* Look at what was made of the last event, and go on with what the real actors were told. */
static void settle(struct service_bed *t)
{
    char text[512];
    for (;;) {
        for (; t->records_seen < t->bed->record_count; t->records_seen++) {
            record_print(&t->bed->cluster, &t->bed->records[t->records_seen], text,
                         sizeof text);
            say_actor(t, t->bed->records[t->records_seen].actor);
            say(t, ": %s\n", text);
        }
        for (; t->sent_seen < t->bed->sent_count; t->sent_seen++)
            say_sent(t, &t->bed->sent[t->sent_seen]);
        if (bed_posts(t->bed) == 0)
            return;
        struct message m = *bed_post(t->bed, 0);
        say_post(t, &m);
        if (is_real(t->bed->machine, m.to_actor))
            bed_post_next(t->bed);
        else
            bed_post_drop(t->bed);
    }
}

/* ---- what tests do ---- */

struct service_bed *service_bed_new(uint32_t real, uint32_t ttl_s)
{
    struct service_bed *t = calloc(1, sizeof *t);
    assert_non_null(t);
    next_real = real;
    next_ttl_s = ttl_s;
    t->bed = bed_new(&host_ops, BED_SCHEDULER0, NULL);
    t->bed->posts_by_hand = true;
    bed_start(t->bed);
    struct service_host *host = t->bed->machine;
    t->data = host->data;
    t->watcher = &host->watcher;
    t->lease = &host->lease;
    settle(t);
    return t;
}

void service_bed_free(struct service_bed *t)
{
    bed_free(t->bed);
    free(t);
}

void service_bed_deliver(struct service_bed *t, const struct message *m)
{
    bed_deliver(t->bed, m);
    settle(t);
}

void service_bed_post(struct service_bed *t, actor_id from, actor_id to, unsigned what,
                      const void *payload, size_t size)
{
    struct message m = bed_message(t->bed, MSG_POST, t->bed->env.node, to);
    m.from_actor = from;
    m.what = (uint16_t)what;
    m.corr = 0;
    if (size > 0)
        memcpy(m.u.local, payload, size);
    service_bed_deliver(t, &m);
}

const struct message *service_bed_newest(const struct service_bed *t, enum message_kind kind)
{
    uint32_t count = bed_sent_count(t->bed, kind);
    assert_true(count > 0);
    return bed_sent(t->bed, kind, count - 1);
}

void service_bed_answer_etcd(struct service_bed *t, enum message_kind request, bool succeeded,
                             enum etcd_status status)
{
    struct message m = bed_reply(service_bed_newest(t, request), MSG_ETCD_DONE);
    m.u.etcd_done.succeeded = succeeded;
    m.u.etcd_done.status = (uint8_t)status;
    service_bed_deliver(t, &m);
}

void service_bed_answer_lease(struct service_bed *t, enum message_kind request, uint32_t lease,
                              enum etcd_status status)
{
    struct message m = bed_reply(service_bed_newest(t, request), MSG_LEASE_DONE);
    m.u.lease.lease = lease;
    m.u.lease.ttl_s = status == ETCD_OK ? t->lease->ttl_s : 0;
    m.u.lease.status = (uint8_t)status;
    service_bed_deliver(t, &m);
}

void service_bed_pass(struct service_bed *t, duration length)
{
    tstamp end = tstamp_add(t->bed->now, length);
    while (t->bed->ops->next_wakeup(t->bed->machine).at <= end) {
        bed_wake(t->bed);
        settle(t);
    }
    t->bed->now = end;
}

void service_bed_expect(struct service_bed *t, const char *lines)
{
    if (strcmp(t->text, lines) != 0)
        print_error("---- expected\n%s---- got\n%s----\n", lines, t->text);
    assert_true(strcmp(t->text, lines) == 0);
    t->length = 0;
    t->text[0] = '\0';
}
