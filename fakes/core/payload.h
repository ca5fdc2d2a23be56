#pragma once
/*
 * payload.h - what messages carry: activations, acks, creations, entries of topics, and the
 * small enums of answers. Fixed-width, without padding.
 */
#include "core/blob.h"
#include "core/ids.h"
#include "core/key.h"
#include "core/tstamp.h"

/* What an ActivationMessage carries (Message.scala:53-75). */
struct activation { /* 24 bytes */
    activation_id id;
    uint32_t revision;
    tstamp started_at; /* transaction start: the request's receipt at the controller */
    action_id action;
    namespace_id ns; /* invocation namespace */
    node_id controller;
    uint8_t blocking;
    uint8_t spare;
};

enum ack_kind { ACK_COMPLETION, ACK_RESULT, ACK_COMBINED };
enum ack_instance { ACK_BY_INVOKER, ACK_BY_PLACEHOLDER, ACK_BY_SCHEDULER /* unparsable */ };
struct ack { /* 24 bytes; Message.scala:81-281 */
    activation_id id;
    uint8_t kind, status /* enum response_status */, error /* enum error_text */, instance;
    node_id signer;     /* who sent it */
    node_id controller; /* to whose topic */
    action_id action;
    namespace_id ns;
    uint8_t shrunk; /* the id alone instead of the record */
    uint8_t spare[3];
    uint32_t run_ms;
};

struct creation { /* 24 bytes; ContainerCreationMessage and its ack, Message.scala:554, 727 */
    uint32_t id;
    uint32_t revision;
    action_id action;
    namespace_id ns;
    node_id scheduler; /* rootSchedulerIndex, schedulerHost, rpcPort */
    node_id invoker;   /* in the ack: who answers */
    uint8_t retry;
    uint8_t error;    /* enum creation_error; ack only */
    uint8_t deletion; /* 1: a ContainerDeletionMessage (no id) */
    uint8_t document; /* enum document_result, why DBFetchError; ack only */
    uint8_t spare[4];
};

/* One record of a topic. */
enum entry_kind {
    ENTRY_ACTIVATION,
    ENTRY_ACK,
    ENTRY_CREATION,
    ENTRY_CREATION_ACK,
    ENTRY_WARM_UP,
    ENTRY_UNPARSABLE /* bytes of somebody else; only from a real topic */
};
struct entry { /* 32 bytes */
    uint8_t kind;
    uint8_t not_json; /* ENTRY_UNPARSABLE: no JSON at all, not only the wrong one */
    uint8_t spare[2];
    uint32_t cause; /* seq of the record that led here */
    union {
        struct activation activation;
        struct ack ack;
        struct creation creation;
    } u;
};

enum topic_kind {
    TOPIC_COMPLETED,
    TOPIC_SCHEDULER,
    TOPIC_CREATION_ACK,
    TOPIC_INVOKER,
    TOPIC_KIND_COUNT
};
#define TOPIC(kind, index) ((uint32_t)(kind) << 16 | (uint32_t)(index))
#define TOPIC_KIND(topic) ((enum topic_kind)((topic) >> 16))
#define TOPIC_INDEX(topic) ((topic)&0xffffu)

struct etcd_kv { /* element of a listing blob, 64 bytes */
    struct key key;
    struct value value;
    uint64_t lease, create_revision, mod_revision, version;
};

enum etcd_status { ETCD_OK, ETCD_LEASE_NOT_FOUND, ETCD_UNAVAILABLE, ETCD_LEASE_EXISTS };
enum range_mode { RANGE_GET, RANGE_PREFIX, RANGE_COUNT };
enum fetch_result { FETCHED_ACTIVATION, FETCHED_NOTHING, FETCHED_NO_QUEUE, FETCHED_MISMATCH };
enum document_kind { DOCUMENT_ACTION, DOCUMENT_IDENTITY, DOCUMENT_RECORD };
enum document_result {
    DOCUMENT_FOUND,
    DOCUMENT_MISSING,
    DOCUMENT_MISMATCH,
    DOCUMENT_ERROR,
    DOCUMENT_CONFLICT
};
/* Of actions, DOCUMENT_RECORDS of activations; DOCUMENT_CONFLICT as a result: the revision is
 * not the stored one any more. */
enum document_op {
    DOCUMENT_GET,
    DOCUMENT_PUT,
    DOCUMENT_DELETE,
    DOCUMENT_LIST,
    DOCUMENT_RECORDS
};
/* What DOCUMENT_RECORDS asks for, and what it is answered: activation records. */
struct record_query { /* 24 bytes */
    activation_id id; /* 0: a list, the newest start first */
    action_id action; /* ACTION_NONE: any */
    uint16_t spare;
    uint64_t since_ms, upto_ms; /* of the start, epoch, both included */
};
struct record_document { /* 32 bytes */
    activation_id id;
    action_id action;
    namespace_id ns;
    tstamp start_at, end_at;
    uint16_t version[3]; /* of the action when the record was written */
    uint8_t response, error;
};

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_HEAD,
    HTTP_PATCH
};
enum content_type { CONTENT_NONE, CONTENT_TEXT, CONTENT_JSON };
enum control_op {
    CONTROL_STOP,
    CONTROL_KILL,
    CONTROL_START,
    CONTROL_PULL,
    CONTROL_REMOVE_CONTAINERS
};
