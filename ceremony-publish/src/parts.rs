//! A large object in parts: gone on with after any interruption, ended only if the name is still
//! free.
//!
//! What was sent is written down beside the ceremony, part by part. The next run reads the same
//! file again, holds each part to what was sent, and sends the rest.

use std::fs;
use std::io::{Read, Write as _};
use std::path::PathBuf;

use bytes::Bytes;
use ceremony_core::progress::Progress;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;

use crate::objects::{Item, Put, piece};
use crate::place::Place;
use crate::s3::{Headers, S3, checksum};

/// Bytes of a record at most: ten thousand parts.
const MAX_RECORD_BYTES: usize = 4 << 20;

/// Where uploads that broke off are written down; nowhere for those that begin anew each time.
#[derive(Clone, Debug, Default)]
pub struct Resumed(Option<PathBuf>);

/// An upload that was begun.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    place: String,
    object: String,
    sha256: String,
    size: u64,
    /// What was asked for the whole object when it was begun: a lock keeps its date.
    headers: Vec<(String, String)>,
    upload: String,
    /// Tag and checksum of each part that was sent.
    parts: Vec<(String, String)>,
}

impl Resumed {
    /// In this folder, which is made where it is needed.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    fn path(&self, place: &Place, object: &Path) -> Option<PathBuf> {
        let name = Sha256::digest(format!("{}\n{object}", place.shown()));
        Some(self.0.as_ref()?.join(format!("{}.json", hex::encode(name))))
    }

    /// What was begun of this very object. What cannot be read was not begun.
    fn read(
        &self,
        place: &Place,
        object: &Path,
        item: &Item<'_>,
        headers: &[(String, String)],
    ) -> Option<Record> {
        let bytes =
            zk_attest::file::read_regular(&self.path(place, object)?, MAX_RECORD_BYTES).ok()?;
        let record: Record = serde_json::from_slice(&bytes).ok()?;
        let is_same = record.place == place.shown()
            && record.object == object.as_ref()
            && record.sha256 == item.sha256
            && record.size == item.size
            && record.headers == headers;
        is_same.then_some(record)
    }

    fn write(&self, place: &Place, object: &Path, record: &Record) -> Result<(), Diagnostic> {
        let Some(path) = self.path(place, object) else { return Ok(()) };
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let partial = path.with_extension("partial");
            let mut file = fs::File::create(&partial)?;
            file.write_all(&serde_json::to_vec(record)?)?;
            // A record that says less than the store has would send parts twice; one that is cut
            // after a power failure would begin the whole upload anew.
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
        };
        write().map_err(|error: std::io::Error| {
            Diagnostic::environment("writing", format_args!("writing failed: {error}"))
                .at(path.display())
        })
    }

    pub(crate) fn forget(&self, place: &Place, object: &Path) {
        if let Some(path) = self.path(place, object) {
            let _ = fs::remove_file(path);
        }
    }
}

/// How a store takes an object in parts.
pub(crate) trait Upload {
    /// What is asked for the whole object: an upload goes on only if that is the same.
    fn asked(&self) -> Vec<(String, String)>;
    /// Begins one, and gives its name.
    fn begin(&self) -> Result<String, Diagnostic>;
    /// Sends a part, counted from 1, and gives the store's tag of it.
    fn part(&self, upload: &str, number: usize, bytes: Bytes) -> Result<String, Broken>;
    /// Ends one, if the object's name is free. Parts are their tags and checksums.
    fn complete(&self, upload: &str, parts: &[(String, String)]) -> Result<Put, Broken>;
    /// Gives one up.
    fn abort(&self, upload: &str);
}

/// Why an upload does not go on.
pub(crate) struct Broken {
    pub(crate) error: Diagnostic,
    /// Whether the store does not know the upload any more.
    pub(crate) is_gone: bool,
}

/// Puts an object in parts.
pub(crate) fn put(
    place: &Place,
    upload: &dyn Upload,
    object: &Path,
    item: &Item<'_>,
    source: &mut dyn Read,
    resumed: &Resumed,
    progress: &dyn Progress,
) -> Result<Put, Diagnostic> {
    // Asked for before gigabytes are sent in vain; the end asks again.
    if place.look(object, item.shown)?.is_some() {
        return Ok(Put::There);
    }
    let asked = upload.asked();
    let mut record = match resumed.read(place, object, item, &asked) {
        Some(record) => record,
        None => Record {
            place: place.shown().to_owned(),
            object: object.to_string(),
            sha256: item.sha256.to_owned(),
            size: item.size,
            headers: asked,
            upload: upload.begin()?,
            parts: Vec::new(),
        },
    };
    let (mut hash, mut left, mut number) = (Sha256::new(), item.size, 0);
    while left > 0 {
        let bytes = piece(item, source, left.min(item.part_bytes()))?;
        hash.update(&bytes);
        let count = bytes.len() as u64;
        left -= count;
        let sum = checksum(&bytes);
        let known = record.parts.get(number).is_some_and(|(_, sent)| *sent == sum);
        number += 1;
        if !known {
            record.parts.truncate(number - 1);
            let tag = upload.part(&record.upload, number, bytes).map_err(|broken| {
                if broken.is_gone {
                    resumed.forget(place, object);
                }
                broken.error
            })?;
            record.parts.push((tag, sum));
            resumed.write(place, object, &record)?;
        }
        progress.advance(count);
    }
    record.parts.truncate(number);
    let found = hex::encode(hash.finalize());
    if found != item.sha256 {
        upload.abort(&record.upload);
        resumed.forget(place, object);
        return Err(item.changed(&found));
    }
    match upload.complete(&record.upload, &record.parts) {
        Ok(put) => {
            resumed.forget(place, object);
            Ok(put)
        }
        Err(Broken { error, is_gone: false }) => Err(error),
        Err(Broken { error, is_gone: true }) => {
            resumed.forget(place, object);
            let is_there = place.look(object, item.shown)?.is_some();
            if is_there { Ok(Put::There) } else { Err(error) }
        }
    }
}

/// To S3, which ends an upload only if the name is still free.
pub(crate) struct InS3<'a> {
    place: &'a Place,
    s3: &'a S3,
    object: &'a Path,
    shown: &'a str,
    headers: Headers,
}

impl<'a> InS3<'a> {
    /// `headers` are those of the whole object.
    pub(crate) fn new(
        place: &'a Place,
        s3: &'a S3,
        object: &'a Path,
        item: &'a Item<'_>,
        mut headers: Headers,
    ) -> Self {
        headers.push(("x-amz-meta-sha256", item.sha256.to_owned()));
        Self { place, s3, object, shown: item.shown, headers }
    }
}

impl Upload for InS3<'_> {
    fn asked(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn begin(&self) -> Result<String, Diagnostic> {
        self.place.runtime.block_on(self.s3.begin(self.object, self.headers.clone()))
    }

    fn part(&self, upload: &str, number: usize, bytes: Bytes) -> Result<String, Broken> {
        let sent = self.s3.part(self.object, upload, number, bytes);
        let answer =
            self.place.runtime.block_on(sent).map_err(|error| Broken { error, is_gone: false })?;
        let tag = answer.header("etag").filter(|_| answer.is_good()).map(str::to_owned);
        tag.ok_or_else(|| Broken {
            error: answer.refusal("putting a part", self.shown),
            is_gone: answer.status == 404,
        })
    }

    fn complete(&self, upload: &str, parts: &[(String, String)]) -> Result<Put, Broken> {
        let done = self.s3.complete(self.object, upload, parts);
        let answer =
            self.place.runtime.block_on(done).map_err(|error| Broken { error, is_gone: false })?;
        if answer.is_good() {
            return Ok(Put::New(answer.header("x-amz-version-id").map(str::to_owned)));
        }
        match answer.status {
            // Another account's, or our own, whose answer was lost: the caller looks.
            409 | 412 => {
                self.abort(upload);
                Ok(Put::There)
            }
            status => Err(Broken {
                error: answer.refusal("ending an upload", self.shown),
                is_gone: status == 404,
            }),
        }
    }

    fn abort(&self, upload: &str) {
        self.place.runtime.block_on(self.s3.abort(self.object, upload));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use ceremony_core::progress::NoProgress;

    use super::*;
    use crate::fake::{self, Asked as Request, Fake};
    use crate::place::Access;

    /// Writes down what it is asked for.
    #[derive(Default)]
    struct Asked(RefCell<Vec<&'static str>>);

    impl Upload for Asked {
        fn asked(&self) -> Vec<(String, String)> {
            Vec::new()
        }

        fn begin(&self) -> Result<String, Diagnostic> {
            Ok("first".into())
        }

        fn part(&self, _: &str, _: usize, _: Bytes) -> Result<String, Broken> {
            self.0.borrow_mut().push("part");
            Ok("tag".into())
        }

        fn complete(&self, _: &str, _: &[(String, String)]) -> Result<Put, Broken> {
            self.0.borrow_mut().push("end");
            Ok(Put::New(None))
        }

        fn abort(&self, _: &str) {
            self.0.borrow_mut().push("abort");
        }
    }

    #[test]
    fn a_file_that_changed_since_it_was_listed_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access { ca: None, insecure_http: false, patience: Default::default() };
        let place = Place::open(&format!("file://{}", folder.path().display()), &access).unwrap();
        let resumed = Resumed::in_folder(folder.path().join("resumed"));
        let (object, sha256) = (Path::from("a.tar"), hex::encode(Sha256::digest(b"listed")));
        let item = Item { shown: "a", size: 6, sha256: &sha256 };
        let upload = Asked::default();
        let send = |mut bytes: &[u8]| {
            put(&place, &upload, &object, &item, &mut bytes, &resumed, &NoProgress)
        };
        assert_eq!(send(b"other!").unwrap_err().code, "changed");
        assert_eq!(*upload.0.borrow(), ["part", "abort"]);
        assert!(!resumed.path(&place, &object).unwrap().exists(), "it is gone on with");
        assert_eq!(send(b"listed").unwrap(), Put::New(None));
        assert_eq!(*upload.0.borrow(), ["part", "abort", "part", "end"]);
    }

    /// A large item of two parts.
    fn large() -> (Vec<u8>, String) {
        let bytes = vec![7; 9 << 20];
        let sha256 = hex::encode(Sha256::digest(&bytes));
        (bytes, sha256)
    }

    fn send(place: &Place, resumed: &Resumed) -> Result<Put, Diagnostic> {
        let (bytes, sha256) = large();
        let item = Item { shown: "a", size: bytes.len() as u64, sha256: &sha256 };
        let object = place.object("a").unwrap();
        place.put(&object, &item, &mut &bytes[..], resumed, &NoProgress)
    }

    /// A store that has nothing yet, and takes everything but what `other` answers.
    fn takes(other: impl Fn(&Request) -> Option<fake::Answer> + Send + 'static) -> Fake {
        Fake::start(move |asked| {
            let usual = || match (asked.method.as_str(), asked.query.contains("uploads")) {
                ("HEAD", _) => fake::status(404),
                ("POST", true) => fake::body("<a><UploadId>one</UploadId></a>"),
                ("PUT", _) => (200, vec![("etag", "\"tag\"".into())], vec![]),
                ("POST", _) => (200, vec![("x-amz-version-id", "v1".into())], vec![]),
                _ => fake::status(204),
            };
            other(asked).unwrap_or_else(usual)
        })
    }

    #[test]
    fn an_object_in_parts_is_ended_with_its_digests_if_its_name_is_free() {
        let fake = takes(|_| None);
        let put = send(&fake.place("s3://bucket"), &Resumed::default()).unwrap();
        assert_eq!(put, Put::New(Some("v1".into())));
        let expected = [
            "HEAD /bucket/a",
            "POST /bucket/a?uploads",
            "PUT /bucket/a?partNumber=1&uploadId=one",
            "PUT /bucket/a?partNumber=2&uploadId=one",
            "POST /bucket/a?uploadId=one",
        ];
        assert_eq!(fake.lines(), expected);
        let (bytes, sha256) = large();
        let sums = [&bytes[..8 << 20], &bytes[8 << 20..]].map(checksum);
        let asked = fake.asked();
        assert_eq!(asked[1].header("x-amz-meta-sha256"), Some(sha256.as_str()));
        assert_eq!(asked[1].header("x-amz-checksum-algorithm"), Some("SHA256"));
        for (part, sum) in asked[2..4].iter().zip(&sums) {
            assert_eq!(part.header("x-amz-checksum-sha256"), Some(sum.as_str()));
        }
        assert_eq!(asked[4].header("if-none-match"), Some("*"));
        let list = String::from_utf8(asked[4].body.clone()).unwrap();
        for (number, sum) in (1..).zip(&sums) {
            let part = format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>&quot;tag&quot;</ETag>\
                 <ChecksumSHA256>{sum}</ChecksumSHA256></Part>"
            );
            assert!(list.contains(&part), "{list}");
        }
    }

    #[test]
    fn what_has_the_name_by_then_stays_and_the_upload_is_given_up() {
        for status in [409, 412] {
            let fake = takes(move |asked| {
                let ends = asked.method == "POST" && asked.query.contains("uploadId");
                ends.then(|| fake::status(status))
            });
            let put = send(&fake.place("s3://bucket"), &Resumed::default()).unwrap();
            assert_eq!(put, Put::There);
            assert_eq!(fake.lines().last().unwrap(), "DELETE /bucket/a?uploadId=one");
        }
        // Where it is there from the beginning, nothing is sent.
        let fake = takes(|asked| (asked.method == "HEAD").then(|| fake::status(200)));
        assert_eq!(send(&fake.place("s3://bucket"), &Resumed::default()).unwrap(), Put::There);
        assert_eq!(fake.lines(), ["HEAD /bucket/a"]);
    }

    #[test]
    fn an_upload_that_the_store_has_forgotten_begins_anew_and_another_failure_does_not_end_it() {
        let folder = tempfile::tempdir().unwrap();
        let resumed = Resumed::in_folder(folder.path().join("resumed"));
        let kept = || fs::read_dir(folder.path().join("resumed")).map_or(0, Iterator::count);
        let second_part = |status: u16| {
            takes(move |asked| asked.query.contains("partNumber=2").then(|| fake::status(status)))
        };
        for (status, begun) in [(403, 1), (404, 0)] {
            let fake = second_part(status);
            let place = fake.place("s3://bucket");
            assert_eq!(send(&place, &resumed).unwrap_err().code, "store");
            assert_eq!(kept(), begun, "{status}");
        }
        let end = |status: u16, there: bool| {
            let looks = AtomicU32::new(0);
            takes(move |asked| {
                if asked.method == "POST" && asked.query.contains("uploadId") {
                    return Some(fake::status(status));
                }
                // Our own, of which the answer was lost: it is there at the second look.
                let is_look = there && asked.method == "HEAD";
                let is_second = is_look && looks.fetch_add(1, Ordering::SeqCst) > 0;
                is_second.then(|| fake::status(200))
            })
        };
        assert_eq!(send(&end(403, true).place("s3://bucket"), &resumed).unwrap_err().code, "store");
        assert_eq!(kept(), 1);
        assert_eq!(send(&end(404, true).place("s3://bucket"), &resumed).unwrap(), Put::There);
        assert_eq!(kept(), 0);
        assert_eq!(
            send(&end(404, false).place("s3://bucket"), &resumed).unwrap_err().code,
            "store"
        );
        assert_eq!(kept(), 0);
    }

    #[test]
    fn parts_that_were_sent_are_not_sent_again_unless_they_are_others() {
        let folder = tempfile::tempdir().unwrap();
        let resumed = Resumed::in_folder(folder.path().join("resumed"));
        let fake = takes(|asked| asked.query.contains("partNumber=2").then(|| fake::status(403)));
        assert_eq!(send(&fake.place("s3://bucket"), &resumed).unwrap_err().code, "store");
        let fake = takes(|_| None);
        let place = fake.place("s3://bucket");
        // Written down with another first part.
        let path = resumed.path(&place, &place.object("a").unwrap()).unwrap();
        let good = fs::read(&path).unwrap();
        let mut record: Record = serde_json::from_slice(&good).unwrap();
        record.parts[0].1 = checksum(b"another part");
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        let sent = |fake: &Fake| {
            let lines = fake.lines().into_iter();
            lines.filter(|line| line.starts_with("PUT")).collect::<Vec<_>>()
        };
        let [one, two] = [1, 2].map(|n| format!("PUT /bucket/a?partNumber={n}&uploadId=one"));
        send(&place, &resumed).unwrap();
        assert_eq!(sent(&fake), [one, two.clone()]);
        let fake = takes(|_| None);
        fs::write(&path, &good).unwrap();
        send(&fake.place("s3://bucket"), &resumed).unwrap();
        assert_eq!(sent(&fake), [two]);
        assert!(!path.exists(), "it is written down still");
        // With one more than it has.
        let mut record: Record = serde_json::from_slice(&good).unwrap();
        record.parts.push(("tag".into(), checksum(&large().0[8 << 20..])));
        record.parts.push(("tag".into(), checksum(b"another part")));
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        let fake = takes(|_| None);
        send(&fake.place("s3://bucket"), &resumed).unwrap();
        assert_eq!(sent(&fake), [""; 0]);
        let end = String::from_utf8(fake.asked().last().unwrap().body.clone()).unwrap();
        assert_eq!(end.matches("<Part>").count(), 2, "{end}");
    }

    #[test]
    fn an_upload_goes_on_only_for_the_same_bytes_and_the_same_lock() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access { ca: None, insecure_http: false, patience: Default::default() };
        let place = Place::open(&format!("file://{}", folder.path().display()), &access).unwrap();
        let resumed = Resumed::in_folder(folder.path().join("resumed"));
        let object = Path::from("a.tar");
        let headers = |until: &str| vec![("until".to_owned(), until.to_owned())];
        let record = |place: &str, object: &str| Record {
            place: place.to_owned(),
            object: object.to_owned(),
            sha256: "aa".into(),
            size: 9,
            headers: headers("2036"),
            upload: "first".into(),
            parts: Vec::new(),
        };
        let writes = |it: &Record| resumed.write(&place, &object, it).unwrap();
        let found = |size, sha256, until| {
            let item = Item { shown: "a", size, sha256 };
            resumed.read(&place, &object, &item, &headers(until)).map(|it| it.upload)
        };
        // Under this one's name, and of another object.
        for other in [record("s3://other", "a.tar"), record(place.shown(), "b.tar")] {
            writes(&other);
            assert_eq!(found(9, "aa", "2036"), None, "{other:?}");
        }
        writes(&record(place.shown(), "a.tar"));
        assert_eq!(found(9, "aa", "2036"), Some("first".into()));
        for (size, sha256, until) in [(8, "aa", "2036"), (9, "bb", "2036"), (9, "aa", "2037")] {
            assert_eq!(found(size, sha256, until), None, "{size} {sha256} {until}");
        }
        resumed.forget(&place, &object);
        assert_eq!(found(9, "aa", "2036"), None);
    }
}
