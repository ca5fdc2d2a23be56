#pragma once
/*
 * histogram.h - lengths in log-linear buckets: 128 per power of two, so a percentile is right
 * within 1 %. In microseconds from 1 us to 19 hours.
 */
#include "core/tstamp.h"

#define HISTOGRAM_BITS 7u
#define HISTOGRAM_OCTAVES 30u
#define HISTOGRAM_BUCKETS (HISTOGRAM_OCTAVES << HISTOGRAM_BITS)

struct histogram {
    uint64_t count;
    duration max; /* exact */
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *self, duration length);
/* The least length that at least `percent` of the samples do not pass; 0 without samples. */
duration histogram_percentile(const struct histogram *self, unsigned percent);
