/*
 * test_common_admin.c - what controller, scheduler and invoker answer to paths, methods and
 * credentials that no route of theirs takes, at each behaviour set.
 */
#include "support/bed.h"
#include <stdio.h>
#include "common/admin.h"

static const struct admin_route scheduler_routes[] = {
    {HTTP_GET, "/state", SLASH_NEVER, false, false},
    {HTTP_POST, "/disable", SLASH_NEVER, false, false},
    {HTTP_GET, "/queues", SLASH_ALLOWED, true, false},
    {HTTP_GET, "/queues/count", SLASH_NEVER, true, false},
    {HTTP_GET, "/activation/count", SLASH_NEVER, true, false},
};
static const struct admin_route invoker_routes[] = {
    {HTTP_POST, "/enable", SLASH_NEVER, false, false},
    {HTTP_POST, "/disable", SLASH_NEVER, false, false},
    {HTTP_GET, "/isEnabled", SLASH_NEVER, false, false},
    {HTTP_GET, "/pool", SLASH_ALLOWED, true, false},
    {HTTP_GET, "/pool/count", SLASH_NEVER, true, false},
};
static const struct admin_route controller_routes[] = {
    {HTTP_GET, "/", SLASH_NEVER, false, false},
    {HTTP_GET, "/invokers", SLASH_ALLOWED, false, false},
    {HTTP_GET, "/invokers/healthy/count", SLASH_NEVER, false, false},
    {HTTP_GET, "/invokers/ready", SLASH_NEVER, false, false},
    {HTTP_GET, "/activation", SLASH_ALLOWED, true, false},
    {HTTP_GET, "/activation/count", SLASH_NEVER, true, false},
    {HTTP_POST, "/disable", SLASH_NEVER, true, true},
};
static const struct admin admins[] = {
    [ADMIN_SCHEDULER] = {scheduler_routes, 5, ADMIN_SCHEDULER, "user", "pass"},
    [ADMIN_INVOKER] = {invoker_routes, 5, ADMIN_INVOKER, "user", "pass"},
    [ADMIN_CONTROLLER] = {controller_routes, 7, ADMIN_CONTROLLER, "user", "pass"},
};

static enum admin_style style_of_test;
static int last_route;

struct admin_host {
    const struct machine_env *env;
};

static void host_init(void *self, const struct machine_env *env)
{
    ((struct admin_host *)self)->env = env;
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    const struct machine_env *env = ((struct admin_host *)self)->env;
    if (ev->kind != EVENT_DELIVER)
        return;
    last_route = admin_route(&admins[style_of_test], env, ev->message, fx);
    if (last_route >= 0)
        admin_answer(&admins[style_of_test], env, ev->message, fx, 200, CONTENT_JSON, "0");
}

static struct wakeup host_next_wakeup(const void *self)
{
    (void)self;
    return (struct wakeup){.at = TSTAMP_NEVER};
}

static const struct machine_ops host_ops = {.name = "admin-host",
                                            .size = sizeof(struct admin_host),
                                            .effects_max = 4,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

static struct bed *bed_of_admin(enum admin_style style, enum behaviour behaviour)
{
    style_of_test = style;
    struct bed *bed = bed_new(&host_ops, BED_SCHEDULER0, NULL);
    bed->env.behaviour = (uint8_t)behaviour;
    bed_start(bed);
    return bed;
}

static const struct message *reply_of(const struct bed *bed)
{
    return bed_sent(bed, MSG_HTTP_REPLY, bed_sent_count(bed, MSG_HTTP_REPLY) - 1);
}

struct expectation {
    enum http_method method;
    const char *path;
    unsigned head;
    const char *head_allow; /* NULL: no Allow header */
    unsigned old;
    const char *old_allow;
};

static void expect_one(enum admin_style style, enum behaviour behaviour,
                       const struct expectation *e, unsigned status, const char *allow)
{
    char body[160], header[64];
    char authorization[80];
    struct bed *bed = bed_of_admin(style, behaviour);
    admin_authorization("user", "pass", authorization, sizeof authorization);
    strcat(authorization, "X-Request-ID: abc\n");
    bed_http(bed, e->method, e->path, authorization, NULL);
    const struct message *m = reply_of(bed);
    assert_true(last_route >= -1 && (last_route == -1 || status == 200));
    if (m->u.http_reply.status != status)
        print_error("%d %s at %d\n", (int)e->method, e->path, (int)behaviour);
    assert_int_equal(m->u.http_reply.status, status);
    if (status == 404) {
        bed_expect_http(bed, 404, CONTENT_JSON,
                        "{\"code\":\"abc\",\"error\":\"The requested resource could not be "
                        "found.\"}");
    } else if (status == 405) {
        snprintf(body, sizeof body,
                 "{\"code\":\"abc\",\"error\":\"HTTP method not allowed, supported methods: "
                 "%s\"}",
                 allow);
        snprintf(header, sizeof header, "Allow: %s\n", allow);
        bed_expect_http(bed, 405, CONTENT_JSON, body);
        assert_string_equal(bed_text(bed, m->u.http_reply.headers), header);
    }
    assert_int_equal(m->u.http_reply.cors, status == 200 && behaviour == BEHAVIOUR_HEAD &&
                                               strcmp(e->path, "/ping") != 0);
    bed_free(bed);
}

static void expect_all(enum admin_style style, const struct expectation *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect_one(style, BEHAVIOUR_HEAD, &rows[i], rows[i].head, rows[i].head_allow);
        expect_one(style, BEHAVIOUR_5338, &rows[i], rows[i].old, rows[i].old_allow);
    }
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void the_scheduler_answers_each_path_as_its_version_did(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {HTTP_GET, "/queues", 200, NULL, 200, NULL},
        {HTTP_GET, "/queues/", 200, NULL, 200, NULL},
        {HTTP_GET, "/queues?x=1", 200, NULL, 200, NULL},
        {HTTP_GET, "/queues/count", 200, NULL, 200, NULL},
        {HTTP_GET, "/queues/count/", 404, NULL, 404, NULL},
        {HTTP_GET, "/queues/x", 404, NULL, 404, NULL},
        {HTTP_GET, "/activation/count", 200, NULL, 200, NULL},
        {HTTP_GET, "/activation/count/", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/activation", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/state", 200, NULL, 200, NULL},
        {HTTP_GET, "/state/", 405, "OPTIONS", 404, NULL},
        {HTTP_POST, "/disable", 200, NULL, 200, NULL},
        {HTTP_POST, "/disable/", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/disable", 405, "OPTIONS, POST", 405, "POST"},
        {HTTP_PUT, "/disable", 405, "OPTIONS, POST", 405, "POST"},
        {HTTP_POST, "/activation/count", 405, "OPTIONS, GET", 405, "GET"},
        {HTTP_POST, "/queues", 405, "OPTIONS, GET", 405, "GET"},
        {HTTP_POST, "/enable", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/queue/total", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/queue/status", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/nope", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/ping", 200, NULL, 200, NULL},
        {HTTP_GET, "/ping/", 405, "OPTIONS", 404, NULL},
        {HTTP_POST, "/ping", 405, "GET, OPTIONS", 405, "GET"},
    };
    expect_all(ADMIN_SCHEDULER, rows, COUNT(rows));
}

static void the_invoker_answers_each_path_as_its_version_did(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {HTTP_GET, "/pool/", 200, NULL, 200, NULL},
        {HTTP_GET, "/pool/count/", 404, NULL, 404, NULL},
        {HTTP_GET, "/pool/status", 404, NULL, 404, NULL},
        {HTTP_GET, "/pool/x", 404, NULL, 404, NULL},
        {HTTP_GET, "/disable", 405, "OPTIONS, POST", 405, "POST"},
        {HTTP_GET, "/memory", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/config", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/nope", 405, "OPTIONS", 404, NULL},
    };
    expect_all(ADMIN_INVOKER, rows, COUNT(rows));
}

static void the_controller_answers_each_path_as_its_version_did(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {HTTP_GET, "/invokers/", 200, NULL, 200, NULL},
        {HTTP_GET, "/activation/", 200, NULL, 200, NULL},
        {HTTP_GET, "/activation/count/", 404, NULL, 404, NULL},
        {HTTP_GET, "/invokers/healthy/count/", 404, NULL, 404, NULL},
        {HTTP_GET, "/activation/x", 404, NULL, 404, NULL},
        {HTTP_GET, "/invokers/x", 404, NULL, 404, NULL},
        {HTTP_POST, "/activation/count", 405, "OPTIONS, GET", 405, "GET"},
        {HTTP_GET, "/disable", 405, "OPTIONS, POST", 405, "POST"},
        {HTTP_POST, "/disable/", 405, "OPTIONS", 404, NULL},
        {HTTP_POST, "/enable", 405, "OPTIONS", 404, NULL},
        {HTTP_GET, "/nope", 405, "OPTIONS", 404, NULL},
        {HTTP_PUT, "/api/v1/namespaces/_/activations", 404, NULL, 404, NULL},
        {HTTP_PUT, "/api/v1", 404, NULL, 404, NULL},
        {HTTP_PUT, "/api/v", 405, "OPTIONS", 404, NULL},
    };
    expect_all(ADMIN_CONTROLLER, rows, COUNT(rows));
}

static void routes_of_5338_are_unknown_before_it(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {HTTP_GET, "/activation/count", 0, NULL, 404, NULL},
        {HTTP_GET, "/queues", 0, NULL, 404, NULL},
        {HTTP_POST, "/disable", 0, NULL, 200, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_one(ADMIN_SCHEDULER, BEHAVIOUR_PRE_5338, &rows[i], rows[i].old, NULL);
    struct expectation pool = {HTTP_GET, "/pool/count", 0, NULL, 404, NULL};
    expect_one(ADMIN_INVOKER, BEHAVIOUR_PRE_5338, &pool, 404, NULL);
    struct expectation disable = {HTTP_POST, "/disable", 0, NULL, 404, NULL};
    expect_one(ADMIN_CONTROLLER, BEHAVIOUR_PRE_5338, &disable, 404, NULL);
}

#define BODY_A                                                                                 \
    "{\n  \"code\": \"abc\",\n  \"error\": \"Authentication is possible but has failed or "    \
    "not "                                                                                     \
    "yet been provided.\"\n}"
#define BODY_B "{\n  \"code\": \"abc\",\n  \"error\": \"username or password are wrong.\"\n}"

static void scheduler_and_invoker_ask_for_credentials_before_the_path(void **state)
{
    (void)state;
    const char *wrong = "authorization: basic dXNlcjpubw==\nX-Request-ID: abc\n";
    const char *missing = "X-Request-ID: abc\n";
    for (unsigned style = ADMIN_SCHEDULER; style <= ADMIN_INVOKER; style++) {
        struct bed *bed = bed_of_admin((enum admin_style)style, BEHAVIOUR_HEAD);
        bed_http(bed, HTTP_GET, "/nope", missing, NULL);
        bed_expect_http(bed, 401, CONTENT_JSON, BODY_A);
        assert_int_equal(reply_of(bed)->u.http_reply.cors, 1);
        bed_http(bed, HTTP_POST, "/disable", wrong, NULL);
        bed_expect_http(bed, 401, CONTENT_JSON, BODY_A);
        assert_int_equal(last_route, -1);
        bed_http(bed, HTTP_POST, "/ping", missing, NULL);
        bed_expect_http(bed, 401, CONTENT_JSON, BODY_A);
        bed_http(bed, HTTP_GET, "/ping", NULL, NULL);
        bed_expect_http(bed, 200, CONTENT_TEXT, "pong");
        bed_http(bed, HTTP_OPTIONS, "/nope", NULL, NULL);
        bed_expect_http(bed, 200, CONTENT_TEXT, "OK");
        bed_free(bed);
    }
}

static void the_controller_asks_only_at_disable_and_tells_a_wrong_password(void **state)
{
    (void)state;
    struct bed *bed = bed_of_admin(ADMIN_CONTROLLER, BEHAVIOUR_5338);
    bed_http(bed, HTTP_POST, "/disable", "X-Request-ID: abc\nAuthorization: Bearer x\n", NULL);
    bed_expect_http(bed, 401, CONTENT_JSON, BODY_A);
    assert_int_equal(reply_of(bed)->u.http_reply.cors, 0);
    bed_http(bed, HTTP_POST, "/disable",
             "X-Request-ID: abc\nAuthorization: Basic dXNlcjpubw==\n", NULL);
    bed_expect_http(bed, 401, CONTENT_JSON, BODY_B);
    bed_http(bed, HTTP_POST, "/disable", bed_authorization("user", "pass"), NULL);
    assert_int_equal(last_route, 6);
    bed_http(bed, HTTP_GET, "/activation/count", NULL, NULL);
    bed_expect_http(bed, 200, CONTENT_JSON, "0");
    bed_http(bed, HTTP_GET, "/", NULL, NULL);
    assert_int_equal(last_route, 0);
    last_route = 9;
    bed_http(bed, HTTP_GET, "?x=1", NULL, NULL); /* no path is the root's */
    assert_int_equal(last_route, 0);
    bed_http(bed, HTTP_OPTIONS, "/nope", NULL, NULL);
    bed_expect_http(bed, 404, CONTENT_JSON, NULL);
    bed_free(bed);
}

static void a_request_id_is_drawn_when_it_is_absent_or_a_system_one(void **state)
{
    (void)state;
    char first[64], second[64], own[64];
    struct bed *bed = bed_of_admin(ADMIN_SCHEDULER, BEHAVIOUR_HEAD);
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_DEPLOYER, ACTOR_MAIN_ID);
    assert_int_equal(admin_request_id(&bed->env, &m, first, sizeof first), 32);
    assert_int_equal(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789"),
                     32);
    m.u.http_request.headers = bed_blob(bed, "X-Request-ID: sid_1\n");
    admin_request_id(&bed->env, &m, second, sizeof second);
    assert_string_equal(first, second);
    m.corr++;
    admin_request_id(&bed->env, &m, second, sizeof second);
    assert_string_not_equal(first, second);
    m.u.http_request.headers = bed_blob(bed, "Accept: */*\r\nx-request-id:  q\"1\n");
    admin_request_id(&bed->env, &m, own, sizeof own);
    assert_string_equal(own, "q\"1");
    bed_http(bed, HTTP_GET, "/nope", "X-Request-ID: q\"1\n", NULL);
    bed_expect_http(bed, 401, CONTENT_JSON,
                    "{\n  \"code\": \"q\\\"1\",\n  \"error\": \"Authentication is possible but "
                    "has failed or not yet been provided.\"\n}");
    bed_free(bed);
}

/* No route is for HEAD; what answers it has no body, and the headers it would have. */
static void head_is_answered_without_a_body(void **state)
{
    (void)state;
    char authorization[80];
    admin_authorization("user", "pass", authorization, sizeof authorization);
    struct bed *bed = bed_of_admin(ADMIN_SCHEDULER, BEHAVIOUR_HEAD);
    bed_http(bed, HTTP_HEAD, "/queues", authorization, NULL);
    bed_expect_http(bed, 405, CONTENT_JSON, "");
    assert_int_equal(reply_of(bed)->u.http_reply.body, 0);
    assert_string_equal(bed_text(bed, reply_of(bed)->u.http_reply.headers),
                        "Allow: OPTIONS, GET\n");
    bed_http(bed, HTTP_HEAD, "/queues/x", authorization, NULL);
    bed_expect_http(bed, 405, CONTENT_JSON, "");
    bed_http(bed, HTTP_HEAD, "/queues", NULL, NULL);
    bed_expect_http(bed, 401, CONTENT_JSON, "");
    assert_int_equal(reply_of(bed)->u.http_reply.body, 0);
    bed_free(bed);
}

static void a_request_id_has_any_letter_or_digit_and_no_other(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char id[64];
    bool seen[sizeof letters - 1] = {false};
    (void)state;
    struct bed *bed = bed_of_admin(ADMIN_SCHEDULER, BEHAVIOUR_HEAD);
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_DEPLOYER, ACTOR_MAIN_ID);
    for (m.corr = 1; m.corr <= 100; m.corr++) {
        admin_request_id(&bed->env, &m, id, sizeof id);
        assert_int_equal(strlen(id), 32);
        for (const char *c = id; *c != '\0'; c++) {
            const char *letter = strchr(letters, *c);
            assert_non_null(letter);
            seen[letter - letters] = true;
        }
    }
    for (size_t i = 0; i < sizeof seen; i++)
        assert_true(seen[i]);
    bed_free(bed);
}

static void a_clients_own_request_id_is_cut_to_its_room(void **state)
{
    static const struct {
        const char *own, *used; /* NULL: another is drawn */
    } cases[] = {
        {"abc", "abc"},
        {"sid", "sid"},
        {"sid-", "sid-"},
        {"sidx", "sidx"},
        {"sid_", NULL},
        {"sid_x", NULL},
        {"Sid_", "Sid_"},
        {"", NULL},
        {"0123456789012345678901234567890123456789", "012345678901234567890123456789012"}};
    (void)state;
    struct bed *bed = bed_of_admin(ADMIN_SCHEDULER, BEHAVIOUR_HEAD);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char id[34], headers[96];
        struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_DEPLOYER, ACTOR_MAIN_ID);
        snprintf(headers, sizeof headers, "x-request-id: %s\n", cases[i].own);
        m.u.http_request.headers = bed_blob(bed, headers);
        size_t length = admin_request_id(&bed->env, &m, id, sizeof id);
        assert_int_equal(length, cases[i].used == NULL ? 32 : strlen(cases[i].used));
        assert_int_equal(strlen(id), length);
        if (cases[i].used != NULL)
            assert_string_equal(id, cases[i].used);
    }
    bed_free(bed);
}

static void a_failed_future_is_plain_text_without_more(void **state)
{
    (void)state;
    struct bed *bed = bed_of_admin(ADMIN_SCHEDULER, BEHAVIOUR_HEAD);
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_DEPLOYER, ACTOR_MAIN_ID);
    bed->fx.message_count = 0;
    admin_answer_fault(&bed->env, &m, &bed->fx);
    const struct message *reply = &bed->fx.messages[0];
    assert_int_equal(reply->u.http_reply.status, 500);
    assert_int_equal(reply->u.http_reply.content, CONTENT_TEXT);
    assert_int_equal(reply->u.http_reply.cors, 0);
    assert_int_equal(reply->corr, 77);
    assert_string_equal(bed_text(bed, reply->u.http_reply.body),
                        "There was an internal server error.");
    bed_free(bed);
}

static void an_authorization_line_is_what_the_bed_makes(void **state)
{
    (void)state;
    char line[96];
    admin_authorization("scheduler.user", "scheduler.pass", line, sizeof line);
    assert_string_equal(line, bed_authorization("scheduler.user", "scheduler.pass"));
    assert_int_equal(admin_authorization("a", "b", line, sizeof line), 26);
    assert_string_equal(line, "Authorization: Basic YTpi\n");
}

static void credentials_have_255_characters_at_most(void **state)
{
    (void)state;
    char user[128], password[160], line[512];
    memset(user, 'u', sizeof user);
    memset(password, 'p', sizeof password);
    user[100] = '\0';
    password[154] = '\0';
    assert_int_equal(admin_authorization(user, password, line, sizeof line), 21 + 340 + 1);
    assert_memory_equal(line + 21, "dXV1dXV1", 8);
    assert_memory_equal(line + 21 + 332, "cHBwcHBw\n", 10); /* 255: no padding */
    password[154] = 'p';
    password[155] = '\0';
    assert_int_equal(admin_authorization(user, password, line, sizeof line), 22);
    assert_string_equal(line, "Authorization: Basic \n");
    assert_int_equal(admin_authorization("a", "b", line, 10), 26); /* cut to its room */
    assert_string_equal(line, "Authoriza");
    assert_int_equal(admin_authorization("a", "b", line + 4, 0), 26); /* no room at all */
    assert_string_equal(line, "Authoriza");
    assert_int_equal(admin_authorization("ab", "b", line, sizeof line), 30);
    assert_string_equal(line, "Authorization: Basic YWI6Yg==\n");
    assert_int_equal(admin_authorization("ab", "bc", line, sizeof line), 30);
    assert_string_equal(line, "Authorization: Basic YWI6YmM=\n");
}

static void an_answer_may_have_no_body(void **state)
{
    (void)state;
    struct bed *bed = bed_of_admin(ADMIN_SCHEDULER, BEHAVIOUR_HEAD);
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_DEPLOYER, ACTOR_MAIN_ID);
    bed->fx.message_count = 0;
    admin_answer(&admins[ADMIN_SCHEDULER], &bed->env, &m, &bed->fx, 202, CONTENT_NONE, "");
    const struct message *reply = &bed->fx.messages[0];
    assert_int_equal(reply->u.http_reply.status, 202);
    assert_int_equal(reply->u.http_reply.body, 0);
    assert_int_equal(reply->u.http_reply.headers, 0);
    assert_int_equal(reply->u.http_reply.cors, 1); /* it waited: an admin route */
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scheduler_answers_each_path_as_its_version_did),
        cmocka_unit_test(the_invoker_answers_each_path_as_its_version_did),
        cmocka_unit_test(the_controller_answers_each_path_as_its_version_did),
        cmocka_unit_test(routes_of_5338_are_unknown_before_it),
        cmocka_unit_test(scheduler_and_invoker_ask_for_credentials_before_the_path),
        cmocka_unit_test(the_controller_asks_only_at_disable_and_tells_a_wrong_password),
        cmocka_unit_test(a_request_id_is_drawn_when_it_is_absent_or_a_system_one),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(a_request_id_has_any_letter_or_digit_and_no_other),
        cmocka_unit_test(a_clients_own_request_id_is_cut_to_its_room),
        cmocka_unit_test(a_failed_future_is_plain_text_without_more),
        cmocka_unit_test(an_authorization_line_is_what_the_bed_makes),
        cmocka_unit_test(credentials_have_255_characters_at_most),
        cmocka_unit_test(an_answer_may_have_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
