/*
 * live_served.c - a served cluster, a load tool and a client for the benchmarks of the live
 * host.
 */
#define _GNU_SOURCE /* nftw */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/live_bench.h"

#define PATIENCE_S 20.0
#define PAUSE_US 2000
#define WRK_LINES 64

double live_wall(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

bool live_raise_descriptors(unsigned wanted)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return true;
    fprintf(stderr, "only %llu descriptors allowed, %u wanted: raise the limit (ulimit -n)\n",
            (unsigned long long)limit.rlim_cur, wanted);
    return false;
}

/* ---- processes ---- */

static pid_t fork_child(void)
{
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* it ended in between */
    return 0;
}

pid_t live_spawn(char *const *argv, const char *output)
{
    pid_t pid = fork_child();
    if (pid != 0)
        return pid;
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    (void)execvp(argv[0], argv);
    _exit(127);
}

void live_kill(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

pid_t live_child(void (*serve)(int fd), char *ret_where, size_t size)
{
    int ends[2];
    if (pipe(ends) != 0)
        return 0;
    pid_t pid = fork_child();
    if (pid == 0) {
        close(ends[0]);
        serve(ends[1]);
        _exit(1);
    }
    close(ends[1]);
    ssize_t length = pid < 0 ? 0 : read(ends[0], ret_where, size - 1);
    close(ends[0]);
    if (length > 0) {
        ret_where[length] = '\0';
        return pid;
    }
    live_kill(pid);
    return 0;
}

/* ---- a served cluster ---- */

static int remove_entry(const char *path, const struct stat *about, int flag, struct FTW *place)
{
    (void)about, (void)flag, (void)place;
    return remove(path);
}

static bool write_scenario(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool is_written = fputs(text, file) >= 0;
    return fclose(file) == 0 && is_written;
}

bool live_served_begin(struct live_served *self, const char *scenario)
{
    char path[96], log[96], json[96];
    *self = (struct live_served){.directory = "/tmp/rollcage-bench-XXXXXX"};
    if (mkdtemp(self->directory) == NULL)
        return false;
    snprintf(path, sizeof path, "%s/bench.yaml", self->directory);
    snprintf(log, sizeof log, "%s/log", self->directory);
    snprintf(json, sizeof json, "%s/cluster.json", self->directory);
    char *argv[] = {"/proc/self/exe", "serve", path, "--out", self->directory, NULL};
    if (!write_scenario(path, scenario))
        return false;
    self->started = live_wall();
    self->pid = live_spawn(argv, log);
    while (self->pid > 0 && self->cluster == NULL) {
        if (live_wall() - self->started > PATIENCE_S || waitpid(self->pid, NULL, WNOHANG) != 0)
            break;
        self->cluster = json_load_file(json, 0, NULL); /* it is written whole or not at all */
        if (self->cluster == NULL)
            (void)usleep(PAUSE_US);
    }
    if (self->cluster == NULL) {
        fprintf(stderr, "the cluster could not be served\n");
        live_served_end(self);
        return false;
    }
    return true;
}

void live_served_end(struct live_served *self)
{
    live_kill(self->pid);
    json_decref(self->cluster);
    if (self->directory[0] != '\0')
        (void)nftw(self->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    *self = (struct live_served){0};
}

const char *live_served_url(const struct live_served *self, const char *node)
{
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(self->cluster, "nodes"), index, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), node) == 0)
            return json_string_value(json_object_get(entry, "url"));
    }
    return "";
}

/* ---- wrk ---- */

static double number_behind(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at == NULL ? 0 : strtod(at + strlen(word), NULL);
}

/* "Socket errors: connect 0, read 0, write 0, timeout 0" */
static double socket_errors(const char *text)
{
    const char *at = strstr(text, "Socket errors:");
    if (at == NULL)
        return 0;
    return number_behind(at, "connect ") + number_behind(at, "read ") +
           number_behind(at, "write ") + number_behind(at, "timeout ");
}

int live_wrk(const struct live_wrk *wrk, double *ret_rate)
{
    char command[512], text[WRK_LINES * 80];
    snprintf(command, sizeof command, "wrk -t1 -c%u -d%us --timeout 20s %s%s %s 2>&1",
             wrk->connections, wrk->seconds, wrk->script == NULL ? "" : "-s ",
             wrk->script == NULL ? "" : wrk->script, wrk->url);
    FILE *output = popen(command, "r");
    if (output == NULL)
        return -1;
    size_t length = fread(text, 1, sizeof text - 1, output);
    text[length] = '\0';
    int status = pclose(output);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        fprintf(stderr, "wrk is not installed: scripts/setup brings it\n");
        return BENCH_ABSENT;
    }
    *ret_rate = number_behind(text, "Requests/sec:");
    double failed = socket_errors(text) + number_behind(text, "Non-2xx or 3xx responses:");
    if (status == 0 && *ret_rate > 0 && failed == 0)
        return 0;
    fprintf(stderr, "%s: %.0f requests failed\n%s", wrk->url, failed, text);
    return -1;
}

/* ---- one request ---- */

static int connect_to(const char *url)
{
    char host[64];
    unsigned port;
    if (sscanf(url, "http://%63[0-9.]:%u", host, &port) != 2)
        return -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return fd;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

unsigned live_request(const char *url, const char *method, const char *path,
                      const char *headers, char *ret_body, size_t size)
{
    char text[8192];
    size_t length = 0;
    unsigned status = 0;
    ret_body[0] = '\0';
    int fd = connect_to(url);
    if (fd < 0)
        return 0;
    int wanted = snprintf(text, sizeof text,
                          "%s %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n%s"
                          "Content-Length: 0\r\n\r\n",
                          method, path, headers);
    bool is_sent = send(fd, text, (size_t)wanted, MSG_NOSIGNAL) == wanted;
    ssize_t more = 0;
    while (is_sent && length < sizeof text - 1 &&
           (more = recv(fd, text + length, sizeof text - 1 - length, 0)) > 0)
        length += (size_t)more;
    close(fd);
    text[length] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    if (body == NULL || sscanf(text, "HTTP/1.%*c %u", &status) != 1)
        return 0;
    snprintf(ret_body, size, "%s", body + 4);
    return status;
}
