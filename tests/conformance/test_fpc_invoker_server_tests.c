/*
 * test_fpc_invoker_server_tests.c - the invoker's routes, as upstream tests them. What they
 * call is told by what the invoker's actors are told.
 * Source: FPCInvokerServerTests.scala at 1fae641a2.
 */
#include "support/actor_bed.h"
#include "support/conform.h"

static int setup(void **state)
{
    struct actor_bed *t = actor_bed_new(ACTOR_MAIN_ID, CALLBACK_MAIN_ID);
    *state = t;
    actor_bed_start(t);
    t->length = 0;
    t->text[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    actor_bed_free(*state);
    return 0;
}

static void ask(struct actor_bed *t, enum http_method method, const char *path,
                const char *headers)
{
    bed_http(t->bed, method, path, headers, NULL);
    actor_bed_pass(t, 0);
}

static void enable_is_called(void **state)
{
    struct actor_bed *t = *state;
    ask(t, HTTP_POST, "/enable", bed_authorization("invoker.user", "invoker.pass"));
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "invoker0/0 is now enabled.");
    actor_bed_expect(t, "is enabled\n"
                        "invoker0/callback#65533 > etcd range prefix scheduler depth 1\n"
                        "invoker0 > deployer http-reply 200\n"
                        "health: Enable\npool: Enable\n");
}

static void disable_is_called(void **state)
{
    struct actor_bed *t = *state;
    ask(t, HTTP_POST, "/disable", bed_authorization("invoker.user", "invoker.pass"));
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "invoker0/0 is now disabled.");
    actor_bed_expect(t, "is disabled\n"
                        "invoker0 > etcd watch-cancel 32769\n"
                        "invoker0 > deployer http-reply 200\n"
                        "health: graceful-shutdown\npool: graceful-shutdown\n");
}

static void it_says_that_it_is_enabled(void **state)
{
    struct actor_bed *t = *state;
    ask(t, HTTP_GET, "/isEnabled", bed_authorization("invoker.user", "invoker.pass"));
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "{\"enabled\":true}");
    actor_bed_expect(t, "invoker0 > deployer http-reply 200\n");
}

static void is_refused(struct actor_bed *t, const char *path, const char *headers)
{
    ask(t, HTTP_POST, path, headers);
    assert_int_equal(bed_sent(t->bed, MSG_HTTP_REPLY, 0)->u.http_reply.status, 401);
    actor_bed_expect(t, "invoker0 > deployer http-reply 401\n");
}

static void enable_with_wrong_credentials(void **state)
{
    is_refused(*state, "/enable", bed_authorization("invaliduser", "invalidpass"));
}

static void disable_with_wrong_credentials(void **state)
{
    is_refused(*state, "/disable", bed_authorization("invaliduser", "invalidpass"));
}

static void enable_without_credentials(void **state)
{
    is_refused(*state, "/enable", NULL);
}

static void disable_without_credentials(void **state)
{
    is_refused(*state, "/disable", NULL);
}

#define SUITE(line, function) CONFORMS("FPCInvokerServerTests", line, function)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        SUITE(66, enable_is_called),
        SUITE(76, disable_is_called),
        SUITE(86, it_says_that_it_is_enabled),
        SUITE(99, enable_with_wrong_credentials),
        SUITE(109, disable_with_wrong_credentials),
        SUITE(119, enable_without_credentials),
        SUITE(128, disable_without_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
