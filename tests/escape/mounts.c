// /proc, /sys and what covers them; mounts of every kind.
#include "attack.h"
#include <dirent.h>
#include <sys/statvfs.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

// What is under /proc/sys but belongs to namespaces, which one may own.
static bool is_namespaced(const char *name) {
    static const char *const own[] = {
        "sys/net/", "sys/user/", "sys/fs/mqueue/", "sys/fs/binfmt_misc/", "sys/kernel/hostname", "sys/kernel/domainname",
        "sys/kernel/shm", "sys/kernel/msg", "sys/kernel/sem", "sys/kernel/auto_msgmni", "sys/kernel/ns_last_pid",
        "sys/kernel/pid_max", "sys/vm/memfd_noexec", "pressure/", // the last is anybody's to watch
    };
    for (size_t index = 0; index < sizeof own / sizeof *own; index++)
        if (starts_with(name, own[index])) return true;
    return false;
}

// Finds a file below that can be opened for writing, and leaves its path.
static bool writable_below(const char *dir, size_t top, int depth, char path[4096]) {
    DIR *list = opendir(dir);
    bool found = false;
    if (!list) return false;
    for (struct dirent *entry; !found && (entry = readdir(list));) {
        char name[4096];
        if (entry->d_name[0] == '.' || (depth == 0 && entry->d_name[0] >= '0' && entry->d_name[0] <= '9')) continue;
        if ((size_t)snprintf(name, sizeof name, "%s/%s", dir, entry->d_name) >= sizeof name) continue;
        if (entry->d_type == DT_DIR && depth < 6) {
            found = writable_below(name, top, depth + 1, path);
        } else if (entry->d_type == DT_REG && !is_namespaced(name + top)) {
            // CAP_DAC_OVERRIDE opens what nobody can write too; and /dev/null may lie over it.
            struct stat data;
            bool can_be = !stat(name, &data) && S_ISREG(data.st_mode) && data.st_mode & 0222;
            int fd = can_be ? open(name, O_WRONLY | O_CLOEXEC | O_NONBLOCK) : -1;
            found = fd >= 0;
            if (found) strcpy(path, name), close(fd);
        }
    }
    closedir(list);
    return found;
}

static enum outcome writable(const char *dir) {
    char path[4096];
    size_t top = strlen(dir) + 1;
    return writable_below(dir, top, 0, path) ? out("%.200s", path) : held("nothing opens");
}

// What the machine's root may read of it.
static enum outcome proc_gives(const char *proc) {
    static const char *const secrets[] = {"kcore", "kmsg", "kpagecount", "timer_list", "slabinfo", "vmallocinfo"};
    char path[300];
    if (writable(proc) == OUT) return OUT;
    for (size_t index = 0; index < sizeof secrets / sizeof *secrets; index++) {
        snprintf(path, sizeof path, "%s/%s", proc, secrets[index]);
        char some[8]; // what covers a file may open, but gives nothing
        if (contents(path, some, sizeof some) > 0) return out("%.200s", path);
    }
    return held("nothing opens");
}

static enum outcome sys_gives(const char *sys) {
    static const char *const dirs[] = {"power", "firmware", "module", "kernel", "bus", "class/net"};
    char path[300];
    for (size_t index = 0; index < sizeof dirs / sizeof *dirs; index++) {
        snprintf(path, sizeof path, "%s/%s", sys, dirs[index]);
        if (writable(path) == OUT) return OUT;
    }
    return held("nothing opens");
}

static enum outcome both_give(void) { return proc_gives("/proc") == OUT ? OUT : sys_gives("/sys"); }

ATTACK(proc_writes, 0, "no file of /proc that concerns the machine opens for writing") { return writable("/proc"); }

ATTACK(proc_reads, 0, "no file of /proc shows the memory or the log of the machine") { return proc_gives("/proc"); }

ATTACK(sys_writes, 0, "no file of /sys opens for writing") { return sys_gives("/sys"); }

ATTACK(sysrq, 0, "the machine does not obey through sysrq-trigger") {
    int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return absent("ENOENT");
    return fd < 0 ? held("open: %s", strerrorname_np(errno)) : worked("write", write(fd, "h", 1)); // help
}

ATTACK(core_pattern, 0, "no program is put into core_pattern, to run on the host") {
    return rewrites("/proc/sys/kernel/core_pattern");
}

ATTACK(modprobe_path, 0, "no program is put in modprobe's place") { return rewrites("/proc/sys/kernel/modprobe"); }

ATTACK(uevent_helper, 0, "no program is put in place of the uevent helper") { return rewrites("/sys/kernel/uevent_helper"); }

ATTACK(binfmt_misc, 0, "no interpreter is registered for the host's programs") {
    if (in_the_hosts("user")) mount("binfmt_misc", work(), "binfmt_misc", 0, NULL);
    char path[300];
    snprintf(path, sizeof path, "%s/register", work());
    return opens(path, O_WRONLY) == OUT ? OUT : opens("/proc/sys/fs/binfmt_misc/register", O_WRONLY);
}

ATTACK(cover_modes, 0, "what covers a file of /proc changes the mode of no device file of the host's") {
    static const char *const covered[] = {"/proc/kcore", "/proc/keys", "/proc/kpagecount", "/proc/timer_list", "/proc/slabinfo"};
    for (size_t index = 0; index < sizeof covered / sizeof *covered; index++)
        if (sets_mode(covered[index]) == OUT) return out("%.100s", covered[index]);
    return held("chmod: %s", strerrorname_np(errno));
}

ATTACK(proc_modes, SHARED, "the mode of no file of /proc changes, which it would in the host's too") {
    struct stat data;
    if (stat("/proc/uptime", &data)) return absent("stat: %s", strerrorname_np(errno));
    return worked("chmod", chmod("/proc/uptime", data.st_mode & 07777));
}

ATTACK(kcore, 0, "the memory of the machine is not read through /proc/kcore") {
    char text[64];
    long got = contents("/proc/kcore", text, sizeof text);
    if (got == 0) return held("empty");
    return got < 0 && errno == ENOENT ? absent("ENOENT") : worked("read", got);
}

ATTACK(kmsg, 0, "the kernel's log is not read through /proc/kmsg or /dev/kmsg") {
    enum outcome outcome = opens("/dev/kmsg", O_RDONLY);
    return outcome == OUT ? OUT : opens("/proc/kmsg", O_RDONLY);
}

ATTACK(kallsyms, 0, "the kernel's addresses are not told") {
    char text[4096];
    if (contents("/proc/kallsyms", text, sizeof text) <= 0) return absent("no kallsyms: %s", strerrorname_np(errno));
    return starts_with(text, "0000000000000000") ? held("zeros") : out("%.16s", text);
}

ATTACK(keys, 0, "the caller's keys are not listed in /proc/keys") {
    static char text[1 << 16];
    if (contents("/proc/keys", text, sizeof text) < 0) return held("/proc/keys: %s", strerrorname_np(errno));
    return fact("word") && strstr(text, fact("word")) ? out("%s", fact("word")) : held("not listed");
}

// Every mount point below a directory, later ones first.
static int mounts_below(const char *dir, char paths[][300], int most) {
    static char lines[1 << 18];
    int count = 0, fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    for (ssize_t got; fd >= 0 && (got = read(fd, lines + length, sizeof lines - 1 - length)) > 0;) length += got;
    lines[length] = 0;
    close(fd);
    for (char *line = strtok(lines, "\n"); line && count < most; line = strtok(NULL, "\n"))
        if (sscanf(line, "%*s %*s %*s %*s %299s", paths[count]) == 1 && starts_with(paths[count], dir)) count++;
    for (int low = 0, high = count - 1; low < high; low++, high--) {
        char swap[300];
        strcpy(swap, paths[low]), strcpy(paths[low], paths[high]), strcpy(paths[high], swap);
    }
    return count;
}

static char paths[256][300];

ATTACK(covers_unmounted, 0, "with all covers of /proc and /sys unmounted, nothing shows") {
    int error = 0;
    for (int tries = 0; tries < 3; tries++) {
        for (int index = mounts_below("/proc/", paths, 256); index--;)
            if (umount2(paths[index], MNT_DETACH)) error = errno;
        for (int index = mounts_below("/sys/", paths, 256); index--;)
            if (umount2(paths[index], MNT_DETACH)) error = errno;
    }
    if (both_give() == OUT) return OUT;
    return error ? held("umount2: %s", strerrorname_np(error)) : HELD;
}

NESTED_ATTACK(nested_covers_unmounted, covers_unmounted, "nor in a nested user namespace")

ATTACK(covers_moved, 0, "with a cover of /proc or /sys moved away, nothing shows") {
    int error = 0;
    for (int index = mounts_below("/proc/", paths, 256); index--;) {
        struct stat data;
        char to[300];
        snprintf(to, sizeof to, "%s/%d", work(), index);
        if (stat(paths[index], &data)) continue;
        if (S_ISDIR(data.st_mode)) mkdir(to, 0700);
        else close(open(to, O_CREAT | O_WRONLY, 0600));
        if (mount(paths[index], to, NULL, MS_MOVE, NULL)) error = errno;
        else if (proc_gives("/proc") == OUT) return OUT;
        rmdir(to), unlink(to);
    }
    if (both_give() == OUT) return OUT;
    return error ? held("mount: %s", strerrorname_np(error)) : HELD;
}

ATTACK(second_proc, 0, "a second /proc, without covers, gives nothing") {
    if (mount("proc", work(), "proc", 0, NULL)) return held("mount: %s", strerrorname_np(errno));
    return proc_gives(work());
}

NESTED_ATTACK(nested_second_proc, second_proc, "nor in a nested user namespace")

ATTACK(second_sys, 0, "a second /sys, without covers, gives nothing") {
    if (mount("sysfs", work(), "sysfs", 0, NULL)) return held("mount: %s", strerrorname_np(errno));
    return sys_gives(work());
}

NESTED_ATTACK(nested_second_sys, second_sys, "nor in a nested user namespace")

ATTACK(proc_bound_bare, 0, "/proc bound elsewhere, without what covers it, gives nothing") {
    if (mount("/proc", work(), NULL, MS_BIND, NULL)) {
        int tree = syscall(SYS_open_tree, AT_FDCWD, "/proc", OPEN_TREE_CLONE);
        if (tree < 0) return held("mount, open_tree: %s", strerrorname_np(errno));
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
        return proc_gives(path);
    }
    return proc_gives(work());
}

NESTED_ATTACK(nested_proc_bound_bare, proc_bound_bare, "nor in a nested user namespace")

ATTACK(proc_overlaid, 0, "/proc as a layer of an overlay, without what covers it, gives nothing") {
    if (mount("overlay", work(), "overlay", 0, "lowerdir=/proc:/sys")) return held("mount: %s", strerrorname_np(errno));
    return proc_gives(work());
}

// Everything that is read-only, made writable by whoever may; keeping what is locked.
static int remount_all(void) {
    int error = 0;
    for (int index = mounts_below("/", paths, 256); index--;) {
        struct statvfs data;
        if (statvfs(paths[index], &data) || !(data.f_flag & ST_RDONLY)) continue;
        unsigned long kept = (data.f_flag & ST_NOSUID ? MS_NOSUID : 0) | (data.f_flag & ST_NODEV ? MS_NODEV : 0) |
            (data.f_flag & ST_NOEXEC ? MS_NOEXEC : 0) | (data.f_flag & ST_NOATIME ? MS_NOATIME : 0) |
            (data.f_flag & ST_RELATIME ? MS_RELATIME : 0);
        if (mount(NULL, paths[index], NULL, MS_REMOUNT | MS_BIND | kept, NULL)) error = errno;
    }
    return error;
}

ATTACK(covers_remounted, 0, "with all that covers /proc and /sys remounted writable, nothing opens") {
    int error = remount_all();
    if (both_give() == OUT) return OUT;
    return error ? held("mount: %s", strerrorname_np(error)) : held("nothing opens");
}

NESTED_ATTACK(nested_covers_remounted, covers_remounted, "nor in a nested user namespace")

ATTACK(bind_remounted, 0, "a read-only bind of the host's stays read-only") {
    char path[300];
    if (!fact("ro")) return absent("there is none");
    int error = remount_all();
    snprintf(path, sizeof path, "%s/new", fact("ro"));
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return held("mount: %s; open: %s", error ? strerrorname_np(error) : "done", strerrorname_np(errno));
    unlink(path);
    return out("%s", path);
}

NESTED_ATTACK(nested_bind_remounted, bind_remounted, "nor in a nested user namespace")

ATTACK(bind_unmounted, 0, "nor does a writable copy of it lie below, or come by binding it again") {
    char path[300];
    if (!fact("ro")) return absent("there is none");
    mount(fact("ro"), work(), NULL, MS_BIND, NULL);
    mount(NULL, work(), NULL, MS_REMOUNT | MS_BIND, NULL);
    umount2(fact("ro"), MNT_DETACH);
    const char *dirs[] = {fact("ro"), work()};
    for (int index = 0; index < 2; index++) {
        struct stat data;
        snprintf(path, sizeof path, "%s/mark", dirs[index]);
        if (stat(path, &data)) continue; // the bind's is not here
        snprintf(path, sizeof path, "%s/new", dirs[index]);
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0) continue;
        unlink(path);
        return out("%s", path);
    }
    return held("none is");
}

ATTACK(propagation, 0, "no mount made inside is made on the host too") {
    char line[4096];
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file) return absent("no /proc");
    // Shared with the host's side it would have the same peer group; that is what `peers` are.
    while (fgets(line, sizeof line, file)) {
        char *shared = strstr(line, " shared:");
        char group[32];
        if (!shared || sscanf(shared, " shared:%20s", group) != 1 || !fact("peers")) continue;
        char wanted[64];
        snprintf(wanted, sizeof wanted, ",%s,", group);
        if (strstr(fact("peers"), wanted)) return out("shared:%s", group);
    }
    return held("none is shared");
}

// Each opened as root of this namespace may; what needs the machine's root says EPERM at once.
static enum outcome mounts(const char *type, const char *data) {
    if (mount(type, work(), type, 0, data)) {
        if (errno == ENODEV) return absent("no %s", type);
        return held("mount: %s", strerrorname_np(errno));
    }
    return out("%s", type);
}

ATTACK(mount_debugfs, 0, "debugfs cannot be mounted") { return mounts("debugfs", NULL); }
ATTACK(mount_tracefs, 0, "tracefs cannot be mounted") { return mounts("tracefs", NULL); }
ATTACK(mount_securityfs, 0, "securityfs cannot be mounted") { return mounts("securityfs", NULL); }
ATTACK(mount_pstore, 0, "pstore cannot be mounted") { return mounts("pstore", NULL); }
ATTACK(mount_efivarfs, 0, "efivarfs cannot be mounted") { return mounts("efivarfs", NULL); }
ATTACK(mount_devtmpfs, 0, "the host's /dev cannot be mounted") { return mounts("devtmpfs", NULL); }

ATTACK(mount_devpts, 0, "a devpts mounted inside has none of the host's terminals") {
    if (mount("devpts", work(), "devpts", 0, NULL)) return held("mount: %s", strerrorname_np(errno));
    DIR *list = opendir(work());
    for (struct dirent *entry; list && (entry = readdir(list));)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') return out("/dev/pts/%s", entry->d_name);
    return held("empty");
}

ATTACK(fsopen_disk, 0, "no file system of a disk or a server can be made") {
    static const char *const types[] = {"ext4", "xfs", "btrfs", "squashfs", "erofs", "vfat", "iso9660", "9p", "nfs"};
    enum outcome outcome = absent("none is known");
    for (size_t index = 0; index < sizeof types / sizeof *types; index++) {
        int fd = syscall(SYS_fsopen, types[index], 0);
        if (fd < 0 && errno == ENODEV) continue;
        // Without a source: past the check of rights that is an error of its own.
        outcome = reached(types[index], fd < 0 ? fd : syscall(SYS_fsconfig, fd, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0));
        if (outcome == OUT) return OUT;
    }
    return outcome;
}

ATTACK(mount_disk, 0, "the host's disk cannot be mounted") {
    unsigned major, minor;
    char text[4096], name[64];
    if (contents("/proc/partitions", text, sizeof text) < 0) return absent("no disk is listed");
    char *line = strchr(text, '\n');
    if (!line || sscanf(line, " %u %u %*u %40s", &major, &minor, name) != 3) return absent("no disk is listed");
    char path[80];
    snprintf(path, sizeof path, "/dev/%s", name);
    // Taken by another file system it is EBUSY or EINVAL, which comes after it was found and opened.
    if (!mount(path, work(), "ext4", MS_RDONLY | MS_NOATIME, "noload")) return out("%s", path);
    return errno == EBUSY || errno == EINVAL ? out("mount: %s", strerrorname_np(errno)) : held("mount: %s", strerrorname_np(errno));
}

ATTACK(idmapped_mount, 0, "no mount gets another id map, to own what is the host's") {
    int ready[2];
    char byte, path[64];
    pipe(ready);
    pid_t child = fork();
    if (!child) {
        bool done = !unshare(CLONE_NEWUSER);
        write(ready[1], done ? "y" : "n", 1);
        pause();
    }
    read(ready[0], &byte, 1);
    snprintf(path, sizeof path, "/proc/%d/uid_map", child);
    int map = open(path, O_WRONLY | O_CLOEXEC);
    write(map, "0 0 1", 5);
    snprintf(path, sizeof path, "/proc/%d/gid_map", child);
    map = open(path, O_WRONLY | O_CLOEXEC);
    write(map, "0 0 1", 5);
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    unsigned long long attributes[4] = {0x00100000 /* MOUNT_ATTR_IDMAP */, 0, 0, open(path, O_RDONLY | O_CLOEXEC)};
    int tree = syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE);
    long result = tree < 0 ? -1 : syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, attributes, sizeof attributes);
    int saved = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = saved;
    return errno == EINVAL ? absent("mount_setattr: EINVAL") : worked(tree < 0 ? "open_tree" : "mount_setattr", result);
}

ATTACK(fuse, 0, "no FUSE file system can be served") { return opens("/dev/fuse", O_RDWR); }

ATTACK(loop_device, 0, "no loop device can be had") { return opens("/dev/loop-control", O_RDWR); }

// cgroups

ATTACK(release_agent, 0, "no program is put in as a cgroup's release_agent (CVE-2022-0492)") {
    static const char *const kinds[] = {"memory", "rdma", "cpu", "cpuset", "devices", "freezer", "pids", "misc"};
    char path[300];
    enum outcome outcome = held("nothing to mount");
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s/release_agent", kinds[index]);
        if (opens(path, O_WRONLY) == OUT) return OUT;
        if (mount("cgroup", work(), "cgroup", 0, kinds[index])) {
            if (errno != EINVAL) outcome = held("mount: %s", strerrorname_np(errno)); // which is: not known
            continue;
        }
        snprintf(path, sizeof path, "%s/release_agent", work());
        outcome = opens(path, O_WRONLY);
        umount2(work(), MNT_DETACH);
        if (outcome == OUT) return OUT;
    }
    return outcome;
}

NESTED_ATTACK(nested_release_agent, release_agent, "nor in a nested user namespace")

// Into the root of the hierarchy, or what shows as such.
static enum outcome moves_out(const char *root) {
    char path[300], before[4096], after[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", root);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return held("cgroup.procs: %s", strerrorname_np(errno));
    contents("/proc/self/cgroup", before, sizeof before);
    if (write(fd, "0", 1) < 0) return held("write: %s", strerrorname_np(errno));
    contents("/proc/self/cgroup", after, sizeof after);
    return strcmp(before, after) ? out("%s", root) : absent("it is there already");
}

ATTACK(cgroup_move, 0, "one cannot leave one's cgroup, and its limits, for the one at the top") {
    char path[300];
    snprintf(path, sizeof path, "/sys/fs/cgroup/unified");
    if (moves_out("/sys/fs/cgroup") == OUT || moves_out(path) == OUT) return OUT;
    unshare(CLONE_NEWCGROUP);
    if (mount("cgroup2", work(), "cgroup2", 0, NULL)) return held("mount: %s", strerrorname_np(errno));
    return moves_out(work());
}

NESTED_ATTACK(nested_cgroup_move, cgroup_move, "nor in a nested user namespace")

// Its files are the host's root's; who is that writes to cgroup.kill of all that it shows.
ATTACK(cgroup_mount, SHARED, "no cgroup tree is mounted, by which to end what else runs there, from a cgroup namespace") {
    if (unshare(CLONE_NEWCGROUP)) return held("unshare: %s", strerrorname_np(errno));
    return worked("mount", mount("cgroup2", work(), "cgroup2", 0, NULL));
}

NESTED_ATTACK(nested_cgroup_mount, cgroup_mount, "nor from one that a nested user namespace makes")

static int in_a_new_cgroup_namespace(void *unused) { return 0; }

ATTACK(clone_cgroup_ns, SHARED, "nor is that namespace made by clone, or clone3, whose flags no filter sees") {
    static char stack[16384];
    unsigned long args[8] = {CLONE_NEWUSER | CLONE_NEWCGROUP, [4] = SIGCHLD}; // struct clone_args
    long child = syscall(SYS_clone3, args, sizeof args);
    if (!child) _exit(0);
    if (child > 0) return waitpid(child, NULL, 0), out("clone3");
    int flags = CLONE_NEWUSER | CLONE_NEWCGROUP | SIGCHLD;
    child = clone(in_a_new_cgroup_namespace, stack + sizeof stack, flags, NULL);
    if (child > 0) waitpid(child, NULL, 0);
    return worked("clone", child);
}

ATTACK(listmount, 0, "no mount of another namespace is listed, whatever its number") {
    struct {
        unsigned size, spare;
        unsigned long long mount, parameter, mount_namespace;
    } asked = {32, 0, ~0ULL, 0, 0}; // LSMT_ROOT
    unsigned long long found[8];
    long own = syscall(458, &asked, found, 8, 0);
    if (own < 0 && errno == ENOSYS) return absent("the kernel lacks it");
    unsigned long long first = own > 0 ? found[0] : 0;
    for (asked.mount_namespace = 1; asked.mount_namespace < 100000; asked.mount_namespace++) {
        long count = syscall(458, &asked, found, 8, 0);
        if (count > 0 && found[0] != first) return out("of namespace %llu", asked.mount_namespace);
    }
    return held("listmount: %s", strerrorname_np(errno));
}
