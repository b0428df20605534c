//! Folders, programs, root file systems.

use super::{User, skip, skips};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, RwLock};

/// While a file is open for writing, no other thread may fork: its child would hold the file open, and
/// whoever executes it then gets ETXTBSY.
pub(super) static WRITING: RwLock<()> = RwLock::new(());

/// A folder that everyone can reach; it goes when the tests end.
pub fn work() -> &'static Path {
    static WORK: LazyLock<PathBuf> = LazyLock::new(|| {
        // SAFETY: takes a number only.
        unsafe { libc::umask(0o022) }; // whoever runs the tests may have a stricter one: others are to look, too
        let work = tempfile::Builder::new().prefix("gontainer-tests-").tempdir_in(temp()).unwrap().keep();
        fs::set_permissions(&work, fs::Permissions::from_mode(0o755)).unwrap();
        // SAFETY: the function takes and returns nothing.
        assert_eq!(unsafe { libc::atexit(at_exit) }, 0);
        work
    });
    &WORK
}

extern "C" fn at_exit() {
    // fs::remove_dir_all would stop at what overlayfs keeps in its work folder: without rights, and empty.
    let _ = Command::new("rm").arg("-rf").arg(work()).status();
    skips::repeat();
}

/// Where everyone may look: the user's own temporary folder may be closed to others.
fn temp() -> PathBuf {
    let open = |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o5 == 0o5);
    Some(std::env::temp_dir()).filter(open).unwrap_or_else(|| "/tmp".into())
}

/// A copy in the work folder, made by another process: see [`WRITING`].
fn copy(from: &Path, name: &str) -> PathBuf {
    let to = work().join(name);
    let done = Command::new("cp").args([from, to.as_path()]).status().unwrap();
    assert!(done.success(), "cannot copy {}", from.display());
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
    to
}

/// The program to test, where every user can execute it.
pub fn gontainer() -> &'static Path {
    static COPY: LazyLock<PathBuf> = LazyLock::new(|| {
        let named = std::env::var_os("GONTAINER").unwrap_or_else(|| env!("CARGO_BIN_EXE_gontainer").into());
        copy(Path::new(&named), "gontainer")
    });
    &COPY
}

/// Whether the program to test makes no calls but its own: it asks for no loader, and against musl the kernel enters
/// it directly.
pub fn is_static() -> bool {
    static IS_STATIC: LazyLock<bool> = LazyLock::new(|| {
        let binary = fs::read(gontainer()).unwrap();
        !binary.windows(8).any(|window| window == b"/ld-linu" || window == b"/ld-musl")
    });
    *IS_STATIC
}

/// Where a program of the host lies, if it is there.
pub fn find_program(name: &str) -> Option<PathBuf> {
    ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .map(|dir| Path::new(dir).join(name))
        .into_iter()
        .find(|path| path.exists())
}

/// As [`find_program`]; what is missing is a skip.
pub fn need_program(name: &str) -> Option<PathBuf> {
    let found = find_program(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// A folder of a user's own.
pub struct Folder {
    folder: tempfile::TempDir,
    user: User,
}

impl Folder {
    pub fn new(user: User) -> Folder {
        let folder = tempfile::tempdir_in(work()).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let folder = Folder { folder, user };
        folder.give("");
        folder
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of something in it, as text.
    pub fn join(&self, name: &str) -> String {
        let path = if name.is_empty() { self.path().to_owned() } else { self.path().join(name) };
        path.to_str().unwrap().to_owned()
    }

    pub fn exists(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path().join(name)).is_ok()
    }

    pub fn dir(&self, name: &str) -> &Folder {
        fs::create_dir(self.path().join(name)).unwrap();
        self.give(name)
    }

    pub fn file(&self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> &Folder {
        let path = self.path().join(name);
        {
            let _alone = WRITING.write().unwrap();
            fs::write(&path, content).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self.give(name)
    }

    pub fn link(&self, name: &str, target: &str) -> &Folder {
        symlink(target, self.path().join(name)).unwrap();
        self
    }

    pub fn remove(&self, name: &str) -> &Folder {
        let path = self.path().join(name);
        if fs::symlink_metadata(&path).unwrap().is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            .unwrap();
        self
    }

    pub fn mode(&self, name: &str, mode: u32) -> &Folder {
        fs::set_permissions(self.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// A copy of this file.
    pub fn copy(&self, from: &Path, name: &str) -> &Folder {
        let copied = Command::new("cp").arg(from).arg(self.join(name)).status().unwrap();
        assert!(copied.success(), "cannot copy {}", from.display());
        self.give(name)
    }

    /// A program of the host with the libraries it loads, at the same paths.
    pub fn program(&self, path: &Path) -> &Folder {
        let listed = Command::new("ldd").arg(path).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let libraries = listed.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new);
        for file in libraries.chain([path]) {
            let to = self.path().join(file.strip_prefix("/").unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            if !to.exists() {
                assert!(Command::new("cp").arg("-L").arg(file).arg(&to).status().unwrap().success());
            }
        }
        self
    }

    fn give(&self, name: &str) -> &Folder {
        if self.user.switch {
            chown(self.path().join(name), Some(self.user.uid), Some(self.user.gid)).unwrap();
        }
        self
    }
}

/// A root file system of the user's: Debian's static busybox and what a small system has besides.
pub fn rootfs(user: User) -> Folder {
    static BUSYBOX: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = find_program("busybox").expect("these tests need busybox: apt-get install busybox-static");
        copy(&path, "busybox")
    });
    const APPLETS: &str = "sh ash id hostname ps ip mount umount cat ls sleep env true false echo grep pwd kill \
                           readlink stty dd chroot mkdir rm touch stat seq wc head test expr ipcs mknod printf sort";
    let root = Folder::new(user);
    for dir in ["bin", "dev", "etc", "proc", "root", "sys", "tmp"] {
        root.dir(dir);
    }
    fs::hard_link(&*BUSYBOX, root.path().join("bin/busybox")).unwrap();
    for applet in APPLETS.split_whitespace() {
        root.link(&format!("bin/{applet}"), "busybox");
    }
    root.file("dev/null", 0o666, ""); // as good as the device for a shell's background jobs
    root.file("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n");
    root.file("etc/group", 0o644, "root:x:0:\n");
    root
}
