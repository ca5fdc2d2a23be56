#pragma once
/*
 * bench_mmc.h - a closed M/M/c queue, twice: as machines and as a bare loop.
 *
 *   client: THINKING --think time--> [link] --> station: waiting, then in service --> [link]
 * --+
 *              ^-------------------------------------------------------------------------------+
 *
 * Four events per job: the client wakes, the job arrives, the service ends, the answer arrives.
 */
#include "core/host.h"

#define MMC_CLIENTS 1000u
#define MMC_SERVERS 64u
#define MMC_THINK MSEC(160)
#define MMC_SERVICE MSEC(10)
#define MMC_LINK_MIN USEC(200)
#define MMC_LINK_MAX MSEC(1)

struct mmc_result {
    uint64_t events, jobs;
    duration waited, answered; /* sums: in the station's queue; from the wake to the answer */
    tstamp end;
};

struct mmc_setup {
    struct draws draws;
    uint32_t jobs; /* after so many have begun, no client begins another */
};

/* The draws of both: nth job of a client. */
static inline duration mmc_think(const struct draws *draws, uint32_t client, uint32_t nth)
{
    return draw_exponential(draws, PURPOSE_BENCH, client * 2u, nth, MMC_THINK);
}
static inline duration mmc_service(const struct draws *draws, uint32_t client, uint32_t nth)
{
    return draw_exponential(draws, PURPOSE_BENCH, client * 2u + 1, nth, MMC_SERVICE);
}
/* Clients have 10 bits of a job's number. */
static inline activation_id mmc_job(uint32_t client, uint32_t nth)
{
    return nth << 10 | client;
}

/* The machines' world; borrows setup. The host lies in the arena. */
struct host *mmc_world_new(struct arena *arena, const struct mmc_setup *setup);
struct mmc_result mmc_world_run(struct host *host, tstamp until);
struct mmc_result mmc_bare_run(const struct mmc_setup *setup);
