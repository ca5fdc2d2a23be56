#pragma once
/*
 * controller_api_hooks.h - where the controller and its public API (controller_api.h) meet.
 *
 * Included by controller_internal.h, behind what it needs of it.
 */
#include "controller/controller_internal.h"

struct document_cache { /* an action's document, as struct action_cache is of its metadata */
    tstamp used_at;
    blob body; /* 0: none */
    uint32_t revision;
    uint32_t least; /* an older revision is not kept: it was written over */
};

/* controller_publish.c: what both entrances share. */
/* ERROR_NONE, or why the request is refused; it counts in any case. */
enum error_text controller_throttled(struct controller *self, namespace_id ns, action_id action,
                                     tstamp at);
uint64_t controller_minute_limit(const struct controller *self, namespace_id ns);
void controller_record_refused(struct effects *fx, activation_id id, namespace_id ns,
                               action_id action, enum error_text error);
/* An admitted call: m as of a MSG_INVOKE; http is given away. */
void controller_begin(struct controller *self, const struct message *m, struct api_invoke *http,
                      duration wait, struct effects *fx);
/* Behind the look at the action's document, if there was one to take. */
void controller_publish_admitted(struct controller *self, struct invocation *i,
                                 struct effects *fx);

/* controller_api*.c. False: not a path of the public API. */
bool controller_api_on_http(struct controller *self, const struct message *m,
                            struct effects *fx);
void controller_api_on_document(struct controller *self, const struct message *m,
                                struct effects *fx);
void controller_api_timer(struct controller *self, struct api_call *call, struct effects *fx);
void controller_api_reset(struct controller *self, struct effects *fx);
void controller_api_digest(const struct controller *self, struct digest *d);
bool controller_api_admits(struct controller *self, struct invocation *i, struct effects *fx);
void controller_api_on_invoke_document(struct controller *self, const struct message *m,
                                       struct effects *fx);
void controller_api_invokes_reset(struct controller *self, struct effects *fx);
void controller_api_answer(struct controller *self, struct invocation *i, struct effects *fx,
                           uint16_t status, enum response_status response,
                           enum error_text error);
void controller_api_forget(struct controller *self, struct api_invoke *http);
/* The document at hand, or NULL; keep: the one of a MSG_DOCUMENT_DONE. */
const struct document_cache *controller_api_document(struct controller *self, action_id action,
                                                     tstamp at);
void controller_api_keep(struct controller *self, const struct message *m, tstamp at);
/* What is older than this revision must not be used any more. */
void controller_invalidate(struct controller *self, action_id action, uint32_t revision);
