//! A contribution to phase 2: delta <- d delta for a secret d (BGM17, section 7.3).
//!
//! `[delta']1 = d [delta]1`, `[delta']2 = d [delta]2`, L'_i = d^-1 L_i, H'_i = d^-1 H_i; sections 3
//! to 7 stay as they are. The contributor proves knowledge of d by (s, d s, d R) with R =
//! hash_to_g2(transcript),
//!
//! transcript = BLAKE2b-512(initial key's hash | for each earlier record: uncompressed(delta, s, s
//! x, x R) transcript | uncompressed(s) | uncompressed(d s)),
//!
//! so that a proof is good for one place of one chain only. A beacon is the same with d and s drawn
//! from a public value. Names and the kind of a record are in no hash: what a file says of its
//! contributors is for display, the signed attestation binds it.

use std::io::{Read, Seek, Write};

use bn254_batch::Point;
use bn254_batch::curve::G1Affine;
use bn254_batch::mul_all;

pub use super::error::ContributeError;
use crate::draw::hash_to_g2;
use crate::entropy::{Beacon, ContributionRng, Secret, VerifierRng};
use crate::format::FormatError;
use crate::format::container::{ContainerWriter, Section};
use crate::format::encoding::{Encoding, encode, encode_into};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::record::{ContributionKind, ContributorName, ProofOfKnowledge};
use crate::format::zkey::{
    Contribution, Header, ZKEY, Zkey, section, write_contributions, write_header,
};
use crate::hash::{Blake2b512, ContributionHash, InitialKeyHash, TranscriptHash};
use crate::limits::MAX_CONTRIBUTIONS;
use crate::progress::Progress;
use crate::secret_threads::on_secret_threads;

/// What was contributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contributed {
    /// Its place in the chain, counted from 1.
    pub index: usize,
    /// The hash that the contributor publishes.
    pub hash: ContributionHash,
    /// The record, as written.
    pub record: Contribution,
    /// The `cs_hash` that the chain began with.
    pub initial_key_hash: InitialKeyHash,
}

/// Multiplies delta by a secret drawn from `rng` and writes the new key to `out`, an empty
/// temporary file which is complete only when this returns `Ok`. The secret is overwritten before
/// that.
///
/// The points that meet the secret are checked to be on their curves and in their groups. That they
/// are the right ones is for [`super::verify`] to tell: verify the key before contributing.
///
/// # Errors
/// [`ContributeError`].
pub fn contribute<R: Read + Seek + Send, W: Write + Seek + Send>(
    key: &mut Zkey<R>,
    out: W,
    rng: ContributionRng,
    name: Option<&ContributorName>,
    progress: &dyn Progress,
) -> Result<Contributed, ContributeError> {
    let kind = ContributionKind::Contribution;
    on_secret_threads(|| advance(key, out, rng, kind, name, progress))?
}

/// Closes the chain with a public random value, which everybody can recompute.
///
/// # Errors
/// [`ContributeError`].
pub fn apply_beacon<R: Read + Seek + Send, W: Write + Seek + Send>(
    key: &mut Zkey<R>,
    out: W,
    beacon: &Beacon,
    name: Option<&ContributorName>,
    progress: &dyn Progress,
) -> Result<Contributed, ContributeError> {
    let rng = ContributionRng::from_beacon(beacon, progress);
    let kind = ContributionKind::Beacon(beacon.clone());
    on_secret_threads(|| advance(key, out, rng, kind, name, progress))?
}

/// What a contribution is made from: the secret, and the point that goes with it.
pub(crate) struct DeltaSecret {
    delta: Secret,
    s: G1Affine,
}

impl DeltaSecret {
    /// Draws delta, then the point.
    pub(crate) fn draw(rng: ContributionRng) -> Self {
        let mut rng = rng.generator();
        Self { delta: rng.secret(), s: rng.g1() }
    }

    /// s and s delta, which do not depend on the key that is contributed to.
    pub(crate) fn opening(&self) -> [G1Affine; 2] {
        [self.s, times(self.s, &self.delta)]
    }
}

fn advance<R: Read + Seek + Send, W: Write + Seek + Send>(
    key: &mut Zkey<R>,
    out: W,
    rng: ContributionRng,
    kind: ContributionKind,
    name: Option<&ContributorName>,
    progress: &dyn Progress,
) -> Result<Contributed, ContributeError> {
    let initial_key_hash = key.initial_key_hash();
    let mut records = key.contributions().to_vec();
    if let Some(index) = records.iter().position(Contribution::is_beacon) {
        return Err(ContributeError::Closed { index: index + 1 });
    }
    if records.len() >= MAX_CONTRIBUTIONS as usize {
        return Err(ContributeError::Full { found: records.len() });
    }
    let mut checks = VerifierRng::from_os()?;
    let secret = DeltaSecret::draw(rng);
    let [g1_s, g1_sx] = secret.opening();
    let delta = secret.delta;
    let inverse = delta.inverse().ok_or(ContributeError::ZeroSecret)?;
    let mut hasher = TranscriptHasher::new(&initial_key_hash);
    records.iter().for_each(|record| hasher.add(record));
    let transcript = hasher.transcript(&g1_s, &g1_sx);
    let proof = ProofOfKnowledge { g1_s, g1_sx, g2_spx: times(hash_to_g2(&transcript.0), &delta) };
    let before = *key.header();
    let header = Header {
        delta_g1: times(before.delta_g1, &delta),
        delta_g2: times(before.delta_g2, &delta),
        ..before
    };
    drop(delta);
    let record =
        Contribution { delta_g1: header.delta_g1, proof, transcript, kind, name: name.cloned() };
    records.push(record.clone());

    let mut out = ContainerWriter::new(out, ZKEY, 10).map_err(ContributeError::Output)?;
    write_header(&mut out, &header).map_err(ContributeError::Output)?;
    let layout = key.layout();
    let copied = [section::IC, section::COEFFICIENTS, section::A, section::B_G1, section::B_G2]
        .map(|id| key.section(id));
    let copied = copied.into_iter().collect::<Result<Vec<Section>, FormatError>>()?;
    let mut pieces = ReadAhead::new(key.source());
    copied.iter().for_each(|section| pieces.want_bytes(section.offset, section.size));
    [layout.l, layout.h].iter().for_each(|run| pieces.want(run, 0..run.len, 0));
    for section in &copied {
        copy(&mut pieces, section, &mut out)?;
    }
    for run in [layout.l, layout.h] {
        divide(&mut pieces, run, &inverse, &mut checks, &mut out, progress)?;
    }
    write_contributions(&mut out, initial_key_hash, &records).map_err(ContributeError::Output)?;
    out.finish().map_err(ContributeError::Output)?;
    Ok(Contributed { index: records.len(), hash: record.hash(), record, initial_key_hash })
}

/// The secret times one point.
fn times<P: Point>(point: P, secret: &Secret) -> P {
    let mut point = [point];
    mul_all(&mut point, secret.expose());
    point[0]
}

/// Writes a section as it is.
fn copy<R: Read + Seek + Send, W: Write + Seek + Send>(
    pieces: &mut ReadAhead<'_, R>,
    section: &Section,
    out: &mut ContainerWriter<W>,
) -> Result<(), ContributeError> {
    out.begin(section.id).map_err(ContributeError::Output)?;
    pieces.next_bytes(section.size, |bytes| out.write(bytes).map_err(ContributeError::Output))?;
    out.end().map_err(ContributeError::Output)?;
    Ok(())
}

/// Writes a section with every point divided by the secret: each chunk while the next one is
/// divided.
fn divide<R: Read + Seek + Send, W: Write + Seek + Send>(
    pieces: &mut ReadAhead<'_, R>,
    run: PointRun<G1Affine>,
    inverse: &Secret,
    checks: &mut VerifierRng,
    out: &mut ContainerWriter<W>,
    progress: &dyn Progress,
) -> Result<(), ContributeError> {
    progress.begin(run.name, run.len);
    out.begin(run.section).map_err(ContributeError::Output)?;
    let mut waiting = Vec::new();
    run.for_each_chunk_on_curve(0..run.len, pieces, 0, |start, mut points| {
        run.check_subgroup(&points, checks, start)?;
        let (written, ()) =
            rayon::join(|| out.write(&waiting), || mul_all(&mut points, inverse.expose()));
        encode_into(&points, Encoding::Montgomery, &mut waiting);
        progress.advance(points.len() as u64);
        written.map_err(ContributeError::Output)
    })?;
    out.write(&waiting).map_err(ContributeError::Output)?;
    out.end().map_err(ContributeError::Output)?;
    progress.end();
    Ok(())
}

/// The part of a transcript that is the same for all who build on the same records.
pub(super) struct TranscriptHasher(Blake2b512);

impl TranscriptHasher {
    pub(super) fn new(initial: &InitialKeyHash) -> Self {
        let mut hash = Blake2b512::new();
        hash.update(&initial.0);
        Self(hash)
    }

    /// One more record.
    pub(super) fn add(&mut self, record: &Contribution) {
        self.0.update(&record.bound_bytes(Encoding::Uncompressed));
    }

    /// What the next proof of knowledge is bound to.
    pub(super) fn transcript(&self, g1_s: &G1Affine, g1_sx: &G1Affine) -> TranscriptHash {
        let mut hash = self.0.clone();
        hash.update(&encode(&[*g1_s, *g1_sx], Encoding::Uncompressed));
        TranscriptHash(hash.finish())
    }
}
