/*
 * controller_producer.c - the send to Kafka and its failures.
 *
 * The Java producer (acks=1) hides a lost broker: it reconnects and sends again what was not
 * acknowledged, until delivery.timeout.ms; without metadata of the topic the send fails after
 * max.block.ms. A batch that was written before the connection broke is so written twice.
 * Source: KafkaProducerConnector.scala:52-96 at 1fae641a2, kafka-clients 3.9.1 defaults.
 */
#include "controller/controller_internal.h"
#include "core/assert.h"

#define MAX_BLOCK SEC(60)
#define DELIVERY_TIMEOUT SEC(120)
#define REQUEST_TIMEOUT SEC(30) /* request.timeout.ms: then the batch is sent again */
#define RECONNECT SEC(1)        /* reconnect.backoff.max.ms */
#define RETRY_PAUSE MSEC(100)   /* KafkaProducerConnector.scala:84 */
#define SEND_RETRIES_MAX 3u
#define RESEND_MAX 8192u /* of one turn; the others follow after the next pause */

static uint32_t topic_of(const struct controller *self, node_id scheduler)
{
    return TOPIC(TOPIC_SCHEDULER, self->env->cluster->nodes[scheduler].index);
}

/* Until the send is given up; while the broker has it, at most until the request is. */
static void arm_send(struct controller *self, struct invocation *i, struct effects *fx)
{
    ASSERT_OP(i->send_until, >=, fx->at);
    duration left = i->send_until - fx->at;
    if (i->is_call_open && left > REQUEST_TIMEOUT)
        left = REQUEST_TIMEOUT;
    timers_arm(&self->timers, fx, &i->stage_timer, left, left == REQUEST_TIMEOUT);
}

static void transmit(struct controller *self, struct invocation *i, struct effects *fx)
{
    struct message *m =
        effects_send(fx, MSG_KAFKA_PRODUCE, SEND_ACTOR(i->attempt), self->kafka, ACTOR_MAIN_ID);
    m->corr = i->id;
    m->u.produce.topic = topic_of(self, i->scheduler);
    struct entry *e = &m->u.produce.entry;
    e->kind = ENTRY_ACTIVATION;
    e->cause = fx->cause;
    e->u.activation = (struct activation){.id = i->id,
                                          .revision = i->revision,
                                          .started_at = i->received_at,
                                          .action = i->action,
                                          .ns = i->ns,
                                          .controller = self->env->node,
                                          .blocking = i->is_blocking};
    i->is_call_open = true;
    arm_send(self, i, fx);
}

void controller_send(struct controller *self, struct invocation *i, struct effects *fx)
{
    bool is_known = call_map_find(&self->topics_known, topic_of(self, i->scheduler)) != NULL;
    i->stage = STAGE_SEND;
    i->attempt = 0;
    i->send_until = tstamp_add(fx->at, is_known ? DELIVERY_TIMEOUT : MAX_BLOCK);
    transmit(self, i, fx);
}

static void wait_to_resend(struct controller *self, struct invocation *i, duration pause,
                           struct effects *fx)
{
    ASSERT(i->is_call_open);
    i->is_call_open = false;
    self->waiting_sends++;
    arm_send(self, i, fx);
    if (!timer_is_armed(&self->producer_timer))
        controller_arm(self, fx, &self->producer_timer, pause);
}

/* The slot stays until the forced completion; the caller gets a failure (if it still waits). */
static void send_failed(struct controller *self, struct invocation *i, struct effects *fx)
{
    timers_cancel(&self->timers, &i->stage_timer);
    i->is_call_open = false;
    i->stage = STAGE_OVER;
    controller_answer(self, i, fx, 500, RESPONSE_WHISK_ERROR, ERROR_SEND_FAILED);
}

void controller_on_produced(struct controller *self, const struct message *m,
                            struct effects *fx)
{
    struct invocation *i = controller_find(self, m->corr);
    if (ACTOR_GENERATION(m->to_actor) != 0) /* a warm-up: nobody waits for it */
        return;
    if (i == NULL || i->stage != STAGE_SEND || !i->is_call_open ||
        i->attempt != ACTOR_INDEX(m->to_actor))
        return;
    if (m->kind == MSG_REFUSED) {
        wait_to_resend(self, i, RECONNECT, fx);
    } else if (m->u.produced.ok) {
        uint32_t topic = topic_of(self, i->scheduler);
        if (call_map_find(&self->topics_known, topic) == NULL)
            call_map_put(&self->topics_known, topic, 1);
        i->is_call_open = false;
        timers_cancel(&self->timers, &i->stage_timer);
        controller_published(self, i, fx);
    } else if (i->send_retries < SEND_RETRIES_MAX) {
        i->send_retries++;
        wait_to_resend(self, i, RETRY_PAUSE, fx);
    } else {
        send_failed(self, i, fx);
    }
}

/* A time-out makes the producer anew: what it knew of topics is gone. */
void controller_send_timer(struct controller *self, struct invocation *i, struct effects *fx)
{
    if (fx->at < i->send_until) {
        wait_to_resend(self, i, RECONNECT, fx);
        return;
    }
    if (!i->is_call_open) {
        ASSERT_OP(self->waiting_sends, >, 0);
        self->waiting_sends--;
    }
    self->topics_known.count = 0;
    send_failed(self, i, fx);
}

void controller_producer_timer(struct controller *self, struct effects *fx)
{
    uint32_t sent = 0;
    for (struct invocation *i = self->first; i != NULL && sent < RESEND_MAX; i = i->next) {
        if (self->waiting_sends == 0)
            break;
        if (i->stage != STAGE_SEND || i->is_call_open)
            continue;
        fx->cause = i->cause;
        i->attempt++;
        transmit(self, i, fx);
        self->waiting_sends--;
        sent++;
    }
    if (self->waiting_sends > 0)
        controller_arm(self, fx, &self->producer_timer, RECONNECT);
}

void controller_kafka_down(struct controller *self, struct effects *fx)
{
    for (struct invocation *i = self->first; i != NULL; i = i->next) {
        if (i->stage == STAGE_SEND && i->is_call_open)
            wait_to_resend(self, i, RECONNECT, fx);
    }
}

/* A dummy activation for a scheduler that has just appeared (FPCPoolBalancer.scala:533-561). */
void controller_send_warm_up(struct controller *self, uint32_t scheduler, struct effects *fx)
{
    struct message *m =
        effects_send(fx, MSG_KAFKA_PRODUCE, WARM_UP_SEND_ACTOR, self->kafka, ACTOR_MAIN_ID);
    m->corr = controller_number(self);
    m->u.produce.topic = TOPIC(TOPIC_SCHEDULER, scheduler);
    struct entry *e = &m->u.produce.entry;
    e->kind = ENTRY_WARM_UP;
    e->cause = fx->cause;
    /* No id: it has no slot and no record. */
    e->u.activation = (struct activation){.started_at = fx->at,
                                          .action = ACTION_WARM_UP,
                                          .ns = NAMESPACE_SYSTEM,
                                          .controller = self->env->node};
}
