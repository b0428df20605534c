//! A virtual machine of one's own: another kernel, and a root that may do everything to it.

use super::files::{Folder, find_program, gontainer, rootfs};
use super::{Outcome, skip, users};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// A processor that a machine can have, and what emulates it.
struct Cpu {
    name: &'static str,
    package: &'static str,
    options: &'static [&'static str],
    console: &'static str,
    /// Where the answers go: to a serial port of their own, or, if there is but one, to the console.
    answers: &'static str,
}

const NATIVE: Cpu = Cpu {
    name: "x86_64",
    package: "qemu-system-x86",
    options: &["-M", "pc", "-cpu", "max"],
    console: "ttyS0",
    answers: "ttyS1",
};

const OTHERS: [Cpu; 2] = [
    Cpu {
        name: "aarch64",
        package: "qemu-system-arm",
        options: &["-M", "virt", "-cpu", "max"],
        console: "ttyAMA0",
        answers: "console",
    },
    Cpu {
        name: "riscv64",
        package: "qemu-system-misc",
        options: &["-M", "virt"],
        console: "ttyS0",
        answers: "console",
    },
];

/// What `.ci/machines` has for that processor.
fn part(cpu: &Cpu, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/vm").join(cpu.name).join(name)
}

/// PID 1 of the machine. Each step's status and output go out as a line of four words, the output in
/// hexadecimal digits.
const INIT: &str = r#"#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
if [ -e /on-tmpfs ] && [ "$1" != again ]; then
    busybox mount -t tmpfs -o mode=755 root /new
    for name in /*; do case $name in /new|/proc|/sys|/dev) busybox mkdir -p /new$name;; *) busybox cp -a $name /new/;; esac; done
    exec busybox switch_root /new /init again
fi
mount -t proc proc /proc
busybox --install -s /bin 2>/dev/null
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir -p /rootfs/proc /rootfs/dev /rootfs/tmp
cp -a /bin /etc /rootfs/
chmod 1777 /tmp
[ ! -e /module.ko ] || insmod /module.ko
cd /
hexadecimal() { od -An -v -tx1 "$1" | tr -d ' \n'; }
for step in /steps/*; do
    read -r uid <$step/uid
    chmod 755 /steps $step
    case $uid in
    0) sh $step/script ;;
    *) as $uid sh $step/script ;;
    esac </dev/null >/tmp/out 2>/tmp/err
    echo "$? o$(hexadecimal /tmp/out) e$(hexadecimal /tmp/err) ." >/dev/$answers
done
poweroff -f
"#;

/// A virtual machine, before it boots: Debian's kernel, busybox, gontainer, `as UID COMMAND`, `/rootfs` for
/// containers, and cgroup v2 with all controllers on `/sys/fs/cgroup`.
pub struct Machine {
    cpu: &'static Cpu,
    tree: Folder,
    steps: Vec<String>,
}

impl Machine {
    /// None, and a skip, where none can be had.
    pub fn new() -> Option<Machine> {
        Machine::of(&NATIVE, gontainer())
    }

    /// One with another processor.
    pub fn with(cpu: &str) -> Option<Machine> {
        let cpu = OTHERS.iter().find(|other| other.name == cpu).unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("gontainer-{}", cpu.name));
        Machine::of(cpu, &program)
    }

    fn of(cpu: &'static Cpu, program: &Path) -> Option<Machine> {
        let missing = |what: &str| {
            skip(&format!("no virtual machine with {} without {what}", cpu.name));
            None
        };
        if !cfg!(target_arch = "x86_64") {
            return missing("an x86-64 host");
        }
        if find_program(&format!("qemu-system-{}", cpu.name)).is_none() {
            return missing(cpu.package);
        }
        if !part(cpu, "vmlinuz").exists() {
            return missing("Debian's kernel: .ci/machines all");
        }
        if !program.exists() {
            return missing(&format!("gontainer for it: CPU={} ./musl-build.sh", cpu.name));
        }
        let tree = rootfs(*users().first()?);
        if part(cpu, "busybox").exists() {
            tree.remove("bin/busybox").copy(&part(cpu, "busybox"), "bin/busybox");
        }
        tree.copy(program, "bin/gontainer");
        tree.dir("new").dir("steps").file("init", 0o755, INIT).file("on-tmpfs", 0o644, "");
        tree.file("etc/passwd", 0o644, "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n");
        tree.file("bin/as", 0o755, "#!/bin/sh\nshift\nexec su -c 'exec \"$0\" \"$@\"' -- user \"$@\"\n");
        Some(Machine { cpu, tree, steps: Vec::new() })
    }

    /// `/` stays the initramfs, which pivot_root(2) cannot leave; else it is a tmpfs.
    pub fn on_its_initramfs(self) -> Machine {
        self.tree.remove("on-tmpfs");
        self
    }

    /// Loads this module of its kernel first.
    pub fn module(self, path: &str) -> Machine {
        self.tree.copy(&part(self.cpu, "modules").join(path), "module.ko");
        self
    }

    /// With a copy of this program, which is for its processor.
    pub fn program(self, path: &Path, name: &str) -> Machine {
        self.tree.copy(path, name);
        self
    }

    /// Then root runs this script.
    pub fn root(self, script: &str) -> Machine {
        self.step(0, script)
    }

    /// Then an ordinary user runs this script: 1000, group 1000.
    pub fn user(self, script: &str) -> Machine {
        self.step(1000, script)
    }

    /// Then these users run these scripts: 0 or 1000.
    pub fn scripts(self, scripts: &[(u32, String)]) -> Machine {
        scripts.iter().fold(self, |machine, (uid, script)| machine.step(*uid, script))
    }

    fn step(mut self, uid: u32, script: &str) -> Machine {
        let folder = format!("steps/{:03}", self.steps.len());
        self.tree.dir(&folder);
        self.tree.file(&format!("{folder}/uid"), 0o644, format!("{uid}\n"));
        self.tree.file(&format!("{folder}/script"), 0o644, script);
        self.steps.push(format!("in a virtual machine as {uid}:\n{script}"));
        self
    }

    /// Boots, and returns what came of each script.
    #[track_caller]
    pub fn boot(self) -> Vec<Outcome> {
        let work = Folder::new(*users().first().unwrap());
        let (image, answers) = (work.join("image"), work.join("answers"));
        // root owns all of it, whoever we are.
        let pack = format!("cd {} && find . | busybox cpio -o -H newc -R 0:0 >{image}", self.tree.join(""));
        assert!(Command::new("sh").args(["-c", &pack]).output().unwrap().status.success(), "{pack}");
        let Cpu { name, options, console, answers: port, .. } = self.cpu;
        // No KVM: not everyone has it, and booting takes a few seconds without.
        let machine = Command::new("timeout")
            .args(["600", &format!("qemu-system-{name}"), "-m", "512", "-nodefaults"])
            .args(*options)
            .args(["-display", "none", "-no-reboot", "-initrd", &image, "-kernel"])
            .arg(part(self.cpu, "vmlinuz"))
            .args(["-append", &format!("console={console} answers={port} quiet loglevel=1 panic=-1 mitigations=off")])
            .args(["-serial", "stdio", "-serial", &format!("file:{answers}")])
            .output()
            .unwrap();
        let console = String::from_utf8_lossy(&machine.stdout).into_owned();
        let answers = std::fs::read_to_string(&answers).unwrap_or_default();
        let answered: Vec<&str> = console.lines().chain(answers.lines()).filter(|line| line.ends_with(" .")).collect();
        let outcomes: Vec<Outcome> =
            self.steps.iter().zip(&answered).map(|(about, line)| outcome(line, about, &console)).collect();
        assert!(
            outcomes.len() == self.steps.len(),
            "it got to step {} of {}: {:?}\nconsole: {console}\n{}",
            outcomes.len(),
            self.steps.len(),
            self.steps.get(outcomes.len()),
            String::from_utf8_lossy(&machine.stderr)
        );
        outcomes
    }
}

/// `STATUS oOUTPUT eERRORS .`
#[track_caller]
fn outcome(line: &str, about: &str, console: &str) -> Outcome {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [status, out, err, "."] = words[..] else { panic!("not an answer: {line}\n{console}") };
    let bytes = |digits: &str| -> Vec<u8> {
        (1..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    };
    Outcome {
        status: Some(ExitStatus::from_raw(status.parse::<i32>().unwrap() << 8)),
        stdout: bytes(out),
        stderr: bytes(err),
        screen: console.to_owned(),
        about: about.to_owned(),
    }
}
