//! gontainer starts a command in a Linux container.
//!
//! The modules below are in order of layers, lowest first: a file uses only what stands above it. To see
//! what a start consists of, read `launch/plan.rs`.
#![cfg_attr(not(test), no_std, no_main)]
#![cfg_attr(test, allow(dead_code, reason = "there is no main: tests call the parts"))]

mod text;
mod number;
mod limits;
mod ids;
mod sys;
mod mounts;
mod config;
mod flags;
mod launch;
mod report;
mod cli;

/// Where the program starts. Neither std's start-up nor its exit hooks run: std's would have reopened closed
/// standard descriptors and ignored SIGPIPE, which the command would inherit. Against musl the kernel itself
/// enters here, `sys/arch`: nothing uses what libc's start-up prepares, thread-local storage and its own copies.
///
/// # Safety
/// `argv` and `envp` are what the kernel passed: NULL-terminated, and left alone until the end.
#[cfg(not(test))]
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(
    _argc: core::ffi::c_int,
    argv: *const *const core::ffi::c_char,
    envp: *const *const core::ffi::c_char,
) -> core::ffi::c_int {
    // SAFETY: as promised for `argv`.
    let words = unsafe { sys::Words::from_main(argv) };
    if launch::is_no_command(words) {
        sys::process::exit(0);
    }
    // The first that touches the page of small statics is a write: a read would bring a page of zeroes, and the
    // next write fault once more.
    sys::recorder::stop();
    // SAFETY: as promised for `envp`.
    let environment = unsafe { sys::Words::from_main(envp) };
    // SAFETY: it is the environment that `main` was given.
    let caller = unsafe { sys::process::Caller::behind(environment) };
    sys::process::exit(cli::run(words, environment, caller))
}
