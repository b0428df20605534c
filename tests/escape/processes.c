// PID 1, the processes of the host, and what one's own process may become.
#include "attack.h"
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/uio.h>

// PID 1 of a container; the machine's own is not to be touched.
#define NEEDS_INIT if (fact("init")) return absent("PID 1 is the machine's")

static long pidfd_of(pid_t pid) { return syscall(SYS_pidfd_open, pid, 0); }

ATTACK(pid1_mem, 0, "the memory of PID 1, which may be gontainer's, cannot be opened for writing") {
    NEEDS_INIT;
    return opens("/proc/1/mem", O_RDWR);
}

ATTACK(pid1_vm_write, 0, "process_vm_writev does not write into PID 1") {
    NEEDS_INIT;
    char byte = 0;
    struct iovec from = {&byte, 1}, to = {(void *)1, 1}; // where nothing is
    return reached("process_vm_writev", process_vm_writev(1, &from, 1, &to, 1, 0));
}

ATTACK(pid1_vm_read, 0, "process_vm_readv does not read from PID 1") {
    NEEDS_INIT;
    char byte = 0;
    struct iovec to = {&byte, 1}, from = {(void *)1, 1};
    return reached("process_vm_readv", process_vm_readv(1, &to, 1, &from, 1, 0));
}

ATTACK(pid1_ptrace, 0, "PID 1 cannot be traced") {
    NEEDS_INIT;
    return worked("ptrace", ptrace(PTRACE_SEIZE, 1, 0, 0));
}

ATTACK(pid1_pidfd_getfd, 0, "pidfd_getfd takes no descriptor from PID 1") {
    NEEDS_INIT;
    int pidfd = pidfd_of(1);
    if (pidfd < 0) return held("pidfd_open: %s", strerrorname_np(errno));
    for (int fd = 0; fd < 32; fd++)
        if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0 || errno == EBADF) return out("descriptor %d", fd);
    return held("pidfd_getfd: %s", strerrorname_np(errno));
}

ATTACK(pid1_kcmp, 0, "kcmp tells nothing about PID 1") {
    NEEDS_INIT;
    return worked("kcmp", syscall(SYS_kcmp, 1, getpid(), 0, 0, 0));
}

ATTACK(pid1_pidfd_namespaces, 0, "a pidfd of PID 1 gives none of its namespaces") {
    NEEDS_INIT;
    int pidfd = pidfd_of(1);
    if (pidfd < 0) return held("pidfd_open: %s", strerrorname_np(errno));
    for (int kind = 1; kind <= 10; kind++) // PIDFD_GET_CGROUP_NAMESPACE and what follows it
        if (ioctl(pidfd, _IO(0xff, kind), 0) >= 0) return out("kind %d", kind);
    return errno == ENOTTY ? absent("the kernel lacks it") : held("ioctl: %s", strerrorname_np(errno));
}

ATTACK(pid1_madvise, 0, "process_madvise takes no pages from PID 1") {
    NEEDS_INIT;
    int pidfd = pidfd_of(1);
    if (pidfd < 0) return held("pidfd_open: %s", strerrorname_np(errno));
    struct iovec nothing = {0, 0};
    return worked("process_madvise", syscall(SYS_process_madvise, pidfd, &nothing, 1, MADV_COLD, 0));
}

ATTACK(pid1_move_pages, 0, "move_pages moves and shows no page of PID 1") {
    NEEDS_INIT;
    return worked("move_pages", syscall(SYS_move_pages, 1, 0, 0, 0, 0, 0));
}

ATTACK(pid1_robust_list, 0, "get_robust_list tells no address in PID 1") {
    NEEDS_INIT;
    void *list;
    size_t size;
    return worked("get_robust_list", syscall(SYS_get_robust_list, 1, &list, &size));
}

ATTACK(pid1_exe, 0, "the binary of PID 1, gontainer's, cannot be opened to be overwritten (CVE-2019-5736)") {
    NEEDS_INIT;
    return opens("/proc/1/exe", O_RDONLY);
}

ATTACK(pid1_root, 0, "the root of PID 1 cannot be entered") {
    NEEDS_INIT;
    return opens("/proc/1/root/", O_RDONLY);
}

ATTACK(pid1_cwd, 0, "the working directory of PID 1 cannot be entered") {
    NEEDS_INIT;
    return opens("/proc/1/cwd/", O_RDONLY);
}

ATTACK(pid1_fd, 0, "the descriptors of PID 1 cannot be listed or opened") {
    NEEDS_INIT;
    char path[64], target[64];
    for (int fd = 0; fd < 32; fd++) {
        snprintf(path, sizeof path, "/proc/1/fd/%d", fd);
        if (readlink(path, target, sizeof target) > 0) return out("descriptor %d", fd);
    }
    return held("none shows");
}

static enum outcome reads(const char *path) {
    char text[4096];
    long got = contents(path, text, sizeof text);
    if (got < 0 && errno == ENOENT) return absent("%s: ENOENT", path);
    return worked(path, got);
}

ATTACK(pid1_environ, 0, "the environment of PID 1, the caller's, cannot be read") {
    NEEDS_INIT;
    return reads("/proc/1/environ");
}

ATTACK(pid1_maps, 0, "where PID 1 has its memory is not told") {
    NEEDS_INIT;
    return reads("/proc/1/maps");
}

ATTACK(pid1_auxv, 0, "what the kernel told PID 1 at its start is not told") {
    NEEDS_INIT;
    return reads("/proc/1/auxv");
}

ATTACK(pid1_syscall, 0, "what PID 1 is doing is not told") {
    NEEDS_INIT;
    return reads("/proc/1/syscall");
}

ATTACK(pid1_ns, 0, "the namespaces of PID 1 cannot be opened") {
    NEEDS_INIT;
    return opens("/proc/1/ns/mnt", O_RDONLY);
}

// Whether this process here is the host's side.
static bool is_the_hosts_side(const char *pid) {
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    long got = contents(path, line, sizeof line);
    const char *word = got > 0 && fact("word") ? memmem(line, got, "host", 5) : NULL;
    return word && !strcmp(word + 5, fact("word"));
}

ATTACK(host_process, SHARED, "no process of the host's is to be seen") {
    DIR *proc = opendir("/proc");
    if (!proc) return absent("no /proc");
    for (struct dirent *entry; (entry = readdir(proc));)
        if (is_the_hosts_side(entry->d_name)) return out("PID %s", entry->d_name);
    return held("not in /proc");
}

static pid_t hosts_side(void) {
    return fact("pid") && is_the_hosts_side(fact("pid")) ? atoi(fact("pid")) : 0;
}

ATTACK(host_signal, SHARED, "no process of the host's can be sent a signal") {
    pid_t pid = hosts_side();
    return pid ? worked("kill", kill(pid, 0)) : held("not in sight");
}

ATTACK(host_ptrace, SHARED, "no process of the host's can be traced") {
    pid_t pid = hosts_side();
    return pid ? worked("ptrace", ptrace(PTRACE_SEIZE, pid, 0, 0)) : held("not in sight");
}

ATTACK(proc_roots, SHARED, "no process' root or working directory leads to the host") {
    DIR *proc = opendir("/proc");
    char path[300];
    if (!proc) return absent("no /proc");
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        snprintf(path, sizeof path, "/proc/%s/root", entry->d_name);
        if (witness_at(AT_FDCWD, path) == OUT) return OUT;
        snprintf(path, sizeof path, "/proc/%s/cwd/../../../../../../../..", entry->d_name);
        if (witness_at(AT_FDCWD, path) == OUT) return OUT;
    }
    return held("none does");
}

ATTACK(setns, SHARED, "no namespace but one's own can be entered through /proc") {
    static const char *const kinds[] = {"mnt", "user", "pid", "net", "ipc", "uts", "cgroup", "time"};
    DIR *proc = opendir("/proc");
    char path[300], own[64], its[64];
    if (!proc) return absent("no /proc");
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
            memset(own, 0, sizeof own), memset(its, 0, sizeof its);
            snprintf(path, sizeof path, "/proc/%s/ns/%s", entry->d_name, kinds[kind]);
            if (readlink(path, its, sizeof its - 1) < 0 || !fact(kinds[kind]) || strcmp(its, fact(kinds[kind]))) continue;
            if (in_the_hosts(kinds[kind])) continue;
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd >= 0 && !setns(fd, 0)) return out("%s", path);
        }
    }
    return held("none leads out");
}

ATTACK(setns_pidfd, SHARED, "no namespace of a process of the host's can be entered by a pidfd") {
    pid_t pid = hosts_side();
    if (!pid) return held("not in sight");
    return worked("setns", setns(pidfd_of(pid), CLONE_NEWNS));
}

ATTACK(next_mount_ns, 0, "the kernel's list of mount namespaces leads to no other") {
    struct { unsigned size, mounts; unsigned long long id; } info = {16, 0, 0};
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (own < 0) return absent("no /proc");
    // NS_MNT_GET_NEXT and NS_MNT_GET_PREV, Linux 6.12.
    int next = ioctl(own, _IOR(0xb7, 11, info), &info);
    if (next < 0 && errno == ENOTTY) return absent("ioctl: ENOTTY");
    if (next < 0) next = ioctl(own, _IOR(0xb7, 12, info), &info);
    if (next < 0) return held("ioctl: %s", strerrorname_np(errno));
    return worked("setns", setns(next, CLONE_NEWNS));
}

ATTACK(new_user_ns, SHARED, "no further user namespace can be made, by which more of the kernel is reached") {
    return worked("unshare", unshare(CLONE_NEWUSER));
}

ATTACK(clone_user_ns, SHARED, "nor by clone") {
    pid_t child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (!child) _exit(0);
    return worked("clone", child);
}

ATTACK(clone3_user_ns, SHARED, "nor by clone3") {
    unsigned long long arguments[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    pid_t child = syscall(SYS_clone3, arguments, 64);
    if (!child) _exit(0);
    return worked("clone3", child);
}

ATTACK(oom_lower, 0, "one cannot be spared when memory is short, so that the host's processes die first") {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return absent("oom_score_adj: %s", strerrorname_np(errno));
    return worked("write", write(fd, "-1000", 5));
}

ATTACK(rlimit_raise, 0, "a hard limit cannot be raised") {
    struct rlimit limit = {100, 100};
    setrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_max = 101;
    return worked("setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
}

ATTACK(priority, 0, "one's own priority cannot be raised over the host's processes'") {
    int now = getpriority(PRIO_PROCESS, 0);
    return worked("setpriority", setpriority(PRIO_PROCESS, 0, now - 1));
}

ATTACK(real_time, 0, "one cannot become a real-time process, which goes before all others") {
    struct sched_param lowest = {1};
    return worked("sched_setscheduler", sched_setscheduler(0, SCHED_FIFO, &lowest));
}

ATTACK(no_new_privs, 0, "a setuid program gives nothing: no_new_privs is set") {
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ? held("it is set") : out("it is not set");
}
