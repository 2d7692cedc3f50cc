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
pub use work::{Measured, Of, Step};

use std::path::PathBuf;

use zk_attest::primitives::Timestamp;

use crate::service::free_bytes;

/// A mirror begins, which has seen nothing yet: so that one that never does is noticed.
pub fn mirror_begins() {
    metrics::gauge!(families::MIRROR_SYNC).set(0.0);
    metrics::gauge!(families::VERIFICATION_TIME).set(0.0);
    mirror_behind(0);
    mirror_disagrees(false);
}

/// Says how many steps there are that this copy has not, or has not verified where it verifies.
pub fn mirror_behind(steps: usize) {
    metrics::gauge!(families::MIRROR_BEHIND).set(gauge(steps));
}

/// Says that the copy is as the service's folder was now.
pub fn mirror_synced() {
    metrics::gauge!(families::MIRROR_SYNC).set(seconds(&Timestamp::now()));
}

/// Says that every step of the copy is verified now.
pub fn mirror_verified() {
    metrics::gauge!(families::VERIFICATION_TIME).set(seconds(&Timestamp::now()));
}

/// Tells how much room the disk of a working copy has, at each scrape.
#[must_use]
pub fn disk_of(folder: PathBuf) -> Collect {
    Box::new(move || disk_free("ceremony", free_bytes(&folder)))
}

/// Sets what is free of a disk, where that is known.
pub(crate) fn disk_free(disk: &'static str, free: Option<u64>) {
    if let Some(free) = free {
        metrics::gauge!(families::DISK_FREE, "disk" => disk).set(free as f64);
    }
}

/// A service begins, which publishes or does not, and has published nothing yet.
pub fn publication_begins(publishes: bool) {
    metrics::gauge!(families::PUBLISHED_TIME).set(if publishes { 0.0 } else { f64::NAN });
    publication_refused(false);
}

/// Says that everything is published now.
pub fn published() {
    metrics::gauge!(families::PUBLISHED_TIME).set(seconds(&Timestamp::now()));
}

/// Says whether the store has what must not be replaced.
pub fn publication_refused(is_refused: bool) {
    metrics::gauge!(families::PUBLICATION_REFUSED).set(f64::from(u8::from(is_refused)));
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
