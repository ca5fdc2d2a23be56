#pragma once
/*
 * data.h - DataManagementService with its EtcdWorker: registers, elects, deletes keys.
 *
 * Per key one request at a time; only the newest put or delete waits. Different keys run side
 * by side. Unregister is: unwatch, and when the watcher has confirmed, delete. A worker that
 * has no lease, or whose request fails, retries after `retry_interval`, for ever.
 * Two actors: ACTOR_DATA and ACTOR_WORKER; each hop between them is a post.
 * Source: DataManagementService.scala:55-170, EtcdWorker.scala:43-172 at 1fae641a2.
 */
#include "common/common.h"

struct data;

struct data *data_new(const struct machine_env *env, struct timers *timers,
                      duration retry_interval);         /* arena block of the node */
void data_start(struct data *self, struct effects *fx); /* worker asks for the lease */
/* Messages to ACTOR_DATA and ACTOR_WORKER. */
void data_on_message(struct data *self, const struct message *m, struct effects *fx);
void data_on_timer(struct data *self, struct timer *timer, struct effects *fx);
/* Every EVENT_LINK: calls that were open to etcd are broken. */
void data_on_link(struct data *self, const struct event *ev, struct effects *fx);
void data_digest(const struct data *self, struct digest *d);

/* What its clients post; from: the client, who is also the recipient of answers. */
void data_elect(struct effects *fx, actor_id from, const struct key *key,
                const struct value *value);
void data_register_initial(struct effects *fx, actor_id from, const struct key *key,
                           const struct value *value, bool failover, bool answer);
void data_register(struct effects *fx, actor_id from, const struct key *key,
                   const struct value *value, bool failover);
void data_unregister(struct effects *fx, actor_id from, const struct key *key);
void data_update_on_change(struct effects *fx, actor_id from, const struct key *key,
                           const struct value *value);
