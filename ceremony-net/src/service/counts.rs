//! How many of something there are, all in all and of each.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Counts<K: Eq + Hash> {
    all: usize,
    each: usize,
    now: Mutex<HashMap<K, usize>>,
}

/// One that is counted as long as this lives.
pub(crate) struct Counted<K: Eq + Hash>(Arc<Counts<K>>, K);

impl<K: Eq + Hash + Clone> Counts<K> {
    /// At most `all`, and at most `each` of one.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { all, each, now: Mutex::default() })
    }

    /// Counts one more, if there may be one.
    pub(crate) fn admit(self: &Arc<Self>, of: K) -> Option<Counted<K>> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = now.values().sum();
        let own = now.get(&of).copied().unwrap_or_default();
        if all >= self.all || own >= self.each {
            return None;
        }
        now.insert(of.clone(), own + 1);
        Some(Counted(self.clone(), of))
    }
}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = now.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                now.remove(&self.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_counts_until_it_ends() {
        let counts = Counts::new(3, 2);
        let first = counts.admit('a');
        let second = counts.admit('a');
        assert!(first.is_some() && second.is_some() && counts.admit('a').is_none());
        let third = counts.admit('b');
        assert!(third.is_some() && counts.admit('c').is_none());
        drop(first);
        assert!(counts.admit('c').is_some());
        drop((second, third));
        assert!(counts.now.lock().unwrap().is_empty());
    }
}
