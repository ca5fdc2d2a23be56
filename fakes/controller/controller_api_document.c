/*
 * controller_api_document.c - the document that a PUT makes, out of its body and of the former
 * one.
 *
 * Members are taken over one by one as texts. Objects come out with keys sorted, but for
 * `exec`, whose order is that of upstream's map.
 * Source: Actions.scala:62-86, 462-503, 549-609; Exec.scala:252-284, 415-447;
 * WhiskAction.scala:75-110, 356-366 at 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define API_KEY "provide-api-key"
#define FINAL "final"
static const int64_t limit_defaults[LIMIT_COUNT] = {
    /* application.conf:485-510 */
    [LIMIT_CONCURRENCY] = 1,
    [LIMIT_LOGS] = 10,
    [LIMIT_MEMORY] = 256,
    [LIMIT_TIMEOUT] = 60000,
};

static struct json_in member_of(struct json_in object, const char *name)
{
    struct json_in value = {.kind = JSON_INVALID};
    if (object.kind == JSON_OBJECT)
        json_in_member(object, name, &value);
    return value;
}

/* ---- lists of keys and values ---- */

struct entries {
    struct json_in *keys, *items; /* one arena block */
    uint32_t count, max;
};

static bool is_same_text(struct json_in a, struct json_in b)
{
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

/* Known keys stay where they are and get the new value, as in a map. */
static void entries_put(struct entries *self, struct json_in key, struct json_in item)
{
    uint32_t at = 0;
    while (at < self->count && !is_same_text(self->keys[at], key))
        at++;
    ASSERT_OP(at, <, self->max);
    self->count += at == self->count;
    self->keys[at] = key;
    self->items[at] = item;
}

static void entries_add(struct entries *self, struct json_in array)
{
    struct json_in none, entry, key, value;
    struct json_walk walk = json_walk_begin(array);
    while (json_walk_next(&walk, &none, &entry)) {
        bool ok = api_entry_read(entry, &key, &value);
        ASSERT(ok);
        entries_put(self, key, entry);
    }
}

static void entries_take(struct entries *self, uint32_t at)
{
    self->count--;
    memmove(&self->keys[at], &self->keys[at + 1], (self->count - at) * sizeof self->keys[0]);
    memmove(&self->items[at], &self->items[at + 1], (self->count - at) * sizeof self->items[0]);
}

static void entries_remove(struct entries *self, struct json_in names)
{
    struct json_in none, name;
    struct json_walk walk = json_walk_begin(names);
    while (json_walk_next(&walk, &none, &name)) {
        for (uint32_t i = 0; i < self->count; i++) {
            if (is_same_text(self->keys[i], name)) {
                entries_take(self, i);
                break;
            }
        }
    }
}

static bool entries_find(const struct entries *self, const char *name)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (json_in_is(self->keys[i], name))
            return true;
    }
    return false;
}

static struct entries entries_new(const struct machine_env *env, struct json_in old,
                                  struct json_in given)
{
    uint32_t max = (uint32_t)(json_in_count(old) + json_in_count(given)) + 2;
    struct json_in *block =
        arena_alloc(env->arena, env->node, (size_t)max * 2 * sizeof block[0]);
    return (struct entries){.keys = block, .items = block + max, .max = max};
}

static void entries_write(const struct entries *self, struct json_out *out)
{
    json_out_array_begin(out);
    for (uint32_t i = 0; i < self->count; i++) {
        struct json_in value = member_of(self->items[i], "value");
        struct json_in init = member_of(self->items[i], "init");
        json_out_object_begin(out);
        json_out_key(out, "key");
        json_out_value(out, self->keys[i]);
        json_out_key(out, "value");
        json_out_value(out, value);
        if (init.kind == JSON_TRUE) {
            json_out_key(out, "init");
            json_out_bool(out, true);
        }
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

/* ---- members ---- */

static struct json_in literal(const char *text)
{
    return json_in_parse(text, strlen(text));
}

static void write_annotations(const struct machine_env *env, struct json_out *out,
                              const struct api_put *put, struct json_in old, const char *kind)
{
    char exec[API_KIND_MAX + 64];
    struct json_in former = member_of(old, "annotations");
    struct entries list = entries_new(env, former, put->annotations);
    if (former.kind == JSON_ARRAY)
        entries_add(&list, former);
    entries_remove(&list, put->removed);
    if (put->annotations.kind == JSON_ARRAY)
        entries_add(&list, put->annotations);
    if (old.kind == JSON_INVALID && !entries_find(&list, API_KEY))
        entries_put(&list, literal("\"" API_KEY "\""),
                    literal("{\"key\":\"" API_KEY "\",\"value\":false}"));
    snprintf(exec, sizeof exec, "{\"key\":\"exec\",\"value\":\"%s\"}", kind);
    entries_put(&list, literal("\"exec\""), literal(exec));
    entries_write(&list, out);
    arena_release(env->arena, list.keys);
}

static void write_parameters(const struct machine_env *env, struct json_out *out,
                             const struct api_put *put, struct json_in old)
{
    struct json_in former = member_of(old, "parameters");
    struct json_in chosen = put->parameters.kind == JSON_ARRAY ? put->parameters : former;
    struct entries list = entries_new(env, chosen, chosen);
    if (chosen.kind == JSON_ARRAY)
        entries_add(&list, chosen);
    entries_write(&list, out);
    arena_release(env->arena, list.keys);
}

static void write_given(struct json_out *out, const char *name, struct json_in value)
{
    if (value.kind == JSON_INVALID)
        return;
    json_out_key(out, name);
    json_out_value(out, value);
}

static void write_exec(struct json_out *out, const struct api_put *put, struct json_in old)
{
    if (put->exec.kind == JSON_INVALID) {
        json_out_value(out, member_of(old, "exec"));
        return;
    }
    json_out_object_begin(out);
    json_out_key(out, "kind");
    json_out_string(out, put->kind);
    write_given(out, "image", put->image);
    if (put->image.kind == JSON_INVALID)
        write_given(out, "code", put->code);
    json_out_key(out, "binary");
    json_out_bool(out, put->is_binary);
    if (put->image.kind != JSON_INVALID)
        write_given(out, "code", put->code);
    write_given(out, "main", put->main);
    json_out_object_end(out);
}

static void write_limits(struct json_out *out, const struct api_put *put, struct json_in old)
{
    struct json_in former = member_of(old, "limits");
    json_out_object_begin(out);
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        struct json_in value = member_of(former, api_limit_names[i]);
        if (i == LIMIT_INSTANCES && !put->has_limit[i] && value.kind == JSON_INVALID)
            continue; /* the only one without a default */
        json_out_key(out, api_limit_names[i]);
        if (put->has_limit[i])
            json_out_number(out, (uint64_t)put->limits[i]);
        else if (value.kind != JSON_INVALID)
            json_out_value(out, value);
        else
            json_out_number(out, (uint64_t)limit_defaults[i]);
    }
    json_out_object_end(out);
}

/* The given one, else the first, else the former with its last number + 1. */
static void write_version(struct json_out *out, const struct api_put *put, struct json_in old)
{
    char text[API_VERSION_MAX] = "0.0.1", next[API_VERSION_MAX + 12];
    int64_t patch = 0;
    if (old.kind == JSON_INVALID || put->version[0] != '\0') {
        json_out_string(out, put->version[0] != '\0' ? put->version : text);
        return;
    }
    json_in_string(member_of(old, "version"), text, sizeof text);
    char *last = strrchr(text, '.');
    bool ok = last != NULL && api_integer(last + 1, 0, INT32_MAX, &patch);
    ASSERT(ok); /* only this file writes it */
    last[1] = '\0';
    snprintf(next, sizeof next, "%s%" PRId64, text, patch + 1);
    json_out_string(out, next);
}

static void write_publish(struct json_out *out, const struct api_put *put, struct json_in old)
{
    bool former = member_of(old, "publish").kind == JSON_TRUE;
    json_out_bool(out, put->has_publish ? put->is_public : former);
}

blob api_document_make(const struct machine_env *env, const struct api_put *put,
                       struct json_in old, const char *space, const char *name, uint64_t now_ms)
{
    char kind[API_KIND_MAX];
    struct json_out out;
    snprintf(kind, sizeof kind, "%s", put->kind);
    if (put->exec.kind == JSON_INVALID)
        json_in_string(member_of(member_of(old, "exec"), "kind"), kind, sizeof kind);
    json_out_init(&out, env->arena, ARENA_MESSAGE);
    json_out_object_begin(&out);
    json_out_key(&out, "annotations");
    write_annotations(env, &out, put, old, kind);
    json_out_key(&out, "exec");
    write_exec(&out, put, old);
    json_out_key(&out, "limits");
    write_limits(&out, put, old);
    json_out_key(&out, "name");
    json_out_string(&out, name);
    json_out_key(&out, "namespace");
    json_out_string(&out, space);
    json_out_key(&out, "parameters");
    write_parameters(env, &out, put, old);
    json_out_key(&out, "publish");
    write_publish(&out, put, old);
    json_out_key(&out, "updated");
    json_out_number(&out, now_ms);
    json_out_key(&out, "version");
    write_version(&out, put, old);
    json_out_object_end(&out);
    return json_out_finish(&out);
}

/* ---- readers ---- */

size_t api_document_annotations(const struct api_put *put, struct json_in old)
{
    return json_in_count(member_of(old, "annotations")) + json_in_count(put->annotations);
}

blob api_document_without_code(const struct machine_env *env, struct json_in document)
{
    struct json_walk walk = json_walk_begin(document);
    struct json_in key, value, name, item;
    struct json_out out;
    char text[API_KIND_MAX];
    json_out_init(&out, env->arena, ARENA_MESSAGE);
    json_out_object_begin(&out);
    while (json_walk_next(&walk, &key, &value)) {
        if (!json_in_string(key, text, sizeof text))
            continue;
        json_out_key(&out, text);
        if (strcmp(text, "exec") != 0) {
            json_out_value(&out, value);
            continue;
        }
        struct json_walk inner = json_walk_begin(value);
        json_out_object_begin(&out);
        while (json_walk_next(&inner, &name, &item)) {
            if (json_in_string(name, text, sizeof text) && strcmp(text, "code") != 0)
                write_given(&out, text, item);
        }
        json_out_object_end(&out);
    }
    json_out_object_end(&out);
    return json_out_finish(&out);
}

static bool is_final(struct json_in document)
{
    struct json_in none, entry, key, value;
    struct json_walk walk = json_walk_begin(member_of(document, "annotations"));
    while (json_walk_next(&walk, &none, &entry)) {
        if (api_entry_read(entry, &key, &value) && json_in_is(key, FINAL))
            return value.kind == JSON_TRUE;
    }
    return false;
}

bool api_document_forbids(struct json_in document, struct json_in parameters)
{
    struct json_in none, entry, key, value, given;
    char name[API_NAME_MAX];
    if (parameters.kind != JSON_OBJECT || !is_final(document))
        return false;
    struct json_walk walk = json_walk_begin(member_of(document, "parameters"));
    while (json_walk_next(&walk, &none, &entry)) {
        if (api_entry_read(entry, &key, &value) && value.kind != JSON_NULL &&
            json_in_string(key, name, sizeof name) && json_in_member(parameters, name, &given))
            return true;
    }
    return false;
}
