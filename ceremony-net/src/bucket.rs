//! A ceremony in a bucket, or on a plain web server: `index.json`, and the files beside it.
//!
//! There is nobody to ask. Files are fetched with one request each, and a fetch that broke off goes
//! on where the server can do that. What came is held to the index, the index to its signature, and
//! everything to the attestations, as everywhere.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ceremony_core::progress::Progress;
use ceremony_folder::index::{INDEX, Index, Indexed, MAX_INDEX_BYTES, object_of};
use reqwest::blocking::{RequestBuilder, Response};
use reqwest::{Method, StatusCode, Url};
use zk_attest::diagnostic::{Blame, Diagnostic};

use crate::client::{Client, Failure, read_limited};
use crate::fetch::Partial;
use crate::metrics::families::RECEIVED;
use crate::metrics::{Measured, Step};
use crate::protocol::{FileInfo, FileList};
use crate::sync::Source;
use crate::words;

/// How often an index is looked at: as often as a ceremony of minutes a turn changes.
pub const LOOK: Duration = Duration::from_secs(30);

/// The address at which an object can be fetched for some minutes. It is a secret.
pub type Signed<'a> = &'a dyn Fn(&str) -> Result<Url, Diagnostic>;

/// See the module's documentation.
pub struct Bucket<'a> {
    client: &'a Client,
    /// Addresses of objects where not everyone may read them.
    signed: Option<Signed<'a>>,
    /// The list of an index that somebody has held to its signature; without it, that of the index
    /// which is there.
    pinned: Option<FileList>,
    /// Whether documents stand under their own names, as on a plain web server.
    plain: Arc<AtomicBool>,
}

/// Without the addresses.
impl std::fmt::Debug for Bucket<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("client", &self.client).finish_non_exhaustive()
    }
}

impl<'a> Bucket<'a> {
    /// The place at a client's address.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self { client, signed: None, pinned: None, plain: Arc::default() }
    }

    /// The same, of a bucket that only those with credentials read.
    #[must_use]
    pub fn signed(client: &'a Client, signed: Signed<'a>) -> Self {
        Self { signed: Some(signed), ..Self::new(client) }
    }

    fn request(&self, path: &str) -> Result<RequestBuilder, Failure> {
        match self.signed {
            None => Ok(self.client.request(Method::GET, path)),
            // The environment's fault: it may pass, as tokens of a machine's role do.
            Some(signed) => signed(path).map(|url| self.client.bare(url)).map_err(Failure::Again),
        }
    }

    /// The same place with the list of one index.
    #[must_use]
    pub fn pinned(&self, index: &Index) -> Self {
        let (client, signed, plain) = (self.client, self.signed, self.plain.clone());
        Self { client, signed, pinned: Some(listed(index)), plain }
    }

    /// What the index says now. Nobody has verified it yet.
    ///
    /// # Errors
    /// When there is none.
    pub fn index(&self) -> Result<Index, Diagnostic> {
        let client = self.client;
        let bytes = client.insist(None, || {
            let response = client.send(self.request(INDEX)?)?;
            read_limited(response, MAX_INDEX_BYTES).map_err(|error| {
                Failure::Again(Diagnostic::environment("network", error).at(INDEX))
            })
        });
        let bytes = bytes.map_err(|failure| {
            Diagnostic::from(failure).at(INDEX).hint(
                "there is neither a service nor an index at this address: ask the coordinator for \
                 it",
            )
        })?;
        Index::from_json(&bytes)
    }

    /// Asks for a file from one byte on: where a publisher puts it, or where a web server has it.
    fn ask(&self, file: &FileInfo, have: u64) -> Result<Response, Failure> {
        let at = |path: &str| {
            let request = self.request(path)?;
            let request = match have {
                0 => request,
                _ => request.header("range", format!("bytes={have}-{}", file.size - 1)),
            };
            self.client.send(request)
        };
        let object = object_of(&file.name, &file.sha256);
        if object == file.name || self.plain.load(Ordering::Relaxed) {
            return at(&file.name);
        }
        match at(&object) {
            // A bucket that does not list itself says 403 of what is not there.
            Err(Failure::Refused(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, _)) => {
                let plain = at(&file.name)?;
                self.plain.store(true, Ordering::Relaxed);
                Ok(plain)
            }
            answer => answer,
        }
    }

    /// Fetches what is missing of a file, in one request.
    fn rest(&self, file: &FileInfo, partial: &mut Partial<'_>) -> Result<(), Failure> {
        let refused = |error: Diagnostic| {
            Failure::Refused(StatusCode::OK, Diagnostic { blame: Blame::Environment, ..error })
        };
        let have = partial.have();
        let mut response = self.ask(file, have)?;
        let begins = format!("bytes {have}-");
        let is_rest = response.status() == StatusCode::PARTIAL_CONTENT
            && response
                .headers()
                .get("content-range")
                .is_some_and(|range| range.as_bytes().starts_with(begins.as_bytes()));
        if have > 0 && !is_rest {
            // A server without ranges sends all of it again.
            partial.restart().map_err(refused)?;
        }
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = response.read(&mut buffer).map_err(|error| {
                Failure::Again(Diagnostic::environment("network", error).at(&file.name))
            })?;
            if count == 0 {
                break;
            }
            metrics::counter!(RECEIVED).increment(count as u64);
            partial.add(&buffer[..count]).map_err(refused)?;
        }
        if partial.have() == file.size {
            return Ok(());
        }
        let what = "the answer broke off";
        Err(Failure::Again(Diagnostic::environment("network", what).at(&file.name)))
    }
}

fn listed(index: &Index) -> FileList {
    let of = |file: &Indexed| FileInfo {
        name: words::file_name(&file.name),
        size: file.size,
        sha256: file.sha256.to_string(),
    };
    FileList { files: index.files().iter().map(of).collect() }
}

impl Source for Bucket<'_> {
    fn files(&self) -> Result<FileList, Diagnostic> {
        match &self.pinned {
            Some(pinned) => Ok(pinned.clone()),
            None => Ok(listed(&self.index()?)),
        }
    }

    fn small_file(&self, file: &FileInfo, limit: usize) -> Result<Vec<u8>, Diagnostic> {
        self.client.small_file_at(file, limit, || self.ask(file, 0))
    }

    fn fetch(
        &self,
        file: &FileInfo,
        partial: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        let measured = Measured::begin(Step::Download, progress);
        let mut partial = Partial::open(file, partial, "index", progress)?;
        let here = partial.have();
        if partial.have() < file.size {
            self.client.insist(None, || self.rest(file, &mut partial))?;
        }
        // Files come before the index that lists them: on a plain web server this one may be newer.
        partial.finish().map_err(|error| Diagnostic {
            blame: Blame::Environment,
            ..error.hint(
                "wait until the publisher has written the index again, and run the same command \
                 again",
            )
        })?;
        measured.done(file.size - here);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::time::Instant;

    use ceremony_core::progress::NoProgress;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::fake::{Fake, begin, whole};

    const BYTES: &[u8] = b"all of the file";

    fn file_of(bytes: &[u8]) -> FileInfo {
        let sha256 = hex::encode(Sha256::digest(bytes));
        FileInfo { name: "phase1/0001.ptau".into(), size: bytes.len() as u64, sha256 }
    }

    #[test]
    fn an_answer_that_ends_too_early_is_gone_on_with_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join("partial");
        // A server whose copy was cut off says so in no other way.
        let server = Fake::start(|number, link| match number {
            0 | 1 => whole(link, "200 OK", "", &BYTES[..4 - number]),
            _ => whole(
                link,
                "206 Partial Content",
                &format!("Content-Range: bytes 3-{}/{}\r\n", BYTES.len() - 1, BYTES.len()),
                &BYTES[3..],
            ),
        });
        let fetch = |patience| {
            let client = server.client(Duration::from_secs(patience));
            Bucket::new(&client).fetch(&file_of(BYTES), &partial, &NoProgress)
        };
        let error = fetch(0).unwrap_err();
        assert_eq!((error.code.as_str(), error.what.as_str()), ("network", "the answer broke off"));
        // What came stays for the next attempt.
        assert_eq!(fs::read(&partial).unwrap(), &BYTES[..4]);
        fetch(60).unwrap();
        assert_eq!(fs::read(&partial).unwrap(), BYTES);
        let ranges: Vec<Option<String>> = server
            .asked()
            .iter()
            .map(|head| {
                head.lines().find_map(|line| line.strip_prefix("range: ")).map(str::to_owned)
            })
            .collect();
        let range = |first| Some(format!("bytes={first}-{}", BYTES.len() - 1));
        assert_eq!(ranges, [None, range(4), range(3)]);
    }

    #[test]
    fn what_an_earlier_attempt_left_and_is_not_the_file_is_fetched_anew() {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join("partial");
        let server = Fake::start(|_, link| whole(link, "200 OK", "", BYTES));
        let client = server.client(Duration::ZERO);
        let fetch = |left: &[u8]| {
            fs::write(&partial, left).unwrap();
            let fetched = Bucket::new(&client).fetch(&file_of(BYTES), &partial, &NoProgress);
            fetched.map(|()| assert_eq!(fs::read(&partial).unwrap(), BYTES))
        };
        // No beginning of it, by its length.
        fetch(&[1; 20]).unwrap();
        // Other bytes are found when all are here, and are not what the next attempt goes on with.
        assert_eq!(fetch(&[1; BYTES.len()]).unwrap_err().code, "damaged");
        assert_eq!(fs::read(&partial).unwrap(), b"");
        // A server without ranges sends all of it.
        fetch(&BYTES[..4]).unwrap();
        fetch(BYTES).unwrap();
        assert_eq!(server.asked().len(), 2);
    }

    #[test]
    fn more_than_the_list_names_is_refused_before_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join("partial");
        let server = Fake::start(|_, link| {
            begin(link, "200 OK", "")?;
            link.write_all(&[1; 1 << 20])
        });
        let client = server.client(Duration::ZERO);
        let fetched = Bucket::new(&client).fetch(&file_of(BYTES), &partial, &NoProgress);
        let error = fetched.unwrap_err();
        assert_eq!(error.code, "damaged");
        assert_eq!(error.found.as_deref(), Some("more than 15 bytes"));
        assert!(fs::read(&partial).unwrap().len() <= BYTES.len());
        assert_eq!(server.asked().len(), 1, "it was asked again");
    }

    /// Files are larger than memories.
    #[test]
    fn what_came_is_on_the_disk_before_the_rest_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join("partial");
        let bytes = vec![1; 1 << 20];
        let half = bytes.len() / 2;
        let (file, watched) = (file_of(&bytes), partial.clone());
        let server = Fake::start(move |_, link| {
            begin(link, "200 OK", &format!("Content-Length: {}\r\n", bytes.len()))?;
            link.write_all(&bytes[..half])?;
            let begun = Instant::now();
            while fs::metadata(&watched).map_or(0, |found| found.len()) < half as u64 {
                if begun.elapsed() > Duration::from_secs(20) {
                    return Ok(()); // In vain: the link is cut.
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            link.write_all(&bytes[half..])
        });
        let client = server.client(Duration::ZERO);
        Bucket::new(&client).fetch(&file, &partial, &NoProgress).unwrap();
    }
}
