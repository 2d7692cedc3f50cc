//! Eight arkworks points to vectors and back: the transposition from points to lanes.

use std::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_setzero_si512, _mm512_storeu_si512};

use super::element::Element;
use super::fq::{Fq8, Words};
use crate::curve::Point;

/// Points in a vector.
pub(super) const LANES: usize = 8;

/// x and y of up to eight points (the lanes after the last one: infinity), below 16 p each.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn load<P: Point, const D: usize>(points: &[P]) -> [Element<D>; 2] {
    let mut words = [[[[0; LANES]; 4]; D]; 2];
    for (lane, point) in points.iter().take(LANES).enumerate() {
        let coordinates = point.coordinates();
        for (i, coordinate) in coordinates.as_ref().iter().enumerate() {
            for (word, limb) in words[i / D][i % D].iter_mut().zip(coordinate.0.0) {
                word[lane] = limb;
            }
        }
    }
    let mut out = [Element::zero(); 2];
    for (out, words) in out.iter_mut().zip(&words) {
        for (out, words) in out.0.iter_mut().zip(words) {
            *out = Fq8::from_ark(&load_words(words));
        }
    }
    out
}

/// The inverse of [`load`], for coordinates already in arkworks' form (see [`Fq8::to_ark`]).
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn store<P: Point, const D: usize>(points: &mut [P], coordinates: &[[Words; D]; 2]) {
    let mut words = [[[[0; LANES]; 4]; D]; 2];
    for (words, vectors) in words.as_flattened_mut().iter_mut().zip(coordinates.as_flattened()) {
        *words = store_words(vectors);
    }
    for (lane, point) in points.iter_mut().take(LANES).enumerate() {
        let mut coordinates = P::ZERO_COORDINATES;
        for (i, coordinate) in coordinates.as_mut().iter_mut().enumerate() {
            for (limb, word) in coordinate.0.0.iter_mut().zip(&words[i / D][i % D]) {
                *limb = word[lane];
            }
        }
        *point = P::from_coordinates(&coordinates);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_words(words: &[[u64; LANES]; 4]) -> Words {
    let mut out = [_mm512_setzero_si512(); 4];
    for (out, word) in out.iter_mut().zip(words) {
        *out = load_vector(word);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_words(vectors: &Words) -> [[u64; LANES]; 4] {
    let mut out = [[0; LANES]; 4];
    for (out, vector) in out.iter_mut().zip(vectors) {
        *out = store_vector(*vector);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_vector(words: &[u64; LANES]) -> __m512i {
    // SAFETY: the source is 64 readable bytes; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_vector(vector: __m512i) -> [u64; LANES] {
    let mut words = [0; LANES];
    // SAFETY: the destination is 64 writable bytes; the instruction asks for no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}
