//! What is mounted besides: `-bind`, `-tmpfs`, `-ro`, `-overlay`; and where the command starts.

use crate::support::{
    Case, Fault, Filter, Folder, Machine, PATIENCE, Seen, Start, User, children_of, exchange, gontainer, mounts,
    need_program, root_users, rootfs, skip, starts, users,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Calls that an older kernel lacks.
const NEW_MOUNT_CALLS: &[libc::c_long] =
    &[libc::SYS_open_tree, libc::SYS_move_mount, libc::SYS_mount_setattr, libc::SYS_openat2];

fn lacking(case: Case, calls: &[libc::c_long]) -> Case {
    calls.iter().fold(case, |case, call| case.refusing(Filter::new(*call, libc::ENOSYS)))
}

/// A folder with something of every kind in it that can be bound.
fn sources(start: Start) -> Folder {
    let folder = Folder::new(start.user);
    folder.dir("dir").file("dir/inner", 0o644, "inner\n").file("file", 0o644, "file\n").dir("a:b \\c");
    folder.file("a:b \\c/d", 0o644, "odd\n");
    folder
}

#[test]
fn files_folders_sockets_and_devices_are_bound() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        let _socket = UnixListener::bind(host.path().join("socket")).unwrap();
        let binds = [
            format!("-bind={}:/data", host.join("dir")),
            format!("-bind={}:/deep/er/file", host.join("file")),
            format!("-bind={}:/run/socket", host.join("socket")),
            "-bind=/dev/zero:/tmp/zero".to_owned(),
            format!("-bind={}:/odd\\:place", host.join("a\\:b \\c")),
            format!("-bind={}", host.join("file")),
        ];
        let script = format!(
            "cat /data/inner /deep/er/file '/odd:place/d' {}; [ -S /run/socket ] && head -c 3 /tmp/zero | wc -c
             echo new >/data/made; stat -c %a /deep /deep/er",
            host.join("file")
        );
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let case = Case::new(start).root(&root).words("-pid").umask(0o077).args(&binds);
            lacking(case, calls).script(&script).run().prints("inner\nfile\nodd\nfile\n3\n755\n755\n");
            assert_eq!(fs::read_to_string(host.path().join("dir/made")).unwrap(), "new\n");
        }
    }
}

#[test]
fn sources_begin_where_the_caller_is() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        let name = format!("-mnt=../{}", root.path().file_name().unwrap().to_str().unwrap());
        let case = Case::new(start).folder(host.path()).arg(name).args(["-bind", "dir:/data", "-bind=./file:/f:ro"]);
        case.command("cat /data/inner /f").run().prints("inner\nfile\n");
    }
}

#[test]
fn mounts_come_in_the_order_given() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        let (bind, below) = (format!("-bind={}:/x", host.join("dir")), format!("-bind={}:/x/y", host.join("file")));
        let case = || Case::new(start).root(&root);
        case().args(["-tmpfs=/x", &below]).script("ls /x; cat /x/y").run().prints("y\nfile\n");
        case().args([&bind, "-tmpfs=/x"]).script("ls /x").run().prints("");
        case().args(["-tmpfs=/x", &bind]).script("ls /x").run().prints("inner\n");
        assert!(!host.exists("dir/y"));
        case().args([&bind, &below]).script("ls /x").run().prints("inner\ny\n");
        assert!(host.exists("dir/y"), "a mount point is made where it is, in a bound folder too");
    }
}

#[test]
fn a_tmpfs_is_empty_for_everyone_and_no_larger_than_told() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "ls /tmp; stat -c %a /tmp; grep ' /tmp ' /proc/mounts | grep -c nosuid,nodev
                      head -c 300000 /dev/zero >/tmp/x && echo too much; wc -c </tmp/x; echo >/more/x; cat /more/x";
        root.file("tmp/old", 0o644, "");
        let run = Case::new(start).root(&root).words("-pid -tmpfs=/tmp:256k -tmpfs=/more").script(script).run();
        run.stdout("1777\n1\n262144\n\n").status(0);
        assert!(root.exists("more") && !root.exists("more/x") && root.exists("tmp/old"));
    }
}

#[test]
fn they_work_on_the_hosts_tree_too_and_nothing_stays() {
    for start in starts() {
        let host = sources(start);
        let before = mounts();
        let (tmpfs, bind) =
            (format!("-tmpfs={}", host.join("dir")), format!("-bind={}:{}/x", host.join("dir"), host.join("dir")));
        let script = "cd \"$0\"; ls; cat x/inner; echo >here";
        let case = || Case::new(start).args([&tmpfs, &bind, &format!("-workdir={}", host.join("dir"))]);
        case().args(["--", "sh", "-c", script, &host.join("dir")]).run().prints("x\ninner\n");
        case().words("-pid").args(["--", "sh", "-c", "pwd; ls"]).run().prints(format!("{}\nx\n", host.join("dir")));
        assert_eq!(fs::read_dir(host.path().join("dir")).unwrap().count(), 1);
        assert_eq!(mounts(), before);
    }
}

/// The directory beneath a mount, were it still the working one, would be a way around it.
#[test]
fn a_mount_over_the_callers_directory_is_what_the_command_sees() {
    for start in starts() {
        let host = sources(start);
        let dir = host.join("dir");
        let case = |flag: String, calls: &[libc::c_long]| lacking(Case::new(start).folder(&dir).arg(flag), calls);
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let script = "cat inner; (echo >new) 2>/dev/null || echo refused";
            case(format!("-bind={dir}:{dir}:ro"), calls).script(script).run().prints("inner\nrefused\n");
            let script = "pwd -P; ls; echo >new && ls";
            case(format!("-tmpfs={dir}"), calls).script(script).run().prints(format!("{dir}\nnew\n"));
            case(format!("-tmpfs={}", host.join("")), calls).script("pwd -P").run().prints("/\n");
        }
        let strict = Case::plain(start.user).words("-run -strict").folder("/proc");
        strict.script("pwd -P; echo [0-9]*").run().prints("/proc\n1 2\n");
        let case = case(format!("-bind={dir}"), &[]).words("-ro -pid -as-pid1");
        case.script("echo >new; (echo >../new) 2>/dev/null || echo refused; ls").run().prints("refused\ninner\nnew\n");
        assert!(host.exists("dir/new") && !host.exists("new"));
    }
}

#[test]
fn a_callers_directory_may_have_a_long_name() {
    for start in starts() {
        let host = Folder::new(start.user);
        let mut name = String::new();
        for _ in 0..15 {
            name += &format!("{}/", "x".repeat(200));
            host.dir(&name);
            let dir = host.join(name.trim_end_matches('/'));
            Case::new(start).folder(&dir).arg("-tmpfs=/srv").script("pwd -P").run().prints(format!("{dir}\n"));
        }
    }
}

/// Where no way from `/` leads, the kernel's name for it is one that may be there, in the directory itself.
#[test]
fn a_callers_directory_out_of_reach_is_left_for_the_root() {
    let Some(unshare) = need_program("unshare") else { return };
    for start in starts() {
        let host = Folder::new(start.user);
        let script = format!(
            "mount -t tmpfs none {0} && cd {0} && mkdir '(unreachable)' && umount -l {0} &&
             exec {1} -run {2} -tmpfs=/srv -- /bin/pwd -P",
            host.join(""),
            gontainer().display(),
            start.flags.join(" ")
        );
        let case = Case::direct(start.user).arg(&unshare).args(["-U", "-r", "-m", "sh", "-c"]);
        case.arg(&script).run().prints("/\n");
    }
}

/// What the host mounts below a source spreads to an ordinary user's mounts, and comes without their flags.
#[test]
fn a_later_mount_of_the_hosts_is_no_hole_in_a_read_only_one() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let (root, host) = (rootfs(start.user), sources(start));
        root.dir("srv");
        let script = |source: &str, place: &str, flags: &str| {
            format!(
                "mount -t tmpfs none {source} && mount --make-shared {source} && mkdir {source}/late || exit 41
                 mkfifo {0}/go {0}/up && cd / || exit 42
                 {1} -run -uid -pid -mnt={2} {flags} -- sh -c 'echo up; read -r line
                     (echo >{place}/late/new) 2>/dev/null || echo refused' <{0}/go >{0}/up &
                 exec 3>{0}/go 4<{0}/up; read -r line <&4
                 mount -t tmpfs none {source}/late && echo >&3; cat <&4; rm {0}/go {0}/up",
                host.join(""),
                gontainer().display(),
                root.join("")
            )
        };
        let (dir, srv) = (host.join("dir"), root.join("srv"));
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let script = script(&dir, "/data", &format!("-bind={dir}:/data:ro"));
            lacking(Case::new(start).words("-pid"), calls).script(&script).run().prints("refused\n");
        }
        Case::new(start).words("-pid").script(&script(&srv, "/srv", "-ro")).run().prints("refused\n");
    }
}

#[test]
fn a_read_only_bind_stays_so() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        root.program(&crate::support::need_program("unshare").unwrap());
        let bind = format!("-bind={}:/data:ro", host.join("dir"));
        let tries = "echo >/data/new && echo written; echo >>/data/inner && echo written; umount /data && echo gone
                     mount -o remount,bind,rw /data && echo remounted; mount -o remount,rw /data && echo remounted
                     rm /data/inner && echo removed; echo tried";
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let case = || lacking(Case::new(start).root(&root).words("-pid").arg(&bind), calls);
            case().script(&format!("cat /data/inner; {tries}")).run().stdout("inner\ntried\n");
            // Nor in a user namespace of its own, where root has every capability over mounts that are not locked.
            case().args(["--", "unshare", "-U", "-r", "-m", "sh", "-c", tries]).run().stdout("tried\n");
        }
        assert_eq!(fs::read_to_string(host.path().join("dir/inner")).unwrap(), "inner\n");
        if !start.is_real_root() {
            let case = Case::new(start).root(&root).words("-pid -cap=all").arg(&bind);
            case.script("mount -o remount,bind,rw /data && echo remounted").run().prints("remounted\n");
        }
    }
}

/// A device file that root inside makes in a bound folder would else be the host's disk.
#[test]
fn device_files_in_a_bound_folder_open_nothing_for_real_root() {
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        let (root, host) = (rootfs(start.user), sources(start));
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let case = Case::new(start).root(&root).words("-pid").arg(format!("-bind={}:/data", host.join("dir")));
            let script =
                "mknod /data/null c 1 3 && { echo >/data/null; } 2>&1 | grep -o 'Permission denied'; rm /data/null";
            lacking(case, calls).script(script).run().stdout("Permission denied\n");
            // Nor where another file system is mounted in it, or in the rootfs.
            let script = format!(
                "mkdir '{0}/dir/a b' {1}/srv && mount -t tmpfs none '{0}/dir/a b' && mount -t tmpfs none {1}/srv || exit 41
                 mknod '{0}/dir/a b/null' c 1 3 && mknod {1}/srv/null c 1 3 || exit 42; cd /
                 {2} -run -pid -mnt={1} -bind={0}/dir:/data -- \
                     sh -c '(echo >\"/data/a b/null\"; echo >/srv/null) 2>&1 | grep -o \"Permission denied\"'
                 umount {1}/srv '{0}/dir/a b' && rmdir {1}/srv '{0}/dir/a b'",
                host.join(""),
                root.join(""),
                gontainer().display()
            );
            let run = lacking(Case::new(start).words("-pid -cap=all"), calls).script(&script).run();
            run.prints("Permission denied\nPermission denied\n");
        }
    }
}

/// An id that only root could map may own device files that root unpacked, or anybody may open them.
#[test]
fn device_files_open_nothing_for_an_id_that_root_maps() {
    let Some(user) = crate::support::users().into_iter().find(|user| user.is_root()) else {
        return crate::support::skip("only root may make device files");
    };
    let (root, host) = (rootfs(user), Folder::new(user));
    for (flag, owner) in [("-map=0:100000:65536", 100_000), ("-uid", 0)] {
        let line = format!(
            "for dir in {0} {1}; do rm -f $dir/null; mknod -m 666 $dir/null c 1 3; chown -R {owner}:{owner} $dir; done
             exec {2} -run {flag} -pid -mnt={0} -bind={1}:/data -- \
                 sh -c '(echo >/null; echo >/data/null) 2>&1 | grep -o \"Permission denied\"'",
            root.join(""),
            host.join(""),
            gontainer().display()
        );
        Case::direct(user).args(["sh", "-c", &line]).run().prints("Permission denied\nPermission denied\n");
    }
}

/// What there is in a folder, whole: of each the inode, mode, owner, size, time, and a sum of the content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, (u64, u32, u32, u64, i64, u64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let data = entry.metadata().unwrap();
        let content = if data.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        let sum = content.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        found.insert(entry.path(), (data.ino(), data.mode(), data.uid(), data.size(), data.mtime_nsec(), sum));
        if data.is_dir() {
            found.append(&mut contents(&entry.path()));
        }
    }
    found
}

#[test]
fn no_path_inside_leads_a_mount_out() {
    for start in starts() {
        let (outside, host) = (Folder::new(start.user), sources(start));
        outside.dir("inner");
        let root = rootfs(start.user);
        root.link("out", &outside.join("")).link("up", "../../../../../../../..").link("etc/self", "/proc/self/root");
        let before = (contents(outside.path()), mounts());
        for (place, at) in [
            ("/out/inner", format!("{}/inner", outside.join(""))),
            ("/up/tmp/x", "tmp/x".into()),
            ("/../../y", "y".into()),
            ("/up/out/new", format!("{}/new", outside.join(""))),
        ] {
            for calls in [&[][..], NEW_MOUNT_CALLS] {
                let case =
                    Case::new(start).root(&root).words("-pid").arg(format!("-bind={}:{place}", host.join("dir")));
                let script = format!("cat '/{}/inner' {place}/inner", at.trim_start_matches('/'));
                lacking(case, calls).script(&script).run().prints("inner\ninner\n");
            }
        }
        // The link to /proc's own names is not followed, or as its text says; and nothing covers the root itself.
        for place in ["/up", "/", "/..", "/tmp/.."] {
            let case = Case::new(start).root(&root).arg(format!("-bind={}:{place}", host.join("dir")));
            let line = format!("gontainer: mount what was asked for: mount({place}): device or resource busy (EBUSY)");
            case.command("true").run().refuses(125, &line).hints("the root itself");
        }
        assert_eq!((contents(outside.path()), mounts()), before);
    }
}

#[test]
fn what_cannot_be_mounted_is_named() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        for (flag, line) in [
            (
                "-bind=/nowhere".to_owned(),
                "take hold of what is to be bound: open_tree(/nowhere): no such file or directory (ENOENT)",
            ),
            (
                format!("-bind={}:/bin", host.join("file")),
                "mount what was asked for: mount(/bin): is a directory (EISDIR)",
            ),
            (
                format!("-bind={}:/etc/passwd", host.join("dir")),
                "mount what was asked for: mount(/etc/passwd): not a directory (ENOTDIR)",
            ),
            (
                "-tmpfs=/etc/passwd/x".to_owned(),
                "mount what was asked for: mkdir(/etc/passwd/x): not a directory (ENOTDIR)",
            ),
            ("-workdir=/nowhere".to_owned(), "go where it starts: open(/nowhere): no such file or directory (ENOENT)"),
            ("-workdir=/etc/passwd".to_owned(), "go where it starts: chdir(/etc/passwd): not a directory (ENOTDIR)"),
        ] {
            let run = Case::new(start).root(&root).words("-pid").arg(flag).command("true").run();
            run.refuses(125, &format!("gontainer: {line}")).no_hints();
        }
        let case =
            Case::new(start).arg(format!("-mnt={}", host.join("file"))).arg(format!("-bind={}:/x", host.join("dir")));
        let line = format!("gontainer: enter the rootfs: chdir({}): not a directory (ENOTDIR)", host.join("file"));
        case.command("true").run().refuses(125, &line).no_hints();
    }
    for user in users() {
        for (flag, what) in [
            ("-bind=", "takes SRC, SRC:DST or SRC:DST:ro"),
            ("-bind=x", "needs a path inside that begins with /"),
            ("-bind=/a:b", "needs a path inside that begins with /"),
            ("-bind=/a:/b:rw", "takes nothing but ro behind the second colon; a colon in a path is written \\:"),
            ("-tmpfs=tmp", "needs a path inside that begins with /"),
            ("-tmpfs=/tmp:x", "takes a size behind the colon, as in 64m or 1g"),
            ("-overlay=false", "takes a directory, or nothing"),
            ("-overlay=", "must not be empty"),
            ("-workdir=tmp", "needs a path inside that begins with /"),
        ] {
            let name = flag.split('=').next().unwrap();
            let line = format!("gontainer: {name}: {what}");
            Case::plain(user).args(["-run", "-uid", flag, "--", "true"]).run().refuses(2, &line);
        }
        let run = Case::plain(user).words("-bench -jobs=2 -uid -mnt=/ -overlay=x").run();
        run.refuses(2, "gontainer: -overlay=DIR: not with -jobs: it serves one container at a time");
        let run = Case::plain(user).words("-run -uid -overlay -- true").run();
        run.refuses(2, "gontainer: -overlay: needs -mnt, as in -mnt=/ for the host's own tree");
    }
}

#[test]
fn a_command_starts_where_it_is_told_to() {
    for start in starts() {
        let root = rootfs(start.user);
        root.dir("srv").dir("srv/deep").link("there", "/srv/deep").link("host", "../../../../srv");
        for (dir, is) in
            [("/srv/deep", "/srv/deep"), ("/there", "/srv/deep"), ("/host/../srv", "/srv"), ("/proc", "/proc")]
        {
            for flags in ["", "-pid", "-pid -as-pid1"] {
                let case = Case::new(start).root(&root).words(flags).arg(format!("-workdir={dir}"));
                case.command("/bin/pwd").run().prints(format!("{is}\n"));
            }
        }
        Case::new(start).words("-uts -workdir=/usr").command("pwd -P").run().prints("/usr\n");
        // In front of the command's eyes no descriptor of the launcher's is a way to a folder of the host's.
        for number in 0..20 {
            let case = Case::new(start).root(&root).words("-pid").arg(format!("-workdir=/proc/self/fd/{number}"));
            let run = case.leaking(3..20).command("pwd").run();
            run.status(125).stdout("");
        }
    }
}

#[test]
fn a_read_only_root_refuses_writes_everywhere() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        root.remove("proc").remove("tmp").dir("work");
        let script = "for dir in / /bin /etc /work /root; do (echo >$dir/new) 2>/dev/null && echo written in $dir; done
                      mount -o remount,bind,rw / 2>/dev/null && echo remounted
                      echo >/tmp/x && echo >/data/y && echo >/dev/null && echo >/dev/shm/z && echo as wanted";
        let flags = ["-pid", "-ro", "-tmpfs=/tmp", &format!("-bind={}:/data", host.join("dir"))];
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let run = lacking(Case::new(start).root(&root).args(flags), calls).script(script).run();
            run.prints("as wanted\n");
        }
        assert!(root.exists("proc") && root.exists("tmp"), "mount points are made first");
        assert!(!root.exists("work/new"));
        let path = host.join("");
        let script =
            format!("(echo >{path}/new) 2>/dev/null || echo refused; (echo >/tmp/new) 2>/dev/null || echo refused");
        Case::new(start).words("-ro -pid").script(&script).run().prints("refused\nrefused\n");
        let script = format!("echo >{path}/new && echo written");
        let case = Case::new(start).words("-ro").arg(format!("-bind={path}"));
        case.script(&script).run().prints("written\n");
        host.remove("new");
    }
}

/// Mounts below the rootfs and flags that are locked: an outer container sets the stage for the inner one.
#[test]
fn what_is_mounted_in_the_root_is_read_only_too_and_keeps_its_flags() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let (at, gontainer) = (root.join(""), gontainer().display());
        let inner = "(echo >/tmp/new) 2>/dev/null || echo refused; (echo >/new) 2>/dev/null || echo refused
                     while read -r line; do set -- $line; case $5 in /|/tmp) echo $5 $6; esac; done </proc/self/mountinfo";
        let script = format!(
            "mount -t tmpfs -o nosuid,nodev,noexec,noatime,size=64k none {at}/tmp || exit 41
             mount --bind {at} {at} && mount -o remount,bind,nosuid,nodev {at} && cd / || exit 42
             mount -t tmpfs -o nosuid,nodev,noexec,noatime,size=64k none {at}/tmp || exit 43
             exec {gontainer} -run -uid -pid -mnt={at} -ro -- sh -c '{inner}'"
        );
        for calls in [&[][..], &[libc::SYS_mount_setattr], NEW_MOUNT_CALLS] {
            let run = lacking(Case::new(start).words("-pid"), calls).script(&script).run();
            run.prints("refused\nrefused\n/ ro,nosuid,nodev,relatime\n/tmp ro,nosuid,nodev,noexec,noatime\n");
        }
    }
}

#[test]
fn a_root_that_is_read_only_already_stays_so() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let (at, gontainer) = (root.join(""), gontainer().display());
        let script = format!(
            "mount --bind {at} {at} && mount -o remount,bind,ro {at} || exit 41
             exec {gontainer} -run -uid -pid -ro -mnt={at} -- sh -c '(echo >/new) 2>/dev/null || echo refused'"
        );
        for calls in [&[][..], &[libc::SYS_mount_setattr], NEW_MOUNT_CALLS] {
            lacking(Case::new(start).words("-pid"), calls).script(&script).run().prints("refused\n");
        }
    }
}

/// Without mount_setattr each mount is looked up, and root inside may look behind a closed door only once ids have numbers.
#[test]
fn what_is_mounted_behind_a_closed_door_becomes_read_only_too() {
    let Some(strace) = need_program("strace") else { return };
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        root.dir("closed").dir("closed/in");
        let script = format!(
            "mount -t tmpfs none {at}/closed/in && chmod 0 {at}/closed && exec {strace} -f -o /dev/null \
             -e inject=mount_setattr:error=ENOSYS -e inject=write:delay_enter=50000 \
             {gontainer} -run -uid -pid -ro -mnt={at} -- sh -c '(echo >/closed/in/x) 2>/dev/null || echo refused'",
            at = root.join(""),
            strace = strace.display(),
            gontainer = gontainer().display(),
        );
        Case::new(start).words("-pid").script(&script).run().prints("refused\n");
        root.mode("closed", 0o755);
    }
}

/// No flag is lost, on a kernel without mount_setattr either, where all have to be told again.
#[test]
fn what_becomes_read_only_keeps_flags_of_every_kind() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        for flag in [
            "nodev",
            "noexec",
            "nosuid",
            "noatime",
            "nodiratime",
            "relatime",
            "strictatime",
            "strictatime,nodiratime",
            "nosymfollow",
        ] {
            let root = rootfs(start.user);
            let (at, gontainer) = (root.join(""), gontainer().display());
            let shown =
                "while read -r line; do set -- $line; [ $5 = /tmp ] && echo $6; done </proc/self/mountinfo; true";
            let script = format!(
                "mount -t tmpfs -o {flag} none {at}/tmp || exit 41
                 exec {gontainer} -run -uid -pid -mnt={at} -ro -- sh -c '{shown}'"
            );
            let run = |calls: &[libc::c_long]| lacking(Case::new(start).words("-pid"), calls).script(&script).run();
            let first = run(&[]);
            if first.code() == Some(41) {
                skip(&format!("mount(8) or the kernel knows no {flag}"));
                continue;
            }
            let shown = first.text();
            let has = |word: &str| shown.trim_end().split(',').any(|one| one == word);
            first.that("read-only", has("ro"));
            first.that(
                "as it was",
                if flag.starts_with("strictatime") { !has("relatime") && !has("noatime") } else { has(flag) },
            );
            for calls in [&[libc::SYS_mount_setattr][..], NEW_MOUNT_CALLS] {
                run(calls).prints(&shown);
            }
        }
    }
}

#[test]
fn an_overlay_leaves_the_tree_as_it_was() {
    for start in starts() {
        let root = rootfs(start.user);
        root.file("etc/keep", 0o640, "keep\n").dir("srv").file("srv/old", 0o644, "old\n").mode("", 0o751);
        let before = contents(root.path());
        let script =
            "echo more >>/etc/keep; rm -r /srv; mkdir /srv; echo >/srv/new; echo >/new; chmod 700 /etc; rm /bin/ls
                      mkdir -p /deep/er; echo $(cat /etc/keep) $(stat -c %a /) $(echo /*)";
        let case = || Case::new(start).root(&root).words("-pid");
        let expected = "keep more 751 /bin /deep /dev /etc /new /proc /root /srv /sys /tmp\n";
        case().arg("-overlay").script(script).run().prints(expected);
        case()
            .words("-overlay -dev=none -proc=none")
            .script("echo >/new; echo /*")
            .run()
            .stdout("/bin /dev /etc /new /proc /root /srv /sys /tmp\n");
        assert_eq!(contents(root.path()), before);
        case().words("-overlay -ro").script("(echo >/new) 2>/dev/null || echo refused").run().prints("refused\n");

        // Kept, and there again the next time.
        let kept = Folder::new(start.user);
        let overlay = format!("-overlay={}", kept.join("a,b:c\\d"));
        case().arg(&overlay).script(script).run().prints(expected);
        let again = "cat /etc/keep; ls /srv; [ -e /bin/ls ] || echo gone; stat -c %a / /etc";
        case()
            .arg(&overlay)
            .script(&format!("ls() {{ echo /srv/*; }}; {again}"))
            .run()
            .prints("keep\nmore\n/srv/new\ngone\n751\n700\n");
        assert_eq!(contents(root.path()), before);
        assert!(kept.exists("a,b:c\\d/upper/new"));
        // For one container at a time, and nobody else.
        assert_eq!(fs::metadata(kept.path().join("a,b:c\\d")).unwrap().permissions().mode() & 0o777, 0o700);
        let mut first = case().arg(&overlay).script("echo up; read -r line").silent_input().spawn();
        first.expect("up");
        // PID 1 holds nothing of the host's, once it has let go beside the command. Only the host's root may look.
        let init = children_of(first.pid())[0];
        let held = || fs::read_dir(format!("/proc/{init}/fd")).map_or(0, Iterator::count);
        let deadline = Instant::now() + PATIENCE;
        while held() > 0 {
            assert!(Instant::now() < deadline, "{}", held());
            std::thread::yield_now();
        }
        let line = format!(
            "gontainer: claim the directory for changes: flock({}): another container keeps its changes there",
            kept.join("a,b:c\\d")
        );
        case().arg(&overlay).command("true").run().refuses(125, &line).no_hints();
        first.signal(libc::SIGTERM);
        first.end();
        let upper = format!("-mnt={}", kept.join("a,b:c\\d/upper"));
        let line =
            "gontainer: lay an overlay over the rootfs: mount(overlay): too many levels of symbolic links (ELOOP)";
        let run = Case::new(start).words("-pid").arg(&upper).arg(&overlay).command("true").run();
        run.refuses(125, line).hints("-overlay's upper or work");
    }
}

/// Who else may write to it could have its parts lead elsewhere while they are opened.
#[test]
fn changes_are_kept_only_in_what_is_the_callers_alone() {
    for start in starts() {
        let others = root_users().into_iter().map(|_| User::other("another", 1000, 1000));
        for owner in others.chain([start.user]) {
            let (root, dir) = (rootfs(start.user), Folder::new(owner));
            // Who may but go in could run what has a set-user-id bit there.
            dir.mode("", if owner.uid == start.user.uid { 0o711 } else { 0o777 });
            let overlay = format!("-overlay={}", dir.join(""));
            let line = format!(
                "gontainer: claim the directory for changes: stat({}): is not yours alone (mode 0700)",
                dir.join("")
            );
            let case = Case::new(start).words("-pid").root(&root).arg(&overlay);
            case.command("true").run().refuses(125, &line).no_hints();
            assert!(!dir.exists("upper"));
        }
    }
}

/// Where overlayfs cannot make what it works with, it makes no fuss: it is read-only.
#[test]
fn an_overlay_that_keeps_nothing_is_a_failure() {
    for _ in root_users() {
        for start in starts().into_iter().filter(|start| !start.user.is_root()) {
            let (root, dir) = (rootfs(start.user), Folder::new(start.user));
            dir.mode("", 0o700);
            fs::create_dir(dir.join("work")).unwrap(); // root's
            let case = Case::new(start).words("-pid").root(&root).arg(format!("-overlay={}", dir.join("")));
            let line = "gontainer: lay an overlay over the rootfs: mount(work): read-only file system (EROFS)";
            case.command("true").run().refuses(125, line);
        }
    }
}

#[test]
fn an_overlay_is_as_restricted_as_the_tree() {
    for user in root_users() {
        let root = rootfs(user);
        let shown = "while read -r line; do set -- $line; [ $5 = / ] && echo $6; done </proc/self/mountinfo; true";
        let script = format!(
            "mount --bind {0} {0} && mount -o remount,bind,nosuid,nodev {0} &&
             exec {1} -run -uid -pid -mnt={0} -overlay -- sh -c '{shown}'",
            root.join(""),
            gontainer().display()
        );
        let run = Case::direct(user).private_mounts().args(["sh", "-c", &script]).run();
        run.prints("rw,nosuid,nodev,relatime\n");
    }
}

/// It could be another by then, on a file system that answers as its owner likes.
#[test]
fn changes_are_not_kept_where_the_directory_cannot_be_looked_at_again() {
    for start in starts() {
        let (root, dir) = (rootfs(start.user), Folder::new(start.user));
        dir.mode("", 0o700);
        let case =
            || Case::new(start).words("-pid").root(&root).arg(format!("-overlay={}", dir.join(""))).command("true");
        let (_, watched) = case().watched(None);
        let is_look = |seen: &&Seen| seen.side == 1 && i64::from(seen.call) == libc::SYS_newfstatat;
        let mut looks = watched.calls.iter().filter(is_look);
        for _ in ["the new one", "the one claimed"] {
            let fault = Fault { at: *looks.next().unwrap(), errno: libc::EIO };
            let line = format!(
                "gontainer: take hold of what is to be bound: stat({}): input/output error (EIO)",
                dir.join("")
            );
            case().watched(Some(fault)).0.refuses(125, &line);
        }
    }
}

/// In a Docker container, as in this one, all lies on an overlay.
#[test]
fn changes_to_an_overlay_are_not_kept_on_another() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        root.program(gontainer());
        let inner = format!("{} -run -uid -pid -mnt=/tmp -overlay=/srv -- true", gontainer().display());
        let run = Case::new(start).root(&root).words("-pid -overlay").script(&inner).run();
        let line = "gontainer: lay an overlay over the rootfs: mount(overlay): invalid argument (EINVAL)";
        run.refuses(125, line).hints("lies on an overlay, as in Docker");
    }
}

#[test]
fn the_hosts_own_tree_can_be_overlaid_by_root_and_by_others_only_if_nothing_is_mounted_in_it() {
    for start in starts() {
        let host = Folder::new(start.user);
        let case = || Case::new(start).words("-pid -mnt=/ -overlay");
        if start.has_user_namespace() {
            let line = "gontainer: lay an overlay over the rootfs: mount(overlay): invalid argument (EINVAL)";
            case().command("true").run().refuses(125, line).hints("root without -uid can");
        } else {
            for calls in [&[][..], &[libc::SYS_mount_setattr]] {
                let script = format!("touch {0}/new /new && ls {0} /new", host.join(""));
                let run = lacking(case(), calls).script(&script).run();
                run.prints(format!("/new\n\n{}:\nnew\n", host.join("")));
                assert!(!host.exists("new") && !Path::new("/new").exists());
            }
        }
    }
}

/// A source whose name leads to a folder now and to a file then: what is mounted is what was looked at.
#[test]
fn a_source_is_what_it_was_when_it_was_opened() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), sources(start));
        let c = |name: &str| std::ffi::CString::new(host.join(name)).unwrap();
        let (one, other) = (c("dir"), c("file"));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    exchange(&one, &other);
                }
            });
            for _ in 0..100 {
                let case =
                    Case::new(start).root(&root).args(["-tmpfs=/x", &format!("-bind={}:/x/y:ro", host.join("dir"))]);
                let run = case.script("if [ -d /x/y ]; then cat /x/y/inner; else cat /x/y; fi").run();
                run.status(0).that("it is either", [&b"inner\n"[..], b"file\n"].contains(&&*run.stdout));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn a_bound_folder_brings_its_own_mounts_along() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let (root, host) = (rootfs(start.user), sources(start));
        let script = format!(
            "mount -t tmpfs none {0}/dir && mkdir {0}/dir/sub && mount -t tmpfs none {0}/dir/sub && echo in >{0}/dir/sub/file
             exec {1} -run -uid -pid -mnt={2} -bind={0}/dir:/data:ro -- \
                sh -c 'cat /data/sub/file; (echo >/data/sub/new) 2>/dev/null || echo refused'",
            host.join(""),
            gontainer().display(),
            root.join("")
        );
        Case::new(start).words("-pid").script(&script).run().prints("in\nrefused\n");
    }
}

#[test]
fn a_strict_root_is_read_only() {
    for user in users() {
        let root = rootfs(user);
        let case = || Case::plain(user).words("-run -strict").root(&root);
        case().script("(echo >/new) 2>/dev/null || echo refused").run().prints("refused\n");
        case().words("-tmpfs=/tmp").script("echo >/tmp/new && echo written").run().prints("written\n");
        let run = case().words("-ro=false").command("true").run();
        run.refuses(2, "gontainer: -strict: no flag may loosen it");
        assert_eq!(fs::metadata(root.path()).unwrap().permissions().mode() & 0o777, 0o755);
    }
}

/// Debian's kernel, 6.1, has a tmpfs without attributes of users. An overlay in a user namespace keeps its notes in
/// those, and needs one where a directory of the tree goes: there that is an error, not a loss.
#[test]
fn an_overlay_in_memory_works_on_an_older_kernel() {
    let Some(machine) = Machine::new() else { return };
    let script = |flags: &str| {
        format!(
            "gontainer -run {flags} -pid -mnt=/rootfs -overlay -- sh -c '
                 echo >/srv/new; rm /srv/old; mv /srv/a /srv/b; ls /srv; rm -r /srv && mkdir /srv && ls /srv'; ls /rootfs/srv"
        )
    };
    let machine = machine.module("fs/overlayfs/overlay.ko");
    let machine = machine.root("mkdir /rootfs/srv && touch /rootfs/srv/old /rootfs/srv/a; chown -R 1000:1000 /rootfs");
    let outcomes = machine.root(&script("")).user(&script("-uid")).boot();
    outcomes[1].prints("b\nnew\na\nold\n");
    outcomes[2].stdout("b\nnew\na\nold\n").stderr("rm: can't remove '/srv': Input/output error\n");
}

#[test]
fn the_rootfs_holds_no_changes_to_itself() {
    for start in starts() {
        let root = rootfs(start.user);
        let overlay = format!("-overlay={}", root.join(""));
        let run = Case::new(start).words("-pid").root(&root).arg(overlay).command("true").run();
        let line = format!("gontainer: claim the directory for changes: stat({}): is the rootfs itself", root.join(""));
        run.refuses(125, &line).no_hints();
        assert!(!root.exists("upper") && !root.exists("work"));
    }
}

#[test]
fn a_read_only_file_stays_so() {
    for start in starts() {
        for calls in [&[][..], NEW_MOUNT_CALLS] {
            let (root, host) = (rootfs(start.user), sources(start));
            let case =
                lacking(Case::new(start).root(&root).arg(format!("-bind={}:/etc/f:ro", host.join("file"))), calls);
            case.script("{ echo x >/etc/f; } 2>&1 | grep -o 'Read-only'; cat /etc/f").run().stdout("Read-only\nfile\n");
            assert_eq!(fs::read(host.path().join("file")).unwrap(), b"file\n");
        }
    }
}

#[test]
fn mount_points_that_are_made_leave_the_umask_as_it_is() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), Folder::new(start.user));
        let run = Case::new(start).root(&root).arg("-tmpfs=/new/place").script("umask").umask(0o027).run();
        run.prints("0022\n");
        let run = Case::new(start).arg(format!("-tmpfs={}", host.join("new/place"))).script("umask").umask(0o027).run();
        run.prints("0027\n");
    }
}

/// On kernels without mount_setattr: a mount that cannot be reached by its name, as the list shows it, might stay
/// writable.
#[test]
fn a_mount_that_is_listed_too_long_is_no_hole_in_a_read_only_root() {
    let Some(user) = crate::support::users().into_iter().find(|user| user.is_root()) else {
        return crate::support::skip("only root may mount in a rootfs");
    };
    let root = rootfs(user);
    let line = format!(
        "cd {0} && for i in 1 2 3 4 5; do d=$(printf '%0250d' $i); mkdir $d && cd $d || exit 41; done
         mount -t tmpfs none . && cd / && exec {1} -run -pid -ro -mnt={0} -- true",
        root.join(""),
        gontainer().display()
    );
    let case = lacking(Case::direct(user).private_mounts(), &[libc::SYS_mount_setattr]).args(["sh", "-c", &line]);
    let says = "mount_setattr: file name too long (ENAMETOOLONG)";
    case.run().refuses(125, &format!("gontainer: open no devices of the rootfs: {says}"));
}
