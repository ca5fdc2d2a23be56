/*
 * common.c - names of the shared posts, one fixed order of keys, and etcd-java's rule for
 * sending a call again.
 */
#include "common/common.h"
#include "common/etcd_call.h"
#include "core/assert.h"

NAMES_DEFINE(common_post, COMMON_POST_LIST)

static int compare(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int key_order(const struct key *a, const struct key *b)
{
    int order = compare(a->family, b->family);
    if (order == 0)
        order = compare(a->ns, b->ns);
    if (order == 0)
        order = compare(a->action, b->action);
    if (order == 0)
        order = compare(a->node, b->node);
    if (order == 0)
        order = compare(a->revision, b->revision);
    return order != 0 ? order : compare(a->id, b->id);
}

/* etcd-java's GrpcClient: an immediate retry at most once a second, else 500 to 1000 ms. */
#define RETRY_IMMEDIATE_GAP SEC(1)

duration etcd_retry_delay(struct etcd_retry *self, const struct machine_env *env,
                          actor_id actor, tstamp now)
{
    if (now >= self->next_immediate_at) {
        self->next_immediate_at = tstamp_add(now, RETRY_IMMEDIATE_GAP);
        return 0;
    }
    struct range pause = {MSEC(500), MSEC(1000)};
    uint64_t entity = (uint64_t)env->node << 32 | actor;
    duration delay =
        draw_range(env->draws, PURPOSE_ETCD_RETRY, entity, self->draw_count, pause);
    self->draw_count++;
    ASSERT_OP(delay, >, 0);
    return delay;
}
