#pragma once
/*
 * service_bed.h - the services that all of upstream's components share, alone or some of them.
 *
 * A host with DataManagementService, EtcdWorker, WatcherService and LeaseKeepAliveService. The
 * actors that are asked for are real, all others are probes: a post to one of them is dropped
 * when it has been looked at, and the test answers in its place. What was posted (also to a
 * real actor or to itself), what left the node and what was recorded is one text, line by line
 * (of each event: records, what leaves, posts); nothing else may have happened.
 */
#include "support/bed.h"
#include "common/data_internal.h"
#include "common/lease.h"
#include "common/watcher.h"

#define SERVICE(kind) (1u << ACTOR_##kind) /* a bit of `real` */
#define SERVICE_CLIENT ACTOR(ACTOR_QUEUE, 0, 1)
#define SERVICE_OTHER ACTOR(ACTOR_QUEUE, 0, 2)

struct service_bed {
    struct bed *bed;
    struct data *data;
    struct watcher *watcher;
    struct lease *lease;
    uint32_t sent_seen, records_seen;
    size_t length;
    char text[8192];
};

/* On scheduler0, started; the lease service asks for ttl_s, the worker retries after 1 s. */
struct service_bed *service_bed_new(uint32_t real, uint32_t ttl_s);
void service_bed_free(struct service_bed *t);

void service_bed_post(struct service_bed *t, actor_id from, actor_id to, unsigned what,
                      const void *payload, size_t size);
/* The answer to the newest request of this kind. */
void service_bed_answer_etcd(struct service_bed *t, enum message_kind request, bool succeeded,
                             enum etcd_status status);
void service_bed_answer_lease(struct service_bed *t, enum message_kind request, uint32_t lease,
                              enum etcd_status status);
void service_bed_deliver(struct service_bed *t, const struct message *m);
void service_bed_pass(struct service_bed *t, duration length);
const struct message *service_bed_newest(const struct service_bed *t, enum message_kind kind);

/* What happened since the last look, line by line; then it is forgotten. */
void service_bed_expect(struct service_bed *t, const char *lines);
