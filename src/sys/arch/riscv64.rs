//! riscv64: instruction `ecall`, number in a7, result in a0, arguments in a0 a1 a2 a3 a4;
//! clone(2) takes flags, stack, ptid, tls, ctid; the kernel destroys nothing more.

use core::arch::{asm, naked_asm};

/// What seccomp calls this architecture's own system calls, linux/audit.h.
pub(in crate::sys) const AUDIT_ARCH: u32 = 0xc000_00f3;
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
        "mv t0, a2",           // entry: the kernel leaves t0 alone
        "mv t1, a3",           // arg: and t1
        "li a2, 0",            // no parent tid
        "li a3, 0",            // no tls
        "li a4, 0",            // no child tid
        "li a7, {clone}",      // number
        "ecall",               // both return here
        "bnez a0, 2f",         // the parent, or an error
        "li s0, 0",            // frames end here, for a debugger
        "li ra, 0",
        "mv a0, t1",           // pass arg
        "jalr t0",             // go; never comes back
        "2: ret",
        clone = const sc::nr::CLONE,
    )
}

/// Ends the process by an instruction that there is none of: SIGILL.
pub(in crate::sys) fn trap() -> ! {
    // SAFETY: it touches nothing, and nothing comes after it.
    unsafe { asm!("unimp", options(noreturn, nomem, nostack)) }
}

/// Where the kernel enters the program, if the linker is told so: [`crate::main`] gets what lies on the stack.
#[cfg(not(test))]
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn enter_gontainer() -> ! {
    naked_asm!(
        ".option push",
        ".option norelax",           // not by itself
        "lla gp, __global_pointer$", // what the linker's short forms count from
        ".option pop",
        "li s0, 0", // frames end here, for a debugger
        "li ra, 0",
        "ld a0, 0(sp)",   // argc
        "addi a1, sp, 8", // argv
        "slli a2, a0, 3", // envp, behind its NULL
        "add a2, a2, a1",
        "addi a2, a2, 8",
        "call main", // never comes back; the stack is aligned already
    )
}
