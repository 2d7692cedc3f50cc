//! Check 11 of phase 2: the keys that were made are used, or compared with the `.zkey` they came
//! from.

use std::io::{Read, Seek};

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, batch_inversion};
use bn254_batch::curve::{
    Fr, G1_GENERATOR, G1Affine, G1Projective, G2_GENERATOR, G2Affine, G2Projective, root_of_unity,
};
use bn254_batch::{geometric, linear_combination};

use super::{Groth16, ProvingKey, VerifyingKey};
use crate::entropy::{CoefficientSeed, OsRandomError, VerifierRng};
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::ptau::Power;
use crate::format::zkey::Zkey;
use crate::phase2::arkworks::AssignedCircuit;
use crate::phase2::degenerate::{VerifyingKeyDefect, check_verifying_key};
use crate::ratio::{Ratio, same_ratio, scalar_combination};

/// Why a finished key is not fit for use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestError {
    /// The key cannot be read.
    #[error("the key (.zkey): {0}")]
    Key(#[from] FormatError),
    /// There was no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The verifying key is degenerate.
    #[error(transparent)]
    VerifyingKey(#[from] VerifyingKeyDefect),
    /// The circuit has other sizes than the key.
    #[error("the circuit is not the key's: {what}: found {found}, expected {expected}")]
    OtherCircuit {
        /// Which number.
        what: &'static str,
        /// Of the circuit.
        found: usize,
        /// Of the key.
        expected: usize,
    },
    /// arkworks could not prove.
    #[error("the prover failed: {0}")]
    Prover(String),
    /// The proof does not verify.
    #[error("a proof made with the proving key is not accepted by the verifying key")]
    ProofRejected,
    /// A proof verifies for inputs that it was not made for.
    #[error("the verifying key accepts a proof for other public inputs than it was made for")]
    WrongInputsAccepted,
    /// Two parts of the proving key are not of one secret.
    #[error("the proving key contradicts itself: {0}")]
    Inconsistent(&'static str),
}

impl Explain for SelfTestError {
    fn explain(&self) -> Finding {
        match self {
            Self::Key(error) => error.explain().inside("the key (.zkey)"),
            Self::OsRandom(error) => error.explain(),
            Self::VerifyingKey(defect) => defect.explain(),
            Self::OtherCircuit { found, expected, .. } => {
                Finding::compared("keygen-selftest/other-circuit", self, found, expected)
            }
            Self::Prover(_) => Finding::new("keygen-selftest/prover", self),
            Self::ProofRejected => Finding::new("keygen-selftest/proof-rejected", self),
            Self::WrongInputsAccepted => {
                Finding::new("keygen-selftest/wrong-inputs-accepted", self)
            }
            Self::Inconsistent(_) => Finding::new("keygen-selftest/inconsistent", self),
        }
    }
}

/// Check 11 of phase 2 with a witness: a random proof made with the finished key verifies, and does
/// not for another public input.
///
/// # Errors
/// [`SelfTestError`].
pub fn prove_and_verify(key: &ProvingKey, circuit: &AssignedCircuit) -> Result<(), SelfTestError> {
    let mut rng = VerifierRng::from_os()?;
    let shape = circuit.shape();
    let sizes = [
        ("wires", shape.wires() as usize, key.a_query.len()),
        ("public wires and one", shape.public() as usize + 1, key.vk.gamma_abc_g1.len()),
        ("domain points less one", shape.power().n() as usize - 1, key.h_query.len()),
    ];
    if let Some((what, found, expected)) =
        sizes.into_iter().find(|(_, found, expected)| found != expected)
    {
        return Err(SelfTestError::OtherCircuit { what, found, expected });
    }
    let prover = |e: ark_relations::gr1cs::SynthesisError| SelfTestError::Prover(e.to_string());
    let proof = Groth16::create_proof_with_reduction(circuit, key, rng.scalar(), rng.scalar())
        .map_err(prover)?;
    let prepared = ark_groth16::prepare_verifying_key(&key.vk);
    let mut inputs = circuit.public_inputs().to_vec();
    if !Groth16::verify_proof(&prepared, &proof, &inputs).map_err(prover)? {
        return Err(SelfTestError::ProofRejected);
    }
    // An IC point at infinity means that its input is in no constraint, which the input rows
    // exclude.
    if let Some(input) = inputs.first_mut() {
        *input += rng.scalar();
        if Groth16::verify_proof(&prepared, &proof, &inputs).map_err(prover)? {
            return Err(SelfTestError::WrongInputsAccepted);
        }
    }
    Ok(())
}

/// Check 11 of phase 2 without a witness, for the steps between a verified `.zkey` and the key that
/// is used: the verifying key is not degenerate, beta and delta are the same in both groups, B is
/// the same in both, and for a random z both forms of H commit to the same q Z / delta, where q is
/// the polynomial sum_(i<N-1) z^i X^i.
///
/// # Errors
/// [`SelfTestError`].
pub fn check_consistency<R: Read + Seek + Send>(
    source: &mut Zkey<R>,
    key: &ProvingKey,
) -> Result<(), SelfTestError> {
    let header = *source.header();
    let wires = header.wires as usize;
    if [key.a_query.len(), key.b_g1_query.len(), key.b_g2_query.len()] != [wires; 3]
        || key.l_query.len() + key.vk.gamma_abc_g1.len() != wires
    {
        return Err(SelfTestError::Inconsistent(
            "the queries have other lengths than the .zkey's sections",
        ));
    }
    let mut consistency = Consistency::begin(header.power)?;
    consistency.b_g1(&key.b_g1_query);
    consistency.b_g2(&key.b_g2_query);
    consistency.h(&key.h_query);
    consistency.finish(source, &key.vk, key.beta_g1, key.delta_g1)
}

/// [`check_consistency`] of a key that passes by in pieces.
///
/// With x_j = omega^(2j+1), sum_i z^i h_i must be -2 sum_j q(x_j) H_j, and as x_j^N = -1
///
/// ```text
/// q(x_j) = ((z x_j)^(N-1) - 1) / (z x_j - 1) = (-z^(N-1) - x_j) / (x_j (z x_j - 1))
/// ```
///
/// so that no transform is needed to check one. The difference of both sides is a polynomial in z
/// of degree N - 2 in the exponent: if an h_i is wrong, at most N - 2 of the r values of z hide it.
/// What made the h_i has not seen z.
pub(super) struct Consistency {
    power: Power,
    /// The same coefficients for B in both groups.
    coefficients: (VerifierRng, VerifierRng),
    b_g1: G1Projective,
    b_g2: G2Projective,
    z: Fr,
    /// z to the number of h_i so far.
    next: Fr,
    seen: u64,
    h: G1Projective,
}

impl Consistency {
    pub(super) fn begin(power: Power) -> Result<Self, SelfTestError> {
        let seed = CoefficientSeed::from_os()?;
        Ok(Self {
            power,
            coefficients: (seed.of(0), seed.of(0)),
            b_g1: G1Projective::ZERO,
            b_g2: G2Projective::ZERO,
            z: VerifierRng::from_os()?.scalar(),
            next: Fr::ONE,
            seen: 0,
            h: G1Projective::ZERO,
        })
    }

    /// The next points of B in G1.
    pub(super) fn b_g1(&mut self, points: &[G1Affine]) {
        let coefficients = self.coefficients.0.coefficients(points.len());
        self.b_g1 += linear_combination(points, &coefficients);
    }

    /// The next points of B in G2.
    pub(super) fn b_g2(&mut self, points: &[G2Affine]) {
        let coefficients = self.coefficients.1.coefficients(points.len());
        self.b_g2 += linear_combination(points, &coefficients);
    }

    /// The next h_i.
    pub(super) fn h(&mut self, points: &[G1Affine]) {
        self.h += scalar_combination(points, &geometric(&self.next, &self.z, points.len()));
        self.next *= self.z.pow([points.len() as u64]);
        self.seen += points.len() as u64;
    }

    /// All of them were there: the verdict on a key that has these other parts.
    pub(super) fn finish<R: Read + Seek + Send>(
        self,
        source: &mut Zkey<R>,
        vk: &VerifyingKey,
        beta_g1: G1Affine,
        delta_g1: G1Affine,
    ) -> Result<(), SelfTestError> {
        check_verifying_key(vk, source.header().public)?;
        let (g1, g2) = (G1_GENERATOR, G2_GENERATOR);
        if !same_ratio(Ratio(g1, beta_g1), Ratio(g2, vk.beta_g2)) {
            return Err(SelfTestError::Inconsistent("beta differs between G1 and G2"));
        }
        if !same_ratio(Ratio(g1, delta_g1), Ratio(g2, vk.delta_g2)) {
            return Err(SelfTestError::Inconsistent("delta differs between G1 and G2"));
        }
        // A circuit whose B is zero throughout has infinity in both.
        let (b1, b2) = (self.b_g1.into_affine(), self.b_g2.into_affine());
        let both_zero = b1.is_zero() && b2.is_zero();
        if !both_zero && !same_ratio(Ratio(g1, b1), Ratio(g2, b2)) {
            return Err(SelfTestError::Inconsistent("B differs between G1 and G2"));
        }
        let lagrange = self.lagrange(source)?;
        if self.seen + 1 == self.power.n() && self.h == -lagrange.double() {
            Ok(())
        } else {
            Err(SelfTestError::Inconsistent("H is not that of the .zkey"))
        }
    }

    /// sum_j q(x_j) H_j.
    fn lagrange<R: Read + Seek + Send>(
        &self,
        source: &mut Zkey<R>,
    ) -> Result<G1Projective, SelfTestError> {
        let omega = root_of_unity(self.power.exponent() + 1)
            .ok_or(SelfTestError::Inconsistent("H has no domain of twice its size"))?;
        let last = -self.z.pow([self.power.n() - 1]);
        let mut sum = G1Projective::ZERO;
        let run = source.layout().h;
        let mut rng = VerifierRng::from_os()?;
        run.for_each_chunk(source.source(), &mut rng, 0, |start, points: Vec<G1Affine>, _| {
            let x = geometric(&omega.pow([2 * start + 1]), &omega.square(), points.len());
            let mut values: Vec<Fr> = x.iter().map(|x| *x * (self.z * x - Fr::ONE)).collect();
            batch_inversion(&mut values);
            for (value, x) in values.iter_mut().zip(&x) {
                *value *= last - x;
            }
            sum += scalar_combination(&points, &values);
            Ok::<(), FormatError>(())
        })?;
        Ok(sum)
    }
}
