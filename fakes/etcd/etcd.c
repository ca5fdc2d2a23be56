/*
 * etcd.c - see etcd.h: the requests of the cluster's components.
 */
#include "etcd/etcd.h"
#include "common/common.h"
#include "etcd/etcd_txn.h"
#include <string.h>

#define HISTORY_MAX (UINT64_C(1) << 40)
#define HISTORY_DEFAULT 4096 /* a client that lost its stream is back within so many */
#define MAIN ACTOR_MAIN_ID

static void etcd_init(void *self_, const struct machine_env *env)
{
    struct etcd *self = self_;
    self->env = env;
    timers_init(&self->timers, env->arena, env->node);
    etcd_store_init(&self->store, env);
    etcd_leases_init(&self->leases);
}

/* A key that a component may name; foreign ones come through another door. */
static bool key_is_known(const struct key *key)
{
    return key->family > KEY_NONE && key->family < KEY_RAW;
}

static bool prefix_is_known(const struct key *prefix, unsigned depth)
{
    return prefix->family == KEY_NONE ? depth == 0
                                      : key_is_known(prefix) && depth >= 1 && depth <= 4;
}

static struct message *etcd_answer(struct etcd *self, struct effects *fx,
                                   const struct message *m, enum message_kind kind)
{
    struct message *reply = effects_reply(fx, m, kind);
    reply->u.etcd_done.revision = self->store.revision;
    return reply;
}

static void etcd_on_get(struct etcd *self, const struct message *m, struct effects *fx)
{
    struct etcd_name name = {.key = m->u.etcd.key};
    const struct etcd_version *version = etcd_store_get(&self->store, &name);
    struct message *reply = etcd_answer(self, fx, m, MSG_ETCD_RANGED);
    if (version != NULL) {
        reply->u.etcd_done.count = 1;
        reply->u.etcd_done.value = version->value;
    }
}

static struct etcd_kv etcd_kv_of(const struct etcd_version *version)
{
    return (struct etcd_kv){.key = version->entry->key,
                            .value = version->value,
                            .lease = version->lease,
                            .create_revision = version->create_revision,
                            .mod_revision = version->revision,
                            .version = version->version};
}

static void etcd_on_prefix(struct etcd *self, const struct message *m, struct effects *fx)
{
    char text[2 * ETCD_TEXT_MAX];
    struct etcd_span span =
        etcd_span_prefix(self->env->cluster, &m->u.etcd.key, m->u.etcd.depth, text);
    uint64_t count = etcd_store_count(&self->store, &span);
    struct message *reply = etcd_answer(self, fx, m, MSG_ETCD_RANGED);
    reply->u.etcd_done.count = (uint32_t)count;
    if (m->u.etcd.mode == RANGE_COUNT || count == 0)
        return;
    blob kvs = blob_new(self->env->arena, ARENA_MESSAGE, NULL, count * sizeof(struct etcd_kv));
    struct etcd_kv *kv = blob_bytes_mutable(self->env->arena, kvs);
    struct etcd_cursor cursor = etcd_store_range(&self->store, &span);
    const struct etcd_version *version;
    while ((version = etcd_cursor_next(&cursor)) != NULL)
        *kv++ = etcd_kv_of(version);
    reply->u.etcd_done.kvs = kvs;
}

static void etcd_on_range(struct etcd *self, const struct message *m, struct effects *fx)
{
    bool is_get = m->u.etcd.mode == RANGE_GET;
    if (m->u.etcd.mode > RANGE_COUNT ||
        !(is_get ? key_is_known(&m->u.etcd.key)
                 : prefix_is_known(&m->u.etcd.key, m->u.etcd.depth)))
        effects_reject(fx, MAIN, m);
    else if (is_get)
        etcd_on_get(self, m, fx);
    else
        etcd_on_prefix(self, m, fx);
}

static uint8_t etcd_status_of(enum etcd_error error)
{
    if (error == ETCD_ERROR_LEASE_NOT_FOUND)
        return ETCD_LEASE_NOT_FOUND;
    if (error == ETCD_ERROR_LEASE_EXISTS)
        return ETCD_LEASE_EXISTS;
    ASSERT_OP(error, ==, ETCD_ERROR_NONE); /* the typed requests can meet no other */
    return ETCD_OK;
}

static void etcd_on_put(struct etcd *self, const struct message *m, struct effects *fx)
{
    struct etcd_put request = {.name = {.key = m->u.etcd.key},
                               .data = {.value = m->u.etcd.value},
                               .lease = m->u.etcd.lease};
    struct etcd_answer answer;
    enum etcd_error error = etcd_put(self, fx, &request, &answer);
    etcd_answer(self, fx, m, MSG_ETCD_DONE)->u.etcd_done.status = etcd_status_of(error);
}

/* Compare VERSION(key) EQUAL 0, then put (EtcdClient.scala:123-137). */
static void etcd_on_put_if_absent(struct etcd *self, const struct message *m,
                                  struct effects *fx)
{
    struct etcd_name name = {.key = m->u.etcd.key};
    if (etcd_store_get(&self->store, &name) != NULL) {
        etcd_answer(self, fx, m, MSG_ETCD_DONE);
        return;
    }
    struct etcd_put request = {
        .name = name, .data = {.value = m->u.etcd.value}, .lease = m->u.etcd.lease};
    struct etcd_answer answer;
    enum etcd_error error = etcd_put(self, fx, &request, &answer);
    struct message *reply = etcd_answer(self, fx, m, MSG_ETCD_DONE);
    reply->u.etcd_done.status = etcd_status_of(error);
    reply->u.etcd_done.succeeded = error == ETCD_ERROR_NONE;
}

static void etcd_on_delete(struct etcd *self, const struct message *m, struct effects *fx)
{
    struct etcd_name name = {.key = m->u.etcd.key};
    const struct etcd_version *version = etcd_store_get(&self->store, &name);
    etcd_store_begin(&self->store);
    if (version != NULL)
        etcd_write_delete(self, version->entry);
    etcd_write_end(self, fx, false);
    etcd_answer(self, fx, m, MSG_ETCD_DONE)->u.etcd_done.count = version != NULL;
}

static struct message *etcd_lease_answer(struct effects *fx, const struct message *m,
                                         uint64_t lease, uint64_t ttl_s)
{
    struct message *reply = effects_reply(fx, m, MSG_LEASE_DONE);
    reply->u.lease.lease = (uint32_t)lease;
    reply->u.lease.ttl_s = (uint32_t)ttl_s;
    return reply;
}

static void etcd_on_grant(struct etcd *self, const struct message *m, struct effects *fx)
{
    const struct etcd_lease *lease = NULL;
    enum etcd_error error =
        etcd_grant(self, fx, m->u.lease.lease, m->u.lease.ttl_s, m->from, &lease);
    uint64_t id = lease == NULL ? m->u.lease.lease : lease->id;
    struct message *reply = etcd_lease_answer(fx, m, id, lease == NULL ? 0 : lease->ttl_s);
    reply->u.lease.status = etcd_status_of(error);
}

static void etcd_on_keepalive(struct etcd *self, const struct message *m, struct effects *fx)
{
    const struct etcd_lease *lease = etcd_lease_find(&self->leases, m->u.lease.lease);
    if (lease == NULL || !etcd_lease_is_dead(lease, fx->at)) {
        uint64_t ttl_s = etcd_keepalive(self, fx, m->u.lease.lease);
        etcd_lease_answer(fx, m, m->u.lease.lease, ttl_s);
        return;
    }
    if (self->waiting_count == self->waiting_max) {
        self->waiting_max = self->waiting_max == 0 ? 8 : self->waiting_max * 2;
        self->waiting = arena_grow(self->env->arena, self->env->node, self->waiting,
                                   self->waiting_max * sizeof self->waiting[0]);
    }
    self->waiting[self->waiting_count++].request = *m;
}

static void etcd_on_revoke(struct etcd *self, const struct message *m, struct effects *fx)
{
    enum etcd_error error = etcd_revoke(self, fx, m->u.lease.lease);
    struct message *reply = etcd_lease_answer(fx, m, m->u.lease.lease, 0);
    reply->u.lease.status = etcd_status_of(error);
}

static void etcd_on_watch(struct etcd *self, const struct message *m, struct effects *fx)
{
    const struct key *key = &m->u.watch.key;
    bool is_exact = m->u.watch.depth == WATCH_EXACT;
    if (is_exact ? key_is_known(key) : prefix_is_known(key, m->u.watch.depth))
        etcd_notify_created(self, fx, m);
    else
        effects_reject(fx, MAIN, m);
}

static void etcd_on_message(struct etcd *self, const struct message *m, struct effects *fx)
{
    bool names_key =
        m->kind == MSG_ETCD_PUT || m->kind == MSG_ETCD_TXN || m->kind == MSG_ETCD_DELETE;
    if (names_key && !key_is_known(&m->u.etcd.key)) {
        effects_reject(fx, MAIN, m);
        return;
    }
    switch (m->kind) {
    case MSG_ETCD_RANGE:
        etcd_on_range(self, m, fx);
        break;
    case MSG_ETCD_PUT:
        etcd_on_put(self, m, fx);
        break;
    case MSG_ETCD_TXN:
        etcd_on_put_if_absent(self, m, fx);
        break;
    case MSG_ETCD_DELETE:
        etcd_on_delete(self, m, fx);
        break;
    case MSG_LEASE_GRANT:
        etcd_on_grant(self, m, fx);
        break;
    case MSG_LEASE_KEEPALIVE:
        etcd_on_keepalive(self, m, fx);
        break;
    case MSG_LEASE_REVOKE:
        etcd_on_revoke(self, m, fx);
        break;
    case MSG_WATCH_CREATE:
        etcd_on_watch(self, m, fx);
        break;
    case MSG_WATCH_CANCEL:
        etcd_notify_canceled(self, fx, m);
        break;
    case MSG_HTTP_REQUEST:
        etcd_gateway_request(self, m, fx);
        break;
    case MSG_HTTP_CLOSED:
        etcd_gateway_closed(self, m);
        break;
    default: /* a number from outside, not an enum: all other kinds make no sense here */
        effects_reject(fx, MAIN, m);
        break;
    }
}

static void etcd_on_wake(struct etcd *self, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, fx->at);
    if (timer->kind == ETCD_TIMER_PROGRESS) {
        etcd_gateway_wake(self, timer, fx);
        return;
    }
    struct etcd_lease *lease = (struct etcd_lease *)(void *)timer;
    ASSERT(etcd_lease_is_dead(lease, fx->at));
    fx->cause = lease->cause;
    struct record *r = effects_record(fx, RECORD_LEASE_EXPIRED, MAIN);
    r->peer = lease->owner;
    r->value = lease->id;
    etcd_write_revoke(self, fx, lease, true);
}

/* Its connections are gone: nobody is left to be told. */
static void etcd_on_link(struct etcd *self, const struct event *ev)
{
    uint32_t kept = 0;
    if (!ev->down)
        return;
    etcd_gateway_link_down(self, ev->peer);
    etcd_watches_close_node(&self->watches, self->env, ev->peer);
    for (uint32_t i = 0; i < self->waiting_count; i++) {
        if (self->waiting[i].request.from != ev->peer)
            self->waiting[kept++] = self->waiting[i];
    }
    self->waiting_count = kept;
}

static void etcd_step(void *self_, const struct event *ev, struct effects *fx)
{
    struct etcd *self = self_;
    self->writer = ev->kind == EVENT_DELIVER ? ev->message->from : NODE_NONE;
    switch (ev->kind) {
    case EVENT_START: /* the restarted member leads again only after an election */
        etcd_leases_extend(&self->leases, self->env, &self->timers, fx,
                           etcd_config(self)->election_timeout);
        break;
    case EVENT_DELIVER:
        etcd_on_message(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        etcd_on_wake(self, fx);
        break;
    case EVENT_SIGNAL: /* nothing to save: what was answered is on the disk */
        break;
    case EVENT_LINK:
        etcd_on_link(self, ev);
        break;
    }
    etcd_write_trim(self);
}

static struct wakeup etcd_next_wakeup(const void *self_)
{
    const struct etcd *self = self_;
    return timers_first(&self->timers);
}

static void etcd_digest(const void *self_, struct digest *d)
{
    const struct etcd *self = self_;
    etcd_store_digest(&self->store, d);
    etcd_leases_digest(&self->leases, d);
    etcd_watches_digest(&self->watches, d);
    digest_word(d, self->waiting_count);
    for (uint32_t i = 0; i < self->waiting_count; i++) {
        const struct message *m = &self->waiting[i].request;
        digest_two(d, (uint64_t)m->from << 32 | m->from_actor, m->corr);
        digest_word(d, m->u.lease.lease);
    }
    etcd_gateway_digest(self, d);
}

static bool etcd_pending(const void *self_, char *text, size_t size)
{
    (void)self_;
    (void)text;
    (void)size;
    return false; /* it owes nothing by itself: a lease that runs is no debt */
}

static const char *etcd_post_name(unsigned what)
{
    (void)what;
    return "none";
}

static const struct config_field etcd_fields[] = {
    {"etcd.election-timeout", UNIT_DURATION, MSEC(50), SEC(50), SEC(1), SEC(1),
     offsetof(struct etcd_config, election_timeout),
     "least lease TTL is 1.5 of it; after a restart each lease lives so much longer"},
    {"etcd.history-revisions", UNIT_COUNT, 0, HISTORY_MAX, HISTORY_DEFAULT, HISTORY_DEFAULT,
     offsetof(struct etcd_config, history_revisions),
     "how many past revisions a watch can be taken up from; etcd itself keeps all"},
    {"etcd.progress-interval", UNIT_DURATION, MSEC(1), SEC(86400), SEC(600), SEC(600),
     offsetof(struct etcd_config, progress_interval),
     "how often a watch over HTTP that asked for it is told that nothing has happened"},
};

const struct machine_ops etcd_ops = {
    .name = "etcd",
    .size = sizeof(struct etcd),
    .durable_size = offsetof(struct etcd, env),
    .effects_max = ETCD_EFFECTS_MAX,
    .init = etcd_init,
    .step = etcd_step,
    .next_wakeup = etcd_next_wakeup,
    .digest = etcd_digest,
    .pending = etcd_pending,
    .post_name = etcd_post_name,
    .config_fields = etcd_fields,
    .config_field_count = sizeof etcd_fields / sizeof etcd_fields[0],
    .config_size = sizeof(struct etcd_config),
};
