/*
 * report_junit.c - a suite as JUnit XML: one test case per result; what was not expected is a
 * failure, what could not be decided an error.
 */
#include "core/tstamp.h"
#include "report/report.h"
#include <inttypes.h>
#include <string.h>

/* Text and attribute values: what XML 1.0 does not allow is shown as '?'. */
static void print_xml(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            (void)fputs("&amp;", out);
        else if (c == '<')
            (void)fputs("&lt;", out);
        else if (c == '>')
            (void)fputs("&gt;", out);
        else if (c == '"')
            (void)fputs("&quot;", out);
        else
            (void)fputc((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f ? '?' : c, out);
    }
}

static void print_attribute(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, " %s=\"", name);
    print_xml(out, text);
    (void)fputc('"', out);
}

static void print_time(FILE *out, uint64_t ns)
{
    (void)fprintf(out, " time=\"%" PRIu64 ".%03" PRIu64 "\"", ns / SEC(1),
                  ns % SEC(1) / MSEC(1));
}

/* The folder of a path, or "scenario". */
static void folder_of(const char *path, char *text, size_t size)
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(text, size, "%.*s", slash == NULL ? 8 : (int)(slash - path),
                   slash == NULL ? "scenario" : path);
}

static void print_trouble(FILE *out, const struct result *result)
{
    const char *element = result->verdict == RESULT_INCONCLUSIVE ? "error" : "failure";
    const char *type = result->verdict == RESULT_INCONCLUSIVE    ? "inconclusive"
                       : result_failed_checks(result, false) > 0 ? "safety"
                       : result_failed_checks(result, true) > 0  ? "liveness"
                                                                 : "expectation";
    (void)fprintf(out, "   <%s", element);
    print_attribute(out, "type", type);
    print_attribute(out, "message", result->reason);
    (void)fputc('>', out);
    for (uint32_t i = 0; i < result->check_count; i++) {
        const struct result_check *check = &result->checks[i];
        if (check->verdict != CHECK_FAIL || check->example_count == 0)
            continue;
        (void)fprintf(out, "\n%s (%" PRIu64 "): ", check->name, check->violation_count);
        print_xml(out, check->violations[0].text);
    }
    (void)fputc('\n', out);
    print_xml(out, result->reproduce);
    (void)fprintf(out, "\n   </%s>\n", element);
}

static void print_case(FILE *out, const struct result *result)
{
    char folder[RESULT_PATH_SIZE], name[2 * RESULT_PATH_SIZE];
    const char *slash = strrchr(result->scenario, '/');
    folder_of(result->scenario, folder, sizeof folder);
    (void)snprintf(name, sizeof name, "%s%s%s%s seed %" PRIu64,
                   slash == NULL ? result->scenario : slash + 1,
                   result->variant[0] == '\0' ? "" : " [", result->variant,
                   result->variant[0] == '\0' ? "" : "]", result->seed);
    (void)fputs("  <testcase", out);
    print_attribute(out, "classname", folder);
    print_attribute(out, "name", name);
    print_time(out, result->wall_ns);
    if (result->expected) {
        (void)fputs("/>\n", out);
        return;
    }
    (void)fputs(">\n", out);
    print_trouble(out, result);
    (void)fputs("  </testcase>\n", out);
}

int report_junit(const struct result *const *results, uint32_t count, FILE *out)
{
    uint32_t failures = 0, errors = 0;
    uint64_t wall_ns = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_error = results[i]->verdict == RESULT_INCONCLUSIVE;
        errors += !results[i]->expected && is_error;
        failures += !results[i]->expected && !is_error;
        wall_ns += results[i]->wall_ns;
    }
    (void)fprintf(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite "
                  "name=\"rollcage\" tests=\"%" PRIu32 "\" failures=\"%" PRIu32
                  "\" errors=\"%" PRIu32 "\"",
                  count, failures, errors);
    print_time(out, wall_ns);
    (void)fputs(">\n", out);
    for (uint32_t i = 0; i < count; i++)
        print_case(out, results[i]);
    (void)fputs(" </testsuite>\n</testsuites>\n", out);
    return fflush(out) != 0 || ferror(out) != 0 ? -1 : 0;
}
