#pragma once
/*
 * proxy_bed.h - a container proxy, or its client, among probes.
 *
 * The invoker is real, the proxy under test is one that no pool knows. What it posts to other
 * actors stays there (the parent, the client, the data management service and the health
 * manager are probes, as in upstream's tests); what it posts to itself and what its callbacks
 * post to it is delivered. etcd, Kafka and the database answer.
 *
 * Everything that happened since the last look is one text, in three parts: states and other
 * records, posts to the probes, messages to other nodes. Nothing else may have happened.
 */
#include "support/invoker_bed.h"

struct proxy_bed {
    struct invoker_bed *inv;
    struct bed *bed;
    struct slot *slot;
    enum actor_kind kind; /* ACTOR_PROXY or ACTOR_ACTIVATION_CLIENT */
    uint32_t sent_seen, records_seen;
    uint32_t broken_counts; /* so many counts etcd refuses to make */
    char said[4096], posts[2048], sends[2048];
};

/* Upstream's fixture: three time-outs of 5 s. Not booted: the configuration may be changed. */
struct proxy_bed *proxy_bed_cold(void);
void proxy_bed_boot(struct proxy_bed *t);
struct proxy_bed *proxy_bed_new(void);
/* The actor under test is a container's client instead, not started; scheduler 0. */
struct proxy_bed *proxy_bed_client(void);
void proxy_bed_free(struct proxy_bed *t);

void proxy_bed_deliver(struct proxy_bed *t, const struct message *m);
/* The answer to the last fetch. */
void proxy_bed_fetched(struct proxy_bed *t, enum fetch_result result, uint32_t request);
/* From a probe to the actor under test; the payload is the caller's, or NULL. */
void proxy_bed_send(struct proxy_bed *t, unsigned what, const void *payload, size_t size);
void proxy_bed_initialize(struct proxy_bed *t);
void proxy_bed_activate(struct proxy_bed *t, uint32_t request, bool blocking);
void proxy_bed_fail(struct proxy_bed *t, enum failure failure);
void proxy_bed_pass(struct proxy_bed *t, duration length);
void proxy_bed_until(struct proxy_bed *t, const struct timer *timer); /* it has fired */

/* What happened, line by line; then it is forgotten. */
void proxy_bed_expect(struct proxy_bed *t, const char *lines);

/* The usual ways there, each with its lines expected. */
void proxy_bed_prewarm(struct proxy_bed *t);        /* ContainerCreated */
void proxy_bed_adopt(struct proxy_bed *t);          /* from there, and a job: ClientCreated */
void proxy_bed_cold_start(struct proxy_bed *t);     /* ClientCreated */
void proxy_bed_first_run(struct proxy_bed *t);      /* from there: Running, one run */
void proxy_bed_pause(struct proxy_bed *t);          /* from Running: Paused */
void proxy_bed_expect_stopped(struct proxy_bed *t); /* the actor has ended */
