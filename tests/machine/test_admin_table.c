/*
 * test_admin_table.c - every administration route of controller, scheduler and invoker, and
 * what is next to them (path, method, slash, credentials), at all three behaviours.
 *
 * An answer is written as `status content body`; the bodies of errors are the same for all, so
 * 404, 405 and 401 stand for the whole answer: status, content type, headers and body.
 */
#include "controller/controller.h"
#include "invoker/invoker.h"
#include "scheduler/scheduler.h"
#include "support/bed.h"
#include <stdio.h>

enum component { CONTROLLER, SCHEDULER, INVOKER, COMPONENT_COUNT };
enum credentials { NONE, RIGHT, WRONG, BEARER };

/* NULL: as in the column to the left. */
struct row {
    enum credentials credentials;
    enum http_method method;
    const char *path;
    const char *head, *at_5338, *before;
};

#define OTHER "405 OPTIONS", "404", NULL /* at HEAD the catch-all for OPTIONS remembers it */
#define GETS "405 OPTIONS, GET", "405 GET"
#define POSTS "405 OPTIONS, POST", "405 POST"

static const struct row controller_rows[] = {
    {NONE, HTTP_GET, "/ping", "200 text pong", NULL, NULL},
    {WRONG, HTTP_GET, "/ping", "200 text pong", NULL, NULL},
    {NONE, HTTP_GET, "/ping/", OTHER},
    {NONE, HTTP_POST, "/ping", "405 GET, OPTIONS", "405 GET", NULL},
    {NONE, HTTP_OPTIONS, "/ping", "200 text OK", "405 GET", NULL},
    {NONE, HTTP_GET, "/", "200 json ...", NULL, NULL},
    {NONE, HTTP_POST, "/", "405 GET, OPTIONS", "405 GET", NULL},
    {NONE, HTTP_GET, "/invokers", "200 json {}", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/", "200 json {}", NULL, NULL},
    {WRONG, HTTP_GET, "/invokers", "200 json {}", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/healthy/count", "200 json 0", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/ready", "500 json {\"unhealthy\":\"0/0\"}", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/healthy", "404", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/healthy/count/", "404", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/ready/", "404", NULL, NULL},
    {NONE, HTTP_GET, "/invokers/x", "404", NULL, NULL},
    {NONE, HTTP_GET, "/invokersx", "404", NULL, NULL},
    {NONE, HTTP_POST, "/invokers", GETS, NULL},
    {NONE, HTTP_POST, "/invokers/x", GETS, NULL},
    {NONE, HTTP_POST, "/invokersx", GETS, NULL},
    {NONE, HTTP_GET, "/activation", "200 json []", NULL, "404"},
    {NONE, HTTP_GET, "/activation/", "200 json []", NULL, "404"},
    {NONE, HTTP_GET, "/activation/count", "200 json 0", NULL, "404"},
    {WRONG, HTTP_GET, "/activation/count", "200 json 0", NULL, "404"},
    {RIGHT, HTTP_GET, "/activation/count?x=1", "200 json 0", NULL, "404"},
    {NONE, HTTP_GET, "/activation/count/", "404", NULL, NULL},
    {NONE, HTTP_GET, "/activation/x", "404", NULL, NULL},
    {NONE, HTTP_GET, "/activationx", "404", NULL, NULL},
    {NONE, HTTP_POST, "/activation/count", GETS, "404"},
    {NONE, HTTP_PUT, "/activation", GETS, "404"},
    {NONE, HTTP_GET, "/disable", POSTS, "404"},
    {RIGHT, HTTP_PUT, "/disable", POSTS, "404"},
    {NONE, HTTP_OPTIONS, "/disable", "200 text OK", "405 POST", "404"},
    {RIGHT, HTTP_POST, "/disable/", OTHER},
    {NONE, HTTP_POST, "/disable", "401A", NULL, "404"},
    {BEARER, HTTP_POST, "/disable", "401A", NULL, "404"},
    {WRONG, HTTP_POST, "/disable", "401B", NULL, "404"},
    {RIGHT, HTTP_POST, "/enable", OTHER},
    {NONE, HTTP_GET, "/isEnabled", OTHER},
    {NONE, HTTP_GET, "/metrics", OTHER},
    {NONE, HTTP_GET, "/queues/count", OTHER},
    {NONE, HTTP_GET, "/pool/count", OTHER},
    {NONE, HTTP_OPTIONS, "/nope", "200 text OK", "404", NULL},
    {RIGHT, HTTP_POST, "/disable", "200 text controller is disabled", NULL, "404"},
    {RIGHT, HTTP_POST, "/disable", "200 text controller is disabled", NULL, "404"},
    {NONE, HTTP_GET, "/ping", "200 text pong", NULL, NULL},
    {NONE, HTTP_GET, "/activation/count", "200 json 0", NULL, "404"},
};

static const struct row scheduler_rows[] = {
    {NONE, HTTP_GET, "/ping", "200 text pong", NULL, NULL},
    {NONE, HTTP_GET, "/ping/", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/ping/", OTHER},
    {NONE, HTTP_POST, "/ping", "401A", NULL, NULL},
    {RIGHT, HTTP_POST, "/ping", "405 GET, OPTIONS", "405 GET", NULL},
    {NONE, HTTP_OPTIONS, "/state", "200 text OK", "401A", NULL},
    {RIGHT, HTTP_OPTIONS, "/nope", "200 text OK", "404", NULL},
    {RIGHT, HTTP_GET, "/state", "200 json {\"queue\":\"0\",\"creationCount\":\"0\"}", NULL,
     "200 json {\"creationCount\":\"0\"}"},
    {NONE, HTTP_GET, "/state", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/state/", OTHER},
    {RIGHT, HTTP_POST, "/state", GETS, NULL},
    {RIGHT, HTTP_GET, "/queues", "200 json []", NULL, "404"},
    {RIGHT, HTTP_GET, "/queues/", "200 json []", NULL, "404"},
    {BEARER, HTTP_GET, "/queues", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/queues/count", "200 json 0", NULL, "404"},
    {WRONG, HTTP_GET, "/queues/count", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/queues/count/", "404", NULL, NULL},
    {RIGHT, HTTP_GET, "/queues/x", "404", NULL, NULL},
    {RIGHT, HTTP_GET, "/queuesx", "404", NULL, NULL},
    {RIGHT, HTTP_POST, "/queues", GETS, "404"},
    {RIGHT, HTTP_GET, "/activation/count", "200 json 0", NULL, "404"},
    {RIGHT, HTTP_GET, "/activation/count?x=1", "200 json 0", NULL, "404"},
    {NONE, HTTP_GET, "/activation/count", "401A", NULL, NULL},
    {WRONG, HTTP_GET, "/activation/count", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/activation/count/", OTHER},
    {RIGHT, HTTP_GET, "/activation", OTHER},
    {RIGHT, HTTP_POST, "/activation/count", GETS, "404"},
    {RIGHT, HTTP_GET, "/queue/status", "405 OPTIONS", "404", "200 json []"},
    {RIGHT, HTTP_POST, "/queue/total", "405 OPTIONS", "404", "405 GET"},
    {NONE, HTTP_POST, "/disable", "401A", NULL, NULL},
    {WRONG, HTTP_POST, "/disable", "401A", NULL, NULL},
    {RIGHT, HTTP_POST, "/disable/", OTHER},
    {RIGHT, HTTP_GET, "/disable", POSTS, NULL},
    {RIGHT, HTTP_PUT, "/disable", POSTS, NULL},
    {RIGHT, HTTP_POST, "/enable", OTHER},
    {RIGHT, HTTP_GET, "/metrics", OTHER},
    {NONE, HTTP_GET, "/nope", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/nope", OTHER},
    {RIGHT, HTTP_POST, "/disable", "200 text scheduler disabled", NULL, NULL},
    {RIGHT, HTTP_POST, "/disable", "200 text scheduler disabled", NULL, NULL},
    {NONE, HTTP_GET, "/ping", "200 text pong", NULL, NULL},
    {RIGHT, HTTP_GET, "/activation/count", "200 json 0", NULL, "404"},
};

#define EMPTY_POOL                                                                             \
    "200 text {\"busyPool\":{\"containers\":[],\"total\":0},\"inProgressCount\":0,"            \
    "\"pausedPool\":{\"containers\":[],\"total\":0},"                                          \
    "\"prewarmedPool\":{\"countsByKind\":{},\"total\":0},\"totalContainers\":0}"
#define DISABLED "200 text invoker0/0 is now disabled."
#define ENABLED "200 text invoker0/0 is now enabled."

static const struct row invoker_rows[] = {
    {NONE, HTTP_GET, "/ping", "200 text pong", NULL, NULL},
    {NONE, HTTP_GET, "/ping/", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/ping/", OTHER},
    {RIGHT, HTTP_POST, "/ping", "405 GET, OPTIONS", "405 GET", NULL},
    {NONE, HTTP_OPTIONS, "/pool", "200 text OK", "401A", NULL},
    {RIGHT, HTTP_GET, "/isEnabled", "200 text {\"enabled\":true}", NULL, NULL},
    {NONE, HTTP_GET, "/isEnabled", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/isEnabled/", OTHER},
    {RIGHT, HTTP_POST, "/isEnabled", GETS, NULL},
    {RIGHT, HTTP_GET, "/pool", EMPTY_POOL, NULL, "404"},
    {RIGHT, HTTP_GET, "/pool/", EMPTY_POOL, NULL, "404"},
    {WRONG, HTTP_GET, "/pool", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/pool/count", "200 text 0", NULL, "404"},
    {NONE, HTTP_GET, "/pool/count", "401A", NULL, NULL},
    {BEARER, HTTP_GET, "/pool/count", "401A", NULL, NULL},
    {RIGHT, HTTP_GET, "/pool/count/", "404", NULL, NULL},
    {RIGHT, HTTP_GET, "/pool/status", "404", NULL, NULL},
    {RIGHT, HTTP_GET, "/poolx", "404", NULL, NULL},
    {RIGHT, HTTP_POST, "/pool/count", GETS, "404"},
    {NONE, HTTP_POST, "/disable", "401A", NULL, NULL},
    {WRONG, HTTP_POST, "/disable", "401A", NULL, NULL},
    {NONE, HTTP_POST, "/enable", "401A", NULL, NULL},
    {RIGHT, HTTP_POST, "/disable/", OTHER},
    {RIGHT, HTTP_GET, "/disable", POSTS, NULL},
    {RIGHT, HTTP_GET, "/enable", POSTS, NULL},
    {RIGHT, HTTP_GET, "/memory", OTHER},
    {RIGHT, HTTP_GET, "/config", OTHER},
    {RIGHT, HTTP_GET, "/activation/count", OTHER},
    {NONE, HTTP_GET, "/nope", "401A", NULL, NULL},
    {RIGHT, HTTP_POST, "/disable", DISABLED, NULL, "200 text Successfully disabled invoker"},
    {RIGHT, HTTP_GET, "/isEnabled", "200 text {\"enabled\":false}", NULL, NULL},
    {RIGHT, HTTP_POST, "/disable", DISABLED, NULL, "200 text Successfully disabled invoker"},
    {RIGHT, HTTP_POST, "/enable", ENABLED, NULL, "200 text Success enable invoker"},
    {RIGHT, HTTP_POST, "/enable", ENABLED, NULL, "200 text Success enable invoker"},
    {RIGHT, HTTP_GET, "/isEnabled", "200 text {\"enabled\":true}", NULL, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
static const struct {
    const struct machine_ops *ops;
    enum bed_node node;
    const struct row *rows;
    size_t count;
    const char *user, *password;
} tables[COMPONENT_COUNT] = {
    [CONTROLLER] = {&controller_ops, BED_CONTROLLER0, controller_rows, COUNT(controller_rows),
                    "controller.user", "controller.pass"},
    [SCHEDULER] = {&scheduler_ops, BED_SCHEDULER0, scheduler_rows, COUNT(scheduler_rows),
                   "scheduler.user", "scheduler.pass"},
    [INVOKER] = {&invoker_ops, BED_INVOKER0, invoker_rows, COUNT(invoker_rows), "invoker.user",
                 "invoker.pass"},
};

/* A new process that nobody answers, but for etcd, which has no key at all. */
static struct bed *subject_new(enum component component, enum behaviour behaviour)
{
    struct bed *bed = bed_new(tables[component].ops, tables[component].node, NULL);
    bed->env.behaviour = (uint8_t)behaviour;
    bed_start(bed);
    return bed;
}

static void subject_ask(struct bed *bed, enum component component, const struct row *row)
{
    char headers[160] = "X-Request-ID: abc\n";
    const char *user = tables[component].user;
    if (row->credentials == RIGHT)
        strcat(headers, bed_authorization(user, tables[component].password));
    else if (row->credentials == WRONG)
        strcat(headers, bed_authorization(user, "wrong"));
    else if (row->credentials == BEARER)
        strcat(headers, "Authorization: Bearer abc\n");
    bed_forget(bed);
    bed_http(bed, row->method, row->path, headers, NULL);
    if (bed_sent_count(bed, MSG_ETCD_RANGE) == 0)
        return;
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    bed_deliver(bed, &m);
}

#define BODY(error) "{\"code\":\"abc\",\"error\":\"" error "\"}"
#define PRETTY(error) "{\n  \"code\": \"abc\",\n  \"error\": \"" error "\"\n}"
#define BODY_404 BODY("The requested resource could not be found.")
#define BODY_A PRETTY("Authentication is possible but has failed or not yet been provided.")
#define BODY_B PRETTY("username or password are wrong.")
#define BODY_405 BODY("HTTP method not allowed, supported methods: %s")

/* The short form of a whole answer, or all of it when the body is not what it should be. */
static void answer_text(const struct bed *bed, const struct message *m, char *text, size_t size)
{
    unsigned status = m->u.http_reply.status;
    const char *body = m->u.http_reply.body == 0 ? "" : bed_text(bed, m->u.http_reply.body);
    const char *headers =
        m->u.http_reply.headers == 0 ? "" : bed_text(bed, m->u.http_reply.headers);
    bool is_json = m->u.http_reply.content == CONTENT_JSON;
    char allow[64] = "", expected[160], header[80];
    snprintf(text, size, "%u %s %s%s", status, is_json ? "json" : "text", headers,
             strlen(body) > 300 ? "..." : body);
    if (sscanf(headers, "Allow: %63[^\n]", allow) != 1)
        allow[0] = '\0';
    snprintf(expected, sizeof expected, BODY_405, allow);
    snprintf(header, sizeof header, "Allow: %s\n", allow);
    if (!is_json)
        return;
    if (status == 404 && headers[0] == '\0' && strcmp(body, BODY_404) == 0)
        snprintf(text, size, "404");
    else if (status == 405 && strcmp(body, expected) == 0 && strcmp(headers, header) == 0)
        snprintf(text, size, "405 %s", allow);
    else if (status == 401 && headers[0] == '\0' && strcmp(body, BODY_A) == 0)
        snprintf(text, size, "401A");
    else if (status == 401 && headers[0] == '\0' && strcmp(body, BODY_B) == 0)
        snprintf(text, size, "401B");
}

/* CORS: at HEAD, with what a route completes, but not /ping and /. */
static bool wants_cors(const struct row *row, enum behaviour behaviour, unsigned status)
{
    bool is_early = strcmp(row->path, "/ping") == 0 || strcmp(row->path, "/") == 0;
    return behaviour == BEHAVIOUR_HEAD && status != 404 && status != 405 &&
           (!is_early || row->method != HTTP_GET);
}

static void expect_row(struct bed *bed, enum component component, const struct row *row,
                       enum behaviour behaviour)
{
    char text[600], label[160];
    const char *expected = row->head;
    if (behaviour != BEHAVIOUR_HEAD && row->at_5338 != NULL)
        expected = row->at_5338;
    if (behaviour == BEHAVIOUR_PRE_5338 && row->before != NULL)
        expected = row->before;
    subject_ask(bed, component, row);
    snprintf(label, sizeof label,
             "component %d, behaviour %d, credentials %d, method %d %s: ", (int)component,
             (int)behaviour, (int)row->credentials, (int)row->method, row->path);
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 1);
    const struct message *m = bed_sent(bed, MSG_HTTP_REPLY, 0);
    answer_text(bed, m, text, sizeof text);
    bool cors = wants_cors(row, behaviour, m->u.http_reply.status);
    if (strcmp(text, expected) != 0 || m->u.http_reply.cors != cors)
        fail_msg("%s`%s`, CORS %d; not `%s`, CORS %d", label, text, m->u.http_reply.cors,
                 expected, cors);
}

static void expect_table(enum component component)
{
    static const enum behaviour behaviours[] = {BEHAVIOUR_HEAD, BEHAVIOUR_5338,
                                                BEHAVIOUR_PRE_5338};
    for (size_t b = 0; b < COUNT(behaviours); b++) {
        struct bed *bed = subject_new(component, behaviours[b]);
        for (size_t i = 0; i < tables[component].count; i++)
            expect_row(bed, component, &tables[component].rows[i], behaviours[b]);
        bed_free(bed);
    }
}

static void the_controller_answers_row_by_row(void **state)
{
    (void)state;
    expect_table(CONTROLLER);
}

static void the_scheduler_answers_row_by_row(void **state)
{
    (void)state;
    expect_table(SCHEDULER);
}

static void the_invoker_answers_row_by_row(void **state)
{
    (void)state;
    expect_table(INVOKER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_controller_answers_row_by_row),
        cmocka_unit_test(the_scheduler_answers_row_by_row),
        cmocka_unit_test(the_invoker_answers_row_by_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
