#pragma once
/*
 * host_sim_internal.h - what the parts of the simulated host share.
 *
 *   host_sim.c         the world, the loop, one event: step, then its effects in order
 *   host_sim_send.c    what is out of the ordinary on the way: faults, loss, nobody listens
 *   host_sim_nodes.c   boot, signal, cut, link changes, MSG_CONTROL
 */
#include "core/digest.h"
#include "core/host_rules.h"
#include "kernel/clock.h"
#include "kernel/host_sim.h"
#include "kernel/network.h"

_Static_assert(MESSAGE_KIND_COUNT <= 64, "a mask has a bit per kind");

/* Set in the kind of a message in flight when one of its ends went down. */
#define KIND_STALE 0x8000u  /* the receiver: it never arrives */
#define KIND_ORPHAN 0x4000u /* the sender: it arrives, a refusal has nowhere to go */
#define KIND_MASK 0x3fffu

/* ENDING: its machine is gone, the empty process is not (ends_at_signal). */
enum node_state { STATE_DOWN, STATE_ENDING, STATE_BOOTING, STATE_UP, STATE_STOPPING };

struct node_slot {
    void *machine;
    const struct machine_ops *ops;
    uint64_t fault_mask; /* bit per message kind: the plan wants to be asked */
    struct digest digest;
    const char *name;
    uint8_t state;      /* enum node_state */
    uint8_t is_updated; /* started by the deployer: behaviour_to */
    uint32_t boots, pulls;
    tstamp cut_at;  /* STOPPING, ENDING */
    uint32_t cause; /* of the node's next record: who asked for what happens to it */
    struct machine_env env;
};

struct host {
    struct clock clock;
    struct effects fx;
    struct digest digest;
    struct node_slot *nodes;
    uint32_t node_count; /* also the leaf of the plan */
    bool trace, posts_are_ordered, wakes_are_chosen;
    bool has_kills, plan_is_stale; /* the plan acts by itself; ask it when it will */
    uint64_t blob_kinds;           /* bit per message kind that may carry any */
    uint64_t event_count, next_seq;
    struct network network;
    struct arena *arena;
    const struct cluster *cluster;
    const struct draws *draws;
    struct fault_ops faults;
    struct host_sinks sinks;
    void (*checkpoint)(void *context, const struct host_checkpoint *checkpoint);
    struct pair_table post_counts; /* ordinals of posts, only when some are delayed */
    tstamp chosen_at;              /* instant and count of the last chosen wake-ups */
    uint64_t chosen_count;
};

/* What the host has to do later, in the payload of a message to itself. */
enum host_task_kind { TASK_BOOT, TASK_LISTEN, TASK_CUT, TASK_DONE };
struct host_task {
    uint8_t kind; /* enum host_task_kind */
    uint8_t op;   /* enum control_op, when somebody asked */
    node_id node;
    uint32_t incarnation;       /* of the node */
    uint32_t asker_incarnation; /* of the message's `from` */
};

static inline bool state_listens(uint8_t state)
{
    return state >= STATE_UP;
}
/* It has had its SIGTERM, and Docker still waits for the process. */
static inline bool state_stops(uint8_t state)
{
    return state == STATE_STOPPING || state == STATE_ENDING;
}

/* --- digest: mixed words first, then one xor and one odd multiply on the chain --- */

static inline uint64_t mix_two(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x8ebc6af09c88c6e3)) *
                                (b ^ UINT64_C(0x589965cc75374cc3));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
static inline uint64_t mix_message(const struct message *m)
{
    uint64_t route = (uint64_t)m->kind | (uint64_t)m->what << 16 | (uint64_t)m->from << 32 |
                     (uint64_t)m->to << 48;
    uint64_t actors = (uint64_t)m->from_actor | (uint64_t)m->to_actor << 32;
    uint64_t chain = (uint64_t)m->corr | (uint64_t)m->cause << 32;
    uint64_t envelope = mix_two(route, actors);
    uint64_t rest = mix_two(chain, m->u.words[0]);
    uint64_t middle = mix_two(m->u.words[1], m->u.words[2] + 1);
    uint64_t end = mix_two(m->u.words[3] + 2, m->u.words[4] + 3);
    return envelope + (rest ^ (middle << 1 | middle >> 63)) + (end << 2 | end >> 62);
}
static inline uint64_t mix_event(enum event_kind kind, tstamp at, node_id node, uint64_t word)
{
    return mix_two(at, ((uint64_t)kind << 56 | (uint64_t)node << 40) ^ word);
}
static inline void digest_mixed(struct digest *d, uint64_t mixed)
{
    d->state = (d->state ^ mixed) * UINT64_C(0xd6e8feb86659fd93) + 1;
}
uint64_t host_mix_with_blobs(const struct host *self, const struct message *m);

/* --- records --- */

static inline uint64_t mix_record(const struct record *r)
{
    uint64_t who = (uint64_t)r->kind | (uint64_t)r->node << 16 | (uint64_t)r->actor << 32;
    uint64_t how = (uint64_t)r->cause | (uint64_t)r->outcome << 32 | (uint64_t)r->detail << 40 |
                   (uint64_t)r->action << 48;
    uint64_t ids = (uint64_t)r->activation | (uint64_t)r->container << 32;
    uint64_t peers = (uint64_t)r->creation | (uint64_t)r->ns << 32 | (uint64_t)r->peer << 48;
    uint64_t mixed_ids = mix_two(ids, peers);
    return mix_two(r->seq, r->at) + (mix_two(who, how) ^ (mixed_ids << 1 | mixed_ids >> 63)) +
           mix_two(r->value + 2, r->value2 + 3);
}
static inline void host_keep_mixed(struct host *self, const struct record *r, uint64_t mixed)
{
    digest_mixed(&self->digest, mixed);
    self->plan_is_stale = self->has_kills;
    if (self->sinks.record != NULL)
        self->sinks.record(self->sinks.context, r);
}
static inline void host_keep_record(struct host *self, const struct record *r)
{
    host_keep_mixed(self, r, mix_record(r));
}
/* A record of the host itself, to be filled and then kept at once. */
struct record host_record(struct host *self, enum record_kind kind, node_id node);

/* --- host_sim.c --- */

/* Deliver to a node that listens, and perform what follows. `mixed` goes into the digests. */
void host_step(struct host *self, node_id node, struct event *ev, uint64_t mixed);

/* --- host_sim_send.c --- */

/* With the plan's verdict, blobs, delays of posts. Copies *m. */
void host_send_slow(struct host *self, const struct message *m);
/* On its way without being asked about; extra: on top of its latency; salt: of a copy. */
void host_route(struct host *self, const struct message *m, duration extra, uint64_t salt);
/* It is due, and nobody listens or an end went down. False: it may be delivered after all. */
bool host_turn_away(struct host *self, struct message *m);
void host_free_blobs(struct host *self, struct message *m); /* those still on their way */

/* --- host_sim_nodes.c --- */

void host_on_task(struct host *self, const struct message *m);
void host_on_control(struct host *self, const struct message *m);
void host_on_link_event(struct host *self, const struct message *m);
void host_on_plan(struct host *self);
void host_cut(struct host *self, node_id node, bool by_fault);
/* To `node`, due now: its connections to `peer` broke, or may be made again. */
void host_push_link_event(struct host *self, node_id node, node_id peer, bool down);
