//! Contributions and beacons, ours and snarkjs', in one chain.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use ceremony_core::entropy::{Beacon, ContributionRng};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::record::ContributorName;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::phase2::contribute::{ContributeError, apply_beacon, contribute};
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::phase2::verify::{
    Check, Expectations, Outcome, Report, VerifyError, verify, verify_from, verify_initial,
};
use ceremony_core::progress::NoProgress;
use testkit::circuits::{compile, printed_hashes, snarkjs, snarkjs_exit};
use testkit::forge::{Step, with_section};
use testkit::known_tau;

const BEACON: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

/// A folder with c.r1cs, p.ptau and the initial key 0.zkey.
struct Ceremony {
    dir: tempfile::TempDir,
}

impl Ceremony {
    fn new(circuit: &str, flags: &[&str], power: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::rename(compile(circuit, flags, dir.path()), dir.path().join("c.r1cs")).unwrap();
        let ptau =
            known_tau::prepared(power, known_tau::secrets("chain"), known_tau::participant());
        fs::write(dir.path().join("p.ptau"), ptau).unwrap();
        let ceremony = Self { dir };
        let (mut r1cs, mut ptau) = (ceremony.r1cs(), ceremony.ptau());
        new_key(
            &mut r1cs,
            &mut ptau,
            fs::File::create(ceremony.path("0.zkey")).unwrap(),
            &NoProgress,
        )
        .unwrap();
        ceremony
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn r1cs(&self) -> R1cs<fs::File> {
        R1cs::open(fs::File::open(self.path("c.r1cs")).unwrap()).unwrap()
    }

    fn ptau(&self) -> Ptau<fs::File> {
        Ptau::open(fs::File::open(self.path("p.ptau")).unwrap()).unwrap()
    }

    fn key(&self, name: &str) -> Zkey<fs::File> {
        Zkey::open(fs::File::open(self.path(name)).unwrap()).unwrap()
    }

    /// Our contribution; the hash that we print.
    fn ours(&self, from: &str, to: &str) -> String {
        let rng = ContributionRng::from_os_and_text(b"text").unwrap();
        let out = fs::File::create(self.path(to)).unwrap();
        contribute(&mut self.key(from), out, rng, Some(&ContributorName::new("ours")), &NoProgress)
            .unwrap()
            .hash
            .to_string()
    }

    fn our_beacon(&self, from: &str, to: &str) -> String {
        let beacon = Beacon::new(&hex::decode(BEACON).unwrap(), 10).unwrap();
        let out = fs::File::create(self.path(to)).unwrap();
        apply_beacon(
            &mut self.key(from),
            out,
            &beacon,
            Some(&ContributorName::new("the beacon")),
            &NoProgress,
        )
        .unwrap()
        .hash
        .to_string()
    }

    /// snarkjs' contribution; the hash that it prints.
    fn theirs(&self, from: &str, to: &str) -> String {
        let printed =
            snarkjs(self.dir.path(), &["zkey", "contribute", from, to, "--name=theirs", "-e=text"]);
        printed_hashes(&printed, "Contribution Hash").pop().unwrap()
    }

    fn their_beacon(&self, from: &str, to: &str) -> String {
        let printed =
            snarkjs(self.dir.path(), &["zkey", "beacon", from, to, BEACON, "10", "-n=the beacon"]);
        printed_hashes(&printed, "Contribution Hash").pop().unwrap()
    }

    fn verify(&self, key: &str) -> Result<Report, VerifyError> {
        verify(
            &mut self.r1cs(),
            &mut self.ptau(),
            &mut self.key(key),
            &Expectations::default(),
            &NoProgress,
        )
    }

    /// Both tools accept the key and show these hashes.
    fn both_accept(&self, key: &str, hashes: &[String]) {
        let report = self.verify(key).unwrap();
        assert!(report.checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed), "{report:?}");
        let ours: Vec<String> = report.contributions.iter().map(|c| c.hash.to_string()).collect();
        assert_eq!(ours, hashes);
        let printed = snarkjs(self.dir.path(), &["zkey", "verify", "c.r1cs", "p.ptau", key]);
        assert!(printed.contains("ZKey Ok!"), "{printed}");
        let mut theirs = printed_hashes(&printed, "contribution #");
        theirs.reverse();
        assert_eq!(theirs, hashes);
        assert_eq!(
            printed_hashes(&printed, "Circuit hash")[0],
            report.initial_key_hash.to_string()
        );
    }
}

#[test]
fn snarkjs_accepts_a_chain_that_we_made_and_closed() {
    let c = Ceremony::new("infinity_columns", &["--O0"], 5);
    let hashes =
        [c.ours("0.zkey", "1.zkey"), c.ours("1.zkey", "2.zkey"), c.our_beacon("2.zkey", "3.zkey")];
    c.both_accept("3.zkey", &hashes);
}

#[test]
fn we_accept_a_chain_that_snarkjs_made_and_closed() {
    let c = Ceremony::new("no_public", &[], 4);
    let hashes = [
        c.theirs("0.zkey", "1.zkey"),
        c.theirs("1.zkey", "2.zkey"),
        c.their_beacon("2.zkey", "3.zkey"),
    ];
    c.both_accept("3.zkey", &hashes);
}

#[test]
fn a_mixed_chain_is_accepted_by_both_whoever_closes_it() {
    let c = Ceremony::new("many_public", &[], 10);
    let mut hashes =
        vec![c.ours("0.zkey", "1.zkey"), c.theirs("1.zkey", "2.zkey"), c.ours("2.zkey", "3.zkey")];
    hashes.push(c.their_beacon("3.zkey", "4.zkey"));
    c.both_accept("4.zkey", &hashes);
    hashes[3] = c.our_beacon("3.zkey", "5.zkey");
    c.both_accept("5.zkey", &hashes);
    assert_eq!(
        fs::read(c.path("4.zkey")).unwrap(),
        fs::read(c.path("5.zkey")).unwrap(),
        "the same beacon gives the same bytes"
    );
}

#[test]
fn a_key_of_power_15_from_a_ptau_of_that_power_equals_snarkjs_and_its_hash_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    fs::rename(compile("squares", &[], dir.path()), dir.path().join("c.r1cs")).unwrap();
    let ptau = known_tau::prepared_for(15, 15, known_tau::secrets("chain"));
    fs::write(dir.path().join("p.ptau"), ptau).unwrap();
    let c = Ceremony { dir };
    snarkjs(c.dir.path(), &["zkey", "new", "c.r1cs", "p.ptau", "theirs.zkey"]);
    let theirs = fs::read(c.path("theirs.zkey")).unwrap();
    // A contribution to the key of another circuit, over the points of this one: the record binds
    // the hash of the key that it was made for, and nothing else but that hash is another one.
    let forged = with_section(&theirs, 10, |s| s[0] ^= 1);
    fs::write(c.path("forged.zkey"), Step::honest("first").apply(&forged)).unwrap();
    let Err(VerifyError::Refused(report)) = c.verify("forged.zkey") else { panic!("accepted") };
    assert_eq!(report.failed(), [Check::Transcript]);
    let Err(VerifyError::Refused(report)) = verify_initial(
        &mut c.r1cs(),
        &mut c.ptau(),
        &mut Zkey::open(Cursor::new(&forged)).unwrap(),
        &NoProgress,
    ) else {
        panic!("accepted")
    };
    assert!(report.failed().contains(&Check::Transcript), "{report:?}");

    c.ours("theirs.zkey", "1.zkey");
    let report = c.verify("1.zkey").unwrap();
    assert!(report.checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed), "{report:?}");

    let mut ours = Cursor::new(Vec::new());
    new_key(&mut c.r1cs(), &mut c.ptau(), &mut ours, &NoProgress).unwrap();
    assert!(ours.into_inner() == theirs, "another initial key than that of snarkjs");
}

#[test]
fn a_key_of_no_contribution_is_refused_though_snarkjs_says_ok() {
    let c = Ceremony::new("one_constraint", &[], 4);
    let printed = snarkjs(c.dir.path(), &["zkey", "verify", "c.r1cs", "p.ptau", "0.zkey"]);
    assert!(printed.contains("ZKey Ok!"), "{printed}");
    let Err(VerifyError::Refused(report)) = c.verify("0.zkey") else { panic!("accepted") };
    assert_eq!(report.failed(), [Check::Contributions, Check::VerifyingKey]);
    assert_eq!(*report.outcome(Check::Unchanged), Outcome::NotReached);
}

#[test]
fn nothing_is_added_after_a_beacon() {
    let c = Ceremony::new("one_constraint", &[], 4);
    c.ours("0.zkey", "1.zkey");
    c.our_beacon("1.zkey", "2.zkey");
    let rng = ContributionRng::from_os_and_text(b"").unwrap();
    let error = contribute(&mut c.key("2.zkey"), Cursor::new(Vec::new()), rng, None, &NoProgress)
        .unwrap_err();
    assert!(matches!(error, ContributeError::Closed { index: 2 }), "{error}");
}

#[test]
fn a_later_key_verifies_from_an_earlier_one() {
    let c = Ceremony::new("infinity_columns", &["--O0"], 5);
    c.ours("0.zkey", "1.zkey");
    c.theirs("1.zkey", "2.zkey");
    c.our_beacon("2.zkey", "3.zkey");
    for earlier in ["0.zkey", "1.zkey", "2.zkey", "3.zkey"] {
        let report = verify_from(
            &mut c.key(earlier),
            &mut c.key("3.zkey"),
            &Expectations::default(),
            &NoProgress,
        )
        .unwrap();
        assert!(report.checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed), "{report:?}");
        assert_eq!(report.participants(), 2);
    }
}

#[test]
fn a_circuit_without_private_wires_verifies() {
    // Wires: one, and two public inputs. L is empty.
    use bn254_batch::curve::Fr;
    use ceremony_core::format::r1cs::{Shape, write_r1cs};
    let dir = tempfile::tempdir().unwrap();
    let one = Fr::from(1u64);
    let constraint = [vec![(one, 1)], vec![(one, 2)], vec![(Fr::from(6u64), 0)]];
    let circuit =
        write_r1cs(Cursor::new(Vec::new()), Shape::new(3, 0, 2, 0, 1).unwrap(), [constraint])
            .unwrap();
    fs::write(dir.path().join("c.r1cs"), circuit.into_inner()).unwrap();
    let ptau = known_tau::prepared(4, known_tau::secrets("chain"), known_tau::participant());
    fs::write(dir.path().join("p.ptau"), ptau).unwrap();
    let c = Ceremony { dir };
    new_key(&mut c.r1cs(), &mut c.ptau(), fs::File::create(c.path("0.zkey")).unwrap(), &NoProgress)
        .unwrap();
    c.ours("0.zkey", "1.zkey");
    c.verify("1.zkey").unwrap();
    verify_from(&mut c.key("0.zkey"), &mut c.key("1.zkey"), &Expectations::default(), &NoProgress)
        .unwrap();
}

/// The reference tool is the peer of these tests: they are worth something only if it can say no.
#[test]
fn snarkjs_refuses_a_key_of_another_circuit() {
    let c = Ceremony::new("one_constraint", &[], 4);
    c.ours("0.zkey", "1.zkey");
    let other: &Path = &compile("no_public", &[], c.dir.path());
    snarkjs_exit(
        c.dir.path(),
        &["zkey", "verify", other.file_name().unwrap().to_str().unwrap(), "p.ptau", "1.zkey"],
        false,
    );
}
