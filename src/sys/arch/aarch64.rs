//! aarch64: instruction `svc 0`, number in x8, result in x0, arguments in x0 x1 x2 x3 x4;
//! clone(2) takes flags, stack, ptid, tls, ctid; the kernel destroys nothing more.

use core::arch::{asm, naked_asm};

/// What seccomp calls this architecture's own system calls, linux/audit.h.
pub(in crate::sys) const AUDIT_ARCH: u32 = 0xc000_00b7;
/// Calls that open hardware to a process.
pub(in crate::sys) const HARDWARE_CALLS: &[usize] = &[];
/// Calls that change how a process sees its memory, for old programs.
pub(in crate::sys) const SEGMENT_CALLS: &[usize] = &[];

/// clone(2) onto a stack of its own: the child calls `entry(arg)` there and never comes back here.
///
/// Returns in the parent only: the child's pid, or a negated errno.
///
/// # Safety
/// `stack_top` is 16-aligned, ends memory that nothing else uses while the child runs, and `flags`
/// ask for no tid or tls pointer.
#[unsafe(naked)]
pub(in crate::sys) unsafe extern "C" fn clone_onto(
    flags: usize,
    stack_top: *mut u8,
    entry: extern "C" fn(*const ()) -> !,
    arg: *const (),
) -> isize {
    naked_asm!(
        "mov x9, x2",          // entry: the kernel leaves x9 alone
        "mov x10, x3",         // arg: and x10
        "mov x2, xzr",         // no parent tid
        "mov x3, xzr",         // no tls
        "mov x4, xzr",         // no child tid
        "mov x8, {clone}",     // number
        "svc 0",               // both return here
        "cbnz x0, 2f",         // the parent, or an error
        "mov x29, xzr",        // frames end here, for a debugger
        "mov x30, xzr",
        "mov x0, x10",         // pass arg
        "blr x9",              // go; never comes back
        "2: ret",
        clone = const sc::nr::CLONE,
    )
}

/// Ends the process by an instruction that there is none of: SIGILL.
pub(in crate::sys) fn trap() -> ! {
    // SAFETY: it touches nothing, and nothing comes after it.
    unsafe { asm!("udf #0", options(noreturn, nomem, nostack)) }
}

/// Where the kernel enters the program, if the linker is told so: [`crate::main`] gets what lies on the stack.
#[cfg(not(test))]
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn enter_gontainer() -> ! {
    naked_asm!(
        "mov x29, xzr", // frames end here, for a debugger
        "mov x30, xzr",
        "ldr x0, [sp]",          // argc
        "add x1, sp, 8",         // argv
        "add x2, x1, x0, lsl 3", // envp, behind its NULL
        "add x2, x2, 8",
        "bl main", // never comes back; the stack is aligned already
    )
}
