// What attacks are made of. Each is one ATTACK in one of the files beside this one: its id, what it proves,
// and the attempt. It runs in a process of its own, so it may leave that in any state; it does no harm where
// it succeeds: it opens for writing and does not write, writes back what it read, names what is not there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome {
    HELD,   // nothing was reached
    OUT,    // it worked
    ABSENT, // there is nothing to attack: the kernel lacks it, or the host's side was not given
};

enum {
    SHARED = 1, // working is what leaving a namespace out means: it says "reaches"
    NESTED = 2, // tried as root of one more user namespace, with its own mounts and PIDs
};

typedef enum outcome attempt(void);
void add(const char *name, int flags, const char *proves, attempt *attempt);

#define ATTACK(name, flags, proves)                                                                     \
    static enum outcome try_##name(void);                                                               \
    __attribute__((constructor)) static void add_##name(void) { add(#name, flags, proves, try_##name); } \
    static enum outcome try_##name(void)

// The same once more, as root of a further user namespace.
#define NESTED_ATTACK(name, of, proves)                                                                 \
    __attribute__((constructor)) static void add_##name(void) { add(#name, NESTED, proves, try_##of); }

// A fact about the host's side, given as NAME=VALUE; NULL if it was not.
const char *fact(const char *name);
// Whether our namespace of this kind is the one that the host's side is in.
bool in_the_hosts(const char *kind);
// A directory to mount on and to make files in.
const char *work(void);

// The outcome, with a remark: the text, and for a call that failed its errno.
enum outcome held(const char *remark, ...);
enum outcome out(const char *remark, ...);
enum outcome absent(const char *remark, ...);
// OUT if the call succeeded.
enum outcome worked(const char *call, long result);
// OUT unless the call was refused: any other error comes after the check of rights. ENOSYS may be a filter's.
enum outcome reached(const char *call, long result);
// OUT if the file opens.
enum outcome opens(const char *path, int flags);
// OUT if the mode of a device file can be set, to what it is already.
enum outcome sets_mode(const char *path);
// OUT if the host's witness is read through this path in front of its own; `at` as for openat(2).
enum outcome witness_at(int at, const char *prefix);

// Text of a file, up to a terminating zero; -1 if it cannot be read.
long contents(const char *path, char *buffer, size_t size);
// Opens for writing and writes back what was read.
enum outcome rewrites(const char *path);
bool starts_with(const char *text, const char *start);
