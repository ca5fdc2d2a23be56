#pragma once
/*
 * live_preflight.h - is the target there, and are its credentials right? Asked before any load
 * is sent: every instance's /ping, the admin routes of each tier that has credentials, each
 * namespace at the edge, each action.
 */
#include "live/http_client.h"
#include "scenario/target.h"

/* 0, or ERR_ENVIRONMENT with the first thing that is wrong. */
int live_preflight(const struct target *target, const struct http_tls *tls, struct errmsg *err);
