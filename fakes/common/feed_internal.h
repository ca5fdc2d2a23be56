#pragma once
/* feed_internal.h - what feed.c (the pump) and feed_kafka.c (its consumer) share. */
#include "common/feed.h"

/*
 * What the fill in progress is waiting for.
 *
 *   JOIN --joined--> POLL --records--> COMMIT --committed--> the pump
 *    \-refused-> JOIN_PAUSE \-refused-> POLL_PAUSE (the rest of the long poll), then COMMIT
 *                            \-error--> POLL_RETRY     COMMIT_PAUSE, COMMIT_RETRY
 */
enum feed_phase {
    PHASE_NONE, /* no fill */
    PHASE_JOIN,
    PHASE_JOIN_PAUSE,
    PHASE_POLL,
    PHASE_POLL_PAUSE,
    PHASE_POLL_RETRY,
    PHASE_COMMIT,
    PHASE_COMMIT_PAUSE, /* the client looks for the broker again, within the same commit */
    PHASE_COMMIT_RETRY, /* the connector's own pause between two commits */
};

/* Start a fill; ends in exactly one feed_filled, in a later step. */
void feed_fill(struct feed *self, struct effects *fx);
void feed_on_kafka(struct feed *self, const struct message *m, struct effects *fx);
/* FillCompleted: the batch (maybe empty) is the pump's. */
void feed_filled(struct feed *self, struct effects *fx);
