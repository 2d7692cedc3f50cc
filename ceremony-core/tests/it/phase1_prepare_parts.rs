//! A preparation in parts: what they make together, and which of them is at fault.

use std::io::Cursor;

use bn254_batch::curve::{G1Affine, G2Affine};
use ceremony_core::format::FormatError;
use ceremony_core::format::bases_part::{BasesPart, PartHeader, Residue};
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::encoding::PointDefect;
use ceremony_core::format::ptau::{Levels, Power, Ptau};
use ceremony_core::phase1::contribute::StepError;
use ceremony_core::phase1::prepare::{
    CombinePartsError, Preparation, combine_parts, import_lagrange,
};
use ceremony_core::phase1::verify::{Check, VerifyError};
use ceremony_core::progress::NoProgress;
use testkit::forge::{assemble, sections, shift_point, with_section};
use testkit::ptau::{Model, outside_the_subgroup};

type File = Cursor<Vec<u8>>;

fn levels(text: &str) -> Levels {
    text.parse().unwrap()
}

fn part(number: u32, parts: u32) -> Residue {
    Residue::new(number, parts).unwrap()
}

fn whole(model: &Model, levels: Levels) -> Vec<u8> {
    let mut input = model.open();
    let out = Cursor::new(Vec::new());
    let begun = Preparation::begin(&mut input, out, levels, &NoProgress).unwrap();
    begun.finish(None, &mut |_, _, _| Ok(())).unwrap().into_inner()
}

fn made(model: &Model, levels: Levels, part: Residue) -> Result<Vec<u8>, StepError> {
    let mut input = model.open();
    let digest = digest_file(input.source(), &NoProgress).unwrap().sha256;
    let out = Cursor::new(Vec::new());
    let begun = Preparation::begin_part(&mut input, out, levels, part, digest, &NoProgress)?;
    Ok(begun.finish(None, &mut |_, _, _| Ok(()))?.into_inner())
}

fn all_parts(model: &Model, levels: Levels, parts: u32) -> Vec<Vec<u8>> {
    (1..=parts).map(|number| made(model, levels, part(number, parts)).unwrap()).collect()
}

fn combined(model: &Model, parts: &[Vec<u8>]) -> Result<Vec<u8>, CombinePartsError> {
    let open = |bytes: &Vec<u8>| BasesPart::open(Cursor::new(bytes.clone())).unwrap();
    let mut parts: Vec<BasesPart<File>> = parts.iter().map(open).collect();
    let mut out = Cursor::new(Vec::new());
    combine_parts(&mut model.open(), &mut parts, &mut out, &NoProgress)?;
    Ok(out.into_inner())
}

#[test]
fn parts_make_the_prepared_file_byte_for_byte() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(4, 2);
    for text in ["0..4", "2..3", "4", "3"] {
        let expected = whole(&model, levels(text));
        for parts in [1, 2, 4, 8] {
            let mut made = all_parts(&model, levels(text), parts);
            assert!(combined(&model, &made).unwrap() == expected, "levels {text}, {parts} parts");
            made.reverse();
            assert!(combined(&model, &made).unwrap() == expected, "in another order");
        }
    }
    // Of the smallest powers, as many parts as there are points.
    for power in [1, 2] {
        let model = Model::with_contributions(power, 1);
        let all = Levels::all(Power::new(power).unwrap());
        let expected = whole(&model, all);
        assert!(combined(&model, &all_parts(&model, all, 1 << power)).unwrap() == expected);
    }
}

#[test]
fn a_truncated_file_is_prepared_in_parts_too() {
    testkit::choose_arithmetic();
    let mut model = Model::with_contributions(4, 1);
    model.truncate(3);
    let all = Levels::all(Power::new(3).unwrap());
    let expected = whole(&model, all);
    assert!(combined(&model, &all_parts(&model, all, 4)).unwrap() == expected);
}

#[test]
fn what_is_combined_is_what_import_takes_over() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(3, 1);
    let prepared = combined(&model, &all_parts(&model, levels("1..2"), 2)).unwrap();
    let (mut again, mut other) =
        (Cursor::new(Vec::new()), Ptau::open(Cursor::new(&prepared)).unwrap());
    import_lagrange(&mut model.open(), &mut other, &mut again, &NoProgress).unwrap();
    assert!(again.into_inner() == prepared);
}

// ---- faults -------------------------------------------------------------------------------------

fn is_g2(section: u32) -> bool {
    section == 13
}

/// The part with another point of the group at this place.
fn altered(bytes: &[u8], section: u32, index: usize) -> Vec<u8> {
    with_section(bytes, section, |points| match is_g2(section) {
        true => shift_point::<G2Affine>(points, index),
        false => shift_point::<G1Affine>(points, index),
    })
}

fn wrong(model: &Model, parts: &[Vec<u8>]) -> Vec<(u32, usize, String)> {
    match combined(model, parts) {
        Err(CombinePartsError::Wrong(wrong)) => {
            wrong.into_iter().map(|wrong| (wrong.part.number(), wrong.index, wrong.place)).collect()
        }
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn a_wrong_point_is_found_wherever_it_is_and_its_part_is_named() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(3, 1);
    let all = levels("0..3");
    for parts in [1, 2, 4, 8u32] {
        let good = all_parts(&model, all, parts);
        let log = parts.ilog2();
        for section in 12..=15 {
            for level in log.max(1)..=if section == 12 { 4 } else { 3 } {
                let of_part = level - log;
                let first = (1usize << of_part) - 1;
                let last = (1 << (of_part + 1)) - 2;
                // The first and the last point of each level, in a part that changes with it.
                for (i, index) in [first, last].into_iter().enumerate() {
                    let number = (section + level + i as u32) % parts;
                    let mut parts = good.clone();
                    parts[number as usize] = altered(&good[number as usize], section, index);
                    let found = wrong(&model, &parts);
                    let [(of, at, place)] = &found[..] else { panic!("{found:?}") };
                    assert_eq!((*of, *at), (number + 1, number as usize), "{place}");
                    assert!(place.starts_with(&format!("section {section} ")), "{place}");
                    assert!(place.ends_with(&format!(", level {level}")), "{place}");
                }
            }
        }
    }
}

#[test]
fn all_parts_at_fault_are_named_and_no_other() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(3, 1);
    let mut parts = all_parts(&model, levels("3"), 4);
    parts[1] = altered(&parts[1], 14, 1);
    parts[3] = altered(&parts[3], 13, 0);
    parts.swap(0, 3);
    let found = wrong(&model, &parts);
    let found: Vec<_> = found.iter().map(|(of, at, _)| (*of, *at)).collect();
    assert_eq!(found, [(2, 1), (4, 0)]);
    // Parts that have each other's points.
    let mut parts = all_parts(&model, levels("3"), 4);
    for section in 12..=15 {
        let points = sections(&parts[0]).into_iter().find(|(id, _)| *id == section).unwrap().1;
        let other = sections(&parts[2]).into_iter().find(|(id, _)| *id == section).unwrap().1;
        parts[0] = with_section(&parts[0], section, |it| *it = other);
        parts[2] = with_section(&parts[2], section, |it| *it = points);
    }
    let found: Vec<_> = wrong(&model, &parts).into_iter().map(|(of, ..)| of).collect();
    assert_eq!(found, [1, 3]);
}

#[test]
fn bytes_that_are_no_point_of_the_group_are_named_with_their_part() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(3, 1);
    let good = all_parts(&model, levels("0..3"), 2);
    let outside = {
        use ceremony_core::format::encoding::{Encoding, encode};
        encode(&[outside_the_subgroup()], Encoding::Montgomery)
    };
    let cases: [(u32, usize, Vec<u8>, PointDefect); 4] = [
        (12, 64, vec![0; 64], PointDefect::Infinity),
        (13, 128, outside, PointDefect::OutsideSubgroup),
        (14, 64, vec![0xff; 64], PointDefect::NotCanonical),
        (15, 64, vec![1; 64], PointDefect::NotOnCurve),
    ];
    for (section, size, bytes, expected) in cases {
        let mut parts = good.clone();
        parts[1] = with_section(&parts[1], section, |points| {
            points[3 * size..4 * size].copy_from_slice(&bytes);
        });
        match combined(&model, &parts).unwrap_err() {
            CombinePartsError::Part {
                part,
                index: 1,
                error: FormatError::Point { section: of, index: 3, defect, .. },
            } => assert_eq!((part.number(), of, defect), (2, section, expected)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_file_whose_powers_are_none_is_no_parts_fault() {
    testkit::choose_arithmetic();
    let mut model = Model::with_contributions(3, 1);
    model.tau_g1.swap(5, 6);
    let error = combined(&model, &all_parts(&model, levels("2"), 2)).unwrap_err();
    match error {
        CombinePartsError::Check(VerifyError::Failed(failure)) => {
            assert_eq!(failure.check, Check::Powers);
        }
        other => panic!("{other}"),
    }
}

// ---- parts that do not belong together ----------------------------------------------------------

#[test]
fn parts_that_are_missing_double_or_of_something_else_are_refused() {
    testkit::choose_arithmetic();
    let model = Model::with_contributions(3, 1);
    let good = all_parts(&model, levels("1..3"), 4);
    let refused = |parts: &[&Vec<u8>]| {
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| (*part).clone()).collect();
        combined(&model, &parts).unwrap_err()
    };
    let [one, two, three, four] = &good[..] else { panic!("four parts") };
    match refused(&[one, three]) {
        CombinePartsError::Missing { missing, of: 4 } => assert_eq!(missing, [2, 4]),
        other => panic!("{other}"),
    }
    let error = refused(&[]);
    assert!(matches!(error, CombinePartsError::Missing { .. }), "{error}");
    match refused(&[one, two, three, two, four]) {
        CombinePartsError::Twice { part, indices: [1, 3] } => assert_eq!(part.number(), 2),
        other => panic!("{other}"),
    }
    let differs = |error: CombinePartsError, name: &str| match error {
        CombinePartsError::Differs { index: 3, what, .. } => assert_eq!(what, name),
        other => panic!("{other}"),
    };
    let eight = made(&model, levels("1..3"), part(4, 8)).unwrap();
    differs(refused(&[one, two, three, &eight]), "how many there are");
    // Most decide, wherever the odd one stands.
    let error = refused(&[&eight, two, three, four]);
    assert!(matches!(error, CombinePartsError::Differs { index: 0, .. }), "{error}");
    let others = made(&model, levels("2..3"), part(4, 4)).unwrap();
    differs(refused(&[one, two, three, &others]), "their levels");
    let stranger = Model::with_contributions(3, 2);
    let strange = made(&stranger, levels("1..3"), part(4, 4)).unwrap();
    differs(refused(&[one, two, three, &strange]), "the SHA-256 of their file");
    // All of another file, and of one of another power.
    let error = combined(&stranger, &good).unwrap_err();
    assert!(matches!(error, CombinePartsError::OtherInput { .. }), "{error}");
    let error = combined(&Model::with_contributions(4, 1), &good).unwrap_err();
    assert!(
        matches!(error, CombinePartsError::Differs { what: "the power of their file", .. }),
        "{error}"
    );
}

#[test]
fn what_is_wrong_with_a_part_is_said_before_it_is_made() {
    let model = Model::with_contributions(3, 1);
    let error = made(&model, levels("2..4"), part(1, 2)).unwrap_err();
    assert!(matches!(error, StepError::Levels { .. }), "{error}");
    let error = made(&model, levels("2"), part(1, 8)).unwrap_err();
    assert!(matches!(error, StepError::TooManyParts { found: 8, level: 2 }), "{error}");
    let error = made(&Model::new(3), levels("2"), part(1, 2)).unwrap_err();
    assert!(matches!(error, StepError::Check(_) | StepError::NobodyContributed), "{error}");
}

#[test]
fn a_part_that_is_not_what_its_header_says_is_refused() {
    let model = Model::with_contributions(3, 1);
    let good = made(&model, levels("1..3"), part(2, 4)).unwrap();
    let error = |bytes: Vec<u8>| BasesPart::open(Cursor::new(bytes)).unwrap_err();
    let stated = |at: usize, value: u32| {
        error(with_section(&good, 1, |header| {
            header[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }))
    };
    for (at, value) in
        [(36, 0), (36, 29), (36, 2), (40, 4), (44, 0), (48, 0), (48, 5), (52, 3), (52, 128)]
    {
        let found = stated(at, value);
        assert!(matches!(found, FormatError::Header { .. }), "{at} {value}: {found}");
    }
    // More parts than the last level has points.
    let many = stated(52, 16);
    assert!(matches!(many, FormatError::Header { what: "the number of parts", .. }), "{many}");
    // Another number of parts, or of levels, has other lengths.
    for (at, value) in [(52, 8), (52, 2), (40, 3), (44, 2)] {
        let found = stated(at, value);
        assert!(matches!(found, FormatError::SectionSize { .. }), "{at} {value}: {found}");
    }
    for id in [1, 12, 13, 14, 15] {
        let kept: Vec<_> = sections(&good).into_iter().filter(|(other, _)| *other != id).collect();
        let missing = error(assemble(&good, &kept));
        assert!(matches!(missing, FormatError::MissingSection { .. }), "{id}: {missing}");
    }
    for length in 0..good.len() {
        assert!(BasesPart::open(Cursor::new(&good[..length])).is_err(), "{length} bytes");
    }
    let header: PartHeader = *BasesPart::open(Cursor::new(&good)).unwrap().header();
    assert_eq!((header.levels, header.part), (levels("1..3"), part(2, 4)));
    assert_eq!(header.power, Power::new(3).unwrap());
}
