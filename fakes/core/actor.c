/*
 * actor.c - names of actor kinds.
 */
#include "core/actor.h"

_Static_assert(ACTOR_KIND_COUNT <= 64, "an actor kind has 6 bits");
NAMES_DEFINE(actor, ACTOR_LIST)
