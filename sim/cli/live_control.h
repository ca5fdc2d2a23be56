#pragma once
/*
 * live_control.h - the address at which a served cluster takes what a deploy tool would ask of
 * docker: stop, start, restart, kill a node; take a controller out of the edge; disable a node.
 *
 *   GET  /cluster                  what cluster.json says
 *   GET  /nodes                    {"scheduler0":"up",...}
 *   POST /nodes/NAME/OPERATION     answered when it is done: {"node","operation","ok","state"}
 *
 * All want `Authorization: Bearer TOKEN`. A start is done when the process begins to boot, as
 * `docker run` is; whoever wants to know that it listens asks its /ping.
 */
#include "cli/live_files.h"

struct live_control;

/* Listens on a free port of the loopback; files: gets address and token. NULL with err. */
struct live_control *live_control_new(struct host *host, struct live_files *files,
                                      struct errmsg *err);
void live_control_free(struct live_control *self);
