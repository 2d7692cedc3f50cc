//! The finished key for provers and verifiers of arkworks: `.zkey` -> `ProvingKey<Bn254>`, `VerifyingKey<Bn254>` (Groth16, section 3.2).
//!
//! All points are those of the `.zkey`, but for H. Let Z = X^N - 1 vanish on the domain of N = 2^k points, omega the 2N-th root of unity and
//! Lambda the Lagrange basis of the domain of 2N points. The `.zkey` has `H_j = [Lambda_(2j+1)(tau) / delta]1`; arkworks' default
//! (libsnark) reduction wants `h_i = [tau^i Z(tau) / delta]1`, i < N - 1. For a polynomial q of degree at most N - 2, q Z has degree below 2N,
//! vanishes at the even powers of omega and is -2 q at the odd ones, so
//!
//! sum_i q_i h_i = -2 sum_j q(omega^(2j+1)) H_j, and with q = X^i: h_i = -2 omega^i sum_j omega^(2ij) H_j = -2 omega^i FFT_N(H)_i.
//!
//! The same holds where the `.ptau` had the circuit's own power and H_j lacks its tau^(2N-1) term: the coefficient of X^(2N-1) in q Z is zero. The
//! conversion is public; nothing is assumed but the `.zkey`, which is to be verified ([`crate::phase2::verify`]).

use std::io::{Read, Seek, Write};

use ark_ec::AffineRepr;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_serialize::{CanonicalSerialize, SerializationError};

use crate::entropy::{OsRandomError, VerifierRng};
use crate::format::FormatError;
use crate::format::points::PointRun;
use crate::format::zkey::Zkey;
use crate::phase2::arkworks::AssignedCircuit;
use crate::progress::Progress;
use crate::ratio::{Ratio, same_ratio, scalar_combination};
use bn254_batch::curve::{
    Bn254, Fr, G1_GENERATOR, G1Affine, G2_GENERATOR, G2Affine, Point, root_of_unity,
};
use bn254_batch::geometric;
use bn254_batch::{Direction, group_fft, mul_each};

/// A proving key of arkworks, for its default reduction.
pub type ProvingKey = ark_groth16::ProvingKey<Bn254>;
/// A verifying key of arkworks.
pub type VerifyingKey = ark_groth16::VerifyingKey<Bn254>;
/// arkworks' prover and verifier, with its default (libsnark) reduction.
pub type Groth16 = ark_groth16::Groth16<Bn254>;

/// Why a verifying key is refused whatever proof it comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyingKeyDefect {
    /// A point is infinity.
    #[error("{0} of the verifying key is infinity")]
    Infinity(&'static str),
    /// A point is the generator or its negative: its secret is 1 or -1, which everybody knows.
    #[error(
        "{0} of the verifying key is the generator or its negative, so that its secret is known to all"
    )]
    Generator(&'static str),
    /// gamma is not the generator, which this ceremony always uses.
    #[error("gamma of the verifying key is not the generator of G2")]
    Gamma,
    /// delta is gamma or its negative: phase 2 was skipped, and proofs of anything can be made from proofs of something.
    #[error(
        "delta of the verifying key is gamma or its negative: phase 2 was skipped, and anybody can forge proofs"
    )]
    DeltaIsGamma,
    /// Another number of public inputs than the circuit has.
    #[error(
        "the verifying key is for another number of public inputs\n  found     {found} points in IC\n  expected  {expected}"
    )]
    Inputs {
        /// Points of IC.
        found: u64,
        /// Public wires and one.
        expected: u64,
    },
}

/// Check 9 of phase 2 (formats page, section 7): refuses a degenerate verifying key.
///
/// delta: not infinity, not the generator, not gamma, nor the negatives; gamma: the generator; alpha and beta: not infinity, not the generator nor its
/// negative; IC: `public_inputs + 1` points. That points are on their curves and in their groups is for whoever decoded them.
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

/// Why there is no key for arkworks.
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
        "the circuit's domain is too large for the conversion of H\n  found     2^{found} points\n  expected  at most 2^27"
    )]
    DomainTooLarge {
        /// The circuit's power.
        found: u32,
    },
    /// A degenerate verifying key.
    #[error(transparent)]
    VerifyingKey(#[from] VerifyingKeyDefect),
    /// arkworks could not write it.
    #[error("writing the key: {0}")]
    Output(#[source] SerializationError),
}

/// The verifying key of a `.zkey`, not degenerate, held whole: 64 bytes per public input, as many as the file has.
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

/// The proving key of a `.zkey` for arkworks' default reduction, held whole as arkworks does: 448 bytes per wire and 72 per domain point.
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
    progress.begin("proving key", 4);
    let a_query = whole(key, layout.a, &mut rng)?;
    progress.advance(1);
    let b_g1_query = whole(key, layout.b_g1, &mut rng)?;
    let b_g2_query = whole(key, layout.b_g2, &mut rng)?;
    progress.advance(1);
    let l_query = whole(key, layout.l, &mut rng)?;
    progress.advance(1);
    let h_query = libsnark_h(whole(key, layout.h, &mut rng)?, header.power.exponent())?;
    progress.end();
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
fn libsnark_h(mut h: Vec<G1Affine>, power: u32) -> Result<Vec<G1Affine>, KeygenError> {
    let omega = root_of_unity(power + 1).ok_or(KeygenError::DomainTooLarge { found: power })?;
    group_fft(&mut h, Direction::Forward);
    h.pop();
    let factors = geometric(-Fr::from(2u64), omega, h.len());
    mul_each(&mut h, &factors);
    Ok(h)
}

fn whole<R: Read + Seek, P: Point>(
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

/// Both canonical encodings of a verifying key, as bundles and snippets hold them (formats page, section 2).
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

/// Writes a proving key in arkworks' canonical uncompressed encoding, which is what is quick to load, and flushes it.
///
/// # Errors
/// [`KeygenError::Output`].
pub fn write_proving_key<W: Write>(key: &ProvingKey, mut out: W) -> Result<(), KeygenError> {
    key.serialize_uncompressed(&mut out).map_err(KeygenError::Output)?;
    out.flush().map_err(|e| KeygenError::Output(e.into()))
}

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
    #[error("the circuit is not the key's: {what}\n  found     {found}\n  expected  {expected}")]
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

/// Check 11 of phase 2 with a witness: a random proof made with the finished key verifies, and does not for another public input.
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
    // An IC point at infinity means that its input is in no constraint, which the input rows exclude.
    if let Some(input) = inputs.first_mut() {
        *input += rng.scalar();
        if Groth16::verify_proof(&prepared, &proof, &inputs).map_err(prover)? {
            return Err(SelfTestError::WrongInputsAccepted);
        }
    }
    Ok(())
}

/// Check 11 of phase 2 without a witness, for the steps between a verified `.zkey` and the key that is used: the verifying key is not
/// degenerate, beta and delta are the same in both groups, B is the same in both, and for a random polynomial q of degree N - 2 both forms of
/// H commit to the same q Z / delta: sum_i q_i h_i = -2 sum_j q(omega^(2j+1)) H_j. The evaluations of q are those of a scalar FFT, so that
/// nothing of the conversion is used to check it.
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
