//! Every structural defect of `.r1cs`, `.zkey` and `.wtns` files is refused when the file is opened
//! or read.

use std::io::Cursor;

use bn254_batch::curve::{FR_MODULUS, Fr};
use ceremony_core::format::r1cs::{Matrix, R1cs, Row, Shape, Term, write_r1cs};
use ceremony_core::format::wtns::{read_wtns, write_wtns};
use ceremony_core::format::zkey::Zkey;
use ceremony_core::format::{FormatError, TermDefect};
use ceremony_core::limits::{CHUNK_POINTS, CHUNK_TERMS};
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::progress::NoProgress;
use testkit::forge::{Step, assemble, sections, with_section};
use testkit::known_tau;

fn fr(v: u64) -> Fr {
    Fr::from(v)
}

/// Wires: one, output, input, private. Constraints: w2 w3 = w1, (2 + w1) (-1) = 5 w3.
fn circuit() -> Vec<u8> {
    let constraints = [
        [vec![(fr(1), 2)], vec![(fr(1), 3)], vec![(fr(1), 1)]],
        [vec![(fr(2), 0), (fr(1), 1)], vec![(-fr(1), 0)], vec![(fr(5), 3)]],
    ];
    write_r1cs(Cursor::new(Vec::new()), Shape::new(4, 1, 1, 1, 2).unwrap(), constraints)
        .unwrap()
        .into_inner()
}

fn terms(bytes: &[u8]) -> Result<Vec<Term>, FormatError> {
    let mut r1cs = R1cs::open(Cursor::new(bytes))?;
    let mut terms = r1cs.terms();
    let mut all = Vec::new();
    while let Some(chunk) = terms.next_chunk()? {
        assert!(chunk.len() <= CHUNK_TERMS);
        all.extend(chunk);
    }
    Ok(all)
}

/// A key of the circuit, with one contribution.
fn key() -> Vec<u8> {
    let ptau = known_tau::prepared(3, known_tau::secrets("structure"), known_tau::participant());
    let mut out = Cursor::new(Vec::new());
    let mut r1cs = R1cs::open(Cursor::new(circuit())).unwrap();
    new_key(
        &mut r1cs,
        &mut ceremony_core::format::ptau::Ptau::open(Cursor::new(ptau)).unwrap(),
        &mut out,
        &NoProgress,
    )
    .unwrap();
    Step::honest("structure").apply(&out.into_inner())
}

fn coefficients(bytes: &[u8]) -> Result<Vec<Term>, FormatError> {
    let mut key = Zkey::open(Cursor::new(bytes))?;
    key.read_coefficients(0)
}

fn put(at: usize, bytes: &[u8]) -> impl FnOnce(&mut Vec<u8>) {
    move |section| section[at..at + bytes.len()].copy_from_slice(bytes)
}

fn r_bytes() -> Vec<u8> {
    FR_MODULUS.0.iter().flat_map(|l| l.to_le_bytes()).collect()
}

#[test]
fn a_written_circuit_reads_back_term_by_term() {
    let terms = terms(&circuit()).unwrap();
    let term = |matrix, constraint, wire, value| Term { matrix, constraint, wire, value };
    let (a, b, c) = (Matrix::A, Matrix::B, Matrix::C);
    assert_eq!(
        terms,
        [
            term(a, 0, 2, fr(1)),
            term(b, 0, 3, fr(1)),
            term(c, 0, 1, fr(1)),
            term(a, 1, 0, fr(2)),
            term(a, 1, 1, fr(1)),
            term(b, 1, 0, -fr(1)),
            term(c, 1, 3, fr(5)),
        ]
    );
    let shape = R1cs::open(Cursor::new(circuit())).unwrap().shape();
    assert_eq!(
        (
            shape.wires(),
            shape.outputs(),
            shape.public(),
            shape.private_inputs(),
            shape.constraints()
        ),
        (4, 1, 2, 1, 2)
    );
    assert_eq!(shape.power().exponent(), 3);
}

#[test]
fn a_circuit_is_not_written_with_fewer_constraints_than_it_declares() {
    let shape = Shape::new(4, 1, 1, 1, 2).unwrap();
    assert!(write_r1cs(Cursor::new(Vec::new()), shape, [[vec![], vec![], vec![]]]).is_err());
}

#[test]
fn chunks_join_where_a_combination_or_a_run_of_constraints_is_longer_than_one() {
    // One combination of more terms than a chunk has, then more constraints than one has, most of
    // them without terms.
    let long: Row = (0..CHUNK_TERMS as u64 + 5).map(|i| (fr(i + 1), (i % 7) as u32)).collect();
    let n = CHUNK_POINTS + 10;
    let constraints = (0..n).map(|i| match i {
        0 => [long.clone(), vec![], vec![(fr(1), 1)]],
        i if i == n - 1 => [vec![], vec![(fr(9), 6)], vec![]],
        _ => [vec![], vec![], vec![]],
    });
    let bytes =
        write_r1cs(Cursor::new(Vec::new()), Shape::new(7, 0, 1, 0, n as u32).unwrap(), constraints)
            .unwrap()
            .into_inner();
    let terms = terms(&bytes).unwrap();
    assert_eq!(terms.len(), long.len() + 2);
    assert!(terms.iter().zip(&long).all(|(t, (value, wire))| (
        t.matrix,
        t.constraint,
        t.value,
        t.wire
    ) == (Matrix::A, 0, *value, *wire)));
    assert_eq!(
        terms[terms.len() - 1],
        Term { matrix: Matrix::B, constraint: n as u32 - 1, wire: 6, value: fr(9) }
    );
}

#[test]
fn a_circuit_truncated_at_any_byte_is_refused() {
    let bytes = circuit();
    for length in 0..bytes.len() {
        assert!(R1cs::open(Cursor::new(&bytes[..length])).is_err(), "{length}");
    }
}

#[test]
fn a_section_of_constraints_that_ends_early_or_late_is_refused() {
    let whole = sections(&circuit()).into_iter().find(|(id, _)| *id == 2).unwrap().1;
    for length in 0..whole.len() {
        assert!(terms(&with_section(&circuit(), 2, |s| s.truncate(length))).is_err(), "{length}");
    }
    let error = terms(&with_section(&circuit(), 2, |s| s.extend([0; 4]))).unwrap_err();
    assert!(matches!(error, FormatError::SectionSize { id: 2, .. }), "{error}");
}

#[test]
fn a_count_of_terms_beyond_the_section_is_refused_before_anything_is_allocated() {
    let error = terms(&with_section(&circuit(), 2, put(0, &u32::MAX.to_le_bytes()))).unwrap_err();
    assert!(
        matches!(
            error,
            FormatError::Term {
                constraint: 0,
                matrix: Matrix::A,
                defect: TermDefect::PastEnd { .. }
            }
        ),
        "{error}"
    );
}

#[test]
fn a_wire_out_of_range_is_refused() {
    let error = terms(&with_section(&circuit(), 2, put(4, &4u32.to_le_bytes()))).unwrap_err();
    assert!(
        matches!(error, FormatError::Term { defect: TermDefect::Wire { found: 4, wires: 4 }, .. }),
        "{error}"
    );
}

#[test]
fn a_coefficient_that_is_not_below_r_is_refused() {
    let error = terms(&with_section(&circuit(), 2, put(8, &r_bytes()))).unwrap_err();
    assert!(
        matches!(
            error,
            FormatError::Term {
                constraint: 0,
                matrix: Matrix::A,
                defect: TermDefect::NotCanonical
            }
        ),
        "{error}"
    );
}

#[test]
fn of_several_defects_of_terms_the_first_is_told() {
    // Terms of the first constraint: A's wire and value at 4 and 8, B's at 44 and 48.
    let both = |wire_at, value_at| {
        let edit = |section: &mut Vec<u8>| {
            put(wire_at, &4u32.to_le_bytes())(section);
            put(value_at, &r_bytes())(section);
        };
        match terms(&with_section(&circuit(), 2, edit)).unwrap_err() {
            FormatError::Term { constraint: 0, matrix, defect } => (matrix, defect),
            error => panic!("{error}"),
        }
    };
    let wire = TermDefect::Wire { found: 4, wires: 4 };
    assert_eq!(both(44, 8), (Matrix::A, TermDefect::NotCanonical));
    assert_eq!(both(44, 48), (Matrix::B, wire));
    assert_eq!(both(4, 48), (Matrix::A, TermDefect::Wire { found: 4, wires: 4 }));
}

#[test]
fn custom_gates_are_refused() {
    for id in [4, 5] {
        let mut sections = sections(&circuit());
        sections.push((id, vec![]));
        let error = R1cs::open(Cursor::new(assemble(&circuit(), &sections))).unwrap_err();
        assert!(matches!(error, FormatError::CustomGates), "{error}");
    }
}

#[test]
fn a_circuit_whose_header_contradicts_itself_or_its_sections_is_refused() {
    let with = |at: usize, bytes: &[u8]| {
        R1cs::open(Cursor::new(with_section(&circuit(), 1, put(at, bytes))))
            .unwrap_err()
            .to_string()
    };
    assert!(with(0, &[31]).contains("size of a field element"));
    assert!(with(4, &[2]).contains("scalar field's modulus"));
    assert!(
        with(36, &3u32.to_le_bytes()).contains("number of wires"),
        "fewer wires than named ones"
    );
    assert!(with(36, &5u32.to_le_bytes()).contains("section 3"), "more wires than labels");
    assert!(with(40, &u32::MAX.to_le_bytes()).contains("number of wires"), "outputs");
    assert!(with(44, &u32::MAX.to_le_bytes()).contains("number of wires"), "public inputs");
    assert!(with(48, &u32::MAX.to_le_bytes()).contains("number of wires"), "private inputs");
    assert!(with(60, &0u32.to_le_bytes()).contains("no constraints"));
    assert!(with(60, &(1u32 << 28).to_le_bytes()).contains("number of constraints"));
    assert!(
        with(60, &1000u32.to_le_bytes()).contains("section 2"),
        "a section too short for its constraints"
    );
    assert!(terms(&with_section(&circuit(), 1, put(60, &3u32.to_le_bytes()))).is_err());
    assert!(terms(&with_section(&circuit(), 1, put(60, &1u32.to_le_bytes()))).is_err());
    for id in [1, 2, 3] {
        let rest: Vec<_> = sections(&circuit()).into_iter().filter(|(i, _)| *i != id).collect();
        let error = R1cs::open(Cursor::new(assemble(&circuit(), &rest))).unwrap_err();
        assert!(matches!(error, FormatError::MissingSection { id: i } if i == id), "{error}");
    }
}

#[test]
fn the_largest_counts_that_a_shape_takes() {
    assert_eq!(Shape::new(1, 0, 0, 0, 1).unwrap().power().exponent(), 1);
    assert_eq!(Shape::new(1, 0, 0, 0, (1 << 28) - 1).unwrap().power().exponent(), 28);
    assert!(Shape::new(1, 0, 0, 0, 1 << 28).is_err());
    assert!(Shape::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX, 1).is_err());
}

#[test]
fn a_witness_reads_back_and_its_defects_are_refused() {
    let values = [fr(1), -fr(1), fr(77)];
    let bytes = write_wtns(Cursor::new(Vec::new()), &values).unwrap().into_inner();
    assert_eq!(read_wtns(Cursor::new(&bytes)).unwrap(), values);
    for length in 0..bytes.len() {
        assert!(read_wtns(Cursor::new(&bytes[..length])).is_err(), "{length}");
    }
    assert!(read_wtns(Cursor::new([&bytes[..], &[0]].concat())).is_err());
    let error = read_wtns(Cursor::new(with_section(&bytes, 2, put(64, &r_bytes())))).unwrap_err();
    assert!(matches!(error, FormatError::WitnessValue { index: 2 }), "{error}");
    let error = read_wtns(Cursor::new(with_section(&bytes, 1, put(36, &u32::MAX.to_le_bytes()))))
        .unwrap_err();
    assert!(matches!(error, FormatError::SectionSize { id: 2, .. }), "{error}");
}

#[test]
fn a_key_truncated_at_any_byte_is_refused() {
    let bytes = key();
    for length in 0..bytes.len() {
        assert!(Zkey::open(Cursor::new(&bytes[..length])).is_err(), "{length}");
    }
    assert!(Zkey::open(Cursor::new([&bytes[..], &[0]].concat())).is_err());
}

#[test]
fn each_section_of_a_key_has_exactly_its_size() {
    let good = key();
    for id in 1..=10 {
        for alter in [|s: &mut Vec<u8>| s.push(0), |s: &mut Vec<u8>| s.truncate(s.len() - 1)] {
            assert!(
                Zkey::open(Cursor::new(with_section(&good, id, alter))).is_err(),
                "section {id}"
            );
        }
        let rest: Vec<_> = sections(&good).into_iter().filter(|(i, _)| *i != id).collect();
        let error = Zkey::open(Cursor::new(assemble(&good, &rest))).unwrap_err();
        assert!(matches!(error, FormatError::MissingSection { id: i } if i == id), "{error}");
    }
}

#[test]
fn a_key_whose_header_contradicts_itself_is_refused() {
    let with = |at: usize, bytes: &[u8]| {
        Zkey::open(Cursor::new(with_section(&key(), 2, put(at, bytes)))).unwrap_err().to_string()
    };
    assert!(with(0, &[31]).contains("size of a field element"));
    assert!(with(4, &[1]).contains("base field's modulus"));
    assert!(with(36, &[31]).contains("size of a field element"));
    assert!(with(40, &[2]).contains("scalar field's modulus"));
    assert!(
        with(76, &4u32.to_le_bytes()).contains("number of wires"),
        "no wire but public ones and not even one"
    );
    assert!(with(80, &0u32.to_le_bytes()).contains("domain"));
    assert!(with(80, &1u32.to_le_bytes()).contains("domain"));
    assert!(with(80, &12u32.to_le_bytes()).contains("domain"));
    assert!(with(80, &(1u32 << 29).to_le_bytes()).contains("domain"));
    assert!(with(84, &[1]).contains("[alpha]1"), "off the curve");
    let protocol = Zkey::open(Cursor::new(with_section(&key(), 1, put(0, &[2])))).unwrap_err();
    assert!(protocol.to_string().contains("proof system"), "{protocol}");
}

#[test]
fn coefficients_of_a_key_read_back_as_the_circuits() {
    let found = coefficients(&key()).unwrap();
    let mut expected: Vec<Term> =
        terms(&circuit()).unwrap().into_iter().filter(|t| t.matrix != Matrix::C).collect();
    expected.extend((0..3).map(|wire| Term {
        matrix: Matrix::A,
        constraint: 2 + wire,
        wire,
        value: fr(1),
    }));
    assert_eq!(found, expected);
}

#[test]
fn coefficients_out_of_range_are_refused() {
    let with =
        |at: usize, bytes: &[u8]| match coefficients(&with_section(&key(), 4, put(4 + at, bytes)))
            .unwrap_err()
        {
            FormatError::Coefficient { index: 0, defect } => defect,
            error => panic!("{error}"),
        };
    assert_eq!(with(0, &2u32.to_le_bytes()), TermDefect::Matrix(2));
    assert_eq!(with(4, &8u32.to_le_bytes()), TermDefect::Row { found: 8, rows: 8 });
    assert_eq!(with(8, &4u32.to_le_bytes()), TermDefect::Wire { found: 4, wires: 4 });
    assert_eq!(with(12, &r_bytes()), TermDefect::NotCanonical);
}

#[test]
fn records_of_a_key_that_cannot_be_read_are_refused() {
    let with = |at: usize, bytes: &[u8]| {
        Zkey::open(Cursor::new(with_section(&key(), 10, put(at, bytes)))).unwrap_err().to_string()
    };
    assert!(with(64, &2u32.to_le_bytes()).contains("contribution 2"));
    assert!(with(64, &0u32.to_le_bytes()).contains("section 10"));
    assert!(with(64, &u32::MAX.to_le_bytes()).contains("too many contributions"));
    assert!(with(68, &[0; 64]).contains("infinity"), "delta");
    assert!(with(68 + 64, &[0; 64]).contains("infinity"), "s");
    assert!(with(68 + 128, &[0; 64]).contains("infinity"), "sx");
    assert!(with(68 + 192, &[0; 128]).contains("infinity"), "spx");
    assert!(with(68 + 384, &2u32.to_le_bytes()).contains("unknown type"));
    assert!(with(68 + 384, &1u32.to_le_bytes()).contains("beacon lacks"));
    assert!(with(68 + 388, &u32::MAX.to_le_bytes()).contains("too many parameter bytes"));
}

#[test]
fn a_key_of_version_2_is_read() {
    let mut bytes = key();
    bytes[4] = 2;
    Zkey::open(Cursor::new(&bytes)).unwrap();
    bytes[4] = 3;
    assert!(matches!(Zkey::open(Cursor::new(&bytes)), Err(FormatError::Version { found: 3, .. })));
}
