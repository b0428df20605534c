//! The kernel, typed: one call, one line, one note. Nothing here knows what a container is.
//!
//! # Safety
//! All `unsafe` of the binary stands in this folder and in `launch/{mod,shared}.rs`. Calls are raw, not
//! libc's: a child that shares its parent's memory shares its thread-local storage too, so even libc's
//! errno is out of bounds for it.
#![allow(unsafe_code)]

mod arch;
mod arena;
mod errno;
mod fd;
pub(crate) mod file;
pub(crate) mod mount;
pub(crate) mod net;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod uts;
mod words;

pub(crate) use errno::Errno;
pub(crate) use fd::Fd;
pub(crate) use process::Pid;
pub(crate) use signal::Signal;
pub(crate) use words::{Word, Words};

/// What can stand in a register of a system call.
trait Register {
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
    fn register(self) -> usize {
        self.as_ptr().register()
    }
}

/// One system call by its number. Up to six registers; those left out are zero.
///
/// # Safety
/// The arguments are what this call's manual page asks for, and pointers among them are valid for what
/// the kernel reads and writes.
#[inline(never)]
unsafe fn invoke(number: usize, registers: [usize; 6]) -> Result<usize, Errno> {
    let [a, b, c, d, e, f] = registers;
    // SAFETY: promised by the caller.
    let result = unsafe { sc::syscall6(number, a, b, c, d, e, f) };
    errno::decode(result)
}

/// `call!(NAME, argument…)`: [`invoke`] with the number of NAME and the arguments as registers.
macro_rules! call {
    (@pad $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr $(, $rest:expr)*) => { [$a, $b, $c, $d, $e, $f] };
    ($name:ident $(, $argument:expr)*) => {
        $crate::sys::invoke(
            sc::nr::$name,
            call!(@pad $($crate::sys::Register::register($argument),)* 0, 0, 0, 0, 0, 0),
        )
    };
}
use call;
