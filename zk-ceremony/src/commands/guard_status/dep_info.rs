//! What rustc says that it read: its .d files.

use std::path::{Path, PathBuf};

use zk_attest::file::read_regular;

const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Folders that are entered below a target folder: profiles, and those of a target's triple.
const MAX_DEPTH: usize = 5;

/// One run of rustc.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DepInfo {
    /// Every file that went in, the crate's root first, as rustc was told them.
    pub(super) inputs: Vec<PathBuf>,
    /// The value of OUT_DIR, if the source asks for it.
    pub(super) out_dir: Option<PathBuf>,
}

/// Parses a .d file: make's rules, of which those without prerequisites have the inputs.
pub(super) fn parse(text: &str) -> DepInfo {
    let (mut inputs, mut out_dir) = (Vec::new(), None);
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("# env-dep:OUT_DIR=") {
            out_dir = Some(unescaped(value).into());
        } else if let Some(input) = line.strip_suffix(':').filter(|_| !line.starts_with('#')) {
            inputs.push(input.replace("\\ ", " ").into());
        }
    }
    DepInfo { inputs, out_dir }
}

/// The value of a variable, in which rustc escapes line ends and backslashes.
fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match (c, if c == '\\' { characters.next() } else { None }) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('r')) => text.push('\r'),
            ('\\', Some(other)) => text.push(other),
            (c, _) => text.push(c),
        }
    }
    text
}

/// All of a target folder: in `deps/` those of libraries and programs, in `build/*/` those of build
/// scripts.
pub(super) fn find(target: &Path) -> Vec<DepInfo> {
    let mut found = Vec::new();
    let mut waiting = vec![(target.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // No link: what a build script has put there could lead anywhere.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            // The target folder itself may have such a name.
            let compiled = depth > 1 && folder.ends_with("deps")
                || depth > 2 && folder.parent().is_some_and(|parent| parent.ends_with("build"));
            if is_folder && depth < MAX_DEPTH && !path.ends_with("out") {
                waiting.push((path, depth + 1));
            } else if compiled && path.extension().is_some_and(|extension| extension == "d") {
                let text = read_regular(&path, MAX_BYTES).unwrap_or_default();
                found.push(parse(&String::from_utf8_lossy(&text)));
            }
        }
    }
    found
}

/// Makes cargo compile a package again: takes what it left of it out of a target folder.
pub(super) fn forget(target: &Path, package: &str) {
    let beginnings = [format!("{package}-"), format!("{}-", package.replace('-', "_"))];
    let mut waiting = vec![(target.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let of_cargo = depth > 1
            && [".fingerprint", "build", "deps"].iter().any(|name| folder.ends_with(name));
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name().to_string_lossy().into_owned();
            if of_cargo && beginnings.iter().any(|beginning| name.starts_with(beginning)) {
                // What stays is seen as an older build, and told.
                let _ = if is_folder {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
            } else if is_folder && !of_cargo && depth < MAX_DEPTH {
                waiting.push((path, depth + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_and_out_dir_are_read_with_spaces_in_their_names() {
        let text = "/t g/deps/dd.d: src/lib.rs /t\\ g/out/verifying_key.rs\n\n\
                    /t g/deps/libdd.rlib: src/lib.rs /t\\ g/out/verifying_key.rs\n\n\
                    src/lib.rs:\n/t\\ g/out/verifying_key.rs:\n\n\
                    # env-dep:CARGO_PKG_NAME=dd\n# env-dep:OUT_DIR=C:\\\\t g\\\\out\n";
        let expected = DepInfo {
            inputs: vec!["src/lib.rs".into(), "/t g/out/verifying_key.rs".into()],
            out_dir: Some("C:\\t g\\out".into()),
        };
        assert_eq!(parse(text), expected);
    }
}
