//! The lazy-reduction argument, carried by the values themselves in debug builds and absent from
//! release builds.
//!
//! Every vector value has an [`Interval`]: the number it stands for lies in [low, high] p, and
//! every limb is below limb * 2^52 in absolute value. Operations compute the interval of their
//! result from those of their operands, and assert what they rely on:
//!
//! - a carry pass needs low >= 0 and high p < 2^260, so that five limbs hold the result;
//! - the limbs of raw values and columns need |limb| < 2^11, so that 64-bit accumulators do not
//!   overflow.
//!
//! No operation of this back end branches on data, and an interval depends only on the sequence of
//! operations that made the value, never on the value. One execution of a code path in a debug
//! build therefore proves its bounds for all inputs; the tests execute every path. (The loops reach
//! a fixpoint of the intervals after two or three rounds, and run to their end in the tests
//! anyway.)

/// The least integer above R / p = 2^260 / p = 84.642..., rounded **down** to two decimals: how
/// much a reduction divides by.
#[cfg(debug_assertions)]
const R_OVER_P: f64 = 84.64;
/// What a reduction adds at most, in p: p itself from its last step, and M' = 0.1269 p from the
/// other four (see `fq`).
#[cfg(debug_assertions)]
const REDUCTION_EXCESS: f64 = 1.13;
/// 64-bit lanes hold limbs up to 2^11 times 2^52, with sign.
#[cfg(debug_assertions)]
const LIMB_LIMIT: f64 = 2047.0;

/// A digest of the operations that this thread has done on vectors, for the test that they do not
/// depend on a scalar.
#[cfg(debug_assertions)]
pub(super) mod trace {
    use std::cell::Cell;

    thread_local!(static TRACE: Cell<u64> = const { Cell::new(0) });

    pub(super) fn record(operation: u64) {
        // FNV-1a.
        TRACE.with(|trace| trace.set((trace.get() ^ operation).wrapping_mul(0x0100_0000_01b3)));
    }

    /// The digest of what `work` does.
    #[cfg(test)]
    pub(in super::super) fn of(work: impl FnOnce()) -> u64 {
        TRACE.with(|trace| trace.set(0xcbf2_9ce4_8422_2325));
        work();
        TRACE.with(Cell::get)
    }
}

/// Bounds of a value in units of p, and of its limbs in units of 2^52. A zero-sized type in release
/// builds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    #[cfg(debug_assertions)]
    low: f64,
    #[cfg(debug_assertions)]
    high: f64,
    #[cfg(debug_assertions)]
    limb: f64,
}

#[cfg(debug_assertions)]
impl Interval {
    /// A value in [0, high] p with limbs below 2^52.
    pub(super) const fn up_to(high: f64) -> Self {
        Self { low: 0.0, high, limb: 1.0 }
    }

    /// k p.
    pub(super) fn multiple_of_p(k: usize) -> Self {
        Self { low: k as f64, high: k as f64, limb: 1.0 }
    }

    fn new(low: f64, high: f64, limb: f64) -> Self {
        assert!(limb <= LIMB_LIMIT, "a limb may reach {limb} * 2^52");
        trace::record(
            low.to_bits() ^ high.to_bits().rotate_left(21) ^ limb.to_bits().rotate_left(42),
        );
        Self { low, high, limb }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self::new(self.low + other.low, self.high + other.high, self.limb + other.limb)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self::new(self.low - other.high, self.high - other.low, self.limb + other.limb)
    }

    pub(super) fn times(self, factor: u32) -> Self {
        let factor = f64::from(factor);
        Self::new(self.low * factor, self.high * factor, self.limb * factor)
    }

    /// The product's columns, in units of R p: at most nine partial products meet in a column, ten
    /// in the sum of a square.
    pub(super) fn product(self, other: Self) -> Self {
        assert!(
            self.low >= 0.0 && other.low >= 0.0 && self.limb <= 1.0 && other.limb <= 1.0,
            "a factor is not normalised"
        );
        Self::new(0.0, self.high * other.high / R_OVER_P, 10.0)
    }

    /// After a Montgomery reduction: ten more partial products in a column, and a carry.
    pub(super) fn reduced(self) -> Self {
        Self::new(self.low, self.high + REDUCTION_EXCESS, self.limb + 12.0)
    }

    /// After a carry pass.
    pub(super) fn carried(self) -> Self {
        assert!(self.low >= 0.0, "a carry pass over a value that may be {} p", self.low);
        assert!(self.high < R_OVER_P, "a carry pass over a value that may be {} p", self.high);
        Self::up_to(self.high)
    }

    /// After `Raw::fold`.
    pub(super) fn folded(self) -> Self {
        assert!(
            self.low > -6.6 && self.high < 3.9,
            "[{}, {}] p is too wide to fold",
            self.low,
            self.high
        );
        Self::up_to(1.67)
    }

    /// Either of two values.
    pub(super) fn or(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high), self.limb.max(other.limb))
    }

    /// After the subtraction of p from every value that is at least p.
    pub(super) fn less_p(self) -> Self {
        Self::up_to((self.high - 1.0).max(1.0))
    }

    /// Asserts that the value is below `limit` p.
    pub(super) fn assert_below(self, limit: f64) {
        assert!(
            self.low >= 0.0 && self.high < limit,
            "[{}, {}] p where less than {limit} p is needed",
            self.low,
            self.high
        );
    }
}

#[cfg(not(debug_assertions))]
impl Interval {
    pub(super) const fn up_to(_: f64) -> Self {
        Self {}
    }

    pub(super) fn multiple_of_p(_: usize) -> Self {
        Self {}
    }

    pub(super) fn plus(self, _: Self) -> Self {
        self
    }

    pub(super) fn minus(self, _: Self) -> Self {
        self
    }

    pub(super) fn times(self, _: u32) -> Self {
        self
    }

    pub(super) fn product(self, _: Self) -> Self {
        self
    }

    pub(super) fn reduced(self) -> Self {
        self
    }

    pub(super) fn carried(self) -> Self {
        self
    }

    pub(super) fn folded(self) -> Self {
        self
    }

    pub(super) fn or(self, _: Self) -> Self {
        self
    }

    pub(super) fn less_p(self) -> Self {
        self
    }

    pub(super) fn assert_below(self, _: f64) {}
}
