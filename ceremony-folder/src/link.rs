//! One contribution against the step before it: the mathematics of a step that comes from
//! elsewhere, without the chain below it, which was verified when it came.

use std::io::{Read, Seek};
use std::path::Path;

use ceremony_core::commit::Opening;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::FileSha256;
use ceremony_core::phase1::verify::{Expectations, verify as verify_ptau};
use ceremony_core::phase2::verify::{
    Expectations as KeyExpectations, Failure, Predecessor, Remark, Report, VerifyError, verify_from,
};
use ceremony_core::progress::Progress;
use zk_attest::digest::{ContributionHash, FileDigest};
use zk_attest::statement::Phase;

use crate::Ceremony;
use crate::chain::Step;
use crate::commitment;
use crate::error::{CeremonyError, at, broken};
use crate::folder::Track;
use crate::memory::Records;
use crate::steps::{ensure_unchanged, open_input};
use crate::verify::{ensure_attested, record_is_attested};

/// A file that follows from a step, and was verified as such.
#[derive(Clone, Debug)]
pub struct Linked {
    /// Its digest.
    pub file: FileSha256,
    /// Its records.
    pub records: usize,
    /// Records of the step before it.
    pub before: usize,
    /// Its last record.
    pub last: Option<(ContributionHash, ContributionKind)>,
    /// What that shows of its secrets.
    pub opening: Option<Opening>,
    /// What is unusual about it.
    pub remarks: Vec<Remark>,
}

/// Verifies that a file follows from a step: the records of the step's file are its first, and
/// everything else is what the others make of it. Errors name `path`, or the step's.
///
/// # Errors
/// What does not hold.
pub fn link<R: Read + Seek + Send>(
    ceremony: &Ceremony,
    before: &Step,
    path: &Path,
    made: &mut R,
    progress: &dyn Progress,
) -> Result<Linked, CeremonyError> {
    let memory = ceremony.folder.memory();
    match before.words.phase {
        Phase::One => {
            let (power, earlier) = match memory.records(before.file) {
                Some(Records::Ptau(power, records)) => (power, records),
                _ => {
                    let mut input = Ptau::open(open_input(ceremony, &before.path)?)
                        .map_err(at(&before.path))?;
                    ensure_unchanged(&before.path, input.source(), &before.file, progress)?;
                    (input.ceremony_power(), input.contributions().into())
                }
            };
            let expectations = Expectations {
                earlier: Some(&earlier),
                proven: Some(power),
                ..Expectations::default()
            };
            let (ptau, verified) = verify_ptau(made, &expectations, progress).map_err(at(path))?;
            let (found, expected) = (ptau.power(), ceremony.config.power());
            if found != expected {
                let what = "the file has another power than the rules";
                return Err(broken(path, what, found, expected));
            }
            let records = Records::Ptau(ptau.ceremony_power(), ptau.contributions().into());
            memory.keep(FileDigest(verified.digests.sha256.0), records);
            let last = ptau
                .contributions()
                .last()
                .map(|record| (ContributionHash(record.response_hash().0), record.kind.clone()));
            Ok(Linked {
                file: verified.digests.sha256,
                records: ptau.contributions().len(),
                before: earlier.len(),
                last,
                opening: ptau.contributions().last().map(Opening::of_phase1),
                remarks: Vec::new(),
            })
        }
        Phase::Two => {
            let expectations = KeyExpectations::default();
            let (earlier, (report, kept)) = match memory.records(before.file) {
                Some(Records::Zkey(known)) => {
                    let mut key = Zkey::open_knowing(made, known.records()).map_err(at(path))?;
                    let verified = next_key(
                        ceremony,
                        before,
                        &known,
                        (path, &mut key),
                        &expectations,
                        progress,
                    );
                    (known.records().len(), verified?)
                }
                _ => {
                    let mut input = Zkey::open(open_input(ceremony, &before.path)?)
                        .map_err(at(&before.path))?;
                    let mut key =
                        Zkey::open_knowing(made, input.contributions()).map_err(at(path))?;
                    let verified =
                        Predecessor::verify_from(&mut input, &mut key, &expectations, progress)
                            .map_err(at(path))?;
                    ensure_unchanged(&before.path, input.source(), &before.file, progress)?;
                    (input.contributions().len(), verified)
                }
            };
            let records = kept.records();
            let linked = Linked {
                file: kept.file(),
                records: records.len(),
                before: earlier,
                last: records
                    .last()
                    .map(|record| (ContributionHash(record.hash().0), record.kind.clone())),
                opening: records.last().map(Opening::of_phase2),
                remarks: report.remarks,
            };
            memory.keep(FileDigest(kept.file().0), Records::Zkey(kept.into()));
            Ok(linked)
        }
    }
}

/// A key that follows from the one of a step, of which `known` is kept, so that its file is not
/// read again. Only where the two differ in what has to stay: then the message names the byte.
/// Errors name `path`, or the step's.
pub(crate) fn next_key<R: Read + Seek + Send>(
    ceremony: &Ceremony,
    before: &Step,
    known: &Predecessor,
    (path, key): (&Path, &mut Zkey<R>),
    expectations: &KeyExpectations,
    progress: &dyn Progress,
) -> Result<(Report, Predecessor), CeremonyError> {
    let next = known.verify_next(key, expectations, progress);
    let unplaced = |failure: &Failure| matches!(failure, Failure::Section { byte: None, .. });
    if let Err(VerifyError::Refused(report)) = &next
        && report.failures().any(|(_, failure)| unplaced(failure))
    {
        let file = open_input(ceremony, &before.path)?;
        let mut earlier = Zkey::open_knowing(file, known.records()).map_err(at(&before.path))?;
        verify_from(&mut earlier, key, expectations, progress).map_err(at(path))?;
    }
    next.map_err(at(path))
}

impl Ceremony {
    /// Verifies the last file of a chain against the one before it: enough for one's own
    /// contribution to count, whatever was done before. Opens no other file than these two, and
    /// proves no record but the last one, so that it costs the same however many came before. Phase
    /// 1's start is verified whole; an initial key is held to its attested digest, since only the
    /// prepared file tells more.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify_newest(
        &self,
        track: &Track,
        progress: &dyn Progress,
    ) -> Result<(), CeremonyError> {
        let chain = self.chain(track).map_err(|_| no_steps(self))?;
        let (Some(head), before) = (chain.steps.last(), chain.steps.iter().rev().nth(1)) else {
            return Err(no_steps(self));
        };
        match (track, before) {
            (_, Some(before)) => {
                let mut file = open_input(self, &head.path)?;
                verify_link(self, before, head, &mut file, progress)
            }
            (Track::Circuit(_), None) => {
                let mut file = open_input(self, &head.path)?;
                ensure_unchanged(&head.path, &mut file, &head.file, progress)
            }
            (Track::Phase1, None) => {
                let depth = crate::Depth::LastOf(vec![track.clone()]);
                let mut verification = crate::Verification::new(self, depth)?;
                verification.run(progress).map(drop)
            }
        }
    }
}

fn no_steps(ceremony: &Ceremony) -> CeremonyError {
    broken(ceremony.folder.root(), "the chain has no step", "none", "an opened chain")
}

/// Verifies that `made` is the file that `step` attests, and one contribution more than the file
/// of `before`. Errors name `step`'s path.
pub(crate) fn verify_link<R: Read + Seek + Send>(
    ceremony: &Ceremony,
    before: &Step,
    step: &Step,
    made: &mut R,
    progress: &dyn Progress,
) -> Result<(), CeremonyError> {
    let linked = link(ceremony, before, &step.path, made, progress)?;
    if linked.records != linked.before + 1 {
        let found = format_args!("{} records", linked.records);
        return Err(broken(&step.path, "a step adds one record", found, linked.before + 1));
    }
    record_is_attested(step, linked.last.as_ref().map(|(hash, kind)| (*hash, kind)))?;
    ensure_attested(step, linked.file)?;
    commitment::verify(ceremony, step, linked.opening.as_ref()).map(drop)
}
