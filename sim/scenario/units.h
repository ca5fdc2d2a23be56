#pragma once
/*
 * units.h - texts of a scenario as numbers: durations, sizes, ratios, rates. Exact: decimals
 * are kept to the last digit or refused, nothing is rounded, nothing overflows.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "core/draw.h"

/* All return false when the text is no such thing; then *ret is unchanged. */
bool units_count(const char *text, uint64_t *ret);
bool units_duration(const char *text, duration *ret);  /* ns us ms s m h; `0` needs none */
bool units_size(const char *text, uint64_t *ret);      /* B KB MB GB, of 1024 */
bool units_range(const char *text, struct range *ret); /* `15s .. 25s`, or one duration */
bool units_ratio(const char *text, struct ratio *ret); /* `1/100`, `5%`, `1` */
bool units_fraction(const char *text, uint64_t *ret);  /* the same and `0.5`, in ppm */
bool units_milli(const char *text, uint64_t *ret);     /* decimal, in thousandths */

void units_print_duration(char *text, size_t size, duration value);
void units_print_size(char *text, size_t size, uint64_t bytes);
