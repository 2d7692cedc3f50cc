//! `ceremony publish`: the public files into a store, each once, and the signed list of them last.

use std::path::{Path, PathBuf};

use ceremony_folder::digests::KnownDigests;
use ceremony_folder::index::{INDEX, Index, locked_files};
use ceremony_folder::{Ceremony, FolderLock};
use ceremony_publish::publish::Held;
use ceremony_publish::{Place, Publisher};
use zk_attest::diagnostic::Diagnostic;

use crate::cli::publication::PublishArgs;
use crate::outcome::note;
use crate::progress::Bars;

/// Uploads that broke off, below the ceremony's folder. Hidden, so that no command takes it for a
/// file of the ceremony.
const RESUMED: &str = ".zk-ceremony-publish";
/// How often a list is made anew while documents change.
const ATTEMPTS: u32 = 5;

/// Where uploads of a folder that broke off are written down.
pub(super) fn resumed(root: &Path) -> PathBuf {
    root.join(RESUMED)
}

impl PublishArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let place = Place::open(&self.url, &self.store.access())?;
        place.ensure_writable()?;
        let mut publisher = Publisher::new(place, resumed(root), self.read_back);
        let mut digests = KnownDigests::default();
        for attempt in 1.. {
            let (ceremony, index, held) = self.listed(root, &publisher, &mut digests)?;
            let published = publisher.publish(&ceremony, &index, &held, &Bars::default());
            let published = match published {
                // A service goes on in the folder meanwhile.
                Err(error)
                    if error.code == "changed" && self.signer.is_named() && attempt < ATTEMPTS =>
                {
                    continue;
                }
                published => published?,
            };
            for name in &published.put {
                note!("published {name}");
            }
            note!(
                "{}: {} files put, {} bytes; {} were there; the index is {}",
                publisher.place().shown(),
                published.put.len(),
                published.bytes,
                published.present,
                if published.index { "new" } else { "the same" }
            );
            break;
        }
        Ok(())
    }

    /// What is to be published: a list that is signed now, or that of a copy.
    fn listed(
        &self,
        root: &Path,
        publisher: &Publisher,
        digests: &mut KnownDigests,
    ) -> Result<(Ceremony, Index, Held), Diagnostic> {
        if self.signer.is_named() {
            let mut signer = self.signer.open()?;
            let (_lock, ceremony, files) =
                locked_files(root, signer.public_key(), digests, &Bars::default())?;
            let index = ceremony.write_index(files, signer.as_mut())?.0;
            let held = publisher.hold(&ceremony, &index)?;
            return Ok((ceremony, index, held));
        }
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        let index = {
            let there = ceremony.index()?;
            let Some((index, _)) = there else {
                return Err(Diagnostic::environment("no-index", "the folder has no signed list")
                    .at(root.join(INDEX).display())
                    .hint("add --key with the coordinator's key, or that of the service"));
            };
            index
        };
        let held = publisher.hold(&ceremony, &index)?;
        Ok((ceremony, index, held))
    }
}
