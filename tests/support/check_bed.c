/*
 * check_bed.c - a small cluster on paper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fsm.h"
#include "support/check_bed.h"

#define ROOM ((size_t)64 << 20)
#define HEALTHY 2 /* of FSM_HEALTH */

static const struct node_info bed_nodes[BED_NODES] = {
    {.kind = NODE_CLIENT, .name = "client"},
    {.kind = NODE_EDGE, .name = "edge"},
    {.kind = NODE_CONTROLLER, .index = 0, .name = "controller0"},
    {.kind = NODE_CONTROLLER, .index = 1, .name = "controller1"},
    {.kind = NODE_SCHEDULER, .index = 0, .name = "scheduler0"},
    {.kind = NODE_SCHEDULER, .index = 1, .name = "scheduler1"},
    {.kind = NODE_INVOKER, .index = 0, .name = "invoker0"},
    {.kind = NODE_INVOKER, .index = 1, .name = "invoker1"},
    {.kind = NODE_KAFKA, .name = "kafka"},
    {.kind = NODE_ETCD, .name = "etcd"},
    {.kind = NODE_DATABASE, .name = "database"},
    {.kind = NODE_DEPLOYER, .name = "deployer"},
};
static const struct action_info bed_actions[] = {
    {.name = "guest/hello", .ns = BED_GUEST, .memory_mb = 256, .timeout = SEC(60)},
    {.name = "guest/other", .ns = BED_GUEST, .memory_mb = 256, .timeout = SEC(60)},
};
static const char *const bed_steps[] = {"disable", "wait", "restart"};

void check_bed_open(struct check_bed *self)
{
    *self = (struct check_bed){.arena = arena_new(ROOM), .at = TSTAMP_ORIGIN, .seq = 1};
    assert_non_null(self->arena);
    self->namespaces[0] = (struct namespace_info){
        .name = "guest", .invocations_per_minute = 1000, .concurrent_invocations = 100};
    self->namespaces[1] = (struct namespace_info){
        .name = "alien", .invocations_per_minute = 1000, .concurrent_invocations = 100};
    self->cluster = (struct cluster){
        .nodes = bed_nodes,
        .node_count = BED_NODES,
        .namespaces = self->namespaces,
        .namespace_count = 2,
        .actions = bed_actions,
        .action_count = 2,
    };
    for (uint32_t i = 0; i < BED_NODES; i++) {
        if (self->cluster.counts[bed_nodes[i].kind]++ == 0)
            self->cluster.firsts[bed_nodes[i].kind] = (node_id)i;
    }
    self->draws.seed = 1;
    check_settings_default(&self->settings);
    self->world = (struct check_world){
        .cluster = &self->cluster,
        .draws = &self->draws,
        .settings = &self->settings,
        .step_names = bed_steps,
        .step_name_count = 3,
    };
}

void check_bed_begin(struct check_bed *self)
{
    self->set = check_set_new(self->arena, &self->world);
    for (uint32_t i = 0; i < BED_NODES; i++) {
        check_bed_node(self, RECORD_NODE_STARTED, (node_id)i);
        check_bed_node(self, RECORD_NODE_LISTENING, (node_id)i);
    }
    for (uint32_t i = 0; i < 2; i++) {
        node_id scheduler = (node_id)(BED_SCHEDULER0 + i);
        node_id invoker = (node_id)(BED_INVOKER0 + i);
        check_bed_key(self, RECORD_KEY_PUT,
                      (struct key){.family = KEY_SCHEDULER, .node = scheduler});
        check_bed_key(self, RECORD_KEY_PUT,
                      (struct key){.family = KEY_INVOKERS, .node = invoker});
        check_bed_feed(self, (struct record){.kind = RECORD_STATE,
                                             .node = invoker,
                                             .detail = FSM_HEALTH,
                                             .value2 = HEALTHY});
    }
}

void check_bed_close(struct check_bed *self)
{
    arena_free(self->arena);
}

int check_bed_setup(void **state)
{
    static struct check_bed bed;
    check_bed_open(&bed);
    check_bed_begin(&bed);
    *state = &bed;
    return 0;
}

int check_bed_teardown(void **state)
{
    check_bed_close(*state);
    return 0;
}

uint64_t check_bed_feed(struct check_bed *self, struct record r)
{
    r.seq = self->seq++;
    r.at = self->at;
    if (self->sink != NULL)
        self->sink(self->sink_context, &r);
    check_set_on_record(self->set, &r);
    return r.seq;
}

void check_bed_wait(struct check_bed *self, duration length)
{
    self->at += length;
    check_set_advance(self->set, self->at);
}

uint64_t check_bed_send(struct check_bed *self, activation_id a)
{
    check_bed_feed(self, (struct record){.kind = RECORD_REQUEST_SENT,
                                         .node = BED_CLIENT,
                                         .activation = a,
                                         .value = 1});
    return check_bed_feed(self, (struct record){.kind = RECORD_EDGE_PASSED,
                                                .node = BED_EDGE,
                                                .activation = a,
                                                .peer = BED_CONTROLLER0});
}

uint64_t check_bed_accept(struct check_bed *self, activation_id a)
{
    return check_bed_feed(self, (struct record){.kind = RECORD_ACCEPTED,
                                                .node = BED_CONTROLLER0,
                                                .activation = a,
                                                .value = 1});
}

uint64_t check_bed_append(struct check_bed *self, activation_id a)
{
    return check_bed_feed(self, (struct record){.kind = RECORD_APPENDED,
                                                .node = BED_KAFKA,
                                                .activation = a,
                                                .peer = BED_CONTROLLER0,
                                                .value = TOPIC(TOPIC_SCHEDULER, 0),
                                                .value2 = self->offsets[0]++});
}

uint64_t check_bed_commit(struct check_bed *self)
{
    return check_bed_feed(self, (struct record){.kind = RECORD_COMMITTED,
                                                .node = BED_KAFKA,
                                                .value = TOPIC(TOPIC_SCHEDULER, 0),
                                                .value2 = self->offsets[0]});
}

uint64_t check_bed_deliver(struct check_bed *self, activation_id a)
{
    return check_bed_feed(self, (struct record){.kind = RECORD_DELIVERED,
                                                .node = BED_SCHEDULER0,
                                                .activation = a,
                                                .value = TOPIC(TOPIC_SCHEDULER, 0)});
}

uint64_t check_bed_queue(struct check_bed *self, activation_id a)
{
    return check_bed_feed(
        self, (struct record){
                  .kind = RECORD_QUEUED, .node = BED_SCHEDULER0, .activation = a, .value = 1});
}

uint64_t check_bed_start(struct check_bed *self, activation_id a)
{
    check_bed_feed(self, (struct record){.kind = RECORD_HANDED_OVER,
                                         .node = BED_SCHEDULER0,
                                         .activation = a,
                                         .container = 7,
                                         .peer = BED_INVOKER0});
    check_bed_feed(self, (struct record){.kind = RECORD_FETCHED,
                                         .node = BED_INVOKER0,
                                         .activation = a,
                                         .container = 7});
    return check_bed_feed(self, (struct record){.kind = RECORD_RUN_STARTED,
                                                .node = BED_INVOKER0,
                                                .activation = a,
                                                .container = 7});
}

uint64_t check_bed_ack(struct check_bed *self, activation_id a)
{
    check_bed_feed(self, (struct record){.kind = RECORD_RUN_ENDED,
                                         .node = BED_INVOKER0,
                                         .activation = a,
                                         .container = 7,
                                         .detail = RESPONSE_SUCCESS});
    check_bed_feed(self, (struct record){.kind = RECORD_ACKED,
                                         .node = BED_INVOKER0,
                                         .activation = a,
                                         .peer = BED_CONTROLLER0,
                                         .detail = ACK_COMBINED});
    return check_bed_feed(self, (struct record){.kind = RECORD_ACK_RECEIVED,
                                                .node = BED_CONTROLLER0,
                                                .activation = a,
                                                .detail = ACK_COMBINED,
                                                .value = 1});
}

uint64_t check_bed_store(struct check_bed *self, activation_id a)
{
    return check_bed_feed(self, (struct record){.kind = RECORD_STORED,
                                                .node = BED_DATABASE,
                                                .activation = a,
                                                .detail = RESPONSE_SUCCESS});
}

uint64_t check_bed_answer(struct check_bed *self, activation_id a, uint64_t status)
{
    if (status > 1)
        check_bed_feed(self, (struct record){.kind = RECORD_ANSWERED,
                                             .node = BED_CONTROLLER0,
                                             .activation = a,
                                             .value = status});
    return check_bed_feed(self, (struct record){.kind = RECORD_REQUEST_DONE,
                                                .node = BED_CLIENT,
                                                .activation = a,
                                                .value = status});
}

void check_bed_until_queued(struct check_bed *self, activation_id a)
{
    check_bed_send(self, a);
    check_bed_accept(self, a);
    check_bed_append(self, a);
    check_bed_commit(self);
    check_bed_deliver(self, a);
    check_bed_queue(self, a);
}

void check_bed_run_through(struct check_bed *self, activation_id a)
{
    check_bed_until_queued(self, a);
    check_bed_start(self, a);
    check_bed_ack(self, a);
    check_bed_store(self, a);
    check_bed_answer(self, a, 200);
}

uint64_t check_bed_node(struct check_bed *self, enum record_kind kind, node_id node)
{
    return check_bed_feed(self, (struct record){.kind = (uint16_t)kind,
                                                .node = node,
                                                .action = ACTION_NONE,
                                                .ns = NAMESPACE_NONE,
                                                .peer = NODE_NONE});
}

uint64_t check_bed_count(struct check_bed *self, node_id node, uint64_t count)
{
    return check_bed_feed(
        self, (struct record){
                  .kind = RECORD_COUNT_ANSWERED, .node = node, .value = count, .detail = 2});
}

uint64_t check_bed_key_by(struct check_bed *self, enum record_kind kind, struct key key,
                          node_id writer, unsigned detail)
{
    return check_bed_feed(self, (struct record){.kind = (uint16_t)kind,
                                                .node = BED_ETCD,
                                                .key = key,
                                                .peer = writer,
                                                .detail = (uint8_t)detail});
}

void check_bed_believe(struct check_bed *self, node_id watcher, struct key key, bool is_there)
{
    bool is_set = key.family == KEY_EXISTING || key.family == KEY_IN_PROGRESS;
    struct record r = {.kind = RECORD_VIEW_CHANGED,
                       .node = watcher,
                       .peer = NODE_NONE,
                       .detail = is_there,
                       .key = key};
    if (is_set)
        r = (struct record){.kind = RECORD_SET_CHANGED,
                            .node = watcher,
                            .detail = is_there ? SET_ADD : SET_REMOVE,
                            .container = key.family == KEY_EXISTING ? key.id : 0,
                            .creation = key.family == KEY_EXISTING ? 0 : key.id,
                            .value2 = is_there ? SET_IS_ADD : 0};
    check_bed_feed(self, r);
}

uint64_t check_bed_key(struct check_bed *self, enum record_kind kind, struct key key)
{
    uint64_t seq = check_bed_key_by(self, kind, key, NODE_NONE, 0);
    for (node_id node = BED_CONTROLLER0; node <= BED_SCHEDULER1; node++) {
        bool is_controller = node < BED_SCHEDULER0;
        bool is_of_schedulers = key.family == KEY_WARMED || key.family == KEY_EXISTING ||
                                key.family == KEY_IN_PROGRESS;
        if (is_controller != is_of_schedulers)
            check_bed_believe(self, node, key, kind == RECORD_KEY_PUT);
    }
    return seq;
}

uint64_t check_bed_container(struct check_bed *self, enum record_kind kind, uint32_t container)
{
    return check_bed_feed(
        self,
        (struct record){.kind = (uint16_t)kind, .node = BED_INVOKER0, .container = container});
}

uint64_t check_bed_queue_made(struct check_bed *self, enum record_kind kind, node_id node)
{
    return check_bed_feed(self, (struct record){.kind = (uint16_t)kind, .node = node});
}

struct check_result check_bed_result(const struct check_bed *self, const char *name)
{
    int index = check_from_name(name);
    assert_true(index >= 0);
    return check_set_result(self->set, (unsigned)index);
}

const struct violation *check_bed_expect(struct check_bed *self, const char *name,
                                         uint64_t count)
{
    check_set_settle(self->set, self->at, NULL);
    check_set_end(self->set, self->at);
    for (unsigned i = 0; i < check_count(); i++) {
        struct check_result result = check_set_result(self->set, i);
        bool is_it = name != NULL && strcmp(name, result.name) == 0;
        if (result.violation_count != (is_it ? count : 0))
            print_error("%s: %s\n", result.name,
                        result.example_count > 0 ? result.examples[0].text : "(quiet)");
        assert_int_equal(result.violation_count, is_it ? count : 0);
    }
    if (name == NULL || count == 0)
        return NULL;
    return check_bed_result(self, name).examples;
}

void check_bed_told(const struct check_bed *self, const char *name, uint64_t count,
                    const struct violation *newest)
{
    struct check_result result = check_bed_result(self, name);
    if (result.violation_count != count && result.example_count > 0)
        print_error("%s: %s\n", name, result.examples[result.example_count - 1].text);
    assert_int_equal(result.violation_count, count);
    if (count == 0 || newest == NULL)
        return;
    const struct violation *v = &result.examples[result.example_count - 1];
    assert_string_equal(v->text, newest->text);
    assert_int_equal(v->at, newest->at);
    assert_int_equal(v->seq, newest->seq);
    assert_int_equal(v->activation, newest->activation);
    assert_int_equal(v->container, newest->container);
    assert_int_equal(v->node, newest->node);
    assert_int_equal(v->action, newest->action);
    assert_true(key_equal(&v->key, &newest->key));
}

unsigned check_bed_state(unsigned fsm, const char *name)
{
    unsigned state = 0;
    while (strcmp(fsm_state_name((enum fsm_kind)fsm, state), name) != 0)
        assert_true(++state < 16);
    return state;
}
