/*
 * invoker_pool_json.c - what GET /pool answers. Prewarmed containers that are being made are in
 * none of its figures.
 * Source: FunctionPullingContainerPool.scala:61-69, 438-444 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"
#include "core/json.h"
#include <stdio.h>
#include <string.h>

static void json_containers(struct invoker *self, struct json_out *json, enum pool_list list)
{
    const struct cluster *c = self->env->cluster;
    char id[12];
    json_out_object_begin(json);
    json_out_key(json, "containers");
    json_out_array_begin(json);
    for (const struct slot *s = self->pool.lists[list].head; s != NULL;
         s = s->pool.next[list]) {
        const char *name = cluster_action_name(c, s->pool.action);
        const char *bare = strrchr(name, '/');
        snprintf(id, sizeof id, "%08" PRIx32, s->proxy.container);
        json_out_object_begin(json);
        json_out_key(json, "action");
        json_out_string(json, bare == NULL ? name : bare + 1);
        json_out_key(json, "containerId");
        json_out_string(json, id);
        json_out_key(json, "kind");
        json_out_string(json, exec_kind_to_string(invoker_action_kind(self, s->pool.action)));
        json_out_key(json, "namespace");
        json_out_string(json, cluster_namespace_name(c, s->pool.ns));
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_key(json, "total");
    json_out_number(json, self->pool.lists[list].count);
    json_out_object_end(json);
}

static void json_prewarmed(struct invoker *self, struct json_out *json)
{
    static const uint8_t by_name[EXEC_KIND_COUNT] = {KIND_BLACKBOX, KIND_NODEJS_20};
    const struct pool_chain *chain = &self->pool.lists[POOL_PREWARMED];
    uint32_t counts[EXEC_KIND_COUNT] = {0};
    for (const struct slot *s = chain->head; s != NULL; s = s->pool.next[POOL_PREWARMED])
        counts[s->pool.kind]++;
    json_out_object_begin(json);
    json_out_key(json, "countsByKind");
    json_out_object_begin(json);
    for (unsigned i = 0; i < EXEC_KIND_COUNT; i++) {
        if (counts[by_name[i]] == 0)
            continue;
        json_out_key(json, exec_kind_to_string(by_name[i]));
        json_out_number(json, counts[by_name[i]]);
    }
    json_out_object_end(json);
    json_out_key(json, "total");
    json_out_number(json, chain->count);
    json_out_object_end(json);
}

blob invoker_pool_state_json(struct invoker *self)
{
    struct json_out json;
    const struct pool_chain *lists = self->pool.lists;
    json_out_init(&json, self->env->arena, self->env->node);
    json_out_object_begin(&json);
    json_out_key(&json, "busyPool");
    json_containers(self, &json, POOL_BUSY);
    json_out_key(&json, "inProgressCount");
    json_out_number(&json, lists[POOL_IN_PROGRESS].count);
    json_out_key(&json, "pausedPool");
    json_containers(self, &json, POOL_WARMED);
    json_out_key(&json, "prewarmedPool");
    json_prewarmed(self, &json);
    json_out_key(&json, "totalContainers");
    json_out_number(&json, (uint64_t)lists[POOL_BUSY].count + lists[POOL_IN_PROGRESS].count +
                               lists[POOL_WARMED].count + lists[POOL_PREWARMED].count);
    json_out_object_end(&json);
    return json_out_finish(&json);
}
