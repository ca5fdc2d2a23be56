/*
 * fuzz_scenario.c - whatever bytes come, the readers of scenarios and procedures return: with a
 * result, or with one line of error.
 *
 * Built with -DWITH_LIBFUZZER -fsanitize=fuzzer it is a libFuzzer target; else main mutates
 * the seeds below, as many times as its first argument says.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenario/procedure.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_error(int result, const struct errmsg *err)
{
    if (result == 0)
        return;
    assert(result > -(int)ERR_COUNT && err_exit(result) == 2);
    assert(err->text[0] != '\0' && strchr(err->text, '\n') == NULL);
    assert(strstr(err->text, "expected") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const sets[] = {"cluster.invokers=2"};
    struct scenario_options options = {.sets = sets, .set_count = length % 2};
    struct scenario scenario;
    struct errmsg err = {{0}};
    char *text = malloc(length + 1); /* exact size: a read past the end shows */
    assert(text != NULL);
    memcpy(text, bytes, length);
    text[length] = '\0';
    int result = scenario_read_bytes("x.yaml", text, length, &options, &scenario, &err);
    check_error(result, &err);
    if (result == 0)
        scenario_release(&scenario);
    struct region *region = region_new();
    struct procedure_file *file;
    memset(&err, 0, sizeof err);
    check_error(procedure_read_bytes(region, "p.yaml", text, length, &file, &err), &err);
    region_free(region);
    free(text);
    return 0;
}

#ifndef WITH_LIBFUZZER

static const char *const seeds[] = {
    "why: x\nseed: 7\nhosts: [sim, live]\ncluster: { controllers: 2, schedulers: 3, invokers: "
    "3, from: "
    "head, to: head, profile: ansible, bugs: { all: fixed, lost-creation-id: old } }\nconfig: "
    "{ whisk.scheduler.queue.idle-grace: 20s }\ntiming: { restart.controller: 15s .. 25s, "
    "scale: 1/3 }\n"
    "namespaces:\n  guest: { invocations-per-minute: 1000, concurrent-invocations: 100 "
    "}\nactions:\n"
    "  guest/hello: { memory: 256MB, init: 150ms, run: { p50: 40ms, p99: 400ms }, fails: 1/100 "
    "}\n"
    "load:\n  - { action: guest/hello, arrivals: poisson 50/s, from: 0s, for: 8m, blocking: "
    "true }\n"
    "budget: { schedulers: 1 }\nchecks: { latency.p99: { below: 5s } }\n"
    "expect: { violates: [latency], because: C9 }\n",
    "why: y\ndeploy:\n  - { at: 30s, roll: schedulers, procedure: upstream, serial: 1 }\n"
    "  - { roll: [invoker0, invoker2], procedure: upstream, order: reverse, after: 5s }\n"
    "faults:\n  - { during: scheduler0.drain, kafka.delay: 300ms, for: 10s }\n"
    "  - { at: 1s, kill: scheduler0 }\n"
    "  - { answer: { node: schedulers, route: \"GET /activation/count\", bodies: [\"3\", "
    "\"0\"] } }\n"
    "variants:\n  a: { bugs: { lost-creation-id: old }, expect: pass }\n  b: { expect: pass "
    "}\n",
    "why: z\ninvokers:\n  serial: 1\n  switches: { s: true }\n  steps:\n"
    "    - { name: drain, do: request, method: GET, path: /pool/count, auth: own, until: { "
    "body: \"0\","
    " json-not-empty: true, lacks: x }, retries: 180, delay: 5s, ignore-errors: s, when: s }\n"
    "    - { name: stop, do: stop, when: { step: drain, has: up } }\n"
    "    - { name: sleep, do: sleep, delay: 1.5s }\n",
};
static const char *const words[] = {"---\n", "&a ",  "*a",   "!!x ",
                                    "[[[[",  "{a: ", "\t",   "\"",
                                    "\\x00", "- ",   ": ",   "99999999999999999999",
                                    "-1",    "..",   "1/0",  "true",
                                    "? ",    "\n",   "'",    "#",
                                    "|\n",   ">\n",  "<<: ", "%YAML 1.2\n",
                                    "\xff",  "\xc3"};

static uint64_t state = 88172645463325252u;
static uint32_t below(uint32_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % bound;
}

#define INPUT_MAX 6000u

static size_t mutate(char *text, size_t length)
{
    for (uint32_t times = 1 + below(4); times > 0 && length > 1; times--) {
        uint32_t at = below((uint32_t)length);
        const char *word = words[below(sizeof words / sizeof words[0])];
        size_t size = strlen(word), cut = below(40);
        switch (below(4)) {
        case 0:
            text[at] = (char)below(256);
            break;
        case 1:
            if (length + size >= INPUT_MAX)
                break;
            memmove(text + at + size, text + at, length - at);
            memcpy(text + at, word, size);
            length += size;
            break;
        case 2:
            cut = cut > length - at ? length - at : cut;
            memmove(text + at, text + at + cut, length - at - cut);
            length -= cut;
            break;
        default: /* a piece of it once more, somewhere else */
            cut = cut > length - at ? length - at : cut;
            if (length + cut >= INPUT_MAX)
                break;
            memcpy(text + length, text + at, cut);
            length += cut;
            break;
        }
    }
    return length;
}

int main(int argc, char **argv)
{
    static char text[INPUT_MAX + 64];
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 4000;
    for (unsigned long i = 0; i < runs; i++) {
        const char *seed = seeds[i % (sizeof seeds / sizeof seeds[0])];
        size_t length = strlen(seed);
        memcpy(text, seed, length);
        length = mutate(text, length);
        LLVMFuzzerTestOneInput((const uint8_t *)text, length);
    }
    printf("%lu inputs\n", runs);
    return 0;
}

#endif
