//! Steps that were judged before, and the records of files that were verified, for folders that are
//! read again and again.
//!
//! A service reads its folder after each step, and a participant's copy is read several times in a
//! turn. Whether an attestation is that of a step is a function of its bytes, its place, the rules
//! and the roster, and nothing else:
//!
//! ```text
//! key      SHA-256(rules, last amendment, path, chain, bytes)
//! value    the step, or why it is none
//! ```
//!
//! So it is answered once. Files are read each time: what changed in the folder is seen.
//!
//! The records of a file are a function of its bytes. The next file of the chain begins with them,
//! and its reader neither tests the same points again nor reads the file before it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ceremony_core::format::ptau::{self, Power};
use ceremony_core::phase2::verify::Predecessor;
use zk_attest::digest::{FileDigest, sha256};
use zk_vk_guard::limits::{MAX_CIRCUITS, MAX_CONTRIBUTIONS};

use crate::chain::Step;
use crate::claim::{Reader, Unfit};

/// Answers that are kept at most: those of the largest ceremony, twice. Then all are forgotten.
const MOST: usize = 2 * MAX_CONTRIBUTIONS;

/// Files whose records are kept at most: the last one of each chain, and the ones before. Then all
/// are forgotten.
const MOST_FILES: usize = 2 * (MAX_CIRCUITS + 1);

type Key = [u8; 32];

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    steps: Mutex<HashMap<Key, Result<Step, Unfit>>>,
    records: Mutex<HashMap<FileDigest, Records>>,
}

/// The records of a file.
#[derive(Clone, Debug)]
pub(crate) enum Records {
    /// Of a `.ptau`, with its ceremony power.
    Ptau(Power, Arc<[ptau::Contribution]>),
    /// Of a `.zkey`, with the rest of what verifying the next one needs.
    Zkey(Arc<Predecessor>),
}

/// What an answer depends on.
pub(crate) fn key(reader: &Reader<'_>, path: &Path, bytes: &[u8]) -> Key {
    let rules = reader.config.digest();
    let roster = reader.roster.last_digest().map_or([0; 32], |digest| *digest.as_bytes());
    let chain = reader.track.to_string();
    let path = path.as_os_str().as_encoded_bytes();
    let mut question = Vec::with_capacity(bytes.len() + path.len() + 256);
    for part in [rules.as_bytes(), &roster[..], path, chain.as_bytes(), bytes] {
        question.extend((part.len() as u64).to_le_bytes());
        question.extend(part);
    }
    sha256(&question)
}

impl Memory {
    /// The answer to a question that was answered before, or the one that `answer` gives.
    pub(crate) fn recall(
        &self,
        key: Key,
        answer: impl FnOnce() -> Result<Step, Unfit>,
    ) -> Result<Step, Unfit> {
        let known = locked(&self.steps).get(&key).cloned();
        if let Some(known) = known {
            return known;
        }
        // Others may ask meanwhile: two that answer the same question give the same answer.
        let answer = answer();
        let mut known = locked(&self.steps);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, answer.clone());
        answer
    }

    /// The records of a file with this digest.
    pub(crate) fn records(&self, file: FileDigest) -> Option<Records> {
        locked(&self.records).get(&file).cloned()
    }

    /// Keeps the records of a file that has this digest.
    pub(crate) fn keep(&self, file: FileDigest, records: Records) {
        let mut known = locked(&self.records);
        if known.len() >= MOST_FILES {
            known.clear();
        }
        known.insert(file, records);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
