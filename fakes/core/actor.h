#pragma once
/*
 * actor.h - the kinds of actors inside nodes (the top 6 bits of an actor_id).
 *
 * Source: what upstream runs as an actor, or as a callback on another thread
 * (Scheduler.scala, FPCInvokerReactive.scala, FPCPoolBalancer.scala at 1fae641a2).
 */
#include "core/ids.h"
#include "core/names.h"

#define ACTOR_LIST(X)                                                                          \
    X(MAIN, "main")            /* the process: HTTP routes, start-up */                        \
    X(CALLBACK, "callback")    /* a Future callback: own turn, own order */                    \
    X(FEED, "feed")            /* MessageFeed; index: which of the node's feeds */             \
    X(FEED_HANDLER, "handler") /* what a feed calls for each message */                        \
    X(LEASE, "lease")          /* LeaseKeepAliveService */                                     \
    X(WATCHER, "watcher")      /* WatcherService */                                            \
    X(DATA, "data")            /* DataManagementService */                                     \
    X(WORKER, "etcd-worker")   /* EtcdWorker */                                                \
    X(QUEUE_MANAGER, "queue-manager")                                                          \
    X(QUEUE, "queue")       /* MemoryQueue; index: slot */                                     \
    X(DECISION, "decision") /* SchedulingDecisionMaker of a queue */                           \
    X(MONITOR, "monitor")   /* monitoring worker and snapshot callback of a queue */           \
    X(COUNTER, "counter")   /* ContainerCounter of a namespace */                              \
    X(CONTAINER_MANAGER, "container-manager")                                                  \
    X(JOB_MANAGER, "job-manager")        /* CreationJobManager */                              \
    X(BALANCER, "balancer")              /* FPCPoolBalancer */                                 \
    X(SLOT, "slot")                      /* one activation in a controller */                  \
    X(POOL, "pool")                      /* FunctionPullingContainerPool */                    \
    X(PROXY, "proxy")                    /* FunctionPullingContainerProxy; index: slot */      \
    X(ACTIVATION_CLIENT, "client-proxy") /* ActivationClientProxy of a proxy */                \
    X(HEALTH, "health")                  /* InvokerHealthManager */                            \
    X(CONSUMER, "consumer")              /* ContainerMessageConsumer */                        \
    X(PRODUCER, "producer")              /* Kafka producer of a node */                        \
    X(CALL, "call")                      /* one outstanding call */                            \
    X(HOST_DEPLOY, "host")               /* one host of a deploy play; index: position */      \
    X(LOAD, "load")                      /* one load entry of the client */
#define ACTOR_MEMBER(id, text) ACTOR_##id,
enum actor_kind { ACTOR_LIST(ACTOR_MEMBER) ACTOR_KIND_COUNT };
NAMES_DECLARE(actor)
