/*
 * controller_route.c - the administration routes.
 *
 * Source: Controller.scala:145-286; FPCPoolBalancer.scala:587-671 at 1fae641a2.
 */
#include "controller/controller_behaviour.h"
#include "controller/controller_internal.h"
#include "core/assert.h"
#include "core/json.h"
#include <stdio.h>

/* In upstream's order, which is that of `Allow`. */
const struct admin_route controller_routes[ROUTE_COUNT] = {
    [ROUTE_ROOT] = {HTTP_GET, "/", SLASH_NEVER, false, false},
    [ROUTE_INVOKERS] = {HTTP_GET, "/invokers", SLASH_ALLOWED, false, false},
    [ROUTE_HEALTHY_COUNT] = {HTTP_GET, "/invokers/healthy/count", SLASH_NEVER, false, false},
    [ROUTE_READY] = {HTTP_GET, "/invokers/ready", SLASH_NEVER, false, false},
    [ROUTE_ACTIVATION] = {HTTP_GET, "/activation", SLASH_ALLOWED, true, false},
    [ROUTE_ACTIVATION_COUNT] = {HTTP_GET, "/activation/count", SLASH_NEVER, true, false},
    [ROUTE_DISABLE] = {HTTP_POST, "/disable", SLASH_NEVER, true, true},
};

/* Controller.scala:253-282 with the shipped limits and one runtime. */
#define INFO_LIMITS                                                                            \
    "{\"actions_per_minute\":60,\"concurrent_actions\":30,"                                    \
    "\"default_max_action_duration\":300000,\"default_max_action_logs\":10485760,"             \
    "\"default_max_action_memory\":536870912,\"default_min_action_duration\":100,"             \
    "\"default_min_action_logs\":0,\"default_min_action_memory\":134217728,"                   \
    "\"max_action_duration\":300000,\"max_action_logs\":10485760,"                             \
    "\"max_action_memory\":536870912,\"min_action_duration\":100,\"min_action_logs\":0,"       \
    "\"min_action_memory\":134217728,\"sequence_length\":50,\"triggers_per_minute\":60}"
#define INFO_RUNTIMES                                                                          \
    "{\"nodejs\":[{\"attached\":true,\"default\":true,\"deprecated\":false,"                   \
    "\"image\":\"openwhisk/action-nodejs-v20:nightly\",\"kind\":\"nodejs:20\","                \
    "\"requireMain\":false}]}"
#define INFO                                                                                   \
    "{\"api_paths\":[\"/api/v1\"],\"description\":\"OpenWhisk\",\"limits\":" INFO_LIMITS       \
    ",\"runtimes\":" INFO_RUNTIMES                                                             \
    ",\"support\":{\"github\":\"https://github.com/apache/openwhisk/issues\","                 \
    "\"slack\":\"http://slack.openwhisk.org\"}}"

static void answer_activations(const struct controller *self, const struct message *m,
                               struct effects *fx)
{
    struct json_out out;
    json_out_init(&out, self->env->arena, ARENA_MESSAGE);
    json_out_array_begin(&out);
    for (const struct invocation *i = self->first; i != NULL; i = i->next) {
        char id[33], name[128];
        if (!i->has_slot)
            continue;
        cluster_activation_text(self->env->draws, i->id, id);
        snprintf(name, sizeof name, "%s@0.0.1",
                 cluster_action_name(self->env->cluster, i->action));
        json_out_array_begin(&out);
        json_out_string(&out, id);
        json_out_string(&out, name);
        json_out_array_end(&out);
    }
    json_out_array_end(&out);
    admin_answer_blob(&self->admin, self->env, m, fx, 200, CONTENT_JSON, json_out_finish(&out));
}

static void answer_count(const struct controller *self, const struct message *m,
                         struct effects *fx)
{
    char body[16];
    snprintf(body, sizeof body, "%" PRIu32, self->slot_count);
    struct record *r = effects_record(fx, RECORD_COUNT_ANSWERED, ACTOR_MAIN_ID);
    r->value = self->slot_count;
    r->detail = 2;
    admin_answer(&self->admin, self->env, m, fx, 200, CONTENT_JSON, body);
}

/* Stops watching, and tells the ack feed to stop, which it ignores. Nothing else. */
static void disable(struct controller *self, const struct message *m, struct effects *fx)
{
    effects_record(fx, RECORD_NODE_DISABLED, ACTOR_MAIN_ID);
    controller_unwatch(self, fx);
    effects_post(fx, BALANCER_ID, ACTOR_FEED_ID(self->acks.index), POST_GRACEFUL_SHUTDOWN);
    admin_answer(&self->admin, self->env, m, fx, 200, CONTENT_TEXT, "controller is disabled");
}

void controller_on_http(struct controller *self, const struct message *m, struct effects *fx)
{
    if (controller_api_on_http(self, m, fx))
        return;
    int route = admin_route(&self->admin, self->env, m, fx);
    if (route < 0)
        return;
    switch ((enum controller_route)route) {
    case ROUTE_ROOT:
        admin_answer(&self->admin, self->env, m, fx, 200, CONTENT_JSON, INFO);
        return;
    case ROUTE_INVOKERS:
    case ROUTE_HEALTHY_COUNT:
    case ROUTE_READY:
        controller_read_prefix(self, (enum controller_route)route, m, fx);
        return;
    case ROUTE_ACTIVATION:
        answer_activations(self, m, fx);
        return;
    case ROUTE_ACTIVATION_COUNT:
        answer_count(self, m, fx);
        return;
    case ROUTE_DISABLE:
        disable(self, m, fx);
        return;
    case ROUTE_NONE:
        break;
    }
    ASSERT_OP(route, <, ROUTE_COUNT);
}

/* ---- invokers ---- */

struct health { /* of one invoker: index, whether a key says so, status */
    uint32_t index;
    uint8_t status;
};
struct health_list {
    struct health *items; /* arena block */
    uint32_t count, up_count;
};

/* Those with a key, and `down` for the gaps between (since #5464: not below the first). */
static bool health_collect(const struct controller *self, const struct etcd_kv *kvs,
                           uint32_t count, struct health_list *ret_list)
{
    const struct cluster *c = self->env->cluster;
    uint32_t last = c->counts[NODE_INVOKER], low = UINT32_MAX, high = 0;
    struct health *all =
        arena_alloc(self->env->arena, self->env->node, (last + 1) * sizeof *all);
    bool is_valid = true;
    *ret_list = (struct health_list){.items = all};
    for (uint32_t i = 0; i < last; i++)
        all[i] = (struct health){.index = i, .status = INVOKER_DOWN};
    for (uint32_t k = 0; k < count; k++) {
        node_id node = kvs[k].key.node;
        bool is_invoker = node < c->node_count && c->nodes[node].kind == NODE_INVOKER;
        if (!is_invoker || kvs[k].value.kind != VALUE_INVOKER ||
            kvs[k].value.status >= INVOKER_STATUS_COUNT) {
            is_valid = false;
            continue;
        }
        uint32_t index = c->nodes[node].index;
        all[index].status = kvs[k].value.status;
        ret_list->up_count += kvs[k].value.status == INVOKER_UP;
        low = index < low ? index : low;
        high = index > high ? index : high;
    }
    if (low == UINT32_MAX)
        return is_valid;
    if (controller_behaviour(self->env)->invokers_from_zero)
        low = 0;
    ret_list->count = high - low + 1;
    memmove(all, all + low, ret_list->count * sizeof *all);
    return is_valid;
}

#define SCALA_SMALL_MAP 4u /* up to here a map keeps the order of insertion */

/* By name when there are too many for a small map (its hash order is not modelled). */
static void health_sort(struct health_list *list)
{
    for (uint32_t i = 1; i < list->count && list->count > SCALA_SMALL_MAP; i++) {
        struct health moved = list->items[i];
        char name[16], other[16];
        uint32_t at = i;
        snprintf(name, sizeof name, "%" PRIu32 "/", moved.index);
        for (; at > 0; at--) {
            snprintf(other, sizeof other, "%" PRIu32 "/", list->items[at - 1].index);
            if (strcmp(other, name) <= 0)
                break;
            list->items[at] = list->items[at - 1];
        }
        list->items[at] = moved;
    }
}

static void answer_invokers(const struct controller *self, const struct message *request,
                            struct health_list *list, struct effects *fx)
{
    struct json_out out;
    json_out_init(&out, self->env->arena, ARENA_MESSAGE);
    health_sort(list);
    json_out_object_begin(&out);
    for (uint32_t i = 0; i < list->count; i++) {
        char name[40];
        uint32_t index = list->items[i].index;
        snprintf(name, sizeof name, "invoker%" PRIu32 "/%" PRIu32, index, index);
        json_out_key(&out, name);
        json_out_string(&out, invoker_status_to_string(list->items[i].status));
    }
    json_out_object_end(&out);
    admin_answer_blob(&self->admin, self->env, request, fx, 200, CONTENT_JSON,
                      json_out_finish(&out));
}

/* An integer division: below "all", the ratio is 0 (Controller.scala:284-286). */
static void answer_ready(const struct controller *self, const struct message *request,
                         const struct health_list *list, struct effects *fx)
{
    char body[48];
    uint64_t ratio_ppm = list->count > 0 && list->up_count == list->count ? 1000000 : 0;
    bool is_ready = list->count > 0 && ratio_ppm >= self->config->readiness_fraction_ppm;
    uint32_t first = is_ready ? list->up_count : list->count - list->up_count;
    snprintf(body, sizeof body, "{\"%s\":\"%" PRIu32 "/%" PRIu32 "\"}",
             is_ready ? "healthy" : "unhealthy", first, list->count);
    admin_answer(&self->admin, self->env, request, fx, is_ready ? 200 : 500, CONTENT_JSON,
                 body);
}

void controller_route_read(struct controller *self, const struct prefix_read *read,
                           const struct etcd_kv *kvs, uint32_t count, struct effects *fx)
{
    struct health_list list = {0};
    char body[16];
    if (kvs == NULL || !health_collect(self, kvs, count, &list)) {
        admin_answer_fault(self->env, &read->request, fx);
    } else if (read->route == ROUTE_INVOKERS) {
        answer_invokers(self, &read->request, &list, fx);
    } else if (read->route == ROUTE_READY) {
        answer_ready(self, &read->request, &list, fx);
    } else {
        ASSERT_OP(read->route, ==, ROUTE_HEALTHY_COUNT);
        snprintf(body, sizeof body, "%" PRIu32, list.up_count);
        admin_answer(&self->admin, self->env, &read->request, fx, 200, CONTENT_JSON, body);
    }
    arena_release(self->env->arena, list.items);
}
