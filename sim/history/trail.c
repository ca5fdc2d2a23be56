/*
 * trail.c - gathers, chooses and prints the records of a trail.
 */
#include "history/trail.h"
#include "core/actor.h"
#include "core/assert.h"
#include <inttypes.h>
#include <stdlib.h>

#define CHAIN_MAX 64u       /* records by cause, nearest first; the rest is only counted */
#define CHAIN_FAR_MAX 4096u /* how far back a chain is counted */
#define CHAIN_KEPT 14u      /* of the chain, when there is no room for all */
#define HEAD_LINES 12u      /* of a long trail: so many from its start, the rest from its end */
#define TAIL_LINES 8u       /* and so many after the violation */

struct picks { /* seqs, ascending, each once */
    uint64_t *seqs;
    size_t count, max;
};

static void picks_add(struct picks *self, uint64_t seq)
{
    if (self->count == self->max) {
        size_t max = self->max == 0 ? 128 : self->max * 2;
        uint64_t *seqs = realloc(self->seqs, max * sizeof *seqs);
        if (seqs == NULL)
            return; /* a shorter trail */
        self->seqs = seqs;
        self->max = max;
    }
    self->seqs[self->count++] = seq;
}

static bool trail_has(const struct trail_source *source, uint64_t seq)
{
    return seq >= source->first && seq - source->first < source->count;
}

static void gather_own(const struct trail_source *source, uint64_t activation,
                       struct picks *own)
{
    for (uint64_t i = 0; activation != 0 && i < source->count; i++) {
        struct trail_entry entry;
        source->entry(source, source->first + i, &entry);
        if (entry.activation == activation)
            picks_add(own, entry.seq);
    }
}

/* From the violation back to its root; returns how many there are. */
static size_t gather_chain(const struct trail_source *source, uint64_t seq, struct picks *chain)
{
    size_t count = 0;
    while (trail_has(source, seq) && count < CHAIN_FAR_MAX) {
        struct trail_entry entry;
        source->entry(source, seq, &entry);
        if (count++ < CHAIN_MAX)
            picks_add(chain, seq);
        if (entry.cause >= seq)
            break;
        seq = entry.cause;
    }
    return count;
}

static int compare_seq(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* All of own, and the first `kept` of chain (its nearest). */
static struct picks merge(const struct picks *own, const struct picks *chain, size_t kept)
{
    struct picks all = {0};
    for (size_t i = 0; i < own->count; i++)
        picks_add(&all, own->seqs[i]);
    for (size_t i = 0; i < chain->count && i < kept; i++)
        picks_add(&all, chain->seqs[i]);
    if (all.count > 1)
        qsort(all.seqs, all.count, sizeof *all.seqs, compare_seq);
    size_t unique = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (i == 0 || all.seqs[i] != all.seqs[i - 1])
            all.seqs[unique++] = all.seqs[i];
    }
    all.count = unique;
    return all;
}

static void print_line(const struct trail_source *source, uint64_t seq, int64_t zero_ns,
                       bool is_end, FILE *out)
{
    struct history_line line;
    source->line(source, seq, &line);
    bool is_before = line.at_ns < zero_ns;
    uint64_t away = (uint64_t)(is_before ? zero_ns - line.at_ns : line.at_ns - zero_ns);
    char place[72];
    (void)snprintf(place, sizeof place, "%s %s", line.node, line.actor);
    (void)fprintf(out, "%c %c%4" PRIu64 ".%06" PRIu64 " s  %-24s %s\n", is_end ? '>' : ' ',
                  is_before ? '-' : '+', away / SEC(1), away % SEC(1) / USEC(1), place,
                  line.text);
}

/* At most `room` lines; the violation's own is always among them. */
static unsigned print_picks(const struct trail_source *source, const struct picks *all,
                            uint64_t end_seq, unsigned room, FILE *out)
{
    struct trail_entry end;
    size_t at_end = 0, count = all->count, left_out = 0;
    unsigned lines = 0;
    source->entry(source, end_seq, &end);
    while (all->seqs[at_end] != end_seq)
        at_end++;
    if (count > room && count > at_end + 1 + TAIL_LINES)
        count = at_end + 1 + TAIL_LINES;
    size_t later = all->count - count;
    room -= later > 0;
    if (count > room)
        left_out = count - (room - 1);
    for (size_t i = 0; i < count; i++, lines++) {
        if (left_out > 0 && i == HEAD_LINES) {
            (void)fprintf(out, "      ... %zu records in between are left out ...\n", left_out);
            i += left_out - 1;
        } else
            print_line(source, all->seqs[i], end.at_ns, all->seqs[i] == end_seq, out);
    }
    if (later > 0)
        (void)fprintf(out, "      ... %zu later records are left out ...\n", later);
    return lines + (later > 0);
}

unsigned trail_print(const struct trail_source *source, struct trail_query query, FILE *out)
{
    struct picks own = {0}, chain = {0};
    unsigned lines = 0;
    gather_own(source, query.activation, &own);
    uint64_t end = trail_has(source, query.seq) ? query.seq
                   : own.count > 0              ? own.seqs[own.count - 1]
                                                : 0;
    size_t chain_count = gather_chain(source, end, &chain);
    struct picks all = merge(&own, &chain, CHAIN_MAX);
    size_t kept = chain.count;
    if (all.count + 1 > TRAIL_LINES) { /* 1: the line about earlier ones */
        free(all.seqs);
        kept = CHAIN_KEPT;
        all = merge(&own, &chain, kept);
    }
    if (chain_count > kept) {
        (void)fprintf(out, "      ... %zu earlier records that led here are left out ...\n",
                      chain_count - kept);
        lines++;
    }
    if (end != 0)
        lines += print_picks(source, &all, end, TRAIL_LINES - lines, out);
    free(own.seqs);
    free(chain.seqs);
    free(all.seqs);
    return lines;
}

static void memory_entry(const struct trail_source *source, uint64_t seq,
                         struct trail_entry *ret)
{
    const struct record *r = history_find(source->self, seq);
    ASSERT(r != NULL);
    *ret = (struct trail_entry){
        .seq = seq, .at_ns = history_at(r->at), .cause = r->cause, .activation = r->activation};
}

static void memory_line(const struct trail_source *source, uint64_t seq,
                        struct history_line *ret)
{
    const struct history_names *names = source->names;
    const struct record *r = history_find(source->self, seq);
    ASSERT(r != NULL);
    *ret = (struct history_line){.seq = seq, .at_ns = history_at(r->at), .cause = r->cause};
    (void)snprintf(ret->node, sizeof ret->node, "%s",
                   cluster_node_name(names->cluster, r->node));
    history_actor(r, ret->actor, sizeof ret->actor);
    (void)history_text(names, r, ret->text, sizeof ret->text);
}

struct trail_source trail_of_history(const struct history *history,
                                     const struct history_names *names)
{
    return (struct trail_source){
        .self = history,
        .names = names,
        .first = history->count > 0 ? history->records[0].seq : 0,
        .count = history->count,
        .entry = memory_entry,
        .line = memory_line,
    };
}

static void file_entry(const struct trail_source *source, uint64_t seq, struct trail_entry *ret)
{
    const struct history_file *file = source->self;
    ASSERT(trail_has(source, seq));
    const struct history_index *line = &file->lines[seq - source->first];
    *ret = (struct trail_entry){
        .seq = seq, .at_ns = line->at_ns, .cause = line->cause, .activation = line->activation};
}

static void file_line(const struct trail_source *source, uint64_t seq, struct history_line *ret)
{
    const struct history_file *file = source->self;
    if (!history_file_line(file, seq, ret)) {
        *ret = (struct history_line){.seq = seq};
        (void)snprintf(ret->text, sizeof ret->text, "(this line is damaged)");
    }
}

struct trail_source trail_of_file(const struct history_file *file)
{
    return (struct trail_source){
        .self = file,
        .first = file->count > 0 ? file->lines[0].seq : 0,
        .count = file->count,
        .entry = file_entry,
        .line = file_line,
    };
}
