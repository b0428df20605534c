//! What `-trace`, `-plan` and `-bench` read: the system calls of a start as they were made, and the steps
//! they were made for. Off, it costs a load and a branch a call; on, two readings of the clock.
//!
//! Records lie in memory that all processes of a start share; nothing is printed while a clock runs.

use super::clock::now_ns;
use super::{Errno, Name, number as nr};
use crate::text::parts;
use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// What is done with system calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Made.
    Off,
    /// Made and recorded.
    Record,
    /// Recorded and not made: each seems to succeed.
    Rehearse,
}

static MODE: AtomicU8 = AtomicU8::new(Mode::Off as u8);

/// Calls that one start may record; later ones are made but not recorded.
const MOST_RECORDS: usize = 512;

/// Of each call's texts, as much as a line shows.
const TEXT_BYTES: usize = 112;

/// Which process of a start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Launcher,
    /// Its child: PID 1, or what becomes the command.
    Child,
    /// PID 1's child, which becomes the command.
    Command,
}

/// One system call, or the beginning of a step.
pub(crate) struct Record {
    /// By CLOCK_MONOTONIC.
    pub(crate) begin_ns: u64,
    pub(crate) side: Side,
    pub(crate) what: What,
    /// 0 until it has come back.
    end_ns: AtomicU64,
    /// As the kernel gave it.
    result: AtomicUsize,
}

impl Record {
    /// When the call came back, and with what.
    pub(crate) fn result(&self) -> Option<(u64, Result<usize, Errno>)> {
        match self.end_ns.load(Ordering::Acquire) {
            0 => None,
            end_ns => Some((end_ns, super::errno::decode(self.result.load(Ordering::Relaxed)))),
        }
    }
}

/// What a [`Record`] is of.
pub(crate) enum What {
    /// A step of the plan begins: its name.
    Step(Name),
    Call(Call),
}

/// A system call with copies of the texts that its registers point to.
pub(crate) struct Call {
    pub(crate) number: usize,
    pub(crate) registers: [usize; 6],
    /// Which registers point to texts, bit N for register N.
    texts: u32,
    /// Those texts one behind the other, each with a NUL behind it; only the last may be so long that it is cut.
    copies: [u8; TEXT_BYTES],
}

impl Call {
    /// The text that a register points to.
    pub(crate) fn text(&self, register: usize) -> Option<&[u8]> {
        if self.texts >> register & 1 == 0 {
            return None;
        }
        let before = (self.texts & ((1 << register) - 1)).count_ones();
        parts(&self.copies, 0).nth(usize::try_from(before).ok()?)
    }
}

struct List(UnsafeCell<MaybeUninit<[Record; MOST_RECORDS]>>);

// SAFETY: a place in the list belongs to whoever took its number from `used`, until READY says that it is written; from
// then on only its atomics change.
unsafe impl Sync for List {}

#[unsafe(link_section = ".bss.~2")]
static LIST: List = List(UnsafeCell::new(MaybeUninit::zeroed()));
/// Which places are written.
#[unsafe(link_section = ".bss.~3")]
static READY: [AtomicBool; MOST_RECORDS] = [const { AtomicBool::new(false) }; MOST_RECORDS];

struct Records {
    used: AtomicUsize,
    /// Bottom and top of each side's stack, the launcher's left out: where a process stands tells which it
    /// is.
    stacks: [[AtomicUsize; 2]; 3],
    /// In a rehearsal, which has one stack only: who is being played.
    played: AtomicU8,
}

static RECORDS: Records = Records {
    used: AtomicUsize::new(0),
    stacks: [const { [const { AtomicUsize::new(0) }; 2] }; 3],
    played: AtomicU8::new(0),
};

/// Starts over in this mode.
pub(crate) fn start(mode: Mode) {
    for ready in &READY {
        ready.store(false, Ordering::Relaxed);
    }
    RECORDS.used.store(0, Ordering::Relaxed);
    MODE.store(mode as u8, Ordering::Release);
}

/// Back to normal; what was recorded stays.
pub(crate) fn stop() {
    MODE.store(Mode::Off as u8, Ordering::Release);
}

/// In a rehearsal: what follows is this process's part.
pub(crate) fn play(side: Side) {
    RECORDS.played.store(side as u8, Ordering::Relaxed);
}

pub(crate) fn is_on() -> bool {
    MODE.load(Ordering::Relaxed) != Mode::Off as u8
}

/// Whether calls only seem to be made.
pub(crate) fn is_rehearsal() -> bool {
    MODE.load(Ordering::Relaxed) == Mode::Rehearse as u8
}

/// Notes that a step of the plan begins.
pub(crate) fn step(name: Name) {
    if is_on() {
        note(What::Step(name));
    }
}

/// Notes a call that is about to be made, with copies of its texts: bit N of `texts` says that register N
/// points to a C string.
///
/// # Safety
/// Those registers do.
#[cold]
#[inline(never)]
pub(super) unsafe fn begin(number: usize, registers: [usize; 6], texts: u32) -> Option<&'static Record> {
    let mut call = Call { number, registers, texts, copies: [0; TEXT_BYTES] };
    let mut room = call.copies.iter_mut();
    for (index, register) in registers.iter().enumerate() {
        if texts >> index & 1 != 0 && *register != 0 {
            // SAFETY: promised by the caller.
            let text = unsafe { CStr::from_ptr(core::ptr::with_exposed_provenance(*register)) };
            for (from, to) in text.to_bytes_with_nul().iter().take(TEXT_BYTES / 2).zip(room.by_ref()) {
                *to = *from;
            }
        }
    }
    if number == nr::WRITE {
        let [_, start, length, ..] = registers;
        // SAFETY: write(2) is about to read the same bytes.
        let bytes = unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance::<u8>(start), length) };
        for (from, to) in bytes.iter().take(TEXT_BYTES / 2).zip(room) {
            *to = *from;
        }
        call.texts = 1 << 1;
    }
    note(What::Call(call))
}

/// Notes what came of a call.
#[cold]
#[inline(never)]
pub(super) fn end(record: Option<&Record>, result: Result<usize, Errno>) {
    if let Some(record) = record {
        let mut raw = result.unwrap_or_else(Errno::encode);
        if let What::Call(Call { number: nr::PIPE2, registers: [ends, ..], .. }) = &record.what
            && raw == 0
        {
            // SAFETY: pipe2(2) has just written two numbers there, or a rehearsal found them there.
            let [read, write] = unsafe { *core::ptr::with_exposed_provenance::<[u32; 2]>(*ends) };
            raw = read as usize | (write as usize) << 32;
        }
        record.result.store(raw, Ordering::Relaxed);
        record.end_ns.store(now_ns(), Ordering::Release);
    }
}

/// What a rehearsed call seems to return.
pub(super) fn rehearsed(number: usize, registers: &[usize; 6]) -> Result<usize, Errno> {
    const LAST_CAPABILITY: usize = 40;
    match number {
        nr::PRCTL if matches!(registers, [24, capability, ..] if *capability > LAST_CAPABILITY) => {
            Err(Errno::EINVAL) // no kernel has more
        }
        nr::READ => Ok(1),
        // What names are looked up in stays open.
        nr::OPENAT if registers.get(2).is_some_and(|flags| flags & libc::O_DIRECTORY as usize != 0) => Ok(9),
        nr::OPENAT | nr::OPENAT2 => Ok(5),
        nr::OPEN_TREE => Ok(8 + RECORDS.used.load(Ordering::Relaxed)), // several are held at a time
        nr::SOCKET => Ok(6),
        nr::PIDFD_OPEN => Ok(7),
        nr::IOCTL if registers.get(1) == Some(&0x5413) => Err(Errno::ENOTTY), // TIOCGWINSZ: nobody says what it will be
        nr::RT_SIGTIMEDWAIT => Err(Errno::ENOSYS),                            // the rehearsal ends here
        _ => Ok(0),
    }
}

/// Whoever stands on this stack, from its bottom to its top, is this side.
pub(super) fn know_stack(side: Side, stack: Range<usize>) {
    if let Some([low, high]) = RECORDS.stacks.get(side as usize) {
        low.store(stack.start, Ordering::Relaxed);
        high.store(stack.end, Ordering::Relaxed);
    }
}

/// Who runs.
fn side() -> Side {
    if is_rehearsal() {
        return match RECORDS.played.load(Ordering::Relaxed) {
            0 => Side::Launcher,
            1 => Side::Child,
            _ => Side::Command,
        };
    }
    let local = 0_u8;
    let here = (&raw const local).addr();
    let is_on = |side: Side| {
        RECORDS
            .stacks
            .get(side as usize)
            .is_some_and(|[low, high]| (low.load(Ordering::Relaxed)..high.load(Ordering::Relaxed)).contains(&here))
    };
    [Side::Child, Side::Command].into_iter().find(|side| is_on(*side)).unwrap_or(Side::Launcher)
}

fn note(what: What) -> Option<&'static Record> {
    let index = RECORDS.used.fetch_add(1, Ordering::Relaxed);
    let ready = READY.get(index)?;
    let (end_ns, result) = (AtomicU64::new(0), AtomicUsize::new(0));
    let record = Record { begin_ns: now_ns(), side: side(), what, end_ns, result };
    // SAFETY: the place is ours, and nobody reads it before it is ready.
    unsafe { place(index).write(record) };
    ready.store(true, Ordering::Release);
    // SAFETY: just written, and no more written to but through its atomics.
    Some(unsafe { &*place(index) })
}

/// A place in the list, which has one for each of READY's.
fn place(index: usize) -> *mut Record {
    LIST.0.get().cast::<Record>().wrapping_add(index)
}

/// Whether there was more than there is room for.
pub(crate) fn is_full() -> bool {
    RECORDS.used.load(Ordering::Acquire) > MOST_RECORDS
}

/// What was recorded since [`start`], each side's in order.
pub(crate) fn records() -> Recorded {
    Recorded(0..RECORDS.used.load(Ordering::Acquire))
}

/// What [`records`] goes through.
#[derive(Clone)]
pub(crate) struct Recorded(Range<usize>);

impl Iterator for Recorded {
    type Item = &'static Record;

    #[inline(never)]
    fn next(&mut self) -> Option<&'static Record> {
        loop {
            let index = self.0.next()?;
            if READY.get(index)?.load(Ordering::Acquire) {
                // SAFETY: written whole, as that says.
                return Some(unsafe { &*place(index) });
            }
        }
    }
}
