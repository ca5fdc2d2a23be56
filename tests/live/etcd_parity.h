#pragma once
/*
 * etcd_parity.h - two etcds are asked the same and their answers compared, one by one.
 *
 * What may differ is masked: ids of cluster and member, terms, sizes, indexes, the hash; of
 * revisions the distance to the store's at the start counts. The first endpoint is asked first:
 * it says how many lines of a watch the second one is waited for.
 */
#include "live/etcd_endpoint.h"

struct etcd_parity_count {
    unsigned equal, different, skipped;
};
struct etcd_parity {
    struct etcd_endpoint *ends[2];
    const char *names[2]; /* in what is printed */
    uint64_t bases[2];    /* revision that counts as 1 */
    struct etcd_text_out texts[2], bodies[2];
    struct etcd_parity_count count;
    char prefix[32];           /* of a sequence's keys */
    uint64_t lease;            /* of a sequence's leases: the first id */
    unsigned runs;             /* sequences so far: each has its own keys */
    bool is_quiet, is_verbose; /* verbose: equal answers are printed, too */
};

void etcd_parity_begin(struct etcd_parity *self, struct etcd_endpoint *first,
                       const char *first_name, struct etcd_endpoint *second,
                       const char *second_name);
void etcd_parity_end(struct etcd_parity *self); /* frees both endpoints */

/* etcd_parity.c: one operation of the list, or the whole list. */
struct etcd_do_op;
bool etcd_parity_do(struct etcd_parity *self, const struct etcd_do_op *op);
void etcd_parity_list(struct etcd_parity *self);
/* Pieces of it: the store's revision counts as 1 from now on; a body as it is; an answer as it
 * is compared; the two answers in `texts`. */
void etcd_parity_rebase(struct etcd_parity *self);
unsigned etcd_parity_grace(const struct etcd_parity *self); /* of the first one, in ms */
bool etcd_parity_same(struct etcd_parity *self, const char *path, const char *body);
void etcd_parity_mask(const struct etcd_parity *self, unsigned side,
                      struct etcd_text_out *text);
bool etcd_parity_compare(struct etcd_parity *self, const char *what, const char *body);

/* etcd_parity_random.c: sequences of random operations; one that differs is made shorter as
 * long as it still differs, and printed. Bodies with random mistakes. */
void etcd_parity_random(struct etcd_parity *self, uint64_t seed, unsigned sequences,
                        unsigned seconds_max);
void etcd_parity_mistakes(struct etcd_parity *self, uint64_t seed, unsigned bodies);

/* All of it: the machine by hand against the URL, or one URL against another (first NULL: by
 * hand). Prints the counts; returns how many answers differ. */
struct etcd_parity_plan {
    const char *first, *second;
    uint64_t seed;
    unsigned sequences, mistakes, seconds_max;
    bool is_verbose;
};
unsigned etcd_parity_run(const struct etcd_parity_plan *plan);
