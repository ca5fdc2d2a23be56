/*
 * watcher.c - see watcher.h.
 *
 * Upstream's four tables (exact and prefix, put and delete) lie in one sorted array: an entry
 * stands for one table's row, so it listens to either puts or deletes. A row is keyed by
 * (watched key, watcher name). A name is a number of the subscriber's own; upstream's names
 * differ by kind of subscriber, so the kind is part of the key, and a second registration by
 * an actor of the same kind replaces the first (WatcherService.scala:126-142).
 */
#include "common/watcher.h"
#include "common/common_behaviour.h"
#include "common/etcd_call.h"
#include "core/assert.h"

#define WATCHER_ENTRIES_FIRST 8u
#define PREFIX_DEPTH_MAX 4u

static void open_watch(struct watcher *self, uint32_t revision, struct effects *fx);
static void on_watch(struct watcher *self, const struct message *m);
static void on_unwatch(struct watcher *self, const struct message *m, struct effects *fx);
static void on_event(struct watcher *self, const struct message *m, struct effects *fx);
static void on_post(struct watcher *self, const struct message *m, struct effects *fx);
static void stream_over(struct watcher *self, struct effects *fx);

static node_id etcd_node(const struct watcher *self)
{
    return cluster_node(self->env->cluster, NODE_ETCD, 0);
}

void watcher_init(struct watcher *self, const struct machine_env *env)
{
    *self = (struct watcher){.env = env, .watch = (uint16_t)(env->incarnation << 8)};
}

void watcher_start(struct watcher *self, struct effects *fx)
{
    open_watch(self, 0, fx);
}

void watcher_on_message(struct watcher *self, const struct message *m, struct effects *fx)
{
    switch ((enum message_kind)m->kind) {
    case MSG_POST:
        on_post(self, m, fx);
        return;
    case MSG_WATCH_CREATED:
        return;
    case MSG_WATCH_EVENT:
        on_event(self, m, fx);
        return;
    case MSG_WATCH_CANCELED:
        /* A cancel by the server ends the stream with an error. */
        if (m->u.watch.watch == self->watch && !self->broken)
            stream_over(self, fx);
        return;
    case MSG_REFUSED:
        if (m->corr != self->watch || self->is_over)
            return;
        if (self->etcd_down)
            self->broken = 1;
        else /* it came up while the refusal was on its way */
            open_watch(self, self->revision == 0 ? 0 : self->revision + 1, fx);
        return;
    default: /* no other kind is for a watcher */
        effects_reject(fx, ACTOR_WATCHER_ID, m);
        return;
    }
}

/*
 * The client library makes a broken stream anew by itself, and asks for what came after the
 * last revision it delivered; a watch that delivered nothing yet starts from now.
 */
void watcher_on_link(struct watcher *self, const struct event *ev, struct effects *fx)
{
    if (ev->peer != etcd_node(self))
        return;
    self->etcd_down = ev->down;
    if (self->is_over)
        return;
    if (ev->down) {
        self->broken = 1;
    } else if (self->broken) {
        open_watch(self, self->revision == 0 ? 0 : self->revision + 1, fx);
    }
}

static void open_watch(struct watcher *self, uint32_t revision, struct effects *fx)
{
    ASSERT(etcd_node(self) != NODE_NONE);
    self->broken = 0;
    self->watch++;
    if (self->watch == 0) /* 0 would be no corr */
        self->watch = 1;
    struct message *m =
        effects_send(fx, MSG_WATCH_CREATE, ACTOR_WATCHER_ID, etcd_node(self), ACTOR_MAIN_ID);
    m->corr = self->watch;
    m->u.watch.key.family = KEY_NONE;
    m->u.watch.revision = revision;
    m->u.watch.watch = self->watch;
}

static void close_watch(struct watcher *self, struct effects *fx)
{
    struct message *m =
        effects_send(fx, MSG_WATCH_CANCEL, ACTOR_WATCHER_ID, etcd_node(self), ACTOR_MAIN_ID);
    m->corr = self->watch;
    m->u.watch.watch = self->watch;
}

/* Its callback starts a new one, if there is such a callback. */
static void stream_over(struct watcher *self, struct effects *fx)
{
    if (common_behaviour(self->env)->watch_dies)
        self->is_over = 1;
    else
        effects_post(fx, ACTOR_WATCHER_ID, ACTOR_WATCHER_ID, POST_RESTART_WATCHER);
}

static void on_post(struct watcher *self, const struct message *m, struct effects *fx)
{
    switch (m->what) {
    case POST_WATCH:
        on_watch(self, m);
        return;
    case POST_UNWATCH:
        on_unwatch(self, m, fx);
        return;
    case POST_RESTART_WATCHER:
        /* From now: what happened since the break is lost (HEAD). */
        close_watch(self, fx);
        self->revision = 0;
        open_watch(self, 0, fx);
        return;
    case POST_GRACEFUL_SHUTDOWN:
        if (common_behaviour(self->env)->watcher_ignores_shutdown)
            return;
        self->count = 0;
        close_watch(self, fx);
        stream_over(self, fx); /* closing completes the stream */
        return;
    default:
        effects_reject(fx, ACTOR_WATCHER_ID, m);
        return;
    }
}

/* The fields that a prefix of this depth names; the rest 0. */
static struct key key_truncated(const struct key *key, unsigned depth)
{
    struct key k = {.family = depth == 0 ? (uint16_t)KEY_NONE : key->family};
    if (depth == WATCH_EXACT)
        return *key;
    if (depth >= 2)
        k.ns = key->ns;
    if (depth >= 3)
        k.action = key->action;
    if (depth >= 4)
        k.revision = key->revision;
    return k;
}

static int entry_order(const struct watcher_entry *a, const struct watcher_entry *b)
{
    int order = key_order(&a->what.key, &b->what.key);
    if (order != 0)
        return order;
    uint64_t left = (uint64_t)a->what.depth << 40 | (uint64_t)ACTOR_KIND(a->actor) << 32;
    uint64_t right = (uint64_t)b->what.depth << 40 | (uint64_t)ACTOR_KIND(b->actor) << 32;
    if (left != right)
        return left < right ? -1 : 1;
    if (a->what.name != b->what.name)
        return a->what.name < b->what.name ? -1 : 1;
    return (int)a->what.puts - (int)b->what.puts;
}

/* Index of the first entry that is not before `wanted`. */
static uint32_t lower_bound(const struct watcher *self, const struct watcher_entry *wanted)
{
    uint32_t low = 0, high = self->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry_order(&self->entries[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct watcher_entry entry_make(const struct message *m, bool puts)
{
    struct watcher_entry e = {.what = *MESSAGE_LOCAL_CONST(m, struct post_watch),
                              .actor = m->from_actor};
    e.what.key = key_truncated(&e.what.key, e.what.depth);
    e.what.puts = puts;
    e.what.deletes = !puts;
    e.what.feedback = 0;
    return e;
}

static void entry_put(struct watcher *self, const struct watcher_entry *e)
{
    uint32_t at = lower_bound(self, e);
    ASSERT_OP(e->what.puts, !=, e->what.deletes);
    ASSERT(at == 0 || entry_order(&self->entries[at - 1], e) < 0);
    if (at < self->count && entry_order(&self->entries[at], e) == 0) {
        self->entries[at] = *e;
        return;
    }
    if (self->count == self->max) {
        self->max = self->max == 0 ? WATCHER_ENTRIES_FIRST : self->max * 2;
        self->entries = arena_grow(self->env->arena, self->env->node, self->entries,
                                   self->max * sizeof self->entries[0]);
    }
    memmove(&self->entries[at + 1], &self->entries[at],
            (self->count - at) * sizeof self->entries[0]);
    self->entries[at] = *e;
    self->count++;
    ASSERT_OP(self->count, <=, self->max);
}

static void entry_remove(struct watcher *self, const struct watcher_entry *e)
{
    uint32_t at = lower_bound(self, e);
    if (at == self->count || entry_order(&self->entries[at], e) != 0)
        return;
    self->count--;
    memmove(&self->entries[at], &self->entries[at + 1],
            (self->count - at) * sizeof self->entries[0]);
}

static void on_watch(struct watcher *self, const struct message *m)
{
    const struct post_watch *what = MESSAGE_LOCAL_CONST(m, struct post_watch);
    struct watcher_entry puts = entry_make(m, true), deletes = entry_make(m, false);
    if (what->puts)
        entry_put(self, &puts);
    if (what->deletes)
        entry_put(self, &deletes);
}

static void on_unwatch(struct watcher *self, const struct message *m, struct effects *fx)
{
    const struct post_watch *what = MESSAGE_LOCAL_CONST(m, struct post_watch);
    struct watcher_entry puts = entry_make(m, true), deletes = entry_make(m, false);
    entry_remove(self, &puts);
    entry_remove(self, &deletes);
    if (!what->feedback)
        return;
    struct message *answer =
        effects_post(fx, ACTOR_WATCHER_ID, m->from_actor, POST_WATCHER_CLOSED);
    *MESSAGE_LOCAL(answer, struct post_watch) = *what;
}

static void tell(const struct watcher_entry *e, const struct message *m, struct effects *fx)
{
    struct message *post = effects_post(fx, ACTOR_WATCHER_ID, e->actor,
                                        m->u.watch.deleted ? POST_REMOVED : POST_INSERTED);
    *MESSAGE_LOCAL(post, struct post_watched) =
        (struct post_watched){.key = m->u.watch.key,
                              .value = m->u.watch.value,
                              .name = e->what.name,
                              .is_prefix = e->what.depth != WATCH_EXACT};
}

static void dispatch(const struct watcher *self, unsigned depth, const struct message *m,
                     struct effects *fx)
{
    const struct key *key = &m->u.watch.key;
    ASSERT(depth == WATCH_EXACT || depth <= PREFIX_DEPTH_MAX);
    struct watcher_entry wanted = {.what = {.key = key_truncated(key, depth)}};
    wanted.what.depth = (uint8_t)depth;
    for (uint32_t i = lower_bound(self, &wanted); i < self->count; i++) {
        const struct watcher_entry *e = &self->entries[i];
        if (e->what.depth != depth || !key_equal(&e->what.key, &wanted.what.key))
            return;
        if (depth != WATCH_EXACT && !key_has_prefix(key, &e->what.key, depth))
            continue;
        if (m->u.watch.deleted ? e->what.deletes : e->what.puts)
            tell(e, m, fx);
    }
}

static void on_event(struct watcher *self, const struct message *m, struct effects *fx)
{
    if (m->u.watch.watch != self->watch || self->broken || self->is_over)
        return;
    if (m->u.watch.revision > self->revision)
        self->revision = m->u.watch.revision;
    dispatch(self, WATCH_EXACT, m, fx);
    for (unsigned depth = 0; depth <= PREFIX_DEPTH_MAX; depth++)
        dispatch(self, depth, m, fx);
}

void watcher_digest(const struct watcher *self, struct digest *d)
{
    digest_two(d, self->watch, (uint64_t)self->count << 8 | self->broken);
    digest_two(d, self->revision, self->etcd_down | (uint64_t)self->is_over << 1);
    for (uint32_t i = 0; i < self->count; i++) {
        const struct watcher_entry *e = &self->entries[i];
        digest_two(d, key_hash(&e->what.key),
                   (uint64_t)e->what.name << 16 | (uint64_t)e->what.depth << 8 | e->what.puts);
        digest_word(d, e->actor);
    }
}

static struct post_watch *watch_post(struct effects *fx, actor_id from, unsigned kind,
                                     const struct key *key, unsigned depth, uint32_t name)
{
    ASSERT(depth == WATCH_EXACT || depth <= PREFIX_DEPTH_MAX);
    struct message *m = effects_post(fx, from, ACTOR_WATCHER_ID, kind);
    struct post_watch *what = MESSAGE_LOCAL(m, struct post_watch);
    what->key = *key;
    what->depth = (uint8_t)depth;
    what->name = name;
    return what;
}

void watcher_watch(struct effects *fx, actor_id from, const struct key *key, unsigned depth,
                   uint32_t name, bool puts, bool deletes)
{
    struct post_watch *what = watch_post(fx, from, POST_WATCH, key, depth, name);
    what->puts = puts;
    what->deletes = deletes;
}

void watcher_unwatch(struct effects *fx, actor_id from, const struct key *key, unsigned depth,
                     uint32_t name, bool feedback)
{
    struct post_watch *what = watch_post(fx, from, POST_UNWATCH, key, depth, name);
    what->feedback = feedback;
}

void watcher_believes(struct effects *fx, actor_id who, const struct key *key, bool is_there,
                      node_id owner)
{
    uint32_t cause = fx->cause; /* beside what follows from the event, not before it */
    struct record *r = effects_record(fx, RECORD_VIEW_CHANGED, who);
    r->key = *key;
    r->detail = is_there;
    r->peer = owner;
    fx->cause = cause;
}
