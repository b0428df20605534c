//! What a root file system is given, and that nothing in a hostile one reaches the host.

use crate::support::{
    Case, Filter, Folder, Machine, Start, exchange, gontainer, mounts, need_program, root_users, rootfs, starts,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_small_dev_has_the_usual_devices_and_links() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "cd /dev; stat -c '%n %F %t:%T' null zero full random urandom tty
                      for link in fd stdin stdout stderr ptmx; do echo $link $(readlink $link); done
                      stat -c '%n %a' . pts shm pts/ptmx; cat <zero | head -c 3 | wc -c; echo >null; ls | wc -l
                      echo >/dev/shm/file && rm /dev/shm/file; echo 2>/dev/full >/dev/full || echo full";
        let expected = "null character special file 1:3\nzero character special file 1:5\n\
                        full character special file 1:7\nrandom character special file 1:8\n\
                        urandom character special file 1:9\ntty character special file 5:0\n\
                        fd /proc/self/fd\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\nstderr /proc/self/fd/2\n\
                        ptmx pts/ptmx\n. 755\npts 755\nshm 1777\npts/ptmx 666\n3\n13\nfull\n";
        let run = Case::new(start).root(&root).words("-pid").umask(0o077).script(script).run();
        run.stdout(expected).status(0);
        let types = "while read -r line; do set -- $line; case $2 in /dev/pts|/dev/shm|/dev|/dev/mqueue) echo $2 $3; esac; done </proc/mounts";
        let run = Case::new(start).root(&root).words("-pid -ipc").script(types).run();
        run.prints("/dev tmpfs\n/dev/pts devpts\n/dev/shm tmpfs\n/dev/mqueue mqueue\n");
        assert_eq!(fs::read_dir(root.path().join("dev")).unwrap().count(), 1);
    }
}

#[test]
fn with_a_terminal_it_is_the_console() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "[ $(stat -c %t:%T /dev/console) = $(stat -L -c %t:%T /proc/self/fd/0) ] && echo same";
        let run = Case::new(start).root(&root).words("-pid -quiet").on_terminal().script(script).run();
        run.status(0).that("it is the same", run.screen.trim_end() == "same");
    }
}

/// A terminal's name may lead to something else in the mount namespace that gontainer is started in.
#[test]
fn what_only_has_the_terminals_name_is_no_console() {
    for user in root_users() {
        let root = rootfs(user);
        let line = format!(
            "name=$(readlink /proc/self/fd/0) && mount -t tmpfs none /dev/pts && echo >$name || exit 41
             exec {} -run -pid -mnt={} -- sh -c '[ -e /dev/console ] || echo none'",
            gontainer().display(),
            root.join("")
        );
        let run = Case::direct(user).private_mounts().args(["sh", "-c", &line]).on_terminal().run();
        run.status(0).that("there is none", run.screen == "none\r\n");
    }
}

#[test]
fn each_part_can_be_left_out() {
    for start in starts() {
        let root = rootfs(start.user);
        root.file("etc/resolv.conf", 0o644, "own\n");
        let script = "ls /dev | wc -l; ls /proc | wc -l; ls /sys | wc -l; cat /etc/resolv.conf";
        let case = || Case::new(start).root(&root).words("-pid");
        case().words("-dev=none -proc=none -sys=none -dns=none").script(script).run().prints("1\n0\n0\nown\n");
        case().words("-net -dev=none -proc=none -sys=none").script(script).run().prints("1\n0\n0\nown\n");
        let run = case().words("-net -dev=none -proc=none").script("ls -d /sys/class/net/*; echo >/sys/x").run();
        run.that("there is a /sys", run.stdout == b"/sys/class/net/lo\n" && run.complaint().contains("Read-only"));
        for name in ["dev", "proc", "sys", "dns"] {
            let run = case().arg(format!("-{name}=some")).command("true").run();
            run.refuses(2, &format!("gontainer: -{name}: takes only none"));
        }
    }
}

/// Root inside has power over a file once its owner has a number there: whoever looks earlier finds closed doors, or
/// finds them open, by chance.
#[test]
fn what_only_root_may_do_in_the_tree_waits_for_the_id_maps() {
    let Some(strace) = need_program("strace") else { return };
    for start in starts() {
        let root = rootfs(start.user);
        root.file("etc/resolv.conf", 0o644, "own\n")
            .dir("closed")
            .dir("closed/in")
            .mode("etc", 0)
            .mode("closed", 0)
            .mode("", 0o555);
        // The child is ahead wherever it does not wait.
        let case = Case::direct(start.user).arg(&strace).words("-f -o /dev/null -e inject=openat:delay_enter=20000");
        let case = case.arg(gontainer()).arg("-run").args(start.flags).words("-pid").root(&root);
        let case = case.arg(format!("-bind={}:/tmp/x", root.join("closed/in")));
        let run =
            case.args(["--", "sh", "-c", "echo /proc/self /dev/null /tmp/x; grep -c resolv.conf /proc/self/mountinfo"]);
        let servers = u8::from(Path::new("/etc/resolv.conf").is_file());
        run.run().stdout(format!("/proc/self /dev/null /tmp/x\n{servers}\n")).stderr("");
        root.mode("", 0o755).mode("etc", 0o755).mode("closed", 0o755);
    }
}

#[test]
fn the_hosts_name_servers_are_used_with_its_network() {
    let Ok(hosts) = fs::read("/etc/resolv.conf") else { return crate::support::skip("no /etc/resolv.conf") };
    for start in starts() {
        let root = rootfs(start.user);
        root.file("etc/resolv.conf", 0o644, "own\n");
        let case = || Case::new(start).root(&root).words("-pid");
        case().command("cat /etc/resolv.conf").run().prints(&hosts);
        case().script("echo >/etc/resolv.conf").run().status(1);
        root.remove("etc/resolv.conf").dir("run").file("run/conf", 0o644, "own\n").link("etc/resolv.conf", "/run/conf");
        case().command("cat /run/conf").run().prints(&hosts);
        root.remove("run/conf");
        case().script("cat /etc/resolv.conf 2>/dev/null; ls /run").run().prints("");
    }
}

/// What stands in the rootfs's place for it may be anything, and an enemy's: it is left alone, and nothing waits.
#[test]
fn where_the_name_servers_file_is_no_file_there_are_none() {
    for start in starts() {
        let root = rootfs(start.user);
        let works = || {
            Case::new(start).root(&root).words("-pid").command("echo works").run().prints("works\n");
        };
        let path = root.path().join("etc/resolv.conf");
        root.dir("etc/resolv.conf");
        works();
        root.remove("etc/resolv.conf").link("etc/resolv.conf", "resolv.conf");
        works();
        root.remove("etc/resolv.conf").link("etc/resolv.conf", "passwd/below");
        works();
        root.remove("etc/resolv.conf").link("etc/resolv.conf", "/dev/null");
        works();
        root.remove("etc/resolv.conf");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        works();
        let script = "grep -c ' /etc/resolv.conf ' /proc/self/mountinfo";
        Case::new(start).root(&root).words("-pid").script(script).run().stdout("0\n").status(1);
    }
    // One that the caller may not even look for.
    for owner in root_users() {
        let root = rootfs(owner);
        root.file("etc/resolv.conf", 0o644, "own\n").mode("etc", 0o700);
        for start in starts().into_iter().filter(|start| !start.is_real_root()) {
            Case::new(start).root(&root).words("-pid").command("echo works").run().prints("works\n");
        }
    }
}

#[test]
fn a_host_whose_name_servers_file_is_missing_or_odd_holds_nobody_up() {
    for user in root_users() {
        let root = rootfs(user);
        root.file("etc/resolv.conf", 0o644, "own\n");
        let folder = Folder::new(user);
        let run = |prepare: &str, script: &str| {
            let line = format!(
                "{prepare} && exec {} -run -pid -mnt={} -- sh -c '{script}'",
                gontainer().display(),
                root.join("")
            );
            Case::direct(user).private_mounts().args(["sh", "-c", &line]).run()
        };
        // A folder over it hides it; one that nobody writes to would hold who reads it.
        run("mount -t tmpfs none /etc", "cat /etc/resolv.conf").prints("own\n");
        for target in ["resolv.conf", "file/below"] {
            let link = format!("mount -t tmpfs none /etc && : >/etc/file && ln -s {target} /etc/resolv.conf");
            run(&link, "cat /etc/resolv.conf").prints("own\n");
        }
        let fifo = format!("mkfifo {0} && mount --bind {0} /etc/resolv.conf", folder.join("fifo"));
        if Path::new("/etc/resolv.conf").exists() {
            run(&fifo, "echo works").prints("works\n");
        }
    }
}

#[test]
fn a_missing_folder_is_made_or_named() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        root.remove("proc").remove("dev").remove("sys");
        let at = root.join("");
        let run = format!("{} -run -uid -pid -net -mnt={at} -- true", gontainer().display());
        let read_only = format!("mount --bind {at} {at} && mount -o remount,bind,ro {at} && exec {run}");
        let outcome = Case::new(start).words("-pid").script(&read_only).run();
        outcome.refuses(125, "gontainer: move /proc into the rootfs: mkdir(/proc): read-only file system (EROFS)");
        outcome.hints("make it there first");
        Case::new(start).root(&root).words("-pid -net").umask(0o077).command("true").run().prints("");
        for (name, mode) in [("proc", 0o555), ("dev", 0o755), ("sys", 0o555)] {
            assert_eq!(fs::metadata(root.path().join(name)).unwrap().mode() & 0o7777, mode, "{name}");
        }
    }
}

#[test]
fn in_a_tree_of_somebody_elses_nothing_is_made_and_that_is_said() {
    for owner in root_users() {
        let root = rootfs(owner);
        root.remove("proc");
        for start in starts().into_iter().filter(|start| !start.is_real_root()) {
            let line = "gontainer: move /proc into the rootfs: mkdir(/proc): permission denied (EACCES)";
            for flags in ["-pid", "-pid -bind=/etc:/tmp"] {
                let run = Case::new(start).root(&root).words(flags).command("true").run();
                run.refuses(125, line).hints("only the owner of the tree can make a mount point");
            }
            let run = Case::new(start).words("-uts -tmpfs=/gontainer-tests/missing").command("true").run();
            run.status(125).hints("only the owner of the tree can make a mount point");
        }
    }
}

/// Real root owns the host's settings by plain file ownership: with core_pattern it would be out.
#[test]
fn the_hosts_settings_are_closed_to_real_root() {
    const PATTERN: &str = "/proc/sys/kernel/core_pattern";
    let before = fs::read(PATTERN).unwrap();
    for start in starts() {
        let root = rootfs(start.user);
        let tree = format!("-mnt={}", root.join(""));
        for flags in ["-pid", &format!("-pid {tree}"), &tree, &format!("-pid -net {tree}")] {
            let script = format!(
                "echo '|/x' >{PATTERN} && echo written
                 echo h >/proc/sysrq-trigger && echo written
                 for file in /proc/kcore /proc/keys /proc/timer_list; do [ ! -e $file ] || head -c 1 $file; done
                 umount /proc/sys; umount -l /proc; echo '|/x' >{PATTERN} && echo written; true"
            );
            let run = Case::new(start).words(flags).script(&script).run();
            if start.is_real_root() {
                run.stdout("");
            }
            run.that("nothing is written", !run.stdout.windows(7).any(|text| text == b"written"));
            assert_eq!(fs::read(PATTERN).unwrap(), before, "{flags}");
        }
    }
}

/// Debian's kernel has some that others lack. Opening one to append to it changes nothing.
#[test]
fn the_settings_of_debians_kernel_are_closed_to_real_root() {
    let Some(machine) = Machine::new() else { return };
    const TRY: &str = "for file in acpi/wakeup dynamic_debug/control irq/0/smp_affinity sysrq-trigger
                       do (: >>/proc/$file) 2>/dev/null && echo $file; done; true";
    let inside = ["-pid", "-uid -pid", "-uid -pid -strict", "-pid -mnt=/rootfs"]
        .map(|flags| (0, format!("gontainer -run {flags} -- sh -c '{TRY}'")));
    let outcomes = machine.root(TRY).scripts(&inside).boot();
    outcomes[0].prints("acpi/wakeup\ndynamic_debug/control\nirq/0/smp_affinity\nsysrq-trigger\n");
    outcomes[1..].iter().for_each(|outcome| _ = outcome.status(0).stdout(""));
}

/// A working directory below the host's /proc, which the new one covers, would be a way past what covers that.
#[test]
fn the_hosts_settings_are_closed_from_the_callers_directory_too() {
    for start in starts() {
        let script = "(cat core_pattern >core_pattern) 2>/dev/null && echo written; pwd -P";
        for flags in ["-pid", "-pid -as-pid1", "-pid -tmpfs=/srv"] {
            let case = Case::new(start).folder("/proc/sys/kernel").words(flags);
            case.script(script).run().prints("/proc/sys/kernel\n");
        }
    }
}

/// In a user namespace of its own, root inside has every capability over mounts, but not over locked ones.
#[test]
fn nested_namespaces_do_not_undo_the_covers() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        let Some(unshare) = need_program("unshare") else { return };
        let root = rootfs(start.user);
        root.program(&unshare);
        let script = "umount /proc/sys && echo unmounted; umount -l /proc && echo unmounted
                      mount -t proc proc /proc && echo mounted; mount -t proc proc /tmp && echo mounted
                      mount --bind /proc/sys /tmp && echo '|/x' >/tmp/kernel/core_pattern && echo written
                      mount -o remount,rw /proc/sys && echo remounted; mount -o remount,bind,rw /proc/sys && echo remounted
                      echo '|/x' >/proc/sys/kernel/core_pattern && echo written; echo tried";
        for flags in ["-pid", "-pid -net -ipc"] {
            let case = Case::new(start).words(flags).root(&root).arg("--").arg(&unshare);
            let run = case.args(["-U", "-r", "-m", "-p", "-f", "/bin/sh", "-c", script]).run();
            run.stdout("tried\n");
        }
    }
}

/// All calls of a start in order, each behind the number of its process, as strace tells them.
fn calls_of(start: Start, flags: &str, root: &Folder, lacking: &[libc::c_long]) -> Option<Vec<(String, String)>> {
    let strace = need_program("strace")?;
    let log = Folder::new(start.user);
    let case = Case::direct(start.user).arg(&strace).args(["-f", "-o", &log.join("log")]).arg(gontainer()).arg("-run");
    let case = case.args(start.flags).words(flags).root(root).command("/bin/true");
    lacking.iter().fold(case, |case, call| case.refusing(Filter::new(*call, libc::ENOSYS))).run().prints("");
    let text = fs::read_to_string(log.path().join("log")).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let calls = lines.map(|(process, call)| (process.to_owned(), call.trim_start().to_owned()));
    Some(calls.filter(|(_, call)| call.starts_with(|first: char| first.is_ascii_lowercase())).collect())
}

/// Half of them for the six devices: each takes a file, a bind and a look, and root's a remount.
#[test]
fn the_whole_of_it_takes_few_calls() {
    for start in starts() {
        let root = rootfs(start.user);
        root.file("etc/resolv.conf", 0o644, "own\n");
        for more in ["", "-net"] {
            let calls = |flags: &str| calls_of(start, &format!("-pid {more} {flags}"), &root, &[]);
            let count = |flags: &str| calls(flags).map(|calls| calls.len());
            let Some(whole) = count("") else { return };
            let Some(bare) = count("-dev=none -sys=none -dns=none") else { return };
            let most = if start.is_real_root() { 35 + 6 } else { 35 };
            assert!(whole - bare <= most, "{} calls more with {more:?} as {start:?}", whole - bare);
        }
    }
}

/// A tree in which every name that is made or mounted on, but the three that must be folders, leads out to what
/// is there too, unless it is resolved inside.
fn hostile(start: Start, outside: &Folder) -> Folder {
    let root = rootfs(start.user);
    root.remove("etc").link("etc", &outside.join(""));
    let file = &outside.join("resolv.conf")[1..];
    for folder in file.match_indices('/').map(|(end, _)| &file[..end]).filter(|folder| !root.exists(folder)) {
        root.dir(folder);
    }
    root.file(file, 0o644, "inside\n");
    root
}

/// The names that a call looks up, each behind the descriptor of the folder from which it leads on.
fn names_in(call: &str) -> Vec<(&str, &str)> {
    let (name, rest) = call.split_once('(').unwrap();
    let words: Vec<&str> = rest.split(", ").map(|word| word.trim_end_matches(" <unfinished ...>")).collect();
    let at = |dir: usize| (words[dir], words[dir + 1]);
    let from_here = |word: usize| ("AT_FDCWD", words[word].split(')').next().unwrap());
    match name {
        "mount" if rest.contains("MS_REMOUNT") || !(rest.contains("MS_BIND") || rest.contains("MS_MOVE")) => {
            vec![from_here(1)]
        }
        "mount" | "pivot_root" => vec![from_here(0), from_here(1)],
        "move_mount" => vec![at(0), at(2)],
        "symlinkat" => vec![at(1)],
        "chdir" | "execve" | "statfs" | "umount2" => vec![from_here(0)],
        "faccessat" | "mkdirat" | "mknodat" | "mount_setattr" | "newfstatat" | "open_tree" | "openat" | "openat2"
        | "readlinkat" => vec![at(0)],
        "ioctl" | "keyctl" | "prctl" | "read" | "sethostname" | "write" => vec![],
        _ => {
            assert!(!rest.contains('"') || name == "getcwd", "which names has {call}");
            vec![]
        }
    }
}

/// Whether a call, made while names are the host's and the working directory is the tree's top, resolves no
/// name in the tree but one at a time, without following it, or as openat2(2) does inside.
fn keeps_off_names(call: &str, tree: &str, outside: &str) -> bool {
    let quoted = format!("\"{tree}\"");
    names_in(call).into_iter().all(|(dir, name)| match name.trim_matches('"') {
        "" | "." => true,
        // The kernel's files, in a directory that was seen to be the kernel's, and what lies beside it.
        "setgroups" | "gid_map" | "uid_map" | "../self" => dir != "AT_FDCWD",
        _ if call.contains("resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT") => dir != "AT_FDCWD",
        _ if name == quoted => call.starts_with("chdir(") || call.starts_with("statfs("), // the tree's own name
        path if path.starts_with('/') => {
            let below_descriptor = path.split_once("/fd/").is_some_and(|(_, rest)| rest.contains('/'));
            let leads_in = below_descriptor || ["/cwd", "/root"].iter().any(|name| path.contains(name));
            !leads_in && !path.starts_with(tree) && !path.starts_with(outside)
        }
        one => {
            let follows = match call.split('(').next().unwrap() {
                "openat" => !call.contains("O_NOFOLLOW"),
                "newfstatat" => !call.contains("AT_SYMLINK_NOFOLLOW"),
                "move_mount" => call.contains("MOVE_MOUNT_T_SYMLINKS"),
                name => !matches!(name, "mkdirat" | "mknodat"),
            };
            dir != "AT_FDCWD" && one != ".." && !one.contains('/') && !follows
        }
    })
}

/// What there is outside: inode, mode, size and time of each.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u64, u32, u64, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let data = entry.metadata().unwrap();
        if data.is_dir() {
            found.append(&mut snapshot(&entry.path()));
        }
        found.insert(entry.path(), (data.ino(), data.mode(), data.size(), data.ctime_nsec()));
    }
    found
}

/// Calls that Linux 4.18 has not.
const NEWER: &[libc::c_long] = &[libc::SYS_open_tree, libc::SYS_move_mount, libc::SYS_mount_setattr, libc::SYS_openat2];

#[test]
fn no_name_in_a_hostile_tree_is_resolved_but_on_a_descriptor() {
    let more = "-pid -net -bind=/usr:/etc/usr -bind=/dev/null:/etc/null -tmpfs=/etc/fresh";
    let ways = ["-pid", "-pid -net -ipc", "-uts", more].map(|flags| [(flags, &[][..]), (flags, NEWER)]);
    for start in starts() {
        let outside = Folder::new(start.user);
        outside.file("resolv.conf", 0o644, "outside\n").dir("inner");
        let before = (snapshot(outside.path()), mounts());
        let root = hostile(start, &outside);
        let tree = root.join("");
        for &(flags, lacking) in ways.as_flattened() {
            let Some(calls) = calls_of(start, flags, &root, lacking) else { return };
            let find = |what: &str| calls.iter().position(|(_, call)| call.starts_with(what)).unwrap();
            let (entered, left) = (find(&format!("chdir(\"{tree}\"")), find("pivot_root("));
            let (launcher, mut commands) = (&calls[0].0, Vec::new());
            for (at, (process, call)) in calls.iter().enumerate().skip(entered) {
                if process == launcher || at <= left {
                    assert!(keeps_off_names(call, &tree, &outside.join("")), "{flags} {lacking:?}: {call}");
                } else if call.starts_with("execve(") {
                    commands.push(process);
                } else if !commands.contains(&process) {
                    // A number is what strace sees of a name in PID 1, once that is closed to its like.
                    let is_root = |name: &str| name == "\"/\"" || name.starts_with("0x");
                    assert!(names_in(call).iter().all(|(_, name)| is_root(name)), "{flags} {lacking:?}: {call}");
                }
            }
            assert!(left > entered + 20 && !commands.is_empty(), "{calls:?}");
        }
        let servers = fs::read("/etc/resolv.conf").unwrap_or_else(|_| b"inside\n".to_vec());
        Case::new(start).root(&root).words("-pid").command("cat /etc/resolv.conf").run().prints(servers);
        assert_eq!((snapshot(outside.path()), mounts()), before);
    }
}

/// Swaps folders for links, and back, until told to stop.
fn swap(root: &Path, stop: &AtomicBool) {
    let c = |name: &str| std::ffi::CString::new(root.join(name).to_str().unwrap()).unwrap();
    let pairs = ["dev", "proc", "sys", "etc"].map(|name| (c(name), c(&format!("{name}-"))));
    while !stop.load(Ordering::Relaxed) {
        for (one, other) in &pairs {
            exchange(one, other);
        }
    }
}

/// Starts container after container. Of each it prints what `wc` says of its mounts, wherever its /proc has
/// been swapped to, and a line `STATUS FLAGS`.
const MANY_STARTS: &str = r#"
gontainer=$1 tree=$2 turns=$3 own=$4
while [ $turns -gt 0 ]; do
    for flags in '-uts -dev=none' '-pid -net' -pid '-uts -bind=/usr:/etc/usr -tmpfs=/etc/fresh'; do
        $gontainer -run $own $flags -mnt=$tree -- /bin/busybox wc -l /proc/self/mountinfo /proc-/self/mountinfo
        echo "$? $flags"
    done
    turns=$((turns - 1))
done 2>/dev/null"#;

/// What came of some starts, and of how many: by their flags, how many mounts each had, if that was seen, or
/// else the status that says that there is no container.
type Came = BTreeMap<(String, Result<Option<usize>, i32>), usize>;

/// Two at a time, one as on Linux 4.18.
fn start_many(start: Start, root: &Folder, turns: usize) -> Came {
    let words = [gontainer().to_str().unwrap(), &root.join(""), &turns.to_string()].map(str::to_owned);
    let case = || Case::direct(start.user).args(["sh", "-c", MANY_STARTS, "sh"]).args(&words).args(start.flags);
    let old = NEWER.iter().fold(case(), |case, call| case.refusing(Filter::new(*call, libc::ENOSYS)));
    let mut came = Came::new();
    for running in [case().spawn(), old.spawn()] {
        let mut mounts = None;
        for line in running.finish_within(Duration::from_secs(300)).text().lines() {
            let (number, rest) = line.trim_start().split_once(' ').unwrap();
            match (number.parse().unwrap(), rest.starts_with('-')) {
                (count, false) => mounts = rest.ends_with("mountinfo").then_some(count).or(mounts),
                (0 | 1, true) => *came.entry((rest.to_owned(), Ok(mounts.take()))).or_insert(0) += 1,
                (status, true) => *came.entry((rest.to_owned(), Err(status.try_into().unwrap()))).or_insert(0) += 1,
            }
        }
    }
    came
}

#[test]
fn a_race_for_the_names_of_a_tree_reaches_nothing_outside() {
    const STARTS: usize = 5000;
    let turns = STARTS.div_ceil(starts().len() * 2 * 4);
    for start in starts() {
        let outside = Folder::new(start.user);
        outside.file("resolv.conf", 0o644, "outside\n").dir("inner");
        let before = (snapshot(outside.path()), mounts());
        let root = rootfs(start.user);
        root.file("etc/resolv.conf", 0o644, "own\n");
        let undisturbed = start_many(start, &root, 1);
        for name in ["dev", "proc", "sys", "etc"] {
            root.link(&format!("{name}-"), &outside.join(""));
        }
        let stop = AtomicBool::new(false);
        let came = std::thread::scope(|scope| {
            scope.spawn(|| swap(root.path(), &stop));
            let came = start_many(start, &root, turns);
            stop.store(true, Ordering::Relaxed);
            came
        });
        assert_eq!(came.values().sum::<usize>(), turns * 2 * 4, "{came:?}");
        // A mount that went elsewhere would be missing in the tree; the host's name servers may be left out.
        for (flags, all) in undisturbed.into_keys() {
            let all = all.unwrap().unwrap();
            let of_these = came.keys().filter(|(others, _)| *others == flags).map(|(_, result)| *result);
            let whole = [Ok(None), Ok(Some(all)), Ok(Some(all - 1)), Err(125)];
            assert!(of_these.clone().all(|result| whole.contains(&result)), "{flags} has {all} mounts: {came:?}");
            assert!(of_these.clone().any(|result| matches!(result, Ok(Some(_)))), "{flags}: {came:?}");
        }

        assert_eq!((snapshot(outside.path()), mounts()), before, "{came:?}");
    }
}

#[test]
fn ordinary_links_go_on_working() {
    for start in starts() {
        let root = rootfs(start.user);
        root.dir("usr").dir("run").link("var", "/run").link("etc/mtab", "/proc/mounts").file("run/x", 0o644, "x\n");
        fs::rename(root.path().join("bin"), root.path().join("usr/bin")).unwrap();
        root.link("bin", "usr/bin");
        let script = "cat /var/x; grep -c ' /proc proc ' /etc/mtab; echo y | cat /dev/fd/0";
        let run = Case::new(start).root(&root).words("-pid").script(script).run();
        run.prints("x\n1\ny\n");
    }
}

#[test]
fn what_holds_for_root_of_its_own_needs_no_covers() {
    for user in root_users() {
        let root = rootfs(user);
        let start = starts().into_iter().find(|start| !start.is_real_root()).unwrap();
        let root = if start.user == user { root } else { rootfs(start.user) };
        let script = "grep -c ' /proc/' /proc/mounts; true";
        Case::new(start).root(&root).words("-pid").script(script).run().prints("0\n");
    }
}
