//! A model of the two multiply-adds, from their description in Intel's manual (instruction set
//! extensions, VPMADD52LUQ and VPMADD52HUQ), on a processor with AVX2.

use std::arch::x86_64::__m256i;

use bn254_batch_macros::kernel;

use super::isa;
use crate::vector::constants::MASK;

/// Whether this processor has what the model needs.
pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx2")
}

/// `sum` plus the low 52 bits of the product of the low 52 bits of `a` and `b`.
#[inline]
#[kernel]
pub(super) fn madd_low(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    isa::add(sum, products(a, b, |product| product as u64 & MASK))
}

/// `sum` plus the high 52 bits of the same product.
#[inline]
#[kernel]
pub(super) fn madd_high(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    isa::add(sum, products(a, b, |product| (product >> 52) as u64))
}

#[inline]
#[kernel]
fn products(a: __m256i, b: __m256i, half: impl Fn(u128) -> u64) -> __m256i {
    let mut words = isa::store(a);
    for (a, b) in words.iter_mut().zip(isa::store(b)) {
        *a = half(u128::from(*a & MASK) * u128::from(b & MASK));
    }
    isa::load(&words)
}
