//! How long steps take, and how much they work on.

use std::time::{Duration, Instant};

use ceremony_core::progress::Progress;
use metrics::{Counter, Label};
use zk_attest::statement::Phase;

use super::families::{WORK_BYTES, WORK_POINTS, WORK_SECONDS};

/// What a step of a chain is of. The kinds cost differently a byte, and are measured apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A `.ptau` of phase 1.
    Phase1,
    /// The prepared file, which is made once.
    Prepared,
    /// A `.zkey` of phase 2.
    Phase2,
}

impl Of {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Phase1, Self::Prepared, Self::Phase2];

    /// What a step of this chain is of, the prepared file apart.
    #[must_use]
    pub fn chain(phase: Phase) -> Self {
        match phase {
            Phase::One => Self::Phase1,
            Phase::Two => Self::Phase2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Phase1 => "1",
            Self::Prepared => "prepared",
            Self::Phase2 => "2",
        }
    }
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A step of a chain is held against the one before it.
    Verify(Of),
    /// A contribution is made.
    Contribute(Of),
    /// A file is fetched.
    Download,
    /// A file is sent.
    Upload,
    /// A batch of proofs is verified.
    Proofs,
}

impl Step {
    /// Its labels in metrics. What is of no phase has none.
    fn labels(self) -> Vec<Label> {
        let (name, of) = match self {
            Self::Verify(of) => ("verify", Some(of)),
            Self::Contribute(of) => ("contribute", Some(of)),
            Self::Download => ("download", None),
            Self::Upload => ("upload", None),
            Self::Proofs => ("proofs", None),
        };
        let phase = of.map(|of| Label::from_static_parts("phase", of.name()));
        std::iter::once(Label::from_static_parts("step", name)).chain(phase).collect()
    }

    /// Makes its counters, from 0 on, so that the first one is a rise.
    pub(super) fn begin(self) {
        self.points().increment(0);
        metrics::counter!(WORK_BYTES, self.labels()).increment(0);
    }

    /// Notes that it was done.
    pub fn took(self, time: Duration, bytes: u64) {
        metrics::histogram!(WORK_SECONDS, self.labels()).record(time);
        metrics::counter!(WORK_BYTES, self.labels()).increment(bytes);
    }

    /// The counter of what it works on.
    pub fn points(self) -> Counter {
        metrics::counter!(WORK_POINTS, self.labels())
    }
}

/// Progress that is counted.
pub struct Measured<'a> {
    step: Step,
    inner: &'a dyn Progress,
    points: Counter,
    begun: Instant,
}

impl std::fmt::Debug for Measured<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measured").field("step", &self.step).finish_non_exhaustive()
    }
}

impl<'a> Measured<'a> {
    /// Begins a step, whose progress `inner` shows.
    #[must_use]
    pub fn begin(step: Step, inner: &'a dyn Progress) -> Self {
        Self { step, inner, points: step.points(), begun: Instant::now() }
    }

    /// The step was done, to a file of so many bytes. One that failed is not measured: it may have
    /// ended at any point.
    pub fn done(self, bytes: u64) {
        self.step.took(self.begun.elapsed(), bytes);
    }
}

impl Progress for Measured<'_> {
    fn begin(&self, step: &str, total: u64) {
        self.inner.begin(step, total);
    }

    fn advance(&self, units: u64) {
        self.points.increment(units);
        self.inner.advance(units);
    }

    fn end(&self) {
        self.inner.end();
    }
}
