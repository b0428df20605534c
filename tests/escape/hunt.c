// What a neighbour tries on containers while they start and run.
#include "attack.h"
#include <dirent.h>
#include <signal.h>
#include <sys/uio.h>

static volatile sig_atomic_t over;
static void end(int signal) { over = 1; }

// Whether this process has the word on its command line, as all have that share gontainer's memory.
static bool is_prey(pid_t pid, const char *word) {
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    long got = contents(path, line, sizeof line);
    return got > 0 && memmem(line, got, word, strlen(word));
}

// Which way of getting hold of a process is open; NULL if none is. Once it has executed its command it is no prey.
static const char *way_into(pid_t pid, const char *word) {
    char path[64], byte = 0;
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int mem = open(path, O_RDWR | O_CLOEXEC);
    if (mem >= 0) close(mem);
    if (mem >= 0 && is_prey(pid, word)) return "mem";
    struct iovec from = {&byte, 1}, to = {(void *)1, 1}; // where nothing is
    bool writes = process_vm_writev(pid, &from, 1, &to, 1, 0) >= 0 || errno == EFAULT;
    if (writes && is_prey(pid, word)) return "process_vm_writev";
    int pidfd = syscall(SYS_pidfd_open, pid, 0);
    int fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0);
    if (fd >= 0) close(fd);
    if (pidfd >= 0) close(pidfd);
    if (fd >= 0 && is_prey(pid, word)) return "pidfd_getfd";
    if (ptrace(PTRACE_SEIZE, pid, 0, 0)) return NULL;
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    waitpid(pid, NULL, __WALL);
    bool is_held = is_prey(pid, word);
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return is_held ? "ptrace" : NULL;
}

// Until SIGTERM, whatever appears with this word, in two parts so that it is not on our own command line.
int hunt(const char *first, const char *second) {
    char word[128];
    long tried = 0, reached = 0, pids = 0;
    pid_t last = 0;
    snprintf(word, sizeof word, "%s%s", first, second);
    signal(SIGTERM, end);
    printf("ready\n"), fflush(stdout);
    while (!over) {
        DIR *proc = opendir("/proc");
        if (!proc) return 1;
        for (struct dirent *entry; (entry = readdir(proc));) {
            pid_t pid = atoi(entry->d_name);
            if (pid <= 0 || pid == getpid() || !is_prey(pid, word)) continue;
            tried++, pids += pid != last, last = pid;
            const char *way = way_into(pid, word);
            if (way && !reached++) printf("by %s\n", way);
        }
        closedir(proc);
    }
    printf("%s\n", reached ? "reached" : pids < 20 ? "hardly any seen" : "none reached");
    return 0;
}
