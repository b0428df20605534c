// The host's files and devices: leaked descriptors, ways out of a root, device nodes.
#include "attack.h"
#include <dirent.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

ATTACK(host_file, SHARED, "a file of the host's is not there") { return witness_at(AT_FDCWD, ""); }

ATTACK(fd_leak, 0, "no descriptor of the caller's is open (CVE-2024-21626)") {
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0) return out("descriptor %d", fd);
    return held("none");
}

ATTACK(fd_leak_cwd, 0, "the working directory lies inside") {
    char path[4096] = "";
    if (syscall(SYS_getcwd, path, sizeof path) < 0) return out("getcwd: %s", strerrorname_np(errno));
    return path[0] == '/' ? held("%s", path) : out("%s", path);
}

#define UP "../../../../../../../../../../../../../../../.."

ATTACK(dotdot, 0, "`..` ends at /") {
    if (fact("tree")) return absent("the tree is the host's");
    int root = open("/", O_PATH | O_DIRECTORY);
    return witness_at(root, UP);
}

ATTACK(double_chroot, 0, "a second chroot does not lead out of the first") {
    if (fact("tree")) return absent("the tree is the host's");
    int root = open("/", O_RDONLY | O_DIRECTORY);
    if (chroot(work())) return held("chroot: %s", strerrorname_np(errno));
    if (fchdir(root)) return held("fchdir: %s", strerrorname_np(errno));
    for (int level = 0; level < 64; level++)
        if (chdir("..")) return held("chdir: %s", strerrorname_np(errno));
    if (chroot(".")) return held("chroot: %s", strerrorname_np(errno));
    return witness_at(AT_FDCWD, "");
}

NESTED_ATTACK(nested_double_chroot, double_chroot, "nor in a nested user namespace")

// A directory moved out of the mount that it was entered by: above it lies what is above the mount's root.
ATTACK(dotdot_moved, 0, "`..` in a directory that was moved out of its bind mount ends there (path_connected)") {
    if (fact("tree")) return absent("the tree is the host's");
    char inner[300], bound[300], deep[320], moved[300];
    snprintf(inner, sizeof inner, "%s/inner", work());
    snprintf(bound, sizeof bound, "%s/bound", work());
    snprintf(deep, sizeof deep, "%s/inner/deep", work());
    snprintf(moved, sizeof moved, "%s/deep", work());
    mkdir(inner, 0700), mkdir(bound, 0700), mkdir(deep, 0700);
    enum outcome outcome = held("mkdir: %s", strerrorname_np(errno));
    if (mount(inner, bound, NULL, MS_BIND, NULL)) outcome = held("mount: %s", strerrorname_np(errno));
    else if (chdir(bound) || chdir("deep") || rename(deep, moved)) outcome = held("rename: %s", strerrorname_np(errno));
    else outcome = witness_at(AT_FDCWD, UP);
    rmdir(moved), rmdir(deep), rmdir(inner), umount2(bound, MNT_DETACH), rmdir(bound);
    return outcome;
}

ATTACK(dotdot_race, 0, "`..` out of directories that are exchanged all the time ends at /") {
    if (fact("tree")) return absent("the tree is the host's");
    char one[300], two[300];
    snprintf(one, sizeof one, "%s/one", work());
    snprintf(two, sizeof two, "%s/two", work());
    mkdir(one, 0700), mkdir(two, 0700);
    strcat(one, "/in"), strcat(two, "/in");
    mkdir(one, 0700), mkdir(two, 0700);
    pid_t racer = fork();
    while (!racer) syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE);
    enum outcome outcome = HELD;
    int at = open(one, O_PATH | O_DIRECTORY);
    for (int round = 0; round < 20000 && outcome != OUT; round++) outcome = witness_at(at, UP);
    kill(racer, SIGKILL);
    waitpid(racer, NULL, 0);
    rmdir(one), rmdir(two);
    *strrchr(one, '/') = *strrchr(two, '/') = 0;
    rmdir(one), rmdir(two);
    return outcome;
}

ATTACK(unmount_root, 0, "under / there is no other root") {
    if (fact("tree")) return absent("the tree is the host's");
    while (!umount2("/", MNT_DETACH)) continue;
    chdir("/");
    return witness_at(AT_FDCWD, UP);
}

ATTACK(pivot_back, 0, "pivot_root does not bring the old root back") {
    if (fact("tree")) return absent("the tree is the host's");
    if (mount(work(), work(), NULL, MS_BIND, NULL)) return held("mount: %s", strerrorname_np(errno));
    if (chdir(work()) || syscall(SYS_pivot_root, ".", ".")) return held("pivot_root: %s", strerrorname_np(errno));
    for (int root = 0; root < 4; root++) {
        if (witness_at(AT_FDCWD, "") == OUT || witness_at(AT_FDCWD, UP) == OUT) return OUT;
        umount2("/", MNT_DETACH);
        chdir("/");
    }
    return held("not there");
}

ATTACK(open_by_handle, 0, "no file is opened by its handle: the root of the file system cannot be guessed (shocker)") {
    struct { struct file_handle head; uint32_t words[32]; } handle = {.head = {.handle_bytes = 128}};
    int mount_id, root = open("/", O_RDONLY | O_DIRECTORY);
    if (fact("tree")) return absent("the tree is the host's");
    if (syscall(SYS_name_to_handle_at, root, "", &handle, &mount_id, AT_EMPTY_PATH)) {
        bool none = errno == EOPNOTSUPP || errno == EOVERFLOW;
        return (none ? absent : held)("name_to_handle_at: %s", strerrorname_np(errno));
    }
    memcpy(&handle.words, (uint32_t[]){2, 0}, 8); // inode 2, any generation: the root of ext2 to ext4
    handle.head.handle_bytes = 8;
    bool has_such = handle.head.handle_type == 1;
    handle.head.handle_type = 1;
    int fd = syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && !has_such && errno != EPERM && errno != ENOSYS) return out("open_by_handle_at: %s", strerrorname_np(errno));
    if (fd < 0) return held("open_by_handle_at: %s", strerrorname_np(errno));
    return witness_at(fd, ".") == OUT ? OUT : out("inode 2");
}

NESTED_ATTACK(nested_open_by_handle, open_by_handle, "nor in a nested user namespace")

ATTACK(fanotify, 0, "a whole file system of the host's cannot be watched") {
    int watch = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
    if (watch < 0) watch = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY); // what an ordinary user may
    if (watch < 0) return held("fanotify_init: %s", strerrorname_np(errno));
    return worked("fanotify_mark", fanotify_mark(watch, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "/"));
}

ATTACK(fs_ioctl, 0, "the host's file system takes no orders, FITRIM for one") {
    int root = open("/", O_RDONLY | O_DIRECTORY);
    int result = ioctl(root, _IOWR('X', 121, unsigned long long[3]), NULL); // with nothing to do
    if (result < 0 && errno == ENOTTY) return absent("ioctl: ENOTTY");
    return reached("ioctl", result);
}

// Makes a node and reads from it, wherever one can be made.
static enum outcome node_opens(mode_t type, unsigned major, unsigned minor) {
    const char *dirs[] = {work(), "/", "/dev", "/dev/shm", "/tmp", "/run", "/dev/mqueue"};
    enum outcome outcome = held("nowhere to make one");
    for (size_t dir = 0; dir < (fact("tree") ? 1 : sizeof dirs / sizeof *dirs); dir++) {
        char path[300];
        snprintf(path, sizeof path, "%s/node-%d", dirs[dir], getpid());
        if (mknod(path, type | 0600, makedev(major, minor))) {
            if (errno == EPERM) outcome = held("mknod: EPERM");
            continue;
        }
        enum outcome opened = opens(path, O_RDONLY);
        unlink(path);
        if (opened == OUT) return out("in %s", dirs[dir]);
        if (opened == HELD) outcome = opened;
    }
    return outcome;
}

// The first disk that the kernel lists.
static bool disk(unsigned *major, unsigned *minor) {
    char text[4096];
    if (contents("/proc/partitions", text, sizeof text) < 0) return false;
    char *line = strchr(text, '\n');
    return line && sscanf(line, " %u %u", major, minor) == 2;
}

ATTACK(mknod_disk, 0, "a node made for the host's disk does not open") {
    unsigned major, minor;
    return disk(&major, &minor) ? node_opens(S_IFBLK, major, minor) : absent("no disk is listed");
}

ATTACK(mknod_tmpfs, 0, "nor one for the kernel's log in a file system mounted for it") {
    if (mount("tmpfs", work(), "tmpfs", 0, NULL)) return held("mount: %s", strerrorname_np(errno));
    return node_opens(S_IFCHR, 1, 11);
}

NESTED_ATTACK(nested_mknod, mknod_tmpfs, "nor in a nested user namespace")

ATTACK(mknod_mem, 0, "a node made for the memory of the machine does not open") {
    enum outcome outcome = node_opens(S_IFCHR, 1, 1);
    return outcome == HELD ? node_opens(S_IFCHR, 1, 4) : outcome;
}

ATTACK(mknod_kmsg, 0, "a node made for the kernel's log does not open") { return node_opens(S_IFCHR, 1, 11); }

ATTACK(mknod_tty, 0, "a node made for a terminal of the host's does not open") {
    enum outcome outcome = node_opens(S_IFCHR, 4, 0);
    return outcome == HELD ? node_opens(S_IFCHR, 136, 0) : outcome;
}

ATTACK(mknod_loop, 0, "a node made for loop devices, FUSE, KVM, TUN does not open") {
    static const unsigned minors[] = {237, 229, 232, 200};
    for (int index = 0; index < 4; index++)
        if (node_opens(S_IFCHR, 10, minors[index]) == OUT) return out("minor %u", minors[index]);
    return HELD;
}

static bool is_harmless(const struct stat *data) {
    unsigned major = major(data->st_rdev), minor = minor(data->st_rdev);
    if (!S_ISCHR(data->st_mode)) return !S_ISBLK(data->st_mode);
    if (major == 1) return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9; // null zero full random
    return (major == 5 && minor != 1) || (major >= 136 && major < 144); // tty, ptmx; pseudo-terminals
}

ATTACK(dev, SHARED, "/dev has no device that gives more than null, zero, full, random and terminals do") {
    DIR *dev = opendir("/dev");
    if (!dev) return absent("no /dev");
    for (struct dirent *entry; (entry = readdir(dev));) {
        struct stat data;
        if (fstatat(dirfd(dev), entry->d_name, &data, AT_SYMLINK_NOFOLLOW) || is_harmless(&data)) continue;
        int fd = openat(dirfd(dev), entry->d_name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0) return out("/dev/%s", entry->d_name);
    }
    return held("none opens");
}

enum outcome sets_mode(const char *path) {
    struct stat data;
    if (stat(path, &data) || !S_ISCHR(data.st_mode)) return absent("%.100s: no device", path);
    return worked("chmod", chmod(path, data.st_mode & 07777));
}

ATTACK(dev_modes, SHARED, "what is in /dev changes the mode of no device file of the host's") {
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
    for (size_t index = 0; index < sizeof devices / sizeof *devices; index++)
        if (sets_mode(devices[index]) == OUT) return out("%.100s", devices[index]);
    return held("chmod: %s", strerrorname_np(errno));
}

ATTACK(dev_shm, SHARED, "/dev/shm is not the host's") {
    return fact("shm_file") ? opens(fact("shm_file"), O_RDONLY) == OUT ? OUT : held("not there") : absent("none was made");
}

ATTACK(runtime_sockets, SHARED, "no service of the host's answers on a socket in the tree (Docker's, containerd's...)") {
    static const char *const paths[] = {
        "/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
        "/run/podman/podman.sock", "/run/systemd/private", "/run/dbus/system_bus_socket", "/run/snapd.socket",
    };
    const char *own = fact("socket");
    for (size_t index = 0; index <= sizeof paths / sizeof *paths; index++) {
        const char *path = index ? paths[index - 1] : own;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (!path) continue;
        snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (!connect(fd, (struct sockaddr *)&address, sizeof address)) return out("%s", path);
        close(fd);
    }
    return held("none answers");
}
