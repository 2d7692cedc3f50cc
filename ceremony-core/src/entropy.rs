//! Where secrets come from and how they end.
//!
//! A contributor's generator is ChaCha20 keyed by BLAKE2b-512(64 bytes from the OS | text the
//! participant added): the text can only add to the OS randomness, never replace it. A beacon's is
//! keyed by an iterated SHA-256 of a public value, so that everybody can draw the same "secrets"
//! and check them. Draws follow docs/formats.md, section 3, bit for bit: a file made by another
//! tool from the same seed has the same points.
//!
//! Secrets live in boxes that are overwritten when dropped, have no `Debug`, and are consumed by
//! the one contribution that uses them. What computing with them leaves on the stack is
//! [`crate::secret_threads`]' to overwrite.

use std::fmt;

use ark_ff::Field;
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine};
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::draw::{chacha_from_hash, draw_field, draw_point};
use crate::explain::{Explain, Finding};
use crate::limits::{MAX_BEACON_EXPONENT, MIN_BEACON_EXPONENT};
use crate::progress::Progress;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random number generator failed: {0}")]
pub struct OsRandomError(#[from] getrandom::Error);

impl Explain for OsRandomError {
    fn explain(&self) -> Finding {
        Finding::environment("randomness/os", self)
    }
}

/// What a contribution's generator is made from. Overwritten when dropped; no `Debug`.
///
/// The generator itself exists only where the contribution is computed, on the threads of
/// [`crate::secret_threads`].
pub struct ContributionRng(Seed);

enum Seed {
    /// Bytes of the OS, and what the participant added.
    Secret { os: Box<Zeroizing<[u8; 64]>>, text: Zeroizing<Vec<u8>> },
    /// The hash of both, kept since a commitment.
    Kept(Box<Zeroizing<[u8; 64]>>),
    /// Of a beacon: public.
    Beacon([u8; 64]),
}

impl ContributionRng {
    /// BLAKE2b-512(64 bytes from the OS | `text`) keys the generator.
    ///
    /// # Errors
    /// When the OS has no randomness to give. There is no fallback.
    pub fn from_os_and_text(text: &[u8]) -> Result<Self, OsRandomError> {
        let mut os = Box::new(Zeroizing::new([0; 64]));
        getrandom::fill(&mut **os).map_err(OsRandomError)?;
        Ok(Self::from_bytes_and_text(os, text))
    }

    /// The same with 64 bytes of the caller's.
    pub(crate) fn from_bytes_and_text(os: Box<Zeroizing<[u8; 64]>>, text: &[u8]) -> Self {
        Self(Seed::Secret { os, text: Zeroizing::new(text.to_vec()) })
    }

    /// The generator of a seed that was kept. Copied in place: a value would be moved.
    pub(crate) fn from_seed(kept: &[u8]) -> Self {
        let mut seed = Box::new(Zeroizing::new([0; 64]));
        seed.iter_mut().zip(kept).for_each(|(byte, kept)| *byte = *kept);
        Self(Seed::Kept(seed))
    }

    /// The generator that a beacon defines, the same for everybody. Runs 2^exponent SHA-256
    /// compressions.
    #[must_use]
    pub fn from_beacon(beacon: &Beacon, progress: &dyn Progress) -> Self {
        Self(Seed::Beacon(beacon.seed(progress)))
    }

    /// The generator.
    pub(crate) fn generator(self) -> Generator {
        Generator(Box::new(match self.0 {
            Seed::Secret { os, text } => chacha_from_hash(&seed_of(&os, &text)),
            Seed::Kept(seed) => chacha_from_hash(&seed),
            Seed::Beacon(seed) => chacha_from_hash(&seed),
        }))
    }
}

/// The generator that a contribution draws its secrets from. Overwritten when dropped; no `Debug`.
pub(crate) struct Generator(Box<ChaCha20Rng>);

impl Generator {
    /// The next secret scalar.
    pub(crate) fn secret(&mut self) -> Secret {
        Secret(Box::new(draw_field(&mut self.0)))
    }

    /// The next point of G1, as public as the contribution it goes into.
    pub(crate) fn g1(&mut self) -> G1Affine {
        draw_point(&mut self.0)
    }
}

/// The hash that seeds a contribution. Its state is overwritten when dropped, which that of
/// [`crate::hash::Blake2b512`], made for public data, is not.
type SeedHash = blake2::Blake2b512;

/// BLAKE2b-512(`os` | `text`), in a box from the start.
pub(crate) fn seed_of(os: &[u8; 64], text: &[u8]) -> Box<Zeroizing<[u8; 64]>> {
    let mut hash = Box::new(SeedHash::new());
    Digest::update(&mut *hash, os);
    Digest::update(&mut *hash, text);
    let mut seed = Box::new(Zeroizing::new([0; 64]));
    // In place: `finalize` would move the state.
    hash.finalize_into_reset((&mut **seed).into());
    seed
}

/// A secret scalar: boxed so that moves leave no copies, overwritten when dropped, neither `Debug`
/// nor `Clone`. Made and used on the threads of [`crate::secret_threads`].
pub struct Secret(Box<Fr>);

impl Secret {
    pub(crate) fn expose(&self) -> &Fr {
        &self.0
    }

    /// 1 / secret, or `None` for zero.
    pub(crate) fn inverse(&self) -> Option<Self> {
        self.0.inverse().map(|inverse| Self(Box::new(inverse)))
    }

    /// secret^exponent
    pub(crate) fn power(&self, exponent: u64) -> Self {
        Self(Box::new(self.0.pow([exponent])))
    }

    /// secret * other, in the place of this one.
    pub(crate) fn times(mut self, other: &Self) -> Self {
        *self.0 *= &*other.0;
        self
    }
}

impl zeroize::ZeroizeOnDrop for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A public random value that no one could choose, and how often it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    value: Vec<u8>,
    exponent: u8,
}

/// A beacon outside what creators and verifiers accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeaconError {
    /// The exponent is outside [`MIN_BEACON_EXPONENT`]..=[`MAX_BEACON_EXPONENT`].
    #[error(
        "beacon exponent out of range: found {0}, expected {MIN_BEACON_EXPONENT} to \
         {MAX_BEACON_EXPONENT} (2^exponent hash iterations)"
    )]
    Exponent(u8),
    /// The value has no byte, or more than the 255 that the record can hold.
    #[error("beacon value of the wrong length: found {0} bytes, expected 1 to 255 bytes")]
    ValueLength(usize),
}

impl Explain for BeaconError {
    fn explain(&self) -> Finding {
        match self {
            Self::Exponent(found) => Finding::compared(
                "beacon/exponent",
                self,
                found,
                format_args!(
                    "{MIN_BEACON_EXPONENT} to {MAX_BEACON_EXPONENT} (2^exponent hash iterations)"
                ),
            ),
            Self::ValueLength(found) => Finding::compared(
                "beacon/value-length",
                self,
                format_args!("{found} bytes"),
                "1 to 255 bytes",
            ),
        }
    }
}

impl Beacon {
    /// A beacon of 1 to 255 bytes, hashed 2^exponent times.
    ///
    /// # Errors
    /// [`BeaconError`] when either is out of range.
    pub fn new(value: &[u8], exponent: u8) -> Result<Self, BeaconError> {
        if !(MIN_BEACON_EXPONENT..=MAX_BEACON_EXPONENT).contains(&exponent) {
            return Err(BeaconError::Exponent(exponent));
        }
        if value.is_empty() || value.len() > 255 {
            return Err(BeaconError::ValueLength(value.len()));
        }
        Ok(Self { value: value.to_vec(), exponent })
    }

    /// The published bytes.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The binary logarithm of the number of hash iterations.
    #[must_use]
    pub fn exponent(&self) -> u8 {
        self.exponent
    }

    /// SHA-256 iterated 2^exponent times over the value; the generator reads 32 of the 64 bytes,
    /// the others are zero.
    fn seed(&self, progress: &dyn Progress) -> [u8; 64] {
        const STEP: u64 = 1 << 20;
        let iterations = 1u64 << self.exponent;
        progress.begin("beacon", iterations);
        let mut hash: [u8; 32] = Sha256::digest(&self.value).into();
        for done in 1..iterations {
            hash = Sha256::digest(hash).into();
            if done % STEP == 0 {
                progress.advance(STEP);
            }
        }
        progress.end();
        let mut seed = [0; 64];
        seed[..32].copy_from_slice(&hash);
        seed
    }
}

/// Randomness of a verifier: the coefficients of random linear combinations.
///
/// From the OS, and unknown to the maker of the input; or, where a verification is cut into parts,
/// from a digest of what is verified (`PlanSeed`). There is no constructor from a seed of the
/// caller's, so no caller can make the coefficients predictable to the author of the file.
pub struct VerifierRng(ChaCha20Rng);

impl fmt::Debug for VerifierRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifierRng")
    }
}

impl VerifierRng {
    /// A generator keyed by the OS.
    ///
    /// # Errors
    /// When the OS has no randomness to give.
    pub fn from_os() -> Result<Self, OsRandomError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(OsRandomError)?;
        Ok(Self(ChaCha20Rng::from_seed(*seed)))
    }

    /// Begins a generator that is keyed by the OS and by what is to be verified with it, so that
    /// whoever makes that cannot know its values, even with an OS whose randomness is known.
    pub(crate) fn binding() -> Binding {
        Binding(Sha256::new_with_prefix(b"zk-ceremony verifier's coefficients v1\0"))
    }

    /// `n` coefficients of 128 bits for a random linear combination.
    pub(crate) fn coefficients(&mut self, n: usize) -> Vec<u128> {
        (0..n)
            .map(|_| u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64()))
            .collect()
    }

    /// 64 bits.
    pub(crate) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform scalar.
    pub fn scalar(&mut self) -> Fr {
        draw_field(&mut self.0)
    }

    /// The index of a point outside the subgroup of order r, as [`bn254_batch::outside_subgroup`]
    /// finds it.
    pub(crate) fn outside_subgroup<P: Point>(&mut self, points: &[P]) -> Option<usize> {
        P::as_g2(points)
            .and_then(|points| bn254_batch::outside_subgroup(points, &mut || self.word()))
    }
}

/// What coefficients are drawn from again and again, the same ones each time: those of a chain of
/// files, each of which is read once. It is the OS's, and leaves the process neither as it is nor
/// as a sum.
#[derive(Clone)]
pub(crate) struct CoefficientSeed(Zeroizing<[u8; 32]>);

impl fmt::Debug for CoefficientSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CoefficientSeed")
    }
}

impl CoefficientSeed {
    /// A new one.
    ///
    /// # Errors
    /// When the OS has no randomness to give.
    pub(crate) fn from_os() -> Result<Self, OsRandomError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(OsRandomError)?;
        Ok(Self(seed))
    }

    /// The generator of one run of points, from its beginning.
    pub(crate) fn of(&self, run: u32) -> VerifierRng {
        let key = Sha256::new_with_prefix(b"zk-ceremony coefficients of a chain v1\0")
            .chain_update(run.to_le_bytes())
            .chain_update(self.0.as_slice())
            .finalize();
        VerifierRng(ChaCha20Rng::from_seed(key.into()))
    }
}

/// What the parts of a verification draw their coefficients from: the digest of a plan, which binds
/// every byte that a part reads. So it is fixed after the file, and everyone who has the plan draws
/// the same coefficients. [`crate::phase1::parts`] has the argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanSeed(pub(crate) [u8; 32]);

impl PlanSeed {
    /// The generator of one part of a section. Of part 0, which does not exist, is what all parts
    /// have in common; of section 0, what all sections have in common.
    pub(crate) fn of(&self, section: u32, part: u32) -> VerifierRng {
        let key = Sha256::new_with_prefix(b"zk-ceremony coefficients of a part v1\0")
            .chain_update(self.0)
            .chain_update(section.to_le_bytes())
            .chain_update(part.to_le_bytes())
            .finalize();
        VerifierRng(ChaCha20Rng::from_seed(key.into()))
    }
}

/// See [`VerifierRng::binding`].
pub(crate) struct Binding(Sha256);

impl Binding {
    /// Takes in a digest of something that is verified.
    pub(crate) fn bind(&mut self, digest: &[u8; 32]) {
        self.0.update(digest);
    }

    /// The generator. Nothing can be bound any more.
    pub(crate) fn finish(self) -> Result<VerifierRng, OsRandomError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(OsRandomError)?;
        let key = self.0.chain_update(seed.as_slice()).finalize();
        Ok(VerifierRng(ChaCha20Rng::from_seed(key.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::encoding::{Encoding, encode};
    use crate::progress::NoProgress;

    #[test]
    fn a_beacon_draws_the_published_scalar_and_point() {
        let value: Vec<u8> = (1..=32).collect();
        let beacon = Beacon::new(&value, 10).unwrap();
        let mut rng = ContributionRng::from_beacon(&beacon, &NoProgress).generator();
        assert_eq!(
            rng.secret().expose().to_string(),
            "17473832003175134698312717362302608406348508308350901015891371218809766881317"
        );
        assert_eq!(
            hex::encode(encode(&[rng.g1()], Encoding::Uncompressed)),
            "22b66e4016faaba64f2291a5def57e4b5ea8f5cfe9b2d6722b8e809fc2a77ee1\
             199c40c04e4741bcb76c31a216b080018a95d4a9514367296acafe1f0d51bde7"
        );
    }

    #[test]
    fn a_beacon_exponent_of_63_is_refused() {
        assert_eq!(Beacon::new(&[1], 63), Err(BeaconError::Exponent(63)));
        assert_eq!(Beacon::new(&[1], 9), Err(BeaconError::Exponent(9)));
        assert!(Beacon::new(&[1], 10).is_ok());
        assert_eq!(Beacon::new(&[], 10), Err(BeaconError::ValueLength(0)));
        assert_eq!(Beacon::new(&[1; 256], 10), Err(BeaconError::ValueLength(256)));
    }

    /// Does not compile where dropping one of them leaves its bytes in memory.
    #[test]
    fn what_a_seed_passes_through_is_wiped_when_dropped() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>() {}
        // The two fields of a `SeedHash`.
        is_wiped::<blake2::Blake2bVarCore>();
        is_wiped::<blake2::digest::block_api::Buffer<blake2::Blake2bVarCore>>();
        is_wiped::<Zeroizing<[u8; 64]>>();
        is_wiped::<ChaCha20Rng>();
        is_wiped::<Secret>();
    }

    #[test]
    fn the_seed_is_the_blake2b_hash_of_os_bytes_and_text() {
        let os: [u8; 64] = std::array::from_fn(|i| i as u8);
        for text in [&b""[..], b"some text", &[7; 1000]] {
            let expected = crate::hash::Blake2b512::digest(&[&os, text]);
            assert_eq!(**seed_of(&os, text), expected);
        }
    }

    #[test]
    fn participant_text_is_mixed_with_the_os_and_never_replaces_it() {
        let draw = |text: &[u8]| {
            *ContributionRng::from_os_and_text(text).unwrap().generator().secret().expose()
        };
        assert_ne!(draw(b"the same text"), draw(b"the same text"));
    }
}
