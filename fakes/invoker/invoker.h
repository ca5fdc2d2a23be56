#pragma once
/*
 * invoker.h - one FPC invoker: it makes containers for creation messages, each of which pulls
 * activations from a scheduler until it has been idle for too long or the invoker is disabled.
 *
 * One process of several actors. POOL decides which container serves a creation and empties
 * itself when disabled. Each container has a PROXY (its life) and an ACTIVATION_CLIENT (its
 * line to one scheduler); both sit in one slot and share its index and generation. HEALTH
 * publishes `up`, `unhealthy` or `down`, and proves itself with a test container. CONSUMER is
 * what the feed of topic invoker<N> calls. CALLBACK is every Future callback: of a slot by its
 * index, of the others by the indices 0xfffd to 0xffff.
 *
 *   proxy: Uninitialized --Initialize--> CreatingClient --client--> ClientCreated
 *            --init done--> Running --unused--> Pausing --> Paused --idle--> Removing --> stop
 *                              ^------------ Initialize (resume) -------/
 *          Start --> CreatingContainer --> ContainerCreated --Initialize--> CreatingClient
 *          ClientCreated, Running --nobody listened for a run--> Rescheduling --> Removing
 *          any failure, ClientClosed: --> Removing --> stop
 *   client: Uninitialized --client--> Ready --GracefulShutdown, error--> Removing --> stop
 *   health: Offline --Enable--> Unhealthy <--3 of 10 failed / fewer--> Healthy
 *              ^---------------- GracefulShutdown ---------------------/
 *
 * Files: invoker_start.c warm-up watch; invoker_route.c HTTP; invoker_consumer.c creations;
 * invoker_pool*.c (prewarm: stem cells); invoker_slot.c slots, runs, ids; invoker_proxy*.c;
 * invoker_run.c one activation, invoker_ack.c its acks and record, invoker_blacklist.c;
 * invoker_client.c and invoker_call.c; invoker_health.c; invoker_behaviour.c what behaviour
 * sets differ in. Durable: only the counters from which ids are made. A restart begins with no
 * container. Source: FPCInvokerReactive.scala, FunctionPullingContainerPool.scala,
 * FunctionPullingContainerProxy.scala, ActivationClientProxy.scala, InvokerHealthManager.scala,
 * ContainerMessageConsumer.scala, FPCInvokerServer.scala at 1fae641a2; deviations:
 * docs/fidelity.md#invoker.
 */
#include "core/machine.h"

/* A broken link ends the calls of up to 4096 containers, each with a message or two. */
#define INVOKER_EFFECTS_MAX 16384u
#define INVOKER_SLOTS_MAX 4096u

struct invoker_config {
    uint64_t user_memory_bytes;
    uint64_t memory_sync_interval_ns;
    uint64_t batch_deletion_size;
    uint64_t pause_grace_ns;
    uint64_t idle_container_ns;
    uint64_t keeping_duration_ns;
    uint64_t creation_max_peek;
    uint64_t lease_timeout_ns;
    uint64_t retry_interval_ns;
    uint64_t stem_cell_count, stem_cell_bytes;
    uint64_t prewarm_check_delay_ns, prewarm_check_interval_ns, prewarm_check_variance_ns;
    uint64_t prewarm_expiration_limit, prewarm_retry_max, prewarm_promotion;
    uint64_t prewarm_pace_count, prewarm_pace_ns;
    uint64_t health_check_enabled;
    uint64_t health_check_period_ns;
    uint64_t health_check_max_fails;
    uint64_t blacklist_interval_ns;
    uint64_t prewarm_unreachable_ppm;
};

/* In the order of fsm.c's names. */
#define PROXY_STATE_LIST(X)                                                                    \
    X(UNINITIALIZED, "Uninitialized")                                                          \
    X(CREATING_CONTAINER, "CreatingContainer")                                                 \
    X(CONTAINER_CREATED, "ContainerCreated")                                                   \
    X(CREATING_CLIENT, "CreatingClient")                                                       \
    X(CLIENT_CREATED, "ClientCreated")                                                         \
    X(RESCHEDULING, "Rescheduling")                                                            \
    X(RUNNING, "Running")                                                                      \
    X(PAUSING, "Pausing")                                                                      \
    X(PAUSED, "Paused")                                                                        \
    X(REMOVING, "Removing")
#define PROXY_STATE_MEMBER(id, text) PROXY_##id,
enum proxy_state { PROXY_STATE_LIST(PROXY_STATE_MEMBER) PROXY_STATE_COUNT };

#define CLIENT_STATE_LIST(X)                                                                   \
    X(UNINITIALIZED, "Uninitialized") X(READY, "Ready") X(REMOVING, "Removing")
#define CLIENT_STATE_MEMBER(id, text) CLIENT_##id,
enum client_state { CLIENT_STATE_LIST(CLIENT_STATE_MEMBER) CLIENT_STATE_COUNT };

#define HEALTH_STATE_LIST(X)                                                                   \
    X(OFFLINE, "Offline") X(UNHEALTHY, "Unhealthy") X(HEALTHY, "Healthy")
#define HEALTH_STATE_MEMBER(id, text) HEALTH_##id,
enum health_state { HEALTH_STATE_LIST(HEALTH_STATE_MEMBER) HEALTH_STATE_COUNT };

extern const struct machine_ops invoker_ops;
