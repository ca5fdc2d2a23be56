/* common_bed.c - see common_bed.h. */
#include "support/common_bed.h"
#include <stdio.h>
#include <string.h>

struct common_host {
    struct timers timers;
    struct data *data;
    struct feed feed;
    const struct cluster *cluster;
    char said[8192];
    size_t length;
};

static enum common_part part;
static bool is_feed_idle;

static void host_init(void *self, const struct machine_env *env)
{
    struct common_host *host = self;
    host->cluster = env->cluster;
    timers_init(&host->timers, env->arena, env->node);
    host->data = data_new(env, &host->timers, SEC(1));
    feed_init(&host->feed, env, &host->timers, 0, COMMON_TOPIC, COMMON_PEEK, COMMON_PEEK,
              ACTOR_FEED_HANDLER_ID(0));
}

static void host_start(struct common_host *host, struct effects *fx)
{
    if (part == COMMON_WORKER)
        data_start(host->data, fx);
    else if (!is_feed_idle)
        feed_start(&host->feed, fx);
}

/* ---- what it says ---- */

__attribute__((format(printf, 2, 3))) static void say(struct common_host *host,
                                                      const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof host->said - host->length;
    va_start(arguments, format);
    int length = vsnprintf(host->said + host->length, room, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < room);
    host->length += (size_t)length;
}

static void say_pair(struct common_host *host, const struct key *key, const struct value *value)
{
    char text[256];
    key_print(host->cluster, key, text, sizeof text);
    say(host, " %s", text);
    if (value != NULL && value->kind != VALUE_EMPTY) {
        value_print(host->cluster, value, text, sizeof text);
        say(host, " %s", text);
    }
}

static void say_watch(struct common_host *host, const struct message *m)
{
    const struct post_watch *w = MESSAGE_LOCAL_CONST(m, struct post_watch);
    say_pair(host, &w->key, NULL);
    if (w->depth == WATCH_EXACT)
        say(host, " exact");
    else
        say(host, " depth %u", w->depth);
    say(host, " name %u%s%s%s", w->name, w->puts ? " puts" : "", w->deletes ? " deletes" : "",
        w->feedback ? " feedback" : "");
}

static void say_data(struct common_host *host, const struct message *m)
{
    const struct post_data *data = MESSAGE_LOCAL_CONST(m, struct post_data);
    say_pair(host, &data->key, &data->value);
    say(host, "%s%s%s", (data->flags & DATA_FAILOVER) != 0 ? " failover" : "",
        (data->flags & DATA_RECIPIENT) != 0 ? " answer" : "",
        (data->flags & DATA_WON) != 0 ? " won" : "");
    if (data->recipient != 0 && ACTOR_KIND(m->to_actor) == ACTOR_WORKER)
        say(host, " for %s#%u", actor_to_string(ACTOR_KIND(data->recipient)),
            ACTOR_INDEX(data->recipient));
}

static void say_post(struct common_host *host, const struct message *m)
{
    const struct post_item *item = MESSAGE_LOCAL_CONST(m, struct post_item);
    say(host, "%s", actor_to_string(ACTOR_KIND(m->to_actor)));
    if (ACTOR_INDEX(m->to_actor) != 0)
        say(host, "#%u", ACTOR_INDEX(m->to_actor));
    say(host, ": %s", common_post_to_string(m->what));
    switch ((enum common_post)m->what) {
    case POST_WATCH:
    case POST_UNWATCH:
        say_watch(host, m);
        break;
    case POST_FEED_ITEM:
        say(host, " %u at %u", (unsigned)item->entry.u.activation.id, item->offset);
        break;
    case POST_GET_LEASE:
        break;
    default:
        say_data(host, m);
        break;
    }
    say(host, "\n");
}

static void host_deliver(struct common_host *host, const struct message *m, struct effects *fx)
{
    unsigned to = ACTOR_KIND(m->to_actor);
    if (part == COMMON_WORKER && (to == ACTOR_DATA || to == ACTOR_WORKER))
        data_on_message(host->data, m, fx);
    else if (part == COMMON_FEED && to == ACTOR_FEED)
        feed_on_message(&host->feed, m, fx);
    else
        say_post(host, m);
}

static void host_wake(struct common_host *host, tstamp at, struct effects *fx)
{
    struct timer *timer = timers_pop(&host->timers, at);
    if (part == COMMON_FEED)
        feed_on_timer(&host->feed, timer, fx);
    else
        data_on_timer(host->data, timer, fx);
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct common_host *host = self;
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
    return timers_first(&((const struct common_host *)self)->timers);
}

static const struct machine_ops host_ops = {.name = "common-host",
                                            .size = sizeof(struct common_host),
                                            .effects_max = 64,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

/* ---- the bed ---- */

static struct common_host *host_of(struct bed *bed)
{
    return bed->machine;
}

static struct bed *bed_of(enum common_part which, bool is_idle)
{
    part = which;
    is_feed_idle = is_idle;
    struct bed *bed = bed_new(&host_ops, BED_SCHEDULER0, NULL);
    bed_start(bed);
    return bed;
}

struct bed *common_bed_new(enum common_part which)
{
    struct bed *bed = bed_of(which, false);
    if (which == COMMON_WORKER) {
        expect_said(bed, "lease: get-lease\n");
        struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_WORKER_ID);
        m.from_actor = ACTOR_LEASE_ID;
        m.what = POST_LEASE;
        MESSAGE_LOCAL(&m, struct post_lease)->lease = COMMON_LEASE_ID;
        bed_deliver(bed, &m);
    }
    return bed;
}

struct bed *common_bed_idle_feed(void)
{
    return bed_of(COMMON_FEED, true);
}

void common_bed_free(struct bed *bed)
{
    assert_string_equal(host_of(bed)->said, ""); /* all has been looked at */
    bed_free(bed);
}

struct feed *common_feed(struct bed *bed)
{
    return &host_of(bed)->feed;
}

void expect_said(struct bed *bed, const char *lines)
{
    struct common_host *host = host_of(bed);
    assert_string_equal(host->said, lines);
    host->length = 0;
    host->said[0] = '\0';
}

/* ---- posts ---- */

static struct message post_of(const struct bed *bed, actor_id from, actor_id to, unsigned what)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, to);
    m.from_actor = from;
    m.what = (uint16_t)what;
    return m;
}

void common_post(struct bed *bed, actor_id from, actor_id to, unsigned what)
{
    struct message m = post_of(bed, from, to, what);
    bed_deliver(bed, &m);
}

void common_ask(struct bed *bed, unsigned what, struct key key, struct value value,
                uint32_t flags)
{
    struct message m = post_of(bed, COMMON_CLIENT, ACTOR_DATA_ID, what);
    *MESSAGE_LOCAL(&m, struct post_data) =
        (struct post_data){.key = key, .value = value, .flags = flags};
    bed_deliver(bed, &m);
}

/* ---- answers ---- */

static const struct message *last_sent(struct bed *bed, enum message_kind kind)
{
    return bed_sent(bed, kind, bed_sent_count(bed, kind) - 1);
}

void common_answer_etcd(struct bed *bed, enum message_kind kind, bool succeeded,
                        enum etcd_status status)
{
    struct message m = bed_reply(last_sent(bed, kind), MSG_ETCD_DONE);
    m.u.etcd_done.succeeded = succeeded;
    m.u.etcd_done.status = (uint8_t)status;
    bed_deliver(bed, &m);
}

void common_answer_join(struct bed *bed, uint32_t member, uint64_t committed)
{
    struct message m = bed_reply(last_sent(bed, MSG_KAFKA_JOIN), MSG_KAFKA_JOINED);
    m.u.kafka.topic = COMMON_TOPIC;
    m.u.kafka.member = member;
    m.u.kafka.offset = committed;
    m.u.kafka.ok = 1;
    bed_deliver(bed, &m);
}

/* Activations are numbered like their offsets, from 1. */
void common_fill(struct bed *bed, uint32_t count)
{
    struct entry entries[COMMON_PEEK] = {{.kind = ENTRY_ACTIVATION}};
    const struct message *poll = last_sent(bed, MSG_KAFKA_POLL);
    struct message records = bed_reply(poll, MSG_KAFKA_RECORDS);
    assert_true(count <= COMMON_PEEK);
    for (uint32_t i = 0; i < count; i++)
        entries[i].u.activation.id = (uint32_t)poll->u.kafka.offset + i + 1;
    records.u.kafka.member = poll->u.kafka.member;
    records.u.kafka.offset = poll->u.kafka.offset;
    records.u.kafka.count = count;
    records.u.kafka.ok = 1;
    records.u.kafka.batch =
        blob_new(bed->arena, ARENA_MESSAGE, entries, count * sizeof entries[0]);
    bed_deliver(bed, &records);
    struct message done = bed_reply(last_sent(bed, MSG_KAFKA_COMMIT), MSG_KAFKA_COMMITTED);
    done.u.kafka.ok = 1;
    done.u.kafka.member = records.u.kafka.member;
    bed_deliver(bed, &done);
}
