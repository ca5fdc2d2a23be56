/*
 * invoker_ack.c - what leaves of an activation that has ended: acks and its record.
 *
 * A completion goes behind the result's send, when that has ended well or badly; nothing else
 * waits for it. Acks of the health test are not sent (HealthActionAck), and a failed send is
 * tried again by the producer alone.
 * Source: FunctionPullingContainerProxy.scala:903-1029, 1156-1223, MessagingActiveAck.scala
 * at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static void ack_await(struct invoker *self, struct run *run, uint32_t corr)
{
    ASSERT(run->result_corr == 0 && run->acking_next == NULL);
    run->result_corr = corr;
    if (self->acking_last != NULL)
        self->acking_last->acking_next = run;
    else
        self->acking_first = run;
    self->acking_last = run;
}

/* The answer's corr is kept with a result, since completion waits for it. */
void invoker_ack_send(struct invoker *self, struct run *run, enum ack_kind kind, bool is_shrunk,
                      struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    const struct activation *a = &run->activation;
    if (run->slot->is_test || a->controller >= c->node_count ||
        cluster_kind(c, a->controller) != NODE_CONTROLLER)
        return;
    struct record *r = effects_record(fx, RECORD_ACKED, slot_actor(run->slot, ACTOR_CALLBACK));
    r->activation = a->id;
    r->action = a->action;
    r->ns = a->ns;
    r->peer = a->controller;
    r->detail = (uint8_t)kind;
    r->value = run->response;
    r->value2 = ACK_BY_INVOKER;
    struct entry entry = {.kind = ENTRY_ACK, .cause = fx->cause};
    entry.u.ack = (struct ack){
        .id = a->id,
        .kind = (uint8_t)kind,
        .status = run->response,
        .error = run->error,
        .instance = ACK_BY_INVOKER,
        .signer = self->env->node,
        .controller = a->controller,
        .action = a->action,
        .ns = a->ns,
        .shrunk = is_shrunk,
        .run_ms = (uint32_t)((run->init_ns + run->run_ns) / MSEC(1)),
    };
    uint32_t corr = invoker_corr(self);
    if (kind == ACK_RESULT)
        ack_await(self, run, corr);
    producer_send(&self->producer, fx, ACTOR_PRODUCER_ID, corr,
                  TOPIC(TOPIC_COMPLETED, c->nodes[a->controller].index), &entry);
}

/* The record goes its own way: nobody waits for it, a failure only loses it. */
void invoker_ack_store(struct invoker *self, const struct run *run, struct effects *fx)
{
    const struct activation *a = &run->activation;
    struct record *r =
        effects_record(fx, RECORD_STORE_SENT, slot_actor(run->slot, ACTOR_CALLBACK));
    r->activation = a->id;
    r->action = a->action;
    r->ns = a->ns;
    r->detail = run->response;
    struct message *m =
        effects_send(fx, MSG_DATABASE_STORE, ACTOR_STORE_ID, self->database, ACTOR_MAIN_ID);
    m->corr = invoker_corr(self);
    m->u.store.id = a->id;
    m->u.store.action = a->action;
    m->u.store.ns = a->ns;
    m->u.store.start_at = run->started_at - run->init_ns;
    m->u.store.end_at = run->started_at + run->run_ns;
    m->u.store.response = run->response;
    m->u.store.error = run->error;
}

void invoker_ack_fall_back(struct invoker *self, struct run *run, enum response_status response,
                           enum error_text error, struct effects *fx)
{
    run->response = (uint8_t)response;
    run->error = (uint8_t)error;
    run->started_at = fx->at;
    invoker_ack_send(self, run, ACK_COMBINED, !run->activation.blocking, fx);
    invoker_ack_store(self, run, fx);
}

void invoker_ack_complete(struct invoker *self, struct run *run, struct effects *fx)
{
    ASSERT_OP(run->phase, ==, RUN_ACKING);
    if (run->result_corr != 0)
        return;
    if (invoker_run_has_logs(self, run))
        invoker_ack_send(self, run, ACK_COMPLETION, !run->activation.blocking, fx);
    invoker_run_free(self, run);
}

/* Answers come in the order of the sends, so that the first is nearly always meant. */
void invoker_ack_on_produced(struct invoker *self, uint32_t corr, struct effects *fx)
{
    struct run *run = self->acking_first, *before = NULL;
    while (run != NULL && run->result_corr != corr) {
        before = run;
        run = run->acking_next;
    }
    if (run == NULL) /* another ack than a result */
        return;
    if (before == NULL)
        self->acking_first = run->acking_next;
    else
        before->acking_next = run->acking_next;
    if (self->acking_last == run)
        self->acking_last = before;
    run->result_corr = 0;
    run->acking_next = NULL;
    if (run->phase != RUN_ACKING)
        return;
    struct slot *slot = run->slot;
    fx->cause = run->cause;
    invoker_ack_complete(self, run, fx);
    invoker_slot_release(self, slot);
}

/* The producer's: sends that are given up have ended, too. */
void invoker_ack_on_timer(struct invoker *self, struct effects *fx)
{
    const struct produce *lost = producer_expire(&self->producer, fx);
    while (lost != NULL) {
        invoker_ack_on_produced(self, lost->corr, fx);
        lost = producer_expire(&self->producer, fx);
    }
    producer_on_timer(&self->producer, fx);
}
