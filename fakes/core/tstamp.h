#pragma once
/*
 * tstamp.h - instants and lengths of virtual (or live) time, in nanoseconds.
 *
 * Scenario time 0 is TSTAMP_ORIGIN, one hour, so that a forgotten initialisation shows.
 * Its calendar instant is TSTAMP_EPOCH_MS: for records, transaction ids, calendar minutes.
 */
#include <stdint.h>

typedef uint64_t tstamp;   /* an instant, ns */
typedef uint64_t duration; /* a length, ns */

#define USEC(n) ((duration)(n)*1000u)
#define MSEC(n) ((duration)(n)*1000000u)
#define SEC(n) ((duration)(n)*1000000000u)
#define MINUTES(n) ((duration)(n)*60000000000u)

#define TSTAMP_ORIGIN SEC(3600)
#define TSTAMP_NEVER UINT64_MAX
#define TSTAMP_EPOCH_MS UINT64_C(1700000000000)

/* Saturating: an instant past the end of time is TSTAMP_NEVER. */
static inline tstamp tstamp_add(tstamp at, duration length)
{
    return at > TSTAMP_NEVER - length ? TSTAMP_NEVER : at + length;
}

/* What is left until then. Nothing, when it has passed: on real sockets a message may be
 * handled before a wake-up that is late. */
static inline duration tstamp_until(tstamp at, tstamp now)
{
    return at > now ? at - now : 0;
}

/* Calendar milliseconds of an instant, as upstream prints and compares them. */
static inline uint64_t tstamp_epoch_ms(tstamp at)
{
    return TSTAMP_EPOCH_MS - TSTAMP_ORIGIN / MSEC(1) +
           at / MSEC(1); /* also before the origin */
}
