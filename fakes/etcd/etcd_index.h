#pragma once
/*
 * etcd_index.h - the keys that exist, by their texts: a sorted array, and beside it a hash
 * table over the fields of the components' own keys, which spares them the printing.
 *
 * The hash table never decides an order. A key that a foreign client wrote is found by its
 * text alone (family KEY_RAW) until a component asks for the same text.
 */
#include "core/machine.h"

struct etcd_text { /* bytes, not NUL-terminated; borrowed */
    const char *bytes;
    uint32_t length;
};

/* Longest text of a component's key: namespace 64, action 96, and the fixed parts. */
#define ETCD_TEXT_MAX 384u

struct etcd_version;
struct etcd_entry { /* one life of a key, from its creation to its deletion; durable block */
    struct etcd_version *newest;
    struct key key;
    uint32_t length;
    char text[];
};

struct etcd_index { /* durable */
    struct etcd_entry **sorted;
    uint32_t count, max;
    struct etcd_entry **slots; /* open addressing, a power of two; NULL: free */
    uint32_t slot_count, slots_used;
};

int etcd_text_compare(struct etcd_text a, struct etcd_text b); /* bytewise */
struct etcd_text etcd_entry_text(const struct etcd_entry *entry);

/* Position of the first key not below the text. O(log n). */
uint32_t etcd_index_lower(const struct etcd_index *self, struct etcd_text text);
/* NULL: not there. By fields O(1), by text O(log n). */
struct etcd_entry *etcd_index_find_key(const struct etcd_index *self, const struct key *key);
struct etcd_entry *etcd_index_find_text(const struct etcd_index *self, struct etcd_text text);
/* A new entry; asserts that the text is not there yet. O(n) words moved. */
struct etcd_entry *etcd_index_add(struct etcd_index *self, const struct machine_env *env,
                                  const struct key *key, struct etcd_text text);
/* A component asks for a key that was known by text only: from now on by fields too. */
void etcd_index_learn(struct etcd_index *self, const struct machine_env *env,
                      struct etcd_entry *entry, const struct key *key);
/* Take it out; its block stays. */
void etcd_index_remove(struct etcd_index *self, const struct etcd_entry *entry);
