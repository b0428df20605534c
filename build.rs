//! What belongs to the link and to the version line, and nothing else.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!(
        "cargo:rustc-env=GONTAINER_VERSION=gontainer {} ({})",
        env!("CARGO_PKG_VERSION"),
        std::env::var("TARGET").unwrap_or_default()
    );
}
