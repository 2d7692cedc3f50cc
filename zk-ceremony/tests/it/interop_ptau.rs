//! Phase 1 against snarkjs, file by file: what we make it accepts, what it makes we accept, and
//! both print the same hashes. Power 4 is less than what a core takes at once, power 8 is more.

use crate::kit::{Folder, hashes_after};

const BEACON: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

#[track_caller]
fn snarkjs_accepts(folder: &Folder, file: &str) -> String {
    let output = folder.snarkjs(&format!("powersoftau verify {file} -v"));
    assert!(output.contains("Powers of Tau Ok!"), "{file}\n{output}");
    output
}

/// The data of a section.
fn section(bytes: &[u8], id: u32) -> &[u8] {
    let mut at = 12;
    loop {
        let size = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
        let data = &bytes[at + 12..at + 12 + size];
        if bytes[at..at + 4] == id.to_le_bytes() {
            return data;
        }
        at += 12 + size;
    }
}

#[track_caller]
fn same_lagrange_sections(folder: &Folder, ours: &str, theirs: &str) {
    let (ours, theirs) = (folder.read(ours), folder.read(theirs));
    for id in 12..=15 {
        assert!(section(&ours, id) == section(&theirs, id), "section {id}");
    }
}

fn our_hash(verified: &serde_json::Value, index: usize, field: &str) -> String {
    verified["contributions"][index][field].as_str().unwrap().to_owned()
}

fn our_chain(power: u32) {
    let folder = Folder::new();
    folder.ours(&format!("ptau new --power {power} 0.ptau"));
    folder.ours("ptau contribute 0.ptau 1.ptau --name \"first participant\"");
    folder.ours("ptau contribute 1.ptau 2.ptau --name second");
    folder.ours(&format!("ptau beacon 2.ptau 3.ptau --value {BEACON} --exponent 10 --name beacon"));
    folder.ours("ptau prepare 3.ptau 4.ptau");
    for file in ["1.ptau", "2.ptau", "3.ptau", "4.ptau"] {
        let theirs = snarkjs_accepts(&folder, file);
        let verified = folder.verified(file);
        let count = verified["contributions"].as_array().unwrap().len();
        // snarkjs prints the newest contribution first.
        let next = hashes_after(&theirs, "Next Challenge:");
        let responses = hashes_after(&theirs, "Response Hash:");
        for i in 0..count {
            assert_eq!(next[count - 1 - i], our_hash(&verified, i, "next_challenge"));
            assert_eq!(responses[2 * (count - 1 - i)], our_hash(&verified, i, "contribution_hash"));
        }
    }
    folder.snarkjs("powersoftau prepare phase2 3.ptau theirs.ptau");
    same_lagrange_sections(&folder, "4.ptau", "theirs.ptau");
}

#[test]
fn snarkjs_verifies_each_file_of_our_chain_at_power_4() {
    our_chain(4);
}

#[test]
fn snarkjs_verifies_each_file_of_our_chain_at_power_8() {
    our_chain(8);
}

fn their_chain(power: u32) {
    let folder = Folder::new();
    folder.snarkjs(&format!("powersoftau new bn128 {power} 0.ptau -v"));
    let printed = [
        folder.snarkjs("powersoftau contribute 0.ptau 1.ptau -n=carol -e=some-text -v"),
        folder.snarkjs("powersoftau contribute 1.ptau 2.ptau -n=dave -e=other-text -v"),
        folder.snarkjs(&format!("powersoftau beacon 2.ptau 3.ptau {BEACON} 10 -n=beacon -v")),
    ];
    folder.snarkjs("powersoftau prepare phase2 3.ptau 4.ptau");
    folder.ours("ptau prepare 3.ptau ours.ptau");
    same_lagrange_sections(&folder, "ours.ptau", "4.ptau");
    for file in ["1.ptau", "2.ptau", "3.ptau", "4.ptau"] {
        let verified = folder.verified(file);
        for (i, _) in verified["contributions"].as_array().unwrap().iter().enumerate() {
            assert_eq!(
                hashes_after(&printed[i], "Response Hash imported:"),
                [our_hash(&verified, i, "contribution_hash")]
            );
            assert_eq!(
                hashes_after(&printed[i], "Next Challenge Hash:"),
                [our_hash(&verified, i, "next_challenge")]
            );
        }
    }
    let verified = folder.verified("4.ptau");
    assert_eq!(verified["contributions"][0]["name"], "carol");
    assert_eq!(verified["contributions"][2]["kind"], "beacon");
    assert_eq!(verified["contributions"][2]["beacon_value"], BEACON);
    // A file of theirs that nobody contributed to is refused.
    assert_eq!(folder.run("ptau verify 0.ptau").code, 1);
}

#[test]
fn we_verify_each_file_of_their_chain_at_power_4() {
    their_chain(4);
}

#[test]
fn we_verify_each_file_of_their_chain_at_power_8() {
    their_chain(8);
}

#[test]
fn what_the_reference_tool_accepts_with_a_public_tau_we_refuse() {
    let folder = Folder::new();
    folder.snarkjs("powersoftau new bn128 4 0.ptau");
    folder.snarkjs(&format!("powersoftau beacon 0.ptau 1.ptau {BEACON} 10"));
    snarkjs_accepts(&folder, "1.ptau");
    let run = folder.run("ptau verify 1.ptau");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("no participant has contributed, so tau is publicly known"),
        "{}",
        run.stderr
    );
}

fn mixed_chain(power: u32) {
    let folder = Folder::new();
    folder.ours(&format!("ptau new --power {power} a0.ptau"));
    folder.snarkjs("powersoftau contribute a0.ptau a1.ptau -n=carol -e=some-text");
    folder.ours("ptau contribute a1.ptau a2.ptau --name alice");
    folder.snarkjs("powersoftau contribute a2.ptau a3.ptau -n=dave -e=more-text");
    folder.snarkjs(&format!("powersoftau beacon a3.ptau a4.ptau {BEACON} 10"));
    for file in ["a1.ptau", "a2.ptau", "a3.ptau", "a4.ptau"] {
        snarkjs_accepts(&folder, file);
        folder.verified(file);
    }
    folder.snarkjs(&format!("powersoftau new bn128 {power} b0.ptau"));
    folder.ours("ptau contribute b0.ptau b1.ptau --name alice");
    folder.snarkjs("powersoftau contribute b1.ptau b2.ptau -n=carol -e=some-text");
    folder.ours(&format!("ptau beacon b2.ptau b3.ptau --value {BEACON} --exponent 10"));
    for file in ["b1.ptau", "b2.ptau", "b3.ptau"] {
        snarkjs_accepts(&folder, file);
        folder.verified(file);
    }
    // The same beacon on the same file is the same file, whoever applies it: only the name of the
    // tool's user may differ.
    folder.snarkjs(&format!("powersoftau beacon b2.ptau theirs.ptau {BEACON} 10 -n=same"));
    folder
        .ours(&format!("ptau beacon b2.ptau ours.ptau --value {BEACON} --exponent 10 --name same"));
    let (ours, theirs) = (folder.verified("ours.ptau"), folder.verified("theirs.ptau"));
    assert_eq!(ours["contributions"], theirs["contributions"]);
}

#[test]
fn mixed_chains_verify_on_both_sides_at_power_4() {
    mixed_chain(4);
}

#[test]
fn mixed_chains_verify_on_both_sides_at_power_8() {
    mixed_chain(8);
}

fn exchange(power: u32) {
    let folder = Folder::new();
    folder.ours(&format!("ptau new --power {power} 0.ptau"));
    folder.ours("ptau contribute 0.ptau 1.ptau --name alice");
    // Challenge files of both tools are equal.
    folder.ours("ptau export-challenge 1.ptau challenge");
    folder.snarkjs("powersoftau export challenge 1.ptau challenge.theirs");
    assert!(folder.read("challenge") == folder.read("challenge.theirs"));
    // Their response, imported by both.
    folder.snarkjs("powersoftau challenge contribute bn128 challenge response.theirs -e=some-text");
    folder.ours("ptau import-response 1.ptau response.theirs 2a.ptau --name bob");
    folder.snarkjs("powersoftau import response 1.ptau response.theirs 2b.ptau -n=bob");
    // Our response, imported by both.
    folder.ours("ptau contribute-challenge challenge response.ours");
    folder.ours("ptau import-response 1.ptau response.ours 2c.ptau --name bob");
    folder.snarkjs("powersoftau import response 1.ptau response.ours 2d.ptau -n=bob");
    for file in ["2a.ptau", "2b.ptau", "2c.ptau", "2d.ptau"] {
        snarkjs_accepts(&folder, file);
    }
    assert_eq!(
        folder.verified("2a.ptau")["contributions"],
        folder.verified("2b.ptau")["contributions"]
    );
    assert_eq!(
        folder.verified("2c.ptau")["contributions"],
        folder.verified("2d.ptau")["contributions"]
    );
}

#[test]
fn challenge_and_response_files_work_both_ways_at_power_4() {
    exchange(4);
}

#[test]
fn challenge_and_response_files_work_both_ways_at_power_8() {
    exchange(8);
}

#[test]
fn a_file_truncated_by_the_reference_tool_needs_its_digest() {
    let folder = Folder::new();
    folder.ours("ptau new --power 5 0.ptau");
    folder.ours("ptau contribute 0.ptau 1.ptau --name alice");
    folder.ours("ptau prepare 1.ptau full.ptau");
    folder.snarkjs("powersoftau truncate full.ptau");
    let file = folder
        .names()
        .into_iter()
        .find(|name| name.contains("_04") || name.contains("04.ptau"))
        .expect("a file of power 4");
    let info: serde_json::Value =
        serde_json::from_str(&folder.ours(&format!("ptau info {file} --json"))).unwrap();
    assert_eq!((info["power"].as_u64(), info["ceremony_power"].as_u64()), (Some(4), Some(5)));
    let run = folder.run(&format!("ptau verify {file}"));
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("check 9"), "{}", run.stderr);
    folder.ours(&format!("ptau verify {file} --digest {}", info["blake2b"].as_str().unwrap()));
}
