/*
 * bench_mmc_world.c - the M/M/c queue as two machines. See bench_mmc.h.
 */
#include "bench/bench_mmc.h"

#include "core/assert.h"
#include "core/cluster.h"
#include "kernel/host_sim.h"

enum { NODE_CLIENTS, NODE_STATION, NODE_COUNT };
#define MAIN_ACTOR 0u

struct clients {
    const struct machine_env *env;
    const struct mmc_setup *setup;
    struct timers timers;
    uint32_t begun;
    uint64_t answers;
    duration answered;
    struct client {
        struct timer timer;
        uint32_t nth;
        tstamp sent_at;
    } clients[MMC_CLIENTS];
};

struct station {
    const struct machine_env *env;
    struct timers timers;
    uint32_t busy, head, count;
    duration waited;
    struct waiting {
        tstamp since;
        activation_id id;
    } queue[1024]; /* ring: at most one job of each client */
    struct server {
        struct timer timer;
        activation_id id;
    } servers[MMC_SERVERS];
    uint32_t free_servers[MMC_SERVERS];
};
_Static_assert(MMC_CLIENTS <= 1024, "room in the queue and in a job's number");

static void client_think(struct clients *self, uint32_t client, struct effects *fx)
{
    struct client *c = &self->clients[client];
    duration think = mmc_think(self->env->draws, client, ++c->nth);
    c->timer.arg = client;
    timers_arm(&self->timers, fx, &c->timer, think, false);
}

static void client_send(struct clients *self, uint32_t client, struct effects *fx)
{
    if (self->begun == self->setup->jobs)
        return;
    self->begun++;
    struct client *c = &self->clients[client];
    c->sent_at = fx->at;
    struct message *m = effects_send(fx, MSG_INVOKE, MAIN_ACTOR, NODE_STATION, MAIN_ACTOR);
    m->u.invoke.id = mmc_job(client, c->nth);
}

static void clients_init(void *memory, const struct machine_env *env)
{
    struct clients *self = memory;
    self->env = env;
    self->setup = env->config;
    timers_init(&self->timers, env->arena, env->node);
}

static void clients_step(void *memory, const struct event *ev, struct effects *fx)
{
    struct clients *self = memory;
    switch (ev->kind) {
    case EVENT_START:
        for (uint32_t i = 0; i < MMC_CLIENTS; i++)
            client_think(self, i, fx);
        break;
    case EVENT_WAKE:
        client_send(self, timers_pop(&self->timers, ev->at)->arg, fx);
        break;
    case EVENT_DELIVER: {
        uint32_t client = ev->message->u.invoke_reply.id & 1023u;
        self->answers++;
        self->answered += ev->at - self->clients[client].sent_at;
        client_think(self, client, fx);
        break;
    }
    case EVENT_SIGNAL:
    case EVENT_LINK:
        break;
    }
}

static struct wakeup clients_next_wakeup(const void *memory)
{
    return timers_first(&((const struct clients *)memory)->timers);
}

static void clients_digest(const void *memory, struct digest *d)
{
    const struct clients *self = memory;
    digest_two(d, self->answers, self->answered);
    for (uint32_t i = 0; i < MMC_CLIENTS; i++)
        digest_two(d, self->clients[i].timer.at, self->clients[i].nth);
}

static void station_serve(struct station *self, activation_id id, struct effects *fx)
{
    uint32_t server = self->free_servers[--self->busy];
    struct server *s = &self->servers[server];
    s->id = id;
    s->timer.arg = server;
    duration service = mmc_service(self->env->draws, id & 1023u, id >> 10);
    timers_arm(&self->timers, fx, &s->timer, service, false);
}

static void station_init(void *memory, const struct machine_env *env)
{
    struct station *self = memory;
    self->env = env;
    timers_init(&self->timers, env->arena, env->node);
    self->busy = MMC_SERVERS;
    for (uint32_t i = 0; i < MMC_SERVERS; i++)
        self->free_servers[i] = i;
}

static void station_wake(struct station *self, tstamp at, struct effects *fx)
{
    uint32_t server = timers_pop(&self->timers, at)->arg;
    activation_id id = self->servers[server].id;
    self->free_servers[self->busy++] = server;
    if (self->count > 0) {
        struct waiting next = self->queue[self->head];
        self->head = (self->head + 1) & 1023u;
        self->count--;
        self->waited += at - next.since;
        station_serve(self, next.id, fx);
    }
    struct message *m =
        effects_send(fx, MSG_INVOKE_REPLY, MAIN_ACTOR, NODE_CLIENTS, MAIN_ACTOR);
    m->u.invoke_reply.id = id;
}

static void station_step(void *memory, const struct event *ev, struct effects *fx)
{
    struct station *self = memory;
    switch (ev->kind) {
    case EVENT_WAKE:
        station_wake(self, ev->at, fx);
        break;
    case EVENT_DELIVER: {
        activation_id id = ev->message->u.invoke.id;
        if (self->busy > 0) {
            station_serve(self, id, fx);
            break;
        }
        ASSERT_OP(self->count, <, MMC_CLIENTS);
        self->queue[(self->head + self->count++) & 1023u] =
            (struct waiting){.since = ev->at, .id = id};
        break;
    }
    case EVENT_START:
    case EVENT_SIGNAL:
    case EVENT_LINK:
        break;
    }
}

static struct wakeup station_next_wakeup(const void *memory)
{
    return timers_first(&((const struct station *)memory)->timers);
}

static void station_digest(const void *memory, struct digest *d)
{
    const struct station *self = memory;
    digest_two(d, (uint64_t)self->busy << 32 | self->count, self->waited);
    for (uint32_t i = 0; i < self->count; i++)
        digest_word(d, self->queue[(self->head + i) & 1023u].since);
}

static const struct machine_ops clients_ops = {.name = "clients",
                                               .size = sizeof(struct clients),
                                               .effects_max = 1,
                                               .init = clients_init,
                                               .step = clients_step,
                                               .next_wakeup = clients_next_wakeup,
                                               .digest = clients_digest};
static const struct machine_ops station_ops = {.name = "station",
                                               .size = sizeof(struct station),
                                               .effects_max = 1,
                                               .init = station_init,
                                               .step = station_step,
                                               .next_wakeup = station_next_wakeup,
                                               .digest = station_digest};

static const struct node_info nodes[NODE_COUNT] = {{.kind = NODE_CLIENT, .name = "clients"},
                                                   {.kind = NODE_SCHEDULER, .name = "station"}};
static const struct cluster cluster = {
    .nodes = nodes,
    .node_count = NODE_COUNT,
    .timing = {[TIMING_LINK_HTTP] = {.min = MMC_LINK_MIN, .max = MMC_LINK_MAX}}};

struct host *mmc_world_new(struct arena *arena, const struct mmc_setup *setup)
{
    const struct host_node machines[NODE_COUNT] = {{.ops = &clients_ops, .config = setup},
                                                   {.ops = &station_ops, .config = setup}};
    struct host *host = host_sim_new(&(struct host_sim_config){
        .arena = arena, .cluster = &cluster, .draws = &setup->draws, .nodes = machines});
    host_sim_start(host, NODE_STATION);
    host_sim_start(host, NODE_CLIENTS);
    return host;
}

struct mmc_result mmc_world_run(struct host *host, tstamp until)
{
    uint64_t started = NODE_COUNT; /* EVENT_START of each: the bare loop has none */
    struct mmc_result result = {.end = host_sim_run_until(host, until)};
    const struct clients *c = host_sim_machine(host, NODE_CLIENTS);
    const struct station *s = host_sim_machine(host, NODE_STATION);
    result.events = host_sim_event_count(host) - started;
    result.jobs = c->answers;
    result.answered = c->answered;
    result.waited = s->waited;
    return result;
}
