//! Eight elements of the base field at a time: x is held as x R mod p with R = 2^260, in five limbs of 52 bits, redundantly (any
//! representative below 2^260 = 84.6 p).
//!
//! Three types keep apart what the instructions can read and what the accumulators can hold:
//!
//! | type | limbs | made by | read by |
//! |---|---|---|---|
//! | [`Fq8`] | five, in [0, 2^52) | a carry pass | multiplication, addition |
//! | [`Raw`] | five, signed, \|.\| < 2^63 | reduction, addition, subtraction, small multiples | a carry pass |
//! | [`Wide`] | ten columns, signed | multiplication, and sums and differences of products | reduction |
//!
//! `vpmadd52luq` and `vpmadd52huq` add the low and the high half of a product of two 52-bit limbs to a 64-bit accumulator, so a
//! product needs no carries until its columns are complete; sums, differences, small multiples and multiples of p that follow are
//! applied to raw values, before the one carry pass.
//!
//! # Reduction
//!
//! Let m = -p^-1 mod 2^52 and p m + 1 = 2^52 M'. Montgomery's step for column i adds q p 2^(52 i) with q = t_i m mod 2^52, which waits
//! for two dependent multiplications. Adding instead t_i m p 2^(52 i) (with the low 52 bits of t_i, and m not reduced) clears the same
//! column, and as m p = 2^52 M' - 1 it amounts to dropping t_i and adding t_i M' to the columns from i + 1 on: the multiplier is the
//! column itself. This is done for i = 0 .. 3, and adds less than 2^(4 * 52) 2^52 M' = R M' in all. The last column must take the standard
//! step: it would otherwise add up to 2^52 M' to the result, instead of p. So
//!
//! > reduce(T) = T / R + e,  0 <= e < p + M' (1 + 2^-51) < 1.127 p,
//!
//! for columns of either sign, as shifts are arithmetic and the low 52 bits of a negative column are those of its residue. A product
//! costs 50 multiply-adds (30 for a square) and its reduction 51.
//!
//! Source for the instruction-level form: S. Gueron, V. Krasnov, "Software implementation of modular exponentiation, using advanced
//! vector instructions architectures" (WAIFI 2012), and the AVX-512 IFMA form of it by N. Drucker and S. Gueron (2018). The M' variant
//! of the step is known as Montgomery-friendly reduction by a multiple of the modulus.

use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_cmplt_epi64_mask, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mask_mov_epi64, _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_sub_epi64,
};

use super::constants::{FOLD, FROM_ARK, HALF_TO_ARK, Limbs, M, M_PRIME, MASK, MULTIPLES_OF_P, ONE, P, TO_ARK};
use super::interval::Interval;
use super::transfer::load_vector;

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

    /// From x 2^256 mod p (arkworks' form): a shift by four bits makes it x 2^260, below 16 p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn from_ark_shifted(w: &Words) -> Self {
        let mask = broadcast(MASK);
        let limbs = [
            _mm512_and_si512(_mm512_slli_epi64::<4>(w[0]), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<48>(w[0]), _mm512_slli_epi64::<16>(w[1])), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<36>(w[1]), _mm512_slli_epi64::<28>(w[2])), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<24>(w[2]), _mm512_slli_epi64::<40>(w[3])), mask),
            _mm512_srli_epi64::<12>(w[3]),
        ];
        Self { limbs, interval: Interval::up_to(16.0) }
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
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<52>(w[0]), _mm512_slli_epi64::<12>(w[1])), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<40>(w[1]), _mm512_slli_epi64::<24>(w[2])), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<28>(w[2]), _mm512_slli_epi64::<36>(w[3])), mask),
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
        // A multiplication by one brings any representative below 1.001 p + 1.127 p, two subtractions below p.
        let x = self.mul(&Self::one()).carry::<0>().less_p().less_p();
        x.interval.assert_below(1.001);
        let mut mask = !0;
        for limb in &x.limbs {
            mask &= _mm512_cmpeq_epi64_mask(*limb, _mm512_setzero_si512());
        }
        mask
    }

    /// x^(p - 2), the inverse; 0 for 0. The exponent is public and the sequence of operations fixed.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn invert(&self) -> Self {
        let mut exponent = crate::curve::FQ_MODULUS.0;
        exponent[0] -= 2;
        self.power(&exponent)
    }

    /// x^((p + 1) / 4): a square root, of squares (p = 3 mod 4).
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn root_candidate(&self) -> Self {
        // (p + 1) / 4 = floor(p / 4) + 1 for p = 3 mod 4.
        let p = crate::curve::FQ_MODULUS.0;
        let exponent = [(p[0] >> 2 | p[1] << 62) + 1, p[1] >> 2 | p[2] << 62, p[2] >> 2 | p[3] << 62, p[3] >> 2];
        self.power(&exponent)
    }

    /// x^e for a public exponent, in windows of four bits from the top.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn power(&self, exponent: &[u64; 4]) -> Self {
        let mut powers = [Self::one(); 16];
        for i in 1..16 {
            powers[i] = powers[i - 1].mul(self).carry::<0>();
        }
        let mut result = Self::one();
        for i in (0..64).rev() {
            for _ in 0..4 {
                result = result.square().carry::<0>();
            }
            let digit = (exponent[i / 16] >> (4 * (i % 16))) as usize % 16;
            result = result.mul(&powers[digit]).carry::<0>();
        }
        result
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

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn triple(&self) -> Self {
        self.double().add(self)
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
    /// The top limb says between which two multiples of 2^253 = 0.66 p the value lies; the multiple of p just below the lower one
    /// is looked up, in a table that is itself two registers per limb, and subtracted before the carry pass.
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
