#pragma once
/*
 * place_bed.h - a scheduler with up to 100 invokers, for what ContainerManager does.
 *
 * The invokers stand behind the bed's other nodes; the bed's own three are clients here. Their
 * listing, and those of containers, are answered as the fields say and in the keys' order.
 */
#include "support/scheduler_bed.h"

#define PLACE_MAX 100u
#define PLACE_INVOKER(i) ((node_id)(BED_NODE_COUNT + (i)))

enum place_labels { /* tags are cpu, memory, disk */
                    PLACE_UNTAGGED,
                    PLACE_CPU_MEMORY,
                    PLACE_MEMORY_DISK,
                    PLACE_DISK_CPU,
                    PLACE_FOR_GUEST,
                    PLACE_FOR_OTHER,
                    PLACE_LABELS
};
#define TAG_CPU 1u
#define TAG_MEMORY 2u
#define TAG_DISK 4u
#define TAG_NONE 8u /* no invoker has it */

struct place {
    struct sched *s;
    uint32_t count, answered;
    bool fails; /* every listing */
    struct {
        uint32_t free_mb;
        uint8_t status, labels;
        bool is_gone;
    } invokers[PLACE_MAX];
    struct etcd_kv containers[8]; /* existing and warmed ones */
    uint32_t container_count;
    struct node_info nodes[BED_NODE_COUNT + PLACE_MAX];
    struct labels labels[PLACE_LABELS];
};

/* All up and untagged, with this much memory; not started. */
struct place *place_new(uint32_t count, uint32_t free_mb);
void place_start(struct place *p); /* the warm-ups of the start are in the log */
struct place *place_started(uint32_t count, uint32_t free_mb); /* and they are forgotten */
void place_free(struct place *p);
void place_pump(struct place *p);
void place_forget(struct place *p);

/* ContainerCreation of guest's or other's action: creations first .. first + count - 1. */
void place_create(struct place *p, action_id action, uint32_t first, uint32_t count);
void place_watch_warmed(struct place *p, action_id action, uint32_t revision, uint32_t invoker,
                        uint32_t container, bool deleted);
void place_watch_invoker(struct place *p, uint32_t invoker, enum invoker_status status,
                         bool deleted);
/* A container's key, as the listings have it. */
void place_add_container(struct place *p, enum key_family family, uint32_t revision,
                         uint32_t invoker, uint32_t id);
/* The invoker that creation `id` was last sent to; UINT32_MAX: to none. */
uint32_t place_sent_to(const struct place *p, uint32_t id);
/* The error with which it was last given up; CREATION_NONE: it was not. */
enum creation_error place_failed(const struct place *p, uint32_t id);
