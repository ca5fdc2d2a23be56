#pragma once
/* procedure_internal.h - shared by procedure_schema.c (tables) and procedure.c. */
#include "scenario/procedure.h"

struct step_draft { /* a step while it is read; read_ignore and read_until rely on step first */
    struct step step;
    const char *invoke_action;
};

extern const struct schema procedure_file_schema, procedure_step_schema;

/* What one row cannot say: keys that go together, names that must be known. */
int procedure_check_step(struct reader *r, const struct procedure_section *section,
                         uint32_t index, const struct tree_node *node);
