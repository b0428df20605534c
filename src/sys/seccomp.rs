//! Filters of system calls, seccomp(2): small programs that the kernel asks about every call.
//!
//! The kernel runs a new filter once for each number it knows, to remember those that are always allowed
//! (since 5.11), and that is most of what installing one costs: 70 instructions that every number walks
//! through take 75 µs, and as many with 7 on the way of a number, 25 µs. So [`compile`] makes a search
//! tree over the numbers, at compile time, and no argument is looked at where the number decides.

use super::{Errno, arch, call, number};

/// Calls that open hardware to a process, where the architecture has such.
pub(crate) const HARDWARE_CALLS: &[usize] = arch::HARDWARE_CALLS;
/// Calls that change how a process sees its memory, where the architecture has such.
pub(crate) const SEGMENT_CALLS: &[usize] = arch::SEGMENT_CALLS;

/// One instruction, struct sock_filter.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    code: u16,
    /// Instructions to leave out if a comparison holds, and if not.
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

impl Instruction {
    /// One that refuses everything.
    pub(crate) const NONE: Instruction = Instruction { code: 0, jump_true: 0, jump_false: 0, operand: 0 };

    /// From eight bytes of a file.
    pub(crate) fn read(bytes: [u8; 8]) -> Instruction {
        let [code_low, code_high, jump_true, jump_false, operand @ ..] = bytes;
        let code = u16::from_ne_bytes([code_low, code_high]);
        Instruction { code, jump_true, jump_false, operand: u32::from_ne_bytes(operand) }
    }
}

/// The kernel's BPF_MAXINSNS.
pub(crate) const MOST_INSTRUCTIONS: usize = 4096;

/// What becomes of some calls depends on the low half of an argument: the kernel takes these as 32 bits, so
/// a bit above changes nothing (CVE-2019-10063 looked at all 64).
pub(crate) struct Check {
    pub(crate) calls: &'static [usize],
    /// Looked at only if this argument has this value; with the other value it is refused at once.
    pub(crate) only_if: Option<(u32, u32, u32)>,
    pub(crate) argument: u32,
    pub(crate) test: Test,
    /// What it gives if it is refused.
    pub(crate) errno: Errno,
}

impl Check {
    /// The instructions that it takes.
    const fn size(&self) -> usize {
        let condition = if self.only_if.is_some() { 3 } else { 0 };
        let comparisons = match self.test {
            Test::NoneOf(numbers) | Test::OneOf(numbers) => numbers.len(),
            Test::Without(_) => 1,
        };
        condition + 1 + comparisons + 1
    }
}

/// Which arguments are allowed.
pub(crate) enum Test {
    /// All but these.
    NoneOf(&'static [u32]),
    /// These.
    OneOf(&'static [u32]),
    /// Those without any of these bits.
    Without(u32),
}

/// Which calls are allowed: all but these.
pub(crate) struct Policy {
    pub(crate) refused: &'static [&'static [usize]],
    pub(crate) checks: &'static [Check],
}

/// From this number on calls have the same number everywhere, and are new enough for a program to live
/// without: refused, they give ENOSYS, and older ones EPERM.
const FIRST_NEW: usize = number::PIDFD_SEND_SIGNAL;

/// What ENOSYS says: this kernel has no such call. None of keys, either: that runc, for one, can live with.
const fn is_missing(call: usize) -> bool {
    call >= FIRST_NEW || matches!(call, number::ADD_KEY | number::REQUEST_KEY | number::KEYCTL)
}

/// The last call that this program knows, file_setattr. Those behind it are refused unseen, and among
/// them x86_64's x32 calls: other numbers for the same calls.
const LAST_KNOWN: usize = 469;

/// A compiled policy.
pub(crate) struct Compiled {
    instructions: [Instruction; 256],
    length: usize,
    /// Where each way to go on begins: allow, EPERM, ENOSYS, then the checks.
    places: [usize; 16],
}

const ALLOW: usize = 0;
const REFUSE: usize = 1;
const MISSING: usize = 2;
const FIRST_CHECK: usize = 3;

// BPF's instructions, linux/bpf_common.h.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_NOT_BELOW: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const ANSWER: u16 = 0x06;
// struct seccomp_data.
const AT_NUMBER: u32 = 0;
const AT_ARCH: u32 = 4;
const AT_ARGUMENTS: u32 = 16;
const ARGUMENT_BYTES: u32 = 8;
const _: () = assert!(cfg!(target_endian = "little"), "an argument's low half comes first");

/// Makes a program of a policy; whatever is wrong about it is a compile error.
#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
pub(crate) const fn compile(policy: &Policy) -> Compiled {
    const HEAD: usize = 3;
    let fates = fates(policy);
    let mut made = Compiled { instructions: [Instruction::NONE; 256], length: 0, places: [0; 16] };
    // First, where everything will stand: the tree, the checks, the answers.
    let mut end = HEAD + tree_size(&fates, 0, NUMBERS);
    let mut index = 0;
    while index < policy.checks.len() {
        made.places[FIRST_CHECK + index] = end;
        end += policy.checks[index].size();
        index += 1;
    }
    made.places[REFUSE] = end;
    made.places[MISSING] = end + 1;
    let kill = end + 2;
    made.places[ALLOW] = end + 3;
    // A program for another architecture, as i386 on x86_64: its calls have other numbers. No error would
    // reach it, and one that is refused its exit may try for ever.
    made.add(LOAD, AT_ARCH, 0, 0);
    made.add(IF_EQUAL, arch::AUDIT_ARCH, HEAD - 1, kill);
    made.add(LOAD, AT_NUMBER, 0, 0);
    made.add_tree(&fates, 0, NUMBERS);
    let mut index = 0;
    while index < policy.checks.len() {
        made.add_check(&policy.checks[index]);
        index += 1;
    }
    assert!(made.length == end);
    made.add(ANSWER, error(Errno::EPERM), 0, 0);
    made.add(ANSWER, error(Errno::ENOSYS), 0, 0);
    made.add(ANSWER, KILLED, 0, 0);
    made.add(ANSWER, ALLOWED, 0, 0);
    made
}

// linux/seccomp.h.
const ALLOWED: u32 = 0x7fff_0000;
const KILLED: u32 = 0x8000_0000; // the whole process. SINCE(4.14)

const fn error(errno: Errno) -> u32 {
    0x0005_0000 | errno.0.cast_unsigned()
}

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs in the compiler")]
impl Compiled {
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// The program without the room behind it; or without its last instruction, by which it allows: then what follows
    /// decides on what it does not refuse.
    pub(crate) const fn cut<const LENGTH: usize>(&self) -> [Instruction; LENGTH] {
        assert!(LENGTH == self.length || LENGTH == self.length - 1);
        let mut program = [Instruction::NONE; LENGTH];
        let mut index = 0;
        while index < LENGTH {
            program[index] = self.instructions[index];
            index += 1;
        }
        program
    }

    /// Adds an instruction; a comparison goes on at one of two places.
    const fn add(&mut self, code: u16, operand: u32, if_true: usize, if_false: usize) {
        let jumps = code == IF_EQUAL || code == IF_NOT_BELOW || code == IF_ANY_BIT;
        let next = self.length + 1;
        let (jump_true, jump_false) = if jumps { (if_true - next, if_false - next) } else { (0, 0) };
        assert!(jump_true < 256 && jump_false < 256);
        let (jump_true, jump_false) = (jump_true as u8, jump_false as u8);
        self.instructions[self.length] = Instruction { code, jump_true, jump_false, operand };
        self.length = next;
    }

    /// Adds the search among the numbers from `from` to before `to`, which do not all fare the same.
    const fn add_tree(&mut self, fates: &Fates, from: usize, to: usize) {
        if let Some(single) = single(fates, from, to) {
            let (other, same) = (self.places[fates[single] as usize], self.places[fates[from] as usize]);
            return self.add(IF_EQUAL, single as u32, other, same);
        }
        let middle = middle(fates, from, to);
        let below = self.length + 1;
        let above = below + tree_size(fates, from, middle);
        let low = if is_uniform(fates, from, middle) { self.places[fates[from] as usize] } else { below };
        let high = if is_uniform(fates, middle, to) { self.places[fates[middle] as usize] } else { above };
        self.add(IF_NOT_BELOW, middle as u32, high, low);
        if low == below {
            self.add_tree(fates, from, middle);
        }
        if high == above {
            self.add_tree(fates, middle, to);
        }
    }

    /// Adds what looks at an argument.
    const fn add_check(&mut self, check: &Check) {
        let end = self.length + check.size();
        let allow = self.places[ALLOW];
        let refuse = end - 1;
        if let Some((argument, value, never)) = check.only_if {
            self.add(LOAD, AT_ARGUMENTS + ARGUMENT_BYTES * argument, 0, 0);
            self.add(IF_EQUAL, never, refuse, self.length + 1);
            self.add(IF_EQUAL, value, self.length + 1, allow);
        }
        self.add(LOAD, AT_ARGUMENTS + ARGUMENT_BYTES * check.argument, 0, 0);
        let numbers = match check.test {
            Test::NoneOf(numbers) | Test::OneOf(numbers) => numbers,
            Test::Without(bits) => {
                self.add(IF_ANY_BIT, bits, refuse, allow);
                &[]
            }
        };
        let mut index = 0;
        while index < numbers.len() {
            let is_last = index + 1 == numbers.len();
            let next = self.length + 1;
            match check.test {
                Test::NoneOf(_) => self.add(IF_EQUAL, numbers[index], refuse, if is_last { allow } else { next }),
                _ => self.add(IF_EQUAL, numbers[index], allow, if is_last { refuse } else { next }),
            }
            index += 1;
        }
        self.add(ANSWER, error(check.errno), 0, 0);
        assert!(self.length == end);
    }
}

/// The calls that are told apart: one behind the last that is known stands for all behind it.
const NUMBERS: usize = LAST_KNOWN + 2;
/// What becomes of each call: one of [`Compiled::places`].
type Fates = [u8; NUMBERS];

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs in the compiler")]
const fn fates(policy: &Policy) -> Fates {
    let mut fates = [ALLOW as u8; NUMBERS];
    fates[LAST_KNOWN + 1] = MISSING as u8;
    let mut list = 0;
    while list < policy.refused.len() {
        let mut index = 0;
        while index < policy.refused[list].len() {
            let number = policy.refused[list][index];
            fates[number] = if is_missing(number) { MISSING as u8 } else { REFUSE as u8 };
            index += 1;
        }
        list += 1;
    }
    let mut index = 0;
    while index < policy.checks.len() {
        let calls = policy.checks[index].calls;
        let mut call = 0;
        while call < calls.len() {
            fates[calls[call]] = (FIRST_CHECK + index) as u8;
            call += 1;
        }
        index += 1;
    }
    fates
}

#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn is_uniform(fates: &Fates, from: usize, to: usize) -> bool {
    let mut number = from + 1;
    while number < to {
        if fates[number] != fates[from] {
            return false;
        }
        number += 1;
    }
    true
}

/// The one number that fares otherwise than all the rest, which fare alike.
#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn single(fates: &Fates, from: usize, to: usize) -> Option<usize> {
    let mut found = None;
    let mut number = from + 1;
    while number < to {
        if fates[number] != fates[from] {
            if found.is_some() {
                return None;
            }
            found = Some(number);
        }
        number += 1;
    }
    match found {
        Some(number) if number <= LAST_KNOWN => found,
        _ => None, // the one behind the last is many
    }
}

/// The number nearest to the middle that fares otherwise than the one before it.
#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn middle(fates: &Fates, from: usize, to: usize) -> usize {
    let (mut best, mut least) = (0, usize::MAX);
    let mut number = from + 1;
    while number < to {
        let uneven = (number - from).abs_diff(to - number);
        if fates[number] != fates[number - 1] && uneven < least {
            (best, least) = (number, uneven);
        }
        number += 1;
    }
    best
}

/// How many instructions [`Compiled::add_tree`] adds.
const fn tree_size(fates: &Fates, from: usize, to: usize) -> usize {
    if is_uniform(fates, from, to) {
        0
    } else if single(fates, from, to).is_some() {
        1
    } else {
        let middle = middle(fates, from, to);
        1 + tree_size(fates, from, middle) + tree_size(fates, middle, to)
    }
}

/// Has a filter judge all calls of this process, and of its children, from here on. By prctl(2): those who
/// filter gontainer itself more often know it than seccomp(2). No flag asks for speculation to be allowed,
/// which kernels before 5.16 then forbid: slower there, and safer.
///
/// # Errors
/// EACCES: without `no_new_privs` it takes CAP_SYS_ADMIN. EINVAL: no program that the kernel takes, or a
/// kernel without filters. ENOMEM: too many filters already.
pub(crate) fn filter(program: &[Instruction]) -> Result<(), Errno> {
    /// struct sock_fprog.
    #[repr(C)]
    struct Program {
        length: u16,
        instructions: *const Instruction,
    }
    let length = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = Program { length, instructions: program.as_ptr() };
    // SAFETY: the kernel reads the structure and as many instructions as it says.
    unsafe { call!(PRCTL, libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IOCTL: Check =
        Check { calls: &[16], only_if: None, argument: 1, test: Test::NoneOf(&[0x5412, 0x541c]), errno: Errno::EPERM };
    const COMPILED: Compiled = compile(&Policy {
        refused: &[&[103, 159, 163, 164, 443], &[425, 426, 427]],
        checks: &[
            IOCTL,
            Check { calls: &[41], argument: 0, test: Test::OneOf(&[1, 2]), errno: Errno::EAFNOSUPPORT, ..IOCTL },
            Check { calls: &[56], argument: 0, test: Test::Without(0x1100), ..IOCTL },
            Check { calls: &[72], only_if: Some((0, 4, 10)), argument: 1, test: Test::Without(0x2000), ..IOCTL },
        ],
    });
    static PROGRAM: [Instruction; COMPILED.length()] = COMPILED.cut();

    /// What a kernel would answer, and how many instructions it takes.
    fn answer(architecture: u32, number: u32, arguments: [u64; 2]) -> (u32, usize) {
        let mut data = vec![number, architecture, 0, 0];
        let half = |argument: u64| u32::try_from(argument & 0xffff_ffff).unwrap_or(0);
        data.extend(arguments.iter().flat_map(|argument| [half(*argument), half(*argument >> 32)]));
        let (mut at, mut loaded) = (0, 0);
        for steps in 1.. {
            let Instruction { code, jump_true, jump_false, operand } = PROGRAM[at];
            let jump = |holds| usize::from(if holds { jump_true } else { jump_false });
            at += 1;
            match code {
                LOAD => loaded = data[operand as usize / 4],
                IF_EQUAL => at += jump(loaded == operand),
                IF_NOT_BELOW => at += jump(loaded >= operand),
                IF_ANY_BIT => at += jump(loaded & operand != 0),
                _ => return (operand, steps),
            }
        }
        (0, 0)
    }

    fn fares(number: u32, argument: u64) -> u32 {
        answer(arch::AUDIT_ARCH, number, [argument; 2]).0
    }

    #[test]
    fn every_number_fares_as_the_policy_says() {
        for number in (0..2000).chain([0x4000_0000, 0x4000_0103, u32::MAX]) {
            let wanted = match number {
                103 | 159 | 163 | 164 => error(Errno::EPERM),
                443 | 425..=427 | 470.. => error(Errno::ENOSYS),
                41 => error(Errno::EAFNOSUPPORT), // of no family
                _ => ALLOWED,
            };
            assert_eq!(fares(number, 0), wanted, "{number}");
            assert_eq!(answer(0x4000_0003, number, [0; 2]).0, KILLED);
        }
    }

    #[test]
    fn an_argument_may_count_with_another_alone() {
        let fares = |arguments| answer(arch::AUDIT_ARCH, 72, arguments).0;
        assert_eq!(fares([4, 0x2800]), error(Errno::EPERM));
        assert_eq!(fares([4, 0x800]), ALLOWED);
        assert_eq!(fares([3, 0x2000]), ALLOWED);
        assert_eq!(fares([10, 0]), error(Errno::EPERM));
    }

    #[test]
    fn only_an_arguments_low_half_counts() {
        for high in [0, 1 << 32, u64::from(u32::MAX) << 32] {
            assert_eq!(fares(16, high | 0x5412), error(Errno::EPERM));
            assert_eq!(fares(16, high | 0x541c), error(Errno::EPERM));
            assert_eq!(fares(16, high | 0x5413), ALLOWED);
            assert_eq!(fares(41, high | 1), ALLOWED);
            assert_eq!(fares(41, high | 2), ALLOWED);
            assert_eq!(fares(41, high | 3), error(Errno::EAFNOSUPPORT));
            assert_eq!(fares(56, high | 0x1000), error(Errno::EPERM));
            assert_eq!(fares(56, high | 0x0e11), ALLOWED);
        }
    }

    #[test]
    fn no_number_takes_many_instructions() {
        let most = (0..470).map(|number| answer(arch::AUDIT_ARCH, number, [0; 2]).1).max();
        assert!(most <= Some(14), "{most:?}");
    }

    #[test]
    fn an_instruction_is_read_as_the_kernel_would() {
        let instruction = Instruction::read([0x15, 0, 1, 2, 4, 3, 0, 0]);
        assert!(instruction == Instruction { code: 0x15, jump_true: 1, jump_false: 2, operand: 0x304 });
    }
}
