//! One file for each CPU, with the same items in each: laid side by side they are a translation table.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(super) use aarch64::{AUDIT_ARCH, HARDWARE_CALLS, SEGMENT_CALLS, clone_onto, trap};
#[cfg(target_arch = "riscv64")]
pub(super) use riscv64::{AUDIT_ARCH, HARDWARE_CALLS, SEGMENT_CALLS, clone_onto, trap};
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{AUDIT_ARCH, HARDWARE_CALLS, SEGMENT_CALLS, clone_onto, trap};
