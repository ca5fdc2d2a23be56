/*
 * data.c - DataManagementService; see data.h. The worker is in data_worker.c.
 *
 * Source: DataManagementService.scala:55-170 at 1fae641a2.
 */
#include "common/data_internal.h"
#include "common/watcher.h"
#include "core/assert.h"

#define KEYS_FIRST 8u
#define WATCH_NAME 0u /* "data-management-service": one registration per key */

static void on_data_post(struct data *self, const struct message *m, struct effects *fx);

struct data *data_new(const struct machine_env *env, struct timers *timers,
                      duration retry_interval)
{
    struct data *self = arena_alloc(env->arena, env->node, sizeof *self);
    self->env = env;
    self->timers = timers;
    self->retry_interval = retry_interval;
    data_worker_init(self);
    return self;
}

void data_start(struct data *self, struct effects *fx)
{
    ASSERT_OP(self->worker.lease, ==, 0);
    data_worker_ask_lease(fx);
}

void data_on_message(struct data *self, const struct message *m, struct effects *fx)
{
    if (ACTOR_KIND(m->to_actor) == ACTOR_WORKER)
        data_worker_on_message(self, m, fx);
    else if (m->kind == MSG_POST)
        on_data_post(self, m, fx);
    else
        effects_reject(fx, ACTOR_DATA_ID, m);
}

void data_on_timer(struct data *self, struct timer *timer, struct effects *fx)
{
    data_worker_on_timer(self, timer, fx);
}

void data_on_link(struct data *self, const struct event *ev, struct effects *fx)
{
    data_worker_on_link(self, ev, fx);
}

/* ---- busy keys and their waiting requests ---- */

static uint32_t key_lower_bound(const struct data *self, const struct key *key)
{
    uint32_t low = 0, high = self->key_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (key_order(&self->keys[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct data_key *key_find(const struct data *self, const struct key *key)
{
    uint32_t at = key_lower_bound(self, key);
    bool is_busy = at < self->key_count && key_equal(&self->keys[at].key, key);
    return is_busy ? &self->keys[at] : NULL;
}

static void key_set_busy(struct data *self, const struct key *key)
{
    uint32_t at = key_lower_bound(self, key);
    ASSERT(at == self->key_count || key_order(&self->keys[at].key, key) > 0);
    if (self->key_count == self->key_max) {
        self->key_max = self->key_max == 0 ? KEYS_FIRST : self->key_max * 2;
        self->keys = arena_grow(self->env->arena, self->env->node, self->keys,
                                self->key_max * sizeof self->keys[0]);
    }
    memmove(&self->keys[at + 1], &self->keys[at],
            (self->key_count - at) * sizeof self->keys[0]);
    self->keys[at] = (struct data_key){.key = *key};
    self->key_count++;
}

static void key_set_free(struct data *self, struct data_key *busy)
{
    uint32_t at = (uint32_t)(busy - self->keys);
    ASSERT_OP(busy->first, ==, 0);
    ASSERT_OP(at, <, self->key_count);
    self->key_count--;
    memmove(busy, busy + 1, (self->key_count - at) * sizeof *busy);
}

static uint32_t waiting_take(struct data *self)
{
    if (self->waiting_unused == 0) {
        uint32_t max = self->waiting_max == 0 ? KEYS_FIRST : self->waiting_max * 2;
        self->waiting = arena_grow(self->env->arena, self->env->node, self->waiting,
                                   max * sizeof self->waiting[0]);
        for (uint32_t i = max; i > self->waiting_max; i--) {
            self->waiting[i - 1].next = self->waiting_unused;
            self->waiting_unused = i;
        }
        self->waiting_max = max;
    }
    uint32_t index = self->waiting_unused;
    ASSERT_OP(index, <=, self->waiting_max);
    self->waiting_unused = self->waiting[index - 1].next;
    self->waiting_count++;
    return index;
}

static void waiting_give(struct data *self, uint32_t index)
{
    ASSERT_OP(self->waiting_count, >, 0);
    self->waiting[index - 1].next = self->waiting_unused;
    self->waiting_unused = index;
    self->waiting_count--;
}

static void waiting_append(struct data *self, struct data_key *busy, const struct message *m,
                           const struct post_data *data)
{
    uint32_t index = waiting_take(self);
    ASSERT_OP(self->waiting_count, <=, self->waiting_max);
    self->waiting[index - 1] =
        (struct data_waiting){.data = *data, .what = m->what, .cause = m->cause};
    if (busy->last != 0)
        self->waiting[busy->last - 1].next = index;
    else
        busy->first = index;
    busy->last = index;
}

/* Only the newest put or delete waits; an election stays. */
static void waiting_prune(struct data *self, struct data_key *busy)
{
    uint32_t index = busy->first;
    busy->first = busy->last = 0;
    while (index != 0) {
        uint32_t next = self->waiting[index - 1].next;
        if (self->waiting[index - 1].what == POST_ELECT_LEADER) {
            self->waiting[index - 1].next = 0;
            if (busy->last != 0)
                self->waiting[busy->last - 1].next = index;
            else
                busy->first = index;
            busy->last = index;
        } else {
            waiting_give(self, index);
        }
        index = next;
    }
}

/* ---- events ---- */

static void send_to_worker(struct effects *fx, unsigned what, const struct post_data *data)
{
    struct message *m = effects_post(fx, ACTOR_DATA_ID, ACTOR_WORKER_ID, what);
    *MESSAGE_LOCAL(m, struct post_data) = *data;
}

static void submit(struct data *self, const struct message *m, const struct post_data *data,
                   bool prunes, struct effects *fx)
{
    struct data_key *busy = key_find(self, &data->key);
    if (busy == NULL) {
        key_set_busy(self, &data->key);
        send_to_worker(fx, m->what, data);
        return;
    }
    if (prunes)
        waiting_prune(self, busy);
    waiting_append(self, busy, m, data);
}

static void on_finish_work(struct data *self, const struct message *m, struct effects *fx)
{
    struct data_key *busy = key_find(self, &MESSAGE_LOCAL_CONST(m, struct post_data)->key);
    if (busy == NULL) {
        effects_reject(fx, ACTOR_DATA_ID, m);
        return;
    }
    uint32_t index = busy->first;
    ASSERT((index == 0) == (busy->last == 0));
    if (index == 0) {
        key_set_free(self, busy);
        return;
    }
    struct data_waiting next = self->waiting[index - 1];
    busy->first = next.next;
    if (busy->first == 0)
        busy->last = 0;
    waiting_give(self, index);
    uint32_t cause = fx->cause;
    fx->cause = next.cause;
    send_to_worker(fx, next.what, &next.data);
    fx->cause = cause;
}

/* A key vanished: put the deleted value back, if nobody else does, and do not watch again. */
static void on_removed(const struct message *m, struct effects *fx)
{
    const struct post_watched *removed = MESSAGE_LOCAL_CONST(m, struct post_watched);
    if (removed->is_prefix)
        effects_reject(fx, ACTOR_DATA_ID, m); /* upstream logs an error */
    else
        data_register_initial(fx, ACTOR_DATA_ID, &removed->key, &removed->value, false, false);
}

static void on_update(struct data *self, const struct post_data *data, struct effects *fx)
{
    uint32_t i = 0;
    while (i < self->cache_count && !key_equal(&self->cache[i].key, &data->key))
        i++;
    bool is_new = i == self->cache_count;
    if (!is_new && value_equal(&self->cache[i].value, &data->value))
        return;
    if (is_new && self->cache_count == self->cache_max) {
        self->cache_max = self->cache_max == 0 ? KEYS_FIRST : self->cache_max * 2;
        self->cache = arena_grow(self->env->arena, self->env->node, self->cache,
                                 self->cache_max * sizeof self->cache[0]);
    }
    self->cache_count += is_new;
    self->cache[i] = (struct data_cached){.key = data->key, .value = data->value};
    data_register(fx, ACTOR_DATA_ID, &data->key, &data->value, is_new);
}

static void watch_if_failover(const struct post_data *data, struct effects *fx)
{
    if ((data->flags & DATA_FAILOVER) != 0)
        watcher_watch(fx, ACTOR_DATA_ID, &data->key, WATCH_EXACT, WATCH_NAME, false, true);
}

static void on_data_post(struct data *self, const struct message *m, struct effects *fx)
{
    struct post_data data = *MESSAGE_LOCAL_CONST(m, struct post_data);
    switch (m->what) {
    case POST_ELECT_LEADER:
        data.recipient = m->from_actor;
        submit(self, m, &data, false, fx);
        return;
    case POST_REGISTER_INITIAL:
        data.recipient = m->from_actor;
        watch_if_failover(&data, fx);
        submit(self, m, &data, false, fx);
        return;
    case POST_REGISTER:
        data.recipient = m->from_actor;
        watch_if_failover(&data, fx);
        submit(self, m, &data, true, fx);
        return;
    case POST_UNREGISTER:
        watcher_unwatch(fx, ACTOR_DATA_ID, &data.key, WATCH_EXACT, WATCH_NAME, true);
        return;
    case POST_WATCHER_CLOSED:
        /* The watcher's struct: its key is the first member of both. */
        data = (struct post_data){.key = MESSAGE_LOCAL_CONST(m, struct post_watch)->key};
        submit(self, m, &data, true, fx);
        return;
    case POST_FINISH_WORK:
        on_finish_work(self, m, fx);
        return;
    case POST_REMOVED:
        on_removed(m, fx);
        return;
    case POST_UPDATE_ON_CHANGE:
        on_update(self, &data, fx);
        return;
    default:
        effects_reject(fx, ACTOR_DATA_ID, m);
        return;
    }
}

void data_digest(const struct data *self, struct digest *d)
{
    digest_two(d, self->key_count, self->waiting_count);
    for (uint32_t i = 0; i < self->key_count; i++) {
        digest_word(d, key_hash(&self->keys[i].key));
        for (uint32_t j = self->keys[i].first; j != 0; j = self->waiting[j - 1].next) {
            const struct data_waiting *w = &self->waiting[j - 1];
            digest_two(d, w->what, (uint64_t)w->data.value.a << 32 | w->data.value.b);
        }
    }
    for (uint32_t i = 0; i < self->cache_count; i++) {
        const struct value *v = &self->cache[i].value;
        digest_two(d, (uint64_t)v->a << 32 | v->b, (uint64_t)v->c << 8 | v->status);
    }
    data_worker_digest(&self->worker, d);
}

/* ---- what clients post ---- */

static void post_data(struct effects *fx, actor_id from, unsigned what, const struct key *key,
                      const struct value *value, uint32_t flags)
{
    struct message *m = effects_post(fx, from, ACTOR_DATA_ID, what);
    struct post_data *data = MESSAGE_LOCAL(m, struct post_data);
    data->key = *key;
    if (value != NULL)
        data->value = *value;
    data->flags = flags;
}

void data_elect(struct effects *fx, actor_id from, const struct key *key,
                const struct value *value)
{
    post_data(fx, from, POST_ELECT_LEADER, key, value, DATA_RECIPIENT);
}

void data_register_initial(struct effects *fx, actor_id from, const struct key *key,
                           const struct value *value, bool failover, bool answer)
{
    uint32_t flags = (failover ? DATA_FAILOVER : 0) | (answer ? DATA_RECIPIENT : 0);
    post_data(fx, from, POST_REGISTER_INITIAL, key, value, flags);
}

void data_register(struct effects *fx, actor_id from, const struct key *key,
                   const struct value *value, bool failover)
{
    post_data(fx, from, POST_REGISTER, key, value, failover ? DATA_FAILOVER : 0);
}

void data_unregister(struct effects *fx, actor_id from, const struct key *key)
{
    post_data(fx, from, POST_UNREGISTER, key, NULL, 0);
}

void data_update_on_change(struct effects *fx, actor_id from, const struct key *key,
                           const struct value *value)
{
    post_data(fx, from, POST_UPDATE_ON_CHANGE, key, value, 0);
}
