#pragma once
/* database_internal.h - what database.c and database_store.c share. */
#include "common/common.h"
#include "common/slab.h"
#include "database/database.h"
#include "database/documents.h"
#include "database/recent.h"
#include "database/records.h"

enum database_timer { DATABASE_TIMER_READ = TIMER_COMPONENT, DATABASE_TIMER_BATCH };

struct database_read {
    struct slab_item item;
    struct timer timer;
    struct message request;
};

struct database {
    struct records records; /* durable, as the two below */
    struct documents documents;
    struct recent recent;

    const struct machine_env *env;
    struct timers timers;
    struct slab reads;
    struct message *batch; /* stores that wait for the write, in the order they came */
    uint32_t batch_count, batch_max;
    uint64_t batch_number; /* of this incarnation, for draws */
    struct timer batch_timer;
};

void database_store_on_request(struct database *self, const struct message *m,
                               struct effects *fx);
void database_store_on_link(struct database *self, const struct event *ev);
void database_store_on_timer(struct database *self, struct effects *fx);
