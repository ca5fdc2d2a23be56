/*
 * test_invoker_cells.c - every state of a container proxy and of its client with every message:
 * handled (and the next state), put aside, or dropped.
 */
#include "support/proxy_bed.h"
#include <string.h>

#define STATES 10
#define EVENTS 21

static const unsigned events[EVENTS] = {
    POST_START,
    POST_INITIALIZE,
    POST_PREWARM_DATA,
    POST_INITIALIZED_DATA,
    POST_CLIENT_CREATION_COMPLETED,
    POST_CLIENT_CREATION_FAILED,
    POST_CLIENT_CLOSED,
    POST_FAILURE,
    POST_ACTIVATION,
    POST_RUN_ACTIVATION,
    POST_INIT_CODE_COMPLETED,
    POST_RUN_COMPLETED,
    POST_RETRY_REQUEST,
    POST_CONTAINER_PAUSED,
    POST_STATE_TIMEOUT,
    POST_DETERMINE_KEEP,
    POST_KEEP,
    POST_REMOVE,
    POST_GRACEFUL_SHUTDOWN,
    POST_RESUME_FAILED,
    POST_RESCHEDULE_RESPONSE,
};

/* By state and event: a digit is the next state, x the end, . put aside, - dropped. */
static const char *const cells[STATES] = {
    [PROXY_UNINITIALIZED] = "13...................",
    [PROXY_CREATING_CONTAINER] = "..2....x.............",
    [PROXY_CONTAINER_CREATED] = ".3.....x.........x...",
    [PROXY_CREATING_CLIENT] = "...34xxx.............",
    [PROXY_CLIENT_CREATED] = "...4..x9446.4.4......",
    [PROXY_RESCHEDULING] = "..............9.....9",
    [PROXY_RUNNING] = "......x966.66.6...69.",
    [PROXY_PAUSING] = ".......9.....8.......",
    [PROXY_PAUSED] = ".6............88899..",
    [PROXY_REMOVING] = "------x-------x------",
};

static struct proxy_bed *in_state(enum proxy_state state)
{
    struct proxy_bed *t = proxy_bed_new();
    struct post_start start = {.memory_mb = 256, .kind = 3};
    if (state == PROXY_CREATING_CONTAINER)
        proxy_bed_send(t, POST_START, &start, sizeof start);
    else if (state == PROXY_CONTAINER_CREATED)
        proxy_bed_prewarm(t);
    else if (state == PROXY_CREATING_CLIENT)
        proxy_bed_initialize(t);
    else if (state != PROXY_UNINITIALIZED)
        proxy_bed_cold_start(t);
    if (state == PROXY_CREATING_CLIENT)
        proxy_bed_until(t, &t->slot->proxy.operation);
    if (state == PROXY_RUNNING || state == PROXY_PAUSING || state == PROXY_PAUSED)
        proxy_bed_first_run(t);
    if (state == PROXY_PAUSED)
        proxy_bed_pause(t);
    if (state == PROXY_PAUSING) {
        proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
        proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    }
    if (state == PROXY_RESCHEDULING)
        proxy_bed_fail(t, FAILURE_HEALTH_RUN);
    if (state == PROXY_REMOVING)
        proxy_bed_fail(t, FAILURE_RUN);
    assert_int_equal(t->slot->proxy.state, state);
    return t;
}

static void each_message_in_each_state_of_the_proxy(void **unused)
{
    (void)unused;
    for (unsigned state = 0; state < STATES; state++) {
        assert_int_equal(strlen(cells[state]), EVENTS);
        for (unsigned event = 0; event < EVENTS; event++) {
            struct proxy_bed *t = in_state((enum proxy_state)state);
            const struct proxy *p = &t->slot->proxy;
            char cell = cells[state][event];
            uint64_t zeros[5] = {0};
            proxy_bed_send(t, events[event], zeros, sizeof zeros);
            if (p->stash_count != (cell == '.') || p->alive != (cell != 'x'))
                fail_msg("state %u, event %u: put aside %u, alive %u", state, event,
                         p->stash_count, p->alive);
            if (p->alive &&
                p->state != (cell == '.' || cell == '-' ? state : (unsigned)(cell - '0')))
                fail_msg("state %u, event %u: in state %u", state, event, p->state);
            proxy_bed_free(t);
        }
    }
}

/* A timer's message that is put aside is lost; what the others become is replayed in order. */
static void what_is_put_aside_comes_back_in_order(void **unused)
{
    (void)unused;
    struct proxy_bed *t = in_state(PROXY_CONTAINER_CREATED);
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    assert_int_equal(t->slot->proxy.stash_count, 3);
    proxy_bed_initialize(t);
    assert_int_equal(t->slot->proxy.stash_count, 3); /* tried in CreatingClient, in vain */
    proxy_bed_expect(t, "ContainerCreated -> CreatingClient\n"
                        "client: StartClient\n");
    proxy_bed_send(t, POST_CLIENT_CREATION_COMPLETED, NULL, 0);
    proxy_bed_expect(t, "CreatingClient -> ClientCreated\n"
                        "container-used\n"
                        "data: register existing 1\n"
                        "client: RequestActivation\n" /* the retry comes first */
                        "parent: Initialized(initialized)\n"
                        "client: RequestActivation\n");
    assert_int_equal(t->slot->proxy.timed_out, 1);
    assert_int_equal(t->slot->proxy.stash_count, 1); /* the shutdown, until Running */
    proxy_bed_free(t);
}

/* What a later transition puts back stands before what an earlier one did. */
static void what_is_put_aside_again_stays_in_front(void **unused)
{
    (void)unused;
    struct proxy_bed *t = in_state(PROXY_CREATING_CONTAINER);
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    proxy_bed_send(t, POST_ACTIVATION, NULL, 0);
    struct creation job = invoker_bed_creation(BED_HELLO, 1);
    proxy_bed_send(t, POST_INITIALIZE, &job, sizeof job);
    proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    proxy_bed_send(t, POST_KEEP, NULL, 0);
    proxy_bed_until(t, &t->slot->proxy.operation);
    assert_int_equal(t->slot->proxy.state, PROXY_CREATING_CLIENT);
    static const unsigned left[] = {POST_RETRY_REQUEST, POST_ACTIVATION, POST_GRACEFUL_SHUTDOWN,
                                    POST_KEEP};
    assert_int_equal(t->slot->proxy.stash_count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(t->slot->proxy.stash[i].what, left[i]);
    proxy_bed_free(t);
}

/* ---- the client ---- */

#define CLIENT_EVENTS 9
#define NOT_ALIVE "fetch from node 4: not alive\n"
static const struct {
    unsigned event;
    const char *ready, *removing; /* what is said; NULL: dropped */
    char next;                    /* of Ready: R, X, or x the end */
} client_cells[CLIENT_EVENTS] = {
    {POST_START_CLIENT, NULL, NULL, 'R'},
    {POST_CLIENT_OPENED, "fetch from node 0: alive\n", "fetch from node 0: alive\n", 'R'},
    {POST_FAILURE, "client Ready -> Removing\nproxy: FailureMessage(0)\n" NOT_ALIVE, NOT_ALIVE,
     'X'},
    {POST_REQUEST_ACTIVATION, "fetch from node 4: alive\n", NOT_ALIVE, 'R'},
    {POST_RESCHEDULE, "rescheduled 0: 0\nreschedule 0 to node 4\n", NULL, 'R'},
    {POST_CONTAINER_WARMED, "", "", 'R'},
    {POST_GRACEFUL_SHUTDOWN, "client Ready -> Removing\n", "client Removing -> Removing\n",
     'X'},
    {POST_STOP_CLIENT, NOT_ALIVE, NOT_ALIVE, 'R'},
    {POST_CLIENT_CLOSED, "proxy: ClientClosed\n", "proxy: ClientClosed\n", 'x'},
};

static void each_message_in_each_state_of_the_client(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < CLIENT_EVENTS * 2; i++) {
        struct proxy_bed *t = proxy_bed_client();
        const struct client *client = &t->slot->client;
        bool is_ready = i % 2 == 0;
        const char *said = is_ready ? client_cells[i / 2].ready : client_cells[i / 2].removing;
        uint64_t zeros[5] = {0};
        char next =
            is_ready || client_cells[i / 2].next == 'x' ? client_cells[i / 2].next : 'X';
        proxy_bed_send(t, POST_START_CLIENT, NULL, 0);
        if (!is_ready)
            proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
        proxy_bed_expect(t, is_ready ? "client Uninitialized -> Ready\n"
                                       "proxy: ClientCreationCompleted\n"
                                     : "client Uninitialized -> Ready\n"
                                       "client Ready -> Removing\n"
                                       "proxy: ClientCreationCompleted\n");
        proxy_bed_send(t, client_cells[i / 2].event, zeros, sizeof zeros);
        proxy_bed_expect(t, said == NULL ? "message-rejected\n" : said);
        assert_int_equal(client->alive, next != 'x');
        if (client->alive)
            assert_int_equal(client->state, next == 'R' ? CLIENT_READY : CLIENT_REMOVING);
        assert_int_equal(client->warmed, client_cells[i / 2].event == POST_CONTAINER_WARMED);
        proxy_bed_free(t);
    }
}

static void an_unopened_client_puts_all_but_three_aside(void **unused)
{
    (void)unused;
    static const char kept[CLIENT_EVENTS + 1] = "RRx......";
    for (unsigned i = 0; i < CLIENT_EVENTS; i++) {
        struct proxy_bed *t = proxy_bed_client();
        uint64_t zeros[5] = {0};
        proxy_bed_send(t, client_cells[i].event, zeros, sizeof zeros);
        assert_int_equal(t->slot->client.stash_count, kept[i] == '.');
        assert_int_equal(t->slot->client.alive, kept[i] != 'x');
        if (kept[i] != 'x')
            assert_int_equal(t->slot->client.state,
                             kept[i] == 'R' ? CLIENT_READY : CLIENT_UNINITIALIZED);
        proxy_bed_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_in_each_state_of_the_proxy),
        cmocka_unit_test(what_is_put_aside_comes_back_in_order),
        cmocka_unit_test(what_is_put_aside_again_stays_in_front),
        cmocka_unit_test(each_message_in_each_state_of_the_client),
        cmocka_unit_test(an_unopened_client_puts_all_but_three_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
