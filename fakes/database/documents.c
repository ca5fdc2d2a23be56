/*
 * documents.c - see documents.h.
 */
#include "database/documents.h"
#include "core/assert.h"
#include "core/json.h"

#define FIRST_REVISION 1u
/* Code that long is stored as an attachment, a second write (application.conf:250-252). */
#define ATTACHMENT_MIN (16u * 1024)
#define LOGS_STD_MB 10u /* application.conf:502 */

/* ---- slots ---- */

static bool is_slot(const struct machine_env *env, action_id action)
{
    return action < env->cluster->action_count;
}

static const struct document_slot *slot_of(const struct documents *self, action_id action)
{
    const struct document_slot *slot = self->slots == NULL ? NULL : &self->slots[action];
    return slot != NULL && slot->is_written ? slot : NULL;
}

uint32_t documents_revision(const struct documents *self, const struct machine_env *env,
                            action_id action)
{
    if (action == ACTION_HEALTH_TEST)
        return FIRST_REVISION;
    if (!is_slot(env, action))
        return 0;
    const struct document_slot *slot = slot_of(self, action);
    if (slot != NULL)
        return slot->exists ? slot->revision : 0;
    return env->cluster->actions[action].is_spare ? 0 : FIRST_REVISION;
}

void documents_version(const struct documents *self, const struct machine_env *env,
                       action_id action, uint16_t ret_version[3])
{
    const struct document_slot *slot = is_slot(env, action) ? slot_of(self, action) : NULL;
    ret_version[0] = slot == NULL ? 0 : slot->version[0];
    ret_version[1] = slot == NULL ? 0 : slot->version[1];
    ret_version[2] = slot == NULL ? 1 : slot->version[2];
}

/* ---- the documents of the scenario ---- */

static void write_limits(struct json_out *out, const struct action_info *info)
{
    json_out_object_begin(out);
    json_out_key(out, "concurrency");
    json_out_number(out, info->concurrency);
    if (info->instance_limit > 0) {
        json_out_key(out, "instances");
        json_out_number(out, info->instance_limit);
    }
    json_out_key(out, "logs");
    json_out_number(out, LOGS_STD_MB);
    json_out_key(out, "memory");
    json_out_number(out, info->memory_mb);
    json_out_key(out, "timeout");
    json_out_number(out, info->timeout / MSEC(1));
    json_out_object_end(out);
}

/* Components stand in it with the namespace in front (Exec.scala, SequenceExec). */
static void write_sequence(struct json_out *out, const struct cluster *c,
                           const struct action_info *info)
{
    char name[sizeof info->name + 1] = "/";
    json_out_raw(out, "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":false},"
                      "{\"key\":\"exec\",\"value\":\"sequence\"}],\"exec\":{\"kind\":"
                      "\"sequence\",\"components\":[");
    for (uint32_t i = 0; i < info->part_count; i++) {
        memcpy(name + 1, c->actions[info->parts[i]].name, sizeof info->name);
        out->needs_comma = i > 0;
        json_out_string(out, name);
    }
    out->needs_comma = false;
    json_out_raw(out, "]}");
}

static void write_code(struct json_out *out, const struct action_info *info)
{
    json_out_raw(out, info->blackbox
                          ? "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":false},"
                            "{\"key\":\"exec\",\"value\":\"blackbox\"}],\"exec\":{\"kind\":"
                            "\"blackbox\",\"image\":\"openwhisk/dockerskeleton\","
                            "\"binary\":false}"
                          : "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":false},"
                            "{\"key\":\"exec\",\"value\":\"nodejs:20\"}],\"exec\":{\"kind\":"
                            "\"nodejs:20\",\"code\":\"function main(params) { return params; "
                            "}\",\"binary\":false}");
}

static blob scenario_document(const struct machine_env *env, action_id action)
{
    const struct action_info *info = &env->cluster->actions[action];
    char space[sizeof info->name];
    const char *name = strrchr(info->name, '/');
    size_t length = name == NULL ? 0 : (size_t)(name - info->name);
    struct json_out out;
    memcpy(space, info->name, length);
    space[length] = '\0';
    json_out_init(&out, env->arena, ARENA_MESSAGE);
    if (info->kind == ACTION_SEQUENCE)
        write_sequence(&out, env->cluster, info);
    else
        write_code(&out, info);
    json_out_key(&out, "limits");
    write_limits(&out, info);
    json_out_key(&out, "name");
    json_out_string(&out, name == NULL ? info->name : name + 1);
    json_out_key(&out, "namespace");
    json_out_string(&out, space);
    json_out_key(&out, "parameters");
    json_out_raw(&out, "[]");
    json_out_key(&out, "publish");
    json_out_bool(&out, false);
    json_out_key(&out, "updated");
    json_out_number(&out, tstamp_epoch_ms(TSTAMP_ORIGIN));
    json_out_key(&out, "version");
    json_out_string(&out, "0.0.1");
    json_out_object_end(&out);
    return json_out_finish(&out);
}

static blob document_copy(const struct documents *self, const struct machine_env *env,
                          action_id action)
{
    const struct document_slot *slot = slot_of(self, action);
    if (slot == NULL)
        return scenario_document(env, action);
    return blob_new(env->arena, ARENA_MESSAGE, slot->text, slot->length);
}

/* ---- writes ---- */

static struct document_slot *slot_open(struct documents *self, const struct machine_env *env,
                                       action_id action)
{
    uint32_t count = env->cluster->action_count;
    if (self->slots == NULL)
        self->slots = arena_alloc_durable(env->arena, env->node, count * sizeof self->slots[0]);
    struct document_slot *slot = &self->slots[action];
    if (!slot->is_written)
        slot->revision = env->cluster->actions[action].is_spare ? 0 : FIRST_REVISION;
    slot->is_written = true;
    return slot;
}

static void note(struct documents *self, action_id action, const struct document_slot *slot)
{
    struct digest d = {self->digest};
    digest_two(&d, (uint64_t)action << 32 | slot->revision, slot->exists);
    for (uint32_t i = 0; i < slot->length; i++)
        digest_word(&d, (unsigned char)slot->text[i]);
    self->digest = d.state;
    self->written++;
}

static void slot_clear(const struct machine_env *env, struct document_slot *slot)
{
    arena_release(env->arena, slot->text);
    slot->text = NULL;
    slot->length = 0;
}

static uint16_t version_part(const char **at)
{
    uint32_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = value * 10 + (uint32_t)(**at - '0') > UINT16_MAX
                    ? UINT16_MAX
                    : value * 10 + (uint32_t)(**at - '0');
    *at += **at == '.';
    return (uint16_t)value;
}

/* What lists and records need of a document. */
static void slot_read(struct document_slot *slot, struct json_in document)
{
    struct json_in member;
    char version[40] = "0.0.1";
    const char *at = version;
    int64_t updated = 0;
    if (json_in_member(document, "version", &member))
        json_in_string(member, version, sizeof version);
    for (unsigned i = 0; i < 3; i++)
        slot->version[i] = version_part(&at);
    if (json_in_member(document, "updated", &member) && json_in_number(member, &updated))
        slot->updated = (uint64_t)updated;
}

static bool is_attached(struct json_in document)
{
    struct json_in exec, code;
    return json_in_member(document, "exec", &exec) && json_in_member(exec, "code", &code) &&
           code.kind == JSON_STRING && code.length - 2 >= ATTACHMENT_MIN;
}

static enum document_result put(struct documents *self, const struct machine_env *env,
                                const struct message *call)
{
    action_id action = call->u.document.action;
    const char *text = blob_bytes(env->arena, call->u.document.body);
    size_t length = blob_size(env->arena, call->u.document.body);
    struct json_in document = json_in_parse(text, length);
    if (!is_slot(env, action) || document.kind != JSON_OBJECT)
        return DOCUMENT_ERROR;
    if (documents_revision(self, env, action) != call->u.document.revision)
        return DOCUMENT_CONFLICT;
    struct document_slot *slot = slot_open(self, env, action);
    slot_clear(env, slot);
    slot->text = arena_alloc_durable(env->arena, env->node, length + 1);
    memcpy(slot->text, text, length);
    slot->length = (uint32_t)length;
    slot->exists = true;
    slot->revision += is_attached(document) ? 2 : 1;
    slot_read(slot, document);
    note(self, action, slot);
    return DOCUMENT_FOUND;
}

static enum document_result take_out(struct documents *self, const struct machine_env *env,
                                     const struct message *call)
{
    action_id action = call->u.document.action;
    if (!is_slot(env, action))
        return DOCUMENT_MISSING;
    if (documents_revision(self, env, action) != call->u.document.revision)
        return DOCUMENT_CONFLICT;
    struct document_slot *slot = slot_open(self, env, action);
    slot_clear(env, slot);
    slot->exists = false;
    slot->revision++; /* of the tombstone */
    note(self, action, slot);
    return DOCUMENT_FOUND;
}

/* ---- lists: whisks_design_document_for_entities_db_v2.1.0.json ---- */

static void write_summary(struct json_out *out, struct json_in document)
{
    static const char *const members[] = {"annotations", "exec",    "limits",  "name",
                                          "namespace",   "publish", "updated", "version"};
    struct json_in value, binary;
    json_out_object_begin(out);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (!json_in_member(document, members[i], &value))
            continue;
        json_out_key(out, members[i]);
        bool is_exec = strcmp(members[i], "exec") == 0;
        bool is_binary =
            is_exec && json_in_member(value, "binary", &binary) && binary.kind == JSON_TRUE;
        if (is_exec)
            json_out_raw(out, is_binary ? "{\"binary\":true}" : "{\"binary\":false}");
        else
            json_out_value(out, value);
    }
    json_out_object_end(out);
}

static uint64_t updated_at(const struct documents *self, action_id action)
{
    const struct document_slot *slot = slot_of(self, action);
    return slot == NULL ? tstamp_epoch_ms(TSTAMP_ORIGIN) : slot->updated;
}

/* The documents of a namespace, the last updated first; a block of the node's. */
static action_id *sorted(const struct documents *self, const struct machine_env *env,
                         namespace_id ns, uint32_t *ret_count)
{
    const struct cluster *c = env->cluster;
    action_id *list =
        arena_alloc(env->arena, env->node, (c->action_count + 1) * sizeof list[0]);
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->action_count; i++) {
        if (c->actions[i].kind == ACTION_TRIGGER)
            continue; /* of another collection */
        action_id action = (action_id)i;
        if (c->actions[i].ns != ns || documents_revision(self, env, action) == 0)
            continue;
        uint32_t at = count++;
        for (; at > 0 && updated_at(self, list[at - 1]) < updated_at(self, action); at--)
            list[at] = list[at - 1];
        list[at] = action;
    }
    *ret_count = count;
    return list;
}

static blob list(const struct documents *self, const struct machine_env *env,
                 const struct message *call, uint32_t *ret_total)
{
    uint32_t skip = call->u.document.skip, limit = call->u.document.limit;
    action_id *actions = sorted(self, env, call->u.document.ns, ret_total);
    struct json_out out;
    json_out_init(&out, env->arena, ARENA_MESSAGE);
    json_out_array_begin(&out);
    for (uint32_t i = skip; i < *ret_total && i - skip < limit; i++) {
        blob text = document_copy(self, env, actions[i]);
        write_summary(&out,
                      json_in_parse(blob_bytes(env->arena, text), blob_size(env->arena, text)));
        blob_free(env->arena, text);
    }
    json_out_array_end(&out);
    arena_release(env->arena, actions);
    return json_out_finish(&out);
}

/* ---- calls ---- */

void documents_answer(struct documents *self, const struct machine_env *env,
                      const struct message *call, struct message *reply)
{
    action_id action = call->u.document.action;
    uint32_t total = 0;
    enum document_result result = DOCUMENT_ERROR;
    reply->u.document = call->u.document;
    reply->u.document.body = 0;
    switch ((enum document_op)call->u.document.op) {
    case DOCUMENT_GET:
        result = is_slot(env, action) && documents_revision(self, env, action) != 0
                     ? DOCUMENT_FOUND
                     : DOCUMENT_MISSING;
        if (result == DOCUMENT_FOUND)
            reply->u.document.body = document_copy(self, env, action);
        break;
    case DOCUMENT_PUT:
        result = put(self, env, call);
        break;
    case DOCUMENT_DELETE:
        result = take_out(self, env, call);
        break;
    case DOCUMENT_LIST:
        result = DOCUMENT_FOUND;
        reply->u.document.body = list(self, env, call, &total);
        reply->u.document.limit = total;
        break;
    case DOCUMENT_RECORDS:
        break;
    }
    reply->u.document.result = (uint8_t)result;
    const struct document_slot *slot = is_slot(env, action) ? slot_of(self, action) : NULL;
    reply->u.document.revision =
        slot != NULL ? slot->revision : documents_revision(self, env, action);
}

void documents_digest(const struct documents *self, struct digest *d)
{
    if (self->written > 0) /* nothing written: nothing to tell, as in every simulated run */
        digest_two(d, self->written, self->digest);
}
