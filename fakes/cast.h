#pragma once
/*
 * cast.h - node kind -> machine_ops. cast.c is the one file that includes every component.
 */
#include "core/machine.h"

const struct machine_ops *cast_ops(enum node_kind kind);
