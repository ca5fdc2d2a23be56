#pragma once
/*
 * database.h - CouchDB as the cluster uses it: actions, subjects with their limits, activation
 * records.
 *
 *   read, call:  ASKED --timing database.read, drawn--> answered with what is there then
 *   store:  ASKED --the batch's write, timing database.batch, drawn--> written, answered
 *
 * The first record to come opens a batch; all that come until it is written are in it. A read
 * finds a record only once its batch is written. A second record of one activation is a
 * conflict: nothing is written, the store is answered as failed.
 *
 * Subjects are the scenario's own, and so are actions, at revision 1, until a client writes
 * them (documents.h). Of an activation record only its outcome is kept, in two bits where it is
 * an ordinary one, and no longer than 16 minutes (a blocking call polls for about one, a check
 * waits for 15): memory follows the rate of activations, not their number. The newest records
 * are kept in full besides, for clients that read or list them (recent.h).
 *
 * Durable: records, documents. Gone with the process: reads, calls and the batch that is not
 * written yet.
 * Files: database.c (events, reads), database_store.c (batches), records.c (outcomes),
 * recent.c (records in full), documents.c (actions).
 * Source: ArtifactActivationStore.scala, CouchDbRestStore.scala, Batcher.scala at 1fae641a2;
 * deviations: docs/fidelity.md#database.
 */
#include "core/machine.h"

/* A batch: a record and an answer for each activation that ended within half a second. */
#define DATABASE_EFFECTS_MAX (1u << 20)

struct database_config {       /* how long things take is the scenario's `timing` */
    uint64_t record_retention; /* ns */
    uint64_t recent_records;
};

extern const struct machine_ops database_ops;
