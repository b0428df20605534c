//! Files, directories, pipes and terminals.

use super::{Errno, Fd, Pid, call, recorder};
use crate::number;
use crate::text::Text;
use core::ffi::CStr;

/// What openat(2) is asked for here, as its flags; all of it close-on-exec.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(crate) enum Open {
    /// Read it; never hang on a FIFO, never take a terminal.
    Read = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY,
    /// Read all of it, waiting where there is something to wait for.
    Stream = libc::O_RDONLY | libc::O_NOCTTY,
    /// Write to it.
    Write = libc::O_WRONLY,
    /// Read it and write to it.
    Both = libc::O_RDWR,
    /// List this directory.
    List = libc::O_RDONLY | libc::O_DIRECTORY,
    /// Only name this directory, which must not be a link.
    RealDir = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW,
    /// Only name this file, whatever it is.
    Name = libc::O_PATH,
    /// The same, but a link itself, where it is one.
    Itself = libc::O_PATH | libc::O_NOFOLLOW,
}

/// openat(2).
///
/// # Errors
/// ENOTDIR: [`Open::List`] or [`Open::RealDir`] of something else. EMFILE, ENFILE: no descriptor is left.
pub(crate) fn open(path: &CStr, how: Open) -> Result<Fd, Errno> {
    open_from(libc::AT_FDCWD, path, how)
}

/// openat(2) of a name in a directory.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_at(dir: &Fd, name: &CStr, how: Open) -> Result<Fd, Errno> {
    open_from(dir.number(), name, how)
}

fn open_from(dir: i32, path: &CStr, how: Open) -> Result<Fd, Errno> {
    // SAFETY: path is a C string.
    unsafe { call!(OPENAT, dir, path, how as i32 | libc::O_CLOEXEC) }.map(Fd::from_result)
}

/// Opens /dev/null for reading and writing, on the lowest free number.
pub(crate) fn open_null() -> Result<Fd, Errno> {
    open(c"/dev/null", Open::Both)
}

/// The kernel's struct open_how.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// Names whatever lies at `path` with `root` as `/`: links are followed, but not out of it, and none of
/// /proc's magic ones. openat2(2), `O_PATH`.
///
/// # Errors
/// ENOSYS before Linux 5.6; EPERM under some seccomp filters. EAGAIN: the kernel could not be sure of a
/// `..` while something was renamed or mounted anywhere.
pub(crate) fn open_inside(root: &Fd, path: &CStr) -> Result<Fd, Errno> {
    const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
    const RESOLVE_IN_ROOT: u64 = 0x10;
    let flags = libc::O_PATH | libc::O_CLOEXEC;
    let how =
        OpenHow { flags: u64::from(flags.cast_unsigned()), mode: 0, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
    // SAFETY: path is a C string; the kernel reads the structure, whose size it is told.
    unsafe { call!(OPENAT2, root.number(), path, &raw const how, size_of::<OpenHow>()) }.map(Fd::from_result)
}

/// Makes an empty file in a directory, openat(2) with `O_EXCL`.
///
/// # Errors
/// EEXIST: there is something of this name, be it a link that leads nowhere.
pub(crate) fn make_file_at(dir: &Fd, name: &CStr, mode: u32) -> Result<Fd, Errno> {
    let flags = libc::O_RDONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: name is a C string.
    unsafe { call!(OPENAT, dir.number(), name, flags, mode) }.map(Fd::from_result)
}

/// mkdirat(2), less what the umask takes from `mode`.
///
/// # Errors
/// EEXIST: there is something of this name.
pub(crate) fn make_dir_at(dir: &Fd, name: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: name is a C string.
    unsafe { call!(MKDIRAT, dir.number(), name, mode) }.map(drop)
}

/// mkdirat(2) of a path, less what the umask takes from `mode`.
///
/// # Errors
/// EEXIST: there is something of this name.
pub(crate) fn make_dir(path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: path is a C string.
    unsafe { call!(MKDIRAT, libc::AT_FDCWD, path, mode) }.map(drop)
}

/// mknodat(2) of an empty file, to mount something on.
///
/// # Errors
/// EOVERFLOW on a tmpfs of a user namespace whose maps are not written yet.
pub(crate) fn make_empty(path: &CStr) -> Result<(), Errno> {
    // SAFETY: path is a C string.
    unsafe { call!(MKNODAT, libc::AT_FDCWD, path, libc::S_IFREG | 0o666, 0) }.map(drop)
}

/// symlinkat(2): `path` leads to `target`.
///
/// # Errors
/// EEXIST: there is something at `path`.
pub(crate) fn make_link(target: &CStr, path: &CStr) -> Result<(), Errno> {
    // SAFETY: C strings.
    unsafe { call!(SYMLINKAT, target, libc::AT_FDCWD, path) }.map(drop)
}

/// Whether the character device of these numbers, both below 256, lies at `path`, newfstatat(2).
pub(crate) fn is_device(path: &CStr, major: u32, minor: u32) -> Result<bool, Errno> {
    let stat = status(libc::AT_FDCWD, path, 0)?;
    let is_it = stat.st_mode & libc::S_IFMT == libc::S_IFCHR && stat.st_rdev == u64::from(major << 8 | minor);
    Ok(is_it || recorder::is_rehearsal())
}

/// The name of a descriptor in /proc. It leads to just what the descriptor names, whatever became of the
/// path that this was opened by. In a /proc that somebody made it leads elsewhere, but not out of the child's own
/// mount namespace: only the container can lack something then.
pub(super) fn own_name(number: i32) -> Text<32> {
    let mut name = Text::new();
    name.push(b"/proc/self/fd/").push_number(number.unsigned_abs().into());
    name
}

/// The path of an open terminal, if it has one that leads back to it. ttyname(3).
#[cold]
#[inline(never)]
pub(crate) fn name_of_terminal(fd: i32) -> Result<Option<Text<64>>, Errno> {
    let link = own_name(fd);
    let mut buffer = [0_u8; 63];
    // SAFETY: the path is a C string; the kernel writes at most `len` bytes into the array.
    let length = unsafe { call!(READLINKAT, libc::AT_FDCWD, link.c_str_or_empty(), buffer.as_mut_ptr(), buffer.len()) };
    let mut name = Text::new();
    let found = length.and_then(|length| {
        name.push(buffer.get(..length).unwrap_or_default());
        status(libc::AT_FDCWD, name.as_c_str().unwrap_or_default(), 0)
    });
    let by_name = match found {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => return Ok(None),
        found => found?,
    };
    let itself = status(fd, c"", libc::AT_EMPTY_PATH)?;
    Ok((Identity::of(&by_name) == Identity::of(&itself)).then_some(name))
}

/// Sets the mask of modes and returns the old one, umask(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn set_umask(mask: u32) -> Result<u32, Errno> {
    // SAFETY: takes a number only.
    unsafe { call!(UMASK, mask) }.map(|old| u32::try_from(old).unwrap_or(0o022))
}

/// Where a link in a directory leads, or with no name the one that was opened as [`Open::Itself`], readlinkat(2). Returns the
/// length.
///
/// # Errors
/// EINVAL: it is no link. ENOENT: also /proc/self where that /proc does not show us.
pub(crate) fn read_link(dir: &Fd, name: &CStr, into: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the path is a C string; the kernel writes at most `len` bytes into the slice.
    unsafe { call!(READLINKAT, dir.number(), name, into.as_mut_ptr(), into.len()) }
}

/// What a file is, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Dir,
    Link,
    File,
    Other,
}

/// What an open file is, newfstatat(2).
pub(crate) fn kind(fd: &Fd) -> Result<Kind, Errno> {
    Ok(match status(fd.number(), c"", libc::AT_EMPTY_PATH)?.st_mode & libc::S_IFMT {
        libc::S_IFDIR => Kind::Dir,
        libc::S_IFLNK => Kind::Link,
        libc::S_IFREG => Kind::File,
        _ => Kind::Other,
    })
}

/// Takes an open file for us alone until it is closed, flock(2) with `LOCK_EX | LOCK_NB`.
///
/// # Errors
/// EAGAIN: somebody else has it.
pub(crate) fn lock(fd: &Fd) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(FLOCK, fd.number(), libc::LOCK_EX | libc::LOCK_NB) }.map(drop)
}

/// Whether an open file is a directory. A rehearsal takes it for one.
pub(crate) fn is_dir(fd: &Fd) -> Result<bool, Errno> {
    Ok(kind(fd)? == Kind::Dir || recorder::is_rehearsal())
}

/// Whether an open file belongs to this user, and nobody else may do anything with it, newfstatat(2). A rehearsal says so.
pub(crate) fn is_alone_for(fd: &Fd, user: u32) -> Result<bool, Errno> {
    let stat = status(fd.number(), c"", libc::AT_EMPTY_PATH)?;
    Ok(stat.st_uid == user && stat.st_mode & 0o077 == 0 || recorder::is_rehearsal())
}

/// Whether two descriptors name the same file, newfstatat(2).
pub(crate) fn are_same(one: &Fd, other: &Fd) -> Result<bool, Errno> {
    let identity = |fd: &Fd| status(fd.number(), c"", libc::AT_EMPTY_PATH).map(|stat| Identity::of(&stat));
    Ok(identity(one)? == identity(other)? && !recorder::is_rehearsal())
}

/// Gives a new directory the mode of another and, where that can be had, its owner: one without a number in
/// this user namespace cannot. fchownat(2), fchmodat(2).
pub(crate) fn copy_attributes(from: &CStr, to: &CStr) -> Result<(), Errno> {
    let stat = status(libc::AT_FDCWD, from, 0)?;
    // SAFETY: the path is a C string.
    match unsafe { call!(FCHOWNAT, libc::AT_FDCWD, to, stat.st_uid, stat.st_gid, 0) } {
        Err(Errno::EINVAL | Errno::EPERM) => {}
        result => result.map(drop)?,
    }
    // SAFETY: the path is a C string.
    unsafe { call!(FCHMODAT, libc::AT_FDCWD, to, stat.st_mode & 0o7777) }.map(drop)
}

/// Whether an open file, which may be an `O_PATH` descriptor, is of a proc file system. A rehearsal takes it for
/// one.
pub(crate) fn is_in_proc(fd: &Fd) -> Result<bool, Errno> {
    const PROC_SUPER_MAGIC: u64 = 0x9fa0;
    let [kind, ..] = file_system(fd)?;
    Ok(kind == PROC_SUPER_MAGIC || recorder::is_rehearsal())
}

/// The words of a 64-bit kernel's struct statfs, fstatfs(2): f_type is the first, f_flags the eleventh.
pub(crate) fn file_system(fd: &Fd) -> Result<[u64; 15], Errno> {
    let mut status = [0_u64; 15];
    // SAFETY: the kernel fills in that many bytes.
    unsafe { call!(FSTATFS, fd.number(), status.as_mut_ptr()) }?;
    Ok(status)
}

/// Type and permissions of a file, links followed, and its owner, newfstatat(2).
pub(crate) fn mode_and_owner(path: &CStr) -> Result<(u32, u32), Errno> {
    status(libc::AT_FDCWD, path, 0).map(|stat| (stat.st_mode, stat.st_uid))
}

/// Whether a file has this extended attribute, getxattr(2).
pub(crate) fn has_attribute(path: &CStr, name: &CStr) -> bool {
    // SAFETY: C strings; of a value without room for it only the size is returned.
    unsafe { call!(GETXATTR, path, name, 0_usize, 0_usize) }.is_ok()
}

/// Hands the bytes of a file on, piece by piece, until `enough` says so or there are `most`.
///
/// # Errors
/// EFBIG: there are more.
#[cold]
#[inline(never)]
pub(crate) fn read_pieces(file: &Fd, most: usize, enough: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Errno> {
    let mut piece = [0_u8; 512];
    let mut total = 0;
    while total < most {
        let filled = read(file, &mut piece)?;
        if recorder::is_rehearsal() || filled == 0 || enough(piece.get(..filled).unwrap_or_default()) {
            return Ok(());
        }
        total += filled;
    }
    Err(Errno::EFBIG)
}

/// Whether a file has a line that is `wanted`, as it always has in a rehearsal. Of a long line only the start
/// is seen.
#[cold]
#[inline(never)]
pub(crate) fn has_line(file: &Fd, most: usize, wanted: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, Errno> {
    let mut line = [0_u8; 1024];
    let mut length = 0;
    let mut found = false;
    read_pieces(file, most, &mut |piece| {
        for byte in piece {
            if *byte == b'\n' {
                found = found || wanted(line.get(..length).unwrap_or_default());
                length = 0;
            } else if let Some(place) = line.get_mut(length) {
                *place = *byte;
                length += 1;
            }
        }
        found
    })?;
    Ok(recorder::is_rehearsal() || found || wanted(line.get(..length).unwrap_or_default()))
}

/// The number that a file has behind `key`, at the beginning of a line.
pub(crate) fn number_behind(file: &Fd, key: &[u8]) -> Result<Option<u64>, Errno> {
    let mut found = None;
    has_line(file, usize::MAX, &mut |line| {
        found = found.or(line.strip_prefix(key).and_then(|text| number::decimal(text.trim_ascii())));
        false
    })?;
    Ok(found)
}

/// Whether the file that we are is not to be had by its name, or cannot be seen to be: reached by way of
/// `/proc/self/exe`, as a command or interpreter inside a container can be, where our file is the host's. One that has no
/// name at all, deleted or in memory, is nobody's. readlinkat(2), statx(2).
#[cold]
#[inline(never)] // its buffer is not for the stack of every start
pub(crate) fn is_out_of_place() -> bool {
    const OWN: &CStr = c"self/exe";
    // Of the kernel's: who has moved away what was mounted there has put another in its place.
    let Ok(proc) = open(c"/proc", Open::List) else { return true };
    let mut name = [0_u8; libc::PATH_MAX as usize + 1];
    let room = name.get_mut(..libc::PATH_MAX as usize).unwrap_or_default();
    if is_in_proc(&proc) != Ok(true) || read_link(&proc, OWN, room).is_err() {
        return true;
    }
    let Ok(own) = extended_status(proc.number(), OWN, 0) else { return true };
    // Itself: a link in the place of our name may lead back to /proc/self/exe.
    let named = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    let is_named = extended_status(libc::AT_FDCWD, named, libc::AT_SYMLINK_NOFOLLOW).is_ok_and(|named| {
        // In the container the same file may be read-only: the mount counts (it is 0 before Linux 5.8).
        (named.inode, named.device, named.mount) == (own.inode, own.device, own.mount)
    });
    !is_named && own.links != 0
}

/// struct statx.
#[repr(C)]
struct ExtendedStatus {
    _head: [u64; 2],
    links: u32,
    _owner: [u32; 3],
    inode: u64,
    _times: [u64; 12],
    device: u64,
    mount: u64,
    _rest: [u64; 13],
}

/// statx(2).
fn extended_status(dir: i32, path: &CStr, flags: i32) -> Result<ExtendedStatus, Errno> {
    const LINKS_INODE_MOUNT: usize = 0x4 | 0x100 | 0x1000;
    const { assert!(size_of::<ExtendedStatus>() == 256) };
    let mut status = core::mem::MaybeUninit::<ExtendedStatus>::zeroed();
    // SAFETY: the path is a C string; the kernel fills in the structure.
    unsafe { call!(STATX, dir, path, flags, LINKS_INODE_MOUNT, status.as_mut_ptr()) }?;
    // SAFETY: filled in, and all zeroes are valid too.
    Ok(unsafe { status.assume_init() })
}

/// newfstatat(2).
fn status(dir: i32, path: &CStr, flags: i32) -> Result<libc::stat, Errno> {
    let mut stat = core::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the path is a C string; the kernel fills in this architecture's structure.
    unsafe { call!(NEWFSTATAT, dir, path, stat.as_mut_ptr(), flags) }?;
    // SAFETY: filled in, and all zeroes are valid too.
    Ok(unsafe { stat.assume_init() })
}

/// chdir(2).
///
/// # Errors
/// EACCES: a directory on the way may not be searched.
pub(crate) fn change_dir(path: &CStr) -> Result<(), Errno> {
    // SAFETY: path is a C string.
    unsafe { call!(CHDIR, path) }.map(drop)
}

/// chroot(2).
///
/// # Errors
/// EPERM: no CAP_SYS_CHROOT.
pub(crate) fn change_root(path: &CStr) -> Result<(), Errno> {
    // SAFETY: path is a C string.
    unsafe { call!(CHROOT, path) }.map(drop)
}

/// The working directory's path, getcwd(2), with a NUL behind it.
///
/// # Errors
/// ERANGE: longer than the buffer. ENOENT: it was removed, or no way from `/` leads there: the kernel's
/// `(unreachable)` would be looked up in the directory itself.
pub(crate) fn working_dir(into: &mut [u8]) -> Result<&CStr, Errno> {
    // SAFETY: the kernel writes at most `len` bytes into the slice.
    unsafe { call!(GETCWD, into.as_mut_ptr(), into.len()) }?;
    let path = CStr::from_bytes_until_nul(into).map_err(|_| Errno::ERANGE)?;
    if path.to_bytes().starts_with(b"(") { Err(Errno::ENOENT) } else { Ok(path) }
}

/// fchdir(2).
pub(crate) fn change_dir_to(dir: &Fd) -> Result<(), Errno> {
    // SAFETY: takes a number only.
    unsafe { call!(FCHDIR, dir.number()) }.map(drop)
}

/// read(2). 0 is the end of the file.
///
/// # Errors
/// EISDIR: a directory. EAGAIN: nothing there, of one that was opened not to wait.
pub(crate) fn read(fd: &Fd, into: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `len` bytes into the slice.
    unsafe { call!(READ, fd.number(), into.as_mut_ptr(), into.len()) }
}

/// write(2). Returns how many bytes were taken.
///
/// # Errors
/// EPIPE: nobody reads; SIGPIPE comes with it.
pub(crate) fn write(fd: i32, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel reads at most `len` bytes of the slice.
    unsafe { call!(WRITE, fd, bytes.as_ptr(), bytes.len()) }
}

/// Writes all of it, in as many pieces as it takes; whether that went well.
#[inline(never)]
pub(crate) fn write_all(fd: i32, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Ok(taken @ 1..) = write(fd, rest) {
        rest = rest.get(taken..).unwrap_or_default();
    }
    rest.is_empty()
}

/// A pipe, pipe2(2): what is written to `write` is read from `read`.
pub(crate) struct Pipe {
    pub(crate) read: Fd,
    pub(crate) write: Fd,
}

/// pipe2(2), close-on-exec.
///
/// # Errors
/// EMFILE, ENFILE: no two descriptors are left.
pub(crate) fn pipe() -> Result<Pipe, Errno> {
    let mut ends = [3_i32, 4]; // what a rehearsal shows
    // SAFETY: the kernel writes two numbers.
    unsafe { call!(PIPE2, ends.as_mut_ptr(), libc::O_CLOEXEC) }?;
    let [read, write] = ends.map(|end| Fd::from_result(usize::try_from(end).unwrap_or(usize::MAX)));
    Ok(Pipe { read, write })
}

/// Of the standard descriptors 0, 1 and 2, those that are closed, by one poll(2).
pub(crate) fn closed_standard_fds() -> Result<[bool; 3], Errno> {
    let mut polled = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    poll(&mut polled)?;
    Ok(polled.map(|one| one.revents & libc::POLLNVAL != 0))
}

/// Whether all writers of a pipe are gone.
pub(crate) fn is_hung_up(read_end: &Fd) -> Result<bool, Errno> {
    let mut polled = [libc::pollfd { fd: read_end.number(), events: 0, revents: 0 }];
    poll(&mut polled)?;
    Ok(polled.iter().any(|one| one.revents & libc::POLLHUP != 0))
}

/// ppoll(2) that does not wait.
fn poll(polled: &mut [libc::pollfd]) -> Result<(), Errno> {
    let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel reads and writes the slice's entries, and reads the time.
    unsafe { call!(PPOLL, polled.as_mut_ptr(), polled.len(), &raw const no_time) }.map(drop)
}

/// Closes every descriptor from `first` to `last`, close_range(2).
///
/// # Errors
/// ENOSYS before Linux 5.9; EPERM under some seccomp filters.
pub(crate) fn close_range(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers only; that none of them has an owner here is for the caller to see to.
    unsafe { call!(CLOSE_RANGE, first, last) }.map(drop)
}

/// Fails with EBADF unless this number is open, `F_GETFD` of fcntl(2).
pub(crate) fn see_open(number: i32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(FCNTL, number, libc::F_GETFD) }.map(drop)
}

/// Closes the descriptor with this number, which nothing here owns, close(2).
pub(crate) fn close_number(number: i32) {
    // SAFETY: takes a number only.
    let _ = unsafe { call!(CLOSE, number) }; // EBADF: then it was closed already
}

/// getdents64(2): the next directory entries, as linux_dirent64 records. 0 is the end.
pub(crate) fn read_entries(dir: &Fd, into: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `len` bytes into the slice.
    unsafe { call!(GETDENTS64, dir.number(), into.as_mut_ptr(), into.len()) }
}

/// The name in the first of these records, and the records after it.
pub(crate) fn next_entry(entries: &[u8]) -> Option<(&CStr, &[u8])> {
    const LENGTH_AT: usize = 16; // inode and offset, eight bytes each
    const NAME_AT: usize = 19; // then length, two bytes, and type, one
    let length = u16::from_ne_bytes(entries.get(LENGTH_AT..LENGTH_AT + 2)?.try_into().ok()?);
    let record = entries.get(..usize::from(length))?;
    let name = CStr::from_bytes_until_nul(record.get(NAME_AT..)?).ok()?;
    Some((name, entries.get(usize::from(length)..)?))
}

/// Removes an empty directory, unlinkat(2).
///
/// # Errors
/// EBUSY: a cgroup in which there are processes.
pub(crate) fn remove_dir_at(dir: &Fd, name: &CStr) -> Result<(), Errno> {
    // SAFETY: name is a C string.
    unsafe { call!(UNLINKAT, dir.number(), name, libc::AT_REMOVEDIR) }.map(drop)
}

/// Device and inode: what tells one file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(stat: &libc::stat) -> Identity {
        Identity { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// The identity of the working directory, newfstatat(2).
pub(crate) fn identity_of_working_dir() -> Result<Identity, Errno> {
    status(libc::AT_FDCWD, c".", 0).map(|stat| Identity::of(&stat))
}

/// Whether there is something of this name, `F_OK`, and may be written to, `W_OK`: faccessat(2).
pub(crate) fn is_there(path: &CStr, mode: i32) -> bool {
    // SAFETY: path is a C string.
    unsafe { call!(FACCESSAT, libc::AT_FDCWD, path, mode) }.is_ok()
}

/// Whether this descriptor is a terminal, by asking for its size.
pub(crate) fn is_terminal(fd: i32) -> bool {
    columns(fd).is_ok()
}

/// How many columns a terminal has; 0 if it does not know. `TIOCGWINSZ` of ioctl_tty(2).
///
/// # Errors
/// ENOTTY: it is none.
pub(crate) fn columns(fd: i32) -> Result<usize, Errno> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel fills in the structure.
    unsafe { call!(IOCTL, fd, libc::TIOCGWINSZ, &raw mut size) }?;
    Ok(size.ws_col.into())
}

/// Puts a copy of `fd` where descriptor `number` is, in this process, dup3(2). It stays open over execve(2).
pub(crate) fn put(fd: &Fd, number: i32) {
    // SAFETY: takes numbers only; whoever asks owns that number.
    let _ = unsafe { call!(DUP3, fd.number(), number, 0) }; // EINVAL: it is there already
}

/// The foreground process group of our controlling terminal, tcgetpgrp(3).
///
/// # Errors
/// ENOTTY if `fd` is no terminal, or not the one that controls this session.
pub(crate) fn foreground(fd: i32) -> Result<Pid, Errno> {
    ask_terminal(fd, libc::TIOCGPGRP)
}

/// Who leads the session that a terminal controls, tcgetsid(3); 0 if that is in an outer PID namespace.
///
/// # Errors
/// ENOTTY, as [`foreground`].
pub(crate) fn session(fd: i32) -> Result<Pid, Errno> {
    ask_terminal(fd, libc::TIOCGSID)
}

/// One of the numbers that ioctl_tty(2) has.
#[inline(never)]
fn ask_terminal(fd: i32, request: libc::Ioctl) -> Result<Pid, Errno> {
    let mut number = 0_i32;
    // SAFETY: the kernel writes one number.
    unsafe { call!(IOCTL, fd, request, &raw mut number) }?;
    Ok(Pid(number))
}

/// Makes `group` the terminal's foreground process group, tcsetpgrp(3). From a background group this
/// needs SIGTTOU blocked.
///
/// # Errors
/// ENOTTY: it was hung up. EPERM: the group is of another session.
pub(crate) fn set_foreground(fd: i32, group: Pid) -> Result<(), Errno> {
    // SAFETY: the kernel reads one number.
    unsafe { call!(IOCTL, fd, libc::TIOCSPGRP, &raw const group.0) }.map(drop)
}

/// Has every write to a pipe raise SIGCHLD in this process, fcntl(2): `F_SETOWN`, `F_SETSIG`, `O_ASYNC`.
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn raise_child_signal_on_input(read_end: &Fd, me: Pid) -> Result<(), Errno> {
    // SAFETY: takes numbers only, as do the next two.
    unsafe { call!(FCNTL, read_end.number(), libc::F_SETOWN, me.0) }?;
    const F_SETSIG: i32 = 10; // fcntl.h; libc has it for some targets only
    // SAFETY: numbers only.
    unsafe { call!(FCNTL, read_end.number(), F_SETSIG, libc::SIGCHLD) }?;
    // SAFETY: numbers only.
    unsafe { call!(FCNTL, read_end.number(), libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) }.map(drop)
}
