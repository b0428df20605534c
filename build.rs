//! What belongs to the link and to the version line, and nothing else.

use std::{env, fs, path::Path, process::Command};

/// A page fault costs several µs, so what a start touches lies on as few pages as can be.
const LINK: [&str; 5] = [
    "-Wl,-z,noseparate-code",  // headers, code and constants: one segment, not three padded to pages
    "-Wl,-z,norelro",          // nothing is relocated, so nothing needs pages of its own to be sealed
    "-Wl,--sort-section=name", // large statics, `.bss.!…` and `.bss.~…`, before and behind the small ones
    "-Wl,-z,common-page-size=16", // data follows at once in the file: not filled up to a page
    "-Wl,--build-id=none",     // some distributions' gcc adds one: a note nobody reads
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in LINK {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "musl") {
        // In place of libc's start-up, which nothing here needs: two calls, some faults, 2 KB.
        println!("cargo::rustc-link-arg-bins=-nostartfiles");
        println!("cargo::rustc-link-arg-bins=-Wl,--entry=enter_gontainer");
        // So nobody calls constructors. On aarch64 the compiler has one, as read-only data where those to be written to
        // begin: GNU ld goes on in the segment of the code then, and makes all of it both written to and executed.
        let script = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("no-constructors.ld");
        let written =
            fs::write(&script, "SECTIONS { /DISCARD/ : { *(.init_array .init_array.*) } } INSERT AFTER .bss;");
        if written.is_ok() {
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
        }
    }
    let target = env::var("TARGET").unwrap_or_default();
    let commit = commit().map_or(String::new(), |id| format!(", {id}"));
    println!("cargo::rustc-env=GONTAINER_VERSION=gontainer {} ({target}{commit})", env!("CARGO_PKG_VERSION"));
}

/// The commit, if this is a clone and git is there: a source archive builds too.
fn commit() -> Option<String> {
    // Git alone would also take the .git of a folder around an unpacked archive.
    Path::new(".git").exists().then_some(())?;
    let words = ["rev-parse", "--git-path", "logs/HEAD", "--short", "HEAD"];
    let out = Command::new("git").args(words).output().ok().filter(|out| out.status.success())?;
    let text = String::from_utf8(out.stdout).ok()?;
    let (log, id) = text.trim_end().split_once('\n')?;
    // Its log, for HEAD itself goes on naming the branch. Only if there: cargo takes a missing file for a changed one.
    if Path::new(log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    Some(id.to_owned())
}
