//! How long steps take, and how much they work on.

use std::time::{Duration, Instant};

use ceremony_core::progress::Progress;
use metrics::Counter;

use super::families::{WORK_BYTES, WORK_POINTS, WORK_SECONDS};

macro_rules! steps {
    ($($(#[$doc:meta])+ $step:ident = $name:literal,)+) => {
        /// What takes time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            $($(#[$doc])+ $step,)+
        }

        impl Step {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$step),+];

            /// Its name in metrics.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)+
                }
            }
        }
    };
}

steps! {
    /// A step of a chain is held against the one before it.
    Verify = "verify",
    /// A contribution is made.
    Contribute = "contribute",
    /// A file is fetched.
    Download = "download",
    /// A file is sent.
    Upload = "upload",
    /// A batch of proofs is verified.
    Proofs = "proofs",
}

impl Step {
    /// Notes that it was done.
    pub fn took(self, time: Duration, bytes: u64) {
        metrics::histogram!(WORK_SECONDS, "step" => self.name()).record(time);
        metrics::counter!(WORK_BYTES, "step" => self.name()).increment(bytes);
    }

    /// The counter of what it works on.
    pub fn points(self) -> Counter {
        metrics::counter!(WORK_POINTS, "step" => self.name())
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
