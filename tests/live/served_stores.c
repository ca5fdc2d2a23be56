/* served_stores.c - see served_stores.h. */
#include "live/served_stores.h"
#include "cast.h"
#include "live/host_live.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define LIFE MINUTES(2)

enum { STORE_KAFKA, STORE_ETCD, STORE_COUNT };

/* As scripts/real-kafka sets up a broker; every other key at its default of `shipped`. */
static uint64_t value_of(const struct config_field *field)
{
    if (strcmp(field->key, "group.initial.rebalance.delay.ms") == 0)
        return 0;
    if (strcmp(field->key, "group.min.session.timeout.ms") == 0)
        return SEC(1);
    return field->shipped;
}

static void *config_of(const struct machine_ops *ops)
{
    char *config = calloc(1, ops->config_size);
    for (uint32_t i = 0; i < ops->config_field_count; i++) {
        uint64_t value = value_of(&ops->config_fields[i]);
        memcpy(config + ops->config_fields[i].offset, &value, sizeof value);
    }
    return config;
}

static void serve(int out)
{
    static const struct node_info infos[STORE_COUNT] = {{.kind = NODE_KAFKA, .name = "kafka"},
                                                        {.kind = NODE_ETCD, .name = "etcd"}};
    struct cluster cluster = {.nodes = infos, .node_count = STORE_COUNT};
    cluster.counts[NODE_KAFKA] = cluster.counts[NODE_ETCD] = 1;
    cluster.firsts[NODE_ETCD] = STORE_ETCD;
    struct draws draws = {.seed = 1};
    struct host_node nodes[STORE_COUNT];
    for (unsigned i = 0; i < STORE_COUNT; i++) {
        nodes[i].ops = cast_ops((enum node_kind)infos[i].kind);
        nodes[i].config = config_of(nodes[i].ops);
    }
    struct host_live_config config = {.world = {.arena = arena_new(ARENA_BYTES),
                                                .cluster = &cluster,
                                                .draws = &draws,
                                                .nodes = nodes,
                                                .begin = TSTAMP_ORIGIN},
                                      .speed = 1};
    char error[LIVE_ERROR_SIZE], line[300];
    struct host *host = host_live_open(&config, error);
    if (host == NULL)
        _exit(1);
    for (unsigned i = 0; i < STORE_COUNT; i++)
        host_live_ops.start(host, (node_id)i);
    int length = snprintf(line, sizeof line, "%s %s\n", host_live_etcd_url(host),
                          host_live_bootstrap(host));
    if (write(out, line, (size_t)length) != length)
        _exit(1);
    close(out);
    host_live_ops.run_until(host, TSTAMP_ORIGIN + LIFE);
    _exit(0);
}

bool served_stores_start(struct served_stores *self)
{
    int ends[2];
    char line[300] = "";
    if (pipe(ends) != 0)
        return false;
    self->pid = fork();
    if (self->pid == 0) {
        close(ends[0]);
        serve(ends[1]);
    }
    close(ends[1]);
    ssize_t length = self->pid < 0 ? -1 : read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    return length > 0 && sscanf(line, "%127s %127s", self->etcd_url, self->bootstrap) == 2;
}

void served_stores_stop(struct served_stores *self)
{
    kill(self->pid, SIGKILL);
    waitpid(self->pid, NULL, 0);
}
