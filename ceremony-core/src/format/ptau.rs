//! `.ptau`: the file of a powers-of-tau ceremony (docs/formats.md, section 4).
//!
//! With N = 2^power the file holds the accumulator `{[tau^i]1, i < 2N-1}`, `{[tau^i]2, i < N}`,
//! `{[alpha tau^i]1, i < N}`, `{[beta tau^i]1, i < N}`, `[beta]2`; a record per contribution; and,
//! once prepared, the Lagrange bases of the same: of every level in sections 12 to 15, or of some
//! in our own sections 111 to 115, which the reference tool does not read.

use std::fmt;
use std::io::{Read, Seek, Write};
use std::marker::PhantomData;

use ark_ff::BigInt;
use bn254_batch::Point;
use bn254_batch::curve::{FQ_MODULUS, G1Affine, G2Affine};
use rayon::prelude::*;

use super::container::{Container, ContainerKind, ContainerWriter, u32_at};
use super::encoding::{Encoding, encode, read_le, write_le};
pub use super::levels::{Levels, NoLevels};
use super::points::PointRun;
use super::record::{
    ContributionKind, ContributorName, ProofOfKnowledge, read_records, record_point, write_origin,
};
use super::scratch::Scratch;
use super::{FormatError, RecordDefect};
use crate::hash::{Blake2b512, Challenge, HashState, ResponseHash};
use crate::limits::{MAX_CONTRIBUTIONS, MAX_PARAMETER_BYTES, MAX_POWER};

/// The container of a `.ptau`.
pub const PTAU: ContainerKind = ContainerKind {
    magic: b"ptau",
    versions: &[1],
    ids: &[1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, LEVELS, 112, 113, 114, 115],
};

const HEADER: u32 = 1;
const CONTRIBUTIONS: u32 = 7;
/// Which levels sections 112 to 115 hold.
const LEVELS: u32 = 111;

/// The binary logarithm of the number of powers, 1 to 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Power(u32);

impl Power {
    /// A power from 1 to [`MAX_POWER`].
    #[must_use]
    pub fn new(power: u32) -> Option<Self> {
        (1..=MAX_POWER).contains(&power).then_some(Self(power))
    }

    /// The exponent.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0
    }

    /// N = 2^power.
    #[must_use]
    pub fn n(self) -> u64 {
        1 << self.0
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The five sections of the accumulator, wherever and however they are written: the one statement
/// of what an accumulator's parts are and how long. `{[tau^i]1}`, `{[tau^i]2}`, `{[alpha tau^i]1}`,
/// `{[beta tau^i]1}`, `[beta]2`.
#[derive(Clone, Copy, Debug)]
pub struct AccumulatorLayout {
    /// `{[tau^i]1, i < 2N-1}`
    pub tau_g1: PointRun<G1Affine>,
    /// `{[tau^i]2, i < N}`
    pub tau_g2: PointRun<G2Affine>,
    /// `{[alpha tau^i]1, i < N}`
    pub alpha_tau_g1: PointRun<G1Affine>,
    /// `{[beta tau^i]1, i < N}`
    pub beta_tau_g1: PointRun<G1Affine>,
    /// `[beta]2`
    pub beta_g2: PointRun<G2Affine>,
}

const fn run<P>(
    section: u32,
    name: &'static str,
    offset: u64,
    len: u64,
    encoding: Encoding,
) -> PointRun<P> {
    PointRun { section, name, offset, len, encoding, infinity: false, group: PhantomData }
}

impl AccumulatorLayout {
    /// The sections one after another from `start` on, as in challenge and response files.
    #[must_use]
    pub fn consecutive(power: Power, start: u64, encoding: Encoding) -> Self {
        let n = power.n();
        let tau_g1 = run(0, "[tau^i]1", start, 2 * n - 1, encoding);
        let tau_g2 = run(0, "[tau^i]2", tau_g1.offset + tau_g1.bytes(), n, encoding);
        let alpha_tau_g1 = run(0, "[alpha tau^i]1", tau_g2.offset + tau_g2.bytes(), n, encoding);
        let beta_tau_g1 =
            run(0, "[beta tau^i]1", alpha_tau_g1.offset + alpha_tau_g1.bytes(), n, encoding);
        let beta_g2 = run(0, "[beta]2", beta_tau_g1.offset + beta_tau_g1.bytes(), 1, encoding);
        Self { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, beta_g2 }
    }

    /// Bytes of all five sections.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tau_g1.bytes()
            + self.tau_g2.bytes()
            + self.alpha_tau_g1.bytes()
            + self.beta_tau_g1.bytes()
            + self.beta_g2.bytes()
    }

    /// Points of all five sections.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.tau_g1.len
            + self.tau_g2.len
            + self.alpha_tau_g1.len
            + self.beta_tau_g1.len
            + self.beta_g2.len
    }
}

/// The Lagrange bases of a prepared file, level after level, beginning at
/// [`start_of`](Levels::start_of) each. Entry i of level k is the basis polynomial i of the domain
/// of 2^k points at tau, in natural order.
#[derive(Clone, Copy, Debug)]
pub struct LagrangeLayout {
    /// Which levels there are.
    pub levels: Levels,
    /// Section 12 or 112: these levels and the next one.
    pub tau_g1: PointRun<G1Affine>,
    /// Section 13 or 113.
    pub tau_g2: PointRun<G2Affine>,
    /// Section 14 or 114.
    pub alpha_tau_g1: PointRun<G1Affine>,
    /// Section 15 or 115.
    pub beta_tau_g1: PointRun<G1Affine>,
}

impl LagrangeLayout {
    /// The sections one after another from `start` on, with nothing between them. All levels of a
    /// file are in sections 12 to 15, some in 112 to 115.
    #[must_use]
    pub fn consecutive(levels: Levels, all: bool, start: u64) -> Self {
        let (lem, plus) = (Encoding::Montgomery, if all { 0 } else { 100 });
        let (points, doubled) = (levels.points(false), levels.points(true));
        let tau_g1 = run(12 + plus, "Lagrange [tau]1", start, doubled, lem);
        let after = tau_g1.offset + tau_g1.bytes();
        let tau_g2 = run(13 + plus, "Lagrange [tau]2", after, points, lem);
        let after = tau_g2.offset + tau_g2.bytes();
        let alpha_tau_g1 = run(14 + plus, "Lagrange [alpha tau]1", after, points, lem);
        let after = alpha_tau_g1.offset + alpha_tau_g1.bytes();
        let beta_tau_g1 = run(15 + plus, "Lagrange [beta tau]1", after, points, lem);
        Self { levels, tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1 }
    }

    /// Points of all four sections.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.tau_g1.len + self.tau_g2.len + self.alpha_tau_g1.len + self.beta_tau_g1.len
    }

    /// Where the sections of a file lie, if it has them.
    fn find<R: Read + Seek>(
        container: &mut Container<R>,
        power: Power,
    ) -> Result<Option<Self>, FormatError> {
        let found: Vec<u32> = container.ids().filter(|id| *id >= 12).collect();
        let (all, mut sorted) = (found.iter().all(|id| *id <= 15), found.clone());
        sorted.sort_unstable();
        let levels = match sorted[..] {
            [] => return Ok(None),
            [12, 13, 14, 15] => Levels::all(power),
            [LEVELS, 112, 113, 114, 115] => {
                container.section(LEVELS, 8)?;
                let mut bytes = [0; 8];
                bytes.copy_from_slice(&container.read_small(LEVELS, 8)?);
                Levels::read(&bytes, power)?
            }
            _ => return Err(FormatError::PartlyPrepared { found }),
        };
        let mut layout = Self::consecutive(levels, all, 0);
        place(container, layout.tau_g1.section, &mut layout.tau_g1)?;
        place(container, layout.tau_g2.section, &mut layout.tau_g2)?;
        place(container, layout.alpha_tau_g1.section, &mut layout.alpha_tau_g1)?;
        place(container, layout.beta_tau_g1.section, &mut layout.beta_tau_g1)?;
        Ok(Some(layout))
    }
}

/// An open `.ptau` whose structure, header and records are sound. Points are checked when they are
/// read.
#[derive(Debug)]
pub struct Ptau<R> {
    container: Container<R>,
    power: Power,
    ceremony_power: Power,
    accumulator: AccumulatorLayout,
    lagrange: Option<LagrangeLayout>,
    contributions: Vec<Contribution>,
    scratch: Option<Box<dyn Scratch>>,
}

impl<R: Read + Seek> Ptau<R> {
    /// Reads table, header and records.
    ///
    /// # Errors
    /// Every structural defect of the file.
    pub fn open(source: R) -> Result<Self, FormatError> {
        Self::open_knowing(source, None)
    }

    /// [`Self::open`], with records of another file of the ceremony, and its ceremony power: those
    /// that this file has as well are not read anew.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_knowing(
        source: R,
        known: Option<(Power, &[Contribution])>,
    ) -> Result<Self, FormatError> {
        let mut container = Container::open(source, PTAU)?;
        let header = container.read_header(HEADER, 44, FQ_MODULUS)?;
        check_field(&header)?;
        let power = read_power("power", u32_at(&header, 36))?;
        let ceremony_power = read_power("the ceremony's power", u32_at(&header, 40))?;
        if power > ceremony_power {
            return Err(FormatError::Header {
                what: "power",
                found: power.to_string(),
                expected: format!("at most the ceremony's power, {ceremony_power}"),
            });
        }
        let accumulator = {
            let mut layout = AccumulatorLayout::consecutive(power, 0, Encoding::Montgomery);
            place(&container, 2, &mut layout.tau_g1)?;
            place(&container, 3, &mut layout.tau_g2)?;
            place(&container, 4, &mut layout.alpha_tau_g1)?;
            place(&container, 5, &mut layout.beta_tau_g1)?;
            place(&container, 6, &mut layout.beta_g2)?;
            layout
        };
        let lagrange = LagrangeLayout::find(&mut container, power)?;
        let records = container.read_small(CONTRIBUTIONS, MAX_CONTRIBUTIONS_BYTES)?;
        // The hash of a response depends on the power.
        let known = known.filter(|(power, _)| *power == ceremony_power);
        let known = known.map_or(&[][..], |(_, records)| records);
        let contributions = read_contributions(&records, ceremony_power, known)?;
        let scratch = None;
        Ok(Self { container, power, ceremony_power, accumulator, lagrange, contributions, scratch })
    }

    /// The power of this file.
    #[must_use]
    pub fn power(&self) -> Power {
        self.power
    }

    /// The power of the ceremony that made it; larger than [`Self::power`] for a truncated file,
    /// whose points no hash in the file binds.
    #[must_use]
    pub fn ceremony_power(&self) -> Power {
        self.ceremony_power
    }

    /// Whether points were cut off after the ceremony.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.power != self.ceremony_power
    }

    /// Where the accumulator's sections lie.
    #[must_use]
    pub fn accumulator(&self) -> AccumulatorLayout {
        self.accumulator
    }

    /// Where the Lagrange bases lie, if the file is prepared.
    #[must_use]
    pub fn lagrange(&self) -> Option<LagrangeLayout> {
        self.lagrange
    }

    /// Lets what needs Lagrange bases that the file lacks compute them, in this empty temporary
    /// file: 448 bytes for each row of a circuit's domain. It serves once.
    pub fn set_scratch(&mut self, scratch: Box<dyn Scratch>) {
        self.scratch = Some(scratch);
    }

    pub(crate) fn has_scratch(&self) -> bool {
        self.scratch.is_some()
    }

    pub(crate) fn take_scratch(&mut self) -> Option<Box<dyn Scratch>> {
        self.scratch.take()
    }

    /// The records, oldest first.
    #[must_use]
    pub fn contributions(&self) -> &[Contribution] {
        &self.contributions
    }

    /// The same file behind what `change` makes of the reader's source.
    pub(crate) fn map_source<S, T, E>(
        self,
        change: impl FnOnce(R) -> Result<(S, T), E>,
    ) -> Result<(Ptau<S>, T), E> {
        let (container, other) = self.container.map_source(change)?;
        let Self { power, ceremony_power, accumulator, lagrange, contributions, scratch, .. } =
            self;
        let ptau = Ptau {
            container,
            power,
            ceremony_power,
            accumulator,
            lagrange,
            contributions,
            scratch,
        };
        Ok((ptau, other))
    }

    /// The file behind the reader.
    pub fn source(&mut self) -> &mut R {
        self.container.source()
    }
}

/// Writes section 1.
///
/// # Errors
/// When writing fails.
pub fn write_header<W: Write + Seek>(
    out: &mut ContainerWriter<W>,
    power: Power,
    ceremony_power: Power,
) -> std::io::Result<()> {
    let mut bytes = [0; 44];
    bytes[..4].copy_from_slice(&32u32.to_le_bytes());
    write_le(FQ_MODULUS, &mut bytes[4..36]);
    bytes[36..40].copy_from_slice(&power.0.to_le_bytes());
    bytes[40..].copy_from_slice(&ceremony_power.0.to_le_bytes());
    out.begin(HEADER)?;
    out.write(&bytes)?;
    out.end()?;
    Ok(())
}

/// Writes section 111.
///
/// # Errors
/// When writing fails.
pub fn write_levels<W: Write + Seek>(
    out: &mut ContainerWriter<W>,
    levels: Levels,
) -> std::io::Result<()> {
    out.begin(LEVELS)?;
    out.write(&levels.to_bytes())?;
    out.end()?;
    Ok(())
}

/// Writes section 7.
///
/// # Errors
/// When writing fails.
pub fn write_contributions<W: Write + Seek>(
    out: &mut ContainerWriter<W>,
    contributions: &[Contribution],
) -> std::io::Result<()> {
    out.begin(CONTRIBUTIONS)?;
    out.write(&contributions_to_bytes(contributions))?;
    out.end()?;
    Ok(())
}

/// Bytes of section 7 at most.
pub(crate) const MAX_CONTRIBUTIONS_BYTES: u64 =
    4 + MAX_CONTRIBUTIONS as u64 * (RECORD_BYTES as u64 + 8 + MAX_PARAMETER_BYTES as u64);

/// The content of section 7.
pub(crate) fn contributions_to_bytes(contributions: &[Contribution]) -> Vec<u8> {
    let mut bytes = (contributions.len() as u32).to_le_bytes().to_vec();
    contributions.iter().for_each(|contribution| bytes.extend(contribution.to_bytes()));
    bytes
}

/// The records of section 7, of which the `known` ones are not read anew.
pub(crate) fn read_contributions(
    bytes: &[u8],
    ceremony_power: Power,
    known: &[Contribution],
) -> Result<Vec<Contribution>, FormatError> {
    let known = (known, Contribution::to_bytes as _);
    read_records(CONTRIBUTIONS, bytes, 0, known, |fixed, kind, name| {
        Contribution::read(fixed, kind, name, ceremony_power)
    })
}

pub(super) fn check_field(header: &[u8]) -> Result<(), FormatError> {
    check_modulus(header, "the base field's modulus", FQ_MODULUS)
}

/// Checks `n8 u32 = 32 | modulus`, with which the headers of all formats give their fields.
pub(super) fn check_modulus(
    header: &[u8],
    what: &'static str,
    modulus: BigInt<4>,
) -> Result<(), FormatError> {
    let n8 = u32_at(header, 0);
    if n8 != 32 {
        return Err(FormatError::Header {
            what: "the size of a field element",
            found: n8.to_string(),
            expected: "32".into(),
        });
    }
    if read_le(&header[4..36]) != modulus {
        let found = header[4..36].iter().rev().map(|b| format!("{b:02x}")).collect();
        return Err(FormatError::Header { what, found, expected: "that of BN254".into() });
    }
    Ok(())
}

pub(super) fn read_power(what: &'static str, found: u32) -> Result<Power, FormatError> {
    Power::new(found).ok_or_else(|| FormatError::Header {
        what,
        found: found.to_string(),
        expected: format!("1 to {MAX_POWER}"),
    })
}

pub(super) fn place<R: Read + Seek, P: Point>(
    container: &Container<R>,
    id: u32,
    run: &mut PointRun<P>,
) -> Result<(), FormatError> {
    let section = container.section(id, run.bytes())?;
    (run.section, run.offset) = (id, section.offset);
    Ok(())
}

/// The points by which a contribution is judged: the first elements of the accumulator after it.
/// `[tau]1 [tau]2 [alpha]1 [beta]1 [beta]2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccumulatorHead {
    /// `[tau]1`
    pub tau_g1: G1Affine,
    /// `[tau]2`
    pub tau_g2: G2Affine,
    /// `[alpha]1`
    pub alpha_g1: G1Affine,
    /// `[beta]1`
    pub beta_g1: G1Affine,
    /// `[beta]2`
    pub beta_g2: G2Affine,
}

/// Bytes of the key points in a record.
const ACCUMULATOR_HEAD_BYTES: usize = 64 + 128 + 64 + 64 + 128;

impl AccumulatorHead {
    fn read(bytes: &[u8; ACCUMULATOR_HEAD_BYTES]) -> Result<Self, RecordDefect> {
        let lem = Encoding::Montgomery;
        let (tau_g2, beta_g2) = rayon::join(
            || record_point(&bytes[64..192], lem, "[tau]2"),
            || record_point(&bytes[320..], lem, "[beta]2"),
        );
        Ok(Self {
            tau_g1: record_point(&bytes[..64], lem, "[tau]1")?,
            tau_g2: tau_g2?,
            alpha_g1: record_point(&bytes[192..256], lem, "[alpha]1")?,
            beta_g1: record_point(&bytes[256..320], lem, "[beta]1")?,
            beta_g2: beta_g2?,
        })
    }
}

/// The public key of a contribution: one proof for each of its three secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// For tau.
    pub tau: ProofOfKnowledge,
    /// For alpha.
    pub alpha: ProofOfKnowledge,
    /// For beta.
    pub beta: ProofOfKnowledge,
}

/// Bytes of a public key, in files and hashes alike.
pub const PUBLIC_KEY_BYTES: usize = 6 * 64 + 3 * 128;

impl PublicKey {
    /// tau.s tau.sx alpha.s alpha.sx beta.s beta.sx (G1), tau.spx alpha.spx beta.spx (G2).
    #[must_use]
    pub fn to_bytes(&self, encoding: Encoding) -> Vec<u8> {
        let keys = [self.tau, self.alpha, self.beta];
        let g1: Vec<G1Affine> = keys.iter().flat_map(|k| [k.g1_s, k.g1_sx]).collect();
        let mut out = encode(&g1, encoding);
        out.extend(encode(&keys.map(|k| k.g2_spx), encoding));
        out
    }

    /// The key from [`PUBLIC_KEY_BYTES`] bytes, no point of which may be infinity.
    ///
    /// # Errors
    /// The first point that is not one.
    pub fn from_bytes(
        bytes: &[u8; PUBLIC_KEY_BYTES],
        encoding: Encoding,
    ) -> Result<Self, RecordDefect> {
        const G1: [&str; 6] =
            ["tau's s", "tau's sx", "alpha's s", "alpha's sx", "beta's s", "beta's sx"];
        const G2: [&str; 3] = ["tau's spx", "alpha's spx", "beta's spx"];
        let (g1, g2) = bytes.split_at(6 * 64);
        let mut s = [G1Affine::default(); 6];
        for ((s, bytes), name) in s.iter_mut().zip(g1.chunks_exact(64)).zip(G1) {
            *s = record_point(bytes, encoding, name)?;
        }
        let mut spx = [G2Affine::default(); 3];
        let read = g2
            .par_chunks_exact(128)
            .zip(G2)
            .with_max_len(1)
            .map(|(bytes, name)| record_point(bytes, encoding, name));
        for (spx, read) in spx.iter_mut().zip(read.collect::<Vec<_>>()) {
            *spx = read?;
        }
        let proof =
            |i: usize| ProofOfKnowledge { g1_s: s[2 * i], g1_sx: s[2 * i + 1], g2_spx: spx[i] };
        Ok(Self { tau: proof(0), alpha: proof(1), beta: proof(2) })
    }
}

/// One record of section 7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The accumulator's first elements after this contribution.
    pub key_points: AccumulatorHead,
    /// The proofs of knowledge.
    pub public_key: PublicKey,
    /// The hash of the response up to its public key, which has hashed a number of bytes that the
    /// ceremony's power implies.
    pub partial_hash: HashState,
    /// The challenge for the next contributor.
    pub next_challenge: Challenge,
    /// Participant or beacon.
    pub kind: ContributionKind,
    /// For display only.
    pub name: Option<ContributorName>,
    /// Derived when the record is made or read: `partial_hash` finished with the public key.
    response_hash: ResponseHash,
}

/// Bytes of a record before its type and parameters.
pub const RECORD_BYTES: usize = ACCUMULATOR_HEAD_BYTES + PUBLIC_KEY_BYTES + HashState::BYTES + 64;

impl Contribution {
    /// A record, as its maker writes it. `response` has hashed everything up to the public key.
    #[must_use]
    pub fn new(
        key_points: AccumulatorHead,
        public_key: PublicKey,
        response: &Blake2b512,
        next_challenge: Challenge,
        kind: ContributionKind,
        name: Option<ContributorName>,
    ) -> Self {
        let response_hash = finish_response(response.clone(), &public_key);
        Self {
            key_points,
            public_key,
            partial_hash: HashState::export(response),
            next_challenge,
            kind,
            name,
            response_hash,
        }
    }

    /// BLAKE2b-512 of the response file: phase 1's contribution hash.
    ///
    /// Of the last record the points of the file bind it. Of an earlier one nothing in the file
    /// does: it covers an accumulator that is no longer there. What binds it is the file that this
    /// record was the last of, or a published copy of the hash.
    #[must_use]
    pub fn response_hash(&self) -> ResponseHash {
        self.response_hash
    }

    /// Whether this is a beacon.
    #[must_use]
    pub fn is_beacon(&self) -> bool {
        matches!(self.kind, ContributionKind::Beacon(_))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let lem = Encoding::Montgomery;
        let k = &self.key_points;
        let mut out = encode(&[k.tau_g1], lem);
        out.extend(encode(&[k.tau_g2], lem));
        out.extend(encode(&[k.alpha_g1, k.beta_g1], lem));
        out.extend(encode(&[k.beta_g2], lem));
        out.extend(self.public_key.to_bytes(lem));
        out.extend(self.partial_hash.0);
        out.extend(self.next_challenge.0);
        out.extend(write_origin(&self.kind, self.name.as_ref()));
        out
    }

    fn read(
        fixed: &[u8; RECORD_BYTES],
        kind: ContributionKind,
        name: Option<ContributorName>,
        ceremony_power: Power,
    ) -> Result<Self, RecordDefect> {
        let (points, tail) = fixed.split_at(ACCUMULATOR_HEAD_BYTES + PUBLIC_KEY_BYTES);
        let (mut key_points, mut public_key) = ([0; ACCUMULATOR_HEAD_BYTES], [0; PUBLIC_KEY_BYTES]);
        key_points.copy_from_slice(&points[..ACCUMULATOR_HEAD_BYTES]);
        public_key.copy_from_slice(&points[ACCUMULATOR_HEAD_BYTES..]);
        let (key_points, public_key) = rayon::join(
            || AccumulatorHead::read(&key_points),
            || PublicKey::from_bytes(&public_key, Encoding::Montgomery),
        );
        let (key_points, public_key) = (key_points?, public_key?);
        let mut state = [0; HashState::BYTES];
        state.copy_from_slice(&tail[..HashState::BYTES]);
        let partial_hash = HashState(state);
        let response_hash =
            finish_response(partial_hash.resume(response_body_bytes(ceremony_power))?, &public_key);
        let mut next_challenge = [0; 64];
        next_challenge.copy_from_slice(&tail[HashState::BYTES..]);
        Ok(Self {
            key_points,
            public_key,
            partial_hash,
            next_challenge: Challenge(next_challenge),
            kind,
            name,
            response_hash,
        })
    }
}

/// Bytes that a response's hash has seen before the public key: the challenge's hash and the
/// compressed accumulator.
#[must_use]
pub fn response_body_bytes(power: Power) -> u64 {
    64 + AccumulatorLayout::consecutive(power, 0, Encoding::Compressed).bytes()
}

/// The response hash: what has hashed everything up to the public key, and the public key.
#[must_use]
pub fn finish_response(mut partial: Blake2b512, public_key: &PublicKey) -> ResponseHash {
    partial.update(&public_key.to_bytes(Encoding::Uncompressed));
    ResponseHash(partial.finish())
}
