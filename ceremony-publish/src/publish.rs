//! The files of a signed index, each put once: data before the attestations that name it, the index
//! last. A second run puts what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::PathBuf;

use ceremony_core::progress::Progress;
use ceremony_folder::Ceremony;
use ceremony_folder::archive_set::{is_data, is_versioned};
use ceremony_folder::index::{INDEX, Index, Indexed, MAX_INDEX_BYTES};
use ceremony_folder::journal::JOURNAL;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, ObjectStore as _, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;

use crate::failure;
use crate::objects::{Item, Put};
use crate::parts::Resumed;
use crate::place::{Kind, Place};

/// Bytes of documents that are held between the signing of an index and their putting.
const MAX_HELD_BYTES: u64 = 64 << 20;
/// What a step's data ends in.
const DATA: [&str; 2] = [".ptau", ".zkey"];
/// The rules.
const CONFIG: &str = "ceremony.toml";
/// Objects that are looked through at most for those that are there already: each version of each
/// document of the longest ceremony, and as many of others'.
const MAX_LISTED: usize = 1 << 21;
/// Seconds.
const DAY: u64 = 24 * 3600;
/// How often the index is tried while others replace it.
const ATTEMPTS: u32 = 3;

/// What a publication did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Names of the files that were put.
    pub put: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// How many files were there already.
    pub present: usize,
    /// Whether the index was written.
    pub index: bool,
}

/// Documents as they were when an index was signed: some of them change while files are put.
#[derive(Debug, Default)]
pub struct Held(BTreeMap<String, Vec<u8>>);

/// Publishes the versions of one ceremony to one place.
#[derive(Debug)]
pub struct Publisher {
    place: Place,
    resumed: Resumed,
    /// Whether what is there is read back, whatever its metadata says.
    read_back: bool,
    /// Objects that are known to be there, as they should be.
    known: BTreeSet<String>,
    /// Objects of the first list that were there at the first look. What is not among them is put
    /// if its name is free, and found there otherwise.
    listed: Option<BTreeSet<Path>>,
}

impl Publisher {
    /// Uploads that broke off are written down in `resumed`, a folder.
    #[must_use]
    pub fn new(place: Place, resumed: PathBuf, read_back: bool) -> Self {
        let resumed = Resumed::in_folder(resumed);
        Self { place, resumed, read_back, known: BTreeSet::new(), listed: None }
    }

    /// The place.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether a file is known to be there.
    #[must_use]
    pub fn has(&self, file: &Indexed) -> bool {
        self.known.contains(&file.object())
    }

    /// Reads the documents that may change before they are put. The caller holds the folder's lock,
    /// as it did when the index was written.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn hold(&self, ceremony: &Ceremony, index: &Index) -> Result<Held, Diagnostic> {
        let mut held = Held::default();
        let mut left = MAX_HELD_BYTES;
        for file in index.files() {
            // A journal only grows: its beginning stays what it is.
            let stays = !is_versioned(&file.name) || file.name == JOURNAL || self.has(file);
            if stays || file.size > left {
                continue;
            }
            left -= file.size;
            let path = ceremony.folder.root().join(&file.name);
            let limit = usize::try_from(file.size).unwrap_or(usize::MAX);
            held.0.insert(file.name.clone(), ceremony.folder.read(&path, limit)?);
        }
        Ok(held)
    }

    /// Puts what is missing of an index, and then the index.
    ///
    /// # Errors
    /// `store-conflict` where an object is there with other bytes, `changed` where a file is not
    /// the one of the index any more, and whatever else stops it. What was put stays.
    pub fn publish(
        &mut self,
        ceremony: &Ceremony,
        index: &Index,
        held: &Held,
        progress: &dyn Progress,
    ) -> Result<Published, Diagnostic> {
        let mut published = Published::default();
        let mut files: Vec<&Indexed> = index.files().iter().collect();
        files.sort_by_key(|file| (!is_data(&file.name), is_versioned(&file.name), &file.name));
        // Before anything is put that cannot be called back.
        self.replaceable_index(ceremony, index)?;
        self.list(&files)?;
        for file in files {
            if self.has(file) {
                published.present += 1;
                continue;
            }
            if self.put(ceremony, file, held, progress)? {
                published.put.push(file.name.clone());
                published.bytes += file.size;
            } else {
                published.present += 1;
            }
            self.known.insert(file.object());
        }
        published.index = self.put_index(ceremony, index)?;
        Ok(published)
    }

    /// Looks once which of these files are there. A bucket may have any number of other objects:
    /// they are passed over, and not kept.
    fn list(&mut self, files: &[&Indexed]) -> Result<(), Diagnostic> {
        if self.listed.is_some() {
            return Ok(());
        }
        let wanted = files.iter().map(|file| self.place.object(&file.object()));
        let wanted: BTreeSet<Path> = wanted.collect::<Result<_, _>>()?;
        let listing = self.place.store.list(Some(self.place.prefix())).take(MAX_LISTED);
        let ours = listing.map_ok(|there| there.location).try_filter(|location| {
            let is_ours = wanted.contains(location);
            async move { is_ours }
        });
        let found: Result<BTreeSet<Path>, Error> = self.place.runtime.block_on(ours.try_collect());
        self.listed = Some(match found {
            Ok(found) => found,
            Err(error) => return Err(failure::store("listing", self.place.shown(), &error)),
        });
        Ok(())
    }

    /// Whether a file was put; otherwise it was there.
    fn put(
        &mut self,
        ceremony: &Ceremony,
        file: &Indexed,
        held: &Held,
        progress: &dyn Progress,
    ) -> Result<bool, Diagnostic> {
        let name = file.object();
        let (object, shown) = (self.place.object(&name)?, self.place.named(&name));
        let sha256 = file.sha256.to_string();
        let item = Item { shown: &shown, size: file.size, sha256: &sha256 };
        let may_be_there = self.listed.as_ref().is_some_and(|there| there.contains(&object));
        if may_be_there && self.is_there(&object, &item)? {
            return Ok(false);
        }
        progress.begin(&format!("publishing {}", file.name), file.size);
        let put = match held.0.get(&file.name) {
            Some(bytes) => {
                let mut source = Cursor::new(bytes);
                self.place.put(&object, &item, &mut source, &self.resumed, progress)
            }
            None => {
                let path = ceremony.folder.root().join(&file.name);
                let mut source = ceremony.folder.open(&path)?.take(file.size);
                self.place.put(&object, &item, &mut source, &self.resumed, progress)
            }
        };
        progress.end();
        match put? {
            Put::New(_) => {
                // The store says what it has now.
                if !self.is_there(&object, &item)? {
                    return Err(Diagnostic::environment(
                        "store",
                        "the store took the object, and does not have it",
                    )
                    .at(&shown)
                    .hint("run the same command again; if it stays so, use another store"));
                }
                Ok(true)
            }
            // Our own, where an answer was lost, or another account's.
            Put::There if self.is_there(&object, &item)? => Ok(false),
            Put::There => Err(Diagnostic::environment(
                "store",
                "the store says that an object is there, and does not have it",
            )
            .at(&shown)
            .hint("run the same command again")),
        }
    }

    fn is_there(&self, object: &Path, item: &Item<'_>) -> Result<bool, Diagnostic> {
        let Some(seen) = self.place.look(object, item.shown)? else { return Ok(false) };
        self.place.settle(object, item, &seen)?;
        self.place.compare(object, item, &seen, self.read_back)?;
        Ok(true)
    }

    /// Replaces the index: the one object that is, and only the very one that was looked at, where
    /// the store can do that. Whether it was another one.
    fn put_index(&self, ceremony: &Ceremony, index: &Index) -> Result<bool, Diagnostic> {
        let (object, shown) = (self.place.object(INDEX)?, self.place.named(INDEX));
        let bytes = index.to_json();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(mode) = self.replaceable_index(ceremony, index)? else { return Ok(false) };
            let options = PutOptions { mode, ..PutOptions::default() };
            let payload = PutPayload::from(bytes.clone());
            let put = self.place.store.put_opts(&object, payload, options);
            match self.place.runtime.block_on(put) {
                Ok(_) => return Ok(true),
                Err(Error::Precondition { .. } | Error::AlreadyExists { .. })
                    if attempt < ATTEMPTS => {}
                Err(error) => return Err(failure::store("replacing", &shown, &error)),
            }
        }
    }

    /// How what is there is replaced by this index, where it is neither the same one nor must
    /// stay.
    fn replaceable_index(
        &self,
        ceremony: &Ceremony,
        index: &Index,
    ) -> Result<Option<PutMode>, Diagnostic> {
        let (object, shown) = (self.place.object(INDEX)?, self.place.named(INDEX));
        let failed = |error: &Error| failure::store("reading", &shown, error);
        let ours = index.signed(ceremony)?;
        let run = &self.place.runtime;
        let there = run.block_on(self.place.store.get_opts(&object, GetOptions::default()));
        let there = match there {
            Err(Error::NotFound { .. }) => return Ok(Some(PutMode::Create)),
            Err(error) => return Err(failed(&error)),
            Ok(there) => there,
        };
        let version =
            UpdateVersion { e_tag: there.meta.e_tag.clone(), version: there.meta.version.clone() };
        if there.meta.size > MAX_INDEX_BYTES as u64 {
            return Err(not_ours(&shown, "no index is so large"));
        }
        let before = run.block_on(there.bytes()).map_err(|error| failed(&error))?;
        if before == index.to_json() {
            return Ok(None);
        }
        let before = Index::from_json(&before).map_err(|error| not_ours(&shown, &error.what))?;
        let signed = before
            .signed(ceremony)
            .map_err(|error| not_ours(&shown, &Diagnostic::from(&error).what))?;
        // One that is dated far ahead would keep every other one away until then. A clock here that
        // is slow must not make one of now look like that.
        if signed.time.unix() >= ours.time.unix() && !signed.is_ahead_by(DAY) {
            return Err(Diagnostic::environment(
                "newer-index",
                "the index that is there was not signed before this one",
            )
            .at(&shown)
            .found(signed.time)
            .expected(format_args!("one from before {}", ours.time))
            .hint("publish from where the ceremony goes on; check this machine's clock"));
        }
        ensure_goes_on(ceremony, &before, index, &shown)?;
        Ok(Some(match self.place.kind {
            // A folder cannot compare and replace; this process writes there alone.
            Kind::Local => PutMode::Overwrite,
            _ => PutMode::Update(version),
        }))
    }
}

/// Refuses a list that tells of less than the one that is there: it was signed later, and of an
/// older state, as a backup or a copy that fell behind has it.
fn ensure_goes_on(
    ceremony: &Ceremony,
    before: &Index,
    ours: &Index,
    shown: &str,
) -> Result<(), Diagnostic> {
    let behind = |name: &str, found: String, expected: &str| {
        Diagnostic::artefact("store-conflict", "the list that is there tells of more than this one")
            .at(format_args!("{shown}: {name}"))
            .found(found)
            .expected(expected)
            .hint(
                "nothing was replaced: publish from where the ceremony goes on, or bring this \
                 folder up to date with `ceremony mirror`",
            )
    };
    let here: BTreeMap<&str, &Indexed> =
        ours.files().iter().map(|file| (file.name.as_str(), file)).collect();
    let steps: BTreeSet<&str> = before.files().iter().map(|file| file.name.as_str()).collect();
    for file in before.files() {
        let name = file.name.as_str();
        if name == JOURNAL {
            let found = match here.get(name) {
                None => "no journal".to_owned(),
                Some(here) if here.size < file.size => format!("{} bytes", here.size),
                Some(_) => {
                    let path = ceremony.folder.root().join(name);
                    let source = ceremony.folder.open(&path)?;
                    if digest_of_beginning(source, file.size)
                        .map_err(|error| unread(&error).at(path.display()))?
                        == file.sha256.0
                    {
                        continue;
                    }
                    "a journal that begins otherwise".to_owned()
                }
            };
            let expected = format!("a journal that goes on from the {} bytes there", file.size);
            return Err(behind(name, found, &expected));
        }
        // An attestation that still waits for its data may go; so may the data of a step that was
        // rejected, but neither its signed words nor the rejection.
        let stem = name.strip_suffix(".dsse.json").map(|stem| stem.trim_end_matches(".reject"));
        let is_signed = stem.is_some_and(|stem| {
            DATA.iter().any(|ending| steps.contains(format!("{stem}{ending}").as_str()))
        });
        let is_kept = name == CONFIG || is_signed;
        match here.get(name) {
            _ if !is_kept => {}
            None => return Err(behind(name, "no such file".into(), "the same file")),
            Some(here) if here.sha256 != file.sha256 && !is_versioned(name) => {
                let expected = format!("SHA-256 {}", file.sha256);
                return Err(behind(name, format!("SHA-256 {}", here.sha256), &expected));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn unread(error: &std::io::Error) -> Diagnostic {
    Diagnostic::environment("reading", format_args!("reading failed: {error}"))
}

/// The SHA-256 of the first bytes of a source.
fn digest_of_beginning(source: impl Read, size: u64) -> std::io::Result<[u8; 32]> {
    let (mut source, mut hash) = (source.take(size), Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn not_ours(shown: &str, why: &str) -> Diagnostic {
    Diagnostic::artefact("store-conflict", "what is there is not an index of this ceremony")
        .at(shown)
        .found(why)
        .expected("nothing, or an index that the coordinator or a service signed")
        .hint("nothing was overwritten: publish to a place of the ceremony's own")
}

#[cfg(test)]
mod tests {
    use zk_attest::digest::FileDigest;

    use super::*;
    use crate::fake::{self, Fake};
    use crate::place::Access;

    /// Rules with keys that others published (RFC 8032, section 7.1).
    fn rules() -> String {
        format!(
            "format = \"zk-ceremony/1\"\nid = \"test-1\"\nkind = \"rehearsal\"\ncurve = \
             \"bn254\"\npower = 8\n\n[minimum_contributions]\nphase1 = 1\nphase2 = \
             1\n\n[coordinator]\nname = \"coordinator\"\nkey = \
             \"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"\n\n\
             [[participants]]\nname = \"alice\"\nkey = \
             \"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\"\nphases = [1, \
             2]\n\n[beacon.phase1]\nsource = \"a chain\"\nround = 1\nexponent = \
             10\n\n[beacon.phase2]\nsource = \"a chain\"\nround = 2\nexponent = \
             10\n\n[[circuits]]\nname = \"main\"\nsha256 = \"{}\"\nprogram = \"main v1\"\n",
            "00".repeat(32)
        )
    }

    #[test]
    fn what_a_store_says_of_a_put_is_held_to_what_it_has_then() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ceremony.toml"), rules()).unwrap();
        let ceremony = Ceremony::open(folder.path()).unwrap();
        std::fs::create_dir(folder.path().join("phase1")).unwrap();
        std::fs::write(folder.path().join("phase1/0001.ptau"), b"data").unwrap();
        let file =
            Indexed { name: "phase1/0001.ptau".into(), size: 4, sha256: FileDigest::of(b"data") };
        let put = |status: u16, there: Option<FileDigest>| {
            let fake = Fake::start(move |asked| match (asked.method.as_str(), there) {
                ("PUT", _) => (status, vec![("etag", "tag".into())], vec![]),
                (_, None) => fake::status(404),
                (_, Some(sha256)) => {
                    let sha256 = ("x-amz-meta-sha256", sha256.to_string());
                    (200, vec![("content-length", "4".into()), sha256], vec![])
                }
            });
            let resumed = folder.path().join("resumed");
            let mut publisher = Publisher::new(fake.place("s3://bucket"), resumed, false);
            publisher.put(&ceremony, &file, &Held::default(), &ceremony_core::progress::NoProgress)
        };
        let ours = Some(file.sha256);
        assert!(put(200, ours).unwrap());
        assert!(!put(412, ours).unwrap(), "it was there");
        for (status, there, what) in [
            (200, None, "took the object, and does not have it"),
            (412, None, "says that an object is there, and does not have it"),
            (200, Some(FileDigest::of(b"others")), "with other bytes"),
            (412, Some(FileDigest::of(b"others")), "with other bytes"),
        ] {
            let error = put(status, there).unwrap_err();
            assert!(error.what.contains(what), "{status}: {error}");
        }
    }

    #[test]
    fn of_a_bucket_full_of_other_objects_only_our_own_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..200 {
            std::fs::write(folder.path().join(format!("other-{n}")), b"theirs").unwrap();
        }
        std::fs::create_dir(folder.path().join("phase1")).unwrap();
        std::fs::write(folder.path().join("phase1/0001.ptau"), b"ours").unwrap();
        let access = Access { ca: None, insecure_http: false, patience: std::time::Duration::ZERO };
        let place = Place::open(&format!("file://{}", folder.path().display()), &access).unwrap();
        let mut publisher = Publisher::new(place, folder.path().join("resumed"), false);
        let file = |name: &str| Indexed { name: name.into(), size: 4, sha256: FileDigest([7; 32]) };
        let (here, missing) = (file("phase1/0001.ptau"), file("phase1/0002.ptau"));
        publisher.list(&[&here, &missing]).unwrap();
        let listed = publisher.listed.unwrap();
        let names: Vec<&str> = listed.iter().map(Path::as_ref).collect();
        assert_eq!(names, ["phase1/0001.ptau"]);
    }
}
