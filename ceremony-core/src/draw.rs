//! Deterministic drawing of scalars and points from a seed, bit for bit as docs/formats.md, section
//! 3, defines it.

use ark_ff::{BigInt, PrimeField};
use bn254_batch::Point;
use bn254_batch::curve::{FQ_MODULUS, Fq, Fr, G2Affine};
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use zeroize::Zeroize;

/// A point of G2 whose logarithm no one knows, from the first 32 of 64 hash bytes (docs/formats.md,
/// section 3).
///
/// ChaCha20 keyed by the bytes draws x until x^3 + b is a square, then a bit for y; the point is
/// multiplied by the cofactor.
pub fn hash_to_g2(hash: &[u8; 64]) -> G2Affine {
    draw_point(&mut chacha_from_hash(hash))
}

/// ChaCha20 (20 rounds, nonce 0, counter from 0) keyed by the first 32 bytes of `hash`, read as
/// big-endian 32-bit words.
pub(crate) fn chacha_from_hash(hash: &[u8; 64]) -> ChaCha20Rng {
    let mut seed = [0; 32];
    for (seed, word) in seed.chunks_exact_mut(4).zip(hash.chunks_exact(4)) {
        seed.copy_from_slice(word);
        seed.reverse();
    }
    let rng = ChaCha20Rng::from_seed(seed);
    seed.zeroize();
    rng
}

/// A prime field's element whose Montgomery representation is given: the draws of the protocol are
/// representations, not values.
pub(crate) trait FromMontgomery: PrimeField<BigInt = BigInt<4>> {
    fn from_montgomery(limbs: BigInt<4>) -> Self;
}

impl FromMontgomery for Fq {
    fn from_montgomery(limbs: BigInt<4>) -> Self {
        Self::new_unchecked(limbs)
    }
}

impl FromMontgomery for Fr {
    fn from_montgomery(limbs: BigInt<4>) -> Self {
        Self::new_unchecked(limbs)
    }
}

/// Four 64-bit words, least significant first, masked to 254 bits, until below the modulus. Each
/// word takes its high half first.
pub(crate) fn draw_field<F: FromMontgomery>(rng: &mut ChaCha20Rng) -> F {
    loop {
        let mut limbs = BigInt([0; 4]);
        for limb in &mut limbs.0 {
            *limb = (u64::from(rng.next_u32()) << 32) | u64::from(rng.next_u32());
        }
        limbs.0[3] &= u64::MAX >> 2;
        if limbs < F::MODULUS {
            let element = F::from_montgomery(limbs);
            limbs.zeroize();
            return element;
        }
    }
}

/// An x until there is a point, then a bit that asks for the larger y; in G2 the cofactor clears
/// the rest.
pub(crate) fn draw_point<P: Point>(rng: &mut ChaCha20Rng) -> P {
    loop {
        let mut x = P::ZERO_COORDINATES;
        let x = &mut x.as_mut()[..P::COORDINATES / 2];
        x.iter_mut().for_each(|c| *c = draw_field(rng));
        let larger = rng.next_u32() & 1 == 1;
        if let Some(point) = P::from_x(x, larger) {
            return point.mul_by_cofactor();
        }
    }
}

const _: () =
    assert!(FQ_MODULUS.0[3] >> 62 == 0, "q has at most 254 bits, so that a draw is masked to 254");

#[cfg(test)]
mod tests {
    use bn254_batch::curve::AffinePoint;

    use super::*;
    use crate::format::encoding::{Encoding, encode};

    #[test]
    fn hash_to_g2_gives_the_published_vector() {
        let hash: [u8; 64] = std::array::from_fn(|i| i as u8);
        let point = hash_to_g2(&hash);
        assert!(AffinePoint::in_subgroup(&point));
        assert_eq!(
            hex::encode(encode(&[point], Encoding::Uncompressed)),
            "097197b18b86f218d43cf232ae11cb0318f9ff79c8315ba8cc3494ece86bd08c\
             0993c1f526542d4ea0f7960fe68c321263da35704524158f53a5ec1f6ae3cc0c\
             07e5f5e692f511f13c16f270392204a3e2ebf321f8b80f73d87faaea048b7bf0\
             1f619cecd6aebc1a35e6397979d76d2caa56e4cacbc10cd20d93cf715a0dd968"
        );
    }
}
