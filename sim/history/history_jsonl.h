#pragma once
/*
 * history_jsonl.h - history.jsonl: one JSON object per record, and a reader for `why`.
 *
 * Members, in this order, absent ones left out: seq, at (ns since the start of the scenario,
 * negative while the cluster boots), node, actor, kind, activation (32 hex digits), container
 * (8 hex digits), creation (32 hex digits), key (as in etcd), cause (seq of the record that led
 * here), outcome (OK, FAILED, UNKNOWN), text (plain words; activations by their request
 * number).
 */
#include "core/cluster.h"
#include "history/history.h"
#include <stdio.h>

struct history_names { /* borrowed */
    const struct cluster *cluster;
    const struct draws *draws;
    const char *const *step_names; /* deployer_config.step_names */
    uint32_t step_name_count;
    /* As in struct check_world; may be NULL. */
    void *id_context;
    bool (*activation_text)(void *context, activation_id id, char ret_text[33]);
};

/* A record in plain words, deploy steps by name. Returns the length it wanted. */
size_t history_text(const struct history_names *names, const struct record *r, char *text,
                    size_t size);
/* "queue", "proxy/3". */
void history_actor(const struct record *r, char *text, size_t size);

/* ns since the start of the scenario. */
static inline int64_t history_at(tstamp at)
{
    return (int64_t)(at - TSTAMP_ORIGIN);
}

/* One line. Returns 0, or -1 when the stream fails. */
int history_jsonl_print(const struct history_names *names, const struct record *r, FILE *out);
/* The whole history. Returns 0, or -1 and errno. */
int history_jsonl_write(const struct history *history, const struct history_names *names,
                        const char *path);

#define HISTORY_LINE_MAX 4096u
struct history_line { /* of a file */
    int64_t at_ns;
    uint64_t seq, cause;
    char node[32], actor[32], kind[32], activation[40], outcome[12];
    char text[1024];
};
struct history_file {
    char *bytes; /* the file, mapped */
    size_t size;
    struct history_index {
        int64_t at_ns;
        uint64_t seq, activation; /* first 16 hex digits; 0: none */
        uint64_t offset;
        uint32_t cause, length;
    } * lines;
    size_t count, max;
};
/*
 * Map and index a file. Returns 0, or -1 with `path:line: what` in errmsg; then nothing has
 * to be closed.
 */
int history_file_open(struct history_file *self, const char *path, char *errmsg, size_t size);
void history_file_close(struct history_file *self);
/* The line with this seq, read in full. Returns false when there is none or it is damaged. */
bool history_file_line(const struct history_file *self, uint64_t seq, struct history_line *ret);
/* The token of 32 hex digits, 0 when it is not such a text. */
uint64_t history_activation_token(const char *hex);
