/* live_command.c - see live_command.h. */
#include "cli/live_command.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNNING_MAX 256u
#define LOOK_NS 20000000 /* between two looks whether one has ended */
#define TEXT_SIZE 8192u

struct running {
    pid_t pid; /* 0: free; also of its process group */
    uint64_t until_ns;
    bool is_killed;
    node_id node;
    uint8_t which; /* enum target_command */
    void *context;
    void (*done)(void *context, bool ok);
};

struct live_commands {
    struct loop *loop;
    const struct target *target;
    struct loop_part part;
    struct running running[RUNNING_MAX];
    uint32_t count;
};

static const char *const names[TARGET_COMMAND_COUNT] = {
    "stop", "start", "pull", "remove-containers", "edge: remove", "edge: add"};

static const char *node_name(const struct live_commands *self, node_id node)
{
    return self->target->scenario.cluster.nodes[node].name;
}

static int64_t wait_ns(void *context)
{
    const struct live_commands *self = context;
    return self->count > 0 ? LOOK_NS : LOOP_FOREVER;
}

static void say_end(const struct live_commands *self, const struct running *r, int status)
{
    const char *node = node_name(self, r->node), *which = names[r->which];
    if (r->is_killed)
        fprintf(stderr,
                "command `%s` for %s took too long (commands: within), and was killed\n", which,
                node);
    else if (WIFSIGNALED(status))
        fprintf(stderr, "command `%s` for %s was ended by signal %d\n", which, node,
                WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        fprintf(stderr, "command `%s` for %s ended with status %d\n", which, node,
                WEXITSTATUS(status));
}

static void look(struct live_commands *self, struct running *r)
{
    int status = 0;
    pid_t ended = waitpid(r->pid, &status, WNOHANG);
    if (ended == 0) {
        if (!r->is_killed && loop_now_ns() > r->until_ns) {
            r->is_killed = true;
            kill(-r->pid, SIGKILL);
        }
        return;
    }
    bool ok = ended == r->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    struct running over = *r;
    say_end(self, r, status);
    *r = (struct running){0};
    self->count--;
    over.done(over.context, ok);
}

static void turn(void *context)
{
    struct live_commands *self = context;
    for (uint32_t i = 0; i < RUNNING_MAX && self->count > 0; i++)
        if (self->running[i].pid != 0)
            look(self, &self->running[i]);
}

struct live_commands *live_commands_new(struct loop *loop, const struct target *target)
{
    struct live_commands *self = calloc(1, sizeof *self);
    if (!self)
        abort();
    self->loop = loop;
    self->target = target;
    self->part = (struct loop_part){.context = self, .wait_ns = wait_ns, .turn = turn};
    loop_add_part(loop, &self->part);
    return self;
}

void live_commands_free(struct live_commands *self)
{
    if (!self)
        return;
    loop_remove_part(self->loop, &self->part);
    for (uint32_t i = 0; i < RUNNING_MAX; i++) {
        if (self->running[i].pid == 0)
            continue;
        kill(-self->running[i].pid, SIGKILL);
        waitpid(self->running[i].pid, NULL, 0);
    }
    free(self);
}

static void set_environment(const struct live_commands *self, node_id node)
{
    const struct node_info *info = &self->target->scenario.cluster.nodes[node];
    char index[12];
    snprintf(index, sizeof index, "%u", info->index);
    setenv("ROLLCAGE_NODE", info->name, 1);
    setenv("ROLLCAGE_KIND", node_kind_to_string(info->kind), 1);
    setenv("ROLLCAGE_INDEX", index, 1);
    setenv("ROLLCAGE_URL", self->target->urls[node], 1);
}

static void become(const char *text)
{
    int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is the result's alone */
    closefrom(STDERR_FILENO + 1);       /* a daemon that it starts must hold no connection */
    execl("/bin/sh", "sh", "-c", text, (char *)NULL);
    _exit(127);
}

bool live_commands_begin(struct live_commands *self, node_id node, enum target_command which,
                         void *context, void (*done)(void *context, bool ok))
{
    char text[TEXT_SIZE];
    const char *command = self->target->commands[which];
    uint32_t slot = 0;
    while (slot < RUNNING_MAX && self->running[slot].pid != 0)
        slot++;
    if (!command || slot == RUNNING_MAX)
        return false;
    if (!target_expand(self->target, command, node, text, sizeof text)) {
        fprintf(stderr, "command `%s` for %s is too long\n", names[which],
                node_name(self, node));
        return false;
    }
    set_environment(self, node);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(text);
    if (pid < 0) {
        fprintf(stderr, "no process for command `%s` for %s: %s\n", names[which],
                node_name(self, node), strerror(errno));
        return false;
    }
    setpgid(pid, pid); /* whoever comes first: it must be there before a kill of the group */
    self->running[slot] =
        (struct running){.pid = pid,
                         .until_ns = loop_now_ns() + self->target->command_within,
                         .node = node,
                         .which = (uint8_t)which,
                         .context = context,
                         .done = done};
    self->count++;
    return true;
}
