//! `index.json`: what there is of a ceremony, for readers that have no service to ask.
//!
//! A bucket or a plain web server lists nothing that one could rely on. The index names every
//! public file with its size and SHA-256, and the coordinator, or a service that the coordinator
//! appointed, signs it. Files are verified as those of a folder are, whoever listed them; the
//! signature says that this is the list, and from when.
//!
//! ```text
//! {"envelope":DSSE,"files":[{"name":...,"size":...,"sha256":...},...]}
//! ```
//!
//! Files are sorted by name. The subject of the statement in the envelope is the SHA-256 of the
//! canonical JSON of the list: a list is longer than what one signs.
//!
//! In a bucket a step has its own name; a document that may be written anew, and evidence, stands
//! under its digest, `versions/SHA256/NAME`: nothing there is ever replaced but the index, which so
//! names one state of everything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ceremony_core::progress::Progress;
use serde::{Deserialize, Serialize};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::json;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Predicate, Statement, Subject};

use crate::archive_set::{archive_set, is_versioned};
use crate::digests::KnownDigests;
use crate::error::{CeremonyError, at, broken};
use crate::folder::{Slot, StepName};
use crate::service::appointments;
use crate::steps::write_file;
use crate::{Ceremony, Config, FolderLock};

/// The index's name in the folder.
pub const INDEX: &str = "index.json";
/// Bytes of an index at most: 2^18 files with long names.
pub const MAX_INDEX_BYTES: usize = 64 << 20;
/// The folder of a bucket in which documents stand that may be written anew.
const VERSIONS: &str = "versions";
/// What the subject of the statement is called.
const SUBJECT: &str = "files";

/// A file of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexed {
    /// Its name in the folder, with `/` between the parts.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: FileDigest,
}

impl Indexed {
    /// Where it is in a bucket that is published to.
    #[must_use]
    pub fn object(&self) -> String {
        object_of(&self.name, &self.sha256.to_string())
    }
}

/// Where a file is in a bucket that is published to. A plain web server has it under its name.
#[must_use]
pub fn object_of(name: &str, sha256: &str) -> String {
    if is_versioned(name) { format!("{VERSIONS}/{sha256}/{name}") } else { name.to_owned() }
}

/// What is signed of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexClaim {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// Whose signature it is.
    pub key: PublicKey,
    /// When.
    pub time: Timestamp,
}

impl IndexClaim {
    /// Whether it is dated later than so many seconds from now, which is more than clocks differ.
    /// Such a list must not be followed: no other one would come after it until then.
    #[must_use]
    pub fn is_ahead_by(&self, seconds: u64) -> bool {
        self.time.unix() > Timestamp::now().unix().saturating_add(seconds)
    }
}

impl Predicate for IndexClaim {
    const TYPE: &'static str = "urn:zk-ceremony:index:v1";
    const RENEW: &'static str = "have the index written again, with `ceremony index`";
}

/// An index, as it is read and written. Nobody has verified it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    envelope: Envelope,
    files: Vec<Indexed>,
}

impl Index {
    /// Reads one.
    ///
    /// # Errors
    /// When it is too long, or no index.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Diagnostic> {
        json::parse(bytes, MAX_INDEX_BYTES, "index").map_err(|refusal| Diagnostic::from(&refusal))
    }

    /// Its bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = json::encode(self);
        bytes.push(b'\n');
        bytes
    }

    /// The list, whoever made it.
    #[must_use]
    pub fn files(&self) -> &[Indexed] {
        &self.files
    }

    /// How many steps of chains it has, the prepared file apart: files with their attestation, and
    /// without a rejection.
    #[must_use]
    pub fn steps(&self) -> usize {
        steps(&self.files)
    }

    /// Holds the list to the signature of the coordinator, or of a service that the coordinator
    /// appointed, and says what was signed.
    ///
    /// # Errors
    /// When neither signed this list, for this ceremony.
    pub fn signed(&self, ceremony: &Ceremony) -> Result<IndexClaim, CeremonyError> {
        let path = ceremony.folder.root().join(INDEX);
        let Statement { subject, predicate } =
            Statement::<IndexClaim>::from_payload(self.envelope.payload()).map_err(at(&path))?;
        let may_sign = ceremony.may_sign_an_index(&predicate.key)?;
        if !may_sign || self.envelope.signers([&predicate.key]).is_empty() {
            return Err(broken(
                &path,
                "neither the coordinator nor a service of this ceremony signed the index",
                predicate.key,
                "the coordinator's key, or one that the coordinator appointed",
            ));
        }
        let found = FileDigest::of(&json::encode(&self.files));
        let is_it = matches!(subject.as_slice(), [it] if it.digest.sha256.0 == found.0);
        let rules = ceremony.config.digest();
        if !is_it || predicate.ceremony_toml_sha256 != rules {
            return Err(broken(
                &path,
                "the index is not the one that was signed",
                format_args!("a list with the digest {found}"),
                format_args!("the signed list, of the rules {rules}"),
            ));
        }
        Ok(predicate)
    }
}

fn steps(files: &[Indexed]) -> usize {
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let has = |stem: &str, ending: &str| names.contains(format!("{stem}{ending}").as_str());
    let is_step = |name: &&&str| {
        let stem = name.strip_suffix(".ptau").or_else(|| name.strip_suffix(".zkey"));
        stem.is_some_and(|stem| {
            let last = stem.rsplit('/').next().unwrap_or(stem);
            StepName::parse(last).is_some_and(|it| it.slot != Slot::Prepared)
                && has(stem, ".dsse.json")
                && !has(stem, ".reject.dsse.json")
        })
    };
    names.iter().filter(is_step).count()
}

/// The public files of a folder, and its lock, for signing a list of them. They are hashed before
/// the lock is taken, and then only what changed meanwhile: steps wait for the lock.
///
/// # Errors
/// When the key is of nobody whose list counts, the lock stays taken, the ceremony is not sound,
/// or a file cannot be read or published.
pub fn locked_files(
    root: &Path,
    signer: &PublicKey,
    digests: &mut KnownDigests,
    progress: &dyn Progress,
) -> Result<(FolderLock, Ceremony, Vec<Indexed>), Diagnostic> {
    // What fails here may be half written: under the lock it is not.
    if let Ok(ceremony) = Ceremony::open_sound(root) {
        ceremony.ensure_may_sign_an_index(signer)?;
        let _ = ceremony.public_files(digests, progress);
    }
    let lock = FolderLock::take(root)?;
    let ceremony = Ceremony::open_sound(root)?;
    ceremony.ensure_may_sign_an_index(signer)?;
    let files = ceremony.public_files(digests, progress)?;
    Ok((lock, ceremony, files))
}

impl Ceremony {
    /// Whether a list that this key signs counts: the coordinator's, or that of a service that the
    /// coordinator appointed.
    fn may_sign_an_index(&self, key: &PublicKey) -> Result<bool, CeremonyError> {
        // Without looking at what others put into the folder.
        Ok(coordinators(&self.config).any(|it| it == *key)
            || appointments(self)?.iter().any(|appointed| appointed.service_key == *key))
    }

    fn ensure_may_sign_an_index(&self, key: &PublicKey) -> Result<(), Diagnostic> {
        if self.may_sign_an_index(key)? {
            return Ok(());
        }
        let what = "a list of the files counts by the coordinator's signature, or by a service's";
        Err(Diagnostic::environment("not-the-coordinator", what)
            .at(self.folder.root().display())
            .found(format_args!("the key {}", key.fingerprint()))
            .expected("the coordinator's key, or one that the coordinator appointed")
            .hint(format_args!(
                "sign with one of them; `{PROGRAM} ceremony appoint` names a service's key"
            )))
    }

    /// The public files of this folder as they are now.
    ///
    /// # Errors
    /// When the folder has what must not be published, or a file cannot be read.
    pub fn public_files(
        &self,
        digests: &mut KnownDigests,
        progress: &dyn Progress,
    ) -> Result<Vec<Indexed>, CeremonyError> {
        let mut files = Vec::new();
        for file in archive_set(self)?.files {
            let (size, sha256) = digests.of(&self.folder, &file.path, progress)?;
            files.push(Indexed { name: file.name, size, sha256 });
        }
        Ok(files)
    }

    /// Signs an index of these files, and writes it into the folder. The caller holds the folder's
    /// lock, since before it read them.
    ///
    /// # Errors
    /// When the signer is neither the coordinator's nor an appointed service's, or writing fails.
    pub fn write_index(
        &self,
        files: Vec<Indexed>,
        signer: &mut dyn Signer,
    ) -> Result<(Index, PathBuf), Diagnostic> {
        let path = self.folder.root().join(INDEX);
        let digest = FileDigest::of(&json::encode(&files));
        let predicate = IndexClaim {
            ceremony: self.config.document().id.clone(),
            ceremony_toml_sha256: self.config.digest(),
            key: *signer.public_key(),
            time: self.time_of_index(),
        };
        let subject = Subject::new(SUBJECT, digest.as_bytes()).map_err(at(&path))?;
        let statement = Statement { subject: vec![subject], predicate };
        let mut envelope = statement.to_envelope().map_err(at(&path))?;
        sign_envelope(signer, &mut envelope)?;
        let index = Index { envelope, files };
        // Held to what every reader holds it to: another key is refused here.
        index.signed(self)?;
        write_file(self, &path, &index.to_json(), true)?;
        Ok((index, path))
    }

    /// Now, and after the list that is there: two lists of one second would have no order. What is
    /// there and says a far day to come is not followed.
    fn time_of_index(&self) -> Timestamp {
        let now = Timestamp::now();
        let before = self.index().ok().flatten().map_or(0, |(_, claim)| claim.time.unix());
        if (now.unix()..now.unix() + 60).contains(&before) {
            Timestamp::from_unix(before + 1)
        } else {
            now
        }
    }

    /// The index of this folder, with what was signed of it, if there is one.
    ///
    /// # Errors
    /// When it is no index, or nobody signed it who may.
    pub fn index(&self) -> Result<Option<(Index, IndexClaim)>, Diagnostic> {
        let path = self.folder.root().join(INDEX);
        if !self.folder.is_present(&path) {
            return Ok(None);
        }
        let index = Index::from_json(&self.folder.read(&path, MAX_INDEX_BYTES)?)?;
        let claim = index.signed(self)?;
        Ok(Some((index, claim)))
    }
}

/// The coordinator of the rules, and those who may have taken over: a copy that has nothing yet
/// does not know who did.
fn coordinators(rules: &Config) -> impl Iterator<Item = PublicKey> {
    let deputies = rules.deputies().into_iter().flat_map(|deputies| deputies.keys);
    std::iter::once(rules.document().coordinator.key).chain(deputies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{COORDINATOR, Holder, key, label, rules, signed};

    fn world() -> (tempfile::TempDir, Ceremony) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ceremony.toml"), rules()).unwrap();
        let ceremony = Ceremony::open(folder.path()).unwrap();
        (folder, ceremony)
    }

    fn files() -> Vec<Indexed> {
        vec![Indexed { name: "ceremony.toml".into(), size: 1, sha256: FileDigest([7; 32]) }]
    }

    #[test]
    fn a_list_is_signed_by_the_coordinator_or_an_appointed_service_over_just_these_files() {
        let (folder, ceremony) = world();
        let other = ConfigDigest::of(b"other rules");
        let index = |key: PublicKey, signer: &str, rules: ConfigDigest, listed: &[Indexed]| {
            let predicate = IndexClaim {
                ceremony: ceremony.config.document().id.clone(),
                ceremony_toml_sha256: rules,
                key,
                time: Timestamp::from_unix(1),
            };
            let digest = FileDigest::of(&json::encode(&listed));
            let subject = vec![Subject::new(SUBJECT, digest.as_bytes()).unwrap()];
            let envelope = signed(&Statement { subject, predicate }, &[signer]);
            let index = Index { envelope, files: files() };
            index.signed(&ceremony).map(|claim| claim.key).map_err(|error| error.to_string())
        };
        let ours = ceremony.config.digest();
        let coordinator = key(COORDINATOR);
        assert_eq!(index(coordinator, COORDINATOR, ours, &files()), Ok(coordinator));
        // Who takes over may be known to the rules only.
        assert_eq!(index(key("dora"), "dora", ours, &files()), Ok(key("dora")));
        let mut larger = files();
        larger[0].size += 1;
        let (nobody, another) =
            ("neither the coordinator nor a service", "not the one that was signed");
        for (key, signer, rules, listed, what) in [
            (coordinator, "alice", ours, files(), nobody),
            (key("alice"), "alice", ours, files(), nobody),
            (key("service"), "service", ours, files(), nobody),
            (coordinator, COORDINATOR, other, files(), another),
            // Its size is signed as well as its digest, and that it is there.
            (coordinator, COORDINATOR, ours, larger, another),
            (coordinator, COORDINATOR, ours, Vec::new(), another),
        ] {
            let refused = index(key, signer, rules, &listed).unwrap_err();
            assert!(refused.contains(what), "{what}: {refused}");
        }
        let mut appoints = Holder::of(COORDINATOR);
        let origin = label("https://ceremony.example.org");
        crate::service::appoint(&ceremony, key("service"), &origin, &mut appoints).unwrap();
        assert_eq!(index(key("service"), "service", ours, &files()), Ok(key("service")));
        // What no reader would take is not written.
        let refused = ceremony.write_index(files(), &mut Holder::of("alice")).unwrap_err();
        assert!(refused.what.contains(nobody), "{refused}");
        assert!(!folder.path().join(INDEX).exists());
    }

    #[test]
    fn two_lists_of_one_second_have_an_order_and_a_day_to_come_is_not_followed() {
        let (folder, ceremony) = world();
        let write = || ceremony.write_index(files(), &mut Holder::of(COORDINATOR)).unwrap();
        let time = || ceremony.index().unwrap().unwrap().1.time.unix();
        write();
        let first = time();
        write();
        let second = time();
        assert!(second > first && second < first + 60, "{first} and {second}");
        let claim = IndexClaim {
            time: Timestamp::from_unix(first + 100_000),
            ..ceremony.index().unwrap().unwrap().1
        };
        let digest = FileDigest::of(&json::encode(&files()));
        let subject = vec![Subject::new(SUBJECT, digest.as_bytes()).unwrap()];
        let envelope = signed(&Statement { subject, predicate: claim }, &[COORDINATOR]);
        let far = Index { envelope, files: files() };
        std::fs::write(folder.path().join(INDEX), far.to_json()).unwrap();
        assert_eq!(time(), first + 100_000);
        write();
        assert!(time() < first + 60, "{first} and {}", time());
    }

    #[test]
    fn steps_are_counted_and_nothing_else() {
        let file = |name: &str| Indexed { name: name.into(), size: 1, sha256: FileDigest([0; 32]) };
        let files = [
            "ceremony.toml",
            "phase1/0000.ptau",
            "phase1/0000.dsse.json",
            "phase1/0001.ptau",
            "phase1/0001.dsse.json",
            // Rejected, and done again.
            "phase1/0001.reject.dsse.json",
            "phase1/0001-2.ptau",
            "phase1/0001-2.dsse.json",
            // Nobody has signed it yet.
            "phase1/0002.ptau",
            // Its data is still to come.
            "phase1/0003.dsse.json",
            "phase1/prepared.ptau",
            "phase1/prepared.dsse.json",
            "circuits/main/circuit.r1cs",
            "circuits/main/final.zkey",
            "circuits/main/final.dsse.json",
            "evidence/0001.zkey.txt",
        ];
        let files: Vec<Indexed> = files.into_iter().map(file).collect();
        assert_eq!(steps(&files), 3);
    }
}
