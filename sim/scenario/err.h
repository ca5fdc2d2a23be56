#pragma once
/*
 * err.h - what a function outside the machines returns when it could not do its work.
 *
 * Functions return 0 or a negative `enum err` and fill the caller's struct errmsg, which each
 * level may prefix; only main prints it.
 */
#include <stddef.h>
#include "core/names.h"

/* X(NAME, text, exit status of the program) */
#define ERR_LIST(X)                                                                            \
    X(NONE, "no error", 0)                                                                     \
    X(FILE, "a file cannot be read", 2)                                                        \
    X(INPUT, "a scenario, procedure or trace is wrong", 2)                                     \
    X(LATER, "asked for what only later work has", 2)                                          \
    X(ENVIRONMENT, "the environment refuses", 5)
#define ERR_MEMBER(id, ...) ERR_##id,
enum err { ERR_LIST(ERR_MEMBER) ERR_COUNT };
NAMES_DECLARE(err)

struct errmsg {
    char text[768]; /* one line, without newline */
};

/* Fill the text and return -code. `self` may be NULL. */
int errmsg_set(struct errmsg *self, enum err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Put "prefix: " before the text. */
void errmsg_prefix(struct errmsg *self, const char *prefix);
/* The exit status of a negative return value. */
int err_exit(int result);
