//! Arkworks points to vectors and back: the transposition from points to lanes.

use bn254_batch_macros::kernel;

use super::element::Element;
use super::fq::{FqLanes, Words};
use super::isa::{self, LANES};
use crate::curve::AffinePoint;

/// x and y of a vector of points, each as D coordinates in words.
pub(super) type Coordinates<const D: usize> = [Words; D];

/// x and y of a vector of points at most (the lanes after the last one: infinity), below 1.15 p
/// each.
#[kernel]
pub(super) fn load<P: AffinePoint, const D: usize>(points: &[P]) -> [Element<D>; 2] {
    let mut out = [Element::zero(); 2];
    for (which, out) in out.iter_mut().enumerate() {
        let words = gather::<P, D>(
            |lane| points.get(lane).map_or(P::ZERO_COORDINATES, P::coordinates),
            which,
        );
        for (out, words) in out.0.iter_mut().zip(&words) {
            *out = FqLanes::from_ark(words);
        }
    }
    out
}

/// Writes a vector of points at most with these coordinates, which are in arkworks' form already
/// (see [`FqLanes::to_ark`]).
#[kernel]
pub(super) fn store<P: AffinePoint, const D: usize>(
    points: &mut [P],
    x: &Coordinates<D>,
    y: &Coordinates<D>,
) {
    for (point, coordinates) in points.iter_mut().zip(&scatter::<P, D>(x, y)) {
        *point = P::from_coordinates(coordinates);
    }
}

/// x (`which` = 0) or y (1) of the points whose coordinates `point` gives, word by word.
#[inline]
#[kernel]
pub(super) fn gather<P: AffinePoint, const D: usize>(
    point: impl Fn(usize) -> P::Coordinates,
    which: usize,
) -> Coordinates<D> {
    let mut out = [[isa::zero(); 4]; D];
    for (d, out) in out.iter_mut().enumerate() {
        *out = isa::columns(|lane| isa::load_element(&point(lane).as_ref()[which * D + d]));
    }
    out
}

/// The inverse of [`gather`], for both coordinates.
#[inline]
#[kernel]
pub(super) fn scatter<P: AffinePoint, const D: usize>(
    x: &Coordinates<D>,
    y: &Coordinates<D>,
) -> [P::Coordinates; LANES] {
    let mut out = [P::ZERO_COORDINATES; LANES];
    for (i, words) in x.iter().chain(y).enumerate() {
        isa::rows(words, |lane, row| isa::store_element(&mut out[lane].as_mut()[i], row));
    }
    out
}

#[inline]
#[kernel]
pub(super) fn load_words(words: &[[u64; LANES]; 4]) -> Words {
    let mut out = [isa::zero(); 4];
    for (out, word) in out.iter_mut().zip(words) {
        *out = isa::load(word);
    }
    out
}

#[inline]
#[kernel]
pub(super) fn store_words(vectors: &Words) -> [[u64; LANES]; 4] {
    let mut out = [[0; LANES]; 4];
    for (out, vector) in out.iter_mut().zip(vectors) {
        *out = isa::store(*vector);
    }
    out
}
