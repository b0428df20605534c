//! `-bench`: how long a container takes to start, here.

mod measure;
mod print;
mod statistics;

use crate::config::{Command, Config};
use crate::launch::CANNOT_START;
use crate::sys::Words;
use core::cell::Cell;
use core::ffi::CStr;
use measure::{Samples, Trouble};

/// The same start without one of its flags.
pub(crate) struct Variant {
    /// The flag, as it was given.
    pub(crate) flag: &'static CStr,
    pub(crate) config: Config,
    pub(crate) command: Command,
    /// Whether it starts at all.
    pub(crate) starts: Cell<bool>,
}

/// What to measure.
pub(crate) struct Bench<'a> {
    pub(crate) config: &'a Config,
    pub(crate) command: &'a Command,
    pub(crate) variants: &'a [Variant],
    /// For `-vs`: our own command line and the other's, as programs.
    pub(crate) programs: Option<[Command; 2]>,
    /// The words that asked for it.
    pub(crate) words: Words,
}

/// Measures, prints, and returns the exit status.
#[cold]
#[inline(never)]
pub(crate) fn bench(asked: &Bench) -> i32 {
    let mut samples = Samples::default();
    match measure::measure(asked, &mut samples) {
        Ok(()) => {
            let [ours, _] = &samples.sides;
            let count = ours.whole.samples().len();
            let arrived = count == 0 || print::print(asked, &mut samples);
            let mut status = super::arrived(arrived);
            if count < asked.config.runs as usize {
                super::note("-bench: ended early: fewer were measured");
                status = CANNOT_START;
            }
            samples.stopped_by.map_or(status, |signal| {
                crate::sys::signal::end_by(signal); // so that a key ends the script, too
                128 + signal.0
            })
        }
        Err(Trouble::DoesNotStart) => CANNOT_START,
        Err(Trouble::Refused(what, errno)) => {
            let mut message = super::Message::new();
            message.push_str("gontainer: -bench: ").push_str(what);
            super::push_errno(&mut message, errno);
            super::say(&message);
            CANNOT_START
        }
    }
}
