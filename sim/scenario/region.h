#pragma once
/*
 * region.h - heap memory of one reading: many small pieces, given back by one call.
 */
#include <stdarg.h>
#include <stddef.h>

struct region;

struct region *region_new(void);
void region_free(struct region *self); /* NULL is allowed */
/* Zeroed, aligned for any type. Aborts when the machine has no memory left. */
void *region_alloc(struct region *self, size_t size);
void *region_array(struct region *self, size_t count, size_t size);
char *region_text(struct region *self, const char *text, size_t length); /* NUL added */
char *region_printf(struct region *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
