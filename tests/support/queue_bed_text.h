#pragma once
/*
 * queue_bed_text.h - what a queue of guest/hello says again and again, as queue_bed writes it.
 */
#define LEADER_KEY "whisk/queue/guest/guest/hello/leader"
#define NAMESPACE_KEY "whisk/throttling/guest"
#define ACTION_KEY "whisk/throttling/guest/guest/hello"

#define SAYS_WATCHES                                                                           \
    "watch in-progress guest* of depth 2 put delete\n"                                         \
    "watch namespace guest* of depth 2 put delete\n"                                           \
    "watch in-progress guest/hello* of depth 4 as queue put delete\n"                          \
    "watch namespace guest/hello* of depth 4 as queue put delete\n"
#define SAYS_INITIAL_DATA                                                                      \
    "data register-initial " NAMESPACE_KEY " false answer\n"                                   \
    "data register " ACTION_KEY " false\n"                                                     \
    "watch " LEADER_KEY " as queue delete\n"
#define SAYS_STARTED "state Uninitialized -> Running\n" SAYS_WATCHES SAYS_INITIAL_DATA

#define SAYS_UNWATCHES                                                                         \
    "unwatch in-progress guest/hello* of depth 4 as queue\n"                                   \
    "unwatch namespace guest/hello* of depth 4 as queue\n"                                     \
    "unwatch " LEADER_KEY " as queue\n"
#define SAYS_UNCOUNTED                                                                         \
    "unwatch in-progress guest* of depth 2\n"                                                  \
    "unwatch namespace guest* of depth 2\n"
#define SAYS_UNREGISTERS                                                                       \
    "data unregister " LEADER_KEY "\n"                                                         \
    "data unregister " NAMESPACE_KEY "\n"                                                      \
    "data unregister " ACTION_KEY "\n"
/* The last queue of its namespace leaves. */
#define SAYS_CLEAN_UP SAYS_UNWATCHES SAYS_UNCOUNTED SAYS_UNREGISTERS
#define SAYS_NAMESPACE(value) "data register " NAMESPACE_KEY " " value "\n"
#define SAYS_ACTION(value) "data register " ACTION_KEY " " value "\n"
#define SAYS_MOVED(from, to) "state " from " -> " to "\n"

#define TOO_MANY "Too many concurrent requests in flight."
#define ZERO_LIMIT "The namespace limit is less than or equal to 0."
#define NO_INVOKER "no available invoker is found"
