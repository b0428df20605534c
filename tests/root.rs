//! The root file system.

use crate::support::{Case, Folder, Machine, rootfs, starts};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

#[test]
fn the_folder_is_the_root_and_the_working_directory() {
    for start in starts() {
        let root = rootfs(start.user);
        root.file("here", 0o644, "");
        let inode = fs::metadata(root.path()).unwrap().ino();
        let expected = format!("bin\ndev\netc\nhere\nproc\nroot\nsys\ntmp\n/\n{inode} {inode} {inode}\n");
        Case::new(start).root(&root).script("ls; pwd; echo $(stat -c %i / . /..)").run().prints(&expected);
        Case::new(start).root(&root).words("-pid").script("ls; pwd; echo $(stat -c %i / . /..)").run().prints(expected);
    }
}

#[test]
fn the_folder_may_be_named_in_any_way() {
    for start in starts() {
        let outer = Folder::new(start.user);
        let root = rootfs(start.user);
        let name = root.path().file_name().unwrap().to_str().unwrap();
        outer.link("link", &root.join(""));
        let (by_name, by_link) = (format!("../{name}///"), outer.join("link"));
        for dir in [".", "./", "bin/..", &by_name, &by_link] {
            let case = Case::new(start).folder(root.path()).args(["-mnt", dir]).script("cd ..; ls -d bin root tmp");
            case.run().prints("bin\nroot\ntmp\n");
        }
    }
}

#[test]
fn a_name_may_hold_any_bytes() {
    for start in starts() {
        let outer = Folder::new(start.user);
        let root = rootfs(start.user);
        for name in ["a b", "-x", "ünï", "new\nline", "quote\"'$(id)"] {
            let path = outer.path().join(name);
            fs::rename(root.path(), &path).unwrap();
            Case::new(start).arg("-mnt").arg(&path).command("echo in").run().prints("in\n");
            Case::new(start).folder(outer.path()).arg("-mnt").arg(name).command("echo in").run().prints("in\n");
            fs::rename(&path, root.path()).unwrap();
        }
    }
}

#[test]
fn the_hosts_own_root_will_do_too() {
    for start in starts() {
        let expected = Case::direct(start.user).words("ls /").run().text();
        Case::new(start).words("-mnt=/").command("ls /").run().prints(&expected);
        Case::new(start).words("-mnt=/ -pid").command("ls /").run().prints(&expected);
    }
}

#[test]
fn without_a_rootfs_the_working_directory_is_the_callers() {
    for start in starts() {
        let folder = Folder::new(start.user);
        let expected = format!("{}\n", folder.path().canonicalize().unwrap().display());
        for flags in ["-uts", "-pid", "-pid -as-pid1"] {
            Case::new(start).words(flags).folder(folder.path()).command("pwd -P").run().prints(&expected);
            Case::new(start).words(flags).folder(folder.path()).command("/bin/pwd").run().prints(&expected);
        }
    }
}

#[test]
fn a_folder_that_is_none_is_refused() {
    for start in starts() {
        let folder = Folder::new(start.user);
        folder.file("file", 0o755, "").link("dangling", "nowhere").link("loop", "loop");
        for (name, why) in [
            ("nowhere", "no such file or directory (ENOENT)"),
            ("dangling", "no such file or directory (ENOENT)"),
            ("file", "not a directory (ENOTDIR)"),
            ("file/below", "not a directory (ENOTDIR)"),
            ("loop", "too many levels of symbolic links (ELOOP)"),
        ] {
            let dir = folder.join(name);
            let line = format!("gontainer: enter the rootfs: chdir({dir}): {why}");
            Case::new(start).args(["-mnt", &dir]).words("-pid").command("true").run().refuses(125, &line).no_hints();
        }
    }
}

#[test]
fn a_folder_that_the_caller_may_not_enter_is_refused() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let folder = rootfs(start.user);
        folder.mode("", 0o600);
        let line = format!("gontainer: enter the rootfs: chdir({}): permission denied (EACCES)", folder.join(""));
        Case::new(start).root(&folder).command("true").run().refuses(125, &line).no_hints();
        folder.mode("", 0o755);
    }
}

#[test]
fn a_name_in_a_message_cannot_steer_the_terminal() {
    for start in starts() {
        let line = r"gontainer: enter the rootfs: chdir(/no\x1b[2J\x0awhere): no such file or directory (ENOENT)";
        Case::new(start).args(["-mnt", "/no\x1b[2J\nwhere"]).command("true").run().refuses(125, line);
    }
}

#[test]
fn mounts_below_the_folder_come_along() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let gontainer = crate::support::gontainer().display();
        // Root of its own mounts something below the rootfs of a container inside its container.
        let script = format!(
            "mount -t tmpfs none {tmp} && echo mounted >{tmp}/file || exit 41
             exec {gontainer} -run -uid -pid -mnt={root} -- cat /tmp/file",
            tmp = root.join("tmp"),
            root = root.join(""),
        );
        Case::new(start).words("-pid").script(&script).run().prints("mounted\n");
    }
}

#[test]
fn a_folder_that_is_a_mount_itself_will_do() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let gontainer = crate::support::gontainer().display();
        let script = format!(
            "mount --bind {root} {root} && exec {gontainer} -run -uid -pid -mnt={root} -- ls -d bin",
            root = root.join(""),
        );
        Case::new(start).words("-pid").script(&script).run().prints("bin\n");
    }
}

#[test]
fn a_folder_on_a_read_only_mount_stays_read_only() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let gontainer = crate::support::gontainer().display();
        let script = format!(
            "mount --bind {root} {root} && mount -o remount,bind,ro {root} || exit 41
             exec {gontainer} -run -uid -pid -mnt={root} -- sh -c 'echo >/file || exit 42'",
            root = root.join(""),
        );
        Case::new(start).words("-pid").script(&script).run().status(42);
    }
}

/// pivot_root(2) cannot replace the first mount of all, and chroot(2) alone is no wall: so it is refused.
#[test]
fn on_the_initramfs_a_rootfs_is_refused_and_the_rest_works() {
    let Some(machine) = Machine::new() else { return };
    let starts = [(0, "gontainer -run -pid"), (0, "gontainer -run -uid -pid"), (1000, "gontainer -run -uid -pid")];
    let scripts = starts.map(|(uid, start)| {
        let refused = format!("cat /proc/mounts >/tmp/before; {start} -mnt=/rootfs -- true");
        let rest = "&& cmp /tmp/before /proc/mounts && rm /tmp/before";
        [refused, format!("{start} -trace -mnt=/rootfs -- true"), format!("{start} -- sh -c 'echo $$' {rest}")]
            .map(|script| (uid, script))
    });
    let outcomes = machine.on_its_initramfs().scripts(scripts.as_flattened()).boot();
    let line = "gontainer: make the rootfs /: pivot_root(/rootfs): invalid argument (EINVAL)";
    let hint = "hint: the root is an initramfs, which pivot_root cannot leave: \
                switch_root to a tmpfs first, or leave -mnt out";
    for outcomes in outcomes.chunks(3) {
        let [refused, traced, rest] = outcomes else { unreachable!() };
        refused.refuses(125, line).stderr(format!("{line}\n{hint}\n"));
        let trace = traced.complaint();
        let step = trace.lines().find(|line| line.contains(" pivot_root(")).unwrap_or_default();
        let told = ["pivot_root(\".\", \".\") = EINVAL ", " make the rootfs / ", " where it failed"];
        traced.status(125).that("the step is told", told.iter().all(|part| step.contains(part)));
        traced.that("why is told too", trace.ends_with(&format!("{line}\n{hint}\n")));
        rest.prints("2\n");
    }
    // What the hint says helps.
    let Some(machine) = Machine::new() else { return };
    let scripts =
        starts.map(|(uid, start)| (uid, format!("{start} -mnt=/rootfs -- sh -c '[ ! -e /init ] && echo $$'")));
    for outcome in machine.scripts(&scripts).boot() {
        outcome.prints("2\n");
    }
}
