//! Scalar multiplication in constant time: P_i <- s_i P_i, a point to a lane and two vectors to a
//! step.
//!
//! The scalar's streams (see `recoding`: two of 32 digits in G1, four of 17 in G2) have digits that
//! are all odd. From the top, in G1:
//!
//! > Q <- d_31 P + e_31 phi(P);  thirty-one times  Q <- 16 Q + d_i P + e_i phi(P),
//!
//! and in G2 likewise with the multiples of P, phi(P), psi(P), phi(psi(P)). 124 doublings and 63
//! additions in G1, 64 and 67 in G2, the same for every scalar. A digit selects one of P, 3 P, ...,
//! 15 P by a masked scan over the whole table, and its sign is a mask; nothing branches on the
//! scalar and no address depends on it.
//!
//! # The table
//!
//! The odd multiples are made affine without an inversion, on an isomorphic curve ("effective
//! affine" coordinates, P. Wuille and G. Maxwell, libsecp256k1, 2013, after Meloni's co-Z
//! additions). An isomorphism (x, y) -> (u^2 x, u^3 y) changes only b, which no formula reads. With
//! u = y' the double D = 2 P becomes affine, and P becomes (S, B^2) in the notation of the doubling
//! formula, at no cost. Then T_i = T_(i-1) + D are mixed additions with Z_i = Z_(i-1) * 2 H_i; a
//! second isomorphism with u = Z_7 makes all of them affine: x_i = X_i (Z_7 / Z_i)^2, y_i = Y_i
//! (Z_7 / Z_i)^3, where Z_7 / Z_i is the product of the later factors 2 H_j. The sum's Z is
//! multiplied by u = y' Z_7 at the end, which takes it back to the curve.
//!
//! psi(x, y) = (c x*, d y*), where * is the conjugation of Fq2, commutes with an isomorphism only
//! if its u is in Fq. In G2 the second isomorphism is therefore one with u* Z_7, so that the two
//! together are u u*, which is; and the table of psi(P) is that of P, conjugated and multiplied by
//! c and d.
//!
//! # Exceptional cases
//!
//! An addition of equal or opposite points, or a point at infinity, makes Z = 0 for the rest of the
//! chain (`jacobian`). The lanes that end so are computed again by arkworks. For a point of order r
//! that happens for few scalars of all, 0 among them (counted in `glv` and `gls`); for a point at
//! infinity always, which is public.

use ark_ec::AffineRepr;
use ark_ec::bn::BnConfig;
use ark_ec::scalar_mul::glv::GLVConfig;

use bn254_batch_macros::kernel;

use super::element::Element;
use super::fq::FqLanes;
use super::isa::{self, LANES, Mask, Vector};
use super::jacobian::{Affine, Jacobian};
use super::transfer::{Coordinates, load, store};
use crate::curve::{AffinePoint, Fq2, Fr, G1Affine};
use crate::kernels::exceptional_product;
use crate::recoding::{Streams, TABLE, WINDOW, digits};
use crate::vector::constants::{Limbs, lift};

/// Vectors handled in one step: their multiplications are independent, so that one fills the
/// other's latencies.
pub(super) const INTERLEAVE: usize = 2;

/// beta of phi.
const BETA: Limbs = lift(<<G1Affine as AffineRepr>::Config as GLVConfig>::ENDO_COEFFS[0]);

/// c and d of psi.
const PSI: [[Limbs; 2]; 2] = [
    lift_both(ark_bn254::Config::TWIST_MUL_BY_Q_X),
    lift_both(ark_bn254::Config::TWIST_MUL_BY_Q_Y),
];

const fn lift_both(x: Fq2) -> [Limbs; 2] {
    [lift(x.c0), lift(x.c1)]
}

/// T_i = (2 i + 1) P: x, beta x, y'.
#[derive(Clone, Copy)]
pub(super) struct Entry<const D: usize> {
    pub(super) point: Affine<D>,
    pub(super) phi_x: Element<D>,
}

/// The odd multiples of P; in G2, also those of psi(P).
pub(super) type Tables<const D: usize> = [[Entry<D>; TABLE]; D];

/// A stream's nibbles per lane: low and high word.
type Nibbles = [Vector; 2];

/// `points[i] <- scalars[i] points[i]` for one task; the results share one inversion.
#[kernel]
pub(super) fn multiply<P: AffinePoint, const D: usize>(points: &mut [P], scalars: &[Fr]) {
    let streams: Vec<Streams> = scalars.iter().map(Streams::of::<P>).collect();
    let mut results = Vec::with_capacity(points.len().div_ceil(LANES));
    for (points, streams) in
        points.chunks(INTERLEAVE * LANES).zip(streams.chunks(INTERLEAVE * LANES))
    {
        results.extend(chain::<P, D>(points, streams));
    }
    results.truncate(points.len().div_ceil(LANES));
    settle(points, &mut results, |k, point| exceptional_product(point, &scalars[k]));
}

/// Replaces points by results, which share one inversion. Where Z = 0 the result is what `again`
/// makes of the number and the point that was there.
#[kernel]
pub(super) fn settle<P: AffinePoint, const D: usize>(
    points: &mut [P],
    results: &mut [Jacobian<D>],
    again: impl Fn(usize, &P) -> P,
) {
    let exceptional = to_affine(results);
    for (v, ((points, result), exceptional)) in
        points.chunks_mut(LANES).zip(results).zip(exceptional).enumerate()
    {
        let redo: Vec<(usize, P)> = (0..points.len())
            .filter(|lane| exceptional >> lane & 1 == 1)
            .map(|lane| (lane, again(v * LANES + lane, &points[lane])))
            .collect();
        store_affine(points, &result.x, &result.y2);
        for (lane, product) in redo {
            points[lane] = product;
        }
    }
}

/// Two vectors of products in Jacobian coordinates.
#[kernel]
fn chain<P: AffinePoint, const D: usize>(
    points: &[P],
    streams: &[Streams],
) -> [Jacobian<D>; INTERLEAVE] {
    let mut tables = [[[Entry::zero(); TABLE]; D]; INTERLEAVE];
    let mut scales = [Element::one(); INTERLEAVE];
    let mut nibbles = [[[isa::zero(); 2]; 4]; INTERLEAVE];
    for (g, points) in points.chunks(LANES).enumerate() {
        let [x, y] = load::<P, D>(points);
        scales[g] = fill(&x, &y, &mut tables[g]);
    }
    for (g, streams) in streams.chunks(LANES).enumerate() {
        nibbles[g] = transposed(streams);
    }
    let top = digits(D) - 1;
    let mut sums =
        [Jacobian { x: Element::zero(), y2: Element::zero(), z: Element::one() }; INTERLEAVE];
    for g in 0..INTERLEAVE {
        let (first, negate) = lookup(&tables[g], &nibbles[g], 0, top);
        sums[g].x = first.x;
        sums[g].y2 = first.y2.raw().negate(negate).carry::<2, 3, 2>();
    }
    for stream in 1..2 * D {
        for g in 0..INTERLEAVE {
            let (entry, negate) = lookup(&tables[g], &nibbles[g], stream, top);
            sums[g] = sums[g].add(&entry, negate).0;
        }
    }
    for i in (0..top).rev() {
        for _ in 0..WINDOW {
            for sum in &mut sums {
                *sum = sum.double();
            }
        }
        for stream in 0..2 * D {
            for g in 0..INTERLEAVE {
                let (entry, negate) = lookup(&tables[g], &nibbles[g], stream, i);
                sums[g] = sums[g].add(&entry, negate).0;
            }
        }
    }
    for (sum, scale) in sums.iter_mut().zip(&scales) {
        sum.z = sum.z.mul(scale).carry::<0, 1, 0>();
    }
    sums
}

/// Fills the tables and returns the Z that takes their curve back to the original one.
#[kernel]
fn fill<const D: usize>(x: &Element<D>, y: &Element<D>, tables: &mut Tables<D>) -> Element<D> {
    let multiples = OddMultiples::of(x, y);
    let (ratio, scale) = multiples.scale.to_base_field();
    multiples.flatten(ratio, tables);
    scale
}

/// P, 3 P, ..., 15 P on a curve where 2 P is affine.
pub(super) struct OddMultiples<const D: usize> {
    points: [Jacobian<D>; TABLE],
    /// From the Z of a multiple to that of the next: factor i belongs to multiple i.
    factors: [Element<D>; TABLE],
    /// The Z that takes the last one back to the original curve.
    pub(super) scale: Element<D>,
}

impl<const D: usize> OddMultiples<D> {
    #[kernel]
    pub(super) fn of(x: &Element<D>, y: &Element<D>) -> Self {
        let y2 = y.raw().double().carry::<0, 0, 0>();
        let b = y2.square().carry::<0, 1, 0>();
        let s = x.mul(&b).carry::<0, 1, 0>();
        let point = Jacobian { x: *x, y2, z: Element::one() }.double();
        let double = Affine { x: point.x, y2: point.y2 };
        let mut points =
            [Jacobian { x: s, y2: b.square().carry::<0, 1, 0>(), z: Element::one() }; TABLE];
        let mut factors = [Element::one(); TABLE];
        for i in 1..TABLE {
            (points[i], factors[i]) = points[i - 1].add(&double, isa::none());
        }
        let mut scale = y2;
        for factor in &factors[1..] {
            scale = scale.mul(factor).carry::<0, 1, 0>();
        }
        Self { points, factors, scale }
    }

    /// Makes them affine on the curve where the last one has Z = `ratio`. In G2 that curve's u must
    /// be in Fq.
    #[kernel]
    pub(super) fn flatten(&self, mut ratio: Element<D>, tables: &mut Tables<D>) {
        let beta = FqLanes::splat(&BETA);
        for i in (0..TABLE).rev() {
            let square = ratio.square().carry::<0, 1, 0>();
            let cube = square.mul(&ratio).carry::<0, 1, 0>();
            let x = self.points[i].x.mul(&square).carry::<0, 1, 0>();
            let y2 = self.points[i].y2.mul(&cube).carry::<0, 1, 0>();
            tables[0][i] = Entry { point: Affine { x, y2 }, phi_x: x.scale(&beta) };
            if D == 2 {
                let x = x.conjugate().mul(&Element::constant(&PSI[0])).carry::<0, 1, 0>();
                let y2 = y2.conjugate().mul(&Element::constant(&PSI[1])).carry::<0, 1, 0>();
                tables[1][i] = Entry { point: Affine { x, y2 }, phi_x: x.scale(&beta) };
            }
            ratio = ratio.mul(&self.factors[i]).carry::<0, 1, 0>();
        }
    }
}

/// |d| times P, phi(P), psi(P) or phi(psi(P)) for the lanes' digits d at position `i` of a stream,
/// and the lanes whose digit is negative. Reads every entry.
#[inline]
#[kernel]
fn lookup<const D: usize>(
    tables: &Tables<D>,
    nibbles: &[Nibbles; 4],
    stream: usize,
    i: usize,
) -> (Affine<D>, Mask) {
    let (entries, digits, phi) = (&tables[stream / 2], &nibbles[stream], stream % 2 == 1);
    let nibble = isa::and(isa::shift_right_by(digits[i / 16], WINDOW * (i % 16)), isa::splat(15));
    // 2 n - 15 is negative for n < 8; its absolute value is 2 j + 1 with j = n - 8, or j = 7 - n.
    let negative = isa::less(nibble, isa::splat(8));
    let seven = isa::splat(7);
    let index = isa::and(isa::xor_where(nibble, negative, seven), seven);
    let x = |entry: &Entry<D>| if phi { entry.phi_x } else { entry.point.x };
    let mut found = Affine { x: x(&entries[0]), y2: entries[0].point.y2 };
    for (j, entry) in entries.iter().enumerate().skip(1) {
        let here = isa::equal(index, isa::splat(j as u64));
        found.x = found.x.select(here, &x(entry));
        found.y2 = found.y2.select(here, &entry.point.y2);
    }
    (found, negative)
}

/// The nibbles of the streams of a vector of scalars at most.
#[kernel]
fn transposed(streams: &[Streams]) -> [Nibbles; 4] {
    let mut words = [[[0; LANES]; 2]; 4];
    for (lane, Streams(streams)) in streams.iter().take(LANES).enumerate() {
        for (words, stream) in words.iter_mut().zip(streams) {
            words[0][lane] = *stream as u64;
            words[1][lane] = (stream >> 64) as u64;
        }
    }
    let mut out = [[isa::zero(); 2]; 4];
    for (out, words) in out.as_flattened_mut().iter_mut().zip(words.as_flattened()) {
        *out = isa::load(words);
    }
    out
}

/// Divides by Z, sharing one inversion; Z is 1 afterwards. Returns the lanes that had Z = 0, whose
/// coordinates are meaningless.
#[kernel]
pub(super) fn to_affine<const D: usize>(points: &mut [Jacobian<D>]) -> Vec<u8> {
    let mut zeros = Vec::with_capacity(points.len());
    let mut prefixes = Vec::with_capacity(points.len());
    let mut product = Element::one();
    for point in points.iter_mut() {
        let zero = point.z.is_zero();
        point.z = point.z.select(zero, &Element::one());
        zeros.push(isa::bits(zero));
        prefixes.push(product);
        product = product.mul(&point.z).carry::<0, 1, 0>();
    }
    let mut inverse = product.invert();
    for (point, prefix) in points.iter_mut().zip(&prefixes).rev() {
        let z_inverse = inverse.mul(prefix).carry::<0, 1, 0>();
        inverse = inverse.mul(&point.z).carry::<0, 1, 0>();
        let square = z_inverse.square().carry::<0, 1, 0>();
        let cube = square.mul(&z_inverse).carry::<0, 1, 0>();
        point.x = point.x.mul(&square).carry::<0, 1, 0>();
        point.y2 = point.y2.mul(&cube).carry::<0, 1, 0>();
        point.z = Element::one();
    }
    zeros
}

/// Writes affine points in arkworks' form.
#[kernel]
pub(super) fn store_affine<P: AffinePoint, const D: usize>(
    points: &mut [P],
    x: &Element<D>,
    y2: &Element<D>,
) {
    let zero: Coordinates<D> = [[isa::zero(); 4]; D];
    let [mut x_words, mut y_words] = [zero, zero];
    for (words, x) in x_words.iter_mut().zip(&x.0) {
        *words = x.to_ark();
    }
    for (words, y2) in y_words.iter_mut().zip(&y2.0) {
        *words = y2.half_to_ark();
    }
    store(points, &x_words, &y_words);
}

impl<const D: usize> Entry<D> {
    #[kernel]
    pub(super) fn zero() -> Self {
        Self { point: Affine { x: Element::zero(), y2: Element::zero() }, phi_x: Element::zero() }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use ark_ff::Field;

    use super::super::engine::Engine;
    use super::super::transfer::{load_words, store_words};
    use super::*;
    use crate::curve::G2Affine;
    use crate::vector::interval::trace;

    /// The trace digests the intervals of all results, in order: any operation added, left out or
    /// exchanged changes it.
    fn one_trace<P: AffinePoint, const D: usize>() {
        let scalars = [1u64, 2, 3, 15, 16, u64::MAX].map(Fr::from).into_iter();
        let scalars =
            scalars.flat_map(|s| [s, -s, s.square() * s, s.inverse().unwrap_or(s), s.pow([1000])]);
        let traces: Vec<u64> = scalars
            .map(|scalar| {
                let mut points = [P::generator(); 2 * LANES];
                // SAFETY: the caller has detected the instructions.
                trace::of(|| unsafe { multiply::<P, D>(&mut points, &[scalar; 2 * LANES]) })
            })
            .collect();
        assert!(traces.windows(2).all(|pair| pair[0] == pair[1]), "{traces:x?}");
    }

    /// Entry j has x = 100 + j, phi_x = 200 + j and y' = 2 j + 1, in lane l plus 1000 l: every lane
    /// finds its own digit's entry. The operations are the same for all digits, so that no entry is
    /// left out of the scan.
    #[test]
    fn a_lookup_scans_the_table_and_finds_the_digit_in_every_lane() {
        #[kernel]
        fn element(value: impl Fn(u64) -> u64) -> Element<1> {
            let mut words = [[0; LANES]; 4];
            for (lane, word) in (0..).zip(&mut words[0]) {
                *word = value(lane) + 1000 * lane;
            }
            Element([FqLanes::from_words(&load_words(&words))])
        }
        #[kernel]
        fn lanes(element: &Element<1>) -> [u64; LANES] {
            store_words(&element.0[0].to_words())[0]
        }
        #[kernel]
        fn check(shift: u64, i: usize) {
            let mut tables = [[Entry::<1>::zero(); TABLE]];
            for (j, entry) in (0..).zip(&mut tables[0]) {
                *entry = Entry {
                    point: Affine { x: element(|_| 100 + j), y2: element(|_| 2 * j + 1) },
                    phi_x: element(|_| 200 + j),
                };
            }
            let nibble = |lane: u64| (lane * 2 + shift) % 16;
            let mut digits = [[0; LANES]; 2];
            for (lane, word) in (0..).zip(&mut digits[i / 16]) {
                *word = nibble(lane) << (WINDOW * (i % 16));
            }
            let digits = [isa::load(&digits[0]), isa::load(&digits[1])];
            for phi in [false, true] {
                let (found, negative) = lookup(&tables, &[digits; 4], usize::from(phi), i);
                let (x, y2) = (lanes(&found.x), lanes(&found.y2));
                for lane in 0..LANES {
                    let digit = 2 * nibble(lane as u64) as i64 - 15;
                    assert_eq!(y2[lane], digit.unsigned_abs() + 1000 * lane as u64);
                    assert_eq!(
                        x[lane],
                        if phi { 200 } else { 100 } + digit.unsigned_abs() / 2 + 1000 * lane as u64
                    );
                    assert_eq!(isa::bits(negative) >> lane & 1 == 1, digit < 0);
                }
            }
        }
        if Engine::detect().is_none() {
            return;
        }
        let traces: Vec<u64> = (0..16)
            .flat_map(|shift| (0..digits(1)).map(move |i| (shift, i)))
            // SAFETY: detected above.
            .map(|(shift, i)| trace::of(|| unsafe { check(shift, i) }))
            .collect();
        assert!(traces.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn the_operations_are_the_same_for_every_scalar() {
        if Engine::detect().is_some() {
            one_trace::<G1Affine, 1>();
            one_trace::<G2Affine, 2>();
        }
    }
}
