//! `.zkey` -> keys of arkworks.

use std::io::{self, Read, Seek, Write};

use ark_serialize::{CanonicalSerialize, SerializationError};
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine, root_of_unity};
use bn254_batch::{Direction, geometric, group_fft_telling, mul_each};

use super::{ProvingKey, VerifyingKey};
use crate::entropy::{OsRandomError, VerifierRng};
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::points::PointRun;
use crate::format::zkey::Zkey;
use crate::phase2::degenerate::{VerifyingKeyDefect, check_verifying_key};
use crate::progress::Progress;

/// Why no key for arkworks was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeygenError {
    /// The key cannot be read.
    #[error("the key (.zkey): {0}")]
    Key(#[from] FormatError),
    /// The checks of points had no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// No domain of twice the circuit's size.
    #[error(
        "the circuit's domain is too large for the conversion of H: found 2^{found} points, \
         expected at most 2^27"
    )]
    DomainTooLarge {
        /// The circuit's power.
        found: u32,
    },
    /// A degenerate verifying key.
    #[error(transparent)]
    VerifyingKey(#[from] VerifyingKeyDefect),
    /// It could not be written.
    #[error("writing the key: {0}")]
    Output(#[source] SerializationError),
    /// The temporary file that a large key goes through failed.
    #[error("the temporary file: {0}")]
    Scratch(#[source] io::Error),
}

impl KeygenError {
    pub(super) fn output(error: io::Error) -> Self {
        Self::Output(error.into())
    }
}

impl Explain for KeygenError {
    fn explain(&self) -> Finding {
        match self {
            Self::Key(error) => error.explain().inside("the key (.zkey)"),
            Self::OsRandom(error) => error.explain(),
            Self::DomainTooLarge { found } => Finding::compared(
                "keygen/domain-too-large",
                self,
                format_args!("2^{found} points"),
                "at most 2^27",
            ),
            Self::VerifyingKey(defect) => defect.explain(),
            Self::Output(_) => Finding::environment("keygen/output", self),
            Self::Scratch(_) => Finding::environment("keygen/scratch", self),
        }
    }
}

/// The verifying key of a `.zkey`, not degenerate, held whole: 64 bytes per public input, as many
/// as the file has.
///
/// # Errors
/// [`KeygenError`].
pub fn verifying_key<R: Read + Seek>(key: &mut Zkey<R>) -> Result<VerifyingKey, KeygenError> {
    let mut rng = VerifierRng::from_os()?;
    let header = *key.header();
    let ic = key.layout().ic;
    let verifying_key = VerifyingKey {
        alpha_g1: header.alpha_g1,
        beta_g2: header.beta_g2,
        gamma_g2: header.gamma_g2,
        delta_g2: header.delta_g2,
        gamma_abc_g1: whole(key, ic, &mut rng)?,
    };
    check_verifying_key(&verifying_key, header.public)?;
    Ok(verifying_key)
}

/// The proving key of a `.zkey` for arkworks' default reduction, held whole as arkworks does: 448
/// bytes per wire and 72 per domain point. [`export_proving_key`](super::export_proving_key) writes
/// one that is not held.
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
/// use ceremony_core::keygen::{check_consistency, proving_key, verifying_key_bytes};
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
/// let mut key = Zkey::open(key)?;
/// let proving_key = proving_key(&mut key, &NoProgress)?;
/// check_consistency(&mut key, &proving_key)?;
/// // `proving_key` and `proving_key.vk` are those of `ark_groth16`.
/// let bytes = verifying_key_bytes(&proving_key.vk)?;
/// assert_eq!(bytes.uncompressed.len(), 2 * bytes.compressed.len() - 8);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`KeygenError`].
pub fn proving_key<R: Read + Seek>(
    key: &mut Zkey<R>,
    progress: &dyn Progress,
) -> Result<ProvingKey, KeygenError> {
    let vk = verifying_key(key)?;
    let mut rng = VerifierRng::from_os()?;
    let (header, layout) = (*key.header(), key.layout());
    progress.begin("reading the key", 3);
    let a_query = whole(key, layout.a, &mut rng)?;
    progress.advance(1);
    let b_g1_query = whole(key, layout.b_g1, &mut rng)?;
    let b_g2_query = whole(key, layout.b_g2, &mut rng)?;
    progress.advance(1);
    let l_query = whole(key, layout.l, &mut rng)?;
    progress.advance(1);
    progress.end();
    let h_query = libsnark_h(whole(key, layout.h, &mut rng)?, header.power.exponent(), progress)?;
    Ok(ProvingKey {
        vk,
        beta_g1: header.beta_g1,
        delta_g1: header.delta_g1,
        a_query,
        b_g1_query,
        b_g2_query,
        h_query,
        l_query,
    })
}

/// h_i = -2 omega^i FFT_N(H)_i, i < N - 1.
pub(super) fn libsnark_h(
    mut h: Vec<G1Affine>,
    power: u32,
    progress: &dyn Progress,
) -> Result<Vec<G1Affine>, KeygenError> {
    let omega = root_of_unity(power + 1).ok_or(KeygenError::DomainTooLarge { found: power })?;
    progress.begin("converting H", h.len() as u64 * u64::from(power));
    group_fft_telling(&mut h, Direction::Forward, &|points| progress.advance(points as u64));
    progress.end();
    h.pop();
    let factors = geometric(&-Fr::from(2u64), &omega, h.len());
    mul_each(&mut h, &factors);
    Ok(h)
}

pub(super) fn whole<R: Read + Seek, P: Point>(
    key: &mut Zkey<R>,
    run: PointRun<P>,
    rng: &mut VerifierRng,
) -> Result<Vec<P>, FormatError> {
    let mut points = Vec::with_capacity(run.len as usize);
    for (start, count) in run.chunks(0).filter(|(_, count)| *count > 0) {
        points.extend(run.read(key.source(), rng, start, count)?);
    }
    Ok(points)
}

/// Both canonical encodings of a verifying key, as bundles and snippets hold them (docs/formats.md,
/// section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKeyBytes {
    /// 32 bytes per G1 point, 64 per G2 point.
    pub compressed: Vec<u8>,
    /// 64 bytes per G1 point, 128 per G2 point.
    pub uncompressed: Vec<u8>,
}

/// The canonical bytes of a verifying key.
///
/// # Errors
/// [`KeygenError::Output`].
pub fn verifying_key_bytes(key: &VerifyingKey) -> Result<VerifyingKeyBytes, KeygenError> {
    let mut bytes = VerifyingKeyBytes { compressed: Vec::new(), uncompressed: Vec::new() };
    key.serialize_compressed(&mut bytes.compressed).map_err(KeygenError::Output)?;
    key.serialize_uncompressed(&mut bytes.uncompressed).map_err(KeygenError::Output)?;
    Ok(bytes)
}

/// Writes a proving key in arkworks' canonical uncompressed encoding, which is what is quick to
/// load, and flushes it.
///
/// # Errors
/// [`KeygenError::Output`].
pub fn write_proving_key<W: Write>(key: &ProvingKey, mut out: W) -> Result<(), KeygenError> {
    key.serialize_uncompressed(&mut out).map_err(KeygenError::Output)?;
    out.flush().map_err(KeygenError::output)
}
