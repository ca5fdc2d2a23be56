#pragma once
/*
 * assert.h - assertions that stay on in every build and say where the simulation was.
 *
 * A failure prints both values, the node, the virtual time and the seed (kept up to date by
 * the host through assert_context), then calls the handler, which a test may swap; the
 * default aborts.
 */
#include <inttypes.h>
#include <stdint.h>

struct assert_context {
    uint64_t seed;
    uint64_t at; /* tstamp */
    uint32_t node;
    const char *node_name; /* borrowed; may be NULL */
};

typedef void assert_handler_fn(const char *text);

/* The one piece of mutable program state: only read when an assertion fails. */
extern struct assert_context assert_context;

/* Returns the former handler. The new one may return only by longjmp. */
assert_handler_fn *assert_handler_swap(assert_handler_fn *handler);

_Noreturn void assert_fail(const char *file, int line, const char *expression);
_Noreturn void assert_fail_op(const char *file, int line, const char *expression, uint64_t left,
                              uint64_t right);

#define ASSERT(cond)                                                                           \
    do {                                                                                       \
        if (__builtin_expect(!(cond), 0))                                                      \
            assert_fail(__FILE__, __LINE__, #cond);                                            \
    } while (0)

#define ASSERT_OP(a, op, b)                                                                    \
    do {                                                                                       \
        uint64_t assert_a = (uint64_t)(a), assert_b = (uint64_t)(b);                           \
        if (__builtin_expect(!(assert_a op assert_b), 0))                                      \
            assert_fail_op(__FILE__, __LINE__, #a " " #op " " #b, assert_a, assert_b);         \
    } while (0)
