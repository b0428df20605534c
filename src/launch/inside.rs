//! Paths inside a root: names that may belong to an enemy, who may be changing them.
//!
//! A root is given as a descriptor. Whatever the links and the `..` in a path say, what is found or made
//! lies at or below it: the kernel resolves a path so by openat2(2); where that is missing, and where
//! something is to be made, it is done by hand, one component after the other, each opened without
//! following it. Mount onto the descriptor that comes back, not onto the path.
//!
//! Only while nothing is mounted over the root itself: `..` there leads up into such a mount (handle_dots in
//! fs/namei.c). So before pivot_root, which puts the old root on top, or after that has gone.

use crate::sys::file::{self, Kind, Open};
use crate::sys::{Errno, Fd};
use crate::text::Text;
use core::ffi::CStr;

/// As many links on a way as the kernel follows.
const MOST_LINKS: u32 = 40;
/// As many directories below the root as the walk by hand can come back from.
const DEEPEST: usize = 64;
/// The longest path, with its NUL: PATH_MAX.
const LONGEST: usize = 4096;

/// What becomes of a name that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// ENOENT.
    Refuse,
    /// It is made, a directory.
    Dir,
    /// The same, but the last one becomes an empty file.
    File,
}

/// Whatever `path` names inside `root`, links followed, as an `O_PATH` descriptor.
pub(super) fn find(root: &Fd, path: &CStr) -> Result<Fd, Errno> {
    match file::open_inside(root, path) {
        // SINCE(5.6): openat2. EAGAIN: while a `..` was resolved something was renamed or mounted somewhere.
        Err(Errno::ENOSYS | Errno::EPERM | Errno::EAGAIN) => walk(root, path, Missing::Refuse),
        result => result,
    }
}

/// The same from the top of the container's tree, for who stands in it. Links of /proc are not followed, as one to a
/// descriptor of ours or into another process's tree would lead out.
pub(super) fn find_from_top(path: &CStr) -> Result<Fd, Errno> {
    find(&file::open(c"/", Open::RealDir)?, path)
}

/// As [`find`], but the directories that are missing are made, mode 0755.
pub(super) fn make_dir(root: &Fd, path: &CStr) -> Result<Fd, Errno> {
    make(root, path, Missing::Dir)
}

/// As [`make_dir`], but the last name becomes an empty file, mode 0644, if it is missing. What is there may
/// be anything.
pub(super) fn make_file(root: &Fd, path: &CStr) -> Result<Fd, Errno> {
    make(root, path, Missing::File)
}

#[cold]
#[inline(never)]
fn make(root: &Fd, path: &CStr, missing: Missing) -> Result<Fd, Errno> {
    match find(root, path) {
        Err(Errno::ENOENT) => {
            let mask = file::set_umask(0)?;
            let made = walk(root, path, missing);
            file::set_umask(mask)?;
            made
        }
        result => result,
    }
}

/// The way down from the root: every directory on it, so that `..` needs no name.
struct Way<'a> {
    root: &'a Fd,
    below: [Option<Fd>; DEEPEST],
    depth: usize,
    /// Whether the last on the way is a directory.
    at_dir: bool,
}

impl<'a> Way<'a> {
    fn at(root: &'a Fd) -> Self {
        Way { root, below: [const { None }; DEEPEST], depth: 0, at_dir: true }
    }

    fn here(&self) -> &Fd {
        self.below.get(self.depth.wrapping_sub(1)).and_then(Option::as_ref).unwrap_or(self.root)
    }

    fn down(&mut self, to: Fd, is_dir: bool) -> Result<(), Errno> {
        *self.below.get_mut(self.depth).ok_or(Errno::ENAMETOOLONG)? = Some(to);
        self.depth += 1;
        self.at_dir = is_dir;
        Ok(())
    }

    /// Up, but never above the root.
    fn up(&mut self) -> Option<Fd> {
        self.depth = self.depth.checked_sub(1)?;
        self.at_dir = true;
        self.below.get_mut(self.depth).and_then(Option::take)
    }
}

/// What is left of a path. A link's target goes in front of it.
struct Rest {
    bytes: [u8; LONGEST],
    start: usize,
}

impl Rest {
    fn put_before(&mut self, path: &[u8]) -> Result<(), Errno> {
        let end = self.start;
        self.start = end.checked_sub(path.len()).ok_or(Errno::ENAMETOOLONG)?;
        for (to, from) in self.bytes.iter_mut().skip(self.start).zip(path) {
            *to = *from;
        }
        Ok(())
    }

    fn left(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The next name; `.` for slashes at the end, as what they follow must be a directory.
    fn next(&mut self) -> Result<Option<Text<256>>, Errno> {
        let slashes = self.left().iter().take_while(|byte| **byte == b'/').count();
        self.start += slashes;
        let mut name = Text::new();
        name.push(self.left().split(|byte| *byte == b'/').next().unwrap_or_default());
        self.start += name.as_bytes().len();
        if name.as_c_str().is_none() {
            return Err(Errno::ENAMETOOLONG);
        }
        if name.is_empty() && slashes > 0 {
            name.push(b".");
        }
        Ok((!name.is_empty()).then_some(name))
    }
}

/// The walk by hand. No name is opened but on the descriptor of the directory it stands in.
#[cold]
#[inline(never)]
fn walk(root: &Fd, path: &CStr, missing: Missing) -> Result<Fd, Errno> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let mut rest = Rest { bytes: [0; LONGEST], start: LONGEST };
    rest.put_before(path.to_bytes())?;
    let mut way = Way::at(root);
    let mut links = 0;
    while let Some(name) = rest.next()? {
        if !way.at_dir {
            return Err(Errno::ENOTDIR);
        }
        match name.as_bytes() {
            b"." => continue,
            b".." => {
                way.up();
                continue;
            }
            _ => {}
        }
        let name = name.c_str_or_empty();
        let found = match file::open_at(way.here(), name, Open::Itself) {
            Err(Errno::ENOENT) if missing == Missing::File && rest.left().is_empty() => {
                match file::make_file_at(way.here(), name, 0o644) {
                    Err(Errno::EEXIST) => file::open_at(way.here(), name, Open::Itself)?, // as below
                    result => result?,
                }
            }
            Err(Errno::ENOENT) if missing != Missing::Refuse => {
                match file::make_dir_at(way.here(), name, 0o755) {
                    Err(Errno::EEXIST) => {} // since, by an enemy or another start: whatever it is, it is looked at now
                    result => result?,
                }
                file::open_at(way.here(), name, Open::Itself)?
            }
            result => result?,
        };
        match file::kind(&found)? {
            Kind::Link => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::ELOOP);
                }
                let mut target = [0; LONGEST];
                let length = file::read_link(&found, c"", &mut target)?;
                let target = target.get(..length).unwrap_or_default();
                rest.put_before(target)?;
                if target.starts_with(b"/") {
                    while way.up().is_some() {}
                }
            }
            kind => way.down(found, kind == Kind::Dir)?,
        }
    }
    match way.up() {
        Some(last) => Ok(last),
        None => file::open_at(root, c".", Open::Itself),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::{Path, PathBuf};

    fn c(text: impl AsRef<std::ffi::OsStr>) -> CString {
        CString::new(text.as_ref().as_encoded_bytes()).unwrap_or_default()
    }

    fn open(path: &Path) -> Fd {
        let Ok(fd) = file::open(&c(path), Open::RealDir) else { panic!("{}", path.display()) };
        fd
    }

    /// What a result is: a place of the tree, by its inode.
    fn told(result: Result<Fd, Errno>) -> Result<u64, &'static str> {
        match result {
            Ok(fd) => Ok(fs::metadata(format!("/proc/self/fd/{}", fd.number())).map(|data| data.ino()).unwrap_or(0)),
            Err(errno) => Err(errno.describe().map_or("?", |(name, _)| name)),
        }
    }

    /// What the kernel finds, once nobody disturbs it.
    fn by_kernel(root: &Fd, path: &CStr) -> Result<u64, &'static str> {
        loop {
            match told(file::open_inside(root, path)) {
                Err("EAGAIN") => {}
                told => return told,
            }
        }
    }

    /// A tree and its surroundings: `outside/secret` lies beside the root `outside/tree`.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let Ok(outside) = tempfile::tempdir() else { panic!("no temporary folder") };
        let root = outside.path().join("tree");
        for dir in ["a/b/c", "usr/bin", "run"] {
            assert!(fs::create_dir_all(root.join(dir)).is_ok());
        }
        assert!(fs::write(root.join("a/file"), "").is_ok());
        assert!(fs::create_dir(outside.path().join("secret")).is_ok());
        for (name, to) in [
            ("bin", "usr/bin"),
            ("var", "/run"),
            ("up", "../../../../../../../../.."),
            ("a/up", "../.."),
            ("out", "../secret"),
            ("absolute", &outside.path().join("secret").to_string_lossy()),
            ("loop", "loop"),
            ("a/chain", "../bin/../../var"),
            ("dangling", "run/new"),
            ("slash", "a/file/"),
        ] {
            assert!(symlink(to, root.join(name)).is_ok());
        }
        (outside, root)
    }

    const PATHS: &[&str] = &[
        "a",
        "/a/b/c",
        "a//b/./c/",
        "a/file",
        "a/file/",
        "a/file/.",
        "a/file/..",
        "a/file/x",
        "bin",
        "bin/",
        "bin/..",
        "var",
        "var/..",
        "up",
        "up/a",
        "a/up/run",
        "out",
        "absolute",
        "loop",
        "a/chain",
        "dangling",
        "slash",
        "..",
        "../..",
        "/",
        ".",
        "",
        "nowhere",
        "nowhere/..",
        "a/../a/b/../../run",
        "../secret",
        "a/b/../../../secret",
    ];

    #[test]
    fn the_walk_by_hand_finds_what_the_kernel_finds() {
        let (_outside, root) = tree();
        let fd = open(&root);
        for path in PATHS.iter().map(c) {
            let by_kernel = by_kernel(&fd, &path);
            assert_eq!(told(walk(&fd, &path, Missing::Refuse)), by_kernel, "{path:?}");
        }
        let long = c("x".repeat(256));
        assert_eq!(told(walk(&fd, &long, Missing::Refuse)), Err("ENAMETOOLONG"));
        let deep = c("a/".repeat(65));
        assert!(walk(&fd, &deep, Missing::Dir).err() == Some(Errno::ENAMETOOLONG));
    }

    /// Trees and paths at random: whatever the kernel says of them, the walk says.
    #[test]
    fn the_walk_agrees_with_the_kernel_on_any_tree() {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |most: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % most
        };
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "..", ".", "", "a"];
        for _ in 0..40 {
            let Ok(outside) = tempfile::tempdir() else { panic!("no temporary folder") };
            let root = outside.path().join("a");
            assert!(fs::create_dir(&root).is_ok());
            let mut path = |most: u64, names: u64| {
                let names =
                    (0..=below(most)).map(|_| below(names)).filter_map(|index| NAMES.get(usize::try_from(index).ok()?));
                names.copied().collect::<Vec<_>>().join("/")
            };
            for round in 0..30 {
                let (at, to) = (root.join(path(3, 4)), path(4, 8));
                let parent = at.parent().and_then(|parent| parent.canonicalize().ok());
                if parent.is_none_or(|parent| !parent.starts_with(&root)) {
                    continue;
                }
                let _ = match round % 4 {
                    0 => fs::write(&at, ""),
                    1 => symlink(to, &at),
                    _ => fs::create_dir(&at),
                }; // what cannot be made is not there
            }
            let fd = open(&root);
            for _ in 0..60 {
                let path = c(path(6, 8));
                let by_kernel = by_kernel(&fd, &path);
                assert_eq!(told(walk(&fd, &path, Missing::Refuse)), by_kernel, "{path:?} in {}", root.display());
            }
        }
    }

    #[test]
    fn what_is_missing_is_made_inside_whatever_the_umask() {
        let (outside, root) = tree();
        let fd = open(&root);
        let Ok(mask) = file::set_umask(0o077) else { panic!("umask") };
        for (path, at) in [
            ("x/y/z", "x/y/z"),
            ("var/lock/x", "run/lock/x"),
            ("up/new", "new"),
            ("a/up/other/", "other"),
            ("dangling/below", "run/new/below"),
            ("absolute/below", &c(outside.path().join("secret/below")).to_string_lossy()[1..]),
        ] {
            assert!(make_dir(&fd, &c(path)).is_ok(), "{path}");
            let made =
                fs::symlink_metadata(root.join(at)).map(|data| (data.is_dir(), data.permissions().mode() & 0o7777));
            assert_eq!(made.ok(), Some((true, 0o755)), "{path}");
        }
        for (path, at) in [("etc/conf", "etc/conf"), ("out", "secret"), ("bin/tool", "usr/bin/tool")] {
            assert!(make_file(&fd, &c(path)).is_ok(), "{path}");
            let made =
                fs::symlink_metadata(root.join(at)).map(|data| (data.is_file(), data.permissions().mode() & 0o7777));
            assert_eq!(made.ok(), Some((true, 0o644)), "{path}");
        }
        assert!(file::set_umask(mask).is_ok());
        assert_eq!(fs::read_dir(outside.path()).map(Iterator::count).ok(), Some(2));
        assert_eq!(fs::read_dir(outside.path().join("secret")).map(Iterator::count).ok(), Some(0));
        assert!(make_dir(&fd, c"a/file/x").err() == Some(Errno::ENOTDIR));
        assert!(make_dir(&fd, c"loop/x").err() == Some(Errno::ELOOP));
    }
}
