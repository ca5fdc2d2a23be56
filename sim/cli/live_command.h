#pragma once
/*
 * live_command.h - commands of a target file: child processes beside the loop, which never
 * waits for them.
 */
#include "live/loop.h"
#include "scenario/target.h"

struct live_commands;

struct live_commands *live_commands_new(struct loop *loop, const struct target *target);
/* What still runs is killed, without a word. NULL is allowed. */
void live_commands_free(struct live_commands *self);
/* done is called once, from a turn of the loop. False: the target has no such command, or no
 * process could be made (which was said). */
bool live_commands_begin(struct live_commands *self, node_id node, enum target_command which,
                         void *context, void (*done)(void *context, bool ok));
