//! Fetching files: from a service in parts, from where it sends its clients, and what both ends
//! share with a bucket.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ceremony_core::progress::Progress;
use reqwest::blocking::Response;
use reqwest::{Method, StatusCode, Url};
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::{Blame, Diagnostic};

use crate::client::{Client, Failure, read_limited};
use crate::metrics::{Measured, Step};
use crate::protocol::{FileInfo, FileList};
use crate::sync::Source;

/// Bytes of a list of files at most: those of the largest ceremony.
const MAX_LIST_BYTES: usize = 64 << 20;
/// Bytes that are fetched with one request: at first, at least and at most.
pub(crate) const PART: (usize, usize, usize) = (4 << 20, 64 << 10, 32 << 20);

/// A file that is on its way: what came of it, in this attempt or an earlier one, and its digest.
pub(crate) struct Partial<'a> {
    file: &'a FileInfo,
    path: &'a Path,
    output: File,
    have: u64,
    hash: Sha256,
    /// Who named the file: "service" or "index".
    namer: &'static str,
    progress: &'a dyn Progress,
}

impl<'a> Partial<'a> {
    /// Opens what an earlier attempt left, or begins.
    pub(crate) fn open(
        file: &'a FileInfo,
        path: &'a Path,
        namer: &'static str,
        progress: &'a dyn Progress,
    ) -> Result<Self, Diagnostic> {
        progress.begin(&format!("fetching {}", file.name), file.size);
        let open = || {
            let mut output =
                File::options().read(true).write(true).create(true).truncate(false).open(path)?;
            if output.metadata()?.len() > file.size {
                output.set_len(0)?;
            }
            let (mut hash, mut have) = (Sha256::new(), 0);
            let mut buffer = vec![0; 1 << 20];
            loop {
                match output.read(&mut buffer)? {
                    0 => return Ok((output, hash, have)),
                    count => hash.update(&buffer[..count]),
                }
                have = output.stream_position()?;
            }
        };
        let (output, hash, have) = open().map_err(|error| failed(path, &error))?;
        progress.advance(have);
        Ok(Self { file, path, output, have, hash, namer, progress })
    }

    /// Bytes that are here.
    pub(crate) fn have(&self) -> u64 {
        self.have
    }

    /// Begins again: nothing of what is here is worth keeping.
    pub(crate) fn restart(&mut self) -> Result<(), Diagnostic> {
        let emptied = self.output.set_len(0).and_then(|()| self.output.rewind());
        emptied.map_err(|error| failed(self.path, &error))?;
        (self.have, self.hash) = (0, Sha256::new());
        Ok(())
    }

    /// Adds what came. More than the file has is refused before it is written.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<(), Diagnostic> {
        if self.have + bytes.len() as u64 > self.file.size {
            return Err(other_file(&self.file.name, self.namer)
                .found(format_args!("more than {} bytes", self.file.size))
                .expected(format_args!("{} bytes", self.file.size)));
        }
        let written =
            self.output.seek(SeekFrom::Start(self.have)).and_then(|_| self.output.write_all(bytes));
        written.map_err(|error| failed(self.path, &error))?;
        self.hash.update(bytes);
        self.have += bytes.len() as u64;
        self.progress.advance(bytes.len() as u64);
        // What was here before came in an earlier process, or attempt.
        Step::Download.points().increment(bytes.len() as u64);
        Ok(())
    }

    /// Whether all of it is here and it is the file of the list. What is another file is emptied.
    pub(crate) fn finish(&mut self) -> Result<(), Diagnostic> {
        self.output.sync_all().map_err(|error| failed(self.path, &error))?;
        let found = hex::encode(self.hash.clone().finalize());
        if found == self.file.sha256 {
            return Ok(());
        }
        self.restart()?;
        Err(other_file(&self.file.name, self.namer).found(found).expected(&self.file.sha256))
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        self.progress.end();
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::environment("writing", format_args!("writing failed: {error}")).at(path.display())
}

/// What came is not what the list names. A document may have been replaced meanwhile, which its
/// reader knows.
fn other_file(name: &str, namer: &str) -> Diagnostic {
    let what = format_args!("what came is not the file that the {namer} named");
    Diagnostic::artefact("damaged", what)
        .at(name)
        .hint("run the same command again; if it stays so, tell the coordinator")
}

impl Client {
    /// A small file at an address, whole, held to the list's digest.
    pub(crate) fn small_file_at(
        &self,
        file: &FileInfo,
        limit: usize,
        ask: impl Fn() -> Result<Response, Failure>,
    ) -> Result<Vec<u8>, Diagnostic> {
        if file.size > limit as u64 {
            return Err(Diagnostic::artefact("too-large", "no document of a ceremony is so large")
                .at(&file.name)
                .found(format_args!("{} bytes", file.size))
                .expected(format_args!("at most {limit} bytes")));
        }
        Ok(self.insist(None, || {
            let bytes = read_limited(ask()?, limit).map_err(|error| {
                self.direct.store(true, Ordering::Relaxed);
                Failure::Again(Diagnostic::environment("network", error).at(&file.name))
            })?;
            let found = hex::encode(Sha256::digest(&bytes));
            if found == file.sha256 {
                return Ok(bytes);
            }
            // Asked again where nobody else can have spoilt it.
            self.direct.store(true, Ordering::Relaxed);
            let changed = other_file(&file.name, "service").found(found).expected(&file.sha256);
            Err(Failure::Again(Diagnostic { blame: Blame::Environment, ..changed }))
        })?)
    }

    /// Asks a service for a file, or a part of it, and follows it to where it says that the file
    /// is. The session stays here: what is public needs none. If the file is not to be had there,
    /// the service itself gives it. Also says whether the service answered.
    fn ask_for(
        &self,
        file: &FileInfo,
        part: Option<(u64, u64)>,
    ) -> Result<(Response, bool), Failure> {
        let path = format!("v1/files/{}", file.name);
        let with_part = |request: reqwest::blocking::RequestBuilder| match part {
            None => request,
            Some((first, end)) => request.header("range", format!("bytes={first}-{}", end - 1)),
        };
        let tag = format!("\"{}\"", file.sha256);
        let direct = || {
            let request = self.request(Method::GET, &format!("{path}?direct=true"));
            self.send(with_part(request).header("if-range", &tag)).map(|answer| (answer, true))
        };
        if self.direct.load(Ordering::Relaxed) {
            return direct();
        }
        let request = self.request(Method::GET, &path);
        let response = self.send_once(with_part(request).header("if-range", &tag))?;
        if response.status() != StatusCode::TEMPORARY_REDIRECT {
            return self.judge(response).map(|answer| (answer, true));
        }
        let location = response.headers().get("location").and_then(|it| it.to_str().ok());
        let elsewhere = location.and_then(|it| Url::parse(it).ok());
        let Some(elsewhere) = elsewhere.filter(|it| self.may_be_asked(it)) else {
            return direct();
        };
        // Its own tags are not digests: the bytes are held to theirs when all are here.
        let followed = self.send_once(with_part(self.bare(elsewhere)));
        match followed.and_then(|response| self.judge(response)) {
            Ok(response) => {
                self.was_elsewhere.store(true, Ordering::Relaxed);
                Ok((response, false))
            }
            Err(failure) => {
                tracing::debug!("asking the service itself: {}", Diagnostic::from(failure).what);
                direct()
            }
        }
    }

    fn part(&self, file: &FileInfo, first: u64, end: u64) -> Result<Vec<u8>, Failure> {
        let (response, is_service) = self.ask_for(file, Some((first, end)))?;
        let length = usize::try_from(end - first).unwrap_or(usize::MAX);
        let whole = response.status() == StatusCode::OK && first == 0 && end == file.size;
        let tag = format!("\"{}\"", file.sha256);
        let is_it =
            !is_service || response.headers().get("etag").is_none_or(|found| *found == *tag);
        if !is_it || response.status() != StatusCode::PARTIAL_CONTENT && !whole {
            if !is_service {
                // A server without ranges: the service has them.
                self.direct.store(true, Ordering::Relaxed);
                let what = "the server there sends no parts of files";
                return Err(Failure::Again(Diagnostic::environment("network", what)));
            }
            return Err(Failure::Refused(
                response.status(),
                Diagnostic::environment("changed", "the file was replaced meanwhile")
                    .at(&file.name)
                    .hint("run the same command again"),
            ));
        }
        let bytes = read_limited(response, length).map_err(|error| {
            self.direct.fetch_or(!is_service, Ordering::Relaxed);
            Failure::Again(Diagnostic::environment("network", error).at(&file.name))
        })?;
        if bytes.len() == length {
            Ok(bytes)
        } else {
            self.direct.fetch_or(!is_service, Ordering::Relaxed);
            let what = "the answer broke off";
            Err(Failure::Again(Diagnostic::environment("network", what).at(&file.name)))
        }
    }

    fn fetch_parts(
        &self,
        file: &FileInfo,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        let measured = Measured::begin(Step::Download, progress);
        let mut partial = Partial::open(file, path, "service", progress)?;
        let here = partial.have();
        let mut part = PART.0;
        while partial.have() < file.size {
            let have = partial.have();
            let bytes = self.insist(None, || {
                let end = file.size.min(have + part as u64);
                let got = self.part(file, have, end);
                // A link that does not carry this much at once may carry less.
                part = if got.is_ok() { (part * 2).min(PART.2) } else { (part / 2).max(PART.1) };
                got
            })?;
            partial.add(&bytes)?;
        }
        partial.finish()?;
        measured.done(file.size - here);
        Ok(())
    }
}

impl Source for Client {
    fn files(&self) -> Result<FileList, Diagnostic> {
        Ok(self.insist(None, || {
            let response = self.send(self.request(Method::GET, "v1/files"))?;
            self.json_limited(response, MAX_LIST_BYTES)
        })?)
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn small_file(&self, file: &FileInfo, limit: usize) -> Result<Vec<u8>, Diagnostic> {
        self.small_file_at(file, limit, || self.ask_for(file, None).map(|(response, _)| response))
    }

    fn fetch(
        &self,
        file: &FileInfo,
        partial: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        match self.fetch_parts(file, partial, progress) {
            // Somebody on another road may have spoilt it: the service has the last word.
            Err(error)
                if error.code == "damaged"
                    && self.was_elsewhere.load(Ordering::Relaxed)
                    && !self.direct.swap(true, Ordering::Relaxed) =>
            {
                tracing::warn!("{}: damaged, asking the service itself", file.name);
                self.fetch_parts(file, partial, progress)
            }
            fetched => fetched,
        }
    }
}

#[cfg(test)]
mod tests {
    use ceremony_core::progress::NoProgress;

    use super::*;
    use crate::fake::{Fake, whole};

    const BYTES: &[u8] = b"all of the file";

    fn file() -> FileInfo {
        let sha256 = hex::encode(Sha256::digest(BYTES));
        FileInfo { name: "phase1/0001.ptau".into(), size: BYTES.len() as u64, sha256 }
    }

    #[test]
    fn a_part_has_the_bytes_that_were_asked_for_and_no_more_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for (first, what) in [
            (&b""[..], "the answer broke off"),
            (&BYTES[1..], "the answer broke off"),
            (&[1; 1 << 20], "the answer is longer than any answer"),
        ] {
            let path = folder.path().join(first.len().to_string());
            let server = Fake::start(move |number, link| {
                let body = if number == 0 { first } else { BYTES };
                whole(link, "206 Partial Content", "", body)
            });
            let error =
                server.client(Duration::ZERO).fetch(&file(), &path, &NoProgress).unwrap_err();
            assert_eq!((error.code.as_str(), error.what.as_str()), ("network", what));
            // Nothing of it is kept, and it is asked for again as long as there is time.
            assert_eq!(std::fs::read(&path).unwrap(), b"");
            server.client(Duration::from_secs(60)).fetch(&file(), &path, &NoProgress).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), BYTES);
            assert_eq!(server.asked().len(), 2);
        }
    }

    #[test]
    fn a_document_that_is_said_to_be_large_is_not_asked_for() {
        let server = Fake::start(|_, link| whole(link, "200 OK", "", BYTES));
        let client = server.client(Duration::ZERO);
        let error = client.small_file(&file(), BYTES.len() - 1).unwrap_err();
        assert_eq!(error.code, "too-large");
        assert_eq!(server.asked().len(), 0);
        assert_eq!(client.small_file(&file(), BYTES.len()).unwrap(), BYTES);
    }
}
