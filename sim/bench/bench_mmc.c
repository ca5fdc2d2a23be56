/*
 * bench_mmc.c - the M/M/c queue as a bare loop, and the comparison. See bench_mmc.h.
 *
 * The loop has what any event loop needs and nothing else: one heap, the clients' and the
 * station's state, the draws. Its order is that of the host, so that the results are equal.
 */
#include "bench/bench_mmc.h"

#include <stdlib.h>

#include "bench/bench.h"
#include "core/assert.h"
#include "core/cluster.h"
#include "kernel/heap.h"
#include "kernel/host_sim.h"

#define JOBS 400000u
#define ROOM ((size_t)64 << 20)

enum bare_kind { BARE_THINK, BARE_ARRIVE, BARE_SERVE, BARE_ANSWER };

struct bare {
    const struct draws *draws;
    struct event_heap heap;
    uint64_t next_number;
    uint32_t free_count, head, count, jobs, begun;
    struct {
        uint32_t nth;
        tstamp sent_at;
    } clients[MMC_CLIENTS];
    struct {
        tstamp since;
        uint32_t client;
    } queue[1024];
    struct mmc_result result;
    _Alignas(64) struct event_key nodes[HEAP_NODES(MMC_CLIENTS + 2)];
};

static inline void bare_push(struct bare *self, tstamp at, enum event_class class,
                             enum bare_kind kind, uint32_t client)
{
    event_heap_push(&self->heap,
                    event_key_make(at, class, self->next_number++, client << 2 | kind));
}

static inline void bare_think(struct bare *self, tstamp now, uint32_t client)
{
    uint32_t nth = ++self->clients[client].nth;
    bare_push(self, now + mmc_think(self->draws, client, nth), CLASS_WAKE, BARE_THINK, client);
}

/* The same draw as the host's for the same message. */
static inline void bare_send(struct bare *self, tstamp now, enum message_kind kind,
                             uint32_t client)
{
    bool there = kind == MSG_INVOKE;
    uint64_t id = mmc_job(client, self->clients[client].nth);
    uint64_t from = there ? 0 : 1, to = there ? 1 : 0;
    uint64_t entity = draw_mix(from << 32, to << 32 | kind);
    uint64_t ordinal = draw_mix((uint64_t)kind << 16, id);
    struct range range = {.min = MMC_LINK_MIN, .max = MMC_LINK_MAX};
    duration latency = draw_range(self->draws, PURPOSE_LINK_HTTP, entity, ordinal, range);
    bare_push(self, now + latency, CLASS_MESSAGE, there ? BARE_ARRIVE : BARE_ANSWER, client);
}

static inline void bare_serve(struct bare *self, tstamp now, uint32_t client)
{
    duration service = mmc_service(self->draws, client, self->clients[client].nth);
    bare_push(self, now + service, CLASS_WAKE, BARE_SERVE, client);
}

static inline void bare_on_served(struct bare *self, tstamp now, uint32_t client)
{
    self->free_count++;
    if (self->count > 0) {
        uint32_t next = self->queue[self->head].client;
        self->result.waited += now - self->queue[self->head].since;
        self->head = (self->head + 1) & 1023u;
        self->count--;
        self->free_count--;
        bare_serve(self, now, next);
    }
    bare_send(self, now, MSG_INVOKE_REPLY, client);
}

static void bare_loop(struct bare *self)
{
    while (event_heap_count(&self->heap) > 0) {
        struct event_key key = event_heap_first(&self->heap);
        event_heap_pop(&self->heap);
        tstamp now = key.at;
        uint32_t slot = event_key_slot(key), client = slot >> 2;
        self->result.events++;
        self->result.end = now;
        switch ((enum bare_kind)(slot & 3u)) {
        case BARE_THINK:
            if (self->begun == self->jobs)
                break;
            self->begun++;
            self->clients[client].sent_at = now;
            bare_send(self, now, MSG_INVOKE, client);
            break;
        case BARE_ARRIVE:
            if (self->free_count > 0) {
                self->free_count--;
                bare_serve(self, now, client);
                break;
            }
            self->queue[(self->head + self->count) & 1023u].since = now;
            self->queue[(self->head + self->count++) & 1023u].client = client;
            break;
        case BARE_SERVE:
            bare_on_served(self, now, client);
            break;
        case BARE_ANSWER:
            self->result.jobs++;
            self->result.answered += now - self->clients[client].sent_at;
            bare_think(self, now, client);
            break;
        }
    }
}

struct mmc_result mmc_bare_run(const struct mmc_setup *setup)
{
    static struct bare bare;
    bare = (struct bare){.draws = &setup->draws,
                         .next_number = 1,
                         .free_count = MMC_SERVERS,
                         .jobs = setup->jobs};
    event_heap_init(&bare.heap, bare.nodes, HEAP_NODES(MMC_CLIENTS + 2));
    for (uint32_t i = 0; i < MMC_CLIENTS; i++)
        bare_think(&bare, TSTAMP_ORIGIN, i);
    bare_loop(&bare);
    return bare.result;
}

static bool is_equal(const struct mmc_result *a, const struct mmc_result *b)
{
    return a->events == b->events && a->jobs == b->jobs && a->waited == b->waited &&
           a->answered == b->answered && a->end == b->end;
}

static double run_world(const struct mmc_setup *setup, struct mmc_result *ret_result)
{
    struct arena *arena = arena_new(ROOM);
    ASSERT(arena != NULL);
    struct host *host = mmc_world_new(arena, setup);
    double begin = bench_seconds();
    *ret_result = mmc_world_run(host, TSTAMP_NEVER);
    double end = bench_seconds();
    host_sim_release(host);
    arena_free(arena);
    return end - begin;
}

int bench_mmc(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    *result = (struct bench_result){.name = "mmc", .unit = "million events/s"};
    runs = bench_runs(runs);
    struct mmc_setup setup = {.draws.seed = 1, .jobs = JOBS / shrink};
    struct mmc_result world, bare = {0};
    (void)run_world(&setup, &world); /* the first touches the pages */
    for (unsigned i = 0; i < runs; i++) {
        setup.draws.seed = i + 1;
        double world_seconds = run_world(&setup, &world);
        double begin = bench_seconds();
        bare = mmc_bare_run(&setup);
        double bare_seconds = bench_seconds() - begin;
        if (!is_equal(&world, &bare))
            return -1;
        ours[i] = (double)world.events / world_seconds / 1e6;
        reference[i] = (double)bare.events / bare_seconds / 1e6;
    }
    result->events = bare.events;
    bench_finish(result, ours, reference, runs);
    return 0;
}
