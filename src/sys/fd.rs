//! File descriptors with one owner.

use super::call;

/// An open file descriptor, closed when dropped.
///
/// Every one is born close-on-exec. A child made by clone(2) has its own table of descriptors with the
/// same numbers, so it may use a parent's `&Fd`; what it closes, it closes only for itself.
pub(crate) struct Fd(i32);

impl Fd {
    /// The descriptor that the kernel has just returned.
    #[allow(clippy::cast_possible_truncation, reason = "a descriptor is an int to the kernel")]
    pub(super) fn from_result(result: usize) -> Fd {
        Fd(result.cast_signed() as i32)
    }

    /// Its number: valid while `self` is.
    pub(crate) fn number(&self) -> i32 {
        self.0
    }

    /// Gives the number away, and with it the duty to close it.
    pub(crate) fn into_number(self) -> i32 {
        core::mem::ManuallyDrop::new(self).0
    }

    /// Closes this process's copy of a descriptor that another process owns, close(2).
    pub(crate) fn close_copy(&self) {
        // SAFETY: the number is this process's own copy; its owner is in another process.
        let _ = unsafe { call!(CLOSE, self.0) }; // the number is free again whatever close(2) says
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        self.close_copy();
    }
}
