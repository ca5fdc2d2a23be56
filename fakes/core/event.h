#pragma once
/*
 * event.h - what a host delivers to a machine. Borrowed: not kept after the step.
 */
#include "core/message.h"

enum event_kind {
    EVENT_START,   /* first event of an incarnation: the port is bound, peers may call */
    EVENT_DELIVER, /* message */
    EVENT_WAKE,    /* the machine's first deadline is due; one wake-up serves one deadline */
    EVENT_SIGNAL,  /* SIGTERM: the process has `timing.stop` before it is cut */
    EVENT_LINK,    /* every open connection to `peer` is gone (reset); down 1, up again 0 */
};

struct event {
    enum event_kind kind;
    tstamp at;                     /* never decreases */
    const struct message *message; /* EVENT_DELIVER */
    node_id peer;                  /* EVENT_LINK */
    uint8_t down;                  /* EVENT_LINK */
};
