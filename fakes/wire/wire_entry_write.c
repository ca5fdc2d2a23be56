/*
 * wire_entry_write.c - records of topics as upstream's processes write them.
 *
 * Members stand in alphabetical order, as spray-json's maps print them. What a payload does not
 * carry is a constant: user memory is the shipped 1 GiB, an action's kind nodejs:20, its
 * version 0.0.1; acks and creations have no transaction of their own, theirs start at the
 * epoch. Source: Message.scala:53-753, InstanceId.scala:77-196, TransactionId.scala:270-304 at
 * 1fae641a2.
 */
#include "core/assert.h"
#include "core/record.h"
#include "wire/wire_entry.h"
#include "wire/wire_internal.h"
#include <string.h>

#define USER_MEMORY "1073741824 B" /* container-pool.user-memory as shipped, 1024 m */

/* ---- pieces ---- */

static void write_transaction(struct wire_buffer *buffer, const char *id, uint64_t start_ms)
{
    WIRE_ADD(buffer, "\"transid\":[");
    wire_write_name(buffer, id);
    WIRE_ADD(buffer, ",");
    wire_buffer_number(buffer, start_ms);
    WIRE_ADD(buffer, "]");
}

static void write_id(const struct wire *self, activation_id id, struct wire_buffer *buffer)
{
    char text[33];
    cluster_activation_text(self->draws, id, text);
    WIRE_ADD(buffer, "\"");
    wire_buffer_add(buffer, text, 32);
    WIRE_ADD(buffer, "\"");
}

static uint32_t node_index(const struct wire *self, node_id node)
{
    return node < self->cluster->node_count ? self->cluster->nodes[node].index : 0;
}

static void write_user(const struct wire *self, namespace_id ns, struct wire_buffer *buffer)
{
    const char *name = cluster_namespace_name(self->cluster, ns);
    char user[37], password[65];
    cluster_credentials(self->cluster, ns, user, password);
    WIRE_ADD(buffer, "\"user\":{\"authkey\":{\"api_key\":\"");
    wire_buffer_add(buffer, user, 36);
    WIRE_ADD(buffer, ":");
    wire_buffer_add(buffer, password, 64);
    WIRE_ADD(buffer, "\"},\"limits\":{},\"namespace\":{\"name\":");
    wire_write_name(buffer, name);
    WIRE_ADD(buffer, ",\"uuid\":\"");
    wire_buffer_add(buffer, user, 36);
    WIRE_ADD(buffer, "\"},\"rights\":[\"READ\",\"PUT\",\"DELETE\",\"ACTIVATE\"],\"subject\":");
    wire_write_name(buffer, name);
    WIRE_ADD(buffer, "}");
}

static void write_limits(const struct wire *self, action_id action, struct wire_buffer *buffer)
{
    const struct cluster *cluster = self->cluster;
    const struct action_info *info =
        action < cluster->action_count ? &cluster->actions[action] : NULL;
    WIRE_ADD(buffer, "{\"concurrency\":");
    wire_buffer_number(buffer, info == NULL ? 1 : info->concurrency);
    if (info != NULL && info->instance_limit != 0) {
        WIRE_ADD(buffer, ",\"instances\":");
        wire_buffer_number(buffer, info->instance_limit);
    }
    WIRE_ADD(buffer, ",\"logs\":10,\"memory\":");
    wire_buffer_number(buffer, cluster_action_memory(cluster, action));
    WIRE_ADD(buffer, ",\"timeout\":");
    wire_buffer_number(buffer, cluster_action_timeout(cluster, action) / MSEC(1));
    WIRE_ADD(buffer, "}");
}

/* "namespace" of an entity: all of the name but its last piece. */
static void write_path(const struct wire *self, action_id action, struct wire_buffer *buffer)
{
    const char *name = cluster_action_name(self->cluster, action);
    const char *last = wire_action_last(name);
    size_t length = last == name ? 0 : (size_t)(last - name) - 1;
    wire_buffer_quote(buffer, (struct wire_text){name, length});
}

static void write_tags(const struct wire *self, uint32_t tags, struct wire_buffer *buffer)
{
    const char *comma = "";
    for (uint32_t i = 0; i < self->cluster->tag_count; i++) {
        if ((tags >> i & 1) == 0)
            continue;
        wire_buffer_add(buffer, comma, strlen(comma));
        wire_write_name(buffer, self->cluster->tags[i]);
        comma = ",";
    }
}

/* What ContainerManager looks at (Annotations.scala:27-28). */
static void write_annotations(const struct wire *self, action_id action,
                              struct wire_buffer *buffer)
{
    const struct cluster *cluster = self->cluster;
    WIRE_ADD(buffer, "{\"annotations\":[");
    if (action < cluster->action_count && cluster->actions[action].resources != 0) {
        WIRE_ADD(buffer, "{\"key\":\"invoker-resources\",\"value\":[");
        write_tags(self, cluster->actions[action].resources, buffer);
        WIRE_ADD(buffer, "]}");
        if (cluster->actions[action].lax_resources)
            WIRE_ADD(buffer, ",{\"key\":\"invoker-resources-strict-policy\",\"value\":false}");
    }
    WIRE_ADD(buffer, "]");
}

static void write_metadata(const struct wire *self, action_id action,
                           struct wire_buffer *buffer)
{
    const struct cluster *cluster = self->cluster;
    bool is_blackbox = action < cluster->action_count && cluster->actions[action].blackbox;
    const char *name = wire_action_last(cluster_action_name(cluster, action));
    write_annotations(self, action, buffer);
    WIRE_ADD(buffer, ",\"exec\":{\"binary\":false,");
    if (is_blackbox) {
        WIRE_ADD(buffer, "\"image\":");
        wire_write_name(buffer, name);
        WIRE_ADD(buffer, ",\"kind\":\"blackbox\"}");
    } else {
        WIRE_ADD(buffer, "\"kind\":\"nodejs:20\"}");
    }
    WIRE_ADD(buffer, ",\"limits\":");
    write_limits(self, action, buffer);
    WIRE_ADD(buffer, ",\"name\":");
    wire_write_name(buffer, name);
    WIRE_ADD(buffer, ",\"namespace\":");
    write_path(self, action, buffer);
    WIRE_ADD(buffer, ",\"parameters\":[],\"publish\":false,\"updated\":");
    wire_buffer_number(buffer, TSTAMP_EPOCH_MS);
    WIRE_ADD(buffer, ",\"version\":\"0.0.1\"}");
}

static void write_invoker(const struct wire *self, node_id invoker, struct wire_buffer *buffer)
{
    uint32_t index = node_index(self, invoker);
    const struct cluster *cluster = self->cluster;
    const struct labels *labels = cluster_labels(
        cluster, invoker < cluster->node_count ? cluster->nodes[invoker].labels : 0);
    WIRE_ADD(buffer, "{\"dedicatedNamespaces\":[");
    for (uint32_t i = 0; i < labels->dedicated_count; i++) {
        if (i > 0)
            WIRE_ADD(buffer, ",");
        wire_write_name(buffer, cluster_namespace_name(cluster, labels->dedicated[i]));
    }
    WIRE_ADD(buffer, "],\"instance\":");
    wire_buffer_number(buffer, index);
    WIRE_ADD(buffer, ",\"instanceType\":\"invoker\",\"tags\":[");
    write_tags(self, labels->tags, buffer);
    WIRE_ADD(buffer, "],\"uniqueName\":\"");
    wire_buffer_number(buffer, index);
    WIRE_ADD(buffer, "\",\"userMemory\":\"" USER_MEMORY "\"}");
}

static void write_as_string(struct wire_buffer *buffer, uint32_t index)
{
    WIRE_ADD(buffer, "{\"asString\":\"");
    wire_buffer_number(buffer, index);
    WIRE_ADD(buffer, "\"");
}

/* ---- messages ---- */

void wire_activation_write(const struct wire *self, const struct activation *activation,
                           struct wire_buffer *buffer)
{
    char id[33];
    cluster_activation_text(self->draws, activation->id, id);
    WIRE_ADD(buffer, "{\"action\":");
    wire_write_action(self, activation->action, buffer);
    WIRE_ADD(buffer, ",\"activationId\":\"");
    wire_buffer_add(buffer, id, 32);
    WIRE_ADD(buffer, "\",\"blocking\":");
    wire_buffer_text(buffer, activation->blocking ? "true" : "false");
    WIRE_ADD(buffer, ",\"content\":{},\"initArgs\":[],\"lockedArgs\":{},\"revision\":");
    wire_write_revision(activation->revision, buffer);
    WIRE_ADD(buffer, ",\"rootControllerIndex\":");
    write_as_string(buffer, node_index(self, activation->controller));
    WIRE_ADD(buffer, ",\"instanceType\":\"controller\"},");
    write_transaction(buffer, activation->action == ACTION_WARM_UP ? "sid_warmUp" : id,
                      tstamp_epoch_ms(activation->started_at));
    WIRE_ADD(buffer, ",");
    write_user(self, activation->ns, buffer);
    WIRE_ADD(buffer, "}");
}

static void write_instance(const struct wire *self, const struct ack *ack,
                           struct wire_buffer *buffer)
{
    WIRE_ADD(buffer, "\"instance\":");
    switch ((enum ack_instance)ack->instance) {
    case ACK_BY_INVOKER:
        write_invoker(self, ack->signer, buffer);
        return;
    case ACK_BY_PLACEHOLDER: /* MemoryQueue.scala:853-860 */
        WIRE_ADD(buffer, "{\"dedicatedNamespaces\":[],\"instance\":0,\"instanceType\":"
                         "\"invoker\",\"tags\":[],\"userMemory\":\"0 MB\"}");
        return;
    case ACK_BY_SCHEDULER:
        write_as_string(buffer, node_index(self, ack->signer));
        WIRE_ADD(buffer, "}");
        return;
    }
    ASSERT_OP(ack->instance, <=, ACK_BY_SCHEDULER);
}

static void write_result(const struct ack *ack, struct wire_buffer *buffer)
{
    WIRE_ADD(buffer, "{\"result\":{");
    if (ack->error != ERROR_NONE) {
        WIRE_ADD(buffer, "\"error\":");
        wire_write_name(buffer, error_text_to_string(ack->error));
    }
    WIRE_ADD(buffer, "},\"statusCode\":");
    wire_buffer_number(buffer, ack->status);
    WIRE_ADD(buffer, "}");
}

/* The record of a result: its logs are empty, its code's run ends it. */
static void write_record(const struct wire *self, const struct ack *ack,
                         struct wire_buffer *buffer)
{
    const char *action = cluster_action_name(self->cluster, ack->action);
    const char *ns = cluster_namespace_name(self->cluster, ack->ns);
    WIRE_ADD(buffer, "{\"activationId\":");
    write_id(self, ack->id, buffer);
    WIRE_ADD(buffer, ",\"annotations\":[{\"key\":\"path\",\"value\":");
    wire_write_name(buffer, action);
    WIRE_ADD(buffer, "},{\"key\":\"kind\",\"value\":\"nodejs:20\"},{\"key\":\"timeout\","
                     "\"value\":");
    wire_buffer_text(buffer, ack->error == ERROR_TIMED_OUT ? "true" : "false");
    WIRE_ADD(buffer, "},{\"key\":\"limits\",\"value\":");
    write_limits(self, ack->action, buffer);
    WIRE_ADD(buffer, "}],\"duration\":");
    wire_buffer_number(buffer, ack->run_ms);
    WIRE_ADD(buffer, ",\"end\":");
    wire_buffer_number(buffer, TSTAMP_EPOCH_MS + ack->run_ms);
    WIRE_ADD(buffer, ",\"logs\":[],\"name\":");
    wire_write_name(buffer, wire_action_last(action));
    WIRE_ADD(buffer, ",\"namespace\":");
    wire_write_name(buffer, ns);
    WIRE_ADD(buffer, ",\"publish\":false,\"response\":");
    write_result(ack, buffer);
    WIRE_ADD(buffer, ",\"start\":");
    wire_buffer_number(buffer, TSTAMP_EPOCH_MS);
    WIRE_ADD(buffer, ",\"subject\":");
    wire_write_name(buffer, ns);
    WIRE_ADD(buffer, ",\"version\":\"0.0.1\"}");
}

static void write_ack(const struct wire *self, const struct ack *ack,
                      struct wire_buffer *buffer)
{
    char id[33];
    ASSERT_OP(ack->kind, <=, ACK_COMBINED);
    cluster_activation_text(self->draws, ack->id, id);
    WIRE_ADD(buffer, "{");
    if (ack->kind == ACK_COMPLETION) {
        WIRE_ADD(buffer, "\"activationId\":");
        write_id(self, ack->id, buffer);
        WIRE_ADD(buffer, ",");
    }
    if (ack->kind != ACK_RESULT) {
        write_instance(self, ack, buffer);
        WIRE_ADD(buffer, ",\"isSystemError\":");
        wire_buffer_text(buffer, ack->status == RESPONSE_WHISK_ERROR ? "true," : "false,");
    }
    if (ack->kind != ACK_COMPLETION) {
        WIRE_ADD(buffer, "\"response\":");
        if (ack->shrunk)
            write_id(self, ack->id, buffer);
        else
            write_record(self, ack, buffer);
        WIRE_ADD(buffer, ",");
    }
    write_transaction(buffer, id, TSTAMP_EPOCH_MS);
    WIRE_ADD(buffer, "}");
}

static void write_scheduler(const struct wire *self, node_id scheduler,
                            struct wire_buffer *buffer)
{
    WIRE_ADD(buffer, ",\"rpcPort\":");
    wire_buffer_number(buffer, KEY_RPC_PORT + node_index(self, scheduler));
    WIRE_ADD(buffer, ",\"schedulerHost\":");
    wire_write_name(buffer, cluster_node_name(self->cluster, scheduler));
}

static void write_creation_id(uint32_t creation, struct wire_buffer *buffer)
{
    char id[33];
    cluster_creation_text(NULL, creation, id);
    WIRE_ADD(buffer, "\"creationId\":\"");
    wire_buffer_add(buffer, id, 32);
    WIRE_ADD(buffer, "\",");
}

static void write_creation(const struct wire *self, const struct creation *creation,
                           struct wire_buffer *buffer)
{
    static const char *const transactions[] = {"sid_containerCreation", "sid_containerDeletion",
                                               "sid_warmUp"};
    unsigned which = creation->deletion ? 1 : creation->action == ACTION_WARM_UP ? 2 : 0;
    WIRE_ADD(buffer, "{\"action\":");
    wire_write_action(self, creation->action, buffer);
    WIRE_ADD(buffer, ",");
    if (!creation->deletion)
        write_creation_id(creation->id, buffer);
    WIRE_ADD(buffer, "\"invocationNamespace\":");
    wire_write_name(buffer, cluster_namespace_name(self->cluster, creation->ns));
    if (!creation->deletion) {
        WIRE_ADD(buffer, ",\"retryCount\":");
        wire_buffer_number(buffer, creation->retry);
    }
    WIRE_ADD(buffer, ",\"revision\":");
    wire_write_revision(creation->revision, buffer);
    if (!creation->deletion) {
        WIRE_ADD(buffer, ",\"rootSchedulerIndex\":");
        write_as_string(buffer, node_index(self, creation->scheduler));
        WIRE_ADD(buffer, "}");
        write_scheduler(self, creation->scheduler, buffer);
    }
    WIRE_ADD(buffer, ",");
    write_transaction(buffer, transactions[which], TSTAMP_EPOCH_MS);
    WIRE_ADD(buffer, ",\"whiskActionMetaData\":");
    write_metadata(self, creation->action, buffer);
    WIRE_ADD(buffer, "}");
}

/* Texts that tell more than the error does; of the others the name stands for it. */
const char *wire_creation_reason(const struct creation *creation)
{
    if (creation->error != CREATION_DB_FETCH || creation->document == DOCUMENT_FOUND)
        return creation_error_to_string(creation->error);
    if (creation->document == DOCUMENT_MISSING)
        return "Action could not be found or may have been deleted.";
    if (creation->document == DOCUMENT_MISMATCH)
        return "Action version is not compatible and cannot be invoked.";
    return "Action could not be fetched.";
}

static void write_creation_ack(const struct wire *self, const struct creation *creation,
                               struct wire_buffer *buffer)
{
    WIRE_ADD(buffer, "{\"action\":");
    wire_write_action(self, creation->action, buffer);
    WIRE_ADD(buffer, ",\"actionMetaData\":");
    write_metadata(self, creation->action, buffer);
    WIRE_ADD(buffer, ",");
    write_creation_id(creation->id, buffer);
    if (creation->error != CREATION_NONE) {
        WIRE_ADD(buffer, "\"error\":");
        wire_write_name(buffer, creation_error_to_string(creation->error));
        WIRE_ADD(buffer, ",");
    }
    WIRE_ADD(buffer, "\"invocationNamespace\":");
    wire_write_name(buffer, cluster_namespace_name(self->cluster, creation->ns));
    if (creation->error != CREATION_NONE) {
        WIRE_ADD(buffer, ",\"reason\":");
        wire_write_name(buffer, wire_creation_reason(creation));
    }
    WIRE_ADD(buffer, ",\"retryCount\":");
    wire_buffer_number(buffer, creation->retry);
    WIRE_ADD(buffer, ",\"revision\":");
    wire_write_revision(creation->revision, buffer);
    WIRE_ADD(buffer, ",\"rootInvokerIndex\":");
    write_invoker(self, creation->invoker, buffer);
    write_scheduler(self, creation->scheduler, buffer);
    WIRE_ADD(buffer, ",");
    write_transaction(buffer, "sid_containerCreation", TSTAMP_EPOCH_MS);
    WIRE_ADD(buffer, "}");
}

/* A warm-up is an activation for a scheduler or a creation for an invoker; the former's action
 * lies where the latter has a retry and an error that no creation reaches. */
static void write_warm_up(const struct wire *self, const struct entry *entry,
                          struct wire_buffer *buffer)
{
    if (entry->u.activation.action == ACTION_WARM_UP)
        wire_activation_write(self, &entry->u.activation, buffer);
    else
        write_creation(self, &entry->u.creation, buffer);
}

void wire_entry_write(const struct wire *self, const struct entry *entry,
                      struct wire_buffer *buffer)
{
    switch ((enum entry_kind)entry->kind) {
    case ENTRY_ACTIVATION:
        wire_activation_write(self, &entry->u.activation, buffer);
        return;
    case ENTRY_ACK:
        write_ack(self, &entry->u.ack, buffer);
        return;
    case ENTRY_CREATION:
        write_creation(self, &entry->u.creation, buffer);
        return;
    case ENTRY_CREATION_ACK:
        write_creation_ack(self, &entry->u.creation, buffer);
        return;
    case ENTRY_WARM_UP:
        write_warm_up(self, entry, buffer);
        return;
    case ENTRY_UNPARSABLE: /* its bytes are with who read them; this is unparsable, too */
        WIRE_ADD(buffer, "{}");
        return;
    }
    ASSERT_OP(entry->kind, <=, ENTRY_UNPARSABLE);
}
