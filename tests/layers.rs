//! The fences of `src/`: layers, unsafe, std, and who names `sc`.

use std::fs;
use std::path::{Path, PathBuf};

/// The source files below a folder: their path from `src/`, and their code.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    files.sort();
    let name = |path: &PathBuf| path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), code(&fs::read_to_string(path).unwrap()))).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            collect(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push(entry);
        }
    }
}

/// A file without comments, and without its tests, which stand last and may use anything.
fn code(text: &str) -> String {
    let tests = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..tests].lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The words and signs of a piece of code; a path's two colons are one sign.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for letter in code.chars() {
        let is_word = letter.is_alphanumeric() || letter == '_';
        let joins = is_word && in_word || letter == ':' && tokens.last().is_some_and(|last| last == ":");
        if joins && let Some(last) = tokens.last_mut() {
            last.push(letter);
        } else if !letter.is_whitespace() {
            tokens.push(letter.into());
        }
        in_word = is_word;
    }
    tokens
}

/// The top-level modules that a file names after `crate::`.
fn imports(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    for (at, pair) in tokens.windows(3).enumerate() {
        if pair[0] != "crate" || pair[1] != "::" {
            continue;
        }
        if pair[2] != "{" {
            found.push(pair[2].clone());
            continue;
        }
        // `use crate::{one, two::three, four::{five, six}};`
        let mut depth = 1;
        for (before, token) in tokens[at + 2..].iter().zip(&tokens[at + 3..]) {
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && (before == "{" || before == ",") => found.push(token.clone()),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// The modules that `main.rs` declares, lowest layer first.
fn layers() -> Vec<String> {
    let main = sources().into_iter().find(|(name, _)| name == "main.rs").unwrap().1;
    main.lines().filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)).collect()
}

#[test]
fn a_file_uses_only_what_is_declared_above_it() {
    let layers = layers();
    assert!(layers.len() > 3, "{layers:?}");
    let height = |name: &str| layers.iter().position(|layer| layer == name);
    let mut faults = Vec::new();
    for (file, code) in sources().iter().filter(|(file, _)| file != "main.rs") {
        let own = file.split('/').next().unwrap().trim_end_matches(".rs");
        let own_height = height(own).unwrap_or_else(|| panic!("main.rs does not declare {own}"));
        for import in imports(code) {
            if height(&import).is_some_and(|height| height > own_height) {
                faults.push(format!("{file} uses crate::{import}, which is declared below {own}"));
            }
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn steps_do_not_use_each_other() {
    for (file, code) in sources().iter().filter(|(file, _)| file.starts_with("launch/steps/")) {
        let tokens = tokens(code);
        let text = tokens.concat();
        assert!(!text.contains("launch::steps::") && !text.contains("super::super::steps"), "{file} uses another step");
        let uses_sibling =
            tokens.windows(3).any(|three| three[0] == "super" && three[1] == "::" && three[2] != "super");
        assert!(!uses_sibling || file.ends_with("mod.rs"), "{file} uses another step");
    }
}

#[test]
fn unsafe_code_stands_in_sys_in_shared_in_launch_and_at_the_entry() {
    for (file, code) in sources() {
        let allowed = file.starts_with("sys/") || ["launch/shared.rs", "launch/mod.rs", "main.rs"].contains(&&*file);
        let found = tokens(&code).iter().any(|token| token == "unsafe");
        assert!(allowed || !found, "{file} holds unsafe code");
    }
}

#[test]
fn raw_system_calls_are_named_in_sys_alone() {
    for (file, code) in sources() {
        let named = tokens(&code).windows(2).any(|pair| pair[0] == "sc" && pair[1] == "::");
        // The assembler of each architecture needs the number of one call.
        assert!(!named || file == "sys/mod.rs" || file.starts_with("sys/arch/"), "{file} names sc::");
    }
}

#[test]
fn std_is_named_in_cli_alone() {
    for (file, code) in sources() {
        let tokens = tokens(&code);
        let named = tokens.windows(2).any(|pair| pair[0] == "std" && pair[1] == "::");
        let linked = tokens
            .windows(3)
            .any(|three| three[..] == ["extern", "crate", "std"] || three[..] == ["extern", "crate", "alloc"]);
        assert!(!named && !linked || file == "cli.rs", "{file} names std");
    }
}
