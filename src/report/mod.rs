//! What gontainer says of itself: messages, hints, the banner, traces, benchmarks.

mod banner;
mod bench;
mod calls;
mod checks;
mod trace;

pub(crate) use banner::banner;
pub(crate) use bench::{Bench, Variant, bench};
use trace::name_of_side;
pub(crate) use trace::{Trace, trace};

use crate::config::Config;
use crate::flags::{self, Flag};
use crate::launch::{Failure, Fault, Interpreter};
use crate::sys::{Errno, file};
use crate::text::Text;
use core::ffi::CStr;

/// A whole message: written at once, so that it is not torn apart by others'.
pub(crate) type Message = Text<2048>;

/// Of an object's name as much as leaves room for the rest of the message, even if all of it is escaped.
const LONGEST_OBJECT: usize = 256;

/// Standard error.
const STDERR: i32 = 2;

/// Writes a message to standard error. That nobody reads it is no reason to fail.
pub(crate) fn say(message: &Message) {
    let _ = file::write(STDERR, message.as_bytes()); // a full or closed pipe
}

/// Says why there is no container: step, call, object, errno; then what was found to be the cause.
#[cold]
pub(crate) fn not_started(config: &Config, failure: &Failure, interpreter: Option<&Interpreter>) {
    let Fault { call, object, errno, .. } = failure.fault;
    let mut message = Message::new();
    message.push_str("gontainer: ").push(failure.step.bytes()).push_str(": ").push(call.bytes());
    if let Some(object) = object {
        let name = object.bytes();
        let shown = name.get(..LONGEST_OBJECT).unwrap_or(name);
        message.push_str("(").push_escaped(shown).push_str(if shown.len() < name.len() { "…)" } else { ")" });
    }
    push_errno(&mut message, errno);
    if let Some(interpreter) = interpreter {
        message.push_str("hint: the file exists, but its interpreter ");
        message.push_escaped(interpreter.as_bytes()).push_str(" does not, inside the container\n");
    } else {
        checks::write_causes(&mut message, config, &failure.fault);
    }
    say(&message);
}

/// Ends a line with what an error means, and its name if it has one.
fn push_errno(message: &mut Message, errno: Errno) {
    match errno.describe() {
        Some(("", reason)) => message.push_str(": ").push_str(reason),
        Some((name, text)) => message.push_str(": ").push_str(text).push_str(" (").push_str(name).push_str(")"),
        None => message.push_str(": error ").push_number(errno.0.unsigned_abs().into()),
    };
    message.push_str("\n");
}

/// Says something in one line that no step failed for.
#[cold]
pub(crate) fn note(what: &str) {
    let mut message = Message::new();
    message.push_str("gontainer: ").push_str(what).push_str("\n");
    say(&message);
}

/// The exit status of what only prints: if standard output did not take all of it, that is said.
pub(crate) fn arrived(all: bool) -> i32 {
    if !all {
        note("standard output did not take all of it");
    }
    i32::from(!all)
}

/// What is wrong about a command line.
pub(crate) enum Misuse {
    UnknownFlag(&'static CStr),
    MissingValue(&'static Flag),
    BadValue(&'static Flag, &'static str),
    Whole(&'static str),
}

/// Says what is wrong about a command line.
#[cold]
pub(crate) fn misuse(misuse: &Misuse) {
    let mut message = Message::new();
    message.push_str("gontainer: ");
    match misuse {
        Misuse::UnknownFlag(name) => {
            message.push_str("unknown flag -").push_escaped(name.to_bytes());
            if let Some(nearest) = flags::nearest(name.to_bytes()) {
                message.push_str("; the nearest is -").push(nearest.name());
            }
        }
        Misuse::MissingValue(flag) => {
            message.push_str("-").push(flag.name()).push_str(": needs a value");
        }
        Misuse::BadValue(flag, what) => {
            message.push_str("-").push(flag.name()).push_str(": ").push_str(what);
        }
        Misuse::Whole(what) => {
            message.push_str(what);
        }
    }
    message.push_str("\nhint: gontainer -h lists all flags\n");
    say(&message);
}
