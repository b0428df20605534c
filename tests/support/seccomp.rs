//! A kernel that refuses: one system call gives one error, by a seccomp filter.

use super::check;
use std::fmt;
use std::io;

/// Which calls of that number are meant. A filter sees registers, not what they point to.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Always,
    /// The argument at this place is this number.
    Is(usize, u32),
    /// It has one of these bits.
    Has(usize, u32),
    /// It has none of these bits.
    Lacks(usize, u32),
}

/// One system call that fails, or ends who makes it.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    pub call: libc::c_long,
    pub when: When,
    /// 0 is the end, by SIGSYS.
    pub errno: i32,
}

impl Filter {
    pub fn new(call: libc::c_long, errno: i32) -> Filter {
        Filter { call, when: When::Always, errno }
    }

    pub fn when(self, when: When) -> Filter {
        Filter { when, ..self }
    }

    /// For this process and what it becomes.
    pub(super) fn install(&self) -> io::Result<()> {
        // SAFETY: takes numbers only.
        check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
        let mut program = self.program();
        let program = libc::sock_fprog { len: 7, filter: program.as_mut_ptr() };
        // SAFETY: the kernel reads as many instructions as it is told.
        check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) })
    }

    /// Seven instructions: is it the call, is it the argument, refuse, allow.
    fn program(&self) -> [libc::sock_filter; 7] {
        let step =
            |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k };
        let load =
            |offset: usize| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, u32::try_from(offset).unwrap(), 0, 0);
        let equals = |k, jt, jf| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k, jt, jf);
        let mask = |k| step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, k, 0, 0);
        let answer = |k| step(libc::BPF_RET | libc::BPF_K, k, 0, 0);
        // struct seccomp_data: number, architecture, address, then six arguments, low half first.
        let (argument, bits, wanted, if_equal) = match self.when {
            When::Always => (0, 0, 0, true),
            When::Is(place, number) => (place, u32::MAX, number, true),
            When::Has(place, bits) => (place, bits, 0, false),
            When::Lacks(place, bits) => (place, bits, 0, true),
        };
        let (jt, jf) = if if_equal { (0, 1) } else { (1, 0) };
        [
            load(0),
            equals(u32::try_from(self.call).unwrap(), 0, 4),
            load(16 + 8 * argument),
            mask(bits),
            equals(wanted, jt, jf),
            answer(match self.errno {
                0 => libc::SECCOMP_RET_KILL_PROCESS,
                errno => libc::SECCOMP_RET_ERRNO | u32::try_from(errno).unwrap(),
            }),
            answer(libc::SECCOMP_RET_ALLOW),
        ]
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "call {} gives error {} ({:?})", self.call, self.errno, self.when)
    }
}
