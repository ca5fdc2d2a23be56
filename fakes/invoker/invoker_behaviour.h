#pragma once
/*
 * invoker_behaviour.h - in what the invoker's behaviour sets differ: one list, one call.
 *
 * A field is named after what was so before its fix. Code that differs reads its field through
 * invoker_behaviour(); nothing else of the invoker asks for the set. What was fixed before
 * 1 Nov 2022 (batches of a shutdown, the consumer that is always on, the keep decision's
 * retries, the cache's ping, no container kept by default) is the same in all sets.
 * Source: git history of core/invoker from ef725a653 to 1fae641a2.
 */
#include "core/machine.h"

/* X(field, pre-5338, 5338, head): what was so, and the commit that ended it. */
#define INVOKER_BEHAVIOUR_LIST(X)                                                              \
    /* ClientClosed in Running cleans up without the existing key, without a replacement for   \
     * a prewarmed container and with the cache's ping going on (from 145971b8f #5333 to       \
     * 7c94e9ba0 #5390) */                                                                     \
    X(orphan_existing_key, true, true, false)                                                  \
    /* the container's client says good-bye as soon as it is told to shut down, whatever is    \
     * outstanding (651a2e957 #5338) */                                                        \
    X(client_close_on_shutdown, true, false, false)                                            \
    /* a client that was told to shut down still fetches, and reconnects to do so              \
     * (651a2e957 #5338) */                                                                    \
    X(fetch_after_shutdown, true, false, false)                                                \
    /* such a client ends at "no activation" without telling the scheduler                     \
     * (651a2e957 #5338) */                                                                    \
    X(not_alive_not_sent, true, false, false)                                                  \
    /* neither GET /pool nor GET /pool/count (651a2e957 #5338) */                              \
    X(no_pool_count, true, false, false)                                                       \
    /* other texts for what POST /enable and /disable have done (651a2e957 #5338) */           \
    X(plain_switch_texts, true, false, false)                                                  \
    /* the client is started before the proxy knows its container; what it reports too early   \
     * is sent round until then (44791f361 #5348) */                                           \
    X(client_created_race, true, true, false)                                                  \
    /* a client that fails says only that it has closed (44791f361 #5348) */                   \
    X(silent_client_failure, true, true, false)                                                \
    /* a proxy in Rescheduling drops what it does not wait for (44791f361 #5348) */            \
    X(rescheduling_drops, true, true, false)

#define INVOKER_BEHAVIOUR_FIELD(field, ...) bool field;
struct invoker_behaviour {
    INVOKER_BEHAVIOUR_LIST(INVOKER_BEHAVIOUR_FIELD)
};

/* Of this incarnation; never NULL. */
const struct invoker_behaviour *invoker_behaviour(const struct machine_env *env);
