// What of the kernel no container needs; terminals; and other doors to the same calls.
#include "attack.h"
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/personality.h>
#include <sys/quota.h>
#include <sys/timex.h>
#include <time.h>

ATTACK(bpf, 0, "no BPF map or program can be made") {
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return reached("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
}

ATTACK(perf_event, 0, "no performance event can be opened") {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .exclude_kernel = 1, .exclude_hv = 1};
    return reached("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
}

ATTACK(userfaultfd, 0, "no page fault can be held up, to win a race in the kernel") {
    return reached("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

ATTACK(io_uring, 0, "no io_uring can be set up, whose calls no filter sees") {
    char parameters[120] = {0};
    return reached("io_uring_setup", syscall(SYS_io_uring_setup, 1, parameters));
}

ATTACK(keyctl, 0, "keyrings are out of reach, and they know no namespaces") {
    return reached("keyctl", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -4 /* the user's */, 1));
}

ATTACK(add_key, 0, "no key can be added") {
    return reached("add_key", syscall(SYS_add_key, "user", "gontainer-attack", "x", 1, -1 /* the thread's */));
}

ATTACK(request_key, 0, "no key can be requested, which has the host run a program") {
    return reached("request_key", syscall(SYS_request_key, "user", "gontainer-attack", NULL, 0));
}

ATTACK(kexec, 0, "no other kernel can be loaded") {
    return reached("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, ~0UL)); // no such flags
}

ATTACK(kexec_file, 0, "nor from a file") {
#ifdef SYS_kexec_file_load
    return reached("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, ~0UL));
#else
    return absent("not on this processor");
#endif
}

ATTACK(init_module, 0, "no kernel module can be loaded") {
    return reached("init_module", syscall(SYS_init_module, NULL, 0, ""));
}

ATTACK(finit_module, 0, "nor from a file") { return reached("finit_module", syscall(SYS_finit_module, -1, "", 0)); }

ATTACK(delete_module, 0, "no kernel module can be unloaded") {
    return reached("delete_module", syscall(SYS_delete_module, "gontainer-no-such", O_NONBLOCK));
}

ATTACK(swapon, 0, "no swap can be added") { return reached("swapon", syscall(SYS_swapon, "/gontainer/no/such", 0)); }

ATTACK(swapoff, 0, "no swap can be taken away") { return reached("swapoff", syscall(SYS_swapoff, "/gontainer/no/such")); }

ATTACK(reboot, 0, "the machine's Ctrl-Alt-Del cannot be set, nor the machine rebooted") {
    char now[8];
    if (contents("/proc/sys/kernel/ctrl-alt-del", now, sizeof now) <= 0) return absent("cannot tell the present setting");
    return worked("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, now[0] == '1' ? 0x89abcdef : 0, NULL));
}

ATTACK(clock_settime, 0, "the machine's clock cannot be set") {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return worked("clock_settime", clock_settime(CLOCK_REALTIME, &now));
}

ATTACK(settimeofday, 0, "nor its time zone") {
    struct { int minutes, dst; } zone;
    if (syscall(SYS_gettimeofday, NULL, &zone)) return absent("gettimeofday: %s", strerrorname_np(errno));
    return worked("settimeofday", syscall(SYS_settimeofday, NULL, &zone));
}

ATTACK(adjtimex, 0, "nor its pace") {
    struct timex pace = {0};
    adjtimex(&pace);
    pace.modes = ADJ_TICK;
    return worked("adjtimex", adjtimex(&pace));
}

ATTACK(sethostname, 0, "the host's name cannot be set") {
    char name[65];
    if (!in_the_hosts("uts")) return held("a UTS namespace of its own");
    gethostname(name, sizeof name);
    return worked("sethostname", sethostname(name, strlen(name)));
}

ATTACK(iopl, 0, "no port of the machine can be used") {
#ifdef SYS_iopl
    return worked("iopl", syscall(SYS_iopl, 3));
#else
    return absent("not on this processor");
#endif
}

ATTACK(ioperm, 0, "nor a single one") {
#ifdef SYS_ioperm
    return worked("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
#else
    return absent("not on this processor");
#endif
}

ATTACK(personality, SHARED, "no ABI is emulated that makes memory executable") {
    return worked("personality", personality(READ_IMPLIES_EXEC));
}

ATTACK(quotactl, 0, "disk quotas are out of reach") { return reached("quotactl", syscall(SYS_quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL)); }

ATTACK(acct, 0, "process accounting cannot be turned on") { return reached("acct", syscall(SYS_acct, "/gontainer/no/such")); }

ATTACK(syslog, 0, "the kernel's log is not read by syslog (dmesg)") {
    char text[4096];
    return worked("syslog", syscall(SYS_syslog, 3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof text));
}

ATTACK(vhangup, 0, "a terminal cannot be hung up") {
    setsid(); // with none of its own
    return worked("vhangup", syscall(SYS_vhangup));
}

ATTACK(lookup_dcookie, 0, "no path of the host's is told by dcookie") {
#ifdef SYS_lookup_dcookie
    char path[4096];
    return reached("lookup_dcookie", syscall(SYS_lookup_dcookie, 0ULL, path, sizeof path));
#else
    return absent("not on this processor");
#endif
}

// The other ABIs of an x86-64 kernel have numbers of their own, of which a filter must not know nothing.

ATTACK(abi_i386, 0, "no call gets around the filter by int 0x80") {
#ifdef __x86_64__
    long result = 20; // getpid there, writev here
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    errno = -result;
    return result > 0 ? out("getpid: %ld", result) : held("getpid: %s", strerrorname_np(errno));
#else
    return absent("not on this processor");
#endif
}

ATTACK(abi_x32, 0, "no call gets around the filter by a number of x32") {
#ifdef __x86_64__
    return worked("getpid", syscall(0x40000000 + SYS_getpid));
#else
    return absent("not on this processor");
#endif
}

// The caller's terminal: what is put into its input is run by the caller's shell.

static enum outcome on_terminal(const char *name, unsigned long request, void *argument, bool any_answer) {
    if (!isatty(0)) return absent("no terminal");
    int result = ioctl(0, TIOCGWINSZ, &(struct winsize){0});
    if (result) return absent("no terminal");
    result = syscall(SYS_ioctl, 0, request, argument);
    return any_answer ? reached(name, result) : worked(name, result);
}

ATTACK(tiocsti, 0, "no input is put into the terminal (CVE-2017-5226)") {
    return on_terminal("TIOCSTI", TIOCSTI, "#", false);
}

ATTACK(tiocsti_high, 0, "nor with a bit set that the kernel does not look at (CVE-2019-10063)") {
    return on_terminal("TIOCSTI", TIOCSTI | 1UL << 32, "#", false);
}

// A pseudo-terminal has no such request (ENOTTY): to get that answer is to be past the filter.
ATTACK(tioclinux, 0, "nothing is pasted into a console (CVE-2023-28100)") {
    return on_terminal("TIOCLINUX", TIOCLINUX, (char[]){3}, true);
}

ATTACK(tioclinux_high, 0, "nor with a bit set that the kernel does not look at") {
    return on_terminal("TIOCLINUX", TIOCLINUX | 1UL << 32, (char[]){3}, true);
}

// Its owner, whom the signal goes to, is the terminal's foreground group, in whatever PID namespace.
ATTACK(tty_sigio, 0, "the terminal sends no signals for what is typed, of any kind and to the caller's shell too") {
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), flags = fcntl(fd, F_GETFL);
    if (fd < 0) return absent("no terminal");
    long result = fcntl(fd, F_SETFL, flags | O_ASYNC);
    int saved = errno;
    fcntl(fd, F_SETFL, flags);
    errno = saved;
    return worked("F_SETFL", result);
}

ATTACK(tty_fioasync, 0, "nor by the other way to ask for them") {
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), on = 1, off = 0;
    if (fd < 0) return absent("no terminal");
    long result = ioctl(fd, FIOASYNC, &on);
    int saved = errno;
    ioctl(fd, FIOASYNC, &off);
    errno = saved;
    return worked("FIOASYNC", result);
}
