//! The two multiply-adds of AVX-IFMA.

use std::arch::x86_64::{__m256i, _mm256_madd52hi_avx_epu64, _mm256_madd52lo_avx_epu64};

use bn254_batch_macros::kernel;

/// Whether this processor has them.
pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxifma")
}

/// `sum` plus the low 52 bits of the product of the low 52 bits of `a` and `b`.
#[inline]
#[kernel]
pub(super) fn madd_low(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_madd52lo_avx_epu64(sum, a, b)
}

/// `sum` plus the high 52 bits of the same product.
#[inline]
#[kernel]
pub(super) fn madd_high(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_madd52hi_avx_epu64(sum, a, b)
}
