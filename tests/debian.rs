//! A real system's tree: Debian, made by debootstrap, lived in by root and by an ordinary user.

use crate::support::{Case, Folder, User, gontainer, need_program, root_users, skip};
use std::process::Command;
use std::time::Duration;

/// Packages come over a network.
const PATIENCE: Duration = Duration::from_secs(300);

/// What people do on a machine. Each command is quiet unless it fails; what is left is the output below.
const A_DAY: &str = r#"
set -e
export DEBIAN_FRONTEND=noninteractive
loud() { "$@" >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }; }
echo 'Acquire::Retries "3";' >/etc/apt/apt.conf.d/retries
loud apt-get update -q
loud apt-get install -yq --no-install-recommends python3-minimal gcc libc6-dev procps git tmux
perl -e 'print "perl\n"'
python3 -c 'print("python")'
loud useradd -m ann
su ann -c 'id -un; cd; pwd; touch file; stat -c %U:%G file'
cd /tmp
loud apt-get download hello
loud dpkg -i hello_*.deb
hello
touch file
chown games:staff file
tar -cf file.tar file
rm file
tar -xf file.tar
stat -c %U:%G file
echo 'int main(void) { return 37; }' >main.c
gcc main.c -o main
./main || echo $?
ps aux | awk '$2 == 1 { print $1 }'
mount | grep -o '^proc on /proc type proc'
loud git init -b main work
cd work
mv ../main.c .
git add main.c
git -c user.name=Ann -c user.email=ann@example.org commit -qm 'A program'
git log --format='%an: %s'
su ann -c "script -qec 'tty; stat -c %U:%G \$(tty); echo typescript' /dev/null" | tr -d '\r'
tmux new-session -d 'tty; echo pane; exec cat'
until tmux capture-pane -p | grep -B 1 pane; do :; done
tmux kill-server
"#;

const ITS_OUTPUT: &str = "perl\npython\nann\n/home/ann\nann:ann\nHello, world!\ngames:staff\n37\nroot\n\
                          proc on /proc type proc\nAnn: A program\n/dev/pts/0\nann:tty\ntypescript\n/dev/pts/0\npane\n";

/// Whether Debian's packages can be had here, and what makes a tree of them. Where nothing must run, only on
/// request: it takes a network, and a minute.
fn can_bootstrap() -> bool {
    let asked = ["GONTAINER_TESTS_MUST_RUN", "GONTAINER_TESTS_DEBIAN"].map(std::env::var_os);
    if asked.iter().flatten().all(|value| value != "1") {
        skip("a Debian tree is made only with GONTAINER_TESTS_DEBIAN=1");
        return false;
    }
    need_program("debootstrap").is_some() && !root_users().is_empty()
}

const BOOTSTRAP: &str = "--variant=minbase bookworm";

#[test]
fn root_lives_in_a_debian_tree() {
    if !can_bootstrap() {
        return;
    }
    for user in root_users() {
        let folder = Folder::new(user);
        let tree = folder.join("tree");
        // In mounts of its own: while it runs, it has a /proc in the tree, which other tests would see.
        let words = ["-m", "debootstrap"].into_iter().chain(BOOTSTRAP.split_whitespace());
        let made = Command::new("unshare").args(words).arg(&tree).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let case = Case::plain(user).words("-run -pid").arg(format!("-mnt={tree}"));
        case.args(["--", "bash", "-c", A_DAY]).spawn().finish_within(PATIENCE).prints(ITS_OUTPUT);
        // Its own users, by name.
        let case = Case::plain(user).words("-run -pid -user=ann").arg(format!("-mnt={tree}"));
        case.args(["--", "sh", "-c", "id; cd; pwd"])
            .run()
            .prints("uid=1000(ann) gid=1000(ann) groups=1000(ann)\n/home/ann\n");
    }
}

#[test]
fn an_ordinary_user_makes_a_debian_tree_and_lives_in_it() {
    if !can_bootstrap() {
        return;
    }
    if !std::path::Path::new("/etc/subuid").exists() || need_program("newuidmap").is_none() {
        return skip("an ordinary user needs /etc/subuid and newuidmap");
    }
    let root = root_users()[0];
    let files = Folder::new(root);
    files.file("ids", 0o644, "nobody:200000:65536\n");
    let folder = Folder::new(User::other("an ordinary user", 65534, 65534));
    let tree = folder.join("tree");
    let script = format!(
        "set -e; for file in subuid subgid; do mount --bind {} /etc/$file; done
         exec setpriv --reuid 65534 --regid 65534 --clear-groups {} -run -map=auto -pid \"$@\"",
        files.join("ids"),
        gontainer().display()
    );
    let case = || Case::direct(root).private_mounts().args(["sh", "-c", &script, "sh"]);
    // To be told of a container makes debootstrap do without device nodes.
    let made = case()
        .words("-env=container=lxc -env=HOME=/ -- debootstrap")
        .words(BOOTSTRAP)
        .arg(&tree)
        .spawn()
        .finish_within(PATIENCE);
    made.status(0);
    let case = || case().arg(format!("-mnt={tree}"));
    case().args(["--", "bash", "-c", A_DAY]).spawn().finish_within(PATIENCE).prints(ITS_OUTPUT);
    let run = case().args(["-user=ann", "--", "sh", "-c", "id; cd; pwd"]).run();
    run.prints("uid=1000(ann) gid=1000(ann) groups=1000(ann)\n/home/ann\n");
}
