//! What can be said about a verifying key from its bytes alone, without arithmetic on curves.
//!
//! The canonical encoding (arkworks' `VerifyingKey<Bn254>`) is, with 32 bytes per base-field
//! coordinate, little-endian,
//!
//! ```text
//! alpha G1 | beta G2 | gamma G2 | delta G2 | count u64 | IC points G1    count = public inputs + 1
//! ```
//!
//! where a compressed point is x and an uncompressed one is x then y, and the top bits of a point's
//! last byte are flags: 0x80 the larger y, 0x40 infinity. [`VerifyingKeyBytes`] proves of a pair of
//! forms that
//! 1. each has exactly the length that the number of public inputs gives, and the right count;
//! 2. no point is at infinity, no coordinate is q or above, no other flag is set;
//! 3. both forms have the same x everywhere, and the sign flags are those of the y that is written
//!    out;
//! 4. gamma is the generator of G2, as this pipeline's setup makes it; beta, delta and alpha are
//!    not plus or minus a generator; beta is not plus or minus delta; no two IC points are equal
//!    or negatives of each other.
//!    delta = gamma betrays a phase 2 that never happened: with such a key anyone can forge.
//!
//! That the points lie on the curve and in the subgroup is checked by `zk-embed` and by the
//! ceremony.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use zk_attest::digest::{VkDigest, VkUncompressedDigest};
use zk_attest::envelope::{from_base64, to_base64};
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::json::validated;

pub use crate::limits::MAX_PUBLIC_INPUTS;

/// A coordinate in 32 bytes, little-endian, without flags.
pub(crate) type Coordinate = [u8; COORDINATE];

const COORDINATE: usize = 32;
const INFINITY: u8 = 0x40;
const LARGER: u8 = 0x80;
/// Points before the count: alpha, beta, gamma, delta, by their coordinates in x.
const HEAD: [(&str, usize); 4] = [("alpha", 1), ("beta", 2), ("gamma", 2), ("delta", 2)];
const HEAD_COORDINATES: usize = 7;

/// q, the base field's modulus, little-endian.
pub(crate) const Q: [u8; 32] =
    unhex(b"47fd7cd8168c203c8dca7168916a81975d588181b64550b829a031e1724e6430");
/// (q - 1) / 2.
const HALF_Q: [u8; 32] = unhex(b"a37e3e6c0b46109e46e538b448b5c0cb2eacc040db2228dc14d0987039273218");
/// x of the generator of G1, which is (1, 2).
const G1_X: [u8; 32] = unhex(b"0100000000000000000000000000000000000000000000000000000000000000");
/// x.c0 and x.c1 of the generator of G2. Its y is the smaller one.
const G2_X: [[u8; 32]; 2] = [
    unhex(b"edf692d95cbdde46ddda5ef7d422436779445c5e66006a42761e1f12efde0018"),
    unhex(b"c212f3aeb785e49712e7a9353349aaf1255dfb31b7bf60723a480d9293938e19"),
];

const fn unhex(text: &[u8; 64]) -> [u8; 32] {
    const fn digit(c: u8) -> u8 {
        if c < b'a' { c - b'0' } else { c - b'a' + 10 }
    }
    let mut bytes = [0; 32];
    let mut i = 0;
    while i < 32 {
        bytes[i] = 16 * digit(text[2 * i]) + digit(text[2 * i + 1]);
        i += 1;
    }
    bytes
}

/// Both forms of one verifying key, checked as the module's documentation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKeyBytes {
    compressed: Vec<u8>,
    uncompressed: Vec<u8>,
    public_inputs: u32,
}

/// A verifying key as a bundle holds it, in base64, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawForms", into = "RawForms")]
pub struct EncodedVerifyingKey {
    /// Canonical compressed bytes.
    pub compressed: Vec<u8>,
    /// Canonical uncompressed bytes.
    pub uncompressed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawForms {
    compressed: String,
    uncompressed: String,
}

impl TryFrom<RawForms> for EncodedVerifyingKey {
    type Error = Refusal;
    fn try_from(raw: RawForms) -> Result<Self> {
        Ok(Self {
            compressed: validated(from_base64(&raw.compressed, "verifying key"))?,
            uncompressed: validated(from_base64(&raw.uncompressed, "verifying key"))?,
        })
    }
}

impl From<EncodedVerifyingKey> for RawForms {
    fn from(forms: EncodedVerifyingKey) -> Self {
        Self {
            compressed: to_base64(&forms.compressed),
            uncompressed: to_base64(&forms.uncompressed),
        }
    }
}

/// A point in both forms: x and flags in the compressed one, x and y in the other.
struct PointForms<'a> {
    name: String,
    compressed: &'a [u8],
    uncompressed: &'a [u8],
}

impl VerifyingKeyBytes {
    /// Checks both forms of a key with this number of public inputs.
    ///
    /// # Errors
    /// `too-large`, `key-length`, `key-encoding`, `key-point`, `key-forms-disagree` or
    /// `key-degenerate`.
    pub fn check(forms: &EncodedVerifyingKey, public_inputs: u32) -> Result<Self> {
        if public_inputs > MAX_PUBLIC_INPUTS {
            return Err(Refusal::new(Code::TooLarge, "too many public inputs")
                .found(public_inputs)
                .expected(format_args!("at most {MAX_PUBLIC_INPUTS}"))
                .hint("give the circuit fewer public inputs: their hash, for example"));
        }
        let ic = public_inputs as usize + 1;
        let compressed = split(&forms.compressed, COORDINATE, ic, "compressed")?;
        let uncompressed = split(&forms.uncompressed, 2 * COORDINATE, ic, "uncompressed")?;
        let points = compressed.into_iter().zip(uncompressed).map(
            |((name, compressed), (_, uncompressed))| PointForms { name, compressed, uncompressed },
        );
        for point in points {
            point.check()?;
        }
        let key = Self {
            compressed: forms.compressed.clone(),
            uncompressed: forms.uncompressed.clone(),
            public_inputs,
        };
        key.ensure_not_degenerate()?;
        Ok(key)
    }

    /// Canonical compressed bytes.
    #[must_use]
    pub fn compressed(&self) -> &[u8] {
        &self.compressed
    }

    /// Canonical uncompressed bytes.
    #[must_use]
    pub fn uncompressed(&self) -> &[u8] {
        &self.uncompressed
    }

    /// Number of public inputs.
    #[must_use]
    pub fn public_inputs(&self) -> u32 {
        self.public_inputs
    }

    /// SHA-256 of the compressed form.
    #[must_use]
    pub fn sha256(&self) -> VkDigest {
        VkDigest::of(&self.compressed)
    }

    /// SHA-256 of the uncompressed form.
    #[must_use]
    pub fn uncompressed_sha256(&self) -> VkUncompressedDigest {
        VkUncompressedDigest::of(&self.uncompressed)
    }

    /// The coordinates of all points, in their order: two of a point of G1, four of one of G2.
    pub(crate) fn coordinates(&self) -> Vec<Coordinate> {
        let ic = self.public_inputs as usize + 1;
        let points = split(&self.uncompressed, 2 * COORDINATE, ic, "uncompressed");
        // The lengths were checked when the key was.
        let points = points.unwrap_or_default().into_iter();
        points
            .flat_map(|(_, point)| {
                let plain = without_flags(point);
                let coordinates = plain.chunks_exact(COORDINATE);
                coordinates.filter_map(|c| Coordinate::try_from(c).ok()).collect::<Vec<_>>()
            })
            .collect()
    }

    /// For bundles.
    #[must_use]
    pub fn forms(&self) -> EncodedVerifyingKey {
        EncodedVerifyingKey {
            compressed: self.compressed.clone(),
            uncompressed: self.uncompressed.clone(),
        }
    }

    fn ensure_not_degenerate(&self) -> Result<()> {
        let (g1, g2) = (G1_X.to_vec(), G2_X.concat());
        let points =
            split(&self.compressed, COORDINATE, self.public_inputs as usize + 1, "compressed")?;
        // A point and its negative share x, so that x alone answers "plus or minus".
        let x = |i: usize| without_flags(points[i].1);
        let (alpha, beta, gamma, delta) = (x(0), x(1), x(2), x(3));
        let degenerate = |what: &str| Err(Refusal::new(Code::KeyDegenerate, what));
        if points[2].1 != g2 {
            return degenerate("gamma is not the generator of G2");
        }
        if delta == gamma {
            return degenerate(
                "delta is gamma or its negative: phase 2 was skipped, and anyone can forge proofs",
            );
        }
        if alpha == g1 || beta == g2 {
            return degenerate("alpha or beta is a generator or its negative: phase 1 was skipped");
        }
        if beta == delta {
            return degenerate("delta is beta or its negative");
        }
        let mut seen = BTreeSet::new();
        if !points[HEAD.len()..].iter().all(|(_, point)| seen.insert(without_flags(point))) {
            return degenerate(
                "two input points are equal or negatives of each other: a proof binds only the sum \
                 or the difference of these inputs",
            );
        }
        Ok(())
    }
}

/// Splits one form into its named points, after its length and its count.
fn split<'a>(
    bytes: &'a [u8],
    width: usize,
    ic: usize,
    form: &str,
) -> Result<Vec<(String, &'a [u8])>> {
    let expected = HEAD_COORDINATES * width + 8 + ic * width;
    if bytes.len() != expected {
        return Err(Refusal::new(
            Code::KeyLength,
            format_args!("the {form} verifying key has the wrong length"),
        )
        .found(format_args!("{} bytes", bytes.len()))
        .expected(format_args!("{expected} bytes for {} public inputs", ic - 1)));
    }
    let mut rest = bytes;
    let mut take = |n: usize| {
        let (taken, left) = rest.split_at(n);
        rest = left;
        taken
    };
    let mut points: Vec<(String, &[u8])> = HEAD
        .iter()
        .map(|(name, coordinates)| ((*name).into(), take(coordinates * width)))
        .collect();
    let count = take(8);
    if count != (ic as u64).to_le_bytes() {
        return Err(Refusal::new(
            Code::KeyLength,
            format_args!("the {form} verifying key states another number of IC points"),
        )
        .found(hex::encode(count))
        .expected(hex::encode((ic as u64).to_le_bytes())));
    }
    points.extend((0..ic).map(|i| (format!("IC[{i}]"), take(width))));
    Ok(points)
}

impl PointForms<'_> {
    fn check(&self) -> Result<()> {
        let encoding = |what: &str| Refusal::new(Code::KeyEncoding, what).within(&self.name);
        let disagree = |what: &str| Refusal::new(Code::KeyFormsDisagree, what).within(&self.name);
        let flags =
            [last(self.compressed), last(self.uncompressed)].map(|byte| byte & (LARGER | INFINITY));
        if flags.iter().any(|flags| flags & INFINITY != 0) {
            return Err(
                Refusal::new(Code::KeyDegenerate, "is the point at infinity").within(&self.name)
            );
        }
        let x = without_flags(self.compressed);
        let both = without_flags(self.uncompressed);
        let (x_again, y) = both.split_at(x.len());
        for coordinate in x.chunks(COORDINATE).chain(both.chunks(COORDINATE)) {
            if !is_below(coordinate, &Q) {
                return Err(encoding("a coordinate is not below q").found(hex::encode(coordinate)));
            }
        }
        if x != x_again {
            return Err(disagree("x differs between the compressed and the uncompressed form"));
        }
        let sign = if is_larger(y) { LARGER } else { 0 };
        if flags[1] != sign {
            return Err(encoding("the uncompressed form's sign flag is not that of its y"));
        }
        if flags[0] != sign {
            return Err(disagree(
                "the compressed form's sign flag is not that of the uncompressed form's y",
            ));
        }
        Ok(())
    }
}

fn last(bytes: &[u8]) -> u8 {
    bytes.last().copied().unwrap_or_default()
}

fn without_flags(point: &[u8]) -> Vec<u8> {
    let mut bytes = point.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last &= !(LARGER | INFINITY);
    }
    bytes
}

/// a < b, both little-endian and of the same length.
fn is_below(a: &[u8], b: &[u8]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// y > -y, in the order that compares c1 before c0; a coordinate of zero leaves the decision to the
/// next.
fn is_larger(y: &[u8]) -> bool {
    y.chunks(COORDINATE)
        .rev()
        .find(|c| c.iter().any(|byte| *byte != 0))
        .is_some_and(|c| is_below(&HALF_Q, c))
}
