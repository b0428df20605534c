//! The whole program, run: a module for each thing it can do.
//!
//! Tests run the binary that the variable GONTAINER names, or cargo's own build. Started by root, each
//! case runs as root and as an ordinary user. What cannot be tested here is said aloud, and is a failure
//! with GONTAINER_TESTS_MUST_RUN=1.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong should stop and say where"
)]

mod bench;
mod binds;
mod callers;
mod cgroups;
mod cli;
mod command;
mod cost;
mod debian;
mod escape;
mod faults;
mod filter;
mod ids;
mod init;
mod injection;
mod layers;
mod load;
mod limits;
mod mounts;
mod namespaces;
mod net;
mod privs;
mod root;
mod support;
mod terminal;
mod trace;
mod tree;
mod uts;
