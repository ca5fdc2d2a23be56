/*
 * manager_bed.c - see manager_bed.h.
 */
#include "support/manager_bed.h"
#include "common/common_behaviour.h"

void manager_create(struct sched *s, namespace_id ns, action_id action, uint32_t revision)
{
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_CONTROLLER0, ACTOR_MANAGER_ID);
    m.u.create_queue.action = action;
    m.u.create_queue.ns = ns;
    m.u.create_queue.revision = revision;
    m.u.create_queue.akka = common_behaviour(&s->bed->env)->akka;
    bed_deliver(s->bed, &m);
    sched_pump(s);
}

struct queue *manager_queue(struct sched *s, action_id action, uint32_t revision)
{
    const struct pool_entry *entry = pool_find(s->machine, BED_GUEST, action, revision);
    return entry == NULL ? NULL : queue_get(s->machine, entry->queue);
}

void manager_removed(struct sched *s, const struct queue *q, bool has_key)
{
    struct post_removed post = {
        .revision = q->revision, .action = q->action, .ns = q->ns, .has_key = has_key};
    sched_post(s, q->actor, ACTOR_MANAGER_ID, POST_QUEUE_REMOVED, &post, sizeof post);
}

void manager_ask(struct sched *s, const char *path)
{
    bed_http(s->bed, HTTP_GET, path, bed_authorization(SCHEDULER_USER, SCHEDULER_PASSWORD),
             NULL);
    sched_pump(s);
}
