/*
 * bench_snapshot.c - what it costs to go back in time, against copying as many bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/bench_mmc.h"
#include "core/arena.h"
#include "core/assert.h"
#include "kernel/host_sim.h"

#define ROOM ((size_t)64 << 20)
#define REPEATS 200u

static double time_ours(struct host *host, struct arena_snapshot **snapshot, unsigned repeats)
{
    double begin = bench_seconds();
    for (unsigned i = 0; i < repeats; i++) {
        arena_snapshot_free(*snapshot);
        *snapshot = host_sim_save(host);
        host_sim_restore(host, *snapshot);
    }
    return (bench_seconds() - begin) / repeats * 1e6;
}

static double time_copies(void *memory, void *side, size_t size, unsigned repeats)
{
    double begin = bench_seconds();
    for (unsigned i = 0; i < repeats; i++) {
        memcpy(side, memory, size);
        __asm__ volatile("" ::: "memory"); /* both copies are made */
        memcpy(memory, side, size);
        __asm__ volatile("" ::: "memory");
    }
    return (bench_seconds() - begin) / repeats * 1e6;
}

int bench_snapshot(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    *result = (struct bench_result){.name = "snapshot", .unit = "us, save and restore"};
    runs = bench_runs(runs);
    unsigned repeats = 1 + (REPEATS - 1) / shrink;
    struct arena *arena = arena_new(ROOM);
    ASSERT(arena != NULL);
    struct mmc_setup setup = {.draws.seed = 1, .jobs = UINT32_MAX};
    struct host *host = mmc_world_new(arena, &setup);
    (void)mmc_world_run(host, TSTAMP_ORIGIN + SEC(1));
    size_t used = arena_used(arena);
    void *memory = calloc(1, used), *side = calloc(1, used);
    ASSERT(memory != NULL && side != NULL);
    uint64_t before = host_sim_digest(host);
    struct arena_snapshot *snapshot = host_sim_save(host);
    for (unsigned i = 0; i < runs; i++) {
        ours[i] = time_ours(host, &snapshot, repeats);
        reference[i] = time_copies(memory, side, used, repeats);
    }
    (void)mmc_world_run(host, TSTAMP_ORIGIN + SEC(2));
    host_sim_restore(host, snapshot);
    bool is_back = host_sim_digest(host) == before;
    arena_snapshot_free(snapshot);
    host_sim_release(host);
    arena_free(arena);
    free(memory);
    free(side);
    bench_finish(result, ours, reference, runs);
    return is_back ? 0 : -1;
}
