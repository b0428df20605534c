//! The descriptors that the caller left us.

use crate::config::Config;
use crate::launch::fault::{Fault, On};
use crate::launch::job::{Job, Running};
use crate::number::decimal;
use crate::sys::Errno;
use crate::sys::file::{self, Open};

/// Puts /dev/null where the caller closed 0, 1 or 2: else a file of ours would land there, and be read or
/// written by mistake. It is close-on-exec, so the command finds them closed, as the caller meant.
pub(in crate::launch) fn hold_closed(job: &mut Job) -> Result<(), Fault> {
    let closed = file::closed_standard_fds().of(c"poll")?;
    for (place, closed) in job.placeholders.iter_mut().zip(closed) {
        if closed {
            *place = Some(file::open_null().on(c"open", c"/dev/null")?); // the lowest number: this one
        }
    }
    Ok(())
}

/// Closes everything from 3 up but what `-fd` names: a descriptor of the host's is a way out for the
/// command, and a pipe that we hold never ends for its reader. (What a caller hands on is not
/// close-on-exec, or it would not be here.)
pub(in crate::launch) fn close_inherited(job: &mut Job) -> Result<(), Fault> {
    let kept = job.config.kept_descriptors;
    for (number, text) in kept.iter() {
        file::see_open(*number).on(c"fcntl", text)?;
    }
    let mut first = 3;
    loop {
        let next = kept.iter().map(|(number, _)| number.unsigned_abs()).filter(|number| *number >= first).min();
        let last = next.map_or(u32::MAX, |next| next - 1);
        if first <= last {
            match file::close_range(first, last) {
                // SINCE(5.9): close_range
                Err(Errno::ENOSYS | Errno::EPERM) => return close_listed(job.config),
                result => result.of(c"close_range")?,
            }
        }
        match next {
            Some(next) => first = next + 1,
            None => return Ok(()),
        }
    }
}

/// The launcher has no use for what the command keeps, and would hold its pipes open.
pub(in crate::launch) fn leave_kept(running: &Running) -> Result<(), Fault> {
    for (number, _) in running.config().kept_descriptors.iter() {
        file::close_number(*number);
    }
    Ok(())
}

/// The same by the kernel's list of them, which may change under the reading: until nothing is left. Another's
/// list would leave them open.
#[cold]
#[inline(never)]
fn close_listed(config: &Config) -> Result<(), Fault> {
    loop {
        let list = file::open(c"/proc/self/fd", Open::List).on(c"open", c"/proc/self/fd")?;
        if !file::is_in_proc(&list).on(c"fstatfs", c"/proc/self/fd")? {
            return Err(Errno::NOT_PROC).on(c"open", c"/proc/self/fd");
        }
        let mut buffer = [0_u8; 1024];
        let mut closed_any = false;
        loop {
            let filled = file::read_entries(&list, &mut buffer).on(c"getdents64", c"/proc/self/fd")?;
            let mut entries = buffer.get(..filled).unwrap_or_default();
            if entries.is_empty() {
                break;
            }
            while let Some((name, rest)) = file::next_entry(entries) {
                entries = rest;
                let number = decimal(name.to_bytes()).and_then(|number| i32::try_from(number).ok()).unwrap_or(-1);
                if number > 2 && number != list.number() && !config.keeps(number) {
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
