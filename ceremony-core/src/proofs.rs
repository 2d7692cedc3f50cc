//! Groth16 proofs under a finished key, one at a time or many at once.
//!
//! A proof (A, B, C) holds for inputs a_1 .. a_l iff, with L = IC_0 + sum a_i IC_i,
//!
//! ```text
//! e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta)
//! ```
//!
//! Of many proofs under one key, each equation is raised to an exponent rho_j of 128 bits, and all
//! are multiplied:
//!
//! ```text
//! prod e(rho_j A_j, B_j)
//!     = e((sum rho_j) alpha, beta) e(sum rho_j L_j, gamma) e(sum rho_j C_j, delta)
//! ```
//!
//! That costs one Miller loop and two short multiplications a proof, and three Miller loops and one
//! final exponentiation altogether. Where all equations hold, so does the product; where one does
//! not, at most one value of its exponent in 2^128 hides it, whatever the others are. The exponents
//! come out of a hash of 32 bytes from the operating system and of everything that is verified: who
//! makes proofs cannot know them, not even where the system's randomness were known to them before.
//!
//! A batch that does not hold is halved until the proofs are found that do not.

use std::ops::Range;

use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr as _, CurveGroup as _, VariableBaseMSM as _};
use ark_ff::{AdditiveGroup as _, One as _, Zero as _};
use bn254_batch::curve::{Bn254, Fr, G1Projective};
use bn254_batch::mul_each;

use crate::entropy::{OsRandomError, VerifierRng};
use crate::explain::{Explain, Finding};
use crate::format::proof::{Proof, inputs_digest, proof_digest};
use crate::keygen::VerifyingKey;

/// So many proofs are tried one by one: halving further would cost as much.
const SINGLES: usize = 2;

/// A proof, and what it is to prove.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The proof.
    pub proof: Proof,
    /// The public inputs, without the constant one.
    pub inputs: Vec<Fr>,
}

/// A key to verify proofs with.
#[derive(Clone, Debug)]
pub struct ProofVerifier {
    key: VerifyingKey,
}

/// Why proofs are not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A proof comes with more or fewer inputs than the circuit has.
    #[error(
        "proof {index} has another number of public inputs: found {found}, expected {expected}"
    )]
    Inputs {
        /// Which proof, from 0.
        index: usize,
        /// Its inputs.
        found: usize,
        /// The circuit's.
        expected: usize,
    },
    /// There was no randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
}

impl Explain for BatchError {
    fn explain(&self) -> Finding {
        match self {
            Self::Inputs { found, expected, .. } => {
                Finding::compared("proofs/inputs", self, found, expected)
            }
            Self::OsRandom(error) => error.explain(),
        }
    }
}

impl ProofVerifier {
    /// A verifier with a key whose points were checked.
    #[must_use]
    pub fn new(key: VerifyingKey) -> Self {
        Self { key }
    }

    /// The number of public inputs that a proof comes with.
    #[must_use]
    pub fn public_inputs(&self) -> usize {
        self.key.gamma_abc_g1.len().saturating_sub(1)
    }

    /// Whether a proof holds, by its own equation.
    ///
    /// # Errors
    /// [`BatchError::Inputs`].
    pub fn verify(&self, claim: &Claim) -> Result<bool, BatchError> {
        self.ensure_inputs(std::slice::from_ref(claim))?;
        Ok(self.holds_alone(claim))
    }

    /// The proofs that do not hold, by rising number: none where all do, but for an error of
    /// 2^-127.
    ///
    /// # Errors
    /// [`BatchError`]. Then nothing was verified.
    pub fn verify_batch(&self, claims: &[Claim]) -> Result<Vec<usize>, BatchError> {
        self.ensure_inputs(claims)?;
        let mut hasher = VerifierRng::binding();
        for claim in claims {
            hasher.bind(&proof_digest(&claim.proof));
            hasher.bind(&inputs_digest(&claim.inputs));
        }
        let exponents = hasher.finish()?.coefficients(claims.len());
        let mut bad = Vec::new();
        if !self.hold_together(claims, &exponents) {
            self.find(claims, &exponents, 0..claims.len(), &mut bad);
        }
        Ok(bad)
    }

    /// Finds what does not hold in a part that does not hold together. The exponents are fixed, and
    /// the proofs before them: each part has its own equation with them, of the same error.
    fn find(&self, claims: &[Claim], exponents: &[u128], part: Range<usize>, bad: &mut Vec<usize>) {
        if part.len() <= SINGLES {
            bad.extend(part.filter(|&i| !self.holds_alone(&claims[i])));
            return;
        }
        let middle = part.start + part.len() / 2;
        let (first, second) = (part.start..middle, middle..part.end);
        let holds = |part: &Range<usize>| {
            self.hold_together(&claims[part.clone()], &exponents[part.clone()])
        };
        let first_holds = holds(&first);
        if !first_holds {
            self.find(claims, exponents, first, bad);
        }
        // Where the first half holds, the second is what does not.
        if first_holds || !holds(&second) {
            self.find(claims, exponents, second, bad);
        }
    }

    fn ensure_inputs(&self, claims: &[Claim]) -> Result<(), BatchError> {
        let expected = self.public_inputs();
        match claims.iter().position(|claim| claim.inputs.len() != expected) {
            None => Ok(()),
            Some(index) => {
                Err(BatchError::Inputs { index, found: claims[index].inputs.len(), expected })
            }
        }
    }

    fn holds_alone(&self, claim: &Claim) -> bool {
        let Claim { proof, inputs } = claim;
        let key = &self.key;
        let scalars: Vec<Fr> = std::iter::once(Fr::one()).chain(inputs.iter().copied()).collect();
        let input = G1Projective::msm_unchecked(&key.gamma_abc_g1, &scalars);
        let in_g1 = [proof.a, -key.alpha_g1, (-input).into_affine(), -proof.c];
        let in_g2 = [proof.b, key.beta_g2, key.gamma_g2, key.delta_g2];
        Bn254::multi_pairing(in_g1, in_g2).0.is_one()
    }

    fn hold_together(&self, claims: &[Claim], exponents: &[u128]) -> bool {
        let key = &self.key;
        let count = claims.len();
        let rho: Vec<Fr> = exponents.iter().map(|exponent| Fr::from(*exponent)).collect();
        let mut points: Vec<_> = claims.iter().map(|claim| claim.proof.a).collect();
        points.extend(claims.iter().map(|claim| claim.proof.c));
        mul_each(&mut points, &[rho.as_slice(), rho.as_slice()].concat());
        let c = points.drain(count..).fold(G1Projective::ZERO, |sum, point| sum + point);
        let mut coefficients = vec![Fr::zero(); key.gamma_abc_g1.len()];
        for (claim, rho) in claims.iter().zip(&rho) {
            coefficients[0] += rho;
            for (sum, input) in coefficients[1..].iter_mut().zip(&claim.inputs) {
                *sum += *rho * input;
            }
        }
        let inputs = G1Projective::msm_unchecked(&key.gamma_abc_g1, &coefficients);
        let alpha = key.alpha_g1.into_group() * coefficients[0];
        points.extend(G1Projective::normalize_batch(&[-alpha, -inputs, -c]));
        let in_g2 = claims.iter().map(|claim| claim.proof.b);
        let of_key = [key.beta_g2, key.gamma_g2, key.delta_g2];
        Bn254::multi_pairing(points, in_g2.chain(of_key)).0.is_one()
    }
}
