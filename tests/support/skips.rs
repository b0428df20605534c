//! What could not be tested here: said at once, and again at the end.

use std::io::{self, Write as _};
use std::sync::Mutex;

static SKIPS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Says that something could not be tested here, and why; panics if everything must run.
pub fn skip(reason: &str) {
    assert!(std::env::var_os("GONTAINER_TESTS_MUST_RUN").is_none_or(|value| value != "1"), "skipped: {reason}");
    let mut skips = SKIPS.lock().unwrap();
    if !skips.iter().any(|known| known == reason) {
        let _ = writeln!(io::stderr(), "SKIPPED: {reason}");
        skips.push(reason.to_owned());
    }
}

/// Says them all again, where the end of the output is what one reads.
pub(super) fn repeat() {
    for reason in SKIPS.lock().unwrap().iter() {
        let _ = writeln!(io::stderr(), "SKIPPED: {reason}");
    }
}
