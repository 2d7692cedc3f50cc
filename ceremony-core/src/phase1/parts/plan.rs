//! The plan: what one reading of the whole file finds, and what binds the parts to it.

use std::io::{Read, Seek};
use std::ops::Range;

use ark_ec::AffineRepr;
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint as _, G1Affine, G2Affine};
use sha2::{Digest, Sha256};

use super::{Cut, EachCut, Ends, MAX_PARTS, PartOf, PowerEnds, bytes_of, each_cut};
use crate::entropy::{OsRandomError, PlanSeed};
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::bound_file::FileDigests;
use crate::format::encoding::{Encoding, encode};
use crate::format::points::PointRun;
use crate::format::ptau::{
    AccumulatorLayout, Contribution, LagrangeLayout, Levels, Power, contributions_to_bytes,
    read_contributions,
};
use crate::hash::FileSha256;
use crate::phase1::place_of_run;
use crate::phase1::report::Expectations;
use crate::phase1::sections::check_undivided;
use crate::phase1::verify::{
    Kind, VerifyError, WholeRead, check_expected, finish, known_digests, open, same_digests,
};
use crate::progress::Progress;

/// What a plan's document holds, as it is read: [`Plan::new`] makes a plan of it.
#[derive(Clone, Debug)]
pub struct PlanContent {
    /// Of the whole file.
    pub digests: FileDigests,
    /// Its power.
    pub power: Power,
    /// The power of the ceremony that made it.
    pub ceremony_power: Power,
    /// N.
    pub parts: u32,
    /// Bytes of the planner's operating system, drawn after the file was read.
    pub nonce: [u8; 32],
    /// The content of section 7.
    pub contributions: Vec<u8>,
    /// Sections 2 to 5 and, of a prepared file, 12 to 15.
    pub sections: Vec<PlannedSection>,
    /// What check 7 needs of the powers; of a prepared file.
    pub ends: Option<PowerEnds>,
}

/// A section that is cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSection {
    /// Its id.
    pub section: u32,
    /// Where its first byte lies.
    pub offset: u64,
    /// SHA-256 of the bytes that each part reads; of nothing, where it reads none.
    pub pieces: Vec<FileSha256>,
}

/// A plan that says what a plan must say. Whether it is true is for those to know who trust its
/// maker.
#[derive(Clone, Debug)]
pub struct Plan {
    content: PlanContent,
    contributions: Vec<Contribution>,
    accumulator: AccumulatorLayout,
    lagrange: Option<LagrangeLayout>,
    digest: [u8; 32],
}

/// Why a document is not a valid plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No part, or more than [`MAX_PARTS`].
    #[error("the number of parts is out of range: found {0}, expected 1 to {MAX_PARTS}")]
    Parts(u32),
    /// Of a file that is prepared for some levels only.
    #[error(
        "a file that is prepared for some levels cannot be verified by parts: found levels {0}, \
         expected all levels or none"
    )]
    SomeLevels(Levels),
    /// Its records are none that a file may have.
    #[error("the plan's records: {0}")]
    Records(FormatError),
    /// A statement about the sections that does not fit to power and number of parts.
    #[error("{what}: found {found}, expected {expected}")]
    Sections {
        /// What does not fit.
        what: &'static str,
        /// As it is.
        found: String,
        /// As it should be.
        expected: String,
    },
}

impl Explain for PlanError {
    fn explain(&self) -> Finding {
        match self {
            Self::Parts(found) => {
                Finding::compared("ptau-plan/parts", self, found, format_args!("1 to {MAX_PARTS}"))
            }
            Self::SomeLevels(found) => Finding::compared(
                "ptau-plan/some-levels",
                self,
                format_args!("levels {found}"),
                "all levels or none",
            ),
            Self::Records(error) => error.explain().inside("the plan's records"),
            Self::Sections { found, expected, .. } => {
                Finding::compared("ptau-plan/sections", self, found, expected)
            }
        }
    }
}

impl Plan {
    /// Reads a whole file: all checks that no part can make, and the digests of the parts' bytes.
    ///
    /// # Errors
    /// As [`verify`](crate::phase1::verify::verify), for these checks.
    pub fn of_file<R: Read + Seek + Send>(
        source: R,
        parts: u32,
        expectations: &Expectations<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, PlanningError> {
        if !(1..=MAX_PARTS).contains(&parts) {
            return Err(PlanError::Parts(parts).into());
        }
        let mut ptau = open(source, None).map_err(VerifyError::from)?;
        let last =
            check_expected(ptau.contributions(), expectations).map_err(VerifyError::from)?.clone();
        if let Some(found) = ptau.lagrange().map(|lagrange| lagrange.levels)
            && found != Levels::all(ptau.power())
        {
            return Err(PlanError::SomeLevels(found).into());
        }
        let known = known_digests(&mut ptau, expectations, progress)?;
        let mut pieces = Pieces { parts, sections: Vec::new(), ranges: Vec::new() };
        let (mut accumulator, mut lagrange) = (ptau.accumulator(), ptau.lagrange());
        let Ok(()) = each_cut(&mut accumulator, lagrange.as_mut(), &mut pieces);
        ptau.source().digest_ranges(
            pieces.ranges.iter().filter(|range| !range.is_empty()).cloned().collect(),
        );
        let powers = check_undivided(&mut ptau, &last, progress);
        let (ptau, WholeRead { digests, found, ranges }) = finish(ptau, powers, progress)?;
        same_digests(known, &digests)?;
        // Drawn only now, so that the author of the file could not know it.
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce)
            .map_err(|error| VerifyError::from(OsRandomError::from(error)))?;
        let content = PlanContent {
            digests,
            power: ptau.power(),
            ceremony_power: ptau.ceremony_power(),
            parts,
            nonce,
            contributions: contributions_to_bytes(ptau.contributions()),
            sections: pieces.with_digests(ranges),
            ends: ptau.lagrange().map(|_| found),
        };
        Ok(Self::new(content)?)
    }

    /// A plan from its content.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(content: PlanContent) -> Result<Self, PlanError> {
        if !(1..=MAX_PARTS).contains(&content.parts) {
            return Err(PlanError::Parts(content.parts));
        }
        let contributions = read_contributions(&content.contributions, content.ceremony_power, &[])
            .map_err(PlanError::Records)?;
        let mut accumulator =
            AccumulatorLayout::consecutive(content.power, 0, Encoding::Montgomery);
        let mut lagrange = content
            .ends
            .is_some()
            .then(|| LagrangeLayout::consecutive(Levels::all(content.power), true, 0));
        let ids: &[u32] =
            if lagrange.is_some() { &[2, 3, 4, 5, 12, 13, 14, 15] } else { &[2, 3, 4, 5] };
        if !content.sections.iter().map(|section| section.section).eq(ids.iter().copied()) {
            let found: Vec<u32> = content.sections.iter().map(|it| it.section).collect();
            return Err(fit("the plan's sections", format!("{found:?}"), format!("{ids:?}")));
        }
        if content.power > content.ceremony_power {
            let (power, ceremony) = (content.power.to_string(), content.ceremony_power);
            return Err(fit("the plan's power", power, format!("at most {ceremony}")));
        }
        let mut placed = Placed { content: &content, next: 0 };
        each_cut(&mut accumulator, lagrange.as_mut(), &mut placed)?;
        let Some(last) = contributions.last() else {
            return Err(fit("the plan's records", "none".into(), "at least 1".into()));
        };
        if let Some(ends) = &content.ends {
            check_ends(ends, content.power, last)?;
        }
        let digest = content.digest();
        Ok(Self { content, contributions, accumulator, lagrange, digest })
    }

    /// What the document holds.
    #[must_use]
    pub fn content(&self) -> &PlanContent {
        &self.content
    }

    /// The records of the file.
    #[must_use]
    pub fn contributions(&self) -> &[Contribution] {
        &self.contributions
    }

    /// By which the parts name the plan: SHA-256 of all that it says (docs/formats.md, section 7).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The part of this number.
    #[must_use]
    pub fn part(&self, number: u32) -> Option<PartOf> {
        PartOf::new(number, self.content.parts)
    }

    pub(super) fn seed(&self) -> PlanSeed {
        PlanSeed(self.digest)
    }

    pub(super) fn kind(&self) -> Kind {
        let PlanContent { power, ceremony_power, .. } = self.content;
        Kind { power, ceremony_power, levels: self.lagrange.map(|_| self.levels()) }
    }

    pub(super) fn accumulator(&self) -> &AccumulatorLayout {
        &self.accumulator
    }

    /// The levels that a prepared file has: all.
    pub(super) fn levels(&self) -> Levels {
        Levels::all(self.content.power)
    }

    pub(super) fn lagrange(&self) -> Option<(&LagrangeLayout, &PowerEnds)> {
        self.lagrange.as_ref().zip(self.content.ends.as_ref())
    }

    /// SHA-256 of what a part reads of a section.
    pub(super) fn piece(&self, section: u32, part: PartOf) -> FileSha256 {
        // The constructor has counted sections and pieces.
        let section = self.content.sections.iter().find(|it| it.section == section);
        let piece = section.and_then(|it| it.pieces.get(part.number() as usize - 1));
        piece.copied().unwrap_or(FileSha256([0; 32]))
    }
}

/// Why a file got no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanningError {
    /// It fails a check, or could not be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The plan would be none.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Explain for PlanningError {
    fn explain(&self) -> Finding {
        match self {
            Self::Verify(error) => error.explain(),
            Self::Plan(error) => error.explain(),
        }
    }
}

impl PlanContent {
    /// Every field has one length, or one that another field gives, or its length before it: so no
    /// two plans are hashed as the same bytes.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"zk-ceremony plan of a verification in parts v1\0");
        hash.update(self.digests.length.to_le_bytes());
        hash.update(self.digests.sha256.0);
        hash.update(self.digests.blake2b.0);
        for number in [self.power.exponent(), self.ceremony_power.exponent(), self.parts] {
            hash.update(number.to_le_bytes());
        }
        hash.update(self.nonce);
        hash.update((self.contributions.len() as u64).to_le_bytes());
        hash.update(&self.contributions);
        hash.update((self.sections.len() as u32).to_le_bytes());
        for section in &self.sections {
            hash.update(section.section.to_le_bytes());
            hash.update(section.offset.to_le_bytes());
            section.pieces.iter().for_each(|piece| hash.update(piece.0));
        }
        if let Some(ends) = &self.ends {
            hash_ends(&mut hash, &ends.tau_g1);
            hash_ends(&mut hash, &ends.tau_g2);
            hash_ends(&mut hash, &ends.alpha_tau_g1);
            hash_ends(&mut hash, &ends.beta_tau_g1);
            hash.update(encode(ends.tau_squared_g2.as_slice(), Encoding::Compressed));
        }
        hash.finalize().into()
    }
}

fn hash_ends<P: Point>(hash: &mut Sha256, ends: &Ends<P>) {
    hash.update(encode(&ends.of_levels, Encoding::Compressed));
    hash.update(encode(&[ends.last], Encoding::Compressed));
}

/// The pieces of all sections, of all parts.
struct Pieces {
    parts: u32,
    sections: Vec<(u32, u64)>,
    ranges: Vec<Range<u64>>,
}

impl EachCut for Pieces {
    type Error = std::convert::Infallible;
    fn section<P: Point>(&mut self, cut: Cut, run: &mut PointRun<P>) -> Result<(), Self::Error> {
        self.sections.push((run.section, run.offset));
        let parts = (1..=self.parts).filter_map(|number| PartOf::new(number, self.parts));
        self.ranges.extend(parts.map(|part| bytes_of(run, &cut.read(part, run.len))));
        Ok(())
    }
}

impl Pieces {
    /// `digests` are those of the ranges that are not empty.
    fn with_digests(self, digests: Vec<FileSha256>) -> Vec<PlannedSection> {
        let mut digests = digests.into_iter();
        let nothing = FileSha256(Sha256::digest(b"").into());
        let mut pieces = self.ranges.iter().map(|range| {
            if range.is_empty() { nothing } else { digests.next().unwrap_or(nothing) }
        });
        let sections = self.sections.iter();
        let parts = self.parts as usize;
        sections
            .map(|(section, offset)| PlannedSection {
                section: *section,
                offset: *offset,
                pieces: pieces.by_ref().take(parts).collect(),
            })
            .collect()
    }
}

/// Puts every section where the plan has it.
struct Placed<'a> {
    content: &'a PlanContent,
    next: usize,
}

impl EachCut for Placed<'_> {
    type Error = PlanError;
    fn section<P: Point>(&mut self, _: Cut, run: &mut PointRun<P>) -> Result<(), PlanError> {
        let Some(planned) = self.content.sections.get(self.next) else {
            return Err(fit("the plan's sections", self.next.to_string(), "more".into()));
        };
        self.next += 1;
        let (pieces, parts) = (planned.pieces.len(), self.content.parts as usize);
        if pieces != parts {
            let what = "the digests of a section's pieces";
            return Err(fit(what, pieces.to_string(), parts.to_string()));
        }
        (run.section, run.offset) = (planned.section, planned.offset);
        let length = self.content.digests.length;
        match planned.offset.checked_add(run.bytes()) {
            Some(end) if end <= length => Ok(()),
            _ => Err(fit(
                "the end of a section",
                format!("{} of {} bytes at byte {}", place_of_run(run), run.bytes(), run.offset),
                format!("inside the file's {length} bytes"),
            )),
        }
    }
}

/// Whether these can be elements of the powers that the last record speaks of.
fn check_ends(ends: &PowerEnds, power: Power, last: &Contribution) -> Result<(), PlanError> {
    let levels = power.exponent() as usize + 1;
    let PowerEnds { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, tau_squared_g2 } = ends;
    let counts = [&tau_g1, &alpha_tau_g1, &beta_tau_g1].map(|ends| ends.of_levels.len());
    let counted = counts.iter().chain([&tau_g2.of_levels.len()]).all(|count| *count == levels);
    if !counted || tau_squared_g2.is_some() != (power.exponent() > 1) {
        let (found, expected) = ("another number of elements".into(), format!("{levels} of each"));
        return Err(fit("the plan's elements of the powers", found, expected));
    }
    let key = &last.key_points;
    let first = tau_g1.of_levels[0] == G1Affine::generator()
        && tau_g1.of_levels[1] == key.tau_g1
        && tau_g2.of_levels[0] == G2Affine::generator()
        && tau_g2.of_levels[1] == key.tau_g2
        && alpha_tau_g1.of_levels[0] == key.alpha_g1
        && beta_tau_g1.of_levels[0] == key.beta_g1;
    let in_g2 = tau_g2.of_levels.iter().chain([&tau_g2.last]).chain(tau_squared_g2);
    if !first || !in_g2.into_iter().all(|point| point.in_subgroup()) {
        let (found, expected) = ("others".into(), "those of the last record".into());
        return Err(fit("the plan's first elements of the powers", found, expected));
    }
    Ok(())
}

fn fit(what: &'static str, found: String, expected: String) -> PlanError {
    PlanError::Sections { what, found, expected }
}
