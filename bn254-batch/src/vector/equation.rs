//! The curve equation y^2 = x^3 + b, both ways: the check of points that were read, and y from x
//! for compressed points.
//!
//! # The check
//!
//! As in `pairs`, points are read without a conversion: x 2^256 stands for X = x / 16 in this back
//! end's form, and the equation becomes Y^2 = 16 X^3 + b / 256.
//!
//! # Square roots
//!
//! p = 3 mod 4. With w = t^((p-3)/4) and r = t w, r^2 = chi t where chi = t w^2 is 1 for squares
//! and -1 for others, and 1 / r = chi w. In Fq a square's root is r. In Fq2, for a = a0 + a1 u and
//! s^2 = a0^2 + a1^2 (which has a root when a is a square) let t = (a0 + s) / 2, so that t (a0 - s)
//! / 2 = -a1^2 / 4. With v = a1 / (2 r),
//!
//! > (r + v u)^2 = a if chi = 1,  (v + r u)^2 = a if chi = -1,
//!
//! as r^2 = chi t and v^2 = -chi (a0 - s) / 2: two powers and no inversion (the complex method;
//! compare G. Adj and F. Rodriguez-Henriquez, IEEE Trans. Computers 63, 2014). Every result is
//! squared and compared; t = 0 leaves r = 0 and is left to arkworks.

use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::SWCurveConfig;

use bn254_batch_macros::kernel;

use super::element::Element;
use super::fq::FqLanes;
use super::isa::{self, LANES};
use super::transfer::{Coordinates, gather, scatter};
use crate::curve::{AffinePoint, FQ_MODULUS, Fq, Fq2, G1Affine, G2Affine};
use crate::vector::constants::{Limbs, ONE_HALF, lift, lower};

const B1: Fq = <<G1Affine as AffineRepr>::Config as SWCurveConfig>::COEFF_B;
const B2: Fq2 = <<G2Affine as AffineRepr>::Config as SWCurveConfig>::COEFF_B;

/// (p - 3) / 4 = floor(p / 4).
const ROOT_EXPONENT: [u64; 4] = {
    let p = FQ_MODULUS.0;
    [p[0] >> 2 | p[1] << 62, p[1] >> 2 | p[2] << 62, p[2] >> 2 | p[3] << 62, p[3] >> 2]
};

/// Vectors whose powers are taken in step.
const INTERLEAVE: usize = 2;

/// b as `map` writes it.
#[inline]
#[kernel]
fn b<const D: usize>(map: impl Fn(Fq) -> Limbs) -> Element<D> {
    let mut out = Element::zero();
    for (i, out) in out.0.iter_mut().enumerate() {
        *out = FqLanes::splat(&map(if D == 1 { B1 } else { [B2.c0, B2.c1][i] }));
    }
    out
}

/// The first of the points that is neither on the curve nor infinity.
#[kernel]
pub(super) fn off_curve<P: AffinePoint, const D: usize>(points: &[P]) -> Option<usize> {
    let b = b(lower);
    for (i, points) in points.chunks(LANES).enumerate() {
        let mut coordinates = [Element::<D>::zero(); 2];
        for (which, out) in coordinates.iter_mut().enumerate() {
            let words = gather::<P, D>(
                |lane| points.get(lane).map_or(P::ZERO_COORDINATES, P::coordinates),
                which,
            );
            for (out, words) in out.0.iter_mut().zip(&words) {
                *out = FqLanes::from_words(words);
            }
        }
        let [x, y] = coordinates;
        let sixteen_x_squared = x.square().double().double().double().double().carry::<0, 1, 0>();
        let difference = y
            .square_wide()
            .sub(&sixteen_x_squared.mul_wide(&x))
            .reduce()
            .sub(&b.raw())
            .fold()
            .less_p();
        let infinite = isa::both(x.is_canonical_zero(), y.is_canonical_zero());
        let good = isa::bits(isa::either(difference.is_canonical_zero(), infinite));
        if good != isa::bits(isa::all()) {
            return Some(i * LANES + good.trailing_ones() as usize);
        }
    }
    None
}

/// For each x the point with one of its two y, or infinity.
#[kernel]
pub(super) fn lift_x<P: AffinePoint, const D: usize>(x: &[Fq]) -> Vec<P> {
    let mut out = Vec::with_capacity(x.len() / D);
    for x in x.chunks(INTERLEAVE * LANES * D) {
        let mut words: [Coordinates<D>; INTERLEAVE] = [[[isa::zero(); 4]; D]; INTERLEAVE];
        let mut squares = [Element::<D>::zero(); INTERLEAVE];
        for (g, x) in x.chunks(LANES * D).enumerate() {
            let coordinates = |lane: usize| {
                let mut coordinates = P::ZERO_COORDINATES;
                for (to, from) in coordinates
                    .as_mut()
                    .iter_mut()
                    .zip(x.chunks_exact(D).nth(lane).unwrap_or_default())
                {
                    *to = *from;
                }
                coordinates
            };
            words[g] = gather::<P, D>(coordinates, 0);
            let mut x = Element::<D>::zero();
            for (x, words) in x.0.iter_mut().zip(&words[g]) {
                *x = FqLanes::from_ark(words);
            }
            let x_squared = x.square().carry::<0, 1, 0>();
            squares[g] = x_squared.mul(&x).add(&b::<D>(lift).raw()).carry::<0, 1, 0>();
        }
        let roots = square_roots(&squares);
        for (g, x) in x.chunks(LANES * D).enumerate() {
            let (y, good, undecided) = &roots[g];
            let mut y_words: Coordinates<D> = [[isa::zero(); 4]; D];
            for (words, y) in y_words.iter_mut().zip(&y.0) {
                *words = y.to_ark();
            }
            for ((lane, x), coordinates) in
                x.chunks_exact(D).enumerate().zip(&scatter::<P, D>(&words[g], &y_words))
            {
                out.push(if undecided >> lane & 1 == 1 {
                    P::from_x(x, false).unwrap_or(P::zero())
                } else if good >> lane & 1 == 1 {
                    P::from_coordinates(coordinates)
                } else {
                    P::zero()
                });
            }
        }
    }
    out
}

/// A root of each element, the lanes where it is one, and those that this method does not decide.
#[kernel]
fn square_roots<const D: usize>(
    a: &[Element<D>; INTERLEAVE],
) -> [(Element<D>, u8, u8); INTERLEAVE] {
    let mut t = [FqLanes::zero(); INTERLEAVE];
    for (t, a) in t.iter_mut().zip(a) {
        *t = if D == 1 {
            a.0[0]
        } else {
            a.0[0].mul_wide(&a.0[0]).plus_product(&a.0[1], &a.0[1]).reduce().carry::<0>()
        };
    }
    let mut w = FqLanes::power(t, &ROOT_EXPONENT);
    if D == 2 {
        let half = FqLanes::splat(&ONE_HALF);
        for ((t, w), a) in t.iter_mut().zip(&w).zip(a) {
            *t = t.mul(w).add(&a.0[0].raw()).carry::<0>().mul(&half).carry::<0>();
        }
        w = FqLanes::power(t, &ROOT_EXPONENT);
    }
    let mut out = [(Element::zero(), 0, 0); INTERLEAVE];
    for (g, out) in out.iter_mut().enumerate() {
        let r = t[g].mul(&w[g]).carry::<0>();
        out.0.0[0] = r;
        if D == 2 {
            // v = a1 / (2 r) = chi a1 w / 2.
            let chi = r.mul(&w[g]);
            let is_square = chi.sub(&FqLanes::one().raw()).carry::<1>().is_zero();
            let plus_v = a[g].0[1].mul(&w[g]).carry::<0>().mul(&FqLanes::splat(&ONE_HALF));
            let v = plus_v.negate(isa::not(is_square)).carry::<2>();
            out.0.0[0] = v.select(is_square, &r);
            out.0.0[1] = r.select(is_square, &v);
            out.2 = isa::bits(r.is_zero());
        }
        out.1 = isa::bits(out.0.square().sub(&a[g].raw()).carry::<4, 5, 4>().is_zero());
    }
    out
}

#[cfg(test)]
mod tests {
    use ark_ff::{AdditiveGroup, BigInt, Field, LegendreSymbol};

    use super::super::engine::Engine;
    use super::super::transfer::{load_words, store_words};
    use super::*;

    /// Elements of Fq2 with and without a second coordinate, squares and others, zero.
    #[test]
    fn roots_in_fq2_are_right_or_left_undecided() {
        #[kernel]
        fn check(values: &[Fq2; LANES]) {
            let mut a = Element::<2>::zero();
            for i in 0..2 {
                let mut words = [[0; LANES]; 4];
                for (lane, value) in values.iter().enumerate() {
                    for (word, limb) in words.iter_mut().zip([value.c0, value.c1][i].0.0) {
                        word[lane] = limb;
                    }
                }
                a.0[i] = FqLanes::from_ark(&load_words(&words));
            }
            let [(root, good, undecided), _] = square_roots(&[a, a]);
            let [c0, c1] = [store_words(&root.0[0].to_ark()), store_words(&root.0[1].to_ark())];
            for (lane, value) in values.iter().enumerate() {
                let element = |words: &[[u64; LANES]; 4]| {
                    Fq::new_unchecked(BigInt([
                        words[0][lane],
                        words[1][lane],
                        words[2][lane],
                        words[3][lane],
                    ]))
                };
                let root = Fq2::new(element(&c0), element(&c1));
                if good >> lane & 1 == 1 {
                    assert_eq!(root.square(), *value);
                } else if undecided >> lane & 1 == 0 {
                    assert_eq!(value.legendre(), LegendreSymbol::QuadraticNonResidue, "{value}");
                }
            }
        }
        if Engine::detect().is_none() {
            return;
        }
        for i in 0i64..500 {
            let mut values = [Fq2::ZERO; LANES];
            for (j, value) in (i - 250..).zip(&mut values) {
                let [j, k] = [Fq::from(j), Fq::from(7 * j * j + i)];
                *value = [
                    Fq2::new(j, Fq::ZERO),
                    Fq2::new(Fq::ZERO, j),
                    Fq2::new(j, k),
                    Fq2::new(k, j).square(),
                ][i as usize % 4];
            }
            // SAFETY: detected above.
            unsafe { check(&values) };
        }
    }

    #[test]
    fn the_exponent_is_a_quarter_of_p_minus_three() {
        let four_e_plus_3 = ROOT_EXPONENT
            .iter()
            .rev()
            .fold(Fq::ZERO, |sum, word| sum * Fq::from(1u128 << 64) + Fq::from(*word));
        assert_eq!(four_e_plus_3 * Fq::from(4u64) + Fq::from(3u64), Fq::ZERO);
    }
}
