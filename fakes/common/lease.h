#pragma once
/*
 * lease.h - LeaseKeepAliveService: grants a lease, keeps it alive every 500 ms, stores the
 * instance key and watches it; when that key vanishes (or a keep-alive fails) it revokes and
 * grants anew. Messages of the wrong state are stashed. Its known defects (zombie lease, stuck
 * in Ready, several regrants) are behaviour.
 *
 *   READY --granted, instance key stored, watcher set--> ACTIVE --key deleted | regrant-->
 * READY
 *
 * Source: LeaseKeepAliveService.scala:54-171 at 1fae641a2.
 */
#include "common/common.h"
#include "common/etcd_call.h"

#define LEASE_STATE_LIST(X) X(READY, "Ready") X(ACTIVE, "Active")
#define LEASE_STATE_MEMBER(id, text) LEASE_##id,
enum lease_state { LEASE_STATE_LIST(LEASE_STATE_MEMBER) LEASE_STATE_COUNT };

struct lease {
    const struct machine_env *env;
    struct timers *timers;
    uint32_t ttl_s;
    uint8_t state;
    uint8_t phase; /* which call is open (lease.c) */
    uint32_t id;   /* 0: none */
    uint32_t corr;
    struct timer keepalive;
    struct message *stash; /* arena block */
    uint32_t stash_count, stash_max;
    uint32_t replay_count; /* first messages of the stash that are due again */
    uint32_t call_corr;    /* of the call of the phase; 0: not sent */
    uint32_t keepalive_corr, keepalive_waiting; /* ticks that wait for the one answer */
    uint32_t revoked;
    uint8_t attempt, keepalive_on;
    struct timer call_timer;
    struct etcd_retry retry;
};

void lease_init(struct lease *self, const struct machine_env *env, struct timers *timers,
                uint32_t ttl_s);
void lease_start(struct lease *self, struct effects *fx);
void lease_on_message(struct lease *self, const struct message *m, struct effects *fx);
void lease_on_timer(struct lease *self, struct effects *fx); /* TIMER_KEEPALIVE */
/* Every EVENT_LINK: a call that was open to etcd is broken. */
void lease_on_link(struct lease *self, const struct event *ev, struct effects *fx);
void lease_digest(const struct lease *self, struct digest *d);
