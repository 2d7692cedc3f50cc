//! Eight arkworks points to vectors and back: the transposition from points to lanes.

use std::arch::x86_64::{
    __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_castsi256_si512,
    _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_inserti64x4,
    _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::element::Element;
use super::fq::{Fq8, Words};
use super::words::{LANES, load_vector, store_vector};
use crate::curve::{AffinePoint, Fq};

/// x and y of eight points, each as D coordinates in words.
pub(super) type Coordinates<const D: usize> = [Words; D];

/// x and y of up to eight points (the lanes after the last one: infinity), below 1.15 p each.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn load<P: AffinePoint, const D: usize>(points: &[P]) -> [Element<D>; 2] {
    let mut out = [Element::zero(); 2];
    for (which, out) in out.iter_mut().enumerate() {
        let words = gather::<P, D>(
            |lane| points.get(lane).map_or(P::ZERO_COORDINATES, P::coordinates),
            which,
        );
        for (out, words) in out.0.iter_mut().zip(&words) {
            *out = Fq8::from_ark(words);
        }
    }
    out
}

/// Writes up to eight points with these coordinates, which are in arkworks' form already (see
/// [`Fq8::to_ark`]).
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn store<P: AffinePoint, const D: usize>(
    points: &mut [P],
    x: &Coordinates<D>,
    y: &Coordinates<D>,
) {
    for (point, coordinates) in points.iter_mut().zip(&scatter::<P, D>(x, y)) {
        *point = P::from_coordinates(coordinates);
    }
}

/// x (`which` = 0) or y (1) of the eight points whose coordinates `point` gives, word by word.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn gather<P: AffinePoint, const D: usize>(
    point: impl Fn(usize) -> P::Coordinates,
    which: usize,
) -> Coordinates<D> {
    let mut out = [[_mm512_setzero_si512(); 4]; D];
    for (d, out) in out.iter_mut().enumerate() {
        let half = |lane: usize| load_element(&point(lane).as_ref()[which * D + d]);
        let pair =
            |low: usize| _mm512_inserti64x4::<1>(_mm512_castsi256_si512(half(low)), half(low + 2));
        let (a, b, c, d) = (pair(0), pair(1), pair(4), pair(5));
        // Words 0 and 2 of points 0 and 1, then of 2 and 3; and so on.
        let [ab_even, ab_odd] = [_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)];
        let [cd_even, cd_odd] = [_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d)];
        *out = [
            _mm512_shuffle_i64x2::<0b10_00_10_00>(ab_even, cd_even),
            _mm512_shuffle_i64x2::<0b10_00_10_00>(ab_odd, cd_odd),
            _mm512_shuffle_i64x2::<0b11_01_11_01>(ab_even, cd_even),
            _mm512_shuffle_i64x2::<0b11_01_11_01>(ab_odd, cd_odd),
        ];
    }
    out
}

/// The inverse of [`gather`], for both coordinates.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn scatter<P: AffinePoint, const D: usize>(
    x: &Coordinates<D>,
    y: &Coordinates<D>,
) -> [P::Coordinates; LANES] {
    let mut out = [P::ZERO_COORDINATES; LANES];
    let low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    let high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    for (i, words) in x.iter().chain(y).enumerate() {
        // Words 0 and 1, and words 2 and 3, of the even points and of the odd ones.
        let even =
            [_mm512_unpacklo_epi64(words[0], words[1]), _mm512_unpacklo_epi64(words[2], words[3])];
        let odd =
            [_mm512_unpackhi_epi64(words[0], words[1]), _mm512_unpackhi_epi64(words[2], words[3])];
        for (first, pairs) in [even, odd].iter().enumerate() {
            for (base, index) in [(first, low), (first + 4, high)] {
                let two = _mm512_permutex2var_epi64(pairs[0], index, pairs[1]);
                store_element(&mut out[base].as_mut()[i], _mm512_castsi512_si256(two));
                store_element(&mut out[base + 2].as_mut()[i], _mm512_extracti64x4_epi64::<1>(two));
            }
        }
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_element(x: &Fq) -> __m256i {
    // SAFETY: the source is an array of four words; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(x.0.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_element(x: &mut Fq, words: __m256i) {
    // SAFETY: the destination is an array of four words; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(x.0.0.as_mut_ptr().cast(), words) }
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
