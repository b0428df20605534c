//! All printing: messages, hints, the banner.

mod banner;
mod checks;

pub(crate) use banner::banner;

use crate::config::Config;
use crate::launch::{NotStarted, Fault};
use crate::sys::file;
use crate::text::Text;

/// A whole message: written at once, so that it is not torn apart by others'.
pub(crate) type Message = Text<2048>;

/// Standard error.
const STDERR: i32 = 2;

/// Writes a message to standard error. That nobody reads it is no reason to fail.
pub(crate) fn say(message: &Message) {
    let _ = file::write(STDERR, message.as_bytes()); // a full or closed pipe
}

/// Says why there is no container: step, call, object, errno; then what was found to be the cause.
pub(crate) fn not_started(config: &Config, why: &NotStarted) {
    let Fault { call, object, errno, .. } = why.failure.fault;
    let mut message = Message::new();
    message.push_str("gontainer: ").push_str(why.failure.step).push_str(": ").push_str(call);
    message.push_str("(").push_escaped(object.unwrap_or_default().to_bytes()).push_str("): ");
    match errno.describe() {
        Some((name, text)) => message.push_str(text).push_str(" (").push_str(name).push_str(")\n"),
        None => message.push_str("error ").push_number(errno.0.unsigned_abs().into()).push_str("\n"),
    };
    if let Some(interpreter) = &why.interpreter {
        message.push_str("hint: the file exists, but its interpreter ");
        message.push_escaped(interpreter.as_bytes()).push_str(" does not, inside the container\n");
    }
    for check in checks::causes(config, &why.failure.fault) {
        message.push_str("hint: ").push_str(check).push_str("\n");
    }
    say(&message);
}
