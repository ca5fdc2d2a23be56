#pragma once
/*
 * host_rules.h - what both hosts do alike around a machine: how long docker and a process take,
 * refusals, and what an answer or a record by the fault plan looks like.
 */
#include "core/fault.h"
#include "core/machine.h"

#define HOST_DOCKER_RUN MSEC(500)    /* until `docker run` has returned */
#define HOST_DOCKER_REMOVE MSEC(100) /* `docker rm -f` of an invoker's containers */

/* From the process's start to its port's binding, by `timing`; 0 for kinds without a range. */
duration host_restart_time(const struct machine_env *env);
/* From SIGTERM to the cut: `timing.stop`, at most docker's grace of 10 s. */
duration host_stop_time(const struct machine_env *env);

/* A bit for each message kind that may carry blobs. */
uint64_t host_blob_kinds(void);

/* MSG_REFUSED to whoever called. */
struct message host_refusal(const struct message *call);
/* The plan's answer to an HTTP request in the node's name; takes over the verdict's body. */
struct message host_answer(const struct arena *arena, const struct message *request,
                           const struct fault_verdict *verdict);

/* Fill in a record that has its number, time and node already. */
void host_record_lost(struct record *r, const struct message *m);
void host_record_fault(struct record *r, const struct message *m, uint16_t rule);
void host_record_count(struct record *r, const struct message *m,
                       const struct fault_verdict *verdict);
