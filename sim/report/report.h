#pragma once
/*
 * report.h - the three forms of a result. None keeps anything; all may be called repeatedly.
 */
#include <stdio.h>
#include "report/result.h"

/* result.json, schema `rollcage.result/1` (docs/result.schema.json). Returns 0, or -1 and
 * errno when it cannot be written. The file form writes beside and renames. */
int report_json_write(const struct result *result, FILE *out);
int report_json_file(const struct result *result, const char *path);
/* A JSON array of results on one stream (`test --json`). */
int report_json_suite(const struct result *const *results, uint32_t count, FILE *out);

/* A new JSON text; what is no UTF-8 in it is shown as '?': texts are user data. */
struct json_t *report_json_string(const char *text);

/* What `why` needs of a result.json. */
struct report_finding {
    char check[40];
    char activation[33]; /* "" none */
    char node[24];
    char text[CHECK_TEXT_SIZE];
    int64_t at_ns;
    uint64_t seq;
};
/*
 * The first violation in the file, or the first of `check` when not NULL.
 * Returns 1 found, 0 none, -1 unreadable or not a result (errmsg says which).
 */
int report_json_finding(const char *path, const char *check, struct report_finding *ret,
                        char *errmsg, size_t size);

/* One screen: what happened, checks, deploy steps, failures by step, how to look closer. */
void report_text(const struct result *result, FILE *out);
/* One line, for suites and searches. */
void report_text_line(const struct result *result, FILE *out);

/* JUnit XML of a suite: a failed test case is a result that was not expected. 0, or -1. */
int report_junit(const struct result *const *results, uint32_t count, FILE *out);
