#pragma once
/*
 * served_stores.h - our etcd and our broker on sockets, and nothing else, in a process of their
 * own: what a parity test asks beside a real one.
 */
#include <stdbool.h>
#include <sys/types.h>

struct served_stores {
    pid_t pid;
    char etcd_url[128], bootstrap[128];
};

/* Ends by itself after two minutes. False: no process, no port. */
bool served_stores_start(struct served_stores *self);
void served_stores_stop(struct served_stores *self);
