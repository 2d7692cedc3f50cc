//! Who is next. No clock and no file: times come in, and the answer goes out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use zk_attest::key::PublicKey;

use super::limits::{FIRST_DELAY, LONGEST_DELAY, PRESENT};

/// A participant who wants a turn.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) key: PublicKey,
    /// Milliseconds since 1970 at which it entered the queue, as its ticket says.
    pub(crate) since: u64,
    /// When it last asked where it stands. Nothing else makes it present: a turn is granted to
    /// whoever asks, so that one who only enters, again and again, would be waited for and never
    /// take it.
    seen: Option<Instant>,
    /// Its requests that wait for an answer: as long as one does, it is here.
    polls: u32,
}

/// Participants, the earliest ticket first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Vec<Waiting>,
    /// Turns that ended without a contribution, and the first moment of the next one. Outlives a
    /// participant's place, so that nobody leaves to come back without a delay.
    failures: HashMap<PublicKey, (u32, Instant)>,
}

impl Queue {
    /// Puts a participant at the place of its ticket. One that is in the queue keeps its place.
    /// Neither makes it present.
    pub(crate) fn join(&mut self, key: PublicKey, since: u64) -> u64 {
        if let Some(waiting) = self.find(&key) {
            return waiting.since;
        }
        let at = self.waiting.partition_point(|other| other.since <= since);
        let waiting = Waiting { key, since, seen: None, polls: 0 };
        self.waiting.insert(at, waiting);
        since
    }

    /// Takes a participant out, and says whether it was there.
    pub(crate) fn leave(&mut self, key: &PublicKey) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.key != *key);
        self.waiting.len() < before
    }

    /// Takes out a participant whose contribution was taken in.
    pub(crate) fn succeeded(&mut self, key: &PublicKey) {
        self.leave(key);
        self.failures.remove(key);
    }

    pub(crate) fn saw(&mut self, key: &PublicKey, now: Instant) {
        if let Some(waiting) = self.find(key) {
            waiting.seen = Some(now);
        }
    }

    /// A participant waits for an answer, until [`Self::poll_ends`].
    pub(crate) fn poll_begins(&mut self, key: &PublicKey, now: Instant) {
        if let Some(waiting) = self.find(key) {
            (waiting.seen, waiting.polls) = (Some(now), waiting.polls + 1);
        }
    }

    /// The answer went out, or its link was cut.
    pub(crate) fn poll_ends(&mut self, key: &PublicKey, now: Instant) {
        if let Some(waiting) = self.find(key) {
            (waiting.seen, waiting.polls) = (Some(now), waiting.polls.saturating_sub(1));
        }
    }

    pub(crate) fn contains(&self, key: &PublicKey) -> bool {
        self.waiting.iter().any(|waiting| waiting.key == *key)
    }

    fn find(&mut self, key: &PublicKey) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|waiting| waiting.key == *key)
    }

    /// Keeps the place of a participant whose turn ended without a contribution, and lets others go
    /// first for a while that grows with each failure.
    pub(crate) fn failed(&mut self, key: &PublicKey, now: Instant) {
        let (failures, not_before) = self.failures.entry(*key).or_insert((0, now));
        let doublings = (*failures).min(16);
        *failures = failures.saturating_add(1);
        *not_before = now + (FIRST_DELAY * (1 << doublings)).min(LONGEST_DELAY);
    }

    /// The next one who is here and may contribute.
    pub(crate) fn next(&self, now: Instant, may: impl Fn(&PublicKey) -> bool) -> Option<&Waiting> {
        self.waiting.iter().find(|waiting| {
            let is_ready = waiting.is_present(now) && self.delay(&waiting.key, now).is_zero();
            is_ready && may(&waiting.key)
        })
    }

    /// How many come before a participant, of those who may contribute.
    pub(crate) fn ahead(&self, key: &PublicKey, may: impl Fn(&PublicKey) -> bool) -> usize {
        let before = self.waiting.iter().take_while(|waiting| waiting.key != *key);
        before.filter(|waiting| may(&waiting.key)).count()
    }

    /// How long a participant is kept back after a failed turn.
    pub(crate) fn delay(&self, key: &PublicKey, now: Instant) -> Duration {
        let failed = self.failures.get(key);
        failed.map_or(Duration::ZERO, |(_, at)| at.saturating_duration_since(now))
    }

    /// The first moment after now at which the answer of [`Self::next`] may be another one by
    /// itself.
    pub(crate) fn next_change(&self, now: Instant) -> Option<Instant> {
        let absent = self.waiting.iter().filter(|waiting| waiting.polls == 0);
        let gone = absent.filter_map(|waiting| waiting.seen.map(|seen| seen + PRESENT));
        gone.chain(self.failures.values().map(|(_, at)| *at)).filter(|at| *at > now).min()
    }

    pub(crate) fn is_present(&self, key: &PublicKey, now: Instant) -> bool {
        self.waiting.iter().any(|waiting| waiting.key == *key && waiting.is_present(now))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }
}

impl Waiting {
    fn is_present(&self, now: Instant) -> bool {
        let is_recent = |seen| now.saturating_duration_since(seen) < PRESENT;
        self.polls > 0 || self.seen.is_some_and(is_recent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> PublicKey {
        const KEYS: [&str; 3] = [
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        ];
        PublicKey::from_hex(KEYS[n as usize]).unwrap()
    }

    #[test]
    fn the_earliest_ticket_that_is_here_goes_first() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for (n, since) in [(0, 20), (1, 10), (2, 30)] {
            queue.join(key(n), since);
            queue.saw(&key(n), now);
        }
        let all = |_: &PublicKey| true;
        assert_eq!(queue.next(now, all).unwrap().key, key(1));
        assert_eq!(queue.ahead(&key(2), all), 2);
        assert_eq!(queue.next(now, |it| *it != key(1)).unwrap().key, key(0));
        // Away for longer than a poll: passed over, and the place stays.
        let later = now + PRESENT;
        queue.saw(&key(0), later);
        assert_eq!(queue.next(later, all).unwrap().key, key(0));
        queue.saw(&key(1), later);
        assert_eq!(queue.next(later, all).unwrap().key, key(1));
        assert_eq!(queue.join(key(1), 99), 10);
        queue.leave(&key(1));
        assert_eq!(queue.next(later, all).unwrap().key, key(0));
    }

    #[test]
    fn entering_again_and_again_makes_nobody_present() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.join(key(0), 10);
        queue.join(key(1), 20);
        queue.poll_begins(&key(1), now);
        let all = |_: &PublicKey| true;
        assert_eq!(queue.next(now, all).unwrap().key, key(1));
        assert_eq!(queue.next_change(now), None);
        // Nor after it was here once, with or without leaving in between.
        queue.saw(&key(0), now);
        assert_eq!(queue.next(now, all).unwrap().key, key(0));
        let mut later = now;
        for leaves in [false, true, false, true] {
            later += PRESENT / 3;
            if leaves {
                queue.leave(&key(0));
            }
            queue.join(key(0), 10);
        }
        assert!(!queue.is_present(&key(0), later));
        assert_eq!(queue.next(later, all).unwrap().key, key(1));
        // The place is kept, for when it asks.
        queue.saw(&key(0), later);
        assert_eq!(queue.next(later, all).unwrap().key, key(0));
    }

    #[test]
    fn whoever_waits_for_an_answer_is_here_and_is_gone_soon_after_its_link() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.join(key(0), 1);
        queue.poll_begins(&key(0), now);
        queue.poll_begins(&key(0), now);
        let later = now + 100 * PRESENT;
        assert!(queue.is_present(&key(0), later));
        assert_eq!(queue.next_change(later), None);
        queue.poll_ends(&key(0), later);
        assert!(queue.is_present(&key(0), later + PRESENT));
        queue.poll_ends(&key(0), later);
        assert!(queue.is_present(&key(0), later));
        assert_eq!(queue.next_change(later), Some(later + PRESENT));
        assert!(!queue.is_present(&key(0), later + PRESENT));
    }

    #[test]
    fn a_failed_turn_lets_others_go_first_for_longer_each_time_and_burns_nobody() {
        let mut now = Instant::now();
        let mut queue = Queue::default();
        queue.join(key(0), 1);
        let mut delays = Vec::new();
        for _ in 0..40 {
            queue.saw(&key(0), now);
            queue.failed(&key(0), now);
            let delay = queue.delay(&key(0), now);
            assert!(queue.next(now, |_| true).is_none());
            assert!(queue.leave(&key(0)));
            queue.join(key(0), 1);
            queue.saw(&key(0), now);
            assert!(queue.next(now, |_| true).is_none(), "leaving ends the delay");
            now += delay;
            queue.saw(&key(0), now);
            assert_eq!(queue.next(now, |_| true).unwrap().key, key(0));
            delays.push(delay);
        }
        assert!(delays.is_sorted() && delays[0] == FIRST_DELAY);
        assert_eq!(delays.last(), Some(&LONGEST_DELAY));
    }
}
