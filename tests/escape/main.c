// Tries every way out, and prints a table.
//
//   attack [NAME=VALUE...]      tries all, with these facts about the host's side
//   attack try ID [NAME=VALUE]  tries one
//   attack host WORD DIR        is the host's side: prints its facts, and stays until its input ends
//   attack hunt WO RD           tries to get hold of every process on whose command line WORD is, until SIGTERM
#include "attack.h"
#include <signal.h>
#include <stdarg.h>

int be_the_hosts_side(const char *word, const char *dir);
int hunt(const char *first, const char *second);

static struct attack {
    const char *name;
    int flags;
    const char *proves;
    attempt *attempt;
} attacks[200];
static int count;
static char **facts;
static char note[256];

void add(const char *name, int flags, const char *proves, attempt *attempt) {
    if (count < 200) attacks[count++] = (struct attack){name, flags, proves, attempt};
}

const char *fact(const char *name) {
    size_t length = strlen(name);
    for (char **word = facts; *word; word++)
        if (!strncmp(*word, name, length) && (*word)[length] == '=') return *word + length + 1;
    return NULL;
}

bool in_the_hosts(const char *kind) {
    char path[64], own[64] = "";
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    const char *hosts = fact(kind);
    return readlink(path, own, sizeof own - 1) > 0 && hosts && !strcmp(own, hosts);
}

const char *work(void) { return fact("work") ? fact("work") : "/work"; }

#define REMARK(name, result)                                                                            \
    enum outcome name(const char *text, ...) {                                                          \
        va_list list;                                                                                   \
        va_start(list, text);                                                                           \
        vsnprintf(note, sizeof note, text, list);                                                       \
        va_end(list);                                                                                   \
        return result;                                                                                  \
    }
REMARK(held, HELD)
REMARK(out, OUT)
REMARK(absent, ABSENT)

enum outcome worked(const char *call, long result) {
    return result < 0 ? held("%s: %s", call, strerrorname_np(errno)) : out("%s", call);
}

enum outcome reached(const char *call, long result) {
    if (result >= 0) return out("%s", call);
    bool refused = errno == EPERM || errno == EACCES || errno == ENOSYS;
    return (refused ? held : out)("%s: %s", call, strerrorname_np(errno));
}

enum outcome opens(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) return absent("%s: ENOENT", path);
    if (fd < 0) return held("%s: %s", path, strerrorname_np(errno));
    close(fd);
    return out("%s", path);
}

long contents(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    long got = read(fd, buffer, size - 1);
    if (got >= 0) buffer[got] = 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return got;
}

enum outcome witness_at(int at, const char *prefix) {
    char path[4096], text[128] = "";
    if (!fact("witness")) return absent("no witness");
    snprintf(path, sizeof path, "%s%s", prefix, fact("witness"));
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return held("%s: %s", prefix, strerrorname_np(errno));
    if (read(fd, text, sizeof text - 1) < 0 || strcmp(text, fact("word"))) return held("another file");
    return out("%s...", prefix);
}

enum outcome rewrites(const char *path) {
    char text[4096];
    long length = contents(path, text, sizeof text);
    if (length < 0 && errno == ENOENT) return absent("%s: ENOENT", path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return held("%s: %s", path, strerrorname_np(errno));
    if (length < 0) return out("%s opens for writing", path);
    return worked(path, write(fd, text, length));
}

bool starts_with(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

static void row(const struct attack *attack, const char *outcome) {
    char id[64];
    snprintf(id, sizeof id, "%s", attack->name);
    for (char *at = id; *at; at++)
        if (*at == '_') *at = '-';
    printf("%-24s%-19s%s (%s)\n", id, outcome, attack->proves, note);
    fflush(stdout);
}

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;
    close(fd);
    return done;
}

// Becomes root of one more user namespace; the caller's next child is there in all respects.
static bool nest(void) {
    char map[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID)) return held("unshare: %s", strerrorname_np(errno)), false;
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_text("/proc/self/gid_map", map);
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_text("/proc/self/uid_map", map)) return held("uid_map: %s", strerrorname_np(errno)), false;
    return true;
}

static int judge(const struct attack *attack) {
    static const char *const says[] = {"held", "ESCAPED", "not possible here"};
    alarm(fact("patience") ? atoi(fact("patience")) : 5);
    enum outcome outcome = attack->attempt();
    row(attack, outcome == OUT && attack->flags & SHARED ? "reaches" : says[outcome]);
    return 0;
}

// Runs one attack in a child, or, for one that ends its child, says so.
static void run(const struct attack *attack, int (*how)(const struct attack *)) {
    int status;
    strcpy(note, "no remark");
    pid_t child = fork();
    if (!child) _exit(how(attack));
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (!WIFSIGNALED(status)) return;
    snprintf(note, sizeof note, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
    row(attack, WTERMSIG(status) == SIGSYS ? "held" : WTERMSIG(status) == SIGSEGV ? "not possible here" : "BROKEN");
}

static int try_nested(const struct attack *attack) {
    if (nest()) run(attack, judge);
    else row(attack, "held");
    return 0;
}

static int try_plain(const struct attack *attack) {
    // What one attack does to mounts is not to help or hinder the next. Refused, none can do anything to them.
    if (!unshare(CLONE_NEWNS)) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return judge(attack);
}

int main(int argc, char **argv) {
    facts = argv + 1;
    if (argc == 4 && !strcmp(argv[1], "host")) return be_the_hosts_side(argv[2], argv[3]);
    if (argc == 4 && !strcmp(argv[1], "hunt")) return hunt(argv[2], argv[3]);
    const char *only = argc > 2 && !strcmp(argv[1], "try") ? argv[2] : NULL;
    for (char *at = (char *)only; at && *at; at++)
        if (*at == '-') *at = '_';
    for (int index = 0; index < count; index++)
        if (!only || !strcmp(only, attacks[index].name))
            run(&attacks[index], attacks[index].flags & NESTED ? try_nested : try_plain);
    return 0;
}
