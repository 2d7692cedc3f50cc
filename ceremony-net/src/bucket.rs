//! A ceremony in a bucket, or on a plain web server: `index.json`, and the files beside it.
//!
//! There is nobody to ask. Files are fetched with one request each, and a fetch that broke off goes
//! on where the server can do that. What came is held to the index, the index to its signature, and
//! everything to the attestations, as everywhere.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use ceremony_core::progress::Progress;
use ceremony_folder::index::{INDEX, Index, MAX_INDEX_BYTES};
use reqwest::{Method, StatusCode};
use zk_attest::diagnostic::Diagnostic;

use crate::client::{Client, Failure, digest_so_far, read_limited};
use crate::protocol::{FileInfo, FileList};
use crate::sync::Source;

/// How often an index is looked at: as often as a ceremony of minutes a turn changes.
pub const LOOK: Duration = Duration::from_secs(30);

/// See the module's documentation.
#[derive(Debug)]
pub struct Bucket<'a>(&'a Client);

impl<'a> Bucket<'a> {
    /// The place at a client's address.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self(client)
    }

    /// What the index says now. Nobody has verified it yet.
    ///
    /// # Errors
    /// When there is none.
    pub fn index(&self) -> Result<Index, Diagnostic> {
        let client = self.0;
        let bytes = client.insist(None, || {
            let response = client.send(client.request(Method::GET, INDEX))?;
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

    /// Fetches what is missing of a file to the end of `output`, in one request.
    fn rest(
        &self,
        file: &FileInfo,
        output: &mut File,
        have: u64,
        progress: &dyn Progress,
    ) -> Result<u64, Failure> {
        let mut request = self.0.request(Method::GET, &file.name);
        if have > 0 {
            request = request.header("range", format!("bytes={have}-{}", file.size - 1));
        }
        let mut response = self.0.send(request)?;
        let begins = format!("bytes {have}-");
        let is_rest = response.status() == StatusCode::PARTIAL_CONTENT
            && response
                .headers()
                .get("content-range")
                .is_some_and(|range| range.as_bytes().starts_with(begins.as_bytes()));
        let failed = |error: std::io::Error| {
            Failure::Refused(
                StatusCode::OK,
                Diagnostic::environment("writing", format_args!("writing failed: {error}"))
                    .at(&file.name),
            )
        };
        let mut have = have;
        if have > 0 && !is_rest {
            // A server without ranges sends all of it again.
            output.set_len(0).map_err(failed)?;
            std::io::Seek::rewind(output).map_err(failed)?;
            have = 0;
        }
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = response.read(&mut buffer).map_err(|error| {
                Failure::Again(Diagnostic::environment("network", error).at(&file.name))
            })?;
            if count == 0 {
                return Ok(have);
            }
            have += count as u64;
            if have > file.size {
                return Err(Failure::Refused(StatusCode::OK, replaced(file)));
            }
            output.write_all(&buffer[..count]).map_err(failed)?;
            progress.advance(count as u64);
        }
    }
}

fn replaced(file: &FileInfo) -> Diagnostic {
    Diagnostic::environment("changed", "the file is not the one that the index names")
        .at(&file.name)
        .hint(
            "wait until the publisher has written the index again, and run the same command again",
        )
}

/// A bucket with one index, which somebody has held to its signature.
#[derive(Debug)]
pub struct Pinned<'a>(pub &'a Bucket<'a>, pub &'a Index);

impl Source for Pinned<'_> {
    fn files(&self) -> Result<FileList, Diagnostic> {
        Ok(listed(self.1))
    }

    fn small_file(&self, file: &FileInfo, limit: usize) -> Result<Vec<u8>, Diagnostic> {
        self.0.small_file(file, limit)
    }

    fn fetch(
        &self,
        file: &FileInfo,
        partial: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        self.0.fetch(file, partial, progress)
    }
}

fn listed(index: &Index) -> FileList {
    let of = |file: &ceremony_folder::index::Indexed| FileInfo {
        name: file.name.clone(),
        size: file.size,
        sha256: file.sha256.to_string(),
    };
    FileList { files: index.files().iter().map(of).collect() }
}

impl Source for Bucket<'_> {
    fn files(&self) -> Result<FileList, Diagnostic> {
        Ok(listed(&self.index()?))
    }

    fn small_file(&self, file: &FileInfo, limit: usize) -> Result<Vec<u8>, Diagnostic> {
        self.0.small_file_at(&file.name, file, limit)
    }

    fn fetch(
        &self,
        file: &FileInfo,
        partial: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Diagnostic> {
        let failed = |error: std::io::Error| {
            Diagnostic::environment("writing", format_args!("writing failed: {error}"))
                .at(partial.display())
        };
        let mut output = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(partial)
            .map_err(failed)?;
        if output.metadata().map_err(failed)?.len() > file.size {
            output.set_len(0).map_err(failed)?;
        }
        progress.begin(&format!("fetching {}", file.name), file.size);
        let fetched = self.0.insist(None, || {
            // Behind what is there, whatever an attempt before this one wrote.
            let have = std::io::Seek::seek(&mut output, std::io::SeekFrom::End(0));
            let have = have.map_err(|error| Failure::Refused(StatusCode::OK, failed(error)))?;
            let have =
                if have < file.size { self.rest(file, &mut output, have, progress)? } else { have };
            if have == file.size {
                return Ok(());
            }
            let what = "the answer broke off";
            Err(Failure::Again(Diagnostic::environment("network", what).at(&file.name)))
        });
        progress.end();
        fetched?;
        output.sync_all().map_err(failed)?;
        let found = digest_so_far(&mut output).map_err(failed)?;
        if found == file.sha256 {
            return Ok(());
        }
        output.set_len(0).map_err(failed)?;
        Err(Diagnostic { code: "damaged".into(), ..replaced(file) }
            .found(found)
            .expected(&file.sha256))
    }
}
