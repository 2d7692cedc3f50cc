//! How often one address, or one participant, may ask.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use zk_attest::key::PublicKey;

use super::limits::{REMEMBERED, REQUESTS, SESSION_REQUESTS, SIGNED_REQUESTS};

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Rates {
    anybody: Limiter<IpAddr>,
    session: Limiter<IpAddr>,
    signed: Limiter<[u8; 32]>,
}

fn limiter<K: Clone + Eq + Hash>((per_second, at_once): (u32, u32)) -> Limiter<K> {
    let some = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    RateLimiter::dashmap(Quota::per_second(some(per_second)).allow_burst(some(at_once)))
}

impl Rates {
    pub(crate) fn new() -> Self {
        Self {
            anybody: limiter(REQUESTS),
            session: limiter(SESSION_REQUESTS),
            signed: limiter(SIGNED_REQUESTS),
        }
    }

    pub(crate) fn anybody(&self, address: IpAddr) -> bool {
        self.anybody.check_key(&network(address)).is_ok()
    }

    pub(crate) fn session(&self, address: IpAddr) -> bool {
        self.session.check_key(&network(address)).is_ok()
    }

    pub(crate) fn signed(&self, key: &PublicKey) -> bool {
        self.signed.check_key(key.as_bytes()).is_ok()
    }

    /// Forgets those who have not asked for a while.
    pub(crate) fn forget_idle(&self) {
        if self.anybody.len() + self.session.len() > REMEMBERED {
            self.anybody.retain_recent();
            self.session.retain_recent();
            self.signed.retain_recent();
        }
    }
}

/// A host with one IPv6 address usually has the 2^64 of its network.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}
