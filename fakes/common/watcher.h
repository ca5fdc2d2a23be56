#pragma once
/*
 * watcher.h - WatcherService: one etcd watch over all keys from "now", dispatched to local
 * subscribers by (key or prefix, name). No initial listing. A broken stream is resumed behind
 * the last revision that was delivered, as the client library does (from now if there was
 * none); a watch that the server cancels is restarted from now (not before #5486): what
 * happened in between is lost.
 * Each event that concerns a subscriber is an INSERTED or REMOVED post from ACTOR_WATCHER.
 * Source: WatcherService.scala:66-171 at 1fae641a2.
 */
#include "common/common.h"

struct watcher_entry {
    struct post_watch what; /* key, depth, events, name */
    actor_id actor;
};
struct watcher {
    const struct machine_env *env;
    struct watcher_entry *entries; /* sorted by (family, key, depth, name, actor) */
    uint32_t count, max;
    uint16_t watch; /* number of the current etcd watch; older ones' events are ignored */
    uint8_t broken, etcd_down;
    uint8_t is_over;   /* the stream has ended and nothing opens it again (before #5486) */
    uint32_t revision; /* of the last event delivered; 0: none */
};

void watcher_init(struct watcher *self, const struct machine_env *env);
void watcher_start(struct watcher *self, struct effects *fx); /* opens the watch */
/* Messages to ACTOR_WATCHER: WATCH, UNWATCH, RESTART_WATCHER posts and etcd's watch messages.
 */
void watcher_on_message(struct watcher *self, const struct message *m, struct effects *fx);
/* Every EVENT_LINK (down: the stream broke; up: it is made anew). Other peers: ignored. */
void watcher_on_link(struct watcher *self, const struct event *ev, struct effects *fx);
void watcher_digest(const struct watcher *self, struct digest *d);

/* What a subscriber posts. from: the subscriber. */
void watcher_watch(struct effects *fx, actor_id from, const struct key *key, unsigned depth,
                   uint32_t name, bool puts, bool deletes);
void watcher_unwatch(struct effects *fx, actor_id from, const struct key *key, unsigned depth,
                     uint32_t name, bool feedback);
/* For no-stale-view: what the subscriber now believes of a key. owner: of a leader, else
 * NODE_NONE. */
void watcher_believes(struct effects *fx, actor_id who, const struct key *key, bool is_there,
                      node_id owner);
