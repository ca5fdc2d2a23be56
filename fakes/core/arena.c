/*
 * arena.c - see arena.h.
 *
 * Layout: struct arena, then blocks side by side up to `used`. A block is a 16-byte header and
 * its payload; its class says how large both are together, so that the blocks can be walked.
 * Links are offsets in units of 16 bytes. Free blocks of a class are a single list.
 */
#include "core/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/assert.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define RED_ZONE 1u /* units behind each payload that nobody may touch */
#define POISON(start, size) __asan_poison_memory_region(start, size)
#define UNPOISON(start, size) __asan_unpoison_memory_region(start, size)
#else
#define RED_ZONE 0u
#define POISON(start, size) ((void)(start), (void)(size))
#define UNPOISON(start, size) ((void)(start), (void)(size))
#endif

#define CLASS_SMALL_MAX 8u /* up to 8 units a class of its own, then four per doubling */
#define CLASS_COUNT 112u
#define OWNERS_FIRST 64u
#define OWNER_SPECIAL 2u /* ARENA_HOST and ARENA_MESSAGE stand before the nodes */
#define FLAG_DURABLE 1u
#define FLAG_FREE 2u
#define POISON_BYTE 0xdd
#define SPARE_MAPS 4u                         /* freed mappings kept for the next world */
#define SPARE_RESIDENT_MAX ((size_t)64 << 20) /* of each, this much stays touched */

struct block {
    uint32_t size; /* as asked for */
    uint16_t owner;
    uint8_t class, flags;
    uint32_t next, prev; /* of the same owner; next: also the free list */
};
_Static_assert(sizeof(struct block) == ARENA_UNIT, "a header is one unit");

struct owner {
    uint32_t head, count;
};

struct arena {
    size_t used, bytes_max;
    size_t reserved; /* of the mapping, which may have been made for a larger world */
    size_t touched;  /* highest `used` ever of this mapping */
    uint32_t owners, owner_max; /* handle of struct owner[owner_max] */
    uint32_t free[CLASS_COUNT];
};

struct arena_snapshot {
    const struct arena *from;
    size_t size, room;
    char bytes[];
};

/* Mappings that outlive their world: page faults cost more than everything else here. */
static struct arena *spare_maps[SPARE_MAPS];
static struct arena_snapshot *spare_snapshot; /* the last one given back, for the same reason */

static unsigned class_of(size_t units)
{
    if (units <= CLASS_SMALL_MAX)
        return (unsigned)units;
    unsigned bits = 63u - (unsigned)__builtin_clzll((unsigned long long)units - 1);
    return CLASS_SMALL_MAX + 1 + (bits - 3) * 4 + ((unsigned)((units - 1) >> (bits - 2)) & 3u);
}

static size_t class_units(unsigned class)
{
    if (class <= CLASS_SMALL_MAX)
        return class;
    unsigned above = class - CLASS_SMALL_MAX - 1;
    return (size_t)(5 + above % 4) << (above / 4 + 1);
}

static struct block *block_of(const void *payload)
{
    return (struct block *)((uintptr_t)payload - sizeof(struct block));
}

static struct block *block_at(const struct arena *self, uint32_t handle)
{
    return arena_block(self, handle);
}

static size_t block_bytes(const struct block *b)
{
    return class_units(b->class) * ARENA_UNIT;
}

static size_t arena_begin(void)
{
    return (sizeof(struct arena) + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT;
}

static uint32_t owner_index(uint32_t owner)
{
    if (owner == ARENA_HOST || owner == ARENA_MESSAGE)
        return owner == ARENA_HOST ? 0 : 1;
    ASSERT_OP(owner, <, ARENA_MESSAGE);
    return owner + OWNER_SPECIAL;
}

/* A block of that class, from the free list or the end; its payload is not yet readable. */
static struct block *block_take(struct arena *self, size_t size)
{
    ASSERT_OP(size, <=, ARENA_BLOCK_MAX);
    size_t units = 1 + (size + ARENA_UNIT - 1) / ARENA_UNIT + RED_ZONE;
    unsigned class = class_of(units < 2 ? 2 : units);
    ASSERT_OP(class, <, CLASS_COUNT);
    struct block *b;
    if (self->free[class] != 0) {
        b = block_at(self, self->free[class]);
        ASSERT(b->flags == FLAG_FREE && b->class == class);
        self->free[class] = b->next;
    } else {
        size_t bytes = class_units(class) * ARENA_UNIT;
        ASSERT_OP(bytes, <=, self->bytes_max - self->used);
        b = (struct block *)((uintptr_t)self + self->used);
        UNPOISON(b, sizeof *b);
        self->used += bytes;
        if (self->used > self->touched)
            self->touched = self->used;
    }
    *b = (struct block){.size = (uint32_t)size, .class = (uint8_t) class};
    POISON(b + 1, block_bytes(b) - sizeof *b);
    UNPOISON(b + 1, size);
    memset(b + 1, 0, size);
    return b;
}

static void block_put(struct arena *self, struct block *b)
{
#if defined(ARENA_POISON) && !defined(ARENA_ASAN)
    memset(b + 1, POISON_BYTE, block_bytes(b) - sizeof *b);
#endif
    POISON(b + 1, block_bytes(b) - sizeof *b);
    b->flags = FLAG_FREE;
    b->next = self->free[b->class];
    self->free[b->class] = arena_handle(self, b);
}

static struct owner *owner_of(struct arena *self, uint32_t owner)
{
    struct owner *owners = arena_block(self, self->owners);
    return &owners[owner_index(owner)];
}

static void owners_grow(struct arena *self, uint32_t index)
{
    uint32_t max = self->owner_max == 0 ? OWNERS_FIRST : self->owner_max;
    while (max <= index)
        max *= 2;
    struct block *b = block_take(self, max * sizeof(struct owner));
    if (self->owner_max != 0) {
        void *old = arena_block(self, self->owners);
        memcpy(b + 1, old, self->owner_max * sizeof(struct owner));
        block_put(self, block_of(old));
    }
    self->owners = arena_handle(self, b + 1);
    self->owner_max = max;
}

static void link_block(struct arena *self, uint32_t owner, struct block *b)
{
    if (owner_index(owner) >= self->owner_max)
        owners_grow(self, owner_index(owner));
    struct owner *o = owner_of(self, owner);
    b->owner = (uint16_t)owner;
    b->prev = 0;
    b->next = o->head;
    if (o->head != 0)
        block_at(self, o->head)->prev = arena_handle(self, b);
    o->head = arena_handle(self, b);
    o->count++;
}

static void unlink_block(struct arena *self, struct block *b)
{
    struct owner *o = owner_of(self, b->owner);
    if (b->prev != 0)
        block_at(self, b->prev)->next = b->next;
    else
        o->head = b->next;
    if (b->next != 0)
        block_at(self, b->next)->prev = b->prev;
    ASSERT_OP(o->count, >, 0);
    o->count--;
}

static struct arena *spare_take(size_t bytes_max)
{
    for (unsigned i = 0; i < SPARE_MAPS; i++) {
        struct arena *map = spare_maps[i];
        if (map != NULL && map->reserved >= bytes_max) {
            spare_maps[i] = NULL;
            return map;
        }
    }
    return NULL;
}

struct arena *arena_new(size_t bytes_max)
{
    if (bytes_max < arena_begin() + OWNERS_FIRST * sizeof(struct owner) + 2 * ARENA_UNIT)
        return NULL;
    struct arena *self = spare_take(bytes_max);
    if (self == NULL) {
        void *map = mmap(NULL, bytes_max, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED)
            return NULL;
        self = map;
        self->reserved = bytes_max;
    }
    size_t reserved = self->reserved, touched = self->touched;
    *self = (struct arena){.used = arena_begin(),
                           .bytes_max = bytes_max,
                           .reserved = reserved,
                           .touched = touched};
    owners_grow(self, 0);
    return self;
}

void arena_free(struct arena *self)
{
    if (self == NULL)
        return;
    UNPOISON(self, self->touched);
    for (unsigned i = 0; i < SPARE_MAPS; i++) {
        if (spare_maps[i] != NULL)
            continue;
        if (self->touched > SPARE_RESIDENT_MAX) {
            (void)madvise((char *)self + SPARE_RESIDENT_MAX,
                          self->reserved - SPARE_RESIDENT_MAX, MADV_DONTNEED);
            self->touched = SPARE_RESIDENT_MAX;
        }
        spare_maps[i] = self;
        return;
    }
    (void)munmap(self, self->reserved);
}

void *arena_alloc(struct arena *self, uint32_t owner, size_t size)
{
    struct block *b = block_take(self, size);
    link_block(self, owner, b);
    return b + 1;
}

void *arena_alloc_durable(struct arena *self, uint32_t owner, size_t size)
{
    struct block *b = block_take(self, size);
    b->flags = FLAG_DURABLE;
    link_block(self, owner, b);
    return b + 1;
}

void *arena_grow(struct arena *self, uint32_t owner, void *block, size_t new_size)
{
    if (block == NULL)
        return arena_alloc(self, owner, new_size);
    struct block *b = block_of(block);
    ASSERT((b->flags & FLAG_FREE) == 0);
    ASSERT_OP(new_size, >=, b->size);
    size_t old_size = b->size;
    if (new_size + sizeof *b + RED_ZONE * ARENA_UNIT <= block_bytes(b)) {
        UNPOISON(b + 1, new_size);
        memset((char *)(b + 1) + old_size, 0, new_size - old_size);
        b->size = (uint32_t)new_size;
        return block;
    }
    struct block *grown = block_take(self, new_size);
    grown->flags = b->flags;
    memcpy(grown + 1, b + 1, old_size);
    link_block(self, b->owner, grown);
    unlink_block(self, b);
    block_put(self, b);
    return grown + 1;
}

void arena_release(struct arena *self, void *block)
{
    if (block == NULL)
        return;
    struct block *b = block_of(block);
    ASSERT((b->flags & FLAG_FREE) == 0); /* not given back twice */
    unlink_block(self, b);
    block_put(self, b);
}

void arena_own(struct arena *self, uint32_t owner, void *block)
{
    struct block *b = block_of(block);
    ASSERT((b->flags & FLAG_FREE) == 0);
    if (b->owner == owner)
        return;
    unlink_block(self, b);
    link_block(self, owner, b);
}

uint32_t arena_owner(const void *block)
{
    return block_of(block)->owner;
}

void arena_release_owner(struct arena *self, uint32_t owner, bool durable_too)
{
    if (owner_index(owner) >= self->owner_max)
        return;
    uint32_t handle = owner_of(self, owner)->head;
    while (handle != 0) {
        struct block *b = block_at(self, handle);
        handle = b->next;
        if (durable_too || (b->flags & FLAG_DURABLE) == 0)
            arena_release(self, b + 1);
    }
}

size_t arena_block_size(const void *block)
{
    return block_of(block)->size;
}

size_t arena_used(const struct arena *self)
{
    return self->used;
}

size_t arena_blocks(const struct arena *self, uint32_t owner)
{
    if (owner_index(owner) >= self->owner_max)
        return 0;
    const struct owner *owners = arena_block(self, self->owners);
    return owners[owner_index(owner)].count;
}

/* Poison as the headers say: free payloads, and what lies behind `used`. */
static void poison_again(const struct arena *self)
{
#ifdef ARENA_ASAN
    for (size_t at = arena_begin(); at < self->used;) {
        struct block *b = (struct block *)((uintptr_t)self + at);
        size_t kept = (b->flags & FLAG_FREE) != 0 ? 0 : b->size;
        kept = (kept + ARENA_UNIT / 2 - 1) / (ARENA_UNIT / 2) * (ARENA_UNIT / 2);
        POISON((char *)(b + 1) + kept, block_bytes(b) - sizeof *b - kept);
        at += block_bytes(b);
    }
    if (self->touched > self->used)
        POISON((const char *)self + self->used, self->touched - self->used);
#else
    (void)self;
#endif
}

struct arena_snapshot *arena_save(const struct arena *self)
{
    struct arena_snapshot *snapshot = spare_snapshot;
    spare_snapshot = NULL;
    if (snapshot == NULL || snapshot->room < self->used) {
        free(snapshot);
        snapshot = malloc(sizeof *snapshot + self->used);
        ASSERT(snapshot != NULL);
        snapshot->room = self->used;
    }
    snapshot->from = self;
    snapshot->size = self->used;
    UNPOISON(self, self->used);
    memcpy(snapshot->bytes, self, self->used);
    poison_again(self);
    return snapshot;
}

void arena_restore(struct arena *self, const struct arena_snapshot *snapshot)
{
    ASSERT(snapshot->from == self);
    ASSERT_OP(snapshot->size, <=, self->bytes_max);
    size_t touched = self->touched;
    UNPOISON(self, self->touched);
    memcpy((void *)self, snapshot->bytes, snapshot->size);
    self->touched = touched;
    poison_again(self);
}

void arena_snapshot_free(struct arena_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    free(spare_snapshot);
    spare_snapshot = snapshot;
}
