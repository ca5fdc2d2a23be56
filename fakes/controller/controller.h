#pragma once
/*
 * controller.h - one controller with FPCPoolBalancer: takes invocations, sends them to the
 * topic of a scheduler, completes them by acks, and answers the administration routes and the
 * public API (controller_api.h).
 *
 * An invocation is a call (somebody waits for HTTP) and a slot (the activation is in flight);
 * either may end first. What `/activation/count` counts are slots.
 *
 *   call:  ACTION --read--> LOOK_UP --leader--> SEND --acknowledged--> WAIT --result-->
 * answered |404, 500        |503               |500                   \--60 s--> 202 slot:
 * (none) --before the send--> open --completion ack | 3 min or more--> released
 *
 * Files: controller_publish.c the path from call to Kafka; controller_producer.c the send;
 * controller_ack.c acks and forced completions; controller_wait.c the blocking wait;
 * controller_queue.c queue creation and the watched keys; controller_read.c reads of etcd and
 * of actions; controller_route.c administration; controller_api*.c the public API;
 * controller_chain.c sequences and
 * triggers; controller_table.c the tables.
 * Durable: nothing. A restart knows no slot, no throttle flag and no queue.
 * Source: FPCPoolBalancer.scala, Controller.scala, actions/PrimitiveActions.scala,
 * entitlement/FPCEntitlement.scala at 1fae641a2; deviations: docs/fidelity.md#controller.
 */
#include "core/machine.h"

/* A broken connection to the database ends every waiting call, two effects each; a burst that
 * waits for one action's first read continues with three each; of the public API's waiting
 * requests each has one. 8192 connections of the server
 * (`pekko.http.server.max-connections`) per edge, client and deployer bound both. */
#define CONTROLLER_EFFECTS_MAX 65536u

struct controller_config {
    uint64_t use_per_min_throttles;
    uint64_t timeout_factor;
    uint64_t polling_from_db;
    uint64_t blocking_wait_max_ns;
    uint64_t readiness_fraction_ppm;
    uint64_t request_timeout_ns;
    uint64_t time_limit_std_ns;
};

#define CONTROLLER_USER "controller.user"
#define CONTROLLER_PASSWORD "controller.pass"

extern const struct machine_ops controller_ops;
