//! The kernel, typed: one call, one line, one note. Nothing here knows what a container is.
//!
//! # Safety
//! All `unsafe` of the binary stands in this folder and in `launch/{mod,shared}.rs`. Calls are raw, not
//! libc's: a child that shares its parent's memory shares its thread-local storage too, so even libc's
//! errno is out of bounds for it.
#![allow(unsafe_code)]

mod arch;
mod arena;
pub(crate) mod clock;
mod errno;
mod fd;
pub(crate) mod file;
pub(crate) mod mount;
pub(crate) mod net;
pub(crate) mod process;
pub(crate) mod recorder;
pub(crate) mod seccomp;
pub(crate) mod signal;
pub(crate) mod uts;
mod words;

pub(crate) use arena::keep;
pub(crate) use errno::Errno;
pub(crate) use fd::Fd;
pub(crate) use process::Pid;
/// The numbers of system calls, for filters.
pub(crate) use sc::nr as number;
pub(crate) use signal::Signal;
pub(crate) use words::{Room, Word, Words};

/// What can stand in a register of a system call.
trait Register {
    /// Whether it points to a C string, for the recorder.
    const IS_TEXT: bool = false;

    fn register(self) -> usize;
}

impl Register for usize {
    fn register(self) -> usize {
        self
    }
}

impl Register for i32 {
    /// Widened with its sign: the kernel reads `AT_FDCWD` and -1 from the low half or the whole alike.
    fn register(self) -> usize {
        (self as isize).cast_unsigned()
    }
}

impl Register for u32 {
    fn register(self) -> usize {
        self as usize
    }
}

impl Register for u64 {
    #[allow(clippy::cast_possible_truncation, reason = "all architectures in `arch` have 64 bits")]
    fn register(self) -> usize {
        self as usize
    }
}

impl<T> Register for *const T {
    /// Exposed: the kernel, which the compiler cannot see, is about to follow it.
    fn register(self) -> usize {
        self.expose_provenance()
    }
}

impl<T> Register for *mut T {
    fn register(self) -> usize {
        self.cast_const().register()
    }
}

impl Register for &core::ffi::CStr {
    const IS_TEXT: bool = true;

    fn register(self) -> usize {
        self.as_ptr().register()
    }
}

fn is_text<T: Register>(_: &T) -> bool {
    T::IS_TEXT
}

/// A system call's number and its name, for the recorder.
struct Number {
    number: usize,
    name: &'static str,
}

/// One system call, made again as long as it is interrupted: by a stop, a tracer or a slow file system, as
/// signals are held back. Up to six registers; those left out are zero. Bit N of `texts` says that register
/// N points to a C string.
///
/// # Safety
/// The arguments are what this call's manual page asks for, and pointers among them are valid for what
/// the kernel reads and writes.
#[inline(never)]
#[allow(clippy::too_many_arguments, reason = "in registers they take a third of the code that an array does")]
unsafe fn invoke(
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
    which: &'static Number,
    texts: u8,
) -> Result<usize, Errno> {
    let registers = [a, b, c, d, e, f];
    if !recorder::is_on() {
        // SAFETY: promised by the caller.
        return unsafe { raw(which.number, registers) };
    }
    // SAFETY: `call!` sets bits for C strings only.
    let record = unsafe { recorder::begin(which.name, registers, texts) };
    let result = if recorder::is_rehearsal() {
        recorder::rehearsed(which.name)
    } else {
        // SAFETY: promised by the caller.
        unsafe { raw(which.number, registers) }
    };
    recorder::end(record, result);
    result
}

/// The instruction itself.
///
/// # Safety
/// As for [`invoke`].
unsafe fn raw(number: usize, registers: [usize; 6]) -> Result<usize, Errno> {
    let [a, b, c, d, e, f] = registers;
    loop {
        // SAFETY: promised by the caller.
        let result = unsafe { sc::syscall6(number, a, b, c, d, e, f) };
        match errno::decode(result) {
            // A close(2) that says so has closed all the same; then the second gives EBADF, which is ignored.
            // rt_sigtimedwait(2) may have waited for a part of its time: its caller knows what is left.
            Err(Errno::EINTR) if number != sc::nr::RT_SIGTIMEDWAIT => {}
            result => return result,
        }
    }
}

/// `call!(NAME, argument…)`: [`invoke`] with the number of NAME and the arguments as registers. Arguments
/// are evaluated twice.
macro_rules! call {
    (@pad $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr $(, $rest:expr)*) => { [$a, $b, $c, $d, $e, $f] };
    (@six [$a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr $(, $rest:expr)*] $($more:expr),*) => {
        $crate::sys::invoke($a, $b, $c, $d, $e, $f, $($more),*)
    };
    ($name:ident $(, $argument:expr)*) => {
        call!(
            @six [$($crate::sys::Register::register($argument),)* 0, 0, 0, 0, 0, 0]
            const { &$crate::sys::Number { number: sc::nr::$name, name: stringify!($name) } },
            [$($crate::sys::is_text(&$argument)),*].iter().rev().fold(0, |bits: u8, bit: &bool| bits << 1 | u8::from(*bit))
        )
    };
}
use call;

/// As `call!`, but the recorder neither sees nor stops it: for what the recorder itself needs.
macro_rules! unrecorded {
    ($name:ident $(, $argument:expr)*) => {
        $crate::sys::raw(
            sc::nr::$name,
            $crate::sys::call!(@pad $($crate::sys::Register::register($argument),)* 0, 0, 0, 0, 0, 0),
        )
    };
}
use unrecorded;
