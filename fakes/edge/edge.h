#pragma once
/*
 * edge.h - nginx in front of the controllers: an upstream list, its failures, its file.
 *
 *   request:  PICKED --refused--> next server ... --none left--> 502
 *                \--sent--> answered | broken: 502 (POST) or next server | 75 s: 504 or next
 *   edit:     START --drawn--> file read --the window, drawn--> file written, reload
 *
 * Servers take turns. A failed attempt makes a server unavailable for `fail_timeout`; then one
 * request tries it, and if that is answered it is back. A single server is never unavailable.
 * When every server is unavailable the answer is 502 at once, without an attempt: the version
 * in use has no "quick recovery" (tried with nginx 1.22.1).
 *
 * The list lies in a file. An edit reads the file and later writes it whole; two edits at once
 * can cross, and the later write undoes the earlier: the window `edge.window`, between the two.
 * A reload with no server listed is refused and the running configuration stays; the file stays
 * as it was written. Requests that old workers hold are finished: a reload touches none.
 *
 * Durable: the file, and what ran last (to record what a restart changes).
 * Files: edge.c (events), edge_call.c (requests), edge_upstream.c (turns, failures),
 * edge_file.c (edits).
 * Source: ansible/roles/nginx/templates/nginx.conf.j2:22-157 and
 * ansible/roles/controller/tasks/deploy.yml:377-383, 508-515 at 1fae641a2; nginx 1.22.1,
 * ngx_http_upstream_round_robin.c, ngx_http_upstream_next; deviations: docs/fidelity.md#edge.
 */
#include "core/machine.h"

/* All requests that a controller holds break at once: a record or an answer each. */
#define EDGE_EFFECTS_MAX (1u << 20)

struct edge_config {
    uint64_t fail_timeout; /* ns */
    uint64_t max_fails;
    uint64_t read_timeout;    /* ns */
    uint64_t edit_start_max;  /* ns; until the command on the edge host reads the file */
    uint64_t edit_window_max; /* ns; from the read to the write */
};

extern const struct machine_ops edge_ops;
