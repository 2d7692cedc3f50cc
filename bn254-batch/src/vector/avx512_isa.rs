//! The instructions: vectors of eight 64-bit words, masks of eight bits.

use std::arch::x86_64::{
    __m256i, __m512i, __mmask8, _mm_cvtsi64_si128, _mm256_loadu_si256, _mm256_storeu_si256,
    _mm512_add_epi64, _mm512_and_si512, _mm512_castsi256_si512, _mm512_castsi512_si256,
    _mm512_cmpeq_epi64_mask, _mm512_cmplt_epi64_mask, _mm512_extracti64x4_epi64,
    _mm512_inserti64x4, _mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mask_mov_epi64, _mm512_mask_sub_epi64, _mm512_mask_xor_epi64, _mm512_or_si512,
    _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srl_epi64,
    _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64,
};

use bn254_batch_macros::kernel;

use crate::curve::Fq;

/// Words in a vector.
pub(super) const LANES: usize = 8;

/// A word in each lane.
pub(super) type Vector = __m512i;
/// A choice of lanes.
pub(super) type Mask = __mmask8;
/// The four words of an element of the field, as arkworks holds them.
pub(super) type Row = __m256i;

/// Whether this processor has them.
pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

#[inline]
#[kernel]
pub(super) fn zero() -> Vector {
    _mm512_setzero_si512()
}

/// The same in all lanes.
#[inline]
#[kernel]
pub(super) fn splat(word: u64) -> Vector {
    _mm512_set1_epi64(word.cast_signed())
}

#[inline]
#[kernel]
pub(super) fn load(words: &[u64; LANES]) -> Vector {
    // SAFETY: the source is 64 readable bytes; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[kernel]
pub(super) fn store(vector: Vector) -> [u64; LANES] {
    let mut words = [0; LANES];
    // SAFETY: the destination is 64 writable bytes; the instruction asks for no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}

#[inline]
#[kernel]
pub(super) fn add(a: Vector, b: Vector) -> Vector {
    _mm512_add_epi64(a, b)
}

#[inline]
#[kernel]
pub(super) fn sub(a: Vector, b: Vector) -> Vector {
    _mm512_sub_epi64(a, b)
}

#[inline]
#[kernel]
pub(super) fn and(a: Vector, b: Vector) -> Vector {
    _mm512_and_si512(a, b)
}

#[inline]
#[kernel]
pub(super) fn or(a: Vector, b: Vector) -> Vector {
    _mm512_or_si512(a, b)
}

/// `sum` plus the low 52 bits of the product of the low 52 bits of `a` and `b`.
#[inline]
#[kernel]
pub(super) fn madd_low(sum: Vector, a: Vector, b: Vector) -> Vector {
    _mm512_madd52lo_epu64(sum, a, b)
}

/// `sum` plus the high 52 bits of the same product.
#[inline]
#[kernel]
pub(super) fn madd_high(sum: Vector, a: Vector, b: Vector) -> Vector {
    _mm512_madd52hi_epu64(sum, a, b)
}

#[inline]
#[kernel]
pub(super) fn shift_left<const BITS: u32>(vector: Vector) -> Vector {
    _mm512_slli_epi64::<BITS>(vector)
}

#[inline]
#[kernel]
pub(super) fn shift_right<const BITS: u32>(vector: Vector) -> Vector {
    _mm512_srli_epi64::<BITS>(vector)
}

/// Of signed words.
#[inline]
#[kernel]
pub(super) fn shift_right_signed<const BITS: u32>(vector: Vector) -> Vector {
    _mm512_srai_epi64::<BITS>(vector)
}

/// By a public number of bits.
#[inline]
#[kernel]
pub(super) fn shift_right_by(vector: Vector, bits: usize) -> Vector {
    _mm512_srl_epi64(vector, _mm_cvtsi64_si128(bits as i64))
}

#[inline]
#[kernel]
pub(super) fn equal(a: Vector, b: Vector) -> Mask {
    _mm512_cmpeq_epi64_mask(a, b)
}

/// a < b, of signed words.
#[inline]
#[kernel]
pub(super) fn less(a: Vector, b: Vector) -> Mask {
    _mm512_cmplt_epi64_mask(a, b)
}

/// Lane by lane: `other` where the mask is set.
#[inline]
#[kernel]
pub(super) fn select(vector: Vector, mask: Mask, other: Vector) -> Vector {
    _mm512_mask_mov_epi64(vector, mask, other)
}

/// The negative in the lanes of the mask.
#[inline]
#[kernel]
pub(super) fn negate(vector: Vector, mask: Mask) -> Vector {
    _mm512_mask_sub_epi64(vector, mask, zero(), vector)
}

/// The exclusive or with `other` in the lanes of the mask.
#[inline]
#[kernel]
pub(super) fn xor_where(vector: Vector, mask: Mask, other: Vector) -> Vector {
    _mm512_mask_xor_epi64(vector, mask, vector, other)
}

/// The words of a table of sixteen, in two halves, by the low four bits of each lane.
#[inline]
#[kernel]
pub(super) fn look_up(low: &[u64; 8], high: &[u64; 8], index: Vector) -> Vector {
    _mm512_permutex2var_epi64(load(low), index, load(high))
}

/// No lane.
#[inline]
#[kernel]
pub(super) fn none() -> Mask {
    0
}

/// All lanes.
#[inline]
#[kernel]
pub(super) fn all() -> Mask {
    !0
}

#[inline]
#[kernel]
pub(super) fn both(a: Mask, b: Mask) -> Mask {
    a & b
}

#[inline]
#[kernel]
pub(super) fn either(a: Mask, b: Mask) -> Mask {
    a | b
}

#[inline]
#[kernel]
pub(super) fn not(mask: Mask) -> Mask {
    !mask
}

/// A bit for each lane, the first one lowest.
#[inline]
#[kernel]
pub(super) fn bits(mask: Mask) -> u8 {
    mask
}

/// The words of eight elements, each word of all of them in a vector.
#[inline]
#[kernel]
pub(super) fn columns(row: impl Fn(usize) -> Row) -> [Vector; 4] {
    let pair = |low: usize| _mm512_inserti64x4::<1>(_mm512_castsi256_si512(row(low)), row(low + 2));
    let (a, b, c, d) = (pair(0), pair(1), pair(4), pair(5));
    // Words 0 and 2 of elements 0 and 1, then of 2 and 3; and so on.
    let [ab_even, ab_odd] = [_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)];
    let [cd_even, cd_odd] = [_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d)];
    [
        _mm512_shuffle_i64x2::<0b10_00_10_00>(ab_even, cd_even),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(ab_odd, cd_odd),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(ab_even, cd_even),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(ab_odd, cd_odd),
    ]
}

/// The inverse of [`columns`]: hands each element to `put`, with its lane.
#[inline]
#[kernel]
pub(super) fn rows(columns: &[Vector; 4], mut put: impl FnMut(usize, Row)) {
    let low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    let high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    // Words 0 and 1, and words 2 and 3, of the even elements and of the odd ones.
    let even = [
        _mm512_unpacklo_epi64(columns[0], columns[1]),
        _mm512_unpacklo_epi64(columns[2], columns[3]),
    ];
    let odd = [
        _mm512_unpackhi_epi64(columns[0], columns[1]),
        _mm512_unpackhi_epi64(columns[2], columns[3]),
    ];
    for (first, pairs) in [even, odd].iter().enumerate() {
        for (base, index) in [(first, low), (first + 4, high)] {
            let two = _mm512_permutex2var_epi64(pairs[0], index, pairs[1]);
            put(base, _mm512_castsi512_si256(two));
            put(base + 2, _mm512_extracti64x4_epi64::<1>(two));
        }
    }
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
