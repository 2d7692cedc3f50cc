//! Containers and files of points.

use std::io::Cursor;

use bn254_batch::Point;
use ceremony_core::entropy::{ContributionRng, VerifierRng};
use ceremony_core::format::bases_part::{BASES_PART, BasesPart, write_part_header};
use ceremony_core::format::container::{Container, ContainerKind, ContainerWriter};
use ceremony_core::format::encoding::encode;
use ceremony_core::format::points::PointRun;
use ceremony_core::format::ptau::{self, PTAU, Ptau};
use ceremony_core::format::r1cs::{Matrix, R1cs, Row, write_r1cs};
use ceremony_core::format::wtns::{read_wtns, write_wtns};
use ceremony_core::format::zkey::{self, ZKEY, Zkey};
use ceremony_core::hash::Blake2b512;
use ceremony_core::phase1::challenge_response::{contribute_challenge, import_response};
use ceremony_core::progress::NoProgress;

/// The file whose challenge the seeds of `response` answer.
const NEW_PTAU: &[u8] = include_bytes!("../../fuzz/seeds/ptau/good-new.ptau");

/// The bytes of a section; the table of sections covers the file without gap or overlap.
pub(crate) fn section(data: &[u8], kind: ContainerKind, id: u32) -> Option<&[u8]> {
    let container = Container::open(Cursor::new(data), kind).expect("opened before");
    let ids: Vec<u32> = container.ids().collect();
    let mut sections: Vec<_> = ids.iter().filter_map(|id| container.find(*id)).collect();
    sections.sort_by_key(|section| section.offset);
    let mut end = 12;
    for section in &sections {
        assert_eq!(section.offset, end + 12, "sections lie side by side");
        end = section.offset + section.size;
    }
    assert_eq!(end, data.len() as u64, "the last section ends with the file");
    let found = container.find(id)?;
    Some(&data[found.offset as usize..(found.offset + found.size) as usize])
}

/// One section, as a writer of the library writes it.
fn written(
    kind: ContainerKind,
    write: impl FnOnce(&mut ContainerWriter<Cursor<Vec<u8>>>) -> std::io::Result<()>,
    sections: u32,
) -> Vec<u8> {
    let mut out =
        ContainerWriter::new(Cursor::new(Vec::new()), kind, sections).expect("writing to memory");
    write(&mut out).expect("writing to memory");
    out.finish().expect("as many sections as announced").into_inner()
}

/// Points that are accepted are the encoding of what was read.
fn points<P: Point>(data: &[u8], run: &PointRun<P>, rng: &mut VerifierRng) -> bool {
    let read = run.read(&mut Cursor::new(data), rng, 0, run.len as usize);
    let Ok(points) = read else { return false };
    let (start, end) = (run.offset as usize, (run.offset + run.bytes()) as usize);
    assert!(encode(&points, run.encoding) == data[start..end], "one encoding per point");
    assert!(
        points.iter().all(|point| (run.infinity || !point.is_zero()) && point.in_subgroup()),
        "members of the group"
    );
    true
}

/// Header and records are the only encoding of what was understood, and so is every point.
pub fn ptau(data: &[u8]) -> bool {
    let Ok(file) = Ptau::open(Cursor::new(data)) else { return false };
    assert!(file.power() <= file.ceremony_power());
    let again =
        written(PTAU, |out| ptau::write_header(out, file.power(), file.ceremony_power()), 1);
    assert_eq!(section(data, PTAU, 1), section(&again, PTAU, 1), "header");
    let again = written(PTAU, |out| ptau::write_contributions(out, file.contributions()), 1);
    assert_eq!(section(data, PTAU, 7), section(&again, PTAU, 7), "records");
    let mut rng = VerifierRng::from_os().expect("randomness");
    let layout = file.accumulator();
    points(data, &layout.tau_g1, &mut rng);
    points(data, &layout.tau_g2, &mut rng);
    points(data, &layout.alpha_tau_g1, &mut rng);
    points(data, &layout.beta_tau_g1, &mut rng);
    points(data, &layout.beta_g2, &mut rng);
    if let Some(layout) = file.lagrange() {
        points(data, &layout.tau_g1, &mut rng);
        points(data, &layout.tau_g2, &mut rng);
        points(data, &layout.alpha_tau_g1, &mut rng);
        points(data, &layout.beta_tau_g1, &mut rng);
    }
    true
}

/// The header is the only encoding of what was understood, the points fill the file, and each is
/// the only encoding of its own.
pub fn bases_part(data: &[u8]) -> bool {
    let Ok(part) = BasesPart::open(Cursor::new(data)) else { return false };
    let (header, layout) = (part.header(), part.layout());
    let points_of_all = layout.points() * 64 + layout.tau_g2.len * 64;
    assert_eq!(12 + 5 * 12 + 88 + points_of_all, data.len() as u64);
    let (again, _) =
        write_part_header(Cursor::new(Vec::new()), header).expect("what was read can be written");
    let again = again.into_inner();
    assert_eq!(again.len(), data.len(), "as long as what was read");
    assert_eq!(section(data, BASES_PART, 1), section(&again, BASES_PART, 1), "header");
    let mut rng = VerifierRng::from_os().expect("randomness");
    points(data, &layout.tau_g1, &mut rng);
    points(data, &layout.tau_g2, &mut rng);
    points(data, &layout.alpha_tau_g1, &mut rng);
    points(data, &layout.beta_tau_g1, &mut rng);
    true
}

/// A circuit that is read to its end is written and read again as the same circuit, and writing it
/// once more changes no byte.
pub fn r1cs(data: &[u8]) -> bool {
    let Some((shape, rows)) = circuit(data) else { return false };
    let again = write_r1cs(Cursor::new(Vec::new()), shape, rows.clone())
        .expect("what was read can be written")
        .into_inner();
    let (same_shape, same_rows) = circuit(&again).expect("what was written can be read");
    assert_eq!((shape, &rows), (same_shape, &same_rows));
    let third = write_r1cs(Cursor::new(Vec::new()), same_shape, same_rows)
        .expect("what was read can be written")
        .into_inner();
    assert!(again == third, "writing is a fixed point");
    true
}

fn circuit(data: &[u8]) -> Option<(ceremony_core::format::r1cs::Shape, Vec<[Row; 3]>)> {
    let mut file = R1cs::open(Cursor::new(data)).ok()?;
    let shape = file.shape();
    // Each constraint takes twelve bytes at least, so their number is bounded by the file's length.
    assert!(u64::from(shape.constraints()) * 12 <= data.len() as u64);
    let mut rows = vec![[Row::new(), Row::new(), Row::new()]; shape.constraints() as usize];
    let mut terms = file.terms();
    while let Some(chunk) = terms.next_chunk().ok()? {
        for term in chunk {
            assert!(term.wire < shape.wires() && term.constraint < shape.constraints());
            let row = match term.matrix {
                Matrix::A => 0,
                Matrix::B => 1,
                Matrix::C => 2,
            };
            rows[term.constraint as usize][row].push((term.value, term.wire));
        }
    }
    Some((shape, rows))
}

/// As [`ptau()`]; the coefficients have their places inside the key.
pub fn zkey(data: &[u8]) -> bool {
    let Ok(mut file) = Zkey::open(Cursor::new(data)) else { return false };
    let header = *file.header();
    let again = written(ZKEY, |out| zkey::write_header(out, &header), 2);
    assert_eq!(section(data, ZKEY, 1), section(&again, ZKEY, 1), "proof system");
    assert_eq!(section(data, ZKEY, 2), section(&again, ZKEY, 2), "header");
    let again = written(
        ZKEY,
        |out| zkey::write_contributions(out, file.initial_key_hash(), file.contributions()),
        1,
    );
    assert_eq!(section(data, ZKEY, 10), section(&again, ZKEY, 10), "records");
    let mut start = 0;
    while let Ok(terms) = file.read_coefficients(start) {
        assert!(
            terms
                .iter()
                .all(|term| term.wire < header.wires
                    && u64::from(term.constraint) < header.power.n())
        );
        start += terms.len() as u64;
        if terms.is_empty() {
            assert_eq!(start, file.coefficients());
            break;
        }
    }
    let (layout, mut rng) = (file.layout(), VerifierRng::from_os().expect("randomness"));
    points(data, &layout.ic, &mut rng);
    points(data, &layout.a, &mut rng);
    points(data, &layout.b_g1, &mut rng);
    points(data, &layout.b_g2, &mut rng);
    points(data, &layout.l, &mut rng);
    points(data, &layout.h, &mut rng);
    true
}

/// Both sections are the only encoding of the values.
pub fn wtns(data: &[u8]) -> bool {
    let Ok(values) = read_wtns(Cursor::new(data)) else { return false };
    let again = write_wtns(Cursor::new(Vec::new()), &values)
        .expect("what was read can be written")
        .into_inner();
    for id in [1, 2] {
        assert_eq!(
            section(data, ceremony_core::format::wtns::WTNS, id),
            section(&again, ceremony_core::format::wtns::WTNS, id)
        );
    }
    true
}

/// What is accepted as a challenge is answered by a response of the right length that names the
/// file's own hash.
pub fn challenge(data: &[u8]) -> bool {
    let rng = ContributionRng::from_os_and_text(b"fuzz").expect("randomness");
    let mut response = Vec::new();
    let Ok((challenge, response_hash)) =
        contribute_challenge(Cursor::new(data), &mut response, rng, &NoProgress)
    else {
        return false;
    };
    assert_eq!(challenge.0, Blake2b512::digest(&[data]), "the challenge is the hash of the file");
    assert_eq!(
        response_hash.0,
        Blake2b512::digest(&[&response]),
        "the response hash is that of the response"
    );
    assert_eq!(response[..64], challenge.0);
    // 64 + 384 n + 64 bytes against 64 + 192 n + 32 + 768.
    assert_eq!(response.len(), 64 + (data.len() - 128) / 2 + 32 + 768);
    true
}

/// A response is imported only if it answers this very challenge; the record says the hash of
/// exactly these bytes.
pub fn response(data: &[u8]) -> bool {
    let mut input = Ptau::open(Cursor::new(NEW_PTAU)).expect("a good file");
    let mut output = Cursor::new(Vec::new());
    let Ok(record) = import_response(&mut input, Cursor::new(data), &mut output, None, &NoProgress)
    else {
        return false;
    };
    assert_eq!(
        record.response_hash().0,
        Blake2b512::digest(&[data]),
        "what was imported is what was hashed"
    );
    let output = output.into_inner();
    let written = Ptau::open(Cursor::new(&output)).expect("what was written can be read");
    assert_eq!(written.contributions(), [record]);
    assert!(ptau(&output));
    true
}
