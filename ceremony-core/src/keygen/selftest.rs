//! Check 11 of phase 2: the keys that were made are used, or compared with the `.zkey` they came
//! from.

use std::io::{Read, Seek};

use ark_ec::AffineRepr;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bn254_batch::curve::{Fr, G1_GENERATOR, G1Affine, G2_GENERATOR, G2Affine, root_of_unity};

use super::convert::whole;
use super::{Groth16, ProvingKey};
use crate::entropy::{OsRandomError, VerifierRng};
use crate::explain::{Explain, Finding};
use crate::format::FormatError;
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
/// the same in both, and for a random polynomial q of degree N - 2 both forms of H commit to the
/// same q Z / delta: sum_i q_i h_i = -2 sum_j q(omega^(2j+1)) H_j. The evaluations of q are those
/// of a scalar FFT, so that nothing of the conversion is used to check it.
///
/// # Errors
/// [`SelfTestError`].
pub fn check_consistency<R: Read + Seek>(
    source: &mut Zkey<R>,
    key: &ProvingKey,
) -> Result<(), SelfTestError> {
    let mut rng = VerifierRng::from_os()?;
    let header = *source.header();
    check_verifying_key(&key.vk, header.public)?;
    let (g1, g2) = (G1_GENERATOR, G2_GENERATOR);
    if !same_ratio(Ratio(g1, key.beta_g1), Ratio(g2, key.vk.beta_g2)) {
        return Err(SelfTestError::Inconsistent("beta differs between G1 and G2"));
    }
    if !same_ratio(Ratio(g1, key.delta_g1), Ratio(g2, key.vk.delta_g2)) {
        return Err(SelfTestError::Inconsistent("delta differs between G1 and G2"));
    }
    let wires = header.wires as usize;
    if [key.a_query.len(), key.b_g1_query.len(), key.b_g2_query.len()] != [wires; 3]
        || key.l_query.len() + key.vk.gamma_abc_g1.len() != wires
    {
        return Err(SelfTestError::Inconsistent(
            "the queries have other lengths than the .zkey's sections",
        ));
    }
    let coefficients = rng.coefficients(wires);
    let b1 = bn254_batch::linear_combination(&key.b_g1_query, &coefficients).into();
    let b2 = bn254_batch::linear_combination(&key.b_g2_query, &coefficients).into();
    // A circuit whose B is zero throughout has infinity in both.
    let (b1, b2): (G1Affine, G2Affine) = (b1, b2);
    let both_zero = b1.is_zero() && b2.is_zero();
    if !both_zero && !same_ratio(Ratio(g1, b1), Ratio(g2, b2)) {
        return Err(SelfTestError::Inconsistent("B differs between G1 and G2"));
    }

    let h = whole(source, source.layout().h, &mut rng)?;
    let mismatch = SelfTestError::Inconsistent("H is not that of the .zkey");
    let domain = root_of_unity(header.power.exponent() + 1).and_then(|omega| {
        Radix2EvaluationDomain::<Fr>::new(h.len()).and_then(|domain| domain.get_coset(omega))
    });
    let Some(domain) = domain else { return Err(mismatch) };
    let q: Vec<Fr> = (1..h.len()).map(|_| rng.scalar()).collect();
    let values = domain.fft(&q);
    if q.len() != key.h_query.len() {
        return Err(mismatch);
    }
    let monomial = scalar_combination(&key.h_query, &q);
    let lagrange = scalar_combination(&h, &values);
    if monomial == -(lagrange + lagrange) { Ok(()) } else { Err(mismatch) }
}
