/*
 * histogram.c - the bucket of a length is its power of two and the next 7 bits.
 */
#include "check/histogram.h"
#include "core/assert.h"

static uint32_t histogram_bucket(duration length)
{
    uint64_t us = length / USEC(1);
    if (us < UINT64_C(1) << HISTOGRAM_BITS)
        return (uint32_t)us; /* exact, the first octave */
    unsigned top = 63u - (unsigned)__builtin_clzll(us);
    unsigned octave = top - HISTOGRAM_BITS + 1;
    if (octave >= HISTOGRAM_OCTAVES)
        return HISTOGRAM_BUCKETS - 1;
    uint32_t part = (uint32_t)(us >> (top - HISTOGRAM_BITS)) - (1u << HISTOGRAM_BITS);
    return octave << HISTOGRAM_BITS | part;
}

/* The largest length of a bucket. */
static duration histogram_edge(uint32_t bucket)
{
    uint32_t octave = bucket >> HISTOGRAM_BITS;
    uint64_t part = bucket & ((1u << HISTOGRAM_BITS) - 1);
    if (octave == 0)
        return USEC(part + 1) - 1;
    return USEC((part + (1u << HISTOGRAM_BITS) + 1) << (octave - 1)) - 1;
}

void histogram_add(struct histogram *self, duration length)
{
    uint32_t bucket = histogram_bucket(length);
    ASSERT_OP(bucket, <, HISTOGRAM_BUCKETS);
    self->buckets[bucket]++;
    self->count++;
    if (length > self->max)
        self->max = length;
}

duration histogram_percentile(const struct histogram *self, unsigned percent)
{
    ASSERT_OP(percent, <=, 100);
    if (self->count == 0)
        return 0;
    uint64_t rank = (self->count * percent + 99) / 100, seen = 0;
    if (rank == 0)
        rank = 1;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += self->buckets[i];
        if (seen >= rank) {
            duration edge = histogram_edge(i); /* the last one has no upper edge */
            return edge < self->max && i + 1 < HISTOGRAM_BUCKETS ? edge : self->max;
        }
    }
    return self->max;
}
