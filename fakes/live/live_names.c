/* live_names.c - see live_names.h: an open-addressed table, never more than half full. */
#include "live/live_names.h"
#include "core/assert.h"
#include "core/draw.h"
#include <stdlib.h>

#define DIGIT_BYTES 16u
#define FIRST 1024u

struct name {
    activation_id id; /* 0: free */
    uint8_t digits[DIGIT_BYTES];
};

struct live_names {
    struct name *names;
    uint32_t count, max; /* max: a power of two */
};

static struct name *name_slot(const struct live_names *self, activation_id id)
{
    uint32_t i = (uint32_t)draw_mix(id, 1) & (self->max - 1);
    while (self->names[i].id != 0 && self->names[i].id != id)
        i = (i + 1) & (self->max - 1);
    return &self->names[i];
}

static void make_room(struct live_names *self, uint32_t max)
{
    struct live_names former = *self;
    self->max = max;
    self->names = calloc(max, sizeof *self->names);
    ASSERT(self->names != NULL);
    for (uint32_t i = 0; i < former.max; i++) {
        if (former.names[i].id != 0)
            *name_slot(self, former.names[i].id) = former.names[i];
    }
    free(former.names);
}

struct live_names *live_names_new(void)
{
    struct live_names *self = calloc(1, sizeof *self);
    ASSERT(self != NULL);
    make_room(self, FIRST);
    return self;
}

void live_names_free(struct live_names *self)
{
    if (self == NULL)
        return;
    free(self->names);
    free(self);
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void live_names_keep(struct live_names *self, activation_id id, const char *text)
{
    ASSERT(id != 0);
    if (self->count == LIVE_NAMES_MAX)
        return;
    if (2 * self->count >= self->max)
        make_room(self, self->max * 2);
    struct name *name = name_slot(self, id);
    self->count += name->id == 0;
    name->id = id;
    for (unsigned i = 0; i < DIGIT_BYTES; i++)
        name->digits[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
}

bool live_names_text(const struct live_names *self, activation_id id, char ret_text[33])
{
    static const char digits[] = "0123456789abcdef";
    const struct name *name = name_slot(self, id);
    if (name->id == 0)
        return false;
    for (unsigned i = 0; i < DIGIT_BYTES; i++) {
        ret_text[2 * i] = digits[name->digits[i] >> 4];
        ret_text[2 * i + 1] = digits[name->digits[i] & 15];
    }
    ret_text[2 * DIGIT_BYTES] = '\0';
    return true;
}
