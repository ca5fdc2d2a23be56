#pragma once
/*
 * scheduler.h - one scheduler of the function-pulling architecture.
 *
 * Activations come from the scheduler's topic, are routed to the memory queue of their action
 * (here, or on the scheduler that leads it), and leave when a container fetches them. Every
 * 100 ms each running queue decides how many containers to order.
 *
 *   topic --feed--> handler --> queue <--GetActivation-- fetch (gRPC) <-- container
 *                      |          | every 100 ms
 *                      |          monitor -> decision -> queue -> container manager
 *                      |                                             | etcd listing
 *          look-up, forward, recover: queue manager       job manager + invoker topic
 *
 * Actors and callbacks, each with its own turns (Scheduler.scala:73-245, threads: MemoryQueue
 * .scala:928-975, QueueManager.scala:280-305, ContainerManager.scala:145-206):
 *   main               HTTP routes, gRPC                           scheduler_route.c, _fetch.c
 *   handler 0, 1       what the two feeds call                     scheduler_lookup.c, _job.c
 *   callback           etcd and database answers                   scheduler_call.c
 *   queue-manager      elections, recovery, disable                scheduler_manager.c
 *   (pool)             leader keys, queues by revision             scheduler_pool.c
 *   queue              MemoryQueue, states below                   scheduler_queue*.c
 *   monitor, decision  limit look-up, snapshot; decision           scheduler_queue_monitor.c
 *   counter            containers of a namespace                   scheduler_counter.c
 *   container-manager  placement                                   scheduler_container.c,
 * _place.c job-manager        creation jobs                               scheduler_job.c
 *   producer           Kafka and activation store                  common/producer.c
 *   call               one ask: a fetch, an admin question         scheduler_fetch.c, _route.c
 *   and feed, lease, watcher, data, etcd-worker of common/.
 *
 *   MemoryQueue: UNINITIALIZED --Start--> RUNNING <--> IDLE --silence--> REMOVED --> (gone)
 *                RUNNING <--> NAMESPACE_THROTTLED, ACTION_THROTTLED, FLUSHING --> REMOVED
 *                RUNNING, throttled --GracefulShutdown--> REMOVING --drained--> REMOVED
 *
 * Durable: the ordinal of creation ids alone (upstream's are random and never come twice).
 * The process ends only by being stopped; a disabled one goes on.
 * Source: core/scheduler at apache/openwhisk 1fae641a2; deviations: docs/fidelity.md.
 */
#include "core/machine.h"

/*
 * One turn that completes a whole queue with an error: 2 messages and 4 records for each. A
 * queue throttles at 10,000, but a flushing or removing one takes more: 70 s at 900/s.
 */
#define SCHEDULER_EFFECTS_MAX 262144u

#define SCHEDULER_USER "scheduler.user"
#define SCHEDULER_PASSWORD "scheduler.pass"

struct scheduler_config {
    uint64_t stale_threshold, check_interval, drop_interval;
    uint64_t allow_over_provision, over_provision_ratio;
    uint64_t idle_grace, stop_grace, flush_grace, graceful_shutdown_timeout;
    uint64_t max_retention_size, max_retention, max_blackbox_retention;
    uint64_t throttling_fraction, duration_buffer_size, fail_throttle_as_whisk_error;
    uint64_t max_scheduling_time, max_retries_to_get_queue, max_peek;
    uint64_t in_progress_job_retention, blackbox_multiple;
    uint64_t data_retry_interval, lease_timeout;
    uint64_t managed_fraction, blackbox_fraction;
};

extern const struct machine_ops scheduler_ops;
