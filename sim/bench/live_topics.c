/*
 * live_topics.c - records a second through a broker: ours, and librdkafka's mock cluster in a
 * process of its own. Both are used through the client of the live host.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/live_bench.h"
#include "core/assert.h"
#include "live/kafka_client.h"

#define RECORDS 200000u
#define RECORD_BYTES 256u
#define OPEN_MAX 500u /* sent and not read yet */
#define BATCH 500u
#define PATIENCE_S 40.0
#define TOPIC "bench-topic"

static const char topics_text[] =
    "why: a benchmark\n"
    "hosts: [sim, live]\n"
    "cluster: { controllers: 1, schedulers: 1, invokers: 1 }\n"
    "namespaces: { guest: { invocations-per-minute: 1000000 } }\n"
    "actions: { guest/a: { memory: 128MB, init: 100ms, run: 20ms } }\n"
    "load:\n"
    "  - { action: guest/a, arrivals: every 1h, from: 1h, for: 1h, blocking: true }\n"
    "expect: pass\n";

struct flow {
    struct kafka_producer *producer;
    struct kafka_consumer *consumer;
    uint32_t wanted, sent, read;
    double began; /* 0: not assigned yet */
    bool has_failed;
};

static void serve_mock(int fd)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    rd_kafka_mock_cluster_t *mock =
        client == NULL ? NULL : rd_kafka_mock_cluster_new(client, 1);
    if (mock == NULL || rd_kafka_mock_topic_create(mock, TOPIC, 1, 1) != 0)
        return;
    const char *where = rd_kafka_mock_cluster_bootstraps(mock);
    if (write(fd, where, strlen(where)) < 0)
        return;
    close(fd);
    for (;;)
        (void)pause();
}

static void fill(struct flow *self)
{
    static const char record[RECORD_BYTES] = {0};
    for (; self->sent < self->wanted && self->sent - self->read < OPEN_MAX; self->sent++)
        kafka_producer_send(self->producer, TOPIC, record, sizeof record, NULL, self->sent);
}

static void on_delivered(void *context, uint64_t tag, bool ok, int64_t offset,
                         const char *reason)
{
    struct flow *self = context;
    (void)tag, (void)offset;
    if (!ok)
        fprintf(stderr, "a record was not taken: %s\n", reason);
    self->has_failed |= !ok;
}

static void on_assigned(void *context)
{
    struct flow *self = context;
    if (self->began == 0)
        self->began = live_wall();
    kafka_consumer_poll(self->consumer, BATCH, 1000);
    fill(self);
}

static void on_lost(void *context)
{
    ((struct flow *)context)->has_failed = true;
}

static void on_records(void *context, const struct kafka_record *records, uint32_t count)
{
    struct flow *self = context;
    (void)records;
    self->read += count;
    if (self->read < self->wanted)
        kafka_consumer_poll(self->consumer, BATCH, 1000);
    fill(self);
}

static void on_committed(void *context, bool ok, bool lost_membership)
{
    (void)context, (void)ok, (void)lost_membership;
}

/* Records a second; 0: they did not all come through. */
static double flow_run(const char *bootstrap, const char *group, uint32_t wanted)
{
    char error[256] = "out of memory";
    struct flow flow = {.wanted = wanted};
    struct kafka_settings settings = {.bootstrap = bootstrap,
                                      .speed = 1,
                                      .session_timeout_ms = 30000,
                                      .heartbeat_ms = 10000,
                                      .fetch_wait_ms = 500};
    struct kafka_producer_handler sender = {.context = &flow, .on_delivered = on_delivered};
    struct kafka_consumer_handler reader = {.context = &flow,
                                            .on_assigned = on_assigned,
                                            .on_lost = on_lost,
                                            .on_records = on_records,
                                            .on_committed = on_committed};
    struct loop *loop = loop_new();
    ASSERT(loop != NULL);
    flow.producer = kafka_producer_new(loop, &settings, &sender, error, sizeof error);
    flow.consumer =
        kafka_consumer_new(loop, &settings, TOPIC, group, &reader, error, sizeof error);
    double until = live_wall() + PATIENCE_S;
    bool is_open = flow.producer != NULL && flow.consumer != NULL;
    while (is_open && flow.read < wanted && !flow.has_failed && live_wall() < until)
        loop_turn(loop, 100000000);
    double spent = live_wall() - flow.began;
    if (!is_open || flow.has_failed || flow.read < wanted)
        fprintf(stderr, "%s: %u of %u records came through\n", bootstrap, flow.read, wanted);
    if (flow.producer != NULL)
        kafka_producer_free(flow.producer);
    if (flow.consumer != NULL)
        kafka_consumer_free(flow.consumer, true);
    loop_free(loop);
    return is_open && !flow.has_failed && flow.read == wanted ? wanted / spent : 0;
}

static bool make_topic(const char *bootstrap)
{
    char error[256];
    const char *topics[] = {TOPIC};
    struct kafka_settings settings = {.bootstrap = bootstrap, .speed = 1};
    if (kafka_topic_make(&settings, topics, 1, 10000, error, sizeof error) == 0)
        return true;
    fprintf(stderr, "%s: %s\n", bootstrap, error);
    return false;
}

static double ours_run(uint32_t count)
{
    struct live_served served;
    double rate = 0;
    if (!live_served_begin(&served, topics_text))
        return 0;
    const char *where = json_string_value(json_object_get(served.cluster, "kafka"));
    if (where != NULL && make_topic(where))
        rate = flow_run(where, "bench", count);
    live_served_end(&served);
    return rate;
}

static double mock_run(uint32_t count)
{
    char where[128];
    pid_t child = live_child(serve_mock, where, sizeof where);
    if (child == 0)
        return 0;
    double rate = flow_run(where, "bench", count);
    live_kill(child);
    return rate;
}

int bench_live_topics(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    *result = (struct bench_result){.name = "live-topics", .unit = "records/s"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        ours[i] = ours_run(RECORDS / shrink);
        reference[i] = mock_run(RECORDS / shrink);
        if (ours[i] == 0 || reference[i] == 0)
            return -1;
    }
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note, "%u bytes a record, at most %u not read yet",
             RECORD_BYTES, OPEN_MAX);
    return 0;
}
