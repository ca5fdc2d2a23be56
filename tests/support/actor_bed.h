#pragma once
/*
 * actor_bed.h - one actor of an invoker among probes: its pool, health manager, consumer or the
 * routes.
 *
 * The invoker is real and started; of all that it posts, only what the actor under test posts
 * to itself is delivered. What it posts to others, what leaves the node for it and what it
 * records is one text, line by line (of each event: records, what leaves, posts); nothing else
 * may have happened. Containers are probes:
 * c0, c1 ... by the order in which they were made.
 */
#include "support/invoker_bed.h"

struct actor_bed {
    struct invoker_bed *inv;
    struct bed *bed;
    struct invoker *invoker;
    actor_id actor, callback; /* whose doings are looked at; callback 0: none */
    uint32_t sent_seen, records_seen;
    uint32_t told[INVOKER_BED_SLOTS]; /* GracefulShutdown to each container */
    size_t length;
    char text[8192];
};

/* Not started: configuration and actions may be changed. */
struct actor_bed *actor_bed_new(actor_id actor, actor_id callback);
void actor_bed_start(struct actor_bed *t);
void actor_bed_free(struct actor_bed *t);

void actor_bed_deliver(struct actor_bed *t, const struct message *m);
/* A post to the actor; the payload is the caller's, or NULL. */
void actor_bed_send(struct actor_bed *t, actor_id from, unsigned what, const void *payload,
                    size_t size);
void actor_bed_pass(struct actor_bed *t, duration length);
/* What happened since the last look, line by line; then it is forgotten. */
void actor_bed_expect(struct actor_bed *t, const char *lines);
