/*
 * etcd_store.c - see etcd_store.h; ranges and spans are in etcd_range.c.
 */
#include "etcd/etcd_store.h"
#include "core/assert.h"
#include <string.h>

NAMES_DEFINE(etcd_error, ETCD_ERROR_LIST)

#define FIRST_REVISION 1u /* of an empty store */
#define ERROR_CODE(id, text, code) code,

unsigned etcd_error_code(enum etcd_error error)
{
    static const uint8_t codes[] = {ETCD_ERROR_LIST(ERROR_CODE)};
    ASSERT_OP(error, <, ETCD_ERROR_COUNT);
    return codes[error];
}

void etcd_store_init(struct etcd_store *self, const struct machine_env *env)
{
    self->env = env;
    if (self->revision == 0)
        self->revision = FIRST_REVISION;
}

struct etcd_text etcd_name_text(const struct etcd_store *self, const struct etcd_name *name,
                                char text[ETCD_TEXT_MAX])
{
    if (name->text.bytes != NULL)
        return name->text;
    size_t length = key_print(self->env->cluster, &name->key, text, ETCD_TEXT_MAX);
    ASSERT_OP(length, <, ETCD_TEXT_MAX);
    return (struct etcd_text){text, (uint32_t)length};
}

/* A key may have been written by its text: fields that miss are looked up by their text. */
static struct etcd_entry *store_find_text(struct etcd_store *self, const struct etcd_name *name,
                                          struct etcd_text text)
{
    struct etcd_entry *entry = etcd_index_find_text(&self->index, text);
    if (entry != NULL)
        etcd_index_learn(&self->index, self->env, entry, &name->key);
    return entry;
}

const struct etcd_version *etcd_store_get(struct etcd_store *self, const struct etcd_name *name)
{
    char buffer[ETCD_TEXT_MAX];
    const struct etcd_entry *entry = etcd_index_find_key(&self->index, &name->key);
    if (entry == NULL)
        entry = store_find_text(self, name, etcd_name_text(self, name, buffer));
    ASSERT(entry == NULL || !entry->newest->deleted);
    return entry == NULL ? NULL : entry->newest;
}

struct etcd_text etcd_version_value(const struct etcd_store *self,
                                    const struct etcd_version *version,
                                    char text[ETCD_TEXT_MAX])
{
    if (version->value.kind == VALUE_RAW)
        return (struct etcd_text){version->raw, version->raw_length};
    size_t length = value_print(self->env->cluster, &version->value, text, ETCD_TEXT_MAX);
    ASSERT_OP(length, <, ETCD_TEXT_MAX);
    return (struct etcd_text){text, (uint32_t)length};
}

void etcd_store_begin(struct etcd_store *self)
{
    self->changes = 0;
    self->change_first = NULL;
}

bool etcd_store_end(struct etcd_store *self)
{
    if (self->changes == 0)
        return false;
    self->revision++;
    ASSERT(self->change_first != NULL);
    ASSERT_OP(self->log_last->revision, ==, self->revision);
    return true;
}

static void log_append(struct etcd_store *self, struct etcd_version *version)
{
    version->log_prev = self->log_last;
    if (self->log_last != NULL)
        self->log_last->log_next = version;
    else
        self->log_first = version;
    self->log_last = version;
    version->logged = 1;
}

static void log_remove(struct etcd_store *self, struct etcd_version *version)
{
    ASSERT(version->logged);
    if (version->log_prev != NULL)
        version->log_prev->log_next = version->log_next;
    else
        self->log_first = version->log_next;
    if (version->log_next != NULL)
        version->log_next->log_prev = version->log_prev;
    else
        self->log_last = version->log_prev;
    version->log_next = version->log_prev = NULL;
    version->logged = 0;
}

/* A further version of the entry, made by the open transaction. */
static struct etcd_version *store_change(struct etcd_store *self, struct etcd_entry *entry,
                                         uint32_t raw_length)
{
    struct etcd_version *version =
        arena_alloc_durable(self->env->arena, self->env->node, sizeof *version + raw_length);
    version->entry = entry;
    version->older = entry->newest;
    version->revision = self->revision + 1;
    version->raw_length = raw_length;
    /* A nested transaction may delete what one before it has put (key.go, checkIntervals). */
    ASSERT(entry->newest == NULL || entry->newest->revision < version->revision ||
           !entry->newest->deleted);
    entry->newest = version;
    log_append(self, version);
    if (self->changes++ == 0)
        self->change_first = version;
    return version;
}

struct etcd_version *etcd_store_put(struct etcd_store *self, const struct etcd_name *name,
                                    const struct etcd_data *data, uint64_t lease)
{
    char buffer[ETCD_TEXT_MAX];
    uint32_t raw_length = data->value.kind == VALUE_RAW ? data->raw.length : 0;
    struct etcd_entry *entry = etcd_index_find_key(&self->index, &name->key);
    if (entry == NULL) {
        struct etcd_text text = etcd_name_text(self, name, buffer);
        entry = store_find_text(self, name, text);
        if (entry == NULL)
            entry = etcd_index_add(&self->index, self->env, &name->key, text);
    }
    const struct etcd_version *before = entry->newest;
    struct etcd_version *version = store_change(self, entry, raw_length);
    version->create_revision = before == NULL ? version->revision : before->create_revision;
    version->version = before == NULL ? 1 : before->version + 1;
    version->lease = lease;
    version->value = data->value;
    if (raw_length > 0)
        memcpy(version->raw, data->raw.bytes, raw_length);
    return version;
}

struct etcd_version *etcd_store_delete(struct etcd_store *self, struct etcd_entry *entry)
{
    ASSERT(!entry->newest->deleted);
    struct etcd_version *version = store_change(self, entry, 0);
    version->deleted = 1;
    etcd_index_remove(&self->index, entry);
    return version;
}

enum etcd_error etcd_store_check(const struct etcd_store *self, uint64_t revision)
{
    if (revision > self->revision)
        return ETCD_ERROR_FUTURE_REVISION;
    if (revision != 0 && revision < self->compacted)
        return ETCD_ERROR_COMPACTED;
    return ETCD_ERROR_NONE;
}

/* Free what came before this version; of it only a put of the same transaction can still be in
 * the log. */
static void version_free_older(struct etcd_store *self, struct etcd_version *version)
{
    struct etcd_version *older = version->older;
    version->older = NULL;
    while (older != NULL) {
        struct etcd_version *next = older->older;
        if (older->logged) {
            ASSERT(version->deleted && older->revision == version->revision);
            log_remove(self, older);
        }
        arena_release(self->env->arena, older);
        older = next;
    }
}

enum etcd_error etcd_store_compact(struct etcd_store *self, uint64_t revision)
{
    if (revision <= self->compacted)
        return ETCD_ERROR_COMPACTED;
    if (revision > self->revision)
        return ETCD_ERROR_FUTURE_REVISION;
    self->compacted = revision;
    struct etcd_version *version = self->log_first;
    while (version != NULL && version->revision <= revision) {
        struct etcd_version *next = version->log_next;
        version_free_older(self, version);
        if (version->deleted || version->revision < revision)
            log_remove(self, version); /* a put at `revision` may still be watched */
        if (version->deleted) {
            ASSERT(version->entry->newest == version);
            arena_release(self->env->arena, version->entry);
            arena_release(self->env->arena, version);
        }
        version = next;
    }
    self->change_first = NULL;
    self->changes = 0;
    return ETCD_ERROR_NONE;
}

static void digest_bytes(struct digest *d, struct etcd_text text)
{
    uint64_t word = text.length;
    for (uint32_t i = 0; i < text.length; i++) {
        word = word << 8 | (unsigned char)text.bytes[i];
        if (i % 8 == 7)
            digest_word(d, word);
    }
    digest_word(d, word);
}

static void version_digest(const struct etcd_version *version, struct digest *d)
{
    const struct value *value = &version->value;
    digest_two(d, version->revision, version->create_revision);
    digest_two(d, version->version, version->lease);
    digest_two(d, (uint64_t)version->deleted << 1 | version->logged, version->cause);
    digest_two(d, (uint64_t)value->kind << 32 | (uint64_t)value->status << 16 | value->node,
               value->a);
    digest_two(d, value->b, value->c);
    if (version->raw_length > 0)
        digest_bytes(d, (struct etcd_text){version->raw, version->raw_length});
}

static void entry_digest(const struct etcd_entry *entry, struct digest *d)
{
    digest_word(d, key_hash(&entry->key));
    if (entry->key.family == KEY_RAW)
        digest_bytes(d, etcd_entry_text(entry));
    for (const struct etcd_version *v = entry->newest; v != NULL; v = v->older)
        version_digest(v, d);
}

void etcd_store_digest(const struct etcd_store *self, struct digest *d)
{
    digest_two(d, self->revision, self->compacted);
    digest_word(d, self->index.count);
    for (uint32_t i = 0; i < self->index.count; i++)
        entry_digest(self->index.sorted[i], d);
    for (const struct etcd_version *v = self->log_first; v != NULL; v = v->log_next) {
        if (v->deleted) /* lives that ended */
            entry_digest(v->entry, d);
    }
}
