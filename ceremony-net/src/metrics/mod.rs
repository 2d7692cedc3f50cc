//! What a node tells those who watch it, at `/metrics`, for Prometheus.
//!
//! ```text
//! families   every metric: name, labels, meaning      endpoint   its own listener, with limits
//! work       how long steps take, and how much        (service/gauges: what a service has to tell)
//! ```
//!
//! Without [`Endpoint`], which installs the recorder, everything here does nothing.

mod endpoint;
pub(crate) mod families;
mod work;

pub use endpoint::{Collect, Endpoint, Node};
pub use families::{FAMILIES, Family, Type};
pub use work::{Measured, Step};

use zk_attest::primitives::Timestamp;

/// Sets a metric of this copy of a ceremony, as `ceremony mirror` knows it.
pub fn mirror_behind(steps: usize) {
    metrics::gauge!(families::MIRROR_BEHIND).set(gauge(steps));
}

/// Says that the copy is as the service's folder was now; and verified, where it is.
pub fn mirror_synced(verified: bool) {
    let now = seconds(&Timestamp::now());
    metrics::gauge!(families::MIRROR_SYNC).set(now);
    if verified {
        metrics::gauge!(families::VERIFICATION_TIME).set(now);
    }
}

/// Says whether the service's history is another one than this copy's.
pub fn mirror_disagrees(disagrees: bool) {
    metrics::gauge!(families::MIRROR_DISAGREES).set(f64::from(u8::from(disagrees)));
}

/// What a participant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for its turn, or for the phase.
    Waiting,
    /// It has the turn.
    Turn,
    /// It waits for the verdict.
    Verifying,
    /// It has nothing more to contribute.
    Done,
}

/// Says what the participant does, and how many come before it.
pub fn participant(standing: Standing, ahead: usize) {
    for (state, name) in [
        (Standing::Waiting, "waiting"),
        (Standing::Turn, "turn"),
        (Standing::Verifying, "verifying"),
        (Standing::Done, "done"),
    ] {
        let is_it = f64::from(u8::from(state == standing));
        metrics::gauge!(families::STANDING, "state" => name).set(is_it);
    }
    metrics::gauge!(families::AHEAD).set(gauge(ahead));
}

/// A time as metrics have it.
pub(crate) fn seconds(time: &Timestamp) -> f64 {
    time.unix() as f64
}

/// A count as metrics have it.
pub(crate) fn gauge(count: usize) -> f64 {
    count as f64
}
