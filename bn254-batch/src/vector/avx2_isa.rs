//! The instructions: vectors of four 64-bit words, masks of as many words that are all ones or
//! zero. The two multiply-adds are those of `madd`.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi64_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_blendv_epi8, _mm256_castsi256_pd, _mm256_cmpeq_epi64, _mm256_cmpgt_epi64,
    _mm256_loadu_si256, _mm256_movemask_pd, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_permutevar8x32_epi32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64,
    _mm256_srl_epi64, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi64,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use bn254_batch_macros::kernel;

pub(super) use super::madd::{detected, madd_high, madd_low};
use crate::curve::Fq;

/// Words in a vector.
pub(super) const LANES: usize = 4;

/// A word in each lane.
pub(super) type Vector = __m256i;
/// A choice of lanes.
pub(super) type Mask = __m256i;
/// The four words of an element of the field, as arkworks holds them.
pub(super) type Row = __m256i;

#[inline]
#[kernel]
pub(super) fn zero() -> Vector {
    _mm256_setzero_si256()
}

/// The same in all lanes.
#[inline]
#[kernel]
pub(super) fn splat(word: u64) -> Vector {
    _mm256_set1_epi64x(word.cast_signed())
}

#[inline]
#[kernel]
pub(super) fn load(words: &[u64; LANES]) -> Vector {
    // SAFETY: the source is 32 readable bytes; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[kernel]
pub(super) fn store(vector: Vector) -> [u64; LANES] {
    let mut words = [0; LANES];
    // SAFETY: the destination is 32 writable bytes; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
    words
}

#[inline]
#[kernel]
pub(super) fn add(a: Vector, b: Vector) -> Vector {
    _mm256_add_epi64(a, b)
}

#[inline]
#[kernel]
pub(super) fn sub(a: Vector, b: Vector) -> Vector {
    _mm256_sub_epi64(a, b)
}

#[inline]
#[kernel]
pub(super) fn and(a: Vector, b: Vector) -> Vector {
    _mm256_and_si256(a, b)
}

#[inline]
#[kernel]
pub(super) fn or(a: Vector, b: Vector) -> Vector {
    _mm256_or_si256(a, b)
}

#[inline]
#[kernel]
pub(super) fn shift_left<const BITS: i32>(vector: Vector) -> Vector {
    _mm256_slli_epi64::<BITS>(vector)
}

#[inline]
#[kernel]
pub(super) fn shift_right<const BITS: i32>(vector: Vector) -> Vector {
    _mm256_srli_epi64::<BITS>(vector)
}

/// Of signed words. AVX2 has no such shift of 64-bit words: the sign is put in its place after one
/// of unsigned words.
#[inline]
#[kernel]
pub(super) fn shift_right_signed<const BITS: i32>(vector: Vector) -> Vector {
    let sign = splat(1 << (63 - BITS));
    sub(_mm256_xor_si256(shift_right::<BITS>(vector), sign), sign)
}

/// By a public number of bits.
#[inline]
#[kernel]
pub(super) fn shift_right_by(vector: Vector, bits: usize) -> Vector {
    _mm256_srl_epi64(vector, _mm_cvtsi64_si128(bits as i64))
}

#[inline]
#[kernel]
pub(super) fn equal(a: Vector, b: Vector) -> Mask {
    _mm256_cmpeq_epi64(a, b)
}

/// a < b, of signed words.
#[inline]
#[kernel]
pub(super) fn less(a: Vector, b: Vector) -> Mask {
    _mm256_cmpgt_epi64(b, a)
}

/// Lane by lane: `other` where the mask is set.
#[inline]
#[kernel]
pub(super) fn select(vector: Vector, mask: Mask, other: Vector) -> Vector {
    _mm256_blendv_epi8(vector, other, mask)
}

/// The negative in the lanes of the mask.
#[inline]
#[kernel]
pub(super) fn negate(vector: Vector, mask: Mask) -> Vector {
    sub(_mm256_xor_si256(vector, mask), mask)
}

/// The exclusive or with `other` in the lanes of the mask.
#[inline]
#[kernel]
pub(super) fn xor_where(vector: Vector, mask: Mask, other: Vector) -> Vector {
    _mm256_xor_si256(vector, and(mask, other))
}

/// The words of a table of sixteen, in two halves, by the low four bits of each lane.
#[inline]
#[kernel]
pub(super) fn look_up(low: &[u64; 8], high: &[u64; 8], index: Vector) -> Vector {
    // Two 32-bit indices for each word of a quarter of the table; bits 2 and 3 choose the quarter.
    let twice = shift_left::<1>(and(index, splat(3)));
    let halves = or(or(twice, shift_left::<32>(twice)), splat(1 << 32));
    let quarter = |table: &[u64; 8], first: usize| {
        let mut words = [0; LANES];
        words.copy_from_slice(&table[first..first + LANES]);
        _mm256_permutevar8x32_epi32(load(&words), halves)
    };
    let bit = |bit: u64| equal(and(index, splat(bit)), splat(bit));
    let pair = |table| select(quarter(table, 0), bit(4), quarter(table, 4));
    select(pair(low), bit(8), pair(high))
}

/// No lane.
#[inline]
#[kernel]
pub(super) fn none() -> Mask {
    zero()
}

/// All lanes.
#[inline]
#[kernel]
pub(super) fn all() -> Mask {
    splat(!0)
}

#[inline]
#[kernel]
pub(super) fn both(a: Mask, b: Mask) -> Mask {
    and(a, b)
}

#[inline]
#[kernel]
pub(super) fn either(a: Mask, b: Mask) -> Mask {
    or(a, b)
}

#[inline]
#[kernel]
pub(super) fn not(mask: Mask) -> Mask {
    _mm256_andnot_si256(mask, all())
}

/// A bit for each lane, the first one lowest.
#[inline]
#[kernel]
pub(super) fn bits(mask: Mask) -> u8 {
    _mm256_movemask_pd(_mm256_castsi256_pd(mask)) as u8
}

/// The words of four elements, each word of all of them in a vector.
#[inline]
#[kernel]
pub(super) fn columns(row: impl Fn(usize) -> Row) -> [Vector; 4] {
    transposed(&[row(0), row(1), row(2), row(3)])
}

/// The inverse of [`columns`]: hands each element to `put`, with its lane.
#[inline]
#[kernel]
pub(super) fn rows(columns: &[Vector; 4], mut put: impl FnMut(usize, Row)) {
    for (lane, row) in transposed(columns).into_iter().enumerate() {
        put(lane, row);
    }
}

#[inline]
#[kernel]
fn transposed(&[a, b, c, d]: &[__m256i; 4]) -> [__m256i; 4] {
    // Words 0 and 2 of a and b, then words 1 and 3; and so on.
    let [ab_even, ab_odd] = [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)];
    let [cd_even, cd_odd] = [_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d)];
    [
        _mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
        _mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
        _mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
        _mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
    ]
}

#[inline]
#[kernel]
pub(super) fn load_element(x: &Fq) -> Row {
    // SAFETY: the source is an array of four words; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(x.0.0.as_ptr().cast()) }
}

#[inline]
#[kernel]
pub(super) fn store_element(x: &mut Fq, row: Row) {
    // SAFETY: the destination is an array of four words; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(x.0.0.as_mut_ptr().cast(), row) }
}
