//! A vector of elements of the base field at a time: x is held as x R mod p with R = 2^260, in five
//! limbs of 52 bits, redundantly (any representative below 2^260 = 84.6 p).
//!
//! Three types keep apart what the instructions can read and what the accumulators can hold:
//!
//! | type | limbs | made by | read by |
//! |---|---|---|---|
//! | [`FqLanes`] | five, in [0, 2^52) | a carry pass | multiplication, addition |
//! | [`Raw`] | five, signed, \|.\| < 2^63 | reduction, addition, subtraction, small multiples | a carry pass |
//! | [`Wide`] | ten columns, signed | multiplication, and sums and differences of products | reduction |
//!
//! `vpmadd52luq` and `vpmadd52huq` (`isa::madd_low` and `isa::madd_high`) add the low and the high
//! half of a product of two 52-bit limbs to a 64-bit accumulator, so a product needs no carries
//! until its columns are complete; sums, differences, small multiples and multiples of p that
//! follow are applied to raw values, before the one carry pass.
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

use bn254_batch_macros::kernel;

use super::isa::{self, Mask, Vector};
use crate::vector::constants::{
    FOLD, FROM_ARK, HALF_TO_ARK, Limbs, M, M_PRIME, MASK, MULTIPLES_OF_P, ONE, P, TO_ARK,
};
use crate::vector::interval::Interval;

/// Four vectors of 64-bit words: a number below 2^256 in each lane.
pub(super) type Words = [Vector; 4];

/// Field elements with normalised limbs.
#[derive(Clone, Copy, Debug)]
pub(super) struct FqLanes {
    limbs: [Vector; 5],
    interval: Interval,
}

/// Field elements with signed limbs that overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw {
    limbs: [Vector; 5],
    interval: Interval,
}

/// Products before reduction: column i counts 2^(52 i).
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    columns: [Vector; 10],
    interval: Interval,
}

impl FqLanes {
    /// The same number below p in all lanes; given in this back end's Montgomery form.
    #[inline]
    #[kernel]
    pub(super) fn splat(limbs: &Limbs) -> Self {
        let mut vectors = [isa::zero(); 5];
        for (vector, limb) in vectors.iter_mut().zip(limbs) {
            *vector = isa::splat(*limb);
        }
        Self { limbs: vectors, interval: Interval::up_to(1.0) }
    }

    #[inline]
    #[kernel]
    pub(super) fn zero() -> Self {
        Self { limbs: [isa::zero(); 5], interval: Interval::up_to(0.0) }
    }

    #[inline]
    #[kernel]
    pub(super) fn one() -> Self {
        Self::splat(&ONE)
    }

    /// From x 2^256 mod p (arkworks' form), below 1.15 p.
    #[inline]
    #[kernel]
    pub(super) fn from_ark(w: &Words) -> Self {
        Self::from_words(w).mul(&Self::splat(&FROM_ARK)).carry::<0>()
    }

    /// To x 2^256 mod p, the canonical representative.
    #[inline]
    #[kernel]
    pub(super) fn to_ark(self) -> Words {
        let x = self.mul(&Self::splat(&TO_ARK)).carry::<0>().less_p();
        x.to_words()
    }

    /// To (x / 2) 2^256 mod p, the canonical representative.
    #[inline]
    #[kernel]
    pub(super) fn half_to_ark(self) -> Words {
        let x = self.mul(&Self::splat(&HALF_TO_ARK)).carry::<0>().less_p();
        x.to_words()
    }

    /// Regroups the 64-bit words of numbers below p.
    #[inline]
    #[kernel]
    pub(super) fn from_words(w: &Words) -> Self {
        let mask = isa::splat(MASK);
        let limbs = [
            isa::and(w[0], mask),
            isa::and(isa::or(isa::shift_right::<52>(w[0]), isa::shift_left::<12>(w[1])), mask),
            isa::and(isa::or(isa::shift_right::<40>(w[1]), isa::shift_left::<24>(w[2])), mask),
            isa::and(isa::or(isa::shift_right::<28>(w[2]), isa::shift_left::<36>(w[3])), mask),
            isa::shift_right::<16>(w[3]),
        ];
        Self { limbs, interval: Interval::up_to(1.0) }
    }

    /// The inverse of [`Self::from_words`], for numbers below p.
    #[inline]
    #[kernel]
    pub(super) fn to_words(self) -> Words {
        self.interval.assert_below(1.001);
        let l = &self.limbs;
        [
            isa::or(l[0], isa::shift_left::<52>(l[1])),
            isa::or(isa::shift_right::<12>(l[1]), isa::shift_left::<40>(l[2])),
            isa::or(isa::shift_right::<24>(l[2]), isa::shift_left::<28>(l[3])),
            isa::or(isa::shift_right::<36>(l[3]), isa::shift_left::<16>(l[4])),
        ]
    }

    /// The product, reduced but not carried.
    #[inline]
    #[kernel]
    pub(super) fn mul(&self, other: &Self) -> Raw {
        self.mul_wide(other).reduce()
    }

    /// The square, reduced but not carried.
    #[inline]
    #[kernel]
    pub(super) fn square(&self) -> Raw {
        self.square_wide().reduce()
    }

    #[inline]
    #[kernel]
    pub(super) fn mul_wide(&self, other: &Self) -> Wide {
        let zero = Wide { columns: [isa::zero(); 10], interval: Interval::up_to(0.0) };
        zero.plus_product(self, other)
    }

    /// Each product of different limbs once, doubled, and the five squares: 30 multiply-adds.
    #[inline]
    #[kernel]
    pub(super) fn square_wide(&self) -> Wide {
        let a = &self.limbs;
        let mut t = [isa::zero(); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                t[i + j] = isa::madd_low(t[i + j], a[i], a[j]);
                t[i + j + 1] = isa::madd_high(t[i + j + 1], a[i], a[j]);
            }
        }
        for column in &mut t {
            *column = isa::add(*column, *column);
        }
        for i in 0..5 {
            t[2 * i] = isa::madd_low(t[2 * i], a[i], a[i]);
            t[2 * i + 1] = isa::madd_high(t[2 * i + 1], a[i], a[i]);
        }
        Wide { columns: t, interval: self.interval.product(self.interval) }
    }

    #[inline]
    #[kernel]
    pub(super) fn raw(&self) -> Raw {
        Raw { limbs: self.limbs, interval: self.interval }
    }

    /// Lane by lane: `other` where the mask is set.
    #[inline]
    #[kernel]
    pub(super) fn select(&self, mask: Mask, other: &Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(&other.limbs) {
            *limb = isa::select(*limb, mask, *other);
        }
        Self { limbs, interval: self.interval.or(other.interval) }
    }

    /// Subtracts p in the lanes where that leaves nothing negative.
    #[inline]
    #[kernel]
    pub(super) fn less_p(&self) -> Self {
        let mut limbs = self.limbs;
        for (limb, p) in limbs.iter_mut().zip(&P) {
            *limb = isa::sub(*limb, isa::splat(*p));
        }
        carry_pass(&mut limbs);
        let negative = isa::less(limbs[4], isa::zero());
        for (limb, original) in limbs.iter_mut().zip(&self.limbs) {
            *limb = isa::select(*limb, negative, *original);
        }
        Self { limbs, interval: self.interval.less_p() }
    }

    /// The lanes that are 0 mod p.
    #[inline]
    #[kernel]
    pub(super) fn is_zero(&self) -> Mask {
        // A multiplication by one brings any representative below 1.001 p + 1.127 p, two
        // subtractions below p.
        self.mul(&Self::one()).carry::<0>().less_p().less_p().is_canonical_zero()
    }

    /// The lanes that are 0, of values below p.
    #[inline]
    #[kernel]
    pub(super) fn is_canonical_zero(&self) -> Mask {
        self.interval.assert_below(1.001);
        let mut mask = isa::all();
        for limb in &self.limbs {
            mask = isa::both(mask, isa::equal(*limb, isa::zero()));
        }
        mask
    }

    /// x^(p - 2), the inverse; 0 for 0. The exponent is public and the sequence of operations
    /// fixed.
    #[kernel]
    pub(super) fn invert(&self) -> Self {
        let mut exponent = crate::curve::FQ_MODULUS.0;
        exponent[0] -= 2;
        let [inverse] = Self::power([*self], &exponent);
        inverse
    }

    /// x^e for a public exponent, in windows of four bits from the top; several vectors in step, so
    /// that one fills the other's latencies.
    #[kernel]
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
    #[kernel]
    pub(super) fn add(&self, other: &Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(&other.limbs) {
            *limb = isa::add(*limb, *other);
        }
        Self { limbs, interval: self.interval.plus(other.interval) }
    }

    #[inline]
    #[kernel]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(&other.limbs) {
            *limb = isa::sub(*limb, *other);
        }
        Self { limbs, interval: self.interval.minus(other.interval) }
    }

    #[inline]
    #[kernel]
    pub(super) fn double(&self) -> Self {
        let mut limbs = self.limbs;
        for limb in &mut limbs {
            *limb = isa::add(*limb, *limb);
        }
        Self { limbs, interval: self.interval.times(2) }
    }

    /// The negative in the lanes of the mask.
    #[inline]
    #[kernel]
    pub(super) fn negate(&self, mask: Mask) -> Self {
        let mut limbs = self.limbs;
        for limb in &mut limbs {
            *limb = isa::negate(*limb, mask);
        }
        let zero = Interval::up_to(0.0);
        Self { limbs, interval: self.interval.or(zero.minus(self.interval)) }
    }

    /// Adds K p and propagates carries: the value plus K p must be in [0, 2^260).
    #[inline]
    #[kernel]
    pub(super) fn carry<const K: usize>(&self) -> FqLanes {
        let mut limbs = self.limbs;
        if K != 0 {
            for (limb, p) in limbs.iter_mut().zip(&MULTIPLES_OF_P[K]) {
                *limb = isa::add(*limb, isa::splat(*p));
            }
        }
        carry_pass(&mut limbs);
        FqLanes { limbs, interval: self.interval.plus(Interval::multiple_of_p(K)).carried() }
    }

    /// Carries any value in (-6.6 p, 3.9 p) to a representative in [0, 1.67 p).
    ///
    /// The top limb says between which two multiples of 2^253 = 0.66 p the value lies; the multiple
    /// of p just below the lower one is looked up, in a table that is itself two registers per
    /// limb, and subtracted before the carry pass.
    #[inline]
    #[kernel]
    pub(super) fn fold(&self) -> FqLanes {
        let index = isa::shift_right_signed::<45>(self.limbs[4]);
        let mut limbs = self.limbs;
        for (limb, [low, high]) in limbs.iter_mut().zip(&FOLD) {
            let multiple = isa::look_up(low, high, index);
            *limb = isa::sub(*limb, multiple);
        }
        carry_pass(&mut limbs);
        FqLanes { limbs, interval: self.interval.folded() }
    }
}

impl Wide {
    #[inline]
    #[kernel]
    pub(super) fn plus_product(&self, a: &FqLanes, b: &FqLanes) -> Self {
        let mut t = self.columns;
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = isa::madd_low(t[i + j], a.limbs[i], b.limbs[j]);
                t[i + j + 1] = isa::madd_high(t[i + j + 1], a.limbs[i], b.limbs[j]);
            }
        }
        Self { columns: t, interval: self.interval.plus(a.interval.product(b.interval)) }
    }

    #[inline]
    #[kernel]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut columns = self.columns;
        for (column, other) in columns.iter_mut().zip(&other.columns) {
            *column = isa::sub(*column, *other);
        }
        Self { columns, interval: self.interval.minus(other.interval) }
    }

    #[inline]
    #[kernel]
    pub(super) fn double(&self) -> Self {
        let mut columns = self.columns;
        for column in &mut columns {
            *column = isa::add(*column, *column);
        }
        Self { columns, interval: self.interval.times(2) }
    }

    /// Montgomery reduction, as the module's documentation states it.
    #[inline]
    #[kernel]
    pub(super) fn reduce(&self) -> Raw {
        let mut t = self.columns;
        for i in 0..4 {
            let q = t[i];
            t[i + 1] = isa::add(t[i + 1], isa::shift_right_signed::<52>(q));
            for j in 0..5 {
                let m = isa::splat(M_PRIME[j]);
                t[i + 1 + j] = isa::madd_low(t[i + 1 + j], q, m);
                t[i + 2 + j] = isa::madd_high(t[i + 2 + j], q, m);
            }
        }
        let q = isa::madd_low(isa::zero(), t[4], isa::splat(M));
        for j in 0..5 {
            let p = isa::splat(P[j]);
            t[4 + j] = isa::madd_low(t[4 + j], q, p);
            t[5 + j] = isa::madd_high(t[5 + j], q, p);
        }
        t[5] = isa::add(t[5], isa::shift_right_signed::<52>(t[4]));
        Raw { limbs: [t[5], t[6], t[7], t[8], t[9]], interval: self.interval.reduced() }
    }
}

#[inline]
#[kernel]
fn carry_pass(limbs: &mut [Vector; 5]) {
    let mask = isa::splat(MASK);
    for i in 0..4 {
        limbs[i + 1] = isa::add(limbs[i + 1], isa::shift_right_signed::<52>(limbs[i]));
        limbs[i] = isa::and(limbs[i], mask);
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::{AdditiveGroup, Field};

    use super::super::engine::Engine;
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
    #[kernel]
    fn value(x: &FqLanes) -> Fq {
        let mut limbs = [0; 5];
        for (limb, vector) in limbs.iter_mut().zip(&x.limbs) {
            let word = isa::store(*vector)[0];
            assert!(word <= MASK, "a limb of {word:#x}");
            *limb = word.cast_signed();
        }
        number(&limbs)
    }

    #[kernel]
    fn vector(limbs: &[i64; 5]) -> [Vector; 5] {
        let mut vectors = [isa::zero(); 5];
        for (vector, limb) in vectors.iter_mut().zip(limbs) {
            *vector = isa::splat(limb.cast_unsigned());
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
        #[kernel]
        fn check(a: &([i64; 5], f64), b: &([i64; 5], f64)) {
            let (bound_a, bound_b) = (a.1, b.1);
            let x = FqLanes { limbs: vector(&a.0), interval: Interval::up_to(bound_a) };
            let y = FqLanes { limbs: vector(&b.0), interval: Interval::up_to(bound_b) };
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
            assert_eq!(isa::bits(x.is_zero()) != 0, a == Fq::ZERO);
            assert_eq!(value(&x.select(isa::all(), &y)), b);
            assert_eq!(value(&x.select(isa::none(), &y)), a);
        }
        if Engine::detect().is_none() {
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
        #[kernel]
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
                assert_eq!(isa::store(*word)[0], expected);
            }
        }
        if Engine::detect().is_none() {
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
