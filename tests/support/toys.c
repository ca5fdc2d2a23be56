/*
 * toys.c - see toys.h.
 */
#include "support/toys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM ((size_t)64 << 20)

struct toy_config {
    toy_handler_fn *handler;
    struct toys *toys;
};

static struct toy_config configs[16]; /* of the worlds that live side by side */
static unsigned config_next;

static struct toys *toys_of(const struct toy *toy)
{
    return ((const struct toy_config *)toy->env->config)->toys;
}

static void toy_init(void *memory, const struct machine_env *env)
{
    struct toy *self = memory;
    self->env = env;
    timers_init(&self->timers, env->arena, env->node);
}

static void toy_step(void *memory, const struct event *ev, struct effects *fx)
{
    struct toy *self = memory;
    ((const struct toy_config *)self->env->config)->handler(self, ev, fx);
}

static struct wakeup toy_next_wakeup(const void *memory)
{
    return timers_first(&((const struct toy *)memory)->timers);
}

static void toy_digest(const void *memory, struct digest *d)
{
    const struct toy *self = memory;
    for (unsigned i = 0; i < TOY_WORDS; i++)
        digest_word(d, self->words[i]);
}

static const struct machine_ops toy_ops = {.name = "toy",
                                           .size = sizeof(struct toy),
                                           .durable_size = TOY_DURABLE_WORDS * sizeof(uint64_t),
                                           .init = toy_init,
                                           .step = toy_step,
                                           .next_wakeup = toy_next_wakeup,
                                           .digest = toy_digest};

static void keep_record(void *context, const struct record *r)
{
    struct toys *self = context;
    if (self->record_count < TOY_LOG_MAX)
        self->records[self->record_count++] = *r;
    if (self->on_record != NULL)
        self->on_record(self, r);
}

static void keep_event(void *context, node_id node, const struct event *ev)
{
    (void)node;
    (void)ev;
    ((struct toys *)context)->traced++;
}

static void keep_checkpoint(void *context, const struct host_checkpoint *checkpoint)
{
    struct toys *self = context;
    self->checkpoints++;
    self->checkpoint_digest = checkpoint->digest;
}

struct toys *toys_new(toy_handler_fn *handler)
{
    static const struct {
        enum node_kind kind;
        const char *name;
    } nodes[TOY_NODE_COUNT] = {{NODE_CLIENT, "client"},
                               {NODE_CONTROLLER, "controller0"},
                               {NODE_SCHEDULER, "scheduler0"},
                               {NODE_KAFKA, "kafka"}};
    struct toys *self = calloc(1, sizeof *self);
    assert_non_null(self);
    struct toy_config *config = &configs[config_next++ % 16];
    *config = (struct toy_config){.handler = handler, .toys = self};
    self->arena = arena_new(ROOM);
    assert_non_null(self->arena);
    for (unsigned i = 0; i < TOY_NODE_COUNT; i++) {
        self->infos[i] = (struct node_info){.kind = (uint8_t)nodes[i].kind,
                                            .behaviour_from = BEHAVIOUR_PRE_5338,
                                            .behaviour_to = BEHAVIOUR_HEAD};
        (void)snprintf(self->infos[i].name, sizeof self->infos[i].name, "%s", nodes[i].name);
        self->machines[i] = (struct host_node){.ops = &toy_ops, .config = config};
        self->cluster.counts[nodes[i].kind] = 1;
        self->cluster.firsts[nodes[i].kind] = (node_id)i;
    }
    self->cluster.nodes = self->infos;
    self->cluster.node_count = TOY_NODE_COUNT;
#define TOY_TIMING(id, text, from, to)                                                         \
    self->cluster.timing[TIMING_##id] = (struct range){.min = (from), .max = (to)};
    TIMING_LIST(TOY_TIMING)
    for (unsigned i = TIMING_LINK_ETCD; i <= TIMING_LINK_DATABASE; i++)
        self->cluster.timing[i] = (struct range){.min = USEC(10), .max = USEC(10)};
    self->cluster.timing[TIMING_LINK_HTTP] = (struct range){.min = 100, .max = 1000};
    self->cluster.timing[TIMING_LINK_KAFKA] = (struct range){.min = USEC(1), .max = USEC(3)};
    self->draws.seed = 1;
    self->config = (struct host_sim_config){
        .arena = self->arena,
        .cluster = &self->cluster,
        .draws = &self->draws,
        .nodes = self->machines,
        .sinks = {.context = self, .record = keep_record, .event = keep_event},
        .checkpoint = keep_checkpoint};
    return self;
}

void toys_start(struct toys *self)
{
    self->host = host_sim_new(&self->config);
    for (unsigned i = 0; i < TOY_NODE_COUNT; i++)
        host_sim_start(self->host, (node_id)i);
}

void toys_free(struct toys *self)
{
    if (self->host != NULL)
        host_sim_release(self->host);
    arena_free(self->arena);
    free(self);
}

uint32_t toy_log(struct toy *self, const struct event *ev)
{
    struct toys *toys = toys_of(self);
    struct toy_line line = {.node = self->env->node,
                            .kind = (uint8_t)ev->kind,
                            .peer = ev->peer,
                            .down = ev->down,
                            .at = ev->at};
    if (ev->kind == EVENT_DELIVER) {
        line.message_kind = ev->message->kind;
        line.what = ev->message->what;
        line.peer = ev->message->from;
        line.corr = ev->message->corr;
        line.word = ev->message->u.words[0];
    }
    uint32_t timer = TOY_TIMERS;
    if (ev->kind == EVENT_WAKE) {
        timer = (uint32_t)(timers_pop(&self->timers, ev->at) - self->timer);
        line.word = timer;
    }
    if (toys->line_count < TOY_LOG_MAX)
        toys->lines[toys->line_count++] = line;
    return timer;
}

void toy_arm(struct toy *self, struct effects *fx, uint32_t timer, duration length)
{
    timers_arm(&self->timers, fx, &self->timer[timer], length, false);
}

struct message *toy_send(struct effects *fx, enum message_kind kind, node_id to, uint32_t corr)
{
    struct message *m = effects_send(fx, kind, 0, to, 0);
    m->corr = corr;
    return m;
}

struct message *toy_post(struct effects *fx, unsigned from, unsigned to, unsigned what)
{
    return effects_post(fx, ACTOR(1, 0, from), ACTOR(1, 0, to), what);
}

static bool line_is(const struct toy_line *line, node_id node, enum event_kind kind)
{
    return (node == NODE_NONE || line->node == node) && line->kind == kind;
}

const struct toy_line *toys_line(const struct toys *self, node_id node, enum event_kind kind,
                                 uint32_t nth)
{
    for (uint32_t i = 0; i < self->line_count; i++) {
        if (line_is(&self->lines[i], node, kind) && nth-- == 0)
            return &self->lines[i];
    }
    fail_msg("no such event at node %u, kind %u", node, kind);
    abort();
}

uint32_t toys_count(const struct toys *self, node_id node, enum event_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->line_count; i++)
        count += line_is(&self->lines[i], node, kind);
    return count;
}

const struct record *toys_record(const struct toys *self, enum record_kind kind, uint32_t nth)
{
    for (uint32_t i = 0; i < self->record_count; i++) {
        if (self->records[i].kind == kind && nth-- == 0)
            return &self->records[i];
    }
    fail_msg("no such record: %s", record_to_string(kind));
    abort();
}

uint32_t toys_record_count(const struct toys *self, enum record_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->record_count; i++)
        count += self->records[i].kind == kind;
    return count;
}

void toys_forget(struct toys *self)
{
    self->line_count = 0;
    self->record_count = 0;
}

static void random_request(struct toy *self, struct effects *fx, uint64_t bits)
{
    static const enum message_kind kinds[] = {MSG_INVOKE,   MSG_KAFKA_PRODUCE, MSG_FORWARD,
                                              MSG_ETCD_PUT, MSG_HTTP_REQUEST,  MSG_FETCH};
    node_id to = (node_id)(bits % TOY_NODE_COUNT);
    struct message *m = toy_send(fx, kinds[bits / 16 % 6], to, (uint32_t)++self->words[3]);
    if (m->kind == MSG_HTTP_REQUEST) {
        char path[] = "/activation/a";
        path[12] = (char)('a' + bits / 1024 % 26);
        m->u.http_request.path =
            blob_new(self->env->arena, self->env->node, path, sizeof path - 1);
        return;
    }
    m->u.words[0] = (uint32_t)bits;
}

static void random_wake(struct toy *self, struct effects *fx, uint32_t timer)
{
    uint64_t ordinal = ++self->words[2];
    uint64_t bits = draw_bits(self->env->draws, PURPOSE_BENCH, self->env->node, ordinal);
    toy_arm(self, fx, timer, 50 + bits % 2000);
    random_request(self, fx, bits >> 8);
    if (bits % 3 == 0)
        toy_post(fx, (unsigned)(bits >> 20) % 4, (unsigned)(bits >> 24) % 4, 1);
    if (bits % 5 == 0) {
        struct record *r = effects_record(fx, RECORD_APPENDED, 0);
        r->value = bits;
        self->words[bits % TOY_DURABLE_WORDS]++;
    }
}

void toy_random(struct toy *self, const struct event *ev, struct effects *fx)
{
    uint32_t timer = toy_log(self, ev);
    switch (ev->kind) {
    case EVENT_START:
        for (uint32_t i = 0; i < 2; i++)
            toy_arm(self, fx, i, 10 * (i + 1));
        break;
    case EVENT_WAKE:
        random_wake(self, fx, timer);
        break;
    case EVENT_DELIVER:
        self->words[4] = draw_mix(self->words[4], ev->message->corr);
        if (ev->message->kind == MSG_HTTP_REQUEST)
            effects_reply(fx, ev->message, MSG_HTTP_REPLY)->u.http_reply.status = 200;
        break;
    case EVENT_LINK:
        self->words[5] += ev->down;
        break;
    case EVENT_SIGNAL:
        self->words[6]++;
        break;
    }
}
