//! The crates depend on each other in one direction, and only as docs/design.md shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::prose::{files, root};

/// Each crate with the crates of this workspace that it is built from.
const ARROWS: [(&str, &[&str]); 14] = [
    ("attestation", &["zk-vk-guard"]),
    ("bn254-batch", &["bn254-batch-macros"]),
    ("bn254-batch-macros", &[]),
    ("ceremony-core", &["bn254-batch"]),
    ("ceremony-folder", &["bn254-batch", "ceremony-core", "zk-attest", "zk-vk-guard"]),
    ("ceremony-net", &["ceremony-core", "ceremony-folder", "zk-attest", "zk-vk-guard"]),
    ("ceremony-publish", &["ceremony-core", "ceremony-folder", "zk-attest"]),
    (
        "fuzz-targets",
        &[
            "bn254-batch",
            "ceremony-core",
            "ceremony-folder",
            "zk-attest",
            "zk-embed",
            "zk-vk-guard",
        ],
    ),
    ("testkit", &["bn254-batch", "ceremony-core", "zk-attest", "zk-vk-guard"]),
    ("xtask", &["attestation", "ceremony-core", "zk-ceremony"]),
    ("zk-attest", &[]),
    (
        "zk-ceremony",
        &[
            "bn254-batch",
            "ceremony-core",
            "ceremony-folder",
            "ceremony-net",
            "ceremony-publish",
            "zk-attest",
            "zk-embed",
            "zk-vk-guard",
        ],
    ),
    ("zk-embed", &["bn254-batch", "ceremony-core", "ceremony-folder", "zk-attest", "zk-vk-guard"]),
    ("zk-vk-guard", &["zk-attest"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(["--locked".into()])
        .exec()
        .unwrap()
}

/// What a package is built from: its dependencies but for those of its tests.
fn built_from(package: &Package) -> BTreeSet<&str> {
    let built = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
    built.map(|dependency| dependency.name.as_str()).collect()
}

#[test]
fn the_crates_have_exactly_the_arrows_of_the_design() {
    let metadata = metadata();
    let members: BTreeMap<&str, &Package> =
        metadata.workspace_packages().into_iter().map(|p| (p.name.as_str(), p)).collect();
    assert_eq!(
        members.keys().copied().collect::<Vec<_>>(),
        ARROWS.map(|(name, _)| name),
        "a crate was added or removed: say in ARROWS and in docs/design.md what it depends on"
    );
    for (name, expected) in ARROWS {
        let found: BTreeSet<&str> =
            built_from(members[name]).into_iter().filter(|d| members.contains_key(d)).collect();
        assert_eq!(found, expected.iter().copied().collect(), "{name}");
    }
}

#[test]
fn every_lock_file_is_current() {
    // The fuzz targets and the peer libraries are workspaces of their own: a crate that is added
    // to ours is in their locks, too, and no build of ours would tell.
    let locks = files("*Cargo.lock");
    assert!(locks.len() >= 3, "{locks:?}");
    for (lock, _) in locks {
        let read = MetadataCommand::new()
            .manifest_path(root().join(&lock).with_file_name("Cargo.toml"))
            .other_options(["--locked".into()])
            .exec();
        let error = read.err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(error, "", "{}: run `cargo update --workspace` next to it", lock.display());
    }
}

#[test]
fn no_arrow_runs_back() {
    // A crate stands above all that it is built from; a circle would leave a crate without a floor.
    let mut floors: BTreeMap<&str, usize> = BTreeMap::new();
    while floors.len() < ARROWS.len() {
        let before = floors.len();
        for (name, from) in ARROWS {
            let below: Option<Vec<usize>> = from.iter().map(|d| floors.get(d).copied()).collect();
            if let Some(below) = below {
                let floor = below.into_iter().max().map_or(0, |floor| floor + 1);
                floors.entry(name).or_insert(floor);
            }
        }
        assert!(floors.len() > before, "a circle among {ARROWS:?}");
    }
}

/// All packages that one is linked from, directly or not, by itself. Derive macros run in the
/// compiler and are left out.
fn tree(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| Some(line.split_once(" v")?.0.to_owned())).collect()
}

#[test]
fn the_mathematics_is_built_without_syntax_trees_and_signatures() {
    let metadata = metadata();
    let core = tree("ceremony-core");
    assert!(core.contains("bn254-batch") && core.contains("ark-ff"), "{core:?}");
    let signatures = ["ed25519-dalek", "curve25519-dalek", "base64", "zk-attest"];
    let syntax = ["syn", "quote", "proc-macro2", "prettyplease"];
    for name in signatures.iter().chain(&syntax) {
        assert!(!core.contains(*name), "ceremony-core is built from {name}");
    }
    let attest = tree("zk-attest");
    for name in ["ark-ff", "ark-ec", "ark-bn254"].iter().chain(&syntax) {
        assert!(!attest.contains(*name), "zk-attest is built from {name}");
    }
    let direct = |name: &str| {
        let package = metadata.packages.iter().find(|p| p.name.as_str() == name).unwrap();
        built_from(package).into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    for name in ["bn254-batch", "ceremony-core", "zk-attest", "ceremony-folder"] {
        for syntax in syntax {
            assert!(!direct(name).contains(syntax), "{name} names {syntax}");
        }
    }
}
