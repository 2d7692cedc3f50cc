//! The commit that the sources of the program are, for attestations. Used by build.rs too.
//!
//! It is named only where every file that goes into the program is as that commit has it. Of a
//! package from a registry, cargo's own note says it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo writes into a package: the commit, and whether files differed.
const NOTE: &str = ".cargo_vcs_info.json";
/// The crates of the program, in the checkout.
const CRATES: [&str; 10] = [
    "bn254-batch",
    "bn254-batch-macros",
    "ceremony-core",
    "ceremony-folder",
    "ceremony-net",
    "ceremony-publish",
    "zk-attest",
    "zk-ceremony",
    "zk-embed",
    "zk-vk-guard",
];
/// What cargo compiles of a crate.
const PARTS: [&str; 4] = ["Cargo.toml", "build.rs", "src", "templates"];
/// What else decides how.
const OF_CHECKOUT: [&str; 4] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo"];

/// The commit of the sources of the package in `package`, in hex, and the files on which that
/// depends.
pub(crate) fn of(package: &Path) -> (Option<String>, Vec<PathBuf>) {
    if let Ok(note) = std::fs::read_to_string(package.join(NOTE)) {
        let commit = after(&note, "\"sha1\"").filter(|_| !note.contains("\"dirty\": true"));
        return (commit, vec![package.join(NOTE)]);
    }
    let checkout = package.join("..");
    let mut watched = sources(&checkout);
    let Some(top) = git(&checkout, &["rev-parse", "--show-toplevel"]) else {
        return (None, watched);
    };
    // A package that lies in somebody else's checkout is not of that checkout's commit.
    let same = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
    if !same(Path::new(&top), &checkout) {
        return (None, watched);
    }
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&checkout, &["rev-parse", "--git-path", name]);
        watched.extend(path.map(|path| checkout.join(path)).filter(|path| path.exists()));
    }
    let sources = sources(Path::new(""));
    let mut status = vec!["status", "--porcelain", "--untracked-files=all", "--"];
    status.extend(sources.iter().filter_map(|path| path.to_str()));
    let unchanged = git(&checkout, &status).is_some_and(|changed| changed.is_empty());
    let commit = git(&checkout, &["rev-parse", "HEAD"]).filter(|_| unchanged);
    (commit.filter(|commit| is_commit(commit)), watched)
}

/// The files and folders of a checkout that go into the program. Of those that `checkout` lacks,
/// cargo need not be told.
fn sources(checkout: &Path) -> Vec<PathBuf> {
    let parts = CRATES.iter().flat_map(|name| PARTS.map(|part| Path::new(name).join(part)));
    let paths = parts.chain(OF_CHECKOUT.map(PathBuf::from));
    let is_there = |path: &PathBuf| checkout.as_os_str().is_empty() || path.exists();
    paths.map(|path| checkout.join(path)).filter(is_there).collect()
}

fn git(checkout: &Path, arguments: &[&str]) -> Option<String> {
    let asked = Command::new("git").arg("-C").arg(checkout).args(arguments).output().ok()?;
    let said = String::from_utf8(asked.stdout).ok()?;
    asked.status.success().then(|| said.trim_end().to_owned())
}

/// The commit that follows a field's name.
fn after(note: &str, field: &str) -> Option<String> {
    let value = note.split(field).nth(1)?.split('"').nth(1)?;
    is_commit(value).then(|| value.to_owned())
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(checkout: &Path, arguments: &[&str]) {
        let configured =
            ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        git(checkout, &[&configured, arguments].concat()).unwrap();
    }

    #[test]
    fn a_commit_is_named_only_where_the_sources_are_as_it_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let (checkout, package) = (dir.path(), dir.path().join("zk-ceremony"));
        let source = package.join("src/lib.rs");
        fs::create_dir_all(package.join("src")).unwrap();
        fs::create_dir_all(package.join("tests")).unwrap();
        fs::write(&source, "one").unwrap();
        assert_eq!(of(&package).0, None, "no checkout");
        run(checkout, &["init", "--quiet"]);
        run(checkout, &["add", "."]);
        run(checkout, &["commit", "--quiet", "-m", "one"]);
        let head = git(checkout, &["rev-parse", "HEAD"]);
        let (commit, watched) = of(&package);
        assert_eq!(commit, head);
        assert!(watched.iter().any(|path| path.ends_with("zk-ceremony/src")), "{watched:?}");
        assert!(watched.iter().any(|path| path.ends_with("HEAD")), "{watched:?}");
        // What is not compiled does not matter.
        fs::write(package.join("tests/it.rs"), "a test").unwrap();
        assert_eq!(of(&package).0, head);
        fs::write(&source, "two").unwrap();
        assert_eq!(of(&package).0, None, "a file that differs");
        fs::write(&source, "one").unwrap();
        assert_eq!(of(&package).0, head);
        fs::write(package.join("src/more.rs"), "more").unwrap();
        assert_eq!(of(&package).0, None, "a file that the commit does not have");
        // A package that lies somewhere in a checkout of something else.
        let vendored = checkout.join("vendor/zk-ceremony");
        fs::create_dir_all(&vendored).unwrap();
        assert_eq!(of(&vendored).0, None);
    }

    #[test]
    fn of_a_package_cargo_says_the_commit() {
        let dir = tempfile::tempdir().unwrap();
        let commit = "0123456789abcdef".repeat(3)[..40].to_owned();
        for (dirty, expected) in [("", Some(commit.clone())), (", \"dirty\": true", None)] {
            let note =
                format!("{{\"git\": {{\"sha1\": \"{commit}\"{dirty}}}, \"path_in_vcs\": \"\"}}");
            fs::write(dir.path().join(NOTE), note).unwrap();
            assert_eq!(of(dir.path()).0, expected);
        }
    }
}
