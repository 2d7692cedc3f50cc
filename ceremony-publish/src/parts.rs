//! A large object for S3, in parts: gone on with after any interruption, ended only if the name is
//! still free.
//!
//! What was sent is written down beside the ceremony, part by part. The next run reads the same
//! file again, holds each part to what was sent, and sends the rest.

use std::fs;
use std::io::{Read, Write as _};
use std::path::PathBuf;

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

    fn forget(&self, place: &Place, object: &Path) {
        if let Some(path) = self.path(place, object) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Puts an object in parts. `headers` are those of the whole object.
#[expect(clippy::too_many_arguments, reason = "one caller for each kind of object")]
pub(crate) fn put(
    place: &Place,
    s3: &S3,
    object: &Path,
    item: &Item<'_>,
    mut headers: Headers,
    source: &mut dyn Read,
    resumed: &Resumed,
    progress: &dyn Progress,
) -> Result<Put, Diagnostic> {
    let run = &place.runtime;
    // Asked for before gigabytes are sent in vain; the end asks again.
    if place.look(object, item.shown)?.is_some() {
        return Ok(Put::There);
    }
    headers.push(("x-amz-meta-sha256", item.sha256.to_owned()));
    let asked: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let mut record = match resumed.read(place, object, item, &asked) {
        Some(record) => record,
        None => Record {
            place: place.shown().to_owned(),
            object: object.to_string(),
            sha256: item.sha256.to_owned(),
            size: item.size,
            headers: asked,
            upload: run.block_on(s3.begin(object, headers))?,
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
            let answer = run.block_on(s3.part(object, &record.upload, number, bytes))?;
            let tag = answer.header("etag").filter(|_| answer.is_good()).map(str::to_owned);
            let Some(tag) = tag else {
                if answer.status == 404 {
                    resumed.forget(place, object);
                }
                return Err(answer.refusal("putting a part", item.shown));
            };
            record.parts.push((tag, sum));
            resumed.write(place, object, &record)?;
        }
        progress.advance(count);
    }
    record.parts.truncate(number);
    let found = hex::encode(hash.finalize());
    if found != item.sha256 {
        run.block_on(s3.abort(object, &record.upload));
        resumed.forget(place, object);
        return Err(item.changed(&found));
    }
    let answer = run.block_on(s3.complete(object, &record.upload, &record.parts))?;
    if answer.is_good() {
        resumed.forget(place, object);
        return Ok(Put::New(answer.header("x-amz-version-id").map(str::to_owned)));
    }
    match answer.status {
        // Somebody else's, or our own, whose answer was lost: the caller looks.
        409 | 412 => {
            run.block_on(s3.abort(object, &record.upload));
            resumed.forget(place, object);
            Ok(Put::There)
        }
        404 => {
            resumed.forget(place, object);
            if place.look(object, item.shown)?.is_some() {
                return Ok(Put::There);
            }
            Err(answer.refusal("ending an upload", item.shown))
        }
        _ => Err(answer.refusal("ending an upload", item.shown)),
    }
}
