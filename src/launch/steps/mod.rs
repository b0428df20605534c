//! One capability of the kernel each. A step is a verb; their order is the plan's, and no step relies on
//! another but through the job.

pub(super) mod binds;
pub(super) mod cgroup;
pub(in crate::launch) mod command;
pub(super) mod dev;
pub(super) mod filter;
pub(super) mod handshake;
pub(super) mod ids;
pub(super) mod init;
pub(super) mod limits;
pub(super) mod mounts;
pub(super) mod net;
pub(super) mod overlay;
pub(super) mod privileges;
pub(super) mod root;
pub(super) mod signals;
pub(super) mod stdio;
pub(super) mod terminal;
pub(super) mod time;
pub(super) mod user;
pub(super) mod uts;
