//! User and group ids.

use crate::support::{
    Case, Folder, Start, User, await_end_of, gontainer, marker, need_program, root_users, rootfs, skip, starts, users,
};
use std::os::unix::fs::MetadataExt as _;

fn with_user_namespace() -> impl Iterator<Item = Start> {
    starts().into_iter().filter(|start| start.has_user_namespace())
}

#[test]
fn the_caller_is_root_inside() {
    for start in with_user_namespace() {
        Case::new(start).script("id -u; id -g").run().prints("0\n0\n");
        let root = rootfs(start.user);
        Case::new(start)
            .root(&root)
            .words("-pid")
            .script("id -un; id -gn; cd && pwd")
            .run()
            .prints("root\nroot\n/root\n");
    }
}

/// The words of an id map as the kernel pads them.
fn map(outside: u32) -> String {
    format!("{:>10} {:>10} {:>10}\n", 0, outside, 1)
}

#[test]
fn only_the_callers_own_ids_are_mapped_and_setgroups_is_denied() {
    for start in with_user_namespace() {
        let expected = format!("{}{}deny\n", map(start.user.uid), map(start.user.gid));
        let files = "/proc/self/uid_map /proc/self/gid_map /proc/self/setgroups";
        Case::new(start).command(&format!("cat {files}")).run().prints(&expected);
        Case::new(start).words("-pid").command(&format!("cat {files}")).run().prints(&expected);
    }
}

#[test]
fn what_is_made_inside_is_the_callers_outside() {
    for start in starts() {
        let root = rootfs(start.user);
        Case::new(start).root(&root).script("echo made >/root/file; stat -c %u:%g /root/file").run().prints("0:0\n");
        let data = std::fs::metadata(root.path().join("root/file")).unwrap();
        assert_eq!((data.uid(), data.gid()), (start.user.uid, start.user.gid));
    }
}

#[test]
fn what_the_caller_may_not_read_root_inside_may_not_read_either() {
    for root in root_users() {
        let secret = Folder::new(root);
        secret.file("secret", 0o600, "secret");
        for start in with_user_namespace().filter(|start| !start.is_real_root()) {
            let run = Case::new(start).command(&format!("cat {}", secret.join("secret"))).run();
            run.stdout("").status(1);
            Case::new(start).command(&format!("chown 0:0 {}", secret.join(""))).run().stdout("").status(1);
        }
    }
}

#[test]
fn without_a_user_namespace_the_ids_are_the_callers() {
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        Case::new(start)
            .words("-pid")
            .command("cat /proc/self/uid_map")
            .run()
            .prints(std::fs::read_to_string("/proc/self/uid_map").unwrap());
    }
}

#[test]
fn odd_ids_are_mapped_as_they_are() {
    for _ in root_users() {
        for (uid, gid) in [(1, 4_294_967_294), (4_294_967_294, 1), (2_147_483_648, 65535), (0, 7), (7, 0)] {
            let start = Start { user: User::other("an odd user", uid, gid), flags: &["-uid"] };
            let expected = format!("0\n{}{}", map(uid), map(gid));
            Case::new(start)
                .words("-pid")
                .script("id -u; cat /proc/self/uid_map /proc/self/gid_map")
                .run()
                .prints(expected);
        }
    }
}

#[test]
fn an_ordinary_user_without_uid_is_told_so() {
    for user in users().into_iter().filter(|user| !user.is_root()) {
        for flags in ["-pid", "-uts", "-ipc", "-net", "-mnt=/"] {
            Case::plain(user)
                .words("-run")
                .words(flags)
                .command("true")
                .run()
                .refuses(125, "gontainer: make the namespaces: clone: operation not permitted (EPERM)")
                .hints("-uid");
        }
    }
}

// Maps of the caller's choice

/// The lines of a map as the kernel pads them.
fn lines(ranges: &[[u32; 3]]) -> String {
    ranges.iter().map(|[inside, outside, count]| format!("{inside:>10} {outside:>10} {count:>10}\n")).collect()
}

const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u; id -g; id -G";

#[test]
fn a_map_of_oneself_leaves_the_caller_who_it_is_and_without_capabilities() {
    for user in users() {
        for flags in ["-map=self", "-uid -map=self -pid", "-map=self -pid -as-pid1", "-map=self -gmap=self"] {
            let own = [lines(&[[user.uid, user.uid, 1]]), lines(&[[user.gid, user.gid, 1]])].concat();
            let expected = format!("{own}deny\n{}\n{gid}\n{gid}\n", user.uid, gid = user.gid);
            Case::plain(user).words("-run").words(flags).script(MAPS).run().prints(expected);
            if !user.is_root() {
                let script = "grep -c '^Cap[IPEA].*:.0000000000000000$' /proc/self/status";
                Case::plain(user).words("-run").words(flags).script(script).run().prints("4\n");
            }
        }
    }
}

#[test]
fn the_group_map_may_be_another_one() {
    for user in users() {
        let expected = format!(
            "{}{}deny\n0\n{gid}\n{gid}\n",
            lines(&[[0, user.uid, 1]]),
            lines(&[[user.gid, user.gid, 1]]),
            gid = user.gid
        );
        Case::plain(user).words("-run -gmap=self").script(MAPS).run().prints(expected);
        let one = format!("-map=5:{}:1 -gmap=7:{}:1", user.uid, user.gid);
        let expected = format!("{}{}deny\n5\n7\n7\n", lines(&[[5, user.uid, 1]]), lines(&[[7, user.gid, 1]]));
        Case::plain(user).words("-run").words(&one).script(MAPS).run().prints(expected);
    }
}

#[test]
fn root_maps_what_it_likes_and_is_root_of_that_alone() {
    for user in root_users() {
        for way in ["", "-pid", "-pid -as-pid1"] {
            let map = lines(&[[0, 100_000, 65536]]);
            let case = || Case::plain(user).words("-run -map=0:100000:65536").words(way);
            case().script(MAPS).run().prints(format!("{map}{map}allow\n0\n0\n0\n"));
            let folder = Folder::new(User::other("another", 100_000, 100_000));
            case().script(&format!("echo >{}", folder.join("file"))).run().prints("");
            let data = std::fs::metadata(folder.path().join("file")).unwrap();
            assert_eq!((data.uid(), data.gid()), (100_000, 100_000));
            // It is not root outside, and so has all capabilities over what is its own.
            let mount = if way.is_empty() { "true" } else { "mount -t tmpfs none /tmp" };
            case().script(&format!("{mount} && ! true >>/proc/sys/kernel/core_pattern")).run().stdout("").status(0);
        }
        let map = lines(&[[0, 0, 1], [1, 100_000, 7], [10, 200_000, 1]]);
        let words = "-map=0:0:1 -map=1:100000:7 -map=10:200000:1";
        Case::plain(user).words("-run").words(words).script(MAPS).run().prints(format!("{map}{map}allow\n0\n0\n0\n"));
    }
}

#[test]
fn a_map_has_up_to_340_lines() {
    for user in root_users() {
        let words: Vec<String> = (0..340).map(|id| format!("-map={}:{}:1", id, 10_000 + 2 * id)).collect();
        let script = "cat /proc/self/uid_map";
        let expected: Vec<[u32; 3]> = (0..340).map(|id| [id, 10_000 + 2 * id, 1]).collect();
        Case::plain(user).words("-run").args(&words).script(script).run().prints(lines(&expected));
        let refused = Case::plain(user).words("-run").args(&words).arg("-map=500:1:1").script(script).run();
        refused.refuses(2, "gontainer: -map: too many ranges: the kernel takes 340 lines, and less than 4096 bytes");
    }
}

#[test]
fn odd_maps_are_refused_before_anything_is_made() {
    for user in users() {
        for (flags, says) in [
            ("-map=", "-map: takes root, self, auto or INSIDE:OUTSIDE:COUNT"),
            ("-map=0:1000", "-map: takes root, self, auto or INSIDE:OUTSIDE:COUNT"),
            ("-map=0:0:0", "-map: takes root, self, auto or INSIDE:OUTSIDE:COUNT"),
            ("-map=0:4294967295:1", "-map: takes root, self, auto or INSIDE:OUTSIDE:COUNT"),
            ("-gmap=+0:1:1", "-gmap: takes root, self, auto or INSIDE:OUTSIDE:COUNT"),
            ("-map=0:1:2 -map=1:7:1", "-map: two ranges share an id"),
            ("-map=0:1:2 -map=9:2:1", "-map: two ranges share an id"),
            ("-map=auto -map=9:2:1", "-map: takes either one of root, self, auto, or ranges"),
            ("-map=auto -uid=false -pid", "-map: needs a user namespace: leave -uid=false out"),
            ("-map=7:4000000:2", "-map: no id inside is 0 or yours: say with -user who COMMAND is to be"),
            ("-uid -user=1:x", "-user: takes a NAME of the container's /etc/passwd, UID or UID:GID"),
            ("-uid -user=", "-user: takes a NAME of the container's /etc/passwd, UID or UID:GID"),
        ] {
            let run = Case::plain(user).words("-run").words(flags).command("true").run();
            run.refuses(2, &format!("gontainer: {says}"));
        }
    }
}

/// Runs gontainer as an ordinary user to whom private copies of /etc/subuid and /etc/subgid give ids.
/// `prepare` is done first, by root, in a mount namespace of its own.
fn with_subordinates(files: &Folder, prepare: &str, words: &str) -> Case {
    let script = format!(
        "set -e; for file in subuid subgid; do mount --bind {} /etc/$file; done; {prepare}
         exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all {} {words} \"$@\"",
        files.join("$file"),
        gontainer().display()
    );
    let root = users().into_iter().find(|user| user.is_root()).unwrap();
    Case::direct(root).private_mounts().args(["sh", "-c", &script, "sh"])
}

/// Files for [`with_subordinates`], if everything else is there too.
fn subordinates() -> Option<Folder> {
    let root = *root_users().first()?;
    let there = ["newuidmap", "newgidmap", "setpriv"].map(need_program);
    if there.contains(&None) || !std::path::Path::new("/etc/subuid").exists() {
        skip("/etc/subuid, newuidmap, newgidmap and setpriv: one of them is missing");
        return None;
    }
    let files = Folder::new(root);
    files.file("subuid", 0o644, "someone:1:1\nnobody:200000:65536\n");
    files.file("subgid", 0o644, "65534:300000:10\nother:1:1\n65534:400000:100");
    Some(files)
}

#[test]
fn an_ordinary_user_gets_its_subordinate_ids() {
    let Some(files) = subordinates() else { return };
    let users = lines(&[[0, 65534, 1], [1, 200_000, 65535]]);
    let groups = lines(&[[0, 65534, 1], [1, 300_000, 10], [11, 400_000, 100]]);
    for way in ["", "-pid", "-pid -as-pid1"] {
        let words = format!("-run -map=auto {way}");
        let expected = format!("{users}{groups}allow\n0\n0\n0\n");
        with_subordinates(&files, "", &words).script(MAPS).run().prints(expected);
        let script = "cd $(mktemp -d) && touch file && chown 7:9 file && stat -c %u:%g file && rm -r $PWD";
        with_subordinates(&files, "", &words).script(script).run().prints("7:9\n");
    }
    // Ranges of its own choice, as far as they are its own.
    let words = "-run -map=0:65534:1 -map=1000:200005:2 -gmap=self";
    let expected = format!(
        "{}{}deny\n0\n65534\n65534\n",
        lines(&[[0, 65534, 1], [1000, 200_005, 2]]),
        lines(&[[65534, 65534, 1]])
    );
    with_subordinates(&files, "", words).script(MAPS).run().prints(expected);
    let run = with_subordinates(&files, "", "-run -map=0:65534:1 -map=1:5:1").command("echo ran").run();
    run.status(125).stdout("");
    let complaint = run.complaint();
    let last = "gontainer: map the group id: run(/usr/bin/newgidmap): it failed; its message stands above\n";
    run.that("the helper's words come first", complaint.starts_with("newgidmap: ") && complaint.ends_with(last));
}

/// So that write(1), which is setgid tty, reaches them and nobody else does.
#[test]
fn a_terminal_is_of_group_5_where_that_has_a_number() {
    let script = "exec 3<>/dev/ptmx; stat -c %g:%a /dev/pts/0";
    for start in starts() {
        let root = rootfs(start.user);
        let case = |words: &str| Case::new(start).root(&root).words("-pid").words(words).script(script);
        case("").run().prints(if start.has_user_namespace() { "0:620\n" } else { "5:620\n" });
        if start.is_real_root() {
            case("-map=0:0:1 -map=5:200000:1").run().prints("5:620\n");
            case("-map=0:0:1 -map=1:200000:4 -map=6:200006:1").run().prints("0:620\n");
            case("-gmap=0:0:6").run().prints("5:620\n");
        }
        if start.has_user_namespace() {
            case(&format!("-gmap=5:{}:1", start.user.gid)).run().prints("5:620\n");
        }
    }
    let Some(files) = subordinates() else { return };
    let root = rootfs(User::other("an ordinary user", 65534, 65534));
    let words = format!("-run -map=auto -pid -mnt={}", root.join(""));
    with_subordinates(&files, "", &words).script(script).run().prints("5:620\n");
}

#[test]
fn helpers_that_cannot_be_trusted_are_not_run() {
    let Some(files) = subordinates() else { return };
    files.file("helper", 0o755, "#!/bin/sh\necho ran >&2\n");
    for (prepare, says) in [
        ("", "is neither setuid nor has a capability"),
        ("chown 7 $helper;", "does not belong to root"),
        ("chmod 4775 $helper;", "others than root may write it"),
        ("chmod 4757 $helper;", "others than root may write it"),
    ] {
        let prepare = format!(
            "helper={}; chown 0 $helper; chmod 755 $helper; {prepare} mount --bind $helper /usr/bin/newgidmap;",
            files.join("helper")
        );
        let run = with_subordinates(&files, &prepare, "-run -map=auto").command("echo ran").run();
        run.refuses(125, &format!("gontainer: map the group id: trust(/usr/bin/newgidmap): {says}"));
    }
    // Nor one that only stands first in PATH.
    files.dir("bin").file("bin/newuidmap", 0o755, "#!/bin/sh\necho ran >&2\n");
    files.file("bin/newgidmap", 0o755, "#!/bin/sh\necho ran >&2\n");
    let prepare = format!("PATH={}:$PATH; export PATH;", files.join("bin"));
    with_subordinates(&files, &prepare, "-run -map=auto").command("echo mapped").run().prints("mapped\n");
    // One that may be trusted, and does nothing: the map is looked at afterwards.
    let prepare = format!("cp /bin/true {0}; chmod 4755 {0}; mount --bind {0} /usr/bin/newgidmap;", files.join("true"));
    let run = with_subordinates(&files, &prepare, "-run -map=auto").command("echo ran").run();
    let says = "gontainer: map the group id: read(gid_map): is not what was asked for";
    run.refuses(125, says);
    // Nor one that writes another map of as many lines, however late it differs.
    let Some(compiler) = need_program("cc") else { return };
    files.file(
        "other.c",
        0o644,
        r#"
        #include <stdio.h>
        #include <stdlib.h>
        int main(int count, char **words) {
            char path[64];
            snprintf(path, sizeof path, "/proc/%s/gid_map", words[1]);
            FILE *map = fopen(path, "w");
            for (int word = 2; word + 2 < count; word += 3)
                fprintf(map, "%s %s %d\n", words[word], words[word + 1], word + 3 < count ? atoi(words[word + 2]) : 5);
            return fclose(map) != 0;
        }"#,
    );
    let built =
        std::process::Command::new(compiler).args(["-o", &files.join("other"), &files.join("other.c")]).status();
    assert!(built.unwrap().success());
    let prepare = format!("chmod 4755 {0}; mount --bind {0} /usr/bin/newgidmap;", files.join("other"));
    with_subordinates(&files, &prepare, "-run -map=auto").command("echo ran").run().refuses(125, says);
}

/// Nothing that the caller set reaches what runs with privileges: no variable, no descriptor but the standard ones.
#[test]
fn helpers_get_the_map_and_nothing_of_the_callers() {
    let Some(files) = subordinates() else { return };
    let script = "#!/bin/sh\nwc -c </proc/self/environ >&2; ls /proc/self/fd >&2; echo $0 $# $2 $3 $4 >&2; exit 1\n";
    files.file("helper", 0o755, script);
    let helper = files.join("helper");
    let prepare = format!("chmod 4755 {helper}; mount --bind {helper} /usr/bin/newgidmap;");
    let case = with_subordinates(&files, &prepare, "-run -map=auto").variable("LD_PRELOAD_", "x").leaking(3..20);
    let run = case.command("echo ran").run();
    run.status(125).stdout("").stderr(
        "0\n0\n1\n2\n3\n/usr/bin/newgidmap 10 0 65534 1\n\
         gontainer: map the group id: run(/usr/bin/newgidmap): it failed; its message stands above\n",
    );
}

#[test]
fn where_no_helper_can_gain_privilege_that_is_said() {
    let Some(files) = subordinates() else { return };
    let prepare = format!(
        "exec setpriv --no-new-privs --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all {} -run -map=auto -- true;",
        gontainer().display()
    );
    let run = with_subordinates(&files, &prepare, "").run();
    run.status(125).stdout("").hints("no_new_privs is in force here");
}

#[test]
fn a_helper_may_have_its_privilege_from_a_file_capability() {
    let Some(_) = need_program("setcap") else { return };
    let Some(files) = subordinates() else { return };
    let prepare = format!(
        "cp /usr/bin/newgidmap {0}; chmod 755 {0}; setcap cap_setgid=ep {0}; mount --bind {0} /usr/bin/newgidmap;",
        files.join("capable")
    );
    with_subordinates(&files, &prepare, "-run -map=auto").command("echo mapped").run().prints("mapped\n");
}

/// What overlaps with what was taken before is left out, as is a line that is not quite one.
#[test]
fn odd_lines_of_subordinate_ids_are_left_out() {
    let Some(files) = subordinates() else { return };
    let lines_of_file = "65534:300000:10\n65534:300009:10\n65534:299991:10\n65534:65530:10\n65534x:600000:7\n\
                         65534 :610000:7\n65534:620000:7 \n65534:0x9:7\n65534:630000\n65534:500000:5\n";
    files.remove("subgid").file("subgid", 0o644, lines_of_file);
    let expected = lines(&[[0, 65534, 1], [1, 300_000, 10], [11, 500_000, 5]]);
    with_subordinates(&files, "", "-run -map=auto").command("cat /proc/self/gid_map").run().prints(expected);
}

#[test]
fn who_has_no_subordinate_ids_is_told_how_to_get_some() {
    for user in users() {
        if user.is_root() && subordinates().is_none() {
            continue;
        }
        let line = "gontainer: find the subordinate ids: look up(/etc/subuid): has no range of ids for this user";
        if user.is_root() {
            let files = Folder::new(user);
            files.file("subuid", 0o644, "root:0:65536\nroot:x:1\n").file("subgid", 0o644, "");
            let run = with_subordinates(&files, "", "-run -map=auto").command("true").run();
            run.refuses(125, line).hints("/etc/subuid");
            // Root's own id is nobody's to give away.
            files.file("subuid", 0o644, "nobody:0:10\n");
            with_subordinates(&files, "", "-run -map=auto").command("true").run().refuses(125, line);
        } else {
            Case::plain(user).words("-run -map=auto").command("true").run().refuses(125, line).hints("/etc/subuid");
        }
    }
}

// Whom the command is

/// A root file system with users of its own.
fn with_users(user: User) -> Folder {
    let root = rootfs(user);
    root.file("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nann:x:7:70:Ann,,,:/home/ann:/bin/sh\nbare:x:8:80:::\n");
    root.file("etc/group", 0o644, "root:x:0:\nann:x:70:ann\ntools:x:71:bare,ann\nother:x:72:anna,an\nlast:x:73:ann");
    root
}

const WHO: &str = "id -u; id -g; id -G; echo $HOME $USER; grep -c '^Cap[PE].*:.0000000000000000$' /proc/self/status";

#[test]
fn root_without_a_user_namespace_becomes_anybody() {
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        let root = with_users(start.user);
        for (who, expected) in [
            ("ann", "7\n70\n70 71 73\n/home/ann ann\n2\n"),
            ("7", "7\n70\n70 71 73\n/home/ann ann\n2\n"),
            ("7:9", "7\n9\n9\n/home/ann ann\n2\n"),
            ("bare", "8\n80\n80 71\n/ bare\n2\n"),
            ("500", "500\n500\n500\n/ 500\n2\n"),
            ("500:600", "500\n600\n600\n/ 500\n2\n"),
            ("root", "0\n0\n0\n/root root\n0\n"),
        ] {
            for way in ["-pid", "-pid -as-pid1"] {
                let case = Case::new(start).root(&root).words(way).arg(format!("-user={who}"));
                let run = case.script(WHO).run();
                // grep says 1 where it counts none.
                run.stderr("").stdout(expected).status(i32::from(who == "root"));
            }
        }
        let run = Case::new(start).root(&root).words("-pid -user=ann -env=HOME=/else").script("echo $HOME $USER").run();
        run.prints("/else ann\n");
        // Numbers without a passwd, and a host's tree.
        root.remove("etc/passwd");
        Case::new(start).root(&root).words("-pid -user=5").script(WHO).run().prints("5\n5\n5\n/ 5\n2\n");
        Case::new(start).words("-pid -user=nobody").script("id -un; echo $HOME").run().prints("nobody\n/nonexistent\n");
    }
}

#[test]
fn with_a_user_namespace_whoever_is_mapped_can_be_had() {
    for start in with_user_namespace() {
        let root = with_users(start.user);
        Case::new(start).root(&root).words("-pid -user=root").script("id -u; echo $HOME").run().prints("0\n/root\n");
        let run = Case::new(start).root(&root).words("-pid -user=ann").command("/bin/true").run();
        let line = "gontainer: become the user: setgroups(ann): operation not permitted (EPERM)";
        run.refuses(125, line).hints("-map=auto");
        let run = Case::new(start).root(&root).words("-pid -user=500:0").command("/bin/true").run();
        let line = "gontainer: become the user: setresuid(500:0): invalid argument (EINVAL)";
        run.refuses(125, line).hints("no mapping");
    }
    let Some(files) = subordinates() else { return };
    let root = with_users(User::other("an ordinary user", 65534, 65534));
    for way in ["-pid", "-pid -as-pid1"] {
        let words = format!("-run -map=auto {way} -mnt={} -user=ann", root.join(""));
        let expected = "7\n70\n70 71 73\n/home/ann ann\n2\n";
        with_subordinates(&files, "", &words).args(["--", "sh", "-c", WHO]).run().prints(expected);
    }
}

#[test]
fn a_user_may_have_64_groups_each_counted_once() {
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        let root = with_users(start.user);
        let case = |count: u32| {
            let groups: String = (1000..1000 + count).map(|gid| format!("g{gid}:x:{gid}:ann,ann\n")).collect();
            root.remove("etc/group").file("etc/group", 0o644, format!("ann:x:70:ann\n{groups}{groups}"));
            let script = "set -- $(grep ^Groups: /proc/self/status); echo $# $2 $3";
            Case::new(start).root(&root).words("-pid -user=ann").script(script).run()
        };
        case(63).prints("65 70 1000\n"); // with the word before them
        let line = "gontainer: become the user: look up(/etc/group): is in more groups than there is room for";
        case(64).refuses(125, line);
    }
}

#[test]
fn somebody_unknown_is_said_to_be_that() {
    for start in starts() {
        let root = with_users(start.user);
        let run = Case::new(start).root(&root).words("-pid -user=an").command("/bin/true").run();
        run.refuses(125, "gontainer: become the user: look up(an): no such user in the container's /etc/passwd");
        root.remove("etc/passwd");
        let line = "gontainer: become the user: look up(ann): no such user in the container's /etc/passwd";
        let ann = || Case::new(start).root(&root).words("-pid -dns=none -user=ann").command("/bin/true").run();
        ann().refuses(125, line);
        root.remove("etc").file("etc", 0o644, "");
        ann().refuses(125, line);
    }
}

#[test]
fn hostile_files_of_users_do_no_harm() {
    for start in starts() {
        let root = with_users(start.user);
        let refused = |says: &str| {
            let run = Case::new(start).root(&root).words("-pid -user=ann").command("/bin/true").run();
            run.refuses(125, &format!("gontainer: become the user: {says}"));
        };
        let passwd = root.path().join("etc/passwd");
        root.remove("etc/passwd").dir("etc/passwd");
        refused("open(/etc/passwd): not a regular file");
        root.remove("etc/passwd");
        let made = std::process::Command::new("mkfifo").arg(&passwd).status().unwrap();
        assert!(made.success());
        std::fs::set_permissions(&passwd, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        refused("open(/etc/passwd): not a regular file");
        root.remove("etc/passwd").file("etc/passwd", 0o644, "");
        std::fs::OpenOptions::new().write(true).open(&passwd).unwrap().set_len(1 << 40).unwrap();
        refused("read(/etc/passwd): file too large (EFBIG)");
        let long = format!("ann:x:7:7::/{}:\n", "x".repeat(300));
        root.remove("etc/passwd").file("etc/passwd", 0o644, long);
        refused("look up(ann): file name too long (ENAMETOOLONG)");
        // A name that is cut would have another one's groups.
        let name = "n".repeat(65);
        root.remove("etc/passwd").file("etc/passwd", 0o644, format!("{name}:x:7:7:::\n"));
        let run = Case::new(start).root(&root).words("-pid").arg(format!("-user={name}")).command("/bin/true").run();
        run.refuses(125, &format!("gontainer: become the user: look up({name}): file name too long (ENAMETOOLONG)"));
        root.remove("etc/passwd").link("etc/passwd", "/proc/1/fd/0");
        let run = Case::new(start).root(&root).words("-pid -user=ann").command("/bin/true").run();
        run.status(125).stdout("");
        // What lies in /proc is the launcher's as well, or only for root's eyes.
        root.remove("etc/passwd").link("etc/passwd", "/proc/self/status");
        refused("open(/etc/passwd): not a regular file");
        let many: String = (1000..1100).map(|gid| format!("g{gid}:x:{gid}:ann\n")).collect();
        root.remove("etc/passwd").file("etc/passwd", 0o644, "ann:x:7:7:::\n").file("etc/group", 0o644, many);
        refused("look up(/etc/group): is in more groups than there is room for");
    }
}

#[test]
fn whoever_the_command_is_it_dies_with_the_launcher_and_takes_its_signals() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        // The tree is whoever's it has to be for the ids.
        let [root, others] = [rootfs(start.user), rootfs(start.user)];
        let chown = std::process::Command::new("chown").args(["-R", "100000:100000", &others.join("")]).status();
        assert!(chown.unwrap().success());
        for way in ["-uts", "-pid", "-pid -as-pid1", "-pid -mnt=@", "-pid -mnt=@ -overlay", "-uts -mnt=@ -dev=none"] {
            for user in ["-map=0:100000:65536", "-map=0:100000:65536 -user=7:7", "-user=7:7 -uid=false"] {
                let name = marker();
                let tree = if user.starts_with("-map") { &others } else { &root };
                let way = way.replace('@', &tree.join(""));
                let case = Case::plain(start.user).words("-run").words(&way).words(user);
                let mut running = case.args(["--", "sh", "-c", "echo up; read x", &name]).silent_input().spawn();
                running.expect("up\n");
                running.signal(libc::SIGKILL);
                await_end_of(&name);
            }
        }
    }
}

#[test]
fn somebody_else_finds_pid_1_closed_too() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        for user in ["-map=0:100000:65536", "-map=0:100000:65536 -user=7:7", "-user=7:7 -uid=false", "-map=self"] {
            let attack = "cat /proc/1/environ /proc/1/maps /proc/1/mem; ls /proc/1/root/; readlink /proc/1/exe";
            let run = Case::plain(start.user).words("-run -pid").words(user).script(attack).run();
            run.that("nothing is seen", run.stdout.is_empty() && run.code() == Some(1));
        }
    }
}

#[test]
fn a_trace_tells_of_groups_that_stay() {
    for user in root_users() {
        for (flags, told) in [("-uid", true), ("-uts", true), ("-map=0:100000:65536", false), ("-user=1 -uts", false)] {
            let script = format!("exec setpriv --groups 4,5,6 {} -run -trace {flags} -- true", gontainer().display());
            let run = Case::direct(user).args(["sh", "-c", &script]).run();
            run.status(0).that("how many", run.complaint().contains("getgroups(how many) = 3") == told);
        }
        for count in [64, 65, 1000] {
            let groups: Vec<String> = (1..=count).map(|gid| gid.to_string()).collect();
            let gontainer = gontainer().display();
            let script =
                format!("exec setpriv --groups {} {gontainer} -run -trace -uid -pid -- true", groups.join(","));
            let run = Case::direct(user).args(["sh", "-c", &script]).run();
            run.status(0).that("how many", run.complaint().contains(&format!("getgroups(how many) = {count} ")));
        }
        let script = format!("exec setpriv --groups 4,5,6 {} -run -map=0:100000:65536 -- id -G", gontainer().display());
        Case::direct(user).args(["sh", "-c", &script]).run().prints("0\n");
    }
}

#[test]
fn in_a_proc_from_further_out_the_child_is_found_by_its_number_there() {
    let gontainer = crate::support::gontainer().display();
    for start in with_user_namespace() {
        let inner = format!("{gontainer} -run -uid -- id -u");
        Case::new(start).words("-pid -proc=none").script(&inner).run().prints("0\n");
        let inner = format!("{gontainer} -run -uid -pid -- {gontainer} -run -uid -pid -- id -u");
        Case::new(start).words("-pid").script(&inner).run().stdout("0\n").status(0); // on the way it says what it lacks
    }
}

/// The child's pid is a stranger's number in the /proc that is there: nothing is written to that one.
#[test]
fn no_stranger_gets_the_map() {
    let Some(_) = need_program("unshare") else { return };
    let Some(user) = users().into_iter().find(|user| user.is_root()) else {
        return skip("to choose the next pid takes root");
    };
    let line = format!(
        "unshare -U sleep 1000 & v=$!
         until [ \"$(cat /proc/$v/comm)\" = sleep ]; do :; done
         unshare -pf sh -c \"echo $((v - 1)) >/proc/sys/kernel/ns_last_pid && exec {} -run -uid -- id -u\"
         cat /proc/$v/uid_map; kill $v",
        crate::support::gontainer().display()
    );
    Case::direct(user).args(["sh", "-c", &line]).run().prints("0\n");
}

/// A change of ids may open PID 1's memory again (/proc/sys/fs/suid_dumpable), which the command's process shares then.
#[test]
fn whoever_changes_ids_closes_the_memory_once_more() {
    for user in users() {
        for flags in ["-uid -pid -user=7:7", "-uid -uts -user=7:7", "-map=self -pid", "-map=0:100000:9 -uts"] {
            if flags.contains("self") && user.is_root() {
                continue; // that is root
            }
            let plan = Case::plain(user).words("-plan").words(flags).command("true").run().text();
            let who = if flags.contains("-pid") { "command" } else { "child" };
            let command: Vec<&str> = plan.lines().filter(|line| line.starts_with(who)).collect();
            let at = |what: &str| command.iter().position(|line| line.contains(what)).unwrap();
            assert!(at("setresuid(") < at("prctl(dumpable)"), "{plan}");
        }
    }
}

/// Where the host's root has no number it has that of who has none, 65534, which may be the caller's own.
#[test]
fn nobody_may_start_containers_where_root_is_called_nobody_too() {
    // Root would be real root.
    for user in users().into_iter().filter(|user| !user.is_root()) {
        let inner = format!("{} -run -uid -pid -- id -u", gontainer().display());
        let map = format!("-map=65534:{}:1", user.uid);
        let case = Case::direct(user).arg(gontainer()).args(["-run", &map, "-pid", "--", "sh", "-c", &inner]);
        case.run().prints("0\n");
    }
}

/// The caller's group would stay: without a number inside, and with all that it may do outside.
#[test]
fn a_group_that_has_no_number_inside_is_not_kept() {
    for user in root_users() {
        let case = Case::direct(user).arg(gontainer()).words("-run -map=0:100000:9 -gmap=5:100005:1 -pid -- id");
        let line = "gontainer: become root inside: setresgid: invalid argument (EINVAL)";
        case.run().refuses(125, line).hints("this id has no mapping");
    }
}

/// Without a PID namespace of its own a tree sees the host's processes, by whose links in /proc a name leads anywhere.
#[test]
fn who_somebody_is_is_not_read_outside_the_tree() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), Folder::new(start.user));
        host.file("passwd", 0o644, "svc:x:7:8::/secret:/bin/sh\n");
        root.remove("etc/passwd")
            .link("etc/passwd", &format!("/proc/{}/root{}", std::process::id(), host.join("passwd")));
        let run = Case::new(start).words("-uts -user=svc").root(&root).script("echo $HOME").run();
        run.status(125)
            .stdout("")
            .that("why", run.stderr.starts_with(b"gontainer: become the user: open(/etc/passwd): "));
    }
}

#[test]
fn what_keeps_a_map_from_being_written_is_named() {
    let Some(setpriv) = need_program("setpriv") else { return };
    let Some(user) = users().into_iter().find(|user| user.is_root()) else { return skip("both take root to set up") };
    let setpriv = Case::direct(user).arg(setpriv).args(["--bounding-set=-setfcap", "--inh-caps=-all"]);
    let line = "gontainer: map the user id: write(uid_map): operation not permitted (EPERM)";
    setpriv.arg(gontainer()).words("-run -uid -- true").run().refuses(125, line).hints("CAP_SETFCAP");
    let script = format!("mount -o remount,bind,ro /proc && exec {} -run -uid -- true", gontainer().display());
    let line = "gontainer: deny setgroups: open(setgroups): read-only file system (EROFS)";
    Case::direct(user)
        .private_mounts()
        .args(["sh", "-c", &script])
        .run()
        .refuses(125, line)
        .hints("/proc is read-only");
}

/// In a user namespace root may have another number, and is the owner of the host's `/proc/sys` all the same.
#[test]
fn root_is_real_by_whatever_number() {
    for user in root_users() {
        // The second is what the kernel says of those that have none.
        for number in [1000, 65534] {
            let root = rootfs(user);
            let map = format!("unshare --user --map-user={number} --map-group={number}");
            let case = Case::direct(user).words(&map).arg(gontainer()).words("-run -uid -pid").root(&root);
            let script =
                "grep CapEff /proc/self/status; ( : >>/proc/sys/kernel/core_pattern ) 2>&1 | grep -o Read-only";
            case.script(script).run().prints("CapEff:\t00000000a80425fb\nRead-only\n");
        }
    }
}
