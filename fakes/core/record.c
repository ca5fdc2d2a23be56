/*
 * record.c - names of the enums in records, and a record in plain words.
 */
#include "core/record.h"
#include "core/assert.h"
#include "core/cluster.h"
#include "core/fsm.h"
#include "core/message.h"
#include "core/shared_set.h"
#include "core/text.h"

NAMES_DEFINE(record, RECORD_LIST)
NAMES_DEFINE(response, RESPONSE_LIST)
NAMES_DEFINE(error_text, ERROR_TEXT_LIST)
NAMES_DEFINE(creation_error, CREATION_ERROR_LIST)
_Static_assert(sizeof(struct record) == 64, "a record is 64 bytes");

/*
 * What is said about each kind; a letter after % stands for a field in words:
 * %a activation, %f action, %n namespace, %c container, %r creation, %p peer, %k key, %v value,
 * %w value2, %V and %W their high halves, %L low half of value, %R low half of value2, %d
 * detail, %o outcome (` ok`, `, failed`, `, unknown`), %H HTTP status, %e error text of value2,
 * %E of detail, %s response of detail, %S of value, %t topic, %C creation error, %m message
 * kind, %A ack kind, %i ack instance, %F fsm kind with its states, %T change of a shared set,
 * %O step outcome.
 */
static const char *const record_words[RECORD_KIND_COUNT] = {
    [RECORD_NONE] = "nothing",
    [RECORD_REQUEST_SENT] = "request %a for %f is sent%b",
    [RECORD_REQUEST_SKIPPED] = "request %a for %f is not sent (reason %d)",
    [RECORD_REQUEST_DONE] = "request %a for %f ended: %H%e%o",
    [RECORD_EDGE_PASSED] = "passes request %a to %p",
    [RECORD_EDGE_CHANGED] = "%p is %x the list, reload%o",
    [RECORD_ACCEPTED] = "accepts activation %a of %f%b",
    [RECORD_REJECTED] = "turns activation %a of %f away: %H",
    [RECORD_APPENDED] = "appends %a%r from %p to %t at %w",
    [RECORD_COMMITTED] = "%t is committed up to %w",
    [RECORD_DELIVERED] = "takes %a%r from %t at %w",
    [RECORD_LOOKED_UP] = "looks for the queue of %f, for activation %a",
    [RECORD_FORWARDED] = "passes activation %a of %f on to %p",
    [RECORD_QUEUED] = "activation %a of %f waits in the queue, which has %v now",
    [RECORD_HANDED_OVER] = "hands activation %a to container %c on %p",
    [RECORD_FETCHED] = "container %c has activation %a",
    [RECORD_RUN_STARTED] = "container %c starts to run activation %a of %f",
    [RECORD_RUN_ENDED] = "container %c ends activation %a: %s",
    [RECORD_DROPPED] = "gives activation %a of %f up: %E",
    [RECORD_ACKED] = "sends a %A ack for activation %a to %p: %S%i",
    [RECORD_ACK_RECEIVED] = "gets a %A ack for activation %a%l",
    [RECORD_SLOT_FORCED] = "ends activation %a itself: no ack came in time",
    [RECORD_ANSWERED] = "answers activation %a: %H, %s",
    [RECORD_STORED] = "writes the record of activation %a: %s",
    [RECORD_STORE_SENT] = "sends the record of activation %a: %s",
    [RECORD_RUN_CUT] = "container %c dies with activation %a",
    [RECORD_RESCHEDULED] = "activation %a goes back to a scheduler%o",
    [RECORD_QUEUE_ASKED] = "asks %p for a queue of %f",
    [RECORD_QUEUE_MADE] = "makes a queue of %f",
    [RECORD_QUEUE_GONE] = "the queue of %f is gone",
    [RECORD_STATE] = "%F%f%c",
    [RECORD_DECIDED] = "queue of %f decides: %d, %v containers",
    [RECORD_SET_CHANGED] = "%T",
    [RECORD_SNAPSHOT] =
        "queue of %f sees %V containers, %L creations, %W waiting, %R of them stale",
    [RECORD_CREATION_ORDERED] = "orders container%r for %f",
    [RECORD_CREATION_SENT] = "sends the order of container%r for %f to %p, retry %v",
    [RECORD_CREATION_ANSWERED] = "answers the order of container%r for %f: %C%o",
    [RECORD_CREATION_DONE] = "closes the order of container%r for %f: %C%o",
    [RECORD_CONTAINER_MADE] = "container %c of %f exists",
    [RECORD_CONTAINER_USED] = "container %c of %f serves%r",
    [RECORD_CONTAINER_PAUSED] = "container %c of %f is paused",
    [RECORD_CONTAINER_GONE] = "container %c of %f is gone",
    [RECORD_KEY_PUT] = "key %k is put",
    [RECORD_KEY_DELETED] = "key %k is deleted%y",
    [RECORD_LEASE_GRANTED] = "lease %v is granted to %p",
    [RECORD_LEASE_EXPIRED] = "lease %v of %p expires",
    [RECORD_THROTTLED] = "%f is throttled (%v)",
    [RECORD_NODE_STARTED] = "starts, boot %v",
    [RECORD_NODE_LISTENING] = "listens",
    [RECORD_NODE_STOPPING] = "is asked to stop",
    [RECORD_NODE_STOPPED] = "is down%z",
    [RECORD_NODE_DISABLED] = "is disabled",
    [RECORD_NODE_ENABLED] = "is enabled",
    [RECORD_COUNT_ANSWERED] = "answers its count: %v (%dxx)",
    [RECORD_DEPLOY_STARTED] = "deployment %v begins",
    [RECORD_DEPLOY_ENDED] = "deployment %v is over%o",
    [RECORD_STEP_STARTED] = "step %v on %p begins",
    [RECORD_STEP_ENDED] = "step %v on %p: %O after %R requests",
    [RECORD_FAULT_APPLIED] = "fault %v strikes %p",
    [RECORD_MESSAGE_LOST] = "message %m to %p is lost%q",
    [RECORD_MESSAGE_REJECTED] = "cannot use message %m from %p (%v)%q",
    [RECORD_VIEW_CHANGED] = "believes that key %k is%u",
    [RECORD_PERMITS] = "has %v permits of %R",
    [RECORD_CHAIN_STARTED] = "starts %f as activation %a%b",
    [RECORD_CHAIN_PART] = "goes on with %f in activation %a",
    [RECORD_CHAIN_ENDED] = "ends %f as activation %a: %s",
};

struct out {
    const struct cluster *cluster;
    const struct record *r;
    struct text_out to;
};

#define OUT(o, ...) TEXT_ADD(&(o)->to, __VA_ARGS__)

static const char *pick(const char *const *names, size_t count, uint64_t value)
{
    return value < count ? names[value] : "unknown";
}
#define PICK(names, value) pick(names, sizeof(names) / sizeof *(names), value)

/* As people count: request number, and which attempt when it is not the first. */
static void out_activation(struct out *o, activation_id id)
{
    if (id == 0) {
        OUT(o, "%s", o->r->creation != 0 ? "word of" : "nothing of the load");
        return;
    }
    OUT(o, "%s%" PRIu32, (id & ACTIVATION_SYSTEM) != 0 ? "s" : "",
        ACTIVATION_REQUEST(id & ~ACTIVATION_SYSTEM));
    if ((id & 3) != 0)
        OUT(o, "'%" PRIu32, id & 3);
}

static void out_status(struct out *o, uint64_t status)
{
    if (status == 0)
        OUT(o, "broken connection");
    else if (status == 1)
        OUT(o, "connection refused");
    else
        OUT(o, "HTTP %" PRIu64, status);
}

static void out_error(struct out *o, uint64_t error, const char *before)
{
    if (error != ERROR_NONE)
        OUT(o, "%s%s", before, error_text_to_string((unsigned)error));
}

static void out_outcome(struct out *o)
{
    static const char *const names[] = {"", ", failed", ", unknown"};
    OUT(o, "%s", PICK(names, o->r->outcome));
}

static void out_container(struct out *o)
{
    const struct record *r = o->r;
    bool is_optional = r->kind == RECORD_STATE;
    if (is_optional && r->container == 0)
        return;
    OUT(o, "%s%08" PRIx32, is_optional ? " container " : "", r->container);
}

static void out_topic(struct out *o, uint64_t topic)
{
    static const char *const names[TOPIC_KIND_COUNT] = {"completed", "scheduler", "creationAck",
                                                        "invoker"};
    OUT(o, "topic %s%" PRIu32, PICK(names, TOPIC_KIND((uint32_t)topic)),
        TOPIC_INDEX((uint32_t)topic));
}

static void out_key(struct out *o)
{
    char text[320];
    key_print(o->cluster, &o->r->key, text, sizeof text);
    OUT(o, "%s", text);
}

static void out_fsm(struct out *o)
{
    enum fsm_kind kind = (enum fsm_kind)o->r->detail;
    OUT(o, "%s goes from %s to %s", fsm_to_string(kind),
        fsm_state_name(kind, (unsigned)o->r->value),
        fsm_state_name(kind, (unsigned)o->r->value2));
}

/* A change of a shared set, or a look at it: see shared_set.h. */
static void out_set(struct out *o)
{
    const struct record *r = o->r;
    bool is_add = (r->value2 & SET_IS_ADD) != 0;
    uint64_t more = (r->value2 & UINT32_MAX) >> SET_MORE_SHIFT;
    int digits = r->container != 0 ? 8 : 6;
    char id[16];
    (void)snprintf(id, sizeof id, "%0*" PRIx32, digits,
                   r->container != 0 ? r->container : r->creation);
    OUT(o, "%s of %s: ", r->container != 0 ? "containers" : "creations",
        cluster_action_name(o->cluster, r->action));
    switch ((enum set_step)r->detail) {
    case SET_ADD:
    case SET_REMOVE:
        OUT(o, "%s is %s, %" PRIu64 " now", id, is_add ? "in" : "out", r->value);
        return;
    case SET_LOAD:
        OUT(o, "%" PRIu64 " loaded, to %s %s", r->value, is_add ? "put in" : "take out", id);
        return;
    case SET_STORE:
        OUT(o, "%" PRIu64 " stored, %s %s", r->value, is_add ? "with" : "without", id);
        if (more > 0)
            OUT(o, ", over %" PRIu64 " stored since the load", more);
        if (r->value2 >> 32 != 0)
            OUT(o, ": %0*" PRIx64 " is %s", digits, r->value2 >> 32,
                (r->value2 & SET_IS_BACK) != 0 ? "back" : "lost");
        return;
    case SET_READ_STALE:
        OUT(o, "a reader elsewhere still sees %" PRIu64 ", not %" PRIu64 ": %s is %s", r->value,
            more, id, is_add ? "in" : "out");
        return;
    }
    OUT(o, "unknown");
}

/* Ids, names and keys. */
static bool out_name(struct out *o, char letter)
{
    const struct record *r = o->r;
    switch (letter) {
    case 'a':
        out_activation(o, r->activation);
        return true;
    case 'q':
        if (r->activation != 0) {
            OUT(o, ", with it activation ");
            out_activation(o, r->activation);
        }
        return true;
    case 'f':
        if (r->action != ACTION_NONE)
            OUT(o, "%s%s", r->kind == RECORD_STATE ? ", " : "",
                cluster_action_name(o->cluster, r->action));
        else if (r->kind != RECORD_STATE)
            OUT(o, "an action");
        return true;
    case 'n':
        OUT(o, "%s", cluster_namespace_name(o->cluster, r->ns));
        return true;
    case 'c':
        out_container(o);
        return true;
    case 'r':
        if (r->creation != 0)
            OUT(o, " creation %06" PRIx32, r->creation);
        return true;
    case 'p':
        OUT(o, "%s", cluster_node_name(o->cluster, r->peer));
        return true;
    case 'k':
        out_key(o);
        return true;
    case 't':
        out_topic(o, r->value);
        return true;
    default:
        return false;
    }
}

/* Numbers. */
static bool out_number(struct out *o, char letter)
{
    const struct record *r = o->r;
    switch (letter) {
    case 'v':
        OUT(o, "%" PRIu64, r->value);
        return true;
    case 'w':
        OUT(o, "%" PRIu64, r->value2);
        return true;
    case 'V':
        OUT(o, "%" PRIu64, r->value >> 32);
        return true;
    case 'L':
        OUT(o, "%" PRIu64, r->value & UINT32_MAX);
        return true;
    case 'W':
        OUT(o, "%" PRIu64, r->value2 >> 32);
        return true;
    case 'R':
        OUT(o, "%" PRIu64, r->value2 & UINT32_MAX);
        return true;
    case 'd':
        OUT(o, "%u", r->detail);
        return true;
    case 'H':
        out_status(o, r->value);
        return true;
    default:
        return false;
    }
}

/* Enums. */
static bool out_enum(struct out *o, char letter)
{
    static const char *const acks[] = {"completion", "result", "combined"};
    static const char *const ends[] = {"ok", "failed", "failed, ignored", "skipped", "gave up"};
    const struct record *r = o->r;
    switch (letter) {
    case 's':
        OUT(o, "%s", response_to_string(r->detail));
        return true;
    case 'S':
        OUT(o, "%s", response_to_string((unsigned)r->value));
        return true;
    case 'e':
        out_error(o, r->value2, ", ");
        return true;
    case 'E':
        out_error(o, r->detail, "");
        return true;
    case 'C':
        OUT(o, "%s", r->detail == CREATION_NONE ? "done" : creation_error_to_string(r->detail));
        return true;
    case 'm':
        OUT(o, "%s", message_to_string(r->detail));
        return true;
    case 'A':
        OUT(o, "%s", PICK(acks, r->detail));
        return true;
    case 'T':
        out_set(o);
        return true;
    case 'O':
        OUT(o, "%s", PICK(ends, r->detail));
        return true;
    case 'F':
        out_fsm(o);
        return true;
    default:
        return false;
    }
}

/* Half-sentences that depend on a flag. */
static void out_remark(struct out *o, char letter)
{
    const struct record *r = o->r;
    const char *text = "";
    switch (letter) {
    case 'b':
        text = r->value != 0 ? ", blocking" : "";
        break;
    case 'x':
        text = r->value != 0 ? "put back into" : "taken out of";
        break;
    case 'i':
        text = r->value2 == ACK_BY_SCHEDULER ? " (no controller can read it)" : "";
        break;
    case 'l':
        text = r->outcome == OUTCOME_FAILED               ? " that it cannot read"
               : r->value == 0 && r->detail != ACK_RESULT ? ", too late or no slot to release"
                                                          : "";
        break;
    case 'y':
        text = (r->detail & RECORD_KEY_EXPIRED) != 0 ? " with its lease" : "";
        break;
    case 'z':
        text = r->detail == 1 ? ", killed by a fault" : "";
        break;
    case 'u':
        text = r->detail != 0 ? " there" : " gone";
        break;
    default:
        ASSERT(letter == 'o');
        out_outcome(o);
        return;
    }
    OUT(o, "%s", text);
}

size_t record_print(const struct cluster *cluster, const struct record *r, char *text,
                    size_t size)
{
    struct out o = {.cluster = cluster, .r = r, .to = text_start(text, size)};
    ASSERT_OP(r->kind, <, RECORD_KIND_COUNT);
    for (const char *at = record_words[r->kind]; *at != '\0'; at++) {
        if (*at != '%') {
            OUT(&o, "%c", *at);
            continue;
        }
        at++;
        if (!out_name(&o, *at) && !out_number(&o, *at) && !out_enum(&o, *at))
            out_remark(&o, *at);
    }
    return o.to.length;
}
