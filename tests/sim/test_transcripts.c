/*
 * test_transcripts.c - small stories, each a scenario whose history is told in a text that
 * reads from top to bottom: tests/golden/transcripts/<story>.yaml and <story>.txt.
 *
 * A story shows the kinds of records that matter to it, in a span of time, all nodes. What no
 * scenario can say (the store of keys comes back, an action is overwritten) is done to the host
 * at an instant of the story's own. UPDATE_GOLDEN=1 writes the texts anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "history/history_jsonl.h"
#include "kernel/host_sim.h"
#include "scenario/runner.h"
#include "support/bed.h"

#define FOLDER TEST_SOURCE_DIR "/tests/golden/transcripts/"
#define TEXT_MAX (64u << 10)
#define LINES_MAX 80u

enum deed_kind { DEED_NONE, DEED_KILL, DEED_START, DEED_UPDATE };
struct deed { /* by the test itself */
    duration at;
    enum deed_kind kind;
    enum node_kind node; /* the first of them */
};
struct story {
    const char *name;
    duration from, to;
    const char *shown; /* kinds of records, a space on both sides of each */
    const char *keys;  /* with this in their text only; NULL: all but their owners' reports */
    bool has_watches;  /* messages that make a watch, and broken connections to etcd, too */
    struct deed deeds[2];
};

#define USER " request-sent request-done accepted rejected answered "
#define CALL                                                                                   \
    USER " delivered looked-up forwarded queued handed-over run-started run-ended run-cut "    \
         "dropped acked ack-received slot-forced stored rescheduled "
#define QUEUE " queue-asked queue-made queue-gone state decided "
#define ORDER " creation-ordered creation-sent creation-answered creation-done "
#define CONTAINER " container-made container-used container-paused container-gone "
#define KEYS " key-put key-deleted "
#define LEASES " lease-granted lease-expired "
#define NODES " node-started node-listening node-stopping node-stopped "
#define DRAIN NODES " node-disabled count-answered step-started step-ended "

static const struct story stories[] = {
    {.name = "activation_cold",
     .from = SEC(1),
     .to = SEC(3),
     .shown = CALL " appended " QUEUE ORDER CONTAINER KEYS},
    {.name = "activation_warm",
     .from = SEC(5),
     .to = SEC(7),
     .shown = CALL " appended " QUEUE ORDER CONTAINER KEYS},
    {.name = "queue_life", .from = SEC(1), .to = SEC(40), .shown = USER QUEUE CONTAINER KEYS},
    {.name = "scheduler_drained",
     .from = SEC(3),
     .to = MSEC(11500),
     .shown = USER " handed-over " QUEUE CONTAINER KEYS DRAIN},
    {.name = "invoker_drained",
     .from = MSEC(1300),
     .to = MSEC(13500),
     .shown = CALL " state " CONTAINER KEYS LEASES DRAIN},
    {.name = "lease_lost",
     .from = SEC(3),
     .to = SEC(30),
     .shown = " state " CONTAINER KEYS LEASES,
     .keys = ""},
    {.name = "watch_restarted",
     .from = SEC(3),
     .to = SEC(12),
     .shown = USER NODES " message-lost view-changed " KEYS,
     .has_watches = true,
     .deeds = {{SEC(4), DEED_KILL, NODE_ETCD}, {SEC(6), DEED_START, NODE_ETCD}}},
    {.name = "action_updated",
     .from = SEC(3),
     .to = SEC(30),
     .shown = USER " handed-over looked-up forwarded " QUEUE CONTAINER KEYS,
     .deeds = {{SEC(4), DEED_UPDATE, NODE_CONTROLLER}}},
    {.name = "creation_retried",
     .from = SEC(1),
     .to = SEC(3),
     .shown =
         USER " queued handed-over run-started run-ended container-made queue-made " ORDER},
    {.name = "forced_completion",
     .from = SEC(1),
     .to = SEC(260),
     .shown = CALL QUEUE CONTAINER KEYS LEASES NODES},
    {.name = "forwarded",
     .from = SEC(2),
     .to = SEC(60),
     .shown =
         USER " delivered looked-up forwarded queued handed-over queue-made queue-gone "
              "node-disabled node-stopped node-listening key-put key-deleted view-changed ",
     .keys = "whisk/queue/"},
};

/* ---- the host, with the deeds of a story ---- */

#define NOTES_MAX 40u

static struct {
    const struct story *story;
    const struct host_world *world;
    const struct history *history;
    unsigned done;
    struct note {      /* a line that is no record */
        size_t before; /* so many records */
        tstamp at;
        const char *node;
        char text[120];
    } notes[NOTES_MAX];
    unsigned note_count;
} stage;

static void note(tstamp at, const char *node, const char *text, const char *about)
{
    assert_true(stage.note_count < NOTES_MAX);
    struct note *n = &stage.notes[stage.note_count++];
    *n = (struct note){.before = stage.history->count, .at = at, .node = node};
    snprintf(n->text, sizeof n->text, text, about);
}

/* Of every event: broken connections to etcd, and what makes a watch. */
static void on_event(void *context, node_id node, const struct event *ev)
{
    (void)context;
    const struct cluster *cluster = stage.world->cluster;
    const char *name = cluster_node_name(cluster, node);
    node_id etcd = cluster_node(cluster, NODE_ETCD, 0);
    unsigned kind = cluster->nodes[node].kind;
    bool has_watches =
        kind == NODE_CONTROLLER || kind == NODE_SCHEDULER || kind == NODE_INVOKER;
    if (!stage.story->has_watches || ev->at < TSTAMP_ORIGIN || !(has_watches || node == etcd))
        return;
    if (ev->kind == EVENT_LINK && ev->peer == etcd)
        note(ev->at, name, "%s",
             ev->down ? "loses its connections to etcd" : "may connect to etcd again");
    else if (ev->kind == EVENT_DELIVER && ev->message->kind == MSG_WATCH_CREATE)
        note(ev->at, name, "is asked by %s for a watch",
             cluster_node_name(cluster, ev->message->from));
    else if (ev->kind == EVENT_DELIVER && ev->message->kind == MSG_WATCH_CREATED)
        note(ev->at, name, "%s", "has its watch");
}

static blob text_blob(const char *text)
{
    return blob_new(stage.world->arena, ARENA_MESSAGE, text, strlen(text));
}

/* The user overwrites the action, by the REST API. */
static void update_action(struct host *host, node_id controller)
{
    const struct cluster *cluster = stage.world->cluster;
    char user[37], password[65], headers[400];
    cluster_credentials(cluster, cluster->actions[0].ns, user, password);
    snprintf(headers, sizeof headers, "%sContent-Type: application/json\n",
             bed_authorization(user, password));
    struct message m = {.kind = MSG_HTTP_REQUEST,
                        .from = cluster_node(cluster, NODE_DEPLOYER, 0),
                        .to = controller,
                        .from_actor = ACTOR_MAIN_ID,
                        .to_actor = ACTOR_MAIN_ID};
    m.u.http_request.method = HTTP_PUT;
    m.u.http_request.path = text_blob("/api/v1/namespaces/_/actions/hello?overwrite=true");
    m.u.http_request.headers = text_blob(headers);
    m.u.http_request.body = text_blob("{\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"new\"}}");
    host_sim_send(host, &m);
}

static void do_deed(struct host *host, const struct deed *deed)
{
    node_id node = cluster_node(stage.world->cluster, deed->node, 0);
    switch (deed->kind) {
    case DEED_NONE:
        break;
    case DEED_KILL:
        host_sim_kill(host, node);
        break;
    case DEED_START:
        host_sim_start(host, node);
        break;
    case DEED_UPDATE:
        note(TSTAMP_ORIGIN + deed->at, "user", "%s", "overwrites the action");
        update_action(host, node);
        break;
    }
}

static tstamp run_until(struct host *host, tstamp until)
{
    const size_t count = sizeof stage.story->deeds / sizeof stage.story->deeds[0];
    while (stage.done < count && stage.story->deeds[stage.done].kind != DEED_NONE &&
           TSTAMP_ORIGIN + stage.story->deeds[stage.done].at <= until) {
        const struct deed *deed = &stage.story->deeds[stage.done++];
        host_sim_run_until(host, TSTAMP_ORIGIN + deed->at);
        do_deed(host, deed);
    }
    return host_sim_run_until(host, until);
}

static struct host *open_host(void *context, const struct host_world *world, struct errmsg *err)
{
    static struct host_world kept;
    (void)context;
    (void)err;
    kept = *world;
    stage.world = &kept;
    stage.done = stage.note_count = 0;
    struct host_sim_config config = {.arena = world->arena,
                                     .cluster = world->cluster,
                                     .draws = world->draws,
                                     .nodes = world->nodes,
                                     .begin = world->begin,
                                     .faults = world->faults,
                                     .sinks = world->sinks,
                                     .trace = true};
    config.sinks.event = on_event;
    return host_sim_new(&config);
}

static void run_story(const struct scenario *scenario, struct history *history)
{
    struct host_ops ops = host_sim_ops;
    ops.run_until = run_until;
    struct run_host host = {.ops = &ops, .name = "sim", .boot = RUNNER_BOOT, .open = open_host};
    struct run_options options = {.host = &host, .sink_context = history, .sink = history_sink};
    struct result result;
    struct errmsg err = {0};
    result_init(&result);
    if (runner_run(scenario, &options, &result, &err) != 0)
        fail_msg("%s", err.text);
    if (!result.expected)
        fail_msg("%s: %s", scenario->path, result.reason);
    result_release(&result);
}

/* ---- the text ---- */

/* What a deployer's hosts do is told by its steps. */
static bool is_shown(const struct story *story, const struct record *r, node_id deployer,
                     const char *text)
{
    char word[40];
    int64_t at = history_at(r->at);
    snprintf(word, sizeof word, " %s ", record_to_string(r->kind));
    bool is_key = r->kind == RECORD_KEY_PUT || r->kind == RECORD_KEY_DELETED ||
                  r->kind == RECORD_VIEW_CHANGED;
    bool is_report = strstr(text, "key whisk/invokers/") != NULL ||
                     strstr(text, "key whisk/scheduler/") != NULL;
    bool is_tool = r->kind == RECORD_STATE && r->node == deployer;
    return at >= (int64_t)story->from && at < (int64_t)story->to &&
           strstr(story->shown, word) != NULL && !is_tool &&
           (!is_key || (story->keys != NULL ? strstr(text, story->keys) != NULL : !is_report));
}

static void print_line(FILE *out, tstamp at, const char *node, const char *text)
{
    uint64_t us = (uint64_t)history_at(at) / USEC(1);
    fprintf(out, "%4" PRIu64 ".%06" PRIu64 "  %-12s %s\n", us / 1000000, us % 1000000, node,
            text);
}

static unsigned print_notes(unsigned from, size_t before, FILE *out)
{
    unsigned i = from;
    for (; i < stage.note_count && stage.notes[i].before <= before; i++)
        print_line(out, stage.notes[i].at, stage.notes[i].node, stage.notes[i].text);
    return i;
}

static unsigned print_records(const struct story *story, const struct scenario *scenario,
                              const struct history *history, FILE *out)
{
    struct draws draws = {.seed = scenario->seed};
    struct history_names names = {.cluster = &scenario->cluster,
                                  .draws = &draws,
                                  .step_names = scenario->step_names,
                                  .step_name_count = scenario->step_name_count};
    node_id deployer = cluster_node(&scenario->cluster, NODE_DEPLOYER, 0);
    unsigned lines = 0, notes = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct record *r = &history->records[i];
        char text[1024];
        notes = print_notes(notes, i, out);
        history_text(&names, r, text, sizeof text);
        if (!is_shown(story, r, deployer, text))
            continue;
        print_line(out, r->at, cluster_node_name(&scenario->cluster, r->node), text);
        lines++;
    }
    return lines + print_notes(notes, history->count, out);
}

static void tell(const struct story *story, char *text)
{
    char path[512];
    struct scenario scenario;
    struct history history;
    struct errmsg err = {0};
    struct scenario_options options = {.procedures_dir =
                                           TEST_SOURCE_DIR "/scenarios/procedures"};
    stage.story = story;
    stage.history = &history;
    snprintf(path, sizeof path, FOLDER "%s.yaml", story->name);
    if (scenario_read(path, &options, &scenario, &err) != 0)
        fail_msg("%s", err.text);
    history_init(&history);
    run_story(&scenario, &history);
    FILE *out = fmemopen(text, TEXT_MAX, "w");
    assert_non_null(out);
    fprintf(out, "%s\n\n", scenario.why);
    unsigned lines = print_records(story, &scenario, &history, out);
    assert_int_equal(fclose(out), 0);
    if (lines == 0 || lines > LINES_MAX)
        fail_msg("%s: %u lines, expected 1 to %u", story->name, lines, LINES_MAX);
    history_release(&history);
    scenario_release(&scenario);
}

static void compare(const char *path, const char *text)
{
    static char golden[TEXT_MAX];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: cannot be read; UPDATE_GOLDEN=1 writes it", path);
    golden[fread(golden, 1, sizeof golden - 1, file)] = '\0';
    fclose(file);
    const char *before = golden, *now = text;
    for (unsigned line = 1; *before != '\0' || *now != '\0'; line++) {
        size_t before_length = strcspn(before, "\n"), now_length = strcspn(now, "\n");
        if (before_length != now_length || memcmp(before, now, now_length) != 0)
            fail_msg("%s:%u: before\n%.*s\nnow\n%.*s", path, line, (int)before_length, before,
                     (int)now_length, now);
        before += before_length + (before[before_length] == '\n');
        now += now_length + (now[now_length] == '\n');
    }
}

static void every_story_is_told_as_before(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        char path[512];
        tell(&stories[i], text);
        snprintf(path, sizeof path, FOLDER "%s.txt", stories[i].name);
        if (getenv("UPDATE_GOLDEN") != NULL) {
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            fputs(text, file);
            assert_int_equal(fclose(file), 0);
        }
        compare(path, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_story_is_told_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
