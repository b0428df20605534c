//! The descriptors that the caller left us.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::Errno;
use crate::sys::file::{self, Open};

/// Puts /dev/null where the caller closed 0, 1 or 2: else a file of ours would land there, and be read or
/// written by mistake. It is close-on-exec, so the command finds them closed, as the caller meant.
pub(in crate::launch) fn hold_closed(job: &mut Job) -> Result<(), Fault> {
    let closed = file::closed_standard_fds().of("poll")?;
    for (place, closed) in job.placeholders.iter_mut().zip(closed) {
        if closed {
            *place = Some(file::open_null().on("open", c"/dev/null")?); // the lowest number: this one
        }
    }
    Ok(())
}

/// Closes everything from 3 up: a descriptor of the host's is a way out for the command, and a pipe that
/// we hold never ends for its reader.
pub(in crate::launch) fn close_inherited(_: &mut Job) -> Result<(), Fault> {
    match file::close_from(3) {
        // SINCE(5.9): close_range
        Err(Errno::ENOSYS | Errno::EPERM) => close_listed(),
        result => result.of("close_range"),
    }
}

/// The same by the kernel's list of them, which may change under the reading: until nothing is left.
#[cold]
#[inline(never)]
fn close_listed() -> Result<(), Fault> {
    loop {
        let list = file::open(c"/proc/self/fd", Open::List).on("open", c"/proc/self/fd")?;
        let mut buffer = [0_u8; 1024];
        let mut closed_any = false;
        loop {
            let filled = file::read_entries(&list, &mut buffer).on("getdents64", c"/proc/self/fd")?;
            let mut entries = buffer.get(..filled).unwrap_or_default();
            if entries.is_empty() {
                break;
            }
            while let Some((number, rest)) = next_number(entries) {
                entries = rest;
                if number > 2 && number != list.number() {
                    file::close_number(number);
                    closed_any = true;
                }
            }
        }
        if !closed_any {
            return Ok(());
        }
    }
}

/// The name of the first linux_dirent64 record as a number (-1 if it is none), and the records after it.
fn next_number(entries: &[u8]) -> Option<(i32, &[u8])> {
    const LENGTH_AT: usize = 16; // inode and offset, eight bytes each
    const NAME_AT: usize = 19; // then length, two bytes, and type, one
    let length = u16::from_ne_bytes(entries.get(LENGTH_AT..LENGTH_AT + 2)?.try_into().ok()?);
    let record = entries.get(..usize::from(length))?;
    let name = record.get(NAME_AT..)?.split(|byte| *byte == 0).next()?;
    let number = core::str::from_utf8(name).ok().and_then(|name| name.parse().ok()).unwrap_or(-1);
    Some((number, entries.get(usize::from(length)..)?))
}
