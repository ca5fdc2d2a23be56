#pragma once
/*
 * loop.h - the one loop of a live run: file descriptors, and parts that want a turn.
 *
 * One epoll_wait per turn. A part (a HTTP daemon, the clients, the host) says how long it can
 * wait and is called once in each turn, after the descriptors' functions. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#define LOOP_FOREVER INT64_MAX

struct loop;
typedef void (*loop_fd_fn)(void *context, int fd, uint32_t events); /* EPOLLIN, ... */

struct loop_part {
    void *context;
    int64_t (*wait_ns)(void *context); /* how long it can do without a turn; <= 0: not at all */
    void (*turn)(void *context);
};

struct loop *loop_new(void); /* NULL: no descriptors left */
void loop_free(struct loop *self); /* asserts that nothing is watched any more */
uint64_t loop_now_ns(void);        /* CLOCK_MONOTONIC */

/* Add or change; 0 or -errno. */
int loop_watch(struct loop *self, int fd, uint32_t events, loop_fd_fn fn, void *context);
void loop_unwatch(struct loop *self, int fd); /* also inside of a function of the loop */
void loop_add_part(struct loop *self, const struct loop_part *part); /* borrowed */
void loop_remove_part(struct loop *self, const struct loop_part *part);

/* One turn; waits for at most wait_ns. */
void loop_turn(struct loop *self, int64_t wait_ns);
