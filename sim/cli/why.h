#pragma once
/*
 * why.h - the trail of a run's folder, for `why` and for a run that just failed.
 */
#include <stdio.h>

/* about: an activation (its 32 hex digits, or the first few), a check, or NULL: the first
 * violation. Returns an exit code; what is wrong goes to stderr in one line. */
int why_print(const char *directory, const char *about, FILE *out);
