/* host_rules.c - see host_rules.h. */
#include "core/host_rules.h"
#include "core/assert.h"
#include <string.h>

#define STOP_MAX SEC(10) /* docker sends SIGKILL then */

duration host_restart_time(const struct machine_env *env)
{
    static const struct {
        uint8_t is_given, timing;
    } ranges[NODE_KIND_COUNT] = {
        [NODE_CONTROLLER] = {1, TIMING_RESTART_CONTROLLER},
        [NODE_SCHEDULER] = {1, TIMING_RESTART_SCHEDULER},
        [NODE_INVOKER] = {1, TIMING_RESTART_INVOKER},
    };
    enum node_kind kind = cluster_kind(env->cluster, env->node);
    if (!ranges[kind].is_given)
        return 0;
    return draw_range(env->draws, PURPOSE_RESTART, env->node, env->incarnation,
                      env->cluster->timing[ranges[kind].timing]);
}

duration host_stop_time(const struct machine_env *env)
{
    duration grace = draw_range(env->draws, PURPOSE_STOP, env->node, env->incarnation,
                                env->cluster->timing[TIMING_STOP]);
    return grace < STOP_MAX ? grace : STOP_MAX;
}

uint64_t host_blob_kinds(void)
{
    uint64_t kinds = 0;
    for (unsigned kind = 0; kind < MESSAGE_KIND_COUNT; kind++) {
        struct message m = {.kind = (uint16_t)kind};
        blob *blobs[3];
        if (message_blobs(&m, blobs) > 0)
            kinds |= UINT64_C(1) << kind;
    }
    return kinds;
}

struct message host_refusal(const struct message *call)
{
    ASSERT(message_infos[call->kind].call);
    struct message m = {.kind = MSG_REFUSED,
                        .from = call->to,
                        .to = call->from,
                        .from_actor = call->to_actor,
                        .to_actor = call->from_actor,
                        .corr = call->corr,
                        .cause = call->cause};
    m.u.refused.kind = call->kind;
    return m;
}

struct message host_answer(const struct arena *arena, const struct message *request,
                           const struct fault_verdict *verdict)
{
    struct message m = {.kind = MSG_HTTP_REPLY,
                        .from = request->to,
                        .to = request->from,
                        .from_actor = request->to_actor,
                        .to_actor = request->from_actor,
                        .corr = request->corr,
                        .cause = request->cause};
    const char *body = blob_bytes(arena, verdict->body);
    m.u.http_reply.status = verdict->status;
    m.u.http_reply.body = verdict->body;
    m.u.http_reply.content = verdict->body == 0 ? CONTENT_NONE
                             : strchr("{[\"", body[0]) != NULL && body[0] != '\0'
                                 ? CONTENT_JSON
                                 : CONTENT_TEXT;
    return m;
}

void host_record_lost(struct record *r, const struct message *m)
{
    r->actor = m->from_actor;
    r->cause = m->cause;
    r->peer = m->to;
    r->detail = (uint8_t)m->kind;
    r->activation = message_activation(m);
}

void host_record_fault(struct record *r, const struct message *m, uint16_t rule)
{
    host_record_lost(r, m);
    r->value = rule;
}

void host_record_count(struct record *r, const struct message *m,
                       const struct fault_verdict *verdict)
{
    r->cause = m->cause;
    r->value = verdict->count;
    r->detail = (uint8_t)(verdict->status / 100);
}
