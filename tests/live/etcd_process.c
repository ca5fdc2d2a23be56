/*
 * etcd_process.c - a real etcd for the time of a test; see etcd_endpoint.h.
 */
#define _GNU_SOURCE /* nftw */
#include "live/etcd_endpoint.h"
#include "support/etcd_bed.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/etcd"
#define START_MS 15000u
#define STOP_MS 3000u

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void run_etcd(const struct etcd_process *self, const char *peer)
{
    char cluster[80], log[96];
    snprintf(cluster, sizeof cluster, "default=%s", peer);
    snprintf(log, sizeof log, "%s/log", self->folder);
    int fd = open(log, O_WRONLY | O_CREAT, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it never outlives the test */
    execl(PROGRAM, PROGRAM, "--data-dir", self->folder, "--listen-client-urls", self->url,
          "--advertise-client-urls", self->url, "--listen-peer-urls", peer,
          "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, (char *)NULL);
    _exit(127);
}

/* Once it was seen to have ended, its number may be another's: it is forgotten. */
static bool is_alive(struct etcd_process *self)
{
    if (self->pid > 0 && waitpid(self->pid, NULL, WNOHANG) != 0)
        self->pid = 0;
    return self->pid > 0;
}

static bool is_ready(const struct etcd_process *self)
{
    struct etcd_endpoint *endpoint = etcd_endpoint_url(self->url);
    struct etcd_text_out answer = {0};
    etcd_endpoint_call(endpoint, "GET", "/health", "", &answer);
    bool ready = strstr(answer.text, "\"true\"") != NULL;
    etcd_text_free(&answer);
    etcd_endpoint_free(endpoint);
    return ready;
}

bool etcd_process_start(struct etcd_process *self, char *ret_reason, size_t size)
{
    char peer[64];
    *self = (struct etcd_process){0};
    if (access(PROGRAM, X_OK) != 0) {
        snprintf(ret_reason, size, "%s is not there", PROGRAM);
        return false;
    }
    bool has_memory = access("/dev/shm", W_OK) == 0; /* no disk to wait for */
    snprintf(self->folder, sizeof self->folder, "%s/rollcage-etcd-XXXXXX",
             has_memory ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(self->folder));
    snprintf(self->url, sizeof self->url, "http://127.0.0.1:%u", free_port());
    snprintf(peer, sizeof peer, "http://127.0.0.1:%u", free_port());
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0)
        run_etcd(self, peer);
    for (unsigned ms = 0; ms < START_MS && is_alive(self); ms += 50) {
        if (is_ready(self))
            return true;
        usleep(50000);
    }
    snprintf(ret_reason, size, "%s does not start", PROGRAM);
    etcd_process_stop(self);
    return false;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void etcd_process_stop(struct etcd_process *self)
{
    if (self->pid > 0) {
        kill(self->pid, SIGTERM);
        for (unsigned ms = 0; ms < STOP_MS && is_alive(self); ms += 10)
            usleep(10000);
        if (is_alive(self)) {
            kill(self->pid, SIGKILL);
            waitpid(self->pid, NULL, 0);
        }
    }
    if (self->folder[0] != '\0')
        nftw(self->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    *self = (struct etcd_process){0};
}
