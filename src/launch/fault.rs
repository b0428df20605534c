//! What went wrong: the facts, each added where it is known.

use crate::sys::{Errno, Name};
use core::ffi::CStr;

/// What failed, a system call or a search of ours, and on what. Small: each of the many places that may fail writes one.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) call: Name,
    pub(crate) object: Option<Name>,
    pub(crate) errno: Errno,
}

/// A [`Fault`] in a step of the plan.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) step: Name,
    pub(crate) fault: Fault,
}

impl Fault {
    /// Whether the command could not be executed.
    pub(crate) fn is_of_execute(&self) -> bool {
        self.call.text() == EXECUTE
    }

    /// The exit status that it gives; a command that exists may lack its interpreter.
    #[cold]
    pub(crate) fn status(&self, lacks_interpreter: bool) -> i32 {
        match self.errno {
            _ if !self.is_of_execute() => CANNOT_START,
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG if !lacks_interpreter => NOT_FOUND,
            _ => NOT_EXECUTABLE,
        }
    }
}

/// The call of a [`Fault`] that says that the command cannot be executed.
pub(crate) const EXECUTE: &CStr = c"execve";

/// gontainer could not start the container.
pub(crate) const CANNOT_START: i32 = 125;
/// The time limit ended the container.
pub(crate) const TIME_IS_OVER: i32 = 124;
/// The command was found but cannot be executed.
const NOT_EXECUTABLE: i32 = 126;
/// The command was not found.
const NOT_FOUND: i32 = 127;

/// Turns an [`Errno`] into a [`Fault`] where the call and its object are known.
pub(crate) trait On<T> {
    /// `call` failed, on nothing that has a name.
    fn of(self, call: &'static CStr) -> Result<T, Fault>;
    /// `call` failed on `object`.
    fn on(self, call: &'static CStr, object: &'static CStr) -> Result<T, Fault>;
}

impl<T> On<T> for Result<T, Errno> {
    #[inline(always)]
    fn of(self, call: &'static CStr) -> Result<T, Fault> {
        self.map_err(|errno| Fault { call: Name::of(call), object: None, errno })
    }

    #[inline(always)]
    fn on(self, call: &'static CStr, object: &'static CStr) -> Result<T, Fault> {
        self.map_err(|errno| Fault { call: Name::of(call), object: Some(Name::of(object)), errno })
    }
}
