/* Upstream's MessageFeedTests: maxPeek 4; the handler never says Processed by itself. */
#include "support/common_bed.h"
#include "support/conform.h"

#define FEED "scheduler0/feed#0 > kafka "
#define TOPIC_TEXT "scheduler0"
#define POLL(offset) FEED "poll " TOPIC_TEXT " x4 at " offset "\n"
#define COMMIT(offset) FEED "commit " TOPIC_TEXT " at " offset "\n"

static int setup(void **state)
{
    *state = common_bed_idle_feed();
    return 0;
}

static int teardown(void **state)
{
    common_bed_free(*state);
    return 0;
}

static void post(struct bed *bed, unsigned what)
{
    common_post(bed, ACTOR_FEED_HANDLER_ID(0), ACTOR_FEED_ID(0), what);
}

static void ready(struct bed *bed)
{
    post(bed, POST_FEED_READY);
    assert_int_equal(common_feed(bed)->state, FEED_FILLING);
    expect_records(bed, "");
    expect_trace(bed, FEED "join " TOPIC_TEXT "\n");
    common_answer_join(bed, 1, 0);
    expect_trace(bed, FEED "join " TOPIC_TEXT "\n" POLL("0"));
}

/* Polled and committed: 4, 4 and the rest; four reach the handler, then it drains. */
static void fill_up(struct bed *bed, uint32_t rest)
{
    ready(bed);
    common_fill(bed, 4);
    expect_said(bed, "handler: item 1 at 0\n"
                     "handler: item 2 at 1\n"
                     "handler: item 3 at 2\n"
                     "handler: item 4 at 3\n");
    common_fill(bed, 4);
    assert_int_equal(common_feed(bed)->state, FEED_FILLING);
    common_fill(bed, rest);
    expect_said(bed, "");
    assert_int_equal(common_feed(bed)->state, FEED_DRAINING);
}

static void it_waits_for_ready(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(common_feed(bed)->state, FEED_IDLE);
    post(bed, POST_FEED_PROCESSED);
    bed_pass(bed, MSEC(500));
    expect_trace(bed, "");
    expect_records(bed, "");
    assert_int_equal(common_feed(bed)->state, FEED_IDLE);
    ready(bed);
}

static void it_starts_by_itself(void **state)
{
    bed_free(*state);
    struct bed *bed = *state = common_bed_new(COMMON_FEED);
    expect_records(bed, "");
    common_answer_join(bed, 7, 21);
    expect_trace(bed, FEED "join " TOPIC_TEXT "\n" POLL("21"));
    assert_int_equal(bed_sent(bed, MSG_KAFKA_POLL, 0)->u.kafka.member, 7);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_POLL, 0)->u.kafka.wait_ms, 1000);
}

static void a_full_pipeline_is_not_filled(void **state)
{
    struct bed *bed = *state;
    fill_up(bed, 1);
    expect_trace(bed, FEED "join " TOPIC_TEXT "\n" POLL("0") COMMIT("4") POLL("4") COMMIT("8")
                          POLL("8") COMMIT("9"));
    expect_records(bed, "takes 0'1 from topic scheduler0 at 0\n"
                        "takes 0'2 from topic scheduler0 at 1\n"
                        "takes 0'3 from topic scheduler0 at 2\n"
                        "takes 1 from topic scheduler0 at 3\n"
                        "has 0 permits of 4\n");
    bed_forget(bed);
    bed_pass(bed, MSEC(500));
    expect_trace(bed, "");
    expect_records(bed, "");
    expect_said(bed, "");
}

static void it_drains_and_fills_again(void **state)
{
    struct bed *bed = *state;
    fill_up(bed, 2);
    bed_forget(bed);
    bed_pass(bed, MSEC(500));
    expect_trace(bed, "");
    post(bed, POST_FEED_PROCESSED); /* five are left, and the threshold is four */
    expect_said(bed, "handler: item 5 at 4\n");
    bed_pass(bed, MSEC(500));
    expect_trace(bed, "");
    assert_int_equal(common_feed(bed)->state, FEED_DRAINING);
    bed_forget(bed);
    post(bed, POST_FEED_PROCESSED);
    expect_said(bed, "handler: item 6 at 5\n");
    expect_trace(bed, POLL("10"));
    assert_int_equal(common_feed(bed)->state, FEED_FILLING);
    expect_records(bed, "takes 1'2 from topic scheduler0 at 5\n");
    common_fill(bed, 1);
    expect_trace(bed, POLL("10") COMMIT("11"));
    expect_said(bed, "");
    assert_int_equal(common_feed(bed)->state, FEED_DRAINING);
    bed_forget(bed);
    bed_pass(bed, MSEC(500));
    expect_trace(bed, "");
}

int main(void)
{
#define SUITE "MessageFeedTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 113, it_waits_for_ready),
        CONFORMS(SUITE, 132, it_starts_by_itself),
        CONFORMS(SUITE, 138, a_full_pipeline_is_not_filled),
        CONFORMS(SUITE, 152, it_drains_and_fills_again),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
