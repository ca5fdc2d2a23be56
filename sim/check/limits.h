#pragma once
/*
 * limits.h - whether the load itself reached the limits that a scenario sets, so that a 429 is
 * the scenario's doing and not a failure.
 *
 * Per namespace and controller the requests of a calendar minute (each controller counts for
 * itself, RateThrottler.scala:60-86 at 1fae641a2), per namespace and per action the most
 * activations in flight and the most containers at once in this minute and the one before.
 * Containers as they really are: a limit that only a queue's wrong book-keeping reaches does
 * not excuse a 429.
 */
#include "core/arena.h"
#include "core/cluster.h"
#include "core/record.h"
#include <stdbool.h>

struct limits;

struct limits *limits_new(struct arena *arena, const struct cluster *cluster);
/* A request reached a controller, whatever it then did with it. */
void limits_request(struct limits *self, const struct record *r);
void limits_activation(struct limits *self, tstamp at, namespace_id ns, action_id action,
                       bool begins);
/* Of an action now. */
uint32_t limits_in_flight(const struct limits *self, action_id action);
void limits_container(struct limits *self, tstamp at, namespace_id ns, action_id action,
                      bool begins);
/* controller: NODE_NONE when not known (any). */
bool limits_reached(const struct limits *self, tstamp at, namespace_id ns, action_id action,
                    node_id controller);
