/*
 * test_kafka_client.c - producers and consumers against librdkafka's mock cluster.
 *
 * The mock lives in a process of its own, since it aborts on some requests and its calls may
 * block for a second; it is told what to do by lines. Its groups take 3 s to form and want a
 * session of about 4 s.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "live/kafka_client.h"

#define MS UINT64_C(1000000)
#define PATIENCE_MS 15000u
#define OFFSET_COMMIT_KEY 8

/* ---- the broker's process ---- */

static struct {
    int fd;
    pid_t pid;
    char bootstrap[128];
} mock;

/* "t NAME", "n NAME" (unknown from now on), "d"own, "u"p, "e": the next commit is refused. */
static void obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
    if (line[0] == 't')
        (void)rd_kafka_mock_topic_create(cluster, line + 2, 1, 1);
    else if (line[0] == 'n')
        rd_kafka_mock_topic_set_error(cluster, line + 2,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    else if (line[0] == 'd')
        (void)rd_kafka_mock_broker_set_down(cluster, 1);
    else if (line[0] == 'u')
        (void)rd_kafka_mock_broker_set_up(cluster, 1);
    else if (line[0] == 'e')
        rd_kafka_mock_push_request_errors(cluster, OFFSET_COMMIT_KEY, 1,
                                          RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
}

static _Noreturn void be_the_broker(int fd)
{
    char text[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
    FILE *lines = fdopen(fd, "r");
    const char *bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
    (void)!write(fd, bootstrap, strlen(bootstrap));
    while (fgets(text, sizeof text, lines) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        obey(cluster, text);
        (void)!write(fd, "k", 1);
    }
    _exit(0);
}

static void start_mock(void)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 || (mock.pid = fork()) < 0)
        exit(2);
    if (mock.pid == 0) {
        close(fds[0]);
        be_the_broker(fds[1]);
    }
    close(fds[1]);
    mock.fd = fds[0];
    if (read(mock.fd, mock.bootstrap, sizeof mock.bootstrap - 1) <= 0)
        exit(2);
}

static void stop_mock(void)
{
    close(mock.fd);
    (void)waitpid(mock.pid, NULL, 0);
}

static void tell_mock(const char *line)
{
    char answer;
    assert_int_equal(send(mock.fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    assert_int_equal(send(mock.fd, "\n", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(read(mock.fd, &answer, 1), 1);
}

/* ---- the bed ---- */

#define TAGS_MAX 20000u

struct bed {
    struct loop *loop;
    struct kafka_settings settings;
    struct kafka_producer *producer;
    struct kafka_consumer *consumer;
    const char *topic;
    uint32_t delivered, failed, assigned, lost, answers, records, commits, commits_failed;
    uint32_t kicked;
    int64_t next; /* offset expected next */
    int64_t offsets[TAGS_MAX];
    char reason[128], note[64];
    bool is_pumping;      /* polls and commits again by itself, as a feed does */
    bool frees_in_answer; /* the handler frees its consumer */
    int fds_before;
};

static int open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    int count = 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void on_delivered(void *context, uint64_t tag, bool ok, int64_t offset,
                         const char *reason)
{
    struct bed *bed = context;
    bed->delivered += ok;
    bed->failed += !ok;
    if (tag < TAGS_MAX)
        bed->offsets[tag] = offset;
    if (!ok)
        (void)snprintf(bed->reason, sizeof bed->reason, "%s", reason);
}

static void on_assigned(void *context)
{
    struct bed *bed = context;
    bed->assigned++;
    if (bed->is_pumping && bed->assigned == 1)
        kafka_consumer_poll(bed->consumer, 500, 1000);
}

static void on_lost(void *context)
{
    ((struct bed *)context)->lost++;
}

static void on_records(void *context, const struct kafka_record *records, uint32_t count)
{
    struct bed *bed = context;
    for (uint32_t i = 0; i < count; i++) {
        char wanted[32];
        int length = snprintf(wanted, sizeof wanted, "record %d", (int)records[i].offset);
        assert_int_equal(records[i].offset, bed->next);
        assert_int_equal(records[i].length, length);
        assert_memory_equal(records[i].bytes, wanted, (size_t)length);
        bed->next++;
    }
    if (count > 0)
        (void)snprintf(bed->note, sizeof bed->note, "%s",
                       records[count - 1].note == NULL ? "none" : records[count - 1].note);
    bed->answers++;
    bed->records += count;
    if (bed->frees_in_answer) {
        kafka_consumer_free(bed->consumer, false);
        bed->consumer = NULL;
    } else if (bed->is_pumping)
        kafka_consumer_commit(bed->consumer, bed->next);
}

static void on_committed(void *context, bool ok, bool lost_membership)
{
    struct bed *bed = context;
    bed->commits += ok;
    bed->commits_failed += !ok;
    bed->kicked += lost_membership;
    if (bed->is_pumping)
        kafka_consumer_poll(bed->consumer, 500, 1000);
}

static struct bed *bed_open(const char *topic, uint32_t speed)
{
    struct bed *bed = calloc(1, sizeof *bed);
    char error[200], line[64];
    bed->fds_before = open_fds();
    bed->topic = topic;
    bed->settings = (struct kafka_settings){.bootstrap = mock.bootstrap,
                                            .speed = speed,
                                            .session_timeout_ms = 4000,
                                            .heartbeat_ms = 1000,
                                            .fetch_wait_ms = 10};
    bed->loop = loop_new();
    struct kafka_producer_handler handler = {bed, on_delivered};
    bed->producer = kafka_producer_new(bed->loop, &bed->settings, &handler, error, 200);
    assert_non_null(bed->producer);
    (void)snprintf(line, sizeof line, "t %s", topic);
    tell_mock(line);
    return bed;
}

static void join(struct bed *bed)
{
    char error[200], group[64];
    struct kafka_consumer_handler handler = {bed, on_assigned, on_lost, on_records,
                                             on_committed};
    (void)snprintf(group, sizeof group, "group-%s", bed->topic);
    bed->assigned = 0;
    bed->consumer = kafka_consumer_new(bed->loop, &bed->settings, bed->topic, group, &handler,
                                       error, sizeof error);
    assert_non_null(bed->consumer);
}

static void bed_close(struct bed *bed)
{
    if (bed->consumer != NULL)
        kafka_consumer_free(bed->consumer, false);
    if (bed->producer != NULL)
        kafka_producer_free(bed->producer);
    loop_free(bed->loop);
    assert_int_equal(open_fds(), bed->fds_before);
    free(bed);
}

static uint64_t turn_until(struct bed *bed, const uint32_t *counter, uint32_t value)
{
    uint64_t began = loop_now_ns(), until = began + PATIENCE_MS * MS;
    while (*counter < value && loop_now_ns() < until)
        loop_turn(bed->loop, (int64_t)(100 * MS));
    assert_int_equal(*counter, value);
    return (loop_now_ns() - began) / MS;
}

static void turn_for_ms(struct bed *bed, uint64_t ms)
{
    uint64_t until = loop_now_ns() + ms * MS;
    while (loop_now_ns() < until)
        loop_turn(bed->loop, (int64_t)MS);
}

static void send_numbered(struct bed *bed, uint32_t from, uint32_t to, const char *note)
{
    for (uint32_t i = from; i < to; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "record %u", i);
        kafka_producer_send(bed->producer, bed->topic, text, (size_t)length, note, i);
    }
}

/* ---- */

static void records_come_in_order_and_a_dead_member_resumes_at_its_commit(void **state)
{
    (void)state;
    struct bed *bed = bed_open("orders", 1);
    join(bed);
    send_numbered(bed, 0, 100, NULL);
    assert_int_equal(bed->delivered, 0); /* never from inside of a send */
    turn_until(bed, &bed->delivered, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(bed->offsets[i], i);
    turn_until(bed, &bed->assigned, 1);
    while (bed->records < 100) {
        kafka_consumer_poll(bed->consumer, 30, 2000);
        uint32_t before = bed->records;
        assert_int_equal(bed->records, before); /* nor from inside of a poll */
        turn_until(bed, &bed->answers, bed->answers + 1);
        assert_true(bed->records > before && bed->records <= before + 30);
    }
    assert_string_equal(bed->note, "none");

    kafka_consumer_poll(bed->consumer, 30, 200); /* nothing there: none after its wait */
    uint64_t took = turn_until(bed, &bed->answers, bed->answers + 1);
    assert_true(took >= 199 && took < 600);
    assert_int_equal(bed->records, 100);

    kafka_consumer_poll(bed->consumer, 30, 5000); /* a record ends the wait */
    send_numbered(bed, 100, 101, "{\"run\": 7}");
    assert_true(turn_until(bed, &bed->answers, bed->answers + 1) < 1000);
    assert_string_equal(bed->note, "{\"run\": 7}");

    kafka_consumer_commit(bed->consumer, 60);
    turn_until(bed, &bed->commits, 1);
    kafka_consumer_free(bed->consumer, false);
    bed->next = 60;
    bed->records = 0;
    join(bed);
    took = turn_until(bed, &bed->assigned, 1);
    assert_true(took > 4500); /* the group waited for the dead member */
    kafka_consumer_poll(bed->consumer, 500, 3000);
    turn_until(bed, &bed->answers, bed->answers + 1);
    assert_true(bed->records > 0); /* on_records has seen that they began at 60 */
    assert_int_equal(bed->commits_failed + bed->lost, 0);
    bed_close(bed);
}

static void twenty_thousand_records_go_through_one_loop(void **state)
{
    (void)state;
    struct bed *bed = bed_open("many", 1);
    bed->is_pumping = true;
    join(bed);
    turn_until(bed, &bed->assigned, 1);
    for (uint32_t i = 0; i < TAGS_MAX; i += 200) {
        send_numbered(bed, i, i + 200, NULL);
        turn_for_ms(bed, 5);
    }
    uint64_t took = turn_until(bed, &bed->records, TAGS_MAX);
    assert_true(took < 3000); /* 40,000 a second were offered */
    turn_until(bed, &bed->delivered, TAGS_MAX);
    assert_int_equal(bed->failed + bed->commits_failed + bed->lost, 0);
    bed_close(bed);
}

static void a_member_that_was_kicked_out_learns_it_and_joins_again(void **state)
{
    (void)state;
    struct bed *bed = bed_open("kicked", 1);
    send_numbered(bed, 0, 5, NULL);
    join(bed);
    kafka_consumer_commit(bed->consumer, 0); /* no member yet: nothing is sent */
    assert_int_equal(bed->kicked, 0);
    turn_until(bed, &bed->kicked, 1);
    turn_until(bed, &bed->assigned, 1);
    kafka_consumer_poll(bed->consumer, 5, 1000);
    turn_until(bed, &bed->answers, 1);
    tell_mock("e");
    kafka_consumer_commit(bed->consumer, bed->next);
    turn_until(bed, &bed->kicked, 2);
    assert_int_equal(bed->commits, 0);
    turn_until(bed, &bed->lost, 1);
    turn_until(bed, &bed->assigned, 2);
    bed->next = 0; /* what was not committed comes again */
    bed->frees_in_answer = true;
    kafka_consumer_poll(bed->consumer, 5, 3000);
    turn_until(bed, &bed->answers, 2);
    assert_true(bed->next > 0);
    bed_close(bed);
}

static void an_absent_broker_is_waited_for(void **state)
{
    (void)state;
    tell_mock("d");
    struct bed *bed = bed_open("absent", 1);
    join(bed);
    send_numbered(bed, 0, 10, NULL);
    kafka_consumer_poll(bed->consumer, 10, 100); /* answers, though nobody is there */
    turn_until(bed, &bed->answers, 1);
    turn_for_ms(bed, 400);
    assert_int_equal(bed->delivered + bed->failed, 0);
    tell_mock("u");
    assert_true(turn_until(bed, &bed->delivered, 10) < 5000);
    turn_until(bed, &bed->assigned, 1);
    kafka_consumer_poll(bed->consumer, 10, 3000);
    turn_until(bed, &bed->answers, 2);
    assert_true(bed->records > 0);
    kafka_consumer_free(bed->consumer, true); /* leaves: nobody waits for its session */
    join(bed);
    uint64_t took = turn_until(bed, &bed->assigned, 1);
    assert_true(took < 4500); /* with a dead one: over 6 s */
    bed_close(bed);
}

static void records_that_cannot_be_delivered_fail_in_their_time(void **state)
{
    (void)state;
    struct bed *bed = bed_open("known", 60); /* 1 s for an unknown topic, 2 s for the rest */
    tell_mock("n unknown");
    kafka_producer_send(bed->producer, "unknown", "x", 1, NULL, 1);
    uint64_t took = turn_until(bed, &bed->failed, 1);
    assert_true(took > 500 && took < 4000);
    assert_non_null(strstr(bed->reason, "nknown topic"));

    size_t size = (size_t)3 << 20;
    char *large = calloc(1, size);
    kafka_producer_send(bed->producer, "known", large, size, NULL, 2);
    assert_int_equal(bed->failed, 1);
    turn_until(bed, &bed->failed, 2);
    assert_non_null(strstr(bed->reason, "too large"));
    kafka_producer_send(bed->producer, "known", large, 1054644, "note", 3);
    turn_until(bed, &bed->delivered, 1);
    free(large);

    tell_mock("d");
    kafka_producer_send(bed->producer, "known", "x", 1, NULL, 4);
    took = turn_until(bed, &bed->failed, 3);
    assert_true(took > 1500 && took < 6000);
    tell_mock("u");
    bed_close(bed);
}

static void what_is_freed_is_silent_and_quick(void **state)
{
    (void)state;
    struct bed *bed = bed_open("silent", 1);
    send_numbered(bed, 0, 1000, NULL);
    uint64_t began = loop_now_ns();
    kafka_producer_free(bed->producer);
    bed->producer = NULL;
    join(bed);
    kafka_consumer_poll(bed->consumer, 1, 1);
    kafka_consumer_free(bed->consumer, true);
    bed->consumer = NULL;
    assert_true(loop_now_ns() - began < 1500 * MS);
    turn_for_ms(bed, 50);
    assert_int_equal(bed->delivered + bed->failed + bed->answers, 0);
    bed_close(bed);
}

static void settings_and_brokers_that_do_not_work_are_told_of(void **state)
{
    (void)state;
    static const char *const TOPICS[] = {"made"};
    char error[200] = "";
    int before = open_fds();
    struct kafka_settings s = {mock.bootstrap, 1, 4000, 1000, 10};
    uint64_t began = loop_now_ns();
    assert_int_not_equal(kafka_topic_make(&s, TOPICS, 1, 1500, error, sizeof error), 0);
    assert_true(strlen(error) > 0); /* the mock cannot make topics */
    s.bootstrap = "127.0.0.1:1";
    error[0] = '\0';
    assert_int_not_equal(kafka_topic_make(&s, TOPICS, 1, 300, error, sizeof error), 0);
    assert_true(strlen(error) > 0);
    assert_true(loop_now_ns() - began < 5000 * MS);
    assert_int_equal(kafka_topic_make(&s, NULL, 0, 300, error, sizeof error), 0);

    struct loop *loop = loop_new();
    struct kafka_consumer_handler handler = {NULL, on_assigned, on_lost, on_records,
                                             on_committed};
    s.session_timeout_ms = UINT64_C(1) << 40;
    assert_null(kafka_consumer_new(loop, &s, "t", "g", &handler, error, sizeof error));
    assert_non_null(strstr(error, "session.timeout.ms"));
    loop_free(loop);
    assert_int_equal(open_fds(), before);
}

int main(void)
{
    start_mock(); /* before any thread */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_order_and_a_dead_member_resumes_at_its_commit),
        cmocka_unit_test(twenty_thousand_records_go_through_one_loop),
        cmocka_unit_test(a_member_that_was_kicked_out_learns_it_and_joins_again),
        cmocka_unit_test(an_absent_broker_is_waited_for),
        cmocka_unit_test(records_that_cannot_be_delivered_fail_in_their_time),
        cmocka_unit_test(what_is_freed_is_silent_and_quick),
        cmocka_unit_test(settings_and_brokers_that_do_not_work_are_told_of),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    stop_mock();
    return failures;
}
