/* runner.c - a world from a scenario, its phases, its verdict. */
#include "scenario/runner.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "cast.h"
#include "kernel/host_sim.h"

struct run {
    const struct scenario *scenario;
    const struct run_options *options;
    struct result *result;
    struct draws draws;
    struct arena *arena;
    struct plan *plan;
    struct check_set *checks;
    struct check_world world;
    const struct host_ops *ops;
    struct host *host;
    tstamp last_action; /* the last load, deploy step or fault */
    uint32_t down[NODE_KIND_COUNT];
    bool over_budget;
    char over_budget_text[96];
};

static void follow_budget(struct run *self, const struct record *r)
{
    const struct cluster *cluster = &self->scenario->cluster;
    unsigned kind = cluster->nodes[r->node].kind;
    if (r->kind == RECORD_NODE_LISTENING) {
        if (self->down[kind] > 0 && r->at > TSTAMP_ORIGIN)
            self->down[kind]--;
        return;
    }
    if (r->kind != RECORD_NODE_STOPPED || ++self->down[kind] <= self->scenario->budget[kind] ||
        self->over_budget)
        return;
    self->over_budget = true;
    snprintf(self->over_budget_text, sizeof self->over_budget_text,
             "%u %ss down at once, budget %u", self->down[kind], node_kind_to_string(kind),
             self->scenario->budget[kind]);
}

/* What the cluster gets RUNNER_SETTLE to recover from. */
static bool is_action(unsigned kind)
{
    return kind == RECORD_REQUEST_SENT || kind == RECORD_STEP_STARTED ||
           kind == RECORD_STEP_ENDED || kind == RECORD_DEPLOY_STARTED ||
           kind == RECORD_DEPLOY_ENDED || kind == RECORD_FAULT_APPLIED;
}

static void on_record(void *context, const struct record *r)
{
    struct run *self = context;
    plan_on_record(self->plan, r);
    check_set_on_record(self->checks, r);
    if (is_action(r->kind))
        self->last_action = r->at;
    if (r->kind == RECORD_NODE_STOPPED || r->kind == RECORD_NODE_LISTENING)
        follow_budget(self, r);
    if (self->options->sink)
        self->options->sink(self->options->sink_context, r);
}

static void on_checkpoint(void *context, const struct host_checkpoint *checkpoint)
{
    struct run *self = context;
    result_add_checkpoint(self->result, (struct result_checkpoint){
                                            .events = checkpoint->event_count,
                                            .at_ns = (int64_t)(checkpoint->at - TSTAMP_ORIGIN),
                                            .digest = checkpoint->digest,
                                        });
}

static int run_open(struct run *self, struct errmsg *err)
{
    const struct scenario *scenario = self->scenario;
    self->arena = arena_new(RUNNER_ARENA_BYTES);
    if (!self->arena)
        return errmsg_set(err, ERR_ENVIRONMENT, "no address space for a world of %zu bytes",
                          RUNNER_ARENA_BYTES);
    self->draws = (struct draws){.seed = scenario->seed};
    self->plan = plan_new(self->arena, &scenario->cluster, &self->draws, scenario->faults,
                          scenario->fault_count);
    self->world = (struct check_world){.cluster = &scenario->cluster,
                                       .draws = &self->draws,
                                       .settings = &scenario->checks,
                                       .checks_off = scenario->checks_off,
                                       .step_names = scenario->step_names,
                                       .step_name_count = scenario->step_name_count};
    const struct run_host *other = self->options->host;
    if (other) {
        self->world.is_outside = other->is_outside;
        self->world.id_context = other->context;
        self->world.activation_text = other->activation_text;
    }
    self->checks = check_set_new(self->arena, &self->world);
    self->last_action = TSTAMP_ORIGIN;

    uint32_t count = scenario->cluster.node_count;
    struct host_node *nodes = arena_alloc(self->arena, ARENA_HOST, count * sizeof *nodes);
    for (uint32_t i = 0; i < count; i++) {
        enum node_kind kind = cluster_kind(&scenario->cluster, (node_id)i);
        nodes[i] = (struct host_node){cast_ops(kind), scenario->configs[kind]};
    }
    struct host_world world = {.arena = self->arena,
                               .cluster = &scenario->cluster,
                               .draws = &self->draws,
                               .nodes = nodes,
                               .begin = TSTAMP_ORIGIN - (other ? other->boot : RUNNER_BOOT),
                               .sinks = {.context = self, .record = on_record}};
    if (scenario->fault_count > 0)
        world.faults = plan_ops(self->plan);
    if (other) {
        self->ops = other->ops;
        self->host = other->open(other->context, &world, err);
        return self->host ? 0 : -ERR_ENVIRONMENT;
    }
    struct host_sim_config config = {.arena = world.arena,
                                     .cluster = world.cluster,
                                     .draws = world.draws,
                                     .nodes = world.nodes,
                                     .begin = world.begin,
                                     .faults = world.faults,
                                     .sinks = world.sinks,
                                     .checkpoint = on_checkpoint};
    self->ops = &host_sim_ops;
    self->host = host_sim_new(&config);
    return 0;
}

/* Stores first, then those who use them, the load and the deploy tool last. */
static void run_boot(struct run *self)
{
    static const enum node_kind order[] = {NODE_ETCD,      NODE_KAFKA,   NODE_DATABASE,
                                           NODE_SCHEDULER, NODE_INVOKER, NODE_CONTROLLER,
                                           NODE_EDGE,      NODE_CLIENT,  NODE_DEPLOYER};
    const struct cluster *cluster = &self->scenario->cluster;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        for (uint32_t k = 0; k < cluster->counts[order[i]]; k++)
            self->ops->start(self->host, (node_id)(cluster->firsts[order[i]] + k));
}

static void run_to(struct run *self, tstamp until)
{
    self->ops->run_until(self->host, until);
    check_set_advance(self->checks, until);
}

/* When the load has offered its last request; a closed loop says itself that it goes on. */
static tstamp load_end(const struct scenario *scenario)
{
    tstamp end = TSTAMP_ORIGIN;
    for (uint32_t i = 0; i < scenario->load_count; i++) {
        const struct load_entry *load = &scenario->loads[i];
        duration length = load->arrivals == ARRIVALS_CLOSED ? SEC(1) : load->length;
        tstamp at = tstamp_add(load->from, length);
        if (at > end)
            end = at;
    }
    return end;
}

static bool is_held(const struct run *self)
{
    const struct run_host *other = self->options->host;
    return other && other->is_held && other->is_held(other->context);
}

static const char *host_error(const struct run *self)
{
    const struct run_host *other = self->options->host;
    return other && other->error ? other->error(self->host) : NULL;
}

/* Until nothing is owed; false: something still was, and `pending` says what. */
static bool run_settle(struct run *self, tstamp *now, char *pending, size_t size)
{
    const volatile bool *interrupted = self->options->interrupted;
    while (!(interrupted && *interrupted) && !host_error(self)) {
        run_to(self, *now += SEC(1));
        tstamp storm_end = load_end(self->scenario); /* who holds the run may end it early */
        if (plan_last(self->plan) > storm_end)
            storm_end = plan_last(self->plan);
        if (is_held(self)) { /* what somebody outside does counts as an action */
            self->last_action = *now;
            continue;
        }
        bool owed = self->ops->pending(self->host, pending, size);
        if (!owed && *now >= storm_end)
            return true;
        if ((*now > self->last_action + RUNNER_SETTLE && *now > storm_end) ||
            *now > TSTAMP_ORIGIN + RUNNER_VIRTUAL_MAX)
            return !owed;
    }
    snprintf(pending, size, "interrupted");
    return false;
}

static uint64_t failed_checks(const struct run *self)
{
    uint64_t failed = 0;
    for (unsigned i = 0; i < check_count(); i++)
        if (check_set_result(self->checks, i).verdict == CHECK_FAIL)
            failed |= UINT64_C(1) << i;
    return failed & ~self->scenario->checks_off;
}

static void name_checks(uint64_t mask, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < check_count() && length < size; i++)
        if (mask >> i & 1)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "",
                                       check_name(i));
}

static int exit_for(uint64_t surprising)
{
    for (unsigned i = 0; i < check_count(); i++)
        if ((surprising >> i & 1) && !check_is_liveness(i))
            return 1;
    return surprising ? 3 : 1; /* an expected violation that did not happen is 1 too */
}

/* `failed` of a run that was cut short: what was violated before the cut. */
static void judge(struct run *self, struct result *result, uint64_t failed, bool interrupted)
{
    const struct expectation *expect = &self->scenario->expect;
    uint64_t wanted = expect->kind == EXPECT_VIOLATES ? expect->violates : 0;
    uint64_t surprising = failed & ~wanted;
    uint64_t missing = self->options->any_of_expected || interrupted ? 0 : wanted & ~failed;
    char names[160];
    bool excused = surprising && self->over_budget;
    bool undecided = excused || (interrupted && !surprising);
    result->verdict = undecided ? RESULT_INCONCLUSIVE : failed ? RESULT_FAIL : RESULT_PASS;
    result->expected = !surprising && !missing && !interrupted;
    result->exit_code = undecided ? 6 : result->expected ? 0 : exit_for(surprising);
    name_checks(surprising ? surprising : missing, names, sizeof names);
    snprintf(result->reason, sizeof result->reason, "%s%s%s%s%s",
             interrupted ? "the run was cut short" : "", interrupted && surprising ? "; " : "",
             excused ? self->over_budget_text : "",
             excused      ? "; violated beyond it: "
             : surprising ? "not expected: "
             : missing    ? "expected, but did not happen: "
                          : "",
             surprising || missing ? names : "");
}

static void name_idle_rules(const struct run *self, struct result *result)
{
    size_t length = 0;
    for (uint32_t i = 0; i < self->scenario->fault_count; i++)
        if (plan_applied(self->plan, i) == 0 && length < sizeof result->never_fired)
            length += (size_t)snprintf(
                result->never_fired + length, sizeof result->never_fired - length,
                "%srule %u (line %u)", length ? ", " : "", i, self->scenario->faults[i].line);
}

static void fill(struct run *self, struct result *result)
{
    const struct scenario *scenario = self->scenario;
    snprintf(result->scenario, sizeof result->scenario, "%s", scenario->path);
    snprintf(result->variant, sizeof result->variant, "%s",
             scenario->variant ? scenario->variant : "");
    snprintf(result->hash, sizeof result->hash, "%016llx", (unsigned long long)scenario->hash);
    snprintf(result->why, sizeof result->why, "%s", scenario->why ? scenario->why : "");
    snprintf(result->host, sizeof result->host, "%s",
             self->options->host ? self->options->host->name : "sim");
    result->seed = scenario->seed;
    result->events = self->ops->event_count(self->host);
    struct digest digest = {self->ops->digest(self->host)};
    if (digest.state != 0) /* else the host promises none */
        check_set_digest(self->checks, &digest);
    result->digest = digest.state;
}

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int finish(struct run *self, tstamp now, bool interrupted, struct errmsg *err)
{
    uint64_t before = failed_checks(self); /* what is under way at a cut is not lost */
    check_set_end(self->checks, now);
    fill(self, self->result);
    const char *skips[TRACE_SKIP_COUNT + 1] = {""};
    for (unsigned i = 0; i < TRACE_SKIP_COUNT; i++)
        skips[i + 1] = trace_skip_to_string(i);
    int status =
        result_capture(self->result, self->checks, &self->world, skips, TRACE_SKIP_COUNT + 1);
    if (interrupted)
        result_keep_checks(self->result, before);
    judge(self, self->result, interrupted ? before : failed_checks(self), interrupted);
    name_idle_rules(self, self->result);
    self->result->virtual_ns = now - TSTAMP_ORIGIN;
    return status == 0 ? 0 : errmsg_set(err, ERR_ENVIRONMENT, "out of memory");
}

int runner_run(const struct scenario *scenario, const struct run_options *options,
               struct result *ret_result, struct errmsg *err)
{
    uint64_t wall_start = wall_ns();
    struct run self = {.scenario = scenario, .options = options, .result = ret_result};
    int status = run_open(&self, err);
    if (status == 0) {
        run_boot(&self);
        tstamp now = TSTAMP_ORIGIN;
        char pending[256] = "";
        run_to(&self, now);
        bool settled = run_settle(&self, &now, pending, sizeof pending);
        bool interrupted = options->interrupted && *options->interrupted;
        if (!interrupted)
            check_set_settle(self.checks, now, settled ? NULL : pending);
        if (settled && !self.world.is_outside)
            run_to(&self, now += RUNNER_TAIL);
        if (self.ops->now(self.host) > now) /* real time does not stop at an instant */
            now = self.ops->now(self.host);
        if (host_error(&self))
            status = errmsg_set(err, ERR_ENVIRONMENT, "%s", host_error(&self));
        else
            status = finish(&self, now, interrupted, err);
        if (options->host && options->host->close)
            options->host->close(options->host->context);
        self.ops->release(self.host);
    }
    ret_result->wall_ns = wall_ns() - wall_start;
    if (self.arena)
        arena_free(self.arena);
    return status;
}
