#pragma once
/*
 * etcd_endpoint.h - an etcd that is asked over its JSON gateway: the machine driven by hand in
 * virtual time, or whatever listens at a URL.
 *
 * Answers come back as text, "200 json {...}"; the lines of a watch are collected until they
 * are read. Whoever listens, only one client speaks with it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETCD_STREAMS_MAX 16u

struct etcd_endpoint;

struct etcd_text_out { /* grows on the heap, NUL-terminated; zeroed at first */
    char *text;
    size_t length, size;
};
void etcd_text_add(struct etcd_text_out *self, const char *text, size_t length);
void etcd_text_clear(struct etcd_text_out *self);
void etcd_text_free(struct etcd_text_out *self);

struct etcd_endpoint *etcd_endpoint_by_hand(void);
struct etcd_endpoint *etcd_endpoint_url(const char *url); /* copied; "http://127.0.0.1:2379" */
bool etcd_endpoint_is_by_hand(const struct etcd_endpoint *self); /* all it sends is there */
void etcd_endpoint_free(struct etcd_endpoint *self);

/* method "POST", "GET" ...; a call that is never answered ends after some seconds, "0 ". */
void etcd_endpoint_call(struct etcd_endpoint *self, const char *method, const char *path,
                        const char *body, struct etcd_text_out *answer);
/* A watch stream with this number, from 0; the number must be free. */
void etcd_endpoint_watch(struct etcd_endpoint *self, unsigned stream, const char *body);
/* The lines that came since the last call; waits until there are `wanted`, at most wait_ms, and
 * grace_ms more for those that are too many. Returns how many. */
unsigned etcd_endpoint_lines(struct etcd_endpoint *self, unsigned stream, unsigned wanted,
                             unsigned wait_ms, unsigned grace_ms, struct etcd_text_out *lines);
/* Until its first line has come; it stays to be read. */
void etcd_endpoint_await(struct etcd_endpoint *self, unsigned stream, unsigned wait_ms);
void etcd_endpoint_close(struct etcd_endpoint *self, unsigned stream); /* free: nothing */
void etcd_endpoint_sleep(struct etcd_endpoint *self, unsigned ms);

/* A process of Debian's etcd on loopback, its data in a folder of its own. */
struct etcd_process {
    int pid; /* 0: none */
    char folder[64], url[64];
};
/* False with a line of reason. */
bool etcd_process_start(struct etcd_process *self, char *ret_reason, size_t size);
void etcd_process_stop(struct etcd_process *self);
