//! Checks that a `.zkey` is the key of a circuit, made from a verified phase 1 by the contributions
//! that it records (BGM17, section 7.3).
//!
//! With the initial key (IC, A, B, L, H at delta = 1) rebuilt from circuit and phase 1, R_i =
//! hash_to_g2(transcript_i), and records (delta_i, s_i, sx_i, spx_i), delta_0 = 1:
//!
//! - `e(s_i, spx_i) = e(sx_i, R_i)` and `e([delta_(i-1)]1, spx_i) = e([delta_i]1, R_i)`: the author
//!   of record i knew the factor;
//! - `e([delta]1, [1]2) = e([1]1, [delta]2)` for the key's delta, which is the last record's;
//! - `e(L'_j, [delta]2) = e(L_j, [1]2)`, `e(H'_j, [delta]2) = e(H_j, [1]2)`, each by one random
//!   combination (see [`crate::ratio`]; `h_query` has the one exception of H);
//! - everything else is the initial key's, byte for byte.
//!
//! So delta is a product with one factor that only an honest contributor knew, and nothing else in
//! the key depends on it. The numbers of the checks are those of docs/formats.md, section 7. A
//! failed check stops the verification before the next stage: the records (`records`) are cheap to
//! check, the initial key is not.
//!
//! No initial key is taken from anywhere. [`verify_from`] compares with an earlier key of the same
//! chain instead, which is as good as the verification of that key was, and a [`Predecessor`] does
//! so without reading that key again.

use std::io::{Read, Seek};

use bn254_batch::curve::{G1Affine, G2_GENERATOR};

use super::compared::{
    Compared, compare_points, compare_sizes, digests, hashed, unread, with_digests,
};
use super::error::SetupError;
pub use super::error::VerifyError;
pub use super::expectations::Expectations;
use super::follow::Collector;
pub use super::follow::{Predecessor, verify_from};
use super::initial_key::{Chunk, InitialKey, Sink};
use super::records::check_records;
use super::report::Findings;
pub use super::report::{Check, ContributionSummary, Digests, Failure, Outcome, Remark, Report};
use crate::entropy::{CoefficientSeed, VerifierRng};
use crate::format::FormatError;
use crate::format::bound_file::{RecheckedFile, StreamHashedFile};
use crate::format::container::{Section, read_at};
use crate::format::encoding::{Encoding, encode};
use crate::format::points::PointRun;
use crate::format::ptau::Ptau;
use crate::format::r1cs::R1cs;
use crate::format::scratch::Scratch;
use crate::format::zkey::{Contribution, Header, Zkey, section};
use crate::hash::FileSha256;
use crate::progress::{NoProgress, Progress, SubProgress};
use crate::ratio::Ratio;

/// Verifies a key from its circuit and its phase 1. The `.ptau` must have been verified.
///
/// On success every check has [`Outcome::Passed`].
///
/// The digests are those of the bytes that were checked ([`StreamHashedFile`], [`RecheckedFile`]):
/// a file that changes under the verifier, even there and back, has the digest of what was checked,
/// or is refused.
///
/// ```
/// # use std::io::Cursor;
/// # use ceremony_core::entropy::ContributionRng;
/// # use ceremony_core::format::ptau::{Power, Ptau};
/// # use ceremony_core::phase1::contribute::{contribute, new};
/// # use ceremony_core::phase1::prepare::prepare;
/// # use bn254_batch::curve::Fr;
/// # use ceremony_core::format::r1cs::{R1cs, Shape, write_r1cs};
/// # use ceremony_core::phase2::initial_key::new_key;
/// use ceremony_core::format::zkey::Zkey;
/// use ceremony_core::phase2::verify::{Expectations, verify};
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut start = Cursor::new(Vec::new());
/// # new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
/// # let mut contributed = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # contribute(&mut Ptau::open(start)?, &mut contributed, rng, None, &NoProgress)?;
/// # let mut prepared = Cursor::new(Vec::new());
/// # prepare(&mut Ptau::open(contributed)?, &mut prepared, &NoProgress)?;
/// # let one = Fr::from(1u64);
/// # let shape = Shape::new(3, 1, 0, 1, 1)?;
/// # let square = [vec![(one, 2)], vec![(one, 2)], vec![(one, 1)]];
/// # let circuit = write_r1cs(Cursor::new(Vec::new()), shape, [square])?;
/// # let (mut circuit, mut ptau) = (R1cs::open(circuit)?, Ptau::open(prepared)?);
/// # let mut initial = Cursor::new(Vec::new());
/// # new_key(&mut circuit, &mut ptau, &mut initial, &NoProgress)?;
/// # let mut key = Cursor::new(Vec::new());
/// # let rng = ContributionRng::from_os_and_text(b"")?;
/// # ceremony_core::phase2::contribute::contribute(
/// #     &mut Zkey::open(initial)?, &mut key, rng, None, &NoProgress,
/// # )?;
/// // `circuit` is an `R1cs`, `ptau` a prepared `Ptau` that has been verified.
/// let mut key = Zkey::open(key)?;
/// let report = verify(&mut circuit, &mut ptau, &mut key, &Expectations::default(), &NoProgress)?;
/// assert!(report.failed().is_empty());
/// assert_eq!(report.participants(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`VerifyError::Refused`] with the whole report when a check fails; the others when a file cannot
/// be read.
pub fn verify<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    key: &mut Zkey<K>,
    expectations: &Expectations,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    Predecessor::verify(r1cs, ptau, key, expectations, progress).map(|(report, _)| report)
}

/// Refuses a key whose header is not of this circuit and this phase 1, neither of which need be
/// verified: asked before the hours that the verification of a `.ptau` may take. [`verify`] refuses
/// it for the same.
///
/// # Errors
/// [`VerifyError::Header`]; [`VerifyError::Setup`] when circuit and phase 1 do not fit together;
/// the others when a file cannot be read.
pub fn ensure_header<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    key: &Zkey<K>,
) -> Result<(), VerifyError> {
    let expected = InitialKey::fitting(r1cs, ptau, &NoProgress)?.header()?;
    let mut findings = Findings::default();
    compare_sizes(key.header(), &expected, &mut findings);
    compare_points(key.header(), &expected, &mut findings);
    if findings.is_empty() { Ok(()) } else { Err(VerifyError::Header(findings.0)) }
}

/// Verifies that a key without contributions is the initial key of its circuit and phase 1. The
/// `.ptau` must have been verified.
///
/// Such a key is a start and never an end: everybody can forge proofs for it, and the checks of
/// contributions pass in this report because there are none to check.
///
/// # Errors
/// As [`verify`].
pub fn verify_initial<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    key: &mut Zkey<K>,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    Predecessor::verify_initial(r1cs, ptau, key, progress).map(|(report, _)| report)
}

impl Predecessor {
    /// [`verify`], and what the next verification needs of the key.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
        r1cs: &mut R1cs<C>,
        ptau: &mut Ptau<P>,
        key: &mut Zkey<K>,
        expectations: &Expectations,
        progress: &dyn Progress,
    ) -> Result<(Report, Self), VerifyError> {
        against_initial(r1cs, ptau, key, progress, |key, _, findings| {
            check_records(key, expectations, &expectations.proven, findings, progress)
        })
    }

    /// [`verify_initial`], and what the next verification needs of the key.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify_initial<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
        r1cs: &mut R1cs<C>,
        ptau: &mut Ptau<P>,
        key: &mut Zkey<K>,
        progress: &dyn Progress,
    ) -> Result<(Report, Self), VerifyError> {
        against_initial(r1cs, ptau, key, progress, |key, expected, findings| {
            let found = key.contributions().len();
            if found > 0 {
                findings.add(Check::Contributions, Failure::Contributed { found });
            }
            let deltas = |header: &Header| (header.delta_g1, header.delta_g2);
            if deltas(key.header()) != deltas(expected) {
                findings.add(
                    Check::FinalDelta,
                    Failure::HeaderPoint { what: "delta, which is 1 at the start" },
                );
            }
        })
    }
}

/// Compares a key with the initial key of its circuit, after `records` had a look at its records
/// and at the initial header.
fn against_initial<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    key: &mut Zkey<K>,
    progress: &dyn Progress,
    records: impl FnOnce(&NotedKey<'_, '_, K>, &Header, &mut Findings),
) -> Result<(Report, Predecessor), VerifyError> {
    let scratch = ptau.take_scratch();
    let mut circuit = RecheckedFile::new(r1cs.source()).map_err(|e| of_circuit(e.into()))?;
    let mut powers = RecheckedFile::new(ptau.source()).map_err(|e| of_powers(e.into()))?;
    let known = key.contributions().to_vec();
    let mut whole = hashed(key.source(), VerifyError::Key)?;
    let files = (&mut circuit, &mut powers, scratch);
    let compared = compare_with_initial(files, (&mut whole, &known), progress, records);
    with_digests(compared, |taken| {
        let again = taken.is_none();
        let first = || circuit_and_powers(&mut circuit, &mut powers, progress);
        let (circuit, powers) = taken.flatten().unwrap_or_else(first)?;
        let key = digests(whole, again, progress, "the key (.zkey)", VerifyError::Key)?;
        Ok(Digests::Whole { circuit, powers, key })
    })
}

/// The digests of circuit and phase 1.
type First = Result<(FileSha256, FileSha256), VerifyError>;

fn circuit_and_powers<C: Read + Seek + Send, P: Read + Seek + Send>(
    circuit: &mut RecheckedFile<&mut C>,
    powers: &mut RecheckedFile<&mut P>,
    progress: &dyn Progress,
) -> Result<(FileSha256, FileSha256), VerifyError> {
    progress.begin("taking digests", circuit.length().saturating_add(powers.length()));
    let within = &SubProgress(progress);
    // Usually the longer one; it runs in parallel with the other.
    let (powers, circuit) = rayon::join(
        || powers.finish_sha256(within).map_err(unread("the powers of tau (.ptau)", of_powers)),
        || circuit.finish_sha256(within).map_err(unread("the circuit (.r1cs)", of_circuit)),
    );
    progress.end();
    Ok((circuit?, powers?))
}

/// A key that is read by a verifier, from its head on.
type NotedKey<'a, 'b, K> = Zkey<&'a mut StreamHashedFile<&'b mut K>>;

/// What an initial key is made from: circuit, phase 1, and a file for Lagrange bases.
type Setup<'a, 'c, 'p, C, P> =
    (&'a mut RecheckedFile<&'c mut C>, &'a mut RecheckedFile<&'p mut P>, Option<Box<dyn Scratch>>);

fn compare_with_initial<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    (circuit, powers, scratch): Setup<'_, '_, '_, C, P>,
    (key, known): (&mut StreamHashedFile<&mut K>, &[Contribution]),
    progress: &dyn Progress,
    records: impl FnOnce(&NotedKey<'_, '_, K>, &Header, &mut Findings),
) -> Result<(Compared, Option<First>), VerifyError> {
    let r1cs = &mut R1cs::open(circuit).map_err(of_circuit)?;
    let ptau = &mut Ptau::open(powers).map_err(of_powers)?;
    if let Some(scratch) = scratch {
        ptau.set_scratch(scratch);
    }
    let key = &mut Zkey::open_knowing(key, known).map_err(VerifyError::Key)?;
    let mut findings = Findings::default();
    let mut rng = VerifierRng::from_os()?;
    let mut initial = InitialKey::fitting(r1cs, ptau, progress)?;
    let expected = initial.header()?;
    compare_sizes(key.header(), &expected, &mut findings);
    compare_points(key.header(), &expected, &mut findings);
    records(key, &expected, &mut findings);
    if !findings.is_empty() {
        return Ok((Compared::incomplete(key, findings), None));
    }
    let mut initial = initial.with_bases()?;

    let seed = CoefficientSeed::from_os()?;
    let mut comparison = Comparison {
        key,
        findings: Vec::new(),
        open: None,
        expected: Collector::new(&seed),
        found: Collector::new(&seed),
        rng: &mut rng,
    };
    let (hashes, first) = initial.build(&expected, &mut comparison, |r1cs, ptau| {
        // In parallel with the rest of the comparison, which reads only the key.
        circuit_and_powers(r1cs.source(), ptau.source(), progress)
    })?;
    let Comparison { key, findings: different, expected: initial, found, .. } = comparison;
    for (check, failure) in different {
        findings.add(check, failure);
    }
    let (initial, sections) = (initial.finish(), found.finish());
    let deltas = Ratio(key.header().delta_g2, G2_GENERATOR);
    let remark = initial.judge(&sections, deltas, key, &mut findings).map_err(VerifyError::Key)?;
    let mut remarks: Vec<Remark> = remark.into_iter().collect();
    let found = key.initial_key_hash();
    if found != hashes.zeros {
        if found == hashes.flagged {
            remarks.push(Remark::FlaggedInfinity);
        } else {
            let expected = hashes.zeros;
            findings.add(Check::Transcript, Failure::InitialKeyHash { found, expected });
        }
    }
    Ok((Compared::complete(key, sections, findings, remarks), Some(first)))
}

fn of_circuit(error: FormatError) -> VerifyError {
    SetupError::R1cs(error).into()
}

fn of_powers(error: FormatError) -> VerifyError {
    SetupError::Ptau(error).into()
}

/// Holds the initial key against the key, section by section.
struct Comparison<'a, 'b, 'c, K> {
    key: &'a mut NotedKey<'b, 'c, K>,
    findings: Vec<(Check, Failure)>,
    open: Option<Open>,
    /// L and H of the initial key.
    expected: Collector,
    /// What the next verification needs of the key, and L and H for this one.
    found: Collector,
    rng: &'a mut VerifierRng,
}

/// A section that is being compared.
enum Open {
    /// It has to stay: how many of its bytes were compared, and whether a difference was found.
    Stays(Section, u64, bool),
    /// L or H: where it lies, and how many points were added.
    Divided(PointRun<G1Affine>, u64),
}

impl<K: Read + Seek + Send> Sink for Comparison<'_, '_, '_, K> {
    fn begin(&mut self, id: u32) -> Result<(), FormatError> {
        let layout = self.key.layout();
        self.open = Some(match id {
            section::L => Open::Divided(layout.l, 0),
            section::H => Open::Divided(layout.h, 0),
            _ => Open::Stays(self.key.section(id)?, 0, false),
        });
        Ok(())
    }

    fn chunk(&mut self, chunk: Chunk<'_>) -> Result<(), FormatError> {
        let lem = Encoding::Montgomery;
        let Self { key, open, expected, found, rng, .. } = self;
        match (open, chunk) {
            (Some(Open::Divided(run, done)), Chunk::G1(points)) => {
                // The key has as many points as the circuit asks for: its sizes were compared.
                let read = run.read(key.source(), rng, *done, points.len())?;
                *done += points.len() as u64;
                let id = run.section;
                // One sum fills the pauses of the other.
                rayon::join(|| expected.points(id, points), || found.points(id, &read));
                Ok(())
            }
            (_, Chunk::Bytes(bytes)) => self.compare(bytes),
            (_, Chunk::G1(points)) => self.compare(&encode(points, lem)),
            (_, Chunk::G2(points)) => self.compare(&encode(points, lem)),
        }
    }

    fn end(&mut self) -> Result<(), FormatError> {
        if let Some(Open::Stays(section, done, false)) = self.open.take()
            && done != section.size
        {
            let failure = Failure::Section { section: section.id, byte: Some(done) };
            self.findings.push((Check::Unchanged, failure));
        }
        Ok(())
    }
}

impl<K: Read + Seek + Send> Comparison<'_, '_, '_, K> {
    fn compare(&mut self, expected: &[u8]) -> Result<(), FormatError> {
        let Some(Open::Stays(section, done, differs @ false)) = &mut self.open else {
            return Ok(());
        };
        let count = (section.size - *done).min(expected.len() as u64) as usize;
        let found = read_at(self.key.source(), section.offset + *done, count)?;
        self.found.bytes(section.id, &found);
        let same = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
        if same < expected.len() {
            *differs = true;
            let byte = Some(*done + same as u64);
            let failure = Failure::Section { section: section.id, byte };
            self.findings.push((Check::Unchanged, failure));
        }
        *done += count as u64;
        Ok(())
    }
}
