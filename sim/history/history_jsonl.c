/*
 * history_jsonl.c - records as lines of JSON. Written by hand: a run has millions of them.
 */
#include "history/history_jsonl.h"
#include "core/actor.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char *history_step(const struct history_names *names, uint64_t step)
{
    return step < names->step_name_count ? names->step_names[step] : "(unnamed)";
}

size_t history_text(const struct history_names *names, const struct record *r, char *text,
                    size_t size)
{
    static const char *const ends[] = {"is done", "fails", "fails, which is ignored",
                                       "is skipped", "gives up"};
    const char *instance = cluster_node_name(names->cluster, r->peer);
    int wanted = 0;
    if (r->kind == RECORD_STEP_STARTED)
        wanted = snprintf(text, size, "step `%s` of %s begins", history_step(names, r->value),
                          instance);
    else if (r->kind == RECORD_STEP_ENDED)
        wanted = snprintf(text, size, "step `%s` of %s %s after %" PRIu32 " requests",
                          history_step(names, r->value), instance,
                          r->detail < sizeof ends / sizeof *ends ? ends[r->detail] : "ends",
                          (uint32_t)r->value2);
    else
        return record_print(names->cluster, r, text, size);
    return wanted > 0 ? (size_t)wanted : 0;
}

void history_actor(const struct record *r, char *text, size_t size)
{
    const char *kind = actor_to_string(ACTOR_KIND(r->actor));
    if (ACTOR_INDEX(r->actor) == 0 && ACTOR_GENERATION(r->actor) == 0)
        (void)snprintf(text, size, "%s", kind);
    else
        (void)snprintf(text, size, "%s/%" PRIu32, kind, ACTOR_INDEX(r->actor));
}

/* A JSON string with its quotes. */
static void print_string(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            (void)fprintf(out, "\\%c", c);
        else if (c < 0x20)
            (void)fprintf(out, "\\u%04x", c);
        else
            (void)fputc(c, out);
    }
    (void)fputc('"', out);
}

static void print_member(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, ",\"%s\":", name);
    print_string(out, text);
}

static void print_ids(const struct history_names *names, const struct record *r, FILE *out)
{
    char hex[33], key[400];
    if (r->activation != 0) {
        if (names->activation_text == NULL ||
            !names->activation_text(names->id_context, r->activation, hex))
            cluster_activation_text(names->draws, r->activation, hex);
        print_member(out, "activation", hex);
    }
    if (r->container != 0)
        (void)fprintf(out, ",\"container\":\"%08" PRIx32 "\"", r->container);
    if (r->creation != 0) {
        cluster_creation_text(names->draws, r->creation, hex);
        print_member(out, "creation", hex);
    }
    if (r->kind == RECORD_KEY_PUT || r->kind == RECORD_KEY_DELETED) {
        (void)key_print(names->cluster, &r->key, key, sizeof key);
        print_member(out, "key", key);
    }
}

int history_jsonl_print(const struct history_names *names, const struct record *r, FILE *out)
{
    static const char *const outcomes[] = {"OK", "FAILED", "UNKNOWN"};
    char text[1024], actor[32];
    history_actor(r, actor, sizeof actor);
    (void)history_text(names, r, text, sizeof text);
    (void)fprintf(out, "{\"seq\":%" PRIu64 ",\"at\":%" PRId64, r->seq, history_at(r->at));
    print_member(out, "node", cluster_node_name(names->cluster, r->node));
    print_member(out, "actor", actor);
    print_member(out, "kind", record_to_string(r->kind));
    print_ids(names, r, out);
    if (r->cause != 0)
        (void)fprintf(out, ",\"cause\":%" PRIu32, r->cause);
    print_member(out, "outcome",
                 r->outcome < sizeof outcomes / sizeof *outcomes ? outcomes[r->outcome]
                                                                 : "UNKNOWN");
    print_member(out, "text", text);
    return fputs("}\n", out) == EOF ? -1 : 0;
}

int history_jsonl_write(const struct history *history, const struct history_names *names,
                        const char *path)
{
    FILE *out = fopen(path, "w");
    int result = 0;
    if (out == NULL)
        return -1;
    for (size_t i = 0; i < history->count && result == 0; i++)
        result = history_jsonl_print(names, &history->records[i], out);
    if (ferror(out) != 0)
        result = -1;
    int error = errno;
    if (fclose(out) != 0 && result == 0)
        return -1;
    errno = error;
    return result;
}
