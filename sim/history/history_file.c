/*
 * history_file.c - reads history.jsonl back: indexes it by a scan for the few members that a
 * trail follows, and reads the lines that are shown with jansson.
 */
#define _GNU_SOURCE /* memmem */
#include "history/history_jsonl.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_FIRST 1024u

uint64_t history_activation_token(const char *hex)
{
    uint64_t token = 0;
    for (unsigned i = 0; i < 32; i++) {
        char c = hex[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return 0;
        if (i < 16)
            token = token << 4 | digit;
    }
    char after = hex[32];
    return after == '\0' || after == '"' ? token : 0;
}

/* What stands behind `"name":` in the line, or NULL. Members before `text` only. */
static const char *find_member(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    const char *found = memmem(line, length, name, name_length);
    return found == NULL ? NULL : found + name_length;
}

static bool read_number(const char *at, const char *end, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *first = at;
    if (at == NULL)
        return false;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    *ret_number = number;
    return at != first;
}

static bool index_line(const char *line, size_t length, struct history_index *ret)
{
    const char *end = line + length, *hex;
    const char *text = find_member(line, length, ",\"text\":");
    size_t before = text == NULL ? length : (size_t)(text - line);
    const char *at_text = find_member(line, before, ",\"at\":");
    uint64_t cause = 0, at = 0;
    if (length < 2 || line[0] != '{' || end[-1] != '}' || length > HISTORY_LINE_MAX)
        return false;
    if (!read_number(find_member(line, before, "{\"seq\":"), end, &ret->seq) || at_text == NULL)
        return false;
    bool is_before = *at_text == '-';
    if (!read_number(at_text + is_before, end, &at) || at > INT64_MAX)
        return false;
    ret->at_ns = is_before ? -(int64_t)at : (int64_t)at;
    (void)read_number(find_member(line, before, ",\"cause\":"), end, &cause);
    hex = find_member(line, before, ",\"activation\":\"");
    ret->cause = (uint32_t)cause;
    ret->activation = hex != NULL && hex + 32 < end ? history_activation_token(hex) : 0;
    ret->length = (uint32_t)length;
    return true;
}

static bool file_add(struct history_file *self, const struct history_index *line)
{
    if (self->count == self->max) {
        size_t max = self->max == 0 ? LINES_FIRST : self->max * 2;
        struct history_index *lines = realloc(self->lines, max * sizeof *lines);
        if (lines == NULL)
            return false;
        self->lines = lines;
        self->max = max;
    }
    if (self->count > 0 && line->seq != self->lines[self->count - 1].seq + 1)
        return false;
    self->lines[self->count++] = *line;
    return true;
}

static int file_index(struct history_file *self, const char *path, char *errmsg, size_t size)
{
    size_t offset = 0;
    while (offset < self->size) {
        const char *line = self->bytes + offset;
        const char *newline = memchr(line, '\n', self->size - offset);
        size_t length = newline != NULL ? (size_t)(newline - line) : self->size - offset;
        struct history_index index = {.offset = offset};
        if (!index_line(line, length, &index) || !file_add(self, &index)) {
            (void)snprintf(errmsg, size,
                           "%s:%zu: not a line of a history, expected the record after seq "
                           "%" PRIu64,
                           path, self->count + 1,
                           self->count == 0 ? 0 : self->lines[self->count - 1].seq);
            return -1;
        }
        offset += length + 1;
    }
    return 0;
}

int history_file_open(struct history_file *self, const char *path, char *errmsg, size_t size)
{
    struct stat info;
    *self = (struct history_file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)snprintf(errmsg, size, "%s: %s, expected a history.jsonl", path,
                       fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    self->size = (size_t)info.st_size;
    if (self->size > 0)
        self->bytes = mmap(NULL, self->size, PROT_READ, MAP_PRIVATE, fd, 0);
    int error = errno;
    (void)close(fd);
    if (self->bytes == MAP_FAILED) {
        (void)snprintf(errmsg, size, "%s: %s", path, strerror(error));
        *self = (struct history_file){0};
        return -1;
    }
    if (file_index(self, path, errmsg, size) == 0)
        return 0;
    history_file_close(self);
    return -1;
}

void history_file_close(struct history_file *self)
{
    if (self->bytes != NULL)
        (void)munmap(self->bytes, self->size);
    free(self->lines);
    *self = (struct history_file){0};
}

static void copy_member(const json_t *object, const char *name, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(object, name)); /* borrowed */
    (void)snprintf(text, size, "%s", value == NULL ? "" : value);
}

bool history_file_line(const struct history_file *self, uint64_t seq, struct history_line *ret)
{
    if (self->count == 0 || seq < self->lines[0].seq || seq - self->lines[0].seq >= self->count)
        return false;
    const struct history_index *index = &self->lines[seq - self->lines[0].seq];
    json_t *object = json_loadb(self->bytes + index->offset, index->length, 0, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return false;
    }
    *ret = (struct history_line){.seq = seq, .at_ns = index->at_ns, .cause = index->cause};
    copy_member(object, "node", ret->node, sizeof ret->node);
    copy_member(object, "actor", ret->actor, sizeof ret->actor);
    copy_member(object, "kind", ret->kind, sizeof ret->kind);
    copy_member(object, "activation", ret->activation, sizeof ret->activation);
    copy_member(object, "outcome", ret->outcome, sizeof ret->outcome);
    copy_member(object, "text", ret->text, sizeof ret->text);
    json_decref(object);
    return true;
}
