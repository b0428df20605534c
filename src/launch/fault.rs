//! What went wrong: four facts, each added where it is known.

use crate::sys::Errno;
use core::ffi::CStr;

/// A system call that failed, on what, and the exit status that it gives.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) call: &'static str,
    pub(crate) object: Option<&'static CStr>,
    pub(crate) errno: Errno,
    pub(crate) status: i32,
}

/// A [`Fault`] in a step of the plan.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) step: &'static str,
    pub(crate) fault: Fault,
}

/// gontainer could not start the container.
pub(crate) const CANNOT_START: i32 = 125;
/// The time limit ended the container.
pub(crate) const TIME_IS_OVER: i32 = 124;
/// The command was found but cannot be executed.
pub(crate) const NOT_EXECUTABLE: i32 = 126;
/// The command was not found.
pub(crate) const NOT_FOUND: i32 = 127;

/// Turns an [`Errno`] into a [`Fault`] where the call and its object are known.
pub(crate) trait On<T> {
    /// `call` failed, on nothing that has a name.
    fn of(self, call: &'static str) -> Result<T, Fault>;
    /// `call` failed on `object`.
    fn on(self, call: &'static str, object: &'static CStr) -> Result<T, Fault>;
}

impl<T> On<T> for Result<T, Errno> {
    fn of(self, call: &'static str) -> Result<T, Fault> {
        self.map_err(|errno| Fault { call, object: None, errno, status: CANNOT_START })
    }

    fn on(self, call: &'static str, object: &'static CStr) -> Result<T, Fault> {
        self.map_err(|errno| Fault { call, object: Some(object), errno, status: CANNOT_START })
    }
}
