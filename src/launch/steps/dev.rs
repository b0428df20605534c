//! A small /dev.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::launch::workbench::{self, WORKBENCH};
use crate::sys::{Errno, Name, file, mount};
use core::ffi::CStr;

/// A device of the host's.
struct Device {
    /// On the host.
    source: Name,
    /// On the workbench.
    place: Name,
    major: u32,
    minor: u32,
}

macro_rules! devices {
    ($($name:literal $major:literal $minor:literal)*) => {
        &[$(Device {
            source: Name::of_str(concat!("/dev/", $name, "\0")),
            place: Name::of_str(concat!("/proc/", $name, "\0")),
            major: $major,
            minor: $minor,
        },)*]
    };
}

/// By their numbers in Documentation/admin-guide/devices.txt of the kernel.
static DEVICES: &[Device] = devices!["null" 1 3  "zero" 1 5  "full" 1 7  "random" 1 8  "urandom" 1 9  "tty" 5 0];

static LINKS: &[[Name; 2]] = &[
    [Name::of(c"/proc/fd"), Name::of(c"/proc/self/fd")],
    [Name::of(c"/proc/stdin"), Name::of(c"/proc/self/fd/0")],
    [Name::of(c"/proc/stdout"), Name::of(c"/proc/self/fd/1")],
    [Name::of(c"/proc/stderr"), Name::of(c"/proc/self/fd/2")],
    [Name::of(c"/proc/ptmx"), Name::of(c"pts/ptmx")],
];

/// Fills a tmpfs on the workbench and moves it to /dev. Devices are bound from the host's, and looked at: one call
/// to make each would do where root is real, but then device files would have to open on this tmpfs, and root
/// inside may make more of them.
pub(in crate::launch) fn fill(job: &Job) -> Result<(), Fault> {
    let config = job.config;
    let terminal = match job.terminal {
        Some(terminal) => file::name_of_terminal(terminal.fd).on(c"find the name of", c"/dev/console")?,
        None => None,
    };
    mount::mount_devices(WORKBENCH).on(c"mount", c"/dev")?;
    for device in DEVICES {
        let [source, place] = [device.source, device.place].map(Name::text);
        file::make_empty(place).on(c"mknod", source)?;
        bind(job, source, place).on(c"mount", source)?;
        if !file::is_device(place, device.major, device.minor).on(c"stat", source)? {
            return Err(Errno::ENXIO).on(c"stat", source);
        }
    }
    for names in LINKS {
        let [link, target] = names.map(Name::text);
        file::make_link(target, link).on(c"symlink", target)?;
    }
    let with_group = config.maps_terminal_group(job.groups);
    make_mount(c"/proc/pts", c"/dev/pts", |place| match mount::mount_terminals(place, with_group) {
        Err(Errno::EINVAL) if with_group => mount::mount_terminals(place, false), // in a user namespace of others'
        result => result,
    })?;
    make_mount(c"/proc/shm", c"/dev/shm", mount::mount_shared_memory)?;
    if config.ipc {
        make_mount(c"/proc/mqueue", c"/dev/mqueue", |place| mount::mount_new(c"mqueue", place, false))?;
    }
    if let Some(terminal) = terminal.as_ref().and_then(|name| name.as_c_str()) {
        const CONSOLE: &CStr = c"/proc/console";
        file::make_empty(CONSOLE).on(c"mknod", c"/dev/console")?;
        bind(job, terminal, CONSOLE).on(c"mount", c"/dev/console")?;
    }
    workbench::move_in(job, c"/dev", 0o755)
}

/// A bind is the host's file itself. Where root inside is its owner outside, its mode is not to be changed from
/// here: a /dev/null that nobody may open breaks the host.
#[inline(never)]
fn bind(job: &Job, source: &CStr, place: &CStr) -> Result<(), Errno> {
    mount::bind(source, place)?;
    if job.config.is_real_root() { mount::freeze_device(place) } else { Ok(()) }
}

fn make_mount(
    place: &CStr,
    object: &'static CStr,
    mount: impl FnOnce(&CStr) -> Result<(), Errno>,
) -> Result<(), Fault> {
    file::make_dir(place, 0o755).on(c"mkdir", object)?;
    mount(place).on(c"mount", object)
}
