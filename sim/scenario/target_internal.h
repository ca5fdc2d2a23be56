#pragma once
/*
 * target_internal.h - a target while it is read.
 */
#include "scenario/scenario_internal.h"
#include "scenario/target.h"

struct target_draft {
    struct draft draft; /* first: readers of scenario sections take it for one */
    struct target *target;
    const struct target_options *options;
};

extern const struct schema target_schema, target_edge_schema, target_credentials_schema,
    target_login_schema, target_tls_schema, target_commands_schema, target_observe_schema,
    target_namespace_schema;

/* ---- target_sections.c ---- */
schema_read_fn target_read_edge, target_read_controllers, target_read_schedulers,
    target_read_invokers, target_read_tls, target_read_commands, target_read_observe;
/* ---- target_secrets.c ---- */
schema_read_fn target_read_credentials, target_read_namespaces;
void target_print_reference(FILE *out);
