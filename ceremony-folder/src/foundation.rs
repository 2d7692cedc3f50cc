//! What the last keys of circuits are verified against, by somebody who relies on an earlier
//! verification of the prepared file, their own or an auditor's.
//!
//! To verify a key is to rebuild the initial key from circuit and prepared file and to compare; and
//! the prepared file is gigabytes of points to verify first. Where its digest is known to be good,
//!
//! 1. its points need not be verified again: the key is compared with what is rebuilt from the file
//!    of that digest;
//! 2. the file need not even be there: the key is verified from an earlier key of its chain that
//!    is known to be good too, and is not told from it by more than contributions.

use std::path::PathBuf;

use crate::Ceremony;
use crate::chain::Step;
use crate::folder::Track;

/// What the last key of one circuit is verified against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foundation {
    /// The circuit.
    pub track: Track,
    /// From what its last key must follow.
    pub from: Base,
}

/// See [`Foundation::from`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The initial key, rebuilt from circuit and prepared file.
    Rebuilt,
    /// A step of the chain, by its place: somebody has verified its key.
    Key(usize),
}

/// Why there is no foundation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfounded {
    /// The prepared file is not known, or there is none.
    Prepared,
    /// The prepared file is not in this copy, and no key of this circuit that is here is known.
    Circuit(Track),
}

/// The data files that a step needs beside the attestations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// All of them.
    pub files: Vec<PathBuf>,
    /// Those that are not in this copy of the folder.
    pub missing: Vec<PathBuf>,
}

impl Ceremony {
    /// The files that verifying the last files of these chains needs.
    #[must_use]
    pub fn needed(&self, tracks: &[Track]) -> Needed {
        let mut files = Vec::new();
        if tracks.iter().any(|track| *track != Track::Phase1) {
            files.extend(self.phase1.prepared.iter().map(|step| step.path.clone()));
        }
        for track in tracks {
            if let Track::Circuit(name) = track {
                files.push(self.folder.r1cs(name));
            }
            let chain = self.chains().find(|chain| chain.track == *track);
            files.extend(chain.and_then(|chain| chain.steps.last()).map(|head| head.path.clone()));
        }
        self.needing(files)
    }

    /// The files that verifying the last keys of these circuits from `foundations` needs.
    #[must_use]
    pub fn needed_from(&self, foundations: &[Foundation]) -> Needed {
        let mut files = Vec::new();
        for Foundation { track, from } in foundations {
            let Some(chain) = self.chains().find(|chain| chain.track == *track) else { continue };
            match (from, track) {
                (Base::Rebuilt, Track::Circuit(name)) => {
                    files.extend(self.phase1.prepared.iter().map(|step| step.path.clone()));
                    files.push(self.folder.r1cs(name));
                }
                (Base::Key(place), _) => {
                    files.extend(chain.steps.get(*place).map(|step| step.path.clone()));
                }
                (Base::Rebuilt, Track::Phase1) => {}
            }
            files.extend(chain.steps.last().map(|head| head.path.clone()));
        }
        files.dedup();
        self.needing(files)
    }

    fn needing(&self, files: Vec<PathBuf>) -> Needed {
        let missing = files.iter().filter(|path| !self.folder.is_present(path)).cloned().collect();
        Needed { files, missing }
    }

    /// What the last keys of these circuits can be verified against, where `is_known` says that a
    /// file was verified earlier. The prepared file must be known. Where it is not in this copy of
    /// the folder, the newest key of each chain that is here and known takes its place.
    ///
    /// # Errors
    /// [`Unfounded`].
    pub fn foundations(
        &self,
        tracks: &[Track],
        is_known: impl Fn(&Track, &Step) -> bool,
    ) -> Result<Vec<Foundation>, Unfounded> {
        let prepared = self.phase1.prepared.as_ref();
        let Some(prepared) = prepared.filter(|step| is_known(&Track::Phase1, step)) else {
            return Err(Unfounded::Prepared);
        };
        let founded = |track: &Track| {
            let from = if prepared.present {
                Some(Base::Rebuilt)
            } else {
                let chain = self.circuits.iter().find(|chain| chain.track == *track);
                let steps = chain.map_or(&[][..], |chain| chain.steps.as_slice());
                let known = |step: &Step| step.present && is_known(track, step);
                steps.iter().rposition(known).map(Base::Key)
            };
            let track = track.clone();
            match from {
                Some(from) => Ok(Foundation { track, from }),
                None => Err(Unfounded::Circuit(track)),
            }
        };
        tracks.iter().map(founded).collect()
    }
}
