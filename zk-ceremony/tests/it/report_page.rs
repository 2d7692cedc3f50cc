//! What report.html says of a ceremony, and where proving keys go.

use std::collections::BTreeSet;
use std::fs;

use crate::kit::ceremony::{VALUE, World};

/// The text of a page: without tags.
fn text(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text += part.split_once('>').map_or(part, |(_, text)| text);
    }
    text
}

/// A finished and approved ceremony in which alice had to go twice, bob did not come to phase 1,
/// and a file lies about that is no step.
fn eventful() -> (World, String) {
    let world = World::new(&["alice", "bob"], |toml| {
        toml.replace("phase1 = 2\nphase2 = 2", "phase1 = 1\nphase2 = 1")
    });
    world.open();
    world.contribute("alice");
    world.ok("coordinator", "ceremony reject shared 1 --reason \"a bad dream\" --key key.pem");
    world.contribute("alice");
    fs::write(world.shared("phase1/0007.ptau"), b"garbage").unwrap();
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.contribute("alice");
    world.contribute("bob");
    fs::create_dir(world.path("dana", "")).unwrap();
    world.ok("dana", "key new key.pem");
    world.carry("coordinator", "dana");
    world.ok("dana", "ceremony audit shared --so-far --as Dana --key key.pem");
    world.carry("dana", "coordinator");
    world.beacon();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    for (who, line) in [
        ("dana", "ceremony audit shared --as Dana --method \"snarkjs too\" --key key.pem"),
        ("alice", "bundle sign shared/bundle.json --yes --key key.pem"),
    ] {
        world.carry("coordinator", who);
        world.ok(who, line);
        world.carry(who, "coordinator");
    }
    fs::create_dir(world.path("release", "")).unwrap();
    world.ok("release", "key new key.pem");
    world.carry("coordinator", "release");
    world.ok("release", "bundle sign shared/bundle.json --yes --key key.pem");
    world.carry("release", "coordinator");
    world.ok("coordinator", "ceremony verify shared");
    let page = String::from_utf8(world.read("coordinator", "shared/report.html")).unwrap();
    (world, page)
}

#[test]
fn every_step_says_which_build_made_it_and_the_report_counts_contributions_by_build() {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    let program = fs::read(env!("CARGO_BIN_EXE_zk-ceremony")).unwrap();
    let digest = zk_attest::digest::FileDigest::of(&program);
    // What it says of itself, where it was built from a commit with it.
    let version = world.ok("coordinator", "--version");
    for step in ["phase1/0000", "phase1/0001", "phase1/final", "phase1/prepared"]
        .into_iter()
        .chain(["circuits/main/0000", "circuits/main/0002", "circuits/main/final"])
    {
        let words = world.words(&format!("{step}.dsse.json")).predicate;
        assert_eq!(words.tool.as_str(), concat!("zk-ceremony ", env!("CARGO_PKG_VERSION")));
        let build = words.build.unwrap_or_else(|| panic!("{step} names no build"));
        assert_eq!(build.executable_sha256, Some(digest), "{step}");
        assert!(version.contains(&format!("arithmetic: {})", build.arithmetic)), "{version}");
        let commit = build.commit.map(|commit| format!("commit: {commit}, "));
        assert_eq!(version.contains("commit: "), commit.is_some(), "{version}");
        assert!(commit.is_none_or(|commit| version.contains(&commit)), "{version}");
    }
    let page = String::from_utf8(world.read("coordinator", "shared/report.html")).unwrap();
    assert!(page.contains("4 of 4 contributions were made with build sha256"), "{page}");
    let report: serde_json::Value =
        serde_json::from_slice(&world.read("coordinator", "shared/report.json")).unwrap();
    let builds = report["builds"].as_array().unwrap();
    assert_eq!(builds.len(), 1, "{builds:?}");
    assert_eq!(builds[0]["executable_sha256"], digest.to_string());
    assert_eq!((&builds[0]["contributions"], &builds[0]["of"]), (&4.into(), &4.into()));
}

#[test]
fn the_report_names_who_approved_who_audited_and_who_did_not_come() {
    let (world, page) = eventful();
    for line in [
        "<b>alice</b>, participant, approved the bundle",
        "<b>Dana</b>, auditor, approved the bundle",
        "approved by a key that nothing in this folder names, not verified here",
        "<b>Dana</b>, auditor, verified everything at ",
        "also: snarkjs too",
        "<b>Dana</b>, auditor, verified 7 single files",
        "Did not come: bob",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert_eq!(page.matches("Did not come").count(), 1, "all came to phase 2");
    assert!(text(&page).contains(&world.public_key("dana").to_string()), "keys to compare");
    // A result that somebody else signed in Dana's name, or of another ceremony, is not shown.
    let name = world.public_key("dana").fingerprint().replace(' ', "");
    let path = world.shared(&format!("audits/{name}.dsse.json"));
    let mut forged: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    forged["signatures"][0]["sig"] = format!("{}==", "A".repeat(86)).into();
    fs::write(&path, forged.to_string()).unwrap();
    world.ok("coordinator", "ceremony verify shared");
    let page = String::from_utf8(world.read("coordinator", "shared/report.html")).unwrap();
    assert!(!page.contains("verified everything at "), "{page}");
}

#[test]
fn the_report_has_rejected_and_stray_files_in_their_places() {
    let (_, page) = eventful();
    let places = [
        "<b>open</b>",
        "<b class=\"bad\">rejected</b>phase1/0001.ptau<small>a bad dream</small>",
        "<b>contribution 1</b>alice",
        "<b>no step</b>phase1/0007.ptau",
        "<b>beacon</b>",
        "<b>prepare</b>",
    ];
    let mut from = 0;
    for place in places {
        let at = page[from..].find(place);
        from += at.unwrap_or_else(|| panic!("{place} is not after {from}\n{page}"));
    }
}

#[test]
fn the_report_says_of_a_beacon_that_nobody_compared_it_with_its_source() {
    let (_, page) = eventful();
    let words = text(&page);
    for (line, times) in [
        ("<dt>beacon's source</dt><dd>a chain</dd>", 2),
        ("<dt>round</dt><dd>100</dd>", 1),
        ("<dt>round</dt><dd>200</dd>", 1),
        ("<b>not compared with its source</b>: fetch round", 2),
    ] {
        assert_eq!(page.matches(line).count(), times, "{line}\n{page}");
    }
    assert_eq!(words.matches(VALUE).count(), 2, "the value is whole");
}

#[test]
fn hashes_of_the_report_are_whole_and_each_check_has_a_meaning() {
    let (world, page) = eventful();
    let words = text(&page);
    let report: serde_json::Value =
        serde_json::from_slice(&world.read("coordinator", "shared/report.json")).unwrap();
    let hex = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut hashes = vec![hex(&report["transcript_sha256"]), hex(&report["ceremony_toml_sha256"])];
    for chain in report["chains"].as_array().unwrap() {
        for step in chain["steps"].as_array().unwrap() {
            hashes.extend([hex(&step["sha256"]), hex(&step["key"])]);
        }
    }
    assert!(hashes.len() > 15);
    for hash in hashes {
        assert!(words.contains(&hash), "{hash} is not in the page as one word");
    }
    let meanings = |phase: &str| {
        let list = page.split_once(&format!("<h3>{phase}</h3>")).unwrap().1;
        let list = list.split_once("</ul>").unwrap().0;
        let number = |line: &str| line.split_once('.').unwrap().0.parse::<u64>().unwrap();
        list.split("<li>").skip(1).map(number).collect::<BTreeSet<_>>()
    };
    for file in report["files"].as_array().unwrap() {
        let phase = if hex(&file["file"]).starts_with("phase1") { "Phase 1" } else { "Phase 2" };
        let explained = meanings(phase);
        for check in file["checks"].as_array().unwrap() {
            if let Some(number) = check["number"].as_u64() {
                assert!(explained.contains(&number), "{phase}, check {number}");
            }
        }
    }
}

#[test]
fn proving_keys_go_beside_the_folder_and_never_into_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::finished();
    world.ok("coordinator", "ceremony keygen shared");
    let mode = |name: &str| {
        fs::metadata(world.path("coordinator", name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("shared.private"), 0o700);
    assert_eq!(mode("shared.private/main.proving_key.bin"), 0o600);
    assert!(!world.shared("private").exists());
    world.ok("coordinator", "ceremony keygen shared --private keys");
    assert!(world.path("coordinator", "keys/main.proving_key.bin").exists());
    std::os::unix::fs::symlink(world.shared("phase1"), world.path("coordinator", "link")).unwrap();
    for inside in ["shared/keys", "shared", "link/keys", "shared/../shared/new/keys"] {
        let run = world.run("coordinator", &format!("ceremony keygen shared --private {inside}"));
        assert_eq!(run.code, 2, "{inside}\n{}", run.stderr);
        assert!(run.stderr.contains("do not go into the ceremony folder"), "{}", run.stderr);
        assert!(!run.stderr.contains("verified "), "{inside} works first\n{}", run.stderr);
    }
    // An old folder still has one: left out as before.
    fs::create_dir(world.shared("private")).unwrap();
    fs::write(world.shared("private/main.proving_key.bin"), b"points").unwrap();
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "ceremony archive shared out.tar");
    let tar = world.read("coordinator", "out.tar");
    assert!(!tar.windows(11).any(|window| window == b"proving_key"));
}

#[test]
fn what_killed_commands_left_is_removed_wherever_they_write() {
    let world = World::finished();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony audit shared --so-far --as Dana --key key.pem");
    let name = world.public_key("coordinator").fingerprint().replace(' ', "");
    let folders = [
        "shared".to_owned(),
        "shared/phase1".into(),
        "shared/circuits/main".into(),
        "shared/circuits/main/ark".into(),
        "shared/circuits/main/snarkjs".into(),
        "shared/audits".into(),
        format!("shared/audits/{name}"),
        "shared.private".into(),
    ];
    let leftover =
        |folder: &str| world.path("coordinator", &format!("{folder}/.zk-ceremony-1-1.partial"));
    folders.iter().for_each(|folder| fs::write(leftover(folder), b"half").unwrap());
    world.ok("coordinator", "ceremony keygen shared");
    for folder in &folders {
        assert!(!leftover(folder).exists(), "{folder}");
    }
}
