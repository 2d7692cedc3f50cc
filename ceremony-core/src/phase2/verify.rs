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
//! chain instead, which is as good as the verification of that key was.

use std::collections::HashMap;
use std::io::{Read, Seek};

use bn254_batch::curve::{G1Affine, G2_GENERATOR};

use super::error::SetupError;
pub use super::error::VerifyError;
pub use super::expectations::Expectations;
use super::h_query::{Divided, Division, lacks_top_power};
use super::initial_key::{Chunk, InitialKey, Sink};
use super::records::{check_continuity, check_records};
use super::report::Findings;
pub use super::report::{Check, ContributionSummary, Digests, Failure, Outcome, Remark, Report};
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::bound_file::{DigestError, FileDigests, RecheckedFile, StreamHashedFile};
use crate::format::container::{Section, read_at};
use crate::format::encoding::{Encoding, encode};
use crate::format::points::PointRun;
use crate::format::ptau::{Power, Ptau};
use crate::format::r1cs::R1cs;
use crate::format::zkey::{Contribution, Header, Zkey, section};
use crate::hash::{FileSha256, InitialKeyHash};
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
    against_initial(r1cs, ptau, key, progress, |key, _, findings| {
        check_records(key, expectations, &expectations.proven, findings, progress)
    })
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
    against_initial(r1cs, ptau, key, progress, |key, expected, findings| {
        let found = key.contributions().len();
        if found > 0 {
            findings.add(Check::Contributions, Failure::Contributed { found });
        }
        if (key.header().delta_g1, key.header().delta_g2) != (expected.delta_g1, expected.delta_g2)
        {
            findings.add(
                Check::FinalDelta,
                Failure::HeaderPoint { what: "delta, which is 1 at the start" },
            );
        }
    })
}

/// Compares a key with the initial key of its circuit, after `records` had a look at its records
/// and at the initial header.
fn against_initial<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    r1cs: &mut R1cs<C>,
    ptau: &mut Ptau<P>,
    key: &mut Zkey<K>,
    progress: &dyn Progress,
    records: impl FnOnce(&NotedKey<'_, '_, K>, &Header, &mut Findings),
) -> Result<Report, VerifyError> {
    let mut circuit = RecheckedFile::new(r1cs.source()).map_err(|e| of_circuit(e.into()))?;
    let mut powers = RecheckedFile::new(ptau.source()).map_err(|e| of_powers(e.into()))?;
    let mut whole = RecheckedFile::new(key.source()).map_err(|e| VerifyError::Key(e.into()))?;
    let compared = compare_with_initial(&mut circuit, &mut powers, &mut whole, progress, records);
    with_digests(compared, |taken| {
        let (first, key) =
            taken.unwrap_or_else(|| side_by_side(&mut circuit, &mut powers, &mut whole, progress));
        let (circuit, powers) = first?;
        Ok(Digests::Whole { circuit, powers, key: key? })
    })
}

/// Digests of circuit and phase 1, and those of the key.
type Taken = (Result<(FileSha256, FileSha256), VerifyError>, Result<FileDigests, VerifyError>);

fn side_by_side<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    circuit: &mut RecheckedFile<&mut C>,
    powers: &mut RecheckedFile<&mut P>,
    key: &mut RecheckedFile<&mut K>,
    progress: &dyn Progress,
) -> Taken {
    rayon::join(|| circuit_and_powers(circuit, powers, progress), || digests_of_key(key))
}

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

/// Runs in parallel with the digest of the phase-1 file, usually the longer one, whose progress is
/// shown.
fn digests_of_key<K: Read + Seek + Send>(
    key: &mut RecheckedFile<&mut K>,
) -> Result<FileDigests, VerifyError> {
    key.finish(&NoProgress).map_err(unread("the key (.zkey)", VerifyError::Key))
}

/// A key that is read by a verifier, from its head on.
type NotedKey<'a, 'b, K> = Zkey<&'a mut RecheckedFile<&'b mut K>>;

/// What was found by a comparison, with the digests of the bytes that it was found in. A file that
/// changed meanwhile says nothing about the one that was to be verified, so that comes first.
/// `digests` is given what was taken of them already, which is nothing after an error.
fn with_digests<T>(
    compared: Result<(Compared, T), VerifyError>,
    digests: impl FnOnce(Option<T>) -> Result<Digests, VerifyError>,
) -> Result<Report, VerifyError> {
    match compared {
        Ok((compared, known)) => compared.report(digests(Some(known))?),
        Err(error) if error.is_environment() => Err(error),
        Err(error) => match digests(None) {
            Err(changed @ VerifyError::Changed { .. }) => Err(changed),
            _ => Err(error),
        },
    }
}

/// What a comparison found in a key, and how far it came.
struct Compared {
    header: Header,
    initial_key_hash: InitialKeyHash,
    contributions: Vec<ContributionSummary>,
    findings: Findings,
    remarks: Vec<Remark>,
    /// Whether all checks were reached.
    complete: bool,
}

impl Compared {
    /// Of a key whose header or records were refused: the rest was not reached.
    fn incomplete<R: Read + Seek>(key: &Zkey<R>, findings: Findings) -> Self {
        Self { complete: false, ..Self::complete(key, findings, Vec::new()) }
    }

    fn complete<R: Read + Seek>(key: &Zkey<R>, findings: Findings, remarks: Vec<Remark>) -> Self {
        let summary = |(index, c): (usize, &Contribution)| ContributionSummary {
            index: index + 1,
            hash: c.hash(),
            kind: c.kind.clone(),
            name: c.name.clone(),
        };
        let contributions = key.contributions().iter().enumerate().map(summary).collect();
        Self {
            header: *key.header(),
            initial_key_hash: key.initial_key_hash(),
            contributions,
            findings,
            remarks,
            complete: true,
        }
    }

    fn report(self, digests: Digests) -> Result<Report, VerifyError> {
        let Self { header, initial_key_hash, contributions, findings, remarks, complete } = self;
        let refused = !findings.is_empty();
        let mut failures: HashMap<Check, Vec<Failure>> = HashMap::new();
        for (check, failure) in findings.0 {
            failures.entry(check).or_default().push(failure);
        }
        let mut outcome = |check| match failures.remove(&check) {
            Some(failures) => Outcome::Failed(failures),
            None if !complete
                && matches!(check, Check::Unchanged | Check::Divided | Check::Transcript) =>
            {
                Outcome::NotReached
            }
            None => Outcome::Passed,
        };
        let checks = Check::ALL.map(|check| (check, outcome(check))).to_vec();
        let report = Report { header, initial_key_hash, digests, contributions, checks, remarks };
        if refused { Err(VerifyError::Refused(Box::new(report))) } else { Ok(report) }
    }
}

fn compare_with_initial<C: Read + Seek + Send, P: Read + Seek + Send, K: Read + Seek + Send>(
    circuit: &mut RecheckedFile<&mut C>,
    powers: &mut RecheckedFile<&mut P>,
    key: &mut RecheckedFile<&mut K>,
    progress: &dyn Progress,
    records: impl FnOnce(&NotedKey<'_, '_, K>, &Header, &mut Findings),
) -> Result<(Compared, Taken), VerifyError> {
    let r1cs = &mut R1cs::open(circuit).map_err(of_circuit)?;
    let ptau = &mut Ptau::open(powers).map_err(of_powers)?;
    let key = &mut Zkey::open(key).map_err(VerifyError::Key)?;
    let mut findings = Findings::default();
    let mut rng = VerifierRng::from_os()?;
    let mut initial = InitialKey::open(r1cs, ptau, progress)?;
    let expected = initial.header()?;
    compare_sizes(key.header(), &expected, &mut findings);
    compare_points(key.header(), &expected, &mut findings);
    records(key, &expected, &mut findings);
    if !findings.is_empty() {
        let taken = side_by_side(r1cs.source(), ptau.source(), key.source(), progress);
        return Ok((Compared::incomplete(key, findings), taken));
    }

    let mut comparison = Comparison {
        key,
        findings: Vec::new(),
        remarks: Vec::new(),
        open: None,
        divided: None,
        rng: &mut rng,
        digests: None,
    };
    let (hashes, first) = initial.build(&expected, &mut comparison, |r1cs, ptau| {
        // In parallel with the rest of the comparison, which reads only the key.
        circuit_and_powers(r1cs.source(), ptau.source(), progress)
    })?;
    let Comparison { key, findings: found, mut remarks, digests, .. } = comparison;
    for (check, failure) in found {
        findings.add(check, failure);
    }
    let taken = (first, digests.unwrap_or_else(|| digests_of_key(key.source())));
    let found = key.initial_key_hash();
    if found != hashes.zeros {
        if found == hashes.flagged {
            remarks.push(Remark::FlaggedInfinity);
        } else {
            let expected = hashes.zeros;
            findings.add(Check::Transcript, Failure::InitialKeyHash { found, expected });
        }
    }
    Ok((Compared::complete(key, findings, remarks), taken))
}

/// Verifies a key from an earlier one of the same chain, which must have been verified: the
/// sections that stay are the same, L and H are divided by the quotient of the deltas, and the
/// earlier contributions are the first ones.
///
/// # Errors
/// As [`verify`].
pub fn verify_from<E: Read + Seek + Send, K: Read + Seek + Send>(
    earlier: &mut Zkey<E>,
    key: &mut Zkey<K>,
    expectations: &Expectations,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let records = [earlier.contributions().to_vec(), key.contributions().to_vec()];
    let mut first =
        StreamHashedFile::new(earlier.source()).map_err(|e| VerifyError::Earlier(e.into()))?;
    let mut whole = StreamHashedFile::new(key.source()).map_err(|e| VerifyError::Key(e.into()))?;
    let compared = compare_with_earlier(&mut first, &mut whole, &records, expectations, progress);
    with_digests(compared.map(|compared| (compared, ())), |known| {
        if known.is_none() {
            first.compare();
            whole.compare();
        }
        let (_, earlier) = first
            .finish(progress)
            .map_err(unread("the earlier key (.zkey)", VerifyError::Earlier))?;
        let (_, key) =
            whole.finish(progress).map_err(unread("the key (.zkey)", VerifyError::Key))?;
        Ok(Digests::Incremental { earlier: earlier.sha256, key })
    })
}

fn compare_with_earlier<E: Read + Seek + Send, K: Read + Seek + Send>(
    earlier: &mut StreamHashedFile<&mut E>,
    key: &mut StreamHashedFile<&mut K>,
    [of_earlier, of_key]: &[Vec<Contribution>; 2],
    expectations: &Expectations,
    progress: &dyn Progress,
) -> Result<Compared, VerifyError> {
    let earlier = &mut Zkey::open_knowing(earlier, of_earlier).map_err(VerifyError::Earlier)?;
    let key = &mut Zkey::open_knowing(key, of_key).map_err(VerifyError::Key)?;
    let mut findings = Findings::default();
    let mut rng = VerifierRng::from_os()?;
    compare_sizes(key.header(), earlier.header(), &mut findings);
    compare_points(key.header(), earlier.header(), &mut findings);
    check_continuity(key.contributions(), &earlier.contribution_hashes(), &mut findings);
    check_records(key, expectations, earlier.contributions(), &mut findings, progress);
    if key.initial_key_hash() != earlier.initial_key_hash() {
        let (found, expected) = (key.initial_key_hash(), earlier.initial_key_hash());
        findings.add(Check::Transcript, Failure::InitialKeyHash { found, expected });
    }
    if !findings.is_empty() {
        return Ok(Compared::incomplete(key, findings));
    }
    let (header, mut remarks) = (*key.header(), Vec::new());
    let deltas = Ratio(header.delta_g2, earlier.header().delta_g2);
    let (before, after) = (earlier.layout(), key.layout());
    // In the order in which they lie in the key, so that it is read once for checks and digests.
    let mut sections = [
        section::IC,
        section::COEFFICIENTS,
        section::A,
        section::B_G1,
        section::B_G2,
        section::L,
        section::H,
    ];
    sections.sort_by_key(|id| key.section(*id).map_or(0, |section| section.offset));
    for id in sections {
        let (before, after, mut division) = match id {
            section::H => (before.h, after.h, Division::of_h(header.power)),
            section::L => (before.l, after.l, Division::of_l()),
            _ => {
                if let Some(byte) = first_difference(earlier, key, id)? {
                    findings.add(Check::Unchanged, Failure::Section { section: id, byte });
                }
                continue;
            }
        };
        progress.begin(after.name, after.len);
        for (start, count) in after.chunks(0) {
            let old = before
                .read(earlier.source(), &mut rng, start, count)
                .map_err(VerifyError::Earlier)?;
            let new = after.read(key.source(), &mut rng, start, count).map_err(VerifyError::Key)?;
            division.add(&old, &new, &mut rng);
            progress.advance(count as u64);
        }
        progress.end();
        let divided = division.outcome(deltas);
        match judge(divided, after, header.power, key.source(), &mut rng)
            .map_err(VerifyError::Key)?
        {
            Ok(remark) => remarks.extend(remark),
            Err(failure) => findings.add(Check::Divided, failure),
        }
    }
    Ok(Compared::complete(key, findings, remarks))
}

/// Check 8, once the points of L or H of both keys were collected.
fn judge<K: Read + Seek + Send>(
    divided: Divided,
    run: PointRun<G1Affine>,
    power: Power,
    key: &mut K,
    rng: &mut VerifierRng,
) -> Result<Result<Option<Remark>, Failure>, FormatError> {
    Ok(match divided {
        Divided::Exactly => Ok(None),
        Divided::ButForTopPower if lacks_top_power(run, power, key, rng)? => {
            Ok(Some(Remark::NoTopPower))
        }
        _ => Err(Failure::NotDivided { section: run.section, name: run.name }),
    })
}

fn of_circuit(error: FormatError) -> VerifyError {
    SetupError::R1cs(error).into()
}

fn of_powers(error: FormatError) -> VerifyError {
    SetupError::Ptau(error).into()
}

/// Of a file without a digest: that it changed, or that it cannot be read.
fn unread(
    file: &'static str,
    error: impl FnOnce(FormatError) -> VerifyError,
) -> impl FnOnce(DigestError) -> VerifyError {
    move |digest| match digest {
        DigestError::Io(cause) => error(cause.into()),
        DigestError::Changed(change) => VerifyError::Changed { file, change },
    }
}

/// Check 1, by numbers: the points follow when the initial key is compared.
fn compare_sizes(found: &Header, expected: &Header, findings: &mut Findings) {
    let sizes = [
        ("the number of wires", u64::from(found.wires), u64::from(expected.wires)),
        ("the number of public wires", found.public.into(), expected.public.into()),
        ("the domain's size", found.power.n(), expected.power.n()),
    ];
    for (what, found, expected) in
        sizes.into_iter().filter(|(_, found, expected)| found != expected)
    {
        findings.add(Check::InitialKey, Failure::Size { what, found, expected });
    }
}

/// Check 7, the points of the header. gamma is the generator.
fn compare_points(found: &Header, expected: &Header, findings: &mut Findings) {
    let points = [
        ("[alpha]1", found.alpha_g1 == expected.alpha_g1),
        ("[beta]1", found.beta_g1 == expected.beta_g1),
        ("[beta]2", found.beta_g2 == expected.beta_g2),
        ("[gamma]2", found.gamma_g2 == expected.gamma_g2),
    ];
    for (what, _) in points.into_iter().filter(|(_, same)| !same) {
        findings.add(Check::Unchanged, Failure::HeaderPoint { what });
    }
}

/// Holds the initial key against the key, section by section.
struct Comparison<'a, 'b, 'c, K> {
    key: &'a mut NotedKey<'b, 'c, K>,
    findings: Vec<(Check, Failure)>,
    remarks: Vec<Remark>,
    /// The open section, how many of its bytes were compared, and whether a difference was found.
    open: Option<(Section, u64, bool)>,
    /// For L and H: where they lie, how many points were added, and what was collected.
    divided: Option<(PointRun<G1Affine>, u64, Division)>,
    rng: &'a mut VerifierRng,
    /// The key's, once all is compared.
    digests: Option<Result<FileDigests, VerifyError>>,
}

impl<K: Read + Seek + Send> Sink for Comparison<'_, '_, '_, K> {
    fn begin(&mut self, id: u32) -> Result<(), FormatError> {
        let layout = self.key.layout();
        match id {
            section::L => self.divided = Some((layout.l, 0, Division::of_l())),
            section::H => {
                let division = Division::of_h(self.key.header().power);
                self.divided = Some((layout.h, 0, division));
            }
            _ => self.open = Some((self.key.section(id)?, 0, false)),
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: Chunk<'_>) -> Result<(), FormatError> {
        let lem = Encoding::Montgomery;
        if let (Some((run, done, division)), Chunk::G1(points)) = (&mut self.divided, chunk) {
            // The key has as many points as the circuit asks for: its sizes were compared.
            let read = run.read(self.key.source(), self.rng, *done, points.len())?;
            division.add(points, &read, self.rng);
            *done += points.len() as u64;
            return Ok(());
        }
        match chunk {
            Chunk::Bytes(bytes) => self.compare(bytes),
            Chunk::G1(points) => self.compare(&encode(points, lem)),
            Chunk::G2(points) => self.compare(&encode(points, lem)),
        }
    }

    fn end(&mut self) -> Result<(), FormatError> {
        if let Some((section, done, false)) = self.open.take()
            && done != section.size
        {
            self.findings
                .push((Check::Unchanged, Failure::Section { section: section.id, byte: done }));
        }
        if let Some((run, _, division)) = self.divided.take() {
            let Header { delta_g2, power, .. } = *self.key.header();
            let divided = division.outcome(Ratio(delta_g2, G2_GENERATOR));
            match judge(divided, run, power, self.key.source(), self.rng)? {
                Ok(remark) => self.remarks.extend(remark),
                Err(failure) => self.findings.push((Check::Divided, failure)),
            }
        }
        Ok(())
    }

    fn complete(&mut self) {
        self.digests = Some(digests_of_key(self.key.source()));
    }
}

impl<K: Read + Seek + Send> Comparison<'_, '_, '_, K> {
    fn compare(&mut self, expected: &[u8]) -> Result<(), FormatError> {
        let Some((section, done, differs @ false)) = &mut self.open else { return Ok(()) };
        let count = (section.size - *done).min(expected.len() as u64) as usize;
        let found = read_at(self.key.source(), section.offset + *done, count)?;
        let same = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
        if same < expected.len() {
            *differs = true;
            self.findings.push((
                Check::Unchanged,
                Failure::Section { section: section.id, byte: *done + same as u64 },
            ));
        }
        *done += count as u64;
        Ok(())
    }
}

/// The first byte of a section in which two keys differ.
fn first_difference<E: Read + Seek + Send, K: Read + Seek + Send>(
    earlier: &mut Zkey<E>,
    key: &mut Zkey<K>,
    id: u32,
) -> Result<Option<u64>, VerifyError> {
    /// Bytes at a time.
    const PIECE: u64 = 4 << 20;
    let before = earlier.section(id).map_err(VerifyError::Earlier)?;
    let after = key.section(id).map_err(VerifyError::Key)?;
    let both = before.size.min(after.size);
    for start in (0..both).step_by(PIECE as usize) {
        let size = PIECE.min(both - start) as usize;
        let old = read_at(earlier.source(), before.offset + start, size)
            .map_err(|e| VerifyError::Earlier(e.into()))?;
        let new = read_at(key.source(), after.offset + start, size)
            .map_err(|e| VerifyError::Key(e.into()))?;
        if let Some(at) = old.iter().zip(&new).position(|(a, b)| a != b) {
            return Ok(Some(start + at as u64));
        }
    }
    Ok((before.size != after.size).then_some(both))
}
