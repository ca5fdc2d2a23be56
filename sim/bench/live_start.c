/*
 * live_start.c - how long a served cluster takes until it answers, and until it works.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/live_bench.h"
#include "wire/wire.h"

#define PATIENCE_S 30.0
#define PAUSE_US 2000
#define BUDGET_S 6.0

static const char start_text[] =
    "why: a benchmark\n"
    "hosts: [sim, live]\n"
    "cluster: { controllers: 2, schedulers: 2, invokers: 3 }\n"
    "namespaces: { guest: { invocations-per-minute: 1000000 } }\n"
    "actions: { guest/a: { memory: 128MB, init: 100ms, run: 20ms } }\n"
    "load:\n"
    "  - { action: guest/a, arrivals: every 1h, from: 1h, for: 1h, blocking: true }\n"
    "expect: pass\n";

static bool is_late(const struct live_served *served)
{
    return live_wall() - served->started > PATIENCE_S;
}

static bool answers(const struct live_served *served, const char *url)
{
    char body[256];
    while (url != NULL && !is_late(served)) {
        if (live_request(url, "GET", "/ping", "", body, sizeof body) == 200)
            return true;
        (void)usleep(PAUSE_US);
    }
    return false;
}

/* Seconds since its start when every port has answered; 0: one did not. */
static double all_answer(const struct live_served *served)
{
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(served->cluster, "nodes"), index, entry)
    {
        if (!answers(served, json_string_value(json_object_get(entry, "url"))))
            return 0;
    }
    if (!answers(served, json_string_value(json_object_get(served->cluster, "edge"))))
        return 0;
    return live_wall() - served->started;
}

static bool invokers_are_up(const struct live_served *served)
{
    char body[1024];
    unsigned up = 0;
    const char *url = live_served_url(served, "controller0");
    if (live_request(url, "GET", "/invokers", "", body, sizeof body) != 200)
        return false;
    for (const char *at = body; (at = strstr(at, "\"up\"")) != NULL; at++)
        up++;
    return up == 3;
}

static bool credentials(const struct live_served *served, char *ret_header, size_t size)
{
    const json_t *guest =
        json_object_get(json_object_get(served->cluster, "namespaces"), "guest");
    const char *user = json_string_value(json_object_get(guest, "uuid"));
    const char *key = json_string_value(json_object_get(guest, "key"));
    if (user == NULL || key == NULL)
        return false;
    char both[128];
    struct wire_buffer text = {0};
    int length = snprintf(both, sizeof both, "%s:%s", user, key);
    wire_buffer_base64(&text, (struct wire_text){both, (size_t)length});
    snprintf(ret_header, size, "Authorization: Basic %.*s\r\n", (int)text.length, text.bytes);
    wire_buffer_free(&text);
    return true;
}

/* Seconds since its start when the invokers are up and an activation was answered; 0: never. */
static double works(const struct live_served *served)
{
    char header[256], body[1024];
    if (!credentials(served, header, sizeof header))
        return 0;
    const char *edge = json_string_value(json_object_get(served->cluster, "edge"));
    while (live_request(edge, "POST", "/api/v1/namespaces/_/actions/a?blocking=true", header,
                        body, sizeof body) != 200) {
        if (is_late(served))
            return 0;
        (void)usleep(PAUSE_US);
    }
    while (!invokers_are_up(served)) {
        if (is_late(served))
            return 0;
        (void)usleep(PAUSE_US);
    }
    return live_wall() - served->started;
}

int bench_live_start(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX], ports[BENCH_RUNS_MAX];
    (void)shrink; /* it is one start, however small */
    *result = (struct bench_result){.name = "live-start", .unit = "seconds"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        struct live_served served;
        if (!live_served_begin(&served, start_text))
            return -1;
        ports[i] = all_answer(&served);
        ours[i] = works(&served);
        reference[i] = BUDGET_S;
        live_served_end(&served);
        if (ports[i] > 0 && ours[i] > 0)
            continue;
        fprintf(stderr, "%s\n", ports[i] == 0 ? "a port did not answer" : "it did not work");
        return -1;
    }
    bench_finish(result, ours, reference, runs);
    snprintf(
        result->note, sizeof result->note,
        "every port answered /ping after %.0f ms (budget 200); the reference is the budget",
        bench_median(ports, runs) * 1000);
    return 0;
}
