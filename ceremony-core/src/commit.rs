//! Committing to the secrets of a contribution before its predecessor is known.
//!
//! A record proves knowledge of each secret x by (s, s x, x R), of which only R depends on what
//! comes before (BGM17, section 5). The first two points of each secret, its [`Opening`], are a
//! function of the contributor's randomness alone: a hash of them fixes the secrets without showing
//! anything, and the record that comes later shows whether they are the ones. BCGTV15 (E.
//! Ben-Sasson, A. Chiesa, M. Green, E. Tromer, M. Virza, *Secure Sampling of Public Parameters for
//! Succinct Zero Knowledge Proofs*, IEEE S&P 2015) begins with such a round.
//!
//! Until then the randomness is kept: a [`KeptSeed`], in memory that its owner brings.

use bn254_batch::curve::G1Affine;
use zeroize::Zeroizing;

use crate::entropy::{ContributionRng, OsRandomError, seed_of};
use crate::explain::{Explain, Finding};
use crate::format::encoding::{Encoding, encode};
use crate::format::record::ProofOfKnowledge;
use crate::format::{ptau, zkey};
use crate::phase1::secrets::TauSecrets;
use crate::phase2::contribute::DeltaSecret;
use crate::secret_threads::{ThreadsError, on_secret_threads};

/// Bytes of a seed.
pub const SEED_BYTES: usize = 64;

/// s and s x of each secret x of a contribution: tau, alpha, beta in phase 1, delta in phase 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening(Vec<[G1Affine; 2]>);

impl Opening {
    /// Of a record of phase 1.
    #[must_use]
    pub fn of_phase1(record: &ptau::Contribution) -> Self {
        let key = &record.public_key;
        Self([key.tau, key.alpha, key.beta].iter().map(points).collect())
    }

    /// Of a record of phase 2.
    #[must_use]
    pub fn of_phase2(record: &zkey::Contribution) -> Self {
        Self(vec![points(&record.proof)])
    }

    /// The points as `uncompressed`, s before s x, in the order of the secrets.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self.0.as_flattened(), Encoding::Uncompressed)
    }
}

fn points(proof: &ProofOfKnowledge) -> [G1Affine; 2] {
    [proof.g1_s, proof.g1_sx]
}

/// Why no randomness was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The operating system gave none.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The system gave no threads to compute with secrets on.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// The memory is too small.
    #[error("no room for a seed: found {found} bytes, expected {SEED_BYTES}")]
    Room {
        /// Its bytes.
        found: usize,
    },
}

impl Explain for KeepError {
    fn explain(&self) -> Finding {
        match self {
            Self::OsRandom(error) => error.explain(),
            Self::Threads(error) => error.explain(),
            Self::Room { .. } => Finding::environment("randomness/room", self),
        }
    }
}

/// What the generator of one contribution is keyed by, kept from the commitment to the
/// contribution. No `Debug`, no `Clone`. It does not overwrite the memory that it is in: its
/// owner's type `M` has to do that when it is dropped.
///
/// A contribution can take more than one attempt, each on another predecessor, and all of them have
/// the secrets that were committed to: [`Self::rng`] does not consume it.
pub struct KeptSeed<M>(M);

impl<M: AsRef<[u8]> + AsMut<[u8]> + Send + Sync> KeptSeed<M> {
    /// Writes BLAKE2b-512(64 bytes from the OS | `text`) to the beginning of `memory`, as
    /// [`ContributionRng::from_os_and_text`] would key its generator.
    ///
    /// # Errors
    /// [`KeepError`].
    pub fn draw(memory: M, text: &[u8]) -> Result<Self, KeepError> {
        let mut os = Box::new(Zeroizing::new([0; 64]));
        getrandom::fill(&mut **os).map_err(OsRandomError::from)?;
        Self::of(memory, &os, text)
    }

    /// The same with 64 bytes of the caller's.
    pub(crate) fn of(mut memory: M, os: &[u8; 64], text: &[u8]) -> Result<Self, KeepError> {
        let found = memory.as_ref().len();
        let Some(room) = memory.as_mut().first_chunk_mut::<SEED_BYTES>() else {
            return Err(KeepError::Room { found });
        };
        on_secret_threads(|| room.copy_from_slice(&**seed_of(os, text)))?;
        Ok(Self(memory))
    }

    /// The generator of one attempt.
    #[must_use]
    pub fn rng(&self) -> ContributionRng {
        ContributionRng::from_seed(self.0.as_ref())
    }

    /// What a contribution to phase 1 that is made with it will show of its secrets.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn phase1_opening(&self) -> Result<Opening, ThreadsError> {
        on_secret_threads(|| Opening(TauSecrets::draw(self.rng()).opening().into()))
    }

    /// What a contribution to a circuit that is made with it will show of its secret.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn phase2_opening(&self) -> Result<Opening, ThreadsError> {
        on_secret_threads(|| Opening(vec![DeltaSecret::draw(self.rng()).opening()]))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::format::ptau::{Power, Ptau};
    use crate::phase1;
    use crate::progress::NoProgress;

    type Plain = Vec<u8>;

    fn drawn() -> KeptSeed<Plain> {
        KeptSeed::draw(vec![0; SEED_BYTES], b"text").unwrap()
    }

    fn next<R>(input: &mut Ptau<R>, seed: &KeptSeed<Plain>) -> ptau::Contribution
    where
        R: std::io::Read + std::io::Seek + Send,
    {
        let output = Cursor::new(Vec::new());
        phase1::contribute::contribute(input, output, seed.rng(), None, &NoProgress).unwrap()
    }

    #[test]
    fn every_attempt_of_phase_1_shows_what_was_committed_to_whatever_comes_before_it() {
        let seed = drawn();
        let opening = seed.phase1_opening().unwrap();
        assert_eq!(opening.to_bytes().len(), 3 * 2 * 64);
        let mut start = Cursor::new(Vec::new());
        phase1::contribute::new(Power::new(2).unwrap(), &mut start, &NoProgress).unwrap();
        let mut input = Ptau::open(start).unwrap();
        let first = next(&mut input, &seed);
        assert_eq!(Opening::of_phase1(&first), opening);
        // Another predecessor.
        let mut output = Cursor::new(Vec::new());
        let rng = drawn().rng();
        phase1::contribute::contribute(&mut input, &mut output, rng, None, &NoProgress).unwrap();
        let second = next(&mut Ptau::open(output).unwrap(), &seed);
        assert_eq!(Opening::of_phase1(&second), opening);
        assert_ne!(first.public_key.tau.g2_spx, second.public_key.tau.g2_spx);
        let other = drawn().phase1_opening().unwrap();
        assert_ne!(other, opening);
        assert_ne!(other.to_bytes(), opening.to_bytes());
    }

    #[test]
    fn a_kept_seed_keys_the_generator_that_its_randomness_would_key() {
        let (os, text) = ([7; 64], b"some text");
        let kept = KeptSeed::of(vec![0; SEED_BYTES + 1], &os, text).unwrap();
        let at_once = ContributionRng::from_bytes_and_text(Box::new(Zeroizing::new(os)), text);
        let (mut kept, mut at_once) = (kept.rng().generator(), at_once.generator());
        assert_eq!(kept.secret().expose(), at_once.secret().expose());
        assert_eq!(kept.g1(), at_once.g1());
        let short = KeptSeed::of(vec![0; SEED_BYTES - 1], &os, text).err();
        assert!(matches!(short, Some(KeepError::Room { found: 63 })));
    }
}
