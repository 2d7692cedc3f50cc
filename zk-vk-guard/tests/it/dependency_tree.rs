//! The guard's dependency tree is a reviewed file: whoever adds a crate to it edits that file too.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Crates as cargo names them, each once, without the folder of our own.
fn tree(edges: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "zk-vk-guard",
            "--edges",
            edges,
            "--prefix",
            "none",
            "--locked",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split(" (").next().unwrap_or(line).to_owned()).collect()
}

#[test]
fn the_dependency_tree_is_the_reviewed_one() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/guard-tree.txt");
    let found: String = tree("normal").into_iter().map(|line| line + "\n").collect();
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(
        found == expected,
        "the guard's dependency tree has changed. After a review of what is new, make the file \
         again with `cargo xtask golden`
{found}"
    );
}

#[test]
fn a_build_script_pays_for_at_most_36_crates() {
    let crates = tree("normal,build");
    println!("{} crates", crates.len());
    assert!(crates.len() <= 36, "{} crates: {crates:?}", crates.len());
}

#[test]
fn the_guard_has_no_cargo_features() {
    let manifest =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("[features]") && !manifest.contains("optional"));
}
