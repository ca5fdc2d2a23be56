/*
 * wire_http.c - see wire_http.h: header lines, and who goes where.
 */
#include "core/actor.h"
#include "core/assert.h"
#include "wire/wire_http_internal.h"
#include <string.h>

void wire_http_clear(struct wire_http *self)
{
    self->method = NULL;
    self->status = 0;
    wire_buffer_clear(&self->path);
    wire_buffer_clear(&self->headers);
    wire_buffer_clear(&self->body);
}

void wire_http_free(struct wire_http *self)
{
    wire_buffer_free(&self->path);
    wire_buffer_free(&self->headers);
    wire_buffer_free(&self->body);
    *self = (struct wire_http){0};
}

enum wire_port wire_http_port(enum message_kind kind)
{
    switch (kind) {
    case MSG_HTTP_REQUEST:
    case MSG_INVOKE:
        return WIRE_API;
    case MSG_FETCH:
    case MSG_RESCHEDULE:
        return WIRE_RPC;
    case MSG_CREATE_QUEUE:
    case MSG_FORWARD:
        return WIRE_REMOTING;
    default: /* the others have other ways */
        return WIRE_PORT_COUNT;
    }
}

/* ---- header lines ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool wire_text_is_caseless(struct wire_text text, const char *literal)
{
    size_t i = 0;
    while (i < text.length && literal[i] != '\0' && lower(text.bytes[i]) == lower(literal[i]))
        i++;
    return i == text.length && literal[i] == '\0';
}

bool wire_line_next(struct wire_text *rest, struct wire_text *ret_line)
{
    if (rest->length == 0)
        return false;
    const char *end = memchr(rest->bytes, '\n', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->bytes);
    size_t taken = end == NULL ? length : length + 1;
    *ret_line = (struct wire_text){rest->bytes, length};
    *rest = (struct wire_text){rest->bytes + taken, rest->length - taken};
    return true;
}

bool wire_line_is(struct wire_text line, const char *name)
{
    size_t length = strlen(name);
    return line.length > length && line.bytes[length] == ':' &&
           wire_text_is_caseless((struct wire_text){line.bytes, length}, name);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct wire_text wire_line_value(struct wire_text line)
{
    const char *colon = memchr(line.bytes, ':', line.length);
    if (colon == NULL)
        return (struct wire_text){line.bytes, 0};
    const char *end = line.bytes + line.length, *at = colon + 1;
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    return (struct wire_text){at, (size_t)(end - at)};
}

struct wire_text wire_header(struct wire_text headers, const char *name)
{
    struct wire_text line;
    while (wire_line_next(&headers, &line)) {
        if (wire_line_is(line, name))
            return wire_line_value(line);
    }
    return (struct wire_text){"", 0};
}

/* ---- the sender ---- */

void wire_sender_write(const struct wire *self, const struct wire_sender *sender,
                       struct wire_buffer *headers)
{
    if (sender->node >= self->cluster->node_count)
        return; /* somebody outside */
    WIRE_ADD(headers, WIRE_SENDER_HEADER ": ");
    wire_buffer_text(headers, cluster_node_name(self->cluster, sender->node));
    WIRE_ADD(headers, " ");
    wire_buffer_number(headers, sender->actor);
    WIRE_ADD(headers, " ");
    wire_buffer_number(headers, sender->cause);
    WIRE_ADD(headers, "\n");
}

/* The next of the pieces between blanks; the last one takes all. */
static struct wire_text piece_next(struct wire_text *rest, bool is_last)
{
    struct wire_text piece = *rest;
    const char *blank = is_last ? NULL : memchr(rest->bytes, ' ', rest->length);
    if (blank != NULL)
        piece.length = (size_t)(blank - rest->bytes);
    size_t taken = blank == NULL ? piece.length : piece.length + 1;
    *rest = (struct wire_text){rest->bytes + taken, rest->length - taken};
    return piece;
}

bool wire_sender_read(const struct wire *self, struct wire_text headers,
                      struct wire_sender *ret_sender)
{
    struct wire_text rest = wire_header(headers, WIRE_SENDER_HEADER);
    struct wire_text name = piece_next(&rest, false);
    struct wire_text actor_text = piece_next(&rest, false);
    uint64_t actor, cause;
    node_id node = cluster_find_node(self->cluster, name.bytes, name.length);
    if (node == NODE_NONE || !wire_decimal(actor_text, UINT32_MAX, &actor) ||
        !wire_decimal(piece_next(&rest, true), UINT32_MAX, &cause) ||
        ACTOR_KIND((actor_id)actor) >= ACTOR_KIND_COUNT)
        return false;
    *ret_sender = (struct wire_sender){node, (actor_id)actor, (uint32_t)cause};
    return true;
}

void wire_buffer_blob(struct wire_buffer *self, const struct arena *arena, blob b)
{
    if (b != 0)
        wire_buffer_add(self, blob_bytes(arena, b), blob_size(arena, b));
}
