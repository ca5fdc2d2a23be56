#pragma once
/*
 * wire_http.h - messages that travel as HTTP: invocations and administration as upstream's
 * clients see them; fetch and reschedule (gRPC upstream) and what goes over remoting as POSTs
 * with JSON bodies to ports of their own.
 *
 *   kind           port      request                                        answer
 *   http-request   API       as it is                                       http-reply
 *   invoke         API       POST /api/v1/namespaces/NS/actions/NAME?...    invoke-reply
 *   fetch          RPC       POST /fetch                                    fetched
 *   reschedule     RPC       POST /reschedule                               rescheduled
 *   create-queue   REMOTING  POST /create-queue                             queue-created
 *   forward        REMOTING  POST /forward                                  202 at once
 *
 * Two headers of our own ride along and are optional on input: `X-Rollcage: SENDER ACTOR CAUSE`
 * (node name, decimal, decimal) tells who of the cluster asks, `X-Rollcage-Activation: ID` (32
 * hex digits) which id an invocation has. A plain POST of a known action by its own subject
 * (right credentials, no body but none or `{}`, no parameter but `blocking`) that has both is
 * read as MSG_INVOKE; every other request to an API port is MSG_HTTP_REQUEST, which the machine
 * answers in full. Both are the same call. `sent_at` does not travel.
 *
 * An answer to an invocation read as MSG_INVOKE has a short record: id, status and error. A
 * page of the edge reads as ERROR_NO_UPSTREAM (502) or ERROR_UPSTREAM_TIMEOUT (504), whatever
 * the edge knew. Answers carry X-Rollcage, too: who answers (of an invocation: which
 * controller), and the cause.
 */
#include "wire/wire.h"

enum wire_port { WIRE_API, WIRE_RPC, WIRE_REMOTING, WIRE_PORT_COUNT };

struct wire_http {                          /* a request or an answer, written */
    const char *method;                     /* static text; requests only */
    uint16_t status;                        /* answers only */
    struct wire_buffer path, headers, body; /* headers: "Name: value\n" lines */
};
void wire_http_clear(struct wire_http *self);
void wire_http_free(struct wire_http *self);

struct wire_http_in { /* a request or an answer, received; borrowed */
    struct wire_text method, path /* with query */, headers, body;
    uint16_t status;
};

/* The value of a header of "Name: value\n" lines, by name without case; length 0: none. */
struct wire_text wire_header(struct wire_text headers, const char *name);

/* The port of the receiver that a request of this kind goes to; WIRE_PORT_COUNT: it does not
 * travel as HTTP. */
enum wire_port wire_http_port(enum message_kind kind);

/* m: a request. Blobs are read from the arena. */
void wire_http_write_request(const struct wire *self, const struct arena *arena,
                             const struct message *m, struct wire_http *out);
/*
 * What a server of this kind of node makes of a request at this port: kind, payload, and from,
 * from_actor, cause where the sender says who it is (else NODE_HOST, 0, 0). `corr`, `to` and
 * `to_actor` are the caller's to fill, but to_actor is ACTOR_QUEUE_MANAGER's for create-queue
 * and forward. At WIRE_API it never fails (MSG_HTTP_REQUEST with blobs of ARENA_MESSAGE; an
 * unknown method is told by false, 405). At the other ports false means: not a request of ours
 * (404 for the path, 400 for the body: *ret_status).
 */
bool wire_http_read_request(const struct wire *self, struct arena *arena, enum node_kind server,
                            enum wire_port port, const struct wire_http_in *in,
                            struct message *ret_m, uint16_t *ret_status);

/* GET of an activation's record, by the id that the cluster gave it. */
void wire_http_write_record_request(const struct wire *self, namespace_id ns, const char *id,
                                    struct wire_http *out);
/*
 * What an answer to an invocation, or an activation's record, says of it: false when it names
 * no activation. has_record: its response is there, too; else it was only accepted.
 */
struct wire_activation {
    char id[33];
    bool has_record;
    uint8_t response, error; /* enum response_status, enum error_text */
};
bool wire_http_read_activation(const struct wire_http_in *in, struct wire_activation *ret);

/* m: the answer of a machine to a request that was read by the function above. */
void wire_http_write_reply(const struct wire *self, const struct arena *arena,
                           const struct message *m, struct wire_http *out);
/*
 * request: what wire_http_write_request wrote. Fills kind, payload, corr and addresses: the
 * answer as its sender wants to see it. An answer that makes no sense (garbage where JSON is
 * due) becomes what a broken call is for its kind: invoke-reply 0, fetched nothing, not ok.
 */
void wire_http_read_reply(const struct wire *self, struct arena *arena,
                          const struct message *request, const struct wire_http_in *in,
                          struct message *ret_m);
