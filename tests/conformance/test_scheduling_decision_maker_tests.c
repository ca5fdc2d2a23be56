/* Upstream's SchedulingDecisionMakerTests: a snapshot to the decision maker, and its result. */
#include "support/conform.h"
#include "support/queue_bed.h"
#include <stdlib.h>

struct decision_case {
    uint32_t line;
    enum queue_state state;
    bool initialized;
    uint32_t incoming, waiting, existing, in_progress, stale, namespace_existing,
        namespace_in_progress;
    double duration_ms; /* below 0: none */
    uint32_t namespace_limit, action_limit, concurrency;
    double ratio; /* 0: no over-provision */
    enum decision_kind kind;
    int32_t count;
};

#define R QUEUE_RUNNING
#define I QUEUE_IDLE
#define F QUEUE_FLUSHING
#define X QUEUE_REMOVING
#define D QUEUE_REMOVED
#define NT QUEUE_NAMESPACE_THROTTLED
#define SKIP DECISION_SKIP, 0
#define ADD(n) DECISION_ADD, n
#define FIRST DECISION_ADD_INITIAL, 1
#define THROTTLE(n) DECISION_ENABLE_THROTTLING, n
#define THROTTLE_DROP DECISION_ENABLE_THROTTLING_DROP, 0
#define LIFT DECISION_DISABLE_THROTTLING, 0
#define NONE (-1.0)

static const struct decision_case cases[] = {
    {53, R, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0, 1, 0, DECISION_PAUSING, 0},
    {78, F, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0, 1, 0, SKIP},
    {103, R, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {103, I, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {103, F, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {103, X, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {103, D, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {133, R, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {133, I, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {133, F, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {133, X, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {133, D, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {161, R, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 2, 2, 1, 0, THROTTLE_DROP},
    {187, R, 0, 0, 0, 1, 1, 0, 2, 2, NONE, 4, 4, 1, 0, THROTTLE(0)},
    {213, R, 0, 0, 0, 0, 0, 0, 1, 1, NONE, 2, 2, 1, 1.5, FIRST},
    {242, R, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 2, 2, 1, 1.0, THROTTLE_DROP},
    {271, NT, 0, 0, 0, 1, 0, 0, 1, 1, NONE, 2, 2, 1, 1.1, LIFT},
    {300, R, 0, 0, 0, 1, 0, 0, 1, 1, NONE, 2, 2, 1, 1.0, THROTTLE(0)},
    {329, R, 0, 0, 0, 1, 1, 0, 2, 2, NONE, 4, 4, 1, 1.5, SKIP},
    {358, R, 0, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, FIRST},
    {383, NT, 0, 0, 1, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, LIFT},
    {408, NT, 0, 0, 0, 1, 1, 0, 1, 1, NONE, 4, 4, 1, 0, LIFT},
    {434, R, 1, 1, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, ADD(1)},
    {460, R, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, SKIP},
    {486, F, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, FIRST},
    {511, F, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, FIRST},
    {536, R, 0, 0, 2, 1, 0, 2, 1, 1, NONE, 4, 4, 1, 0, ADD(2)},
    {561, R, 0, 0, 2, 1, 1, 2, 1, 1, NONE, 4, 4, 1, 0, ADD(1)},
    {586, R, 0, 0, 6, 1, 1, 6, 1, 1, NONE, 4, 4, 1, 0, THROTTLE(2)},
    {611, R, 0, 0, 2, 1, 6, 2, 1, 6, NONE, 10, 10, 1, 0, SKIP},
    {636, R, 0, 0, 6, 1, 0, 6, 1, 0, 50, 10, 10, 1, 0, ADD(3)},
    {663, R, 0, 0, 2, 1, 0, 2, 1, 0, 1000, 10, 10, 1, 0, ADD(2)},
    {690, R, 0, 0, 10, 1, 0, 10, 1, 0, 1000, 4, 4, 1, 0, THROTTLE(3)},
    {719, R, 0, 4, 2, 1, 0, 0, 1, 0, 1000, 10, 10, 1, 0, ADD(5)},
    {747, R, 0, 4, 2, 1, 0, 0, 1, 0, 1000, 4, 4, 1, 0, THROTTLE(3)},
    {776, R, 0, 0, 4, 5, 0, 0, 5, 0, 1000, 10, 10, 1, 0, SKIP},
    {804, R, 1, 0, 4, 0, 0, 0, 0, 0, NONE, 10, 10, 1, 0, ADD(1)},
    {829, X, 0, 0, 4, 1, 1, 4, 1, 1, 1000, 10, 10, 1, 0, ADD(3)},
    {857, X, 0, 0, 4, 1, 2, 4, 1, 2, NONE, 10, 10, 1, 0, ADD(2)},
    {885, R, 0, 0, 5, 2, 0, 2, 2, 0, 1000, 10, 10, 1, 0, ADD(3)},
    {911, R, 0, 0, 5, 2, 0, 2, 2, 0, 50, 10, 10, 1, 0, ADD(1)},
    {937, X, 0, 0, 4, 1, 2, 4, 1, 2, NONE, 4, 4, 1, 0, THROTTLE(1)},
    {966, R, 0, 0, 4, 2, 0, 0, 2, 0, 100, 4, 4, 2, 0, SKIP},
    {994, R, 0, 0, 20, 2, 0, 0, 2, 0, 50, 10, 10, 3, 0, ADD(2)},
    {1022, R, 0, 0, 30, 2, 0, 10, 2, 0, 50, 10, 10, 3, 0, ADD(4)},
    {1051, R, 0, 0, 10, 1, 0, 10, 2, 0, NONE, 10, 10, 3, 0, ADD(4)},
    {1079, R, 0, 0, 100, 1, 0, 0, 2, 0, 100, 10, 5, 3, 0, ADD(4)},
    {1107, R, 0, 0, 100, 1, 0, 0, 7, 0, 100, 10, 5, 3, 0, THROTTLE(3)},
};

struct fixture {
    struct qbed *b;
    uint32_t line;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->line = *(const uint32_t *)*state;
    f->b = qbed_new();
    qbed_make(f->b, BED_HELLO);
    qbed_tell(f->b, POST_VERSION_UPDATED, NULL, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    qbed_free(f->b);
    free(f);
    return 0;
}

static void configure(struct qbed *b, const struct decision_case *c)
{
    struct action_info *action = &b->bed->actions[BED_HELLO];
    bed_config(b->bed, "whisk.scheduler.scheduling.allow-over-provision-before-throttle",
               c->ratio > 0.0);
    bed_config(b->bed,
               "whisk.scheduler.scheduling.namespace-over-provision-before-throttle-ratio",
               (uint64_t)(c->ratio * 1e6 + 0.5));
    action->concurrency = c->concurrency;
    action->instance_limit = c->action_limit == c->namespace_limit ? 0 : c->action_limit;
}

static void tell_snapshot(struct qbed *b, const struct decision_case *c)
{
    struct message m = bed_message(b->bed, MSG_POST, BED_SCHEDULER0,
                                   SLOT_ACTOR(ACTOR_DECISION, SLOT_REF(b->actor)));
    m.what = POST_SNAPSHOT;
    *MESSAGE_LOCAL(&m, struct post_snapshot) =
        (struct post_snapshot){.waiting = c->waiting,
                               .existing = c->existing,
                               .in_progress = c->in_progress,
                               .stale = c->stale,
                               .namespace_existing = c->namespace_existing,
                               .namespace_in_progress = c->namespace_in_progress,
                               .duration_ms = c->duration_ms < 0.0 ? 0.0 : c->duration_ms,
                               .namespace_limit = c->namespace_limit,
                               .state = (uint8_t)c->state,
                               .initialized = c->initialized,
                               .incoming = (uint8_t)c->incoming,
                               .has_duration = c->duration_ms >= 0.0};
    bed_deliver(b->bed, &m);
}

/* Nothing, or a callback that sends the queue this and no more. */
static void expect_result(struct qbed *b, const struct decision_case *c)
{
    if (c->kind == DECISION_SKIP) {
        assert_int_equal(bed_posts(b->bed), 0);
        return;
    }
    assert_int_equal(bed_posts(b->bed), 1);
    bed_post_next(b->bed);
    assert_int_equal(bed_posts(b->bed), 1);
    const struct message *m = bed_post(b->bed, 0);
    const struct post_decision *result = MESSAGE_LOCAL_CONST(m, struct post_decision);
    assert_int_equal(m->to_actor, b->actor);
    assert_int_equal(m->what, POST_DECISION);
    if (result->kind != (uint32_t)c->kind || result->count != c->count)
        fail_msg("%u: %s %d instead of %s %d", c->line, decision_to_string(result->kind),
                 (int)result->count, decision_to_string(c->kind), (int)c->count);
    b->bed->post_first = b->bed->post_count = 0;
}

static void it_decides(void **state)
{
    struct fixture *f = *state;
    uint32_t count = 0, sent = f->b->bed->sent_count;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].line != f->line)
            continue;
        configure(f->b, &cases[i]);
        tell_snapshot(f->b, &cases[i]);
        expect_result(f->b, &cases[i]);
        count++;
    }
    assert_true(count > 0);
    assert_int_equal(f->b->bed->sent_count, sent);
}

/* Each as CONFORMS names them; the line is its state. */
#define LINE(line)                                                                             \
    {                                                                                          \
        "SchedulingDecisionMakerTests:" #line, it_decides, setup, teardown, &(uint32_t)        \
        {                                                                                      \
            line                                                                               \
        }                                                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINE(53),  LINE(78),   LINE(103),  LINE(133),  LINE(161),  LINE(187), LINE(213),
        LINE(242), LINE(271),  LINE(300),  LINE(329),  LINE(358),  LINE(383), LINE(408),
        LINE(434), LINE(460),  LINE(486),  LINE(511),  LINE(536),  LINE(561), LINE(586),
        LINE(611), LINE(636),  LINE(663),  LINE(690),  LINE(719),  LINE(747), LINE(776),
        LINE(804), LINE(829),  LINE(857),  LINE(885),  LINE(911),  LINE(937), LINE(966),
        LINE(994), LINE(1022), LINE(1051), LINE(1079), LINE(1107),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
