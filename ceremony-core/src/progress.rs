//! Progress reporting for long-running operations. The library prints nothing; a binary turns these
//! calls into a bar.

/// An observer of long steps. One step is open at a time; one that fails is not ended, and another
/// that begins takes its place.
pub trait Progress: Sync {
    /// A step of `total` units begins.
    fn begin(&self, step: &str, total: u64);
    /// `units` more are done.
    fn advance(&self, units: u64);
    /// The step is over.
    fn end(&self);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// Forwards `advance` to an already open step; ignores `begin` and `end`, so parallel work can
/// share one bar.
pub(crate) struct SubProgress<'a>(pub(crate) &'a dyn Progress);

impl Progress for SubProgress<'_> {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, units: u64) {
        self.0.advance(units);
    }
    fn end(&self) {}
}
