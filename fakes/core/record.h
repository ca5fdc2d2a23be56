#pragma once
/*
 * record.h - one line of history: a movement that somebody outside may want to judge.
 *
 * Checks, trail and digest live on records alone; a machine's own counters are never asked.
 * `cause` is the seq of the record that led here (0: none), filled by effects_record.
 */
#include "core/ids.h"
#include "core/key.h"
#include "core/names.h"
#include "core/tstamp.h"

/*
 * X(NAME, text). Fields a kind uses beyond node and actor are named behind it:
 * a: activation, act/ns: action and namespace, c: container, cr: creation, p: peer node,
 * k: key, v/w: value and value2, d: detail, o: outcome.
 */
#define RECORD_LIST(X)                                                                         \
    X(NONE, "none")                                                                            \
    X(REQUEST_SENT, "request-sent")       /* client: a act ns, v: 1 blocking */                \
    X(REQUEST_SKIPPED, "request-skipped") /* client: a act, d: reason */                       \
    X(REQUEST_DONE, "request-done") /* client: a act, v: HTTP status (0 broken, 1 refused), d: \
                                       response, w: error_text, o */                           \
    X(EDGE_PASSED, "edge-passed")   /* edge: a, p: controller */                               \
    X(EDGE_CHANGED, "edge-changed") /* edge: p: controller, v: 1 in 0 out, o: reload */        \
    X(ACCEPTED, "accepted")         /* controller, slot taken: a act ns, v: 1 blocking */      \
    X(REJECTED, "rejected")         /* controller: a act ns, v: HTTP status */                 \
    X(APPENDED, "appended") /* kafka: a (0 for others), p: writer, v: topic, w: offset, cr */  \
    X(COMMITTED, "committed") /* kafka: v: topic, w: next offset */                            \
    X(DELIVERED, "delivered") /* a feed hands it to its handler: a, cr, v: topic, w: offset */ \
    X(LOOKED_UP, "looked-up") /* queue manager starts a look-up: a act */                      \
    X(FORWARDED, "forwarded") /* to another scheduler: a act, p */                             \
    X(QUEUED, "queued")       /* into a memory queue: a act ns, v: length */                   \
    X(HANDED_OVER, "handed-over") /* queue to container: a c, p: invoker */                    \
    X(FETCHED, "fetched")         /* container has it: a c */                                  \
    X(RUN_STARTED, "run-started") /* a c act ns */                                             \
    X(RUN_ENDED, "run-ended")     /* a c, d: response_status, v: ns run */                     \
    X(DROPPED,                                                                                 \
      "dropped") /* scheduler completes it with an error: a act, d: error_text, v: response */ \
    X(ACKED, "acked") /* an ack is on its way: a, p: controller, d: ack kind, v: response, w:  \
                         ack_instance */                                                       \
    X(ACK_RECEIVED, "ack-received") /* controller: a, d: ack kind, v: 1 slot released, 0 too   \
                                       late; o: FAILED unparsable */                           \
    X(SLOT_FORCED, "slot-forced")   /* controller's timer: a */                                \
    X(ANSWERED, "answered") /* controller answers the call: a, v: HTTP status, d: response */  \
    X(STORED, "stored")     /* database: record written: a, d: response */                     \
    X(STORE_SENT, "store-sent")   /* a, d: response */                                         \
    X(RUN_CUT, "run-cut")         /* a container died with it: a c */                          \
    X(RESCHEDULED, "rescheduled") /* a, o */                                                   \
    X(QUEUE_ASKED, "queue-asked") /* controller sends CreateQueue: act ns, p */                \
    X(QUEUE_MADE, "queue-made")   /* act ns, v: revision */                                    \
    X(QUEUE_GONE, "queue-gone")   /* act ns */                                                 \
    X(STATE, "state")             /* fsm moved: d: fsm kind, v: from, w: to, act, c */         \
    X(DECIDED, "decided")         /* queue: act, d: decision, v: count */                      \
    X(SET_CHANGED, "set-changed") /* shared set: act, c or cr, d v w: enum set_step */         \
    X(SNAPSHOT,                                                                                \
      "snapshot") /* decision input: act, v: containers<<32|creations, w: waiting<<32|stale */ \
    X(CREATION_ORDERED, "creation-ordered")   /* cr act ns */                                  \
    X(CREATION_SENT, "creation-sent")         /* cr act, p: invoker, v: retry */               \
    X(CREATION_ANSWERED, "creation-answered") /* invoker: cr act, d: creation_error, o */      \
    X(CREATION_DONE, "creation-done")         /* job closed: cr act, d: creation_error, o */   \
    X(CONTAINER_MADE, "container-made")       /* c act ns */                                   \
    X(CONTAINER_USED, "container-used")       /* connected or resumed: c act, cr */            \
    X(CONTAINER_PAUSED, "container-paused")   /* c act */                                      \
    X(CONTAINER_GONE, "container-gone")       /* destroyed or given up: c act */               \
    X(KEY_PUT, "key-put")                     /* etcd: k, d: RECORD_KEY_ bits, p: writer */    \
    X(KEY_DELETED, "key-deleted")             /* etcd: k, d: RECORD_KEY_EXPIRED, p: writer */  \
    X(LEASE_GRANTED, "lease-granted")         /* etcd: p: owner, v: lease */                   \
    X(LEASE_EXPIRED, "lease-expired")         /* etcd: p: owner, v: lease */                   \
    X(THROTTLED, "throttled")                 /* controller: act ns, v: 429 cause */           \
    X(NODE_STARTED, "node-started")           /* host: v: incarnation, w: behaviour */         \
    X(NODE_LISTENING, "node-listening")       /* its port is bound */                          \
    X(NODE_STOPPING, "node-stopping")         /* signal sent */                                \
    X(NODE_STOPPED, "node-stopped")           /* d: 0 stopped 1 killed by a fault */           \
    X(NODE_DISABLED, "node-disabled")         /* POST /disable taken */                        \
    X(NODE_ENABLED, "node-enabled")                                                            \
    X(COUNT_ANSWERED, "count-answered") /* the gate's count: v, d: HTTP status class / 100 */  \
    X(DEPLOY_STARTED, "deploy-started") /* deployer: v: entry */                               \
    X(DEPLOY_ENDED, "deploy-ended")     /* deployer: v: entry, o */                            \
    X(STEP_STARTED, "step-started")     /* deployer: p: instance, v: step, w: entry */         \
    X(STEP_ENDED,                                                                              \
      "step-ended") /* deployer: p, v: step, w: entry<<32|polls, d: step outcome, o */         \
    X(FAULT_APPLIED, "fault-applied") /* host: v: rule, p: node, d: message kind */            \
    X(MESSAGE_LOST, "message-lost")   /* host: p: receiver, d: message kind, a */              \
    X(MESSAGE_REJECTED,                                                                        \
      "message-rejected") /* no sense here: p: sender, d: message kind, v: what, a */          \
    X(VIEW_CHANGED,                                                                            \
      "view-changed") /* a watcher believes: k, d: 1 it is there, 0 gone, p: leader's owner */ \
    X(PERMITS, "permits") /* d: enum permits, c: topic of a feed, v: free, w: capacity */      \
    X(CHAIN_STARTED,                                                                           \
      "chain-started")          /* controller: a sequence, or a trigger's firing, is in        \
                                   its memory: a act ns, v: 1 blocking, w: 1 of another */     \
    X(CHAIN_PART, "chain-part") /* its part, an invocation of its own: a act ns, v: its id, w: \
                                   which */                                                    \
    X(CHAIN_ENDED, "chain-ended") /* and its record is sent: a act ns, d: response */
#define RECORD_MEMBER(id, text) RECORD_##id,
enum record_kind { RECORD_LIST(RECORD_MEMBER) RECORD_KIND_COUNT };
NAMES_DECLARE(record)

#define RECORD_KEY_CREATED 1u /* of a put: it was not there */
#define RECORD_KEY_TRUE 2u    /* of a put: a throttle's value is `true` */
#define RECORD_KEY_EXPIRED 1u /* of a deletion: by its lease */
/* PERMITS: of a feed with nothing outstanding; memory in MB, as the health key says it. */
enum permits { PERMITS_FEED, PERMITS_MEMORY };

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_UNKNOWN };

/* Outcome kinds of an activation record (ActivationResult.scala). */
#define RESPONSE_LIST(X)                                                                       \
    X(SUCCESS, "success")                                                                      \
    X(APPLICATION_ERROR, "application error")                                                  \
    X(DEVELOPER_ERROR, "action developer error")                                               \
    X(WHISK_ERROR, "whisk internal error")
#define RESPONSE_MEMBER(id, text) RESPONSE_##id,
enum response_status { RESPONSE_LIST(RESPONSE_MEMBER) RESPONSE_COUNT };
NAMES_DECLARE(response)

/* Why an activation ended with a platform error; texts as upstream prints them. */
#define ERROR_TEXT_LIST(X)                                                                     \
    X(NONE, "")                                                                                \
    X(TOO_OLD, "The activation has not been processed: too old activation is arrived.")        \
    X(ENDPOINT_UNPARSABLE,                                                                     \
      "The activation has not been processed: failed to parse the scheduler endpoint.")        \
    X(NO_ENDPOINT, "The activation has not been processed: failed to get the queue endpoint.") \
    X(NOT_EXECUTABLE, "non-executable action reached queueManager")                            \
    X(ACTION_UNREADABLE, "The action could not be read.")                                      \
    X(TOO_MANY_CONCURRENT, "Too many concurrent requests in flight.")                          \
    X(NOT_INITIATED, "Activation processing is not initiated for 60000 ms")                    \
    X(CREATION_UNKNOWN, "a unknown error happens")                                             \
    X(NAMESPACE_LIMIT, "The namespace limit is less than or equal to 0.")                      \
    X(ABNORMAL_RUN, "The action did not produce a valid response and exited unexpectedly.")    \
    X(TIMED_OUT, "The action exceeded its time limits.")                                       \
    X(ACTION_ERROR, "The action answered with an error of its own.")                           \
    X(CONNECTION_BROKEN, "The connection broke before an answer came.")                        \
    X(CONNECTION_REFUSED, "The connection was refused.")                                       \
    X(NO_UPSTREAM, "no live upstreams")                                                        \
    X(NO_SCHEDULER, "The server is currently unavailable (because it is overloaded or down "   \
                    "for maintenance).")                                                       \
    X(TOO_MANY_REQUESTS, "Too many requests")                                                  \
    X(TOO_MANY_PER_MINUTE, "Too many requests in the last minute")                             \
    X(SEND_FAILED, "There was an internal server error.")                                      \
    X(REQUEST_TIMEOUT,                                                                         \
      "The server was not able to produce a timely response to your request.")                 \
    X(UPSTREAM_TIMEOUT, "upstream timed out")                                                  \
    X(NOT_FOUND, "The requested resource does not exist.")                                     \
    /* creations, Message.scala:644-659 */                                                     \
    X(NO_INVOKERS, "no available invoker is found")                                            \
    X(NO_RESOURCE_INVOKERS, "no available invoker with the resources is found: ")              \
    X(RESOURCE_NOT_ENOUGH, "invoker(s) have not enough resources")                             \
    X(CREATION_WHISK, "whisk error(recoverable) happens")                                      \
    X(CREATION_TIMEOUT, "a timeout error happens")                                             \
    X(SHUTTING_DOWN, "shutting down error happens")                                            \
    X(NO_EXECUTABLE, "no executable found for the action")                                     \
    X(DB_FETCH, "an error happens while fetching data from DB")                                \
    X(BLACK_BOX, "a blackbox error happens")                                                   \
    X(CREATION_TOO_MANY, "too many concurrent requests are in flight.")                        \
    X(INVALID_ACTION_LIMIT, "a configured action limit is invalid.")                           \
    X(ABNORMAL_INIT, "The action did not initialize and exited unexpectedly.")                 \
    X(ACTION_REMOVED, "Action could not be found or may have been deleted.")                   \
    X(NAMESPACE_BLOCKED, "The action was not invoked due to a blacklisted namespace.")         \
    X(SEQUENCE_FAILED, "Sequence failed.")                                                     \
    X(NO_COMPONENT, "Sequence component does not exist.")                                      \
    X(SEQUENCE_TOO_LONG, "Too many actions in the sequence.")                                  \
    X(COMPONENT_TIMEOUT, "Timeout reached when retrieving activation for sequence component.")
#define ERROR_TEXT_MEMBER(id, text) ERROR_##id,
enum error_text { ERROR_TEXT_LIST(ERROR_TEXT_MEMBER) ERROR_TEXT_COUNT };
NAMES_DECLARE(error_text)

/* Container creation errors as written on the wire (Message.scala:644-712). */
#define CREATION_ERROR_LIST(X)                                                                 \
    X(NONE, "none")                                                                            \
    X(NO_AVAILABLE_INVOKERS, "NoAvailableInvokersError")                                       \
    X(NO_AVAILABLE_RESOURCE_INVOKERS, "NoAvailableResourceInvokersError")                      \
    X(RESOURCE_NOT_ENOUGH, "ResourceNotEnoughError")                                           \
    X(WHISK, "WhiskError")                                                                     \
    X(UNKNOWN, "UnknownError")                                                                 \
    X(TIMEOUT, "TimeoutError")                                                                 \
    X(SHUTTING_DOWN, "ShuttingDownError")                                                      \
    X(NON_EXECUTABLE, "NonExecutableActionError")                                              \
    X(DB_FETCH, "DBFetchError")                                                                \
    X(BLACK_BOX, "BlackBoxError")                                                              \
    X(ZERO_NAMESPACE_LIMIT, "ZeroNamespaceLimit")                                              \
    X(TOO_MANY_CONCURRENT, "TooManyConcurrentRequests")                                        \
    X(INVALID_ACTION_LIMIT, "InvalidActionLimitError")
#define CREATION_ERROR_MEMBER(id, text) CREATION_##id,
enum creation_error { CREATION_ERROR_LIST(CREATION_ERROR_MEMBER) CREATION_ERROR_COUNT };
NAMES_DECLARE(creation_error)

enum set_step { SET_ADD, SET_REMOVE, SET_LOAD, SET_STORE, SET_READ_STALE };
/* value: size after it, or as seen. value2: SET_IS_ADD: the id is (to be) added; of a store,
 * how many stores since its load it overwrites, and in the high half one other id that it
 * brings back or loses; of a stale read, the real size. */
#define SET_IS_ADD 1u
#define SET_IS_BACK 2u
#define SET_MORE_SHIFT 2
enum step_outcome { STEP_OK, STEP_FAILED, STEP_IGNORED, STEP_SKIPPED, STEP_GAVE_UP };

struct record {   /* 64 bytes */
    uint64_t seq; /* dense from 1; given by the host */
    tstamp at;
    uint16_t kind;
    node_id node;
    actor_id actor;
    uint32_t cause;
    uint8_t outcome, detail;
    action_id action;
    activation_id activation;
    uint32_t container;
    uint32_t creation;
    namespace_id ns;
    node_id peer;
    union {
        struct key key;
        struct {
            uint64_t value, value2;
        };
    };
};

struct cluster;
struct draws;
/* One line of plain words, without time and node (the caller prints those). */
size_t record_print(const struct cluster *cluster, const struct record *r, char *text,
                    size_t size);
