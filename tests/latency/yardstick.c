/*
 * The least work that starts a container, in the order in which gontainer does it, for latency.sh to
 * compare with: no libc, no checks, no flags, no host name, no loopback interface. x86-64 only, as it is
 * only a measure.
 *
 *   yardstick LETTERS ROOTFS COMMAND [ARG...]
 *
 * LETTERS: u(ser) p(id) m(ount) t (host name) i(pc) n(etwork) are namespaces; I puts a PID 1 between.
 * ROOTFS becomes the root; / keeps the host's. With p and m there is a new /proc.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d)
{
	long result;
	register long fourth __asm__("r10") = d;
	register long fifth __asm__("r8") = 0;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
			 : "rcx", "r11", "memory");
	return result;
}

/* Starts `entry` in a process that shares this memory, on the stack that ends at `top`. */
long start(long flags, char *top, void (*entry)(void));
__asm__("start: mov $56, %eax; xor %r10d, %r10d; xor %r8d, %r8d; mov %rdx, %r9; xor %edx, %edx\n"
	"syscall; test %rax, %rax; jnz 1f; call *%r9; 1: ret");

static char stacks[2][8192] __attribute__((aligned(16)));
static int pipe_ends[2];
static long flags;
static int has_init;
static char *root, **words;

static void become_command(void)
{
	static char *no_environment[1];
	call(SYS_execve, (long)words[0], (long)words, (long)no_environment, 0);
	call(SYS_exit_group, 127, 0, 0, 0);
}

static void child(void)
{
	int status = 0;
	char byte;
	call(SYS_close, pipe_ends[1], 0, 0, 0);
	if (flags & CLONE_NEWNS) {
		if (!(flags & CLONE_NEWUSER))
			call(SYS_mount, 0, (long)"/", 0, MS_REC | MS_PRIVATE);
		if (root) {
			call(SYS_mount, (long)root, (long)root, 0, MS_BIND | MS_REC);
			call(SYS_chdir, (long)root, 0, 0, 0);
		}
		if (flags & CLONE_NEWPID)
			call(SYS_mount, (long)"proc", (long)(root ? "proc" : "/proc"), (long)"proc",
			     MS_NOSUID | MS_NODEV | MS_NOEXEC);
		if (root) {
			call(SYS_pivot_root, (long)".", (long)".", 0, 0);
			call(SYS_umount2, (long)".", MNT_DETACH, 0, 0);
		}
	}
	call(SYS_read, pipe_ends[0], (long)&byte, 1, 0);
	if (!has_init)
		become_command();
	long command = start(CLONE_VM | CLONE_VFORK | SIGCHLD, stacks[1] + sizeof stacks[1], become_command);
	call(SYS_wait4, command, (long)&status, 0, 0);
	call(SYS_exit_group, status >> 8 & 255, 0, 0, 0);
}

static char *put(char *to, const char *text)
{
	while (*text) *to++ = *text++;
	return to;
}

static char *put_number(char *to, unsigned number)
{
	if (number > 9) to = put_number(to, number / 10);
	*to++ = '0' + number % 10;
	return to;
}

static void write_proc(long pid, const char *name, const char *line, long length)
{
	char path[64];
	*put(put(put_number(put(path, "/proc/"), pid), "/"), name) = 0;
	long fd = call(SYS_open, (long)path, O_WRONLY, 0, 0);
	call(SYS_write, fd, (long)line, length, 0);
	call(SYS_close, fd, 0, 0, 0);
}

static void map(long pid, const char *name, unsigned id)
{
	char line[32];
	write_proc(pid, name, line, put(put_number(put(line, "0 "), id), " 1") - line);
}

__attribute__((used)) void launch(long *arguments)
{
	static const char letters[] = "upmtin";
	static const long bits[] = { CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET };
	char **argv = (char **)(arguments + 1);
	int status = 0;
	for (char *given = argv[1]; *given; given++) {
		has_init |= *given == 'I';
		for (int i = 0; i < 6; i++)
			if (*given == letters[i]) flags |= bits[i];
	}
	root = argv[2][1] ? argv[2] : 0;
	words = argv + 3;
	call(SYS_pipe2, (long)pipe_ends, O_CLOEXEC, 0, 0);
	long pid = start(flags | CLONE_VM | SIGCHLD, stacks[0] + sizeof stacks[0], child);
	call(SYS_close, pipe_ends[0], 0, 0, 0);
	if (flags & CLONE_NEWUSER) {
		write_proc(pid, "setgroups", "deny", 4);
		map(pid, "gid_map", call(SYS_getgid, 0, 0, 0, 0));
		map(pid, "uid_map", call(SYS_getuid, 0, 0, 0, 0));
	}
	call(SYS_close, pipe_ends[1], 0, 0, 0);
	call(SYS_wait4, pid, (long)&status, 0, 0);
	call(SYS_exit_group, status >> 8 & 255, 0, 0, 0);
}
__asm__(".globl _start\n_start: mov %rsp, %rdi; and $-16, %rsp; call launch");
