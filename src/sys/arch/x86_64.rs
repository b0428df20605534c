//! x86_64: instruction `syscall`, number in rax, result in rax, arguments in rdi rsi rdx r10 r8;
//! clone(2) takes flags, stack, ptid, ctid, tls; the kernel destroys rcx and r11.

use core::arch::{asm, naked_asm};

/// What seccomp calls this architecture's own system calls, linux/audit.h.
pub(in crate::sys) const AUDIT_ARCH: u32 = 0xc000_003e;
/// Calls that open hardware to a process.
pub(in crate::sys) const HARDWARE_CALLS: &[usize] = &[sc::nr::IOPERM, sc::nr::IOPL];
/// Calls that change how a process sees its memory, for old programs.
pub(in crate::sys) const SEGMENT_CALLS: &[usize] = &[sc::nr::MODIFY_LDT];

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
        "mov r9, rdx",         // entry: the kernel leaves r9 alone
        "sub rsi, 16",         // room on the child's stack, still aligned
        "mov [rsi], rcx",      // arg: rcx itself does not survive
        "xor edx, edx",        // no parent tid
        "xor r10d, r10d",      // no child tid
        "xor r8d, r8d",        // no tls
        "mov eax, {clone}",    // number
        "syscall",             // both return here
        "test rax, rax",       // which of the two?
        "jnz 2f",              // the parent, or an error
        "xor ebp, ebp",        // frames end here, for a debugger
        "mov rdi, [rsp]",      // pass arg
        "call r9",             // go; never comes back
        "2: ret",
        clone = const sc::nr::CLONE,
    )
}

/// Ends the process by an instruction that there is none of: SIGILL.
pub(in crate::sys) fn trap() -> ! {
    // SAFETY: it touches nothing, and nothing comes after it.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

/// Where the kernel enters the program, if the linker is told so: [`crate::main`] gets what lies on the stack.
#[cfg(not(test))]
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn enter_gontainer() -> ! {
    naked_asm!(
        "xor ebp, ebp",                 // frames end here, for a debugger
        "mov rdi, [rsp]",               // argc
        "lea rsi, [rsp + 8]",           // argv
        "lea rdx, [rsi + 8 * rdi + 8]", // envp, behind its NULL
        "and rsp, -16",                 // as a call asks for
        "call main",                    // never comes back
    )
}
