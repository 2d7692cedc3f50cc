//! The four heavy operations on points, and nothing that knows of ceremonies.
//!
//! | operation | used by | secret scalars |
//! |---|---|---|
//! | [`mul_each`]: P_i <- s_i P_i | phase 1 contribution | yes |
//! | [`mul_all`]: P_i <- s P_i | phase 2 contribution | yes |
//! | [`linear_combination`]: sum c_i P_i, c_i < 2^128 | every ratio check | no |
//! | [`group_fft`], [`butterflies`]: the FFT with points for values | prepare, Lagrange check | no |
//! | [`outside_subgroup`]: which G2 point is not in the r-torsion | every file read | no |
//!
//! Points are affine, in and out, and lie on their curve (the readers in `format` see to that); infinity is a legal value everywhere.
//! All operations use both cores through rayon. The back end is [`portable`]; the interface is what a vector back end fills.
//!
//! **Not constant time.** arkworks' scalar multiplication, which the portable back end uses, branches on the bits of the scalar. A
//! contributor's tau, alpha, beta and delta therefore leave a timing trace on the machine that makes the contribution. Contribute on a
//! machine that nobody else shares. The constant-time back end replaces this paragraph.

mod glv;
#[cfg(target_arch = "x86_64")]
pub mod ifma;
mod portable;

pub use portable::{butterflies, group_fft, linear_combination, mul_all, mul_each, outside_subgroup};

/// Which way a [`group_fft`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Coefficients to values: y_i = sum_j omega^(ij) x_j.
    Forward,
    /// Values to coefficients: x_i = 2^-k sum_j omega^(-ij) y_j. Applied to powers [tau^j] it gives the Lagrange basis [L_i(tau)].
    Inverse,
}
