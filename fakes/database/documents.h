#pragma once
/*
 * documents.h - actions as documents: their JSON, revision and version.
 *
 * Until the first write there is no table: an action of the scenario is at revision 1 and has
 * the document that its entry in the cluster makes, a spare slot has none. A deletion leaves
 * its revision behind; the next document in the slot goes on from there.
 * Source: CouchDbRestStore.scala:60-409 at 1fae641a2 and CouchDB's rules of revisions.
 */
#include "core/machine.h"

struct document_slot {
    char *text;       /* durable block; NULL: what the cluster says */
    uint64_t updated; /* epoch ms */
    uint32_t length, revision;
    uint16_t version[3];
    bool exists, is_written;
};

struct documents {               /* durable, blocks and all */
    struct document_slot *slots; /* by action; NULL: nothing was written yet */
    uint64_t digest;             /* over all that were written */
    uint64_t written;
};

/* 0: there is no such document. */
uint32_t documents_revision(const struct documents *self, const struct machine_env *env,
                            action_id action);
void documents_version(const struct documents *self, const struct machine_env *env,
                       action_id action, uint16_t ret_version[3]);
/* DOCUMENT_CALLs by their op, but for records: fills what the answer to `call` says. */
void documents_answer(struct documents *self, const struct machine_env *env,
                      const struct message *call, struct message *reply);
void documents_digest(const struct documents *self, struct digest *d);
