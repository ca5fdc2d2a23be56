#pragma once
/*
 * controller_chain.h - sequences and firings of triggers, as the rest of the controller meets
 * them.
 *
 * Included by controller_internal.h, behind what it needs of it.
 */
#include "controller/controller_internal.h"

void controller_chains_init(struct controller *self);
/* An invocation whose action is known to be a sequence or a trigger. */
void controller_chain_begin(struct controller *self, struct invocation *i, struct effects *fx);
/* A part has ended as if it were answered so; the sequence goes on in its own turn. */
void controller_part_done(struct controller *self, const struct invocation *i, uint16_t status,
                          enum response_status response, enum error_text error,
                          struct effects *fx);
void controller_on_part(struct controller *self, const struct message *m, struct effects *fx);
void controller_on_rule(struct controller *self, const struct message *m, struct effects *fx);
void controller_chains_digest(const struct controller *self, struct digest *d);
const char *controller_post_name(unsigned what);
