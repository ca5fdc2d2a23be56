#pragma once
/*
 * live_files.h - what a deploy tool reads to find a cluster that is served.
 *
 *   cluster.json   endpoints, credentials, control address and token: `ctl` reads it
 *   cluster.env    the same as shell variables: ROLLCAGE_CONTROLLER0_URL=...
 *   inventory.ini  the same as an Ansible inventory, with upstream's groups
 */
#include "live/host_live.h"
#include "scenario/scenario.h"

#define LIVE_TOKEN_SIZE 41

struct live_files {
    const struct scenario *scenario;
    const struct host *host;
    char control_url[64], token[LIVE_TOKEN_SIZE];
};

/* As JSON, new reference, or NULL when memory is short. */
struct json_t *live_files_json(const struct live_files *self);
/* Write all three (inventory NULL: DIR/inventory.ini). 0, or ERR_ENVIRONMENT. */
int live_files_write(const struct live_files *self, const char *directory,
                     const char *inventory, struct errmsg *err);
/* Set the variables of cluster.env in this process's environment (for a child). */
void live_files_export(const struct live_files *self, const char *directory);

/* What `ctl` needs of a cluster.json. */
struct live_cluster_file {
    char control_url[64], token[LIVE_TOKEN_SIZE];
};
int live_files_read(const char *path, struct live_cluster_file *ret, struct errmsg *err);
