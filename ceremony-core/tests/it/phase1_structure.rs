//! Every structural defect of a `.ptau` is refused when the file is opened or its points are read,
//! with what was found and expected.

use std::io::Cursor;

use ceremony_core::format::FormatError;
use ceremony_core::format::encoding::PointDefect;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::phase1::verify::{Expectations, VerifyError, verify};
use ceremony_core::progress::NoProgress;
use testkit::ptau::{Model, outside_the_subgroup};

fn open(bytes: &[u8]) -> Result<(), FormatError> {
    Ptau::open(Cursor::new(bytes.to_vec())).map(drop)
}

fn refusal(bytes: &[u8]) -> String {
    open(bytes).expect_err("the file is refused").to_string()
}

/// Section id -> (position of its table entry, size of its data).
fn sections(bytes: &[u8]) -> Vec<(u32, usize, usize)> {
    let mut at = 12;
    let mut found = Vec::new();
    while at < bytes.len() {
        let id = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let size = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
        found.push((id, at, size));
        at += 12 + size;
    }
    found
}

fn section(bytes: &[u8], id: u32) -> (usize, usize) {
    sections(bytes).into_iter().find(|s| s.0 == id).map(|(_, at, size)| (at, size)).unwrap()
}

fn good() -> Vec<u8> {
    let mut model = Model::with_contributions(1, 1);
    model.prepare();
    model.bytes()
}

#[test]
fn a_good_file_opens() {
    open(&good()).unwrap();
}

#[test]
fn truncation_at_every_byte_is_refused() {
    let bytes = good();
    for length in 0..bytes.len() {
        let message = refusal(&bytes[..length]);
        assert!(
            message.contains("truncated")
                || message.contains("past the end")
                // Of less than its magic nothing is left to recognise it by.
                || (length < 4 && message.contains("another kind of file")),
            "{length}: {message}"
        );
    }
}

#[test]
fn a_section_past_the_end_is_refused() {
    let mut bytes = good();
    let (at, size) = section(&bytes, 7);
    bytes[at + 4..at + 12].copy_from_slice(&(size as u64 + 1).to_le_bytes());
    assert!(refusal(&bytes).contains("section 7 reaches past the end of the file"));
    bytes[at + 4..at + 12].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(refusal(&bytes).contains("section 7 reaches past the end of the file"));
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = good();
    bytes.push(0);
    assert!(refusal(&bytes).contains("1 bytes follow the last section"));
}

#[test]
fn a_duplicate_section_is_refused() {
    let mut bytes = good();
    let (at, _) = section(&bytes, 15);
    bytes[at..at + 4].copy_from_slice(&14u32.to_le_bytes());
    assert!(refusal(&bytes).contains("section 14 occurs twice"));
}

#[test]
fn an_unknown_section_is_refused() {
    let mut bytes = good();
    let (at, _) = section(&bytes, 15);
    bytes[at..at + 4].copy_from_slice(&16u32.to_le_bytes());
    assert!(refusal(&bytes).contains("unknown section 16"));
}

#[test]
fn a_missing_section_is_refused() {
    for id in [1u32, 2, 3, 4, 5, 6, 7] {
        let bytes = without(&good(), id);
        assert!(refusal(&bytes).contains(&format!("section {id} is missing")));
    }
}

#[test]
fn lagrange_sections_come_together_or_not_at_all() {
    for id in [12u32, 13, 14, 15] {
        assert!(refusal(&without(&good(), id)).contains("sections 12 to 15 belong together"));
    }
}

fn without(bytes: &[u8], id: u32) -> Vec<u8> {
    let mut out = bytes[..12].to_vec();
    let all = sections(bytes);
    out[8..12].copy_from_slice(&(all.len() as u32 - 1).to_le_bytes());
    for (_, at, size) in all.into_iter().filter(|s| s.0 != id) {
        out.extend(&bytes[at..at + 12 + size]);
    }
    out
}

/// The file with `extra` bytes more (or fewer) in a section, table and length consistent.
fn resized(bytes: &[u8], id: u32, extra: isize) -> Vec<u8> {
    let (at, size) = section(bytes, id);
    let new = size.checked_add_signed(extra).unwrap();
    let mut data = bytes[at + 12..at + 12 + size].to_vec();
    data.resize(new, 0);
    let mut out = bytes[..at + 4].to_vec();
    out.extend((new as u64).to_le_bytes());
    out.extend(data);
    out.extend(&bytes[at + 12 + size..]);
    out
}

#[test]
fn a_section_of_the_wrong_size_is_refused() {
    for (id, point) in [
        (1u32, 1isize),
        (2, 64),
        (3, 128),
        (4, 64),
        (5, 64),
        (6, 128),
        (12, 64),
        (13, 128),
        (14, 64),
        (15, 64),
    ] {
        for extra in [point, -point, 1, -1] {
            let message = refusal(&resized(&good(), id, extra));
            assert!(
                message.contains(&format!("section {id} has the wrong size")),
                "{id} {extra}: {message}"
            );
        }
    }
}

#[test]
fn surplus_or_missing_bytes_in_the_records_are_refused() {
    assert!(refusal(&resized(&good(), 7, 1)).contains("section 7 has the wrong size"));
    assert!(refusal(&resized(&good(), 7, -1)).contains("truncated"));
    let mut bytes = resized(&good(), 7, 0);
    let (at, _) = section(&bytes, 7);
    bytes[at + 12] = 2;
    assert!(refusal(&bytes).contains("contribution 2: the record is truncated"));
    bytes[at + 12..at + 16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refusal(&bytes).contains("too many contributions"));
    assert!(refusal(&resized(&without_records(), 7, -2)).contains("section 7 has the wrong size"));
}

fn without_records() -> Vec<u8> {
    Model::new(1).bytes()
}

fn with_byte(at: usize, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = good();
    change(&mut bytes[at..]);
    bytes
}

#[test]
fn another_magic_version_or_section_count_is_refused() {
    assert!(refusal(&with_byte(0, |b| b[0] = b'z')).contains("another kind of file"));
    assert!(refusal(&with_byte(4, |b| b[0] = 2)).contains("unsupported version"));
    assert!(refusal(&with_byte(8, |b| b[..4].fill(0xff))).contains("too many sections"));
    assert!(refusal(&with_byte(8, |b| b[0] = 12)).contains("truncated"));
    assert!(refusal(&with_byte(8, |b| b[0] = 10)).contains("follow the last section"));
}

#[test]
fn another_field_or_power_is_refused() {
    let (at, _) = section(&good(), 1);
    let data = at + 12;
    assert!(refusal(&with_byte(data, |b| b[0] = 48)).contains("the size of a field element"));
    assert!(refusal(&with_byte(data + 4, |b| b[0] ^= 1)).contains("the base field's modulus"));
    assert!(refusal(&with_byte(data + 36, |b| b[0] = 0)).contains("expected 1 to 28"));
    assert!(refusal(&with_byte(data + 36, |b| b[0] = 29)).contains("expected 1 to 28"));
    assert!(refusal(&with_byte(data + 36, |b| b[..4].fill(0xff))).contains("expected 1 to 28"));
    assert!(refusal(&with_byte(data + 40, |b| b[0] = 29)).contains("expected 1 to 28"));
    assert!(refusal(&with_byte(data + 36, |b| b[0] = 2)).contains("at most the ceremony's power"));
    assert!(
        refusal(&with_byte(data + 36, |b| b[..8].copy_from_slice(&[2, 0, 0, 0, 2, 0, 0, 0])))
            .contains("wrong size")
    );
}

/// Where each run of points begins, its element size, and how many there are.
fn runs(bytes: &[u8]) -> Vec<(u32, usize, usize, usize)> {
    [2u32, 3, 4, 5, 6, 12, 13, 14, 15]
        .into_iter()
        .map(|id| {
            let (at, size) = section(bytes, id);
            let element = if matches!(id, 3 | 6 | 13) { 128 } else { 64 };
            (id, at + 12, element, size / element)
        })
        .collect()
}

fn verification_error(bytes: Vec<u8>) -> VerifyError {
    verify(Cursor::new(bytes), &Expectations::default(), &NoProgress)
        .map(drop)
        .expect_err("the file is refused")
}

/// Puts `point` in the place of the first, middle and last element of every section and expects the
/// same defect each time.
fn each_element(replace: impl Fn(usize) -> Vec<u8>, expected: PointDefect) {
    let bytes = good();
    for (id, data, element, count) in runs(&bytes) {
        for index in [0, count / 2, count - 1] {
            let at = data + index * element;
            let mut altered = bytes.clone();
            altered[at..at + element].copy_from_slice(&replace(element));
            match verification_error(altered) {
                VerifyError::Format(FormatError::Point {
                    section, index: found, defect, ..
                }) => {
                    assert_eq!((section, found, defect), (id, index as u64, expected));
                }
                other => panic!("section {id} element {index}: {other}"),
            }
        }
    }
}

#[test]
fn a_coordinate_not_below_the_modulus_is_refused_everywhere() {
    each_element(
        |element| {
            let mut bytes = vec![0; element];
            bytes[element - 32..].fill(0xff);
            bytes
        },
        PointDefect::NotCanonical,
    );
}

#[test]
fn a_point_off_the_curve_is_refused_everywhere() {
    each_element(
        |element| {
            let mut bytes = vec![0; element];
            bytes[0] = 1;
            bytes
        },
        PointDefect::NotOnCurve,
    );
}

#[test]
fn infinity_is_refused_everywhere() {
    each_element(|element| vec![0; element], PointDefect::Infinity);
}

#[test]
fn a_g2_point_outside_the_subgroup_is_refused_everywhere() {
    use ceremony_core::format::encoding::{Encoding, encode};
    let bad = encode(&[outside_the_subgroup()], Encoding::Montgomery);
    let bytes = good();
    for (id, data, element, count) in runs(&bytes).into_iter().filter(|r| r.2 == 128) {
        for index in [0, count / 2, count - 1] {
            let at = data + index * element;
            let mut altered = bytes.clone();
            altered[at..at + 128].copy_from_slice(&bad);
            let error = verification_error(altered).to_string();
            assert!(error.contains(&format!("section {id} ")), "{error}");
            assert!(error.contains("outside the subgroup"), "{error}");
        }
    }
}

#[test]
fn one_g2_point_outside_the_subgroup_among_many_is_named() {
    let mut model = Model::with_contributions(6, 1);
    model.tau_g2[37] = outside_the_subgroup();
    let error = verification_error(model.bytes()).to_string();
    assert_eq!(
        error,
        "section 3 ([tau^i]2) element 37: the point is outside the subgroup of order r"
    );
}

#[test]
fn points_of_a_record_are_checked_like_all_others() {
    use ceremony_core::format::encoding::{Encoding, encode};
    let names = [
        ("[tau]1", 64),
        ("[tau]2", 128),
        ("[alpha]1", 64),
        ("[beta]1", 64),
        ("[beta]2", 128),
        ("tau's s", 64),
        ("tau's sx", 64),
        ("alpha's s", 64),
        ("alpha's sx", 64),
        ("beta's s", 64),
        ("beta's sx", 64),
        ("tau's spx", 128),
        ("alpha's spx", 128),
        ("beta's spx", 128),
    ];
    let bytes = good();
    let mut at = section(&bytes, 7).0 + 12 + 4;
    for (name, size) in names {
        let with = |point: &[u8]| {
            let mut altered = bytes.clone();
            altered[at..at + size].copy_from_slice(point);
            refusal(&altered)
        };
        let (mut off_curve, mut too_large) = (vec![0; size], vec![0; size]);
        off_curve[0] = 1;
        too_large[size - 32..].fill(0xff);
        assert_eq!(
            with(&vec![0; size]),
            format!("contribution 1: {name}: the point is infinity, which is not allowed here")
        );
        assert_eq!(
            with(&off_curve),
            format!("contribution 1: {name}: the point is not on its curve")
        );
        assert_eq!(
            with(&too_large),
            format!("contribution 1: {name}: a coordinate is not below the field's modulus")
        );
        if size == 128 {
            let bad = encode(&[outside_the_subgroup()], Encoding::Montgomery);
            assert_eq!(
                with(&bad),
                format!("contribution 1: {name}: the point is outside the subgroup of order r")
            );
        }
        at += size;
    }
}

#[test]
fn a_hash_state_with_other_counters_is_refused() {
    let bytes = good();
    let state = section(&bytes, 7).0 + 12 + 4 + 448 + 768;
    for (at, byte) in [(192, 1), (192, 0xff), (199, 1), (200, 1), (200, 129), (207, 1)] {
        let mut altered = bytes.clone();
        altered[state + at] ^= byte;
        assert!(refusal(&altered).contains("hash state after the wrong number of bytes"), "{at}");
    }
}

/// A file whose only record ends with this type and these parameters.
fn with_origin(kind: u32, length: u32, parameters: &[u8]) -> Vec<u8> {
    let bytes = Model::with_contributions(1, 1).bytes();
    let (at, _) = section(&bytes, 7);
    let mut data = bytes[at + 12..at + 12 + 4 + 448 + 768 + 216 + 64].to_vec();
    data.extend(kind.to_le_bytes());
    data.extend(length.to_le_bytes());
    data.extend(parameters);
    let mut out = bytes[..at + 4].to_vec();
    out.extend((data.len() as u64).to_le_bytes());
    out.extend(data);
    out
}

#[test]
fn parameters_are_read_strictly() {
    let refuse =
        |kind, parameters: &[u8]| refusal(&with_origin(kind, parameters.len() as u32, parameters));
    open(&with_origin(0, 0, &[])).unwrap();
    open(&with_origin(0, 3, &[1, 1, b'x'])).unwrap();
    open(&with_origin(1, 5, &[2, 10, 3, 1, 7])).unwrap();
    assert!(refuse(2, &[]).contains("unknown type"));
    assert!(refuse(0, &[1]).contains("a value is missing"));
    assert!(refuse(0, &[1, 2, b'x']).contains("a value reaches past the end"));
    assert!(refuse(0, &[1, 1, b'x', 1, 1, b'y']).contains("not strictly ascending"));
    assert!(refuse(1, &[3, 1, 7, 2, 10]).contains("not strictly ascending"));
    assert!(refuse(0, &[0, 0]).contains("not strictly ascending"));
    assert!(refuse(0, &[4, 0]).contains("unknown id"));
    assert!(refuse(0, &[1, 1, 0xff]).contains("not UTF-8"));
    assert!(refuse(0, &[&[1, 65][..], &[b'x'; 65]].concat()).contains("more than 64"));
    assert!(refusal(&with_origin(0, 517, &[0; 517])).contains("too many parameter bytes"));
    assert!(refusal(&with_origin(0, 4, &[])).contains("truncated"));
    assert!(refusal(&with_origin(0, 0, &[1])).contains("section 7 has the wrong size"));
}

#[test]
fn a_beacon_relabelled_as_a_contribution_is_refused() {
    let message = refusal(&with_origin(0, 5, &[2, 10, 3, 1, 7]));
    assert!(message.contains("a contribution has the parameters of a beacon"), "{message}");
}

#[test]
fn a_contribution_relabelled_as_a_beacon_without_a_value_is_refused() {
    let message = refusal(&with_origin(1, 0, &[]));
    assert!(message.contains("a beacon lacks its value or exponent"), "{message}");
    assert!(refusal(&with_origin(1, 2, &[2, 10])).contains("a beacon lacks its value or exponent"));
    assert!(
        refusal(&with_origin(1, 3, &[3, 1, 7])).contains("a beacon lacks its value or exponent")
    );
}

#[test]
fn beacon_exponent_63_in_a_record_is_refused_before_anything_is_hashed() {
    for exponent in [0, 9, 31, 63, 255] {
        let message = refusal(&with_origin(1, 5, &[2, exponent, 3, 1, 7]));
        assert!(message.contains("beacon exponent out of range"), "{message}");
    }
    assert!(
        refusal(&with_origin(1, 4, &[2, 10, 3, 0])).contains("beacon value of the wrong length")
    );
}

#[test]
fn names_are_cut_and_cleaned() {
    use ceremony_core::format::record::ContributorName;
    assert_eq!(ContributorName::new(&"x".repeat(100)).cleaned().len(), 64);
    assert_eq!(
        ContributorName::new(&"\u{1f980}".repeat(40)).cleaned().chars().count(),
        32,
        "a crab is two UTF-16 units"
    );
    assert_eq!(
        ContributorName::new("a\x1b[31m\u{202e}b\n").cleaned(),
        "a\u{fffd}[31m\u{fffd}b\u{fffd}"
    );
}
