//! Check 9: a verifying key that accepts anything, or that proves nothing, is refused whatever else
//! holds.

use bn254_batch::Point;
use bn254_batch::curve::{Bn254, G1_GENERATOR, G1Affine, G2_GENERATOR, G2Affine};

use crate::explain::{Explain, Finding};

type VerifyingKey = ark_groth16::VerifyingKey<Bn254>;

/// Why a verifying key is refused whatever proof it comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyingKeyDefect {
    /// A point is infinity.
    #[error("{0} of the verifying key is infinity")]
    Infinity(&'static str),
    /// A point is the generator or its negative: its secret is 1 or -1, which everybody knows.
    #[error(
        "{0} of the verifying key is the generator or its negative, so that its secret is known \
         to all"
    )]
    Generator(&'static str),
    /// gamma is not the generator, which this ceremony always uses.
    #[error("gamma of the verifying key is not the generator of G2")]
    Gamma,
    /// delta is gamma or its negative: phase 2 was skipped, and proofs of anything can be made from
    /// proofs of something.
    #[error(
        "delta of the verifying key is gamma or its negative: phase 2 was skipped, and anybody \
         can forge proofs"
    )]
    DeltaIsGamma,
    /// Another number of public inputs than the circuit has.
    #[error(
        "the verifying key is for another number of public inputs: found {found} points in IC, \
         expected {expected}"
    )]
    Inputs {
        /// Points of IC.
        found: u64,
        /// Public wires and one.
        expected: u64,
    },
}

impl Explain for VerifyingKeyDefect {
    fn explain(&self) -> Finding {
        match self {
            Self::Infinity(_) => Finding::new("verifying-key/infinity", self),
            Self::Generator(_) => Finding::new("verifying-key/generator", self),
            Self::Gamma => Finding::new("verifying-key/gamma", self),
            Self::DeltaIsGamma => Finding::new("verifying-key/delta-is-gamma", self),
            Self::Inputs { found, expected } => Finding::compared(
                "verifying-key/inputs",
                self,
                format_args!("{found} points in IC"),
                expected,
            ),
        }
    }
}

/// Check 9 of phase 2 (docs/formats.md, section 7): refuses a degenerate verifying key.
///
/// delta: not infinity, not the generator, not gamma, nor the negatives; gamma: the generator;
/// alpha and beta: not infinity, not the generator nor its negative; IC: `public_inputs + 1`
/// points. That points are on their curves and in their groups is for the code that decoded them to
/// check.
///
/// # Errors
/// The first [`VerifyingKeyDefect`].
pub fn check_verifying_key(
    key: &VerifyingKey,
    public_inputs: u32,
) -> Result<(), VerifyingKeyDefect> {
    let ic = key.gamma_abc_g1.len() as u64;
    check_verifying_key_points(
        &key.alpha_g1,
        &key.beta_g2,
        &key.gamma_g2,
        &key.delta_g2,
        ic,
        public_inputs,
    )
}

/// [`check_verifying_key`] for a key whose IC is known by its length.
pub(crate) fn check_verifying_key_points(
    alpha: &G1Affine,
    beta: &G2Affine,
    gamma: &G2Affine,
    delta: &G2Affine,
    ic: u64,
    public_inputs: u32,
) -> Result<(), VerifyingKeyDefect> {
    not_trivial("alpha", alpha, &G1_GENERATOR)?;
    not_trivial("beta", beta, &G2_GENERATOR)?;
    // Before the comparison with the generator, which gamma is: the more telling of two reasons.
    if *delta == *gamma || *delta == -*gamma {
        return Err(VerifyingKeyDefect::DeltaIsGamma);
    }
    not_trivial("delta", delta, &G2_GENERATOR)?;
    if *gamma != G2_GENERATOR {
        return Err(VerifyingKeyDefect::Gamma);
    }
    let expected = u64::from(public_inputs) + 1;
    if ic == expected { Ok(()) } else { Err(VerifyingKeyDefect::Inputs { found: ic, expected }) }
}

fn not_trivial<P: Point>(
    name: &'static str,
    point: &P,
    generator: &P,
) -> Result<(), VerifyingKeyDefect> {
    if point.is_zero() {
        return Err(VerifyingKeyDefect::Infinity(name));
    }
    let (point, generator) = (point.coordinates(), generator.coordinates());
    // The same x: the generator or its negative.
    let half = P::COORDINATES / 2;
    if point.as_ref()[..half] == generator.as_ref()[..half] {
        Err(VerifyingKeyDefect::Generator(name))
    } else {
        Ok(())
    }
}
