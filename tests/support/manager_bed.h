#pragma once
/*
 * manager_bed.h - what a controller, a queue and an administrator say to the queue manager.
 */
#include "support/scheduler_bed.h"

void manager_create(struct sched *s, namespace_id ns, action_id action, uint32_t revision);
/* Of namespace guest, NULL: none in the pool. */
struct queue *manager_queue(struct sched *s, action_id action, uint32_t revision);
/* As the queue says it; has_key: its leader key is given up, too. */
void manager_removed(struct sched *s, const struct queue *q, bool has_key);
void manager_ask(struct sched *s, const char *path); /* GET with credentials */
