//! Fq as four words, and the arithmetic on them that compiles for every machine.
//!
//! An element a is held as a 2^256 mod q, as arkworks holds it, but **anywhere below 2 q**: every
//! element has two forms. With that, a Montgomery product needs no reduction at its end: it is
//! below a b / 2^256 + q, and
//!
//! > 2 q 2 q / 2^256 + q = (4 q / 2^256 + 1) q < 1.76 q.
//!
//! Sums and differences are brought back below 2 q under a mask. Nothing here branches on a value
//! or takes one for an address: what runs is the same for all elements.

use std::fmt::Debug;
use std::hint::black_box;
use std::marker::PhantomData;
use std::ops::{Add, Mul, Neg, Sub};

use ark_ff::{AdditiveGroup, Field};

use crate::curve::{FQ_MODULUS, Fq};

/// 64-bit words, the lowest first.
pub(crate) type Words = [u64; 4];

pub(super) const Q: Words = FQ_MODULUS.0;
/// 2 q.
pub(super) const Q_TWICE: Words =
    [Q[0] << 1, Q[1] << 1 | Q[0] >> 63, Q[2] << 1 | Q[1] >> 63, Q[3] << 1 | Q[2] >> 63];
/// -1/q mod 2^64: each step of Newton's iteration doubles the bits that are right.
pub(super) const MINUS_ONE_OVER_Q: u64 = {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(Q[0].wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
};

// What the bounds below take for granted: 5 q < 2^256, that is q < 0.2 2^256.
const _: () = assert!(Q[3] < u64::MAX / 5, "five times q fits in four words");

/// Arithmetic modulo q on words: all that differs from back end to back end. Operands are below 2
/// q, and so are results.
pub(crate) trait Arithmetic: Copy + Debug + Send + Sync + 'static {
    /// a + b.
    fn sum(a: &Words, b: &Words) -> Words;

    /// a - b.
    fn difference(a: &Words, b: &Words) -> Words;

    /// a b / 2^256.
    fn product(a: &Words, b: &Words) -> Words;

    /// (a0 + a1 u) (b0 + b1 u) / 2^256 with u^2 = -1.
    fn product_in_fq2(a: &[Words; 2], b: &[Words; 2]) -> [Words; 2];
}

/// In safe Rust: the product of two words is two registers on every 64-bit machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Arithmetic for Plain {
    #[inline(always)]
    fn sum(a: &Words, b: &Words) -> Words {
        below_2_q(&sum(a, b))
    }

    #[inline(always)]
    fn difference(a: &Words, b: &Words) -> Words {
        let (words, below) = difference(a, b);
        sum(&words, &masked(&Q_TWICE, mask(below)))
    }

    /// Word by word of a: t <- (t + a_i b + m_i q) / 2^64, where m_i makes the lowest word zero. t
    /// is below b + q < 2^256 after each, so that t + a_i b and + m_i q fit in five words.
    #[inline(always)]
    fn product(a: &Words, b: &Words) -> Words {
        let mut t = [0; 5];
        for word in a {
            let mut carry = 0;
            for (t, b) in t.iter_mut().zip(b) {
                (*t, carry) = word.carrying_mul_add(*b, *t, carry);
            }
            t[4] = t[4].wrapping_add(carry);
            let m = t[0].wrapping_mul(MINUS_ONE_OVER_Q);
            (_, carry) = m.carrying_mul_add(Q[0], t[0], 0);
            for j in 1..4 {
                (t[j - 1], carry) = m.carrying_mul_add(Q[j], t[j], carry);
            }
            t[3] = t[4].wrapping_add(carry);
            t[4] = 0;
        }
        [t[0], t[1], t[2], t[3]]
    }

    /// Three products of eight words (A. Karatsuba) and two reductions:
    ///
    /// - the sums are below 4 q, their product below 16 q^2 < 2^512; less the two others it is a0
    ///   b1 + a1 b0 < 8 q^2, which [`reduced`] leaves below 8 q^2 / 2^256 + q < 3 q;
    /// - a0 b0 - a1 b1 is above -4 q^2, which 2^256 q > 5 q^2 makes positive; what is below 2^256 q
    ///   is below 2 q reduced.
    #[inline(always)]
    fn product_in_fq2(a: &[Words; 2], b: &[Words; 2]) -> [Words; 2] {
        let (low, high) = (wide_product(&a[0], &b[0]), wide_product(&a[1], &b[1]));
        let cross = wide_product(&sum(&a[0], &a[1]), &sum(&b[0], &b[1]));
        let (cross, _) = wide_difference(&cross, &low);
        let (cross, _) = wide_difference(&cross, &high);
        let (mut real, negative) = wide_difference(&low, &high);
        let correction = masked(&Q, mask(negative));
        let upper = sum(&[real[4], real[5], real[6], real[7]], &correction);
        real[4..].copy_from_slice(&upper);
        [reduced(real), below_2_q(&reduced(cross))]
    }
}

/// An element of Fq: its words are below 2 q.
#[derive(Clone, Copy, Debug)]
pub(super) struct Residue<A> {
    words: Words,
    arithmetic: PhantomData<A>,
}

/// An element c0 + c1 u of Fq2 = Fq\[u\], u^2 = -1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Residue2<A>([Residue<A>; 2]);

impl<A: Arithmetic> Residue<A> {
    pub(super) const ZERO: Self = Self { words: [0; 4], arithmetic: PhantomData };
    pub(super) const ONE: Self = Self { words: Fq::ONE.0.0, arithmetic: PhantomData };

    #[inline(always)]
    fn new(words: Words) -> Self {
        debug_assert!(difference(&words, &Q_TWICE).1, "{words:x?} is not below 2 q");
        Self { words, arithmetic: PhantomData }
    }

    #[inline(always)]
    pub(super) fn from_fq(element: &Fq) -> Self {
        Self::new(element.0.0)
    }

    /// The form below q.
    #[inline(always)]
    pub(super) fn to_fq(self) -> Fq {
        let mut element = Fq::ZERO;
        element.0.0 = less_unless_below(&self.words, &Q);
        element
    }

    #[inline(always)]
    pub(super) fn square(self) -> Self {
        self * self
    }

    /// All ones for zero, which is 0 or q.
    #[inline(always)]
    pub(super) fn zero_mask(self) -> u64 {
        let zero = self.words.iter().fold(0, |any, word| any | word);
        let q = self.words.iter().zip(Q).fold(0, |any, (word, q)| any | (word ^ q));
        mask(zero == 0) | mask(q == 0)
    }

    /// Bitwise `self | other & mask`.
    #[inline(always)]
    pub(super) fn or_masked(&mut self, other: &Self, mask: u64) {
        for (word, other) in self.words.iter_mut().zip(other.words) {
            *word |= other & mask;
        }
    }
}

impl<A: Arithmetic> Add for Residue<A> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(A::sum(&self.words, &other.words))
    }
}

impl<A: Arithmetic> Sub for Residue<A> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(A::difference(&self.words, &other.words))
    }
}

impl<A: Arithmetic> Neg for Residue<A> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl<A: Arithmetic> Mul for Residue<A> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(A::product(&self.words, &other.words))
    }
}

impl<A: Arithmetic> Residue2<A> {
    pub(super) const ZERO: Self = Self([Residue::ZERO; 2]);
    pub(super) const ONE: Self = Self([Residue::ONE, Residue::ZERO]);

    #[inline(always)]
    pub(super) fn new(c0: Residue<A>, c1: Residue<A>) -> Self {
        Self([c0, c1])
    }

    #[inline(always)]
    pub(super) fn parts(self) -> [Residue<A>; 2] {
        self.0
    }

    /// (c0 + c1) (c0 - c1) + 2 c0 c1 u.
    #[inline(always)]
    pub(super) fn square(self) -> Self {
        let [c0, c1] = self.0;
        let cross = c0 * c1;
        Self([(c0 + c1) * (c0 - c1), cross + cross])
    }
}

impl<A: Arithmetic> Add for Residue2<A> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self([self.0[0] + other.0[0], self.0[1] + other.0[1]])
    }
}

impl<A: Arithmetic> Sub for Residue2<A> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
    }
}

impl<A: Arithmetic> Neg for Residue2<A> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self([-self.0[0], -self.0[1]])
    }
}

impl<A: Arithmetic> Mul for Residue2<A> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let [a, b] = [self, other].map(|factor| factor.0.map(|part| part.words));
        Self(A::product_in_fq2(&a, &b).map(Residue::new))
    }
}

/// All ones for `true`. The compiler is kept from knowing that there are two cases only: it would
/// make a branch of them.
#[inline(always)]
fn mask(condition: bool) -> u64 {
    black_box(u64::from(condition)).wrapping_neg()
}

#[inline(always)]
fn masked(words: &Words, mask: u64) -> Words {
    words.map(|word| word & mask)
}

/// a + b modulo 2^256.
#[inline(always)]
fn sum(a: &Words, b: &Words) -> Words {
    let (mut words, mut carry) = ([0; 4], false);
    for i in 0..4 {
        (words[i], carry) = a[i].carrying_add(b[i], carry);
    }
    words
}

/// a - b modulo 2^256, and whether a < b.
#[inline(always)]
fn difference(a: &Words, b: &Words) -> (Words, bool) {
    let (mut words, mut borrow) = ([0; 4], false);
    for i in 0..4 {
        (words[i], borrow) = a[i].borrowing_sub(b[i], borrow);
    }
    (words, borrow)
}

/// a, or a - b where that is not negative.
#[inline(always)]
fn less_unless_below(a: &Words, b: &Words) -> Words {
    let (less, below) = difference(a, b);
    let (keep, take) = (masked(a, mask(below)), masked(&less, !mask(below)));
    std::array::from_fn(|i| keep[i] | take[i])
}

/// Below 2 q for a below 4 q.
#[inline(always)]
fn below_2_q(a: &Words) -> Words {
    less_unless_below(a, &Q_TWICE)
}

/// a b.
#[inline(always)]
fn wide_product(a: &Words, b: &Words) -> [u64; 8] {
    let mut t = [0; 8];
    for i in 0..4 {
        let mut carry = 0;
        for j in 0..4 {
            (t[i + j], carry) = a[i].carrying_mul_add(b[j], t[i + j], carry);
        }
        t[i + 4] = carry;
    }
    t
}

/// a - b modulo 2^512, and whether a < b.
#[inline(always)]
fn wide_difference(a: &[u64; 8], b: &[u64; 8]) -> ([u64; 8], bool) {
    let (mut words, mut borrow) = ([0; 8], false);
    for i in 0..8 {
        (words[i], borrow) = a[i].borrowing_sub(b[i], borrow);
    }
    (words, borrow)
}

/// t / 2^256 modulo q, below t / 2^256 + q, which is to be below 2^256.
#[inline(always)]
fn reduced(mut t: [u64; 8]) -> Words {
    let mut above = 0;
    for i in 0..4 {
        let m = t[i].wrapping_mul(MINUS_ONE_OVER_Q);
        let (_, mut carry) = m.carrying_mul_add(Q[0], t[i], 0);
        for j in 1..4 {
            (t[i + j], carry) = m.carrying_mul_add(Q[j], t[i + j], carry);
        }
        // Times one: two additions with one carry.
        (t[i + 4], above) = carry.carrying_mul_add(1, t[i + 4], above);
    }
    [t[4], t[5], t[6], t[7]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::curve::Fq2;

    /// What the arithmetic is told that a number is, on words below 2 q.
    fn fq(words: &Words) -> Fq {
        let mut element = Fq::ZERO;
        element.0.0 = less_unless_below(words, &Q);
        element
    }

    fn fq2(words: &[Words; 2]) -> Fq2 {
        Fq2::new(fq(&words[0]), fq(&words[1]))
    }

    fn is_below_2_q(words: &Words) -> bool {
        difference(words, &Q_TWICE).1
    }

    /// Every operation of `A` on these words, against arkworks.
    fn agrees_with_arkworks<A: Arithmetic>(a: &[Words; 2], b: &[Words; 2]) {
        let ([a0, a1], [b0, b1]) = (a, b);
        for (found, expected) in [
            (A::sum(a0, b0), fq(a0) + fq(b0)),
            (A::difference(a0, b0), fq(a0) - fq(b0)),
            (A::difference(a0, a0), Fq::ZERO),
            (A::product(a0, b0), fq(a0) * fq(b0)),
            (A::product(a1, b1), fq(a1) * fq(b1)),
            (A::product(a0, a0), fq(a0).square()),
        ] {
            assert!(is_below_2_q(&found), "{a:x?} {b:x?}: {found:x?}");
            assert_eq!(fq(&found), expected, "{a:x?} {b:x?}");
        }
        let found = A::product_in_fq2(a, b);
        assert!(found.iter().all(is_below_2_q), "{a:x?} {b:x?}: {found:x?}");
        assert_eq!(fq2(&found), fq2(a) * fq2(b), "{a:x?} {b:x?}");

        let [x, y] = [a, b].map(|x| Residue2::<A>(x.map(Residue::new)));
        let same = |found: Residue2<A>, expected: Fq2| {
            assert_eq!(Fq2::new(found.0[0].to_fq(), found.0[1].to_fq()), expected, "{a:x?} {b:x?}");
        };
        same(x.square(), fq2(a).square());
        same(x + y, fq2(a) + fq2(b));
        same(x - y, fq2(a) - fq2(b));
        same(-x, -fq2(a));
        let zero = if fq(a0) == Fq::ZERO { u64::MAX } else { 0 };
        assert_eq!(x.0[0].zero_mask(), zero, "{a0:x?}");
        assert_eq!((x.0[0] + -x.0[0]).zero_mask(), u64::MAX);
    }

    fn all_agree_with_arkworks(a: &[Words; 2], b: &[Words; 2]) {
        agrees_with_arkworks::<Plain>(a, b);
        #[cfg(target_arch = "x86_64")]
        if super::super::Adx::detect().is_some() {
            agrees_with_arkworks::<super::super::adx::TwoChains>(a, b);
        }
    }

    /// A number near each bound: of the field, of what is allowed, of a word.
    fn corners() -> Vec<Words> {
        const MAX: u64 = u64::MAX;
        let near = |words: &Words| [-2i64, -1, 0, 1, 2].map(|by| shifted(words, by));
        let mut corners: Vec<Words> = [
            [0; 4],
            Q,
            Q_TWICE,
            Fq::ONE.0.0,
            [MAX, 0, 0, 0],
            [MAX, MAX, 0, 0],
            [MAX, MAX, MAX, 0],
            [MAX, MAX, MAX, Q[3] - 1],
            [MAX, MAX, MAX, Q[3]],
            [MAX, MAX, MAX, Q_TWICE[3] - 1],
            [0, MAX, 0, Q[3]],
            [MAX, 0, MAX, 0],
            [0, 0, 0, Q_TWICE[3]],
            [0, 0, MAX, Q_TWICE[3] - 1],
        ]
        .iter()
        .flat_map(near)
        .filter(is_below_2_q)
        .collect();
        corners.sort_unstable();
        corners.dedup();
        corners
    }

    fn shifted(words: &Words, by: i64) -> Words {
        let distance = [by.unsigned_abs(), 0, 0, 0];
        if by < 0 { difference(words, &distance).0 } else { sum(words, &distance) }
    }

    #[test]
    fn all_pairs_of_corners_agree_with_arkworks() {
        let corners = corners();
        assert!(corners.len() > 40 && corners.contains(&shifted(&Q_TWICE, -1)));
        for (i, a) in corners.iter().enumerate() {
            for (j, b) in corners.iter().enumerate() {
                let (a1, b1) =
                    (corners[(i + j) % corners.len()], corners[(3 * i + j) % corners.len()]);
                all_agree_with_arkworks(&[*a, a1], &[*b, b1]);
                all_agree_with_arkworks(&[*a, *a], &[*b, *b]);
            }
        }
    }

    #[test]
    fn the_largest_operands_of_fq2_stay_below_2_q() {
        let largest = shifted(&Q_TWICE, -1);
        for signs in 0..16 {
            let part = |bit: u32| if signs >> bit & 1 == 1 { largest } else { [0; 4] };
            all_agree_with_arkworks(&[part(0), part(1)], &[part(2), part(3)]);
        }
    }

    /// Below 2 q.
    fn words() -> impl Strategy<Value = Words> {
        prop_oneof![
            3 => any::<Words>().prop_map(|mut words| {
                words[3] %= Q_TWICE[3];
                words
            }),
            1 => proptest::sample::select(corners()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn elements_agree_with_arkworks(
            a in proptest::array::uniform2(words()), b in proptest::array::uniform2(words()),
        ) {
            all_agree_with_arkworks(&a, &b);
        }
    }
}
