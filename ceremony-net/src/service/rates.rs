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
    enrolments: Limiter<IpAddr>,
}

fn some(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

fn limiter<K: Clone + Eq + Hash>((per_second, at_once): (u32, u32)) -> Limiter<K> {
    RateLimiter::dashmap(Quota::per_second(some(per_second)).allow_burst(some(at_once)))
}

impl Rates {
    /// Strangers of one network may ask to be enrolled so often in an hour.
    pub(crate) fn new(enrolments_an_hour: usize) -> Self {
        let an_hour = some(u32::try_from(enrolments_an_hour).unwrap_or(u32::MAX));
        Self {
            enrolments: RateLimiter::dashmap(Quota::per_hour(an_hour)),
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

    pub(crate) fn enrolment(&self, address: IpAddr) -> bool {
        self.enrolments.check_key(&network(address)).is_ok()
    }

    /// Forgets those who have not asked for a while.
    pub(crate) fn forget_idle(&self) {
        if self.anybody.len() + self.session.len() + self.enrolments.len() > REMEMBERED {
            self.anybody.retain_recent();
            self.session.retain_recent();
            self.signed.retain_recent();
            self.enrolments.retain_recent();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_enrols_so_many_an_hour_and_others_are_not_counted_with_it() {
        let rates = Rates::new(8);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let taken = |net: &str| {
            let asked = (0..20).filter(|n| rates.enrolment(address(&format!("{net}{n:x}"))));
            asked.count()
        };
        assert_eq!(taken("2001:db8::"), 8);
        assert_eq!(taken("2001:db8::ffff:"), 0);
        assert_eq!(taken("2001:db8:0:1::"), 8);
        assert!(rates.enrolment(address("192.0.2.1")));
    }
}
