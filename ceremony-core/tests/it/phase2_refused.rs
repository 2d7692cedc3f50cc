//! What verification refuses, each with the very checks that fail: remove a check and its test
//! fails.

use std::io::{Cursor, Read, Seek};
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use bn254_batch::curve::{Fr, G1Affine, G2Affine, root_of_unity};
use bn254_batch::{Direction, group_fft, mul_each};
use ceremony_core::draw::hash_to_g2;
use ceremony_core::entropy::Beacon;
use ceremony_core::format::FormatError;
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::encoding::{Encoding, decode, encode};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::{R1cs, Shape, write_r1cs};
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::{Contribution, Zkey};
use ceremony_core::hash::{Blake2b512, InitialKeyHash, TranscriptHash};
use ceremony_core::keygen::verifying_key;
use ceremony_core::phase2::contribute::apply_beacon;
use ceremony_core::phase2::initial_key::{SetupError, new_key};
use ceremony_core::phase2::verify::{
    Check, Digests, Expectations, Failure, Outcome, Predecessor, Report, VerifyError, verify,
    verify_from,
};
use ceremony_core::progress::NoProgress;
use testkit::circuits::compile;
use testkit::flipping::Flipping;
use testkit::forge::{
    Step, initial_key_hash, scale_points, section, shift_point, with_hash, with_header,
    with_records, with_section,
};
use testkit::kept;
use testkit::known_tau::{self, scalar};

/// A circuit, a phase 1, and a chain: initial key, two contributions, a beacon.
struct Fixture {
    r1cs: Vec<u8>,
    ptau: Vec<u8>,
    initial: Vec<u8>,
    one: Vec<u8>,
    two: Vec<u8>,
    closed: Vec<u8>,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let folder = kept::folder("phase2-refused", &kept::built(&[]), |root| {
            let put = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).unwrap();
            let dir = tempfile::tempdir().unwrap();
            let r1cs = std::fs::read(compile("infinity_columns", &["--O0"], dir.path())).unwrap();
            let ptau =
                known_tau::prepared(5, known_tau::secrets("refused"), known_tau::participant());
            let initial = setup(&r1cs, &ptau).unwrap();
            let one = Step::honest("first").apply(&initial);
            let two = Step::honest("second").apply(&one);
            put("closed", &beacon(&two));
            for (name, bytes) in
                [("r1cs", r1cs), ("ptau", ptau), ("initial", initial), ("one", one), ("two", two)]
            {
                put(name, &bytes);
            }
        });
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        Fixture {
            r1cs: read("r1cs"),
            ptau: read("ptau"),
            initial: read("initial"),
            one: read("one"),
            two: read("two"),
            closed: read("closed"),
        }
    })
}

fn setup(r1cs: &[u8], ptau: &[u8]) -> Result<Vec<u8>, SetupError> {
    let mut out = Cursor::new(Vec::new());
    new_key(
        &mut R1cs::open(Cursor::new(r1cs)).unwrap(),
        &mut Ptau::open(Cursor::new(ptau)).unwrap(),
        &mut out,
        &NoProgress,
    )?;
    Ok(out.into_inner())
}

fn beacon(key: &[u8]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    apply_beacon(&mut open(key), &mut out, &Beacon::new(&[9; 32], 10).unwrap(), None, &NoProgress)
        .unwrap();
    out.into_inner()
}

fn open(key: &[u8]) -> Zkey<Cursor<&[u8]>> {
    Zkey::open(Cursor::new(key)).unwrap()
}

fn check_with(
    r1cs: &[u8],
    ptau: &[u8],
    key: &[u8],
    policy: &Expectations,
) -> Result<Report, VerifyError> {
    verify(
        &mut R1cs::open(Cursor::new(r1cs)).unwrap(),
        &mut Ptau::open(Cursor::new(ptau)).unwrap(),
        &mut open(key),
        policy,
        &NoProgress,
    )
}

/// The report of a refused key.
fn refusal(result: Result<Report, VerifyError>) -> Report {
    match result {
        Err(VerifyError::Refused(report)) => *report,
        Err(error) => panic!("not refused by a check: {error}"),
        Ok(report) => panic!("accepted: {report:?}"),
    }
}

/// What is kept of a key of the fixture's circuit.
fn predecessor(key: &[u8]) -> Predecessor {
    let f = fixture();
    let (mut r1cs, mut ptau) = (
        R1cs::open(Cursor::new(f.r1cs.as_slice())).unwrap(),
        Ptau::open(Cursor::new(f.ptau.as_slice())).unwrap(),
    );
    let key = &mut open(key);
    let verified = if key.contributions().is_empty() {
        Predecessor::verify_initial(&mut r1cs, &mut ptau, key, &NoProgress)
    } else {
        Predecessor::verify(&mut r1cs, &mut ptau, key, &Expectations::default(), &NoProgress)
    };
    verified.unwrap().1
}

/// What is found of a key that should follow from another one: the same with that one's file as
/// with what was kept of it, but for the byte that differs.
fn refused_after(earlier: &[u8], key: &[u8]) -> Report {
    let expectations = Expectations::default();
    let report =
        refusal(verify_from(&mut open(earlier), &mut open(key), &expectations, &NoProgress));
    let next = predecessor(earlier).verify_next(&mut open(key), &expectations, &NoProgress);
    let next = refusal(next.map(|(report, _)| report));
    let unplaced = |report: &Report| -> Vec<(Check, Failure)> {
        let unplaced = |failure: &Failure| match failure {
            Failure::Section { section, .. } => Failure::Section { section: *section, byte: None },
            other => other.clone(),
        };
        report.failures().map(|(check, failure)| (check, unplaced(failure))).collect()
    };
    assert_eq!(unplaced(&next), unplaced(&report));
    assert!(
        report.failures().all(|(_, f)| !matches!(f, Failure::Section { byte: None, .. })),
        "{report:?}"
    );
    assert_eq!(next.digests, report.digests);
    report
}

fn refused_with(key: &[u8], policy: &Expectations) -> Report {
    refusal(check_with(&fixture().r1cs, &fixture().ptau, key, policy))
}

fn refused(key: &[u8]) -> Report {
    refused_with(key, &Expectations::default())
}

fn failed(key: &[u8]) -> Vec<Check> {
    refused(key).failed()
}

fn policy(min: u32) -> Expectations {
    Expectations { min_contributions: NonZeroU32::new(min).unwrap(), ..Expectations::default() }
}

#[test]
fn the_honest_chain_is_accepted_at_every_step() {
    let f = fixture();
    for key in [&f.one, &f.two, &f.closed] {
        let report = check_with(&f.r1cs, &f.ptau, key, &Expectations::default()).unwrap();
        assert!(report.checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed), "{report:?}");
        verify_from(&mut open(&f.initial), &mut open(key), &Expectations::default(), &NoProgress)
            .unwrap();
    }
    // Each step from what was kept of the one before it.
    [&f.one, &f.two, &f.closed].into_iter().fold(predecessor(&f.initial), |before, key| {
        let key = &mut open(key);
        let (report, after) =
            before.verify_next(key, &Expectations::default(), &NoProgress).unwrap();
        assert!(report.checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed), "{report:?}");
        let Digests::Incremental { earlier, key: digests } = report.digests else {
            panic!("{:?}", report.digests)
        };
        assert_eq!((earlier, digests.sha256), (before.file(), after.file()));
        assert_eq!(after.records(), key.contributions());
        assert_eq!(after.initial_key_hash(), key.initial_key_hash());
        let verifying_key = verifying_key(key).unwrap();
        assert!(after.has_verifying_key(&verifying_key));
        assert!(!before.has_verifying_key(&verifying_key));
        let mut other = verifying_key.clone();
        other.gamma_abc_g1.swap(0, 1);
        assert!(!after.has_verifying_key(&other));
        after
    });
    let known = open(&f.two).contribution_hashes();
    check_with(
        &f.r1cs,
        &f.ptau,
        &f.closed,
        &Expectations { known, beacon_required: true, ..policy(2) },
    )
    .unwrap();
}

// 1: the initial key is that of the circuit.

#[test]
fn a_key_of_a_circuit_of_other_sizes_is_refused() {
    let f = fixture();
    let one = Fr::from(1u64);
    let constraint = || [vec![(one, 1)], vec![(one, 2)], vec![(one, 3)]];
    for shape in [
        Shape::new(8, 1, 0, 4, 3).unwrap(), // another wire
        Shape::new(7, 0, 2, 4, 3).unwrap(), // another public input
        Shape::new(7, 1, 0, 4, 7).unwrap(), // a larger domain
    ] {
        let constraints = (0..shape.constraints()).map(|_| constraint());
        let r1cs = write_r1cs(Cursor::new(Vec::new()), shape, constraints).unwrap().into_inner();
        let report = refusal(check_with(&r1cs, &f.ptau, &f.one, &Expectations::default()));
        assert_eq!(report.failed(), [Check::InitialKey]);
        assert_eq!(*report.outcome(Check::Unchanged), Outcome::NotReached);
    }
}

#[test]
fn a_key_of_another_circuit_of_the_same_sizes_is_refused() {
    let f = fixture();
    let one = Fr::from(1u64);
    let constraint = || [vec![(one, 1)], vec![(one, 2)], vec![(one, 3)]];
    let shape = R1cs::open(Cursor::new(&f.r1cs)).unwrap().shape();
    let r1cs =
        write_r1cs(Cursor::new(Vec::new()), shape, (0..shape.constraints()).map(|_| constraint()))
            .unwrap()
            .into_inner();
    let report = refusal(check_with(&r1cs, &f.ptau, &f.one, &Expectations::default()));
    assert!(
        report.failed().contains(&Check::Unchanged) && report.failed().contains(&Check::Transcript),
        "{report:?}"
    );
}

#[test]
fn a_key_from_another_phase_1_is_refused() {
    let f = fixture();
    let ptau = known_tau::prepared(5, known_tau::secrets("another"), known_tau::participant());
    assert_eq!(
        refusal(check_with(&f.r1cs, &ptau, &f.one, &Expectations::default())).failed(),
        [Check::Unchanged]
    );
    // The same alpha and beta, another tau: only the rebuilt sections tell.
    let secrets =
        known_tau::Secrets { tau: scalar("another", "tau"), ..known_tau::secrets("refused") };
    let ptau = known_tau::prepared(5, secrets, known_tau::participant());
    assert_eq!(
        refusal(check_with(&f.r1cs, &ptau, &f.one, &Expectations::default())).failed(),
        [Check::Transcript, Check::Unchanged, Check::Divided]
    );
}

#[test]
fn a_phase_1_that_does_not_serve_is_refused_by_verify_too() {
    let f = fixture();
    let secrets = known_tau::secrets("refused");
    let with = |ptau: Vec<u8>| match check_with(&f.r1cs, &ptau, &f.one, &Expectations::default()) {
        Err(VerifyError::Setup(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        with(known_tau::prepared(5, secrets, known_tau::beacon())),
        SetupError::NoContribution { .. }
    ));
    assert!(matches!(
        with(known_tau::prepared(2, secrets, known_tau::participant())),
        SetupError::PtauTooSmall { .. }
    ));
    assert!(matches!(with(known_tau::unprepared(5, secrets)), SetupError::NotPrepared));
}

#[test]
fn a_refused_setup_leaves_nothing_behind() {
    let f = fixture();
    let ptau = known_tau::prepared(2, known_tau::secrets("refused"), known_tau::participant());
    let mut out = Cursor::new(Vec::new());
    let error = new_key(
        &mut R1cs::open(Cursor::new(&f.r1cs)).unwrap(),
        &mut Ptau::open(Cursor::new(&ptau)).unwrap(),
        &mut out,
        &NoProgress,
    );
    assert!(matches!(error, Err(SetupError::PtauTooSmall { .. })));
    assert!(out.into_inner().is_empty());
}

// 2: contributions.

#[test]
fn zero_contributions_are_refused() {
    assert_eq!(failed(&fixture().initial), [Check::Contributions, Check::VerifyingKey]);
}

#[test]
fn a_beacon_is_no_contribution() {
    assert_eq!(failed(&beacon(&fixture().initial)), [Check::Contributions]);
}

#[test]
fn the_policys_minimum_counts() {
    let f = fixture();
    assert_eq!(refused_with(&f.closed, &policy(3)).failed(), [Check::Contributions]);
    assert!(check_with(&f.r1cs, &f.ptau, &f.closed, &policy(2)).is_ok());
}

#[test]
fn a_missing_beacon_is_refused_where_one_is_required() {
    let report = refused_with(
        &fixture().two,
        &Expectations { beacon_required: true, ..Expectations::default() },
    );
    assert_eq!(report.failures().collect::<Vec<_>>(), [(Check::Contributions, &Failure::NoBeacon)]);
}

#[test]
fn a_contribution_after_the_beacon_is_refused() {
    let f = fixture();
    assert_eq!(failed(&Step::honest("late").apply(&f.closed)), [Check::Contributions]);
    assert_eq!(
        failed(&Step { kind: known_tau::beacon(), ..Step::honest("late") }.apply(&f.closed)),
        [Check::Contributions]
    );
}

// 3: hashes.

#[test]
fn another_initial_keys_hash_is_refused_even_when_the_chain_builds_on_it() {
    let mut hash = open(&fixture().initial).initial_key_hash();
    hash.0[63] ^= 1;
    assert_eq!(
        failed(&Step::honest("first").apply(&with_hash(&fixture().initial, hash))),
        [Check::Transcript]
    );
    // Altered afterwards, no transcript and so no proof of knowledge is right.
    assert_eq!(failed(&with_hash(&fixture().closed, hash)), [Check::Transcript, Check::Knowledge]);
}

#[test]
fn an_altered_transcript_is_refused() {
    let alter =
        |index: usize| with_records(&fixture().two, |records| records[index].transcript.0[0] ^= 1);
    // The last: nothing builds on it.
    assert_eq!(failed(&alter(1)), [Check::Transcript]);
    assert_eq!(failed(&alter(0)), [Check::Transcript, Check::Knowledge]);
}

#[test]
fn contributions_replayed_removed_or_reordered_are_refused() {
    let f = fixture();
    for alter in [
        |r: &mut Vec<Contribution>| r.insert(1, r[0].clone()),
        |r: &mut Vec<Contribution>| drop(r.remove(0)),
        |r: &mut Vec<Contribution>| r.swap(0, 1),
        |r: &mut Vec<Contribution>| drop(r.remove(1)),
    ] {
        let failed = failed(&with_records(&f.closed, alter));
        assert!(
            failed.contains(&Check::Transcript) && failed.contains(&Check::Knowledge),
            "{failed:?}"
        );
    }
    // The last one removed: the hashes are right, the key is not.
    assert_eq!(failed(&with_records(&f.two, |r| drop(r.pop()))), [Check::FinalDelta]);
}

// 4: proofs of knowledge.

#[test]
fn a_contribution_of_one_is_refused() {
    let report = refused(&Step::of("one", Fr::ONE).apply(&fixture().one));
    assert_eq!(report.failed(), [Check::Knowledge]);
    assert!(
        report.failures().any(|(_, f)| matches!(f, Failure::Knowledge { contribution: 2, .. })),
        "{report:?}"
    );
}

#[test]
fn delta_changed_by_another_factor_than_the_proven_one_is_refused() {
    let (secret, other) = (scalar("x", "delta"), scalar("y", "delta"));
    let step = Step { secret, ..Step::of("x", other) };
    let report = refused(&step.apply(&fixture().one));
    assert_eq!(
        report.failures().collect::<Vec<_>>(),
        [(Check::Knowledge, &Failure::DeltaRatio { contribution: 2 })]
    );
}

#[test]
fn a_proof_of_knowledge_for_nothing_is_refused() {
    let f = fixture();
    // spx for another R: the record itself is consistent with nothing else changed, so delta's
    // ratio is wrong too.
    let key = with_records(&f.one, |r| {
        r[0].proof.g2_spx = (r[0].proof.g2_spx + G2Affine::generator()).into_affine()
    });
    let report = refused(&key);
    assert_eq!(report.failed(), [Check::Knowledge]);
    assert!(report.failures().any(|(_, f)| matches!(f, Failure::Knowledge { .. })), "{report:?}");
}

#[test]
fn a_proof_whose_s_is_not_the_spx_factors_is_refused() {
    // delta and spx agree; only e(s, spx) = e(sx, R) tells that sx is of another secret. The
    // transcript is that of (s, sx).
    let f = fixture();
    let honest = Step::honest("first").apply(&f.initial);
    let sx = (open(&honest).contributions()[0].proof.g1_sx + G1Affine::generator()).into_affine();
    let secret = scalar("first", "delta");
    let key = with_records(&honest, |r| {
        r[0].proof.g1_sx = sx;
        let bytes = [
            &open(&f.initial).initial_key_hash().0[..],
            &encode(&[r[0].proof.g1_s, sx], Encoding::Uncompressed),
        ]
        .concat();
        r[0].transcript = TranscriptHash(Blake2b512::digest(&[&bytes]));
        r[0].proof.g2_spx = (hash_to_g2(&r[0].transcript.0) * secret).into_affine();
    });
    let report = refused(&key);
    let failures: Vec<_> = report.failures().collect();
    assert!(
        matches!(failures[..], [(Check::Knowledge, Failure::Knowledge { contribution: 1, .. })]),
        "{failures:?}"
    );
}

#[test]
fn a_secret_used_twice_is_refused() {
    let again = Step { s: "first".into(), ..Step::of("first", scalar("first", "delta")) };
    let report = refused(&again.apply(&fixture().one));
    let repeated = |what| Failure::Repeated { contribution: 2, earlier: 1, what };
    assert_eq!(
        report.failures().collect::<Vec<_>>(),
        [(Check::Knowledge, &repeated("s")), (Check::Knowledge, &repeated("sx"))]
    );
}

#[test]
fn contributions_that_cancel_are_refused() {
    let f = fixture();
    let undo = Step::of("undo", scalar("second", "delta").inverse().unwrap());
    let report = refused(&undo.apply(&f.two));
    assert_eq!(
        report.failures().collect::<Vec<_>>(),
        [(
            Check::Knowledge,
            &Failure::Repeated { contribution: 3, earlier: 1, what: "plus or minus delta" }
        )]
    );
}

/// Everybody knows it. After a beacon the key is minus a public number, and check 9 does not tell.
#[test]
fn a_contribution_of_minus_one_is_refused_wherever_it_stands() {
    let f = fixture();
    let minus = |label: &str, key: &[u8]| Step::of(label, -Fr::from(1u64)).apply(key);
    let repeated = |contribution, earlier| {
        (Check::Knowledge, Failure::Repeated { contribution, earlier, what: "plus or minus delta" })
    };
    for (key, expected) in [
        (beacon(&minus("minus", &f.initial)), repeated(1, 0)),
        (minus("minus", &f.one), repeated(2, 1)),
        (beacon(&minus("minus", &f.two)), repeated(3, 2)),
    ] {
        let report = refused(&key);
        let failures: Vec<_> = report.failures().map(|(check, it)| (check, it.clone())).collect();
        assert_eq!(failures, [expected]);
    }
}

// 5: the beacon.

#[test]
fn a_beacon_that_is_not_its_value_is_refused() {
    let f = fixture();
    let other = ContributionKind::Beacon(Beacon::new(&[8; 32], 10).unwrap());
    assert_eq!(failed(&with_records(&f.closed, |r| r[2].kind = other)), [Check::Beacon]);
    let more = ContributionKind::Beacon(Beacon::new(&[9; 32], 11).unwrap());
    assert_eq!(failed(&with_records(&f.closed, |r| r[2].kind = more)), [Check::Beacon]);
}

#[test]
fn a_contribution_that_calls_itself_a_beacon_is_refused() {
    let step = Step { kind: known_tau::beacon(), ..Step::honest("second") };
    assert_eq!(failed(&step.apply(&fixture().one)), [Check::Beacon]);
}

/// A last record that calls itself the beacon of the fixture, with this secret and this s.
fn false_beacon(secret: Fr, s: G1Affine) -> Vec<u8> {
    let f = fixture();
    let sx = (s * secret).into_affine();
    let hash = open(&f.initial).initial_key_hash();
    let first = open(&f.one).contributions()[0].clone();
    let bytes = [
        &hash.0[..],
        &first.bound_bytes(Encoding::Uncompressed),
        &encode(&[s, sx], Encoding::Uncompressed),
    ]
    .concat();
    let transcript = TranscriptHash(Blake2b512::digest(&[&bytes]));
    // An honest step, with its proof made anew.
    with_records(&Step::of("x", secret).apply(&f.one), |r| {
        r[1].proof.g1_s = s;
        r[1].proof.g1_sx = sx;
        r[1].transcript = transcript;
        r[1].proof.g2_spx = (hash_to_g2(&transcript.0) * secret).into_affine();
        r[1].kind = ContributionKind::Beacon(Beacon::new(&[9; 32], 10).unwrap());
    })
}

#[test]
fn a_beacons_s_or_sx_with_another_secret_is_refused() {
    let honest = beacon(&fixture().one);
    let proof = open(&honest).contributions()[1].proof;
    let secret = scalar("not the beacon", "delta");
    // The beacon's s; then the beacon's s x, with the s that the secret makes of it.
    for (s, what) in
        [(proof.g1_s, "sx"), ((proof.g1_sx * secret.inverse().unwrap()).into_affine(), "s")]
    {
        let report = refused(&false_beacon(secret, s));
        assert_eq!(
            report.failures().collect::<Vec<_>>(),
            [(Check::Beacon, &Failure::BeaconValue { contribution: 2, what })]
        );
    }
}

// 6: the key's delta.

#[test]
fn a_delta_beyond_the_last_contribution_is_refused() {
    let (secret, more) = (scalar("x", "delta"), scalar("y", "delta"));
    let step = Step {
        header: (secret * more, secret * more),
        queries: (secret * more, secret * more),
        ..Step::of("x", secret)
    };
    assert_eq!(failed(&step.apply(&fixture().one)), [Check::FinalDelta]);
}

#[test]
fn two_deltas_are_refused() {
    let (secret, other) = (scalar("x", "delta"), scalar("y", "delta"));
    let step = Step { header: (secret, other), queries: (other, other), ..Step::of("x", secret) };
    let report = refused(&step.apply(&fixture().one));
    assert_eq!(report.failures().collect::<Vec<_>>(), [(Check::FinalDelta, &Failure::DeltaGroups)]);
}

// 7 and 8: the sections.

/// First, middle and last of n.
fn places(n: usize) -> [usize; 3] {
    [0, n / 2, n - 1]
}

/// Each section with an element changed into another legal one.
fn alterations(key: &[u8], id: u32) -> Vec<Vec<u8>> {
    match id {
        4 => {
            let count = (section(key, 4).len() - 4) / 44;
            let value = |at: usize| move |s: &mut Vec<u8>| s[4 + 44 * at + 12] ^= 1;
            let mut altered: Vec<Vec<u8>> =
                places(count).map(|at| with_section(key, 4, value(at))).to_vec();
            // Another wire; an entry more; an entry less.
            altered.push(with_section(key, 4, |s| s[4 + 8] ^= 1));
            altered.push(with_section(key, 4, |s| {
                let last = s[s.len() - 44..].to_vec();
                s.extend(last);
                s[..4].copy_from_slice(&(count as u32 + 1).to_le_bytes());
            }));
            altered.push(with_section(key, 4, |s| {
                s.truncate(s.len() - 44);
                s[..4].copy_from_slice(&(count as u32 - 1).to_le_bytes());
            }));
            altered
        }
        7 => places(section(key, 7).len() / 128)
            .map(|at| with_section(key, 7, |s| shift_point::<G2Affine>(s, at)))
            .to_vec(),
        _ => places(section(key, id).len() / 64)
            .map(|at| with_section(key, id, |s| shift_point::<G1Affine>(s, at)))
            .to_vec(),
    }
}

#[test]
fn each_section_altered_at_first_middle_and_last_is_refused() {
    for id in 3..=9 {
        let check = if id < 8 { Check::Unchanged } else { Check::Divided };
        for key in alterations(&fixture().closed, id) {
            assert_eq!(failed(&key), [check], "section {id}");
        }
    }
}

#[test]
fn each_section_altered_and_hidden_by_a_matching_hash_is_refused() {
    let f = fixture();
    for id in 3..=9 {
        for key in alterations(&f.initial, id) {
            let hash = initial_key_hash(&key, &f.ptau);
            let failed = failed(&Step::honest("first").apply(&with_hash(&key, hash)));
            // Sections 4 and 9 are not in the hash (for H stands what the powers of tau give).
            let expected: &[Check] = match id {
                4 => &[Check::Unchanged],
                8 => &[Check::Transcript, Check::Divided],
                9 => &[Check::Divided],
                _ => &[Check::Transcript, Check::Unchanged],
            };
            assert_eq!(failed, expected, "section {id}");
        }
    }
}

#[test]
fn the_forgers_hash_of_an_honest_key_is_its_hash() {
    let f = fixture();
    assert_eq!(initial_key_hash(&f.initial, &f.ptau), open(&f.initial).initial_key_hash());
}

#[test]
fn each_section_altered_after_an_earlier_key_is_refused() {
    let f = fixture();
    for id in 3..=9 {
        let check = if id < 8 { Check::Unchanged } else { Check::Divided };
        for key in alterations(&f.closed, id) {
            let report = refused_after(&f.one, &key);
            assert_eq!(report.failed(), [check], "section {id}");
        }
    }
}

#[test]
fn each_point_of_the_header_altered_is_refused() {
    let f = fixture();
    let g1 = |p: G1Affine| (p + G1Affine::generator()).into_affine();
    let g2 = |p: G2Affine| (p + G2Affine::generator()).into_affine();
    assert_eq!(
        failed(&with_header(&f.closed, |h| h.alpha_g1 = g1(h.alpha_g1))),
        [Check::Unchanged]
    );
    assert_eq!(failed(&with_header(&f.closed, |h| h.beta_g1 = g1(h.beta_g1))), [Check::Unchanged]);
    assert_eq!(failed(&with_header(&f.closed, |h| h.beta_g2 = g2(h.beta_g2))), [Check::Unchanged]);
    assert_eq!(
        failed(&with_header(&f.closed, |h| h.gamma_g2 = g2(h.gamma_g2))),
        [Check::Unchanged, Check::VerifyingKey]
    );
    assert_eq!(
        failed(&with_header(&f.closed, |h| h.delta_g1 = g1(h.delta_g1))),
        [Check::FinalDelta]
    );
    assert_eq!(
        failed(&with_header(&f.closed, |h| h.delta_g2 = g2(h.delta_g2))),
        [Check::FinalDelta]
    );
}

#[test]
fn l_or_h_divided_by_another_factor_than_delta_is_refused() {
    let (secret, other) = (scalar("x", "delta"), scalar("y", "delta"));
    for (queries, name) in [((other, secret), "L"), ((secret, other), "H")] {
        let key = Step { queries, ..Step::of("x", secret) }.apply(&fixture().one);
        let report = refused(&key);
        assert_eq!(report.failed(), [Check::Divided]);
        assert!(
            report
                .failures()
                .all(|(_, f)| matches!(f, Failure::NotDivided { name: n, .. } if *n == name)),
            "{report:?}"
        );
        let report = refused_after(&fixture().one, &key);
        assert_eq!(report.failed(), [Check::Divided]);
    }
}

#[test]
fn h_of_the_other_reduction_is_refused() {
    let f = fixture();
    let key = with_section(&f.closed, 9, |s| {
        let mut h: Vec<G1Affine> = decode(s, Encoding::Montgomery).unwrap();
        let omega = root_of_unity(h.len().trailing_zeros() + 1).unwrap();
        group_fft(&mut h, Direction::Forward);
        let factors: Vec<Fr> =
            (0..h.len() as u64).map(|i| -Fr::from(2u64) * omega.pow([i])).collect();
        mul_each(&mut h, &factors);
        *s = encode(&h, Encoding::Montgomery);
    });
    assert_eq!(failed(&key), [Check::Divided]);
}

#[test]
fn all_of_l_or_h_scaled_is_refused() {
    for id in [8, 9] {
        assert_eq!(
            failed(&with_section(&fixture().closed, id, |s| scale_points(s, Fr::from(2u64)))),
            [Check::Divided]
        );
    }
}

// 9: degenerate keys.

#[test]
fn a_delta_that_is_the_generator_or_its_negative_is_refused() {
    let f = fixture();
    // By header alone.
    let one = with_header(&f.one, |h| {
        (h.delta_g1, h.delta_g2) = (G1Affine::generator(), G2Affine::generator())
    });
    assert_eq!(failed(&one), [Check::FinalDelta, Check::VerifyingKey]);
    // By a chain that is right in every other respect: its records cancel up to the sign.
    let minus_one = Step::of("undo", -scalar("first", "delta").inverse().unwrap()).apply(&f.one);
    assert_eq!(failed(&minus_one), [Check::Knowledge, Check::VerifyingKey]);
}

#[test]
fn a_degenerate_alpha_beta_or_gamma_is_refused() {
    let f = fixture();
    for key in [
        with_header(&f.one, |h| h.alpha_g1 = G1Affine::generator()),
        with_header(&f.one, |h| h.alpha_g1 = -G1Affine::generator()),
        with_header(&f.one, |h| h.beta_g2 = G2Affine::generator()),
        with_header(&f.one, |h| h.beta_g2 = -G2Affine::generator()),
        with_header(&f.one, |h| h.gamma_g2 = h.delta_g2),
        with_header(&f.one, |h| h.gamma_g2 = -h.delta_g2),
    ] {
        assert_eq!(failed(&key), [Check::Unchanged, Check::VerifyingKey]);
    }
}

#[test]
fn infinity_in_the_header_or_in_h_is_no_key() {
    let f = fixture();
    for at in [84, 148, 212, 340, 468, 532] {
        let size = if [84, 148, 468].contains(&at) { 64 } else { 128 };
        let key = with_section(&f.one, 2, |s| s[at..at + size].fill(0));
        let error = Zkey::open(Cursor::new(&key)).unwrap_err();
        assert!(matches!(error, FormatError::Point { section: 2, .. }), "{error}");
    }
    let key = with_section(&f.one, 9, |s| s[64..128].fill(0));
    let error = check_with(&f.r1cs, &f.ptau, &key, &Expectations::default()).unwrap_err();
    assert!(error.to_string().contains("section 9 (H) element 1"), "{error}");
}

#[test]
fn a_proven_record_is_not_proven_again_and_another_one_is() {
    let f = fixture();
    // The record's proof in G2 (byte 192 of it) is the generator.
    let generator = encode(&[G2Affine::generator()], Encoding::Montgomery);
    let unproven = with_section(&f.one, 10, |s| s[68 + 192..68 + 320].copy_from_slice(&generator));
    let failed = [Check::Knowledge];
    assert_eq!(refused_with(&unproven, &Expectations::default()).failed(), failed);
    let after = |key: &[u8]| Expectations {
        proven: open(key).contributions().to_vec(),
        ..Expectations::default()
    };
    check_with(&f.r1cs, &f.ptau, &unproven, &after(&unproven)).expect("it is not proven again");
    assert_eq!(refused_with(&unproven, &after(&f.one)).failed(), failed);
}

// 10: continuity.

#[test]
fn a_fork_of_the_known_chain_is_refused() {
    let f = fixture();
    let fork = Step::honest("forked").apply(&f.initial);
    let longer = Step::honest("second").apply(&fork);
    let known = open(&f.one).contribution_hashes();
    assert_eq!(
        refused_with(&longer, &Expectations { known, ..Expectations::default() }).failed(),
        [Check::Continuity]
    );
    let report = refused_after(&f.one, &longer);
    assert_eq!(report.failed(), [Check::Continuity]);
}

#[test]
fn a_chain_that_lost_known_contributions_is_refused() {
    let f = fixture();
    let known = open(&f.two).contribution_hashes();
    assert_eq!(
        refused_with(&f.one, &Expectations { known, ..Expectations::default() }).failed(),
        [Check::Continuity]
    );
    let report = refused_after(&f.two, &f.one);
    assert_eq!(report.failed(), [Check::Continuity]);
}

#[test]
fn an_earlier_key_of_another_ceremony_is_refused() {
    let f = fixture();
    let ptau = known_tau::prepared(5, known_tau::secrets("another"), known_tau::participant());
    let other = setup(&f.r1cs, &ptau).unwrap();
    let report = refusal(verify_from(
        &mut open(&other),
        &mut open(&f.one),
        &Expectations::default(),
        &NoProgress,
    ));
    assert_eq!(report.failed(), [Check::Transcript, Check::Unchanged]);
    // Another hash of the initial key, and all else the same.
    let renamed = with_hash(&f.initial, InitialKeyHash([1; 64]));
    let report = refusal(verify_from(
        &mut open(&renamed),
        &mut open(&f.one),
        &Expectations::default(),
        &NoProgress,
    ));
    assert_eq!(report.failed(), [Check::Transcript]);
}

// Structure: the public inputs.

#[test]
fn ic_shortened_or_lengthened_is_no_key() {
    let f = fixture();
    for alter in
        [|s: &mut Vec<u8>| s.truncate(s.len() - 64), |s: &mut Vec<u8>| s.extend_from_within(..64)]
    {
        let error = Zkey::open(Cursor::new(with_section(&f.closed, 3, alter))).unwrap_err();
        assert!(matches!(error, FormatError::SectionSize { id: 3, .. }), "{error}");
    }
}

#[test]
fn a_changed_public_input_count_is_refused() {
    let f = fixture();
    // In the header alone, the sections do not fit.
    let count = |n: u32| move |s: &mut Vec<u8>| s[76..80].copy_from_slice(&n.to_le_bytes());
    assert!(Zkey::open(Cursor::new(with_section(&f.closed, 2, count(0)))).is_err());
    // With IC and L moved along, the circuit does not.
    let moved = section(&f.closed, 3)[64..].to_vec();
    let key = with_section(&f.closed, 2, count(0));
    let key = with_section(&key, 3, |s| s.truncate(64));
    let key = with_section(&key, 8, |s| *s = [moved, s.clone()].concat());
    assert_eq!(failed(&key), [Check::InitialKey]);
}

// The files themselves.

/// Where a section's byte lies in the file.
fn place(bytes: &[u8], id: u32, at: usize) -> usize {
    let payload = section(bytes, id);
    let size = (payload.len() as u64).to_le_bytes();
    let head = [&id.to_le_bytes()[..], &size].concat();
    bytes.windows(12).position(|window| window == head).unwrap() + 12 + at
}

/// A byte of each of R1CS, PTAU and ZKEY that every verification reads: of a coefficient, of the
/// records, of H.
fn read_places() -> [usize; 3] {
    let f = fixture();
    [place(&f.r1cs, 2, 8), place(&f.ptau, 7, 4), place(&f.closed, 9, 0)]
}

fn verify_three<R: Read + Seek + Send>([r1cs, ptau, key]: [R; 3]) -> Result<Report, VerifyError> {
    verify(
        &mut R1cs::open(r1cs).unwrap(),
        &mut Ptau::open(ptau).unwrap(),
        &mut Zkey::open(key).unwrap(),
        &Expectations::default(),
        &NoProgress,
    )
}

/// The three files, of which file `which` has another byte in these measurements of its length; the
/// last one is that of its digest.
fn changing(which: usize, flipped: impl Fn(u32) -> Range<u32>) -> [Flipping; 3] {
    let f = fixture();
    let files = [&f.r1cs, &f.ptau, &f.closed];
    let calm = files.map(|bytes| Flipping::never(bytes));
    let measured = calm[which].measured();
    verify_three(calm).unwrap();
    let flipped = flipped(measured.load(Ordering::Relaxed));
    let never = u32::MAX..u32::MAX;
    [0, 1, 2].map(|i| {
        Flipping::there_and_back(
            files[i],
            read_places()[i],
            if i == which { flipped.clone() } else { never.clone() },
        )
    })
}

fn is_called_changed(which: usize, result: Result<Report, VerifyError>) {
    match result {
        Err(VerifyError::Changed { file, .. }) => {
            assert_eq!(
                file,
                ["the circuit (.r1cs)", "the powers of tau (.ptau)", "the key (.zkey)"][which]
            );
        }
        other => panic!("{which}: {other:?}"),
    }
}

#[test]
fn a_file_that_changes_under_the_verifier_is_refused() {
    (0..2).for_each(|which| {
        is_called_changed(which, verify_three(changing(which, |last| last..u32::MAX)))
    });
    // The key is read once: what it becomes afterwards is not what was verified.
    let report = verify_three(changing(2, |last| last..u32::MAX)).unwrap();
    let Digests::Whole { key, .. } = report.digests else { panic!("{:?}", report.digests) };
    assert_eq!(key, digest_file(&mut Cursor::new(&fixture().closed), &NoProgress).unwrap());
}

#[test]
fn a_file_that_is_another_one_only_while_it_is_verified_is_refused() {
    // Another H, or other terms or records, whatever they make of the verification: the file as
    // such is the good one before and after.
    (0..3)
        .for_each(|which| is_called_changed(which, verify_three(changing(which, |last| 2..last))));
}

#[test]
fn what_no_check_reads_may_change_and_the_digest_is_that_of_the_whole_file() {
    let f = fixture();
    // The last label of the circuit, from before its digest on.
    let [_, ptau, key] = changing(0, |_| u32::MAX..u32::MAX);
    let label = f.r1cs.len() - 1;
    let report = verify_three([Flipping::new(&f.r1cs, label, 3), ptau, key]).unwrap();
    let mut changed = f.r1cs.clone();
    changed[label] ^= 1;
    let Digests::Whole { circuit, .. } = report.digests else { panic!("{:?}", report.digests) };
    assert_eq!(circuit, digest_file(&mut Cursor::new(changed), &NoProgress).unwrap().sha256);
}

#[test]
fn a_key_that_changes_after_it_was_read_has_the_digests_of_what_was_read() {
    let f = fixture();
    let run = |key: Flipping| {
        verify_from(
            &mut Zkey::open(Flipping::never(&f.one)).unwrap(),
            &mut Zkey::open(key).unwrap(),
            &Expectations::default(),
            &NoProgress,
        )
        .unwrap()
    };
    let calm = Flipping::never(&f.closed);
    let measured = calm.measured();
    run(calm);
    let last = measured.load(Ordering::Relaxed);
    let report = run(Flipping::new(&f.closed, read_places()[2], last));
    let Digests::Incremental { key, .. } = report.digests else { panic!("{:?}", report.digests) };
    assert_eq!(key, digest_file(&mut Cursor::new(&f.closed), &NoProgress).unwrap());
}

#[test]
fn a_key_that_is_another_one_while_it_is_compared_with_an_earlier_one_is_refused() {
    let f = fixture();
    let files = [&f.one, &f.two];
    let run = |[earlier, key]: [Flipping; 2]| {
        verify_from(
            &mut Zkey::open(earlier).unwrap(),
            &mut Zkey::open(key).unwrap(),
            &Expectations::default(),
            &NoProgress,
        )
    };
    for (which, name) in [(0, "the earlier key (.zkey)"), (1, "the key (.zkey)")] {
        let calm = files.map(|bytes| Flipping::never(bytes));
        let measured = calm[which].measured();
        run(calm).unwrap();
        let last = measured.load(Ordering::Relaxed);
        let restless = [0, 1].map(|i| {
            let flipped = if i == which { 2..last } else { u32::MAX..u32::MAX };
            Flipping::there_and_back(files[i], place(files[i], 9, 0), flipped)
        });
        match run(restless) {
            Err(VerifyError::Changed { file, .. }) => assert_eq!(file, name),
            other => panic!("{other:?}"),
        }
    }
}
