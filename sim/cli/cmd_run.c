/* cmd_run.c - run one scenario, or each variant of one, and say what came of it. */
#include "cli/cli.h"
#include "cli/live.h"
#include "cli/session.h"
#include "cli/why.h"
#include "report/report.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_command {
    struct session session;
    const char *path;
    bool has_seed, json, is_live;
    uint64_t seed;
    struct live_options live;
    char host_options[1024];
};

static void say_start(const struct scenario *scenario, bool is_live)
{
    fprintf(stderr, "rollcage %s: %s%s%s, hash %016" PRIx64 ", seed %" PRIu64 ", host %s\n",
            ROLLCAGE_VERSION, scenario->path, scenario->variant ? " variant " : "",
            scenario->variant ? scenario->variant : "", scenario->hash, scenario->seed,
            is_live ? "live" : "sim");
}

/* The steps during which most was failed or lost, most first; at most three. */
static void print_worst_steps(const struct result *result)
{
    const struct result_step *taken[3] = {0};
    for (unsigned n = 0; n < 3; n++) {
        for (uint32_t i = 0; i < result->step_count; i++) {
            const struct result_step *step = &result->steps[i];
            if (step->failed + step->lost == 0 || step == taken[0] || step == taken[1])
                continue;
            if (!taken[n] || step->failed + step->lost > taken[n]->failed + taken[n]->lost)
                taken[n] = step;
        }
        if (!taken[n])
            break;
        printf("    %" PRIu64 " during %s.%s (%" PRIu64 " s to ",
               taken[n]->failed + taken[n]->lost, taken[n]->instance, taken[n]->step,
               taken[n]->start_ns / SEC(1));
        if (taken[n]->end_ns == UINT64_MAX)
            printf("the end)\n");
        else
            printf("%" PRIu64 " s)\n", taken[n]->end_ns / SEC(1));
    }
    if (result->failed_outside + result->lost_outside > 0)
        printf("    %" PRIu64 " while no step was under way\n",
               result->failed_outside + result->lost_outside);
}

static void print_variant(const struct result *result)
{
    printf("%s: %" PRIu64 " activations accepted, %" PRIu64 " failed, %" PRIu64
           " lost, %" PRIu64 " turned away%s\n",
           result->variant, result->accepted, result->failed, result->lost, result->rejected,
           result->expected ? "" : "   <-- not the expected outcome");
    if (result->first_check < result->check_count) {
        const struct result_check *check = &result->checks[result->first_check];
        printf("  first: %s at %.3f s: %s\n", check->name,
               (double)check->violations[result->first_example].at_ns * 1e-9,
               check->violations[result->first_example].text);
        print_worst_steps(result);
        if (*result->look_closer)
            printf("  look closer: %s\n", result->look_closer);
    } else {
        printf("  every check held; %u of %u deployments ended well\n",
               result->deploys_ended - result->deploys_failed, result->deploys_started);
    }
    if (*result->reason)
        printf("  %s\n", result->reason);
    printf("\n");
}

static void print_trail(const struct result *result)
{
    if (result->expected || !*result->directory || *session_interrupted ||
        result->first_check >= result->check_count)
        return;
    printf("\n");
    why_print(result->directory, result->checks[result->first_check].name, stdout);
}

static int run_one(const struct run_command *command, const char *variant, bool in_table,
                   struct result *result)
{
    struct scenario scenario;
    struct errmsg err = {0};
    int status = session_read(&command->session, command->path, variant, command->has_seed,
                              command->seed, &scenario, &err);
    if (status == 0) {
        say_start(&scenario, command->is_live);
        struct session session = command->session;
        struct live_run *live = NULL;
        if (command->is_live) {
            live = live_run_new(&command->live, &scenario, NULL);
            session.host = live_run_host(live);
        }
        status = session_run(&session, &scenario, result, &err);
        live_run_free(live);
        scenario_release(&scenario);
    }
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(status);
    }
    if (!command->json) {
        if (in_table)
            print_variant(result);
        else
            report_text(result, stdout);
        print_trail(result);
    }
    return result->exit_code;
}

/* The last line of a run that failed. */
static void say_how_to_reproduce(const struct result *result)
{
    fflush(stdout);
    fprintf(stderr, "reproduce: %s\n", result->reproduce);
}

static int run_variants(const struct run_command *command, const struct scenario *scenario)
{
    struct result *results = calloc(scenario->variant_count, sizeof *results);
    const struct result **list = calloc(scenario->variant_count, sizeof *list);
    int status = EXIT_EXPECTED;
    if (!command->json)
        printf("%s\n\n", scenario->why);
    const struct result *bad = NULL;
    uint32_t done = 0, made = 0;
    for (; made < scenario->variant_count && !*session_interrupted; made++) {
        struct result *result = &results[made];
        result_init(result);
        status = cli_worse(status, run_one(command, scenario->variants[made], true, result));
        if (*result->version) /* else it could not be run */
            list[done++] = result;
        if (*result->version && !result->expected && !bad)
            bad = result;
    }
    if (command->json)
        report_json_suite(list, done, stdout);
    if (made < scenario->variant_count) {
        fprintf(stderr,
                "rollcage run: cut short: %" PRIu32 " of %" PRIu32 " variants were not begun\n",
                scenario->variant_count - made, scenario->variant_count);
        status = cli_worse(status, EXIT_INCONCLUSIVE);
    }
    if (bad)
        say_how_to_reproduce(bad);
    for (uint32_t i = 0; i < made; i++)
        result_release(&results[i]);
    free(results);
    free(list);
    return status;
}

static int parse(const struct cli_command *self, struct run_command *command, int argc,
                 char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *value = "", *wrong = NULL;
    bool has_live_option = false;
    while (args.at < args.argc && value) {
        if (cli_flag(&args, "--json")) {
            command->json = true;
        } else if (cli_flag(&args, "--history")) {
            command->session.history = true;
        } else if (cli_flag(&args, "--no-history")) {
            command->session.no_history = true;
        } else if (cli_option(&args, "--seed", &value)) {
            command->has_seed = true;
            if (value && !cli_number(value, &command->seed))
                return cli_usage(self, "--seed wants a whole number, not", value);
        } else if (cli_option(&args, "--out", &value)) {
            command->session.out = value;
        } else if (cli_option(&args, "--variant", &value)) {
            command->session.variant = value;
        } else if (cli_option(&args, "--host", &value)) {
            command->is_live = value && strcmp(value, "live") == 0;
            if (value && !command->is_live && strcmp(value, "sim") != 0)
                return cli_usage(self, "--host wants sim or live, not", value);
        } else if (live_option(&command->live, &args, &value, &wrong)) {
            has_live_option = true;
            if (wrong)
                return cli_usage(self, wrong, value);
        } else if (cli_option(&args, "--set", &value)) {
            if (command->session.set_count == SESSION_SETS_MAX)
                return cli_usage(self, "too many --set", NULL);
            command->session.sets[command->session.set_count++] = value;
        } else if (args.argv[args.at][0] == '-' || command->path) {
            return cli_usage(self, "unexpected", args.argv[args.at]);
        } else {
            command->path = args.argv[args.at++];
        }
    }
    if (!value)
        return cli_usage(self, "the last option wants a value", NULL);
    if (*command->session.out == '\0')
        return cli_usage(self, "--out wants the name of a folder", NULL);
    if (!command->path)
        return cli_usage(self, "no scenario given", NULL);
    if (has_live_option && !command->is_live)
        return cli_usage(self, "--speed, --ports, --etcd, --kafka, --edge: with --host live",
                         NULL);
    return -1;
}

/* What the session must know of a live run; 0 or an exit code. */
static int prepare_live(const struct cli_command *self, struct run_command *command)
{
    int status = live_check(self, &command->live);
    if (status != 0)
        return status;
    live_options_text(&command->live, true, command->host_options,
                      sizeof command->host_options);
    command->session.hosts = HOSTS_LIVE;
    command->session.host_options = command->host_options;
    return 0;
}

static int run_run(const struct cli_command *self, int argc, char **argv)
{
    struct run_command command = {.session = {.out = "out", .keep = true}};
    int status = parse(self, &command, argc, argv);
    if (status >= 0)
        return status;
    if (command.is_live && (status = prepare_live(self, &command)) != 0)
        return status;
    session_catch_signals();
    struct scenario scenario;
    struct errmsg err = {0};
    const char *variant = command.session.variant;
    int read = session_read(&command.session, command.path, variant, command.has_seed,
                            command.seed, &scenario, &err);
    if (read != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(read);
    }
    if (scenario.variant_count > 0 && !variant) {
        status = run_variants(&command, &scenario);
    } else {
        struct result result;
        result_init(&result);
        status = run_one(&command, variant, false, &result);
        bool has_run = status != EXIT_INPUT && status != EXIT_ENVIRONMENT;
        if (command.json && has_run)
            report_json_write(&result, stdout);
        if (has_run && !result.expected)
            say_how_to_reproduce(&result);
        result_release(&result);
    }
    scenario_release(&scenario);
    return status;
}

const struct cli_command cli_run = {
    .name = "run",
    .usage = "SCENARIO [--seed N] [--host sim|live] [--variant NAME] [--set PATH=VALUE]... "
             "[--out DIR] [--history] [--json]\n             live: " LIVE_USAGE,
    .about = "Run one scenario (each of its variants), in virtual time or on real sockets, and "
             "judge it.",
    .options =
        "  --seed N           over the file's own seed; what `expect:` names is then "
        "allowed, not required\n"
        "  --variant NAME     only this one of the file's variants\n"
        "  --set PATH=VALUE   change a key: --set deploy.0.procedure=restart-only\n"
        "  --out DIR          where runs are left; out\n"
        "  --history          leave history.jsonl also when all went as expected\n"
        "  --json             the result as JSON, nothing else on stdout; of variants a list\n"
        "  --host live        the same cluster, load, procedure and checks on real "
        "sockets\n" LIVE_OPTIONS,
    .example = "rollcage run scenarios/rollout/demo.yaml --seed 7",
    .run = run_run,
};
