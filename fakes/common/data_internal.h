#pragma once
/* data_internal.h - what data.c (DataManagementService) and data_worker.c (EtcdWorker) share.
 */
#include "common/data.h"
#include "common/etcd_call.h"

/* One request at the worker. The timer stands first: it is how a wake-up finds its call. */
struct worker_call {
    struct timer timer;
    struct post_data data;
    uint32_t corr;  /* 0: waits for a retry */
    uint32_t cause; /* of the post that brought it */
    uint16_t what;  /* POST_ELECT_LEADER, REGISTER_INITIAL, REGISTER, WATCHER_CLOSED */
    uint8_t attempt;
    uint8_t pausing; /* the client library's pause before the second attempt */
};

struct worker {
    struct worker_call **calls; /* in the order of their start; blocks of the node */
    uint32_t count, max;
    struct worker_call **unused;
    uint32_t unused_count, unused_max;
    uint32_t lease; /* 0: none */
    uint32_t corr;
    struct etcd_retry retry;
};

/* A request that waits for its key. */
struct data_waiting {
    struct post_data data;
    uint16_t what;
    uint16_t spare;
    uint32_t cause;
    uint32_t next; /* 1-based; 0: last */
};

/* A key with a request at the worker, and its waiting ones. */
struct data_key {
    struct key key;
    uint32_t first, last; /* 1-based into waiting; 0: none */
};

struct data_cached {
    struct key key;
    struct value value;
};

struct data {
    const struct machine_env *env;
    struct timers *timers;
    duration retry_interval;
    struct data_key *keys; /* busy ones (inProgressKeys), sorted by key_order */
    uint32_t key_count, key_max;
    struct data_waiting *waiting;                        /* pool of `operations` */
    uint32_t waiting_max, waiting_unused, waiting_count; /* unused: 1-based list */
    struct data_cached *cache; /* dataCache: a handful of keys, never cleared */
    uint32_t cache_count, cache_max;
    struct worker worker;
};

void data_worker_init(struct data *self);
void data_worker_on_message(struct data *self, const struct message *m, struct effects *fx);
void data_worker_on_timer(struct data *self, struct timer *timer, struct effects *fx);
void data_worker_on_link(struct data *self, const struct event *ev, struct effects *fx);
void data_worker_ask_lease(struct effects *fx);
void data_worker_digest(const struct worker *self, struct digest *d);
