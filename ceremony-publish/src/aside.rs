//! A large object for stores that end an upload in parts whatever has the name by then (Google
//! Cloud Storage, Azure): the parts become another object, in `uploads/`, named by their SHA-256,
//! and the store copies that one to its name if the name is free.
//!
//! Azure may still be copying when it has answered: size and metadata are there at once, and the
//! bytes as long as what is copied stays. So the other object goes only when the copy has been
//! read, and while it is there, a copy that an earlier run began counts for nothing yet.

use std::io::Read;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ceremony_core::progress::Progress;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMultipartOptions, PutPayload};
use zk_attest::diagnostic::Diagnostic;

use crate::failure;
use crate::objects::{Item, PART_BYTES, Put, Seen};
use crate::parts::{self, Broken, Resumed, Upload};
use crate::place::{Kind, Place};

/// Between two looks at an object that is being copied.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

struct Aside<'a> {
    place: &'a Place,
    store: &'a dyn MultipartStore,
    object: &'a Path,
    item: &'a Item<'a>,
    /// Where the parts become an object.
    aside: Path,
}

fn aside_of(place: &Place, item: &Item<'_>) -> Result<Path, Diagnostic> {
    place.object(&format!("uploads/{}", item.sha256))
}

/// Puts an object, if its name is free.
pub(crate) fn put(
    place: &Place,
    store: &dyn MultipartStore,
    object: &Path,
    item: &Item<'_>,
    source: &mut dyn Read,
    resumed: &Resumed,
    progress: &dyn Progress,
) -> Result<Put, Diagnostic> {
    let aside = aside_of(place, item)?;
    let upload = Aside { place, store, object, item, aside };
    // An earlier run ended before this object had its name.
    if let Some(seen) = place.look(&upload.aside, item.shown)?
        && place.compare(&upload.aside, item, &seen, false).is_ok()
    {
        let put = upload.name()?;
        resumed.forget(place, object);
        progress.advance(item.size);
        return Ok(put);
    }
    parts::put(place, &upload, object, item, source, resumed, progress)
}

impl Aside<'_> {
    fn broken(&self, doing: &str, error: &Error) -> Broken {
        let is_gone = matches!(error, Error::NotFound { .. });
        Broken { error: failure::store(doing, self.item.shown, error), is_gone }
    }

    /// Copies the other object to the name, if that is free.
    fn name(&self) -> Result<Put, Diagnostic> {
        let (place, item) = (self.place, self.item);
        let run = &place.runtime;
        let put = match run.block_on(place.store.copy_if_not_exists(&self.aside, self.object)) {
            Ok(()) if matches!(place.kind, Kind::Azure(_)) => {
                let look = || place.digest_there(self.object, None, item.shown);
                wait_for(item, place.patience, look)?;
                Put::New(None)
            }
            Ok(()) => Put::New(None),
            // Azure answers with either of them.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Put::There,
            Err(error) => return Err(failure::store("naming an upload", item.shown, &error)),
        };
        if put == Put::There {
            // Possibly a copy of an earlier run, which needs what it is copied from.
            if let Some(seen) = place.look(self.object, item.shown)? {
                place.settle(self.object, item, &seen)?;
            }
        }
        let _ = run.block_on(place.store.delete(&self.aside));
        Ok(put)
    }
}

impl Upload for Aside<'_> {
    fn asked(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn begin(&self) -> Result<String, Diagnostic> {
        // Azure takes metadata with the end of an upload only, and the library passes none there:
        // what is put there in parts is read back instead of being believed.
        let attributes = match self.place.kind {
            Kind::Azure(_) => object_store::Attributes::new(),
            _ => self.place.attributes(self.item),
        };
        let options = PutMultipartOptions { attributes, ..Default::default() };
        let begun = self.store.create_multipart_opts(&self.aside, options);
        self.place
            .runtime
            .block_on(begun)
            .map_err(|error| failure::store("beginning an upload", self.item.shown, &error))
    }

    fn part(&self, upload: &str, number: usize, bytes: Bytes) -> Result<String, Broken> {
        let upload = upload.to_owned();
        let put = self.store.put_part(&self.aside, &upload, number - 1, PutPayload::from(bytes));
        match self.place.runtime.block_on(put) {
            Ok(part) => Ok(part.content_id),
            Err(error) => Err(self.broken("putting a part", &error)),
        }
    }

    fn complete(&self, upload: &str, parts: &[(String, String)]) -> Result<Put, Broken> {
        let ids = parts.iter().map(|(tag, _)| PartId { content_id: tag.clone() }).collect();
        let upload = upload.to_owned();
        let done = self.store.complete_multipart(&self.aside, &upload, ids);
        self.place
            .runtime
            .block_on(done)
            .map_err(|error| self.broken("ending an upload", &error))?;
        self.name().map_err(|error| Broken { error, is_gone: false })
    }

    fn abort(&self, upload: &str) {
        let _ =
            self.place.runtime.block_on(self.store.abort_multipart(&self.aside, &upload.into()));
    }
}

impl Place {
    /// Waits for an object that Azure may still be copying: what it is copied from is there.
    pub(crate) fn settle(
        &self,
        object: &Path,
        item: &Item<'_>,
        seen: &Seen,
    ) -> Result<(), Diagnostic> {
        let may_be_copied =
            matches!(self.kind, Kind::Azure(_)) && item.size > PART_BYTES && seen.size == item.size;
        if !may_be_copied {
            return Ok(());
        }
        let aside = aside_of(self, item)?;
        if self.look(&aside, item.shown)?.is_none() {
            return Ok(());
        }
        wait_for(item, self.patience, || self.digest_there(object, None, item.shown))?;
        let _ = self.runtime.block_on(self.store.delete(&aside));
        Ok(())
    }
}

/// Waits until an object that is being copied has the bytes that it should have.
fn wait_for(
    item: &Item<'_>,
    patience: Duration,
    look: impl Fn() -> Result<(u64, String), Diagnostic>,
) -> Result<(), Diagnostic> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let found = match look() {
            Ok((size, sha256)) if size == item.size && sha256 == item.sha256 => return Ok(()),
            Ok((size, sha256)) => format!("{sha256}, {size} bytes"),
            Err(error) => error.what,
        };
        if begun.elapsed() + pause >= patience {
            return Err(Diagnostic::environment("store", "the store has not copied an upload yet")
                .at(item.shown)
                .found(found)
                .expected(format_args!("{}, {} bytes", item.sha256, item.size))
                .hint(
                    "run the same command again with a longer --store-patience; if the object \
                     stays incomplete, delete it first",
                ));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use std::sync::Arc;

    use ceremony_core::progress::NoProgress;
    use object_store::memory::InMemory;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// What a store has of an object, and of the one aside, after one of these bytes was put there.
    fn put_to(
        there: Option<&[u8]>,
        aside: Option<&[u8]>,
        mut source: &[u8],
    ) -> (Put, Vec<u8>, Option<Vec<u8>>) {
        const OURS: &[u8] = b"ours";
        let store = Arc::new(InMemory::new());
        let place = Place::in_memory(store.clone());
        let sha256 = hex::encode(Sha256::digest(OURS));
        let item = Item { shown: "a", size: OURS.len() as u64, sha256: &sha256 };
        let (object, other) = (Path::from("a"), aside_of(&place, &item).unwrap());
        for (path, bytes) in [(&object, there), (&other, aside)] {
            if let Some(bytes) = bytes {
                let bytes = PutPayload::from(bytes.to_vec());
                place.runtime.block_on(store.put(path, bytes)).unwrap();
            }
        }
        let none = Resumed::default();
        let done = put(&place, &*store, &object, &item, &mut source, &none, &NoProgress).unwrap();
        let read = |path| {
            let got = place.runtime.block_on(async { store.get(path).await?.bytes().await });
            got.ok().map(|bytes| bytes.to_vec())
        };
        (done, read(&object).unwrap(), read(&other))
    }

    #[test]
    fn an_upload_that_was_left_unnamed_gets_its_name_if_it_is_whole_and_the_name_is_free() {
        let (ours, theirs) = (b"ours".to_vec(), b"theirs".to_vec());
        let new = || Put::New(None);
        assert_eq!(put_to(None, None, &ours), (new(), ours.clone(), None));
        // Whole: nothing is read of the file.
        assert_eq!(put_to(None, Some(&ours), b""), (new(), ours.clone(), None));
        // Other bytes, or fewer: it is put anew.
        for other in [&theirs[..], b"thei", b"our"] {
            assert_eq!(put_to(None, Some(other), &ours), (new(), ours.clone(), None));
        }
        // Another account has the name meanwhile.
        assert_eq!(put_to(Some(&theirs), Some(&ours), b""), (Put::There, theirs, None));
    }

    #[test]
    fn a_copy_that_has_only_begun_is_not_done() {
        let item = Item { shown: "a", size: 4, sha256: "good" };
        let looks = Cell::new(0);
        let later = |at: u32| {
            let looks = &looks;
            move || {
                looks.set(looks.get() + 1);
                let sha256 = if looks.get() >= at { "good" } else { "zeros" };
                Ok((4, sha256.to_owned()))
            }
        };
        wait_for(&item, Duration::from_secs(60), later(3)).unwrap();
        assert_eq!(looks.get(), 3);
        let error = wait_for(&item, Duration::from_millis(250), later(1000)).unwrap_err();
        assert_eq!(error.what, "the store has not copied an upload yet");
        assert_eq!(error.found.as_deref(), Some("zeros, 4 bytes"));
        let gone = || Err(Diagnostic::environment("store", "no answer"));
        let error = wait_for(&item, Duration::ZERO, gone).unwrap_err();
        assert_eq!(error.found.as_deref(), Some("no answer"));
    }
}
