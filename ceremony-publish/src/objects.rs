//! One object of a store: put once, looked at, read back.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, MultipartUpload as _, ObjectStore as _,
    ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
};
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;

use crate::aside;
use crate::failure;
use crate::parts::{self, InS3, Resumed};
use crate::place::{Kind, Place};
use ceremony_core::progress::Progress;

/// Under which name an object's SHA-256 stands in its metadata.
pub(crate) const SHA256: &str = "sha256";
/// Bytes that are put with one request at most; what is larger goes in parts of this size.
pub(crate) const PART_BYTES: u64 = 8 << 20;
/// Parts of an object at most, as the stores have it.
const MAX_PARTS: u64 = 10_000;
/// Bytes of an object that are read just to say which ones they are.
const MAX_FOREIGN_BYTES: u64 = 256 << 20;

/// What is to be put.
pub(crate) struct Item<'a> {
    /// The object's name, in messages.
    pub(crate) shown: &'a str,
    pub(crate) size: u64,
    /// Its SHA-256, in hexadecimal.
    pub(crate) sha256: &'a str,
}

impl Item<'_> {
    /// Bytes of each part but the last.
    pub(crate) fn part_bytes(&self) -> u64 {
        // In whole mebibytes, which all stores take.
        self.size.div_ceil(MAX_PARTS).max(PART_BYTES).next_multiple_of(1 << 20)
    }

    /// What came is not what was to be put.
    pub(crate) fn changed(&self, found: &str) -> Diagnostic {
        Diagnostic::environment("changed", "the file changed since it was listed")
            .at(self.shown)
            .found(found)
            .expected(self.sha256)
            .hint("run the same command again")
    }
}

/// An object that is there.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    /// As the account that put it said.
    pub(crate) sha256: Option<String>,
}

/// What became of putting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is there now, as this version where the store has versions.
    New(Option<String>),
    /// Something of that name was there already, and is still there.
    There,
}

impl Place {
    /// What is there under a name.
    pub(crate) fn look(&self, object: &Path, shown: &str) -> Result<Option<Seen>, Diagnostic> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.runtime.block_on(self.store.get_opts(object, options)) {
            Ok(there) => {
                let key = Attribute::Metadata(SHA256.into());
                let sha256 = there.attributes.get(&key).map(|value| value.to_string());
                Ok(Some(Seen { size: there.meta.size, sha256 }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure::store("looking", shown, &error)),
        }
    }

    /// Holds an object that is there to what should be there. What its metadata says is taken for
    /// what it is, unless it is to be read back.
    pub(crate) fn compare(
        &self,
        object: &Path,
        item: &Item<'_>,
        seen: &Seen,
        read_back: bool,
    ) -> Result<(), Diagnostic> {
        let said = seen.sha256.as_deref();
        if seen.size == item.size && said == Some(item.sha256) && !read_back {
            return Ok(());
        }
        let found = match said {
            Some(said) if said != item.sha256 => said.to_owned(),
            _ if seen.size == item.size || seen.size <= MAX_FOREIGN_BYTES => {
                self.digest_there(object, None, item.shown)?.1
            }
            _ => "not read".to_owned(),
        };
        if seen.size == item.size && found == item.sha256 {
            return Ok(());
        }
        Err(Diagnostic::artefact(
            "store-conflict",
            "the store has this object already, with other bytes",
        )
        .at(item.shown)
        .found(format_args!("{found}, {} bytes", seen.size))
        .expected(format_args!("{}, {} bytes", item.sha256, item.size))
        .hint(
            "nothing was overwritten: find out who put it there, keep it, and publish to a place \
             that only this command writes to",
        ))
    }

    /// The bytes and the SHA-256 of an object, read from the store.
    pub(crate) fn digest_there(
        &self,
        object: &Path,
        version: Option<&str>,
        shown: &str,
    ) -> Result<(u64, String), Diagnostic> {
        let mut reading = self.read(object, version, shown)?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = reading
                .read(&mut buffer)
                .map_err(|error| Diagnostic::environment("network", error).at(shown))?;
            if count == 0 {
                return Ok((size, hex::encode(hash.finalize())));
            }
            hash.update(&buffer[..count]);
            size += count as u64;
        }
    }

    /// Puts an object, if its name is free.
    pub(crate) fn put(
        &self,
        object: &Path,
        item: &Item<'_>,
        source: &mut dyn Read,
        resumed: &Resumed,
        progress: &dyn Progress,
    ) -> Result<Put, Diagnostic> {
        if item.size <= PART_BYTES {
            let bytes = whole(item, source)?;
            progress.advance(item.size);
            return self.put_small(object, item, bytes);
        }
        match &self.kind {
            Kind::S3(s3) => {
                let upload = InS3::new(self, s3, object, item, Vec::new());
                parts::put(self, &upload, object, item, source, resumed, progress)
            }
            Kind::Google(store) => {
                let store = store.as_ref();
                aside::put(self, store, object, item, source, resumed, progress)
            }
            Kind::Azure(store) => {
                let store = store.as_ref();
                aside::put(self, store, object, item, source, resumed, progress)
            }
            Kind::Local => self.put_in_folder(object, item, source, progress),
            Kind::Web => Err(self.reads_only()),
        }
    }

    fn put_small(&self, object: &Path, item: &Item<'_>, bytes: Bytes) -> Result<Put, Diagnostic> {
        let attributes = self.attributes(item);
        let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
        let put = self.store.put_opts(object, PutPayload::from(bytes), options);
        match self.runtime.block_on(put) {
            Ok(put) => Ok(Put::New(put.version)),
            Err(Error::AlreadyExists { .. }) => Ok(Put::There),
            Err(error) => Err(failure::store("putting", item.shown, &error)),
        }
    }

    /// Into a folder, in pieces: a file of another name, which then gets this one if it is free.
    fn put_in_folder(
        &self,
        object: &Path,
        item: &Item<'_>,
        source: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<Put, Diagnostic> {
        let failed = |error: Error| failure::store("putting", item.shown, &error);
        let aside = self.object(&format!("uploads/{}", item.sha256))?;
        let upload = self.store.put_multipart(&aside);
        let mut upload = self.runtime.block_on(upload).map_err(failed)?;
        let sent = (|| {
            let mut hash = Sha256::new();
            let mut left = item.size;
            while left > 0 {
                let bytes = piece(item, source, left.min(item.part_bytes()))?;
                hash.update(&bytes);
                left -= bytes.len() as u64;
                let count = bytes.len() as u64;
                self.runtime.block_on(upload.put_part(PutPayload::from(bytes))).map_err(failed)?;
                progress.advance(count);
            }
            let found = hex::encode(hash.finalize());
            if found == item.sha256 { Ok(()) } else { Err(item.changed(&found)) }
        })();
        if let Err(error) = sent {
            let _ = self.runtime.block_on(upload.abort());
            return Err(error);
        }
        self.runtime.block_on(upload.complete()).map_err(failed)?;
        let named = self.runtime.block_on(self.store.copy_if_not_exists(&aside, object));
        let _ = self.runtime.block_on(self.store.delete(&aside));
        match named {
            Ok(()) => Ok(Put::New(None)),
            Err(Error::AlreadyExists { .. }) => Ok(Put::There),
            Err(error) => Err(failed(error)),
        }
    }

    pub(crate) fn attributes(&self, item: &Item<'_>) -> Attributes {
        match self.kind {
            // A folder has no place for them.
            Kind::Local | Kind::Web => Attributes::new(),
            Kind::S3(_) | Kind::Google(_) | Kind::Azure(_) => {
                let value = item.sha256.to_owned();
                Attributes::from_iter([(Attribute::Metadata(SHA256.into()), value)])
            }
        }
    }

    /// An object's bytes as they come.
    pub(crate) fn read(
        &self,
        object: &Path,
        version: Option<&str>,
        shown: &str,
    ) -> Result<Reading<'_>, Diagnostic> {
        let options = GetOptions { version: version.map(str::to_owned), ..GetOptions::default() };
        let got = self
            .runtime
            .block_on(self.store.get_opts(object, options))
            .map_err(|error| failure::store("reading", shown, &error))?;
        let (size, version) = (got.meta.size, got.meta.version.clone());
        Ok(Reading { place: self, stream: got.into_stream(), piece: Bytes::new(), size, version })
    }
}

/// See [`Place::read`].
pub struct Reading<'a> {
    place: &'a Place,
    stream: futures_util::stream::BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
    size: u64,
    version: Option<String>,
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Reading<'_> {
    /// How many bytes the store says there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Which version of the object this is, where the store has versions.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.place.runtime.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    let what = format!("the answer broke off: {}", failure::cause(&error));
                    return Err(std::io::Error::new(ErrorKind::ConnectionAborted, what));
                }
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// The next bytes of a source, which has as many.
pub(crate) fn piece(
    item: &Item<'_>,
    source: &mut dyn Read,
    count: u64,
) -> Result<Bytes, Diagnostic> {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
    source.read_exact(&mut bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => item.changed("a shorter file"),
        _ => Diagnostic::environment("reading", format_args!("reading failed: {error}"))
            .at(item.shown),
    })?;
    Ok(bytes.into())
}

/// All bytes of a small item, which are those that were listed.
pub(crate) fn whole(item: &Item<'_>, source: &mut dyn Read) -> Result<Bytes, Diagnostic> {
    let bytes = piece(item, source, item.size)?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found == item.sha256 { Ok(bytes) } else { Err(item.changed(&found)) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ceremony_core::progress::NoProgress;

    use super::*;
    use crate::fake::Fake;
    use crate::place::Access;

    fn folder() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let access = Access { ca: None, insecure_http: false, patience: Default::default() };
        let place = Place::open(&format!("file://{}", folder.path().display()), &access).unwrap();
        (folder, place)
    }

    #[test]
    fn what_is_there_is_held_to_its_size_and_to_what_its_account_said_or_to_its_bytes() {
        let (folder, place) = folder();
        std::fs::write(folder.path().join("a"), b"ours").unwrap();
        let [ours, other] = [&b"ours"[..], b"other"].map(|it| hex::encode(Sha256::digest(it)));
        let object = place.object("a").unwrap();
        let compare = |listed: &str, size, said: Option<&str>, read_back| {
            // An item as large as what is there, or not.
            let item = Item { shown: "a", size: 4, sha256: listed };
            let seen = Seen { size, sha256: said.map(str::to_owned) };
            let found = place.compare(&object, &item, &seen, read_back);
            found.map_err(|error| (error.code.to_string(), error.found.unwrap()))
        };
        let conflict = |found: &str, size: u64| {
            Err(("store-conflict".to_owned(), format!("{found}, {size} bytes")))
        };
        assert_eq!(compare(&ours, 4, Some(&ours), false), Ok(()));
        // Its account said so, and nobody looked.
        assert_eq!(compare(&other, 4, Some(&other), false), Ok(()));
        assert_eq!(compare(&other, 4, Some(&other), true), conflict(&ours, 4));
        assert_eq!(compare(&ours, 4, Some(&ours), true), Ok(()));
        // Another size is another object, whatever is said of it.
        assert_eq!(compare(&ours, 5, Some(&ours), false), conflict(&ours, 5));
        // What is said to be another one is not read.
        assert_eq!(compare(&ours, 4, Some(&other), false), conflict(&other, 4));
        // Nothing is said: it is read, unless it is too large for that.
        assert_eq!(compare(&ours, 4, None, false), Ok(()));
        assert_eq!(compare(&other, 4, None, false), conflict(&ours, 4));
        assert_eq!(compare(&ours, 5, None, false), conflict(&ours, 5));
        let large = MAX_FOREIGN_BYTES + 1;
        assert_eq!(compare(&ours, large, None, false), conflict("not read", large));
    }

    #[test]
    fn a_small_object_goes_with_its_digest_and_only_to_a_free_name() {
        let put = |status: u16| {
            let fake = Fake::start(move |_| (status, vec![("etag", "tag".into())], vec![]));
            let place = fake.place("s3://bucket/one");
            let object = place.object("phase1/0000.dsse.json").unwrap();
            let sha256 = hex::encode(Sha256::digest(b"small"));
            let item = Item { shown: "a", size: 5, sha256: &sha256 };
            let none = Resumed::default();
            let put = place.put(&object, &item, &mut &b"small"[..], &none, &NoProgress);
            (fake, put, sha256)
        };
        let (fake, done, sha256) = put(200);
        assert_eq!(done.unwrap(), Put::New(None));
        assert_eq!(fake.lines(), ["PUT /bucket/one/phase1/0000.dsse.json"]);
        let asked = &fake.asked()[0];
        for (name, value) in [
            ("if-none-match", "*"),
            ("x-amz-meta-sha256", &sha256),
            ("x-amz-checksum-sha256", &crate::s3::checksum(b"small")),
        ] {
            assert_eq!(asked.header(name), Some(value), "{name}");
        }
        for status in [409, 412] {
            assert_eq!(put(status).1.unwrap(), Put::There, "{status}");
        }
        assert_eq!(put(403).1.unwrap_err().code, "store");
    }

    #[test]
    fn parts_are_as_large_as_ten_thousand_of_them_need() {
        let bytes = |size| Item { shown: "a", size, sha256: "" }.part_bytes();
        assert_eq!(bytes(1), PART_BYTES);
        assert_eq!(bytes(MAX_PARTS * PART_BYTES), PART_BYTES);
        for size in [MAX_PARTS * PART_BYTES + 1, 1 << 40, 5 << 40] {
            assert!(size.div_ceil(bytes(size)) <= MAX_PARTS, "{size}");
            assert_eq!(bytes(size) % (1 << 20), 0, "{size}");
        }
    }

    #[test]
    fn a_file_is_put_once_and_only_as_it_was_listed() {
        let (folder, place) = folder();
        let (ours, others) = (vec![7; 9 << 20], vec![8; 9 << 20]);
        let object = place.object("phase1/0001.ptau").unwrap();
        let put = |listed: &[u8], bytes: &[u8]| {
            let sha256 = hex::encode(Sha256::digest(listed));
            let item = Item { shown: "a", size: listed.len() as u64, sha256: &sha256 };
            let none = Resumed::default();
            place.put(&object, &item, &mut Cursor::new(bytes), &none, &NoProgress)
        };
        // Of several parts and of one: what is not the listed file does not go there.
        for changed in [&others[..], &ours[..8 << 20]] {
            assert_eq!(put(&ours, changed).unwrap_err().code, "changed");
        }
        assert_eq!(put(b"listed", b"others").unwrap_err().code, "changed");
        let path = folder.path().join("phase1/0001.ptau");
        assert!(!path.exists());
        assert_eq!(put(&ours, &ours).unwrap(), Put::New(None));
        assert_eq!(put(&others, &others).unwrap(), Put::There);
        assert!(std::fs::read(path).unwrap() == ours, "it was replaced");
        let left = std::fs::read_dir(folder.path().join("uploads"));
        assert_eq!(left.map_or(0, Iterator::count), 0);
    }
}
