#pragma once
/*
 * etcd_ops.h - one list of what a client can ask of an etcd, in the order in which it is asked.
 *
 * Bodies are written short: 'text' stands for the base64 of the text ("~" in it for byte 0,
 * "^" for byte 255), ` for ", $n for revision n counted as if the store had been empty.
 */
#include <stddef.h>

enum etcd_do {
    ETCD_DO_POST,
    ETCD_DO_GET,   /* or the method that the body names */
    ETCD_DO_WATCH, /* open stream `number` */
    ETCD_DO_READ,  /* what came on it meanwhile */
    ETCD_DO_CLOSE,
    ETCD_DO_SLEEP /* `number` milliseconds */
};
struct etcd_do_op {
    enum etcd_do what;
    unsigned number; /* POST: 1: the id of a lease in the answer is the server's own choice */
    const char *path, *body;
};
extern const struct etcd_do_op etcd_ops_list[];
extern const size_t etcd_ops_count;
