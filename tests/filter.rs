//! Which system calls are refused, and how.

use crate::support::{Case, Folder, Start, need_program, rootfs, starts};
use std::process::Command;

/// The calls that no container needs, and that `-strict` refuses besides.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_userfaultfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    470, // newer than gontainer
    100_000,
];
const REFUSED_IF_STRICT: &[libc::c_long] = &[
    libc::SYS_chroot,
    libc::SYS_clone3,
    libc::SYS_fanotify_init,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_tree,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    467, // open_tree_attr
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_setns,
    libc::SYS_umount2,
];

/// Makes each call, its number first, and prints the error's number.
const CALLER: [&str; 4] = [
    "--",
    "perl",
    "-e",
    "for (@ARGV) {
        my ($call, @rest) = map { $_ + 0 } split /,/;
        my $came = syscall($call, @rest);
        print $came == -1 ? $! + 0 : 0, qq(\n);
    }",
];

/// Arguments that no call can use.
fn nonsense(calls: &[libc::c_long]) -> Vec<String> {
    calls.iter().map(|call| format!("{call},-1,-1,-1,-1,-1,-1")).collect()
}

/// What each of these calls gives.
fn errors(case: Case, calls: &[String]) -> Vec<i32> {
    case.args(CALLER).args(calls).run().text().lines().map(|line| line.parse().unwrap()).collect()
}

/// Old calls are not permitted; newer ones seem not to be there.
fn refusals(calls: &[libc::c_long]) -> Vec<i32> {
    let are_missing =
        |call| call >= 424 || [libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl].contains(&call);
    calls.iter().map(|call| if are_missing(*call) { libc::ENOSYS } else { libc::EPERM }).collect()
}

/// Every way to have PID 1, or none.
const WAYS: [&str; 3] = ["-uts", "-pid", "-pid -as-pid1"];

#[test]
fn what_no_container_needs_is_refused() {
    for start in starts() {
        for way in WAYS {
            // With all capabilities, so that it is not for want of one.
            let case = || Case::new(start).words(way).arg("-cap=all");
            assert_eq!(errors(case(), &nonsense(REFUSED)), refusals(REFUSED), "{start:?} {way}");
            assert_eq!(errors(case().arg("-seccomp=default"), &nonsense(REFUSED)), refusals(REFUSED), "{start:?}");
            // Without it the kernel looks at what it is given.
            let calls = [libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_io_uring_setup, libc::SYS_perf_event_open];
            let without = errors(case().arg("-seccomp=off"), &nonsense(&calls));
            for (without, with) in without.into_iter().zip(refusals(&calls)) {
                assert_ne!(without, with);
            }
        }
    }
}

#[test]
fn what_containers_need_is_left_to_the_kernel() {
    const LEFT: &[(libc::c_long, i32)] = &[
        (libc::SYS_mount, libc::EFAULT),
        (libc::SYS_umount2, libc::EINVAL),
        (libc::SYS_setns, libc::EBADF),
        (libc::SYS_unshare, libc::EINVAL),
        (libc::SYS_ptrace, libc::ESRCH),
        (libc::SYS_clone3, libc::E2BIG),
        (libc::SYS_close_range, libc::EINVAL),
        (libc::SYS_openat2, libc::E2BIG),
        (libc::SYS_personality, 0),
    ];
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let calls: Vec<_> = LEFT.iter().map(|(call, _)| *call).collect();
        let wanted: Vec<_> = LEFT.iter().map(|(_, errno)| *errno).collect();
        assert_eq!(errors(Case::new(start).arg("-pid"), &nonsense(&calls)), wanted);
    }
}

#[test]
fn nothing_can_be_typed_on_or_pasted_to_the_terminal() {
    const TIOCSTI: u64 = 0x5412;
    const TIOCLINUX: u64 = 0x541c;
    const TIOCSETD: u64 = 0x5423;
    for start in starts() {
        for way in WAYS {
            for request in [TIOCSTI, TIOCLINUX, TIOCSETD] {
                // The kernel takes a request's low half only: CVE-2019-10063.
                let calls: Vec<String> = [0, 1 << 32, 0xffff_ffff << 32_u64]
                    .map(|high: u64| format!("{},0,{},0", libc::SYS_ioctl, (request | high).cast_signed()))
                    .into();
                let run = Case::new(start).words(way).on_terminal().piped(1).piped(2).args(CALLER).args(calls).run();
                run.prints("1\n1\n1\n").that("nothing was typed", run.screen.is_empty());
            }
        }
    }
}

#[test]
fn sockets_that_no_namespace_holds_are_of_no_known_family() {
    let socket = |family: i32, kind: i32| format!("{},{family},{kind},0", libc::SYS_socket);
    const NONE: i32 = libc::EAFNOSUPPORT;
    for start in starts() {
        let calls = [
            socket(libc::AF_UNIX, 1),
            socket(libc::AF_INET, 1),
            socket(libc::AF_INET6, 1),
            socket(libc::AF_NETLINK, 3),
            socket(libc::AF_VSOCK, 1),
            socket(libc::AF_ALG, 5),
        ];
        let [unix, inet, _, netlink, vsock, alg] = errors(Case::new(start).arg("-net"), &calls).try_into().unwrap();
        assert_eq!([unix, inet, netlink, vsock, alg], [0, 0, 0, NONE, NONE]);
        let pair = |family: i32| format!("{},{family},1,0", libc::SYS_socketpair);
        let calls = [socket(libc::AF_PACKET, 3), socket(libc::AF_UNIX, 1), pair(libc::AF_TIPC), pair(libc::AF_UNIX)];
        assert_eq!(errors(Case::new(start).arg("-strict"), &calls), [NONE, 0, NONE, libc::EFAULT]);
    }
}

/// A program that makes a call of i386, or starts a thread.
fn compiled(folder: &Folder) -> Option<String> {
    let compiler = need_program("cc")?;
    folder.file(
        "program.c",
        0o644,
        r#"
        #include <pthread.h>
        #include <stdio.h>
        static void *run(void *text) { puts(text); return 0; }
        int main(int count, char **words) {
            pthread_t thread;
            if (count > 1)
                return pthread_create(&thread, 0, run, words[1]) || pthread_join(thread, 0);
        #ifdef __x86_64__
            int pid = 20;
            __asm__ volatile("int $0x80" : "+a"(pid) : : "memory", "r8", "r9", "r10", "r11");
            return pid <= 0;
        #else
            return 1;
        #endif
        }"#,
    );
    let (from, to) = (folder.join("program.c"), folder.join("program"));
    assert!(Command::new(compiler).args(["-static", "-pthread", "-o", &to, &from]).status().unwrap().success());
    Some(to)
}

#[test]
fn calls_of_another_architecture_end_the_program() {
    for start in starts() {
        let folder = Folder::new(start.user);
        let Some(program) = compiled(&folder) else { return };
        let direct = Case::direct(start.user).arg(&program).run();
        let run = Case::new(start).arg("-pid").command(&program).run();
        if direct.code() == Some(0) {
            run.stdout("").status(128 + libc::SIGSYS);
            Case::new(start).words("-pid -seccomp=off").command(&program).run().prints("");
        } else {
            run.that("this kernel has no such calls anyway", run.code() != Some(0));
        }
        // x86_64's other numbers; elsewhere there are none.
        assert_eq!(errors(Case::new(start).arg("-pid"), &[format!("{}", 0x4000_0000 | 39)]), [libc::ENOSYS]);
    }
}

#[test]
fn strict_makes_no_namespace_and_mounts_nothing() {
    const NEW: [i32; 7] = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWCGROUP,
    ];
    for start in starts() {
        let case = || Case::new(start).arg("-strict");
        let refused = [REFUSED, REFUSED_IF_STRICT].concat();
        assert_eq!(errors(case(), &nonsense(&refused)), refusals(&refused), "{start:?}");
        let mut calls: Vec<String> = NEW.map(|flag| format!("{},{flag}", libc::SYS_unshare)).into();
        calls.extend(NEW.map(|flag| format!("{},{},0,0,0,0", libc::SYS_clone, flag | libc::SIGCHLD)));
        calls.push(format!("{},{}", libc::SYS_unshare, 0x80)); // CLONE_NEWTIME
        assert!(errors(case(), &calls).iter().all(|errno| *errno == libc::EPERM));
        // What is no namespace is no matter: a descriptor table of its own.
        assert_eq!(errors(case(), &[format!("{},{}", libc::SYS_unshare, libc::CLONE_FILES)]), [0]);
        let state = case().command("grep -E ^(CapPrm|CapBnd|NoNewPrivs|Seccomp): /proc/self/status").run().text();
        let none = "0000000000000000";
        assert_eq!(state, format!("CapPrm:\t{none}\nCapBnd:\t{none}\nNoNewPrivs:\t1\nSeccomp:\t2\n"));
        for kind in ["user", "uts", "ipc", "net", "pid", "cgroup", "mnt"] {
            let inside = case().command(&format!("readlink /proc/self/ns/{kind}")).run().text();
            assert_ne!(inside.trim_end(), crate::support::namespace(kind));
        }
    }
}

#[test]
fn strict_takes_back_nothing() {
    for start in starts() {
        for loose in [
            "-cap=+kill",
            "-cap=all",
            "-seccomp=off",
            "-seccomp=/x",
            "-new-privs",
            "-uid=false",
            "-uts=false",
            "-ipc=false",
            "-net=false",
            "-pid=false",
            "-cgroup=false",
            "-time=false",
            "-ro=false",
            "-proc=none", // without -mnt
        ] {
            let case = Case::new(start).args(["-strict", loose]).command("true");
            case.run().refuses(2, "gontainer: -strict: no flag may loosen it");
        }
        // A filter of one's own is not left out without a word.
        let case = Case::new(start).args(["-seccomp=/x", "-strict"]).command("true");
        case.run().refuses(2, "gontainer: -strict: no flag may loosen it");
        for fine in ["-cap=none", "-seccomp=default", "-new-privs=false", "-hostname=x"] {
            Case::new(start).args(["-strict", fine]).command("true").run().prints("");
        }
        Case::new(start).args(["-cap=all", "-new-privs", "-strict"]).command("true").run().prints("");
    }
}

#[test]
fn ordinary_programs_run() {
    for start in starts() {
        let folder = Folder::new(start.user);
        let Some(program) = compiled(&folder) else { return };
        let Some(compiler) = need_program("cc") else { return };
        let Some(strace) = need_program("strace") else { return };
        let (source, made) = (folder.join("program.c"), folder.join("made"));
        for flags in ["-pid", "-strict"] {
            let case = || Case::new(start).arg(flags);
            case().command(&program).arg("thread").run().prints("thread\n");
            case().script("seq 3 | sort -r | grep 2").run().prints("2\n");
        }
        let case = || Case::new(start).arg("-pid");
        case().command(&format!("{} -static -pthread -o {made} {source}", compiler.display())).run().prints("");
        case().command(&made).arg("made").run().prints("made\n");
        let traced = format!("{} -f -o /dev/null {made} traced", strace.display());
        case().command(&traced).run().prints("traced\n");
        if !start.is_real_root() {
            case().command("unshare -U true").run().prints(""); // containers in containers
        }
    }
}

/// A program that lets one call fail, as bytes.
fn bpf(call: libc::c_long, errno: i32) -> Vec<u8> {
    let call = u32::try_from(call).unwrap();
    let refuse = libc::SECCOMP_RET_ERRNO | u32::try_from(errno).unwrap();
    [(0x20_u16, 0_u8, 0_u8, 0_u32), (0x15, 0, 1, call), (0x06, 0, 0, refuse), (0x06, 0, 0, libc::SECCOMP_RET_ALLOW)]
        .iter()
        .flat_map(|(code, yes, no, operand)| {
            [&code.to_ne_bytes()[..], &[*yes, *no], &operand.to_ne_bytes()[..]].concat()
        })
        .collect()
}

#[test]
fn a_filter_from_a_file_is_the_only_one() {
    for start in starts() {
        let folder = Folder::new(start.user);
        folder.file("filter", 0o644, bpf(libc::SYS_getppid, libc::EXDEV));
        for way in WAYS {
            let flag = format!("-seccomp={}", folder.join("filter"));
            let calls = [format!("{}", libc::SYS_getppid), format!("{},-1,-1", libc::SYS_keyctl)];
            let errors = errors(Case::new(start).words(way).arg(&flag), &calls);
            assert!(errors[0] == libc::EXDEV && errors[1] != libc::ENOSYS, "{errors:?}");
            // From a pipe as well, which is read to its end.
            let gontainer = crate::support::gontainer().display();
            let flags = start.flags.join(" ");
            let state = "grep ^Seccomp_filters: /proc/self/status";
            let pipe = format!(
                "cat {} | {gontainer} -run {flags} {way} -seccomp=/dev/stdin -- {state}",
                folder.join("filter")
            );
            Case::direct(start.user).args(["sh", "-c", &pipe]).run().prints("Seccomp_filters:\t1\n");
            // It holds for the command, and what gontainer does for itself is no matter.
            for own in [libc::SYS_prctl, libc::SYS_setpgid, libc::SYS_rt_sigtimedwait, libc::SYS_capset] {
                folder.file("own", 0o644, bpf(own, libc::EXDEV));
                let case = Case::new(start).words(way).arg(format!("-seccomp={}", folder.join("own")));
                case.command("grep ^Seccomp: /proc/self/status").run().prints("Seccomp:\t2\n");
            }
            Case::new(start)
                .words(way)
                .arg("-seccomp=off")
                .command("grep ^Seccomp: /proc/self/status")
                .run()
                .prints("Seccomp:\t0\n");
        }
    }
}

#[test]
fn a_file_that_is_no_filter_is_refused() {
    for start in starts() {
        let folder = Folder::new(start.user);
        let whole = bpf(libc::SYS_getppid, 7);
        let size = format!("gontainer: read the filter of system calls: size({})", folder.join("filter"));
        for (content, line, hint) in [
            (&whole[..31], format!("{size}: invalid argument (EINVAL)"), "-seccomp takes BPF as libseccomp"),
            (&[], format!("{size}: invalid argument (EINVAL)"), "-seccomp takes BPF as libseccomp"),
            (&[0; 4097 * 8], format!("{size}: file too large (EFBIG)"), "-seccomp takes BPF as libseccomp"),
            (
                &[255; 64],
                "gontainer: filter system calls: prctl PR_SET_SECCOMP: invalid argument (EINVAL)".into(),
                "the kernel does not take",
            ),
        ] {
            folder.file("filter", 0o644, content);
            let flag = format!("-seccomp={}", folder.join("filter"));
            Case::new(start).args(["-pid", &flag]).command("true").run().refuses(125, &line).hints(hint);
        }
        Case::new(start)
            .args(["-pid", "-seccomp="])
            .command("true")
            .run()
            .refuses(2, "gontainer: -seccomp: must not be empty");
    }
}

#[test]
fn a_plan_reads_no_filter() {
    for start in starts() {
        let plan = Case::new(start).args(["-pid", "-plan", "-seccomp=/nowhere"]).command("true").run().text();
        assert!(plan.contains("  filter system calls\n") && plan.contains("  run the command\n"), "{plan}");
    }
}

#[test]
fn with_new_privileges_the_filter_holds_as_well() {
    for start in starts() {
        let state = "grep -E ^(NoNewPrivs|Seccomp): /proc/self/status";
        let case = |start: Start| Case::new(start).args(["-pid", "-new-privs"]);
        case(start).command(state).run().prints("NoNewPrivs:\t0\nSeccomp:\t2\n");
        let root = rootfs(start.user);
        case(start).root(&root).command(state).run().prints("NoNewPrivs:\t0\nSeccomp:\t2\n");
    }
}

/// To the kernel real root owns every user namespace that root made, and a host's process with no more capabilities
/// than its own is one to take descriptors from.
#[test]
fn real_root_enters_no_namespace_and_takes_no_descriptor() {
    const ALLOWED: [i32; 2] = [libc::EBADF, libc::EINVAL]; // of what is no descriptor
    for start in starts() {
        let calls = nonsense(&[libc::SYS_setns, libc::SYS_pidfd_getfd]);
        let wanted = if start.is_real_root() { [libc::EPERM, libc::ENOSYS] } else { ALLOWED };
        for way in WAYS {
            assert_eq!(errors(Case::new(start).words(way), &calls), wanted, "{}", start.user.name);
            assert_eq!(errors(Case::new(start).words(way).arg("-cap=all"), &calls), ALLOWED);
        }
    }
}

#[test]
fn a_filter_that_refuses_even_the_end_lets_nobody_run_for_ever() {
    for start in starts() {
        let folder = Folder::new(start.user);
        folder.file("filter", 0o644, &bpf(0, libc::EPERM)[16..24]); // one instruction: an error for every call
        for way in WAYS {
            let case = Case::new(start).words(way).arg(format!("-seccomp={}", folder.join("filter")));
            case.command("true")
                .run()
                .refuses(126, "gontainer: run the command: execve(true): operation not permitted (EPERM)");
        }
    }
}

/// nginx, for one, speaks so to its workers; on a terminal it is the way to the caller's shell.
#[test]
fn signals_for_input_are_refused_where_there_may_be_a_terminal() {
    let Some(_) = need_program("perl") else { return };
    let program = "use Fcntl; use Errno; pipe(R, W); my $on = pack('i', 1); \
                   print((fcntl(R, F_SETFL, 0x2000) ? 1 : 0), (fcntl(R, 10, 0) ? 1 : 0), (ioctl(R, 0x5452, $on) ? 1 : 0), \
                   (fcntl(R, F_SETFL, 0) ? 1 : 0), (fcntl(R, F_GETFL, 0) ? 1 : 0), qq(\\n))";
    for start in starts() {
        for way in ["-pid", "-strict", "-strict -mnt=/ -dev=none"] {
            if start.is_real_root() && way.contains("-mnt") {
                continue; // no device opens there
            }
            let case = || Case::new(start).words(way).args(["--", "perl", "-e", program]);
            // On the host's tree with -strict it would find one that it was not given; and one may be handed on.
            case().run().prints(if way == "-pid" { "11111\n" } else { "00011\n" });
            let handed = Case::new(start).leaking(205..206).words("-pid -fd=205");
            handed.args(["--", "perl", "-e", program]).run().prints("00011\n");
            let run = case().on_terminal().piped(2).run();
            run.that("refused on a terminal", run.screen == "00011\r\n");
            // Of another session, too, as what Python's start_new_session starts has it.
            let Some(setsid) = need_program("setsid") else { continue };
            let case = Case::direct(start.user).arg(setsid).arg("-w").arg(crate::support::gontainer()).arg("-run");
            let case = case.args(start.flags).words(way).args(["--", "perl", "-e", program]);
            let run = case.on_terminal().piped(2).run();
            run.that("and on somebody else's", run.screen == "00011\r\n");
        }
    }
}
