/* err.c - error texts and exit statuses. */
#include "scenario/err.h"
#include <stdarg.h>
#include <stdio.h>

NAMES_DEFINE(err, ERR_LIST)

#define ERR_EXIT(id, text, status) status,
static const int err_exits[ERR_COUNT] = {ERR_LIST(ERR_EXIT)};

int errmsg_set(struct errmsg *self, enum err code, const char *format, ...)
{
    if (self != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(self->text, sizeof self->text, format, args);
        va_end(args);
        /* A name out of a file may hold a line end or a control character: one line it stays.
         */
        for (char *c = self->text; *c != '\0'; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
    }
    return -(int)code;
}

void errmsg_prefix(struct errmsg *self, const char *prefix)
{
    struct errmsg former = *self;
    snprintf(self->text, sizeof self->text, "%.200s: %.560s", prefix, former.text);
}

int err_exit(int result)
{
    return result > -(int)ERR_COUNT && result <= 0 ? err_exits[-result] : 2;
}
