/*
 * host_sim_send.c - messages on their way: the plan's verdict, latency, loss, and what becomes
 * of one that nobody can take.
 */
#include <string.h>

#include "kernel/host_sim_internal.h"

#define SALT_COPY UINT64_C(0x632be59bd9b4e019) /* tells the second copy's latency apart */
#define SALT_BACK UINT64_C(0x9e3779b97f4a7c15) /* the way back of an answer by the plan */

struct record host_record(struct host *self, enum record_kind kind, node_id node)
{
    return (struct record){.seq = self->next_seq++,
                           .at = self->clock.now,
                           .kind = (uint16_t)kind,
                           .node = node,
                           .action = ACTION_NONE,
                           .ns = NAMESPACE_NONE,
                           .peer = NODE_NONE};
}

static void record_lost(struct host *self, const struct message *m)
{
    if (m->kind == MSG_POST)
        return;
    struct record r = host_record(self, RECORD_MESSAGE_LOST, m->from);
    host_record_lost(&r, m);
    host_keep_record(self, &r);
}

static uint64_t mix_bytes(uint64_t mixed, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        for (size_t j = i; j < size && j < i + 8; j++)
            word |= (uint64_t)bytes[j] << (j - i) * 8;
        mixed = mix_two(mixed, word);
    }
    return mix_two(mixed, size);
}

uint64_t host_mix_with_blobs(const struct host *self, const struct message *m)
{
    struct message plain = *m;
    blob *blobs[3];
    unsigned count = message_blobs(&plain, blobs);
    uint64_t mixed = 0;
    for (unsigned i = 0; i < count; i++) {
        mixed = mix_bytes(mixed, blob_bytes(self->arena, *blobs[i]),
                          blob_size(self->arena, *blobs[i]));
        *blobs[i] = 0; /* handles depend on where the arena had room */
    }
    return mix_message(&plain) + mixed;
}

void host_free_blobs(struct host *self, struct message *m)
{
    if ((self->blob_kinds >> (m->kind & KIND_MASK) & 1) == 0)
        return;
    struct message plain = *m;
    plain.kind &= KIND_MASK;
    blob *blobs[3];
    unsigned count = message_blobs(&plain, blobs);
    for (unsigned i = 0; i < count; i++) {
        if (*blobs[i] != 0 && arena_owner(arena_block(self->arena, *blobs[i])) == ARENA_MESSAGE)
            blob_free(self->arena, *blobs[i]);
    }
}

static void own_blobs(struct host *self, struct message *m)
{
    blob *blobs[3];
    unsigned count = message_blobs(m, blobs);
    for (unsigned i = 0; i < count; i++)
        blob_own(self->arena, ARENA_MESSAGE, *blobs[i]);
}

static void copy_blobs(struct host *self, struct message *m)
{
    blob *blobs[3];
    unsigned count = message_blobs(m, blobs);
    for (unsigned i = 0; i < count; i++)
        *blobs[i] = blob_copy(self->arena, ARENA_MESSAGE, *blobs[i]);
}

/* A post that an override delays is named by its pair of actors, its kind and a count. */
static duration post_delay(struct host *self, const struct message *m)
{
    if ((self->draws->override_purposes >> PURPOSE_POST_DELAY & 1) == 0)
        return 0;
    uint64_t from = (uint64_t)m->from << 32 | m->from_actor;
    uint64_t to = (uint64_t)m->what << 32 | m->to_actor;
    uint64_t *count = pair_table_at(&self->post_counts, from, to | UINT64_C(1) << 63, 0);
    uint64_t ordinal = (*count)++;
    uint64_t value;
    bool given =
        draw_overridden(self->draws, PURPOSE_POST_DELAY, draw_mix(from, to), ordinal, &value);
    return given ? value : 0;
}

/* A message that takes no time unless something delays it. */
static void route_at_once(struct host *self, const struct message *m, duration extra)
{
    tstamp now = self->clock.now, at = tstamp_add(now, extra);
    if (m->kind == MSG_POST) {
        ASSERT(m->to == m->from);
        at = tstamp_add(at, post_delay(self, m));
        if (self->posts_are_ordered)
            at = network_keep_post_order(&self->network, m, now, at);
    }
    if (at == now)
        *clock_post(&self->clock) = *m;
    else
        *clock_push(&self->clock, at, CLASS_MESSAGE) = *m;
}

void host_route(struct host *self, const struct message *m, duration extra, uint64_t salt)
{
    enum link link = (enum link)message_infos[m->kind].link;
    struct network *network = &self->network;
    network->counts[link].sent++;
    if (!network->sites[link].has_latency) {
        route_at_once(self, m, extra);
        return;
    }
    if (__builtin_expect(network->sites[link].has_loss, 0) &&
        network_is_lost(network, m, link)) {
        struct message lost = *m;
        network->counts[link].dropped++;
        record_lost(self, m);
        host_free_blobs(self, &lost);
        return;
    }
    duration latency = network_latency(network, m, link, salt);
    tstamp now = self->clock.now;
    tstamp at = tstamp_add(tstamp_add(now, latency), extra);
    if (message_infos[m->kind].ordered)
        at = network_keep_order(network, m, now, at);
    *clock_push(&self->clock, at, CLASS_MESSAGE) = *m;
}

/* The refusal of a call travels back on the link of the call. */
static void refuse(struct host *self, const struct message *m)
{
    struct message answer = host_refusal(m);
    enum link link = (enum link)message_infos[m->kind].link;
    duration latency = network_latency(&self->network, &answer, link, 0);
    self->network.counts[LINK_HTTP].sent++; /* where MSG_REFUSED is counted */
    *clock_push(&self->clock, tstamp_add(self->clock.now, latency), CLASS_MESSAGE) = answer;
}

bool host_turn_away(struct host *self, struct message *m)
{
    bool is_stale = (m->kind & KIND_STALE) != 0, is_orphan = (m->kind & KIND_ORPHAN) != 0;
    m->kind &= KIND_MASK;
    if (!is_stale && state_listens(self->nodes[m->to].state))
        return false; /* only its sender went down */
    self->network.counts[message_infos[m->kind].link].dropped++;
    if (message_infos[m->kind].call && !is_orphan)
        refuse(self, m);
    else
        record_lost(self, m);
    host_free_blobs(self, m);
    return true;
}

static void drop(struct host *self, struct message *m, bool is_recorded)
{
    enum link link = (enum link)message_infos[m->kind].link;
    self->network.counts[link].sent++;
    self->network.counts[link].dropped++;
    if (is_recorded)
        record_lost(self, m);
    host_free_blobs(self, m);
}

static void duplicate(struct host *self, const struct message *m)
{
    struct message copy = *m;
    copy_blobs(self, &copy);
    host_route(self, m, 0, 0);
    host_route(self, &copy, 0, SALT_COPY);
    struct link_count *counts = &self->network.counts[message_infos[m->kind].link];
    counts->sent--;
    counts->duplicated++;
}

/* The plan answers an HTTP request in the node's name; it never gets there. */
static void answer(struct host *self, struct message *m, const struct fault_verdict *verdict)
{
    struct message reply = host_answer(self->arena, m, verdict);
    own_blobs(self, &reply);
    duration there = network_latency(&self->network, m, LINK_HTTP, 0);
    drop(self, m, false);
    host_route(self, &reply, tstamp_add(there, verdict->delay), SALT_BACK);
}

static void record_fault(struct host *self, const struct message *m, uint16_t rule)
{
    struct record r = host_record(self, RECORD_FAULT_APPLIED, m->from);
    host_record_fault(&r, m, rule);
    host_keep_record(self, &r);
}

/* A count given in the node's name is the node's answer to whoever judges. */
static void record_count(struct host *self, const struct message *m,
                         const struct fault_verdict *verdict)
{
    struct record r = host_record(self, RECORD_COUNT_ANSWERED, m->to);
    host_record_count(&r, m, verdict);
    host_keep_record(self, &r);
}

static void apply(struct host *self, struct message *m, const struct fault_verdict *verdict)
{
    if (verdict->action == FAULT_ANSWER && m->kind != MSG_HTTP_REQUEST) {
        host_route(self, m, verdict->delay, 0); /* only HTTP can be answered by a rule */
        return;
    }
    if (verdict->action != FAULT_PASS)
        record_fault(self, m, verdict->rule);
    if (verdict->action == FAULT_ANSWER && verdict->is_count)
        record_count(self, m, verdict);
    switch (verdict->action) {
    case FAULT_PASS:
        host_route(self, m, 0, 0);
        break;
    case FAULT_DROP:
        drop(self, m, true);
        break;
    case FAULT_DELAY:
        host_route(self, m, verdict->delay, 0);
        break;
    case FAULT_DUPLICATE:
        duplicate(self, m);
        break;
    case FAULT_REFUSE:
        if (message_infos[m->kind].call)
            refuse(self, m);
        drop(self, m, !message_infos[m->kind].call);
        break;
    case FAULT_RESET: /* both ends see every connection between them break, then free again */
        drop(self, m, true);
        host_push_link_event(self, m->from, m->to, true);
        host_push_link_event(self, m->to, m->from, true);
        host_push_link_event(self, m->from, m->to, false);
        host_push_link_event(self, m->to, m->from, false);
        break;
    case FAULT_ANSWER:
        answer(self, m, verdict);
        break;
    }
}

void host_send_slow(struct host *self, const struct message *sent)
{
    struct message m = *sent;
    own_blobs(self, &m);
    if ((self->nodes[m.from].fault_mask >> m.kind & 1) == 0) {
        host_route(self, &m, 0, 0);
        return;
    }
    struct fault_verdict verdict =
        self->faults.ask(self->faults.plan, &m, self->clock.now, message_key(&m));
    apply(self, &m, &verdict);
}
