//! Putting strays out of the way: into `strays/`, where no chain looks. Nothing is overwritten.

use std::path::{Path, PathBuf};

use crate::Ceremony;
use crate::error::CeremonyError;
use crate::folder::{Folder, StepName, Track};
use crate::output::{OutputError, OutputFault};
use crate::stray::{Story, Stray};

/// Strays of one name at most. Each is put there by a command that a person ran.
const MAX_NAMESAKES: u32 = 1000;

/// A file that was put out of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAway {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
}

impl Ceremony {
    /// The strays of all chains.
    pub fn strays(&self) -> impl Iterator<Item = &Stray> {
        self.chains().flat_map(|chain| &chain.strays)
    }

    /// Moves all strays to `strays/`, except an attestation that waits for its data file.
    ///
    /// # Errors
    /// When a file cannot be moved. Those before it have moved.
    pub fn tidy(&self) -> Result<Vec<PutAway>, CeremonyError> {
        let mut moved = Vec::new();
        for stray in self.strays().filter(|stray| !matches!(stray.story, Story::NoData { .. })) {
            moved.extend(put_away(&self.folder, stray)?);
        }
        Ok(moved)
    }

    /// Moves away what stands under the name that a step is to get.
    pub(crate) fn make_room(
        &self,
        track: &Track,
        name: StepName,
    ) -> Result<Vec<PutAway>, CeremonyError> {
        let in_the_way = |stray: &&Stray| {
            let is_rejection = matches!(stray.story, Story::VoidRejection { .. });
            stray.track == *track && stray.name == name && !is_rejection
        };
        let mut moved = Vec::new();
        for stray in self.strays().filter(in_the_way) {
            moved.extend(put_away(&self.folder, stray)?);
        }
        Ok(moved)
    }
}

/// Moves the files of a stray.
pub(crate) fn put_away(folder: &Folder, stray: &Stray) -> Result<Vec<PutAway>, CeremonyError> {
    let home = folder.strays(&stray.track);
    let away =
        |from: &PathBuf| Ok(PutAway { from: from.clone(), to: move_away(folder, from, &home)? });
    stray.files.iter().map(away).collect()
}

/// Moves a file to another folder, under a name that is free there. Answers where it is.
pub(crate) fn move_away(
    folder: &Folder,
    from: &Path,
    home: &Path,
) -> Result<PathBuf, CeremonyError> {
    let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let others = (2..MAX_NAMESAKES).map(|n| format!("{name}.{n}"));
    for free in std::iter::once(name.clone()).chain(others) {
        let to = home.join(free);
        match folder.rename(from, &to) {
            Ok(()) => return Ok(to),
            Err(OutputError { fault: OutputFault::Exists, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(OutputError { path: home.join(name), fault: OutputFault::Exists }.into())
}
