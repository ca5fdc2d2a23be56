/*
 * kafka_api.c - see kafka_api.h: headers, versions, and how requests end.
 */
#include "kafka/kafka_api.h"
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

typedef void kafka_api_fn(struct kafka_call *call);

static void api_versions(struct kafka_call *call);

#define API_VERSIONS_MAX 3

/* Ranges: what clients of upstream's years ask for, below the flexible versions of each. */
static const struct kafka_api {
    int16_t key, min, max;
    kafka_api_fn *fn;
} kafka_apis[] = {
    {KAFKA_API_PRODUCE, 0, 7, kafka_api_produce},
    {KAFKA_API_FETCH, 0, 11, kafka_api_fetch},
    {KAFKA_API_LIST_OFFSETS, 0, 5, kafka_api_list_offsets},
    {KAFKA_API_METADATA, 0, 8, kafka_api_metadata},
    {KAFKA_API_OFFSET_COMMIT, 0, 7, kafka_api_offset_commit},
    {KAFKA_API_OFFSET_FETCH, 0, 5, kafka_api_offset_fetch},
    {KAFKA_API_FIND_COORDINATOR, 0, 2, kafka_api_find_coordinator},
    {KAFKA_API_JOIN_GROUP, 0, 5, kafka_api_join},
    {KAFKA_API_HEARTBEAT, 0, 3, kafka_api_heartbeat},
    {KAFKA_API_LEAVE_GROUP, 0, 3, kafka_api_leave},
    {KAFKA_API_SYNC_GROUP, 0, 3, kafka_api_sync},
    {KAFKA_API_DESCRIBE_GROUPS, 0, 4, kafka_api_describe_groups},
    {KAFKA_API_LIST_GROUPS, 0, 2, kafka_api_list_groups},
    {KAFKA_API_VERSIONS, 0, API_VERSIONS_MAX, api_versions},
    {KAFKA_API_CREATE_TOPICS, 0, 4, kafka_api_create_topics},
    {KAFKA_API_DELETE_TOPICS, 0, 3, kafka_api_delete_topics},
};
#define API_COUNT (sizeof kafka_apis / sizeof kafka_apis[0])

static const struct kafka_api *api_find(int16_t key)
{
    for (unsigned i = 0; i < API_COUNT; i++) {
        if (kafka_apis[i].key == key)
            return &kafka_apis[i];
    }
    return NULL;
}

static void api_answer(struct kafka *self, struct effects *fx, const struct kafka_asker *asker,
                       blob bytes, bool is_closing)
{
    uint32_t cause = fx->cause;
    fx->cause = asker->cause;
    struct message *m =
        effects_send(fx, MSG_KAFKA_ANSWER, asker->to_actor, asker->node, asker->actor);
    m->corr = asker->corr;
    m->u.kafka_frame.bytes = bytes;
    m->u.kafka_frame.close = is_closing;
    fx->cause = cause;
    (void)self;
}

struct kafka_out kafka_api_begin(struct kafka *self, const struct kafka_asker *asker,
                                 size_t room)
{
    struct kafka_out out = kafka_out_start(self->env->arena, room);
    kafka_out_i32(&out, asker->correlation);
    return out;
}

void kafka_api_send(struct kafka *self, struct effects *fx, const struct kafka_asker *asker,
                    struct kafka_out *out)
{
    blob bytes = kafka_out_finish(out);
    if (asker->is_gone)
        blob_free(self->env->arena, bytes);
    else
        api_answer(self, fx, asker, bytes, bytes == 0); /* too long: the connection ends */
}

uint64_t kafka_api_duration(const struct kafka *self, int32_t ms)
{
    return MSEC(ms > 0 ? ms : 0) * kafka_config(self)->client_speed;
}

uint32_t kafka_call_topic(const struct kafka_call *call, struct kafka_text name)
{
    return call->is_trial ? call->self->store->topic_count
                          : kafka_topics_find(call->self, name);
}

/* Header v1, of flexible versions v2. False: it makes no sense. */
static bool call_begin(struct kafka_call *call, const struct kafka_api **ret_api)
{
    int16_t key = kafka_in_i16(&call->in);
    call->asker.version = kafka_in_i16(&call->in);
    call->asker.correlation = kafka_in_i32(&call->in);
    const struct kafka_api *api = *ret_api = api_find(key);
    if (!call->in.ok || api == NULL)
        return false;
    bool is_versions = key == KAFKA_API_VERSIONS;
    if (is_versions && (call->asker.version < 0 || call->asker.version > api->max))
        return true; /* the one request that is answered in any version */
    if (call->asker.version < api->min || call->asker.version > api->max)
        return false;
    call->client = kafka_in_nullable(&call->in);
    call->in.is_flexible = is_versions && call->asker.version >= API_VERSIONS_MAX;
    kafka_in_tags(&call->in);
    return call->in.ok;
}

static void call_run(struct kafka_call *call, const struct kafka_api *api)
{
    struct kafka_in body = call->in;
    call->is_trial = true;
    api->fn(call);
    if (!call->in.ok) {
        call->is_closing = true;
        return;
    }
    *call = (struct kafka_call){.self = call->self,
                                .fx = call->fx,
                                .asker = call->asker,
                                .client = call->client,
                                .in = body,
                                .out = kafka_api_begin(call->self, &call->asker, 0)};
    api->fn(call);
}

void kafka_api_on_frame(struct kafka *self, const struct message *m, struct effects *fx)
{
    const struct kafka_api *api;
    blob bytes = m->u.kafka_frame.bytes;
    const struct arena *arena = self->env->arena;
    struct kafka_call call = {.self = self, .fx = fx};
    call.in = kafka_in_start(blob_bytes(arena, bytes), blob_size(arena, bytes));
    call.asker = (struct kafka_asker){.node = m->from,
                                      .actor = m->from_actor,
                                      .to_actor = m->to_actor,
                                      .corr = m->corr,
                                      .cause = m->cause,
                                      .address = m->u.kafka_frame.address};
    if (call_begin(&call, &api))
        call_run(&call, api);
    else
        call.is_closing = true;
    if (call.out.bytes != NULL && (call.is_later || call.is_silent || call.is_closing))
        kafka_out_drop(&call.out);
    if (call.is_closing || call.is_silent)
        api_answer(self, fx, &call.asker, 0, call.is_closing);
    else if (!call.is_later)
        kafka_api_send(self, fx, &call.asker, &call.out);
}

void kafka_api_on_closed(struct kafka *self, const struct message *m)
{
    kafka_fetch_forget(self, m->corr);
    kafka_coordinator_forget(self, m->corr);
}

/* ---- ApiVersions ---- */

/* ApiVersionsRequest.isValid: letters and digits, inside also '-' and '.'. */
static bool is_software_word(struct kafka_text text)
{
    for (uint32_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        bool is_inner = i > 0 && i + 1 < text.length;
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (is_inner && (c == '-' || c == '.'))))
            return false;
    }
    return text.length > 0;
}

static int16_t versions_check(struct kafka_call *call)
{
    bool is_known =
        kafka_call_version(call) >= 0 && kafka_call_version(call) <= API_VERSIONS_MAX;
    if (!is_known)
        return KAFKA_UNSUPPORTED_VERSION;
    if (kafka_call_version(call) < API_VERSIONS_MAX)
        return KAFKA_NO_ERROR;
    struct kafka_text name = kafka_in_string(&call->in);
    struct kafka_text version = kafka_in_string(&call->in);
    kafka_in_tags(&call->in);
    return is_software_word(name) && is_software_word(version) ? KAFKA_NO_ERROR
                                                               : KAFKA_INVALID_REQUEST;
}

/* The answer's header has never tags, so that any client can read it. An unknown version is
 * answered in version 0, with the versions of this request alone. */
static void api_versions(struct kafka_call *call)
{
    int16_t error = versions_check(call);
    if (call->is_trial)
        return;
    struct kafka_out *out = &call->out;
    int16_t version = error == KAFKA_UNSUPPORTED_VERSION ? 0 : kafka_call_version(call);
    out->is_flexible = version >= API_VERSIONS_MAX;
    kafka_out_i16(out, error);
    kafka_out_array(out, error == KAFKA_NO_ERROR              ? (uint32_t)API_COUNT
                         : error == KAFKA_UNSUPPORTED_VERSION ? 1
                                                              : 0);
    for (unsigned i = 0; i < API_COUNT && error != KAFKA_INVALID_REQUEST; i++) {
        if (error == KAFKA_UNSUPPORTED_VERSION && kafka_apis[i].key != KAFKA_API_VERSIONS)
            continue;
        kafka_out_i16(out, kafka_apis[i].key);
        kafka_out_i16(out, kafka_apis[i].min);
        kafka_out_i16(out, kafka_apis[i].max);
        kafka_out_tags(out);
    }
    if (version >= 1)
        kafka_out_i32(out, 0); /* throttle_time_ms */
    kafka_out_tags(out);
}
