#pragma once
/*
 * controller_wide_bed.h - a controller in a cluster of 3 schedulers and 7 invokers, as some of
 * upstream's tests want them; and etcd's answers to its reads.
 */
#include "support/controller_bed.h"

#define WIDE_SCHEDULERS 3u
#define WIDE_SCHEDULERS_MAX 8u
#define WIDE_INVOKERS 7u

/* Not started. The further nodes stand behind those of every bed. */
struct bed *controller_wide_bed_new(void);
struct bed *controller_wide_bed_of(uint32_t schedulers);
node_id wide_invoker(const struct bed *bed, uint32_t index);
node_id wide_scheduler(const struct bed *bed, uint32_t index);

/* GET path; then etcd has these for the prefix of the invokers: statuses by index,
 * INVOKER_STATUS_COUNT: no key. */
void wide_get_invokers(struct bed *bed, const char *path, const uint8_t *statuses,
                       uint32_t count);
