//! The host, looked at from outside; time and chance.

use super::{PATIENCE, check};
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::time::{Duration, Instant};

/// Where this process's namespace of a kind is, `uts:[4026531838]`.
pub fn namespace(kind: &str) -> String {
    fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().to_str().unwrap().to_owned()
}

/// The processes, zombies too, on whose command line this text is.
pub fn processes_with(text: &str) -> Vec<i32> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default(); // gone meanwhile
            line.windows(text.len()).any(|window| window == text.as_bytes())
        })
        .collect()
}

/// Waits until no process has this text on its command line.
#[track_caller]
pub fn await_end_of(text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while let left @ [_, ..] = &*processes_with(text) {
        assert!(Instant::now() < deadline, "still alive: {left:?}");
        std::thread::yield_now();
    }
}

pub fn kill(pid: i32, signal: i32) {
    // SAFETY: takes numbers only.
    check(unsafe { libc::kill(pid, signal) }).unwrap();
}

/// The children of a process.
pub fn children_of(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// How many bytes nobody has read yet in the pipes that it has open for reading.
pub fn waiting_in_pipes(pid: i32) -> i32 {
    let ends = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|entry| {
        let name = entry.unwrap().path();
        let is_pipe = fs::read_link(&name).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:"));
        let for_writing = fs::symlink_metadata(&name).unwrap().permissions().mode() & 0o200 != 0;
        (is_pipe && !for_writing).then(|| File::options().read(true).custom_flags(libc::O_NONBLOCK).open(name).unwrap())
    });
    ends.map(|end| {
        let mut waiting = 0;
        // SAFETY: the kernel writes one number.
        unsafe { libc::ioctl(end.as_raw_fd(), libc::FIONREAD, &raw mut waiting) };
        waiting
    })
    .sum()
}

/// The mounts that this process sees.
pub fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap()
}

/// Swaps two names for each other, if both are there.
pub fn exchange(one: &std::ffi::CStr, other: &std::ffi::CStr) {
    let at = libc::AT_FDCWD;
    // SAFETY: C strings.
    unsafe { libc::renameat2(at, one.as_ptr(), at, other.as_ptr(), libc::RENAME_EXCHANGE) };
}

/// A word that no other test uses.
pub fn marker() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("marker-{}-{:06}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)) // none begins another
}

/// Numbers without an order, the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    /// A time shorter than this one.
    pub fn below(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_nanos(self.0 % u64::try_from(most.as_nanos()).unwrap().max(1))
    }
}

/// Lets time pass without giving up the processor.
pub fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
