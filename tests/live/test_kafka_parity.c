/*
 * test_kafka_parity.c - the Kafka machine answers what a broker answers.
 *
 * Each script of tests/support/kafka_ops_list.c is run against the machine (without sockets, in
 * virtual time), against librdkafka's mock cluster (in a process of its own: it aborts on what
 * it does not like), and against a real Apache Kafka: the one at ROLLCAGE_KAFKA (host:port; set
 * up as scripts/real-kafka does it), or one that scripts/real-kafka starts. Then 1,000 random
 * scripts, machine against the real one. ROLLCAGE_PARITY_SHOW=1 prints both transcripts of
 * every difference.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "support/kafka_ops.h"

#define RANDOM_SCRIPTS 1000u
#define RANDOM_STEPS 10u
#define SCRIPT_SIZE ((size_t)64 << 10)
#define SKIPPED_CODE 77

static char ours[KAFKA_OPS_TRANSCRIPT], theirs[KAFKA_OPS_TRANSCRIPT];
static char real_address[64], real_folder[64], real_reason[128];
static char run_prefix[32];

/* cmocka's own cuts long lines. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stdout, format, arguments);
    va_end(arguments);
    (void)fflush(stdout);
}

static bool shows(void)
{
    return getenv("ROLLCAGE_PARITY_SHOW") != NULL;
}

static void show_difference(const char *name, const char *script)
{
    say("different: %s\n", name);
    if (shows())
        say("-- script\n%s-- machine\n%s-- broker\n%s\n", script, ours, theirs);
}

/* Same script, both sides; false: the broker cannot be reached. */
static bool run_both(const char *address, const char *prefix, const char *script)
{
    struct kafka_peer *machine = kafka_ops_machine(prefix);
    kafka_ops_run(machine, script, ours, sizeof ours);
    kafka_peer_free(machine);
    struct kafka_peer *broker = kafka_peer_address(address, prefix);
    if (broker == NULL)
        return false;
    kafka_ops_run(broker, script, theirs, sizeof theirs);
    kafka_peer_free(broker);
    return true;
}

/* ---- the real broker ---- */

static bool start_real(void)
{
    const char *given = getenv("ROLLCAGE_KAFKA");
    if (given != NULL) {
        snprintf(real_address, sizeof real_address, "%s", given);
        return true;
    }
    char command[256];
    snprintf(real_folder, sizeof real_folder, "/tmp/rollcage-parity-%d", (int)getpid());
    snprintf(command, sizeof command, "KAFKA_OWNER=%d %s/scripts/real-kafka start %s",
             (int)getpid(), TEST_SOURCE_DIR, real_folder);
    FILE *out = popen(command, "r");
    bool is_told = out != NULL && fscanf(out, "%63s", real_address) == 1;
    int status = out == NULL ? -1 : pclose(out);
    if (is_told && status == 0)
        return true;
    snprintf(real_reason, sizeof real_reason, "%s",
             WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED_CODE
                 ? "no Java, no Maven, or no jars here (scripts/real-kafka)"
                 : "scripts/real-kafka could not start one");
    real_address[0] = '\0';
    return false;
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    snprintf(run_prefix, sizeof run_prefix, "p%d-%ld-", (int)getpid(),
             (long)now.tv_sec % 100000);
    if (!start_real())
        return 0;
    struct kafka_peer *broker = kafka_peer_address(real_address, run_prefix);
    bool is_ready = broker != NULL && kafka_ops_prepare(broker);
    if (broker != NULL)
        kafka_peer_free(broker);
    if (!is_ready) {
        snprintf(real_reason, sizeof real_reason, "%.60s does not answer", real_address);
        real_address[0] = '\0';
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (real_folder[0] == '\0')
        return 0;
    char command[256];
    snprintf(command, sizeof command, "%s/scripts/real-kafka stop %s && rm -rf %s",
             TEST_SOURCE_DIR, real_folder, real_folder);
    return system(command) == 0 ? 0 : -1;
}

static bool has_real(void)
{
    if (real_address[0] == '\0')
        say("skipped: %s\n", real_reason);
    return real_address[0] != '\0';
}

static void the_machine_answers_what_a_real_broker_answers(void **state)
{
    (void)state;
    if (!has_real())
        skip();
    unsigned equal = 0, different = 0, skipped = 0, unexpected = 0;
    for (unsigned i = 0; i < kafka_ops_count; i++) {
        const struct kafka_op *op = &kafka_ops_list[i];
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%s%u-", run_prefix, i);
        if ((op->flags & OPS_MACHINE_ONLY) != 0) {
            skipped++;
            continue;
        }
        assert_true(run_both(real_address, prefix, op->script));
        bool is_equal = strcmp(ours, theirs) == 0;
        equal += is_equal;
        different += !is_equal;
        if (!is_equal && (op->flags & OPS_DIFFERS) == 0) {
            unexpected++;
            show_difference(op->name, op->script);
        } else if (!is_equal) {
            say("differs as documented: %s: %s\n", op->name, op->why);
        } else if ((op->flags & OPS_DIFFERS) != 0) {
            say("equal, though documented otherwise: %s\n", op->name);
        }
    }
    say("real Kafka: %u equal, %u different (%u of them not documented), "
        "%u skipped\n",
        equal, different, unexpected, skipped);
    assert_int_equal(unexpected, 0);
}

/* ---- random scripts ---- */

static bool random_differs(const char *prefix, unsigned *run, const char *script)
{
    char unique[64];
    snprintf(unique, sizeof unique, "%s%u-", prefix, (*run)++);
    assert_true(run_both(real_address, unique, script));
    return strcmp(ours, theirs) != 0;
}

/* Take out one line after another while the difference stays. */
static void shrink(const char *prefix, unsigned *run, char *script)
{
    static char shorter[SCRIPT_SIZE];
    char *line = script;
    while (*line != '\0') {
        size_t length = strcspn(line, "\n") + 1;
        snprintf(shorter, sizeof shorter, "%.*s%s", (int)(line - script), script,
                 line + length);
        if (random_differs(prefix, run, shorter))
            memmove(line, line + length, strlen(line + length) + 1);
        else
            line += length;
    }
    random_differs(prefix, run, script);
}

static void random_requests_are_answered_alike(void **state)
{
    (void)state;
    if (!has_real())
        skip();
    static char script[SCRIPT_SIZE];
    char prefix[64];
    unsigned run = 0, equal = 0, different = 0;
    snprintf(prefix, sizeof prefix, "%sr", run_prefix);
    for (unsigned seed = 1; seed <= RANDOM_SCRIPTS && different < 3; seed++) {
        kafka_ops_random(seed, RANDOM_STEPS, script, sizeof script);
        if (!random_differs(prefix, &run, script)) {
            equal++;
            continue;
        }
        different++;
        shrink(prefix, &run, script);
        say("seed %u, shrunk:\n%s-- machine\n%s-- broker\n%s\n", seed, script, ours, theirs);
    }
    say("real Kafka, random scripts: %u equal, %u different, 0 skipped\n", equal, different);
    assert_int_equal(different, 0);
}

/* ---- librdkafka's mock cluster ---- */

static void no_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

static pid_t start_mock(char *address, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char reason[256];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_conf_set_log_cb(conf, no_log);
        rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
        rd_kafka_mock_cluster_t *cluster = rk == NULL ? NULL : rd_kafka_mock_cluster_new(rk, 1);
        if (cluster == NULL)
            _exit(1);
        rd_kafka_mock_topic_create(cluster, "t", 1, 1);
        const char *bootstraps = rd_kafka_mock_cluster_bootstraps(cluster);
        if (write(ends[1], bootstraps, strlen(bootstraps)) < 0)
            _exit(1);
        close(ends[1]);
        alarm(120); /* should nobody end it */
        for (;;)
            pause();
    }
    close(ends[1]);
    ssize_t got = read(ends[0], address, size - 1);
    address[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    return pid;
}

static void stop_mock(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Which scripts it can run: it has no CreateTopics (topic t is made through its own function);
 * sessions of up to 3 s never form a group there, longer ones take 3 s and more for each join,
 * and unequal protocols end its process. NULL: not this one. */
static const char *script_for_mock(const struct kafka_op *op)
{
    static const char make[] = "1 CreateTopics 4 topics[name=~t]\n";
    const char *script = op->script;
    if (strncmp(script, make, sizeof make - 1) == 0)
        script += sizeof make - 1;
    bool is_for_it = (op->flags & OPS_MOCK_NEVER) == 0 &&
                     strstr(script, "CreateTopics") == NULL &&
                     strstr(script, "JoinGroup") == NULL;
    return is_for_it ? script : NULL;
}

static bool is_equal_on_mock(const char *script)
{
    char address[128];
    static char whole[SCRIPT_SIZE];
    snprintf(whole, sizeof whole, "1 CreateTopics 4 topics[name=~t]\n%s", script);
    struct kafka_peer *machine = kafka_ops_machine("");
    kafka_ops_run(machine, whole, ours, sizeof ours);
    kafka_peer_free(machine);
    pid_t mock = start_mock(address, sizeof address);
    struct kafka_peer *broker = kafka_peer_address(address, "");
    theirs[0] = '\0';
    if (broker != NULL) {
        kafka_ops_run(broker, script, theirs, sizeof theirs);
        kafka_peer_free(broker);
    }
    stop_mock(mock);
    const char *after_making = strchr(ours, '\n') + 1;
    return strcmp(after_making, theirs) == 0;
}

static void the_mock_cluster_answers_alike_where_it_is_said_to(void **state)
{
    (void)state;
    unsigned equal = 0, different = 0, skipped = 0, unexpected = 0;
    for (unsigned i = 0; i < kafka_ops_count; i++) {
        const struct kafka_op *op = &kafka_ops_list[i];
        const char *script = script_for_mock(op);
        if (script == NULL) {
            skipped++;
            continue;
        }
        bool is_equal = is_equal_on_mock(script);
        equal += is_equal;
        different += !is_equal;
        if (is_equal && shows())
            say("equal: %s\n", op->name);
        if (!is_equal && ((op->flags & OPS_MOCK_EQUAL) != 0 || shows()))
            show_difference(op->name, script);
        unexpected += !is_equal && (op->flags & OPS_MOCK_EQUAL) != 0;
    }
    say("mock cluster: %u equal, %u different, %u skipped\n", equal, different, skipped);
    assert_int_equal(unexpected, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_answers_what_a_real_broker_answers),
        cmocka_unit_test(random_requests_are_answered_alike),
        cmocka_unit_test(the_mock_cluster_answers_alike_where_it_is_said_to),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
