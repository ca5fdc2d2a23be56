#pragma once
/*
 * live_bench.h - benchmarks of the live host; compiled with it only (WITH_LIVE).
 *
 * Each returns 0, -1 when a side failed (a line on stderr says how), or BENCH_ABSENT when a
 * tool it needs is not installed. The cluster is a `rollcage serve` of its own, so that load,
 * server and reference are processes of their own; live-activations alone runs in this one.
 */
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bench/bench.h"

/* Requests a second of a controller's /ping (ours) and of a bare libmicrohttpd hello, load from
 * wrk. At least 0.8. */
int bench_live_route(struct bench_result *result, unsigned runs, unsigned shrink);
/* The same route with 10,000 connections: each answer delayed by 50 ms (ours), and not. At
 * least 0.8. */
int bench_live_10k(struct bench_result *result, unsigned runs, unsigned shrink);
/* Activations a second of a closed loop over HTTP, the Kafka protocol and etcd, after a
 * warm-up, load and checks included (ours), against the budget of 3000: nothing bare does the
 * same. */
int bench_live_activations(struct bench_result *result, unsigned runs, unsigned shrink);
/* Seconds from the start of the process until the invokers are up and the first activation is
 * answered (ours), against the budget of 6; the note says when every port answered. */
int bench_live_start(struct bench_result *result, unsigned runs, unsigned shrink);
/* Records a second, produced and consumed one behind the other, through our broker (ours) and
 * through librdkafka's mock cluster. */
int bench_live_topics(struct bench_result *result, unsigned runs, unsigned shrink);
/* Puts a second at the served etcd (ours) and at a real one with its file system's sync off. */
int bench_live_puts(struct bench_result *result, unsigned runs, unsigned shrink);

/* ---- live_served.c: what they share ---- */

struct live_served {
    pid_t pid;
    char directory[64];
    json_t *cluster; /* cluster.json */
    double started;  /* wall clock, seconds */
};
/* Serve a scenario from a folder of its own; its ports are bound when this returns. */
bool live_served_begin(struct live_served *self, const char *scenario);
void live_served_end(struct live_served *self);
/* URL of the node with this name; "" none. */
const char *live_served_url(const struct live_served *self, const char *node);

double live_wall(void);
/* Descriptors up to the hard limit; false: fewer than `wanted`, said on stderr. */
bool live_raise_descriptors(unsigned wanted);
/* The process ends when this one does. */
pid_t live_spawn(char *const *argv, const char *output);
void live_kill(pid_t pid);
/* A child that runs `serve`, which writes what it is reached at to the descriptor and never
 * returns. 0: it could not. */
pid_t live_child(void (*serve)(int fd), char *ret_where, size_t size);

struct live_wrk {
    const char *url, *script; /* script: of wrk, in Lua; NULL: plain GETs */
    unsigned connections, seconds;
};
/* 0, -1 (with a line on stderr) when a request failed, or BENCH_ABSENT. */
int live_wrk(const struct live_wrk *wrk, double *ret_rate);

/* One blocking request; the status, 0: none came. body: of the answer, cut. */
unsigned live_request(const char *url, const char *method, const char *path,
                      const char *headers, char *ret_body, size_t size);
