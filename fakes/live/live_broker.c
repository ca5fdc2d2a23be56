/*
 * live_broker.c - the Kafka machine's port: frames of clients in, its answers out.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "live/host_live_internal.h"

#define BROKER_CONNECTIONS 4096
#define BROKER_PORT 9093 /* ansible/group_vars/all:175 */

static void on_frame(void *context, uint32_t connection, const void *bytes, size_t length)
{
    struct live_node *n = context;
    struct host *self = n->host;
    if (!live_listens(n->state)) {
        kafka_server_close(n->broker, connection);
        return;
    }
    live_read_clock(self);
    struct message m = {
        .kind = MSG_KAFKA_FRAME, .from = NODE_HOST, .to = n->env.node, .corr = connection};
    m.u.kafka_frame.bytes = blob_new(self->world.arena, ARENA_MESSAGE, bytes, length);
    m.u.kafka_frame.address = kafka_server_client(n->broker, connection);
    live_push(self, self->now, ITEM_DELIVER, &m);
}

static void on_closed(void *context, uint32_t connection)
{
    struct live_node *n = context;
    struct host *self = n->host;
    if (!live_listens(n->state))
        return;
    live_read_clock(self);
    struct message m = {
        .kind = MSG_KAFKA_CLOSED, .from = NODE_HOST, .to = n->env.node, .corr = connection};
    live_push(self, self->now, ITEM_DELIVER, &m);
}

void live_broker_answer(struct host *self, struct message *m)
{
    struct live_node *n = live_node_at(self, m->from);
    const struct arena *arena = self->world.arena;
    if (n != NULL && n->broker != NULL) {
        if (m->u.kafka_frame.close)
            kafka_server_close(n->broker, m->corr);
        else
            kafka_server_answer(n->broker, m->corr, blob_bytes(arena, m->u.kafka_frame.bytes),
                                blob_size(arena, m->u.kafka_frame.bytes));
    }
    live_free_blobs(self, m);
}

static void set_config(const struct live_node *n, void *config, const char *key, uint64_t value)
{
    for (uint32_t i = 0; i < n->ops->config_field_count; i++) {
        const struct config_field *field = &n->ops->config_fields[i];
        if (strcmp(field->key, key) == 0)
            memcpy((char *)config + field->offset, &value, sizeof value);
    }
}

/* Its clients must find it where it really listens, and count its time as theirs. */
static void advertise(struct host *self, struct live_node *n)
{
    struct in_addr address = {0};
    void *config = arena_alloc(self->world.arena, ARENA_HOST, n->ops->config_size);
    memcpy(config, n->env.config, n->ops->config_size);
    const char *listen = strcmp(self->listen, "0.0.0.0") == 0 ? "127.0.0.1" : self->listen;
    if (inet_pton(AF_INET, listen, &address) == 1)
        set_config(n, config, "kafka.advertised-address", ntohl(address.s_addr));
    set_config(n, config, "kafka.advertised-port", n->ports[WIRE_API].number);
    set_config(n, config, "kafka.client-speed", self->speed);
    if (self->speed > 1) /* the clients' divided session times */
        set_config(n, config, "group.min.session.timeout.ms", MSEC(1));
    n->env.config = config;
}

bool live_broker_listen(struct host *self, struct live_node *n)
{
    char error[LIVE_ERROR_SIZE];
    struct live_port *port = &n->ports[WIRE_API];
    if (n->broker != NULL)
        return true;
    if (self->upstream_ports && port->number == 0)
        port->number = BROKER_PORT;
    struct kafka_server_config config = {.loop = self->loop,
                                         .address = self->listen,
                                         .port = port->number,
                                         .connections_max = BROKER_CONNECTIONS,
                                         .context = n,
                                         .on_frame = on_frame,
                                         .on_closed = on_closed};
    n->broker = kafka_server_new(&config, error, sizeof error);
    if (n->broker == NULL) {
        live_fail(self, "%s: %s", n->name, error);
        return false;
    }
    if (port->number == 0 || n->boots == 0) {
        port->number = kafka_server_port(n->broker);
        advertise(self, n);
    }
    return true;
}

bool live_broker_close(struct live_node *n)
{
    if (n->broker == NULL)
        return false;
    kafka_server_free(n->broker);
    n->broker = NULL;
    return true;
}
