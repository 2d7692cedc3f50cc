//! Files that are prepared for some sizes of circuits, by others, or not at all.

use std::io::Cursor;

use ark_ff::Field;
use bn254_batch::curve::Fr;
use ceremony_core::format::FormatError;
use ceremony_core::format::points::PointRun;
use ceremony_core::format::ptau::{LagrangeLayout, Levels, Power, Ptau};
use ceremony_core::format::r1cs::{R1cs, Shape, write_r1cs};
use ceremony_core::format::zkey::Zkey;
use ceremony_core::phase1::contribute::StepError;
use ceremony_core::phase1::prepare::{
    Checkpoint, ImportError, Preparation, import_lagrange, prepare,
};
use ceremony_core::phase1::verify::{Check, Expectations, Failure, VerifyError, verify};
use ceremony_core::phase2::initial_key::{SetupError, new_key};
use ceremony_core::phase2::verify::verify_initial;
use ceremony_core::progress::NoProgress;
use testkit::forge::{assemble, sections};
use testkit::ptau::Model;

fn levels(text: &str) -> Levels {
    text.parse().unwrap()
}

fn with_levels(model: &Model, text: &str) -> Result<Vec<u8>, StepError> {
    let mut input = model.open();
    let out = Cursor::new(Vec::new());
    let mut reached = Checkpoint::default();
    let out = Preparation::begin(&mut input, out, levels(text), &NoProgress)?.finish(
        None,
        &mut |_, _, checkpoint| {
            reached = checkpoint;
            Ok(())
        },
    )?;
    let each = levels(text).last() - levels(text).first() + 1;
    assert_eq!(reached, Checkpoint { levels: 4 * each + 1, steps: 0, required: false });
    Ok(out.into_inner())
}

fn prepared(model: &Model) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    prepare(&mut model.open(), &mut out, &NoProgress).unwrap();
    out.into_inner()
}

fn layout(bytes: &[u8]) -> LagrangeLayout {
    Ptau::open(Cursor::new(bytes)).unwrap().lagrange().unwrap()
}

fn failure(bytes: Vec<u8>) -> Failure {
    match verify(Cursor::new(bytes), &Expectations::default(), &NoProgress).unwrap_err() {
        VerifyError::Failed(failure) => *failure,
        other => panic!("{other}"),
    }
}

fn bytes_of<P: bn254_batch::Point>(
    run: &PointRun<P>,
    first: u64,
    count: u64,
) -> std::ops::Range<usize> {
    let size = P::UNCOMPRESSED_BYTES as u64;
    let start = run.offset + first * size;
    start as usize..(start + count * size) as usize
}

#[test]
fn some_levels_are_those_of_the_whole_file_and_verify() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(4, 2);
    let whole = prepared(&model);
    let all = layout(&whole);
    for text in ["0", "4", "2", "1..3", "3..4"] {
        let bytes = with_levels(&model, text).unwrap();
        let (ptau, verified) =
            verify(Cursor::new(bytes.clone()), &Expectations::default(), &NoProgress).unwrap();
        assert!(verified.checks.contains(&Check::Lagrange), "{text}");
        let some = ptau.lagrange().unwrap();
        assert_eq!(some.levels, levels(text));
        let (first, last) = (some.levels.first(), some.levels.last());
        let in_g1 = all.levels.start_of(last + 2) - all.levels.start_of(first);
        let count = all.levels.start_of(last + 1) - all.levels.start_of(first);
        let at = all.levels.start_of(first);
        let same = |some: std::ops::Range<usize>, all: std::ops::Range<usize>| {
            assert!(bytes[some] == whole[all], "{text}");
        };
        same(bytes_of(&some.tau_g1, 0, in_g1), bytes_of(&all.tau_g1, at, in_g1));
        same(bytes_of(&some.tau_g2, 0, count), bytes_of(&all.tau_g2, at, count));
        same(bytes_of(&some.alpha_tau_g1, 0, count), bytes_of(&all.alpha_tau_g1, at, count));
        same(bytes_of(&some.beta_tau_g1, 0, count), bytes_of(&all.beta_tau_g1, at, count));
        assert_eq!((some.tau_g1.len, some.beta_tau_g1.len), (in_g1, count));
    }
    assert!(with_levels(&model, "0..4").unwrap() == whole, "all levels are a prepared file");
}

#[test]
fn levels_beyond_the_powers_are_refused() {
    let error = with_levels(&Model::with_contributions(3, 1), "3..4").unwrap_err();
    assert!(matches!(error, StepError::Levels { .. }), "{error}");
}

#[test]
fn a_point_of_some_levels_altered_anywhere_is_refused() {
    testkit::choose_arithmetic();
    let good = with_levels(&Model::with_contributions(4, 1), "2..3").unwrap();
    let some = layout(&good);
    // Another point of the same section in its place.
    let moved = |at: std::ops::Range<usize>, from: std::ops::Range<usize>| {
        let mut bytes = good.clone();
        bytes.copy_within(from, at.start);
        failure(bytes)
    };
    for section in 112..=115 {
        for level in 2..=if section == 112 { 4 } else { 3 } {
            let n = 1u64 << level;
            for index in [0, n / 2, n - 1] {
                let at = some.levels.start_of(level) + index;
                let from = some.levels.start_of(level) + (index + 1) % n;
                let failure = match section {
                    112 => moved(bytes_of(&some.tau_g1, at, 1), bytes_of(&some.tau_g1, from, 1)),
                    113 => moved(bytes_of(&some.tau_g2, at, 1), bytes_of(&some.tau_g2, from, 1)),
                    114 => moved(
                        bytes_of(&some.alpha_tau_g1, at, 1),
                        bytes_of(&some.alpha_tau_g1, from, 1),
                    ),
                    _ => moved(
                        bytes_of(&some.beta_tau_g1, at, 1),
                        bytes_of(&some.beta_tau_g1, from, 1),
                    ),
                };
                assert_eq!(failure.check, Check::Lagrange);
                assert!(failure.place.starts_with(&format!("section {section} ")), "{failure}");
                assert!(failure.place.ends_with(&format!("level {level}")), "{failure}");
            }
        }
    }
}

#[test]
fn levels_that_are_not_what_the_file_says_are_refused() {
    let model = Model::with_contributions(4, 1);
    let good = with_levels(&model, "2..3").unwrap();
    let error = |bytes: Vec<u8>| Ptau::open(Cursor::new(bytes)).unwrap_err();
    let stated = |first: u32, last: u32| {
        let mut sections = sections(&good);
        let stated = [first.to_le_bytes(), last.to_le_bytes()].concat();
        sections.iter_mut().find(|(id, _)| *id == 111).unwrap().1 = stated;
        assemble(&good, &sections)
    };
    assert_eq!(stated(2, 3), good);
    for (first, last) in [(3, 2), (2, 5), (0, u32::MAX), (u32::MAX, u32::MAX)] {
        let error = error(stated(first, last));
        assert!(matches!(error, FormatError::Header { what: "levels", .. }), "{error}");
    }
    for (first, last) in [(1, 3), (2, 4), (3, 3)] {
        let error = error(stated(first, last));
        assert!(matches!(error, FormatError::SectionSize { id: 112, .. }), "{error}");
    }
    let without = |id: u32| {
        let kept: Vec<_> = sections(&good).into_iter().filter(|(other, _)| *other != id).collect();
        assemble(&good, &kept)
    };
    for id in 111..=115 {
        let error = error(without(id));
        assert!(matches!(error, FormatError::PartlyPrepared { .. }), "{error}");
    }
    let both = [sections(&prepared(&model)), sections(&good)[7..].to_vec()].concat();
    let error = error(assemble(&good, &both));
    assert!(matches!(error, FormatError::PartlyPrepared { .. }), "{error}");
}

// ---- initial keys -------------------------------------------------------------------------------

/// A circuit with a domain of 2^3.
fn circuit() -> R1cs<Cursor<Vec<u8>>> {
    let one = Fr::ONE;
    let shape = Shape::new(6, 1, 1, 2, 5).unwrap();
    let row = |i: u32| [vec![(one, 1 + i % 5)], vec![(one, i)], vec![(-one, 5 - i)]];
    let circuit = R1cs::open(write_r1cs(Cursor::new(Vec::new()), shape, (0..5).map(row)).unwrap());
    let circuit = circuit.unwrap();
    assert_eq!(circuit.shape().power(), Power::new(3).unwrap());
    circuit
}

fn key(ptau: &mut Ptau<Cursor<Vec<u8>>>) -> Result<Vec<u8>, SetupError> {
    let mut out = Cursor::new(Vec::new());
    new_key(&mut circuit(), ptau, &mut out, &NoProgress)?;
    Ok(out.into_inner())
}

fn open(bytes: Vec<u8>) -> Ptau<Cursor<Vec<u8>>> {
    Ptau::open(Cursor::new(bytes)).unwrap()
}

#[test]
fn a_key_is_the_same_from_all_levels_from_its_own_and_from_none() {
    testkit::choose_arithmetic();
    for power in [3, 5] {
        let model = Model::with_contributions(power, 1);
        let expected = key(&mut open(prepared(&model))).unwrap();
        let scratch = || Box::new(Cursor::new(Vec::new()));
        for levels in ["3", "2..3"] {
            let some = with_levels(&model, levels).unwrap();
            assert!(key(&mut open(some)).unwrap() == expected, "{power} {levels}");
        }
        // Levels of other sizes are as good as none.
        let others = with_levels(&model, "1..2").unwrap();
        for (mut bare, mut lent) in
            [(model.open(), model.open()), (open(others.clone()), open(others))]
        {
            let error = key(&mut bare).unwrap_err();
            assert!(
                matches!(error, SetupError::NotPrepared | SetupError::NotThisLevel { .. }),
                "{error}"
            );
            lent.set_scratch(scratch());
            assert!(key(&mut lent).unwrap() == expected, "{power}");
            lent.set_scratch(scratch());
            let mut key = Zkey::open(Cursor::new(expected.clone())).unwrap();
            verify_initial(&mut circuit(), &mut lent, &mut key, &NoProgress).unwrap();
        }
    }
}

#[test]
fn what_is_wrong_with_powers_that_are_not_prepared_is_said_before_they_are_prepared() {
    #[derive(Debug)]
    struct Untouched;
    impl std::io::Read for Untouched {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("read")
        }
    }
    impl std::io::Write for Untouched {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            panic!("written")
        }
        fn flush(&mut self) -> std::io::Result<()> {
            panic!("flushed")
        }
    }
    impl std::io::Seek for Untouched {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            panic!("sought")
        }
    }
    let mut beacon = Model::new(4);
    beacon.beacon_even_if_first(&[1]);
    let small = Model::with_contributions(2, 1);
    for model in [beacon, small] {
        let mut ptau = model.open();
        ptau.set_scratch(Box::new(Untouched));
        let error = key(&mut ptau).unwrap_err();
        assert!(
            matches!(error, SetupError::NoContribution { .. } | SetupError::PtauTooSmall { .. }),
            "{error}"
        );
    }
}

// ---- bases of others ----------------------------------------------------------------------------

fn imported(model: &Model, other: Vec<u8>) -> Result<Vec<u8>, ImportError> {
    let mut out = Cursor::new(Vec::new());
    import_lagrange(&mut model.open(), &mut open(other), &mut out, &NoProgress)?;
    Ok(out.into_inner())
}

#[test]
fn bases_that_somebody_else_computed_make_the_file_that_we_would_have_made() {
    testkit::choose_arithmetic();
    let mut model = Model::with_contributions(4, 1);
    let before = prepared(&model);
    assert!(imported(&model, before.clone()).unwrap() == before);
    let some = with_levels(&model, "2..4").unwrap();
    assert!(imported(&model, some.clone()).unwrap() == some);
    // What else is in the other file does not matter.
    model.records[0].name = None;
    let ours = imported(&model, before.clone()).unwrap();
    assert_eq!(sections(&ours)[7..], sections(&before)[7..]);
}

#[test]
fn bases_of_other_powers_or_with_one_wrong_point_are_refused() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(4, 1);
    let check = |error: ImportError| match error {
        ImportError::Check(VerifyError::Failed(failure)) => (failure.check, failure.place),
        other => panic!("{other}"),
    };
    let (found, place) =
        check(imported(&model, prepared(&Model::with_contributions(4, 2))).unwrap_err());
    assert_eq!(found, Check::Lagrange, "{place}");
    for (section, group) in [(12, 64), (13, 128), (14, 64), (15, 64)] {
        let good = prepared(&model);
        let mut parts = sections(&good);
        let bytes = &mut parts.iter_mut().find(|(id, _)| *id == section).unwrap().1;
        // The last two points of level 3.
        bytes.copy_within(13 * group..14 * group, 14 * group);
        let (found, place) = check(imported(&model, assemble(&good, &parts)).unwrap_err());
        assert_eq!(found, Check::Lagrange);
        assert!(place.starts_with(&format!("section {section} ")), "{place}");
        assert!(place.ends_with("level 3"), "{place}");
    }
    // The bases say nothing of a power in the middle of the file; the file is verified as well.
    let (good, mut forged) = (prepared(&model), model.clone());
    forged.tau_g1.swap(5, 6);
    assert_eq!(check(imported(&forged, good).unwrap_err()).0, Check::Powers);
}

#[test]
fn a_file_without_bases_or_of_another_power_is_refused() {
    let (model, larger) = (Model::with_contributions(3, 1), Model::with_contributions(4, 1));
    let error = imported(&model, model.bytes()).unwrap_err();
    assert!(matches!(error, ImportError::NotPrepared), "{error}");
    let error = imported(&model, prepared(&larger)).unwrap_err();
    assert!(matches!(error, ImportError::OtherPower { .. }), "{error}");
    let mut beacon = Model::new(3);
    beacon.beacon_even_if_first(&[1]);
    let error = imported(&beacon, prepared(&model)).unwrap_err();
    assert!(
        matches!(error, ImportError::Step(StepError::NobodyContributed | StepError::Check(_))),
        "{error}"
    );
}
