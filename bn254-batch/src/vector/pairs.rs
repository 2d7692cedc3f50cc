//! Batches of affine additions: one to a lane, one inversion for some thousands.
//!
//! P1 + P2 for x1 != x2, with 1 / (x2 - x1) from Montgomery's trick (three products an element):
//!
//! > lambda = (y2 - y1) / (x2 - x1),  x3 = lambda^2 - x1 - x2,  y3 = lambda (x1 - x3) - y1.
//!
//! Five products and one square in all. Points enter and leave in arkworks' form x 2^256 without a
//! conversion: one chooses powers of two so that they cancel. With d = x2 - x1 the vector value d
//! 2^256 stands for d / 16 in this back end's form (R = 2^260), and the shared inverse is
//! multiplied once by 1 / 4, so that it yields 4 / d. Then
//!
//! > lambda 2^258 = (y2 - y1) 2^256 * (4 / d) 2^260 / R,  lambda^2 2^256 = (lambda 2^258)^2 / R,
//! > lambda (x1 - x3) 2^256 = lambda 2^258 * 4 (x1 - x3) 2^256 / R.
//!
//! As the points are canonical, equality is equality of words. Vectors in which some lane has x1 =
//! x2, or a point at infinity, are rare and take a branch: the doubling has lambda = 3 x^2 / (2 y);
//! the rest are selected. Nothing here is secret.

use ark_ff::{AdditiveGroup, Field, serial_batch_inversion_and_mul};

use bn254_batch_macros::kernel;

use super::element::Element;
use super::fq::FqLanes;
use super::isa::{self, LANES, Mask};
use super::transfer::{Coordinates, gather, load_words, scatter, store_words};
use crate::curve::{AffinePoint, Fq};
use crate::kernels::Sum;
use crate::vector::constants::QUARTER;

/// Vectors that share an inversion: 4096 additions, some 300 KiB of intermediate values.
const BLOCK: usize = 512;

/// What the first pass leaves for the second.
pub(super) struct Pending<const D: usize> {
    denominator: Element<D>,
    /// The product of all denominators before this one.
    prefix: Element<D>,
    special: Special,
}

/// Lanes that are not a plain addition.
#[derive(Clone, Copy)]
struct Special {
    /// P1 = P2.
    double: Mask,
    /// P1 = -P2.
    opposite: Mask,
    /// P1 is infinity: the sum is P2.
    right: Mask,
    /// P2 is infinity: the sum is P1.
    left: Mask,
}

impl Special {
    #[inline]
    #[kernel]
    fn none() -> Self {
        let none = isa::none();
        Self { double: none, opposite: none, right: none, left: none }
    }
}

/// Whether the mask has a lane.
#[inline]
#[kernel]
fn any(mask: Mask) -> bool {
    isa::bits(mask) != 0
}

/// `points[left] += points[right]`, for indices that are all different. What `pending` held is
/// lost.
#[kernel]
pub(super) fn add<P: AffinePoint, const D: usize>(
    points: &mut [P],
    sums: &[Sum],
    pending: &mut Vec<Pending<D>>,
) {
    for sums in sums.chunks(BLOCK * LANES) {
        pending.clear();
        let mut product = Element::one();
        for sums in sums.chunks(LANES) {
            let (denominator, special) = denominator::<P, D>(points, sums);
            pending.push(Pending { denominator, prefix: product, special });
            product = product.mul(&denominator).carry::<0, 1, 0>();
        }
        let mut inverse = invert(&product).scale(&FqLanes::splat(&QUARTER));
        for (sums, Pending { denominator, prefix, special }) in
            sums.chunks(LANES).zip(pending.iter()).rev()
        {
            let four_over_d = inverse.mul(prefix).carry::<0, 1, 0>();
            inverse = inverse.mul(denominator).carry::<0, 1, 0>();
            let [x, y] = finish::<P, D>(points, sums, denominator, &four_over_d, *special);
            for (sum, coordinates) in sums.iter().zip(&scatter::<P, D>(&x, &y)) {
                points[sum.left as usize] = P::from_coordinates(coordinates);
            }
        }
    }
}

/// x2 - x1, or what takes its place.
#[kernel]
fn denominator<P: AffinePoint, const D: usize>(
    points: &[P],
    sums: &[Sum],
) -> (Element<D>, Special) {
    let x1 = operand::<P, D>(points, sums, |sum| sum.left, 0);
    let x2 = operand::<P, D>(points, sums, |sum| sum.right, 0);
    let difference = element(&x2).raw().sub(&element(&x1).raw()).carry::<1, 1, 1>();
    let same_x = equal(&x1, &x2);
    if !any(isa::either(same_x, isa::either(zero(&x1), zero(&x2)))) {
        return (difference, Special::none());
    }
    let y1 = operand::<P, D>(points, sums, |sum| sum.left, 1);
    let y2 = operand::<P, D>(points, sums, |sum| sum.right, 1);
    let right = isa::both(zero(&x1), zero(&y1));
    let left = isa::both(isa::both(zero(&x2), zero(&y2)), isa::not(right));
    let finite = isa::not(isa::either(left, right));
    let double = isa::both(isa::both(same_x, equal(&y1, &y2)), finite);
    let opposite = isa::both(isa::both(same_x, isa::not(double)), finite);
    let y1 = element(&y1).raw();
    let denominator = difference
        .select(double, &y1.double().carry::<0, 0, 0>())
        .select(isa::either(isa::not(finite), opposite), &Element::one());
    (denominator, Special { double, opposite, right, left })
}

/// The sums' coordinates from d + p and 4 / d.
#[inline]
#[kernel]
fn finish<P: AffinePoint, const D: usize>(
    points: &[P],
    sums: &[Sum],
    d: &Element<D>,
    four_over_d: &Element<D>,
    special: Special,
) -> [Coordinates<D>; 2] {
    let x1_words = operand::<P, D>(points, sums, |sum| sum.left, 0);
    let [y1_words, y2_words] = [
        operand::<P, D>(points, sums, |sum| sum.left, 1),
        operand::<P, D>(points, sums, |sum| sum.right, 1),
    ];
    let [x1, y1, y2] = [element(&x1_words), element(&y1_words), element(&y2_words)];
    let mut numerator = y2.raw().sub(&y1.raw()).carry::<1, 1, 1>();
    // x2 = x1 + d, without reading it again.
    let mut d = *d;
    if any(special.double) {
        // 3 x^2 2^256 = 3 (16 x 2^256) (x 2^256) / R.
        let sixteen_x = x1.raw().double().double().double().double().carry::<0, 0, 0>();
        numerator =
            numerator.select(special.double, &sixteen_x.mul(&x1).triple().carry::<0, 1, 0>());
        d = d.select(special.double, &Element::zero());
    }
    let lambda = numerator.mul(four_over_d).carry::<0, 1, 0>();
    let x3 = lambda.square().sub(&x1.raw().double()).sub(&d.raw()).fold().less_p();
    let w = x1.raw().sub(&x3.raw()).double().double().carry::<4, 4, 4>();
    let y3 = lambda.mul(&w).sub(&y1.raw()).fold().less_p();
    let [mut x, mut y] = [words(&x3), words(&y3)];
    if any(isa::either(special.left, isa::either(special.right, special.opposite))) {
        let x2_words = operand::<P, D>(points, sums, |sum| sum.right, 0);
        let infinity = [[isa::zero(); 4]; D];
        for (sum, first, second) in [(&mut x, &x1_words, &x2_words), (&mut y, &y1_words, &y2_words)]
        {
            replace(sum, special.left, first);
            replace(sum, special.right, second);
            replace(sum, special.opposite, &infinity);
        }
    }
    [x, y]
}

/// The inverse, through arkworks' inversion of the lanes: faster than a power, and not
/// constant time.
#[kernel]
fn invert<const D: usize>(a: &Element<D>) -> Element<D> {
    a.invert_with(|x| {
        let words = store_words(&x.to_ark());
        let mut lanes = [Fq::ZERO; LANES];
        for (lane, x) in lanes.iter_mut().enumerate() {
            for (limb, word) in x.0.0.iter_mut().zip(&words) {
                *limb = word[lane];
            }
        }
        // On this thread: for a few lanes no other is worth waking, nor a second inversion.
        serial_batch_inversion_and_mul(&mut lanes, &Fq::ONE);
        let mut words = [[0; LANES]; 4];
        for (lane, x) in lanes.iter().enumerate() {
            for (word, limb) in words.iter_mut().zip(x.0.0) {
                word[lane] = limb;
            }
        }
        FqLanes::from_ark(&load_words(&words))
    })
}

/// x (`which` = 0) or y (1) of the chosen operands, as arkworks holds them; lanes without a sum
/// repeat the first.
#[inline]
#[kernel]
fn operand<P: AffinePoint, const D: usize>(
    points: &[P],
    sums: &[Sum],
    index: impl Fn(&Sum) -> u32,
    which: usize,
) -> Coordinates<D> {
    gather::<P, D>(
        |lane| points[index(sums.get(lane).unwrap_or(&sums[0])) as usize].coordinates(),
        which,
    )
}

#[inline]
#[kernel]
fn element<const D: usize>(words: &Coordinates<D>) -> Element<D> {
    let mut out = Element::zero();
    for (out, words) in out.0.iter_mut().zip(words) {
        *out = FqLanes::from_words(words);
    }
    out
}

#[inline]
#[kernel]
fn words<const D: usize>(x: &Element<D>) -> Coordinates<D> {
    let mut out = [[isa::zero(); 4]; D];
    for (out, x) in out.iter_mut().zip(&x.0) {
        *out = x.to_words();
    }
    out
}

#[inline]
#[kernel]
fn equal<const D: usize>(a: &Coordinates<D>, b: &Coordinates<D>) -> Mask {
    let mut mask = isa::all();
    for (a, b) in a.as_flattened().iter().zip(b.as_flattened()) {
        mask = isa::both(mask, isa::equal(*a, *b));
    }
    mask
}

#[inline]
#[kernel]
fn zero<const D: usize>(a: &Coordinates<D>) -> Mask {
    let mut any = isa::zero();
    for word in a.as_flattened() {
        any = isa::or(any, *word);
    }
    isa::equal(any, isa::zero())
}

#[inline]
#[kernel]
fn replace<const D: usize>(words: &mut Coordinates<D>, mask: Mask, by: &Coordinates<D>) {
    for (word, by) in words.as_flattened_mut().iter_mut().zip(by.as_flattened()) {
        *word = isa::select(*word, mask, *by);
    }
}
