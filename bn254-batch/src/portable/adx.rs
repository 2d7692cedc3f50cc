//! Arithmetic with two carry chains: mulx, adcx and adox (x86-64 with BMI2 and ADX: Intel since
//! Broadwell, AMD since Zen).
//!
//! The words of a sum t travel through five registers. A row adds a word times four words to it:
//! the low halves of the partial products with the overflow flag's chain, the high halves with the
//! carry flag's, side by side. Both chains end with no carry, as no sum overflows its five words
//! (with one exception, see `sum_of_products`), so that the next row needs no flag cleared.
//!
//! A reduction step usually adds m q with m = -t_0 / q mod 2^64 and drops the lowest word, which is
//! zero then. With q' = (q (-1/q mod 2^64) + 1) / 2^64, which is below q,
//!
//! > (t + t_0 q (-1/q mod 2^64)) / 2^64 = (t - t_0) / 2^64 + t_0 q'
//!
//! is the same number modulo q without the multiplication for m, but up to 2^64 q instead of q
//! larger than t / 2^64. The first two of the four steps are taken in this way: two more steps
//! divide what they add by 2^64 twice, so that of the second at most q / 2^64 is left.
#![allow(unsafe_code)]

use std::arch::asm;

use super::residue::{Arithmetic, MINUS_ONE_OVER_Q, Q, Q_TWICE, Words};

/// q, -1/q mod 2^64, q', 2 q.
static CONSTANTS: [u64; 13] = {
    // q times the inverse, plus one: its lowest word is zero.
    let mut product = [0u64; 4];
    let mut carry = 1;
    let mut i = 0;
    while i < 4 {
        carry += Q[i] as u128 * MINUS_ONE_OVER_Q as u128;
        product[i] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    let [_, p1, p2, p3] = product;
    let ([q0, q1, q2, q3], [d0, d1, d2, d3]) = (Q, Q_TWICE);
    [q0, q1, q2, q3, MINUS_ONE_OVER_Q, p1, p2, p3, carry as u64, d0, d1, d2, d3]
};

/// (top, t3 .. t0) <- (t3 .. t0) + rdx times the words at `p`, the last carries still pending.
macro_rules! row {
    ($p:literal: $t0:literal $t1:literal $t2:literal $t3:literal, $top:literal) => {
        concat!(
            "mulx {",
            $top,
            "}, {low}, [",
            $p,
            "]\n",
            "adox {",
            $t0,
            "}, {low}\n",
            "adcx {",
            $t1,
            "}, {",
            $top,
            "}\n",
            "mulx {",
            $top,
            "}, {low}, [",
            $p,
            " + 8]\n",
            "adox {",
            $t1,
            "}, {low}\n",
            "adcx {",
            $t2,
            "}, {",
            $top,
            "}\n",
            "mulx {",
            $top,
            "}, {low}, [",
            $p,
            " + 16]\n",
            "adox {",
            $t2,
            "}, {low}\n",
            "adcx {",
            $t3,
            "}, {",
            $top,
            "}\n",
            "mulx {",
            $top,
            "}, {low}, [",
            $p,
            " + 24]\n",
            "adox {",
            $t3,
            "}, {low}\n",
        )
    };
}

/// (t4 .. t0) <- rdx times the words at `p`; zero <- 0, no flag set.
macro_rules! first {
    ($p:literal) => {
        concat!(
            "xor {zero:e}, {zero:e}\n",
            "mulx {t1}, {t0}, [",
            $p,
            "]\n",
            "mulx {t2}, {low}, [",
            $p,
            " + 8]\n",
            "adcx {t1}, {low}\n",
            "mulx {t3}, {low}, [",
            $p,
            " + 16]\n",
            "adcx {t2}, {low}\n",
            "mulx {t4}, {low}, [",
            $p,
            " + 24]\n",
            "adcx {t3}, {low}\n",
            "adcx {t4}, {zero}\n",
        )
    };
}

/// (t4 .. t0) <- (t3 .. t0) + rdx times the words at `p`.
macro_rules! grow {
    ($p:literal: $t0:literal $t1:literal $t2:literal $t3:literal $t4:literal) => {
        concat!(
            row!($p: $t0 $t1 $t2 $t3, $t4),
            "adcx {", $t4, "}, {zero}\n",
            "adox {", $t4, "}, {zero}\n",
        )
    };
}

/// (t4 .. t0) <- (t4 .. t0) + rdx times the words at `p`.
macro_rules! accumulate {
    ($p:literal: $t0:literal $t1:literal $t2:literal $t3:literal $t4:literal) => {
        concat!(
            row!($p: $t0 $t1 $t2 $t3, "high"),
            "adcx {", $t4, "}, {high}\n",
            "adox {", $t4, "}, {zero}\n",
        )
    };
}

/// (t0, t4 .. t1) <- (t4 .. t1) + t0 q'.
macro_rules! reduce_short {
    ($t0:literal $t1:literal $t2:literal $t3:literal $t4:literal) => {
        concat!("mov rdx, {", $t0, "}\n", grow!("{constants} + 40": $t1 $t2 $t3 $t4 $t0))
    };
}

/// (t4 .. t1) <- ((t4 .. t0) + m q) / 2^64; t0 is zero then.
macro_rules! reduce {
    ($t0:literal $t1:literal $t2:literal $t3:literal $t4:literal) => {
        concat!(
            "mov rdx, {", $t0, "}\n",
            "mulx {high}, rdx, [{constants} + 32]\n",
            accumulate!("{constants}": $t0 $t1 $t2 $t3 $t4),
        )
    };
}

/// (t3 .. t0) <- (t3 .. t0) - 2 q unless that is negative. The other four become the difference.
macro_rules! subtract_unless_below {
    ($t0:literal $t1:literal $t2:literal $t3:literal, $d0:literal $d1:literal $d2:literal $d3:literal) => {
        concat!(
            "mov {",
            $d0,
            "}, {",
            $t0,
            "}\n",
            "mov {",
            $d1,
            "}, {",
            $t1,
            "}\n",
            "mov {",
            $d2,
            "}, {",
            $t2,
            "}\n",
            "mov {",
            $d3,
            "}, {",
            $t3,
            "}\n",
            "sub {",
            $d0,
            "}, [{constants} + 72]\n",
            "sbb {",
            $d1,
            "}, [{constants} + 80]\n",
            "sbb {",
            $d2,
            "}, [{constants} + 88]\n",
            "sbb {",
            $d3,
            "}, [{constants} + 96]\n",
            "cmovnc {",
            $t0,
            "}, {",
            $d0,
            "}\n",
            "cmovnc {",
            $t1,
            "}, {",
            $d1,
            "}\n",
            "cmovnc {",
            $t2,
            "}, {",
            $d2,
            "}\n",
            "cmovnc {",
            $t3,
            "}, {",
            $d3,
            "}\n",
        )
    };
}

/// (t3 .. t0), which are `a` at first, after these lines: they read the words at `b` and have four
/// more registers, d0 to d3.
macro_rules! word_by_word {
    ($a:ident, $b:ident: $($line:expr),+ $(,)?) => {{
        let [mut t0, mut t1, mut t2, mut t3] = *$a;
        asm!(
            $($line,)+
            b = in(reg) $b.as_ptr(),
            constants = in(reg) CONSTANTS.as_ptr(),
            t0 = inout(reg) t0,
            t1 = inout(reg) t1,
            t2 = inout(reg) t2,
            t3 = inout(reg) t3,
            d0 = out(reg) _,
            d1 = out(reg) _,
            d2 = out(reg) _,
            d3 = out(reg) _,
            options(pure, readonly, nostack),
        );
        [t0, t1, t2, t3]
    }};
}

/// Exists only where the processor has the instructions (see [`super::Adx`]).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoChains;

impl Arithmetic for TwoChains {
    #[inline(always)]
    fn sum(a: &Words, b: &Words) -> Words {
        // SAFETY: reads the 32 bytes at `b` and the 104 of the constants, and writes to its
        // registers only. No instruction is beyond x86-64's first.
        unsafe {
            word_by_word!(
                a, b:
                "add {t0}, [{b}]",
                "adc {t1}, [{b} + 8]",
                "adc {t2}, [{b} + 16]",
                "adc {t3}, [{b} + 24]",
                subtract_unless_below!("t0" "t1" "t2" "t3", "d0" "d1" "d2" "d3"),
            )
        }
    }

    /// The borrow is a mask for 2 q.
    #[inline(always)]
    fn difference(a: &Words, b: &Words) -> Words {
        // SAFETY: as in `sum`.
        unsafe {
            word_by_word!(
                a, b:
                "sub {t0}, [{b}]",
                "sbb {t1}, [{b} + 8]",
                "sbb {t2}, [{b} + 16]",
                "sbb {t3}, [{b} + 24]",
                "sbb {d3}, {d3}",
                "mov {d0}, {d3}",
                "mov {d1}, {d3}",
                "mov {d2}, {d3}",
                "and {d0}, [{constants} + 72]",
                "and {d1}, [{constants} + 80]",
                "and {d2}, [{constants} + 88]",
                "and {d3}, [{constants} + 96]",
                "add {t0}, {d0}",
                "adc {t1}, {d1}",
                "adc {t2}, {d2}",
                "adc {t3}, {d3}",
            )
        }
    }

    /// t is below 2^64 q and a little after a short reduction, and so below 2^64 (q + b + q) <
    /// 2^320 with a word times b and with m q.
    #[inline(always)]
    fn product(a: &Words, b: &Words) -> Words {
        let (t0, t1, t2, t4);
        // SAFETY: this type is used only where the processor has BMI2 and ADX. The code reads the
        // 32 bytes at `a` and at `b` and the 104 of the constants, and writes to its registers
        // only.
        unsafe {
            asm!(
                "mov rdx, [{a}]",
                first!("{b}"),
                reduce_short!("t0" "t1" "t2" "t3" "t4"),
                "mov rdx, [{a} + 8]",
                accumulate!("{b}": "t1" "t2" "t3" "t4" "t0"),
                reduce_short!("t1" "t2" "t3" "t4" "t0"),
                "mov rdx, [{a} + 16]",
                accumulate!("{b}": "t2" "t3" "t4" "t0" "t1"),
                reduce!("t2" "t3" "t4" "t0" "t1"),
                "mov rdx, [{a} + 24]",
                grow!("{b}": "t3" "t4" "t0" "t1" "t2"),
                reduce!("t3" "t4" "t0" "t1" "t2"),
                a = in(reg) a.as_ptr(),
                b = in(reg) b.as_ptr(),
                constants = in(reg) CONSTANTS.as_ptr(),
                t0 = out(reg) t0,
                t1 = out(reg) t1,
                t2 = out(reg) t2,
                t3 = out(reg) _,
                t4 = out(reg) t4,
                low = out(reg) _,
                high = out(reg) _,
                zero = out(reg) _,
                out("rdx") _,
                options(pure, readonly, nostack),
            );
        }
        [t4, t0, t1, t2]
    }

    /// Two sums of two products with a reduction each: a0 b0 + a1 (-b1), a0 b1 + a1 b0.
    #[inline(always)]
    fn product_in_fq2(a: &[Words; 2], b: &[Words; 2]) -> [Words; 2] {
        let minus_b1 = Self::difference(&[0; 4], &b[1]);
        [sum_of_products(a, &b[0], &minus_b1), sum_of_products(a, &b[1], &b[0])]
    }
}

/// (a0 b + a1 c) / 2^256, below 2 q, for b and c up to 2 q.
///
/// After a short reduction t is below 2^64 q and a little, so that t + 2^64 (b + c), which is below
/// 2^64 5 q and a little, fits in five words. After the third step it is not: with m q it may reach
/// 2^64 6 q. Its carry is caught in the word that the reduction has made zero. At the end t is
/// below 8 q^2 / 2^256 + q < 3 q.
#[inline(always)]
fn sum_of_products(a: &[Words; 2], b: &Words, c: &Words) -> Words {
    let (t0, t1, t2, t4);
    // SAFETY: as above; `a` has 64 bytes, `b` and `c` have 32.
    unsafe {
        asm!(
            "mov rdx, [{a}]",
            first!("{b}"),
            "mov rdx, [{a} + 32]",
            accumulate!("{c}": "t0" "t1" "t2" "t3" "t4"),
            reduce_short!("t0" "t1" "t2" "t3" "t4"),
            "mov rdx, [{a} + 8]",
            accumulate!("{b}": "t1" "t2" "t3" "t4" "t0"),
            "mov rdx, [{a} + 40]",
            accumulate!("{c}": "t1" "t2" "t3" "t4" "t0"),
            reduce_short!("t1" "t2" "t3" "t4" "t0"),
            "mov rdx, [{a} + 16]",
            accumulate!("{b}": "t2" "t3" "t4" "t0" "t1"),
            "mov rdx, [{a} + 48]",
            accumulate!("{c}": "t2" "t3" "t4" "t0" "t1"),
            reduce!("t2" "t3" "t4" "t0" "t1"),
            "adcx {t2}, {zero}",
            "adox {t2}, {zero}",
            "mov rdx, [{a} + 24]",
            accumulate!("{b}": "t3" "t4" "t0" "t1" "t2"),
            "mov rdx, [{a} + 56]",
            accumulate!("{c}": "t3" "t4" "t0" "t1" "t2"),
            reduce!("t3" "t4" "t0" "t1" "t2"),
            subtract_unless_below!("t4" "t0" "t1" "t2", "t3" "low" "high" "zero"),
            a = in(reg) a.as_ptr(),
            b = in(reg) b.as_ptr(),
            c = in(reg) c.as_ptr(),
            constants = in(reg) CONSTANTS.as_ptr(),
            t0 = out(reg) t0,
            t1 = out(reg) t1,
            t2 = out(reg) t2,
            t3 = out(reg) _,
            t4 = out(reg) t4,
            low = out(reg) _,
            high = out(reg) _,
            zero = out(reg) _,
            out("rdx") _,
            options(pure, readonly, nostack),
        );
    }
    [t4, t0, t1, t2]
}
