//! Becoming the command.

use crate::launch::fault::{EXECUTE, Fault, On};
use crate::launch::inside;
use crate::launch::job::Job;
use crate::launch::shared::Interpreter;
use crate::sys::file::{self, Open};
use crate::sys::recorder::is_rehearsal;
use crate::sys::{Errno, Fd, Word, Words, process};
use crate::text::{Text, first_part, parts};
use core::convert::Infallible;
use core::ffi::CStr;

/// The longest path that the kernel takes, with its NUL.
const LONGEST: usize = 4096;
/// Room for most: less of the stack is touched.
const USUAL_LENGTH: usize = 256;

/// The name under which our own file does nothing, at once: the command of a benchmark that names none. It
/// needs no rootfs, and its start costs the least that a program can cost.
const NO_COMMAND: &CStr = c":nothing";

/// Whether we were started under that name.
pub(crate) fn is_no_command(words: Words) -> bool {
    words.first() == NO_COMMAND
}

/// A descriptor of our own file, which reaches into any rootfs.
pub(in crate::launch) fn open_own_file(job: &mut Job) -> Result<(), Fault> {
    job.own_file = Some(file::open(c"/proc/self/exe", Open::Name).on(c"open", c"/proc/self/exe")?);
    Ok(())
}

#[cold]
fn become_nothing(own_file: &Fd) -> Result<Infallible, Fault> {
    static WORDS: [Word; 2] = [Word::of(NO_COMMAND), Word::END];
    process::execute_open(own_file, Words::new(&WORDS), Words::new(&[])).on(c"execveat", NO_COMMAND)
}

/// The working directory that was asked for.
pub(in crate::launch) fn enter_work_dir(job: &Job) -> Result<(), Fault> {
    let path = job.config.work_dir.unwrap_or_default();
    let dir = inside::find_from_top(path).on(c"open", path)?;
    file::change_dir_to(&dir).on(c"chdir", path)
}

/// Looks the command up and executes it; comes back only to say why not.
pub(in crate::launch) fn become_it(job: &Job) -> Result<Infallible, Fault> {
    if let Some(own_file) = &job.own_file {
        return become_nothing(own_file);
    }
    let name = job.command.words.first();
    let is_path = name.to_bytes().contains(&b'/') || name.is_empty();
    let errno = if is_path || is_rehearsal() { execute(job, name) } else { look_up(job, name) };
    Err(errno).on(EXECUTE, name)
}

/// Tries each directory of PATH as execvp(3) does: a file that may not be executed is remembered, but a
/// later one may do.
fn look_up(job: &Job, name: &CStr) -> Errno {
    let mut verdict = Errno::ENOENT;
    for dir in parts(job.command.path.to_bytes(), b':') {
        let dir = if dir.is_empty() { b"." } else { dir };
        let is_usual = dir.len() + name.count_bytes() + 2 <= USUAL_LENGTH;
        let execute = if is_usual { execute_in::<USUAL_LENGTH> } else { execute_in::<LONGEST> };
        match execute(job, dir, name) {
            Errno::ENOENT | Errno::ENOTDIR if job.shared.has_interpreter() => return Errno::ENOENT,
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG => {}
            Errno::EACCES => verdict = Errno::EACCES,
            errno => return errno,
        }
    }
    verdict
}

/// Executes a name in a directory.
#[inline(never)] // each size on a stack frame of its own
fn execute_in<const N: usize>(job: &Job, dir: &[u8], name: &CStr) -> Errno {
    let mut path = Text::<N>::new();
    path.push(dir).push(b"/").push(name.to_bytes());
    path.as_c_str().map_or(Errno::ENAMETOOLONG, |path| execute(job, path))
}

/// execve(2); of a file that is there and still gives ENOENT, an interpreter is missing, its own or that one's: the
/// name is left for the launcher's message.
fn execute(job: &Job, path: &CStr) -> Errno {
    let Err(errno) = process::execve(path, job.command.words, job.command.environment);
    if errno == Errno::ENOENT {
        note_interpreter(job, path);
    }
    errno
}

#[cold]
#[inline(never)]
fn note_interpreter(job: &Job, path: &CStr) {
    let mut start = [0_u8; 1024];
    let mut file = file::open(path, Open::Read);
    // The kernel follows so many (exec_binprm in fs/exec.c).
    for _ in 0..6 {
        let filled = file.and_then(|file| file::read(&file, &mut start)).unwrap_or(0);
        let Some(name) = interpreter(start.get(..filled).unwrap_or_default()) else { break };
        let mut next = Interpreter::new();
        next.push(name);
        file = file::open(next.c_str_or_empty(), Open::Read);
        if file.is_err() {
            job.shared.name_interpreter(next);
            break;
        }
    }
}

/// What a file's first bytes name as its interpreter: after `#!`, or an ELF file's PT_INTERP if it lies
/// among them, as linkers place it.
fn interpreter(start: &[u8]) -> Option<&[u8]> {
    if let Some(line) = start.strip_prefix(b"#!") {
        // A carriage return is a part of the name.
        let mut words = first_part(line, b'\n').split(|byte| matches!(byte, b' ' | b'\t'));
        return words.find(|name| !name.is_empty());
    }
    let number = |at: usize, bytes: usize| -> Option<usize> {
        let digits = start.get(at..at.checked_add(bytes)?)?;
        Some(digits.iter().rev().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
    };
    // elf(5), 64 bits, little-endian: e_phoff, e_phentsize, e_phnum; p_type, p_offset, p_filesz.
    const PT_INTERP: usize = 3;
    if !start.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let entry = table.checked_add(index.checked_mul(size)?)?;
        if number(entry, 4)? == PT_INTERP {
            let (from, length) = (number(entry.checked_add(8)?, 8)?, number(entry.checked_add(32)?, 8)?);
            return start.get(from..from.checked_add(length)?).map(|name| first_part(name, 0));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_script_names_its_interpreter() {
        assert_eq!(interpreter(b"#! /bin/no such\nx"), Some(&b"/bin/no"[..]));
        assert_eq!(interpreter(b"#!\n"), None);
        assert_eq!(interpreter(b"#!"), None);
        assert_eq!(interpreter(b""), None);
    }

    #[test]
    fn an_elf_file_names_its_interpreter() {
        let mut file = vec![0_u8; 200];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64; // program headers at 64
        file[54] = 56;
        file[56] = 1; // one of 56 bytes
        file[64] = 3; // an interpreter
        file[72] = 130;
        file[96] = 6; // six bytes at 130
        file[130..136].copy_from_slice(b"/ld.so");
        assert_eq!(interpreter(&file), Some(&b"/ld.so"[..]));
        file[72..80].fill(255); // far outside
        assert_eq!(interpreter(&file), None);
        file[32..40].fill(255);
        assert_eq!(interpreter(&file), None);
    }

    /// What may stand at the beginning of a file: anything, and what almost is an ELF file or a script.
    fn start() -> impl Strategy<Value = Vec<u8>> {
        let number = || prop_oneof![Just(0_u64), 0_u64..2000, any::<u64>()];
        let elf = (number(), any::<u16>(), any::<u16>(), number(), number(), 64_usize..1024).prop_map(
            |(table, size, count, from, length, bytes)| {
                let mut file = vec![3; bytes]; // PT_INTERP wherever one looks for an entry's type
                let fields: [(usize, &[u8]); 6] = [
                    (0, b"\x7fELF\x02\x01"),
                    (32, &table.to_le_bytes()),
                    (54, &size.to_le_bytes()),
                    (56, &count.to_le_bytes()),
                    (usize::try_from(table).unwrap_or(usize::MAX).saturating_add(8), &from.to_le_bytes()),
                    (usize::try_from(table).unwrap_or(usize::MAX).saturating_add(32), &length.to_le_bytes()),
                ];
                for (at, field) in fields {
                    for (to, byte) in file.iter_mut().skip(at).zip(field) {
                        *to = *byte;
                    }
                }
                if let Some(kind) = file.get_mut(usize::try_from(table).unwrap_or(usize::MAX)..) {
                    for (to, byte) in kind.iter_mut().zip([3, 0, 0, 0]) {
                        *to = byte;
                    }
                }
                file
            },
        );
        let bytes = || prop::collection::vec(any::<u8>(), 0..1024);
        let script = bytes().prop_map(|rest| [b"#!".as_slice(), &rest].concat());
        prop_oneof![2 => elf, 1 => bytes(), 1 => script]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn any_files_beginning_is_read_without_harm(start in start()) {
            if let Some(name) = interpreter(&start) {
                prop_assert!(name.is_empty() || start.windows(name.len()).any(|part| part == name));
            }
        }
    }
}
