#pragma once
/*
 * controller_queue.h - which schedulers and queues there are, and asking for a queue.
 *
 * Included by controller_internal.h, behind what it needs of it.
 */
#include "controller/controller_internal.h"

void controller_watch(struct controller *self, struct effects *fx);
void controller_unwatch(struct controller *self, struct effects *fx);
void controller_on_watched(struct controller *self, const struct message *m,
                           struct effects *fx);
node_id controller_least(const struct controller *self, const node_id *tried, uint32_t count);
node_id controller_any(const struct controller *self, activation_id id);
bool controller_knows(const struct controller *self, node_id scheduler);
void controller_ask_for(struct controller *self, const struct invocation *i, node_id scheduler,
                        struct effects *fx);
void controller_on_asked(struct controller *self, const struct message *m, struct effects *fx);
void controller_ask_timer(struct controller *self, struct queue_ask *ask, struct effects *fx);
/* The metadata of an action came (found) or could not be read. */
void controller_asks_continue(struct controller *self, action_id action, bool found,
                              struct effects *fx);
void controller_scheduler_seen(struct controller *self, const struct value *value,
                               struct effects *fx);
