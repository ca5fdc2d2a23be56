/*
 * kafka_api_fetch.c - Fetch: whole batches, and the fetches that wait for enough of them.
 *
 *   read, enough or an error --> answered
 *        '---- else ----> WAITING --append makes it enough, max_wait over--> answered
 *
 * No fetch sessions are made (session id 0: the client asks in full each time); a request
 * that goes on with one is told FETCH_SESSION_ID_NOT_FOUND. Versions below 4 cannot carry
 * batches of magic 2: UNSUPPORTED_VERSION where there is something to read, as a broker with
 * log.message.downconversion.enable=false answers.
 * Source: Kafka 2.7.0 ReplicaManager.fetchMessages, readFromLocalLog, DelayedFetch,
 * FetchManager.
 */
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"
#include <string.h>

#define FETCH_BYTES_MAX (55u << 20) /* fetch.max.bytes of the broker */
#define PART_BYTES 64u              /* about what a partition's header takes in an answer */
#define NOWHERE (-1)
#define EPOCH_INITIAL 0 /* of a fetch session: this is a full request */
#define EPOCH_FINAL (-1)

struct fetch_part {
    uint32_t topic;      /* index; topic_count: unknown */
    uint32_t part_count; /* partitions of this topic, at the first of them; else 0 */
    struct kafka_text name;
    int32_t partition, epoch, bytes_max;
    int64_t offset;
};

struct kafka_fetch { /* gone with the process */
    struct slab_item item;
    struct kafka_asker asker;
    struct timer timer;
    struct fetch_part *parts; /* arena block of the node */
    uint32_t part_count, topic_count;
    int32_t wait_ms, bytes_min, bytes_max;
    int16_t error; /* of the session */
    int8_t isolation;
    bool has_waited;
    char *names; /* arena block: what the parts' names point into */
};

uint32_t kafka_fetch_size(void)
{
    return (uint32_t)sizeof(struct kafka_fetch);
}

/* ---- reading the request ---- */

static void read_part(struct kafka_call *call, struct fetch_part *part)
{
    int16_t version = kafka_call_version(call);
    part->partition = kafka_in_i32(&call->in);
    part->epoch = version >= 9 ? kafka_in_i32(&call->in) : NOWHERE;
    part->offset = kafka_in_i64(&call->in);
    if (version >= 5)
        (void)kafka_in_i64(&call->in); /* log start of a follower */
    part->bytes_max = kafka_in_i32(&call->in);
}

/* The topics; counts them and their partitions, and fills `parts` unless it is NULL. */
static void read_topics(struct kafka_call *call, struct kafka_fetch *fetch,
                        struct fetch_part *parts)
{
    uint32_t at = 0;
    fetch->topic_count = 0;
    for (uint32_t left = kafka_in_array(&call->in, 6, NULL); left > 0 && call->in.ok; left--) {
        struct fetch_part part = {.name = kafka_in_string(&call->in)};
        uint32_t count = kafka_in_array(&call->in, 16, NULL);
        if (parts != NULL)
            part.topic = kafka_topics_find(call->self, part.name);
        fetch->topic_count += count > 0; /* of which nothing is asked, nothing is told */
        for (uint32_t p = 0; p < count && call->in.ok; p++, at++) {
            read_part(call, &part);
            part.part_count = p == 0 ? count : 0;
            if (parts != NULL)
                parts[at] = part;
        }
    }
    fetch->part_count = at;
}

static void read_rest(struct kafka_call *call)
{
    uint32_t forgotten = kafka_call_version(call) >= 7 ? kafka_in_array(&call->in, 6, NULL) : 0;
    for (uint32_t t = 0; t < forgotten && call->in.ok; t++) {
        (void)kafka_in_string(&call->in);
        uint32_t count = kafka_in_array(&call->in, 4, NULL);
        for (uint32_t p = 0; p < count; p++)
            (void)kafka_in_i32(&call->in);
    }
    if (kafka_call_version(call) >= 11)
        (void)kafka_in_string(&call->in); /* rack */
}

static void read_head(struct kafka_call *call, struct kafka_fetch *fetch)
{
    int16_t version = kafka_call_version(call);
    (void)kafka_in_i32(&call->in); /* replica id: consumers only */
    fetch->wait_ms = kafka_in_i32(&call->in);
    fetch->bytes_min = kafka_in_i32(&call->in);
    fetch->bytes_max = version >= 3 ? kafka_in_i32(&call->in) : INT32_MAX;
    fetch->isolation = version >= 4 ? kafka_in_i8(&call->in) : (int8_t)0;
    if (version < 7)
        return;
    (void)kafka_in_i32(&call->in); /* session id */
    int32_t epoch = kafka_in_i32(&call->in);
    if (epoch != EPOCH_INITIAL && epoch != EPOCH_FINAL)
        fetch->error = KAFKA_FETCH_SESSION_ID_NOT_FOUND;
}

/* ---- reading the log ---- */

struct read {
    int16_t error;
    uint32_t first, count; /* batches */
    uint64_t bytes;
};

static struct read read_log(struct kafka *self, const struct kafka_fetch *fetch,
                            const struct fetch_part *part, uint64_t left, bool is_first)
{
    struct read read = {0};
    const struct kafka_partition *partition =
        kafka_topics_partition(self, part->topic, part->partition);
    read.error = partition == NULL ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                   : kafka_api_check_epoch(part->epoch);
    if (read.error != KAFKA_NO_ERROR)
        return read;
    if (part->offset < (int64_t)partition->start || part->offset > (int64_t)partition->end) {
        read.error = KAFKA_OFFSET_OUT_OF_RANGE;
        return read;
    }
    uint64_t most = part->bytes_max < 0 ? 0 : (uint64_t)part->bytes_max;
    most = most < left ? most : left;
    read.first = kafka_partition_seek(partition, (uint64_t)part->offset);
    for (uint32_t i = read.first; i < partition->batch_count; i++, read.count++) {
        uint64_t size = kafka_partition_batch(partition, i)->size;
        if (read.bytes + size > most && !(is_first && read.count == 0))
            break;
        read.bytes += size;
    }
    if (read.count > 0 && fetch->asker.version < 4)
        read = (struct read){.error = KAFKA_UNSUPPORTED_VERSION};
    return read;
}

static uint64_t fetch_limit(const struct kafka_fetch *fetch)
{
    uint64_t most = fetch->bytes_max < 0 ? 0 : (uint64_t)fetch->bytes_max;
    return most < FETCH_BYTES_MAX ? most : FETCH_BYTES_MAX;
}

/* Bytes that an answer would hold now; *ret_has_error: one partition has one. */
static uint64_t fetch_measure(struct kafka *self, const struct kafka_fetch *fetch,
                              bool *ret_has_error)
{
    uint64_t total = 0, left = fetch_limit(fetch);
    *ret_has_error = false;
    for (uint32_t i = 0; i < fetch->part_count; i++) {
        struct read read = read_log(self, fetch, &fetch->parts[i], left, total == 0);
        *ret_has_error |= read.error != KAFKA_NO_ERROR;
        total += read.bytes;
        left = left > read.bytes ? left - read.bytes : 0;
    }
    return total;
}

static bool fetch_is_enough(struct kafka *self, const struct kafka_fetch *fetch)
{
    bool has_error;
    uint64_t bytes = fetch_measure(self, fetch, &has_error);
    return has_error || (int64_t)bytes >= fetch->bytes_min;
}

/* ---- the answer ---- */

static void write_part(struct kafka *self, struct kafka_out *out,
                       const struct kafka_fetch *fetch, const struct fetch_part *part,
                       const struct read *read)
{
    int16_t version = fetch->asker.version;
    bool is_known = read->error == KAFKA_NO_ERROR;
    const struct kafka_partition *partition =
        kafka_topics_partition(self, part->topic, part->partition);
    int64_t end = is_known ? (int64_t)partition->end : NOWHERE;
    kafka_out_i32(out, part->partition);
    kafka_out_i16(out, read->error);
    kafka_out_i64(out, end); /* high watermark: there are no followers */
    if (version >= 4)
        kafka_out_i64(out, end); /* last stable offset: there are no transactions */
    if (version >= 5)
        kafka_out_i64(out, is_known ? (int64_t)partition->start : NOWHERE);
    bool is_refused = read->error == KAFKA_UNKNOWN_TOPIC_OR_PARTITION && !fetch->has_waited;
    if (version >= 4) /* aborted transactions: none, or null */
        kafka_out_i32(out, (fetch->isolation == 1 && is_known) || is_refused ? 0 : -1);
    if (version >= 11)
        kafka_out_i32(out, NOWHERE); /* preferred read replica */
    kafka_out_i32(out, (int32_t)read->bytes);
    for (uint32_t i = 0; i < read->count; i++) {
        const struct kafka_batch *batch = kafka_partition_batch(partition, read->first + i);
        kafka_out_raw(out, batch->bytes, batch->size);
    }
}

static void fetch_answer(struct kafka *self, struct effects *fx,
                         const struct kafka_fetch *fetch)
{
    int16_t version = fetch->asker.version;
    bool has_error, is_whole = fetch->error == KAFKA_NO_ERROR;
    uint64_t bytes = is_whole ? fetch_measure(self, fetch, &has_error) : 0;
    uint64_t left = fetch_limit(fetch);
    struct kafka_out out =
        kafka_api_begin(self, &fetch->asker, bytes + PART_BYTES * (fetch->part_count + 1));
    if (version >= 1)
        kafka_out_i32(&out, 0); /* throttle_time_ms */
    if (version >= 7) {
        kafka_out_i16(&out, fetch->error);
        kafka_out_i32(&out, 0); /* session id: none is made */
    }
    kafka_out_array(&out, is_whole ? fetch->topic_count : 0);
    bytes = 0;
    for (uint32_t i = 0; i < fetch->part_count && is_whole; i++) {
        const struct fetch_part *part = &fetch->parts[i];
        struct read read = read_log(self, fetch, part, left, bytes == 0);
        if (part->part_count > 0) {
            kafka_out_string(&out, part->name);
            kafka_out_array(&out, part->part_count);
        }
        write_part(self, &out, fetch, part, &read);
        bytes += read.bytes;
        left = left > read.bytes ? left - read.bytes : 0;
    }
    kafka_api_send(self, fx, &fetch->asker, &out);
}

/* ---- waiting ---- */

static void fetch_close(struct kafka *self, struct kafka_fetch *fetch)
{
    timers_cancel(&self->timers, &fetch->timer);
    arena_release(self->env->arena, fetch->parts);
    arena_release(self->env->arena, fetch->names);
    slab_close(&self->broker->fetches, fetch);
}

/* The frame goes with the message: the names of its topics are kept apart. */
static void fetch_keep_names(struct kafka *self, struct kafka_fetch *fetch)
{
    size_t size = 0, at = 0;
    for (uint32_t i = 0; i < fetch->part_count; i++)
        size += fetch->parts[i].part_count > 0 ? fetch->parts[i].name.length : 0;
    fetch->names = arena_alloc(self->env->arena, self->env->node, size + 1);
    for (uint32_t i = 0; i < fetch->part_count; i++) {
        struct fetch_part *part = &fetch->parts[i];
        if (part->part_count == 0) {
            part->name = (struct kafka_text){.bytes = ""};
            continue;
        }
        memcpy(fetch->names + at, part->name.bytes, part->name.length);
        part->name.bytes = fetch->names + at;
        at += part->name.length;
    }
}

static void fetch_wait(struct kafka *self, struct effects *fx, const struct kafka_fetch *asked)
{
    struct kafka_fetch *fetch = slab_open(&self->broker->fetches);
    struct slab_item item = fetch->item;
    *fetch = *asked;
    fetch->item = item;
    fetch->has_waited = true;
    fetch_keep_names(self, fetch);
    fetch->timer.kind = KAFKA_FETCH_WAIT;
    fetch->timer.actor = ACTOR_MAIN_ID;
    fetch->timer.arg = slab_number(fetch);
    timers_arm(&self->timers, fx, &fetch->timer, kafka_api_duration(self, fetch->wait_ms),
               false);
}

void kafka_api_fetch(struct kafka_call *call)
{
    struct kafka *self = call->self;
    struct kafka_fetch fetch = {.asker = call->asker};
    read_head(call, &fetch);
    struct kafka_in topics = call->in;
    read_topics(call, &fetch, NULL);
    if (call->is_trial) {
        read_rest(call);
        return;
    }
    call->is_later = true; /* answered below, or indeed later */
    call->in = topics;
    fetch.parts = arena_alloc(self->env->arena, self->env->node,
                              fetch.part_count * sizeof(fetch.parts[0]));
    read_topics(call, &fetch, fetch.parts);
    if (fetch.error != KAFKA_NO_ERROR || fetch.wait_ms <= 0 || fetch.part_count == 0 ||
        self->broker->fetches.open_count >= KAFKA_FETCHES_MAX ||
        fetch_is_enough(self, &fetch)) {
        fetch_answer(self, call->fx, &fetch);
        arena_release(self->env->arena, fetch.parts);
        return;
    }
    fetch_wait(self, call->fx, &fetch);
}

static bool fetch_asks(const struct kafka_fetch *fetch, uint32_t topic)
{
    for (uint32_t i = 0; i < fetch->part_count; i++) {
        if (fetch->parts[i].topic == topic)
            return true;
    }
    return false;
}

void kafka_fetch_wake(struct kafka *self, struct effects *fx, uint32_t topic)
{
    for (uint32_t slot = 0; slot < slab_slots(&self->broker->fetches); slot++) {
        struct kafka_fetch *fetch = slab_at(&self->broker->fetches, slot);
        if (fetch == NULL || !fetch_asks(fetch, topic) || !fetch_is_enough(self, fetch))
            continue;
        fetch_answer(self, fx, fetch);
        fetch_close(self, fetch);
    }
}

void kafka_fetch_on_timer(struct kafka *self, struct effects *fx, uint32_t number)
{
    struct kafka_fetch *fetch = slab_find(&self->broker->fetches, number);
    ASSERT(fetch != NULL);
    fetch_answer(self, fx, fetch);
    fetch_close(self, fetch);
}

void kafka_fetch_forget(struct kafka *self, uint32_t corr)
{
    for (uint32_t slot = 0; slot < slab_slots(&self->broker->fetches); slot++) {
        struct kafka_fetch *fetch = slab_at(&self->broker->fetches, slot);
        if (fetch != NULL && fetch->asker.corr == corr)
            fetch_close(self, fetch);
    }
}
