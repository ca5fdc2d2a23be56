/*
 * kafka_ops.c - see kafka_ops.h: runs scripts, and makes random ones.
 */
#include "support/kafka_ops.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/draw.h"
#include "core/text.h"

#define LINE_MAX 4096
#define PREPARE_TRIES 100u
#define SETTLE_TRIES 1000u

struct kafka_peer *kafka_ops_machine(const char *prefix)
{
    struct kafka_peer *peer = kafka_peer_machine(prefix);
    struct bed *bed = kafka_peer_bed(peer);
    bed_config(bed, "group.initial.rebalance.delay.ms", 0);
    bed_config(bed, "group.min.session.timeout.ms", SEC(1));
    return peer;
}

bool kafka_ops_prepare(struct kafka_peer *peer)
{
    uint32_t c = kafka_peer_open(peer);
    for (unsigned i = 0; i < PREPARE_TRIES; i++) {
        const char *answer = kafka_peer_call(peer, c, TEXT_FIND_COORDINATOR, 1, "key=~prepare");
        if (strcmp(answer, "error=0") == 0 &&
            strcmp(kafka_peer_call(peer, c, TEXT_OFFSET_FETCH, 3, "group=~prepare"),
                   "topics[] error=0") == 0) {
            kafka_peer_close(peer, c);
            return true;
        }
        kafka_peer_wait(peer, 100);
    }
    return false;
}

/* ---- scripts ---- */

struct run {
    struct kafka_peer *peer;
    uint32_t connections[16]; /* by the script's number; 0: not opened yet */
    struct text_out *out;
};

static uint32_t run_connection(struct run *run, unsigned number)
{
    assert_true(number > 0 && number < 16);
    if (run->connections[number] == 0)
        run->connections[number] = kafka_peer_open(run->peer);
    return run->connections[number];
}

static enum kafka_text_api find_api(const char *name)
{
    for (unsigned i = 0; i < TEXT_API_COUNT; i++) {
        if (strcmp(kafka_texts[i].name, name) == 0)
            return (enum kafka_text_api)i;
    }
    fail_msg("no request %s", name);
    return TEXT_API_COUNT;
}

static void run_receive(struct run *run, unsigned number, unsigned low, unsigned high)
{
    const char *answer = kafka_peer_receive(run->peer, run_connection(run, number), high);
    uint32_t waited = kafka_peer_waited(run->peer);
    const char *when = waited < low ? " early" : "";
    TEXT_ADD(run->out, "%u: %s%s\n", number, answer, when);
}

/* A broker that has made a topic is not its leader at once. */
static void run_settle(struct run *run, uint32_t connection, const char *made)
{
    char text[512];
    const char *name = made;
    while ((name = strstr(name, "name=")) != NULL) {
        size_t length = strcspn(name, " ");
        bool is_made = strncmp(name + length, " error=0", 8) == 0;
        snprintf(text, sizeof text,
                 "topics[%.*s partitions[index=0 leader_epoch=0 time=-1; index=1 "
                 "leader_epoch=0 time=-1; index=2 leader_epoch=0 time=-1]]",
                 (int)length, name);
        for (unsigned i = 0; is_made && i < SETTLE_TRIES; i++) {
            const char *answer =
                kafka_peer_call(run->peer, connection, TEXT_LIST_OFFSETS, 5, text);
            if (strstr(answer, "index=0 error=0") != NULL &&
                strstr(answer, "error=6") == NULL && strstr(answer, "error=75") == NULL)
                break;
            kafka_peer_wait(run->peer, 2);
        }
        name += length;
    }
}

static void run_request(struct run *run, unsigned number, bool is_call, const char *text)
{
    char name[32];
    int version, used = 0;
    if (sscanf(text, "%31s %d%n", name, &version, &used) != 2)
        fail_msg("no request: %s", text);
    text += used;
    enum kafka_text_api api = find_api(name);
    uint32_t connection = run_connection(run, number);
    if (!is_call) {
        kafka_peer_send(run->peer, connection, api, (int16_t)version, text);
        return;
    }
    const char *answer = kafka_peer_call(run->peer, connection, api, (int16_t)version, text);
    TEXT_ADD(run->out, "%u: %s\n", number, answer);
    if (api == TEXT_CREATE && strstr(text, "validate=1") == NULL) {
        char made[LINE_MAX];
        snprintf(made, sizeof made, "%s", answer);
        run_settle(run, connection, made);
    }
}

static void run_line(struct run *run, const char *line)
{
    unsigned number, low, high;
    int used = 0;
    if (sscanf(line, " wait %u", &number) == 1) {
        kafka_peer_wait(run->peer, number);
    } else if (sscanf(line, " close %u", &number) == 1) {
        kafka_peer_close(run->peer, run_connection(run, number));
        run->connections[number] = 0;
    } else if (sscanf(line, " %u < %u..%u", &number, &low, &high) == 3) {
        run_receive(run, number, low, high);
    } else if (sscanf(line, " %u %n", &number, &used) == 1) {
        bool is_call = line[used] != '>';
        run_request(run, number, is_call, line + used + (is_call ? 0 : 1));
    } else if (line[strspn(line, " ")] != '\0') {
        fail_msg("no step: %s", line);
    }
}

void kafka_ops_run(struct kafka_peer *peer, const char *script, char *ret_transcript,
                   size_t size)
{
    struct text_out out = text_start(ret_transcript, size);
    struct run run = {.peer = peer, .out = &out};
    char line[LINE_MAX];
    while (*script != '\0') {
        size_t length = strcspn(script, "\n");
        assert_true(length < sizeof line);
        memcpy(line, script, length);
        line[length] = '\0';
        run_line(&run, line);
        script += length + (script[length] == '\n');
    }
    for (unsigned i = 0; i < 16; i++) {
        if (run.connections[i] != 0)
            kafka_peer_close(peer, run.connections[i]);
    }
}

/* ---- random scripts ---- */

static uint64_t pick(uint64_t *seed, uint64_t bound)
{
    *seed = draw_mix(*seed, bound);
    return *seed % bound;
}

static void random_step(struct text_out *out, uint64_t *seed)
{
    unsigned topic = (unsigned)pick(seed, 3), group = (unsigned)pick(seed, 2);
    int offset = (int)pick(seed, 12) - 1;
    unsigned partition = pick(seed, 8) == 0;
    unsigned kind = (unsigned)pick(seed, 8);
    switch (kind == 0 && pick(seed, 2) == 0 ? 1 : kind) {
    case 0:
        TEXT_ADD(out, "1 CreateTopics %u topics[name=~%u partitions=%u]\n",
                 (unsigned)pick(seed, 5), topic, 1 + (unsigned)pick(seed, 2));
        break;
    case 1:
    case 2:
        TEXT_ADD(out, "1 Produce %u topics[name=~%u partitions[index=%u records=@%ux%u]]\n",
                 3 + (unsigned)pick(seed, 5), topic, partition, 1 + (unsigned)pick(seed, 3),
                 1 + (unsigned)pick(seed, 40));
        break;
    case 3:
        TEXT_ADD(out,
                 "1 Fetch %u wait=0 max=%u topics[name=~%u partitions[index=%u offset=%d "
                 "max=%u]]\n",
                 4 + (unsigned)pick(seed, 8), 100 + (unsigned)pick(seed, 400), topic, partition,
                 offset, 1 + (unsigned)pick(seed, 300));
        break;
    case 4:
        TEXT_ADD(out, "1 ListOffsets %u topics[name=~%u partitions[index=%u time=%d]]\n",
                 1 + (unsigned)pick(seed, 5), topic, partition,
                 pick(seed, 2) == 0 ? -1 - (int)pick(seed, 2) : 995 + (int)pick(seed, 30));
        break;
    case 5:
        TEXT_ADD(out,
                 "1 OffsetCommit %u group=~g%u topics[name=~%u partitions[index=%u offset=%d "
                 "metadata=m%u]]\n",
                 2 + (unsigned)pick(seed, 6), group, topic, partition, offset,
                 (unsigned)pick(seed, 3));
        break;
    case 6:
        TEXT_ADD(out, "1 OffsetFetch %u group=~g%u topics[name=~%u partitions[%u]]\n",
                 1 + (unsigned)pick(seed, 5), group, topic, partition);
        break;
    default:
        TEXT_ADD(out, "1 OffsetFetch %u group=~g%u topics=null\n", 2 + (unsigned)pick(seed, 4),
                 group);
        break;
    }
}

void kafka_ops_random(uint64_t seed, unsigned steps, char *ret_script, size_t size)
{
    struct text_out out = text_start(ret_script, size);
    seed = draw_mix(seed, steps);
    TEXT_ADD(&out, "1 CreateTopics 4 topics[name=~0]\n"); /* so that there is one */
    for (unsigned i = 0; i < steps; i++)
        random_step(&out, &seed);
    assert_true(out.length < size);
}
