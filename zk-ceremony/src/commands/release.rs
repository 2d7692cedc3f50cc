//! `release state`, `sign` and `verify`: which files are the program, by the word of those who hold
//! its release keys.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use ceremony_core::format::bound_file::sha256_file;
use ceremony_core::progress::NoProgress;
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{CommitId, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Timestamp;

use super::ceremony::parse_label;
use super::sign::{Document, confirm};
use crate::cli::release::{ReleaseCommand, SignRelease, StateRelease, VerifyRelease};
use crate::failure;
use crate::outcome::made;
use crate::output::open;
use crate::release::{MAX_SUMS_BYTES, Release, Sums};
use crate::show::verification;
use crate::signer::named_public_key;
use crate::watching::say;

impl ReleaseCommand {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        match self {
            Self::State(command) => command.run(),
            Self::Sign(command) => command.run(),
            Self::Verify(command) => command.run(),
        }
    }
}

impl StateRelease {
    fn run(self) -> Result<(), Diagnostic> {
        let release = Release {
            tag: parse_label("--tag", &self.tag)?,
            commit: CommitId::from_hex(&self.commit)
                .map_err(|refusal| failure::argument("--commit", &refusal))?,
            toolchain: parse_label("--toolchain", &self.toolchain)?,
            image: parse_label("--image", &self.image)?,
            time: Timestamp::now(),
        };
        let sums = read_sums(&self.sums)?;
        let mut output = self.output.create(&[&self.sums])?;
        let refused = |refusal| failure::refusal(&self.output.path, &refusal);
        let envelope = sums.stated(release).and_then(|it| it.to_envelope()).map_err(refused)?;
        output
            .write_all(&envelope.to_json())
            .map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        let path = &self.output.path;
        made(path, format_args!("a statement about {} files", sums.files().count()));
        say!("next: `{PROGRAM} release sign {}`", path.display());
        Ok(())
    }
}

impl SignRelease {
    fn run(self) -> Result<(), Diagnostic> {
        let mut document = Document::read(&self.statement)?;
        let refused = |refusal| failure::refusal(&self.statement, &refusal);
        let sums = read_sums(&self.sums)?;
        sums.statement(document.envelope()).map_err(refused)?;
        eprint!("{}", document.shown()?);
        for (name, digest) in sums.files() {
            eprintln!("file         {digest}  {name}");
        }
        let mut signer = self.signer.open()?;
        let output = document.output(&self.target)?;
        let key = *signer.public_key();
        let (description, fingerprint) = (signer.description(), key.fingerprint());
        confirm(&format!("Sign this release with {description} (key {fingerprint})?"), self.yes)?;
        let signature = signer.sign(&document.envelope().pae())?;
        document.add_signature(&key, &signature).map_err(refused)?;
        document.write_back(output)
    }
}

/// A verified release, as it is shown.
#[derive(Serialize)]
struct ShownRelease {
    file: String,
    result: &'static str,
    tag: String,
    commit: CommitId,
    toolchain: String,
    image: String,
    signed_by: Vec<PublicKey>,
    files: Vec<String>,
}

impl VerifyRelease {
    fn run(self) -> Result<(), Diagnostic> {
        verification(&self.sums, self.verified(), self.json, ShownRelease::print)
    }

    fn verified(&self) -> Result<ShownRelease, Diagnostic> {
        let keys = self.release_keys.iter().map(|key| named_public_key(key));
        let keys = keys.collect::<Result<BTreeSet<PublicKey>, Diagnostic>>()?;
        let threshold = self.threshold.map_or(keys.len(), Into::into);
        if threshold > keys.len() {
            return Err(Diagnostic::environment(
                "threshold",
                "more signatures than keys are asked for",
            )
            .at("--threshold")
            .found(threshold)
            .expected(format_args!("at most {}, the distinct keys given", keys.len()))
            .hint("name each release key with a --release-key of its own"));
        }
        let sums = read_sums(&self.sums)?;
        let refused = |refusal| failure::refusal(&self.statement, &refusal);
        let envelope = read_regular(&self.statement, Envelope::MAX_BYTES)
            .and_then(|bytes| Envelope::from_json(&bytes))
            .map_err(refused)?;
        let signers = envelope.signers(&keys);
        if signers.len() < threshold {
            return Err(Diagnostic::artefact(
                "threshold-not-met",
                "too few release keys have signed",
            )
            .at(self.statement.display())
            .found(format_args!("{} of the {} keys given", signers.len(), keys.len()))
            .expected(format_args!("{threshold}"))
            .hint("compare the keys with those that the project publishes in several places"));
        }
        let release = sums.statement(&envelope).map_err(refused)?;
        if let Some(tag) = self.tag.as_ref().filter(|tag| **tag != release.tag.to_string()) {
            return Err(Diagnostic::artefact(
                "another-release",
                "the signed list is of another release",
            )
            .at(self.statement.display())
            .found(&release.tag)
            .expected(tag)
            .hint("fetch list, statement and files of the same release"));
        }
        let files = self.files.iter().map(|path| ensure_of(&sums, path));
        Ok(ShownRelease {
            file: self.sums.display().to_string(),
            result: "good",
            tag: release.tag.to_string(),
            commit: release.commit,
            toolchain: release.toolchain.to_string(),
            image: release.image.to_string(),
            files: files.collect::<Result<_, _>>()?,
            signed_by: signers.into_iter().collect(),
        })
    }
}

impl ShownRelease {
    fn print(&self) {
        println!("  release      {}, commit {}", self.tag, self.commit);
        println!("  built with   {}", self.toolchain);
        println!("  built in     {}", self.image);
        for key in &self.signed_by {
            println!("  signed by    {key}");
        }
        for file in &self.files {
            println!("  file         {file}");
        }
    }
}

/// Holds a file to the list, by its name there.
fn ensure_of(sums: &Sums, path: &Path) -> Result<String, Diagnostic> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(expected) = sums.get(&name) else {
        let names: Vec<&str> = sums.files().map(|(name, _)| name).collect();
        return Err(Diagnostic::artefact("not-listed", "the release has no file of this name")
            .at(path.display())
            .expected(names.join(", "))
            .hint("keep the name that the file has in the release"));
    };
    let mut file = open(path)?;
    let found = sha256_file(&mut file, &NoProgress).map(|digest| FileDigest(digest.0)).map_err(
        |error| {
            Diagnostic::environment("io", format_args!("reading failed: {error}"))
                .at(path.display())
        },
    )?;
    if found == expected {
        return Ok(name);
    }
    Err(Diagnostic::artefact("digest", "this is not the file of the release")
        .at(path.display())
        .found(found)
        .expected(expected)
        .hint("delete it, and fetch it again"))
}

fn read_sums(path: &Path) -> Result<Sums, Diagnostic> {
    read_regular(path, MAX_SUMS_BYTES)
        .and_then(|bytes| Sums::parse(&bytes))
        .map_err(|refusal| failure::refusal(path, &refusal))
}
