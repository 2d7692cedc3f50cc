//! Eight elements of the base field at a time: x is held as x R mod p with R = 2^260, in five limbs
//! of 52 bits, redundantly (any representative below 2^260 = 84.6 p).
//!
//! Three types keep apart what the instructions can read and what the accumulators can hold:
//!
//! | type | limbs | made by | read by |
//! |---|---|---|---|
//! | [`Fq8`] | five, in [0, 2^52) | a carry pass | multiplication, addition |
//! | [`Raw`] | five, signed, \|.\| < 2^63 | reduction, addition, subtraction, small multiples | a carry pass |
//! | [`Wide`] | ten columns, signed | multiplication, and sums and differences of products | reduction |
//!
//! `vpmadd52luq` and `vpmadd52huq` add the low and the high half of a product of two 52-bit limbs
//! to a 64-bit accumulator, so a product needs no carries until its columns are complete; sums,
//! differences, small multiples and multiples of p that follow are applied to raw values, before
//! the one carry pass.
//!
//! # Reduction
//!
//! Let m = -p^-1 mod 2^52 and p m + 1 = 2^52 M'. Montgomery's step for column i adds q p 2^(52 i)
//! with q = t_i m mod 2^52, which waits for two dependent multiplications. Adding instead t_i m p
//! 2^(52 i) (with the low 52 bits of t_i, and m not reduced) clears the same column, and as m p =
//! 2^52 M' - 1 it amounts to dropping t_i and adding t_i M' to the columns from i + 1 on: the
//! multiplier is the column itself. This is done for i = 0 .. 3, and adds less than 2^(4 * 52) 2^52
//! M' = R M' in all. The last column must take the standard step: it would otherwise add up to 2^52
//! M' to the result, instead of p. So
//!
//! > reduce(T) = T / R + e,  0 <= e < p + M' (1 + 2^-51) < 1.127 p,
//!
//! for columns of either sign, as shifts are arithmetic and the low 52 bits of a negative column
//! are those of its residue. A product costs 50 multiply-adds (30 for a square) and its reduction
//! 51.
//!
//! Source for the instruction-level form: S. Gueron, V. Krasnov, "Software implementation of
//! modular exponentiation, using advanced vector instructions architectures" (WAIFI 2012), and the
//! AVX-512 IFMA form of it by N. Drucker and S. Gueron (2018). The M' variant of the step is known
//! as Montgomery-friendly reduction by a multiple of the modulus.

use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask,
    _mm512_cmplt_epi64_mask, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_mov_epi64,
    _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64,
    _mm512_sub_epi64,
};

use super::constants::{
    FOLD, FROM_ARK, HALF_TO_ARK, Limbs, M, M_PRIME, MASK, MULTIPLES_OF_P, ONE, P, TO_ARK,
};
use super::interval::Interval;
use super::words::load_vector;

/// Four vectors of 64-bit words: eight numbers below 2^256.
pub(super) type Words = [__m512i; 4];

/// Eight field elements with normalised limbs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fq8 {
    limbs: [__m512i; 5],
    interval: Interval,
}

/// Eight field elements with signed limbs that overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw {
    limbs: [__m512i; 5],
    interval: Interval,
}

/// Eight products before reduction: column i counts 2^(52 i).
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    columns: [__m512i; 10],
    interval: Interval,
}

impl Fq8 {
    /// The same number below p in all lanes; given in this back end's Montgomery form.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn splat(limbs: &Limbs) -> Self {
        let mut vectors = [_mm512_setzero_si512(); 5];
        for (vector, limb) in vectors.iter_mut().zip(limbs) {
            *vector = broadcast(*limb);
        }
        Self { limbs: vectors, interval: Interval::up_to(1.0) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zero() -> Self {
        Self { limbs: [_mm512_setzero_si512(); 5], interval: Interval::up_to(0.0) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn one() -> Self {
        Self::splat(&ONE)
    }

    /// From x 2^256 mod p (arkworks' form), below 1.15 p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn from_ark(w: &Words) -> Self {
        Self::from_words(w).mul(&Self::splat(&FROM_ARK)).carry::<0>()
    }

    /// To x 2^256 mod p, the canonical representative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn to_ark(self) -> Words {
        let x = self.mul(&Self::splat(&TO_ARK)).carry::<0>().less_p();
        x.to_words()
    }

    /// To (x / 2) 2^256 mod p, the canonical representative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn half_to_ark(self) -> Words {
        let x = self.mul(&Self::splat(&HALF_TO_ARK)).carry::<0>().less_p();
        x.to_words()
    }

    /// Regroups the 64-bit words of numbers below p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn from_words(w: &Words) -> Self {
        let mask = broadcast(MASK);
        let limbs = [
            _mm512_and_si512(w[0], mask),
            _mm512_and_si512(
                _mm512_or_si512(_mm512_srli_epi64::<52>(w[0]), _mm512_slli_epi64::<12>(w[1])),
                mask,
            ),
            _mm512_and_si512(
                _mm512_or_si512(_mm512_srli_epi64::<40>(w[1]), _mm512_slli_epi64::<24>(w[2])),
                mask,
            ),
            _mm512_and_si512(
                _mm512_or_si512(_mm512_srli_epi64::<28>(w[2]), _mm512_slli_epi64::<36>(w[3])),
                mask,
            ),
            _mm512_srli_epi64::<16>(w[3]),
        ];
        Self { limbs, interval: Interval::up_to(1.0) }
    }

    /// The inverse of [`Self::from_words`], for numbers below p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn to_words(self) -> Words {
        self.interval.assert_below(1.001);
        let l = &self.limbs;
        [
            _mm512_or_si512(l[0], _mm512_slli_epi64::<52>(l[1])),
            _mm512_or_si512(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
            _mm512_or_si512(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
            _mm512_or_si512(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
        ]
    }

    /// The product, reduced but not carried.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(&self, other: &Self) -> Raw {
        self.mul_wide(other).reduce()
    }

    /// The square, reduced but not carried.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn square(&self) -> Raw {
        self.square_wide().reduce()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul_wide(&self, other: &Self) -> Wide {
        let zero = Wide { columns: [_mm512_setzero_si512(); 10], interval: Interval::up_to(0.0) };
        zero.plus_product(self, other)
    }

    /// Each product of different limbs once, doubled, and the five squares: 30 multiply-adds.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn square_wide(&self) -> Wide {
        let a = &self.limbs;
        let mut t = [_mm512_setzero_si512(); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], a[j]);
                t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], a[j]);
            }
        }
        for column in &mut t {
            *column = _mm512_add_epi64(*column, *column);
        }
        for i in 0..5 {
            t[2 * i] = _mm512_madd52lo_epu64(t[2 * i], a[i], a[i]);
            t[2 * i + 1] = _mm512_madd52hi_epu64(t[2 * i + 1], a[i], a[i]);
        }
        Wide { columns: t, interval: self.interval.product(self.interval) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn raw(&self) -> Raw {
        Raw { limbs: self.limbs, interval: self.interval }
    }

    /// Lane by lane: `other` where the mask is set.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn select(&self, mask: __mmask8, other: &Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(&other.limbs) {
            *limb = _mm512_mask_mov_epi64(*limb, mask, *other);
        }
        Self { limbs, interval: self.interval.or(other.interval) }
    }

    /// Subtracts p in the lanes where that leaves nothing negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn less_p(&self) -> Self {
        let mut limbs = self.limbs;
        for (limb, p) in limbs.iter_mut().zip(&P) {
            *limb = _mm512_sub_epi64(*limb, broadcast(*p));
        }
        carry_pass(&mut limbs);
        let negative = _mm512_cmplt_epi64_mask(limbs[4], _mm512_setzero_si512());
        for (limb, original) in limbs.iter_mut().zip(&self.limbs) {
            *limb = _mm512_mask_mov_epi64(*limb, negative, *original);
        }
        Self { limbs, interval: self.interval.less_p() }
    }

    /// The lanes that are 0 mod p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn is_zero(&self) -> __mmask8 {
        // A multiplication by one brings any representative below 1.001 p + 1.127 p, two
        // subtractions below p.
        self.mul(&Self::one()).carry::<0>().less_p().less_p().is_canonical_zero()
    }

    /// The lanes that are 0, of values below p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn is_canonical_zero(&self) -> __mmask8 {
        self.interval.assert_below(1.001);
        let mut mask = !0;
        for limb in &self.limbs {
            mask &= _mm512_cmpeq_epi64_mask(*limb, _mm512_setzero_si512());
        }
        mask
    }

    /// x^(p - 2), the inverse; 0 for 0. The exponent is public and the sequence of operations
    /// fixed.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn invert(&self) -> Self {
        let mut exponent = crate::curve::FQ_MODULUS.0;
        exponent[0] -= 2;
        let [inverse] = Self::power([*self], &exponent);
        inverse
    }

    /// x^e for a public exponent, in windows of four bits from the top; several vectors in step, so
    /// that one fills the other's latencies.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn power<const G: usize>(bases: [Self; G], exponent: &[u64; 4]) -> [Self; G] {
        let mut powers = [[Self::one(); 16]; G];
        for (powers, base) in powers.iter_mut().zip(&bases) {
            for i in 1..16 {
                powers[i] = powers[i - 1].mul(base).carry::<0>();
            }
        }
        let mut results = [Self::one(); G];
        for i in (0..64).rev() {
            for _ in 0..4 {
                for result in &mut results {
                    *result = result.square().carry::<0>();
                }
            }
            let digit = (exponent[i / 16] >> (4 * (i % 16))) as usize % 16;
            for (result, powers) in results.iter_mut().zip(&powers) {
                *result = result.mul(&powers[digit]).carry::<0>();
            }
        }
        results
    }
}

impl Raw {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(&self, other: &Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(&other.limbs) {
            *limb = _mm512_add_epi64(*limb, *other);
        }
        Self { limbs, interval: self.interval.plus(other.interval) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(&other.limbs) {
            *limb = _mm512_sub_epi64(*limb, *other);
        }
        Self { limbs, interval: self.interval.minus(other.interval) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn double(&self) -> Self {
        let mut limbs = self.limbs;
        for limb in &mut limbs {
            *limb = _mm512_add_epi64(*limb, *limb);
        }
        Self { limbs, interval: self.interval.times(2) }
    }

    /// The negative in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn negate(&self, mask: __mmask8) -> Self {
        let mut limbs = self.limbs;
        for limb in &mut limbs {
            *limb = _mm512_mask_sub_epi64(*limb, mask, _mm512_setzero_si512(), *limb);
        }
        let zero = Interval::up_to(0.0);
        Self { limbs, interval: self.interval.or(zero.minus(self.interval)) }
    }

    /// Adds K p and propagates carries: the value plus K p must be in [0, 2^260).
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn carry<const K: usize>(&self) -> Fq8 {
        let mut limbs = self.limbs;
        if K != 0 {
            for (limb, p) in limbs.iter_mut().zip(&MULTIPLES_OF_P[K]) {
                *limb = _mm512_add_epi64(*limb, broadcast(*p));
            }
        }
        carry_pass(&mut limbs);
        Fq8 { limbs, interval: self.interval.plus(Interval::multiple_of_p(K)).carried() }
    }

    /// Carries any value in (-6.6 p, 3.9 p) to a representative in [0, 1.67 p).
    ///
    /// The top limb says between which two multiples of 2^253 = 0.66 p the value lies; the multiple
    /// of p just below the lower one is looked up, in a table that is itself two registers per
    /// limb, and subtracted before the carry pass.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn fold(&self) -> Fq8 {
        let index = _mm512_srai_epi64::<45>(self.limbs[4]);
        let mut limbs = self.limbs;
        for (limb, [low, high]) in limbs.iter_mut().zip(&FOLD) {
            let multiple = _mm512_permutex2var_epi64(load_vector(low), index, load_vector(high));
            *limb = _mm512_sub_epi64(*limb, multiple);
        }
        carry_pass(&mut limbs);
        Fq8 { limbs, interval: self.interval.folded() }
    }
}

impl Wide {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus_product(&self, a: &Fq8, b: &Fq8) -> Self {
        let mut t = self.columns;
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = _mm512_madd52lo_epu64(t[i + j], a.limbs[i], b.limbs[j]);
                t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a.limbs[i], b.limbs[j]);
            }
        }
        Self { columns: t, interval: self.interval.plus(a.interval.product(b.interval)) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut columns = self.columns;
        for (column, other) in columns.iter_mut().zip(&other.columns) {
            *column = _mm512_sub_epi64(*column, *other);
        }
        Self { columns, interval: self.interval.minus(other.interval) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn double(&self) -> Self {
        let mut columns = self.columns;
        for column in &mut columns {
            *column = _mm512_add_epi64(*column, *column);
        }
        Self { columns, interval: self.interval.times(2) }
    }

    /// Montgomery reduction, as the module's documentation states it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(&self) -> Raw {
        let mut t = self.columns;
        for i in 0..4 {
            let q = t[i];
            t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srai_epi64::<52>(q));
            for j in 0..5 {
                let m = broadcast(M_PRIME[j]);
                t[i + 1 + j] = _mm512_madd52lo_epu64(t[i + 1 + j], q, m);
                t[i + 2 + j] = _mm512_madd52hi_epu64(t[i + 2 + j], q, m);
            }
        }
        let q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), t[4], broadcast(M));
        for j in 0..5 {
            let p = broadcast(P[j]);
            t[4 + j] = _mm512_madd52lo_epu64(t[4 + j], q, p);
            t[5 + j] = _mm512_madd52hi_epu64(t[5 + j], q, p);
        }
        t[5] = _mm512_add_epi64(t[5], _mm512_srai_epi64::<52>(t[4]));
        Raw { limbs: [t[5], t[6], t[7], t[8], t[9]], interval: self.interval.reduced() }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn carry_pass(limbs: &mut [__m512i; 5]) {
    let mask = broadcast(MASK);
    for i in 0..4 {
        limbs[i + 1] = _mm512_add_epi64(limbs[i + 1], _mm512_srai_epi64::<52>(limbs[i]));
        limbs[i] = _mm512_and_si512(limbs[i], mask);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

#[cfg(test)]
mod tests {
    use ark_ff::{AdditiveGroup, Field};

    use super::super::Ifma;
    use super::super::words::store_vector;
    use super::*;
    use crate::curve::Fq;

    /// R = 2^260.
    fn r() -> Fq {
        Fq::from(2u64).pow([260])
    }

    fn number(limbs: &[i64; 5]) -> Fq {
        limbs.iter().rev().fold(Fq::ZERO, |sum, limb| sum * Fq::from(1u64 << 52) + Fq::from(*limb))
    }

    /// The first lane, whose limbs must be normalised.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn value(x: &Fq8) -> Fq {
        let mut limbs = [0; 5];
        for (limb, vector) in limbs.iter_mut().zip(&x.limbs) {
            let word = store_vector(*vector)[0];
            assert!(word <= MASK, "a limb of {word:#x}");
            *limb = word.cast_signed();
        }
        number(&limbs)
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn vector(limbs: &[i64; 5]) -> [__m512i; 5] {
        let mut vectors = [_mm512_setzero_si512(); 5];
        for (vector, limb) in vectors.iter_mut().zip(limbs) {
            *vector = broadcast(limb.cast_unsigned());
        }
        vectors
    }

    /// Patterns of limbs at their bounds: zero, one, full, alternating, multiples of p and their
    /// neighbours; with a bound in p.
    fn extremes() -> Vec<([i64; 5], f64)> {
        const FULL: i64 = MASK as i64;
        let mut all = vec![
            ([0; 5], 0.0),
            ([1, 0, 0, 0, 0], 0.01),
            ([FULL, FULL, FULL, FULL, FULL], 84.642_401),
            ([FULL, 0, FULL, 0, FULL], 84.642_401),
            ([0, FULL, 0, FULL, 0], 0.02),
            ([0, 0, 0, 0, FULL], 84.642_401),
            ([FULL, FULL, FULL, FULL, FULL >> 1], 42.33),
            ([FULL, FULL, FULL, FULL, 0], 0.02),
        ];
        for (k, multiple) in MULTIPLES_OF_P.iter().enumerate() {
            let limbs = multiple.map(u64::cast_signed);
            let [low, rest @ ..] = limbs;
            for offset in [-1, 0, 1] {
                if low + offset >= 0 {
                    let [b, c, d, e] = rest;
                    all.push(([low + offset, b, c, d, e], k as f64 + 0.01));
                }
            }
        }
        all
    }

    #[test]
    fn products_at_the_extremes_of_the_limbs() {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn check(a: &([i64; 5], f64), b: &([i64; 5], f64)) {
            let (bound_a, bound_b) = (a.1, b.1);
            let x = Fq8 { limbs: vector(&a.0), interval: Interval::up_to(bound_a) };
            let y = Fq8 { limbs: vector(&b.0), interval: Interval::up_to(bound_b) };
            let (a, b) = (number(&a.0), number(&b.0));
            // What a carry pass can hold; the sums of products below are smaller.
            if bound_a * bound_b / 84.64 + 1.13 < 84.6 {
                assert_eq!(value(&x.mul(&y).carry::<0>()) * r(), a * b);
            }
            if bound_a.powi(2) / 84.64 < 20.0 {
                assert_eq!(value(&x.square().carry::<0>()) * r(), a.square());
            }
            if bound_a < 31.0 {
                assert_eq!(
                    value(&x.square().double().double().sub(&x.raw()).carry::<31>()) * r(),
                    a.square().double().double() - a * r()
                );
            }
            if bound_a.max(bound_b) < 20.0 {
                let columns = x
                    .mul_wide(&y)
                    .sub(&x.square_wide())
                    .double()
                    .sub(&y.square_wide())
                    .plus_product(&x, &y);
                assert_eq!(
                    value(&columns.reduce().carry::<31>()) * r(),
                    (a * b - a.square()).double() - b.square() + a * b
                );
            }
            assert_eq!(x.is_zero() != 0, a == Fq::ZERO);
            assert_eq!(value(&x.select(0b1010_1011, &y)), b);
        }
        if Ifma::detect().is_none() {
            return;
        }
        let extremes = extremes();
        for a in &extremes {
            for b in &extremes {
                // SAFETY: detected above.
                unsafe { check(a, b) };
            }
        }
    }

    #[test]
    fn folding_keeps_the_residue_and_leaves_less_than_five_thirds_of_p() {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn check(limbs: &[i64; 5], low: f64, high: f64) {
            let interval = Interval::up_to(high).minus(Interval::up_to(-low));
            let folded = Raw { limbs: vector(limbs), interval }.fold();
            let subtracted = folded.less_p();
            assert_eq!(value(&folded), number(limbs));
            assert_eq!(value(&subtracted), number(limbs));
            // Below p now: the words are those of the canonical representative.
            let words = subtracted.to_words();
            let canonical = ark_ff::PrimeField::into_bigint(number(limbs)).0;
            for (word, expected) in words.iter().zip(canonical) {
                assert_eq!(store_vector(*word)[0], expected);
            }
        }
        if Ifma::detect().is_none() {
            return;
        }
        for k in -6i64..=3 {
            for (small, _) in extremes().iter().filter(|(_, bound)| *bound < 1.0) {
                // k p + small and k p - small, with limbs that overlap: 2^56 is moved from one limb
                // to the next lower.
                for (sign, overlap) in [(1, 0), (1, 1 << 4), (1, -(1 << 4)), (-1, 0), (-1, 1 << 10)]
                {
                    if k == -6 && sign < 0 || k == 3 && sign > 0 {
                        continue;
                    }
                    let multiple = MULTIPLES_OF_P[k.unsigned_abs() as usize];
                    let mut limbs = [0; 5];
                    for i in 0..5 {
                        limbs[i] = k.signum() * multiple[i].cast_signed() + sign * small[i];
                    }
                    limbs[3] += overlap << 52;
                    limbs[4] -= overlap;
                    // SAFETY: detected above.
                    unsafe { check(&limbs, -6.5, 3.8) };
                }
            }
        }
    }

    #[test]
    fn one_and_the_conversions_are_powers_of_two() {
        let two = Fq::from(2u64);
        for (limbs, exponent) in [(ONE, 260), (FROM_ARK, 264), (TO_ARK, 256), (HALF_TO_ARK, 255)] {
            assert_eq!(number(&limbs.map(u64::cast_signed)), two.pow([exponent]));
        }
        let m_prime = number(&M_PRIME.map(u64::cast_signed));
        assert_eq!(m_prime * two.pow([52]), Fq::ONE, "2^52 M' = p m + 1");
    }
}
