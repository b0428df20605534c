//! The host name.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::uts;

/// Names the container, in its own UTS namespace.
pub(in crate::launch) fn set_host_name(job: &Job) -> Result<(), Fault> {
    let name = job.config.new_host_name();
    uts::set_host_name(name).on(c"sethostname", name)
}
