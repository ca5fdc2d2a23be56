#pragma once
/*
 * digest.h - a rolling 64-bit digest, fed field by field as 64-bit words (never struct bytes).
 */
#include <stdint.h>

struct digest {
    uint64_t state;
};

static inline void digest_word(struct digest *d, uint64_t word)
{
    uint64_t mixed = (word ^ UINT64_C(0x8ebc6af09c88c6e3)) * UINT64_C(0x9fb21c651e98df25);
    mixed ^= mixed >> 32;
    d->state = (d->state ^ mixed) * UINT64_C(0xd6e8feb86659fd93) + 1;
}
static inline void digest_two(struct digest *d, uint64_t a, uint64_t b)
{
    uint64_t mixed = (a ^ UINT64_C(0x8ebc6af09c88c6e3)) * UINT64_C(0x9fb21c651e98df25);
    uint64_t other = (b ^ UINT64_C(0x589965cc75374cc3)) * UINT64_C(0x1d8e4e27c47d124f);
    mixed ^= other + (mixed >> 32) + (other >> 29);
    d->state = (d->state ^ mixed) * UINT64_C(0xd6e8feb86659fd93) + 1;
}
