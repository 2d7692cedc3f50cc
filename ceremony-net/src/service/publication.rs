//! What became of publication, as the one who publishes tells it, for people who look at the
//! service. Addresses and reasons are not part of it: they are in the operator's log.

use std::sync::{Arc, PoisonError, RwLock};

use zk_attest::diagnostic::Blame;
use zk_attest::primitives::Timestamp;

/// See the module's documentation. Copies share what is told.
#[derive(Clone, Debug, Default)]
pub struct Publication(Arc<RwLock<PublicationTold>>);

/// How publication stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PublicationTold {
    /// Files that are in the store.
    pub(crate) published: usize,
    /// Files that are still to be put there.
    pub(crate) waiting: usize,
    /// Whose fault it is that the last attempt failed.
    pub(crate) failed: Option<Blame>,
    /// When everything was last there, in seconds since 1970.
    pub(crate) complete: Option<u64>,
}

impl Publication {
    /// Says how many files are in the store, and how many are still to be put there.
    pub fn found(&self, published: usize, waiting: usize) {
        let mut told = self.0.write().unwrap_or_else(PoisonError::into_inner);
        (told.published, told.waiting) = (published, waiting);
    }

    /// Says that an attempt failed: by the environment, which may pass, or because the store has
    /// what must not be replaced.
    pub fn failed(&self, blame: Blame) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).failed = Some(blame);
    }

    /// Says that nothing fails any more.
    pub fn recovered(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).failed = None;
    }

    /// Says that everything is there now.
    pub fn done(&self, files: usize) {
        let complete = Some(Timestamp::now().unix());
        let told = PublicationTold { published: files, waiting: 0, failed: None, complete };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = told;
    }

    pub(crate) fn told(&self) -> PublicationTold {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
