//! Vectors of eight 64-bit words, to and from memory.

use std::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_storeu_si512};

/// Points in a vector.
pub(super) const LANES: usize = 8;

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
