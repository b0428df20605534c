//! The kernel, typed: one call, one line, one note. Nothing here knows what a container is.
//!
//! # Safety
//! All `unsafe` of the binary stands in this folder, in `launch/{mod,shared}.rs` and at the C entry in `main.rs`. Where a
//! comment says SINCE(x.y), that Linux brought what is named there: older ones take the other way. Calls are raw, not
//! libc's: a child that shares its parent's memory shares its thread-local storage too, so even libc's
//! errno is out of bounds for it.
#![allow(unsafe_code)]

mod arch;
mod arena;
pub(crate) mod clock;
mod errno;
mod fd;
pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod mount;
pub(crate) mod net;
pub(crate) mod process;
pub(crate) mod recorder;
pub(crate) mod seccomp;
pub(crate) mod signal;
pub(crate) mod uts;
mod words;

pub(crate) use arena::{keep, keep_text};
pub(crate) use errno::Errno;
pub(crate) use fd::Fd;
pub(crate) use process::Pid;
/// The numbers of system calls, for filters.
pub(crate) use sc::nr as number;
pub(crate) use signal::Signal;
pub(crate) use words::{Name, Room, Word, Words};

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

/// What a system call takes: up to six of them.
trait Registers {
    /// Bit N says that register N points to a C string.
    const TEXTS: u8;
    /// Whether there are three at most.
    const ARE_FEW: bool;

    /// As numbers; those left out are zero.
    fn registers(self) -> [usize; 6];
}

macro_rules! tuples {
    ($(($($place:ident)*))*) => {
        $(impl<$($place: Register),*> Registers for ($($place,)*) {
            const TEXTS: u8 = {
                let texts: &[bool] = &[$($place::IS_TEXT),*];
                let (mut bits, mut place) = (0, 0);
                let mut rest = texts;
                while let [first, others @ ..] = rest {
                    bits |= (*first as u8) << place;
                    place += 1;
                    rest = others;
                }
                bits
            };

            const ARE_FEW: bool = {
                let places: &[&str] = &[$(stringify!($place)),*];
                places.len() <= 3
            };

            #[inline(always)]
            #[allow(non_snake_case, reason = "types and values share their names")]
            fn registers(self) -> [usize; 6] {
                let ($($place,)*) = self;
                tuples!(@pad $($place.register(),)* 0, 0, 0, 0, 0, 0)
            }
        })*
    };
    (@pad $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr $(, $rest:expr)*) => { [$a, $b, $c, $d, $e, $f] };
}
tuples! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

/// A system call's number, and above it which registers point to C strings, for the recorder: together they
/// take one register.
#[derive(Clone, Copy)]
struct Which(u32);

impl Which {
    const NUMBER_BITS: u32 = 16;

    /// Bit N of `texts` says that register N points to a C string.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "system calls are few")]
    const fn new(number: usize, texts: u8) -> Which {
        Which(number as u32 | (texts as u32) << Which::NUMBER_BITS)
    }

    fn number(self) -> usize {
        (self.0 & ((1 << Which::NUMBER_BITS) - 1)) as usize
    }

    fn texts(self) -> u32 {
        self.0 >> Which::NUMBER_BITS
    }
}

/// One system call, made again as long as it is interrupted: by a stop, a tracer or a slow file system, as
/// signals are held back.
///
/// # Safety
/// The arguments are what this call's manual page asks for, and pointers among them are valid for what
/// the kernel reads and writes.
#[inline(always)] // constants in registers: a third of the code that an array of them takes
unsafe fn make<R: Registers>(number: usize, registers: R) -> Result<usize, Errno> {
    let [a, b, c, d, e, f] = registers.registers();
    let which = Which::new(number, R::TEXTS);
    errno::decode(if R::ARE_FEW {
        // SAFETY: promised by the caller.
        unsafe { invoke_short(which, a, b, c) }
    } else {
        // SAFETY: promised by the caller.
        unsafe { invoke(which, a, b, c, d, e, f) }
    })
}

/// [`invoke`] of a call that takes three registers at most, as most do: its caller need not clear the others.
///
/// # Safety
/// As for [`invoke`].
#[inline(never)]
unsafe fn invoke_short(which: Which, a: usize, b: usize, c: usize) -> usize {
    // SAFETY: promised by the caller.
    unsafe { invoke(which, a, b, c, 0, 0, 0) }
}

/// The same for all. What comes back is as the kernel gave it.
///
/// # Safety
/// As for [`make`]; and `which` says of no other register that it points to a C string.
#[inline(never)]
#[allow(clippy::too_many_arguments, reason = "six registers, and what they are for")]
unsafe fn invoke(which: Which, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> usize {
    let registers = [a, b, c, d, e, f];
    if recorder::is_on() {
        // SAFETY: promised by the caller.
        unsafe { invoke_recorded(which, registers) }
    } else {
        // SAFETY: promised by the caller.
        unsafe { raw(which.number(), registers) }
    }
}

/// The same for the recorder.
///
/// # Safety
/// As for [`invoke`].
#[cold]
#[inline(never)] // it would take registers from the other way
unsafe fn invoke_recorded(which: Which, registers: [usize; 6]) -> usize {
    let number = which.number();
    // SAFETY: as promised for `which`.
    let record = unsafe { recorder::begin(number, registers, which.texts()) };
    let result = if recorder::is_rehearsal() {
        recorder::rehearsed(number, &registers)
    } else {
        // SAFETY: promised by the caller.
        errno::decode(unsafe { raw(number, registers) })
    };
    recorder::end(record, result);
    result.unwrap_or_else(Errno::encode)
}

/// The instruction itself.
///
/// # Safety
/// As for [`invoke`].
#[inline(always)] // its registers are those of its caller
unsafe fn raw(number: usize, registers: [usize; 6]) -> usize {
    let [a, b, c, d, e, f] = registers;
    loop {
        // SAFETY: promised by the caller.
        let result = unsafe { sc::syscall6(number, a, b, c, d, e, f) };
        // A close(2) that says so has closed all the same; then the second gives EBADF, which is ignored.
        // rt_sigtimedwait(2) may have waited for a part of its time: its caller knows what is left.
        if errno::decode(result) != Err(Errno::EINTR) || number == sc::nr::RT_SIGTIMEDWAIT {
            return result;
        }
    }
}

/// `call!(NAME, argument…)`: [`make`] with the number of NAME and the arguments as registers.
macro_rules! call {
    ($name:ident $(, $argument:expr)*) => {
        $crate::sys::make(sc::nr::$name, ($($argument,)*))
    };
}
use call;

/// As `call!`, but the recorder neither sees nor stops it: for what the recorder itself needs.
macro_rules! unrecorded {
    ($name:ident $(, $argument:expr)*) => {
        $crate::sys::errno::decode($crate::sys::raw(sc::nr::$name, $crate::sys::Registers::registers(($($argument,)*))))
    };
}
use unrecorded;
