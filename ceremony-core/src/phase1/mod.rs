//! Phase 1: powers of tau, a ceremony that serves every circuit of at most N = 2^power constraints.
//!
//! The accumulator holds, for secrets tau, alpha, beta that no one knows,
//!
//! ```text
//! {[tau^i]1, i < 2N-1}      {[tau^i]2, i < N}
//! {[alpha tau^i]1, i < N}   {[beta tau^i]1, i < N}   [beta]2
//! ```
//!
//! It begins with tau = alpha = beta = 1. A contribution with secrets (t, a, b) multiplies entry i
//! by t^i, a t^i or b t^i, so that afterwards tau' = t tau and so on; it proves knowledge of t, a
//! and b, and says by hashes which challenge it answers (BGM17, sections 5 and 6). If one of the
//! contributors destroyed its secrets, no one knows tau, alpha or beta. A beacon closes the chain
//! with public randomness. The prepared file holds the same points in the Lagrange bases of all
//! domains up to 2N, which is what phase 2 reads.
//!
//! | module | proves or does |
//! |---|---|
//! | `secrets` | tau, alpha and beta of one contribution |
//! | [`contribute`] | the step from one accumulator to the next: new, contribute, beacon |
//! | `accumulator_writer` | writes and hashes the new accumulator |
//! | [`challenge_response`] | the same step through challenge and response files |
//! | [`prepare`] | makes the Lagrange sections |
//! | [`verify`] | runs the numbered checks on a whole file |
//! | `records` | checks 0 to 4, 8 and 10: what the records prove by themselves |
//! | `sections` | checks 5 and 6: what the points prove |
//! | `lagrange` | check 7: the Lagrange sections belong to the powers |
//! | [`parts`] | the same checks by many machines: a plan, parts, and their combination |
//! | `report`, `error` | the checks, their results, and why an operation failed |
//! | [`perpetual_powers`] | first challenges, and digests of the public ceremony's files |

mod accumulator_writer;
pub mod challenge_response;
pub mod contribute;
mod error;
mod lagrange;
pub mod parts;
pub mod perpetual_powers;
pub mod prepare;
pub(crate) mod records;
mod report;
pub(crate) mod secrets;
mod sections;
pub mod verify;

use std::io::{Read, Seek};

use ark_ec::AffineRepr;
use bn254_batch::Point;
use bn254_batch::curve::{G1Affine, G2Affine};

use crate::draw::hash_to_g2;
use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::encoding::{Encoding, encode};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::ptau::{AccumulatorHead, AccumulatorLayout, Contribution, Power};
use crate::hash::{Blake2b512, Challenge, ResponseHash};
use crate::progress::Progress;
use crate::ratio::Ratio;

/// Which of the five parts of the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    TauG1 = 2,
    TauG2 = 3,
    AlphaTauG1 = 4,
    BetaTauG1 = 5,
    BetaG2 = 6,
}

/// Something that is done to each part in turn; parts differ in their group.
pub(crate) trait EachPart {
    type Error;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), Self::Error>;
}

/// Visits the five parts in the order of every hash and file: sections 2 to 6.
pub(crate) fn each_part<V: EachPart>(
    layout: &AccumulatorLayout,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.part(Part::TauG1, &layout.tau_g1)?;
    visitor.part(Part::TauG2, &layout.tau_g2)?;
    visitor.part(Part::AlphaTauG1, &layout.alpha_tau_g1)?;
    visitor.part(Part::BetaTauG1, &layout.beta_tau_g1)?;
    visitor.part(Part::BetaG2, &layout.beta_g2)
}

/// The chunks of all parts, read ahead in that order.
pub(crate) fn read_ahead<'a, R: Read + Seek + Send>(
    source: &'a mut R,
    layout: &AccumulatorLayout,
    overlap: u64,
) -> ReadAhead<'a, R> {
    struct Want<'a, R>(ReadAhead<'a, R>, u64);
    impl<R: Read + Seek + Send> EachPart for Want<'_, R> {
        type Error = std::convert::Infallible;
        fn part<P: Point>(&mut self, _: Part, run: &PointRun<P>) -> Result<(), Self::Error> {
            self.0.want(run, 0..run.len, self.1);
            Ok(())
        }
    }
    let mut want = Want(ReadAhead::new(source), overlap);
    let Ok(()) = each_part(layout, &mut want);
    want.0
}

/// The response hash that stands before the first contribution: BLAKE2b-512 of nothing.
#[must_use]
pub fn first_response_hash() -> ResponseHash {
    ResponseHash(Blake2b512::digest(&[]))
}

/// The challenge of a new accumulator: BLAKE2b-512(BLAKE2b-512("") | generators, uncompressed).
/// Hashes 384 N + 64 bytes, except for the large powers, whose challenges are constants of the
/// protocol.
#[must_use]
pub fn first_challenge(power: Power) -> Challenge {
    match perpetual_powers::FIRST_CHALLENGES.iter().find(|(p, _)| *p == power.exponent()) {
        Some((_, challenge)) => Challenge(*challenge),
        None => compute_first_challenge(power),
    }
}

fn compute_first_challenge(power: Power) -> Challenge {
    struct Generators(Blake2b512);
    impl EachPart for Generators {
        type Error = std::convert::Infallible;
        fn part<P: Point>(&mut self, _: Part, run: &PointRun<P>) -> Result<(), Self::Error> {
            const BLOCK: u64 = 1 << 10;
            let block = encode(&vec![P::generator(); BLOCK as usize], Encoding::Uncompressed);
            for _ in 0..run.len / BLOCK {
                self.0.update(&block);
            }
            self.0.update(&block[..(run.len % BLOCK) as usize * P::UNCOMPRESSED_BYTES]);
            Ok(())
        }
    }
    let mut generators = Generators(Blake2b512::new());
    generators.0.update(&first_response_hash().0);
    let Ok(()) = each_part(
        &AccumulatorLayout::consecutive(power, 0, Encoding::Uncompressed),
        &mut generators,
    );
    Challenge(generators.0.finish())
}

impl AccumulatorHead {
    /// The key points of a new accumulator: tau = alpha = beta = 1.
    #[must_use]
    pub fn initial() -> Self {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        Self { tau_g1: g1, tau_g2: g2, alpha_g1: g1, beta_g1: g1, beta_g2: g2 }
    }
}

/// What the next contribution builds on: the key points, response hash and challenge after the
/// records so far.
#[derive(Clone, Copy, Debug)]
pub struct ChainHead {
    /// First elements of the accumulator.
    pub key_points: AccumulatorHead,
    /// BLAKE2b-512 of the last response file.
    pub response_hash: ResponseHash,
    /// BLAKE2b-512 of the challenge file that comes next.
    pub challenge: Challenge,
}

impl ChainHead {
    /// The link after `records`, in a ceremony of the given power.
    #[must_use]
    pub fn after(records: &[Contribution], ceremony_power: Power) -> Self {
        match records.last() {
            Some(last) => Self::of(last),
            None => Self {
                key_points: AccumulatorHead::initial(),
                response_hash: first_response_hash(),
                challenge: first_challenge(ceremony_power),
            },
        }
    }

    /// The link after this record.
    pub(crate) fn of(record: &Contribution) -> Self {
        Self {
            key_points: record.key_points,
            response_hash: record.response_hash(),
            challenge: record.next_challenge,
        }
    }
}

/// The secret that a proof of knowledge is about; its byte keeps the three proofs of one
/// contribution apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretName {
    Tau = 0,
    Alpha = 1,
    Beta = 2,
}

/// R of a proof of knowledge: hash_to_g2(BLAKE2b-512(name | challenge | uncompressed(s) |
/// uncompressed(s x))).
pub(crate) fn pok_base_point(
    name: SecretName,
    challenge: &Challenge,
    s: Ratio<G1Affine>,
) -> G2Affine {
    hash_to_g2(&Blake2b512::digest(&[
        &[name as u8],
        &challenge.0,
        &encode(&[s.0, s.1], Encoding::Uncompressed),
    ]))
}

/// Hashes the five parts in one encoding, as challenges (uncompressed) and responses (compressed)
/// do.
pub(crate) struct HashParts<'a, R> {
    pub(crate) source: &'a mut R,
    pub(crate) rng: &'a mut VerifierRng,
    pub(crate) hash: Blake2b512,
    pub(crate) encoding: Encoding,
    pub(crate) progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send> EachPart for HashParts<'_, R> {
    type Error = FormatError;
    fn part<P: Point>(&mut self, _: Part, run: &PointRun<P>) -> Result<(), FormatError> {
        let Self { source, rng, hash, encoding, progress } = self;
        run.for_each_chunk(*source, rng, 0, |_, points, _| {
            hash.update(&encode(&points, *encoding));
            progress.advance(points.len() as u64);
            Ok(())
        })
    }
}

pub(crate) fn place_of_run<P>(run: &PointRun<P>) -> String {
    format!("section {} ({})", run.section, run.name)
}
