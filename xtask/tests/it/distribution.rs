//! What releases are built with is pinned, and pinned once.

use std::path::Path;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// What follows `before` on the first line that begins with it.
fn after<'a>(text: &'a str, before: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(before)).unwrap()
}

#[test]
fn the_image_is_pinned_by_digest_and_has_the_toolchain_of_this_checkout() {
    let (docker, toolchain) = (read("Dockerfile"), read("rust-toolchain.toml"));
    let channel = after(&toolchain, "channel = ").trim_matches('"');
    let (name, digest) = after(&docker, "ARG RUST=").split_once("@sha256:").unwrap();
    assert_eq!(name, format!("docker.io/library/rust:{channel}-slim-bookworm"));
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    assert_eq!(after(&docker, "ENV RUSTUP_TOOLCHAIN="), channel);
    // Every stage is of that image, or of nothing.
    let stages: Vec<&str> = docker.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(stages, ["FROM ${RUST} AS build", "FROM scratch"]);
}

#[test]
fn every_system_of_the_release_has_an_archive_that_the_action_installs() {
    let (workflow, action) = (read(".github/workflows/release.yml"), read("ci/guard-action.sh"));
    let built: Vec<&str> =
        workflow.lines().filter_map(|line| line.trim().strip_prefix("- target: ")).collect();
    assert!(built.len() >= 4, "{built:?}");
    for target in built {
        assert!(action.contains(&format!("target={target} ")), "{target}");
    }
}
