//! The whole check of a ceremony, data file by data file (docs/formats.md, section 7).
//!
//! A finished [`Verification`] proves that
//!
//! 1. every data file is the attested one (SHA-256 over the bytes that were verified), and carries
//!    the attested contribution or beacon as its last record, after the records of the file before
//!    it;
//! 2. phase 1 starts from the generators, or from the external file that the rules pin, and every
//!    file passes the checks of [`ceremony_core::phase1::verify`];
//! 3. the prepared file has the same records, and passes the same checks;
//! 4. each circuit is the one of the rules, its chain starts from the initial key rebuilt from
//!    circuit and prepared file, and every key follows from the one before it by the checks of
//!    [`ceremony_core::phase2::verify`], so that the last one follows from the initial key;
//! 5. each phase has the contributions that the rules ask for, and its beacon;
//! 6. where the rules ask for commitments, each contribution opens its maker's, and a journal has
//!    all of them before the first contribution of the phase;
//! 7. a journal, where there is one, is whole, signed and of these steps, and has no step that came
//!    when the value of its beacon was public.
//!
//! It goes in [`Part`]s, one for each data file and in the order of the data flow, so that the
//! first failure names the first bad step.

use std::io::{Seek as _, SeekFrom};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ceremony_core::commit::Opening;
use ceremony_core::format::bound_file::{FileDigests, digest_file, sha256_file};
use ceremony_core::format::ptau::{Contribution as PtauRecord, Levels, Power, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::FileSha256;
use ceremony_core::keygen;
use ceremony_core::phase1::ChainHead;
use ceremony_core::phase1::verify::{Expectations, verify as verify_ptau, verify_new};
use ceremony_core::phase2::verify::{
    Digests, Expectations as KeyExpectations, Predecessor, Remark, Report,
};
use ceremony_core::progress::Progress;
use zk_attest::digest::{ChallengeHash, ContributionHash, CsHash, FileDigest};
use zk_attest::primitives::CircuitName;
use zk_attest::statement::Phase;

use crate::Ceremony;
use crate::beacon;
use crate::chain::{Chain, Step};
use crate::commitment;
use crate::document::{CircuitKey, VerifiedCeremony};
use crate::error::{CeremonyError, at, broken};
use crate::folder::Track;
use crate::foundation::{Base, Foundation};
use crate::link::next_key;
use crate::store::Input;

/// Bytes of files for each power of tau, and besides: several times what real ones have.
const BYTES_A_ROW: u64 = 12 << 10;
const BYTES_AT_LEAST: u64 = 1 << 20;

/// How much to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every file: what an auditor does, and what the transcript is written from.
    EveryFile,
    /// Only the last files of these chains and what they depend on, each file once: what a
    /// participant does before contributing.
    LastOf(Vec<Track>),
    /// Only the last keys of these circuits, from what was verified earlier.
    LastFrom(Vec<Foundation>),
}

/// One data file to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A step of phase 1, by its place in the chain.
    Phase1(usize),
    /// The prepared file.
    Prepared,
    /// A step of a circuit, by the circuit's and its own place.
    Circuit(usize, usize),
}

/// What a part that passed has established.
#[derive(Clone, Debug)]
pub struct PartReport {
    /// What was verified, for people.
    pub title: String,
    /// The data file.
    pub path: PathBuf,
    /// Its digests.
    pub digests: FileDigests,
    /// The checks that passed.
    pub checks: Vec<PassedCheck>,
}

/// A check that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedCheck {
    /// Its number in the list of its phase; none for what the folder adds.
    pub number: Option<u32>,
    /// What holds.
    pub statement: &'static str,
    /// What is unusual about it, where something is.
    pub remark: Option<&'static str>,
}

const ATTESTED: PassedCheck =
    PassedCheck { number: None, statement: "the file is the attested one", remark: None };
const RECORDED: PassedCheck = PassedCheck {
    number: None,
    statement: "its last record is the attested one, after those before it",
    remark: None,
};
const FOLLOWS: PassedCheck =
    PassedCheck { number: None, statement: "it follows from the key before it", remark: None };

/// A verification on its way: see the module's documentation.
#[derive(Debug)]
pub struct Verification<'a> {
    ceremony: &'a Ceremony,
    depth: Depth,
    parts: Vec<Part>,
    done: usize,
    failed: bool,
    phase1: Phase1Facts,
    prepared: Option<FileDigests>,
    circuits: Vec<Option<CircuitFacts>>,
    /// What was verified of this ceremony before, when it had fewer steps.
    before: Vec<(Part, FileDigest)>,
}

/// What a [`Verification`] established, for the next one of the same ceremony with more steps.
#[derive(Debug, Default)]
pub struct Established {
    parts: Vec<(Part, FileDigest)>,
    phase1: Phase1Facts,
    prepared: Option<FileDigests>,
    circuits: Vec<Option<CircuitFacts>>,
}

impl Established {
    /// How many steps of chains it is about, the prepared file apart.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.parts.iter().filter(|(part, _)| *part != Part::Prepared).count()
    }
}

/// What phase 1 left.
#[derive(Debug, Default)]
struct Phase1Facts {
    /// Records of the last file that was verified.
    records: Vec<PtauRecord>,
    /// The power of its ceremony, once its records are proven.
    ceremony_power: Option<Power>,
    /// Challenges: the start's, then the one that each step leaves.
    challenges: Vec<ChallengeHash>,
}

/// What a circuit's last file left.
#[derive(Debug)]
struct CircuitFacts {
    last: Predecessor,
    /// What is unusual about a key of the chain.
    remarks: Vec<Remark>,
    key: Option<CircuitKey>,
}

impl<'a> Verification<'a> {
    /// Plans the parts.
    ///
    /// # Errors
    /// The first problem of the signed side: what is not attested is not verified.
    pub fn new(ceremony: &'a Ceremony, depth: Depth) -> Result<Self, CeremonyError> {
        ceremony.ensure_sound()?;
        let mut parts = Vec::new();
        let last = |chain: &Chain| chain.steps.len().checked_sub(1);
        let last_key = |track: &Track| {
            let i = ceremony.circuits.iter().position(|chain| chain.track == *track)?;
            Some(Part::Circuit(i, last(&ceremony.circuits[i])?))
        };
        match &depth {
            Depth::EveryFile => {
                parts.extend((0..ceremony.phase1.steps.len()).map(Part::Phase1));
                parts.extend(ceremony.phase1.prepared.iter().map(|_| Part::Prepared));
                for (i, chain) in ceremony.circuits.iter().enumerate() {
                    parts.extend((0..chain.steps.len()).map(|step| Part::Circuit(i, step)));
                }
            }
            Depth::LastOf(tracks) => {
                if tracks.contains(&Track::Phase1) {
                    parts.extend(last(&ceremony.phase1).map(Part::Phase1));
                }
                if tracks.iter().any(|track| *track != Track::Phase1) {
                    parts.extend(ceremony.phase1.prepared.iter().map(|_| Part::Prepared));
                }
                parts.extend(tracks.iter().filter_map(last_key));
            }
            Depth::LastFrom(foundations) => {
                parts.extend(foundations.iter().filter_map(|of| last_key(&of.track)));
            }
        }
        let circuits = ceremony.circuits.iter().map(|_| None).collect();
        Ok(Self {
            ceremony,
            depth,
            parts,
            done: 0,
            failed: false,
            phase1: Phase1Facts::default(),
            prepared: None,
            circuits,
            before: Vec::new(),
        })
    }

    /// Plans the parts that are new since an earlier verification, so that one who follows a
    /// ceremony verifies each file once. What was established of files that are steps no longer
    /// counts for nothing: everything is verified again then.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn following(
        ceremony: &'a Ceremony,
        established: Established,
    ) -> Result<Self, CeremonyError> {
        let mut new = Self::new(ceremony, Depth::EveryFile)?;
        let same = established
            .parts
            .iter()
            .all(|(part, file)| new.file(part) == Some(*file) && new.parts.contains(part));
        if !same {
            return Ok(new);
        }
        let Established { parts, phase1, prepared, mut circuits } = established;
        circuits.resize_with(ceremony.circuits.len(), || None);
        new.parts.retain(|part| !parts.iter().any(|(done, _)| done == part));
        Ok(Self { phase1, prepared, circuits, before: parts, ..new })
    }

    /// What was established, for [`Self::following`]. Nothing after a failure.
    #[must_use]
    pub fn established(self) -> Established {
        if self.failed {
            return Established::default();
        }
        let mut parts = self.before.clone();
        let done = self.parts.iter().take(self.done);
        parts.extend(done.filter_map(|part| Some((part.clone(), self.file(part)?))));
        let Self { phase1, prepared, circuits, .. } = self;
        Established { parts, phase1, prepared, circuits }
    }

    /// The attested digest of a part's file.
    #[must_use]
    pub fn file(&self, part: &Part) -> Option<FileDigest> {
        let (_, step) = self.step(part)?;
        Some(step.file)
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many steps of chains are not verified yet, the prepared file apart.
    #[must_use]
    pub fn left(&self) -> usize {
        self.parts.iter().skip(self.done).filter(|part| **part != Part::Prepared).count()
    }

    /// What a part is called.
    #[must_use]
    pub fn title(&self, part: &Part) -> String {
        match part {
            Part::Phase1(step) => title(&self.ceremony.phase1, *step),
            Part::Prepared => "phase 1, prepared file".into(),
            Part::Circuit(circuit, step) => title(&self.ceremony.circuits[*circuit], *step),
        }
    }

    /// The step that a part is of.
    #[must_use]
    pub fn step(&self, part: &Part) -> Option<(&'a Track, &'a Step)> {
        let ceremony = self.ceremony;
        let (chain, step) = match part {
            Part::Phase1(step) => (&ceremony.phase1, ceremony.phase1.steps.get(*step)),
            Part::Prepared => (&ceremony.phase1, ceremony.phase1.prepared.as_ref()),
            Part::Circuit(circuit, step) => {
                let chain = ceremony.circuits.get(*circuit)?;
                (chain, chain.steps.get(*step))
            }
        };
        Some((&chain.track, step?))
    }

    /// Verifies the next part. None after the last one, or after a failure.
    pub fn next_part(
        &mut self,
        progress: &dyn Progress,
    ) -> Option<Result<PartReport, CeremonyError>> {
        let part = self.parts.get(self.done).filter(|_| !self.failed)?.clone();
        self.done += 1;
        let title = self.title(&part);
        let result = match part.clone() {
            Part::Phase1(step) => self.phase1_step(step, progress),
            Part::Prepared => self.prepared(progress),
            Part::Circuit(circuit, step) => self.circuit_step(circuit, step, progress),
        };
        let result = result.map_err(|error| self.blamed(&part, error, progress));
        self.failed = result.is_err();
        Some(result.map(|(path, digests, checks)| PartReport { title, path, digests, checks }))
    }

    /// What failed: the mathematics, or the copy. A file that is not the attested one says nothing
    /// of who attested it, whatever is wrong with it.
    fn blamed(&self, part: &Part, error: CeremonyError, progress: &dyn Progress) -> CeremonyError {
        let Some((_, step)) = self.step(part).filter(|_| !error.is_environment()) else {
            return error;
        };
        // Whatever stands in its place may have any length.
        let longest = BYTES_AT_LEAST + BYTES_A_ROW * self.ceremony.config.power().n();
        let found = self.ceremony.folder.open(&step.path).ok().and_then(|mut file| {
            let length = file.seek(SeekFrom::End(0)).ok()?;
            (length <= longest).then(|| sha256_file(&mut file, progress).ok()).flatten()
        });
        match found.map(|found| ensure_attested(step, found)) {
            Some(Err(another)) => another,
            _ => error,
        }
    }

    /// Verifies all parts that are left.
    ///
    /// # Errors
    /// The first failure.
    pub fn run(&mut self, progress: &dyn Progress) -> Result<Vec<PartReport>, CeremonyError> {
        std::iter::from_fn(|| self.next_part(progress)).collect()
    }

    /// The finished ceremony.
    ///
    /// # Errors
    /// When a part failed or was not verified, or when the ceremony is not finished.
    pub fn finish(self) -> Result<VerifiedCeremony, CeremonyError> {
        let root = self.ceremony.folder.root();
        if self.failed || self.done < self.parts.len() || self.depth != Depth::EveryFile {
            return Err(broken(
                root,
                "not every file was verified",
                format_args!("{} of {} parts", self.done, self.parts.len()),
                "all parts",
            ));
        }
        self.ceremony.ensure_closed()?;
        self.ceremony.settled_journal()?;
        self.ceremony.ensure_all_recorded()?;
        let keys = self
            .circuits
            .into_iter()
            .flatten()
            .filter_map(|facts| Some((CsHash(facts.last.initial_key_hash().0), facts.key?)))
            .collect();
        VerifiedCeremony::new(self.ceremony, &self.phase1.challenges, keys)
    }

    fn phase1_step(
        &mut self,
        step: usize,
        progress: &dyn Progress,
    ) -> Result<Passed, CeremonyError> {
        let (config, chain) = (&self.ceremony.config, &self.ceremony.phase1);
        let this = &chain.steps[step];
        let file = self.ceremony.folder.open(&this.path)?;
        if step == 0 && config.document().phase1_start.is_none() {
            let (ptau, digests) = verify_new(file, progress).map_err(at(&this.path))?;
            self.ensure_power(&this.path, &ptau)?;
            ensure_attested(this, digests.sha256)?;
            self.phase1.challenges =
                vec![ChallengeHash(ChainHead::after(&[], ptau.ceremony_power()).challenge.0)];
            let start = PassedCheck {
                number: Some(5),
                statement: "every point is a generator: tau = alpha = beta = 1",
                remark: None,
            };
            return Ok((this.path.clone(), digests, vec![ATTESTED, start]));
        }
        let whole = self.depth == Depth::EveryFile;
        let closes = chain.is_closed() && step + 1 == chain.steps.len();
        let (digest, file) = self.known_digest(step, file, progress)?;
        let expectations = Expectations {
            min_contributions: if closes { config.minimum(Phase::One) } else { 1 },
            digest: digest.map(|digests| digests.blake2b),
            earlier: (whole && step > 0).then_some(self.phase1.records.as_slice()),
            proven: self.phase1.ceremony_power,
        };
        let (ptau, verified) =
            verify_ptau(file, &expectations, progress).map_err(at(&this.path))?;
        self.ensure_power(&this.path, &ptau)?;
        ensure_attested(this, verified.digests.sha256)?;
        let records = ptau.contributions();
        if step == 0 {
            let closed = records.last().is_some_and(PtauRecord::is_beacon) || ptau.is_truncated();
            if closed == config.has_own_phase1() {
                let word = |closed| {
                    if closed {
                        "a beacon has closed it (or it is truncated)"
                    } else {
                        "it is open"
                    }
                };
                return Err(broken(
                    &this.path,
                    "the rules say otherwise whether participants contribute to this file",
                    word(closed),
                    word(!closed),
                ));
            }
        } else {
            let added = records.len().checked_sub(self.phase1.records.len());
            if whole && added != Some(1) {
                return Err(broken(
                    &this.path,
                    "a step adds one record",
                    format_args!("{} records", records.len()),
                    self.phase1.records.len() + 1,
                ));
            }
            record_is_attested(
                this,
                records
                    .last()
                    .map(|record| (ContributionHash(record.response_hash().0), &record.kind)),
            )?;
        }
        let signed = beacon::verify(config, this)?;
        let opening = records.last().map(Opening::of_phase1);
        let opened = commitment::verify(self.ceremony, this, opening.as_ref())?;
        let challenge = ChainHead::after(records, ptau.ceremony_power()).challenge;
        self.phase1.challenges.push(ChallengeHash(challenge.0));
        self.phase1.records = records.to_vec();
        self.phase1.ceremony_power = Some(ptau.ceremony_power());
        let mut checks = vec![ATTESTED];
        checks.extend((step > 0).then_some(RECORDED));
        checks.extend(verified.checks.iter().map(|check| PassedCheck {
            number: Some(check.number()),
            statement: check.statement(),
            remark: None,
        }));
        checks.extend(signed);
        checks.extend(opened);
        Ok((this.path.clone(), verified.digests, checks))
    }

    /// The digest of an external start, which the rules pin by SHA-256: where no hash binds the
    /// points, the pin does.
    fn known_digest(
        &self,
        step: usize,
        mut file: Input,
        progress: &dyn Progress,
    ) -> Result<(Option<FileDigests>, Input), CeremonyError> {
        let Some(start) =
            self.ceremony.config.document().phase1_start.as_ref().filter(|_| step == 0)
        else {
            return Ok((None, file));
        };
        let path = &self.ceremony.phase1.steps[step].path;
        let digests = digest_file(&mut file, progress).map_err(at(path))?;
        if digests.sha256.0 != start.sha256.0 {
            return Err(broken(
                path,
                "this is not the file that the rules start from",
                digests.sha256,
                start.sha256,
            ));
        }
        Ok((Some(digests), file))
    }

    fn ensure_power(&self, path: &Path, ptau: &Ptau<Input>) -> Result<(), CeremonyError> {
        let (found, expected) = (ptau.power(), self.ceremony.config.power());
        if found == expected {
            Ok(())
        } else {
            Err(broken(path, "the file has another power than the rules", found, expected))
        }
    }

    fn prepared(&mut self, progress: &dyn Progress) -> Result<Passed, CeremonyError> {
        let ceremony = self.ceremony;
        let (Some(this), Some(closed)) = (&ceremony.phase1.prepared, ceremony.phase1.steps.last())
        else {
            return Err(broken(
                ceremony.folder.root(),
                "phase 1 has no prepared file",
                "none",
                "phase1/prepared.ptau",
            ));
        };
        // What came prepared from elsewhere is the file itself, and its digest is pinned.
        let same = this.file == closed.file;
        let mut file = self.ceremony.folder.open(&this.path)?;
        let digest = if same {
            Some(digest_file(&mut file, progress).map_err(at(&this.path))?)
        } else {
            None
        };
        if let Some(digests) = &digest {
            ensure_attested(this, digests.sha256)?;
        }
        let expectations = Expectations {
            min_contributions: if ceremony.config.has_own_phase1() {
                ceremony.config.minimum(Phase::One)
            } else {
                1
            },
            digest: digest.map(|digests| digests.blake2b),
            earlier: (self.depth == Depth::EveryFile).then_some(self.phase1.records.as_slice()),
            proven: self.phase1.ceremony_power,
        };
        let (ptau, verified) =
            verify_ptau(file, &expectations, progress).map_err(at(&this.path))?;
        self.ensure_power(&this.path, &ptau)?;
        ensure_attested(this, verified.digests.sha256)?;
        // Circuits of any size may follow.
        let all = Levels::all(ptau.power());
        if ptau.lagrange().is_none_or(|lagrange| lagrange.levels != all) {
            return Err(broken(
                &this.path,
                "the file is not prepared",
                "not all Lagrange bases",
                "sections 12 to 15",
            ));
        }
        // Nothing is known that gets here: the records begin with the chain's (check 10), and
        // nothing follows its beacon (check 4).
        if self.depth == Depth::EveryFile && ptau.contributions().len() != self.phase1.records.len()
        {
            let (found, expected) = (ptau.contributions().len(), self.phase1.records.len());
            return Err(broken(
                &this.path,
                "preparing adds no record",
                format_args!("{found} records"),
                expected,
            ));
        }
        self.prepared = Some(verified.digests);
        let mut checks = vec![ATTESTED];
        checks.extend(verified.checks.iter().map(|check| PassedCheck {
            number: Some(check.number()),
            statement: check.statement(),
            remark: None,
        }));
        Ok((this.path.clone(), verified.digests, checks))
    }

    fn circuit_step(
        &mut self,
        circuit: usize,
        step: usize,
        progress: &dyn Progress,
    ) -> Result<Passed, CeremonyError> {
        let ceremony = self.ceremony;
        let chain = &ceremony.circuits[circuit];
        let (Track::Circuit(name), this) = (&chain.track, &chain.steps[step]) else {
            return Err(no_circuit(ceremony));
        };
        if let Some(base) = self.base(circuit) {
            return self.key_from(circuit, step, base, progress);
        }
        let closes = chain.is_closed() && step + 1 == chain.steps.len();
        let known = self.circuits[circuit].take();
        let file = self.ceremony.folder.open(&this.path)?;
        let records = known.as_ref().map_or(&[][..], |facts| facts.last.records());
        let mut key = Zkey::open_knowing(file, records).map_err(at(&this.path))?;
        let whole = self.depth == Depth::EveryFile;
        let (mut report, kept) = match &known {
            Some(facts) if whole && step > 0 => {
                let (before, expectations) =
                    (&chain.steps[step - 1], self.expectations(chain, step));
                let key = (this.path.as_path(), &mut key);
                next_key(ceremony, before, &facts.last, key, &expectations, progress)?
            }
            _ => self.against_circuit(circuit, step, &mut key, progress)?,
        };
        let (Digests::Whole { key: digests, .. } | Digests::Incremental { key: digests, .. }) =
            report.digests;
        ensure_attested(this, digests.sha256)?;
        let records = kept.records();
        if step > 0 {
            let before = known.as_ref().map_or(0, |facts| facts.last.records().len());
            if whole && records.len() != before + 1 {
                return Err(broken(
                    &this.path,
                    "a step adds one record",
                    format_args!("{} records", records.len()),
                    before + 1,
                ));
            }
            record_is_attested(
                this,
                records.last().map(|record| (ContributionHash(record.hash().0), &record.kind)),
            )?;
        }
        // What was unusual about a key of the chain is so of the last one.
        let mut remarks = known.map_or_else(Vec::new, |facts| facts.remarks);
        for remark in &report.remarks {
            if !remarks.contains(remark) {
                remarks.push(*remark);
            }
        }
        if closes {
            report.remarks.clone_from(&remarks);
        }
        let mut checks = vec![ATTESTED];
        checks.extend((step > 0).then_some(RECORDED));
        checks.extend(passed(&report));
        checks.extend(beacon::verify(&ceremony.config, this)?);
        let opening = records.last().map(Opening::of_phase2);
        checks.extend(commitment::verify(ceremony, this, opening.as_ref())?);
        checks.extend((step > 0 && whole).then_some(FOLLOWS));
        let finished =
            if closes { Some(finished_key(name, &this.path, &mut key, &kept)?) } else { None };
        self.circuits[circuit] = Some(CircuitFacts { last: kept, remarks, key: finished });
        Ok((this.path.clone(), digests, checks))
    }

    /// What is asked of the records of a circuit's step.
    fn expectations(&self, chain: &Chain, step: usize) -> KeyExpectations {
        let closes = chain.is_closed() && step + 1 == chain.steps.len();
        let minimum = if closes { self.ceremony.config.minimum(Phase::Two) } else { 1 };
        KeyExpectations {
            min_contributions: NonZeroU32::new(minimum).unwrap_or(NonZeroU32::MIN),
            beacon_required: closes,
            known: Vec::new(),
            proven: Vec::new(),
        }
    }

    /// The earlier key that this circuit's last one is verified from, if it is.
    fn base(&self, circuit: usize) -> Option<usize> {
        let Depth::LastFrom(foundations) = &self.depth else { return None };
        let track = &self.ceremony.circuits[circuit].track;
        foundations.iter().find(|of| of.track == *track).and_then(|of| match of.from {
            Base::Rebuilt => None,
            Base::Key(base) => Some(base),
        })
    }

    /// A key that follows from an earlier one of its chain, which was verified before.
    fn key_from(
        &self,
        circuit: usize,
        step: usize,
        base: usize,
        progress: &dyn Progress,
    ) -> Result<Passed, CeremonyError> {
        let chain = &self.ceremony.circuits[circuit];
        let this = &chain.steps[step];
        let Some(before) = chain.steps.get(base) else { return Err(no_circuit(self.ceremony)) };
        let mut file = self.ceremony.folder.open(&this.path)?;
        if base == step {
            let digests = digest_file(&mut file, progress).map_err(at(&this.path))?;
            ensure_attested(this, digests.sha256)?;
            return Ok((this.path.clone(), digests, vec![ATTESTED]));
        }
        let mut key = Zkey::open(file).map_err(at(&this.path))?;
        let earlier = self.ceremony.folder.open(&before.path)?;
        let mut earlier =
            Zkey::open_knowing(earlier, key.contributions()).map_err(at(&before.path))?;
        let expectations = KeyExpectations::default();
        let (report, kept) =
            Predecessor::verify_from(&mut earlier, &mut key, &expectations, progress)
                .map_err(at(&this.path))?;
        let digests = match report.digests {
            Digests::Incremental { earlier, key } => {
                ensure_attested(before, earlier)?;
                key
            }
            Digests::Whole { key, .. } => key,
        };
        ensure_attested(this, digests.sha256)?;
        let records = kept.records();
        if records.len() != step {
            let found = format_args!("{} records", records.len());
            return Err(broken(&this.path, "a step adds one record", found, step));
        }
        let last = records.last();
        record_is_attested(
            this,
            last.map(|record| (ContributionHash(record.hash().0), &record.kind)),
        )?;
        let follows = PassedCheck {
            number: None,
            statement: "it follows from a key of its chain that was verified earlier",
            remark: None,
        };
        let mut checks = vec![ATTESTED, RECORDED, follows];
        checks.extend(passed(&report));
        let opening = records.last().map(Opening::of_phase2);
        checks.extend(commitment::verify(self.ceremony, this, opening.as_ref())?);
        Ok((this.path.clone(), digests, checks))
    }

    /// The comparison with the initial key, rebuilt from circuit and prepared file.
    fn against_circuit(
        &self,
        circuit: usize,
        step: usize,
        key: &mut Zkey<Input>,
        progress: &dyn Progress,
    ) -> Result<(Report, Predecessor), CeremonyError> {
        let ceremony = self.ceremony;
        let chain = &ceremony.circuits[circuit];
        let Track::Circuit(name) = &chain.track else { return Err(no_circuit(ceremony)) };
        let (path, r1cs_path) = (&chain.steps[step].path, ceremony.folder.r1cs(name));
        let Some(prepared) = &ceremony.phase1.prepared else { return Err(no_circuit(ceremony)) };
        let is_the_circuit = |found: FileSha256| match ceremony.circuit_digest(name) {
            Some(expected) if found.0 == expected.0 => Ok(()),
            expected => {
                let expected = expected.map_or_else(String::new, |digest| digest.to_string());
                Err(broken(&r1cs_path, "this is not the circuit of the rules", found, expected))
            }
        };
        // A file of another kind is refused before it is read to its end.
        let mut r1cs =
            R1cs::open(self.ceremony.folder.open(&r1cs_path)?).map_err(at(&r1cs_path))?;
        // Before the comparison, so that another circuit is called just that; and after it, for the
        // bytes that were compared.
        is_the_circuit(sha256_file(r1cs.source(), progress).map_err(at(&r1cs_path))?)?;
        let mut ptau =
            Ptau::open(self.ceremony.folder.open(&prepared.path)?).map_err(at(&prepared.path))?;
        let (report, kept) = if step == 0 {
            Predecessor::verify_initial(&mut r1cs, &mut ptau, key, progress)
        } else {
            let expectations = self.expectations(chain, step);
            Predecessor::verify(&mut r1cs, &mut ptau, key, &expectations, progress)
        }
        .map_err(at(path))?;
        if let Digests::Whole { circuit, powers, .. } = report.digests {
            is_the_circuit(circuit)?;
            ensure_attested(prepared, powers)?;
        }
        Ok((report, kept))
    }
}

type Passed = (PathBuf, FileDigests, Vec<PassedCheck>);

fn title(chain: &Chain, step: usize) -> String {
    let Some(step) = chain.steps.get(step) else { return chain.track.to_string() };
    format!(
        "{}, step {} ({}): {}",
        chain.track,
        step.index,
        step.words.action.as_str(),
        step.words.participant
    )
}

fn no_circuit(ceremony: &Ceremony) -> CeremonyError {
    broken(
        ceremony.folder.root(),
        "a circuit's chain has no start",
        "nothing to compare with",
        "a prepared phase 1 and an opened circuit",
    )
}

fn passed(report: &Report) -> impl Iterator<Item = PassedCheck> + '_ {
    report.checks.iter().map(|(check, _)| PassedCheck {
        number: Some(check.number()),
        statement: check.statement(),
        remark: report.remark(*check).map(Remark::text),
    })
}

fn finished_key(
    name: &CircuitName,
    path: &Path,
    key: &mut Zkey<Input>,
    verified: &Predecessor,
) -> Result<CircuitKey, CeremonyError> {
    let public_inputs = key.header().public;
    let verifying_key = keygen::verifying_key(key).map_err(at(path))?;
    if !verified.has_verifying_key(&verifying_key) {
        let what = "the file changed while it was read";
        return Err(broken(path, what, "another verifying key", "the one that was verified"));
    }
    let bytes = keygen::verifying_key_bytes(&verifying_key).map_err(at(path))?;
    Ok(CircuitKey { name: name.clone(), public_inputs, verifying_key, bytes })
}

/// The bytes that were verified are those that were attested.
pub(crate) fn ensure_attested(step: &Step, found: FileSha256) -> Result<(), CeremonyError> {
    if found.0 == step.file.0 {
        return Ok(());
    }
    Err(broken(
        &step.path,
        format_args!("this is not the file that {} attested", step.words.participant),
        found,
        step.file,
    ))
}

/// The last record is the attested contribution or beacon.
pub(crate) fn record_is_attested(
    step: &Step,
    record: Option<(ContributionHash, &ContributionKind)>,
) -> Result<(), CeremonyError> {
    let Some((hash, kind)) = record else {
        return Err(broken(
            &step.path,
            "the file has no record",
            "none",
            format_args!("{} records", step.index),
        ));
    };
    if step.words.contribution_hash != Some(hash) {
        let expected =
            step.words.contribution_hash.map_or_else(String::new, |hash| hash.to_string());
        return Err(broken(
            &step.path,
            "the last record is not the attested contribution",
            hash,
            expected,
        ));
    }
    let recorded = match kind {
        ContributionKind::Contribution => None,
        ContributionKind::Beacon(beacon) => Some((beacon.value(), beacon.exponent())),
    };
    let attested =
        step.words.beacon.as_ref().map(|beacon| (beacon.value.as_bytes(), beacon.exponent.get()));
    if recorded == attested {
        return Ok(());
    }
    let shown = |beacon: Option<(&[u8], u8)>| {
        beacon.map_or("a contribution".to_owned(), |(value, exponent)| {
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("a beacon of {hex}, 2^{exponent}")
        })
    };
    Err(broken(
        &step.path,
        "the last record is of another kind than the attested step",
        shown(recorded),
        shown(attested),
    ))
}
