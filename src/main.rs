//! gontainer starts a command in a Linux container.
#![cfg_attr(not(test), no_std, no_main)]
#![allow(unsafe_code)]
#[cfg(not(test))]
extern crate std;

/// The C entry point.
#[cfg(not(test))]
#[unsafe(no_mangle)]
pub extern "C" fn main(_argc: i32, _argv: *const *const i8) -> i32 {
    lexopt::Parser::from_args(["a"]).next().is_err().into()
}
