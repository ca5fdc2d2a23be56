/* cast.c - the one file that includes every component. */
#include "cast.h"
#include "client/client.h"
#include "controller/controller.h"
#include "database/database.h"
#include "deployer/deployer.h"
#include "edge/edge.h"
#include "etcd/etcd.h"
#include "invoker/invoker.h"
#include "kafka/kafka.h"
#include "scheduler/scheduler.h"

const struct machine_ops *cast_ops(enum node_kind kind)
{
    static const struct machine_ops *const ops[NODE_KIND_COUNT] = {
        [NODE_CLIENT] = &client_ops,
        [NODE_EDGE] = &edge_ops,
        [NODE_CONTROLLER] = &controller_ops,
        [NODE_SCHEDULER] = &scheduler_ops,
        [NODE_INVOKER] = &invoker_ops,
        [NODE_KAFKA] = &kafka_ops,
        [NODE_ETCD] = &etcd_ops,
        [NODE_DATABASE] = &database_ops,
        [NODE_DEPLOYER] = &deployer_ops,
    };
    return ops[kind];
}
