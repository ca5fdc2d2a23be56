#pragma once
/*
 * live_names.h - the ids that a cluster elsewhere gave to activations of ours. Up to
 * LIVE_NAMES_MAX of them (24 MiB); later ones are not kept.
 */
#include "core/ids.h"
#include <stdbool.h>

#define LIVE_NAMES_MAX (1u << 20)

struct live_names;

struct live_names *live_names_new(void);
void live_names_free(struct live_names *self); /* NULL is allowed */
/* text: 32 lower-case hex digits. */
void live_names_keep(struct live_names *self, activation_id id, const char *text);
/* False: none is known. */
bool live_names_text(const struct live_names *self, activation_id id, char ret_text[33]);
