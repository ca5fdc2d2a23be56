/*
 * loop.c - see loop.h.
 */
#include "live/loop.h"
#include "core/assert.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define PARTS_MAX 64u

struct watch { /* by descriptor */
    loop_fd_fn fn;
    void *context;
    uint32_t number; /* tells a new watch of this descriptor from a former one */
};

struct loop {
    int epoll_fd;
    struct watch *watches;
    uint32_t watch_max, watch_count, numbers;
    const struct loop_part *parts[PARTS_MAX];
    uint32_t part_count;
};

struct loop *loop_new(void)
{
    struct loop *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll_fd < 0) {
        free(self);
        return NULL;
    }
    return self;
}

void loop_free(struct loop *self)
{
    ASSERT_OP(self->watch_count, ==, 0);
    ASSERT_OP(self->part_count, ==, 0);
    close(self->epoll_fd);
    free(self->watches);
    free(self);
}

uint64_t loop_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int make_room(struct loop *self, uint32_t fd)
{
    if (fd < self->watch_max)
        return 0;
    uint32_t max = self->watch_max == 0 ? 64 : self->watch_max;
    while (max <= fd)
        max *= 2;
    struct watch *watches = realloc(self->watches, max * sizeof *watches);
    if (watches == NULL)
        return -ENOMEM;
    for (uint32_t i = self->watch_max; i < max; i++)
        watches[i] = (struct watch){0};
    self->watches = watches;
    self->watch_max = max;
    return 0;
}

int loop_watch(struct loop *self, int fd, uint32_t events, loop_fd_fn fn, void *context)
{
    ASSERT(fd >= 0 && fn != NULL);
    int error = make_room(self, (uint32_t)fd);
    if (error != 0)
        return error;
    struct watch *watch = &self->watches[fd];
    bool is_new = watch->fn == NULL;
    if (is_new)
        watch->number = ++self->numbers;
    struct epoll_event event = {.events = events,
                                .data.u64 = (uint64_t)watch->number << 32 | (uint32_t)fd};
    if (epoll_ctl(self->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
        return -errno;
    self->watch_count += is_new;
    watch->fn = fn;
    watch->context = context;
    return 0;
}

void loop_unwatch(struct loop *self, int fd)
{
    if (fd < 0 || (uint32_t)fd >= self->watch_max || self->watches[fd].fn == NULL)
        return;
    self->watches[fd] = (struct watch){0};
    self->watch_count--;
    (void)epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* it may be closed already */
}

void loop_add_part(struct loop *self, const struct loop_part *part)
{
    ASSERT_OP(self->part_count, <, PARTS_MAX);
    self->parts[self->part_count++] = part;
}

void loop_remove_part(struct loop *self, const struct loop_part *part)
{
    for (uint32_t i = 0; i < self->part_count; i++) {
        if (self->parts[i] != part)
            continue;
        self->parts[i] = self->parts[--self->part_count];
        return;
    }
}

static int wait_ms(struct loop *self, int64_t wait_ns)
{
    for (uint32_t i = 0; i < self->part_count && wait_ns > 0; i++) {
        int64_t part_ns = self->parts[i]->wait_ns(self->parts[i]->context);
        if (part_ns < wait_ns)
            wait_ns = part_ns;
    }
    if (wait_ns <= 0)
        return 0;
    /* Rounded up: a part that is woken too early would spin until it is due. */
    int64_t ms = wait_ns / 1000000 + (wait_ns % 1000000 != 0);
    return ms > 1000 ? 1000 : (int)ms;
}

void loop_turn(struct loop *self, int64_t wait_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(self->epoll_fd, events, EVENTS_MAX, wait_ms(self, wait_ns));
    for (int i = 0; i < count; i++) {
        uint32_t fd = (uint32_t)events[i].data.u64;
        struct watch *watch = fd < self->watch_max ? &self->watches[fd] : NULL;
        if (watch == NULL || watch->fn == NULL || watch->number != events[i].data.u64 >> 32)
            continue; /* unwatched by a function before it */
        watch->fn(watch->context, (int)fd, events[i].events);
    }
    for (uint32_t i = 0; i < self->part_count; i++)
        self->parts[i]->turn(self->parts[i]->context);
}
