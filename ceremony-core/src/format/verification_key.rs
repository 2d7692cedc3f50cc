//! `verification_key.json`: a verifying key for verifiers in JavaScript and for contract generators
//! (docs/formats.md, section 13).
//!
//! Coordinates are decimal strings, points projective: G1 `[x, y, "1"]`, G2
//! `[[c0, c1], [c0, c1], ["1", "0"]]`; infinity has z = 0. Two members repeat others (`nPublic` the
//! length of `IC`, `vk_alphabeta_12` the pairing of alpha and beta); a reader that trusted them
//! would have two truths, so ours recomputes both.

use std::io::Read;

use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint as _, Bn254, Fq, Fq2, G1Affine, G2Affine};
use serde::{Deserialize, Serialize};

use super::encoding::PointDefect;
use super::kind::FileKind;
use crate::limits::MAX_VERIFICATION_KEY_JSON_BYTES;

type VerifyingKey = ark_groth16::VerifyingKey<Bn254>;
type JsonFq2 = [String; 2];
pub(super) type JsonG1 = [String; 3];
pub(super) type JsonG2 = [JsonFq2; 3];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    protocol: String,
    curve: String,
    #[serde(rename = "nPublic")]
    public: u64,
    vk_alpha_1: JsonG1,
    vk_beta_2: JsonG2,
    vk_gamma_2: JsonG2,
    vk_delta_2: JsonG2,
    vk_alphabeta_12: [[JsonFq2; 3]; 2],
    #[serde(rename = "IC")]
    ic: Vec<JsonG1>,
}

/// The members that say what a document is, whatever else it has.
#[derive(Deserialize)]
struct Kind {
    protocol: Option<String>,
    curve: Option<String>,
}

/// Why a `verification_key.json` is not valid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    /// Larger than any key.
    #[error(
        "the file is too large: found more than {MAX_VERIFICATION_KEY_JSON_BYTES} bytes, expected \
         at most that"
    )]
    TooLarge,
    /// A file that is not even JSON.
    #[error("this is another kind of file: found {found}, expected {}", FileKind::Json)]
    NotJson {
        /// As far as it is recognised.
        found: FileKind,
    },
    /// Not the document.
    #[error("not a verification key: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another proof system or curve.
    #[error("{what} is not that of this format: found {found:?}, expected {expected:?}")]
    Kind {
        /// The member.
        what: &'static str,
        /// As the file says.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A string that is not the decimal form of a number below q.
    #[error(
        "{member}: not a number below the base field's modulus in decimal without leading zeros"
    )]
    Number {
        /// The member.
        member: &'static str,
    },
    /// Three coordinates that are not a point.
    #[error("{member}: {defect}")]
    Point {
        /// The member.
        member: &'static str,
        /// Why.
        defect: PointDefect,
    },
    /// A third coordinate other than 0 and 1.
    #[error("{member}: the point is not normalised")]
    Projective {
        /// The member.
        member: &'static str,
    },
    /// A member that repeats others says something else than they do.
    #[error("{member} contradicts the rest of the key")]
    Contradiction {
        /// The member.
        member: &'static str,
    },
}

/// The document, as the reference tool lays it out: indented by one space, no line break at the
/// end.
///
/// # Errors
/// None that a verifying key can cause; serialization has an error type.
pub fn write_verification_key(key: &VerifyingKey) -> Result<String, JsonError> {
    let document = Document {
        protocol: "groth16".into(),
        curve: "bn128".into(),
        public: key.gamma_abc_g1.len().saturating_sub(1) as u64,
        vk_alpha_1: write_g1(&key.alpha_g1),
        vk_beta_2: write_g2(&key.beta_g2),
        vk_gamma_2: write_g2(&key.gamma_g2),
        vk_delta_2: write_g2(&key.delta_g2),
        vk_alphabeta_12: write_pairing(key),
        ic: key.gamma_abc_g1.iter().map(write_g1).collect(),
    };
    let mut out = Vec::new();
    document.serialize(&mut serde_json::Serializer::with_formatter(
        &mut out,
        serde_json::ser::PrettyFormatter::with_indent(b" "),
    ))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Reads the document. Points are canonical, on their curves and in their groups; whether the key
/// is degenerate is for [`crate::keygen::check_verifying_key`].
///
/// # Errors
/// [`JsonError`].
pub fn read_verification_key<R: Read>(source: R) -> Result<VerifyingKey, JsonError> {
    let mut bytes = Vec::new();
    source.take(MAX_VERIFICATION_KEY_JSON_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_VERIFICATION_KEY_JSON_BYTES {
        return Err(JsonError::TooLarge);
    }
    let found = FileKind::of_bytes(&bytes);
    if found != FileKind::Json {
        return Err(JsonError::NotJson { found });
    }
    // What it is comes before what is wrong with it: other protocols have other members.
    let kind: Kind = serde_json::from_slice(&bytes)?;
    for (what, found, expected) in
        [("protocol", kind.protocol, "groth16"), ("curve", kind.curve, "bn128")]
    {
        if let Some(found) = found.filter(|found| found != expected) {
            return Err(JsonError::Kind { what, found, expected });
        }
    }
    let document: Document = serde_json::from_slice(&bytes)?;
    let key = VerifyingKey {
        alpha_g1: read_g1(&document.vk_alpha_1, "vk_alpha_1")?,
        beta_g2: read_g2(&document.vk_beta_2, "vk_beta_2")?,
        gamma_g2: read_g2(&document.vk_gamma_2, "vk_gamma_2")?,
        delta_g2: read_g2(&document.vk_delta_2, "vk_delta_2")?,
        gamma_abc_g1: document
            .ic
            .iter()
            .map(|point| read_g1(point, "IC"))
            .collect::<Result<_, _>>()?,
    };
    if document.public.checked_add(1) != Some(key.gamma_abc_g1.len() as u64) {
        return Err(JsonError::Contradiction { member: "nPublic" });
    }
    if document.vk_alphabeta_12 != write_pairing(&key) {
        return Err(JsonError::Contradiction { member: "vk_alphabeta_12" });
    }
    Ok(key)
}

fn write_fq2(value: &Fq2) -> JsonFq2 {
    [value.c0.to_string(), value.c1.to_string()]
}

fn write_g1(point: &G1Affine) -> JsonG1 {
    let (y, z) = if point.is_zero() { (Fq::ONE, Fq::ZERO) } else { (point.y, Fq::ONE) };
    [point.x, y, z].map(|c| c.to_string())
}

fn write_g2(point: &G2Affine) -> JsonG2 {
    let (y, z) = if point.is_zero() { (Fq2::ONE, Fq2::ZERO) } else { (point.y, Fq2::ONE) };
    [point.x, y, z].map(|c| write_fq2(&c))
}

/// e(alpha, beta).
fn write_pairing(key: &VerifyingKey) -> [[JsonFq2; 3]; 2] {
    let value = Bn254::pairing(key.alpha_g1, key.beta_g2).0;
    [value.c0, value.c1].map(|half| [half.c0, half.c1, half.c2].map(|c| write_fq2(&c)))
}

fn read_fq(text: &str, member: &'static str) -> Result<Fq, JsonError> {
    read_number(text).ok_or(JsonError::Number { member })
}

/// A number in decimal, without sign, leading zeros or multiples of the modulus: one string per
/// number.
pub(super) fn read_number<F: PrimeField<BigInt = BigInt<4>>>(text: &str) -> Option<F> {
    // q and r have 77 digits.
    if text.is_empty()
        || text.len() > 77
        || (text.len() > 1 && text.starts_with('0'))
        || !text.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let mut limbs = [0u64; 4];
    for digit in text.bytes() {
        let mut carry = u128::from(digit - b'0');
        for limb in &mut limbs {
            carry += u128::from(*limb) * 10;
            *limb = carry as u64;
            carry >>= 64;
        }
        if carry != 0 {
            return None;
        }
    }
    F::from_bigint(BigInt(limbs))
}

fn read_fq2(value: &JsonFq2, member: &'static str) -> Result<Fq2, JsonError> {
    Ok(Fq2::new(read_fq(&value[0], member)?, read_fq(&value[1], member)?))
}

pub(super) fn read_g1(point: &JsonG1, member: &'static str) -> Result<G1Affine, JsonError> {
    let [x, y, z] =
        [read_fq(&point[0], member)?, read_fq(&point[1], member)?, read_fq(&point[2], member)?];
    if (x, y, z) == (Fq::ZERO, Fq::ONE, Fq::ZERO) {
        return Ok(G1Affine::zero());
    }
    if z == Fq::ONE {
        checked(G1Affine::from_coordinates(&[x, y]), member)
    } else {
        Err(JsonError::Projective { member })
    }
}

pub(super) fn read_g2(point: &JsonG2, member: &'static str) -> Result<G2Affine, JsonError> {
    let [x, y, z] =
        [read_fq2(&point[0], member)?, read_fq2(&point[1], member)?, read_fq2(&point[2], member)?];
    if (x, y, z) == (Fq2::ZERO, Fq2::ONE, Fq2::ZERO) {
        return Ok(G2Affine::zero());
    }
    if z == Fq2::ONE {
        checked(G2Affine::from_coordinates(&[x.c0, x.c1, y.c0, y.c1]), member)
    } else {
        Err(JsonError::Projective { member })
    }
}

/// A finite point on its curve and in its group. (0, 0) would be infinity written in another way.
fn checked<P: Point>(point: P, member: &'static str) -> Result<P, JsonError> {
    let defect = if point.is_zero() || !point.satisfies_curve_equation() {
        PointDefect::NotOnCurve
    } else if !point.in_subgroup() {
        PointDefect::OutsideSubgroup
    } else {
        return Ok(point);
    };
    Err(JsonError::Point { member, defect })
}
