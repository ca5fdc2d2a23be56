/*
 * assert.c - prints what failed and where the simulation was, then calls the handler.
 */
#include "core/assert.h"
#include <stdio.h>
#include <stdlib.h>

struct assert_context assert_context;

static void assert_print_and_abort(const char *text);
static assert_handler_fn *assert_handler = assert_print_and_abort;

assert_handler_fn *assert_handler_swap(assert_handler_fn *handler)
{
    assert_handler_fn *former = assert_handler;
    assert_handler = handler == NULL ? assert_print_and_abort : handler;
    return former;
}

static void assert_print_and_abort(const char *text)
{
    fprintf(stderr, "%s\n", text);
    abort();
}

static _Noreturn void assert_raise(const char *text)
{
    assert_handler(text);
    abort(); /* a handler may leave by longjmp, never by return */
}

#define WHERE " at %" PRIu64 " ns, node %s (%" PRIu32 "), seed %" PRIu64

static const char *assert_node_name(void)
{
    return assert_context.node_name == NULL ? "-" : assert_context.node_name;
}

_Noreturn void assert_fail(const char *file, int line, const char *expression)
{
    char text[512];
    snprintf(text, sizeof text, "%s:%d: assertion failed: %s" WHERE, file, line, expression,
             assert_context.at, assert_node_name(), assert_context.node, assert_context.seed);
    assert_raise(text);
}

_Noreturn void assert_fail_op(const char *file, int line, const char *expression, uint64_t left,
                              uint64_t right)
{
    char text[512];
    snprintf(text, sizeof text,
             "%s:%d: assertion failed: %s (%" PRIu64 " and %" PRIu64 ")" WHERE, file, line,
             expression, left, right, assert_context.at, assert_node_name(),
             assert_context.node, assert_context.seed);
    assert_raise(text);
}
