/*
 * bed.c - see bed.h.
 */
#include "support/bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BED_ARENA_BYTES ((size_t)256 << 20)

static void bed_fill_nodes(struct bed *bed)
{
    static const uint8_t counts[NODE_KIND_COUNT] = {1, 1, 2, 2, 3, 1, 1, 1, 1};
    uint32_t node = 0;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        bed->cluster.firsts[kind] = (node_id)node;
        bed->cluster.counts[kind] = counts[kind];
        for (unsigned i = 0; i < counts[kind]; i++, node++) {
            struct node_info *info = &bed->nodes[node];
            *info = (struct node_info){.kind = (uint8_t)kind, .index = (uint16_t)i};
            const char *name = node_kind_to_string(kind);
            bool is_tier = kind >= NODE_CONTROLLER && kind <= NODE_INVOKER;
            if (is_tier)
                snprintf(info->name, sizeof info->name, "%s%u", name, i);
            else
                snprintf(info->name, sizeof info->name, "%s", name);
        }
    }
    bed->cluster.nodes = bed->nodes;
    bed->cluster.node_count = node;
    assert_int_equal(node, BED_NODE_COUNT);
}

static void bed_fill_load(struct bed *bed)
{
    bed->namespaces[BED_GUEST] = (struct namespace_info){.name = "guest",
                                                         .invocations_per_minute = 10000,
                                                         .concurrent_invocations = 100,
                                                         .fires_per_minute = 60,
                                                         .payload_max = 1 << 20};
    bed->namespaces[BED_OTHER] = bed->namespaces[BED_GUEST];
    strcpy(bed->namespaces[BED_OTHER].name, "other");
    bed->actions[BED_HELLO] = (struct action_info){.name = "guest/hello",
                                                   .ns = BED_GUEST,
                                                   .memory_mb = 256,
                                                   .concurrency = 1,
                                                   .init = MSEC(200),
                                                   .timeout = SEC(60),
                                                   .run_a = MSEC(100)};
    bed->actions[BED_SLOW] = (struct action_info){.name = "guest/slow",
                                                  .ns = BED_GUEST,
                                                  .memory_mb = 512,
                                                  .concurrency = 1,
                                                  .init = MSEC(500),
                                                  .timeout = SEC(300),
                                                  .run_kind = RUN_LOGNORMAL,
                                                  .run_a = SEC(90),
                                                  .run_b = SEC(200)};
    bed->actions[BED_FAILS] = (struct action_info){.name = "guest/pack/fails",
                                                   .ns = BED_GUEST,
                                                   .memory_mb = 128,
                                                   .concurrency = 1,
                                                   .init = MSEC(50),
                                                   .timeout = SEC(60),
                                                   .run_a = MSEC(10),
                                                   .fails = {1, 1}};
    bed->actions[BED_WIDE] = (struct action_info){.name = "other/wide",
                                                  .ns = BED_OTHER,
                                                  .memory_mb = 128,
                                                  .concurrency = 10,
                                                  .init = MSEC(50),
                                                  .timeout = SEC(60),
                                                  .run_a = MSEC(20)};
    bed->cluster.namespaces = bed->namespaces;
    bed->cluster.namespace_count = BED_NAMESPACE_COUNT;
    bed->cluster.actions = bed->actions;
    bed->cluster.action_count = BED_ACTION_COUNT;
}

#define BED_TIMING(id, text, low, high)                                                        \
    bed->cluster.timing[TIMING_##id] = (struct range){low, high};
static void bed_fill_timing(struct bed *bed)
{
    TIMING_LIST(BED_TIMING)
}

static void bed_fill_config(struct bed *bed, const void *config)
{
    bed->config = arena_alloc(bed->arena, ARENA_HOST, bed->ops->config_size + 16);
    if (config != NULL && bed->ops->config_size > 0)
        memcpy(bed->config, config, bed->ops->config_size);
    for (uint32_t i = 0; config == NULL && i < bed->ops->config_field_count; i++) {
        const struct config_field *field = &bed->ops->config_fields[i];
        memcpy((char *)bed->config + field->offset, &field->shipped, sizeof field->shipped);
    }
    bed->env.config = bed->config;
}

struct bed *bed_new(const struct machine_ops *ops, enum bed_node node, const void *config)
{
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    bed->arena = arena_new(BED_ARENA_BYTES);
    assert_non_null(bed->arena);
    bed_fill_nodes(bed);
    bed_fill_load(bed);
    bed_fill_timing(bed);
    bed->draws.seed = 1;
    bed->now = TSTAMP_ORIGIN;
    bed->next_number = bed->next_seq = 1;
    bed->ops = ops;
    bed->env = (struct machine_env){.arena = bed->arena,
                                    .cluster = &bed->cluster,
                                    .draws = &bed->draws,
                                    .node = (node_id)node,
                                    .incarnation = 0};
    bed->fx = (struct effects){.arena = bed->arena,
                               .next_number = &bed->next_number,
                               .next_seq = &bed->next_seq,
                               .node = (node_id)node};
    if (ops != NULL) {
        bed_fill_config(bed, config);
        bed->machine = arena_alloc_durable(bed->arena, (uint32_t)node, ops->size);
    }
    return bed;
}

void bed_free(struct bed *bed)
{
    arena_free(bed->arena);
    free(bed->sent);
    free(bed->records);
    free(bed->posts);
    free(bed);
}

void bed_config(struct bed *bed, const char *key, uint64_t value)
{
    for (uint32_t i = 0; i < bed->ops->config_field_count; i++) {
        const struct config_field *field = &bed->ops->config_fields[i];
        if (strcmp(field->key, key) == 0) {
            memcpy((char *)bed->config + field->offset, &value, sizeof value);
            return;
        }
    }
    fail_msg("no key %s", key);
}

static void *bed_room(void *block, uint32_t count, uint32_t *max, size_t size)
{
    if (count < *max)
        return block;
    *max = *max == 0 ? 64 : *max * 2;
    block = realloc(block, *max * size);
    assert_non_null(block);
    return block;
}

static void bed_perform(struct bed *bed)
{
    for (uint32_t i = 0; i < bed->fx.message_count; i++) {
        const struct message *m = &bed->fx.messages[i];
        if (m->kind == MSG_POST && m->to == bed->env.node) {
            bed->posts = bed_room(bed->posts, bed->post_count, &bed->post_max, sizeof *m);
            bed->posts[bed->post_count++] = *m;
        } else {
            bed->sent = bed_room(bed->sent, bed->sent_count, &bed->sent_max, sizeof *m);
            bed->sent[bed->sent_count++] = *m;
        }
    }
    for (uint32_t i = 0; i < bed->fx.record_count; i++) {
        bed->records =
            bed_room(bed->records, bed->record_count, &bed->record_max, sizeof *bed->records);
        bed->records[bed->record_count++] = bed->fx.records[i];
    }
}

static void bed_step(struct bed *bed, const struct event *ev)
{
    assert_context = (struct assert_context){bed->draws.seed, ev->at, bed->env.node,
                                             bed->nodes[bed->env.node].name};
    bed->fx.message_count = bed->fx.record_count = 0;
    bed->fx.at = ev->at;
    bed->fx.cause = ev->message != NULL ? ev->message->cause : 0;
    tstamp due = bed->ops->next_wakeup(bed->machine).at;
    bed->ops->step(bed->machine, ev, &bed->fx);
    assert_true(bed->fx.message_count <= bed->ops->effects_max);
    assert_true(bed->fx.record_count <= bed->ops->effects_max);
    /* What was due before may still be; nothing is planned for an instant that has passed. */
    assert_true(bed->ops->next_wakeup(bed->machine).at >= (due < ev->at ? due : ev->at));
    bed_perform(bed);
}

static void bed_event(struct bed *bed, enum event_kind kind, const struct message *m,
                      node_id peer, bool down)
{
    struct event ev = {.kind = kind, .at = bed->now, .message = m, .peer = peer, .down = down};
    bed_step(bed, &ev);
    if (!bed->posts_by_hand)
        bed_settle(bed);
}

void bed_start(struct bed *bed)
{
    bed->ops->init(bed->machine, &bed->env);
    if (bed->on_init != NULL)
        bed->on_init(bed->machine);
    bed_event(bed, EVENT_START, NULL, NODE_NONE, false);
}

void bed_crash(struct bed *bed)
{
    arena_release_owner(bed->arena, bed->env.node, false);
    size_t durable = bed->ops->durable_size;
    memset((char *)bed->machine + durable, 0, bed->ops->size - durable);
    bed->post_first = bed->post_count = 0;
    bed->env.incarnation++;
}

void bed_deliver(struct bed *bed, const struct message *m)
{
    struct message copy = *m; /* the log may move */
    bed_event(bed, EVENT_DELIVER, &copy, NODE_NONE, false);
}

void bed_wake(struct bed *bed)
{
    struct wakeup next = bed->ops->next_wakeup(bed->machine);
    assert_true(next.at != TSTAMP_NEVER);
    bed->now = next.at > bed->now ? next.at : bed->now; /* it may be overdue */
    bed_event(bed, EVENT_WAKE, NULL, NODE_NONE, false);
}

void bed_pass(struct bed *bed, duration length)
{
    tstamp end = tstamp_add(bed->now, length);
    while (bed->ops->next_wakeup(bed->machine).at <= end)
        bed_wake(bed);
    bed->now = end;
}

void bed_oversleep(struct bed *bed, duration length)
{
    bed->now = tstamp_add(bed->now, length);
}

void bed_signal(struct bed *bed)
{
    bed_event(bed, EVENT_SIGNAL, NULL, NODE_NONE, false);
}

void bed_link(struct bed *bed, node_id peer, bool down)
{
    bed_event(bed, EVENT_LINK, NULL, peer, down);
}

void bed_post_next(struct bed *bed)
{
    assert_true(bed->post_first < bed->post_count);
    struct message m = bed->posts[bed->post_first++];
    struct event ev = {.kind = EVENT_DELIVER, .at = bed->now, .message = &m, .peer = NODE_NONE};
    bed_step(bed, &ev);
    if (bed->post_first == bed->post_count)
        bed->post_first = bed->post_count = 0;
}

void bed_post_drop(struct bed *bed)
{
    assert_true(bed->post_first < bed->post_count);
    if (++bed->post_first == bed->post_count)
        bed->post_first = bed->post_count = 0;
}

void bed_settle(struct bed *bed)
{
    for (unsigned i = 0; bed->post_first < bed->post_count; i++) {
        assert_true(i < 1000000); /* the machine posts to itself for ever */
        bed_post_next(bed);
    }
}

uint32_t bed_posts(const struct bed *bed)
{
    return bed->post_count - bed->post_first;
}

const struct message *bed_post(const struct bed *bed, uint32_t n)
{
    assert_true(n < bed_posts(bed));
    return &bed->posts[bed->post_first + n];
}

duration bed_next_in(const struct bed *bed)
{
    tstamp at = bed->ops->next_wakeup(bed->machine).at;
    return at == TSTAMP_NEVER ? TSTAMP_NEVER : tstamp_until(at, bed->now);
}

uint32_t bed_sent_count(const struct bed *bed, enum message_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bed->sent_count; i++)
        count += bed->sent[i].kind == kind;
    return count;
}

uint32_t bed_record_count(const struct bed *bed, enum record_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bed->record_count; i++)
        count += bed->records[i].kind == kind;
    return count;
}

const struct message *bed_sent(const struct bed *bed, enum message_kind kind, uint32_t n)
{
    uint32_t left = n;
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        if (bed->sent[i].kind == kind && left-- == 0)
            return &bed->sent[i];
    }
    fail_msg("message %s number %u was not sent", message_to_string(kind), n);
    return NULL;
}

const struct record *bed_record(const struct bed *bed, enum record_kind kind, uint32_t n)
{
    uint32_t left = n;
    for (uint32_t i = 0; i < bed->record_count; i++) {
        if (bed->records[i].kind == kind && left-- == 0)
            return &bed->records[i];
    }
    fail_msg("record %s number %u was not made", record_to_string(kind), n);
    return NULL;
}

void bed_forget(struct bed *bed)
{
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        blob *blobs[3];
        for (unsigned n = message_blobs(&bed->sent[i], blobs); n > 0; n--)
            blob_free(bed->arena, *blobs[n - 1]);
    }
    bed->sent_count = bed->record_count = 0;
}

struct message bed_message(const struct bed *bed, enum message_kind kind, node_id from,
                           actor_id to_actor)
{
    return (struct message){.kind = (uint16_t)kind,
                            .from = from,
                            .to = bed->env.node,
                            .from_actor = ACTOR_MAIN_ID,
                            .to_actor = to_actor,
                            .corr = 77};
}

struct message bed_reply(const struct message *request, enum message_kind kind)
{
    return (struct message){.kind = (uint16_t)kind,
                            .from = request->to,
                            .to = request->from,
                            .from_actor = request->to_actor,
                            .to_actor = request->from_actor,
                            .corr = request->corr};
}

struct key bed_key(enum key_family family, namespace_id ns, action_id action, node_id node)
{
    return (struct key){.family = (uint16_t)family, .ns = ns, .action = action, .node = node};
}

blob bed_blob(struct bed *bed, const char *text)
{
    return text == NULL || text[0] == '\0'
               ? 0
               : blob_new(bed->arena, ARENA_MESSAGE, text, strlen(text));
}

const char *bed_text(const struct bed *bed, blob b)
{
    return b == 0 ? "" : blob_bytes(bed->arena, b);
}

void bed_http(struct bed *bed, enum http_method method, const char *path, const char *headers,
              const char *body)
{
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_DEPLOYER, ACTOR_MAIN_ID);
    m.u.http_request.method = method;
    m.u.http_request.path = bed_blob(bed, path);
    m.u.http_request.headers = bed_blob(bed, headers);
    m.u.http_request.body = bed_blob(bed, body);
    bed_deliver(bed, &m);
}

void bed_expect_http(const struct bed *bed, unsigned status, enum content_type content,
                     const char *body)
{
    uint32_t count = bed_sent_count(bed, MSG_HTTP_REPLY);
    assert_true(count > 0);
    const struct message *m = bed_sent(bed, MSG_HTTP_REPLY, count - 1);
    assert_int_equal(m->u.http_reply.status, status);
    assert_int_equal(m->u.http_reply.content, content);
    if (body != NULL)
        assert_string_equal(bed_text(bed, m->u.http_reply.body), body);
}

static size_t base64(const unsigned char *bytes, size_t size, char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < size ? bytes[i + 2] : 0;
        text[length++] = digits[group >> 18];
        text[length++] = digits[group >> 12 & 63];
        text[length++] = i + 1 < size ? digits[group >> 6 & 63] : '=';
        text[length++] = i + 2 < size ? digits[group & 63] : '=';
    }
    text[length] = '\0';
    return length;
}

const char *bed_authorization(const char *user, const char *password)
{
    static char line[256];
    char pair[128], encoded[192];
    int length = snprintf(pair, sizeof pair, "%s:%s", user, password);
    assert_true(length > 0 && (size_t)length < sizeof pair);
    base64((const unsigned char *)pair, (size_t)length, encoded);
    snprintf(line, sizeof line, "Authorization: Basic %s\n", encoded);
    return line;
}

typedef size_t bed_line_fn(const struct bed *bed, uint32_t i, char *text, size_t size);

static size_t sent_line(const struct bed *bed, uint32_t i, char *text, size_t size)
{
    return message_print(&bed->cluster, &bed->sent[i], text, size);
}

static size_t record_line(const struct bed *bed, uint32_t i, char *text, size_t size)
{
    return record_print(&bed->cluster, &bed->records[i], text, size);
}

static void bed_expect(const struct bed *bed, uint32_t count, bed_line_fn *line,
                       const char *expected)
{
    size_t length = 0;
    char *text = calloc(count + 1, 512);
    assert_non_null(text);
    for (uint32_t i = 0; i < count; i++) {
        size_t wanted = line(bed, i, text + length, 511);
        length += wanted < 510 ? wanted : 510;
        text[length++] = '\n';
    }
    text[length] = '\0';
    if (strcmp(text, expected) != 0)
        print_error("---- expected\n%s---- got\n%s----\n", expected, text);
    bool same = strcmp(text, expected) == 0;
    free(text);
    assert_true(same);
}

void expect_trace(const struct bed *bed, const char *lines)
{
    bed_expect(bed, bed->sent_count, sent_line, lines);
}

void expect_records(const struct bed *bed, const char *lines)
{
    bed_expect(bed, bed->record_count, record_line, lines);
}
